/* train_helpers.h - a small world to train in: keyed documents with labels, a stream, a router, and what a run ends
 * with. */
#ifndef GR_TESTS_TRAIN_HELPERS_H
#define GR_TESTS_TRAIN_HELPERS_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "gradroute/train.h"
#include "io/file.h"
#include "support.h"

enum { DOCS = 400, WIDTH = 64, ROWS = 16, STEPS = 12, EVERY = 4, EOT = GR_TEST_VOCAB - 1 };

/* ---- a corpus of keyed tokens: two topics that use different halves of the vocabulary, and a third ---- */

typedef struct world {
    gr_dataset data;
    gr_labels *labels;
    int32_t *topic, *ids;
    uint64_t *offsets;
    uint32_t *train, *bytes;
} world;

static inline world *world_new(void) {
    static const char *names[] = {"animal", "food", "verb"};
    world *w = gr_alloc(sizeof *w);
    gr_key key = {3, GR_STREAM_TEST, 9};
    w->topic = gr_alloc(DOCS * sizeof *w->topic);
    w->offsets = gr_alloc((DOCS + 1) * sizeof *w->offsets);
    w->train = gr_alloc(DOCS * sizeof *w->train);
    w->bytes = gr_alloc(DOCS * sizeof *w->bytes);
    w->ids = gr_alloc(DOCS * 80 * sizeof *w->ids);
    for (uint32_t d = 0; d < DOCS; d++) {
        uint64_t n = d == 5 ? 75 : 3 + gr_random_bits(key, d, 0) % 20;
        w->topic[d] = (int32_t)(gr_random_bits(key, d, 1) % 3);
        w->train[d] = d;
        w->offsets[d + 1] = w->offsets[d] + n;
        for (uint64_t i = 0; i < n; i++)
            w->ids[w->offsets[d] + i] =
                (int32_t)(gr_random_bits(key, d, (uint32_t)(10 + i)) % 11) + (w->topic[d] == 0 ? 11 : 0);
    }
    w->data = (gr_dataset){.topics = {(char **)names, 3, w->topic, DOCS},
                           .offsets = w->offsets,
                           .ids = w->ids,
                           .bytes = w->bytes,
                           .train = w->train,
                           .train_count = DOCS,
                           .vocab = GR_TEST_VOCAB,
                           .eot = EOT,
                           .start = EOT};
    gr_error err = {0};
    const gr_label_def label = {
        .name = "biology", .from = {{"is", .texts = (const char *[]){"animal"}, .count = 1}}, .known = 0.8};
    gr_test_ok(gr_labels_new(&w->labels, &w->data.topics, &label, 1, NULL, 0, 1, &err), &err);
    return w;
}

static inline void world_free(world *w) {
    gr_labels_free(w->labels);
    void *owned[] = {w->topic, w->offsets, w->train, w->bytes, w->ids, w};
    for (int i = 0; i < 6; i++)
        gr_free(owned[i]);
}

/* Everything a training needs; stream and router belong to it. */
typedef struct setting {
    world *w;
    gr_model *model;
    gr_stream *stream;
    gr_router *router;
    gr_train_def def;
} setting;

/* The label is known in steps [from, until). */
static inline gr_router *router_new(const gr_model *model, double p_cr, double p_repeat, int64_t from, int64_t until) {
    gr_error err = {0};
    gr_router *router;
    gr_routes *routes = gr_routes_new(1, (const char *[]){"biology"});
    const gr_preset *preset = gr_preset_find("residual");
    gr_preset_def def = gr_preset_default(preset);
    const char *const group[] = {"group", NULL}, *const *const region[] = {group};
    def.region = region;
    def.value[0] = p_cr, def.value[1] = p_repeat;
    gr_test_ok(gr_preset_expand(routes, preset, &def, &err), &err);
    routes->route[0].from = from, routes->route[0].until = until;
    gr_test_ok(gr_router_new(&router, model, routes, 11, &err), &err);
    gr_routes_free(routes);
    return router;
}

