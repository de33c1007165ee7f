/* test_label_rows.c - labels and scores that differ inside of a document, from their tables to rows and batches. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "corpus/dataset.h"
#include "gradroute/arch.h"
#include "gradroute/train.h"
#include "support.h"
#include "train/internal.h"

enum { DOCS = 300, LONGEST = 30, T = 40, B = 4, EOT = 0 };

typedef struct world {
    gr_dataset *data;
    gr_labels *labels; /* label 1 for all of documents d % 3 == 0, label 2 for some tokens of d % 3 == 1 */
    uint32_t all[DOCS];
} world;

static size_t length(size_t d) { return gr_random_bits((gr_key){2, GR_STREAM_TEST, 0}, d, 0) % LONGEST; }

/* Label of target i of document d, its end token included. */
static int16_t label_at(size_t d, size_t i) {
    return d % 3 == 0 ? 1 : d % 3 == 1 && i < length(d) && i % 4 == 1 ? 2 : 0;
}

static gr_real score_at(size_t d, size_t i) { return (gr_real)((d * 5 + i) % 11) / 10; }

static void fill_tables(world *w) {
    gr_labels *l = w->labels;
    size_t n = w->data->offsets[DOCS] + DOCS;
    l->token_truth = gr_arena_alloc(l->arena, n * sizeof *l->token_truth);
    l->token_revealed = gr_arena_alloc(l->arena, n * sizeof *l->token_revealed);
    l->token_score = gr_arena_alloc(l->arena, n * sizeof *l->token_score);
    l->uneven = gr_arena_alloc(l->arena, DOCS);
    for (size_t d = 1; d < DOCS; d += 3)
        l->truth[d] = 0;
    for (size_t d = 0; d < DOCS; d++)
        for (size_t i = 0; i <= length(d); i++) {
            size_t at = w->data->offsets[d] + d + i;
            l->token_truth[at] = label_at(d, i);
            l->token_revealed[at] = (int16_t)(label_at(d, i) ? label_at(d, i) : -1);
            l->token_score[at] = score_at(d, i);
            l->uneven[d] |= label_at(d, i) != label_at(d, 0);
            if (label_at(d, i) == 2)
                l->truth[d] = l->revealed[d] = 2;
        }
}

static int make_world(void **state) {
    static world w;
    static int32_t ids[DOCS * LONGEST], of[DOCS];
    static uint64_t offsets[DOCS + 1];
    static uint32_t bytes[DOCS];
    static char *names[] = {"a", "b", "c"};
    for (size_t d = 0; d < DOCS; d++) {
        offsets[d + 1] = offsets[d] + length(d);
        for (size_t i = 0; i < length(d); i++)
            ids[offsets[d] + i] = 1 + (int32_t)((d * 31 + i) % 20);
        of[d] = (int32_t)(d % 3);
        w.all[d] = (uint32_t)d;
    }
    gr_topics topics = {names, 3, of, DOCS};
    gr__tokens tokens = {&topics, offsets, ids, bytes, GR_TEST_VOCAB, EOT, NULL, 0, NULL};
    static const char *const a[] = {"a"}, *const b[] = {"b"};
    gr_label_def defs[] = {{.name = "a", .from = {{"is", .texts = a, .count = 1}}, .known = 1},
                           {.name = "b", .from = {{"is", .texts = b, .count = 1}}, .known = 0}};
    if (gr__dataset_assemble(&w.data, &tokens, &(gr_dataset_def){.seed = 1}, NULL) ||
        gr_labels_new(&w.labels, &w.data->topics, defs, 2, NULL, 0, 1, NULL))
        return -1;
    fill_tables(&w);
    *state = &w;
    return 0;
}

static int free_world(void **state) {
    world *w = *state;
    gr_labels_free(w->labels);
    gr_dataset_free(w->data);
    return 0;
}

/* Every position has the label and score of the token it predicts. */
static void check_positions(const gr_rows *rows) {
    for (int i = 0; i < rows->sequences * T; i++) {
        if (rows->doc[i] < 0) {
            assert_int_equal(rows->label[i], GR_LABEL_ABSENT);
            assert_true(rows->score[i] == 0);
            continue;
        }
        size_t d = (size_t)rows->doc[i], k = (size_t)(i % T - rows->start[i]);
        assert_int_equal(rows->targets[i], k < length(d) ? 1 + (int32_t)((d * 31 + k) % 20) : EOT);
        assert_int_equal(rows->truth[i], label_at(d, k));
        assert_int_equal(rows->label[i], label_at(d, k) ? label_at(d, k) : -1);
        assert_true(rows->score[i] == score_at(d, k));
    }
}

