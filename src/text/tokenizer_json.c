/* tokenizer_json.c - reads tokenizer.json, the format of Hugging Face's tokenizers.
 *
 * The file lists steps that a text goes through; only those of plain byte-level BPE and of SentencePiece are accepted,
 * and everything else is refused by name rather than passed over. Byte-level tokens are spelled as text there: each
 * byte is one printable character (gr__byte_order), so that a token of any bytes is a JSON string without spaces. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/foreign.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "text/tokenizer_json.h"

/* ---- reading ---- */

typedef gr__vocab_reader reader;
#define fail gr__vocab_fail
#define has_type gr__vocab_has_type

/* An error of the file, at the path of a member in it. */
gr_status gr__vocab_fail(reader *r, const char *where, const char *hint, const char *format, ...) {
    char place[256], message[256];
    va_list list;
    va_start(list, format);
    gr__vprint(message, sizeof message, format, list);
    va_end(list);
    snprintf(place, sizeof place, "%.180s: %s", r->place, where);
    return gr_error_set(r->err, GR_ERR_FORMAT, place, hint, "%s", message);
}

/* Missing, null, false, 0 and "" all say that an option is not used. */
static bool is_off(const json_t *value) {
    return !value || json_is_null(value) || json_is_false(value) ||
           (json_is_string(value) && !json_string_length(value)) ||
           (json_is_number(value) && json_number_value(value) == 0);
}

/* Whether a step is of a type. */
bool gr__vocab_has_type(const json_t *object, const char *type) {
    const char *text = json_string_value(json_object_get(object, "type"));
    return text && !strcmp(text, type);
}

/* Refuses a member that switches something on that is not supported. */
static gr_status check_off(reader *r, const json_t *object, const char *where, const char *key) {
    char at[64];
    snprintf(at, sizeof at, "%s%s%s", where, *where ? "." : "", key);
    if (!is_off(json_object_get(object, key)))
        return fail(r, at, "only plain byte-level BPE is read: leave it out or null", "%s is not supported", key);
    return GR_OK;
}

/* The step that turns bytes into characters; it may also split the text, once. */
static gr_status check_byte_level(reader *r, const json_t *step, const char *where, bool use_regex) {
    if (!has_type(step, "ByteLevel"))
        return fail(r, where, "accepted: ByteLevel, or a Sequence of Split and ByteLevel", "no ByteLevel step");
    GR_TRY(check_off(r, step, where, "add_prefix_space"));
    const json_t *regex = json_object_get(step, "use_regex");
    if ((!regex || json_is_true(regex)) != use_regex)
        return fail(r, where, "alone it needs use_regex true, after a Split it needs use_regex false",
                    "use_regex does not fit");
    return GR_OK;
}

/* *pattern becomes NULL for the built-in one. */
static gr_status read_pattern(reader *r, const char **pattern) {
    const json_t *pre = json_object_get(r->root, "pre_tokenizer");
    *pattern = NULL;
    r->matches_only = false;
    if (!has_type(pre, "Sequence"))
        return check_byte_level(r, pre, "pre_tokenizer", true);

    /* Otherwise a Split with a pattern of its own, then ByteLevel. */
    const json_t *steps = json_object_get(pre, "pretokenizers"), *split = json_array_get(steps, 0);
    if (json_array_size(steps) != 2 || !has_type(split, "Split"))
        return fail(r, "pre_tokenizer.pretokenizers", "accepted: a Sequence of one Split and ByteLevel",
                    "not one Split and ByteLevel but %zu steps", json_array_size(steps));
    *pattern = json_string_value(json_object_get(json_object_get(split, "pattern"), "Regex"));
    if (!*pattern)
        return fail(r, "pre_tokenizer.pretokenizers[0].pattern", "accepted: {\"Regex\": \"...\"}",
                    "the pattern is not a regular expression");

    /* Two of Split's behaviours cut as gr__split does: what matches and what lies between are pieces, or what matches
     * alone. */
    const char *behavior = json_string_value(json_object_get(split, "behavior"));
    r->matches_only = behavior && !strcmp(behavior, "Removed") && json_is_true(json_object_get(split, "invert"));
    if (!behavior || (strcmp(behavior, "Isolated") != 0 && !r->matches_only))
        return fail(r, "pre_tokenizer.pretokenizers[0].behavior", "accepted: Isolated, or Removed with invert true",
                    "the behavior %.40s is not supported", behavior ? behavior : "(missing)");
    return check_byte_level(r, json_array_get(steps, 1), "pre_tokenizer.pretokenizers[1]", false);
}

