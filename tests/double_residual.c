/* Gradients of networks with residual groups against central differences (in double): groups of every kind and every
 * pair of kinds, on in some rows and off in others. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "group_helpers.h"
#include "support.h"

enum { N = 40, V = GR_TEST_VOCAB, CLASSES = 3 };

static gr_arch_def def_of(gr_arch_region region[2], gr_norm norm, int first, int second) {
    gr_arch_def def = gr_arch_default();
    def.norm = norm;
    def.vocab = V, def.context = N, def.layers = 2, def.width = 4, def.mlp = 3, def.heads = 1, def.init_std = 0.5;
    region[0] =
        (gr_arch_region){.name = "a", .residual.add = 3, .mlp.add = 2, .heads.add = 1, .group = group_of(first)};
    region[1] =
        (gr_arch_region){.name = "b", .residual.add = 2, .mlp.add = 2, .heads.add = 1, .group = group_of(second)};
    def.regions = region, def.region_count = second < 0 ? 1 : 2;
    return def;
}

/* Gains away from 1, which would hide what multiplies them. */
static void disturb(gr_model *model) {
    for (int p = 0; p < gr_model_params(model); p++)
        for (int i = 0; i < gr_model_param(model, p)->cols && gr_model_param(model, p)->rows == 1; i++)
            gr_model_data(model, p)[i] += (gr_real)(0.3 * sin(p + 1.7 * i));
}

/* All on, the first off, the last off. */
static gr_tables *classes(const gr_model *model) {
    const int last = gr_model_regions(model) - 1;
    gr_tables *tables = gr_tables_new(model, CLASSES);
    for (int r = 0; r <= last; r++)
        gr_tables_gate(tables, r, (double[]){1, r != 0, r != last});
    gr_tables_finish(tables);
    return tables;
}

/* The loss with parameter p moved from `old` by so much along a direction. */
static double moved(gr_model *model, int p, const gr_real *old, const double *along, double by, gr_run *run,
                    const gr_batch *batch) {
    const gr_param_def *def = gr_model_param(model, p);
    for (int k = 0; k < def->rows * def->cols; k++)
        gr_model_data(model, p)[k] = (gr_real)((double)old[k] + by * along[k]);
    return gr_run_forward(run, batch);
}

/* The derivative of the loss along a direction in one parameter, and what the gradient says of it. */
static void compare_param(gr_model *model, int p, gr_run *run, gr_run *other, const gr_batch *batch) {
    enum { MOST = 128, TRIES = 3 };
    const gr_param_def *def = gr_model_param(model, p);
    const int numbers = def->rows * def->cols;
    const double h = 1e-6;
    gr_real old[MOST];
    double along[MOST];
    assert_in_range(numbers, 1, MOST);
    memcpy(old, gr_model_data(model, p), (size_t)numbers * sizeof *old);
    for (int t = 0; t < TRIES; t++) {
        double want = 0, size = 0;
        for (int k = 0; k < numbers; k++) {
            const double g = (double)gr_run_gradient(run, p)[k];
            along[k] = gr_random_normal((gr_key){4, GR_STREAM_TEST, (uint32_t)p}, (uint64_t)k, (uint32_t)t);
            want += along[k] * g;
            size += g * g;
        }
        const double up = moved(model, p, old, along, h, other, batch),
                     down = moved(model, p, old, along, -h, other, batch), wrong = fabs((up - down) / (2 * h) - want);
        moved(model, p, old, along, 0, other, batch);
        if (!(size > 0 && wrong < 1e-6 * sqrt(size)))
            fail_msg("%s: wrong by %.3g of %.3g", def->name, wrong, sqrt(size));
    }
}

static void compare(gr_model *model, gr_run *run, gr_run *other, const gr_batch *batch) {
    gr_run_zero(run);
    gr_run_forward(run, batch);
    gr_run_backward(run);
    gr_run_reduce(run);
    for (int p = 0; p < gr_model_params(model); p++)
        compare_param(model, p, run, other, batch);
}

static void check(gr_norm norm, int first, int second) {
    gr_arch_region region[2];
    const gr_arch_def def = def_of(region, norm, first, second);
    gr_error err = {0};
    gr_model *model;
    gr_run *run, *other;
    gr_test_ok(gr_arch_build(&model, &def, 7, &err), &err);
    disturb(model);
    gr_tables *tables = classes(model);
    gr_test_ok(gr_run_new(&run, model, tables, &(gr_run_def){.positions = N, .train = true}, &err), &err);
    gr_test_ok(gr_run_new(&other, model, tables, &(gr_run_def){.positions = N}, &err), &err);
    gr_test_batch b = gr_test_batch_new(N, V, 4);
    for (int n = 0, document = 0; n < N; n++) {
        document += b.start[n] == n;
        b.cls[n] = (document - 1) % CLASSES;
    }
    b.batch.cls = b.cls;
    compare(model, run, other, &b.batch);
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_run_free(other);
    gr_tables_free(tables);
    gr_model_free(model);
}

static void one_group(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        check(GR_NORM_RMS, kind, -1);
        if (group_fits(GR_NORM_LAYER, kind))
            check(GR_NORM_LAYER, kind, -1);
    }
}

static void two_groups(void **state) {
    (void)state;
    for (int first = 0; first < KINDS; first++)
        for (int second = 0; second < KINDS; second++) {
            check(GR_NORM_RMS, first, second);
            if (group_fits(GR_NORM_LAYER, first) && group_fits(GR_NORM_LAYER, second))
                check(GR_NORM_LAYER, first, second);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_group), cmocka_unit_test(two_groups)};
    return cmocka_run_group_tests_name("gradients of residual groups", tests, NULL, NULL);
}
