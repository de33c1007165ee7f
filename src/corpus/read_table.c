/* read_table.c - CSV and TSV: a header with the names of the columns, then a record a row, by RFC 4180.
 *
 * A field in quotes may hold the delimiter, line breaks, and quotes written twice. Inside of other fields a quote is a
 * character. An empty cell is a member that the record does not have, but for the text.
 */
#include <string.h>

#include "base/foreign.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/number.h"
#include "corpus/record.h"
#include "io/line_reader.h"

typedef struct table {
    gr__line_reader *reader;
    const char *path;
    char delimiter;
    size_t first; /* line in which the row begins */
    char *cells;  /* of the row, one after the other */
    size_t count, capacity;
    size_t *ends; /* [columns] */
    size_t columns, ends_capacity;
} table;

/* An error of the row at hand, at the line where it begins. */
static gr_status wrong(const table *t, const char *hint, gr_error *err, const char *what) {
    char place[GR__PLACE_SIZE];
    return gr_error_set(err, GR_ERR_FORMAT, gr__place_text(place, t->path, t->first, 0), hint, "%s", what);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

enum { FIELD_BEGINS, PLAIN, QUOTED, QUOTE_ENDS }; /* what the next character meets */

/* A cell ends where the bytes of the row end so far. */
static void end_cell(table *t) { GR_PUSH(t->ends, t->columns, t->ends_capacity) = t->count; }

/* The next state; -1 for what may not follow a quote. */
static int take(table *t, int state, char c) {
    if (state == QUOTED && c == '"')
        return QUOTE_ENDS;
    if (state == FIELD_BEGINS && c == '"')
        return QUOTED;

    /* Outside of quotes the delimiter ends the cell. */
    if (state != QUOTED && c == t->delimiter) {
        end_cell(t);
        return FIELD_BEGINS;
    }

    /* A quote inside of quotes either ends them or is the first of two, which stand for one. */
    if (state == QUOTE_ENDS && c != '"')
        return -1;
    GR_PUSH(t->cells, t->count, t->capacity) = c;
    if (state == FIELD_BEGINS)
        return PLAIN;
    return state == QUOTE_ENDS ? QUOTED : state;
}

/* The next row that is not empty, over as many lines as its quotes take; *more false at the end of the file. */
static gr_status next_row(table *t, bool *more, gr_error *err) {
    const char *hint = "a field with a quote, a line break or the delimiter is written in quotes, and its quotes twice";
    gr__passage line = {0};
    int state = FIELD_BEGINS;
    t->count = t->columns = 0;
    *more = false;

    /* Lines without anything between rows are passed over. */
    do {
        GR_TRY(gr__line_reader_next(t->reader, &line, "\n", 1, err));
        t->first = line.number;
    } while (line.text && !line.length);
    if (!line.text)
        return GR_OK;

    /* A line ends the row unless it ends inside of quotes: then the line break belongs to the cell, and the next line
     * goes on. */
    for (;;) {
        for (size_t i = 0; i < line.length && state >= 0; i++)
            state = take(t, state, line.text[i]);
        if (state < 0)
            return wrong(t, hint, err, "a field goes on behind its closing quote");
        if (state != QUOTED)
            break;
        GR_PUSH(t->cells, t->count, t->capacity) = '\n';
        if (t->count > INT32_MAX)
            return wrong(t, hint, err, "a field in quotes has no end within 2^31 - 1 bytes");
        GR_TRY(gr__line_reader_next(t->reader, &line, "\n", 1, err));
        if (!line.text)
            return wrong(t, hint, err, "a field in quotes has no end");
    }
    end_cell(t);
    *more = true;
    return GR_OK;
}

/* Cell i of the row at hand. */
static const char *cell(const table *t, size_t i, size_t *length) {
    size_t begin = i ? t->ends[i - 1] : 0;
    *length = t->ends[i] - begin;
    return *length ? t->cells + begin : ""; /* a table of empty cells has no room for them */
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* The names of the columns, each another one. */
static gr_status read_header(table *t, gr__names *names, gr_error *err) {
    bool more;
    GR_TRY(next_row(t, &more, err));
    if (!more)
        return wrong(t, "the first line names the columns", err, "the file is empty");
    for (size_t i = 0; i < t->columns; i++) {
        size_t length;
        const char *name = cell(t, i, &length);
        if (!gr__text_is_name(name, length))
            return wrong(t, "names are UTF-8 without the character U+0000", err, "a column's name is no text");
        if (gr__names_add(names, name, length) != i)
            return wrong(t, "the first line names each column, each by another name", err,
                         "two columns have the same name");
    }
    return GR_OK;
}

/* The row as an object: cells are strings, and empty ones are left out, but for the text. */
static gr_status as_object(const table *t, json_t **object, const gr__names *names, const char *text_field,
                           gr_error *err) {
    *object = json_object();
    for (size_t i = 0; i < t->columns; i++) {
        size_t length;
        const char *bytes = cell(t, i, &length), *name = names->at[i];
        if (!length && strcmp(name, text_field) != 0)
            continue;
        json_t *value = json_stringn(bytes, length);
        if (!value || json_object_set_new(*object, name, value) != 0)
            return wrong(t, "convert the file: iconv -f ENCODING -t UTF-8 FILE >NEW", err,
                         "the row has bytes that are not UTF-8");
    }
    return GR_OK;
}

/* Every row as a record, to the end of the file. */
static gr_status read_rows(table *t, gr__sink *sink, const gr_source *source, const gr__names *names, gr_error *err) {
    const char *text_field = source->text_field ? source->text_field : "text";
    bool more, first = true;
    for (;; first = false) {
        GR_TRY(next_row(t, &more, err));
        if (!more)
            return GR_OK;

        /* A row of another number of fields is a sign of the wrong delimiter or of a stray quote. */
        if (t->columns != names->count) {
            char place[GR__PLACE_SIZE];
            return gr_error_set(err, GR_ERR_FORMAT, gr__place_text(place, t->path, t->first, 0),
                                "every row has a field for each name of the first line; is it the right delimiter?",
                                "a row of %zu %s under %zu %s", t->columns,
                                gr__plural((int64_t)t->columns, "field", "fields"), names->count,
                                gr__plural((int64_t)names->count, "name", "names"));
        }

        /* A record like that of JSON: one set of rules for members. */
        json_t *object;
        gr_status status = as_object(t, &object, names, text_field, err);
        if (status == GR_OK)
            status = gr__record_add(&(gr__record){sink, source, t->path, t->first, first}, object, err);
        json_decref(object);
        GR_TRY(status);
    }
}

/* The header, then rows to the end of the file. */
static gr_status read_table(table *t, gr__sink *sink, const gr_source *source, gr__names *names, gr_error *err) {
    GR_TRY(gr__line_reader_open_text(&t->reader, t->path, "check the path; a recipe's paths start at its folder", err));
    GR_TRY(read_header(t, names, err));
    return read_rows(t, sink, source, names, err);
}

/* One file with this delimiter. */
static gr_status read_file(gr__sink *sink, const gr_source *source, const char *path, char delimiter, gr_error *err) {
    table t = {.path = path, .delimiter = delimiter, .first = 1};
    gr__names names = {.arena = gr_arena_new()};
    gr_status status = read_table(&t, sink, source, &names, err);
    gr__line_reader_close(t.reader);
    gr__names_clear(&names);
    gr_arena_free(names.arena);
    gr_free(t.cells);
    gr_free(t.ends);
    return status;
}

static gr_status read_csv(gr__sink *sink, const gr_source *source, const char *path, gr_error *err) {
    return read_file(sink, source, path, ',', err);
}

static gr_status read_tsv(gr__sink *sink, const gr_source *source, const char *path, gr_error *err) {
    return read_file(sink, source, path, '\t', err);
}

const gr__reader gr__reader_csv = {"csv", NULL, read_csv};
const gr__reader gr__reader_tsv = {"tsv", NULL, read_tsv};
