/* The test of removal: fine-tune the model on a few forget documents, at the rate and up to the step that serve the
 * attacker best by forget documents for validation, and measure it there on the test:
 *
 *     {"row": "point", "documents", "tokens", "steps", "step", "lr", "chosen", "start"}  where the attack served best
 *     {"row": "loss", "group", "at": "best", "nll", ..}                            and the losses there, by group
 *     {"row": "curve", "group", "lr", "step", "mean"}      with `curve`: on the way, at 0 and powers of 2
 *
 * The same on other text shows what any training brings back: the point says then on which ("text").
 * chosen: mean loss of the documents that the point was chosen by. start: "removed", "switched" (off) or "whole". */
#include <float.h>
#include <math.h>
#include <string.h>

#include "attack/unrelated.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "gradroute/attack.h"
#include "gradroute/bundle.h"
#include "measure/pass.h"
#include "measure/timings.h"

/* What is attacked: the network without the tensors of the regions that are off, as it would be shipped; the network
 * with these regions switched off; the whole network. */
enum { REMOVED, SWITCHED, WHOLE };
static const char *const starts[] = {"removed", "switched", "whole", NULL};

/* Text of a file has no label: all of it is what is left beside labels. */
enum { FORGET, ADJACENT, RETAIN, UNRELATED };
static const char *const texts[] = {"forget", "adjacent", "retain", "unrelated", NULL};
static const int labels_of_texts[] = {GR_LABEL_ANY, GR_LABEL_ADJACENT, GR_LABEL_RETAIN, GR_LABEL_RETAIN};

static const gr_setting options[] = {
    {.key = "documents",
     .help = "documents of training that are trained on; 0: none, with tokens 0",
     .kind = GR_SETTING_COUNTS,
     .initial = {.numbers = (const double[]){64}, .count = 1},
     .max = 1 << 24,
     .each = true},
    {.key = "tokens",
     .help = "instead, with documents 0: as many documents as hold that many tokens",
     .kind = GR_SETTING_COUNTS,
     .initial = {.numbers = (const double[]){0}, .count = 1},
     .max = 0x1p40,
     .each = true},
    {.key = "steps",
     .help = "of each rate",
     .kind = GR_SETTING_COUNT,
     .initial = {.number = 30},
     .min = 1,
     .max = 1000000},
    {.key = "batch",
     .help = "rows of a step",
     .kind = GR_SETTING_COUNT,
     .initial = {.number = 32},
     .min = 1,
     .max = 65536},
    {.key = "every",
     .help = "steps between points that may be chosen; the first and last are",
     .kind = GR_SETTING_COUNT,
     .initial = {.number = 5},
     .min = 1,
     .max = 1000000},
    {.key = "lr",
     .help = "rates, each from the same start",
     .kind = GR_SETTING_REALS,
     .initial = {.numbers = (const double[]){0.0003, 0.001}, .count = 2},
     .min = DBL_MIN,
     .max = 100},
    {.key = "start",
     .help = "the network without the regions that are off (switched, where they cannot be "
             "taken out), with them switched off, or whole",
     .kind = GR_SETTING_WORD,
     .word = starts},
    {.key = "text",
     .help = "which text of training is trained on; unrelated: that of `file`",
     .kind = GR_SETTING_WORD,
     .word = texts},
    {.key = "file",
     .help = "of text: unrelated: neither of the topic, nor of anything else in the data",
     .kind = GR_SETTING_FILE},
    {.key = "curve",
     .help = "with the losses of every group after 1, 2, 4, 8, .. steps of each rate",
     .kind = GR_SETTING_BOOL},
    {0}};

static int number(const gr_settings *settings, const char *key) { return (int)gr_settings_get(settings, key)->number; }

/* What the recipe's section says. */
static void preset(gr_settings *settings, const gr_recipe *recipe) {
    const gr_recipe_relearn *r = &recipe->relearn;
    const double documents = r->tokens ? 0 : r->documents, tokens = (double)r->tokens;
    gr_settings_put(settings, "documents", &(gr_setting_value){.numbers = &documents, .count = 1});
    gr_settings_put(settings, "tokens", &(gr_setting_value){.numbers = &tokens, .count = 1});
    gr_settings_put(settings, "steps", &(gr_setting_value){.number = r->steps});
    gr_settings_put(settings, "batch", &(gr_setting_value){.number = r->batch});
    gr_settings_put(settings, "every", &(gr_setting_value){.number = r->every});
    gr_settings_put(settings, "lr", &(gr_setting_value){.numbers = r->lr, .count = r->rates});
}

