/* visible.h - text from outside as a person may be shown it: it cannot steer a terminal.
 *
 * Control characters below U+0020 are shown as \x1b; DEL, those of C1, which UTF-8 hides in two bytes, ends of lines
 * and paragraphs (U+2028, U+2029), and characters that turn the direction of what stands around them (U+061C, U+200E,
 * U+200F, U+202A to U+202E, U+2066 to U+2069) as \u009b; bytes that are part of no character as U+FFFD. JSON, which has
 * none of the first and last, stays JSON of the same value.
 */
#ifndef GR_BASE_VISIBLE_H
#define GR_BASE_VISIBLE_H

#include <stdbool.h>
#include <stddef.h>

enum { GR__VISIBLE_MOST = 6 }; /* bytes that one may become */

/* Writes text[n] into to[6 n] and returns the bytes written. lines: line feeds, tabs and a return before a line feed
 * stay; else they are control characters too. left, unless NULL: bytes at the end that more text might make one
 * character, or whose look depends on what follows; they are not written. */
size_t gr__visible(char *to, const char *text, size_t n, bool lines, size_t *left);

#endif
