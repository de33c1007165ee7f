/* vec_loss.c - one row of a loss, and of its gradient. The operations in src/op say what they are losses of. */
#include "kernel/math.h"
#include "kernel/vec.h"

/* The row is read twice, from the first cache the second time. */
static gr_real log_sum_exp(const gr_real *x, int n) {
    gr_real top = gr_largest(x, n), s;
    GR_SUM(s, n, gr_exp(x[i] - top));
    return top + gr_log(s);
}

/* The maximum keeps exp from overflowing and cancels. y may be x. */
static void softmax(gr_real *y, const gr_real *x, int n) {
    gr_real top = gr_largest(x, n), s;
    GR_PUT(y, false, n, gr_exp(x[i] - top));
    GR_SUM(s, n, y[i]);
    GR_PUT(y, false, n, y[i] * (1 / s));
}

/* d (softmax(x) - onehot(target)). */
static void cross_entropy_backward(gr_real *dx, const gr_real *x, gr_real lse, int target, gr_real d, int n, bool add) {
    GR_PUT(dx, add, n, d * gr_exp(x[i] - lse));
    if (target >= 0 && target < n)
        dx[target] -= d;
}

static gr_real squared_error(const gr_real *a, const gr_real *b, int n) {
    gr_real s;
    GR_SUM(s, n, (a[i] - b[i]) * (a[i] - b[i]));
    return s;
}

static void difference(gr_real *y, gr_real s, const gr_real *a, const gr_real *b, int n, bool add) {
    GR_PUT(y, add, n, s * (a[i] - b[i]));
}

static gr_real absolute_error(const gr_real *a, const gr_real *b, int n) {
    gr_real s;
    GR_SUM(s, n, gr_abs(a[i] - b[i]));
    return s;
}

/* s, -s or 0 by the sign of x. */
static inline gr_real signed_by(gr_real s, gr_real x) { return x > 0 ? s : x < 0 ? -s : 0; }

static void sign(gr_real *y, gr_real s, const gr_real *a, const gr_real *b, int n, bool add) {
    GR_PUT(y, add, n, signed_by(s, a[i] - b[i]));
}

static gr_real l1(const gr_real *x, int n) {
    gr_real s;
    GR_SUM(s, n, gr_abs(x[i]));
    return s;
}

static void l1_backward(gr_real *y, gr_real s, const gr_real *x, int n, bool add) {
    GR_PUT(y, add, n, signed_by(s, x[i]));
}

void GR_NAME(fill_loss)(gr_kernels *k) {
    k->log_sum_exp = log_sum_exp;
    k->softmax = softmax;
    k->cross_entropy_backward = cross_entropy_backward;
    k->squared_error = squared_error;
    k->difference = difference;
    k->absolute_error = absolute_error;
    k->sign = sign;
    k->l1 = l1;
    k->l1_backward = l1_backward;
}
