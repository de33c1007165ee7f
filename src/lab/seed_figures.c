/* Figures of an experiment in each of its seeds, from the rows of its cells. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "lab/figures.h"
#include "lab/ladder.h"
#include "lab/result.h"
#include "measure/measure.h"

/* ---- rows ---- */

static bool is_of(const gr__result_rows *rows, const gr__whose *w) {
    return rows->arm == w->arm && rows->point == w->point && rows->seed == w->seed && rows->knob == w->knob &&
           rows->after == w->after && rows->rung == w->rung;
}

bool gr__rows_any(const gr__result_def *d, const gr__whose *whose) {
    for (size_t i = 0; i < d->count; i++)
        if (is_of(&d->rows[i], whose))
            return true;
    return false;
}

const gr_entry *gr__rows_find(const gr__result_def *d, const gr__whose *whose, const char *row,
                              const char *const (*where)[2]) {
    const gr_entry *found = NULL;
    for (size_t i = 0; i < d->count && !found; i++)
        if (is_of(&d->rows[i], whose))
            found = gr_ledger_find(d->rows[i].rows, row, where);
    return found;
}

const gr_entry *gr__rows_next(const gr__result_def *d, const gr__whose *whose, const char *row, int i) {
    for (size_t k = 0; k < d->count; k++) {
        const gr_ledger *rows = d->rows[k].rows;
        for (size_t r = 0; is_of(&d->rows[k], whose) && r < gr_ledger_size(rows); r++)
            if (!strcmp(gr_entry_text(gr_ledger_at(rows, r), "row"), row) && i-- == 0)
                return gr_ledger_at(rows, r);
    }
    return NULL;
}

int gr__rows_rungs(const gr__result_def *d, const gr_attack *after) {
    int rungs = 1;
    for (size_t i = 0; i < d->count; i++)
        if (d->rows[i].after == after && d->rows[i].rung >= rungs)
            rungs = d->rows[i].rung + 1;
    return rungs;
}

/* ---- arms ---- */

int gr__parent_of(const gr_experiment *e, int arm) { return e->arm[arm].from ? (int)(e->arm[arm].from - e->arm) : -1; }

/* The value of an arm's knob, where others have more of them. */
static int knob_of(const gr_experiment *e, int arm, int knob) { return knob < gr_experiment_knobs(e, arm) ? knob : 0; }

/* Whether an arm, or one that it goes on from, came to nothing. */
static bool is_diverged(const gr__result_job *j, gr__whose w) {
    for (; w.arm >= 0; w.arm = gr__parent_of(j->e, w.arm)) {
        gr__whose one = w;
        one.knob = knob_of(j->e, w.arm, w.knob);
        if (gr__rows_find(j->def, &one, "diverged", NULL))
            return true;
        one.after = NULL;
        if (gr__rows_find(j->def, &one, "diverged", NULL))
            return true;
    }
    return false;
}

/* ---- losses of one point and seed ---- */

/* Samples by slot (a value of an arm's knob), column and group. A source has a column for each of its rungs, the last
 * measurement first. Sources: the measure `loss`, each attack, then each further measure whose rows are losses. */
typedef struct losses {
    const gr__result_job *j;
    int point, seed;
    int *slot;      /* [arms + 1] the first of each arm, and how many there are */
    int *column;    /* [sources + 1] the same of columns */
    gr__rung *rung; /* [slots][columns] */
    gr_sample *sample;
    gr_groups groups; /* names alone */
} losses;

static int sources(const gr__result_job *j) { return 1 + j->attacks + j->alsos; }
static int columns(const losses *l) { return l->column[sources(l->j)]; }
static int places(const losses *l) { return l->slot[l->j->e->arms] * columns(l); }
static int samples(const losses *l) { return places(l) * l->j->e->groups; }

/* The attack of a source; NULL: it is of a measure. */
static const gr_attack *attack_at(const gr__result_job *j, int source) {
    return source > 0 && source <= j->attacks ? j->attack[source - 1] : NULL;
}

