/* pick.h - choosing the next token from logits. */
#ifndef GR_INFER_PICK_H
#define GR_INFER_PICK_H

#include "gradroute/infer.h"

typedef struct gr__candidate {
    double p; /* a logit, then the exponential that a draw weighs it with */
    int id;
} gr__candidate;

/* The next token, number `index` of the text, or -1 where a logit is not finite. list has room for vocab; with
 * temperature 0 it is not used. */
int gr__pick(gr__candidate *list, const gr_real *logits, int vocab, const gr_generate_def *def, int index);

#endif
