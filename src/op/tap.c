/* The tap: a point where class tables weight a value.
 *
 * forward mode: y = x * T[c] and dx = dy * T[c]; activation mode: y = x and dx = dy * T[c]. Where T is 0 nothing is
 * read, so that what was not computed cannot leak in as a NaN. Without tables the node is a view and has no passes. */
#include <string.h>

#include "op/element.h"

enum { CHUNK = 32 };

extern const gr_op gr__op_tap;

gr_value gr_tap_point(gr_graph *graph, gr_value x, const char *name) {
    if (x < 0)
        return GR_NONE;
    if (gr_value_scalar(graph, x))
        return gr_graph_fail(graph, "tap '%s' weights rows, not one number", name);
    const gr_node node = {.op = &gr__op_tap, .inputs = 1, .in = {x}, .width = gr_value_width(graph, x)};
    return gr__graph_add_tap(graph, &node, name);
}

/* The weight of row n. */
static gr_real weight_of(const gr_weights *weights, int block, int n) {
    int kind = weights ? weights->kind[n / block] : GR_ROWS_ONE;
    return kind == GR_ROWS_ONE ? 1 : kind == GR_ROWS_ZERO ? 0 : weights->w[n];
}

/* Columns [lo, hi) of row n: y = w x. */
static void forward_row(const gr_ctx *ctx, gr_real w, int lo, int hi, int n) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
    for (int j = lo; j < hi; j += GR_SPAN) {
        int width = gr__span_width(hi, j);
        gr_real from[GR_SPAN], to[GR_SPAN], *out = gr__room(y, to, n, j);
        if (w == 0)
            memset(out, 0, (size_t)width * sizeof *out);
        else
            gr_kernel()->scale(out, w, gr__take(x, from, n, j, width), width, false);
        gr__put(y, out, n, j, width);
    }
}

/* Threads take CHUNK rows at a time, and of these one slice of columns after the other. */
static void forward(gr_ctx *ctx, int r0, int r1) {
    if (ctx->out.v == ctx->in[0].v && ctx->out.vh == ctx->in[0].vh) /* activation mode alone shares the value */
        return;
    int block = ctx->rows->block;
#pragma omp parallel for schedule(static)
    for (int a = r0; a < r1; a += CHUNK)
        for (int s = 0; s < ctx->slices; s++)
            for (int n = a; n < a + CHUNK && n < r1; n++)
                forward_row(ctx, weight_of(ctx->slice[s].forward, block, n), ctx->slice[s].lo, ctx->slice[s].hi, n);
}

/* dx (+)= w dy */
static void backward_row(const gr_ctx *ctx, gr_real w, int lo, int hi, int n) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
    if (w == 0 && x->accumulate)
        return;
    for (int j = lo; j < hi; j += GR_SPAN) {
        int width = gr__span_width(hi, j);
        gr_real from[GR_SPAN], to[GR_SPAN], *dx = gr__room_d(x, to, n, j, width);
        if (w == 0)
            memset(dx, 0, (size_t)width * sizeof *dx);
        else
            gr_kernel()->scale(dx, w, gr__take_d(y, from, n, j, width), width, x->accumulate);
        gr__put_d(x, dx, n, j, width);
    }
}

/* A row that weighs 0 forward has no gradient, whatever its activation weight. */
static void backward(gr_ctx *ctx, int r0, int r1) {
    if (!gr__wants(&ctx->in[0]))
        return;
    int block = ctx->rows->block;
#pragma omp parallel for schedule(static)
    for (int a = r0; a < r1; a += CHUNK)
        for (int s = 0; s < ctx->slices; s++) {
            const gr_tap_slice *slice = &ctx->slice[s];
            for (int n = a; n < a + CHUNK && n < r1; n++) {
                gr_real w = weight_of(slice->forward, block, n);
                backward_row(ctx, w == 0 ? 0 : w * weight_of(slice->activation, block, n), slice->lo, slice->hi, n);
            }
        }
}

const gr_op gr__op_tap = {
    .name = "tap", .forward = forward, .backward = backward, .needs_no_input = true, .keeps_zero = true, .half = true};