static gr__rung *rung_at(const losses *l, int arm, int knob, int source, int rung) {
    int slot = l->slot[arm] + knob_of(l->j->e, arm, knob);
    return &l->rung[slot * columns(l) + l->column[source] + rung];
}

static const gr_sample *losses_at(const losses *l, int arm, int knob, int source) {
    return rung_at(l, arm, knob, source, 0)->after;
}

/* The row of losses of a group, by the kind of its rows; of an attack that at its best point. */
static const gr_entry *loss_row(const gr__result_def *d, const gr__whose *w, const char *kind, const char *group) {
    const char *const best[][2] = {{"group", group}, {"at", "best"}, {NULL, NULL}};
    const char *const any[][2] = {{"group", group}, {NULL, NULL}};
    const gr_entry *row = gr__rows_find(d, w, kind, best);
    return row ? row : gr__rows_find(d, w, kind, any);
}

/* Losses on every group in one column, and how many documents an attack had. */
static gr_status read_column(losses *l, const gr__whose *w, int source, gr_error *err) {
    const gr__result_job *j = l->j;
    const int also = source - 1 - j->attacks;
    gr__rung *rung = rung_at(l, w->arm, w->knob, source, w->rung);
    gr_sample *sample = &l->sample[(rung - l->rung) * j->e->groups];
    const gr_entry *point = gr__rows_find(j->def, w, "point", NULL);
    double documents = point ? gr_entry_number(point, "documents") : NAN;
    *rung = (gr__rung){documents < INT32_MAX ? (int)documents : -1, sample};

    for (int g = 0; g < j->e->groups; g++) {
        const gr_entry *row = loss_row(j->def, w, also < 0 ? "loss" : j->also[also]->name, j->e->group[g].name);
        if (row)
            GR_TRY(gr_sample_read(&sample[g], row, j->e->arm[w->arm].name, err));
    }
    return GR_OK;
}

/* Losses of a model on every group, from each source. */
static gr_status read_losses(losses *l, int arm, int knob, gr_error *err) {
    for (int s = 0; s < sources(l->j); s++)
        for (int r = 0; r < l->column[s + 1] - l->column[s]; r++) {
            const gr__whose w = {arm, l->point, l->seed, knob, attack_at(l->j, s), r};
            GR_TRY(read_column(l, &w, s, err));
        }
    return GR_OK;
}

/* Room for the losses of every model at a point and seed. */
static gr_status losses_open(losses *l, const gr__result_job *j, int point, int seed, gr_error *err) {
    const gr_experiment *e = j->e;
    *l = (losses){.j = j, .point = point, .seed = seed, .slot = gr_alloc(((size_t)e->arms + 1) * sizeof *l->slot)};
    for (int a = 0; a < e->arms; a++)
        l->slot[a + 1] = l->slot[a] + gr_experiment_knobs(e, a);
    l->column = gr_alloc(((size_t)sources(j) + 1) * sizeof *l->column);
    for (int k = 0; k < sources(j); k++)
        l->column[k + 1] = l->column[k] + (attack_at(j, k) ? gr__rows_rungs(j->def, attack_at(j, k)) : 1);

    /* Names of groups, by which figures ask for them. */
    l->groups.count = e->groups;
    for (int g = 0; g < e->groups; g++)
        l->groups.group[g].name = e->group[g].name;

    l->rung = gr_alloc(((size_t)places(l) + 1) * sizeof *l->rung);
    l->sample = gr_alloc(((size_t)samples(l) + 1) * sizeof *l->sample);
    for (int a = 0; a < e->arms; a++)
        for (int v = 0; v < gr_experiment_knobs(e, a); v++)
            GR_TRY(read_losses(l, a, v, err));
    return GR_OK;
}

