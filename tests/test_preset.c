/* Presets against routes by hand, and routes printed and read back. */
#include "route_helpers.h"

/* ---- presets ---- */

static void test_sgtm(void **state) {
    (void)state;
    gr_model *model = arch_model();
    gr_routes *routes = preset_routes("sgtm", 0.25, 0, 1u << GR_KIND_NORM);
    gr_router *router = router_of(model, routes);
    int plain = class_of(router, -1, 0, 0), b = class_of(router, 1, 0, 0), c = class_of(router, 2, 0, 0);
    assert_int_equal(gr_router_classes(router), 4);
    assert_true(gr_router_forward(router, 0, c) == 1 && gr_router_forward(router, 1, b) == 1); /* all on */
    assert_true(weight_at(router, model, "bio.embed", 0, 0, b) == 1 && weight_at(router, model, "embed", 0, 0, b) == 0);
    assert_true(weight_at(router, model, "layers.0.mlp.norm", 0, 0, b) == 1);
    assert_true(weight_at(router, model, "layers.1.mlp.up", 31, 0, c) == 0);
    assert_true(weight_at(router, model, "layers.1.mlp.up", 32, 0, c) == 1);
    assert_true(weight_at(router, model, "layers.1.mlp.up", 32, 0, b) == 0);
    assert_true(fabs(gr_router_chance(router, 0, plain) - 0.75) < 1e-12);
    for (int k = 0; k < gr_router_classes(router); k++)
        if (k != plain && gr_router_chance(router, 0, k) > 0) {
            assert_true(gr_router_forward(router, 0, k) == 0 && gr_router_forward(router, 1, k) == 0);
            assert_true(weight_at(router, model, "bio.embed", 0, 0, k) == 0);
            assert_true(weight_at(router, model, "embed", 0, 0, k) == 1);
        }
    gr_router_free(router);
    gr_routes_free(routes);
    gr_model_free(model);
}

/* What the published code of sgtm leaves joint has a name: the bias of the logits, the final norm, whole layers. */
static void test_joint_names(void **state) {
    (void)state;
    static const char *const joint[] = {"unembed.bias", "norm*", "layers.{1..1}.*"}, *const none[] = {"unembed.bia"};
    gr_arch_region region = {.name = "bio", .mlp.add = 8, .layers = (const int[]){0}, .layer_count = 1};
    gr_arch_def def = gr_arch_default();
    def.vocab = GR_TEST_VOCAB, def.context = 16, def.layers = 2, def.width = 16, def.heads = 2, def.mlp = 32;
    def.norm = GR_NORM_LAYER, def.logit_bias = def.bias = true;
    def.regions = &region, def.region_count = 1;
    gr_model *model;
    gr_error err = {0};
    gr_test_ok(gr_arch_build(&model, &def, 3, &err), &err);

    gr_routes *routes = gr_routes_new(1, bio);
    gr_preset_def how = gr_preset_default(gr_preset_find("sgtm"));
    how.joint = 1u << GR_KIND_EMBEDDING, how.joint_name = joint, how.joint_names = 3;
    gr_test_ok(gr_preset_expand(routes, gr_preset_find("sgtm"), &how, &err), &err);
    gr_router *router = router_of(model, routes);
    int b = class_of(router, 1, 0, 0);
    static const char *const open[] = {"embed",
                                       "unembed.bias",
                                       "norm",
                                       "norm.shift",
                                       "layers.1.mlp.up",
                                       "layers.1.attn.norm",
                                       "layers.1.mlp.down.bias"},
                             *const closed[] = {"layers.0.mlp.up", "layers.0.attn.norm", "layers.0.mlp.down.bias",
                                                "layers.0.attn.qkv"};
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        if (weight_at(router, model, open[i], 0, 0, b) != 1)
            fail_msg("%s is closed", open[i]);
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        if (weight_at(router, model, closed[i], 0, 0, b) != 0)
            fail_msg("%s is joint", closed[i]);
    assert_true(weight_at(router, model, "layers.0.mlp.up", 32, 0, b) == 1);
    gr_router_free(router);

    gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_joint(routes, none[0]);
    assert_int_equal(gr_router_new(&router, model, routes, 1, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "'unembed.bia'"));
    gr_routes_free(routes);
    gr_model_free(model);
}

