/* concat.c - values side by side. The result is in float, also where its inputs are kept in bfloat16: so nothing is
 * rounded on the way. */
#include "op/element.h"
#include <string.h>

enum { PARTS = 5 }; /* most values */

extern const gr_op gr__op_concat;

gr_value gr_concat(gr_graph *graph, int count, const gr_value *x) {
    if (count < 1 || count > PARTS)
        return gr_graph_fail(graph, "concat: %d values; 1 to %d are possible", count, PARTS);
    gr_node node = {.op = &gr__op_concat, .inputs = count, .point = GR_NONE};
    for (int i = 0; i < count; i++) {
        if (x[i] < 0)
            return GR_NONE;
        if (gr_value_scalar(graph, x[i]))
            return gr_graph_fail(graph, "concat: value %d is one number, not one per row", i + 1);
        node.in[i] = x[i];
        node.width += gr_value_width(graph, x[i]);
    }
    return gr__graph_add(graph, &node, NULL, 0);
}

/* Columns [at, at + x->width) of row n of the result are those of x. */
static void forward_row(const gr_slot *y, const gr_slot *x, int at, int n) {
    for (int j = 0; j < x->width; j += GR_SPAN) {
        gr_real buffer[GR_SPAN];
        const int width = gr__span_width(x->width, j);
        memcpy(gr__row(y, n) + at + j, gr__take(x, buffer, n, j, width), (size_t)width * sizeof *buffer);
    }
}

static void concat_forward(gr_ctx *ctx, int r0, int r1) {
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        int at = 0;
        for (int i = 0; i < ctx->node->inputs; i++) {
            forward_row(&ctx->out, &ctx->in[i], at, n);
            at += ctx->in[i].width;
        }
    }
}

/* dx (+)= columns [at, at + x->width) of row n of dy */
static void backward_row(const gr_slot *x, const gr_slot *y, int at, int n) {
    for (int j = 0; j < x->width; j += GR_SPAN) {
        gr_real buffer[GR_SPAN], *dx = gr__room_d(x, buffer, n, j, gr__span_width(x->width, j));
        const int width = gr__span_width(x->width, j);
        gr_kernel()->scale(dx, 1, gr__drow(y, n) + at + j, width, x->accumulate);
        gr__put_d(x, dx, n, j, width);
    }
}

static void concat_backward(gr_ctx *ctx, int r0, int r1) {
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        int at = 0;
        for (int i = 0; i < ctx->node->inputs; i++) {
            if (gr__wants(&ctx->in[i]))
                backward_row(&ctx->in[i], &ctx->out, at, n);
            at += ctx->in[i].width;
        }
    }
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

/* x is read here and by its square. */
static gr_value build_two(gr_graph *graph, gr_value x) {
    const gr_value square = gr_mul(graph, x, x);
    return gr_concat(graph, 2, (gr_value[]){x, square});
}

/* One value twice, and a view of another. */
static gr_value build_four(gr_graph *graph, gr_value x) {
    const gr_value a = gr_slice(graph, x, 0, 1), square = gr_mul(graph, x, x);
    return gr_concat(graph, 4, (gr_value[]){a, square, x, a});
}

static const gr_op_case cases[] = {{"two", 7, 3, build_two}, {"four", 5, 4, build_four}, {NULL, 0, 0, NULL}};

const gr_op gr__op_concat = {.name = "concat",
                             .forward = concat_forward,
                             .backward = concat_backward,
                             .needs_no_input = true,
                             .keeps_zero = true,
                             .half = true,
                             .cases = cases};
