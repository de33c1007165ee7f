/* running.h - inside of a run: contexts of nodes over planned memory, and the rows of the bound batch. */
#ifndef GR_MODEL_RUNNING_H
#define GR_MODEL_RUNNING_H

#include "model/compiled.h"

struct gr_run {
    gr_model *model;
    const gr_tables *tables;
    gr_tables *own; /* tables made for a caller who gave none */
    gr__layout *layout;
    gr_ctx *ctx;     /* [nodes] */
    gr_real *memory; /* gradients, accumulators, values, gradients of values, state, scratch */
    gr_real *gradient;
    gr_real *extra;
    gr_op_rows rows;
    int32_t *integers; /* ids, targets, start, cls, document of rows */
    gr_real *weight;
    gr_weights *weights;  /* [sets] */
    gr_real *set_rows;    /* [sets x capacity] */
    uint8_t *set_kinds;   /* [sets x blocks] */
    uint8_t *live, *zero; /* [nodes x blocks] of the bound batch: needed; known to be 0 */
    gr_cell *cells;       /* [slices] */
    gr_tap_slice *slices; /* [ranges] */
    uint8_t *open;        /* [slices] since gr_run_zero */
    uint8_t *present;     /* [classes] in the bound batch */
    int32_t vocab;        /* ids must be below: rows of the smallest embedding */
    int used;             /* rows of the bound batch rounded up to whole blocks */
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

#endif
