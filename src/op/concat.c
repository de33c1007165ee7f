/* concat.c - values side by side. */
#include "op/copy.h"

enum { PARTS = 4 };

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

static void concat_forward(gr_ctx *ctx, int r0, int r1) {
    int at = 0;
    for (int i = 0; i < ctx->node->inputs; i++) {
        const gr_slot *x = &ctx->in[i];
        gr__copy_rows(ctx->out.v + at, ctx->out.stride, x->v, x->stride, x->width, r0, r1, false);
        at += x->width;
    }
}

static void concat_backward(gr_ctx *ctx, int r0, int r1) {
    int at = 0;
    for (int i = 0; i < ctx->node->inputs; i++) {
        const gr_slot *x = &ctx->in[i];
        if (x->d)
            gr__copy_rows(x->d, x->stride, ctx->out.d + at, ctx->out.stride, x->width, r0, r1, x->accumulate);
        at += x->width;
    }
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_value build_two(gr_graph *graph, gr_value x) {
    const gr_value square = gr_mul(graph, x, x);
    return gr_concat(graph, 2, (gr_value[]){x, square});
}

static gr_value build_four(gr_graph *graph, gr_value x) {
    const gr_value a = gr_slice(graph, x, 0, 1), square = gr_mul(graph, x, x);
    return gr_concat(graph, 4, (gr_value[]){a, square, x, a});
}

static const gr_op_case cases[] = {{"two", 7, 3, build_two}, {"four", 5, 4, build_four}, {NULL, 0, 0, NULL}};

const gr_op gr__op_concat = {.name = "concat",
                             .forward = concat_forward,
                             .backward = concat_backward,
                             .blind = true,
                             .keeps_zero = true,
                             .cases = cases};
