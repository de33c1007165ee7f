#include "waiting.h"

#include <limits.h>
#include <omp.h>
#include <stdlib.h>
#include <unistd.h>

#include "gradroute/base.h"

static const char guard[] = "GRADROUTE_REEXECUTED", spins[] = "GOMP_SPINCOUNT", policy[] = "OMP_WAIT_POLICY";

/* A thread that waits sleeps at once. By itself libgomp has it look for milliseconds: where something else wants the
 * core, the thread that all wait for is then kept from it by those that wait. SPEED.md has the figures of both, and
 * bench/waiting.sh measures them. */
static const char passive[] = "passive";

void gr__settle_waiting(char **argv) {
    char path[PATH_MAX];
    if (getenv(guard) || getenv(spins) || getenv(policy))
        return;

    /* The real path, so that the process keeps its name. */
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0)
        return;
    path[length] = 0;

    setenv(guard, "1", 1);
    setenv(policy, passive, 1);
    execv(path, argv);

    /* Refused: as if nothing had been tried. */
    unsetenv(guard);
    unsetenv(policy);
}

void gr__settle_threads(void) {
    int cores = gr_cores();
    if (!getenv("OMP_NUM_THREADS") && cores < omp_get_max_threads())
        omp_set_num_threads(cores);
}
