/* Sections labels and adjacent. */
#include <stdio.h>
#include <string.h>

#include "base/names.h"
#include "gradroute/classify.h"
#include "label/source.h"
#include "recipe/read.h"

/* ---- Sources: read as they describe themselves ---- */

/* One argument of a source into arg, by the kind that the source says it has; absent: its default. */
static gr_status read_arg(gr_recipe *recipe, gr_yaml *map, gr_label_arg *arg, const gr__arg_def *def, gr_error *err) {
    *arg = (gr_label_arg){.key = def->key, .text = def->text, .number = def->number};
    switch (def->kind) {
    case GR__ARG_FILE:
        return gr__recipe_path(recipe, map, &arg->text, def->key, err);
    case GR__ARG_NUMBER:
        return gr_yaml_real(map, &arg->number, def->key, def->min, def->max, err);
    case GR__ARG_SWITCH:
        return gr_yaml_bool(map, &arg->on, def->key, err);
    case GR__ARG_TEXTS:
        return gr_yaml_texts(map, &arg->texts, &arg->count, def->key, err);
    default:
        return gr_yaml_text(map, &arg->text, def->key, err);
    }
}

/* A list in the recipe, or the name of a file that holds it. */
static gr_status read_list_or_file(gr_recipe *recipe, gr_yaml *node, const gr_yaml *value, gr_label_arg *arg,
                                   const gr__label_source *source, gr_error *err) {
    if (value->kind == GR_YAML_SCALAR)
        return gr__recipe_path(recipe, node, &arg->text, arg->key, err);
    GR_TRY(gr_yaml_texts(node, &arg->texts, &arg->count, arg->key, err));
    return arg->count ? GR_OK : gr_yaml_fail(value, err, source->example, "the list of %s is empty", arg->key);
}

/* {file: NAME, ...}: a map whose other keys are read by the caller. */
static gr_status read_file_of_map(gr_recipe *recipe, gr_yaml *value, gr_label_arg *arg, const gr__label_source *source,
                                  gr_error *err) {
    GR_TRY(gr_yaml_expect(value, GR_YAML_MAP, err));
    GR_TRY(gr__recipe_path(recipe, value, &arg->text, "file", err));
    return arg->text ? GR_OK : gr_yaml_fail(value, err, source->example, "%s names no file", arg->key);
}

/* The source's own key. */
static gr_status read_key(gr_recipe *recipe, gr_yaml *node, gr_yaml *value, gr_label_arg *arg,
                          const gr__label_source *source, gr_error *err) {
    const gr__arg_def *def = source->arg;
    arg->key = def->key;
    if (def->kind == GR__ARG_TEXTS_OR_FILE)
        return read_list_or_file(recipe, node, value, arg, source, err);
    if (value->kind != GR_YAML_SCALAR && def[1].within)
        return read_file_of_map(recipe, value, arg, source, err);
    return read_arg(recipe, node, arg, def, err);
}

/* Where the label has the source's key and more than an empty list: its arguments, and one source more. */
static gr_status read_source(gr_recipe *recipe, gr_yaml *node, gr_label_def *label, const gr__label_source *source,
                             int *sources, gr_error *err) {
    gr_yaml *value = gr_yaml_find(node, source->arg[0].key);
    gr_label_arg from[GR_LABEL_ARGS] = {0}, arg;
    int count = 1;

    /* No key, or an empty list: the label is of another source. */
    if (!value)
        return GR_OK;
    GR_TRY(read_key(recipe, node, value, &from[0], source, err));
    if (!from[0].count && !from[0].text)
        return GR_OK;

    /* The other arguments stand beside the key, or within the map that it may be; those that say nothing go. */
    for (int i = 1; i < GR_LABEL_ARGS && source->arg[i].kind; i++) {
        const gr__arg_def *def = &source->arg[i];
        if (def->within && value->kind != GR_YAML_MAP)
            continue;
        GR_TRY(read_arg(recipe, def->within ? value : node, &arg, def, err));
        if (def->kind == GR__ARG_ID && !recipe->data.id)
            recipe->data.id = arg.text;
        if (arg.text || arg.count || def->kind == GR__ARG_NUMBER || def->kind == GR__ARG_SWITCH)
            from[count++] = arg;
    }
    memcpy(label->from, from, sizeof from);
    ++*sources;
    return GR_OK;
}

