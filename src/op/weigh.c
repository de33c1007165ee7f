/* weigh.c - groups of columns of x, each times its column of w: x [N x g m], w [N x g]. Where w is 0, x is not read.
 * Backward: dx = w dy, and dw is the sum of x dy over the group. */
#include "op/element.h"
#include <string.h>

extern const gr_op gr__op_weigh;

gr_value gr_weigh(gr_graph *graph, gr_value x, gr_value w) {
    if (x < 0 || w < 0)
        return GR_NONE;
    int width = gr_value_width(graph, x), groups = gr_value_width(graph, w);
    if (gr_value_scalar(graph, x) || gr_value_scalar(graph, w))
        return gr_graph_fail(graph, "weigh reads rows, not one number");
    if (width % groups)
        return gr_graph_fail(graph, "weigh: %d columns are not %d groups", width, groups);
    const gr_node node = {
        .op = &gr__op_weigh, .inputs = 2, .in = {x, w}, .width = width, .half = true, .point = GR_NONE};
    return gr__graph_add(graph, &node, NULL, 0);
}

/* One number of w, whichever kind it is kept in. */
static gr_real weight(const gr_slot *w, int n, int g) {
    gr_real wide[1];
    return *gr__take(w, wide, n, g, 1);
}

/* y = s x in columns [lo, hi) of row n. */
static void forward_group(const gr_slot *x, const gr_slot *y, gr_real s, int lo, int hi, int n) {
    for (int j = lo; j < hi; j += GR_SPAN) {
        gr_real from[GR_SPAN], to[GR_SPAN], *out = gr__room(y, to, n, j);
        int width = gr__span_width(hi, j);
        if (s == 0)
            memset(out, 0, (size_t)width * sizeof *out);
        else
            gr_kernel()->scale(out, s, gr__take(x, from, n, j, width), width, false);
        gr__put(y, out, n, j, width);
    }
}

static void weigh_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *w = &ctx->in[1];
    const int m = x->width / w->width;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        for (int g = 0; g < w->width; g++)
            forward_group(x, &ctx->out, weight(w, n, g), g * m, (g + 1) * m, n);
}

/* dx (+)= s dy, and the sum of x dy. */
static gr_real backward_group(const gr_slot *x, const gr_slot *y, gr_real s, int lo, int hi, int n, bool sums) {
    gr_real sum = 0;
    for (int j = lo; j < hi; j += GR_SPAN) {
        int width = gr__span_width(hi, j);
        gr_real wide[2][GR_SPAN], to[GR_SPAN];
        const gr_real *dy = gr__take_d(y, wide[0], n, j, width), *v = sums ? gr__take(x, wide[1], n, j, width) : NULL;
        if (sums)
            for (int i = 0; i < width; i++)
                sum += v[i] * dy[i];
        if (!gr__wants(x))
            continue;

        gr_real *dx = gr__room_d(x, to, n, j, width);
        gr_kernel()->scale(dx, s, dy, width, x->accumulate);
        gr__put_d(x, dx, n, j, width);
    }
    return sum;
}

static void weigh_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *w = &ctx->in[1], *y = &ctx->out;
    const int m = x->width / w->width;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        for (int g = 0; g < w->width; g++) {
            gr_real to[1], sum = backward_group(x, y, weight(w, n, g), g * m, (g + 1) * m, n, gr__wants(w));
            if (!gr__wants(w))
                continue;
            gr_real *dw = gr__room_d(w, to, n, g, 1);
            *dw = w->accumulate ? *dw + sum : sum;
            gr__put_d(w, dw, n, g, 1);
        }
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_value build(gr_graph *graph, gr_value x) {
    int width = gr_value_width(graph, x), groups = width / 4;
    return gr_weigh(graph, gr_slice(graph, x, 0, 3 * groups), gr_slice(graph, x, 3 * groups, 4 * groups));
}

/* Weights that are a part of what they weigh. */
static gr_value build_shared(gr_graph *graph, gr_value x) { return gr_weigh(graph, x, gr_slice(graph, x, 0, 2)); }

static const gr_op_case cases[] = {{"groups", 7, 8, build}, {"shared", 5, 6, build_shared}, {NULL, 0, 0, NULL}};

const gr_op gr__op_weigh = {.name = "weigh",
                            .forward = weigh_forward,
                            .backward = weigh_backward,
                            .keeps_zero = true,
                            .half = true,
                            .cases = cases};
