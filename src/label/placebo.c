/* placebo.c - labels that say nothing: those of the training documents, permuted among documents of nearly equal
 * length.
 *
 * A twin that is trained with them has the same share of labelled text and the same lengths, but its labels mean
 * nothing: what it shows is the effect of the method by itself. Documents are sorted by length and cut into blocks of
 * BLOCK; within a block each document gets the labels of another. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "corpus/dataset.h"
#include "label/spread.h"

enum { BLOCK = 64 }; /* documents among which labels are permuted */

/* A training document: its pieces, or itself. */
typedef struct unit {
    size_t first, count; /* in the list of training documents */
    uint64_t tokens;
    uint32_t tie, draw; /* its places in two keyed orders: among documents of its length, and in its block */
} unit;

/* Documents of one length in a drawn order: a corpus is often sorted by topic, and a block of its neighbours would be
 * of one topic. */
static int by_length(const void *a, const void *b) {
    const unit *x = a, *y = b;
    if (x->tokens != y->tokens)
        return (x->tokens > y->tokens) - (x->tokens < y->tokens);
    return (x->tie > y->tie) - (x->tie < y->tie);
}

static int by_draw(const void *a, const void *b) {
    const unit *x = a, *y = b;
    return (x->draw > y->draw) - (x->draw < y->draw);
}

/* The training documents, each with its draws; room for as many units as there are. */
static size_t list_units(unit *units, const gr_dataset *data, uint64_t seed) {
    const uint32_t *document = gr_dataset_drawn_by(data);
    size_t n = 0;

    /* Pieces of one document follow each other, and are one unit. */
    for (size_t i = 0; i < data->train_count; i++) {
        uint32_t d = data->train[i];
        if (!i || !document || document[d] != document[data->train[i - 1]])
            units[n++] = (unit){.first = i};
        units[n - 1].count++;
        units[n - 1].tokens += data->offsets[d + 1] - data->offsets[d];
    }

    /* Two independent orders, with a key of their own each. */
    uint32_t *order = gr_alloc((n + 1) * sizeof *order);
    gr_random_permutation((gr_key){seed, GR_STREAM_DATA, GR__DRAW_PLACEBO}, order, (uint32_t)n);
    for (size_t u = 0; u < n; u++)
        units[u].draw = order[u];
    gr_random_permutation((gr_key){seed, GR_STREAM_DATA, GR__DRAW_PLACEBO_TIE}, order, (uint32_t)n);
    for (size_t u = 0; u < n; u++)
        units[u].tie = order[u];
    gr_free(order);
    return n;
}

/* What is said of one document is said of another; pieces go by their place in it. */
static void move(gr_labels *to, const gr_labels *from, const gr_dataset *data, const unit *into, const unit *out_of) {
    for (size_t i = 0; i < into->count; i++) {
        uint32_t d = data->train[into->first + i], s = data->train[out_of->first + i * out_of->count / into->count];
        to->truth[d] = from->truth[s];
        to->revealed[d] = from->revealed[s];
        if (to->score)
            to->score[d] = from->score[s];
    }
}

gr_status gr_labels_placebo(gr_labels **out, const gr_dataset *data, const gr_labels *labels, uint64_t seed,
                            gr_error *err) {
    *out = NULL;
    if (labels->token_truth)
        return gr_error_set(err, GR_ERR_USAGE, "labels", "leave the twin placebo out, or label documents",
                            "a placebo permutes labels of documents, and these are of tokens or sentences");

    gr_labels *copy = gr__labels_copy(labels);

    /* Blocks of documents that are neighbours by length; in each, the documents in one order get the labels of the
     * documents in another. With fewer than two blocks' worth of documents there is one block. */
    unit *units = gr_alloc((data->train_count + 1) * sizeof *units);
    size_t n = list_units(units, data, seed), blocks = n < 2 * BLOCK ? 1 : n / BLOCK;
    qsort(units, n, sizeof *units, by_length);
    unit *drawn = gr_alloc((n + 1) * sizeof *drawn);
    memcpy(drawn, units, n * sizeof *units);
    for (size_t b = 0; b < blocks; b++) {
        size_t from = n * b / blocks, to = n * (b + 1) / blocks;
        qsort(drawn + from, to - from, sizeof *drawn, by_draw);
        for (size_t u = from; u < to; u++)
            move(copy, labels, data, &units[u], &drawn[u]);
    }
    gr_free(units);
    gr_free(drawn);
    *out = copy;
    return GR_OK;
}
