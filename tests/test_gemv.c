/* A matrix times one vector, for every instruction set: against the formula, and alike for any part of the result. */
#include "kernel/kernel.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "support.h"

enum { ROWS = 70, LD = 150, MOST = ROWS * LD };
static const char *const names[] = {"base", "avx2", "avx512", "bf16", "amx"};
static const int heights[] = {1, 3, 4, 9, ROWS}, widths[] = {1, 7, 16, 33, 64, 147};

static gr_real w[MOST], x[LD], old[LD], y[LD], part[LD];
static gr_half half[MOST];

static void fill(void) {
    for (int i = 0; i < MOST; i++) {
        w[i] = (gr_real)gr_random_normal((gr_key){1, GR_STREAM_TEST, 1}, (uint64_t)i, 0);
        half[i] = gr__narrow(w[i]);
    }
    for (int i = 0; i < LD; i++) {
        x[i] = (gr_real)gr_random_normal((gr_key){1, GR_STREAM_TEST, 2}, (uint64_t)i, 0);
        old[i] = (gr_real)i;
    }
}

/* One product in either direction, with either kind of weight. */
static void run(const gr_kernels *k, gr_real *to, size_t at, int rows, int cols, bool add, bool transposed,
                bool is_half) {
    if (is_half)
        (transposed ? k->gemv_t_half : k->gemv_half)(to, half + at, LD, x, rows, cols, add);
    else
        (transposed ? k->gemv_t : k->gemv)(to, w + at, LD, x, rows, cols, add);
}

static double element(int j, int rows, int cols, bool transposed, bool is_half) {
    double sum = 0;
    for (int i = 0; i < (transposed ? rows : cols); i++) {
        size_t at = transposed ? (size_t)i * LD + (size_t)j : (size_t)j * LD + (size_t)i;
        sum += (double)x[i] * (double)(is_half ? gr__widen(half[at]) : w[at]);
    }
    return sum;
}

static void check(const gr_kernels *k, int rows, int cols, bool transposed, bool is_half) {
    const int n = transposed ? cols : rows;
    for (int add = 0; add < 2; add++) {
        memcpy(y, old, sizeof y);
        run(k, y, 0, rows, cols, add, transposed, is_half);
        for (int j = 0; j < n; j++) {
            double want = (add ? (double)old[j] : 0) + element(j, rows, cols, transposed, is_half);
            if (!(fabs((double)y[j] - want) <= 1e-4 * (1 + fabs(want))))
                fail_msg("[%d x %d] transposed %d half %d add %d: element %d is %g, not %g", rows, cols, transposed,
                         is_half, add, j, (double)y[j], want);
        }
        assert_true(y[n] == old[n]);
        for (int lo = 1; lo < n; lo += 5) { /* what one thread of several computes */
            memcpy(part, old, sizeof part);
            run(k, part + lo, transposed ? (size_t)lo : (size_t)lo * LD, transposed ? rows : n - lo,
                transposed ? n - lo : cols, add, transposed, is_half);
            assert_memory_equal(part + lo, y + lo, (size_t)(n - lo) * sizeof *y);
        }
    }
}

static void matches_formula(void **state) {
    const gr_kernels *k = gr__kernel_get(*state);
    if (!k)
        skip();
    fill();
    for (size_t r = 0; r < sizeof heights / sizeof *heights; r++)
        for (size_t c = 0; c < sizeof widths / sizeof *widths; c++)
            for (int form = 0; form < 4; form++)
                check(k, heights[r], widths[c], form & 1, form & 2);
    k->softmax(y, x, LD);
    double sum = 0;
    for (int i = 0; i < LD; i++)
        sum += exp((double)x[i]);
    for (int i = 0; i < LD; i++)
        assert_true(fabs((double)y[i] - exp((double)x[i]) / sum) < 1e-6);
}

int main(void) {
    struct CMUnitTest tests[5];
    for (int i = 0; i < 5; i++)
        tests[i] = (struct CMUnitTest){names[i], matches_formula, NULL, NULL, (void *)names[i]};
    return cmocka_run_group_tests_name("gemv", tests, NULL, NULL);
}
