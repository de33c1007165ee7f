/* Low-rank adapters: what they add, that off is never there, merging, and two at once. */
#include "arch_helpers.h"
#include "format/arch_json.h"
#include "gradroute/bundle.h"
#include "gradroute/optim.h"
#include "gradroute/surgery.h"

#define MAPS_ALL ((1u << GR_MAPS) - 1)

static const gr_arch_region pair[] = {
    {.name = "one", .adapter = {.rank = 3, .scale = 2.5, .maps = MAPS_ALL}},
    {.name = "two", .adapter = {.rank = 5}, .layers = (const int[]){1}, .layer_count = 1},
};

static gr_arch_def adapted_def(void) {
    gr_arch_def def = small_def();
    def.regions = pair;
    def.region_count = 2;
    return def;
}

/* Every B of the named region's adapters gets numbers, as after training. */
static void train_b(gr_model *m, const char *region) {
    size_t n = strlen(region);
    for (int p = 0; p < gr_model_params(m); p++) {
        const gr_param_def *d = gr_model_param(m, p);
        size_t length = strlen(d->name);
        if (strncmp(d->name, region, n) || d->name[n] != '.' || strcmp(d->name + length - 2, ".b"))
            continue;
        for (int i = 0; i < d->rows * d->cols; i++)
            gr_model_data(m, p)[i] = (gr_real)(0.1 * sin(0.7 * i + (double)length + 3 * p));
    }
}

/* ---- what there is ---- */

static void test_sizes(void **state) {
    (void)state;
    gr_arch_def def = adapted_def();
    gr_model *m = build(&def, 1);
    const struct {
        const char *name;
        int rows, cols;
    } want[] = {{"one.layers.0.attn.qkv.a", 3, 16}, {"one.layers.0.attn.qkv.b", 3, 48},
                {"one.layers.1.attn.out.a", 3, 16}, {"one.layers.1.attn.out.b", 3, 16},
                {"one.layers.0.mlp.up.b", 3, 24},   {"one.layers.0.mlp.gate.a", 3, 16},
                {"one.layers.0.mlp.down.a", 3, 24}, {"one.layers.0.mlp.down.b", 3, 16},
                {"one.embed.a", VOCAB, 3},          {"one.embed.b", 3, 16},
                {"one.unembed.a", 3, 16},           {"one.unembed.b", 3, VOCAB},
                {"two.layers.1.mlp.down.a", 5, 24}, {"two.layers.1.attn.qkv.b", 5, 48}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        gr_param p = gr_model_find(m, want[i].name);
        if (p == GR_NONE)
            fail_msg("no %s", want[i].name);
        assert_int_equal(gr_model_param(m, p)->rows, want[i].rows);
        assert_int_equal(gr_model_param(m, p)->cols, want[i].cols);
    }
    assert_int_equal(gr_model_find(m, "two.layers.0.attn.qkv.a"), GR_NONE);
    assert_int_equal(gr_model_find(m, "two.embed.a"), GR_NONE);
    assert_int_equal(gr_model_region(m, 0)->gates, 2 * 5 + 2);
    assert_int_equal(gr_model_region(m, 1)->gates, 5);
    size_t core, own[2];
    gr_error err = {0};
    gr_test_ok(gr_arch_parameters(&def, &core, own, &err), &err);
    assert_int_equal(core + own[0] + own[1], gr_model_size(m));
    assert_int_equal(own[1], 5 * (16 + 48 + 16 + 16 + 2 * (16 + 24) + 24 + 16));
    gr_arch_def none = def;
    none.region_count = 0;
    gr_model *plain = build(&none, 1);
    assert_int_equal(core, gr_model_size(plain));
    gr_model_free(plain);
    gr_model_free(m);
}

