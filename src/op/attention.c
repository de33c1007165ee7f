/* attention.c - causal self-attention inside each document. Documents x heads of keys are shared among threads as they
 * become free; each writes rows and columns of its own, so the result does not depend on who did what. */
#include "op/attention.h"
#include "base/mem.h"
#include "op/decode.h"
#include "op/element.h"
#include <math.h>
#include <omp.h>

extern const gr_op gr__op_attention;

typedef gr_attention_def attr;

/* Defaults are settled, and what does not fit is a mistake of the graph. */
gr_value gr_attention(gr_graph *graph, gr_value qkv, const gr_attention_def *def) {
    if (qkv < 0)
        return GR_NONE;

    /* As many heads of keys as of queries, unless they are shared. */
    attr a = *def;
    a.kv_heads = a.kv_heads ? a.kv_heads : a.heads;
    if (a.heads < 1 || a.kv_heads < 1 || a.heads % a.kv_heads)
        return gr_graph_fail(graph, "attention: %d heads cannot share %d heads of keys and values", a.heads,
                             a.kv_heads);
    if (a.size < 1 || gr_value_scalar(graph, qkv) || gr_value_width(graph, qkv) != a.kv_heads * gr__attention_unit(&a))
        return gr_graph_fail(graph, "attention: %d columns are not q of %d heads and k and v of %d, of %d columns",
                             gr_value_width(graph, qkv), a.heads, a.kv_heads, a.size);

    /* The window, and the columns that are turned: all of a head unless fewer are asked for. */
    if (a.window < 0)
        return gr_graph_fail(graph, "attention: a window of %d positions", a.window);
    a.rotary_size = a.rotary_size ? a.rotary_size : a.size;
    if (a.rotary_base > 0 && (a.rotary_size < 2 || a.rotary_size % 2 || a.rotary_size > a.size))
        return gr_graph_fail(graph, "attention: %d of %d columns cannot be rotated in pairs", a.rotary_size, a.size);
    if (a.rotary_base > 0 && a.size % 2 && !a.rotary_halves)
        return gr_graph_fail(graph, "attention: heads of %d columns have no neighbouring pairs", a.size);

    /* The result has the columns of the queries. */
    const gr_node node = {
        .op = &gr__op_attention, .inputs = 1, .in = {qkv}, .width = a.heads * a.size, .half = true, .point = GR_NONE};
    return gr__graph_add(graph, &node, &a, sizeof a);
}

/* What is settled once: how many threads have scratch, and the angles up to the longest possible document. */
typedef struct settled {
    int threads;    /* most that work on a pass */
    size_t scratch; /* numbers of one thread */
    gr_real *turn;  /* [capacity x size] cos, sin of each pair; NULL: no rotation */
} settled;

/* Log-sum-exp of each head's scores, [heads x capacity]. */
static size_t attention_state(const gr_node *node, int capacity, int block) {
    return (size_t)((const attr *)node->attr)->heads * (size_t)capacity;
}

static size_t attention_scratch(const gr_node *node, int capacity, int block) {
    const attr *a = node->attr;
    return (size_t)omp_get_max_threads() * gr_kernel()->attention_scratch(capacity, a->size);
}

gr_real *gr__attention_turn(const gr_attention_def *a, int rows) {
    if (!(a->rotary_base > 0))
        return NULL;
    gr_real *turn = gr_alloc((size_t)rows * (size_t)a->size * sizeof *turn);

    /* Pairs that are halves of a head: the columns behind them have no pairs. Neighbours: those that stay turn by 0. */
    const int apart = gr__attention_apart(a), end = apart ? a->rotary_size : a->size;
    for (int i = 0; i < end; i += 2) {
        /* Pair i / 2 of R columns turns by base^(-i / R) from row to row (Su et al. 2021, section 3.2.2). */
        const double step = i < a->rotary_size ? pow(a->rotary_base, -(double)i / a->rotary_size) : 0;
        for (int t = 0; t < rows; t++) {
            gr_real *pair = turn + (size_t)t * (size_t)a->size + (apart ? i / 2 : i);
            pair[0] = (gr_real)cos(t * step);
            pair[apart ? apart : 1] = (gr_real)sin(t * step);
        }
    }
    return turn;
}

