/* words.c - what a word of a text is: a run of letters, marks, numbers and connectors, in any case. */
#include "text/words.h"

#include <utf8proc.h>

/* ASCII without a look-up; everything else by its Unicode category. */
int gr__word_kind(const char *text, size_t left, size_t *bytes) {
    unsigned char c = (unsigned char)*text;
    *bytes = 1;
    if (c < 0x80) {
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (letter)
            return GR__WORD_LETTER;
        return c == ' ' || (c >= '\t' && c <= '\r') ? GR__WORD_SPACE : GR__WORD_OTHER;
    }

    /* A byte that begins no character belongs to no word. */
    utf8proc_int32_t code;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)left, &code);
    if (n <= 0)
        return GR__WORD_OTHER;
    *bytes = (size_t)n;
    utf8proc_category_t category = utf8proc_category(code);
    if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_PC)
        return GR__WORD_LETTER; /* Lu .. Lo, Mn .. Me, Nd .. No, Pc: in this order in the library */
    return category >= UTF8PROC_CATEGORY_ZS && category <= UTF8PROC_CATEGORY_ZP ? GR__WORD_SPACE : GR__WORD_OTHER;
}

_Static_assert(UTF8PROC_CATEGORY_LU == 1 && UTF8PROC_CATEGORY_PC == 12 && UTF8PROC_CATEGORY_PD == 13 &&
                   UTF8PROC_CATEGORY_ZP == UTF8PROC_CATEGORY_ZS + 2,
               "letters, marks, numbers and connectors are neighbours");

/* Skips what is of no word, then takes the run of letters; *plain where each is a single byte. */
bool gr__word_next(const char *text, size_t length, size_t *at, size_t *from, size_t *to, bool *plain) {
    size_t n = 1;
    while (*at < length && gr__word_kind(text + *at, length - *at, &n) != GR__WORD_LETTER)
        *at += n;
    *from = *at;
    *plain = true;
    for (; *at < length && gr__word_kind(text + *at, length - *at, &n) == GR__WORD_LETTER; *at += n)
        *plain = *plain && n == 1;
    *to = *at;
    return *to > *from;
}

size_t gr__word_fold(char out[GR__FOLDED_MOST], const char *text, size_t length, bool plain) {
    if (length > GR__WORD_MOST)
        return 0;

    /* ASCII, most of what there is. */
    if (plain) {
        for (size_t i = 0; i < length; i++)
            out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
        return length;
    }

    /* Anything else: case folding of the decomposition, so that composed and decomposed spellings meet. */
    utf8proc_int32_t codes[GR__FOLDED_MOST];
    utf8proc_ssize_t n = utf8proc_decompose((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length, codes,
                                            GR__FOLDED_MOST, UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD);

    /* Back to UTF-8; a word that grows too long is no word. */
    size_t at = 0;
    for (utf8proc_ssize_t i = 0; i < n && n <= GR__FOLDED_MOST; i++) {
        if (at + 4 > GR__FOLDED_MOST)
            return 0;
        at += (size_t)utf8proc_encode_char(codes[i], (utf8proc_uint8_t *)out + at);
    }
    return at;
}
