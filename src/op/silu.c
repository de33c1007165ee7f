/* silu.c - x sigmoid(x) (Elfwing et al. 2017). */
#include "op/element.h"

extern const gr_op gr__op_silu;

gr_value gr_silu(gr_graph *graph, gr_value x) {
    return gr__element_node(graph, &gr__op_silu, x, GR_NONE, gr_value_width(graph, x));
}

static void silu_forward(gr_ctx *ctx, int r0, int r1) { gr__element_forward(ctx, gr_kernel()->silu, r0, r1); }

static void silu_backward(gr_ctx *ctx, int r0, int r1) {
    gr__element_backward(ctx, gr_kernel()->silu_backward, r0, r1);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

/* x is read twice: one of the gradients adds to the other. */
static gr_value build_twice(gr_graph *graph, gr_value x) { return gr_mul(graph, gr_silu(graph, x), x); }

static const gr_op_case cases[] = {
    {"odd", 7, 5, gr_silu}, {"wide", 3, 37, gr_silu}, {"twice", 5, 9, build_twice}, {NULL, 0, 0, NULL}};

const gr_op gr__op_silu = {.name = "silu",
                           .forward = silu_forward,
                           .backward = silu_backward,
                           .keeps_zero = true,
                           .half = true,
                           .cases = cases};
