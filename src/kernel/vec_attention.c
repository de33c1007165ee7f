/* vec_attention.c - one head of one document: causal softmax attention in tiles of queries, so that no square matrix is
 * kept. Backward computes the tile's probabilities again from the row's log-sum-exp (Dao et al. 2022).
 *
 * With p = softmax(q k^T) per row:  dv = p^T do,  ds = p (do v^T - rowsum(p do v^T)),  dq = ds k,  dk = ds^T q.
 */
#include "kernel/math.h"
#include "kernel/vec.h"
#include <string.h>

enum {
    TILE = 32, /* queries at a time */
    PAD = 16   /* columns of every buffer are a multiple: whole registers of each instruction set */
};

static int padded(int n) { return (n + PAD - 1) / PAD * PAD; }

/* ---- small products ---------------------------------------------------------------------------------------------- */

/* A register as a type of the compiler, lowered to what the instruction set has. */
typedef gr_real vec __attribute__((vector_size(GR_LANES * sizeof(gr_real)), aligned(sizeof(gr_real)), may_alias));

/* C [mr x nv registers] (+)= A B; a is read at (i ars + p acs). The sums stay in registers. */
static inline __attribute__((always_inline)) void product_tile(const int mr, const int nv, gr_real *c, int ldc,
                                                               const gr_real *a, int ars, int acs, const gr_real *b,
                                                               int ldb, int k, bool add) {
    vec acc[4][2] = {0};
    for (int p = 0; p < k; p++, a += acs, b += ldb) {
        vec row[2];
        for (int j = 0; j < nv; j++)
            row[j] = *(const vec *)(b + j * GR_LANES);
        for (int i = 0; i < mr; i++)
            for (int j = 0; j < nv; j++)
                acc[i][j] += a[(size_t)i * ars] * row[j];
    }
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < nv; j++) {
            vec *to = (vec *)(c + (size_t)i * ldc + j * GR_LANES);
            if (add)
                acc[i][j] += *to;
            *to = acc[i][j];
        }
}

/* C [m x n] (+)= A [m x k] B [k x n], n a multiple of GR_LANES. */
static void product(gr_real *c, int ldc, const gr_real *a, int ars, int acs, const gr_real *b, int ldb, int m, int n,
                    int k, bool add) {
    for (int j = 0; j < n; j += 2 * GR_LANES)
        for (int i = 0; i < m; i += 4) {
            gr_real *to = c + (size_t)i * ldc + j;
            const gr_real *from = a + (size_t)i * ars;
            int rows = m - i < 4 ? m - i : 4, pair = n - j >= 2 * GR_LANES;
            switch (rows * 2 + pair) {
            case 9:
                product_tile(4, 2, to, ldc, from, ars, acs, b + j, ldb, k, add);
                break;
            case 8:
                product_tile(4, 1, to, ldc, from, ars, acs, b + j, ldb, k, add);
                break;
            case 7:
                product_tile(3, 2, to, ldc, from, ars, acs, b + j, ldb, k, add);
                break;
            case 6:
                product_tile(3, 1, to, ldc, from, ars, acs, b + j, ldb, k, add);
                break;
            case 5:
                product_tile(2, 2, to, ldc, from, ars, acs, b + j, ldb, k, add);
                break;
            case 4:
                product_tile(2, 1, to, ldc, from, ars, acs, b + j, ldb, k, add);
                break;
            case 3:
                product_tile(1, 2, to, ldc, from, ars, acs, b + j, ldb, k, add);
                break;
            default:
                product_tile(1, 1, to, ldc, from, ars, acs, b + j, ldb, k, add);
            }
        }
}

/* ---- rows in and out --------------------------------------------------------------------------------------------- */

