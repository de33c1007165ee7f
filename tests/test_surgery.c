/* Surgery: what expanding, silencing and removing units does to the function computed. */
#include "arch_helpers.h"
#include "gradroute/surgery.h"

static gr_arch_def with(const gr_arch_region *regions, int count) {
    gr_arch_def def = small_def();
    def.regions = regions;
    def.region_count = count;
    return def;
}

static gr_surgery_result expand(const gr_arch_def *def, gr_model *m, const gr_arch_def *wider, bool fresh) {
    gr_error err = {0};
    gr_surgery_result out;
    gr_test_ok(gr_surgery_expand(&out, def, m, wider, &(gr_surgery_expand_def){fresh, 0}, &err), &err);
    return out;
}

static gr_surgery_result drop(const gr_arch_def *def, gr_model *m, const char *region) {
    gr_error err = {0};
    gr_surgery_result out;
    gr_test_ok(gr_surgery_remove(&out, def, m, &region, 1, &err), &err);
    return out;
}

/* ---- expand ---- */

static const gr_arch_region added[] = {{.name = "x", .mlp.add = 7, .heads.add = 2},
                                       {.name = "y", .mlp.add = 5, .layers = (const int[]){1}, .layer_count = 1}};

static void check_expand_units(int kv_heads) {
    gr_arch_def def = with(added + 1, 1), wider = with(added, 2); /* x comes before y, whose units move */
    wider.out_bias = true;
    def.kv_heads = wider.kv_heads = kv_heads;
    gr_model *m = build(&def, 3);
    disturb(m);
    gr_real *before = logits_of(m);
    gr_surgery_result same = expand(&def, m, &wider, false), fresh = expand(&def, m, &wider, true);
    gr_real *after = logits_of(same.model), *other = logits_of(fresh.model);
    assert_close(after, before, 1e-6);
    assert_apart(other, before);
    /* fresh units are what a network with them starts from */
    gr_model *start = build(&wider, 3);
    gr_param p = gr_model_find(start, "layers.1.mlp.up");
    assert_memory_equal(gr_model_data(start, p) + 24 * 16, gr_model_data(fresh.model, p) + 24 * 16,
                        7 * 16 * sizeof(gr_real));
    gr_model_free(start);
    gr_free(before);
    gr_free(after);
    gr_free(other);
    gr_surgery_free(&same);
    gr_surgery_free(&fresh);
    gr_model_free(m);
}

static void test_expand_units(void **state) {
    (void)state;
    check_expand_units(0);
    check_expand_units(1);
}

static const gr_arch_region group[] = {{.name = "g", .residual.add = 6, .mlp.add = 5, .heads.add = 2}};

/* Off: the same bits. On: the same as scaling every gain by sqrt((D+g)/D), with eps (D+g)/D as large. */
static void test_expand_group(void **state) {
    (void)state;
    gr_arch_def def = with(NULL, 0), wider = with(group, 1), scaled = def;
    gr_model *m = build(&def, 3);
    disturb(m);
    gr_real *before = logits_of(m);
    for (int fresh = 0; fresh < 2; fresh++) {
        gr_surgery_result out = expand(&def, m, &wider, fresh);
        gr_real *off = logits_without(out.model, (const char *[]){"g"}, 1);
        assert_same_bits(off, before);
        gr_free(off);
        if (!fresh) {
            scaled.eps = def.eps * 22 / 16;
            gr_model *twin = build(&scaled, 3);
            for (int p = 0; p < gr_model_params(m); p++) {
                const gr_param_def *d = gr_model_param(m, p);
                for (int i = 0; i < d->rows * d->cols; i++)
                    gr_model_data(twin, p)[i] =
                        gr_model_data(m, p)[i] * (gr_real)(d->kind == GR_KIND_NORM ? sqrt(22.0 / 16) : 1);
            }
            gr_real *on = logits_of(out.model), *want = logits_of(twin);
            assert_close(on, want, 1e-5);
            assert_apart(on, before);
            gr_free(on);
            gr_free(want);
            gr_model_free(twin);
        }
        gr_surgery_free(&out);
    }
    gr_free(before);
    gr_model_free(m);
}

