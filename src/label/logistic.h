/* logistic.h - logistic regression on rows of a bag of words. */
#ifndef GR_LABEL_LOGISTIC_H
#define GR_LABEL_LOGISTIC_H

#include "label/bag.h"

/* What a row is to the fit. */
enum { GR__ROW_OUT = 0, GR__ROW_OTHER = 1, GR__ROW_POSITIVE = 2 };

/* Fits w[features + 1], the last of which is the constant: the least sum over rows of log(1 + exp(-y (w.x + constant)))
 * plus penalty / 2 |w|^2, y being 1 for positive rows and -1 for others; the constant is free of the penalty. Newton's
 * method with conjugate gradients (Lin, Weng and Keerthi, "Trust region Newton method for logistic regression", 2008),
 * with a line search in place of the trust region: from w = 0, one thread, sums in the order of rows, until the
 * gradient is 1e-9 of its first length. Both kinds must have a row. stop: as set, it ends early, and w is no minimum.
 */
void gr__logistic_fit(double *w, const gr__bag *bag, const uint8_t *row, double penalty,
                      const volatile sig_atomic_t *stop);

/* w.x + constant of a row. */
double gr__logistic_margin(const double *w, const gr__bag *bag, size_t row);

#endif
