#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "data/tokenizer.h"

/* White space is spelled out as Unicode's White_Space: PCRE2's own \s would add U+180E. */
#define SPACE "\\p{Z}\\t-\\r\\x{85}"
static const char PATTERN[] = "'(?:s|t|re|ve|m|ll|d)| ?\\p{L}+| ?\\p{N}+| ?[^" SPACE "\\p{L}\\p{N}]+"
                              "|[" SPACE "]+(?![^" SPACE "])|[" SPACE "]+";

enum {
    STEPS_MAX = 10000000, /* of one match; a run of a million spaces takes about a million */
    HEAP_MAX = 65536,     /* KiB of one match, where there is no compiled code for it */
    PATTERN_MAX = 4096,   /* bytes */
    PIECE_MAX = 1 << 30   /* bytes; longer pieces are cut, so that positions fit 32 bits */
};

/* ---- building ---- */

static void *pattern_alloc(size_t size, void *unused) {
    (void)unused;
    return gr_alloc(size);
}

static void pattern_free(void *block, void *unused) {
    (void)unused;
    gr_free(block);
}

gr_status gr__tokenizer_new(gr_tokenizer **out, const char *pattern, const char *place, gr_error *err) {
    *out = NULL;
    const char *text = pattern ? pattern : PATTERN;
    if (strlen(text) > PATTERN_MAX)
        return gr_error_set(err, GR_ERR_FORMAT, place, "the expression that splits text is at most 4096 bytes long",
                            "the pattern has %zu bytes", strlen(text));
    gr_tokenizer *tok = gr_alloc(sizeof *tok);
    tok->end = -1;
    tok->pattern = gr_strdup(pattern);
    tok->memory = pcre2_general_context_create(pattern_alloc, pattern_free, NULL);
    pcre2_compile_context *context = pcre2_compile_context_create(tok->memory);
    int code = 0;
    size_t offset = 0;
    tok->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C,
                              &code, &offset, context);
    pcre2_compile_context_free(context);
    if (!tok->code) {
        char why[160] = "";
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
        gr_tokenizer_free(tok);
        return gr_error_set(err, GR_ERR_FORMAT, place, "patterns are in the syntax of PCRE2",
                            "the pattern does not compile at its byte %zu: %s", offset, why);
    }
    pcre2_jit_compile(tok->code, PCRE2_JIT_COMPLETE); /* where it fails, matching is interpreted */
    *out = tok;
    return GR_OK;
}

void gr_tokenizer_free(gr_tokenizer *tok) {
    if (!tok)
        return;
    pcre2_code_free(tok->code);
    pcre2_general_context_free(tok->memory);
    gr_free(tok->pattern);
    gr_free(tok->slots);
    gr_free(tok->merges);
    gr_free(tok->bytes);
    gr_free(tok->tokens);
    gr_free(tok);
}

static void append_bytes(char **list, size_t *count, size_t *capacity, const char *bytes, size_t length) {
    *list = gr__grow(*list, capacity, *count + length, 1);
    if (length)
        memcpy(*list + *count, bytes, length);
    *count += length;
}

void gr__tokenizer_add(gr_tokenizer *tok, const char *bytes, size_t length, int kind) {
    assert(tok->count < INT32_MAX);
    GR_PUSH(tok->tokens, tok->count, tok->capacity) = (gr__token){tok->bytes_count, length, kind};
    append_bytes(&tok->bytes, &tok->bytes_count, &tok->bytes_capacity, bytes, length);
}

void gr__tokenizer_merge(gr_tokenizer *tok, int32_t left, int32_t right, int32_t id) {
    assert(tok->merges_count < INT32_MAX);
    GR_PUSH(tok->merges, tok->merges_count, tok->merges_capacity) = (gr__merge){left, right, id};
}

