/* Routes: what a class weighs at taps and on parameters, and which routes are refused. */
#include "route_helpers.h"

/* ---- weights ---- */

static void test_open_and_rest(void **state) {
    (void)state;
    gr_model *model = small_model();
    gr_routes *routes = gr_routes_new(2, both);
    gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_open(routes, 1, bio);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0);
    routes->route[0].option[0].joint = 1u << GR_KIND_EMBEDDING | 1u << GR_KIND_BIAS;
    gr_routes_add(routes, gr_label_bit(2), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REGION, "chem", 0.3);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, -0.75);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_EMBEDDINGS, NULL, 2);
    gr_router *router = router_of(model, routes);
    assert_int_equal(gr_router_classes(router), 3);
    int plain = class_of(router, 0, 0, 0), b = class_of(router, 1, 0, 0), c = class_of(router, 2, 0, 0);
    assert_int_equal(class_of(router, -1, 0, 0), plain);
    assert_int_equal(class_of(router, INT16_MIN, 0, 0), -1);
    assert_int_equal(class_of(router, 3, 0, 0), -1);
    assert_true(weight_at(router, model, "up", 0, 0, plain) == 1);
    /* the region alone, and what is joint: kinds of the core, not of the other region */
    assert_true(weight_at(router, model, "up", 4, 0, b) == 1);
    assert_true(weight_at(router, model, "down", 5, 9, b) == 1);
    assert_true(weight_at(router, model, "up", 3, 0, b) == 0);
    assert_true(weight_at(router, model, "up", 6, 0, b) == 0);
    assert_true(weight_at(router, model, "embed", 3, 3, b) == 1);
    assert_true(weight_at(router, model, "up.bias", 0, 0, b) == 1);
    assert_true(weight_at(router, model, "up.bias", 0, 4, b) == 1);
    assert_true(weight_at(router, model, "up.bias", 0, 7, b) == 0);
    assert_true(weight_at(router, model, "down.bias", 0, 0, b) == 0);
    /* any real weights; what is said twice multiplies */
    assert_true(weight_at(router, model, "up", 7, 3, c) == 0.3);
    assert_true(weight_at(router, model, "up", 4, 3, c) == -0.75);
    assert_true(weight_at(router, model, "embed", 0, 0, c) == -1.5);
    gr_router_free(router);
    gr_routes_free(routes);
    gr_model_free(model);
}

