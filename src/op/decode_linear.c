/* decode_linear.c - out = base + sum of products + bias for one row. Every weight is read once and memory is the limit.
 * Threads own columns of the result, so it does not depend on their number. With half, each term has its own copy of
 * its weights, a row for each column of the result. */
#include "base/mem.h"
#include "kernel/kernel.h"
#include "op/decode.h"
#include "op/linear.h"

#include <omp.h>
#include <string.h>

enum { LINE = 16, SMALL = 1 << 14 }; /* columns that one thread owns at least; products not worth a second thread */

typedef struct copies {
    gr_half *w[GR__TERMS]; /* [out x in] */
} copies;

/* ---- copies ------------------------------------------------------------------------------------------------------ */

#ifndef GR_DOUBLE
/* Row j of a term's copy: the weights of column j of its product, side by side. */
static void pack_row(gr_half *to, const gr__linear_term *t, const gr_real *w, int j) {
    if (!t->transposed) {
        gr_kernel()->narrow(to, w + (size_t)j * (size_t)t->cols + t->lo, t->in);
        return;
    }
    for (int i = 0; i < t->in; i++)
        to[i] = gr__narrow(w[(size_t)i * (size_t)t->cols + (size_t)(t->lo + j)]);
}

/* Copies of all weights; false: memory was refused. */
static bool pack(gr_ctx *ctx) {
    const gr__linear_attr *a = ctx->node->attr;
    copies *c = ctx->prepared = gr_alloc(sizeof *c);
    for (int i = 0; i < a->terms; i++) {
        const gr__linear_term *t = &a->term[i];
        c->w[i] = gr_alloc_try((size_t)t->out * (size_t)t->in * sizeof *c->w[i]);
        if (!c->w[i])
            return false;
#pragma omp parallel for schedule(static, LINE)
        for (int j = 0; j < t->out; j++)
            pack_row(c->w[i] + (size_t)j * (size_t)t->in, t, ctx->param[t->param].w, j);
    }
    return true;
}
#endif

/* In float the weights are read where they lie. */
static bool linear_prepare(gr_ctx *ctx, int positions, bool half) {
    (void)positions;
#ifndef GR_DOUBLE
    if (half)
        return pack(ctx);
#endif
    (void)half;
    return true;
}

static void linear_release(gr_ctx *ctx) {
    copies *c = ctx->prepared;
    if (c)
        for (int i = 0; i < GR__TERMS; i++)
            gr_free(c->w[i]);
    gr_free(c);
    ctx->prepared = NULL;
}

/* ---- the row ----------------------------------------------------------------------------------------------------- */

static bool is_zero(const gr_slot *slot) { return slot->zero && slot->zero[0]; }

/* y[0, count) += columns [j, j + count) of term i. */
static void add_term(const gr_ctx *ctx, gr_real *y, int i, int j, int count) {
    const gr_kernels *k = gr_kernel();
    const gr__linear_term *t = &((const gr__linear_attr *)ctx->node->attr)->term[i];
    const gr_real *x = ctx->in[i].v, *w = ctx->param[t->param].w + t->lo;
#ifndef GR_DOUBLE
    const copies *c = ctx->prepared;
    if (c) {
        k->gemv_half(y, c->w[i] + (size_t)j * (size_t)t->in, t->in, x, count, t->in, true);
        return;
    }
#endif

    /* In float: a row of w for each column of the result, or a column. */
    if (t->transposed)
        k->gemv_t(y, w + j, t->cols, x, t->in, count, true);
    else
        k->gemv(y, w + (size_t)j * (size_t)t->cols, t->cols, x, count, t->in, true);
}

/* Columns [lo, hi) of the result. */
static void columns(const gr_ctx *ctx, int lo, int hi) {
    const gr__linear_attr *a = ctx->node->attr;
    gr_real *y = ctx->out.v;
    const size_t bytes = (size_t)(hi - lo) * sizeof *y;

    /* Begin with the base, or 0, and the bias. */
    if (a->base >= 0 && !is_zero(&ctx->in[a->base]))
        memcpy(y + lo, ctx->in[a->base].v + lo, bytes);
    else
        memset(y + lo, 0, bytes);
    if (a->bias >= 0)
        gr_kernel()->add(y + lo, y + lo, ctx->param[a->bias].w + lo, hi - lo);

    /* Then the terms, each in the columns it reaches. What is known to be 0 is not read. */
    for (int i = 0; i < a->terms; i++) {
        const gr__linear_term *t = &a->term[i];
        const int from = lo > t->at ? lo : t->at, to = hi < t->at + t->out ? hi : t->at + t->out;
        if (from < to && !is_zero(&ctx->in[i]))
            add_term(ctx, y + from, i, from - t->at, to - from);
    }
}

static void linear_step(gr_ctx *ctx) {
    const gr__linear_attr *a = ctx->node->attr;
    const int width = ctx->out.width, lines = (width + LINE - 1) / LINE;

    /* Small sums are not worth waking a second thread. */
    size_t weights = 0;
    for (int i = 0; i < a->terms; i++)
        weights += is_zero(&ctx->in[i]) ? 0 : (size_t)a->term[i].in * (size_t)a->term[i].out;
#pragma omp parallel if (weights > SMALL)
    {
        /* Whole cache lines of the result for each thread. */
        const int64_t t = omp_get_thread_num(), threads = omp_get_num_threads();
        const int lo = (int)(lines * t / threads) * LINE, end = (int)(lines * (t + 1) / threads) * LINE;
        const int hi = end < width ? end : width;
        if (lo < hi)
            columns(ctx, lo, hi);
    }
}

const gr_op_decode gr__linear_decode = {.prepare = linear_prepare, .release = linear_release, .step = linear_step};
