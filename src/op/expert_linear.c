/* expert_linear.c - one linear map for each expert, computed for the rows that chose it alone.
 *
 * w [E m x D], expert e has rows e m to (e + 1) m - 1. Into the experts: y[n, e] = w_e x[n] + bias_e where chosen[n, e]
 * is not 0, else 0. Out of them: y[n] = bias + sum over the chosen of w_e^T x[n, e]. In each block the rows of an
 * expert are gathered, in their order, into chunks of fixed size, the last of them filled up with zeros, so that every
 * product has one of two shapes and results do not depend on how a batch is cut.
 */
#include "base/mem.h"
#include "op/element.h"
#include <string.h>

extern const gr_op gr__op_expert_linear;

enum { CHUNK = 64 };

typedef struct attr {
    int experts, units, width; /* E, m, D */
    int used;                  /* experts that a row chooses at most */
    bool out;
    int bias; /* slot, or GR_NONE */
} attr;

/* The gradient of a rectangle [height x width] of w from one chunk of rows: rectangles of one size share a product. */
typedef struct shape {
    int height, width;
    gr_gemm *product;
} shape;

/* The products of one run. */
typedef struct product_set {
    gr_gemm *to_units, *to_width; /* [chunk x D] to [chunk x m] and back */
    shape *shape;
    int shapes;
    size_t room; /* of the list of shapes */
} product_set;

/* ---- description ------------------------------------------------------------------------------------------------ */

gr_value gr_expert_linear(gr_graph *graph, gr_value x, gr_value chosen, gr_param w, gr_param bias, bool out) {
    const gr_param_def *def = gr__graph_param_def(graph, w), *b = gr__graph_param_def(graph, bias);
    if (x < 0 || chosen < 0)
        return GR_NONE;
    if (!def || gr_value_scalar(graph, x) || gr_value_scalar(graph, chosen))
        return gr_graph_fail(graph, "expert_linear reads rows and a parameter");

    /* The rows of w belong to experts in equal shares; x is either all of their units or what they read. */
    const int experts = gr_value_width(graph, chosen), in = gr_value_width(graph, x);
    if (def->rows % experts || in != (out ? def->rows : def->cols))
        return gr_graph_fail(graph, "expert_linear: %s [%d x %d] does not fit %d experts and %d columns", def->name,
                             def->rows, def->cols, experts, in);
    const int width = out ? def->cols : def->rows;
    if (b && (b->rows != 1 || b->cols != width))
        return gr_graph_fail(graph, "expert_linear: bias %s is [%d x %d], the result has %d columns", b->name, b->rows,
                             b->cols, width);

    /* Which experts are chosen has no gradient here. */
    const attr a = {experts, def->rows / experts, def->cols, gr__value_most(graph, chosen), out, b ? 1 : GR_NONE};
    const gr_node node = {.op = &gr__op_expert_linear,
                          .inputs = 2,
                          .in = {x, gr_stop(graph, chosen)},
                          .params = b ? 2 : 1,
                          .param = {w, bias},
                          .width = width,
                          .half = !out, /* out of experts is a sum */
                          .point = GR_NONE};
    return gr__graph_add(graph, &node, &a, sizeof a);
}

/* With the experts that the row chose. */
static bool expert_product(const gr_node *node, int i, gr_op_product *product) {
    const attr *a = node->attr;
    *product = (gr_op_product){0, 0, 0, a->width, (double)a->used * a->units * a->width, 1};
    return i == 0;
}

/* ---- products
 * -------------------------------------------------------------------------------------------------------- */

static int chunk_of(int block) { return block < CHUNK ? block : CHUNK; }
static int larger(int a, int b) { return a > b ? a : b; }
static int smaller(int a, int b) { return a < b ? a : b; }
static size_t whole_lines(size_t n) { return (n + 15) / 16 * 16; }

