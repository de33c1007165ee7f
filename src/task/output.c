/* Output folders: what may be written to, and what is refused before a file has changed. */
#include "task/output.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/json.h"
#include "recipe/deciding.h"

enum { PATIENCE = 30 }; /* seconds */

/* One look at a folder. */
typedef struct look {
    const char *folder;
    const gr__folder_kind *kind;
    const gr_recipe *recipe;
    const char *digest; /* of the project; NULL: not known yet */
    bool resume;
    json_t *mark; /* what folder.json says; NULL: there is none, or it is not ours */
} look;

/* Also a link that points to nothing: it would be written through. */
bool gr__folder_holds(const char *folder, const char *name) {
    struct stat info;
    char *path = gr_format("%s/%s", folder, name);
    bool there = lstat(path, &info) == 0;
    gr_free(path);
    return there;
}

/* ---- places that nothing can be made in ---- */

/* The folder itself is not there: may it be made in the nearest one that is? */
static gr_status check_parent(const char *folder, gr_error *err) {
    char *path = gr_strdup(folder);
    struct stat info;

    /* Walk up to something that exists; a relative path ends in the working folder. */
    while (stat(path, &info) && errno == ENOENT) {
        char *slash = strrchr(path, '/');
        if (!slash || slash == path) {
            strcpy(path, slash ? "/" : ".");
            break;
        }
        *slash = 0;
    }

    int code = stat(path, &info) ? errno : !S_ISDIR(info.st_mode) ? ENOTDIR : access(path, W_OK | X_OK) ? errno : 0;
    gr_free(path);
    return code ? gr__file_error(err, folder, "make the folder", code) : GR_OK;
}

/* Whether there is a folder to look at. */
static gr_status find_folder(const char *folder, bool *there, gr_error *err) {
    struct stat info;
    *there = stat(folder, &info) == 0;
    if (*there)
        return S_ISDIR(info.st_mode) ? GR_OK
                                     : gr_error_set(err, GR_ERR_USAGE, folder, "choose another name for the folder",
                                                    "a file of this name is in the way");

    /* Nothing there: a link to nothing would be followed, and made something of. */
    if (lstat(folder, &info) == 0 && S_ISLNK(info.st_mode))
        return gr_error_set(err, GR_ERR_USAGE, folder, "make what it points to, or choose another folder",
                            "a symbolic link that points to nothing");
    return check_parent(folder, err);
}

/* ---- folders that are not ours ---- */

/* As a shell would match them. */
bool gr__folder_matches(const char *const *patterns, const char *name) {
    for (; *patterns; patterns++)
        if (fnmatch(*patterns, name, 0) == 0)
            return true;
    return false;
}

/* The first entry with a name that we would write. */
static gr_status check_names(const look *l, gr_error *err) {
    DIR *dir = opendir(l->folder);
    if (!dir)
        return gr__file_error(err, l->folder, "list the folder", errno);

    gr_status status = GR_OK;
    for (struct dirent *e; status == GR_OK && (e = readdir(dir));)
        if (l->kind->writes(e->d_name))
            status = gr_error_set(err, GR_ERR_USAGE, l->folder, "choose another folder, or move the file away",
                                  "the folder holds '%s', which no %s of gradroute has written: it would be lost",
                                  e->d_name, l->kind->word);
    closedir(dir);
    return status;
}

/* Models and shards have a manifest or a stamp; an audit's folder or a run's would hide them or be hidden by them. */
static gr_status check_strangers(const look *l, gr_error *err) {
    const char *holder = gr__folder_holds(l->folder, "stamp.txt")       ? "shards"
                         : gr__folder_holds(l->folder, "manifest.json") ? "a model"
                                                                        : NULL;
    if (holder)
        return gr_error_set(err, GR_ERR_USAGE, l->folder, "choose another folder", "the folder holds %s, not %s",
                            holder, l->kind->article);
    return check_names(l, err);
}

/* ---- folders of ours ---- */

/* A text of the mark, "" where there is none. */
static const char *mark_text(const look *l, const char *key) {
    const char *text = json_string_value(json_object_get(l->mark, key));
    return text ? text : "";
}

