/* Training steps with one thread and with several, in double: the same bits. Under a thread sanitizer this is also
 * where the loops of passes and of the optimiser would show that they race (tests/slow_threads.sh). */
#include <omp.h>

#include "arch_helpers.h"
#include "gradroute/optim.h"

enum { N = 1200, STEPS = 3, CLASSES = 3 };

static const gr_arch_region regions[] = {
    {.name = "g", .residual.add = 6, .mlp.add = 5, .heads.add = 1},
    {.name = "claim", .heads = {.lo = 1, .hi = 3}},
    {.name = "low", .adapter = {.rank = 2, .maps = 1u << GR_MAP_QKV | 1u << GR_MAP_OUT}},
};

/* Region by region another class is off; the core is closed, weighed and open. */
static gr_tables *tables_of(const gr_model *m) {
    gr_tables *t = gr_tables_new(m, CLASSES);
    for (int r = 0; r < 3; r++) {
        double w[CLASSES] = {1, 1, 1};
        w[r] = 0;
        gr_tables_gate(t, r, w);
    }
    gr_param norm = gr_model_find(m, "layers.0.attn.norm"), qkv = gr_model_find(m, "layers.1.attn.qkv");
    gr_tables_param(t, (gr_rect){norm, 0, 1, 0, 16}, (double[]){1, 0, 0.5});
    gr_tables_param(t, (gr_rect){qkv, 0, gr_model_param(m, qkv)->rows, 3, 9}, (double[]){0, 1, -0.75});
    gr_tables_finish(t);
    return t;
}

/* All parameters after a few steps, and the norm of the gradient in each: all are above the limit, so that what the
 * norm is decides every parameter. */
static gr_real *trained(const gr_arch_def *def, int threads, double norm[STEPS]) {
    omp_set_num_threads(threads);
    gr_model *m = build(def, 3);
    disturb(m);
    gr_tables *t = tables_of(m);
    gr_run *run;
    gr_optim *optim;
    gr_error err = {0};
    gr_optim_def how = gr_optim_default();
    how.lr = 0.01;
    how.clip = 0.01;
    gr_test_ok(gr_run_new(&run, m, t, &(gr_run_def){.positions = N, .train = true, .seed = 2}, &err), &err);
    gr_test_ok(gr_optim_new(&optim, m, t, &how, &err), &err);

    gr_test_batch b = gr_test_batch_new(N, VOCAB, 5);
    for (int n = 0; n < N; n++)
        b.cls[n] = n % 97 == 5 ? -1 : b.start[n] % CLASSES;
    b.batch.cls = b.cls;
    b.batch.weight = b.weight;
    for (int step = 0; step < STEPS; step++) {
        b.batch.step = step;
        gr_run_zero(run);
        gr_run_forward(run, &b.batch);
        gr_run_backward(run);
        gr_run_reduce(run);
        gr_test_ok(gr_optim_step(optim, run, &norm[step], &err), &err);
        assert_true(norm[step] > how.clip);
    }

    gr_real *all = gr_alloc(gr_model_size(m) * sizeof *all), *to = all;
    for (int p = 0; p < gr_model_params(m); p++) {
        size_t size = (size_t)gr_model_param(m, p)->rows * (size_t)gr_model_param(m, p)->cols;
        memcpy(to, gr_model_data(m, p), size * sizeof *to);
        to += size;
    }
    gr_test_batch_free(&b);
    gr_optim_free(optim);
    gr_run_free(run);
    gr_tables_free(t);
    gr_model_free(m);
    return all;
}

static void check(gr_arch_def def) {
    def.context = N, def.dropout = 0.1, def.l1 = 0.01;
    def.regions = regions, def.region_count = 3;
    gr_model *m = build(&def, 3);
    size_t size = gr_model_size(m);
    double norm_one[STEPS], norm_three[STEPS];
    gr_real *one = trained(&def, 1, norm_one), *three = trained(&def, 3, norm_three);
    for (size_t i = 0; i < size; i++)
        assert_true(isfinite(one[i]));
    assert_memory_equal(norm_one, norm_three, sizeof norm_one);
    assert_memory_equal(one, three, size * sizeof *one);
    gr_free(one);
    gr_free(three);
    gr_model_free(m);
}

static void dense(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    def.windows = (const int[]){0, 5}, def.window_count = 2;
    check(def);
}

static void experts(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    def.mlp = 6, def.experts = 4, def.top = 2, def.balance = 0.1;
    check(def);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(dense), cmocka_unit_test(experts)};
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
