/* vec_half.c - rows between float and bfloat16, rounded to the nearest. The processor's own conversion, where there is
 * one, rounds as gr__narrow does: the bits are the same in every table. */
#include "base/half.h"
#include "kernel/math.h"
#include "kernel/vec.h"

#ifndef GR_DOUBLE

static void widen(gr_real *y, const gr_half *x, int n) {
#pragma omp simd
    for (int i = 0; i < n; i++)
        y[i] = gr__widen(x[i]);
}

#ifdef __AVX512BF16__
#include <immintrin.h>

static void narrow(gr_half *y, const gr_real *x, int n) {
    int i = 0;
    for (; i + 32 <= n; i += 32) {
        __m512bh both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + i + 16), _mm512_loadu_ps(x + i));
        memcpy(y + i, &both, sizeof both);
    }
    for (; i < n; i++)
        y[i] = gr__narrow(x[i]);
}
#else
static void narrow(gr_half *y, const gr_real *x, int n) {
#pragma omp simd
    for (int i = 0; i < n; i++)
        y[i] = gr__narrow(x[i]);
}
#endif

void GR_NAME(fill_half)(gr_kernels *k) {
    k->widen = widen;
    k->narrow = narrow;
}
#else
void GR_NAME(fill_half)(gr_kernels *k) { (void)k; } /* double keeps everything in double */
#endif
