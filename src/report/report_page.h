/* report_page.h - results of experiments as one page that needs nothing else.
 *
 *     gr__report_run run = {.name = "runs/demo", .result = result, .rows = rows, .metrics = metrics};
 *     char *page = gr__report_page(&run, 1);                          gr_free
 */
#ifndef GR_REPORT_REPORT_PAGE_H
#define GR_REPORT_REPORT_PAGE_H

#include <jansson.h>

#include "report/chart.h"
#include "report/html.h"

/* What is known of one experiment that is done; all of it borrowed. */
typedef struct gr__report_run {
    const char *name;      /* of several side by side */
    const json_t *result;  /* as result.json */
    const json_t *rows;    /* a list, as the lines of results.jsonl */
    const json_t *metrics; /* of each cell that is there, by its key, a list of its lines with losses and diagnostics */
} gr__report_run;

/* Whether a result is one that a page can be made of: of a known form, and all that tables go by has a name. */
bool gr__report_fits(const json_t *result);

/* The page, made of these alone: the same bytes for the same data. */
char *gr__report_page(const gr__report_run *run, int runs);

/* ---- shared by the files of the page ---- */

/* A point of the axes, and where it is put. */
typedef struct gr__spot {
    const gr__report_run *run;
    const json_t *table, *point; /* of the result */
    gr__page *page;
    json_t *missing; /* sentences about what is not on the page, and what would bring it */
} gr__spot;

/* Says once that something is not there. */
void gr__spot_misses(const gr__spot *spot, const char *sentence);

/* Whether a row is of this point. */
bool gr__spot_has(const gr__spot *spot, const json_t *row);

/* The title of an arm, with the value of its knob where several were tried; a new string. Whether it is what the others
 * are read against: the model that stands for 1, or one that was never trained on what is taken out. */
char *gr__arm_title(const gr__spot *spot, const char *arm, int knob);
bool gr__arm_is_reference(const gr__spot *spot, const char *arm);
const char *gr__scale_of(const gr__spot *spot); /* the name of the former; NULL: none */

/* Sections of a point. Each says so where it has nothing to show. */
void gr__put_frontier(const gr__spot *spot);   /* tax against removal */
void gr__put_relearning(const gr__spot *spot); /* loss by what an attack was given */
void gr__put_learning(const gr__spot *spot);   /* held-out loss by training step */
void gr__put_diagnostics(const gr__spot *spot);
void gr__put_map(const gr__spot *spot); /* who opens which region, by the routes of each arm */

/* Losses along ladders of models, where figures look some up. */
void gr__put_curves(const gr__spot *spot);

/* Figures by the values of each axis: of the whole result. */
void gr__put_sweeps(const gr__spot *spot);

/* What was chosen of the settings that were tried; nothing where none is to be. */
void gr__put_choice(gr__page *page, const json_t *result);

#endif
