/* What came of an experiment: its result, made of the rows of its cells alone; those rows as a table for others; and
 * the rows that are committed with an experiment. */
#include <string.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/json.h"
#include "lab/lab_state.h"
#include "lab/result_cells.h"

/* ---- rows of all uses ---- */

typedef struct all_rows {
    gr__result_rows *rows;      /* [count] */
    const gr__kept_cell **cell; /* [cells] NULL: not done */
    bool *owned;                /* [cells] */
    size_t count;
    int cells;
} all_rows;

/* Cells that were read for this; others belong to the lab. */
static void free_rows(all_rows *all) {
    for (int c = 0; c < all->cells; c++)
        if (all->owned[c])
            gr__cell_free((gr__kept_cell *)all->cell[c]);
    gr_free(all->rows);
    gr_free(all->cell);
    gr_free(all->owned);
}

/* The rows of every cell, as far as they are known. */
static gr_status read_cells(all_rows *all, const gr_lab *lab, gr_error *err) {
    all->cells = lab->cells->cells;
    all->cell = gr_alloc((size_t)(all->cells + 1) * sizeof *all->cell);
    all->owned = gr_alloc((size_t)(all->cells + 1) * sizeof *all->owned);
    for (int c = 0; c < all->cells; c++)
        GR_TRY(gr__lab_rows(&all->cell[c], &all->owned[c], lab, lab->cells->cell[c].key, err));
    return GR_OK;
}

/* ---- the result ---- */

/* The result of all rows, in the form that is kept. */
static gr_status make_result(json_t **result, const gr_lab *lab, const all_rows *all, gr_error *err) {
    uint64_t *split = gr_alloc((size_t)(lab->seeds + 1) * sizeof *split);
    for (int i = 0; i < lab->seeds; i++)
        split[i] = lab->place[i].split_seed;

    /* All of it is borrowed. */
    gr__result_def def = {.experiment = lab->experiment,
                          .registry = lab->registry,
                          .runs = lab->runs,
                          .folder = lab->folder,
                          .digest = lab->identity,
                          .recipe = lab->recipe_text,
                          .routes = lab->routes,
                          .said = lab->said,
                          .suggested = lab->suggested,
                          .suggestions = lab->suggestions,
                          .seeds = lab->seeds,
                          .first_seed = lab->first_seed,
                          .split_seed = split,
                          .least = lab->least,
                          .rows = all->rows,
                          .count = all->count};
    gr_status status = gr__result_make(result, &def, err);
    gr_free(split);
    return status;
}

gr_status gr_lab_result(gr_result **out, const gr_lab *lab, gr_error *err) {
    all_rows all = {0};
    json_t *object = NULL;
    *out = NULL;

    /* Of whatever is done: cells that are missing leave figures out. */
    gr_status status = read_cells(&all, lab, err);
    if (status == GR_OK) {
        all.rows = gr__result_rows_of(&all.count, lab->experiment, lab->cells, all.cell);
        status = make_result(&object, lab, &all, err);
    }
    free_rows(&all);

    if (status == GR_OK) {
        *out = gr_alloc(sizeof **out);
        (*out)->object = object;
    }
    return status;
}

char *gr_result_text(const gr_result *result) {
    char *text = json_dumps(result->object, JSON_INDENT(2)), *copy = gr_strdup(text);
    free(text);
    return copy;
}

char *gr_result_choice_text(const gr_result *result) {
    json_t *choice = json_copy(json_object_get(result->object, "choice"));
    if (choice && json_object_get(result->object, "folder"))
        json_object_set(choice, "folder", json_object_get(result->object, "folder"));
    char *text = choice ? json_dumps(choice, JSON_INDENT(2)) : NULL, *copy = gr_strdup(text);
    free(text);
    json_decref(choice);
    return copy;
}

void gr_result_free(gr_result *result) {
    if (!result)
        return;
    json_decref(result->object);
    gr_free(result);
}

/* ---- files ---- */

/* The values of all axes, as members beside others. */
static void put_axes(json_t *to, const gr_experiment *e, int point) {
    json_t *axes = gr__result_axes(e, point);
    json_object_update(to, axes);
    json_decref(axes);
}

