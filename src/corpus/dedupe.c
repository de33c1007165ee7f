/* dedupe.c - a table of texts that came before, by their digests: packing drops duplicates without keeping the text. */
#include "corpus/dedupe.h"

#include <string.h>

#include "base/mem.h"
#include "io/digest.h"

/* Places are taken by the digest itself, which nobody can steer: linear probing, at most 2/3 full. All zero is empty.
 */
typedef struct mark {
    uint64_t a, b;
} mark;

struct gr__dedupe {
    mark *table;
    size_t count, size; /* a power of 2 */
};

/* An empty table; memory is zeroed, and a mark of zeros is an empty place. */
gr__dedupe *gr__dedupe_new(void) {
    enum { FIRST = 1 << 10 };
    gr__dedupe *seen = gr_alloc(sizeof *seen);
    *seen = (gr__dedupe){gr_alloc(FIRST * sizeof(mark)), 0, FIRST};
    return seen;
}

void gr__dedupe_free(gr__dedupe *seen) {
    if (!seen)
        return;
    gr_free(seen->table);
    gr_free(seen);
}

/* The mark's place, or the empty one where it belongs. */
static mark *find(const gr__dedupe *seen, mark m) {
    size_t at = m.a & (seen->size - 1);
    while ((seen->table[at].a || seen->table[at].b) && (seen->table[at].a != m.a || seen->table[at].b != m.b))
        at = (at + 1) & (seen->size - 1);
    return &seen->table[at];
}

/* Doubles the table. */
static void grow(gr__dedupe *seen) {
    gr__dedupe larger = {gr_alloc(2 * seen->size * sizeof(mark)), seen->count, 2 * seen->size};
    for (size_t i = 0; i < seen->size; i++)
        if (seen->table[i].a || seen->table[i].b)
            *find(&larger, seen->table[i]) = seen->table[i];
    gr_free(seen->table);
    *seen = larger;
}

bool gr__dedupe_add(gr__dedupe *seen, const char *text, size_t length) {
    unsigned char digest[GR_DIGEST_BYTES];
    mark m;
    gr_digest_around(digest, text, length, length);
    memcpy(&m, digest, sizeof m);

    /* 128 bits: two of a billion different texts agree with a chance of 1e-21 (n^2 / 2^129). */
    mark *at = find(seen, m);
    if (at->a || at->b)
        return false;
    *at = m;
    if (++seen->count > seen->size / 3 * 2)
        grow(seen);
    return true;
}
