/* wgrad.c - gradients of parameters: sums over the rows of a batch, in which routing gives every row a weight.
 *
 * For y = x W^T the gradient is dW = dy^T x, a product of two matrices that sums over all rows. Routing cuts W into
 * rectangles (slices) and says for each slice how much each row counts there. Rows are taken in blocks (GR_BLOCK), and
 * a block costs what its weights ask for:
 *
 *   all 0   no product: rows that must not write a slice cost nothing there
 *   all 1   a plain product
 *   mixed   one operand is copied, each row times its weight, and the product runs on the copy. Either operand would
 *           do, as sum_n w[n] a[n] b[n] does not care whose factor w is: the narrower one is copied
 *
 * Every product sums over one block and adds to the gradient, in the order of the blocks. So a batch may be cut into
 * micro-batches at any border of blocks without a change of a bit. Threads share the work by rectangles of the
 * parameter (pieces), never by rows: nothing that one thread sums depends on how many there are.
 *
 * The second half of the file does the same for parameters of one row (biases, gains of norms).
 */
#include "base/mem.h"
#include "kernel/kernel.h"
#include "op/op.h"

#include <assert.h>
#include <string.h>

/* What one thread adds up: some rows of a slice, and of these the columns that the product reaches. */
typedef struct piece {
    int slice;
    int row, col, height, width; /* the rectangle of the parameter: its first row and column, its size */
    bool copy_a;                 /* mixed weights: copy `height` columns of A (true), or `width` columns of B */
    gr_gemm *plain;              /* the product where all weights are 1 */
    gr_gemm *scaled;             /* the product on the copy; NULL in a slice whose weights are always 1 */
} piece;

/* All pieces of dP[:, lo:hi] += A^T B (op.h). */
struct gr_wgrad {
    int lo;                 /* column of the parameter to which column 0 of B belongs */
    int block;              /* rows of A and B that a product sums over */
    int stride_a, stride_b; /* between rows of A and of B */
    bool half;              /* A and B are bfloat16 */
    int slices, pieces;
    size_t capacity; /* of the list of pieces */
    piece *piece;
};

enum {
    CHUNK = 128, /* columns that are summed up at a time, on the stack */
    LEAST = 256, /* rows of a piece: fewer make slow products */
    MOST = 16    /* pieces of a slice: enough for all threads to have work */
};

/* What the weights of a block look like: GR_ROWS_ZERO, _ONE or _MIXED; no weights at all: all 1. */
static int kind_of(const gr_weights *weights, int block) { return weights ? weights->kind[block] : GR_ROWS_ONE; }

static int larger(int a, int b) { return a > b ? a : b; }
static int smaller(int a, int b) { return a < b ? a : b; }

/* Rows of each piece of a slice (the last may have fewer): a multiple of 64, such that there are at most MOST pieces,
 * and the same for any number of threads. */
static int piece_height(int height) { return larger(LEAST, (height + 64 * MOST - 1) / (64 * MOST) * 64); }

/* Makes the products of a piece: a matrix of height x width numbers, added to where it lies in the gradient. */
static void open_piece(gr_wgrad *wgrad, piece *p, const gr_param_slot *param, gr_gemm_pool *pool) {
    p->copy_a = p->height <= p->width;

    /* The plain product reads A and B where they lie. */
    gr_gemm_def def = {.m = p->height,
                       .n = p->width,
                       .k = wgrad->block,
                       .trans_a = true,
                       .lda = wgrad->stride_a,
                       .ldb = wgrad->stride_b,
                       .ldc = param->cols,
                       .accumulate = true,
                       .half = wgrad->half,
                       .single_thread = true};
    p->plain = gr_gemm_new(&def, pool);

    /* The product on a copy: the copied operand is packed, so that its stride is its width. A slice without weights
     * never needs it. */
    if (!param->slice[p->slice].weights)
        return;
    if (p->copy_a)
        def.lda = p->height;
    else
        def.ldb = p->width;
    p->scaled = gr_gemm_new(&def, pool);
}

