/* experiment_arms.c - the arms of an experiment: their methods, parents, and when they run; and what is said of arms by
 * name. */
#include <string.h>

#include "base/names.h"
#include "lab/experiment_read.h"
#include "lab/registry.h"
#include "recipe/read.h"

/* ---- arms by name ---- */

gr_status gr__arm_read(const gr__experiment_reader *r, const gr_yaml *node, int *arm, gr_error *err) {
    const gr_experiment *e = r->to;
    const char *text;
    GR_TRY(gr_yaml_as_text(node, &text, err));
    for (*arm = 0; *arm < e->arms; (*arm)++)
        if (strcmp(e->arm[*arm].name, text) == 0)
            return GR_OK;

    /* Which there are, for the hint. */
    const char **known = gr_alloc(((size_t)e->arms + 1) * sizeof *known);
    for (int i = 0; i < e->arms; i++)
        known[i] = e->arm[i].name;
    gr_status status = gr__recipe_unknown(node, "arm", text, known, e->arms, err);
    gr_free(known);
    return status;
}

gr_status gr__arms_read(gr__experiment_reader *r, gr_yaml *node, const int **arm, int *arms, gr_error *err) {
    int *list = gr_arena_alloc(r->arena, ((size_t)gr__names_count(node) + 1) * sizeof *list), count = 0;
    for (gr_yaml *item = gr__names_first(node); item; item = gr__names_next(node, item)) {
        GR_TRY(gr__arm_read(r, item, &list[count], err));
        for (int i = 0; i < count; i++)
            if (list[i] == list[count])
                return gr_yaml_fail(item, err, "name it once", "the arm %s stands here twice", item->text);
        count++;
    }
    *arm = list;
    *arms = count;
    return GR_OK;
}

/* ---- one arm ---- */

/* An arm before all of them are known. */
typedef struct draft {
    gr_arm arm;
    gr_yaml *map, *from; /* from: the node that names its parent; NULL: it has none */
    int parent;          /* by number, -1: none */
    int place;           /* among the arms in order; -1: not placed yet */
} draft;

/* Which of the keys of an arm is its method: the one that no arm has otherwise. */
static gr_status find_method(gr__experiment_reader *r, draft *d, gr_yaml **options, gr_error *err) {
    static const char *const own[] = {"from", "when", "fixed", "at", "title", "note", "shown"};
    const gr_yaml *other = NULL;
    *options = NULL;
    for (gr_yaml *child = d->map->first; child; child = child->next) {
        bool is_own = false;
        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            is_own = is_own || strcmp(child->key, own[i]) == 0;
        const gr_method *method = is_own ? NULL : gr_registry_method(r->registry, child->key);
        const gr_yaml key = gr__key_of(child);
        if (method && *options)
            return gr_yaml_fail(&key, err,
                                "an arm is made by one method; another goes on from it, in an arm of its own",
                                "arm %s has two methods, %s and %s", d->map->key, d->arm.method->name, child->key);
        if (method) {
            d->arm.method = method;
            *options = child;
        }
        other = !method && !is_own && !other ? child : other;
    }

    /* A key that is none: a method where there is no other, else a slip. */
    if (*options && !other)
        return GR_OK;
    int methods;
    const char **known = gr__registry_names(r->registry, GR__REGISTRY_METHODS, &methods);
    const gr_yaml key = gr__key_of(other ? other : d->map);
    gr_status status = GR_OK;
    if (!*options && other)
        status = gr__recipe_unknown(&key, "method", key.key, known, methods, err);
    else if (!*options)
        status = gr_yaml_fail(d->map, err, "{METHOD: {OPTION: VALUE}}", "arm %s has no method", d->map->key);
    else
        status = gr__recipe_unknown(&key, "key of an arm", key.key, own, sizeof own / sizeof *own, err);
    gr_free(known);
    return status;
}

/* A word for when it runs. */
static gr_status read_when(draft *d, gr_error *err) {
    const char *words[8] = {"asked"};
    int count = 1;
    gr_yaml *node = gr_yaml_find(d->map, "when");
    if (!node)
        return GR_OK;
    for (; gr__fact_words[count - 1]; count++)
        words[count] = gr__fact_words[count - 1];

    GR_TRY(gr_yaml_as_text(node, &d->arm.when, err));
    return gr__has_text(words, count, d->arm.when) ? GR_OK
                                                   : gr__recipe_unknown(node, "fact", d->arm.when, words, count, err);
}

