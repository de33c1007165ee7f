/* The vector kernels of every instruction set this machine has, against plain loops in double. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "kernel/kernel.h"
#include "support.h"

enum { MOST = 613 };
static const char *const names[] = {"base", "avx2", "avx512", "bf16", "amx"};
static const int sizes[] = {1, 3, 16, 37, 257, MOST};

/* Draws in about [-3, 3], keyed by which. */
static void fill(gr_real *x, size_t n, uint32_t which) {
    for (size_t i = 0; i < n; i++)
        x[i] = (gr_real)gr_random_normal((gr_key){4, GR_STREAM_TEST, which}, i, 0);
}

#define CLOSE(got, want, scale) close_to((double)(got), (want), (scale), k->isa, __LINE__)
static void close_to(double got, double want, double scale, const char *isa, int line) {
    if (!(fabs(got - want) <= 2e-6 * (fabs(want) + scale)))
        fail_msg("line %d, %s: %.9g, not %.9g", line, isa, got, want);
}

/* The table of a name; the test is skipped where this machine has none. */
static const gr_kernels *table(const char *isa) {
    const gr_kernels *k = gr__kernel_get(isa);
    if (!k)
        skip();
    return k;
}

static double normal_cdf(double x) { return 0.5 * (1 + erf(x / sqrt(2))); }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static double relu(double x) { return x > 0 ? x : 0; }
static double gelu(double x) { return x * normal_cdf(x); }
static double gelu_tanh(double x) { return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }
static double silu(double x) { return x * sigmoid(x); }
static double slope(double (*f)(double), double x) { return (f(x + 1e-6) - f(x - 1e-6)) / 2e-6; }

/* ---- the groups of kernels --------------------------------------------------------------------------------------- */

static gr_real a[MOST], b[MOST], c[MOST], y[MOST], z[MOST], old[MOST];

static void check_arith(const gr_kernels *k, int n) {
    double dot = 0, sum = 0;
    for (int i = 0; i < n; i++) {
        dot += (double)a[i] * (double)b[i];
        sum += (double)a[i];
    }
    CLOSE(k->dot(a, b, n), dot, n);
    CLOSE(k->sum(a, n), sum, n);
    k->add(y, a, b, n);
    for (int i = 0; i < n; i++)
        CLOSE(y[i], (double)a[i] + (double)b[i], 1);
    for (int add = 0; add < 2; add++) {
        memcpy(y, old, sizeof y);
        memcpy(z, old, sizeof z);
        k->scale(y, (gr_real)0.7, a, n, add);
        k->mul(z, a, b, n, add);
        for (int i = 0; i < n; i++) {
            CLOSE(y[i], add * (double)old[i] + 0.7 * (double)a[i], 1);
            CLOSE(z[i], add * (double)old[i] + (double)a[i] * (double)b[i], 1);
        }
    }
    memcpy(y, old, sizeof y);
    k->mul_add(y, (gr_real)0.7, a, b, n);
    for (int i = 0; i < n; i++)
        CLOSE(y[i], (double)old[i] + 0.7 * (double)a[i] * (double)b[i], 1);
}

