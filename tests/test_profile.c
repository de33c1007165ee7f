/* test_profile.c - trainings for a profile: without documents of some labels, with some of the regions. */
#include <string.h>

#include "gradroute/method.h"
#include "io/yaml.h"
#include "lab_helpers.h"
#include "method/training.h"

static gr_project *project; /* half of the animals and all tools are known */

static const char *const two[] = {"labels={animals: {is: [animal], known: 0.5, hidden_as: core}, tools: {is: [tool]}}",
                                  "regions={animals: {mlp: {add: 8}}, tools: {mlp: {add: 16}}}", "preset={name: gram}",
                                  "train.steps=4"};

/* Documents of a stream's first steps: animals that are shown, animals that are hidden, tools, others. */
static void count_read(int read[4], const char *text) {
    gr_error err = {0};
    gr_settings *settings;
    gr_arch_def *def;
    gr_model *model;
    gr__training own;
    gr_test_ok(gr__train_settings(&settings, text, &err), &err);
    gr_test_ok(gr__train_network(&def, &model, project, settings, &err), &err);
    gr_test_ok(gr__training_open(&own, model, project, settings, "it", NULL, &err), &err);

    const gr_labels *l = project->labels;
    gr_rows rows;
    memset(read, 0, 4 * sizeof *read);
    for (int step = 0; step < 16; step++) {
        gr_stream_next(own.stream, step, &rows);
        for (int i = 0; i < rows.sequences * rows.width; i++) {
            int32_t d = rows.doc[i];
            if (d >= 0)
                read[l->truth[d] == 2 ? 2 : l->revealed[d] == 1 ? 0 : l->truth[d] == 1 ? 1 : 3]++;
        }
    }
    gr__training_close(&own);
    gr_model_free(model);
    gr_arch_free(def);
    gr_settings_free(settings);
}

/* A filter of one label leaves all others where they were. */
static void documents_of_some_labels_are_left_out(void **state) {
    (void)state;
    int all[4], read[4];
    count_read(all, "{}");
    for (int i = 0; i < 4; i++)
        assert_true(all[i] > 0);
    count_read(read, "{without: {revealed: {labels: animals}}}");
    assert_true(!read[0] && read[1] == all[1] && read[2] == all[2] && read[3] == all[3]);
    count_read(read, "{without: {true_labels: {labels: [animals]}}}");
    assert_true(!read[0] && !read[1] && read[2] == all[2] && read[3] == all[3]);
    count_read(read, "{without: {true_labels: {labels: [tools]}}}");
    assert_true(read[0] == all[0] && read[1] == all[1] && !read[2] && read[3] == all[3]);

    /* All of them by their names are all. */
    count_read(read, "{without: {true_labels: {labels: [tools, animals]}}}");
    assert_true(!read[0] && !read[1] && !read[2] && read[3] == all[3]);
    count_read(read, "{without: revealed}");
    assert_true(!read[0] && read[1] == all[1] && !read[2] && read[3] == all[3]);

    /* By a classifier of animals: tools are read, but for the few that it takes for animals. */
    count_read(read, "{without: {classified: {labels: [animals]}}}");
    assert_true(!read[0] && read[1] < all[1] / 4 && read[2] > 0.9 * all[2]);
}

/* A classifier of one label spreads that label alone, and is the only one that is reported. */
static void some_labels_are_spread(void **state) {
    (void)state;
    gr_error err = {0};
    gr_settings *settings;
    gr__shown shown;
    const gr_labels *own = project->labels;
    size_t more = 0;
    gr_test_ok(gr__train_settings(&settings, "{labels: {spread: {labels: [animals]}}}", &err), &err);
    gr_test_ok(gr__shown_open(&shown, project, settings, NULL, &err), &err);
    for (size_t d = 0; d < own->docs; d++) {
        assert_int_equal(shown.project.labels->revealed[d] == 2, own->revealed[d] == 2);
        more += shown.project.labels->revealed[d] == 1 && own->revealed[d] != 1;
    }
    assert_true(more > 20);
    assert_true(shown.report[0].known > 0 && shown.report[1].known == 0);
    gr__shown_close(&shown);
    gr_settings_free(settings);
}

