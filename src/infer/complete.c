/* Continuing text in characters: what tokens spell is held back while it may be a stop string or half a character.
 *
 * gr__continue (generate.c) chooses the tokens and hands each to take(), which adds the text that it spells, looks for
 * stop strings byte by byte, and shows the caller what is sure by now. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "infer/continuation.h"
#include "infer/stops.h"

gr_complete_def gr_complete_default(void) { return (gr_complete_def){.generate = gr_generate_default()}; }

/* A text while it is written. */
typedef struct writer {
    const gr_tokenizer *tokenizer;
    const gr_complete_def *def;
    gr_completion *out;
    gr__stops *stops;
    bool fresh;           /* the prompt is empty: the text begins with the first token */
    size_t room, id_room; /* capacities of out's text and ids */
    size_t scanned;       /* bytes that the stop strings have seen */
    size_t shown;         /* bytes handed over */
} writer;

/* Hands over the whole characters among the text's first `sure` bytes, all of them at the end of the text; a caller who
 * wants no more says false. */
static bool show(writer *w, size_t sure, bool all) {
    /* How far whole characters go. A byte that belongs to none counts as one. */
    size_t at = w->shown;
    while (at < sure) {
        int length = gr_utf8_next(w->out->text + at, sure - at);
        if (length < 0 && !all)
            break;
        at += length > 0 ? (size_t)length : 1;
    }

    const size_t from = w->shown;
    w->shown = at;
    return at == from || !w->def->show || w->def->show(w->def->user, w->out->text + from, at - from);
}

/* Takes the next token (gr__continuation.take); false ends the text behind it. */
static bool take(void *user, int32_t token) {
    writer *w = user;
    gr_completion *out = w->out;

    /* What the token spells. The first token of a document is spelled without the space that encoding puts in front
     * where tokens are pieces. */
    GR_PUSH(out->ids, out->tokens, w->id_room) = token;
    if (w->fresh && out->tokens == 1)
        gr_tokenizer_decode(w->tokenizer, &out->text, &out->length, &w->room, &token, 1);
    else
        gr_tokenizer_decode_on(w->tokenizer, &out->text, &out->length, &w->room, &token, 1);

    /* A stop string ends the text before itself. */
    while (w->scanned < out->length) {
        out->stop = gr__stops_next(w->stops, out->text[w->scanned++]);
        if (out->stop >= 0) {
            out->length = w->scanned - gr__stops_length(w->stops, out->stop);
            return false;
        }
    }

    /* What may yet become a stop string is not shown. */
    return show(w, out->length - gr__stops_held(w->stops), false);
}

/* A document starts behind a start token, as in training. */
static gr_status encode(int32_t **ids, size_t *count, const gr_tokenizer *tokenizer, const char *prompt, size_t length,
                        gr_error *err) {
    size_t capacity = 0;
    if (gr_tokenizer_start(tokenizer) >= 0)
        GR_PUSH(*ids, *count, capacity) = gr_tokenizer_start(tokenizer);
    GR_TRY(gr_tokenizer_encode(tokenizer, ids, count, &capacity, prompt, length, err));
    if (*count > INT32_MAX / 2)
        return gr_error_set(err, GR_ERR_USAGE, "prompt", NULL, "it has %zu tokens", *count);
    return GR_OK;
}

/* Writes the text behind the encoded prompt, and how it went. */
static gr_status write_text(writer *w, gr_decoder *decoder, const int32_t *prompt, size_t count, gr_error *err) {
    gr_completion *out = w->out;
    gr__continuation g = {
        .decoder = decoder, .def = &w->def->generate, .end = gr_tokenizer_end(w->tokenizer), .take = take, .user = w};

    GR_TRY(gr__continue(&g, prompt, (int)count, err));

    /* What was held back is part of the text after all, unless the caller wanted no more. A 0 goes behind it. */
    out->finish = out->stop >= 0 ? GR_FINISH_STOP : g.finish;
    if (out->finish != GR_FINISH_CALLER)
        show(w, out->length, true);
    GR_PUSH(out->text, out->length, w->room) = 0;
    out->length--;

    out->prompt_tokens = (int)count;
    out->prompt_seconds = g.prompt_seconds;
    out->seconds = g.seconds;
    out->tokens_per_s = g.reads > 0 && g.seconds > 0 ? g.reads / g.seconds : NAN;
    return GR_OK;
}

/* Refuses definitions that no text could be written by. */
static gr_status check(const gr_complete_def *def, gr_error *err) {
    GR_TRY(gr__generate_check(&def->generate, err));
    for (int i = 0; i < def->stops; i++)
        if (!*def->stop[i])
            return gr_error_set(err, GR_ERR_USAGE, "generate", "it would end every text at its start",
                                "stop string %d is empty", i + 1);
    return GR_OK;
}

gr_status gr_complete(gr_completion *out, gr_decoder *decoder, const gr_tokenizer *tokenizer, const char *prompt,
                      size_t length, const gr_complete_def *def, gr_error *err) {
    *out = (gr_completion){.stop = -1};
    GR_TRY(check(def, err));

    /* The prompt as tokens, then the text behind it. */
    int32_t *ids = NULL;
    size_t count = 0;
    writer w = {.tokenizer = tokenizer,
                .def = def,
                .out = out,
                .fresh = !length,
                .stops = gr__stops_new(def->stop, def->stops)};
    gr_status status = encode(&ids, &count, tokenizer, prompt, length, err);
    if (status == GR_OK)
        status = write_text(&w, decoder, ids, count, err);

    /* Half a text is none. */
    gr__stops_free(w.stops);
    gr_free(ids);
    if (status != GR_OK)
        gr_completion_free(out);
    return status;
}

void gr_completion_free(gr_completion *completion) {
    gr_free(completion->text);
    gr_free(completion->ids);
    *completion = (gr_completion){.stop = -1};
}

const char *gr_finish_name(gr_finish finish) {
    static const char *const names[] = {"length", "end", "stop", "caller"};
    return names[finish];
}