static void check_activations(const gr_kernels *k, int n) {
    const struct {
        double (*plain)(double);
        void (*forward)(gr_real *, const gr_real *, int);
        void (*backward)(gr_real *, const gr_real *, const gr_real *, int, bool);
    } list[] = {{relu, k->relu, k->relu_backward},
                {gelu, k->gelu, k->gelu_backward},
                {gelu_tanh, k->gelu_tanh, k->gelu_tanh_backward},
                {silu, k->silu, k->silu_backward}};
    for (size_t f = 0; f < sizeof list / sizeof *list; f++) {
        list[f].forward(y, a, n);
        for (int i = 0; i < n; i++)
            CLOSE(y[i], list[f].plain((double)a[i]), 0.1);
        for (int add = 0; add < 2; add++) {
            memcpy(y, old, sizeof y);
            list[f].backward(y, b, a, n, add);
            for (int i = 0; i < n; i++)
                CLOSE(y[i], add * (double)old[i] + (double)b[i] * slope(list[f].plain, (double)a[i]), 1);
        }
    }
    k->swiglu(y, a, b, n);
    for (int i = 0; i < n; i++)
        CLOSE(y[i], silu((double)a[i]) * (double)b[i], 1);
    for (int add = 0; add < 4; add++) {
        memcpy(y, old, sizeof y);
        memcpy(z, old, sizeof z);
        k->swiglu_backward(y, add & 1, z, add & 2, c, a, b, n);
        for (int i = 0; i < n; i++) {
            CLOSE(y[i], (add & 1 ? (double)old[i] : 0) + (double)c[i] * (double)b[i] * slope(silu, (double)a[i]), 1);
            CLOSE(z[i], (add & 2 ? (double)old[i] : 0) + (double)c[i] * silu((double)a[i]), 1);
        }
    }
    /* One buffer for both: the second gradient adds to the first. */
    k->swiglu_backward(y, false, y, true, c, a, a, n);
    for (int i = 0; i < n; i++)
        CLOSE(y[i], (double)c[i] * ((double)a[i] * slope(silu, (double)a[i]) + silu((double)a[i])), 1);
}

/* Every line of the list alike on every instruction set, and 0 at 0 where it says so. The formulas themselves are
 * checked above where they are written a second time, their derivatives by double_gradient.c. */
