/* dnnl_gemm.c - products in float32 or bfloat16 by oneDNN: one matmul primitive per gr_gemm, for fixed sizes.
 *
 * Everything that can fail or allocate on our side is settled in gr_gemm_new. Where oneDNN does not know a product, the
 * reference loops compute it; where it has no memory for one, the process ends as gr_alloc does.
 */
#ifndef GR_DOUBLE
#include "base/mem.h"
#include "kernel/dnnl_shim.h"
#include "kernel/kernel.h"

#include <assert.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A matrix with gaps between its rows that is multiplied from (or into) a copy without. */
typedef struct closed_up {
    size_t at;            /* of the copy in the pool */
    int rows;             /* 0: multiplied as it is */
    size_t width, stride; /* bytes of a row, and from row to row with the gap */
} closed_up;

enum { A = GR__DNNL_A, B = GR__DNNL_B, C = GR__DNNL_C, BIAS = GR__DNNL_BIAS, MATRICES = GR__DNNL_MATRICES };

/* What one thread needs of its own to run a product. */
typedef struct lane {
    dnnl_stream_t stream;
    dnnl_memory_t memory[MATRICES], scratch;
} lane;

struct gr_gemm {
    gr_gemm_def def;
    dnnl_primitive_t primitive; /* NULL: the reference loops run */
    closed_up copy[BIAS];       /* of A, B and C */
    gr_gemm_pool *pool, own;    /* pool: that of the caller, or own */
    int threads;                /* threads that may run it at the same time */
    lane thread[];
};

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
    if (isa && strcmp(isa, "bf16") == 0)
        dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx512_core_bf16);
    if (!gr__dnnl_done(dnnl_engine_create(&cpu, dnnl_cpu, 0)))
        cpu = NULL;
}

/* ---- products ---- */

/* [rows x cols] with row stride ld as stored, read as its transpose if asked. */
static gr__dnnl_matrix describe(int rows, int cols, int ld, bool transposed, bool half) {
    const int stored_cols = transposed ? rows : cols;
    assert(rows > 0 && cols > 0 && ld >= stored_cols);
    (void)stored_cols;
    gr__dnnl_matrix m = {{rows, cols}, {ld, 1}, half ? dnnl_bf16 : dnnl_f32, false};
    if (transposed) {
        m.strides[0] = 1;
        m.strides[1] = ld;
    }
    return m;
}

static size_t lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

/* Room in the pool: oneDNN's scratch, then the copies. */
static void take_room(gr_gemm *gemm, size_t scratch) {
    size_t size = lines(scratch);
    for (int i = A; i < BIAS; i++) {
        gemm->copy[i].at = size;
        size += lines((size_t)gemm->copy[i].rows * gemm->copy[i].width);
    }
    gemm->pool->bytes = size > gemm->pool->bytes ? size : gemm->pool->bytes;
    gemm->pool->threads = gemm->threads > gemm->pool->threads ? gemm->threads : gemm->pool->threads;
}

/* Memory objects without data, as the product wants its arguments. */
static bool open_lane(lane *l, bool bias, const_dnnl_primitive_desc_t product) {
    static const dnnl_query_t what[BIAS] = {dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md};
    bool ok =
        gr__dnnl_done(dnnl_stream_create(&l->stream, cpu, dnnl_stream_default_flags)) &&
        gr__dnnl_done(dnnl_memory_create(
            &l->scratch, dnnl_primitive_desc_query_md(product, dnnl_query_scratchpad_md, 0), cpu, DNNL_MEMORY_NONE));

    /* A, B, C, and the bias, which oneDNN counts as a second array of weights. */
    for (int i = A; ok && i < BIAS + bias; i++)
        ok =
            gr__dnnl_done(dnnl_memory_create(&l->memory[i],
                                             i == BIAS ? dnnl_primitive_desc_query_md(product, dnnl_query_weights_md, 1)
                                                       : dnnl_primitive_desc_query_md(product, what[i], 0),
                                             cpu, DNNL_MEMORY_NONE));
    return ok;
}

/* The primitive, and for each thread what it needs to run it. */
static bool open_product(gr_gemm *gemm, const_dnnl_primitive_desc_t product) {
    take_room(gemm, dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(product, dnnl_query_scratchpad_md, 0)));
    bool ok = gr__dnnl_done(dnnl_primitive_create(&gemm->primitive, product));
    for (int i = 0; ok && i < gemm->threads; i++)
        ok = open_lane(&gemm->thread[i], gemm->def.bias, product);
    return ok;
}

