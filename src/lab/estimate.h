/* estimate.h - how long measuring and relearning take, from passes and steps of the same kind. */
#ifndef GR_LAB_ESTIMATE_H
#define GR_LAB_ESTIMATE_H

#include "gradroute/lab.h"

/* Seconds of what an audit does with one model; 0: no label, no held-out document, or nothing to attack with. */
typedef struct gr__audit_costs {
    double evaluation; /* losses of all held-out documents, once */
    double relearning; /* the attack on one model, at all its rates */
} gr__audit_costs;

/* rows: sequences of the largest pass to time, that of gr_timing. Changes the model. Errors: those of gr_evaluator_new
 * and gr_finetune. */
gr_status gr__audit_costs_time(gr__audit_costs *costs, gr_model *model, const gr_project *project, int rows,
                               gr_error *err);

#endif
