/* tokenizer_added.c - tokens that are listed apart (`added_tokens`) and are found in a text before it is cut into
 * words.
 *
 * They are searched from the left, of those at one place the longest; first those that are looked for in the text as it
 * is, then, in what these leave, those that are looked for in normalized text. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

/* By the first byte of the text at hand only a few tokens need be compared. */
static uint8_t first_byte(const gr_tokenizer *tok, int32_t id) { return (uint8_t)tok->bytes[tok->tokens[id].start]; }

/* By first byte, then the longest first, then by id. */
static int longer_first(const void *a, const void *b, void *of) {
    const gr_tokenizer *tok = of;
    int32_t i = *(const int32_t *)a, k = *(const int32_t *)b;
    int c = first_byte(tok, i), d = first_byte(tok, k);
    size_t m = tok->tokens[i].length, n = tok->tokens[k].length;
    return c != d ? c - d : m != n ? (m < n) - (m > n) : (i > k) - (i < k);
}

void gr__added_seal(gr_tokenizer *tok) {
    size_t capacity = 0;

    /* The list, in the order in which tokens are tried. */
    for (size_t i = 0; i < tok->count; i++) {
        const gr__token *t = &tok->tokens[i];
        if (t->length && (t->kind == GR__TOKEN_ADDED || t->kind == GR__TOKEN_SPECIAL))
            GR_PUSH(tok->added, tok->added_count, capacity) = (int32_t)i;
        tok->added_plain |= t->kind == GR__TOKEN_ADDED;
    }
    if (tok->added_count)
        qsort_r(tok->added, tok->added_count, sizeof *tok->added, longer_first, tok);

    /* Where the tokens of each first byte end in that order, which is where those of the next begin; bytes without
     * tokens take over the place before them. */
    for (size_t i = 0; i < tok->added_count; i++)
        tok->added_from[first_byte(tok, tok->added[i]) + 1] = i + 1;
    for (int b = 0; b < 256; b++)
        if (tok->added_from[b + 1] < tok->added_from[b])
            tok->added_from[b + 1] = tok->added_from[b];
}

/* ---- white space ---- */

/* Bytes of the character of white space (Unicode's White_Space) that the text begins with, or 0. */
static size_t space_at(const char *text, size_t length) {
    const uint8_t *c = (const uint8_t *)text;
    if (length && (*c == ' ' || (*c >= '\t' && *c <= '\r')))
        return 1;
    if (length >= 2 && c[0] == 0xc2 && (c[1] == 0x85 || c[1] == 0xa0))
        return 2;

    /* Three bytes: U+2000 to U+200A, and six single characters. */
    static const char *const wide[] = {"\xe1\x9a\x80", "\xe2\x80\xa8", "\xe2\x80\xa9",
                                       "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};
    if (length < 3)
        return 0;
    if (c[0] == 0xe2 && c[1] == 0x80 && c[2] >= 0x80 && c[2] <= 0x8a)
        return 3;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (!memcmp(text, wide[i], 3))
            return 3;
    return 0;
}

/* Bytes of the character of white space that text[from, to) ends with, or 0: characters have up to three bytes. */
static size_t space_ending(const char *text, size_t from, size_t to) {
    for (size_t n = 1; n <= 3 && n <= to - from; n++)
        if (space_at(text + to - n, n) == n)
            return n;
    return 0;
}

/* Bytes of white space that text[from, to) ends with. */
static size_t space_before(const char *text, size_t from, size_t to) {
    size_t at = to, n;
    while ((n = space_ending(text, from, at)) > 0)
        at -= n;
    return to - at;
}

/* Bytes of white space from a place on. */
static size_t space_behind(const char *text, size_t from, size_t to) {
    size_t at = from, n;
    while ((n = space_at(text + at, to - at)) > 0)
        at += n;
    return at - from;
}

/* ---- finding ---- */

typedef struct walk {
    const gr_tokenizer *tok;
    const gr__added_user *to;
    const char *text;
    bool special; /* special tokens are found too */
} walk;

/* The first token of this turn that text[*at, to) holds; *at becomes where. */
static int32_t find(const walk *w, size_t *at, size_t to, bool later) {
    const gr_tokenizer *tok = w->tok;
    for (; *at < to; ++*at) {
        uint8_t c = (uint8_t)w->text[*at];
        for (size_t i = tok->added_from[c]; i < tok->added_from[c + 1]; i++) {
            const gr__token *t = &tok->tokens[tok->added[i]];
            if (!(t->find & GR__FIND_LATER) != later && t->length <= to - *at &&
                !memcmp(tok->bytes + t->start, w->text + *at, t->length))
                return tok->added[i];
        }
    }
    return -1;
}

/* Walks text[from, to) in turns: turn 0 finds tokens looked for in the text as it is, turn 1 those that are looked for
 * later in what turn 0 left, turn 2 hands what is left to the caller as text. `begun` is where what was not handed on
 * begins. */
static gr_status walk_stretch(const walk *w, size_t from, size_t to, int turn, gr_error *err) {
    if (turn == 2)
        return w->to->stretch(w->to->user, from, to, err);
    size_t begun = from;
    int32_t id;
    for (size_t at = from; (id = find(w, &at, to, turn == 1)) >= 0;) {
        const gr__token *t = &w->tok->tokens[id];
        size_t begin = at, end = at += t->length;
        if (t->kind == GR__TOKEN_SPECIAL && !w->special) /* it hides what it holds all the same */
            continue;

        /* White space that an earlier token took is not taken again. */
        if (t->find & GR__FIND_LEFT)
            begin -= space_before(w->text, from, begin);
        begin = begin > begun ? begin : begun;
        if (t->find & GR__FIND_RIGHT)
            end += space_behind(w->text, end, to);

        /* What lies before the token is searched in the next turn, then the token follows. */
        if (begin > begun)
            GR_TRY(walk_stretch(w, begun, begin, turn + 1, err));
        w->to->token(w->to->user, id);
        begun = end;
    }
    return begun < to ? walk_stretch(w, begun, to, turn + 1, err) : GR_OK;
}

gr_status gr__added_walk(const gr_tokenizer *tok, const gr__added_user *to, const char *text, size_t length,
                         bool special, gr_error *err) {
    if (special && tok->special_apart)
        return gr_error_set(err, GR_ERR_FORMAT, "tokenizer", "give the text without them, or set normalized to false",
                            "special tokens of this vocabulary are looked for in normalized text, which is not "
                            "supported");
    if (!length)
        return GR_OK;

    /* Without tokens to look for the text is one stretch. */
    bool any = tok->added_plain || (special && tok->added_count);
    return walk_stretch(&(walk){tok, to, text, special}, 0, length, any ? 0 : 2, err);
}
