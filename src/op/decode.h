/* decode.h - one row at a time, with what was kept of the rows before it. */
#ifndef GR_OP_DECODE_H
#define GR_OP_DECODE_H

#include "op/op.h"

/* How an operation works in a run that decodes: one row a pass, which stands at position -rows->start[0] of its
 * document. Values are floats there. Operations without this compute the row with their forward. */
struct gr_op_decode {
    /* In place of the operation's own: half: keep copies in bfloat16 and read those. false: memory was refused. */
    bool (*prepare)(gr_ctx *ctx, int positions, bool half);
    void (*release)(gr_ctx *ctx);
    /* Takes rows [0, rows) of a pass over a whole document, just computed by the same node of another run. NULL: needs
     * nothing of earlier rows. */
    void (*keep)(gr_ctx *ctx, const gr_ctx *pass, int rows);
    void (*step)(gr_ctx *ctx); /* row 0, in place of forward; keeps what later rows need of it */
};

extern const gr_op_decode gr__attention_decode, gr__linear_decode;

#endif
