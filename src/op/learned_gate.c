/* learned_gate.c - some columns of x times a learned number.
 *
 * y = g x in columns [lo, hi), or sigmoid(g) x; the other columns pass. The gradient of g is a sum over the rows, each
 * with the weight of g for the row, in the order of the rows.
 */
#include "op/element.h"
#include <math.h>

extern const gr_op gr__op_learned_gate;

typedef struct attr {
    int lo, hi;
    bool sigmoid;
} attr;

gr_value gr_learned_gate(gr_graph *graph, gr_value x, int lo, int hi, gr_param g, bool sigmoid) {
    const gr_param_def *def = gr__graph_param_def(graph, g);
    if (x < 0)
        return GR_NONE;
    if (gr_value_scalar(graph, x))
        return gr_graph_fail(graph, "learned_gate reads rows, not one number");
    if (lo < 0 || lo >= hi || hi > gr_value_width(graph, x))
        return gr_graph_fail(graph, "learned_gate: columns %d to %d of a value with %d", lo, hi,
                             gr_value_width(graph, x));
    if (!def || def->rows != 1 || def->cols != 1)
        return gr_graph_fail(graph, "learned_gate: '%s' [%d x %d] should be one number", def ? def->name : "?",
                             def ? def->rows : 0, def ? def->cols : 0);

    /* The gate itself is the only parameter. */
    const gr_node node = {.op = &gr__op_learned_gate,
                          .inputs = 1,
                          .in = {x},
                          .params = 1,
                          .param = {g},
                          .width = gr_value_width(graph, x),
                          .half = true,
                          .point = GR_NONE};
    return gr__graph_add(graph, &node, &(attr){lo, hi, sigmoid}, sizeof(attr));
}

/* A row's share of the gradient of g. */
static size_t gate_scratch(const gr_node *node, int capacity, int block) { return (size_t)capacity; }

/* The factor s of the columns, g or sigmoid(g), and its slope ds/dg. */
static gr_real factor(const gr_ctx *ctx, gr_real *slope) {
    const gr_real g = ctx->param[0].w[0];
    const bool sigmoid = ((const attr *)ctx->node->attr)->sigmoid;
    const gr_real s = sigmoid ? (gr_real)(1 / (1 + exp(-(double)g))) : g;
    *slope = sigmoid ? s * (1 - s) : 1;
    return s;
}

/* Columns [j, j + width) of a span: y (+)= s x inside [lo, hi), x outside: up to three pieces, some of them empty. */
static void weigh(const attr *a, gr_real *y, gr_real s, const gr_real *x, int j, int width, bool add) {
    int lo = a->lo - j < 0 ? 0 : a->lo - j, hi = a->hi - j > width ? width : a->hi - j;
    if (lo > width)
        lo = width;
    if (hi < lo)
        hi = lo;

    /* Before, inside, behind. */
    gr_kernel()->scale(y, 1, x, lo, add);
    gr_kernel()->scale(y + lo, s, x + lo, hi - lo, add);
    gr_kernel()->scale(y + hi, 1, x + hi, width - hi, add);
}

static void gate_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
    gr_real slope, s = factor(ctx, &slope);
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        for (int j = 0; j < y->width; j += GR_SPAN) {
            gr_real from[GR_SPAN], to[GR_SPAN], *out = gr__room(y, to, n, j);
            int width = gr__span_width(y->width, j);
            weigh(ctx->node->attr, out, s, gr__take(x, from, n, j, width), j, width, false);
            gr__put(y, out, n, j, width);
        }
}

/* sum over [lo, hi) of x dy of row n */
static gr_real product(const gr_ctx *ctx, int n) {
    const attr *a = ctx->node->attr;
    gr_real sum = 0;
    for (int j = a->lo; j < a->hi; j += GR_SPAN) {
        int width = gr__span_width(a->hi, j);
        gr_real wide[2][GR_SPAN];

        /* A span of each as floats. Its sum is taken by itself, then added. */
        const gr_real *x = gr__take(&ctx->in[0], wide[0], n, j, width),
                      *dy = gr__take_d(&ctx->out, wide[1], n, j, width);
        gr_real some = 0;
#pragma omp simd reduction(+ : some)
        for (int i = 0; i < width; i++)
            some += x[i] * dy[i];
        sum += some;
    }
    return sum;
}

/* dg = ds/dg times the sum over rows of weight x dy. */
static void add_gradient(gr_ctx *ctx, gr_real slope, int r0, int r1) {
    const gr_weights *weights = ctx->param[0].slice[0].weights;
    const int block = ctx->rows->block;
    gr_real *row = ctx->scratch;

    /* Each row's share, by any thread. Rows of weight 0 are not read: they may hold anything. */
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        row[n] = weights && weights->kind[n / block] == GR_ROWS_ZERO ? 0 : product(ctx, n);

    /* Their sum, a block at a time, in the order of the rows. */
    for (int r = r0; r < r1; r += block) {
        const int kind = weights ? weights->kind[r / block] : GR_ROWS_ONE;
        if (kind == GR_ROWS_ZERO)
            continue;
        gr_real sum = 0;
        for (int n = r; n < r + block; n++)
            sum += kind == GR_ROWS_MIXED ? weights->w[n] * row[n] : row[n];
        ctx->param[0].g[0] += slope * sum;
    }
}

static void gate_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
    gr_real slope, s = factor(ctx, &slope);

    if (ctx->param[0].g)
        add_gradient(ctx, slope, r0, r1);

    /* dx (+)= s dy inside, dy outside. */
    if (!gr__wants(x))
        return;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        for (int j = 0; j < y->width; j += GR_SPAN) {
            int width = gr__span_width(y->width, j);
            gr_real from[GR_SPAN], to[GR_SPAN], *dx = gr__room_d(x, to, n, j, width);
            weigh(ctx->node->attr, dx, s, gr__take_d(y, from, n, j, width), j, width, x->accumulate);
            gr__put_d(x, dx, n, j, width);
        }
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_param number(gr_graph *graph) {
    return gr_graph_param(graph, &(gr_param_def){"g", 1, 1, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.9, false});
}

static gr_value build_all(gr_graph *graph, gr_value x) {
    return gr_learned_gate(graph, x, 0, gr_value_width(graph, x), number(graph), false);
}

static gr_value build_sigmoid(gr_graph *graph, gr_value x) {
    return gr_learned_gate(graph, x, 1, gr_value_width(graph, x) - 2, number(graph), true);
}

/* One number in two places, and a value that is read twice. */
static gr_value build_twice(gr_graph *graph, gr_value x) {
    gr_param g = number(graph);
    gr_value first = gr_learned_gate(graph, x, 0, 2, g, false);
    return gr_mul(graph, gr_learned_gate(graph, first, 1, 4, g, true), x);
}

static const gr_op_case cases[] = {
    {"all", 7, 5, build_all}, {"sigmoid", 6, 9, build_sigmoid}, {"twice", 5, 4, build_twice}, {NULL, 0, 0, NULL}};

const gr_op gr__op_learned_gate = {.name = "learned_gate",
                                   .scratch = gate_scratch,
                                   .forward = gate_forward,
                                   .backward = gate_backward,
                                   .keeps_zero = true,
                                   .half = true,
                                   .cases = cases};
