/* gate.c - a model folder with and without one of its regions: what it makes of a line of text, and how it goes on.
 *
 *     cc -O2 gate.c $(pkg-config --cflags --libs gradroute) -o gate
 *     ./gate runs/demo/routed/model biology "a small bird"
 */
#include <gradroute/infer.h>
#include <gradroute/lab.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gr_error err;
static void check(gr_status status) {
    char line[1200];
    if (status == GR_OK)
        return;
    fprintf(stderr, "gate: %s\n", gr_error_text(&err, line, sizeof line));
    exit(1);
}

/* Nats per token of the text as a document, between the start and the end token, as in training. */
static double loss(gr_model *model, const gr_tables *profile, const gr_tokenizer *tokenizer, const char *text) {
    int32_t *ids = NULL;
    size_t n = 0, room = 0;
    check(gr_tokenizer_encode(tokenizer, &ids, &n, &room, text, strlen(text), &err));
    int32_t *document = malloc((n + 2) * sizeof *document);
    document[0] = gr_tokenizer_start(tokenizer), document[n + 1] = gr_tokenizer_end(tokenizer);
    for (size_t i = 0; i < n; i++)
        document[i + 1] = ids[i];
    const int rows = (int)n + 1; /* each token but the first is predicted from those before it */
    double sum = 0;
    int stride;
    gr_run *run;
    check(gr_run_new(&run, model, profile, &(gr_run_def){.positions = rows}, &err));
    gr_run_forward(run, &(gr_batch){.positions = rows, .ids = document, .targets = document + 1, .denominator = rows});
    const gr_real *each = gr_run_value(run, gr_model_output(model, "row_loss"), &stride);
    for (int i = 0; i < rows; i++)
        sum += each[i * stride];
    gr_run_free(run), gr_free(ids), free(document);
    return sum / rows;
}

int main(int argc, char **argv) {
    if (argc < 4)
        return fprintf(stderr, "usage: gate MODEL REGION TEXT\n"), 2;
    const char *region = argv[2], *text = argv[3];
    gr_bundle *folder;
    gr_tokenizer *tokenizer;
    check(gr_bundle_load(&folder, argv[1], NULL, 0, &err));
    if (!folder->info.tokenizer)
        return fprintf(stderr, "gate: there is no tokenizer in %s\n", argv[1]), 1;
    check(gr_tokenizer_open(&tokenizer, folder->info.tokenizer, &err));
    gr_decoder_def window = gr_decoder_default();
    window.context = folder->def->context;
    for (int off = 0; off < 2; off++) {
        gr_tables *profile; /* all regions on, or this one off */
        gr_decoder *decoder;
        gr_completion done;
        gr_complete_def greedy = gr_complete_default();
        greedy.generate.tokens = 16;
        check(gr_profile_new(&profile, folder->model, &region, off, &err));
        check(gr_decoder_new(&decoder, folder->model, profile, &window, &err));
        check(gr_complete(&done, decoder, tokenizer, text, strlen(text), &greedy, &err));
        printf("%s %s: loss %.3f nats per token; %s ...%s\n", region, off ? "off" : "on",
               loss(folder->model, profile, tokenizer, text), text, done.text);
        gr_completion_free(&done), gr_decoder_free(decoder), gr_tables_free(profile);
    }
    gr_tokenizer_free(tokenizer), gr_bundle_free(folder);
    return 0;
}
