/* experiment_select.c - what of an experiment runs: arms, points, values of knobs; and the recipes that they have. */
#include <stdint.h>
#include <string.h>

#include "base/names.h"
#include "lab/experiment_read.h"
#include "recipe/graft.h"
#include "recipe/read.h"

/* ---- arms ---- */

static int number_of(const gr_experiment *e, const gr_arm *arm) { return (int)(arm - e->arm); }

/* Arms without a word of their own run when their parent does. */
static bool when_holds(const gr_arm *arm, const gr_selection *how) {
    while (arm && !arm->when)
        arm = arm->from;
    return !arm || gr__has_text(how->fact, how->facts, arm->when);
}

/* Those that are named, and what goes on from them. */
static gr_status add_named(bool *runs, const gr_experiment *e, const gr_selection *how, gr_error *err) {
    /* By their names. */
    bool *named = gr_alloc((size_t)e->arms * sizeof *named);
    gr_status status = GR_OK;
    for (int i = 0; i < how->arms && status == GR_OK; i++) {
        gr_yaml node = {.kind = GR_YAML_SCALAR,
                        .quoted = true,
                        .text = how->arm[i],
                        .at = {how->place ? how->place
                               : e->file  ? e->file
                                          : e->name,
                               0, 0}};
        gr__experiment_reader r = {.to = (gr_experiment *)e};
        int arm;
        status = gr__arm_read(&r, &node, &arm, err);
        if (status == GR_OK)
            named[arm] = true;
    }

    /* Parents stand before their children: one pass finds all that goes on from them. */
    for (int i = 0; i < e->arms && status == GR_OK; i++) {
        const gr_arm *from = e->arm[i].from;
        named[i] = named[i] || (from && named[number_of(e, from)]);
        runs[i] = runs[i] || named[i];
    }
    gr_free(named);
    return status;
}

gr_status gr_experiment_select(bool *runs, const gr_experiment *e, const gr_selection *how, gr_error *err) {
    const char *place = how->place ? how->place : e->file ? e->file : e->name;
    for (int i = 0; i < e->needs; i++)
        if (!gr__has_text(how->fact, how->facts, e->need[i]))
            return gr_error_set(
                err, GR_ERR_USAGE, place,
                "labels are made by the recipe: labels: {NAME: {is: [TOPIC]}}; else take another recipe",
                "experiment %s needs data that have %s", e->name, e->need[i]);

    /* Who chooses: the caller, the file, or the data. */
    for (int i = 0; i < e->arms; i++)
        runs[i] = e->arm[i].fixed;
    if (how->named)
        GR_TRY(add_named(runs, e, how, err));
    else if (e->only)
        for (int i = 0; i < e->onlys; i++)
            runs[e->only[i]] = true;
    else
        for (int i = 0; i < e->arms; i++)
            runs[i] = runs[i] || when_holds(&e->arm[i], how);

    /* Parents stand before their children. */
    for (int i = e->arms - 1; i >= 0; i--)
        if (runs[i] && e->arm[i].from)
            runs[number_of(e, e->arm[i].from)] = true;
    return GR_OK;
}

/* ---- points and knobs ---- */

int gr_experiment_points(const gr_experiment *e) {
    int points = 1;
    for (int i = 0; i < e->axes; i++)
        points *= e->axis[i].runs;
    return points;
}

int gr_experiment_value(const gr_experiment *e, int point, int axis) {
    for (int i = e->axes - 1; i > axis; i--)
        point /= e->axis[i].runs;
    return e->axis[axis].run[point % e->axis[axis].runs];
}

bool gr_experiment_at(const gr_experiment *e, const gr_at *at, int ats, int point) {
    /* Of each axis that is named, one of the values. */
    for (int i = 0; i < ats; i++) {
        bool found = false;
        for (int k = 0; k < ats; k++)
            found = found || (at[k].axis == at[i].axis && at[k].value == gr_experiment_value(e, point, at[k].axis));
        if (!found)
            return false;
    }
    return true;
}