/* What must hold of the file apart from its tokens; the rules of a vocabulary of pieces are read here. */
static gr_status check_options(reader *r) {
    static const char *const unused[] = {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges"};
    const json_t *model = json_object_get(r->root, "model");
    if (!has_type(model, "BPE"))
        return fail(r, "model.type", "only the model type BPE is read", "not a BPE model");
    for (size_t i = 0; i < sizeof unused / sizeof *unused; i++)
        GR_TRY(check_off(r, model, "model", unused[i]));

    /* Pieces and bytes have different steps around them. */
    r->pieces = gr__vocab_is_pieces(r);
    if (r->pieces)
        return gr__vocab_rules(r);
    GR_TRY(check_off(r, r->root, "", "normalizer"));
    if (!has_type(json_object_get(r->root, "decoder"), "ByteLevel"))
        return fail(r, "decoder", "byte-level BPE has ByteLevel, pieces have byte_fallback",
                    "the decoder is not ByteLevel");
    return GR_OK;
}

/* Gives an id to a key; each id may be taken once. */
static gr_status take_id(reader *r, const char *where, const char *key, const json_t *id, size_t room, int kind) {
    json_int_t n = json_integer_value(id);
    if (!json_is_integer(id) || n < 0 || (size_t)n >= room)
        return fail(r, where, "ids are 0..n-1, without a gap", "the token \"%.60s\" has no id below %zu", key, room);
    if (!*key)
        return fail(r, where, "every token spells at least one byte", "the token %zu is empty", (size_t)n);
    if (r->keys[n])
        return fail(r, where, "each id belongs to one token", "the tokens \"%.60s\" and \"%.60s\" have the same id %zu",
                    r->keys[n], key, (size_t)n);
    r->keys[n] = key;
    r->kinds[n] = (uint8_t)kind;
    r->count++;
    return GR_OK;
}

/* How an added token is found (GR__FIND_), and whether it can be found that way here. A token with `normalized` is
 * looked for in the text behind the normalizer; where there is one, that is another text, and not supported. */
static gr_status read_find(reader *r, const char *where, const json_t *token, uint8_t *find) {
    const char *content = json_string_value(json_object_get(token, "content"));
    bool later = json_is_true(json_object_get(token, "normalized")),
         special = json_is_true(json_object_get(token, "special")),
         normalizer = json_is_object(json_object_get(r->root, "normalizer"));
    *find =
        (uint8_t)((json_is_true(json_object_get(token, "lstrip")) ? GR__FIND_LEFT : 0) |
                  (json_is_true(json_object_get(token, "rstrip")) ? GR__FIND_RIGHT : 0) | (later ? GR__FIND_LATER : 0));

    if (json_is_true(json_object_get(token, "single_word")))
        return fail(r, where, "accepted: false", "single_word of \"%.60s\" is not supported", content);
    if (special && later && normalizer)
        r->special_apart = true;
    else if (later && normalizer)
        return fail(r, where, "accepted with a normalizer: normalized false",
                    "\"%.60s\" is looked for in normalized text, which is not supported", content);
    if (!special && r->pieces && strstr(content, GR__SPACE_MARK))
        return fail(r, where, "leave it to model.vocab alone",
                    "\"%.60s\" is looked for as it is written, with the mark that stands for a space", content);
    return GR_OK;
}

/* Tokens that are listed apart: each is in the vocabulary too, with the same id, or gets an id here. */
static gr_status read_added(reader *r, const json_t *added, size_t room) {
    for (size_t i = 0; i < json_array_size(added); i++) {
        char where[64];
        snprintf(where, sizeof where, "added_tokens[%zu]", i);
        const json_t *token = json_array_get(added, i), *id = json_object_get(token, "id");
        const char *content = json_string_value(json_object_get(token, "content"));
        if (!content)
            return fail(r, where, "an added token has an id and a content", "no content");

        /* A token of the vocabulary changes its kind; one that is not there takes its id. */
        int kind = json_is_true(json_object_get(token, "special")) ? GR__TOKEN_SPECIAL : GR__TOKEN_ADDED;
        const json_t *known = json_object_get(r->vocab, content);
        if (!known)
            GR_TRY(take_id(r, where, content, id, room, kind));
        else if (!json_equal(known, id))
            return fail(r, where, "both must have the same id", "\"%.60s\" has another id in model.vocab", content);
        else
            r->kinds[json_integer_value(known)] = (uint8_t)kind;
        GR_TRY(read_find(r, where, token, &r->finds[json_integer_value(id)]));
    }
    return GR_OK;
}

/* All tokens, by id: how they are written, their kinds, and how they are found. */
static gr_status read_tokens(reader *r) {
    json_t *added = json_object_get(r->root, "added_tokens");
    if (!json_is_object(r->vocab))
        return fail(r, "model.vocab", "an object from token to id", "not an object");
    if (added && !json_is_null(added) && !json_is_array(added))
        return fail(r, "added_tokens", "a list of objects", "not a list");

    /* No id can be larger than the number of tokens in both lists. */
    size_t room = json_object_size(r->vocab) + json_array_size(added);
    r->keys = gr_alloc(room * sizeof *r->keys);
    r->kinds = gr_alloc(room);
    r->finds = gr_alloc(room);

    /* The vocabulary itself, then what is listed apart. */
    const char *key;
    json_t *id;
    json_object_foreach(r->vocab, key, id) {
        int kind = r->pieces ? gr__vocab_piece_kind(r, key) : GR__TOKEN_PLAIN;
        if (r->pieces && strchr(key, ' '))
            return fail(r, "model.vocab", "spaces are written " GR__SPACE_MARK, "the token \"%.60s\" has a space", key);
        GR_TRY(take_id(r, "model.vocab", key, id, room, kind));
    }
    GR_TRY(read_added(r, added, room));

    /* With each id given once, a gap means that some token's id is too high. */
    for (size_t i = 0; i < r->count; i++)
        if (!r->keys[i])
            return fail(r, "model.vocab", "ids are 0..n-1, without a gap", "no token has the id %zu of %zu", i,
                        r->count);
    return GR_OK;
}

/* Turns a spelled token into its bytes, in place of the text; returns their number, 0 where a character is no byte. */
static size_t unspell(const reader *r, char *bytes, const char *key) {
    size_t n = 0;
    for (const uint8_t *c = (const uint8_t *)key; *c; c++) {
        /* The character: one byte, or two in UTF-8; longer ones spell no byte. */
        unsigned at = *c;
        if ((at & 0xe0) == 0xc0 && (c[1] & 0xc0) == 0x80)
            at = (at & 0x1f) << 6 | (*++c & 0x3f);
        else if (at >= 0x80)
            return 0;
        if (at >= GR__SPELL_MAX || r->byte_of[at] < 0)
            return 0;
        bytes[n++] = (char)r->byte_of[at];
    }
    return n;
}

/* Adds the tokens to the tokenizer, as the bytes that they stand for. */
static gr_status add_tokens(reader *r, gr_tokenizer *tok) {
    for (size_t i = 0; i < r->count; i++) {
        const char *key = r->keys[i];
        int kind = r->kinds[i];
        if (kind == GR__TOKEN_SPECIAL || kind == GR__TOKEN_ADDED) {
            gr__tokenizer_add(tok, key, strlen(key), kind);
            tok->tokens[i].find = r->finds[i];
            continue;
        }

        /* Others are spelled, in bytes or with marks for spaces. Their bytes are no more than their spelling. */
        char *bytes = gr_alloc(strlen(key));
        size_t n = r->pieces ? gr__vocab_unspell_piece(bytes, key, kind) : unspell(r, bytes, key);
        if (n)
            gr__tokenizer_add(tok, bytes, n, kind);
        gr_free(bytes);
        if (!n)
            return fail(r, "model.vocab", "byte-level tokens use 256 characters only; list others in added_tokens",
                        "the token \"%.60s\" (id %zu) is not spelled in bytes", key, i);
    }
    return GR_OK;
}

/* The id of a key in the vocabulary, or -1. */
static int32_t id_of(const reader *r, const char *key) {
    const json_t *id = json_object_get(r->vocab, key);
    return id ? (int32_t)json_integer_value(id) : -1;
}

/* Where a merge stands, for errors. */
static gr_status fail_merge(reader *r, size_t rank, const char *hint, const char *what) {
    char where[64];
    if (r->merges_place) {
        char place[GR__PLACE_SIZE];
        gr__place_text(place, r->merges_place, r->merges_line + rank, 0);
        return gr_error_set(r->err, GR_ERR_FORMAT, place, hint, "%s", what);
    }
    snprintf(where, sizeof where, "model.merges[%zu]", rank);
    return fail(r, where, hint, "%s", what);
}

/* Adds a merge of two tokens as the file writes them; the result is the token spelled by both together. */
static gr_status add_merge(reader *r, gr_tokenizer *tok, const char *left, const char *right, size_t rank) {
    if (!*left || !*right || strchr(left, ' ') || strchr(right, ' '))
        return fail_merge(r, rank, "written \"a b\" or [\"a\", \"b\"]; a space within a token is spelled \u0120",
                          "not two tokens");
    char *both = gr_format("%s%s", left, right), what[256];
    int32_t l = id_of(r, left), m = id_of(r, right), id = id_of(r, both);
    gr_free(both);
    snprintf(what, sizeof what, "the merge of \"%.60s\" and \"%.60s\" names a token that does not exist", left, right);
    if (l < 0 || m < 0 || id < 0)
        return fail_merge(r, rank, "both halves and the whole are tokens of model.vocab", what);
    gr__tokenizer_merge(tok, l, m, id);
    return GR_OK;
}

/* Merges stand in the order of their ranks, each as "a b" or as ["a", "b"]. */
static gr_status add_merges(reader *r, gr_tokenizer *tok) {
    const json_t *merges = json_object_get(json_object_get(r->root, "model"), "merges");
    if (!json_is_array(merges))
        return fail(r, "model.merges", "a list of merges", "not a list");
    for (size_t i = 0; i < json_array_size(merges); i++) {
        const json_t *merge = json_array_get(merges, i);
        const char *first = json_string_value(merge), *space = first ? strchr(first, ' ') : NULL;
        const char *a = json_string_value(json_array_get(merge, 0)), *b = json_string_value(json_array_get(merge, 1));
        if (space) {
            char *left = gr_format("%.*s", (int)(space - first), first);
            gr_status status = add_merge(r, tok, left, space + 1, i);
            gr_free(left);
            GR_TRY(status);
        } else {
            bool two = json_array_size(merge) == 2 && a && b;
            GR_TRY(add_merge(r, tok, two ? a : "", two ? b : "", i));
        }
    }
    return GR_OK;
}

/* Merges beside scores say the same in another way. */
static gr_status check_scores(reader *r, const gr_tokenizer *tok, const gr__merge *listed, size_t count) {
    bool same = count == tok->merges_count;
    for (size_t i = 0; i < count && same; i++)
        same = listed[i].left == tok->merges[i].left && listed[i].right == tok->merges[i].right;
    if (!same)
        return fail(r, "model.merges", "leave out scores to use the merges", "merges and scores do not agree");
    return GR_OK;
}

/* Adds everything to the tokenizer and seals it. */
static gr_status build(reader *r, gr_tokenizer *tok) {
    GR_TRY(add_tokens(r, tok));
    GR_TRY(gr__vocab_extras(r, tok));
    GR_TRY(add_merges(r, tok));
    if (!tok->scores)
        return gr__tokenizer_seal(tok, r->place, r->err);

    /* With scores the merges follow from these: the ones listed are set aside, and must be the same. */
    gr__merge *listed = tok->merges;
    size_t count = tok->merges_count;
    tok->merges = NULL;
    tok->merges_count = tok->merges_capacity = 0;
    gr_status status = gr__tokenizer_seal(tok, r->place, r->err);
    if (status == GR_OK)
        status = check_scores(r, tok, listed, count);
    gr_free(listed);
    return status;
}

/* The file from its root to the finished tokenizer. */
static gr_status read_root(reader *r, gr_tokenizer **out) {
    const char *pattern = NULL;
    if (!json_is_object(r->root))
        return fail(r, "1:1", "a tokenizer.json holds one object", "not an object");
    GR_TRY(check_options(r));
    if (!r->pieces)
        GR_TRY(read_pattern(r, &pattern));

    /* Tokens are known before a tokenizer is made of them. */
    r->vocab = json_object_get(json_object_get(r->root, "model"), "vocab");
    GR_TRY(read_tokens(r));
    gr_tokenizer *tok = NULL;
    if (r->pieces)
        tok = gr__tokenizer_new_pieces(&r->rules);
    else
        GR_TRY(gr__tokenizer_new(&tok, pattern, r->place, r->err));
    tok->matches_only = r->matches_only;
    tok->special_apart = r->special_apart;
    gr_status status = build(r, tok);
    if (status == GR_OK)
        *out = tok;
    else
        gr_tokenizer_free(tok);
    return status;
}

/* Some files say how texts are cut or filled up to one length; documents are neither. */
static void note_lengths(const reader *r) {
    static const char *const unused[] = {"truncation", "padding"};
    for (size_t i = 0; i < sizeof unused / sizeof *unused; i++)
        if (!is_off(json_object_get(r->root, unused[i])))
            gr_log_line(1, "note: %s: its %s is left out: texts are encoded whole", r->place, unused[i]);
}

gr_status gr__vocab_read(gr_tokenizer **out, json_t *root, const char *place, const char *merges_place,
                         size_t merges_line, gr_error *err) {
    reader r = {.place = place, .err = err, .root = root, .merges_place = merges_place, .merges_line = merges_line};
    uint8_t order[256];
    *out = NULL;

    /* The spelling of bytes, turned round: character to byte, -1 for characters that spell none. */
    gr__byte_order(order);
    memset(r.byte_of, -1, sizeof r.byte_of);
    for (int i = 0; i < 256; i++)
        r.byte_of[i < GR__BYTES_PRINTABLE ? order[i] : 256 + i - GR__BYTES_PRINTABLE] = order[i];
    gr_status status = read_root(&r, out);
    if (status == GR_OK)
        note_lengths(&r);
    gr_free(r.keys);
    gr_free(r.kinds);
    gr_free(r.finds);
    return status;
}
