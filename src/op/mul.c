/* mul.c - a * b, element by element. Backward: da = dy b and db = dy a. */
#include "op/element.h"

extern const gr_op gr__op_mul;

gr_value gr_mul(gr_graph *graph, gr_value a, gr_value b) {
    return gr__element_pair(graph, &gr__op_mul, a, b, gr_value_width(graph, a));
}

static void mul_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
    const gr_slot *a = &ctx->in[0], *b = &ctx->in[1], *y = &ctx->out;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        k->mul(gr__row(y, n), gr__row(a, n), gr__row(b, n), y->width, false);
}

static void mul_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
    const gr_slot *a = &ctx->in[0], *b = &ctx->in[1], *y = &ctx->out;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        if (a->d)
            k->mul(gr__drow(a, n), gr__drow(y, n), gr__row(b, n), y->width, a->accumulate);
        if (b->d)
            k->mul(gr__drow(b, n), gr__drow(y, n), gr__row(a, n), y->width, b->accumulate);
    }
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

/* Two views of one value: both gradients lie in its buffer. */
static gr_value build_halves(gr_graph *graph, gr_value x) {
    int half = gr_value_width(graph, x) / 2;
    return gr_mul(graph, gr_slice(graph, x, 0, half), gr_slice(graph, x, half, 2 * half));
}

/* Both inputs are one value: 2 x dy, in two parts. */
static gr_value build_square(gr_graph *graph, gr_value x) { return gr_mul(graph, x, x); }

static const gr_op_case cases[] = {
    {"halves", 7, 10, build_halves}, {"square", 5, 37, build_square}, {NULL, 0, 0, NULL}};

const gr_op gr__op_mul = {
    .name = "mul", .forward = mul_forward, .backward = mul_backward, .keeps_zero = true, .cases = cases};
