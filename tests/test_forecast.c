/* What an experiment says of the time it takes, and that saying it changes nothing. */
#include "lab_helpers.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "io/file.h"
#include "lab/lab_forecast.h"
#include "method/training.h"

typedef struct heard {
    char announced[512], relearning[256];
    double first, last;  /* seconds left of the whole */
    double trained;      /* the same after the last step of training */
    int steps, wrong;    /* of training; wrong: steps and parts where the whole is less than what is at work */
    int measured, tuned; /* shares of measuring and of relearning */
    int stop_after;      /* steps of training; 0: never */
    sig_atomic_t stop;
} heard;

static void note(void *user, const char *text) {
    heard *h = user;
    if (strstr(text, " model"))
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
    h->stop = h->stop_after && h->steps >= h->stop_after;
}

static gr_control control_of(heard *h) {
    return (gr_control){.resume = true, .stop = &h->stop, .note = note, .progress = progress, .user = h};
}

/* ---- experiments ---- */

static const char *const sets[] = {"train.steps=64", "precision=float32"};
static const char *const all[] = {"plain", "filtered"};

/* The audit of the recipe, with these models beside the routed one. */
static gr_lab *open_audit(const char *folder, const char *const *arms, int count, int seeds, int set) {
    static char path[2][256];
    gr_error err = {0};
    gr_lab *lab;
    lab_write_corpus("corpus.jsonl");
    if (folder)
        snprintf(path[0], sizeof path[0], "%s", gr_test_path(folder));
    snprintf(path[1], sizeof path[1], "%s", gr_test_write("recipe.yaml", lab_recipe, strlen(lab_recipe)));
    gr_lab_def def = {.experiment = "audit",
                      .base = path[1],
                      .folder = folder ? path[0] : NULL,
                      .planned = !folder,
                      .arm = arms,
                      .arms = count,
                      .set = sets,
                      .sets = set,
                      .seeds = seeds,
                      .fresh = true};
    gr_test_ok(gr_lab_open(&lab, &def, NULL, &err), &err);
    return lab;
}

static double forecast(gr_lab *lab, const gr_control *control) {
    gr_error err = {0};
    double seconds;
    gr_test_ok(gr_lab_forecast(&seconds, lab, 1, control, &err), &err);
    return seconds;
}

/* The first cell of a kind that an arm has, or of the whole (arm NULL). */
static int cell_of(const gr_lab *lab, gr_cell_kind kind, const char *arm) {
    const gr__cells *cells = lab->cells;
    for (int c = 0; c < cells->cells; c++) {
        const gr__use *use = &cells->use[cells->cell[c].use];
        if (use->kind == kind && (!arm || strcmp(lab->experiment->arm[use->arm].name, arm) == 0))
            return c;
    }
    fail_msg("no such cell");
    return -1;
}

static gr_status work(gr_lab *lab, const gr_control *control, gr_error *err) {
    GR_TRY(gr_lab_claim(lab, err));
    return gr_lab_work(lab, control, err);
}

/* ---- what is promised ---- */

static void it_is_said_before_and_meanwhile(void **state) {
    (void)state;
    heard h = {0};
    gr_error err = {0};
    gr_control control = control_of(&h);
    gr_lab *told = open_audit("told", all, 2, 1, 2), *silent = open_audit("silent", all, 2, 1, 2);
    assert_true(forecast(told, &control) > 0);
    static const char *const parts[] = {"about ",     "for 3 models:", " routed ",    " plain ",
                                        " filtered ", " measuring ",   " relearning "};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(h.announced, parts[i]))
            fail_msg("'%s' lacks '%s'", h.announced, parts[i]);
    assert_int_equal(h.steps, 0);
    assert_false(gr_file_exists(gr_test_path("told/folder.json"))); /* nothing was written */

    gr_test_ok(work(told, &control, &err), &err);
    assert_int_equal(h.steps, 3 * 64);
    assert_int_equal(h.wrong, 0);
    assert_true(h.first > h.trained);
    assert_true(h.trained > 0); /* measuring and relearning are to come */
    assert_true(h.measured >= 4 && h.tuned >= 3 * 4);
    assert_true(h.last == 0);
    assert_non_null(strstr(h.relearning, "relearning"));

    /* Without anybody who asks nothing is timed: the same bits. */
    gr_test_ok(work(silent, NULL, &err), &err);
    for (int c = 0; c < told->cells->cells; c++) {
        unsigned char *rows[2];
        size_t size[2];
        char name[2][160];
        snprintf(name[0], sizeof name[0], "told/cells/%s/rows.jsonl", told->cells->cell[c].key);
        snprintf(name[1], sizeof name[1], "silent/cells/%s/rows.jsonl", silent->cells->cell[c].key);
        for (int i = 0; i < 2; i++)
            gr_test_ok(gr_file_read(gr_test_path(name[i]), &rows[i], &size[i], &err), &err);
        assert_int_equal(size[0], size[1]);
        assert_memory_equal(rows[0], rows[1], size[0]);
        gr_free(rows[0]);
        gr_free(rows[1]);
    }
    gr_lab_free(told);
    gr_lab_free(silent);
}

