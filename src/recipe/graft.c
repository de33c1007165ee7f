/* Recipes out of other recipes. */
#include "recipe/graft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "recipe/read.h"

gr_yaml *gr__recipe_said(const gr_recipe *recipe) { return gr_yaml_copy(recipe->root, true); }

/* ---- keys that stand for several places ---- */

/* What is changed in a tree, and at how many places it was. */
typedef struct change {
    gr_yaml *tree;
    const gr_yaml *value; /* its key is that of the change */
    const gr_yaml *times; /* the factor of {times: FACTOR}; NULL: the value itself is put there */
    bool whole;           /* and the product is rounded */
    bool optional;        /* and where nothing is there nothing is changed */
    int places;
} change;

/* Where a part of a dotted path ends; a dot behind a backslash is its own. */
static const char *part_end(const char *path) {
    while (*path && *path != '.')
        path += *path == '\\' && path[1] == '.' ? 2 : 1;
    return path;
}

static bool is_star(const char *part, const char *end) { return end - part == 1 && *part == '*'; }

static bool has_star(const char *path) {
    const char *end = part_end(path);
    for (; *end; path = end + 1, end = part_end(path))
        if (is_star(path, end))
            return true;
    return is_star(path, end);
}

/* Whether a part names a child: by its key, or in a list by its number. */
static bool is_named(const char *part, const char *end, const gr_yaml *child, int index) {
    const char *key = child->key;
    if (is_star(part, end))
        return true;
    if (!key)
        return *part >= '0' && *part <= '9' && strtol(part, NULL, 10) == index;
    for (; part < end && *key; part++, key++) {
        part += *part == '\\' && part[1] == '.';
        if (*part != *key)
            return false;
    }
    return part == end && !*key;
}

/* The path of a node from the top, as gr_yaml_graft takes it; a new string. */
static char *path_of(const gr_yaml *node) {
    /* A key, with backslashes before its own dots, or a number. */
    char *part = gr_alloc(node->key ? 2 * strlen(node->key) + 1 : 16), *to = part;
    for (const char *key = node->key; key && *key; *to++ = *key++)
        if (*key == '.')
            *to++ = '\\';
    int index = 0;
    for (const gr_yaml *child = node->parent->first; child != node; child = child->next)
        index++;
    if (!node->key)
        sprintf(part, "%d", index);

    /* Behind that of its parent. */
    if (!node->parent->parent)
        return part;
    char *above = path_of(node->parent), *path = gr_format("%s.%s", above, part);
    gr_free(above);
    gr_free(part);
    return path;
}

/* Multiplies the number that stands at a place; rounded, it is at least 1. */
static gr_status multiply(const change *c, const gr_yaml *node, const char *path, gr_error *err) {
    double factor, number;
    int64_t count;
    gr_error none = {0};
    GR_TRY(gr_yaml_as_real(c->times, &factor, 1e-9, 1e9, err));
    if (gr_yaml_as_count(node, &count, 0, 1000000000000, &none) == GR_OK) /* also 64k */
        number = (double)count;
    else
        GR_TRY(gr_yaml_as_real(node, &number, -1e12, 1e12, err));
    number *= factor;
    if (c->whole)
        number = fmax(1, round(number));

    /* As people write it; what is wrong with it is said of the change. */
    gr_yaml *fresh = gr_yaml_new(c->value->at.source), *product;
    product = number == floor(number) && fabs(number) < 1e15 ? gr_yaml_add_int(fresh, "times", (int64_t)number)
                                                             : gr_yaml_add_real(fresh, "times", number);
    product->at = product->key_at = c->value->key_at;
    product->added = false;
    gr_status status = gr_yaml_graft(c->tree, path, product, err);
    gr_yaml_free(fresh);
    return status;
}

/* Changes whatever the rest of a path leads to from a node; NULL: the node itself. */
static gr_status change_below(change *c, gr_yaml *node, const char *path, gr_error *err) {
    if (!path) {
        char *full = path_of(node);
        gr_status status = c->times ? multiply(c, node, full, err) : gr_yaml_graft(c->tree, full, c->value, err);
        gr_free(full);
        c->places++;
        return status;
    }

    /* Every child that the first part names. */
    const char *end = part_end(path);
    int index = 0;
    for (gr_yaml *child = node->first; child; child = child->next, index++)
        if (is_named(path, end, child, index))
            GR_TRY(change_below(c, child, *end ? end + 1 : NULL, err));
    return GR_OK;
}

/* The same walk for whoever only looks. */
static void each_below(const gr_yaml *node, const char *path,
                       void (*tell)(void *user, const char *path, const gr_yaml *node), void *user) {
    if (!path) {
        char *full = path_of(node);
        tell(user, full, node);
        gr_free(full);
        return;
    }

    /* Of a list by number. */
    const char *end = part_end(path);
    int number = 0;
    for (const gr_yaml *child = node->first; child; child = child->next)
        if (is_named(path, end, child, number++))
            each_below(child, *end ? end + 1 : NULL, tell, user);
}

void gr__recipe_each(const gr_yaml *tree, const char *key,
                     void (*tell)(void *user, const char *path, const gr_yaml *node), void *user) {
    each_below(tree, key, tell, user);
}

/* ---- recipes ---- */

/* {times: FACTOR}, also with whole and optional; any other value is put where it belongs as it is. */
static gr_status read_factor(change *c, gr_error *err) {
    const gr_yaml *times = c->value->kind == GR_YAML_MAP ? gr__yaml_child(c->value, "times") : NULL;
    const gr_yaml *whole = times ? gr__yaml_child(c->value, "whole") : NULL;
    const gr_yaml *optional = times ? gr__yaml_child(c->value, "optional") : NULL;
    if (!times || c->value->count != 1 + (whole != NULL) + (optional != NULL))
        return GR_OK;
    c->times = times;
    if (whole)
        GR_TRY(gr_yaml_as_bool(whole, &c->whole, err));
    return optional ? gr_yaml_as_bool(optional, &c->optional, err) : GR_OK;
}

gr_status gr__recipe_change(gr_yaml *tree, const char *key, const gr_yaml *value, gr_error *err) {
    change c = {.tree = tree, .value = value};
    GR_TRY(read_factor(&c, err));
    if (!c.times && !has_star(key))
        return gr_yaml_graft(tree, key, value, err);

    /* Places that there are, one at least. */
    GR_TRY(change_below(&c, tree, key, err));
    if (c.places > 0 || c.optional)
        return GR_OK;
    return gr_yaml_fail(value, err,
                        "`*` and `times` change what the recipe says: what it leaves out is written in full",
                        "the recipe has nothing at %.200s", key);
}

gr_status gr__recipe_graft(gr_yaml *tree, const gr_yaml *sets, gr_error *err) {
    for (const gr_yaml *set = sets ? sets->first : NULL; set; set = set->next)
        GR_TRY(gr__recipe_change(tree, set->key, set, err));
    return GR_OK;
}

gr_status gr__recipe_of(gr_recipe **recipe, gr_yaml *tree, const char *file, gr_error *err) {
    return gr__recipe_new(recipe, tree, file, NULL, 0, err);
}

gr_status gr__recipe_with(gr_recipe **recipe, const gr_recipe *base, const gr_yaml *sets, gr_error *err) {
    gr_yaml *tree = gr__recipe_said(base);
    gr_status status = gr__recipe_graft(tree, sets, err);
    *recipe = NULL;
    if (status != GR_OK)
        gr_yaml_free(tree);
    else
        status = gr__recipe_of(recipe, tree, base->file, err);
    return status;
}