static void check_list(const gr_kernels *k, int n) {
    const gr_kernels *base = table("base");
    const struct {
        void (*forward[2])(gr_real *, const gr_real *, int);
        void (*backward[2])(gr_real *, const gr_real *, const gr_real *, int, bool);
        bool zero;
    } list[] = {
#define GR_ELEMENTWISE(name, value, gradient, zero) \
    {{k->name, base->name}, {k->name##_backward, base->name##_backward}, zero},
#include "kernel/elementwise.h"
#undef GR_ELEMENTWISE
    };

    for (size_t f = 0; f < sizeof list / sizeof *list; f++) {
        list[f].forward[0](y, a, n);
        list[f].forward[1](z, a, n);
        for (int i = 0; i < n; i++)
            CLOSE(y[i], (double)z[i], 1);
        for (int add = 0; add < 2; add++) {
            memcpy(y, old, sizeof y);
            memcpy(z, old, sizeof z);
            list[f].backward[0](y, b, a, n, add);
            list[f].backward[1](z, b, a, n, add);
            for (int i = 0; i < n; i++)
                CLOSE(y[i], (double)z[i], 1);
        }

        /* What keeps zeros is skipped where all inputs are 0. */
        gr_real none[MOST] = {0};
        list[f].forward[0](y, none, n);
        for (int i = 0; i < n && list[f].zero; i++)
            assert_true(y[i] == 0);
    }
}

static void check_norm(const gr_kernels *k, int n, const gr_real *gain, const gr_real *shift) {
    double mean = 0, variance = 0, s0 = 0, s1 = 0;
    for (int i = 0; i < n; i++)
        mean += (double)a[i] / n;
    for (int i = 0; i < n; i++)
        variance += ((double)a[i] - mean) * ((double)a[i] - mean) / n;
    gr_real m, v, sums[2] = {1, 2};
    k->moments(&m, &v, a, n);
    CLOSE(m, mean, 1);
    CLOSE(v, variance, 1);
    double inv = 1 / sqrt(variance + 0.1);
    k->norm(y, a, m, (gr_real)inv, gain, shift, n);
    k->norm_sums(sums, z, b, a, m, (gr_real)inv, gain, n);
    for (int i = 0; i < n; i++) {
        double xhat = ((double)a[i] - mean) * inv, g = gain ? (double)gain[i] : 1;
        CLOSE(y[i], xhat * g + (shift ? (double)shift[i] : 0), 1);
        CLOSE(z[i], xhat, 1);
        s0 += g * (double)b[i];
        s1 += g * (double)b[i] * xhat;
    }
    CLOSE(sums[0], 1 + s0, n);
    CLOSE(sums[1], 2 + s1, n);
    for (int add = 0; add < 2; add++) {
        memcpy(y, old, sizeof y);
        k->norm_backward(y, b, z, (gr_real)inv, (gr_real)0.2, (gr_real)-0.3, gain, n, add);
        for (int i = 0; i < n; i++)
            CLOSE(y[i],
                  add * (double)old[i] + inv * ((gain ? (double)gain[i] : 1) * (double)b[i] - 0.2 + 0.3 * (double)z[i]),
                  2);
    }
}

static void check_losses(const gr_kernels *k, int n) {
    double sum = 0, square = 0, distance = 0, size = 0;
    for (int i = 0; i < n; i++) {
        double d = (double)a[i] - (double)b[i];
        sum += exp((double)a[i]);
        square += d * d;
        distance += fabs(d);
        size += fabs((double)a[i]);
    }
    gr_real lse = k->log_sum_exp(a, n);
    CLOSE(lse, log(sum), 1);
    CLOSE(k->squared_error(a, b, n), square, 1);
    CLOSE(k->absolute_error(a, b, n), distance, 1);
    CLOSE(k->l1(a, n), size, 1);
    c[n / 2] = a[n / 2]; /* a difference of 0 has the sign 0 */
    for (int add = 0; add < 2; add++) {
        memcpy(y, old, sizeof y);
        k->cross_entropy_backward(y, a, lse, n / 2, (gr_real)1.5, n, add);
        for (int i = 0; i < n; i++)
            CLOSE(y[i], add * (double)old[i] + 1.5 * (exp((double)a[i]) / sum - (i == n / 2)), 1);
        memcpy(y, old, sizeof y);
        memcpy(z, old, sizeof z);
        k->difference(y, (gr_real)1.5, a, c, n, add);
        k->sign(z, (gr_real)1.5, a, c, n, add);
        for (int i = 0; i < n; i++) {
            double d = (double)a[i] - (double)c[i];
            CLOSE(y[i], add * (double)old[i] + 1.5 * d, 1);
            CLOSE(z[i], add * (double)old[i] + (d > 0 ? 1.5 : d < 0 ? -1.5 : 0), 1);
        }
        memcpy(z, old, sizeof z);
        k->l1_backward(z, (gr_real)1.5, a, n, add);
        for (int i = 0; i < n; i++)
            CLOSE(z[i], add * (double)old[i] + (a[i] > 0 ? 1.5 : -1.5), 1);
    }
    /* Far logits underflow instead of overflowing; what is not a number is not hidden. */
    gr_real far[] = {1000, -1000, 999};
    CLOSE(k->log_sum_exp(far, 3), 1000 + log(1 + exp(-1)), 0);
    far[1] = (gr_real)NAN;
    assert_true(isnan(k->log_sum_exp(far, 3)));
    k->relu(y, far, 3);
    assert_true(isnan(y[1]));
}

static void vectors_match_loops(void **state) {
    const gr_kernels *k = table(*state);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        fill(a, MOST, 1);
        fill(b, MOST, 2);
        fill(c, MOST, 3);
        fill(old, MOST, 4);
        check_arith(k, sizes[s]);
        check_activations(k, sizes[s]);
        check_list(k, sizes[s]);
        check_norm(k, sizes[s], NULL, NULL);
        check_norm(k, sizes[s], c, NULL);
        check_norm(k, sizes[s], c, old);
        check_losses(k, sizes[s]);
    }
}

/* The error that kernel/math.h states for exp, over its whole range. */
static void exp_is_exact(void **state) {
    const gr_kernels *k = table(*state);
    enum { STEPS = 4096 };
    static gr_real x[STEPS], e[STEPS];
    double worst = 0;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < STEPS; i++)
            x[i] = (gr_real)(-87.3 + 175.6 * gr_random_uniform((gr_key){5, GR_STREAM_TEST, 0}, (uint64_t)round, i));
        k->cross_entropy_backward(e, x, 0, 0, 1, STEPS, false);
        for (int i = 1; i < STEPS; i++)
            worst = fmax(worst, fabs((double)e[i] / exp((double)x[i]) - 1));
    }
    if (!(worst < 1.5e-7))
        fail_msg("%s: relative error %.3g", k->isa, worst);
}