/* What an earlier call finished costs nothing any more, nor do steps that it has saved. */
static void what_is_done_does_not_count(void **state) {
    (void)state;
    gr_error err = {0};
    heard h = {0};
    gr_lab *first = open_audit("half", all, 1, 1, 2); /* routed and plain */
    gr_test_ok(work(first, NULL, &err), &err);
    gr_lab_free(first);

    gr_lab *lab = open_audit("half", all, 2, 1, 2);
    gr_control control = control_of(&h);
    double whole = forecast(lab, &control);
    assert_non_null(strstr(h.announced, "for 1 model:"));
    assert_null(strstr(h.announced, "plain"));
    assert_null(strstr(h.announced, "routed"));
    assert_non_null(strstr(h.announced, "filtered"));
    int filtered = cell_of(lab, GR_CELL_MODEL, "filtered");
    double before = lab->forecast->expected[filtered];
    assert_true(before > 0 && whole > before);
    assert_true(lab->forecast->expected[cell_of(lab, GR_CELL_MEASURE, "plain")] == 0);
    assert_true(lab->forecast->expected[cell_of(lab, GR_CELL_ATTACK, "plain")] == 0);
    assert_true(lab->forecast->expected[cell_of(lab, GR_CELL_MEASURE, "filtered")] > 0);
    assert_true(lab->forecast->expected[cell_of(lab, GR_CELL_ATTACK, "filtered")] > 0);

    /* Stopped two steps before its end: a 32nd of it is left. Steps are timed anew, more than once
     * where something else was in the way. */
    h.stop_after = 62;
    assert_int_equal(work(lab, &control, &err), GR_ERR_INTERRUPTED);
    h.stop_after = h.stop = 0;
    double after = before;
    for (int i = 0; i < 5 && after >= before / 4; i++) {
        gr_lab_free(lab);
        lab = open_audit("half", all, 2, 1, 2);
        forecast(lab, &control);
        after = lab->forecast->expected[filtered];
    }
    if (!(after > 0 && after < before / 4))
        fail_msg("%g s are left of %g s", after, before);

    /* All done: nothing is said. */
    gr_test_ok(gr_lab_work(lab, &control, &err), &err);
    h.announced[0] = 0;
    assert_true(forecast(lab, &control) == 0);
    assert_null(lab->forecast);
    assert_string_equal(h.announced, "");
    gr_lab_free(lab);
}

/* Times made up, for the tests of what is made of them. The clock goes on meanwhile, and a busy machine stands still
 * for a moment: sums are near what they should be, within seconds where a mistake is tens of them. */
enum { NEAR = 8 };

static gr__time_left *made_up(gr_lab *lab, const gr_control *control) {
    forecast(lab, control);
    gr__time_left *f = lab->forecast;
    for (int c = 0; c < lab->cells->cells; c++)
        f->expected[c] = 0;
    f->expected[cell_of(lab, GR_CELL_MODEL, "routed")] = 10;
    f->expected[cell_of(lab, GR_CELL_MODEL, "plain")] = 100;
    f->expected[cell_of(lab, GR_CELL_MODEL, "filtered")] = 200;
    f->expected[cell_of(lab, GR_CELL_MEASURE, "plain")] = 30;
    f->expected[cell_of(lab, GR_CELL_ATTACK, "plain")] = 45;
    f->expected[cell_of(lab, GR_CELL_ATTACK, "filtered")] = 15;
    gr__time_left_follow(f, control);
    return f;
}

/* A cell that took so many seconds. */
static void do_cell(gr__time_left *f, int cell, double seconds) {
    gr__time_left_begin(f, cell);
    f->since -= seconds;
    gr__time_left_end(f);
}

