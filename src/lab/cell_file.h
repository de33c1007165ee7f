/* cell_file.h - a cell that is done, as text: cell.json beside its rows, and one line of a file of committed rows.
 *
 *     gr__kept_cell *cell = gr__cell_new(of, rows, &facts);            takes the rows
 *     GR_TRY(gr__cell_write(cell, "cells/KEY", err));             rows.jsonl, then cell.json
 *     GR_TRY(gr__cell_read(&cell, "cells/KEY", err));             nothing of it is believed before it was checked
 *     gr__cell_free(cell);
 *
 * cell.json:
 *
 *     {"format": "gradroute-cell-1", "key", "of": what the key is the digest of (cell_key.h), "rows_sha256",
 *      "model": null, {"folder": "model", "off": [REGION, ..]} or {"of": KEY, "off": [REGION, ..]},
 *      "data": null or "data/16 digits", "seconds", "threads", "isa", "program", "commit": where it
 *      is known, "host", "made", "sha256": of the object without this member, as gr_json_seal}
 *
 * Times, machine and program stand here and never in rows: rows of two machines that compute alike are equal bytes.
 *
 * Committed rows are lines {"cell": cell.json without "host", signed anew, "about": {..}, "rows": [ROW, ..]}, sorted by
 * key. "about" decides nothing: it says for people and programs what the cell was made for.
 */
#ifndef GR_LAB_CELL_FILE_H
#define GR_LAB_CELL_FILE_H

#include <jansson.h>

#include "gradroute/measure.h"
#include "io/digest.h"

/* What is known of a cell beyond its key and rows. */
typedef struct gr__cell_facts {
    bool model;             /* its folder holds model/ */
    const char *model_of;   /* else: the cell whose weights it has, NULL: it is no model */
    const char *const *off; /* [off_count] regions that are off */
    int off_count;
    const char *data; /* folder of what was read, "data/16 digits"; NULL: none was kept */
    double seconds;
    int threads;
    const char *isa;    /* NULL: what this process runs on */
    const char *commit; /* of the program's sources; NULL: not known */
} gr__cell_facts;

typedef struct gr__kept_cell {
    char key[GR_DIGEST_HEX];
    json_t *file; /* the object of cell.json */
    gr_ledger *rows;
    json_t *about; /* of a committed one, what its line says it was made for; NULL: nothing */
} gr__kept_cell;

/* Takes the rows; `of` is borrowed. */
gr__kept_cell *gr__cell_new(const json_t *of, gr_ledger *rows, const gr__cell_facts *facts);
void gr__cell_free(gr__kept_cell *cell); /* NULL is fine */

/* Into a folder that is there, and out of one. GR_ERR_FORMAT, with the advice to remove the folder: another format, a
 * seal, a key or a digest of rows that is wrong, a member that is missing or of another kind. `key`: that it must have;
 * NULL: any. */
gr_status gr__cell_write(const gr__kept_cell *cell, const char *folder, gr_error *err);
gr_status gr__cell_read(gr__kept_cell **cell, const char *folder, const char *key, gr_error *err);

/* The same of objects in memory; place names them in errors. Takes neither. */
gr_status gr__cell_check(const json_t *file, const char *key, const char *place, gr_error *err);
gr_status gr__cell_parse(gr__kept_cell **cell, const char *file, size_t file_length, const char *rows,
                         size_t rows_length, const char *key, const char *place, gr_error *err);

/* Whether training ended because a number was no longer finite: its rows are one of kind "diverged". */
bool gr__cell_diverged(const gr__kept_cell *cell);

/* A member of cell.json as text; NULL: it is null or of another kind. "of.what" and the like take a dot. */
const char *gr__cell_text(const gr__kept_cell *cell, const char *member);

/* ---- Committed rows ---- */

typedef struct gr__committed {
    gr__kept_cell **cell; /* [count] by their keys */
    size_t count, room;
} gr__committed;

/* Lines in any order, each key once (GR_ERR_FORMAT, with the line). A file that is missing is GR_ERR_INPUT. */
gr_status gr__committed_read(gr__committed *list, const char *path, gr_error *err);
gr_status gr__committed_parse(gr__committed *list, const char *text, size_t length, const char *place, gr_error *err);
void gr__committed_free(gr__committed *list);

const gr__kept_cell *gr__committed_find(const gr__committed *list, const char *key); /* NULL: it is not among them */

/* A line to be; about: an object, NULL: nothing is said. Both borrowed. */
typedef struct gr__commit_line {
    const gr__kept_cell *cell;
    const json_t *about;
} gr__commit_line;

/* As a new string, and as a file. Without the host, in the order of keys. */
char *gr__committed_lines(const gr__commit_line *line, size_t count);
gr_status gr__committed_write(const gr__commit_line *line, size_t count, const char *path, gr_error *err);

#endif
