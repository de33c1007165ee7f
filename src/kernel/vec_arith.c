/* vec_arith.c - sums and products of rows of numbers. kernel.h says what each is; the macros of math.h make loops that
 * the compiler turns into the widest registers of the instruction set. */
#include "kernel/math.h"
#include "kernel/vec.h"

static void add(gr_real *y, const gr_real *a, const gr_real *b, int n) { GR_PUT(y, false, n, a[i] + b[i]); }

static void scale(gr_real *y, gr_real s, const gr_real *x, int n, bool accumulate) {
    GR_PUT(y, accumulate, n, s * x[i]);
}

static void mul(gr_real *y, const gr_real *a, const gr_real *b, int n, bool accumulate) {
    GR_PUT(y, accumulate, n, a[i] * b[i]);
}

static void mul_add(gr_real *y, gr_real s, const gr_real *a, const gr_real *b, int n) {
    GR_PUT(y, true, n, s * a[i] * b[i]);
}

static gr_real dot(const gr_real *a, const gr_real *b, int n) {
    gr_real s;
    GR_SUM(s, n, a[i] * b[i]);
    return s;
}

static gr_real sum(const gr_real *x, int n) {
    gr_real s;
    GR_SUM(s, n, x[i]);
    return s;
}

void GR_NAME(fill_arith)(gr_kernels *k) {
    k->add = add;
    k->scale = scale;
    k->mul = mul;
    k->mul_add = mul_add;
    k->dot = dot;
    k->sum = sum;
}
