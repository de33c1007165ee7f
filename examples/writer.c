/* writer.c - trains a small transformer on a file of text, then lets it go on from a prompt.
 *
 *     cc -O2 writer.c $(pkg-config --cflags --libs gradroute) -o writer
 *     ./writer stories.txt 400 "Once upon a time"          FILE STEPS PROMPT; texts lie between "<|endoftext|>" */
#include <gradroute/arch.h>
#include <gradroute/infer.h>
#include <gradroute/train.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void try(gr_status status, const gr_error *err) {
    char line[1200];
    if (status == GR_OK)
        return;
    fprintf(stderr, "writer: %s\n", gr_error_text(err, line, sizeof line));
    exit(1);
}

static void progress(void *user, const gr_progress *at) {
    (void)user;
    if (at->step % 50 == 0 || at->step == at->steps)
        printf("step %d: loss %.3f, %.0f tokens/s\n", (int)at->step, at->loss, at->tokens_per_s);
}

static bool show(void *user, const char *text, size_t length) {
    (void)user;
    fwrite(text, 1, length, stdout);
    return fflush(stdout) == 0;
}

int main(int argc, char **argv) {
    if (argc < 4)
        return fprintf(stderr, "usage: writer FILE STEPS PROMPT\n"), 2;
    gr_error err = {0};

    /* Text to documents, documents to tokens, tokens to batches. */
    gr_source source = gr_source_default();
    source.reader = "text";
    source.path = argv[1];
    gr_corpus *corpus;
    gr_tokenizer *tokenizer;
    gr_dataset *data;
    gr_labels *labels;
    gr_stream *stream;
    try(gr_corpus_open(&corpus, &(gr_corpus_def){.sources = &source, .source_count = 1}, &err), &err);
    try(gr_tokenizer_train(&tokenizer, corpus->texts, corpus->topics.docs, 1024, NULL, &err), &err);
    try(gr_dataset_new(&data, corpus, tokenizer, &(gr_dataset_def){.seed = 1}, &err), &err);
    try(gr_labels_new(&labels, &data->topics, NULL, 0, NULL, 0, 1, &err), &err);
    gr_stream_def rows = gr_stream_default();
    rows.docs = data->train;
    rows.doc_count = data->train_count;
    try(gr_stream_new(&stream, data, labels, &rows, &err), &err);

    gr_arch_def def = gr_arch_default();
    def.vocab = gr_tokenizer_size(tokenizer);
    def.context = rows.width;
    def.layers = 3;
    def.width = 128;
    def.heads = 4;
    gr_model *model;
    try(gr_arch_build(&model, &def, 1, &err), &err);
    gr_model_set_precision(model, GR_PRECISION_AUTO);

    gr_train_def train = gr_train_default();
    train.model = model;
    train.stream = stream;
    train.rows = rows.rows;
    train.width = rows.width;
    train.steps = atoi(argv[2]);
    train.optim.lr = 0.003;
    train.optim.schedule = GR_SCHEDULE_COSINE;
    train.optim.total = train.steps;
    train.optim.warmup = train.steps / 10;
    train.progress = progress;
    try(gr_train(&train, &err), &err);

    gr_decoder *decoder;
    gr_completion done;
    gr_complete_def how = gr_complete_default();
    how.generate.tokens = 100;
    how.generate.temperature = 0.8;
    how.generate.top_p = 0.95;
    how.show = show;
    try(gr_decoder_new(&decoder, model, NULL, &(gr_decoder_def){.context = def.context}, &err), &err);
    printf("%s", argv[3]);
    try(gr_complete(&done, decoder, tokenizer, argv[3], strlen(argv[3]), &how, &err), &err);
    printf("\n[%s: %d tokens, %.0f a second]\n", gr_finish_name(done.finish), done.tokens, done.tokens_per_s);

    gr_completion_free(&done), gr_decoder_free(decoder), gr_model_free(model), gr_stream_free(stream);
    gr_labels_free(labels), gr_dataset_free(data), gr_tokenizer_free(tokenizer), gr_corpus_free(corpus);
    return 0;
}