/* What folder.json says; one of another format is not ours. Without memory for it nobody knows whose the folder is. */
static gr_status read_mark(look *l, gr_error *err) {
    char *path = gr_format("%s/folder.json", l->folder);
    gr_error why = {0};
    gr_status status = gr_json_read(&l->mark, path, &why);
    if (status == GR_ERR_MEMORY)
        gr_error_set(err, status, why.place, why.hint, "%s", why.message);
    else if (status != GR_OK || strcmp(mark_text(l, "format"), "gradroute-folder-1") != 0) {
        json_decref(l->mark);
        l->mark = NULL;
    }
    gr_free(path);
    return status == GR_ERR_MEMORY ? status : GR_OK;
}

/* The keys in which the recipe differs from the one in the folder, which may be missing or unreadable. */
static gr_status list_differences(const look *l, char *list, size_t size, int *count, gr_error *err) {
    char *path = gr_format("%s/recipe.yaml", l->folder), *text = NULL;
    unsigned char *kept = NULL;
    size_t length;
    gr_yaml *here = NULL, *there = NULL;
    *count = 0;

    /* Ours as it would be written, and what was written. */
    gr_status status = gr_recipe_text(l->recipe, &text, err);
    if (status == GR_OK)
        status = gr__recipe_deciding(&here, text, err);

    /* Where this recipe leaves the precision open the folder decides, whatever it says. */
    if (status == GR_OK && l->recipe->precision == GR_PRECISION_AUTO)
        gr_yaml_remove(gr_yaml_find(here, "precision"));
    gr_error why = {0};
    gr_status found = status == GR_OK ? gr_file_read(path, &kept, &length, &why) : status;
    if (found == GR_ERR_MEMORY && status == GR_OK)
        status = gr_error_set(err, found, why.place, why.hint, "%s", why.message);
    if (status == GR_OK && found == GR_OK && gr__recipe_deciding(&there, (const char *)kept, NULL) == GR_OK) {
        gr_yaml *precision = gr_yaml_find(there, "precision");
        if (precision && !gr_yaml_find(here, "precision"))
            gr_yaml_remove(precision);
        *count = gr__recipe_differences(list, size, here, there);
    }

    gr_yaml_free(here);
    gr_yaml_free(there);
    gr_free(kept);
    gr_free(text);
    gr_free(path);
    return status;
}

/* A folder keeps to its recipe and data as long as it holds anything of worth. */
static gr_status check_recipe(const look *l, gr_error *err) {
    static const char hint[] = "go on with the recipe of the folder (its recipe.yaml), or choose another folder";
    char list[400];
    int count;
    if (!l->kind->has_work(l->folder) || (l->digest && strcmp(l->digest, mark_text(l, "digest")) == 0))
        return GR_OK;

    /* The keys say most; where none differs it is the data. */
    GR_TRY(list_differences(l, list, sizeof list, &count, err));
    if (count)
        return gr_error_set(err, GR_ERR_USAGE, l->folder, hint, "the %s in this folder was made by another recipe: %s",
                            l->kind->word, list);
    if (l->digest)
        return gr_error_set(err, GR_ERR_USAGE, l->folder,
                            "restore the files that the recipe names, or choose another folder",
                            "the %s in this folder was made from other data: a corpus, a file of labels or a model to "
                            "go on from has changed since",
                            l->kind->word);
    return GR_OK;
}

/* Of this kind, by this recipe, and in a state to go on from. */
static gr_status check_ours(const look *l, gr_error *err) {
    const char *other = mark_text(l, "kind");
    if (other[0] && strcmp(other, l->kind->word) != 0)
        return gr_error_set(err, GR_ERR_USAGE, l->folder, "choose another folder",
                            "the folder holds %s %.40s, and %s beside it would hide its models",
                            strchr("aeiou", other[0]) ? "an" : "a", other, l->kind->article);
    GR_TRY(check_recipe(l, err));
    return l->kind->check ? l->kind->check(l->folder, l->resume, err) : GR_OK;
}

/* ---- all of it ---- */

/* All that may refuse; nothing changes. */
static gr_status check(look *l, gr_error *err) {
    bool there;
    l->mark = NULL;
    GR_TRY(find_folder(l->folder, &there, err));
    if (!there)
        return GR_OK;

    /* By its mark a folder is ours; without one everything in it is somebody else's. */
    gr_error why = {0};
    GR_TRY(read_mark(l, err));
    bool strange = !l->mark && check_strangers(l, &why) != GR_OK;

    /* Unless another process has begun in it between the two looks: the mark is the first that it writes. */
    if (strange)
        GR_TRY(read_mark(l, err));
    gr_status status = l->mark ? check_ours(l, err) : why.status;
    if (strange && !l->mark)
        gr_error_set(err, why.status, why.place, why.hint, "%s", why.message);
    json_decref(l->mark);
    return status;
}

