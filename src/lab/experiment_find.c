/* experiment_find.c - experiments by name: a folder of the user's, then those that are built into the program. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "io/file.h"
#include "lab/experiment_read.h"
#include "shipped_experiments.h" /* made of experiments/ by the build */

enum { SHIPPED = sizeof shipped / sizeof *shipped };

bool gr__experiment_shipped(const char *name, const char **text) {
    for (int i = 0; i < SHIPPED; i++)
        if (strcmp(shipped[i].name, name) == 0) {
            *text = shipped[i].text;
            return true;
        }
    return false;
}

/* The user's experiments with names, a pattern for one or all of them; a new string, NULL: there is no such folder. */
static char *own_file(const char *name) {
    const char *share = getenv("GRADROUTE_SHARE");
    return share && share[0] ? gr_format("%s/experiments/%s.yaml", share, name) : NULL;
}

/* The user's experiments, which are freed by their owner. */
static void find_own(glob_t *files) {
    char *pattern = own_file("*");
    *files = (glob_t){0};
    if (!pattern || glob(pattern, 0, NULL, files) != 0)
        files->gl_pathc = 0;
    gr_free(pattern);
}

/* The error for a name that none has, with those that there are. */
static gr_status unknown_name(const char *name, gr_error *err) {
    glob_t own;
    find_own(&own);
    const char **names = gr_alloc((own.gl_pathc + SHIPPED) * sizeof *names);
    size_t count = 0;

    /* The user's, and those that these do not stand before. */
    for (; count < own.gl_pathc; count++) {
        names[count] = strrchr(own.gl_pathv[count], '/') + 1;
        *strrchr(own.gl_pathv[count], '.') = 0;
    }
    for (int i = 0; i < SHIPPED; i++) {
        bool hidden = false;
        for (size_t k = 0; k < own.gl_pathc; k++)
            hidden = hidden || strcmp(names[k], shipped[i].name) == 0;
        if (!hidden)
            names[count++] = shipped[i].name;
    }

    /* The nearest, or all. */
    const char *near = gr_nearest(name, names, count, NULL);
    char *hint = near ? gr_format("did you mean '%s'?", near) : gr_strdup("there are: ");
    for (size_t i = 0; i < count && !near; i++) {
        char *longer = gr_format("%s%s%s", hint, i ? ", " : "", names[i]);
        gr_free(hint);
        hint = longer;
    }
    gr_error_set(err, GR_ERR_INPUT, NULL, hint, "no experiment is called '%.100s'", name);
    gr_free(hint);
    gr_free(names);
    globfree(&own);
    return GR_ERR_INPUT;
}

gr_status gr_experiment_find(char **path, const char *name_or_file, gr_error *err) {
    size_t length = strlen(name_or_file);
    bool file = strchr(name_or_file, '/') || (length > 5 && strcmp(name_or_file + length - 5, ".yaml") == 0);
    *path = file ? gr_strdup(name_or_file) : own_file(name_or_file);
    if (*path && (file || gr_file_exists(*path)))
        return GR_OK;

    /* A name that is not the user's. */
    const char *text;
    gr_free(*path);
    *path = NULL;
    return gr__experiment_shipped(name_or_file, &text) ? GR_OK : unknown_name(name_or_file, err);
}
