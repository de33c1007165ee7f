/* linear.c - out = base + sum of products + bias.
 *
 * Every product has m = block rows, so results do not depend on how a batch is cut. A term whose input is known to be 0
 * in a whole block is left out of it, forward and backward.
 */
#include "op/linear.h"
#include "base/mem.h"
#include "kernel/kernel.h"
#include "op/copy.h"
#include "op/decode.h"

#include <assert.h>
#include <string.h>

enum { TERMS = GR__TERMS };
typedef gr__term term;
typedef gr__linear linear;

/* Products of one run. */
typedef struct plan {
    gr_gemm *forward[TERMS], *back[TERMS][GR__KEPT];
    gr_wgrad *weights[TERMS];
} plan;

/* ---- description ------------------------------------------------------------------------------------------------ */

static int bad(gr_graph *graph, int i, const char *what) {
    return gr_graph_fail(graph, "linear: term %d: %s", i + 1, what);
}

/* The complement of what is stopped; no range is left when everything is. */
static int add_stops(gr_graph *graph, int i, term *t, const gr_term *from) {
    int at = 0;
    if (from->stops > GR_TERM_STOPS)
        return bad(graph, i, "stops too many ranges of columns");
    for (int k = 0; k < from->stops; k++) {
        const gr_columns s = from->stop[k];
        if (s.lo < at || s.lo >= s.hi || s.hi > t->out)
            return bad(graph, i, "stops columns that are not its own, or not in their order");
        if (s.lo > at)
            t->keep[t->keeps][0] = at, t->keep[t->keeps++][1] = s.lo;
        at = s.hi;
    }
    if (at < t->out)
        t->keep[t->keeps][0] = at, t->keep[t->keeps++][1] = t->out;
    return 0;
}

/* Checks one term and finds or adds its w among the parameters. */
static int add_term(gr_graph *graph, gr_node *node, linear *attr, const gr_term *from) {
    const int i = attr->terms++, width = gr_value_width(graph, from->x);
    const gr_param_def *w = gr__graph_param_def(graph, from->w);
    if (!w)
        return bad(graph, i, "there is no such parameter");
    if (gr_value_scalar(graph, from->x))
        return bad(graph, i, "x is one number, not one per row");
    const int hi = from->hi ? from->hi : w->cols;
    if (from->lo < 0 || from->lo >= hi || hi > w->cols)
        return gr_graph_fail(graph, "linear: term %d: columns [%d, %d) are not in %s [%d x %d]", i + 1, from->lo, hi,
                             w->name, w->rows, w->cols);
    if (from->at < 0)
        return bad(graph, i, "begins before the first column of the result");
    term *t = &attr->term[i];
    *t = (term){.rows = w->rows,
                .cols = w->cols,
                .lo = from->lo,
                .hi = hi,
                .at = from->at,
                .in = from->transposed ? w->rows : hi - from->lo,
                .out = from->transposed ? hi - from->lo : w->rows,
                .transposed = from->transposed};
    if (width != t->in)
        return gr_graph_fail(graph, "linear: term %d: x has %d columns, but %s [%d x %d] reads %d", i + 1, width,
                             w->name, w->rows, w->cols, t->in);
    while (t->param < node->params && node->param[t->param] != from->w)
        t->param++;
    if (t->param == node->params)
        node->param[node->params++] = from->w;
    if (add_stops(graph, i, t, from))
        return GR_NONE;
    node->in[node->inputs++] = t->keeps ? from->x : gr_stop(graph, from->x);
    return 0;
}

static int add_rest(gr_graph *graph, gr_node *node, linear *attr, gr_param bias, gr_value base) {
    const int width = node->width;
    if (base != GR_NONE) {
        if (gr_value_scalar(graph, base) || gr_value_width(graph, base) != width)
            return gr_graph_fail(graph, "linear: base has %d columns, the terms reach %d", gr_value_width(graph, base),
                                 width);
        attr->base = node->inputs;
        node->in[node->inputs++] = base;
    }
    if (bias != GR_NONE) {
        const gr_param_def *b = gr__graph_param_def(graph, bias);
        if (!b)
            return gr_graph_fail(graph, "linear: there is no such bias");
        if (b->rows != 1 || b->cols != width)
            return gr_graph_fail(graph, "linear: bias %s is [%d x %d], the result has %d columns", b->name, b->rows,
                                 b->cols, width);
        attr->bias = node->params;
        node->param[node->params++] = bias;
    }
    attr->overwrite = base == GR_NONE && attr->term[0].at == 0 && attr->term[0].out == width;
    node->half = base == GR_NONE;
    node->handed = base == GR_NONE ? 0 : attr->base + 1;
    return 0;
}