static void test_gram(void **state) {
    (void)state;
    gr_model *model = arch_model();
    gr_routes *routes = preset_routes("gram", 0.3, 0.2, 0);
    gr_router *router = router_of(model, routes);
    double closed = 0, none = 0, with[2] = {0};
    for (int k = 0; k < gr_router_classes(router); k++) {
        double of_bio = gr_router_chance(router, 1, k), of_core = gr_router_chance(router, 0, k);
        bool on[] = {gr_router_forward(router, 0, k) == 1, gr_router_forward(router, 1, k) == 1};
        if (of_bio > 0) {
            assert_true(on[0] && !on[1] && weight_at(router, model, "bio.embed", 0, 0, k) == 1);
            closed += weight_at(router, model, "embed", 0, 0, k) == 0 ? of_bio : 0;
        }
        if (of_core > 0) {
            assert_true(weight_at(router, model, "embed", 0, 0, k) == 1 && !(on[0] && on[1]));
            none += !on[0] && !on[1] ? of_core : 0;
            with[0] += on[0] ? of_core : 0;
            with[1] += on[1] ? of_core : 0;
        }
    }
    assert_true(fabs(closed - 0.7) < 1e-12 && fabs(none - 0.8) < 1e-12);
    assert_true(fabs(with[0] - 0.1) < 1e-12 && fabs(with[1] - 0.1) < 1e-12);
    int plain = class_of(router, -1, 0, 0);
    assert_true(gr_router_forward(router, 0, plain) == 1 && gr_router_forward(router, 1, plain) == 1);
    gr_router_free(router);
    gr_routes_free(routes);
    gr_model_free(model);
}

/* How likely rows of a label run with bio and with chem: [bio][chem]. */
static void on_together(double on[2][2], const gr_router *router, int label) {
    memset(on, 0, 4 * sizeof on[0][0]);
    for (int k = 0; k < gr_router_classes(router); k++)
        on[gr_router_forward(router, 0, k) == 1][gr_router_forward(router, 1, k) == 1] +=
            gr_router_chance(router, label, k);
}

static void assert_on(const gr_router *router, int label, double none, double chem_alone, double bio_alone,
                      double both_on) {
    double on[2][2];
    on_together(on, router, label);
    if (fabs(on[0][0] - none) > 1e-12 || fabs(on[0][1] - chem_alone) > 1e-12 || fabs(on[1][0] - bio_alone) > 1e-12 ||
        fabs(on[1][1] - both_on) > 1e-12)
        fail_msg("label %d: %g %g %g %g", label, on[0][0], on[0][1], on[1][0], on[1][1]);
}

/* Modules together: each by its chance in what p_cr draws, others beside a label's own, which learn nothing there. */
static void test_subsets(void **state) {
    (void)state;
    static const char *const names[] = {"gram", "residual"};
    gr_model *model = arch_model();
    for (int i = 0; i < 2; i++) {
        const gr_preset *preset = gr_preset_find(names[i]);
        gr_preset_def def = gr_preset_default(preset);
        gr_error err = {0};
        bool gram = i == 0;
        def.value[gram ? 1 : 0] = 0.5; /* p_cr */
        def.value[gram ? 0 : 1] = 0;   /* p_as, p_repeat */
        def.value[2] = 0.4, def.value[3] = 0.25;
        gr_routes *routes = gr_routes_new(2, both);
        gr_test_ok(gr_preset_expand(routes, preset, &def, &err), &err);
        gr_router *router = router_of(model, routes);
        assert_on(router, 0, 0.5 + 0.5 * 0.36, 0.5 * 0.24, 0.5 * 0.24, 0.5 * 0.16);
        assert_on(router, 1, 0, 0, 0.75, 0.25);
        assert_on(router, 2, 0, 0.75, 0, 0.25);

        /* Rows of a label train their own module alone, whatever is on; core rows what is on. */
        for (int k = 0; k < gr_router_classes(router); k++) {
            bool on = gr_router_forward(router, 1, k) == 1;
            if (gr_router_chance(router, 1, k) > 0) {
                assert_true(weight_at(router, model, "bio.embed", 0, 0, k) == 1);
                assert_true(weight_at(router, model, "layers.1.mlp.up", 32, 0, k) == 0);
                assert_true(weight_at(router, model, "embed", 0, 0, k) == 0);
            }
            if (gr_router_chance(router, 0, k) > 0) {
                assert_true(weight_at(router, model, "layers.1.mlp.up", 32, 0, k) == on);
                assert_true(weight_at(router, model, "embed", 0, 0, k) == 1);
            }
        }
        gr_router_free(router);
        gr_routes_free(routes);
    }

    /* Where a labelled row trains the core (p_as), what is on beside its module still learns nothing. */
    gr_preset_def def = gr_preset_default(gr_preset_find("gram"));
    gr_error err = {0};
    gr_routes *routes = gr_routes_new(2, both);
    def.value[0] = 1, def.value[3] = 1;
    gr_test_ok(gr_preset_expand(routes, gr_preset_find("gram"), &def, &err), &err);
    gr_router *router = router_of(model, routes);
    int b = class_of(router, 1, 0, 0);
    assert_true(gr_router_forward(router, 0, b) == 1 && gr_router_forward(router, 1, b) == 1);
    assert_true(weight_at(router, model, "embed", 0, 0, b) == 1);
    assert_true(weight_at(router, model, "layers.1.mlp.up", 32, 0, b) == 0);
    gr_router_free(router);
    gr_routes_free(routes);
    gr_model_free(model);
}