/* One row as a line: what it is of, then its members; lists are left out, they are in the cell. */
static gr_status write_line(gr_file_out *to, const gr_lab *lab, const gr__use *use, json_t *row, gr_error *err) {
    const gr_experiment *e = lab->experiment;
    const char *key;
    json_t *value, *line = json_object();

    /* Which model of which point, and which cell. */
    json_object_set_new(line, "experiment", json_string(e->name));
    json_object_set_new(line, "arm", use->arm < 0 ? json_null() : json_string(e->arm[use->arm].name));
    put_axes(line, e, use->point);
    json_object_set_new(line, "seed", json_integer(lab->first_seed + use->seed));
    json_object_set_new(line, "knob", json_integer(use->knob));
    json_object_set_new(line, "cell", json_string(use->key));
    if (use->reading >= 0 && e->use[use->reading].attack)
        json_object_set_new(line, "attack", json_string(e->use[use->reading].attack->name));

    /* What was measured does not take the place of that. */
    json_object_foreach(row, key, value)
        if (!json_is_array(value) && !json_object_get(line, key))
            json_object_set(line, key, value);

    char *text = gr_json_line(line, false);
    gr_status status = gr_file_out_write(to, text, strlen(text), err);
    if (status == GR_OK)
        status = gr_file_out_write(to, "\n", 1, err);
    gr_free(text);
    json_decref(line);
    return status;
}

/* Every row of every use, with what it is a row of. */
static gr_status write_rows(gr_file_out *to, const gr_lab *lab, const all_rows *all, gr_error *err) {
    gr_status status = GR_OK;
    for (int u = 0; u < lab->cells->uses; u++) {
        const gr__use *use = &lab->cells->use[u];
        const gr__kept_cell *cell = all->cell[use->cell];
        char *lines = cell ? gr_ledger_lines(cell->rows) : NULL;

        /* A cell that is not done has none. */
        for (char *line = lines ? strtok(lines, "\n") : NULL; line && status == GR_OK; line = strtok(NULL, "\n")) {
            json_t *row = json_loads(line, 0, NULL);
            status = write_line(to, lab, use, row, err);
            json_decref(row);
        }
        gr_free(lines);
    }
    return status;
}

/* Whether the file holds these bytes already: what is finished is not written again. */
static bool holds(const char *path, const char *text) {
    unsigned char *kept = NULL;
    size_t size;
    bool same = gr_file_exists(path) && gr_file_read(path, &kept, &size, NULL) == GR_OK && size == strlen(text) &&
                memcmp(kept, text, size) == 0;
    gr_free(kept);
    return same;
}

/* All rows as one file. */
static gr_status write_table(const gr_lab *lab, const char *path, gr_error *err) {
    all_rows all = {0};
    gr_file_out *to = NULL;
    gr_status status = read_cells(&all, lab, err);
    if (status == GR_OK)
        status = gr_file_out_open(&to, path, err);
    if (status == GR_OK)
        status = write_rows(to, lab, &all, err);

    /* Under its name it is whole, or not there. */
    if (status == GR_OK)
        status = gr_file_out_commit(to, err);
    else
        gr_file_out_abort(to);
    free_rows(&all);
    return status;
}

/* All that tells of the result. The result itself comes last: where it is, all else is of it. */
static gr_status write_all(gr_lab *lab, const char *result, const char *table, const char *text, gr_error *err) {
    GR_TRY(gr_lab_claim(lab, err));
    GR_TRY(gr__lab_link(lab, err));
    GR_TRY(write_table(lab, table, err));
    return gr_file_write(result, text, strlen(text), err);
}

gr_status gr_lab_write(gr_lab *lab, const gr_result *result, gr_error *err) {
    char *path = gr_format("%s/result.json", lab->folder), *table = gr_format("%s/results.jsonl", lab->folder);
    char *text = gr_result_text(result);
    gr_status status = holds(path, text) ? GR_OK : write_all(lab, path, table, text, err);
    gr_free(text);
    gr_free(path);
    gr_free(table);
    return status;
}

/* ---- committed rows ---- */

/* {"arm": NAME, AXIS: VALUE, .., "knob": WORD, "seed": N}; of data there is no arm. */
static json_t *use_of(const gr_lab *lab, const gr__use *use) {
    const gr_experiment *e = lab->experiment;
    json_t *of = json_object();
    if (use->arm >= 0)
        json_object_set_new(of, "arm", json_string(e->arm[use->arm].name));
    put_axes(of, e, use->point);
    if (use->arm >= 0 && gr_experiment_knobs(e, use->arm) > 1)
        json_object_set_new(of, "knob", gr_json_text(gr__knob_word(e, use->arm, use->knob)));
    json_object_set_new(of, "seed", json_integer(lab->first_seed + use->seed));
    return of;
}