bool gr_gemm_pool_ready(gr_gemm_pool *pool) {
    if (!pool->data && pool->bytes > 0)
        pool->data = gr_alloc_try(pool->bytes * (size_t)pool->threads);
    return pool->data || pool->bytes == 0;
}

void gr_gemm_pool_free(gr_gemm_pool *pool) {
    gr_free(pool->data);
    *pool = (gr_gemm_pool){0};
}

/* ---- rows without gaps ------------------------------------------------------------------------------------------ */

/* Gaps cost: oneDNN multiplies by the processor's tiles (AMX) only between rows without, and chooses its kernels by the
 * strides, so that a matrix would give other bits inside a wider one. A copy costs less than either. */
static void close_up(gr_gemm *gemm, gr_gemm_def *dense) {
    const gr_gemm_def *d = &gemm->def;

    /* Columns and rows of each matrix as stored. */
    const int width[BIAS] = {d->trans_a ? d->m : d->k, d->trans_b ? d->k : d->n, d->n};
    const int rows[BIAS] = {d->trans_a ? d->k : d->m, d->trans_b ? d->n : d->k, d->m};
    int *ld[BIAS] = {&dense->lda, &dense->ldb, &dense->ldc};
    for (int i = A; i < BIAS; i++) {
        /* A matrix with gaps: its row stride in the product becomes its width. */
        const size_t unit = (i == C ? d->half_c : d->half) ? sizeof(gr_half) : sizeof(gr_real);
        if (*ld[i] == width[i])
            continue;
        gemm->copy[i] = (closed_up){0, rows[i], (size_t)width[i] * unit, (size_t)*ld[i] * unit};
        *ld[i] = width[i];
    }
}

static void move_row(const closed_up *copy, char *close, char *spread, int i, bool out) {
    char *row = spread + (size_t)i * copy->stride, *own = close + (size_t)i * copy->width;
    if (out)
        memcpy(row, own, copy->width);
    else
        memcpy(own, row, copy->width);
}

/* Closes the rows of a matrix up, or spreads the copy's out again; returns what the product works on. */
static void *move_rows(const gr_gemm *gemm, int which, char *room, void *spread, bool out) {
    const closed_up *copy = &gemm->copy[which];
    if (!copy->rows)
        return spread;
    char *close = room + copy->at;

    if (gemm->def.single_thread) { /* within a parallel region, where even one of a single thread costs */
        for (int i = 0; i < copy->rows; i++)
            move_row(copy, close, spread, i, out);
        return close;
    }
#pragma omp parallel for schedule(static)
    for (int i = 0; i < copy->rows; i++)
        move_row(copy, close, spread, i, out);
    return close;
}

/* ---- making and running ----------------------------------------------------------------------------------------- */

/* A product that one thread computes is made as if there were no others. */
static bool make(gr_gemm *gemm, const gr__dnnl_matrix *m) {
    const int threads = omp_get_max_threads();
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t product = NULL;
    if (gemm->def.single_thread)
        omp_set_num_threads(1);

    /* oneDNN makes a product for as many threads as OpenMP would start. */
    bool ok = cpu && gr__dnnl_attr_new(&attr, gemm->def.accumulate) && gr__dnnl_product_new(&product, cpu, m, attr) &&
              open_product(gemm, product);
    omp_set_num_threads(threads);
    if (product)
        dnnl_primitive_desc_destroy(product);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    return ok;
}

/* Sizes are settled here: oneDNN compiles a kernel for them. */
gr_gemm *gr_gemm_new(const gr_gemm_def *def, gr_gemm_pool *pool) {
    const int threads = def->single_thread ? omp_get_max_threads() : 1;
    gr_gemm *gemm = gr_alloc(sizeof *gemm + (size_t)threads * sizeof *gemm->thread);
    gr_gemm_def dense = gemm->def = *def;
    gemm->pool = pool ? pool : &gemm->own;
    gemm->threads = threads;

    /* The product that oneDNN sees has no gaps between rows. */
    pthread_once(&once, open_cpu);
    close_up(gemm, &dense);
    const gr__dnnl_matrix m[MATRICES] = {
        [A] = describe(def->m, def->k, dense.lda, def->trans_a, def->half),
        [B] = describe(def->k, def->n, dense.ldb, def->trans_b, def->half),
        [C] = describe(def->m, def->n, dense.ldc, false, def->half_c),
        [BIAS] = def->bias ? describe(1, def->n, def->n, false, false) : (gr__dnnl_matrix){.type = dnnl_f32},
    };

    /* What oneDNN does not know, or a pool of its own that was refused: the reference loops. */
    const bool ready = make(gemm, m) && (pool || gr_gemm_pool_ready(&gemm->own));
    if (!ready && gemm->primitive) {
        dnnl_primitive_destroy(gemm->primitive);
        gemm->primitive = NULL;
    }
    return gemm;
}

