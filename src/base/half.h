/* half.h - numbers of 16 bits as memory holds them: bfloat16, the upper half of a float. */
#ifndef GR_BASE_HALF_H
#define GR_BASE_HALF_H

#include <stdint.h>
#include <string.h>

typedef uint16_t gr_half;

static inline float gr__widen(gr_half h) {
    uint32_t bits = (uint32_t)h << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* To the nearest, ties to even; NaN stays NaN. Numbers too small for a full mantissa become 0, as the processor's own
 * conversion makes them. */
static inline gr_half gr__narrow(float x) {
    uint32_t bits, odd;
    memcpy(&bits, &x, sizeof bits);
    uint32_t size = bits & 0x7fffffffu;
    odd = (bits >> 16) & 1;
    uint32_t rounded = (bits + 0x7fffu + odd) >> 16;
    rounded = size < 0x00800000u ? (bits >> 16) & 0x8000u : rounded;
    return (gr_half)(size > 0x7f800000u ? (bits >> 16) | 0x40u : rounded);
}

#endif
