/* Removing a folder of ours. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"

typedef struct walk walk;

/* The two rounds: is all of it ours, and away with it. name: a path below the folder. */
typedef gr_status (*visit)(const walk *w, const char *name, gr_error *err);
struct walk {
    const char *path;
    const gr__ours *ours;
    visit visit;
};

static bool is_dots(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

static char *join(const char *folder, const char *name) {
    return gr_format("%s%s%s", folder, *folder && *name ? "/" : "", name);
}

/* Calls for each entry of a folder below; "" is the folder itself. One that is gone has none. */
static gr_status walk_entries(const walk *w, const char *below, gr_error *err) {
    char *folder = join(w->path, below);
    DIR *dir = opendir(folder);
    gr_status status = dir || errno == ENOENT ? GR_OK : gr__file_error(err, folder, "list the folder", errno);
    for (struct dirent *e; dir && status == GR_OK && (e = readdir(dir));) {
        char *name = is_dots(e->d_name) ? NULL : join(below, e->d_name);
        if (name)
            status = w->visit(w, name, err);
        gr_free(name);
    }
    if (dir)
        closedir(dir);
    gr_free(folder);
    return status;
}

/* 1: a folder, 0: something else, -1: nothing. */
static int is_folder(const char *path) {
    struct stat info;
    return lstat(path, &info) ? -1 : S_ISDIR(info.st_mode);
}

static gr_status check_one(const walk *w, const char *name, gr_error *err) {
    char *path = join(w->path, name);
    int folder = is_folder(path);
    gr_status status = GR_OK;
    if (folder >= 0 && w->ours->is && !w->ours->is(w->ours->user, name, folder > 0))
        status = gr_error_set(err, GR_ERR_USAGE, path, "move it away, or remove the folder yourself",
                              "gradroute has not made it: the folder stays");
    else if (folder > 0)
        status = walk_entries(w, name, err);
    gr_free(path);
    return status;
}

/* Another process may be at the same: what is gone is fine. */
static gr_status remove_path(const char *path, bool folder, gr_error *err) {
    int failed = folder ? rmdir(path) : unlink(path);
    return failed && errno != ENOENT ? gr__file_error(err, path, "remove", errno) : GR_OK;
}

static gr_status remove_one(const walk *w, const char *name, gr_error *err) {
    if (w->ours->last && strcmp(name, w->ours->last) == 0)
        return GR_OK;
    char *path = join(w->path, name);
    int folder = is_folder(path);
    gr_status status = folder > 0 ? walk_entries(w, name, err) : GR_OK;
    if (status == GR_OK && folder >= 0)
        status = remove_path(path, folder > 0, err);
    gr_free(path);
    return status;
}

gr_status gr__folder_remove(const char *path, const gr__ours *ours, gr_error *err) {
    static const gr__ours everything;
    walk w = {path, ours ? ours : &everything, check_one};
    int folder = is_folder(path);
    if (folder < 0)
        return GR_OK;
    if (folder == 0)
        return gr_error_set(err, GR_ERR_USAGE, path, "move it away", "no folder: gradroute has not made it");

    /* Nothing goes before all of it was seen to be ours. */
    GR_TRY(walk_entries(&w, "", err));
    w.visit = remove_one;
    GR_TRY(walk_entries(&w, "", err));
    if (w.ours->last) {
        char *last = join(path, w.ours->last);
        gr_status status = remove_path(last, false, err);
        gr_free(last);
        GR_TRY(status);
    }
    return remove_path(path, true, err);
}