/* One arm without its parent, who may be read later. */
static gr_status read_arm(gr__experiment_reader *r, draft *d, gr_yaml *map, gr_error *err) {
    /* Names of folders that lie beside those of arms, and of what lies beside their texts. */
    static const char *const taken[] = {"data", "cells", "work", "arms", "subject", "prompt", NULL};
    gr_yaml *options;
    *d = (draft){.map = map, .parent = -1, .place = -1};
    GR_TRY(gr__experiment_name(map, "an arm", taken, err));
    GR_TRY(gr_yaml_expect(map, GR_YAML_MAP, err));
    GR_TRY(find_method(r, d, &options, err));

    /* All of it but the parent, who may not be known yet. */
    gr_arm *arm = &d->arm;
    arm->name = arm->title = map->key;
    arm->note = "";
    d->from = gr_yaml_find(map, "from");
    GR_TRY(read_when(d, err));
    GR_TRY(gr_yaml_bool(map, &arm->fixed, "fixed", err));
    GR_TRY(gr_yaml_text(map, &arm->title, "title", err));
    GR_TRY(gr_yaml_text(map, &arm->note, "note", err));
    GR_TRY(gr_yaml_text(map, &arm->shown, "shown", err));
    GR_TRY(gr__at_read(r, map, &arm->at, &arm->ats, err));
    options = gr_yaml_find(map, options->key);
    return gr__experiment_options(r, arm, options, err);
}

/* ---- all of them ---- */

/* Finds the parent of an arm among all. */
static gr_status find_parent(draft *drafts, int count, draft *d, gr_error *err) {
    /* It is the method that needs one, or takes none. */
    const char *text;
    if (!d->from && d->arm.method->from)
        return gr_yaml_fail(d->map, err, "from: ARM", "arm %s goes on from another by %s, and names none", d->arm.name,
                            d->arm.method->name);
    if (!d->from)
        return GR_OK;
    if (!d->arm.method->from)
        return gr_yaml_fail(d->from, err, "leave `from` out", "%s makes a model from the seed, and arm %s has a parent",
                            d->arm.method->name, d->arm.name);

    /* By its name. */
    GR_TRY(gr_yaml_as_text(d->from, &text, err));
    const char **known = gr_alloc((size_t)count * sizeof *known);
    for (int i = 0; i < count; i++) {
        known[i] = drafts[i].arm.name;
        if (strcmp(text, known[i]) == 0)
            d->parent = i;
    }
    gr_status status = d->parent < 0 ? gr__recipe_unknown(d->from, "arm", text, known, count, err) : GR_OK;
    gr_free(known);
    return status;
}

/* "a -> b -> a": the way on which an arm comes back to itself. */
static gr_status cycle_error(const draft *drafts, int first, gr_error *err) {
    char *way = gr_strdup(drafts[first].arm.name);
    int at = first;
    do {
        at = drafts[at].parent;
        char *longer = gr_format("%s -> %s", way, drafts[at].arm.name);
        gr_free(way);
        way = longer;
    } while (at != first);
    gr_status status = gr_yaml_fail(drafts[first].from, err, "one of them is made from the seed",
                                    "arm %s goes on from itself: %.300s", drafts[first].arm.name, way);
    gr_free(way);
    return status;
}

/* Whether the arm is its own parent, over however many. */
static bool is_cyclic(const draft *drafts, int count, int first) {
    int at = drafts[first].parent;
    for (int steps = 0; steps < count && at >= 0 && at != first; steps++)
        at = drafts[at].parent;
    return at == first;
}

/* Puts an arm behind its parents, which are placed on the way. */
static void place_arm(gr_experiment *e, gr_arm *arms, draft *drafts, int number) {
    while (drafts[number].place < 0) {
        /* The first of its line that is not there yet. */
        int next = number;
        while (drafts[next].parent >= 0 && drafts[drafts[next].parent].place < 0)
            next = drafts[next].parent;
        draft *d = &drafts[next];
        d->place = e->arms++;
        arms[d->place] = d->arm;
        if (d->parent >= 0)
            arms[d->place].from = &arms[drafts[d->parent].place];
    }
}

