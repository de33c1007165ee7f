/* What commands share that change a model: rows to compare it on before and after, the comparison, and the new folder.
 */
#include "operation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arch/kind.h"
#include "base/mem.h"
#include "base/rng.h"
#include "io/file.h"

enum { ROWS = 16, KEYED_WIDTH = 64, BATCHES = 16 /* to compare on */ };

/* ---- rows ---- */

/* A probe over the documents of a file, in the model's own tokens. */
static gr_status open_file(gr__probe *p, const char *path, const gr_folder *folder, gr_error *err) {
    gr_tokenizer *tokenizer;
    gr_source source = gr__file_source(path);
    int width = folder->def->context;
    GR_TRY(gr__open_tokenizer(&tokenizer, folder, err));
    gr_status status = gr__open_text(&p->data, &p->labels, &source, tokenizer, width, err);
    gr_tokenizer_free(tokenizer);
    GR_TRY(status);

    if (p->data->vocab > folder->def->vocab)
        return gr_error_set(err, GR_ERR_USAGE, "model", NULL, "its tokenizer has %d tokens, its network reads %d",
                            p->data->vocab, folder->def->vocab);

    /* Batches of ROWS rows of the model's context. */
    p->rows = ROWS * width;
    p->start = gr_alloc(sizeof *p->start * (size_t)p->rows);
    p->cls = gr_alloc(sizeof *p->cls * (size_t)p->rows);
    return gr_scan_new(&p->scan, p->data, p->labels, p->data->train, p->data->train_count, ROWS, width, err);
}

/* Input `which`: standard normal numbers, `width` for each row. */
static void fill_numbers(gr__probe *p, int which, int width, gr_key key) {
    p->x[which] = gr_alloc(sizeof *p->x[which] * (size_t)p->rows * (size_t)width);
    for (size_t i = 0; i < (size_t)p->rows * (size_t)width; i++)
        p->x[which][i] = (gr_real)gr_random_normal(key, i, (uint32_t)which);
}

/* One batch of random tokens, or of random numbers for networks that read no text; the same at each call. */
static void fill_keyed(gr__probe *p, const gr_arch_def *def) {
    gr_key key = {1, GR_STREAM_SAMPLE, 0};
    bool text = !gr__arch_of(def)->sized;
    int width = text ? (def->context < KEYED_WIDTH ? def->context : KEYED_WIDTH) : 1;
    uint64_t tokens = (uint64_t)(text ? def->vocab : def->sizes[def->size_count - 1]);
    p->rows = ROWS * width;
    p->ids = gr_alloc(sizeof *p->ids * (size_t)p->rows);
    p->targets = gr_alloc(sizeof *p->targets * (size_t)p->rows);
    p->start = gr_alloc(sizeof *p->start * (size_t)p->rows);
    p->cls = gr_alloc(sizeof *p->cls * (size_t)p->rows);

    /* Each row is a document of its own. */
    for (int i = 0; i < p->rows; i++) {
        p->ids[i] = (int32_t)(gr_random_bits(key, (uint64_t)i, 2) % tokens);
        p->targets[i] = (int32_t)(gr_random_bits(key, (uint64_t)i, 3) % tokens);
        p->start[i] = i / width * width;
    }

    if (text)
        return;
    fill_numbers(p, 0, def->sizes[0], key);
    fill_numbers(p, 1, def->sizes[def->size_count - 1], key);
}

gr_status gr__probe_open(gr__probe *probe, const char *path, const gr_folder *folder, gr_error *err) {
    *probe = (gr__probe){0};
    if (path)
        return open_file(probe, path, folder, err);
    fill_keyed(probe, folder->def);
    return GR_OK;
}

