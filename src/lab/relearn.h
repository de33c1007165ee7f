/* relearn.h - the test of removal: fine-tune a model on a few forget documents, at the rate and up to the step that
 * serve the attacker best by validation documents, and measure it there on others. */
#ifndef GR_LAB_RELEARN_H
#define GR_LAB_RELEARN_H

#include "lab/follow.h"

/* Losses per document at the best point over all learning rates and steps, step 0 included. */
typedef struct gr_relearned {
    double chosen, lr; /* mean loss of the documents it was chosen on, and the learning rate (0: step 0) */
    int step;
    double *nll;     /* [docs] of the whole dataset; 0 outside the measured documents */
    int32_t *tokens; /* [docs] */
} gr_relearned;

typedef struct gr_relearn_def {
    const uint32_t *attack; /* [attack_count] fine-tuned on */
    size_t attack_count;
    const uint32_t *choose; /* [choose_count] the best point is where their loss is lowest */
    size_t choose_count;
    const uint32_t *docs; /* [count] measured there */
    size_t count;
    const char *path;   /* of the file that keeps the result, so that a second call reads it; NULL: none */
    gr__follow *follow; /* told of the steps of all rates, and asked between batches; NULL: nobody */
} gr_relearn_def;

/* Fine-tunes copies of the model's state as the recipe's relearn section says, under a profile (NULL: the model as it
 * is); the model is as before afterwards. A rate that diverges ends with the step before. GR_ERR_INTERRUPTED: who
 * follows asked to stop; nothing was written. */
gr_status gr_relearn(gr_relearned *out, const gr_project *project, gr_model *model, const gr_tables *profile,
                     const gr_relearn_def *def, gr_error *err);
void gr_relearned_free(gr_relearned *r);

#endif
