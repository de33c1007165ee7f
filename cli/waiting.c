/* How threads wait is settled when OpenMP's library is loaded: so the program sets it and starts itself once more. */
#include "waiting.h"

#include <inttypes.h>
#include <limits.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gradroute/base.h"

static const char guard[] = "GRADROUTE_REEXECUTED", spins[] = "GOMP_SPINCOUNT", policy[] = "OMP_WAIT_POLICY";

/* How often a thread looks before it sleeps: some tens of microseconds, a little more than sleeping and waking cost, so
 * that waiting is never much dearer than the better of the two. By itself libgomp has it look for milliseconds: where
 * something else wants the core, the thread that all wait for is then kept from it by those that wait. SPEED.md has
 * figures, and bench/waiting.sh takes them. */
static const char looks[] = "1000";

/* Whether the file holds this very function: not where a loader was called with the program as its argument. */
static bool is_this_program(const char *path) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char *line = NULL;
    size_t room = 0, length = strlen(path);
    bool found = false;
    while (maps && !found && getline(&line, &room, maps) > 0) {
        /* Lines of maps are "FROM-TO ... PATH": the one that this function lies in. */
        uintptr_t from, to, here = (uintptr_t)&gr__settle_waiting;
        line[strcspn(line, "\n")] = 0;
        size_t end = strlen(line);
        found = sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) == 2 && here >= from && here < to && end > length &&
                line[end - length - 1] == ' ' && strcmp(line + end - length, path) == 0;
    }
    free(line);
    if (maps)
        fclose(maps);
    return found;
}

void gr__settle_waiting(char **argv) {
    char path[PATH_MAX];

    /* Done already, or settled by the user. */
    if (getenv(guard) || getenv(spins) || getenv(policy))
        return;

    /* The real path, so that the process keeps its name. */
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0)
        return;
    path[length] = 0;
    if (!is_this_program(path))
        return;

    /* Once more with the setting; the guard keeps it from a third time. */
    setenv(guard, "1", 1);
    setenv(spins, looks, 1);
    execv(path, argv);

    /* Refused: as if nothing had been tried. */
    unsetenv(guard);
    unsetenv(spins);
}

void gr__settle_threads(void) {
    int cores = gr_cores();
    if (!getenv("OMP_NUM_THREADS") && cores < omp_get_max_threads())
        omp_set_num_threads(cores);
}
