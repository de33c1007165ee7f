/* An experiment of models that were made elsewhere: the same text, in which arms are made by method `given`. */
#include "lab/given.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/json.h"
#include "io/yaml.h"
#include "lab/experiment_read.h"

static const char place[] = "--models", method[] = "given";

/* The arm of this name, or a refusal that knows the others. */
static gr_status find_arm(const gr_experiment *e, const char *name, int *arm, gr_error *err) {
    gr_yaml node = {.kind = GR_YAML_SCALAR, .quoted = true, .text = name, .at = {place, 0, 0}};
    gr__experiment_reader r = {.to = (gr_experiment *)e};
    return gr__arm_read(&r, &node, arm, err);
}

/* How an arm is made by its own text: what a model that is given takes the place of. */
static void drop_making(gr_yaml *arm, const gr_registry *registry) {
    for (gr_yaml *child = arm->first, *next; child; child = next) {
        next = child->next;
        if (!strcmp(child->key, "from") || gr_registry_method(registry, child->key))
            gr_yaml_remove(child);
    }
}

/* What the list of an export says of the model with this manifest; a new string, NULL: nothing, or it is none. */
static char *told_by(const char *list, const char *sha256) {
    json_t *file = NULL, *model;
    char *found = NULL;
    size_t i;
    if (gr_file_exists(list) && gr_json_read(&file, list, NULL) == GR_OK)
        json_array_foreach(json_object_get(file, "models"), i, model) {
            const char *digest = json_string_value(json_object_get(model, "sha256"));
            const char *told = json_string_value(json_object_get(model, "told"));
            if (digest && told && !found && !strcmp(digest, sha256))
                found = gr_strdup(told);
        }
    json_decref(file);
    return found;
}

/* What its training was told, where its folder lies in an export that knows; what is no model is refused later. */
static char *told_beside(const char *folder) {
    char path[PATH_MAX], sha256[65], *model, *told = NULL;
    gr_arch_def *def = NULL;
    if (gr_bundle_find(&model, folder, NULL) != GR_OK)
        return NULL;

    /* Its own manifest says which of the list it is, whatever it is called. */
    if (realpath(model, path) && gr_bundle_describe(&def, sha256, path, NULL) == GR_OK) {
        char *list = gr_format("%.*s/export.json", (int)(strrchr(path, '/') - path), path);
        told = told_by(list, sha256);
        gr_free(list);
    }
    gr_arch_free(def);
    gr_free(model);
    return told;
}

/* Its folder, whatever the working folder will be; and what it was told. */
static void add_given(gr_yaml *arm, const gr_given *given) {
    char path[PATH_MAX], *told = given->told ? gr_strdup(given->told) : told_beside(given->folder);
    gr_yaml *map = gr_yaml_add_map(arm, method);
    gr_yaml_add_text(map, "model", realpath(given->folder, path) ? path : given->folder);
    if (told)
        gr_yaml_add_text(map, "told", told);
    gr_free(told);
}

/* Puts each model in its place. */
static gr_status give_all(gr_yaml *root, const gr_experiment *e, const gr_given *given, int count,
                          const gr_registry *registry, gr_error *err) {
    gr_yaml *arms = gr_yaml_find(root, "arms");
    for (int i = 0; i < count; i++) {
        int arm;
        GR_TRY(find_arm(e, given[i].arm, &arm, err));
        for (int k = 0; k < i; k++)
            if (!strcmp(given[k].arm, given[i].arm))
                return gr_error_set(err, GR_ERR_USAGE, place, "name each arm once", "%s is given twice", given[i].arm);

        /* All else of the arm stays: its title, when it runs, where it is measured. */
        gr_yaml *map = gr_yaml_find(arms, e->arm[arm].name);
        drop_making(map, registry);
        add_given(map, &given[i]);
    }
    return GR_OK;
}

gr_status gr__experiment_give(gr_experiment **experiment, const gr_given *given, int count, const gr_registry *registry,
                              gr_error *err) {
    gr_experiment *e = *experiment, *changed;
    gr_yaml *root;
    char *text, *source = gr_format("%s (of models that are given)", e->name);

    /* The text as it was resolved, in another tree. */
    gr_status status = gr_experiment_text(e, &text, err);
    if (status == GR_OK) {
        status = gr_yaml_parse(&root, text, strlen(text), source, err);
        gr_free(text);
    }
    if (status == GR_OK) {
        status = give_all(root, e, given, count, registry, err);
        if (status == GR_OK)
            status = gr_yaml_write(root, &text, err);
        gr_yaml_free(root);
    }

    /* Read as any other: a figure or a role that does not fit is refused as there. */
    if (status == GR_OK) {
        status = gr_experiment_parse(&changed, text, strlen(text), source, NULL, registry, err);
        gr_free(text);
    }
    gr_free(source);
    GR_TRY(status);
    gr_experiment_free(e);
    *experiment = changed;
    return GR_OK;
}

gr_status gr__experiment_all_given(const gr_experiment *e, const bool *runs, gr_error *err) {
    for (int i = 0; i < e->arms; i++) {
        const gr_arm *arm = &e->arm[i];
        if (runs[i] && !arm->from && strcmp(arm->method->name, method) != 0)
            return gr_error_set(err, GR_ERR_USAGE, place, "give it too: ARM=FOLDER",
                                "%s is missing, which %s always compares", arm->name, e->name);
    }
    return GR_OK;
}
