/* infer.h - continuing text with a model, under a profile.
 *
 *     gr_generate_def def = gr_generate_default();      greedy, 40 tokens
 *     def.stop = gr_tokenizer_end(tokenizer);
 *     int32_t out[40];
 *     int n;
 *     GR_TRY(gr_generate(model, off, out, &n, prompt, prompt_count, &def, err));
 *
 * or, choosing the tokens oneself:
 *
 *     gr_decoder *decoder;
 *     GR_TRY(gr_decoder_new(&decoder, model, off, &(gr_decoder_def){.context = 256}, err));
 *     GR_TRY(gr_decoder_read(decoder, &logits, prompt, prompt_count, err));
 *     while ((next = mine(logits)) >= 0)
 *         GR_TRY(gr_decoder_read(decoder, &logits, &next, 1, err));
 */
#ifndef GRADROUTE_INFER_H
#define GRADROUTE_INFER_H

#include "gradroute/model.h"

/* ---- reading text token by token ------------------------------------------------------------------------------------
 *
 * A decoder computes each token once: attention keeps its keys and values. What it returns is what a forward pass over
 * the window gives in its last row, up to rounding (1e-5 of the logits in float32).
 *
 * The window is what the model sees: all tokens read since the start, while they fit into `context`, at positions 0, 1,
 * ... . A token that does not fit makes the window slide: its oldest tokens fall out, a quarter of the context or more
 * if several tokens come at once, and the rest is computed again, at positions from 0. So of a long text the model sees
 * between three quarters and all of the last `context` tokens. Of more than `context` tokens read at once, the last
 * `context` are the window. */

typedef struct gr_decoder gr_decoder;

typedef struct gr_decoder_def {
    int context;            /* positions the model may see: room for as many keys and values */
    gr_precision precision; /* BF16: weights are copied to bfloat16 now, keys and values kept in it; half the bytes */
} gr_decoder_def;

/* Context 128, precision of the model. */
gr_decoder_def gr_decoder_default(void);

/* tables is a profile whose class 0 every row uses, NULL: the model as it is; both are borrowed, and parameters must
 * not change while the decoder lives. GR_ERR_USAGE: the model has no output "logits" or reads no tokens, context below
 * 1; GR_ERR_MEMORY. */
gr_status gr_decoder_new(gr_decoder **decoder, gr_model *model, const gr_tables *tables, const gr_decoder_def *def,
                         gr_error *err);
void gr_decoder_free(gr_decoder *decoder);

/* Reads ids[count], at least one, after what was read before; logits [V] of what follows the last, valid until the next
 * call. Many tokens at a start are one pass; later each is a pass of one row. GR_ERR_USAGE: no tokens, a token outside
 * the vocabulary (nothing is read then); GR_ERR_MEMORY (the decoder is as after gr_decoder_restart). */
gr_status gr_decoder_read(gr_decoder *decoder, const gr_real **logits, const int32_t *ids, int count, gr_error *err);

void gr_decoder_restart(gr_decoder *decoder);    /* the next token begins a text */
int gr_decoder_count(const gr_decoder *decoder); /* tokens in the window */

/* ---- continuing text -----------------------------------------------------------------------------------------------
 */

typedef struct gr_generate_def {
    int tokens;             /* at most this many new ones */
    int context;            /* positions the model may see; older tokens fall out, as said above */
    double temperature;     /* 0: the most likely token, ties to the smaller id; else softmax(logits / temperature) */
    int top_k;              /* draw among the k most likely; 0: among all */
    uint64_t seed;          /* of the draws: token i of a text is draw i */
    int stop;               /* a token that ends the text (not returned); -1: none */
    gr_precision precision; /* 0: that of the model */
} gr_generate_def;

/* 40 tokens, context 128, temperature 0, top_k 0, seed 1, no stop, precision of the model. */
gr_generate_def gr_generate_default(void);

/* Continues prompt[prompt_count] (at least one token) into out[def->tokens]; *count is how many. tables is a profile
 * whose class 0 every row uses, NULL: the model as it is. The model needs an output "logits". GR_ERR_USAGE: no prompt,
 * a token outside the vocabulary, options out of range; GR_ERR_NUMERIC: logits that are not finite. */
gr_status gr_generate(gr_model *model, const gr_tables *tables, int32_t *out, int *count, const int32_t *prompt,
                      int prompt_count, const gr_generate_def *def, gr_error *err);

#endif
