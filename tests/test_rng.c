/* The keyed permutation: every place once, no pattern, the same for ever. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "support.h"

static gr_key key_of(uint32_t which) { return (gr_key){7, GR_STREAM_TEST, which}; }

static void assert_permutation(gr_key key, uint32_t n) {
    bool *seen = gr_alloc(n);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t at = gr_random_place(key, i, n);
        assert_true(at < n && !seen[at]);
        seen[at] = true;
    }
    gr_free(seen);
}

static void every_place_once(void **state) {
    (void)state;
    for (uint32_t n = 1; n < 300; n++)
        assert_permutation(key_of(n), n);
    static const uint32_t sizes[] = {1023, 1024, 1025, 32768, 65537, 100003};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_permutation(key_of(1), sizes[i]);
}

/* Orders too long for any list. */
static void long_orders(void **state) {
    (void)state;
    enum { TRIED = 2000 };
    const uint64_t n = ((uint64_t)1 << 45) + 12345;
    uint64_t at[TRIED], low = 0;
    for (uint64_t i = 0; i < TRIED; i++) {
        at[i] = gr_random_place(key_of(1), i, n);
        assert_true(at[i] < n);
        low += at[i] < n / 2;
        for (uint64_t j = 0; j < i; j++)
            assert_true(at[j] != at[i]);
    }
    assert_in_range(low, TRIED / 2 - 150, TRIED / 2 + 150); /* 6.7 standard deviations */
    assert_true(gr_random_place(key_of(1), n - 1, n) < n);
    assert_true(gr_random_place(key_of(1), UINT64_MAX - 1, UINT64_MAX) < UINT64_MAX);
}

/* Where an item goes, and where its neighbour goes from there, are even over keys: chi-square over 41 places with 40
 * degrees of freedom lies below 95 but once in 10^6. Small n is the hard case of a network of few bits. */
static void places_are_even(void **state) {
    (void)state;
    enum { N = 41, KEYS = 8200 };
    int of[3][N] = {0}, apart[N] = {0};
    for (uint32_t k = 0; k < KEYS; k++) {
        uint64_t first = gr_random_place(key_of(k), 0, N), second = gr_random_place(key_of(k), 1, N);
        of[0][first]++;
        of[1][second]++;
        of[2][gr_random_place(key_of(k), N - 1, N)]++;
        apart[(second + N - first) % N]++;
    }
    for (int item = 0; item < 3; item++) {
        double chi = 0;
        for (int at = 0; at < N; at++)
            chi += (of[item][at] - KEYS / N) * (of[item][at] - KEYS / N) / (double)(KEYS / N);
        assert_true(chi < 95);
    }
    assert_int_equal(apart[0], 0);
    double chi = 0, want = (double)KEYS / (N - 1);
    for (int d = 1; d < N; d++)
        chi += (apart[d] - want) * (apart[d] - want) / want;
    assert_true(chi < 95);
}

/* A permutation as a list is as even: where the first and the last item go, and what stands in the last place. */
static void lists_are_even(void **state) {
    (void)state;
    enum { N = 41, KEYS = 8200 };
    int of[3][N] = {0};
    for (uint32_t k = 0; k < KEYS; k++) {
        uint32_t order[N];
        gr_random_permutation(key_of(k), order, N);
        for (int i = 0; i < N; i++) {
            of[0][i] += order[i] == 0;
            of[1][i] += order[i] == N - 1;
        }
        of[2][order[N - 1]]++;
    }
    for (int item = 0; item < 3; item++) {
        double chi = 0;
        for (int at = 0; at < N; at++)
            chi += (of[item][at] - KEYS / N) * (of[item][at] - KEYS / N) / (double)(KEYS / N);
        assert_true(chi < 95);
    }
}

static void orders_stay(void **state) {
    (void)state;
    static const uint64_t want[] = {172, 320, 842, 995, 414, 920, 497, 999};
    for (uint64_t i = 0; i < 8; i++)
        assert_int_equal(gr_random_place(key_of(1), i, 1000), want[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_once), cmocka_unit_test(long_orders), cmocka_unit_test(places_are_even),
        cmocka_unit_test(lists_are_even),   cmocka_unit_test(orders_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
