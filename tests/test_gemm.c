/* Products against the reference loops, and gradients of parameters by slices against naive sums. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/kernel.h"
#include "op/op.h"
#include "support.h"

/* Numbers in [-1, 1), the same for the same seed. */
static gr_real *numbers(size_t n, uint32_t seed) {
    gr_real *v = gr_alloc(n * sizeof *v);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        v[i] = (gr_real)((double)(seed >> 8) / (1 << 23) - 1);
    }
    return v;
}

static gr_real *copy_of(const gr_real *v, size_t n) {
    gr_real *copy = gr_alloc(n * sizeof *copy);
    memcpy(copy, v, n * sizeof *copy);
    return copy;
}

/* Element by element in the plainest way, in double. */
static double naive(const gr_gemm_def *d, const gr_real *a, const gr_real *b, int i, int j) {
    double sum = 0;
    for (int p = 0; p < d->k; p++)
        sum += (double)a[d->trans_a ? (size_t)p * d->lda + i : (size_t)i * d->lda + p] *
               (double)b[d->trans_b ? (size_t)j * d->ldb + p : (size_t)p * d->ldb + j];
    return sum;
}

/* Both products against naive(); nothing beside C may change; a second run gives the same bits. */
static void check_product(const gr_gemm_def *d) {
    const size_t size_a = (size_t)(d->trans_a ? d->k : d->m) * d->lda;
    const size_t size_b = (size_t)(d->trans_b ? d->n : d->k) * d->ldb, size_c = (size_t)d->m * d->ldc;
    gr_real *a = numbers(size_a, 1), *b = numbers(size_b, 2), *start = numbers(size_c, 3);
    gr_real *c[3] = {copy_of(start, size_c), copy_of(start, size_c), copy_of(start, size_c)};
    gr_gemm *gemm = gr_gemm_new(d, NULL);
    gr_gemm_run(gemm, c[0], a, b, NULL);
    gr_gemm_run(gemm, c[1], a, b, NULL);
    gr_gemm_free(gemm);
    gr__gemm_reference(d, c[2], a, b, NULL);
    assert_memory_equal(c[0], c[1], size_c * sizeof **c);
    for (int i = 0; i < d->m; i++)
        for (int j = 0; j < d->ldc; j++) {
            const size_t at = (size_t)i * d->ldc + j;
            double want = (double)start[at];
            if (j < d->n)
                want = naive(d, a, b, i, j) + (d->accumulate ? want : 0);
            for (int k = 0; k < 3; k += 2)
                if (!(fabs((double)c[k][at] - want) <= 1e-6 * (d->k + 4)))
                    fail_msg("%d x %d x %d, %s%s%s: C[%d,%d] = %g, not %g (%s)", d->m, d->n, d->k,
                             d->trans_a ? "A'" : "A", d->trans_b ? "B'" : "B", d->accumulate ? " added" : "", i, j,
                             (double)c[k][at], want, k ? "reference" : "gemm");
        }
    for (int k = 0; k < 3; k++)
        gr_free(c[k]);
    gr_free(a);
    gr_free(b);
    gr_free(start);
}

static void products_match_naive_sums(void **state) {
    (void)state;
    static const int sizes[][3] = {{1, 1, 1},  {7, 5, 3},   {3, 1, 9},    {1, 17, 5},   {5, 9, 1},
                                   {1, 1, 33}, {31, 64, 7}, {64, 33, 65}, {37, 2, 129}, {96, 48, 512}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int form = 0; form < 16; form++) {
            gr_gemm_def d = {.m = sizes[s][0], .n = sizes[s][1], .k = sizes[s][2]};
            d.trans_a = form & 1;
            d.trans_b = form & 2;
            d.accumulate = form & 4;
            const int more = form & 8 ? 1 : 0; /* rows longer than what is used of them */
            d.lda = (d.trans_a ? d.m : d.k) + 5 * more;
            d.ldb = (d.trans_b ? d.k : d.n) + 3 * more;
            d.ldc = d.n + 2 * more;
            check_product(&d);
        }
}