/* Frees what losses_open made. */
static void losses_close(losses *l) {
    for (int i = 0; i < samples(l); i++)
        gr_sample_free(&l->sample[i]);
    gr_free(l->sample);
    gr_free(l->rung);
    gr_free(l->column);
    gr_free(l->slot);
}

/* ---- one figure ---- */

/* Its number among losses; 0: before any. */
static int attack_of(const gr__result_job *j, const gr_attack *attack) {
    for (int a = 0; a < j->attacks; a++)
        if (j->attack[a] == attack)
            return a + 1;
    return 0;
}

/* The source whose losses a figure takes of a model as it is: `loss`, where it names no measure. */
static int source_of(const gr__result_job *j, const char *measure) {
    for (int i = 0; measure && i < j->alsos; i++)
        if (!strcmp(j->also[i]->name, measure))
            return 1 + j->attacks + i;
    return 0;
}

/* The number of a group; -1: there is none, or no name. */
static int group_named(const gr_experiment *e, const char *name) {
    for (int g = 0; name && g < e->groups; g++)
        if (!strcmp(e->group[g].name, name))
            return g;
    return -1;
}

/* A figure that compares models: that of the arm at its value beside the two that stand for 0 and 1. */
static bool take_compared(gr_estimate *e, const losses *l, const gr_figure_def *def, int knob) {
    const gr__result_job *j = l->j;
    int attack = attack_of(j, def->after);
    if (j->zero[l->point] < 0 || j->one[l->point] < 0)
        return false;

    gr__model_losses *source = gr_alloc((size_t)j->e->arms * sizeof *source);
    for (int a = 0; a < j->e->arms; a++) {
        int value = a == def->of ? knob : 0;
        source[a].before = losses_at(l, a, value, source_of(j, def->measure));
        if (attack > 0)
            source[a] = (gr__model_losses){source[a].before, rung_at(l, a, value, attack, def->rung)->after,
                                           rung_at(l, a, value, attack, 0), l->column[attack + 1] - l->column[attack]};
    }
    gr__figuring f = {.registry = j->def->registry,
                      .groups = &l->groups,
                      .source = source,
                      .zero = j->zero[l->point],
                      .one = j->one[l->point],
                      .never = j->never[l->point],
                      .least = j->def->least,
                      .seed = j->def->split_seed[l->seed]};
    gr__result_figure one = {def->figure->name, def->figure->name, def->of, def->group, attack > 0};
    bool taken = gr__figure_take(e, &f, &one);
    gr_free(source);
    return taken;
}

/* The group that a figure is on, and the losses that it takes of models as they are. */
static int group_of(const losses *l, const gr_figure_def *def) {
    return group_named(l->j->e, def->group ? def->group : def->figure->group);
}

/* A figure that looks a loss up on a curve, and that curve, which is the same for all values of the arm's knob. It has
 * no points where a loss of it was not measured. */
static bool take_along(gr_estimate *e, gr__curve *curve, const losses *l, const gr_figure_def *def, int knob) {
    const gr__result_job *j = l->j;
    const int own = source_of(j, def->measure), attack = attack_of(j, def->after), group = group_of(l, def);
    const int arm = (int)(def->along - j->e->arm);
    gr_sample sample[1 + GR__LADDER_MOST];
    gr__curve_open(curve, j, def, l->point, l->seed);

    /* The models of the ladder as they are, and the one that is asked about as it is or after the attack. */
    sample[0] = losses_at(l, def->of, knob, attack > 0 ? attack : own)[group];
    bool measured = sample[0].count > 0;
    for (int v = 0; v < curve->points; v++) {
        sample[1 + v] = losses_at(l, arm, v, own)[group];
        measured = measured && sample[1 + v].count > 0;
    }
    if (!measured) {
        curve->points = 0;
        return false;
    }

    gr__curve_fit(curve, sample);
    curve->whole = gr__curve_whole(j, def, l->point, l->seed, knob);
    *e = gr__curve_take(curve, sample, curve->whole, j->def->split_seed[l->seed]);
    return true;
}

