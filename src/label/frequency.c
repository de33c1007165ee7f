/* frequency.c - how often each token is predicted in labelled text and in the rest, and what follows for its weight. */
#include <math.h>

#include "base/mem.h"
#include "gradroute/label.h"

/* How much a token belongs to the retained text, from its frequencies f in labelled text and r in the rest: 1 -
 * sigmoid(f / r - r / f - bias) (Cloud et al. 2024, arXiv 2410.04332, appendix C), near 1 for tokens that are as
 * frequent elsewhere. */
double gr_frequency_weight(double forget, double retain, double bias) {
    double x = forget / retain - retain / forget - bias;
    return 1 / (1 + exp(x)); /* 1 - sigmoid(x) */
}

/* A document's targets are its tokens and the end token, as many as a row holds. */
static void count_document(gr_frequencies *table, const gr_dataset *data, const gr_labels *labels,
                           const gr_frequency_def *def, uint32_t doc) {
    uint64_t first = data->offsets[doc], length = data->offsets[doc + 1] - first;
    uint64_t targets = gr_dataset_targets(data, doc);
    for (uint64_t i = 0; i < targets && i < (uint64_t)def->width; i++) {
        int32_t token = i < length ? data->ids[first + i] : data->eot;
        int label = labels->token_revealed ? labels->token_revealed[first + doc + i] : labels->revealed[doc];

        /* Text of a label that the table is made for; text of the core or unlabelled; or neither: other labels count on
         * no side. */
        bool forget = false;
        for (int k = 0; k < def->count; k++)
            forget = forget || def->label[k] == label;
        if (forget)
            table->forget[token]++, table->forget_total++;
        else if (label <= GR_LABEL_CORE)
            table->retain[token]++, table->retain_total++;
    }
}

gr_status gr_frequencies_new(gr_frequencies **out, const gr_dataset *data, const gr_labels *labels,
                             const gr_frequency_def *def, gr_error *err) {
    *out = NULL;
    if (!(def->smooth_forget > 0 && def->smooth_retain > 0 && isfinite(def->bias)))
        return gr_error_set(err, GR_ERR_USAGE, "frequency", "1, 20 and 4 are the published values",
                            "counts added are %g and %g, bias %g: expected numbers above 0 and a finite one",
                            def->smooth_forget, def->smooth_retain, def->bias);

    /* All tables have an entry per token: counts, smoothed frequencies and weights. */
    gr_arena *arena = gr_arena_new();
    gr_frequencies *table = gr_arena_alloc(arena, sizeof *table);
    size_t n = (size_t)data->vocab;
    *table = (gr_frequencies){.vocab = data->vocab, .arena = arena};
    table->forget = gr_arena_alloc(arena, n * sizeof *table->forget);
    table->retain = gr_arena_alloc(arena, n * sizeof *table->retain);
    table->f = gr_arena_alloc(arena, n * sizeof *table->f);
    table->r = gr_arena_alloc(arena, n * sizeof *table->r);
    table->w = gr_arena_alloc(arena, n * sizeof *table->w);

    /* Training documents alone. */
    for (size_t i = 0; i < data->train_count; i++)
        count_document(table, data, labels, def, data->train[i]);

    /* Without text on both sides there is nothing to compare. */
    if (!table->forget_total || !table->retain_total) {
        gr_status status =
            gr_error_set(err, GR_ERR_USAGE, "frequency", "label some of the text, and not all of it",
                         "%llu targets are labelled and %llu are not: there is nothing to compare",
                         (unsigned long long)table->forget_total, (unsigned long long)table->retain_total);
        gr_frequencies_free(table);
        return status;
    }

    /* Additive smoothing: each token has been seen smooth_* times more on each side, so that no frequency is 0. */
    for (size_t v = 0; v < n; v++) {
        table->f[v] = ((double)table->forget[v] + def->smooth_forget) /
                      ((double)table->forget_total + def->smooth_forget * (double)n);
        table->r[v] = ((double)table->retain[v] + def->smooth_retain) /
                      ((double)table->retain_total + def->smooth_retain * (double)n);
        table->w[v] = gr_frequency_weight(table->f[v], table->r[v], def->bias);
    }
    *out = table;
    return GR_OK;
}

void gr_frequencies_free(gr_frequencies *table) {
    if (table)
        gr_arena_free(table->arena);
}

void gr_labels_weigh(gr_labels *labels, int16_t label, const gr_frequencies *table) {
    if (!labels->target_score)
        labels->target_score =
            gr_arena_alloc(labels->arena, (size_t)labels->label_count * sizeof *labels->target_score);

    /* 1 - w: what is as frequent elsewhere counts little as text of the label. */
    gr_real *factor = gr_arena_alloc(labels->arena, (size_t)table->vocab * sizeof *factor);
    for (int32_t v = 0; v < table->vocab; v++)
        factor[v] = (gr_real)(1 - table->w[v]);
    labels->target_score[label - 1] = factor;
}
