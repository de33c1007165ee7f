/* linear.h - what a sum of products is after checks, shared by its passes and by decoding. */
#ifndef GR_OP_LINEAR_H
#define GR_OP_LINEAR_H

#include "op/op.h"

enum { GR__TERMS = 4, GR__KEPT = 9 }; /* kept: one range more than can be stopped */

/* A term: w [rows x cols], columns [lo, hi), used as [in -> out]. */
typedef struct gr__term {
    int param; /* slot */
    int rows, cols, lo, hi, at;
    int in, out;
    bool transposed;
    int keeps; /* ranges of the product's columns that pass gradient to x, at least one */
    int keep[GR__KEPT][2];
} gr__term;

/* Inputs: a term each, then the base; parameters: the distinct w, then the bias. */
typedef struct gr__linear {
    int terms;
    int base, bias; /* slots, or GR_NONE */
    bool overwrite; /* the first product writes all of out, with nothing but the bias below it */
    gr__term term[GR__TERMS];
} gr__linear;

/* linear_pass.c */
size_t gr__linear_scratch(const gr_node *node, int capacity, int block);
void gr__linear_prepare(gr_ctx *ctx);
void gr__linear_release(gr_ctx *ctx);
void gr__linear_forward(gr_ctx *ctx, int r0, int r1);
void gr__linear_backward(gr_ctx *ctx, int r0, int r1);

#endif
