/* element.c - building and running operations that treat every row alone. Rows are independent, so any share of them
 * among threads gives the same bits. */
#include "op/element.h"

gr_value gr__element_node(gr_graph *graph, const gr_op *op, gr_value a, gr_value b, int width) {
    if (a < 0)
        return GR_NONE;
    if (gr_value_scalar(graph, a) || (b >= 0 && gr_value_scalar(graph, b)))
        return gr_graph_fail(graph, "%s reads rows, not one number", op->name);
    const gr_node node = {
        .op = op, .inputs = b < 0 ? 1 : 2, .in = {a, b}, .width = width, .half = op->half, .point = GR_NONE};
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

/* Each row in spans: widened if x is kept in bfloat16, f, narrowed if y is. */
void gr__element_forward(gr_ctx *ctx, void (*f)(gr_real *, const gr_real *, int), int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        for (int j = 0; j < y->width; j += GR_SPAN) {
            gr_real from[GR_SPAN], to[GR_SPAN], *out = gr__room(y, to, n, j);
            int width = gr__span_width(y->width, j);
            f(out, gr__take(x, from, n, j, width), width);
            gr__put(y, out, n, j, width);
        }
}

/* Likewise: dx (+)= f'(x) dy. */
void gr__element_backward(gr_ctx *ctx, void (*f)(gr_real *, const gr_real *, const gr_real *, int, bool), int r0,
                          int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
    if (!gr__wants(x))
        return;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        for (int j = 0; j < y->width; j += GR_SPAN) {
            int width = gr__span_width(y->width, j);
            gr_real from[GR_SPAN], slope[GR_SPAN], to[GR_SPAN], *dx = gr__room_d(x, to, n, j, width);
            f(dx, gr__take_d(y, slope, n, j, width), gr__take(x, from, n, j, width), width, x->accumulate);
            gr__put_d(x, dx, n, j, width);
        }
}

/* Column j of a gain or shift, if there is one. */
static const gr_real *from(const gr_real *v, int j) { return v ? v + j : NULL; }

/* Norms come in spans too, as the result may be kept in bfloat16; x itself and xhat are floats. */
void gr__norm_forward(const gr_slot *y, int n, int at, int width, const gr_real *x, gr_real mean, gr_real inv,
                      const gr_real *gain, const gr_real *shift) {
    for (int j = 0; j < width; j += GR_SPAN) {
        gr_real wide[GR_SPAN], *out = gr__room(y, wide, n, at + j);
        int some = gr__span_width(width, j);
        gr_kernel()->norm(out, x + j, mean, inv, from(gain, j), from(shift, j), some);
        gr__put(y, out, n, at + j, some);
    }
}

void gr__norm_sums(const gr_slot *y, int n, int at, int width, gr_real sums[2], gr_real *xhat, const gr_real *x,
                   gr_real mean, gr_real inv, const gr_real *gain) {
    for (int j = 0; j < width; j += GR_SPAN) {
        gr_real wide[GR_SPAN];
        int some = gr__span_width(width, j);
        gr_kernel()->norm_sums(sums, xhat + j, gr__take_d(y, wide, n, at + j, some), x + j, mean, inv, from(gain, j),
                               some);
    }
}

void gr__norm_backward(const gr_slot *y, int n, int at, int width, gr_real *dx, const gr_real *xhat, gr_real inv,
                       gr_real m0, gr_real m1, const gr_real *gain, bool add) {
    for (int j = 0; j < width; j += GR_SPAN) {
        gr_real wide[GR_SPAN];
        int some = gr__span_width(width, j);
        gr_kernel()->norm_backward(dx + j, gr__take_d(y, wide, n, at + j, some), xhat + j, inv, m0, m1, from(gain, j),
                                   some, add);
    }
}
