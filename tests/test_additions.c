/* Additions: a method, an attack, a measure and a figure as somebody else would write them, none of which src knows of.
 * They are added to a registry, found by the words of an experiment, and run from it. */
#include <jansson.h>
#include <unistd.h>

#include "gradroute/experiment.h"
#include "io/file.h"
#include "lab/figures.h"
#include "lab_helpers.h"

#include "additions/attack_noise.c"
#include "additions/measure_norm.c"
#include "additions/method_halve.c"
#include "additions/method_peek.c"

enum { BASE, HALVED, ARMS };
enum { LOSS, NORM, NOISE, READINGS };

static gr_registry *registry;
static gr_experiment *experiment;

/* Tests run at the root of the project, or in a folder within. */
static const char *file(void) {
    static const char name[] = "../tests/additions/experiment.yaml";
    return access(name + 3, F_OK) == 0 ? name + 3 : name;
}

/* ---- the words ---- */

static void an_experiment_finds_them_by_name(void **state) {
    (void)state;
    assert_int_equal(experiment->arms, ARMS);
    assert_ptr_equal(experiment->arm[HALVED].method, &method_halve);
    assert_int_equal(gr_experiment_knobs(experiment, HALVED), 2);
    assert_ptr_equal(experiment->use[NORM].measure, &measure_norm);
    assert_ptr_equal(experiment->use[NOISE].attack, &attack_noise);
    assert_ptr_equal(experiment->figure[0].figure, &figure_times);
}

/* The library alone has none of these words. */
static void others_do_not_know_them(void **state) {
    (void)state;
    gr_error err = {0};
    gr_experiment *none;
    gr_registry *other = gr_registry_new();
    assert_int_equal(gr_experiment_open(&none, file(), NULL, other, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "no method is called 'halve'"));
    gr_registry_free(other);
}

/* ---- the work ---- */

/* A model of the experiment and the rows that were taken of it. */
typedef struct made {
    gr_made model;
    gr_ledger *rows[READINGS];
    gr_sample before[2], after[2]; /* losses by group, as it is and after the attack */
} made;

static gr_project *project;
static gr_groups groups;

static void make(made *out, int arm, int knob, const gr_made *parent, const char *folder) {
    gr_error err = {0};
    gr_settings *settings;
    const gr_method *method = experiment->arm[arm].method;
    gr_test_ok(gr_experiment_settings(&settings, experiment, arm, knob, project->recipe, &err), &err);
    gr_making making = {.project = project,
                        .settings = settings,
                        .parent = parent,
                        .name = experiment->arm[arm].name,
                        .folder = gr_test_path(folder)};
    gr_test_ok(gr_directory_make(making.folder, &err), &err);
    gr_test_ok(gr_method_check(method, &making, &err), &err);
    gr_test_ok(gr_method_make(&out->model, method, &making, &err), &err);
    gr_settings_free(settings);
}

static void take(made *m, int reading) {
    gr_error err = {0};
    gr_settings *settings;
    const gr_reading *use = &experiment->use[reading];
    gr_subject subject = {.name = "it",
                          .recipe = project->recipe,
                          .model = m->model.bundle->model,
                          .bundle = m->model.path,
                          .data = project->data,
                          .labels = project->labels,
                          .tokenizer = project->tokenizer,
                          .groups = &groups,
                          .units = GR_UNITS_DOCUMENTS,
                          .pass = gr_pass_new(),
                          .seed = project->recipe->split_seed};
    gr_test_ok(gr_reading_settings(&settings, use, project->recipe, &err), &err);
    m->rows[reading] = gr_ledger_new();
    gr_test_ok(use->measure ? use->measure->run(m->rows[reading], &subject, settings, &err)
                            : use->attack->run(m->rows[reading], &subject, settings, &err),
               &err);
    gr_settings_free(settings);
    gr_pass_free(subject.pass);
}

static void take_samples(gr_sample sample[2], const gr_ledger *rows) {
    gr_error err = {0};
    for (int g = 0; g < 2; g++) {
        const char *const where[][2] = {{"group", experiment->group[g].name}, {NULL, NULL}};
        gr_test_ok(gr_sample_read(&sample[g], gr_ledger_find(rows, "loss", where), "rows", &err), &err);
    }
}

static double number_of(const made *m, int reading, const char *row, const char *key) {
    return gr_entry_number(gr_ledger_find(m->rows[reading], row, NULL), key);
}

static double loss_of(const gr_sample *sample) {
    double nll = 0, tokens = 0;
    for (size_t i = 0; i < sample->count; i++)
        nll += sample->nll[i], tokens += sample->tokens[i];
    return nll / tokens;
}

static void made_free(made *m) {
    for (int r = 0; r < READINGS; r++)
        gr_ledger_free(m->rows[r]);
    for (int g = 0; g < 2; g++) {
        gr_sample_free(&m->before[g]);
        gr_sample_free(&m->after[g]);
    }
    gr_made_free(&m->model);
}

