/* internal.h - what the files of src/train share: a logical batch in the order in which it is computed (batch.c), one
 * step (step.c), and the optimiser's state as checkpoints and diagnostics see it (optim.c). */
#ifndef GR_TRAIN_INTERNAL_H
#define GR_TRAIN_INTERNAL_H

#include "gradroute/optim.h"
#include "gradroute/route.h"
#include "gradroute/stream.h"
#include "io/checkpoint.h"

/* Registers moments and step counts under "optim/...". */
void gr__optim_register(gr_optim *optim, gr_checkpoint *checkpoint);

/* What a gradient would move the numbers of a slice by at the optimiser's present scales, momentum, clipping and decay
 * left out: rate g, or with second moments rate g / (root sqrt(v) + eps). rate is 0 for a slice that was never open. */
typedef struct gr__update_scale {
    double rate, root, eps;
    const gr_real *second; /* of the slice's parameter; NULL: none are kept */
} gr__update_scale;
gr__update_scale gr__optim_scale(const gr_optim *optim, int slice);

/* ---- from rows of text to what a pass reads (batch.c) ------------------------------------------------------------ */

/* A logical batch: sequences of one class side by side, copies for routes with `repeat` included, cut into
 * micro-batches of at most `micro` sequences. Every array has sequences * width entries; start counts from the
 * micro-batch. */
typedef struct gr__assembly {
    int rows, width;         /* most sequences given to a fill, positions of each */
    int micro;               /* sequences of a micro-batch */
    int copies;              /* showings that a sequence may get beside its first */
    const gr_router *router; /* NULL: class 0 for every row that is present */
    int sequences;           /* of the last fill */
    int64_t step, targeted;  /* targeted: targets that are not ignored, copies included */
    int64_t denominator;     /* those of the rows that were given: so neither a copy nor a row that is left out changes
                              * the step of what it leaves closed */
    int32_t *ids, *targets, *start, *cls; /* as in gr_batch */
    gr_real *x;                           /* values of samples, x_width each; taken by the first fill that has some */
    int32_t x_width;
    gr_real *mix;              /* by the rows' scores; NULL where no route mixes */
    int16_t *truth, *revealed; /* labels as in gr_rows, for metrics */
    uint8_t *copy;             /* [sequences] 1: a second showing */
    int32_t *drawn;            /* [1 + copies][rows * width] classes of all showings of the rows as they came */
    gr_real *score;            /* [rows * width] what the router makes of their scores; NULL where no route mixes */
    int32_t *from, *key, *order, *count; /* scratch of the sort: place of a showing in drawn, its class, sorted, by
                                          * class */
} gr__assembly;

gr__assembly *gr__assembly_new(int rows, int width, int micro, const gr_router *router);
void gr__assembly_free(gr__assembly *assembly);
void gr__assembly_fill(gr__assembly *assembly, const gr_rows *rows, int64_t step);
int gr__assembly_batches(const gr__assembly *assembly);
gr_batch gr__assembly_batch(const gr__assembly *assembly, int index);

/* ---- one step (step.c) ------------------------------------------------------------------------------------------- */

/* Losses of a step, summed over rows in their order. Copies count in `loss` alone. */
typedef struct gr__losses {
    double loss;     /* the objective: all losses of the graph */
    int labels;      /* true labels 0..labels - 1 */
    double *sum;     /* [labels] losses of the targets of rows with this label */
    int64_t *tokens; /* [labels] how many targets these are */
} gr__losses;

/* Zero, forward and backward for each micro-batch, reduce, optimise. row_loss: the model's output of that name, or
 * GR_NONE. GR_ERR_NUMERIC leaves parameters and optimiser as they were. */
gr_status gr__step(gr_run *run, gr_optim *optim, const gr__assembly *assembly, gr_value row_loss, gr__losses *losses,
                   double *norm, gr_error *err);

#endif