static void test_errors(void **state) {
    (void)state;
    gr_arch_region r[2] = {{.name = "x", .adapter = {.rank = 5000}}};
    gr_arch_def def = small_def();
    def.regions = r;
    def.region_count = 1;
    expect_error(&def, "rank of an adapter is 5000");
    r[0].adapter = (gr_arch_adapter){.rank = 0, .dropout = 0.1};
    r[0].mlp.last = 2;
    expect_error(&def, "has rank 0");
    r[0].mlp.last = 0;
    r[0].adapter = (gr_arch_adapter){.rank = 4, .dropout = 1};
    expect_error(&def, "dropout of an adapter is 1");
    r[0].adapter = (gr_arch_adapter){.rank = 4, .scale = -1};
    expect_error(&def, "has scale -1");
    r[0].adapter = (gr_arch_adapter){.rank = 4, .maps = 1u << GR_MAP_GATE};
    def.activation = GR_ACTIVATION_GELU;
    expect_error(&def, "adapts 'gate', which its layers do not have");
    r[0].adapter.maps = 0;
    r[0].residual.add = 4;
    expect_error(&def, "beside residual dimensions");
    r[0].residual.add = 0;
    r[1] = (gr_arch_region){.name = "y", .whole = (const int[]){1}, .whole_count = 1};
    def.region_count = 2;
    expect_error(&def, "region 'x' has units in layer 1, which region 'y' owns whole");
    r[0].layers = (const int[]){0};
    r[0].layer_count = 1;
    gr_error err = {0};
    gr_test_ok(gr_arch_check(&def, &err), &err);
}

/* ---- off, removed, silent ---- */

static gr_arch_def variant_def(int variant, gr_arch_region *regions) {
    gr_arch_def def = adapted_def();
    def.bias = variant == 1;
    def.norm = variant == 1 ? GR_NORM_LAYER : GR_NORM_RMS;
    def.tied = variant != 2;
    def.kv_heads = variant == 4 ? 2 : 0;
    memcpy(regions, pair, sizeof pair);
    if (variant == 3) { /* groups share the products, more terms than one product takes */
        regions[2] = (gr_arch_region){.name = "g", .residual.add = 6, .mlp.add = 5, .heads.add = 1};
        regions[3] = (gr_arch_region){.name = "h", .residual.add = 4, .mlp.add = 3, .heads.add = 1};
        regions[4] = (gr_arch_region){.name = "i", .residual.add = 2, .mlp.add = 3, .heads.add = 1};
        def.region_count = 5;
    }
    def.regions = regions;
    return def;
}

static gr_surgery_result drop(const gr_arch_def *def, gr_model *m, const char *const *regions, int count) {
    gr_error err = {0};
    gr_surgery_result out;
    gr_test_ok(gr_surgery_remove(&out, def, m, regions, count, &err), &err);
    return out;
}

static void test_off(void **state) {
    (void)state;
    const char *both[] = {"one", "two"};
    for (int variant = 0; variant < 5; variant++) {
        gr_arch_region regions[5];
        gr_arch_def def = variant_def(variant, regions), none = def;
        none.regions = regions + 2;
        none.region_count = def.region_count - 2;
        gr_model *m = build(&def, 3), *plain = build(&none, 3);
        disturb(m);
        disturb(plain);
        gr_real *want = logits_of(plain), *fresh = logits_of(m);
        assert_close(fresh, want, 1e-6); /* B is zero at first */
        train_b(m, "one");
        train_b(m, "two");
        gr_surgery_result gone = drop(&def, m, both, 2), first = drop(&def, m, both, 1);
        gr_real *off = logits_without(m, both, 2), *removed = logits_of(gone.model), *on = logits_of(m);
        gr_real *one_off = logits_without(m, both, 1), *one_gone = logits_of(first.model);
        assert_same_bits(off, want);
        assert_same_bits(removed, want);
        assert_same_bits(one_off, one_gone);
        assert_apart(on, want);
        assert_apart(one_off, want);
        assert_apart(one_off, on);
        gr_surgery_result zeroed;
        gr_error err = {0};
        gr_test_ok(gr_surgery_off(&zeroed, &def, m, "one", &(gr_surgery_off_def){.how = GR_OFF_ZERO}, &err), &err);
        gr_real *silent = logits_of(zeroed.model);
        assert_close(silent, one_off, 1e-6);
        gr_param a = gr_model_find(zeroed.model, "one.layers.0.mlp.down.a");
        assert_true(gr_model_data(zeroed.model, a)[0] != 0); /* it can learn again */
        gr_real *all[] = {want, fresh, off, removed, on, one_off, one_gone, silent};
        for (int i = 0; i < 8; i++)
            gr_free(all[i]);
        gr_surgery_free(&gone);
        gr_surgery_free(&first);
        gr_surgery_free(&zeroed);
        gr_model_free(m);
        gr_model_free(plain);
    }
}

