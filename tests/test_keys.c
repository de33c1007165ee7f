/* Draws are functions of keys: for every use of random numbers, whatever changes in its key (seed, step, unit, route,
 * node, name, label ..) gives draws that have nothing to do with the ones before.
 *
 * A use fills N numbers for a place in its key, one coordinate for each thing that the key holds. From the origin each
 * coordinate is moved alone; the two lists must not be correlated. Seeds are fixed, so a test that passes always does.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "corpus/dataset.h"
#include "gradroute/shards.h"
#include "infer/pick.h"
#include "measure/measure.h"
#include "route_helpers.h"
#include "train/diagnose.h"

enum { N = 2048, COORDINATES = 8 };

/* A use of draws, and the names of the coordinates of its key, each of which takes 0, 1 and 2. */
typedef struct use {
    const char *name, *moves[COORDINATES];
    void (*fill)(double *x, const int *at);
} use;

static double correlation(const double *a, const double *b) {
    double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
    for (int i = 0; i < N; i++)
        ma += a[i] / N, mb += b[i] / N;
    for (int i = 0; i < N; i++) {
        aa += (a[i] - ma) * (a[i] - ma);
        bb += (b[i] - mb) * (b[i] - mb);
        ab += (a[i] - ma) * (b[i] - mb);
    }
    assert_true(aa > 0 && bb > 0);
    return ab / sqrt(aa * bb);
}

/* Of independent lists the correlation has the standard deviation 1/sqrt(N) = 0.022: 0.1 is 4.5 of them. */
static void check_use(void **state) {
    const use *u = *state;
    double *x = gr_alloc(3 * N * sizeof *x), *moved = x + N, *again = moved + N;
    int at[COORDINATES] = {0};
    u->fill(x, at);
    u->fill(again, at);
    assert_memory_equal(x, again, N * sizeof *x);

    for (int k = 0; k < COORDINATES && u->moves[k]; k++) {
        for (int by = 1; by <= 2; by++) {
            at[k] = by;
            u->fill(moved, at);
            double r = correlation(x, moved);
            if (!(fabs(r) < 0.1))
                fail_msg("%s: another %s (%d) changes little: correlation %.3f", u->name, u->moves[k], by, r);
        }
        at[k] = 0;
    }
    gr_free(x);
}

/* ---- the generator itself ---- */

static gr_key key_at(const int *at) {
    return (gr_key){(uint64_t)at[0] + ((uint64_t)at[1] << 32), GR_STREAM_TEST + (uint32_t)at[2], (uint32_t)at[3]};
}

static uint64_t unit_at(const int *at, int i) { return (uint64_t)(i + N * at[4]) + ((uint64_t)at[5] << 32); }

static void fill_uniform(double *x, const int *at) {
    for (int i = 0; i < N; i++)
        x[i] = gr_random_uniform(key_at(at), unit_at(at, i), (uint32_t)at[6]);
}

static void fill_normal(double *x, const int *at) {
    for (int i = 0; i < N; i++)
        x[i] = gr_random_normal(key_at(at), unit_at(at, i), (uint32_t)at[6]);
}

/* Bit 0 and bit 63: no half of the bits may lag behind. */
static void fill_bits(double *x, const int *at) {
    for (int i = 0; i < N; i++) {
        uint64_t bits = gr_random_bits(key_at(at), unit_at(at, i), (uint32_t)at[6]);
        x[i] = (double)(i % 2 ? bits >> 63 : bits & 1);
    }
}

static void fill_permutation(double *x, const int *at) {
    uint32_t order[N];
    gr_random_permutation(key_at(at), order, N);
    for (int i = 0; i < N; i++)
        x[i] = order[i];
}

static void fill_place(double *x, const int *at) {
    for (int i = 0; i < N; i++)
        x[i] = (double)gr_random_place(key_at(at), (uint64_t)i, N);
}

/* ---- initial values: seed, name, row, column ---- */

