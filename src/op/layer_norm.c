/* layer_norm.c - gain * (x - mean) / sqrt(variance + eps) + shift (Ba et al. 2016).
 *
 * With xhat the normalised row and g = gain dy:  dx = (g - mean(g) - xhat mean(g xhat)) / sqrt(variance + eps). */
#include "op/element.h"
#include <math.h>
#include <omp.h>
#include <string.h>

extern const gr_op gr__op_layer_norm;

enum { GROUPS_MOST = GR_OP_PARAMS / 2 };

typedef struct attr {
    double eps;
    int groups;
    int at[GROUPS_MOST], width[GROUPS_MOST];   /* first column of each group, and how many */
    int gain[GROUPS_MOST], shift[GROUPS_MOST]; /* slots of the parameters, GR_NONE: absent */
} attr;

/* Gives a vector parameter of a group the next slot of the node; false if it does not fit. */
static bool take(gr_graph *graph, gr_node *node, int *slot, gr_param p, int width) {
    *slot = GR_NONE;
    if (p == GR_NONE)
        return true;
    const gr_param_def *def = gr__graph_param_def(graph, p);
    if (!def || def->rows != 1 || def->cols != width) {
        gr_graph_fail(graph, "layer_norm: parameter '%s' [%d x %d] should be [1 x %d]", def ? def->name : "?",
                      def ? def->rows : 0, def ? def->cols : 0, width);
        return false;
    }
    *slot = node->params;
    node->param[node->params++] = p;
    return true;
}

/* Checks the groups, which lie side by side and cover x, and finds their gains and shifts among the parameters. */
gr_value gr_layer_norm_groups(gr_graph *graph, gr_value x, int groups, const gr_layer_norm_group *group, double eps) {
    if (x < 0)
        return GR_NONE;
    if (gr_value_scalar(graph, x))
        return gr_graph_fail(graph, "layer_norm reads rows, not one number");
    if (groups < 1 || groups > GROUPS_MOST)
        return gr_graph_fail(graph, "layer_norm: %d groups; 1 to %d are possible", groups, GROUPS_MOST);

    /* Group by group: each begins where those before it end, and has its parameters if they are given. */
    attr a = {.eps = eps, .groups = groups};
    gr_node node = {.op = &gr__op_layer_norm, .inputs = 1, .in = {x}, .half = true, .point = GR_NONE};
    for (int i = 0; i < groups; i++) {
        if (group[i].width < 1)
            return gr_graph_fail(graph, "layer_norm: group %d has %d columns", i, group[i].width);
        a.at[i] = node.width;
        node.width += a.width[i] = group[i].width;
        if (!take(graph, &node, &a.gain[i], group[i].gain, group[i].width) ||
            !take(graph, &node, &a.shift[i], group[i].shift, group[i].width))
            return GR_NONE;
    }

    /* Together they must be all of x. */
    if (node.width != gr_value_width(graph, x))
        return gr_graph_fail(graph, "layer_norm: the groups have %d columns, x has %d", node.width,
                             gr_value_width(graph, x));
    return gr__graph_add(graph, &node, &a, sizeof a);
}

gr_value gr_layer_norm(gr_graph *graph, gr_value x, gr_param gain, gr_param shift, double eps) {
    if (x < 0)
        return GR_NONE;
    if (gr_value_scalar(graph, x))
        return gr_graph_fail(graph, "layer_norm reads rows, not one number");
    return gr_layer_norm_groups(graph, x, 1, &(gr_layer_norm_group){gain, shift, gr_value_width(graph, x)}, eps);
}

/* What forward keeps of each row: the state is a list of these. */
typedef struct moments {
    gr_real mean, rstd; /* rstd: 1 / sqrt(variance + eps) */
} moments;

static size_t layer_norm_state(const gr_node *node, int capacity, int block) {
    return sizeof(moments) / sizeof(gr_real) * (size_t)capacity;
}

static moments *moments_of(const gr_ctx *ctx, int n) { return (moments *)ctx->state + n; }

/* Scratch: a row for each thread, for xhat; then for each half block of rows two, the sums of its rows for the
 * gradients of gain and of shift. */
static size_t layer_norm_scratch(const gr_node *node, int capacity, int block) {
    size_t width = (size_t)node->width, halves = (size_t)(capacity / gr__half_block(block));
    return ((size_t)omp_get_max_threads() + 2 * halves) * width;
}

static const gr_real *weights(const gr_ctx *ctx, int slot) { return slot == GR_NONE ? NULL : ctx->param[slot].w; }

static void layer_norm_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
    const attr *a = ctx->node->attr;
    const gr_slot *x = &ctx->in[0];
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        moments *of = moments_of(ctx, n);
        gr_real variance;
        k->moments(&of->mean, &variance, gr__row(x, n), x->width);

        /* A row of equal numbers without eps becomes 0; NaN stays what it is. */
        double spread = (double)variance + a->eps;
        of->rstd = spread > 0 || isnan(spread) ? (gr_real)(1 / sqrt(spread)) : 0;
        for (int i = 0; i < a->groups; i++)
            gr__norm_forward(&ctx->out, n, a->at[i], a->width[i], gr__row(x, n) + a->at[i], of->mean, of->rstd,
                             weights(ctx, a->gain[i]), weights(ctx, a->shift[i]));
    }
}

