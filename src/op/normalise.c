/* normalise.c - x / sum of the row, for rows of numbers that are not below 0; a row of zeros stays one. */
#include "op/element.h"

extern const gr_op gr__op_normalise;

gr_value gr_normalise(gr_graph *graph, gr_value x) {
    return gr__element_node(graph, &gr__op_normalise, x, GR_NONE, gr_value_width(graph, x));
}

static gr_real total(const gr_real *x, int n) {
    gr_real sum = 0;
    for (int j = 0; j < n; j++)
        sum += x[j];
    return sum;
}

static void normalise_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        gr_real sum = total(gr__row(x, n), y->width);
        gr_kernel()->scale(gr__row(y, n), sum == 0 ? 0 : 1 / sum, gr__row(x, n), y->width, false);
    }
}

/* By the quotient rule dx = (dy - sum(dy y)) / sum(x); 0 for a row of zeros. */
static void normalise_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
    if (!x->d)
        return;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        const gr_real *v = gr__row(y, n), *dy = gr__drow(y, n);
        gr_real *dx = gr__drow(x, n), sum = total(gr__row(x, n), y->width), dot = 0;

        /* What the sum in the denominator passes on is the same for every column. */
        for (int j = 0; j < y->width; j++)
            dot += dy[j] * v[j];
        for (int j = 0; j < y->width; j++) {
            gr_real d = sum == 0 ? 0 : (dy[j] - dot) / sum;
            dx[j] = x->accumulate ? dx[j] + d : d;
        }
    }
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

/* With scores this is a softmax. */
static gr_value build(gr_graph *graph, gr_value x) { return gr_normalise(graph, gr_scores(graph, x)); }

static gr_value build_squares(gr_graph *graph, gr_value x) { return gr_normalise(graph, gr_mul(graph, x, x)); }

static const gr_op_case cases[] = {{"softmax", 7, 5, build}, {"squares", 5, 9, build_squares}, {NULL, 0, 0, NULL}};

const gr_op gr__op_normalise = {.name = "normalise",
                                .forward = normalise_forward,
                                .backward = normalise_backward,
                                .keeps_zero = true,
                                .needs_output = true,
                                .cases = cases};
