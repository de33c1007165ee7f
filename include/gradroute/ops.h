/* ops.h - the operations a graph is made of.
 *
 *     gr_value n = gr_rms_norm(g, x, 1, &(gr_norm_group){.gain = gain, .width = 192, .tap = GR_NONE}, 1e-5);
 *     gr_value h = gr_linear(g, 1, &(gr_term){.x = n, .w = up}, GR_NONE, GR_NONE);
 *     gr_value l = gr_mean(g, gr_cross_entropy(g, logits));
 *
 * N is the number of rows of the batch, w(x) the width of x. Each operation is one file in src/op, named as here. What
 * does not fit (widths, sizes, numbers of terms) is a mistake of the graph (graph.h) and gives GR_NONE, as does
 * GR_NONE.
 */
#ifndef GRADROUTE_OPS_H
#define GRADROUTE_OPS_H

#include "gradroute/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A named point on the edge to whatever reads the returned value [N x w(x)]; consumers of x itself stay before the tap.
 * Mistakes: a name that is taken, x that is one number. */
gr_value gr_tap_point(gr_graph *graph, gr_value x, const char *name);

/* Row k of the batch's real input `index`: [N x width] (gr_batch.x[index]). No gradient. */
gr_value gr_input(gr_graph *graph, int index, int width);

/* out[n] = table[ids[n]]: table [V x W] -> [N x W]. */
gr_value gr_embedding(gr_graph *graph, gr_param table);

/* out[n] = x[n] + table[n - start[n]]: learned positions, table [T x w(x)]; positions restart with each document. */
gr_value gr_position(gr_graph *graph, gr_value x, gr_param table);

/* One product of a sum: x W^T with w stored [out x in], or x W with w stored [in x out] (transposed: the unit-major
 * form of an output projection, a row for each unit that is read). The product may use only columns [lo, hi) of w
 * (hi 0: all), and adds into the columns of the result that begin at `at`.
 *
 * Stopped columns of the product take part in everything but the gradient of x: what they read learns nothing from
 * them, while w does. At most GR_TERM_STOPS ranges, ascending and apart; columns count from `at`. */
enum { GR_TERM_STOPS = 8 };
typedef struct gr_columns {
    int lo, hi; /* [lo, hi) */
} gr_columns;
typedef struct gr_term {
    gr_value x;
    gr_param w;
    bool transposed;
    int lo, hi;
    int at;
    int stops; /* usually 0 */
    const gr_columns *stop;
} gr_term;

/* out = base + sum of the terms + bias. Terms may be narrower than out; columns that nothing reaches are 0. base and
 * bias may be GR_NONE; w(out) is the widest reach of base and terms. At most 5 terms; the same w may occur twice with
 * different columns. */
gr_value gr_linear(gr_graph *graph, int terms, const gr_term *term, gr_param bias, gr_value base);

/* Root-mean-square norm over groups of columns (Zhang & Sennrich 2019): out = gain * x / sqrt(mean(x^2) + eps), the
 * mean taken over the columns of the groups that are on for the row. A group is on unless the forward weight of its tap
 * is 0 for the row's class; columns of a group that is off must be 0 in x and are 0 in out. gain is [1 x width] or
 * GR_NONE. */
typedef struct gr_norm_group {
    gr_param gain;
    int width;
    gr_tap tap; /* GR_NONE: always on */
} gr_norm_group;
gr_value gr_rms_norm(gr_graph *graph, gr_value x, int groups, const gr_norm_group *group, double eps);

/* Layer norm (Ba et al. 2016) with gain and shift [1 x w(x)], either may be GR_NONE. */
gr_value gr_layer_norm(gr_graph *graph, gr_value x, gr_param gain, gr_param shift, double eps);

/* The same with gain and shift [1 x width] for each of 1 to 3 groups of columns, which are all of x: one mean and one
 * variance over all of them. */
typedef struct gr_layer_norm_group {
    gr_param gain, shift; /* either may be GR_NONE */
    int width;
} gr_layer_norm_group;
gr_value gr_layer_norm_groups(gr_graph *graph, gr_value x, int groups, const gr_layer_norm_group *group, double eps);

/* Element by element, widths equal: [N x w(x)]. */
gr_value gr_relu(gr_graph *graph, gr_value x);
gr_value gr_gelu(gr_graph *graph, gr_value x);                   /* x Phi(x), by erf */
gr_value gr_gelu_tanh(gr_graph *graph, gr_value x);              /* the tanh form (Hendrycks & Gimpel 2016) */
gr_value gr_silu(gr_graph *graph, gr_value x);                   /* x sigmoid(x) */
gr_value gr_swiglu(gr_graph *graph, gr_value gate, gr_value up); /* silu(gate) * up in one pass (Shazeer 2020) */
gr_value gr_add(gr_graph *graph, gr_value a, gr_value b);        /* the narrower one adds into the first columns */
gr_value gr_mul(gr_graph *graph, gr_value a, gr_value b);
gr_value gr_scale(gr_graph *graph, gr_value x, double factor); /* x times a constant */

