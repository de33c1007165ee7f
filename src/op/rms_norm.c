/* rms_norm.c - root-mean-square norm over the groups of columns that are on for a row (Zhang & Sennrich 2019).
 *
 * With C the number of columns that are on, xhat = x / sqrt(sum(x^2) / C + eps) and g = gain dy, both 0 where off:
 * dx = (g - xhat sum(g xhat) / C) / sqrt(...).
 */
#include "op/element.h"
#include <math.h>
#include <omp.h>
#include <string.h>

extern const gr_op gr__op_rms_norm;

typedef struct attr {
    double eps;
    int groups;
    int at[GR_OP_TAPS], width[GR_OP_TAPS]; /* first column of each group, and how many */
    int gain[GR_OP_TAPS];                  /* slots of the parameters, GR_NONE: absent */
} attr;

/* Checks the groups, which lie side by side and cover x, and finds their gains among the parameters. */
gr_value gr_rms_norm(gr_graph *graph, gr_value x, int groups, const gr_norm_group *group, double eps) {
    if (x < 0)
        return GR_NONE;
    if (gr_value_scalar(graph, x))
        return gr_graph_fail(graph, "rms_norm reads rows, not one number");
    if (groups < 1 || groups > GR_OP_TAPS)
        return gr_graph_fail(graph, "rms_norm: %d groups; 1 to %d are possible", groups, GR_OP_TAPS);

    /* Group by group. */
    attr a = {.eps = eps, .groups = groups};
    gr_node node = {.op = &gr__op_rms_norm, .inputs = 1, .in = {x}, .taps = groups, .half = true, .point = GR_NONE};
    for (int i = 0; i < groups; i++) {
        const gr_param_def *def = gr__graph_param_def(graph, group[i].gain);
        if (group[i].width < 1)
            return gr_graph_fail(graph, "rms_norm: group %d has %d columns", i, group[i].width);
        if (group[i].gain != GR_NONE && (!def || def->rows != 1 || def->cols != group[i].width))
            return gr_graph_fail(graph, "rms_norm: gain '%s' [%d x %d] should be [1 x %d]", def ? def->name : "?",
                                 def ? def->rows : 0, def ? def->cols : 0, group[i].width);

        /* The group begins where those before it end. */
        node.tap[i] = group[i].tap;
        a.at[i] = node.width;
        node.width += group[i].width;
        a.width[i] = group[i].width;
        a.gain[i] = def ? node.params : GR_NONE;
        if (def)
            node.param[node.params++] = group[i].gain;
    }

    /* Together they must be all of x. */
    if (node.width != gr_value_width(graph, x))
        return gr_graph_fail(graph, "rms_norm: the groups have %d columns, x has %d", node.width,
                             gr_value_width(graph, x));
    return gr__graph_add(graph, &node, &a, sizeof a);
}

/* 1 / root mean square of each row. */
static size_t rms_norm_state(const gr_node *node, int capacity, int block) { return (size_t)capacity; }

/* Scratch: a row for each thread, for xhat; then one for each half block of rows, its sums for the gains' gradients. */
static size_t rms_norm_scratch(const gr_node *node, int capacity, int block) {
    size_t width = (size_t)node->width, halves = (size_t)(capacity / gr__half_block(block));
    return ((size_t)omp_get_max_threads() + halves) * width;
}

/* A group is off for a row if its tap weighs the row by 0. */
static bool group_on(const gr_ctx *ctx, int group, int n) { return !ctx->tap[group] || ctx->tap[group]->w[n] != 0; }

/* How many columns the mean is taken over. */
static int columns_on(const gr_ctx *ctx, int n) {
    const attr *a = ctx->node->attr;
    int columns = 0;
    for (int i = 0; i < a->groups; i++)
        columns += group_on(ctx, i, n) ? a->width[i] : 0;
    return columns;
}

static const gr_real *gain_of(const gr_ctx *ctx, int group) {
    int slot = ((const attr *)ctx->node->attr)->gain[group];
    return slot == GR_NONE ? NULL : ctx->param[slot].w;
}

/* One row. Columns that are off are neither read nor counted, and are 0 in the result. */
static void forward_row(gr_ctx *ctx, const gr_kernels *k, int n) {
    const attr *a = ctx->node->attr;
    const gr_real *x = gr__row(&ctx->in[0], n);

    /* The root mean square over what is on. A row of zeros without eps becomes 0; NaN stays what it is. */
    double square = 0;
    for (int i = 0; i < a->groups; i++)
        if (group_on(ctx, i, n))
            square += (double)k->dot(x + a->at[i], x + a->at[i], a->width[i]);
    int columns = columns_on(ctx, n);
    double spread = columns ? square / columns + a->eps : 0;
    gr_real inv = spread > 0 || isnan(spread) ? (gr_real)(1 / sqrt(spread)) : 0;
    ctx->state[n] = inv;

    /* Normalised, times the gain; 0 in groups that are off. */
    for (int i = 0; i < a->groups; i++)
        if (group_on(ctx, i, n))
            gr__norm_forward(&ctx->out, n, a->at[i], a->width[i], x + a->at[i], 0, inv, gain_of(ctx, i), NULL);
        else if (ctx->out.vh)
            memset(ctx->out.vh + (size_t)n * (size_t)ctx->out.stride + a->at[i], 0,
                   (size_t)a->width[i] * sizeof(gr_half));
        else
            memset(gr__row(&ctx->out, n) + a->at[i], 0, (size_t)a->width[i] * sizeof(gr_real));
}

