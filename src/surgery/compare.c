/* compare.c - the largest difference between the logits of two models over the same rows: the proof that surgery left a
 * function alone. */
#include <math.h>

#include "base/mem.h"
#include "gradroute/surgery.h"

/* The largest difference over the rows that count. What is not a number differs by infinity. */
static double difference(gr_run *const run[2], const gr_value logits[2], int width, const gr_batch *batch) {
    const gr_real *v[2];
    int stride[2];
    double largest = 0;
    for (int k = 0; k < 2; k++)
        v[k] = gr_run_value(run[k], logits[k], &stride[k]);
    for (int i = 0; i < batch->positions; i++) {
        if (batch->cls[i] < 0)
            continue;
        const gr_real *a = v[0] + (size_t)i * (size_t)stride[0], *b = v[1] + (size_t)i * (size_t)stride[1];
        for (int j = 0; j < width; j++) {
            double d = fabs((double)a[j] - (double)b[j]);
            if (isnan(d))
                d = INFINITY;
            largest = d > largest ? d : largest;
        }
    }
    return largest;
}

/* cls[positions]: the profiles know one class. */
static gr_status compare(double *largest, gr_run *const run[2], const gr_value logits[2], int width, int positions,
                         int32_t *cls, bool (*next)(void *, gr_batch *), void *context, gr_error *err) {
    int64_t counted = 0;
    for (gr_batch batch = {0}; next(context, &batch); batch = (gr_batch){0}) {
        if (batch.positions < 1 || batch.positions > positions)
            return gr_error_set(err, GR_ERR_USAGE, "comparison", NULL,
                                "a batch has %d positions, the most was said to be %d", batch.positions, positions);

        /* Absent rows stay absent, and all others have the one class that a profile knows. */
        for (int i = 0; i < batch.positions; i++) {
            cls[i] = batch.cls && batch.cls[i] < 0 ? -1 : 0;
            counted += cls[i] == 0;
        }
        batch.cls = cls;

        /* Both models over the same rows. */
        for (int k = 0; k < 2; k++)
            gr_run_forward(run[k], &batch);
        double d = difference(run, logits, width, &batch);
        *largest = d > *largest ? d : *largest;
    }

    /* No row would make any two models equal. */
    if (!counted)
        return gr_error_set(err, GR_ERR_USAGE, "comparison", NULL, "there are no positions to compare on");
    return GR_OK;
}

gr_status gr_surgery_compare(double *largest, const gr_surgery_side side[2], int positions,
                             bool (*next)(void *context, gr_batch *batch), void *context, gr_error *err) {
    gr_value logits[2];
    int width[2];
    gr_run *run[2] = {NULL, NULL};
    *largest = 0;
    for (int k = 0; k < 2; k++) {
        logits[k] = gr_model_output(side[k].model, "logits");
        width[k] = gr_model_width(side[k].model, logits[k]);
    }

    /* The same vocabulary on both sides. */
    if (width[0] < 1 || width[0] != width[1])
        return gr_error_set(err, GR_ERR_USAGE, "comparison", NULL, "one model has %d logits, the other %d", width[0],
                            width[1]);

    /* Runs with the tables of each side. */
    int32_t *cls = gr_alloc((size_t)positions * sizeof *cls);
    gr_status status = GR_OK;
    for (int k = 0; k < 2 && status == GR_OK; k++)
        status = gr_run_new(&run[k], side[k].model, side[k].tables, &(gr_run_def){.positions = positions}, err);
    if (status == GR_OK)
        status = compare(largest, run, logits, width[0], positions, cls, next, context, err);
    gr_run_free(run[0]);
    gr_run_free(run[1]);
    gr_free(cls);
    return status;
}
