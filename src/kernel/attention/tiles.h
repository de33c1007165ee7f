/* tiles.h - products, layouts and rows of scores for attention over pairs of bfloat16 by the processor's tiles (AMX).
 * Only vec_attention.c includes it.
 *
 * A tile is 16 rows of 64 bytes: C [16 x 16 numbers] += A B takes A as rows of 16 pairs, and of B 16 pairs along the
 * sum's index for each of 16 columns, which `columns` and `between` are. Rows that a product has too many may hold
 * anything; what its sum runs over is padded with 0.
 */

/* ---- products ---------------------------------------------------------------------------------------------------- */

/* A, by rows, or B: strides from row to row and from tile to tile along the sum. */
typedef struct operand {
    const gr_real *at;
    int ld, next;
} operand;

/* The tile unit falls asleep half a microsecond after its last product, and takes a quarter of one to wake up. So what
 * else takes long asks it for a product of no use now and then. */
static inline __attribute__((always_inline)) void keep_awake(void) { _tile_dpbf16ps(0, 4, 6); }

/* Eight tiles of 16 rows of 64 bytes: 0 to 3 hold sums, 4 and 5 parts of A, 6 and 7 of B. */
static inline void begin_tiles(void) {
    static const struct {
        uint8_t palette, start, unused[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } all = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
    _tile_loadconfig(&all);
    keep_awake();
}

/* C [m x n tiles] (+)= A B over k tiles; m and n are 1 or 2. */
static inline __attribute__((always_inline)) void some_tiles(const int m, const int n, gr_real *c, int ldc, operand a,
                                                             operand b, int k, bool add) {
    const size_t unit = sizeof(gr_real), step_a = (size_t)a.ld * unit, step_b = (size_t)b.ld * unit;
    const size_t step_c = (size_t)ldc * unit;
    gr_real *const lower = c + (size_t)L * (size_t)ldc;

    /* Sums begin at 0, or at what C holds. */
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    if (add) {
        _tile_loadd(0, c, step_c);
        if (n > 1)
            _tile_loadd(1, c + L, step_c);
        if (m > 1)
            _tile_loadd(2, lower, step_c);
        if (m > 1 && n > 1)
            _tile_loadd(3, lower + L, step_c);
    }

    /* A step of the sum: up to two tiles of A times up to two of B. */
    for (int p = 0; p < k; p++, a.at += a.next, b.at += b.next) {
        _tile_loadd(4, a.at, step_a);
        _tile_loadd(6, b.at, step_b);
        _tile_dpbf16ps(0, 4, 6);
        if (n > 1) {
            _tile_loadd(7, b.at + L, step_b);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (m > 1) {
            _tile_loadd(5, a.at + (size_t)L * (size_t)a.ld, step_a);
            _tile_dpbf16ps(2, 5, 6);
        }
        if (m > 1 && n > 1)
            _tile_dpbf16ps(3, 5, 7);
    }

    /* The sums go back to C. */
    _tile_stored(0, c, step_c);
    if (n > 1)
        _tile_stored(1, c + L, step_c);
    if (m > 1)
        _tile_stored(2, lower, step_c);
    if (m > 1 && n > 1)
        _tile_stored(3, lower + L, step_c);
}

/* m <= 2 L rows and n columns of C (+)= A B over k tiles: whole tiles. */
static __attribute__((noinline)) void multiply(gr_real *c, int ldc, operand a, operand b, int k, int m, int n,
                                               bool add) {
    __asm__ volatile("" ::: "memory"); /* gcc 12 does not know that tiles are loaded from memory */
    for (; n > 0; n -= 2 * L, c += 2 * L, b.at += 2 * L)
        if (m > L && n > L)
            some_tiles(2, 2, c, ldc, a, b, k, add);
        else if (m > L)
            some_tiles(2, 1, c, ldc, a, b, k, add);
        else if (n > L)
            some_tiles(1, 2, c, ldc, a, b, k, add);
        else
            some_tiles(1, 1, c, ldc, a, b, k, add);
}

/* ---- layouts ----------------------------------------------------------------------------------------------------- */

/* The sizes of pairs, but units in a row are rounded up to whole tiles. */
static shape_pairs shape_of_tiles(int rows, int size, int window) {
    shape_pairs h = shape_of_pairs(rows, size, window);
    h.k = h.ld;
    return h;
}

/* Whether rows are taken as they lie. */
static inline bool as_it_lies(const source *from, const shape_pairs *h) {
    return from->half && !from->turn && from->s == 1 && from->size == 2 * h->ld;
}

/* Rows [t0, t1) of a source, then rows of 0 up to n. Asks for the same rows of others, needed soon; NULL: none. */
static void fill_tiles(gr_real *y, source from, const source *a, const source *b, int t0, int t1, int n,
                       const shape_pairs *h) {
    const bool plain = as_it_lies(&from, h);
    for (int t = t0; t < t1; t++, y += h->ld) {
        if (t % 8 == 0)
            keep_awake();

        /* Rows that come soon, here and in what is read next. */
        expect_row(&from, t + 16, t1);
        if (a)
            expect_row(a, t, t1);
        if (b)
            expect_row(b, t, t1);

        /* Pairs that are as products want them are copied, others turned, scaled, narrowed. */
        if (plain)
            for (int i = 0; i < h->ld; i += L)
                _mm512_storeu_si512(y + i,
                                    _mm512_loadu_si512((const gr_half *)from.x + (size_t)t * from.stride + 2 * i));
        else
            units_pairs(y, h->ld, &from, t);
    }
    memset(y, 0, (size_t)(n - (t1 - t0)) * h->ld * sizeof *y);
}

/* A panel of n <= W rows, in rows, becomes one in columns. */
static void rows_to_columns(gr_real *y, const gr_real *x, int n, const shape_pairs *h) {
    for (int r = 0; r < n; r += L)
        for (int i = 0; i < h->ld; i += L)
            transpose_block(y + i * W + r, W, x + (size_t)r * h->ld + i, h->ld, L);
}

/* ---- rows of scores ---------------------------------------------------------------------------------------------- */

static const float to_base_2 = 0x1.715476p0f;

/* 2^x with a relative error under 2e-7: a polynomial in x - floor(x) by Remez's exchange. 0 for -INFINITY. */
static inline __m512 exp2_of(__m512 x) {
    const __m512 r = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    __m512 q = _mm512_set1_ps(0x1.ec320ap-10f);
    q = q * r + 0x1.26900cp-7f;
    q = q * r + 0x1.c95446p-5f;
    q = q * r + 0x1.ebd5a8p-3f;
    q = q * r + 0x1.62e4f6p-1f;
    q = q * r + 0x1.fffffep-1f;
    return _mm512_scalef_ps(q, x);
}

static inline vec sum_vec(vec a, vec b) { return a + b; }

/* Lane i of the result: all lanes of x[i], folded into one (a sum, a maximum). L registers become one in log2(L)
 * steps, in each of which two become one. */
static inline __attribute__((always_inline)) vec folded(vec *x, vec (*fold)(vec, vec)) {
#pragma GCC unroll 4
    for (int half = L / 2; half > 0; half /= 2)
#pragma GCC unroll 8
        for (int i = 0; i < half; i++)
            x[i] = fold(picked(x[i], x[i + half], first_halves), picked(x[i], x[i + half], second_halves));
    return x[0];
}

/* Natural, of numbers from 1 on, with an absolute error under 2e-7. */
static inline __m512 log_of(__m512 x) {
    const __m512 m = _mm512_getmant_ps(x, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src), e = _mm512_getexp_ps(x);
    const __m512 u = (m - 0x1.6a09e6p0f) / (m + 0x1.6a09e6p0f), v = u * u;
    return (e + 0.5f) * 0x1.62e430p-1f + 2 * u * (((v / 7 + 0.2f) * v + 0x1.555556p-2f) * v + 1);
}

/* Scores of n <= L queries from t on become pairs of weights exp(score - top), up to a whole tile of them; keys count
 * from `start`, and L divides t - start. */
static inline void weights_of_scores(gr_real *s, int ld, gr_real *lse, gr_real *inverse, int t, int n, int start,
                                     int window) {
    const int nv = (t - start) / L + 1;
    const __m512 never = _mm512_set1_ps(-INFINITY), scale = _mm512_set1_ps(to_base_2);

    /* Pass 1: the largest score of each query, among the keys that it sees: not those behind it, which are in its last
     * register, nor those before its window. */
    vec high[L], sum[L];
    for (int i = 0; i < n; i++) {
        if (i % 4 == 0)
            keep_awake();
        gr_real *x = s + (size_t)i * ld, *last = x + (nv - 1) * L;
        high[i] = (vec)_mm512_mask_loadu_ps(never, (__mmask16)((2u << i) - 1), last);
        *(vec *)last = high[i];
        if (t + i + 1 - window > start) {
            hide_row(x, t + i + 1 - window - start);
            high[i] = *(vec *)last;
        }
        for (int j = 0; j < nv - 1; j++)
            high[i] = max_vec(high[i], *(const vec *)(x + j * L));
    }

    /* Lanes without a query: their results are not read. */
    for (int i = n; i < L; i++)
        high[i] = sum[i] = (vec){0};
    const vec top = folded(high, max_vec), shift = top * to_base_2;

    /* Pass 2: weights and their sums. exp(s - top) is 2^(s log2(e) - top log2(e)), one fused operation before the
     * power. */
    for (int i = 0; i < n; i++) {
        if (i % 4 == 0)
            keep_awake();
        gr_real *x = s + (size_t)i * ld;
        const __m512 base = _mm512_set1_ps(shift[i]);
        __m512 total = _mm512_setzero_ps();
        for (int j = 0; j < nv; j += 2) {
            __m512 a = exp2_of(_mm512_fmsub_ps(_mm512_loadu_ps(x + j * L), scale, base)), b = _mm512_setzero_ps();
            if (j + 1 < nv)
                b = exp2_of(_mm512_fmsub_ps(_mm512_loadu_ps(x + j * L + L), scale, base));
            total += a + b;
            _mm512_storeu_si512(x + j * L / 2, both(a, b));
        }
        sum[i] = (vec)total;
    }

    /* The log-sum-exps, which backward needs, and 1 / sums, which the results are multiplied by. */
    const __m512 all = (__m512)folded(sum, sum_vec);
    _mm512_storeu_ps(inverse, 1 / all);
    _mm512_mask_storeu_ps(lse, (__mmask16)first_of(n), (__m512)top + log_of(all));
}