/* Columns [lo, hi) of x times a learned number, the others as they are: g x, or sigmoid(g) x; g is [1 x 1]. */
gr_value gr_learned_gate(gr_graph *graph, gr_value x, int lo, int hi, gr_param g, bool sigmoid);

/* Choosing experts (Shazeer et al. 2017, Fedus et al. 2022): of logits l [N x E] the scores exp(l - max), which a tap
 * may weigh, with the maximum over the columns that are on for the row (a constant: it has no derivative) and 0 in
 * those that the tap weighs by 0, if the tap is all that reads them; probabilities p, the scores by their sum (all 0
 * where every score is); the k largest of p, the others 0, of equal ones the first; hidden units [N x E m], each
 * expert's m columns times its column of what was chosen. */
gr_value gr_scores(gr_graph *graph, gr_value l);
gr_value gr_normalise(gr_graph *graph, gr_value x);
gr_value gr_top(gr_graph *graph, gr_value p, int k);
gr_value gr_weigh(gr_graph *graph, gr_value x, gr_value chosen);

/* A linear map for each expert, w [E m x D], computed for the rows that chose it (chosen [N x E] not 0): into experts,
 * x [N x D] to [N x E m], 0 where not chosen; with `out` from [N x E m] to the sum [N x D], where units that were not
 * chosen are not read. bias [1 x width of the result] or GR_NONE. */
gr_value gr_expert_linear(gr_graph *graph, gr_value x, gr_value chosen, gr_param w, gr_param bias, bool out);

/* E sum_e f_e p_e per row [N x 1]: f_e is the share of expert e in all choices of the row's block of 512 rows, counted
 * over present rows and without a gradient. Mean 1 where rows are spread evenly. It couples the rows of a block. */
gr_value gr_balance(gr_graph *graph, gr_value p, gr_value chosen);

/* Keeps an element with probability 1 - rate and divides by it; the identity outside training. Draws are keyed by
 * (seed, node, step, row of the logical batch, column). */
gr_value gr_dropout(gr_graph *graph, gr_value x, double rate);

/* Causal self-attention inside each document. Query heads share heads of keys and values, heads / kv_heads each
 * (Ainslie et al. 2023). qkv is [N x (heads + 2*kv_heads)*size], unit-major: for each head of keys its queries, then k,
 * then v (size columns each). Returns [N x heads*size], in the order of the queries. scale multiplies q.k (1/sqrt(size)
 * as a rule). A row sees the `window` rows that end with itself (0: all of its document up to itself).
 *
 * rotary_base > 0 turns pairs i of the first R = rotary_size columns of q and k by position * base^(-2i/R) (Su et al.
 * 2021): neighbours (2i, 2i + 1), for which size is even, or with rotary_halves (i, i + R/2). R is even. */
typedef struct gr_attention_def {
    int heads, kv_heads; /* kv_heads divides heads; 0: as heads */
    int size;
    double scale;
    int window;
    double rotary_base; /* 0: no rotation */
    int rotary_size;    /* 0: size */
    bool rotary_halves;
} gr_attention_def;
gr_value gr_attention(gr_graph *graph, gr_value qkv, const gr_attention_def *def);

/* Columns [lo, hi) of x, as a view: [N x hi - lo]. */
gr_value gr_slice(gr_graph *graph, gr_value x, int lo, int hi);

/* Values side by side: [N x sum of their widths]; at most 5. */
gr_value gr_concat(gr_graph *graph, int count, const gr_value *x);

/* x forward, nothing backward: [N x w(x)]. */
gr_value gr_stop(gr_graph *graph, gr_value x);

/* -log softmax(logits)[targets[n]] per row: [N x 1]; rows whose target is negative give 0 and no gradient. */
gr_value gr_cross_entropy(gr_graph *graph, gr_value logits);

/* Mean over the columns of (a - b)^2 or |a - b|: [N x 1]. The derivative of |.| at 0 is 0. */
gr_value gr_squared_error(gr_graph *graph, gr_value a, gr_value b);
gr_value gr_absolute_error(gr_graph *graph, gr_value a, gr_value b);

/* Sum over the columns of |x|: [N x 1]. */
gr_value gr_l1(gr_graph *graph, gr_value x);

/* Mean absolute Pearson correlation over the batch between every column of a and every column of b: one number.
 * Rows without a class (absent) do not count; needs at least 2 rows; a constant column has correlation 0. */
gr_value gr_correlation(gr_graph *graph, gr_value a, gr_value b);

/* sum_n weight[n] x[n] / denominator, x [N x 1]: one number. */
gr_value gr_mean(gr_graph *graph, gr_value x);

#ifdef __cplusplus
}
#endif

#endif
