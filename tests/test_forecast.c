/* What an audit says of the time it takes, and that saying it changes nothing. */
#include "lab_helpers.h"

#include <math.h>
#include <stdlib.h>

#include "io/file.h"
#include "lab/forecast.h"
#include "method/training.h"

typedef struct heard {
    char announced[512], relearning[256];
    double first, last;  /* seconds left of the whole */
    double trained;      /* the same after the last step of training */
    int steps, wrong;    /* of training; wrong: steps and parts where the whole is less than what is at work */
    int measured, tuned; /* shares of measuring and of relearning */
} heard;

static void note(void *user, const char *text) {
    heard *h = user;
    if (strstr(text, "in all:"))
        snprintf(h->announced, sizeof h->announced, "%s", text);
    if (strncmp(text, "relearning", 10) == 0 && !h->relearning[0])
        snprintf(h->relearning, sizeof h->relearning, "%s", text);
}

static void progress(void *user, const gr_progress *p) {
    heard *h = user;
    if (!p->doing && h->steps++ == 0)
        h->first = p->all_left;
    if (!p->doing)
        h->trained = p->all_left;
    h->measured += p->doing && strcmp(p->doing, "measuring") == 0;
    h->tuned += p->doing && strcmp(p->doing, "relearning") == 0;
    h->last = p->all_left;
    h->wrong += p->all_left < p->seconds_left;
}

static const char *const sets[] = {"train.steps=64", "precision=float32"};

/* The numbers of all three models, and the result without its times. */
static double audit(const char *folder, const gr_control *control) {
    gr_error err = {0};
    gr_audit *done;
    lab_write_corpus("corpus.jsonl");
    gr_project *project = lab_open(sets, 2);
    gr_test_ok(gr_audit_run(&done, project, gr_test_path(folder), control, &err), &err);
    gr_audit_free(done);
    lab_close(project);
    double sum = 0;
    static const char *const arms[] = {"routed", "plain", "filtered"};
    for (int k = 0; k < 3; k++) {
        gr_bundle *loaded;
        char name[160];
        snprintf(name, sizeof name, "%s/%s/model", folder, arms[k]);
        gr_test_ok(gr_bundle_load(&loaded, gr_test_path(name), NULL, 0, &err), &err);
        for (int p = 0; p < gr_model_params(loaded->model); p++) {
            const gr_param_def *d = gr_model_param(loaded->model, p);
            for (int i = 0; i < d->rows * d->cols; i++)
                sum += (double)gr_model_data(loaded->model, p)[i] * (1 + i % 7);
        }
        gr_bundle_free(loaded);
    }
    return sum;
}

static void it_is_said_before_and_meanwhile(void **state) {
    (void)state;
    heard h = {0};
    gr_control control = {.resume = true, .note = note, .progress = progress, .user = &h};
    double sum = audit("told", &control);
    static const char *const parts[] = {"about ", "routed ", "plain ", "filtered ", "measuring ", "relearning "};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(h.announced, parts[i]))
            fail_msg("'%s' lacks '%s'", h.announced, parts[i]);
    assert_int_equal(h.steps, 3 * 64);
    assert_int_equal(h.wrong, 0);
    assert_true(h.first > h.trained);
    assert_true(h.trained > 0); /* measuring and relearning are to come */
    assert_true(h.measured >= 4 && h.tuned >= 3 * 4);
    assert_true(h.last == 0);
    assert_non_null(strstr(h.relearning, "relearning"));

    /* Without anybody who hears nothing is timed: the same bits. */
    assert_true(audit("silent", NULL) == sum);
}

/* What an earlier call finished costs nothing any more. */
static void what_is_done_does_not_count(void **state) {
    (void)state;
    gr_error err = {0};
    heard h = {0};
    gr_control control = {.resume = true, .note = note, .progress = progress, .user = &h};
    gr__forecast f;
    lab_write_corpus("corpus.jsonl");
    gr_project *project = lab_open(sets, 2);
    gr_made made;
    gr_settings *settings;
    gr_test_ok(gr__arm_settings(&settings, GR__ARM_PLAIN, &err), &err);
    gr_test_ok(gr__train_run(&made, project, settings, "plain", gr_test_path("half/plain"), NULL, &err), &err);
    gr_settings_free(settings);
    gr_made_free(&made);
    gr_test_ok(gr__forecast_begin(&f, project, gr_test_path("half"), &control, &err), &err);
    assert_null(strstr(h.announced, "plain"));
    assert_non_null(strstr(h.announced, "filtered"));
    assert_true(f.training[GR__ARM_PLAIN] == 0 && f.training[GR__ARM_ROUTED] > 0 && f.training[GR__ARM_FILTERED] > 0);
    assert_true(f.measuring > 0 && f.relearning > 0);
    lab_close(project);
}

/* Notes after training say what is left of the rest, models that follow included. */
static void the_rest_is_followed(void **state) {
    (void)state;
    heard h = {0};
    gr_control control = {.note = note, .progress = progress, .user = &h};
    gr_error err = {0};
    gr__forecast f;
    lab_write_corpus("corpus.jsonl");
    gr_project *project = lab_open(sets, 2);
    gr_test_ok(gr__forecast_begin(&f, project, gr_test_path("rest"), &control, &err), &err);
    f.training[GR__ARM_PLAIN] = 100, f.training[GR__ARM_FILTERED] = 200, f.measuring = 30, f.relearning = 60;
    gr_progress p = {.name = "plain", .seconds_left = 50};
    f.control.progress(f.control.user, &p);
    assert_float_equal(h.last, 50 + 200 + 30 + 60, 1e-6);
    p = (gr_progress){.name = "filtered", .seconds_left = 0};
    f.control.progress(f.control.user, &p);
    assert_float_equal(h.last, 90, 1e-6);
    f.control.note(f.control.user, "relearning: plain");
    assert_string_equal(h.relearning, "relearning: plain (about 1:30 left)");

    /* Of four parts of measuring, and of three of relearning, those to come count in full. */
    gr__forecast_part(&f, true, 2, 4);
    p = (gr_progress){.name = "plain", .doing = "measuring", .seconds_left = 3};
    f.control.progress(f.control.user, &p);
    assert_float_equal(h.last, 3 + 7.5 + 60, 1e-6);
    gr__forecast_part(&f, false, 1, 3);
    h.relearning[0] = 0;
    f.control.note(f.control.user, "relearning: plain");
    assert_string_equal(h.relearning, "relearning: plain (about 0:40 left)");
    p.doing = "relearning";
    f.control.progress(f.control.user, &p);
    assert_float_equal(h.last, 3 + 20, 1e-6);
    lab_close(project);
}

static void a_short_audit_is_not_timed(void **state) {
    (void)state;
    heard h = {0};
    gr_control control = {.note = note, .progress = progress, .user = &h};
    gr_error err = {0};
    gr__forecast f;
    lab_write_corpus("corpus.jsonl");
    gr_project *project = lab_open(NULL, 0);
    gr_test_ok(gr__forecast_begin(&f, project, gr_test_path("short"), &control, &err), &err);
    assert_string_equal(h.announced, "");
    assert_ptr_equal(f.control.note, note);
    assert_ptr_equal(f.control.user, &h);
    lab_close(project);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_said_before_and_meanwhile), cmocka_unit_test(what_is_done_does_not_count),
        cmocka_unit_test(the_rest_is_followed), cmocka_unit_test(a_short_audit_is_not_timed)};
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}
