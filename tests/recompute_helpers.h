/* recompute_helpers.h - runs that compute their segments again beside runs that keep everything: the same bits, in less
 * memory. Both builds test it. */
#ifndef GR_TESTS_RECOMPUTE_HELPERS_H
#define GR_TESTS_RECOMPUTE_HELPERS_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/arch.h"
#include "gradroute/optim.h"
#include "model/running.h"
#include "support.h"

enum { BLOCKS = 3, N = BLOCKS * GR_BLOCK, VOCAB = 23, CLASSES = 3, STEPS = 2 };

/* ---- networks ---------------------------------------------------------------------------------------------------- */

static inline gr_arch_def small(void) {
    gr_arch_def def = gr_arch_default();
    def.vocab = VOCAB;
    def.context = 64;
    def.layers = 3;
    def.width = 16;
    def.heads = 4;
    def.mlp = 24;
    def.init_std = 0.2;
    return def;
}

/* Residual groups, one by itself, and units of the core that another region claims. */
static inline gr_arch_def llama(void) {
    static const gr_arch_region regions[] = {
        {.name = "group", .residual.add = 8, .heads.add = 2, .mlp.add = 8},
        {.name = "claimed", .mlp = {.lo = 4, .hi = 12}, .strength = GR_STRENGTH_SIGMOID},
        {.name = "apart",
         .residual.add = 4,
         .heads.add = 1,
         .mlp.add = 4,
         .group = {GR_GROUP_NORM_APART, GR_GROUP_WRITES_OWN}}};
    gr_arch_def def = small();
    def.regions = regions;
    def.region_count = 3;
    return def;
}

static inline gr_arch_def gpt2(void) {
    gr_arch_def def = small();
    assert_true(gr_arch_style(&def, "gpt2"));
    def.dropout = 0.2;
    return def;
}

static inline gr_arch_def experts(void) {
    static const gr_arch_region regions[] = {{.name = "expert", .experts.add = 1}};
    gr_arch_def def = small();
    def.mlp = 8;
    def.experts = 3;
    def.top = 2;
    def.balance = 0.05;
    def.regions = regions;
    def.region_count = 1;
    return def;
}

/* Residual dimensions gated at every stream tap, and L1 in one layer. */
static inline gr_arch_def claimed(void) {
    static const gr_arch_region regions[] = {{.name = "stream", .residual = {.lo = 3, .hi = 7}}};
    static const int layers[] = {1};
    gr_arch_def def = small();
    def.l1 = 0.02;
    def.l1_layers = layers;
    def.l1_count = 1;
    def.kv_heads = 2;
    def.regions = regions;
    def.region_count = 1;
    return def;
}

/* Gates on what a layer writes, adapters with dropout, units that stop gradients; windows and a layer without neurons.
 */
static inline gr_arch_def pieces(void) {
    static const int whole[] = {2}, first[] = {0}, neurons[] = {24, 0, 24}, windows[] = {0, 5};
    static const gr_arch_region regions[] = {
        {.name = "whole", .whole = whole, .whole_count = 1},
        {.name = "adapter", .adapter = {.rank = 2, .scale = 2, .dropout = 0.3}, .layers = first, .layer_count = 1},
        {.name = "stop", .residual.add = 4, .mlp.add = 4, .stop = true, .layers = first, .layer_count = 1}};
    gr_arch_def def = small();
    def.layer_mlp = neurons;
    def.windows = windows;
    def.window_count = 2;
    def.regions = regions;
    def.region_count = 3;
    return def;
}

static inline gr_model *build(const gr_arch_def *def) {
    gr_error err = {0};
    gr_model *model;
    gr_test_ok(gr_arch_build(&model, def, 5, &err), &err);
    return model;
}

/* Class 0 runs without regions, class 1 does not write them, class 2 weighs taps forward and backward. */
static inline gr_tables *routes(const gr_model *model) {
    gr_tables *tables = gr_tables_new(model, CLASSES);
    for (int r = 0; r < gr_model_regions(model); r++) {
        const gr_region *region = gr_model_region(model, r);
        gr_tables_gate(tables, r, (double[]){0, 1, 1});
        for (int i = 0; i < region->rects; i++)
            gr_tables_param(tables, region->rect[i], (double[]){1, 0, 0.5});
    }
    int width;
    gr_tap hidden = gr_model_find_tap(model, "layers.0.mlp.hidden"),
           heads = gr_model_find_tap(model, "layers.1.attn.heads"),
           stream = gr_model_find_tap(model, "layers.1.attn.stream");
    gr_model_tap(model, hidden, &width);
    gr_tables_activation(tables, hidden, 0, width / 2, (double[]){1, 1, 0});
    gr_model_tap(model, heads, &width);
    gr_tables_forward(tables, heads, 0, width, (double[]){1, 1, 0.75});
    gr_tables_activation(tables, stream, 2, 9, (double[]){1, 0.5, 1});
    gr_tables_finish(tables);
    return tables;
}

