/* Cells as text: cell.json, its rows, and files of committed rows. */
#include "lab/cell_file.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/foreign.h"
#include "base/mem.h"
#include "io/file.h"
#include "io/json.h"
#include "io/line_reader.h"
#include "kernel/kernel.h"
#include "lab/cell_key.h"

#define FORMAT "gradroute-cell-1"
static const char remove_it[] = "remove it to make it again",
                  one_a_line[] = "each line is {\"cell\": {..}, \"rows\": [..]}";

/* A text that grows. */
typedef struct buffer {
    char *at;
    size_t length, room;
} buffer;

/* Appends bytes, and a 0 behind them. */
static void put(buffer *to, const char *more, size_t length) {
    to->at = gr__grow(to->at, &to->room, to->length + length + 1, 1);
    memcpy(to->at + to->length, more, length);
    to->length += length;
    to->at[to->length] = 0;
}

/* ---- making ---- */

/* The digest of rows is of the lines that they are written as. */
static void rows_digest(char hex[GR_DIGEST_HEX], const gr_ledger *rows) {
    char *lines = gr_ledger_lines(rows);
    gr_digest_data(hex, lines, strlen(lines));
    gr_free(lines);
}

/* A list of texts. */
static json_t *texts(const char *const *text, int count) {
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, gr_json_text(text[i]));
    return list;
}

/* Where the weights are: in this cell, in another, or nowhere. */
static json_t *model_value(const gr__cell_facts *facts) {
    if (facts->model)
        return json_pack("{s:s, s:o}", "folder", "model", "off", texts(facts->off, facts->off_count));
    if (facts->model_of)
        return json_pack("{s:s, s:o}", "of", facts->model_of, "off", texts(facts->off, facts->off_count));
    return json_null();
}

/* Adds the digest over all other members. */
static void sign(json_t *file) {
    char hex[GR_DIGEST_HEX];
    gr_json_seal(hex, file);
    json_object_set_new(file, "sha256", json_string(hex));
}

gr__kept_cell *gr__cell_new(const json_t *of, gr_ledger *rows, const gr__cell_facts *facts) {
    gr__kept_cell *cell = gr_alloc(sizeof *cell);
    char digest[GR_DIGEST_HEX], host[80] = "unknown", made[40];
    gr__cell_key_of(cell->key, of);
    rows_digest(digest, rows);
    gethostname(host, sizeof host - 1);
    gr__text_date(made, sizeof made, "%Y-%m-%dT%H:%M:%SZ");
    cell->rows = rows;

    /* What it is of first, for a reader who wonders. */
    cell->file = json_pack("{s:s, s:s, s:O, s:s, s:o, s:o, s:f, s:i, s:s, s:s, s:o, s:s}", "format", FORMAT, "key",
                           cell->key, "of", of, "rows_sha256", digest, "model", model_value(facts), "data",
                           facts->data ? gr_json_text(facts->data) : json_null(), "seconds",
                           isfinite(facts->seconds) ? facts->seconds : 0.0, "threads", facts->threads, "isa",
                           facts->isa ? facts->isa : gr_kernel_isa(), "program", GR_VERSION, "host", gr_json_text(host),
                           "made", made);
    assert(cell->file);
    if (facts->commit)
        json_object_set_new(cell->file, "commit", gr_json_text(facts->commit));
    sign(cell->file);
    return cell;
}

void gr__cell_free(gr__kept_cell *cell) {
    if (!cell)
        return;
    json_decref(cell->file);
    json_decref(cell->about);
    gr_ledger_free(cell->rows);
    gr_free(cell);
}

/* ---- checking ---- */

static gr_status damaged(const char *place, gr_error *err, const char *what) {
    return gr_error_set(err, GR_ERR_FORMAT, place, remove_it, "no whole cell: %s", what);
}

/* Whether a value is a SHA-256 in hexadecimal digits. */
static bool is_digest(const json_t *value) {
    unsigned char bytes[GR_DIGEST_BYTES];
    const char *text = json_string_value(value);
    return text && strlen(text) == json_string_length(value) && gr_digest_unhex(bytes, text);
}

/* Texts that end where their bytes do. */
static bool is_text(const json_t *value) {
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

/* Whether a value is a list of texts alone. */
static bool is_text_list(const json_t *list) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!is_text(json_array_get(list, i)))
            return false;
    return json_is_array(list);
}

