/* tokenizer_scored.c - reads the vocabulary file of llama2.c (github.com/karpathy/llama2.c, tokenizer.py): pieces with
 * scores, spaces as spaces, bytes as "<0x41>", the ends of documents with line breaks around their names.
 *
 * The file is binary and has no checksum, so every number is checked against what is left of the file before it is
 * used. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

enum { LONGEST = 1 << 16, TOKENS = 1 << 24 };

typedef struct source {
    const char *bytes, *place;
    size_t length, at;
    int32_t longest; /* length of the longest piece, as the file says at its start */
    gr_error *err;
    float *scores;
    size_t scores_count, scores_capacity;
} source;

/* An error at the byte that was reached; `value` is what was found there. */
static gr_status fail(const source *s, const char *hint, const char *what, long long value) {
    char place[256];
    snprintf(place, sizeof place, "%.200s: byte %zu", s->place, s->at);
    return gr_error_set(s->err, GR_ERR_FORMAT, place, hint, "%s (%lld)", what, value);
}

/* Four bytes of the file as a number; their order is little-endian. */
static int32_t number(const source *s, size_t at) {
    const unsigned char *b = (const unsigned char *)s->bytes + at;
    return (int32_t)(b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24);
}

/* Text that JSON can hold, so that the vocabulary can be saved. */
static bool is_text(const char *bytes, size_t length) {
    for (size_t at = 0, n; at < length; at += n) {
        n = gr_utf8_length(bytes + at, length - at);
        if (!n || !bytes[at])
            return false;
    }
    return true;
}

/* Whether the bytes are this name. */
static bool is_name(const char *bytes, size_t length, const char *name) {
    return length == strlen(name) && !memcmp(bytes, name, length);
}

/* The special token that a piece is, under its usual name, or NULL. */
static const char *special_name(const char *bytes, size_t length) {
    static const char *const names[] = {"<unk>", "<s>", "</s>"};

    /* In this file the names stand between line breaks. */
    if (length > 2 && bytes[0] == '\n' && bytes[length - 1] == '\n')
        bytes++, length -= 2;
    for (int i = 0; i < 3; i++)
        if (is_name(bytes, length, names[i]))
            return names[i];
    return NULL;
}

/* Adds <unk>, <s> or </s>, once each, and remembers which id it has. */
static gr_status add_special(const source *s, gr_tokenizer *tok, const char *name) {
    int *id = &tok->end;
    if (name[1] == 'u')
        id = &tok->unknown;
    else if (name[1] == 's')
        id = &tok->start;
    if (*id >= 0)
        return fail(s, "each of <unk>, <s> and </s> is there once", "this token repeats one", *id);
    *id = (int)tok->count;
    gr__tokenizer_add(tok, name, strlen(name), GR__TOKEN_SPECIAL);
    return GR_OK;
}

/* Spaces may also be written as in SentencePiece's own files. */
static void add_piece(gr_tokenizer *tok, const char *bytes, size_t length) {
    const size_t mark = strlen(GR__SPACE_MARK);
    char *text = gr_alloc(length), *to = text;
    for (size_t i = 0; i < length;) {
        bool space = length - i >= mark && !memcmp(bytes + i, GR__SPACE_MARK, mark);
        *to++ = bytes[i];
        if (space)
            to[-1] = ' ';
        i += space ? mark : 1;
    }
    gr__tokenizer_add(tok, text, (size_t)(to - text), GR__TOKEN_PLAIN);
    gr_free(text);
}

/* One piece: a score, a length, the bytes. */
static gr_status read_piece(source *s, gr_tokenizer *tok) {
    float score;
    if (s->length - s->at < 8)
        return fail(s, "the file is cut off", "no room for a score and a length", (long long)(s->length - s->at));

    /* The score is a float in the file's bits. */
    int32_t bits = number(s, s->at), length = number(s, s->at + 4);
    memcpy(&score, &bits, sizeof score);
    if (!isfinite(score))
        return fail(s, "scores are finite numbers", "token without a score", (long long)tok->count);
    if (length < 1 || length > s->longest)
        return fail(s, "from 1 to the longest piece that the file begins with", "length of a piece", length);
    if ((size_t)length > s->length - s->at - 8)
        return fail(s, "the file is cut off", "bytes of a piece", length);

    /* What the piece is: a special token, a single byte, or text. */
    const char *bytes = s->bytes + s->at + 8, *name = special_name(bytes, (size_t)length);
    int byte = gr__byte_name(bytes, (size_t)length);
    if (!is_text(bytes, (size_t)length))
        return fail(s, "pieces are UTF-8 without zeros; bytes are written <0x41>", "not a text: token",
                    (long long)tok->count);
    if (tok->count == TOKENS)
        return fail(s, NULL, "too many tokens", TOKENS);

    /* Add it as that. */
    if (name)
        GR_TRY(add_special(s, tok, name));
    else if (byte >= 0)
        gr__tokenizer_add(tok, &(char){(char)byte}, 1, GR__TOKEN_BYTE);
    else
        add_piece(tok, bytes, (size_t)length);
    GR_PUSH(s->scores, s->scores_count, s->scores_capacity) = score;
    s->at += 8 + (size_t)length;
    return GR_OK;
}

/* The length of the longest piece, then pieces up to the end of the file. */
static gr_status read_all(source *s, gr_tokenizer *tok) {
    if (s->length < 4)
        return fail(s, "the file is cut off", "no length of the longest piece", (long long)s->length);
    s->longest = number(s, 0);
    if (s->longest < 1 || s->longest > LONGEST)
        return fail(s, "1 to 65536", "length of the longest piece", s->longest);
    s->at = 4;
    while (s->at < s->length)
        GR_TRY(read_piece(s, tok));
    if (!tok->count)
        return fail(s, "the file is cut off", "tokens", 0);

    /* llama2.c begins and ends documents with <s> in training. */
    gr__tokenizer_score(tok, s->scores);
    tok->end = tok->start >= 0 ? tok->start : tok->end;
    return gr__tokenizer_seal(tok, s->place, s->err);
}

gr_status gr__tokenizer_parse_scored(gr_tokenizer **out, const char *bytes, size_t length, const char *place,
                                     gr_error *err) {
    static const gr__piece_rules rules = {.prefix = GR__PREFIX_ALWAYS, .strip = true, .fuse_unknown = true};
    source s = {.bytes = bytes, .place = place, .length = length, .err = err};
    gr_tokenizer *tok = gr__tokenizer_new_pieces(&rules);
    gr_status status = read_all(&s, tok);
    gr_free(s.scores);
    if (status == GR_OK)
        *out = tok;
    else
        gr_tokenizer_free(tok);
    return status;
}