/* ---- merge ---- */

static void test_merge(void **state) {
    (void)state;
    const char *both[] = {"one", "two"};
    for (int variant = 0; variant < 5; variant++)
        for (int k = 0; k < 3; k++) { /* one, the other, both */
            gr_arch_region regions[5];
            gr_arch_def def = variant_def(variant, regions);
            gr_model *m = build(&def, 3);
            disturb(m);
            train_b(m, "one");
            train_b(m, "two");
            gr_error err = {0};
            gr_surgery_result out;
            gr_test_ok(gr_surgery_merge(&out, &def, m, k == 1 ? both + 1 : both, k == 2 ? 2 : 1, &err), &err);
            assert_int_equal(out.def->region_count, def.region_count - (k == 2 ? 2 : 1));
            assert_int_equal(out.def->tied, def.tied && k == 1); /* `one` is on embed and unembed */
            gr_real *adapted = logits_of(m), *merged = logits_of(out.model);
            assert_close(merged, adapted, 1e-5);
            gr_real *without = logits_without(m, k == 1 ? both + 1 : both, k == 2 ? 2 : 1);
            assert_apart(merged, without);
            gr_free(adapted);
            gr_free(merged);
            gr_free(without);
            gr_surgery_free(&out);
            gr_model_free(m);
        }
}

/* A region that is named twice is merged once. */
static void test_merge_twice(void **state) {
    (void)state;
    gr_arch_def def = adapted_def();
    gr_model *m = build(&def, 3);
    train_b(m, "one");
    gr_surgery_result out;
    gr_error err = {0};
    gr_test_ok(gr_surgery_merge(&out, &def, m, (const char *[]){"one", "one"}, 2, &err), &err);
    gr_real *adapted = logits_of(m), *merged = logits_of(out.model);
    assert_close(merged, adapted, 1e-5);
    gr_free(adapted);
    gr_free(merged);
    gr_surgery_free(&out);
    gr_model_free(m);
}

static void test_merge_refuses(void **state) {
    (void)state;
    gr_arch_region regions[] = {{.name = "mixed", .adapter.rank = 2, .mlp.last = 3}, {.name = "units", .mlp.add = 3}};
    gr_arch_def def = small_def();
    def.regions = regions;
    def.region_count = 2;
    gr_model *m = build(&def, 3);
    const char *names[] = {"mixed", "units", "nobody"};
    const char *says[] = {"owns more than its adapter", "no adapter to merge", "no region 'nobody'"};
    for (int i = 0; i < 3; i++) {
        gr_surgery_result out;
        gr_error err = {0};
        assert_int_equal(gr_surgery_merge(&out, &def, m, names + i, 1, &err), GR_ERR_USAGE);
        assert_null(out.model);
        if (!strstr(err.message, says[i]))
            fail_msg("'%s' does not say '%s'", err.message, says[i]);
    }
    gr_model_free(m);
}

/* Experts of the region would leave with it, and the merged network would compute something else. */
static void test_merge_refuses_experts(void **state) {
    (void)state;
    const gr_arch_region mixed = {.name = "mixed", .adapter.rank = 2, .experts.add = 1};
    gr_arch_def def = small_def();
    def.experts = 3;
    def.top = 2;
    def.regions = &mixed;
    def.region_count = 1;
    gr_model *m = build(&def, 3);
    gr_surgery_result out;
    gr_error err = {0};
    assert_int_equal(gr_surgery_merge(&out, &def, m, (const char *[]){"mixed"}, 1, &err), GR_ERR_USAGE);
    assert_null(out.model);
    if (!strstr(err.message, "owns more than its adapter"))
        fail_msg("'%s' does not say that the region owns more", err.message);
    gr_model_free(m);
}

