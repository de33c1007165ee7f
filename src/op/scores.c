/* scores.c - exp(l - max) per row: what a softmax divides by its sum, before a tap may weigh it.
 *
 * The maximum is a constant of numerical safety: shares do not depend on it, so it has no derivative. It is taken over
 * the columns that are on for the row, and a column that is off scores 0: however large its logit, it says nothing.
 * Scores under exp(-60) are that, so that none is 0 and a row always finds as many experts as it should.
 */
#include "op/element.h"
#include <math.h>

extern const gr_op gr__op_scores;

static const gr_real LEAST = -60;

gr_value gr_scores(gr_graph *graph, gr_value x) {
    return gr__element_node(graph, &gr__op_scores, x, GR_NONE, gr_value_width(graph, x));
}

/* The columns of the tap behind, slice by slice; without a tap all columns are one slice that is on. */
static int slices(const gr_ctx *ctx) { return ctx->slices ? ctx->slices : 1; }

static gr_tap_slice slice_at(const gr_ctx *ctx, int s) {
    return ctx->slices ? ctx->slice[s] : (gr_tap_slice){.lo = 0, .hi = ctx->out.width};
}

/* Whether the tap lets a row through in a slice. */
static bool is_on(gr_tap_slice slice, int n) { return !slice.forward || slice.forward->w[n] != 0; }

/* The largest logit that is on; 0 where none is. */
static gr_real largest(const gr_ctx *ctx, const gr_real *l, int n) {
    gr_real max = -INFINITY;
    for (int s = 0; s < slices(ctx); s++) {
        const gr_tap_slice slice = slice_at(ctx, s);
        if (!is_on(slice, n))
            continue;
        for (int j = slice.lo; j < slice.hi; j++)
            max = l[j] > max ? l[j] : max;
    }
    return max > -INFINITY ? max : 0;
}

static void scores_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        const gr_real *l = gr__row(x, n), max = largest(ctx, l, n);
        gr_real *z = gr__row(y, n);

        for (int s = 0; s < slices(ctx); s++) {
            /* Slices that are off score 0, whatever their logits. */
            const gr_tap_slice slice = slice_at(ctx, s);
            const bool on = is_on(slice, n);
            for (int j = slice.lo; j < slice.hi; j++) {
                gr_real d = l[j] - max;
                z[j] = on ? (gr_real)exp((double)(d < LEAST ? LEAST : d)) : 0;
            }
        }
    }
}

/* dl = dz z, and nothing where the score is the least there is or 0. */
static void scores_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
    if (!x->d)
        return;
    const gr_real least = (gr_real)exp((double)LEAST);

    /* The slope of exp is exp itself; the maximum is a constant, and so are scores at the least. */
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        const gr_real *z = gr__row(y, n), *dz = gr__drow(y, n);
        gr_real *dl = gr__drow(x, n);
        for (int j = 0; j < y->width; j++) {
            gr_real d = z[j] > least ? dz[j] * z[j] : 0;
            dl[j] = x->accumulate ? dl[j] + d : d;
        }
    }
}

/* ---- cases: beside a constant logit above all others, which holds the maximum fixed ---- */

static gr_value build(gr_graph *graph, gr_value x) {
    const int width = gr_value_width(graph, x);
    gr_value one = gr_normalise(graph, gr_scores(graph, gr_slice(graph, x, 0, 1)));
    gr_value both = gr_concat(graph, 2, (gr_value[]){x, gr_scale(graph, one, 9)});
    return gr_slice(graph, gr_scores(graph, both), 0, width);
}

static const gr_op_case cases[] = {
    {"some", 7, 5, build}, {"one", 3, 1, build}, {"many", 4, 33, build}, {NULL, 0, 0, NULL}};

const gr_op gr__op_scores = {.name = "scores",
                             .forward = scores_forward,
                             .backward = scores_backward,
                             .needs_output = true,
                             .needs_no_input = true,
                             .foresees_tap = true,
                             .cases = cases};