static void fill_init(double *x, const int *at, gr_init init) {
    static const char *const names[] = {"layers.0.mlp.up", "layers.1.mlp.up", "layers.0.mlp.gate"};
    enum { ROWS = 96, COLS = 96, H = 32, W = 64 };
    gr_graph *g = gr_graph_new();
    gr_param p[3];
    for (int i = 0; i < 3; i++) /* of equal size, so that a name is all that tells them apart */
        p[i] = gr_graph_param(g, &(gr_param_def){names[i], ROWS, 3 * COLS, GR_KIND_WEIGHT, init, 0.5, false});
    gr_graph_loss(g, gr_mean(g, gr_cross_entropy(g, gr_embedding(g, p[0]))), 1);
    gr_model *model;
    gr_error err = {0};
    gr_test_ok(gr_model_new(&model, g, (uint64_t)(1 + at[0]), &err), &err);
    for (int i = 0; i < N; i++) {
        int row = i / W + H * at[2], column = i % W + W * at[3];
        x[i] = (double)gr_model_data(model, p[at[1]])[row * 3 * COLS + column];
    }
    gr_model_free(model);
}

static void fill_init_normal(double *x, const int *at) { fill_init(x, at, GR_INIT_NORMAL); }
static void fill_init_uniform(double *x, const int *at) { fill_init(x, at, GR_INIT_UNIFORM); }

/* ---- routes: seed, step, route, unit, what shares a draw ---- */

/* Three routes of an even option each, which open or close different neurons, and three that show rows again. */
static gr_router *even_router(const gr_model *model, uint64_t seed, gr_draw draw) {
    gr_routes *routes = gr_routes_new(2, both);
    for (int r = 0; r < 6; r++) {
        gr_routes_add(routes, GR_LABELS_ALL, r < 3 ? draw : GR_DRAW_SEQUENCE);
        routes->route[r].repeat = r >= 3;
        gr_routes_option(routes, 0.5);
        if (r % 3 < 2)
            gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REGION, both[r % 3], 0.5);
        else
            gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_EMBEDDINGS, NULL, 0.5);
    }
    gr_router *router;
    gr_error err = {0};
    gr_test_ok(gr_router_new(&router, model, routes, seed, &err), &err);
    gr_routes_free(routes);
    return router;
}

/* Whether a class has drawn the option of route r. */
static double has_drawn(const gr_router *router, const gr_model *model, int r, int cls) {
    static const int row[] = {4, 6, 0};
    return weight_at(router, model, r < 2 ? "up" : "embed", row[r], 0, cls) != 1;
}

static void fill_route(double *x, const int *at) {
    static const gr_draw draws[] = {GR_DRAW_SEQUENCE, GR_DRAW_TOKEN, GR_DRAW_DOCUMENT};
    static int16_t label[N];
    static int32_t cls[N], unit[N];
    gr_model *model = small_model();
    gr_router *router = even_router(model, (uint64_t)(1 + at[0]), draws[at[4]]);
    for (int i = 0; i < N; i++)
        unit[i] = i + N * at[3];
    gr_router_classify(router, cls, &(gr_router_rows){N, 1, label, unit, unit, NULL}, 7 + at[1]);
    for (int i = 0; i < N; i++)
        x[i] = has_drawn(router, model, at[2], cls[i]);
    gr_router_free(router);
    gr_model_free(model);
}

/* Positions of rows, drawn one by one: a place within a row is part of the key. */
static void fill_route_token(double *x, const int *at) {
    enum { WIDTH = 16 };
    static int16_t label[3 * N];
    static int32_t cls[3 * N], unit[3 * N];
    gr_model *model = small_model();
    gr_router *router = even_router(model, (uint64_t)(1 + at[0]), GR_DRAW_TOKEN);
    for (int i = 0; i < 3 * N / WIDTH; i++)
        unit[i] = i;
    gr_router_classify(router, cls, &(gr_router_rows){3 * N / WIDTH, WIDTH, label, unit, NULL, NULL}, 7 + at[1]);
    for (int i = 0; i < N; i++) /* moved by one position, or by whole rows */
        x[i] = has_drawn(router, model, at[2], cls[i + at[3] + WIDTH * at[4]]);
    gr_router_free(router);
    gr_model_free(model);
}

