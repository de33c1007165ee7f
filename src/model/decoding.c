/* decoding.c - runs that decode: one row a pass, with what operations keep of the rows before it (keys and values of
 * attention). Only operations that name a gr_op_decode take part; all others run their forward on the one row. In runs
 * that do not decode these functions do what the operation says.
 */
#include "model/running.h"
#include "op/decode.h"

/* How this run computes the node's row, NULL: by its forward. */
static const gr_op_decode *by_row(const gr_run *run, const gr_ctx *ctx) {
    return run->layout->positions ? ctx->node->op->decode : NULL;
}

bool gr__run_prepare(gr_run *run, gr_ctx *ctx) {
    const gr_op_decode *decode = by_row(run, ctx);
    if (decode)
        return decode->prepare(ctx, run->layout->positions, run->layout->half_copies);
    if (ctx->node->op->prepare)
        ctx->node->op->prepare(ctx);
    return true;
}

void gr__run_release(gr_run *run, gr_ctx *ctx) {
    const gr_op_decode *decode = by_row(run, ctx);
    if (decode)
        decode->release(ctx);
    else if (ctx->node->op->release)
        ctx->node->op->release(ctx);
}

bool gr__run_step(gr_run *run, gr_ctx *ctx) {
    const gr_op_decode *decode = by_row(run, ctx);
    if (decode && gr__flags(run, run->live, ctx->index)[0])
        decode->step(ctx);
    return decode != NULL;
}

void gr__run_hand_on(gr_run *run, const gr_ctx *ctx) {
    const gr_op_decode *decode = ctx->node->op->decode;
    if (run->follower && decode && decode->keep && gr__flags(run, run->live, ctx->index)[0])
        decode->keep(&run->follower->ctx[ctx->index], ctx, run->rows.rows);
}