/* The same on other text. */
static void preset_adjacent(gr_settings *settings, const gr_recipe *recipe) {
    preset(settings, recipe);
    gr_settings_put(settings, "text", &(gr_setting_value){.number = ADJACENT});
}

static void preset_retain(gr_settings *settings, const gr_recipe *recipe) {
    preset(settings, recipe);
    gr_settings_put(settings, "text", &(gr_setting_value){.number = RETAIN});
}

static void preset_unrelated(gr_settings *settings, const gr_recipe *recipe) {
    preset(settings, recipe);
    gr_settings_put(settings, "text", &(gr_setting_value){.number = UNRELATED});
}

/* ---- documents ---- */

/* The documents of the topic that is to be learned back. */
static const gr_group *forget_of(const gr_subject *s) {
    for (int g = 0; g < s->groups->count; g++)
        if (!strcmp(s->groups->group[g].name, "forget"))
            return &s->groups->group[g];
    return NULL;
}

/* The one value of an option that lists measurements apart. */
static gr_status only(int64_t *value, const gr_settings *settings, const char *key, gr_error *err) {
    const gr_setting_value *list = gr_settings_get(settings, key);
    if (list->count != 1)
        return gr_error_set(err, GR_ERR_USAGE, "relearn", "attack once for each of them",
                            "%s has %d values, expected one", key, list->count);
    *value = (int64_t)list->numbers[0];
    return GR_OK;
}

/* What is trained on: documents of the subject's data, or of a file. */
typedef struct material {
    const gr_dataset *data;
    const gr_labels *labels;
    gr_drawn drawn;
    gr__unrelated other; /* nothing: it is of the subject's data */
} material;

static void material_close(material *m) {
    gr_drawn_free(&m->drawn);
    gr__unrelated_close(&m->other);
}

/* Whose documents they are. */
static gr_status find_source(material *m, const gr_subject *s, const gr_settings *settings, gr_error *err) {
    const char *file = gr_settings_get(settings, "file")->text;
    *m = (material){.data = s->data, .labels = s->labels};
    if (number(settings, "text") != UNRELATED)
        return !file ? GR_OK
                     : gr_error_set(err, GR_ERR_USAGE, "relearn", "text: unrelated, or leave the file out",
                                    "a file is of text: unrelated, not of %s", texts[number(settings, "text")]);
    GR_TRY(gr__unrelated_open(&m->other, s, file, err));
    m->data = m->other.data;
    m->labels = m->other.labels;
    return GR_OK;
}

/* The documents that are trained on; m->drawn has none where none are asked for. On failure the caller closes it too.
 */
static gr_status draw(material *m, const gr_subject *s, const gr_settings *settings, gr_error *err) {
    int64_t documents = 0, tokens = 0;
    GR_TRY(find_source(m, s, settings, err));
    GR_TRY(only(&documents, settings, "documents", err));
    GR_TRY(only(&tokens, settings, "tokens", err));
    if (documents && tokens)
        return gr_error_set(err, GR_ERR_USAGE, "relearn",
                            "with documents: 0 the tokens count, with tokens: 0 the documents",
                            "relearn has both documents and tokens");
    if (!documents && !tokens)
        return GR_OK;
    gr_draw_def def = {(size_t)documents, tokens, labels_of_texts[number(settings, "text")], s->recipe->data.context,
                       s->seed};
    if (!m->other.data)
        return gr_dataset_draw(&m->drawn, m->data, m->labels, &def, err);

    /* It fails for nothing but too little, and that is said of the file, not of the data. */
    gr_error few = {0};
    gr_status status = gr_dataset_draw(&m->drawn, m->data, m->labels, &def, &few);
    return status == GR_OK
               ? GR_OK
               : gr_error_set(err, status, gr_settings_get(settings, "file")->text,
                              "ask for less, or give a longer file",
                              "%lld %s are wanted, the file has %zu documents that the data have not",
                              (long long)(documents ? documents : tokens), documents ? "documents" : "tokens",
                              gr_dataset_documents(m->data, m->data->train, m->data->train_count));
}

