/* A parent that is trained on for a few steps on text without labels, to mend what was broken when regions were taken
 * out (Cloud et al. 2024, arXiv 2410.04332): at the step that serves validation documents without labels best.
 *
 *     {"row": "repair", "step", "steps", "documents", "tokens", "judged_on", "lr", "before", "chosen"}
 *
 * step: the one that was chosen, 0: the parent. before, chosen: mean losses of the documents that it was chosen by. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gradroute/method.h"
#include "gradroute/surgery.h"
#include "measure/timings.h"

static const gr_setting options[] = {
    {.key = "documents",
     .help = "training documents without a label that is shown; all where there are fewer",
     .kind = GR_SETTING_COUNT,
     .initial = {.number = 64},
     .min = 1,
     .max = 1 << 24},
    {.key = "judged_on",
     .help = "validation documents without such a label by which a step is chosen; all where there are fewer",
     .kind = GR_SETTING_COUNT,
     .initial = {.number = 1000},
     .min = 1,
     .max = 1 << 24},
    {.key = "steps",
     .help = "at most; 0: the parent as it is",
     .kind = GR_SETTING_COUNT,
     .initial = {.number = 30},
     .max = 1000000},
    {.key = "every",
     .help = "steps between those that may be chosen; the first and last are",
     .kind = GR_SETTING_COUNT,
     .initial = {.number = 1},
     .min = 1,
     .max = 1000000},
    {.key = "batch",
     .help = "rows of a step",
     .kind = GR_SETTING_COUNT,
     .initial = {.number = 32},
     .min = 1,
     .max = 65536},
    {.key = "lr",
     .help = "rate, constant",
     .kind = GR_SETTING_REAL,
     .initial = {.number = 0.0003},
     .min = DBL_MIN,
     .max = 100},
    {0}};

static int number(const gr_settings *settings, const char *key) { return (int)gr_settings_get(settings, key)->number; }

/* ---- documents ---- */

/* Validation documents that are not shown as a label, as many as a step is chosen by, from all of the split: a new list
 * of *count. */
static uint32_t *judges_of(size_t *count, const gr_making *m) {
    const gr_project *p = m->project;
    const size_t wanted = (size_t)number(m->settings, "judged_on");
    uint32_t *docs = gr_alloc((p->data->validation_count + 1) * sizeof *docs);
    size_t all = 0;
    for (size_t i = 0; i < p->data->validation_count; i++)
        if (p->labels->truth[p->data->validation[i]] == 0)
            docs[all++] = p->data->validation[i];

    /* Places that are equally far apart: sources may be sorted by topic. */
    *count = all < wanted ? all : wanted;
    for (size_t i = 0; i < *count; i++)
        docs[i] = docs[i * all / *count];
    return docs;
}

/* The documents that are trained on. What is hidden is read as other text is: nobody has told of it. */
static gr_status draw(gr_drawn *drawn, const gr_making *m, gr_error *err) {
    const gr_project *p = m->project;
    size_t there = 0, wanted = (size_t)number(m->settings, "documents");
    for (size_t i = 0; i < p->data->train_count; i++)
        there += p->labels->truth[p->data->train[i]] == 0;
    gr_draw_def def = {wanted, 0, GR_LABEL_CORE, p->recipe->data.context, p->recipe->split_seed};

    /* Of documents in pieces whole ones are drawn, of which there are fewer. */
    if (!p->data->document && there < wanted)
        def.documents = there;
    return gr_dataset_draw(drawn, p->data, p->labels, &def, err);
}

/* Refuses data without documents to train on, or to choose a step by. */
static gr_status check(const gr_making *m, gr_error *err) {
    if (!m->project->data || !m->project->labels)
        return gr_error_set(err, GR_ERR_USAGE, m->name, "another method of the task",
                            "task %s has no documents to train on", m->project->task->name);
    size_t count;
    gr_free(judges_of(&count, m));
    if (count == 0)
        return gr_error_set(err, GR_ERR_USAGE, m->name, "raise data.validation or use more documents",
                            "the validation split has no document without a label");
    gr_drawn drawn;
    GR_TRY(draw(&drawn, m, err));
    gr_drawn_free(&drawn);
    return GR_OK;
}

/* ---- training ---- */

typedef struct repair {
    const gr_making *making;
    gr_model *model;
    gr_drawn drawn;
    uint32_t *by; /* [by_count] documents that a step is chosen by */
    size_t by_count;
    gr_evaluator *evaluator;
    gr_scan *scan;  /* of them */
    double *nll;    /* [docs] */
    int32_t *count; /* [docs] */
    gr_real *kept;  /* parameters at the best step so far */
    double before, chosen;
    int step;
} repair;

