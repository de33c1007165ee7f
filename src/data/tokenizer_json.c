/* tokenizer.json: the only place where tokens are spelled as text. Each byte is written as one printable character
 * (gr__byte_order), so that a token of any bytes is a JSON string without spaces. */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "data/reader.h"
#include "data/tokenizer.h"

enum {
    FILE_MAX = 512 << 20, /* bytes; so tokens and merges fit 32 bits */
    SPELL_MAX = 256 + 256 - GR__BYTES_PRINTABLE
};

void gr__byte_order(uint8_t order[256]) {
    int printable = 0, other = GR__BYTES_PRINTABLE;
    for (int b = 0; b < 256; b++) {
        bool shown = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b != 0xad);
        order[shown ? printable++ : other++] = (uint8_t)b;
    }
}

/* ---- reading ---- */

typedef struct reader {
    const char *place;
    gr_error *err;
    json_t *root, *vocab; /* borrowed */
    const char **keys;    /* id -> how the file writes the token, borrowed from root */
    uint8_t *kinds;       /* id -> GR__TOKEN_... */
    size_t count;
    int16_t byte_of[SPELL_MAX]; /* character -> byte or -1 */
} reader;

static gr_status fail(reader *r, const char *where, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static gr_status fail(reader *r, const char *where, const char *hint, const char *format, ...) {
    char place[256], message[256];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
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

static bool has_type(const json_t *object, const char *type) {
    const char *text = json_string_value(json_object_get(object, "type"));
    return text && !strcmp(text, type);
}

static gr_status check_off(reader *r, const json_t *object, const char *where, const char *key) {
    char at[64];
    snprintf(at, sizeof at, "%s%s%s", where, *where ? "." : "", key);
    if (!is_off(json_object_get(object, key)))
        return fail(r, at, "only plain byte-level BPE is read: leave it out or null", "%s is not supported", key);
    return GR_OK;
}

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
    if (!has_type(pre, "Sequence"))
        return check_byte_level(r, pre, "pre_tokenizer", true);
    const json_t *steps = json_object_get(pre, "pretokenizers"), *split = json_array_get(steps, 0);
    if (json_array_size(steps) != 2 || !has_type(split, "Split"))
        return fail(r, "pre_tokenizer.pretokenizers", "accepted: a Sequence of one Split and ByteLevel",
                    "not one Split and ByteLevel but %zu steps", json_array_size(steps));
    *pattern = json_string_value(json_object_get(json_object_get(split, "pattern"), "Regex"));
    if (!*pattern)
        return fail(r, "pre_tokenizer.pretokenizers[0].pattern", "accepted: {\"Regex\": \"...\"}",
                    "the pattern is not a regular expression");
    const char *behavior = json_string_value(json_object_get(split, "behavior"));
    bool removed = behavior && !strcmp(behavior, "Removed") && json_is_true(json_object_get(split, "invert"));
    if (!behavior || (strcmp(behavior, "Isolated") != 0 && !removed))
        return fail(r, "pre_tokenizer.pretokenizers[0].behavior", "accepted: Isolated, or Removed with invert true",
                    "the behavior %.40s is not supported", behavior ? behavior : "(missing)");
    return check_byte_level(r, json_array_get(steps, 1), "pre_tokenizer.pretokenizers[1]", false);
}

static gr_status check_options(reader *r) {
    static const char *const unused[] = {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges"};
    const json_t *model = json_object_get(r->root, "model");
    if (!has_type(model, "BPE"))
        return fail(r, "model.type", "only the model type BPE is read", "not a BPE model");
    for (size_t i = 0; i < sizeof unused / sizeof *unused; i++)
        GR_TRY(check_off(r, model, "model", unused[i]));
    GR_TRY(check_off(r, r->root, "", "normalizer"));
    if (!has_type(json_object_get(r->root, "decoder"), "ByteLevel"))
        return fail(r, "decoder", "only byte-level BPE is read", "the decoder is not ByteLevel");
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

static gr_status read_added(reader *r, const json_t *added, size_t room) {
    for (size_t i = 0; i < json_array_size(added); i++) {
        char where[64];
        snprintf(where, sizeof where, "added_tokens[%zu]", i);
        const json_t *token = json_array_get(added, i), *id = json_object_get(token, "id");
        const char *content = json_string_value(json_object_get(token, "content"));
        if (!content)
            return fail(r, where, "an added token has an id and a content", "no content");
        int kind = json_is_true(json_object_get(token, "special")) ? GR__TOKEN_SPECIAL : GR__TOKEN_ADDED;
        const json_t *known = json_object_get(r->vocab, content);
        if (!known)
            GR_TRY(take_id(r, where, content, id, room, kind));
        else if (!json_equal(known, id))
            return fail(r, where, "both must have the same id", "\"%.60s\" has another id in model.vocab", content);
        else
            r->kinds[json_integer_value(known)] = (uint8_t)kind;
    }
    return GR_OK;
}

static gr_status read_tokens(reader *r) {
    json_t *added = json_object_get(r->root, "added_tokens");
    if (!json_is_object(r->vocab))
        return fail(r, "model.vocab", "an object from token to id", "not an object");
    if (added && !json_is_null(added) && !json_is_array(added))
        return fail(r, "added_tokens", "a list of objects", "not a list");
    size_t room = json_object_size(r->vocab) + json_array_size(added);
    r->keys = gr_alloc(room * sizeof *r->keys);
    r->kinds = gr_alloc(room);
    const char *key;
    json_t *id;
    json_object_foreach(r->vocab, key, id) GR_TRY(take_id(r, "model.vocab", key, id, room, GR__TOKEN_PLAIN));
    GR_TRY(read_added(r, added, room));
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
        unsigned at = *c;
        if ((at & 0xe0) == 0xc0 && (c[1] & 0xc0) == 0x80)
            at = (at & 0x1f) << 6 | (*++c & 0x3f);
        else if (at >= 0x80)
            return 0;
        if (at >= SPELL_MAX || r->byte_of[at] < 0)
            return 0;
        bytes[n++] = (char)r->byte_of[at];
    }
    return n;
}

static gr_status add_tokens(reader *r, gr_tokenizer *tok) {
    for (size_t i = 0; i < r->count; i++) {
        const char *key = r->keys[i];
        if (r->kinds[i] != GR__TOKEN_PLAIN) {
            gr__tokenizer_add(tok, key, strlen(key), r->kinds[i]);
            continue;
        }
        char *bytes = gr_alloc(strlen(key));
        size_t n = unspell(r, bytes, key);
        if (n)
            gr__tokenizer_add(tok, bytes, n, GR__TOKEN_PLAIN);
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

static gr_status add_merge(reader *r, gr_tokenizer *tok, const char *left, const char *right, size_t rank) {
    char where[64];
    snprintf(where, sizeof where, "model.merges[%zu]", rank);
    if (!*left || !*right || strchr(left, ' ') || strchr(right, ' '))
        return fail(r, where, "written \"a b\" or [\"a\", \"b\"]; a space within a token is spelled \u0120",
                    "not two tokens");
    char *both = gr_format("%s%s", left, right);
    int32_t l = id_of(r, left), m = id_of(r, right), id = id_of(r, both);
    gr_free(both);
    if (l < 0 || m < 0 || id < 0)
        return fail(r, where, "both halves and the whole are tokens of model.vocab",
                    "the merge of \"%.60s\" and \"%.60s\" names a token that does not exist", left, right);
    gr__tokenizer_merge(tok, l, m, id);
    return GR_OK;
}

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

static gr_status build(reader *r, gr_tokenizer *tok) {
    GR_TRY(add_tokens(r, tok));
    GR_TRY(add_merges(r, tok));
    return gr__tokenizer_seal(tok, r->place, r->err);
}

static gr_status read_root(reader *r, gr_tokenizer **out) {
    const char *pattern = NULL;
    if (!json_is_object(r->root))
        return fail(r, "1:1", "a tokenizer.json holds one object", "not an object");
    GR_TRY(check_options(r));
    GR_TRY(read_pattern(r, &pattern));
    r->vocab = json_object_get(json_object_get(r->root, "model"), "vocab");
    GR_TRY(read_tokens(r));
    gr_tokenizer *tok = NULL;
    GR_TRY(gr__tokenizer_new(&tok, pattern, r->place, r->err));
    gr_status status = build(r, tok);
    if (status == GR_OK)
        *out = tok;
    else
        gr_tokenizer_free(tok);
    return status;
}

gr_status gr_tokenizer_parse(gr_tokenizer **out, const char *json, size_t length, const char *place, gr_error *err) {
    *out = NULL;
    reader r = {.place = place ? place : "tokenizer.json", .err = err};
    if (length > FILE_MAX)
        return gr_error_set(err, GR_ERR_FORMAT, r.place, "a tokenizer.json has at most 512 MiB",
                            "%zu bytes are too many", length);
    json_error_t bad;
    r.root = json_loadb(length ? json : "", length, JSON_REJECT_DUPLICATES, &bad);
    if (!r.root) {
        char at[64];
        snprintf(at, sizeof at, "%d:%d", bad.line, bad.column);
        return fail(&r, at, "the file is damaged or not JSON", "%s", bad.text);
    }
    uint8_t order[256];
    gr__byte_order(order);
    memset(r.byte_of, -1, sizeof r.byte_of);
    for (int i = 0; i < 256; i++)
        r.byte_of[i < GR__BYTES_PRINTABLE ? order[i] : 256 + i - GR__BYTES_PRINTABLE] = order[i];
    gr_status status = read_root(&r, out);
    gr_free(r.keys);
    gr_free(r.kinds);
    json_decref(r.root);
    return status;
}

gr_status gr_tokenizer_open(gr_tokenizer **out, const char *path, gr_error *err) {
    char *text;
    size_t length;
    *out = NULL;
    GR_TRY(gr__file_read(&text, &length, path, "is the path right?", err));
    gr_status status = gr_tokenizer_parse(out, text, length, path, err);
    gr_free(text);
    return status;
}

/* ---- writing ---- */

/* How the file writes a token: bytes as characters, added tokens as they are. */
static char *spell(const gr_tokenizer *tok, size_t id, const uint16_t char_of[256]) {
    const gr__token *t = &tok->tokens[id];
    const char *bytes = tok->bytes + t->start;
    if (t->kind != GR__TOKEN_PLAIN)
        return gr_format("%.*s", (int)t->length, bytes);
    char *text = gr_alloc(2 * t->length + 1), *to = text;
    for (size_t i = 0; i < t->length; i++) {
        unsigned c = char_of[(uint8_t)bytes[i]];
        if (c >= 0x80)
            *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
    }
    return text;
}

static json_t *write_added(const gr_tokenizer *tok, char *const *keys) {
    json_t *list = json_array();
    for (size_t i = 0; i < tok->count; i++)
        if (tok->tokens[i].kind != GR__TOKEN_PLAIN)
            json_array_append_new(list, json_pack("{s:I, s:s, s:b, s:b, s:b, s:b, s:b}", "id", (json_int_t)i, "content",
                                                  keys[i], "single_word", 0, "lstrip", 0, "rstrip", 0, "normalized", 0,
                                                  "special", tok->tokens[i].kind == GR__TOKEN_SPECIAL));
    return list;
}

static json_t *write_byte_level(bool use_regex) {
    return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0, "trim_offsets", 1, "use_regex",
                     use_regex);
}

static json_t *write_pre_tokenizer(const gr_tokenizer *tok) {
    if (!tok->pattern)
        return write_byte_level(true);
    return json_pack("{s:s, s:[{s:s, s:{s:s}, s:s, s:b}, o]}", "type", "Sequence", "pretokenizers", "type", "Split",
                     "pattern", "Regex", tok->pattern, "behavior", "Isolated", "invert", 0, write_byte_level(false));
}

/* Merges are written as "a b", which old and new versions of other programs read. */
static json_t *write_model(const gr_tokenizer *tok, char *const *keys) {
    json_t *vocab = json_object(), *merges = json_array();
    for (size_t i = 0; i < tok->count; i++)
        json_object_set_new(vocab, keys[i], json_integer((json_int_t)i));
    for (size_t i = 0; i < tok->merges_count; i++)
        json_array_append_new(merges, json_sprintf("%s %s", keys[tok->merges[i].left], keys[tok->merges[i].right]));
    return json_pack("{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:b, s:o, s:o}", "type", "BPE", "dropout", "unk_token",
                     "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 0, "byte_fallback", 0,
                     "ignore_merges", 0, "vocab", vocab, "merges", merges);
}

static json_t *write_root(const gr_tokenizer *tok) {
    uint8_t order[256];
    uint16_t char_of[256];
    gr__byte_order(order);
    for (int i = 0; i < 256; i++)
        char_of[order[i]] = (uint16_t)(i < GR__BYTES_PRINTABLE ? order[i] : 256 + i - GR__BYTES_PRINTABLE);
    char **keys = gr_alloc(tok->count * sizeof *keys);
    for (size_t i = 0; i < tok->count; i++)
        keys[i] = spell(tok, i, char_of);
    json_t *root =
        json_pack("{s:s, s:n, s:n, s:o, s:n, s:o, s:n, s:o, s:o}", "version", "1.0", "truncation", "padding",
                  "added_tokens", write_added(tok, keys), "normalizer", "pre_tokenizer", write_pre_tokenizer(tok),
                  "post_processor", "decoder", write_byte_level(true), "model", write_model(tok, keys));
    for (size_t i = 0; i < tok->count; i++)
        gr_free(keys[i]);
    gr_free(keys);
    return root;
}

static bool write_file(const json_t *root, const char *path) {
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    bool good = json_dumpf(root, file, JSON_INDENT(1)) == 0 && fputc('\n', file) != EOF && fflush(file) == 0 &&
                fsync(fileno(file)) == 0;
    return fclose(file) == 0 && good;
}

gr_status gr_tokenizer_save(const gr_tokenizer *tok, const char *path, gr_error *err) {
    char *beside = gr_format("%s.tmp", path);
    json_t *root = write_root(tok);
    gr_status status = GR_OK;
    if (!root) {
        status = gr_error_set(err, GR_ERR_MEMORY, path, NULL, "no memory for %zu tokens as JSON", tok->count);
    } else if (!write_file(root, beside) || rename(beside, path) != 0) {
        status = gr_error_set(err, GR_ERR_IO, path, "is there space, and is the folder writable?", "cannot write: %s",
                              strerror(errno));
        unlink(beside);
    }
    json_decref(root);
    gr_free(beside);
    return status;
}
