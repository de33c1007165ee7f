/* The rules of the engine on a small transformer: weights of 1 change nothing, closed and off are exact, mixed batches
 * are sums, cuts at block borders keep the bits, and nothing is allocated in the loop. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "gradroute/arch.h"
#include "support.h"

enum { V = GR_TEST_VOCAB, BLOCK = 512 };

/* All rules hold in either precision. Sums of the same numbers in another order differ in the last bits of a float, or
 * of what is rounded to 8 bits in between. */
static gr_precision precision;
static double apart;

typedef struct fixture {
    gr_model *model;
    gr_test_batch b;
} fixture;

static fixture setup(int rows) {
    fixture f = {gr_test_transformer(3), gr_test_batch_new(rows, V, 8)};
    f.b.batch.cls = f.b.cls;
    return f;
}

static void teardown(fixture *f) {
    gr_test_batch_free(&f->b);
    gr_model_free(f->model);
}

/* Class of a row: that of its document, `classes` of them in turn. */
static void class_by_document(gr_test_batch *b, int classes) {
    int document = -1;
    for (int n = 0; n < b->batch.positions; n++) {
        document += b->start[n] == n;
        b->cls[n] = document % classes;
    }
}

static gr_run *run_new(gr_model *m, const gr_tables *t, int rows) {
    gr_run *run;
    gr_error err = {0};
    gr_test_ok(gr_run_new(&run, m, t,
                          &(gr_run_def){.positions = rows, .train = true, .seed = 1, .precision = precision}, &err),
               &err);
    return run;
}

static double step(gr_run *run, const gr_batch *batch) {
    gr_run_zero(run);
    double loss = gr_run_forward(run, batch);
    gr_run_backward(run);
    gr_run_reduce(run);
    return loss;
}

static size_t size_of(const gr_model *m, gr_param p) {
    const gr_param_def *def = gr_model_param(m, p);
    return (size_t)def->rows * (size_t)def->cols;
}

/* The largest relative distance of two runs' gradients over all parameters (0: bit-equal unless bits says no). */
static double gradients_apart(const gr_model *m, gr_run *a, gr_run *b, bool *bits) {
    double worst = 0;
    *bits = true;
    for (int p = 0; p < gr_model_params(m); p++) {
        double d = gr_test_distance(gr_run_gradient(a, p), gr_run_gradient(b, p), size_of(m, p));
        worst = d > worst ? d : worst;
        *bits &= memcmp(gr_run_gradient(a, p), gr_run_gradient(b, p), size_of(m, p) * sizeof(gr_real)) == 0;
    }
    return worst;
}

static void route_everything(gr_tables *t, const gr_model *m, const double *w) {
    for (int p = 0; p < gr_model_params(m); p++) {
        const gr_param_def *def = gr_model_param(m, p);
        gr_tables_param(t, (gr_rect){p, 0, def->rows, 0, def->cols}, w);
    }
    for (int i = 0; i < gr_model_taps(m); i++) {
        int width;
        gr_model_tap(m, i, &width);
        gr_tables_activation(t, i, 0, width, w);
        gr_tables_forward(t, i, 0, width, w);
    }
}

static void weight_one_is_no_route(void **state) {
    (void)state;
    fixture f = setup(700);
    class_by_document(&f.b, 3);
    gr_tables *t = gr_tables_new(f.model, 3);
    route_everything(t, f.model, (double[]){1, 1, 1});
    gr_tables_finish(t);
    assert_int_equal(gr_tables_slices(t), gr_model_params(f.model)); /* merged and dropped */
    gr_run *a = run_new(f.model, t, 700), *b = run_new(f.model, NULL, 700);
    double la = step(a, &f.b.batch);
    f.b.batch.cls = NULL;
    double lb = step(b, &f.b.batch);
    bool bits;
    gradients_apart(f.model, a, b, &bits);
    assert_true(la == lb && bits);
    gr_run_free(a);
    gr_run_free(b);
    gr_tables_free(t);
    teardown(&f);
}

