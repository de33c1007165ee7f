/* Text from a large model, one token at a time, beside reading its weights once a token. */
#include <omp.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sort.h"
#include "bench/side.h"
#include "gradroute/infer.h"
#include "kernel/kernel.h"

enum { PROMPT = 16, TOKENS = 64, CONTEXT = 128, READINGS = 5 };

struct gr__generation {
    gr__conditions conditions;
    gr_model *model;
    gr_decoder *decoder;
    int vocab;
    int32_t prompt[PROMPT];
    uint64_t *words; /* as many as the weights that are read for a token take */
    int64_t count;
    uint64_t sum; /* keeps the reading from being left out */
};

/* Numbers that a token needs: all but the tables of which it reads one row. */
static size_t numbers_read(const gr_model *model) {
    size_t n = 0;
    for (gr_param p = 0; p < gr_model_params(model); p++) {
        const gr_param_def *d = gr_model_param(model, p);
        if (strcmp(d->name, "embed") && strcmp(d->name, "position"))
            n += (size_t)d->rows * (size_t)d->cols;
    }
    return n;
}

/* Memory of as many bytes as the weights take: written once, since pages that were never written are all one page. */
static gr_status take_words(gr__generation *text, gr_error *err) {
    bool half = gr_gemm_has_half();
    size_t bytes = numbers_read(text->model) * (half ? sizeof(gr_half) : sizeof(gr_real));
    text->count = (int64_t)(bytes / sizeof *text->words);
    text->words = gr_alloc_try(bytes);
    if (!text->words)
        return gr_error_set(err, GR_ERR_MEMORY, "bench", NULL, "%zu bytes were refused", bytes);
    memset(text->words, 1, (size_t)text->count * sizeof *text->words);
    return GR_OK;
}

gr_status gr__generation_new(gr__generation **out, const gr_arch_def *arch, const gr__conditions *conditions,
                             gr_error *err) {
    gr__generation *text = *out = gr_alloc(sizeof *text);
    gr_decoder_def def = gr_decoder_default();

    /* The decoder in the faster precision, with room for prompt and text. */
    def.context = CONTEXT;
    def.precision = GR_PRECISION_AUTO;
    text->conditions = *conditions;
    text->vocab = arch->vocab;
    omp_set_num_threads(conditions->threads);

    for (int i = 0; i < PROMPT; i++)
        text->prompt[i] = (i * 7919 + 1) % arch->vocab;

    /* Each of these needs the one before. */
    gr_status status = gr_arch_build(&text->model, arch, 1, err);
    if (status == GR_OK)
        status = gr_decoder_new(&text->decoder, text->model, NULL, &def, err);
    if (status == GR_OK)
        status = take_words(text, err);

    if (status == GR_OK)
        return GR_OK;
    gr__generation_free(text);
    *out = NULL;
    return status;
}

void gr__generation_free(gr__generation *text) {
    if (!text)
        return;
    gr_decoder_free(text->decoder);
    gr_model_free(text->model);
    gr_free(text->words);
    gr_free(text);
}

static int32_t likeliest(const gr_real *logits, int vocab) {
    int32_t best = 0;
    for (int32_t i = 1; i < vocab; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

/* Seconds of one token, each read after the one that the network thinks likeliest. */
gr_status gr__generation_sample(void *self, double *seconds, gr_error *err) {
    gr__generation *text = self;
    const gr_real *logits;
    double each[TOKENS];
    int tokens = text->conditions.quick ? 4 : TOKENS;

    omp_set_num_threads(text->conditions.threads);
    gr_decoder_restart(text->decoder);
    GR_TRY(gr_decoder_read(text->decoder, &logits, text->prompt, PROMPT, err));

    /* The first does not count. */
    for (int i = -1; i < tokens; i++) {
        GR_TRY(gr__bench_stopped(&text->conditions, err));
        double from = gr__now();
        int32_t next = likeliest(logits, text->vocab);
        GR_TRY(gr_decoder_read(text->decoder, &logits, &next, 1, err));
        if (i >= 0)
            each[i] = gr__now() - from;
    }

    *seconds = gr__median(each, tokens);
    return GR_OK;
}

/* Seconds of reading as many bytes as the weights have, which a token cannot be had without. */
gr_status gr__generation_read_sample(void *self, double *seconds, gr_error *err) {
    gr__generation *text = self;
    double each[READINGS];
    omp_set_num_threads(text->conditions.threads);

    /* The first does not count. */
    for (int i = -1; i < READINGS; i++) {
        GR_TRY(gr__bench_stopped(&text->conditions, err));

        double from = gr__now();
        uint64_t sum = 0;
#pragma omp parallel for simd schedule(static) reduction(+ : sum)
        for (int64_t k = 0; k < text->count; k++)
            sum += text->words[k];
        text->sum += sum;
        if (i >= 0)
            each[i] = gr__now() - from;
    }

    *seconds = gr__median(each, READINGS);
    return GR_OK;
}
