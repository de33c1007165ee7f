/* element.h - shared by the operations that treat every row alone. */
#ifndef GR_OP_ELEMENT_H
#define GR_OP_ELEMENT_H

#include "kernel/kernel.h"
#include "op/op.h"

/* Row n of a value and of its gradient. */
static inline gr_real *gr__row(const gr_slot *slot, int n) { return slot->v + (size_t)n * (size_t)slot->stride; }
static inline gr_real *gr__drow(const gr_slot *slot, int n) { return slot->d + (size_t)n * (size_t)slot->stride; }

/* A node with one row of the result for each row of its one or two inputs (b GR_NONE: one). */
gr_value gr__element_node(gr_graph *graph, const gr_op *op, gr_value a, gr_value b, int width);
/* The same for two inputs of equal width. */
gr_value gr__element_pair(gr_graph *graph, const gr_op *op, gr_value a, gr_value b, int width);

/* y = f(x) and dx (+)= f'(x) dy over rows. */
void gr__element_forward(gr_ctx *ctx, void (*f)(gr_real *, const gr_real *, int), int r0, int r1);
void gr__element_backward(gr_ctx *ctx, void (*f)(gr_real *, const gr_real *, const gr_real *, int, bool), int r0,
                          int r1);

#endif
