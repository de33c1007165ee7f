/* label_helpers.h - a corpus with its tokenizer and dataset, for the tests of labels. */
#ifndef GR_TESTS_LABEL_HELPERS_H
#define GR_TESTS_LABEL_HELPERS_H

#include "gradroute/data.h"
#include "support.h"

typedef struct world {
    gr_corpus *corpus;
    gr_tokenizer *tokenizer;
    gr_dataset *data;
} world;

/* Documents of one text, between end tokens; all for training. */
static inline gr_status world_open_text(world *w, const char *text, size_t length) {
    gr_error err = {0};
    gr_source source = gr_source_default();
    source.reader = "text", source.path = gr_test_write("corpus.txt", text, length);
    GR_TRY(gr_corpus_open(&w->corpus, &(gr_corpus_def){.sources = &source, .source_count = 1}, &err));
    GR_TRY(gr_tokenizer_train(&w->tokenizer, w->corpus->texts, w->corpus->topics.docs, 300, NULL, &err));
    return gr_dataset_new(&w->data, w->corpus, w->tokenizer, &(gr_dataset_def){.seed = 1}, &err);
}

static inline int world_free(void **state) {
    world *w = *state;
    gr_corpus_free(w->corpus);
    gr_tokenizer_free(w->tokenizer);
    gr_dataset_free(w->data);
    return gr_test_files_teardown(state);
}

#endif
