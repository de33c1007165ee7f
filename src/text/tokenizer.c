/* tokenizer.c - a tokenizer while it is built from tokens and merges, and what can be asked of one besides encoding.
 *
 * Readers of vocabularies add tokens and merges in any way they like; gr__tokenizer_seal then builds the tables that
 * encoding needs and refuses whatever would break the promise that decoding inverts encoding. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "io/digest.h"
#include "text/tokenizer.h"

/* ---- building ---- */

gr_tokenizer *gr__tokenizer_new_pieces(const gr__piece_rules *rules) {
    gr_tokenizer *tok = gr_alloc(sizeof *tok);
    tok->start = tok->end = tok->unknown = -1;
    tok->pieces = true;
    tok->rules = *rules;
    return tok;
}

void gr_tokenizer_free(gr_tokenizer *tok) {
    if (!tok)
        return;

    /* Compiled patterns belong to their engines. */
    if (tok->regex)
        onig_free(tok->regex);
    pcre2_code_free(tok->code);
    pcre2_general_context_free(tok->memory);

    /* Tables. */
    gr_free(tok->pattern);
    gr_free(tok->names);
    gr_free(tok->scores);
    gr_free(tok->added);
    gr_free(tok->slots);
    gr_free(tok->merges);
    gr_free(tok->bytes);
    gr_free(tok->tokens);
    gr_free(tok);
}

/* Appends to a growing array of bytes. */
static void append_bytes(char **list, size_t *count, size_t *capacity, const char *bytes, size_t length) {
    *list = gr__grow(*list, capacity, *count + length, 1);
    if (length)
        memcpy(*list + *count, bytes, length);
    *count += length;
}

/* The next id gets these bytes. */
void gr__tokenizer_add(gr_tokenizer *tok, const char *bytes, size_t length, int kind) {
    assert(tok->count < INT32_MAX);
    GR_PUSH(tok->tokens, tok->count, tok->capacity) = (gr__token){tok->bytes_count, length, (uint8_t)kind, 0};
    append_bytes(&tok->bytes, &tok->bytes_count, &tok->bytes_capacity, bytes, length);
}

void gr__tokenizer_merge(gr_tokenizer *tok, int32_t left, int32_t right, int32_t id) {
    assert(tok->merges_count < INT32_MAX);
    int32_t rank = (int32_t)tok->merges_count;
    GR_PUSH(tok->merges, tok->merges_count, tok->merges_capacity) = (gr__merge){left, right, id, rank};
}

void gr__tokenizer_score(gr_tokenizer *tok, const float *scores) {
    tok->scores = gr_alloc(tok->count * sizeof *scores);
    if (tok->count)
        memcpy(tok->scores, scores, tok->count * sizeof *scores);
}

