/* Cells from anywhere, signed or not: cell.json and its rows, and files of committed rows. All of one is taken, with
 * the key and the digest that it says, or nothing; what is taken is written and read again as the same bytes. */
#include <string.h>

#include "base/mem.h"
#include "forge.h"
#include "io/json.h"
#include "lab/cell_file.h"
#include "lab/cell_key.h"

/* Which digests are made right again after the edits. */
enum { ROWS = 1, KEY = 2, SEAL = 4 };

static gr__kept_cell *whole(void) {
    static const char *const off[] = {"biology"};
    double units[3] = {1.5, 0.25, 1e-9};
    gr_ledger *rows = gr_ledger_new();
    gr_ledger_begin(rows, "loss");
    gr_ledger_text(rows, "group", "forget");
    gr_ledger_number(rows, "nll", 1.75);
    gr_ledger_numbers(rows, "units", units, 3);
    gr_ledger_begin(rows, "text");
    gr_ledger_text(rows, "text", "a \"bird\"\n");

    /* A measurement of a model. */
    json_t *of = json_pack("{s:i, s:s, s:[s, i], s:{s:f}}", "cell", 1, "kind", "measure", "task", "text", 1, "options",
                           "lr", 0.1);
    gr__cell_facts facts = {.model = true, .off = off, .off_count = 1, .data = "data/0123456789abcdef", .threads = 1};
    gr__kept_cell *cell = gr__cell_new(of, rows, &facts);
    json_decref(of);
    return cell;
}

/* Rows of a list as lines. */
static char *lines_of(const json_t *rows) {
    char *text = gr_strdup("");
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        char *line = gr_json_line(row, false), *longer = gr_format("%s%s\n", text, line);
        gr_free(text);
        gr_free(line);
        text = longer;
    }
    return text;
}

/* {"cell", "rows"} with some of its digests made right again. */
static void repair(json_t *line, unsigned how) {
    char hex[GR_DIGEST_HEX];
    json_t *file = json_object_get(line, "cell");
    if (!json_is_object(file))
        return;
    if (how & ROWS) {
        char *lines = lines_of(json_object_get(line, "rows"));
        gr_digest_data(hex, lines, strlen(lines));
        json_object_set_new(file, "rows_sha256", json_string(hex));
        gr_free(lines);
    }
    if ((how & KEY) && json_object_get(file, "of")) {
        gr__cell_key_of(hex, json_object_get(file, "of"));
        json_object_set_new(file, "key", json_string(hex));
    }
    if (how & SEAL) {
        gr_json_seal(hex, file);
        json_object_set_new(file, "sha256", json_string(hex));
    }
}

/* What was taken is what it says, and comes back as it went. */
static void check_cell(const gr__kept_cell *cell) {
    char hex[GR_DIGEST_HEX];
    gr_error err = {0};
    gr__kept_cell *back;
    gr__cell_key_of(hex, json_object_get(cell->file, "of"));
    check(!strcmp(hex, cell->key));
    const char *data = gr__cell_text(cell, "data");
    check(!data || (!strncmp(data, "data/", 5) && !strchr(data + 5, '/') && !strchr(data + 5, '.')));
    gr__cell_diverged(cell);
    gr__cell_text(cell, "of.what");

    char *lines = gr_ledger_lines(cell->rows), *file = gr_json_line(cell->file, false);
    check(gr__cell_parse(&back, file, strlen(file), lines, strlen(lines), cell->key, "again", &err) == GR_OK);
    gr__cell_free(back);
    gr_free(file);
    gr_free(lines);
}

/* The file of what was read. */
static char *file_of(const gr__committed *list) {
    gr__commit_line *line = gr_alloc((list->count + 1) * sizeof *line);
    for (size_t i = 0; i < list->count; i++)
        line[i] = (gr__commit_line){list->cell[i], list->cell[i]->about};
    char *text = gr__committed_lines(line, list->count);
    gr_free(line);
    return text;
}

static void try_lines(const char *text, size_t length) {
    gr_error err = {0};
    gr__committed list, back;
    if (gr__committed_parse(&list, text, length, "rows", &err) != GR_OK) {
        check(!list.count && err.status == GR_ERR_FORMAT && err.message[0]);
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        check_cell(list.cell[i]);
        check(gr__committed_find(&list, list.cell[i]->key) == list.cell[i]);
    }

    /* The same lines from what was read. */
    char *once = file_of(&list);
    check(gr__committed_parse(&back, once, strlen(once), "again", &err) == GR_OK && back.count == list.count);
    char *twice = file_of(&back);
    check(!strcmp(once, twice));
    gr_free(once);
    gr_free(twice);
    gr__committed_free(&back);
    gr__committed_free(&list);
}

static void try_cell(const json_t *line) {
    gr_error err = {0};
    gr__kept_cell *cell;
    char *file = gr_json_line(json_object_get(line, "cell"), false), *lines = lines_of(json_object_get(line, "rows"));
    if (gr__cell_parse(&cell, file, strlen(file), lines, strlen(lines), NULL, "cell", &err) == GR_OK) {
        check_cell(cell);
        gr__cell_free(cell);
    } else {
        check(!cell && err.status == GR_ERR_FORMAT && err.message[0]);
    }
    gr_free(file);
    gr_free(lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gr_forge in = {data, size};
    unsigned how = gr_forge_byte(&in) % 16;
    if (how >= 8) {
        try_lines((const char *)in.data, in.size);
        return 0;
    }

    /* A good one, edited. */
    gr__kept_cell *cell = whole();
    json_t *about = json_pack("{s:s, s:[{s:s, s:i}]}", "experiment", "any", "uses", "arm", "plain", "seed", 1);
    char *good = gr__committed_lines(&(gr__commit_line){cell, about}, 1);
    json_decref(about);
    json_t *line = json_loads(good, 0, NULL);
    check(line != NULL);
    gr_forge_json(line, &in);
    repair(line, how);
    char *text = gr_json_line(line, false), *full = gr_format("%s\n%s", text, how & ROWS ? good : "");
    try_lines(full, strlen(full));
    if (json_is_object(json_object_get(line, "cell")))
        try_cell(line);
    gr_free(text);
    gr_free(full);
    gr_free(good);
    json_decref(line);
    gr__cell_free(cell);
    return 0;
}