/* One draw for each step. */
static void fill_route_step(double *x, const int *at) {
    static const int16_t label[1];
    gr_model *model = small_model();
    gr_router *router = even_router(model, (uint64_t)(1 + at[0]), GR_DRAW_STEP);
    for (int i = 0; i < N; i++) {
        int32_t cls, unit = 0;
        gr_router_classify(router, &cls, &(gr_router_rows){1, 1, label, &unit, NULL, NULL}, i + N * at[1]);
        x[i] = has_drawn(router, model, at[2], cls);
    }
    gr_router_free(router);
    gr_model_free(model);
}

/* Second showings: seed, step, route, sequence; and beside the draws of the first showing. */
static void fill_repeat(double *x, const int *at) {
    gr_model *model = small_model();
    gr_router *router = even_router(model, (uint64_t)(1 + at[0]), GR_DRAW_SEQUENCE);
    assert_int_equal(gr_router_copies(router), 3);
    for (int i = 0; i < N; i++)
        x[i] = repeat_of(router, at[2], 0, i + N * at[3], 7 + at[1]) != GR_NONE;
    if (at[4])
        fill_route(x, (int[]){0, 0, at[4] - 1, 0, 0});
    gr_router_free(router);
    gr_model_free(model);
}

/* Second showings over steps: of one sequence. */
static void fill_repeat_steps(double *x, const int *at) {
    gr_model *model = small_model();
    gr_router *router = even_router(model, (uint64_t)(1 + at[0]), GR_DRAW_SEQUENCE);
    for (int i = 0; i < N; i++)
        x[i] = repeat_of(router, at[2], 0, at[3], i + N * at[1]) != GR_NONE;
    gr_router_free(router);
    gr_model_free(model);
}

/* ---- dropout: seed, step, node, row, column ---- */

static void fill_dropout(double *x, const int *at) {
    enum { ROWS = 64, COLS = 32, W = 2 * COLS + 4 };
    gr_graph *g = gr_graph_new();
    gr_value ones =
        gr_embedding(g, gr_graph_param(g, &(gr_param_def){"one", 3, W, GR_KIND_EMBEDDING, GR_INIT_ONE, 0, false}));
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"a", "b", "c"};
        gr_value y = gr_dropout(g, ones, 0.5);
        gr_graph_output(g, names[i], y);
        gr_graph_loss(g, gr_mean(g, gr_l1(g, y)), 1);
    }
    gr_model *model;
    gr_run *run;
    gr_error err = {0};
    gr_test_ok(gr_model_new(&model, g, 1, &err), &err);
    gr_test_ok(gr_run_new(&run, model, NULL,
                          &(gr_run_def){.positions = ROWS, .train = true, .seed = (uint64_t)(1 + at[0])}, &err),
               &err);

    int32_t ids[ROWS] = {0};
    gr_run_zero(run);
    gr_run_forward(
        run, &(gr_batch){.positions = ROWS, .ids = ids, .denominator = ROWS, .first = ROWS * at[3], .step = 7 + at[1]});
    int stride;
    const gr_real *v = gr_run_value(run, gr_model_output(model, (const char *[]){"a", "b", "c"}[at[2]]), &stride);
    for (int i = 0; i < N; i++)
        x[i] = v[i / COLS * stride + 2 * (i % COLS) + at[4]] != 0;
    gr_run_free(run);
    gr_model_free(model);
}

/* ---- labels: seed, number of the label, what is drawn ---- */

