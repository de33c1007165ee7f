/* stop.c - the value, without its gradient. */
#include "op/op.h"

extern const gr_op gr__op_stop;

gr_value gr_stop(gr_graph *graph, gr_value x) {
    if (x < 0)
        return GR_NONE;
    const gr_node node = {.op = &gr__op_stop,
                          .inputs = 1,
                          .in = {x},
                          .width = gr_value_width(graph, x),
                          .scalar = gr_value_scalar(graph, x),
                          .point = GR_NONE};
    return gr__graph_add(graph, &node, NULL, 0);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

/* Differences see a stopped value move, so what is stopped must not depend on x. */
static gr_value build(gr_graph *graph, gr_value x) {
    return gr_mul(graph, x, gr_stop(graph, gr_input(graph, 0, gr_value_width(graph, x))));
}

static const gr_op_case cases[] = {{"factor", 5, 3, build}, {NULL, 0, 0, NULL}};

const gr_op gr__op_stop = {.name = "stop", .view = true, .blocks_gradient = true, .keeps_zero = true, .cases = cases};
