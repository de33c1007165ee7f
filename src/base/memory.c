/* How much memory is free for this process: MemAvailable of /proc/meminfo, which counts what caches give back, and what
 * a limit of the address space (ulimit -v) leaves beside what is mapped already. Limits of control groups do not count:
 * what they refuse ends the process, whatever is said here. */
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gradroute/base.h"

/* By the machine, whose caches give way. */
static double of_machine(void) {
    FILE *in = fopen("/proc/meminfo", "r");
    char line[128];
    double kilobytes = INFINITY;
    /* The line that counts caches as free; older kernels have none. */
    while (in && fgets(line, sizeof line, in))
        if (sscanf(line, "MemAvailable: %lf", &kilobytes) == 1)
            break;
    if (in)
        fclose(in);
    return 1024 * kilobytes;
}

/* By the limit of the address space, of which the process has taken some. */
static double of_limit(void) {
    struct rlimit limit;
    double pages = 0;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return INFINITY;

    FILE *in = fopen("/proc/self/statm", "r");
    if (in && fscanf(in, "%lf", &pages) != 1)
        pages = 0;
    if (in)
        fclose(in);
    return fmax(0, (double)limit.rlim_cur - pages * (double)sysconf(_SC_PAGESIZE));
}

double gr_memory_free(void) { return fmin(of_machine(), of_limit()); }
