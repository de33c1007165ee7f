/* output.h - the folder that a run or an audit is written to: looked at before anything is written, then claimed.
 *
 *     GR_TRY(gr_output_check(folder, GR_OUTPUT_RUN, recipe, resume, err));      lab.h: before the data are read
 *     ... the data are read: now the digest is known ...
 *     GR_TRY(gr__output_claim(&out, folder, GR_OUTPUT_RUN, project, resume, err));    from here on the folder is ours
 *     ...
 *     gr__output_release(&out);
 *
 * A folder is ours by its folder.json, which names the kind and the digest of what it holds. Without one, files of
 * names that we write are somebody else's.
 */
#ifndef GR_LAB_OUTPUT_H
#define GR_LAB_OUTPUT_H

#include "gradroute/lab.h"
#include "io/lock.h"

typedef struct gr__output {
    char *folder;
    gr__lock *lock;
    bool made; /* the folder is new */
} gr__output;

/* Looks again, now with the digest, makes the folder, locks it, and writes folder.json and recipe.yaml. Errors: those
 * of gr_output_check, gr__lock_take. */
gr_status gr__output_claim(gr__output *out, const char *folder, gr_output_kind kind, const gr_project *project,
                           bool resume, gr_error *err);
void gr__output_release(gr__output *out);

/* Removes the lock file that a killed call has left in a folder that is finished. */
void gr__output_sweep(const char *folder);

#endif