/* A row of even documents holds one label, and uneven ones are among themselves. */
static void check_bucket(const world *w, const gr_rows *rows, int r) {
    int uneven = -1, label = GR_LABEL_ABSENT;
    for (int i = r * T; i < (r + 1) * T; i++) {
        if (rows->doc[i] < 0)
            continue;
        int u = w->labels->uneven[rows->doc[i]];
        assert_true(uneven < 0 || u == uneven);
        assert_true(u || label == GR_LABEL_ABSENT || rows->label[i] == label);
        uneven = u;
        label = rows->label[i];
    }
}

static gr_stream *open_stream(const world *w, bool mixed) {
    gr_stream_def def = gr_stream_default();
    gr_stream *stream;
    gr_error err = {0};
    def.rows = B, def.width = T, def.mixed = mixed, def.docs = w->all, def.doc_count = DOCS;
    gr_test_ok(gr_stream_new(&stream, w->data, w->labels, &def, &err), &err);
    return stream;
}

static void stream_of_tokens(void **state) {
    world *w = *state;
    for (int mixed = 0; mixed < 2; mixed++) {
        gr_stream *stream = open_stream(w, mixed);
        gr_rows rows;
        for (int step = 0; step < 60; step++) {
            gr_stream_next(stream, step, &rows);
            check_positions(&rows);
            for (int r = 0; r < rows.sequences && !mixed; r++)
                check_bucket(w, &rows, r);
        }
        gr_stream_free(stream);
    }
}

static void scan_of_tokens(void **state) {
    world *w = *state;
    gr_scan *scan;
    gr_error err = {0};
    gr_rows rows;
    int64_t present = 0;
    gr_test_ok(gr_scan_new(&scan, w->data, w->labels, w->all, DOCS, 7, T, &err), &err);
    while (gr_scan_next(scan, &rows)) {
        check_positions(&rows);
        present += rows.present;
    }
    assert_int_equal(present, w->data->offsets[DOCS] + DOCS);
    gr_scan_free(scan);
}

/* Label 2 mixes by score; all other positions have mix 1, and so has everything without scores. */
static void scores_become_mix(void **state) {
    world *w = *state;
    gr_model *model = gr_test_transformer(1);
    gr_routes *routes = gr_routes_new(2, (const char *[]){"a", "b"});
    gr_router *router;
    gr_error err = {0};
    gr_routes_add(routes, gr_label_bit(2), GR_DRAW_SEQUENCE);
    routes->route[0].mix = true;
    gr_routes_option(routes, 1);
    gr_routes_open(routes, 1, (const char *[]){"group"});
    gr_test_ok(gr_router_new(&router, model, routes, 1, &err), &err);
    gr__assembly *a = gr__assembly_new(B, T, B, router), *plain = gr__assembly_new(B, T, B, NULL);
    gr_stream *stream = open_stream(w, true);
    int mixed = 0;
    for (int step = 0; step < 20; step++) {
        gr_rows rows;
        gr_stream_next(stream, step, &rows);
        for (int scores = 1; scores >= 0; scores--) {
            rows.score = scores ? rows.score : NULL;
            gr__assembly_fill(a, &rows, step);
            gr__assembly_fill(plain, &rows, step);
            assert_null(gr__assembly_batch(plain, 0).mix);
            gr_batch batch = gr__assembly_batch(a, 0);
            assert_int_equal(batch.positions, rows.sequences * T);
            for (int i = 0; i < batch.positions; i++) {
                int from = a->from[a->order[i / T]] * T + i % T;
                bool mixes = scores && rows.label[from] == 2;
                assert_true(batch.mix[i] == (mixes ? rows.score[from] : 1));
                mixed += mixes;
            }
        }
    }
    assert_true(mixed > 50);
    gr_stream_free(stream);
    gr__assembly_free(a);
    gr__assembly_free(plain);
    gr_router_free(router);
    gr_routes_free(routes);
    gr_model_free(model);
}

