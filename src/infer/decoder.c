/* Reading text with a model, token by token, where earlier tokens are not computed again.
 *
 * There are two runs over one graph. `pass` computes a whole window at once: a prompt, or the window after it slid.
 * `step` computes one row from the keys and values that attention kept of the rows before it. A pass fills what the
 * step keeps (`follower`), so the two can take turns. */
#include <string.h>

#include "base/mem.h"
#include "gradroute/infer.h"
#include "model/running.h"

struct gr_decoder {
    gr_model *model;
    const gr_tables *tables;
    gr_decoder_def def;
    gr_run *step, *pass; /* pass: NULL before the first one */
    int pass_rows;       /* what it was made for */
    int32_t *ids;        /* [context] the window */
    int count;           /* tokens in it */
    gr_value logits;
};

gr_decoder_def gr_decoder_default(void) { return (gr_decoder_def){.context = 128}; }

gr_status gr_decoder_new(gr_decoder **out, gr_model *model, const gr_tables *tables, const gr_decoder_def *def,
                         gr_error *err) {
    *out = NULL;
    if (gr_model_output(model, "logits") == GR_NONE)
        return gr_error_set(err, GR_ERR_USAGE, "model", NULL, "it has no output named logits");
    if (def->context < 1)
        return gr_error_set(err, GR_ERR_USAGE, "decoder", NULL, "context %d", def->context);

    /* The run that computes row by row knows how many tokens there are. */
    gr_run *step;
    GR_TRY(gr_run_new(&step, model, tables,
                      &(gr_run_def){.positions = 1, .precision = def->precision, .decode = def->context}, err));
    if (step->vocab == INT32_MAX) {
        gr_run_free(step);
        return gr_error_set(err, GR_ERR_USAGE, "model", NULL, "it reads no tokens");
    }

    gr_decoder *d = *out = gr_alloc(sizeof *d);
    *d = (gr_decoder){.model = model, .tables = tables, .def = *def, .step = step};
    d->logits = gr_model_output(model, "logits");
    d->ids = gr_alloc((size_t)def->context * sizeof *d->ids);
    return GR_OK;
}

void gr_decoder_free(gr_decoder *d) {
    if (!d)
        return;
    gr_run_free(d->step);
    gr_run_free(d->pass);
    gr_free(d->ids);
    gr_free(d);
}

void gr_decoder_restart(gr_decoder *d) { d->count = 0; }
int gr_decoder_count(const gr_decoder *d) { return d->count; }
int gr_decoder_vocab(const gr_decoder *d) { return gr_model_width(d->model, d->logits); }

/* A run for windows of `count` rows: of 64, 128 .., so that few are made. The size of a run decides how its products
 * round, so it follows from the window alone and not from what was read before. */
static gr_status pass_for(gr_decoder *d, int count, gr_error *err) {
    const int rows = count > d->def.context - 63 ? d->def.context : (count + 63) / 64 * 64;
    if (d->pass && d->pass_rows == rows)
        return GR_OK;
    gr_run_free(d->pass);
    d->pass = NULL;
    d->pass_rows = rows;
    GR_TRY(gr_run_new(&d->pass, d->model, d->tables, &(gr_run_def){.positions = rows, .precision = d->def.precision},
                      err));
    d->pass->follower = d->step;
    return GR_OK;
}

/* Computes the whole window in one pass, which fills what the rows to come read. */
static gr_status pass_over(gr_decoder *d, const gr_real **logits, gr_error *err) {
    GR_TRY(pass_for(d, d->count, err));
    int stride;
    gr_run_forward(d->pass, &(gr_batch){.positions = d->count, .ids = d->ids, .denominator = 1});
    const gr_real *all = gr_run_value(d->pass, d->logits, &stride);
    *logits = all + (size_t)(d->count - 1) * (size_t)stride;
    return GR_OK;
}

/* Computes the row at this position of the window from those before it. */
static void step_to(gr_decoder *d, const gr_real **logits, int position) {
    int stride;
    gr_run_forward(d->step, &(gr_batch){.positions = 1, .ids = d->ids + position, .first = position, .denominator = 1});
    *logits = gr_run_value(d->step, d->logits, &stride);
}

/* Makes room for ids[count]: the window becomes all of them that fit into the context, or, with tokens read before, the
 * last three quarters of the context. It then has to be computed again, because positions have changed. */
static void slide(gr_decoder *d, const int32_t *ids, int count) {
    const int context = d->def.context, some = context - (context + 3) / 4;
    int rows = count > some ? count : some > 0 ? some : 1;
    rows = rows < context ? rows : context;

    /* The last `fresh` of ids behind the last `old` of the window. */
    const int fresh = count < rows ? count : rows, old = rows - fresh;
    memmove(d->ids, d->ids + d->count - old, (size_t)old * sizeof *d->ids);
    memcpy(d->ids + old, ids + count - fresh, (size_t)fresh * sizeof *d->ids);
    d->count = rows;
}

gr_status gr_decoder_read(gr_decoder *d, const gr_real **logits, const int32_t *ids, int count, gr_error *err) {
    if (count < 1)
        return gr_error_set(err, GR_ERR_USAGE, "prompt", "start with the end-of-text token", "it has no tokens");
    for (int i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= d->step->vocab)
            return gr_error_set(err, GR_ERR_USAGE, "prompt", "use the tokenizer that the model was trained with",
                                "token %d is outside the vocabulary of %d", ids[i], d->step->vocab);

    /* The tokens join the window, which slides where they do not fit. */
    const int before = d->count;
    const bool full = count > d->def.context - before;
    if (full) {
        slide(d, ids, count);
    } else {
        memcpy(d->ids + before, ids, (size_t)count * sizeof *ids);
        d->count += count;
    }

    /* One pass where the whole window is new, else a step for each token. A pass that fails leaves nothing behind. */
    gr_status status = GR_OK;
    if (full || (before == 0 && count > 1))
        status = pass_over(d, logits, err);
    else
        for (int i = before; i < d->count; i++)
            step_to(d, logits, i);
    if (status != GR_OK)
        d->count = 0;
    return status;
}
