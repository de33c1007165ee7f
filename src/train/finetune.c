/* Fine-tuning on a fixed list of documents, as relearning needs it: the documents are packed into rows once, and steps
 * take these rows in turn, without routes. */
#include "base/mem.h"
#include "gradroute/train.h"
#include "train/internal.h"

gr_finetune_def gr_finetune_default(void) {
    gr_finetune_def def = {.steps = 30, .rows = 32, .width = 128, .optim = gr_optim_default(), .every = 5};
    def.optim.lr = 0.0003;
    def.optim.decay = 0;
    def.optim.clip = 0;
    return def;
}

/* What the steps share. */
typedef struct tuning {
    gr_scan *scan;
    gr_rows all; /* every row of the documents, held by the scan */
    int batch;   /* rows of a step */
    gr_run *run;
    gr_optim *optim;
    gr__assembly *assembly;
} tuning;

/* Everything that tuning_open made, also where it failed half way. */
static void tuning_free(tuning *t) {
    gr_scan_free(t->scan);
    gr_run_free(t->run);
    gr_optim_free(t->optim);
    gr__assembly_free(t->assembly);
}

/* Documents as rows, a run of the model and an optimiser for it. */
static gr_status tuning_open(tuning *t, gr_model *model, const gr_tables *tables, const gr_dataset *data,
                             const gr_labels *labels, const uint32_t *docs, size_t count, const gr_finetune_def *def,
                             gr_error *err) {
    if (def->rows < 1 || def->width < 1 || def->steps < 0)
        return gr_error_set(err, GR_ERR_USAGE, "fine-tuning", NULL, "%d steps of %d rows of %d positions", def->steps,
                            def->rows, def->width);
    if (count == 0 || count > INT32_MAX / 2 / (size_t)def->width)
        return gr_error_set(err, GR_ERR_USAGE, "fine-tuning", "give at least one document, and not too many",
                            "%zu documents cannot be trained on", count);

    /* The documents as rows: one batch of the scan that has room for all of them. */
    GR_TRY(gr_scan_new(&t->scan, data, labels, docs, count, (int)count, def->width, err));
    if (!gr_scan_next(t->scan, &t->all))
        return gr_error_set(err, GR_ERR_USAGE, "fine-tuning", NULL, "the documents hold no text");

    /* What a step needs: a run, its rows in order, an optimiser. */
    t->batch = t->all.sequences < def->rows ? t->all.sequences : def->rows;
    gr_run_def run = {.positions = t->batch * def->width, .train = true, .seed = gr_model_seed(model)};
    run.recompute = def->recompute;
    GR_TRY(gr_run_new(&t->run, model, tables, &run, err));
    t->assembly = gr__assembly_new(t->batch, def->width, t->batch, NULL);
    return gr_optim_new(&t->optim, model, tables, &def->optim, err);
}

/* The rows of a step: batch after batch; the last one of a round may be smaller. */
static gr_rows rows_of(const tuning *t, int step) {
    gr_rows rows = t->all;
    int batches = (rows.sequences + t->batch - 1) / t->batch, first = step % batches * t->batch;
    size_t at = (size_t)first * (size_t)rows.width;

    /* The arrays of all rows, seen from the first row of the step on. */
    rows.sequences = rows.sequences - first < t->batch ? rows.sequences - first : t->batch;
    rows.ids += at, rows.targets += at, rows.start += at, rows.doc += at, rows.label += at, rows.truth += at;
    rows.score += at;
    rows.unit += first;
    rows.x = rows.x ? rows.x + at * (size_t)rows.x_width : NULL;
    return rows;
}

/* Step after step; the caller looks at the model before the first, every so many, and after the last. */
static gr_status tune(tuning *t, const gr_finetune_def *def, gr_error *err) {
    gr__losses losses = {0};
    for (int step = 0; step < def->steps; step++) {
        if (def->after && (step == 0 || (def->every > 0 && step % def->every == 0)))
            GR_TRY(def->after(def->user, step, err));

        gr_rows rows = rows_of(t, step);
        gr__assembly_fill(t->assembly, &rows, step);
        GR_TRY(gr__step(t->run, t->optim, t->assembly, GR_NONE, &losses, NULL, err));
        if (def->each)
            GR_TRY(def->each(def->user, step + 1, err));
    }
    return def->after ? def->after(def->user, def->steps, err) : GR_OK;
}

gr_status gr_finetune(gr_model *model, const gr_tables *tables, const gr_dataset *data, const gr_labels *labels,
                      const uint32_t *docs, size_t count, const gr_finetune_def *def, gr_error *err) {
    tuning t = {0};
    gr_status status = tuning_open(&t, model, tables, data, labels, docs, count, def, err);
    if (status == GR_OK)
        status = tune(&t, def, err);
    tuning_free(&t);
    return status;
}
