/* What the linter of routes finds. */
#include "route_helpers.h"

/* ---- linter ---- */

static void expect(const gr_findings *findings, gr_level level, const char *text) {
    for (int i = 0; i < findings->count; i++)
        if (findings->finding[i].level == level && strstr(findings->finding[i].text, text))
            return;
    for (int i = 0; i < findings->count; i++)
        print_error("%s: %s\n", gr_level_name(findings->finding[i].level), findings->finding[i].text);
    fail_msg("no %s says '%s'", gr_level_name(level), text);
}

/* Regions are on for every row of era, and one of this model's shares no layer with the core. */
static bool expected_of(const gr_preset *preset, const char *text) {
    return !strcmp(preset->name, "era") && (strstr(text, "is on for every core") || strstr(text, "share no tap"));
}

static void test_presets_are_clean(void **state) {
    (void)state;
    gr_model *model = arch_model();
    for (int i = 0; i < gr_presets(); i++) {
        const gr_preset *preset = gr_preset_at(i);
        gr_routes *routes = preset_routes(preset->name, preset->option[0].value, preset->option[1].value, 0);
        gr_findings findings = {0};
        gr_route_check(&findings, model, routes, (size_t[]){1000, 1000, 100, 1000});
        for (int f = 0; f < findings.count; f++)
            if (findings.finding[f].level > GR_LEVEL_NOTE && !expected_of(preset, findings.finding[f].text))
                fail_msg("%s: %s", preset->name, findings.finding[f].text);
        gr_findings_free(&findings);
        gr_routes_free(routes);
    }
    gr_model_free(model);
}

