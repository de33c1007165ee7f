/* Rows of what was measured: JSON objects of texts, numbers and lists of numbers, a line each. */
#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/foreign.h"
#include "base/mem.h"
#include "gradroute/measure.h"
#include "io/file.h"
#include "io/json.h"
#include "io/line_reader.h"
#include "measure/ledger.h"

struct gr_ledger {
    json_t *rows; /* a list of objects */
};

/* A row is one of these objects; its own type keeps jansson out of the public header. */
static const gr_entry *entry_of(const json_t *row) { return (const gr_entry *)row; }
static const json_t *row_of(const gr_entry *entry) { return (const json_t *)entry; }

gr_ledger *gr_ledger_new(void) {
    gr_ledger *rows = gr_alloc(sizeof *rows);
    rows->rows = json_array();
    return rows;
}

void gr_ledger_free(gr_ledger *rows) {
    if (!rows)
        return;
    json_decref(rows->rows);
    gr_free(rows);
}

/* ---- adding ---- */

/* A member of the row that was begun last. */
static void add(gr_ledger *rows, const char *key, json_t *value) {
    size_t count = json_array_size(rows->rows);
    assert(count > 0);
    json_t *row = json_array_get(rows->rows, count - 1);
    assert(!json_object_get(row, key));
    json_object_set_new(row, key, value);
}

/* JSON has no NaN and no infinity. */
static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

/* The kind is a member like others, the first one. */
void gr_ledger_begin(gr_ledger *rows, const char *row) {
    json_array_append_new(rows->rows, json_object());
    add(rows, "row", gr_json_text(row));
}

/* Members of one kind each. */
void gr_ledger_text(gr_ledger *rows, const char *key, const char *text) { add(rows, key, gr_json_text(text)); }

void gr_ledger_bytes(gr_ledger *rows, const char *key, const char *bytes, size_t length) {
    char *text = gr_alloc(length + 1);

    /* A text of C ends at a 0: one within is made another byte that is no character either. */
    for (size_t i = 0; i < length; i++)
        text[i] = bytes[i] ? bytes[i] : '\xff';
    add(rows, key, gr_json_bytes(text, length));
    gr_free(text);
}

void gr_ledger_number(gr_ledger *rows, const char *key, double value) { add(rows, key, number(value)); }

void gr_ledger_count(gr_ledger *rows, const char *key, int64_t value) { add(rows, key, json_integer(value)); }

void gr_ledger_numbers(gr_ledger *rows, const char *key, const double *values, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, number(values[i]));
    add(rows, key, list);
}

void gr_ledger_counts(gr_ledger *rows, const char *key, const int64_t *values, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_integer(values[i]));
    add(rows, key, list);
}

/* ---- asking ---- */

/* Whoever asks for what a row has not, or has of another kind, gets nothing: rows of other versions are read too. */
size_t gr_ledger_size(const gr_ledger *rows) { return json_array_size(rows->rows); }

const gr_entry *gr_ledger_at(const gr_ledger *rows, size_t i) { return entry_of(json_array_get(rows->rows, i)); }

json_t *gr__entry_members(const gr_entry *row) { return (json_t *)row; }

const char *gr_entry_text(const gr_entry *row, const char *key) {
    return json_string_value(json_object_get(row_of(row), key));
}

/* Whole or not; what is no number, null too, is NaN. */
static double value_of(const json_t *number) { return json_is_number(number) ? json_number_value(number) : NAN; }

double gr_entry_number(const gr_entry *row, const char *key) { return value_of(json_object_get(row_of(row), key)); }

size_t gr_entry_numbers(const gr_entry *row, const char *key, double *values, size_t most) {
    const json_t *list = json_object_get(row_of(row), key);
    size_t count = json_array_size(list);
    for (size_t i = 0; i < count && i < most; i++)
        values[i] = value_of(json_array_get(list, i));
    return count;
}

/* Whether the row has this text under this key. */
static bool has_text(const gr_entry *row, const char *key, const char *text) {
    const char *have = gr_entry_text(row, key);
    return have && !strcmp(have, text);
}

/* Whether it has all of them; where NULL asks nothing. */
static bool fits(const gr_entry *row, const char *const (*where)[2]) {
    for (; where && (*where)[0]; where++)
        if (!has_text(row, (*where)[0], (*where)[1]))
            return false;
    return true;
}

