/* JSON that others wrote. What only the parser cannot hold, and nobody may use, does not stand in the way.
 *
 * jansson refuses numbers beyond 64 bits and keys with U+0000. Such a text is parsed a second time, with these numbers
 * wrapped into objects and these keys changed; a reader that needs the number asks gr__json_long. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/foreign.h"
#include "base/mem.h"

/* The only member of what stands for a number that is too long. No record of others has such a key. */
#define LONG "\x01number"
#define LONG_JSON "\\u0001number"

enum { FLAGS = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL };

/* ---- making way ---- */

typedef struct rewritten {
    char *text;
    size_t count, capacity;
} rewritten;

/* Appends bytes to the rewritten text. */
static void put(rewritten *out, const char *text, size_t length) {
    out->text = gr__grow(out->text, &out->capacity, out->count + length, 1);
    if (length)
        memcpy(out->text + out->count, text, length);
    out->count += length;
}

/* Where the string that begins at text[at] ends: behind its closing quote. An escaped character is stepped over. */
static size_t behind_string(const char *text, size_t at, size_t length) {
    for (at++; at < length && text[at] != '"'; at++)
        at += text[at] == '\\';
    return at < length ? at + 1 : length;
}

/* Whether a colon follows: the string is a key. */
static bool is_key(const char *text, size_t at, size_t length) {
    while (at < length && memchr(" \t\r\n", text[at], 4))
        at++;
    return at < length && text[at] == ':';
}

/* A key with U+FFFD in place of each U+0000. An escape is copied as a whole, so that \\u0000 (a backslash and letters)
 * is not taken for one. */
static void put_key(rewritten *out, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\\' && length - i >= 6 && !memcmp(text + i + 1, "u0000", 5)) {
            put(out, "\\ufffd", 6);
            i += 5;
        } else if (text[i] == '\\' && i + 1 < length) {
            put(out, text + i++, 2);
        } else {
            put(out, text + i, 1);
        }
    }
}

/* Whether 64 bits, or a double, cannot hold the number. */
static bool is_long(const char *text, size_t length) {
    enum { MOST = 18 }; /* digits that always fit */
    json_error_t error;
    if (length <= MOST && !memchr(text, 'e', length) && !memchr(text, 'E', length))
        return false;
    json_t *value = json_loadb(text, length, JSON_DECODE_ANY, &error);
    json_decref(value);
    return !value && json_error_code(&error) == json_error_numeric_overflow;
}

/* A number as it is, or as an object with one member, whose value is the number as a string. */
static void put_number(rewritten *out, const char *text, size_t length) {
    static const char before[] = "{\"" LONG_JSON "\":\"", after[] = "\"}";
    bool wrap = is_long(text, length);
    put(out, before, wrap ? strlen(before) : 0);
    put(out, text, length);
    put(out, after, wrap ? strlen(after) : 0);
}

/* The text with long numbers and keys with U+0000 in another form. */
static rewritten rewrite(const char *text, size_t length) {
    rewritten out = {0};
    for (size_t at = 0, end; at < length; at = end) {
        /* A string, a number, or one byte of anything else. Inside strings there are no numbers. */
        if (text[at] == '"') {
            end = behind_string(text, at, length);
            if (is_key(text, end, length))
                put_key(&out, text + at, end - at);
            else
                put(&out, text + at, end - at);
        } else if (text[at] == '-' || (text[at] >= '0' && text[at] <= '9')) {
            for (end = at + 1; end < length && memchr("0123456789.+-eE", text[end], 15);)
                end++;
            put_number(&out, text + at, end - at);
        } else {
            end = at + 1;
            put(&out, text + at, 1);
        }
    }
    return out;
}

/* ---- parsing ---- */

/* What the parser found, in words for people, and what to do about it where that is known. */
static const char *reason(const json_error_t *error, const char **hint, bool exact) {
    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        *hint = "a member has one value: remove the other";
        return "an object has a duplicate member";
    case json_error_numeric_overflow:
        *hint = "write it as a string, in quotes";
        return "a number beyond 64 bits";
    case json_error_null_byte_in_key:
        *hint = exact ? "a vocabulary writes the byte 0 as \\u0100" : "no member has such a name";
        return "a name holds the character U+0000";
    case json_error_invalid_utf8:
        *hint = "JSON is UTF-8; of another encoding: iconv -f ENCODING -t UTF-8 FILE >NEW";
        return error->text;
    default:
        return error->text;
    }
}

/* The error for a text that cannot be parsed. */
static gr_status refuse(const json_error_t *error, const gr__json_from *from, gr_error *err) {
    char place[GR__PLACE_SIZE];
    const char *hint = from->hint, *what = reason(error, &hint, from->exact);
    size_t line = from->line ? from->line : (size_t)error->line, column = error->column > 0 ? (size_t)error->column : 1;
    return gr_error_set(err, GR_ERR_FORMAT, gr__place_text(place, from->path, line, column), hint, "%s", what);
}

gr_status gr__json_foreign(json_t **value, const char *text, size_t length, const gr__json_from *from, gr_error *err) {
    json_error_t error;
    *value = json_loadb(length ? text : "", length, FLAGS, &error);
    if (*value)
        return GR_OK;

    /* Where the parser alone is at fault: once more, rewritten. The error is that of the second attempt, if it fails
     * too. */
    int code = (int)json_error_code(&error);
    if (!from->exact && (code == json_error_numeric_overflow || code == json_error_null_byte_in_key)) {
        rewritten other = rewrite(text, length);
        json_error_t second;
        *value = json_loadb(other.text, other.count, FLAGS, &second);
        gr_free(other.text);
        error = *value ? error : second;
    }
    return *value ? GR_OK : refuse(&error, from, err);
}

const char *gr__json_long(const json_t *value) {
    return json_object_size(value) == 1 ? json_string_value(json_object_get(value, LONG)) : NULL;
}

json_t *gr__json_member_named(const json_t *object, const char *name) {
    /* The same bytes mostly do. A name of ASCII letters alone can be written in no other way. */
    json_t *found = json_object_get(object, name), *value;
    const char *key;
    bool plain = true;
    for (const char *c = name; *c && plain; c++)
        plain = (unsigned char)*c < 0x80;
    if (found || plain)
        return found;

    /* Else the first member whose composed name is the same. */
    char *want = gr__text_compose(name, strlen(name));
    json_object_foreach((json_t *)object, key, value) {
        char *have = gr__text_compose(key, strlen(key));
        if (!found && strcmp(have ? have : key, want ? want : name) == 0)
            found = value;
        gr_free(have);
    }
    gr_free(want);
    return found;
}
