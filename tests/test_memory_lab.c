/* test_memory_lab.c - memory that is refused in what experiments are made of: a registry, a file read, settings, rows
 * of what was measured, an experiment that is opened, planned, looked at and told. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gradroute/lab.h"
#include "gradroute/report.h"
#include "lab/lab_state.h"
#include "lab_helpers.h"
#include "method/training.h"
#include "refusal_helpers.h"
#include "support.h"

/* Sizes at which a model trains in a moment. */
static const char *const sets[] = {"train.steps=2", "relearn.steps=2", "relearn.lr=[0.001]"};
enum { SETS = sizeof sets / sizeof *sets };

struct world {
    gr_project *project;
    char recipe[512], done[512], rows[512]; /* the recipe, a finished experiment, its rows in one file */
};

static gr_lab_def finished(const world *w, const char *folder) {
    return (gr_lab_def){
        .experiment = lab_experiment(), .base = w->recipe, .set = sets, .sets = SETS, .folder = folder, .twins = true};
}

static int setup(void **state) {
    static world w;
    gr_error err = {0};
    char *result = NULL;
    gr_lab *lab;
    omp_set_num_threads(1); /* children of a fork have no other threads */
    gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    w.project = lab_open(sets, SETS);
    snprintf(w.recipe, sizeof w.recipe, "%s", gr_test_path("recipe.yaml"));
    snprintf(w.done, sizeof w.done, "%s", gr_test_path("done"));
    snprintf(w.rows, sizeof w.rows, "%s", gr_test_path("rows.jsonl"));

    /* An experiment from which other calls begin. */
    gr_test_ok(lab_audit(&result, w.done, w.recipe, sets, SETS, NULL, &err), &err);
    gr_free(result);
    gr_lab_def def = finished(&w, w.done);
    gr_test_ok(gr_lab_open(&lab, &def, NULL, &err), &err);
    gr_test_ok(gr_lab_commit(lab, w.rows, &err), &err);
    gr_lab_free(lab);
    *state = &w;
    return 0;
}

static int teardown(void **state) {
    world *w = *state;
    lab_close(w->project);
    return gr_test_files_teardown(state);
}

/* ---- what is tried: each makes its objects and frees them ---- */

static gr_status try_registry(world *w, gr_error *err) {
    static const gr_measure measure = {.name = "own"};
    (void)w;
    gr_registry *registry = gr_registry_new();
    gr_status status = gr_registry_add_measure(registry, &measure, err);
    gr_registry_free(registry);
    return status;
}

/* A file, the recipe of its first point, and the options of all that it has. */
static gr_status read_all(gr_experiment *e, gr_recipe *recipe, gr_error *err) {
    gr_status status = GR_OK;

    /* Options, and what of them is part of a key. */
    for (int i = 0; i < e->arms + e->uses && status == GR_OK; i++) {
        gr_settings *settings;
        char *key;
        status = i < e->arms ? gr_experiment_settings(&settings, e, i, 0, recipe, err)
                             : gr_reading_settings(&settings, &e->use[i - e->arms], recipe, err);
        if (status != GR_OK)
            break;
        status = gr_settings_key(&key, settings, err);
        if (status == GR_OK)
            gr_free(key);
        gr_settings_free(settings);
    }
    return status;
}

static gr_status try_experiment(world *w, gr_error *err) {
    gr_registry *registry = gr_registry_new();
    gr_experiment *e = NULL;
    gr_recipe *recipe = NULL;
    gr_status status = gr_experiment_open(&e, lab_experiment(), NULL, registry, err);
    if (status == GR_OK) {
        gr_experiment_base base = {.file = w->recipe, .set = sets, .sets = SETS};
        status = gr_experiment_recipe(&recipe, e, &base, err);
    }
    if (status == GR_OK)
        status = read_all(e, recipe, err);
    gr_recipe_free(recipe);
    gr_experiment_free(e);
    gr_registry_free(registry);
    return status;
}

static gr_status try_settings(world *w, gr_error *err) {
    gr_settings *settings;
    char *key;
    (void)w;
    GR_TRY(gr__train_settings(&settings, "{routes: none, without: revealed, set: {train.lr: 0.1}}", err));
    gr_status status = gr_settings_key(&key, settings, err);
    if (status == GR_OK)
        gr_free(key);
    gr_settings_free(settings);
    return status;
}

/* The documents that are measured apart. */
static gr_status try_groups(world *w, gr_error *err) {
    static const gr_group_want want[] = {{.name = "forget", .kind = GR_GROUP_ANY_LABEL},
                                         {.name = "retain", .kind = GR_GROUP_RETAIN}};
    gr_groups groups;
    GR_TRY(w->project->task->groups(&groups, w->project, want, 2, err));
    gr_groups_free(&groups);
    return GR_OK;
}

