/* math.h - what the vector kernels share: functions that vectorise, and loops that add or overwrite. Only vec_*.c
 * include it. */
#ifndef GR_KERNEL_MATH_H
#define GR_KERNEL_MATH_H

#include "kernel/kernel.h"
#include <math.h>
#include <stdint.h>
#if defined __AVX512F__ && !defined GR_DOUBLE
#include <immintrin.h>
#endif

/* Numbers in the widest register of the instruction set. */
#if defined __AVX512F__
enum { GR_LANES = 64 / sizeof(gr_real) };
#elif defined __AVX__
enum { GR_LANES = 32 / sizeof(gr_real) };
#else
enum { GR_LANES = 16 / sizeof(gr_real) };
#endif

/* A register as a type of the compiler, lowered to what the instruction set has. */
typedef gr_real gr_vec __attribute__((vector_size(GR_LANES * sizeof(gr_real)), aligned(sizeof(gr_real)), may_alias));

/* As a tree: the compiler would add lane by lane, each addition waiting for the last. */
static inline gr_real gr_lanes_sum(gr_vec x) {
#if defined __AVX512F__ && !defined GR_DOUBLE
    return _mm512_reduce_add_ps((__m512)x);
#else
    for (int half = GR_LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            x[l] += x[l + half];
    return x[0];
#endif
}

static inline gr_real gr_lanes_max(gr_vec x) {
#if defined __AVX512F__ && !defined GR_DOUBLE
    return _mm512_reduce_max_ps((__m512)x);
#else
    for (int half = GR_LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            x[l] = x[l] > x[l + half] ? x[l] : x[l + half];
    return x[0];
#endif
}

/* The largest of n numbers. */
static inline gr_real gr_largest(const gr_real *x, int n) {
    gr_real lanes[GR_LANES], top = x[0];
    int at = 0;
    for (int l = 0; l < GR_LANES; l++)
        lanes[l] = top;

    /* A maximum for each lane, then of the lanes. */
    for (; at + GR_LANES <= n; at += GR_LANES)
#pragma omp simd
        for (int l = 0; l < GR_LANES; l++)
            lanes[l] = x[at + l] > lanes[l] ? x[at + l] : lanes[l];
    top = gr_lanes_max(*(const gr_vec *)lanes);

    /* What is left over. */
    for (; at < n; at++)
        top = x[at] > top ? x[at] : top;
    return top;
}

/* s = sum of value for i in [0, n); value may use i. Registers of sums, to which what is left over is added lane by
 * lane: no addition waits for another. */
#define GR_SUM(s, n, value)                                                                            \
    do {                                                                                               \
        gr_real lanes[GR_LANES] = {0};                                                                 \
        int at = 0;                                                                                    \
        for (; at + GR_LANES <= (n); at += GR_LANES)                                                   \
            _Pragma("omp simd") for (int i = at; i < at + GR_LANES; i++) { lanes[i - at] += (value); } \
        _Pragma("omp simd") for (int i = at; i < (n); i++) { lanes[i - at] += (value); }               \
        (s) = gr_lanes_sum(*(const gr_vec *)lanes);                                                    \
    } while (0)

/* d[i] (+)= value for i in [0, n); value may use i. */
#define GR_PUT(d, add, n, value)                                                     \
    do {                                                                             \
        if (add)                                                                     \
            _Pragma("omp simd") for (int i = 0; i < (n); i++) { (d)[i] += (value); } \
        else                                                                         \
            _Pragma("omp simd") for (int i = 0; i < (n); i++) { (d)[i] = (value); }  \
    } while (0)

#ifdef GR_DOUBLE

static inline double gr_exp(double x) { return exp(x); }
static inline double gr_erf(double x) { return erf(x); }
static inline double gr_abs(double x) { return fabs(x); }
static inline double gr_sqrt(double x) { return sqrt(x); }
static inline double gr_log(double x) { return log(x); }

#else

/* exp with a relative error under 1.5e-7 where the result is a normal number: 2^n (1 + r + r^2 q(r)), |r| <= ln(2)/2, q
 * by interpolation at Chebyshev points (1.1e-8). Below -87.7 it is 0, above 88.37 it stays at 2.4e38, NaN stays NaN.
 * Unlike libmvec's it needs no call, and is as fast for arguments that underflow. The clamp works on the bits because
 * the compiler would split a comparison of floats into a path for the constant, and blend the paths. */
static inline float gr_exp(float x) {
    union bits {
        float f;
        uint32_t u;
    } in = {.f = x}, sum, power;
    const uint32_t limit = 0x42b0bd71u; /* 88.37 */
    uint32_t size = in.u & 0x7fffffffu;
    in.u = (in.u & 0x80000000u) | (size < limit ? size : limit);

    /* x = n ln 2 + r. */
    const float magic = 0x1.8p23f; /* rounds to an integer, which the low bits of the sum then hold */
    sum.f = in.f * 0x1.715476p0f + magic;
    float n = sum.f - magic;
    float r = in.f - n * 0x1.62e4p-1f; /* ln 2 in two parts, the first exact in the product */
    r = r - n * 0x1.7f7d1cp-20f;

    /* q(r), then 2^n times the rest. */
    float q = 0.00139262135f;
    q = q * r + 0.00836320297f;
    q = q * r + 0.0416665544f;
    q = q * r + 0.166665768f;
    q = q * r + 0.5f;
    power.u = (sum.u << 23) + 0x3f800000u; /* 2^n; 0 for n = -127 */
    float e = (q * r * r + r + 1) * power.f;
    return x != x ? x : e;
}

/* erf with an absolute error under 1.9e-7 and a relative one under 2.4e-7: x p(u), where u in [-1, 1] stands for x^2 up
 * to 3.925^2 and p interpolates erf(x)/x at Chebyshev points; beyond, it is 1 in floats. */
static inline float gr_erf(float x) {
    union bits {
        float f;
        uint32_t u;
    } in = {.f = x}, one = {.f = 1}, cut;
    const uint32_t limit = 0x407b3333u; /* 3.925 */
    uint32_t size = in.u & 0x7fffffffu;
    cut.u = size < limit ? size : limit;

    /* p(u) by Horner's rule. */
    float u = cut.f * cut.f * 0.12982272f - 1, p = -0.00096222275f;
    p = p * u + 0.0021749896f;
    p = p * u - 0.0010501347f;
    p = p * u + 0.0018195015f;
    p = p * u - 0.008280118f;
    p = p * u + 0.014508257f;
    p = p * u - 0.019747406f;
    p = p * u + 0.029745603f;
    p = p * u - 0.043742396f;
    p = p * u + 0.058546733f;
    p = p * u - 0.074042045f;
    p = p * u + 0.09057163f;
    p = p * u - 0.10909256f;
    p = p * u + 0.13393347f;
    p = p * u - 0.17988417f;
    p = p * u + 0.36027792f;

    /* x p, or 1 beyond, with the sign of x. */
    cut.f *= p;
    cut.u = (size < limit ? cut.u : one.u) | (in.u & 0x80000000u);
    return x != x ? x : cut.f;
}
static inline float gr_abs(float x) { return fabsf(x); }
static inline float gr_sqrt(float x) { return sqrtf(x); }
static inline float gr_log(float x) { return logf(x); }

#endif

/* 1 / (1 + exp(-x)) */
static inline gr_real gr_sigmoid(gr_real x) { return 1 / (1 + gr_exp(-x)); }

#endif
