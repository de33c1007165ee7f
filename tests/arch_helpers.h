/* arch_helpers.h - small networks, their logits, and switching regions, for the tests of architectures. */
#ifndef GR_TESTS_ARCH_HELPERS_H
#define GR_TESTS_ARCH_HELPERS_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/arch.h"
#include "kernel/kernel.h"
#include "support.h"

enum { ROWS = 24, VOCAB = 23, OFF_MOST = 4 };

/* 2 layers, width 16, 4 heads of 4, 24 neurons; weights large enough that nothing hides in the noise. */
static inline gr_arch_def small_def(void) {
    gr_arch_def def = gr_arch_default();
    def.vocab = VOCAB;
    def.context = 32;
    def.layers = 2;
    def.width = 16;
    def.heads = 4;
    def.mlp = 24;
    def.init_std = 0.2;
    return def;
}

static inline gr_model *build(const gr_arch_def *def, uint64_t seed) {
    gr_error err = {0};
    gr_model *model;
    gr_test_ok(gr_arch_build(&model, def, seed, &err), &err);
    return model;
}

/* Logits [ROWS x VOCAB] of the usual batch, with the named regions off; gr_free them. */
static inline gr_real *logits_without(gr_model *model, const char *const *off, int count) {
    gr_error err = {0};
    gr_run *run;
    gr_tables *tables = NULL;
    if (count) {
        tables = gr_tables_new(model, 1);
        for (int i = 0; i < count; i++) {
            int region = gr_model_find_region(model, off[i]);
            assert_int_not_equal(region, GR_NONE);
            gr_tables_gate(tables, region, (double[]){0});
        }
        gr_tables_finish(tables);
    }
    gr_test_ok(gr_run_new(&run, model, tables, &(gr_run_def){.positions = ROWS}, &err), &err);
    gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 5);
    double loss = gr_run_forward(run, &b.batch);
    assert_true(isfinite(loss) && loss > 0);
    int stride;
    const gr_real *v = gr_run_value(run, gr_model_output(model, "logits"), &stride);
    gr_real *copy = gr_alloc(ROWS * VOCAB * sizeof *copy);
    for (int i = 0; i < ROWS; i++)
        memcpy(copy + i * VOCAB, v + i * stride, VOCAB * sizeof *copy);
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_tables_free(tables);
    return copy;
}

static inline gr_real *logits_of(gr_model *model) { return logits_without(model, NULL, 0); }

static inline void set_all(gr_model *model, const char *name, double value) {
    gr_param p = gr_model_find(model, name);
    assert_int_not_equal(p, GR_NONE);
    const gr_param_def *def = gr_model_param(model, p);
    for (int i = 0; i < def->rows * def->cols; i++)
        gr_model_data(model, p)[i] = (gr_real)value;
}

/* Moves every parameter off its special initial values (norms 1, biases 0), keyed by name and place. */
static inline void disturb(gr_model *model) {
    for (int p = 0; p < gr_model_params(model); p++) {
        const gr_param_def *def = gr_model_param(model, p);
        unsigned hash = 5381;
        for (const char *c = def->name; *c; c++)
            hash = hash * 33 + (unsigned char)*c;
        for (int i = 0; i < def->rows * def->cols && def->rows == 1; i++)
            gr_model_data(model, p)[i] += (gr_real)(0.3 * sin((double)(hash % 1000) + 1.7 * i));
    }
}

static inline void assert_same_bits(const gr_real *a, const gr_real *b) {
    assert_memory_equal(a, b, ROWS * VOCAB * sizeof *a);
}

static inline void assert_close(const gr_real *a, const gr_real *b, double tolerance) {
    double d = gr_test_distance(a, b, ROWS * VOCAB);
    if (!(d <= tolerance))
        fail_msg("distance %g, allowed %g", d, tolerance);
}

static inline void assert_apart(const gr_real *a, const gr_real *b) {
    assert_true(gr_test_distance(a, b, ROWS * VOCAB) > 1e-3);
}

/* The description is refused, and the message says why. */
static inline void expect_error(const gr_arch_def *def, const char *part) {
    gr_error err = {0};
    assert_int_equal(gr_arch_check(def, &err), GR_ERR_USAGE);
    if (!strstr(err.message, part))
        fail_msg("'%s' does not say '%s'", err.message, part);
}

#endif
