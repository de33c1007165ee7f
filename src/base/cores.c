/* How many cores a process may use: what the scheduler lets it run on, and what control groups grant of them.
 *
 * A container's limit is not seen by the scheduler: it is a quota of processor time per period, written in files of the
 * process's control group or of one above it. Both versions of control groups are read, the smallest quota counts. */
#include "base/cores.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/base.h"

/* The number that folder/name holds. False where the file is missing or says something else ("max"). */
static bool read_number(double *value, const char *folder, const char *name) {
    char *path = gr_format("%s/%s", folder, name);
    FILE *in = fopen(path, "r");
    bool found = in && fscanf(in, "%lf", value) == 1;
    if (in)
        fclose(in);
    gr_free(path);
    return found;
}

/* The two numbers that folder/name holds. */
static bool read_pair(double *first, double *second, const char *folder, const char *name) {
    char *path = gr_format("%s/%s", folder, name);
    FILE *in = fopen(path, "r");
    bool found = in && fscanf(in, "%lf %lf", first, second) == 2;
    if (in)
        fclose(in);
    gr_free(path);
    return found;
}

/* What one group grants. Version 2 has both numbers in one file, version 1 in two; -1 stands for no limit. */
static double granted(const char *folder, bool second_version) {
    double quota = -1, period = 0;
    bool known = second_version ? read_pair(&quota, &period, folder, "cpu.max")
                                : read_number(&quota, folder, "cpu.cfs_quota_us") &&
                                      read_number(&period, folder, "cpu.cfs_period_us");
    return known && quota > 0 && period > 0 ? quota / period : INFINITY;
}

/* The least from the group at base/path up to the one at base. */
static double least_upwards(const char *base, const char *path, bool second_version) {
    double least = INFINITY;
    char *left = gr_strdup(strstr(path, "/..") ? "" : path); /* a group outside of what is mounted here */
    bool more = true;
    while (more) {
        char *folder = gr_format("%s%s", base, left);
        least = fmin(least, granted(folder, second_version));
        gr_free(folder);

        /* One level up. */
        char *slash = strrchr(left, '/');
        more = slash != NULL;
        if (slash)
            *slash = 0;
    }
    gr_free(left);
    return least;
}

/* Whether a list as "cpu,cpuacct" has the controller of processor time. */
static bool has_cpu(const char *controllers) {
    for (const char *at = controllers; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, "cpu", 3) == 0 && (at[3] == ',' || !at[3]))
            return true;
    }
    return false;
}

/* What a line "ID:CONTROLLERS:PATH" leads to; version 2 names no controllers. */
static double of_line(char *line, const char *root) {
    line[strcspn(line, "\n")] = 0;
    char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return INFINITY;
    *controllers++ = 0; /* the ID ends here .. */
    *path++ = 0;        /* .. and the controllers here */

    /* Where it may be mounted: version 2 alone or beside version 1, that under its controllers or the one that counts.
     */
    bool second_version = !*controllers;
    if (!second_version && !has_cpu(controllers))
        return INFINITY;

    const char *places[2] = {second_version ? "" : controllers, second_version ? "unified" : "cpu"};
    double least = INFINITY;
    for (int i = 0; i < 2; i++) {
        char *base = gr_format("%s%s%s", root, *places[i] ? "/" : "", places[i]);
        least = fmin(least, least_upwards(base, path, second_version));
        gr_free(base);
    }
    return least;
}

double gr__cpu_quota(const char *groups, const char *root) {
    FILE *in = fopen(groups, "r");
    char *line = NULL;
    size_t room = 0;
    double least = INFINITY;
    while (in && getline(&line, &room, in) > 0)
        least = fmin(least, of_line(line, root));
    free(line);
    if (in)
        fclose(in);
    return least;
}

/* A thread for less than a quarter of a core would make the others wait for it, and the group for its next period. */
int gr__cores_within(int cores, double quota) {
    double wanted = ceil(quota - 0.25);
    return !(wanted >= 1) ? 1 : wanted < cores ? (int)wanted : cores;
}

int gr_cores(void) {
    return gr__cores_within(omp_get_num_procs(), gr__cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup"));
}
