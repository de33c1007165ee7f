/* vec_gemv.c - a matrix times one vector, with weights in float or bfloat16. Each weight is read once and memory is the
 * limit: the loops follow the order of the rows (four rows side by side are slower by half) and ask for what lies AHEAD
 * bytes before it is needed, which the processor's own prefetching does not do across rows. An element of the result is
 * summed in the same order whatever else is computed with it. */
#include "kernel/math.h"
#include "kernel/vec.h"
#include <string.h>

enum {
    AHEAD = 8192,   /* bytes between what is read and what is asked for, along rows */
    ROWS_AHEAD = 8, /* the same in rows, where several are read side by side */
    LINE = 64       /* bytes of a cache line */
};

/* A register as a type of the compiler, lowered to what the instruction set has. */
typedef gr_real vec __attribute__((vector_size(GR_LANES * sizeof(gr_real)), aligned(sizeof(gr_real)), may_alias));

#define INLINE static inline __attribute__((always_inline))

/* A register of weights, and a single one, of either kind, as numbers. */
INLINE vec load(const gr_real *w) { return *(const vec *)w; }
INLINE gr_real one(const gr_real *w) { return *w; }

#ifndef GR_DOUBLE
typedef gr_half halves __attribute__((vector_size(GR_LANES * sizeof(gr_half)), aligned(sizeof(gr_half)), may_alias));
typedef uint32_t bits __attribute__((vector_size(GR_LANES * sizeof(uint32_t))));

INLINE vec load_half(const gr_half *w) { return (vec)(__builtin_convertvector(*(const halves *)w, bits) << 16); }
INLINE gr_real one_half(const gr_half *w) { return gr__widen(*w); }
#endif

/* The sum of a register's numbers. */
INLINE gr_real total(vec v) {
    gr_real each[GR_LANES], s = 0;
    *(vec *)each = v;
#pragma omp simd reduction(+ : s)
    for (int i = 0; i < GR_LANES; i++)
        s += each[i];
    return s;
}

/* The lines that begin among `size` bytes at w, AHEAD of them. */
INLINE void ask(const void *w, size_t size) {
    for (size_t i = 0; i < size; i += LINE)
        __builtin_prefetch((const char *)w + AHEAD + i);
}

/* y = W x: row by row, four sums each, so that additions do not wait for one another. */
#define GEMV(name, number, LOAD, ONE)                                                                       \
    static void name(gr_real *y, const number *w, int ld, const gr_real *x, int rows, int cols, bool add) { \
        for (int r = 0; r < rows; r++, w += ld) {                                                           \
            vec sum[4] = {0};                                                                               \
            int c = 0;                                                                                      \
            for (; c + 4 * GR_LANES <= cols; c += 4 * GR_LANES) {                                           \
                ask(w + c, 4 * GR_LANES * sizeof *w);                                                       \
                for (int i = 0; i < 4; i++)                                                                 \
                    sum[i] += LOAD(w + c + i * GR_LANES) * load(x + c + i * GR_LANES);                      \
            }                                                                                               \
            for (; c + GR_LANES <= cols; c += GR_LANES)                                                     \
                sum[0] += LOAD(w + c) * load(x + c);                                                        \
            gr_real s = total((sum[0] + sum[1]) + (sum[2] + sum[3]));                                       \
            for (; c < cols; c++)                                                                           \
                s += ONE(w + c) * x[c];                                                                     \
            y[r] = add ? y[r] + s : s;                                                                      \
        }                                                                                                   \
    }

/* y = W^T x: R rows at a time are added into y, which stays in the nearest cache. */
#define ADD_ROWS(R, y, w, ld, x, cols, number, LOAD, ONE)                    \
    do {                                                                     \
        int c = 0;                                                           \
        for (; c + GR_LANES <= (cols); c += GR_LANES) {                      \
            vec s = load((y) + c);                                           \
            for (int i = 0; i < (R); i++) {                                  \
                const number *row = (w) + (size_t)i * (size_t)(ld) + c;      \
                __builtin_prefetch(row + (size_t)ROWS_AHEAD * (size_t)(ld)); \
                s += LOAD(row) * (x)[i];                                     \
            }                                                                \
            *(vec *)((y) + c) = s;                                           \
        }                                                                    \
        for (; c < (cols); c++)                                              \
            for (int i = 0; i < (R); i++)                                    \
                (y)[c] += ONE((w) + (size_t)i * (size_t)(ld) + c) * (x)[i];  \
    } while (0)

#define GEMV_T(name, number, LOAD, ONE)                                                                     \
    static void name(gr_real *y, const number *w, int ld, const gr_real *x, int rows, int cols, bool add) { \
        int r = 0;                                                                                          \
        if (!add)                                                                                           \
            memset(y, 0, (size_t)cols * sizeof *y);                                                         \
        for (; r + 4 <= rows; r += 4, w += 4 * (size_t)ld)                                                  \
            ADD_ROWS(4, y, w, ld, x + r, cols, number, LOAD, ONE);                                          \
        for (; r < rows; r++, w += ld)                                                                      \
            ADD_ROWS(1, y, w, ld, x + r, cols, number, LOAD, ONE);                                          \
    }

GEMV(gemv, gr_real, load, one)
GEMV_T(gemv_t, gr_real, load, one)
#ifndef GR_DOUBLE
GEMV(gemv_half, gr_half, load_half, one_half)
GEMV_T(gemv_t_half, gr_half, load_half, one_half)
#endif

void GR_NAME(fill_gemv)(gr_kernels *k) {
    k->gemv = gemv;
    k->gemv_t = gemv_t;
#ifndef GR_DOUBLE
    k->gemv_half = gemv_half;
    k->gemv_t_half = gemv_t_half;
#endif
}
