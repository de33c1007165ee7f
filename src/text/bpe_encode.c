/* bpe_encode.c - applies the merges of a vocabulary to a text: of all pairs in it the best is merged first, the
 * leftmost of equals.
 *
 * The tokens of a text are a linked list, so that a merge costs no copying. Pairs that have a merge wait in a heap,
 * ordered by rank, then by position. A merge makes new pairs with its neighbours, which enter the heap, and leaves
 * stale entries there, which are noticed when they come up. So n tokens take O(n log n). */
#include <string.h>

#include "base/mem.h"
#include "base/stop.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

static const char encoding_text[] = "encoding the corpus";

enum { SPAN_MAX = 1 << 30 }; /* bytes of text that are merged as one, so that positions fit 32 bits */

#define NONE UINT32_MAX

typedef struct node {
    int32_t id;          /* -1: joined to its left neighbour */
    uint32_t prev, next; /* neighbours in the list, NONE at its ends */
} node;

/* Scratch of one call: the tokens as a linked list, and a min-heap of rank << 32 | position. */
typedef struct work {
    node *nodes;
    size_t nodes_capacity;
    int32_t *symbols;
    size_t symbols_capacity;
    uint64_t *heap;
    size_t heap_count, heap_capacity;
    const volatile sig_atomic_t *stop; /* of the caller; NULL: never */
} work;

