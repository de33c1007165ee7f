/* relu.c - max(x, 0); the derivative at 0 is 0. */
#include "op/element.h"

extern const gr_op gr__op_relu;

gr_value gr_relu(gr_graph *graph, gr_value x) {
    return gr__element_node(graph, &gr__op_relu, x, GR_NONE, gr_value_width(graph, x));
}

static void relu_forward(gr_ctx *ctx, int r0, int r1) { gr__element_forward(ctx, gr_kernel()->relu, r0, r1); }

static void relu_backward(gr_ctx *ctx, int r0, int r1) {
    gr__element_backward(ctx, gr_kernel()->relu_backward, r0, r1);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

/* x is read twice: one of the gradients adds to the other. */
static gr_value build_twice(gr_graph *graph, gr_value x) { return gr_mul(graph, gr_relu(graph, x), x); }

static const gr_op_case cases[] = {
    {"odd", 7, 5, gr_relu}, {"wide", 3, 37, gr_relu}, {"twice", 5, 9, build_twice}, {NULL, 0, 0, NULL}};

const gr_op gr__op_relu = {.name = "relu",
                           .forward = relu_forward,
                           .backward = relu_backward,
                           .keeps_zero = true,
                           .half = true,
                           .cases = cases};
