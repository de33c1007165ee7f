/* seen.h - which texts came before: a table of the first 128 bits of their SHA-256, 24 to 48 bytes a text. */
#ifndef GR_CORPUS_SEEN_H
#define GR_CORPUS_SEEN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct gr__seen gr__seen;
gr__seen *gr__seen_new(void);
void gr__seen_free(gr__seen *seen); /* NULL is fine */

/* Adds a text; false when it was there. */
bool gr__seen_add(gr__seen *seen, const char *text, size_t length);

#endif
