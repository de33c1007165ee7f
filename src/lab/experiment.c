/* experiment.c - an experiment out of a file: what stands at the top of it, and the order in which it is read. */
#include "gradroute/experiment.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/names.h"
#include "base/nearest.h"
#include "lab/experiment_read.h"
#include "recipe/read.h"

const char *const gr__fact_words[] = {"labels", "hidden_labels", "rule_labels", "document_labels", NULL};

/* ---- what sections share ---- */

int gr__names_count(const gr_yaml *node) { return node->kind == GR_YAML_LIST ? node->count : 1; }

gr_yaml *gr__names_first(gr_yaml *node) { return node->kind == GR_YAML_LIST ? gr_yaml_first(node) : node; }

gr_yaml *gr__names_next(gr_yaml *node, gr_yaml *item) { return item == node ? NULL : gr_yaml_next(item); }

gr_status gr__experiment_name(const gr_yaml *node, const char *what, const char *const *taken, gr_error *err) {
    const gr_yaml key = gr__key_of(node);
    const char *name = key.key;
    size_t good = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    if (!good || name[good] || good > 60 || name[0] == '-')
        return gr_yaml_fail(&key, err, "use letters, digits, _ and - (not first), at most 60",
                            "'%.100s' cannot be the name of %s", name, what);
    for (int i = 0; taken && taken[i]; i++)
        if (strcasecmp(name, taken[i]) == 0)
            return gr_yaml_fail(&key, err, "choose another name", "'%s' means something else already: no name for %s",
                                name, what);
    return GR_OK;
}

gr_yaml *gr__experiment_keep(gr_experiment *e, gr_yaml *tree) {
    GR_PUSH(e->tree, e->trees, e->tree_room) = tree;
    return tree;
}

char *gr__path_part(const char *key) {
    char *part = gr_alloc(2 * strlen(key) + 1), *to = part;
    for (; *key; key++) {
        if (*key == '.')
            *to++ = '\\';
        *to++ = *key;
    }
    return part;
}

gr_status gr__options_read(gr_settings **settings, const gr_setting *table,
                           void (*preset)(gr_settings *settings, const gr_recipe *recipe), const gr_recipe *recipe,
                           gr_yaml *options, gr_error *err) {
    static const gr_setting none[] = {{0}};
    gr_settings *defaults = NULL;
    table = table ? table : none;

    /* What the recipe says comes before the table, and what the experiment says before both. */
    if (preset && recipe) {
        GR_TRY(gr_settings_read(&defaults, table, NULL, NULL, err));
        preset(defaults, recipe);
    }
    gr_status status = gr_settings_read(settings, table, defaults, options, err);
    gr_settings_free(defaults);
    return status;
}

/* ---- the top ---- */

static const char *const top[] = {"experiment", "question", "base",     "needs",       "seeds",  "set",
                                  "presets",    "axes",     "values",   "arms",        "only",   "roles",
                                  "groups",     "measures", "attacks",  "figures",     "claims", "verdict",
                                  "suggest",    "keep",     "diverged", "development", "choose"};
enum { TOP = sizeof top / sizeof *top };

/* A recipe is known by what only recipes have, and all of them have one of. */
static bool is_recipe(const gr_yaml *root) {
    return !gr__yaml_child(root, "experiment") && !gr__yaml_child(root, "arms") &&
           (gr__yaml_child(root, "data") || gr__yaml_child(root, "model") || gr__yaml_child(root, "train"));
}

/* Before anything is read, so that a slip is not answered with what is missing because of it. */
static gr_status check_top(const gr_yaml *root, gr_error *err) {
    if (is_recipe(root))
        return gr_yaml_fail(root, err,
                            "`gradroute audit RECIPE` takes one; an experiment takes it beside itself: --base RECIPE",
                            "this is a recipe, not an experiment");
    for (const gr_yaml *child = root->first; child; child = child->next) {
        char place[256], hint[384] = "at the top of an experiment: ";
        if (gr__has_text(top, TOP, child->key))
            continue;

        /* The nearest one, or all of them. */
        const char *near = gr_nearest(child->key, top, TOP, NULL);
        size_t used = strlen(hint);
        if (near)
            snprintf(hint, sizeof hint, "did you mean '%s'?", near);
        for (int i = 0; i < TOP && !near && used < sizeof hint; i++)
            used += (size_t)snprintf(hint + used, sizeof hint - used, "%s%s", i ? ", " : "", top[i]);
        return gr_error_set(err, GR_ERR_USAGE, gr__yaml_place(child->key_at, place, sizeof place), hint,
                            "unknown key '%.100s'", child->key);
    }
    return GR_OK;
}

