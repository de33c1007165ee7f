/* Classifiers of trainings: fitted once for all that go by the same, and ended when their caller asks for that. */
#include <string.h>

#include "gradroute/classify.h"
#include "lab_helpers.h"
#include "method/training.h"

static gr_settings *options(const char *text) {
    gr_error err = {0};
    gr_settings *settings;
    gr_test_ok(gr__train_settings(&settings, text, &err), &err);
    return settings;
}

/* Trainings of one project that go by the same known documents fit once; a fit ends when its caller asks for that. */
static void classifiers_are_fitted_once(void **state) {
    (void)state;
    static const volatile sig_atomic_t stop = 1;
    gr_error err = {0};
    gr_project *fresh = lab_open((const char *[]){"labels.animals={is: [animal], known: 0.4}"}, 1);
    gr_settings *settings[] = {options("{routes: none, without: classified}"),
                               options("{routes: none, without: {classified: {lost: 0.2}}}"),
                               options("{routes: none, labels: {spread: {recall: 0.5}}}")};
    gr__shown shown;
    assert_int_equal(gr__shown_open(&shown, fresh, settings[0], &stop, &err), GR_ERR_INTERRUPTED);
    assert_non_null(strstr(err.message, "stopped while"));
    assert_int_equal(gr_fits_count(fresh->fits), 0);
    for (int i = 0; i < 3; i++) {
        gr_test_ok(gr__shown_open(&shown, fresh, settings[i], i ? &stop : NULL, &err), &err);
        assert_int_equal(gr_fits_count(fresh->fits), 1);
        gr__shown_close(&shown);
        gr_settings_free(settings[i]);
    }
    lab_close(fresh);
}

/* The flag of who makes a model reaches its classifier. */
static void a_fit_is_stopped(void **state) {
    (void)state;
    static const volatile sig_atomic_t stop = 1;
    gr_error err = {0};
    gr_project *fresh = lab_open((const char *[]){"labels.animals={is: [animal], known: 0.3}"}, 1);
    gr_settings *settings = options("{routes: none, without: classified}");
    gr_made made;
    gr_control control = {.stop = &stop};
    const char *folder = gr_test_path("stopped");
    gr_making making = {.project = fresh, .settings = settings, .name = "it", .folder = folder, .control = &control};
    assert_int_equal(gr__method_train.make(&made, &making, &err), GR_ERR_INTERRUPTED);
    assert_non_null(strstr(err.message, "stopped while reading the words"));
    gr_settings_free(settings);
    lab_close(fresh);
}

static int open_files(void **state) {
    if (gr_test_files_setup(state))
        return -1;
    lab_write_corpus("corpus.jsonl");
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(classifiers_are_fitted_once),
                                       cmocka_unit_test(a_fit_is_stopped)};
    return cmocka_run_group_tests_name("spreading", tests, open_files, gr_test_files_teardown);
}
