/* Putting a model folder in the place of another one. */
#include "format/bundle_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/manifest.h"
#include "gradroute/bundle.h"
#include "io/file.h"

static bool dots(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

/* ---- whose folder it is ---- */

/* Whether a file belongs to the model: the manifest itself, or one that it lists. */
static bool listed(const json_t *manifest, const char *name) {
    const json_t *files = json_object_get(manifest, "files");
    if (strcmp(name, "manifest.json") == 0)
        return true;
    for (size_t i = 0; i < json_array_size(files); i++) {
        const char *file = json_string_value(json_object_get(json_array_get(files, i), "name"));
        if (file && strcmp(file, name) == 0)
            return true;
    }
    return false;
}

/* The first entry of a folder that the manifest does not list; NULL without a manifest: the first at all. */
static gr_status find_foreign(char name[256], const char *path, const json_t *manifest, gr_error *err) {
    DIR *folder = opendir(path);
    name[0] = 0;
    if (!folder)
        return gr__file_error(err, path, "list the folder", errno);
    for (struct dirent *e; !name[0] && (e = readdir(folder));)
        if (!dots(e->d_name) && !(manifest && listed(manifest, e->d_name)))
            snprintf(name, 256, "%s", e->d_name);
    closedir(folder);
    return GR_OK;
}

/* A folder is ours if its manifest is whole, and then holds what the manifest lists and nothing else. */
static gr_status check_ours(const char *path, const json_t *manifest, const gr_error *why, gr_error *err) {
    char name[256], *file = gr_format("%s/manifest.json", path);
    bool damaged = !manifest && gr_file_exists(file);
    gr_free(file);
    if (damaged)
        return gr_error_set(err, GR_ERR_USAGE, path, "choose another name, or remove the folder yourself",
                            "the folder is no model to be replaced: its manifest.json is not valid (%.200s)",
                            why->message);

    GR_TRY(find_foreign(name, path, manifest, err));
    if (name[0])
        return gr_error_set(err, GR_ERR_USAGE, path, "choose another name for the model folder",
                            "the folder holds '%s', %s: it is not a model folder to be replaced", name,
                            manifest ? "which its manifest.json does not list" : "and no manifest.json");
    return GR_OK;
}

/* The manifest of a folder; NULL where there is none that is whole. */
static json_t *read_manifest(const char *path, gr_error *why) {
    char *file = gr_format("%s/manifest.json", path);
    json_t *manifest = NULL;
    if (gr__manifest_read(&manifest, file, why) != GR_OK) {
        json_decref(manifest);
        manifest = NULL;
    }
    gr_free(file);
    return manifest;
}

gr_status gr_bundle_check(const char *path, gr_error *err) {
    struct stat info;
    /* Nothing there is fine; what is no folder stays. */
    if (lstat(path, &info))
        return errno == ENOENT ? GR_OK : gr__file_error(err, path, "make the folder", errno);
    if (S_ISLNK(info.st_mode) && stat(path, &info))
        return gr_error_set(err, GR_ERR_USAGE, path, "make what it points to, or choose another folder",
                            "a symbolic link that points to nothing");
    if (!S_ISDIR(info.st_mode))
        return gr_error_set(err, GR_ERR_USAGE, path, "choose another name for the model folder",
                            "a file of this name is in the way");

    /* Renaming would pull the folder away from under the process. */
    if (gr_file_same(path, ".") || gr_file_same(path, "/"))
        return gr_error_set(err, GR_ERR_USAGE, path, "name a folder inside of it",
                            "the working folder cannot be replaced by a model");

    /* A folder is replaced only if it is a whole model and nothing else. */
    gr_error why = {0};
    json_t *manifest = read_manifest(path, &why);
    gr_status status = check_ours(path, manifest, &why, err);
    json_decref(manifest);
    return status;
}

/* ---- removing ---- */

/* Whether it is a file that a manifest lists. */
static bool is_of_model(const void *manifest, const char *name, bool folder) {
    return manifest && !folder && listed(manifest, name);
}

/* A model that was replaced, unless something else is in its folder. As long as the manifest is there the rest can be
 * told. */
static void remove_model(const char *path) {
    json_t *manifest = read_manifest(path, NULL);
    gr__folder_remove(path, &(gr__ours){is_of_model, manifest, "manifest.json"}, NULL);
    json_decref(manifest);
}

/* A model has no folders. */
static bool is_file(const void *user, const char *name, bool folder) {
    (void)user, (void)name;
    return !folder;
}

/* What stands under a name that only we use, whole or not. */
static gr_status remove_begun(const char *path, gr_error *err) {
    return gr__folder_remove(path, &(gr__ours){.is = is_file}, err);
}

/* ---- places ---- */

/* PATH without slashes at its end and, if there is something, without links. */
static char *clean_path(const char *path) {
    char *real = realpath(path, NULL), *clean = gr_strdup(real ? real : path);
    free(real);
    for (size_t n = strlen(clean); n > 1 && clean[n - 1] == '/'; n--)
        clean[n - 1] = 0;
    return clean;
}

static char *beside(const char *path, const char *end) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    return gr_format("%.*s.%s%s", (int)(name - path), path, name, end);
}

/* Where the new model is written and the old one is kept for a moment: beside its place, under names that no user
 * chooses. */