gr_wgrad *gr__wgrad_new(const gr_param_slot *param, int lo, int hi, int block, int stride_a, int stride_b, bool half,
                        gr_gemm_pool *pool) {
    assert(lo >= 0 && lo < hi && hi <= param->cols && block > 0);
    gr_wgrad *wgrad = gr_alloc(sizeof *wgrad);
    *wgrad = (gr_wgrad){
        .lo = lo, .block = block, .stride_a = stride_a, .stride_b = stride_b, .half = half, .slices = param->slices};
    for (int i = 0; i < param->slices; i++) {
        const gr_weighted_rect *slice = &param->slice[i];

        /* The columns of the slice that this product reaches: perhaps none. */
        const int left = larger(lo, slice->rect.lo1), right = smaller(hi, slice->rect.hi1);
        if (left >= right)
            continue;

        /* Its rows, cut into pieces; for each the products that it may need. */
        const int step = piece_height(slice->rect.hi0 - slice->rect.lo0);
        for (int row = slice->rect.lo0; row < slice->rect.hi0; row += step) {
            piece *p = &GR_PUSH(wgrad->piece, wgrad->pieces, wgrad->capacity);
            *p = (piece){.slice = i, .row = row, .col = left, .width = right - left};
            p->height = smaller(step, slice->rect.hi0 - row);
            open_piece(wgrad, p, param, pool);
        }
    }
    return wgrad;
}

void gr__wgrad_free(gr_wgrad *wgrad) {
    if (!wgrad)
        return;
    for (int i = 0; i < wgrad->pieces; i++) {
        gr_gemm_free(wgrad->piece[i].plain);
        gr_gemm_free(wgrad->piece[i].scaled);
    }
    gr_free(wgrad->piece);
    gr_free(wgrad);
}

int gr__wgrad_pieces(const gr_wgrad *wgrad) { return wgrad ? wgrad->pieces : 0; }

/* The copy of a mixed block: of a piece the narrower operand, which is no wider than the narrower side of the
 * parameter. */
size_t gr__wgrad_scratch(int rows, int cols, int block) { return (size_t)smaller(rows, cols) * (size_t)block; }

/* out [rows x width], packed: row n of v, `stride` apart, times w[n]. */
static void scale(gr_real *out, const gr_real *v, int stride, const gr_real *w, int width, int rows) {
    for (int n = 0; n < rows; n++)
        gr_kernel()->scale(out + (size_t)n * width, w[n], v + (size_t)n * stride, width, false);
}

/* The same in bfloat16. */
static void scale_half(gr_half *out, const gr_half *v, int stride, const gr_real *w, int width, int rows) {
    for (int n = 0; n < rows; n++) {
        const gr_half *from = v + (size_t)n * stride;
        gr_half *to = out + (size_t)n * width;

        /* Most weights are 0 or 1: then no number needs to be widened and rounded again. */
        if (w[n] == 0) {
            memset(to, 0, (size_t)width * sizeof *to);
            continue;
        }
        if (w[n] == 1) {
            memcpy(to, from, (size_t)width * sizeof *to);
            continue;
        }

        /* Any other weight multiplies in float, a piece of the row at a time. */
        gr_real some[CHUNK];
        for (int j = 0; j < width; j += CHUNK) {
            const int some_width = smaller(CHUNK, width - j);
            gr_kernel()->widen(some, from + j, some_width);
            gr_kernel()->scale(some, w[n], some, some_width, false);
            gr_kernel()->narrow(to + j, some, some_width);
        }
    }
}

/* The operand with each row times its weight, in scratch. */
static const void *scaled(const gr_wgrad *wgrad, void *scratch, const void *v, int stride, const gr_real *w,
                          int width) {
    if (wgrad->half)
        scale_half(scratch, v, stride, w, width, wgrad->block);
    else
        scale(scratch, v, stride, w, width, wgrad->block);
    return scratch;
}

void gr__wgrad_piece(const gr_wgrad *wgrad, int i, const gr_param_slot *param, const void *a, const void *b,
                     gr_real *scratch, int r0, int r1) {
    const int block = wgrad->block;
    const size_t unit = wgrad->half ? sizeof(gr_half) : sizeof(gr_real);
    const piece *p = &wgrad->piece[i];
    const gr_weights *weights = param->slice[p->slice].weights;
    gr_real *g = param->g + (size_t)p->row * param->cols + p->col;

    /* Blocks of weights and of rows are the same only if the range begins and ends at a border. */
    assert(param->slices == wgrad->slices && r0 % block == 0 && r1 % block == 0);

    /* The blocks in their order; a block whose rows must not write this slice costs nothing. */
    for (int r = r0; r < r1; r += block) {
        const int kind = kind_of(weights, r / block);
        if (kind == GR_ROWS_ZERO)
            continue;

        /* Where the columns of this piece begin in row r of A and of B. */
        const void *rows_a = (const char *)a + ((size_t)(r - r0) * (size_t)wgrad->stride_a + (size_t)p->row) * unit;
        const void *rows_b =
            (const char *)b + ((size_t)(r - r0) * (size_t)wgrad->stride_b + (size_t)(p->col - wgrad->lo)) * unit;

        /* Some rows count in part: the narrower operand is replaced by a copy times the weights. */
        if (kind == GR_ROWS_MIXED && p->copy_a)
            rows_a = scaled(wgrad, scratch, rows_a, wgrad->stride_a, weights->w + r, p->height);
        else if (kind == GR_ROWS_MIXED)
            rows_b = scaled(wgrad, scratch, rows_b, wgrad->stride_b, weights->w + r, p->width);
        gr_gemm_run(kind == GR_ROWS_MIXED ? p->scaled : p->plain, g, rows_a, rows_b, NULL);
    }
}