/* Refuses what would fail only after hours of training: no document to choose a step by, or none to train on. */
static gr_status check(const gr_subject *s, const gr_settings *settings, gr_error *err) {
    const gr_group *forget = forget_of(s);
    material m;
    if (!forget || forget->validations == 0)
        return gr_error_set(err, GR_ERR_USAGE, "relearn", "raise data.validation or use more documents",
                            "the validation split has no forget document");
    gr_status status = draw(&m, s, settings, err);
    material_close(&m);
    return status;
}

/* ---- the attack ---- */

/* Losses of every group on the way. */
typedef struct trace {
    double lr; /* 0: before the first step */
    int step;
    double mean[GR_GROUPS_MAX];
} trace;

typedef struct attack {
    const gr_subject *subject;
    const gr_settings *settings;
    gr_model *model;          /* the network that is attacked */
    const gr_tables *profile; /* of regions that are off in it; NULL: none is */
    const gr_group *forget;   /* by its validation documents the best point is chosen */
    material material;        /* documents that are trained on */
    gr_evaluator *evaluator;
    gr_scan *choose, *test;
    gr_real *start, *kept; /* parameters before the attack and at the best point */
    double *nll;           /* [docs] losses of whatever was measured last */
    int32_t *tokens;       /* [docs] */
    trace *traced;         /* [traces] */
    int traces;
    size_t trace_room;

    /* The best point so far: its loss on the validation documents, rate (0: it is step 0) and step. */
    double chosen, lr;
    int step;

    /* The rate at work: its number in the list, and its value. */
    int rate;
    double rate_lr;
} attack;

/* Between batches of an evaluation: asks the caller whether to go on, and tells of no progress. */
static bool asked(void *user, int64_t done, int64_t rows) {
    const attack *a = user;
    (void)done, (void)rows;
    return gr__subject_told(a->subject, 0, 0, NULL) == GR_OK;
}

/* Losses of the scan's documents. */
static gr_status evaluate(attack *a, gr_scan *scan, gr_error *err) {
    bool whole = gr_evaluate(a->evaluator, scan, a->nll, a->tokens, a->subject->data->topics.docs);
    return whole ? GR_OK : gr__subject_stopped(a->subject, err);
}

/* Losses of every group on the test, as the model is now. */
static gr_status add_trace(attack *a, double lr, int step, gr_error *err) {
    const gr_groups *groups = a->subject->groups;
    trace t = {.lr = lr, .step = step};
    GR_TRY(evaluate(a, a->test, err));
    for (int g = 0; g < groups->count; g++)
        t.mean[g] = gr_loss_mean(a->nll, a->tokens, groups->group[g].test, groups->group[g].tests);
    GR_PUSH(a->traced, a->traces, a->trace_room) = t;
    return GR_OK;
}

/* After each step: how many steps of all rates are done. A rate that diverged counts as done to its end. */
static gr_status tell(void *user, int step, gr_error *err) {
    attack *a = user;
    int64_t steps = number(a->settings, "steps"), rates = gr_settings_get(a->settings, "lr")->count;
    if (number(a->settings, "curve") && (step & (step - 1)) == 0)
        GR_TRY(add_trace(a, a->rate_lr, step, err));
    return gr__subject_told(a->subject, a->rate * steps + step, rates * steps, err);
}

/* Measures, and keeps the parameters where the loss is the lowest yet. */
static gr_status measure(void *user, int step, gr_error *err) {
    attack *a = user;
    GR_TRY(evaluate(a, a->choose, err));
    double loss = gr_loss_mean(a->nll, a->tokens, a->forget->validation, a->forget->validations);
    if (!isfinite(loss)) /* this rate is done; others may do better */
        return gr_error_set(err, GR_ERR_NUMERIC, "relearn", "lower relearn.lr", "the loss is not finite after %d %s",
                            step, gr__plural(step, "step", "steps"));

    if (!(loss >= a->chosen)) {
        a->chosen = loss;
        a->lr = step ? a->rate_lr : 0;
        a->step = step;
        gr_model_store(a->model, a->kept);
    }
    return GR_OK;
}

