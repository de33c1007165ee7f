/* frontier.h - of settings that were tried: those that no other beats, and the one to take; by numbers alone.
 *
 *     gr__frontier f;
 *     gr__frontier_find(&f, &(gr__frontier_def){goal, goals, trial, trials, end, axes, 0.01});
 *     if (f.chosen >= 0)
 *         use(trial[f.chosen]);
 *     gr__frontier_free(&f);
 *
 * One setting beats another where it is as good in every goal and better in one (Pareto). To be chosen a setting must
 * keep within the bound of every goal; of these the one with most of the first goal is best. Whatever is at most
 * `within` worse counts as equal to it, and of equals the one that changes least of the recipe is taken: what differs
 * by less than two seeds do is no reason for another setting.
 */
#ifndef GR_LAB_FRONTIER_H
#define GR_LAB_FRONTIER_H

#include <stdbool.h>

/* A figure, and what is wanted of it. */
typedef struct gr__goal {
    bool least;   /* the less the better; else the more */
    double bound; /* not above it (least), or not below it; NaN: none */
} gr__goal;

/* A setting that was tried. */
typedef struct gr__trial {
    const double *value; /* [goals] NaN: refused, or never measured */
    const double *place; /* [axes] the number that the setting is there; NaN: none */
    int changes;         /* axes on which it is another than that of the recipe */
} gr__trial;

/* Beyond which no value of an axis makes sense: a chance of 1; infinities where there is no end. */
typedef struct gr__axis_ends {
    double low, high;
} gr__axis_ends;

/* All of it borrowed; one goal at least, which is to be as large as it can. */
typedef struct gr__frontier_def {
    const gr__goal *goal; /* [goals] */
    int goals;
    const gr__trial *trial; /* [trials] */
    int trials;
    const gr__axis_ends *end; /* [axes] */
    int axes;
    double within; /* of the first goal; from 0 on */
} gr__frontier_def;

/* Where on an axis the chosen setting is: at the first or last value that was tried, beyond which there may be better
 * ones. */
typedef enum gr__edge { GR__EDGE_NONE, GR__EDGE_LOW, GR__EDGE_HIGH } gr__edge;

typedef struct gr__frontier {
    bool *refused; /* [trials] some figure of it is missing: it is neither on the frontier nor chosen */
    bool *fits;    /* [trials] within all bounds */
    bool *on;      /* [trials] on the frontier */
    int *order;    /* [count] those on the frontier, the first goal descending */
    int count;
    int chosen;     /* -1: none fits */
    int nearest;    /* where none fits: the one that is least beyond its bounds, in sum; -1: all are refused */
    gr__edge *edge; /* [axes] of the chosen or else the nearest */
} gr__frontier;

void gr__frontier_find(gr__frontier *frontier, const gr__frontier_def *def);
void gr__frontier_free(gr__frontier *frontier);

#endif
