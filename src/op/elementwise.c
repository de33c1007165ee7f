/* elementwise.c - the operations on single numbers, y = f(x) and dx = f'(x) dy: all that they are stands in their list
 * (kernel/elementwise.h). */
#include "op/element.h"

/* Builder, passes, and cases of odd width, of one wider than a register, and where x is read twice, so that one of the
 * gradients adds to the other. */
#define GR_ELEMENTWISE(fn, value, gradient, zero)                                                                \
    extern const gr_op gr__op_##fn;                                                                              \
    gr_value gr_##fn(gr_graph *graph, gr_value x) {                                                              \
        return gr__element_node(graph, &gr__op_##fn, x, GR_NONE, gr_value_width(graph, x));                      \
    }                                                                                                            \
    static void fn##_forward(gr_ctx *ctx, int r0, int r1) { gr__element_forward(ctx, gr_kernel()->fn, r0, r1); } \
    static void fn##_backward(gr_ctx *ctx, int r0, int r1) {                                                     \
        gr__element_backward(ctx, gr_kernel()->fn##_backward, r0, r1);                                           \
    }                                                                                                            \
    static gr_value fn##_twice(gr_graph *graph, gr_value x) { return gr_mul(graph, gr_##fn(graph, x), x); }      \
    static const gr_op_case fn##_cases[] = {                                                                     \
        {"odd", 7, 5, gr_##fn}, {"wide", 3, 37, gr_##fn}, {"twice", 5, 9, fn##_twice}, {NULL, 0, 0, NULL}};      \
    const gr_op gr__op_##fn = {.name = #fn,                                                                      \
                               .forward = fn##_forward,                                                          \
                               .backward = fn##_backward,                                                        \
                               .keeps_zero = zero,                                                               \
                               .half = true,                                                                     \
                               .cases = fn##_cases};
#include "kernel/elementwise.h"
#undef GR_ELEMENTWISE
