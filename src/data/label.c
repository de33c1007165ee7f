/* label.c - from topics to labels: what is true of each document, what a run is told, and what is reported apart. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "gradroute/data.h"

/* While labels are made. */
typedef struct making {
    gr_labels *labels;
    const gr_topics *topics;
    size_t *size;   /* [topics] documents of each topic */
    int16_t *owner; /* [topics] label of each topic, 0 for none */
    int16_t *group; /* [topics] named group of each topic, -1 for none */
} making;

enum { NAME_MOST = 64 };

/* Edit distance of two names, of which long ones are compared by their beginnings. */
static int distance(const char *a, const char *b) {
    int row[NAME_MOST + 1], m = (int)strnlen(a, NAME_MOST), n = (int)strnlen(b, NAME_MOST);
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; i <= m; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            int skip = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < skip ? change : skip;
        }
    }
    return row[n];
}

static gr_status no_such_topic(const making *m, const char *topic, const char *owner, gr_error *err) {
    const char *nearest = NULL;
    int least = NAME_MOST + 1;
    for (int32_t k = 0; k < m->topics->count; k++) {
        int d = m->size[k] ? distance(topic, m->topics->names[k]) : least;
        if (d < least) {
            least = d;
            nearest = m->topics->names[k];
        }
    }
    char hint[256];
    snprintf(hint, sizeof hint, "did you mean \"%.100s\"?", nearest ? nearest : "");
    return gr_error_set(err, GR_ERR_USAGE, owner, nearest ? hint : NULL, "no document has the topic \"%s\"", topic);
}

static gr_status find_topic(const making *m, int32_t *found, const char *topic, const char *owner, gr_error *err) {
    for (int32_t k = 0; k < m->topics->count; k++)
        if (m->size[k] && !strcmp(m->topics->names[k], topic)) {
            *found = k;
            return GR_OK;
        }
    return no_such_topic(m, topic, owner, err);
}

static gr_status check_name(const gr_labels *labels, const char *name, gr_error *err) {
    if (!name || !*name)
        return gr_error_set(err, GR_ERR_USAGE, "labels", NULL, "a label or group has no name");
    for (int g = 0; g < labels->group_count; g++)
        if (!strcmp(labels->group_names[g], name))
            return gr_error_set(err, GR_ERR_USAGE, "labels", "rename one of them", "the name \"%s\" occurs twice",
                                name);
    if (!strcmp(name, "retain") || !strcmp(name, "core"))
        return gr_error_set(err, GR_ERR_USAGE, "labels", "choose another name",
                            "\"%s\" is what documents without a label are called", name);
    return GR_OK;
}

static gr_status add_label(making *m, const gr_label_def *def, gr_error *err) {
    gr_labels *labels = m->labels;
    GR_TRY(check_name(labels, def->name, err));
    if (!(def->known >= 0 && def->known <= 1))
        return gr_error_set(err, GR_ERR_USAGE, def->name, "1 reveals every label, 0 none",
                            "known is %g, not a share between 0 and 1", def->known);
    if (def->count < 1)
        return gr_error_set(err, GR_ERR_USAGE, def->name, "name at least one topic in `is`", "the label has no topics");
    int k = ++labels->label_count;
    labels->group_names[labels->group_count++] = labels->label_names[k - 1] = gr_arena_strdup(labels->arena, def->name);
    size_t documents = 0;
    for (int i = 0; i < def->count; i++) {
        int32_t topic = 0;
        GR_TRY(find_topic(m, &topic, def->is[i], def->name, err));
        if (m->owner[topic])
            continue;
        m->owner[topic] = (int16_t)k;
        documents += m->size[topic];
    }
    if (!documents)
        return gr_error_set(err, GR_ERR_USAGE, def->name, "a topic belongs to the first label that names it",
                            "the label has no documents: labels before it took all of its topics");
    return GR_OK;
}

static gr_status add_group(making *m, const gr_group_def *def, gr_error *err) {
    gr_labels *labels = m->labels;
    GR_TRY(check_name(labels, def->name, err));
    for (int i = 0; i < def->count; i++) {
        int32_t topic = 0;
        GR_TRY(find_topic(m, &topic, def->is[i], def->name, err));
        if (m->group[topic] < 0)
            m->group[topic] = (int16_t)labels->group_count;
    }
    labels->group_names[labels->group_count++] = gr_arena_strdup(labels->arena, def->name);
    return GR_OK;
}

