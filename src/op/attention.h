/* attention.h - what attention is asked for, shared by its passes and by decoding. */
#ifndef GR_OP_ATTENTION_H
#define GR_OP_ATTENTION_H

#include "gradroute/base.h"

typedef struct gr__attention {
    int heads, size;
    double scale, rotary_base; /* 0: no rotation */
} gr__attention;

/* cos and sin of each pair's angle in rows 0, 1, .. [rows x size], gr_free; NULL: no rotation. */
gr_real *gr__attention_turn(const gr__attention *attention, int rows);

#endif