/* Whether a member says where a model is: none, in this cell's folder, or of another cell. */
static bool is_model(const json_t *model) {
    const json_t *folder = json_object_get(model, "folder"), *of = json_object_get(model, "of");
    if (json_is_null(model))
        return true;
    bool whose = folder ? is_text(folder) && !strcmp(json_string_value(folder), "model") && !of : is_digest(of);
    return whose && is_text_list(json_object_get(model, "off"));
}

/* Nothing that leads out of the experiment's folder. */
static bool is_data(const json_t *data) {
    static const char before[] = "data/";
    const char *text = json_string_value(data);
    if (json_is_null(data))
        return true;
    return is_text(data) && !strncmp(text, before, strlen(before)) && strlen(text) == strlen(before) + 16 &&
           strspn(text + strlen(before), "0123456789abcdef") == 16;
}

/* What the key was made of: a kind that we know. */
static bool is_of(const json_t *of) {
    const json_t *kind = json_object_get(of, "kind");
    for (int i = 0; is_text(kind) && gr__cell_kinds[i]; i++)
        if (!strcmp(json_string_value(kind), gr__cell_kinds[i]))
            return true;
    return false;
}

/* Whether the file says how it was made: for how long, by which program, on what. */
static bool has_facts(const json_t *file) {
    const json_t *seconds = json_object_get(file, "seconds"), *host = json_object_get(file, "host");
    const json_t *commit = json_object_get(file, "commit");
    return json_is_number(seconds) && json_number_value(seconds) >= 0 &&
           json_integer_value(json_object_get(file, "threads")) > 0 && is_text(json_object_get(file, "isa")) &&
           is_text(json_object_get(file, "program")) && is_text(json_object_get(file, "made")) &&
           (!host || is_text(host)) && (!commit || is_text(commit));
}

gr_status gr__cell_check(const json_t *file, const char *key, const char *place, gr_error *err) {
    const char *format = json_string_value(json_object_get(file, "format"));
    char hex[GR_DIGEST_HEX];
    if (!format || strcmp(format, FORMAT) != 0)
        return gr_error_set(err, GR_ERR_FORMAT, place, remove_it, "no cell of this version: its format is '%.60s'",
                            format ? format : "not said");

    /* All of it is as it was signed, and it is the cell that its key says. */
    gr_json_seal(hex, file);
    if (!is_digest(json_object_get(file, "sha256")) ||
        strcmp(hex, json_string_value(json_object_get(file, "sha256"))) != 0)
        return damaged(place, err, "its digest is not that of its content");
    if (!is_of(json_object_get(file, "of")))
        return damaged(place, err, "'of' names no kind of cell");
    gr__cell_key_of(hex, json_object_get(file, "of"));
    if (!is_digest(json_object_get(file, "key")) || strcmp(hex, json_string_value(json_object_get(file, "key"))) != 0)
        return damaged(place, err, "its key is not the digest of what it is of");
    if (key && strcmp(hex, key) != 0)
        return damaged(place, err, "it is another cell than its name says");

    /* What others will read of it. */
    if (!is_digest(json_object_get(file, "rows_sha256")))
        return damaged(place, err, "'rows_sha256' is no digest");
    if (!is_model(json_object_get(file, "model")))
        return damaged(place, err, "'model' is no place of a model");
    if (!is_data(json_object_get(file, "data")))
        return damaged(place, err, "'data' is no folder of data");
    return has_facts(file) ? GR_OK : damaged(place, err, "it does not say when and by what it was made");
}

/* A checked file and the bytes of its rows, which belong together if the digest says so. Takes the file, also when it
 * fails. */
static gr_status join(gr__kept_cell **cell, json_t *file, const char *lines, size_t length, const char *place,
                      gr_error *err) {
    char hex[GR_DIGEST_HEX];
    gr__kept_cell *c = gr_alloc(sizeof *c);
    c->file = file;
    gr_digest_data(hex, lines, length);

    /* The bytes first: what was edited is not even read. */
    gr_status status = strcmp(hex, json_string_value(json_object_get(file, "rows_sha256"))) != 0
                           ? damaged(place, err, "its rows are not those that it was signed with")
                           : gr_ledger_parse(&c->rows, lines, length, place, err);
    if (status != GR_OK) {
        gr__cell_free(c);
        return status;
    }
    strcpy(c->key, json_string_value(json_object_get(file, "key")));
    *cell = c;
    return GR_OK;
}

/* ---- one cell ---- */

