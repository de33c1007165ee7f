/* l1.c - sum over the columns of |x|. Backward: dx = sign(x) dy; the derivative at 0 is taken to be 0. */
#include "op/element.h"

extern const gr_op gr__op_l1;

gr_value gr_l1(gr_graph *graph, gr_value x) { return gr__element_node(graph, &gr__op_l1, x, GR_NONE, 1); }

static void l1_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
    const gr_slot *x = &ctx->in[0];
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        *gr__row(&ctx->out, n) = k->l1(gr__row(x, n), x->width);
}

static void l1_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
    const gr_slot *x = &ctx->in[0];
    if (!x->d)
        return;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        k->l1_backward(gr__drow(x, n), *gr__drow(&ctx->out, n), gr__row(x, n), x->width, x->accumulate);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

/* x is read by both factors: their gradients add up. */
static gr_value build_twice(gr_graph *graph, gr_value x) {
    return gr_mul(graph, gr_l1(graph, x), gr_l1(graph, gr_mul(graph, x, x)));
}

static const gr_op_case cases[] = {{"odd", 7, 5, gr_l1}, {"twice", 5, 37, build_twice}, {NULL, 0, 0, NULL}};

const gr_op gr__op_l1 = {
    .name = "l1", .forward = l1_forward, .backward = l1_backward, .keeps_zero = true, .cases = cases};
