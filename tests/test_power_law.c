/* Curves of losses: exact ones are found again, noisy ones nearly; they fall, and nothing is said beyond their ends. */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "measure/power_law.h"
#include "support.h"

enum { MOST = GR__LADDER_MOST };

/* Losses of a curve at points that are not in order, with noise of each loss. */
static int points_of(double *x, double *loss, double a, double b, double c, double shift, double unit, double noise) {
    static const double share[] = {1, 0.1, 0.35, 0.2, 0.7, 0.05};
    int n = 0;
    if (shift > 0)
        x[n++] = 0;
    for (int i = 0; i < 6; i++)
        x[n++] = share[i] * unit;
    for (int i = 0; i < n; i++)
        loss[i] = a + b * pow(x[i] / unit + shift, -c) +
                  noise * gr_random_normal((gr_key){3, GR_STREAM_TEST, (uint32_t)(c * 100)}, (uint64_t)i, 0);
    return n;
}

/* Whatever the unit of x: operations are 1e12, tokens 1e5. */
static void exact_curves_are_found_again(void **state) {
    (void)state;
    static const double exponents[] = {0.04, 0.1, 0.3, 0.5, 1, 2.2}, units[] = {1, 1e5, 1e15};
    double x[MOST], loss[MOST];
    for (size_t e = 0; e < 6; e++)
        for (size_t u = 0; u < 3; u++) {
            gr__power_law law;
            const int n = points_of(x, loss, 2, 0.4, exponents[e], 0, units[u], 0);
            assert_true(gr__power_law_fit(&law, x, loss, n));
            assert_true(law.off < 1e-9 && law.shift == 0);
            if (!(fabs(law.c / exponents[e] - 1) < 1e-5 && fabs(law.a - 2) < 1e-4))
                fail_msg("c %g: %.9g, a %.9g", exponents[e], law.c, law.a);
            for (double at = 0.06; at < 1; at += 0.05) {
                const double found = gr__power_law_find(&law, 2 + 0.4 * pow(at, -exponents[e]));
                assert_true(fabs(found / units[u] - at) < 1e-6);
            }
        }
}

/* From a model that read nothing on: what it knows from other text is as if it had read so much. */
static void exact_curves_from_nothing_are_found_again(void **state) {
    (void)state;
    static const double exponents[] = {0.2, 0.5, 1}, shifts[] = {0.01, 0.1, 0.5};
    double x[MOST], loss[MOST];
    for (size_t e = 0; e < 3; e++)
        for (size_t s = 0; s < 3; s++) {
            gr__power_law law;
            const int n = points_of(x, loss, 2, 0.4, exponents[e], shifts[s], 1e5, 0);
            assert_true(gr__power_law_fit(&law, x, loss, n) && law.low == 0 && law.shift > 0);
            assert_true(law.off < 1e-4);
            for (double at = 0.02; at < 1; at += 0.05) {
                const double found = gr__power_law_find(&law, 2 + 0.4 * pow(at + shifts[s], -exponents[e]));
                if (!(fabs(found / 1e5 - at) < 1e-3))
                    fail_msg("c %g, shift %g: %g at %g", exponents[e], shifts[s], found / 1e5, at);
            }
        }
}

/* With noise of a hundredth of the fall the place of a loss is near where it belongs, without a bias. */
static void noisy_curves_are_nearly_found(void **state) {
    (void)state;
    double x[MOST], loss[MOST], sum = 0, worst = 0;
    int count = 0;
    for (int draw = 0; draw < 200; draw++) {
        gr__power_law law;
        const int n = points_of(x, loss, 2, 0.4, 0.3, 0, 1e12, 0);
        const double fall = 0.4 * (pow(0.05, -0.3) - 1);
        for (int i = 0; i < n; i++)
            loss[i] += 0.01 * fall * gr_random_normal((gr_key){4, GR_STREAM_TEST, (uint32_t)draw}, (uint64_t)i, 0);
        assert_true(gr__power_law_fit(&law, x, loss, n));
        const double off = log(gr__power_law_find(&law, 2 + 0.4 * pow(0.3, -0.3)) / 0.3e12);
        sum += off;
        worst = fmax(worst, fabs(off));
        count++;
    }
    assert_true(fabs(sum / count) < 0.01 && worst < 0.15);
}

