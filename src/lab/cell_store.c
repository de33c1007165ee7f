/* Folders of cells: taking one to make it, moving it to its place, and links to it. */
#include "lab/cell_store.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gradroute/bundle.h"
#include "io/checkpoint.h"
#include "io/file.h"
#include "io/json.h"
#include "kernel/kernel.h"
#include "lab/cell_key.h"

/* ---- folders ---- */

static char *done_path(const char *root, const char *key) { return gr_format("%s/cells/%s", root, key); }

static char *work_path(const char *root, const char *key) { return gr_format("%s/work/%s", root, key); }

/* Where a cell steps aside for its successor. */
static char *old_path(const char *root, const char *key) { return gr_format("%s/work/.%s.old", root, key); }

static char *lock_path(const char *root, const char *key) { return gr_format("%s/work/.%s.gradroute.lock", root, key); }

/* Whether a folder holds a name; of a cell cell.json, or its model. */
static bool holds(const char *folder, const char *name) {
    char *path = gr_format("%s/%s", folder, name);
    bool there = gr_file_exists(path);
    gr_free(path);
    return there;
}

/* A cell that is not needed here any more. Killed before cell.json goes, it is seen to be one that was whole. */
static gr_status remove_cell(const char *path, gr_error *err) {
    return gr__folder_remove(path, &(gr__ours){.last = "cell.json"}, err);
}

/* Flushes a folder below the root, so that names in it outlive a crash. */
static gr_status flush_below(const char *root, const char *name, gr_error *err) {
    char *path = gr_format("%s/%s", root, name);
    gr_status status = gr__flush_folder(path, err);
    gr_free(path);
    return status;
}

/* Makes a folder below the root, unless it is there. */
static gr_status make_below(const char *root, const char *name, gr_error *err) {
    char *path = gr_format("%s/%s", root, name);
    gr_status status = gr_directory_make(path, err);
    gr_free(path);
    return status;
}

/* ---- looking ---- */

gr_status gr__cell_find(gr__kept_cell **cell, const char *root, const char *key, gr_error *err) {
    char *path = done_path(root, key);
    *cell = NULL;
    gr_status status = gr_file_exists(path) ? gr__cell_read(cell, path, key, err) : GR_OK;
    gr_free(path);
    return status;
}

bool gr__cell_holds(const char *root, const char *key, const char *name) {
    char *path = done_path(root, key);
    bool there = holds(path, name);
    gr_free(path);
    return there;
}

bool gr__cell_left_aside(const char *root, const char *key) {
    char *old = old_path(root, key);
    bool there = gr_file_exists(old);
    gr_free(old);
    return there;
}

bool gr__cell_at_work(const char *root, const char *key) {
    char *lock = lock_path(root, key);
    bool at_work = gr__lock_peek(lock, key, NULL) != GR_OK;
    gr_free(lock);
    return at_work;
}

/* Whether losses, of whatever measure, are kept in buckets: documents cannot be had of them. */
static bool keeps_buckets(const gr_ledger *rows) {
    for (size_t i = 0; i < gr_ledger_size(rows); i++) {
        const char *unit = gr_entry_text(gr_ledger_at(rows, i), "unit");
        if (unit && strcmp(unit, "bucket") == 0)
            return true;
    }
    return false;
}

gr_status gr__cell_look(gr__known *known, const char *root, const char *key, const gr__committed *committed,
                        gr_units units, gr_error *err) {
    gr__kept_cell *cell;
    *known = (gr__known){0};
    GR_TRY(gr__cell_find(&cell, root, key, err));
    const gr__kept_cell *there = cell ? cell : committed ? gr__committed_find(committed, key) : NULL;

    /* Who is at it, and whether weights are beside the rows. */
    known->busy = gr__cell_at_work(root, key);
    known->model = cell && gr__cell_holds(root, key, "model");

    /* What is done in the folder comes before what others have committed. */
    if (!there)
        known->state = known->busy ? GR_CELL_BUSY : GR_CELL_MISSING;
    else
        known->state = gr__cell_diverged(there) ? GR_CELL_DIVERGED : cell ? GR_CELL_DONE : GR_CELL_COMMITTED;
    known->poor = there && units == GR_UNITS_DOCUMENTS && keeps_buckets(there->rows);
    gr__cell_free(cell);
    return GR_OK;
}

/* ---- moving ---- */

