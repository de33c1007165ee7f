/* One step of training: gradients of a logical batch, a micro-batch at a time, then the update of what is open.
 *
 * All routing has happened before: batch.c gave each row its class, and the run knows the weights of each class. Loss
 * and gradient of a micro-batch are divided by the targets of the whole logical batch (gr_batch.denominator), so sums
 * over micro-batches are those of the batch in one piece. */
#include <math.h>

#include "train/internal.h"

/* Adds a micro-batch's losses to those of the true labels. loss has a number for each row, `stride` apart. */
static void collect(gr__losses *losses, const gr__assembly *a, const gr_batch *batch, const gr_real *loss, int stride) {
    for (int n = 0; n < batch->positions; n++) {
        size_t at = (size_t)batch->first + (size_t)n;
        int label = a->truth[at];

        /* Left out: rows without a target, second showings (the first has counted), labels that are not reported. */
        if (batch->targets[n] < 0 || a->copy[at / (size_t)a->width] || label < 0 || label >= losses->labels)
            continue;

        losses->sum[label] += (double)loss[(size_t)n * (size_t)stride];
        losses->tokens[label]++;
    }
}

gr_status gr__step(gr_run *run, gr_optim *optim, const gr__assembly *a, gr_value row_loss, gr__losses *losses,
                   double *norm, gr_error *err) {
    /* Sums of this step, from 0. */
    losses->loss = 0;
    for (int i = 0; i < losses->labels; i++) {
        losses->sum[i] = 0;
        losses->tokens[i] = 0;
    }

    /* Gradients add up over the micro-batches. Losses are read between the passes, because the backward pass may
     * overwrite values. */
    gr_run_zero(run);
    for (int i = 0; i < gr__assembly_batches(a); i++) {
        gr_batch batch = gr__assembly_batch(a, i);
        losses->loss += gr_run_forward(run, &batch);
        if (row_loss != GR_NONE) {
            int stride;
            const gr_real *loss = gr_run_value(run, row_loss, &stride);
            collect(losses, a, &batch, loss, stride);
        }
        gr_run_backward(run);
    }
    gr_run_reduce(run);

    /* A broken loss stops the run before it reaches the parameters. gr_optim_step looks at the gradient itself. */
    if (!isfinite(losses->loss))
        return gr_error_set(err, GR_ERR_NUMERIC, "loss",
                            "go on from the last checkpoint with a lower learning rate or a longer warm-up",
                            "the loss of step %lld is %g", (long long)a->step + 1, losses->loss);

    return gr_optim_step(optim, run, norm, err);
}
