/* Resizing: growing leaves the function alone, shrinking back gives the old bits, and what cannot be is refused. */
#include "arch_helpers.h"
#include "gradroute/surgery.h"

static const gr_arch_region regions[] = {
    {.name = "a", .mlp = {.lo = 2, .hi = 9}, .layers = (const int[]){1}, .layer_count = 1},
    {.name = "b", .mlp.last = 5, .heads = {.lo = 1, .hi = 2}},
    {.name = "c", .mlp.add = 6, .heads.add = 1},
    {.name = "r", .residual.last = 3},
    {.name = "g", .residual.add = 6, .mlp.add = 5, .heads.add = 2},
};
enum { PLAIN_REGIONS = 4, ALL_REGIONS = 5 };

static gr_arch_def with(int count) {
    gr_arch_def def = small_def();
    def.regions = regions;
    def.region_count = count;
    return def;
}

static gr_surgery_result resize(const gr_arch_def *def, gr_model *m, gr_surgery_resize_def how) {
    gr_error err = {0};
    gr_surgery_result out;
    gr_test_ok(gr_surgery_resize(&out, def, m, &how, &err), &err);
    return out;
}

static gr_surgery_resize_def keep(void) { return gr_surgery_resize_default(); }

static gr_surgery_resize_def layers(int n, int at) {
    gr_surgery_resize_def how = keep();
    how.layers = n, how.at = at;
    return how;
}

static gr_surgery_resize_def sizes(int mlp, int heads, int width) {
    gr_surgery_resize_def how = keep();
    how.mlp = mlp, how.heads = heads, how.width = width;
    return how;
}

static void assert_same_model(gr_model *a, gr_model *b) {
    assert_int_equal(gr_model_params(a), gr_model_params(b));
    for (int p = 0; p < gr_model_params(a); p++) {
        const gr_param_def *d = gr_model_param(a, p);
        gr_param q = gr_model_find(b, d->name);
        assert_int_not_equal(q, GR_NONE);
        assert_memory_equal(gr_model_data(a, p), gr_model_data(b, q), (size_t)(d->rows * d->cols) * sizeof(gr_real));
    }
}

/* The same function with everything on and with any one region off. tolerance 0: the same bits. */
static void assert_same_function(gr_model *a, gr_model *b, double tolerance) {
    for (int r = -1; r < gr_model_regions(a); r++) {
        const char *off = r < 0 ? NULL : gr_model_region(a, r)->name;
        gr_real *x = logits_without(a, &off, r >= 0), *y = logits_without(b, &off, r >= 0);
        if (tolerance > 0)
            assert_close(x, y, tolerance);
        else
            assert_same_bits(x, y);
        gr_free(x);
        gr_free(y);
    }
}

static void check_back(const gr_arch_def *def, gr_model *m, gr_surgery_resize_def how, gr_surgery_resize_def back,
                       double tolerance) {
    gr_surgery_result grown = resize(def, m, how);
    assert_true(gr_model_size(grown.model) > gr_model_size(m));
    assert_same_function(m, grown.model, tolerance);
    gr_surgery_result again = resize(grown.def, grown.model, back);
    assert_same_model(m, again.model);
    assert_same_function(m, again.model, 0);
    assert_true(again.def->eps == def->eps);
    gr_surgery_free(&again);
    gr_surgery_free(&grown);
}

static void test_layers(void **state) {
    (void)state;
    gr_arch_def def = with(ALL_REGIONS);
    def.out_bias = true;
    gr_model *m = build(&def, 3);
    disturb(m);
    for (int at = 0; at <= 2; at++)
        check_back(&def, m, layers(4, at), layers(2, at), 0);
    check_back(&def, m, layers(3, GR_SURGERY_END), layers(2, GR_SURGERY_END), 0);
    /* what is new reads and can learn, but writes nothing; what moved kept its numbers */
    gr_surgery_result grown = resize(&def, m, layers(3, 1));
    gr_real *up = gr_model_data(grown.model, gr_model_find(grown.model, "layers.1.mlp.up"));
    gr_real *down = gr_model_data(grown.model, gr_model_find(grown.model, "layers.1.mlp.down"));
    assert_true(up[0] != 0 && down[0] == 0);
    assert_memory_equal(gr_model_data(grown.model, gr_model_find(grown.model, "g.layers.2.mlp.up")),
                        gr_model_data(m, gr_model_find(m, "g.layers.1.mlp.up")), 5 * 22 * sizeof(gr_real));
    assert_int_equal(grown.def->regions[0].layers[0], 2);
    gr_surgery_free(&grown);
    /* a layer that matters */
    gr_arch_def plain = with(0);
    gr_model *n = build(&plain, 3);
    gr_surgery_result less = resize(&plain, n, layers(1, 0));
    assert_memory_equal(gr_model_data(less.model, gr_model_find(less.model, "layers.0.mlp.up")),
                        gr_model_data(n, gr_model_find(n, "layers.1.mlp.up")), 24 * 16 * sizeof(gr_real));
    gr_real *a = logits_of(n), *b = logits_of(less.model);
    assert_apart(a, b);
    gr_free(a);
    gr_free(b);
    gr_surgery_free(&less);
    gr_model_free(n);
    gr_model_free(m);
}

