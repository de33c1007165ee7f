/* vec_attention.c - the query heads of one head of keys and values in one document: causal softmax attention in tiles,
 * so that no square matrix is kept. Backward computes probabilities again from each row's log-sum-exp (Dao et al.
 * 2022). In plain loops: attention_reference.c.
 *
 * With p = softmax(q k^T) per row:  dv = p^T do,  ds = p (do v^T - rowsum(p do v^T)),  dq = ds k,  dk = ds^T q.
 *
 * There are three forms, and the choice among them at the end of this file:
 *
 *   single   units of one number: every instruction set          pass.h, with the few operations below it in U = 1
 *   pairs    units of two bfloat16 numbers, AVX-512 BF16          pass.h once more, with those in U = 2
 *   tiles    the same units, multiplied by AMX                    tiles.h, tiles_pass.h
 *
 * Each form defines for pass.h: step (a unit of a product), units (a row of q, k, v as units), between (rows to the
 * layout of that name), narrow (a row of weights to units), join (p to that layout), slopes (ds from p and dp).
 *
 * The row sum is taken from p and do v^T, not from do and the stored result: in bfloat16 the latter is rounded, and
 * what it is off by is the same for all keys of a query.
 */
#include "kernel/attention/rows.h"
#include "kernel/vec.h"

/* ---- units of one number ----------------------------------------------------------------------------------------- */

#define U 1
#define OF(name) name##_single

static inline __attribute__((always_inline)) vec step_single(vec sum, gr_real a, vec b) { return sum + a * b; }
static inline void units_single(gr_real *y, int ld, const source *from, int t) { fetch_row(y, ld, from, t); }
static inline void between_single(gr_real *y, int wide, const gr_real *x, int ld, int rows) {}
static inline void narrow_single(gr_real *s, int n) {}
static inline void join_single(gr_real *p, gr_real *s, gr_real *dp, int rows, int nv) {}

/* ds takes the place of dp. */
static inline void slopes_single(gr_real *ds, gr_real *dsb, const gr_real *p, const gr_real *dp, const gr_real *delta,
                                 int rows, int nv) {
    for (int i = 0; i < rows; i++, ds += W, p += W)
#pragma omp simd
        for (int l = 0; l < nv * L; l++)
            ds[l] = p[l] * (ds[l] - delta[i]);
}

#include "kernel/attention/pass.h"
#undef U
#undef OF

/* ---- units of two bfloat16 numbers ------------------------------------------------------------------------------- */

#ifdef __AVX512BF16__
#define U 2
#define OF(name) name##_pairs

static inline __attribute__((always_inline)) vec step_pairs(vec sum, gr_real a, vec b) {
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_ps(a), (__m512bh)b);
}

/* The numbers of a register before and those behind it as 32 halves. */
static inline __m512i both(__m512 low, __m512 high) { return (__m512i)_mm512_cvtne2ps_pbh(high, low); }

/* Halves i of the first and of the second 16 side by side. */
static inline __m512i side_by_side(__m512i x) {
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                           21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, x);
}

static inline __m512 low(__m512i pairs) { return (__m512)_mm512_slli_epi32(pairs, 16); }
static inline __m512 high(__m512i pairs) {
    return (__m512)_mm512_and_si512(pairs, _mm512_set1_epi32((int)0xffff0000u));
}

static inline __mmask32 first_of(int n) { return n >= 32 ? ~0u : (1u << n) - 1; }

/* 32 halves, fewer at the end of a row, turned and scaled. */
static inline __m512i turned_pairs(__m512i x, const gr_real *turn, gr_real s, int n) {
    const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i odd = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);

    /* The first and the second of each pair apart: 16 of each, as floats. */
    __m512 scale = _mm512_set1_ps(s), x0 = scale * low(x), x1 = scale * high(x), y0 = x0, y1 = x1;

    /* Their cos and sin, which alternate. */
    if (turn) {
        __mmask32 mask = first_of(n);
        __m512 a = _mm512_maskz_loadu_ps((__mmask16)mask, turn);
        __m512 b = _mm512_maskz_loadu_ps((__mmask16)(mask >> 16), turn + 16);
        __m512 c = _mm512_permutex2var_ps(a, even, b), d = _mm512_permutex2var_ps(a, odd, b);
        y0 = c * x0 - d * x1;
        y1 = d * x0 + c * x1;
    }
    return side_by_side(both(y0, y1));
}

static inline __m512 widened(__m256i x) { return (__m512)_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16); }

