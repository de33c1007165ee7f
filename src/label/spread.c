/* spread.c - labels spread to documents that a classifier finds. */
#include "label/spread.h"

#include <string.h>

#include "base/mem.h"

/* A copy in the arena; size may be 0. */
static void *copied(gr_arena *arena, const void *from, size_t size) {
    void *to = gr_arena_alloc(arena, size + 1);
    memcpy(to, from, size);
    return to;
}

gr_labels *gr__labels_copy(const gr_labels *labels) {
    gr_labels *copy = gr_alloc(sizeof *copy);
    *copy = *labels;
    copy->arena = gr_arena_new();
    copy->tables = NULL;
    copy->target_score = NULL; /* scores by token are counted anew */
    copy->truth = copied(copy->arena, labels->truth, labels->docs * sizeof *labels->truth);
    copy->revealed = copied(copy->arena, labels->revealed, labels->docs * sizeof *labels->revealed);
    if (labels->score)
        copy->score = copied(copy->arena, labels->score, labels->docs * sizeof *labels->score);
    return copy;
}

/* What the classifiers say, before any label changes. */
typedef struct verdicts {
    float *raw;     /* [label_count][docs] */
    bool *known;    /* [docs] the label that is shown is one that its classifier went by, or one without a classifier */
    float *best;    /* [docs] the highest score among labels of which the document is found */
    int16_t *now;   /* [docs] that label; 0: what is shown stays, -1: the document was known, and is no more */
    gr_real *score; /* [docs] of that label, as it is shown */
} verdicts;

/* The classifier of label k: its scores, and which documents stay known. */
static gr_status ask(verdicts *v, gr_spread_report *report, const gr_dataset *data, const gr_tokenizer *tokenizer,
                     const gr_labels *labels, int16_t k, const gr_spread_def *def, gr_error *err) {
    bool *known = gr_alloc(labels->docs + 1);
    gr_status status = GR_OK;
    if (def)
        status =
            gr_classify(v->raw + (size_t)(k - 1) * labels->docs, known, report, data, tokenizer, labels, k, def, err);
    for (size_t d = 0; d < labels->docs; d++)
        if (labels->revealed[d] == k) {
            v->known[d] = !def || known[d];
            v->now[d] = v->known[d] ? 0 : GR_LABEL_UNLABELLED;
        }
    gr_free(known);
    return status;
}

/* The mean score of the documents that are known to have label k. Pieces count as they are many. */
static double mean_known(const verdicts *v, const gr_labels *labels, int16_t k) {
    const float *raw = v->raw + (size_t)(k - 1) * labels->docs;
    double sum = 0, count = 0;
    for (size_t d = 0; d < labels->docs; d++)
        if (v->known[d] && labels->revealed[d] == k) {
            sum += (double)raw[d];
            count++;
        }
    return sum / count;
}

/* Where label k is found, with a higher score than labels before. */
static void judge(verdicts *v, const gr_labels *labels, int16_t k, double threshold, bool soft) {
    const float *raw = v->raw + (size_t)(k - 1) * labels->docs;
    double mean = mean_known(v, labels, k);
    for (size_t d = 0; d < labels->docs; d++) {
        if (v->known[d] || (double)raw[d] < threshold || (v->now[d] > 0 && raw[d] <= v->best[d]))
            continue;

        /* A score of 0 would show nothing. */
        double share = (double)raw[d] / mean;
        v->best[d] = raw[d];
        v->now[d] = k;
        v->score[d] = (gr_real)(!soft || share >= 1 ? 1 : share > 1.0 / 65536 ? share : 1.0 / 65536);
    }
}

/* Labels that were found take the place of what was shown. */
static void write_labels(gr_labels *labels, const verdicts *v, bool soft) {
    if (soft && !labels->score) {
        labels->score = gr_arena_alloc(labels->arena, labels->docs * sizeof *labels->score);
        for (size_t d = 0; d < labels->docs; d++)
            labels->score[d] = 1;
    }
    for (size_t d = 0; d < labels->docs; d++) {
        if (!v->now[d])
            continue;
        labels->revealed[d] = v->now[d];
        if (labels->score)
            labels->score[d] = v->now[d] > 0 ? v->score[d] : 1;
    }
}

gr_status gr__labels_extend(gr_labels *labels, gr_spread_report *report, const gr_dataset *data,
                            const gr_tokenizer *tokenizer, const gr_spread_def *const *def, gr_error *err) {
    size_t n = labels->docs + 1, count = (size_t)labels->label_count;
    gr_spread_report *own = gr_alloc((count + 1) * sizeof *own);
    verdicts v = {.raw = gr_alloc(n * count * sizeof *v.raw + 1),
                  .known = gr_alloc(n),
                  .best = gr_alloc(n * sizeof *v.best),
                  .now = gr_alloc(n * sizeof *v.now),
                  .score = gr_alloc(n * sizeof *v.score)};

    /* All classifiers see what was revealed, not what another one found. */
    gr_status status = GR_OK;
    for (size_t k = 0; k < count && status == GR_OK; k++)
        status = ask(&v, &own[k], data, tokenizer, labels, (int16_t)(k + 1), def[k], err);

    /* Then a document gets the label of which it is found most surely. */
    bool soft = false;
    for (size_t k = 0; k < count && status == GR_OK; k++)
        if (def[k]) {
            judge(&v, labels, (int16_t)(k + 1), own[k].threshold, def[k]->soft);
            soft |= def[k]->soft;
        }
    if (status == GR_OK) {
        write_labels(labels, &v, soft);
        if (report)
            memcpy(report, own, count * sizeof *own);
    }

    void *owned[] = {own, v.raw, v.known, v.best, v.now, v.score};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        gr_free(owned[i]);
    return status;
}

gr_status gr_labels_spread(gr_labels **out, gr_spread_report *report, const gr_dataset *data,
                           const gr_tokenizer *tokenizer, const gr_labels *labels, const gr_spread_def *def,
                           gr_error *err) {
    /* Every label by the same def; the caller keeps what it had. */
    gr_labels *copy = gr__labels_copy(labels);
    const gr_spread_def **each = gr_alloc(((size_t)labels->label_count + 1) * sizeof *each);
    for (int k = 0; k < labels->label_count; k++)
        each[k] = def;

    gr_status status = gr__labels_extend(copy, report, data, tokenizer, each, err);
    gr_free(each);
    *out = status == GR_OK ? copy : NULL;
    if (status != GR_OK)
        gr_labels_free(copy);
    return status;
}
