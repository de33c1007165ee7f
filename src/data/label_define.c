/* label_define.c - what a label is made of, checked before any document is read. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "data/label_making.h"
#include "data/names.h"

static gr_status no_such_value(const gr_topics *values, const size_t *size, const char *value, const char *field,
                               const char *owner, gr_error *err) {
    const char *nearest = gr__nearest(value, values->names, (size_t)values->count, size);
    char hint[256];
    snprintf(hint, sizeof hint, "did you mean \"%.100s\"?", nearest ? nearest : "");
    return gr_error_set(err, GR_ERR_USAGE, owner, nearest ? hint : NULL, "no document has the %s%.60s \"%s\"",
                        field ? "value of " : "topic", field ? field : "", value);
}

static gr_status find_value(int32_t *found, const gr_topics *values, const size_t *size, const char *value,
                            const char *field, const char *owner, gr_error *err) {
    for (int32_t k = 0; k < values->count; k++)
        if (size[k] && !strcmp(values->names[k], value)) {
            *found = k;
            return GR_OK;
        }
    return no_such_value(values, size, value, field, owner, err);
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

gr_status gr__label_field(const gr__making *m, const gr_topics **values, const char *field, const char *owner,
                          gr_error *err) {
    char *names[64], hint[256];
    size_t count = 0;
    for (int f = 0; m->data && f < m->data->field_count; f++) {
        if (!strcmp(m->data->fields[f].name, field)) {
            *values = &m->data->fields[f].values;
            return GR_OK;
        }
        if (count < 64)
            names[count++] = (char *)m->data->fields[f].name;
    }
    const char *near = gr__nearest(field, names, count, NULL);
    snprintf(hint, sizeof hint, near ? "did you mean \"%.100s\"?" : "keep it when the corpus is read", near);
    return gr_error_set(err, GR_ERR_USAGE, owner, hint, "the data keep no field \"%.100s\"", field);
}

size_t *gr__label_sizes(const gr_topics *values) {
    size_t *size = gr_alloc(((size_t)values->count + 1) * sizeof *size);
    for (size_t d = 0; d < values->docs; d++)
        if (values->of[d] >= 0)
            size[values->of[d]]++;
    return size;
}

static gr_status add_values(const gr__making *m, gr__label_from *s, gr_error *err) {
    const gr_label_def *def = s->def;
    s->values = m->topics;
    if (def->field)
        GR_TRY(gr__label_field(m, &s->values, def->field, def->name, err));
    s->owned = gr_alloc(((size_t)s->values->count + 1) * sizeof *s->owned);
    size_t *size = def->field ? gr__label_sizes(s->values) : m->size;
    gr_status status = GR_OK;
    for (int i = 0; i < def->count && status == GR_OK; i++) {
        int32_t value = 0;
        status = find_value(&value, s->values, size, def->is[i], def->field, def->name, err);
        s->owned[value] |= status == GR_OK;
    }
    if (def->field)
        gr_free(size);
    return status;
}

static gr_status need_text(const gr__making *m, const gr_label_def *def, gr_error *err) {
    if (m->data && m->tokenizer && gr_tokenizer_size(m->tokenizer) != m->data->vocab)
        return gr_error_set(err, GR_ERR_USAGE, "labels", "use the tokenizer that made the dataset",
                            "a tokenizer of %d tokens for a dataset of %d", gr_tokenizer_size(m->tokenizer),
                            m->data->vocab);
    if (m->data && m->tokenizer)
        return GR_OK;
    return gr_error_set(err, GR_ERR_USAGE, def->name, "label samples by their classes, in `is`",
                        "the label goes by text or scores, and topics are all that is given");
}

/* "a" + "b": what a text that is no single token is cut into. */
static void spell(char *hint, size_t size, const gr_tokenizer *tokenizer, const char *text) {
    int32_t *ids = NULL;
    size_t count = 0, capacity = 0, length, used;
    used = (size_t)snprintf(hint, size, "%s", "with words and per: token whole words are found; its tokens are");
    if (gr_tokenizer_encode(tokenizer, &ids, &count, &capacity, text, strlen(text), NULL) == GR_OK)
        for (size_t i = 0; i < count && used < size; i++) {
            const char *bytes = gr_tokenizer_token(tokenizer, ids[i], &length);
            used += (size_t)snprintf(hint + used, size - used, " \"%.*s\"", (int)length, bytes);
        }
    gr_free(ids);
}

static gr_status add_tokens(gr__making *m, gr__label_from *s, gr_error *err) {
    GR_TRY(need_text(m, s->def, err));
    if (s->def->per != GR_PER_TOKEN)
        return gr_error_set(err, GR_ERR_USAGE, s->def->name, "per: token",
                            "the label goes by tokens, and is not per token");
    s->token = gr_alloc((size_t)m->data->vocab * sizeof *s->token);
    for (int i = 0; i < s->def->token_count; i++) {
        const char *text = s->def->tokens[i];
        bool found = false;
        for (int32_t v = 0; v < m->data->vocab && !found; v++) {
            size_t length = 0;
            const char *bytes = gr_tokenizer_token(m->tokenizer, v, &length);
            found = bytes && v != m->data->eot && length == strlen(text) && memcmp(bytes, text, length) == 0;
            s->token[v] |= found;
        }
        char hint[400];
        if (!found)
            spell(hint, sizeof hint, m->tokenizer, text);
        if (!found)
            return gr_error_set(err, GR_ERR_USAGE, s->def->name, hint, "the tokenizer has no token \"%.100s\"", text);
    }
    return GR_OK;
}

