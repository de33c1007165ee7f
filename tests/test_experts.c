/* Experts: the choice per row against plain arithmetic, experts that are off, added, removed and routed. */
#include "arch_helpers.h"
#include "format/arch_json.h"
#include "gradroute/bundle.h"
#include "gradroute/surgery.h"

enum { EXPERTS = 4, NEURONS = 6, WIDTH = 16 };

static const gr_arch_region one[] = {{.name = "bio", .experts = {.lo = 3, .hi = 4}}};
static const gr_arch_region three[] = {
    {.name = "bio", .experts = {.lo = 1, .hi = 2}},
    {.name = "new", .experts.add = 2},
    {.name = "late", .experts.last = 2, .layers = (const int[]){1}, .layer_count = 1},
};

static gr_arch_def expert_def(const gr_arch_region *regions, int count, int top) {
    gr_arch_def def = small_def();
    def.mlp = NEURONS;
    def.experts = EXPERTS;
    def.top = top;
    def.regions = regions;
    def.region_count = count;
    return def;
}

/* ---- against plain arithmetic ------------------------------------------------------------------------------------ */

/* One layer without heads and positions, so that rows are alone. */
static gr_arch_def lone_def(int top, double balance) {
    gr_arch_def def = expert_def(one, 1, top);
    def.layers = 1;
    def.heads = 0;
    def.head_size = 4;
    def.position = GR_POSITION_NONE;
    def.balance = balance;
    return def;
}

static const gr_real *data(gr_model *m, const char *name) {
    gr_param p = gr_model_find(m, name);
    if (p == GR_NONE)
        fail_msg("no %s", name);
    return gr_model_data(m, p);
}

static void normalised(double *out, const double *x, const gr_real *gain, double eps) {
    double sum = 0;
    for (int j = 0; j < WIDTH; j++)
        sum += x[j] * x[j];
    for (int j = 0; j < WIDTH; j++)
        out[j] = x[j] / sqrt(sum / WIDTH + eps) * (double)gain[j];
}

static double dot(const gr_real *row, const double *x) {
    double sum = 0;
    for (int j = 0; j < WIDTH; j++)
        sum += (double)row[j] * x[j];
    return sum;
}

/* Probabilities over the experts that are on, and those chosen. */
static void choose(double *p, bool *chosen, gr_model *m, const double *n, int experts, int top, const bool *on) {
    double total = 0;
    for (int e = 0; e < experts; e++)
        total += p[e] = on[e] ? exp(dot(data(m, "layers.0.mlp.router") + e * WIDTH, n)) : 0;
    for (int e = 0; e < experts; e++) {
        p[e] /= total;
        chosen[e] = false;
    }
    for (int k = 0; k < top; k++) {
        int best = -1;
        for (int e = 0; e < experts; e++)
            if (on[e] && !chosen[e] && (best < 0 || p[e] > p[best]))
                best = e;
        if (best >= 0)
            chosen[best] = true;
    }
}

/* Logits of one token, its probabilities and choices. */
static void reference(double *logits, double *p, bool *chosen, gr_model *m, const gr_arch_def *def, int id,
                      const bool *on) {
    double x[WIDTH], n[WIDTH];
    for (int j = 0; j < WIDTH; j++)
        x[j] = (double)data(m, "embed")[id * WIDTH + j];
    normalised(n, x, data(m, "layers.0.mlp.norm"), def->eps);
    choose(p, chosen, m, n, EXPERTS, def->top, on);
    for (int u = 0; u < EXPERTS * NEURONS; u++) {
        if (!chosen[u / NEURONS])
            continue;
        double g = dot(data(m, "layers.0.mlp.gate") + u * WIDTH, n),
               up = dot(data(m, "layers.0.mlp.up") + u * WIDTH, n);
        for (int j = 0; j < WIDTH; j++)
            x[j] += p[u / NEURONS] * g / (1 + exp(-g)) * up * (double)data(m, "layers.0.mlp.down")[u * WIDTH + j];
    }
    normalised(n, x, data(m, "norm"), def->eps);
    for (int v = 0; v < VOCAB; v++)
        logits[v] = dot(data(m, "embed") + v * WIDTH, n);
}

