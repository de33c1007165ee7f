/* words.h - what a word of a text is: a run of letters, marks, numbers and connectors such as _, in any case. */
#ifndef GR_TEXT_WORDS_H
#define GR_TEXT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum { GR__WORD_OTHER, GR__WORD_LETTER, GR__WORD_SPACE }; /* LETTER: of a word */
enum { GR__WORD_MOST = 256, GR__FOLDED_MOST = 1024 };     /* bytes of a word, and of a folded one */

/* Kind of the character at text[0], and its bytes; a byte that begins none is OTHER. */
int gr__word_kind(const char *text, size_t left, size_t *bytes);

/* The next word from *at on is text[*from, *to); false when there is none. *plain: it is ASCII. */
bool gr__word_next(const char *text, size_t length, size_t *at, size_t *from, size_t *to, bool *plain);

/* The folded word into out (Unicode case folding of the canonical decomposition); its length, or 0 where it is longer
 * than GR__WORD_MOST. */
size_t gr__word_fold(char out[GR__FOLDED_MOST], const char *text, size_t length, bool plain);

#endif