extern const gr_op gr__op_linear;

gr_value gr_linear(gr_graph *graph, int terms, const gr_term *from, gr_param bias, gr_value base) {
    gr_node node = {.op = &gr__op_linear, .point = GR_NONE};
    linear attr = {.base = GR_NONE, .bias = GR_NONE};
    if (terms < 1 || terms > TERMS)
        return gr_graph_fail(graph, "linear: %d terms; 1 to %d are possible", terms, TERMS);
    for (int i = 0; i < terms; i++) {
        if (from[i].x < 0 || from[i].w < 0)
            return gr_graph_fail(graph, "linear: term %d has no input or no parameter", i + 1);
        if (add_term(graph, &node, &attr, &from[i]) == GR_NONE)
            return GR_NONE;
        const int reach = attr.term[i].at + attr.term[i].out;
        node.width = reach > node.width ? reach : node.width;
    }
    if (base >= 0 && gr_value_width(graph, base) > node.width)
        node.width = gr_value_width(graph, base);
    if (add_rest(graph, &node, &attr, bias, base) == GR_NONE)
        return GR_NONE;
    return gr__graph_add(graph, &node, &attr, sizeof attr);
}

/* ---- plan ------------------------------------------------------------------------------------------------------- */

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* Numbers that hold n half numbers, whole cache lines. */
static size_t halves(size_t n) { return (n * sizeof(gr_half) / sizeof(gr_real) + 31) / 16 * 16; }

/* Products in bfloat16 read copies of what is kept in float: one of the gradient of the result, one of an input. */
static size_t dout_room(const gr_node *node, int block) { return halves((size_t)node->width * (size_t)block); }

static size_t x_room(const gr_node *node, int block) {
    const linear *attr = node->attr;
    size_t most = 0;
    for (int i = 0; i < attr->terms; i++)
        most = larger(most, (size_t)attr->term[i].in);
    return halves(most * (size_t)block);
}

static size_t linear_scratch(const gr_node *node, int capacity, int block) {
    const linear *attr = node->attr;
    size_t most = 0;
    (void)capacity;
    for (int i = 0; i < attr->terms; i++)
        most = larger(most, gr__wgrad_scratch(attr->term[i].rows, attr->term[i].hi - attr->term[i].lo, block));
    return dout_room(node, block) + x_room(node, block) + most;
}

/* Row stride of an input and of the result's gradient as products read them. */
static int stride_x(const gr_ctx *ctx, int i) {
    const gr_slot *x = &ctx->in[i];
    return ctx->half && !x->vh ? x->width : x->stride;
}

static int stride_dout(const gr_ctx *ctx) { return ctx->half && !ctx->out.dh ? ctx->out.width : ctx->out.stride; }

static void prepare_term(gr_ctx *ctx, plan *products, int i) {
    const linear *attr = ctx->node->attr;
    const term *t = &attr->term[i];
    const gr_slot *x = &ctx->in[i];
    const gr_param_slot *w = &ctx->param[t->param];
    const int block = ctx->rows->block, sx = stride_x(ctx, i), sd = stride_dout(ctx);
    products->forward[i] = gr_gemm_new(&(gr_gemm_def){.m = block,
                                                      .n = t->out,
                                                      .k = t->in,
                                                      .trans_b = !t->transposed,
                                                      .lda = sx,
                                                      .ldb = t->cols,
                                                      .ldc = ctx->out.stride,
                                                      .accumulate = i > 0 || !attr->overwrite,
                                                      .bias = i == 0 && attr->overwrite && attr->bias >= 0,
                                                      .half = ctx->half,
                                                      .half_c = ctx->out.vh != NULL},
                                       ctx->pool);
    for (int k = 0; k < t->keeps && (x->d || x->dh); k++)
        products->back[i][k] = gr_gemm_new(&(gr_gemm_def){.m = block,
                                                          .n = t->in,
                                                          .k = t->keep[k][1] - t->keep[k][0],
                                                          .trans_b = t->transposed,
                                                          .lda = sd,
                                                          .ldb = t->cols,
                                                          .ldc = x->stride,
                                                          .accumulate = x->accumulate || k > 0,
                                                          .half = ctx->half,
                                                          .half_c = x->dh != NULL},
                                           ctx->pool);
    if (w->g)
        products->weights[i] = gr__wgrad_new(w, t->lo, t->hi, block, t->transposed ? sx : sd, t->transposed ? sd : sx,
                                             ctx->half, ctx->pool);
}

static void linear_prepare(gr_ctx *ctx) {
    const linear *attr = ctx->node->attr;
    plan *products = gr_alloc(sizeof *products);
    for (int i = 0; i < attr->terms; i++)
        prepare_term(ctx, products, i);
    ctx->prepared = products;
}