const gr_entry *gr_ledger_find(const gr_ledger *rows, const char *row, const char *const (*where)[2]) {
    for (size_t i = 0; i < gr_ledger_size(rows); i++) {
        const gr_entry *entry = gr_ledger_at(rows, i);
        if (has_text(entry, "row", row) && fits(entry, where))
            return entry;
    }
    return NULL;
}

/* ---- as text ---- */

char *gr_ledger_lines(const gr_ledger *rows) {
    size_t count = json_array_size(rows->rows), length = 0, room = 0;
    char *lines = gr__grow(NULL, &room, 1, 1);

    /* Each behind the other, in one text that grows. */
    for (size_t i = 0; i < count; i++) {
        char *line = gr_json_line(json_array_get(rows->rows, i), false);
        size_t n = strlen(line);
        lines = gr__grow(lines, &room, length + n + 2, 1);
        memcpy(lines + length, line, n);
        lines[length + n] = '\n';
        length += n + 1;
        gr_free(line);
    }
    lines[length] = 0;
    return lines;
}

/* Whether a member is what this file writes: all else has no reader. */
static bool is_value(const json_t *value) {
    if (!json_is_array(value))
        return json_is_string(value) || json_is_number(value) || json_is_null(value);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        if (!json_is_number(item) && !json_is_null(item))
            return false;
    }
    return true;
}

/* A text that ends where its bytes do. */
static bool is_whole(const json_t *text) { return strlen(json_string_value(text)) == json_string_length(text); }

/* A row that others wrote has the kinds of members that this file writes, or is refused. */
static gr_status check_row(json_t *row, const char *place, gr_error *err) {
    const char *key;
    json_t *value;
    if (!json_is_object(row))
        return gr_error_set(err, GR_ERR_FORMAT, place, NULL, "a row is an object, {\"row\": KIND, ..}");

    /* Its kind, by which it is found. */
    const char *kind = json_string_value(json_object_get(row, "row"));
    if (!kind || !kind[0])
        return gr_error_set(err, GR_ERR_FORMAT, place, NULL, "the row has no kind: its member 'row' is no text");

    /* All members. */
    json_object_foreach(row, key, value) {
        if (!is_value(value))
            return gr_error_set(err, GR_ERR_FORMAT, place, NULL,
                                "'%.100s' is neither a text nor a number nor a list of numbers", key);
        if (json_is_string(value) && !is_whole(value))
            return gr_error_set(err, GR_ERR_FORMAT, place, NULL, "'%.100s' is a text with a NUL character", key);
    }
    return GR_OK;
}

/* One line of a file: parsed, added, then looked at, so that the ledger frees it whatever it is. */
static gr_status add_line(gr_ledger *rows, const gr__lines *line, const char *path, gr_error *err) {
    static const char hint[] = "each line holds one row, {\"row\": KIND, ..}";
    char place[GR__PLACE_SIZE];
    json_t *row;
    gr__place_text(place, path, line->number, 0);
    if (!line->closed) /* the rest of what was written is missing */
        return gr_error_set(err, GR_ERR_FORMAT, place, "the file was cut off", "the last line does not end");
    GR_TRY(gr__json_foreign(&row, line->text, line->length, &(gr__json_from){path, line->number, hint, true}, err));
    json_array_append_new(rows->rows, row);
    return check_row(row, place, err);
}

/* All of a text, or nothing: the first line that is wrong ends it. */
gr_status gr_ledger_parse(gr_ledger **rows, const char *text, size_t length, const char *place, gr_error *err) {
    gr__lines lines = {.next = text, .end = text + length};
    gr_status status = GR_OK;
    *rows = gr_ledger_new();
    while (status == GR_OK && gr__lines_next(&lines))
        status = add_line(*rows, &lines, place, err);
    if (status != GR_OK) {
        gr_ledger_free(*rows);
        *rows = NULL;
    }
    return status;
}

gr_status gr_ledger_write(const gr_ledger *rows, const char *path, gr_error *err) {
    char *lines = gr_ledger_lines(rows);
    gr_status status = gr_file_write(path, lines, strlen(lines), err);
    gr_free(lines);
    return status;
}

gr_status gr_ledger_read(gr_ledger **rows, const char *path, gr_error *err) {
    unsigned char *text;
    size_t length;
    *rows = NULL;
    GR_TRY(gr_file_read(path, &text, &length, err));
    gr_status status = gr_ledger_parse(rows, (const char *)text, length, path, err);
    gr_free(text);
    return status;
}
