/* divide.c - divides what is held out in two: documents to choose settings on, and the test, which is for reports
 * alone. */
#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "corpus/dataset.h"

/* The document that a piece is of, or the piece itself. */
static uint32_t document_of(const gr_dataset *data, uint32_t d) { return data->document ? data->document[d] : d; }

/* The first documents of a keyed permutation are the test, with all of their pieces. */
static void mark_documents(bool *test, const gr_dataset *data, const uint32_t *held, size_t count, double share) {
    uint32_t documents = (uint32_t)gr_dataset_documents(data, held, count), number = 0;
    uint32_t tests = (uint32_t)lround(share * documents);

    /* Which documents are drawn, by their place in the list: a larger share holds a superset of a smaller one. */
    uint32_t *order = gr_alloc(((size_t)documents + 1) * sizeof *order);
    bool *drawn = gr_alloc((size_t)documents + 1);
    gr_random_permutation((gr_key){data->seed, GR_STREAM_DATA, GR__DRAW_TEST}, order, documents);
    for (uint32_t i = 0; i < tests; i++)
        drawn[order[i]] = true;

    /* Pieces of one document follow each other in the list, and go with it. */
    for (size_t i = 0; i < count; i++) {
        number += i && document_of(data, held[i]) != document_of(data, held[i - 1]);
        test[i] = drawn[number];
    }
    gr_free(order);
    gr_free(drawn);
}

/* The end of each run of pieces is the test: so the two meet once a run. */
static void mark_runs(bool *test, const uint32_t *held, size_t count, double share) {
    size_t tests = 0; /* so far */
    for (size_t from = 0, to; from < count; from = to) {
        /* A run is a stretch of neighbours. */
        to = from + 1;
        while (to < count && held[to] == held[to - 1] + 1)
            to++;

        /* As many as bring the share of all pieces so far to what is wanted. */
        size_t own = (size_t)lround(share * (double)to) - tests;
        own = own < to - from ? own : to - from;
        for (size_t i = to - own; i < to; i++)
            test[i] = true;
        tests += own;
    }
}

void gr_dataset_divide(gr_dataset *data, double share) {
    const uint32_t *held = data->train + data->train_count; /* stands behind what is trained on */
    size_t count = data->validation_count + data->test_count, tests = 0;

    /* Mark the test. */
    bool *test = gr_alloc(count + 1);
    if (data->apart)
        mark_runs(test, held, count, share);
    else
        mark_documents(test, data, held, count, share);
    for (size_t i = 0; i < count; i++)
        tests += test[i];

    /* Both lists keep the ascending order of what is held out. */
    uint32_t *divided = gr_alloc((count + 1) * sizeof *divided);
    size_t to_validation = 0, to_test = count - tests;
    for (size_t i = 0; i < count; i++) {
        if (test[i])
            divided[to_test++] = held[i];
        else
            divided[to_validation++] = held[i];
    }
    gr_free(test);

    /* The new lists replace those of an earlier division. */
    gr_free(data->divided);
    data->divided = divided;
    data->validation = divided;
    data->validation_count = count - tests;
    data->test = divided + data->validation_count;
    data->test_count = tests;
}
