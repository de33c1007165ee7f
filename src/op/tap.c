/* The tap: a point where class tables weight a value.
 *
 * forward mode: y = x * T[c] and dx = dy * T[c]; activation mode: y = x and dx = dy * T[c]. Where T is 0 nothing is
 * read, so that what was not computed cannot leak in as a NaN. Without tables the node is a view and has no passes.
 */
#include <string.h>

#include "op/op.h"

enum { CHUNK = 32 };

/* to[r] (+)= from[r] * weights, columns [lo, hi) of rows [r0, r1); weights NULL: 1. */
static void scale(gr_real *to, const gr_real *from, int stride_to, int stride_from, const gr_weights *weights,
                  int block, bool add, int lo, int hi, int r0, int r1) {
    for (int r = r0; r < r1; r++) {
        gr_real *t = to + (size_t)r * (size_t)stride_to;
        const gr_real *f = from + (size_t)r * (size_t)stride_from;
        int kind = weights ? weights->kind[r / block] : GR_ROWS_ONE;
        gr_real w = kind == GR_ROWS_ONE ? 1 : kind == GR_ROWS_ZERO ? 0 : weights->w[r];
        if (w == 0) {
            if (!add)
                memset(t + lo, 0, (size_t)(hi - lo) * sizeof *t);
        } else if (add) {
            for (int j = lo; j < hi; j++)
                t[j] += w * f[j];
        } else {
            for (int j = lo; j < hi; j++)
                t[j] = w * f[j];
        }
    }
}

static void forward(gr_ctx *ctx, int r0, int r1) {
    if (ctx->out.v == ctx->in[0].v) /* activation mode alone shares the value */
        return;
    int block = ctx->rows->block;
#pragma omp parallel for schedule(static)
    for (int a = r0; a < r1; a += CHUNK)
        for (int s = 0; s < ctx->slices; s++)
            scale(ctx->out.v, ctx->in[0].v, ctx->out.stride, ctx->in[0].stride, ctx->slice[s].forward, block, false,
                  ctx->slice[s].lo, ctx->slice[s].hi, a, a + CHUNK < r1 ? a + CHUNK : r1);
}

static void backward(gr_ctx *ctx, int r0, int r1) {
    if (!ctx->in[0].d)
        return;
    int block = ctx->rows->block;
#pragma omp parallel for schedule(static)
    for (int a = r0; a < r1; a += CHUNK)
        for (int s = 0; s < ctx->slices; s++) {
            const gr_tap_slice *slice = &ctx->slice[s];
            int end = a + CHUNK < r1 ? a + CHUNK : r1;
            bool both = slice->forward && slice->activation;
            gr_real *to = both ? ctx->out.d : ctx->in[0].d; /* out.d is not read again after this */
            int stride = both ? ctx->out.stride : ctx->in[0].stride;
            if (both)
                scale(to, ctx->out.d, stride, ctx->out.stride, slice->activation, block, false, slice->lo, slice->hi, a,
                      end);
            scale(ctx->in[0].d, ctx->out.d, ctx->in[0].stride, ctx->out.stride,
                  slice->forward ? slice->forward : slice->activation, block, ctx->in[0].accumulate, slice->lo,
                  slice->hi, a, end);
        }
}

const gr_op gr__op_tap = {.name = "tap", .forward = forward, .backward = backward, .keeps_zero = true};