/* A row of `size` halves, turned and scaled, where (x[i], x[i + h]) are pairs; 0 up to n. */
static inline void turned_halves(gr_half *y, int n, const gr_half *x, const gr_real *turn, gr_real s, int size, int h) {
    const __m512 scale = _mm512_set1_ps(s);

    /* First and second halves of the pairs, 16 at a time. */
    for (int i = 0; i < h; i += 16) {
        const __mmask16 mask = (__mmask16)first_of(least(16, h - i));
        const __m512 x0 = scale * widened(_mm256_maskz_loadu_epi16(mask, x + i));
        const __m512 x1 = scale * widened(_mm256_maskz_loadu_epi16(mask, x + h + i));
        const __m512 c = _mm512_maskz_loadu_ps(mask, turn + i), d = _mm512_maskz_loadu_ps(mask, turn + h + i);
        _mm256_mask_storeu_epi16(y + i, mask, (__m256i)_mm512_cvtneps_pbh(c * x0 - d * x1));
        _mm256_mask_storeu_epi16(y + h + i, mask, (__m256i)_mm512_cvtneps_pbh(d * x0 + c * x1));
    }

    /* What stays, and zeros behind it. */
    for (int i = 2 * h; i < n; i += 16) {
        const __mmask16 from = (__mmask16)first_of(most(0, least(16, size - i)));
        const __m512 v = scale * widened(_mm256_maskz_loadu_epi16(from, x + i));
        _mm256_mask_storeu_epi16(y + i, (__mmask16)first_of(least(16, n - i)), (__m256i)_mm512_cvtneps_pbh(v));
    }
}

/* Row t as pairs of neighbours, 0 up to the end of the layout: narrowed where it is float, turned and scaled. */
static inline void units_pairs(gr_real *y, int ld, const source *from, int t) {
    const void *x = place(from->x, from->half, (size_t)t * (size_t)from->stride);
    const gr_real *turn = turn_of_row(from->turn, t, from->size);
    if (turn && from->apart) { /* which is half, as all that is turned here */
        turned_halves((gr_half *)y, 2 * ld, x, turn, from->s, from->size, from->apart);
        return;
    }

    /* 32 numbers at a time, of which those beyond the row are 0. */
    for (int i = 0; i < 2 * ld; i += 32) {
        const int n = most(0, from->size - i);
        const __mmask32 mask = first_of(n);
        __m512i pairs;
        if (from->half) {
            pairs = _mm512_maskz_loadu_epi16(mask, (const gr_half *)x + i);
            if (turn || from->s != 1)
                pairs = turned_pairs(pairs, turn ? turn + i : NULL, from->s, n);
        } else {
            const gr_real *row = (const gr_real *)x + i;
            pairs = both(_mm512_maskz_loadu_ps((__mmask16)mask, row),
                         _mm512_maskz_loadu_ps((__mmask16)(mask >> 16), row + 16));
        }
        _mm512_storeu_si512(y + i / 2, pairs);
    }
}

/* Rows to the layout between: rows 2 r and 2 r + 1 become row r, number by number side by side; the last row of an
 * odd number goes with 0. */
static inline void between_pairs(gr_real *y, int wide, const gr_real *x, int ld, int rows) {
    const __m512i from = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6,
                                          37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
    const __m512i more = _mm512_add_epi16(from, _mm512_set1_epi16(16));
    for (int r = 0; r < rows; r += 2, x += 2 * (size_t)ld, y += wide)
        for (int i = 0; i < ld; i += 16) {
            __m512i a = _mm512_loadu_si512(x + i), b = _mm512_setzero_si512();
            if (r + 1 < rows)
                b = _mm512_loadu_si512(x + ld + i);
            _mm512_storeu_si512(y + 2 * i, _mm512_permutex2var_epi16(a, from, b));
            if (2 * i + 16 < wide)
                _mm512_storeu_si512(y + 2 * i + 16, _mm512_permutex2var_epi16(a, more, b));
        }
}

/* n numbers become n / 2 units in place. A last register without a neighbour takes what lies behind it: not read. */
static inline void narrow_pairs(gr_real *s, int n) {
    for (int j = 0; j < n; j += 32)
        _mm512_storeu_si512(s + j / 2, both(_mm512_loadu_ps(s + j), _mm512_loadu_ps(s + j + 16)));
}

