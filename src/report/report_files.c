/* Finished folders become a page: result.json, results.jsonl, and the metrics of models that are still there. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/report.h"
#include "io/file.h"
#include "io/json.h"
#include "report/report_page.h"

typedef struct folder {
    json_t *result, *rows, *metrics;
} folder;

static void folder_free(folder *f) {
    json_decref(f->result);
    json_decref(f->rows);
    json_decref(f->metrics);
}

/* ---- result.json ---- */

static gr_status read_result(json_t **result, const char *path, gr_error *err) {
    GR_TRY(gr_json_read(result, path, err));
    if (gr__report_fits(*result))
        return GR_OK;
    return gr_error_set(err, GR_ERR_FORMAT, path, "gradroute reproduce writes it anew from what its folder holds",
                        "not the result of an experiment in a form that is known here");
}

/* ---- lines ---- */

/* Each line of a file as an object, those alone that hold one of these words; words NULL: all. A last line that does
 * not end is one that is still being written. */
static gr_status read_lines(json_t **list, const char *path, const char *const *words, gr_error *err) {
    unsigned char *data;
    size_t size, number = 0;
    *list = json_array();
    GR_TRY(gr_file_read(path, &data, &size, err));

    gr_status status = GR_OK;
    char *line = (char *)data, *end;
    for (; status == GR_OK && (end = strchr(line, '\n')); line = end + 1) {
        bool wanted = !words;
        number++;
        *end = '\0';
        for (int i = 0; words && words[i]; i++)
            wanted |= strstr(line, words[i]) != NULL;
        if (!wanted)
            continue;

        char *place = gr_format("%s:%zu", path, number);
        json_t *object;
        status = gr_json_parse(&object, line, (size_t)(end - line), place, err);
        if (status == GR_OK)
            json_array_append_new(*list, object);
        gr_free(place);
    }
    gr_free(data);
    return status;
}

/* Metrics of every model whose row is there, as far as the folder has them: models may be a cache elsewhere. */
static gr_status read_metrics(folder *f, const char *path, gr_error *err) {
    static const char *const words[] = {"\"heldout\"", "\"absorption\"", "\"probe\"", "\"warning\"", NULL};
    size_t i;
    json_t *row;
    f->metrics = json_object();
    json_array_foreach(f->rows, i, row) {
        const char *kind = gr__text_of(row, "row"), *key = gr__text_of(row, "cell");
        if (!kind || strcmp(kind, "model") != 0 || !key || json_object_get(f->metrics, key) ||
            strspn(key, "0123456789abcdef") != strlen(key))
            continue;

        /* A key is hexadecimal, so it leads nowhere else. */
        char *file = gr_format("%s/cells/%s/metrics.jsonl", path, key);
        json_t *lines = NULL;
        gr_status status = gr_file_exists(file) ? read_lines(&lines, file, words, err) : GR_OK;
        gr_free(file);
        if (lines)
            json_object_set_new(f->metrics, key, lines);
        GR_TRY(status);
    }
    return GR_OK;
}

static gr_status read_folder(folder *f, const char *path, gr_error *err) {
    char *result = gr_format("%s/result.json", path), *rows = gr_format("%s/results.jsonl", path);
    gr_status status = read_result(&f->result, result, err);
    if (status == GR_OK)
        status = read_lines(&f->rows, rows, NULL, err);
    if (status == GR_OK)
        status = read_metrics(f, path, err);
    gr_free(result);
    gr_free(rows);
    return status;
}

/* ---- the page ---- */

/* A page that is there already stays as it is. */
static gr_status write_page(const char *path, const char *page, gr_error *err) {
    unsigned char *kept = NULL;
    size_t size = 0;
    bool same = gr_file_exists(path) && gr_file_read(path, &kept, &size, NULL) == GR_OK && size == strlen(page) &&
                memcmp(kept, page, size) == 0;
    gr_free(kept);
    if (same)
        return GR_OK;
    GR_TRY(gr__file_replaceable(path, err));
    return gr_file_write(path, page, strlen(page), err);
}

gr_status gr_report_write(const char *const *paths, int folders, const char *path, gr_error *err) {
    folder *f = gr_alloc((size_t)(folders + 1) * sizeof *f);
    gr__report_run *run = gr_alloc((size_t)(folders + 1) * sizeof *run);
    gr_status status = GR_OK;

    /* All folders are read before a byte is written. */
    for (int i = 0; i < folders && status == GR_OK; i++) {
        status = read_folder(&f[i], paths[i], err);
        run[i] = (gr__report_run){paths[i], f[i].result, f[i].rows, f[i].metrics};
    }

    if (status == GR_OK) {
        char *page = gr__report_page(run, folders);
        status = write_page(path, page, err);
        gr_free(page);
    }
    for (int i = 0; i < folders; i++)
        folder_free(&f[i]);
    gr_free(run);
    gr_free(f);
    return status;
}
