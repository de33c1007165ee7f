/* top.c - the k largest numbers of a row where they are, 0 elsewhere. Of equal ones the first wins; none that is 0 is
 * chosen. Backward: what was chosen gets its dy, as if the choice were fixed. */
#include "op/element.h"

extern const gr_op gr__op_top;

typedef struct attr {
    int k;
} attr;

gr_value gr_top(gr_graph *graph, gr_value x, int k) {
    if (x < 0)
        return GR_NONE;
    int width = gr_value_width(graph, x);
    if (gr_value_scalar(graph, x))
        return gr_graph_fail(graph, "top reads rows, not one number");
    if (k < 1 || k > width)
        return gr_graph_fail(graph, "top: the %d largest of %d", k, width);
    const gr_node node = {.op = &gr__op_top, .inputs = 1, .in = {x}, .width = width, .most = k, .point = GR_NONE};
    return gr__graph_add(graph, &node, &(attr){k}, sizeof(attr));
}

/* Moves the largest number that is left to y, k times. */
static void choose(gr_real *y, const gr_real *x, int k, int n) {
    for (int j = 0; j < n; j++)
        y[j] = 0;

    /* The largest of those not yet chosen; a number that is not above 0 never is. */
    for (; k > 0; k--) {
        int best = -1;
        for (int j = 0; j < n; j++)
            if (y[j] == 0 && x[j] > 0 && (best < 0 || x[j] > x[best]))
                best = j;
        if (best < 0)
            return;
        y[best] = x[best];
    }
}

static void top_forward(gr_ctx *ctx, int r0, int r1) {
    const attr *a = ctx->node->attr;
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        choose(gr__row(y, n), gr__row(x, n), a->k, y->width);
}

static void top_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
    if (!x->d)
        return;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        for (int j = 0; j < y->width; j++) {
            gr_real d = gr__row(y, n)[j] != 0 ? gr__drow(y, n)[j] : 0, *dx = gr__drow(x, n) + j;
            *dx = x->accumulate ? *dx + d : d;
        }
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

/* Of probabilities, as routers of experts have them. */
static gr_value some(gr_graph *graph, gr_value x, int k) {
    return gr_top(graph, gr_normalise(graph, gr_scores(graph, x)), k);
}

static gr_value build_one(gr_graph *graph, gr_value x) { return some(graph, x, 1); }
static gr_value build_two(gr_graph *graph, gr_value x) { return some(graph, x, 2); }
static gr_value build_all(gr_graph *graph, gr_value x) { return some(graph, x, gr_value_width(graph, x)); }

static const gr_op_case cases[] = {
    {"one", 7, 5, build_one}, {"two", 6, 4, build_two}, {"all", 3, 3, build_all}, {NULL, 0, 0, NULL}};

const gr_op gr__op_top = {.name = "top",
                          .forward = top_forward,
                          .backward = top_backward,
                          .keeps_zero = true,
                          .needs_output = true,
                          .cases = cases};
