/* frozen.h - a small network, and the same with its weighted values and parameters in a moving and a frozen copy, for
 * checks of routed gradients against central differences. */
#ifndef GR_TESTS_FROZEN_H
#define GR_TESTS_FROZEN_H

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "support.h"

enum { D = 6, H = 7, CUT = 3, V = 11 };

typedef struct net {
    gr_model *model;
    gr_value hidden;
} net;

static inline gr_param weight(gr_graph *g, const char *name, int rows, int cols) {
    return gr_graph_param(g, &(gr_param_def){name, rows, cols, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.5, false});
}

/* Units below CUT are region "low", the others "high". */
static inline void add_regions(gr_graph *g, gr_param up, gr_param down, gr_value tap) {
    for (int half = 0; half < 2; half++) {
        int lo = half ? CUT : 0, hi = half ? H : CUT, r = gr_graph_region(g, half ? "high" : "low");
        gr_graph_region_rect(g, r, (gr_rect){up, lo, hi, 0, D});
        gr_graph_region_rect(g, r, (gr_rect){down, lo, hi, 0, 3 * D});
        gr_graph_region_gate(g, r, gr_graph_tap(g, tap), lo, hi);
    }
}

/* embedding -> up -> gelu -> (L1) -> tap -> down -> attention -> logits. The frozen twin reads inputs: 0 = m and
 * 1 = 1 - m of the weights, 2 = m and 3 = (1 - m) v0 of the activation. */
static inline net build(bool frozen) {
    gr_graph *g = gr_graph_new();
    gr_value x = gr_embedding(g, weight(g, "embed", V, D)), m = 0, rest = 0, tap = 0;
    gr_param up = weight(g, "up", H, D), down = weight(g, "down", H, 3 * D), out = weight(g, "out", V, D);
    gr_value u = gr_linear(g, 1, &(gr_term){.x = x, .w = up}, GR_NONE, GR_NONE);
    if (frozen) {
        m = gr_input(g, 0, H);
        rest = gr_input(g, 1, H);
        gr_value u0 = gr_linear(g, 1, &(gr_term){.x = x, .w = weight(g, "up0", H, D)}, GR_NONE, GR_NONE);
        u = gr_add(g, gr_mul(g, u, m), gr_mul(g, u0, rest));
    }
    gr_value a = gr_gelu(g, u), penalty = gr_mean(g, gr_l1(g, a)), y;
    if (frozen) {
        gr_value t = gr_add(g, gr_mul(g, a, gr_input(g, 2, H)), gr_input(g, 3, H));
        y = gr_linear(g, 2,
                      (gr_term[]){{.x = gr_mul(g, t, m), .w = down, .transposed = true},
                                  {.x = gr_mul(g, t, rest), .w = weight(g, "down0", H, 3 * D), .transposed = true}},
                      GR_NONE, GR_NONE);
    } else {
        tap = gr_tap_point(g, a, "hidden");
        y = gr_linear(g, 1, &(gr_term){.x = tap, .w = down, .transposed = true}, GR_NONE, GR_NONE);
    }
    y = gr_attention(g, y, &(gr_attention_def){.heads = 1, .size = D, .scale = 0.5});
    gr_value logits = gr_linear(g, 1, &(gr_term){.x = gr_add(g, x, y), .w = out}, GR_NONE, GR_NONE);
    gr_graph_loss(g, gr_mean(g, gr_cross_entropy(g, logits)), 1);
    gr_graph_loss(g, penalty, 0.05);
    gr_graph_output(g, "hidden", a);
    if (!frozen)
        add_regions(g, up, down, tap);
    net n = {.hidden = a};
    gr_error err = {0};
    gr_test_ok(gr_model_new(&n.model, g, 21, &err), &err);
    return n;
}

static inline gr_real *data(net n, const char *name) { return gr_model_data(n.model, gr_model_find(n.model, name)); }

static inline void copy_params(net to, net from) {
    const char *names[] = {"embed", "up", "down", "out", "up0", "down0"};
    const char *source[] = {"embed", "up", "down", "out", "up", "down"};
    for (int i = 0; i < 6; i++) {
        const gr_param_def *def = gr_model_param(to.model, gr_model_find(to.model, names[i]));
        memcpy(data(to, names[i]), data(from, source[i]), (size_t)def->rows * (size_t)def->cols * sizeof(gr_real));
    }
}

static inline double difference(gr_run *run, const gr_batch *batch, gr_real *w) {
    double old = (double)*w, h = 1e-5;
    *w = (gr_real)(old + h);
    double up = gr_run_forward(run, batch);
    *w = (gr_real)(old - h);
    double down = gr_run_forward(run, batch);
    *w = (gr_real)old;
    return (up - down) / (2 * h);
}

static inline void compare(gr_run *routed, net a, gr_run *frozen, net f, const gr_batch *batch) {
    const char *names[] = {"embed", "up", "down", "out"};
    for (int i = 0; i < 4; i++) {
        gr_param p = gr_model_find(a.model, names[i]);
        const gr_param_def *def = gr_model_param(a.model, p);
        double wrong = 0, norm = 0;
        for (int k = 0; k < def->rows * def->cols; k++) {
            double numeric = difference(frozen, batch, data(f, names[i]) + k),
                   got = (double)gr_run_gradient(routed, p)[k];
            wrong += (numeric - got) * (numeric - got);
            norm += numeric * numeric;
        }
        if (!(sqrt(wrong) < 1e-6 * sqrt(norm)))
            fail_msg("%s: relative error %.3g", names[i], sqrt(wrong / norm));
    }
}

#endif
