/* wgrad.c - gradients of parameters over blocks of rows, cell by cell.
 *
 * A cell whose rows all have weight 0 costs nothing in that block; all 1, it is a plain product; otherwise the narrower
 * operand is copied, each row times its weight, and the product runs on the copy. Every product has k = block rows and
 * adds into the gradient, in the order of the blocks: so a batch may be cut at any block border without a change of a
 * bit.
 */
#include "base/mem.h"
#include "kernel/kernel.h"
#include "op/op.h"

#include <assert.h>

/* A cell cut to the columns [lo, hi) of the product; no columns: it has no part in it. */
typedef struct product {
    int row, col, height, width; /* in the parameter */
    bool copy_a;                 /* what is scaled: height columns of A, or width columns of B */
    gr_gemm *plain, *scaled;
} product;

struct gr_wgrad {
    int lo, block, stride_a, stride_b;
    int cells;
    product cell[];
};

static int kind_of(const gr_weights *weights, int block) { return weights ? weights->kind[block] : GR_ROWS_ONE; }

static int larger(int a, int b) { return a > b ? a : b; }
static int smaller(int a, int b) { return a < b ? a : b; }

gr_wgrad *gr__wgrad_new(const gr_param_slot *param, int lo, int hi, int block, int stride_a, int stride_b) {
    assert(lo >= 0 && lo < hi && hi <= param->cols && block > 0);
    gr_wgrad *wgrad = gr_alloc(sizeof *wgrad + (size_t)param->cells * sizeof *wgrad->cell);
    *wgrad = (gr_wgrad){.lo = lo, .block = block, .stride_a = stride_a, .stride_b = stride_b, .cells = param->cells};
    for (int i = 0; i < param->cells; i++) {
        const gr_cell *cell = &param->cell[i];
        const int left = larger(lo, cell->lo1), right = smaller(hi, cell->hi1);
        product *p = &wgrad->cell[i];
        if (left >= right || cell->lo0 >= cell->hi0)
            continue;
        *p = (product){.row = cell->lo0, .col = left, .height = cell->hi0 - cell->lo0, .width = right - left};
        p->copy_a = p->height <= p->width;
        gr_gemm_def def = {.m = p->height,
                           .n = p->width,
                           .k = block,
                           .trans_a = true,
                           .lda = stride_a,
                           .ldb = stride_b,
                           .ldc = param->cols,
                           .accumulate = true};
        p->plain = gr_gemm_new(&def);
        if (!cell->weights)
            continue;
        *(p->copy_a ? &def.lda : &def.ldb) = p->copy_a ? p->height : p->width;
        p->scaled = gr_gemm_new(&def);
    }
    return wgrad;
}

void gr__wgrad_free(gr_wgrad *wgrad) {
    for (int i = 0; wgrad && i < wgrad->cells; i++) {
        gr_gemm_free(wgrad->cell[i].plain);
        gr_gemm_free(wgrad->cell[i].scaled);
    }
    gr_free(wgrad);
}

size_t gr__wgrad_scratch(int rows, int cols, int block) { return (size_t)smaller(rows, cols) * (size_t)block; }

/* out [rows x width], packed: row n of v times w[n]. */
static void scale(gr_real *out, const gr_real *v, int stride, const gr_real *w, int width, int rows) {
#pragma omp parallel for schedule(static)
    for (int n = 0; n < rows; n++) {
        const gr_real weight = w[n], *from = v + (size_t)n * stride;
        gr_real *to = out + (size_t)n * width;
#pragma omp simd
        for (int j = 0; j < width; j++)
            to[j] = weight * from[j];
    }
}

void gr__wgrad(const gr_wgrad *wgrad, const gr_param_slot *param, const gr_real *a, const gr_real *b, gr_real *scratch,
               int r0, int r1) {
    const int block = wgrad->block;
    assert(param->cells == wgrad->cells && r0 % block == 0 && r1 % block == 0);
    for (int r = r0; r < r1; r += block)
        for (int i = 0; i < wgrad->cells; i++) {
            const product *p = &wgrad->cell[i];
            const gr_weights *weights = param->cell[i].weights;
            const int kind = kind_of(weights, r / block);
            if (!p->plain || kind == GR_ROWS_ZERO)
                continue;
            const gr_real *left = a + (size_t)r * wgrad->stride_a + p->row;
            const gr_real *right = b + (size_t)r * wgrad->stride_b + (p->col - wgrad->lo);
            gr_real *g = param->g + (size_t)p->row * param->cols + p->col;
            if (kind == GR_ROWS_ONE) {
                gr_gemm_run(p->plain, g, left, right);
            } else if (p->copy_a) {
                scale(scratch, left, wgrad->stride_a, weights->w + r, p->height, block);
                gr_gemm_run(p->scaled, g, scratch, right);
            } else {
                scale(scratch, right, wgrad->stride_b, weights->w + r, p->width, block);
                gr_gemm_run(p->scaled, g, left, scratch);
            }
        }
}

/* ---- one row of a parameter ------------------------------------------------------------------------------------- */

enum { CHUNK = 64 }; /* columns that a thread sums at a time */

/* sum[width] += rows of v * u * w; u and w may be NULL. */
static void sum_rows(gr_real *sum, const gr_real *v, int stride_v, const gr_real *u, int stride_u, const gr_real *w,
                     int width, int rows) {
    for (int n = 0; n < rows; n++) {
        const gr_real weight = w ? w[n] : 1, *x = v + (size_t)n * stride_v;
        if (u) {
            const gr_real *y = u + (size_t)n * stride_u;
#pragma omp simd
            for (int j = 0; j < width; j++)
                sum[j] += weight * (x[j] * y[j]);
        } else {
#pragma omp simd
            for (int j = 0; j < width; j++)
                sum[j] += weight * x[j];
        }
    }
}

void gr__bgrad(const gr_param_slot *param, const gr_real *v, int stride_v, const gr_real *u, int stride_u, int block,
               int r0, int r1) {
    const int chunks = (param->cols + CHUNK - 1) / CHUNK;
#pragma omp parallel for schedule(static)
    for (int chunk = 0; chunk < chunks; chunk++)
        for (int i = 0; i < param->cells; i++) {
            const gr_cell *cell = &param->cell[i];
            const int lo = larger(chunk * CHUNK, cell->lo1), hi = smaller((chunk + 1) * CHUNK, cell->hi1);
            for (int r = r0; r < r1 && lo < hi; r += block) {
                const int kind = kind_of(cell->weights, r / block);
                if (kind == GR_ROWS_ZERO)
                    continue;
                gr_real sum[CHUNK] = {0};
                sum_rows(sum, v + (size_t)r * stride_v + lo, stride_v, u ? u + (size_t)r * stride_u + lo : NULL,
                         stride_u, kind == GR_ROWS_MIXED ? cell->weights->w + r : NULL, hi - lo, block);
                for (int j = lo; j < hi; j++)
                    param->g[j] += sum[j - lo];
            }
        }
}