/* The mean of a number over the rows of a measure. */
static bool take_mean(gr_estimate *e, const losses *l, const gr_figure_def *def, int knob) {
    const gr__whose w = {def->of, l->point, l->seed, knob, def->after, 0};
    const gr_entry *row;
    double sum = 0;
    int count = 0;

    for (int i = 0; (row = gr__rows_next(l->j->def, &w, def->measure, i)); i++) {
        const char *group = gr_entry_text(row, "group");
        if (def->group && (!group || strcmp(group, def->group) != 0))
            continue;
        sum += gr_entry_number(row, def->field);
        count++;
    }
    if (count > 0)
        *e = (gr_estimate){sum / count, NAN, NAN};
    return count > 0;
}

/* A number of rows; of losses the mean over their units, with its interval. */
static bool take_value(gr_estimate *e, const losses *l, const gr_figure_def *def, int knob) {
    const gr__result_job *j = l->j;
    int group = group_named(j->e, def->group), also = source_of(j, def->measure);
    if ((strcmp(def->measure, "loss") != 0 && !also) || strcmp(def->field, "mean") != 0 || group < 0)
        return take_mean(e, l, def, knob);

    const gr_sample *sample = &losses_at(l, def->of, knob, also ? also : attack_of(j, def->after))[group];
    if (sample->count > 0)
        *e = gr_interval(gr__formula_loss, sample, 1, j->def->split_seed[l->seed]);
    return sample->count > 0;
}

/* The figure by its kind; false: something that it takes was not measured. */
static bool take(gr_estimate *e, gr__curve *curve, const losses *l, const gr_figure_def *def, int knob) {
    if (def->along)
        return take_along(e, curve, l, def, knob);
    return def->figure ? take_compared(e, l, def, knob) : take_value(e, l, def, knob);
}

/* A figure at one point and seed, or why there is none. */
static gr__told tell(gr__curve *curve, const losses *l, const gr_figure_def *def, int knob) {
    const gr__whose w = {def->of, l->point, l->seed, knob, def->after, 0};
    gr__told told = {{NAN, NAN, NAN}, GR__TOLD};
    if (is_diverged(l->j, w))
        told.state = GR__TOLD_DIVERGED;
    else if (!take(&told.estimate, curve, l, def, knob))
        told.state = GR__TOLD_NOTHING;
    return told;
}

/* ---- all of them ---- */

struct gr__seed_figures {
    const gr__result_job *j;
    const gr_figure_def *def;
    gr__told *told;
    int curves;
    gr__curve **curve; /* [curves] by def and point: of figures that look a loss up, in the first seed; else NULL */
    int knobs;         /* most of any arm */
    bool buckets;
};

/* How many values a figure has: those of the knob of its arm. */
static int knobs_of(const gr_experiment *e, const gr_figure_def *def) {
    return def->of < 0 ? 1 : gr_experiment_knobs(e, def->of);
}

static gr__told *place(const gr__seed_figures *f, int def, int point, int seed, int knob) {
    return &f->told[((def * f->j->points + point) * f->j->def->seeds + seed) * f->knobs + knob];
}

const gr__told *gr__seed_figures_at(const gr__seed_figures *f, int def, int point, int seed, int knob) {
    return place(f, def, point, seed, knob);
}

const gr__curve *gr__seed_figures_curve(const gr__seed_figures *f, int def, int point) {
    return f->curve[def * f->j->points + point];
}

bool gr__seed_figures_by_buckets(const gr__seed_figures *f) { return f->buckets; }

/* Keeps a curve that a loss was looked up on. */
static void keep_curve(gr__seed_figures *f, int def, int point, const gr__curve *curve) {
    gr__curve **kept = &f->curve[def * f->j->points + point];
    if (curve->points == 0 || *kept)
        return;
    *kept = gr_alloc(sizeof **kept);
    **kept = *curve;
}

