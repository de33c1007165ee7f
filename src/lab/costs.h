/* costs.h - what the cells of an experiment would take, from a few steps and passes that are timed now.
 *
 *     gr_cost *cost = gr_alloc(cells * sizeof *cost);
 *     gr__costing costing = {.lab = lab, .wanted = left, .cost = cost, .timings = timings};
 *     GR_TRY(gr__lab_costs(&costing, control, err));
 *
 * Cells that differ in their seed alone cost the same, and networks of one shape are timed once (gr_timings).
 */
#ifndef GR_LAB_COSTS_H
#define GR_LAB_COSTS_H

#include "lab/lab_state.h"

typedef struct gr__costing {
    gr_lab *lab;
    const bool *wanted; /* [cells] the others cost nothing */
    gr_cost *cost;      /* [cells] filled */
    gr_timings *timings;
    int64_t steps_least; /* points of fewer steps are left out */

    /* Told of each network that is trained; NULL: nobody listens. */
    void (*drafted)(void *user, const gr__use *use, const gr_made *draft, const gr_cost *cost);
    void *user;

    bool *known; /* [cells] private: filled already */
} gr__costing;

/* Opens a place of each point, the one that is open first, and leaves open what was opened last. Errors: those of
 * gr__lab_open_place, of drafts and costs; GR_ERR_INTERRUPTED where control->stop was set. */
gr_status gr__lab_costs(gr__costing *costing, const gr_control *control, gr_error *err);

#endif
