/* vec_norm.c - one row of a root-mean-square or layer norm. The gain is applied in loops of their own: the row is in
 * the first cache. */
#include "kernel/math.h"
#include "kernel/vec.h"

/* Mean and variance, the latter from differences: nothing is lost where the mean is large. */
static void moments(gr_real *mean, gr_real *variance, const gr_real *x, int n) {
    gr_real s, q;
    GR_SUM(s, n, x[i]);
    gr_real m = s / (gr_real)n;
    GR_SUM(q, n, (x[i] - m) * (x[i] - m));
    *mean = m;
    *variance = q / (gr_real)n;
}

static void norm(gr_real *y, const gr_real *x, gr_real mean, gr_real inv, const gr_real *gain, const gr_real *shift,
                 int n) {
    if (gain)
        GR_PUT(y, false, n, (x[i] - mean) * inv * gain[i]);
    else
        GR_PUT(y, false, n, (x[i] - mean) * inv);
    if (shift)
        GR_PUT(y, true, n, shift[i]);
}

static void norm_sums(gr_real sums[2], gr_real *xhat, const gr_real *dy, const gr_real *x, gr_real mean, gr_real inv,
                      const gr_real *gain, int n) {
    gr_real s, q;
    GR_PUT(xhat, false, n, (x[i] - mean) * inv);

    /* The two sums that the gradient of the row needs. */
    if (gain) {
        GR_SUM(s, n, gain[i] * dy[i]);
        GR_SUM(q, n, gain[i] * dy[i] * xhat[i]);
    } else {
        GR_SUM(s, n, dy[i]);
        GR_SUM(q, n, dy[i] * xhat[i]);
    }
    sums[0] += s;
    sums[1] += q;
}

/* The means m0 and m1 are what a row loses as its mean and its size are taken out: see layer_norm.c and rms_norm.c. */
static void norm_backward(gr_real *dx, const gr_real *dy, const gr_real *xhat, gr_real inv, gr_real m0, gr_real m1,
                          const gr_real *gain, int n, bool add) {
    if (gain)
        GR_PUT(dx, add, n, inv * (gain[i] * dy[i] - m0 - m1 * xhat[i]));
    else
        GR_PUT(dx, add, n, inv * (dy[i] - m0 - m1 * xhat[i]));
}

void GR_NAME(fill_norm)(gr_kernels *k) {
    k->moments = moments;
    k->norm = norm;
    k->norm_sums = norm_sums;
    k->norm_backward = norm_backward;
}
