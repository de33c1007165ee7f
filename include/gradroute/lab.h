/* lab.h - experiments: which models are made and compared, and what came of it.
 *
 *     gr_lab_def def = {.experiment = "audit", .base = "recipes/demo.yaml", .folder = "runs/demo"};
 *     gr_lab *lab;
 *     GR_TRY(gr_lab_open(&lab, &def, &control, err));           reads, and refuses what is to be refused
 *     GR_TRY(gr_lab_claim(lab, err));
 *     GR_TRY(gr_lab_work(lab, &control, err));                  trains and measures what is not done yet
 */
#ifndef GRADROUTE_LAB_H
#define GRADROUTE_LAB_H

#include "gradroute/attack.h"
#include "gradroute/bundle.h"
#include "gradroute/experiment.h"
#include "gradroute/measure.h"
#include "gradroute/method.h"
#include "gradroute/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- registry ---------------------------------------------------------------------------------------------------- */

/* What experiments are made of, by name: all that the library has, and what its caller adds to this registry alone.
 *
 *     gr_registry *registry = gr_registry_new();
 *     GR_TRY(gr_registry_add_measure(registry, &measure_norm, err));
 *     gr_registry_measure(registry, "norm")->run(rows, &subject, settings, err);
 *     gr_registry_free(registry);
 */
typedef struct gr_registry gr_registry;
gr_registry *gr_registry_new(void);
void gr_registry_free(gr_registry *registry); /* NULL is fine */

/* The measure is borrowed. GR_ERR_USAGE: the registry has one of this name, which stays. */
gr_status gr_registry_add_measure(gr_registry *registry, const gr_measure *measure, gr_error *err);
const gr_measure *gr_registry_measure(const gr_registry *registry, const char *name); /* NULL: there is none */

/* The same for figures that compare models; what a ratio is over is one of the registry too (asserted). */
gr_status gr_registry_add_figure(gr_registry *registry, const gr_figure *figure, gr_error *err);
const gr_figure *gr_registry_figure(const gr_registry *registry, const char *name);

/* The same for ways to make a model, and to attack one. */
gr_status gr_registry_add_method(gr_registry *registry, const gr_method *method, gr_error *err);
const gr_method *gr_registry_method(const gr_registry *registry, const char *name);
gr_status gr_registry_add_attack(gr_registry *registry, const gr_attack *attack, gr_error *err);
const gr_attack *gr_registry_attack(const gr_registry *registry, const char *name);

/* The same for tasks; and the one that a recipe is of, as gr_project_open finds it among the library's own. */
gr_status gr_registry_add_task(gr_registry *registry, const gr_task *task, gr_error *err);
const gr_task *gr_registry_task(const gr_registry *registry, const char *name);
gr_status gr_registry_task_of(const gr_task **task, const gr_registry *registry, const gr_recipe *recipe,
                              gr_error *err);

/* ---- experiments ------------------------------------------------------------------------------------------------- */

/* A model that was made elsewhere, and the arm whose place it takes. */
typedef struct gr_given {
    const char *arm, *folder; /* of a model, or of a run (gr_bundle_find) */
    const char *told;         /* option `told` of method given; NULL: what an export says that the folder lies in */
} gr_given;

/* Which experiment, on what, where; all of it borrowed. */
typedef struct gr_lab_def {
    const char *experiment; /* a name or a file (gr_experiment_open) */
    const char *preset;     /* NULL: none */
    const char *base;       /* a recipe instead of the experiment's own; NULL: that */
    const char *base_text;  /* the text of that recipe, whose paths begin at the folder of base; NULL: base is a file */
    const char *const *set; /* [sets] KEY=VALUE of the recipe */
    const gr_given *given;  /* [givens] then these arms run, with what goes on from them, and nothing is trained */
    const char *const *arm; /* [arms] that run; none: as the experiment says */
    const char *folder;     /* that it is kept in */
    const char *rows; /* a file of committed rows; NULL: rows/NAME.jsonl beside the experiment, where there is one */
    const gr_registry *registry; /* NULL: what the library has */
    const char *commit; /* of the sources of the program, which cells say they were made by; NULL: it is not known */
    const char *cell;   /* how its key begins: it alone is made, and what it begins with; NULL: all cells are */
    int sets, arms, givens;
    int seeds;  /* 0: as the experiment says */
    bool twins; /* the recipe's `twins`, where it says some, are the arms that run */
    bool fresh; /* committed rows do not count */

    /* It is only planned: the folder may be NULL (nothing is done), and facts, groups and attacks that the data do not
     * allow are no error. Such a lab must not be claimed or worked on. */
    bool planned;
} gr_lab_def;

/* An experiment that is worked on:
 *
 *     gr_lab *lab;
 *     gr_result *result;
 *     GR_TRY(gr_lab_open(&lab, &def, &control, err));
 *     GR_TRY(gr_lab_claim(lab, err));
 *     GR_TRY(gr_lab_work(lab, &control, err));           goes on where another call was stopped
 *     GR_TRY(gr_lab_result(&result, lab, err));
 *     GR_TRY(gr_lab_write(lab, result, err));
 *     gr_result_print(result, stdout);                   report.h
 *     gr_result_free(result);
 *     gr_lab_free(lab);
 */
typedef struct gr_lab gr_lab;
typedef struct gr_result gr_result;

/* Reads the experiment and the data of each of its points and seeds, one after the other, and makes the keys of all
 * cells; writes nothing. Whatever a method, attack or measure refuses, it refuses here. control may be NULL. Errors:
 * GR_ERR_USAGE for models that are given to no arm, twice, or not to all that always run, and for a cell that there is
 * not, or several of; those of gr_experiment_open,
 * gr_experiment_select, gr_project_open and of the checks; GR_ERR_FORMAT for a damaged cell. */
