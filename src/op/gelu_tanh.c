/* gelu_tanh.c - the tanh form of gelu, x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2. */
#include "op/element.h"

extern const gr_op gr__op_gelu_tanh;

gr_value gr_gelu_tanh(gr_graph *graph, gr_value x) {
    return gr__element_node(graph, &gr__op_gelu_tanh, x, GR_NONE, gr_value_width(graph, x));
}

static void gelu_tanh_forward(gr_ctx *ctx, int r0, int r1) { gr__element_forward(ctx, gr_kernel()->gelu_tanh, r0, r1); }

static void gelu_tanh_backward(gr_ctx *ctx, int r0, int r1) {
    gr__element_backward(ctx, gr_kernel()->gelu_tanh_backward, r0, r1);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

/* x is read twice: one of the gradients adds to the other. */
static gr_value build_twice(gr_graph *graph, gr_value x) { return gr_mul(graph, gr_gelu_tanh(graph, x), x); }

static const gr_op_case cases[] = {
    {"odd", 7, 5, gr_gelu_tanh}, {"wide", 3, 37, gr_gelu_tanh}, {"twice", 5, 9, build_twice}, {NULL, 0, 0, NULL}};

const gr_op gr__op_gelu_tanh = {.name = "gelu_tanh",
                                .forward = gelu_tanh_forward,
                                .backward = gelu_tanh_backward,
                                .keeps_zero = true,
                                .half = true,
                                .cases = cases};
