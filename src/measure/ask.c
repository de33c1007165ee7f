/* Which answers a model thinks likeliest: every choice behind its context is a document of a dataset made for that, and
 * all of them go through the network in one pass. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "measure/pass.h"
#include "measure/questions.h"
#include "measure/timings.h"

/* The documents, and how likely the choice at the end of each is. */
typedef struct asking {
    gr_dataset data;
    gr_labels *labels; /* none of them says anything */
    int32_t *ids, *topic;
    uint64_t *offsets;
    uint32_t *docs;
    size_t tokens, room;
    uint32_t *first, *behind; /* [docs] tokens of a document before its choice, and up to its end */
    uint32_t *met;            /* [docs] targets met so far */
    double *sum;              /* [docs] log p of the tokens of the choice */
    bool *other;              /* [docs] some token of it is not the likeliest */
    bool *cut;                /* [docs] */
} asking;

static void asking_free(asking *a) {
    gr_labels_free(a->labels);
    gr_free(a->ids);
    gr_free(a->topic);
    gr_free(a->offsets);
    gr_free(a->docs);
    gr_free(a->first);
    gr_free(a->behind);
    gr_free(a->met);
    gr_free(a->sum);
    gr_free(a->other);
    gr_free(a->cut);
}

/* How many tokens a text has; they are appended where there is room for them, else counted alone. */
static gr_status encode(size_t *tokens, asking *a, const gr_subject *s, const char *text, bool keep, gr_error *err) {
    int32_t *ids = NULL;
    size_t room = 0;
    *tokens = 0;
    gr_status status = gr_tokenizer_encode(s->tokenizer, &ids, tokens, &room, text, strlen(text), err);
    for (size_t i = 0; status == GR_OK && keep && i < *tokens; i++)
        GR_PUSH(a->ids, a->tokens, a->room) = ids[i];
    gr_free(ids);
    return status;
}

/* One choice behind its context, cut at its beginning where a row does not hold it. A row has a position more than the
 * text, for the token that ends it. */
static gr_status add(asking *a, const gr_subject *s, const gr__question *q, int choice, uint32_t doc, gr_error *err) {
    size_t most = (size_t)s->recipe->data.context - 1, context, all, start = a->tokens;
    char *text = gr_format("%s%s", q->context, q->choice[choice]);
    gr_status status = encode(&context, a, s, q->context, false, err);
    if (status == GR_OK)
        status = encode(&all, a, s, text, true, err);
    gr_free(text);
    GR_TRY(status);

    /* What is asked about is whole. */
    if (all <= context || all - context > most)
        return gr_error_set(err, GR_ERR_USAGE, s->name, "leave the question out, or raise data.context",
                            "a choice of %zu tokens, '%.60s', in rows of %d", all > context ? all - context : 0,
                            q->choice[choice], s->recipe->data.context);
    size_t gone = all > most ? all - most : 0;
    memmove(a->ids + start, a->ids + start + gone, (all - gone) * sizeof *a->ids);
    a->tokens -= gone;
    a->first[doc] = (uint32_t)(context > gone ? context - gone : 0);
    a->behind[doc] = (uint32_t)(all - gone);
    a->cut[doc] = gone > 0;
    a->docs[doc] = doc;
    a->offsets[doc + 1] = a->tokens;
    return GR_OK;
}