/* From work/ to cells/, with everything in it on the disk before and the move itself after. *mine: nobody was first. */
static gr_status move_to_cells(const gr__cell_work *work, bool *mine, gr_error *err) {
    char *to = done_path(work->root, work->key);
    gr_status status = gr__flush_folder(work->folder, err);
    if (status == GR_OK)
        status = make_below(work->root, "cells", err);

    /* A folder is not renamed over one that holds something: then another process has made the cell. */
    int code = status == GR_OK && rename(work->folder, to) ? errno : 0;
    *mine = status == GR_OK && !code;
    if (code == EEXIST || code == ENOTEMPTY)
        status = remove_cell(work->folder, err);
    else if (code)
        status = gr__file_error(err, to, "move the cell to its place", code);

    if (status == GR_OK)
        status = flush_below(work->root, "cells", err);
    if (status == GR_OK)
        status = flush_below(work->root, "work", err);
    gr_free(to);
    return status;
}

gr_status gr__cell_publish(gr__cell_work *work, bool *mine, const json_t *of, gr_ledger *rows,
                           const gr__cell_facts *facts, gr_error *err) {
    bool first = false;
    gr__kept_cell *cell = gr__cell_new(of, rows, facts);
    assert(!strcmp(cell->key, work->key));

    /* Another may have taken over a process that stood still: its work is not written over. */
    gr_status status = gr__lock_check(work->lock, err);
    if (status == GR_OK)
        status = gr__cell_write(cell, work->folder, err);
    if (status == GR_OK)
        status = move_to_cells(work, &first, err);

    gr__cell_free(cell);
    if (mine)
        *mine = first;
    return status;
}

/* In the place of what is there, in one step where the file system can. Elsewhere the old one steps aside first: killed
 * in between, the next call that begins this cell finds it whole and moves it. */
static gr_status exchange(const gr__cell_work *work, gr_error *err) {
    char *to = done_path(work->root, work->key), *old = old_path(work->root, work->key);
    gr_status status = gr__flush_folder(work->folder, err);
    bool swapped = status == GR_OK && renameat2(AT_FDCWD, work->folder, AT_FDCWD, to, RENAME_EXCHANGE) == 0;
    bool mine;

    if (status == GR_OK && !swapped) {
        status = remove_cell(old, err);
        if (status == GR_OK && rename(to, old) && errno != ENOENT)
            status = gr__file_error(err, to, "move the old cell away", errno);
    }
    if (status == GR_OK)
        status = swapped ? flush_below(work->root, "cells", err) : move_to_cells(work, &mine, err);

    /* What was replaced. */
    if (status == GR_OK)
        status = remove_cell(swapped ? work->folder : old, err);
    gr_free(old);
    gr_free(to);
    return status;
}

gr_status gr__cell_replace(gr__cell_work *work, const json_t *of, gr_ledger *rows, const gr__cell_facts *facts,
                           gr_error *err) {
    gr__kept_cell *cell = gr__cell_new(of, rows, facts);
    assert(!strcmp(cell->key, work->key) && !facts->model);
    gr_status status = gr__lock_check(work->lock, err);
    if (status == GR_OK)
        status = gr__cell_write(cell, work->folder, err);
    if (status == GR_OK)
        status = exchange(work, err);
    gr__cell_free(cell);
    return status;
}

/* ---- taking ---- */

/* Whether there is nothing left to make. */
static bool is_done(const char *root, const char *key, gr__cell_want want) {
    char *path = done_path(root, key);
    bool done = want == GR__WANT_MODEL ? holds(path, "model") : want == GR__WANT_ROWS && gr_file_exists(path);
    gr_free(path);
    return done;
}

/* A whole cell that a killed process has left in work/ is moved; one that cannot be believed is made again. */
static gr_status mend(const gr__cell_work *work, gr_error *err) {
    char *there = done_path(work->root, work->key), *file = gr_format("%s/cell.json", work->folder);
    bool left = holds(work->folder, "cell.json"), placed = gr_file_exists(there), mine;
    gr__kept_cell *cell = NULL;
    gr_status status = GR_OK;

    if (left && !placed && gr__cell_read(&cell, work->folder, work->key, NULL) == GR_OK)
        status = move_to_cells(work, &mine, err);
    else if (left)
        unlink(file);
    gr__cell_free(cell);
    gr_free(file);
    gr_free(there);
    return status;
}

