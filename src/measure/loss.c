/* Losses of the test, or of validation, by group: {"row": "loss", "group", "nll", "tokens", "units", ..}. */
#include "measure/pass.h"
#include "measure/timings.h"

enum { TEST, VALIDATION };
static const char *const splits[] = {"test", "validation", NULL};

static const gr_setting options[] = {
    {.key = "split",
     .help = "of which documents that are held out: those to report on, or those to choose settings on",
     .kind = GR_SETTING_WORD,
     .word = splits},
    {0}};

static bool of_validation(const gr_settings *settings) {
    return gr_settings_get(settings, "split")->number == VALIDATION;
}

/* Whoever chooses settings wants to see that the test is not read. */
static const char *doing_with(const gr_settings *settings) {
    return of_validation(settings) ? "measuring losses of validation" : "measuring losses of the test";
}

/* A pass that no other measure takes; its documents stand in the groups where those of the test do in others. */
static gr_status run_validation(gr_ledger *rows, const gr_subject *s, gr_error *err) {
    gr_groups groups = *s->groups;
    gr_pass own;
    for (int g = 0; g < groups.count; g++) {
        groups.group[g].test = groups.group[g].validation;
        groups.group[g].tests = groups.group[g].validations;
    }
    gr_status status = gr__pass_docs(&own, s, s->data->validation, s->data->validation_count, err);
    if (status == GR_OK)
        gr_ledger_losses(rows, &groups, s->units, own.nll, own.tokens, NULL, NULL);
    gr__pass_clear(&own);
    return status;
}

/* The pass over the test may be another measure's already; here it is sorted into groups. */
static gr_status run(gr_ledger *rows, const gr_subject *s, const gr_settings *settings, gr_error *err) {
    if (of_validation(settings))
        return run_validation(rows, s, err);
    GR_TRY(gr__pass_test(s, err));
    gr_ledger_losses(rows, s->groups, s->units, s->pass->nll, s->pass->tokens, NULL, NULL);
    return GR_OK;
}

static gr_status cost(gr_cost *cost, const gr_subject *s, const gr_settings *settings, gr_timings *timings,
                      gr_error *err) {
    if (of_validation(settings))
        return gr__docs_cost(cost, s, s->data->validation, s->data->validation_count, timings, err);
    return gr__pass_cost(cost, s, timings, err);
}

const gr_measure gr__measure_loss = {
    .name = "loss",
    .help = "losses of documents of the test, or of validation, by group",
    .doing = "measuring losses",
    .doing_with = doing_with,
    .revision = 1,
    .option = options,
    .run = run,
    .cost = cost,
};
