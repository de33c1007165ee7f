/* slice.c - columns [lo, hi) of a value, in place. */
#include "op/op.h"

extern const gr_op gr__op_slice;

gr_value gr_slice(gr_graph *graph, gr_value x, int lo, int hi) {
    if (x < 0)
        return GR_NONE;
    if (lo < 0 || lo >= hi || hi > gr_value_width(graph, x) || gr_value_scalar(graph, x))
        return gr_graph_fail(graph, "slice: columns %d to %d of a value with %d", lo, hi, gr_value_width(graph, x));
    const gr_node node = {
        .op = &gr__op_slice, .inputs = 1, .in = {x}, .width = hi - lo, .offset = lo, .point = GR_NONE};
    return gr__graph_add(graph, &node, NULL, 0);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_value build(gr_graph *graph, gr_value x) {
    const gr_value middle = gr_slice(graph, x, 1, gr_value_width(graph, x) - 1);
    return gr_mul(graph, middle, middle);
}

/* A slice of a slice, and two that overlap. */
static gr_value build_nested(gr_graph *graph, gr_value x) {
    const int width = gr_value_width(graph, x);
    const gr_value left = gr_slice(graph, x, 0, width - 1), right = gr_slice(graph, x, 1, width);
    return gr_mul(graph, gr_slice(graph, left, 1, width - 1), gr_slice(graph, right, 0, width - 2));
}

static const gr_op_case cases[] = {{"middle", 7, 5, build}, {"nested", 5, 6, build_nested}, {NULL, 0, 0, NULL}};

const gr_op gr__op_slice = {.name = "slice", .view = true, .keeps_zero = true, .cases = cases};