/* A cell that is being made, in a folder that its key names. */
static gr__cell_work *work_new(const char *root, const char *key) {
    gr__cell_work *work = gr_alloc(sizeof *work);
    assert(strlen(key) == GR_DIGEST_HEX - 1);
    work->root = gr_strdup(root);
    work->folder = work_path(root, key);
    strcpy(work->key, key);
    return work;
}

/* Whether a cell that is done has weights of its own, be they there or not. */
static bool has_model(const char *root, const char *key) {
    char *there = done_path(root, key), *path = gr_format("%s/cell.json", there);
    json_t *file = NULL;
    bool model = gr_file_exists(path) && gr_json_read(&file, path, NULL) == GR_OK &&
                 json_is_string(json_object_get(json_object_get(file, "model"), "folder"));
    json_decref(file);
    gr_free(path);
    gr_free(there);
    return model;
}

/* Removes what a killed process has left of a cell that is done, and the cell that stepped aside for it. Weights that
 * are being made again stay to be gone on with, unless they are there (all) or the folder is a whole cell. */
static gr_status clear(const gr__cell_work *work, bool all, gr_error *err) {
    char *old = old_path(work->root, work->key);
    gr_status status = remove_cell(old, err);
    if (status == GR_OK && (all || holds(work->folder, "cell.json") || !has_model(work->root, work->key)))
        status = remove_cell(work->folder, err);
    gr_free(old);
    return status;
}

/* With the lock: what others have done meanwhile, and what is there to go on with. */
static gr_status prepare(gr__cell_work *work, gr__cell_want want, bool *done, gr_error *err) {
    if (!is_done(work->root, work->key, want))
        GR_TRY(mend(work, err));
    *done = is_done(work->root, work->key, want);
    if (*done)
        return clear(work, want == GR__WANT_MODEL, err);
    GR_TRY(gr_directory_make(work->folder, err));
    gr__temporaries_remove(work->folder);
    return GR_OK;
}

/* That somebody else is at it is no error here. */
static gr_status take_lock(gr__cell_work *work, bool *busy, const char *path, gr_error *err) {
    gr_error why = {0};
    gr_status status = gr__lock_take(&work->lock, path, work->folder, &why);
    *busy = status == GR_ERR_USAGE;
    if (status == GR_OK || *busy)
        return GR_OK;
    return gr_error_set(err, status, why.place, why.hint[0] ? why.hint : NULL, "%s", why.message);
}

/* Whether a process that was killed may have left something of a cell that is done. */
static bool has_rest(const gr__cell_work *work, const char *lock) {
    char *old = old_path(work->root, work->key);
    bool rest = gr_file_exists(lock) || gr_file_exists(work->folder) || gr_file_exists(old);
    gr_free(old);
    return rest;
}

gr_status gr__cell_begin(gr__cell_work **work, gr_cell_state *state, const char *root, const char *key,
                         gr__cell_want want, gr_error *err) {
    gr__cell_work *mine = work_new(root, key);
    char *lock = lock_path(root, key);
    bool busy = false, done = is_done(root, key, want), clean = done && !has_rest(mine, lock);
    *work = NULL;

    /* One maker at a time, who also clears up. */
    gr_status status = clean ? GR_OK : make_below(root, "work", err);
    if (status == GR_OK && !clean)
        status = take_lock(mine, &busy, lock, err);
    gr_free(lock);
    if (status == GR_OK && !clean && !busy)
        status = prepare(mine, want, &done, err);

    *state = done ? GR_CELL_DONE : busy ? GR_CELL_BUSY : GR_CELL_MISSING;
    if (status == GR_OK && *state == GR_CELL_MISSING)
        *work = mine;
    else
        gr__cell_end(mine);
    return status;
}

void gr__cell_end(gr__cell_work *work) {
    if (!work)
        return;
    if (work->lock)
        rmdir(work->folder); /* where nothing came of it */
    gr__lock_release(work->lock);
    gr_free(work->folder);
    gr_free(work->root);
    gr_free(work);
}

/* The key that a name in work/ is of: KEY, .KEY.old or .KEY.gradroute.lock. */
static bool key_of_name(char key[GR_DIGEST_HEX], const char *name) {
    unsigned char bytes[GR_DIGEST_BYTES];
    snprintf(key, GR_DIGEST_HEX, "%s", name + (name[0] == '.'));
    return gr_digest_unhex(bytes, key);
}

