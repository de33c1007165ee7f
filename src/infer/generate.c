#include "gradroute/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

gr_generate_def gr_generate_default(void) {
    return (gr_generate_def){.tokens = 40, .context = 128, .seed = 1, .stop = -1};
}

typedef struct choice {
    double p;
    int id;
} choice;

static int by_likelihood(const void *a, const void *b) {
    const choice *x = a, *y = b;
    return x->p != y->p ? (x->p < y->p) - (x->p > y->p) : (x->id > y->id) - (x->id < y->id);
}

/* The next token, or -1 where a logit is not finite. list has room for vocab. */
static int pick(choice *list, const gr_real *logits, int vocab, const gr_generate_def *def, int index) {
    for (int i = 0; i < vocab; i++) {
        if (!isfinite((double)logits[i]))
            return -1;
        list[i] = (choice){(double)logits[i], i};
    }
    qsort(list, (size_t)vocab, sizeof *list, by_likelihood);
    if (def->temperature == 0)
        return list[0].id;
    int k = def->top_k > 0 && def->top_k < vocab ? def->top_k : vocab;
    double most = list[0].p, sum = 0;
    for (int i = 0; i < k; i++)
        sum += list[i].p = exp((list[i].p - most) / def->temperature);
    double u = sum * gr_random_uniform((gr_key){def->seed, GR_STREAM_SAMPLE, 0}, (uint64_t)index, 0);
    for (int i = 0; i < k; i++)
        if ((u -= list[i].p) < 0)
            return list[i].id;
    return list[k - 1].id;
}

static gr_status check(const gr_model *model, const int32_t *prompt, int count, const gr_generate_def *def, int vocab,
                       gr_error *err) {
    if (gr_model_output(model, "logits") == GR_NONE)
        return gr_error_set(err, GR_ERR_USAGE, "model", NULL, "it has no output named logits");
    if (count < 1)
        return gr_error_set(err, GR_ERR_USAGE, "prompt", "start with the end-of-text token", "it has no tokens");
    for (int i = 0; i < count; i++)
        if (prompt[i] < 0 || prompt[i] >= vocab)
            return gr_error_set(err, GR_ERR_USAGE, "prompt", "use the tokenizer that the model was trained with",
                                "token %d is outside the vocabulary of %d", prompt[i], vocab);
    if (def->tokens < 0 || def->context < 1 || !(def->temperature >= 0) || def->top_k < 0)
        return gr_error_set(err, GR_ERR_USAGE, "generate", NULL, "tokens %d, context %d, temperature %g, top_k %d",
                            def->tokens, def->context, def->temperature, def->top_k);
    return GR_OK;
}

gr_status gr_generate(gr_model *model, const gr_tables *tables, int32_t *out, int *count, const int32_t *prompt,
                      int prompt_count, const gr_generate_def *def, gr_error *err) {
    int vocab = gr_model_width(model, gr_model_output(model, "logits")), stride;
    *count = 0;
    GR_TRY(check(model, prompt, prompt_count, def, vocab, err));
    gr_run *run;
    GR_TRY(gr_run_new(&run, model, tables, &(gr_run_def){.rows = def->context}, err));
    size_t most = (size_t)prompt_count + (size_t)def->tokens;
    int32_t *ids = gr_alloc(most * sizeof *ids);
    choice *list = gr_alloc((size_t)vocab * sizeof *list);
    memcpy(ids, prompt, (size_t)prompt_count * sizeof *ids);
    gr_status status = GR_OK;
    for (int n = prompt_count; *count < def->tokens; n++) {
        int rows = n < def->context ? n : def->context;
        gr_run_forward(run, &(gr_batch){.rows = rows, .ids = ids + n - rows, .denominator = 1});
        const gr_real *logits = gr_run_value(run, gr_model_output(model, "logits"), &stride);
        int next = pick(list, logits + (size_t)(rows - 1) * (size_t)stride, vocab, def, *count);
        if (next < 0)
            status = gr_error_set(err, GR_ERR_NUMERIC, "generate", "the model is damaged or diverged while training",
                                  "logits after %d tokens are not finite", n);
        if (next < 0 || next == def->stop)
            break;
        ids[n] = out[(*count)++] = next;
    }
    gr_free(ids);
    gr_free(list);
    gr_run_free(run);
    return status;
}
