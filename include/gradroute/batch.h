/* batch.h - what a pass reads: borrowed pointers to N positions.
 *
 *     gr_batch batch = {.positions = 4096, .ids = ids, .targets = targets, .start = start, .denominator = 4096};
 *     gr_run_forward(run, &batch);
 *
 * Positions are tokens of a language model, samples or timesteps elsewhere; a value, [N x width], has a row for each.
 * What a class means is known to route.h only.
 */
#ifndef GRADROUTE_BATCH_H
#define GRADROUTE_BATCH_H

#include "gradroute/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { GR_BATCH_INPUTS = 4 };

typedef struct gr_batch {
    int positions;          /* N, at most the run's capacity */
    const int32_t *ids;     /* [N] tokens for gr_embedding */
    const int32_t *targets; /* [N] for gr_cross_entropy; negative: ignored */
    const int32_t
        *start; /* [N] row of this batch where the row's document begins; NULL: 0. Absent rows end a document */
    const gr_real *x[GR_BATCH_INPUTS]; /* [N x width] for gr_input */
    const gr_real *weight;             /* [N] for gr_mean; NULL: all 1 */
    const int32_t *cls;                /* [N] class of the row in the run's tables, -1 absent; NULL: all 0 */
    const gr_real *mix;                /* [N] in [0,1]: effective weight 1 + mix (T - 1); NULL: all 1 */
    double denominator; /* of gr_mean: that of the whole logical batch, known before the first micro-batch */
    int64_t first;      /* index of row 0 in the logical batch: keys of dropout */
    int64_t step;       /* keys of dropout */
} gr_batch;

#ifdef __cplusplus
}
#endif

#endif
