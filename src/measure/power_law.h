/* power_law.h - the losses of models along a ladder, as a curve L(x) = a + b (x + shift)^-c that is looked up
 * backwards.
 *
 *     gr__power_law law;
 *     if (gr__power_law_fit(&law, operations, losses, 5))
 *         x = gr__power_law_find(&law, loss);          operations at which a model of the ladder has this loss
 *
 * The form is that of Hestness et al., "Deep learning scaling is predictable, empirically" (arXiv 1712.00409, 2017) and
 * Hoffmann et al., "Training compute-optimal large language models" (arXiv 2203.15556, 2022): what no training brings
 * below, and a power of what went in. The shift is that of Hernandez et al., "Scaling laws for transfer" (arXiv
 * 2102.01293, 2021): other text counts as so much of this text, so that a model without any of it has a loss too. */
#ifndef GR_MEASURE_POWER_LAW_H
#define GR_MEASURE_POWER_LAW_H

#include <stdbool.h>

enum { GR__LADDER_LEAST = 4, GR__LADDER_MOST = 11 }; /* models of a ladder */

typedef struct gr__power_law {
    double a, b, c;   /* a >= 0, nats; b > 0 and c > 0: it falls */
    double shift;     /* in units of x; 0 where no x is 0 */
    double low, high; /* the smallest and the largest x that it was fitted to */
    double off;       /* the largest distance of a loss from it, nats */
} gr__power_law;

/* Fits it to losses at points x >= 0, in any order: least squares, linear in a and b (not below 0) for each c and
 * shift, which are searched on a grid and then by golden sections (variable projection: Golub and Pereyra, "The
 * differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate", 1973). False:
 * fewer than 4 different x, or 5 where one of them is 0, which takes a shift; a number that is not finite or below 0;
 * losses that do not fall. */
bool gr__power_law_fit(gr__power_law *law, const double *x, const double *loss, int points);

/* How many more points with an x of their own a curve takes: 4 different x, or 5 where one of them is 0. */
int gr__power_law_lacks(const double *x, int points);

double gr__power_law_at(const gr__power_law *law, double x);

/* Where the curve has this loss, from low to high. Beyond its ends nothing is said: -INFINITY where the loss lies above
 * that at low, INFINITY where it lies below that at high. NaN: the loss is NaN. */
double gr__power_law_find(const gr__power_law *law, double loss);

#endif
