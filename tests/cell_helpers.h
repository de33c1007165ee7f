/* cell_helpers.h - cells of a test by their numbers, and makers that publish them. */
#ifndef GR_TESTS_CELL_HELPERS_H
#define GR_TESTS_CELL_HELPERS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/json.h"
#include "lab/cell_key.h"
#include "lab/cell_store.h"
#include "support.h"

enum { CELLS = 6 };

/* ---- cells of a test ---- */

/* A model or a measurement by its number. */
static inline json_t *of_cell(int i, char key[GR_DIGEST_HEX]) {
    gr_error err = {0};
    json_t *of;
    char data[GR_DIGEST_HEX];
    snprintf(data, sizeof data, "%064x", i + 1);
    gr__cell_id id = {.kind = GR_CELL_MODEL,
                      .what = "train",
                      .revision = 1,
                      .task = "text",
                      .task_revision = 1,
                      .data = data,
                      .precision = "float32",
                      .seed = 1};
    gr_test_ok(gr__cell_key(key, &of, &id, &err), &err);
    return of;
}

static inline const char *key_of(int i) {
    static char key[CELLS][GR_DIGEST_HEX];
    json_decref(of_cell(i, key[i]));
    return key[i];
}

static inline gr_ledger *rows_of(int i) {
    gr_ledger *rows = gr_ledger_new();
    gr_ledger_begin(rows, "loss");
    gr_ledger_text(rows, "group", "forget");
    gr_ledger_number(rows, "nll", 1.0 / (i + 3));
    gr_ledger_begin(rows, "model");
    gr_ledger_count(rows, "steps", i);
    return rows;
}

static const gr__cell_facts with_model = {
    .model = true, .data = "data/0123456789abcdef", .seconds = 0.25, .threads = 1};

static inline char *path_in(const char *root, const char *format, const char *key) {
    char *below = gr_format(format, key), *path = gr_format("%s/%s", root, below);
    gr_free(below);
    return path;
}

/* Whether root/FORMAT(key) is there; a link by itself. */
static inline bool is_there(const char *root, const char *format, const char *key) {
    char *path = path_in(root, format, key);
    struct stat info;
    bool there = lstat(path, &info) == 0;
    gr_free(path);
    return there;
}

static inline void write_in(const char *folder, const char *name, const char *text) {
    gr_error err = {0};
    char *path = gr_format("%s/%s", folder, name);
    gr_test_ok(gr_file_write(path, text, strlen(text), &err), &err);
    gr_free(path);
}

/* Takes a cell to make it; NULL: there is nothing to make, and *found says whether it is done or busy. */
static inline gr__cell_work *begin(gr_cell_state *found, const char *root, int i, gr__cell_want want) {
    gr_error err = {0};
    gr__cell_work *work;
    gr_test_ok(gr__cell_begin(&work, found, root, key_of(i), want, &err), &err);
    return work;
}

/* What a maker does: goes on with what is there, publishes, links. Returns whether the cell is there afterwards. */
static inline bool make(const char *root, int i) {
    gr_error err = {0};
    gr_cell_state state;
    char key[GR_DIGEST_HEX];
    json_t *of = of_cell(i, key);
    gr__cell_work *work = begin(&state, root, i, GR__WANT_ROWS);
    if (work) {
        char *model = gr_format("%s/model", work->folder);
        if (!is_there(root, "work/%s/checkpoint", key))
            write_in(work->folder, "checkpoint", "half");
        gr_test_ok(gr_directory_make(model, &err), &err);
        write_in(model, "manifest.json", "{}");
        gr_test_ok(gr__cell_publish(work, NULL, of, rows_of(i), &with_model, &err), &err);
        gr_free(model);
    }
    if (work || state == GR_CELL_DONE)
        gr_test_ok(gr__cell_link(root, "routed", key, true, &err), &err);
    gr__cell_end(work);
    json_decref(of);
    return state != GR_CELL_BUSY;
}

static inline gr__known look(const char *root, int i, const gr__committed *committed, gr_units units) {
    gr_error err = {0};
    gr__known known;
    gr_test_ok(gr__cell_look(&known, root, key_of(i), committed, units, &err), &err);
    return known;
}

static inline gr_cell_state state_of(const char *root, int i) { return look(root, i, NULL, GR_UNITS_BUCKETS).state; }

/* The cell of a number is there, whole, with the bytes that it always has. */
static inline void assert_done(const char *root, int i) {
    gr_error err = {0};
    gr__kept_cell *cell;
    size_t length;
    gr_test_ok(gr__cell_find(&cell, root, key_of(i), &err), &err);
    assert_non_null(cell);
    gr__cell_free(cell);

    char *path = path_in(root, "cells/%s/rows.jsonl", key_of(i)), *bytes = gr_test_read(path, &length);
    gr_ledger *rows = rows_of(i);
    char *expected = gr_ledger_lines(rows);
    assert_string_equal(bytes, expected);
    gr_ledger_free(rows);
    gr_free(expected);
    gr_free(path);
    free(bytes);
}

/* Nothing but what is done. */
static inline void assert_tidy(const char *root, int i) {
    assert_false(is_there(root, "work/%s", key_of(i)));
    assert_false(is_there(root, "work/.%s.gradroute.lock", key_of(i)));
}

/* ---- rows that take the place of others ---- */

/* Cell 0 as a measurement, which has no weights: takes the rows. */
static inline void measure_rows(const char *root, gr_ledger *rows) {
    gr_error err = {0};
    gr_cell_state found;
    char key[GR_DIGEST_HEX];
    json_t *of = of_cell(0, key);
    gr__cell_work *work = begin(&found, root, 0, GR__WANT_ROWS);
    gr_test_ok(gr__cell_publish(work, NULL, of, rows, &(gr__cell_facts){.threads = 1}, &err), &err);
    gr__cell_end(work);
    json_decref(of);
}

static inline void measure(const char *root) { measure_rows(root, rows_of(0)); }

/* Makes cell 0 once more, with the rows of cell 2. */
static inline void replace(const char *root) {
    gr_error err = {0};
    gr_cell_state found;
    char key[GR_DIGEST_HEX];
    json_t *of = of_cell(0, key);
    gr__cell_work *work = begin(&found, root, 0, GR__WANT_RICHER);
    assert_non_null(work);
    gr_test_ok(gr__cell_replace(work, of, rows_of(2), &(gr__cell_facts){.threads = 1}, &err), &err);
    gr__cell_end(work);
    json_decref(of);
}

/* Which rows cell 0 has: of 0, of 2, or -1: it is not there. */
static inline int rows_there(const char *root) {
    gr_error err = {0};
    gr__kept_cell *cell;
    gr_test_ok(gr__cell_find(&cell, root, key_of(0), &err), &err);
    int steps = cell ? (int)gr_entry_number(gr_ledger_find(cell->rows, "model", NULL), "steps") : -1;
    gr__cell_free(cell);
    return steps;
}

/* ---- folders ---- */

static inline const char *fresh(void) {
    static int number;
    char name[20];
    snprintf(name, sizeof name, "lab%d", number++);
    return gr_test_path(name);
}

#endif
