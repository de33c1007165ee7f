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
    const gr_project *project;
    const gr_relearn_def *def;
    gr_relearned *best;
    gr_model *model;
    const gr_tables *profile;
    gr_evaluator *evaluator;
    gr_scan *choose;
    gr_real *start, *kept; /* parameters before the attack and at the best point */
    double lr;             /* of the moment */
    int rate;              /* its number */
} attack;

/* After each step: the share of all rates, of which one may have ended early. */
static gr_status tell(void *user, int step, gr_error *err) {
    const attack *a = user;
    const gr_recipe_relearn *r = &a->project->recipe->relearn;
    gr__follow *follow = a->def->follow;
    bool on = !follow || gr__follow_told(follow, (int64_t)a->rate * r->steps + step, (int64_t)r->rates * r->steps);
    return on ? GR_OK : gr__follow_stopped(follow, err);
}

static void copy_parameters(gr_model *model, gr_real *store, bool back) {
    for (int p = 0; p < gr_model_params(model); p++) {
        size_t n = (size_t)gr_model_param(model, p)->rows * (size_t)gr_model_param(model, p)->cols;
        memcpy(back ? gr_model_data(model, p) : store, back ? store : gr_model_data(model, p), n * sizeof *store);
        store += n;
    }
}

/* Measures, and keeps the parameters where the loss is the lowest yet. */
static gr_status measure(void *user, int step, gr_error *err) {
    attack *a = user;
    gr_relearned *best = a->best;
    if (!gr_evaluate(a->evaluator, a->choose, best->nll, best->tokens, a->project->data->topics.docs))
        return gr__follow_stopped(a->def->follow, err);
    double loss = gr_loss_mean(best->nll, best->tokens, a->def->choose, a->def->choose_count);
    if (!isfinite(loss)) /* this rate is done; others may do better */
        return gr_error_set(err, GR_ERR_NUMERIC, "relearn", "lower relearn.lr", "the loss is not finite after %d %s",
                            step, gr__plural(step, "step", "steps"));
    if (!(loss >= best->chosen)) {
        best->chosen = loss;
        best->lr = step ? a->lr : 0;
        best->step = step;
        copy_parameters(a->model, a->kept, false);
    }
    return GR_OK;
}

/* Each rate from the same start. */
static gr_status tune(attack *a, gr_error *err) {
    const gr_recipe *recipe = a->project->recipe;
    const gr_recipe_relearn *r = &recipe->relearn;
    gr_status status = GR_OK;
    for (int i = 0; i < r->rates && status == GR_OK; i++) {
        gr_finetune_def def = gr_finetune_default();
        def.steps = r->steps;
        def.rows = r->batch;
        def.width = recipe->data.context;
        def.recompute = recipe->train.recompute;
        def.optim.lr = a->lr = r->lr[i];
        def.every = r->every;
        def.after = measure;
        def.each = tell;
        a->rate = i;
        def.user = a;
        gr_error diverged = {0};
        status = gr_finetune(a->model, a->profile, a->project->data, a->project->labels, a->def->attack,
                             a->def->attack_count, &def, &diverged);

        /* A rate that diverges has done its best before. */
        if (status == GR_ERR_NUMERIC && isfinite(a->best->chosen)) {
            gr_log_line(1, "relearning at rate %g: %s", a->lr, diverged.message);
            status = GR_OK;
        } else if (status != GR_OK) {
            gr_error_set(err, status, diverged.place, diverged.hint, "%s", diverged.message);
        }
        copy_parameters(a->model, a->start, true);
    }
    return status;
}

/* The losses that are reported, of the model at the best point. */
static gr_status report(attack *a, gr_error *err) {
    const gr_recipe *r = a->project->recipe;
    gr_scan *scan;
    GR_TRY(gr_scan_new(&scan, a->project->data, a->project->labels, a->def->docs, a->def->count, r->train.batch,
                       r->data.context, err));
    copy_parameters(a->model, a->kept, true);
    bool whole = gr_evaluate(a->evaluator, scan, a->best->nll, a->best->tokens, a->project->data->topics.docs);
    copy_parameters(a->model, a->start, true);
    gr_scan_free(scan);
    return whole ? GR_OK : gr__follow_stopped(a->def->follow, err);
}