/* 3 N documents, in turns of label x, of label y, and of none. */
static gr_labels *noisy_labels(uint64_t seed, int before, gr_label_def noisy) {
    static int32_t of[3 * N];
    static char *names[] = {"x", "y", "z"};
    static const char *const x[] = {"x"}, *const y[] = {"y"};
    for (int i = 0; i < 3 * N; i++)
        of[i] = i % 3;
    gr_topics topics = {names, 3, of, 3 * N};
    noisy.name = "noisy";
    noisy.from[0] = (gr_label_arg){"is", .texts = x, .count = 1};
    gr_label_def first = {.name = "first", .from = {{"is", .texts = y, .count = 1}}, .known = 1};
    gr_label_def defs[] = {before ? first : noisy, before ? noisy : first};
    gr_labels *labels;
    gr_error err = {0};
    gr_test_ok(gr_labels_new(&labels, &topics, defs, 2, NULL, 0, seed, &err), &err);
    return labels;
}

/* Documents of the label that are shown as such: what `known` hides, or what `recall` misses. */
static void fill_hidden(double *x, const int *at) {
    const gr_label_noise misses = {.recall = 0.5, .precision = 1};
    gr_label_def noisy = {.known = at[2] ? 1 : 0.5, .noise = at[2] ? &misses : NULL};
    gr_labels *labels = noisy_labels((uint64_t)(1 + at[0]), at[1] > 0, noisy);
    for (int i = 0; i < N; i++)
        x[i] = labels->revealed[3 * i] == 1 + (at[1] > 0);
    gr_labels_free(labels);
}

/* Documents of the core that are shown as the label. */
static void fill_mistakes(double *x, const int *at) {
    const gr_label_noise mistakes = {.recall = 1, .precision = 0.67};
    gr_labels *labels = noisy_labels((uint64_t)(1 + at[0]), at[1] > 0, (gr_label_def){.known = 1, .noise = &mistakes});
    for (int i = 0; i < N; i++)
        x[i] = labels->revealed[3 * i + 2] == 1 + (at[1] > 0);
    gr_labels_free(labels);
}

/* ---- order of documents, split, attacks, diagnostics ---- */

/* N documents of one token, of which `held` are held out by the split. */
static gr_dataset *plain_data(uint64_t seed, double held) {
    static int32_t ids[N], of[N];
    static uint64_t offsets[N + 1];
    static uint32_t bytes[N];
    static char *names[] = {"x"};
    for (int i = 0; i < N; i++)
        ids[i] = 1 + i % 20, offsets[i + 1] = (uint64_t)i + 1, bytes[i] = 1;
    gr_topics topics = {names, 1, of, N};
    gr__tokens tokens = {&topics, offsets, ids, bytes, GR_TEST_VOCAB, 0, NULL, 0, NULL};
    gr_dataset *data;
    gr_error err = {0};
    gr_test_ok(gr__dataset_assemble(&data, &tokens, &(gr_dataset_def){.validation = held, .seed = seed}, &err), &err);
    return data;
}

static gr_labels *plain_labels(const gr_dataset *data) {
    static const char *const is[] = {"x"};
    gr_labels *labels;
    gr_error err = {0};
    gr_label_def def = {.name = "x", .from = {{"is", .texts = is, .count = 1}}, .known = 1};
    gr_test_ok(gr_labels_new(&labels, &data->topics, &def, 1, NULL, 0, 1, &err), &err);
    return labels;
}

/* Where each document stands in an epoch: seed, epoch. */
static void fill_order(double *x, const int *at) {
    static uint32_t all[N];
    gr_dataset *data = plain_data(1, 0);
    gr_labels *labels = plain_labels(data);
    for (uint32_t i = 0; i < N; i++)
        all[i] = i;
    gr_stream_def def = gr_stream_default();
    def.rows = N, def.width = 2, def.seed = (uint64_t)(1 + at[0]), def.docs = all, def.doc_count = N;
    gr_stream *stream;
    gr_error err = {0};
    gr_rows rows;
    gr_test_ok(gr_stream_new(&stream, data, labels, &def, &err), &err);
    gr_stream_next(stream, at[1], &rows);
    for (int i = 0; i < N; i++)
        x[rows.doc[i * 2]] = i;
    gr_stream_free(stream);
    gr_labels_free(labels);
    gr_dataset_free(data);
}