/* Moves the key up until its parent is not greater. */
static void heap_push(work *w, uint64_t key) {
    GR_PUSH(w->heap, w->heap_count, w->heap_capacity) = key;
    size_t i = w->heap_count - 1;
    for (; i && w->heap[(i - 1) / 2] > key; i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = key;
}

/* Takes the least key away. The last one fills the hole and moves down, past children that are less. */
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

/* The merge of the pair that starts at position i, or NULL. */
static const gr__merge *merge_at(const gr_tokenizer *tok, const work *w, uint32_t i) {
    if (i == NONE || w->nodes[i].id < 0 || w->nodes[i].next == NONE)
        return NULL;

    /* Where no token has a space but at its start, a token that begins with one begins a word: nothing joins it from
     * the left. */
    int32_t right = w->nodes[w->nodes[i].next].id;
    if (tok->rules.words && tok->bytes[tok->tokens[right].start] == ' ')
        return NULL;
    const gr__merge_slot *slot = gr__tokenizer_slot(tok, w->nodes[i].id, right);
    return slot->at >= 0 ? &tok->merges[slot->at] : NULL;
}

/* Puts the pair that starts at position i into the heap, if there is a merge for it. */
static void offer(const gr_tokenizer *tok, work *w, uint32_t i) {
    const gr__merge *m = merge_at(tok, w, i);
    if (m)
        heap_push(w, (uint64_t)m->rank << 32 | i);
}

/* Carries out the merge that came up. `key` was written when the pair was there; it is stale if one of its tokens has
 * been merged since, so that another pair, or none, starts at that position now. */
static void join(const gr_tokenizer *tok, work *w, uint64_t key) {
    uint32_t i = (uint32_t)key;
    const gr__merge *m = merge_at(tok, w, i);
    if (!m || (uint64_t)m->rank != key >> 32)
        return; /* an earlier merge took one of them */

    /* The left token becomes the result, the right one leaves the list. */
    uint32_t j = w->nodes[i].next;
    w->nodes[i].id = m->id;
    w->nodes[i].next = w->nodes[j].next;
    w->nodes[j].id = -1;
    if (w->nodes[i].next != NONE)
        w->nodes[w->nodes[i].next].prev = i;

    /* The result makes a new pair with each neighbour. */
    offer(tok, w, w->nodes[i].prev);
    offer(tok, w, i);
}

/* Joins the first n tokens that w->symbols holds. */
static void merge_symbols(const gr_tokenizer *tok, work *w, size_t count) {
    uint32_t n = (uint32_t)count;
    w->nodes = gr__grow(w->nodes, &w->nodes_capacity, n, sizeof *w->nodes);
    for (uint32_t i = 0; i < n; i++)
        w->nodes[i] = (node){w->symbols[i], i ? i - 1 : NONE, i + 1 < n ? i + 1 : NONE};

    /* All pairs that can be merged, then the best one as long as there is one. */
    w->heap_count = 0;
    for (uint32_t i = 0; i < n; i++)
        offer(tok, w, i);
    while (w->heap_count)
        join(tok, w, heap_pop(w));
}

/* Where the ids of a call go. */
typedef struct out {
    int32_t **ids;
    size_t *count, *capacity;
} out;

/* Appends what is left of the list: the tokens of the stretch of text that was merged. */
static void emit(const work *w, const out *o) {
    for (uint32_t i = 0; i != NONE; i = w->nodes[i].next)
        GR_PUSH(*o->ids, *o->count, *o->capacity) = w->nodes[i].id;
}

/* Byte-level: piece by piece. */
static gr_status encode_bytes(const gr_tokenizer *tok, work *w, const out *o, const char *text, size_t length,
                              gr_error *err) {
    const char *piece = NULL;
    size_t n = 0;
    gr__split split;

    /* Each piece that the pattern cuts is merged by itself, from its bytes. */
    gr__split_open(&split, tok, text, length);
    gr_status status;
    while ((status = gr__split_next(&split, &piece, &n, err)) == GR_OK && n) {
        if ((status = gr__go_on(w->stop, encoding_text, err)) != GR_OK)
            break;
        w->symbols = gr__grow(w->symbols, &w->symbols_capacity, n, sizeof *w->symbols);
        for (size_t i = 0; i < n; i++)
            w->symbols[i] = tok->byte_id[(uint8_t)piece[i]];
        merge_symbols(tok, w, n);
        emit(w, o);
    }
    gr__split_close(&split);
    return status;
}

/* Pieces: all of the text at once; only what is too long for that is cut, between characters. */
static gr_status encode_pieces(const gr_tokenizer *tok, work *w, const out *o, const char *text, size_t length,
                               bool first, gr_error *err) {
    bool begins = first || tok->rules.prefix == GR__PREFIX_ALWAYS;

    /* A cut falls between characters: go back over bytes that continue one. */
    for (size_t at = 0, n; at < length; at += n) {
        GR_TRY(gr__go_on(w->stop, encoding_text, err));
        n = length - at < SPAN_MAX ? length - at : SPAN_MAX;
        while (at + n < length && n > SPAN_MAX - 3 && ((uint8_t)text[at + n] & 0xc0) == 0x80)
            n--;

        /* One symbol more than there are bytes, for the space in front. */
        w->symbols = gr__grow(w->symbols, &w->symbols_capacity, n + 1, sizeof *w->symbols);
        merge_symbols(tok, w, gr__pieces_symbols(tok, w->symbols, text + at, n, begins && !at));
        emit(w, o);
    }
    return GR_OK;
}

/* Text between tokens that are listed apart, by the kind of the vocabulary. */
static gr_status encode_plain(const gr_tokenizer *tok, work *w, const out *o, const char *text, size_t length,
                              bool first, gr_error *err) {
    if (!tok->pieces)
        return encode_bytes(tok, w, o, text, length, err);
    return encode_pieces(tok, w, o, text, length, first, err);
}

/* A text while it is encoded. */
typedef struct encoding {
    const gr_tokenizer *tok;
    const out *to;
    const char *text;
    work w;
} encoding;

static gr_status put_stretch(void *user, size_t from, size_t to, gr_error *err) {
    encoding *e = user;
    return encode_plain(e->tok, &e->w, e->to, e->text + from, to - from, from == 0, err);
}

static void put_token(void *user, int32_t id) {
    const out *to = ((encoding *)user)->to;
    GR_PUSH(*to->ids, *to->count, *to->capacity) = id;
}

/* Tokens that are listed apart are found first (tokenizer_added.c); what lies between them is merged. After an error
 * the list of ids is as long as before. */
static gr_status encode(const gr_tokenizer *tok, const out *o, const char *text, size_t length, bool special,
                        const volatile sig_atomic_t *stop, gr_error *err) {
    size_t before = *o->count;
    encoding e = {.tok = tok, .to = o, .text = text, .w.stop = stop};
    gr_status status = gr__added_walk(tok, &(gr__added_user){put_stretch, put_token, &e}, text, length, special, err);
    if (status != GR_OK)
        *o->count = before;
    gr_free(e.w.nodes);
    gr_free(e.w.symbols);
    gr_free(e.w.heap);
    return status;
}

gr_status gr_tokenizer_encode(const gr_tokenizer *tok, int32_t **ids, size_t *count, size_t *capacity, const char *text,
                              size_t length, gr_error *err) {
    return encode(tok, &(out){ids, count, capacity}, text, length, false, NULL, err);
}

gr_status gr_tokenizer_encode_special(const gr_tokenizer *tok, int32_t **ids, size_t *count, size_t *capacity,
                                      const char *text, size_t length, gr_error *err) {
    return encode(tok, &(out){ids, count, capacity}, text, length, true, NULL, err);
}

gr_status gr__tokenizer_encode_until(const gr_tokenizer *tok, int32_t **ids, size_t *count, size_t *capacity,
                                     const gr_text *text, const volatile sig_atomic_t *stop, gr_error *err) {
    return encode(tok, &(out){ids, count, capacity}, text->data, text->length, false, stop, err);
}
