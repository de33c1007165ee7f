/* Losses of the test by group over the shared vocabulary: {"row": "shared", "group", "vocabulary", "nll", ..}, the rest
 * as in rows of losses. A target counts where its token is frequent enough in training text outside of every label,
 * so that words which no retain text has do not count as knowledge. */
#include <float.h>

#include "base/mem.h"
#include "measure/pass.h"
#include "measure/timings.h"

/* What counts, and the losses of that. */
typedef struct counting {
    bool *counts;    /* [vocab] */
    int64_t tokens;  /* of the vocabulary that count */
    double *nll;     /* [docs] */
    int32_t *scored; /* [docs] targets */
} counting;

/* What is true decides: a hidden document of the label is no retain text, whatever training is told. */
static bool is_retain(const gr_labels *l, uint32_t doc) {
    return l->truth[doc] <= 0 && l->group[doc] == l->group_count - 1;
}

/* How often each token is a target in training documents of retain text; the sum. */
static int64_t count_targets(int64_t *times, const gr_subject *s) {
    const gr_dataset *data = s->data;
    int64_t all = 0;
    for (size_t i = 0; i < data->train_count; i++) {
        uint32_t d = data->train[i];
        if (!is_retain(s->labels, d))
            continue;

        /* What a pass predicts of it: its tokens, and the end of a document (not of every piece). */
        uint64_t own = data->offsets[d + 1] - data->offsets[d], targets = gr_dataset_targets(data, d);
        for (uint64_t t = 0; t < own && t < targets; t++)
            times[data->ids[data->offsets[d] + t]]++;
        times[data->eot] += targets > own;
        all += (int64_t)targets;
    }
    return all;
}

/* A share of the text, not a number of occurrences: the same words whatever the size of the corpus. */
static gr_status find_shared(counting *c, const gr_subject *s, double least, gr_error *err) {
    int64_t *times = gr_alloc((size_t)s->data->vocab * sizeof *times), all = count_targets(times, s);
    for (int32_t v = 0; v < s->data->vocab; v++) {
        c->counts[v] = all > 0 && (double)times[v] >= least * (double)all;
        c->tokens += c->counts[v];
    }
    gr_free(times);
    return all > 0 ? GR_OK
                   : gr_error_set(err, GR_ERR_USAGE, s->name, "leave the measure `shared` out",
                                  "no training document is retain text, whose vocabulary could be shared");
}

static void add(void *user, const gr_prediction *at) {
    counting *c = user;
    if (c->counts[at->target]) {
        c->nll[at->doc] += at->nll;
        c->scored[at->doc]++;
    }
}

static void say_vocabulary(gr_ledger *rows, const void *user) {
    gr_ledger_count(rows, "vocabulary", ((const counting *)user)->tokens);
}

/* A pass of its own, packed as that of `loss`, so that what counts has the same losses to the last bit. */
static gr_status run(gr_ledger *rows, const gr_subject *s, const gr_settings *settings, gr_error *err) {
    const gr_dataset *data = s->data;
    counting c = {.counts = gr_alloc((size_t)data->vocab * sizeof *c.counts),
                  .nll = gr_alloc(data->topics.docs * sizeof *c.nll),
                  .scored = gr_alloc(data->topics.docs * sizeof *c.scored)};
    gr_status status = find_shared(&c, s, gr_settings_get(settings, "least")->number, err);
    if (status == GR_OK)
        status = gr__subject_each(s, data->test, data->test_count, add, &c, err);
    if (status == GR_OK)
        gr_ledger_losses_as(rows, "shared", s->groups, s->units, c.nll, c.scored, say_vocabulary, &c);
    gr_free(c.counts);
    gr_free(c.nll);
    gr_free(c.scored);
    return status;
}

/* The pass of `loss` does not serve it. */
static gr_status cost(gr_cost *cost, const gr_subject *s, const gr_settings *settings, gr_timings *timings,
                      gr_error *err) {
    gr_subject own = *s;
    own.pass = NULL;
    (void)settings;
    return gr__pass_cost(cost, &own, timings, err);
}

static const gr_setting options[] = {{.key = "least",
                                      .help = "share of the training targets of retain text that a token must have",
                                      .kind = GR_SETTING_REAL,
                                      .initial = {.number = 1e-5},
                                      .min = DBL_MIN,
                                      .max = 1},
                                     {0}};

static const char *const tasks[] = {"text", NULL};

const gr_measure gr__measure_shared = {
    .name = "shared",
    .help = "losses of the documents of the test over tokens that retain text has too, by group",
    .doing = "measuring losses over the shared vocabulary",
    .revision = 1,
    .option = options,
    .tasks = tasks,
    .losses = true,
    .run = run,
    .cost = cost,
};
