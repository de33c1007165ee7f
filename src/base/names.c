/* A short list of texts, and a hash table from texts to their numbers: open addressing, the next slot where one is
 * taken (linear probing). */
#include "base/names.h"

#include <string.h>

bool gr__has_text(const char *const *list, int count, const char *text) {
    for (int i = 0; i < count; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

uint64_t gr__hash(const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++)
        h = (h ^ at[i]) * 0x100000001b3u;
    return h ^ h >> 32;
}

/* The slot that holds the text, or the empty one where it would go. */
static size_t slot_of(const gr__names *names, const char *text, size_t length, uint64_t hash) {
    size_t s = hash & names->mask;
    for (; names->slots[s]; s = (s + 1) & names->mask) {
        uint32_t i = names->slots[s] - 1;
        if (names->hashes[i] == hash && strnlen(names->at[i], length + 1) == length &&
            !memcmp(names->at[i], text, length))
            break;
    }
    return s;
}

/* Doubles the slots and puts every number in again. */
static void widen(gr__names *names) {
    size_t size = names->slots ? 2 * (names->mask + 1) : 64;
    gr_free(names->slots);
    names->slots = gr_alloc(size * sizeof *names->slots);
    names->mask = size - 1;
    for (size_t i = 0; i < names->count; i++) {
        size_t s = names->hashes[i] & names->mask;
        while (names->slots[s])
            s = (s + 1) & names->mask;
        names->slots[s] = (uint32_t)i + 1;
    }
}

uint32_t gr__names_add(gr__names *names, const char *text, size_t length) {
    if (!names->slots || 2 * (names->count + 1) > names->mask + 1)
        widen(names);

    uint64_t hash = gr__hash(text, length);
    size_t s = slot_of(names, text, length, hash);
    if (!names->slots[s]) {
        GR_PUSH(names->hashes, names->hashes_count, names->hashes_capacity) = hash;
        GR_PUSH(names->at, names->count, names->capacity) = gr_arena_strndup(names->arena, text, length);
        names->slots[s] = (uint32_t)names->count;
    }
    return names->slots[s] - 1;
}

int64_t gr__names_find(const gr__names *names, const char *text, size_t length) {
    return names->slots ? (int64_t)names->slots[slot_of(names, text, length, gr__hash(text, length))] - 1 : -1;
}

void gr__names_clear(gr__names *names) {
    gr_free(names->at);
    gr_free(names->slots);
    gr_free(names->hashes);
    *names = (gr__names){.arena = names->arena};
}
