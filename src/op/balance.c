/* balance.c - how unevenly rows are spread over experts: E sum over e of f_e p_e per row, f_e the share of expert e in
 * all choices of the row's block, p the row's own probabilities (Fedus et al. 2022, after Shazeer et al. 2017). Its
 * mean over a block in which all are alike is 1. f counts present rows and has no gradient. Blocks are those of the
 * engine, so a batch may be cut into micro-batches at their borders.
 */
#include "op/element.h"

extern const gr_op gr__op_balance;

typedef struct attr {
    int experts;
} attr;

gr_value gr_balance(gr_graph *graph, gr_value p, gr_value chosen) {
    if (p < 0 || chosen < 0)
        return GR_NONE;
    int experts = gr_value_width(graph, p), others = gr_value_width(graph, chosen);
    if (gr_value_scalar(graph, p) || gr_value_scalar(graph, chosen) || experts != others)
        return gr_graph_fail(graph, "balance: probabilities of %d experts, choices of %d", experts, others);
    const gr_node node = {
        .op = &gr__op_balance, .inputs = 2, .in = {p, gr_stop(graph, chosen)}, .width = 1, .point = GR_NONE};
    return gr__graph_add(graph, &node, &(attr){experts}, sizeof(attr));
}

/* What forward keeps: E f of every block. */
static size_t balance_state(const gr_node *node, int capacity, int block) {
    return (size_t)(capacity / block) * (size_t)((const attr *)node->attr)->experts;
}

/* E f of the block that a row lies in. */
static gr_real *shares(const gr_ctx *ctx, int row) {
    return ctx->state + (size_t)(row / ctx->rows->block) * (size_t)ctx->in[0].width;
}

/* Fills the shares of the block that begins at row r. */
static void count(gr_ctx *ctx, int r) {
    const gr_slot *chosen = &ctx->in[1];
    gr_real *f = shares(ctx, r), all = 0;

    /* How often each expert is chosen by rows that are present. */
    for (int e = 0; e < chosen->width; e++)
        f[e] = 0;
    for (int n = r; n < r + ctx->rows->block; n++) {
        if (ctx->rows->cls[n] < 0)
            continue;
        for (int e = 0; e < chosen->width; e++)
            f[e] += gr__row(chosen, n)[e] != 0;
    }

    /* As shares of all choices, times E; 0 where nothing is chosen. */
    for (int e = 0; e < chosen->width; e++)
        all += f[e];
    if (all > 0)
        for (int e = 0; e < chosen->width; e++)
            f[e] *= (gr_real)chosen->width / all;
}

static void balance_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *p = &ctx->in[0];
#pragma omp parallel for schedule(static)
    for (int r = r0; r < r1; r += ctx->rows->block) {
        count(ctx, r);
        for (int n = r; n < r + ctx->rows->block; n++) {
            gr_real sum = 0;
            for (int e = 0; e < p->width; e++)
                sum += shares(ctx, n)[e] * gr__row(p, n)[e];
            *gr__row(&ctx->out, n) = sum;
        }
    }
}

static void balance_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *p = &ctx->in[0];
    if (!p->d)
        return;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        gr_kernel()->scale(gr__drow(p, n), *gr__drow(&ctx->out, n), shares(ctx, n), p->width, p->accumulate);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_value routed(gr_graph *graph, gr_value x, int k) {
    gr_value p = gr_normalise(graph, gr_scores(graph, x));
    return gr_balance(graph, p, gr_top(graph, p, k));
}

static gr_value build_one(gr_graph *graph, gr_value x) { return routed(graph, x, 1); }
static gr_value build_two(gr_graph *graph, gr_value x) { return routed(graph, x, 2); }

static const gr_op_case cases[] = {{"one", 9, 4, build_one}, {"two", 21, 5, build_two}, {NULL, 0, 0, NULL}};

const gr_op gr__op_balance = {.name = "balance",
                              .state = balance_state,
                              .forward = balance_forward,
                              .backward = balance_backward,
                              .needs_no_input = true,
                              .cases = cases};
