/* Losses of the test by group: {"row": "loss", "group", "nll", "tokens", "units", ..}. */
#include "measure/pass.h"
#include "measure/timings.h"

/* The pass may be another measure's already; here it is sorted into groups. */
static gr_status run(gr_ledger *rows, const gr_subject *s, const gr_settings *settings, gr_error *err) {
    GR_TRY(gr__pass_test(s, err));
    gr_ledger_losses(rows, s->groups, s->units, s->pass->nll, s->pass->tokens, NULL, NULL);
    return GR_OK;
}

static gr_status cost(gr_cost *cost, const gr_subject *s, const gr_settings *settings, gr_timings *timings,
                      gr_error *err) {
    (void)settings;
    return gr__pass_cost(cost, s, timings, err);
}

const gr_measure gr__measure_loss = {
    .name = "loss",
    .help = "losses of the documents of the test, by group",
    .doing = "measuring losses of the test",
    .revision = 1,
    .run = run,
    .cost = cost,
};
