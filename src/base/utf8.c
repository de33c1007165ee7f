/* UTF-8, byte by byte (RFC 3629). */
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

int gr_utf8_next(const char *text, size_t n) {
    const unsigned char *at = (const unsigned char *)text, lead = at[0];

    /* The first byte says how long the character is. 80 to c1 and f5 to ff begin none. */
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    const int length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;

    /* The second byte's range rules out overlong forms, surrogates and what is above U+10FFFF. */
    unsigned char lo = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char hi = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    for (int i = 1; i < length; i++) {
        if ((size_t)i >= n)
            return -1;
        if (at[i] < lo || at[i] > hi)
            return 0;
        lo = 0x80;
        hi = 0xbf;
    }
    return length;
}

size_t gr_utf8_length(const char *text, size_t n) {
    const int length = gr_utf8_next(text, n);
    return length > 0 ? (size_t)length : 0;
}

size_t gr_utf8_clean(char *to, const char *text, size_t n) {
    size_t used = 0;
    for (size_t i = 0; i < n;) {
        const size_t length = gr_utf8_length(text + i, n - i);
        memcpy(to + used, length ? text + i : "\xef\xbf\xbd", length ? length : 3);
        used += length ? length : 3;
        i += length ? length : 1;
    }
    return used;
}

bool gr_utf8_valid(const char *text) {
    size_t length = 1;
    while (*text && length) {
        length = gr_utf8_length(text, strlen(text));
        text += length;
    }
    return length > 0;
}

char *gr_utf8_spelled(const char *text) {
    enum { SPELLED = 4 }; /* characters that a byte may become */
    size_t left = strlen(text);
    char *spelled = gr_alloc(SPELLED * left + 1), *to = spelled;
    while (left) {
        size_t length = gr_utf8_length(text, left);
        if (length)
            memcpy(to, text, length);
        else
            snprintf(to, SPELLED + 1, "\\x%02x", (unsigned char)*text);
        to += length ? length : SPELLED;
        text += length ? length : 1;
        left -= length ? length : 1;
    }
    *to = 0;
    return spelled;
}
