#include "label/unlabelled.h"

gr_status gr__unlabelled_open(gr_dataset **data, gr_labels **labels, const gr_source *source,
                              const gr_tokenizer *tokenizer, int width, gr_error *err) {
    gr_corpus *corpus;
    *data = NULL;
    *labels = NULL;
    GR_TRY(gr_corpus_open(&corpus, &(gr_corpus_def){.sources = source, .source_count = 1}, err));

    /* Documents longer than the width are evaluated in pieces. */
    gr_status status = gr_dataset_new(data, corpus, tokenizer, &(gr_dataset_def){.seed = 1}, err);
    gr_corpus_free(corpus);
    if (status == GR_OK)
        status = gr_dataset_pieces(data, &(gr_pieces_def){.width = width}, err);
    if (status == GR_OK)
        status = gr_labels_new(labels, &(*data)->topics, NULL, 0, NULL, 0, 1, err);
    if (status != GR_OK) {
        gr_dataset_free(*data);
        *data = NULL;
    }
    return status;
}
