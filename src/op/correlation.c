/* correlation.c - mean absolute Pearson correlation between the columns of a and of b, over the rows that have a class.
 *
 * With z a column less its mean, divided by its norm: r_ij = za_i . zb_j, and
 * d|r_ij| / da_i = sign(r_ij) (zb_j - r_ij za_i) / norm_i.
 * The columns are kept as rows, so that sums over the batch run along memory. Moments are summed in double.
 */
#include "op/element.h"
#include <math.h>
#include <string.h>

extern const gr_op gr__op_correlation;

typedef struct attr {
    int width[2];
} attr;

gr_value gr_correlation(gr_graph *graph, gr_value a, gr_value b) {
    if (a < 0 || b < 0)
        return GR_NONE;
    if (gr_value_scalar(graph, a) || gr_value_scalar(graph, b))
        return gr_graph_fail(graph, "correlation reads rows, not one number");
    const gr_node node = {
        .op = &gr__op_correlation, .inputs = 2, .in = {a, b}, .width = 1, .scalar = true, .point = GR_NONE};
    const attr widths = {{gr_value_width(graph, a), gr_value_width(graph, b)}};
    return gr__graph_add(graph, &node, &widths, sizeof widths);
}

/* The state's parts for the bound batch. */
typedef struct parts {
    int rows, width[2];
    gr_real *z[2];       /* [width x rows]; absent rows and constant columns 0 */
    gr_real *inverse[2]; /* [width] 1 / norm, 0 for a constant column */
    gr_real *r;          /* [width a x width b] */
} parts;

static parts parts_of(const gr_ctx *ctx) {
    parts p = {.rows = ctx->rows->capacity, .width = {ctx->in[0].width, ctx->in[1].width}};
    gr_real *at = ctx->state;
    for (int i = 0; i < 2; i++) {
        p.z[i] = at;
        p.inverse[i] = at + (size_t)p.width[i] * (size_t)p.rows;
        at = p.inverse[i] + p.width[i];
    }
    p.r = at;
    return p;
}

/* z of all columns, their norms, and r for every pair. */
static size_t correlation_state(const gr_node *node, int capacity, int block) {
    const int *width = ((const attr *)node->attr)->width;
    return (size_t)(width[0] + width[1]) * ((size_t)capacity + 1) + (size_t)width[0] * (size_t)width[1];
}

/* Rows without a class are absent. */
static bool counts(const gr_ctx *ctx, int n) { return ctx->rows->cls[n] >= 0; }

/* z and 1 / norm of column j of x. A column whose spread is lost in the rounding of its mean is constant. */
static void standardise(const gr_ctx *ctx, gr_real *z, gr_real *inverse, const gr_slot *x, int j, int rows, int used) {
    /* Sums in double, so that a column's spread is not lost beside its mean. */
    double sum = 0, square = 0, spread = 0;
    for (int n = 0; n < rows; n++)
        if (counts(ctx, n)) {
            double v = (double)gr__row(x, n)[j];
            sum += v;
            square += v * v;
        }

    /* The norm of what is left when the mean is taken off. */
    double mean = sum / used;
    for (int n = 0; n < rows; n++)
        if (counts(ctx, n)) {
            double v = (double)gr__row(x, n)[j] - mean;
            spread += v * v;
        }

    /* z, and 0 for a constant column and for rows that do not count. */
    double f = spread <= 1e-24 * square ? 0 : 1 / sqrt(spread);
    *inverse = (gr_real)f;
    for (int n = 0; n < rows; n++)
        z[n] = counts(ctx, n) ? (gr_real)(((double)gr__row(x, n)[j] - mean) * f) : 0;
}

/* Gets all rows at once (gr_op.whole). */
static void correlation_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
    parts p = parts_of(ctx);
    int used = 0, wa = p.width[0], wb = p.width[1];

    /* How many rows there are. One has no correlation. */
    for (int n = r0; n < r1; n++)
        used += counts(ctx, n);
    *ctx->out.v = 0;
    if (used < 2)
        return;

    /* Columns of both sides, standardised. */
    for (int i = 0; i < 2; i++)