/* Truth and group follow from the topic. */
static void assign(const making *m) {
    gr_labels *labels = m->labels;
    int retain = labels->group_count;
    labels->group_names[labels->group_count++] = gr_arena_strdup(labels->arena, "retain");
    for (size_t d = 0; d < labels->docs; d++) {
        int32_t topic = m->topics->of[d];
        int16_t k = m->owner[topic], g = m->group[topic];
        labels->truth[d] = labels->revealed[d] = k;
        labels->group[d] = (int16_t)(k ? k - 1 : g >= 0 ? g : retain);
        labels->group_docs[labels->group[d]]++;
    }
}

/* Reveals the first round(known * n) of a permutation of the label's n documents; scratch is uint32_t [2 * docs]. */
static void hide(gr_labels *labels, const gr_label_def *def, int16_t k, uint64_t seed, uint32_t *scratch) {
    uint32_t *docs = scratch, *order = scratch + labels->docs, n = 0;
    for (size_t d = 0; d < labels->docs; d++)
        if (labels->truth[d] == k)
            docs[n++] = (uint32_t)d;
    gr_random_permutation((gr_key){seed, GR_STREAM_LABEL, (uint32_t)k}, order, n);
    labels->known[k - 1] = (size_t)lround(def->known * n);
    for (size_t i = labels->known[k - 1]; i < n; i++)
        labels->revealed[docs[order[i]]] = def->hidden_as == GR_HIDDEN_CORE ? GR_LABEL_CORE : GR_LABEL_UNLABELLED;
}

static gr_status define(making *m, const gr_label_def *defs, int count, const gr_group_def *groups, int group_count,
                        uint64_t seed, gr_error *err) {
    for (int i = 0; i < count; i++)
        GR_TRY(add_label(m, &defs[i], err));
    for (int i = 0; i < group_count; i++)
        GR_TRY(add_group(m, &groups[i], err));
    assign(m);
    uint32_t *scratch = gr_alloc(2 * m->labels->docs * sizeof *scratch);
    for (int i = 0; i < count; i++)
        hide(m->labels, &defs[i], (int16_t)(i + 1), seed, scratch);
    gr_free(scratch);
    return GR_OK;
}

/* All arrays live in the arena. */
static gr_labels *allocate(size_t docs, int count, int groups) {
    gr_labels *labels = gr_alloc(sizeof *labels);
    gr_arena *arena = labels->arena = gr_arena_new();
    labels->docs = docs;
    labels->label_names = gr_arena_alloc(arena, (size_t)count * sizeof(char *));
    labels->known = gr_arena_alloc(arena, (size_t)count * sizeof(size_t));
    labels->group_names = gr_arena_alloc(arena, (size_t)groups * sizeof(char *));
    labels->group_docs = gr_arena_alloc(arena, (size_t)groups * sizeof(size_t));
    labels->truth = gr_arena_alloc(arena, docs * sizeof(int16_t));
    labels->revealed = gr_arena_alloc(arena, docs * sizeof(int16_t));
    labels->group = gr_arena_alloc(arena, docs * sizeof(int16_t));
    return labels;
}

gr_status gr_labels_new(gr_labels **out, const gr_topics *topics, const gr_label_def *defs, int count,
                        const gr_group_def *groups, int group_count, uint64_t seed, gr_error *err) {
    *out = NULL;
    if (count > 1000 || group_count > 1000)
        return gr_error_set(err, GR_ERR_USAGE, "labels", NULL, "%d labels and %d groups: at most 1000 of each", count,
                            group_count);
    making m = {.topics = topics, .labels = allocate(topics->docs, count, count + group_count + 1)};
    m.size = gr_alloc((size_t)topics->count * sizeof *m.size);
    m.owner = gr_alloc((size_t)topics->count * sizeof *m.owner);
    m.group = gr_alloc((size_t)topics->count * sizeof *m.group);
    for (size_t d = 0; d < topics->docs; d++)
        m.size[topics->of[d]]++;
    for (int32_t k = 0; k < topics->count; k++)
        m.group[k] = -1;
    gr_status status = define(&m, defs, count, groups, group_count, seed, err);
    gr_free(m.size);
    gr_free(m.owner);
    gr_free(m.group);
    if (status == GR_OK)
        *out = m.labels;
    else
        gr_labels_free(m.labels);
    return status;
}

void gr_labels_free(gr_labels *labels) {
    if (!labels)
        return;
    gr_arena_free(labels->arena);
    gr_free(labels);
}

size_t gr_labels_pick(const gr_labels *labels, uint32_t *out, const uint32_t *docs, size_t count, int group) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (labels->group[docs[i]] == group)
            out[n++] = docs[i];
    return n;
}