/* Rows of weights between; a row that is missing to a pair has weights and slopes 0. */
static inline void join_pairs(gr_real *p, gr_real *s, gr_real *dp, int rows, int nv) {
    if (rows % 2) {
        memset(s + rows * W, 0, W * sizeof *s);
        memset(dp + rows * W, 0, W * sizeof *dp);
    }
    for (int i = 0; i < rows; i += 2, s += 2 * W, p += W)
        for (int j = 0; j < nv * L; j += L)
            _mm512_storeu_si512(p + j, side_by_side(both(_mm512_loadu_ps(s + j), _mm512_loadu_ps(s + W + j))));
}

/* ds in rows, dsb between. */
static inline void slopes_pairs(gr_real *ds, gr_real *dsb, const gr_real *p, const gr_real *dp, const gr_real *delta,
                                int rows, int nv) {
    for (int i = 0; i < rows; i += 2, ds += W, dsb += W, p += W, dp += 2 * W) {
        /* Two queries at a time, whose weights lie between. */
        const __m512 delta0 = _mm512_set1_ps(delta[i]), delta1 = _mm512_set1_ps(i + 1 < rows ? delta[i + 1] : 0);
        __m512 a[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()}, b[2] = {a[0], a[0]};

        for (int j = 0; j < nv; j++) {
            __m512i pairs = _mm512_loadu_si512(p + j * L);
            a[j] = low(pairs) * (_mm512_loadu_ps(dp + j * L) - delta0);
            b[j] = high(pairs) * (_mm512_loadu_ps(dp + W + j * L) - delta1);
            _mm512_storeu_si512(dsb + j * L, side_by_side(both(a[j], b[j])));
        }
        _mm512_storeu_si512(ds, both(a[0], a[1]));
        _mm512_storeu_si512(ds + L, both(b[0], b[1]));
    }
}

#include "kernel/attention/pass.h"
#undef U
#undef OF
#endif

/* ---- products of pairs by the processor's tiles ------------------------------------------------------------------ */

#ifdef __AMX_BF16__
#include "kernel/attention/tiles.h"
#include "kernel/attention/tiles_pass.h"
#endif

/* ---- the choice -------------------------------------------------------------------------------------------------- */

/* The best form that this instruction set and these numbers allow. */
static void attention(void *out, gr_real *lse, const gr_head *head, gr_real *scratch) {
#ifdef __AMX_BF16__
    if (head->half && tiles_pay(head)) {
        forward_tiles(out, lse, head, scratch);
        return;
    }
#endif
#ifdef __AVX512BF16__
    if (head->half) {
        forward_pairs(out, lse, head, scratch);
        return;
    }
#endif

    forward_single(out, lse, head, scratch);
}

/* The same choice as forward: lse must belong to scores that are rounded alike. */
static void attention_backward(void *dqkv, bool add, const void *dout, const gr_real *lse, const gr_head *head,
                               gr_real *scratch) {
#ifdef __AMX_BF16__
    if (head->half && tiles_pay(head)) {
        backward_tiles(dqkv, add, dout, lse, head, scratch);
        return;
    }
#endif
#ifdef __AVX512BF16__
    if (head->half) {
        backward_pairs(dqkv, add, dout, lse, head, scratch);
        return;
    }
#endif

    backward_single(dqkv, add, dout, lse, head, scratch);
}

/* The most that a pass over any kind takes. */
static size_t attention_scratch(int rows, int size) {
    const shape_single h = shape_of_single(rows, size, 0);
    size_t n = larger(forward_carve_single(&(forward_buffers_single){0}, NULL, &h),
                      backward_carve_single(&(backward_buffers_single){0}, NULL, &h));

#ifdef __AVX512BF16__
    const shape_pairs p = shape_of_pairs(rows, size, 0);
    n = larger(n, forward_carve_pairs(&(forward_buffers_pairs){0}, NULL, &p));
    n = larger(n, backward_carve_pairs(&(backward_buffers_pairs){0}, NULL, &p));
#endif
#ifdef __AMX_BF16__
    const shape_pairs t = shape_of_tiles(rows, size, 0);
    n = larger(n, forward_carve_tiles(&(forward_buffers_tiles){0}, NULL, &t));
    n = larger(n, backward_carve_tiles(&(backward_buffers_tiles){0}, NULL, &t));
#endif
    return n;
}

void GR_NAME(fill_attention)(gr_kernels *k) {
    k->attention = attention;
    k->attention_backward = attention_backward;
    k->attention_scratch = attention_scratch;
}