/* ---- attention --------------------------------------------------------------------------------------------------- */

/* q (0), k (1) or v (2) of a row, rotated; back: a gradient by minus the angle. */
static void plain_part(double *to, const gr_real *row, int part, int size, const gr_real *turn, bool back) {
    for (int i = 0; i < size; i++)
        to[i] = (double)row[part * size + i];
    for (int i = 0; turn && part < 2 && i < size; i += 2) {
        double cosine = (double)turn[i], sine = back ? -(double)turn[i + 1] : (double)turn[i + 1], x = to[i];
        to[i] = cosine * x - sine * to[i + 1];
        to[i + 1] = sine * x + cosine * to[i + 1];
    }
}

/* Forward and backward by their formulas: out, lse and dqkv (packed rows of 3 size) in double. */
static void plain_attention(double *out, double *lse, double *dqkv, const gr_real *qkv, const gr_real *dout, int stride,
                            const gr_real *turn, double scale, int rows, int size) {
    double *part[3], *grad[3], *p = gr_alloc((size_t)rows * sizeof *p);
    for (int i = 0; i < 3; i++) {
        part[i] = gr_alloc((size_t)(rows * size) * sizeof *part[i]);
        grad[i] = gr_alloc((size_t)(rows * size) * sizeof *grad[i]);
        for (int t = 0; t < rows; t++)
            plain_part(part[i] + t * size, qkv + t * stride, i, size, turn ? turn + t * size : NULL, false);
    }
    for (int t = 0; t < rows; t++) {
        double sum = 0, delta = 0;
        for (int j = 0; j <= t; j++) {
            p[j] = 0;
            for (int i = 0; i < size; i++)
                p[j] += scale * part[0][t * size + i] * part[1][j * size + i];
            sum += p[j] = exp(p[j]);
        }
        lse[t] = log(sum);
        for (int i = 0; i < size; i++) {
            out[t * size + i] = 0;
            for (int j = 0; j <= t; j++)
                out[t * size + i] += p[j] / sum * part[2][j * size + i];
            delta += out[t * size + i] * (double)dout[t * size + i];
        }
        for (int j = 0; j <= t; j++) {
            double dp = 0;
            for (int i = 0; i < size; i++) {
                dp += (double)dout[t * size + i] * part[2][j * size + i];
                grad[2][j * size + i] += p[j] / sum * (double)dout[t * size + i];
            }
            double ds = scale * p[j] / sum * (dp - delta);
            for (int i = 0; i < size; i++) {
                grad[0][t * size + i] += ds * part[1][j * size + i];
                grad[1][j * size + i] += ds * part[0][t * size + i];
            }
        }
    }
    for (int i = 0; i < 3; i++) {
        for (int t = 0; t < rows; t++) {
            gr_real row[3 * 64];
            for (int j = 0; j < size; j++)
                row[i * size + j] = (gr_real)grad[i][t * size + j];
            double *to = dqkv + t * 3 * size + i * size;
            plain_part(to, row, i, size, turn ? turn + t * size : NULL, true);
        }
        gr_free(part[i]);
        gr_free(grad[i]);
    }
    gr_free(p);
}