static gr_status save(const gr_relearned *r, const gr_relearn_def *def, const char *digest, gr_error *err) {
    json_t *nll = json_array(), *tokens = json_array();
    for (size_t i = 0; i < def->count; i++) {
        json_array_append_new(nll, json_real(r->nll[def->docs[i]]));
        json_array_append_new(tokens, json_integer(r->tokens[def->docs[i]]));
    }
    json_t *object = json_pack("{s:s, s:f, s:f, s:i, s:o, s:o}", "digest", digest, "chosen", r->chosen, "lr", r->lr,
                               "step", r->step, "nll", nll, "tokens", tokens);
    gr_status status = gr_json_write(object, def->path, err);
    json_decref(object);
    return status;
}

/* What an earlier call kept; false where it does not fit. */
static bool load(gr_relearned *r, const gr_relearn_def *def, const char *digest) {
    json_t *object = NULL, *nll = NULL, *tokens = NULL;
    const char *made_by = NULL;
    bool fits = gr_file_exists(def->path) && gr_json_read(&object, def->path, NULL) == GR_OK &&
                json_unpack(object, "{s:s, s:F, s:F, s:i, s:o, s:o}", "digest", &made_by, "chosen", &r->chosen, "lr",
                            &r->lr, "step", &r->step, "nll", &nll, "tokens", &tokens) == 0 &&
                strcmp(made_by, digest) == 0 && json_array_size(nll) == def->count &&
                json_array_size(tokens) == def->count;
    for (size_t i = 0; fits && i < def->count; i++) {
        r->nll[def->docs[i]] = json_number_value(json_array_get(nll, i));
        r->tokens[def->docs[i]] = (int32_t)json_integer_value(json_array_get(tokens, i));
    }
    json_decref(object);
    return fits;
}

/* Relearns at each rate in turn, from the same parameters, and measures the best point on the test. */
static gr_status attack_model(attack *a, gr_error *err) {
    const gr_project *p = a->project;
    const gr_recipe *r = p->recipe;
    GR_TRY(gr_evaluator_new(&a->evaluator, a->model, a->profile, r->train.batch, r->data.context, err));
    gr_evaluator_labelled(a->evaluator, p->labels);
    if (a->def->follow)
        gr_evaluator_follow(a->evaluator, gr__follow_asked, a->def->follow);

    /* The documents on which rate and step are chosen: none of them is measured. */
    GR_TRY(gr_scan_new(&a->choose, p->data, p->labels, a->def->choose, a->def->choose_count, r->train.batch,
                       r->data.context, err));

    /* Every rate starts from the model as it came; the best parameters so far are kept. */
    a->start = gr_alloc(gr_model_size(a->model) * sizeof *a->start);
    a->kept = gr_alloc(gr_model_size(a->model) * sizeof *a->kept);
    copy_parameters(a->model, a->start, false);
    GR_TRY(tune(a, err));
    return report(a, err);
}

gr_status gr_relearn(gr_relearned *out, const gr_project *p, gr_model *model, const gr_tables *profile,
                     const gr_relearn_def *def, gr_error *err) {
    const gr_recipe_relearn *r = &p->recipe->relearn;
    size_t all = p->data->topics.docs;

    /* Settings that the digest of a run leaves out. */
    char settings[256];
    int at =
        snprintf(settings, sizeof settings, "%.16s %d %d %d %d", p->digest, r->documents, r->steps, r->batch, r->every);
    if (r->tokens)
        at += snprintf(settings + at, sizeof settings - (size_t)at, " tokens %lld", (long long)r->tokens);
    for (int i = 0; i < r->rates && at < (int)sizeof settings; i++)
        at += gr__print(settings + at, sizeof settings - (size_t)at, " %.9g", r->lr[i]);

    *out = (gr_relearned){.chosen = INFINITY};
    out->nll = gr_alloc(all * sizeof *out->nll);
    out->tokens = gr_alloc(all * sizeof *out->tokens);
    if (def->path && load(out, def, settings))
        return GR_OK;

    out->chosen = INFINITY;
    attack a = {.project = p, .def = def, .best = out, .model = model, .profile = profile};
    gr_status status = attack_model(&a, err);
    gr_scan_free(a.choose);
    gr_evaluator_free(a.evaluator);
    gr_free(a.start);
    gr_free(a.kept);
    if (status == GR_OK && def->path)
        status = save(out, def, settings, err);
    if (status != GR_OK)
        gr_relearned_free(out);
    return status;
}
