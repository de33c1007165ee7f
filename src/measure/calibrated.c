/* Losses of the test by group with the output bias calibrated anew: {"row": "calibrated", "group", "calibration",
 * "passes", "gained", "nll", ..}, the rest as in rows of losses. A bias, 0 at first, is added to the logits and fitted
 * to held-out text of a stated mix; nothing else is trained, and the model itself is not touched. What a model lost
 * by making the words of a topic rare is given back; what it no longer knows is not.
 *
 * The fit is generalised iterative scaling (Darroch and Ratcliff, "Generalized iterative scaling for log-linear
 * models", 1972): with one indicator a token, b += log(seen / expected) lowers the loss in every pass, without a rate.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "kernel/kernel.h"
#include "measure/pass.h"
#include "measure/timings.h"

/* The groups that the mix is of, by the names that figures expect. */
enum { FORGET, ADJACENT, RETAIN, PARTS };
static const char *const parts[PARTS] = {"forget", "adjacent", "retain"};

/* Nats per token by which a pass must lower the loss for another one to follow. */
static const double enough = 1e-4;

/* ---- the text ---- */

/* What is fitted to: documents of validation, and how much each of their targets counts. */
typedef struct text {
    uint32_t *docs;
    size_t count;
    double *weight; /* [docs of the dataset] 0: not of the text */
    double tokens;  /* targets; the sum of their weights too */
} text;

static int64_t scored(const gr_subject *s, uint32_t doc) {
    return gr_dataset_scored(s->data, s->labels, NULL, doc, s->recipe->data.context).tokens;
}

static const gr_group *group_of(const gr_subject *s, const char *name) {
    for (int g = 0; g < s->groups->count; g++)
        if (!strcmp(s->groups->group[g].name, name))
            return &s->groups->group[g];
    return NULL;
}

/* Documents of one group, drawn by the seed, until there are tokens enough. They have weight 1, and the sum of tokens
 * is returned. One that another group gave already is left out. */
static double draw(text *t, const gr_subject *s, int part, double most) {
    const gr_group *g = group_of(s, parts[part]);
    uint32_t count = g ? (uint32_t)g->validations : 0, *order = gr_alloc(((size_t)count + 1) * sizeof *order);
    double tokens = 0;
    gr_random_permutation((gr_key){s->seed, GR_STREAM_CALIBRATE, (uint32_t)part}, order, count);
    for (uint32_t i = 0; i < count && tokens < most; i++) {
        uint32_t d = g->validation[order[i]];
        if (t->weight[d] > 0)
            continue;
        t->weight[d] = 1;
        t->docs[t->count++] = d;
        tokens += (double)scored(s, d);
    }
    gr_free(order);
    return tokens;
}

static void text_free(text *t) {
    gr_free(t->docs);
    gr_free(t->weight);
}

/* Each group has its share of the weight whatever it has of the tokens; where one has no document the others have its
 * share. */
static gr_status text_draw(text *t, const gr_subject *s, const gr_settings *settings, gr_error *err) {
    double share[PARTS], tokens[PARTS], shares = 0, most = gr_settings_get(settings, "tokens")->number;
    size_t first[PARTS + 1] = {0};
    *t = (text){.docs = gr_alloc((s->data->validation_count + 1) * sizeof *t->docs),
                .weight = gr_alloc((s->data->topics.docs + 1) * sizeof *t->weight)};

    for (int p = 0; p < PARTS; p++) {
        share[p] = gr_settings_get(settings, parts[p])->number;
        shares += share[p];
    }

    /* The documents of each, and of what there is the whole. */
    double there = 0;
    for (int p = 0; p < PARTS; p++) {
        tokens[p] = share[p] > 0 ? draw(t, s, p, most * share[p] / shares) : 0;
        first[p + 1] = t->count;
        t->tokens += tokens[p];
        there += tokens[p] > 0 ? share[p] : 0;
    }
    if (there <= 0)
        return gr_error_set(err, GR_ERR_USAGE, s->name, "raise data.validation, or leave the measure out",
                            "the validation split has no document to calibrate on");

    /* A group's share of the weight, over its tokens. */
    for (int p = 0; p < PARTS; p++)
        for (size_t i = first[p]; i < first[p + 1]; i++)
            t->weight[t->docs[i]] = tokens[p] > 0 ? share[p] / there * t->tokens / tokens[p] : 0;
    return GR_OK;
}

/* ---- the bias ---- */

