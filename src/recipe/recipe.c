/* A recipe: opening, overriding, reading section by section, writing. */
#include "gradroute/recipe.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "base/utf8.h"
#include "io/file.h"
#include "recipe/read.h"

/* ---- reads that several sections share ---- */

gr_status gr__recipe_int(gr_yaml *map, int *value, const char *key, int min, int max, gr_error *err) {
    int64_t wide = *value;
    GR_TRY(gr_yaml_count(map, &wide, key, min, max, err));
    *value = (int)wide;
    return GR_OK;
}

gr_status gr__recipe_reals(gr_yaml *map, double *values, int *count, int most, const char *key, double min, double max,
                           gr_error *err) {
    gr_yaml *node = gr_yaml_find(map, key);
    if (!node) {
        gr_yaml *list = gr_yaml_add_list(map, key);
        for (int i = 0; i < *count; i++)
            gr_yaml_add_real(list, NULL, values[i]);
        gr_yaml_is_plain(list, true);
        return GR_OK;
    }

    /* One number is a list of one. */
    bool list = node->kind == GR_YAML_LIST;
    if (node->kind != GR_YAML_SCALAR)
        GR_TRY(gr_yaml_expect(node, GR_YAML_LIST, err));
    if (list && (node->count < 1 || node->count > most))
        return gr_yaml_fail(node, err, NULL, "%s has %d numbers, expected 1 to %d", key, node->count, most);

    /* Each takes the place of a default, and is compared with it. */
    bool same = *count == (list ? node->count : 1);
    *count = 0;
    for (gr_yaml *c = list ? gr_yaml_first(node) : node; c; c = list ? gr_yaml_next(c) : NULL) {
        double before = values[*count];
        GR_TRY(gr_yaml_as_real(c, &values[*count], min, max, err));
        same = values[(*count)++] == before && same;
    }
    gr_yaml_is_plain(node, same);
    return GR_OK;
}

gr_status gr__recipe_ints(gr_recipe *recipe, gr_yaml *map, const int **values, int *count, const char *key, int min,
                          int max, gr_error *err) {
    gr_yaml *list;
    GR_TRY(gr_yaml_list(map, &list, key, err));
    if (!list)
        return GR_OK;

    /* A list that says what holds anyway is plain: it is left out where the recipe is written. */
    int *numbers = gr_arena_alloc(recipe->arena, sizeof *numbers * ((size_t)list->count + 1)), n = 0;
    bool same = list->count == *count;
    for (gr_yaml *c = gr_yaml_first(list); c; c = gr_yaml_next(c)) {
        int64_t wide;
        GR_TRY(gr_yaml_as_count(c, &wide, min, max, err));
        same = same && (*values)[n] == (int)wide;
        numbers[n++] = (int)wide;
    }
    gr_yaml_is_plain(list, same);
    *values = numbers;
    *count = n;
    return GR_OK;
}

/* A recipe is text and is kept as text: it cannot hold the name of a folder that is none. */
static gr_status check_text(const gr_yaml *node, const char *full, const char *key, gr_error *err) {
    if (gr_utf8_valid(full))
        return GR_OK;
    char *spelled = gr_utf8_spelled(full);
    gr_status status = gr_yaml_fail(node, err, "rename the folder, or name the file by a path from / that is UTF-8",
                                    "%s is '%.400s', a path that is not UTF-8, and a recipe is text", key, spelled);
    gr_free(spelled);
    return status;
}

/* What a relative path starts at: the folder of the file that says it, which may be another than the recipe's. */
static const char *folder_of(const gr_recipe *recipe, const gr_yaml *node, char folder[PATH_MAX]) {
    if (node->at.line == 0)
        return recipe->here;
    if (strcmp(node->at.source, recipe->root->at.source) == 0)
        return recipe->folder;
    if (!realpath(node->at.source, folder))
        return recipe->here;
    char *slash = strrchr(folder, '/');
    slash[slash == folder] = 0;
    return folder;
}

/* The path of a node, absolute; a new string. */
static gr_status absolute(const gr_recipe *recipe, const gr_yaml *node, char **full, const char *key, gr_error *err) {
    const char *text;
    *full = NULL;
    GR_TRY(gr_yaml_as_text(node, &text, err));
    if (!text[0])
        return gr_yaml_fail(node, err, NULL, "%s is empty, expected a path", key);

    /* Absolute: what is relative starts at the folder of the file that says it. */
    char folder[PATH_MAX];
    const char *from = folder_of(recipe, node, folder);
    while (text[0] == '.' && text[1] == '/')
        text += 2;
    *full = text[0] == '/' ? gr_strdup(text) : gr_format("%s/%s", strcmp(from, "/") == 0 ? "" : from, text);

    gr_status status = check_text(node, *full, key, err);
    if (status != GR_OK) {
        gr_free(*full);
        *full = NULL;
    }
    return status;
}

