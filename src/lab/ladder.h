/* ladder.h - a model's loss looked up on the curve of the losses of an arm's knob.
 *
 *     gr__curve curve;
 *     gr__curve_open(&curve, job, def, point, seed);                  what each model of def->along had, from rows
 *     gr_estimate e = gr__curve_take(&curve, samples, whole, seed);   samples: of the model, then of each of them */
#ifndef GR_LAB_LADDER_H
#define GR_LAB_LADDER_H

#include "lab/result.h"
#include "measure/power_law.h"

/* The models of an arm's knob at one point and seed. */
typedef struct gr__curve {
    int points;
    double x[GR__LADDER_MOST];    /* operations, or text of the label; NaN: rows do not say */
    double loss[GR__LADDER_MOST]; /* means; of gr__curve_fit */
    double own;                   /* that of the model that is looked up */
    double whole;                 /* what the x that is found is a share of (gr__curve_whole) */
    gr__power_law law;
    bool fits; /* the losses fall along a curve; else there is no law */
} gr__curve;

/* Points with their x. Whose numbers a model has not itself, as one with regions off, has those of the arm that it goes
 * on from. */
void gr__curve_open(gr__curve *curve, const gr__result_job *job, const gr_figure_def *def, int point, int seed);

/* What the x that is found is a share of; 0: there was none, NaN: rows do not say. knob: of the arm that the figure is
 * of. */
double gr__curve_whole(const gr__result_job *job, const gr_figure_def *def, int point, int seed, int knob);

/* The law of the mean losses of all points; samples as for gr__curve_take. */
void gr__curve_fit(gr__curve *curve, const gr_sample *sample);

/* The share for the loss of the first sample, by the curve through those behind it, one for each point. All NaN: the
 * loss lies outside of the curve, there is no curve, or whole is not above 0. No interval where some draw is so. */
gr_estimate gr__curve_take(const gr__curve *curve, const gr_sample *sample, double whole, uint64_t seed);

#endif
