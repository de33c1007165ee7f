#include "gradroute/infer.h"

#include "base/mem.h"
#include "infer/pick.h"

gr_generate_def gr_generate_default(void) {
    return (gr_generate_def){.tokens = 40, .context = 128, .seed = 1, .stop = -1};
}

static gr_status check(const gr_generate_def *def, gr_error *err) {
    if (def->tokens < 0 || def->context < 1 || !(def->temperature >= 0) || def->top_k < 0)
        return gr_error_set(err, GR_ERR_USAGE, "generate", NULL, "tokens %d, context %d, temperature %g, top_k %d",
                            def->tokens, def->context, def->temperature, def->top_k);
    return GR_OK;
}

static gr_status go_on(gr_decoder *decoder, gr__choice *list, int32_t *out, int *count, const int32_t *prompt,
                       int prompt_count, int vocab, const gr_generate_def *def, gr_error *err) {
    const gr_real *logits;
    GR_TRY(gr_decoder_read(decoder, &logits, prompt, prompt_count, err));
    while (*count < def->tokens) {
        int next = gr__pick(list, logits, vocab, def, *count);
        if (next < 0)
            return gr_error_set(err, GR_ERR_NUMERIC, "generate", "the model is damaged or diverged while training",
                                "logits after %d tokens are not finite", prompt_count + *count);
        if (next == def->stop)
            break;
        out[(*count)++] = next;
        if (*count < def->tokens)
            GR_TRY(gr_decoder_read(decoder, &logits, &next, 1, err));
    }
    return GR_OK;
}

gr_status gr_generate(gr_model *model, const gr_tables *tables, int32_t *out, int *count, const int32_t *prompt,
                      int prompt_count, const gr_generate_def *def, gr_error *err) {
    const int vocab = gr_model_width(model, gr_model_output(model, "logits"));
    *count = 0;
    GR_TRY(check(def, err));
    /* A window that never fills needs no more room than the text. */
    const int64_t text = (int64_t)(prompt_count > 0 ? prompt_count : 1) + def->tokens;
    gr_decoder_def own = {.context = text < def->context ? (int)text : def->context, .precision = def->precision};
    gr_decoder *decoder;
    GR_TRY(gr_decoder_new(&decoder, model, tables, &own, err));
    gr__choice *list = gr_alloc((size_t)vocab * sizeof *list);
    gr_status status = go_on(decoder, list, out, count, prompt, prompt_count, vocab, def, err);
    gr_free(list);
    gr_decoder_free(decoder);
    return status;
}
