/* nearest.h - what somebody may have meant: for hints. */
#ifndef GR_BASE_NEAREST_H
#define GR_BASE_NEAREST_H

#include <stddef.h>

/* The name nearest to word by insertions, deletions, replacements and swaps of neighbours, of those with uses[] above 0
 * (NULL: of all); NULL when none is near: more than 2 changes, or a third of a longer word's letters. */
const char *gr_nearest(const char *word, const char *const *names, size_t count, const size_t *uses);

#endif
