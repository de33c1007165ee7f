/* cell_store.h - cells on disk: those that are made, those that are done, and that each is made once.
 *
 *     gr__cell_work *work;
 *     gr_cell_state state;
 *     GR_TRY(gr__cell_begin(&work, &state, folder, key, GR__WANT_ROWS, err));
 *     if (work) {                                             nobody else makes it now, and it is not there
 *         ... make it in work->folder, which may hold what a killed process has left; ask work->lock before saving ...
 *         GR_TRY(gr__cell_publish(work, of, rows, &facts, err));     takes the rows
 *         gr__cell_end(work);
 *     }
 *     GR_TRY(gr__cell_find(&cell, folder, key, err));         NULL: not done
 *
 * Below the folder of an experiment:
 *
 *     work/KEY/                    a cell that is being made
 *     work/.KEY.gradroute.lock     who makes it; beside the folder, for that will be renamed
 *     cells/KEY/                   a cell that is done: cell.json, rows.jsonl, and what its maker left beside them
 *     work/.KEY.old/               what stepped aside: a cell for its successor, or a model that is removed
 *     cells/KEY/remade.json        its model was made again, and the rows of the second making were others
 *     NAME -> cells/KEY            links for people
 *
 * A folder moves from work/ to cells/ by one rename, after all that is in it was flushed: a kill at any moment leaves a
 * cell that is gone on with, or one that is done. Several processes and machines may share a folder.
 */
#ifndef GR_LAB_CELL_STORE_H
#define GR_LAB_CELL_STORE_H

#include "io/lock.h"
#include "lab/cell_file.h"

typedef enum gr_cell_state {
    GR_CELL_MISSING,
    GR_CELL_BUSY,      /* somebody makes it */
    GR_CELL_DONE,      /* in the folder */
    GR_CELL_COMMITTED, /* among committed rows alone: no model */
    GR_CELL_DIVERGED   /* done, and its row says that a number was no longer finite */
} gr_cell_state;

typedef struct gr__cell_work {
    char *root, *folder; /* of the experiment, of the cell that is made */
    char key[GR_DIGEST_HEX];
    gr__lock *lock; /* NULL: nothing can be written */
} gr__cell_work;

/* The cell, checked in full; NULL: it is not there. GR_ERR_FORMAT: it is there and damaged, and is neither used nor
 * made again until somebody removes it. */
gr_status gr__cell_find(gr__kept_cell **cell, const char *root, const char *key, gr_error *err);

/* What is known of a cell; all zero: nothing is. */
typedef struct gr__known {
    gr_cell_state state;
    bool model; /* its weights are there; of views not asked */
    bool busy;  /* somebody makes it, or its weights, or itself once more */
    bool poor;  /* its rows keep less than is asked for */
} gr__known;

/* Looks, without changing anything. committed: rows that count as done, NULL: none do. units: what rows of losses are
 * to keep. Errors: those of gr__cell_find. */
gr_status gr__cell_look(gr__known *known, const char *root, const char *key, const gr__committed *committed,
                        gr_units units, gr_error *err);

/* What is wanted of a cell: that it is done; that it has its model/ too; that it is made once more, for its rows keep
 * less than is asked for (buckets, where documents are wanted). */
typedef enum gr__cell_want { GR__WANT_ROWS, GR__WANT_MODEL, GR__WANT_RICHER } gr__cell_want;

/* Takes a cell to make it. *work is NULL, and *state GR_CELL_DONE or GR_CELL_BUSY, where there is nothing to make; else
 * GR_CELL_MISSING. What a killed process had finished but not moved is moved now, what it need not have begun removed.
 * Who wants richer rows looks at those that are there once more: another may have been first. Errors: those of files.
 */
gr_status gr__cell_begin(gr__cell_work **work, gr_cell_state *state, const char *root, const char *key,
                         gr__cell_want want, gr_error *err);

/* Writes rows.jsonl and cell.json into the work folder and moves it to cells/. Where another was first, its cell
 * counts: *mine (NULL: not asked) is false, and this one's folder is removed. Takes the rows. That the key is that of
 * `of` is asserted. GR_ERR_IO: the lock was lost, or files. */
gr_status gr__cell_publish(gr__cell_work *work, bool *mine, const json_t *of, gr_ledger *rows,
                           const gr__cell_facts *facts, gr_error *err);

/* The same in the place of the cell that is there: a measurement, which has nothing beside its rows (asserted). Takes
 * the rows. */
gr_status gr__cell_replace(gr__cell_work *work, const json_t *of, gr_ledger *rows, const gr__cell_facts *facts,
                           gr_error *err);

/* The model of a cell whose rows are known already (committed, or done before its model was removed) was made again in
 * the work folder: moves model/ to the cell, which is made of the known rows where it is not there. Where the rows of
 * the second making differ, remade.json says so, *other (NULL: not asked) is true, and the known ones stay. */
gr_status gr__cell_restore(gr__cell_work *work, bool *other, const gr__kept_cell *known, const gr_ledger *rows,
                           gr_error *err);

/* Gives the cell back; what was begun and not published stays to be gone on with. NULL is fine. */
void gr__cell_end(gr__cell_work *work);

/* Removes what killed processes have left in work/ of cells that are done. Cells that were begun stay. */
void gr__cells_sweep(const char *root);

/* Whether a cell that is done has a file or folder of this name; whether a killed process has left what stepped aside
 * for good; whether somebody is at work on a cell. */
bool gr__cell_holds(const char *root, const char *key, const char *name);
bool gr__cell_left_aside(const char *root, const char *key);
bool gr__cell_at_work(const char *root, const char *key);

/* Removes the checkpoints of a cell that is done. GR_ERR_USAGE where something that is not ours lies among them: then
 * they stay. */
gr_status gr__cell_drop_checkpoints(const char *root, const char *key, gr_error *err);

/* Removes the model of a cell that is done; its rows stay. Nothing happens while somebody is at work on the cell, or on
 * one that needs() says it may be needed for. For this whoever begins a cell asks, after gr__cell_begin and before the
 * model is read, whether it is there and nobody is at work on its cell. Errors: those of gr_bundle_check, and of files.
 */
gr_status gr__cell_drop_model(const char *root, const char *key, bool (*needs)(const void *user, const char *key),
                              const void *user, gr_error *err);

/* root/NAME -> cells/KEY, or work/KEY until it is done; NAME may lead into a folder ("arms/routed@seed=2"), which is
 * made. Where the file system has no links nothing happens. GR_ERR_USAGE: something else has the name. */
gr_status gr__cell_link(const char *root, const char *name, const char *key, bool done, gr_error *err);

/* What gr__cell_link would say of the name, without changing anything. */
gr_status gr__cell_link_check(const char *root, const char *name, gr_error *err);

#endif
