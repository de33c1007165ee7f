/* What the model makes of prompts, by its likeliest tokens: {"row": "text", "prompt", "text"}. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gradroute/infer.h"
#include "measure/pass.h"
#include "measure/timings.h"

/* One prompt: its likeliest continuation, as a row. */
static gr_status complete(gr_ledger *rows, gr_decoder *decoder, const gr_tokenizer *tokenizer, const char *prompt,
                          int tokens, gr_error *err) {
    gr_complete_def def = gr_complete_default();
    gr_completion c;
    def.generate.tokens = tokens;
    GR_TRY(gr_complete(&c, decoder, tokenizer, prompt, strlen(prompt), &def, err));
    gr_ledger_begin(rows, "text");
    gr_ledger_text(rows, "prompt", prompt);
    gr_ledger_bytes(rows, "text", c.text, c.length);
    gr_completion_free(&c);
    return GR_OK;
}

/* No prompts are no error: there is nothing to go on with. */
static gr_status run(gr_ledger *rows, const gr_subject *s, const gr_settings *settings, gr_error *err) {
    gr_decoder_def def = gr_decoder_default();
    gr_decoder *decoder;
    const gr_setting_value *prompts = gr_settings_get(settings, "prompts");
    if (prompts->count == 0)
        return GR_OK;

    /* All of them by one decoder. */
    int tokens = (int)gr_settings_get(settings, "tokens")->number;
    def.context = s->recipe->data.context;
    GR_TRY(gr_decoder_new(&decoder, s->model, s->profile, &def, err));
    gr_status status = GR_OK;
    for (int i = 0; status == GR_OK && i < prompts->count; i++) {
        status = gr__subject_told(s, i, prompts->count, err);
        if (status == GR_OK)
            status = complete(rows, decoder, s->tokenizer, prompts->texts[i], tokens, err);
    }
    gr_decoder_free(decoder);
    return status;
}

static const gr_setting options[] = {
    {.key = "tokens",
     .help = "at most, of a completion",
     .kind = GR_SETTING_COUNT,
     .initial = {.number = 24},
     .min = 1,
     .max = 65536},
    {.key = "prompts", .help = "that are continued; those of the recipe", .kind = GR_SETTING_TEXTS},
    {0}};

static void preset(gr_settings *settings, const gr_recipe *recipe) {
    if (recipe->prompts > 0)
        gr_settings_put(settings, "prompts", &(gr_setting_value){.texts = recipe->prompt, .count = recipe->prompts});
}

/* A token of the first prompt, over a few of them. */
static gr_status time_token(double *seconds, const gr_subject *s, const char *prompt, gr_error *err) {
    enum { TIMED = 4 };
    gr_decoder_def def = gr_decoder_default();
    gr_decoder *decoder;
    def.context = s->recipe->data.context;
    GR_TRY(gr_decoder_new(&decoder, s->model, s->profile, &def, err));
    gr_ledger *unread = gr_ledger_new();
    double from = gr__now();
    gr_status status = complete(unread, decoder, s->tokenizer, prompt, TIMED, err);
    *seconds = (gr__now() - from) / TIMED;
    gr_ledger_free(unread);
    gr_decoder_free(decoder);
    return status;
}

static gr_status cost(gr_cost *cost, const gr_subject *s, const gr_settings *settings, gr_timings *timings,
                      gr_error *err) {
    const gr_setting_value *prompts = gr_settings_get(settings, "prompts");
    *cost = (gr_cost){0};
    if (prompts->count == 0)
        return GR_OK;

    /* Once for each network, with regions off or on. */
    gr_timing timing = {.rows = 1};
    gr_status status = GR_OK;
    char *of = gr__timing_name(s->off_count ? "token, off" : "token", s->model, s->recipe);
    if (!gr_timings_find(&timing, timings, of)) {
        status = time_token(&timing.seconds, s, prompts->texts[0], err);
        if (status == GR_OK)
            gr_timings_put(timings, of, timing);
    }
    gr_free(of);
    cost->tokens = (int64_t)gr_settings_get(settings, "tokens")->number * prompts->count;
    cost->seconds = timing.seconds * (double)cost->tokens;
    return status;
}

static const char *const tasks[] = {"text", NULL};

const gr_measure gr__measure_complete = {
    .name = "complete",
    .help = "completions of prompts",
    .doing = "completing prompts",
    .revision = 1,
    .option = options,
    .tasks = tasks,
    .preset = preset,
    .run = run,
    .cost = cost,
};