/* Rows to a file and back, as lines, and a sample out of the one of losses. */
static gr_status try_ledger(world *w, gr_error *err) {
    static const double nll[] = {1.5, 2.5, 3.5};
    static const int64_t tokens[] = {4, 5, 6}, docs[] = {0, 1, 2};
    char name[64];
    (void)w;
    snprintf(name, sizeof name, "rows-%d", (int)getpid());
    gr_ledger *rows = gr_ledger_new(), *back = NULL, *again = NULL;
    gr_ledger_begin(rows, "loss");
    gr_ledger_text(rows, "group", "forget");
    gr_ledger_text(rows, "units", "documents");
    gr_ledger_numbers(rows, "nll", nll, 3);
    gr_ledger_counts(rows, "tokens", tokens, 3);
    gr_ledger_counts(rows, "documents", docs, 3);
    gr_status status = gr_ledger_write(rows, gr_test_path(name), err);
    if (status == GR_OK)
        status = gr_ledger_read(&back, gr_test_path(name), err);
    if (status == GR_OK) {
        char *lines = gr_ledger_lines(back);
        status = gr_ledger_parse(&again, lines, strlen(lines), "lines", err);
        gr_free(lines);
    }
    gr_ledger_free(again);
    gr_ledger_free(back);
    gr_ledger_free(rows);
    return status;
}

/* A folder of ours is never taken for somebody else's. */
static gr_status try_look(world *w, gr_error *err) {
    return gr__output_look(w->done, &gr__folder_of_experiments, w->project->recipe, true, err);
}

/* All that may be asked of an experiment whose cells are done: its result, as JSON, as text, and written. */
static gr_status tell(gr_lab *lab, gr_error *err) {
    gr_result *result;
    GR_TRY(gr_lab_look(lab, err));
    GR_TRY(gr_lab_result(&result, lab, err));
    char *text = gr_result_text(result), *page = NULL;
    size_t size;
    FILE *out = open_memstream(&page, &size);
    gr_result_print(result, out);
    fclose(out);
    free(page);
    gr_free(text);
    gr_status status = gr_lab_write(lab, result, err);
    gr_result_free(result);
    return status;
}

static gr_status try_done(world *w, gr_error *err) {
    gr_lab_def def = finished(w, w->done);
    gr_lab *lab;
    GR_TRY(gr_lab_open(&lab, &def, NULL, err));
    gr_status status = gr_lab_claim(lab, err);
    if (status == GR_OK)
        status = tell(lab, err);
    gr_lab_free(lab);
    return status;
}

/* Committed rows count as done: nothing is trained, and they are committed again. */
static gr_status try_committed(world *w, gr_error *err) {
    char name[64];
    snprintf(name, sizeof name, "from-rows-%d", (int)getpid());
    char folder[256], again[512];
    snprintf(folder, sizeof folder, "%s", gr_test_path(name));
    snprintf(again, sizeof again, "%s.jsonl", folder);
    gr_lab_def def = finished(w, folder);
    gr_lab *lab;
    def.rows = w->rows;
    GR_TRY(gr_lab_open(&lab, &def, NULL, err));
    gr_status status = gr_lab_claim(lab, err);
    if (status == GR_OK)
        status = gr_lab_work(lab, NULL, err);
    if (status == GR_OK)
        status = tell(lab, err);
    if (status == GR_OK)
        status = gr_lab_commit(lab, again, err);
    gr_lab_free(lab);
    return status;
}

/* What it would take, and how long. */
static gr_status try_plan(world *w, gr_error *err) {
    gr_lab_def def = finished(w, NULL);
    gr_lab *lab;
    gr_plan plan;
    double seconds;
    def.planned = true;
    GR_TRY(gr_lab_open(&lab, &def, NULL, err));
    gr_status status = gr_plan_new(&plan, lab, NULL, err);
    if (status == GR_OK) {
        gr_plan_free(&plan);
        status = gr_lab_forecast(&seconds, lab, 1, NULL, err);
    }
    gr_lab_free(lab);
    return status;
}

SWEEP(registry, 0)
SWEEP(experiment, 0)
SWEEP(settings, 0)
SWEEP(groups, 0)
SWEEP(ledger, 0)
SWEEP(done, 0)
SWEEP(committed, 0)
SWEEP(plan, 0)

/* All of its refusals: few are of files, and those were the ones it passed over. */
static void refusals_in_look(void **state) { sweep_most(*state, try_look, 2, 2000); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_in_registry), cmocka_unit_test(refusals_in_experiment),
        cmocka_unit_test(refusals_in_settings), cmocka_unit_test(refusals_in_groups),
        cmocka_unit_test(refusals_in_ledger),   cmocka_unit_test(refusals_in_look),
        cmocka_unit_test(refusals_in_done),     cmocka_unit_test(refusals_in_committed),
        cmocka_unit_test(refusals_in_plan),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
