/* Choosing a token: draws follow the exact probabilities, top_k, top_p and min_p leave what the slow way leaves, and
 * the fast way draws what the slow one draws. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "infer/pick.h"
#include "support.h"

enum { MOST = 1000 };

/* ---- the slow way: all choices sorted, then walked down ---------------------------------------------------------- */

static int by_likelihood(const void *a, const void *b) {
    const gr__candidate *x = a, *y = b;
    return x->p != y->p ? (x->p < y->p) - (x->p > y->p) : (x->id > y->id) - (x->id < y->id);
}

/* What is left, the most likely first, with exp((logit - largest) / temperature) as p; returns how many. */
static int left(gr__candidate *list, const gr_real *logits, int vocab, const gr_generate_def *def) {
    for (int i = 0; i < vocab; i++)
        list[i] = (gr__candidate){(double)logits[i], i};
    qsort(list, (size_t)vocab, sizeof *list, by_likelihood);
    const int k = def->top_k > 0 && def->top_k < vocab ? def->top_k : vocab;
    const double most = list[0].p;
    double sum = 0, share = 0;
    for (int i = 0; i < vocab; i++)
        list[i].p = exp((list[i].p - most) / def->temperature);
    for (int i = 0; i < k; i++)
        sum += list[i].p;
    for (int i = 0; i < k; i++) {
        share += list[i].p;
        bool last = i + 1 == k || (def->top_p < 1 && share >= def->top_p * sum);
        if (last || list[i + 1].p < def->min_p)
            return i + 1;
    }
    return k;
}

static int pick_slowly(gr__candidate *list, const gr_real *logits, int vocab, const gr_generate_def *def, int index) {
    const int n = left(list, logits, vocab, def);
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += list[i].p;
    double u = sum * gr_random_uniform((gr_key){def->seed, GR_STREAM_SAMPLE, 0}, (uint64_t)index, 0);
    for (int i = 0; i < n; i++)
        if ((u -= list[i].p) <= 0)
            return list[i].id;
    return list[n - 1].id;
}

/* ---- logits of several forms: spread, with many ties, all equal, in order ---- */

enum { FORMS = 4 };

static void fill(gr_real *logits, int n, int form) {
    for (int i = 0; i < n; i++) {
        double x = gr_random_normal((gr_key){3, GR_STREAM_TEST, (uint32_t)form}, (uint64_t)i, 0);
        logits[i] = (gr_real)(form == 0 ? 3 * x : form == 1 ? floor(2 * x) : form == 2 ? 1 : i * 0.01);
    }
}

static gr_generate_def draws(double temperature, int top_k, double top_p, double min_p) {
    gr_generate_def def = gr_generate_default();
    def.temperature = temperature;
    def.top_k = top_k;
    def.top_p = top_p;
    def.min_p = min_p;
    return def;
}

static void equals_the_slow_way(void **state) {
    (void)state;
    static const int sizes[] = {1, 2, 3, 17, MOST}, tops[] = {0, 1, 2, 7, 40, 999, 5000};
    static const double shares[] = {1, 0.9, 0.5, 0.01, 1e-9}, least[] = {0, 0.02, 0.3, 1};
    static gr_real logits[MOST];
    static gr__candidate list[MOST];
    for (int form = 0; form < FORMS; form++)
        for (size_t s = 0; s < 5; s++) {
            fill(logits, sizes[s], form);
            gr_generate_def greedy = draws(0, 0, 1, 0), first = draws(1, 1, 1, 0);
            int best = gr__pick(NULL, logits, sizes[s], &greedy, 0);
            assert_int_equal(best, pick_slowly(list, logits, sizes[s], &first, 0));
            for (int t = 0; t < 7; t++)
                for (int p = 0; p < 5; p++)
                    for (int m = 0; m < 4; m++)
                        for (int draw = 0; draw < 12; draw++) {
                            gr_generate_def def = draws(draw % 2 ? 0.3 : 1.7, tops[t], shares[p], least[m]);
                            int slowly = pick_slowly(list, logits, sizes[s], &def, draw);
                            int got = gr__pick(list, logits, sizes[s], &def, draw);
                            if (got != slowly)
                                fail_msg("form %d, %d tokens, top_k %d, top_p %g, min_p %g, draw %d: %d, slowly %d",
                                         form, sizes[s], tops[t], shares[p], least[m], draw, got, slowly);
                        }
        }
}

/* ---- frequencies ---- */

enum { TOKENS = 24, DRAWS = 40000 };

