/* How many cores a process may use: limits of control groups of both versions, read from folders made here. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cores.h"
#include "base/mem.h"
#include "gradroute/base.h"

/* The file that names the groups, and the folder that holds them. */
static const char *groups(const char *text) { return gr_test_write("groups", text, strlen(text)); }

static const char *file(const char *folder, const char *name, const char *text) {
    /* Folders on the way, one after the other. */
    char path[256];
    snprintf(path, sizeof path, "%s", folder);
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(gr_test_path(path), 0700);
        *slash = '/';
    }
    mkdir(gr_test_path(path), 0700);

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return gr_test_write(path, text, strlen(text));
}

static double quota(const char *text, const char *root) { return gr__cpu_quota(groups(text), gr_test_path(root)); }

static void no_group_no_limit(void **state) {
    (void)state;
    assert_true(isinf(gr__cpu_quota("/nowhere/cgroup", "/nowhere")));
    assert_true(isinf(quota("0::/\n", "nothing")));
    assert_true(isinf(quota("", "nothing")));
    assert_true(isinf(quota("garbage\n::::\n1:cpu\n", "nothing")));
}

static void second_version(void **state) {
    (void)state;
    file("v2/a/b", "cpu.max", "150000 100000\n");
    assert_float_equal(quota("0::/a/b\n", "v2"), 1.5, 1e-12);
    file("v2/a/b", "cpu.max", "max 100000\n");
    assert_true(isinf(quota("0::/a/b\n", "v2")));
}

static void the_least_on_the_way_up_counts(void **state) {
    (void)state;
    file("up/a/b", "cpu.max", "400000 100000\n");
    file("up/a", "cpu.max", "300000 100000\n");
    assert_float_equal(quota("0::/a/b\n", "up"), 3, 1e-12);
    file("up/a/b", "cpu.max", "200000 100000\n");
    assert_float_equal(quota("0::/a/b\n", "up"), 2, 1e-12);
    file("up", "cpu.max", "50000 100000\n");
    assert_float_equal(quota("0::/a/b\n", "up"), 0.5, 1e-12);
}

/* In a container the file may give the names outside, of which nothing is mounted: its own limit is at the root. */
static void names_from_outside(void **state) {
    (void)state;
    file("box", "cpu.max", "120000 60000\n");
    assert_float_equal(quota("0::/docker/0123456789ab\n", "box"), 2, 1e-12);
    assert_float_equal(quota("0::/../../elsewhere\n", "box"), 2, 1e-12);
    file("beside", "cpu.max", "10000 100000\n"); /* above the root: must not be reached by ".." */
    assert_float_equal(quota("0::/../beside\n", "box"), 2, 1e-12);
}

static void first_version(void **state) {
    (void)state;
    file("v1/cpu,cpuacct/job", "cpu.cfs_quota_us", "250000\n");
    file("v1/cpu,cpuacct/job", "cpu.cfs_period_us", "100000\n");
    file("v1/memory/job", "cpu.cfs_quota_us", "1000\n"); /* of no meaning there */
    file("v1/memory/job", "cpu.cfs_period_us", "100000\n");
    const char *text = "5:memory:/job\n4:cpu,cpuacct:/job\n3:cpuset:/job\n0::/\n";
    assert_float_equal(quota(text, "v1"), 2.5, 1e-12);
    file("v1/cpu,cpuacct/job", "cpu.cfs_quota_us", "-1\n");
    assert_true(isinf(quota(text, "v1")));

    /* Mounted under the name of the controller alone. */
    file("alone/cpu/job", "cpu.cfs_quota_us", "100000\n");
    file("alone/cpu/job", "cpu.cfs_period_us", "100000\n");
    assert_float_equal(quota("4:cpuacct,cpu:/job\n", "alone"), 1, 1e-12);
    assert_true(isinf(quota("4:cpuset,cpuacct:/job\n", "alone")));
}

static void both_versions_at_once(void **state) {
    (void)state;
    file("both/cpu/job", "cpu.cfs_quota_us", "300000\n");
    file("both/cpu/job", "cpu.cfs_period_us", "100000\n");
    file("both/unified/job", "cpu.max", "200000 100000\n");
    assert_float_equal(quota("1:cpu:/job\n0::/job\n", "both"), 2, 1e-12);
}

static void what_is_no_limit_is_passed_over(void **state) {
    (void)state;
    static const char *const texts[] = {"",           "\n",       "0 100000\n", "-5 100000\n",
                                        "100000 0\n", "100000\n", "a b\n",      "nan 1\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        file("odd", "cpu.max", texts[i]);
        if (!isinf(quota("0::/\n", "odd")))
            fail_msg("'%s' is no limit", texts[i]);
    }
}

static void threads_for_a_quota(void **state) {
    (void)state;
    const struct {
        int cores;
        double quota;
        int threads;
    } want[] = {{8, INFINITY, 8}, {8, 3, 3},    {8, 2.5, 3}, {8, 2.2, 2}, {8, 1.25, 1}, {8, 1.26, 2},
                {8, 0.5, 1},      {8, 0.01, 1}, {2, 6, 2},   {1, 1.5, 1}, {8, NAN, 1}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        if (gr__cores_within(want[i].cores, want[i].quota) != want[i].threads)
            fail_msg("%d cores, %g of them granted: %d threads, not %d", want[i].cores, want[i].quota,
                     gr__cores_within(want[i].cores, want[i].quota), want[i].threads);
    assert_true(gr_cores() >= 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_group_no_limit),
                                       cmocka_unit_test(second_version),
                                       cmocka_unit_test(the_least_on_the_way_up_counts),
                                       cmocka_unit_test(names_from_outside),
                                       cmocka_unit_test(first_version),
                                       cmocka_unit_test(both_versions_at_once),
                                       cmocka_unit_test(what_is_no_limit_is_passed_over),
                                       cmocka_unit_test(threads_for_a_quota)};
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}
