/* Layers that a region owns whole, and several regions of different widths in the same layers. */
#include "arch_helpers.h"
#include "gradroute/bundle.h"
#include "gradroute/surgery.h"

static const gr_arch_region middle[] = {{.name = "late", .whole = (const int[]){1}, .whole_count = 1}};

static const int three_windows[] = {5, 2, 9}, two_windows[] = {5, 9};

static gr_arch_def deep_def(int variant) {
    gr_arch_def def = small_def();
    def.layers = 3;
    def.norm = variant % 2 ? GR_NORM_LAYER : GR_NORM_RMS;
    def.position = variant % 2 ? GR_POSITION_LEARNED : GR_POSITION_ROTARY;
    def.bias = variant == 1;
    def.out_bias = variant == 2;
    def.dropout = variant == 3 ? 0.2 : 0;
    if (variant == 4) { /* heads that share keys, and a window for each layer */
        def.kv_heads = 2;
        def.windows = three_windows;
        def.window_count = 3;
    }
    def.regions = middle;
    def.region_count = 1;
    return def;
}

/* The network of one layer less with the numbers of layers 0 and 2 of m, copied by name. */
static gr_model *shallow(const gr_arch_def *def, gr_model *m) {
    gr_arch_def less = *def;
    less.layers = 2;
    less.region_count = 0;
    if (less.window_count) {
        less.windows = two_windows;
        less.window_count = 2;
    }
    gr_model *two = build(&less, 77);
    for (int p = 0; p < gr_model_params(two); p++) {
        const gr_param_def *d = gr_model_param(two, p);
        char *name = gr_format("%s", d->name);
        if (!strncmp(name, "layers.1.", 9))
            name[7] = '2';
        gr_param q = gr_model_find(m, name);
        assert_int_not_equal(q, GR_NONE);
        memcpy(gr_model_data(two, p), gr_model_data(m, q), (size_t)(d->rows * d->cols) * sizeof(gr_real));
        gr_free(name);
    }
    return two;
}

static gr_surgery_result drop(const gr_arch_def *def, gr_model *m, const char *region) {
    gr_error err = {0};
    gr_surgery_result out;
    gr_test_ok(gr_surgery_remove(&out, def, m, &region, 1, &err), &err);
    return out;
}

/* Off is the network without the layer, bit for bit; so is removed; zeroed too, up to the sign of zeros. */
static void test_off(void **state) {
    (void)state;
    for (int variant = 0; variant < 5; variant++) {
        gr_arch_def def = deep_def(variant), none = def;
        none.region_count = 0;
        gr_model *m = build(&def, 3), *plain = build(&none, 3);
        disturb(m);
        disturb(plain);
        gr_model *two = shallow(&def, m);
        gr_surgery_result gone = drop(&def, m, "late");
        assert_int_equal(gone.def->layers, 2);
        assert_int_equal(gone.def->region_count, 0);
        assert_int_equal(gr_model_params(gone.model), gr_model_params(two));
        gr_surgery_result zeroed;
        gr_error err = {0};
        gr_test_ok(gr_surgery_off(&zeroed, &def, m, "late", &(gr_surgery_off_def){.how = GR_OFF_ZERO}, &err), &err);
        gr_real *off = logits_without(m, (const char *[]){"late"}, 1), *want = logits_of(two);
        gr_real *removed = logits_of(gone.model), *on = logits_of(m), *never = logits_of(plain);
        gr_real *silent = logits_of(zeroed.model);
        assert_same_bits(off, want);
        assert_same_bits(removed, want);
        assert_close(silent, want, 1e-6);
        assert_close(on, never, 1e-6);
        assert_apart(on, want);
        gr_real *all[] = {off, want, removed, on, never, silent};
        for (int i = 0; i < 6; i++)
            gr_free(all[i]);
        gr_surgery_free(&gone);
        gr_surgery_free(&zeroed);
        gr_model_free(m);
        gr_model_free(plain);
        gr_model_free(two);
    }
}

/* It owns every parameter of the layer and nothing else, biases into the stream included. */
static void test_parts(void **state) {
    (void)state;
    gr_arch_def def = deep_def(1);
    gr_model *m = build(&def, 3);
    const gr_region *r = gr_model_region(m, 0);
    int parts = 0;
    for (int p = 0; p < gr_model_params(m); p++) {
        const gr_param_def *d = gr_model_param(m, p);
        bool owned = false;
        for (int i = 0; i < r->rects; i++)
            if (r->rect[i].param == p) {
                owned = true;
                assert_int_equal(r->rect[i].hi0, d->rows);
                assert_int_equal(r->rect[i].hi1, d->cols);
            }
        assert_int_equal(owned, !strncmp(d->name, "layers.1.", 9));
        parts += owned;
    }
    assert_int_equal(parts, 14); /* 2 norms with shifts; qkv, out, up, gate and down with biases */
    assert_int_equal(r->gates, 2);
    gr_model_free(m);
}