/* At most one knob in a line of parents: children have their values. */
static gr_status check_knobs(const draft *d, const gr_arm *arm, gr_error *err) {
    const gr_arm *parent = arm->from;
    while (parent && parent->knob.values == 0)
        parent = parent->from;
    if (arm->knob.values == 0 || !parent)
        return GR_OK;
    return gr_yaml_fail(d->map, err, "an arm has the values of its parent's knob, and none of its own beside them",
                        "arm %s has a knob, %.100s, and so has arm %s, which it goes on from", arm->name,
                        arm->knob.path, parent->name);
}

/* Puts arms behind their parents; a circle is an error. */
static gr_status order_arms(gr__experiment_reader *r, draft *drafts, int count, gr_error *err) {
    gr_arm *arms = gr_arena_alloc(r->arena, ((size_t)count + 1) * sizeof *arms);
    for (int i = 0; i < count; i++)
        GR_TRY(find_parent(drafts, count, &drafts[i], err));
    for (int i = 0; i < count; i++)
        if (is_cyclic(drafts, count, i))
            return cycle_error(drafts, i, err);

    r->to->arm = arms;
    for (int i = 0; i < count; i++)
        place_arm(r->to, arms, drafts, i);
    for (int i = 0; i < count; i++)
        GR_TRY(check_knobs(&drafts[i], &arms[drafts[i].place], err));
    return GR_OK;
}

gr_status gr__experiment_arms(gr__experiment_reader *r, gr_error *err) {
    gr_yaml *map;
    GR_TRY(gr_yaml_map(r->root, &map, "arms", err));
    if (!map || map->count == 0)
        return gr_yaml_fail(map ? map : r->root, err, "arms: {NAME: {METHOD: {OPTION: VALUE}}}",
                            "the experiment has no arms");

    /* Each by itself, then their parents and their order. */
    draft *drafts = gr_alloc((size_t)map->count * sizeof *drafts);
    gr_status status = GR_OK;
    int count = 0;
    for (gr_yaml *child = gr_yaml_first(map); child && status == GR_OK; child = gr_yaml_next(child))
        status = read_arm(r, &drafts[count++], child, err);
    if (status == GR_OK)
        status = order_arms(r, drafts, count, err);
    gr_free(drafts);
    return status;
}

/* ---- roles, and other lists of arms ---- */

/* The arm that has a role; -1 where the role is not given. */
static gr_status read_role(gr__experiment_reader *r, gr_yaml *map, const char *role, int *arm, gr_error *err) {
    const gr_yaml *node = gr_yaml_find(map, role);
    return node ? gr__arm_read(r, node, arm, err) : GR_OK;
}

/* The value of a key as a list of arms, which may not be empty unless it may. */
static gr_status read_list(gr__experiment_reader *r, gr_yaml *map, const char *key, const int **arm, int *arms,
                           gr_error *err) {
    gr_yaml *node = gr_yaml_find(map, key);
    if (!node)
        return GR_OK;
    GR_TRY(gr__arms_read(r, node, arm, arms, err));
    return *arms > 0 ? GR_OK : gr_yaml_fail(node, err, "leave it out", "%s is an empty list", key);
}

gr_status gr__experiment_roles(gr__experiment_reader *r, gr_error *err) {
    gr_experiment *e = r->to;
    gr_yaml *roles;
    GR_TRY(gr_yaml_map(r->root, &roles, "roles", err));
    if (roles) {
        GR_TRY(read_role(r, roles, "zero", &e->zero, err));
        GR_TRY(read_role(r, roles, "subject", &e->subject, err));
        GR_TRY(read_role(r, roles, "never_trained", &e->never, err));
        GR_TRY(read_list(r, roles, "one", &e->one, &e->ones, err));
        GR_TRY(gr_yaml_finish(roles, err));
    }
    GR_TRY(read_list(r, r->root, "suggest", &e->suggest, &e->suggests, err));
    return read_list(r, r->root, "only", &e->only, &e->onlys, err);
}
