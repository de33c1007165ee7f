/* draw.c - draws training documents of a label in a keyed order: what the attacker of an audit has to train on. */
#include "base/mem.h"
#include "base/number.h"
#include "base/rng.h"
#include "corpus/dataset.h"
#include "gradroute/label.h"

/* What is drawn as a whole: documents, each with its pieces first[d] .. first[d + 1] - 1. */
static uint32_t *unit_starts(const gr_dataset *data, uint32_t *units) {
    const uint32_t *document = gr_dataset_drawn_by(data);
    uint32_t count = (uint32_t)(document ? data->whole->topics.docs : data->topics.docs);
    uint32_t *first = gr_alloc(((size_t)count + 1) * sizeof *first);

    /* Count the pieces of each unit, then add up: a unit's pieces follow each other. */
    for (size_t p = 0; p < data->topics.docs; p++)
        first[(document ? document[p] : p) + 1]++;
    for (uint32_t u = 0; u < count; u++)
        first[u + 1] += first[u];
    *units = count;
    return first;
}

/* The pieces of a unit that fit, as long as tokens are wanted. */
static void take(gr_drawn *drawn, const gr_dataset *data, const gr_draw_def *def, const bool *fits, uint32_t from,
                 uint32_t to) {
    size_t before = drawn->count;
    for (uint32_t p = from; p < to && (!def->tokens || drawn->tokens < def->tokens); p++) {
        uint64_t targets = gr_dataset_targets(data, p);
        if (!fits[p])
            continue;
        drawn->docs[drawn->count++] = p;
        drawn->tokens += (int64_t)(targets < (uint64_t)def->width ? targets : (uint64_t)def->width);
    }
    drawn->documents += drawn->count > before;
}

/* Whether a document may be drawn: by what is true of it, whatever is shown. */
static bool is_of(const gr_labels *labels, uint32_t doc, int label) {
    const int16_t k = labels->truth[doc];
    const bool retain = labels->group[doc] == labels->group_count - 1;
    if (label == GR_LABEL_ADJACENT || label == GR_LABEL_RETAIN)
        return k == 0 && retain == (label == GR_LABEL_RETAIN);
    return label == GR_LABEL_ANY ? k > 0 : k == label;
}

/* What was asked for, in words. */
static const char *name_of(int label) {
    return label == GR_LABEL_ADJACENT ? "adjacent topics" : label == GR_LABEL_RETAIN ? "retain text" : "the label";
}

/* Fails where there are fewer tokens or documents than were asked for. */
static gr_status check(const gr_drawn *drawn, const gr_draw_def *def, gr_error *err) {
    if (def->tokens && drawn->tokens < def->tokens)
        return gr_error_set(err, GR_ERR_USAGE, "data", "draw fewer tokens",
                            "%lld %s of training documents of %s are wanted, there are %lld", (long long)def->tokens,
                            gr__plural(def->tokens, "token", "tokens"), name_of(def->label), (long long)drawn->tokens);
    if (!def->tokens && drawn->documents < def->documents)
        return gr_error_set(err, GR_ERR_USAGE, "data", "draw fewer documents",
                            "%zu training documents of %s are wanted, there are %zu", def->documents,
                            name_of(def->label), drawn->documents);
    return GR_OK;
}

gr_status gr_dataset_draw(gr_drawn *drawn, const gr_dataset *data, const gr_labels *labels, const gr_draw_def *def,
                          gr_error *err) {
    uint32_t units, *first = unit_starts(data, &units);
    uint32_t *order = gr_alloc(units * sizeof *order);
    bool *fits = gr_alloc(data->topics.docs);
    *drawn = (gr_drawn){.docs = gr_alloc((data->topics.docs + 1) * sizeof *drawn->docs)};

    /* What may be drawn: training documents alone. */
    for (size_t i = 0; i < data->train_count; i++)
        fits[data->train[i]] = is_of(labels, data->train[i], def->label);

    /* Units in their keyed order, until there is enough: so a larger draw holds a smaller one. */
    gr_random_permutation((gr_key){def->seed, GR_STREAM_DATA, GR__DRAW_ATTACK}, order, units);
    for (uint32_t i = 0; i < units && (def->tokens ? drawn->tokens < def->tokens : drawn->documents < def->documents);
         i++)
        take(drawn, data, def, fits, first[order[i]], first[order[i] + 1]);

    /* Too little of it is an error, not a smaller attack. */
    gr_free(first);
    gr_free(order);
    gr_free(fits);
    gr_status status = check(drawn, def, err);
    if (status != GR_OK)
        gr_drawn_free(drawn);
    return status;
}

void gr_drawn_free(gr_drawn *drawn) {
    gr_free(drawn->docs);
    *drawn = (gr_drawn){0};
}
