/* tokenizer_pieces.c - vocabularies of pieces (SentencePiece): a text is a row of characters, each a token of its own
 * if the vocabulary has one, else a token for each of its bytes, else the unknown token.
 *
 * Merges are not listed in such a vocabulary: every two pieces that together spell a third may be merged, in the order
 * of the third's score. Here that list is written out once, so that encoding is the same as for byte-level text. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/names.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

/* ---- tokens by their bytes ---- */

/* The slot of a plain token with these bytes, or the empty one where it belongs (linear probing). */
static int32_t *name_slot(const gr_tokenizer *tok, const char *bytes, size_t length) {
    size_t at = (size_t)gr__hash(bytes, length) & tok->names_mask;
    for (; tok->names[at] >= 0; at = (at + 1) & tok->names_mask) {
        const gr__token *t = &tok->tokens[tok->names[at]];
        if (t->length == length && !memcmp(tok->bytes + t->start, bytes, length))
            break;
    }
    return &tok->names[at];
}

int32_t gr__pieces_find(const gr_tokenizer *tok, const char *bytes, size_t length) {
    return *name_slot(tok, bytes, length);
}

gr_status gr__pieces_index(gr_tokenizer *tok, const char *place, gr_error *err) {
    size_t size = 16;
    while (size < 2 * tok->count)
        size *= 2;
    tok->names_mask = size - 1;
    tok->names = gr_alloc(size * sizeof *tok->names);
    memset(tok->names, -1, size * sizeof *tok->names);

    /* Only plain tokens come out of encoding; each must be the only one with its bytes. */
    for (size_t i = 0; i < tok->count; i++) {
        const gr__token *t = &tok->tokens[i];
        if (t->kind != GR__TOKEN_PLAIN)
            continue;
        int32_t *slot = name_slot(tok, tok->bytes + t->start, t->length);
        if (*slot >= 0)
            return gr_error_set(err, GR_ERR_FORMAT, place, "each piece has one id",
                                "the tokens %d and %zu are the same piece", (int)*slot, i);
        *slot = (int32_t)i;
    }

    /* The space in front of a text must be a token. */
    if (tok->rules.prefix != GR__PREFIX_NONE && gr__pieces_find(tok, " ", 1) < 0)
        return gr_error_set(err, GR_ERR_FORMAT, place, "texts begin with a space here, which needs its token",
                            "no token for the space " GR__SPACE_MARK);
    return GR_OK;
}

/* ---- merges from scores ---- */

/* The ways to cut a piece into two others, between characters. */
static void cut_piece(gr_tokenizer *tok, int32_t id) {
    const gr__token *t = &tok->tokens[id];
    const char *bytes = tok->bytes + t->start;

    /* Each border between characters, up to one that is no valid character. */
    for (size_t at = gr_utf8_length(bytes, t->length), n = 1; n && at < t->length; at += n) {
        int32_t left = gr__pieces_find(tok, bytes, at), right = gr__pieces_find(tok, bytes + at, t->length - at);
        if (left >= 0 && right >= 0)
            gr__tokenizer_merge(tok, left, right, id);
        n = gr_utf8_length(bytes + at, t->length - at);
    }
}

/* The highest score first; among equals by id and halves, so that the order is the same everywhere. */
static int by_score(const void *a, const void *b, void *of) {
    const gr__merge *p = a, *q = b;
    const float *scores = of;
    float s = scores[p->id], t = scores[q->id];
    if (s != t)
        return s < t ? 1 : -1;
    if (p->id != q->id)
        return p->id < q->id ? -1 : 1;
    return p->left != q->left ? (p->left < q->left ? -1 : 1) : (p->right > q->right) - (p->right < q->right);
}

void gr__pieces_merges(gr_tokenizer *tok) {
    for (size_t i = 0; i < tok->count; i++)
        if (tok->tokens[i].kind == GR__TOKEN_PLAIN)
            cut_piece(tok, (int32_t)i);

    /* The best first. */
    if (tok->merges_count)
        qsort_r(tok->merges, tok->merges_count, sizeof *tok->merges, by_score, tok->scores);

    /* Equal scores are equal ranks: of those the leftmost pair in a text is merged first. */
    for (size_t i = 0; i < tok->merges_count; i++) {
        gr__merge *m = &tok->merges[i];
        bool tie = i && tok->scores[m[-1].id] == tok->scores[m->id];
        m->rank = tie ? m[-1].rank : (int32_t)i;
    }
}

/* ---- characters ---- */

/* Whether each of these bytes has a token. */
static bool has_bytes(const gr_tokenizer *tok, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (tok->byte_id[(uint8_t)text[i]] < 0)
            return false;
    return true;
}

/* The tokens of one character, or of one byte that belongs to none; returns the new number of tokens. */
static size_t put_character(const gr_tokenizer *tok, int32_t *ids, size_t count, const char *text, size_t n,
                            bool valid) {
    int32_t id = valid ? gr__pieces_find(tok, text, n) : -1;
    if (id >= 0) {
        ids[count++] = id;
    } else if (has_bytes(tok, text, n)) {
        for (size_t i = 0; i < n; i++)
            ids[count++] = tok->byte_id[(uint8_t)text[i]];
    } else if (!tok->rules.fuse_unknown || !count || ids[count - 1] != tok->unknown) {
        ids[count++] = tok->unknown;
    }
    return count;
}

size_t gr__pieces_symbols(const gr_tokenizer *tok, int32_t *ids, const char *text, size_t length, bool begins) {
    const gr__piece_rules *rules = &tok->rules;
    size_t count = 0, mark = strlen(GR__SPACE_MARK);
    bool spaced = length && (text[0] == ' ' || (length >= mark && !memcmp(text, GR__SPACE_MARK, mark)));

    /* The space in front of a text, unless the rules say that the text's own is enough. */
    if (length && begins && rules->prefix != GR__PREFIX_NONE && !(rules->prefix_missing && spaced))
        ids[count++] = gr__pieces_find(tok, " ", 1);

    /* Character by character; the mark that stands for a space is one, and bytes of no character go one by one. */
    for (size_t at = 0, n; at < length; at += n) {
        size_t valid = gr_utf8_length(text + at, length - at);
        n = valid ? valid : 1;
        if (valid == mark && !memcmp(text + at, GR__SPACE_MARK, mark))
            count = put_character(tok, ids, count, " ", 1, true);
        else
            count = put_character(tok, ids, count, text + at, n, valid > 0);
    }
    return count;
}
