/* label.c - from topics, fields, words and scores to labels: what is true of each document and token, what a run is
 * told, and what is reported apart.
 *
 * The order of work: definitions are checked and their sources opened (define.c); each document gets its labels
 * from the scores of all sources (document.c); noise hides labels and adds mistakes (noise.c); labels of
 * long documents become those of their pieces (pieces.c); groups are counted for reports. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/stop.h"
#include "corpus/dataset.h"
#include "label/labelling.h"
#include "label/spread.h"

enum { LABELS_MOST = 60, GROUPS_MOST = 1000 }; /* sets of labels are bits */

/* The error of a label without documents. Either others took all that it fits, or its source found none, or no document
 * has all parts of a combined label; each has its own remedy. */
static gr_status nothing_fits(const gr__label_draft *s, gr_error *err) {
    const char *taken = s->source ? s->source->hint_if_taken : NULL;
    if (s->fits)
        return gr_error_set(err, GR_ERR_USAGE, s->def->name,
                            taken ? taken : "of labels that fit, the first one is taken: change their order",
                            "the label has no documents: labels before it took them all");
    if (s->source)
        return s->source->error_if_empty(s, err);
    return gr_error_set(err, GR_ERR_USAGE, s->def->name, "leave the label out", "no document has all labels of all_of");
}

/* Every label needs a document that is shown as it. */
static gr_status check_fits(const gr__labelling *m, gr_error *err) {
    const gr_labels *l = m->labels;
    uint64_t used = 0;
    size_t n = gr__label_place(m, l->docs);
    const int16_t *shown = m->tokens ? l->token_revealed : l->revealed;
    const int16_t *truth = m->tokens ? l->token_truth : l->truth;

    /* Labels that occur, as bits, over the tables that the labels were written to. */
    for (size_t i = 0; i < n; i++)
        used |= truth[i] > 0 && shown[i] > 0 ? (uint64_t)1 << (truth[i] - 1) : 0;

    /* The first one that is missing is reported. */
    for (int k = 0; k < l->label_count; k++)
        if (!(used >> k & 1))
            return nothing_fits(&m->sources[k], err);
    return GR_OK;
}

/* The most frequent first; among equals by text, so that the order is the same everywhere. */
static int by_count(const void *a, const void *b) {
    const gr_label_match *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : strcmp(x->text, y->text);
}

/* Lists how often each word or match was found, for sources that can say. */
static void keep_matches(const gr__labelling *m) {
    gr_labels *l = m->labels;
    for (int k = 0; k < l->label_count; k++) {
        const gr__label_draft *s = &m->sources[k];
        if (!s->source || !s->source->matches)
            continue;
        l->matches[k] = s->source->matches(s, l->arena, &l->match_count[k]);
        qsort(l->matches[k], l->match_count[k], sizeof(gr_label_match), by_count);
    }
}

/* The documents of the topics that false positives are drawn from: a new table [docs], NULL for all of them. */
static gr_status find_false_from(bool **from, const gr__labelling *m, const gr_label_def *def, gr_error *err) {
    const gr_label_noise *noise = def->noise;
    *from = NULL;
    if (!noise || !noise->false_count)
        return GR_OK;

    /* By topic first: each name is looked up once. */
    gr_status status = GR_OK;
    bool *topic = gr_alloc((size_t)m->topics->count * sizeof *topic);
    for (int i = 0; i < noise->false_count && status == GR_OK; i++) {
        int32_t found = 0;
        status = gr__label_value(&found, m->topics, m->size, noise->false_from[i], NULL, def->name, err);
        if (status == GR_OK) /* else it is the number behind the last topic */
            topic[found] = true;
    }

    /* Then by document. */
    if (status == GR_OK) {
        *from = gr_alloc(m->topics->docs * sizeof **from);
        for (size_t d = 0; d < m->topics->docs; d++)
            (*from)[d] = topic[m->topics->of[d]];
    }
    gr_free(topic);
    return status;
}

