/* bound.h - how fast one product of matrices can be here: what a layer's products are measured against.
 *
 *     double seconds = gr_gemm_bound(4096, 768, 256, true, false, 0.02);    4096 rows, a layer of 256 -> 768, bfloat16
 *
 * The product C = A B (accumulate: C += A B), A [m x k], B [k x n], is timed by itself, on operands that are made for
 * it: A and B each row by row, column by column, and packed as oneDNN likes best; in one piece and in blocks of 512 (of
 * m; where it accumulates, of k). Half: operands in bfloat16 and sums in float32; the result is bfloat16 unless it
 * accumulates. What packing would cost is not counted.
 */
#ifndef GR_BENCH_BOUND_H
#define GR_BENCH_BOUND_H

#include <stdbool.h>

/* Seconds with the best of these ways: the median of at least 3 runs of each that comes near, and of more until
 * `seconds` have passed. 0 where oneDNN computes no such product on this processor but by plain loops, or memory is
 * gone. There are 18 ways. */
double gr_gemm_bound(int m, int n, int k, bool half, bool accumulate, double seconds);

#endif