/* One module, each with chance 1, is one drawn at random; each with chance 0 is none. */
static void test_subsets_of_one(void **state) {
    (void)state;
    gr_model *model = arch_model();
    static const double chance[] = {-1, 1, 0};
    gr_router *router[3];
    for (int i = 0; i < 3; i++) {
        gr_routes *routes = gr_routes_new(1, bio);
        gr_preset_def def = gr_preset_default(gr_preset_find("gram"));
        gr_error err = {0};
        def.value[2] = chance[i];
        gr_test_ok(gr_preset_expand(routes, gr_preset_find("gram"), &def, &err), &err);
        router[i] = router_of(model, routes);
        gr_routes_free(routes);
    }
    for (int64_t step = 0; step < 200; step++) {
        int a = class_of(router[0], 0, 3, step), b = class_of(router[1], 0, 3, step),
            c = class_of(router[2], 0, 3, step);
        assert_true(gr_router_forward(router[0], 0, a) == gr_router_forward(router[1], 0, b));
        assert_true(gr_router_forward(router[2], 0, c) == 0);
    }
    for (int i = 0; i < 3; i++)
        gr_router_free(router[i]);
    gr_model_free(model);
}

/* Labelled rows of the residual preset leave every core gradient at 0, and core rows every gradient of the group. */
static void test_residual(void **state) {
    (void)state;
    gr_model *model = arch_model();
    gr_routes *routes = preset_routes("residual", 0, 0.5, 0);
    gr_router *router = router_of(model, routes);
    assert_int_equal(gr_router_copies(router), 1);
    assert_int_equal(class_of(router, 0, 1, 2), class_of(router, -1, 3, 4));
    gr_test_batch b = gr_test_batch_new(24, GR_TEST_VOCAB, 5);
    gr_run *run;
    gr_error err = {0};
    gr_test_ok(gr_run_new(&run, model, gr_router_tables(router), &(gr_run_def){.positions = 24, .train = true}, &err),
               &err);
    for (int label = 0; label <= 1; label++) {
        for (int n = 0; n < 24; n++)
            b.cls[n] = class_of(router, label, 0, 0);
        b.batch.cls = b.cls;
        gr_run_zero(run);
        gr_run_forward(run, &b.batch);
        gr_run_backward(run);
        gr_run_reduce(run);
        for (int p = 0; p < gr_model_params(model); p++) {
            const gr_param_def *def = gr_model_param(model, p);
            const gr_real *gradient = gr_run_gradient(run, p);
            bool group = strncmp(def->name, "bio.", 4) == 0;
            double norm = 0;
            for (size_t i = 0; i < (size_t)def->rows * (size_t)def->cols; i++)
                norm += fabs((double)gradient[i]);
            if (group != (label == 1) && norm != 0)
                fail_msg("label %d moves %s", label, def->name);
            if (group == (label == 1) && norm == 0)
                fail_msg("label %d does not move %s", label, def->name);
        }
    }
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_router_free(router);
    gr_routes_free(routes);
    gr_model_free(model);
}

/* Gradients of labelled and unlabelled rows under era: at the region's units plain, at the others' of the same
 * taps 1 - 1.75 score, at taps without the region plain. */
