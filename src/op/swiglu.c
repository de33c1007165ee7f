/* swiglu.c - silu(gate) * up in one pass (Shazeer 2020), with silu(x) = x sigmoid(x). Backward: the derivative of silu
 * times up, and silu(gate), times dy (kernel/vec_activation.c). */
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
        for (int j = 0; j < y->width; j += GR_SPAN) {
            int width = gr__span_width(y->width, j);
            gr_real wide[3][GR_SPAN], *out = gr__room(y, wide[2], n, j);
            k->swiglu(out, gr__take(gate, wide[0], n, j, width), gr__take(up, wide[1], n, j, width), width);
            gr__put(y, out, n, j, width);
        }
}

/* One or both gradients of a span of a row. */
/* The gradients of a span of a row: of gate (first), of up (second), or of both. */
static void span_backward(const gr_ctx *ctx, bool first, bool second, int n, int j) {
    const gr_slot *gate = &ctx->in[0], *up = &ctx->in[1], *y = &ctx->out;
    int width = gr__span_width(y->width, j);
    gr_real wide[5][GR_SPAN];
    gr_real *dgate = first ? gr__room_d(gate, wide[0], n, j, width) : NULL;
    gr_real *dup = second ? gr__room_d(up, wide[1], n, j, width) : NULL;
    gr_kernel()->swiglu_backward(dgate, gate->accumulate, dup, up->accumulate, gr__take_d(y, wide[2], n, j, width),
                                 gr__take(gate, wide[3], n, j, width), gr__take(up, wide[4], n, j, width), width);
    if (first)
        gr__put_d(gate, dgate, n, j, width);
    if (second)
        gr__put_d(up, dup, n, j, width);
}

/* Both in one go, unless both inputs are one value kept in bfloat16. */
static void swiglu_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *gate = &ctx->in[0], *up = &ctx->in[1];
    bool same = gate->dh && gate->dh == up->dh; /* one buffer: the second adds to what the first has put there */
    if (!gr__wants(gate) && !gr__wants(up))
        return;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        for (int j = 0; j < ctx->out.width; j += GR_SPAN) {
            span_backward(ctx, gr__wants(gate), gr__wants(up) && !same, n, j);
            if (same)
                span_backward(ctx, false, true, n, j);
        }
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

const gr_op gr__op_swiglu = {.name = "swiglu",
                             .forward = swiglu_forward,
                             .backward = swiglu_backward,
                             .keeps_zero = true,
                             .half = true,
                             .cases = cases};
