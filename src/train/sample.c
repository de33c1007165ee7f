/* A few documents of one kind, drawn once, as rows that can be had again at any time.
 *
 * The draw gives each document a random number that depends on the seed and the document alone, and takes the smallest.
 * So a sample changes little when documents come or go. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "train/diagnose.h"

typedef struct drawn {
    uint64_t bits; /* the document's random number */
    uint32_t doc;
} drawn;

/* By the random number; by the document where two are equal, so that the order is certain. */
static int by_bits(const void *a, const void *b) {
    const drawn *x = a, *y = b;
    return x->bits < y->bits ? -1 : x->bits > y->bits ? 1 : x->doc < y->doc ? -1 : x->doc > y->doc;
}

gr_status gr__sample_new(gr_scan **scan, int *batches, const gr_dataset *data, const gr_labels *labels,
                         const uint32_t *docs, size_t count, gr__sample_wants *wants, int which, size_t most,
                         uint64_t seed, uint32_t key, int rows, int width, gr_error *err) {
    drawn *list = gr_alloc(sizeof *list * count);
    uint32_t *chosen = gr_alloc(sizeof *chosen * most);
    size_t n = 0;
    *scan = NULL;
    *batches = 0;

    /* The documents that are wanted, each with its number. */
    for (size_t i = 0; i < count; i++)
        if (wants(labels, docs[i], which))
            list[n++] = (drawn){gr_random_bits((gr_key){seed, GR_STREAM_DIAGNOSE, key}, docs[i], 0), docs[i]};

    /* The first of them in this order. */
    qsort(list, n, sizeof *list, by_bits);
    n = n < most ? n : most;
    for (size_t i = 0; i < n; i++)
        chosen[i] = list[i].doc;
    gr_free(list);

    /* As rows; counted once, because a scan only goes forward. */
    gr_status status = n ? gr_scan_new(scan, data, labels, chosen, n, rows, width, err) : GR_OK;
    gr_rows batch;
    while (*scan && gr_scan_next(*scan, &batch))
        ++*batches;

    gr_free(chosen);
    return status;
}

void gr__sample_at(gr_scan *scan, int batch, gr_rows *rows) {
    gr_scan_rewind(scan);
    for (int i = 0; i <= batch; i++)
        gr_scan_next(scan, rows);
}
