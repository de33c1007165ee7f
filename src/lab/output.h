/* output.h - the folder that a run or an audit is written to: looked at before anything is written, then claimed.
 *
 *     GR_TRY(gr_output_check(folder, GR_OUTPUT_RUN, recipe, resume, err));      lab.h: before the data are read
 *     ... the data are read: now the digest is known ...
 *     GR_TRY(gr__output_claim(folder, GR_OUTPUT_RUN, project, resume, err));    from here on the folder is ours
 *
 * A folder is ours by its folder.json, which names the kind and the digest of what it holds. Without one, files of
 * names that we write are somebody else's.
 */
#ifndef GR_LAB_OUTPUT_H
#define GR_LAB_OUTPUT_H

#include "gradroute/lab.h"

/* Looks again, now with the digest, makes the folder, and writes folder.json and recipe.yaml. */
gr_status gr__output_claim(const char *folder, gr_output_kind kind, const gr_project *project, bool resume,
                           gr_error *err);

#endif
