/* A model takes the place of another only where the two agree. */
#include "gradroute/verify.h"

#include <math.h>

#include "io/file.h"

enum { BATCHES = 16 /* to compare on */ };

/* Differences up to this are rounding. */
static const double most = 1e-4;

/* The first batches are enough to compare on. */
static bool next_few(void *context, gr_batch *batch) {
    gr_probe *p = context;
    return gr_probe_batches(p) < BATCHES && gr_probe_next(p, batch);
}

/* The error for a result that is not what was expected. */
static gr_status disagree(const gr_verdict *v, gr_error *err) {
    if (!isfinite(v->difference))
        return gr_error_set(err, GR_ERR_NUMERIC, "verification", "the model is damaged or diverged while training",
                            "logits are not finite: nothing was written");
    return gr_error_set(err, GR_ERR_USAGE, "verification", v->hint,
                        "logits differ by up to %.3g from what was expected, %g is allowed: nothing was written",
                        v->difference, most);
}

/* The largest difference of the logits on the first batches of the probe. */
static gr_status compare(double *difference, gr_probe *probe, const gr_verify_side *const side[2], gr_error *err) {
    gr_tables *tables[2] = {NULL, NULL};
    gr_surgery_side compared[2];
    gr_status status = GR_OK;

    /* The tables of each side, with its regions off. */
    for (int k = 0; k < 2 && status == GR_OK; k++) {
        status = gr_profile_new(&tables[k], side[k]->model, side[k]->off, side[k]->count, err);
        compared[k] = (gr_surgery_side){side[k]->model, tables[k]};
    }

    gr_probe_rewind(probe);
    if (status == GR_OK)
        status = gr_surgery_compare(difference, compared, gr_probe_positions(probe), next_few, probe, err);
    for (int k = 0; k < 2; k++)
        gr_tables_free(tables[k]);
    return status;
}

gr_status gr_verify_save(gr_verdict *v, const char *path, const gr_surgery_result *result, const gr_bundle *source,
                         gr_probe *probe, const gr_verify_side *before, const gr_verify_side *after, gr_error *err) {
    /* A difference that is not a number is no agreement. */
    GR_TRY(compare(&v->difference, probe, (const gr_verify_side *const[]){before, after}, err));
    if (v->exact && !v->force && !(v->difference <= most))
        return disagree(v, err);

    /* Agreed, or forced: with what the source says of itself. */
    gr_bundle_info info = source->info;
    info.build = GR_VERSION;
    GR_TRY(gr__parent_make(path, err));
    return gr_bundle_save(path, result->def, result->model, &info, err);
}