/* Class 1 runs without expert 3, class 2 without 0 to 2 (so that fewer are on than are used). */
static void test_reference(void **state) {
    (void)state;
    for (int top = 1; top <= EXPERTS; top++) {
        gr_arch_def def = lone_def(top, 0.7), none = lone_def(top, 0);
        gr_model *m = build(&def, 9);
        disturb(m);
        gr_tables *t = gr_tables_new(m, 3);
        gr_tap tap = gr_model_find_tap(m, "layers.0.mlp.experts");
        gr_tables_gate(t, 0, (double[]){1, 0, 1});
        gr_tables_forward(t, tap, 0, 3, (double[]){1, 1, 0});
        gr_tables_finish(t);
        gr_error err = {0};
        gr_run *run;
        gr_test_ok(gr_run_new(&run, m, t, &(gr_run_def){.positions = ROWS}, &err), &err);
        gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 5);
        for (int i = 0; i < ROWS; i++)
            b.cls[i] = i % 3;
        b.cls[7] = -1;
        b.batch.cls = b.cls;
        double loss = gr_run_forward(run, &b.batch), cross = 0, share[EXPERTS] = {0}, mean[EXPERTS] = {0}, choices = 0;
        int stride;
        const gr_real *have = gr_run_value(run, gr_model_output(m, "logits"), &stride);
        for (int i = 0; i < ROWS; i++) {
            if (b.cls[i] < 0)
                continue;
            double want[VOCAB], p[EXPERTS], total = 0;
            bool chosen[EXPERTS], on[EXPERTS];
            for (int e = 0; e < EXPERTS; e++)
                on[e] = b.cls[i] == 0 || (b.cls[i] == 1) == (e < 3);
            reference(want, p, chosen, m, &def, b.ids[i], on);
            for (int v = 0; v < VOCAB; v++) {
                total += exp(want[v]);
                if (!(fabs(want[v] - (double)have[i * stride + v]) < 1e-4))
                    fail_msg("top %d, row %d of class %d: logit %g, expected %g", top, i, b.cls[i],
                             (double)have[i * stride + v], want[v]);
            }
            for (int e = 0; e < EXPERTS; e++) {
                share[e] += chosen[e];
                choices += chosen[e];
                mean[e] += p[e];
            }
            cross += b.targets[i] < 0 ? 0 : log(total) - want[b.targets[i]];
        }
        double balance = 0;
        for (int e = 0; e < EXPERTS; e++)
            balance += EXPERTS * share[e] / choices * mean[e] / ROWS;
        assert_true(fabs(loss - (cross / ROWS + 0.7 * balance)) < 1e-4 * loss);
        gr_model *bare = build(&none, 9);
        assert_int_equal(gr_model_size(bare), gr_model_size(m));
        gr_model_free(bare);
        gr_test_batch_free(&b);
        gr_run_free(run);
        gr_tables_free(t);
        gr_model_free(m);
    }
}

/* Absent rows are not counted, with and without tables. */
static void test_absent(void **state) {
    (void)state;
    gr_arch_def def = lone_def(2, 1);
    gr_model *m = build(&def, 9);
    double loss[2];
    for (int k = 0; k < 2; k++) {
        gr_error err = {0};
        gr_run *run;
        int rows = k ? ROWS : ROWS - 8;
        gr_test_ok(gr_run_new(&run, m, NULL, &(gr_run_def){.positions = rows}, &err), &err);
        gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 5);
        for (int i = ROWS - 8; i < ROWS; i++)
            b.cls[i] = -1;
        b.batch.cls = b.cls;
        b.batch.positions = rows;
        loss[k] = gr_run_forward(run, &b.batch);
        gr_test_batch_free(&b);
        gr_run_free(run);
    }
    assert_true(fabs(loss[0] - loss[1]) < 1e-6);
    gr_model_free(m);
}

