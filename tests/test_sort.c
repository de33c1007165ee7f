/* test_sort.c - borders that are kept once each, medians, and orders of plain values. */
#include <stdint.h>
#include <stdlib.h>

#include "base/sort.h"
#include "support.h"

static void borders_are_ascending_and_kept_once(void **state) {
    int at[] = {7, 0, 7, -3, 0, INT32_MAX, INT32_MIN};
    static const int want[] = {INT32_MIN, -3, 0, 7, INT32_MAX};
    (void)state;
    assert_int_equal(gr__sort_borders(at, 7), 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(at[i], want[i]);
    assert_int_equal(gr__sort_borders(at, 1), 1);
    assert_int_equal(gr__sort_borders(NULL, 0), 0);
}

static void a_median_is_the_middle_or_the_mean_of_two(void **state) {
    double odd[] = {5, 1, 3}, even[] = {8, 1, 3, 2}, one[] = {4};
    (void)state;
    assert_true(gr__median(odd, 3) == 3);
    assert_true(gr__median(even, 4) == 2.5);
    assert_true(even[0] == 1 && even[3] == 8);
    assert_true(gr__median(one, 1) == 4);
    assert_true(gr__median(NULL, 0) == 0);
}

/* Differences of far numbers do not fit their type: comparisons must not subtract. */
static void far_numbers_compare_as_they_are(void **state) {
    int64_t a[] = {INT64_MAX, INT64_MIN, 0};
    uint64_t b[] = {UINT64_MAX, 0, 1};
    const char *c[] = {"b", "\xff", "a"};
    (void)state;
    qsort(a, 3, sizeof *a, gr__ascending_int64);
    qsort(b, 3, sizeof *b, gr__ascending_uint64);
    qsort(c, 3, sizeof *c, gr__ascending_name);
    assert_true(a[0] == INT64_MIN && a[1] == 0 && a[2] == INT64_MAX);
    assert_true(b[0] == 0 && b[1] == 1 && b[2] == UINT64_MAX);
    assert_string_equal(c[0], "a");
    assert_string_equal(c[2], "\xff");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(borders_are_ascending_and_kept_once),
        cmocka_unit_test(a_median_is_the_middle_or_the_mean_of_two),
        cmocka_unit_test(far_numbers_compare_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
