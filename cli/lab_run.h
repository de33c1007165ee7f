/* lab_run.h - making and measuring the models of an experiment, for the commands that do.
 *
 *     gr__lab_run run = {.common = {.what = "RECIPE"}, .command = "audit", .jobs = 1};
 *     gr__parse(&(struct argp){options, parse, "RECIPE", doc}, argc, argv, &run);    parse: gr__lab_run_parse
 *     run.def.experiment = "audit";
 *     return gr__lab_run_all(&run, argc, argv);
 */
#ifndef GR_CLI_LAB_RUN_H
#define GR_CLI_LAB_RUN_H

#include "budget.h"
#include "common.h"

typedef struct gr__lab_run {
    gr__common common;
    const char *command; /* "audit" */
    gr_lab_def def;      /* experiment and base; the rest comes from options */
    const char *commit;  /* a file for the rows; NULL: none */
    const char *export;  /* a folder for the models; NULL: none */
    gr__strings arms;
    int jobs;
    gr__budget budget;
    bool choice; /* what was chosen is printed, and no more */

    /* Before anything is opened: what is still to be decided of def. NULL: nothing is. */
    gr_status (*prepare)(struct gr__lab_run *run, const gr_control *control, gr_error *err);
    bool yes;    /* more than two hours are begun without asking */
    bool worker; /* one of several that work for a command with --jobs */

    /* Set by gr__lab_run_all: the command line behind the command's name. */
    char **words;
    int count;
    bool chose_preset; /* prepare did, and workers are told */
} gr__lab_run;

enum { GR__KEY_SEEDS = GR__KEY_OWN + 100, GR__KEY_ARMS, GR__KEY_JOBS, GR__KEY_WORKER, GR__KEY_BUDGET };

#define GR__OPTION_SEEDS                                                                         \
    {                                                                                            \
        "seeds", GR__KEY_SEEDS, "N", 0,                                                          \
            "Seeds: that of the recipe, and those above it (default: as the experiment says)", 0 \
    }
#define GR__OPTION_ARMS                                                                    \
    {                                                                                      \
        "arms", GR__KEY_ARMS, "NAME,...", 0,                                               \
            "These models alone, and what they go on from (default: as the data allow)", 0 \
    }
#define GR__OPTION_JOBS \
    { "jobs", GR__KEY_JOBS, "N", 0, "Processes at once, each with a share of the cores (default: 1)", 0 }
#define GR__OPTION_BUDGET                                                                                  \
    {                                                                                                      \
        "budget", GR__KEY_BUDGET, "MINUTES", 0,                                                            \
            "Time a few steps first, and take as many seeds as fit; where not one does, say what would", 0 \
    }
#define GR__OPTION_WORKER \
    { "worker", GR__KEY_WORKER, NULL, OPTION_HIDDEN, NULL, 0 }

/* For parsers: these options, and those of gr__common_parse. */
error_t gr__lab_run_parse(int key, char *arg, struct argp_state *state, gr__lab_run *run);

/* Works until all cells are done, prints what came of it (a worker prints nothing), and returns the exit status. */
int gr__lab_run_all(gr__lab_run *run, int argc, char **argv);

#endif
