/* tokenizer_pair.c - GPT-2's vocabulary as it was published: encoder.json and vocab.bpe, also named vocab.json and
 * merges.txt. They become a tokenizer.json in memory, which is then read as one. */
#include <string.h>

#include "base/foreign.h"
#include "base/mem.h"
#include "io/line_reader.h"
#include "text/tokenizer_json.h"

static const char version[] = "#version";

/* Lines to strings; *first becomes the number of the first line that holds a merge. */
static gr_status read_lines(json_t **out, size_t *first, const char *text, size_t length, const char *place,
                            gr_error *err) {
    gr__lines lines = {.next = text, .end = text + length};
    json_t *list = *out = json_array();
    *first = 1;

    /* The first line may tell the version of the format. */
    while (gr__lines_next(&lines)) {
        if (lines.number == 1 && lines.length >= strlen(version) && !memcmp(lines.text, version, strlen(version))) {
            *first = 2;
            continue;
        }

        /* A zero in a line is valid JSON, but no text that could be a merge. */
        json_t *line = json_stringn(lines.text, lines.length);
        if (!line || memchr(lines.text, 0, lines.length) || json_array_append_new(list, line) != 0) {
            char at[GR__PLACE_SIZE];
            if (line && memchr(lines.text, 0, lines.length))
                json_decref(line);
            return gr_error_set(err, GR_ERR_FORMAT, gr__place_text(at, place, lines.number, 0),
                                "merges are two tokens a line", "the line is not UTF-8 text");
        }
    }
    return GR_OK;
}

/* Whether the text is one character of those that spell bytes. */
static bool spells_byte(const char *key) {
    const unsigned char *c = (const unsigned char *)key;
    return c[0] < 0x80 ? c[0] && !c[1] : c[1] && !c[2];
}

/* "<|endoftext|>", "[MASK]": how names of special tokens are written. What else no merge makes is a token whose merge
 * is missing; but one that is not spelled in bytes can only be special. */
static bool is_special(const char *key) {
    size_t n = strlen(key);
    if (n > 2 && ((key[0] == '<' && key[n - 1] == '>') || (key[0] == '[' && key[n - 1] == ']')))
        return true;

    /* Characters that spell bytes have one or two bytes in UTF-8, and are printable. */
    for (size_t at = 0, bytes; at < n; at += bytes) {
        unsigned char c = (unsigned char)key[at];
        bytes = c < 0x80 ? 1 : 2;
        unsigned code = c < 0x80 ? c : (c & 0x1fu) << 6 | ((unsigned char)key[at + 1] & 0x3f);
        if (c <= 0x20 || c >= 0xe0 || (code >= 0x7f && code <= 0xa0) || code == 0xad || code >= GR__SPELL_MAX)
            return true;
    }
    return false;
}

/* Special tokens that nothing makes. */
static json_t *list_special(const json_t *vocab, const json_t *merges) {
    json_t *made = json_object(), *list = json_array(), *id;
    const char *key;

    /* What merges make. */
    for (size_t i = 0; i < json_array_size(merges); i++) {
        const char *line = json_string_value(json_array_get(merges, i)), *space = strchr(line, ' ');
        char *both = space ? gr_format("%.*s%s", (int)(space - line), line, space + 1) : NULL;
        if (both)
            json_object_set_new(made, both, json_true());
        gr_free(both);
    }

    /* What is neither made nor a byte, and named like a special token. */
    json_object_foreach((json_t *)vocab, key, id) {
        if (!spells_byte(key) && !json_object_get(made, key) && is_special(key))
            json_array_append_new(list, json_pack("{s:O, s:s, s:b}", "id", id, "content", key, "special", 1));
    }
    json_decref(made);
    return list;
}

/* The same vocabulary as tokenizer.json writes it; other tokenizers of this kind put no space in front either. */
static json_t *as_tokenizer(json_t *vocab, json_t *merges) {
    return json_pack("{s:o, s:{s:s, s:b}, s:{s:s}, s:{s:s, s:O, s:O}}", "added_tokens", list_special(vocab, merges),
                     "pre_tokenizer", "type", "ByteLevel", "add_prefix_space", 0, "decoder", "type", "ByteLevel",
                     "model", "type", "BPE", "vocab", vocab, "merges", merges);
}

/* The two files as parsed: *list, the merges, is made here and freed by the caller. */
static gr_status read_both(gr_tokenizer **out, json_t *vocab, json_t **list, const char *merges, size_t length,
                           const char *vocab_place, const char *merges_place, gr_error *err) {
    char at[GR__PLACE_SIZE];
    size_t first;
    if (!json_is_object(vocab))
        return gr_error_set(err, GR_ERR_FORMAT, gr__place_text(at, vocab_place, 1, 1), "an object from token to id",
                            "not an object");
    GR_TRY(read_lines(list, &first, merges, length, merges_place, err));

    json_t *root = as_tokenizer(vocab, *list);
    gr_status status = gr__vocab_read(out, root, vocab_place, merges_place, first, err);
    json_decref(root);
    return status;
}

gr_status gr__tokenizer_parse_pair(gr_tokenizer **out, const char *vocab, size_t vocab_length, const char *merges,
                                   size_t merges_length, const char *vocab_place, const char *merges_place,
                                   gr_error *err) {
    json_t *object, *list = NULL;
    *out = NULL;
    GR_TRY(gr__json_foreign(&object, vocab, vocab_length,
                            &(gr__json_from){vocab_place, 0, "the file is damaged or not JSON", true}, err));
    gr_status status = read_both(out, object, &list, merges, merges_length, vocab_place, merges_place, err);
    json_decref(list);
    json_decref(object);
    return status;
}