/* Which documents are held out: seed; beside what an attacker draws, and the order of the first epoch. */
static void fill_split(double *x, const int *at) {
    gr_dataset *data = plain_data((uint64_t)(1 + at[0]), 0.5);
    for (size_t i = 0; i < N; i++)
        x[i] = 0;
    for (size_t i = 0; i < data->validation_count; i++)
        x[data->validation[i]] = 1;
    gr_dataset_free(data);
    if (at[1] == 1)
        fill_order(x, (int[]){0, 0});
    if (at[1] == 2)
        fill_order(x, (int[]){0, 1});
}

/* Which documents are the test, by place among those held out: seed, which draws those too. Of two seeds, since half of
 * the documents are held out. */
static void fill_test(double *x, const int *at) {
    for (int half = 0; half < 2; half++) {
        gr_dataset *data = plain_data((uint64_t)(1 + at[0] + 10 * half), 0.5);
        uint32_t held[N / 2];
        memcpy(held, data->validation, sizeof held);
        gr_dataset_divide(data, 0.5);
        for (size_t i = 0, k = 0; i < N / 2; i++) {
            bool test = k < data->test_count && data->test[k] == held[i];
            x[i + (size_t)half * (N / 2)] = test;
            k += test;
        }
        gr_dataset_free(data);
    }
    if (at[1])
        fill_split(x, (int[]){0, at[1] - 1});
}

/* What a placebo shows of each document: seed; beside the labels, and the order. */
static void fill_placebo(double *x, const int *at) {
    gr_dataset *data = plain_data(1, 0);
    gr_labels *labels = plain_labels(data), *placebo;
    gr_error err = {0};
    for (size_t i = 0; i < N; i++)
        labels->revealed[i] = (int16_t)(i / 32 % 2);
    gr_test_ok(gr_labels_placebo(&placebo, data, labels, (uint64_t)(1 + at[0]), &err), &err);
    for (size_t i = 0; i < N; i++)
        x[i] = at[1] == 1 ? labels->revealed[i] : placebo->revealed[i];
    gr_labels_free(placebo);
    gr_labels_free(labels);
    gr_dataset_free(data);
    if (at[1] == 2)
        fill_order(x, (int[]){0, 0});
}

/* Which documents an attacker has: seed; beside the split, and the order. */
static void fill_attack(double *x, const int *at) {
    gr_dataset *data = plain_data(1, 0);
    gr_labels *labels = plain_labels(data);
    gr_drawn drawn;
    gr_error err = {0};
    gr_draw_def def = {.documents = N / 2, .label = GR_LABEL_ANY, .width = 2, .seed = (uint64_t)(1 + at[0])};
    gr_test_ok(gr_dataset_draw(&drawn, data, labels, &def, &err), &err);
    for (size_t i = 0; i < N; i++)
        x[i] = 0;
    for (size_t i = 0; i < drawn.count; i++)
        x[drawn.docs[i]] = 1;
    gr_drawn_free(&drawn);
    gr_labels_free(labels);
    gr_dataset_free(data);
    if (at[1] == 1)
        fill_split(x, (int[]){0, 0});
    if (at[1] == 2)
        fill_order(x, (int[]){0, 0});
}

static bool wants_all(const gr_labels *labels, uint32_t doc, int which) { return true; }

