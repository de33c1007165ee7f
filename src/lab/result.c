#include "lab/result.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "io/json.h"

typedef gr__result_job job;

const char *const gr__result_members[] = {"format",    "experiment",  "question",  "points",       "axes",
                                          "intervals", "knobs",       "seconds",   "tokens_per_s", "parameters",
                                          "data",      "completions", "models",    "scale",        "known_labels_only",
                                          "damage",    "collapsed",   "verdict",   "seeds",        "seed",
                                          "claims",    "table",       "suggested", "folder",       "digest",
                                          "recipe",    "routes",      "curves",    "choice",       NULL};
const char *const gr__result_model_members[] = {"seconds",   "tokens_per_s", "tokens",  "parameters", "flops",
                                                "regions",   "accuracy",     "classes", "made",       "found",
                                                "intervals", "values",       "at",      "read",       NULL};

/* Figures that are asked of all seeds, in this order: those of the experiment and what is taken off them; losses of
 * models; those of claims. */
typedef struct asked {
    gr_figure_def *def;
    int count;
    size_t room;
    int *minus; /* [figures] the def of what is taken off */
    int *loss;  /* [arms][attacks + 1][groups] */
    int *back;  /* [arms][attacks][rungs] recoveries; -1: not asked */
    int rungs;  /* most of any attack */
} asked;

/* ---- what is asked ---- */

static int ask(asked *a, gr_figure_def def) {
    GR_PUSH(a->def, a->count, a->room) = def;
    return a->count - 1;
}

/* The same of another arm; -1: of none. */
static int ask_of(asked *a, gr_figure_def def, int arm) {
    def.of = arm;
    return arm < 0 ? -1 : ask(a, def);
}

static int *loss_of(const asked *a, const job *j, int arm, int attack, int group) {
    return &a->loss[(arm * (j->attacks + 1) + attack) * j->e->groups + group];
}

/* Asks for the loss of every arm, as it is and after each attack, on every group. */
static void ask_losses(asked *a, const job *j) {
    const gr_experiment *e = j->e;
    a->loss = gr_alloc(((size_t)(e->arms * (j->attacks + 1) * e->groups) + 1) * sizeof *a->loss);
    for (int m = 0; m < e->arms; m++)
        for (int k = 0; k <= j->attacks; k++)
            for (int g = 0; g < e->groups; g++)
                *loss_of(a, j, m, k, g) = ask(a, (gr_figure_def){.measure = "loss",
                                                                 .field = "mean",
                                                                 .of = m,
                                                                 .minus = -1,
                                                                 .group = e->group[g].name,
                                                                 .after = k > 0 ? j->attack[k - 1] : NULL});
}

static int *back_of(const asked *a, const job *j, int arm, int attack, int rung) {
    return &a->back[(arm * j->attacks + attack) * a->rungs + rung];
}

/* Asks how far each attack of a ladder brought each arm back: one that is made once has the figures of the experiment.
 */
static void ask_ladders(asked *a, const job *j) {
    const gr_figure *recovery = gr_registry_figure(j->def->registry, "recovery");

    /* Room for all, whichever attack has the most. */
    a->rungs = 1;
    for (int k = 0; k < j->attacks; k++)
        if (gr__rows_rungs(j->def, j->attack[k]) > a->rungs)
            a->rungs = gr__rows_rungs(j->def, j->attack[k]);
    a->back = gr_alloc(((size_t)(j->e->arms * j->attacks * a->rungs) + 1) * sizeof *a->back);
    for (int m = 0; m < j->e->arms; m++)
        for (int k = 0; k < j->attacks; k++)
            for (int r = 0; r < a->rungs; r++)
                *back_of(a, j, m, k, r) =
                    !recovery || a->rungs == 1 || r >= gr__rows_rungs(j->def, j->attack[k])
                        ? -1
                        : ask(a, (gr_figure_def){
                                     .figure = recovery, .of = m, .minus = -1, .after = j->attack[k], .rung = r});
}

/* Asks for both sides of every claim, and for what they are matched by. */
static void ask_claims(asked *a, const job *j) {
    for (int c = 0; c < j->e->claims; c++) {
        const gr_claim *claim = &j->e->claim[c];
        const gr_figure_def matched = {.figure = claim->matched ? gr_registry_figure(j->def->registry, claim->matched)
                                                                : NULL};
        int *defs = j->claim[c];
        defs[0] = ask(a, claim->what);
        defs[1] = ask_of(a, claim->what, claim->what.minus);
        defs[2] = matched.figure ? ask_of(a, matched, claim->what.of) : -1;
        defs[3] = matched.figure ? ask_of(a, matched, claim->what.minus) : -1;
    }
}

