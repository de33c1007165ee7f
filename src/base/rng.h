/* rng.h - counter-based random numbers: a draw is a pure function of its key, so order and threads do not matter.
 *
 * Philox 4x32 with 10 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 */
#ifndef GR_BASE_RNG_H
#define GR_BASE_RNG_H

#include <stdint.h>

/* Streams keep unrelated draws of one seed apart: the first argument after the seed. */
enum {
    GR_STREAM_INIT = 1,
    GR_STREAM_ROUTE,
    GR_STREAM_DROPOUT,
    GR_STREAM_DATA,
    GR_STREAM_LABEL,
    GR_STREAM_SAMPLE,
    GR_STREAM_BOOTSTRAP,
    GR_STREAM_TEST,
    GR_STREAM_DIAGNOSE,
    GR_STREAM_BUCKET,
    GR_STREAM_CALIBRATE,
    GR_STREAM_SLICE,
    GR_STREAM_PLANTED,
    GR_STREAM_SHARE
};

typedef struct gr_key {
    uint64_t seed;   /* of the run */
    uint32_t stream; /* GR_STREAM_... */
    uint32_t which;  /* op, route, parameter, ... within the stream */
} gr_key;

/* 64 random bits for draw (i, j) of a key. */
uint64_t gr_random_bits(gr_key key, uint64_t i, uint32_t j);

/* Uniform in [0, 1) with 53 bits. */
double gr_random_uniform(gr_key key, uint64_t i, uint32_t j);

/* Standard normal (Box-Muller on two uniforms of the same draw). */
double gr_random_normal(gr_key key, uint64_t i, uint32_t j);

/* Fills order[0..n) with a permutation of 0..n-1 (Fisher-Yates). */
void gr_random_permutation(gr_key key, uint32_t *order, uint32_t n);

/* Where i goes under a keyed permutation of 0..n-1, i < n: no list, so any place of an order of any length is known at
 * once. A Feistel network of 6 rounds over the smallest 2^bits >= n, its halves of unequal length where bits is odd,
 * with the draws above as round function, applied again until the result is below n: less than twice on average (cycle
 * walking: Black and Rogaway, "Ciphers with arbitrary finite domains", 2002). */
uint64_t gr_random_place(gr_key key, uint64_t i, uint64_t n);

#endif