/* ---- regions ---- */

/* The network by these options has so many units of regions in its layers, by name. */
static void expect_regions(const char *text, const char *first, const char *second) {
    gr_error err = {0};
    gr_settings *settings;
    gr_arch_def *def;
    gr_model *model;
    gr_test_ok(gr__train_settings(&settings, text, &err), &err);
    gr_test_ok(gr__train_network(&def, &model, project, settings, &err), &err);
    assert_int_equal(def->region_count, (first != NULL) + (second != NULL));
    if (first)
        assert_string_equal(def->regions[0].name, first);
    if (second)
        assert_string_equal(def->regions[1].name, second);
    gr_model_free(model);
    gr_arch_free(def);
    gr_settings_free(settings);
}

static void some_regions_stay(void **state) {
    (void)state;
    expect_regions("{routes: none}", "animals", "tools");
    expect_regions("{routes: none, regions: out}", NULL, NULL);
    expect_regions("{routes: none, regions: [tools]}", "tools", NULL);
    expect_regions("{routes: none, regions: [animals]}", "animals", NULL);
    expect_regions("{routes: none, regions: [tools, animals]}", "animals", "tools");
}

/* ---- what is refused ---- */

static void expect_refused(const char *text, const char *place, const char *words) {
    gr_error err = {0};
    gr_settings *settings;
    gr_test_ok(gr__train_settings(&settings, text, &err), &err);
    gr_making making = {.project = project, .settings = settings};
    assert_int_equal(gr_method_check(&gr__method_train, &making, &err), GR_ERR_USAGE);
    gr_test_error(&err, place, words);
    gr_settings_free(settings);
}

static void names_that_there_are_not(void **state) {
    (void)state;
    expect_refused("{without: {revealed: {labels: [animal]}}}", "labels", "did you mean 'animals'?");
    expect_refused("{without: {true_labels: {labels: [tools, zzzzzz]}}}", "labels", "no label is called 'zzzzzz'");
    expect_refused("{without: {classified: {labels: [zzzzzz]}}}", "labels", "no label is called 'zzzzzz'");
    expect_refused("{routes: none, regions: [animal]}", "train", "there is no region 'animal' to keep");
    expect_refused("{regions: [animals]}", "train", "add routes: none");
}

/* Lists are in keys; without them keys are what they were. */
static void keys_of_profiles(void **state) {
    (void)state;
    static const struct {
        const char *text, *key;
    } cases[] = {
        {"{without: revealed, regions: out}", "{\"regions\":\"out\",\"without\":[\"revealed\",{}]}"},
        {"{regions: keep}", "{}"},
        {"{without: {revealed: {labels: [tools]}}, regions: [animals]}",
         "{\"regions\":[\"animals\"],\"without\":[\"revealed\",{\"labels\":[\"tools\"]}]}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gr_error err = {0};
        gr_settings *settings;
        char *key;
        gr_test_ok(gr__train_settings(&settings, cases[i].text, &err), &err);
        gr_test_ok(gr_settings_key(&key, settings, &err), &err);
        assert_string_equal(key, cases[i].key);
        gr_free(key);
        gr_settings_free(settings);
    }
}

static int open_all(void **state) {
    int status = gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    project = lab_open(two, 4);
    return status;
}

static int close_all(void **state) {
    lab_close(project);
    return gr_test_files_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_of_some_labels_are_left_out),
        cmocka_unit_test(some_labels_are_spread),
        cmocka_unit_test(some_regions_stay),
        cmocka_unit_test(names_that_there_are_not),
        cmocka_unit_test(keys_of_profiles),
    };
    return cmocka_run_group_tests_name("profile", tests, open_all, close_all);
}
