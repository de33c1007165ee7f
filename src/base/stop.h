/* stop.h - long work that its caller may end, by a flag that a signal handler sets.
 *
 *     for (size_t d = 0; d < docs; d++) {
 *         GR_TRY(gr__go_on(def->stop, "reading the corpus", err));
 *         ...                                                          no longer than a moment
 *     }
 */
#ifndef GR_BASE_STOP_H
#define GR_BASE_STOP_H

#include <signal.h>

#include "gradroute/base.h"

/* GR_ERR_INTERRUPTED once the flag is set. stop NULL: never. what: for the message, "reading the corpus". */
static inline gr_status gr__go_on(const volatile sig_atomic_t *stop, const char *what, gr_error *err) {
    if (!stop || !*stop)
        return GR_OK;
    return gr_error_set(err, GR_ERR_INTERRUPTED, "data", "nothing was written: the next call begins anew",
                        "stopped while %s", what);
}

#endif
