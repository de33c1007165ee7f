/* heldout.h - whether training goes well: the loss of text it does not see, and a training loss that it should not
 * have.
 */
#ifndef GR_TRAIN_HELDOUT_H
#define GR_TRAIN_HELDOUT_H

#include "gradroute/train.h"

/* ---- the loss of a fixed sample of held-out documents, every so many steps ---- */

typedef struct gr__heldout gr__heldout;

/* All memory is taken here. *heldout is NULL where nothing is to be measured: no data, no held-out document, no output
 * "row_loss". A measurement takes at most about a hundredth of the time of the steps between two. */
gr_status gr__heldout_new(gr__heldout **heldout, const gr_train_def *def, gr_error *err);
void gr__heldout_free(gr__heldout *heldout);

/* After a step (from 1). Does not allocate; parameters and state stay as they are. */
void gr__heldout_step(gr__heldout *heldout, int64_t step);

const char *gr__heldout_json(const gr__heldout *heldout); /* of the last step: a member after a comma, or "" */
double gr__heldout_loss(const gr__heldout *heldout);      /* the latest, NaN before the first */

/* ---- a training loss above that of a guess, or one that keeps rising ---- */

typedef struct gr__watch {
    double guess;      /* ln of the number of answers; NaN: not known */
    int64_t steps;     /* of the run */
    int64_t window;    /* steps of a window */
    int64_t count;     /* steps so far of this window */
    double sum;        /* of their losses */
    double last, best; /* mean of the window before, the lowest mean */
    double from;       /* the mean before the losses began to rise */
    int rising;        /* windows in a row, each above the one before */
    bool told_guess;   /* warned already */
    bool told_rise;    /* of this rise */
    char text[160];    /* the warning */
} gr__watch;

void gr__watch_begin(gr__watch *watch, double guess, int64_t steps);

/* A warning that is new with this step's mean loss, or NULL: means over windows of a fiftieth of the run, 20 steps at
 * least. The first tenth of a run may be above a guess. */
const char *gr__watch_step(gr__watch *watch, int64_t step, double loss);

#endif