/* Which documents diagnostics look at: seed, key. */
static void fill_diagnosed(double *x, const int *at) {
    static uint32_t all[N];
    gr_dataset *data = plain_data(1, 0);
    gr_labels *labels = plain_labels(data);
    for (uint32_t i = 0; i < N; i++)
        all[i] = i, x[i] = 0;
    gr_scan *scan;
    gr_rows rows;
    gr_error err = {0};
    int batches;
    gr_test_ok(gr__sample_new(&scan, &batches, data, labels, all, N, wants_all, 0, N / 2, (uint64_t)(1 + at[0]),
                              (uint32_t)at[1], 8, 2, &err),
               &err);
    gr_scan_rewind(scan);
    while (gr_scan_next(scan, &rows))
        for (int i = 0; i < rows.sequences * rows.width; i++)
            if (rows.doc[i] >= 0)
                x[rows.doc[i]] = 1;
    gr_scan_free(scan);
    gr_labels_free(labels);
    gr_dataset_free(data);
}

/* ---- rows of shards: seed, epoch ---- */

static int compare_rows(const void *a, const void *b) { return memcmp(a, b, 2 * sizeof(int32_t)); }

/* Packs N documents, each of which fills a row that its first two tokens tell from all others. */
static gr_shards *packed(void) {
    static const char *const is[] = {"x"};
    static const gr_label_def label = {.name = "x", .from = {{"is", .texts = is, .count = 1}}, .known = 1};
    gr_pack_def def = gr_pack_default();
    gr_source source = gr_source_default();
    FILE *file = fopen(gr_test_path("corpus.jsonl"), "w");
    for (int i = 0; i < N; i++)
        fprintf(file, "{\"text\": \"%c%c%c%c%c%c%c\", \"label\": \"x\"}\n", 'A' + i % 26, '0' + i / 26 % 10,
                'a' + i / 260, 'x', 'x', 'x', 'x');
    fclose(file);
    source.reader = "jsonl", source.path = gr_test_path("corpus.jsonl");
    def.corpus = (gr_corpus_def){.sources = &source, .source_count = 1};
    def.validation = 0, def.seed = 3, def.tokenizer_train = 257, def.context = 8, def.label = &label, def.labels = 1;
    gr_shards *shards;
    gr_error err = {0};
    gr_test_ok(gr_shards_pack(gr_test_path("pack"), &def, &err), &err);
    gr_test_ok(gr_shards_open(&shards, gr_test_path("pack"), NULL, &err), &err);
    assert_int_equal(shards->rows, N);
    return shards;
}

static void fill_shards(double *x, const int *at) {
    static gr_shards *shards;
    static int32_t known[N][2], found[N][2];
    if (!shards)
        shards = packed();
    gr_stream_def def = gr_stream_default();
    gr_stream *stream;
    gr_rows rows;
    gr_error err = {0};
    def.rows = N, def.width = 8, def.seed = (uint64_t)(1 + at[0]);
    gr_test_ok(gr_stream_new_shards(&stream, shards, &def, &err), &err);
    gr_stream_next(stream, at[1], &rows);
    for (int i = 0; i < N; i++)
        known[i][0] = found[i][0] = rows.ids[8 * i + 2],
        known[i][1] = found[i][1] = rows.ids[8 * i + 3] * 1000 + rows.ids[8 * i + 1];
    gr_stream_free(stream);
    qsort(known, N, sizeof *known, compare_rows);
    for (int i = 0; i < N; i++)
        x[i] = (double)((int32_t(*)[2])bsearch(found[i], known, N, sizeof *known, compare_rows) - known);
}

/* ---- sampling of tokens: seed, place in the text ---- */

static void fill_tokens(double *x, const int *at) {
    enum { VOCAB = 1000 };
    static gr_real even[VOCAB];
    gr__candidate list[VOCAB];
    gr_generate_def def = gr_generate_default();
    def.temperature = 1, def.seed = (uint64_t)(1 + at[0]);
    for (int i = 0; i < N; i++)
        x[i] = gr__pick(list, even, VOCAB, &def, i + N * at[1]);
}

