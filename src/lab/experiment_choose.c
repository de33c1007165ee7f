/* experiment_choose.c - what is wanted of settings that are tried at the points of an experiment. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "lab/experiment_read.h"
#include "recipe/read.h"

/* ---- figures ---- */

/* The number of the figure whose key a text is. A point is one setting: an arm with a knob would be several. */
static gr_status find_figure(int *figure, const gr_experiment *e, const gr_yaml *node, const char *key, gr_error *err) {
    const char **known = gr_alloc(((size_t)e->figures + 1) * sizeof *known);
    for (int i = 0; i < e->figures; i++)
        known[i] = e->figure[i].key;
    for (*figure = 0; *figure < e->figures && strcmp(known[*figure], key) != 0; ++*figure)
        ;
    gr_status status = *figure < e->figures ? GR_OK : gr__recipe_unknown(node, "figure", key, known, e->figures, err);
    gr_free(known);
    GR_TRY(status);

    const int of = e->figure[*figure].of;
    return of < 0 || gr_experiment_knobs(e, of) == 1
               ? GR_OK
               : gr_yaml_fail(node, err, "settings are values of axes: try the knob's there",
                              "figure %s is of arm %s, which has a knob", key, e->arm[of].name);
}

/* Whether a figure is among the goals that were read before. */
static bool is_taken(const gr_choosing *c, int figure) {
    for (int i = 0; i < c->mosts; i++)
        if (c->most[i] == figure)
            return true;
    for (int i = 0; i < c->bounds; i++)
        if (c->bound[i].figure == figure)
            return true;
    return false;
}

/* most: KEY or [KEY, ..]. */
static gr_status read_most(gr__experiment_reader *r, gr_yaml *map, gr_error *err) {
    gr_choosing *c = &r->to->choose;
    const char *const *keys = NULL;
    int count = 0;
    GR_TRY(gr_yaml_texts(map, &keys, &count, "most", err));
    if (!count)
        return gr_yaml_fail(map, err, "most: FIGURE", "choose says of no figure that it should be as large as it can");

    int *most = gr_arena_alloc(r->arena, (size_t)count * sizeof *most);
    const gr_yaml *node = gr__yaml_child(map, "most");
    c->most = most;
    for (int i = 0; i < count; i++) {
        GR_TRY(find_figure(&most[i], r->to, node, keys[i], err));
        if (is_taken(c, most[i]))
            return gr_yaml_fail(node, err, "name it once", "figure %s is named twice", keys[i]);
        c->mosts++;
    }
    return GR_OK;
}

/* {FIGURE: NUMBER, ..}: not above it, or not below it. */
static gr_status read_bounds(gr__experiment_reader *r, gr_yaml *node, gr_bound *bounds, bool least, gr_error *err) {
    gr_choosing *c = &r->to->choose;
    for (gr_yaml *child = node ? gr_yaml_first(node) : NULL; child; child = gr_yaml_next(child)) {
        const gr_yaml key = gr__key_of(child);
        gr_bound *bound = &bounds[c->bounds];
        *bound = (gr_bound){.least = least};
        GR_TRY(find_figure(&bound->figure, r->to, &key, child->key, err));
        if (is_taken(c, bound->figure))
            return gr_yaml_fail(&key, err, "name it once", "figure %s is named twice", child->key);
        GR_TRY(gr_yaml_as_real(child, &bound->limit, -DBL_MAX, DBL_MAX, err));
        c->bounds++;
    }
    return GR_OK;
}

/* ---- axes ---- */

/* [LOW, HIGH] of an axis. */
static gr_status read_range(double range[2], gr_yaml *node, gr_error *err) {
    GR_TRY(gr_yaml_expect(node, GR_YAML_LIST, err));
    if (node->count != 2)
        return gr_yaml_fail(node, err, "[LOW, HIGH]", "the ends of %s are %d numbers, expected two", node->key,
                            node->count);
    GR_TRY(gr_yaml_as_real(gr_yaml_first(node), &range[0], -DBL_MAX, DBL_MAX, err));
    return gr_yaml_as_real(node->last, &range[1], range[0], DBL_MAX, err);
}

/* ends: {AXIS: [LOW, HIGH]}, beyond which there is nothing to try. */
static gr_status read_ends(gr__experiment_reader *r, gr_yaml *map, gr_error *err) {
    const gr_experiment *e = r->to;
    gr_yaml *node;
    double(*ends)[2] = gr_arena_alloc(r->arena, (size_t)e->axes * sizeof *ends);
    for (int a = 0; a < e->axes; a++) {
        ends[a][0] = -INFINITY;
        ends[a][1] = INFINITY;
    }
    r->to->choose.ends = (const double(*)[2])ends;

    /* Those that are said. */
    GR_TRY(gr_yaml_map(map, &node, "ends", err));
    for (gr_yaml *child = node ? gr_yaml_first(node) : NULL; child; child = gr_yaml_next(child)) {
        int axis;
        GR_TRY(gr__axis_read(r, child, &axis, err));
        gr_yaml_leave(child);
        GR_TRY(read_range(ends[axis], child, err));
    }
    return GR_OK;
}

/* ---- presets ---- */

/* Names of presets from small to large. Once one is applied the others are gone, and were read before. */
static gr_status read_presets(gr__experiment_reader *r, gr_yaml *map, gr_error *err) {
    gr_choosing *c = &r->to->choose;
    gr_yaml *presets;
    GR_TRY(gr_yaml_texts(map, &c->preset, &c->presets, "presets", err));
    GR_TRY(gr_yaml_map(r->root, &presets, "presets", err));

    /* Each is one of the experiment's; else all of these are told of. */
    for (int i = 0; i < c->presets && !r->to->preset; i++)
        if (!presets || !gr__yaml_child(presets, c->preset[i])) {
            const char *known[64];
            int count = 0;
            for (gr_yaml *child = presets ? presets->first : NULL; child && count < 64; child = child->next)
                known[count++] = child->key;
            return gr__recipe_unknown(gr__yaml_child(map, "presets"), "preset", c->preset[i], known, count, err);
        }
    return GR_OK;
}

/* After figures, axes and presets, which it names. */
gr_status gr__experiment_choose(gr__experiment_reader *r, gr_error *err) {
    gr_yaml *map, *at_most, *at_least;
    gr_choosing *c = &r->to->choose;
    GR_TRY(gr_yaml_map(r->root, &map, "choose", err));
    if (!map)
        return GR_OK;
    if (r->to->axes == 0)
        return gr_yaml_fail(map, err, "axes: {NAME: {VALUE: {KEY: VALUE}}}",
                            "there is nothing to choose: settings are values of axes, and there is no axis");

    /* What is wanted, as large as it can be and within bounds. */
    GR_TRY(read_most(r, map, err));
    GR_TRY(gr_yaml_map(map, &at_most, "at_most", err));
    GR_TRY(gr_yaml_map(map, &at_least, "at_least", err));
    const size_t most = (size_t)((at_most ? at_most->count : 0) + (at_least ? at_least->count : 0)) + 1;
    gr_bound *bounds = gr_arena_alloc(r->arena, most * sizeof *bounds);
    c->bound = bounds;
    GR_TRY(read_bounds(r, at_most, bounds, true, err));
    GR_TRY(read_bounds(r, at_least, bounds, false, err));

    /* What counts as equal, what cannot be tried, and in which sizes. */
    GR_TRY(gr_yaml_real(map, &c->within, "within", 0, DBL_MAX, err));
    GR_TRY(read_ends(r, map, err));
    GR_TRY(read_presets(r, map, err));
    return gr_yaml_finish(map, err);
}
