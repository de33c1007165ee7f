/* linear_pass.c - both passes of out = base + sum of products + bias (linear.h), shared out among threads.
 *
 * Every product is computed by one thread. Forward, and for the gradients of inputs, it takes half a block of rows; for
 * the gradient of a weight it takes a piece of the parameter over all rows, in the order of the blocks (wgrad.c). So
 * threads need not wait for each other after every product, and results depend neither on how a batch is cut into
 * micro-batches nor on how many threads there are.
 *
 * A term whose input is known to be 0 in a whole block (a region that is switched off for all of its rows) is left out
 * of that block, forward and backward. In bfloat16, operands that are kept in float are copied first.
 */
#include "base/mem.h"
#include "kernel/kernel.h"
#include "op/copy.h"
#include "op/linear.h"

#include <omp.h>
#include <string.h>

enum { TERMS = GR__TERMS };
typedef gr__linear_term term;
typedef gr__linear_attr linear;

/* The products of one run, made once, and how its scratch is divided: first `whole`, then for each thread a `lane` of
 * dout, x and room for a copy times weights (wgrad.c). */
typedef struct product_set {
    gr_gemm *forward[TERMS];        /* half a block of x times w */
    gr_gemm *back[TERMS][GR__KEPT]; /* half a block of the result's gradient times w, for each range of kept columns */
    gr_wgrad *weights[TERMS];       /* gradient of w; NULL: not wanted */
    int turn[TERMS];                /* terms that write one parameter's gradient do so one after the other, in turns */
    int turns;
    int half_block; /* rows of a product: half a block */
    size_t whole;   /* numbers: the result's gradient in bfloat16, all rows; 0: not copied as a whole */
    size_t lane;    /* numbers: all that one thread needs */
    size_t dout;    /* numbers at the start of a lane: a block of the result's gradient in bfloat16 */
    size_t x;       /* numbers behind that: a block of an input in bfloat16 */
} product_set;

/* ---- working memory --------------------------------------------------------------------------------------------- */

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* Numbers that hold n half numbers, whole cache lines. */
static size_t halves(size_t n) { return (n * sizeof(gr_half) / sizeof(gr_real) + 31) / 16 * 16; }

static size_t widest_input(const linear *attr) {
    size_t most = 0;
    for (int i = 0; i < attr->terms; i++)
        most = larger(most, (size_t)attr->term[i].in);
    return most;
}

/* What a run needs of scratch. Products in bfloat16 read copies of what is kept in float. With a base the result is
 * kept in float, and a step reads its gradient many times: it is copied once, whole. Anything else that is kept in
 * float each thread copies as it goes, a block at a time. */
static product_set rooms(const gr_node *node, int capacity, int block) {
    const linear *attr = node->attr;
    size_t width = (size_t)node->width, most = 0;

    /* Room for the widest copy times weights that a gradient of weights may need. */
    for (int i = 0; i < attr->terms; i++)
        most = larger(most, gr__wgrad_scratch(attr->term[i].rows, attr->term[i].hi - attr->term[i].lo, block));

    /* Copies of the gradient: of all rows, or of a block in each lane; then a block of an input. Whole cache lines. */
    product_set p = {.half_block = gr__half_block(block), .turns = 1};
    p.whole = attr->base >= 0 ? halves(width * (size_t)capacity) : 0;
    p.dout = attr->base >= 0 ? 0 : halves(width * (size_t)block);
    p.x = halves(widest_input(attr) * (size_t)block);
    p.lane = p.dout + p.x + (most + 15) / 16 * 16;
    return p;
}

size_t gr__linear_scratch(const gr_node *node, int capacity, int block) {
    const product_set p = rooms(node, capacity, block);
    return p.whole + (size_t)omp_get_max_threads() * p.lane;
}

/* The calling thread's part of the scratch. */
static gr_real *lane_of(const gr_ctx *ctx) {
    const product_set *p = ctx->prepared;
    return ctx->scratch + p->whole + (size_t)omp_get_thread_num() * p->lane;
}

/* ---- products ---- */

/* Row stride of an input as products read it: in bfloat16 an input that is kept in float is a packed copy. */
static int stride_x(const gr_ctx *ctx, int i) {
    const gr_slot *x = &ctx->in[i];
    return ctx->half && !x->vh ? x->width : x->stride;
}

/* The same of the result's gradient. */
static int stride_dout(const gr_ctx *ctx) { return ctx->half && !ctx->out.dh ? ctx->out.width : ctx->out.stride; }

