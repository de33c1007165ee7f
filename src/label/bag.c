/* bag.c - documents as bags of words. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/stop.h"
#include "label/bag.h"
#include "label/text.h"
#include "text/words.h"

enum { PLACES = 1 << 18 }; /* of hashes */

/* A bag while it is made. */
typedef struct draft {
    gr__bag *bag;
    size_t used, room; /* entries */
    gr__doc_text text;
    uint32_t *place; /* [places] of the document at hand, one for each time that it has a word or pair */
    size_t places, place_room;
} draft;

/* FNV-1a (Fowler, Noll and Vo). */
static uint64_t hash_bytes(const char *bytes, size_t length) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    return h;
}

/* The place of a hash: mixed once more, since the low bits of short words differ little. */
static uint32_t place_of(uint64_t h) {
    h ^= h >> 32;
    h *= 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 46);
}

_Static_assert(PLACES == 1 << (64 - 46), "a place is the upper bits of a hash");

/* The places of a document's words and pairs of neighbours, in the order of the text. */
static void load_places(draft *b, const gr_dataset *data, const gr_tokenizer *tokenizer, size_t doc) {
    char folded[GR__FOLDED_MOST];
    size_t at = 0, from, to;
    uint64_t before = 0; /* hash of the word before; 0: there is none */
    bool plain;
    gr__doc_text_load(&b->text, data, tokenizer, doc);
    b->places = 0;

    /* A word that is too long to fold counts as it is spelt. */
    while (gr__word_next(b->text.text, b->text.length, &at, &from, &to, &plain)) {
        size_t n = gr__word_fold(folded, b->text.text + from, to - from, plain);
        uint64_t word = n ? hash_bytes(folded, n) : hash_bytes(b->text.text + from, to - from);
        GR_PUSH(b->place, b->places, b->place_room) = place_of(word);
        if (before)
            GR_PUSH(b->place, b->places, b->place_room) = place_of(before * 0x100000001b3u + word);
        before = word;
    }
}

static int by_place(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* A list of `used` elements with room for `room`; NULL where that is refused, and the old list is still there. */
static void *longer(const void *list, size_t used, size_t room, size_t size) {
    void *grown = gr_alloc_try(room * size);
    if (grown && used)
        memcpy(grown, list, used * size);
    return grown;
}

/* Room for so many entries more. Entries are most of the memory that a classifier takes, and may be refused. */
static gr_status reserve(draft *b, size_t more, gr_error *err) {
    if (b->used + more <= b->room)
        return GR_OK;
    size_t room = 2 * (b->used + more);
    uint32_t *feature = longer(b->bag->feature, b->used, room, sizeof *feature);
    float *value = feature ? longer(b->bag->value, b->used, room, sizeof *value) : NULL;
    if (!value) {
        gr_free(feature);
        return gr_error_set(err, GR_ERR_MEMORY, "labels", "use a smaller corpus",
                            "no memory for %zu words of documents", room);
    }

    gr_free(b->bag->feature);
    gr_free(b->bag->value);
    b->bag->feature = feature;
    b->bag->value = value;
    b->room = room;
    return GR_OK;
}

/* The document's places become entries, each once, with how often it is there. */
static gr_status add_document(draft *b, gr_error *err) {
    GR_TRY(reserve(b, b->places, err));
    qsort(b->place, b->places, sizeof *b->place, by_place);
    for (size_t i = 0, next; i < b->places; i = next) {
        next = i + 1;
        while (next < b->places && b->place[next] == b->place[i])
            next++;
        b->bag->feature[b->used] = b->place[i];
        b->bag->value[b->used++] = (float)(next - i);
    }
    return GR_OK;
}

/* Places that several documents have get numbers, the others go, and counts become values of rows of length 1. */
static void finish(gr__bag *bag) {
    uint32_t *documents = gr_alloc(PLACES * sizeof *documents), *number = gr_alloc(PLACES * sizeof *number);
    for (size_t i = 0; i < bag->start[bag->rows]; i++)
        documents[bag->feature[i]]++;
    for (size_t p = 0; p < PLACES; p++)
        if (documents[p] > 1)
            number[p] = (uint32_t)bag->features++;

    /* What is kept moves to the front; `first` is where the row began before. */
    size_t kept = 0, first = 0;
    for (size_t d = 0; d < bag->rows; d++) {
        size_t row = kept, end = bag->start[d + 1];
        double square = 0;
        for (size_t i = first; i < end; i++) {
            if (documents[bag->feature[i]] < 2)
                continue;
            bag->feature[kept] = number[bag->feature[i]];
            bag->value[kept] = logf(1 + bag->value[i]);
            square += (double)bag->value[kept] * bag->value[kept];
            kept++;
        }

        for (size_t i = row; i < kept; i++)
            bag->value[i] = (float)(bag->value[i] / sqrt(square));
        first = end;
        bag->start[d + 1] = kept;
    }
    gr_free(documents);
    gr_free(number);
}

gr_status gr__bag_new(gr__bag **out, const gr_dataset *data, const gr_tokenizer *tokenizer,
                      const volatile sig_atomic_t *stop, gr_error *err) {
    gr__bag *bag = gr_alloc(sizeof *bag);
    draft b = {.bag = bag};
    gr_status status = GR_OK;
    bag->rows = data->topics.docs;
    bag->start = gr_alloc((bag->rows + 1) * sizeof *bag->start);

    /* Document by document, then over all of them. */
    for (size_t d = 0; d < bag->rows && status == GR_OK; d++) {
        load_places(&b, data, tokenizer, d);
        status = gr__go_on(stop, "reading the words of documents", err);
        if (status == GR_OK)
            status = add_document(&b, err);
        bag->start[d + 1] = b.used;
    }
    if (status == GR_OK)
        finish(bag);

    gr__doc_text_clear(&b.text);
    gr_free(b.place);
    *out = status == GR_OK ? bag : NULL;
    if (status != GR_OK)
        gr__bag_free(bag);
    return status;
}

void gr__bag_free(gr__bag *bag) {
    if (!bag)
        return;
    gr_free(bag->start);
    gr_free(bag->feature);
    gr_free(bag->value);
    gr_free(bag);
}