/* What is shown of label k + 1: mistakes on purpose, and the share that is known. */
static gr_status make_noise(gr__labelling *m, int k, uint64_t seed, gr_error *err) {
    const gr__label_draft *s = &m->sources[k];
    const gr_label_def *def = s->def;
    bool of_tokens = m->tokens && (s->per == GR_PER_SENTENCE || s->per == GR_PER_TOKEN), *from;
    gr__noise n = {
        .labels = m->labels, .data = m->data, .def = def, .k = (int16_t)(k + 1), .tokens = of_tokens, .seed = seed};

    /* The field by whose values documents are drawn together, that by whose values they are hidden, and the documents
     * that may be false positives. */
    if (def->noise && def->noise->by)
        GR_TRY(gr__label_field(m, &n.by, def->noise->by, def->name, err));
    n.hidden = m->topics;
    if (gr__label_hidden_by(def))
        GR_TRY(gr__label_field(m, &n.hidden, gr__label_hidden_by(def), def->name, err));
    GR_TRY(find_false_from(&from, m, def, err));

    n.from = from;
    gr_status status = gr__noise_apply(&n, err);
    gr_free(from);
    return status;
}

/* What follows from the labels of tokens once they are settled: the label that sums each document up, and whether its
 * tokens differ (uneven). */
static void finish_tokens(const gr__labelling *m) {
    gr_labels *l = m->labels;
    for (size_t d = 0; d < l->docs; d++) {
        const int16_t *shown = l->token_revealed + m->data->offsets[d] + d;
        size_t n = m->data->offsets[d + 1] - m->data->offsets[d] + 1;
        l->revealed[d] = gr__label_sum(m, shown, n);
        for (size_t i = 1; i < n; i++)
            l->uneven[d] |= shown[i] != shown[0];
    }
}

/* The group of each document, for reports: its label, else the named group of its topic, else "retain"; and how many
 * documents each group has. Pieces are ascending by document, so a document counts once if its number differs from the
 * one that the group met last. */
static void make_groups(const gr__labelling *m) {
    gr_labels *l = m->labels;
    int retain = l->group_count;
    l->group_names[l->group_count++] = gr_arena_strdup(l->arena, "retain");

    /* Document number + 1, so that 0 means none yet. */
    uint32_t *last = gr_alloc((size_t)l->group_count * sizeof *last); /* number + 1 of the document met last */

    /* Where pieces are split in place of documents (`apart`), each piece counts by itself. */
    for (size_t d = 0; d < l->docs; d++) {
        int16_t k = l->truth[d], g = m->group[m->topics->of[d]];
        if (k > 0)
            l->group[d] = (int16_t)(k - 1);
        else
            l->group[d] = g >= 0 ? g : (int16_t)retain;
        bool whole = !m->pieces || m->pieces->apart;
        uint32_t document = (whole ? (uint32_t)d : m->pieces->document[d]) + 1;
        l->group_docs[l->group[d]] += last[l->group[d]] != document;
        last[l->group[d]] = document;
    }
    gr_free(last);
}

/* Tables of tokens and scores, where some label needs them. */
static gr_status reserve_tables(gr__labelling *m, gr_error *err) {
    gr_labels *l = m->labels;
    size_t n = gr__label_place(m, l->docs);

    /* One block: scores [n], then truth [n] and what is shown [n] by token; 1 byte more, lest it be empty. */
    size_t scores = m->soft ? n * sizeof(gr_real) : 0, tokens = m->tokens ? 2 * n * sizeof(int16_t) : 0;
    if (!(l->tables = gr_alloc_try(scores + tokens + 1)))
        return gr_error_set(err, GR_ERR_MEMORY, "labels", "use a smaller corpus", "no memory for %zu labels", n);

    /* Hand it out: scores belong to tokens where there are labels of tokens, else to documents. */
    if (m->soft && m->tokens)
        l->token_score = l->tables;
    else if (m->soft)
        l->score = l->tables;
    if (m->tokens) {
        l->token_truth = (int16_t *)((char *)l->tables + scores);
        l->token_revealed = l->token_truth + n;
        l->uneven = gr_arena_alloc(l->arena, l->docs);
    }
    return GR_OK;
}

