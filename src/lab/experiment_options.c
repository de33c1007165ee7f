/* experiment_options.c - options of an arm's method: taken apart where one of them is tried at several values, and
 * checked at each. */
#include <string.h>

#include "lab/experiment_read.h"

/* ---- knobs ---- */

/* A place in options that is written {knob: [VALUE, ..]}. */
typedef struct knob_place {
    gr_yaml *node;
    char *path; /* of it, as gr_yaml_graft has paths; NULL: none was found */
} knob_place;

/* Looks below a node for knobs; a second one is an error. */
static gr_status find_knob(knob_place *found, gr_yaml *node, const char *path, gr_error *err) {
    int index = 0;
    for (gr_yaml *child = node->first; child; child = child->next, index++) {
        char *part = child->key ? gr__path_part(child->key) : gr_format("%d", index);
        char *below = path[0] ? gr_format("%s.%s", path, part) : gr_strdup(part);
        gr_status status = GR_OK;

        /* Here, or further down. */
        if (child->kind == GR_YAML_MAP && gr__yaml_child(child, "knob")) {
            if (found->path)
                status = gr_yaml_fail(child, err, "try the values of one of them, or write two arms",
                                      "two options have a knob, %.100s and %.100s", found->path, below);
            else
                *found = (knob_place){child, gr_strdup(below)};
        } else {
            status = find_knob(found, child, below, err);
        }
        gr_free(part);
        gr_free(below);
        GR_TRY(status);
    }
    return GR_OK;
}

/* What tables call a value: a list or a map is one line, a factor of what the recipe says its number. */
static gr_status name_value(gr__experiment_reader *r, const char **word, const gr_yaml *value, gr_error *err) {
    const gr_yaml *times = value->kind == GR_YAML_MAP ? gr__yaml_child(value, "times") : NULL;
    const gr_yaml *said = times ? times : value;
    if (said->kind == GR_YAML_SCALAR) {
        *word = said->text;
        return GR_OK;
    }

    char *line;
    GR_TRY(gr_yaml_write_line(said, &line, err));
    *word = gr_arena_strdup(r->arena, line);
    gr_free(line);
    return GR_OK;
}

/* The values of a knob that was found. */
static gr_status read_knob(gr__experiment_reader *r, gr_knob *knob, const knob_place *found, gr_error *err) {
    gr_yaml *list = gr__yaml_child(found->node, "knob");
    if (found->node->count > 1)
        return gr_yaml_fail(found->node, err, "{knob: [VALUE, ..]} and nothing else",
                            "%.100s has a knob and other keys beside it", found->path);
    GR_TRY(gr_yaml_expect(list, GR_YAML_LIST, err));
    if (list->count == 0)
        return gr_yaml_fail(list, err, "{knob: [VALUE, ..]}", "the knob %.100s has no values", found->path);

    /* In their order, with what they are called. */
    const gr_yaml **value = gr_arena_alloc(r->arena, (size_t)list->count * sizeof *value);
    const char **word = gr_arena_alloc(r->arena, (size_t)list->count * sizeof *word);
    *knob = (gr_knob){gr_arena_strdup(r->arena, found->path), value, word, 0};
    for (gr_yaml *child = list->first; child; child = child->next) {
        GR_TRY(name_value(r, &word[knob->values], child, err));
        value[knob->values++] = child;
    }
    return GR_OK;
}

/* ---- what arms may not set ---- */

/* Whether a dotted key is one of these, or below one of them. */
static bool is_below(const char *key, const char *section) {
    size_t length = strlen(section);
    return strncmp(key, section, length) == 0 && (key[length] == 0 || key[length] == '.');
}

/* All arms of a point read the same documents, or their difference is not that of the arms. */
static gr_status check_sets(const gr_setting_value *sets, gr_error *err) {
    static const char *const never[] = {"data", "labels", "adjacent", "split_seed", "task"};
    for (const gr_yaml *set = sets->node ? sets->node->first : NULL; set; set = set->next)
        for (size_t i = 0; i < sizeof never / sizeof *never; i++)
            if (is_below(set->key, never[i]))
                return gr_yaml_fail(set, err, "set it by an axis: arms of one point are compared on the same documents",
                                    "an arm sets %.100s", set->key);
    return GR_OK;
}

/* The same of all options of a table, and of what is chosen by one. */
static gr_status check_all_sets(const gr_setting *table, const gr_settings *settings, gr_error *err) {
    for (const gr_setting *option = table; option && option->kind != GR_SETTING_NONE; option++) {
        const gr_setting_value *value = gr_settings_get(settings, option->key);
        if (option->kind == GR_SETTING_SETS)
            GR_TRY(check_sets(value, err));
        if (option->kind == GR_SETTING_CHOICE)
            GR_TRY(check_all_sets(option->choice[(int)value->number]->option, value->inner, err));
    }
    return GR_OK;
}

/* ---- options ---- */

/* The options with one value of the knob in its place, checked; value NULL: there is no knob. */
static gr_status read_at(gr__experiment_reader *r, gr_yaml **options, const gr_arm *arm, const gr_yaml *node,
                         const gr_yaml *value, gr_error *err) {
    gr_settings *settings;
    *options = gr__experiment_keep(r->to, gr_yaml_copy(node, false));
    if (value)
        GR_TRY(gr_yaml_graft(*options, arm->knob.path, value, err));
    GR_TRY(gr__options_read(&settings, arm->method->option, NULL, NULL, *options, err));
    gr_status status = check_all_sets(arm->method->option, settings, err);
    gr_settings_free(settings);
    return status;
}

gr_status gr__experiment_options(gr__experiment_reader *r, gr_arm *arm, gr_yaml *node, gr_error *err) {
    knob_place found = {0};
    if (gr__yaml_is_null(node))
        node->kind = GR_YAML_MAP;
    GR_TRY(gr_yaml_expect(node, GR_YAML_MAP, err));
    gr_yaml_leave(node);

    gr_status status = find_knob(&found, node, "", err);
    if (status == GR_OK && found.path)
        status = read_knob(r, &arm->knob, &found, err);
    gr_free(found.path);
    GR_TRY(status);

    /* One set of options for each value. */
    int count = arm->knob.values > 0 ? arm->knob.values : 1;
    gr_yaml **options = gr_arena_alloc(r->arena, (size_t)count * sizeof *options);
    arm->options = options;
    for (int i = 0; i < count; i++)
        GR_TRY(read_at(r, &options[i], arm, node, arm->knob.values > 0 ? arm->knob.value[i] : NULL, err));
    return GR_OK;
}