static void linear_release(gr_ctx *ctx) {
    plan *old = ctx->prepared;
    for (int i = 0; old && i < TERMS; i++) {
        gr_gemm_free(old->forward[i]);
        for (int k = 0; k < GR__KEPT; k++)
            gr_gemm_free(old->back[i][k]);
        gr__wgrad_free(old->weights[i]);
    }
    gr_free(old);
    ctx->prepared = NULL;
}

/* ---- passes ----------------------------------------------------------------------------------------------------- */

static bool is_zero(const gr_slot *slot, int block) { return slot->zero && slot->zero[block]; }

/* What lies below the products where the first of them does not write everything: base + bias. */
static void start(gr_ctx *ctx, const gr_slot *base, const gr_real *bias, int r0, int r1) {
    const gr_slot *out = &ctx->out;
    const size_t bytes = (size_t)out->width * sizeof *out->v;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        gr_real *row = out->v + (size_t)n * out->stride;
        if (base)
            memcpy(row, base->v + (size_t)n * base->stride, bytes);
        else
            memset(row, 0, bytes);
        if (bias)
            gr_kernel()->add(row, row, bias, out->width);
    }
}

/* The same for a result in bfloat16, which has no base. */
static void start_half(gr_ctx *ctx, const gr_real *bias, int r0, int r1) {
    const gr_slot *out = &ctx->out;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        gr_half *to = out->vh + (size_t)n * out->stride;
        if (bias)
            gr_kernel()->narrow(to, bias, out->width);
        else
            memset(to, 0, (size_t)out->width * sizeof *to);
    }
}

/* Rows [r, r + block) of one or the other as products read them: in place, or copied to bfloat16. */
static const void *operand(const gr_ctx *ctx, gr_half *room, const gr_real *v, const gr_half *vh, int stride, int width,
                           int r) {
    if (!ctx->half)
        return v + (size_t)r * stride;
    if (vh)
        return vh + (size_t)r * stride;
#pragma omp parallel for schedule(static)
    for (int n = 0; n < ctx->rows->block; n++)
        gr_kernel()->narrow(room + (size_t)n * width, v + (size_t)(r + n) * stride, width);
    return room;
}

static const void *x_operand(const gr_ctx *ctx, int i, int r) {
    const gr_slot *x = &ctx->in[i];
    gr_half *room = (gr_half *)(ctx->scratch + dout_room(ctx->node, ctx->rows->block));
    return operand(ctx, room, x->v, x->vh, x->stride, x->width, r);
}

/* The part of w that a term uses, from column `from` of its product on. */
static const void *weights_of(const gr_ctx *ctx, const term *t, int from) {
    const gr_param_slot *w = &ctx->param[t->param];
    const size_t at = (size_t)t->lo + (size_t)from * (t->transposed ? 1 : (size_t)t->cols);
    return ctx->half ? (const void *)(w->wh + at) : (const void *)(w->w + at);
}

/* Element `column` of row r of a value or gradient, whichever kind it is. */
static void *element(gr_real *v, gr_half *vh, int stride, int r, int column) {
    const size_t at = (size_t)r * (size_t)stride + (size_t)column;
    return vh ? (void *)(vh + at) : (void *)(v + at);
}

static void linear_forward(gr_ctx *ctx, int r0, int r1) {
    const linear *attr = ctx->node->attr;
    const plan *products = ctx->prepared;
    const int block = ctx->rows->block;
    const gr_slot *out = &ctx->out;
    const gr_real *bias = attr->bias >= 0 ? ctx->param[attr->bias].w : NULL;
    for (int r = r0; r < r1; r += block) {
        const gr_slot *base = attr->base >= 0 ? &ctx->in[attr->base] : NULL;
        if (base && is_zero(base, r / block))
            base = NULL;
        if ((!attr->overwrite || is_zero(&ctx->in[0], r / block)) && out->vh)
            start_half(ctx, bias, r, r + block);
        else if (!attr->overwrite || is_zero(&ctx->in[0], r / block))
            start(ctx, base, bias, r, r + block);
        for (int i = 0; i < attr->terms; i++)
            if (!is_zero(&ctx->in[i], r / block))
                gr_gemm_run(products->forward[i], element(out->v, out->vh, out->stride, r, attr->term[i].at),
                            x_operand(ctx, i, r), weights_of(ctx, &attr->term[i], 0), bias);
    }
}