/* The longest document has as many rows as a run: scratch and angles are made for that. */
static void attention_prepare(gr_ctx *ctx) {
    const attr *a = ctx->node->attr;
    settled *s = ctx->prepared = gr_alloc(sizeof *s);
    int longest = ctx->rows->capacity;
    *s = (settled){omp_get_max_threads(), gr_kernel()->attention_scratch(longest, a->size),
                   gr__attention_turn(a, longest)};
}

static void attention_release(gr_ctx *ctx) {
    settled *s = ctx->prepared;
    if (s)
        gr_free(s->turn);
    gr_free(s);
}

/* Number `at` of a value or gradient that is kept in one of two kinds. */
static void *number(gr_real *v, gr_half *h, size_t at) { return h ? (void *)(h + at) : (void *)(v + at); }

/* Where the columns of a head of keys begin in row r0 of qkv, and those of its queries in the result. */
static size_t in_at(const gr_ctx *ctx, int r0, int head) {
    return (size_t)r0 * (size_t)ctx->in[0].stride + (size_t)(head * gr__attention_unit(ctx->node->attr));
}

static size_t out_at(const gr_ctx *ctx, int r0, int head) {
    const attr *a = ctx->node->attr;
    return (size_t)r0 * (size_t)ctx->out.stride + (size_t)(head * gr__attention_group(a) * a->size);
}

/* What both passes tell the kernel: the columns of a head of keys in rows [r0, r1). */
static gr_head head_of(const gr_ctx *ctx, int r0, int r1, int head) {
    const attr *a = ctx->node->attr;
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;

    return (gr_head){.qkv = number(x->v, x->vh, in_at(ctx, r0, head)),
                     .half = x->vh != NULL,
                     .half_out = y->vh != NULL,
                     .stride = x->stride,
                     .stride_out = y->stride,
                     .turn = ((const settled *)ctx->prepared)->turn,
                     .apart = gr__attention_apart(a),
                     .window = a->window,
                     .scale = (gr_real)a->scale,
                     .rows = r1 - r0,
                     .size = a->size,
                     .group_size = gr__attention_group(a),
                     .lse_stride = ctx->rows->capacity};
}

/* Log-sum-exps of a head's queries from row r0 on, which forward writes and backward reads. */
static gr_real *sums_of(const gr_ctx *ctx, int r0, int head) {
    const size_t queries = (size_t)(head * gr__attention_group(ctx->node->attr));
    return ctx->state + queries * (size_t)ctx->rows->capacity + r0;
}

/* One head of keys in one document. */
static void forward_head(gr_ctx *ctx, gr_real *scratch, int r0, int r1, int head) {
    const gr_head h = head_of(ctx, r0, r1, head);
    const gr_slot *y = &ctx->out;
    gr_kernel()->attention(number(y->v, y->vh, out_at(ctx, r0, head)), sums_of(ctx, r0, head), &h, scratch);
}

static void backward_head(gr_ctx *ctx, gr_real *scratch, int r0, int r1, int head) {
    const gr_head h = head_of(ctx, r0, r1, head);
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
    gr_kernel()->attention_backward(number(x->d, x->dh, in_at(ctx, r0, head)), x->accumulate,
                                    number(y->d, y->dh, out_at(ctx, r0, head)), sums_of(ctx, r0, head), &h, scratch);
}

/* Calls the pass for every document that begins in the range and every head of keys. */
static void over_heads(gr_ctx *ctx, void (*pass)(gr_ctx *, gr_real *, int, int, int), int r0, int r1) {
    const settled *s = ctx->prepared;
    const int32_t *document = ctx->rows->document;
    const int heads = ((const attr *)ctx->node->attr)->kv_heads;

    /* Documents [first, last) begin in the range. */
    int first = 0;
    while (document[first] < r0)
        first++;
    int last = first;
    while (document[last] < r1)
        last++;
    if (first == last)
        return;

    /* Short documents are handed out four at a time, long ones one by one. */
    const int chunk = r1 - r0 < 64 * (last - first) ? 4 : 1;

    /* Each thread has scratch of its own. */
#pragma omp parallel num_threads(s->threads)
    {
        gr_real *scratch = ctx->scratch + (size_t)omp_get_thread_num() * s->scratch;
#pragma omp for schedule(dynamic, chunk)
        for (int i = 0; i < (last - first) * heads; i++) {
            int d = first + i / heads;
            pass(ctx, scratch, document[d], document[d + 1], i % heads);
        }
    }
}