/* ---- beside other regions, and surgery around them ---- */

static bool no_batch(void *context, gr_batch *batch) {
    (void)context, (void)batch;
    return false;
}

/* Neurons and heads of other regions that leave take the adapters' columns with them. */
static void test_neighbours(void **state) {
    (void)state;
    const gr_arch_region all[] = {
        pair[0],
        {.name = "claim", .mlp = {.lo = 3, .hi = 9}, .heads.last = 1},
        {.name = "add", .mlp.add = 5, .heads.add = 1, .layers = (const int[]){1}, .layer_count = 1},
    };
    gr_arch_def def = small_def();
    def.regions = all;
    def.region_count = 3;
    gr_model *m = build(&def, 3);
    disturb(m);
    train_b(m, "one");
    for (int k = 1; k < 3; k++) {
        const char *off[] = {all[k].name, "one"};
        gr_surgery_result gone = drop(&def, m, off, 1), zeroed;
        gr_error err = {0};
        gr_test_ok(gr_surgery_off(&zeroed, &def, m, off[0], &(gr_surgery_off_def){.how = GR_OFF_ZERO}, &err), &err);
        gr_real *want = logits_without(m, off, 1), *removed = logits_of(gone.model), *silent = logits_of(zeroed.model);
        gr_real *bare = logits_without(m, off, 2), *less = logits_without(gone.model, off + 1, 1);
        assert_close(removed, want, 1e-5);
        assert_close(silent, want, 1e-5);
        assert_close(less, bare, 1e-5);
        gr_real *lists[] = {want, removed, silent, bare, less};
        for (int i = 0; i < 5; i++)
            gr_free(lists[i]);
        gr_surgery_free(&gone);
        gr_surgery_free(&zeroed);
    }
    gr_surgery_result out;
    gr_error err = {0};
    gr_surgery_off_def mean = {.how = GR_OFF_MEAN, .positions = 4, .next = no_batch};
    assert_int_equal(gr_surgery_off(&out, &def, m, "claim", &mean, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "the adapter 'one' reads heads or neurons"));
    gr_model_free(m);
}

/* A trained network gets adapters and computes what it did; one that has them gets more units. */
static void test_expand(void **state) {
    (void)state;
    gr_arch_def none = small_def(), def = adapted_def();
    gr_model *m = build(&none, 3);
    disturb(m);
    gr_real *before = logits_of(m);
    gr_surgery_result with, more;
    gr_error err = {0};
    gr_test_ok(gr_surgery_expand(&with, &none, m, &def, &(gr_surgery_expand_def){0}, &err), &err);
    gr_real *after = logits_of(with.model);
    assert_close(after, before, 1e-6);
    for (int p = 0; p < gr_model_params(with.model); p++) { /* A is not zero: it could not learn beside a B of zeros */
        const char *name = gr_model_param(with.model, p)->name;
        if (!strcmp(name + strlen(name) - 2, ".a"))
            assert_true(gr_model_data(with.model, p)[0] != 0);
    }
    train_b(with.model, "one");
    gr_arch_region three[] = {pair[0], pair[1], {.name = "x", .mlp.add = 4, .heads.add = 1}};
    gr_arch_def wider = def;
    wider.regions = three;
    wider.region_count = 3;
    gr_test_ok(gr_surgery_expand(&more, &def, with.model, &wider, &(gr_surgery_expand_def){0}, &err), &err);
    gr_real *a = logits_of(with.model), *b = logits_of(more.model);
    assert_close(a, b, 1e-6);
    assert_apart(a, before);
    three[0].adapter.scale = 1;
    gr_surgery_result out;
    assert_int_equal(gr_surgery_expand(&out, &def, with.model, &wider, &(gr_surgery_expand_def){0}, &err),
                     GR_ERR_USAGE);
    gr_real *all[] = {before, after, a, b};
    for (int i = 0; i < 4; i++)
        gr_free(all[i]);
    gr_surgery_free(&with);
    gr_surgery_free(&more);
    gr_model_free(m);
}