/* Equal scores: the first experts win, whatever their number. */
static void test_ties(void **state) {
    (void)state;
    gr_arch_def def = lone_def(2, 0);
    gr_model *m = build(&def, 9), *other = build(&def, 9);
    set_all(m, "layers.0.mlp.router", 0);
    set_all(other, "layers.0.mlp.router", 0);
    gr_real *up = gr_model_data(other, gr_model_find(other, "layers.0.mlp.down"));
    for (int i = 2 * NEURONS * WIDTH; i < EXPERTS * NEURONS * WIDTH; i++)
        up[i] = 7; /* the last two experts are never used */
    gr_real *a = logits_of(m), *b = logits_of(other);
    assert_same_bits(a, b);
    up[0] += 1;
    gr_real *c = logits_of(other);
    assert_apart(a, c);
    gr_free(a);
    gr_free(b);
    gr_free(c);
    gr_model_free(m);
    gr_model_free(other);
}

/* ---- off, removed, added ----------------------------------------------------------------------------------------- */

static gr_surgery_result drop(const gr_arch_def *def, gr_model *m, const char *region) {
    gr_error err = {0};
    gr_surgery_result out;
    gr_test_ok(gr_surgery_remove(&out, def, m, &region, 1, &err), &err);
    return out;
}

static void test_remove(void **state) {
    (void)state;
    for (int top = 1; top < 4; top++) {
        gr_arch_def def = expert_def(three, 3, top);
        def.bias = top == 2;
        gr_model *m = build(&def, 3);
        disturb(m);
        assert_int_equal(gr_model_param(m, gr_model_find(m, "layers.1.mlp.router"))->rows, EXPERTS + 2);
        assert_int_equal(gr_model_param(m, gr_model_find(m, "layers.1.mlp.up"))->rows, (EXPERTS + 2) * NEURONS);
        for (int r = 0; r < 3; r++)
            for (int s = 0; s < 3; s++) {
                if (r == s)
                    continue;
                const char *two[] = {three[r].name, three[s].name};
                gr_surgery_result first = drop(&def, m, two[0]), both = drop(first.def, first.model, two[1]);
                gr_real *off = logits_without(m, two, 1), *gone = logits_of(first.model), *on = logits_of(m);
                assert_close(gone, off, 1e-5);
                assert_apart(off, on);
                gr_real *off2 = logits_without(m, two, 2), *gone2 = logits_of(both.model);
                gr_real *mixed = logits_without(first.model, two + 1, 1);
                assert_close(gone2, off2, 1e-5);
                assert_close(mixed, off2, 1e-5);
                gr_real *lists[] = {off, gone, on, off2, gone2, mixed};
                for (int i = 0; i < 6; i++)
                    gr_free(lists[i]);
                gr_surgery_free(&first);
                gr_surgery_free(&both);
            }
        gr_model_free(m);
    }
}

/* Added experts leave what never had them, and a trained network can get more. */
static void test_added(void **state) {
    (void)state;
    gr_arch_def none = expert_def(NULL, 0, 2), def = expert_def(three + 1, 1, 2);
    gr_model *never = build(&none, 3), *m = build(&def, 3);
    disturb(never);
    disturb(m);
    gr_surgery_result gone = drop(&def, m, "new"), more;
    gr_error err = {0};
    gr_test_ok(gr_surgery_expand(&more, &none, never, &def, &(gr_surgery_expand_def){0}, &err), &err);
    gr_real *want = logits_of(never), *a = logits_of(gone.model), *b = logits_without(m, &three[1].name, 1);
    gr_real *c = logits_without(more.model, &three[1].name, 1);
    assert_same_bits(a, want);
    assert_close(b, want, 1e-5);
    assert_close(c, want, 1e-5);
    gr_arch_def other = def;
    other.top = 1;
    gr_surgery_result out;
    assert_int_equal(gr_surgery_expand(&out, &none, never, &other, &(gr_surgery_expand_def){0}, &err), GR_ERR_USAGE);
    gr_real *lists[] = {want, a, b, c};
    for (int i = 0; i < 4; i++)
        gr_free(lists[i]);
    gr_surgery_free(&gone);
    gr_surgery_free(&more);
    gr_model_free(never);
    gr_model_free(m);
}

