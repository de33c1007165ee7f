/* linear.c - out = base + sum of products + bias.
 *
 * Every product has m = block rows, so results do not depend on how a batch is cut. A term whose input is known to be 0
 * in a whole block is left out of it, forward and backward.
 */
#include "base/mem.h"
#include "kernel/kernel.h"
#include "op/copy.h"

#include <assert.h>
#include <string.h>

enum { TERMS = 4 };

/* A term after checks: w [rows x cols], columns [lo, hi), used as [in -> out]. */
typedef struct term {
    int param; /* slot */
    int rows, cols, lo, hi, at;
    int in, out;
    bool transposed;
} term;

/* Inputs: a term each, then the base; parameters: the distinct w, then the bias. */
typedef struct linear {
    int terms;
    int base, bias; /* slots, or GR_NONE */
    bool overwrite; /* the first product writes all of out, with nothing below it */
    term term[TERMS];
} linear;

/* Products of one run. */
typedef struct plan {
    gr_gemm *forward[TERMS], *back[TERMS];
    gr_wgrad *weights[TERMS];
} plan;

/* ---- description ------------------------------------------------------------------------------------------------ */

static int bad(gr_graph *graph, int i, const char *what) {
    return gr_graph_fail(graph, "linear: term %d: %s", i + 1, what);
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
    node->in[node->inputs++] = from->x;
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
    attr->overwrite = base == GR_NONE && bias == GR_NONE && attr->term[0].at == 0 && attr->term[0].out == width;
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

static size_t linear_scratch(const gr_node *node, int capacity, int block) {
    const linear *attr = node->attr;
    size_t most = 0;
    (void)capacity;
    for (int i = 0; i < attr->terms; i++) {
        const size_t need = gr__wgrad_scratch(attr->term[i].rows, attr->term[i].hi - attr->term[i].lo, block);
        most = need > most ? need : most;
    }
    return most;
}

static void linear_prepare(gr_ctx *ctx) {
    const linear *attr = ctx->node->attr;
    const int block = ctx->rows->block;
    plan *plan_new = gr_alloc(sizeof *plan_new);
    for (int i = 0; i < attr->terms; i++) {
        const term *t = &attr->term[i];
        const gr_slot *x = &ctx->in[i];
        const gr_param_slot *w = &ctx->param[t->param];
        plan_new->forward[i] = gr_gemm_new(&(gr_gemm_def){.m = block,
                                                          .n = t->out,
                                                          .k = t->in,
                                                          .trans_b = !t->transposed,
                                                          .lda = x->stride,
                                                          .ldb = t->cols,
                                                          .ldc = ctx->out.stride,
                                                          .accumulate = i > 0 || !attr->overwrite});
        if (x->d)
            plan_new->back[i] = gr_gemm_new(&(gr_gemm_def){.m = block,
                                                           .n = t->in,
                                                           .k = t->out,
                                                           .trans_b = t->transposed,
                                                           .lda = ctx->out.stride,
                                                           .ldb = t->cols,
                                                           .ldc = x->stride,
                                                           .accumulate = x->accumulate});
        if (w->g)
            plan_new->weights[i] = gr__wgrad_new(w, t->lo, t->hi, block, t->transposed ? x->stride : ctx->out.stride,
                                                 t->transposed ? ctx->out.stride : x->stride);
    }
    ctx->prepared = plan_new;
}

static void linear_release(gr_ctx *ctx) {
    plan *old = ctx->prepared;
    for (int i = 0; old && i < TERMS; i++) {
        gr_gemm_free(old->forward[i]);
        gr_gemm_free(old->back[i]);
        gr__wgrad_free(old->weights[i]);
    }
    gr_free(old);
    ctx->prepared = NULL;
}

/* ---- passes ----------------------------------------------------------------------------------------------------- */

static bool is_zero(const gr_slot *slot, int block) { return slot->zero && slot->zero[block]; }

/* What lies below the products in rows [r0, r1): base + bias. */
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
        if (!bias)
            continue;
#pragma omp simd
        for (int j = 0; j < out->width; j++)
            row[j] += bias[j];
    }
}

static void linear_forward(gr_ctx *ctx, int r0, int r1) {
    const linear *attr = ctx->node->attr;
    const plan *products = ctx->prepared;
    const int block = ctx->rows->block;
    const gr_real *bias = attr->bias >= 0 ? ctx->param[attr->bias].w : NULL;
    for (int r = r0; r < r1; r += block) {
        const gr_slot *base = attr->base >= 0 ? &ctx->in[attr->base] : NULL;
        if (base && is_zero(base, r / block))
            base = NULL;
        if (!attr->overwrite || is_zero(&ctx->in[0], r / block))
            start(ctx, base, bias, r, r + block);
        for (int i = 0; i < attr->terms; i++) {
            const term *t = &attr->term[i];
            const gr_slot *x = &ctx->in[i];
            if (!is_zero(x, r / block))
                gr_gemm_run(products->forward[i], ctx->out.v + (size_t)r * ctx->out.stride + t->at,
                            x->v + (size_t)r * x->stride, ctx->param[t->param].w + t->lo);
        }
    }
}

/* dx and dW of one term in one block. */
static void backward_term(gr_ctx *ctx, int i, int r) {
    const term *t = &((const linear *)ctx->node->attr)->term[i];
    const plan *products = ctx->prepared;
    const gr_slot *x = &ctx->in[i];
    const gr_param_slot *w = &ctx->param[t->param];
    if (x->d)
        gr_gemm_run(products->back[i], x->d + (size_t)r * x->stride, ctx->out.d + (size_t)r * ctx->out.stride + t->at,
                    w->w + t->lo);
    if (w->g)
        gr__wgrad(products->weights[i], w, t->transposed ? x->v : ctx->out.d + t->at,
                  t->transposed ? ctx->out.d + t->at : x->v, ctx->scratch, r, r + ctx->rows->block);
}

static void linear_backward(gr_ctx *ctx, int r0, int r1) {
    const linear *attr = ctx->node->attr;
    const int block = ctx->rows->block;
    const gr_slot *base = attr->base >= 0 ? &ctx->in[attr->base] : NULL;
    for (int r = r0; r < r1; r += block) {
        for (int i = 0; i < attr->terms; i++)
            if (!is_zero(&ctx->in[i], r / block))
                backward_term(ctx, i, r);
        if (base && base->d && !is_zero(base, r / block))
            gr__copy_rows(base->d, base->stride, ctx->out.d, ctx->out.stride, base->width, r, r + block,
                          base->accumulate);
    }
    if (attr->bias >= 0 && ctx->param[attr->bias].g)
        gr__bgrad(&ctx->param[attr->bias], ctx->out.d, ctx->out.stride, NULL, 0, block, r0, r1);
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
                             .cases = cases};
