/* workers.h - the same command several times at once, each with a share of the cores.
 *
 *     char *words[] = {"gradroute", "reproduce", "audit", "-o", "runs/a", "--worker", "--threads", "2", NULL};
 *     GR_TRY(gr__workers_run(words, 4, "audit", gr__stop_flag(), err));
 *
 * Processes and not threads: OpenMP's threads, the account of memory and oneDNN's engine belong to a process.
 */
#ifndef GR_CLI_WORKERS_H
#define GR_CLI_WORKERS_H

#include <signal.h>

#include "gradroute/base.h"

/* Starts this program `count` times with these words (words[0] is its name, the last one NULL) and waits for all of
 * them; what they say goes to standard error. When *stop is set they are asked to stop, and so they are when one fails.
 * GR_ERR_INTERRUPTED, at the place `name`: they were; GR_ERR_IO: one ended with another status than 0, or could not be
 * started. */
gr_status gr__workers_run(char *const *words, int count, const char *name, const volatile sig_atomic_t *stop,
                          gr_error *err);

/* For a worker: it is asked to stop when the process that started it dies. */
void gr__worker_begin(void);

#endif