/* Figures have the numbers that they have in the experiment. */
static void ask_all(asked *a, const job *j) {
    const gr_experiment *e = j->e;
    a->minus = gr_alloc(((size_t)e->figures + 1) * sizeof *a->minus);
    for (int f = 0; f < e->figures; f++)
        ask(a, e->figure[f]);
    for (int f = 0; f < e->figures; f++)
        a->minus[f] = ask_of(a, e->figure[f], e->figure[f].minus);
    ask_losses(a, j);
    ask_ladders(a, j);
    ask_claims(a, j);
}

/* ---- figures ---- */

void gr__result_put(json_t *to, json_t *intervals, const char *key, gr_estimate e) {
    json_object_set_new(to, key, isfinite(e.value) ? json_real(e.value) : json_null());
    if (intervals && isfinite(e.value) && isfinite(e.low) && isfinite(e.high))
        json_object_set_new(intervals, key, json_pack("[f, f]", e.low, e.high));
}

static bool has_knob(const job *j, int arm) { return arm >= 0 && gr_experiment_knobs(j->e, arm) > 1; }

static json_t *word_of(const job *j, int arm, int knob) { return gr_json_text(gr__knob_word(j->e, arm, knob)); }

/* What each seed has to say; null where it was refused. */
static json_t *in_seeds(const job *j, const asked *a, int f, int point, int knob) {
    json_t *list = json_array();
    for (int s = 0; s < j->def->seeds; s++) {
        double x = gr__seed_figures_in(j->figures, f, a->minus[f], point, s, knob).estimate.value;
        json_array_append_new(list, isfinite(x) ? json_real(x) : json_null());
    }
    return list;
}

/* A figure of an arm with a knob: a list, one of each value. */
static json_t *by_knob(const job *j, const asked *a, int f, int point) {
    int arm = j->e->figure[f].of;
    json_t *list = json_array();
    for (int v = 0; v < gr_experiment_knobs(j->e, arm); v++) {
        gr__told told = gr__seed_figures_over(j->figures, f, a->minus[f], point, v);
        json_t *one = json_pack("{s:o}", "at", word_of(j, arm, v)), *interval = json_object();
        if (told.state == GR__TOLD)
            gr__result_put(one, interval, "value", told.estimate);
        json_object_set(one, "interval", json_object_get(interval, "value"));
        json_decref(interval);

        if (j->def->seeds > 1)
            json_object_set_new(one, "seeds", in_seeds(j, a, f, point, v));
        json_array_append_new(list, one);
    }
    return list;
}

/* All figures over seeds, those of arms with a knob apart from the others. */
static void put_figures(json_t *to, const job *j, const asked *a, int point) {
    json_t *intervals = json_object(), *knobs = json_object();
    for (int f = 0; f < j->e->figures; f++) {
        const gr_figure_def *figure = &j->e->figure[f];
        gr__told told = gr__seed_figures_over(j->figures, f, a->minus[f], point, 0);
        if (has_knob(j, figure->of))
            json_object_set_new(knobs, figure->key, by_knob(j, a, f, point));
        else if (told.state == GR__TOLD)
            gr__result_put(to, intervals, figure->key, told.estimate);
    }

    json_object_set_new(to, "intervals", intervals);
    if (json_object_size(knobs) > 0)
        json_object_set(to, "knobs", knobs);
    json_decref(knobs);
}

/* Figures of each seed, where there are several. */
static void put_seeds(json_t *to, const job *j, const asked *a, int point) {
    json_t *list = json_array();
    for (int s = 0; s < j->def->seeds; s++) {
        json_t *one = json_pack("{s:I}", "seed", (json_int_t)(j->def->first_seed + s)), *intervals = json_object();

        for (int f = 0; f < j->e->figures; f++) {
            const gr_figure_def *figure = &j->e->figure[f];
            gr__told told = gr__seed_figures_in(j->figures, f, a->minus[f], point, s, 0);
            if (!has_knob(j, figure->of) && told.state == GR__TOLD)
                gr__result_put(one, intervals, figure->key, told.estimate);
        }
        json_object_set_new(one, "intervals", intervals);
        json_array_append_new(list, one);
    }
    json_object_set_new(to, "seeds", list);
}

/* ---- models ---- */

/* Losses before any attack with intervals, and after each; over one seed the latter have none, as they are read against
 * each other alone. Groups that may be empty are not told of there. */
