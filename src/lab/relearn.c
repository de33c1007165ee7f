#include "lab/relearn.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "io/file.h"
#include "io/json.h"

void gr_relearned_free(gr_relearned *r) {
    gr_free(r->nll);
    gr_free(r->tokens);
    r->nll = NULL;
    r->tokens = NULL;
}

typedef struct attack {
    gr_relearned *best;
    gr_evaluator *evaluator;
    gr_scan *scan;
    const gr_tables *profile;
    const uint32_t *docs;
    size_t count, all;
    double lr;
    double *nll; /* of the moment */
    int32_t *tokens;
} attack;

/* Measures, and keeps the losses where they are the lowest yet. */
static gr_status measure(void *user, int step, gr_error *err) {
    attack *a = user;
    gr_relearned *best = a->best;
    gr_evaluate(a->evaluator, a->scan, a->nll, a->tokens, a->all);
    double loss = gr_loss_mean(a->nll, a->tokens, a->docs, a->count);
    if (!isfinite(loss)) /* this rate is done; others may do better */
        return gr_error_set(err, GR_ERR_NUMERIC, "relearn", "lower relearn.lr", "the loss is not finite after %d steps",
                            step);
    if (!(loss >= best->loss)) {
        best->loss = loss;
        best->lr = step ? a->lr : 0;
        best->step = step;
        memcpy(best->nll, a->nll, a->all * sizeof *a->nll);
        memcpy(best->tokens, a->tokens, a->all * sizeof *a->tokens);
    }
    return GR_OK;
}

static void copy_parameters(gr_model *model, gr_real *store, bool back) {
    for (int p = 0; p < gr_model_params(model); p++) {
        size_t n = (size_t)gr_model_param(model, p)->rows * (size_t)gr_model_param(model, p)->cols;
        memcpy(back ? gr_model_data(model, p) : store, back ? store : gr_model_data(model, p), n * sizeof *store);
        store += n;
    }
}

static gr_status tune(attack *a, const gr_project *p, gr_model *model, const uint32_t *docs, size_t count,
                      gr_error *err) {
    const gr_recipe_relearn *r = &p->recipe->relearn;
    gr_real *store = gr_alloc(gr_model_size(model) * sizeof *store);
    copy_parameters(model, store, false);
    gr_status status = GR_OK;
    for (int i = 0; i < r->rates && status == GR_OK; i++) {
        gr_finetune_def def = gr_finetune_default();
        def.steps = r->steps;
        def.rows = r->batch;
        def.width = p->recipe->data.context;
        def.recompute = p->recipe->train.recompute;
        def.optim.lr = a->lr = r->lr[i];
        def.every = r->every;
        def.after = measure;
        def.user = a;
        gr_error diverged = {0};
        status = gr_finetune(model, a->profile, p->data, p->labels, docs, count, &def, &diverged);
        if (status == GR_ERR_NUMERIC && isfinite(a->best->loss)) {
            gr_log(1, "relearning at rate %g: %s", a->lr, diverged.message);
            status = GR_OK;
        } else if (status != GR_OK) {
            gr_error_set(err, status, diverged.place, diverged.hint, "%s", diverged.message);
        }
        copy_parameters(model, store, true);
    }
    gr_free(store);
    return status;
}

static gr_status save(const gr_relearned *r, const char *path, const uint32_t *docs, size_t count, const char *digest,
                      gr_error *err) {
    json_t *nll = json_array(), *tokens = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(nll, json_real(r->nll[docs[i]]));
        json_array_append_new(tokens, json_integer(r->tokens[docs[i]]));
    }
    json_t *object = json_pack("{s:s, s:f, s:f, s:i, s:o, s:o}", "digest", digest, "loss", r->loss, "lr", r->lr, "step",
                               r->step, "nll", nll, "tokens", tokens);
    gr_status status = gr_json_write(object, path, err);
    json_decref(object);
    return status;
}

/* What an earlier call kept; false where it does not fit. */
static bool load(gr_relearned *r, const char *path, const uint32_t *docs, size_t count, const char *digest) {
    json_t *object = NULL, *nll = NULL, *tokens = NULL;
    const char *made_by = NULL;
    bool fits = gr_file_exists(path) && gr_json_read(&object, path, NULL) == GR_OK &&
                json_unpack(object, "{s:s, s:F, s:F, s:i, s:o, s:o}", "digest", &made_by, "loss", &r->loss, "lr",
                            &r->lr, "step", &r->step, "nll", &nll, "tokens", &tokens) == 0 &&
                strcmp(made_by, digest) == 0 && json_array_size(nll) == count && json_array_size(tokens) == count;
    for (size_t i = 0; fits && i < count; i++) {
        r->nll[docs[i]] = json_number_value(json_array_get(nll, i));
        r->tokens[docs[i]] = (int32_t)json_integer_value(json_array_get(tokens, i));
    }
    json_decref(object);
    return fits;
}

static gr_status attack_model(gr_relearned *out, const gr_project *p, gr_model *model, const gr_tables *profile,
                              const uint32_t *docs_in, size_t count_in, const uint32_t *docs, size_t count,
                              gr_error *err) {
    const gr_recipe *r = p->recipe;
    size_t all = p->data->topics.docs;
    attack a = {.best = out, .profile = profile, .docs = docs, .count = count, .all = all};
    GR_TRY(gr_evaluator_new(&a.evaluator, model, profile, r->train.batch, r->data.context, err));
    gr_evaluator_labelled(a.evaluator, p->labels);
    gr_status status = gr_scan_new(&a.scan, p->data, p->labels, docs, count, r->train.batch, r->data.context, err);
    if (status == GR_OK) {
        a.nll = gr_alloc(all * sizeof *a.nll);
        a.tokens = gr_alloc(all * sizeof *a.tokens);
        status = tune(&a, p, model, docs_in, count_in, err);
        gr_scan_free(a.scan);
    }
    gr_evaluator_free(a.evaluator);
    gr_free(a.nll);
    gr_free(a.tokens);
    return status;
}

gr_status gr_relearn(gr_relearned *out, const gr_project *p, gr_model *model, const gr_tables *profile,
                     const uint32_t *docs_in, size_t count_in, const uint32_t *docs, size_t count, const char *path,
                     gr_error *err) {
    const gr_recipe_relearn *r = &p->recipe->relearn;
    size_t all = p->data->topics.docs;
    char settings[256];
    int at =
        snprintf(settings, sizeof settings, "%.16s %d %d %d %d", p->digest, r->documents, r->steps, r->batch, r->every);
    if (r->tokens)
        at += snprintf(settings + at, sizeof settings - (size_t)at, " tokens %lld", (long long)r->tokens);
    for (int i = 0; i < r->rates && at < (int)sizeof settings; i++)
        at += gr__print(settings + at, sizeof settings - (size_t)at, " %.9g", r->lr[i]);
    *out = (gr_relearned){.loss = INFINITY};
    out->nll = gr_alloc(all * sizeof *out->nll);
    out->tokens = gr_alloc(all * sizeof *out->tokens);
    if (path && load(out, path, docs, count, settings))
        return GR_OK;
    out->loss = INFINITY;
    gr_status status = attack_model(out, p, model, profile, docs_in, count_in, docs, count, err);
    if (status == GR_OK && path)
        status = save(out, path, docs, count, settings, err);
    if (status != GR_OK)
        gr_relearned_free(out);
    return status;
}
