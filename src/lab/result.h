/* result.h - the result of an experiment, made of the rows of its cells alone.
 *
 *     gr__result_def def = {.experiment = experiment, .registry = registry, .runs = runs, .seeds = 1, .first_seed = 1,
 *                           .split_seed = seeds, .least = 0.15, .rows = rows, .count = count};
 *     json_t *result;
 *     GR_TRY(gr__result_make(&result, &def, err));                    result.json, of which tables are printed
 *     json_decref(result);
 *
 * With one point of the axes the keys of docs/files.md stand in the result itself, with several in its `points`. */
#ifndef GR_LAB_RESULT_H
#define GR_LAB_RESULT_H

#include <jansson.h>

#include "gradroute/experiment.h"
#include "gradroute/lab.h"

struct gr_result {
    json_t *object;
};

/* Rows of one cell, and what they are of; indices count from 0. */
typedef struct gr__result_rows {
    int arm; /* -1: of the data */
    int point, seed, knob;
    const gr_attack *after; /* NULL: of the model and its measures */
    int rung;               /* of what is measured once for each of several values: how many stand behind this one */
    const gr_ledger *rows;
    double seconds;
} gr__result_rows;

/* All of it borrowed. */
typedef struct gr__result_def {
    const gr_experiment *experiment;
    const gr_registry *registry;
    const bool *runs;                     /* [points][arms] gr_experiment_select */
    const char *folder, *digest, *recipe; /* NULL: left out */
    const json_t *routes; /* a list of {"recipe": text, "of": [{"arm", "axes", "at"}]}; NULL: left out */
    json_t *const *said;  /* [points] gr__experiment_said; NULL: nothing is to be chosen */
    const int *suggested; /* arms that would say more, and that the data allow */
    int suggestions;
    int seeds;
    int64_t first_seed;         /* its number */
    const uint64_t *split_seed; /* [seeds] of intervals */
    double least;               /* gr_task.least_gap of the data: what specific ratios are taken over */
    const gr__result_rows *rows;
    size_t count;
} gr__result_def;

/* Members that a result, and a model in it, have beside figures, attacks and groups, which may not be called so. Ended
 * by NULL. */
extern const char *const gr__result_members[];
extern const char *const gr__result_model_members[];

/* Errors: those of gr_sample_read. */
gr_status gr__result_make(json_t **result, const gr__result_def *def, gr_error *err);

/* ---- shared by the files of results ---- */

/* What a result is made for: the experiment as it ran. */
typedef struct gr__result_job {
    const gr__result_def *def;
    const gr_experiment *e;
    int *zero, *one, *never;  /* [points] arms with these roles that run there; -1: none */
    int subject;              /* the one that runs at some point; -1: none */
    const gr_attack **attack; /* [attacks] in the order of the experiment */
    char **done;              /* [attacks] of keys and columns: "relearned" */
    int attacks, points;
    const gr_measure **also; /* [alsos] measures beside `loss` whose rows are losses, in the order of the experiment */
    int alsos;
    int (*claim)[4]; /* [claims] defs of figures: of `of` and `minus`, and of both the one that is matched; -1: none */
    struct gr__seed_figures *figures;
} gr__result_job;

/* Whose rows; rung 0: of the last value, as all figures are that ask for no other. */
typedef struct gr__whose {
    int arm, point, seed, knob;
    const gr_attack *after;
    int rung;
} gr__whose;

/* The first row of a kind whose texts agree (gr_ledger_find) among these cells; NULL: none. */
const gr_entry *gr__rows_find(const gr__result_def *def, const gr__whose *whose, const char *row,
                              const char *const (*where)[2]);
/* The same one by one: row i, counted from 0. */
const gr_entry *gr__rows_next(const gr__result_def *def, const gr__whose *whose, const char *row, int i);
bool gr__rows_any(const gr__result_def *def, const gr__whose *whose);
/* Rungs that there are rows of at most, of any arm after an attack. */
int gr__rows_rungs(const gr__result_def *def, const gr_attack *after);

/* Whether an arm runs at some point. */
bool gr__result_runs(const gr__result_def *def, int arm);

/* The number of an arm's parent; -1: none. */
int gr__parent_of(const gr_experiment *e, int arm);

/* A figure in one seed. */
typedef enum gr__told_state { GR__TOLD, GR__TOLD_NOTHING, GR__TOLD_DIVERGED } gr__told_state;
typedef struct gr__told {
    gr_estimate estimate; /* NaN: refused */
    gr__told_state state;
} gr__told;

/* Figures of all points, seeds and values of knobs; `minus` and what tables say of them do not count. */
typedef struct gr__seed_figures gr__seed_figures;
gr_status gr__seed_figures_new(gr__seed_figures **figures, const gr__result_job *job, const gr_figure_def *def,
                               int count, gr_error *err);
void gr__seed_figures_free(gr__seed_figures *figures); /* NULL is fine */
const gr__told *gr__seed_figures_at(const gr__seed_figures *figures, int def, int point, int seed, int knob);
/* The curve that a figure looks losses up on, in the first seed; NULL: it looks none up, or they were not measured. */
const struct gr__curve *gr__seed_figures_curve(const gr__seed_figures *figures, int def, int point);
bool gr__seed_figures_by_buckets(const gr__seed_figures *figures); /* whether some losses were of buckets */

/* What a figure less that of another def (-1: none) is in one seed; and over seeds: of one seed as it is. Nothing: no
 * seed has it. Refused where a seed has none, or it was refused there. */
gr__told gr__seed_figures_in(const gr__seed_figures *figures, int def, int minus, int point, int seed, int knob);
gr__told gr__seed_figures_over(const gr__seed_figures *figures, int def, int minus, int point, int knob);

/* A number and its interval under a key; null where it was refused. intervals NULL: none is kept. */
void gr__result_put(json_t *to, json_t *intervals, const char *key, gr_estimate estimate);

/* Members that rows hold as they are: the data, attacks, sizes, prompts, times of a point; what a model was. */
void gr__result_data(json_t *to, const gr__result_job *job, int point);
void gr__result_model(json_t *model, const gr__result_job *job, int arm, int point, int knob);

/* Curves that figures look losses up on, under their keys. */
void gr__result_curves(json_t *to, const gr__result_job *job, int point);

/* The verdict, and what a reader must know of the figures; claims, the primary one first; what tables are printed by.
 */
void gr__result_verdict(json_t *to, const gr__result_job *job, int point);
void gr__result_claims(json_t *to, const gr__result_job *job);
void gr__result_table(json_t *to, const gr__result_job *job);

/* What of the settings that were tried is worth having, and which is to be taken; minus: [figures] of the experiment,
 * the def of what is taken off each, -1: none. */
void gr__result_choice(json_t *to, const gr__result_job *job, const int *minus);

/* {AXIS: VALUE, ..}: where a point is. */
json_t *gr__result_axes(const gr_experiment *experiment, int point);

/* The word for a value of the knob that an arm, or one it goes on from, has: as the experiment writes it. */
const char *gr__knob_word(const gr_experiment *e, int arm, int knob);

#endif
