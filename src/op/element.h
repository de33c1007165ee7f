/* element.h - shared by the operations that treat every row alone. */
#ifndef GR_OP_ELEMENT_H
#define GR_OP_ELEMENT_H

#include "kernel/kernel.h"
#include "op/op.h"

/* Row n of a value and of its gradient. */
static inline gr_real *gr__row(const gr_slot *slot, int n) { return slot->v + (size_t)n * (size_t)slot->stride; }
static inline gr_real *gr__drow(const gr_slot *slot, int n) { return slot->d + (size_t)n * (size_t)slot->stride; }

/* Columns [j, j + width) of a row as floats, at most GR_SPAN of them: in place, or widened into buffer where the value
 * is kept in bfloat16. gr__room says where to write them, gr__put brings them back. */
enum { GR_SPAN = 512 };

static inline const gr_real *gr__take(const gr_slot *slot, gr_real *buffer, int n, int j, int width) {
    if (!slot->vh)
        return gr__row(slot, n) + j;
    gr_kernel()->widen(buffer, slot->vh + (size_t)n * (size_t)slot->stride + (size_t)j, width);
    return buffer;
}

static inline const gr_real *gr__take_d(const gr_slot *slot, gr_real *buffer, int n, int j, int width) {
    if (!slot->dh)
        return gr__drow(slot, n) + j;
    gr_kernel()->widen(buffer, slot->dh + (size_t)n * (size_t)slot->stride + (size_t)j, width);
    return buffer;
}

static inline gr_real *gr__room(const gr_slot *slot, gr_real *buffer, int n, int j) {
    return slot->vh ? buffer : gr__row(slot, n) + j;
}

static inline void gr__put(const gr_slot *slot, const gr_real *buffer, int n, int j, int width) {
    if (slot->vh)
        gr_kernel()->narrow(slot->vh + (size_t)n * (size_t)slot->stride + (size_t)j, buffer, width);
}

/* Of a gradient; where it is added to, the buffer begins with what is there. */
static inline gr_real *gr__room_d(const gr_slot *slot, gr_real *buffer, int n, int j, int width) {
    if (!slot->dh)
        return gr__drow(slot, n) + j;
    if (slot->accumulate)
        gr__take_d(slot, buffer, n, j, width);
    return buffer;
}

static inline void gr__put_d(const gr_slot *slot, const gr_real *buffer, int n, int j, int width) {
    if (slot->dh)
        gr_kernel()->narrow(slot->dh + (size_t)n * (size_t)slot->stride + (size_t)j, buffer, width);
}

/* Whether a gradient is wanted; how many columns the span from j on has. */
static inline bool gr__wants(const gr_slot *slot) { return slot->d || slot->dh; }
static inline int gr__span_width(int width, int j) { return width - j < GR_SPAN ? width - j : GR_SPAN; }

/* A node with one row of the result for each row of its one or two inputs (b GR_NONE: one). */
gr_value gr__element_node(gr_graph *graph, const gr_op *op, gr_value a, gr_value b, int width);
/* The same for two inputs of equal width. */
gr_value gr__element_pair(gr_graph *graph, const gr_op *op, gr_value a, gr_value b, int width);

/* y = f(x) and dx (+)= f'(x) dy over rows. */
void gr__element_forward(gr_ctx *ctx, void (*f)(gr_real *, const gr_real *, int), int r0, int r1);
void gr__element_backward(gr_ctx *ctx, void (*f)(gr_real *, const gr_real *, const gr_real *, int, bool), int r0,
                          int r1);

/* One row of a norm: the kernels of kernel.h over columns [at, at + width) of the result and its gradient. */
void gr__norm_forward(const gr_slot *y, int n, int at, int width, const gr_real *x, gr_real mean, gr_real inv,
                      const gr_real *gain, const gr_real *shift);
void gr__norm_sums(const gr_slot *y, int n, int at, int width, gr_real sums[2], gr_real *xhat, const gr_real *x,
                   gr_real mean, gr_real inv, const gr_real *gain);
void gr__norm_backward(const gr_slot *y, int n, int at, int width, gr_real *dx, const gr_real *xhat, gr_real inv,
                       gr_real m0, gr_real m1, const gr_real *gain, bool add);

/* A gradient from column `at` on, for gr__bgrad. */
static inline gr_rows_view gr__view_d(const gr_slot *slot, int at) {
    return (gr_rows_view){slot->d ? slot->d + at : NULL, slot->dh ? slot->dh + at : NULL, slot->stride, 0};
}

#endif
