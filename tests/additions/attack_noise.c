/* An attack as somebody else would write it, with public headers alone: losses of the test once every parameter was
 * changed by a share of itself, up and down in turn: {"row": "point", "amount"} and a loss of each group. */
#include <stdlib.h>

#include "gradroute/attack.h"

static const gr_setting noise_options[] = {{.key = "amount",
                                            .help = "of each parameter",
                                            .kind = GR_SETTING_REAL,
                                            .initial = {.number = 0.1},
                                            .min = 0,
                                            .max = 1},
                                           {0}};

/* Every parameter, from and to a list. */
static void noise_copy(gr_model *model, gr_real *list, bool back) {
    for (int p = 0; p < gr_model_params(model); p++) {
        size_t n = (size_t)gr_model_param(model, p)->rows * (size_t)gr_model_param(model, p)->cols;
        for (size_t i = 0; i < n; i++, list++) {
            gr_real *at = &gr_model_data(model, p)[i];
            if (back)
                *at = *list;
            else
                *list = *at;
        }
    }
}

static void noise_add(gr_model *model, double amount) {
    for (int p = 0; p < gr_model_params(model); p++) {
        size_t n = (size_t)gr_model_param(model, p)->rows * (size_t)gr_model_param(model, p)->cols;
        for (size_t i = 0; i < n; i++)
            gr_model_data(model, p)[i] *= (gr_real)(i % 2 ? 1 + amount : 1 - amount);
    }
}

static gr_status noise_measure(gr_ledger *rows, const gr_subject *s, double amount, gr_error *err) {
    const gr_recipe *r = s->recipe;
    size_t docs = s->data->topics.docs;
    gr_evaluator *evaluator;
    gr_scan *scan;
    GR_TRY(gr_evaluator_new(&evaluator, s->model, s->profile, r->train.batch, r->data.context, err));
    gr_status status = gr_scan_new(&scan, s->data, s->labels, s->data->test, s->data->test_count, r->train.batch,
                                   r->data.context, err);
    if (status == GR_OK) {
        double *nll = calloc(docs, sizeof *nll);
        int32_t *tokens = calloc(docs, sizeof *tokens);
        gr_evaluate(evaluator, scan, nll, tokens, docs);
        gr_ledger_begin(rows, "point");
        gr_ledger_number(rows, "amount", amount);
        gr_ledger_losses(rows, s->groups, s->units, nll, tokens, NULL, NULL);
        free(nll);
        free(tokens);
        gr_scan_free(scan);
    }
    gr_evaluator_free(evaluator);
    return status;
}

static gr_status noise_run(gr_ledger *rows, const gr_subject *s, const gr_settings *settings, gr_error *err) {
    double amount = gr_settings_get(settings, "amount")->number;
    gr_real *before = calloc(gr_model_size(s->model), sizeof *before);
    noise_copy(s->model, before, false);
    noise_add(s->model, amount);
    gr_status status = noise_measure(rows, s, amount, err);
    noise_copy(s->model, before, true);
    free(before);
    return status;
}

static const gr_attack attack_noise = {
    .name = "noise",
    .help = "parameters that are changed by a share of themselves",
    .doing = "adding noise",
    .revision = 1,
    .option = noise_options,
    .run = noise_run,
};