/* Keeps the parameters where the loss is the lowest yet: of equal steps the first. */
static gr_status measure(void *user, int step, gr_error *err) {
    repair *r = user;
    size_t docs = r->making->project->data->topics.docs;
    gr_evaluate(r->evaluator, r->scan, r->nll, r->count, docs);
    double loss = gr_loss_mean(r->nll, r->count, r->by, r->by_count);
    if (!isfinite(loss))
        return gr_error_set(err, GR_ERR_NUMERIC, r->making->name, "lower lr", "the loss is not finite after %d steps",
                            step);
    if (step == 0)
        r->before = loss;
    if (step == 0 || loss < r->chosen) {
        r->chosen = loss;
        r->step = step;
        gr_model_store(r->model, r->kept);
    }
    return GR_OK;
}

/* Tells who follows, and stops where it is asked for. */
static gr_status tell(void *user, int step, gr_error *err) {
    const repair *r = user;
    const gr_control *control = r->making->control;
    const int steps = number(r->making->settings, "steps");
    gr_progress progress = gr_progress_of(r->making->name, "repairing", step, steps);
    progress.seconds_left = NAN;
    if (control && control->progress)
        control->progress(control->user, &progress);
    if (control && control->stop && *control->stop)
        return gr_error_set(err, GR_ERR_INTERRUPTED, r->making->name, "it begins anew when it is called again",
                            "stopped after step %d of %d", step, steps);
    return GR_OK;
}

static gr_finetune_def tuning_def(const gr_making *m) {
    gr_finetune_def def = gr_finetune_default();
    def.steps = number(m->settings, "steps");
    def.rows = number(m->settings, "batch");
    def.width = m->project->recipe->data.context;
    def.recompute = m->project->recipe->train.recompute;
    def.optim.lr = gr_settings_get(m->settings, "lr")->number;
    def.every = number(m->settings, "every");
    return def;
}

/* Trains, and leaves the parameters of the best step. */
static gr_status tune(repair *r, gr_error *err) {
    const gr_making *m = r->making;
    const gr_project *p = m->project;
    const gr_recipe *recipe = p->recipe;
    GR_TRY(draw(&r->drawn, m, err));
    r->by = judges_of(&r->by_count, m);

    /* What a step is chosen by. */
    GR_TRY(gr_evaluator_new(&r->evaluator, r->model, NULL, recipe->train.batch, recipe->data.context, err));
    GR_TRY(
        gr_scan_new(&r->scan, p->data, p->labels, r->by, r->by_count, recipe->train.batch, recipe->data.context, err));
    r->nll = gr_alloc(p->data->topics.docs * sizeof *r->nll);
    r->count = gr_alloc(p->data->topics.docs * sizeof *r->count);
    r->kept = gr_alloc(gr_model_size(r->model) * sizeof *r->kept);

    gr_finetune_def def = tuning_def(m);
    def.after = measure;
    def.each = tell;
    def.user = r;
    GR_TRY(gr_finetune(r->model, NULL, p->data, p->labels, r->drawn.docs, r->drawn.count, &def, err));
    gr_model_restore(r->model, r->kept);
    return GR_OK;
}

static void repair_free(repair *r) {
    gr_drawn_free(&r->drawn);
    gr_evaluator_free(r->evaluator);
    gr_scan_free(r->scan);
    gr_free(r->by);
    gr_free(r->nll);
    gr_free(r->count);
    gr_free(r->kept);
}

/* ---- rows ---- */

/* Targets of all steps, those after the chosen one included: steps take the rows of the documents in turn. */
static gr_status targets_of(int64_t *targets, const repair *r, gr_error *err) {
    const gr_project *p = r->making->project;
    const int steps = number(r->making->settings, "steps"), rows = number(r->making->settings, "batch");
    gr_scan *scan;
    *targets = 0;
    GR_TRY(gr_scan_new(&scan, p->data, p->labels, r->drawn.docs, r->drawn.count, rows, p->recipe->data.context, err));
    for (int step = 0; step < steps; step++) {
        gr_rows batch;
        while (!gr_scan_next(scan, &batch))
            gr_scan_rewind(scan);
        *targets += batch.present;
    }
    gr_scan_free(scan);
    return GR_OK;
}

/* What it took, with all steps, and where it ended. */
static gr_status add_rows(gr_made *made, const repair *r, gr_error *err) {
    const gr_making *m = r->making;
    gr_run *run;
    GR_TRY(targets_of(&made->tokens, r, err));
    GR_TRY(gr_run_new(&run, r->model, NULL, &(gr_run_def){.positions = 1, .train = true}, err));
    double flops = gr_run_flops(run, 0) * (double)made->tokens;
    gr_run_free(run);
    made->steps = number(m->settings, "steps");
    if (!m->rows)
        return GR_OK;

    gr_ledger_begin(m->rows, "model");
    gr_ledger_count(m->rows, "parameters", (int64_t)gr_model_size(r->model));
    gr_ledger_count(m->rows, "tokens", made->tokens);
    gr_ledger_count(m->rows, "steps", made->steps);
    gr_ledger_number(m->rows, "flops", flops);

    gr_ledger_begin(m->rows, "repair");
    gr_ledger_count(m->rows, "step", r->step);
    gr_ledger_count(m->rows, "steps", made->steps);
    gr_ledger_count(m->rows, "documents", (int64_t)r->drawn.documents);
    gr_ledger_count(m->rows, "tokens", r->drawn.tokens);
    gr_ledger_count(m->rows, "judged_on", (int64_t)r->by_count);
    gr_ledger_number(m->rows, "lr", gr_settings_get(m->settings, "lr")->number);
    gr_ledger_number(m->rows, "before", r->before);
    gr_ledger_number(m->rows, "chosen", r->chosen);
    return GR_OK;
}