static void test_expand_refuses(void **state) {
    (void)state;
    gr_arch_def def = with(added, 2);
    gr_model *m = build(&def, 3);
    gr_arch_def bad[5] = {def, def, def, def, def};
    bad[0].mlp = 32;
    bad[1].region_count = 1;
    bad[2].tied = false;
    bad[3].eps = 1e-6;
    bad[4].kv_heads = 2;
    for (int i = 0; i < 5; i++) {
        gr_surgery_result out;
        gr_error err = {0};
        assert_int_equal(gr_surgery_expand(&out, &def, m, &bad[i], &(gr_surgery_expand_def){0}, &err), GR_ERR_USAGE);
        assert_true(err.message[0] != 0);
        assert_int_equal(gr_surgery_fits(&def, &bad[i], NULL), GR_ERR_USAGE);
        assert_int_equal(gr_surgery_fits(&bad[i], &bad[i], NULL), GR_OK);
    }
    gr_arch_def other = with(added, 1); /* not the model's description */
    gr_surgery_result out;
    gr_error err = {0};
    assert_int_equal(gr_surgery_expand(&out, &other, m, &other, &(gr_surgery_expand_def){0}, &err), GR_ERR_USAGE);
    gr_model_free(m);
}

/* ---- remove ---- */

static const gr_arch_region mixed[] = {
    {.name = "a", .mlp = {.lo = 2, .hi = 9}, .layers = (const int[]){1}, .layer_count = 1},
    {.name = "b", .mlp.last = 5, .heads = {.lo = 1, .hi = 2}},
    {.name = "c", .mlp.add = 6, .heads.add = 1},
    {.name = "d", .mlp = {.lo = 6, .hi = 20}},
    {.name = "g", .residual.add = 6, .mlp.add = 5, .heads.add = 2},
    {.name = "h", .residual.add = 3, .mlp.add = 4},
};

/* Gone is the same as off, for every region, and for the rest of the regions afterwards. */
static void check_remove(int kv_heads) {
    gr_arch_def def = with(mixed, 6);
    def.kv_heads = kv_heads;
    gr_model *m = build(&def, 3);
    disturb(m);
    for (int r = 0; r < 6; r++)
        for (int s = 0; s < 6; s++) {
            if (r == s)
                continue;
            const char *two[] = {mixed[r].name, mixed[s].name};
            gr_surgery_result out = drop(&def, m, two[0]);
            gr_real *off = logits_without(m, two, 1), *gone = logits_of(out.model);
            assert_close(gone, off, 1e-5);
            gr_free(off);
            gr_free(gone);
            off = logits_without(m, two, 2);
            gone = logits_without(out.model, two + 1, 1);
            assert_close(gone, off, 1e-5);
            gr_surgery_result both = drop(out.def, out.model, two[1]);
            gr_real *rest = logits_of(both.model);
            assert_close(rest, off, 1e-5);
            assert_true(gr_model_size(both.model) < gr_model_size(out.model));
            gr_free(off);
            gr_free(gone);
            gr_free(rest);
            gr_surgery_free(&both);
            gr_surgery_free(&out);
        }
    gr_model_free(m);
}

static void test_remove(void **state) {
    (void)state;
    check_remove(0);
    check_remove(2); /* the same counts of heads are whole groups of 2 */
}

/* Added units and groups leave what never had them: the same names, numbers and logits, bit for bit. */
static void check_remove_added(int kv_heads) {
    const gr_arch_region all[] = {added[0], group[0]};
    gr_arch_def def = with(all, 2), none = with(NULL, 0);
    def.kv_heads = none.kv_heads = kv_heads;
    gr_model *m = build(&def, 3), *never = build(&none, 3);
    gr_error err = {0};
    gr_surgery_result out;
    gr_test_ok(gr_surgery_remove(&out, &def, m, (const char *[]){"x", "g"}, 2, &err), &err);
    assert_int_equal(gr_model_params(out.model), gr_model_params(never));
    for (int p = 0; p < gr_model_params(never); p++) {
        const gr_param_def *d = gr_model_param(never, p);
        gr_param q = gr_model_find(out.model, d->name);
        assert_memory_equal(gr_model_data(out.model, q), gr_model_data(never, p),
                            (size_t)(d->rows * d->cols) * sizeof(gr_real));
    }
    gr_real *a = logits_of(out.model), *b = logits_of(never);
    assert_same_bits(a, b);
    gr_free(a);
    gr_free(b);
    gr_surgery_free(&out);
    gr_model_free(m);
    gr_model_free(never);
}

static void test_remove_added(void **state) {
    (void)state;
    check_remove_added(0);
    check_remove_added(2);
}

static void test_remove_refuses(void **state) {
    (void)state;
    const gr_arch_region regions[] = {
        {.name = "r", .residual = {.lo = 4, .hi = 8}},
        {.name = "p", .patterns = (const char *[]){"*.gate"}, .pattern_count = 1},
        {.name = "all", .heads = {.lo = 0, .hi = 4}},
    };
    gr_arch_def def = with(regions, 3);
    def.out_bias = true;
    gr_model *m = build(&def, 3);
    const char *names[] = {"r", "p", "all", "nobody"};
    const char *says[] = {"share a norm", "whole parameters", "0 heads", "no region 'nobody'"};
    for (int i = 0; i < 4; i++) {
        gr_surgery_result out;
        gr_error err = {0};
        assert_int_equal(gr_surgery_remove(&out, &def, m, names + i, 1, &err), GR_ERR_USAGE);
        if (!strstr(err.message, says[i]))
            fail_msg("'%s' does not say '%s'", err.message, says[i]);
    }
    gr_model_free(m);
}