int gr_experiment_knobs(const gr_experiment *e, int arm) {
    const gr_arm *a = &e->arm[arm];
    while (a && a->knob.values == 0)
        a = a->from;
    return a ? a->knob.values : 1;
}

/* ---- options ---- */

gr_status gr_experiment_settings(gr_settings **settings, const gr_experiment *e, int arm, int knob,
                                 const gr_recipe *recipe, gr_error *err) {
    const gr_arm *a = &e->arm[arm];
    *settings = NULL;
    return gr__options_read(settings, a->method->option, a->method->preset, recipe,
                            a->options[a->knob.values > 0 ? knob : 0], err);
}

gr_status gr_reading_settings(gr_settings **settings, const gr_reading *reading, const gr_recipe *recipe,
                              gr_error *err) {
    const gr_setting *table = reading->attack ? reading->attack->option : reading->measure->option;
    *settings = NULL;
    return gr__options_read(settings, table, reading->attack ? reading->attack->preset : reading->measure->preset,
                            recipe, reading->options, err);
}

/* ---- recipes ---- */

/* What all arms begin with: a file, or the map that stands in the experiment. */
static gr_status open_base(gr_yaml **tree, const char **file, const gr_experiment *e, const char *given,
                           const char *text, gr_error *err) {
    *file = given ? given : e->base ? e->file : e->base_file;
    if (!given && e->base) {
        *tree = gr_yaml_copy(e->base, false);
        return GR_OK;
    }
    if (!*file)
        return gr_error_set(err, GR_ERR_USAGE, e->file ? e->file : e->name, "say which: --base RECIPE",
                            "experiment %s has no recipe of its own", e->name);
    return text ? gr_yaml_parse(tree, text, strlen(text), *file, err) : gr_yaml_open(tree, *file, err);
}

/* Changes in their order: the later wins. */
static gr_status set_all(gr_yaml *tree, const gr_set *set, int sets, gr_error *err) {
    for (int i = 0; i < sets; i++)
        GR_TRY(gr__recipe_change(tree, set[i].key, set[i].value, err));
    return GR_OK;
}

/* The recipe's seed and those above it; split_seed and order_seed follow where the recipe does not say them. */
static gr_status set_seed(gr_yaml *tree, int number, gr_error *err) {
    int64_t seed = 1;
    gr_yaml *node = gr__yaml_child(tree, "seed");
    if (number == 0)
        return GR_OK;
    if (node)
        GR_TRY(gr_yaml_as_int(node, &seed, 0, INT64_MAX - number, err));
    if (node)
        gr_yaml_remove(node);
    gr_yaml_add_int(tree, "seed", seed + number)->added = false;
    return GR_OK;
}

/* Changes of the experiment, then of the command, then of the point, then the seed: the later wins. */
static gr_status apply(gr_yaml *tree, const gr_experiment *e, const gr_experiment_base *base, gr_error *err) {
    GR_TRY(set_all(tree, e->set, e->sets, err));
    for (int i = 0; i < base->sets; i++)
        GR_TRY(gr_yaml_set(tree, base->set[i], err));
    for (int i = 0; i < e->axes; i++) {
        int value = gr_experiment_value(e, base->point, i);
        GR_TRY(set_all(tree, e->axis[i].set[value], e->axis[i].sets[value], err));
    }
    return set_seed(tree, base->seed, err);
}

gr_status gr_experiment_recipe(gr_recipe **recipe, const gr_experiment *e, const gr_experiment_base *base,
                               gr_error *err) {
    gr_yaml *tree;
    const char *file;
    *recipe = NULL;

    /* As YAML: what is set changes the text of a recipe, which is read and checked once all of it stands. */
    GR_TRY(open_base(&tree, &file, e, base->file, base->text, err));
    gr_status status = apply(tree, e, base, err);
    if (status == GR_OK && e->development)
        status = gr__recipe_develop(tree, file, err);

    /* The recipe takes the tree. */
    if (status != GR_OK)
        gr_yaml_free(tree);
    else
        status = gr__recipe_of(recipe, tree, file, err);
    return status;
}