/* Definitions, then the labels of every document as they are before any noise. */
static gr_status define(gr__labelling *m, const gr_label_def *defs, int count, const gr_group_def *groups,
                        int group_count, gr_error *err) {
    for (int i = 0; i < count; i++)
        GR_TRY(gr__label_define(m, defs, count, i, err));
    for (int i = 0; i < group_count; i++)
        GR_TRY(gr__group_define(m, &groups[i], err));
    GR_TRY(reserve_tables(m, err));
    for (size_t d = 0; d < m->topics->docs; d++) {
        GR_TRY(gr__go_on(m->stop, "labelling documents", err));
        GR_TRY(gr__label_document(m, d, err));
    }
    GR_TRY(check_fits(m, err));
    keep_matches(m);
    return GR_OK;
}

/* Mistakes and what is hidden: documents are drawn, or, of labels per piece, pieces. */
static gr_status blur(gr__labelling *m, int count, uint64_t seed, gr_error *err) {
    for (int k = 0; k < count; k++)
        if (!gr__label_is_of_pieces(m, k + 1))
            GR_TRY(make_noise(m, k, seed, err));
    if (m->tokens)
        finish_tokens(m);
    if (!m->pieces)
        return GR_OK;

    /* From here on pieces are the documents, and labels per piece are drawn piece by piece. */
    GR_TRY(gr__labels_cut(m, err));
    m->topics = &m->pieces->topics;
    m->data = m->pieces;
    for (int k = 0; k < count; k++)
        if (gr__label_is_of_pieces(m, k + 1))
            GR_TRY(make_noise(m, k, seed, err));
    if (m->tokens) {
        finish_tokens(m);
        gr__labels_sum_pieces(m);
    }
    return GR_OK;
}

/* All arrays live in the arena, but for tables of tokens and scores. */
static gr_labels *allocate(size_t docs, int count, int groups) {
    gr_labels *labels = gr_alloc(sizeof *labels);
    gr_arena *arena = labels->arena = gr_arena_new();

    /* By label, by group, and by document. */
    labels->docs = docs;
    labels->label_names = gr_arena_alloc(arena, (size_t)count * sizeof(char *));
    labels->known = gr_arena_alloc(arena, (size_t)count * sizeof(size_t));
    labels->matches = gr_arena_alloc(arena, (size_t)count * sizeof(gr_label_match *));
    labels->match_count = gr_arena_alloc(arena, (size_t)count * sizeof(size_t));
    labels->group_names = gr_arena_alloc(arena, (size_t)groups * sizeof(char *));
    labels->group_docs = gr_arena_alloc(arena, (size_t)groups * sizeof(size_t));
    labels->truth = gr_arena_alloc(arena, docs * sizeof(int16_t));
    labels->revealed = gr_arena_alloc(arena, docs * sizeof(int16_t));
    labels->group = gr_arena_alloc(arena, docs * sizeof(int16_t));
    return labels;
}

/* Frees what only the making needed. */
static void clear(gr__labelling *m, int count) {
    for (int k = 0; k < count; k++) {
        gr__label_draft *s = &m->sources[k];
        if (s->source)
            s->source->close(s->state);
        gr_free(s->score);
    }
    void *owned[] = {m->sources, m->size, m->group, m->fit, m->true_fit, m->unknown, m->spans.at};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        gr_free(owned[i]);
    gr__doc_text_clear(&m->text);
}