/* ---- bootstrap: seed, and each list of documents by itself ---- */

/* Two lists of the same losses, drawn apart, differ as two independent means do: by the root of 2 as much as one alone.
 * Drawn together they would not differ at all. */
static void lists_are_drawn_apart(void **state) {
    (void)state;
    enum { DOCS = 200 };
    double nll[DOCS];
    int32_t tokens[DOCS];
    for (int i = 0; i < DOCS; i++) {
        nll[i] = gr_random_normal((gr_key){3, GR_STREAM_TEST, 0}, (uint64_t)i, 0);
        tokens[i] = 1;
    }
    const gr_sample alone = {nll, tokens, DOCS, NULL, "one", false},
                    two[] = {alone, {nll, tokens, DOCS, NULL, "other", false}};
    gr_estimate loss = gr_bootstrap(gr__formula_loss, &alone, 1, 1);
    gr_estimate apart = gr_bootstrap(gr__formula_difference, two, 2, 1);
    gr_estimate seeded = gr_bootstrap(gr__formula_loss, &alone, 1, 2);
    double ratio = (apart.high - apart.low) / (loss.high - loss.low);
    assert_true(fabs(ratio - sqrt(2)) < 0.15);
    assert_true(seeded.low != loss.low && seeded.high != loss.high);
    assert_true(fabs(seeded.low - loss.low) < 0.1 * (loss.high - loss.low));
}

/* ---- all ---- */

static const use uses[] = {
    {"uniform", {"seed", "seed, upper half", "stream", "which", "unit", "unit, upper half", "draw"}, fill_uniform},
    {"normal", {"seed", "seed, upper half", "stream", "which", "unit", "unit, upper half", "draw"}, fill_normal},
    {"bits", {"seed", "seed, upper half", "stream", "which", "unit", "unit, upper half", "draw"}, fill_bits},
    {"permutation", {"seed", "seed, upper half", "stream", "which"}, fill_permutation},
    {"place", {"seed", "seed, upper half", "stream", "which"}, fill_place},
    {"initial values", {"seed", "name", "row", "column"}, fill_init_normal},
    {"initial values, uniform", {"seed", "name", "row", "column"}, fill_init_uniform},
    {"routes", {"seed", "step", "route", "unit", "kind of unit"}, fill_route},
    {"routes by token", {"seed", "step", "route", "position", "row"}, fill_route_token},
    {"routes by step", {"seed", "step", "route"}, fill_route_step},
    {"second showings", {"seed", "step", "route", "sequence", "showing"}, fill_repeat},
    {"second showings over steps", {"seed", "step", "route", "sequence"}, fill_repeat_steps},
    {"dropout", {"seed", "step", "node", "row", "column"}, fill_dropout},
    {"hidden labels", {"seed", "label", "reason"}, fill_hidden},
    {"mistaken labels", {"seed", "label"}, fill_mistakes},
    {"order of documents", {"seed", "epoch"}, fill_order},
    {"held-out documents", {"seed", "use"}, fill_split},
    {"documents of the test", {"seed", "use"}, fill_test},
    {"labels of a placebo", {"seed", "use"}, fill_placebo},
    {"documents of an attacker", {"seed", "use"}, fill_attack},
    {"documents of diagnostics", {"seed", "key"}, fill_diagnosed},
    {"rows of shards", {"seed", "epoch"}, fill_shards},
    {"tokens of a text", {"seed", "place"}, fill_tokens},
};

int main(void) {
    enum { USES = sizeof uses / sizeof *uses };
    struct CMUnitTest tests[USES + 1] = {cmocka_unit_test(lists_are_drawn_apart)};
    for (int i = 0; i < USES; i++)
        tests[i + 1] = (struct CMUnitTest){uses[i].name, check_use, NULL, NULL, (void *)&uses[i]};
    return _cmocka_run_group_tests("keys", tests, USES + 1, gr_test_files_setup, gr_test_files_teardown);
}
