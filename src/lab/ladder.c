#include "lab/ladder.h"

#include <math.h>
#include <string.h>

#include "measure/measure.h"

/* ---- what went into a model ---- */

/* The label of the documents that a figure is on; NULL: any. */
static const char *label_of(const gr_experiment *e, const gr_figure_def *def) {
    const char *name = def->group ? def->group : def->figure->group;
    for (int g = 0; g < e->groups; g++) {
        const gr_group_want *group = &e->group[g];
        if (!strcmp(group->name, name) && (group->kind == GR_GROUP_LABEL || group->kind == GR_GROUP_HIDDEN))
            return group->of;
    }
    return NULL;
}

/* Text of a label (NULL: of all) that a model's own training read, by a member of its rows; NaN: they do not say. */
static double text_of(const gr__result_job *j, const gr__whose *w, const char *label, const char *member) {
    double sum = NAN;
    const gr_entry *row;
    for (int i = 0; (row = gr__rows_next(j->def, w, "read", i)); i++) {
        const char *name = gr_entry_text(row, "name");
        if (!label || (name && !strcmp(name, label)))
            sum = (isnan(sum) ? 0 : sum) + gr_entry_number(row, member);
    }
    return sum;
}

/* Operations of a model's own training; NaN: its rows do not say. */
static double operations_of(const gr__result_job *j, const gr__whose *w) {
    const gr_entry *row = gr__rows_find(j->def, w, "model", NULL);
    return row ? gr_entry_number(row, "flops") : NAN;
}

/* Of the model, or of the nearest that it goes on from whose rows say it. */
static double effort_of(const gr__result_job *j, const gr_figure_def *def, gr__whose w, const char *member) {
    double effort = NAN;
    const int knob = w.knob;
    for (; w.arm >= 0 && isnan(effort); w.arm = gr__parent_of(j->e, w.arm)) {
        w.knob = knob < gr_experiment_knobs(j->e, w.arm) ? knob : 0;
        effort = def->figure->along == GR_ALONG_OPERATIONS ? operations_of(j, &w)
                                                           : text_of(j, &w, label_of(j->e, def), member);
    }
    return effort;
}

/* ---- the curve ---- */

void gr__curve_open(gr__curve *c, const gr__result_job *j, const gr_figure_def *def, int point, int seed) {
    const int arm = (int)(def->along - j->e->arm);
    *c = (gr__curve){.points = gr_experiment_knobs(j->e, arm)};
    for (int v = 0; v < c->points; v++)
        c->x[v] = effort_of(j, def, (gr__whose){arm, point, seed, v, NULL, 0}, "tokens");
}

double gr__curve_whole(const gr__result_job *j, const gr_figure_def *def, int point, int seed, int knob) {
    /* Of the model for 0, or of the very model that is looked up: nobody else read what it read. */
    const bool operations = def->figure->along == GR_ALONG_OPERATIONS;
    const gr__whose w = {operations ? j->zero[point] : def->of, point, seed, operations ? 0 : knob, NULL, 0};
    return effort_of(j, def, w, "hidden");
}

/* Total losses over total tokens, as intervals have them: a mean of documents' means would count short ones alike. */
static double mean_of(const gr_sample *sample) {
    double nll = 0, tokens = 0;
    for (size_t i = 0; i < sample->count; i++) {
        nll += sample->nll[i];
        tokens += sample->tokens[i];
    }
    return tokens > 0 ? nll / tokens : NAN;
}

void gr__curve_fit(gr__curve *c, const gr_sample *sample) {
    for (int v = 0; v < c->points; v++)
        c->loss[v] = mean_of(&sample[1 + v]);
    c->own = mean_of(&sample[0]);
    c->fits = gr__power_law_fit(&c->law, c->x, c->loss, c->points);
}

/* ---- looking up ---- */

/* What the formula of a draw is given. */
typedef struct given {
    const gr__curve *curve;
    double whole;
    bool *flat; /* some draw had no curve: then nothing is known of its place */
} given;

/* Of the losses of the model and of each point: beyond the ends of the curve an infinity, on its side. */
static double look_up(const double *mean, const void *user) {
    const given *g = user;
    gr__power_law law;
    if (gr__power_law_fit(&law, g->curve->x, mean + 1, g->curve->points))
        return gr__power_law_find(&law, mean[0]) / g->whole;
    *g->flat = true;
    return 0;
}

gr_estimate gr__curve_take(const gr__curve *c, const gr_sample *sample, double whole, uint64_t seed) {
    static const gr_estimate refused = {NAN, NAN, NAN};
    bool flat = false;
    if (!c->fits || !(whole > 0) || !isfinite(gr__power_law_find(&c->law, c->own)))
        return refused;

    /* Every draw has a curve of its own; a border beyond its ends is none. */
    const given g = {c, whole, &flat};
    gr_estimate e = gr__interval_of(&(gr__looked_up){look_up, &g}, sample, 1 + c->points, seed);
    if (flat || !isfinite(e.low) || !isfinite(e.high))
        e.low = e.high = NAN;
    return e;
}
