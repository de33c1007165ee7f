/* layer_norm.c - gain * (x - mean) / sqrt(variance + eps) + shift (Ba et al. 2016).
 *
 * With xhat the normalised row and g = gain dy:  dx = (g - mean(g) - xhat mean(g xhat)) / sqrt(variance + eps).
 */
#include "op/element.h"
#include <math.h>

extern const gr_op gr__op_layer_norm;

typedef struct attr {
    double eps;
    int gain, shift; /* slots of the parameters, GR_NONE: absent */
} attr;

/* Gives a vector parameter the next slot of the node; false if it does not fit. */
static bool take(gr_graph *graph, gr_node *node, int *slot, gr_param p) {
    *slot = GR_NONE;
    if (p == GR_NONE)
        return true;
    const gr_param_def *def = gr__graph_param_def(graph, p);
    if (!def || def->rows != 1 || def->cols != node->width) {
        gr_graph_fail(graph, "layer_norm: parameter '%s' [%d x %d] should be [1 x %d]", def ? def->name : "?",
                      def ? def->rows : 0, def ? def->cols : 0, node->width);
        return false;
    }
    *slot = node->params;
    node->param[node->params++] = p;
    return true;
}

gr_value gr_layer_norm(gr_graph *graph, gr_value x, gr_param gain, gr_param shift, double eps) {
    if (x < 0)
        return GR_NONE;
    if (gr_value_scalar(graph, x))
        return gr_graph_fail(graph, "layer_norm reads rows, not one number");
    attr a = {.eps = eps};
    gr_node node = {.op = &gr__op_layer_norm,
                    .inputs = 1,
                    .in = {x},
                    .width = gr_value_width(graph, x),
                    .half = true,
                    .point = GR_NONE};
    if (!take(graph, &node, &a.gain, gain) || !take(graph, &node, &a.shift, shift))
        return GR_NONE;
    return gr__graph_add(graph, &node, &a, sizeof a);
}

/* Mean and 1 / sqrt(variance + eps) of each row. */
static size_t layer_norm_state(const gr_node *node, int capacity, int block) { return 2 * (size_t)capacity; }

/* xhat, of which the gain's gradient is made. */
static size_t layer_norm_scratch(const gr_node *node, int capacity, int block) {
    return (size_t)capacity * (size_t)node->width;
}

static const gr_real *weights(const gr_ctx *ctx, int slot) { return slot == GR_NONE ? NULL : ctx->param[slot].w; }

static void layer_norm_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
    const attr *a = ctx->node->attr;
    const gr_slot *x = &ctx->in[0];
    const gr_real *gain = weights(ctx, a->gain), *shift = weights(ctx, a->shift);
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        gr_real *mean = ctx->state + 2 * (size_t)n, variance;
        k->moments(mean, &variance, gr__row(x, n), x->width);
        double spread = (double)variance + a->eps;
        mean[1] = spread > 0 || isnan(spread) ? (gr_real)(1 / sqrt(spread)) : 0;
        gr__norm_forward(&ctx->out, n, 0, x->width, gr__row(x, n), mean[0], mean[1], gain, shift);
    }
}

static void layer_norm_backward(gr_ctx *ctx, int r0, int r1) {
    const attr *a = ctx->node->attr;
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
    const gr_real *gain = weights(ctx, a->gain);
    gr_real width = (gr_real)x->width;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        gr_real *xhat = ctx->scratch + (size_t)n * (size_t)x->width, sums[2] = {0}, *mean = ctx->state + 2 * (size_t)n;
        gr__norm_sums(y, n, 0, x->width, sums, xhat, gr__row(x, n), mean[0], mean[1], gain);
        if (x->d)
            gr__norm_backward(y, n, 0, x->width, gr__drow(x, n), xhat, mean[1], sums[0] / width, sums[1] / width, gain,
                              x->accumulate);
    }
    if (gain && ctx->param[a->gain].g)
        gr__bgrad(&ctx->param[a->gain], gr__view_d(y, 0), (gr_rows_view){ctx->scratch, NULL, x->width},
                  ctx->rows->block, r0, r1);
    if (a->shift != GR_NONE && ctx->param[a->shift].g)
        gr__bgrad(&ctx->param[a->shift], gr__view_d(y, 0), (gr_rows_view){0}, ctx->rows->block, r0, r1);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_param vector(gr_graph *graph, const char *name, int width) {
    return gr_graph_param(graph, &(gr_param_def){name, 1, width, GR_KIND_NORM, GR_INIT_NORMAL, 0.7, false});
}

static gr_value build_both(gr_graph *graph, gr_value x) {
    int width = gr_value_width(graph, x);
    return gr_layer_norm(graph, x, vector(graph, "gain", width), vector(graph, "shift", width), 1e-5);
}

static gr_value build_bare(gr_graph *graph, gr_value x) { return gr_layer_norm(graph, x, GR_NONE, GR_NONE, 1e-3); }

static gr_value build_shift(gr_graph *graph, gr_value x) {
    gr_value y = gr_layer_norm(graph, x, GR_NONE, vector(graph, "shift", gr_value_width(graph, x)), 1e-5);
    return gr_mul(graph, y, x);
}

static const gr_op_case cases[] = {
    {"both", 7, 9, build_both}, {"bare", 5, 37, build_bare}, {"shift", 6, 5, build_shift}, {NULL, 0, 0, NULL}};

const gr_op gr__op_layer_norm = {.name = "layer_norm",
                                 .state = layer_norm_state,
                                 .scratch = layer_norm_scratch,
                                 .forward = layer_norm_forward,
                                 .backward = layer_norm_backward,
                                 .cases = cases};