gr_status gr__recipe_path(gr_recipe *recipe, gr_yaml *map, const char **path, const char *key, gr_error *err) {
    gr_yaml *node = gr_yaml_find(map, key);
    char *full;
    if (!node)
        return GR_OK;

    /* The resolved recipe has the absolute path, so that it means the same from everywhere. */
    GR_TRY(absolute(recipe, node, &full, key, err));
    if (strcmp(full, node->text) != 0) {
        gr_yaml_remove(node);
        node = gr_yaml_add_text(map, key, full);
        node->added = false; /* the same path, spelled out */
    }
    gr_yaml_is_path(node);
    *path = node->text;
    gr_free(full);
    return GR_OK;
}

gr_status gr__recipe_paths(gr_recipe *recipe, gr_yaml *map, const char *const **paths, int *count, const char *key,
                           gr_error *err) {
    gr_yaml *node = gr_yaml_find(map, key);
    *count = 0;
    if (!node)
        return GR_OK;

    /* One path or a list of them, each made absolute. */
    bool one = node->kind == GR_YAML_SCALAR;
    if (!one)
        GR_TRY(gr_yaml_expect(node, GR_YAML_LIST, err));
    const char **kept = gr_arena_alloc(recipe->arena, sizeof *kept * (size_t)(one ? 1 : node->count + 1));
    gr_yaml *next = one ? node : gr_yaml_first(node);
    bool changed = false;
    for (; next; next = one ? NULL : gr_yaml_next(next)) {
        char *full;
        GR_TRY(absolute(recipe, next, &full, key, err));
        changed = changed || strcmp(full, next->text) != 0;
        gr_yaml_is_path(next);
        kept[(*count)++] = gr_arena_strdup(recipe->arena, full);
        gr_free(full);
    }

    /* The tree changes only where a path did: a key that is written anew goes to the end, and the digest of a run sees
     * the order of keys. */
    *paths = kept;
    if (!changed)
        return GR_OK;

    gr_yaml_remove(node);
    gr_yaml *list = one ? NULL : gr_yaml_add_list(map, key);
    if (list)
        list->added = false;
    for (int i = 0; i < *count; i++) {
        gr_yaml *path = gr_yaml_add_text(one ? map : list, one ? key : NULL, kept[i]);
        path->added = false;
        gr_yaml_is_path(path);
    }
    return GR_OK;
}

gr_status gr__recipe_name(const gr_yaml *node, const char *what, gr_error *err) {
    static const char *const taken[] = {"any",        "unlabelled", "core",   "topics",     "adjacent", "retain",
                                        "others",     "rest",       "all",    "embeddings", "norms",    "biases",
                                        "out_biases", "weights",    "layers", "embed",      "hidden",   "position",
                                        "unembed",    "norm",       "out"};
    const char *name = node->key;

    /* Names stand in files, messages and taps: letters and digits alone. */
    size_t good = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    if (!good || name[good] || good > 60)
        return gr_yaml_fail(node, err, "use letters, digits, _ and -, at most 60",
                            "'%.100s' cannot be the name of a %s", name, what);

    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcasecmp(name, taken[i]) == 0)
            return gr_yaml_fail(node, err, "choose another name", "'%s' means something else already: no name for a %s",
                                name, what);
    return GR_OK;
}

gr_status gr__recipe_unknown(const gr_yaml *node, const char *what, const char *word, const char *const *known,
                             int count, gr_error *err) {
    /* The nearest of the known words, or all of them. */
    char hint[300];
    const char *near = gr_nearest(word, known, (size_t)count, NULL);
    int used = snprintf(hint, sizeof hint, near ? "did you mean '%s'?" : count ? "there are: " : "there is none", near);
    for (int i = 0; i < count && !near && used < (int)sizeof hint; i++)
        used += snprintf(hint + used, sizeof hint - (size_t)used, "%s%s", i ? ", " : "", known[i]);
    return gr_yaml_fail(node, err, hint, "no %s is called '%.100s'", what, word);
}

/* ---- all of it ---- */

/* By default the faster precision, which is found out only when training begins. */
static gr_status read_precision(gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    static const char *const words[] = {"auto", "float32", "bf16", NULL};
    static const gr_precision precision[] = {GR_PRECISION_AUTO, GR_PRECISION_FLOAT32, GR_PRECISION_BF16};
    int choice = 0;
    GR_TRY(gr_yaml_choice(root, &choice, "precision", words, err));
    recipe->precision = precision[choice];
    return GR_OK;
}

