/* logistic.c - logistic regression by Newton's method and conjugate gradients. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "label/logistic.h"

enum { NEWTON_MOST = 100, CG_MOST = 500, HALVINGS_MOST = 40 };

/* A fit at work. Vectors are [n] by feature, the constant last, or [rows]. */
typedef struct fit {
    const gr__bag *bag;
    const uint8_t *row;
    double penalty;
    size_t n;
    double *margin, *along;      /* [rows] w.x, and step.x */
    double *curve;               /* [rows] second derivative of the loss by the margin */
    double *gradient, *diagonal; /* [n]; of the Hessian */
    double *step, *rest, *way;   /* [n] of conjugate gradients: where to, what is left of the gradient, direction */
    double *product;             /* [n] Hessian times way */
} fit;

/* log(1 + exp(-m)) without overflow. */
static double loss_of(double m) { return m > 0 ? log1p(exp(-m)) : log1p(exp(m)) - m; }

static double dot(const double *a, const double *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

double gr__logistic_margin(const double *w, const gr__bag *bag, size_t row) {
    double sum = w[bag->features];
    for (size_t i = bag->start[row]; i < bag->start[row + 1]; i++)
        sum += w[bag->feature[i]] * (double)bag->value[i];
    return sum;
}

/* to += factor x of a row. */
static void add_row(double *to, const gr__bag *bag, size_t row, double factor) {
    to[bag->features] += factor;
    for (size_t i = bag->start[row]; i < bag->start[row + 1]; i++)
        to[bag->feature[i]] += factor * (double)bag->value[i];
}

/* What the penalty adds to the objective at w + t step. */
static double penalty_at(const fit *f, const double *w, double t) {
    double square = 0;
    for (size_t j = 0; j + 1 < f->n; j++)
        square += (w[j] + t * f->step[j]) * (w[j] + t * f->step[j]);
    return f->penalty / 2 * square;
}

/* The objective at w + t step. */
static double objective(const fit *f, const double *w, double t) {
    double sum = penalty_at(f, w, t);
    for (size_t d = 0; d < f->bag->rows; d++)
        if (f->row[d]) {
            double m = f->margin[d] + t * f->along[d];
            sum += loss_of(f->row[d] == GR__ROW_POSITIVE ? m : -m);
        }
    return sum;
}

/* Gradient, curvature of rows and the diagonal of the Hessian, at margins. */
static void differentiate(fit *f, const double *w) {
    const gr__bag *bag = f->bag;
    for (size_t j = 0; j < f->n; j++) {
        f->gradient[j] = j + 1 < f->n ? f->penalty * w[j] : 0;
        f->diagonal[j] = j + 1 < f->n ? f->penalty : 0;
    }

    /* Row by row: p is the probability of being positive. */
    for (size_t d = 0; d < bag->rows; d++) {
        if (!f->row[d])
            continue;
        double p = 1 / (1 + exp(-f->margin[d]));
        f->curve[d] = p * (1 - p);
        add_row(f->gradient, bag, d, p - (f->row[d] == GR__ROW_POSITIVE));
        f->diagonal[bag->features] += f->curve[d];
        for (size_t i = bag->start[d]; i < bag->start[d + 1]; i++)
            f->diagonal[bag->feature[i]] += f->curve[d] * (double)bag->value[i] * (double)bag->value[i];
    }
}

/* product = Hessian times way. */
static void multiply(fit *f) {
    for (size_t j = 0; j < f->n; j++)
        f->product[j] = j + 1 < f->n ? f->penalty * f->way[j] : 0;
    for (size_t d = 0; d < f->bag->rows; d++)
        if (f->row[d])
            add_row(f->product, f->bag, d, f->curve[d] * gr__logistic_margin(f->way, f->bag, d));
}

/* rest divided by the diagonal, times rest. */
static double scaled_square(const fit *f) {
    double sum = 0;
    for (size_t j = 0; j < f->n; j++)
        sum += f->rest[j] * f->rest[j] / f->diagonal[j];
    return sum;
}

/* The step that solves Hessian step = -gradient, to `part` of the gradient, by conjugate gradients scaled by the
 * diagonal. */
static void solve(fit *f, double part, const volatile sig_atomic_t *stop) {
    memset(f->step, 0, f->n * sizeof *f->step);
    for (size_t j = 0; j < f->n; j++) {
        f->rest[j] = -f->gradient[j];
        f->way[j] = f->rest[j] / f->diagonal[j];
    }

    /* Each round goes as far along `way` as helps, and turns. */
    double square = scaled_square(f), enough = part * part * dot(f->gradient, f->gradient, f->n);
    for (int i = 0; i < CG_MOST && dot(f->rest, f->rest, f->n) > enough && !(stop && *stop); i++) {
        multiply(f);
        double far = square / dot(f->way, f->product, f->n);
        for (size_t j = 0; j < f->n; j++) {
            f->step[j] += far * f->way[j];
            f->rest[j] -= far * f->product[j];
        }

        double before = square;
        square = scaled_square(f);
        for (size_t j = 0; j < f->n; j++)
            f->way[j] = f->rest[j] / f->diagonal[j] + square / before * f->way[j];
    }
}

/* Goes along the step: all of it, or half as far until that is worth it (Armijo's rule). */
static bool advance(fit *f, double *w) {
    for (size_t d = 0; d < f->bag->rows; d++)
        f->along[d] = f->row[d] ? gr__logistic_margin(f->step, f->bag, d) : 0;

    double t = 1, here = objective(f, w, 0), slope = dot(f->gradient, f->step, f->n);
    int halvings = 0;
    while (objective(f, w, t) > here + 1e-4 * t * slope && halvings++ < HALVINGS_MOST)
        t /= 2;
    if (halvings > HALVINGS_MOST) /* so near that rounding hides what is gained */
        return false;

    for (size_t j = 0; j < f->n; j++)
        w[j] += t * f->step[j];
    for (size_t d = 0; d < f->bag->rows; d++)
        f->margin[d] += t * f->along[d];
    return true;
}

void gr__logistic_fit(double *w, const gr__bag *bag, const uint8_t *row, double penalty,
                      const volatile sig_atomic_t *stop) {
    fit f = {.bag = bag, .row = row, .penalty = penalty, .n = bag->features + 1};
    double **by_row[] = {&f.margin, &f.along, &f.curve};
    double **by_feature[] = {&f.gradient, &f.diagonal, &f.step, &f.rest, &f.way, &f.product};
    for (size_t i = 0; i < 3; i++)
        *by_row[i] = gr_alloc((bag->rows + 1) * sizeof **by_row[i]);
    for (size_t i = 0; i < 6; i++)
        *by_feature[i] = gr_alloc(f.n * sizeof **by_feature[i]);
    memset(w, 0, f.n * sizeof *w);

    /* Far from the minimum a rough step will do; the nearer, the more exact. */
    double first = 0;
    for (int i = 0; i < NEWTON_MOST && !(stop && *stop); i++) {
        differentiate(&f, w);
        double length = sqrt(dot(f.gradient, f.gradient, f.n));
        first = i ? first : length;
        if (length <= 1e-9 * first)
            break;
        solve(&f, fmin(0.1, sqrt(length / first)), stop);
        if (!advance(&f, w))
            break;
    }

    for (size_t i = 0; i < 3; i++)
        gr_free(*by_row[i]);
    for (size_t i = 0; i < 6; i++)
        gr_free(*by_feature[i]);
}
