/* measure.h - the formulas of figures, over mean losses in nats per token.
 *
 *     gr_sample in[] = {off, plain, filtered};
 *     gr_estimate removal = gr_bootstrap(gr__formula_removal, in, 3, seed);
 */
#ifndef GR_MEASURE_MEASURE_H
#define GR_MEASURE_MEASURE_H

#include "gradroute/measure.h"

double gr__formula_loss(const double *m);       /* m0 */
double gr__formula_difference(const double *m); /* m0 - m1: tax */
double gr__formula_removal(const double *m);    /* off, plain, filtered: (off - plain) / (filtered - plain) */
double gr__formula_retention(const double *m);  /* on, plain, filtered: (filtered - on) / (filtered - plain) */
/* filtered, plain on forget text, filtered, plain on retain text: (m0 - m1) - (m2 - m3) */
double gr__formula_specific_gap(const double *m);
/* off, plain, filtered on forget text, then on retain text: the same gap of off, over that of filtered */
double gr__formula_specific(const double *m);
/* losses of a model at 0, 8, 16, 32 and 64 documents, of the never trained one at the same, filtered, plain */
double gr__formula_savings(const double *m);

/* A figure of mean losses and of what else it is given. */
typedef struct gr__looked_up {
    double (*formula)(const double *mean, const void *given);
    const void *given;
} gr__looked_up;

/* gr_interval of it. Where a draw gives an infinity a border may be one. */
gr_estimate gr__interval_of(const gr__looked_up *figure, const gr_sample *sample, int samples, uint64_t seed);

/* Every figure that compares models; the last has no name. */
extern const gr_figure gr__figure_list[];

#endif