/* One cell that is done and of which something is left in work/, unless somebody is at it. */
static void sweep_one(const char *root, const char *key) {
    gr__cell_work *work = work_new(root, key);
    char *lock = lock_path(root, key);
    if (is_done(root, key, GR__WANT_ROWS) && gr__lock_take(&work->lock, lock, work->folder, NULL) == GR_OK)
        clear(work, false, NULL); /* what cannot be removed harms nobody */
    gr_free(lock);
    gr__cell_end(work);
}

void gr__cells_sweep(const char *root) {
    char *path = gr_format("%s/work", root), key[GR_DIGEST_HEX];
    DIR *folder = opendir(path);
    for (struct dirent *e; folder && (e = readdir(folder));)
        if (key_of_name(key, e->d_name))
            sweep_one(root, key);
    if (folder)
        closedir(folder);
    gr_free(path);
}

/* ---- what is not kept ---- */

gr_status gr__cell_drop_checkpoints(const char *root, const char *key, gr_error *err) {
    char *path = gr_format("%s/cells/%s/checkpoints", root, key);
    gr_status status = gr_checkpoint_remove(path, err);
    gr_free(path);
    return status;
}

/* Whether somebody makes a cell that the caller says the model may be needed for. */
static bool is_in_use(const gr__cell_work *work, bool (*needs)(const void *user, const char *key), const void *user) {
    char *path = gr_format("%s/work", work->root), key[GR_DIGEST_HEX];
    DIR *folder = opendir(path);
    bool used = false;
    for (struct dirent *e; folder && !used && (e = readdir(folder));)
        used = key_of_name(key, e->d_name) && strcmp(key, work->key) != 0 && gr__cell_at_work(work->root, key) &&
               needs(user, key);
    if (folder)
        closedir(folder);
    gr_free(path);
    return used;
}

/* With the lock. The model steps aside by one rename, so that nobody finds half of it. */
static gr_status drop_model(const gr__cell_work *work, gr_error *err) {
    char *model = gr_format("%s/cells/%s/model", work->root, work->key), *old = old_path(work->root, work->key);
    gr_status status = gr_bundle_check(model, err); /* it is ours and nothing else is in it */
    if (status == GR_OK)
        status = remove_cell(old, err);
    if (status == GR_OK && rename(model, old) && errno != ENOENT)
        status = gr__file_error(err, model, "move the model away", errno);
    if (status == GR_OK)
        status = remove_cell(old, err);
    gr_free(model);
    gr_free(old);
    return status;
}

gr_status gr__cell_drop_model(const char *root, const char *key, bool (*needs)(const void *user, const char *key),
                              const void *user, gr_error *err) {
    gr__cell_work *work = work_new(root, key);
    char *lock = lock_path(root, key);
    bool busy = false;
    gr_status status = make_below(root, "work", err);

    /* First the lock, then the look at who is at work; whoever begins to work looks at the lock after taking its own.
     * So one of the two sees the other. */
    if (status == GR_OK)
        status = take_lock(work, &busy, lock, err);
    if (status == GR_OK && !busy && !is_in_use(work, needs, user))
        status = drop_model(work, err);
    gr_free(lock);
    gr__cell_end(work);
    return status;
}

/* ---- models made again ---- */

/* Notes beside the rows that stay what was computed the second time. */
static gr_status write_remade(const gr__kept_cell *known, const char *digest, const char *folder, gr_error *err) {
    char date[40], seal[GR_DIGEST_HEX], *path = gr_format("%s/remade.json", folder);
    gr__text_date(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ");
    json_t *note =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "format", "gradroute-remade-1", "key", known->key,
                  "rows_sha256", gr__cell_text(known, "rows_sha256"), "rows_isa", gr__cell_text(known, "isa"),
                  "remade_sha256", digest, "isa", gr_kernel_isa(), "program", GR_VERSION, "made", date);
    gr_json_seal(seal, note);
    json_object_set_new(note, "sha256", json_string(seal));
    gr_status status = gr_json_write(note, path, err);
    json_decref(note);
    gr_free(path);
    return status;
}

/* model/ alone, to a cell that is there. The rename is last: with its model the cell is what was wanted. */
static gr_status move_model(const gr__cell_work *work, const char *to, gr_error *err) {
    char *from = gr_format("%s/model", work->folder), *model = gr_format("%s/model", to);
    int code = rename(from, model) ? errno : 0;
    gr_status status = GR_OK;
    if (code && code != EEXIST && code != ENOTEMPTY) /* those: another was first */
        status = gr__file_error(err, model, "move the model to its place", code);
    if (status == GR_OK)
        status = gr__flush_folder(to, err);
    if (status == GR_OK)
        status = remove_cell(work->folder, err);
    gr_free(from);
    gr_free(model);
    return status;
}