/* Class 0 runs without the layer, class 1 trains it alone. A row of one class never reaches the other's slices. */
static void test_routed(void **state) {
    (void)state;
    for (int variant = 0; variant < 3; variant++) {
        gr_arch_def def = deep_def(variant);
        gr_model *m = build(&def, 3);
        disturb(m);
        for (int cls = 0; cls < 2; cls++) {
            gr_error err = {0};
            gr_tables *t = gr_tables_new(m, 2);
            gr_tables_gate(t, 0, (double[]){0, 1});
            for (int p = 0; p < gr_model_params(m); p++) {
                const gr_param_def *d = gr_model_param(m, p);
                if (strncmp(d->name, "layers.1.", 9))
                    gr_tables_param(t, (gr_rect){p, 0, d->rows, 0, d->cols}, (double[]){1, 0});
            }
            gr_tables_finish(t);
            gr_run *run;
            gr_test_ok(gr_run_new(&run, m, t, &(gr_run_def){.positions = ROWS, .train = true}, &err), &err);
            gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 5);
            for (int n = 0; n < ROWS; n++)
                b.cls[n] = cls;
            b.batch.cls = b.cls;
            gr_run_zero(run);
            gr_run_forward(run, &b.batch);
            gr_run_backward(run);
            gr_run_reduce(run);
            for (int s = 0; s < gr_tables_slices(t); s++) {
                gr_rect rect = gr_tables_slice(t, s);
                const gr_param_def *d = gr_model_param(m, rect.param);
                bool open = (strncmp(d->name, "layers.1.", 9) == 0) == cls;
                assert_int_equal(gr_run_open(run)[s], open);
                double sum = 0;
                for (int i = 0; i < d->rows * d->cols; i++)
                    sum += fabs((double)gr_run_gradient(run, rect.param)[i]);
                if (open != (sum > 0))
                    fail_msg("%s: gradient %g of class %d", d->name, sum, cls);
            }
            gr_test_batch_free(&b);
            gr_run_free(run);
            gr_tables_free(t);
        }
        gr_model_free(m);
    }
}

/* Lists by layer and claims of other regions follow the layers that stay. */
static const gr_arch_region around[] = {
    {.name = "late", .whole = (const int[]){0, 2}, .whole_count = 2},
    {.name = "claim", .mlp.last = 5, .layers = (const int[]){1, 3}, .layer_count = 2},
    {.name = "more", .mlp.add = 6, .heads.add = 1, .layers = (const int[]){3}, .layer_count = 1},
    {.name = "g", .residual.add = 6, .mlp.add = 4, .layers = (const int[]){1}, .layer_count = 1},
};

static const int around_mlp[] = {8, 12, 20, 16}, around_l1[] = {0, 3};

static gr_arch_def around_def(void) {
    gr_arch_def def = small_def();
    def.layers = 4;
    def.layer_mlp = around_mlp;
    def.l1 = 0.01;
    def.l1_layers = around_l1;
    def.l1_count = 2;
    def.regions = around;
    def.region_count = 4;
    return def;
}

/* Where the last layer with a penalty leaves, none has one: an empty list would mean all layers. */
static void test_last_penalty(void **state) {
    (void)state;
    gr_arch_def def = around_def();
    def.l1_layers = (const int[]){2};
    def.l1_count = 1;
    gr_model *m = build(&def, 3);
    gr_surgery_result gone = drop(&def, m, "late");
    assert_int_equal(gone.def->layers, 2);
    assert_int_equal(gone.def->l1_count, 0);
    assert_true(gone.def->l1 == 0);
    gr_surgery_free(&gone);
    gr_model_free(m);
}

static void test_neighbours(void **state) {
    (void)state;
    gr_arch_def def = around_def();
    gr_model *m = build(&def, 3);
    disturb(m);
    gr_surgery_result gone = drop(&def, m, "late");
    assert_int_equal(gone.def->layers, 2);
    assert_int_equal(gone.def->layer_mlp[0], 12);
    assert_int_equal(gone.def->layer_mlp[1], 16);
    assert_int_equal(gone.def->l1_count, 1);
    assert_int_equal(gone.def->l1_layers[0], 1);
    for (int k = 0; k < 4; k++) { /* late alone, then with each of the others */
        const char *off[] = {"late", around[k].name};
        gr_real *want = logits_without(m, off, k ? 2 : 1), *have = logits_without(gone.model, off + 1, k ? 1 : 0);
        assert_same_bits(have, want);
        gr_free(have);
        if (k) {
            gr_surgery_result both = drop(gone.def, gone.model, around[k].name);
            gr_surgery_result first = drop(&def, m, around[k].name), other = drop(first.def, first.model, "late");
            gr_real *a = logits_of(both.model), *b = logits_of(other.model);
            assert_close(a, want, 1e-5);
            assert_same_bits(a, b);
            gr_free(a);
            gr_free(b);
            gr_surgery_free(&both);
            gr_surgery_free(&first);
            gr_surgery_free(&other);
        }
        gr_free(want);
    }
    gr_surgery_free(&gone);
    gr_model_free(m);
}

