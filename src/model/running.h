/* running.h - inside of a run: contexts of nodes over planned memory, and the rows of the bound batch. */
#ifndef GR_MODEL_RUNNING_H
#define GR_MODEL_RUNNING_H

#include "kernel/kernel.h"
#include "model/compiled.h"

struct gr_run {
    gr_model *model;
    const gr_tables *tables;
    gr_tables *own; /* tables made for a caller who gave none */
    gr__layout *layout;
    gr_ctx *ctx;       /* [nodes] */
    double *times;     /* [2 x nodes] seconds forward, backward; NULL: not measured */
    gr_real *memory;   /* gradients, accumulators, values, gradients of values, state, scratch, shadow, in this order */
    gr_real *gradient; /* of the parameters, as they lie in the model; NULL: the run does not train */
    gr_real *extra;    /* accumulators of further uses of a parameter */
    gr_half *shadow;   /* the parameters in bfloat16, as they lie in the model; NULL: products in float */
    gr_gemm_pool pool; /* memory that all products work in */
    bool stale;        /* the shadow is older than the parameters */
    gr_op_rows rows;   /* the bound batch as operations see it */
    int32_t *integers; /* ids, targets, start, cls, document of rows */
    gr_real *weight;   /* [capacity] of gr_mean */
    gr_weights *weights;            /* [sets] of the tables: each points to its row of the next two */
    gr_real *set_rows;              /* [sets x capacity] weight of each row */
    uint8_t *set_kinds;             /* [sets x blocks] GR_ROWS_ZERO, _ONE or _MIXED */
    uint8_t *live, *zero;           /* [nodes x blocks] of the bound batch: needed; known to be 0 */
    gr_weighted_rect *param_slices; /* [slices] of the tables, as operations see them */
    gr_tap_slice *tap_slices;       /* [ranges] of the tables, likewise */
    uint8_t *open;                  /* [slices] since gr_run_zero */
    uint8_t *present;               /* [classes] in the bound batch */
    int32_t vocab;                  /* ids must be below: rows of the smallest embedding */
    int used;                       /* rows of the bound batch rounded up to whole blocks */
    int filled;                     /* segment whose forgotten values are in memory, 0: none */
    gr_run *follower;               /* a run that decodes on from this one's passes over whole documents; NULL: none */
    const gr_batch *batch;
};

/* A node's row of live or zero. */
static inline uint8_t *gr__flags(const gr_run *run, uint8_t *flags, int node) {
    return flags + (size_t)node * (size_t)run->layout->blocks;
}

/* bind.c: what follows from tables alone, and from a batch. */
void gr__rows_new(gr_run *run);
void gr__rows_free(gr_run *run);
void gr__rows_bind(gr_run *run, const gr_batch *batch);

/* Whether only the last block of the outputs is wanted, and no loss. */
static inline bool gr__last_only(const gr_run *run) { return run->layout->positions > 0 || run->follower; }

/* decoding.c: a node in a run that may decode. */
bool gr__run_prepare(gr_run *run, gr_ctx *ctx); /* false: memory was refused */
void gr__run_release(gr_run *run, gr_ctx *ctx);
bool gr__run_step(gr_run *run, gr_ctx *ctx); /* computes the row if this run decodes the node; false: forward must */
void gr__run_hand_on(gr_run *run, const gr_ctx *ctx); /* to the follower, what it keeps of the node's pass */

#endif
