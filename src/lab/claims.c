#include "lab/claims.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>

#include "base/mem.h"
#include "base/number.h"

typedef gr__claim_def def;

/* Differences of decimals that are meant to be equal: 0.1 - 0.08 is above 0.02. */
static const double rounding = 1e-12;

/* ---- what is claimed ---- */

/* Where the number must lie, ends included. */
typedef struct range {
    double low, high;
} range;

/* The values at which a claim would be true. */
static range claimed(const def *d) {
    range r = {-INFINITY, INFINITY};
    assert(!isnan(d->at_least) || !isnan(d->at_most) || !isnan(d->within));
    if (!isnan(d->at_least))
        r.low = d->at_least;
    if (!isnan(d->at_most))
        r.high = d->at_most;
    if (!isnan(d->within)) {
        double about = isnan(d->about) ? 0 : d->about;
        r.low = fmax(r.low, about - d->within);
        r.high = fmin(r.high, about + d->within);
    }
    return (range){r.low - rounding, r.high + rounding};
}

/* How far a number lies inside the range: below 0 outside. */
static double margin(range r, double x) { return fmin(x - r.low, r.high - x); }

/* ---- readings ---- */

static const gr__claim_reading *reading(const def *d, const gr__claim_arm *arm, int value, int seed) {
    return &arm->reading[value * d->seeds + seed];
}

static bool has_knob(const gr__claim_arm *arm) { return arm->name && arm->values > 1; }

/* What stands in the way of a ruling in the cells themselves. */
static gr__ruling_why trouble(const def *d, const gr__claim_reading *r) {
    if (r->state != GR__READ)
        return r->state == GR__DIVERGED ? GR__WHY_DIVERGED : GR__WHY_ABSENT;
    return isfinite(r->value) && (!d->matched || isfinite(r->matched)) ? GR__WHY_NONE : GR__WHY_REFUSED;
}

/* Looks through all cells of an arm; what is absent comes first, since it can be made. */
static void look_at(gr__ruling *ruling, const def *d, const gr__claim_arm *arm) {
    for (int v = 0; arm->name && v < arm->values; v++)
        for (int s = 0; s < d->seeds; s++) {
            gr__ruling_why why = trouble(d, reading(d, arm, v, s));
            if (why != GR__WHY_NONE && (ruling->why == GR__WHY_NONE || why < ruling->why)) {
                ruling->why = why;
                ruling->arm = arm->name;
                ruling->seed = s;
            }
        }
}

/* ---- comparing at one place ---- */

/* The mean over values of a knob whose matched figure is this one: ties count as one. edge: one of them is the first or
 * the last. */
static double mean_at(const def *d, const gr__claim_arm *arm, int seed, double place, bool *edge) {
    double sum = 0;
    int count = 0;
    for (int v = 0; v < arm->values; v++) {
        const gr__claim_reading *r = reading(d, arm, v, seed);
        if (r->matched != place)
            continue;
        sum += r->value;
        count++;
        *edge |= has_knob(arm) && (v == 0 || v == arm->values - 1);
    }
    return sum / count;
}

/* The arm's figure in one seed where its matched figure is `place`. False: it has nothing there. */
static bool value_at(double *value, bool *edge, const def *d, const gr__claim_arm *arm, int seed, double place) {
    double below = -INFINITY, above = INFINITY;

    /* The neighbours on both sides; in its range each may be the place itself. */
    for (int v = 0; v < arm->values; v++) {
        double at = reading(d, arm, v, seed)->matched;
        if (at <= place)
            below = fmax(below, at);
        if (at >= place)
            above = fmin(above, at);
    }

    /* Beyond its range the end stands for it, as far as the tolerance goes. */
    if (isinf(below) || isinf(above)) {
        double end = isinf(below) ? above : below;
        if (fabs(end - place) > d->tolerance + rounding)
            return false;
        below = above = end;
    }

    /* A place between two values rests on both, and not on the edge even where one of them is there. */
    if (below == above) {
        *value = mean_at(d, arm, seed, below, edge);
        return true;
    }
    bool ends = false;
    double from = mean_at(d, arm, seed, below, &ends), to = mean_at(d, arm, seed, above, &ends);
    *value = from + (place - below) / (above - below) * (to - from);
    return true;
}

static double compare(const def *d, double of, double minus) { return d->ratio ? of / minus : of - minus; }

/* A pair of values of the two knobs, -1: found by matching, and what that makes over seeds. */
typedef struct pair {
    int of, minus;
    bool of_edge, minus_edge;
    gr_estimate estimate;
} pair;