/* Three blocks, no document in two of them; one block of class 0 alone, so that regions are off in it as a whole. */
static inline gr_test_batch batch_new(void) {
    gr_test_batch b = gr_test_batch_new(N, VOCAB, 7);
    for (int n = 0, document = 0; n < N; n++) {
        int first = n / GR_BLOCK * GR_BLOCK;
        b.start[n] = b.start[n] < first ? first : b.start[n];
        document += b.start[n] == n;
        b.cls[n] = n < GR_BLOCK ? 0 : n % 101 == 7 && b.start[n] == n ? -1 : document % CLASSES;
    }
    b.batch.cls = b.cls;
    return b;
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

static inline gr_run *run_of(gr_model *model, const gr_tables *tables, int rows, gr_precision precision,
                             bool recompute) {
    gr_run *run;
    gr_error err = {0};
    gr_run_def def = {.positions = rows, .train = true, .seed = 3, .precision = precision, .recompute = recompute};
    gr_test_ok(gr_run_new(&run, model, tables, &def, &err), &err);
    return run;
}

/* Rows [first, first + rows) of a batch, as a micro-batch. */
static inline gr_batch part_of(const gr_test_batch *b, int64_t step, int first, int rows, int32_t *start) {
    gr_batch part = b->batch;
    part.positions = rows;
    part.ids += first, part.targets += first, part.cls += first;
    part.first = first;
    part.step = step;
    for (int n = 0; n < rows; n++)
        start[n] = b->start[first + n] - first;
    part.start = start;
    return part;
}

/* Nothing that is computed again is read before it is: values and states of all segments hold NaN, and no segment
 * counts as there. */
static inline void forget(gr_run *run) {
    const gr__layout *l = run->layout;
    for (size_t n = 0; n < run->model->graph->nodes; n++) {
        const gr_node *node = &run->model->graph->node[n];
        const gr_slot *out = &run->ctx[n].out;
        if (!l->forgotten[n])
            continue;
        size_t numbers = node->scalar ? 1 : (size_t)l->capacity * (size_t)node->width;
        size_t state = node->op->state ? node->op->state(node, l->capacity, l->block) : 0;
        memset(out->vh ? (void *)out->vh : (void *)out->v, 0xff,
               numbers * (out->vh ? sizeof(gr_half) : sizeof(gr_real)));
        if (l->again[n])
            memset(run->ctx[n].state, 0xff, state * sizeof(gr_real));
    }
    run->filled = 0;
}

/* The losses of a step, and its gradients in the run. */
static inline double step(gr_run *run, const gr_test_batch *b, int64_t number, int rows, bool forgetful) {
    static int32_t start[N];
    double loss = 0;
    gr_run_zero(run);
    for (int first = 0; first < N; first += rows) {
        gr_batch part = part_of(b, number, first, rows, start);
        loss += gr_run_forward(run, &part);
        if (forgetful)
            forget(run);
        gr_run_backward(run);
    }
    gr_run_reduce(run);
    return loss;
}

static inline void same_gradients(const gr_model *model, gr_run *a, gr_run *b) {
    double norm = 0;
    for (gr_param p = 0; p < gr_model_params(model); p++) {
        const gr_param_def *def = gr_model_param(model, p);
        const gr_real *x = gr_run_gradient(a, p), *y = gr_run_gradient(b, p);
        for (int i = 0; i < def->rows * def->cols; i++)
            norm += (double)x[i] * (double)x[i];
        if (memcmp(x, y, (size_t)def->rows * (size_t)def->cols * sizeof *x))
            fail_msg("gradients of %s differ", def->name);
    }
    assert_true(norm > 0 && isfinite(norm));
}

/* Losses, gradients and parameters of some steps: everything kept against computed again, in micro-batches of `rows`.
 */
static inline void same_bits(const gr_arch_def *def, gr_precision precision, bool routed, int rows, bool forgetful) {
    gr_error err = {0};
    gr_test_batch b = batch_new();
    gr_model *model[2] = {build(def), build(def)};
    gr_tables *tables[2] = {0};
    gr_run *run[2];
    gr_optim *optim[2];
    gr_optim_def how = gr_optim_default();
    how.lr = 0.01;
    for (int k = 0; k < 2; k++) {
        tables[k] = routed ? routes(model[k]) : NULL;
        run[k] = run_of(model[k], tables[k], rows, precision, k);
        gr_test_ok(gr_optim_new(&optim[k], model[k], gr_run_tables(run[k]), &how, &err), &err);
    }
    if (!routed)
        for (int n = 0; n < N; n++)
            b.cls[n] = b.cls[n] < 0 ? -1 : 0;
    for (int i = 0; i < STEPS; i++) {
        double loss[2];
        for (int k = 0; k < 2; k++)
            loss[k] = step(run[k], &b, i, rows, forgetful && k);
        assert_true(isfinite(loss[0]) && loss[0] > 0 && loss[0] == loss[1]);
        same_gradients(model[0], run[0], run[1]);
        for (int k = 0; k < 2; k++)
            gr_test_ok(gr_optim_step(optim[k], run[k], NULL, &err), &err);
        for (gr_param p = 0; p < gr_model_params(model[0]); p++) {
            const gr_param_def *d = gr_model_param(model[0], p);
            assert_memory_equal(gr_model_data(model[0], p), gr_model_data(model[1], p),
                                (size_t)d->rows * (size_t)d->cols * sizeof(gr_real));
        }
    }
    for (int k = 0; k < 2; k++) {
        gr_optim_free(optim[k]);
        gr_run_free(run[k]);
        gr_tables_free(tables[k]);
        gr_model_free(model[k]);
    }
    gr_test_batch_free(&b);
}

/* One network in all ways of running it. */
static inline void check(gr_arch_def def, gr_precision precision) {
    same_bits(&def, precision, true, N, false);
    same_bits(&def, precision, true, N, true);
    same_bits(&def, precision, true, GR_BLOCK, false);
    same_bits(&def, precision, false, N, true);
}

#endif
