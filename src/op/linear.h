/* linear.h - what a sum of products is after checks, shared by its passes and by decoding. */
#ifndef GR_OP_LINEAR_H
#define GR_OP_LINEAR_H

#include "op/op.h"

enum {
    GR__TERMS = 5, /* most terms of a sum */
    GR__KEPT = 9   /* most ranges of columns that pass gradient: one more than can be stopped (GR_TERM_STOPS) */
};

/* A term: x [N x in] times w gives columns [at, at + out) of the result. Of w [rows x cols] the columns [lo, hi) are
 * used: as x w^T (in = hi - lo, out = rows), or, transposed, as x w (in = rows, out = hi - lo). */
typedef struct gr__linear_term {
    int param; /* w: its number among the node's parameters */
    int rows, cols, lo, hi, at;
    int in, out;
    bool transposed;
    int keeps;             /* ranges of the product's columns that pass gradient to x; 0: x is behind a gr_stop */
    int keep[GR__KEPT][2]; /* [from, end) of each, counted from `at`, in their order */
} gr__linear_term;

/* Inputs: a term each, then the base; parameters: the distinct w, then the bias. */
typedef struct gr__linear_attr {
    int terms;
    int base, bias; /* numbers among the node's inputs and parameters, or GR_NONE */
    bool overwrite; /* the first product writes all of out, with nothing but the bias below it */
    gr__linear_term term[GR__TERMS];
} gr__linear_attr;

/* linear_pass.c */
size_t gr__linear_scratch(const gr_node *node, int capacity, int block);
void gr__linear_prepare(gr_ctx *ctx);
void gr__linear_release(gr_ctx *ctx);
void gr__linear_forward(gr_ctx *ctx, int r0, int r1);
void gr__linear_backward(gr_ctx *ctx, int r0, int r1);

#endif
