/* What of a recipe decides a result. */
#include "recipe/deciding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const free_to_change[] = {
    "threads",         "twins",      "prompts", "relearn", "diagnostics", "train.checkpoint", "train.checkpoint_share",
    "train.recompute", "development"};

/* Whether a node is the one that dotted names lead to from the top. */
static bool is_at(const gr_yaml *node, const char *path) {
    const char *dot = strchr(path, '.');
    const gr_yaml *in = node->parent;
    if (!node->key || !in)
        return false;
    if (!dot)
        return !in->parent && !strcmp(node->key, path);
    return !strcmp(node->key, dot + 1) && in->key && in->parent && !in->parent->parent &&
           !strncmp(in->key, path, (size_t)(dot - path)) && !in->key[dot - path];
}

bool gr__recipe_is_free(const gr_yaml *node) {
    for (size_t i = 0; i < sizeof free_to_change / sizeof *free_to_change; i++)
        if (is_at(node, free_to_change[i]))
            return true;
    return false;
}

/* The section at the top that a node stands in. */
static const gr_yaml *section_of(const gr_yaml *node) {
    while (node->parent && node->parent->parent)
        node = node->parent;
    return node;
}

bool gr__recipe_is_ordered(const gr_yaml *map) {
    static const char *const weights[] = {"forward", "activation", "parameter", "weights"};
    if (is_at(map, "labels") || is_at(map, "regions"))
        return true;
    if (!map->key || !map->parent || strcmp(section_of(map)->key, "routes") != 0)
        return false;
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        if (!strcmp(map->key, weights[i]))
            return true;
    return false;
}

/* Takes out of a map, and of the sections at the top, what may change without changing a result. */
static void remove_free(gr_yaml *map) {
    for (gr_yaml *child = map->first, *next; child; child = next) {
        next = child->next;
        if (gr__recipe_is_free(child))
            gr_yaml_remove(child);
        else if (child->kind == GR_YAML_MAP && !map->parent)
            remove_free(child);
    }
}

gr_status gr__recipe_deciding(gr_yaml **root, const char *text, gr_error *err) {
    GR_TRY(gr_yaml_parse(root, text, strlen(text), "recipe", err));
    remove_free(*root);
    return GR_OK;
}

/* ---- differences ---- */

enum { NAMED = 3 /* differences that are spelt out */, VALUE = 60 /* bytes of a value */ };

/* A text that is cut where its room ends. */
typedef struct note {
    char *text;
    size_t size, used;
} note;

