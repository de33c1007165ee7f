/* experiment_find.c - experiments by name: where they are looked for. */
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "gradroute/experiment.h"

/* Where the build installs what is beside the library; empty: it was not told. */
#ifndef GR_SHARE
#define GR_SHARE ""
#endif

enum { PLACES = 4 };

static bool is_directory(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* The folder that the program lies in, with something behind it; a new string, NULL where nobody knows. */
static char *beside_program(const char *rest) {
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0)
        return NULL;
    path[length] = 0;
    *strrchr(path, '/') = 0;
    return gr_format("%s/%s", path, rest);
}

/* The first folder experiments/ that there is; a new string, NULL: there is none. */
static char *find_folder(void) {
    const char *said = getenv("GRADROUTE_SHARE");
    char *share[PLACES] = {gr_strdup(said && said[0] ? said : NULL), beside_program("../share/gradroute"),
                           beside_program(".."), gr_strdup(GR_SHARE[0] ? GR_SHARE : NULL)};
    char *found = NULL;
    for (int i = 0; i < PLACES; i++) {
        char *folder = share[i] && !found ? gr_format("%s/experiments", share[i]) : NULL;
        if (folder && is_directory(folder))
            found = folder;
        else
            gr_free(folder);
        gr_free(share[i]);
    }
    return found;
}

/* The names of a folder's experiments, which are freed by their owner. */
static const char **names_in(const char *folder, glob_t *files) {
    char *pattern = gr_format("%s/*.yaml", folder);
    *files = (glob_t){0};
    if (glob(pattern, 0, NULL, files) != 0)
        files->gl_pathc = 0;
    gr_free(pattern);

    const char **names = gr_alloc((files->gl_pathc + 1) * sizeof *names);
    for (size_t i = 0; i < files->gl_pathc; i++) {
        names[i] = strrchr(files->gl_pathv[i], '/') + 1;
        *strrchr(files->gl_pathv[i], '.') = 0;
    }
    return names;
}

/* The error for a name that none has, with those that there are. */
static gr_status unknown_name(const char *name, const char *folder, gr_error *err) {
    glob_t files;
    const char **names = names_in(folder, &files), *near = gr_nearest(name, names, files.gl_pathc, NULL);
    char *hint = near ? gr_format("did you mean '%s'?", near) : gr_strdup("there are: ");
    for (size_t i = 0; i < files.gl_pathc && !near; i++) {
        char *longer = gr_format("%s%s%s", hint, i ? ", " : "", names[i]);
        gr_free(hint);
        hint = longer;
    }
    gr_error_set(err, GR_ERR_INPUT, folder, hint, "no experiment is called '%.100s'", name);
    gr_free(hint);
    gr_free(names);
    globfree(&files);
    return GR_ERR_INPUT;
}

gr_status gr_experiment_find(char **path, const char *name_or_file, gr_error *err) {
    size_t length = strlen(name_or_file);
    bool file = strchr(name_or_file, '/') || (length > 5 && strcmp(name_or_file + length - 5, ".yaml") == 0);
    *path = NULL;
    if (file) {
        *path = gr_strdup(name_or_file);
        return GR_OK;
    }

    /* A name. */
    char *folder = find_folder();
    if (!folder)
        return gr_error_set(err, GR_ERR_INPUT, name_or_file,
                            "set GRADROUTE_SHARE to the folder that holds experiments/",
                            "no folder of experiments was found");
    *path = gr_format("%s/%s.yaml", folder, name_or_file);
    gr_status status = GR_OK;
    if (access(*path, F_OK) != 0) {
        status = unknown_name(name_or_file, folder, err);
        gr_free(*path);
        *path = NULL;
    }
    gr_free(folder);
    return status;
}
