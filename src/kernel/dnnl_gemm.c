/* dnnl_gemm.c - products in float32 or bfloat16 by oneDNN: one matmul primitive per gr_gemm, for fixed sizes.
 *
 * Everything that can fail or allocate on our side is settled in gr_gemm_new. Should oneDNN refuse a product there, or
 * fail to start it later (both mean that memory is gone), the reference loops compute it.
 */
#ifndef GR_DOUBLE
#include "base/mem.h"
#include "kernel/dnnl_attr.h"
#include "kernel/kernel.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct gr_gemm {
    gr_gemm_def def;
    dnnl_primitive_t primitive; /* NULL: the reference loops run */
    dnnl_stream_t stream;
    dnnl_memory_t a, b, c, bias, scratch;
    gr_gemm_pool *pool, own; /* pool: that of the caller, or own */
};

/* A matrix as oneDNN sees it: [rows x cols] at two strides, so that a transposed one is only read differently. */
typedef struct matrix {
    dnnl_dims_t dims, strides;
    dnnl_data_type_t type;
} matrix;

enum { A, B, C, BIAS, MATRICES };

/* ---- the one place that knows oneDNN's versions --------------------------------------------------------------------
 */

#if DNNL_VERSION_MAJOR >= 3

static bool product_new(dnnl_primitive_desc_t *product, dnnl_engine_t engine, const matrix *m,
                        const_dnnl_primitive_attr_t attr) {
    dnnl_memory_desc_t desc[MATRICES] = {0};
    bool ok = true;
    for (int i = 0; i < MATRICES && ok; i++)
        ok = !m[i].dims[0] || !dnnl_memory_desc_create_with_strides(&desc[i], 2, m[i].dims, m[i].type, m[i].strides);
    ok = ok && !dnnl_matmul_primitive_desc_create(product, engine, desc[A], desc[B], desc[BIAS], desc[C], attr);
    for (int i = 0; i < MATRICES; i++)
        if (desc[i])
            dnnl_memory_desc_destroy(desc[i]);
    return ok;
}

#else

static bool product_new(dnnl_primitive_desc_t *product, dnnl_engine_t engine, const matrix *m,
                        const_dnnl_primitive_attr_t attr) {
    dnnl_memory_desc_t desc[MATRICES];
    for (int i = 0; i < MATRICES; i++)
        if (m[i].dims[0] && dnnl_memory_desc_init_by_strides(&desc[i], 2, m[i].dims, m[i].type, m[i].strides))
            return false;
    dnnl_matmul_desc_t matmul;
    return !dnnl_matmul_desc_init(&matmul, &desc[A], &desc[B], m[BIAS].dims[0] ? &desc[BIAS] : NULL, &desc[C]) &&
           !dnnl_primitive_desc_create(product, &matmul, attr, engine, NULL);
}

#endif

/* ---- the engine: this process's processor, no state ------------------------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static dnnl_engine_t cpu;

/* oneDNN follows GRADROUTE_ISA downwards, as the kernel table does; the limit must be set before the first primitive.
 */
static void open_cpu(void) {
    const char *isa = getenv("GRADROUTE_ISA");
    if (isa && strcmp(isa, "base") == 0)
        dnnl_set_max_cpu_isa(dnnl_cpu_isa_sse41);
    if (isa && strcmp(isa, "avx2") == 0)
        dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);
    if (isa && strcmp(isa, "avx512") == 0)
        dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx512_core);
    if (dnnl_engine_create(&cpu, dnnl_cpu, 0))
        cpu = NULL;
}

/* ---- products ------------------------------------------------------------------------------------------------------
 */

/* [rows x cols] with row stride ld as stored, read as its transpose if asked. */
static matrix describe(int rows, int cols, int ld, bool transposed, bool half) {
    const int stored_cols = transposed ? rows : cols;
    assert(rows > 0 && cols > 0 && ld >= stored_cols);
    (void)stored_cols;
    matrix m = {{rows, cols}, {ld, 1}, half ? dnnl_bf16 : dnnl_f32};
    if (transposed) {
        m.strides[0] = 1;
        m.strides[1] = ld;
    }
    return m;
}

/* A memory object without data, as the product wants its argument. */
static bool memory_new(dnnl_memory_t *memory, const_dnnl_primitive_desc_t product, dnnl_query_t what, void *data) {
    return !dnnl_memory_create(memory, dnnl_primitive_desc_query_md(product, what, 0), cpu, data);
}