static void count(int *times, const gr_real *logits, const gr_generate_def *def) {
    gr__candidate list[TOKENS];
    memset(times, 0, TOKENS * sizeof *times);
    for (int i = 0; i < DRAWS; i++)
        times[gr__pick(list, logits, TOKENS, def, i)]++;
}

/* Chi-square of counts against the exact probabilities under def, cells of less than 5 expected draws put together.
 * The distance from its mean in standard deviations, after Wilson and Hilferty (1931). Infinity where a token was drawn
 * that is not left. */
static double surprise(const int *times, const gr_real *logits, const gr_generate_def *def) {
    gr__candidate list[TOKENS];
    const int n = left(list, logits, TOKENS, def);
    double sum = 0, chi = 0, rest = 0, rest_times = 0;
    int cells = 0, drawn = 0;
    for (int i = 0; i < n; i++)
        sum += list[i].p;
    for (int i = 0; i < n; i++) {
        double expected = DRAWS * list[i].p / sum, got = times[list[i].id];
        drawn += times[list[i].id];
        if (expected >= 5) {
            chi += (got - expected) * (got - expected) / expected;
            cells++;
        } else {
            rest += expected;
            rest_times += got;
        }
    }
    if (drawn != DRAWS)
        return INFINITY;
    if (rest > 0) {
        chi += (rest_times - rest) * (rest_times - rest) / rest;
        cells++;
    }
    const double df = cells - 1, v = 2 / (9 * df);
    return cells < 2 ? 0 : (cbrt(chi / df) - (1 - v)) / sqrt(v);
}

static void frequencies_are_the_probabilities(void **state) {
    (void)state;
    const gr_generate_def defs[] = {draws(1, 0, 1, 0),      draws(0.5, 0, 1, 0),    draws(2, 0, 1, 0),
                                    draws(1, 5, 1, 0),      draws(1, 0, 0.8, 0),    draws(1.3, 0, 1, 0.1),
                                    draws(1.5, 12, 0.9, 0), draws(2, 15, 0.95, 0.2)};
    gr_real logits[TOKENS];
    int times[TOKENS];
    for (int form = 0; form < FORMS; form++) {
        fill(logits, TOKENS, form);
        for (size_t i = 0; i < sizeof defs / sizeof *defs; i++) {
            gr_generate_def def = defs[i];
            def.seed = 100 * (uint64_t)form + i;
            count(times, logits, &def);
            double s = surprise(times, logits, &def);
            if (!(s < 3.5))
                fail_msg("form %d, draws %zu: %g standard deviations", form, i, s);
        }
    }
}

/* The same figure tells draws of slightly other settings apart. */
static void the_test_can_fail(void **state) {
    (void)state;
    gr_real logits[TOKENS];
    int times[TOKENS];
    fill(logits, TOKENS, 0);
    gr_generate_def exact = draws(1, 0, 1, 0), warm = draws(1.05, 0, 1, 0), cut = draws(1, 0, 0.97, 0);
    count(times, logits, &warm);
    assert_true(surprise(times, logits, &exact) > 5);
    count(times, logits, &exact);
    assert_true(surprise(times, logits, &warm) > 5);
    assert_true(surprise(times, logits, &cut) > 5);
}

static void not_finite(void **state) {
    (void)state;
    static gr_real logits[MOST];
    static gr__candidate list[MOST];
    gr_generate_def def = draws(1, 0, 0.9, 0.1);
    fill(logits, MOST, 0);
    for (int bad = 0; bad < 3; bad++) {
        logits[500] = (gr_real)(bad == 0 ? NAN : bad == 1 ? INFINITY : -INFINITY);
        assert_int_equal(gr__pick(list, logits, MOST, &def, 0), -1);
        def.temperature = 0;
    }
    logits[0] = (gr_real)NAN;
    assert_int_equal(gr__pick(list, logits, 1, &def, 0), -1);
}

/* Temperatures so low that all but the best vanish. */
static void cold(void **state) {
    (void)state;
    gr_real logits[TOKENS];
    gr__candidate list[TOKENS];
    fill(logits, TOKENS, 0);
    gr_generate_def greedy = draws(0, 0, 1, 0), def = draws(1e-300, 0, 1, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(gr__pick(list, logits, TOKENS, &def, i), gr__pick(NULL, logits, TOKENS, &greedy, i));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_slow_way),
        cmocka_unit_test(frequencies_are_the_probabilities),
        cmocka_unit_test(the_test_can_fail),
        cmocka_unit_test(not_finite),
        cmocka_unit_test(cold),
    };
    return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
