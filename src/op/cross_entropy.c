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

/* Of a row in spans: the log of a sum of exponentials from those of its parts. */
static gr_real log_sum_exp(const gr_slot *x, int n) {
    double top = -INFINITY, sum = 0;
    for (int j = 0; j < x->width; j += GR_SPAN) {
        gr_real wide[GR_SPAN];
        int width = gr__span_width(x->width, j);

        /* The sum so far is relative to the largest part; it shrinks where a larger one comes. */
        double part = (double)gr_kernel()->log_sum_exp(gr__take(x, wide, n, j, width), width);
        if (part > top) {
            sum = sum * exp(top - part) + 1;
            top = part;
        } else
            sum += part == top ? 1 : exp(part - top);
    }
    return (gr_real)(top + log(sum));
}

/* A target beyond the logits makes the loss NaN, which a step reports, rather than reading other memory. */
static void cross_entropy_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0];
    const int32_t *target = ctx->rows->targets;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        gr_real *loss = gr__row(&ctx->out, n), wide;
        *loss = 0;

        /* Rows without a target cost nothing. */
        if (target[n] >= x->width)
            *loss = (gr_real)NAN;
        else if (target[n] >= 0) {
            ctx->state[n] = x->vh ? log_sum_exp(x, n) : gr_kernel()->log_sum_exp(gr__row(x, n), x->width);
            *loss = ctx->state[n] - *gr__take(x, &wide, n, target[n], 1);
        }
    }
}

static void cross_entropy_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0];
    const int32_t *target = ctx->rows->targets;
    if (!gr__wants(x))
        return;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        /* Only rows with a target count; a loss that nobody weighs has the gradient 0. */
        gr_real d = *gr__drow(&ctx->out, n);
        bool counts = target[n] >= 0 && target[n] < x->width && d != 0;
        if (!counts && x->accumulate)
            continue;

        /* In spans, as logits may be kept in bfloat16, or the gradient lie where they do: each span is read before it
         * is written. Rows that do not count write zeros. */
        for (int j = 0; j < x->width; j += GR_SPAN) {
            int width = gr__span_width(x->width, j);
            gr_real from[GR_SPAN], to[GR_SPAN], *dx = gr__room_d(x, to, n, j, width);
            if (counts)
                gr_kernel()->cross_entropy_backward(dx, gr__take(x, from, n, j, width), ctx->state[n], target[n] - j, d,
                                                    width, x->accumulate);
            else
                memset(dx, 0, (size_t)width * sizeof *dx);
            gr__put_d(x, dx, n, j, width);
        }
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
                                    .half = true,
                                    .grad_in_place = true,
                                    .cases = cases};
