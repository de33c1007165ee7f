/* scored.c - what rows of a width hold of the documents, and what a measurement counts of it: tokens that are
 * predicted, and bytes of text for losses per byte. */
#include "base/mem.h"
#include "label/text.h"

/* What rows of `width` positions leave out of the documents: how many are longer, and how many of their targets do not
 * fit. */
gr_cut gr_dataset_cut(const gr_dataset *data, const uint32_t *docs, size_t count, int width) {
    gr_cut cut = {0};
    for (size_t i = 0; i < count; i++) {
        uint64_t n = gr_dataset_targets(data, docs[i]);
        cut.all += (int64_t)n;
        if (n > (uint64_t)width) {
            cut.documents++;
            cut.targets += (int64_t)(n - (uint64_t)width);
        }
    }
    return cut;
}

/* Whether a position counts in a measurement: of a document with labels by token only the labelled ones. */
bool gr_labels_counts(const gr_labels *labels, uint32_t doc, int16_t truth) {
    return !labels || !labels->token_truth || labels->truth[doc] <= 0 || truth > 0;
}

/* What a token adds to the text. */
static uint32_t bytes_of(const gr__doc_text *text, size_t token) {
    return text->end[token] - (token ? text->end[token - 1] : 0);
}

gr_scored gr_dataset_scored(const gr_dataset *data, const gr_labels *labels, const gr_tokenizer *tokenizer,
                            uint32_t doc, int width) {
    uint64_t first = data->offsets[doc], n = data->offsets[doc + 1] - first;
    uint64_t targets = gr_dataset_targets(data, doc);
    targets = targets < (uint64_t)width ? targets : (uint64_t)width;

    /* With labels by token, only the tokens that have one count in a labelled document. */
    bool some = labels && labels->token_truth && labels->truth[doc] > 0;
    gr_scored scored = {(int32_t)targets, data->bytes ? data->bytes[doc] : 0};
    if (!some && targets >= n && data->bytes) /* All of its text: the corpus knows how many bytes that is. */
        return scored;

    /* Else token by token: those that fit into the row and count. Bytes are known where the tokenizer is there to spell
     * them. */
    gr__doc_text text = {0};
    if (tokenizer)
        gr__doc_text_load(&text, data, tokenizer, doc);
    scored = (gr_scored){0};
    for (uint64_t i = 0; i < targets; i++) {
        if (some && !gr_labels_counts(labels, doc, labels->token_truth[first + doc + i]))
            continue;
        scored.tokens++;
        scored.bytes += text.tokens && i < n ? bytes_of(&text, i) : 0;
    }
    gr__doc_text_clear(&text);
    return scored;
}
