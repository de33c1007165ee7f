/* unopened.h - what no row has opened while a run went on: parameters that stayed as they were without anybody saying
 * so. */
#ifndef GR_TRAIN_UNOPENED_H
#define GR_TRAIN_UNOPENED_H

#include "gradroute/optim.h"
#include "gradroute/route.h"

typedef struct gr__unopened gr__unopened;

/* NULL where there is nothing to look at: no router, or a run of a few steps. All memory is taken here. Where routes
 * close most of the network for every row, that is meant (a region is added to a model), and left out. */
gr__unopened *gr__unopened_new(const gr_model *model, const gr_router *router, int64_t steps);
void gr__unopened_free(gr__unopened *unopened);

/* After a step (from 1): looks after a tenth of the run, unless routes begin later, and at the end. Does not allocate;
 * changes nothing. */
void gr__unopened_step(gr__unopened *unopened, const gr_optim *optim, int64_t step);

const char *gr__unopened_json(const gr__unopened *unopened);    /* of the last step: a member after a comma, or "" */
const char *gr__unopened_warning(const gr__unopened *unopened); /* that is new with the last step, or NULL */

#endif
