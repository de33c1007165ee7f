/* experiment_points.c - what tells points apart: axes, what is set at all of them, and presets, which say both. */
#include <string.h>

#include "lab/experiment_read.h"
#include "recipe/read.h"

/* Points are made one after the other, each with models of hours: a product beyond this is a slip. */
enum { POINTS_MOST = 10000 };

/* ---- presets ---- */

/* {KEY: VALUE, ..} on top of what is set already. */
static gr_status apply_set(gr_yaml *root, gr_yaml *set, gr_error *err) {
    gr_status status = GR_OK;
    for (gr_yaml *child = gr_yaml_first(set); child && status == GR_OK; child = gr_yaml_next(child)) {
        char *part = gr__path_part(child->key), *path = gr_format("set.%s", part);
        status = gr_yaml_graft(root, path, child, err);
        gr_free(path);
        gr_free(part);
    }
    return status;
}

/* A preset by name, put in the place of the keys that it stands for; presets are gone then. */
gr_status gr__experiment_preset(gr__experiment_reader *r, const char *name, gr_error *err) {
    static const char *const at_top[][2] = {
        {"seeds", "seeds"}, {"base", "base"}, {"development", "development"}, {"arms", "only"}, {"axes", "values"}};
    gr_yaml *presets, *preset, *child;
    if (!name)
        return GR_OK;

    /* Which one. */
    GR_TRY(gr_yaml_map(r->root, &presets, "presets", err));
    if (!presets || !gr__yaml_child(presets, name)) {
        const char *known[64];
        int count = 0;
        for (child = presets ? presets->first : NULL; child && count < 64; child = child->next)
            known[count++] = child->key;
        return gr__recipe_unknown(presets ? presets : r->root, "preset", name, known, count, err);
    }

    /* What it says replaces what stands at the top. */
    GR_TRY(gr_yaml_map(presets, &preset, name, err));
    for (int i = 0; i < 5; i++)
        if ((child = gr_yaml_find(preset, at_top[i][0]))) {
            gr_yaml_leave(child);
            GR_TRY(gr_yaml_graft(r->root, at_top[i][1], child, err));
        }
    GR_TRY(gr_yaml_map(preset, &child, "set", err));
    if (child) {
        gr_yaml_leave(child);
        GR_TRY(apply_set(r->root, child, err));
    }
    GR_TRY(gr_yaml_finish(preset, err));
    gr_yaml_remove(presets);
    return GR_OK;
}

/* ---- values that are set ---- */

gr_status gr__sets_read(gr__experiment_reader *r, gr_yaml *map, const gr_set **set, int *sets, gr_error *err) {
    GR_TRY(gr_yaml_expect(map, GR_YAML_MAP, err));
    gr_set *list = gr_arena_alloc(r->arena, ((size_t)map->count + 1) * sizeof *list);
    int count = 0;
    for (gr_yaml *child = gr_yaml_first(map); child; child = gr_yaml_next(child)) {
        gr_yaml_leave(child);
        list[count++] = (gr_set){child->key, child};
    }
    *set = list;
    *sets = count;
    return GR_OK;
}

gr_status gr__experiment_set(gr__experiment_reader *r, gr_error *err) {
    gr_yaml *map;
    GR_TRY(gr_yaml_map(r->root, &map, "set", err));
    return map ? gr__sets_read(r, map, &r->to->set, &r->to->sets, err) : GR_OK;
}

/* ---- axes ---- */

