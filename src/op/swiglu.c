/* swiglu.c - silu(gate) * up in one pass (Shazeer 2020). */
#include "op/element.h"

extern const gr_op gr__op_swiglu;

gr_value gr_swiglu(gr_graph *graph, gr_value gate, gr_value up) {
    return gr__element_pair(graph, &gr__op_swiglu, gate, up, gr_value_width(graph, gate));
}

static void swiglu_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
    const gr_slot *gate = &ctx->in[0], *up = &ctx->in[1], *y = &ctx->out;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        k->swiglu(gr__row(y, n), gr__row(gate, n), gr__row(up, n), y->width);
}

static void swiglu_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
    const gr_slot *gate = &ctx->in[0], *up = &ctx->in[1], *y = &ctx->out;
    if (!gate->d && !up->d)
        return;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        k->swiglu_backward(gate->d ? gr__drow(gate, n) : NULL, gate->accumulate, up->d ? gr__drow(up, n) : NULL,
                           up->accumulate, gr__drow(y, n), gr__row(gate, n), gr__row(up, n), y->width);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_value build_halves(gr_graph *graph, gr_value x) {
    int half = gr_value_width(graph, x) / 2;
    return gr_swiglu(graph, gr_slice(graph, x, 0, half), gr_slice(graph, x, half, 2 * half));
}

/* Both inputs are one value. */
static gr_value build_same(gr_graph *graph, gr_value x) { return gr_swiglu(graph, x, x); }

static const gr_op_case cases[] = {
    {"halves", 7, 10, build_halves}, {"wide", 3, 600, build_halves}, {"same", 5, 9, build_same}, {NULL, 0, 0, NULL}};

const gr_op gr__op_swiglu = {
    .name = "swiglu", .forward = swiglu_forward, .backward = swiglu_backward, .keeps_zero = true, .cases = cases};