static void test_forward_and_others(void **state) {
    (void)state;
    gr_model *model = small_model();
    gr_routes *routes = gr_routes_new(2, both);
    gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_only(routes, 1, bio);
    gr_routes_add(routes, GR_LABELS_CORE, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_without(routes, 2, both);
    gr_router *router = router_of(model, routes);
    int b = class_of(router, 1, 0, 0), core = class_of(router, 0, 0, 0);
    assert_true(gr_router_forward(router, 0, b) == 1 && gr_router_forward(router, 1, b) == 0);
    assert_true(gr_router_forward(router, 0, core) == 0 && gr_router_forward(router, 1, core) == 0);
    /* units that are off are closed */
    assert_true(weight_at(router, model, "up", 6, 0, b) == 0 && weight_at(router, model, "up", 4, 0, b) == 1);
    assert_true(weight_at(router, model, "down", 4, 0, core) == 0 && weight_at(router, model, "down", 3, 0, core) == 1);
    gr_router_free(router);
    gr_routes_free(routes);
    gr_model_free(model);
}

/* A region of whole parameters has no gate: `without` and `only` close it. */
static void test_without_closes_what_has_no_gate(void **state) {
    (void)state;
    gr_model *model = small_model_with(true);
    gr_routes *routes = gr_routes_new(2, both);
    gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_only(routes, 1, bio);
    gr_routes_add(routes, GR_LABELS_CORE, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_without(routes, 1, (const char *const[]){"out"});
    gr_router *router = router_of(model, routes);

    int b = class_of(router, 1, 0, 0), core = class_of(router, 0, 0, 0), plain = class_of(router, -1, 0, 0);
    assert_true(weight_at(router, model, "down.bias", 0, 3, b) == 0);
    assert_true(weight_at(router, model, "down.bias", 0, 3, core) == 0);
    assert_true(weight_at(router, model, "down.bias", 0, 3, plain) == 1);
    assert_true(weight_at(router, model, "up", 4, 0, core) == 1 && weight_at(router, model, "up", 4, 0, b) == 1);

    gr_router_free(router);
    gr_routes_free(routes);
    gr_model_free(model);
}

/* The weight of neuron j of the hidden tap for a class, seen from outside: the factor by which a mode multiplies the
 * value (forward) or the gradient of row j of `up` (activation, parameter). */
static void weights_of_neurons(double *w, const gr_model *model, const gr_routes *routes, gr_mode mode) {
    gr_router *router = router_of(model, routes);
    int cls = class_of(router, 1, 0, 0);
    gr_model *m = small_model_with(true);
    const gr_tables *tables[] = {NULL, gr_router_tables(router)};
    gr_param up = gr_model_find(m, "up"), down = gr_model_find(m, "down");
    for (int i = 0; i < 32; i++)
        gr_model_data(m, up)[i] = (gr_real)(0.1 + 0.01 * i);
    for (int i = 0; i < 40; i++)
        gr_model_data(m, gr_model_find(m, "embed"))[i] = (gr_real)0.5;

    for (int k = 0; k < 2; k++) { /* one row, plain and routed */
        gr_run *run;
        gr_error err = {0};
        gr_test_batch b = gr_test_batch_new(1, 10, 1);
        gr_test_ok(gr_run_new(&run, m, tables[k], &(gr_run_def){.positions = 1, .train = true}, &err), &err);
        b.batch.cls = (int32_t[]){k ? cls : 0};
        gr_run_zero(run);
        gr_run_forward(run, &b.batch);
        gr_run_backward(run);
        gr_run_reduce(run);
        for (int j = 0; j < 8; j++) { /* down's gradient is dy times the value; up's is what comes back */
            gr_param p = mode == GR_MODE_FORWARD ? down : up;
            int cols = gr_model_param(m, p)->cols;
            double g = 0;
            for (int i = 0; i < cols; i++)
                g += fabs((double)gr_run_gradient(run, p)[j * cols + i]);
            w[j] = k ? g / w[j] : g;
        }
        gr_test_batch_free(&b);
        gr_run_free(run);
    }

    gr_model_free(m);
    gr_router_free(router);
}

/* `others` says the same in each mode: of each region that is not named, as if it were. What two of them share is
 * weighed twice, and what a named one shares with one of them is weighed too. */
static void test_others_where_regions_overlap(void **state) {
    (void)state;
    gr_model *model = small_model_with(true);
    for (gr_mode mode = GR_MODE_FORWARD; mode <= GR_MODE_PARAMETER; mode++)
        for (int named = 0; named < 2; named++) {
            double others[8], each[8];
            gr_routes *short_form = gr_routes_new(1, bio), *long_form = gr_routes_new(1, bio);
            gr_routes_add(short_form, gr_label_bit(1), GR_DRAW_SEQUENCE);
            gr_routes_option(short_form, 1);
            gr_routes_effect(short_form, mode, GR_SCOPE_REGION, named ? "bio" : "out", 1);
            gr_routes_effect(short_form, mode, GR_SCOPE_OTHERS, NULL, 0.5);
            gr_routes_add(long_form, gr_label_bit(1), GR_DRAW_SEQUENCE);
            gr_routes_option(long_form, 1);
            gr_routes_effect(long_form, mode, GR_SCOPE_REGION, "chem", 0.5);
            gr_routes_effect(long_form, mode, GR_SCOPE_REGION, named ? "out" : "bio", 0.5);

            weights_of_neurons(others, model, short_form, mode);
            weights_of_neurons(each, model, long_form, mode);
            for (int j = 0; j < 8; j++) {
                double want = (j >= 5 ? 0.5 : 1) * (!named && (j == 4 || j == 5) ? 0.5 : 1);
                if (mode != GR_MODE_FORWARD && fabs(each[j] - want) > 1e-5)
                    fail_msg("mode %s, neuron %d: %g, expected %g", gr_mode_name(mode), j, each[j], want);
                if (others[j] != each[j])
                    fail_msg("mode %s, neuron %d: others is %g, each by name %g", gr_mode_name(mode), j, others[j],
                             each[j]);
            }
            gr_routes_free(short_form);
            gr_routes_free(long_form);
        }
    gr_model_free(model);
}

/* One row through the network with an activation route: gradients of `up` are weighted column by column of the tap. */
static void activation(bool rest) {
    gr_model *model = small_model();
    gr_param up = gr_model_find(model, "up"), down = gr_model_find(model, "down");
    gr_real *u = gr_model_data(model, up);
    for (int i = 0; i < 32; i++)
        u[i] = (gr_real)fabs((double)u[i]) * (i % 4 ? (gr_real)0.1 : 1);
    for (int i = 0; i < 40; i++)
        gr_model_data(model, gr_model_find(model, "embed"))[i] = (gr_real)0.5;
    gr_routes *routes = gr_routes_new(1, bio);
    gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_effect(routes, GR_MODE_ACTIVATION, GR_SCOPE_REGION, "bio", 0.5);
    gr_routes_effect(routes, GR_MODE_ACTIVATION, rest ? GR_SCOPE_REST : GR_SCOPE_OTHERS, NULL, 0);
    gr_routes_tap(routes, GR_MODE_ACTIVATION, "hid*", 5, 6, 3);
    gr_router *router = router_of(model, routes);
    int32_t ids[] = {3}, targets[] = {7}, cls[2] = {class_of(router, 0, 0, 0), class_of(router, 1, 0, 0)};
    gr_real kept[2][2][80];
    gr_run *run;
    gr_error err = {0};
    gr_test_ok(gr_run_new(&run, model, gr_router_tables(router), &(gr_run_def){.positions = 1, .train = true}, &err),
               &err);
    for (int i = 0; i < 2; i++) {
        gr_run_zero(run);
        gr_run_forward(run,
                       &(gr_batch){.positions = 1, .ids = ids, .targets = targets, .cls = &cls[i], .denominator = 1});
        gr_run_backward(run);
        gr_run_reduce(run);
        memcpy(kept[i][0], gr_run_gradient(run, up), 32 * sizeof(gr_real));
        memcpy(kept[i][1], gr_run_gradient(run, down), 80 * sizeof(gr_real));
    }
    double core = rest ? 0 : 1, want[8] = {core, core, core, core, 0.5, 1.5, 0, 0};
    for (int i = 0; i < 32; i++) {
        assert_true(kept[0][0][i] != 0);
        assert_true(fabs((double)kept[1][0][i] - want[i / 4] * (double)kept[0][0][i]) <
                    1e-6 * fabs((double)kept[0][0][i]) + 1e-12);
    }
    assert_memory_equal(kept[0][1], kept[1][1], 80 * sizeof(gr_real));
    gr_run_free(run);
    gr_router_free(router);
    gr_routes_free(routes);
    gr_model_free(model);
}

static void test_activation(void **state) {
    (void)state;
    activation(true);
    activation(false);
}

/* Numbers in patterns of taps: which layers' streams a route weighs, from a column to the last. */
static void test_tap_patterns(void **state) {
    (void)state;
    gr_arch_def def = gr_arch_default();
    def.vocab = GR_TEST_VOCAB, def.context = 16, def.layers = 13, def.width = 8, def.heads = 2, def.mlp = 8;
    gr_model *model;
    gr_error err = {0};
    gr_test_ok(gr_arch_build(&model, &def, 3, &err), &err);
    static const struct {
        const char *pattern;
        int lo, hi; /* layers */
    } cases[] = {
        {"layers.{2..11}.stream", 2, 11}, {"layers.{10..99}.stream", 10, 12}, {"layers.1{0..2}.stream", 10, 12}};
    for (int i = 0; i < 3; i++) {
        gr_routes *routes = gr_routes_new(0, NULL);
        gr_routes_add(routes, GR_LABELS_ALL, GR_DRAW_SEQUENCE);
        gr_routes_option(routes, 1);
        gr_routes_tap(routes, GR_MODE_ACTIVATION, cases[i].pattern, 1, 0, 0);
        gr_router *router;
        gr_test_ok(gr_router_new(&router, model, routes, 1, &err), &err);
        gr_run *run, *plain;
        gr_test_ok(
            gr_run_new(&run, model, gr_router_tables(router), &(gr_run_def){.positions = 8, .train = true}, &err),
            &err);
        gr_test_ok(gr_run_new(&plain, model, NULL, &(gr_run_def){.positions = 8, .train = true}, &err), &err);
        gr_test_batch b = gr_test_batch_new(8, GR_TEST_VOCAB, 5);
        gr_run *runs[] = {run, plain};
        for (int k = 0; k < 2; k++) {
            gr_run_zero(runs[k]);
            gr_run_forward(runs[k], &b.batch);
            gr_run_backward(runs[k]);
            gr_run_reduce(runs[k]);
        }
        for (int layer = 0; layer < 13; layer++) { /* the last that is masked and all below feel it, all above do not */
            char name[40];
            snprintf(name, sizeof name, "layers.%d.mlp.down", layer);
            gr_param p = gr_model_find(model, name);
            double distance = gr_test_distance(gr_run_gradient(run, p), gr_run_gradient(plain, p), 64);
            assert_true(layer <= cases[i].hi ? distance > 1e-2 : distance == 0);
            double rest = 0; /* what a masked layer wrote learns through column 0 alone */
            for (int n = 0; n < 64 && layer == cases[i].hi; n++)
                rest += n % 8 ? fabs((double)gr_run_gradient(run, p)[n]) : 0;
            assert_true(rest == 0);
        }
        gr_test_batch_free(&b);
        gr_run_free(run);
        gr_run_free(plain);
        gr_router_free(router);
        gr_routes_free(routes);
    }
    gr_model_free(model);
}

static void test_equal_classes_merge(void **state) {
    (void)state;
    gr_model *model = small_model();
    gr_routes *routes = gr_routes_new(2, both);
    gr_routes_add(routes, GR_LABELS_ALL, GR_DRAW_TOKEN);
    gr_routes_option(routes, 0.5);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_ALL, NULL, 1); /* says nothing */
    gr_routes_option(routes, 0.25);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_ALL, NULL, 0);
    gr_routes_option(routes, 0);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_ALL, NULL, 5); /* is never drawn */
    gr_routes_add(routes, GR_LABELS_CORE, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_open(routes, 1, bio);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 1);
    gr_router *router = router_of(model, routes);
    assert_int_equal(gr_router_classes(router), 2);
    double open = gr_router_chance(router, 0, 0);
    assert_true(fabs(open - 0.75) < 1e-12 && fabs(gr_router_chance(router, 0, 1) - 0.25) < 1e-12);
    gr_router_free(router);
    gr_routes_free(routes);
    routes = gr_routes_new(0, NULL); /* no routes at all: one plain class */
    router = router_of(model, routes);
    assert_int_equal(gr_router_classes(router), 1);
    assert_int_equal(class_of(router, -1, 5, 5), 0);
    gr_router_free(router);
    gr_routes_free(routes);
    gr_model_free(model);
}

