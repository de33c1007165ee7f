/* A learned number for all that a region puts out. */
#include "arch_helpers.h"
#include "format/arch_json.h"
#include "gradroute/surgery.h"

static const gr_arch_region kinds[] = {
    {.name = "units", .mlp = {.lo = 2, .hi = 9}, .heads.add = 1, .strength = GR_STRENGTH_LEARNED},
    {.name = "low",
     .adapter = {.rank = 3, .scale = 2, .maps = 1 << GR_MAP_QKV | 1 << GR_MAP_UP},
     .strength = GR_STRENGTH_SIGMOID},
    {.name = "late", .whole = (const int[]){2}, .whole_count = 1, .strength = GR_STRENGTH_LEARNED},
    {.name = "g", .residual.add = 6, .mlp.add = 5, .heads.add = 1, .strength = GR_STRENGTH_SIGMOID},
};
static const int first_two[] = {0, 1};
enum { KINDS = 4 };

static gr_arch_def full_def(gr_arch_region *regions) {
    gr_arch_def def = small_def();
    memcpy(regions, kinds, sizeof kinds);
    for (int r = 0; r < KINDS; r++)
        if (r != 2) {
            regions[r].layers = first_two;
            regions[r].layer_count = 2;
        }
    def.layers = 3;
    def.out_bias = true;
    def.regions = regions;
    def.region_count = KINDS;
    return def;
}

static gr_model *trained(const gr_arch_def *def) {
    gr_model *m = build(def, 3);
    disturb(m);
    for (int p = 0; p < gr_model_params(m); p++) {
        const gr_param_def *d = gr_model_param(m, p);
        if (!strncmp(d->name, "low.", 4) && d->init == GR_INIT_ZERO)
            for (int i = 0; i < d->rows * d->cols; i++)
                gr_model_data(m, p)[i] = (gr_real)(0.1 * sin(0.7 * i + 3 * p));
    }
    return m;
}

static gr_real *strength(gr_model *m, const char *region) {
    char *name = gr_format("%s.strength", region);
    gr_param p = gr_model_find(m, name);
    gr_free(name);
    assert_int_not_equal(p, GR_NONE);
    return gr_model_data(m, p);
}

static void multiply(gr_model *m, const char *name, int lo, int hi, double by) {
    gr_param p = gr_model_find(m, name);
    assert_int_not_equal(p, GR_NONE);
    int cols = gr_model_param(m, p)->cols;
    for (int i = lo * cols; i < hi * cols; i++)
        gr_model_data(m, p)[i] *= (gr_real)by;
}

/* Scales by hand what the region's units put out. */
static void by_hand(gr_model *m, int kind, double s) {
    for (int i = 0; i < 2; i++) {
        char *down = gr_format("%slayers.%d.mlp.down", kind == 3 ? "g." : "", i);
        char *out = gr_format("%slayers.%d.attn.out", kind == 3 ? "g." : "", i);
        if (kind == 0 || kind == 3) {
            multiply(m, down, kind ? 0 : 2, kind ? 5 : 9, s);
            multiply(m, out, kind ? 0 : 16, kind ? 4 : 20, s);
        }
        gr_free(down);
        gr_free(out);
    }
    const char *late[] = {"layers.2.mlp.down", "layers.2.attn.out"};
    for (int i = 0; i < 2 && kind == 2; i++) {
        char *bias = gr_format("%s.bias", late[i]);
        multiply(m, late[i], 0, gr_model_param(m, gr_model_find(m, late[i]))->rows, s);
        multiply(m, bias, 0, 1, s);
        gr_free(bias);
    }
    for (int p = 0; p < gr_model_params(m) && kind == 1; p++) {
        const gr_param_def *d = gr_model_param(m, p);
        if (!strncmp(d->name, "low.", 4) && d->init == GR_INIT_ZERO && strcmp(d->name, "low.strength"))
            multiply(m, d->name, 0, d->rows, s);
    }
}

/* The number multiplies what the region puts out and nothing else. */
static void test_value(void **state) {
    (void)state;
    gr_arch_region with[KINDS], plain[KINDS];
    gr_arch_def def = full_def(with), none = full_def(plain);
    for (int r = 0; r < KINDS; r++)
        plain[r].strength = GR_STRENGTH_NONE;
    gr_model *m = trained(&def), *never = trained(&none);
    for (int p = 0; p < gr_model_params(never); p++) { /* the same numbers, whatever disturbed them */
        const gr_param_def *d = gr_model_param(never, p);
        memcpy(gr_model_data(m, gr_model_find(m, d->name)), gr_model_data(never, p),
               (size_t)(d->rows * d->cols) * sizeof(gr_real));
    }
    for (int r = 0; r < KINDS; r++)
        *strength(m, kinds[r].name) = kinds[r].strength == GR_STRENGTH_SIGMOID ? 40 : 1;
    gr_real *one = logits_of(m), *want = logits_of(never);
    assert_close(one, want, 1e-6);
    for (int r = 0; r < KINDS; r++) {
        bool sigmoid = kinds[r].strength == GR_STRENGTH_SIGMOID;
        *strength(m, kinds[r].name) = sigmoid ? -1 : 0.3;
        by_hand(never, r, sigmoid ? 1 / (1 + exp(1)) : 0.3);
        gr_real *a = logits_of(m), *b = logits_of(never);
        assert_close(a, b, 1e-5);
        assert_apart(a, one);
        gr_real *off = logits_without(m, &kinds[r].name, 1), *gone = logits_without(never, &kinds[r].name, 1);
        assert_close(off, gone, 1e-5);
        gr_real *lists[] = {a, b, off, gone};
        for (int i = 0; i < 4; i++)
            gr_free(lists[i]);
    }
    gr_free(one);
    gr_free(want);
    gr_model_free(m);
    gr_model_free(never);
}