gr_status gr__cell_restore(gr__cell_work *work, bool *other, const gr__kept_cell *known, const gr_ledger *rows,
                           gr_error *err) {
    char digest[GR_DIGEST_HEX], *lines = gr_ledger_lines(rows), *to = done_path(work->root, work->key);
    gr_digest_data(digest, lines, strlen(lines));
    bool differs = strcmp(digest, gr__cell_text(known, "rows_sha256")) != 0, mine;
    assert(!strcmp(known->key, work->key));
    gr_free(lines);

    /* Where there is no folder yet, this one becomes it, with the rows that are known. */
    gr_status status = gr__lock_check(work->lock, err);
    bool there = gr_file_exists(to);
    if (status == GR_OK && differs)
        status = write_remade(known, digest, there ? to : work->folder, err);
    if (status == GR_OK && !there)
        status = gr__cell_write(known, work->folder, err);
    if (status == GR_OK)
        status = there ? move_model(work, to, err) : move_to_cells(work, &mine, err);

    if (other)
        *other = differs;
    gr_free(to);
    return status;
}

/* ---- links ---- */

/* What a link of ours leads to: [../]cells/KEY or [../]work/KEY. */
static bool is_ours(const char *target) {
    static const char digits[] = "0123456789abcdef";
    const char *at = strncmp(target, "../", 3) ? target : target + 3;
    size_t before = !strncmp(at, "cells/", 6) ? 6 : !strncmp(at, "work/", 5) ? 5 : 0;
    return before && strlen(at + before) == GR_DIGEST_HEX - 1 && strspn(at + before, digits) == GR_DIGEST_HEX - 1;
}

/* What stands under the name: 0 nothing, 1 a link of ours, -1 something else. */
static int whose(const char *path) {
    char target[PATH_MAX];
    struct stat info;
    if (lstat(path, &info))
        return errno == ENOENT ? 0 : -1;
    ssize_t n = S_ISLNK(info.st_mode) ? readlink(path, target, sizeof target - 1) : -1;
    if (n < 0)
        return -1;
    target[n] = 0;
    return is_ours(target) ? 1 : -1;
}

/* Beside the name and then over it, so that there is a link at any moment. No links: no error. */
static gr_status replace_link(const char *path, const char *target, gr_error *err) {
    int code = ENOENT;

    /* Another process may clear up between the two calls. */
    for (int attempt = 0; code == ENOENT && attempt < 100; attempt++) {
        char *fresh = gr__temporary(path);
        code = symlink(target, fresh) || rename(fresh, path) ? errno : 0;
        if (code)
            unlink(fresh);
        gr_free(fresh);
    }
    bool without = code == EPERM || code == EOPNOTSUPP || code == ENOSYS || code == EINVAL;
    return code && !without ? gr__file_error(err, path, "make the link", code) : GR_OK;
}

static gr_status in_the_way(const char *path, gr_error *err) {
    return gr_error_set(err, GR_ERR_USAGE, path, "choose another folder, or move it away",
                        "something that gradroute has not made has the name of a model");
}

gr_status gr__cell_link_check(const char *root, const char *name, gr_error *err) {
    char *path = gr_format("%s/%s", root, name);
    gr_status status = whose(path) < 0 ? in_the_way(path, err) : GR_OK;
    gr_free(path);
    return status;
}

gr_status gr__cell_link(const char *root, const char *name, const char *key, bool done, gr_error *err) {
    char *path = gr_format("%s/%s", root, name), kept[PATH_MAX];
    char *target = gr_format("%s%s/%s", strchr(name, '/') ? "../" : "", done ? "cells" : "work", key);
    int is = whose(path);
    gr_status status = GR_OK;

    /* What is not ours stays; what is right already is left alone. */
    if (is < 0)
        status = in_the_way(path, err);
    ssize_t n = is > 0 ? readlink(path, kept, sizeof kept - 1) : -1;
    bool same = n >= 0 && (size_t)n == strlen(target) && !strncmp(kept, target, (size_t)n);
    if (status == GR_OK && !same)
        status = gr__parent_make(path, err);
    if (status == GR_OK && !same)
        status = replace_link(path, target, err);

    gr_free(target);
    gr_free(path);
    return status;
}
