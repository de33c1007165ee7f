/* tokenizer_json_pieces.c - tokenizer.json of a vocabulary of pieces: which of the many steps it may name make
 * SentencePiece's encoding.
 *
 * The same encoding is written in two ways: by a normalizer that puts a space in front and writes spaces as marks, or
 * by a pre_tokenizer of the type Metaspace. Both become the same gr__piece_rules. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "text/tokenizer_json.h"

#define HINT_STEPS "accepted is what Llama-2 has: a space in front, spaces as " GR__SPACE_MARK ", single bytes"

/* Whether a JSON value is this string. */
static bool is_text(const json_t *value, const char *text) {
    const char *have = json_string_value(value);
    return have && !strcmp(have, text);
}

/* A Replace of one string by another. */
static bool replaces(const json_t *step, const char *from, const char *to) {
    return gr__vocab_has_type(step, "Replace") && is_text(json_object_get(step, "content"), to) &&
           is_text(json_object_get(json_object_get(step, "pattern"), "String"), from);
}

/* Step i of a Sequence whose list has this name, or the step itself for i = 0; NULL past the end. */
static const json_t *step_at(const json_t *value, const char *list, size_t i) {
    if (gr__vocab_has_type(value, "Sequence"))
        return json_array_get(json_object_get(value, list), i);
    return i || !json_is_object(value) ? NULL : value;
}

/* Byte-level vocabularies say so in their decoder; one of pieces has single-byte tokens, Metaspace or a normalizer. */
bool gr__vocab_is_pieces(const gr__vocab_reader *r) {
    const json_t *decoder = json_object_get(r->root, "decoder");
    return !gr__vocab_has_type(decoder, "ByteLevel") &&
           (json_is_true(json_object_get(json_object_get(r->root, "model"), "byte_fallback")) ||
            gr__vocab_has_type(json_object_get(r->root, "pre_tokenizer"), "Metaspace") ||
            json_is_object(json_object_get(r->root, "normalizer")));
}

/* ---- normalizer and pre_tokenizer ---- */

/* Steps before merging: spaces become marks, and one may be put in front. *marks: the normalizer writes spaces as
 * marks. */
static gr_status read_normalizer(gr__vocab_reader *r, bool *marks) {
    const json_t *value = json_object_get(r->root, "normalizer"), *step;
    *marks = false;
    if (value && !json_is_null(value) && !step_at(value, "normalizers", 0))
        return gr__vocab_fail(r, "normalizer", HINT_STEPS, "not a step nor a Sequence of steps");

    /* Two kinds of step are known, the second one once. */
    for (size_t i = 0; (step = step_at(value, "normalizers", i)); i++) {
        if (replaces(step, " ", GR__SPACE_MARK))
            *marks = true;
        else if (gr__vocab_has_type(step, "Prepend") && is_text(json_object_get(step, "prepend"), GR__SPACE_MARK) &&
                 r->rules.prefix == GR__PREFIX_NONE)
            r->rules.prefix = GR__PREFIX_ALWAYS;
        else
            return gr__vocab_fail(r, "normalizer", HINT_STEPS, "step %zu is not supported", i);
    }
    return GR_OK;
}

/* When Metaspace puts a space in front: by its scheme, or by the switch that older files have instead. */
static gr_status read_scheme(gr__vocab_reader *r, const json_t *step, const char *where, gr__prefix *prefix) {
    static const char *const words[] = {"never", "always", "first"};
    const json_t *scheme = json_object_get(step, "prepend_scheme"), *old = json_object_get(step, "add_prefix_space");
    if (!is_text(json_object_get(step, "replacement"), GR__SPACE_MARK))
        return gr__vocab_fail(r, where, HINT_STEPS, "the replacement of Metaspace is not " GR__SPACE_MARK);

    /* The words are in the order of gr__prefix. */
    *prefix = json_is_false(old) ? GR__PREFIX_NONE : GR__PREFIX_ALWAYS;
    for (int i = 0; i < 3; i++)
        if (is_text(scheme, words[i])) {
            *prefix = (gr__prefix)i;
            return GR_OK;
        }
    return scheme ? gr__vocab_fail(r, where, "accepted: never, always, first", "unknown prepend_scheme") : GR_OK;
}

/* Metaspace splits a text into words, unless it says otherwise, and puts a space in front only where there is none. */
static gr_status read_metaspace(gr__vocab_reader *r, const json_t *step) {
    if (r->rules.prefix != GR__PREFIX_NONE)
        return gr__vocab_fail(r, "normalizer", HINT_STEPS, "Prepend and Metaspace both put a space in front");
    GR_TRY(read_scheme(r, step, "pre_tokenizer", &r->rules.prefix));
    r->rules.words = !json_is_false(json_object_get(step, "split"));
    r->rules.prefix_missing = r->rules.prefix != GR__PREFIX_NONE;
    return GR_OK;
}

/* ---- decoder ---- */

/* What decoding does with the space in front. Other steps of a decoder undo what the normalizer does, which decoding
 * does anyway. */