/* ---- one row of a parameter ------------------------------------------------------------------------------------- */

/* Columns [lo, lo + width) of row n of x: where they lie, or, of bfloat16, as floats in `into`. */
static const gr_real *columns(const gr_rows_view *x, gr_real *into, int lo, int width, int n) {
    const size_t at = (size_t)(n - x->first) * (size_t)x->stride + (size_t)lo;
    if (x->v)
        return x->v + at;
    gr_kernel()->widen(into, x->vh + at, width);
    return into;
}

/* sum[width] += rows [r, r + rows) of x * u * w, columns from lo. u is a factor for each number (for the gain of a
 * norm the normalised input; a bias has none), w one for each row (NULL: 1). */
static void sum_rows(gr_real *sum, const gr_rows_view *x, const gr_rows_view *u, const gr_real *w, int lo, int width,
                     int r, int rows) {
    gr_real wide[2][CHUNK];
    for (int n = r; n < r + rows; n++) {
        const gr_real *from = columns(x, wide[0], lo, width, n), weight = w ? w[n] : 1;
        if (u->v || u->vh)
            gr_kernel()->mul_add(sum, weight, from, columns(u, wide[1], lo, width, n), width);
        else
            gr_kernel()->scale(sum, weight, from, width, true);
    }
}

/* For callers whose threads take rows: each adds up its rows [r, r + rows), all of one block, in a part of its own, a
 * number for each column, which began at 0; gr__bgrad_add then adds the parts in their order. */
void gr__bgrad_part(const gr_param_slot *param, gr_real *part, gr_rows_view x, gr_rows_view u, int block, int r,
                    int rows) {
    for (int i = 0; i < param->slices; i++) {
        const gr_weighted_rect *slice = &param->slice[i];
        const int kind = kind_of(slice->weights, r / block);
        if (kind == GR_ROWS_ZERO)
            continue;
        for (int lo = slice->rect.lo1; lo < slice->rect.hi1; lo += CHUNK)
            sum_rows(part + lo, &x, &u, kind == GR_ROWS_MIXED ? slice->weights->w : NULL, lo,
                     smaller(CHUNK, slice->rect.hi1 - lo), r, rows);
    }
}

void gr__bgrad_add(const gr_param_slot *param, const gr_real *part, int stride, int parts) {
    for (int k = 0; k < parts; k++)
        gr_kernel()->add(param->g, param->g, part + (size_t)k * (size_t)stride, param->cols);
}

int gr__bgrad_chunks(const gr_param_slot *param) { return (param->cols + CHUNK - 1) / CHUNK; }

/* Columns [chunk * CHUNK, (chunk + 1) * CHUNK) of the parameter, over all rows. */
void gr__bgrad_chunk(const gr_param_slot *param, int chunk, gr_rows_view x, gr_rows_view u, int block, int r0, int r1) {
    for (int i = 0; i < param->slices; i++) {
        const gr_weighted_rect *slice = &param->slice[i];

        /* What the slice and the chunk have in common: perhaps nothing. */
        const int lo = larger(chunk * CHUNK, slice->rect.lo1), hi = smaller((chunk + 1) * CHUNK, slice->rect.hi1);
        if (lo >= hi)
            continue;

        /* Each block is summed up by itself and then added, so that cutting the batch between blocks changes no bit. */
        for (int r = r0; r < r1; r += block) {
            const int kind = kind_of(slice->weights, r / block);
            if (kind == GR_ROWS_ZERO)
                continue;
            gr_real sum[CHUNK] = {0};
            sum_rows(sum, &x, &u, kind == GR_ROWS_MIXED ? slice->weights->w : NULL, lo, hi - lo, r, block);
            for (int j = lo; j < hi; j++)
                param->g[j] += sum[j - lo];
        }
    }
}

void gr__bgrad(const gr_param_slot *param, gr_rows_view x, gr_rows_view u, int block, int r0, int r1) {
    const int chunks = gr__bgrad_chunks(param);
#pragma omp parallel for schedule(static)
    for (int chunk = 0; chunk < chunks; chunk++)
        gr__bgrad_chunk(param, chunk, x, u, block, r0, r1);
}
