/* Text from outside, made harmless to terminals (visible.h says how). */
#include "base/visible.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* The code of a valid character of 2 or 3 bytes; longer ones are none of ours. */
static unsigned code_of(const unsigned char *at, int length) {
    if (length == 2)
        return (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
    return length == 3 ? (at[0] & 0xfu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu) : at[0];
}

/* Whether a terminal obeys the character instead of showing it: controls, ends of lines and paragraphs, and marks that
 * turn the direction of text. */
static bool steers(unsigned code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* Of lines: what a text file has. */
static bool is_line(const char *text, size_t n) {
    return *text == '\n' || *text == '\t' || (*text == '\r' && n > 1 && text[1] == '\n');
}

size_t gr__visible(char *to, const char *text, size_t n, bool lines, size_t *left) {
    size_t used = 0, i = 0;
    while (i < n) {
        /* The end may be half a character, or a return that more text would make a line end. */
        int length = gr_utf8_next(text + i, n - i);
        if (left && (length < 0 || (lines && text[i] == '\r' && i + 1 == n)))
            break;

        /* Bytes of no character, characters that steer, all others as they are. */
        unsigned code = length > 0 ? code_of((const unsigned char *)text + i, length) : 0;
        if (length <= 0) {
            memcpy(to + used, "\xef\xbf\xbd", 3);
            used += 3;
        } else if (length < 4 && steers(code) && !(lines && is_line(text + i, n - i))) {
            char shown[8];
            int size = snprintf(shown, sizeof shown, code < 0x20 ? "\\x%02x" : "\\u%04x", code);
            memcpy(to + used, shown, (size_t)size);
            used += (size_t)size;
        } else {
            memcpy(to + used, text + i, (size_t)length);
            used += (size_t)length;
        }
        i += length > 0 ? (size_t)length : 1;
    }
    if (left)
        *left = n - i;
    return used;
}
