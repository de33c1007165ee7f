/* Section development: topics that stand for those of the labels while settings are chosen, so that the reported ones
 * are never looked at. */
#include <string.h>

#include "base/names.h"
#include "label/source.h"
#include "recipe/graft.h"
#include "recipe/read.h"

/* ---- reading ---- */

/* A topic is named once in the whole section. */
static gr_status check_once(const gr_recipe *recipe, const gr_yaml *node, const gr_development *d, int topic,
                            gr_error *err) {
    bool twice = gr__has_text(d->is, topic, d->is[topic]);
    for (int i = 0; i < recipe->developments; i++)
        twice = twice || gr__has_text(recipe->development[i].is, recipe->development[i].topics, d->is[topic]);
    return twice ? gr_yaml_fail(node, err, "name it once", "topic '%.100s' is named twice in development", d->is[topic])
                 : GR_OK;
}

/* {is: [TOPIC, ..], hidden: [TOPIC, ..]} of one label. */
static gr_status read_label(gr_recipe *recipe, gr_development *d, gr_yaml *node, gr_error *err) {
    *d = (gr_development){.label = node->key};
    GR_TRY(gr_yaml_expect(node, GR_YAML_MAP, err));
    GR_TRY(gr_yaml_texts(node, &d->is, &d->topics, "is", err));
    GR_TRY(gr_yaml_texts(node, &d->hidden, &d->hiddens, "hidden", err));
    if (!d->topics)
        return gr_yaml_fail(node, err, "{is: [TOPIC, ..]}", "development names no topic for label '%s'", node->key);

    /* What can be said without the labels, which an experiment may change. */
    for (int i = 0; i < d->topics; i++)
        GR_TRY(check_once(recipe, node, d, i, err));
    for (int i = 0; i < d->hiddens; i++)
        if (!gr__has_text(d->is, d->topics, d->hidden[i]))
            return gr_yaml_fail(node, err, "hidden topics are some of those of `is`",
                                "topic '%.100s' is hidden, and not of label '%s' in development", d->hidden[i],
                                d->label);
    return GR_OK;
}

/* Read wherever the recipe is, and taken by experiments alone. */
gr_status gr__recipe_read_development(gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    gr_yaml *section, *labels;
    GR_TRY(gr_yaml_map(root, &section, "development", err));
    if (!section)
        return GR_OK;
    GR_TRY(gr_yaml_map(section, &labels, "labels", err));
    if (!labels || labels->count == 0)
        return gr_yaml_fail(section, err, "development: {labels: {NAME: {is: [TOPIC, ..]}}}",
                            "development names no labels");

    /* A map has each name once. */
    gr_development *list = gr_arena_alloc(recipe->arena, (size_t)labels->count * sizeof *list);
    recipe->development = list;
    for (gr_yaml *c = gr_yaml_first(labels); c; c = gr_yaml_next(c)) {
        GR_TRY(read_label(recipe, &list[recipe->developments], c, err));
        recipe->developments++;
    }
    return GR_OK;
}

/* ---- whether they fit the labels ---- */

/* The label that a key names, which is one of topics. */
static gr_status find_label(const gr_label_def **label, const gr_recipe *recipe, const gr_yaml *node, gr_error *err) {
    /* Their names too, for the hint. */
    const char **known = gr_alloc(((size_t)recipe->labels + 1) * sizeof *known);
    int topics;
    *label = NULL;
    for (int k = 0; k < recipe->labels; k++) {
        known[k] = recipe->label[k].name;
        if (strcmp(known[k], node->key) == 0)
            *label = &recipe->label[k];
    }

    /* Only topics can stand for topics. */
    gr_status status = GR_OK;
    if (!*label)
        status = gr__recipe_unknown(node, "label", node->key, known, recipe->labels, err);
    else if (!gr__label_topics(*label, &topics))
        status = gr_yaml_fail(node, err, "topics to develop on stand for topics: labels by `is`, without `field`",
                              "label '%s' is not made by topics", node->key);
    gr_free(known);
    return status;
}

/* A topic to develop on is neither reported nor adjacent. */
static gr_status check_free(const gr_recipe *recipe, const gr_yaml *node, const char *topic, gr_error *err) {
    for (int k = 0; k < recipe->labels; k++) {
        int count;
        const char *const *is = gr__label_topics(&recipe->label[k], &count);
        if (gr__has_text(is, count, topic))
            return gr_yaml_fail(node, err, "settings are chosen on other topics than those that are reported",
                                "topic '%.100s' is to develop on, and reported: it is of label '%s'", topic,
                                recipe->label[k].name);
    }
    if (gr__has_text(recipe->adjacent, recipe->adjacents, topic))
        return gr_yaml_fail(node, err, "name it once", "topic '%.100s' is to develop on, and adjacent", topic);
    return GR_OK;
}