static bool open_product(gr_gemm *gemm, const_dnnl_primitive_desc_t product) {
    const size_t size = dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(product, dnnl_query_scratchpad_md, 0));
    gemm->pool->bytes = size > gemm->pool->bytes ? size : gemm->pool->bytes;
    return memory_new(&gemm->a, product, dnnl_query_src_md, DNNL_MEMORY_NONE) &&
           memory_new(&gemm->b, product, dnnl_query_weights_md, DNNL_MEMORY_NONE) &&
           memory_new(&gemm->c, product, dnnl_query_dst_md, DNNL_MEMORY_NONE) &&
           (!gemm->def.bias ||
            !dnnl_memory_create(&gemm->bias, dnnl_primitive_desc_query_md(product, dnnl_query_weights_md, 1), cpu,
                                DNNL_MEMORY_NONE)) &&
           memory_new(&gemm->scratch, product, dnnl_query_scratchpad_md, DNNL_MEMORY_NONE) &&
           !dnnl_stream_create(&gemm->stream, cpu, dnnl_stream_default_flags) &&
           !dnnl_primitive_create(&gemm->primitive, product);
}

bool gr_gemm_pool_ready(gr_gemm_pool *pool) {
    if (!pool->data && pool->bytes > 0)
        pool->data = gr_alloc_try(pool->bytes);
    return pool->data || pool->bytes == 0;
}

void gr_gemm_pool_free(gr_gemm_pool *pool) {
    gr_free(pool->data);
    *pool = (gr_gemm_pool){0};
}

gr_gemm *gr_gemm_new(const gr_gemm_def *def, gr_gemm_pool *pool) {
    gr_gemm *gemm = gr_alloc(sizeof *gemm);
    gemm->def = *def;
    gemm->pool = pool ? pool : &gemm->own;
    const matrix m[MATRICES] = {
        [A] = describe(def->m, def->k, def->lda, def->trans_a, def->half),
        [B] = describe(def->k, def->n, def->ldb, def->trans_b, def->half),
        [C] = describe(def->m, def->n, def->ldc, false, def->half_c),
        [BIAS] = def->bias ? describe(1, def->n, def->n, false, false) : (matrix){.type = dnnl_f32},
    };
    pthread_once(&once, open_cpu);
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t product = NULL;
    if (cpu && gr__dnnl_attr_new(&attr, def->accumulate) && product_new(&product, cpu, m, attr) &&
        !open_product(gemm, product) && gemm->primitive) {
        dnnl_primitive_destroy(gemm->primitive);
        gemm->primitive = NULL;
    }
    if (product)
        dnnl_primitive_desc_destroy(product);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    if (!pool && !gr_gemm_pool_ready(&gemm->own) && gemm->primitive) {
        dnnl_primitive_destroy(gemm->primitive);
        gemm->primitive = NULL;
    }
    return gemm;
}

void gr_gemm_free(gr_gemm *gemm) {
    if (!gemm)
        return;
    if (gemm->primitive)
        dnnl_primitive_destroy(gemm->primitive);
    if (gemm->stream)
        dnnl_stream_destroy(gemm->stream);
    dnnl_memory_t memory[] = {gemm->a, gemm->b, gemm->c, gemm->bias, gemm->scratch};
    for (int i = 0; i < 5; i++)
        if (memory[i])
            dnnl_memory_destroy(memory[i]);
    gr_gemm_pool_free(&gemm->own);
    gr_free(gemm);
}

static bool run(gr_gemm *gemm, void *c, const void *a, const void *b, const gr_real *bias) {
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, gemm->a},     {DNNL_ARG_WEIGHTS, gemm->b},
        {DNNL_ARG_DST, gemm->c},     {DNNL_ARG_SCRATCHPAD, gemm->scratch},
        {DNNL_ARG_BIAS, gemm->bias},
    };
    return !dnnl_memory_set_data_handle(gemm->a, (void *)a) && !dnnl_memory_set_data_handle(gemm->b, (void *)b) &&
           !dnnl_memory_set_data_handle(gemm->c, c) &&
           (!gemm->def.bias || !dnnl_memory_set_data_handle(gemm->bias, (void *)bias)) &&
           !dnnl_memory_set_data_handle(gemm->scratch, gemm->pool->data) &&
           !dnnl_primitive_execute(gemm->primitive, gemm->stream, gemm->def.bias ? 5 : 4, args) &&
           !dnnl_stream_wait(gemm->stream);
}

void gr_gemm_run(gr_gemm *gemm, void *c, const void *a, const void *b, const gr_real *bias) {
    const bool ready = gemm->primitive && (gemm->pool->data || gemm->pool->bytes == 0);
    if (!ready || !run(gemm, c, a, b, bias))
        gr__gemm_reference(&gemm->def, c, a, b, bias);
}

bool gr_gemm_has_half(void) { return strcmp(gr_kernel_isa(), "bf16") == 0; }
#endif
