/* position.c - out[n] = x[n] + table[position of n in its document]. Backward: x gets dy, and each row of dy adds into
 * the row of the table that it read. */
#include "op/copy.h"

extern const gr_op gr__op_position;

gr_value gr_position(gr_graph *graph, gr_value x, gr_param table) {
    if (x < 0)
        return GR_NONE;
    const gr_param_def *def = gr__graph_param_def(graph, table);
    if (!def)
        return gr_graph_fail(graph, "position: there is no such table");

    /* A row of the table is added to a row of x. */
    const int width = gr_value_width(graph, x);
    if (def->cols != width || gr_value_scalar(graph, x))
        return gr_graph_fail(graph, "position: %s is [%d x %d], but x has %d columns", def->name, def->rows, def->cols,
                             width);
    const gr_node node = {.op = &gr__op_position,
                          .inputs = 1,
                          .in = {x},
                          .params = 1,
                          .param = {table},
                          .width = width,
                          .point = GR_NONE};
    return gr__graph_add(graph, &node, NULL, 0);
}

static void position_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_param_slot *table = &ctx->param[0];
    const gr_slot *x = &ctx->in[0], *out = &ctx->out;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        const gr_real *from = x->v + (size_t)n * x->stride;
        const gr_real *add = table->w + (size_t)gr__copy_source(ctx->rows, NULL, n, table->rows) * table->cols;
        gr_real *to = out->v + (size_t)n * out->stride;
#pragma omp simd
        for (int j = 0; j < table->cols; j++)
            to[j] = from[j] + add[j];
    }
}

static void position_backward(gr_ctx *ctx, int r0, int r1) {
    const gr_slot *x = &ctx->in[0], *out = &ctx->out;
    if (x->d)
        gr__copy_rows(x->d, x->stride, out->d, out->stride, x->width, r0, r1, x->accumulate);
    if (ctx->param[0].g)
        gr__copy_scatter(&ctx->param[0], ctx->rows, NULL, out->d, out->stride, r0, r1);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_value build(gr_graph *graph, gr_value x) {
    const int width = gr_value_width(graph, x);
    const gr_param table =
        gr_graph_param(graph, &(gr_param_def){"table", 32, width, GR_KIND_EMBEDDING, GR_INIT_NORMAL, 0.5, false});
    return gr_position(graph, x, table);
}

static const gr_op_case cases[] = {{"narrow", 11, 3, build}, {"wide", 7, 37, build}, {NULL, 0, 0, NULL}};

const gr_op gr__op_position = {.name = "position",
                               .forward = position_forward,
                               .backward = position_backward,
                               .needs_no_input = true,
                               .cases = cases};