/* The parts of the scratch. */
typedef struct room {
    void *units;     /* [chunk x m] rows at an expert's units, packed; numbers of either kind */
    void *width;     /* [chunk x D] the same rows outside of the experts */
    void *scaled;    /* [chunk x m] units, each row times its weight */
    gr_real *result; /* [chunk x m or D] of a product */
    gr_real *sums;   /* [block x D] gradients of x, summed over experts */
    int *row;        /* [block] the rows that chose an expert */
    size_t size;     /* numbers in all */
} room;

/* Divides the scratch into its parts. With NULL only its size is counted. */
static room room_of(const attr *a, gr_real *scratch, int block) {
    const size_t chunk = (size_t)chunk_of(block), m = (size_t)a->units, d = (size_t)a->width;
    size_t at[7] = {0};
    const size_t need[6] = {chunk * m, chunk * d, chunk * m, chunk * (m > d ? m : d), (size_t)block * d, (size_t)block};

    /* Each part begins on a cache line. */
    for (int i = 0; i < 6; i++)
        at[i + 1] = at[i] + whole_lines(need[i]);

    room r = {.size = at[6]};
    if (scratch) {
        r.units = scratch;
        r.width = scratch + at[1];
        r.scaled = scratch + at[2];
        r.result = scratch + at[3];
        r.sums = scratch + at[4];
        r.row = (int *)(scratch + at[5]);
    }
    return r;
}

static size_t expert_scratch(const gr_node *node, int capacity, int block) {
    return room_of(node->attr, NULL, block).size;
}

/* The part of a slice that is expert e's; empty: height 0. */
static gr_rect rect_of(const attr *a, const gr_weighted_rect *slice, int e) {
    gr_rect p = {0, larger(slice->rect.lo0, e * a->units), smaller(slice->rect.hi0, (e + 1) * a->units),
                 slice->rect.lo1, slice->rect.hi1};
    if (p.lo0 >= p.hi0 || p.lo1 >= p.hi1)
        p = (gr_rect){0};
    return p;
}

/* The product for the gradient of such a rectangle; NULL: not made yet. */
static gr_gemm *product_of(const product_set *products, gr_rect p) {
    for (int i = 0; i < products->shapes; i++)
        if (products->shape[i].height == p.hi0 - p.lo0 && products->shape[i].width == p.hi1 - p.lo1)
            return products->shape[i].product;
    return NULL;
}

/* Products for the gradient of w: dw = units^T width over a chunk, for every size of rectangle that slices cut out of
 * an expert's rows. */
static void prepare_weights(gr_ctx *ctx, product_set *products) {
    const attr *a = ctx->node->attr;
    const gr_param_slot *w = &ctx->param[0];
    for (int c = 0; c < w->slices; c++)
        for (int e = 0; e < a->experts; e++) {
            gr_rect p = rect_of(a, &w->slice[c], e);
            if (p.hi0 == p.lo0 || product_of(products, p))
                continue;

            /* Operands are packed chunks; the result is added where the rectangle lies in w. */
            gr_gemm_def def = {.m = p.hi0 - p.lo0,
                               .n = p.hi1 - p.lo1,
                               .k = chunk_of(ctx->rows->block),
                               .trans_a = true,
                               .lda = a->units,
                               .ldb = a->width,
                               .ldc = a->width,
                               .accumulate = true,
                               .half = ctx->half};
            GR_PUSH(products->shape, products->shapes, products->room) =
                (shape){def.m, def.n, gr_gemm_new(&def, ctx->pool)};
        }
}

