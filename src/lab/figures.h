/* figures.h - figures that compare models, by their table, from the losses of these models.
 *
 *     gr__figuring f = {.registry = registry, .groups = &groups, .source = sources, .zero = PLAIN, .one = FILTERED,
 *                       .never = FILTERED, .least = 0.15, .seed = seed};
 *     gr_estimate e;
 *     if (gr__figure_take(&e, &f, &(gr__result_figure){.key = "removal", .figure = "removal", .of = OFF}))
 *         ...                                              e.value is NaN where the ratio was refused
 */
#ifndef GR_LAB_FIGURES_H
#define GR_LAB_FIGURES_H

#include "gradroute/lab.h"

/* Losses of one model by group after the attack with so many documents. */
typedef struct gr__rung {
    int documents;
    const gr_sample *after; /* [groups] */
} gr__rung;

/* Losses of one model by group, as it is and after the attack; NULL: not measured. */
typedef struct gr__model_losses {
    const gr_sample *before, *after; /* [groups] after: at its last measurement */
    const gr__rung *rung;            /* [rungs] all of them, that one too */
    int rungs;
} gr__model_losses;

/* A figure that a result has. */
typedef struct gr__result_figure {
    const char *key;    /* its name in the result */
    const char *figure; /* in the registry */
    int of;             /* source */
    const char *group;  /* NULL: that of the figure */
    bool after;         /* the attack */
} gr__result_figure;

/* What figures are over is estimated once. */
typedef struct gr__over {
    const gr_figure *figure;
    const char *group;
    bool after;
    gr_estimate estimate;
} gr__over;

typedef struct gr__figuring {
    const gr_registry *registry;
    const gr_groups *groups;
    const gr__model_losses *source;
    int zero, one; /* sources that stand for 0 and 1 */
    int never;     /* source that was never trained on what is taken out; -1: none */
    double least;  /* least gap that a specific ratio is taken over */
    uint64_t seed; /* of the bootstrap */
    gr__over over[8];
    int overs;
} gr__figuring;

/* False: the figure is left out, as one of its models was not measured, its group has no document, or it would compare
 * a model with itself. NaN: the ratio is refused, as what it is taken over may be 0 or is too small. */
bool gr__figure_take(gr_estimate *estimate, gr__figuring *figuring, const gr__result_figure *def);

#endif
