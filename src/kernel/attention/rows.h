/* rows.h - what all forms of fast attention share: rows of q, k, v and their gradients in and out of buffers (turned,
 * scaled, widened), transposing, and the softmax of rows of scores. For vec_attention.c alone, and for what it
 * includes.
 *
 * Products read *units*: a number, or two bfloat16 numbers in the bits of one float where the processor multiplies
 * such pairs. Buffers of units are typed as numbers, and shuffles keep their bits.
 *
 * Keys come in *panels* of W: two registers of numbers, the columns of a tile of sums that stay in registers while a
 * product runs.
 */
#ifndef GR_KERNEL_ATTENTION_ROWS_H
#define GR_KERNEL_ATTENTION_ROWS_H

#include "kernel/math.h"
#include <string.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

enum {
#ifdef __AVX512F__
    MR = 8, /* rows of a register tile; 32 registers hold 8 x 2 sums */
#else
    MR = 4,
#endif
    L = GR_LANES,
    W = 2 * L,  /* keys in a panel: columns of a register tile */
    TILE = 32,  /* queries at a time in backward; a multiple of W and MR */
    BLOCK = 256 /* keys at a time in forward; a multiple of W */
};

typedef gr_vec vec;

static inline int most(int a, int b) { return a > b ? a : b; }
static inline int least(int a, int b) { return a < b ? a : b; }
static inline size_t larger(size_t a, size_t b) { return a > b ? a : b; }
static inline int round_up(int n, int to) { return (n + to - 1) / to * to; }

/* ---- shuffles ---------------------------------------------------------------------------------------------------- */

