/* input.c - a real input of the batch; absent rows are 0. */
#include "op/op.h"

#include <string.h>

extern const gr_op gr__op_input;

gr_value gr_input(gr_graph *graph, int index, int width) {
    if (index < 0 || index >= GR_BATCH_INPUTS || width < 1)
        return gr_graph_fail(graph, "input: number %d with %d columns; there are inputs 0 to %d", index, width,
                             GR_BATCH_INPUTS - 1);
    const gr_node node = {.op = &gr__op_input, .width = width, .point = GR_NONE};
    return gr__graph_add(graph, &node, &index, sizeof index);
}

static void input_forward(gr_ctx *ctx, int r0, int r1) {
    const gr_real *x = ctx->rows->x[*(const int *)ctx->node->attr];
    const int width = ctx->out.width, rows = x ? ctx->rows->rows : 0;
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        gr_real *to = ctx->out.v + (size_t)n * ctx->out.stride;
        if (n < rows)
            memcpy(to, x + (size_t)n * width, (size_t)width * sizeof *to);
        else
            memset(to, 0, (size_t)width * sizeof *to);
    }
}

const gr_op gr__op_input = {.name = "input", .forward = input_forward};
