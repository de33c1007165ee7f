/* claims.h - what becomes of a claim, from the figures of each seed.
 *
 *     gr__claim_def claim = {.say = "routing beats RMU at equal tax", .primary = true, .seeds = 5, .first_seed = 1,
 *                            .of = {"routed_off", knob, 3, readings}, .minus = {"rmu", rates, 4, others},
 *                            .matched = "tax_off", .tolerance = 0.02, .at_least = 0.1, .at_most = NAN, .within = NAN};
 *     gr__ruling ruling = gr__claim_rule(&claim);
 *     char *text = gr__claim_text(&claim, &ruling);              "holds: routing beats RMU at equal tax: 0.310 [..."
 *
 * In each seed the figure (or the difference of two arms, which are paired by seed) is one number; over seeds it has a
 * mean and an interval of Student's t. The claim says where that number lies. It holds if the whole interval lies
 * there, fails if none of it does, and is undecided else.
 */
#ifndef GR_LAB_CLAIMS_H
#define GR_LAB_CLAIMS_H

#include "gradroute/measure.h"

/* Fewer seeds decide nothing: with 4 the interval is 3.2 standard deviations wide. */
enum { GR__CLAIM_SEEDS = 5 };

typedef enum gr__claim_cell { GR__READ, GR__ABSENT, GR__DIVERGED } gr__claim_cell;

/* The figure of one arm in one seed, at one value of its knob. */
typedef struct gr__claim_reading {
    double value;   /* NaN: refused */
    double matched; /* the figure at whose equal values arms are compared; read where there is one */
    gr__claim_cell state;
} gr__claim_reading;

typedef struct gr__claim_arm {
    const char *name;        /* NULL: there is no such arm, the claim is of the figure itself */
    const char *const *knob; /* [values] the values of the arm's knob as words; NULL: it has none, and one value */
    int values;              /* what was tried: trials */
    const gr__claim_reading *reading; /* [values][seeds] */
} gr__claim_arm;

typedef struct gr__claim_def {
    const char *say;
    bool primary; /* else it is exploratory */
    int seeds;
    int64_t first_seed; /* its number, for texts */
    gr__claim_arm of, minus;
    bool ratio;          /* of / minus rather than of - minus */
    bool variation;      /* s / |mean| over seeds rather than the mean */
    const char *matched; /* the name of the figure at whose equal values they are compared; NULL: as they are */
    double tolerance;    /* how far apart these may lie where nothing lies between */
    double at_least, at_most, about, within; /* NaN: not asked; about NaN: 0. One at least is asked (asserted) */
} gr__claim_def;

typedef enum gr__ruling_state { GR__HOLDS, GR__FAILS, GR__UNDECIDED } gr__ruling_state;

/* Why nothing was decided. */
typedef enum gr__ruling_why {
    GR__WHY_NONE,
    GR__WHY_INTERVAL, /* it reaches over the border of what was claimed */
    GR__WHY_ABSENT,   /* a cell is missing, or its group, .. */
    GR__WHY_DIVERGED, /* .. or has no model */
    GR__WHY_REFUSED,  /* a ratio over nothing */
    GR__WHY_SEEDS,    /* too few */
    GR__WHY_APART     /* `matched`: at no value of a knob are the arms at the same place */
} gr__ruling_why;

typedef struct gr__ruling {
    gr__ruling_state state;
    gr__ruling_why why;
    const char *arm;          /* whose cell it was, of GR__WHY_ABSENT, _DIVERGED and _REFUSED; NULL: the difference's */
    int seed;                 /* and in which seed, from 0 */
    gr_estimate estimate;     /* NaN where it cannot be said */
    int of, minus;            /* the values of the knobs that it rests on; -1: no knob, or a place between its values */
    bool of_edge, minus_edge; /* it rests on the first or last value of the knob */
} gr__ruling;

/* Without `matched` an arm with a knob stands by the value that speaks most for the claim, and the arm that is taken
 * off by that which speaks most against it, by their means over seeds. With `matched` the arm with a knob (`of`, where
 * both have one) is interpolated inside each seed, linearly between the neighbours in the matched figure, at the other
 * arm's place; beyond its range by more than the tolerance there is no overlap, and the other arm's value is out.
 * Figures that are absent, diverged or refused leave the claim undecided. */
gr__ruling gr__claim_rule(const gr__claim_def *claim);

/* Of several points: holds if all do, fails if one does. */
gr__ruling_state gr__claim_over(const gr__ruling *ruling, int points);

const char *gr__ruling_word(gr__ruling_state state); /* "holds", "fails", "undecided" */

/* One sentence without its stop, a new string. */
char *gr__claim_text(const gr__claim_def *claim, const gr__ruling *ruling);

#endif
