/* Trainings that are matched to others: in text, by filling up what a filter leaves out, and in operations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gradroute/method.h"
#include "lab_helpers.h"
#include "method/training.h"

static gr_project *project;
static gr_registry *registry;

typedef struct opened {
    gr_settings *settings;
    gr_arch_def *def;
    gr_model *model;
    gr__training own;
} opened;

static opened open_training(const char *text) {
    opened o;
    gr_error err = {0};
    gr_test_ok(gr__train_settings(&o.settings, text, &err), &err);
    gr_test_ok(gr__train_network(&o.def, &o.model, project, o.settings, &err), &err);
    gr_test_ok(gr__training_open(&o.own, o.model, project, o.settings, "it", NULL, &err), &err);
    gr_test_ok(gr__training_match(&o.own, o.settings, &err), &err);
    return o;
}

static void close_training(opened *o) {
    gr__training_close(&o->own);
    gr_model_free(o->model);
    gr_arch_free(o->def);
    gr_settings_free(o->settings);
}

/* Targets of a stream's first steps, and how many of them are of documents that truly have a label. */
static int64_t read_targets(const char *text, int64_t *labelled) {
    opened o = open_training(text);
    int64_t all = 0;
    *labelled = 0;
    for (int step = 0; step < 40; step++) {
        gr_rows rows;
        gr_stream_next(o.own.stream, step, &rows);
        for (int i = 0; i < rows.sequences * rows.width; i++)
            if (rows.doc[i] >= 0) {
                all++;
                *labelled += project->labels->truth[rows.doc[i]] > 0;
            }
    }
    close_training(&o);
    return all;
}

/* A filter leaves gaps; filled up it reads as much as without, up to what rows hold, and nothing of what is left out.
 */
static void what_is_left_out_is_replaced(void **state) {
    (void)state;
    int64_t some, none, fill;
    const int64_t all = read_targets("{routes: none}", &some);
    const int64_t gaps = read_targets("{routes: none, without: true_labels}", &none);
    const int64_t full = read_targets("{routes: none, without: true_labels, fill: true}", &fill);
    assert_true(some > 0 && none == 0 && fill == 0);
    assert_true(gaps + some == all);
    assert_true(llabs(full - all) < all / 20);

    /* Without a filter there is nothing to replace. */
    assert_true(read_targets("{routes: none, fill: true}", &fill) == all && fill == some);
}

/* Operations and steps of a training; its schedule ends with it. */
static double flops_of(const char *text, int64_t *steps) {
    opened o = open_training(text);
    gr_error err = {0};
    gr_tally tally;
    gr_test_ok(gr_train_tally(&tally, &o.own.def, &err), &err);
    double flops = tally.all.flops;
    *steps = o.own.def.steps;
    assert_int_equal(o.own.def.optim.total, *steps);
    gr_tally_free(&tally);
    close_training(&o);
    return flops;
}

/* As many steps as take the operations of the routed training, to a step, whatever the network and the text. */
static void operations_are_matched(void **state) {
    (void)state;
    static const char *const matched[] = {"{routes: none, budget: routes}",
                                          "{routes: none, without: true_labels, regions: out, budget: routes}"};
    int64_t recipe, steps;
    const double wanted = flops_of("{}", &recipe);
    assert_int_equal(recipe, 60);
    const double plain = flops_of("{routes: none}", &steps);
    assert_int_equal(steps, recipe);
    assert_true(plain != wanted);
    for (int i = 0; i < 2; i++) {
        double have = flops_of(matched[i], &steps);
        assert_true(i == 0 || steps > recipe + recipe / 10);
        assert_true(fabs(have - wanted) < 1.5 * wanted / (double)steps);
    }

    /* Its own measure changes nothing. */
    assert_true(flops_of("{budget: routes}", &steps) == wanted);
    assert_int_equal(steps, recipe);
}

/* Whoever is matched to the routes reads them: an axis over them makes several models. */
static void routes_are_read_by_who_is_matched(void **state) {
    (void)state;
    const gr_method *train = gr_registry_method(registry, "train");
    static const char *const texts[] = {"{routes: none}", "{routes: none, budget: routes}"};
    for (int i = 0; i < 2; i++) {
        gr_settings *settings;
        gr_error err = {0};
        gr_test_ok(gr__train_settings(&settings, texts[i], &err), &err);
        assert_int_equal(train->unread(settings)[0] != NULL, i == 0);
        gr_settings_free(settings);
    }
}

static void without_routes_there_is_nothing_to_match(void **state) {
    (void)state;
    gr_error err = {0};
    gr_settings *settings;
    gr_making making = {.project = project, .name = "it"};
    gr_test_ok(gr__train_settings(&settings, "{routes: none, budget: routes}", &err), &err);
    making.settings = settings;
    gr_test_ok(gr_method_check(gr_registry_method(registry, "train"), &making, &err), &err);
    int count = project->recipe->routes->count;
    project->recipe->routes->count = 0;
    assert_int_equal(gr_method_check(gr_registry_method(registry, "train"), &making, &err), GR_ERR_USAGE);
    gr_test_error(&err, "it", "no routes whose operations");
    project->recipe->routes->count = count;
    gr_settings_free(settings);
}

static int open_all(void **state) {
    int status = gr_test_files_setup(state);
    static const char *const sets[] = {"train.steps=60", "preset={name: residual, p_cr: 0.1, p_repeat: 0.6}"};
    lab_write_corpus("corpus.jsonl");
    project = lab_open(sets, 2);
    registry = gr_registry_new();
    return status;
}

static int close_all(void **state) {
    gr_registry_free(registry);
    lab_close(project);
    return gr_test_files_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_out_is_replaced),
        cmocka_unit_test(operations_are_matched),
        cmocka_unit_test(routes_are_read_by_who_is_matched),
        cmocka_unit_test(without_routes_there_is_nothing_to_match),
    };
    return cmocka_run_group_tests_name("match", tests, open_all, close_all);
}
