#include "base/utf8.h"

#include <string.h>

int gr_utf8_next(const char *text, size_t n) {
    const unsigned char *at = (const unsigned char *)text, lead = at[0];
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
