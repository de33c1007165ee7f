/* dedupe.h - which texts came before: a table of the first 128 bits of their SHA-256, 24 to 48 bytes a text. */
#ifndef GR_CORPUS_DEDUPE_H
#define GR_CORPUS_DEDUPE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct gr__dedupe gr__dedupe;
gr__dedupe *gr__dedupe_new(void);
void gr__dedupe_free(gr__dedupe *seen); /* NULL is fine */

/* Adds a text; false when it was there. */
bool gr__dedupe_add(gr__dedupe *seen, const char *text, size_t length);

#endif
