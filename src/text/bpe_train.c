/* bpe_train.c - learns merges from text (byte-pair encoding: Gage, "A new algorithm for data compression", 1994;
 * Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword units", 2016).
 *
 * Equal pieces of text are counted once; each keeps its current tokens. A table holds, for every pair of neighbours,
 * how often it occurs and the pieces it was seen in, and a heap orders the pairs by count. A merge touches only the
 * pieces in its pair's list. Heap entries are not updated when a count falls: on top, they are compared with the table
 * and put back where they belong. */
#include <string.h>

#include "base/mem.h"
#include "base/names.h"
#include "base/stop.h"
#include "text/tokenizer.h"

/* ---- a table of byte strings, numbered in the order of arrival ---- */

static const char training_text[] = "training the tokenizer";

typedef struct item {
    const char *data;
    size_t length;
    uint64_t hash;
    int64_t count;         /* how often the piece occurs in the text */
    size_t start, symbols; /* a piece's tokens: trainer.symbols[start, start + symbols) */
} item;

typedef struct bag {
    item *items;
    size_t count, capacity;
    uint32_t *slots; /* index + 1, 0 is empty */
    size_t size;     /* power of two */
} bag;

/* Doubles the table and enters everything again; at most half of it is in use, so probing stays short. */
static void bag_rehash(bag *b) {
    b->size = b->size ? b->size * 2 : 1024;
    gr_free(b->slots);
    b->slots = gr_alloc(b->size * sizeof *b->slots);
    for (size_t i = 0; i < b->count; i++) {
        size_t at = b->items[i].hash & (b->size - 1);
        while (b->slots[at])
            at = (at + 1) & (b->size - 1);
        b->slots[at] = (uint32_t)i + 1;
    }
}

/* Index of a string, added if it is new; data must stay. */
static size_t bag_index(bag *b, const char *data, size_t length) {
    if (2 * b->count >= b->size)
        bag_rehash(b);

    /* Linear probing from the place that the hash names, up to the string or an empty slot. */
    uint64_t hash = gr__hash(data, length);
    size_t at = hash & (b->size - 1);
    for (; b->slots[at]; at = (at + 1) & (b->size - 1)) {
        const item *it = &b->items[b->slots[at] - 1];
        if (it->hash == hash && it->length == length && !memcmp(it->data, data, length))
            return b->slots[at] - 1;
    }

    /* New: it gets the next number. */
    b->slots[at] = (uint32_t)b->count + 1;
    GR_PUSH(b->items, b->count, b->capacity) = (item){.data = data, .length = length, .hash = hash};
    return b->count - 1;
}

static void bag_free(bag *b) {
    gr_free(b->items);
    gr_free(b->slots);
}

/* ---- pairs ---- */

typedef struct pair {
    int32_t left, right;
    int64_t count;
    int32_t touched;  /* by which merge last, so that it enters the heap once */
    uint32_t *pieces; /* where it was seen; may name pieces that have lost it */
    size_t pieces_count, pieces_capacity;
} pair;

typedef struct entry {
    int64_t count; /* of the pair, when the entry was pushed */
    uint32_t pair;
} entry;

typedef struct trainer {
    bag pieces; /* the different pieces of the text */
    bag tokens; /* item i is id i + 1; id 0 is the token that ends a document */
    gr_arena *names;
    int32_t *symbols; /* current tokens of all pieces, each with room for its bytes */
    pair *pairs;
    size_t pairs_count, pairs_capacity;
    uint32_t *slots; /* index + 1 */
    size_t size;
    entry *heap; /* largest count first */
    size_t heap_count, heap_capacity;
    uint32_t *fresh; /* pairs that the current merge made more frequent */
    size_t fresh_count, fresh_capacity;
} trainer;

/* The slot of a pair, or the empty one where it belongs. The multiplier is 2^64 / golden ratio (Knuth, The Art of
 * Computer Programming 3, 6.4): it spreads keys that are close together. */
