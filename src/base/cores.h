/* cores.h - the processor time that control groups grant, from files of any folder.
 *
 *     double quota = gr__cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup");    1.5: one and a half cores; INFINITY: all
 *     int threads = gr__cores_within(8, quota);                               2
 */
#ifndef GR_BASE_CORES_H
#define GR_BASE_CORES_H

/* Cores of processor time, the least that a group on the way up to the root grants: of both versions of control groups,
 * as `groups` (the text that /proc/self/cgroup has) names them and `root` holds them. A group that is not there sets no
 * limit: in a container the names may be those outside, and its own limit stands at the root. */
double gr__cpu_quota(const char *groups, const char *root);

/* Threads for a quota: rounded up where more than a quarter of a core is left over, at least 1 and at most `cores`. */
int gr__cores_within(int cores, double quota);

#endif
