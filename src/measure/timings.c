/* What was timed, by what decides it; and how long passes take. */
#include "measure/timings.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/digest.h"
#include "io/yaml.h"
#include "measure/pass.h"
#include "op/op.h"

/* ---- what is known ---- */

typedef struct entry {
    char *of;
    gr_timing timing;
} entry;

struct gr_timings {
    entry *list;
    int count;
    size_t room;
};

gr_timings *gr_timings_new(void) { return gr_alloc(sizeof(gr_timings)); }

void gr_timings_free(gr_timings *timings) {
    if (!timings)
        return;
    for (int i = 0; i < timings->count; i++)
        gr_free(timings->list[i].of);
    gr_free(timings->list);
    gr_free(timings);
}

bool gr_timings_find(gr_timing *timing, const gr_timings *timings, const char *of) {
    for (int i = 0; timings && i < timings->count; i++)
        if (strcmp(timings->list[i].of, of) == 0) {
            *timing = timings->list[i].timing;
            return true;
        }
    return false;
}

void gr_timings_put(gr_timings *timings, const char *of, gr_timing timing) {
    if (timings)
        GR_PUSH(timings->list, timings->count, timings->room) = (entry){gr_strdup(of), timing};
}

int gr_timings_count(const gr_timings *timings) { return timings->count; }

char *gr__timing_name(const char *what, const gr_model *model, const gr_recipe *recipe) {
    char hex[GR_DIGEST_HEX], *text = NULL;
    gr_yaml *section = recipe->root ? gr_yaml_find(recipe->root, "model") : NULL;
    gr_digest *digest = gr_digest_new();

    /* The network: shapes of its parameters, and what they do not show (heads, windows). */
    for (int p = 0; p < gr_model_params(model); p++) {
        const gr_param_def *d = gr_model_param(model, p);
        const int shape[] = {d->rows, d->cols};
        gr_digest_add(digest, d->name, strlen(d->name) + 1);
        gr_digest_add(digest, shape, sizeof shape);
    }
    if (section && gr_yaml_write(section, &text, NULL) == GR_OK)
        gr_digest_add(digest, text, strlen(text));
    gr_free(text);
    gr_digest_end(digest, hex);

    /* How many rows go through it at once. */
    return gr_format("%s %.16s %dx%d/%d %d %d", what, hex, recipe->train.batch, recipe->data.context,
                     recipe->train.micro, (int)recipe->precision, (int)recipe->train.recompute);
}

/* ---- passes ---- */

/* Seconds of a position, of as many held-out documents as fill a batch of so many rows twice. */
static gr_status time_rows(double *seconds, const gr_subject *s, int rows, gr_error *err) {
    const gr_dataset *data = s->data;
    const int width = s->recipe->data.context;
    gr_evaluator *e;
    gr_scan *scan;
    double enough = 2.0 * rows * width, taken = 0;
    size_t count = 0;
    while (count < data->validation_count && taken < enough)
        taken += (double)gr_dataset_targets(data, data->validation[count++]);

    GR_TRY(gr_evaluator_new(&e, s->model, s->profile, rows, width, err));
    gr_status status = gr_scan_new(&scan, data, s->labels, data->validation, count, rows, width, err);
    if (status == GR_OK) {
        double *nll = gr_alloc(data->topics.docs * sizeof *nll), spent = 0;
        int32_t *tokens = gr_alloc(data->topics.docs * sizeof *tokens);
        for (int i = 0; i < 2 && spent < GR__TIMING_BUDGET / 6; i++) { /* the second finds all awake */
            double from = gr__now();
            gr_evaluate(e, scan, nll, tokens, data->topics.docs);
            spent = gr__now() - from;
            gr_scan_rewind(scan);
        }
        *seconds = taken > 0 ? spent / taken : 0;
        gr_free(nll);
        gr_free(tokens);
        gr_scan_free(scan);
    }
    gr_evaluator_free(e);
    return status;
}

gr_status gr__position_time(double *seconds, const gr_subject *s, gr_timings *timings, gr_error *err) {
    const int batch = s->recipe->train.batch, width = s->recipe->data.context;
    gr_timing timing = {.rows = (GR_BLOCK + width - 1) / width};
    *seconds = 0;
    if (s->data->validation_count == 0)
        return GR_OK;

    /* A block of rows says how many more take a moment. */
    char *of = gr__timing_name(s->off_count ? "pass, off" : "pass", s->model, s->recipe);
    gr_status status = GR_OK;
    if (!gr_timings_find(&timing, timings, of)) {
        timing.rows = timing.rows < batch ? timing.rows : batch;
        status = time_rows(&timing.seconds, s, timing.rows, err);
        double most = timing.seconds > 0 ? GR__TIMING_BUDGET / 12 / (2 * timing.seconds * width) : 0;
        if (status == GR_OK && most > timing.rows && timing.rows < batch) {
            timing.rows = most < batch ? (int)most : batch;
            status = time_rows(&timing.seconds, s, timing.rows, err);
        }
        if (status == GR_OK)
            gr_timings_put(timings, of, timing);
    }
    gr_free(of);
    *seconds = timing.seconds;
    return status;
}

gr_status gr__docs_cost(gr_cost *cost, const gr_subject *s, const uint32_t *docs, size_t count, gr_timings *timings,
                        gr_error *err) {
    double position;
    *cost = (gr_cost){0};
    GR_TRY(gr__position_time(&position, s, timings, err));
    for (size_t i = 0; i < count; i++)
        cost->tokens += gr_dataset_targets(s->data, docs[i]);
    cost->seconds = position * (double)cost->tokens;
    return GR_OK;
}

gr_status gr__pass_cost(gr_cost *cost, const gr_subject *s, gr_timings *timings, gr_error *err) {
    *cost = (gr_cost){0};
    if (s->pass && s->pass->counted)
        return GR_OK;
    GR_TRY(gr__docs_cost(cost, s, s->data->test, s->data->test_count, timings, err));
    if (s->pass)
        s->pass->counted = true;
    return GR_OK;
}