/* A batch borrows the probe's arrays: it holds until the next call. */
bool gr__probe_next(void *probe, gr_batch *batch) {
    gr__probe *p = probe;
    gr_rows rows;

    /* The only batch without a file. */
    if (!p->scan) {
        *batch = (gr_batch){.rows = p->rows,
                            .ids = p->ids,
                            .targets = p->targets,
                            .start = p->start,
                            .cls = p->cls,
                            .x = {p->x[0], p->x[1]},
                            .denominator = p->rows};
        return p->batches++ == 0;
    }

    /* The next one of the file: documents see nothing of each other, gaps are absent. */
    if (!gr_scan_next(p->scan, &rows))
        return false;
    int n = rows.rows * rows.width;
    for (int i = 0; i < n; i++) {
        p->start[i] = i / rows.width * rows.width + rows.start[i];
        p->cls[i] = rows.doc[i] < 0 ? -1 : 0;
    }
    *batch = (gr_batch){.rows = n,
                        .ids = rows.ids,
                        .targets = rows.targets,
                        .start = p->start,
                        .cls = p->cls,
                        .denominator = rows.present > 0 ? (double)rows.present : 1};
    p->batches++;
    return true;
}

void gr__probe_rewind(gr__probe *p) {
    p->batches = 0;
    if (p->scan)
        gr_scan_rewind(p->scan);
}

void gr__probe_free(gr__probe *p) {
    gr_scan_free(p->scan);
    gr_labels_free(p->labels);
    gr_dataset_free(p->data);
    void *owned[] = {p->ids, p->targets, p->start, p->cls, p->x[0], p->x[1]};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        gr_free(owned[i]);
    *p = (gr__probe){0};
}

/* ---- verification ---- */

/* The first batches are enough to compare on. */
static bool next_few(void *context, gr_batch *batch) {
    gr__probe *p = context;
    return p->batches < BATCHES && gr__probe_next(p, batch);
}

/* The error for a result that is not what was expected. */
static gr_status disagree(const gr__verdict *v, gr_error *err) {
    if (!isfinite(v->difference))
        return gr_error_set(err, GR_ERR_NUMERIC, "verification", "the model is damaged or diverged while training",
                            "logits are not finite: nothing was written");
    return gr_error_set(err, GR_ERR_USAGE, "verification", v->hint ? v->hint : "--force writes it all the same",
                        "logits differ by up to %.3g from what was expected, %g is allowed: nothing was written",
                        v->difference, GR__VERIFY_MOST);
}

gr_status gr__operation_verify(gr__verdict *v, gr__probe *probe, const gr__side *before, const gr__side *after,
                               gr_error *err) {
    const gr__side *side[2] = {before, after};
    gr_tables *tables[2] = {NULL, NULL};
    gr_surgery_side compared[2];

    /* The tables of each side, with its regions off. */
    gr_status status = GR_OK;
    for (int k = 0; k < 2 && status == GR_OK; k++) {
        status = gr_profile_new(&tables[k], side[k]->model, side[k]->off, side[k]->count, err);
        compared[k] = (gr_surgery_side){side[k]->model, tables[k]};
    }

    gr__probe_rewind(probe);
    if (status == GR_OK)
        status = gr_surgery_compare(&v->difference, compared, probe->rows, next_few, probe, err);
    for (int k = 0; k < 2; k++)
        gr_tables_free(tables[k]);

    /* A difference that is NaN is one as well. */
    if (status == GR_OK && v->exact && !v->force && !(v->difference <= GR__VERIFY_MOST))
        status = disagree(v, err);
    return status;
}

/* ---- output ---- */

gr_status gr__operation_check_out(const gr__common *common, const char *data, const char *verify, gr_error *err) {
    char *from;
    GR_TRY(gr__model_path(&from, common->input, err));
    gr_status status = gr__output_apart(common->out, (const char *[]){from, data, verify}, 3, err);
    gr_free(from);
    GR_TRY(status);
    return gr_folder_check(common->out, err);
}

gr_status gr__operation_save(const gr__common *common, const gr_folder *source, const gr_surgery_result *result,
                             gr_error *err) {
    gr_folder_info info = source->info;
    info.build = GR_VERSION;
    GR_TRY(gr__parent_make(common->out, err));
    return gr_folder_save(common->out, result->def, result->model, &info, err);
}
