/* measure.h - figures from losses per document, with bootstrap intervals.
 *
 *     gr_sample in[] = {{off.nll, off.tokens, docs, n}, {plain.nll, plain.tokens, docs, n}, {filtered.nll, ...}};
 *     gr_estimate removal = gr_bootstrap(gr_measure_removal, in, 3, seed);
 */
#ifndef GR_MEASURE_MEASURE_H
#define GR_MEASURE_MEASURE_H

#include "gradroute/base.h"

/* Losses of one model on one list of documents: nll and tokens are indexed by document number. */
typedef struct gr_sample {
    const double *nll;
    const int32_t *tokens;
    const uint32_t *docs;
    size_t count;
    const uint32_t
        *document; /* of the docs, ascending: neighbours of one document are drawn together; NULL: each alone */
} gr_sample;

/* A figure with its 95 % percentile interval. */
typedef struct gr_estimate {
    double value, low, high;
} gr_estimate;

/* A figure of mean losses, one per sample: total nll over total tokens, in nats per token. */
typedef double (*gr_figure)(const double *mean);

double gr_measure_loss(const double *m);       /* m0 */
double gr_measure_difference(const double *m); /* m0 - m1: tax */
double gr_measure_removal(const double *m);    /* off, plain, filtered: (off - plain) / (filtered - plain) */
double gr_measure_retention(const double *m);  /* on, plain, filtered: (filtered - on) / (filtered - plain) */
/* filtered, plain on forget text, filtered, plain on retain text: (m0 - m1) - (m2 - m3) */
double gr_measure_specific_gap(const double *m);
/* off, plain, filtered on forget text, then on retain text: the same gap of off, over that of filtered */
double gr_measure_specific(const double *m);

/* Draws documents with replacement, 1,000 times; samples over the same list of documents share the draw, so arms are
 * paired. At most 6 samples. */
gr_estimate gr_bootstrap(gr_figure figure, const gr_sample *sample, int samples, uint64_t seed);

#endif