static void test_units(void **state) {
    (void)state;
    gr_arch_def def = with(ALL_REGIONS);
    gr_model *m = build(&def, 3);
    disturb(m);
    check_back(&def, m, sizes(40, GR_SURGERY_KEEP, GR_SURGERY_KEEP), sizes(24, GR_SURGERY_KEEP, GR_SURGERY_KEEP), 1e-6);
    check_back(&def, m, sizes(GR_SURGERY_KEEP, 6, GR_SURGERY_KEEP), sizes(GR_SURGERY_KEEP, 4, GR_SURGERY_KEEP), 1e-6);
    gr_surgery_resize_def all = sizes(31, 5, GR_SURGERY_KEEP), back = sizes(24, 4, GR_SURGERY_KEEP);
    all.layers = 3, all.at = 1, back.layers = 2, back.at = 1;
    check_back(&def, m, all, back, 1e-6);
    gr_model_free(m);
}

/* Heads of keys that several query heads read come and go whole, and windows move with their layers. */
static void test_shared_keys(void **state) {
    (void)state;
    const gr_arch_region last = {.name = "b", .mlp.last = 5, .heads.last = 1};
    gr_arch_def def = with(0);
    def.kv_heads = 2;
    def.windows = (const int[]){0, 3};
    def.window_count = 2;
    def.regions = &last;
    def.region_count = 1;
    gr_model *m = build(&def, 3);
    disturb(m);
    check_back(&def, m, sizes(GR_SURGERY_KEEP, 8, GR_SURGERY_KEEP), sizes(GR_SURGERY_KEEP, 4, GR_SURGERY_KEEP), 1e-6);
    for (int at = 0; at <= 2; at++)
        check_back(&def, m, layers(3, at), layers(2, at), 0);
    gr_surgery_result out = resize(&def, m, sizes(GR_SURGERY_KEEP, 8, GR_SURGERY_KEEP));
    assert_int_equal(out.def->heads, 8);
    assert_int_equal(out.def->kv_heads, 4);
    gr_surgery_free(&out);
    gr_surgery_resize_def odd = sizes(GR_SURGERY_KEEP, 5, GR_SURGERY_KEEP);
    gr_error err = {0};
    assert_int_equal(gr_surgery_resize(&out, &def, m, &odd, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "cannot share"));
    gr_model_free(m);
}

static void refuses(const gr_arch_def *def, gr_surgery_resize_def how, const char *says) {
    gr_model *m = build(def, 3);
    gr_surgery_result out;
    gr_error err = {0};
    assert_int_equal(gr_surgery_resize(&out, def, m, &how, &err), GR_ERR_USAGE);
    assert_null(out.model);
    if (!strstr(err.message, says))
        fail_msg("'%s' does not say '%s'", err.message, says);
    gr_model_free(m);
}