static void put_losses(json_t *model, const job *j, const asked *a, int arm, int point, int knob) {
    json_t *intervals = json_object();
    for (int k = 0; k <= j->attacks; k++)
        for (int g = 0; g < j->e->groups; g++) {
            const gr_group_want *group = &j->e->group[g];
            gr__told told = gr__seed_figures_over(j->figures, *loss_of(a, j, arm, k, g), -1, point, knob);
            if (told.state != GR__TOLD || (k > 0 && group->optional))
                continue;
            char *key = k > 0 ? gr_format("%s_%s", group->name, j->done[k - 1]) : gr_strdup(group->name);
            gr__result_put(model, k > 0 && j->def->seeds == 1 ? NULL : intervals, key, told.estimate);
            gr_free(key);
        }
    json_object_set_new(model, "intervals", intervals);
}

/* How far each attack of a ladder brought the model back, beside the losses after it. */
static void put_recoveries(json_t *model, const job *j, const asked *a, int arm, int point, int knob) {
    for (int k = 0; k < j->attacks; k++) {
        char *key = gr_format("%s_ladder", j->done[k]);
        const json_t *ladder = json_object_get(model, key);
        size_t place = 0;
        gr_free(key);

        /* The ladder begins with the first value, of which the most stand behind. */
        for (int r = a->rungs - 1; r >= 0 && ladder; r--) {
            if (!gr__rows_find(j->def, &(gr__whose){arm, point, 0, knob, j->attack[k], r}, "point", NULL))
                continue; /* it has no rung */
            json_t *rung = json_array_get(ladder, place++);
            const int asks = *back_of(a, j, arm, k, r);
            if (asks < 0)
                continue;
            gr__told told = gr__seed_figures_over(j->figures, asks, -1, point, knob);
            if (told.state == GR__TOLD)
                gr__result_put(rung, NULL, "recovery", told.estimate);
        }
    }
}

/* What was measured of one model. */
static json_t *model_at(const job *j, const asked *a, int arm, int point, int knob) {
    json_t *model = json_object();
    gr__result_model(model, j, arm, point, knob);
    put_recoveries(model, j, a, arm, point, knob);
    put_losses(model, j, a, arm, point, knob);
    return model;
}

/* An arm that was made, or measured, at this point. */
static bool is_made(const job *j, int arm, int point) {
    for (int s = 0; s < j->def->seeds; s++)
        for (int v = 0; v < gr_experiment_knobs(j->e, arm); v++)
            if (gr__rows_any(j->def, &(gr__whose){arm, point, s, v, NULL, 0}))
                return true;
    return false;
}

/* An arm with a knob: what was tried, and what came of each. */
static json_t *tried(const job *j, const asked *a, int arm, int point) {
    json_t *list = json_array();
    for (int v = 0; v < gr_experiment_knobs(j->e, arm); v++) {
        json_t *one = model_at(j, a, arm, point, v);
        json_object_set_new(one, "at", word_of(j, arm, v));
        json_array_append_new(list, one);
    }
    return json_pack("{s:o}", "values", list);
}

/* Every model that is made at a point; of an arm with a knob each setting that was tried. */
static void put_models(json_t *to, const job *j, const asked *a, int point) {
    json_t *models = json_object();
    for (int m = 0; m < j->e->arms; m++)
        if (is_made(j, m, point))
            json_object_set_new(models, j->e->arm[m].name,
                                has_knob(j, m) ? tried(j, a, m, point) : model_at(j, a, m, point, 0));
    json_object_set_new(to, "models", models);
}

/* ---- the whole ---- */

static void put_text(json_t *to, const char *key, const char *text) {
    if (text)
        json_object_set_new(to, key, gr_json_text(text));
}

/* All that is told of one point. */
static void put_point(json_t *to, const job *j, const asked *a, int point) {
    put_figures(to, j, a, point);
    gr__result_curves(to, j, point);
    gr__result_data(to, j, point);
    put_models(to, j, a, point);
    gr__result_verdict(to, j, point);
    if (j->def->seeds > 1)
        put_seeds(to, j, a, point);
}