gr_status gr__cell_parse(gr__kept_cell **cell, const char *file, size_t file_length, const char *rows,
                         size_t rows_length, const char *key, const char *place, gr_error *err) {
    json_t *json;
    *cell = NULL;
    GR_TRY(gr__json_foreign(&json, file, file_length, &(gr__json_from){place, 0, remove_it, true}, err));

    gr_status status = gr__cell_check(json, key, place, err);
    if (status == GR_OK)
        return join(cell, json, rows, rows_length, place, err);
    json_decref(json);
    return status;
}

gr_status gr__cell_read(gr__kept_cell **cell, const char *folder, const char *key, gr_error *err) {
    unsigned char *text = NULL, *lines = NULL;
    size_t text_length = 0, lines_length = 0;
    char *file = gr_format("%s/cell.json", folder), *rows = gr_format("%s/rows.jsonl", folder);
    *cell = NULL;

    /* A file that is missing makes it no whole cell either. */
    gr_status status = GR_OK;
    if (!gr_file_exists(file) || !gr_file_exists(rows))
        status = damaged(folder, err, gr_file_exists(file) ? "rows.jsonl is missing" : "cell.json is missing");
    if (status == GR_OK)
        status = gr_file_read(file, &text, &text_length, err);
    if (status == GR_OK)
        status = gr_file_read(rows, &lines, &lines_length, err);
    if (status == GR_OK)
        status = gr__cell_parse(cell, (char *)text, text_length, (char *)lines, lines_length, key, folder, err);

    gr_free(text);
    gr_free(lines);
    gr_free(file);
    gr_free(rows);
    return status;
}

gr_status gr__cell_write(const gr__kept_cell *cell, const char *folder, gr_error *err) {
    char *file = gr_format("%s/cell.json", folder), *rows = gr_format("%s/rows.jsonl", folder);
    gr_status status = gr_ledger_write(cell->rows, rows, err);
    if (status == GR_OK) /* last: with it the cell is whole */
        status = gr_json_write(cell->file, file, err);
    gr_free(file);
    gr_free(rows);
    return status;
}

bool gr__cell_diverged(const gr__kept_cell *cell) { return gr_ledger_find(cell->rows, "diverged", NULL) != NULL; }

const char *gr__cell_text(const gr__kept_cell *cell, const char *member) {
    const json_t *in = cell->file;
    const char *dot = strchr(member, '.');
    char outer[40];
    if (dot) {
        assert((size_t)(dot - member) < sizeof outer);
        memcpy(outer, member, (size_t)(dot - member));
        outer[dot - member] = 0;
        in = json_object_get(in, outer);
        member = dot + 1;
    }
    return json_string_value(json_object_get(in, member));
}

/* ---- committed rows ---- */

static int by_key(const void *a, const void *b) {
    return strcmp((*(gr__kept_cell *const *)a)->key, (*(gr__kept_cell *const *)b)->key);
}

/* {"cell": .., "about": .., "rows": [..]}, whose rows are taken as if they stood on lines. */
static gr_status cell_of_line(gr__kept_cell **cell, json_t *line, const char *place, gr_error *err) {
    json_t *file = json_object_get(line, "cell"), *list = json_object_get(line, "rows");
    if (!json_is_object(file) || !json_is_array(list))
        return gr_error_set(err, GR_ERR_FORMAT, place, one_a_line, "the line holds no cell and its rows");
    GR_TRY(gr__cell_check(file, NULL, place, err));

    /* The lines of rows.jsonl once more, byte for byte: the digest in the cell is of them. */
    buffer lines = {0};
    put(&lines, "", 0); /* a text also where there is no row */
    for (size_t i = 0; i < json_array_size(list); i++) {
        char *row = gr_json_line(json_array_get(list, i), false);
        put(&lines, row, strlen(row));
        put(&lines, "\n", 1);
        gr_free(row);
    }
    gr_status status = join(cell, json_incref(file), lines.at, lines.length, place, err);
    if (status == GR_OK)
        (*cell)->about = json_incref(json_object_get(line, "about"));
    gr_free(lines.at);
    return status;
}

