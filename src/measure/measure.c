/* The formulas of figures; docs/measures.md has them in words. Each takes mean losses in the order in which
 * figure_list.c names its operands. */
#include <math.h>

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

/* ---- how fast it comes back ---- */

/* The mean over log2(1 + documents / 8) of values at 0, 8, 16, 32 and 64 documents, by trapezoids. */
static double mean_over_documents(const double *value) {
    static const double documents[] = {0, 8, 16, 32, 64};
    double area = 0, at = 0;
    for (int i = 1; i < 5; i++) {
        double next = log2(1 + documents[i] / 8);
        area += (next - at) * (value[i - 1] + value[i]) / 2;
        at = next;
    }
    return area / at;
}

/* Both recoveries begin at the filter's loss and are shares of one gap, so their difference is that of losses. */
double gr__formula_savings(const double *m) {
    return (mean_over_documents(m + 5) - mean_over_documents(m)) / (m[10] - m[11]);
}