static void test_start(void **state) {
    (void)state;
    gr_arch_region regions[KINDS];
    gr_arch_def def = full_def(regions);
    gr_model *m = build(&def, 3);
    assert_true(*strength(m, "units") == 1 && *strength(m, "low") == 0);
    gr_param p = gr_model_find(m, "units.strength");
    assert_int_equal(gr_model_param(m, p)->rows * gr_model_param(m, p)->cols, 1);
    int parts = 0;
    for (int i = 0; i < gr_model_region(m, 0)->rects; i++)
        parts += gr_model_region(m, 0)->rect[i].param == p;
    assert_int_equal(parts, 1);
    gr_model_free(m);
}

/* It leaves with the region, goes into the weights with an adapter, and survives a description. */
static void test_surgery(void **state) {
    (void)state;
    gr_arch_region regions[KINDS];
    gr_arch_def def = full_def(regions);
    gr_model *m = trained(&def);
    for (int r = 0; r < KINDS; r++) {
        *strength(m, kinds[r].name) = (gr_real)(0.4 + 0.3 * r);
        gr_surgery_result gone;
        gr_error err = {0};
        gr_test_ok(gr_surgery_remove(&gone, &def, m, &kinds[r].name, 1, &err), &err);
        char *name = gr_format("%s.strength", kinds[r].name);
        assert_int_equal(gr_model_find(gone.model, name), GR_NONE);
        gr_real *a = logits_of(gone.model), *b = logits_without(m, &kinds[r].name, 1);
        assert_close(a, b, 1e-5);
        gr_free(name);
        gr_free(a);
        gr_free(b);
        gr_surgery_free(&gone);
    }
    gr_surgery_result merged;
    gr_error err = {0};
    gr_test_ok(gr_surgery_merge(&merged, &def, m, (const char *[]){"low"}, 1, &err), &err);
    gr_real *a = logits_of(merged.model), *b = logits_of(m), *off = logits_without(m, (const char *[]){"low"}, 1);
    assert_close(a, b, 1e-5);
    assert_apart(a, off);
    gr_arch_def *back;
    json_t *value = gr__arch_to_json(&def);
    gr_test_ok(gr__arch_from_json(&back, value, "test", &err), &err);
    gr_model *twin = build(back, 3);
    assert_int_equal(gr_model_size(twin), gr_model_size(m));
    json_object_set_new(json_array_get(json_object_get(value, "regions"), 0), "strength", json_string("much"));
    gr_arch_def *bad;
    assert_int_equal(gr__arch_from_json(&bad, value, "test", &err), GR_ERR_FORMAT);
    json_decref(value);
    gr_arch_free(back);
    gr_free(a);
    gr_free(b);
    gr_free(off);
    gr_surgery_free(&merged);
    gr_model_free(twin);
    gr_model_free(m);
}

/* It learns where its region is open, and nowhere else. */
static void test_open(void **state) {
    (void)state;
    gr_arch_region regions[KINDS];
    gr_arch_def def = full_def(regions);
    gr_model *m = trained(&def);
    for (int r = 0; r < KINDS; r++) {
        gr_tables *t = gr_tables_new(m, 2);
        for (int i = 0; i < gr_model_region(m, r)->rects; i++)
            gr_tables_param(t, gr_model_region(m, r)->rect[i], (double[]){1, 0});
        gr_tables_finish(t);
        double sum[2];
        for (int cls = 0; cls < 2; cls++) {
            gr_run *run;
            gr_error err = {0};
            gr_test_ok(gr_run_new(&run, m, t, &(gr_run_def){.positions = ROWS, .train = true}, &err), &err);
            gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 5);
            for (int n = 0; n < ROWS; n++)
                b.cls[n] = cls;
            b.batch.cls = b.cls;
            gr_run_zero(run);
            gr_run_forward(run, &b.batch);
            gr_run_backward(run);
            gr_run_reduce(run);
            char *name = gr_format("%s.strength", kinds[r].name);
            sum[cls] = fabs((double)gr_run_gradient(run, gr_model_find(m, name))[0]);
            gr_free(name);
            gr_test_batch_free(&b);
            gr_run_free(run);
        }
        assert_true(sum[0] > 1e-6 && sum[1] == 0);
        gr_tables_free(t);
    }
    gr_model_free(m);
}

static void test_errors(void **state) {
    (void)state;
    gr_arch_region region = {.name = "x", .residual = {.lo = 2, .hi = 4}, .strength = GR_STRENGTH_LEARNED};
    gr_arch_def def = small_def();
    def.regions = &region;
    def.region_count = 1;
    gr_error err = {0};
    assert_int_equal(gr_arch_check(&def, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "nothing that a strength could multiply"));
    region.mlp.add = 3;
    region.strength = (gr_strength)7;
    assert_int_equal(gr_arch_check(&def, &err), GR_ERR_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value), cmocka_unit_test(test_start),  cmocka_unit_test(test_surgery),
        cmocka_unit_test(test_open),  cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
