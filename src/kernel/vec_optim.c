/* vec_optim.c - updates of parameters, each in one pass. */
#include <tgmath.h>

#include "kernel/vec.h"

/* In double: a sum of millions of squares of floats. */
static double squares(const gr_real *x, int n) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}

/* Adam (Kingma & Ba 2014), with decay apart from it (Loshchilov & Hutter 2017) or as part of the gradient; the
 * constants are explained in kernel.h. */
static void adam(gr_real *restrict p, gr_real *restrict m, gr_real *restrict v, const gr_real *restrict g,
                 const gr_adam *constants, int n) {
    const gr_adam k = *constants;
#pragma omp simd
    for (int i = 0; i < n; i++) {
        gr_real w = p[i] * k.keep, d = g[i] * k.scale + k.l2 * w;
        m[i] = k.b1 * m[i] + k.c1 * d;
        v[i] = k.b2 * v[i] + k.c2 * d * d;
        p[i] = w - k.rate * m[i] / (sqrt(v[i]) * k.root + k.eps);
    }
}

static void sgd(gr_real *restrict p, gr_real *restrict m, const gr_real *restrict g, const gr_sgd *constants, int n) {
    const gr_sgd k = *constants;
    if (!m) {
#pragma omp simd
        for (int i = 0; i < n; i++)
            p[i] -= k.rate * (g[i] * k.scale + k.l2 * p[i]);
        return;
    }

    /* With momentum (Polyak 1964) m is a decaying sum of gradients. */
#pragma omp simd
    for (int i = 0; i < n; i++) {
        m[i] = k.momentum * m[i] + (g[i] * k.scale + k.l2 * p[i]);
        p[i] -= k.rate * m[i];
    }
}

void GR_NAME(fill_optim)(gr_kernels *k) {
    k->squares = squares;
    k->adam = adam;
    k->sgd = sgd;
}
