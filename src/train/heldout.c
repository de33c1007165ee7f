/* Losses of held-out text while a model trains, and what is said about losses that are wrong. */
#include "train/heldout.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/number.h"
#include "train/diagnose.h"

enum { POSITIONS = 2048, BLOCK_POSITIONS = 512, KEY = 0x48454c44 };

struct gr__heldout {
    gr_evaluator *evaluator;
    gr_scan *scan;
    int64_t every, steps;
    double *nll;
    int32_t *tokens;
    size_t all; /* documents of the dataset */
    double loss;
    char json[48];
};

static bool wants_all(const gr_labels *labels, uint32_t doc, int which) {
    (void)labels, (void)doc, (void)which;
    return true;
}

/* Documents of the sample: a pass without gradient over 6 steps' positions costs two steps, of 200 or more. */
static size_t sample_size(const gr_dataset *data, const gr_train_def *def) {
    double enough = fmin(POSITIONS, 6.0 * def->rows * def->width), all = 0;
    for (size_t i = 0; i < data->validation_count; i++)
        all += fmin((double)gr_dataset_targets(data, data->validation[i]), def->width);
    double documents = enough / (all / (double)data->validation_count);
    return documents < 1 ? 1 : (size_t)documents;
}

gr_status gr__heldout_new(gr__heldout **out, const gr_train_def *def, gr_error *err) {
    const gr_heldout_def *own = &def->heldout;
    int rows = BLOCK_POSITIONS / def->width > 1 ? BLOCK_POSITIONS / def->width : 1, batches;
    *out = NULL;
    if (!own->data || own->every <= 0 || !def->labels || own->data->validation_count == 0 ||
        gr_model_output(def->model, "row_loss") == GR_NONE)
        return GR_OK;

    /* What it measures into: losses of every document of the dataset, few of which are read. */
    gr__heldout *h = gr_alloc(sizeof *h);
    h->every = own->every;
    h->steps = def->steps;
    h->loss = NAN;
    h->all = own->data->topics.docs;
    h->nll = gr_alloc(h->all * sizeof *h->nll);
    h->tokens = gr_alloc(h->all * sizeof *h->tokens);

    /* The sample is the same at every step and for every model of a comparison. */
    gr_status status = gr_evaluator_new(&h->evaluator, def->model, NULL, rows, def->width, err);
    if (status == GR_OK)
        status = gr__sample_new(&h->scan, &batches, own->data, def->labels, own->data->validation,
                                own->data->validation_count, wants_all, 0, sample_size(own->data, def), own->seed, KEY,
                                rows, def->width, err);
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
    if (!isfinite(loss))
        return NULL;
    w->sum += loss;
    if (++w->count < w->window)
        return NULL;
    double mean = w->sum / (double)w->count;
    w->sum = 0, w->count = 0;

    /* How many windows in a row were above the one before. */
    if (mean > w->last) {
        w->from = w->rising++ ? w->from : w->last;
    } else {
        w->rising = 0;
        w->told_rise = false;
    }
    w->last = mean;
    w->best = fmin(w->best, mean);

    if (!w->told_guess && 10 * step >= w->steps && mean > w->guess) {
        w->told_guess = true;
        gr__print(w->text, sizeof w->text,
                  "the training loss is %.2f, above the %.2f of a guess: a lower train.lr or a longer warmup may help",
                  mean, w->guess);
        return w->text;
    }
    if (!w->told_rise && w->rising >= RISES && mean > (1 + worse) * w->best) {
        w->told_rise = true;
        gr__print(w->text, sizeof w->text,
                  "the training loss has risen for %lld steps, from %.3f to %.3f: a lower train.lr may help",
                  (long long)(w->rising * w->window), w->from, mean);
        return w->text;
    }
    return NULL;
}