static void test_folder(void **state) {
    (void)state;
    char *root = gr_test_folder(), *path = gr_format("%s/model", root);
    gr_arch_def def = adapted_def();
    gr_model *m = build(&def, 3);
    train_b(m, "one");
    train_b(m, "two");
    gr_error err = {0};
    gr_bundle *whole, *less;
    gr_test_ok(gr_bundle_save(path, &def, m, &(gr_bundle_info){.recipe = ""}, &err), &err);
    gr_test_ok(gr_bundle_load(&whole, path, NULL, 0, &err), &err);
    gr_test_ok(gr_bundle_load(&less, path, (const char *[]){"one"}, 1, &err), &err);
    gr_real *a = logits_of(m), *b = logits_of(whole->model);
    assert_same_bits(a, b);
    gr_free(a);
    gr_free(b);
    a = logits_without(m, (const char *[]){"one"}, 1);
    b = logits_of(less->model);
    assert_same_bits(a, b);
    gr_free(a);
    gr_free(b);
    json_t *value = gr__arch_to_json(&def), *adapter = NULL;
    json_t *region = json_array_get(json_object_get(value, "regions"), 0);
    const char *bad[] = {"{\"rank\": 3, \"speed\": 1}",  "{\"rank\": 3, \"maps\": [\"qkw\"]}", "{\"rank\": 3.5}", "[]",
                         "{\"rank\": 3, \"maps\": [7]}", "{\"rank\": 3, \"scale\": \"x\"}",    "{\"rank\": -3}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        gr_arch_def *back;
        adapter = json_loads(bad[i], 0, NULL);
        json_object_set_new(region, "adapter", adapter);
        err = (gr_error){0};
        assert_int_not_equal(gr__arch_from_json(&back, value, "test", &err), GR_OK);
        assert_null(back);
        assert_true(err.message[0] != 0);
    }
    json_decref(value);
    gr_free(path);
    gr_bundle_free(whole);
    gr_bundle_free(less);
    gr_model_free(m);
    gr_test_folder_remove(root);
}

/* ---- routed ---- */

/* The dual scheme: the base is closed for every row; class 0 trains `one` without `two`, class 1 `two` without `one`.
 */
static gr_tables *dual(gr_model *m) {
    gr_tables *t = gr_tables_new(m, 2);
    gr_tables_gate(t, 0, (double[]){1, 0});
    gr_tables_gate(t, 1, (double[]){0, 1});
    for (int p = 0; p < gr_model_params(m); p++) {
        const gr_param_def *d = gr_model_param(m, p);
        if (strncmp(d->name, "one.", 4) && strncmp(d->name, "two.", 4))
            gr_tables_param(t, (gr_rect){p, 0, d->rows, 0, d->cols}, (double[]){0, 0});
    }
    gr_tables_finish(t);
    return t;
}

typedef struct trained {
    gr_model *model;
    double first, last;
} trained;

/* Steps of AdamW over rows of these classes (cls: one class for all, or -1 mixed by document). */
static trained train(int cls, gr_precision precision, int steps) {
    gr_error err = {0};
    gr_arch_def def = adapted_def();
    trained r = {.model = build(&def, 3)};
    gr_tables *t = dual(r.model);
    gr_run *run;
    gr_optim *optim;
    gr_optim_def how = gr_optim_default();
    how.lr = 0.01;
    how.total = steps;
    how.warmup = 0;
    gr_test_ok(
        gr_run_new(&run, r.model, t, &(gr_run_def){.positions = ROWS, .train = true, .precision = precision}, &err),
        &err);
    gr_test_ok(gr_optim_new(&optim, r.model, t, &how, &err), &err);
    gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 5);
    for (int n = 0; n < ROWS; n++)
        b.cls[n] = cls >= 0 ? cls : b.start[n] % 2;
    b.batch.cls = b.cls;
    for (int s = 0; s < steps; s++) {
        gr_run_zero(run);
        r.last = gr_run_forward(run, &b.batch);
        r.first = s ? r.first : r.last;
        gr_run_backward(run);
        gr_run_reduce(run);
        gr_test_ok(gr_optim_step(optim, run, NULL, &err), &err);
    }
    gr_test_batch_free(&b);
    gr_optim_free(optim);
    gr_run_free(run);
    gr_tables_free(t);
    return r;
}

