/* bound.c - the best time of one product over the layouts that oneDNN offers. */
#include "bench/bound.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sort.h"
#include "kernel/dnnl_shim.h"

enum {
    BLOCK = 512,  /* rows (or terms of the sum) of a product that is cut, as the engine cuts it */
    LAYOUTS = 3,  /* of each of A and B */
    RUNS_MAX = 64 /* of one way */
};
typedef enum layout { BY_ROWS, BY_COLUMNS, PACKED } layout;

/* One way to compute the product, open for running. */
typedef struct trial {
    dnnl_engine_t cpu;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    dnnl_memory_t memory[4]; /* A, B, C, scratch */
    char *data[4];
    size_t step[3]; /* bytes from one block to the next */
    int blocks;
} trial;

/* ---- one way ---------------------------------------------------------------------------------------------------- */

/* Plain loops would take minutes for the larger products: nobody's best way. */
static bool is_plain_loops(const_dnnl_primitive_desc_t product) {
    const char *name = "ref";
    dnnl_primitive_desc_query(product, dnnl_query_impl_info_str, 0, &name);
    return strncmp(name, "ref", 3) == 0;
}

/* Memory of argument `which`, `copies` times: written once, since pages that were never written are all one page. */
static bool take(trial *t, int which, const_dnnl_primitive_desc_t product, dnnl_query_t what, int copies) {
    size_t size = (dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(product, what, 0)) + 63) / 64 * 64;
    t->data[which] = gr_alloc_try(size * (size_t)copies + 64);
    if (!t->data[which])
        return false;
    memset(t->data[which], 0x3c, size * (size_t)copies); /* 0.01, in either precision */
    if (which < 3)
        t->step[which] = copies > 1 ? size : 0;
    return !dnnl_memory_create(&t->memory[which], dnnl_primitive_desc_query_md(product, what, 0), t->cpu,
                               t->data[which]);
}

/* A matrix of the product in one of the layouts. */
static gr__dnnl_matrix describe(int rows, int cols, dnnl_data_type_t type, layout how) {
    gr__dnnl_matrix m = {{rows, cols}, {cols, 1}, type, how == PACKED};
    if (how == BY_COLUMNS) {
        m.strides[0] = 1;
        m.strides[1] = rows;
    }
    return m;
}

/* One way to compute the product; false if there is none or memory is gone. */
static bool trial_open(trial *t, int m, int n, int k, bool half, bool accumulate, layout a, layout b) {
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t product = NULL;
    const dnnl_data_type_t type = half ? dnnl_bf16 : dnnl_f32;
    const gr__dnnl_matrix matrix[GR__DNNL_MATRICES] = {
        [GR__DNNL_A] = describe(m, k, type, a),
        [GR__DNNL_B] = describe(k, n, type, b),
        [GR__DNNL_C] = describe(m, n, accumulate ? dnnl_f32 : type, BY_ROWS),
    };

    /* Memory for each argument as the product wants it, then the product itself. */
    bool ok = gr__dnnl_attr_new(&attr, accumulate) && gr__dnnl_product_new(&product, t->cpu, matrix, attr) &&
              !is_plain_loops(product) && take(t, 0, product, dnnl_query_src_md, t->blocks) &&
              take(t, 1, product, dnnl_query_weights_md, accumulate ? t->blocks : 1) &&
              take(t, 2, product, dnnl_query_dst_md, accumulate ? 1 : t->blocks) &&
              take(t, 3, product, dnnl_query_scratchpad_md, 1) &&
              !dnnl_stream_create(&t->stream, t->cpu, dnnl_stream_default_flags) &&
              !dnnl_primitive_create(&t->primitive, product);

    if (product)
        dnnl_primitive_desc_destroy(product);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    return ok;
}

static void trial_close(trial *t) {
    if (t->primitive)
        dnnl_primitive_destroy(t->primitive);
    if (t->stream)
        dnnl_stream_destroy(t->stream);
    for (int i = 0; i < 4; i++) {
        if (t->memory[i])
            dnnl_memory_destroy(t->memory[i]);
        gr_free(t->data[i]);
    }
}

/* Seconds of the whole product once; 0 if oneDNN fails. */
static double run(trial *t) {
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, t->memory[0]},
                                    {DNNL_ARG_WEIGHTS, t->memory[1]},
                                    {DNNL_ARG_DST, t->memory[2]},
                                    {DNNL_ARG_SCRATCHPAD, t->memory[3]}};

    /* Block by block: the pointers move on, by 0 where all blocks share an operand. */
    double from = gr__now();
    for (int block = 0; block < t->blocks; block++) {
        for (int i = 0; i < 3; i++)
            dnnl_memory_set_data_handle(t->memory[i], t->data[i] + (size_t)block * t->step[i]);
        if (dnnl_primitive_execute(t->primitive, t->stream, 4, args) || dnnl_stream_wait(t->stream))
            return 0;
    }
    return gr__now() - from;
}

/* The median of a few runs, more of short ones; a way that is plainly slower than the best so far (0: none) is not run
 * again. */
static double trial_time(trial *t, double best, double seconds) {
    double spent[RUNS_MAX], sum = 0;
    int count = 0;

    /* At least three runs, more of a short one; none at all if the first is three times as slow as the best so far. */
    double first = run(t); /* wakes threads and caches */
    while (first > 0 && (best == 0 || first < 3 * best) && count < RUNS_MAX && (count < 3 || sum < seconds)) {
        spent[count] = run(t);
        sum += spent[count++];
        if (best > 0 && spent[count - 1] > 1.3 * best)
            break;
    }

    /* The median does not mind a run that was disturbed. */
    return gr__median(spent, count);
}

/* ---- all ways --------------------------------------------------------------------------------------------------- */

/* Tries one way, and keeps its time if it is the best. */
static void consider(double *best, dnnl_engine_t cpu, int blocks, int m, int n, int k, bool half, bool accumulate,
                     double seconds, int way) {
    trial t = {.cpu = cpu, .blocks = blocks};
    if (trial_open(&t, m, n, k, half, accumulate, (layout)(way / LAYOUTS), (layout)(way % LAYOUTS))) {
        double spent = trial_time(&t, *best, seconds);
        if (spent > 0 && (*best == 0 || spent < *best))
            *best = spent;
    }
    trial_close(&t);
}

double gr_gemm_bound(int m, int n, int k, bool half, bool accumulate, double seconds) {
    dnnl_engine_t cpu;
    double best = 0;

    /* The rows of A (or the sum's index, where blocks add up) can be cut if blocks fit. */
    int whole = accumulate ? k : m, blocks = whole % BLOCK == 0 ? whole / BLOCK : 1;
    if (dnnl_engine_create(&cpu, dnnl_cpu, 0))
        return 0;
    for (int way = LAYOUTS * LAYOUTS - 1; way >= 0; way--) { /* packed first: mostly the fastest, it cuts the rest */
        consider(&best, cpu, 1, m, n, k, half, accumulate, seconds, way);
        if (blocks > 1)
            consider(&best, cpu, blocks, accumulate ? m : BLOCK, n, accumulate ? BLOCK : k, half, accumulate, seconds,
                     way);
    }
    dnnl_engine_destroy(cpu);
    return best;
}
