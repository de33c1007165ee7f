/* Figures over seeds: Student's t, and how much they vary by chi-square. */
#include <assert.h>
#include <math.h>

#include "gradroute/measure.h"

/* How likely |T| <= t, for t = sqrt(freedom) tan(angle): a finite sum (Abramowitz and Stegun, "Handbook of Mathematical
 * Functions", 1964, 26.7.3 for odd degrees of freedom and 26.7.4 for even ones). */
static double within(double angle, int freedom) {
    double square = cos(angle) * cos(angle), sum = 0;

    /* Even: sin (1 + 1/2 cos^2 + 1/2 3/4 cos^4 + ..), freedom / 2 terms. */
    if (freedom % 2 == 0) {
        double term = 1;
        for (int k = 1; k <= freedom / 2; k++) {
            sum += term;
            term *= (2 * k - 1.0) / (2 * k) * square;
        }
        return sin(angle) * sum;
    }

    /* Odd: 2/pi (angle + sin (cos + 2/3 cos^3 + 2/3 4/5 cos^5 + ..)), (freedom - 1) / 2 terms. */
    double term = cos(angle);
    for (int k = 1; k <= (freedom - 1) / 2; k++) {
        sum += term;
        term *= 2.0 * k / (2 * k + 1) * square;
    }
    return M_2_PI * (angle + sin(angle) * sum);
}

/* The distribution is symmetric: what is below 1/2 is the mirror of what is above. */
double gr_student(double p, int freedom) {
    assert(p > 0 && p < 1 && freedom > 0);
    if (p < 0.5)
        return -gr_student(1 - p, freedom);

    /* By halves, in the angle: all of the line is in [0, pi/2), and 60 steps leave the last bits. */
    double low = 0, high = M_PI_2, want = 2 * p - 1;
    for (int i = 0; i < 60; i++) {
        double middle = low + (high - low) / 2;
        if (within(middle, freedom) < want)
            low = middle;
        else
            high = middle;
    }
    return sqrt(freedom) * tan(low);
}

double gr_half_width(int count) { return count < 2 ? NAN : gr_student(0.975, count - 1) / sqrt(count); }

gr_estimate gr_over_seeds(const double *value, int count) {
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++)
        sum += value[i];

    /* One that was refused, or is not finite, leaves the sum so: nothing is said of the others alone. */
    if (count < 1 || !isfinite(sum))
        return (gr_estimate){NAN, NAN, NAN};
    if (count < 2)
        return (gr_estimate){sum, NAN, NAN};

    /* Student, "The probable error of a mean", 1908: mean -+ t s / sqrt(n). */
    double mean = sum / count;
    for (int i = 0; i < count; i++)
        squares += (value[i] - mean) * (value[i] - mean);
    double half = gr_half_width(count) * sqrt(squares / (count - 1));
    return (gr_estimate){mean, mean - half, mean + half};
}

/* ---- how much they vary ---- */

/* How likely chi-square is at most x: finite sums (Abramowitz and Stegun, 26.4.4 for odd degrees of freedom and 26.4.5
 * for even ones). */
static double chi_below(double x, int freedom) {
    double half = x / 2, sum = 0;

    /* Even: 1 - exp(-x/2) (1 + x/2 + (x/2)^2 / 2! + ..), freedom / 2 terms. */
    if (freedom % 2 == 0) {
        double term = 1;
        for (int k = 1; k <= freedom / 2; k++) {
            sum += term;
            term *= half / k;
        }
        return 1 - exp(-half) * sum;
    }

    /* Odd: erf(sqrt(x/2)) - exp(-x/2) sqrt(2x/pi) (1 + x/3 + x^2 / (3 5) + ..), (freedom - 1) / 2 terms. */
    double term = 1;
    for (int k = 1; k <= (freedom - 1) / 2; k++) {
        sum += term;
        term *= x / (2 * k + 1);
    }
    return erf(sqrt(half)) - exp(-half) * sqrt(x * M_2_PI) * sum;
}

/* Where chi-square is below with probability p. */
static double chi_square(double p, int freedom) {
    double low = 0, high = 20.0 * freedom + 100;
    for (int i = 0; i < 200; i++) {
        double middle = (low + high) / 2;
        if (chi_below(middle, freedom) < p)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* One end of the interval of a coefficient k, by chi-square's value at the other end. */
static double variation_end(double k, double chi, int count) {
    double under = ((chi + 2) / count - 1) * k * k + chi / (count - 1);
    return under > 0 ? k / sqrt(under) : INFINITY;
}

gr_estimate gr_variation(const double *value, int count) {
    gr_estimate mean = gr_over_seeds(value, count);
    if (!isfinite(mean.low) || mean.value == 0)
        return (gr_estimate){NAN, NAN, NAN};

    /* Vangel, "Confidence intervals for a normal coefficient of variation", 1996: McKay's, with a smaller error. */
    double k = (mean.high - mean.value) / gr_half_width(count) / fabs(mean.value);
    return (gr_estimate){k, variation_end(k, chi_square(0.975, count - 1), count),
                         variation_end(k, chi_square(0.025, count - 1), count)};
}
