/* attention.h - what attention is asked for, shared by its passes and by decoding. */
#ifndef GR_OP_ATTENTION_H
#define GR_OP_ATTENTION_H

typedef struct gr__attention {
    int heads, size;
    double scale, rotary_base; /* 0: no rotation */
} gr__attention;

#endif
