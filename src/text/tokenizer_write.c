/* tokenizer_write.c - writes tokenizer.json, so that other programs can read a vocabulary: the only place where tokens
 * become text.
 *
 * Byte-level, each byte is written as one printable character (gr__byte_order), so that a token of any bytes is a JSON
 * string without spaces. Vocabularies of pieces are written with the steps that Llama-2's file has. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/file.h"
#include "text/tokenizer.h"

/* GPT-2's order (bytes_to_unicode in its encoder.py): printable bytes stand for themselves, the others follow. */
void gr__byte_order(uint8_t order[256]) {
    int printable = 0, other = GR__BYTES_PRINTABLE;
    for (int b = 0; b < 256; b++) {
        bool shown = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b != 0xad);
        order[shown ? printable++ : other++] = (uint8_t)b;
    }
}

/* ---- tokens ---- */

/* Bytes as characters. */
static char *spell_bytes(const char *bytes, size_t length, const uint16_t char_of[256]) {
    char *text = gr_alloc(2 * length + 1), *to = text;
    for (size_t i = 0; i < length; i++) {
        unsigned c = char_of[(uint8_t)bytes[i]];
        if (c >= 0x80)
            *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
    }
    return text;
}

/* Spaces as marks. */
static char *spell_piece(const char *bytes, size_t length) {
    const size_t mark = strlen(GR__SPACE_MARK);
    char *text = gr_alloc(mark * length + 1), *to = text;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == ' ')
            to = memcpy(to, GR__SPACE_MARK, mark), to += mark;
        else
            *to++ = bytes[i];
    }
    return text;
}

/* How the file writes a token; those listed apart as they are. */
static char *spell(const gr_tokenizer *tok, size_t id, const uint16_t char_of[256]) {
    const gr__token *t = &tok->tokens[id];
    const char *bytes = tok->bytes + t->start;
    if (t->kind == GR__TOKEN_BYTE)
        return gr_format("<0x%02X>", (uint8_t)bytes[0]);
    if (t->kind == GR__TOKEN_SPECIAL || t->kind == GR__TOKEN_ADDED)
        return gr_format("%.*s", (int)t->length, bytes);
    return tok->pieces ? spell_piece(bytes, t->length) : spell_bytes(bytes, t->length, char_of);
}

/* Tokens that are listed apart, with how they are found in a text. */
static json_t *write_added(const gr_tokenizer *tok, char *const *keys) {
    json_t *list = json_array();
    for (size_t i = 0; i < tok->count; i++) {
        const gr__token *t = &tok->tokens[i];
        if (t->kind == GR__TOKEN_ADDED || t->kind == GR__TOKEN_SPECIAL)
            json_array_append_new(list,
                                  json_pack("{s:I, s:s, s:b, s:b, s:b, s:b, s:b}", "id", (json_int_t)i, "content",
                                            keys[i], "single_word", 0, "lstrip", (t->find & GR__FIND_LEFT) != 0,
                                            "rstrip", (t->find & GR__FIND_RIGHT) != 0, "normalized",
                                            (t->find & GR__FIND_LATER) != 0, "special", t->kind == GR__TOKEN_SPECIAL));
    }
    return list;
}

/* The step that turns bytes into characters; use_regex: it also splits the text by the built-in pattern. */
static json_t *write_byte_level(bool use_regex) {
    return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0, "trim_offsets", 1, "use_regex",
                     use_regex);
}

/* A pattern of the vocabulary's own is a Split before ByteLevel. */
static json_t *write_pre_tokenizer(const gr_tokenizer *tok) {
    if (!tok->pattern)
        return write_byte_level(true);
    return json_pack("{s:s, s:[{s:s, s:{s:s}, s:s, s:b}, o]}", "type", "Sequence", "pretokenizers", "type", "Split",
                     "pattern", "Regex", tok->pattern, "behavior", tok->matches_only ? "Removed" : "Isolated", "invert",
                     tok->matches_only, write_byte_level(false));
}