/* The lock lies in the folder itself. */
static char *lock_path(const char *folder) { return gr_format("%s/.gradroute.lock", folder); }

gr_status gr__output_look(const char *folder, const gr__folder_kind *kind, const gr_recipe *recipe, bool resume,
                          gr_error *err) {
    char *lock = lock_path(folder);
    gr_status status = kind->shared ? GR_OK : gr__lock_peek(lock, folder, err);
    gr_free(lock);
    GR_TRY(status);
    return check(&(look){.folder = folder, .kind = kind, .recipe = recipe, .resume = resume}, err);
}

/* The resolved recipe, unless it is the very file that was read. */
static gr_status write_recipe(const char *folder, const gr_recipe *recipe, gr_error *err) {
    char *path = gr_format("%s/recipe.yaml", folder);
    bool input = recipe->file && gr_file_same(recipe->file, path);
    gr_status status = input ? GR_OK : gr_recipe_write(recipe, path, err);
    gr_free(path);
    return status;
}

/* What killed calls have left half-written. */
static void sweep(const char *folder, bool shared) {
    static const char *const within[] = {"", "/data", "/checkpoints"};
    for (int i = 0; i < 3; i++) {
        char *path = gr_format("%s%s", folder, within[i]);
        if (shared)
            gr__temporaries_remove_idle(path);
        else
            gr__temporaries_remove(path);
        gr_free(path);
    }
}

/* From now on the folder is ours. */
static gr_status write_mark(const char *folder, const char *kind, const char *digest, gr_error *err) {
    char *path = gr_format("%s/folder.json", folder);
    json_t *mark = json_pack("{s:s, s:s, s:s}", "format", "gradroute-folder-1", "kind", kind, "digest", digest);
    gr_status status = gr_json_write(mark, path, err);
    json_decref(mark);
    gr_free(path);
    return status;
}

/* Where several work in one folder each holds its lock for a moment only: the others wait. */
static gr_status take_lock(gr__output *out, bool shared, gr_error *err) {
    char *lock = lock_path(out->folder);
    gr_error why = {0};
    gr_status status = gr__lock_take(&out->lock, lock, out->folder, &why);
    for (int tenth = 0; status == GR_ERR_USAGE && shared && tenth < 10 * PATIENCE; tenth++) {
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        status = gr__lock_take(&out->lock, lock, out->folder, &why);
    }
    gr_free(lock);
    return status == GR_OK ? GR_OK : gr_error_set(err, status, why.place, why.hint, "%s", why.message);
}

/* With the folder at hand. */
static gr_status lock_and_write(gr__output *out, look *l, const gr_project *p, gr_error *err) {
    gr_status status = take_lock(out, l->kind->shared, err);
    GR_TRY(status);

    /* Another may have worked here since the first look. */
    GR_TRY(check(l, err));
    sweep(out->folder, l->kind->shared);
    GR_TRY(write_mark(out->folder, l->kind->word, p->digest, err));
    return write_recipe(out->folder, p->recipe, err);
}

gr_status gr__output_claim(gr__output *out, const char *folder, const gr__folder_kind *kind, const gr_project *project,
                           bool resume, gr_error *err) {
    look l = {folder, kind, project->recipe, project->digest, resume, NULL};
    *out = (gr__output){.folder = gr_strdup(folder), .made = !gr_file_exists(folder)};

    /* Nothing changes before everything that may refuse has spoken. */
    gr_status status = check(&l, err);
    if (status == GR_OK)
        status = gr_directory_make(folder, err);
    if (status == GR_OK)
        status = lock_and_write(out, &l, project, err);
    if (status != GR_OK)
        gr__output_release(out);
    return status;
}

/* Another may work here now. */
void gr__output_release(gr__output *out) {
    gr__lock_release(out->lock);
    if (out->made)
        rmdir(out->folder); /* where nothing came of it */
    gr_free(out->folder);
    *out = (gr__output){0};
}

void gr__output_sweep(const char *folder) {
    char *lock = lock_path(folder);
    gr__lock_sweep(lock);
    gr_free(lock);
}
