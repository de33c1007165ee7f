/* dropout.c - keeps an element with probability 1 - rate and divides it by that (Srivastava et al. 2014).
 *
 * A draw of 64 bits serves two neighbouring columns, 32 bits each, so a rate is met to 2^-32. Draws are keyed by node,
 * step, row of the logical batch and column: a batch cut into micro-batches drops the same elements. The state keeps a
 * byte per element.
 */
#include "base/rng.h"
#include "op/element.h"
#include <string.h>

extern const gr_op gr__op_dropout;

typedef struct attr {
    double rate;
} attr;

gr_value gr_dropout(gr_graph *graph, gr_value x, double rate) {
    if (x < 0)
        return GR_NONE;
    if (!(rate >= 0 && rate < 1))
        return gr_graph_fail(graph, "dropout: rate %g is not in [0, 1)", rate);
    if (rate == 0)
        return x;
    if (gr_value_scalar(graph, x))
        return gr_graph_fail(graph, "dropout reads rows, not one number");
    const gr_node node = {
        .op = &gr__op_dropout, .inputs = 1, .in = {x}, .width = gr_value_width(graph, x), .point = GR_NONE};
    return gr__graph_add(graph, &node, &(attr){rate}, sizeof(attr));
}

/* A byte for each element. */
static size_t dropout_state(const gr_node *node, int capacity, int block) {
    return ((size_t)capacity * (size_t)node->width + sizeof(gr_real) - 1) / sizeof(gr_real);
}

/* Draws for row n, two columns each: keep[j] is 1 with probability 1 - rate. */
static void draw(const gr_ctx *ctx, uint8_t *keep, int n) {
    const attr *a = ctx->node->attr;
    const gr_key key = {ctx->seed, GR_STREAM_DROPOUT, (uint32_t)ctx->index};
    const uint64_t limit = (uint64_t)(a->rate * 0x1p32);
    const uint64_t row = ((uint64_t)ctx->rows->step << 32) + (uint64_t)(ctx->rows->first + n);
    for (int j = 0; j < ctx->out.width; j += 2) {
        uint64_t bits = gr_random_bits(key, row, (uint32_t)j / 2);
        keep[j] = (bits >> 32) >= limit;
        if (j + 1 < ctx->out.width)
            keep[j + 1] = (bits & 0xffffffffu) >= limit;
    }
}

/* to (+)= s from where kept, 0 elsewhere. */
static void mask(gr_real *to, gr_real s, const gr_real *from, const uint8_t *keep, int n, bool add) {
#pragma omp simd
    for (int j = 0; j < n; j++) {
        gr_real v = keep[j] ? s * from[j] : 0;
        to[j] = add ? to[j] + v : v;
    }
}

/* What is kept is divided by the probability of being kept: the mean stays. */
static gr_real factor(const gr_ctx *ctx) { return (gr_real)(1 / (1 - ((const attr *)ctx->node->attr)->rate)); }

static void dropout_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
    gr_real s = factor(ctx);
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        uint8_t *keep = (uint8_t *)ctx->state + (size_t)n * (size_t)y->width;

        /* Outside of training nothing is dropped. */
        if (!ctx->train) {
            memcpy(gr__row(y, n), gr__row(x, n), (size_t)y->width * sizeof(gr_real));
            continue;
        }
        draw(ctx, keep, n);
        mask(gr__row(y, n), s, gr__row(x, n), keep, y->width, false);
    }
}

static void dropout_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
    gr_real s = factor(ctx);
    if (!x->d)
        return;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        mask(gr__drow(x, n), s, gr__drow(y, n), (uint8_t *)ctx->state + (size_t)n * (size_t)y->width, y->width,
             x->accumulate);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_value build_some(gr_graph *graph, gr_value x) { return gr_dropout(graph, x, 0.3); }

static gr_value build_twice(gr_graph *graph, gr_value x) {
    return gr_mul(graph, gr_dropout(graph, x, 0.5), gr_dropout(graph, x, 0));
}

static const gr_op_case cases[] = {{"some", 7, 9, build_some}, {"twice", 5, 4, build_twice}, {NULL, 0, 0, NULL}};

const gr_op gr__op_dropout = {.name = "dropout",
                              .state = dropout_state,
                              .forward = dropout_forward,
                              .backward = dropout_backward,
                              .needs_no_input = true,
                              .keeps_zero = true,
                              .cases = cases};