static size_t pair_slot(const trainer *t, int32_t left, int32_t right) {
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(h ^ h >> 32) & (t->size - 1);
    while (t->slots[at] && (t->pairs[t->slots[at] - 1].left != left || t->pairs[t->slots[at] - 1].right != right))
        at = (at + 1) & (t->size - 1);
    return at;
}

/* The number of a pair, added if it is new. */
static uint32_t pair_index(trainer *t, int32_t left, int32_t right) {
    /* Keep half of the table free, as in bag_rehash. */
    if (2 * t->pairs_count >= t->size) {
        t->size = t->size ? t->size * 2 : 4096;
        gr_free(t->slots);
        t->slots = gr_alloc(t->size * sizeof *t->slots);
        for (size_t i = 0; i < t->pairs_count; i++)
            t->slots[pair_slot(t, t->pairs[i].left, t->pairs[i].right)] = (uint32_t)i + 1;
    }

    /* A new pair has no count yet and was touched by no merge. */
    size_t at = pair_slot(t, left, right);
    if (!t->slots[at]) {
        GR_PUSH(t->pairs, t->pairs_count, t->pairs_capacity) = (pair){.left = left, .right = right, .touched = -1};
        t->slots[at] = (uint32_t)t->pairs_count;
    }
    return t->slots[at] - 1;
}

/* ---- the heap ---- */

/* The order of the heap: the most frequent pair first; among equals the pair with the lower tokens, so that the result
 * does not depend on the order of the text. */
static bool before(const trainer *t, entry a, entry b) {
    if (a.count != b.count)
        return a.count > b.count;
    const pair *p = &t->pairs[a.pair], *q = &t->pairs[b.pair];
    return p->left != q->left ? p->left < q->left : p->right < q->right;
}

/* Moves the entry up until its parent comes before it. */
static void heap_push(trainer *t, entry e) {
    GR_PUSH(t->heap, t->heap_count, t->heap_capacity) = e;
    size_t i = t->heap_count - 1;
    for (; i && before(t, e, t->heap[(i - 1) / 2]); i = (i - 1) / 2)
        t->heap[i] = t->heap[(i - 1) / 2];
    t->heap[i] = e;
}

/* Takes the top away. The last entry fills the hole and moves down, past children that come before it. */
static entry heap_pop(trainer *t) {
    entry top = t->heap[0], e = t->heap[--t->heap_count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < t->heap_count; i = child) {
        if (child + 1 < t->heap_count && before(t, t->heap[child + 1], t->heap[child]))
            child++;
        if (!before(t, t->heap[child], e))
            break;
        t->heap[i] = t->heap[child];
    }
    t->heap[i] = e;
    return top;
}

/* ---- counting and merging ---- */

/* Takes a piece's pairs out of the count, before its tokens change. */
static void count_out(trainer *t, const item *piece) {
    const int32_t *s = t->symbols + piece->start;
    for (size_t i = 1; i < piece->symbols; i++)
        t->pairs[t->slots[pair_slot(t, s[i - 1], s[i])] - 1].count -= piece->count;
}

/* Adds a piece's pairs; those that hold the new token id (all, if it is 0) are also indexed and noted as fresh. */
static void count_in(trainer *t, uint32_t which, int32_t id, int32_t step) {
    const item *piece = &t->pieces.items[which];
    const int32_t *s = t->symbols + piece->start;
    for (size_t i = 1; i < piece->symbols; i++) {
        uint32_t index = pair_index(t, s[i - 1], s[i]);
        pair *p = &t->pairs[index];
        p->count += piece->count;

        /* Pairs without the new token were known before: only their count changes back. */
        if (id && s[i - 1] != id && s[i] != id)
            continue;

        /* Index the piece once, though it may hold the pair several times; and note the pair once per merge. */
        if (!p->pieces_count || p->pieces[p->pieces_count - 1] != which)
            GR_PUSH(p->pieces, p->pieces_count, p->pieces_capacity) = which;
        if (p->touched != step)
            GR_PUSH(t->fresh, t->fresh_count, t->fresh_capacity) = index;
        p->touched = step;
    }
}