static void add(note *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(note *to, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int n = vsnprintf(to->text + to->used, to->size - to->used, format, list);
    va_end(list);
    to->used += n > 0 ? (size_t)n : 0;
    to->used = to->used < to->size ? to->used : to->size - 1;
}

/* On one line, as YAML in flow style. */
static void add_value(note *to, const gr_yaml *node) {
    if (node->kind == GR_YAML_SCALAR) {
        add(to, "%s", node->text);
        return;
    }

    /* Children one after the other, those of a map with their keys. */
    bool map = node->kind == GR_YAML_MAP;
    add(to, map ? "{" : "[");
    for (const gr_yaml *child = node->first; child; child = child->next) {
        if (map)
            add(to, "%s: ", child->key);
        add_value(to, child);
        if (child->next)
            add(to, ", ");
    }
    add(to, map ? "}" : "]");
}

/* The value as it is shown, "not set" without a node, with dots at the end where it was cut. */
static const char *value_of(char text[VALUE], const gr_yaml *node) {
    note value = {text, VALUE, 0};
    text[0] = 0;
    if (!node)
        return "not set";
    add_value(&value, node);
    if (value.used == VALUE - 1) /* cut */
        memcpy(text + VALUE - 4, "...", 4);
    return text;
}

/* A walk over both trees at once. */
typedef struct walk {
    note *list;
    int found;
} walk;

/* Notes one difference; beyond the first few they are only counted. */
static void differ(walk *w, const gr_yaml *here, const gr_yaml *there) {
    char path[120], ours[VALUE], theirs[VALUE];
    if (w->found++ < NAMED)
        add(w->list, "%s%s is %s here, %s there", w->found > 1 ? "; " : "",
            gr_yaml_path(here ? here : there, path, sizeof path), value_of(ours, here), value_of(theirs, there));
}

/* Names of a map on one line, in their order. */
static const char *names_of(char text[VALUE], const gr_yaml *map) {
    note names = {text, VALUE, 0};
    text[0] = 0;
    for (const gr_yaml *child = map->first; child; child = child->next)
        add(&names, "%s%s", child->key, child->next ? ", " : "");
    if (names.used == VALUE - 1) /* cut */
        memcpy(text + VALUE - 4, "...", 4);
    return text;
}

/* Where order says something: the same names in another one. */
static void compare_order(walk *w, const gr_yaml *here, const gr_yaml *there) {
    char path[120], ours[VALUE], theirs[VALUE];
    const gr_yaml *a = here->first, *b = there->first;
    for (; a && b && !strcmp(a->key, b->key); a = a->next, b = b->next)
        ;
    bool same = !a && !b;
    for (a = here->first; a && !same; a = a->next) /* a name that is missing is a difference of its own */
        if (!gr__yaml_child(there, a->key))
            return;
    if (!same && here->count == there->count && w->found++ < NAMED)
        add(w->list, "%sthe order of %s is %s here, %s there", w->found > 1 ? "; " : "",
            gr_yaml_path(here, path, sizeof path), names_of(ours, here), names_of(theirs, there));
}

static void compare(walk *w, const gr_yaml *here, const gr_yaml *there);

/* Keys of both, then those that stand there alone. */
static void compare_maps(walk *w, const gr_yaml *here, const gr_yaml *there) {
    if (gr__recipe_is_ordered(here))
        compare_order(w, here, there);
    for (const gr_yaml *child = here->first; child; child = child->next)
        compare(w, child, gr__yaml_child(there, child->key));
    for (const gr_yaml *child = there->first; child; child = child->next)
        if (!gr__yaml_child(here, child->key))
            differ(w, NULL, child);
}

/* Two nodes at one place of their trees; `there` may be missing. */
static void compare(walk *w, const gr_yaml *here, const gr_yaml *there) {
    if (!there || here->kind != there->kind || (here->kind == GR_YAML_LIST && here->count != there->count)) {
        differ(w, here, there);
    } else if (here->kind == GR_YAML_MAP) {
        compare_maps(w, here, there);
    } else if (here->kind == GR_YAML_LIST) {
        const gr_yaml *other = there->first;
        for (const gr_yaml *child = here->first; child; child = child->next, other = other->next)
            compare(w, child, other);
    } else if (strcmp(here->text, there->text) != 0) {
        differ(w, here, there);
    }
}

/* Whether `key` of a map is what it would be by default: the same as `leader`. */
static bool follows(gr_yaml *map, const char *key, const char *leader) {
    const gr_yaml *own = map ? gr_yaml_find(map, key) : NULL, *other = map ? gr_yaml_find(map, leader) : NULL;
    return own && other && own->kind == GR_YAML_SCALAR && other->kind == GR_YAML_SCALAR &&
           strcmp(own->text, other->text) == 0;
}

/* Nobody changed what follows its leader in both trees. */
static void drop_followers(gr_yaml *here, gr_yaml *there) {
    static const struct {
        const char *section, *key, *leader; /* section: NULL: the top */
    } defaults[] = {{NULL, "split_seed", "seed"}, {NULL, "order_seed", "seed"}, {"train", "micro", "batch"}};

    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        const char *section = defaults[i].section, *key = defaults[i].key, *leader = defaults[i].leader;
        gr_yaml *ours = section ? gr_yaml_find(here, section) : here;
        gr_yaml *theirs = section ? gr_yaml_find(there, section) : there;
        if (follows(ours, key, leader) && follows(theirs, key, leader)) {
            gr_yaml_remove(gr_yaml_find(ours, key));
            gr_yaml_remove(gr_yaml_find(theirs, key));
        }
    }
}

int gr__recipe_differences(char *text, size_t size, gr_yaml *here, gr_yaml *there) {
    note list = {text, size, 0};
    walk w = {&list, 0};
    text[0] = 0;
    drop_followers(here, there);
    compare_maps(&w, here, there);
    if (w.found > NAMED)
        add(&list, "; and %d more", w.found - NAMED);
    return w.found;
}