/* A label that hides some of its topics hides some of those that stand for them, and no other label does. */
static gr_status check_hidden(const gr_label_def *label, const gr_yaml *node, const gr_development *d, gr_error *err) {
    if (gr__label_hides_topics(label) && !d->hiddens)
        return gr_yaml_fail(node, err, "hidden: [TOPIC, ..], some of those of `is`",
                            "label '%s' hides topics, and development says none that is hidden in their place",
                            label->name);
    return gr__label_hides_topics(label) || !d->hiddens
               ? GR_OK
               : gr_yaml_fail(node, err, "leave `hidden` out", "label '%s' hides no topics", label->name);
}

/* A label that keeps its topics would be tuned on what is reported. Combinations follow their parts. */
static gr_status check_whole(const gr_recipe *recipe, const gr_yaml *labels, gr_error *err) {
    for (int k = 0; k < recipe->labels; k++)
        if (!recipe->label[k].all_count && !gr__yaml_child(labels, recipe->label[k].name))
            return gr_yaml_fail(labels, err, "each label is developed on topics of its own: NAME: {is: [TOPIC, ..]}",
                                "development leaves out label '%s'", recipe->label[k].name);
    return GR_OK;
}

/* All of it, for the labels as they are where it is taken. */
static gr_status check_taken(const gr_recipe *recipe, const gr_yaml *section, gr_error *err) {
    const gr_yaml *labels = gr__yaml_child(section, "labels"), *node = labels->first;
    for (int i = 0; i < recipe->developments; i++, node = node->next) {
        const gr_development *d = &recipe->development[i];
        const gr_label_def *label;
        GR_TRY(find_label(&label, recipe, node, err));
        for (int k = 0; k < d->topics; k++)
            GR_TRY(check_free(recipe, node, d->is[k], err));
        GR_TRY(check_hidden(label, node, d, err));
    }
    return check_whole(recipe, labels, err);
}

/* ---- in the place of what is reported ---- */

/* Adds what was said by somebody, not by a default. */
static void add_said(gr_yaml *list, const char *text) { gr_yaml_add_text(list, NULL, text)->added = false; }

/* The reported topics are neither labelled nor the rest while others stand for them: as adjacent ones they are read as
 * ordinary text, and measured apart. */
static gr_status set_adjacent(gr_yaml *tree, const gr_recipe *recipe, gr_error *err) {
    gr_yaml *fresh = gr_yaml_new("development"), *list = gr_yaml_add_list(fresh, "adjacent");
    list->added = false;

    /* Those that are adjacent, and those that labels are made of. */
    for (int i = 0; i < recipe->adjacents; i++)
        add_said(list, recipe->adjacent[i]);
    for (int i = 0; i < recipe->labels; i++) {
        int count;
        const char *const *is = gr__label_topics(&recipe->label[i], &count);
        for (int k = 0; k < count; k++)
            add_said(list, is[k]);
    }

    gr_status status = gr_yaml_graft(tree, "adjacent", list, err);
    gr_yaml_free(fresh);
    return status;
}

/* The topics of each label as they were written. */
static gr_status set_labels(gr_yaml *tree, const gr_yaml *section, gr_error *err) {
    static const char *const keys[] = {"is", "hidden"};
    for (const gr_yaml *label = gr__yaml_child(section, "labels")->first; label; label = label->next)
        for (int i = 0; i < 2; i++) {
            const gr_yaml *value = gr__yaml_child(label, keys[i]);
            char *path = gr_format("labels.%s.%s", label->key, keys[i]);
            gr_status status = value ? gr_yaml_graft(tree, path, value, err) : GR_OK;
            gr_free(path);
            GR_TRY(status);
        }
    return GR_OK;
}

/* The tree was said by somebody, so it may hold any mistake: it is read as a recipe first. */
gr_status gr__recipe_develop(gr_yaml *tree, const char *file, gr_error *err) {
    gr_recipe *recipe;
    GR_TRY(gr__recipe_of(&recipe, gr_yaml_copy(tree, false), file, err)); /* says what is wrong with the section */

    gr_yaml *section = gr__yaml_child(tree, "development");
    gr_status status = GR_OK;
    if (!recipe->developments)
        status =
            gr_error_set(err, GR_ERR_USAGE, file,
                         "development: {labels: {NAME: {is: [TOPIC, ..]}}}; `gradroute tune RECIPE` proposes topics",
                         "the recipe names no topics to develop on");
    if (status == GR_OK)
        status = check_taken(recipe, section, err);
    if (status == GR_OK)
        status = set_labels(tree, section, err);
    if (status == GR_OK)
        status = set_adjacent(tree, recipe, err);
    if (status == GR_OK)
        gr_yaml_remove(section);
    gr_recipe_free(recipe);
    return status;
}