/* One line of committed cells. */
static gr_status take_line(gr__committed *list, const gr__lines *line, const char *path, gr_error *err) {
    char place[GR__PLACE_SIZE];
    json_t *value;
    gr__kept_cell *cell;
    gr__place_text(place, path, line->number, 0);
    if (!line->closed)
        return gr_error_set(err, GR_ERR_FORMAT, place, "the file was cut off", "the last line does not end");
    GR_TRY(gr__json_foreign(&value, line->text, line->length, &(gr__json_from){path, line->number, one_a_line, true},
                            err));

    gr_status status = cell_of_line(&cell, value, place, err);
    json_decref(value);
    if (status == GR_OK)
        GR_PUSH(list->cell, list->count, list->room) = cell;
    return status;
}

/* Sorted, each key once: of two rows of one cell nobody knows which is meant. */
static gr_status settle(gr__committed *list, const char *place, gr_error *err) {
    if (list->count)
        qsort(list->cell, list->count, sizeof *list->cell, by_key);
    for (size_t i = 1; i < list->count; i++)
        if (!strcmp(list->cell[i]->key, list->cell[i - 1]->key))
            return gr_error_set(err, GR_ERR_FORMAT, place, "keep one of the two lines", "cell %.16s is there twice",
                                list->cell[i]->key);
    return GR_OK;
}

gr_status gr__committed_parse(gr__committed *list, const char *text, size_t length, const char *place, gr_error *err) {
    gr__lines lines = {.next = text, .end = text + length};
    gr_status status = GR_OK;
    *list = (gr__committed){0};
    while (status == GR_OK && gr__lines_next(&lines))
        status = take_line(list, &lines, place, err);
    if (status == GR_OK)
        status = settle(list, place, err);
    if (status != GR_OK)
        gr__committed_free(list);
    return status;
}

gr_status gr__committed_read(gr__committed *list, const char *path, gr_error *err) {
    unsigned char *text;
    size_t length;
    *list = (gr__committed){0};
    GR_TRY(gr_file_read(path, &text, &length, err));
    gr_status status = gr__committed_parse(list, (const char *)text, length, path, err);
    gr_free(text);
    return status;
}

void gr__committed_free(gr__committed *list) {
    for (size_t i = 0; i < list->count; i++)
        gr__cell_free(list->cell[i]);
    gr_free(list->cell);
    *list = (gr__committed){0};
}

const gr__kept_cell *gr__committed_find(const gr__committed *list, const char *key) {
    gr__kept_cell wanted, *one = &wanted;
    if (!list->count || strlen(key) >= sizeof wanted.key)
        return NULL;
    strcpy(wanted.key, key);
    gr__kept_cell **found = bsearch(&one, list->cell, list->count, sizeof *list->cell, by_key);
    return found ? *found : NULL;
}

/* One line of the file. Its machine is nobody's business. */
static void put_cell(buffer *to, const gr__commit_line *of) {
    json_t *file = json_copy(of->cell->file);
    json_object_del(file, "host");
    sign(file);
    char *line = gr_json_line(file, false), *rows = gr_ledger_lines(of->cell->rows);
    char *about = of->about ? gr_json_line(of->about, false) : NULL;

    /* Rows are lines already: between two of them a comma instead, and none behind the last. */
    size_t length = strlen(rows);
    for (char *at = strchr(rows, '\n'); at; at = strchr(at, '\n'))
        *at = ',';
    put(to, "{\"cell\":", 8);
    put(to, line, strlen(line));
    if (about) {
        put(to, ",\"about\":", 9);
        put(to, about, strlen(about));
    }
    put(to, ",\"rows\":[", 9);
    put(to, rows, length ? length - 1 : 0);
    put(to, "]}\n", 3);

    gr_free(about);
    gr_free(rows);
    gr_free(line);
    json_decref(file);
}

static int by_key_of_line(const void *a, const void *b) {
    return strcmp(((const gr__commit_line *)a)->cell->key, ((const gr__commit_line *)b)->cell->key);
}

char *gr__committed_lines(const gr__commit_line *line, size_t count) {
    gr__commit_line *sorted = gr_alloc((count + 1) * sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = line[i];
    qsort(sorted, count, sizeof *sorted, by_key_of_line);

    /* Each on a line of its own: changes of one cell are changes of one line. */
    buffer lines = {0};
    put(&lines, "", 0);
    for (size_t i = 0; i < count; i++)
        put_cell(&lines, &sorted[i]);
    gr_free(sorted);
    return lines.at;
}

gr_status gr__committed_write(const gr__commit_line *line, size_t count, const char *path, gr_error *err) {
    char *text = gr__committed_lines(line, count);
    gr_status status = gr_file_write(path, text, strlen(text), err);
    gr_free(text);
    return status;
}
