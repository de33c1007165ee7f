/* verify.h - a changed model is written only where it computes what is expected of it.
 *
 *     gr_surgery_result smaller;
 *     GR_TRY(gr_surgery_remove(&smaller, bundle->def, bundle->model, (const char *[]){"biology"}, 1, err));
 *     gr_probe *probe;
 *     GR_TRY(gr_probe_open(&probe, "other.txt", bundle, err));
 *     gr_verify_side before = {bundle->model, (const char *[]){"biology"}, 1}, after = {.model = smaller.model};
 *     gr_verdict verdict = {.exact = true};
 *     status = gr_verify_save(&verdict, "runs/smaller", &smaller, bundle, probe, &before, &after, err);
 *     gr_probe_free(probe);
 */
#ifndef GRADROUTE_VERIFY_H
#define GRADROUTE_VERIFY_H

#include "gradroute/bundle.h"
#include "gradroute/surgery.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Rows to compare on, or to take means over ------------------------------------------------------------------- */

typedef struct gr_probe gr_probe;

/* The text of a file (gr_source_of), encoded by the folder's tokenizer; NULL: one batch of keyed tokens, of numbers for
 * a multilayer perceptron. Errors: those of the corpus, of gr_bundle_tokenizer; GR_ERR_USAGE: the tokenizer has more
 * tokens than the network reads. */
gr_status gr_probe_open(gr_probe **probe, const char *path, const gr_bundle *bundle, gr_error *err);
int gr_probe_positions(const gr_probe *probe);    /* most positions in a batch */
bool gr_probe_next(void *probe, gr_batch *batch); /* false at the end; fits gr_surgery_off_def.next */
int gr_probe_batches(const gr_probe *probe);      /* handed out since the last rewind */
void gr_probe_rewind(gr_probe *probe);
void gr_probe_free(gr_probe *probe); /* NULL is fine */

/* ---- Verification ------------------------------------------------------------------------------------------------ */

/* A model with regions switched off. */
typedef struct gr_verify_side {
    gr_model *model;
    const char *const *off; /* [count] */
    int count;
} gr_verify_side;

typedef struct gr_verdict {
    bool exact, force; /* in: the two should agree, up to rounding (1e-4); write all the same */
    const char *hint;  /* in: what to do when they do not; NULL: none */
    double difference; /* out: the largest of the logits */
} gr_verdict;

/* Compares both sides on the first batches of the probe, then writes the result as a model folder, its parents made,
 * with what the source says of itself. GR_ERR_USAGE when the sides should agree, do not, and nothing forces it;
 * GR_ERR_NUMERIC when logits are not finite: then nothing was written. Further errors: those of gr_surgery_compare and
 * gr_bundle_save. */
gr_status gr_verify_save(gr_verdict *verdict, const char *path, const gr_surgery_result *result,
                         const gr_bundle *source, gr_probe *probe, const gr_verify_side *before,
                         const gr_verify_side *after, gr_error *err);

#ifdef __cplusplus
}
#endif

#endif