/* Lanes by number; the first halves of two registers, number by number in turn, and the second halves. */
#ifdef GR_DOUBLE
typedef int64_t index_vec __attribute__((vector_size(16)));
static const index_vec lane = {0, 1}, first_halves = {0, 2}, second_halves = {1, 3};
#elif defined __AVX512F__
typedef int32_t index_vec __attribute__((vector_size(64)));
static const index_vec lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const index_vec first_halves = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23};
static const index_vec second_halves = {8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
#elif defined __AVX__
typedef int32_t index_vec __attribute__((vector_size(32)));
static const index_vec lane = {0, 1, 2, 3, 4, 5, 6, 7};
static const index_vec first_halves = {0, 8, 1, 9, 2, 10, 3, 11}, second_halves = {4, 12, 5, 13, 6, 14, 7, 15};
#else
typedef int32_t index_vec __attribute__((vector_size(16)));
static const index_vec lane = {0, 1, 2, 3}, first_halves = {0, 4, 1, 5}, second_halves = {2, 6, 3, 7};
#endif

/* Numbers picked from one register or from two side by side. clang has no such builtin for masks in variables. */
#ifdef __clang__
static inline vec picked(vec a, vec b, index_vec from) {
    vec y;
    for (int i = 0; i < L; i++)
        y[i] = from[i] < L ? a[from[i]] : b[from[i] - L];
    return y;
}
#else
static inline vec picked(vec a, vec b, index_vec from) { return __builtin_shuffle(a, b, from); }
#endif

/* y [n x L] = x [L x n] transposed, n <= L, row strides ldy and ldx; reads whole registers. Each pass moves the highest
 * bit of the row's number to the lowest of the column's. */
static inline void transpose_block(gr_real *y, int ldy, const gr_real *x, int ldx, int n) {
    vec a[L], b[L];
#pragma GCC unroll 16
    for (int i = 0; i < L; i++)
        a[i] = *(const vec *)(x + (size_t)i * ldx);

        /* log2(L) passes. */
#pragma GCC unroll 4
    for (int step = 1; step < L; step *= 2) {
#pragma GCC unroll 16
        for (int i = 0; i < L / 2; i++) {
            b[2 * i] = picked(a[i], a[i + L / 2], first_halves);
            b[2 * i + 1] = picked(a[i], a[i + L / 2], second_halves);
        }
#pragma GCC unroll 16
        for (int i = 0; i < L; i++)
            a[i] = b[i];
    }
    for (int i = 0; i < n; i++)
        *(vec *)(y + (size_t)i * ldy) = a[i];
}

/* ---- rows in and out --------------------------------------------------------------------------------------------- */

/* Rows of q, k, v or a gradient where they lie. */
typedef struct source {
    const void *x; /* row 0: numbers, or gr_half */
    bool half;
    int stride, size;
    const gr_real *turn; /* cos and sin of the angles of row 0, as in gr_head; NULL: not turned */
    int apart;           /* as in gr_head */
    gr_real s;           /* factor: the scale of scores for q, else 1 */
} source;

/* Number `at` of x, which holds numbers or halves. */
static inline void *place(const void *x, bool half, size_t at) {
    return (char *)x + at * (half ? sizeof(gr_half) : sizeof(gr_real));
}

/* cos and sin of the angles of a row; NULL where nothing is turned. */
static inline const gr_real *turn_of_row(const gr_real *turn, int row, int size) {
    return turn ? turn + (size_t)row * (size_t)size : NULL;
}

/* x = s x in n numbers. */
static inline void scale_row(gr_real *x, gr_real s, int n) { GR_PUT(x, false, n, s * x[i]); }

/* y = s x, where (x[i], x[i + h]), i < h, are pairs to turn: turn holds cos of all of them, then sin. w as below. */
static inline void turn_halves(gr_real *y, const gr_real *x, const gr_real *turn, gr_real s, gr_real w, int size,
                               int h) {
#pragma omp simd
    for (int i = 0; i < h; i++) {
        gr_real c = s * turn[i], d = w * turn[h + i], x0 = x[i], x1 = x[h + i];
        y[i] = c * x0 - d * x1;
        y[h + i] = d * x0 + c * x1;
    }
    GR_PUT(y + 2 * h, false, size - 2 * h, s * x[2 * h + i]);
}

/* y = s x, each pair (x0, x1) turned by its angle: turn holds cos and sin of each pair, NULL: nothing is turned. w is
 * the factor of the sines: s, or -s to turn by minus the angle. apart as in gr_head. */
static inline void turn_row(gr_real *y, const gr_real *x, const gr_real *turn, gr_real s, gr_real w, int size,
                            int apart) {
    if (!turn) {
        GR_PUT(y, false, size, s * x[i]);
        return;
    }
    if (apart) {
        turn_halves(y, x, turn, s, w, size, apart);
        return;
    }

    /* Pairs of neighbours, a register at a time: the other of a pair is in lane ^ 1. The sine counts with a minus for
     * the first of a pair and a plus for the second. */
    const vec sign = w * __builtin_convertvector(2 * (lane & 1) - 1, vec);
    int i = 0;
    for (; i + L <= size; i += L) {
        vec angle = *(const vec *)(turn + i), v = *(const vec *)(x + i);
        vec c = s * picked(angle, angle, lane & ~1), d = sign * picked(angle, angle, lane | 1);
        *(vec *)(y + i) = c * v + d * picked(v, v, lane ^ 1);
    }

    /* What is left over, pair by pair. */
    for (; i < size; i += 2) {
        gr_real c = s * turn[i], d = w * turn[i + 1], x0 = x[i], x1 = x[i + 1];
        y[i] = c * x0 - d * x1;
        y[i + 1] = d * x0 + c * x1;
    }
}

/* Asks for row t, if there is one: rows lie far apart, and the processor does not foresee where the next one is. */
static inline void expect_row(const source *from, int t, int rows) {
    const size_t unit = from->half ? sizeof(gr_half) : sizeof(gr_real);
    const char *x = place(from->x, from->half, (size_t)t * (size_t)from->stride);
    if (t < rows)
        for (size_t at = 0; at < (size_t)from->size * unit; at += 64)
            __builtin_prefetch(x + at);
}

/* Row t as numbers, turned and scaled, padded with 0 up to ld. */
static inline void fetch_row(gr_real *y, int ld, const source *from, int t) {
    const void *x = place(from->x, from->half, (size_t)t * (size_t)from->stride);
    const gr_real *row = x;

    /* bfloat16 is widened into y first, and turned there. */
#ifndef GR_DOUBLE
    if (from->half) {
        const gr_half *h = x;
        GR_PUT(y, false, from->size, gr__widen(h[i]));
        row = y;
    }
#endif

    /* Behind the row zeros, as products read whole registers. */
    turn_row(y, row, turn_of_row(from->turn, t, from->size), from->s, from->s, from->size, from->apart);
    for (int i = from->size; i < ld; i++)
        y[i] = 0;
}

/* y (+)= x in the kind of y. */
static inline void put_row(void *y, bool half, bool add, const gr_real *x, int size) {
    if (!half) {
        gr_real *to = y;
        GR_PUT(to, add, size, x[i]);
        return;
    }
#ifndef GR_DOUBLE
    gr_half *to = y;
#ifdef __AVX512BF16__
    /* 32 numbers at a time: whole cache lines, if rows begin at one. */
    int done = 0;
    for (int i = 0; i + 32 <= size; done = i += 32) {
        __m512 a = _mm512_loadu_ps(x + i), b = _mm512_loadu_ps(x + i + 16);
        if (add) {
            a += (__m512)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(to + i))), 16);
            b += (__m512)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(to + i + 16))),
                                           16);
        }
        _mm512_storeu_si512(to + i, (__m512i)_mm512_cvtne2ps_pbh(b, a));
    }
    to += done, x += done, size -= done;