/* All experts of a layer may leave: its MLP is gone. */
static void test_all(void **state) {
    (void)state;
    const gr_arch_region all[] = {
        {.name = "x", .experts = {.hi = EXPERTS}, .layers = (const int[]){0}, .layer_count = 1}};
    gr_arch_def def = expert_def(all, 1, 2);
    gr_model *m = build(&def, 3);
    gr_surgery_result gone = drop(&def, m, "x");
    assert_int_equal(gone.def->layer_experts[0], 0);
    assert_int_equal(gone.def->layer_experts[1], EXPERTS);
    assert_int_equal(gr_model_find(gone.model, "layers.0.mlp.up"), GR_NONE);
    gr_real *a = logits_of(gone.model), *b = logits_without(m, &all[0].name, 1);
    assert_close(a, b, 1e-5);
    gr_free(a);
    gr_free(b);
    gr_surgery_free(&gone);
    gr_model_free(m);
}

/* ---- routed ------------------------------------------------------------------------------------------------------ */

/* Class 0 is plain, class 1 runs and trains all but bio, class 2 trains bio alone. */
static gr_tables *routed(gr_model *m) {
    gr_tables *t = gr_tables_new(m, 3);
    gr_tables_gate(t, 0, (double[]){1, 0, 1});
    const gr_region *bio = gr_model_region(m, 0);
    for (int p = 0; p < gr_model_params(m); p++) {
        const gr_param_def *d = gr_model_param(m, p);
        int lo = d->rows, hi = d->rows;
        for (int i = 0; i < bio->rects; i++)
            if (bio->rect[i].param == p)
                lo = bio->rect[i].lo0, hi = bio->rect[i].hi0;
        if (lo > 0)
            gr_tables_param(t, (gr_rect){p, 0, lo, 0, d->cols}, (double[]){1, 1, 0});
        if (hi < d->rows)
            gr_tables_param(t, (gr_rect){p, hi, d->rows, 0, d->cols}, (double[]){1, 1, 0});
    }
    gr_tables_finish(t);
    return t;
}

static gr_run *pass(gr_model *m, const gr_tables *t, const gr_batch *batch, int rows, gr_precision precision) {
    gr_run *run;
    gr_error err = {0};
    gr_test_ok(gr_run_new(&run, m, t, &(gr_run_def){.positions = rows, .train = true, .precision = precision}, &err),
               &err);
    gr_run_zero(run);
    for (int r = 0; r < batch->positions; r += rows) {
        gr_batch part = *batch;
        int32_t *start = gr_alloc((size_t)rows * sizeof *start);
        for (int i = 0; i < rows; i++)
            start[i] = batch->start[r + i] - r;
        part.positions = rows;
        part.ids += r;
        part.targets += r;
        part.start = start;
        part.cls = batch->cls ? batch->cls + r : NULL;
        part.first = r;
        assert_true(isfinite(gr_run_forward(run, &part)));
        gr_run_backward(run);
        gr_free(start);
    }
    gr_run_reduce(run);
    return run;
}

/* A mixed batch is the sum of its classes, and rows of class 2 reach nothing but bio. */
static void test_routed(void **state) {
    (void)state;
    for (int top = 1; top < 3; top++) {
        gr_arch_def def = expert_def(three, 1, top);
        gr_model *m = build(&def, 3);
        disturb(m);
        gr_tables *t = routed(m);
        gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 5);
        int32_t cls[ROWS];
        for (int i = 0; i < ROWS; i++)
            cls[i] = b.start[i] % 3;
        b.batch.cls = b.cls;
        gr_run *run[4];
        for (int k = 0; k < 4; k++) { /* all, then each class alone: of the others' rows no target counts */
            int32_t targets[ROWS];
            for (int i = 0; i < ROWS; i++) {
                b.cls[i] = cls[i];
                targets[i] = k && cls[i] != k - 1 ? -1 : b.targets[i];
            }
            b.batch.targets = targets;
            run[k] = pass(m, t, &b.batch, ROWS, GR_PRECISION_FLOAT32);
        }
        double outside = 0, inside = 0;
        for (int p = 0; p < gr_model_params(m); p++) {
            size_t n = (size_t)gr_model_param(m, p)->rows * (size_t)gr_model_param(m, p)->cols;
            gr_real *sum = gr_alloc(n * sizeof *sum);
            for (size_t i = 0; i < n; i++)
                for (int k = 1; k < 4; k++)
                    sum[i] += gr_run_gradient(run[k], p)[i];
            if (!(gr_test_distance(sum, gr_run_gradient(run[0], p), n) < 1e-5))
                fail_msg("%s: one pass is not the sum", gr_model_param(m, p)->name);
            gr_free(sum);
        }
        for (int s = 0; s < gr_tables_slices(t); s++) {
            gr_rect rect = gr_tables_slice(t, s);
            int cols = gr_model_param(m, rect.param)->cols;
            for (int i = rect.lo0; i < rect.hi0; i++)
                for (int j = rect.lo1; j < rect.hi1; j++)
                    *(gr_tables_weight(t, s, 2) == 0 ? &outside : &inside) +=
                        fabs((double)gr_run_gradient(run[3], rect.param)[i * cols + j]);
        }
        assert_true(outside == 0 && inside > 1e-4);
        for (int k = 0; k < 4; k++)
            gr_run_free(run[k]);
        gr_test_batch_free(&b);
        gr_tables_free(t);
        gr_model_free(m);
    }
}

