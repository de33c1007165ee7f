/* cross_entropy.c - -log softmax(logits)[target] per row. Backward: d (softmax - onehot). */
#include "op/element.h"
#include <math.h>
#include <string.h>

extern const gr_op gr__op_cross_entropy;

gr_value gr_cross_entropy(gr_graph *graph, gr_value logits) {
    return gr__element_node(graph, &gr__op_cross_entropy, logits, GR_NONE, 1);
}

/* Log-sum-exp of each row. */
static size_t cross_entropy_state(const gr_node *node, int capacity, int block) { return (size_t)capacity; }

/* A target beyond the logits makes the loss NaN, which a step reports, rather than reading other memory. */
static void cross_entropy_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
    const gr_slot *x = &ctx->in[0];
    const int32_t *target = ctx->rows->targets;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        gr_real *loss = gr__row(&ctx->out, n);
        *loss = 0;
        if (target[n] >= x->width)
            *loss = (gr_real)NAN;
        else if (target[n] >= 0) {
            ctx->state[n] = k->log_sum_exp(gr__row(x, n), x->width);
            *loss = ctx->state[n] - gr__row(x, n)[target[n]];
        }
    }
}

static void cross_entropy_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_kernels *k = gr_kernel();
    const gr_slot *x = &ctx->in[0];
    const int32_t *target = ctx->rows->targets;
    if (!x->d)
        return;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        gr_real d = *gr__drow(&ctx->out, n);
        if (target[n] >= 0 && target[n] < x->width && d != 0)
            k->cross_entropy_backward(gr__drow(x, n), gr__row(x, n), ctx->state[n], target[n], d, x->width,
                                      x->accumulate);
        else if (!x->accumulate)
            memset(gr__drow(x, n), 0, (size_t)x->width * sizeof(gr_real));
    }
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_value build_twice(gr_graph *graph, gr_value x) {
    return gr_add(graph, gr_cross_entropy(graph, x), gr_cross_entropy(graph, gr_mul(graph, x, x)));
}

static const gr_op_case cases[] = {{"odd", 17, 5, gr_cross_entropy},
                                   {"wide", 5, 70, gr_cross_entropy},
                                   {"twice", 9, 7, build_twice},
                                   {NULL, 0, 0, NULL}};

const gr_op gr__op_cross_entropy = {.name = "cross_entropy",
                                    .state = cross_entropy_state,
                                    .forward = cross_entropy_forward,
                                    .backward = cross_entropy_backward,
                                    .cases = cases};