static void expert_prepare(gr_ctx *ctx) {
    const attr *a = ctx->node->attr;
    product_set *products = gr_alloc(sizeof *products);

    /* A chunk of rows times w_e^T, and times w_e: whichever way the map goes, forward needs the one and backward the
     * other. */
    gr_gemm_def def = {.m = chunk_of(ctx->rows->block),
                       .n = a->units,
                       .k = a->width,
                       .trans_b = true,
                       .lda = a->width,
                       .ldb = a->width,
                       .ldc = a->units,
                       .half = ctx->half};
    products->to_units = gr_gemm_new(&def, ctx->pool);
    def = (gr_gemm_def){
        .m = def.m, .n = a->width, .k = a->units, .lda = a->units, .ldb = a->width, .ldc = a->width, .half = ctx->half};
    products->to_width = gr_gemm_new(&def, ctx->pool);

    /* Gradients of w, if they are wanted. */
    if (ctx->param[0].g)
        prepare_weights(ctx, products);
    ctx->prepared = products;
}

static void expert_release(gr_ctx *ctx) {
    product_set *old = ctx->prepared;
    if (!old)
        return;
    gr_gemm_free(old->to_units);
    gr_gemm_free(old->to_width);
    for (int i = 0; i < old->shapes; i++)
        gr_gemm_free(old->shape[i].product);
    gr_free(old->shape);
    gr_free(old);
    ctx->prepared = NULL;
}

/* ---- gathering --------------------------------------------------------------------------------------------------- */

/* Rows of the block from r on that chose expert e. */
static int gather(const gr_ctx *ctx, int *row, int e, int r) {
    int count = 0;
    for (int n = r; n < r + ctx->rows->block; n++)
        if (gr__row(&ctx->in[1], n)[e] != 0)
            row[count++] = n;
    return count;
}

/* Columns [lo, lo + width) of the rows, each times its weight (NULL: 1), one after the other; zeros up to a chunk. */
static void pack(const gr_ctx *ctx, void *to, const gr_slot *slot, bool gradient, int lo, int width, const int *row,
                 int count, const gr_real *w) {
    const int chunk = chunk_of(ctx->rows->block);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < chunk; i++)
        for (int j = 0; j < width; j += GR_SPAN) {
            const int some = gr__span_width(width, j);
            const size_t at = (size_t)i * (size_t)width + (size_t)j;

            /* Where products take bfloat16, a span is made in floats and then narrowed. Chunks are filled up with
             * zeros, which add nothing. */
            gr_real wide[GR_SPAN], scaled[GR_SPAN], *into = ctx->half ? scaled : (gr_real *)to + at;
            if (i >= count)
                memset(into, 0, (size_t)some * sizeof *into);
            else
                gr_kernel()->scale(into, w ? w[row[i]] : 1,
                                   gradient ? gr__take_d(slot, wide, row[i], lo + j, some)
                                            : gr__take(slot, wide, row[i], lo + j, some),
                                   some, false);
            if (ctx->half)
                gr_kernel()->narrow((gr_half *)to + at, into, some);
        }
}

/* w_e, as products read it. */
static const void *weights_of(const gr_ctx *ctx, int e) {
    const attr *a = ctx->node->attr;
    const size_t at = (size_t)e * (size_t)a->units * (size_t)a->width;
    return ctx->half ? (const void *)(ctx->param[0].wh + at) : (const void *)(ctx->param[0].w + at);
}

/* ---- forward ----------------------------------------------------------------------------------------------------- */

/* What every row of a block begins with: the bias of a sum out of experts, zeros otherwise. */
static void start(const gr_ctx *ctx, int r) {
    const attr *a = ctx->node->attr;
    const gr_slot *y = &ctx->out;
    const gr_real *bias = a->out && a->bias >= 0 ? ctx->param[a->bias].w : NULL;
#pragma omp parallel for schedule(static)
    for (int n = r; n < r + ctx->rows->block; n++) {
        if (y->vh)
            memset(y->vh + (size_t)n * (size_t)y->stride, 0, (size_t)y->width * sizeof *y->vh);
        else if (bias)
            memcpy(gr__row(y, n), bias, (size_t)y->width * sizeof *bias);
        else
            memset(gr__row(y, n), 0, (size_t)y->width * sizeof *bias);
    }
}