static void check_attention(const gr_kernels *k, int rows, int size, bool rotate) {
    int stride = 3 * size + 5;
    size_t n = (size_t)rows * (size_t)stride, m = (size_t)rows * (size_t)size;
    double scale = 1 / sqrt(size), *want = gr_alloc(m * sizeof *want), *lse = gr_alloc((size_t)rows * sizeof *lse);
    double *dwant = gr_alloc(3 * m * sizeof *dwant);
    gr_real *qkv = gr_alloc(n * sizeof *qkv), *dqkv = gr_alloc(n * sizeof *dqkv), *kept = gr_alloc(n * sizeof *kept);
    gr_real *out = gr_alloc(m * sizeof *out), *dout = gr_alloc(m * sizeof *dout), *turn = gr_alloc(m * sizeof *turn);
    gr_real *sums = gr_alloc((size_t)rows * sizeof *sums);
    /* Scratch comes as other operations leave it. */
    size_t room = k->attention_scratch(rows, size);
    gr_real *scratch = gr_alloc(room * sizeof *scratch);
    for (size_t i = 0; i < room; i++)
        scratch[i] = (gr_real)NAN;
    fill(qkv, n, 1);
    fill(kept, n, 2);
    fill(dout, m, 3);
    for (size_t i = 0; i + 1 < m; i += 2) {
        turn[i] = (gr_real)cos((double)i * 0.3);
        turn[i + 1] = (gr_real)sin((double)i * 0.3);
    }
    plain_attention(want, lse, dwant, qkv, dout, stride, rotate ? turn : NULL, scale, rows, size);
    const gr_head head = {.qkv = qkv,
                          .stride = stride,
                          .stride_out = size,
                          .turn = rotate ? turn : NULL,
                          .scale = (gr_real)scale,
                          .rows = rows,
                          .size = size,
                          .group_size = 1};
    k->attention(out, sums, &head, scratch);
    for (size_t i = 0; i < m; i++)
        CLOSE(out[i], want[i], 2);
    for (int t = 0; t < rows; t++)
        CLOSE(sums[t], lse[t], 2);
    for (int add = 0; add < 2; add++) {
        memcpy(dqkv, kept, n * sizeof *dqkv);
        k->attention_backward(dqkv, add, dout, sums, &head, scratch);
        for (int t = 0; t < rows; t++)
            for (int i = 0; i < stride; i++) {
                double before = (double)kept[t * stride + i];
                double v = i < 3 * size ? add * before + dwant[t * 3 * size + i] : before;
                CLOSE(dqkv[t * stride + i], v, 4);
            }
    }
    void *lists[] = {want, lse, dwant, qkv, dqkv, kept, out, dout, turn, sums, scratch};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        gr_free(lists[i]);
}

static void attention_matches_formula(void **state) {
    const gr_kernels *k = table(*state);
    const int rows[] = {1, 2, 16, 31, 40, 65, 150}, heads[] = {1, 6, 13, 32, 64};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
            check_attention(k, rows[r], heads[h], false);
            if (heads[h] % 2 == 0)
                check_attention(k, rows[r], heads[h], true);
        }
}

/* ---- the choice -------------------------------------------------------------------------------------------------- */

/* What a fresh process with that environment chooses, as an index of names. */
static int choice(const char *wish) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("GRADROUTE_LOG", "0", 1);
        if (wish)
            setenv("GRADROUTE_ISA", wish, 1);
        else
            unsetenv("GRADROUTE_ISA");
        int i = 0;
        while (strcmp(names[i], gr_kernel_isa()) != 0)
            i++;
        _exit(i);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Runs first: the choice is made once per process. */
static void environment_narrows(void **state) {
    (void)state;
    int best = choice(NULL);
    assert_int_equal(choice("base"), 0);
    assert_int_equal(choice("avx2"), best < 1 ? best : 1);
    assert_int_equal(choice("avx512"), best < 2 ? best : 2);
    assert_int_equal(choice("bf16"), best < 3 ? best : 3);
    assert_int_equal(choice("amx"), best);
    assert_int_equal(choice("sse9"), best);
    assert_int_equal(choice(""), best);
    assert_null(gr__kernel_get("sse9"));
    for (int i = 0; i < 5; i++)
        assert_int_equal(gr__kernel_get(names[i]) != NULL, i <= best);
}

int main(void) {
    struct CMUnitTest tests[20] = {cmocka_unit_test(environment_narrows)};
    void (*const each[])(void **) = {vectors_match_loops, exp_is_exact, attention_matches_formula};
    size_t count = 1;
    for (int i = 0; i < 5; i++)
        for (size_t t = 0; t < sizeof each / sizeof *each; t++)
            tests[count++] = (struct CMUnitTest){names[i], each[t], NULL, NULL, (void *)names[i]};
    return _cmocka_run_group_tests("kernel", tests, count, NULL, NULL);
}
