/* gemm_reference.c - the product in plain loops: the specification of the fast one, and the product itself in double.
 */
#include "base/mem.h"
#include "kernel/kernel.h"

/* Row c = row i of op(A) times B [k x n]: rows of B are added up, so that every inner loop runs over neighbours. */
static void row_plain(const gr_gemm_def *def, gr_real *c, const gr_real *a, int step, const gr_real *b) {
    for (int p = 0; p < def->k; p++) {
        const gr_real factor = a[(size_t)p * step], *row = b + (size_t)p * def->ldb;
#pragma omp simd
        for (int j = 0; j < def->n; j++)
            c[j] += factor * row[j];
    }
}

/* The same with B stored [n x k]: dot products of rows. */
static void row_transposed(const gr_gemm_def *def, gr_real *c, const gr_real *a, int step, const gr_real *b) {
    for (int j = 0; j < def->n; j++) {
        const gr_real *row = b + (size_t)j * def->ldb;
        gr_real sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int p = 0; p < def->k; p++)
            sum += a[(size_t)p * step] * row[p];
        c[j] += sum;
    }
}

void gr__gemm_reference(const gr_gemm_def *def, gr_real *c, const gr_real *a, const gr_real *b) {
    const int step = def->trans_a ? def->lda : 1;
    for (int i = 0; i < def->m; i++) {
        const gr_real *row = a + (def->trans_a ? (size_t)i : (size_t)i * def->lda);
        gr_real *out = c + (size_t)i * def->ldc;
        for (int j = 0; j < def->n && !def->accumulate; j++)
            out[j] = 0;
        if (def->trans_b)
            row_transposed(def, out, row, step, b);
        else
            row_plain(def, out, row, step, b);
    }
}

#ifdef GR_DOUBLE
struct gr_gemm {
    gr_gemm_def def;
};

gr_gemm *gr_gemm_new(const gr_gemm_def *def) {
    gr_gemm *gemm = gr_alloc(sizeof *gemm);
    gemm->def = *def;
    return gemm;
}

void gr_gemm_free(gr_gemm *gemm) { gr_free(gemm); }

void gr_gemm_run(gr_gemm *gemm, gr_real *c, const gr_real *a, const gr_real *b) {
    gr__gemm_reference(&gemm->def, c, a, b);
}
#endif
