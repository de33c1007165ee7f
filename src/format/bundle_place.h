/* bundle_place.h - the place of a model folder on the disk: what may be replaced, and how that survives a kill.
 *
 *     gr__place place;
 *     GR_TRY(gr__place_open(&place, "runs/a/model", err));     refuses what is no model of ours
 *     ... write the files into place.fresh ...
 *     GR_TRY(gr__place_commit(&place, err));                   flushed, moved to its name, the old model removed
 *     gr__place_close(&place);                                 also after an error: what was begun goes away
 *
 * The new model stands in .NAME.new beside NAME until it is whole. Where the file system can exchange two folders in
 * one step, a kill leaves the old one or the new one under NAME. Elsewhere (NFS, CIFS, sshfs) the old one steps aside
 * as .NAME.old first; killed in between, the next call that writes or reads NAME puts it back.
 */
#ifndef GR_FORMAT_BUNDLE_PLACE_H
#define GR_FORMAT_BUNDLE_PLACE_H

#include "io/lock.h"

typedef struct gr__place {
    char *path;        /* links followed, no slash at the end */
    char *fresh, *old; /* .NAME.new and .NAME.old beside it */
    gr__lock *lock;    /* .NAME.gradroute.lock */
} gr__place;

gr_status gr__place_open(gr__place *place, const char *path, gr_error *err);
gr_status gr__place_commit(gr__place *place, gr_error *err);
void gr__place_close(gr__place *place);

/* Where NAME is missing since its replacement was cut short, puts the old model back, as far as it can. */
void gr__place_mend(const char *path);

/* Removes the model folder whose manifest has this digest; what is another model by now, or holds what its manifest
 * does not list, stays as it is: GR_ERR_USAGE says so. Nothing there is fine. */
gr_status gr__place_remove(const char *path, const char *sha256, gr_error *err);

#endif