typedef struct fit {
    const double *weight; /* of each document */
    int vocab;
    double prior;
    gr_real *bias;     /* [vocab] */
    gr_real *shifted;  /* [vocab] a row of logits with the bias, then its probabilities */
    double *seen;      /* [vocab] weight of the targets */
    gr_real *expected; /* [vocab] the sum of the probabilities, by weight */
    double *own;       /* [vocab] the same of one token, before anything was fitted */
    double loss;       /* of the text, by weight */
    double *nll;       /* [docs] of the test; NULL while it is fitted */
    int32_t *scored;   /* [docs] */
    int passes;        /* over the text */
    double gained;     /* between the first and the last of them, nats per token */
} fit;

/* -log p of the target under the bias; the row with the bias is left in `shifted`. */
static double shift(fit *f, const gr_prediction *at) {
    assert(at->logits && at->vocab == f->vocab);
    gr_kernel()->add(f->shifted, at->logits, f->bias, f->vocab);
    return (double)(gr_kernel()->log_sum_exp(f->shifted, f->vocab) - f->shifted[at->target]);
}

/* A target of the text: what is seen of each token, and what the model expects. */
static void count(void *user, const gr_prediction *at) {
    fit *f = user;
    double weight = f->weight[at->doc];
    f->loss += weight * shift(f, at);
    f->seen[at->target] += weight;
    gr_kernel()->softmax(f->shifted, f->shifted, f->vocab);
    gr_kernel()->scale(f->expected, (gr_real)weight, f->shifted, f->vocab, true);
}

/* A target of the test. */
static void add(void *user, const gr_prediction *at) {
    fit *f = user;
    f->nll[at->doc] += shift(f, at);
    f->scored[at->doc]++;
}

/* What the model expects of each token before anything is fitted: the mean of its predictions of the text. None is 0,
 * which could not be scaled. */
static void keep_expected(fit *f, double tokens) {
    const double least = 1e-20;
    for (int v = 0; v < f->vocab; v++)
        f->own[v] = fmax((double)f->expected[v] / tokens, least);
}

/* Moves the bias towards what was seen. The prior is text too, `prior` times as much as there is: at each of its
 * positions the model predicts what it does on average, and is right on average. It holds the bias at 0, and keeps a
 * token that the text lacks from becoming impossible. Returns the loss of that text under the bias as it was. */
static double scale_bias(fit *f, double tokens) {
    double sum = 0, loss = 0, all = f->prior * tokens;
    for (int v = 0; v < f->vocab; v++)
        sum += f->own[v] * exp((double)f->bias[v]);

    for (int v = 0; v < f->vocab; v++) {
        double bias = (double)f->bias[v], own = f->own[v], share = own * exp(bias) / sum;
        loss += all * own * (log(sum) - bias - log(own));
        f->bias[v] += (gr_real)log((f->seen[v] + all * own) / ((double)f->expected[v] + all * share));
    }
    return loss;
}

/* Passes over the text until one gains little. Each begins with the bias of the one before it. */
static gr_status fit_bias(fit *f, const gr_subject *s, const text *t, int most, gr_error *err) {
    double first = 0, before = INFINITY, now = 0;
    while (f->passes < most && before - now > enough * t->tokens) {
        before = f->passes > 0 ? now : INFINITY;
        memset(f->seen, 0, (size_t)f->vocab * sizeof *f->seen);
        memset(f->expected, 0, (size_t)f->vocab * sizeof *f->expected);
        f->loss = 0;
        GR_TRY(gr__subject_each(s, t->docs, t->count, count, f, err));

        /* What is told is of the text alone; what is lowered, and decides, is that and the prior. */
        if (f->passes == 0) {
            first = f->loss;
            keep_expected(f, t->tokens);
        }
        f->passes++;
        now = f->loss + scale_bias(f, t->tokens);
    }
    f->gained = (first - f->loss) / t->tokens;
    return GR_OK;
}

/* ---- the measure ---- */

/* Passes are told as one whole, a thousand parts each. */
typedef struct following {
    const gr_subject *subject;
    const fit *fit;
    int passes; /* at most, that over the test included */
} following;

static bool told(void *user, int64_t done, int64_t all) {
    enum { PARTS_OF_PASS = 1000 };
    const following *f = user;
    int at = f->fit->nll ? f->passes - 1 : f->fit->passes;
    int64_t part = all > 0 ? done * PARTS_OF_PASS / all : 0;
    return f->subject->after(f->subject->user, at * PARTS_OF_PASS + part, (int64_t)f->passes * PARTS_OF_PASS);
}