static void forward_is_untouched_by_backward_modes(void **state) {
    (void)state;
    fixture f = setup(300);
    class_by_document(&f.b, 2);
    gr_tables *t = gr_tables_new(f.model, 2);
    gr_tables_param(t, (gr_rect){gr_model_find(f.model, "up"), 0, 5, 0, 8}, (double[]){0, -0.75});
    gr_tables_activation(t, gr_model_find_tap(f.model, "hidden"), 2, 9, (double[]){0.3, 0});
    gr_tables_finish(t);
    gr_run *a = run_new(f.model, t, 300), *b = run_new(f.model, NULL, 300);
    double la = step(a, &f.b.batch);
    f.b.batch.cls = NULL;
    double lb = step(b, &f.b.batch);
    int stride;
    gr_value loss = gr_model_output(f.model, "row_loss");
    const gr_real *x = gr_run_value(a, loss, &stride), *y = gr_run_value(b, loss, &stride);
    assert_true(la == lb);
    assert_memory_equal(x, y, 300 * (size_t)stride * sizeof *x);
    bool bits;
    assert_true(gradients_apart(f.model, a, b, &bits) > 0.01);
    gr_run_free(a);
    gr_run_free(b);
    gr_tables_free(t);
    teardown(&f);
}

/* Residual-group routing plus a claimed range with real weights: classes 0 off and core open, 1 on with the core
 * closed, 2 on and open with real weights. */
static gr_tables *three_classes(const gr_model *m) {
    gr_tables *t = gr_tables_new(m, 3);
    int group = gr_model_find_region(m, "group"), claimed = gr_model_find_region(m, "claimed");
    gr_tables_gate(t, group, (double[]){0, 1, 1});
    for (int p = 0; p < gr_model_params(m); p++) {
        const gr_param_def *def = gr_model_param(m, p);
        if (strncmp(def->name, "group.", 6) != 0)
            gr_tables_param(t, (gr_rect){p, 0, def->rows, 0, def->cols}, (double[]){1, 0, 1});
    }
    const gr_region *r = gr_model_region(m, claimed);
    for (int i = 0; i < r->rects; i++)
        gr_tables_param(t, r->rect[i], (double[]){1, 1, 0.3});
    gr_tables_finish(t);
    return t;
}

/* Sets to 0 the weight of all rows but those of a class, in both loss terms. */
static void only_class(gr_test_batch *b, int c) {
    for (int n = 0; n < b->batch.positions; n++)
        b->weight[n] = b->cls[n] == c;
    b->batch.weight = b->weight;
}

static void mixed_batch_is_sum_of_classes(void **state) {
    (void)state;
    fixture f = setup(900);
    class_by_document(&f.b, 3);
    gr_tables *t = three_classes(f.model);
    gr_run *mixed = run_new(f.model, t, 900), *single = run_new(f.model, t, 900);
    step(mixed, &f.b.batch);
    gr_run_zero(single);
    for (int c = 0; c < 3; c++) {
        only_class(&f.b, c);
        gr_run_forward(single, &f.b.batch);
        gr_run_backward(single);
    }
    gr_run_reduce(single);
    bool bits;
    assert_true(gradients_apart(f.model, mixed, single, &bits) < apart);
    gr_run_free(mixed);
    gr_run_free(single);
    gr_tables_free(t);
    teardown(&f);
}

/* The slow twin: one plain backward pass per class with its own forward gates, then sum_c T[c][slice] g_c. */
static void one_pass_is_slow_twin(void **state) {
    (void)state;
    fixture f = setup(900);
    class_by_document(&f.b, 3);
    gr_tables *t = three_classes(f.model);
    gr_run *fast = run_new(f.model, t, 900);
    step(fast, &f.b.batch);
    gr_real *sum[64] = {0};
    for (int p = 0; p < gr_model_params(f.model); p++)
        sum[p] = gr_alloc(size_of(f.model, p) * sizeof(gr_real));
    for (int c = 0; c < 3; c++) {
        gr_tables *gate = gr_tables_new(f.model, 1);
        gr_tables_gate(gate, gr_model_find_region(f.model, "group"), (double[]){c > 0});
        gr_tables_finish(gate);
        gr_run *slow = run_new(f.model, gate, 900);
        only_class(&f.b, c);
        f.b.batch.cls = NULL;
        step(slow, &f.b.batch);
        f.b.batch.cls = f.b.cls;
        for (int s = 0; s < gr_tables_slices(t); s++) {
            gr_rect q = gr_tables_slice(t, s);
            int cols = gr_model_param(f.model, q.param)->cols;
            for (int i = q.lo0; i < q.hi0; i++)
                for (int j = q.lo1; j < q.hi1; j++)
                    sum[q.param][i * cols + j] +=
                        (gr_real)gr_tables_weight(t, s, c) * gr_run_gradient(slow, q.param)[i * cols + j];
        }
        gr_run_free(slow);
        gr_tables_free(gate);
    }
    for (int p = 0; p < gr_model_params(f.model); p++) {
        double d = gr_test_distance(sum[p], gr_run_gradient(fast, p), size_of(f.model, p));
        if (!(d < apart))
            fail_msg("%s: %.3g apart", gr_model_param(f.model, p)->name, d);
        gr_free(sum[p]);
    }
    gr_run_free(fast);
    gr_tables_free(t);
    teardown(&f);
}

