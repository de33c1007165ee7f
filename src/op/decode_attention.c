/* decode_attention.c - attention of one row over the keys and values that were kept of the rows before it.
 *
 * Keys are kept turned, and as columns: the scores of a head are then a product that runs along memory, as the sum of
 * the values is. Heads are shared among threads; each writes columns of its own.
 */
#include "base/mem.h"
#include "kernel/kernel.h"
#include "op/attention.h"
#include "op/decode.h"

#include <math.h>

enum { PAD = 32, SMALL = 1 << 13 }; /* numbers between columns of keys; what is not worth a second thread */

/* keys: [kv_heads x size x ld], values: [kv_heads x positions x size]; in bfloat16 if half. Keys lie in columns:
 * neighbours in memory are one column of a head at neighbouring positions. */
typedef struct kept {
    int positions, ld;
    bool half;
    void *keys, *values;
    gr_real *turn;   /* [positions x size] cos, sin of each pair; NULL: no rotation */
    gr_real *scores; /* [heads x ld] */
    gr_real *rows;   /* [heads x size] q of the row at hand, then [kv_heads x 3 size] k and v, k turned */
} kept;

/* Memory for `positions` rows; false: it was refused. */
static bool attention_prepare(gr_ctx *ctx, int positions, bool half) {
    const gr_attention_def *a = ctx->node->attr;
    kept *c = ctx->prepared = gr_alloc(sizeof *c);
    c->positions = positions;
    c->half = half && sizeof(gr_real) == sizeof(float); /* double keeps everything in double */
    c->ld = (positions + PAD - 1) / PAD * PAD + PAD;

    /* Keys and values of all positions, and room for the scores of all heads with them. */
    const size_t heads = (size_t)a->heads, kv = (size_t)a->kv_heads, size = (size_t)a->size;
    const size_t unit = c->half ? sizeof(gr_half) : sizeof(gr_real);
    c->keys = gr_alloc_try(kv * size * (size_t)c->ld * unit);
    c->values = gr_alloc_try(kv * (size_t)positions * size * unit);
    c->scores = gr_alloc_try(heads * (size_t)c->ld * sizeof *c->scores);
    c->rows = gr_alloc((heads + 3 * kv) * size * sizeof *c->rows);
    if (!c->keys || !c->values || !c->scores)
        return false;

    /* Angles for all positions. */
    c->turn = gr__attention_turn(a, positions);
    return true;
}

static void attention_release(gr_ctx *ctx) {
    kept *c = ctx->prepared;
    if (c) {
        gr_free(c->keys);
        gr_free(c->values);
        gr_free(c->turn);
        gr_free(c->scores);
        gr_free(c->rows);
    }
    gr_free(c);
    ctx->prepared = NULL;
}

/* y = s x, each pair turned by the angles of position t. */
static void turned(const gr_attention_def *a, const kept *c, gr_real *y, gr_real s, const gr_real *x, int t) {
    const gr_real *turn = c->turn ? c->turn + (size_t)t * (size_t)a->size : NULL;
    const int halves = gr__attention_apart(a), apart = halves ? halves : 1, end = turn ? a->rotary_size : 0;
    for (int k = 0; 2 * k < end; k++) {
        const int i = halves ? k : 2 * k;
        y[i] = s * (turn[i] * x[i] - turn[i + apart] * x[i + apart]);
        y[i + apart] = s * (turn[i + apart] * x[i] + turn[i] * x[i + apart]);
    }
    for (int i = end; i < a->size; i++)
        y[i] = s * x[i];
}

/* Keeps a turned key and its value at position t. */
static void store(kept *c, int kv, int t, const gr_real *key, const gr_real *value, int size) {
    const size_t k = (size_t)kv * (size_t)size * (size_t)c->ld + (size_t)t;
    const size_t v = ((size_t)kv * (size_t)c->positions + (size_t)t) * (size_t)size;
    for (int i = 0; i < size; i++)
        if (c->half) {
            ((gr_half *)c->keys)[k + (size_t)i * (size_t)c->ld] = gr__narrow((float)key[i]);
            ((gr_half *)c->values)[v + (size_t)i] = gr__narrow((float)value[i]);
        } else {
            ((gr_real *)c->keys)[k + (size_t)i * (size_t)c->ld] = key[i];
            ((gr_real *)c->values)[v + (size_t)i] = value[i];
        }
}

