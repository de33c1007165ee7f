/* pattern_words.c - spells out \w, \W, \b and \B of a regular expression, inside of classes and outside, so that they
 * mean the same with every version of PCRE2. */
#include "text/pattern_words.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* What classes hold: characters of words, and all others. */
#define WORD "\\p{L}\\p{M}\\p{N}\\p{Pc}"
#define OTHER "\\p{C}\\p{Z}\\p{S}\\p{Pd}\\p{Ps}\\p{Pe}\\p{Pi}\\p{Pf}\\p{Po}"
#define BEHIND "(?<=[" WORD "])"
#define NOT_BEHIND "(?<![" WORD "])"
#define AHEAD "(?=[" WORD "])"
#define NOT_AHEAD "(?![" WORD "])"

static const struct {
    const char *from, *outside, *inside; /* inside a class; NULL: another meaning there */
} classes[] = {
    {"\\w", "[" WORD "]", WORD},
    {"\\W", "[^" WORD "]", OTHER},
    {"\\b", "(?:" BEHIND NOT_AHEAD "|" NOT_BEHIND AHEAD ")", NULL},
    {"\\B", "(?:" BEHIND AHEAD "|" NOT_BEHIND NOT_AHEAD ")", NULL},
    {"[:word:]", NULL, WORD},
    {"[:^word:]", NULL, OTHER},
};

/* What stands for the text at this place, or NULL; *length is how much of it. */
static const char *replacement(const char *at, bool inside, size_t *length) {
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        const char *to = inside ? classes[i].inside : classes[i].outside;
        *length = strlen(classes[i].from);
        if (to && !strncmp(at, classes[i].from, *length))
            return to;
    }
    return NULL;
}

/* Bytes that are one thing whose inner characters mean nothing: an escape, a quotation, a class of POSIX. */
static size_t unit(const char *at, bool inside) {
    const char *stop = !strncmp(at, "\\Q", 2) ? strstr(at, "\\E") : NULL;
    if (!strncmp(at, "\\Q", 2))
        return stop ? (size_t)(stop + 2 - at) : strlen(at);
    if (!strncmp(at, "\\c", 2) && at[2])
        return 3;
    if (at[0] == '\\' && at[1])
        return 2;
    stop = inside && !strncmp(at, "[:", 2) ? strstr(at, ":]") : NULL;
    return stop ? (size_t)(stop + 2 - at) : 1;
}

/* Copies the pattern to out with classes spelled out. */
static void write_words(FILE *out, const char *pattern) {
    bool inside = false; /* of a class */
    for (const char *at = pattern; *at;) {
        size_t length;
        const char *to = replacement(at, inside, &length);
        if (to) {
            fputs(to, out);
            at += length;
            continue;
        }

        /* A class begins, or ends. As its first character, behind ^ too, a closing bracket is a plain one. */
        length = unit(at, inside);
        if (!inside && *at == '[') {
            inside = true;
            length += at[length] == '^';
            length += at[length] == ']';
        } else if (inside && *at == ']') {
            inside = false;
        }
        fwrite(at, 1, length, out);
        at += length;
    }
}

char *gr__pattern_words(const char *pattern) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out) {
        write_words(out, pattern);
        fclose(out);
    }

    /* The stream's memory is not the library's. Where there is none, the pattern stays as it is. */
    char *copy = gr_strdup(text ? text : pattern);
    free(text);
    return copy;
}
