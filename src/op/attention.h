/* attention.h - what attention is asked for, shared by its passes and by decoding. */
#ifndef GR_OP_ATTENTION_H
#define GR_OP_ATTENTION_H

#include "gradroute/ops.h"

/* Below, kv_heads and rotary_size of a definition are settled: never 0 for "the default". */

/* Query heads of a head of keys, and the columns of qkv that they take together. */
static inline int gr__attention_group(const gr_attention_def *a) { return a->heads / a->kv_heads; }
static inline int gr__attention_unit(const gr_attention_def *a) { return (gr__attention_group(a) + 2) * a->size; }

/* As in gr_head: what lies between the two of a pair. */
static inline int gr__attention_apart(const gr_attention_def *a) { return a->rotary_halves ? a->rotary_size / 2 : 0; }

/* cos and sin of each pair's angle in rows 0, 1, .. [rows x size] as gr_head has them, gr_free; NULL: no rotation. */
gr_real *gr__attention_turn(const gr_attention_def *attention, int rows);

#endif