#pragma omp parallel for schedule(static)
        for (int j = 0; j < p.width[i]; j++)
            standardise(ctx, p.z[i] + (size_t)j * (size_t)p.rows, p.inverse[i] + j, &ctx->in[i], j, p.rows, used);

            /* r of each pair of columns is the product of the two. */
#pragma omp parallel for schedule(static)
    for (int i = 0; i < wa; i++)
        for (int j = 0; j < wb; j++)
            p.r[(size_t)i * (size_t)wb + j] =
                k->dot(p.z[0] + (size_t)i * (size_t)p.rows, p.z[1] + (size_t)j * (size_t)p.rows, p.rows);

    /* The loss is the mean of their sizes. */
    double total = 0;
    for (int i = 0; i < wa * wb; i++)
        total += fabs((double)p.r[i]);
    *ctx->out.v = (gr_real)(total / ((double)wa * wb));
}

enum { CHUNK = 64 }; /* rows whose gradients are summed at a time, on the stack */

/* The gradient of side s (0: a, 1: b) for rows [n0, n0 + rows), a column of this side at a time: the sum over the
 * other side's columns of sign(r) (z_other - r z), times d / norm. */
static void side_chunk(gr_ctx *ctx, const gr_kernels *k, const parts *p, int s, gr_real d, int n0, int rows) {
    const gr_slot *x = &ctx->in[s];
    int other = 1 - s, step = s == 0 ? 1 : p->width[1], row = s == 0 ? p->width[1] : 1;
    for (int i = 0; i < p->width[s]; i++) {
        gr_real sum[CHUNK] = {0}, total = 0;

        /* The two parts of the sum: sign(r) z_other, and |r|, by which z of this column is taken off. */
        const gr_real *r = p->r + (size_t)i * (size_t)row;
        for (int j = 0; j < p->width[other]; j++, r += step) {
            gr_real sign = *r > 0 ? 1 : *r < 0 ? -1 : 0;
            total += sign * *r;
            k->scale(sum, sign, p->z[other] + (size_t)j * (size_t)p->rows + n0, rows, true);
        }
        k->scale(sum, -total, p->z[s] + (size_t)i * (size_t)p->rows + n0, rows, true);

        /* Into the gradient, at the stride of a row. */
        gr_real f = d * p->inverse[s][i];
        for (int n = 0; n < rows; n++) {
            gr_real *to = gr__drow(x, n0 + n) + i, v = counts(ctx, n0 + n) ? f * sum[n] : 0;
            *to = x->accumulate ? *to + v : v;
        }
    }
}

static void correlation_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
    parts p = parts_of(ctx);
    gr_real d = *ctx->out.d / (gr_real)(p.width[0] * p.width[1]);

    int used = 0;
    for (int n = r0; n < r1; n++)
        used += counts(ctx, n);

    /* Threads take rows, CHUNK at a time. Where forward had too few rows, the gradient is 0. */
    for (int s = 0; s < 2; s++) {
        const gr_slot *x = &ctx->in[s];
        if (!x->d)
            continue;
#pragma omp parallel for schedule(static)
        for (int n = r0; n < r1; n += CHUNK) {
            int rows = r1 - n < CHUNK ? r1 - n : CHUNK;
            if (used >= 2)
                side_chunk(ctx, k, &p, s, d, n, rows);
            else if (!x->accumulate)
                for (int i = 0; i < rows; i++)
                    memset(gr__drow(x, n + i), 0, (size_t)x->width * sizeof(gr_real));
        }
    }
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_value build_halves(gr_graph *graph, gr_value x) {
    int width = gr_value_width(graph, x);
    return gr_correlation(graph, gr_slice(graph, x, 0, 3), gr_slice(graph, x, 3, width));
}

/* The same columns on both sides, read elsewhere too. */
static gr_value build_same(gr_graph *graph, gr_value x) {
    return gr_add(graph, gr_correlation(graph, x, x), gr_mean(graph, gr_l1(graph, x)));
}

static const gr_op_case cases[] = {{"halves", 23, 8, build_halves}, {"same", 60, 5, build_same}, {NULL, 0, 0, NULL}};

const gr_op gr__op_correlation = {.name = "correlation",
                                  .state = correlation_state,
                                  .forward = correlation_forward,
                                  .backward = correlation_backward,
                                  .couples_rows = true,
                                  .cases = cases};
