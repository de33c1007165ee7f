/* test_near.c - near duplicates against a comparison of all pairs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/rng.h"
#include "label_helpers.h"

enum { DOCS = 400, WORDS = 24, VOCAB = 3000 };

static uint64_t draw(uint64_t i, uint32_t j) { return gr_random_bits((gr_key){7, GR_STREAM_TEST, 3}, i, j); }

/* Word i of document d: those of the document 200 before, some of them exchanged, more of them in later ones. */
static int word(int d, int i) {
    if (d < 200)
        return (int)(draw((uint64_t)d, (uint32_t)i) % VOCAB);
    bool other = (int)(draw((uint64_t)d, 100 + (uint32_t)i) % 1000) < d - 200;
    return other ? (int)(draw((uint64_t)d, 200 + (uint32_t)i) % VOCAB) : word(d - 200, i);
}

static int make_world(void **state) {
    static world w;
    static char text[DOCS * (WORDS + 2) * 8 + 1000];
    size_t used = 0;
    if (gr_test_files_setup(state))
        return -1;
    for (int d = 0; d < DOCS; d++) {
        for (int i = 0; i < WORDS; i++) /* written in different ways */
            used += (size_t)snprintf(text + used, sizeof text - used, d % 2 ? "W%d, " : "w%d ", word(d, i));
        used += (size_t)snprintf(text + used, sizeof text - used, "<|endoftext|>");
    }
    /* short ones, one without words, and a hundred from one mould */
    used += (size_t)snprintf(text + used, sizeof text - used,
                             "A small bird.<|endoftext|>a small, bird<|endoftext|>a small fish<|endoftext|>"
                             "small bird a<|endoftext|>...!<|endoftext|>");
    for (int i = 0; i < 100; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "one two three four five six seven eight nine %d"
                                 "<|endoftext|>",
                                 i);
    if (world_open_text(&w, text, used) != GR_OK)
        return -1;
    *state = &w;
    return 0;
}

/* The Jaccard index of the sets of runs of 5 words of two of the first documents. */
static double slow(int a, int b) {
    int both = 0, runs = WORDS - 4;
    for (int i = 0; i < runs; i++)
        for (int j = 0; j < runs; j++) {
            int same = 0;
            while (same < 5 && word(a, i + same) == word(b, j + same))
                same++;
            both += same == 5;
        }
    return (double)both / (2 * runs - both);
}

/* Documents before 200 against those from 200 on. */
static void agrees_with_all_pairs(void **state) {
    world *w = *state;
    size_t docs = w->data->topics.docs;
    assert_int_equal(docs, DOCS + 105);
    uint8_t *kind = gr_alloc(docs);
    for (size_t d = 0; d < DOCS; d++)
        kind[d] = d < 200 ? 1 : 2;
    for (int share = 3; share < 9; share += 2) {
        gr_near_def def = gr_near_default();
        gr_near near, again;
        gr_error err = {0};
        def.least = share / 10.0;
        def.kind = kind, def.compare[1] = 1 << 2, def.compare[2] = 1 << 1;
        gr_test_ok(gr_near_find(&near, w->data, w->tokenizer, &def, &err), &err);
        int found = 0, there = 0;
        for (int d = 200; d < DOCS; d++) {
            double index = slow(d, d - 200);
            bool is = near.kinds[d] == 1 << 1;
            there += index >= def.least;
            found += is;
            assert_true(!is || (index >= def.least && near.other[d] == (uint32_t)d - 200));
            assert_true(is == (near.kinds[d - 200] == 1 << 2));
        }
        assert_in_range(there, 20, 190);
        assert_true(found <= there);
        assert_true(share < 5 ? found > there * 9 / 10 : found == there);
        for (size_t d = DOCS; d < docs; d++)
            assert_int_equal(near.kinds[d], 0); /* of kind 0: compared with nothing */
        gr_test_ok(gr_near_find(&again, w->data, w->tokenizer, &def, &err), &err);
        assert_memory_equal(near.kinds, again.kinds, docs);
        assert_memory_equal(near.other, again.other, docs * sizeof *near.other);
        gr_near_free(&near);
        gr_near_free(&again);
    }
    gr_free(kind);
}

/* Fewer words than a run has: the same ones in the same order; no words: nothing. */
static void short_documents(void **state) {
    world *w = *state;
    size_t docs = w->data->topics.docs;
    uint8_t *kind = gr_alloc(docs);
    for (size_t d = DOCS; d < docs; d++)
        kind[d] = (uint8_t)(1 + d % 2);
    for (int both = 0; both < 2; both++) {
        gr_near_def def = gr_near_default();
        gr_near near;
        gr_error err = {0};
        def.kind = kind, def.compare[1] = 1 << 2, def.compare[2] = 1 << 1;
        if (both) { /* within a kind too */
            memset(kind + DOCS, 1, docs - DOCS);
            def.compare[1] = 1 << 1;
        }
        gr_test_ok(gr_near_find(&near, w->data, w->tokenizer, &def, &err), &err);
        assert_true(near.kinds[DOCS] && near.kinds[DOCS + 1]);
        assert_true(!near.kinds[DOCS + 2] && !near.kinds[DOCS + 3] && !near.kinds[DOCS + 4]);
        for (size_t d = DOCS + 5; d < docs; d++)
            assert_true(near.kinds[d]); /* 5 of 7 runs are the same */
        gr_near_free(&near);
    }
    gr_free(kind);
}

static void refused(void **state) {
    world *w = *state;
    gr_near_def def = gr_near_default();
    gr_near near;
    gr_error err = {0};
    uint8_t *kind = gr_alloc(w->data->topics.docs);
    def.kind = kind, def.least = 0;
    assert_int_equal(gr_near_find(&near, w->data, w->tokenizer, &def, &err), GR_ERR_USAGE);
    def.least = 0.5, def.words = 0;
    assert_int_equal(gr_near_find(&near, w->data, w->tokenizer, &def, &err), GR_ERR_USAGE);
    def.words = 5, kind[3] = 8;
    assert_int_equal(gr_near_find(&near, w->data, w->tokenizer, &def, &err), GR_ERR_USAGE);
    gr_free(kind);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_all_pairs),
        cmocka_unit_test(short_documents),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, make_world, world_free);
}