/* Fine-tunes at one rate, measuring every so many steps. */
static gr_status tune_at(attack *a, double lr, gr_error *err) {
    const gr_recipe *recipe = a->subject->recipe;
    gr_finetune_def def = gr_finetune_default();
    def.steps = number(a->settings, "steps");
    def.rows = number(a->settings, "batch");
    def.width = recipe->data.context;
    def.recompute = recipe->train.recompute;
    def.optim.lr = a->rate_lr = lr;
    def.every = number(a->settings, "every");
    def.after = measure;
    def.each = tell;
    def.user = a;
    const material *m = &a->material;
    return gr_finetune(a->model, a->profile, m->data, m->labels, m->drawn.docs, m->drawn.count, &def, err);
}

/* All rates, each from the same parameters. */
static gr_status tune(attack *a, gr_error *err) {
    const gr_setting_value *lr = gr_settings_get(a->settings, "lr");
    if (a->material.drawn.count == 0)
        return measure(a, 0, err);
    for (a->rate = 0; a->rate < lr->count; a->rate++) {
        gr_error diverged = {0};
        gr_status status = tune_at(a, lr->numbers[a->rate], &diverged);
        gr_model_restore(a->model, a->start);

        /* A rate that diverges only ends early, if any point was measured before. */
        if (status == GR_ERR_NUMERIC && isfinite(a->chosen))
            gr_log_line(1, "relearning at rate %g: %s", a->rate_lr, diverged.message);
        else if (status != GR_OK)
            return gr_error_set(err, status, diverged.place, diverged.hint, "%s", diverged.message);
    }
    return GR_OK;
}

/* The losses that are reported, of the model at the best point. */
static gr_status measure_best(attack *a, gr_error *err) {
    gr_model_restore(a->model, a->kept);
    gr_status status = evaluate(a, a->test, err);
    gr_model_restore(a->model, a->start);
    return status;
}

/* Relearns at each rate in turn, from the same parameters, and measures the best point on the test. */
static gr_status work(attack *a, gr_error *err) {
    const gr_subject *s = a->subject;
    GR_TRY(gr_evaluator_new(&a->evaluator, a->model, a->profile, s->recipe->train.batch, s->recipe->data.context, err));
    gr_evaluator_labelled(a->evaluator, s->labels);
    gr_evaluator_follow(a->evaluator, asked, a);

    /* The documents on which rate and step are chosen: none of them is measured. */
    GR_TRY(gr_scan_new(&a->choose, s->data, s->labels, a->forget->validation, a->forget->validations,
                       s->recipe->train.batch, s->recipe->data.context, err));
    GR_TRY(gr_scan_new(&a->test, s->data, s->labels, s->data->test, s->data->test_count, s->recipe->train.batch,
                       s->recipe->data.context, err));

    /* Every rate starts from the model as it came; the best parameters so far are kept. */
    a->start = gr_alloc(gr_model_size(a->model) * sizeof *a->start);
    a->kept = gr_alloc(gr_model_size(a->model) * sizeof *a->kept);
    a->nll = gr_alloc(s->data->topics.docs * sizeof *a->nll);
    a->tokens = gr_alloc(s->data->topics.docs * sizeof *a->tokens);
    gr_model_store(a->model, a->start);
    if (number(a->settings, "curve"))
        GR_TRY(add_trace(a, 0, 0, err));
    GR_TRY(tune(a, err));
    return measure_best(a, err);
}

/* Frees what the attack keeps between its steps and rates; the model is the caller's. */
static void attack_free(attack *a) {
    material_close(&a->material);
    gr_scan_free(a->choose);
    gr_scan_free(a->test);
    gr_free(a->traced);
    gr_evaluator_free(a->evaluator);
    gr_free(a->start);
    gr_free(a->kept);
    gr_free(a->nll);
    gr_free(a->tokens);
}

/* ---- rows ---- */

static void at_best(gr_ledger *rows, const void *user) {
    (void)user;
    gr_ledger_text(rows, "at", "best");
}

/* The way there: a row for each step that was looked at and each group that has documents. */
static void add_curve(gr_ledger *rows, const attack *a) {
    const gr_groups *groups = a->subject->groups;
    for (int i = 0; i < a->traces; i++)
        for (int g = 0; g < groups->count; g++) {
            if (groups->group[g].tests == 0)
                continue;
            gr_ledger_begin(rows, "curve");
            gr_ledger_text(rows, "group", groups->group[g].name);
            gr_ledger_number(rows, "lr", a->traced[i].lr);
            gr_ledger_count(rows, "step", a->traced[i].step);
            gr_ledger_number(rows, "mean", a->traced[i].mean[g]);
        }
}