/* Whether the gradient of a parameter is wanted. */
static bool trains(const gr_ctx *ctx, int slot) { return slot != GR_NONE && ctx->param[slot].g; }

/* One row: its dx, and what it adds to part, the sums for the gradients of gain, then of shift. */
static void backward_row(gr_ctx *ctx, gr_real *part, int n) {
    const attr *a = ctx->node->attr;
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
    const gr_real width = (gr_real)x->width;
    const moments of = *moments_of(ctx, n);
    gr_real *xhat = ctx->scratch + (size_t)omp_get_thread_num() * (size_t)x->width;
    const int block = ctx->rows->block;

    /* The normalised row again, and the sums of g and of g xhat, then dx from their means. */
    gr_real sums[2] = {0};
    for (int i = 0; i < a->groups; i++)
        gr__norm_sums(y, n, a->at[i], a->width[i], sums, xhat + a->at[i], gr__row(x, n) + a->at[i], of.mean, of.rstd,
                      weights(ctx, a->gain[i]));
    for (int i = 0; x->d && i < a->groups; i++)
        gr__norm_backward(y, n, a->at[i], a->width[i], gr__drow(x, n) + a->at[i], xhat + a->at[i], of.rstd,
                          sums[0] / width, sums[1] / width, weights(ctx, a->gain[i]), x->accumulate);

    /* The gradient of a gain is dy xhat, that of a shift dy, summed over rows. */
    for (int i = 0; i < a->groups; i++) {
        const int at = a->at[i];
        if (trains(ctx, a->gain[i]))
            gr__bgrad_part(&ctx->param[a->gain[i]], part + at, gr__view_d(y, at),
                           (gr_rows_view){xhat + at, NULL, x->width, n}, block, n, 1);
        if (trains(ctx, a->shift[i]))
            gr__bgrad_part(&ctx->param[a->shift[i]], part + x->width + at, gr__view_d(y, at), (gr_rows_view){0}, block,
                           n, 1);
    }
}

static void layer_norm_backward(gr_ctx *ctx, int r0, int r1) {
    const attr *a = ctx->node->attr;
    const int width = ctx->in[0].width, half_block = gr__half_block(ctx->rows->block), halves = (r1 - r0) / half_block;
    gr_real *parts = ctx->scratch + (size_t)ctx->threads * (size_t)width;

    /* Each half block of rows has a sum of its own, whichever thread takes it. */
#pragma omp parallel for schedule(static) num_threads(ctx->threads)
    for (int k = 0; k < halves; k++) {
        gr_real *part = parts + 2 * (size_t)k * (size_t)width;
        memset(part, 0, 2 * (size_t)width * sizeof *part);
        for (int n = r0 + k * half_block; n < r0 + (k + 1) * half_block; n++)
            backward_row(ctx, part, n);
    }

    /* These sums are added in their order, so the number of threads changes no bit. */
    for (int i = 0; i < a->groups; i++) {
        if (trains(ctx, a->gain[i]))
            gr__bgrad_add(&ctx->param[a->gain[i]], parts + a->at[i], 2 * width, halves);
        if (trains(ctx, a->shift[i]))
            gr__bgrad_add(&ctx->param[a->shift[i]], parts + width + a->at[i], 2 * width, halves);
    }
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_param vector(gr_graph *graph, const char *name, int width) {
    return gr_graph_param(graph, &(gr_param_def){name, 1, width, GR_KIND_NORM, GR_INIT_NORMAL, 0.7, false});
}

static gr_value build_both(gr_graph *graph, gr_value x) {
    int width = gr_value_width(graph, x);
    return gr_layer_norm(graph, x, vector(graph, "gain", width), vector(graph, "shift", width), 1e-5);
}

static gr_value build_bare(gr_graph *graph, gr_value x) { return gr_layer_norm(graph, x, GR_NONE, GR_NONE, 1e-3); }

static gr_value build_shift(gr_graph *graph, gr_value x) {
    gr_value y = gr_layer_norm(graph, x, GR_NONE, vector(graph, "shift", gr_value_width(graph, x)), 1e-5);
    return gr_mul(graph, y, x);
}

/* Three groups of columns, each with parameters of its own or without. */
static gr_value build_groups(gr_graph *graph, gr_value x) {
    const int rest = gr_value_width(graph, x) - 5;
    const gr_layer_norm_group group[] = {{vector(graph, "a", 3), vector(graph, "b", 3), 3},
                                         {GR_NONE, vector(graph, "c", 2), 2},
                                         {vector(graph, "d", rest), GR_NONE, rest}};
    return gr_layer_norm_groups(graph, x, 3, group, 1e-5);
}

static const gr_op_case cases[] = {{"both", 7, 9, build_both},
                                   {"bare", 5, 37, build_bare},
                                   {"shift", 6, 5, build_shift},
                                   {"groups", 6, 9, build_groups},
                                   {NULL, 0, 0, NULL}};

const gr_op gr__op_layer_norm = {.name = "layer_norm",
                                 .state = layer_norm_state,
                                 .scratch = layer_norm_scratch,
                                 .forward = layer_norm_forward,
                                 .backward = layer_norm_backward,
                                 .cases = cases};