/* The slot of a pair, or the empty one where it belongs. */
static gr__slot *slot_of(const gr_tokenizer *tok, int32_t left, int32_t right) {
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(h ^ h >> 32) & tok->mask;
    while (tok->slots[i].rank >= 0 && (tok->slots[i].left != left || tok->slots[i].right != right))
        i = (i + 1) & tok->mask;
    return &tok->slots[i];
}

static bool spells(const gr_tokenizer *tok, gr__merge m) {
    const gr__token *l = &tok->tokens[m.left], *r = &tok->tokens[m.right], *w = &tok->tokens[m.id];
    return w->length == l->length + r->length && !memcmp(tok->bytes + w->start, tok->bytes + l->start, l->length) &&
           !memcmp(tok->bytes + w->start + l->length, tok->bytes + r->start, r->length);
}

static gr_status seal_bytes(gr_tokenizer *tok, const char *place, gr_error *err) {
    memset(tok->byte_id, -1, sizeof tok->byte_id);
    for (size_t i = 0; i < tok->count; i++) {
        const gr__token *t = &tok->tokens[i];
        if (t->kind == GR__TOKEN_PLAIN && t->length == 1)
            tok->byte_id[(uint8_t)tok->bytes[t->start]] = (int32_t)i;
        if (t->kind == GR__TOKEN_SPECIAL && t->length == strlen(GR__TOKEN_END) &&
            !memcmp(tok->bytes + t->start, GR__TOKEN_END, t->length))
            tok->end = (int)i;
    }
    for (int b = 0; b < 256; b++)
        if (tok->byte_id[b] < 0)
            return gr_error_set(err, GR_ERR_FORMAT, place,
                                "a byte-level vocabulary has a token for each of the 256 bytes",
                                "no token for the byte 0x%02x", b);
    return GR_OK;
}

gr_status gr__tokenizer_seal(gr_tokenizer *tok, const char *place, gr_error *err) {
    GR_TRY(seal_bytes(tok, place, err));
    size_t size = 16;
    while (size < 2 * tok->merges_count)
        size *= 2;
    tok->mask = size - 1;
    tok->slots = gr_alloc(size * sizeof *tok->slots);
    for (size_t i = 0; i < size; i++)
        tok->slots[i].rank = -1;
    for (size_t i = 0; i < tok->merges_count; i++) {
        gr__merge m = tok->merges[i];
        gr__slot *slot = slot_of(tok, m.left, m.right);
        if (slot->rank >= 0)
            return gr_error_set(err, GR_ERR_FORMAT, place, "each pair may be merged by one rule only",
                                "merge %zu repeats merge %d", i, (int)slot->rank);
        if (!spells(tok, m) || tok->tokens[m.id].kind == GR__TOKEN_SPECIAL)
            return gr_error_set(err, GR_ERR_FORMAT, place,
                                "a merge's result is a token that is not special and has the bytes of both halves",
                                "merge %zu of tokens %d and %d cannot give token %d", i, (int)m.left, (int)m.right,
                                (int)m.id);
        *slot = (gr__slot){m.left, m.right, (int32_t)i};
    }
    return GR_OK;
}

/* ---- pieces ---- */

void gr__split_open(gr__split *s, const gr_tokenizer *tok, const char *text, size_t length) {
    *s = (gr__split){.tok = tok, .text = text, .length = length};
    s->match = pcre2_match_data_create(1, tok->memory);
    s->limits = pcre2_match_context_create(tok->memory);
    pcre2_set_match_limit(s->limits, STEPS_MAX);
    pcre2_set_heap_limit(s->limits, HEAP_MAX);
}

void gr__split_close(gr__split *s) {
    pcre2_match_data_free(s->match);
    pcre2_match_context_free(s->limits);
}

static int match_once(gr__split *s, size_t length, uint32_t options) {
    PCRE2_SPTR subject = (PCRE2_SPTR)s->text + s->base;
    return pcre2_match(s->tok->code, subject, length, s->at - s->base, options, s->match, s->limits);
}

/* How far the text from s->at on is valid UTF-8: PCRE2 checks its whole subject in the first match of a stretch, and
 * the later ones skip that. (With PCRE2_MATCH_INVALID_UTF the interpreter would check the rest of the text in every
 * match, which is quadratic.) */
