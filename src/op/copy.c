/* copy.c - copies of rows, and their way back into a table. */
#include "op/copy.h"

#include <string.h>

/* Threads take rows. */
void gr__copy_rows(gr_real *to, int stride_to, const gr_real *from, int stride_from, int width, int r0, int r1,
                   bool accumulate) {
#pragma omp parallel for schedule(static)
    for (int n = r0; n < r1; n++) {
        gr_real *out = to + (size_t)n * stride_to;
        const gr_real *in = from + (size_t)n * stride_from;
        if (!accumulate) {
            memcpy(out, in, (size_t)width * sizeof *out);
            continue;
        }

#pragma omp simd
        for (int j = 0; j < width; j++)
            out[j] += in[j];
    }
}

enum { CHUNK = 32 }; /* columns that one thread owns */

/* Columns [lo, hi) of one slice from one block of rows, in their order. */
static void scatter_block(const gr_param_slot *table, const gr_weighted_rect *slice, bool mixed, const gr_op_rows *rows,
                          const int32_t *ids, const gr_real *dy, int stride, int lo, int hi, int r) {
    for (int n = r; n < r + rows->block; n++) {
        if (rows->cls[n] < 0)
            continue;
        const int row = gr__copy_source(rows, ids, n, table->rows);
        if (row < slice->rect.lo0 || row >= slice->rect.hi0)
            continue;

        const gr_real weight = mixed ? slice->weights->w[n] : 1, *from = dy + (size_t)n * stride;
        gr_real *g = table->g + (size_t)row * table->cols;
#pragma omp simd
        for (int j = lo; j < hi; j++)
            g[j] += weight * from[j];
    }
}

/* Threads split columns, so no two meet in a number and the order of additions is that of the rows. */
void gr__copy_scatter(const gr_param_slot *table, const gr_op_rows *rows, const int32_t *ids, const gr_real *dy,
                      int stride, int r0, int r1) {
    const int chunks = (table->cols + CHUNK - 1) / CHUNK;
#pragma omp parallel for schedule(static)
    for (int chunk = 0; chunk < chunks; chunk++)
        for (int i = 0; i < table->slices; i++) {
            /* The columns that the slice and the chunk have in common: perhaps none. */
            const gr_weighted_rect *slice = &table->slice[i];
            const int left = chunk * CHUNK, right = left + CHUNK;
            const int lo = left > slice->rect.lo1 ? left : slice->rect.lo1,
                      hi = right < slice->rect.hi1 ? right : slice->rect.hi1;
            if (lo >= hi)
                continue;

            /* A block in which all rows weigh 0 adds nothing. */
            for (int r = r0; r < r1; r += rows->block) {
                const int kind = slice->weights ? slice->weights->kind[r / rows->block] : GR_ROWS_ONE;
                if (kind != GR_ROWS_ZERO)
                    scatter_block(table, slice, kind == GR_ROWS_MIXED, rows, ids, dy, stride, lo, hi, r);
            }
        }
}