#endif

    /* The rest, or all: rounded; what it is added to is widened first. */
    if (add)
        GR_PUT(to, false, size, gr__narrow(gr__widen(to[i]) + x[i]));
    else
        GR_PUT(to, false, size, gr__narrow(x[i]));
#endif
}

/* Query head `part` of those that share keys, the keys (part = group_size) or the values (group_size + 1). */
static inline source part_of(const gr_head *head, int part) {
    return (source){place(head->qkv, head->half, (size_t)part * (size_t)head->size),
                    head->half,
                    head->stride,
                    head->size,
                    part <= head->group_size ? head->turn : NULL,
                    head->apart,
                    part < head->group_size ? head->scale : 1};
}

/* Rows [t0, t1) of a part's gradient in x, scaled and turned back, into dqkv. */
static inline void put_part(void *dqkv, bool add, const gr_head *head, int part, gr_real *x, int ld, int t0, int t1) {
    source to = part_of(head, part);
    to.x = place(dqkv, to.half, (size_t)part * (size_t)to.size);

    /* The factor and the rotation of q and k apply to their gradients too, the latter the other way round: a
     * rotation's transpose. */
    for (int t = t0; t < t1; t++, x += ld) {
        expect_row(&to, t + 16, t1);
        if (to.turn || to.s != 1)
            turn_row(x, x, turn_of_row(to.turn, t, to.size), to.s, -to.s, to.size, to.apart);
        put_row(place(to.x, to.half, (size_t)t * (size_t)to.stride), to.half, add, x, to.size);
    }
}

/* The next rows * n numbers of scratch, up to whole cache lines. Scratch may be NULL, to count. */
static inline gr_real *take(size_t *used, gr_real *scratch, int rows, int n) {
    size_t at = *used;
    *used += ((size_t)rows * (size_t)n + 15) / 16 * 16;
    return scratch ? scratch + at : NULL;
}

/* ---- rows of scores ---------------------------------------------------------------------------------------------- */

static inline vec of_lanes(vec x, index_vec mask) { return (vec)((index_vec)x & mask); }