static gr_status read_decoder(gr__vocab_reader *r) {
    const json_t *value = json_object_get(r->root, "decoder"), *step;
    if (!step_at(value, "decoders", 0))
        return gr__vocab_fail(r, "decoder", HINT_STEPS, "not a step nor a Sequence of steps");
    for (size_t i = 0; (step = step_at(value, "decoders", i)); i++) {
        const json_t *start = json_object_get(step, "start");
        gr__prefix prefix = GR__PREFIX_NONE;
        if (gr__vocab_has_type(step, "ByteFallback") || gr__vocab_has_type(step, "Fuse") ||
            replaces(step, GR__SPACE_MARK, " "))
            continue;

        /* Metaspace and Strip take the space away again. */
        if (gr__vocab_has_type(step, "Metaspace"))
            GR_TRY(read_scheme(r, step, "decoder", &prefix));
        else if (gr__vocab_has_type(step, "Strip") && is_text(json_object_get(step, "content"), " ") &&
                 json_integer_value(json_object_get(step, "stop")) == 0 && json_is_integer(start) &&
                 json_integer_value(start) >= 0 && json_integer_value(start) <= 1)
            prefix = json_integer_value(start) ? GR__PREFIX_ALWAYS : GR__PREFIX_NONE;
        else
            return gr__vocab_fail(r, "decoder", HINT_STEPS, "step %zu is not supported", i);
        r->rules.strip |= prefix != GR__PREFIX_NONE;
    }
    return GR_OK;
}

gr_status gr__vocab_rules(gr__vocab_reader *r) {
    const json_t *model = json_object_get(r->root, "model"), *pre = json_object_get(r->root, "pre_tokenizer");
    bool marks;
    r->rules.fuse_unknown = json_is_true(json_object_get(model, "fuse_unk"));
    r->byte_tokens = json_is_true(json_object_get(model, "byte_fallback"));

    /* Something must write spaces as marks: without it tokens that begin with a mark would match no text. */
    GR_TRY(read_normalizer(r, &marks));
    if (gr__vocab_has_type(pre, "Metaspace"))
        GR_TRY(read_metaspace(r, pre));
    else if (pre && !json_is_null(pre))
        return gr__vocab_fail(r, "pre_tokenizer", "accepted: null or Metaspace", "not supported with pieces");
    else if (!marks)
        return gr__vocab_fail(r, "normalizer", HINT_STEPS, "nothing writes spaces as " GR__SPACE_MARK);
    return read_decoder(r);
}

/* ---- tokens ---- */

int gr__vocab_piece_kind(const gr__vocab_reader *r, const char *key) {
    return r->byte_tokens && gr__byte_name(key, strlen(key)) >= 0 ? GR__TOKEN_BYTE : GR__TOKEN_PLAIN;
}

size_t gr__vocab_unspell_piece(char *bytes, const char *key, int kind) {
    const size_t mark = strlen(GR__SPACE_MARK);
    size_t n = 0;
    if (kind == GR__TOKEN_BYTE) {
        bytes[0] = (char)gr__byte_name(key, strlen(key));
        return 1;
    }

    /* Marks become spaces, everything else stays. */
    while (*key) {
        bool space = !strncmp(key, GR__SPACE_MARK, mark);
        bytes[n++] = *key;
        if (space)
            bytes[n - 1] = ' ';
        key += space ? mark : 1;
    }
    return n;
}

/* ---- extras ---- */

/* Scores by id, which the merges then follow from. */
static gr_status read_scores(gr__vocab_reader *r, gr_tokenizer *tok, const json_t *list) {
    if (json_array_size(list) != tok->count)
        return gr__vocab_fail(r, "model.scores", "a list with a number for each token", "%zu scores for %zu tokens",
                              json_array_size(list), tok->count);
    float *scores = gr_alloc(tok->count * sizeof *scores);
    gr_status status = GR_OK;
    for (size_t i = 0; i < tok->count && status == GR_OK; i++) {
        const json_t *value = json_array_get(list, i);
        scores[i] = (float)json_number_value(value);
        if (!json_is_number(value) || !isfinite(scores[i]))
            status = gr__vocab_fail(r, "model.scores", NULL, "the score of token %zu is not a finite number", i);
    }
    if (status == GR_OK)
        gr__tokenizer_score(tok, scores);
    gr_free(scores);
    return status;
}

/* The id of a token by what the file writes for it, or -1. */
static int id_of(const gr__vocab_reader *r, const json_t *text) {
    const char *key = json_string_value(text);
    if (!key)
        return -1;
    for (size_t i = 0; i < r->count; i++)
        if (!strcmp(r->keys[i], key))
            return (int)i;
    return -1;
}

gr_status gr__vocab_extras(gr__vocab_reader *r, gr_tokenizer *tok) {
    const json_t *model = json_object_get(r->root, "model"), *document = json_object_get(model, "document"),
                 *unknown = json_object_get(model, "unk_token"), *scores = json_object_get(model, "scores");

    /* Not part of the format, but written by gr_tokenizer_save where the names of special tokens do not tell. */
    if (document) {
        tok->start = id_of(r, json_array_get(document, 0));
        tok->end = id_of(r, json_array_get(document, 1));
        if (json_array_size(document) != 2 || tok->start < 0 || tok->end < 0)
            return gr__vocab_fail(r, "model.document", "[start, end]", "not two tokens of the vocabulary");
    }
    if (!r->pieces)
        return GR_OK;
    if (unknown && !json_is_null(unknown) && (tok->unknown = id_of(r, unknown)) < 0)
        return gr__vocab_fail(r, "model.unk_token", NULL, "not a token of the vocabulary");
    return scores ? read_scores(r, tok, scores) : GR_OK;
}