/* The name is that of its folders and files: it is checked as a key is. */
static gr_status read_name(gr__experiment_reader *r, gr_error *err) {
    GR_TRY(gr_yaml_text(r->root, &r->to->name, "experiment", err));
    gr_yaml *node = gr_yaml_find(r->root, "experiment");
    if (!node)
        return gr_yaml_fail(r->root, err, "begin with experiment: NAME", "the experiment has no name");
    const gr_yaml named = {.key = node->text, .key_at = node->at};
    GR_TRY(gr__experiment_name(&named, "an experiment", NULL, err));
    return gr_yaml_text(r->root, &r->to->question, "question", err);
}

/* Facts that the data must have, or the experiment makes no sense. */
static gr_status read_needs(gr__experiment_reader *r, gr_error *err) {
    int facts = 0;
    while (gr__fact_words[facts])
        facts++;
    GR_TRY(gr_yaml_texts(r->root, &r->to->need, &r->to->needs, "needs", err));

    /* Each is one that tasks are asked for. */
    for (int i = 0; i < r->to->needs; i++)
        if (!gr__has_text(gr__fact_words, facts, r->to->need[i]))
            return gr__recipe_unknown(gr_yaml_find(r->root, "needs"), "fact", r->to->need[i], gr__fact_words, facts,
                                      err);
    return GR_OK;
}

/* A path beside the file that says it, absolute: the resolved experiment lies somewhere else. A new string. */
static char *absolute(const gr_yaml *node) {
    char folder[PATH_MAX];
    const char *text = node->text;
    if (text[0] == '/')
        return gr_strdup(text);

    bool file = node->at.line > 0 && realpath(node->at.source, folder);
    if (file)
        *strrchr(folder, '/') = 0;
    if (!file && !realpath(".", folder))
        return gr_strdup(text);
    return gr_format("%s/%s", folder, text);
}

/* A recipe as a map, or its file. */
static gr_status read_base(gr__experiment_reader *r, gr_error *err) {
    gr_yaml *node = gr_yaml_find(r->root, "base");
    const char *text;
    if (!node)
        return GR_OK;
    if (node->kind == GR_YAML_MAP) {
        gr_yaml_leave(node);
        r->to->base = node;
        return GR_OK;
    }

    /* Its file, which the tree names in full from here on. */
    GR_TRY(gr_yaml_as_text(node, &text, err));
    if (!text[0])
        return gr_yaml_fail(node, err, NULL, "base is empty, expected the file of a recipe, or a recipe");
    char *path = absolute(node);
    r->to->base_file = gr_arena_strdup(r->arena, path);
    gr_yaml *full = gr_yaml_new(node->at.source);
    gr_yaml_add_text(full, "base", path);
    gr_status status = gr_yaml_graft(r->root, "base", full->first, err);
    gr_yaml_free(full);
    gr_free(path);
    return status;
}

static gr_status read_seeds(gr__experiment_reader *r, gr_error *err) {
    r->to->seeds = 1;
    return gr__recipe_int(r->root, &r->to->seeds, "seeds", 1, 1000, err);
}

/* What stays on disk, and what becomes of a model that diverges. */
static gr_status read_keep(gr__experiment_reader *r, gr_error *err) {
    static const char *const units[] = {"buckets", "documents", NULL};
    static const char *const models[] = {"all", "needed", NULL};
    static const char *const diverged[] = {"stop", "row", NULL};
    int unit = GR_UNITS_BUCKETS, kept = GR_KEEP_ALL, end = 0;

    /* The words. */
    gr_yaml *keep;
    GR_TRY(gr_yaml_section(r->root, &keep, "keep", err));
    GR_TRY(gr_yaml_choice(keep, &unit, "units", units, err));
    GR_TRY(gr_yaml_choice(keep, &kept, "models", models, err));
    GR_TRY(gr_yaml_bool(keep, &r->to->keep_checkpoints, "checkpoints", err));
    GR_TRY(gr_yaml_finish(keep, err));
    GR_TRY(gr_yaml_choice(r->root, &end, "diverged", diverged, err));

    /* What they stand for. */
    r->to->units = unit == 0 ? GR_UNITS_BUCKETS : GR_UNITS_DOCUMENTS;
    r->to->keep_models = (gr_kept_models)kept;
    r->to->diverged_is_a_row = end == 1;
    return GR_OK;
}