static void say_fit(gr_ledger *rows, const void *user) {
    const fit *f = user;
    gr_ledger_number(rows, "gained", f->gained);
    gr_ledger_count(rows, "passes", f->passes);
}

/* The bias by the text, then the test under it. */
static gr_status measure(gr_ledger *rows, fit *f, const gr_subject *s, const text *t, int most, gr_error *err) {
    const gr_dataset *data = s->data;
    following follow = {s, f, most + 1};
    gr_subject own = *s;
    if (s->after) {
        own.after = told;
        own.user = &follow;
    }
    GR_TRY(fit_bias(f, &own, t, most, err));

    f->nll = gr_alloc((data->topics.docs + 1) * sizeof *f->nll);
    f->scored = gr_alloc((data->topics.docs + 1) * sizeof *f->scored);
    GR_TRY(gr__subject_each(&own, data->test, data->test_count, add, f, err));
    gr_ledger_losses_as(rows, "calibrated", s->groups, s->units, f->nll, f->scored, say_fit, f);
    return GR_OK;
}

static gr_status run(gr_ledger *rows, const gr_subject *s, const gr_settings *settings, gr_error *err) {
    size_t vocab = (size_t)gr_model_width(s->model, gr_model_output(s->model, "logits"));
    text t;
    gr_status status = text_draw(&t, s, settings, err);
    if (status == GR_OK) {
        /* Numbers by token of the vocabulary; those by document come when the test is read. */
        fit f = {.weight = t.weight,
                 .vocab = (int)vocab,
                 .prior = gr_settings_get(settings, "prior")->number,
                 .bias = gr_alloc(vocab * sizeof *f.bias),
                 .shifted = gr_alloc(vocab * sizeof *f.shifted),
                 .seen = gr_alloc(vocab * sizeof *f.seen),
                 .expected = gr_alloc(vocab * sizeof *f.expected),
                 .own = gr_alloc(vocab * sizeof *f.own)};
        status = measure(rows, &f, s, &t, (int)gr_settings_get(settings, "passes")->number, err);
        gr_free(f.bias);
        gr_free(f.shifted);
        gr_free(f.seen);
        gr_free(f.expected);
        gr_free(f.own);
        gr_free(f.nll);
        gr_free(f.scored);
    }
    text_free(&t);
    return status;
}

/* At most: passes that gain little end it. */
static gr_status cost(gr_cost *cost, const gr_subject *s, const gr_settings *settings, gr_timings *timings,
                      gr_error *err) {
    double position;
    text t;
    gr_subject own = *s;
    own.pass = NULL; /* the pass of `loss` does not serve it */
    GR_TRY(gr__pass_cost(cost, &own, timings, err));
    gr_status status = text_draw(&t, s, settings, err);
    if (status == GR_OK)
        status = gr__position_time(&position, s, timings, err);
    if (status == GR_OK) {
        double more = t.tokens * gr_settings_get(settings, "passes")->number;
        cost->tokens += (int64_t)more;
        cost->seconds += position * more;
    }
    text_free(&t);
    return status;
}

#define SHARE(group, value)                                                                   \
    {                                                                                         \
        .key = group, .help = "share of the text that is fitted to", .kind = GR_SETTING_REAL, \
        .initial = {.number = value}, .min = 0, .max = 1e6                                    \
    }

static const gr_setting options[] = {SHARE("forget", 1),
                                     SHARE("adjacent", 1),
                                     SHARE("retain", 2),
                                     {.key = "tokens",
                                      .help = "of validation documents that are fitted to, about, at most",
                                      .kind = GR_SETTING_COUNT,
                                      .initial = {.number = 16384},
                                      .min = 1,
                                      .max = 0x1p40},
                                     {.key = "prior",
                                      .help = "so many times as much text, by which the bias is held at 0",
                                      .kind = GR_SETTING_REAL,
                                      .initial = {.number = 0.25},
                                      .min = 1e-9,
                                      .max = 1e9},
                                     {.key = "passes",
                                      .help = "over that text, at most",
                                      .kind = GR_SETTING_COUNT,
                                      .initial = {.number = 20},
                                      .min = 1,
                                      .max = 1000},
                                     {0}};

static const char *const tasks[] = {"text", NULL};

const gr_measure gr__measure_calibrated = {
    .name = "calibrated",
    .help = "losses of the documents of the test with the output bias fitted to held-out text, by group",
    .doing = "measuring losses with a calibrated output bias",
    .revision = 1,
    .option = options,
    .tasks = tasks,
    .losses = true,
    .run = run,
    .cost = cost,
};