int gr__byte_name(const char *text, size_t length) {
    static const char digits[] = "0123456789ABCDEF";
    if (length != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>')
        return -1;

    /* The place of a digit in the list is its value. */
    const char *high = memchr(digits, text[3], 16), *low = memchr(digits, text[4], 16);
    return high && low ? (int)((high - digits) * 16 + (low - digits)) : -1;
}

/* ---- sealing ---- */

/* Linear probing; see bpe_train.c for the multiplier. */
gr__merge_slot *gr__tokenizer_slot(const gr_tokenizer *tok, int32_t left, int32_t right) {
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(h ^ h >> 32) & tok->mask;
    while (tok->slots[i].at >= 0 && (tok->slots[i].left != left || tok->slots[i].right != right))
        i = (i + 1) & tok->mask;
    return &tok->slots[i];
}

/* Whether the bytes of a merge's result are those of its two halves, one behind the other. */
static bool spells(const gr_tokenizer *tok, gr__merge m) {
    const gr__token *l = &tok->tokens[m.left], *r = &tok->tokens[m.right], *w = &tok->tokens[m.id];
    return w->length == l->length + r->length && !memcmp(tok->bytes + w->start, tok->bytes + l->start, l->length) &&
           !memcmp(tok->bytes + w->start + l->length, tok->bytes + r->start, r->length);
}

/* Finds the token of each byte, and refuses a vocabulary that cannot encode some text. */
static gr_status seal_bytes(gr_tokenizer *tok, const char *place, gr_error *err) {
    int kind = tok->pieces ? GR__TOKEN_BYTE : GR__TOKEN_PLAIN;

    /* Which tokens stand for a byte depends on the alphabet: ones of a single byte, or those of the kind
     * GR__TOKEN_BYTE. */
    memset(tok->byte_id, -1, sizeof tok->byte_id);
    for (size_t i = 0; i < tok->count; i++) {
        const gr__token *t = &tok->tokens[i];
        if (t->kind != kind || t->length != 1)
            continue;
        int32_t *id = &tok->byte_id[(uint8_t)tok->bytes[t->start]];
        if (tok->pieces && *id >= 0)
            return gr_error_set(err, GR_ERR_FORMAT, place, "each byte has one token",
                                "the tokens %d and %zu stand for the same byte", (int)*id, i);
        *id = (int32_t)i;
        tok->has_byte_tokens = tok->pieces;
    }

    /* Every byte needs a token, unless an unknown token can stand for it. */
    for (int b = 0; b < 256 && tok->unknown < 0; b++)
        if (tok->byte_id[b] < 0)
            return gr_error_set(err, GR_ERR_FORMAT, place,
                                tok->pieces ? "a vocabulary of pieces has <0x00> to <0xFF>, or an unknown token"
                                            : "a byte-level vocabulary has a token for each of the 256 bytes",
                                "no token for the byte 0x%02x", b);
    return GR_OK;
}

/* The special token of this name, or -1. */
static int special(const gr_tokenizer *tok, const char *name) {
    for (size_t i = 0; i < tok->added_count; i++) {
        const gr__token *t = &tok->tokens[tok->added[i]];
        if (t->kind == GR__TOKEN_SPECIAL && t->length == strlen(name) &&
            !memcmp(tok->bytes + t->start, name, t->length))
            return tok->added[i];
    }
    return -1;
}

void gr__tokenizer_usual_ends(const gr_tokenizer *tok, int *start, int *end) {
    static const char *const ends[] = {GR__TOKEN_END, "</s>", "<eos>"}, *const starts[] = {"<s>", "<bos>"};
    *start = *end = -1;

    /* The first of the usual names that the vocabulary has. */
    for (size_t i = 0; i < sizeof ends / sizeof *ends && *end < 0; i++)
        *end = special(tok, ends[i]);
    for (size_t i = 0; i < sizeof starts / sizeof *starts && *start < 0; i++)
        *start = special(tok, starts[i]);

    /* With one of them alone, documents begin and end with the same token. */
    if (*start < 0)
        *start = *end;
    if (*end < 0)
        *end = *start;
}

/* Start and end that the reader did not settle are found by their usual names. */
static void seal_ends(gr_tokenizer *tok) {
    int start, end;
    gr__tokenizer_usual_ends(tok, &start, &end);
    if (tok->start < 0)
        tok->start = start;
    if (tok->end < 0)
        tok->end = end;
}

/* Builds the table from pair to merge, at most half full, and checks each merge. */
static gr_status seal_merges(gr_tokenizer *tok, const char *place, gr_error *err) {
    size_t size = 16;
    while (size < 2 * tok->merges_count)
        size *= 2;
    tok->mask = size - 1;
    tok->slots = gr_alloc(size * sizeof *tok->slots);
    for (size_t i = 0; i < size; i++)
        tok->slots[i].at = -1;

    /* Each pair has one merge, and the merge gives what its halves spell: else decoding would not give the text
     * back. */
    for (size_t i = 0; i < tok->merges_count; i++) {
        gr__merge m = tok->merges[i];
        gr__merge_slot *slot = gr__tokenizer_slot(tok, m.left, m.right);
        if (slot->at >= 0)
            return gr_error_set(err, GR_ERR_FORMAT, place, "each pair may be merged by one rule only",
                                "merge %zu repeats merge %d", i, (int)slot->at);
        if (!spells(tok, m) || tok->tokens[m.id].kind == GR__TOKEN_SPECIAL)
            return gr_error_set(err, GR_ERR_FORMAT, place,
                                "a merge's result is a token that is not special and has the bytes of both halves",
                                "merge %zu of tokens %d and %d cannot give token %d", i, (int)m.left, (int)m.right,
                                (int)m.id);
        *slot = (gr__merge_slot){m.left, m.right, (int32_t)i};
    }
    return GR_OK;
}

/* Tokens that merging begins with: bytes, or in a vocabulary of pieces characters. */
static bool is_start(const gr_tokenizer *tok, const gr__token *t) {
    if (t->kind != GR__TOKEN_PLAIN)
        return true;
    return tok->pieces ? gr_utf8_length(tok->bytes + t->start, t->length) == t->length : t->length == 1;
}

size_t gr__tokenizer_unmade(const gr_tokenizer *tok, size_t *first) {
    /* What is there without any merge. */
    bool *made = gr_alloc(tok->count);
    size_t unmade = 0;
    for (size_t i = 0; i < tok->count; i++)
        made[i] = is_start(tok, &tok->tokens[i]);

    /* Merges mostly stand behind those that make their halves: one pass, and another while one was of use. */
    bool useful = true;
    while (useful) {
        useful = false;
        for (size_t i = 0; i < tok->merges_count; i++) {
            const gr__merge *m = &tok->merges[i];
            bool use = made[m->left] && made[m->right] && !made[m->id];
            made[m->id] |= use;
            useful |= use;
        }
    }

    /* Count from behind, so that *first ends up as the first one. */
    for (size_t i = tok->count; i-- > 0;)
        if (!made[i]) {
            *first = i;
            unmade++;
        }
    gr_free(made);
    return unmade;
}

gr_status gr__tokenizer_seal(gr_tokenizer *tok, const char *place, gr_error *err) {
    /* Bytes first; then tokens listed apart, among which start and end are looked for. */
    GR_TRY(seal_bytes(tok, place, err));
    gr__added_seal(tok);
    seal_ends(tok);

    /* Of pieces: tokens by name, and merges from scores. */
    if (tok->pieces)
        GR_TRY(gr__pieces_index(tok, place, err));
    if (tok->scores)
        gr__pieces_merges(tok);
    return seal_merges(tok, place, err);
}

/* ---- decoding and looking ---- */

const char *gr_tokenizer_token(const gr_tokenizer *tok, int id, size_t *length) {
    *length = 0;
    if (id < 0 || (size_t)id >= tok->count)
        return NULL;
    *length = tok->tokens[id].length;
    return tok->bytes + tok->tokens[id].start;
}

void gr_tokenizer_decode_on(const gr_tokenizer *tok, char **text, size_t *count, size_t *capacity, const int32_t *ids,
                            size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t length = 0;
        const char *bytes = gr_tokenizer_token(tok, ids[i], &length);
        if (bytes && tok->tokens[ids[i]].kind != GR__TOKEN_SPECIAL)
            append_bytes(text, count, capacity, bytes, length);
    }
}