/* Documents that a classifier finds have the label too, where labels ask for that. */
static gr_status spread(gr__labelling *m, const gr_label_def *defs, int count, uint64_t seed, gr_error *err) {
    gr_labels *labels = m->labels;
    gr_spread_def *own = gr_alloc(((size_t)count + 1) * sizeof *own);
    const gr_spread_def **each = gr_alloc(((size_t)count + 1) * sizeof *each);
    bool any = false;
    for (int k = 0; k < count; k++) {
        if (!defs[k].spread)
            continue;
        own[k] = *defs[k].spread;
        own[k].seed = seed;
        own[k].stop = m->stop;
        each[k] = &own[k];
        any = true;
        if (own[k].from && own[k].from < labels->known[k])
            labels->known[k] = own[k].from;
    }

    gr_status status = any ? gr__labels_extend(labels, NULL, m->data, m->tokenizer, each, err) : GR_OK;
    gr_free(own);
    gr_free(each);
    return status;
}

/* Everything that may fail; the caller frees. */
static gr_status make_all(gr__labelling *m, const gr_label_def *defs, int count, const gr_group_def *groups,
                          int group_count, uint64_t seed, gr_error *err) {
    /* Tables by topic: how many documents it has, and which named group it is in. */
    m->size = gr__label_sizes(m->topics);
    m->group = gr_alloc((size_t)m->topics->count * sizeof *m->group);
    for (int32_t k = 0; k < m->topics->count; k++)
        m->group[k] = -1;

    /* First what is true, then what is shown of it, then what is reported apart. */
    GR_TRY(define(m, defs, count, groups, group_count, err));
    GR_TRY(blur(m, count, seed, err));
    GR_TRY(spread(m, defs, count, seed, err));
    make_groups(m);
    return GR_OK;
}

/* Labels of documents or pieces, from start to end. */
static gr_status make(gr_labels **out, gr__labelling *m, const gr_label_def *defs, int count,
                      const gr_group_def *groups, int group_count, uint64_t seed, gr_error *err) {
    *out = NULL;
    if (count > LABELS_MOST || group_count > GROUPS_MOST)
        return gr_error_set(err, GR_ERR_USAGE, "labels", NULL, "%d labels and %d groups: at most %d and %d", count,
                            group_count, LABELS_MOST, GROUPS_MOST);

    /* Labels, named groups and "retain" are all groups. */
    m->labels = allocate(m->topics->docs, count, count + group_count + 1);
    m->sources = gr_alloc((size_t)(count + 1) * sizeof *m->sources);
    gr_status status = make_all(m, defs, count, groups, group_count, seed, err);

    /* The making is over either way; the labels stay when it went well. */
    clear(m, count);
    if (status == GR_OK)
        *out = m->labels;
    else
        gr_labels_free(m->labels);
    return status;
}

gr_status gr_labels_new(gr_labels **out, const gr_topics *topics, const gr_label_def *defs, int count,
                        const gr_group_def *groups, int group_count, uint64_t seed, gr_error *err) {
    gr__labelling m = {.topics = topics};
    return make(out, &m, defs, count, groups, group_count, seed, err);
}

gr_status gr_labels_make(gr_labels **out, const gr_dataset *data, const gr_tokenizer *tokenizer,
                         const gr_label_def *defs, int count, const gr_group_def *groups, int group_count,
                         uint64_t seed, const volatile sig_atomic_t *stop, gr_error *err) {
    const gr_dataset *whole = data->whole ? data->whole : data;

    /* Labels are made on whole documents: places in scores, and words across the borders of pieces, are theirs. */
    gr__labelling m = {.topics = &whole->topics, .data = whole, .tokenizer = tokenizer, .stop = stop};
    m.pieces = data->whole ? data : NULL;
    return make(out, &m, defs, count, groups, group_count, seed, err);
}

void gr_labels_free(gr_labels *labels) {
    if (!labels)
        return;
    gr_free(labels->tables);
    gr_arena_free(labels->arena);
    gr_free(labels);
}

/* Of docs[count] those that are in a group, into out; returns how many. */
size_t gr_labels_pick(const gr_labels *labels, uint32_t *out, const uint32_t *docs, size_t count, int group) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (labels->group[docs[i]] == group)
            out[n++] = docs[i];
    return n;
}