static void rms_norm_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        forward_row(ctx, k, n);
}

/* Whether the gradient of a group's gain is wanted. */
static bool trains(const gr_ctx *ctx, int group) {
    int slot = ((const attr *)ctx->node->attr)->gain[group];
    return slot != GR_NONE && ctx->param[slot].g;
}

/* One row: its dx, and what it adds to part, the sums for the gains' gradients. */
static void backward_row(gr_ctx *ctx, gr_real *part, int n) {
    const attr *a = ctx->node->attr;
    const gr_slot *in = &ctx->in[0];
    const gr_real *x = gr__row(in, n);
    gr_real *xhat = ctx->scratch + (size_t)omp_get_thread_num() * (size_t)in->width, sums[2] = {0}, inv = ctx->state[n];

    /* The normalised row again, and the sum of g xhat over all groups that are on. */
    for (int i = 0; i < a->groups; i++)
        if (group_on(ctx, i, n))
            gr__norm_sums(&ctx->out, n, a->at[i], a->width[i], sums, xhat + a->at[i], x + a->at[i], 0, inv,
                          gain_of(ctx, i));
        else
            memset(xhat + a->at[i], 0, (size_t)a->width[i] * sizeof *xhat);

    /* The gradient of a gain is dy xhat, summed over rows. */
    for (int i = 0; i < a->groups; i++)
        if (trains(ctx, i))
            gr__bgrad_part(&ctx->param[a->gain[i]], part + a->at[i], gr__view_d(&ctx->out, a->at[i]),
                           (gr_rows_view){xhat + a->at[i], NULL, in->width, n}, ctx->rows->block, n, 1);

    /* dx of what is on; 0 elsewhere. */
    if (!in->d)
        return;
    gr_real *dx = gr__drow(in, n);
    int columns = columns_on(ctx, n);
    for (int i = 0; i < a->groups; i++)
        if (group_on(ctx, i, n))
            gr__norm_backward(&ctx->out, n, a->at[i], a->width[i], dx + a->at[i], xhat + a->at[i], inv, 0,
                              sums[1] / (gr_real)columns, gain_of(ctx, i), in->accumulate);
        else if (!in->accumulate)
            memset(dx + a->at[i], 0, (size_t)a->width[i] * sizeof *dx);
}

static void rms_norm_backward(gr_ctx *ctx, int r0, int r1) {
    const attr *a = ctx->node->attr;
    const int width = ctx->in[0].width, half_block = gr__half_block(ctx->rows->block), halves = (r1 - r0) / half_block;
    gr_real *parts = ctx->scratch + (size_t)ctx->threads * (size_t)width;

    /* Each half block of rows has a sum of its own, whichever thread takes it. */
#pragma omp parallel for schedule(static) num_threads(ctx->threads)
    for (int k = 0; k < halves; k++) {
        gr_real *part = parts + (size_t)k * (size_t)width;
        memset(part, 0, (size_t)width * sizeof *part);
        for (int n = r0 + k * half_block; n < r0 + (k + 1) * half_block; n++)
            backward_row(ctx, part, n);
    }

    /* These sums are added in their order, so the number of threads changes no bit. */
    for (int i = 0; i < a->groups; i++)
        if (trains(ctx, i))
            gr__bgrad_add(&ctx->param[a->gain[i]], parts + a->at[i], width, halves);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_param vector(gr_graph *graph, const char *name, int width) {
    return gr_graph_param(graph, &(gr_param_def){name, 1, width, GR_KIND_NORM, GR_INIT_NORMAL, 0.7, false});
}

static gr_value build_one(gr_graph *graph, gr_value x) {
    int width = gr_value_width(graph, x);
    return gr_rms_norm(graph, x, 1, &(gr_norm_group){vector(graph, "gain", width), width, GR_NONE}, 1e-5);
}

static gr_value build_bare(gr_graph *graph, gr_value x) {
    gr_norm_group group = {GR_NONE, gr_value_width(graph, x), GR_NONE};
    return gr_mul(graph, gr_rms_norm(graph, x, 1, &group, 1e-3), x);
}

/* A core of 5 columns and a group behind a tap. */
static gr_value build_groups(gr_graph *graph, gr_value x) {
    int rest = gr_value_width(graph, x) - 5;
    gr_value core = gr_slice(graph, x, 0, 5), point = gr_tap_point(graph, gr_slice(graph, x, 5, 5 + rest), "rest");
    const gr_norm_group group[] = {{vector(graph, "core", 5), 5, GR_NONE},
                                   {vector(graph, "rest", rest), rest, gr_graph_tap(graph, point)}};
    return gr_rms_norm(graph, gr_concat(graph, 2, (gr_value[]){core, point}), 2, group, 1e-5);
}

static const gr_op_case cases[] = {
    {"one", 7, 9, build_one}, {"bare", 5, 37, build_bare}, {"groups", 6, 8, build_groups}, {NULL, 0, 0, NULL}};

const gr_op gr__op_rms_norm = {.name = "rms_norm",
                               .state = rms_norm_state,
                               .scratch = rms_norm_scratch,
                               .forward = rms_norm_forward,
                               .backward = rms_norm_backward,
                               .keeps_zero = true,
                               .cases = cases};