/* Rows of a product to where they belong: over the columns of expert e, with their bias, or added to whole rows. */
static void scatter(const gr_ctx *ctx, const gr_real *result, const int *row, int count, int e) {
    const attr *a = ctx->node->attr;
    const int width = a->out ? a->width : a->units, lo = a->out ? 0 : e * a->units;
    const gr_real *bias = !a->out && a->bias >= 0 ? ctx->param[a->bias].w + lo : NULL;

#pragma omp parallel for schedule(static)
    for (int i = 0; i < count; i++)
        for (int j = 0; j < width; j += GR_SPAN) {
            /* Out of experts a row is a sum, which several experts add to; into them each writes its own columns. */
            const int some = gr__span_width(width, j);
            const gr_real *from = result + (size_t)i * (size_t)width + (size_t)j;
            gr_real wide[GR_SPAN], *to = gr__room(&ctx->out, wide, row[i], lo + j);
            gr_kernel()->scale(to, 1, from, some, a->out);
            if (bias)
                gr_kernel()->add(to, to, bias + j, some);
            gr__put(&ctx->out, to, row[i], lo + j, some);
        }
}

/* Block by block, expert by expert: gather the rows that chose it, and compute them a chunk at a time. */
static void expert_forward(gr_ctx *ctx, int r0, int r1) {
    const attr *a = ctx->node->attr;
    const product_set *products = ctx->prepared;
    const int block = ctx->rows->block, chunk = chunk_of(block);
    const room s = room_of(a, ctx->scratch, block);

    for (int r = r0; r < r1; r += block) {
        start(ctx, r);

        /* An expert that no row of the block has chosen costs nothing. */
        for (int e = 0; e < a->experts; e++) {
            const int all = gather(ctx, s.row, e, r);
            for (int i = 0; i < all; i += chunk) {
                const int count = smaller(chunk, all - i);
                void *x = a->out ? s.units : s.width;
                pack(ctx, x, &ctx->in[0], false, a->out ? e * a->units : 0, a->out ? a->units : a->width, s.row + i,
                     count, NULL);
                gr_gemm_run(a->out ? products->to_width : products->to_units, s.result, x, weights_of(ctx, e), NULL);
                scatter(ctx, s.result, s.row + i, count, e);
            }
        }
    }
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */

/* dw_e += units^T width, slice by slice with the weights of its rows. Units are packed in s.units, width in s.width. */
static void add_weights(const gr_ctx *ctx, const room *s, const int *row, int count, int e, int r) {
    const attr *a = ctx->node->attr;
    const gr_param_slot *w = &ctx->param[0];
    const size_t unit = ctx->half ? sizeof(gr_half) : sizeof(gr_real);
    for (int c = 0; c < w->slices; c++) {
        const gr_weights *weights = w->slice[c].weights;
        const int kind = weights ? weights->kind[r / ctx->rows->block] : GR_ROWS_ONE;
        const gr_rect p = rect_of(a, &w->slice[c], e);
        if (p.hi0 == p.lo0 || kind == GR_ROWS_ZERO)
            continue;

        /* Mixed weights: the units once more, each row times its weight. */
        const void *units = s->units;
        if (kind == GR_ROWS_MIXED) {
            pack(ctx, s->scaled, a->out ? &ctx->in[0] : &ctx->out, !a->out, e * a->units, a->units, row, count,
                 weights->w);
            units = s->scaled;
        }

        /* The slice's part of the expert, with the columns of both operands that belong to it. */
        gr_gemm_run(product_of(ctx->prepared, p), w->g + (size_t)p.lo0 * (size_t)a->width + (size_t)p.lo1,
                    (const char *)units + (size_t)(p.lo0 - e * a->units) * unit,
                    (const char *)s->width + (size_t)p.lo1 * unit, NULL);
    }
}

/* The gradient of the bias of an expert's units: sums over the rows that chose it, slice by slice. */
static void add_bias(const gr_ctx *ctx, const int *row, int count, int e, int r) {
    const attr *a = ctx->node->attr;
    const gr_param_slot *b = &ctx->param[a->bias];
    for (int c = 0; c < b->slices; c++) {
        /* The columns of the slice that are this expert's units. */
        const gr_weights *weights = b->slice[c].weights;
        const int kind = weights ? weights->kind[r / ctx->rows->block] : GR_ROWS_ONE;
        const int lo = larger(b->slice[c].rect.lo1, e * a->units),
                  hi = smaller(b->slice[c].rect.hi1, (e + 1) * a->units);

        if (kind == GR_ROWS_ZERO)
            continue;
        for (int i = 0; i < count; i++)
            for (int j = lo; j < hi; j += GR_SPAN) {
                gr_real wide[GR_SPAN];
                const int some = gr__span_width(hi, j);
                gr_kernel()->scale(b->g + j, kind == GR_ROWS_MIXED ? weights->w[row[i]] : 1,
                                   gr__take_d(&ctx->out, wide, row[i], j, some), some, true);
            }
    }
}

/* Into experts, x is read by several of them: rows of the product join the sums of the block. */
static void sum_up(const gr_ctx *ctx, const room *s, const int *row, int count, int r) {
    const int width = ((const attr *)ctx->node->attr)->width;
#pragma omp parallel for schedule(static)
    for (int i = 0; i < count; i++)
        gr_kernel()->scale(s->sums + (size_t)(row[i] - r) * (size_t)width, 1, s->result + (size_t)i * (size_t)width,
                           width, true);
}

/* Columns [lo, lo + width) of the gradient of x in rows row[i] (NULL: r + i) (+)= from. */
static void give(const gr_ctx *ctx, const gr_real *from, const int *row, int count, int r, int lo, int width) {
    const gr_slot *x = &ctx->in[0];
#pragma omp parallel for schedule(static)
    for (int i = 0; i < count; i++)
        for (int j = 0; j < width; j += GR_SPAN) {
            const int n = row ? row[i] : r + i, some = gr__span_width(width, j);
            gr_real wide[GR_SPAN], *dx = gr__room_d(x, wide, n, lo + j, some);
            gr_kernel()->scale(dx, 1, from + (size_t)i * (size_t)width + (size_t)j, some, x->accumulate);
            gr__put_d(x, dx, n, lo + j, some);
        }
}

/* Out of experts: what was not chosen gets no gradient. */
static void give_nothing(const gr_ctx *ctx, int r) {
    const gr_slot *x = &ctx->in[0];
    if (x->accumulate)
        return;
    for (int n = r; n < r + ctx->rows->block; n++) {
        if (x->dh)
            memset(x->dh + (size_t)n * (size_t)x->stride, 0, (size_t)x->width * sizeof *x->dh);
        else
            memset(gr__drow(x, n), 0, (size_t)x->width * sizeof *x->d);
    }
}

/* One chunk of rows that chose expert e: its part of dx, of dw and of the bias's gradient. Of units and width one is
 * x, the other the gradient of the result. */
static void backward_chunk(gr_ctx *ctx, const room *s, const int *row, int count, int e, int r) {
    const attr *a = ctx->node->attr;
    const product_set *products = ctx->prepared;
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;

    /* Both operands of all products, as chunks of the rows at hand. */
    pack(ctx, s->units, a->out ? x : y, !a->out, e * a->units, a->units, row, count, NULL);
    pack(ctx, s->width, a->out ? y : x, a->out, 0, a->width, row, count, NULL);

    /* dx is the product in the other direction. Out of experts it is theirs alone; into them it joins a sum. */
    if (gr__wants(x)) {
        gr_gemm_run(a->out ? products->to_units : products->to_width, s->result, a->out ? s->width : s->units,
                    weights_of(ctx, e), NULL);
        if (a->out)
            give(ctx, s->result, row, count, r, e * a->units, a->units);
        else
            sum_up(ctx, s, row, count, r);
    }

    /* The gradients of w and of the bias come from the same operands. */
    if (ctx->param[0].g)
        add_weights(ctx, s, row, count, e, r);
    if (!a->out && a->bias >= 0 && ctx->param[a->bias].g)
        add_bias(ctx, row, count, e, r);
}

/* As forward, block by block and expert by expert. */
static void expert_backward(gr_ctx *ctx, int r0, int r1) {
    const attr *a = ctx->node->attr;
    const int block = ctx->rows->block, chunk = chunk_of(block);
    const room s = room_of(a, ctx->scratch, block);

    /* Out of experts the bias belongs to every row, whichever experts it chose. */
    if (a->out && a->bias >= 0 && ctx->param[a->bias].g)
        gr__bgrad(&ctx->param[a->bias], gr__view_d(&ctx->out, 0), (gr_rows_view){0}, block, r0, r1);

    /* Out of experts each chunk writes its own columns of dx, and what nobody chose is 0; into them dx is a sum,
     * given when it is complete. */
    for (int r = r0; r < r1; r += block) {
        if (a->out && gr__wants(&ctx->in[0]))
            give_nothing(ctx, r);
        memset(s.sums, 0, (size_t)block * (size_t)a->width * sizeof *s.sums);
        for (int e = 0; e < a->experts; e++) {
            const int all = gather(ctx, s.row, e, r);
            for (int i = 0; i < all; i += chunk)
                backward_chunk(ctx, &s, s.row + i, smaller(chunk, all - i), e, r);
        }
        if (!a->out && gr__wants(&ctx->in[0]))
            give(ctx, s.sums, NULL, block, r, 0, a->width);
    }
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

static gr_param weights(gr_graph *graph, const char *name, int rows, int cols) {
    return gr_graph_param(graph, &(gr_param_def){name, rows, cols, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.5, false});
}

/* k of the first 4 columns. */
static gr_value choice(gr_graph *graph, gr_value x, int k) {
    return gr_top(graph, gr_normalise(graph, gr_scores(graph, gr_slice(graph, x, 0, 4))), k);
}

static gr_value build_in(gr_graph *graph, gr_value x) {
    const gr_param w = weights(graph, "w", 12, gr_value_width(graph, x)), b = weights(graph, "b", 1, 12);
    return gr_expert_linear(graph, x, choice(graph, x, 2), w, b, false);
}

static gr_value build_out(gr_graph *graph, gr_value x) {
    const gr_param w = weights(graph, "w", 8, 5), b = weights(graph, "b", 1, 5);
    return gr_expert_linear(graph, x, choice(graph, x, 1), w, b, true);
}

/* In and out again, x read by all of it. */
static gr_value build_both(gr_graph *graph, gr_value x) {
    const int width = gr_value_width(graph, x);
    const gr_value chosen = choice(graph, x, 3);
    const gr_param up = weights(graph, "up", 20, width), down = weights(graph, "down", 20, width);
    const gr_value h = gr_gelu(graph, gr_expert_linear(graph, x, chosen, up, GR_NONE, false));
    return gr_add(graph, x, gr_expert_linear(graph, gr_weigh(graph, h, chosen), chosen, down, GR_NONE, true));
}

static const gr_op_case cases[] = {
    {"in", 9, 6, build_in}, {"out", 9, 8, build_out}, {"both", 12, 5, build_both}, {NULL, 0, 0, NULL}};

const gr_op gr__op_expert_linear = {.name = "expert_linear",
                                    .scratch = expert_scratch,
                                    .product = expert_product,
                                    .prepare = expert_prepare,
                                    .release = expert_release,
                                    .forward = expert_forward,
                                    .backward = expert_backward,
                                    .half = true,
                                    .cases = cases};