static void test_lint_routes(void **state) {
    (void)state;
    gr_model *model = small_model();
    gr_routes *routes = gr_routes_new(2, both);
    gr_findings findings = {0};
    one(routes, GR_MODE_PARAMETER, GR_SCOPE_REGION, "bio", 1);
    one(routes, GR_MODE_PARAMETER, GR_SCOPE_REGION, "bio", 0);
    one(routes, GR_MODE_FORWARD, GR_SCOPE_REGION, "bio", 0);
    gr_routes_add(routes, GR_LABELS_CORE, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 0.8);
    gr_routes_open(routes, 1, chem);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, -0.75);
    gr_routes_add(routes, GR_LABELS_CORE, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 0.7);
    gr_routes_without(routes, 1, chem);
    gr_routes_open(routes, 1, chem);
    gr_route_check(&findings, model, routes, (size_t[]){0, 100, 10, 0});
    expect(&findings, GR_LEVEL_ERROR, "routes 1 and 2 contradict");
    expect(&findings, GR_LEVEL_ERROR, "routes 1 and 3 contradict");
    expect(&findings, GR_LEVEL_WARNING, "routes 4 and 5 contradict");
    expect(&findings, GR_LEVEL_WARNING, "chances 0.8 and 0.7");
    expect(&findings, GR_LEVEL_ERROR, "route 5 opens region 'chem' and runs without it");
    expect(&findings, GR_LEVEL_WARNING, "ascent");
    expect(&findings, GR_LEVEL_NOTE, "'chem' never occurs"); /* no route has need of it */
    expect(&findings, GR_LEVEL_WARNING, "only 10 documents");
    expect(&findings, GR_LEVEL_ERROR, "region 'bio' is never opened");
    gr_findings_free(&findings);

    /* A route of its own waits for it in vain; one that another label reaches too does not. */
    const size_t seen[] = {0, 100, 10, 0};
    assert_int_equal(gr_routes_unreached(routes, seen), -1);
    gr_routes_add(routes, gr_label_bit(1) | gr_label_bit(2), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_open(routes, 1, chem);
    assert_int_equal(gr_routes_unreached(routes, seen), -1);
    gr_routes_add(routes, gr_label_bit(2), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_open(routes, 1, chem);
    assert_int_equal(gr_routes_unreached(routes, seen), routes->count - 1);
    gr_route_check(&findings, model, routes, seen);
    expect(&findings, GR_LEVEL_ERROR, "'chem' never occurs");
    gr_findings_free(&findings);
    gr_routes_free(routes);
    gr_model_free(model);
}

/* Claims that overlap, and a region that has nothing to switch off. */
static void test_lint_regions(void **state) {
    (void)state;
    gr_model *model = small_model_with(true), *apart = small_model();
    gr_routes *routes = gr_routes_new(2, both);
    gr_findings findings = {0}, none = {0};
    one(routes, GR_MODE_FORWARD, GR_SCOPE_REGION, "bio", 0);
    gr_route_check(&none, apart, routes, NULL);
    for (int i = 0; i < none.count; i++)
        assert_null(strstr(none.finding[i].text, "share"));

    gr_routes_add(routes, GR_LABELS_CORE, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_only(routes, 1, bio);
    gr_route_check(&findings, model, routes, NULL);
    expect(&findings, GR_LEVEL_WARNING, "regions 'bio' and 'chem' share 15 numbers, the first in 'up'");
    expect(&findings, GR_LEVEL_NOTE, "route 2 runs without region 'out', which has no units");
    gr_findings_free(&findings);
    gr_findings_free(&none);
    gr_routes_free(routes);
    gr_model_free(model);
    gr_model_free(apart);
}

static void test_lint_classes(void **state) {
    (void)state;
    gr_model *model = small_model();
    gr_routes *routes = gr_routes_new(2, both);
    gr_findings findings = {0};
    gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_ALL, NULL, 0);
    gr_route_check(&findings, model, routes, NULL);
    expect(&findings, GR_LEVEL_ERROR, "nothing is open for bio rows");
    expect(&findings, GR_LEVEL_WARNING, "region 'bio' is on for every core");
    expect(&findings, GR_LEVEL_WARNING, "no route matches label 'chem'");
    gr_findings_free(&findings);
    gr_routes_free(routes);

    /* Second showings that teach nothing are so often drawn, however the first ones are. */
    routes = gr_routes_new(2, both);
    gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 0.25);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_ALL, NULL, 0);
    routes->route[0].repeat = true;
    gr_route_check(&findings, model, routes, NULL);
    expect(&findings, GR_LEVEL_ERROR, "nothing is open for bio rows (0.25 of them)");
    gr_findings_free(&findings);
    gr_routes_free(routes);

    routes = gr_routes_new(2, both);
    gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_effect(routes, GR_MODE_ACTIVATION, GR_SCOPE_REGION, "chem", 0);
    gr_routes_add(routes, gr_label_bit(2), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_open(routes, 1, chem);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0);
    gr_routes_add(routes, gr_label_bit(2), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_open(routes, 1, chem);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0);
    routes->route[2].option[0].joint = 1u << GR_KIND_EMBEDDING;
    gr_route_check(&findings, model, routes, NULL);
    expect(&findings, GR_LEVEL_NOTE, "route 1 blocks gradients at a value");
    expect(&findings, GR_LEVEL_NOTE, "route 2 closes the embeddings");
    expect(&findings, GR_LEVEL_NOTE, "route 3 leaves the embeddings joint");
    gr_findings_free(&findings);
    gr_routes_free(routes);
    gr_model_free(model);
}

/* Steps and second showings: a label known through second showings alone, more than one of them, routes that never meet
 * do not contradict. */