/* Makes the products of term i. */
static void prepare_term(gr_ctx *ctx, product_set *products, int i) {
    const linear *attr = ctx->node->attr;
    const term *t = &attr->term[i];
    const gr_slot *x = &ctx->in[i];
    const gr_param_slot *w = &ctx->param[t->param];
    const int sx = stride_x(ctx, i), sd = stride_dout(ctx);

    /* Forward: out (+)= x w. Where nothing but the bias lies below it, the first product writes the result and adds
     * the bias itself; all others add. */
    products->forward[i] = gr_gemm_new(&(gr_gemm_def){.m = products->half_block,
                                                      .n = t->out,
                                                      .k = t->in,
                                                      .trans_b = !t->transposed,
                                                      .lda = sx,
                                                      .ldb = t->cols,
                                                      .ldc = ctx->out.stride,
                                                      .accumulate = i > 0 || !attr->overwrite,
                                                      .bias = i == 0 && attr->overwrite && attr->bias >= 0,
                                                      .half = ctx->half,
                                                      .half_c = ctx->out.vh != NULL,
                                                      .single_thread = true},
                                       ctx->pool);

    /* Backward: dx = dout w, where dx is wanted; a product for each range of columns that is not stopped, the first of
     * which may overwrite dx. */
    const int keeps = x->d || x->dh ? t->keeps : 0;
    for (int k = 0; k < keeps; k++)
        products->back[i][k] = gr_gemm_new(&(gr_gemm_def){.m = products->half_block,
                                                          .n = t->in,
                                                          .k = t->keep[k][1] - t->keep[k][0],
                                                          .trans_b = t->transposed,
                                                          .lda = sd,
                                                          .ldb = t->cols,
                                                          .ldc = x->stride,
                                                          .accumulate = x->accumulate || k > 0,
                                                          .half = ctx->half,
                                                          .half_c = x->dh != NULL,
                                                          .single_thread = true},
                                           ctx->pool);

    /* The gradient of the weights. An earlier term with the same parameter goes first: two threads must not add to
     * one number, and the order of sums is to be fixed. */
    for (int j = 0; j < i; j++)
        products->turn[i] += attr->term[j].param == t->param;
    if (products->turn[i] >= products->turns)
        products->turns = products->turn[i] + 1;
    if (w->g)
        products->weights[i] = gr__wgrad_new(w, t->lo, t->hi, ctx->rows->block, t->transposed ? sx : sd,
                                             t->transposed ? sd : sx, ctx->half, ctx->pool);
}

void gr__linear_prepare(gr_ctx *ctx) {
    const linear *attr = ctx->node->attr;
    product_set *products = gr_alloc(sizeof *products);
    *products = rooms(ctx->node, ctx->rows->capacity, ctx->rows->block);
    for (int i = 0; i < attr->terms; i++)
        prepare_term(ctx, products, i);
    ctx->prepared = products;
}

void gr__linear_release(gr_ctx *ctx) {
    product_set *old = ctx->prepared;
    if (!old)
        return;
    for (int i = 0; i < TERMS; i++) {
        gr_gemm_free(old->forward[i]);
        for (int k = 0; k < GR__KEPT; k++)
            gr_gemm_free(old->back[i][k]);
        gr__wgrad_free(old->weights[i]);
    }
    gr_free(old);
    ctx->prepared = NULL;
}

/* ---- operands --------------------------------------------------------------------------------------------------- */

static bool is_zero(const gr_slot *slot, int block) { return slot->zero && slot->zero[block]; }

/* Rows [r, r + rows) of a value or gradient, kept in v or vh, as products read them: where they lie, or, of floats
 * in a bfloat16 run, as a packed copy in `room`. */
static const void *operand(const gr_ctx *ctx, gr_half *room, const gr_real *v, const gr_half *vh, int stride, int width,
                           int r, int rows) {
    if (!ctx->half)
        return v + (size_t)r * stride;
    if (vh)
        return vh + (size_t)r * stride;
    for (int n = 0; n < rows; n++)
        gr_kernel()->narrow(room + (size_t)n * width, v + (size_t)(r + n) * stride, width);
    return room;
}

/* Those of input i, with room for a copy behind that of the result's gradient. */
static const void *x_operand(const gr_ctx *ctx, int i, int r, int rows) {
    const gr_slot *x = &ctx->in[i];
    const product_set *p = ctx->prepared;
    return operand(ctx, (gr_half *)(lane_of(ctx) + p->dout), x->v, x->vh, x->stride, x->width, r, rows);
}

