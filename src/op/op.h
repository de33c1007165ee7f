/* op.h - what an operation is to the engine: it knows rows, weights per row and rectangles of parameters, and nothing
 * of labels, topics or presets.
 *
 * An operation is one file here: a builder (declared in gradroute/ops.h), a gr_op (graph/node.h) with its passes, and
 * test cases; and one line in list.h. Passes work on row ranges [r0, r1) whose borders are multiples of the block (or
 * the end), so that rows nobody needs are skipped and sums are taken in fixed blocks.
 */
#ifndef GR_OP_OP_H
#define GR_OP_OP_H

#include "base/half.h"
#include "gradroute/batch.h"
#include "gradroute/ops.h"
#include "graph/node.h"

enum { GR_BLOCK = 512 };

typedef struct gr_gemm_pool gr_gemm_pool; /* working memory of products (kernel.h) */

/* How a set of per-row weights looks inside one block of rows. */
enum { GR_ROWS_ZERO, GR_ROWS_ONE, GR_ROWS_MIXED };

/* Weights of the bound batch's rows: kind[block], and w[row] valid in every block. NULL stands for "all 1". */
typedef struct gr_weights {
    const uint8_t *kind;
    const gr_real *w;
} gr_weights;

/* A rectangle of a parameter whose gradient has one weight per row. */
typedef struct gr_weighted_rect {
    gr_rect rect;
    const gr_weights *weights; /* NULL: all 1 */
} gr_weighted_rect;

/* One column range of a tap. */
typedef struct gr_tap_slice {
    int lo, hi;
    const gr_weights *forward;    /* factors of the value and of its gradient; NULL: all 1 */
    const gr_weights *activation; /* factors of the gradient alone; NULL: all 1 */
} gr_tap_slice;

/* The rows of the bound batch. Rows n >= rows up to the capacity are absent (cls -1, own documents, targets -1). */
typedef struct gr_op_rows {
    int rows;                                   /* N of the batch */
    int capacity;                               /* N rounded up to whole blocks: r1 of the last range */
    int block;                                  /* rows in a block: GR_BLOCK, or the capacity if that is smaller */
    int documents;                              /* in row order */
    const int32_t *document;                    /* [documents + 1] first row of each; the last entry is the capacity */
    const int32_t *ids, *targets, *start, *cls; /* [capacity] */
    const gr_real *weight;                      /* [capacity] of gr_mean, 0 for absent rows */
    const gr_real *x[GR_BATCH_INPUTS];          /* [rows x width]: only N rows; NULL if not given */
    double denominator;                         /* of gr_mean, for the whole logical batch */
    int64_t first, step;                        /* keys of draws: row 0's number in the logical batch, and the step */
} gr_op_rows;

/* A value as an op sees it: [capacity x width] with the given row stride (a scalar: one number). A run in bfloat16
 * keeps some values and their gradients as half numbers: then vh and dh are set in place of v and d. */
typedef struct gr_slot {
    gr_real *v; /* the value */
    gr_real *d; /* its gradient; NULL where none is wanted */
    gr_half *vh, *dh;
    int stride, width;
    bool accumulate;     /* inputs: add to d (true) or overwrite it, all columns (false) */
    const uint8_t *zero; /* [blocks] 1 where every row of the block is known to be 0; NULL: nowhere */
} gr_slot;

/* A parameter as an op sees it. g is this node's own accumulator, NULL where no gradient is wanted. */
typedef struct gr_param_slot {
    const gr_real *w;
    const gr_half *wh; /* the same in bfloat16, for products in a run of that precision; NULL elsewhere */
    gr_real *g;
    int rows, cols;
    int slices;
    const gr_weighted_rect *slice; /* cover the parameter; never empty */
} gr_param_slot;

/* Everything a pass of one node may touch. */
struct gr_ctx {
    const gr_node *node;
    const gr_op_rows *rows;
    gr_slot in[GR_OP_INPUTS], out;
    gr_param_slot param[GR_OP_PARAMS];
    const gr_weights *tap[GR_OP_TAPS]; /* forward weights of node->tap[k] over its whole width; NULL: all 1 */
    int slices;                        /* of a tap node, and of an op that foresees its tap */
    const gr_tap_slice *slice;
    gr_real *state;     /* op->state numbers, kept from forward to backward */
    gr_real *scratch;   /* op->scratch numbers, valid during one call */
    void *prepared;     /* what op->prepare made */
    gr_gemm_pool *pool; /* of this run's products */
    int index;          /* of the node: keys of its draws */
    int threads;        /* most threads that may work on it: scratch is cut for so many */
    bool train;
    bool half;     /* products in bfloat16 */
    uint64_t seed; /* of draws */
};

/* Rows that one thread takes at a time where sums depend on it: the same for any number of threads. */
static inline int gr__half_block(int block) { return block % 2 ? block : block / 2; }

/* ---- gradients of parameters, in fixed blocks of rows, by slice (wgrad.c) ---- */

/* dP[:, lo:hi] += A^T B over rows [r0, r1) with each slice's row weights: P [m x n], A [rows x m], B [rows x (hi -
 * lo)], both bfloat16 if half. The products are made once, in prepare. */
typedef struct gr_wgrad gr_wgrad;
gr_wgrad *gr__wgrad_new(const gr_param_slot *param, int lo, int hi, int block, int stride_a, int stride_b, bool half,
                        gr_gemm_pool *pool);
void gr__wgrad_free(gr_wgrad *wgrad);
size_t gr__wgrad_scratch(int rows, int cols, int block); /* numbers of scratch that a piece needs */
/* The work in pieces, each for one thread; how it is cut does not depend on their number. a and b: row r0 of each. */
int gr__wgrad_pieces(const gr_wgrad *wgrad); /* NULL: 0 */
void gr__wgrad_piece(const gr_wgrad *wgrad, int piece, const gr_param_slot *param, const void *a, const void *b,
                     gr_real *scratch, int r0, int r1);

/* One of v and vh: rows of numbers of either kind, from row `first` on. */
typedef struct gr_rows_view {
    const gr_real *v;
    const gr_half *vh;
    int stride, first;
} gr_rows_view;

/* dP += column sums of rows [r0, r1) of x * u with the slices' weights; P [1 x n]; u (same width) without rows: 1. */
void gr__bgrad(const gr_param_slot *param, gr_rows_view x, gr_rows_view u, int block, int r0, int r1);
/* part[cols] += the same over rows [r, r + rows) of one block, not yet in dP; and dP += parts in their order. */
void gr__bgrad_part(const gr_param_slot *param, gr_real *part, gr_rows_view x, gr_rows_view u, int block, int r,
                    int rows);
void gr__bgrad_add(const gr_param_slot *param, const gr_real *part, int stride, int parts);
/* The same in pieces, each for one thread. */
int gr__bgrad_chunks(const gr_param_slot *param);
void gr__bgrad_chunk(const gr_param_slot *param, int chunk, gr_rows_view x, gr_rows_view u, int block, int r0, int r1);

#endif