static void attention_forward(gr_ctx *ctx, int r0, int r1) { over_heads(ctx, forward_head, r0, r1); }

static void attention_backward(gr_ctx *ctx, int r0, int r1) {
    if (ctx->in[0].d || ctx->in[0].dh)
        over_heads(ctx, backward_head, r0, r1);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

/* Two heads that turn all of their columns. */
static gr_value build_rotary(gr_graph *graph, gr_value x) {
    const int size = gr_value_width(graph, x) / 6;
    return gr_attention(graph, x, &(attr){.heads = 2, .size = size, .scale = 0.4, .rotary_base = 100});
}

/* Three heads that turn nothing, of a size that fills no register. */
static gr_value build_odd(gr_graph *graph, gr_value x) {
    return gr_attention(graph, x, &(attr){.heads = 3, .size = gr_value_width(graph, x) / 9, .scale = 0.6});
}

/* The gradient adds to another reader's. */
static gr_value build_twice(gr_graph *graph, gr_value x) {
    int width = gr_value_width(graph, x) / 3;
    const attr def = {.heads = 1, .size = width, .scale = 0.3, .rotary_base = 10};
    return gr_mul(graph, gr_attention(graph, x, &def), gr_slice(graph, x, 1, 1 + width));
}

/* 2 heads of keys with 3 queries each. */
static gr_value build_shared(gr_graph *graph, gr_value x) {
    const attr def = {
        .heads = 6, .kv_heads = 2, .size = gr_value_width(graph, x) / 10, .scale = 0.4, .rotary_base = 100};
    return gr_attention(graph, x, &def);
}

/* The first 4 of 6 columns turn, as halves; 3 heads of keys with 2 queries each. */
static gr_value build_halves(gr_graph *graph, gr_value x) {
    const attr def = {.heads = 6,
                      .kv_heads = 3,
                      .size = 6,
                      .scale = 0.5,
                      .rotary_base = 100,
                      .rotary_size = 4,
                      .rotary_halves = true};
    return gr_attention(graph, x, &def);
}

/* The first 2 columns turn, the others stay. */
static gr_value build_part(gr_graph *graph, gr_value x) {
    const attr def = {
        .heads = 1, .size = gr_value_width(graph, x) / 3, .scale = 1, .rotary_base = 10, .rotary_size = 2};
    return gr_attention(graph, x, &def);
}

/* Rows see 3 or 40 rows, which skip whole panels of keys. */
static gr_value build_window(gr_graph *graph, gr_value x) {
    return gr_attention(graph, x, &(attr){.heads = 2, .size = gr_value_width(graph, x) / 6, .scale = 0.7, .window = 3});
}

/* A window that begins inside of a panel of keys, with shared keys that turn. */
static gr_value build_wider(gr_graph *graph, gr_value x) {
    const attr def = {.heads = 4,
                      .kv_heads = 2,
                      .size = gr_value_width(graph, x) / 8,
                      .scale = 0.7,
                      .window = 40,
                      .rotary_base = 100};
    return gr_attention(graph, x, &def);
}

/* Documents longer than a tile of queries come with the larger number of rows. */
static const gr_op_case cases[] = {{"rotary", 11, 24, build_rotary},
                                   {"odd", 9, 27, build_odd},
                                   {"twice", 7, 18, build_twice},
                                   {"long", 61, 24, build_rotary},
                                   {"shared", 13, 40, build_shared},
                                   {"shared long", 61, 20, build_shared},
                                   {"halves", 19, 72, build_halves},
                                   {"part", 12, 18, build_part},
                                   {"window", 61, 12, build_window},
                                   {"wider window", 61, 16, build_wider},
                                   {NULL, 0, 0, NULL}};

const gr_op gr__op_attention = {.name = "attention",
                                .state = attention_state,
                                .scratch = attention_scratch,
                                .prepare = attention_prepare,
                                .release = attention_release,
                                .forward = attention_forward,
                                .backward = attention_backward,
                                .half = true,
                                .decode = &gr__attention_decode,
                                .cases = cases};
