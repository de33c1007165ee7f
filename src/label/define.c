/* define.c - what a label is made of, checked before any document is read. */
#include <stdio.h>
#include <string.h>

#include "base/foreign.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/nearest.h"
#include "label/labelling.h"

/* The values that there are, as many as a line holds. */
static void list_values(char *text, size_t room, const gr_topics *values, const size_t *size) {
    enum { LINE = 200 };
    size_t used = 0, all = 0, shown = 0;

    /* The first values that fit into a line; once one does not fit, the later ones are only counted. */
    for (int32_t v = 0; v < values->count; v++) {
        if (!size[v])
            continue;
        all++;
        if (used + strlen(values->names[v]) + 2 > LINE || shown + 1 < all)
            continue;
        used += (size_t)snprintf(text + used, room - used, "%s%s", shown ? ", " : "", values->names[v]);
        shown++;
    }
    if (shown < all)
        snprintf(text + used, room - used, ", and %zu more that `gradroute data show RECIPE` lists", all - shown);
}

/* The error of a topic or value that no document has: with the nearest one that there is, and a list of them. */
static gr_status no_such_value(const gr_topics *values, const size_t *size, const char *value, const char *field,
                               const char *owner, gr_error *err) {
    const char *nearest = gr_nearest(value, (const char *const *)values->names, (size_t)values->count, size);
    char guess[128] = "", known[300] = "none", hint[384];
    if (nearest)
        snprintf(guess, sizeof guess, "did you mean \"%.80s\"? ", nearest);
    list_values(known, sizeof known, values, size);
    snprintf(hint, sizeof hint, "%sthere are: %s", guess, known);
    return gr_error_set(err, GR_ERR_USAGE, owner, hint, "no document has the %s%.60s \"%s\"",
                        field ? "value of " : "topic", field ? field : "", value);
}

gr_status gr__label_value(int32_t *found, const gr_topics *values, const size_t *size, const char *value,
                          const char *field, const char *owner, gr_error *err) {
    char *composed = gr__text_compose(value, strlen(value)); /* as readers keep names */

    /* A value that occurs in no document does not count as there. */
    int32_t at = 0;
    while (at < values->count && (!size[at] || strcmp(values->names[at], composed ? composed : value) != 0))
        at++;
    gr_free(composed);
    *found = at;
    if (at < values->count)
        return GR_OK;
    return no_such_value(values, size, value, field, owner, err);
}

/* Names are unique among labels and groups, and leave the two reserved words alone. */
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

gr_status gr__label_field(const gr__labelling *m, const gr_topics **values, const char *field, const char *owner,
                          gr_error *err) {
    const char *names[64];
    char hint[256];
    size_t count = 0;
    int fields = m->data ? m->data->field_count : 0;

    /* Look for the field; what is met on the way are the words for the hint. */
    for (int f = 0; f < fields; f++) {
        if (!strcmp(m->data->fields[f].name, field)) {
            *values = &m->data->fields[f].values;
            return GR_OK;
        }
        if (count < 64)
            names[count++] = m->data->fields[f].name;
    }

    /* Not there: name the nearest one. */
    const char *near = gr_nearest(field, names, count, NULL);
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

gr_status gr__label_need_text(const gr__labelling *m, const gr__label_draft *label, gr_error *err) {
    if (m->data && m->tokenizer && gr_tokenizer_size(m->tokenizer) != m->data->vocab)
        return gr_error_set(err, GR_ERR_USAGE, "labels", "use the tokenizer that made the dataset",
                            "a tokenizer of %d tokens for a dataset of %d", gr_tokenizer_size(m->tokenizer),
                            m->data->vocab);
    if (m->data && m->tokenizer)
        return GR_OK;
    return gr_error_set(err, GR_ERR_USAGE, label->def->name, "label samples by their classes, in `is`",
                        "the label goes by text or scores, and topics are all that is given");
}

/* Parts of a combined label are labels before or behind it that are not combined. */
static gr_status add_parts(gr__labelling *m, gr__label_draft *s, const gr_label_def *defs, int count, gr_error *err) {
    char keys[160], hint[256];
    snprintf(hint, sizeof hint, "all_of names labels that have %s", gr__label_keys(keys, sizeof keys, " or "));

    /* Each part becomes a bit of the label's set. */
    for (int i = 0; i < s->def->all_count; i++) {
        int k = 0;
        while (k < count && (strcmp(defs[k].name, s->def->all_of[i]) != 0 || defs[k].all_count))
            k++;
        if (k == count)
            return gr_error_set(err, GR_ERR_USAGE, s->def->name, hint, "there is no label \"%s\" to combine",
                                s->def->all_of[i]);
        s->parts |= (uint64_t)1 << k;
    }
    m->combined |= (uint64_t)1 << (s - m->sources);
    return GR_OK;
}

/* Shares in their range, and a combination of options that can be drawn. */
static gr_status check_noise(const gr__labelling *m, const gr_label_def *def, gr_error *err) {
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
    if (noise->by && (def->per == GR_PER_SENTENCE || def->per == GR_PER_TOKEN) && noise->precision < 1)
        return gr_error_set(err, GR_ERR_USAGE, def->name, "leave out one of them",
                            "false tokens are drawn one by one, not by \"%s\"", noise->by);
    return noise->by ? gr__label_field(m, &values, noise->by, def->name, err) : GR_OK;
}

gr_status gr__label_define(gr__labelling *m, const gr_label_def *defs, int count, int index, gr_error *err) {
    gr_labels *labels = m->labels;
    gr__label_draft *s = &m->sources[index];
    const gr_label_def *def = s->def = &defs[index];
    s->least = 1;
    s->per = def->per == GR_PER_PIECE && !m->pieces ? GR_PER_DOCUMENT : def->per;

    /* Check name, share, arguments and noise before anything is opened. */
    GR_TRY(check_name(labels, def->name, err));
    if (!(def->known >= 0 && def->known <= 1))
        return gr_error_set(err, GR_ERR_USAGE, def->name, "1 reveals every label, 0 none",
                            "known is %g, not a share between 0 and 1", def->known);
    GR_TRY(gr__label_args(&s->source, s->arg, def, err));
    GR_TRY(check_noise(m, def, err));

    /* The label is there from now on, under its name, which is also that of a group for reports. */
    labels->label_count++;
    labels->group_names[labels->group_count++] = labels->label_names[index] = gr_arena_strdup(labels->arena, def->name);

    /* A combined label has no source; others open theirs, which reads files and compiles patterns. */
    if (!s->source)
        return add_parts(m, s, defs, count, err);
    m->tokens |= s->per != GR_PER_DOCUMENT && s->source->unit != GR__UNIT_DOCUMENT;
    GR_TRY(s->source->open(s, m, err));
    m->soft |= s->soft;
    return GR_OK;
}

gr_status gr__group_define(gr__labelling *m, const gr_group_def *def, gr_error *err) {
    gr_labels *labels = m->labels;
    GR_TRY(check_name(labels, def->name, err));

    /* A topic that two groups name belongs to the first. */
    for (int i = 0; i < def->count; i++) {
        int32_t topic = 0;
        GR_TRY(gr__label_value(&topic, m->topics, m->size, def->is[i], NULL, def->name, err));
        if (m->group[topic] < 0)
            m->group[topic] = (int16_t)labels->group_count;
    }
    labels->group_names[labels->group_count++] = gr_arena_strdup(labels->arena, def->name);
    return GR_OK;
}
