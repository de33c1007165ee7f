/* Losses per document: the model runs forward over a scan of documents, under a profile, and the loss of each target is
 * added to its document's sum, in double and in the order of positions. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "gradroute/train.h"

struct gr_evaluator {
    /* A run without gradients, in which class 0 is the profile. */
    gr_run *run;
    gr_value row_loss, logits; /* logits: GR_NONE where the model names none */
    int vocab;                 /* of the logits */
    int rows, width;
    int32_t *start, *cls;                                  /* [rows * width] */
    const gr_labels *labels;                               /* NULL: every target counts */
    bool (*after)(void *user, int64_t done, int64_t rows); /* of a batch; NULL: nobody follows */
    void *user;
    void (*each)(void *user, const gr_prediction *at); /* of a target; NULL: nobody is told */
    void *each_user;
};

gr_status gr_evaluator_new(gr_evaluator **evaluator, gr_model *model, const gr_tables *tables, int rows, int width,
                           gr_error *err) {
    *evaluator = NULL;
    gr_value row_loss = gr_model_output(model, "row_loss");
    if (row_loss == GR_NONE)
        return gr_error_set(err, GR_ERR_USAGE, "model", "name the cross-entropy by gr_graph_output",
                            "there is no output 'row_loss' to evaluate");
    if (rows < 1 || width < 1 || rows > INT32_MAX / 2 / width)
        return gr_error_set(err, GR_ERR_USAGE, "evaluation", NULL, "a batch of %d rows of %d positions", rows, width);
    gr_run *run;
    GR_TRY(gr_run_new(&run, model, tables, &(gr_run_def){.positions = rows * width}, err));

    gr_evaluator *e = gr_alloc(sizeof *e);
    size_t n = (size_t)rows * (size_t)width;
    gr_value logits = gr_model_output(model, "logits");
    *e = (gr_evaluator){.run = run, .row_loss = row_loss, .logits = logits, .rows = rows, .width = width};

    /* Room for a batch of a scan. */
    e->vocab = gr_model_width(model, logits);
    e->start = gr_alloc(n * sizeof *e->start);
    e->cls = gr_alloc(n * sizeof *e->cls);

    *evaluator = e;
    return GR_OK;
}

void gr_evaluator_free(gr_evaluator *e) {
    if (!e)
        return;
    gr_run_free(e->run);
    gr_free(e->start);
    gr_free(e->cls);
    gr_free(e);
}

void gr_evaluator_labelled(gr_evaluator *e, const gr_labels *labels) { e->labels = labels; }

void gr_evaluator_follow(gr_evaluator *e, bool (*after)(void *user, int64_t done, int64_t rows), void *user) {
    e->after = after;
    e->user = user;
}

void gr_evaluator_each(gr_evaluator *e, void (*each)(void *user, const gr_prediction *at), void *user) {
    e->each = each;
    e->each_user = user;
}

/* Runs the model over the rows of a scan: documents see nothing of each other, gaps between them are absent. */
static void forward(gr_evaluator *e, const gr_rows *rows) {
    int n = rows->sequences * rows->width;

    /* Beginnings of documents count from the row of the batch, not of the sequence. */
    for (int i = 0; i < n; i++) {
        e->start[i] = i / rows->width * rows->width + rows->start[i];
        e->cls[i] = rows->doc[i] < 0 ? -1 : 0;
    }

    gr_batch batch = {.positions = n,
                      .ids = rows->ids,
                      .targets = rows->targets,
                      .start = e->start,
                      .cls = e->cls,
                      .x = {rows->x},
                      .denominator = rows->present > 0 ? (double)rows->present : 1};
    gr_run_forward(e->run, &batch);
}

/* Whether the target of position i counts. */
static bool counts(const gr_evaluator *e, const gr_rows *rows, int i, size_t docs) {
    return rows->doc[i] >= 0 && (size_t)rows->doc[i] < docs && rows->targets[i] >= 0 &&
           gr_labels_counts(e->labels, (uint32_t)rows->doc[i], rows->truth[i]);
}

