/* vec_activation.c - activations and their derivatives, element by element: those on single numbers from their list
 * (elementwise.h), and swiglu. Each backward is dx (+)= f'(x) dy, from x again: the result is not needed. */
#include "kernel/math.h"
#include "kernel/vec.h"

/* ---- what formulas of the list use ---- */

/* y where x is positive, read in any case: so the loop has no branch. */
static inline gr_real gated(gr_real x, gr_real y) { return x > 0 ? y : 0; }

/* Phi(x), the normal distribution function, and its density. */
static inline gr_real normal_cdf(gr_real x) { return (gr_real)0.5 * (1 + gr_erf(x * (gr_real)0.70710678118654752440)); }
static inline gr_real normal_density(gr_real x) {
    return (gr_real)0.39894228040143267794 * gr_exp((gr_real)-0.5 * x * x);
}

/* (1 + tanh(u)) / 2 = sigmoid(2u): the tanh form is x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3). */
static inline gr_real tanh_gate(gr_real x) {
    const gr_real c = (gr_real)1.59576912160573071176; /* 2 sqrt(2/pi) */
    return gr_sigmoid(c * (x + (gr_real)0.044715 * x * x * x));
}
/* The derivative of x s with s = sigmoid(2u): s + x s (1 - s) 2u', 2u' = 2 sqrt(2/pi) (1 + 3 * 0.044715 x^2). */
static inline gr_real tanh_gate_slope(gr_real x) {
    const gr_real c = (gr_real)1.59576912160573071176;
    gr_real s = tanh_gate(x);
    return s + x * s * (1 - s) * c * (1 + (gr_real)0.134145 * x * x);
}

/* The derivative of x s with s = sigmoid(x). */
static inline gr_real silu_slope(gr_real x) {
    gr_real s = gr_sigmoid(x);
    return s + x * s * (1 - s);
}

/* ---- the list ---- */

/* The formula as a function of one number, and the loop over n of them; likewise its gradient. */
#define GR_ELEMENTWISE(name, value, gradient, zero)                                                             \
    static inline gr_real name##_value(gr_real x) { return value; }                                             \
    static inline gr_real name##_gradient(gr_real x, gr_real dy) { return gradient; }                           \
    static void name##_values(gr_real *y, const gr_real *x, int n) { GR_PUT(y, false, n, name##_value(x[i])); } \
    static void name##_gradients(gr_real *dx, const gr_real *dy, const gr_real *x, int n, bool add) {           \
        GR_PUT(dx, add, n, name##_gradient(x[i], dy[i]));                                                       \
    }
#include "kernel/elementwise.h"
#undef GR_ELEMENTWISE

/* ---- swiglu ---- */

static void swiglu(gr_real *y, const gr_real *gate, const gr_real *up, int n) {
    GR_PUT(y, false, n, gate[i] * gr_sigmoid(gate[i]) * up[i]);
}

/* In strips that stay in the first cache: both gradients share the sigmoid, and are written one after the other so
 * that they may be one buffer. */
static void swiglu_backward(gr_real *dgate, bool add_gate, gr_real *dup, bool add_up, const gr_real *dy,
                            const gr_real *gate, const gr_real *up, int n) {
    enum { STRIP = 256 };
    gr_real g[STRIP], u[STRIP];
    for (int at = 0; at < n; at += STRIP) {
        int m = n - at < STRIP ? n - at : STRIP;
        const gr_real *x = gate + at, *z = up + at, *d = dy + at;

        /* d/dgate = dy up (s + gate s (1 - s)), d/dup = dy gate s, with s = sigmoid(gate). */
#pragma omp simd
        for (int i = 0; i < m; i++) {
            gr_real s = gr_sigmoid(x[i]);
            u[i] = d[i] * x[i] * s;
            g[i] = d[i] * z[i] * (s + x[i] * s * (1 - s));
        }

        /* dgate first: where both are one buffer, dup adds to it. */
        if (dgate)
            GR_PUT(dgate + at, add_gate, m, g[i]);
        if (dup)
            GR_PUT(dup + at, add_up, m, u[i]);
    }
}

void GR_NAME(fill_activation)(gr_kernels *k) {
#define GR_ELEMENTWISE(name, ...) \
    k->name = name##_values;      \
    k->name##_backward = name##_gradients;
#include "kernel/elementwise.h"
#undef GR_ELEMENTWISE
    k->swiglu = swiglu;
    k->swiglu_backward = swiglu_backward;
}
