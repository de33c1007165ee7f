/* operation.h - what commands share that change a model and write it to another folder; verify.h compares and saves. */
#ifndef GR_CLI_OPERATION_H
#define GR_CLI_OPERATION_H

#include "common.h"
#include "gradroute/verify.h"

/* OUT must be neither the model itself nor hold files that are read (NULL: none), and nothing of others may be in it.
 */
gr_status gr__operation_check_out(const gr__common *common, const char *data, const char *verify, gr_error *err);

/* Where models disagree and --force was not given. */
#define GR__FORCE_HINT "--force writes it all the same"

#define GR__OPTION_VERIFY(key) \
    { "verify", key, "FILE", 0, "Compare with MODEL on this text (default: on random tokens)", 0 }
#define GR__OPTION_FORCE(key) \
    { "force", key, NULL, 0, "Write OUT also where it differs from what was expected", 0 }

#endif
