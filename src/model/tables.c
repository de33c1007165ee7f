/* tables.c - class tables: what the caller said, refined into slices of parameters and ranges of taps with one set of
 * weights each.
 *
 * Each rule weights a rectangle of a parameter, or columns of a tap, for every class. Rules may overlap; their weights
 * multiply. gr_tables_finish cuts along all their borders, so that in each piece one set of weights holds, and joins
 * neighbours with the same set: a parameter that nothing is said about stays whole.
 */
#include <assert.h>
#include <string.h>

#include "base/sort.h"
#include "model/compiled.h"

gr_tables *gr_tables_new(const gr_model *model, int classes) {
    assert(classes > 0);
    gr_tables *t = gr_alloc(sizeof *t);
    t->model = model;
    t->classes = classes;
    t->arena = gr_arena_new();
    return t;
}

void gr_tables_free(gr_tables *t) {
    if (!t)
        return;
    gr_free(t->rule);
    gr_free(t->set);
    gr_free(t->slice);
    gr_free(t->range);
    gr_free(t->slice_at);
    gr_free(t->range_at);
    gr_free(t->tap_on);
    gr_arena_free(t->arena);
    gr_free(t);
}

/* Keeps a rule, with a copy of its weights. */
static void say(gr_tables *t, gr__rule rule, const double *w) {
    assert(!t->finished);
    rule.w = gr_arena_alloc(t->arena, (size_t)t->classes * sizeof *w);
    memcpy(rule.w, w, (size_t)t->classes * sizeof *w);
    GR_PUSH(t->rule, t->rules, t->rule_room) = rule;
}

void gr_tables_forward(gr_tables *t, gr_tap tap, int lo, int hi, const double *w) {
    say(t, (gr__rule){GR__RULE_FORWARD, tap, .lo1 = lo, .hi1 = hi}, w);
}

void gr_tables_activation(gr_tables *t, gr_tap tap, int lo, int hi, const double *w) {
    say(t, (gr__rule){GR__RULE_ACTIVATION, tap, .lo1 = lo, .hi1 = hi}, w);
}

void gr_tables_param(gr_tables *t, gr_rect p, const double *w) {
    say(t, (gr__rule){GR__RULE_PARAM, p.param, p.lo0, p.hi0, p.lo1, p.hi1, NULL}, w);
}

void gr_tables_gate(gr_tables *t, int region, const double *w) {
    const gr_region *r = gr_model_region(t->model, region);
    for (int i = 0; i < r->gates; i++)
        gr_tables_forward(t, r->gate[i].tap, r->gate[i].lo, r->gate[i].hi, w);
    /* What is switched off forward is closed too, whether it has units to switch or not. */
    for (int i = 0; i < r->rects; i++) {
        gr_rect p = r->rect[i];
        say(t, (gr__rule){GR__RULE_GATE, p.param, p.lo0, p.hi0, p.lo1, p.hi1, NULL}, w);
    }
}

/* The set with these weights, made if it is new; GR_NONE for all 1. */
static int set_for(gr_tables *t, const double *w, const double *gate) {
    size_t bytes = (size_t)t->classes * sizeof *w;
    bool plain = true;
    for (int c = 0; c < t->classes; c++)
        plain = plain && w[c] == 1 && gate[c] != 0;
    if (plain)
        return GR_NONE;

    /* Equal sets are one: slices and ranges are compared by the number of theirs. */
    for (size_t s = 0; s < t->sets; s++)
        if (memcmp(t->set[s].w, w, bytes) == 0 && memcmp(t->set[s].gate, gate, bytes) == 0)
            return (int)s;

    gr__weight_set set = {gr_arena_alloc(t->arena, bytes), gr_arena_alloc(t->arena, bytes)};
    memcpy(set.w, w, bytes);
    memcpy(set.gate, gate, bytes);
    GR_PUSH(t->set, t->sets, t->set_room) = set;
    return (int)t->sets - 1;
}

/* The set of one cell: the product of all rules of a kind that cover it. Rules of a gate count with those of a
 * parameter. row and col: its first; w, gate: room for a weight per class. */
static int cell_set(gr_tables *t, gr__rule_kind kind, int which, int row, int col, double *w, double *gate) {
    for (int c = 0; c < t->classes; c++)
        w[c] = gate[c] = 1;
    for (size_t i = 0; i < t->rules; i++) {
        const gr__rule *r = &t->rule[i];

        /* A rule must be of the kind, concern the parameter or tap, and cover the cell. */
        bool param = kind == GR__RULE_PARAM;
        bool same = r->kind == kind || (param && r->kind == GR__RULE_GATE);
        if (!same || r->which != which || col < r->lo1 || col >= r->hi1 || (param && (row < r->lo0 || row >= r->hi0)))
            continue;
        for (int c = 0; c < t->classes; c++)
            if (r->kind == GR__RULE_GATE)
                gate[c] *= r->w[c] != 0;
            else
                w[c] *= r->w[c];
    }

    return set_for(t, w, gate);
}

/* Sorted borders of the rules that concern `which` along one axis, 0 and end included; returns how many. */
static int borders(const gr_tables *t, int *cut, bool param, int which, int axis, int end) {
    int n = 0;
    cut[n++] = 0;
    cut[n++] = end;
    for (size_t i = 0; i < t->rules; i++) {
        const gr__rule *r = &t->rule[i];
        if (r->which == which && (r->kind == GR__RULE_PARAM || r->kind == GR__RULE_GATE) == param) {
            cut[n++] = axis ? r->lo1 : r->lo0;
            cut[n++] = axis ? r->hi1 : r->hi0;
        }
    }

    return gr__sort_borders(cut, n);
}