/* The whole result as one object. */
static json_t *make(const job *j, const asked *a) {
    const gr__result_def *d = j->def;
    json_t *to = json_pack("{s:s}", "format", "gradroute-result-2");
    put_text(to, "experiment", j->e->name);
    put_text(to, "question", j->e->question);

    /* With one point its members are the result's. */
    json_t *points = json_array();
    if (j->e->axes == 0)
        put_point(to, j, a, 0);
    for (int p = 0; p < j->points && j->e->axes > 0; p++) {
        json_t *one = json_pack("{s:o}", "axes", gr__result_axes(j->e, p));
        put_point(one, j, a, p);
        json_array_append_new(points, one);
    }
    if (j->e->axes > 0)
        json_object_set(to, "points", points);
    json_decref(points);

    /* What is of all points. */
    gr__result_claims(to, j);
    gr__result_choice(to, j, a->minus);
    gr__result_table(to, j);
    put_text(to, "folder", d->folder);
    put_text(to, "digest", d->digest);
    put_text(to, "recipe", d->recipe);
    if (d->routes)
        json_object_set(to, "routes", (json_t *)d->routes);
    return to;
}

/* ---- who is who ---- */

/* The word for what an attack has done: relearn, relearned; relearn_retain, relearned_retain. */
static char *done_by(const char *name) {
    int length = (int)strcspn(name, "_");
    return gr_format("%.*s%s%s", length, name, length > 0 && name[length - 1] == 'e' ? "d" : "ed", name + length);
}

bool gr__result_runs(const gr__result_def *d, int arm) {
    const int arms = d->experiment->arms, points = gr_experiment_points(d->experiment);
    for (int point = 0; point < points && arm >= 0; point++)
        if (d->runs[point * arms + arm])
            return true;
    return false;
}

/* Who stands for 0 and for 1 at a point: of several the first that runs there. That one was never trained on the topic
 * either, where nobody else is named for it. */
static void find_roles(job *j, int point) {
    const gr_experiment *e = j->e;
    const bool *runs = &j->def->runs[point * e->arms];
    j->zero[point] = e->zero >= 0 && runs[e->zero] ? e->zero : -1;
    j->one[point] = -1;
    for (int i = 0; i < e->ones && j->one[point] < 0; i++)
        if (runs[e->one[i]])
            j->one[point] = e->one[i];
    j->never[point] = e->never < 0 ? j->one[point] : runs[e->never] ? e->never : -1;
}

/* What tellings of one result share; which arms stand for 0, for 1, and for what is asked about. */
static job job_new(const gr__result_def *d) {
    const gr_experiment *e = d->experiment;
    job j = {.def = d, .e = e, .subject = gr__result_runs(d, e->subject) ? e->subject : -1};
    j.points = gr_experiment_points(e);
    j.zero = gr_alloc((size_t)j.points * sizeof *j.zero);
    j.one = gr_alloc((size_t)j.points * sizeof *j.one);
    j.never = gr_alloc((size_t)j.points * sizeof *j.never);
    for (int point = 0; point < j.points; point++)
        find_roles(&j, point);
    j.claim = gr_alloc(((size_t)e->claims + 1) * sizeof *j.claim);

    /* Uses that are attacks. */
    j.attack = gr_alloc(((size_t)e->uses + 1) * sizeof *j.attack);
    j.done = gr_alloc(((size_t)e->uses + 1) * sizeof *j.done);
    for (int i = 0; i < e->uses; i++)
        if (e->use[i].attack) {
            j.done[j.attacks] = done_by(e->use[i].attack->name);
            j.attack[j.attacks++] = e->use[i].attack;
        }

    /* And measures that figures may be of instead of losses. */
    j.also = gr_alloc(((size_t)e->uses + 1) * sizeof *j.also);
    for (int i = 0; i < e->uses; i++)
        if (e->use[i].measure && e->use[i].measure->losses)
            j.also[j.alsos++] = e->use[i].measure;
    return j;
}

/* The lists of a job; the experiment is the caller's. */
static void job_free(job *j) {
    for (int a = 0; a < j->attacks; a++)
        gr_free(j->done[a]);
    gr_free(j->done);
    gr_free(j->attack);
    gr_free(j->also);
    gr_free(j->claim);
    gr_free(j->zero);
    gr_free(j->one);
    gr_free(j->never);
    gr__seed_figures_free(j->figures);
}

gr_status gr__result_make(json_t **result, const gr__result_def *d, gr_error *err) {
    job j = job_new(d);
    asked a = {0};
    *result = NULL;

    /* All figures are asked for before any is taken: rows of a seed are read once. */
    ask_all(&a, &j);
    gr_status status = gr__seed_figures_new(&j.figures, &j, a.def, a.count, err);
    if (status == GR_OK)
        *result = make(&j, &a);

    job_free(&j);
    gr_free(a.def);
    gr_free(a.minus);
    gr_free(a.loss);
    gr_free(a.back);
    return status;
}