/* The error of a label that has no source, or several. Where there is none the hint shows the form of every source. */
static gr_status wrong_sources(const gr_yaml *node, int sources, gr_error *err) {
    char text[512];
    if (sources)
        return gr_yaml_fail(node, err, "make two labels of it, and a third with all_of where both hold",
                            "label '%s' has more than one of %s and all_of", node->key,
                            gr__label_keys(text, sizeof text, ", "));

    size_t used = 0;
    for (const gr__label_source *const *s = gr__label_sources(); *s && used < sizeof text; s++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s, ", (*s)->form);
    if (used < sizeof text)
        snprintf(text + used, sizeof text - used, "or all_of: [LABEL, ...]");
    return gr_yaml_fail(node, err, text, "label '%s' names no topic", node->key);
}

/* One of the sources, or all_of, and what gets the label. */
static gr_status read_from(gr_recipe *recipe, gr_yaml *node, gr_label_def *label, gr_error *err) {
    static const char *const per[] = {"document", "sentence", "token", "piece", NULL};
    int sources = 0, unit = GR_PER_DOCUMENT;

    /* Exactly one of the sources, or a combination of other labels. */
    for (const gr__label_source *const *s = gr__label_sources(); *s; s++)
        GR_TRY(read_source(recipe, node, label, *s, &sources, err));
    GR_TRY(gr_yaml_texts(node, &label->all_of, &label->all_count, "all_of", err));
    sources += label->all_count > 0;
    if (sources != 1)
        return wrong_sources(node, sources, err);

    /* What gets the label: some sources leave the choice, of the others it is theirs. */
    const gr__label_source *source = gr__label_source_of(label);
    if (source && source->unit == GR__UNIT_ANY)
        GR_TRY(gr_yaml_choice(node, &unit, "per", per, err));
    if (unit == GR_PER_PIECE && recipe->data.cut)
        return gr_yaml_fail(gr_yaml_find(node, "per"), err, "leave data.long: cut out",
                            "label '%s' is per piece, and documents are cut, not split into pieces", node->key);
    label->per = source && source->unit == GR__UNIT_TOKEN ? GR_PER_TOKEN : (gr_label_per)unit;
    return GR_OK;
}

/* ---- Labels ---- */

/* How a label may be wrong: hidden documents and false ones. Kept only if there is something wrong. */
static gr_status read_noise(gr_recipe *recipe, gr_yaml *node, gr_label_def *label, gr_error *err) {
    gr_label_noise *n = gr_arena_alloc(recipe->arena, sizeof *n);
    *n = (gr_label_noise){.recall = 1, .precision = 1};
    GR_TRY(gr_yaml_real(node, &n->recall, "recall", 0, 1, err));
    GR_TRY(gr_yaml_real(node, &n->precision, "precision", 0.0001, 1, err));
    GR_TRY(gr_yaml_text(node, &n->by, "noise_by", err));

    if (n->precision < 1)
        GR_TRY(gr_yaml_texts(node, &n->false_from, &n->false_count, "false_from", err));
    if (n->recall < 1 || n->precision < 1 || n->by)
        label->noise = n;
    return GR_OK;
}

/* Which documents of a label training is never told of. */
static gr_status read_hidden(gr_yaml *node, gr_label_def *label, gr_error *err) {
    static const char *const as[] = {"unlabelled", "core", NULL};
    int hidden_as = GR_HIDDEN_UNLABELLED;
    GR_TRY(gr_yaml_texts(node, &label->hidden, &label->hidden_count, "hidden", err));
    if (label->hidden_count)
        GR_TRY(gr_yaml_text(node, &label->hidden_by, "hidden_by", err));
    GR_TRY(gr_yaml_choice(node, &hidden_as, "hidden_as", as, err));
    label->hidden_as = (gr_hidden)hidden_as;
    return GR_OK;
}

/* Whether and how a classifier spreads the label. */
static gr_status read_spread(gr_recipe *recipe, gr_yaml *node, gr_label_def *label, gr_error *err) {
    gr_yaml *map;
    GR_TRY(gr_yaml_map(node, &map, "spread", err));
    if (!map)
        return GR_OK;
    gr_spread_def *spread = gr_arena_alloc(recipe->arena, sizeof *spread);
    int64_t from = 0;
    *spread = gr_spread_default();
    GR_TRY(gr_yaml_real(map, &spread->recall, "recall", 0.01, 1, err));
    GR_TRY(gr_yaml_real(map, &spread->lost, "lost", 0, 1, err));
    GR_TRY(gr_yaml_count(map, &from, "from", 0, 1000000000, err));
    GR_TRY(gr_yaml_bool(map, &spread->soft, "soft", err));
    spread->from = (size_t)from;
    label->spread = spread;
    return GR_OK;
}

/* One label: what makes it, and how much of it training is told. */
static gr_status read_label(gr_recipe *recipe, gr_yaml *node, gr_label_def *label, gr_error *err) {
    GR_TRY(gr__recipe_name(node, "label", err));
    GR_TRY(gr_yaml_expect(node, GR_YAML_MAP, err));
    *label = (gr_label_def){.name = node->key, .known = 1};

    GR_TRY(read_from(recipe, node, label, err));
    GR_TRY(gr_yaml_real(node, &label->known, "known", 0, 1, err));
    GR_TRY(read_hidden(node, label, err));
    GR_TRY(read_noise(recipe, node, label, err));
    return read_spread(recipe, node, label, err);
}

/* The values that make a label, and of which member; NULL: topics. */
static const gr_label_arg *values_of(const gr_label_def *label, const char **field) {
    static const gr_label_arg none = {0};
    const gr_label_arg *is = gr__label_arg_find(label, "is"), *member = gr__label_arg_find(label, "field");
    *field = member ? member->text : NULL;
    return is ? is : &none;
}

/* The label before `which` that has one of its values too, or -1. */
static int other_owner(const gr_recipe *recipe, int which, const char *value) {
    const char *field, *other;
    values_of(&recipe->label[which], &field);
    for (int m = 0; m < which; m++) {
        const gr_label_arg *is = values_of(&recipe->label[m], &other);
        if (gr__has_text(is->texts, is->count, value) && (field && other ? strcmp(field, other) == 0 : field == other))
            return m;
    }
    return -1;
}

/* A topic belongs to one label, or is adjacent, or neither; a value of a field to one label. */
static gr_status check_topics(const gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    for (int k = 0; k < recipe->labels; k++) {
        const char *field;
        const gr_label_arg *is = values_of(&recipe->label[k], &field);

        /* A label by a field shares no names with topics, which the adjacent ones are. */
        const int adjacents = field ? 0 : recipe->adjacents;
        for (int i = 0; i < is->count; i++) {
            const char *topic = is->texts[i], *name = recipe->label[k].name;

            int other = other_owner(recipe, k, topic);
            if (gr__has_text(recipe->adjacent, adjacents, topic))
                return gr_yaml_fail(gr_yaml_find(root, "adjacent"), err, "name it once",
                                    "topic '%.100s' is adjacent and of label '%s'", topic, name);
            if (other >= 0)
                return gr_yaml_fail(gr_yaml_find(root, "labels"), err, "name it once",
                                    "topic '%.100s' is of label '%s' and of '%s'", topic, recipe->label[other].name,
                                    name);
        }
    }
    return GR_OK;
}

/* Labels that all_of combines. */
static gr_status check_parts(const gr_recipe *recipe, gr_yaml *labels, gr_error *err) {
    char keys[160], hint[256];

    snprintf(hint, sizeof hint, "all_of names labels of this recipe that have %s",
             gr__label_keys(keys, sizeof keys, " or "));

    /* Each part must be a label of its own: combinations are not combined once more. */
    for (int k = 0; k < recipe->labels; k++)
        for (int i = 0; i < recipe->label[k].all_count; i++) {
            const char *part = recipe->label[k].all_of[i];
            int m = 0;
            while (m < recipe->labels && (strcmp(recipe->label[m].name, part) != 0 || recipe->label[m].all_count))
                m++;
            if (m == recipe->labels)
                return gr_yaml_fail(gr_yaml_find(labels, recipe->label[k].name), err, hint,
                                    "label '%s' combines '%.100s', which is no such label", recipe->label[k].name,
                                    part);
        }
    return GR_OK;
}

/* Adds a field to the list unless it is there already; NULL is none. */
static void keep_field(const char **list, int *count, const char *field) {
    if (field && !gr__has_text(list, *count, field))
        list[(*count)++] = field;
}

/* Members of records that labels ask for: what the corpus has to keep. */
static void keep_fields(gr_recipe *recipe) {
    const char **list =
        gr_arena_alloc(recipe->arena, sizeof *list * ((GR_LABEL_ARGS + 2) * (size_t)recipe->labels + 1));
    for (int k = 0; k < recipe->labels; k++) {
        const gr_label_def *label = &recipe->label[k];
        const gr__label_source *source = gr__label_source_of(label);
        for (int i = 0; source && i < GR_LABEL_ARGS; i++) {
            const gr_label_arg *arg =
                source->arg[i].kind == GR__ARG_FIELD ? gr__label_arg_find(label, source->arg[i].key) : NULL;
            keep_field(list, &recipe->data.fields, arg ? arg->text : NULL);
        }
        keep_field(list, &recipe->data.fields, label->noise ? label->noise->by : NULL);
        keep_field(list, &recipe->data.fields, label->hidden_by);
    }
    recipe->data.field = list;
}

/* Labels in their order, which numbers them from 1, and the topics that are adjacent to them. */
gr_status gr__recipe_read_labels(gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    gr_yaml *labels;
    GR_TRY(gr_yaml_map(root, &labels, "labels", err));
    if (labels && labels->count > GR_ROUTE_LABELS_MAX)
        return gr_yaml_fail(labels, err, NULL, "there are %d labels, expected at most %d", labels->count,
                            GR_ROUTE_LABELS_MAX);

    gr_label_def *list = gr_arena_alloc(recipe->arena, sizeof *list * (size_t)(labels ? labels->count + 1 : 1));
    for (gr_yaml *c = labels ? gr_yaml_first(labels) : NULL; c; c = gr_yaml_next(c))
        GR_TRY(read_label(recipe, c, &list[recipe->labels++], err));
    recipe->label = list;

    /* What only all labels together show: topics named twice, combinations of labels that are none. */
    GR_TRY(gr_yaml_texts(root, &recipe->adjacent, &recipe->adjacents, "adjacent", err));
    GR_TRY(check_topics(recipe, root, err));
    GR_TRY(check_parts(recipe, labels, err));
    keep_fields(recipe);
    return GR_OK;
}
