/* scores.c - exp(l - max l) per row: what a softmax divides by its sum, before a tap may weigh it.
 *
 * Scores under exp(-60) are that, so that what is left when the best are weighed by 0 is never all 0.
 */
#include "op/element.h"
#include <math.h>

extern const gr_op gr__op_scores;

static const gr_real LEAST = -60;

gr_value gr_scores(gr_graph *graph, gr_value x) {
    return gr__element_node(graph, &gr__op_scores, x, GR_NONE, gr_value_width(graph, x));
}

/* The first of the largest. */
static int top(const gr_real *x, int n) {
    int best = 0;
    for (int j = 1; j < n; j++)
        best = x[j] > x[best] ? j : best;
    return best;
}

static void scores_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        const gr_real *l = gr__row(x, n), max = l[top(l, y->width)];
        for (int j = 0; j < y->width; j++) {
            gr_real d = l[j] - max;
            gr__row(y, n)[j] = (gr_real)exp((double)(d < LEAST ? LEAST : d));
        }
    }
}

/* dl = dz z, and the largest pays for all. */
static void scores_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
    if (!x->d)
        return;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        const gr_real *l = gr__row(x, n), *z = gr__row(y, n), *dz = gr__drow(y, n);
        gr_real *dl = gr__drow(x, n), sum = 0;
        int best = top(l, y->width);
        for (int j = 0; j < y->width; j++) {
            gr_real d = l[j] - l[best] < LEAST ? 0 : dz[j] * z[j];
            dl[j] = x->accumulate ? dl[j] + d : d;
            sum += d;
        }
        dl[best] -= sum;
    }
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static const gr_op_case cases[] = {
    {"some", 7, 5, gr_scores}, {"one", 3, 1, gr_scores}, {"many", 4, 33, gr_scores}, {NULL, 0, 0, NULL}};

const gr_op gr__op_scores = {
    .name = "scores", .forward = scores_forward, .backward = scores_backward, .rereads = true, .cases = cases};
