/* lab_forecast.h - the time that the cells of an experiment take: expected from steps and passes timed beforehand, put
 * right by what was seen since, and told with all progress.
 *
 *     control = gr__time_left_follow(lab->forecast, control); of a lab that gr_lab_forecast was called for
 *     gr__time_left_begin(lab->forecast, cell);
 *     ... make it, with this control: progress has all_left, notes say what is left ...
 *     gr__time_left_end(lab->forecast);
 */
#ifndef GR_LAB_LAB_FORECAST_H
#define GR_LAB_LAB_FORECAST_H

#include "lab/lab_state.h"

typedef struct gr__time_left {
    const gr_lab *lab;
    gr_control control;       /* takes the place of the caller's, which hears everything */
    const gr_control *caller; /* borrowed */

    double *expected; /* [cells] seconds; 0: it is done, or takes no time */
    bool *again;      /* [cells] it was done before, but for its weights */
    int current;      /* the cell at work; -1: none */
    double since;     /* when it began */

    /* By kind of cell: seconds that were expected of what is done since, and what they became. */
    double foreseen[GR_CELL_KINDS], seen[GR_CELL_KINDS];
} gr__time_left;

void gr__time_left_free(gr__time_left *forecast); /* NULL is fine */

/* What tells `caller` (borrowed) all that it is told, with the time left. */
const gr_control *gr__time_left_follow(gr__time_left *forecast, const gr_control *caller);

/* A cell begins, or was done. NULL: nothing is forecast. */
void gr__time_left_begin(gr__time_left *forecast, int cell);
void gr__time_left_end(gr__time_left *forecast);

#endif