/* Micro-batches that are cut at the borders of blocks change no bit, the balance included. */
static void test_micro(void **state) {
    (void)state;
    enum { N = 1024 };
    gr_arch_def def = expert_def(three, 1, 2);
    def.balance = 0.5;
    gr_model *m = build(&def, 3);
    gr_test_batch b = gr_test_batch_new(N, VOCAB, 5);
    b.start[512] = 512; /* no document crosses the cut */
    for (int i = 513; i < N && b.start[i] < 512; i++)
        b.start[i] = 512;
    gr_run *whole = pass(m, NULL, &b.batch, N, GR_PRECISION_FLOAT32);
    gr_run *parts = pass(m, NULL, &b.batch, 512, GR_PRECISION_FLOAT32);
    double sum = 0;
    for (int p = 0; p < gr_model_params(m); p++) {
        size_t n = (size_t)gr_model_param(m, p)->rows * (size_t)gr_model_param(m, p)->cols;
        assert_memory_equal(gr_run_gradient(whole, p), gr_run_gradient(parts, p), n * sizeof(gr_real));
        for (size_t i = 0; i < n; i++)
            sum += fabs((double)gr_run_gradient(whole, p)[i]);
    }
    assert_true(sum > 0);
    gr_run_free(whole);
    gr_run_free(parts);
    gr_test_batch_free(&b);
    gr_model_free(m);
}

static void test_half(void **state) {
    (void)state;
    gr_arch_def def = expert_def(three, 3, 2);
    def.balance = 0.01;
    gr_model *m = build(&def, 3);
    gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 5);
    gr_run *full = pass(m, NULL, &b.batch, ROWS, GR_PRECISION_FLOAT32);
    gr_run *half = pass(m, NULL, &b.batch, ROWS, GR_PRECISION_BF16);
    const char *names[] = {"embed", "layers.1.mlp.down", "layers.1.mlp.router"};
    for (int i = 0; i < 3; i++) {
        gr_param p = gr_model_find(m, names[i]);
        size_t n = (size_t)gr_model_param(m, p)->rows * (size_t)gr_model_param(m, p)->cols;
        double d = gr_test_distance(gr_run_gradient(full, p), gr_run_gradient(half, p), n);
        if (!(d < 0.3)) /* a row near a tie may choose otherwise */
            fail_msg("%s: distance %g", names[i], d);
    }
    gr_run_free(full);
    gr_run_free(half);
    gr_test_batch_free(&b);
    gr_model_free(m);
}

/* ---- files and errors -------------------------------------------------------------------------------------------- */

