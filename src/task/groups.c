/* Groups of documents that are measured apart. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "gradroute/task.h"

/* What a group is asked for by: whether a document is of it, and which label (1..K) or topic (0..count-1) it is of. */
typedef struct asked {
    bool (*holds)(const gr_project *project, const struct asked *asked, uint32_t doc);
    int16_t label;
    int32_t topic;
} asked;

/* ---- what a document is of ---- */

/* What is true, whatever training is told. */
static bool of_any_label(const gr_project *p, const asked *a, uint32_t d) {
    (void)a;
    return p->labels->truth[d] > 0;
}

/* Of labels of tokens: whether the document, end token included, has a token of the label, and one that is hidden. */
static bool has_token(const gr_project *p, uint32_t d, int16_t label, bool hidden) {
    const gr_labels *l = p->labels;
    for (size_t at = p->data->offsets[d] + d; at <= p->data->offsets[d + 1] + d; at++)
        if (l->token_truth[at] == label && (!hidden || l->token_revealed[at] != label))
            return true;
    return false;
}

static bool of_label(const gr_project *p, const asked *a, uint32_t d) {
    const gr_labels *l = p->labels;
    return l->token_truth ? has_token(p, d, a->label, false) : l->truth[d] == a->label;
}

/* True, and not shown as that: as unlabelled, as core, or as another label by mistake. */
static bool of_hidden(const gr_project *p, const asked *a, uint32_t d) {
    const gr_labels *l = p->labels;
    return l->token_truth ? has_token(p, d, a->label, true) : l->truth[d] == a->label && l->revealed[d] != a->label;
}

/* The same of whatever label a document or one of its tokens has. */
static bool of_concealed(const gr_project *p, const asked *a, uint32_t d) {
    const gr_labels *l = p->labels;
    asked each = *a;
    for (each.label = 1; each.label <= l->label_count; each.label++)
        if (of_hidden(p, &each, d))
            return true;
    return false;
}

static bool of_topic(const gr_project *p, const asked *a, uint32_t d) { return p->data->topics.of[d] == a->topic; }

/* The last group of the labels is everything that has neither a label nor a name. */
static bool of_retain(const gr_project *p, const asked *a, uint32_t d) {
    (void)a;
    return p->labels->truth[d] <= 0 && p->labels->group[d] == p->labels->group_count - 1;
}

/* What has no label and is none of the rest: of the topics that the recipe calls adjacent. */
static bool of_adjacent(const gr_project *p, const asked *a, uint32_t d) {
    return p->labels->truth[d] <= 0 && !of_retain(p, a, d);
}

/* ---- what is asked for ---- */

static bool (*const kinds[GR_GROUP_KINDS])(const gr_project *, const asked *, uint32_t) = {
    [GR_GROUP_ANY_LABEL] = of_any_label, [GR_GROUP_ADJACENT] = of_adjacent, [GR_GROUP_RETAIN] = of_retain,
    [GR_GROUP_LABEL] = of_label,         [GR_GROUP_TOPIC] = of_topic,       [GR_GROUP_HIDDEN] = of_hidden,
    [GR_GROUP_CONCEALED] = of_concealed};

/* Says what there is: the nearest name, or all of them. */
static gr_status unknown(const gr_group_want *want, const char *what, const char *const *known, int count,
                         gr_error *err) {
    char place[256], hint[300];
    const char *near = gr_nearest(want->of, known, (size_t)count, NULL);
    int used = snprintf(hint, sizeof hint, near ? "did you mean '%s'?" : count ? "there are: " : "there is none", near);
    for (int i = 0; i < count && !near && used < (int)sizeof hint; i++)
        used += snprintf(hint + used, sizeof hint - (size_t)used, "%s%s", i ? ", " : "", known[i]);
    snprintf(place, sizeof place, "group %.100s", want->name);
    return gr_error_set(err, GR_ERR_USAGE, place, hint, "no %s is called '%.100s'", what, want->of);
}

/* The kind, and which label or topic it is of. */
static gr_status find(asked *a, const gr_project *p, const gr_group_want *want, gr_error *err) {
    *a = (asked){.holds = kinds[want->kind]};
    if (want->kind != GR_GROUP_LABEL && want->kind != GR_GROUP_HIDDEN && want->kind != GR_GROUP_TOPIC)
        return GR_OK;

    /* By its name among those of the recipe, or of the data. */
    bool topic = want->kind == GR_GROUP_TOPIC;
    char *const *names = topic ? p->data->topics.names : p->labels->label_names;
    int count = topic ? (int)p->data->topics.count : p->labels->label_count, i = 0;
    while (i < count && strcmp(want->of, names[i]) != 0)
        i++;
    a->label = (int16_t)(i + 1); /* labels are numbered from 1 */
    a->topic = i;
    return i < count ? GR_OK : unknown(want, topic ? "topic" : "label", (const char *const *)names, count, err);
}

/* ---- the documents ---- */

/* Those of docs[count] that are in the group; a new list. One of which nothing is measured, its labelled tokens being
 * beyond its row, is in none. */
static const uint32_t *pick(size_t *picked, const gr_project *p, const asked *a, const uint32_t *docs, size_t count) {
    uint32_t *out = gr_alloc((count + 1) * sizeof *out);
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (a->holds(p, a, docs[i]) &&
            gr_dataset_scored(p->data, p->labels, NULL, docs[i], p->recipe->data.context).tokens)
            out[n++] = docs[i];
    *picked = n;
    return out;
}

/* Nothing to measure, or to choose on: said before hours of training. */
static gr_status too_few(const char *split, const char *group, gr_error *err) {
    char hint[80];
    snprintf(hint, sizeof hint, "raise data.%s or use more documents", split);
    return gr_error_set(err, GR_ERR_USAGE, "audit", hint, "the %s split has no %s document", split, group);
}

/* Each group in turn, in both parts of what is held out. */
static gr_status fill(gr_groups *groups, const gr_project *p, const gr_group_want *want, int count, gr_error *err) {
    const gr_dataset *data = p->data;
    for (int i = 0; i < count; i++) {
        asked a;
        GR_TRY(find(&a, p, &want[i], err));

        /* Counted before it may be refused, so that its lists are freed. */
        gr_group *g = &groups->group[groups->count++];
        g->name = want[i].name;
        g->test = pick(&g->tests, p, &a, data->test, data->test_count);
        g->validation = pick(&g->validations, p, &a, data->validation, data->validation_count);
        if (!g->tests && !want[i].optional)
            return too_few("test", g->name, err);
        if (!g->validations && want[i].chosen_on)
            return too_few("validation", g->name, err);
    }
    return GR_OK;
}

gr_status gr_task_dataset_groups(gr_groups *groups, const gr_project *p, const gr_group_want *want, int count,
                                 gr_error *err) {
    assert(count <= GR_GROUPS_MAX);
    *groups = (gr_groups){.unit = gr_dataset_drawn_by(p->data)};
    gr_status status = fill(groups, p, want, count, err);
    if (status != GR_OK)
        gr_groups_free(groups);
    return status;
}

void gr_groups_free(gr_groups *groups) {
    for (int g = 0; g < groups->count; g++) {
        gr_free((void *)groups->group[g].test);
        gr_free((void *)groups->group[g].validation);
    }
    *groups = (gr_groups){0};
}