/* Adapters follow the units of the maps they are on, experts and whole layers their layers. */
static void test_other_regions(void **state) {
    (void)state;
    const gr_arch_region adapter = {.name = "low", .adapter.rank = 2};
    const gr_arch_region parts[] = {{.name = "e", .experts.last = 1},
                                    {.name = "w", .whole = (const int[]){1}, .whole_count = 1}};
    gr_arch_def def = with(0), mixture = with(0);
    def.regions = &adapter, def.region_count = 1;
    gr_model *m = build(&def, 3);
    disturb(m);
    const char *const high[] = {"low.layers.0.mlp.up.b", "low.layers.1.attn.qkv.b", "low.layers.1.mlp.down.b"};
    for (int i = 0; i < 3; i++)
        set_all(m, high[i], 0.3);
    check_back(&def, m, sizes(40, 6, GR_SURGERY_KEEP), sizes(24, 4, GR_SURGERY_KEEP), 1e-6);
    check_back(&def, m, sizes(GR_SURGERY_KEEP, GR_SURGERY_KEEP, 64), sizes(GR_SURGERY_KEEP, GR_SURGERY_KEEP, 16), 1e-6);
    check_back(&def, m, layers(3, 1), layers(2, 1), 0);
    gr_model_free(m);
    mixture.experts = 3, mixture.top = 2, mixture.mlp = 8;
    mixture.regions = parts, mixture.region_count = 1;
    m = build(&mixture, 3);
    check_back(&mixture, m, layers(3, 0), layers(2, 0), 0);
    check_back(&mixture, m, sizes(GR_SURGERY_KEEP, 6, GR_SURGERY_KEEP), sizes(GR_SURGERY_KEEP, 4, GR_SURGERY_KEEP),
               1e-6);
    gr_model_free(m);
    refuses(&mixture, sizes(16, GR_SURGERY_KEEP, GR_SURGERY_KEEP), "those of experts");
    def.regions = parts + 1;
    m = build(&def, 3);
    check_back(&def, m, layers(4, 1), layers(2, 1), 0);
    gr_surgery_result out = resize(&def, m, layers(4, 1));
    assert_int_equal(out.def->regions[0].whole[0], 3);
    gr_surgery_free(&out);
    gr_model_free(m);
    refuses(&def, layers(1, 1), "region 'w' would be left without a layer");
}

static void test_width(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++) {
        gr_arch_def def = with(PLAIN_REGIONS);
        def.tied = k;
        def.bias = k;
        def.position = k ? GR_POSITION_LEARNED : GR_POSITION_ROTARY;
        gr_model *m = build(&def, 3);
        disturb(m);
        gr_surgery_resize_def how = sizes(GR_SURGERY_KEEP, GR_SURGERY_KEEP, 64),
                              back = sizes(GR_SURGERY_KEEP, GR_SURGERY_KEEP, 16);
        check_back(&def, m, how, back, 1e-6);
        /* other widths round the gains */
        gr_surgery_result out;
        gr_error err = {0};
        how.width = 24;
        assert_int_equal(gr_surgery_resize(&out, &def, m, &how, &err), GR_ERR_USAGE);
        assert_non_null(strstr(err.message, "rounds"));
        how.rounding = true;
        out = resize(&def, m, how);
        assert_same_function(m, out.model, 1e-5);
        gr_surgery_free(&out);
        gr_model_free(m);
    }
}

static void test_mlp(void **state) {
    (void)state;
    gr_arch_def def = gr_arch_default();
    gr_arch_region region = {.name = "x", .mlp.last = 2};
    def.kind = GR_ARCH_MLP;
    def.sizes = (int[]){3, 6, 5, 2};
    def.size_count = 4;
    def.activation = GR_ACTIVATION_RELU;
    def.bias = true;
    def.regions = &region;
    def.region_count = 1;
    gr_model *m = build(&def, 4);
    gr_surgery_result out = resize(&def, m, sizes(9, GR_SURGERY_KEEP, GR_SURGERY_KEEP));
    assert_int_equal(out.def->sizes[1], 9);
    assert_int_equal(out.def->sizes[2], 9);
    assert_int_equal(out.def->sizes[3], 2);
    gr_real x[4 * 3];
    for (int i = 0; i < 12; i++)
        x[i] = (gr_real)sin(1.3 * i);
    int32_t targets[4] = {0};
    gr_batch rows = {.positions = 4, .targets = targets, .x = {x}, .denominator = 4};
    double loss[2];
    gr_model *models[] = {m, out.model};
    for (int k = 0; k < 2; k++) {
        gr_run *run;
        gr_error err = {0};
        gr_test_ok(gr_run_new(&run, models[k], NULL, &(gr_run_def){.positions = 4}, &err), &err);
        loss[k] = gr_run_forward(run, &rows);
        gr_run_free(run);
    }
    assert_float_equal(loss[0], loss[1], 1e-6);
    gr_surgery_free(&out);
    gr_error err = {0};
    gr_surgery_resize_def more = layers(3, GR_SURGERY_END);
    assert_int_equal(gr_surgery_resize(&out, &def, m, &more, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "no residual stream"));
    gr_model_free(m);
}