static int changed(gr_model *m, gr_model *start, const char *prefix) {
    int count = 0;
    for (int p = 0; p < gr_model_params(m); p++) {
        const gr_param_def *d = gr_model_param(m, p);
        bool core = strncmp(d->name, "one.", 4) && strncmp(d->name, "two.", 4);
        if (prefix ? strncmp(d->name, prefix, strlen(prefix)) != 0 : !core)
            continue;
        count +=
            memcmp(gr_model_data(m, p), gr_model_data(start, p), (size_t)(d->rows * d->cols) * sizeof(gr_real)) != 0;
    }
    return count;
}

static void test_dual(void **state) {
    (void)state;
    gr_arch_def def = adapted_def();
    gr_model *start = build(&def, 3);
    for (int precision = GR_PRECISION_FLOAT32; precision <= GR_PRECISION_BF16; precision++)
        for (int cls = -1; cls < 2; cls++) {
            trained r = train(cls, (gr_precision)precision, 30);
            assert_int_equal(changed(r.model, start, NULL), 0); /* the base, bit for bit */
            int one = changed(r.model, start, "one."), two = changed(r.model, start, "two.");
            assert_true(cls == 1 ? one == 0 : one > 20);
            assert_true(cls == 0 ? two == 0 : two > 8);
            if (!(r.last < r.first - 0.05))
                fail_msg("class %d, precision %d: loss %g after %g", cls, precision, r.last, r.first);
            gr_model_free(r.model);
        }
    gr_model_free(start);
}

/* Dropout of what an adapter reads acts while training alone, and leaves the base as it is. */
static void test_dropout(void **state) {
    (void)state;
    gr_arch_region region = {.name = "one", .adapter = {.rank = 3, .dropout = 0.5}};
    gr_arch_def def = small_def();
    def.regions = &region;
    def.region_count = 1;
    gr_model *m = build(&def, 3);
    train_b(m, "one");
    double loss[3];
    for (int k = 0; k < 3; k++) { /* evaluated, trained, trained without */
        gr_error err = {0};
        gr_run *run;
        gr_tables *t = gr_tables_new(m, 1);
        gr_tables_gate(t, 0, (double[]){k < 2});
        gr_tables_finish(t);
        gr_test_ok(gr_run_new(&run, m, t, &(gr_run_def){.positions = ROWS, .train = k > 0, .seed = 4}, &err), &err);
        gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 5);
        loss[k] = gr_run_forward(run, &b.batch);
        gr_test_batch_free(&b);
        gr_run_free(run);
        gr_tables_free(t);
    }
    gr_arch_def none = small_def();
    gr_model *plain = build(&none, 3);
    gr_error err = {0};
    gr_run *run;
    gr_test_ok(gr_run_new(&run, plain, NULL, &(gr_run_def){.positions = ROWS, .train = true, .seed = 4}, &err), &err);
    gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 5);
    double base = gr_run_forward(run, &b.batch);
    gr_test_batch_free(&b);
    gr_run_free(run);
    assert_true(fabs(loss[0] - loss[1]) > 1e-4);
    assert_true(loss[2] == base);
    gr_model_free(plain);
    gr_model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),         cmocka_unit_test(test_errors),
        cmocka_unit_test(test_off),           cmocka_unit_test(test_merge),
        cmocka_unit_test(test_merge_refuses), cmocka_unit_test(test_merge_refuses_experts),
        cmocka_unit_test(test_merge_twice),   cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_expand),        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_dual),          cmocka_unit_test(test_dropout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