static gr_status add_scores(gr__making *m, gr__label_from *s, gr_error *err) {
    const gr_label_scores *def = s->def->scores;
    if (!m->data || s->def->per != GR_PER_DOCUMENT)
        GR_TRY(need_text(m, s->def, err));
    if (!(def->threshold >= 0 && def->threshold <= 1))
        return gr_error_set(err, GR_ERR_USAGE, s->def->name, NULL, "the threshold %g is not in [0, 1]", def->threshold);
    GR_TRY(gr__scores_read(&s->scores, def, m->data, err));
    m->soft |= def->soft;
    if (s->def->per != GR_PER_DOCUMENT)
        return GR_OK;
    for (size_t d = 0; d < m->topics->docs; d++)
        if (s->scores.score[m->data->record[d]] == GR__SCORE_NONE)
            return gr_error_set(err, GR_ERR_USAGE, s->def->name, "per: token, or a score in each record",
                                "a label of whole documents, and %s:%zu has spans alone", def->file,
                                s->scores.line[m->data->record[d]]);
    return GR_OK;
}

/* Parts of a combined label are labels before or behind it that are not combined. */
static gr_status add_parts(gr__making *m, gr__label_from *s, const gr_label_def *defs, int count, gr_error *err) {
    for (int i = 0; i < s->def->all_count; i++) {
        int k = 0;
        while (k < count && (strcmp(defs[k].name, s->def->all_of[i]) != 0 || defs[k].all_count))
            k++;
        if (k == count)
            return gr_error_set(err, GR_ERR_USAGE, s->def->name,
                                "all_of names labels that have topics, words or scores",
                                "there is no label \"%s\" to combine", s->def->all_of[i]);
        s->parts |= (uint64_t)1 << k;
    }
    m->combined |= (uint64_t)1 << (s - m->sources);
    return GR_OK;
}

static gr_status check_noise(const gr__making *m, const gr_label_def *def, gr_error *err) {
    const gr_label_noise *noise = def->noise;
    const gr_topics *values;
    if (!noise)
        return GR_OK;
    if (!(noise->recall >= 0 && noise->recall <= 1))
        return gr_error_set(err, GR_ERR_USAGE, def->name, NULL, "recall is %g, not a share between 0 and 1",
                            noise->recall);
    if (!(noise->precision > 0 && noise->precision <= 1))
        return gr_error_set(err, GR_ERR_USAGE, def->name, NULL, "precision is %g, not above 0 and at most 1",
                            noise->precision);
    if (noise->by && def->per != GR_PER_DOCUMENT && noise->precision < 1)
        return gr_error_set(err, GR_ERR_USAGE, def->name, "leave out one of them",
                            "false tokens are drawn one by one, not by \"%s\"", noise->by);
    return noise->by ? gr__label_field(m, &values, noise->by, def->name, err) : GR_OK;
}

gr_status gr__label_define(gr__making *m, const gr_label_def *defs, int count, int index, gr_error *err) {
    gr_labels *labels = m->labels;
    gr__label_from *s = &m->sources[index];
    const gr_label_def *def = s->def = &defs[index];
    GR_TRY(check_name(labels, def->name, err));
    if (!(def->known >= 0 && def->known <= 1))
        return gr_error_set(err, GR_ERR_USAGE, def->name, "1 reveals every label, 0 none",
                            "known is %g, not a share between 0 and 1", def->known);
    int sources =
        (def->count > 0) + (def->words != NULL) + (def->scores != NULL) + (def->all_count > 0) + (def->token_count > 0);
    if (sources != 1)
        return gr_error_set(err, GR_ERR_USAGE, def->name, "name at least one topic in `is`, or words, scores or tokens",
                            sources ? "the label has several sources" : "the label has no topics");
    GR_TRY(check_noise(m, def, err));
    labels->label_count++;
    labels->group_names[labels->group_count++] = labels->label_names[index] = gr_arena_strdup(labels->arena, def->name);
    m->tokens |= def->per != GR_PER_DOCUMENT && (def->words || def->scores || def->token_count);
    m->texts |= def->words || (def->scores && def->per != GR_PER_DOCUMENT);
    if (def->words)
        GR_TRY(need_text(m, def, err));
    return def->words         ? gr__words_new(&s->words, def->words, def->name, err)
           : def->scores      ? add_scores(m, s, err)
           : def->token_count ? add_tokens(m, s, err)
           : def->count       ? add_values(m, s, err)
                              : add_parts(m, s, defs, count, err);
}

gr_status gr__label_topic(const gr__making *m, int32_t *topic, const char *name, const char *owner, gr_error *err) {
    return find_value(topic, m->topics, m->size, name, NULL, owner, err);
}

gr_status gr__group_define(gr__making *m, const gr_group_def *def, gr_error *err) {
    gr_labels *labels = m->labels;
    GR_TRY(check_name(labels, def->name, err));
    for (int i = 0; i < def->count; i++) {
        int32_t topic = 0;
        GR_TRY(gr__label_topic(m, &topic, def->is[i], def->name, err));
        if (m->group[topic] < 0)
            m->group[topic] = (int16_t)labels->group_count;
    }
    labels->group_names[labels->group_count++] = gr_arena_strdup(labels->arena, def->name);
    return GR_OK;
}