static void test_era(void **state) {
    (void)state;
    gr_model *model = arch_model();
    gr_routes *routes = gr_routes_new(1, (const char *[]){"biology"});
    const gr_preset *preset = gr_preset_find("era");
    const char *const chem_alone[] = {"chem", NULL}, *const *const region[] = {chem_alone};
    gr_preset_def def = gr_preset_default(preset);
    gr_error err = {0};
    def.region = region;
    gr_test_ok(gr_preset_expand(routes, preset, &def, &err), &err);
    assert_int_equal(routes->count, 1);
    const gr_frequency *f = &routes->route[0].frequency;
    assert_true(routes->route[0].mix && f->on && f->bias == 4 && f->forget == 1 && f->retain == 20);
    gr_router *router = router_of(model, routes);
    int biology = class_of(router, 1, 0, 0), plain = class_of(router, -1, 0, 0);
    assert_int_equal(class_of(router, 0, 0, 0), plain);
    enum { SHOWN = 12, UNITS = 40 }; /* 32 neurons and chem's 8 */
    gr_test_batch b = gr_test_batch_new(SHOWN, GR_TEST_VOCAB, 5);
    gr_run *run;
    gr_test_ok(
        gr_run_new(&run, model, gr_router_tables(router), &(gr_run_def){.positions = SHOWN, .train = true}, &err),
        &err);
    gr_param up = gr_model_find(model, "layers.1.mlp.up"), group = gr_model_find(model, "bio.layers.1.mlp.up");
    gr_real kept[3][UNITS * 16], own[3][8 * 24];
    static const double score[] = {0, 0.4, 1};
    b.batch.cls = b.cls, b.batch.mix = b.mix;
    for (int i = 0; i < 3; i++) {
        for (int n = 0; n < SHOWN;
             n++) /* the last layer: what its units learn from one row does not meet that of others */
            b.cls[n] = i ? biology : plain, b.mix[n] = (gr_real)score[i];
        gr_run_zero(run);
        gr_run_forward(run, &b.batch);
        gr_run_backward(run);
        gr_run_reduce(run);
        memcpy(kept[i], gr_run_gradient(run, up), sizeof kept[i]);
        memcpy(own[i], gr_run_gradient(run, group), sizeof own[i]);
    }
    for (int i = 1; i < 3; i++) {
        for (int j = 0; j < UNITS * 16; j++) {
            double want = (j / 16 < 32 ? 1 - 1.75 * score[i] : 1) * (double)kept[0][j];
            assert_true(fabs((double)kept[i][j] - want) < 1e-5 * fabs(want) + 1e-8);
        }
        assert_true(gr_test_distance(own[i], own[0], 8 * 24) < 1e-5);
    }
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_router_free(router);
    gr_routes_free(routes);
    gr_model_free(model);
}

static void test_preset_values(void **state) {
    (void)state;
    gr_routes *routes = gr_routes_new(1, bio);
    for (int i = 0; i < gr_presets(); i++) {
        gr_preset_def def = gr_preset_default(gr_preset_at(i));
        gr_error err = {0};
        gr_test_ok(gr_preset_expand(routes, gr_preset_at(i), &def, &err), &err);
        def.value[0] = 1.5;
        assert_int_equal(gr_preset_expand(routes, gr_preset_at(i), &def, &err), GR_ERR_USAGE);
        assert_string_equal(err.place, gr_preset_at(i)->name);
    }
    assert_null(gr_preset_find("nothing"));
    gr_routes_free(routes);
}

static void test_print(void **state) {
    (void)state;
    gr_routes *routes = gr_routes_new(2, (const char *[]){"bio", "no"});
    char *text;
    size_t size;
    gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_open(routes, 1, bio);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0);
    routes->route[0].option[0].joint = 1u << GR_KIND_EMBEDDING | 1u << GR_KIND_OUT_BIAS;
    gr_routes_joint(routes, "layers.{1..2}.*");
    gr_routes_add(routes, GR_LABELS_CORE | gr_label_bit(2), GR_DRAW_TOKEN);
    gr_routes_one_of(routes, 0.1, 2, both);
    gr_routes_add(routes, GR_LABELS_ALL, GR_DRAW_STEP);
    gr_routes_option(routes, 1.0 / 3);
    gr_routes_tap(routes, GR_MODE_ACTIVATION, "h*", 0, 4, -5e-8);
    gr_routes_tap(routes, GR_MODE_ACTIVATION, "h{1..2}", 3, 0, 0);
    gr_routes_add(routes, GR_LABELS_CORE, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_move(routes, 0.25);
    gr_routes_without(routes, 1, bio);
    routes->route[2].from = 5, routes->route[2].until = 70;
    FILE *out = open_memstream(&text, &size);
    gr_route_print(routes, out, 2);
    fclose(out);
    assert_string_equal(
        text, "  - {label: bio, parameter: {bio: 1, rest: 0}, joint: [embeddings, out_biases, \"layers.{1..2}.*\"]}\n"
              "  - {label: [core, \"no\"], draw: token,\n"
              "     options: [{chance: 0.05, forward: {bio: 1, chem: 0}},\n"
              "               {chance: 0.05, forward: {bio: 0, chem: 1}}]}\n"
              "  - {label: any, draw: step, from: 5, until: 70, chance: 0.3333333333333333, activation: "
              "{\"tap:h*[0:4]\": -5e-08, "
              "\"tap:h{1..2}[3:]\": 0}}\n"
              "  - {label: core, chance: {from: 1, to: 0.25}, forward: {bio: 0}}\n");
    free(text);
    gr_routes_free(routes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joint_names), cmocka_unit_test(test_sgtm),           cmocka_unit_test(test_gram),
        cmocka_unit_test(test_subsets),     cmocka_unit_test(test_subsets_of_one), cmocka_unit_test(test_era),
        cmocka_unit_test(test_residual),    cmocka_unit_test(test_preset_values),  cmocka_unit_test(test_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