/* ---- off ---- */

static gr_surgery_result off(const gr_arch_def *def, gr_model *m, const char *region, gr_surgery_off_def how) {
    gr_error err = {0};
    gr_surgery_result out;
    gr_test_ok(gr_surgery_off(&out, def, m, region, &how, &err), &err);
    return out;
}

static void test_zero(void **state) {
    (void)state;
    const gr_arch_region regions[] = {mixed[1], mixed[2], {.name = "r", .residual = {.lo = 4, .hi = 8}}};
    gr_arch_def def = with(regions, 3);
    def.bias = true;
    gr_model *m = build(&def, 3);
    disturb(m);
    gr_real *before = logits_of(m);
    for (int r = 0; r < 3; r++) {
        gr_surgery_result out = off(&def, m, regions[r].name, (gr_surgery_off_def){.how = GR_OFF_ZERO});
        gr_real *gated = logits_without(m, &regions[r].name, 1), *zeroed = logits_of(out.model);
        assert_close(zeroed, gated, 1e-5);
        assert_apart(zeroed, before);
        gr_free(gated);
        gr_free(zeroed);
        gr_surgery_free(&out);
    }
    gr_real *after = logits_of(m);
    assert_same_bits(after, before); /* the model itself is left alone */
    gr_free(after);
    gr_free(before);
    gr_model_free(m);
}

/* A group put to zero is silent but still counted by the norms. */
static void test_zero_group(void **state) {
    (void)state;
    gr_arch_def none = with(NULL, 0), def = with(group, 1);
    gr_model *m = build(&def, 3), *plain = build(&none, 3);
    gr_surgery_result zeroed = off(&def, m, "g", (gr_surgery_off_def){.how = GR_OFF_ZERO});
    gr_surgery_result grown = expand(&none, plain, &def, false);
    gr_real *a = logits_of(zeroed.model), *b = logits_of(grown.model);
    assert_close(a, b, 1e-6);
    gr_free(a);
    gr_free(b);
    gr_surgery_free(&zeroed);
    gr_surgery_free(&grown);
    gr_model_free(m);
    gr_model_free(plain);
}

static void test_reinit(void **state) {
    (void)state;
    gr_arch_def def = with(mixed, 6);
    gr_model *m = build(&def, 3), *other = build(&def, 8);
    disturb(m);
    gr_surgery_result out = off(&def, m, "b", (gr_surgery_off_def){.how = GR_OFF_REINIT, .seed = 8});
    gr_param p = gr_model_find(m, "layers.0.mlp.up");
    size_t rows = 16 * sizeof(gr_real);
    const gr_real *now = gr_model_data(out.model, p);
    assert_memory_equal(now, gr_model_data(m, p), 19 * rows);
    assert_memory_equal(now + 19 * 16, gr_model_data(other, p) + 19 * 16, 5 * rows);
    assert_memory_not_equal(now + 19 * 16, gr_model_data(m, p) + 19 * 16, 5 * rows);
    gr_surgery_free(&out);
    gr_model_free(m);
    gr_model_free(other);
}

/* ---- mean ---- */

typedef struct feed {
    gr_batch batch[2];
    int count, at;
} feed;

static bool next_batch(void *context, gr_batch *batch) {
    feed *f = context;
    if (f->at == f->count)
        return false;
    *batch = f->batch[f->at++];
    return true;
}

/* Over one row the mean is the value itself: the ablated network computes what the whole one computed. */
static void test_mean_one_row(void **state) {
    (void)state;
    const gr_arch_region regions[] = {mixed[1], mixed[2]};
    gr_arch_def def = with(regions, 2);
    gr_model *m = build(&def, 3);
    disturb(m);
    gr_batch row = {.positions = 1, .ids = (int32_t[]){7}, .targets = (int32_t[]){2}, .denominator = 1};
    for (int r = 0; r < 2; r++) {
        feed f = {.batch = {row}, .count = 1};
        gr_surgery_result out =
            off(&def, m, regions[r].name,
                (gr_surgery_off_def){.how = GR_OFF_MEAN, .positions = 1, .next = next_batch, .context = &f});
        assert_true(out.def->out_bias);
        gr_model *models[] = {m, out.model};
        double loss[2];
        for (int k = 0; k < 2; k++) {
            gr_run *run;
            gr_error err = {0};
            gr_test_ok(gr_run_new(&run, models[k], NULL, &(gr_run_def){.positions = 1}, &err), &err);
            loss[k] = gr_run_forward(run, &row);
            gr_run_free(run);
        }
        assert_float_equal(loss[0], loss[1], 1e-5);
        gr_real *whole = logits_of(m), *ablated = logits_of(out.model);
        assert_apart(whole, ablated);
        gr_free(whole);
        gr_free(ablated);
        gr_surgery_free(&out);
    }
    gr_model_free(m);
}

