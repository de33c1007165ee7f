/* math.h - what the vector kernels share: functions that vectorise, and loops that add or overwrite. Only vec_*.c
 * include it. */
#ifndef GR_KERNEL_MATH_H
#define GR_KERNEL_MATH_H

#include "kernel/kernel.h"
#include <math.h>
#include <stdint.h>

/* Numbers in the widest register of the instruction set. */
#if defined __AVX512F__
enum { GR_LANES = 64 / sizeof(gr_real) };
#elif defined __AVX__
enum { GR_LANES = 32 / sizeof(gr_real) };
#else
enum { GR_LANES = 16 / sizeof(gr_real) };
#endif

/* d[i] (+)= value for i in [0, n); value may use i. */
#define GR_PUT(d, add, n, value)                                                     \
    do {                                                                             \
        if (add)                                                                     \
            _Pragma("omp simd") for (int i = 0; i < (n); i++) { (d)[i] += (value); } \
        else                                                                         \
            _Pragma("omp simd") for (int i = 0; i < (n); i++) { (d)[i] = (value); }  \
    } while (0)

/* libmvec has the vector form of erf; elsewhere the loop stays scalar. */
#if defined __x86_64__ && defined __GLIBC__
#pragma omp declare simd notinbranch
extern float erff(float x);
#endif

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
    const float magic = 0x1.8p23f; /* rounds to an integer, which the low bits of the sum then hold */
    sum.f = in.f * 0x1.715476p0f + magic;
    float n = sum.f - magic;
    float r = in.f - n * 0x1.62e4p-1f; /* ln 2 in two parts, the first exact in the product */
    r = r - n * 0x1.7f7d1cp-20f;
    float q = 0.00139262135f;
    q = q * r + 0.00836320297f;
    q = q * r + 0.0416665544f;
    q = q * r + 0.166665768f;
    q = q * r + 0.5f;
    power.u = (sum.u << 23) + 0x3f800000u; /* 2^n; 0 for n = -127 */
    float e = (q * r * r + r + 1) * power.f;
    return x != x ? x : e;
}
static inline float gr_erf(float x) { return erff(x); }
static inline float gr_abs(float x) { return fabsf(x); }
static inline float gr_sqrt(float x) { return sqrtf(x); }
static inline float gr_log(float x) { return logf(x); }

#endif

/* 1 / (1 + exp(-x)) */
static inline gr_real gr_sigmoid(gr_real x) { return 1 / (1 + gr_exp(-x)); }

#endif