/* ---- the steps around a vocabulary of pieces, as Llama-2 has them ---- */

static json_t *write_replace(const char *from, const char *to) {
    return json_pack("{s:s, s:{s:s}, s:s}", "type", "Replace", "pattern", "String", from, "content", to);
}

/* Prepend can only put a space in front of everything; what else there is needs Metaspace, and so do tokens that are
 * looked for in normalized text, which without a normalizer is the text itself. */
static bool is_metaspace(const gr_tokenizer *tok) {
    bool later = false;
    for (size_t i = 0; i < tok->added_count; i++)
        later |= (tok->tokens[tok->added[i]].find & GR__FIND_LATER) != 0;
    return (later && !tok->special_apart) || tok->rules.words || tok->rules.prefix_missing ||
           tok->rules.prefix == GR__PREFIX_FIRST;
}

/* Spaces become marks, with one in front where the rules say so. */
static json_t *write_normalizer(const gr_tokenizer *tok) {
    if (!tok->pieces || is_metaspace(tok))
        return json_null();
    if (tok->rules.prefix == GR__PREFIX_NONE)
        return write_replace(" ", GR__SPACE_MARK);
    return json_pack("{s:s, s:[{s:s, s:s}, o]}", "type", "Sequence", "normalizers", "type", "Prepend", "prepend",
                     GR__SPACE_MARK, write_replace(" ", GR__SPACE_MARK));
}

/* The words are in the order of gr__prefix. */
static json_t *write_metaspace(const gr_tokenizer *tok) {
    static const char *const words[] = {"never", "always", "first"};
    return json_pack("{s:s, s:s, s:s, s:b}", "type", "Metaspace", "replacement", GR__SPACE_MARK, "prepend_scheme",
                     words[tok->rules.prefix], "split", tok->rules.words);
}

/* Marks become spaces, single bytes join, and the space in front goes. */
static json_t *write_piece_decoder(const gr_tokenizer *tok) {
    json_t *steps =
        json_pack("[o, {s:s}, {s:s}]", write_replace(GR__SPACE_MARK, " "), "type", "ByteFallback", "type", "Fuse");
    if (tok->rules.strip)
        json_array_append_new(
            steps, json_pack("{s:s, s:s, s:i, s:i}", "type", "Strip", "content", " ", "start", 1, "stop", 0));
    return json_pack("{s:s, s:o}", "type", "Sequence", "decoders", steps);
}

/* What other programs put around a text; it is not read back. */
static json_t *write_template(const gr_tokenizer *tok, char *const *keys) {
    if (!tok->pieces || tok->start < 0)
        return json_null();
    const char *name = keys[tok->start];
    json_t *start = json_pack("{s:{s:s, s:i}}", "SpecialToken", "id", name, "type_id", 0);
    json_t *first = json_pack("{s:{s:s, s:i}}", "Sequence", "id", "A", "type_id", 0);
    json_t *second = json_pack("{s:{s:s, s:i}}", "Sequence", "id", "B", "type_id", 1);
    json_t *value = json_pack("{s:s, s:[O, O], s:[O, O, O], s:{s:{s:s, s:[i], s:[s]}}}", "type", "TemplateProcessing",
                              "single", start, first, "pair", start, first, second, "special_tokens", name, "id", name,
                              "ids", tok->start, "tokens", name);
    json_decref(start);
    json_decref(first);
    json_decref(second);
    return value;
}

/* ---- the model ---- */

/* What tokenizer.json has no place for; other programs pass over it. */
static void write_extras(json_t *model, const gr_tokenizer *tok, char *const *keys) {
    /* Start and end, where their names would lead a reader to other tokens. */
    int start, end;
    gr__tokenizer_usual_ends(tok, &start, &end);
    if (tok->start >= 0 && tok->end >= 0 && (start != tok->start || end != tok->end))
        json_object_set_new(model, "document", json_pack("[s, s]", keys[tok->start], keys[tok->end]));
    if (!tok->scores)
        return;

    /* Scores, which the merges follow from. */
    json_t *scores = json_array();
    for (size_t i = 0; i < tok->count; i++)
        json_array_append_new(scores, json_real((double)tok->scores[i]));
    json_object_set_new(model, "scores", scores);
}