static size_t valid_until(gr__split *s) {
    if (((uint8_t)s->text[s->at] & 0xc0) == 0x80) /* reported without a position */
        return s->at;
    int got = match_once(s, s->length - s->base, PCRE2_NOTEMPTY);
    if (got > PCRE2_ERROR_UTF8_ERR1 || got < PCRE2_ERROR_UTF8_ERR21)
        return s->length;
    return s->base + pcre2_get_startchar(s->match);
}

/* Sets begin and finish to the next match, or to the end of the stretch. */
static gr_status split_find(gr__split *s, gr_error *err) {
    if (s->at == s->valid) {
        s->base = s->at;
        s->valid = valid_until(s);
        if (s->valid == s->at) { /* a byte of no character */
            s->begin = s->at;
            s->valid = s->finish = s->at + 1;
            return GR_OK;
        }
    }
    size_t length = s->valid - s->base;
    int got = match_once(s, length, PCRE2_NOTEMPTY | PCRE2_NO_UTF_CHECK);
    if (got == PCRE2_ERROR_JIT_STACKLIMIT)
        got = match_once(s, length, PCRE2_NOTEMPTY | PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT);
    if (got < 0 && got != PCRE2_ERROR_NOMATCH) {
        char why[160] = "";
        pcre2_get_error_message(got, (PCRE2_UCHAR *)why, sizeof why);
        return gr_error_set(err, GR_ERR_FORMAT, "tokenizer",
                            "the pattern in tokenizer.json may need endless backtracking",
                            "the pattern gave up at byte %zu of %zu: %s", s->at, s->length, why);
    }
    const size_t *found = pcre2_get_ovector_pointer(s->match);
    bool usable = got >= 0 && found[0] < found[1] && s->base + found[0] >= s->at;
    s->begin = usable ? s->base + found[0] : s->valid;
    s->finish = usable ? s->base + found[1] : s->valid;
    return GR_OK;
}

gr_status gr__split_next(gr__split *s, const char **piece, size_t *length, gr_error *err) {
    *length = 0;
    if (s->at == s->length)
        return GR_OK;
    if (s->at >= s->finish)
        GR_TRY(split_find(s, err));
    size_t stop = s->at < s->begin ? s->begin : s->finish; /* what no match covers is a piece too */
    *piece = s->text + s->at;
    *length = stop - s->at < PIECE_MAX ? stop - s->at : PIECE_MAX;
    s->at += *length;
    return GR_OK;
}

/* ---- encoding ---- */

#define NONE UINT32_MAX

typedef struct node {
    int32_t id; /* -1: joined to its left neighbour */
    uint32_t prev, next;
} node;

/* Scratch of one call: the piece as a linked list, and a min-heap of rank << 32 | position. */
typedef struct work {
    node *nodes;
    size_t nodes_capacity;
    uint64_t *heap;
    size_t heap_count, heap_capacity;
} work;

static void heap_push(work *w, uint64_t key) {
    GR_PUSH(w->heap, w->heap_count, w->heap_capacity) = key;
    size_t i = w->heap_count - 1;
    for (; i && w->heap[(i - 1) / 2] > key; i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = key;
}

static uint64_t heap_pop(work *w) {
    uint64_t top = w->heap[0], key = w->heap[--w->heap_count];
    size_t i = 0, n = w->heap_count;
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && w->heap[child + 1] < w->heap[child])
            child++;
        if (w->heap[child] >= key)
            break;
        w->heap[i] = w->heap[child];
    }
    w->heap[i] = key;
    return top;
}

/* Offers the pair that starts at position i. */
static void offer(const gr_tokenizer *tok, work *w, uint32_t i) {
    if (i == NONE || w->nodes[i].next == NONE)
        return;
    const gr__slot *slot = slot_of(tok, w->nodes[i].id, w->nodes[w->nodes[i].next].id);
    if (slot->rank >= 0)
        heap_push(w, (uint64_t)slot->rank << 32 | i);
}

