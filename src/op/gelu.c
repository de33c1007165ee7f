/* gelu.c - x Phi(x), Phi the normal distribution function (Hendrycks & Gimpel 2016). */
#include "op/element.h"

extern const gr_op gr__op_gelu;

gr_value gr_gelu(gr_graph *graph, gr_value x) {
    return gr__element_node(graph, &gr__op_gelu, x, GR_NONE, gr_value_width(graph, x));
}

static void gelu_forward(gr_ctx *ctx, int r0, int r1) { gr__element_forward(ctx, gr_kernel()->gelu, r0, r1); }

static void gelu_backward(gr_ctx *ctx, int r0, int r1) {
    gr__element_backward(ctx, gr_kernel()->gelu_backward, r0, r1);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

/* x is read twice: one of the gradients adds to the other. */
static gr_value build_twice(gr_graph *graph, gr_value x) { return gr_mul(graph, gr_gelu(graph, x), x); }

static const gr_op_case cases[] = {
    {"odd", 7, 5, gr_gelu}, {"wide", 3, 37, gr_gelu}, {"twice", 5, 9, build_twice}, {NULL, 0, 0, NULL}};

const gr_op gr__op_gelu = {.name = "gelu",
                           .forward = gelu_forward,
                           .backward = gelu_backward,
                           .keeps_zero = true,
                           .half = true,
                           .cases = cases};