static gr_batch part_of(const gr_batch *whole, int from, int rows, int32_t *start) {
    gr_batch b = *whole;
    b.positions = rows;
    b.ids += from;
    b.targets += from;
    b.cls += from;
    for (int n = 0; n < rows; n++)
        start[n] = whole->start[from + n] - from;
    b.start = start;
    b.first = from;
    return b;
}

/* Documents may not cross the cut. */
static void cut_documents(gr_test_batch *b, int every) {
    for (int n = 0; n < b->batch.positions; n++)
        if (n % every == 0 || b->start[n] < n / every * every)
            b->start[n] = n / every * every;
}

static void micro_batches(void **state) {
    (void)state;
    fixture f = setup(4 * BLOCK);
    cut_documents(&f.b, 128);
    class_by_document(&f.b, 3);
    gr_tables *t = three_classes(f.model);
    gr_run *whole = run_new(f.model, t, 4 * BLOCK);
    step(whole, &f.b.batch);
    int32_t start[4 * BLOCK];
    int cuts[] = {BLOCK, 2 * BLOCK, 128};
    for (int k = 0; k < 3; k++) {
        gr_run *micro = run_new(f.model, t, cuts[k]);
        gr_run_zero(micro);
        for (int from = 0; from < 4 * BLOCK; from += cuts[k]) {
            gr_batch b = part_of(&f.b.batch, from, cuts[k], start);
            gr_run_forward(micro, &b);
            gr_run_backward(micro);
        }
        gr_run_reduce(micro);
        bool bits;
        double d = gradients_apart(f.model, whole, micro, &bits);
        assert_true(cuts[k] % BLOCK ? d < apart : bits);
        assert_memory_equal(gr_run_open(whole), gr_run_open(micro), (size_t)gr_tables_slices(t));
        gr_run_free(micro);
    }
    gr_run_free(whole);
    gr_tables_free(t);
    teardown(&f);
}

/* How work is shared out does not depend on how many threads there are. */
static void threads_change_no_bit(void **state) {
    (void)state;
    const int before = omp_get_max_threads();
    fixture f = setup(3 * BLOCK + 40);
    cut_documents(&f.b, 128);
    class_by_document(&f.b, 3);
    gr_tables *t = three_classes(f.model);
    gr_run *run[3];
    for (int k = 0; k < 3; k++) {
        omp_set_num_threads(k + 1);
        run[k] = run_new(f.model, t, 3 * BLOCK + 40);
        step(run[k], &f.b.batch);
    }
    omp_set_num_threads(before);
    for (int k = 0; k < 3; k++) {
        bool bits;
        gradients_apart(f.model, run[0], run[k], &bits);
        assert_true(bits);
    }
    for (int k = 0; k < 3; k++)
        gr_run_free(run[k]);
    gr_tables_free(t);
    teardown(&f);
}

/* One forget and one core document in one row: the core learns as if the core document were alone. */
static void core_sees_core_document_alone(void **state) {
    (void)state;
    fixture f = setup(48);
    for (int n = 0; n < 48; n++) {
        f.b.start[n] = n < 20 ? 0 : 20;
        f.b.cls[n] = n < 20; /* class 1, labelled, comes first */
    }
    gr_tables *t = three_classes(f.model);
    gr_run *both = run_new(f.model, t, 48), *alone = run_new(f.model, t, 48);
    step(both, &f.b.batch);
    int32_t start[48];
    gr_batch core = part_of(&f.b.batch, 20, 28, start);
    step(alone, &core);
    int compared = 0;
    for (int p = 0; p < gr_model_params(f.model); p++)
        for (int s = 0; s < gr_tables_slices(t); s++) {
            gr_rect q = gr_tables_slice(t, s);
            if (q.param != p || gr_tables_weight(t, s, 1) != 0)
                continue;
            int cols = gr_model_param(f.model, p)->cols;
            for (int i = q.lo0; i < q.hi0; i++)
                assert_true(gr_test_distance(gr_run_gradient(both, p) + i * cols + q.lo1,
                                             gr_run_gradient(alone, p) + i * cols + q.lo1,
                                             (size_t)(q.hi1 - q.lo1)) < apart);
            compared++;
        }
    assert_true(compared > 5);
    gr_run_free(both);
    gr_run_free(alone);
    gr_tables_free(t);
    teardown(&f);
}

