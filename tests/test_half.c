/* bfloat16: conversions, products, weighted gradients, and a routed network beside the same in float32. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "gradroute/arch.h"
#include "gradroute/optim.h"
#include "kernel/kernel.h"
#include "op/op.h"
#include "support.h"

static const char *const isas[] = {"base", "avx2", "avx512", "bf16", "amx"};

static float normal(uint64_t i) { return (float)gr_random_normal((gr_key){1, GR_STREAM_INIT, 2}, i, 0); }

/* ---- conversions ---- */

/* Whatever fits is kept; everything between two neighbours goes to the nearer, the even one from the middle. */
static void conversions_round_to_nearest_even(void **state) {
    (void)state;
    assert_int_equal(gr__narrow(1), 0x3f80);
    assert_int_equal(gr__narrow(1 + 0x1p-8f), 0x3f80);            /* the middle, down to even */
    assert_int_equal(gr__narrow(1 + 3 * 0x1p-8f), 0x3f82);        /* the middle, up to even */
    assert_int_equal(gr__narrow(1 + 0x1p-8f + 0x1p-20f), 0x3f81); /* above the middle */
    assert_int_equal(gr__narrow(-1 - 0x1p-7f), 0xbf81);           /* exact */
    assert_int_equal(gr__narrow(0x1.fffffep127f), 0x7f80);        /* beyond the largest */
    assert_int_equal(gr__narrow(-INFINITY), 0xff80);
    assert_int_equal(gr__narrow(0x1p-130f), 0); /* too small for a whole mantissa */
    assert_true(isnan(gr__widen(gr__narrow(NAN))));
    for (uint32_t h = 0; h < 65536; h++) {
        float x = gr__widen((gr_half)h);
        if (fabsf(x) >= 0x1p-126f && !isnan(x))
            assert_int_equal(gr__narrow(x), h);
    }
}

static void kernels_convert_alike(void **state) {
    (void)state;
    enum { N = 1000 };
    float x[N], wide[N];
    gr_half want[N], got[N + 1];
    for (int i = 0; i < N; i++) {
        x[i] = i % 97 == 0 ? INFINITY : i % 89 == 0 ? 0x1p-133f : normal((uint64_t)i) * exp2f((float)(i % 60 - 30));
        want[i] = gr__narrow(x[i]);
    }
    for (size_t k = 0; k < sizeof isas / sizeof *isas; k++) {
        const gr_kernels *table = gr__kernel_get(isas[k]);
        for (int n = 0; table && n <= N; n += n < 70 ? 1 : 31) {
            got[n] = 0x1234;
            table->narrow(got, x, n);
            assert_memory_equal(got, want, (size_t)n * sizeof *got);
            assert_int_equal(got[n], 0x1234);
            table->widen(wide, want, n);
            for (int i = 0; i < n; i++)
                assert_true(wide[i] == gr__widen(want[i]));
        }
    }
}

/* ---- products ---- */