#ifdef __AVX512F__
static inline vec max_vec(vec a, vec b) { return (vec)_mm512_max_ps((__m512)a, (__m512)b); }

/* gr_exp (kernel/math.h says how its numbers were found) with the processor's own rounding and scaling. */
static inline vec exp_vec(vec x) {
    const __m512 least_x = _mm512_set1_ps(-150), in = _mm512_max_ps(least_x, (__m512)x);
    const __m512 n = _mm512_roundscale_ps(in * 0x1.715476p0f, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = in - n * 0x1.62e4p-1f, q;
    r = r - n * 0x1.7f7d1cp-20f;
    q = 0.00139262135f * r + 0.00836320297f;
    q = q * r + 0.0416665544f;
    q = q * r + 0.166665768f;
    q = q * r + 0.5f;
    return (vec)_mm512_scalef_ps(q * r * r + r + 1, n);
}
#else
static inline vec max_vec(vec a, vec b) {
    const index_vec mask = a > b;
    return (vec)(((index_vec)a & mask) | ((index_vec)b & ~mask));
}
static inline vec exp_vec(vec x) {
    gr_real y[L];
    memcpy(y, &x, sizeof y);
    GR_PUT(y, false, L, gr_exp(y[i]));
    memcpy(&x, y, sizeof x);
    return x;
}
#endif

/* The scores of keys below number `low` become ones that weigh nothing: exp(-INFINITY) is 0. */
static inline void hide_row(gr_real *s, int low) {
    const vec never = (vec){0} - (gr_real)INFINITY;
    vec *x = (vec *)s;
    for (int j = 0; j * L < low; j++) {
        const index_vec seen = lane + j * L >= low;
        x[j] = (vec)(((index_vec)x[j] & seen) | ((index_vec)never & ~seen));
    }
}

/* A block of n scores of a query becomes exp(score - top), 0 for keys beyond number `limit`, where top and sum go on
 * from earlier blocks. Returns what earlier weights are to be multiplied by. n: whole registers. At least one score
 * must count, or top would be -INFINITY. */
static inline gr_real exp_row(gr_real *s, gr_real *top, gr_real *sum, int limit, int n, bool first) {
    const vec never = (vec){0} - (gr_real)INFINITY;
    vec *x = (vec *)s, high, z = {0};

    /* Keys behind the query do not count. */
    for (int j = (limit + 1) / L; j < n / L; j++) {
        const index_vec seen = lane + j * L <= limit;
        x[j] = (vec)(((index_vec)x[j] & seen) | ((index_vec)never & ~seen));
    }

    /* top: the largest score of this block and those before. What has been summed so far is relative to the old one,
     * and must shrink. */
    high = x[0];
    for (int j = 1; j < n / L; j++)
        high = max_vec(x[j], high);
    gr_real m = gr_lanes_max(high), shrink = 1;
    if (!first) {
        m = *top > m ? *top : m;
        shrink = gr_exp(*top - m);
    }

    /* Weights relative to it, and their sum. */
    for (int j = 0; j < n / L; j++) {
        x[j] = exp_vec(x[j] - m);
        z += x[j];
    }
    *top = m;
    *sum = first ? gr_lanes_sum(z) : *sum * shrink + gr_lanes_sum(z);
    return shrink;
}

/* p = exp(s - lse) in nv registers, 0 for keys beyond number `limit`; part += p dp, lane by lane: whoever needs the sum
 * adds the lanes up in the end. */
static inline void weigh_row(gr_real *s, const gr_real *dp, gr_real *part, gr_real lse, int limit, int nv) {
    for (int j = 0; j < nv * L; j += L) {
        vec p = exp_vec(*(vec *)(s + j) - lse);
        if (j + L - 1 > limit)
            p = of_lanes(p, lane + j <= limit);
        *(vec *)(s + j) = p;
        *(vec *)part += p * *(const vec *)(dp + j);
    }
}

#endif