/* Merges are written as "a b", which old and new versions of other programs read. */
static json_t *write_model(const gr_tokenizer *tok, char *const *keys) {
    json_t *vocab = json_object(), *merges = json_array();
    for (size_t i = 0; i < tok->count; i++) /* an added token may hold spaces, which the vocabulary cannot */
        if (tok->tokens[i].kind != GR__TOKEN_ADDED || !strchr(keys[i], ' '))
            json_object_set_new(vocab, keys[i], json_integer((json_int_t)i));
    for (size_t i = 0; i < tok->merges_count; i++)
        json_array_append_new(merges, json_sprintf("%s %s", keys[tok->merges[i].left], keys[tok->merges[i].right]));

    /* Members with n are null: what other programs expect to be there. */
    json_t *model = json_pack("{s:s, s:n, s:s?, s:n, s:n, s:b, s:b, s:b, s:o, s:o}", "type", "BPE", "dropout",
                              "unk_token", tok->unknown >= 0 ? keys[tok->unknown] : NULL, "continuing_subword_prefix",
                              "end_of_word_suffix", "fuse_unk", tok->rules.fuse_unknown, "byte_fallback",
                              tok->has_byte_tokens, "ignore_merges", 0, "vocab", vocab, "merges", merges);
    if (model)
        write_extras(model, tok, keys);
    return model;
}

/* The whole file as one object. */
static json_t *write_root(const gr_tokenizer *tok) {
    /* How each byte is spelled, and from that how each token is. */
    uint8_t order[256];
    uint16_t char_of[256];
    gr__byte_order(order);
    for (int i = 0; i < 256; i++)
        char_of[order[i]] = (uint16_t)(i < GR__BYTES_PRINTABLE ? order[i] : 256 + i - GR__BYTES_PRINTABLE);
    char **keys = gr_alloc(tok->count * sizeof *keys);
    for (size_t i = 0; i < tok->count; i++)
        keys[i] = spell(tok, i, char_of);

    /* What splits a text: depends on the alphabet. */
    json_t *pre = json_null();
    if (!tok->pieces)
        pre = write_pre_tokenizer(tok);
    else if (is_metaspace(tok))
        pre = write_metaspace(tok);

    json_t *root =
        json_pack("{s:s, s:n, s:n, s:o, s:o, s:o, s:o, s:o, s:o}", "version", "1.0", "truncation", "padding",
                  "added_tokens", write_added(tok, keys), "normalizer", write_normalizer(tok), "pre_tokenizer", pre,
                  "post_processor", write_template(tok, keys), "decoder",
                  tok->pieces ? write_piece_decoder(tok) : write_byte_level(true), "model", write_model(tok, keys));
    for (size_t i = 0; i < tok->count; i++)
        gr_free(keys[i]);
    gr_free(keys);
    return root;
}

/* jansson returns NULL where memory is short, for any part of the object. */
gr_status gr__tokenizer_text(const gr_tokenizer *tok, char **text, const char *place, gr_error *err) {
    json_t *root = write_root(tok);
    char *dump = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    *text = dump ? gr_format("%s\n", dump) : NULL;
    gr_free(dump);
    json_decref(root);
    return *text ? GR_OK
                 : gr_error_set(err, GR_ERR_MEMORY, place, NULL, "no memory for %zu tokens as JSON", tok->count);
}

gr_status gr_tokenizer_save(const gr_tokenizer *tok, const char *path, gr_error *err) {
    char *text;
    GR_TRY(gr__tokenizer_text(tok, &text, path, err));
    gr_status status = gr_file_write(path, text, strlen(text), err);
    gr_free(text);
    return status;
}