/* An axis: names of values, and what each changes in the recipe. */
static gr_status read_axis(gr__experiment_reader *r, gr_axis *axis, gr_yaml *map, gr_error *err) {
    static const char *const taken[] = {"seed", "arm", "knob", "point", NULL};
    GR_TRY(gr__experiment_name(map, "an axis", taken, err));
    if (gr__yaml_is_null(map))
        map->kind = GR_YAML_MAP;
    GR_TRY(gr_yaml_expect(map, GR_YAML_MAP, err));
    if (map->count == 0)
        return gr_yaml_fail(map, err, "{VALUE: {KEY: VALUE}, ..}", "axis %s has no values", map->key);

    /* Its values, all of which run unless `values` says otherwise. */
    size_t most = (size_t)map->count;
    const char **names = gr_arena_alloc(r->arena, most * sizeof *names);
    const gr_set **set = gr_arena_alloc(r->arena, most * sizeof *set);
    int *sets = gr_arena_alloc(r->arena, most * sizeof *sets), *run = gr_arena_alloc(r->arena, most * sizeof *run);
    *axis = (gr_axis){map->key, 0, names, set, sets, run, map->count};
    for (gr_yaml *child = gr_yaml_first(map); child; child = gr_yaml_next(child)) {
        int i = axis->values++;
        GR_TRY(gr__experiment_name(child, "a value of an axis", NULL, err));
        GR_TRY(gr__sets_read(r, child, &set[i], &sets[i], err));
        names[i] = child->key;
        run[i] = i;
    }
    return GR_OK;
}

/* The number of a value of an axis that a text names. */
static gr_status value_read(const gr_axis *axis, const gr_yaml *node, int *value, gr_error *err) {
    const char *text;
    GR_TRY(gr_yaml_as_text(node, &text, err));
    for (*value = 0; *value < axis->values; (*value)++)
        if (strcmp(axis->value[*value], text) == 0)
            return GR_OK;
    char *what = gr_format("value of axis %s", axis->name);
    gr_status status = gr__recipe_unknown(node, what, text, axis->value, axis->values, err);
    gr_free(what);
    return status;
}

gr_status gr__axis_read(const gr__experiment_reader *r, const gr_yaml *node, int *axis, gr_error *err) {
    const gr_experiment *e = r->to;
    for (*axis = 0; *axis < e->axes; (*axis)++)
        if (strcmp(e->axis[*axis].name, node->key) == 0)
            return GR_OK;

    const char **known = gr_alloc(((size_t)e->axes + 1) * sizeof *known);
    for (int i = 0; i < e->axes; i++)
        known[i] = e->axis[i].name;
    const gr_yaml key = gr__key_of(node);
    gr_status status = gr__recipe_unknown(&key, "axis", node->key, known, e->axes, err);
    gr_free(known);
    return status;
}

/* {AXIS: VALUE or [VALUE, ..]} as pairs; an axis without a value, or one said twice, is refused. */
static gr_status pairs_read(gr__experiment_reader *r, gr_yaml *map, const gr_at **at, int *ats, gr_error *err) {
    /* As many pairs as there are values. */
    int count = 0;
    size_t most = 0;
    for (gr_yaml *child = gr_yaml_first(map); child; child = gr_yaml_next(child))
        most += (size_t)gr__names_count(child);
    gr_at *list = gr_arena_alloc(r->arena, (most + 1) * sizeof *list);

    for (gr_yaml *child = map->first; child; child = child->next) {
        int first = count; /* of this axis */
        gr_at pair;
        GR_TRY(gr__axis_read(r, child, &pair.axis, err));
        for (gr_yaml *item = gr__names_first(child); item; item = gr__names_next(child, item)) {
            GR_TRY(value_read(&r->to->axis[pair.axis], item, &pair.value, err));
            for (int i = first; i < count; i++)
                if (list[i].value == pair.value)
                    return gr_yaml_fail(item, err, "name it once", "axis %s has the value %s twice", child->key,
                                        item->text);
            list[count++] = pair;
        }

        /* None of them would be no point at all. */
        if (count == first)
            return gr_yaml_fail(child, err, "leave the axis out for all of its values", "axis %s has no values here",
                                child->key);
    }
    *at = list;
    *ats = count;
    return GR_OK;
}

gr_status gr__at_read(gr__experiment_reader *r, gr_yaml *map, const gr_at **at, int *ats, gr_error *err) {
    gr_yaml *node;
    GR_TRY(gr_yaml_map(map, &node, "at", err));
    return node ? pairs_read(r, node, at, ats, err) : GR_OK;
}

