/* Continuing text in tokens: the loop that everything else goes through (gr__continue), and the plainest use of it. */
#include "base/clock.h"
#include "base/mem.h"
#include "infer/continuation.h"
#include "infer/pick.h"

gr_generate_def gr_generate_default(void) {
    return (gr_generate_def){.tokens = 40, .context = 128, .top_p = 1, .seed = 1, .stop = -1};
}

/* Counts first, then what narrows the choice. A comparison that NaN fails refuses NaN as well. */
gr_status gr__generate_check(const gr_generate_def *def, gr_error *err) {
    if (def->tokens < 0)
        return gr_error_set(err, GR_ERR_USAGE, "generate", NULL, "tokens %d", def->tokens);
    if (!(def->temperature >= 0))
        return gr_error_set(err, GR_ERR_USAGE, "generate", "0 takes the most likely token, 1 draws as the model says",
                            "temperature %g", def->temperature);
    if (def->top_k < 0)
        return gr_error_set(err, GR_ERR_USAGE, "generate", "0 draws among all", "top_k %d", def->top_k);
    if (!(def->top_p > 0 && def->top_p <= 1))
        return gr_error_set(err, GR_ERR_USAGE, "generate", "a share above 0; 1 draws among all", "top_p %g",
                            def->top_p);
    if (!(def->min_p >= 0 && def->min_p <= 1))
        return gr_error_set(err, GR_ERR_USAGE, "generate",
                            "a share of the most likely token's chance; 0 draws among all", "min_p %g", def->min_p);
    return GR_OK;
}

/* Chooses tokens until there are enough, an end token comes or the taker has had enough. logits are those behind the
 * prompt. */
static gr_status loop(gr__continuation *g, gr__candidate *list, const gr_real *logits, int prompt_count,
                      gr_error *err) {
    const gr_generate_def *def = g->def;
    const int vocab = gr_decoder_vocab(g->decoder);
    g->finish = GR_FINISH_LENGTH;
    while (g->tokens < def->tokens) {
        /* An end token is not handed over. */
        int32_t next = gr__pick(list, logits, vocab, def, g->tokens);
        if (next < 0)
            return gr_error_set(err, GR_ERR_NUMERIC, "generate", "the model is damaged or diverged while training",
                                "logits after %d tokens are not finite", prompt_count + g->tokens);
        if (next == def->stop || next == g->end) {
            g->finish = GR_FINISH_END;
            break;
        }

        g->tokens++;
        if (!g->take(g->user, next)) {
            g->finish = GR_FINISH_CALLER;
            break;
        }

        /* What follows the last token is not needed. */
        if (g->tokens < def->tokens) {
            GR_TRY(gr_decoder_read(g->decoder, &logits, &next, 1, err));
            g->reads++;
        }
    }
    return GR_OK;
}

gr_status gr__continue(gr__continuation *g, const int32_t *prompt, int prompt_count, gr_error *err) {
    /* Reading the prompt and writing are timed apart. */
    const gr_real *logits;
    const double start = gr__now();
    gr_decoder_restart(g->decoder);
    GR_TRY(gr_decoder_read(g->decoder, &logits, prompt, prompt_count, err));

    const double read = gr__now();
    gr__candidate *list = gr_alloc((size_t)gr_decoder_vocab(g->decoder) * sizeof *list);
    gr_status status = loop(g, list, logits, prompt_count, err);
    gr_free(list);

    g->prompt_seconds = read - start;
    g->seconds = gr__now() - read;
    return status;
}

/* ---- tokens alone ---- */

/* Where gr_generate collects them. */
typedef struct ids {
    int32_t *out;
    int count;
} ids;

/* Fits gr__continuation: the token goes to the caller's list. */
static bool keep(void *user, int32_t token) {
    ids *to = user;
    to->out[to->count++] = token;
    return true;
}

gr_status gr_generate(gr_model *model, const gr_tables *tables, int32_t *out, int *count, const int32_t *prompt,
                      int prompt_count, const gr_generate_def *def, gr_error *err) {
    *count = 0;
    GR_TRY(gr__generate_check(def, err));
    if (def->context < 1)
        return gr_error_set(err, GR_ERR_USAGE, "generate", NULL, "context %d", def->context);

    /* A window that never fills needs no more room than the text. */
    const int64_t text = (int64_t)(prompt_count > 0 ? prompt_count : 1) + def->tokens;
    gr_decoder_def own = {.context = text < def->context ? (int)text : def->context, .precision = def->precision};
    gr_decoder *decoder;
    GR_TRY(gr_decoder_new(&decoder, model, tables, &own, err));

    /* Every token is kept; those that would end a text are the def's to name. */
    ids to = {.out = out};
    gr__continuation g = {.decoder = decoder, .def = def, .end = -1, .take = keep, .user = &to};
    gr_status status = gr__continue(&g, prompt, prompt_count, err);

    *count = to.count;
    gr_decoder_free(decoder);
    return status;
}