static void place_name(gr__place *place, const char *path) {
    place->path = clean_path(path);
    place->fresh = beside(place->path, ".new");
    place->old = beside(place->path, ".old");
    place->lock = NULL;
}

/* Gives up the lock and the names; the folders stay as they are. */
static void place_forget(gr__place *place) {
    gr__lock_release(place->lock);
    gr_free(place->path);
    gr_free(place->fresh);
    gr_free(place->old);
    *place = (gr__place){0};
}

/* After a kill: the old model goes back where it has no successor, and away where it has one. */
static void mend(const gr__place *place) {
    if (!gr_file_exists(place->path))
        (void)!rename(place->old, place->path);
    else if (gr_file_exists(place->old))
        remove_model(place->old);
}

/* One process at a time works at a place. The lock lies beside it, for the folder itself is replaced. */
static gr_status place_lock(gr__place *place, gr_error *err) {
    char *path = beside(place->path, ".gradroute.lock");
    gr_status status = gr__lock_take(&place->lock, path, place->path, err);
    gr_free(path);
    return status;
}

void gr__place_mend(const char *path) {
    enum { TRIES = 20, PAUSE = 50000 /* microseconds */ };
    gr__place place;
    place_name(&place, path);

    /* Whoever holds the lock is between the two renames, or has just been: it takes no time. */
    for (int i = 0; i < TRIES && !gr_file_exists(place.path) && gr_file_exists(place.old); i++) {
        if (place_lock(&place, NULL) == GR_OK) {
            mend(&place);
            break;
        }
        usleep(PAUSE);
    }
    place_forget(&place);
}

/* Makes the folder that NAME is to stand in, and from then on NAME is ours alone. */
static gr_status place_begin(gr__place *place, gr_error *err) {
    char *slash = strrchr(place->path, '/');
    char *parent = slash && slash > place->path ? gr_format("%.*s", (int)(slash - place->path), place->path) : NULL;
    gr_status status = parent ? gr_directory_make(parent, err) : GR_OK;
    gr_free(parent);
    GR_TRY(status);

    GR_TRY(place_lock(place, err));
    mend(place);
    GR_TRY(gr_bundle_check(place->path, err)); /* another may have been here since the first look */
    GR_TRY(remove_begun(place->fresh, err));
    return gr_directory_make(place->fresh, err);
}

gr_status gr__place_open(gr__place *place, const char *path, gr_error *err) {
    *place = (gr__place){0};
    GR_TRY(gr_bundle_check(path, err));
    place_name(place, path);
    gr_status status = place_begin(place, err);
    if (status != GR_OK)
        place_forget(place);
    return status;
}

/* The old model steps aside, the new one takes its name; if it cannot, the old one comes back. */
static int replace_stepwise(const gr__place *place) {
    if (rename(place->path, place->old))
        return errno;
    if (rename(place->fresh, place->path)) {
        int code = errno;
        (void)!rename(place->old, place->path);
        return code;
    }
    return 0;
}

/* Gives the new model its name. What was there before ends under .NAME.new or .NAME.old. */
static int move_in(const gr__place *place) {
    if (rename(place->fresh, place->path) == 0) /* nothing, or an empty folder, is in the way */
        return 0;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return errno;
    if (renameat2(AT_FDCWD, place->fresh, AT_FDCWD, place->path, RENAME_EXCHANGE) == 0)
        return 0;
    bool unknown = errno == EINVAL || errno == ENOSYS || errno == ENOTSUP || errno == EOPNOTSUPP;
    return unknown ? replace_stepwise(place) : errno;
}

gr_status gr__place_commit(gr__place *place, gr_error *err) {
    GR_TRY(gr__flush_folder(place->fresh, err));
    GR_TRY(gr_bundle_check(place->path, err)); /* it may have been filled meanwhile */
    GR_TRY(gr__lock_check(place->lock, err));
    int code = move_in(place);
    if (code)
        return gr__file_error(err, place->path, "move the new model folder to", code);
    GR_TRY(gr__flush_parent(place->path, err));
    remove_model(place->old);
    return GR_OK;
}

void gr__place_close(gr__place *place) {
    if (!place->path)
        return;
    remove_begun(place->fresh, NULL); /* what stays goes with the next model */
    place_forget(place);
}

/* Looked at and removed under the lock of the place. */
static gr_status remove_known(const gr__place *place, const char *sha256, gr_error *err) {
    GR_TRY(gr_bundle_check(place->path, err));
    json_t *manifest = read_manifest(place->path, NULL);
    const char *digest = json_string_value(json_object_get(manifest, "sha256"));
    gr_status status = digest && !strcmp(digest, sha256)
                           ? gr__folder_remove(place->path, &(gr__ours){is_of_model, manifest, "manifest.json"}, err)
                           : gr_error_set(err, GR_ERR_USAGE, place->path, "remove the folder yourself",
                                          "the folder holds another model: it stays");
    json_decref(manifest);
    return status;
}

gr_status gr__place_remove(const char *path, const char *sha256, gr_error *err) {
    gr__place place;
    if (!gr_file_exists(path))
        return GR_OK;
    place_name(&place, path);
    gr_status status = place_lock(&place, err);
    if (status == GR_OK)
        status = remove_known(&place, sha256, err);
    place_forget(&place);
    return status;
}