/* No other curve of a fine grid is nearer to the points, a below 0 left out. */
static void nothing_is_nearer(void **state) {
    (void)state;
    double x[MOST], loss[MOST];
    for (int draw = 0; draw < 40; draw++) {
        gr__power_law law;
        const int n = points_of(x, loss, draw % 2 ? 0.02 : 2, 0.5, 0.05 + 0.02 * draw, 0, 1, 0.02);
        double squares = 0, best = INFINITY;
        if (!gr__power_law_fit(&law, x, loss, n))
            continue;
        assert_true(law.a >= 0 && law.b > 0);
        for (int i = 0; i < n; i++)
            squares += pow(gr__power_law_at(&law, x[i]) - loss[i], 2);
        for (int k = 0; k < 100000; k++) {
            const gr_key key = {5, GR_STREAM_TEST, (uint32_t)draw};
            const double a = fmax(0, law.a + 0.3 * gr_random_normal(key, (uint64_t)k, 0)),
                         b = law.b * exp(0.3 * gr_random_normal(key, (uint64_t)k, 1)),
                         c = law.c * exp(0.3 * gr_random_normal(key, (uint64_t)k, 2));
            double of = 0;
            for (int i = 0; i < n; i++)
                of += pow(a + b * pow(x[i], -c) - loss[i], 2);
            best = fmin(best, of);
        }
        if (!(squares <= best))
            fail_msg("draw %d: %.9g, found %.9g at a %g b %g c %g", draw, squares, best, law.a, law.b, law.c);
    }
}

/* A lower loss is never looked up as less. */
static void it_falls(void **state) {
    (void)state;
    double x[MOST], loss[MOST];
    for (int draw = 0; draw < 20; draw++) {
        gr__power_law law;
        const int n = points_of(x, loss, 1, 0.5, 0.1 + 0.05 * draw, draw % 2 ? 0.1 : 0, 1, 0.01);
        assert_true(gr__power_law_fit(&law, x, loss, n));
        const double top = gr__power_law_at(&law, law.low), end = gr__power_law_at(&law, law.high);
        double before = law.low;
        for (int i = 1; i < 100; i++) {
            const double found = gr__power_law_find(&law, top + (end - top) * i / 100);
            assert_true(found > before && found < law.high);
            assert_true(fabs(gr__power_law_at(&law, found) - (top + (end - top) * i / 100)) < 1e-9);
            before = found;
        }
    }
}

/* Beyond the first and the last model there is only which side it is. */
static void nothing_is_said_beyond_the_ends(void **state) {
    (void)state;
    double x[MOST], loss[MOST];
    gr__power_law law;
    const int n = points_of(x, loss, 2, 0.4, 0.3, 0, 10, 0);
    assert_true(gr__power_law_fit(&law, x, loss, n) && law.low == 0.5 && law.high == 10);
    assert_true(gr__power_law_find(&law, gr__power_law_at(&law, 0.499)) == -INFINITY);
    assert_true(gr__power_law_find(&law, gr__power_law_at(&law, 10.01)) == INFINITY);
    assert_true(gr__power_law_find(&law, 1.9) == INFINITY); /* no training brings it there */
    assert_true(isnan(gr__power_law_find(&law, NAN)));
    assert_true(isfinite(gr__power_law_find(&law, gr__power_law_at(&law, 0.501))));
}

static void too_little_is_no_curve(void **state) {
    (void)state;
    double x[] = {1, 2, 4, 8, 16}, loss[] = {5, 4, 3.5, 3.2, 3.1}, none[] = {0, 1, 2, 4, 8};
    gr__power_law law;
    assert_true(gr__power_law_fit(&law, x, loss, 4));
    assert_false(gr__power_law_fit(&law, x, loss, 3));
    assert_true(gr__power_law_fit(&law, none, loss, 5));
    assert_false(gr__power_law_fit(&law, none, loss, 4)); /* the shift takes one more */
    assert_false(gr__power_law_fit(&law, (double[]){1, 2, 2, 8}, loss, 4));
    assert_false(gr__power_law_fit(&law, (double[]){-1, 2, 4, 8}, loss, 4));
    assert_false(gr__power_law_fit(&law, x, (double[]){5, NAN, 4, 3}, 4));

    /* Losses that do not fall, or rise. */
    assert_false(gr__power_law_fit(&law, x, (double[]){3, 3, 3, 3}, 4));
    assert_false(gr__power_law_fit(&law, x, (double[]){3, 3.1, 3.2, 3.5}, 4));
    assert_false(gr__power_law_fit(&law, none, (double[]){3, 3.1, 3.2, 3.5, 3.6}, 5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_curves_are_found_again),
        cmocka_unit_test(exact_curves_from_nothing_are_found_again),
        cmocka_unit_test(noisy_curves_are_nearly_found),
        cmocka_unit_test(nothing_is_nearer),
        cmocka_unit_test(it_falls),
        cmocka_unit_test(nothing_is_said_beyond_the_ends),
        cmocka_unit_test(too_little_is_no_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