/* The best point as rows: what it was trained on, for how long, and the losses there. */
static void add_rows(gr_ledger *rows, const attack *a, int start) {
    gr_ledger_begin(rows, "point");
    gr_ledger_count(rows, "documents", (int64_t)a->material.drawn.documents);
    gr_ledger_count(rows, "tokens", a->material.drawn.tokens);
    gr_ledger_count(rows, "steps", (int64_t)gr_settings_get(a->settings, "steps")->number);
    gr_ledger_count(rows, "step", a->step);
    gr_ledger_number(rows, "lr", a->lr);
    gr_ledger_number(rows, "chosen", a->chosen);
    gr_ledger_text(rows, "start", starts[start]);
    if (number(a->settings, "text"))
        gr_ledger_text(rows, "text", texts[number(a->settings, "text")]);
    gr_ledger_losses(rows, a->subject->groups, a->subject->units, a->nll, a->tokens, at_best, NULL);
    add_curve(rows, a);
}

/* Attacks one network, which is afterwards what it was. */
static gr_status attack_network(gr_ledger *rows, const gr_subject *s, const gr_settings *settings, gr_model *model,
                                int start, gr_error *err) {
    attack a = {.subject = s,
                .settings = settings,
                .model = model,
                .profile = start == SWITCHED ? s->profile : NULL,
                .forget = forget_of(s),
                .chosen = INFINITY};
    gr_status status = draw(&a.material, s, settings, err);
    if (status == GR_OK)
        status = work(&a, err);
    if (status == GR_OK)
        add_rows(rows, &a, start);
    attack_free(&a);
    return status;
}

/* Without the tensors of the regions that are off. Regions that cannot be taken out (claimed residual dimensions, whole
 * parameters) stay switched off instead. */
static gr_status attack_removed(gr_ledger *rows, const gr_subject *s, const gr_settings *settings, gr_error *err) {
    gr_bundle *removed;
    gr_error refused = {0};
    gr_status status = gr_bundle_load(&removed, s->bundle, s->off, s->off_count, &refused);
    if (status == GR_ERR_USAGE) {
        gr_log_line(1, "relearning with the region switched off, not removed: %s", refused.message);
        return attack_network(rows, s, settings, s->model, SWITCHED, err);
    }
    if (status != GR_OK)
        return gr_error_set(err, status, refused.place, refused.hint, "%s", refused.message);

    gr_model_set_precision(removed->model, s->recipe->precision); /* as the others are attacked */
    status = attack_network(rows, s, settings, removed->model, REMOVED, err);
    gr_bundle_free(removed);
    return status;
}

/* Which network is attacked: the whole one, one with regions switched off, or one without them. */
static gr_status run(gr_ledger *rows, const gr_subject *s, const gr_settings *settings, gr_error *err) {
    int start = number(settings, "start");
    GR_TRY(check(s, settings, err));
    if (s->off_count == 0 || start == WHOLE)
        return attack_network(rows, s, settings, s->model, WHOLE, err);
    if (start == SWITCHED || !s->bundle) /* nowhere to be loaded from without them */
        return attack_network(rows, s, settings, s->model, SWITCHED, err);
    return attack_removed(rows, s, settings, err);
}

/* ---- what it would take ---- */

/* Times at which steps of fine-tuning were done, the first of them before any. */
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

/* Seconds of a step, of as many rows as take a moment; more are extrapolated. */
static gr_status time_step(gr_timing *timing, const gr_subject *s, const gr_settings *settings, double position,
                           gr_error *err) {
    const gr_recipe *r = s->recipe;
    const int batch = number(settings, "batch");
    stamps seen = {0};
    material m;
    gr_status status = draw(&m, s, settings, err);

    /* A step with its gradient takes about three passes. */
    gr_finetune_def def = gr_finetune_default();
    double most = position > 0 ? GR__TIMING_BUDGET / (3 * STAMPS * position * r->data.context) : batch;
    def.rows = most < 1 ? 1 : most < batch ? (int)most : batch;
    def.width = r->data.context;
    def.steps = STAMPS - 1;
    def.every = 1;
    def.recompute = r->train.recompute;
    def.optim.lr = gr_settings_get(settings, "lr")->numbers[0];
    def.after = stamp;
    def.user = &seen;
    if (status == GR_OK)
        status = gr_finetune(s->model, s->profile, m.data, m.labels, m.drawn.docs, m.drawn.count, &def, err);
    material_close(&m);
    timing->rows = def.rows;
    timing->seconds = seen.count < 2 ? 0 : (seen.at[seen.count - 1] - seen.at[seen.count - 2]) * batch / def.rows;
    return status;
}