/* ---- gradients by slices ----------------------------------------------------------------------------------------- */

enum { BLOCK = 8, BLOCKS = 4, ROWS = BLOCK * BLOCKS, M = 13, N = 11, LO = 2, HI = 10 };

/* Weights that are 0 in block 0, 1 in block 1 and mixed after it, and others. */
typedef struct fixture {
    uint8_t kind[2][BLOCKS];
    gr_real w[2][ROWS];
    gr_weights weights[2];
    gr_weighted_rect slice[6];
    gr_param_slot param;
    gr_real *a, *b, *start, *g;
} fixture;

enum { STRIDE_A = M + 4, STRIDE_B = N + 1 };

static void fixture_open(fixture *f, int rows) {
    *f = (fixture){.kind = {{GR_ROWS_ZERO, GR_ROWS_ONE, GR_ROWS_MIXED, GR_ROWS_MIXED},
                            {GR_ROWS_MIXED, GR_ROWS_ZERO, GR_ROWS_ONE, GR_ROWS_MIXED}}};
    for (int s = 0; s < 2; s++) {
        for (int n = 0; n < ROWS; n++) {
            const int kind = f->kind[s][n / BLOCK];
            const gr_real mixed = n % 3 == 0 ? 0 : (gr_real)(0.25 * (n % 5) - (gr_real)0.3);
            f->w[s][n] = kind == GR_ROWS_ZERO ? 0 : kind == GR_ROWS_ONE ? 1 : mixed;
        }
        f->weights[s] = (gr_weights){f->kind[s], f->w[s]};
    }
    const gr_weights *one = &f->weights[0], *two = &f->weights[1];
    /* [M x N] in uneven rectangles (a row of slices if the parameter is one row); some outside of the columns used. */
    const gr_weighted_rect matrix[] = {{{0, 0, 5, 0, 3}, one},  {{0, 0, 5, 3, N}, NULL}, {{0, 5, 6, 0, N}, two},
                                       {{0, 6, M, 0, 1}, NULL}, {{0, 6, M, 1, 9}, one},  {{0, 6, M, 9, N}, two}};
    const gr_weighted_rect vector[] = {{{0, 0, 1, 0, 3}, one}, {{0, 0, 1, 3, 4}, NULL}, {{0, 0, 1, 4, N}, two}};
    f->param = (gr_param_slot){.rows = rows, .cols = N, .slices = rows == 1 ? 3 : 6, .slice = f->slice};
    memcpy(f->slice, rows == 1 ? vector : matrix, rows == 1 ? sizeof vector : sizeof matrix);
    f->a = numbers((size_t)ROWS * STRIDE_A, 4);
    f->b = numbers((size_t)ROWS * STRIDE_B, 5);
    f->start = numbers((size_t)rows * N, 6);
    f->g = f->param.g = copy_of(f->start, (size_t)rows * N);
}

static void fixture_close(fixture *f) {
    gr_free(f->a);
    gr_free(f->b);
    gr_free(f->start);
    gr_free(f->g);
}

/* The weight of row n for element [i, j], by search. */
static double weight_at(const fixture *f, int i, int j, int n) {
    for (int k = 0; k < f->param.slices; k++) {
        const gr_weighted_rect *c = &f->slice[k];
        if (i >= c->rect.lo0 && i < c->rect.hi0 && j >= c->rect.lo1 && j < c->rect.hi1)
            return c->weights ? (double)c->weights->w[n] : 1;
    }
    fail_msg("no slice at %d, %d", i, j);
    return 0;
}

static void near(double got, double want, int i, int j) {
    if (!(fabs(got - want) <= 2e-5))
        fail_msg("gradient[%d,%d] = %.9g, not %.9g", i, j, got, want);
}

