/* pass.h - one pass over the test for all measures that read losses by document.
 *
 *     GR_TRY(gr__pass_test(subject, err));
 *     subject->pass->nll[d];
 */
#ifndef GR_MEASURE_PASS_H
#define GR_MEASURE_PASS_H

#include "gradroute/measure.h"

struct gr_pass {
    double *nll;     /* [docs] of the whole dataset, nats; NULL: not taken yet */
    int32_t *tokens; /* [docs] measured; 0 outside of the test */
    int32_t *right;  /* [docs] of them right; NULL: text */
    bool counted;    /* in the cost of a measure */
};

/* Whether to go on after `done` of `all` parts: GR_ERR_INTERRUPTED if not. And that error, where somebody knows it. */
gr_status gr__subject_told(const gr_subject *subject, int64_t done, int64_t all, gr_error *err);
gr_status gr__subject_stopped(const gr_subject *subject, gr_error *err);

/* A pass of its own over docs[count]: nll and tokens by number of document, to be cleared by gr__pass_clear, also where
 * it fails. Errors as of gr__pass_test. */
gr_status gr__pass_docs(gr_pass *own, const gr_subject *subject, const uint32_t *docs, size_t count, gr_error *err);
void gr__pass_clear(gr_pass *own);

/* Takes the pass unless it is there. A loss that is not finite is GR_ERR_NUMERIC at the subject's
 * name. */
gr_status gr__pass_test(const gr_subject *subject, gr_error *err);

/* A pass of its own over docs[count], packed in this order: `each` is told of every target that counts. Errors as
 * above. */
gr_status gr__subject_each(const gr_subject *subject, const uint32_t *docs, size_t count,
                           void (*each)(void *user, const gr_prediction *at), void *user, gr_error *err);

#endif