/* y = W^T x for what is kept at `at` of keys or values. */
static void product(const kept *c, gr_real *y, const void *w, size_t at, int ld, const gr_real *x, int rows, int cols) {
#ifndef GR_DOUBLE
    if (c->half) {
        gr_kernel()->gemv_t_half(y, (const gr_half *)w + at, ld, x, rows, cols, false);
        return;
    }
#endif
    (void)c;
    gr_kernel()->gemv_t(y, (const gr_real *)w + at, ld, x, rows, cols, false);
}

/* Room for k, v and k turned of a head of keys. */
static gr_real *room_of(const gr_attention_def *a, const kept *c, int kv) {
    return c->rows + (size_t)(a->heads + 3 * kv) * (size_t)a->size;
}

/* Columns of a head of keys in a row of qkv, and within them those of k, behind the queries. */
static size_t column(const gr_attention_def *a, int kv) { return (size_t)(kv * gr__attention_unit(a)); }
static size_t key_column(const gr_attention_def *a, int kv) {
    return column(a, kv) + (size_t)(gr__attention_group(a) * a->size);
}

/* Turns the key of position t and keeps it, with its value. */
static void step_key(gr_ctx *ctx, int kv, int t) {
    const gr_attention_def *a = ctx->node->attr;
    kept *c = ctx->prepared;
    const gr_real *x = ctx->in[0].v + key_column(a, kv);
    gr_real *key = room_of(a, c, kv);
    turned(a, c, key, 1, x, t);
    store(c, kv, t, key, x + a->size, a->size);
}

/* One query head at position t: scores with all keys that it sees, their softmax, and the values weighed by it. */
static void step_head(gr_ctx *ctx, int head, int t) {
    const gr_attention_def *a = ctx->node->attr;
    const kept *c = ctx->prepared;
    const int size = a->size, group_size = gr__attention_group(a), kv = head / group_size;
    const gr_real *x = ctx->in[0].v + column(a, kv) + (size_t)(head % group_size * size);
    gr_real *q = c->rows + (size_t)head * (size_t)size, *scores = c->scores + (size_t)head * (size_t)c->ld;

    /* The query, turned and scaled. */
    turned(a, c, q, (gr_real)a->scale, x, t);

    /* The positions that it sees: all up to t, or a window of them. */
    const int first = a->window && t >= a->window ? t - a->window + 1 : 0, count = t + 1 - first;
    const size_t keys = (size_t)kv * (size_t)size * (size_t)c->ld + (size_t)first;
    const size_t values = ((size_t)kv * (size_t)c->positions + (size_t)first) * (size_t)size;

    /* softmax(K q), then V^T times it. */
    product(c, scores, c->keys, keys, c->ld, q, size, count);
    gr_kernel()->softmax(scores, scores, count);
    product(c, ctx->out.v + (size_t)head * (size_t)size, c->values, values, size, scores, count, size);
}

/* Keys first: every head of queries reads them. */
static void attention_step(gr_ctx *ctx) {
    const gr_attention_def *a = ctx->node->attr;
    const int t = -ctx->rows->start[0];
    for (int kv = 0; kv < a->kv_heads; kv++)
        step_key(ctx, kv, t);
#pragma omp parallel for schedule(static) if ((size_t)(t + 1) * (size_t)(a->heads * a->size) > SMALL)
    for (int head = 0; head < a->heads; head++)
        step_head(ctx, head, t);
}

/* ---- from a pass over a document --------------------------------------------------------------------------------- */

/* k and v of one row and head of keys, from a value that may be in bfloat16. */
static void read_row(gr_real *to, const gr_slot *x, int row, int column, int count) {
    const size_t at = (size_t)row * (size_t)x->stride + (size_t)column;
    for (int i = 0; i < count; i++)
        to[i] = x->vh ? (gr_real)gr__widen(x->vh[at + (size_t)i]) : x->v[at + (size_t)i];
}

/* From a pass over a whole document: the keys and values of its rows. */
static void attention_keep(gr_ctx *ctx, const gr_ctx *pass, int rows) {
    const gr_attention_def *a = ctx->node->attr;
    kept *c = ctx->prepared;
    const int size = a->size;
#pragma omp parallel for schedule(static)
    for (int kv = 0; kv < a->kv_heads; kv++) {
        gr_real *pair = room_of(a, c, kv), *key = pair + 2 * size;
        for (int t = 0; t < rows; t++) {
            read_row(pair, &pass->in[0], t, (int)key_column(a, kv), 2 * size);
            turned(a, c, key, 1, pair, t);
            store(c, kv, t, key, pair + size, size);
        }
    }
}

const gr_op_decode gr__attention_decode = {
    .prepare = attention_prepare, .release = attention_release, .keep = attention_keep, .step = attention_step};
