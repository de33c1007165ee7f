/* Right answers about samples by class: {"row": "right", "class", "right", "all"}, classes that the test has alone. */
#include "base/mem.h"
#include "measure/pass.h"
#include "measure/timings.h"

/* The true class of a sample is its topic; what the pass found right is counted there. */
static gr_status run(gr_ledger *rows, const gr_subject *s, const gr_settings *settings, gr_error *err) {
    const gr_dataset *data = s->data;
    int32_t classes = data->topics.count;
    GR_TRY(gr__pass_test(s, err));

    /* How many of each class. */
    int64_t *right = gr_alloc(2 * ((size_t)classes + 1) * sizeof *right), *all = right + classes + 1;
    for (size_t i = 0; i < data->test_count; i++) {
        uint32_t d = data->test[i];
        right[data->topics.of[d]] += s->pass->right[d];
        all[data->topics.of[d]] += s->pass->tokens[d];
    }

    /* A row each; a class that the test has not has no share. */
    for (int32_t k = 0; k < classes; k++) {
        if (all[k] == 0)
            continue;
        gr_ledger_begin(rows, "right");
        gr_ledger_text(rows, "class", data->topics.names[k]);
        gr_ledger_count(rows, "right", right[k]);
        gr_ledger_count(rows, "all", all[k]);
    }
    gr_free(right);
    return GR_OK;
}

static gr_status cost(gr_cost *cost, const gr_subject *s, const gr_settings *settings, gr_timings *timings,
                      gr_error *err) {
    (void)settings;
    return gr__pass_cost(cost, s, timings, err);
}

static const char *const tasks[] = {"samples", NULL};

const gr_measure gr__measure_accuracy = {
    .name = "accuracy",
    .help = "right answers about the samples of the test, by class",
    .doing = "counting right answers",
    .revision = 1,
    .tasks = tasks,
    .run = run,
    .cost = cost,
};