/* The same, unless it is known of this shape. Steps of a network that was hardly trained may come to no end: that is no
 * word about the real attack. */
static gr_status know_step(gr_timing *timing, const gr_subject *s, const gr_settings *settings, double position,
                           gr_timings *timings, gr_error *err) {
    char *shape = gr__timing_name(s->off_count ? "attack, off" : "attack", s->model, s->recipe);
    char *of = gr_format("%s, %d rows", shape, number(settings, "batch"));
    gr_error why = {0};
    gr_status status = GR_OK;
    if (!gr_timings_find(timing, timings, of)) {
        status = time_step(timing, s, settings, position, &why);
        if (status == GR_ERR_NUMERIC)
            timing->seconds = NAN, status = GR_OK;
        if (status == GR_OK)
            gr_timings_put(timings, of, *timing);
        else
            gr_error_set(err, status, why.place, why.hint, "%s", why.message);
    }
    gr_free(shape);
    gr_free(of);
    return status;
}

/* Steps of all rates, the losses that points are chosen by, and those of the best one. */
static gr_status cost(gr_cost *cost, const gr_subject *s, const gr_settings *settings, gr_timings *timings,
                      gr_error *err) {
    const int rates = gr_settings_get(settings, "lr")->count, steps = number(settings, "steps");
    const int every = number(settings, "every"), points = 1 + (steps + every - 1) / every;
    gr_error refused = {0};
    gr_timing step = {0};
    double position;
    int64_t chosen_by = 0, test = 0, documents = 0, tokens = 0;
    *cost = (gr_cost){0};
    if (check(s, settings, &refused) != GR_OK) /* it will say so itself */
        return GR_OK;

    GR_TRY(gr__position_time(&position, s, timings, err));
    GR_TRY(only(&documents, settings, "documents", err));
    GR_TRY(only(&tokens, settings, "tokens", err));
    const bool tunes = documents || tokens;
    if (tunes)
        GR_TRY(know_step(&step, s, settings, position, timings, err));

    /* Without documents the start is measured, once. */
    const gr_group *forget = forget_of(s);
    for (size_t i = 0; i < forget->validations; i++)
        chosen_by += gr_dataset_targets(s->data, forget->validation[i]);
    for (size_t i = 0; i < s->data->test_count; i++)
        test += gr_dataset_targets(s->data, s->data->test[i]);
    int traces = number(settings, "curve");
    for (int at = 1; traces && tunes && at <= steps; at *= 2)
        traces += rates;
    cost->tokens = (tunes ? (int64_t)rates * points : 1) * chosen_by + (1 + traces) * test;
    cost->seconds = (double)cost->tokens * position + (tunes ? rates * steps * step.seconds : 0);
    return GR_OK;
}

/* One attack on four kinds of text: they differ in what the recipe's section is put beside. */
#define ATTACK(NAME, PRESET, HELP)                                   \
    const gr_attack gr__attack_##NAME = {                            \
        .name = #NAME,                                               \
        .help = HELP ", to the point that serves the attacker best", \
        .doing = "relearning",                                       \
        .revision = 1,                                               \
        .option = options,                                           \
        .preset = PRESET,                                            \
        .check = check,                                              \
        .run = run,                                                  \
        .cost = cost,                                                \
    }

ATTACK(relearn, preset, "fine-tuning on forget documents");
ATTACK(relearn_adjacent, preset_adjacent, "fine-tuning on documents of adjacent topics");
ATTACK(relearn_retain, preset_retain, "fine-tuning on retain documents");
ATTACK(relearn_unrelated, preset_unrelated, "fine-tuning on text of a file that the data do not have");