/* Whether the largest logit of a row, the first of equals, is that of its target. */
static bool is_right(const gr_real *logits, int n, int32_t target) {
    int best = 0;
    for (int i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    return best == target;
}

/* Counts right answers of the rows just run. */
static void count_right(const gr_evaluator *e, const gr_rows *rows, int32_t *right, size_t docs) {
    int stride;
    const gr_real *logits = gr_run_value(e->run, e->logits, &stride);
    for (int i = 0; i < rows->sequences * rows->width; i++)
        if (counts(e, rows, i, docs))
            right[rows->doc[i]] += is_right(logits + (size_t)i * (size_t)stride, e->vocab, rows->targets[i]);
}

/* The loss of each target of the rows just run goes to its document. */
static void add_losses(const gr_evaluator *e, const gr_rows *rows, double *nll, int32_t *tokens, size_t docs) {
    int stride;
    const gr_real *loss = gr_run_value(e->run, e->row_loss, &stride);
    for (int i = 0; i < rows->sequences * rows->width; i++) {
        if (!counts(e, rows, i, docs))
            continue;
        nll[rows->doc[i]] += (double)loss[(size_t)i * (size_t)stride];
        tokens[rows->doc[i]]++;
    }
}

/* Whoever wants to know is told of the targets of the rows just run. */
static void tell_each(const gr_evaluator *e, const gr_rows *rows, size_t docs) {
    int loss_stride, stride = 0;
    const gr_real *loss = gr_run_value(e->run, e->row_loss, &loss_stride);
    const gr_real *logits = e->logits == GR_NONE ? NULL : gr_run_value(e->run, e->logits, &stride);
    for (int i = 0; i < rows->sequences * rows->width; i++) {
        if (!counts(e, rows, i, docs))
            continue;
        const gr_prediction at = {.doc = (uint32_t)rows->doc[i],
                                  .target = rows->targets[i],
                                  .nll = (double)loss[(size_t)i * (size_t)loss_stride],
                                  .logits = logits ? logits + (size_t)i * (size_t)stride : NULL,
                                  .vocab = e->vocab};
        e->each(e->each_user, &at);
    }
}

bool gr_evaluate(gr_evaluator *e, gr_scan *scan, double *nll, int32_t *tokens, size_t docs) {
    return gr_evaluate_right(e, scan, nll, tokens, NULL, docs);
}

bool gr_evaluate_right(gr_evaluator *e, gr_scan *scan, double *nll, int32_t *tokens, int32_t *right, size_t docs) {
    gr_rows rows;
    int64_t done = 0;
    assert(!right || e->logits != GR_NONE);

    /* Documents that the scan does not hold keep 0. */
    if (right)
        memset(right, 0, docs * sizeof *right);
    memset(nll, 0, docs * sizeof *nll);
    memset(tokens, 0, docs * sizeof *tokens);

    /* A document may be spread over several batches. */
    gr_scan_rewind(scan);
    while (gr_scan_next(scan, &rows)) {
        assert(rows.sequences <= e->rows && rows.width == e->width);
        forward(e, &rows);
        if (right)
            count_right(e, &rows, right, docs);
        add_losses(e, &rows, nll, tokens, docs);
        if (e->each)
            tell_each(e, &rows, docs);

        /* Whoever follows may have heard enough. */
        done += rows.sequences;
        if (e->after && !e->after(e->user, done, gr_scan_rows(scan)))
            return false;
    }
    return true;
}

gr_status gr_losses_check(const double *nll, size_t docs, const char *place, gr_error *err) {
    size_t broken = 0;
    for (size_t d = 0; d < docs; d++)
        broken += !isfinite(nll[d]);
    if (!broken)
        return GR_OK;
    return gr_error_set(err, GR_ERR_NUMERIC, place, "the model is damaged or diverged while training",
                        "the loss of %zu %s is not finite", broken,
                        gr__plural((int64_t)broken, "document", "documents"));
}

double gr_loss_mean(const double *nll, const int32_t *tokens, const uint32_t *docs, size_t count) {
    double sum = 0, n = 0;
    for (size_t i = 0; i < count; i++) {
        sum += nll[docs[i]];
        n += tokens[docs[i]];
    }
    return n > 0 ? sum / n : NAN;
}