static gr_half *halves(size_t n, uint64_t seed) {
    gr_half *v = gr_alloc(n * sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = gr__narrow(normal(seed << 32 | i));
    return v;
}

/* Against sums in double of the same rounded numbers: the product sums in float, and rounds once if C is half. */
static void check_product(const gr_gemm_def *d) {
    size_t size_a = (size_t)(d->trans_a ? d->k : d->m) * (size_t)d->lda;
    size_t size_b = (size_t)(d->trans_b ? d->n : d->k) * (size_t)d->ldb, size_c = (size_t)d->m * (size_t)d->ldc;
    gr_half *a = halves(size_a, 1), *b = halves(size_b, 2), *half = halves(size_c, 3);
    float *real = gr_alloc(size_c * sizeof *real), *bias = gr_alloc((size_t)d->n * sizeof *bias);
    for (size_t i = 0; i < size_c; i++)
        real[i] = gr__widen(half[i]);
    for (int j = 0; j < d->n; j++)
        bias[j] = normal((uint64_t)j);
    float *start = gr_alloc(size_c * sizeof *start);
    memcpy(start, real, size_c * sizeof *start);
    gr_gemm *gemm = gr_gemm_new(d, NULL);
    gr_gemm_run(gemm, d->half_c ? (void *)half : (void *)real, a, b, bias);
    gr_gemm_free(gemm);
    for (int i = 0; i < d->m; i++)
        for (int j = 0; j < d->ldc; j++) {
            size_t at = (size_t)i * (size_t)d->ldc + (size_t)j;
            double want = (double)start[at], got = d->half_c ? (double)gr__widen(half[at]) : (double)real[at], size = 1;
            for (int p = 0; j < d->n && p < d->k; p++) {
                double term = (double)gr__widen(a[d->trans_a ? (size_t)p * (size_t)d->lda + (size_t)i
                                                             : (size_t)i * (size_t)d->lda + (size_t)p]) *
                              (double)gr__widen(b[d->trans_b ? (size_t)j * (size_t)d->ldb + (size_t)p
                                                             : (size_t)p * (size_t)d->ldb + (size_t)j]);
                want = (p || d->accumulate ? want : 0) + term;
                size += fabs(term);
            }
            want += j < d->n && d->bias ? (double)bias[j] : 0;
            double limit = j < d->n ? 1e-6 * size + (d->half_c ? 0x1p-8 * (fabs(want) + 1e-3) : 0) : 0;
            if (!(fabs(got - want) <= limit))
                fail_msg("%d x %d x %d%s%s%s%s: C[%d,%d] = %.9g, not %.9g", d->m, d->n, d->k, d->trans_a ? " A'" : "",
                         d->trans_b ? " B'" : "", d->accumulate ? " added" : "", d->half_c ? " half" : "", i, j, got,
                         want);
        }
    void *owned[] = {a, b, half, real, bias, start};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        gr_free(owned[i]);
}

static void products_of_halves(void **state) {
    (void)state;
    static const int sizes[][3] = {{1, 1, 1}, {7, 5, 3}, {3, 1, 9}, {33, 64, 7}, {64, 31, 65}, {96, 48, 512}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int form = 0; form < 64; form++) {
            gr_gemm_def d = {.m = sizes[s][0], .n = sizes[s][1], .k = sizes[s][2], .half = true};
            d.trans_a = form & 1, d.trans_b = form & 2, d.accumulate = form & 4, d.half_c = form & 8;
            d.bias = (form & 16) && !d.accumulate;
            const int more = form & 32 ? 1 : 0;
            d.lda = (d.trans_a ? d.m : d.k) + 5 * more;
            d.ldb = (d.trans_b ? d.k : d.n) + 3 * more;
            d.ldc = d.n + 2 * more;
            check_product(&d);
        }
}

/* Slices with rows of weight 0, 1 and others, of halves. */
static void weighted_gradients_of_halves(void **state) {
    (void)state;
    enum { BLOCK = 8, ROWS = 3 * BLOCK, M = 6, N = 140 };
    uint8_t kind[] = {GR_ROWS_ZERO, GR_ROWS_ONE, GR_ROWS_MIXED};
    gr_real w[ROWS];
    for (int n = 0; n < ROWS; n++)
        w[n] = n < BLOCK ? 0 : n < 2 * BLOCK ? 1 : (gr_real)(n % 3 == 0 ? 0 : n % 3 == 1 ? 1 : -0.75);
    gr_weights weights = {kind, w};
    for (int wide = 0; wide < 2; wide++) { /* either operand is the one that is copied */
        int rows = wide ? N : M, cols = wide ? M : N;
        gr_half *a = halves((size_t)(ROWS * rows), 4), *b = halves((size_t)(ROWS * cols), 5);
        gr_real *g = gr_alloc((size_t)(rows * cols) * sizeof *g);
        gr_real *scratch = gr_alloc(gr__wgrad_scratch(rows, cols, BLOCK) * sizeof *scratch);
        gr_weighted_rect slice = {{0, 0, rows, 0, cols}, &weights};
        gr_param_slot param = {.g = g, .rows = rows, .cols = cols, .slices = 1, .slice = &slice};
        gr_wgrad *wgrad = gr__wgrad_new(&param, 0, cols, BLOCK, rows, cols, true, NULL);
        for (int i = 0; i < gr__wgrad_pieces(wgrad); i++)
            gr__wgrad_piece(wgrad, i, &param, a, b, scratch, 0, ROWS);
        gr__wgrad_free(wgrad);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < cols; j++) {
                double want = 0, size = 1;
                for (int n = 0; n < ROWS; n++) {
                    double term =
                        (double)w[n] * (double)gr__widen(a[n * rows + i]) * (double)gr__widen(b[n * cols + j]);
                    want += term;
                    size += fabs(term);
                }
                if (!(fabs((double)g[i * cols + j] - want) <= 0x1p-8 * size)) /* w x is rounded again */
                    fail_msg("g[%d,%d] = %.6g, not %.6g", i, j, (double)g[i * cols + j], want);
            }
        gr_free(a);
        gr_free(b);
        gr_free(g);
        gr_free(scratch);
    }
}

/* ---- a network ---- */

enum { ROWS = 1400, VOCAB = 60 };

static gr_model *network(gr_norm norm, gr_activation activation) {
    gr_arch_def def = gr_arch_default();
    gr_arch_region region[] = {{.name = "g", .residual.add = 12, .heads.add = 1, .mlp.add = 10}};
    def.vocab = VOCAB, def.context = 64, def.layers = 2, def.width = 32, def.heads = 4, def.mlp = 48;
    def.norm = norm, def.activation = activation, def.bias = norm == GR_NORM_LAYER;
    if (norm == GR_NORM_RMS)
        def.regions = region, def.region_count = 1;
    gr_error err = {0};
    gr_model *model;
    gr_test_ok(gr_arch_build(&model, &def, 3, &err), &err);
    return model;
}