/* What no row opens says so, and holds a gradient of exactly 0. */
static void openness(void **state) {
    (void)state;
    fixture f = setup(200);
    gr_tables *t = three_classes(f.model);
    gr_run *run = run_new(f.model, t, 200);
    for (int only = 0; only < 3; only++) {
        for (int n = 0; n < 200; n++)
            f.b.cls[n] = n % 5 == 4 && f.b.start[n] == n ? -1 : only;
        for (int n = 0; n < 200; n++)
            f.b.start[n] = f.b.cls[n] < 0 || n == 0 || f.b.cls[n - 1] < 0 ? n
                           : f.b.start[n] == n                            ? n
                                                                          : f.b.start[n - 1];
        step(run, &f.b.batch);
        for (int s = 0; s < gr_tables_slices(t); s++) {
            gr_rect q = gr_tables_slice(t, s);
            bool open = gr_tables_weight(t, s, only) != 0;
            assert_int_equal(gr_run_open(run)[s], open);
            int cols = gr_model_param(f.model, q.param)->cols;
            for (int i = q.lo0; i < q.hi0 && !open; i++)
                for (int j = q.lo1; j < q.hi1; j++)
                    assert_true(gr_run_gradient(run, q.param)[i * cols + j] == 0);
        }
    }
    gr_run_free(run);
    gr_tables_free(t);
    teardown(&f);
}

/* A blocked tap stops the gradient of its consumers only: the L1 term reads the value before it. */
static void unrouted_consumer_stays(void **state) {
    (void)state;
    fixture f = setup(64);
    gr_tables *t = gr_tables_new(f.model, 1);
    gr_tables_activation(t, gr_model_find_tap(f.model, "hidden"), 0, 10, (double[]){0});
    gr_tables_finish(t);
    gr_run *run = run_new(f.model, t, 64);
    memset(f.b.cls, 0, 64 * sizeof *f.b.cls);
    step(run, &f.b.batch);
    double norm = 0;
    gr_param up = gr_model_find(f.model, "up");
    for (size_t i = 0; i < size_of(f.model, up); i++)
        norm += (double)(gr_run_gradient(run, up)[i] * gr_run_gradient(run, up)[i]);
    assert_true(norm > 0);
    /* Without the language loss (no targets) the same gradient comes from L1 alone. */
    gr_run *l1 = run_new(f.model, NULL, 64);
    f.b.batch.targets = NULL;
    step(l1, &f.b.batch);
    assert_true(gr_test_distance(gr_run_gradient(run, up), gr_run_gradient(l1, up), size_of(f.model, up)) < apart);
    gr_run_free(run);
    gr_run_free(l1);
    gr_tables_free(t);
    teardown(&f);
}

/* Rows that are off compute what a batch with every row off computes, whatever their neighbours are. */
static void off_rows_ignore_the_group(void **state) {
    (void)state;
    fixture f = setup(3 * BLOCK);
    cut_documents(&f.b, 64);
    for (int n = 0; n < 3 * BLOCK; n++)
        f.b.cls[n] = n < BLOCK ? 0 : n / 64 % 2; /* a block that is off as a whole, then mixed ones */
    gr_tables *t = three_classes(f.model), *off = gr_tables_new(f.model, 1);
    gr_tables_gate(off, gr_model_find_region(f.model, "group"), (double[]){0});
    gr_tables_finish(off);
    gr_run *mixed = run_new(f.model, t, 3 * BLOCK), *none = run_new(f.model, off, 3 * BLOCK);
    step(mixed, &f.b.batch);
    f.b.batch.cls = NULL;
    step(none, &f.b.batch);
    int stride;
    gr_value loss = gr_model_output(f.model, "row_loss");
    const gr_real *x = gr_run_value(mixed, loss, &stride), *y = gr_run_value(none, loss, &stride);
    for (int n = 0; n < 3 * BLOCK; n++)
        if (f.b.cls[n] == 0)
            assert_memory_equal(x + n * stride, y + n * stride, (size_t)stride * sizeof *x);
    /* The group's own parameters do not matter to them. */
    gr_real *w = gr_model_data(f.model, gr_model_find(f.model, "group.embed"));
    for (size_t i = 0; i < size_of(f.model, gr_model_find(f.model, "group.embed")); i++)
        w[i] += 3;
    double before = gr_run_forward(none, &f.b.batch);
    w[0] -= 100;
    assert_true(before == gr_run_forward(none, &f.b.batch));
    gr_run_free(mixed);
    gr_run_free(none);
    gr_tables_free(t);
    gr_tables_free(off);
    teardown(&f);
}

