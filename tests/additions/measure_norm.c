/* A measure and a figure as somebody else would write them, with public headers alone: the root of the sum of the
 * squares of all parameters, {"row": "norm", "value"}; and how many times the loss of the zero a model has. */
#include <math.h>

#include "gradroute/measure.h"

static const char *const norm_kinds[] = {"all", "weights", NULL};
static const gr_setting norm_options[] = {
    {.key = "kind", .help = "parameters that count", .kind = GR_SETTING_WORD, .word = norm_kinds}, {0}};

static gr_status norm_run(gr_ledger *rows, const gr_subject *s, const gr_settings *settings, gr_error *err) {
    bool weights = gr_settings_get(settings, "kind")->number != 0;
    double sum = 0;
    (void)err;
    for (int p = 0; p < gr_model_params(s->model); p++) {
        const gr_param_def *def = gr_model_param(s->model, p);
        for (size_t i = 0; i < (size_t)def->rows * (size_t)def->cols; i++)
            if (!weights || def->kind == GR_KIND_WEIGHT)
                sum += (double)gr_model_data(s->model, p)[i] * (double)gr_model_data(s->model, p)[i];
    }
    gr_ledger_begin(rows, "norm");
    gr_ledger_number(rows, "value", sqrt(sum));
    return GR_OK;
}

static const gr_measure measure_norm = {
    .name = "norm",
    .help = "length of all parameters together",
    .doing = "adding up parameters",
    .revision = 1,
    .option = norm_options,
    .run = norm_run,
};

static double norm_ratio(const double *m) { return m[0] / m[1]; }

static const gr_figure figure_times = {
    .name = "times",
    .help = "loss of the model over that of the zero",
    .group = "forget",
    .operands = 2,
    .operand = {{GR_ROLE_OF, false, true, 0}, {GR_ROLE_ZERO, false, false, 0}},
    .formula = norm_ratio,
};
