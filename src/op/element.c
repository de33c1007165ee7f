/* element.c - building and running operations that treat every row alone. Rows are independent, so any share of them
 * among threads gives the same bits. */
#include "op/element.h"

gr_value gr__element_node(gr_graph *graph, const gr_op *op, gr_value a, gr_value b, int width) {
    if (a < 0)
        return GR_NONE;
    if (gr_value_scalar(graph, a) || (b >= 0 && gr_value_scalar(graph, b)))
        return gr_graph_fail(graph, "%s reads rows, not one number", op->name);
    const gr_node node = {.op = op, .inputs = b < 0 ? 1 : 2, .in = {a, b}, .width = width, .point = GR_NONE};
    return gr__graph_add(graph, &node, NULL, 0);
}

gr_value gr__element_pair(gr_graph *graph, const gr_op *op, gr_value a, gr_value b, int width) {
    if (a < 0 || b < 0)
        return GR_NONE;
    int wa = gr_value_width(graph, a), wb = gr_value_width(graph, b);
    if (wa != wb)
        return gr_graph_fail(graph, "%s: the values have %d and %d columns", op->name, wa, wb);
    return gr__element_node(graph, op, a, b, width);
}

void gr__element_forward(gr_ctx *ctx, void (*f)(gr_real *, const gr_real *, int), int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        f(gr__row(y, n), gr__row(x, n), y->width);
}

void gr__element_backward(gr_ctx *ctx, void (*f)(gr_real *, const gr_real *, const gr_real *, int, bool), int r0,
                          int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
    if (!x->d)
        return;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        f(gr__drow(x, n), gr__drow(y, n), gr__row(x, n), y->width, x->accumulate);
}