/* Behind one hidden layer the mean of the outputs over the calibration rows stays; absent rows do not count. */
static void test_mean_rows(void **state) {
    (void)state;
    gr_arch_def def = gr_arch_default();
    gr_arch_region region = {.name = "x", .mlp = {.lo = 1, .hi = 4}};
    def.kind = GR_ARCH_MLP;
    def.sizes = (int[]){3, 6, 2};
    def.size_count = 3;
    def.activation = GR_ACTIVATION_RELU;
    def.regions = &region;
    def.region_count = 1;
    gr_model *m = build(&def, 4);
    gr_real x[7 * 3];
    for (int i = 0; i < 21; i++)
        x[i] = (gr_real)sin(1.3 * i);
    int32_t target[5] = {0, 1, 0, 1, 0}, cls[5] = {0, 0, -1, 2, 0}, start[5] = {0, 1, 2, 3, 4};
    gr_real weight[5] = {1, 2, 1, 1, 0.5f};
    gr_batch one = {
        .positions = 5, .targets = target, .start = start, .x = {x}, .cls = cls, .weight = weight, .denominator = 5};
    gr_batch two = {.positions = 2, .targets = target, .x = {x + 15}, .denominator = 2};
    feed f = {.batch = {one, two}, .count = 2};
    gr_surgery_result out =
        off(&def, m, "x", (gr_surgery_off_def){.how = GR_OFF_MEAN, .positions = 5, .next = next_batch, .context = &f});
    gr_model *models[] = {m, out.model};
    double mean[2][2] = {{0}}, w[7] = {1, 2, 0, 1, 0.5, 1, 1};
    for (int k = 0; k < 2; k++) {
        gr_run *run;
        gr_error err = {0};
        gr_test_ok(gr_run_new(&run, models[k], NULL, &(gr_run_def){.positions = 7}, &err), &err);
        int32_t targets[7] = {0};
        gr_run_forward(run, &(gr_batch){.positions = 7, .targets = targets, .x = {x}, .denominator = 7});
        int stride;
        const gr_real *v = gr_run_value(run, gr_model_output(models[k], "logits"), &stride);
        for (int i = 0; i < 7; i++)
            for (int j = 0; j < 2; j++)
                mean[k][j] += w[i] * (double)v[i * stride + j] / 6.5;
        gr_run_free(run);
    }
    for (int j = 0; j < 2; j++)
        assert_float_equal(mean[0][j], mean[1][j], 1e-5);
    gr_param p = gr_model_find(out.model, "out");
    assert_true(gr_model_data(out.model, p)[1] == 0 && gr_model_data(out.model, p)[0] != 0);
    gr_surgery_free(&out);
    gr_model_free(m);
}

static void test_mean_refuses(void **state) {
    (void)state;
    gr_arch_def def = with(mixed, 6);
    gr_model *m = build(&def, 3);
    feed f = {.count = 0};
    gr_surgery_off_def how = {.how = GR_OFF_MEAN, .positions = 1, .next = next_batch, .context = &f};
    const char *names[] = {"g", "b"}, *says[] = {"a mean is defined for neurons and heads", "total weight 0"};
    for (int i = 0; i < 2; i++) {
        gr_surgery_result out;
        gr_error err = {0};
        assert_int_equal(gr_surgery_off(&out, &def, m, names[i], &how, &err), GR_ERR_USAGE);
        assert_null(out.model);
        if (!strstr(err.message, says[i]))
            fail_msg("'%s' does not say '%s'", err.message, says[i]);
    }
    gr_model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expand_units), cmocka_unit_test(test_expand_group), cmocka_unit_test(test_expand_refuses),
        cmocka_unit_test(test_remove),       cmocka_unit_test(test_remove_added), cmocka_unit_test(test_remove_refuses),
        cmocka_unit_test(test_zero),         cmocka_unit_test(test_zero_group),   cmocka_unit_test(test_reinit),
        cmocka_unit_test(test_mean_one_row), cmocka_unit_test(test_mean_rows),    cmocka_unit_test(test_mean_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
