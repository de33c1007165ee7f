/* Planted facts: {"row": "facts", "facts", and for each half, "shown" and "hidden", its accuracy under that name, then
 * NAME_low, NAME_high, NAME_normalised, NAME_cloze with the same of each, NAME_nll}. Every gloss of a fact (the
 * recipe's data.planted) is a question: how does it end? Four choices, the answers of this fact and of three others of
 * its half; the model's answer is the likeliest. Cloze: the end that greedy decoding writes is the fact's own.
 * Intervals are of the bootstrap over facts, whose glosses are drawn together. */
#include <string.h>

#include "base/mem.h"
#include "corpus/planted.h"
#include "measure/measure.h"
#include "measure/questions.h"

enum { CHOICES = 4 };

/* How many facts the recipe plants. */
static int planted(const gr_recipe *recipe, uint64_t *seed) {
    for (int i = 0; i < recipe->data.sources; i++)
        if (recipe->data.source[i].facts) {
            *seed = recipe->data.source[i].seed;
            return recipe->data.source[i].facts;
        }
    return 0;
}

/* A gloss without its end, and the four ends: the answer of the fact, and those of facts of the same half that lie a
 * quarter, a half and three quarters of it ahead. The right one stands in all places in turn. */
static void add_question(gr__questions *q, int number, int facts, int gloss, uint64_t seed) {
    char end[CHOICES][GR__PLANTED_WORD + 2];
    const char *choice[CHOICES];
    int half = facts / 2, at = number / 2, right = (at + gloss) % CHOICES;
    for (int k = 0; k < CHOICES; k++) {
        int ahead = (k - right + CHOICES) % CHOICES * half / CHOICES;
        gr__planted other = gr__planted_fact((at + ahead) % half * 2 + number % 2, seed);
        end[k][0] = ' ';
        memcpy(end[k] + 1, other.answer, sizeof other.answer);
        choice[k] = end[k];
    }

    gr__planted fact = gr__planted_fact(number, seed);
    char *text = gr__planted_gloss(&fact, gloss);
    text[strlen(text) - GR__PLANTED_WORD - 1] = 0;
    gr__questions_add(q, text, choice, CHOICES, right);
    gr_free(text);
}

/* Of every fact all glosses, first the shown half, then the hidden one. */
static gr_status ask_all(gr__questions **questions, const gr_subject *s, gr_error *err) {
    uint64_t seed = 0;
    int facts = planted(s->recipe, &seed);
    *questions = NULL;
    if (!facts)
        return gr_error_set(err, GR_ERR_USAGE, s->name, "data: {planted: {facts: 64}}", "the recipe plants no facts");
    *questions = gr__questions_new();
    for (int hidden = 0; hidden < 2; hidden++)
        for (int i = hidden; i < facts; i += 2)
            for (int g = 0; g < GR__PLANTED_GLOSSES; g++)
                add_question(*questions, i, facts, g, seed);
    return GR_OK;
}

/* A share of the questions of one half, with its interval. */
static void put_share(gr_ledger *rows, const char *half, const char *what, const double *right, const uint32_t *fact,
                      size_t count, uint64_t seed) {
    int32_t *one = gr_alloc((count + 1) * sizeof *one);
    for (size_t i = 0; i < count; i++)
        one[i] = 1;
    gr_sample sample = {.nll = right, .tokens = one, .count = count, .unit = fact, .list = half};
    const gr_estimate e = gr_bootstrap(gr__formula_loss, &sample, 1, seed);
    gr_free(one);

    /* The share itself, then its borders. */
    static const char *const ends[] = {"", "_low", "_high"};
    const double value[] = {e.value, e.low, e.high};
    for (int i = 0; i < 3; i++) {
        char *key = gr_format("%s%s%s", half, what, ends[i]);
        gr_ledger_number(rows, key, value[i]);
        gr_free(key);
    }
}

/* What was answered of one half of the questions. */
static void put_half(gr_ledger *rows, const char *half, const gr__question *list, const gr__chosen *chosen,
                     size_t count, uint64_t seed) {
    double *right = gr_alloc(3 * (count + 1) * sizeof *right), nll = 0;
    double *normalised = right + count + 1, *cloze = normalised + count + 1;
    uint32_t *fact = gr_alloc((count + 1) * sizeof *fact);
    for (size_t i = 0; i < count; i++) {
        right[i] = chosen[i].plain == list[i].answer;
        normalised[i] = chosen[i].normalised == list[i].answer;
        cloze[i] = chosen[i].greedy;
        fact[i] = (uint32_t)(i / GR__PLANTED_GLOSSES);
        nll += chosen[i].nll / (double)count;
    }

    put_share(rows, half, "", right, fact, count, seed);
    put_share(rows, half, "_normalised", normalised, fact, count, seed);
    put_share(rows, half, "_cloze", cloze, fact, count, seed);
    char *key = gr_format("%s_nll", half);
    gr_ledger_number(rows, key, nll);
    gr_free(key);
    gr_free(right);
    gr_free(fact);
}

static gr_status run(gr_ledger *rows, const gr_subject *s, const gr_settings *settings, gr_error *err) {
    gr__questions *q;
    GR_TRY(ask_all(&q, s, err));
    gr__chosen *chosen = gr_alloc(q->count * sizeof *chosen);
    gr_status status = gr__questions_ask(chosen, s, q, err);
    if (status == GR_OK) {
        /* Questions of facts that were shown come first, then as many of hidden ones. */
        size_t half = q->count / 2;
        gr_ledger_begin(rows, "facts");
        gr_ledger_count(rows, "facts", (int64_t)(q->count / GR__PLANTED_GLOSSES));
        put_half(rows, "shown", q->list, chosen, half, s->seed);
        put_half(rows, "hidden", q->list + half, chosen + half, half, s->seed);
    }
    gr_free(chosen);
    gr__questions_free(q);
    return status;
}

static gr_status cost(gr_cost *cost, const gr_subject *s, const gr_settings *settings, gr_timings *timings,
                      gr_error *err) {
    gr__questions *q;
    GR_TRY(ask_all(&q, s, err));
    gr_status status = gr__questions_cost(cost, s, q, timings, err);
    gr__questions_free(q);
    return status;
}

static const char *const tasks[] = {"text", NULL};

const gr_measure gr__measure_facts = {
    .name = "facts",
    .help = "planted facts: what comes after each gloss, of four and of all",
    .doing = "asking for planted facts",
    .revision = 1,
    .tasks = tasks,
    .run = run,
    .cost = cost,
};
