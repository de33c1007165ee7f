/* output.h - the folder that a run or an audit is written to: looked at before anything is written, then claimed.
 *
 *     GR_TRY(gr__output_look(folder, &gr__folder_of_runs, recipe, resume, err));            before the data are read
 *     ... the data are read: now the digest is known ...
 *     GR_TRY(gr__output_claim(&out, folder, &gr__folder_of_runs, project, resume, err));    from here on it is ours
 *     ...
 *     gr__output_release(&out);
 *
 * A folder is ours by its folder.json, which names the kind and the digest of what it holds. Without one, files of
 * names that we write are somebody else's.
 */
#ifndef GR_TASK_OUTPUT_H
#define GR_TASK_OUTPUT_H

#include "gradroute/task.h"
#include "io/lock.h"

/* What folders of one kind hold. */
typedef struct gr__folder_kind {
    const char *word, *article;           /* "run", "a run" */
    bool (*writes)(const char *name);     /* whether an entry of this name is written there */
    bool (*has_work)(const char *folder); /* whether it holds what took time to make */
    gr_status (*check)(const char *folder, bool resume,
                       gr_error *err); /* a folder of ours; NULL: it may be gone on with */
    bool shared;                       /* several processes may work in it: each claims it for a moment */
} gr__folder_kind;

extern const gr__folder_kind gr__folder_of_runs; /* one training */

/* For kinds: whether there is an entry of this name, and whether a name fits one of the patterns, ended by NULL. */
bool gr__folder_holds(const char *folder, const char *name);
bool gr__folder_matches(const char *const *patterns, const char *name);

typedef struct gr__output {
    char *folder;
    gr__lock *lock;
    bool made; /* the folder is new */
} gr__output;

/* Whether a run of this recipe may be written to folder; changes nothing. Errors: those of gr_output_check. */
gr_status gr__output_look(const char *folder, const gr__folder_kind *kind, const gr_recipe *recipe, bool resume,
                          gr_error *err);

/* Looks again, now with the digest, makes the folder, locks it, and writes folder.json and recipe.yaml. Errors: those
 * of gr__output_look, gr__lock_take. */
gr_status gr__output_claim(gr__output *out, const char *folder, const gr__folder_kind *kind, const gr_project *project,
                           bool resume, gr_error *err);
void gr__output_release(gr__output *out);

/* Removes the lock file that a killed call has left in a folder that is finished. */
void gr__output_sweep(const char *folder);

#endif
