/* jansson with our errors, our memory and our way of writing files. */
#include "io/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/sort.h"
#include "base/utf8.h"
#include "io/file.h"

/* jansson goes on without what it was refused: members are missing, lists end early, and nobody is told. It gets the
 * library's gate before anyone can use it; a program that gave it functions of its own keeps them. */
__attribute__((constructor)) static void give_gate(void) {
    json_malloc_t have;
    json_free_t unused;
    json_get_alloc_funcs(&have, &unused);
    if (have == malloc)
        json_set_alloc_funcs(gr_malloc, gr_free);
}

gr_status gr_json_parse(json_t **value, const void *text, size_t length, const char *place, gr_error *err) {
    json_error_t problem;
    *value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (*value)
        return GR_OK;
    char *where = problem.line > 0 ? gr_format("%s:%d:%d", place, problem.line, problem.column) : gr_strdup(place);
    gr_error_set(err, GR_ERR_FORMAT, where, NULL, "not valid JSON: %s", problem.text);
    gr_free(where);
    return GR_ERR_FORMAT;
}

gr_status gr_json_read(json_t **value, const char *path, gr_error *err) {
    unsigned char *text;
    size_t length;
    *value = NULL;
    GR_TRY(gr_file_read(path, &text, &length, err));
    gr_status status = gr_json_parse(value, text, length, path, err);
    gr_free(text);
    return status;
}

gr_status gr_json_write(const json_t *value, const char *path, gr_error *err) {
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
    if (!text)
        return gr_error_set(err, GR_ERR_MEMORY, path, NULL, "cannot turn the value into JSON text");
    char *line = gr_format("%s\n", text);
    gr_status status = gr_file_write(path, line, strlen(line), err);
    gr_free(line);
    gr_free(text);
    return status;
}

/* ---- on one line ---- */

typedef struct line {
    char *text;
    size_t length, room;
    bool sorted;
} line;

/* Appends bytes, and a 0 behind them. */
static void put(line *to, const char *text, size_t length) {
    to->text = gr__grow(to->text, &to->room, to->length + length + 1, 1);
    memcpy(to->text + to->length, text, length);
    to->length += length;
    to->text[to->length] = 0;
}

/* 17 digits keep the bits of a double. As jansson 2.14 spells it: a point or an exponent tells it from an integer, and
 * the exponent has neither plus nor leading zeros. */
static void put_real(line *to, double value) {
    char text[40];
    gr__print(text, sizeof text, "%.17g", value);
    char *exponent = strchr(text, 'e');
    if (!exponent) {
        put(to, text, strlen(text));
        if (!strchr(text, '.'))
            put(to, ".0", 2);
        return;
    }

    /* The mantissa with its e, a minus, the digits that count. */
    put(to, text, (size_t)(exponent + 1 - text));
    const char *digits = exponent + 2 + strspn(exponent + 2, "0");
    if (exponent[1] == '-')
        put(to, "-", 1);
    put(to, digits, strlen(digits));
}

/* Texts, integers, true, false and null, which all versions spell alike. */
static void put_plain(line *to, const json_t *value) {
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    if (text)
        put(to, text, strlen(text));
    gr_free(text);
}

static void put_value(line *to, const json_t *value);

/* Key and value, without the comma. */
static void put_member(line *to, const char *key, const json_t *value) {
    char *quoted = gr_json_quoted(key);
    put(to, quoted, strlen(quoted));
    put(to, ":", 1);
    put_value(to, value);
    gr_free(quoted);
}

/* An object in braces, its members in the order that the line has. */
static void put_object(line *to, const json_t *object) {
    /* Its keys, as they were set or by their bytes. */
    size_t count = 0;
    const char **keys = gr_alloc((json_object_size(object) + 1) * sizeof *keys), *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
        keys[count++] = key;
    if (to->sorted)
        qsort(keys, count, sizeof *keys, gr__ascending_name);

    put(to, "{", 1);
    for (size_t i = 0; i < count; i++) {
        if (i)
            put(to, ",", 1);
        put_member(to, keys[i], json_object_get(object, keys[i]));
    }
    put(to, "}", 1);
    gr_free(keys);
}

/* A list in brackets. */
static void put_array(line *to, const json_t *array) {
    put(to, "[", 1);
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i)
            put(to, ",", 1);
        put_value(to, json_array_get(array, i));
    }
    put(to, "]", 1);
}

/* Any value: reals by our own spelling, the rest by jansson's. */
static void put_value(line *to, const json_t *value) {
    if (json_is_object(value)) {
        put_object(to, value);
    } else if (json_is_array(value)) {
        put_array(to, value);
    } else if (json_is_real(value)) {
        put_real(to, json_real_value(value));
    } else {
        put_plain(to, value);
    }
}

char *gr_json_line(const json_t *value, bool sorted) {
    line to = {.sorted = sorted};
    put(&to, "", 0);
    put_value(&to, value);
    return to.text;
}

void gr_json_seal(char hex[GR_DIGEST_HEX], const json_t *object) {
    json_t *rest = json_copy((json_t *)object);
    json_object_del(rest, "sha256");
    char *text = gr_json_line(rest, true);
    gr_digest_data(hex, text, strlen(text));
    gr_free(text);
    json_decref(rest);
}

json_t *gr_json_bytes(const char *bytes, size_t n) {
    char *clean = gr_alloc(3 * n + 1);
    json_t *value = json_stringn(clean, gr_utf8_clean(clean, bytes, n));
    gr_free(clean);
    return value;
}

json_t *gr_json_text(const char *text) { return gr_json_bytes(text, strlen(text)); }

char *gr_json_quoted(const char *text) {
    json_t *value = gr_json_text(text);
    char *dump = json_dumps(value, JSON_ENCODE_ANY), *quoted = gr_strdup(dump);
    free(dump);
    json_decref(value);
    return quoted;
}

/* A type in words, for errors. */
static const char *type_name(json_type type) {
    static const char *const names[] = {"an object", "a list", "a text", "an integer",
                                        "a number",  "true",   "false",  "null"};
    return names[type];
}

gr_status gr_json_member(const json_t *object, json_t **value, const char *key, json_type type, const char *place,
                         gr_error *err) {
    *value = json_object_get(object, key);
    if (!*value)
        return gr_error_set(err, GR_ERR_FORMAT, place, NULL, "'%s' is missing, expected %s", key, type_name(type));
    if (json_typeof(*value) == type || (type == JSON_REAL && json_is_integer(*value)))
        return GR_OK;
    return gr_error_set(err, GR_ERR_FORMAT, place, NULL, "'%s' is %s, expected %s", key, type_name(json_typeof(*value)),
                        type_name(type));
}