/* Progress and notes say what is left of the rest, cells that follow included. */
static void the_rest_is_followed(void **state) {
    (void)state;
    heard h = {0};
    gr_control control = control_of(&h);
    gr_lab *lab = open_audit("rest", all, 2, 1, 2);
    gr__time_left *f = made_up(lab, &control);
    do_cell(f, cell_of(lab, GR_CELL_MODEL, "routed"), 10);
    gr__time_left_begin(f, cell_of(lab, GR_CELL_MODEL, "plain"));
    gr_progress p = {.name = "plain", .step = 1, .steps = 64, .seconds_left = 50};
    f->control.progress(f->control.user, &p);
    assert_float_equal(h.last, 50 + 200 + 30 + 60, NEAR);
    f->control.note(f->control.user, "relearning: plain");
    assert_string_equal(h.relearning, "relearning: plain (about 6:30 left)");

    do_cell(f, cell_of(lab, GR_CELL_MODEL, "plain"), 100);
    do_cell(f, cell_of(lab, GR_CELL_MODEL, "filtered"), 200);
    gr__time_left_begin(f, cell_of(lab, GR_CELL_MEASURE, "plain"));
    p = (gr_progress){.name = "plain", .doing = "measuring", .step = 1, .steps = 64, .seconds_left = 3};
    f->control.progress(f->control.user, &p);
    assert_float_equal(h.last, 3 + 60, NEAR);
    do_cell(f, cell_of(lab, GR_CELL_MEASURE, "plain"), 30);
    gr__time_left_begin(f, cell_of(lab, GR_CELL_ATTACK, "plain"));
    h.relearning[0] = 0;
    f->control.note(f->control.user, "relearning: plain");
    assert_string_equal(h.relearning, "relearning: plain (about 1:00 left)");
    p.doing = "relearning";
    f->control.progress(f->control.user, &p);
    assert_float_equal(h.last, 3 + 15, NEAR);
    gr_lab_free(lab);
}

/* What took longer than it was expected to makes its like longer, and nothing else. */
static void what_was_seen_puts_it_right(void **state) {
    (void)state;
    heard h = {0};
    gr_control control = control_of(&h);
    gr_lab *lab = open_audit("seen", all, 2, 1, 2);
    gr__time_left *f = made_up(lab, &control);
    do_cell(f, cell_of(lab, GR_CELL_MODEL, "routed"), 20); /* twice as long */
    gr__time_left_begin(f, cell_of(lab, GR_CELL_MODEL, "plain"));
    gr_progress p = {.name = "plain", .step = 1, .steps = 64, .seconds_left = 50};
    f->control.progress(f->control.user, &p);
    assert_float_equal(h.last, 50 + 2 * 200 + 30 + 60, NEAR);

    /* Half of plain took 160 s, and 160 are left: 340 s for 110 so far. */
    f->since -= 160;
    p.step = 32, p.seconds_left = 160;
    f->control.progress(f->control.user, &p);
    assert_float_equal(h.last, 160 + 200 * 340.0 / 110 + 30 + 60, NEAR);

    /* Another process has made filtered meanwhile. */
    gr__known done = {.state = GR_CELL_DONE, .model = true};
    gr__cells_know(lab->cells, cell_of(lab, GR_CELL_MODEL, "filtered"), done);
    f->control.progress(f->control.user, &p);
    assert_float_equal(h.last, 160 + 30 + 60, NEAR);
    gr_lab_free(lab);
}

static void short_work_is_not_timed(void **state) {
    (void)state;
    heard h = {0};
    gr_control control = control_of(&h);
    gr_lab *lab = open_audit("short", all, 2, 1, 0);
    assert_true(forecast(lab, &control) == 0);
    assert_string_equal(h.announced, "");
    assert_null(lab->forecast);
    gr_lab_free(lab);
}