static void join(const gr_tokenizer *tok, work *w, uint64_t key) {
    uint32_t i = (uint32_t)key, j = w->nodes[i].next;
    const gr__merge *m = &tok->merges[key >> 32];
    if (j == NONE || w->nodes[i].id != m->left || w->nodes[j].id != m->right)
        return; /* an earlier merge took one of them */
    w->nodes[i].id = m->id;
    w->nodes[i].next = w->nodes[j].next;
    w->nodes[j].id = -1;
    if (w->nodes[i].next != NONE)
        w->nodes[w->nodes[i].next].prev = i;
    offer(tok, w, w->nodes[i].prev);
    offer(tok, w, i);
}

static void encode_piece(const gr_tokenizer *tok, work *w, const char *piece, size_t length) {
    uint32_t n = (uint32_t)length;
    w->nodes = gr__grow(w->nodes, &w->nodes_capacity, n, sizeof *w->nodes);
    for (uint32_t i = 0; i < n; i++)
        w->nodes[i] = (node){tok->byte_id[(uint8_t)piece[i]], i ? i - 1 : NONE, i + 1 < n ? i + 1 : NONE};
    w->heap_count = 0;
    for (uint32_t i = 0; i < n; i++)
        offer(tok, w, i);
    while (w->heap_count)
        join(tok, w, heap_pop(w));
}

gr_status gr_tokenizer_encode(const gr_tokenizer *tok, int32_t **ids, size_t *count, size_t *capacity, const char *text,
                              size_t length, gr_error *err) {
    size_t before = *count, n = 0;
    const char *piece = NULL;
    work w = {0};
    gr__split split;
    gr__split_open(&split, tok, text, length);
    gr_status status;
    while ((status = gr__split_next(&split, &piece, &n, err)) == GR_OK && n) {
        encode_piece(tok, &w, piece, n);
        for (uint32_t i = 0; i != NONE; i = w.nodes[i].next)
            GR_PUSH(*ids, *count, *capacity) = w.nodes[i].id;
    }
    if (status != GR_OK)
        *count = before;
    gr__split_close(&split);
    gr_free(w.nodes);
    gr_free(w.heap);
    return status;
}

/* ---- decoding and looking ---- */

const char *gr_tokenizer_token(const gr_tokenizer *tok, int id, size_t *length) {
    *length = 0;
    if (id < 0 || (size_t)id >= tok->count)
        return NULL;
    *length = tok->tokens[id].length;
    return tok->bytes + tok->tokens[id].start;
}

void gr_tokenizer_decode(const gr_tokenizer *tok, char **text, size_t *count, size_t *capacity, const int32_t *ids,
                         size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t length = 0;
        const char *bytes = gr_tokenizer_token(tok, ids[i], &length);
        if (bytes && tok->tokens[ids[i]].kind != GR__TOKEN_SPECIAL)
            append_bytes(text, count, capacity, bytes, length);
    }
}

int gr_tokenizer_size(const gr_tokenizer *tok) { return (int)tok->count; }

int gr_tokenizer_end(const gr_tokenizer *tok) { return tok->end; }

bool gr_tokenizer_equal(const gr_tokenizer *a, const gr_tokenizer *b) {
    if (a->count != b->count || a->merges_count != b->merges_count || a->bytes_count != b->bytes_count ||
        strcmp(a->pattern ? a->pattern : PATTERN, b->pattern ? b->pattern : PATTERN) != 0)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->tokens[i].length != b->tokens[i].length || a->tokens[i].kind != b->tokens[i].kind)
            return false;
    for (size_t i = 0; i < a->merges_count; i++)
        if (a->merges[i].left != b->merges[i].left || a->merges[i].right != b->merges[i].right ||
            a->merges[i].id != b->merges[i].id)
            return false;
    return !memcmp(a->bytes, b->bytes, a->bytes_count);
}
