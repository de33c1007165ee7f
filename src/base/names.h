/* names.h - texts numbered in the order in which they first came; whether a list has a text.
 *
 *     gr__names names = {.arena = arena};
 *     uint32_t i = gr__names_add(&names, "oak", 3);      names.at[i] is a copy in the arena
 *     gr__names_find(&names, "oak", 3) == i              -1 where there is none
 *     gr__names_clear(&names);                           the copies live on with the arena
 *     gr__has_text(list, count, "oak")                   a short list, as it is
 */
#ifndef GR_BASE_NAMES_H
#define GR_BASE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

typedef struct gr__names {
    gr_arena *arena; /* of the caller */
    char **at;       /* [count], each ended by a zero */
    size_t count, capacity;
    uint32_t *slots;  /* number + 1, 0 is empty; a power of two of them, at most half full */
    uint64_t *hashes; /* [count] */
    size_t mask;      /* slots - 1 */
    size_t hashes_count, hashes_capacity;
} gr__names;

uint32_t gr__names_add(gr__names *names, const char *text, size_t length);
int64_t gr__names_find(const gr__names *names, const char *text, size_t length);
void gr__names_clear(gr__names *names);

/* Whether one of list[count] is this text: one after the other, for lists of a recipe or an option. */
bool gr__has_text(const char *const *list, int count, const char *text);

/* FNV-1a over the bytes, its halves mixed so that low bits serve as a table's index. */
uint64_t gr__hash(const void *bytes, size_t length);

#endif
