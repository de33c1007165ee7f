/* infer.h - continuing text with a model, under a profile.
 *
 *     gr_generate_def def = gr_generate_default();      greedy, 40 tokens
 *     def.stop = gr_tokenizer_end(tokenizer);
 *     int32_t out[40];
 *     int n;
 *     GR_TRY(gr_generate(model, off, out, &n, prompt, prompt_count, &def, err));
 *
 * or in characters, as they are written:
 *
 *     gr_decoder *decoder;
 *     GR_TRY(gr_decoder_new(&decoder, model, off, &(gr_decoder_def){.context = 256}, err));
 *     gr_complete_def def = gr_complete_default();
 *     def.generate.temperature = 0.8, def.generate.top_p = 0.95;
 *     def.show = print;                                 bool print(void *user, const char *text, size_t length)
 *     gr_completion done;
 *     GR_TRY(gr_complete(&done, decoder, tokenizer, "a small bird", 12, &def, err));
 *     gr_completion_free(&done);
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
#include "gradroute/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- reading text token by token ------------------------------------------------------------------------------------
 *
 * A decoder computes each token once: attention keeps its keys and values. What it returns is what a forward pass over
 * the window gives in its last row, up to rounding (1e-5 of the logits in float32).
 *
 * The window is what the model sees: all tokens read since the start, while they fit into `context`, at positions 0, 1,
 * ... . Where what is read does not fit, the window slides: it becomes the last three quarters of `context` (rounded
 * down, at least one token), or the last of what is read at once where that is more, up to `context`; and it is
 * computed again, at positions from 0. So a long text that is read token by token is seen through a window that shrinks
 * to three quarters of `context` and grows to all of it, again and again. */

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
int gr_decoder_vocab(const gr_decoder *decoder); /* V, the number of logits */

/* ---- continuing text -----------------------------------------------------------------------------------------------
 *
 * With temperature 0 the most likely token is taken each time, ties to the smaller id. Else a token is drawn with
 * probability softmax(logits / temperature), among the first tokens in the order of likelihood (ties to the smaller id)
 * that all three of these leave, whose probabilities are scaled to the sum 1:
 *     top_k   the k most likely
 *     top_p   as few of those k as have together at least this share of the k tokens' probability (Holtzman et al.,
 *             "The curious case of neural text degeneration", 2020)
 *     min_p   those with at least this share of the most likely token's probability
 * Token i of a text is draw i of the seed, whatever else is generated before or at the same time. */

typedef struct gr_generate_def {
    int tokens;             /* at most this many new ones */
    int context;            /* positions the model may see; older tokens fall out, as said above */
    double temperature;     /* >= 0 */
    int top_k;              /* >= 0; 0: all */
    double top_p;           /* in (0, 1]; 1: all */
    double min_p;           /* in [0, 1]; 0: all */
    uint64_t seed;          /* of the draws */
    int stop;               /* a token that ends the text (not returned); -1: none */
    gr_precision precision; /* 0: that of the model */
} gr_generate_def;

/* 40 tokens, context 128, temperature 0, top_k 0, top_p 1, min_p 0, seed 1, no stop, precision of the model. */
gr_generate_def gr_generate_default(void);

/* Continues prompt[prompt_count] (at least one token) into out[def->tokens]; *count is how many. tables is a profile
 * whose class 0 every row uses, NULL: the model as it is. The model needs an output "logits". GR_ERR_USAGE: no prompt,
 * a token outside the vocabulary, options out of range; GR_ERR_NUMERIC: logits that are not finite. */
gr_status gr_generate(gr_model *model, const gr_tables *tables, int32_t *out, int *count, const int32_t *prompt,
                      int prompt_count, const gr_generate_def *def, gr_error *err);

/* ---- continuing text in characters ---- */

typedef enum gr_finish {
    GR_FINISH_LENGTH, /* as many tokens as were asked for */
    GR_FINISH_END,    /* the tokenizer's end token, or generate.stop */
    GR_FINISH_STOP,   /* a stop string */
    GR_FINISH_CALLER, /* show returned false */
} gr_finish;
const char *gr_finish_name(gr_finish finish); /* "length", "end", "stop", "caller" */

typedef struct gr_complete_def {
    gr_generate_def generate; /* context and precision are not used: the decoder has its own */
    /* [stops] strings, none empty, that end the text where one is complete: the text is cut before it (of several that
     * are complete with the same byte, before the longest), also within a token. Only new text counts, not the prompt.
     */
    const char *const *stop;
    int stops;
    /* Given the text as it grows: whole characters (bytes that belong to none as they are), nothing that may yet turn
     * out to be a stop string. Together the pieces are the completion's text. false: no more. NULL: none. */
    bool (*show)(void *user, const char *text, size_t length);
    void *user;
} gr_complete_def;

/* gr_generate_default, no stop strings, no show. */
gr_complete_def gr_complete_default(void);

typedef struct gr_completion {
    char *text;    /* what was written behind the prompt, with a 0 behind it; as the tokens spell it, so perhaps not
                    * valid UTF-8 */
    size_t length; /* bytes */
    int32_t *ids;  /* [tokens] all that were chosen, those that spell a stop string too, without an end token */
    int tokens;
    int prompt_tokens; /* the start token before the prompt included */
    gr_finish finish;
    int stop;              /* which stop string was met; -1: none */
    double prompt_seconds; /* for reading the prompt */
    double seconds;        /* for all after it */
    double tokens_per_s;   /* new tokens read again, over seconds; NaN when there was none */
} gr_completion;

/* Continues a prompt, which stands behind the start token as documents do in training (it may be empty if the tokenizer
 * has one; any bytes are taken). The decoder is restarted first and can be used for any number of prompts; the text is
 * the same whatever it read before. On failure *out is empty. Errors: GR_ERR_USAGE for options out of range, an empty
 * stop string, no prompt, a tokenizer that is not the model's; those of gr_tokenizer_encode; GR_ERR_NUMERIC for logits
 * that are not finite; GR_ERR_MEMORY. */
gr_status gr_complete(gr_completion *out, gr_decoder *decoder, const gr_tokenizer *tokenizer, const char *prompt,
                      size_t length, const gr_complete_def *def, gr_error *err);
void gr_completion_free(gr_completion *completion); /* what it holds */

#ifdef __cplusplus
}
#endif

#endif