static void repeats_and_allocations(void **state) {
    (void)state;
    fixture f = setup(2 * BLOCK);
    class_by_document(&f.b, 3);
    gr_tables *t = three_classes(f.model);
    gr_run *a = run_new(f.model, t, 2 * BLOCK), *b = run_new(f.model, t, 2 * BLOCK);
    double first = step(a, &f.b.batch);
    uint64_t calls = gr_alloc_count();
    for (int i = 0; i < 5; i++)
        assert_true(step(a, &f.b.batch) == first);
    assert_true(gr_alloc_count() == calls);
    step(b, &f.b.batch);
    bool bits;
    gradients_apart(f.model, a, b, &bits);
    assert_true(bits);
    gr_run_free(a);
    gr_run_free(b);
    gr_tables_free(t);
    teardown(&f);
}

/* A run that only evaluates reuses buffers and gives the same bits. */
/* More numbers than a thread clears at a time. */
static void zero_clears_all(void **state) {
    (void)state;
    gr_arch_def def = gr_arch_default();
    gr_error err = {0};
    gr_model *model;
    gr_run *run;
    def.vocab = 2000, def.context = 8, def.layers = 1, def.width = 64, def.heads = 2;
    gr_test_ok(gr_arch_build(&model, &def, 1, &err), &err);
    gr_test_ok(
        gr_run_new(&run, model, NULL, &(gr_run_def){.positions = 8, .train = true, .precision = precision}, &err),
        &err);
    for (int p = 0; p < gr_model_params(model); p++)
        for (int i = 0; i < gr_model_param(model, p)->rows * gr_model_param(model, p)->cols; i++)
            gr_run_gradient(run, p)[i] = 1;
    gr_run_zero(run);
    for (int p = 0; p < gr_model_params(model); p++)
        for (int i = 0; i < gr_model_param(model, p)->rows * gr_model_param(model, p)->cols; i++)
            assert_true(gr_run_gradient(run, p)[i] == 0);
    gr_run_free(run);
    gr_model_free(model);
}

static void evaluation_equals_training(void **state) {
    (void)state;
    fixture f = setup(700);
    class_by_document(&f.b, 3);
    gr_tables *t = three_classes(f.model);
    gr_run *train = run_new(f.model, t, 700), *eval;
    gr_error err = {0};
    gr_run_def def = {.positions = 700, .precision = precision};
    gr_test_ok(gr_run_new(&eval, f.model, t, &def, &err), &err);
    double trained = gr_run_forward(train, &f.b.batch), evaluated = gr_run_forward(eval, &f.b.batch);
    if (precision == GR_PRECISION_BF16) /* evaluation keeps its logits in float */
        assert_true(fabs(trained - evaluated) < 0.01 * evaluated);
    else
        assert_true(trained == evaluated);
    gr_run_def full = {.positions = 700, .train = true, .precision = precision};
    assert_true(gr_run_plan(f.model, t, &def).activations < gr_run_plan(f.model, t, &full).activations / 2);
    gr_run_free(train);
    gr_run_free(eval);
    gr_tables_free(t);
    teardown(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weight_one_is_no_route),
        cmocka_unit_test(forward_is_untouched_by_backward_modes),
        cmocka_unit_test(mixed_batch_is_sum_of_classes),
        cmocka_unit_test(one_pass_is_slow_twin),
        cmocka_unit_test(micro_batches),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(core_sees_core_document_alone),
        cmocka_unit_test(openness),
        cmocka_unit_test(unrouted_consumer_stays),
        cmocka_unit_test(off_rows_ignore_the_group),
        cmocka_unit_test(repeats_and_allocations),
        cmocka_unit_test(zero_clears_all),
        cmocka_unit_test(evaluation_equals_training),
    };
    precision = GR_PRECISION_FLOAT32, apart = 1e-5;
    int failed = cmocka_run_group_tests_name("engine", tests, NULL, NULL);
    precision = GR_PRECISION_BF16, apart = 0.02;
    return failed + cmocka_run_group_tests_name("engine, bf16", tests, NULL, NULL);
}