/* Whatever part of it was made. */
void gr_gemm_free(gr_gemm *gemm) {
    if (!gemm)
        return;
    if (gemm->primitive)
        dnnl_primitive_destroy(gemm->primitive);

    /* What each thread has of its own. */
    for (int i = 0; i < gemm->threads; i++) {
        lane *l = &gemm->thread[i];
        if (l->stream)
            dnnl_stream_destroy(l->stream);
        if (l->scratch)
            dnnl_memory_destroy(l->scratch);
        for (int k = A; k < MATRICES; k++)
            if (l->memory[k])
                dnnl_memory_destroy(l->memory[k]);
    }
    gr_gemm_pool_free(&gemm->own);
    gr_free(gemm);
}

/* Lane `which`; false: oneDNN could not. */
static bool run(gr_gemm *gemm, int which, void *spread, const void *a, const void *b, const gr_real *bias) {
    const lane *l = &gemm->thread[which];
    char *room = (char *)gemm->pool->data + gemm->pool->bytes * (size_t)which;
    const closed_up *c = &gemm->copy[C];

    /* Operands without gaps. Of C only the room is needed unless the product adds to it. */
    void *data[MATRICES] = {[A] = move_rows(gemm, A, room, (void *)a, false),
                            [B] = move_rows(gemm, B, room, (void *)b, false),
                            [BIAS] = (void *)bias};
    if (c->rows && !gemm->def.accumulate)
        data[C] = room + c->at;
    else
        data[C] = move_rows(gemm, C, room, spread, false);

    /* This thread's memory objects point to them. */
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, l->memory[A]},      {DNNL_ARG_WEIGHTS, l->memory[B]}, {DNNL_ARG_DST, l->memory[C]},
        {DNNL_ARG_SCRATCHPAD, l->scratch}, {DNNL_ARG_BIAS, l->memory[BIAS]},
    };
    bool ok = gr__dnnl_done(dnnl_memory_set_data_handle(l->scratch, gemm->pool->data ? room : NULL));
    for (int i = A; ok && i < BIAS + gemm->def.bias; i++)
        ok = gr__dnnl_done(dnnl_memory_set_data_handle(l->memory[i], data[i]));

    /* The product, and the result's rows to where they belong. */
    return ok && gr__dnnl_done(dnnl_primitive_execute(gemm->primitive, l->stream, gemm->def.bias ? 5 : 4, args)) &&
           gr__dnnl_done(dnnl_stream_wait(l->stream)) && move_rows(gemm, C, room, spread, true);
}

/* Outside of a parallel region a product of one thread asks OpenMP for one, and gives the others back. */
void gr_gemm_run(gr_gemm *gemm, void *c, const void *a, const void *b, const gr_real *bias) {
    const int which = gemm->def.single_thread ? omp_get_thread_num() : 0, threads = omp_get_max_threads();
    const bool ready = gemm->primitive && (gemm->pool->data || gemm->pool->bytes == 0);
    const bool apart =
        gemm->def.single_thread && threads > 1 && !omp_in_parallel(); /* or oneDNN would call on the others */

    /* If oneDNN cannot, the plain loops: other bits, but the same product. */
    assert(which < gemm->threads);
    if (apart)
        omp_set_num_threads(1);
    if (!ready || !run(gemm, which, c, a, b, bias))
        gr__gemm_reference(&gemm->def, c, a, b, bias);
    if (apart)
        omp_set_num_threads(threads);
}

bool gr_gemm_has_half(void) {
    const char *isa = gr_kernel_isa();
    return strcmp(isa, "bf16") == 0 || strcmp(isa, "amx") == 0;
}
#endif