/* One for all, unless a part has its own. */
static gr_status read_seeds(gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    int64_t seed = 1;
    GR_TRY(gr_yaml_int(root, &seed, "seed", 0, INT64_MAX, err));
    int64_t split = seed, order = seed;
    GR_TRY(gr_yaml_int(root, &split, "split_seed", 0, INT64_MAX, err));
    GR_TRY(gr_yaml_int(root, &order, "order_seed", 0, INT64_MAX, err));
    recipe->seed = (uint64_t)seed;
    recipe->split_seed = (uint64_t)split;
    recipe->order_seed = (uint64_t)order;
    return GR_OK;
}

/* Every section in turn, and in the end whatever key nobody asked for. */
static gr_status read_all(gr_recipe *recipe, gr_error *err) {
    gr_yaml *root = recipe->root;

    /* Words first: a key that is spelt wrong is not answered with what is missing because of it. */
    GR_TRY(gr__recipe_check_words(root, err));
    GR_TRY(read_seeds(recipe, root, err));
    GR_TRY(gr__recipe_int(root, &recipe->threads, "threads", 0, 1024, err));
    GR_TRY(read_precision(recipe, root, err));

    /* Later sections need earlier ones: labels the data, the network the context, routes the regions and the steps. */
    GR_TRY(gr_yaml_text(root, &recipe->task, "task", err));
    GR_TRY(gr__recipe_read_from(recipe, root, err));
    GR_TRY(gr__recipe_read_data(recipe, root, err));
    GR_TRY(gr__recipe_read_labels(recipe, root, err));
    GR_TRY(gr__recipe_read_development(recipe, root, err));
    GR_TRY(gr__recipe_read_model(recipe, root, err));
    GR_TRY(gr__recipe_read_train(recipe, root, err));
    GR_TRY(gr__recipe_read_routes(recipe, root, err));
    GR_TRY(gr__recipe_read_lab(recipe, root, err));

    /* A task that is named may have sections of its own, which are not known here. */
    recipe->own = recipe->task ? root : NULL;
    return recipe->task ? GR_OK : gr_yaml_finish(root, err);
}

gr_status gr__recipe_new(gr_recipe **recipe, gr_yaml *root, const char *path, const char *const *sets, int count,
                         gr_error *err) {
    gr_recipe *fresh = gr_alloc(sizeof *fresh);
    char folder[PATH_MAX];
    fresh->root = root;
    fresh->arena = gr_arena_new();
    fresh->here = fresh->folder = gr_arena_strdup(fresh->arena, realpath(".", folder) ? folder : ".");
    fresh->file = path ? gr_arena_strdup(fresh->arena, path) : NULL;
    if (path && realpath(path, folder)) {
        char *slash = strrchr(folder, '/');
        slash[slash == folder] = 0;
        fresh->folder = gr_arena_strdup(fresh->arena, folder);
    }

    /* Changes from the command line are part of the recipe before anything is read. */
    gr_status status = GR_OK;
    for (int i = 0; i < count && status == GR_OK; i++)
        status = gr_yaml_set(root, sets[i], err);
    if (status == GR_OK)
        status = read_all(fresh, err);

    if (status != GR_OK) {
        gr_recipe_free(fresh);
        fresh = NULL;
    }
    *recipe = fresh;
    return status;
}

gr_status gr_recipe_open(gr_recipe **recipe, const char *path, const char *const *sets, int count, gr_error *err) {
    gr_yaml *root;
    *recipe = NULL;
    GR_TRY(gr_yaml_open(&root, path, err));
    return gr__recipe_new(recipe, root, path, sets, count, err);
}

gr_status gr_recipe_parse(gr_recipe **recipe, const char *text, size_t length, const char *source,
                          const char *const *sets, int count, gr_error *err) {
    gr_yaml *root;
    *recipe = NULL;
    GR_TRY(gr_yaml_parse(&root, text, length, source, err));
    return gr__recipe_new(recipe, root, NULL, sets, count, err);
}

void gr_recipe_free(gr_recipe *recipe) {
    if (!recipe)
        return;
    gr_routes_free(recipe->routes);
    gr_arch_free(recipe->from.def);
    gr_yaml_free(recipe->root);
    gr_arena_free(recipe->arena);
    gr_free(recipe);
}

int gr_recipe_first_region(const gr_recipe *recipe) {
    int kept = recipe->from.def ? recipe->from.def->region_count : 0;
    return kept < recipe->model.region_count ? kept : 0;
}

gr_status gr_recipe_text(const gr_recipe *recipe, char **text, gr_error *err) {
    return gr_yaml_write(recipe->root, text, err);
}

gr_status gr_recipe_write(const gr_recipe *recipe, const char *path, gr_error *err) {
    char *text;
    GR_TRY(gr_recipe_text(recipe, &text, err));
    gr_status status = gr_file_write(path, text, strlen(text), err);
    gr_free(text);
    return status;
}
