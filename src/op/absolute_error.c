/* absolute_error.c - mean over the w columns of |a - b|. Backward: da = sign(a - b) dy / w and db = -da; the derivative
 * at 0 is taken to be 0. */
#include "op/element.h"

extern const gr_op gr__op_absolute_error;

gr_value gr_absolute_error(gr_graph *graph, gr_value a, gr_value b) {
    return gr__element_pair(graph, &gr__op_absolute_error, a, b, 1);
}

static void absolute_error_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
    const gr_slot *a = &ctx->in[0], *b = &ctx->in[1];
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        *gr__row(&ctx->out, n) = k->absolute_error(gr__row(a, n), gr__row(b, n), a->width) / (gr_real)a->width;
}

static void absolute_error_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
    const gr_slot *a = &ctx->in[0], *b = &ctx->in[1];
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        gr_real d = *gr__drow(&ctx->out, n) / (gr_real)a->width;
        if (a->d)
            k->sign(gr__drow(a, n), d, gr__row(a, n), gr__row(b, n), a->width, a->accumulate);
        if (b->d)
            k->sign(gr__drow(b, n), -d, gr__row(a, n), gr__row(b, n), a->width, b->accumulate);
    }
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

/* Two views of one value: both gradients lie in its buffer. */
static gr_value build_halves(gr_graph *graph, gr_value x) {
    int half = gr_value_width(graph, x) / 2;
    return gr_absolute_error(graph, gr_slice(graph, x, 0, half), gr_slice(graph, x, half, 2 * half));
}

/* An input of the batch has no gradient: only one side is written. */
static gr_value build_input(gr_graph *graph, gr_value x) {
    return gr_absolute_error(graph, gr_input(graph, 0, gr_value_width(graph, x)), x);
}

static const gr_op_case cases[] = {{"halves", 7, 10, build_halves}, {"input", 5, 37, build_input}, {NULL, 0, 0, NULL}};

const gr_op gr__op_absolute_error = {.name = "absolute_error",
                                     .forward = absolute_error_forward,
                                     .backward = absolute_error_backward,
                                     .keeps_zero = true,
                                     .cases = cases};