/* Seeds, and arms of one network by the same rules, take what the first of them was timed to take. */
static void a_shape_is_timed_once(void **state) {
    (void)state;
    static const char *const arms[] = {"plain", "filtered", "placebo"};
    gr_error err = {0};
    gr_plan one, three;
    gr_lab *lab = open_audit("seeds", arms, 3, 1, 2);
    gr_test_ok(gr_plan_new(&one, lab, NULL, &err), &err);
    gr_lab_free(lab);
    lab = open_audit("seeds", arms, 3, 3, 2);
    gr_test_ok(gr_plan_new(&three, lab, NULL, &err), &err);
    assert_true(one.timed > 0);
    assert_int_equal(three.timed, one.timed);
    assert_int_equal(three.all.cells, 3 * one.all.cells);

    /* routed, routed_off, plain, filtered, placebo, placebo_off: what adds up. */
    assert_int_equal(three.arms, 6);
    double training = 0;
    for (int i = 0; i < three.arms; i++) {
        const gr_plan_arm *a = &three.arm[i];
        assert_int_equal(a->all.cells, 3 * one.arm[i].all.cells);
        assert_int_equal(a->trained, a->model.steps ? 3 : 0);
        if (a->model.steps)
            assert_float_equal(a->training, 3 * 64 * a->model.timing.seconds, 1e-9);
        training += a->training;
    }
    assert_float_equal(three.training, training, 1e-9);
    assert_true(three.arm[0].model.timing.seconds == three.arm[4].model.timing.seconds); /* routed, placebo */
    assert_true(three.arm[0].model.timing.seconds != three.arm[2].model.timing.seconds); /* plain: without routes */
    gr_plan_free(&one);
    gr_plan_free(&three);
    gr_lab_free(lab);
}

/* A plan that is asked to stop keeps nothing, and does not say where. */
static void a_plan_without_a_folder_stops(void **state) {
    (void)state;
    static const char *const arms[] = {"plain"};
    gr_error err = {0};
    gr_plan plan;
    sig_atomic_t stop = 1;
    gr_control control = {.stop = &stop};
    gr_lab *lab = open_audit(NULL, arms, 1, 1, 2);
    assert_int_equal(gr_plan_new(&plan, lab, &control, &err), GR_ERR_INTERRUPTED);
    gr_test_error(&err, "audit", "stopped");
    assert_string_equal(err.message, "stopped");
    gr_lab_free(lab);
}

/* Losses and right answers are of one pass: the first measure that asks has it. */
static void a_pass_is_counted_once(void **state) {
    (void)state;
    gr_error err = {0};
    lab_write_corpus("corpus.jsonl");
    gr_project *project = lab_open(sets, 2);
    gr_settings *settings, *test;
    gr_made draft;
    gr_cost first, second, other;
    gr_test_ok(gr__train_settings(&settings, "{}", &err), &err);
    gr_making making = {.project = project, .settings = settings, .name = "it"};
    gr_test_ok(gr__method_train.draft(&draft, &making, &err), &err);
    gr_registry *registry = gr_registry_new();
    const gr_measure *loss = gr_registry_measure(registry, "loss"), *right = gr_registry_measure(registry, "accuracy");
    gr_pass *pass = gr_pass_new(), *own = gr_pass_new();
    gr_subject subject = {.name = "it",
                          .recipe = project->recipe,
                          .model = draft.bundle->model,
                          .data = project->data,
                          .labels = project->labels,
                          .pass = pass};
    gr_test_ok(gr_settings_read(&test, loss->option, NULL, NULL, &err), &err);
    gr_test_ok(loss->cost(&first, &subject, test, NULL, &err), &err);
    gr_test_ok(right->cost(&second, &subject, NULL, NULL, &err), &err);
    subject.pass = own;
    gr_test_ok(right->cost(&other, &subject, NULL, NULL, &err), &err);
    assert_true(first.seconds > 0 && first.tokens > 0);
    assert_true(second.seconds == 0 && second.tokens == 0);
    assert_int_equal(other.tokens, first.tokens);

    /* Losses of validation are a pass of their own: over so many tokens, and whoever reads the test goes over it. */
    int64_t tokens = 0;
    for (size_t i = 0; i < project->data->validation_count; i++)
        tokens += gr_dataset_targets(project->data, project->data->validation[i]);
    gr_settings_put(test, "split", &(gr_setting_value){.number = 1});
    gr_test_ok(loss->cost(&second, &subject, test, NULL, &err), &err);
    assert_true(second.tokens == tokens && tokens > 0 && tokens != other.tokens);
    gr_settings_free(test);
    gr_pass_free(pass);
    gr_pass_free(own);
    gr_registry_free(registry);
    gr_made_free(&draft);
    gr_settings_free(settings);
    lab_close(project);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_said_before_and_meanwhile),
                                       cmocka_unit_test(what_is_done_does_not_count),
                                       cmocka_unit_test(the_rest_is_followed),
                                       cmocka_unit_test(what_was_seen_puts_it_right),
                                       cmocka_unit_test(short_work_is_not_timed),
                                       cmocka_unit_test(a_shape_is_timed_once),
                                       cmocka_unit_test(a_plan_without_a_folder_stops),
                                       cmocka_unit_test(a_pass_is_counted_once)};
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}