/* dx and dW of one term in one block; dout: the operand of the whole result's gradient. */
static void backward_term(gr_ctx *ctx, int i, const void *dout, int r) {
    const term *t = &((const linear *)ctx->node->attr)->term[i];
    const plan *products = ctx->prepared;
    const gr_slot *x = &ctx->in[i];
    const gr_param_slot *w = &ctx->param[t->param];
    const int block = ctx->rows->block;
    const size_t size = ctx->half ? sizeof(gr_half) : sizeof(gr_real);
    const void *dy = (const char *)dout + (size_t)t->at * size;
    for (int k = 0; k < t->keeps && (x->d || x->dh); k++)
        gr_gemm_run(products->back[i][k], element(x->d, x->dh, x->stride, r, 0),
                    (const char *)dy + (size_t)t->keep[k][0] * size, weights_of(ctx, t, t->keep[k][0]), NULL);
    if (!w->g)
        return;
    const void *from = x_operand(ctx, i, r);
    gr_real *scratch = ctx->scratch + dout_room(ctx->node, block) + x_room(ctx->node, block);
    gr__wgrad(products->weights[i], w, t->transposed ? from : dy, t->transposed ? dy : from, scratch, r, r + block);
}

static void linear_backward(gr_ctx *ctx, int r0, int r1) {
    const linear *attr = ctx->node->attr;
    const int block = ctx->rows->block;
    const gr_slot *base = attr->base >= 0 ? &ctx->in[attr->base] : NULL, *out = &ctx->out;
    if (attr->bias >= 0 && ctx->param[attr->bias].g)
        gr__bgrad(&ctx->param[attr->bias], (gr_rows_view){out->d, out->dh, out->stride}, (gr_rows_view){0}, block, r0,
                  r1);
    for (int r = r0; r < r1; r += block) {
        const void *dout = operand(ctx, (gr_half *)ctx->scratch, out->d, out->dh, out->stride, out->width, r);
        for (int i = 0; i < attr->terms; i++)
            if (!is_zero(&ctx->in[i], r / block))
                backward_term(ctx, i, dout, r);
        if (base && base->d && base->d != out->d && !is_zero(base, r / block))
            gr__copy_rows(base->d, base->stride, out->d, out->stride, base->width, r, r + block, base->accumulate);
    }
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_param weights(gr_graph *graph, const char *name, int rows, int cols) {
    return gr_graph_param(graph, &(gr_param_def){name, rows, cols, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.5, false});
}

static gr_value build_plain(gr_graph *graph, gr_value x) {
    const gr_param w = weights(graph, "w", 7, gr_value_width(graph, x)), b = weights(graph, "b", 1, 7);
    return gr_linear(graph, 1, &(gr_term){.x = x, .w = w}, b, GR_NONE);
}

static gr_value build_transposed(gr_graph *graph, gr_value x) {
    const int width = gr_value_width(graph, x);
    const gr_param w = weights(graph, "w", width, width);
    return gr_linear(graph, 1, &(gr_term){.x = x, .w = w, .transposed = true}, GR_NONE, x);
}

/* One parameter twice with overlapping columns, one term narrower than the result, bias and base. */
static gr_value build_terms(gr_graph *graph, gr_value x) {
    const int width = gr_value_width(graph, x);
    const gr_param u = weights(graph, "u", width, 9), v = weights(graph, "v", 4, width + 3);
    const gr_param w = weights(graph, "w", 9, width), b = weights(graph, "b", 1, 9);
    const gr_value base = gr_linear(graph, 1, &(gr_term){.x = x, .w = w}, GR_NONE, GR_NONE);
    const gr_term parts[] = {
        {.x = x, .w = u, .transposed = true, .lo = 0, .hi = 6},
        {.x = x, .w = v, .lo = 2, .hi = width + 2, .at = 5},
        {.x = x, .w = u, .transposed = true, .lo = 3, .at = 1},
    };
    return gr_linear(graph, 3, parts, b, base);
}

/* Nothing reaches the first columns of the result. */
static gr_value build_gap(gr_graph *graph, gr_value x) {
    const gr_param w = weights(graph, "w", 3, gr_value_width(graph, x));
    return gr_linear(graph, 1, &(gr_term){.x = x, .w = w, .at = 2}, GR_NONE, GR_NONE);
}

static const gr_op_case cases[] = {
    {"plain", 9, 5, build_plain}, {"transposed", 6, 5, build_transposed}, {"terms", 7, 4, build_terms},
    {"gap", 5, 3, build_gap},     {"one column", 3, 1, build_plain},      {NULL, 0, 0, NULL},
};

const gr_op gr__op_linear = {.name = "linear",
                             .scratch = linear_scratch,
                             .prepare = linear_prepare,
                             .release = linear_release,
                             .forward = linear_forward,
                             .backward = linear_backward,
                             .skips_zero = true,
                             .half = true,
                             .decode = &gr__linear_decode,
                             .cases = cases};