/* Enters the pairs that the merge made more frequent into the heap, with their final counts. */
static void push_fresh(trainer *t) {
    for (size_t i = 0; i < t->fresh_count; i++)
        heap_push(t, (entry){t->pairs[t->fresh[i]].count, t->fresh[i]});
    t->fresh_count = 0;
}

/* Whether the piece still has the pair: lists of pieces are not cleaned when a pair disappears. */
static bool holds(const trainer *t, const item *piece, int32_t left, int32_t right) {
    const int32_t *s = t->symbols + piece->start;
    for (size_t i = 1; i < piece->symbols; i++)
        if (s[i - 1] == left && s[i] == right)
            return true;
    return false;
}

/* Replaces each occurrence of the pair in the piece's tokens, from the left, in place. */
static void join_piece(trainer *t, item *piece, int32_t left, int32_t right, int32_t id) {
    int32_t *s = t->symbols + piece->start;
    size_t n = piece->symbols, to = 0;
    for (size_t i = 0; i < n; to++) {
        bool here = i + 1 < n && s[i] == left && s[i + 1] == right;
        s[to] = here ? id : s[i];
        i += here ? 2 : 1;
    }
    piece->symbols = to;
}

/* The id of left and right joined. Two merges may spell the same token, which then keeps its id. */
static int32_t joined_id(trainer *t, int32_t left, int32_t right) {
    const item *l = &t->tokens.items[left - 1], *r = &t->tokens.items[right - 1];
    size_t length = l->length + r->length;
    char *name = gr_arena_alloc(t->names, length);
    memcpy(name, l->data, l->length);
    memcpy(name + l->length, r->data, r->length);
    return (int32_t)bag_index(&t->tokens, name, length) + 1;
}

/* Makes one merge: the token, the rule, and all pieces that hold the pair. */
static void merge(trainer *t, gr_tokenizer *tok, uint32_t index) {
    pair top = t->pairs[index]; /* a copy: the array may move */
    t->pairs[index].pieces = NULL;
    t->pairs[index].pieces_count = t->pairs[index].pieces_capacity = 0;

    /* The token is new unless another merge spells the same bytes. */
    int32_t id = joined_id(t, top.left, top.right), step = (int32_t)tok->merges_count;
    if ((size_t)id == tok->count)
        gr__tokenizer_add(tok, t->tokens.items[id - 1].data, t->tokens.items[id - 1].length, GR__TOKEN_PLAIN);
    gr__tokenizer_merge(tok, top.left, top.right, id);

    /* Recount only the pieces of the pair: pairs go out, tokens are joined, pairs come back in. */
    for (size_t i = 0; i < top.pieces_count; i++) {
        item *piece = &t->pieces.items[top.pieces[i]];
        if (!holds(t, piece, top.left, top.right))
            continue;
        count_out(t, piece);
        join_piece(t, piece, top.left, top.right, id);
        count_in(t, top.pieces[i], id, step);
    }
    gr_free(top.pieces);
    push_fresh(t);
}

/* Merges the most frequent pair until the vocabulary is full. An entry on top may be out of date: its pair has become
 * rarer since, and goes back with its present count. */
static gr_status learn(trainer *t, gr_tokenizer *tok, size_t vocab, const volatile sig_atomic_t *stop, gr_error *err) {
    while (tok->count < vocab && t->heap_count) {
        GR_TRY(gr__go_on(stop, training_text, err));
        entry e = heap_pop(t);
        int64_t now = t->pairs[e.pair].count;
        if (now == e.count)
            merge(t, tok, e.pair);
        else if (now > 0)
            heap_push(t, (entry){now, e.pair});
    }
    return GR_OK;
}

/* ---- the start ---- */

/* Counts the pieces that the pattern cuts a document into. */
static gr_status count_pieces(trainer *t, const gr_tokenizer *tok, gr_text doc, const volatile sig_atomic_t *stop,
                              gr_error *err) {
    gr__split split;
    gr__split_open(&split, tok, doc.data, doc.length);
    const char *piece = NULL;
    size_t n = 0;
    gr_status status;
    while ((status = gr__split_next(&split, &piece, &n, err)) == GR_OK && n) {
        if ((status = gr__go_on(stop, training_text, err)) != GR_OK) /* a document may be a whole book */
            break;
        size_t index = bag_index(&t->pieces, piece, n); /* may move the items */
        t->pieces.items[index].count++;
    }
    gr__split_close(&split);
    return status;
}

