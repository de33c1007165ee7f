/* Routes over the steps of a run in recipes: shares of it, regions that are on by a chance each, chances that move. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/recipe.h"
#include "support.h"

/* 1001 steps, so that a half of them is none. */
static const char format[] = "data: {jsonl: c.jsonl, context: 64}\n"
                             "labels: {biology: {is: [animal]}, food: {is: [food]}}\n"
                             "model: {arch: llama, layers: 2, width: 48, heads: 4, mlp: 96}\n"
                             "regions: {biology: {mlp: {add: 8}}, kitchen: {mlp: {add: 8}}}\n"
                             "train: {steps: 1001}\n"
                             "routes:\n%s";

static gr_status parse(gr_recipe **recipe, const char *routes, gr_error *err) {
    char *text = gr_format(format, routes);
    gr_status status = gr_recipe_parse(recipe, text, strlen(text), "r.yaml", NULL, 0, err);
    gr_free(text);
    return status;
}

static void refused(const char *route, const char *message, const char *hint) {
    gr_recipe *recipe;
    gr_error err = {0};
    assert_int_equal(parse(&recipe, route, &err), GR_ERR_USAGE);
    if (!strstr(err.message, message) || !strstr(err.hint, hint) || strncmp(err.place, "r.yaml:7:", 9) != 0)
        fail_msg("%s: %s (%s)", err.place, err.message, err.hint);
}

static void read_and_resolved(void **state) {
    (void)state;
    gr_error err = {0};
    gr_recipe *r[2];
    char *text;
    gr_test_ok(parse(&r[0],
                     "  - {label: core, subset: 0.75, of: [kitchen], from: 50%, until: 99.9%}\n"
                     "  - {label: core, subset: 0.5, draw: step}\n"
                     "  - {label: unlabelled, chance: {from: 0.9, to: 0.3}, without: [kitchen]}\n"
                     "  - {label: unlabelled, chance: {from: 0, to: 0.5}, one_of: [kitchen, biology]}\n",
                     &err),
               &err);
    gr_test_ok(gr_recipe_text(r[0], &text, &err), &err);
    assert_non_null(strstr(text, "50%"));
    gr_test_ok(gr_recipe_parse(&r[1], text, strlen(text), "again", NULL, 0, &err), &err);
    gr_free(text);

    for (int i = 0; i < 2; i++) {
        const gr_route *route = r[i]->routes->route;
        assert_int_equal(r[i]->routes->count, 5);
        assert_int_equal(r[i]->routes->steps, 1001);
        assert_true(route[0].from == 501 && route[0].until == 1000); /* 500.5 and 999.999, rounded */
        assert_true(route[0].options == 1 && route[0].option[0].chance == 0.25 && route[0].option[0].effects == 1);
        for (int k = 0; k < 2; k++)
            assert_true(route[1 + k].option[0].chance == 0.5 && route[1 + k].from == 0 && route[1 + k].until == 0 &&
                        route[1 + k].draw == GR_DRAW_STEP &&
                        !strcmp(route[1 + k].option[0].effect[0].name, k ? "kitchen" : "biology"));
        assert_true(route[3].option[0].moves && route[3].option[0].chance == 0.9 && route[3].option[0].to == 0.3);
        assert_true(route[4].options == 2 && route[4].option[1].chance == 0 && route[4].option[1].to == 0.25);
        gr_recipe_free(r[i]);
    }
}

static void slips_are_refused(void **state) {
    (void)state;
    refused("  - {label: core, without: [kitchen], from: 101%}\n", "from is '101%'", "50% is half of the run");
    refused("  - {label: core, without: [kitchen], until: x%}\n", "until is 'x%'", "50% is half of the run");
    refused("  - {label: core, without: [kitchen], from: 50%, until: 50%}\n", "never", "until is the first");
    refused("  - {label: core, without: [kitchen], from: 5, until: 0%}\n", "never", "until is the first");
    refused("  - {label: core, subset: 0.5, repeat: true}\n", "subset with repeat", "another route");
    refused("  - {label: core, subset: 0.5, without: [kitchen]}\n", "unknown key 'without'", "");
    refused("  - {label: core, subset: 0.5, of: [kitchn]}\n", "'kitchn'", "kitchen");
    refused("  - {label: core, subset: 0.5, of: []}\n", "no regions to choose from", "");
    refused("  - {label: core, without: [kitchen], chance: {from: 0.8}}\n", "a beginning and an end", "to: 0.3");
    refused("  - {label: core, without: [kitchen], chance: {from: 0.8, to: 2}}\n", "from 0 to 1", "");
    refused("  - {label: core, options: [{chance: 0.8, without: [kitchen]}, {chance: {from: 0, to: 0.3}, without: "
            "[biology]}]}\n",
            "sum to 1.1", "");
}

/* The rate of a group over the run. */
static void rates_that_move(void **state) {
    (void)state;
    gr_error err = {0};
    gr_recipe *r;
    const char *set[] = {"train.groups=[{parameters: 'layers.*', lr: {from: 0.5, to: 0.1}}, {parameters: '*', lr: 2}]"};
    char *text = gr_format(format, " []\n");
    gr_test_ok(gr_recipe_parse(&r, text, strlen(text), "r.yaml", set, 1, &err), &err);
    const gr_optim_group *g = r->train.optim.group;
    assert_true(g[0].moves && g[0].lr == 0.5 && g[0].to == 0.1 && !g[1].moves && g[1].lr == 2);
    gr_recipe_free(r);
    set[0] = "train.groups=[{parameters: '*', lr: {to: 0.1}}]";
    assert_int_equal(gr_recipe_parse(&r, text, strlen(text), "r.yaml", set, 1, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "a beginning and an end"));
    gr_free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(read_and_resolved), cmocka_unit_test(slips_are_refused),
                                       cmocka_unit_test(rates_that_move)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