static gr_real *weight_gradient(fixture *f, const int *cut, int cuts) {
    memcpy(f->g, f->start, (size_t)M * N * sizeof *f->g);
    gr_real *scratch = gr_alloc(gr__wgrad_scratch(M, HI - LO, BLOCK) * sizeof *scratch);
    gr_wgrad *wgrad = gr__wgrad_new(&f->param, LO, HI, BLOCK, STRIDE_A, STRIDE_B, false, NULL);
    for (int k = 0; k + 1 < cuts; k++)
        for (int i = 0; i < gr__wgrad_pieces(wgrad); i++)
            gr__wgrad_piece(wgrad, i, &f->param, f->a + cut[k] * BLOCK * STRIDE_A, f->b + cut[k] * BLOCK * STRIDE_B,
                            scratch, cut[k] * BLOCK, cut[k + 1] * BLOCK);
    gr__wgrad_free(wgrad);
    gr_free(scratch);
    return copy_of(f->g, (size_t)M * N);
}

static void cells_weight_rows(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, M);
    gr_real *g = weight_gradient(&f, (int[]){0, BLOCKS}, 2);
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            double want = (double)f.start[i * N + j];
            for (int n = 0; n < ROWS && j >= LO && j < HI; n++)
                want += weight_at(&f, i, j, n) * (double)f.a[n * STRIDE_A + i] * (double)f.b[n * STRIDE_B + j - LO];
            near((double)g[i * N + j], want, i, j);
        }
    gr_real *again = weight_gradient(&f, (int[]){0, 1, 3, BLOCKS}, 4);
    assert_memory_equal(g, again, (size_t)M * N * sizeof *g);
    gr_free(again);
    gr_free(g);
    fixture_close(&f);
}

/* Where every row is closed nothing is touched, whatever the operands hold. */
static void closed_blocks_are_not_read(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, M);
    f.param.slices = 1;
    f.slice[0] = (gr_weighted_rect){{0, 0, M, 0, N}, &f.weights[0]};
    for (int n = 0; n < BLOCK * STRIDE_A; n++)
        f.a[n] = NAN;
    gr_real *g = weight_gradient(&f, (int[]){0, 1}, 2);
    assert_memory_equal(g, f.start, (size_t)M * N * sizeof *g);
    gr_free(g);
    fixture_close(&f);
}

static void columns_are_summed(void **state) {
    (void)state;
    for (int product = 0; product < 2; product++) {
        fixture f;
        fixture_open(&f, 1);
        const gr_rows_view x = {f.a, NULL, STRIDE_A, 0}, u = {product ? f.b : NULL, NULL, STRIDE_B, 0};
        gr__bgrad(&f.param, x, u, BLOCK, 0, ROWS);
        for (int j = 0; j < N; j++) {
            double want = (double)f.start[j];
            for (int n = 0; n < ROWS; n++)
                want +=
                    weight_at(&f, 0, j, n) * (double)f.a[n * STRIDE_A + j] * (u.v ? (double)u.v[n * STRIDE_B + j] : 1);
            near((double)f.g[j], want, 0, j);
        }
        gr_real *whole = copy_of(f.g, N);
        memcpy(f.g, f.start, N * sizeof *f.g);
        for (int r = 0; r < ROWS; r += 2 * BLOCK)
            gr__bgrad(&f.param, x, u, BLOCK, r, r + 2 * BLOCK);
        assert_memory_equal(whole, f.g, N * sizeof *whole);
        gr_free(whole);
        fixture_close(&f);
    }
}

/* Rows of `width` copied to rows `stride` apart. */
static void *spread(const void *v, int rows, int width, int stride, size_t unit) {
    char *out = gr_alloc((size_t)(rows * stride) * unit);
    for (int i = 0; i < rows; i++)
        memcpy(out + (size_t)(i * stride) * unit, (const char *)v + (size_t)(i * width) * unit, (size_t)width * unit);
    return out;
}

