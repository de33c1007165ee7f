/* The formulas of figures; docs/measures.md has them in words. Each takes mean losses in the order in which
 * figure_list.c names its operands. */
#include "measure/measure.h"

/* ---- nats ---- */

double gr__formula_loss(const double *m) { return m[0]; }
double gr__formula_difference(const double *m) { return m[0] - m[1]; }

/* ---- shares of a gap: of, zero, one ---- */

double gr__formula_removal(const double *m) { return (m[0] - m[1]) / (m[2] - m[1]); }
double gr__formula_retention(const double *m) { return (m[2] - m[0]) / (m[2] - m[1]); }

/* ---- what is lost on one text beyond what is lost on another ---- */

double gr__formula_specific_gap(const double *m) { return (m[0] - m[1]) - (m[2] - m[3]); }
double gr__formula_specific(const double *m) {
    return ((m[0] - m[1]) - (m[3] - m[4])) / ((m[2] - m[1]) - (m[5] - m[4]));
}
