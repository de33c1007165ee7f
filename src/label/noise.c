/* noise.c - what of a label is shown: documents that miss it, documents that hide it by their topic or by
 * chance, documents that have it by mistake. Every draw is keyed by (seed, label, what is drawn). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/names.h"
#include "base/rng.h"
#include "label/labelling.h"

/* Added to the label's number, so that draws of one label have keys of their own; labels are fewer. */
enum { DRAW_KNOWN = 0, DRAW_RECALL = 1 << 16, DRAW_FALSE = 2 << 16 };

/* The key of one draw of this label. */
static gr_key key_of(const gr__noise *noise, int what) {
    return (gr_key){noise->seed, GR_STREAM_LABEL, (uint32_t)(what + noise->k)};
}

/* The place of a document's value in tables of values; the last place is that of documents without the field. */
static uint32_t value_of(const gr_topics *by, uint32_t doc) {
    return by->of[doc] < 0 ? (uint32_t)by->count : (uint32_t)by->of[doc];
}

/* Draws whole values of the field until the documents are as near to wanted as values in keyed order allow. */
static void draw_values(bool *drawn, const uint32_t *docs, size_t n, size_t wanted, const gr_topics *by, gr_key key) {
    uint32_t values = (uint32_t)by->count + 1;
    uint32_t *order = gr_alloc(values * sizeof *order);
    size_t *size = gr_alloc(values * sizeof *size), sum = 0; /* documents of each value; of those taken */
    bool *taken = gr_alloc(values * sizeof *taken);
    gr_random_permutation(key, order, values);

    /* How many of the documents have each value. */
    for (size_t i = 0; i < n; i++)
        size[value_of(by, docs[i])]++;

    /* A value that goes beyond `wanted` is taken only if that comes nearer to it than stopping short. */
    for (uint32_t i = 0; i < values && sum < wanted; i++) {
        size_t more = size[order[i]];
        taken[order[i]] = more && (sum + more <= wanted || sum + more - wanted < wanted - sum);
        sum += taken[order[i]] ? more : 0;
    }

    for (size_t i = 0; i < n; i++)
        drawn[i] = taken[value_of(by, docs[i])];
    gr_free(order);
    gr_free(size);
    gr_free(taken);
}

/* Draws `wanted` of docs[n]: the first of a keyed permutation, so that a larger number is a superset. With a field,
 * documents of one value are drawn together, and the number is met as nearly as that allows. */
