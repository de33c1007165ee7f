/* Cells that an experiment wants: what a model does not read makes no further one. */
#include <stdio.h>
#include <string.h>

#include "lab/lab_state.h"
#include "lab_helpers.h"

static const char axis_of_routing[] =
    "experiment: routing\n"
    "arms: {routed: {train: {}}, free: {train: {routes: none}}, dropped: {train: {routes: none, without: revealed}}}\n"
    "axes: {routing: {few: {preset.p_cr: 0.05}, many: {preset.p_cr: 0.5}, sgtm: {preset: {name: sgtm}},\n"
    "                 said: {routes: [{label: core, parameter: {animals: 0.5}}]}}}\n";

/* Models of an arm, each counted once however many points want it. */
static int models(const gr_lab *lab, const char *arm) {
    int count = 0;
    for (int c = 0; c < lab->cells->cells; c++) {
        const gr__use *use = &lab->cells->use[lab->cells->cell[c].use];
        count += use->kind == GR_CELL_MODEL && strcmp(lab->experiment->arm[use->arm].name, arm) == 0;
    }
    return count;
}

static void models_without_routes_are_one_over_an_axis_of_routing(void **state) {
    (void)state;
    gr_error err = {0};
    gr_lab *lab;
    char base[300], file[300];
    lab_write_corpus("corpus.jsonl");
    snprintf(base, sizeof base, "%s", gr_test_write("recipe.yaml", lab_recipe, strlen(lab_recipe)));
    snprintf(file, sizeof file, "%s", gr_test_write("routing.yaml", axis_of_routing, strlen(axis_of_routing)));
    gr_lab_def def = {.experiment = file, .base = base, .folder = gr_test_path("routing"), .fresh = true};
    gr_test_ok(gr_lab_open(&lab, &def, NULL, &err), &err);
    assert_int_equal(models(lab, "routed"), 4);
    assert_int_equal(models(lab, "free"), 1);
    assert_int_equal(models(lab, "dropped"), 1);
    gr_lab_free(lab);
}

/* Scores that routes count of tokens are the routes' own: they are in no key of a model without routes. */
static void nor_are_scores_that_routes_count(void **state) {
    (void)state;
    static const char text[] = "experiment: counting\n"
                               "arms: {routed: {train: {}}, free: {train: {routes: none}}}\n"
                               "axes: {counted: {one: {preset.bias: 3}, two: {preset.bias: 5}}}\n";
    static const char *const sets[] = {"preset={name: era}", "regions={animals: {mlp: {add: 8}}}", "model.l1=0.001"};
    gr_error err = {0};
    gr_lab *lab;
    char base[300], file[300];
    lab_write_corpus("corpus.jsonl");
    snprintf(base, sizeof base, "%s", gr_test_write("recipe.yaml", lab_recipe, strlen(lab_recipe)));
    snprintf(file, sizeof file, "%s", gr_test_write("counting.yaml", text, strlen(text)));
    gr_lab_def def = {
        .experiment = file, .base = base, .folder = gr_test_path("counting"), .set = sets, .sets = 3, .fresh = true};
    gr_test_ok(gr_lab_open(&lab, &def, NULL, &err), &err);
    assert_int_equal(models(lab, "routed"), 2);
    assert_int_equal(models(lab, "free"), 1);
    gr_lab_free(lab);
}

static void count_reads(void *user, const char *text) { *(int *)user += strstr(text, "reading the corpus") != NULL; }

/* How often an experiment reads its corpus to be opened. One of its arms runs where labels are hidden, which is asked
 * of the data: at the points that `told` has a 1 for. */
static int reads_of(const char *axes, const char *told) {
    gr_error err = {0};
    gr_lab *lab;
    char base[300], file[300];
    int reads = 0;
    char *text = gr_format("experiment: reads\narms: {all: {train: {}}, told: {when: hidden_labels, train: {}}}\n"
                           "axes: {x: {%s}}\n",
                           axes);
    lab_write_corpus("corpus.jsonl");
    snprintf(base, sizeof base, "%s", gr_test_write("recipe.yaml", lab_recipe, strlen(lab_recipe)));
    snprintf(file, sizeof file, "%s", gr_test_write("reads.yaml", text, strlen(text)));
    gr_free(text);
    const gr_control control = {.note = count_reads, .user = &reads};
    gr_lab_def def = {.experiment = file, .base = base, .folder = gr_test_path("reads"), .fresh = true};
    gr_test_ok(gr_lab_open(&lab, &def, &control, &err), &err);
    assert_int_equal(gr_experiment_points(lab->experiment), (int)strlen(told));
    for (int point = 0; told[point]; point++)
        assert_true(lab->runs[2 * point] && lab->runs[2 * point + 1] == (told[point] == '1'));
    gr_lab_free(lab);
    return reads;
}

/* What runs is asked at every point before anything has its key: points that read the same are asked of one reading.
 * Others are read once to be asked and once for their keys, but the first, which stays between the two. */
static void data_are_read_as_often_as_they_differ(void **state) {
    (void)state;
    assert_int_equal(reads_of("few: {preset.p_cr: 0.05}, many: {preset.p_cr: 0.5}, none: {preset.p_cr: 0}", "000"), 1);
    assert_int_equal(reads_of("known: {}, half: {labels.animals.known: 0.5}", "01"), 3);
    assert_int_equal(reads_of("a: {}, half: {labels.animals.known: 0.5}, b: {preset.p_cr: 0.5}", "010"), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_are_read_as_often_as_they_differ),
        cmocka_unit_test(models_without_routes_are_one_over_an_axis_of_routing),
        cmocka_unit_test(nor_are_scores_that_routes_count),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}