static bool is_edge(const gr__claim_arm *arm, int value) {
    return has_knob(arm) && value >= 0 && (value == 0 || value == arm->values - 1);
}

/* One seed of a pair; false: no overlap. */
static bool take(double *value, pair *p, const def *d, int seed) {
    double of, minus;
    if (p->of >= 0)
        of = reading(d, &d->of, p->of, seed)->value;
    else if (!value_at(&of, &p->of_edge, d, &d->of, seed, reading(d, &d->minus, p->minus, seed)->matched))
        return false;

    /* Alone, or beside the other. */
    if (!d->minus.name) {
        *value = of;
        return true;
    }
    if (p->minus >= 0)
        minus = reading(d, &d->minus, p->minus, seed)->value;
    else if (!value_at(&minus, &p->minus_edge, d, &d->minus, seed, reading(d, &d->of, p->of, seed)->matched))
        return false;
    *value = compare(d, of, minus);
    return true;
}

/* False: no overlap in some seed. */
static bool estimate(pair *p, const def *d) {
    double *value = gr_alloc((size_t)d->seeds * sizeof *value);
    bool whole = true;
    p->of_edge = is_edge(&d->of, p->of);
    p->minus_edge = is_edge(&d->minus, p->minus);
    for (int s = 0; s < d->seeds && whole; s++)
        whole = take(&value[s], p, d, s);
    if (whole)
        p->estimate = (d->variation ? gr_variation : gr_over_seeds)(value, d->seeds);
    gr_free(value);
    return whole;
}

/* ---- ruling ---- */

/* Which values of the knobs are paired: all with all, but for the arm that is found by matching. */
typedef struct knobs {
    int of, minus;              /* how many */
    bool match_of, match_minus; /* instead of these */
} knobs;

/* How many settings of each side are compared; of a matched side the one that fits best. */
static knobs knobs_of(const def *d) {
    knobs k = {d->of.values, d->minus.name ? d->minus.values : 1, false, false};
    if (d->matched && d->minus.name) {
        k.match_of = has_knob(&d->of) || !has_knob(&d->minus);
        k.match_minus = !k.match_of;
    }
    if (k.match_of)
        k.of = 1;
    if (k.match_minus)
        k.minus = 1;
    return k;
}

/* The pair that speaks most against the claim among those with one value of `of`; false: there is none. */
static bool worst(pair *out, gr__ruling_why *why, const def *d, const knobs *k, int of) {
    range r = claimed(d);
    bool found = false;
    for (int v = 0; v < k->minus; v++) {
        pair p = {.of = k->match_of ? -1 : of, .minus = k->match_minus ? -1 : v};
        if (!estimate(&p, d))
            continue;

        if (isnan(p.estimate.value)) /* a quotient over nothing */
            *why = GR__WHY_REFUSED;
        else if (!found || margin(r, p.estimate.value) < margin(r, out->estimate.value)) {
            *out = p;
            found = true;
        }
    }
    return found;
}

/* The value of `of` that speaks most for it. */
static bool choose(pair *out, gr__ruling_why *why, const def *d) {
    range r = claimed(d);
    knobs k = knobs_of(d);
    pair p = {0};
    bool found = false;
    *why = GR__WHY_APART;
    for (int u = 0; u < k.of; u++)
        if (worst(&p, why, d, &k, u) && (!found || margin(r, p.estimate.value) > margin(r, out->estimate.value))) {
            *out = p;
            found = true;
        }
    return found;
}

/* By the whole interval: inside of what is claimed, outside of it, or neither. */
static void decide(gr__ruling *ruling, const def *d) {
    range r = claimed(d);
    gr_estimate e = ruling->estimate;
    if (d->seeds < GR__CLAIM_SEEDS)
        ruling->why = GR__WHY_SEEDS;
    else if (e.low >= r.low && e.high <= r.high)
        ruling->state = GR__HOLDS;
    else if (e.high < r.low || e.low > r.high)
        ruling->state = GR__FAILS;
    else
        ruling->why = GR__WHY_INTERVAL;
}

gr__ruling gr__claim_rule(const def *d) {
    gr__ruling ruling = {.state = GR__UNDECIDED, .estimate = {NAN, NAN, NAN}, .of = -1, .minus = -1};

    /* Whole cells alone are judged. */
    look_at(&ruling, d, &d->of);
    look_at(&ruling, d, &d->minus);
    if (ruling.why != GR__WHY_NONE)
        return ruling;

    /* By which values of the knobs. */
    pair p = {0};
    gr__ruling_why why;
    if (!choose(&p, &why, d)) {
        ruling.why = why;
        return ruling;
    }
    ruling.estimate = p.estimate;
    ruling.of = has_knob(&d->of) ? p.of : -1;
    ruling.minus = has_knob(&d->minus) ? p.minus : -1;
    ruling.of_edge = p.of_edge;
    ruling.minus_edge = p.minus_edge;

    decide(&ruling, d);
    return ruling;
}