/* A matrix inside a wider one gives the bits that it gives by itself. */
static void gaps_change_no_bit(void **state) {
    (void)state;
    enum { HEIGHT = 96, WIDE = 72, K = 192, GAP = 40 };
    for (int form = 0; form < 8; form++) {
        gr_gemm_def d = {
            .m = HEIGHT, .n = WIDE, .k = K, .trans_a = form & 1, .trans_b = form & 2, .lda = form & 1 ? HEIGHT : K};
        d.ldb = form & 2 ? K : WIDE, d.ldc = WIDE, d.accumulate = form & 4;
        const int rows[] = {d.trans_a ? K : HEIGHT, d.trans_b ? WIDE : K, HEIGHT}, width[] = {d.lda, d.ldb, d.ldc};
        for (int half = 0; half < 2 && (!half || gr_gemm_has_half()); half++) {
            void *close[3], *wide[3];
            const size_t operand = half ? sizeof(gr_half) : sizeof(gr_real),
                         unit[] = {operand, operand, sizeof(gr_real)};
            for (int i = 0; i < 3; i++) {
                gr_real *v = numbers((size_t)(rows[i] * width[i]), (uint32_t)i + 1);
                close[i] = v;
                if (half && i < 2) {
                    close[i] = gr_alloc((size_t)(rows[i] * width[i]) * unit[i]);
                    gr_kernel()->narrow(close[i], v, rows[i] * width[i]);
                    gr_free(v);
                }
                wide[i] = spread(close[i], rows[i], width[i], width[i] + GAP, unit[i]);
            }
            d.half = half;
            gr_gemm_def gaps = d;
            gaps.lda += GAP, gaps.ldb += GAP, gaps.ldc += GAP;
            gr_gemm *one = gr_gemm_new(&d, NULL), *other = gr_gemm_new(&gaps, NULL);
            gr_gemm_run(one, close[2], close[0], close[1], NULL);
            gr_gemm_run(other, wide[2], wide[0], wide[1], NULL);
            for (int i = 0; i < HEIGHT; i++)
                assert_memory_equal((gr_real *)close[2] + i * WIDE, (gr_real *)wide[2] + i * (WIDE + GAP),
                                    WIDE * sizeof(gr_real));
            gr_gemm_free(one);
            gr_gemm_free(other);
            for (int i = 0; i < 3; i++) {
                gr_free(close[i]);
                gr_free(wide[i]);
            }
        }
    }
}

/* Threads that run one product at the same time have working memory of their own. */
static void threads_share_a_product(void **state) {
    (void)state;
    enum { HEIGHT = 64, WIDE = 80, K = 96, THREADS = 4, TIMES = 50 };
    const int before = omp_get_max_threads();
    gr_gemm_def d = {
        .m = HEIGHT, .n = WIDE, .k = K, .lda = K + 8, .ldb = WIDE + 8, .ldc = WIDE + 8, .single_thread = true};
    gr_real *a[THREADS], *b = numbers((size_t)K * (WIDE + 8), 9), *c[THREADS], *want[THREADS];
    omp_set_num_threads(THREADS);
    gr_gemm *gemm = gr_gemm_new(&d, NULL);
    for (int t = 0; t < THREADS; t++) {
        a[t] = numbers((size_t)HEIGHT * (K + 8), 20 + (uint32_t)t);
        c[t] = gr_alloc((size_t)HEIGHT * (WIDE + 8) * sizeof **c);
        want[t] = gr_alloc((size_t)HEIGHT * (WIDE + 8) * sizeof **want);
        gr_gemm_run(gemm, want[t], a[t], b, NULL);
    }
#pragma omp parallel for schedule(static, 1) num_threads(THREADS)
    for (int t = 0; t < THREADS; t++)
        for (int k = 0; k < TIMES; k++)
            gr_gemm_run(gemm, c[t], a[t], b, NULL);
    omp_set_num_threads(before);
    for (int t = 0; t < THREADS; t++) {
        assert_memory_equal(c[t], want[t], (size_t)HEIGHT * (WIDE + 8) * sizeof **c);
        gr_free(a[t]);
        gr_free(c[t]);
        gr_free(want[t]);
    }
    gr_free(b);
    gr_gemm_free(gemm);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_match_naive_sums),  cmocka_unit_test(cells_weight_rows),
        cmocka_unit_test(closed_blocks_are_not_read), cmocka_unit_test(columns_are_summed),
        cmocka_unit_test(gaps_change_no_bit),         cmocka_unit_test(threads_share_a_product),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
