/* Text that others wrote: how a file begins, line ends, names. foreign_json.c has JSON. */
#include "base/foreign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/utf8.h"

const char *gr__place_text(char place[GR__PLACE_SIZE], const char *path, size_t line, size_t column) {
    size_t n = strlen(path), most = GR__PLACE_SIZE - 64;
    int at = snprintf(place, GR__PLACE_SIZE, "%s%s", n > most ? "..." : "", n > most ? path + (n - most) : path);
    if (line && column)
        snprintf(place + at, GR__PLACE_SIZE - (size_t)at, ":%zu:%zu", line, column);
    else if (line)
        snprintf(place + at, GR__PLACE_SIZE - (size_t)at, ":%zu", line);
    return place;
}

/* ---- how a text begins ---- */

/* What is no text, by its first bytes, and the command that makes text of it. Where these are letters, the bytes behind
 * the fourth decide, since a text may begin so. */
static const struct {
    const char *bytes;
    size_t length;
    const char *name, *hint, *behind;
} kinds[] = {
    {"\xff\xfe\0\0", 4, "in UTF-32", "convert it: iconv -f UTF-32 -t UTF-8 FILE >NEW", ""},
    {"\0\0\xfe\xff", 4, "in UTF-32", "convert it: iconv -f UTF-32 -t UTF-8 FILE >NEW", ""},
    {"\xff\xfe", 2, "in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8 FILE >NEW", ""},
    {"\xfe\xff", 2, "in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8 FILE >NEW", ""},
    {"\x28\xb5\x2f\xfd", 4, "compressed by zstd", "unpack it: zstd -dc FILE >NEW; gzip is read as it is", ""},
    {"\xfd"
     "7zXZ\0",
     6, "compressed by xz", "unpack it: xz -dc FILE >NEW; gzip is read as it is", ""},
    {"BZh", 3, "compressed by bzip2", "unpack it: bzip2 -dc FILE >NEW; gzip is read as it is", "1AY&SY"},
    {"\x04\x22\x4d\x18", 4, "compressed by lz4", "unpack it: lz4 -dc FILE >NEW; gzip is read as it is", ""},
    {"PK\3\4", 4, "a zip archive", "unpack it: unzip -p FILE >NEW; gzip is read as it is", ""},
    {"\x1f\x8b", 2, "compressed by gzip", "unpack it: gzip -dc FILE >NEW", ""},
    {"PAR1", 4, "a Parquet file",
     "convert it: python3 -c 'import pandas; pandas.read_parquet(\"FILE\").to_json(\"NEW.jsonl\", orient=\"records\", "
     "lines=True)'",
     "\x15"},
};

/* Whether the bytes begin as this kind of file does. */
static bool begins(const char *bytes, size_t length, size_t kind) {
    const char *behind = kinds[kind].behind;
    return length >= kinds[kind].length && !memcmp(bytes, kinds[kind].bytes, kinds[kind].length) &&
           (!*behind || (length >= 4 + strlen(behind) && !memcmp(bytes + 4, behind, strlen(behind))));
}

/* UTF-16 without a mark: characters of ASCII, every second byte a zero. 0: no; else which bytes are the zeros. */
static int is_wide(const unsigned char *c, size_t length) {
    enum { LOOKED_AT = 16, LEAST = 4 }; /* bytes */
    size_t n = length < LOOKED_AT ? length & ~(size_t)1 : LOOKED_AT;
    bool low = n >= LEAST, high = n >= LEAST;
    for (size_t i = 0; i < n; i += 2) {
        low = low && c[i] && c[i] < 0x80 && !c[i + 1];
        high = high && !c[i] && c[i + 1] && c[i + 1] < 0x80;
    }
    return low ? 1 : high ? 2 : 0;
}

gr_status gr__text_begin(size_t *skip, const void *bytes, size_t length, const char *path, gr_error *err) {
    char place[GR__PLACE_SIZE];
    *skip = length >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3) ? 3 : 0;

    /* By the first bytes: other encodings with a mark, compressed files. */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (begins(bytes, length, i))
            return gr_error_set(err, GR_ERR_FORMAT, gr__place_text(place, path, 0, 0), kinds[i].hint,
                                "the file is %s, and text is UTF-8", kinds[i].name);

    /* UTF-16 without a mark. */
    int wide = length ? is_wide(bytes, length) : 0;
    if (wide)
        return gr_error_set(err, GR_ERR_FORMAT, gr__place_text(place, path, 0, 0),
                            wide == 1 ? "convert it: iconv -f UTF-16LE -t UTF-8 FILE >NEW"
                                      : "convert it: iconv -f UTF-16BE -t UTF-8 FILE >NEW",
                            "the file is in UTF-16, and text is UTF-8");
    return GR_OK;
}

size_t gr__text_unix(char *text, size_t length) {
    char *from = length ? memchr(text, '\r', length) : NULL, *end = text + length, *to = from;
    if (!from)
        return length;

    /* What is kept closes up; a return goes where a line feed follows. */
    for (; from < end; from++)
        if (*from != '\r' || from + 1 == end || from[1] != '\n')
            *to++ = *from;
    return (size_t)(to - text);
}

/* ---- names ---- */

bool gr__text_is_name(const char *text, size_t length) {
    for (size_t at = 0, n; at < length; at += n)
        if (!text[at] || !(n = gr_utf8_length(text + at, length - at)))
            return false;
    return true;
}

char *gr__text_compose(const char *text, size_t length) {
    /* ASCII is composed already. */
    utf8proc_uint8_t *composed = NULL;
    bool plain = true;
    for (size_t i = 0; i < length && plain; i++)
        plain = (unsigned char)text[i] < 0x80;
    if (plain)
        return NULL;

    /* A copy through our own allocator, where composing changes anything. utf8proc uses malloc. */
    utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length, &composed,
                                      UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    bool same = n < 0 || ((size_t)n == length && !memcmp(composed, text, length));
    char *copy = same ? NULL : gr_format("%.*s", (int)n, (const char *)composed);
    free(composed);
    return copy;
}