/* All choices of all questions, one after the other. */
static gr_status build(asking *a, const gr_subject *s, const gr__questions *q, gr_error *err) {
    static char *names[] = {"question"};
    size_t count = 0, at = 0;
    for (size_t i = 0; i < q->count; i++)
        count += (size_t)q->list[i].choices;
    *a = (asking){.topic = gr_alloc((count + 1) * sizeof *a->topic),
                  .offsets = gr_alloc((count + 1) * sizeof *a->offsets),
                  .docs = gr_alloc((count + 1) * sizeof *a->docs),
                  .first = gr_alloc((count + 1) * sizeof *a->first),
                  .behind = gr_alloc((count + 1) * sizeof *a->behind),
                  .met = gr_alloc((count + 1) * sizeof *a->met),
                  .sum = gr_alloc((count + 1) * sizeof *a->sum),
                  .other = gr_alloc((count + 1) * sizeof *a->other),
                  .cut = gr_alloc((count + 1) * sizeof *a->cut)};
    for (size_t i = 0; i < q->count; i++)
        for (int k = 0; k < q->list[i].choices; k++)
            GR_TRY(add(a, s, &q->list[i], k, (uint32_t)at++, err));

    /* A dataset in which nothing is labelled. */
    a->data = (gr_dataset){.topics = {.names = names, .count = 1, .of = a->topic, .docs = count},
                           .offsets = a->offsets,
                           .ids = a->ids,
                           .test = a->docs,
                           .test_count = count,
                           .vocab = s->data->vocab,
                           .eot = s->data->eot,
                           .start = s->data->start};
    return gr_labels_new(&a->labels, &a->data.topics, NULL, 0, NULL, 0, 1, err);
}

/* Whether another token is likelier, or as likely and before it. */
static bool is_other(const gr_prediction *at) {
    const gr_real own = at->logits[at->target];
    for (int v = 0; v < at->vocab; v++)
        if (at->logits[v] > own || (at->logits[v] == own && v < at->target))
            return true;
    return false;
}

/* Targets of a document come in their order: those of its choice count, and not the end behind it. */
static void hear(void *user, const gr_prediction *at) {
    asking *a = user;
    uint32_t target = a->met[at->doc]++;
    if (target < a->first[at->doc] || target >= a->behind[at->doc])
        return;
    a->sum[at->doc] -= at->nll;
    a->other[at->doc] = a->other[at->doc] || is_other(at);
}

/* Characters, of which the first byte alone counts, behind the space that stands before a choice. */
static double characters(const char *choice) {
    double count = 0;
    for (const char *c = choice + (choice[0] == ' '); *c; c++)
        count += ((unsigned char)*c & 0xc0) != 0x80;
    return fmax(count, 1);
}

/* The likeliest of a question's choices, whose documents begin at `doc`. */
static gr__chosen choose(const asking *a, const gr__question *q, size_t doc) {
    size_t right = doc + (size_t)q->answer;
    gr__chosen chosen = {.nll = -a->sum[right], .greedy = !a->other[right]};
    double best = -INFINITY, best_normalised = -INFINITY;
    for (int k = 0; k < q->choices; k++) {
        double sum = a->sum[doc + (size_t)k], mean = sum / characters(q->choice[k]);
        if (sum > best) {
            best = sum;
            chosen.plain = k;
        }
        if (mean > best_normalised) {
            best_normalised = mean;
            chosen.normalised = k;
        }
        chosen.cut = chosen.cut || a->cut[doc + (size_t)k];
    }
    return chosen;
}

gr_status gr__questions_ask(gr__chosen *chosen, const gr_subject *subject, const gr__questions *q, gr_error *err) {
    asking a;
    gr_subject own = *subject;
    gr_status status = build(&a, subject, q, err);
    if (status == GR_OK) {
        own.data = &a.data;
        own.labels = a.labels;
        status = gr__subject_each(&own, a.docs, a.data.test_count, hear, &a, err);
    }

    /* A question's choices are neighbours. */
    size_t doc = 0;
    for (size_t i = 0; status == GR_OK && i < q->count; doc += (size_t)q->list[i++].choices)
        chosen[i] = choose(&a, &q->list[i], doc);
    asking_free(&a);
    return status;
}

gr_status gr__questions_cost(gr_cost *cost, const gr_subject *subject, const gr__questions *q, gr_timings *timings,
                             gr_error *err) {
    asking a;
    double position = 0;
    *cost = (gr_cost){0};
    gr_status status = build(&a, subject, q, err);
    if (status == GR_OK)
        status = gr__position_time(&position, subject, timings, err);
    if (status == GR_OK) {
        cost->tokens = (int64_t)(a.tokens + a.data.topics.docs);
        cost->seconds = position * (double)cost->tokens;
    }
    asking_free(&a);
    return status;
}
