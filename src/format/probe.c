/* Rows of a text, or keyed ones: what models are compared on. */
#include "arch/kind.h"
#include "base/mem.h"
#include "base/rng.h"
#include "gradroute/stream.h"
#include "gradroute/verify.h"
#include "label/unlabelled.h"

enum { ROWS = 16, KEYED_WIDTH = 64 };

struct gr_probe {
    int positions; /* most in a batch */
    int batches;   /* handed out since the last rewind */
    gr_dataset *data;
    gr_labels *labels;
    gr_scan *scan;                        /* NULL: without a file */
    int32_t *ids, *targets, *start, *cls; /* of a batch, as in gr_batch; ids and targets without a file alone */
    gr_real *x[2];                        /* inputs and targets of networks that read numbers */
};

/* A probe over the documents of a file, in the model's own tokens. */
static gr_status open_file(gr_probe *p, const char *path, const gr_bundle *bundle, gr_error *err) {
    gr_tokenizer *tokenizer;
    gr_source source = gr_source_of(path);
    int width = bundle->def->context;
    GR_TRY(gr_bundle_tokenizer(&tokenizer, bundle, err));
    gr_status status = gr__unlabelled_open(&p->data, &p->labels, &source, tokenizer, width, err);
    gr_tokenizer_free(tokenizer);
    GR_TRY(status);

    if (p->data->vocab > bundle->def->vocab)
        return gr_error_set(err, GR_ERR_USAGE, "model", NULL, "its tokenizer has %d tokens, its network reads %d",
                            p->data->vocab, bundle->def->vocab);

    /* Batches of ROWS rows of the model's context. */
    p->positions = ROWS * width;
    p->start = gr_alloc(sizeof *p->start * (size_t)p->positions);
    p->cls = gr_alloc(sizeof *p->cls * (size_t)p->positions);
    return gr_scan_new(&p->scan, p->data, p->labels, p->data->train, p->data->train_count, ROWS, width, err);
}

/* Input `which`: standard normal numbers, `width` for each row. */
static void fill_numbers(gr_probe *p, int which, int width, gr_key key) {
    p->x[which] = gr_alloc(sizeof *p->x[which] * (size_t)p->positions * (size_t)width);
    for (size_t i = 0; i < (size_t)p->positions * (size_t)width; i++)
        p->x[which][i] = (gr_real)gr_random_normal(key, i, (uint32_t)which);
}

/* One batch of random tokens, or of random numbers for networks that read no text; the same at each call. */
static void fill_keyed(gr_probe *p, const gr_arch_def *def) {
    gr_key key = {1, GR_STREAM_SAMPLE, 0};
    bool text = !gr__arch_of(def)->sized;
    int width = text ? (def->context < KEYED_WIDTH ? def->context : KEYED_WIDTH) : 1;
    uint64_t tokens = (uint64_t)(text ? def->vocab : def->sizes[def->size_count - 1]);
    p->positions = ROWS * width;
    p->ids = gr_alloc(sizeof *p->ids * (size_t)p->positions);
    p->targets = gr_alloc(sizeof *p->targets * (size_t)p->positions);
    p->start = gr_alloc(sizeof *p->start * (size_t)p->positions);
    p->cls = gr_alloc(sizeof *p->cls * (size_t)p->positions);

    /* Each row is a document of its own. */
    for (int i = 0; i < p->positions; i++) {
        p->ids[i] = (int32_t)(gr_random_bits(key, (uint64_t)i, 2) % tokens);
        p->targets[i] = (int32_t)(gr_random_bits(key, (uint64_t)i, 3) % tokens);
        p->start[i] = i / width * width;
    }
    if (text)
        return;
    fill_numbers(p, 0, def->sizes[0], key);
    fill_numbers(p, 1, def->sizes[def->size_count - 1], key);
}

gr_status gr_probe_open(gr_probe **probe, const char *path, const gr_bundle *bundle, gr_error *err) {
    gr_status status = GR_OK;
    *probe = gr_alloc(sizeof **probe);
    if (path)
        status = open_file(*probe, path, bundle, err);
    else
        fill_keyed(*probe, bundle->def);
    if (status != GR_OK) {
        gr_probe_free(*probe);
        *probe = NULL;
    }
    return status;
}

int gr_probe_positions(const gr_probe *probe) { return probe->positions; }
int gr_probe_batches(const gr_probe *probe) { return probe->batches; }

/* A batch borrows the probe's arrays: it holds until the next call. */
bool gr_probe_next(void *probe, gr_batch *batch) {
    gr_probe *p = probe;
    gr_rows rows;

    /* The only batch without a file. */
    if (!p->scan) {
        *batch = (gr_batch){.positions = p->positions,
                            .ids = p->ids,
                            .targets = p->targets,
                            .start = p->start,
                            .cls = p->cls,
                            .x = {p->x[0], p->x[1]},
                            .denominator = p->positions};
        return p->batches++ == 0;
    }

    /* The next one of the file: documents see nothing of each other, gaps are absent. */
    if (!gr_scan_next(p->scan, &rows))
        return false;
    int n = rows.sequences * rows.width;
    for (int i = 0; i < n; i++) {
        p->start[i] = i / rows.width * rows.width + rows.start[i];
        p->cls[i] = rows.doc[i] < 0 ? -1 : 0;
    }
    *batch = (gr_batch){.positions = n,
                        .ids = rows.ids,
                        .targets = rows.targets,
                        .start = p->start,
                        .cls = p->cls,
                        .denominator = rows.present > 0 ? (double)rows.present : 1};
    p->batches++;
    return true;
}

void gr_probe_rewind(gr_probe *p) {
    p->batches = 0;
    if (p->scan)
        gr_scan_rewind(p->scan);
}

void gr_probe_free(gr_probe *p) {
    if (!p)
        return;
    gr_scan_free(p->scan);
    gr_labels_free(p->labels);
    gr_dataset_free(p->data);
    void *owned[] = {p->ids, p->targets, p->start, p->cls, p->x[0], p->x[1], p};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        gr_free(owned[i]);
}
