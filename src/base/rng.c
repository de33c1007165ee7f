/* Random numbers that are functions of their keys (rng.h). */
#include "base/rng.h"

#include <math.h>

typedef struct block { /* of 128 bits: what Philox turns into as many random ones */
    uint32_t v[4];
} block;

/* Ten rounds of Philox 4x32 on counter c with key (k0, k1); multipliers and key increments are those of the paper
 * (Salmon et al., SC 2011). */
static block philox(block c, uint32_t k0, uint32_t k1) {
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = 0xD2511F53u * (uint64_t)c.v[0], p1 = 0xCD9E8D57u * (uint64_t)c.v[2];
        c = (block){
            {(uint32_t)(p1 >> 32) ^ c.v[1] ^ k0, (uint32_t)p1, (uint32_t)(p0 >> 32) ^ c.v[3] ^ k1, (uint32_t)p0}};
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return c;
}

/* The seed and stream fill the key, the op or route and the draw fill the counter. The factor spreads the small numbers
 * of the streams over all bits of the key. */
static block draw(gr_key key, uint64_t i, uint32_t j) {
    block c = {{(uint32_t)i, (uint32_t)(i >> 32), j, key.which}};
    return philox(c, (uint32_t)key.seed, (uint32_t)(key.seed >> 32) ^ (key.stream * 0x85EBCA6Bu));
}

uint64_t gr_random_bits(gr_key key, uint64_t i, uint32_t j) {
    block b = draw(key, i, j);
    return (uint64_t)b.v[1] << 32 | b.v[0];
}

double gr_random_uniform(gr_key key, uint64_t i, uint32_t j) {
    return (double)(gr_random_bits(key, i, j) >> 11) * 0x1p-53;
}

double gr_random_normal(gr_key key, uint64_t i, uint32_t j) {
    block b = draw(key, i, j);
    double u = ((double)b.v[0] + 0.5) * 0x1p-32, v = (double)b.v[1] * 0x1p-32;
    return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}

void gr_random_permutation(gr_key key, uint32_t *order, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;

    /* Each place from the last on swaps with one at or before it. */
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = (uint32_t)((double)i * gr_random_uniform(key, i, 0));
        uint32_t t = order[i - 1];
        order[i - 1] = order[j];
        order[j] = t;
    }
}

/* One pass of the network over `bits` bits. */
static uint64_t feistel(gr_key key, uint64_t x, int bits) {
    enum { ROUNDS = 6 };
    int high = bits / 2, low = bits - high;
    uint64_t high_mask = ((uint64_t)1 << high) - 1, low_mask = ((uint64_t)1 << low) - 1;
    uint64_t left = x >> low, right = x & low_mask;
    for (uint32_t round = 0; round < ROUNDS; round += 2) {
        left ^= gr_random_bits(key, right, round) & high_mask;
        right ^= gr_random_bits(key, left, round + 1) & low_mask;
    }
    return left << low | right;
}

uint64_t gr_random_place(gr_key key, uint64_t i, uint64_t n) {
    int bits = n > 1 ? 64 - __builtin_clzll(n - 1) : 0;
    if (!bits)
        return 0;
    do
        i = feistel(key, i, bits);
    while (i >= n);
    return i;
}
