/* continuation.h - the loop behind all continuing of text: choose, hand over, read. */
#ifndef GR_INFER_CONTINUATION_H
#define GR_INFER_CONTINUATION_H

#include "gradroute/infer.h"

typedef struct gr__continuation {
    gr_decoder *decoder;
    const gr_generate_def *def;
    int end;                                 /* ends the text as def->stop does; -1: none */
    bool (*take)(void *user, int32_t token); /* each token in turn; false ends the text behind it */
    void *user;
    gr_finish finish;      /* set: why it ended */
    double prompt_seconds; /* set: reading the prompt */
    double seconds;        /* set: everything after it */
    int tokens, reads;     /* set: handed over; of these, read again */
} gr__continuation;

/* What gr_generate refuses in its options, context excepted. */
gr_status gr__generate_check(const gr_generate_def *def, gr_error *err);

/* Restarts the decoder, reads the prompt and writes on. Errors: those of gr_decoder_read; GR_ERR_NUMERIC for logits
 * that are not finite. */
gr_status gr__continue(gr__continuation *g, const int32_t *prompt, int prompt_count, gr_error *err);

#endif
