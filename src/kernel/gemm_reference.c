/* gemm_reference.c - the product in plain loops: the specification of the fast one, and the product itself in double.
 */
#include "base/mem.h"
#include "kernel/kernel.h"

/* Number i of an operand. */
static gr_real at(const void *data, bool half, size_t i) {
    return half ? (gr_real)gr__widen(((const gr_half *)data)[i]) : ((const gr_real *)data)[i];
}

/* Row i of A times column j of B, where either may be stored transposed. */
static gr_real dot(const gr_gemm_def *def, const void *a, const void *b, int i, int j) {
    const size_t a0 = def->trans_a ? (size_t)i : (size_t)i * (size_t)def->lda;
    const size_t b0 = def->trans_b ? (size_t)j * (size_t)def->ldb : (size_t)j;
    const size_t step_a = def->trans_a ? (size_t)def->lda : 1, step_b = def->trans_b ? 1 : (size_t)def->ldb;
    gr_real sum = 0;
    for (size_t p = 0; p < (size_t)def->k; p++)
        sum += at(a, def->half, a0 + p * step_a) * at(b, def->half, b0 + p * step_b);
    return sum;
}

void gr__gemm_reference(const gr_gemm_def *def, void *c, const void *a, const void *b, const gr_real *bias) {
    for (int i = 0; i < def->m; i++)
        for (int j = 0; j < def->n; j++) {
            /* One number of the result: the sum, the bias, and what is there already if the product adds to it. */
            const size_t to = (size_t)i * (size_t)def->ldc + (size_t)j;
            gr_real sum = dot(def, a, b, i, j) + (def->bias ? bias[j] : 0);
            sum += def->accumulate ? at(c, def->half_c, to) : 0;

            /* Rounded once, if the result is bfloat16. */
            if (def->half_c)
                ((gr_half *)c)[to] = gr__narrow((float)sum);
            else
                ((gr_real *)c)[to] = sum;
        }
}

/* In the double library it is the product itself, and needs no preparation. */
#ifdef GR_DOUBLE
struct gr_gemm {
    gr_gemm_def def;
};

bool gr_gemm_pool_ready(gr_gemm_pool *pool) { return pool->bytes == 0; }
void gr_gemm_pool_free(gr_gemm_pool *pool) { (void)pool; }

gr_gemm *gr_gemm_new(const gr_gemm_def *def, gr_gemm_pool *pool) {
    (void)pool;
    gr_gemm *gemm = gr_alloc(sizeof *gemm);
    gemm->def = *def;
    return gemm;
}

void gr_gemm_free(gr_gemm *gemm) { gr_free(gemm); }

void gr_gemm_run(gr_gemm *gemm, void *c, const void *a, const void *b, const gr_real *bias) {
    gr__gemm_reference(&gemm->def, c, a, b, bias);
}

bool gr_gemm_has_half(void) { return false; }
#endif