void gr_tokenizer_decode(const gr_tokenizer *tok, char **text, size_t *count, size_t *capacity, const int32_t *ids,
                         size_t n) {
    size_t before = *count;
    gr_tokenizer_decode_on(tok, text, count, capacity, ids, n);

    /* The space that encoding put in front of the text. */
    if (tok->rules.strip && *count > before && (*text)[before] == ' ') {
        (*count)--;
        memmove(*text + before, *text + before + 1, *count - before);
    }
}

int gr_tokenizer_size(const gr_tokenizer *tok) { return (int)tok->count; }

int gr_tokenizer_start(const gr_tokenizer *tok) { return tok->start; }

int gr_tokenizer_end(const gr_tokenizer *tok) { return tok->end; }

int gr_tokenizer_unknown(const gr_tokenizer *tok) { return tok->unknown; }

/* Whether two vocabularies treat texts alike, whatever their tokens. */
static bool same_rules(const gr_tokenizer *a, const gr_tokenizer *b) {
    const gr__piece_rules *p = &a->rules, *q = &b->rules;
    const char *in_a = a->pattern ? a->pattern : gr__tokenizer_pattern;
    const char *in_b = b->pattern ? b->pattern : gr__tokenizer_pattern;
    return a->pieces == b->pieces && p->prefix == q->prefix && p->prefix_missing == q->prefix_missing &&
           p->words == q->words && p->strip == q->strip && p->fuse_unknown == q->fuse_unknown && a->start == b->start &&
           a->end == b->end && a->unknown == b->unknown && a->matches_only == b->matches_only &&
           strcmp(in_a, in_b) == 0;
}

bool gr_tokenizer_equal(const gr_tokenizer *a, const gr_tokenizer *b) {
    if (a->count != b->count || a->merges_count != b->merges_count || a->bytes_count != b->bytes_count ||
        !same_rules(a, b))
        return false;

    /* The same tokens, found in the same way. */
    for (size_t i = 0; i < a->count; i++)
        if (a->tokens[i].length != b->tokens[i].length || a->tokens[i].kind != b->tokens[i].kind ||
            a->tokens[i].find != b->tokens[i].find)
            return false;

    /* The same merges; the bytes of all tokens are one array. */
    for (size_t i = 0; i < a->merges_count; i++)
        if (a->merges[i].left != b->merges[i].left || a->merges[i].right != b->merges[i].right ||
            a->merges[i].id != b->merges[i].id || a->merges[i].rank != b->merges[i].rank)
            return false;
    return !a->bytes_count || !memcmp(a->bytes, b->bytes, a->bytes_count);
}

static void add_int(gr_digest *digest, int64_t value) { gr_digest_add(digest, &value, sizeof value); }

void gr__tokenizer_digest(const gr_tokenizer *tok, gr_digest *digest) {
    const gr__piece_rules *r = &tok->rules;
    const char *pattern = tok->pattern ? tok->pattern : gr__tokenizer_pattern;

    /* How texts are treated; lengths first, so that no two vocabularies are one row of bytes. */
    const int64_t rules[] = {tok->pieces,     r->prefix,  r->prefix_missing, r->words,     r->strip,
                             r->fuse_unknown, tok->start, tok->end,          tok->unknown, tok->matches_only};
    gr_digest_add(digest, rules, sizeof rules);
    gr_digest_add(digest, pattern, strlen(pattern) + 1);

    /* Tokens, then merges: field by field, for a struct has gaps. */
    add_int(digest, (int64_t)tok->count);
    for (size_t i = 0; i < tok->count; i++) {
        const gr__token *t = &tok->tokens[i];
        const int64_t token[] = {(int64_t)t->length, t->kind, t->find};
        gr_digest_add(digest, token, sizeof token);
        gr_digest_add(digest, tok->bytes + t->start, t->length);
    }
    add_int(digest, (int64_t)tok->merges_count);
    for (size_t i = 0; i < tok->merges_count; i++) {
        const gr__merge *m = &tok->merges[i];
        const int64_t merge[] = {m->left, m->right, m->id, m->rank};
        gr_digest_add(digest, merge, sizeof merge);
    }
}