/* y = s x, each pair (x0, x1) turned by its angle: turn holds cos, sin; back: by minus the angle. NULL: not turned. */
static void turned(gr_real *y, const gr_real *x, const gr_real *turn, bool back, gr_real s, int size, bool add) {
    if (!turn) {
        GR_PUT(y, add, size, s * x[i]);
        return;
    }
    gr_real sign = back ? -s : s;
    if (add)
#pragma omp simd
        for (int i = 0; i < size; i += 2) {
            gr_real c = s * turn[i], w = sign * turn[i + 1];
            y[i] += c * x[i] - w * x[i + 1];
            y[i + 1] += w * x[i] + c * x[i + 1];
        }
    else
#pragma omp simd
        for (int i = 0; i < size; i += 2) {
            gr_real c = s * turn[i], w = sign * turn[i + 1], x0 = x[i], x1 = x[i + 1];
            y[i] = c * x0 - w * x1;
            y[i + 1] = w * x0 + c * x1;
        }
}

/* Rows turned and scaled into a buffer [rows x padded(size)], padded with 0. */
static void load(gr_real *y, const gr_real *x, int stride, const gr_real *turn, gr_real s, int rows, int size) {
    int ld = padded(size);
    for (int t = 0; t < rows; t++) {
        turned(y + (size_t)t * ld, x + (size_t)t * stride, turn ? turn + (size_t)t * size : NULL, false, s, size,
               false);
        for (int i = size; i < ld; i++)
            y[(size_t)t * ld + i] = 0;
    }
}

/* The transpose of such a buffer: [size x padded(rows)], padded with 0. */
static void transpose(gr_real *y, const gr_real *x, int rows, int size) {
    int ldx = padded(size), ldy = padded(rows);
    for (int t = 0; t < rows; t++)
        for (int i = 0; i < size; i++)
            y[(size_t)i * ldy + t] = x[(size_t)t * ldx + i];
    for (int i = 0; i < size; i++)
        for (int t = rows; t < ldy; t++)
            y[(size_t)i * ldy + t] = 0;
}

/* A buffer's rows scaled and turned back into the gradient. */
static void store(gr_real *y, int stride, const gr_real *x, const gr_real *turn, gr_real s, int rows, int size,
                  bool add) {
    int ld = padded(size);
    for (int t = 0; t < rows; t++)
        turned(y + (size_t)t * stride, x + (size_t)t * ld, turn ? turn + (size_t)t * size : NULL, true, s, size, add);
}

/* ---- the passes -------------------------------------------------------------------------------------------------- */

/* Scores of query t over n >= t + 1 columns become exp(score - top), 0 beyond t; returns the sum. */
static gr_real exp_row(gr_real *s, gr_real *top, int t, int n) {
    gr_real m = s[0], z = 0;
#pragma omp simd reduction(max : m)
    for (int j = 0; j < n; j++) {
        gr_real v = j <= t ? s[j] : s[0];
        m = v > m ? v : m;
    }
#pragma omp simd reduction(+ : z)
    for (int j = 0; j < n; j++) {
        gr_real p = j <= t ? gr_exp(s[j] - m) : 0;
        s[j] = p;
        z += p;
    }
    *top = m;
    return z;
}

static void attention(gr_real *out, int stride_out, gr_real *lse, const gr_real *qkv, int stride, const gr_real *turn,
                      gr_real scale, int rows, int size, gr_real *scratch) {
    int ld = padded(size), wide = padded(rows);
    gr_real *v = scratch, *kt = v + (size_t)wide * ld, *s = kt + (size_t)wide * ld;
    gr_real *q = s + (size_t)TILE * wide, *o = q + TILE * ld;

    load(v, qkv + size, stride, turn, 1, rows, size); /* k, on its way to kt */
    transpose(kt, v, rows, size);
    load(v, qkv + 2 * size, stride, NULL, 1, rows, size);
    for (int t0 = 0; t0 < rows; t0 += TILE) {
        int t1 = t0 + TILE < rows ? t0 + TILE : rows, m = t1 - t0, n = padded(t1);
        load(q, qkv + (size_t)t0 * stride, stride, turn ? turn + (size_t)t0 * size : NULL, scale, m, size);
        product(s, wide, q, ld, 1, kt, wide, m, n, size, false);
        gr_real inverse[TILE];
        for (int i = 0; i < m; i++) {
            gr_real top, z = exp_row(s + (size_t)i * wide, &top, t0 + i, n);
            inverse[i] = 1 / z;
            lse[t0 + i] = top + gr_log(z);
        }
        product(o, ld, s, wide, 1, v, ld, m, ld, t1, false);
        for (int i = 0; i < m; i++)
            turned(out + (size_t)(t0 + i) * stride_out, o + i * ld, NULL, true, inverse[i], size, false);
    }
}