/* Class 0 runs with the region, class 1 without, class 2 with it and closes everything else. */
static gr_tables *tables_of(const gr_model *m) {
    gr_tables *t = gr_tables_new(m, 3);
    int g = gr_model_find_region(m, "g");
    if (g != GR_NONE) {
        gr_tables_gate(t, g, (double[]){1, 0, 1});
        for (gr_param p = 0; p < gr_model_params(m); p++) {
            const gr_param_def *def = gr_model_param(m, p);
            if (strncmp(def->name, "g.", 2) != 0)
                gr_tables_param(t, (gr_rect){p, 0, def->rows, 0, def->cols}, (double[]){1, 1, 0});
        }
    }
    gr_tables_finish(t);
    return t;
}

static size_t size_of(const gr_model *m, gr_param p) {
    return (size_t)gr_model_param(m, p)->rows * (size_t)gr_model_param(m, p)->cols;
}

/* Losses and gradients are those of float32 up to the rounding of what lies between the products. */
static void near_float32(void **state) {
    (void)state;
    static const gr_activation activations[] = {GR_ACTIVATION_SWIGLU, GR_ACTIVATION_GELU, GR_ACTIVATION_RELU};
    for (int k = 0; k < 6; k++) {
        gr_model *m = network(k % 2 ? GR_NORM_LAYER : GR_NORM_RMS, activations[k / 2]);
        gr_tables *t = tables_of(m);
        gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 8);
        b.batch.cls = b.cls;
        for (int n = 0; n < ROWS; n++)
            b.cls[n] = b.start[n] % 3;
        gr_run *run[2];
        double loss[2];
        gr_error err = {0};
        for (int half = 0; half < 2; half++) {
            gr_run_def def = {
                .positions = ROWS, .train = true, .precision = half ? GR_PRECISION_BF16 : GR_PRECISION_FLOAT32};
            gr_test_ok(gr_run_new(&run[half], m, t, &def, &err), &err);
            gr_run_zero(run[half]);
            loss[half] = gr_run_forward(run[half], &b.batch);
            gr_run_backward(run[half]);
            gr_run_reduce(run[half]);
        }
        assert_true(loss[0] != loss[1] && fabs(loss[1] / loss[0] - 1) < 2e-3);
        for (gr_param p = 0; p < gr_model_params(m); p++) {
            double d = gr_test_distance(gr_run_gradient(run[0], p), gr_run_gradient(run[1], p), size_of(m, p));
            if (!(d < (activations[k / 2] == GR_ACTIVATION_RELU ? 0.1 : 0.03))) /* neurons of relu switch */
                fail_msg("network %d: the gradient of %s is %.3g apart", k, gr_model_param(m, p)->name, d);
        }
        gr_run_def def = {.positions = ROWS, .train = true};
        gr_memory real = gr_run_plan(m, t, &def);
        def.precision = GR_PRECISION_BF16;
        assert_true(gr_run_plan(m, t, &def).activations < real.activations * 3 / 4);
        for (int half = 0; half < 2; half++)
            gr_run_free(run[half]);
        gr_test_batch_free(&b);
        gr_tables_free(t);
        gr_model_free(m);
    }
}

/* Training moves the float32 parameters, and the next step sees them. */
static void steps_see_new_parameters(void **state) {
    (void)state;
    double loss[2][12];
    for (int half = 0; half < 2; half++) {
        gr_model *m = network(GR_NORM_RMS, GR_ACTIVATION_SWIGLU);
        gr_model_set_precision(m, half ? GR_PRECISION_BF16 : GR_PRECISION_FLOAT32);
        gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 8);
        gr_run *run, *eval;
        gr_optim *optim;
        gr_error err = {0};
        gr_optim_def def = gr_optim_default();
        def.lr = 0.003, def.schedule = GR_SCHEDULE_CONSTANT, def.warmup = 0;
        gr_test_ok(gr_run_new(&run, m, NULL, &(gr_run_def){.positions = ROWS, .train = true}, &err), &err);
        gr_test_ok(gr_run_new(&eval, m, NULL, &(gr_run_def){.positions = ROWS}, &err), &err);
        gr_test_ok(gr_optim_new(&optim, m, NULL, &def, &err), &err);
        for (int s = 0; s < 12; s++) {
            gr_run_zero(run);
            loss[half][s] = gr_run_forward(run, &b.batch);
            assert_true(fabs(gr_run_forward(eval, &b.batch) / loss[half][s] - 1) < 2e-3);
            gr_run_backward(run);
            gr_run_reduce(run);
            gr_test_ok(gr_optim_step(optim, run, NULL, &err), &err);
        }
        gr_optim_free(optim);
        gr_run_free(run);
        gr_run_free(eval);
        gr_test_batch_free(&b);
        gr_model_free(m);
    }
    assert_true(loss[0][11] < loss[0][0] - 0.3);
    for (int s = 0; s < 12; s++)
        assert_true(fabs(loss[1][s] / loss[0][s] - 1) < 5e-3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversions_round_to_nearest_even),
        cmocka_unit_test(kernels_convert_alike),
        cmocka_unit_test(products_of_halves),
        cmocka_unit_test(weighted_gradients_of_halves),
        cmocka_unit_test(near_float32),
        cmocka_unit_test(steps_see_new_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
