/* route_helpers.h - a small network with two regions, its router, and what a class weighs, for the tests of routes. */
#ifndef GR_TESTS_ROUTE_HELPERS_H
#define GR_TESTS_ROUTE_HELPERS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/arch.h"
#include "gradroute/route.h"
#include "support.h"

static const char *const bio[] = {"bio"}, *const chem[] = {"chem"}, *const both[] = {"bio", "chem"};

/* in -> hidden [8] -> out: neurons 4..5 are bio, 6..7 chem; each owns a row of `up` and of `down`. overlap: chem claims
 * neuron 5 too, and beside them there is a region `out`, the bias of the outputs, without a gate. */
static inline gr_model *small_model_with(bool overlap) {
    gr_graph *g = gr_graph_new();
    gr_param embed = gr_graph_param(g, &(gr_param_def){"embed", 10, 4, GR_KIND_EMBEDDING, GR_INIT_NORMAL, 0.1, false});
    gr_param up = gr_graph_param(g, &(gr_param_def){"up", 8, 4, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.1, false});
    gr_param bias = gr_graph_param(g, &(gr_param_def){"up.bias", 1, 8, GR_KIND_BIAS, GR_INIT_ZERO, 0, false});
    gr_param down = gr_graph_param(g, &(gr_param_def){"down", 8, 10, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.1, false});
    gr_param out = gr_graph_param(g, &(gr_param_def){"down.bias", 1, 10, GR_KIND_OUT_BIAS, GR_INIT_ZERO, 0, false});
    gr_value x = gr_embedding(g, embed);
    gr_value h = gr_relu(g, gr_linear(g, 1, &(gr_term){.x = x, .w = up}, bias, GR_NONE));
    gr_value tap = gr_tap_point(g, h, "hidden");
    gr_value y = gr_linear(g, 1, &(gr_term){.x = tap, .w = down, .transposed = true}, out, GR_NONE);
    gr_graph_loss(g, gr_mean(g, gr_cross_entropy(g, y)), 1);
    for (int k = 0; k < 2; k++) {
        int r = gr_graph_region(g, both[k]), lo = k ? (overlap ? 5 : 6) : 4, hi = 6 + 2 * k;
        gr_graph_region_rect(g, r, (gr_rect){up, lo, hi, 0, 4});
        gr_graph_region_rect(g, r, (gr_rect){bias, 0, 1, lo, hi});
        gr_graph_region_rect(g, r, (gr_rect){down, lo, hi, 0, 10});
        gr_graph_region_gate(g, r, gr_graph_tap(g, tap), lo, hi);
    }
    if (overlap)
        gr_graph_region_rect(g, gr_graph_region(g, "out"), (gr_rect){out, 0, 1, 0, 10});
    gr_model *model;
    gr_error err = {0};
    gr_test_ok(gr_model_new(&model, g, 1, &err), &err);
    return model;
}

static inline gr_model *small_model(void) { return small_model_with(false); }

static inline gr_router *router_of(const gr_model *model, const gr_routes *routes) {
    gr_router *router;
    gr_error err = {0};
    gr_test_ok(gr_router_new(&router, model, routes, 42, &err), &err);
    return router;
}

/* The effective weight of one number of a parameter for a class. */
static inline double weight_at(const gr_router *router, const gr_model *model, const char *name, int row, int col,
                               int cls) {
    const gr_tables *tables = gr_router_tables(router);
    gr_param p = gr_model_find(model, name);
    for (int s = 0; s < gr_tables_slices(tables); s++) {
        gr_rect rect = gr_tables_slice(tables, s);
        if (rect.param == p && rect.lo0 <= row && row < rect.hi0 && rect.lo1 <= col && col < rect.hi1)
            return gr_tables_weight(tables, s, cls);
    }
    fail_msg("no slice holds %s[%d][%d]", name, row, col);
    return 0;
}

static inline int class_of(const gr_router *router, int label, int sequence, int64_t step) {
    int16_t labels[] = {(int16_t)label};
    int32_t cls, unit = sequence;
    gr_router_classify(router, &cls, &(gr_router_rows){1, 1, labels, &unit, NULL, NULL}, step);
    return cls;
}

/* The class of the second showing that route `which` of those with `again` gives to a sequence of this label. */
static inline int repeat_of(const gr_router *router, int which, int label, int sequence, int64_t step) {
    int16_t labels[] = {(int16_t)label};
    int32_t cls[1 + GR_ROUTE_ROUTES_MAX], unit = sequence;
    gr_router_show(router, cls, NULL, &(gr_router_rows){.sequences = 1, .width = 1, .label = labels, .sequence = &unit},
                   step);
    return cls[1 + which];
}

static inline void one(gr_routes *routes, gr_mode mode, gr_scope scope, const char *name, double weight) {
    gr_routes_add(routes, GR_LABELS_ALL, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_effect(routes, mode, scope, name, weight);
}

static inline gr_model *arch_model(void) {
    gr_arch_region regions[] = {{.name = "bio", .residual.add = 8, .mlp.add = 8, .heads.add = 1},
                                {.name = "chem", .mlp.add = 8}};
    gr_arch_def def = gr_arch_default();
    def.vocab = GR_TEST_VOCAB, def.context = 16, def.layers = 2, def.width = 16, def.heads = 2, def.mlp = 32;
    def.regions = regions, def.region_count = 2;
    gr_model *model;
    gr_error err = {0};
    gr_test_ok(gr_arch_build(&model, &def, 3, &err), &err);
    return model;
}

static inline gr_routes *preset_routes(const char *name, double a, double b, unsigned joint) {
    gr_routes *routes = gr_routes_new(2, both);
    const gr_preset *preset = gr_preset_find(name);
    gr_error err = {0};
    assert_non_null(preset);
    gr_preset_def def = gr_preset_default(preset);
    def.value[0] = a, def.value[1] = b, def.joint = joint;
    gr_test_ok(gr_preset_expand(routes, preset, &def, &err), &err);
    return routes;
}

#endif