/* p = exp(s - lse), ds = p (dp - sum p dp); both 0 beyond t. */
static void slope_row(gr_real *s, gr_real *dp, gr_real lse, int t, int n) {
    gr_real delta = 0;
#pragma omp simd reduction(+ : delta)
    for (int j = 0; j < n; j++) {
        gr_real p = j <= t ? gr_exp(s[j] - lse) : 0;
        s[j] = p;
        delta += p * dp[j];
    }
#pragma omp simd
    for (int j = 0; j < n; j++)
        dp[j] = s[j] * (dp[j] - delta);
}

static void attention_backward(gr_real *dqkv, bool add, const gr_real *dout, int stride_out, const gr_real *lse,
                               const gr_real *qkv, int stride, const gr_real *turn, gr_real scale, int rows, int size,
                               gr_real *scratch) {
    int ld = padded(size), wide = padded(rows);
    size_t whole = (size_t)wide * ld;
    gr_real *k = scratch, *kt = k + whole, *vt = kt + whole, *dk = vt + whole, *dv = dk + whole;
    gr_real *s = dv + whole, *dp = s + (size_t)TILE * wide;
    gr_real *q = dp + (size_t)TILE * wide, *dq = q + TILE * ld, *o = dq + TILE * ld;

    load(k, qkv + 2 * size, stride, NULL, 1, rows, size); /* v, on its way to vt */
    transpose(vt, k, rows, size);
    load(k, qkv + size, stride, turn, 1, rows, size);
    transpose(kt, k, rows, size);
    memset(dk, 0, 2 * whole * sizeof *dk);
    for (int t0 = 0; t0 < rows; t0 += TILE) {
        int t1 = t0 + TILE < rows ? t0 + TILE : rows, m = t1 - t0, n = padded(t1);
        const gr_real *angle = turn ? turn + (size_t)t0 * size : NULL;
        load(q, qkv + (size_t)t0 * stride, stride, angle, scale, m, size);
        load(o, dout + (size_t)t0 * stride_out, stride_out, NULL, 1, m, size);
        product(s, wide, q, ld, 1, kt, wide, m, n, size, false);
        product(dp, wide, o, ld, 1, vt, wide, m, n, size, false);
        for (int i = 0; i < m; i++)
            slope_row(s + (size_t)i * wide, dp + (size_t)i * wide, lse[t0 + i], t0 + i, n);
        product(dv, ld, s, 1, wide, o, ld, t1, ld, m, true);
        product(dk, ld, dp, 1, wide, q, ld, t1, ld, m, true);
        product(dq, ld, dp, wide, 1, k, ld, m, ld, t1, false);
        store(dqkv + (size_t)t0 * stride, stride, dq, angle, scale, m, size, add);
    }
    store(dqkv + size, stride, dk, turn, 1, rows, size, add);
    store(dqkv + 2 * size, stride, dv, NULL, 1, rows, size, add);
}

/* What backward takes; forward takes less. */
static size_t attention_scratch(int rows, int size) {
    size_t wide = padded(rows), ld = padded(size);
    return 5 * wide * ld + 2 * TILE * wide + 3 * TILE * ld;
}

void GR_NAME(fill_attention)(gr_kernels *k) {
    k->attention = attention;
    k->attention_backward = attention_backward;
    k->attention_scratch = attention_scratch;
}