/* Made, measured and attacked as the experiment says; a figure of it. */
static void they_are_run_as_any_other(void **state) {
    (void)state;
    made base = {0}, halved = {0}, quartered = {0};
    make(&base, BASE, 0, NULL, "base");
    make(&halved, HALVED, 0, &base.model, "halved");
    make(&quartered, HALVED, 1, &base.model, "quartered");

    /* The measure sees what the method did; the parent is as it was. */
    take(&base, NORM);
    take(&halved, NORM);
    take(&quartered, NORM);
    double norm = number_of(&base, NORM, "norm", "value");
    assert_true(norm > 1);
    assert_float_equal(number_of(&halved, NORM, "norm", "value") / norm, 0.5, 1e-6);
    assert_float_equal(number_of(&quartered, NORM, "norm", "value") / norm, 0.25, 1e-6);

    /* The attack leaves the model as it was. */
    take(&base, LOSS);
    take(&halved, LOSS);
    take(&base, NOISE);
    assert_true(number_of(&base, NOISE, "point", "amount") == 0.2);
    gr_ledger_free(base.rows[NORM]);
    take(&base, NORM);
    assert_true(number_of(&base, NORM, "norm", "value") == norm);

    /* The figure, of the losses that the library's own measure took. */
    take_samples(base.before, base.rows[LOSS]);
    take_samples(base.after, base.rows[NOISE]);
    take_samples(halved.before, halved.rows[LOSS]);
    assert_true(loss_of(&base.after[0]) != loss_of(&base.before[0]));
    gr__model_losses source[ARMS] = {
        [BASE] = {base.before, base.after, NULL, 0}, [HALVED] = {halved.before, NULL, NULL, 0}};
    gr__figuring figuring = {
        .registry = registry, .groups = &groups, .source = source, .zero = BASE, .one = BASE, .seed = 1};
    gr_estimate e;
    assert_true(gr__figure_take(&e, &figuring, &(gr__result_figure){"cost", "times", HALVED, NULL, false}));
    assert_float_equal(e.value, loss_of(&halved.before[0]) / loss_of(&base.before[0]), 1e-12);
    assert_true(e.value != 1 && e.low <= e.value && e.value <= e.high);
    made_free(&quartered);
    made_free(&halved);
    made_free(&base);
}

/* A figure of a result at a value of the knob. */
static double value_at(const json_t *knobs, const char *key, size_t value) {
    return json_number_value(json_object_get(json_array_get(json_object_get(knobs, key), value), "value"));
}

/* From end to end: every cell of the experiment, its result out of rows alone, and nothing to do for a second call. */
static void the_lab_takes_them(void **state) {
    (void)state;
    gr_error err = {0};
    gr_lab *lab;
    gr_result *result;
    char *base = gr_strdup(gr_test_path("recipe.yaml")), *folder = gr_strdup(gr_test_path("lab"));
    gr_lab_def def = {.experiment = file(), .base = base, .folder = folder, .registry = registry};
    int cells, done;
    gr_test_ok(gr_lab_open(&lab, &def, NULL, &err), &err);
    gr_test_ok(gr_lab_claim(lab, &err), &err);
    gr_test_ok(gr_lab_work(lab, NULL, &err), &err);
    gr_lab_count(lab, &cells, &done);
    assert_int_equal(done, cells);

    /* Halved and quartered: two models, of each the loss and the norm. */
    gr_test_ok(gr_lab_result(&result, lab, &err), &err);
    char *text = gr_result_text(result);
    json_t *object = json_loads(text, 0, NULL), *knobs = json_object_get(object, "knobs");
    double cost = value_at(knobs, "cost_of_halving", 0), more = value_at(knobs, "cost_of_halving", 1);
    assert_true(cost > 1 && more > cost);
    assert_float_equal(value_at(knobs, "length", 1) / value_at(knobs, "length", 0), 0.75 / 0.5, 1e-6);
    const json_t *of_base = json_object_get(json_object_get(object, "models"), "base");
    assert_true(json_number_value(json_object_get(of_base, "forget_noised")) > 0);
    json_decref(object);
    gr_free(text);
    gr_result_free(result);
    gr_lab_free(lab);

    gr_test_ok(gr_lab_open(&lab, &def, NULL, &err), &err);
    gr_lab_count(lab, &cells, &done);
    assert_int_equal(done, cells);
    gr_lab_free(lab);
    gr_free(folder);
    gr_free(base);
}

