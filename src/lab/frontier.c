#include "lab/frontier.h"

#include <math.h>

#include "base/mem.h"

typedef gr__frontier_def def;

/* ---- one setting ---- */

/* Whether some figure of it is missing. */
static bool is_refused(const def *d, int trial) {
    for (int g = 0; g < d->goals; g++)
        if (!isfinite(d->trial[trial].value[g]))
            return true;
    return false;
}

/* How good a value is: more is better. */
static double worth(const def *d, int trial, int goal) {
    const double value = d->trial[trial].value[goal];
    return d->goal[goal].least ? -value : value;
}

/* How far a value is beyond its bound; 0: within, or there is none. */
static double excess(const def *d, int trial, int goal) {
    const gr__goal *g = &d->goal[goal];
    if (isnan(g->bound))
        return 0;
    const double value = d->trial[trial].value[goal];
    return fmax(0, g->least ? value - g->bound : g->bound - value);
}

/* Over all goals: figures of routing are of one size, so they may be added. */
static double all_excess(const def *d, int trial) {
    double sum = 0;
    for (int g = 0; g < d->goals; g++)
        sum += excess(d, trial, g);
    return sum;
}

/* ---- the frontier ---- */

/* As good in every goal, and better in one. */
static bool beats(const def *d, int one, int other) {
    bool better = false;
    for (int g = 0; g < d->goals; g++) {
        if (worth(d, one, g) < worth(d, other, g))
            return false;
        better = better || worth(d, one, g) > worth(d, other, g);
    }
    return better;
}

/* Whether any other setting beats it. */
static bool is_beaten(const def *d, const gr__frontier *f, int trial) {
    for (int i = 0; i < d->trials; i++)
        if (!f->refused[i] && beats(d, i, trial))
            return true;
    return false;
}

/* Those on it, the best first; equals stay in the order in which they were tried. */
static void sort_frontier(gr__frontier *f, const def *d) {
    for (int i = 0; i < d->trials; i++) {
        if (!f->on[i])
            continue;
        int at = f->count++;
        for (; at > 0 && worth(d, i, 0) > worth(d, f->order[at - 1], 0); at--)
            f->order[at] = f->order[at - 1];
        f->order[at] = i;
    }
}

/* ---- the choice ---- */

/* The most of the first goal that a setting within all bounds has; -infinity: there is none. */
static double best_of(const gr__frontier *f, const def *d) {
    double best = -INFINITY;
    for (int i = 0; i < d->trials; i++)
        if (f->fits[i])
            best = fmax(best, worth(d, i, 0));
    return best;
}

/* Of those that count as equal to the best the one that changes least; then the better one, then the first. */
static int choose(const gr__frontier *f, const def *d) {
    const double least = best_of(f, d) - d->within;
    int chosen = -1;
    for (int i = 0; i < d->trials; i++) {
        if (!f->fits[i] || worth(d, i, 0) < least)
            continue;
        const int fewer = chosen < 0 ? 1 : d->trial[chosen].changes - d->trial[i].changes;
        if (fewer > 0 || (fewer == 0 && worth(d, i, 0) > worth(d, chosen, 0)))
            chosen = i;
    }
    return chosen;
}

/* The least beyond its bounds; of equals the first. */
static int find_nearest(const gr__frontier *f, const def *d) {
    int nearest = -1;
    for (int i = 0; i < d->trials; i++)
        if (!f->refused[i] && (nearest < 0 || all_excess(d, i) < all_excess(d, nearest)))
            nearest = i;
    return nearest;
}

/* ---- edges ---- */

/* A value that is the only one, no number, or at the end of what makes sense is no edge. What was refused was tried all
 * the same. */
static gr__edge edge_of(const def *d, int trial, int axis) {
    const double place = d->trial[trial].place[axis];
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < d->trials; i++) {
        low = fmin(low, d->trial[i].place[axis]);
        high = fmax(high, d->trial[i].place[axis]);
    }
    if (!isfinite(place) || low == high)
        return GR__EDGE_NONE;
    if (place == low && low > d->end[axis].low)
        return GR__EDGE_LOW;
    return place == high && high < d->end[axis].high ? GR__EDGE_HIGH : GR__EDGE_NONE;
}

/* ---- all of it ---- */

void gr__frontier_find(gr__frontier *f, const def *d) {
    const size_t trials = (size_t)d->trials + 1;
    *f = (gr__frontier){.refused = gr_alloc(trials * sizeof *f->refused),
                        .fits = gr_alloc(trials * sizeof *f->fits),
                        .on = gr_alloc(trials * sizeof *f->on),
                        .order = gr_alloc(trials * sizeof *f->order),
                        .nearest = -1,
                        .edge = gr_alloc(((size_t)d->axes + 1) * sizeof *f->edge)};

    /* What each is by itself, then beside the others. */
    for (int i = 0; i < d->trials; i++) {
        f->refused[i] = is_refused(d, i);
        f->fits[i] = !f->refused[i] && all_excess(d, i) == 0;
    }
    for (int i = 0; i < d->trials; i++)
        f->on[i] = !f->refused[i] && !is_beaten(d, f, i);
    sort_frontier(f, d);

    /* One of them, and where it stands among what was tried. */
    f->chosen = choose(f, d);
    if (f->chosen < 0)
        f->nearest = find_nearest(f, d);
    const int told = f->chosen < 0 ? f->nearest : f->chosen;
    for (int a = 0; a < d->axes; a++)
        f->edge[a] = told < 0 ? GR__EDGE_NONE : edge_of(d, told, a);
}

void gr__frontier_free(gr__frontier *f) {
    gr_free(f->refused);
    gr_free(f->fits);
    gr_free(f->on);
    gr_free(f->order);
    gr_free(f->edge);
    *f = (gr__frontier){0};
}