/* Slices of one parameter: cells between the borders of all rules along both axes. */
static void refine_param(gr_tables *t, int p, int *rows, int *cols, double *w, double *gate) {
    const gr_param_def *def = gr_model_param(t->model, p);
    int nr = borders(t, rows, true, p, 0, def->rows), nc = borders(t, cols, true, p, 1, def->cols);

    /* Cell by cell, along a row first. */
    for (int i = 0; i + 1 < nr; i++)
        for (int j = 0; j + 1 < nc; j++) {
            gr__param_slice s = {{p, rows[i], rows[i + 1], cols[j], cols[j + 1]}, 0};
            s.set = cell_set(t, GR__RULE_PARAM, p, rows[i], cols[j], w, gate);
            gr__param_slice *last = t->slices > (size_t)t->slice_at[p] ? &t->slice[t->slices - 1] : NULL;

            /* Neighbours with equal weights are one slice again: products stay large and tables of 1 cut nothing. */
            if (last && last->set == s.set && last->rect.lo0 == s.rect.lo0 && last->rect.hi1 == s.rect.lo1)
                last->rect.hi1 = s.rect.hi1;
            else
                GR_PUSH(t->slice, t->slices, t->slice_room) = s;
        }

    /* The same along rows, for slices that span all columns. */
    size_t kept = (size_t)t->slice_at[p];
    for (size_t i = kept; i < t->slices; i++) {
        gr__param_slice *s = &t->slice[i], *last = kept > (size_t)t->slice_at[p] ? &t->slice[kept - 1] : NULL;
        bool full = s->rect.lo1 == 0 && s->rect.hi1 == def->cols;
        if (last && full && last->rect.lo1 == 0 && last->rect.hi1 == def->cols && last->set == s->set)
            last->rect.hi0 = s->rect.hi0;
        else
            t->slice[kept++] = *s;
    }
    t->slices = kept;
}

/* Ranges of one tap, and the set that says for which classes any of its columns is on. */
static void refine_tap(gr_tables *t, int tap, int *cols, double *w, double *gate) {
    int nc = borders(t, cols, false, tap, 1, t->model->graph->tap[tap].width);

    /* Columns between borders, joined with the last range where both sets are the same. */
    for (int j = 0; j + 1 < nc; j++) {
        gr__range r = {cols[j], cols[j + 1], cell_set(t, GR__RULE_FORWARD, tap, 0, cols[j], w, gate),
                       cell_set(t, GR__RULE_ACTIVATION, tap, 0, cols[j], w, gate)};
        gr__range *last = t->ranges > (size_t)t->range_at[tap] ? &t->range[t->ranges - 1] : NULL;
        if (last && last->forward == r.forward && last->activation == r.activation)
            last->hi = r.hi;
        else
            GR_PUSH(t->range, t->ranges, t->range_room) = r;
    }

    /* A class has the tap off where every range multiplies by 0. */
    for (int c = 0; c < t->classes; c++) {
        gate[c] = 1;
        w[c] = 0;
        for (size_t r = (size_t)t->range_at[tap]; r < t->ranges; r++)
            if (t->range[r].forward == GR_NONE || t->set[t->range[r].forward].w[c] != 0)
                w[c] = 1;
    }
    t->tap_on[tap] = set_for(t, w, gate);
}

void gr_tables_finish(gr_tables *t) {
    assert(!t->finished);
    int params = gr_model_params(t->model), taps = gr_model_taps(t->model);

    /* Borders of all rules, 0 and the end: the most that one axis can have. */
    size_t room = 2 * t->rules + 2;
    int *rows = gr_alloc(room * sizeof *rows), *cols = gr_alloc(room * sizeof *cols);
    double *w = gr_alloc((size_t)t->classes * sizeof *w), *gate = gr_alloc((size_t)t->classes * sizeof *gate);

    /* Where each parameter's slices and each tap's ranges begin in their lists; the last entry is the end. */
    t->slice_at = gr_alloc(((size_t)params + 1) * sizeof *t->slice_at);
    t->range_at = gr_alloc(((size_t)taps + 1) * sizeof *t->range_at);
    t->tap_on = gr_alloc((size_t)taps * sizeof *t->tap_on);
    for (int p = 0; p < params; p++) {
        t->slice_at[p] = (int)t->slices;
        refine_param(t, p, rows, cols, w, gate);
    }
    t->slice_at[params] = (int)t->slices;
    for (int i = 0; i < taps; i++) {
        t->range_at[i] = (int)t->ranges;
        refine_tap(t, i, cols, w, gate);
    }
    t->range_at[taps] = (int)t->ranges;
    gr_free(rows);
    gr_free(cols);
    gr_free(w);
    gr_free(gate);
    t->finished = true;
}

int gr_tables_classes(const gr_tables *t) { return t->classes; }
int gr_tables_slices(const gr_tables *t) { return (int)t->slices; }
gr_rect gr_tables_slice(const gr_tables *t, int slice) { return t->slice[slice].rect; }

double gr_tables_weight(const gr_tables *t, int slice, int cls) {
    int set = t->slice[slice].set;
    return set == GR_NONE ? 1 : t->set[set].gate[cls] != 0 ? t->set[set].w[cls] : 0;
}

bool gr__tap_forward(const gr_tables *t, gr_tap tap) {
    for (int i = t->range_at[tap]; i < t->range_at[tap + 1]; i++)
        if (t->range[i].forward != GR_NONE)
            return true;
    return false;
}

bool gr__tap_active(const gr_tables *t, gr_tap tap) {
    for (int i = t->range_at[tap]; i < t->range_at[tap + 1]; i++)
        if (t->range[i].forward != GR_NONE || t->range[i].activation != GR_NONE)
            return true;
    return false;
}
