/* diagnose.h - what is measured beside training and never changes it: gradients by label and region, losses with
 * regions on and off. docs/measures.md says what the figures mean. */
#ifndef GR_TRAIN_DIAGNOSE_H
#define GR_TRAIN_DIAGNOSE_H

#include "gradroute/train.h"
#include "train/internal.h"

/* ---- norms.c: sums of squares by owner, 0 the core and 1 + r region r (what several share counts for the first) ----
 */

typedef struct gr__norms gr__norms;
gr__norms *gr__norms_new(gr_model *model, const gr_tables *tables);
void gr__norms_free(gr__norms *norms);
/* [1 + regions] of the run's gradient, and of what it would move the parameters by (gr__optim_scale). */
void gr__norms_measure(gr__norms *norms, gr_run *run, const gr_optim *optim, double *gradient, double *update);

/* ---- sample.c: rows of documents of one kind ---- */

typedef bool gr__sample_wants(const gr_labels *labels, uint32_t doc, int which);

/* A scan over at most `most` of docs[count] that are wanted, drawn by the key, in batches of `rows` rows; *scan is NULL
 * when there is none. *batches counts them. */
gr_status gr__sample_new(gr_scan **scan, int *batches, const gr_dataset *data, const gr_labels *labels,
                         const uint32_t *docs, size_t count, gr__sample_wants *wants, int which, size_t most,
                         uint64_t seed, uint32_t key, int rows, int width, gr_error *err);
void gr__sample_at(gr_scan *scan, int batch, gr_rows *rows); /* any batch, in any order */

/* ---- diagnose.c ---- */

typedef struct gr__diagnosis gr__diagnosis;

/* All memory is taken here. *diagnosis is NULL when there is nothing to measure: no data, labels, router or regions. */
gr_status gr__diagnosis_new(gr__diagnosis **diagnosis, const gr_train_def *def, gr_run *run, const gr_optim *optim,
                            gr_error *err);
void gr__diagnosis_free(gr__diagnosis *diagnosis);

/* After a step (from 1) measures what is due: with the training run, whose gradient is used up by then, and the model
 * as it is now. Does not allocate. */
void gr__diagnosis_step(gr__diagnosis *diagnosis, int64_t step);

/* Of the last step: members of a JSON object, each after a comma; "" when nothing was due. NULL diagnosis: "". */
const char *gr__diagnosis_json(const gr__diagnosis *diagnosis);
size_t gr__diagnosis_json_most(const gr__diagnosis *diagnosis); /* bytes */

/* For the caller's progress: the latest figures, and a warning that is new with this step. */
void gr__diagnosis_progress(const gr__diagnosis *diagnosis, gr_progress *progress);

/* Writes a warning and returns true when switching the region off costs too much where it should cost nothing (retain),
 * or, once `passed` of the steps are done, its topic (forget) hardly more than other text. NaN: not measured. */
bool gr__diagnosis_judge(char *text, size_t size, const char *region, double forget, double retain, double passed);

#endif
