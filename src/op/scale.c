/* scale.c - x times a constant, and dx = dy times it. */
#include "op/element.h"

extern const gr_op gr__op_scale;

typedef struct attr {
    double factor;
} attr;

gr_value gr_scale(gr_graph *graph, gr_value x, double factor) {
    if (x < 0)
        return GR_NONE;
    if (gr_value_scalar(graph, x))
        return gr_graph_fail(graph, "scale reads rows, not one number");
    const gr_node node = {
        .op = &gr__op_scale, .inputs = 1, .in = {x}, .width = gr_value_width(graph, x), .half = true, .point = GR_NONE};
    return gr__graph_add(graph, &node, &(attr){factor}, sizeof(attr));
}

static gr_real factor(const gr_ctx *ctx) { return (gr_real)((const attr *)ctx->node->attr)->factor; }

static void scale_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        for (int j = 0; j < y->width; j += GR_SPAN) {
            gr_real from[GR_SPAN], to[GR_SPAN], *out = gr__room(y, to, n, j);
            int width = gr__span_width(y->width, j);
            gr_kernel()->scale(out, factor(ctx), gr__take(x, from, n, j, width), width, false);
            gr__put(y, out, n, j, width);
        }
}

static void scale_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *y = &ctx->out;
    if (!gr__wants(x))
        return;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        for (int j = 0; j < y->width; j += GR_SPAN) {
            int width = gr__span_width(y->width, j);
            gr_real from[GR_SPAN], to[GR_SPAN], *dx = gr__room_d(x, to, n, j, width);
            gr_kernel()->scale(dx, factor(ctx), gr__take_d(y, from, n, j, width), width, x->accumulate);
            gr__put_d(x, dx, n, j, width);
        }
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_value build_half(gr_graph *graph, gr_value x) { return gr_scale(graph, x, 0.5); }

/* x is read twice: one of the gradients adds to the other. */
static gr_value build_twice(gr_graph *graph, gr_value x) { return gr_mul(graph, gr_scale(graph, x, -3), x); }

static const gr_op_case cases[] = {{"half", 7, 5, build_half}, {"twice", 5, 9, build_twice}, {NULL, 0, 0, NULL}};

const gr_op gr__op_scale = {.name = "scale",
                            .forward = scale_forward,
                            .backward = scale_backward,
                            .needs_no_input = true,
                            .keeps_zero = true,
                            .half = true,
                            .cases = cases};
