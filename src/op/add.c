/* add.c - a + b; the narrower one adds into the first columns. Two numbers (losses) may be added too. Backward: both
 * get dy, the narrower one its first columns. */
#include "op/element.h"
#include <string.h>

extern const gr_op gr__op_add;

gr_value gr_add(gr_graph *graph, gr_value a, gr_value b) {
    if (a < 0 || b < 0)
        return GR_NONE;
    bool scalar = gr_value_scalar(graph, a);
    if (scalar != gr_value_scalar(graph, b))
        return gr_graph_fail(graph, "add: one number and rows cannot be added");

    /* The wider one is the first input. */
    int wa = gr_value_width(graph, a), wb = gr_value_width(graph, b);
    const gr_node node = {.op = &gr__op_add,
                          .inputs = 2,
                          .in = {wa < wb ? b : a, wa < wb ? a : b},
                          .width = wa < wb ? wb : wa,
                          .scalar = scalar,
                          .point = GR_NONE};
    return gr__graph_add(graph, &node, NULL, 0);
}

/* One number has one row, which the range that begins at row 0 computes. */
static int last_row(const gr_ctx *ctx, int r0, int r1) {
    if (ctx->node->scalar)
        return r0 == 0 ? 1 : 0;
    return r1;
}

static void add_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
    const gr_slot *a = &ctx->in[0], *b = &ctx->in[1], *y = &ctx->out;
    int end = last_row(ctx, r0, r1);
#pragma omp parallel for schedule(static)
    for (int n = r0; n < end; n++) {
        k->add(gr__row(y, n), gr__row(a, n), gr__row(b, n), b->width);
        memcpy(gr__row(y, n) + b->width, gr__row(a, n) + b->width, (size_t)(a->width - b->width) * sizeof(gr_real));
    }
}

static void add_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
    const gr_slot *y = &ctx->out;
    int end = last_row(ctx, r0, r1);
#pragma omp parallel for schedule(static)
    for (int n = r0; n < end; n++)
        for (int i = 0; i < 2; i++)
            if (ctx->in[i].d)
                k->scale(gr__drow(&ctx->in[i], n), 1, gr__drow(y, n), ctx->in[i].width, ctx->in[i].accumulate);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_value build_narrow(gr_graph *graph, gr_value x) {
    gr_value square = gr_mul(graph, x, x);
    return gr_add(graph, gr_slice(graph, square, 1, 4), x);
}

/* Both inputs are one value: the second adds to the gradient that the first has written. */
static gr_value build_same(gr_graph *graph, gr_value x) { return gr_add(graph, x, x); }

static gr_value build_numbers(gr_graph *graph, gr_value x) {
    return gr_add(graph, gr_mean(graph, gr_l1(graph, x)),
                  gr_mean(graph, gr_squared_error(graph, x, gr_silu(graph, x))));
}

static const gr_op_case cases[] = {
    {"narrow", 7, 9, build_narrow}, {"same", 5, 37, build_same}, {"numbers", 5, 3, build_numbers}, {NULL, 0, 0, NULL}};

const gr_op gr__op_add = {.name = "add",
                          .forward = add_forward,
                          .backward = add_backward,
                          .needs_no_input = true,
                          .keeps_zero = true,
                          .cases = cases};