static void draw(bool *drawn, const uint32_t *docs, size_t n, size_t wanted, const gr_topics *by, gr_key key) {
    if (by) {
        draw_values(drawn, docs, n, wanted, by, key);
        return;
    }

    uint32_t *order = gr_alloc(n * sizeof *order);
    gr_random_permutation(key, order, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        drawn[i] = false;
    for (size_t i = 0; i < wanted; i++)
        drawn[order[i]] = true;
    gr_free(order);
}

/* Shows `from` as `to` in the whole document. */
static void show(const gr__noise *noise, uint32_t doc, int16_t from, int16_t to) {
    gr_labels *labels = noise->labels;
    if (labels->revealed[doc] == from) {
        labels->revealed[doc] = to;
        if (labels->score)
            labels->score[doc] = 1;
    }

    /* The document's tokens, where there are labels of tokens, its end token included. A token that changes its label
     * has the full score of the new one. */
    if (!labels->token_revealed)
        return;
    size_t at = noise->data->offsets[doc] + doc, end = noise->data->offsets[doc + 1] + doc + 1;
    for (; at < end; at++)
        if (labels->token_revealed[at] == from) {
            labels->token_revealed[at] = to;
            if (labels->token_score)
                labels->token_score[at] = 1;
        }
}

/* Whether the document shows the label anywhere. */
static bool carries(const gr__noise *noise, size_t doc) {
    const gr_labels *labels = noise->labels;
    if (labels->revealed[doc] == noise->k || !labels->token_revealed)
        return labels->revealed[doc] == noise->k;
    size_t at = noise->data->offsets[doc] + doc, end = noise->data->offsets[doc + 1] + doc + 1;
    for (; at < end; at++)
        if (labels->token_revealed[at] == noise->k)
            return true;
    return false;
}

/* Keeps a share of docs[n] and shows the others as `to`; returns how many are kept, which then stand first in docs. */
static size_t keep(const gr__noise *noise, uint32_t *docs, size_t n, double share, int16_t to, int what) {
    bool *drawn = gr_alloc(n * sizeof *drawn);
    size_t kept = 0;
    draw(drawn, docs, n, (size_t)lround(share * (double)n), noise->by, key_of(noise, what));

    /* Those kept move to the front of docs, in their order. */
    for (size_t i = 0; i < n; i++)
        if (drawn[i])
            docs[kept++] = docs[i];
        else
            show(noise, docs[i], noise->k, to);
    gr_free(drawn);
    return kept;
}

/* ---- False positives ---- */

/* The error where the core has fewer documents or tokens than the mistakes asked for. */
static gr_status too_few(const gr__noise *noise, size_t wanted, size_t there, const char *what, gr_error *err) {
    char hint[128];
    snprintf(hint, sizeof hint, "raise precision%s", noise->from ? ", or name more topics in false_from" : "");
    return gr_error_set(err, GR_ERR_USAGE, noise->def->name, hint,
                        "a precision of %g takes %zu %s of the core, there are %zu", noise->def->noise->precision,
                        wanted, what, there);
}

/* Whether a document may show the label by mistake: it is of the core, shown as core, and of a topic that mistakes are
 * drawn from. */
static bool may_be_false(const gr__noise *noise, size_t doc) {
    return noise->labels->truth[doc] == GR_LABEL_CORE && noise->labels->revealed[doc] == GR_LABEL_CORE &&
           (!noise->from || noise->from[doc]);
}

/* Shows `wanted` documents of the core as the label. */
static gr_status false_documents(const gr__noise *noise, size_t wanted, gr_error *err) {
    size_t docs = noise->labels->docs, n = 0;
    uint32_t *list = gr_alloc(docs * sizeof *list);
    bool *drawn = gr_alloc(docs * sizeof *drawn);

    /* The candidates. */
    for (size_t d = 0; d < docs; d++)
        if (may_be_false(noise, d))
            list[n++] = (uint32_t)d;

    /* As many of them as are wanted, or an error that says how many there are. */
    gr_status status = GR_OK;
    if (n < wanted)
        status = too_few(noise, wanted, n, "documents", err);
    else
        draw(drawn, list, n, wanted, noise->by, key_of(noise, DRAW_FALSE));
    for (size_t i = 0; i < n && status == GR_OK; i++)
        if (drawn[i])
            show(noise, list[i], GR_LABEL_CORE, noise->k);
    gr_free(list);
    gr_free(drawn);
    return status;
}

/* Whether token i of the dataset, of document d, is of the core and may be shown as something else. */
static bool token_may_be_false(const gr__noise *noise, size_t at, size_t doc) {
    const gr_labels *labels = noise->labels;
    return labels->token_truth[at] == GR_LABEL_CORE && labels->token_revealed[at] == GR_LABEL_CORE &&
           (!noise->from || noise->from[doc]);
}

/* Tokens that may show the label by mistake. */
static size_t count_false_tokens(const gr__noise *noise) {
    const gr_dataset *data = noise->data;
    size_t count = 0;
    for (size_t d = 0; d < noise->labels->docs; d++)
        for (size_t i = data->offsets[d]; i < data->offsets[d + 1]; i++)
            count += token_may_be_false(noise, i + d, d);
    return count;
}

/* Shows exactly `wanted` tokens of the core as the label. Each token that is left is taken with the chance wanted /
 * left (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S): every choice of so many tokens is as likely as
 * any other, in one pass and without a list. */
static gr_status false_tokens(const gr__noise *noise, size_t wanted, gr_error *err) {
    const gr_dataset *data = noise->data;
    size_t left = count_false_tokens(noise);
    if (left < wanted)
        return too_few(noise, wanted, left, "tokens", err);

    for (size_t d = 0; d < noise->labels->docs; d++)
        for (size_t i = data->offsets[d]; i < data->offsets[d + 1]; i++) {
            if (!token_may_be_false(noise, i + d, d))
                continue;
            if (gr_random_uniform(key_of(noise, DRAW_FALSE), i, 0) * (double)left-- < (double)wanted) {
                noise->labels->token_revealed[i + d] = noise->k;
                wanted--;
            }
        }
    return GR_OK;
}

/* Adds false positives until the precision is as given: precision = true / (true + false), so false = true * (1 -
 * precision) / precision. true: what is shown as the label so far, in documents or in tokens. */
static gr_status add_false(const gr__noise *noise, size_t documents, gr_error *err) {
    const gr_label_noise *def = noise->def->noise;
    size_t shown = documents;
    if (noise->tokens) {
        shown = 0;
        for (size_t i = 0; i < noise->data->offsets[noise->labels->docs] + noise->labels->docs; i++)
            shown += noise->labels->token_revealed[i] == noise->k;
    }
    size_t wanted = (size_t)lround((double)shown * (1 - def->precision) / def->precision);
    return noise->tokens ? false_tokens(noise, wanted, err) : false_documents(noise, wanted, err);
}

/* ---- What is hidden by topic ---- */

const char *gr__label_hidden_by(const gr_label_def *def) {
    const gr_label_arg *field = gr__label_arg_find(def, "field");
    if (!def->hidden_count)
        return NULL;
    return def->hidden_by ? def->hidden_by : field ? field->text : NULL;
}

bool gr__label_hides_topics(const gr_label_def *def) { return def->hidden_count > 0 && !gr__label_hidden_by(def); }

bool gr__label_hides(const gr_label_def *def, const char *topic) {
    return gr__label_hides_topics(def) && gr__has_text(def->hidden, def->hidden_count, topic);
}

/* Marks the values that are hidden, hide[values + 1]; each must be one of docs[n], which have the label. */
static gr_status find_hidden(bool *hide, const gr__noise *noise, const uint32_t *docs, size_t n, gr_error *err) {
    const gr_label_def *def = noise->def;
    const char *by = gr__label_hidden_by(def);
    gr_status status = GR_OK;

    /* Documents of the label by their values. */
    size_t *size = gr_alloc(((size_t)noise->hidden->count + 1) * sizeof *size);
    for (size_t i = 0; i < n; i++)
        size[value_of(noise->hidden, docs[i])]++;

    for (int i = 0; i < def->hidden_count && status == GR_OK; i++) {
        gr_error missing = {0};
        int32_t value = 0;
        if (gr__label_value(&value, noise->hidden, size, def->hidden[i], by, def->name, &missing) == GR_OK)
            hide[value] = true;
        else
            status = gr_error_set(err, GR_ERR_USAGE, def->name, missing.hint,
                                  "no document of the label has the %s%.60s \"%.60s\", which is to be hidden",
                                  by ? "value of " : "topic", by ? by : "", def->hidden[i]);
    }
    gr_free(size);
    return status;
}

/* Shows the documents of hidden values as `to`; *n become those that stay, which then stand first in docs. */
static gr_status hide_values(const gr__noise *noise, const bool *hide, uint32_t *docs, size_t *n, int16_t to,
                             gr_error *err) {
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (hide[value_of(noise->hidden, docs[i])])
            show(noise, docs[i], noise->k, to);
        else
            docs[kept++] = docs[i];

    if (*n && !kept)
        return gr_error_set(err, GR_ERR_USAGE, noise->def->name,
                            "leave one out of hidden; a label that is only measured has known: 0",
                            "all topics of the label are hidden: none of its %zu documents is left to be shown", *n);
    *n = kept;
    return GR_OK;
}

/* ---- All of it ---- */

/* What is shown of docs[n], which have the label; *shown: how many of them still show it. */
static gr_status hide_some(const gr__noise *noise, const bool *hide, uint32_t *docs, size_t n, size_t *shown,
                           gr_error *err) {
    const gr_label_def *def = noise->def;
    int16_t to = def->hidden_as == GR_HIDDEN_CORE ? GR_LABEL_CORE : GR_LABEL_UNLABELLED;

    /* Recall: some of them do not carry the label at all, which looks like core. */
    if (def->noise && def->noise->recall < 1)
        n = keep(noise, docs, n, def->noise->recall, GR_LABEL_CORE, DRAW_RECALL);

    /* Hidden: all documents of some topics. Known: of the others that carry it only a share is revealed. */
    if (def->hidden_count)
        GR_TRY(hide_values(noise, hide, docs, &n, to, err));
    *shown = keep(noise, docs, n, def->known, to, DRAW_KNOWN);
    return GR_OK;
}

gr_status gr__noise_apply(const gr__noise *noise, gr_error *err) {
    const gr_label_def *def = noise->def;
    uint32_t *docs = gr_alloc(noise->labels->docs * sizeof *docs);
    bool *hide = gr_alloc(((size_t)noise->hidden->count + 1) * sizeof *hide);
    size_t n = 0;

    /* The documents that have the label. */
    for (size_t d = 0; d < noise->labels->docs; d++)
        if (carries(noise, d))
            docs[n++] = (uint32_t)d;

    /* What is not shown; then precision: mistakes are counted against what is revealed. */
    gr_status status = find_hidden(hide, noise, docs, n, err);
    if (status == GR_OK)
        status = hide_some(noise, hide, docs, n, &noise->labels->known[noise->k - 1], err);
    if (status == GR_OK && def->noise && def->noise->precision < 1)
        status = add_false(noise, noise->labels->known[noise->k - 1], err);
    gr_free(docs);
    gr_free(hide);
    return status;
}