/* Every figure for every knob at one seed. */
static gr_status read_seed(gr__seed_figures *f, int count, int point, int seed, gr_error *err) {
    losses l;
    gr_status status = losses_open(&l, f->j, point, seed, err);
    for (int i = 0; i < count && status == GR_OK; i++)
        for (int v = 0; v < knobs_of(f->j->e, &f->def[i]); v++) {
            gr__curve curve = {0};
            *place(f, i, point, seed, v) = tell(&curve, &l, &f->def[i], v);
            if (seed == 0)
                keep_curve(f, i, point, &curve);
        }

    /* Whether documents were told apart. */
    for (int i = 0; i < samples(&l); i++)
        f->buckets |= l.sample[i].buckets;
    losses_close(&l);
    return status;
}

gr_status gr__seed_figures_new(gr__seed_figures **figures, const gr__result_job *j, const gr_figure_def *def, int count,
                               gr_error *err) {
    gr__seed_figures *f = gr_alloc(sizeof *f);
    *f = (gr__seed_figures){.j = j, .def = def, .knobs = 1};
    for (int a = 0; a < j->e->arms; a++)
        if (gr_experiment_knobs(j->e, a) > f->knobs)
            f->knobs = gr_experiment_knobs(j->e, a);

    /* Nothing, until it is read. */
    size_t all = (size_t)(count * j->points * j->def->seeds * f->knobs);
    f->told = gr_alloc((all + 1) * sizeof *f->told);
    f->curves = count * j->points;
    f->curve = gr_alloc(((size_t)f->curves + 1) * sizeof(gr__curve *));
    for (size_t i = 0; i < all; i++)
        f->told[i] = (gr__told){{NAN, NAN, NAN}, GR__TOLD_NOTHING};

    /* One point and seed after the other: their losses are many. */
    gr_status status = GR_OK;
    for (int p = 0; p < j->points && status == GR_OK; p++)
        for (int s = 0; s < j->def->seeds && status == GR_OK; s++)
            status = read_seed(f, count, p, s, err);
    if (status != GR_OK) {
        gr__seed_figures_free(f);
        f = NULL;
    }
    *figures = f;
    return status;
}

void gr__seed_figures_free(gr__seed_figures *figures) {
    if (!figures)
        return;
    for (int i = 0; i < figures->curves; i++)
        gr_free(figures->curve[i]);
    gr_free(figures->curve);
    gr_free(figures->told);
    gr_free(figures);
}

/* ---- over seeds ---- */

/* What is taken off leaves no joint interval. */
gr__told gr__seed_figures_in(const gr__seed_figures *f, int def, int minus, int point, int seed, int knob) {
    gr__told told = *place(f, def, point, seed, knob);
    if (minus < 0 || told.state != GR__TOLD)
        return told;
    int other_knob = knob < knobs_of(f->j->e, &f->def[minus]) ? knob : 0;
    const gr__told *other = place(f, minus, point, seed, other_knob);
    return (gr__told){{told.estimate.value - other->estimate.value, NAN, NAN}, other->state};
}

gr__told gr__seed_figures_over(const gr__seed_figures *f, int def, int minus, int point, int knob) {
    int seeds = f->j->def->seeds, nothing = 0;
    if (seeds == 1)
        return gr__seed_figures_in(f, def, minus, point, 0, knob);

    double *values = gr_alloc((size_t)seeds * sizeof *values);
    for (int s = 0; s < seeds; s++) {
        gr__told told = gr__seed_figures_in(f, def, minus, point, s, knob);
        nothing += told.state == GR__TOLD_NOTHING;
        values[s] = told.estimate.value; /* NaN where there is nothing */
    }
    gr__told over = {gr_over_seeds(values, seeds), nothing == seeds ? GR__TOLD_NOTHING : GR__TOLD};
    gr_free(values);
    return over;
}