/* What each cell was made for: a list of its uses, by experiment and preset. */
static json_t **about_cells(const gr_lab *lab) {
    const gr__cells *cells = lab->cells;
    json_t **about = gr_alloc((size_t)(cells->cells + 1) * sizeof *about);
    for (int c = 0; c < cells->cells; c++) {
        json_t *preset = lab->def.preset ? json_string(lab->def.preset) : json_null();
        about[c] = json_pack("{s:s, s:o, s:[]}", "experiment", lab->experiment->name, "preset", preset, "uses");
    }
    for (int u = 0; u < cells->uses; u++)
        json_array_append_new(json_object_get(about[cells->use[u].cell], "uses"), use_of(lab, &cells->use[u]));
    return about;
}

/* What is in the file already; nothing where there is none. */
static gr_status read_kept(gr__committed *kept, const char *path, gr_error *err) {
    *kept = (gr__committed){0};
    return gr_file_exists(path) ? gr__committed_read(kept, path, err) : GR_OK;
}

/* Whether two paths are spelt alike, but for slashes at the end of the second. */
static bool is_spelt(const char *path, const char *other) {
    size_t length = strlen(other);
    while (length > 1 && other[length - 1] == '/')
        length--;
    return strlen(path) == length && strncmp(path, other, length) == 0;
}

/* Begins the file and takes it back: whatever would refuse it does so now. */
static gr_status try_file(const char *path, gr_error *err) {
    gr_file_out *out;
    GR_TRY(gr_file_out_open(&out, path, err));
    gr_file_out_abort(out);
    return GR_OK;
}

gr_status gr_lab_commit_check(const char *path, const char *made, gr_error *err) {
    gr__committed kept;
    GR_TRY(read_kept(&kept, path, err));
    gr__committed_free(&kept);

    /* What the run makes itself will be there. */
    char *folder = gr__folder_of(path);
    const bool there = gr_file_exists(folder), own = !there && made && is_spelt(folder, made);
    gr_status status = GR_OK;
    if (there)
        status = try_file(path, err);
    else if (!own)
        status = gr_error_set(err, GR_ERR_USAGE, path, "make the folder first, or name a file in one that is there",
                              "there is no folder %.200s to write it to", folder);
    gr_free(folder);
    return status;
}

/* Rows of all cells that are done, and of those in the file that are of other cells. */
static gr_status commit(const gr_lab *lab, const all_rows *all, json_t *const *about, const gr__committed *kept,
                        const char *path, gr_error *err) {
    gr__commit_line *line = gr_alloc((kept->count + (size_t)all->cells + 1) * sizeof *line);
    size_t count = 0;

    /* What is done here, with what it is of now. */
    for (int c = 0; c < all->cells; c++)
        if (all->cell[c])
            line[count++] = (gr__commit_line){all->cell[c], about[c]};

    /* Then what is there and none of these: another preset's, of which nobody here knows more than its line says. */
    const size_t here = count;
    for (size_t i = 0; i < kept->count; i++) {
        size_t same = 0;
        while (same < here && strcmp(line[same].cell->key, kept->cell[i]->key) != 0)
            same++;
        if (same == here)
            line[count++] = (gr__commit_line){kept->cell[i], kept->cell[i]->about};
    }

    gr_status status = gr__committed_write(line, count, path, err);
    gr_free(line);
    return status;
}

gr_status gr_lab_commit(const gr_lab *lab, const char *path, gr_error *err) {
    gr__committed kept;
    all_rows all = {0};
    GR_TRY(read_kept(&kept, path, err));

    /* What is done now beside what the file has. */
    gr_status status = read_cells(&all, lab, err);
    json_t **about = about_cells(lab);
    if (status == GR_OK)
        status = commit(lab, &all, about, &kept, path, err);

    for (int c = 0; c < lab->cells->cells; c++)
        json_decref(about[c]);
    gr_free(about);
    free_rows(&all);
    gr__committed_free(&kept);
    return status;
}