/* `values` says which values of an axis points are made of. */
static gr_status read_values(gr__experiment_reader *r, gr_axis *axes, gr_error *err) {
    const gr_at *at;
    gr_yaml *map;
    int ats;
    GR_TRY(gr_yaml_map(r->root, &map, "values", err));
    if (!map)
        return GR_OK;

    /* Of an axis that is named these alone, in this order. */
    GR_TRY(pairs_read(r, map, &at, &ats, err));
    for (int i = 0; i < ats; i++)
        axes[at[i].axis].runs = 0;
    for (int i = 0; i < ats; i++) {
        gr_axis *axis = &axes[at[i].axis];
        ((int *)axis->run)[axis->runs++] = at[i].value;
    }
    return GR_OK;
}

gr_status gr__experiment_axes(gr__experiment_reader *r, gr_error *err) {
    gr_yaml *map;
    GR_TRY(gr_yaml_map(r->root, &map, "axes", err));
    gr_axis *axes = gr_arena_alloc(r->arena, ((size_t)(map ? map->count : 0) + 1) * sizeof *axes);
    r->to->axis = axes;
    for (gr_yaml *child = map ? gr_yaml_first(map) : NULL; child; child = gr_yaml_next(child))
        GR_TRY(read_axis(r, &axes[r->to->axes++], child, err));
    GR_TRY(read_values(r, axes, err));

    /* The product of those that run. */
    int points = 1;
    for (int i = 0; i < r->to->axes; i++) {
        points *= axes[i].runs; /* at most GR_YAML_KEYS times as many as were fine */
        if (points > POINTS_MOST)
            return gr_yaml_fail(map, err, "fewer values, or one axis with what is wanted",
                                "the axes have more than %d points", POINTS_MOST);
    }
    return GR_OK;
}

/* ---- presets that were not chosen ---- */

/* What they say is read as that of the chosen one is, and forgotten. */
static gr_status check_preset(gr__experiment_reader *r, gr_yaml *preset, gr_error *err) {
    const int *arm;
    const gr_at *at;
    const gr_set *set;
    const char *file;
    int count, seeds = 0;
    bool development = false;
    if (gr__yaml_is_null(preset))
        return GR_OK;
    GR_TRY(gr_yaml_expect(preset, GR_YAML_MAP, err));

    /* Size and recipe. */
    gr_yaml *base = gr_yaml_find(preset, "base"), *arms = gr_yaml_find(preset, "arms"), *sets, *axes;
    GR_TRY(gr_yaml_map(preset, &sets, "set", err));
    GR_TRY(gr__recipe_int(preset, &seeds, "seeds", 1, 1000, err));
    GR_TRY(gr_yaml_bool(preset, &development, "development", err));
    if (base && base->kind != GR_YAML_MAP)
        GR_TRY(gr_yaml_as_text(base, &file, err));
    else if (base)
        gr_yaml_leave(base);
    if (sets)
        GR_TRY(gr__sets_read(r, sets, &set, &count, err));

    /* What runs. */
    if (arms)
        GR_TRY(gr__arms_read(r, arms, &arm, &count, err));
    GR_TRY(gr_yaml_map(preset, &axes, "axes", err));
    if (axes)
        GR_TRY(pairs_read(r, axes, &at, &count, err));
    return gr_yaml_finish(preset, err);
}

gr_status gr__experiment_presets_check(gr__experiment_reader *r, gr_error *err) {
    gr_yaml *presets;
    GR_TRY(gr_yaml_map(r->root, &presets, "presets", err));
    for (gr_yaml *child = presets ? gr_yaml_first(presets) : NULL; child; child = gr_yaml_next(child)) {
        GR_TRY(gr__experiment_name(child, "a preset", NULL, err));
        GR_TRY(check_preset(r, child, err));
    }
    return GR_OK;
}