/* ---- making ---- */

/* The parent in weights of its own; regions that are off in it are taken out, as it would be shipped. */
static gr_status copy_parent(gr_surgery_result *out, const gr_making *m, gr_error *err) {
    const gr_made *from = m->parent;
    GR_TRY(gr_surgery_remove(out, from->bundle->def, from->bundle->model, from->off, from->off_count, err));
    gr_model_set_precision(out->model, m->project->recipe->precision);
    return GR_OK;
}

static gr_status make(gr_made *made, const gr_making *m, gr_error *err) {
    gr_surgery_result out;
    const double from = gr__now();
    *made = (gr_made){0};
    GR_TRY(check(m, err));
    GR_TRY(copy_parent(&out, m, err));

    /* What is kept is what lies on the disk. */
    repair r = {.making = m, .model = out.model};
    gr_status status = tune(&r, err);
    if (status == GR_OK)
        status = gr_made_save(made, m, out.def, out.model, err);
    if (status == GR_OK)
        status = add_rows(made, &r, err);
    made->seconds = gr__now() - from;
    repair_free(&r);
    gr_surgery_free(&out);
    if (status != GR_OK)
        gr_made_free(made);
    return status;
}

/* ---- before it is made ---- */

static gr_status draft(gr_made *made, const gr_making *m, gr_error *err) {
    gr_surgery_result out;
    *made = (gr_made){0};
    GR_TRY(copy_parent(&out, m, err));
    gr_made_take(made, out.def, out.model, m->project->recipe->precision);
    return GR_OK;
}

/* Times at which steps were done. */
enum { STAMPS = 3 };
typedef struct stamps {
    double at[STAMPS];
    int count;
} stamps;

static gr_status stamp(void *user, int step, gr_error *err) {
    stamps *s = user;
    (void)step, (void)err;
    if (s->count < STAMPS)
        s->at[s->count++] = gr__now();
    return GR_OK;
}

/* Seconds of a step: of two, the second. */
static gr_status time_step(gr_timing *timing, const gr_making *m, gr_model *model, gr_error *err) {
    const gr_project *p = m->project;
    stamps seen = {0};
    gr_drawn drawn;
    GR_TRY(draw(&drawn, m, err));
    gr_finetune_def def = tuning_def(m);
    def.steps = STAMPS - 1;
    def.every = 1;
    def.after = stamp;
    def.user = &seen;
    gr_status status = gr_finetune(model, NULL, p->data, p->labels, drawn.docs, drawn.count, &def, err);
    gr_drawn_free(&drawn);
    timing->rows = def.rows;
    if (status == GR_OK)
        timing->seconds = seen.at[STAMPS - 1] - seen.at[STAMPS - 2];
    return status;
}

/* Steps, and the losses that they are chosen by, each position of which takes a third of one that is trained on. */
static gr_status cost(gr_cost *cost, const gr_making *m, gr_made *made, gr_timings *timings, gr_error *err) {
    const gr_project *p = m->project;
    const int steps = number(m->settings, "steps"), every = number(m->settings, "every");
    const int rows = number(m->settings, "batch"), width = p->recipe->data.context;
    *cost = (gr_cost){.steps = steps};
    char *shape = gr__timing_name("repair", made->bundle->model, p->recipe);
    char *of = gr_format("%s, %d rows", shape, rows);
    gr_status status = GR_OK;
    if (!gr_timings_find(&cost->timing, timings, of)) {
        status = time_step(&cost->timing, m, made->bundle->model, err);
        if (status == GR_OK)
            gr_timings_put(timings, of, cost->timing);
    }
    gr_free(shape);
    gr_free(of);
    GR_TRY(status);

    /* Both in positions. */
    size_t count;
    uint32_t *by = judges_of(&count, m);
    double chosen_by = 0, trained = (double)steps * rows * width;
    for (size_t i = 0; i < count; i++)
        chosen_by += (double)gr_dataset_targets(p->data, by[i]);
    chosen_by *= 1 + (steps + every - 1) / every;
    gr_free(by);
    cost->tokens = (int64_t)(trained + chosen_by);
    cost->flops = gr_model_flops(made->bundle->model) * (3 * trained + chosen_by);
    cost->seconds = cost->timing.seconds * (steps + chosen_by / (3.0 * rows * width));
    return GR_OK;
}

const gr_method gr__method_repair = {
    .name = "repair",
    .help = "a few steps on text without labels, to the step that serves such text best",
    .doing = "repairing",
    .revision = 1,
    .from = true,
    .sees = GR_SEES_RETAIN,
    .option = options,
    .check = check,
    .make = make,
    .draft = draft,
    .cost = cost,
};
