/* utf8.h - where characters end in bytes that may be anything. */
#ifndef GR_BASE_UTF8_H
#define GR_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the valid character that the n > 0 bytes of text begin with, 1 to 4; 0 if they begin with none (RFC 3629: no
 * overlong forms, no surrogates, nothing above U+10FFFF). */
size_t gr_utf8_length(const char *text, size_t n);

#endif
