/* budget.h - an experiment within so many minutes: fewer seeds where that is enough, else a refusal that says what
 * would fit; never silently.
 *
 *     gr__budget budget = {.minutes = 90, .jobs = 2};
 *     GR_TRY(gr__budget_fit(&lab, &def, &budget, &control, err));     lab: perhaps another one, of fewer seeds
 *     ... work ...
 *     gr__budget_say(&budget, &control);                              once more what was cut
 */
#ifndef GR_CLI_BUDGET_H
#define GR_CLI_BUDGET_H

#include "common.h"

typedef struct gr__budget {
    double minutes; /* 0: none is set */
    int jobs, threads;

    /* Private: what was cut. */
    int asked, seeds;
    double all, cut; /* seconds of as many */
} gr__budget;

/* Times all that is not done (gr_plan_new). Where it takes longer, the lab is opened again with as many seeds as fit:
 * def->seeds, and a note says so. GR_ERR_USAGE, with what would fit as hint, where one seed takes longer;
 * GR_ERR_MEMORY where a model finds no memory. Errors: those of gr_plan_new and gr_lab_open. *lab may be NULL then. */
gr_status gr__budget_fit(gr_lab **lab, gr_lab_def *def, gr__budget *budget, const gr_control *control, gr_error *err);

/* The note about seeds that were cut; nothing where none were. */
void gr__budget_say(const gr__budget *budget, const gr_control *control);

/* ---- shared with whoever fits something else than seeds ---- */

/* What a lab has left to do, timed with the threads that each process will have; and the seconds of it, by all
 * processes. Errors: those of gr_plan_new. */
gr_status gr__budget_plan(gr_plan *plan, gr_lab *lab, const gr__budget *budget, const gr_control *control,
                          gr_error *err);
double gr__budget_seconds(const gr_plan *plan, const gr__budget *budget);

/* A hint: shorter trainings that would fit, as the recipe says how long they are, or that no training would; fewer:
 * what else would help ("fewer --arms"). gr_free. */
char *gr__budget_what_fits(const gr_plan *plan, const gr_lab *lab, const gr__budget *budget, const char *fewer);

#endif
