/* attention.h - what attention is asked for, shared by its passes and by decoding. */
#ifndef GR_OP_ATTENTION_H
#define GR_OP_ATTENTION_H

#include "gradroute/ops.h"

/* With kv_heads and rotary_size settled. */
typedef gr_attention_def gr__attention;

/* Query heads of a head of keys, and the columns of qkv that they take together. */
static inline int gr__attention_share(const gr__attention *a) { return a->heads / a->kv_heads; }
static inline int gr__attention_unit(const gr__attention *a) { return (gr__attention_share(a) + 2) * a->size; }

/* As in gr_head: what lies between the two of a pair. */
static inline int gr__attention_apart(const gr__attention *a) { return a->rotary_halves ? a->rotary_size / 2 : 0; }

/* cos and sin of each pair's angle in rows 0, 1, .. [rows x size] as gr_head has them, gr_free; NULL: no rotation. */
gr_real *gr__attention_turn(const gr__attention *attention, int rows);

#endif