/* ---- mistakes ---- */

static void refused(void (*build)(gr_routes *routes), const char *message) {
    gr_model *model = small_model();
    gr_routes *routes = gr_routes_new(1, bio);
    gr_router *router;
    gr_error err = {0};
    build(routes);
    assert_int_equal(gr_router_new(&router, model, routes, 1, &err), GR_ERR_USAGE);
    assert_null(router);
    if (!strstr(err.message, message))
        fail_msg("expected '%s', got '%s'", message, err.message);
    gr_findings findings = {0};
    gr_route_check(&findings, model, routes, NULL);
    assert_true(gr_findings_count(&findings, GR_LEVEL_ERROR) >= 1);
    gr_findings_free(&findings);
    gr_routes_free(routes);
    gr_model_free(model);
}

static void bad_region(gr_routes *r) { one(r, GR_MODE_PARAMETER, GR_SCOPE_REGION, "bia", 0); }
static void bad_tap(gr_routes *r) { one(r, GR_MODE_FORWARD, GR_SCOPE_TAP, "hiden", 0); }
static void bad_tap_mode(gr_routes *r) { one(r, GR_MODE_PARAMETER, GR_SCOPE_TAP, "hidden", 0); }
static void bad_kind_mode(gr_routes *r) { one(r, GR_MODE_FORWARD, GR_SCOPE_NORMS, NULL, 0); }
static void bad_rest(gr_routes *r) { one(r, GR_MODE_ACTIVATION, GR_SCOPE_REST, NULL, 0); }
static void bad_weight(gr_routes *r) { one(r, GR_MODE_PARAMETER, GR_SCOPE_ALL, NULL, NAN); }
static void bad_chances(gr_routes *r) {
    one(r, GR_MODE_PARAMETER, GR_SCOPE_ALL, NULL, 0);
    gr_routes_option(r, 0.2);
}
static void bad_chance(gr_routes *r) {
    one(r, GR_MODE_PARAMETER, GR_SCOPE_ALL, NULL, 0);
    r->route[0].option[0].chance = -0.1;
}
static void bad_columns(gr_routes *r) {
    one(r, GR_MODE_FORWARD, GR_SCOPE_REGION, "bio", 0);
    gr_routes_tap(r, GR_MODE_FORWARD, "hidden", 4, 9, 0);
}
static void bad_repeat(gr_routes *r) {
    one(r, GR_MODE_FORWARD, GR_SCOPE_REGION, "bio", 0);
    r->route[0].repeat = true;
    r->route[0].draw = GR_DRAW_TOKEN;
}
static void bad_label(gr_routes *r) {
    one(r, GR_MODE_FORWARD, GR_SCOPE_REGION, "bio", 0);
    r->route[0].labels = gr_label_bit(2);
}
static void bad_many(gr_routes *r) {
    for (int i = 0; i < 13; i++) {
        one(r, GR_MODE_PARAMETER, GR_SCOPE_REGION, "bio", 1 + i);
        r->route[i].option[0].chance = 0.5;
    }
}
static void bad_classes(gr_routes *r) {
    for (int i = 0; i < 9; i++) {
        one(r, GR_MODE_PARAMETER, GR_SCOPE_REGION, "bio", (1 << i) + 0.7 * i + 1);
        r->route[i].option[0].chance = 0.5;
    }
}

static void test_refused(void **state) {
    (void)state;
    refused(bad_region, "'bia'");
    refused(bad_tap, "hiden");
    refused(bad_tap_mode, "parameter");
    refused(bad_kind_mode, "norms");
    refused(bad_rest, "rest");
    refused(bad_weight, "finite");
    refused(bad_chances, "1.2");
    refused(bad_chance, "-0.1");
    refused(bad_columns, "8 columns");
    refused(bad_repeat, "token");
    refused(bad_label, "no label");
    refused(bad_many, "4096");
    refused(bad_classes, "256");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_and_rest),
        cmocka_unit_test(test_forward_and_others),
        cmocka_unit_test(test_without_closes_what_has_no_gate),
        cmocka_unit_test(test_others_where_regions_overlap),
        cmocka_unit_test(test_activation),
        cmocka_unit_test(test_equal_classes_merge),
        cmocka_unit_test(test_tap_patterns),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
