/* utf8.h - where characters begin and end in bytes that may be anything. */
#ifndef GR_BASE_UTF8_H
#define GR_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* White space of ASCII: what texts are trimmed of. */
static inline bool gr_is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* Bytes of the valid character that the n > 0 bytes of text begin with, 1 to 4 (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF); 0 if they begin with none; -1 if more bytes might make them one. */
int gr_utf8_next(const char *text, size_t n);

/* The same for a text that is all there is: 0 instead of -1. */
size_t gr_utf8_length(const char *text, size_t n);

/* Copies text[n] into to[3 n], each byte that is part of no valid character as U+FFFD; returns the bytes written. */
size_t gr_utf8_clean(char *to, const char *text, size_t n);

/* Whether all of a text is valid; and a text as an error may quote it: such bytes as \xe9, a new string. */
bool gr_utf8_valid(const char *text);
char *gr_utf8_spelled(const char *text);

#endif
