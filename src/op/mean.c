/* mean.c - sum_n weight[n] x[n] / denominator. Rows of weight 0 are not read. */
#include "op/op.h"

extern const gr_op gr__op_mean;

gr_value gr_mean(gr_graph *graph, gr_value x) {
    if (x < 0)
        return GR_NONE;
    if (gr_value_width(graph, x) != 1 || gr_value_scalar(graph, x))
        return gr_graph_fail(graph, "mean: x must have one number per row, not %s",
                             gr_value_scalar(graph, x) ? "one in all" : "several");
    const gr_node node = {.op = &gr__op_mean, .inputs = 1, .in = {x}, .width = 1, .scalar = true, .point = GR_NONE};
    return gr__graph_add(graph, &node, NULL, 0);
}

/* One thread and a sum in double: the order of additions is that of the rows. */
static void mean_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0];
    double sum = 0;
    for (int n = r0; n < r1; n++)
        if (ctx->rows->weight[n] != 0)
            sum += (double)ctx->rows->weight[n] * (double)x->v[(size_t)n * x->stride];
    *ctx->out.v = (gr_real)(sum / ctx->rows->denominator);
}

static void mean_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0];
    if (!x->d)
        return;
    for (int n = r0; n < r1; n++) {
        const gr_real d = (gr_real)((double)*ctx->out.d * (double)ctx->rows->weight[n] / ctx->rows->denominator);
        gr_real *to = x->d + (size_t)n * x->stride;
        *to = x->accumulate ? *to + d : d;
    }
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_value build(gr_graph *graph, gr_value x) { return gr_mean(graph, x); }

/* One column among several: the gradient is added, at a stride. */
static gr_value build_slice(gr_graph *graph, gr_value x) { return gr_mean(graph, gr_slice(graph, x, 1, 2)); }

static const gr_op_case cases[] = {{"column", 9, 1, build}, {"slice", 5, 3, build_slice}, {NULL, 0, 0, NULL}};

const gr_op gr__op_mean = {.name = "mean",
                           .forward = mean_forward,
                           .backward = mean_backward,
                           .needs_no_input = true,
                           .couples_rows = true,
                           .cases = cases};