gr_status gr_lab_open(gr_lab **lab, const gr_lab_def *def, const gr_control *control, gr_error *err);
void gr_lab_free(gr_lab *lab); /* NULL is fine */

/* Seconds that all cells that are not done will take, done by so many processes at once (1: here): a few steps and
 * passes are timed, once for each shape of network. Says so by control->note, "about 7:30 for 3 models: ..", and from
 * then on gr_lab_work tells with all progress what is left of the whole (gr_progress.all_left). Writes nothing. Models
 * of fewer than 64 steps are not forecast: *seconds is 0 where nothing is. What takes more memory than there is counts
 * as nothing. control may be NULL. Errors: those of making networks, of training
 * and measuring; GR_ERR_INTERRUPTED. */
gr_status gr_lab_forecast(double *seconds, gr_lab *lab, int jobs, const gr_control *control, gr_error *err);

/* How often something is asked for, by arms at points and seeds, and how much of it is made: what is asked for several
 * times is one cell where its key is the same. */
typedef struct gr_plan_count {
    int cells, uses;
} gr_plan_count;

/* What one arm comes to, at all points and seeds. A cell that several arms use is the first one's, a use each one's. */
typedef struct gr_plan_arm {
    char *name;
    int from;             /* the arm of the plan that it goes on from; -1: none */
    int points;           /* at which it is made */
    gr_plan_count models; /* of it, one for each value of a knob */
    gr_plan_count all;    /* these, and what is measured of them */
    int done, committed;  /* cells; done: committed ones not counted */
    int trained;          /* models that are still to be trained */

    /* Of what is not done: seconds (NaN: not known) and operations. */
    double training, measuring, attacking, flops;

    /* Of the first model of it that is trained; with `trained` 0 all zero. */
    gr_cost model;
    size_t core; /* parameters */
    int regions;
    char **region;      /* [regions] */
    size_t *parameters; /* [regions] of each */
} gr_plan_arm;

/* What an experiment would take. */
typedef struct gr_plan {
    gr_plan_arm *arm; /* [arms] that run, in the experiment's order */
    int arms;
    gr_plan_count data, models, measures, attacks, all;
    int done, committed;                          /* cells */
    int seeds;                                    /* that it is done for */
    double training, measuring, attacking, flops; /* sums */
    int timed;                                    /* how many steps and passes of one shape were timed */
} gr_plan;

/* Times as gr_lab_forecast does, networks of any number of steps. gr_plan_free; on failure it is all zero. Errors:
 * those of gr_lab_forecast. */
gr_status gr_plan_new(gr_plan *plan, gr_lab *lab, const gr_control *control, gr_error *err);
void gr_plan_free(gr_plan *plan);

/* The project of the place that was planned last, and the experiment; both borrowed. */
const gr_project *gr_lab_project(const gr_lab *lab);
const gr_experiment *gr_lab_experiment(const gr_lab *lab);

/* Makes the folder ours: GR_ERR_USAGE where it holds something else, another experiment, or one of another recipe. */
gr_status gr_lab_claim(gr_lab *lab, gr_error *err);

/* Makes cells until nothing is left that is free. Several processes may do so in one folder at once. GR_ERR_INTERRUPTED
 * where control->stop was set: what is done stays, and what was begun is gone on with. Other errors: those of methods,
 * attacks and measures; GR_ERR_NUMERIC of a training that diverged, where the experiment does not keep that as a row.
 */
gr_status gr_lab_work(gr_lab *lab, const gr_control *control, gr_error *err);

/* Looks again at what other processes have done meanwhile. */
gr_status gr_lab_look(gr_lab *lab, gr_error *err);

/* How many models and measurements there are, and how many of them are done. Views of models are none. */
void gr_lab_count(const gr_lab *lab, int *all, int *done);

/* Whether nothing is left to be made, or to be removed of what the experiment does not keep. What begins with a model
 * that diverged is not made. */
bool gr_lab_done(const gr_lab *lab);

/* What came of it so far, from rows alone, and as the text of result.json (gr_free). */
gr_status gr_lab_result(gr_result **result, const gr_lab *lab, gr_error *err);
char *gr_result_text(const gr_result *result);
void gr_result_free(gr_result *result); /* NULL is fine */

/* What was chosen of the settings that were tried (`choose` of experiments), as JSON with the folder; gr_free. NULL:
 * the experiment chooses nothing. */
char *gr_result_choice_text(const gr_result *result);

/* Writes result.json, results.jsonl (each row as a line, without lists) and links to models; nothing where result.json
 * holds this result already. Errors: those of gr_lab_claim and of files. */
gr_status gr_lab_write(gr_lab *lab, const gr_result *result, gr_error *err);

/* Writes the rows of all cells that are done to a file that gr_lab_def.rows takes, with what each is of: experiment,
 * preset, arms, points, seeds. Rows of other cells that are in the file stay. And whether a file may be written so, to
 * be asked before hours are spent: GR_ERR_FORMAT where it holds something else than committed rows, GR_ERR_USAGE where
 * its folder is not there and is not `made` either, which work on the lab makes (gr_lab_def.folder; NULL: none), and
 * errors of files that cannot be written. */
gr_status gr_lab_commit(const gr_lab *lab, const char *path, gr_error *err);
gr_status gr_lab_commit_check(const char *path, const char *made, gr_error *err);

#ifdef __cplusplus
}
#endif

#endif
