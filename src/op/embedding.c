/* embedding.c - out[n] = table[ids[n]]. The run has checked that ids lie in the table. Backward: each row of dy adds
 * into the row of the table that it read, in the order of the rows. */
#include "op/copy.h"

#include <string.h>

extern const gr_op gr__op_embedding;

gr_value gr_embedding(gr_graph *graph, gr_param table) {
    const gr_param_def *def = gr__graph_param_def(graph, table);
    if (!def)
        return gr_graph_fail(graph, "embedding: there is no such table");
    const gr_node node = {.op = &gr__op_embedding, .params = 1, .param = {table}, .width = def->cols, .point = GR_NONE};
    return gr__graph_add(graph, &node, NULL, 0);
}

static void embedding_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_param_slot *table = &ctx->param[0];
    const gr_slot *out = &ctx->out;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++)
        memcpy(out->v + (size_t)n * out->stride, table->w + (size_t)ctx->rows->ids[n] * table->cols,
               (size_t)table->cols * sizeof *out->v);
}

/* Each row of the gradient adds into its id's row of the table. */
static void embedding_backward(gr_ctx *ctx, int r0, int r1) {
    if (ctx->param[0].g)
        gr__copy_scatter(&ctx->param[0], ctx->rows, ctx->rows->ids, ctx->out.d, ctx->out.stride, r0, r1);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_value build(gr_graph *graph, gr_value x) {
    const int width = gr_value_width(graph, x);
    const gr_param table =
        gr_graph_param(graph, &(gr_param_def){"table", 16, width, GR_KIND_EMBEDDING, GR_INIT_NORMAL, 0.5, false});
    return gr_mul(graph, x, gr_embedding(graph, table));
}

static const gr_op_case cases[] = {{"narrow", 11, 5, build}, {"wide", 3, 37, build}, {NULL, 0, 0, NULL}};

const gr_op gr__op_embedding = {.name = "embedding",
                                .forward = embedding_forward,
                                .backward = embedding_backward,
                                .reads_ids = true,
                                .cases = cases};