/* A folder without the region's file holds the network without the layers. */
static void test_folder(void **state) {
    (void)state;
    char *root = gr_test_folder(), *path = gr_format("%s/model", root);
    gr_arch_def def = around_def();
    gr_model *m = build(&def, 3);
    disturb(m);
    gr_error err = {0};
    gr_bundle *whole, *less;
    gr_test_ok(gr_bundle_save(path, &def, m, &(gr_bundle_info){.recipe = ""}, &err), &err);
    gr_test_ok(gr_bundle_load(&whole, path, NULL, 0, &err), &err);
    char *file = gr_format("%s/late.safetensors", path);
    assert_int_equal(remove(file), 0);
    gr_test_ok(gr_bundle_load(&less, path, (const char *[]){"late"}, 1, &err), &err);
    gr_real *a = logits_of(m), *b = logits_of(whole->model);
    assert_same_bits(a, b);
    gr_free(a);
    gr_free(b);
    a = logits_without(m, (const char *[]){"late"}, 1);
    b = logits_of(less->model);
    assert_same_bits(a, b);
    gr_free(a);
    gr_free(b);
    gr_free(file);
    gr_free(path);
    gr_bundle_free(whole);
    gr_bundle_free(less);
    gr_model_free(m);
    gr_test_folder_remove(root);
}

static void test_errors(void **state) {
    (void)state;
    gr_arch_region two[] = {middle[0], {.name = "x", .mlp.add = 3}};
    gr_arch_def def = deep_def(0);
    def.regions = two;
    def.region_count = 2;
    expect_error(&def, "region 'x' has units in layer 1, which region 'late' owns whole");
    two[1] = (gr_arch_region){.name = "x", .whole = (const int[]){2, 1}, .whole_count = 2};
    expect_error(&def, "layer 1 is owned whole by region 'late' and by region 'x'");
    two[1].whole = (const int[]){3, 2};
    expect_error(&def, "owns layer 3 whole, of a network with 3");
    gr_arch_def mlp = gr_arch_default();
    mlp.kind = GR_ARCH_MLP;
    mlp.sizes = (const int[]){3, 4, 4, 2};
    mlp.size_count = 4;
    mlp.activation = GR_ACTIVATION_RELU;
    mlp.regions = middle;
    mlp.region_count = 1;
    expect_error(&mlp, "only a transformer has");
    /* what cannot be removed */
    two[1] = (gr_arch_region){.name = "x", .patterns = (const char *[]){"layers.2.mlp.*"}, .pattern_count = 1};
    gr_arch_region all[] = {{.name = "all", .whole = (const int[]){0, 1, 2}, .whole_count = 3}};
    const char *says[] = {"owns 'layers.2.mlp.norm' by a pattern", "has no layer"};
    for (int i = 0; i < 2; i++) {
        def.regions = i ? all : two;
        def.region_count = i ? 1 : 2;
        gr_model *m = build(&def, 1);
        gr_surgery_result out;
        gr_error err = {0};
        assert_int_equal(gr_surgery_remove(&out, &def, m, &def.regions[0].name, 1, &err), GR_ERR_USAGE);
        if (!strstr(err.message, says[i]))
            fail_msg("'%s' does not say '%s'", err.message, says[i]);
        gr_model_free(m);
    }
}

/* ---- several regions in the same layers ---- */

static const gr_arch_region widths[] = {
    {.name = "a", .mlp.add = 7, .heads.add = 2},
    {.name = "b", .mlp.add = 5, .heads.add = 1},
    {.name = "c", .mlp.add = 3, .layers = (const int[]){1}, .layer_count = 1},
    {.name = "d", .heads.add = 1, .layers = (const int[]){0}, .layer_count = 1},
};

/* Each has its own units: without some of them the network is the one with the others alone. */
static void test_widths(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    def.regions = widths;
    def.region_count = 4;
    gr_model *m = build(&def, 3);
    assert_int_equal(gr_model_param(m, gr_model_find(m, "layers.1.mlp.up"))->rows, 24 + 7 + 5 + 3);
    assert_int_equal(gr_model_param(m, gr_model_find(m, "layers.0.attn.out"))->rows, (4 + 2 + 1 + 1) * 4);
    gr_real *whole = logits_of(m);
    for (int off = 1; off < 16; off++) {
        const char *names[4];
        int count = 0;
        for (int r = 0; r < 4; r++)
            if (off >> r & 1)
                names[count++] = widths[r].name;
        gr_error err = {0};
        gr_surgery_result gone;
        gr_test_ok(gr_surgery_remove(&gone, &def, m, names, count, &err), &err);
        gr_real *gated = logits_without(m, names, count), *removed = logits_of(gone.model);
        assert_close(removed, gated, 1e-5);
        assert_apart(gated, whole);
        gr_free(gated);
        gr_free(removed);
        gr_surgery_free(&gone);
    }
    gr_free(whole);
    gr_model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_off),          cmocka_unit_test(test_parts),      cmocka_unit_test(test_routed),
        cmocka_unit_test(test_last_penalty), cmocka_unit_test(test_neighbours), cmocka_unit_test(test_folder),
        cmocka_unit_test(test_errors),       cmocka_unit_test(test_widths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