/* The vocabulary that merging begins with: the end of a document, then 256 bytes, in the order in which tokenizer.json
 * spells them (as GPT-2 has it). */
static void add_bytes(trainer *t, gr_tokenizer *tok, int32_t byte_id[256]) {
    uint8_t order[256];
    gr__byte_order(order);
    gr__tokenizer_add(tok, GR__TOKEN_END, strlen(GR__TOKEN_END), GR__TOKEN_SPECIAL);
    for (int i = 0; i < 256; i++) {
        const char *name = gr_arena_strndup(t->names, (const char *)&order[i], 1);
        byte_id[order[i]] = (int32_t)bag_index(&t->tokens, name, 1) + 1;
        gr__tokenizer_add(tok, name, 1, GR__TOKEN_PLAIN);
    }
}

/* Gives every piece its bytes as first tokens, and counts all pairs. */
static void spread(trainer *t, const int32_t byte_id[256]) {
    /* A piece never has more tokens than bytes, so one array holds all of them for good. */
    size_t total = 0;
    for (size_t i = 0; i < t->pieces.count; i++)
        total += t->pieces.items[i].length;
    t->symbols = gr_alloc(total * sizeof *t->symbols);

    /* Token id 0 and a step that no merge has: every pair is indexed and enters the heap. */
    size_t at = 0;
    for (size_t i = 0; i < t->pieces.count; i++) {
        item *piece = &t->pieces.items[i];
        piece->start = at;
        piece->symbols = piece->length;
        for (size_t j = 0; j < piece->length; j++)
            t->symbols[at++] = byte_id[(uint8_t)piece->data[j]];
        count_in(t, (uint32_t)i, 0, INT32_MAX);
    }
    push_fresh(t);
}

/* Frees everything that training needed. */
static void trainer_free(trainer *t) {
    for (size_t i = 0; i < t->pairs_count; i++)
        gr_free(t->pairs[i].pieces);
    gr_free(t->pairs);
    gr_free(t->slots);
    gr_free(t->heap);
    gr_free(t->fresh);
    gr_free(t->symbols);
    gr_arena_free(t->names);
    bag_free(&t->tokens);
    bag_free(&t->pieces);
}

/* The whole course of training: count pieces, then begin with bytes, then merge. */
static gr_status train(trainer *t, gr_tokenizer *tok, const gr_text *docs, size_t count, size_t vocab,
                       const volatile sig_atomic_t *stop, gr_error *err) {
    for (size_t i = 0; i < count; i++)
        GR_TRY(count_pieces(t, tok, docs[i], stop, err));

    int32_t byte_id[256];
    add_bytes(t, tok, byte_id);
    spread(t, byte_id);
    GR_TRY(learn(t, tok, vocab, stop, err));
    return gr__tokenizer_seal(tok, "tokenizer", err);
}

gr_status gr_tokenizer_train(gr_tokenizer **out, const gr_text *docs, size_t count, int vocab,
                             const volatile sig_atomic_t *stop, gr_error *err) {
    *out = NULL;
    if (vocab < 257)
        return gr_error_set(err, GR_ERR_USAGE, "tokenizer", "256 bytes and " GR__TOKEN_END " make 257",
                            "a vocabulary of %d tokens is too small", vocab);

    /* The tokenizer cuts text before it has any token: pieces come from the pattern alone. */
    gr_tokenizer *tok = NULL;
    GR_TRY(gr__tokenizer_new(&tok, NULL, "tokenizer", err));
    trainer t = {.names = gr_arena_new()};
    gr_status status = train(&t, tok, docs, count, (size_t)vocab, stop, err);

    trainer_free(&t);
    if (status == GR_OK)
        *out = tok;
    else
        gr_tokenizer_free(tok);
    return status;
}
