#include "measure/power_law.h"

#include <math.h>

/* Where c and the shift (in shares of the largest x) are searched, and how finely: grids in equal steps of the
 * logarithm, and golden sections of the two steps around the best place. Alone c is found as exactly as double numbers
 * tell sums of squares apart; beside a shift, with which it trades off, to parts in 100,000, for each shift anew. */
enum { EXPONENTS = 48, SECTIONS = 44, SHIFTS = 24, FEWER = 24 };
static const double exponent_low = 0.001, exponent_high = 5, shift_low = 1e-5, shift_high = 10;

/* Points whose x are shares of the largest. */
typedef struct ladder {
    double u[GR__LADDER_MOST];
    const double *loss;
    int points;
} ladder;

/* A curve and how far the points lie from it: the sum of squares. */
typedef struct candidate {
    double a, b, c, shift, squares;
} candidate;

/* The best a and b, neither below 0, for this c and shift. */
static candidate project(const ladder *l, double c, double shift) {
    double power[GR__LADDER_MOST], x = 0, y = 0, xx = 0, xy = 0, cross = 0, square = 0;
    const double n = l->points;
    for (int i = 0; i < l->points; i++) {
        power[i] = pow(l->u[i] + shift, -c);
        x += power[i] / n;
        y += l->loss[i] / n;
    }

    /* About the means, for powers of small shares are large. */
    for (int i = 0; i < l->points; i++) {
        xx += (power[i] - x) * (power[i] - x);
        xy += (power[i] - x) * (l->loss[i] - y);
        square += power[i] * power[i];
        cross += power[i] * l->loss[i];
    }
    candidate k = {.b = xx > 0 ? fmax(0, xy / xx) : 0, .c = c, .shift = shift};
    k.a = y - k.b * x;
    if (k.a < 0) {
        k.a = 0;
        k.b = fmax(0, cross / square);
    }

    for (int i = 0; i < l->points; i++) {
        const double off = k.a + k.b * power[i] - l->loss[i];
        k.squares += off * off;
    }
    return k;
}

/* The best curve with this value of the variable that is searched, given what else is fixed. */
typedef candidate (*best_at)(const ladder *l, double value, double fixed);

/* The lowest sum of squares over log-spaced values: the best of the grid, then golden sections around it. */
static candidate search(const ladder *l, best_at at, double fixed, double from, double to, int steps, int sections) {
    /* The best of a grid, for there may be more valleys than one. */
    const double step = log(to / from) / steps, golden = (sqrt(5) - 1) / 2;
    candidate best = at(l, from, fixed);
    int place = 0;
    for (int i = 1; i <= steps; i++) {
        const candidate k = at(l, from * exp(i * step), fixed);
        if (k.squares < best.squares) {
            best = k;
            place = i;
        }
    }

    /* Two places inside of the bracket, of which one is the next bracket's too. */
    double low = fmax(0, place - 1) * step, high = fmin(steps, place + 1) * step;
    double left = high - golden * (high - low), right = low + golden * (high - low);
    candidate a = at(l, from * exp(left), fixed), b = at(l, from * exp(right), fixed);
    for (int i = 0; i < sections; i++) {
        if (a.squares < b.squares) {
            high = right;
            right = left;
            b = a;
            left = high - golden * (high - low);
            a = at(l, from * exp(left), fixed);
        } else {
            low = left;
            left = right;
            a = b;
            right = low + golden * (high - low);
            b = at(l, from * exp(right), fixed);
        }
    }

    const candidate near = a.squares < b.squares ? a : b;
    return near.squares < best.squares ? near : best;
}

/* With c alone to be searched, a and b follow. */
static candidate at_exponent(const ladder *l, double c, double shift) { return project(l, c, shift); }

/* For each shift the best c is searched anew: the two trade off, and a step in one alone would end in their valley. */
static candidate at_shift(const ladder *l, double shift, double fixed) {
    (void)fixed;
    return search(l, at_exponent, shift, exponent_low, exponent_high, FEWER, FEWER);
}

/* One more number to find, the shift, takes one more point. */
int gr__power_law_lacks(const double *x, int points) {
    int different = 0;
    bool shifted = false;
    for (int i = 0; i < points; i++) {
        bool again = false;
        for (int k = 0; k < i; k++)
            again = again || x[k] == x[i];
        different += !again;
        shifted = shifted || x[i] == 0;
    }
    const int least = GR__LADDER_LEAST + shifted;
    return different < least ? least - different : 0;
}

/* Whether every x and every loss is a number that can be. */
static bool are_numbers(const double *x, const double *loss, int points) {
    for (int i = 0; i < points; i++)
        if (!(x[i] >= 0) || !isfinite(x[i]) || !isfinite(loss[i]))
            return false;
    return true;
}

bool gr__power_law_fit(gr__power_law *law, const double *x, const double *loss, int points) {
    *law = (gr__power_law){.low = INFINITY};
    if (points > GR__LADDER_MOST)
        return false;
    for (int i = 0; i < points; i++) {
        law->low = fmin(law->low, x[i]);
        law->high = fmax(law->high, x[i]);
    }

    const bool shifted = law->low == 0;
    if (!are_numbers(x, loss, points) || gr__power_law_lacks(x, points) > 0)
        return false;

    ladder l = {.loss = loss, .points = points};
    for (int i = 0; i < points; i++)
        l.u[i] = x[i] / law->high;
    const candidate k = shifted ? search(&l, at_shift, 0, shift_low, shift_high, SHIFTS, FEWER)
                                : search(&l, at_exponent, 0, exponent_low, exponent_high, EXPONENTS, SECTIONS);

    /* Back to units of x. */
    law->a = k.a;
    law->b = k.b * pow(law->high, k.c);
    law->c = k.c;
    law->shift = k.shift * law->high;
    for (int i = 0; i < points; i++)
        law->off = fmax(law->off, fabs(gr__power_law_at(law, x[i]) - loss[i]));
    return gr__power_law_at(law, law->low) > gr__power_law_at(law, law->high);
}

double gr__power_law_at(const gr__power_law *law, double x) { return law->a + law->b * pow(x + law->shift, -law->c); }

double gr__power_law_find(const gr__power_law *law, double loss) {
    /* Nothing is known of the curve beyond the models that it was fitted to. */
    if (isnan(loss))
        return NAN;
    if (loss > gr__power_law_at(law, law->low))
        return -INFINITY;
    if (loss < gr__power_law_at(law, law->high))
        return INFINITY;
    const double x = pow((loss - law->a) / law->b, -1 / law->c) - law->shift;
    return fmin(law->high, fmax(law->low, x)); /* of rounding */
}
