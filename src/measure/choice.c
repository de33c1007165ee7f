/* Multiple choice by likelihood: {"row": "choice", "questions", "accuracy", "accuracy_low", "accuracy_high",
 * "normalised", "normalised_low", "normalised_high", "chance", "answer_nll", "cut", "right", "right_normalised"}. The
 * answer of a model is the choice whose tokens are likeliest behind the question, by the sum of their log p or
 * (normalised) by that sum over the characters of the choice; the intervals are of the bootstrap over questions. */
#include "base/mem.h"
#include "measure/measure.h"
#include "measure/pass.h"
#include "measure/questions.h"

/* How a question is put. */
static const char *const forms[] = {"text", "question", "letters", NULL};

static gr_status open_file(gr__questions **q, const gr_subject *s, const gr_settings *settings, gr_error *err) {
    const char *path = gr_settings_get(settings, "file")->text;
    *q = NULL;
    if (!path)
        return gr_error_set(err, GR_ERR_USAGE, "choice", "file: PATH of JSON Lines", "no file of questions");
    return gr__questions_open(q, path, (gr__question_form)gr_settings_get(settings, "form")->number, err);
}

/* A share with its interval; which questions were right, so that models can be compared question by question. */
static void put_share(gr_ledger *rows, const char *key, const double *right, size_t count, uint64_t seed) {
    int32_t *one = gr_alloc((count + 1) * sizeof *one);
    for (size_t i = 0; i < count; i++)
        one[i] = 1;
    gr_sample sample = {.nll = right, .tokens = one, .count = count, .list = "questions"};
    gr_estimate share = gr_bootstrap(gr__formula_loss, &sample, 1, seed);
    gr_free(one);

    char *low = gr_format("%s_low", key), *high = gr_format("%s_high", key);
    gr_ledger_number(rows, key, share.value);
    gr_ledger_number(rows, low, share.low);
    gr_ledger_number(rows, high, share.high);
    gr_free(low);
    gr_free(high);
}

/* What was chosen beside what is right. */
static void put_row(gr_ledger *rows, const gr__questions *q, const gr__chosen *chosen, uint64_t seed) {
    double *plain = gr_alloc((q->count + 1) * sizeof *plain), *normalised = gr_alloc((q->count + 1) * sizeof *plain);
    double chance = 0, nll = 0;
    int64_t cut = 0;
    for (size_t i = 0; i < q->count; i++) {
        plain[i] = chosen[i].plain == q->list[i].answer;
        normalised[i] = chosen[i].normalised == q->list[i].answer;
        chance += 1.0 / q->list[i].choices / (double)q->count;
        nll += chosen[i].nll / (double)q->count;
        cut += chosen[i].cut;
    }

    /* Numbers first, then the lists. */
    gr_ledger_begin(rows, "choice");
    gr_ledger_count(rows, "questions", (int64_t)q->count);
    put_share(rows, "accuracy", plain, q->count, seed);
    put_share(rows, "normalised", normalised, q->count, seed);
    gr_ledger_number(rows, "chance", chance);
    gr_ledger_number(rows, "answer_nll", nll);
    gr_ledger_count(rows, "cut", cut);
    gr_ledger_numbers(rows, "right", plain, q->count);
    gr_ledger_numbers(rows, "right_normalised", normalised, q->count);
    gr_free(plain);
    gr_free(normalised);
}

static gr_status run(gr_ledger *rows, const gr_subject *s, const gr_settings *settings, gr_error *err) {
    gr__questions *q;
    GR_TRY(open_file(&q, s, settings, err));
    gr__chosen *chosen = gr_alloc(q->count * sizeof *chosen);
    gr_status status = gr__questions_ask(chosen, s, q, err);
    if (status == GR_OK)
        put_row(rows, q, chosen, s->seed);
    gr_free(chosen);
    gr__questions_free(q);
    return status;
}

static gr_status cost(gr_cost *cost, const gr_subject *s, const gr_settings *settings, gr_timings *timings,
                      gr_error *err) {
    gr__questions *q;
    GR_TRY(open_file(&q, s, settings, err));
    gr_status status = gr__questions_cost(cost, s, q, timings, err);
    gr__questions_free(q);
    return status;
}

static const gr_setting options[] = {
    {.key = "file", .help = "of questions, JSON Lines", .kind = GR_SETTING_FILE},
    {.key = "form",
     .help = "question and choice alone, behind \"Question:\" and \"Answer:\", or choices as letters",
     .kind = GR_SETTING_WORD,
     .word = forms},
    {0}};

static const char *const tasks[] = {"text", NULL};

const gr_measure gr__measure_choice = {
    .name = "choice",
    .help = "questions of several choices, answered by likelihood",
    .doing = "answering questions by likelihood",
    .revision = 1,
    .option = options,
    .tasks = tasks,
    .run = run,
    .cost = cost,
};