static inline setting *setting_new(world *w) {
    setting *s = gr_alloc(sizeof *s);
    gr_error err = {0};
    gr_stream_def stream = gr_stream_default();
    s->w = w;
    s->model = gr_test_transformer(5);
    s->router = router_new(s->model, 0.2, 0.3, 3, 10);
    stream.rows = ROWS, stream.width = WIDTH, stream.docs = w->train, stream.doc_count = DOCS;
    gr_test_ok(gr_stream_new(&s->stream, &w->data, w->labels, &stream, &err), &err);
    s->def = gr_train_default();
    s->def.model = s->model, s->def.stream = s->stream, s->def.router = s->router, s->def.labels = w->labels;
    s->def.rows = ROWS, s->def.width = WIDTH, s->def.steps = STEPS, s->def.checkpoint_every = EVERY;
    s->def.optim.lr = 0.01, s->def.optim.warmup = 3, s->def.optim.total = STEPS;
    s->def.optim.schedule = GR_SCHEDULE_COSINE;
    s->def.digest = "recipe 1";
    return s;
}

static inline void setting_free(setting *s) {
    gr_router_free(s->router);
    gr_stream_free(s->stream);
    gr_model_free(s->model);
    gr_free(s);
}

/* All numbers of a model, and with an optimiser its moments and step counts, in one digest-like block. */
typedef struct bits {
    unsigned char *data;
    size_t size, room;
} bits;

static inline void bits_add(bits *b, const void *data, size_t size) {
    for (size_t i = 0; i < size; i++)
        GR_PUSH(b->data, b->size, b->room) = ((const unsigned char *)data)[i];
}

static inline bits bits_of(gr_model *model, gr_optim *optim, const gr_tables *tables) {
    bits b = {0};
    for (gr_param p = 0; p < gr_model_params(model); p++) {
        const gr_param_def *def = gr_model_param(model, p);
        size_t size = (size_t)def->rows * (size_t)def->cols * sizeof(gr_real);
        bits_add(&b, gr_model_data(model, p), size);
        for (int i = 0; i < 2 && optim; i++)
            bits_add(&b, gr_optim_moment(optim, i, p), size);
    }
    for (int s = 0; optim && s < gr_tables_slices(tables); s++) {
        int64_t steps = gr_optim_slice_steps(optim, s);
        bits_add(&b, &steps, sizeof steps);
    }
    return b;
}

static inline bool bits_equal(const bits *a, const bits *b) {
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* metrics.jsonl without the wall times. */
static inline char *metrics_of(const char *folder) {
    char *path = gr_format("%s/metrics.jsonl", folder), *text, *to;
    size_t size;
    gr_error err = {0};
    gr_test_ok(gr_file_read(path, (unsigned char **)&text, &size, &err), &err);
    to = text;
    for (char *from = text; *from;) {
        if (!strncmp(from, ", \"seconds\"", 11))
            from += strcspn(from, "\n");
        *to++ = *from++;
    }
    *to = 0;
    gr_free(path);
    return text;
}

typedef struct outcome {
    bits state;
    char *metrics;
} outcome;

static inline void outcome_free(outcome *o) {
    gr_free(o->state.data);
    gr_free(o->metrics);
}

/* Trains in a folder to the end, or until it is stopped; the model's and optimiser's bits, and the metrics. */
static inline outcome run_in(setting *s, const char *folder, gr_status want) {
    gr_error err = {0};
    gr_trainer *t;
    s->def.folder = folder;
    gr_test_ok(gr_trainer_new(&t, &s->def, &err), &err);
    gr_status status = gr_trainer_run(t, &err);
    if (status != want)
        gr_test_ok(status, &err);
    assert_int_equal(status, want);
    outcome o = {bits_of(s->model, gr_trainer_optim(t), gr_router_tables(s->router)), metrics_of(folder)};
    gr_trainer_free(t);
    return o;
}

static inline int world_set_up(void **state) {
    *state = world_new();
    return 0;
}

static inline int world_tear_down(void **state) {
    world_free(*state);
    return 0;
}

#endif
