/* Losses of held-out text while a model trains, and what is said about losses that are wrong.
 *
 * gr__heldout_* evaluate a fixed sample of validation documents every so many steps. gr__watch_* look at the training
 * loss alone and warn where it is worse than a guess, or rises. */
#include "train/heldout.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/number.h"
#include "train/diagnose.h"

enum {
    POSITIONS = 2048,      /* of the sample, at most about as many */
    BLOCK_POSITIONS = 512, /* of a batch: one block of rows */
    KEY = 0x48454c44       /* of the draw, apart from those of diagnostics */
};

struct gr__heldout {
    gr_evaluator *evaluator;
    gr_scan *scan; /* the sample */
    int64_t every, steps;
    double *nll;     /* [all] of each document */
    int32_t *tokens; /* [all] */
    size_t all;      /* documents of the dataset */
    double loss;     /* the latest, NaN before the first */
    char json[48];   /* of the last step */
};

/* Every held-out document may be drawn (gr__sample_wants). */
static bool wants_all(const gr_labels *labels, uint32_t doc, int which) {
    (void)labels, (void)doc, (void)which;
    return true;
}

/* Documents of the sample. A pass without gradient costs a third of a step, so one over 6 steps' positions costs two
 * steps, of 200 or more between two measurements. */
static size_t sample_size(const gr_dataset *data, int rows, int width) {
    double enough = fmin(POSITIONS, 6.0 * rows * width), all = 0;
    for (size_t i = 0; i < data->validation_count; i++)
        all += fmin((double)gr_dataset_targets(data, data->validation[i]), width);

    /* As many as are needed for that many targets on average. */
    double documents = enough / (all / (double)data->validation_count);
    return documents < 1 ? 1 : (size_t)documents;
}

static int pass_rows(int width) { return BLOCK_POSITIONS / width > 1 ? BLOCK_POSITIONS / width : 1; }

static bool is_wanted(const gr_model *model, const gr_heldout_def *def) {
    return def->data && def->every > 0 && def->data->validation_count > 0 &&
           gr_model_output(model, "row_loss") != GR_NONE;
}

size_t gr_heldout_plan(const gr_model *model, const gr_heldout_def *def, int rows, int width) {
    if (!is_wanted(model, def))
        return 0;
    const gr_dataset *data = def->data;
    gr_memory run = gr_run_plan(model, NULL, &(gr_run_def){.positions = pass_rows(width) * width});
    size_t sample = sample_size(data, rows, width), positions = (size_t)pass_rows(width) * (size_t)width;
    sample = sample < data->validation_count ? sample : data->validation_count;

    /* The run, what the evaluator and the sample are read into, and a loss and a count for every document. */
    return run.total - run.parameters + 2 * positions * sizeof(int32_t) +
           gr_scan_plan(data, sample, pass_rows(width), width) + data->topics.docs * (sizeof(double) + sizeof(int32_t));
}

/* The sample is the same at every step and for every model that is given the same seed and data. */
static gr_status open_sample(gr__heldout *h, const gr_train_def *def, gr_error *err) {
    const gr_heldout_def *own = &def->heldout;
    int rows = pass_rows(def->width), batches;
    GR_TRY(gr_evaluator_new(&h->evaluator, def->model, NULL, rows, def->width, err));
    return gr__sample_new(&h->scan, &batches, own->data, def->labels, own->data->validation,
                          own->data->validation_count, wants_all, 0, sample_size(own->data, def->rows, def->width),
                          own->seed, KEY, rows, def->width, err);
}

gr_status gr__heldout_new(gr__heldout **out, const gr_train_def *def, gr_error *err) {
    const gr_heldout_def *own = &def->heldout;
    *out = NULL;
    if (!def->labels || !is_wanted(def->model, own))
        return GR_OK;

    /* What it measures into: losses of every document of the dataset, few of which are read. */
    gr__heldout *h = gr_alloc(sizeof *h);
    h->every = own->every;
    h->steps = def->steps;
    h->loss = NAN;
    h->all = own->data->topics.docs;
    h->nll = gr_alloc(h->all * sizeof *h->nll);
    h->tokens = gr_alloc(h->all * sizeof *h->tokens);

    gr_status status = open_sample(h, def, err);
    if (status != GR_OK) {
        gr__heldout_free(h);
        return status;
    }
    *out = h;
    return GR_OK;
}

void gr__heldout_free(gr__heldout *h) {
    if (!h)
        return;
    gr_evaluator_free(h->evaluator);
    gr_scan_free(h->scan);
    gr_free(h->nll);
    gr_free(h->tokens);
    gr_free(h);
}

void gr__heldout_step(gr__heldout *h, int64_t step) {
    if (!h)
        return;
    h->json[0] = 0;
    if (step % h->every && step != h->steps)
        return;

    /* Documents that are not in the sample count 0 tokens. */
    double nll = 0, tokens = 0;
    gr_evaluate(h->evaluator, h->scan, h->nll, h->tokens, h->all);
    for (size_t d = 0; d < h->all; d++) {
        nll += h->nll[d];
        tokens += h->tokens[d];
    }
    h->loss = tokens > 0 ? nll / tokens : NAN;

    /* JSON has no word for a loss that is not finite. */
    if (isfinite(h->loss))
        gr__print(h->json, sizeof h->json, ", \"heldout\": %.9g", h->loss);
    else
        gr__print(h->json, sizeof h->json, ", \"heldout\": null");
}

const char *gr__heldout_json(const gr__heldout *h) { return h ? h->json : ""; }
double gr__heldout_loss(const gr__heldout *h) { return h ? h->loss : NAN; }

/* ---- the training loss ---- */

void gr__watch_begin(gr__watch *w, double guess, int64_t steps) {
    *w = (gr__watch){.guess = guess, .steps = steps, .window = steps / 50 > 20 ? steps / 50 : 20};
    w->last = w->best = INFINITY;
}

const char *gr__watch_step(gr__watch *w, int64_t step, double loss) {
    enum { RISES = 3 };
    static const double worse = 0.02; /* share by which a rise must exceed the lowest mean */

    /* The mean of a window of steps; single steps say little. */
    if (!isfinite(loss))
        return NULL;
    w->sum += loss;
    if (++w->count < w->window)
        return NULL;

    double mean = w->sum / (double)w->count;
    w->sum = 0, w->count = 0;

    /* How many windows in a row were above the one before. */
    if (mean > w->last) {
        if (!w->rising)
            w->from = w->last;
        w->rising++;
    } else {
        w->rising = 0;
        w->told_rise = false;
    }
    w->last = mean;
    w->best = fmin(w->best, mean);

    /* Worse than a guess after a tenth of the run: said once. */
    if (!w->told_guess && 10 * step >= w->steps && mean > w->guess) {
        w->told_guess = true;
        gr__print(w->text, sizeof w->text,
                  "the training loss is %.2f, above the %.2f of a guess: a lower train.lr or a longer warmup may help",
                  mean, w->guess);
        return w->text;
    }

    /* Rising for some windows, and clearly above the lowest: said once for each rise. */
    if (!w->told_rise && w->rising >= RISES && mean > (1 + worse) * w->best) {
        w->told_rise = true;
        gr__print(w->text, sizeof w->text,
                  "the training loss has risen for %lld steps, from %.3f to %.3f: a lower train.lr may help",
                  (long long)(w->rising * w->window), w->from, mean);
        return w->text;
    }
    return NULL;
}
