/* What of a recipe decides a result. */
#include "recipe/deciding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

gr_status gr__recipe_deciding(gr_yaml **root, const char *text, gr_error *err) {
    static const char *const free_to_change[] = {
        "threads",        "twins", "prompts", "relearn", "diagnostics", "train.checkpoint", "train.checkpoint_share",
        "train.recompute"};
    GR_TRY(gr_yaml_parse(root, text, strlen(text), "recipe", err));

    for (size_t i = 0; i < sizeof free_to_change / sizeof *free_to_change; i++) {
        const char *dot = strchr(free_to_change[i], '.');
        gr_yaml *map = dot ? gr_yaml_find(*root, "train") : *root;
        gr_yaml *node = map ? gr_yaml_find(map, dot ? dot + 1 : free_to_change[i]) : NULL;
        if (node)
            gr_yaml_remove(node);
    }
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

static void differ(walk *w, const gr_yaml *here, const gr_yaml *there) {
    char path[120], ours[VALUE], theirs[VALUE];
    if (w->found++ < NAMED)
        add(w->list, "%s%s is %s here, %s there", w->found > 1 ? "; " : "",
            gr_yaml_path(here ? here : there, path, sizeof path), value_of(ours, here), value_of(theirs, there));
}

static void compare(walk *w, const gr_yaml *here, const gr_yaml *there);

/* Keys of both, then those that stand there alone. */
static void compare_maps(walk *w, const gr_yaml *here, const gr_yaml *there) {
    for (const gr_yaml *child = here->first; child; child = child->next)
        compare(w, child, gr__yaml_child(there, child->key));
    for (const gr_yaml *child = there->first; child; child = child->next)
        if (!gr__yaml_child(here, child->key))
            differ(w, NULL, child);
}

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