gr__ruling_state gr__claim_over(const gr__ruling *ruling, int points) {
    gr__ruling_state state = points > 0 ? GR__HOLDS : GR__UNDECIDED; /* of nothing nothing is true */
    for (int p = 0; p < points; p++)
        if (ruling[p].state == GR__FAILS)
            return GR__FAILS;
        else if (ruling[p].state == GR__UNDECIDED)
            state = GR__UNDECIDED;
    return state;
}

/* ---- as text ---- */

const char *gr__ruling_word(gr__ruling_state state) {
    static const char *const words[] = {"holds", "fails", "undecided"};
    return words[state];
}

/* Text that grows. */
static void add(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends to a text that grows. */
static void add(char **text, const char *format, ...) {
    char more[512];
    va_list list;
    va_start(list, format);
    gr__vprint(more, sizeof more, format, list);
    va_end(list);
    char *longer = gr_format("%s%s", *text, more);
    gr_free(*text);
    *text = longer;
}

/* What was claimed, in words. */
static void add_claimed(char **text, const def *d) {
    const char *sign = ", claimed";
    if (!isnan(d->at_least)) {
        add(text, "%s at least %g", sign, d->at_least);
        sign = " and";
    }
    if (!isnan(d->at_most)) {
        add(text, "%s at most %g", sign, d->at_most);
        sign = " and";
    }
    if (!isnan(d->within))
        add(text, "%s within %g of %g", sign, d->within, isnan(d->about) ? 0.0 : d->about);
}

/* "; routed_off at 0.5 of 3 trials" */
static void add_knob(char **text, const def *d, const gr__claim_arm *arm, int value) {
    if (!has_knob(arm))
        return;
    add(text, "; %s ", arm->name);
    if (value >= 0)
        add(text, "at %s ", arm->knob[value]);
    else
        add(text, "at equal %s ", d->matched);
    add(text, "of %d trials", arm->values);
}

/* A match at the edge of the grid may be better beyond it: said of either side. */
static void add_edges(char **text, const def *d, const gr__ruling *r) {
    if (r->of_edge)
        add(text, "; %s is at the edge of the grid", d->of.name);
    if (r->minus_edge)
        add(text, "; %s is at the edge of the grid", d->minus.name);
}

/* Why nothing was decided, behind what there is to say. */
static void add_why(char **text, const def *d, const gr__ruling *r) {
    long long seed = (long long)d->first_seed + r->seed;

    switch (r->why) {
    case GR__WHY_NONE:
        break;
    case GR__WHY_INTERVAL:
        add(text, "; the interval reaches over that");
        break;
    case GR__WHY_ABSENT:
        add(text, "; %s has no figure in seed %lld", r->arm, seed);
        break;
    case GR__WHY_DIVERGED:
        add(text, "; %s diverged in seed %lld", r->arm, seed);
        break;
    case GR__WHY_REFUSED:
        if (r->arm)
            add(text, "; the figure is refused for %s in seed %lld", r->arm, seed);
        else
            add(text, "; the quotient has nothing to be taken over");
        break;
    case GR__WHY_SEEDS:
        add(text, "; %d %s too few, it takes %d", d->seeds, gr__plural(d->seeds, "seed is", "seeds are"),
            GR__CLAIM_SEEDS);
        break;
    case GR__WHY_APART:
        add(text, "; no overlap: %s and %s are never at equal %s (within %g)", d->of.name, d->minus.name, d->matched,
            d->tolerance);
        break;
    }
}

char *gr__claim_text(const def *d, const gr__ruling *r) {
    gr_estimate e = r->estimate;
    char *text = gr_format("%s: %s", gr__ruling_word(r->state), d->say);

    /* What came out. */
    if (!isnan(e.value))
        add(&text, d->variation ? ": variation %.3f" : ": %.3f", e.value);
    if (!isnan(e.low))
        add(&text, " [%.3f, %.3f]", e.low, e.high);
    if (!isnan(e.value))
        add(&text, " over %d %s", d->seeds, gr__plural(d->seeds, "seed", "seeds"));

    /* What was asked, where it was found, and what is in the way. */
    add_claimed(&text, d);
    if (!isnan(e.value)) {
        add_knob(&text, d, &d->of, r->of);
        add_knob(&text, d, &d->minus, r->minus);
        add_edges(&text, d, r);
    }
    add_why(&text, d, r);
    return text;
}
