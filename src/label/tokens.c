/* tokens.c - labels of single tokens, whatever the text around them. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "label/labelling.h"

/* "a" + "b": what a text that is no single token is cut into. */
static void spell(char *hint, size_t size, const gr_tokenizer *tokenizer, const char *text) {
    int32_t *ids = NULL;
    size_t count = 0, capacity = 0, length, used;
    used = (size_t)snprintf(hint, size, "%s", "with words and per: token whole words are found; its tokens are");

    /* What the text is cut into, as many tokens as the hint holds. */
    if (gr_tokenizer_encode(tokenizer, &ids, &count, &capacity, text, strlen(text), NULL) == GR_OK)
        for (size_t i = 0; i < count && used < size; i++) {
            const char *bytes = gr_tokenizer_token(tokenizer, ids[i], &length);
            used += (size_t)snprintf(hint + used, size - used, " \"%.*s\"", (int)length, bytes);
        }
    gr_free(ids);
}

/* A table by token: whether it is one of the label's. */
static gr_status open_tokens(gr__label_draft *label, gr__labelling *m, gr_error *err) {
    const gr_label_arg *tokens = &label->arg[0];
    GR_TRY(gr__label_need_text(m, label, err));

    /* Other units would need text around the token, which this source does not look at. */
    if (label->def->per != GR_PER_TOKEN)
        return gr_error_set(err, GR_ERR_USAGE, label->def->name, "per: token",
                            "the label goes by tokens, and is not per token");

    /* A text is the token that spells it byte for byte; the end token spells nothing. */
    bool *of = label->state = gr_alloc((size_t)m->data->vocab * sizeof *of); /* [vocab] the token is one of tokens */
    for (int i = 0; i < tokens->count; i++) {
        const char *text = tokens->texts[i];
        bool found = false;
        for (int32_t v = 0; v < m->data->vocab && !found; v++) {
            size_t length = 0;
            const char *bytes = gr_tokenizer_token(m->tokenizer, v, &length);
            found = bytes && v != m->data->eot && length == strlen(text) && memcmp(bytes, text, length) == 0;
            of[v] |= found;
        }
        if (!found) {
            char hint[400];
            spell(hint, sizeof hint, m->tokenizer, text);
            return gr_error_set(err, GR_ERR_USAGE, label->def->name, hint, "the tokenizer has no token \"%.100s\"",
                                text);
        }
    }
    return GR_OK;
}

/* Token by token; the end token, the last position, is of no label. */
static gr_status score(gr__label_draft *label, gr__labelling *m, size_t doc, size_t positions, gr_error *err) {
    (void)err;
    const bool *of = label->state;
    for (size_t i = 0; i + 1 < positions; i++)
        label->score[i] = of[m->data->ids[m->data->offsets[doc] + i]];
    return GR_OK;
}

/* The error of a label whose tokens occur nowhere. */
static gr_status error_if_empty(const gr__label_draft *label, gr_error *err) {
    return gr_error_set(err, GR_ERR_USAGE, label->def->name, "name tokens that the data have",
                        "no document has any of the label's %d %s", label->arg[0].count,
                        gr__plural(label->arg[0].count, "token", "tokens"));
}

const gr__label_source gr__label_by_tokens = {
    .arg = {{.key = "tokens", .kind = GR__ARG_TEXTS}},
    .form = "tokens: [TEXT, ...]",
    .example = "tokens: [\" tree\", \" oak\"]",
    .unit = GR__UNIT_TOKEN,
    .open = open_tokens,
    .close = gr_free,
    .score = score,
    .error_if_empty = error_if_empty,
};
