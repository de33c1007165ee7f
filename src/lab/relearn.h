/* relearn.h - the test of removal: fine-tune a model on a few forget documents, keep the best it reaches. */
#ifndef GR_LAB_RELEARN_H
#define GR_LAB_RELEARN_H

#include "gradroute/lab.h"

/* Losses per document at the best step over all learning rates, step 0 included. */
typedef struct gr_relearned {
    double loss, lr; /* mean forget loss at the best point, and the learning rate that led there (0: step 0) */
    int step;
    double *nll;     /* [docs] of the whole dataset; 0 outside the measured documents */
    int32_t *tokens; /* [docs] */
} gr_relearned;

/* Fine-tunes copies of the model's state on attack[attack_count] as the recipe's relearn section says and measures on
 * docs[count], under a profile (NULL: the model as it is); the model is as before afterwards. A rate that diverges ends
 * with the step before. Kept in the file at path (NULL: nowhere): a second call reads it. */
gr_status gr_relearn(gr_relearned *out, const gr_project *project, gr_model *model, const gr_tables *profile,
                     const uint32_t *attack, size_t attack_count, const uint32_t *docs, size_t count, const char *path,
                     gr_error *err);
void gr_relearned_free(gr_relearned *r);

#endif