/* An experiment with a method that looks for hidden labels, planned and worked on: each of its functions is called. */
static void work_with_peek(gr_sees sees, const char *folder) {
    static const char text[] = "experiment: peek\n"
                               "question: Does it see what is hidden?\n"
                               "seeds: 1\n"
                               "arms:\n"
                               "  base: {train: {routes: none}}\n"
                               "  curious: {from: base, peek: {}}\n"
                               "roles: {subject: curious}\n"
                               "groups: {forget: any_label, retain: retain}\n"
                               "measures:\n"
                               "  loss: {of: [base, curious]}\n";
    static const char *const half[] = {"labels.animals.known=0.5"};
    gr_error err = {0};
    gr_lab *lab;
    gr_plan plan;
    char *file = gr_strdup(gr_test_write("peek.yaml", text, sizeof text - 1)), *place = gr_strdup(gr_test_path(folder)),
         *base = gr_strdup(gr_test_path("recipe.yaml"));
    gr_lab_def def = {.experiment = file, .base = base, .set = half, .sets = 1, .folder = place, .registry = registry};
    memset(peek_calls, 0, sizeof peek_calls);
    memset(peek_found, 0, sizeof peek_found);
    memset(peek_listed, 0, sizeof peek_listed);
    memset(peek_read, 0, sizeof peek_read);
    method_peek.sees = sees;
    gr_test_ok(gr_lab_open(&lab, &def, NULL, &err), &err);
    gr_test_ok(gr_plan_new(&plan, lab, NULL, &err), &err);
    gr_test_ok(gr_lab_claim(lab, &err), &err);
    gr_test_ok(gr_lab_work(lab, NULL, &err), &err);
    gr_plan_free(&plan);
    gr_lab_free(lab);
    gr_free(base);
    gr_free(place);
    gr_free(file);
}

/* Whichever of its functions looks: the labels that it is handed have no truth but what is revealed. */
static void hidden_labels_are_seen_by_those_who_may(void **state) {
    (void)state;
    work_with_peek(GR_SEES_REVEALED, "peek-revealed");
    for (int i = 0; i < PEEKS; i++) {
        assert_true(peek_calls[i] > 0);
        assert_int_equal(peek_found[i], 0);
    }
    work_with_peek(GR_SEES_ALL, "peek-all");
    for (int i = 0; i < PEEKS; i++)
        assert_true(peek_found[i] > 0);
}

/* What a method may not see of the documents is not there for any of its functions, in no list and without a token; all
 * that it may see is. */
static void documents_are_read_by_those_who_may(void **state) {
    (void)state;
    static const gr_sees sees[] = {GR_SEES_ALL, GR_SEES_REVEALED, GR_SEES_FORGET, GR_SEES_RETAIN};
    static const char *const folders[] = {"reads-all", "reads-revealed", "reads-forget", "reads-retain"};
    size_t whole[2] = {0};
    for (int s = 0; s < 4; s++) {
        work_with_peek(sees[s], folders[s]);
        for (int i = 0; i < PEEKS; i++)
            for (int labelled = 0; labelled < 2; labelled++) {
                const bool may = sees[s] == GR_SEES_FORGET ? labelled : sees[s] != GR_SEES_RETAIN || !labelled;
                const size_t calls = peek_calls[i];
                assert_true(calls > 0 && peek_read[i][labelled] % calls == 0);
                whole[labelled] = s == 0 ? peek_read[i][labelled] / calls : whole[labelled];
                assert_true(whole[labelled] > 20);
                assert_int_equal(peek_read[i][labelled], may ? calls * whole[labelled] : 0);
                assert_int_equal(peek_listed[i][labelled], peek_read[i][labelled]);
            }
    }
}

static int open_all(void **state) {
    gr_error err = {0};
    gr_recipe *recipe;
    int status = gr_test_files_setup(state);
    registry = gr_registry_new();
    gr_test_ok(gr_registry_add_method(registry, &method_halve, &err), &err);
    gr_test_ok(gr_registry_add_method(registry, &method_peek, &err), &err);
    gr_test_ok(gr_registry_add_attack(registry, &attack_noise, &err), &err);
    gr_test_ok(gr_registry_add_measure(registry, &measure_norm, &err), &err);
    gr_test_ok(gr_registry_add_figure(registry, &figure_times, &err), &err);

    /* The experiment, its recipe, its data, its groups. */
    lab_write_corpus("corpus.jsonl");
    const char *base = gr_test_write("recipe.yaml", lab_recipe, strlen(lab_recipe));
    gr_test_ok(gr_experiment_open(&experiment, file(), NULL, registry, &err), &err);
    gr_test_ok(gr_experiment_recipe(&recipe, experiment, &(gr_experiment_base){.file = base}, &err), &err);
    gr_test_ok(gr_project_open(&project, recipe, NULL, NULL, &err), &err);
    gr_test_ok(project->task->groups(&groups, project, experiment->group, experiment->groups, &err), &err);
    return status;
}

static int close_all(void **state) {
    gr_groups_free(&groups);
    lab_close(project);
    gr_experiment_free(experiment);
    gr_registry_free(registry);
    return gr_test_files_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_experiment_finds_them_by_name),
        cmocka_unit_test(others_do_not_know_them),
        cmocka_unit_test(they_are_run_as_any_other),
        cmocka_unit_test(the_lab_takes_them),
        cmocka_unit_test(hidden_labels_are_seen_by_those_who_may),
        cmocka_unit_test(documents_are_read_by_those_who_may),
    };
    return cmocka_run_group_tests_name("additions", tests, open_all, close_all);
}