static void evaluate(world *w, int width, double *nll, int32_t *tokens, bool labelled) {
    gr_model *model = gr_test_transformer(1);
    gr_evaluator *evaluator;
    gr_scan *scan;
    gr_error err = {0};
    gr_test_ok(gr_evaluator_new(&evaluator, model, NULL, 7, width, &err), &err);
    gr_test_ok(gr_scan_new(&scan, w->data, w->labels, w->all, DOCS, 7, width, &err), &err);
    gr_evaluator_labelled(evaluator, labelled ? w->labels : NULL);
    gr_evaluate(evaluator, scan, nll, tokens, DOCS);
    gr_scan_free(scan);
    gr_evaluator_free(evaluator);
    gr_model_free(model);
}

/* Labelled targets and, with labels the other way round, all others make up the whole. */
static void evaluation_of_tokens(void **state) {
    world *w = *state;
    static double all[DOCS], some[DOCS], rest[DOCS];
    static int32_t tokens[DOCS], some_tokens[DOCS], rest_tokens[DOCS];
    size_t n = w->data->offsets[DOCS] + DOCS;
    int uneven = 0;
    evaluate(w, T, all, tokens, false);
    evaluate(w, T, some, some_tokens, true);
    for (size_t i = 0; i < n; i++)
        w->labels->token_truth[i] = !w->labels->token_truth[i];
    evaluate(w, T, rest, rest_tokens, true);
    for (size_t d = 0; d < DOCS; d++) {
        int labelled = 0;
        for (size_t i = 0; i <= length(d); i++)
            labelled += label_at(d, i) > 0;
        bool mixed = labelled && labelled <= (int)length(d);
        assert_int_equal(tokens[d], length(d) + 1);
        assert_int_equal(some_tokens[d], mixed ? labelled : tokens[d]);
        assert_int_equal(rest_tokens[d], labelled ? tokens[d] - labelled : tokens[d]);
        assert_true(fabs(some[d] + (labelled ? rest[d] : 0) - all[d]) < 1e-9 * all[d]);
        uneven += mixed;
    }
    assert_true(uneven > 50);
    for (size_t d = 0; d < DOCS; d++) /* as it was */
        for (size_t i = 0; i <= length(d); i++)
            w->labels->token_truth[w->data->offsets[d] + d + i] = label_at(d, i);
}

/* A document whose labelled tokens lie beyond them counts nothing, and gr_dataset_scored says the same. */
static void evaluation_of_cut_documents(void **state) {
    world *w = *state;
    enum { SHORT = 2 };
    static double nll[DOCS];
    static int32_t tokens[DOCS];
    int cut = 0, beyond = 0;
    for (size_t d = 1; d < DOCS; d += 3) /* the first label of every second one lies behind the row */
        for (size_t i = 0; d % 2 && i < SHORT && i <= length(d); i++)
            w->labels->token_truth[w->data->offsets[d] + d + i] = 0;
    evaluate(w, SHORT, nll, tokens, true);
    for (size_t d = 0; d < DOCS; d++) {
        int labelled = 0, n = (int)length(d) + 1 < SHORT ? (int)length(d) + 1 : SHORT;
        for (int i = 0; i < n; i++)
            labelled += w->labels->token_truth[w->data->offsets[d] + d + (size_t)i] > 0;
        assert_int_equal(tokens[d], w->labels->truth[d] > 0 ? labelled : n);
        assert_int_equal(tokens[d], gr_dataset_scored(w->data, w->labels, NULL, (uint32_t)d, SHORT).tokens);
        assert_true((nll[d] > 0) == (tokens[d] > 0));
        cut += length(d) + 1 > SHORT;
        beyond += w->labels->truth[d] > 0 && !labelled;
    }
    assert_int_equal(gr_dataset_cut(w->data, w->all, DOCS, SHORT).documents, cut);
    assert_true(beyond > 20);
    for (size_t d = 0; d < DOCS; d++) /* as it was */
        for (size_t i = 0; i <= length(d); i++)
            w->labels->token_truth[w->data->offsets[d] + d + i] = label_at(d, i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream_of_tokens),
        cmocka_unit_test(scan_of_tokens),
        cmocka_unit_test(scores_become_mix),
        cmocka_unit_test(evaluation_of_tokens),
        cmocka_unit_test(evaluation_of_cut_documents),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