static void test_refuses(void **state) {
    (void)state;
    gr_arch_def plain = with(0), def = with(PLAIN_REGIONS), all = with(ALL_REGIONS), layered = with(0), named = with(0);
    gr_arch_region owner = {.name = "p", .patterns = (const char *[]){"layers.1.*"}, .pattern_count = 1};
    layered.norm = GR_NORM_LAYER;
    gr_arch_def gainless = with(0);
    gainless.no_gain = true;
    refuses(&gainless, sizes(GR_SURGERY_KEEP, GR_SURGERY_KEEP, 64), "there are none");
    named.regions = &owner, named.region_count = 1;
    refuses(&plain, layers(0, GR_SURGERY_END), "0 layers: a network needs at least one");
    refuses(&plain, sizes(0, GR_SURGERY_KEEP, GR_SURGERY_KEEP), "0 neurons");
    refuses(&plain, layers(3, 3), "expected 0 to 2");
    refuses(&plain, layers(1, 2), "expected 0 to 1");
    refuses(&def, layers(1, 1), "region 'a' would be left without a layer");
    refuses(&def, sizes(20, GR_SURGERY_KEEP, GR_SURGERY_KEEP), "region 'b' claims neurons 19..24");
    refuses(&def, sizes(GR_SURGERY_KEEP, 1, GR_SURGERY_KEEP), "region 'b' claims heads 1..2");
    refuses(&def, sizes(GR_SURGERY_KEEP, GR_SURGERY_KEEP, 4), "claims residual dimensions 13..16");
    refuses(&all, sizes(GR_SURGERY_KEEP, GR_SURGERY_KEEP, 64), "region 'g' only while it is on");
    refuses(&layered, sizes(GR_SURGERY_KEEP, GR_SURGERY_KEEP, 64), "layer norm");
    refuses(&named, layers(3, 0), "owns parameters by name");
}

/* ---- comparing ---- */

typedef struct feed {
    gr_batch batch;
    int count;
} feed;

static bool next_batch(void *context, gr_batch *batch) {
    feed *f = context;
    *batch = f->batch;
    return f->count-- > 0;
}

static void test_compare(void **state) {
    (void)state;
    gr_arch_def def = with(PLAIN_REGIONS);
    gr_model *m = build(&def, 3), *other = build(&def, 3);
    gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 5);
    double d;
    gr_error err = {0};
    gr_surgery_side same[2] = {{m, NULL}, {other, NULL}};
    feed f = {b.batch, 2};
    gr_test_ok(gr_surgery_compare(&d, same, ROWS, next_batch, &f, &err), &err);
    assert_true(d == 0);
    /* the largest of all rows and columns */
    gr_model_data(other, gr_model_find(other, "norm"))[3] += (gr_real)0.5;
    gr_real *x = logits_of(m), *y = logits_of(other);
    double want = 0;
    for (int i = 0; i < ROWS * VOCAB; i++) {
        double apart = fabs((double)x[i] - (double)y[i]);
        want = apart > want ? apart : want;
    }
    f = (feed){b.batch, 1};
    gr_test_ok(gr_surgery_compare(&d, same, ROWS, next_batch, &f, &err), &err);
    assert_true(want > 1e-3 && d == want);
    gr_free(x);
    gr_free(y);
    /* absent rows do not count; without rows there is nothing to say */
    int32_t absent[ROWS];
    for (int i = 0; i < ROWS; i++)
        absent[i] = -1;
    f = (feed){b.batch, 1};
    f.batch.cls = absent;
    assert_int_equal(gr_surgery_compare(&d, same, ROWS, next_batch, &f, &err), GR_ERR_USAGE);
    f = (feed){b.batch, 0};
    assert_int_equal(gr_surgery_compare(&d, same, ROWS, next_batch, &f, &err), GR_ERR_USAGE);
    f = (feed){b.batch, 1};
    assert_int_equal(gr_surgery_compare(&d, same, ROWS - 1, next_batch, &f, &err), GR_ERR_USAGE);
    /* what is no number is no agreement */
    gr_model_data(other, gr_model_find(other, "norm"))[3] = (gr_real)NAN;
    f = (feed){b.batch, 1};
    gr_test_ok(gr_surgery_compare(&d, same, ROWS, next_batch, &f, &err), &err);
    assert_true(isinf(d));
    gr_test_batch_free(&b);
    gr_model_free(m);
    gr_model_free(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared_keys), cmocka_unit_test(test_other_regions), cmocka_unit_test(test_layers),
        cmocka_unit_test(test_units),       cmocka_unit_test(test_width),         cmocka_unit_test(test_mlp),
        cmocka_unit_test(test_refuses),     cmocka_unit_test(test_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
