/* plan_experiment.h - the plan of an experiment, which `gradroute plan` prints where its file is one. */
#ifndef GR_CLI_PLAN_EXPERIMENT_H
#define GR_CLI_PLAN_EXPERIMENT_H

#include "common.h"

/* What is asked of experiments alone. */
typedef struct gr__experiment_choice {
    const char *preset, *base; /* NULL: not said */
    gr__strings arm;
    bool named;      /* --arms was given */
    int seeds, jobs; /* 0: not said */
} gr__experiment_choice;

/* Whether this is an experiment: a file that is a map with that key, or a name, where no file is called so. Errors:
 * those of reading YAML. */
gr_status gr__is_experiment(bool *is, const char *name_or_file, gr_error *err);

gr_status gr__time_experiment(const gr__common *common, const gr__experiment_choice *choice, gr_error *err);

/* Seconds of all that a plan has. */
double gr__planned_seconds(const gr_plan *plan);

/* A note where other work took the processors while steps were timed. */
void gr__print_plan_cores(const gr_plan *plan, int threads);

/* GR_ERR_MEMORY, at this place, where a model of the plan needs more memory than is free; the hint says what takes
 * less. */
gr_status gr__plan_fits(const gr_plan *plan, const char *place, gr_error *err);

#endif
