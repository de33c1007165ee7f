/* infer.h - continuing text with a model, under a profile.
 *
 *     gr_generate_def def = gr_generate_default();      greedy, 40 tokens
 *     def.stop = gr_tokenizer_end(tokenizer);
 *     int32_t out[40];
 *     int n;
 *     GR_TRY(gr_generate(model, off, out, &n, prompt, prompt_count, &def, err));
 *
 * The whole prefix is computed again for every token: slow for long texts, and the reference for anything faster.
 */
#ifndef GRADROUTE_INFER_H
#define GRADROUTE_INFER_H

#include "gradroute/model.h"

typedef struct gr_generate_def {
    int tokens;         /* at most this many new ones */
    int context;        /* positions the model may see; older tokens fall out */
    double temperature; /* 0: the most likely token, ties to the smaller id; else softmax(logits / temperature) */
    int top_k;          /* draw among the k most likely; 0: among all */
    uint64_t seed;      /* of the draws: token i of a text is draw i */
    int stop;           /* a token that ends the text (not returned); -1: none */
} gr_generate_def;

/* 40 tokens, context 128, temperature 0, top_k 0, seed 1, no stop. */
gr_generate_def gr_generate_default(void);

/* Continues prompt[prompt_count] (at least one token) into out[def->tokens]; *count is how many. tables is a profile
 * whose class 0 every row uses, NULL: the model as it is. The model needs an output "logits". GR_ERR_USAGE: no prompt,
 * a token outside the vocabulary, options out of range; GR_ERR_NUMERIC: logits that are not finite. */
gr_status gr_generate(gr_model *model, const gr_tables *tables, int32_t *out, int *count, const int32_t *prompt,
                      int prompt_count, const gr_generate_def *def, gr_error *err);

#endif
