/* Models that a test has methods make by the words of an experiment, each in a folder of its own. */
#ifndef METHOD_HELPERS_H
#define METHOD_HELPERS_H

#include <string.h>

#include "gradroute/method.h"
#include "io/file.h"
#include "io/yaml.h"
#include "lab_helpers.h"

static gr_registry *registry; /* of the test: gr_registry_new */
static gr_project *project;   /* that make makes models of */

/* What a method makes of the project `in` by options such as "{steps: 3}", and of a parent (NULL: from the seed). */
static inline gr_status make_in(gr_made *made, gr_project *in, const char *method, const char *text,
                                const gr_made *from, gr_ledger *rows, gr_error *err) {
    static int folders;
    const gr_method *m = gr_registry_method(registry, method);
    gr_settings *settings;
    gr_yaml *root;
    gr_test_ok(gr_yaml_parse(&root, text, strlen(text), "options", err), err);
    gr_test_ok(gr_settings_read(&settings, m->option, NULL, root, err), err);

    /* A folder that no other model of the program has. */
    char name[32];
    snprintf(name, sizeof name, "made %d", folders++);
    gr_making making = {.project = in,
                        .settings = settings,
                        .parent = from,
                        .name = "it",
                        .folder = gr_test_path(name),
                        .key = "0123",
                        .rows = rows};
    gr_test_ok(gr_directory_make(making.folder, err), err);
    gr_status status = gr_method_make(made, m, &making, err);
    gr_settings_free(settings);
    gr_yaml_free(root);
    return status;
}

/* The same of the test's own project, where nothing refuses it. */
static inline gr_made make(const char *method, const char *text, const gr_made *from, gr_ledger *rows) {
    gr_error err = {0};
    gr_made made;
    gr_test_ok(make_in(&made, project, method, text, from, rows, &err), &err);
    return made;
}

static inline bool same_parameters(const gr_model *a, const gr_model *b) {
    bool same = gr_model_params(a) == gr_model_params(b);
    for (int p = 0; same && p < gr_model_params(a); p++) {
        size_t n = (size_t)gr_model_param(a, p)->rows * (size_t)gr_model_param(a, p)->cols;
        same = memcmp(gr_model_data((gr_model *)a, p), gr_model_data((gr_model *)b, p), n * sizeof(gr_real)) == 0;
    }
    return same;
}

#endif