static void test_folder(void **state) {
    (void)state;
    char *root = gr_test_folder(), *path = gr_format("%s/model", root);
    gr_arch_def def = expert_def(three, 3, 2);
    gr_model *m = build(&def, 3);
    gr_error err = {0};
    gr_bundle *whole, *less;
    gr_test_ok(gr_bundle_save(path, &def, m, &(gr_bundle_info){.recipe = ""}, &err), &err);
    gr_test_ok(gr_bundle_load(&whole, path, NULL, 0, &err), &err);
    gr_test_ok(gr_bundle_load(&less, path, (const char *[]){"late", "bio"}, 2, &err), &err);
    assert_int_equal(less->def->layer_experts[0], 3);
    assert_int_equal(less->def->layer_experts[1], 1);
    gr_real *a = logits_of(m), *b = logits_of(whole->model);
    assert_same_bits(a, b);
    gr_free(a);
    gr_free(b);
    a = logits_without(m, (const char *[]){"late", "bio"}, 2);
    b = logits_of(less->model);
    assert_close(a, b, 1e-5);
    gr_free(a);
    gr_free(b);
    json_t *value = gr__arch_to_json(less->def);
    gr_arch_def *back;
    gr_test_ok(gr__arch_from_json(&back, value, "test", &err), &err);
    json_t *again = gr__arch_to_json(back);
    assert_true(json_equal(value, again));
    json_object_set_new(value, "layer_experts", json_pack("[i]", 3));
    gr_arch_def *bad;
    assert_int_equal(gr__arch_from_json(&bad, value, "test", &err), GR_ERR_FORMAT);
    gr_arch_free(back);
    json_decref(value);
    json_decref(again);
    gr_free(path);
    gr_bundle_free(whole);
    gr_bundle_free(less);
    gr_model_free(m);
    gr_test_folder_remove(root);
}

static void test_errors(void **state) {
    (void)state;
    gr_arch_region r = {.name = "x", .experts = {.lo = 3, .hi = 6}};
    gr_arch_def def = expert_def(&r, 1, 2);
    expect_error(&def, "claims experts 3..6 of a layer with 4");
    r = (gr_arch_region){.name = "x", .mlp.last = 2};
    expect_error(&def, "takes single neurons of a network with experts");
    r = (gr_arch_region){.name = "x", .experts.add = 1, .residual.add = 4};
    expect_error(&def, "beside residual dimensions");
    r = (gr_arch_region){.name = "x", .experts.add = 1025};
    expect_error(&def, "the experts of a layer is 1029");
    r = (gr_arch_region){.name = "x", .adapter = {.rank = 2, .maps = 1u << GR_MAP_UP}};
    expect_error(&def, "adapts 'up', which its layers do not have");
    r = (gr_arch_region){.name = "x", .experts.add = 1};
    def.top = 0;
    expect_error(&def, "top (of the experts) is 0");
    def.top = 2;
    def.experts = 2000;
    expect_error(&def, "experts is 2000");
    def.experts = 0;
    expect_error(&def, "takes experts of a network without");
    gr_arch_def mlp = gr_arch_default();
    mlp.kind = GR_ARCH_MLP;
    mlp.sizes = (const int[]){3, 4, 2};
    mlp.size_count = 3;
    mlp.activation = GR_ACTIVATION_RELU;
    mlp.experts = 2;
    expect_error(&mlp, "has no experts");
    gr_arch_def fine = expert_def(one, 1, 2);
    gr_model *m = build(&fine, 3);
    gr_surgery_result out;
    gr_error err = {0};
    gr_surgery_off_def mean = {.how = GR_OFF_MEAN};
    assert_int_equal(gr_surgery_off(&out, &fine, m, "bio", &mean, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "a mean is defined for neurons and heads"));
    gr_model_free(m);
}

/* A row is multiplied by the experts that it uses, and by the whole router. */
static void test_flops(void **state) {
    (void)state;
    for (int top = 1; top <= EXPERTS; top++) {
        gr_arch_def def = lone_def(top, 0);
        gr_model *m = build(&def, 3);
        assert_true(gr_model_flops(m) == 2.0 * WIDTH * (EXPERTS + top * 3 * NEURONS + VOCAB));
        gr_model_free(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference), cmocka_unit_test(test_absent), cmocka_unit_test(test_ties),
        cmocka_unit_test(test_remove),    cmocka_unit_test(test_added),  cmocka_unit_test(test_all),
        cmocka_unit_test(test_routed),    cmocka_unit_test(test_micro),  cmocka_unit_test(test_half),
        cmocka_unit_test(test_folder),    cmocka_unit_test(test_errors), cmocka_unit_test(test_flops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
