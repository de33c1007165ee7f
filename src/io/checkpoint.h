/* checkpoint.h - the state of a run: owners register their arrays and options, io saves and loads them as one file.
 *
 *     gr_checkpoint *cp = gr_checkpoint_new();
 *     gr_checkpoint_add(cp, "model/w", GR_DTYPE_REAL, 2, (int64_t[]){H, W}, model->w);
 *     gr_checkpoint_option_int(cp, "step", &step);
 *     GR_TRY(gr_checkpoint_save(cp, "runs/a/checkpoints/step-000000100.safetensors", err));
 *     ...
 *     char *path;
 *     GR_TRY(gr_checkpoint_latest("runs/a/checkpoints", &path, NULL, NULL, err));
 *     if (path)
 *         GR_TRY(gr_checkpoint_load(cp, path, err));             back in the same pointers
 *     gr_checkpoint_free(cp);
 *
 * The file is a safetensors file whose metadata hold `format`, `options` (JSON), `sha256` of the data part and
 * `sha256_header` of the list of arrays and the options. It appears under its name only when it is complete
 * (see file.h), so a kill at any moment costs at most the checkpoint being written.
 */
#ifndef GR_IO_CHECKPOINT_H
#define GR_IO_CHECKPOINT_H

#include "io/safetensors.h"

typedef struct gr_checkpoint gr_checkpoint;
gr_checkpoint *gr_checkpoint_new(void);
void gr_checkpoint_free(gr_checkpoint *cp); /* not what was registered */

/* Registers an array; data must stay valid and is read by save, written by load. Names are unique (asserted). */
void gr_checkpoint_add(gr_checkpoint *cp, const char *name, gr_dtype dtype, int ndim, const int64_t *dims, void *data);

/* Registers a number or a text. Reals keep their bits, infinities and NaN (as such) included. A text is a block of
 * gr_alloc or NULL; load frees the old one and puts a new one there. */
void gr_checkpoint_option_int(gr_checkpoint *cp, const char *name, int64_t *value);
void gr_checkpoint_option_real(gr_checkpoint *cp, const char *name, double *value);
void gr_checkpoint_option_text(gr_checkpoint *cp, const char *name, char **value);

gr_status gr_checkpoint_save(const gr_checkpoint *cp, const char *path, gr_error *err);

/* All or nothing: digests, names, types and shapes of everything are verified before the first registered byte is
 * written. GR_ERR_FORMAT when the file is damaged, lacks something registered or holds something that is not. */
gr_status gr_checkpoint_load(const gr_checkpoint *cp, const char *path, gr_error *err);

/* Whether a file is a complete checkpoint: structure and digests. */
gr_status gr_checkpoint_verify(const char *path, gr_error *err);

/* FOLDER/step-%09d.safetensors, a new string. */
char *gr_checkpoint_path(const char *folder, int64_t step);

/* The newest complete checkpoint of a folder: *path (a new string) and *step. Damaged ones are passed over with a note
 * in the log each and counted in *damaged. No checkpoint, or no folder, is GR_OK with *path NULL and *step -1; nothing
 * but damaged ones is GR_ERR_FORMAT. step and damaged may be NULL. */
gr_status gr_checkpoint_latest(const char *folder, char **path, int64_t *step, int *damaged, gr_error *err);

/* The highest step that a checkpoint of the folder is named after, damaged or not; -1: there is none. */
int64_t gr_checkpoint_newest(const char *folder);

/* Removes all but the newest `keep` (at least 1) complete checkpoints, and what a kill left half-written. Damaged files
 * do not count, so one good checkpoint always stays; to know, the kept ones are read once. */
gr_status gr_checkpoint_prune(const char *folder, int keep, gr_error *err);

/* Removes a folder of checkpoints, or, with GR_ERR_USAGE, nothing where anything else is in it. No folder is fine. */
gr_status gr_checkpoint_remove(const char *folder, gr_error *err);

#endif