/* Each section knows those before it. */
static gr_status read_all(gr__experiment_reader *r, const char *preset, gr_error *err) {
    GR_TRY(check_top(r->root, err));
    GR_TRY(gr__experiment_preset(r, preset, err));

    /* What is made. */
    GR_TRY(read_name(r, err));
    GR_TRY(read_needs(r, err));
    GR_TRY(read_base(r, err));
    GR_TRY(read_seeds(r, err));
    GR_TRY(gr_yaml_bool(r->root, &r->to->development, "development", err));
    GR_TRY(gr__experiment_set(r, err));
    GR_TRY(gr__experiment_axes(r, err));
    GR_TRY(gr__experiment_arms(r, err));
    GR_TRY(gr__experiment_roles(r, err));
    GR_TRY(gr__experiment_presets_check(r, err));

    /* What is taken of it, and said. */
    GR_TRY(gr__experiment_groups(r, err));
    GR_TRY(gr__experiment_uses(r, err));
    GR_TRY(gr__experiment_figures(r, err));
    GR_TRY(gr__experiment_claims(r, err));
    GR_TRY(gr__experiment_verdict(r, err));
    GR_TRY(gr__experiment_choose(r, err));
    GR_TRY(read_keep(r, err));
    return gr_yaml_finish(r->root, err);
}

/* ---- from outside ---- */

/* Takes over the tree. */
static gr_status experiment_new(gr_experiment **experiment, gr_yaml *root, const char *file, const char *preset,
                                const gr_registry *registry, gr_error *err) {
    gr_experiment *fresh = gr_alloc(sizeof *fresh);
    fresh->root = root;
    fresh->arena = gr_arena_new();
    fresh->file = gr_arena_strdup(fresh->arena, file);
    fresh->preset = gr_arena_strdup(fresh->arena, preset);
    fresh->zero = fresh->subject = fresh->never = -1;

    gr__experiment_reader r = {fresh, registry, root, fresh->arena};
    gr_status status = read_all(&r, preset, err);
    *experiment = status == GR_OK ? fresh : NULL;
    if (status != GR_OK)
        gr_experiment_free(fresh);
    return status;
}

gr_status gr_experiment_open(gr_experiment **experiment, const char *name_or_file, const char *preset,
                             const gr_registry *registry, gr_error *err) {
    gr_yaml *root;
    char *path;
    const char *text;
    *experiment = NULL;
    GR_TRY(gr_experiment_find(&path, name_or_file, err));
    if (!path && gr__experiment_shipped(name_or_file, &text)) {
        char *source = gr_format("%s (built in)", name_or_file);
        gr_status status = gr_experiment_parse(experiment, text, strlen(text), source, preset, registry, err);
        gr_free(source);
        return status;
    }

    /* A file. */
    gr_status status = gr_yaml_open(&root, path, err);
    if (status == GR_OK)
        status = experiment_new(experiment, root, path, preset, registry, err);
    gr_free(path);
    return status;
}

gr_status gr_experiment_parse(gr_experiment **experiment, const char *text, size_t length, const char *source,
                              const char *preset, const gr_registry *registry, gr_error *err) {
    gr_yaml *root;
    *experiment = NULL;
    GR_TRY(gr_yaml_parse(&root, text, length, source, err));
    return experiment_new(experiment, root, NULL, preset, registry, err);
}

void gr_experiment_free(gr_experiment *experiment) {
    if (!experiment)
        return;
    for (int i = 0; i < experiment->trees; i++)
        gr_yaml_free(experiment->tree[i]);
    gr_free(experiment->tree);
    gr_yaml_free(experiment->root);
    gr_arena_free(experiment->arena);
    gr_free(experiment);
}

gr_status gr_experiment_text(const gr_experiment *experiment, char **text, gr_error *err) {
    return gr_yaml_write(experiment->root, text, err);
}