/* Those of the result's gradient: out of the copy of all rows, where there is one. */
static const void *dout_operand(const gr_ctx *ctx, int r, int rows) {
    const gr_slot *out = &ctx->out;
    const product_set *p = ctx->prepared;
    if (ctx->half && !out->dh && p->whole)
        return (gr_half *)ctx->scratch + (size_t)r * out->width;
    return operand(ctx, (gr_half *)lane_of(ctx), out->d, out->dh, out->stride, out->width, r, rows);
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

/* ---- forward ---------------------------------------------------------------------------------------------------- */

/* What lies below the products where the first of them does not write everything: base + bias. A result in bfloat16 has
 * no base. */
static void start(const gr_ctx *ctx, const gr_slot *base, const gr_real *bias, int r, int rows) {
    const gr_slot *out = &ctx->out;
    const size_t width = (size_t)out->width;
    for (int n = r; n < r + rows; n++) {
        void *row = element(out->v, out->vh, out->stride, n, 0);

        /* The base, or 0; of a result in bfloat16 the bias, or 0. */
        if (out->vh && bias)
            gr_kernel()->narrow(row, bias, out->width);
        else if (out->vh)
            memset(row, 0, width * sizeof(gr_half));
        else if (base)
            memcpy(row, base->v + (size_t)n * base->stride, width * sizeof(gr_real));
        else
            memset(row, 0, width * sizeof(gr_real));

        /* A float result adds the bias to what is there. */
        if (!out->vh && bias)
            gr_kernel()->add(row, row, bias, out->width);
    }
}

/* The result in half a block of rows from r on. */
static void forward_rows(const gr_ctx *ctx, int r) {
    const linear *attr = ctx->node->attr;
    const product_set *products = ctx->prepared;
    const int block = r / ctx->rows->block;
    const gr_slot *out = &ctx->out, *base = attr->base >= 0 ? &ctx->in[attr->base] : NULL;
    const gr_real *bias = attr->bias >= 0 ? ctx->param[attr->bias].w : NULL;

    /* Where the first product only adds, or is left out, the rows begin as base and bias. */
    if (!attr->overwrite || is_zero(&ctx->in[0], block))
        start(ctx, base && !is_zero(base, block) ? base : NULL, bias, r, products->half_block);

    /* Every term whose input is not known to be 0 here. Only a product that was made for it adds the bias. */
    for (int i = 0; i < attr->terms; i++)
        if (!is_zero(&ctx->in[i], block))
            gr_gemm_run(products->forward[i], element(out->v, out->vh, out->stride, r, attr->term[i].at),
                        x_operand(ctx, i, r, products->half_block), weights_of(ctx, &attr->term[i], 0), bias);
}

/* Threads take half blocks; nothing is shared between them. */
void gr__linear_forward(gr_ctx *ctx, int r0, int r1) {
    const product_set *products = ctx->prepared;
#pragma omp parallel for schedule(static) num_threads(ctx->threads)
    for (int r = r0; r < r1; r += products->half_block)
        forward_rows(ctx, r);
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

/* Columns of the result's gradient that a term writes, from column `from` of its product on. */
static const void *part_of(const gr_ctx *ctx, const term *t, const void *dout, int from) {
    return (const char *)dout + (size_t)(t->at + from) * (ctx->half ? sizeof(gr_half) : sizeof(gr_real));
}

/* Gradients of the inputs in half a block of rows from r on. */
static void back_rows(const gr_ctx *ctx, int r) {
    const linear *attr = ctx->node->attr;
    const product_set *products = ctx->prepared;
    const int block = r / ctx->rows->block, rows = products->half_block;
    const gr_slot *base = attr->base >= 0 ? &ctx->in[attr->base] : NULL, *out = &ctx->out;
    const void *dout = NULL;

    /* Each input whose gradient is wanted, and that is not known to be 0: dx (+)= dout w, for each range of columns
     * that passes gradient. The operand is made when the first one needs it. */
    for (int i = 0; i < attr->terms; i++) {
        const gr_slot *x = &ctx->in[i];
        const term *t = &attr->term[i];
        if (is_zero(x, block) || !products->back[i][0])
            continue;
        if (!dout)
            dout = dout_operand(ctx, r, rows);
        for (int k = 0; k < t->keeps; k++)
            gr_gemm_run(products->back[i][k], element(x->d, x->dh, x->stride, r, 0),
                        part_of(ctx, t, dout, t->keep[k][0]), weights_of(ctx, t, t->keep[k][0]), NULL);
    }

    /* The base gets the gradient as it is: nothing to do if both are one buffer. */
    if (base && base->d && base->d != out->d && !is_zero(base, block))
        gr__copy_rows(base->d, base->stride, out->d, out->stride, base->width, r, r + rows, base->accumulate);
}

/* A piece of the gradient of a term's weights, over all rows: dw = dout^T x, or x^T dout for a transposed w. */
static void back_weights(const gr_ctx *ctx, int i, int piece, int r0, int r1) {
    const term *t = &((const linear *)ctx->node->attr)->term[i];
    const product_set *products = ctx->prepared;
    const int block = ctx->rows->block;
    gr_real *scratch = lane_of(ctx) + products->dout + products->x;

    /* Blocks in their order; those in which x is 0 add nothing. */
    for (int r = r0; r < r1; r += block) {
        if (is_zero(&ctx->in[i], r / block))
            continue;
        const void *dy = part_of(ctx, t, dout_operand(ctx, r, block), 0), *x = x_operand(ctx, i, r, block);
        gr__wgrad_piece(products->weights[i], piece, &ctx->param[t->param], t->transposed ? x : dy,
                        t->transposed ? dy : x, scratch, r, r + block);
    }
}

/* A chunk of columns of the bias's gradient: the column sums of the result's gradient. */
static void back_bias(const gr_ctx *ctx, int chunk, int r0, int r1) {
    const linear *attr = ctx->node->attr;
    gr__bgrad_chunk(&ctx->param[attr->bias], chunk, (gr_rows_view){ctx->out.d, ctx->out.dh, ctx->out.stride, 0},
                    (gr_rows_view){0}, ctx->rows->block, r0, r1);
}

/* The work of a turn is numbered, the longest tasks first, so that threads end together: pieces of weights, then (in
 * the first turn) chunks of the bias and half blocks of rows. This does number `at`. */
static void back_task(const gr_ctx *ctx, int turn, int chunks, int at, int r0, int r1) {
    const linear *attr = ctx->node->attr;
    const product_set *products = ctx->prepared;

    /* Pieces of the weights of this turn's terms. */
    for (int i = 0; i < attr->terms; i++) {
        if (products->turn[i] != turn)
            continue;
        if (at < gr__wgrad_pieces(products->weights[i])) {
            back_weights(ctx, i, at, r0, r1);
            return;
        }
        at -= gr__wgrad_pieces(products->weights[i]);
    }

    /* Then the bias; then the gradients of inputs. */
    if (at < chunks)
        back_bias(ctx, at, r0, r1);
    else
        back_rows(ctx, r0 + (at - chunks) * products->half_block);
}

/* How many pieces of weights a turn has. */
static int tasks_of(const gr_ctx *ctx, int turn) {
    const product_set *products = ctx->prepared;
    int count = 0;
    for (int i = 0; i < ((const linear *)ctx->node->attr)->terms; i++)
        count += products->turn[i] == turn ? gr__wgrad_pieces(products->weights[i]) : 0;
    return count;
}

void gr__linear_backward(gr_ctx *ctx, int r0, int r1) {
    const linear *attr = ctx->node->attr;
    const product_set *products = ctx->prepared;
    const gr_slot *out = &ctx->out;
    const gr_param_slot *bias = attr->bias >= 0 ? &ctx->param[attr->bias] : NULL;
    const int chunks = bias && bias->g ? gr__bgrad_chunks(bias) : 0, halves = (r1 - r0) / products->half_block;
    const bool copied = ctx->half && !out->dh && products->whole;

    /* One team of threads for all of it. They wait for each other at the end of each `omp for`: after the copy, which
     * all tasks read, and after each turn. */
#pragma omp parallel num_threads(ctx->threads)
    {
        /* The result's gradient in bfloat16, which back_rows and back_weights read many times. */
        if (copied) {
#pragma omp for schedule(static)
            for (int n = r0; n < r1; n++)
                gr_kernel()->narrow((gr_half *)ctx->scratch + (size_t)n * out->width, out->d + (size_t)n * out->stride,
                                    out->width);
        }

        /* Turn by turn; a thread that is done with a task takes the next. */
        for (int turn = 0; turn < products->turns; turn++) {
            const int tasks = tasks_of(ctx, turn) + (turn == 0 ? chunks + halves : 0);
#pragma omp for schedule(dynamic)
            for (int t = 0; t < tasks; t++)
                back_task(ctx, turn, turn == 0 ? chunks : 0, t, r0, r1);
        }
    }
}