/* Numbers that every route closes for every row that there is; a core that is closed as a whole may be meant. */
static void test_lint_open(void **state) {
    (void)state;
    gr_model *model = small_model();
    gr_routes *routes = gr_routes_new(2, both);
    gr_findings findings = {0};

    /* bio rows train it without its biases; core rows everything but the embedding and the norms, which there are not.
     */
    gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_open(routes, 1, bio);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0);
    gr_routes_add(routes, GR_LABELS_CORE, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_without(routes, 1, bio);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_EMBEDDINGS, NULL, 0);
    gr_route_check(&findings, model, routes, (size_t[]){0, 100, 100, 0});
    expect(&findings, GR_LEVEL_WARNING,
           "no row ever opens 40 of the 110 numbers outside of the regions, the first in 'embed'");
    gr_findings_free(&findings);

    /* Unlabelled rows train everything: once there are some, nothing stays closed. */
    gr_route_check(&findings, model, routes, (size_t[]){9, 100, 100, 0});
    for (int i = 0; i < findings.count; i++)
        assert_null(strstr(findings.finding[i].text, "no row"));
    gr_findings_free(&findings);

    /* Only bio rows: the core stays as it is. */
    gr_route_check(&findings, model, routes, (size_t[]){0, 0, 100, 0});
    expect(&findings, GR_LEVEL_NOTE, "no row opens anything outside of the regions");
    gr_findings_free(&findings);
    gr_routes_free(routes);

    /* A chance that is 0 at the beginning and moves is one all the same. */
    routes = gr_routes_new(2, both);
    routes->steps = 100;
    gr_routes_add(routes, GR_LABELS_CORE, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 0);
    gr_routes_move(routes, 0.5);
    gr_routes_without(routes, 1, bio);
    gr_route_check(&findings, model, routes, (size_t[]){0, 100, 100, 0});
    for (int i = 0; i < findings.count; i++)
        assert_null(strstr(findings.finding[i].text, "region 'bio' is on for every core"));
    gr_findings_free(&findings);
    gr_routes_free(routes);

    /* A part of a region. */
    routes = gr_routes_new(2, both);
    one(routes, GR_MODE_PARAMETER, GR_SCOPE_REGION, "chem", 0);
    gr_model_free(model);
    model = small_model_with(true);
    gr_route_check(&findings, model, routes, NULL);
    expect(&findings, GR_LEVEL_WARNING, "no row ever opens 15 of the 30 numbers of region 'bio', the first in 'up'");
    gr_findings_free(&findings);
    gr_routes_free(routes);
    gr_model_free(model);
}

static void test_lint_steps(void **state) {
    (void)state;
    gr_model *model = small_model();
    gr_routes *routes = gr_routes_new(1, bio);
    gr_findings findings = {0};
    for (int r = 0; r < 4; r++) {
        gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);
        gr_routes_option(routes, r < 2 ? 1 : 0.75);
        if (r != 1)
            gr_routes_open(routes, 1, bio);
        gr_routes_effect(routes, GR_MODE_PARAMETER, r == 1 ? GR_SCOPE_ALL : GR_SCOPE_REST, NULL, 0);
        routes->route[r].repeat = r >= 2;
    }
    routes->route[0].from = 10, routes->route[0].until = 20;
    routes->route[1].from = 20, routes->route[1].until = 30;
    gr_route_check(&findings, model, routes, NULL);
    for (int i = 0; i < findings.count; i++)
        assert_null(strstr(findings.finding[i].text, "contradict"));
    expect(&findings, GR_LEVEL_WARNING, "from step 0 on only second showings match label 'bio'");
    expect(&findings, GR_LEVEL_WARNING, "from step 30 on only second showings match label 'bio'");
    expect(&findings, GR_LEVEL_NOTE, "bio rows are shown again 1.5 times");
    gr_findings_free(&findings);
    routes->route[1].from = 19; /* now they meet for a step */
    gr_route_check(&findings, model, routes, NULL);
    expect(&findings, GR_LEVEL_ERROR, "routes 1 and 2 contradict");
    gr_findings_free(&findings);
    gr_routes_free(routes);
    gr_model_free(model);
}

static void test_lint_size(void **state) {
    (void)state;
    gr_arch_region regions[] = {{.name = "bio", .residual.add = 8, .mlp.add = 80}, {.name = "chem", .mlp.add = 40}};
    gr_arch_def def = gr_arch_default();
    def.vocab = GR_TEST_VOCAB, def.context = 16, def.layers = 1, def.width = 16, def.heads = 2, def.mlp = 32;
    def.regions = regions, def.region_count = 2;
    gr_model *model;
    gr_error err = {0};
    gr_test_ok(gr_arch_build(&model, &def, 3, &err), &err);
    gr_routes *routes = preset_routes("residual", 0.1, 0, 0);
    gr_findings findings = {0};
    gr_route_check(&findings, model, routes, NULL);
    expect(&findings, GR_LEVEL_WARNING, "region 'bio' takes");
    expect(&findings, GR_LEVEL_WARNING, "region 'chem' takes 56 %");
    gr_findings_free(&findings);
    gr_routes_free(routes);
    gr_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_presets_are_clean), cmocka_unit_test(test_lint_routes),
        cmocka_unit_test(test_lint_regions),      cmocka_unit_test(test_lint_classes),
        cmocka_unit_test(test_lint_size),         cmocka_unit_test(test_lint_open),
        cmocka_unit_test(test_lint_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
