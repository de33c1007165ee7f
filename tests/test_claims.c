/* Claims: what holds, fails and stays open, by numbers worked out by hand. */
#include "lab/claims.h"

#include <math.h>
#include <string.h>

#include "support.h"

enum { SEEDS = 5, VALUES = 4 };

/* Mean 3, deviation sqrt(2.5): the interval over five seeds is 3 -+ 2.776445105 sqrt(2.5 / 5), [1.0368, 4.9632]. */
static const double one_to_five[SEEDS] = {1, 2, 3, 4, 5};
static const double half = 1.963243161478043;

static gr__claim_reading first[VALUES * SEEDS], second[VALUES * SEEDS];
static const char *const knob[VALUES] = {"0.25", "0.5", "0.75", "1"};

/* The readings of an arm at one value of its knob: the same tax in all seeds. */
static void put(gr__claim_reading *arm, int value, const double *values, double tax) {
    for (int s = 0; s < SEEDS; s++)
        arm[value * SEEDS + s] = (gr__claim_reading){.value = values[s], .matched = tax};
}

static void put_all(gr__claim_reading *arm, int value, double number, double tax) {
    put(arm, value, (double[]){number, number, number, number, number}, tax);
}

/* A claim of one arm without a knob, that asks nothing yet. */
static gr__claim_def claim(void) {
    return (gr__claim_def){.say = "it is so",
                           .primary = true,
                           .seeds = SEEDS,
                           .first_seed = 1,
                           .of = {"routed", NULL, 1, first},
                           .at_least = NAN,
                           .at_most = NAN,
                           .about = NAN,
                           .within = NAN};
}

static gr__claim_def difference(void) {
    gr__claim_def d = claim();
    d.minus = (gr__claim_arm){"rival", NULL, 1, second};
    return d;
}

static bool is(gr_estimate e, double value, double width) {
    return fabs(e.value - value) < 1e-9 && fabs(e.low - (value - width)) < 1e-9 &&
           fabs(e.high - (value + width)) < 1e-9;
}

static void says(const gr__claim_def *d, const char *text) {
    gr__ruling r = gr__claim_rule(d);
    char *have = gr__claim_text(d, &r);
    assert_string_equal(have, text);
    gr_free(have);
}

/* ---- comparators ---- */

/* Each comparator by its three states, on the interval [1.0368, 4.9632]: of one arm, of a difference and of a quotient
 * that come to the same numbers. */
static void comparators_and_states(void **state) {
    (void)state;
    static const struct {
        double at_least, at_most, about, within;
        gr__ruling_state state;
    } rows[] = {
        {1, NAN, NAN, NAN, GR__HOLDS},        {5, NAN, NAN, NAN, GR__FAILS},        {3, NAN, NAN, NAN, GR__UNDECIDED},
        {1.04, NAN, NAN, NAN, GR__UNDECIDED}, {4.96, NAN, NAN, NAN, GR__UNDECIDED}, {4.97, NAN, NAN, NAN, GR__FAILS},
        {NAN, 5, NAN, NAN, GR__HOLDS},        {NAN, 1, NAN, NAN, GR__FAILS},        {NAN, 3, NAN, NAN, GR__UNDECIDED},
        {NAN, 1.03, NAN, NAN, GR__FAILS},     {NAN, 4.96, NAN, NAN, GR__UNDECIDED}, {NAN, NAN, 3, 2, GR__HOLDS},
        {NAN, NAN, 3, 1, GR__UNDECIDED},      {NAN, NAN, 6, 0.5, GR__FAILS},        {NAN, NAN, 0, 1, GR__FAILS},
        {NAN, NAN, 5, 1, GR__UNDECIDED},      {NAN, NAN, 1, 1, GR__UNDECIDED},      {NAN, NAN, NAN, 5, GR__HOLDS},
        {NAN, NAN, NAN, 1, GR__FAILS},        {NAN, NAN, NAN, 2, GR__UNDECIDED},    {1, 5, NAN, NAN, GR__HOLDS},
        {1, 3, NAN, NAN, GR__UNDECIDED},      {5, 6, NAN, NAN, GR__FAILS},
    };
    for (int kind = 0; kind < 3; kind++) {
        static const double sides[3][2][SEEDS] = {{{1, 2, 3, 4, 5}, {0}},
                                                  {{101, 52, 33, 74, 25}, {100, 50, 30, 70, 20}},
                                                  {{2, 8, 30, 4, 50}, {2, 4, 10, 1, 10}}};
        put(first, 0, sides[kind][0], 0);
        put(second, 0, sides[kind][1], 0);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            gr__claim_def d = kind ? difference() : claim();
            d.ratio = kind == 2;
            d.at_least = rows[i].at_least, d.at_most = rows[i].at_most;
            d.about = rows[i].about, d.within = rows[i].within;
            gr__ruling r = gr__claim_rule(&d);
            if (r.state != rows[i].state || !is(r.estimate, 3, half))
                fail_msg("row %zu, kind %d: %s, %g [%g, %g]", i, kind, gr__ruling_word(r.state), r.estimate.value,
                         r.estimate.low, r.estimate.high);
            assert_int_equal(r.why, r.state == GR__UNDECIDED ? GR__WHY_INTERVAL : GR__WHY_NONE);
        }
    }
}

/* A border belongs to what is claimed. */
static void ties_hold(void **state) {
    (void)state;
    put_all(first, 0, 0.25, 0);
    gr__claim_def least = claim(), most = claim(), close = claim(), above = claim(), below = claim();
    least.at_least = most.at_most = close.about = 0.25;
    close.within = 0;
    above.at_least = 0.2500001, below.at_most = 0.2499999;
    assert_int_equal(gr__claim_rule(&least).state, GR__HOLDS);
    assert_int_equal(gr__claim_rule(&most).state, GR__HOLDS);
    assert_int_equal(gr__claim_rule(&close).state, GR__HOLDS);
    assert_int_equal(gr__claim_rule(&above).state, GR__FAILS);
    assert_int_equal(gr__claim_rule(&below).state, GR__FAILS);
}

/* The same two lists in another order of one of them are another claim. */
static void seeds_are_paired(void **state) {
    (void)state;
    gr__claim_def d = difference();
    d.at_least = 0.5;
    put(first, 0, (double[]){10.9, 21, 31.1, 41, 51}, 0);
    put(second, 0, (double[]){10, 20, 30, 40, 50}, 0);
    assert_int_equal(gr__claim_rule(&d).state, GR__HOLDS);
    put(second, 0, (double[]){20, 10, 30, 40, 50}, 0);
    gr__ruling r = gr__claim_rule(&d);
    assert_true(fabs(r.estimate.value - 1) < 1e-9);
    assert_int_equal(r.state, GR__UNDECIDED);
}

/* How much seeds vary instead of where they lie: s / mean is .0734, at most .2134. */
static void variation_is_claimed(void **state) {
    (void)state;
    gr__claim_def d = claim();
    d.variation = true;
    put(first, 0, (double[]){9, 10, 11, 10, 10.5}, 0);
    d.at_most = 0.22;
    gr__ruling r = gr__claim_rule(&d);
    assert_true(r.state == GR__HOLDS && fabs(r.estimate.value - 0.0734277) < 1e-6);
    char *text = gr__claim_text(&d, &r);
    assert_non_null(strstr(text, ": variation 0.073 [0.044, 0.213] over 5 seeds"));
    gr_free(text);
    d.at_most = 0.21;
    assert_int_equal(gr__claim_rule(&d).state, GR__UNDECIDED);
}

/* ---- what decides nothing ---- */

static void few_seeds_decide_nothing(void **state) {
    (void)state;
    gr__claim_def d = claim();
    d.at_least = 0.1;
    put_all(first, 0, 0.7, 0);
    assert_int_equal(gr__claim_rule(&d).state, GR__HOLDS);
    for (d.seeds = 4; d.seeds >= 1; d.seeds--) {
        gr__ruling r = gr__claim_rule(&d);
        assert_int_equal(r.state, GR__UNDECIDED);
        assert_int_equal(r.why, GR__WHY_SEEDS);
        assert_true(r.estimate.value == 0.7 || fabs(r.estimate.value - 0.7) < 1e-12);
        assert_int_equal(isnan(r.estimate.low), d.seeds == 1);
    }
    d.seeds = 4;
    says(&d, "undecided: it is so: 0.700 [0.700, 0.700] over 4 seeds, claimed at least 0.1; 4 seeds are too few, it "
             "takes 5");
    d.seeds = 1;
    says(&d, "undecided: it is so: 0.700 over 1 seed, claimed at least 0.1; 1 seed is too few, it takes 5");
}

static void cells_in_the_way(void **state) {
    (void)state;
    for (int side = 0; side < 2; side++) {
        gr__claim_def d = difference();
        d.at_least = 0.1;
        gr__claim_reading *arm = side ? second : first;
        put_all(first, 0, 0.7, 0);
        put_all(second, 0, 0.2, 0);
        assert_int_equal(gr__claim_rule(&d).state, GR__HOLDS);

        arm[3].value = NAN;
        says(&d, side ? "undecided: it is so, claimed at least 0.1; the figure is refused for rival in seed 4"
                      : "undecided: it is so, claimed at least 0.1; the figure is refused for routed in seed 4");
        arm[1].state = GR__DIVERGED;
        says(&d, side ? "undecided: it is so, claimed at least 0.1; rival diverged in seed 2"
                      : "undecided: it is so, claimed at least 0.1; routed diverged in seed 2");
        arm[2].state = GR__ABSENT;
        says(&d, side ? "undecided: it is so, claimed at least 0.1; rival has no figure in seed 3"
                      : "undecided: it is so, claimed at least 0.1; routed has no figure in seed 3");
    }

    /* The matched figure may be refused too, but only where it is asked for. */
    gr__claim_def d = difference();
    d.at_least = 0.1;
    put_all(first, 0, 0.7, NAN);
    put_all(second, 0, 0.2, 0);
    assert_int_equal(gr__claim_rule(&d).state, GR__HOLDS);
    d.matched = "tax_off";
    assert_int_equal(gr__claim_rule(&d).why, GR__WHY_REFUSED);

    /* A quotient over 0 is nobody's cell. */
    d = difference();
    d.ratio = true, d.at_least = 0.1;
    put_all(first, 0, 0.7, 0);
    put_all(second, 0, 0, 0);
    says(&d, "undecided: it is so, claimed at least 0.1; the quotient has nothing to be taken over");
}

/* ---- knobs ---- */

/* Without `matched` each arm stands by the value that serves it best. */
static void knobs_stand_by_their_best(void **state) {
    (void)state;
    gr__claim_def d = difference();
    d.of = (gr__claim_arm){"routed", knob, 3, first};
    d.minus = (gr__claim_arm){"rival", knob, 2, second};
    put_all(first, 0, 0.2, 0), put_all(first, 1, 0.5, 0), put_all(first, 2, 0.4, 0);
    put_all(second, 0, 0.1, 0), put_all(second, 1, 0.3, 0);
    d.at_least = 0.1;
    says(&d, "holds: it is so: 0.200 [0.200, 0.200] over 5 seeds, claimed at least 0.1; routed at 0.5 of 3 trials; "
             "rival at 0.5 of 2 trials; rival is at the edge of the grid");

    /* Less is better: .2 against .1. */
    d.at_least = NAN, d.at_most = 0.15;
    gr__ruling r = gr__claim_rule(&d);
    assert_true(r.of == 0 && r.minus == 0 && r.of_edge && r.minus_edge && is(r.estimate, 0.1, 0));
    assert_int_equal(r.state, GR__HOLDS);

    /* Close to .2: .4 - .1 = .3 is as far off as .4 - .3 = .1; .5 - .1 = .4 and .2 - .3 = -.1 are farther. */
    d.at_most = NAN, d.about = 0.2, d.within = 0.11;
    r = gr__claim_rule(&d);
    assert_true(r.of == 2 && r.of_edge && fabs(fabs(r.estimate.value - 0.2) - 0.1) < 1e-9);
    assert_int_equal(r.state, GR__HOLDS);

    /* One trial that diverged leaves the arm unjudged. */
    first[2 * SEEDS].state = GR__DIVERGED;
    assert_int_equal(gr__claim_rule(&d).why, GR__WHY_DIVERGED);
}

/* ---- at equal tax ---- */

/* Taxes 0, .1, .2 bring .2, .6, .8, whatever the order of the knob. */
static void frontier(gr__claim_def *d, const int *order) {
    static const double value[] = {0.2, 0.6, 0.8}, tax[] = {0, 0.1, 0.2};
    for (int v = 0; v < 3; v++)
        put_all(first, order[v], value[v], tax[v]);
    *d = difference();
    d->of = (gr__claim_arm){"routed", knob, 3, first};
    d->matched = "tax_off";
    d->tolerance = 0.02;
    d->at_least = 0.1;
}

static void neighbours_are_interpolated(void **state) {
    (void)state;
    static const int orders[][3] = {{0, 1, 2}, {2, 0, 1}, {1, 2, 0}};
    static const struct {
        double tax, value;
    } rows[] = {{0.15, 0.7}, {0.05, 0.4}, {0.1, 0.6}, {0.2, 0.8}, {0, 0.2}, {0.02, 0.28}, {0.175, 0.75}};
    for (int o = 0; o < 3; o++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            gr__claim_def d;
            frontier(&d, orders[o]);
            put_all(second, 0, 0.5, rows[i].tax);
            gr__ruling r = gr__claim_rule(&d);
            assert_true(is(r.estimate, rows[i].value - 0.5, 0));
            assert_int_equal(r.state, rows[i].value - 0.5 > 0.1 - 1e-9 ? GR__HOLDS : GR__FAILS);
        }

    gr__claim_def d;
    frontier(&d, orders[0]);
    put_all(second, 0, 0.5, 0.15);
    says(&d, "holds: it is so: 0.200 [0.200, 0.200] over 5 seeds, claimed at least 0.1; routed at equal tax_off of 3 "
             "trials");
}

/* Each seed has its own frontier and its own place on it. */
static void inside_each_seed(void **state) {
    (void)state;
    gr__claim_def d;
    frontier(&d, (int[]){0, 1, 2});
    static const double tax[SEEDS] = {0, 0.05, 0.1, 0.15, 0.2}, rise[SEEDS] = {0, 0.1, 0.2, 0.3, 0.4};
    for (int s = 0; s < SEEDS; s++) {
        for (int v = 0; v < 3; v++)
            first[v * SEEDS + s].matched += rise[s];
        second[s] = (gr__claim_reading){.value = 0.1, .matched = tax[s] + rise[s]};
    }

    /* .2, .4, .6, .7, .8 less .1: mean .44, squares .232, so .44 -+ 2.776445105 sqrt(.058 / 5). */
    gr__ruling r = gr__claim_rule(&d);
    assert_true(is(r.estimate, 0.44, 2.776445105197794 * sqrt(0.232 / 4 / 5)));
}

static void beyond_the_range_is_no_overlap(void **state) {
    (void)state;
    static const struct {
        double tax, value; /* NaN: no overlap */
    } rows[] = {{0.22, 0.8}, {-0.02, 0.2}, {0.21, 0.8}, {0.2201, NAN}, {-0.0201, NAN}, {5, NAN}};
    gr__claim_def d;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        frontier(&d, (int[]){0, 1, 2});
        put_all(second, 0, 0.5, rows[i].tax);
        gr__ruling r = gr__claim_rule(&d);
        if (isnan(rows[i].value)) {
            assert_int_equal(r.why, GR__WHY_APART);
            assert_true(isnan(r.estimate.value));
        } else {
            assert_true(is(r.estimate, rows[i].value - 0.5, 0) && r.of_edge);
        }
    }

    /* One seed is enough. */
    frontier(&d, (int[]){0, 1, 2});
    put_all(second, 0, 0.5, 0.15);
    second[3].matched = 0.3;
    says(&d, "undecided: it is so, claimed at least 0.1; no overlap: routed and rival are never at equal tax_off "
             "(within 0.02)");
}

/* A place between two values rests on both; an end of the grid is said. */
static void edges_of_the_grid(void **state) {
    (void)state;
    static const struct {
        double tax;
        bool edge;
    } rows[] = {{0.05, false}, {0.1, false}, {0.19, false}, {0.2, true}, {0, true}, {0.21, true}};
    gr__claim_def d;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        frontier(&d, (int[]){0, 1, 2});
        put_all(second, 0, 0, rows[i].tax);
        assert_int_equal(gr__claim_rule(&d).of_edge, rows[i].edge);

        /* The end of the grid is that of the knob, not of the tax. */
        frontier(&d, (int[]){1, 0, 2});
        assert_int_equal(gr__claim_rule(&d).of_edge, rows[i].tax == 0.1 || rows[i].tax >= 0.2);
    }
    put_all(second, 0, 0.5, 0.21);
    frontier(&d, (int[]){0, 1, 2});
    says(&d, "holds: it is so: 0.300 [0.300, 0.300] over 5 seeds, claimed at least 0.1; routed at equal tax_off of 3 "
             "trials; routed is at the edge of the grid");
}

/* Values of a knob at one tax are one point: their mean. */
static void equal_taxes_are_one(void **state) {
    (void)state;
    gr__claim_def d;
    frontier(&d, (int[]){0, 1, 2});
    put_all(first, 3, 0.2, 0.1);
    d.of.values = 4;
    put_all(second, 0, 0, 0.1);
    assert_true(is(gr__claim_rule(&d).estimate, 0.4, 0));
    put_all(second, 0, 0, 0.15);
    assert_true(is(gr__claim_rule(&d).estimate, 0.6, 0));
}

/* A rival with a knob: at each of its values the other is interpolated, and the value that speaks most against the
 * claim counts. One that is beyond the range in any seed is out. */
static void a_rival_takes_its_best_value(void **state) {
    (void)state;
    gr__claim_def d;
    frontier(&d, (int[]){0, 1, 2});
    d.minus = (gr__claim_arm){"rival", knob, 3, second};
    put_all(second, 0, 0.1, 0.05); /* .4 - .1 */
    put_all(second, 1, 0.6, 0.15); /* .7 - .6 */
    put_all(second, 2, 0.9, 0.9);  /* beyond */
    gr__ruling r = gr__claim_rule(&d);
    assert_true(is(r.estimate, 0.1, 0) && r.minus == 1 && r.of == -1 && !r.of_edge && !r.minus_edge);

    for (int s = 0; s < SEEDS; s++)
        second[2 * SEEDS + s].matched = s == 4 ? 0.9 : 0.15;
    assert_true(gr__claim_rule(&d).minus == 1);
    second[2 * SEEDS + 4].matched = 0.15;
    r = gr__claim_rule(&d);
    assert_true(is(r.estimate, -0.2, 0) && r.minus == 2 && r.minus_edge);
    says(&d, "fails: it is so: -0.200 [-0.200, -0.200] over 5 seeds, claimed at least 0.1; routed at equal tax_off of "
             "3 trials; rival at 0.75 of 3 trials; rival is at the edge of the grid");

    /* The smallest difference is the best for a claim of little. */
    d.at_least = NAN, d.at_most = 0.4;
    r = gr__claim_rule(&d);
    assert_true(is(r.estimate, 0.3, 0) && r.minus == 0 && r.minus_edge);
}

/* The arm that has the knob is interpolated, be it the one that is taken off; without knobs the tolerance decides. */
static void whoever_has_the_knob(void **state) {
    (void)state;
    gr__claim_def d;
    frontier(&d, (int[]){0, 1, 2});
    gr__claim_arm with = d.of;
    d.of = (gr__claim_arm){"rival", NULL, 1, second};
    d.minus = with;
    put_all(second, 0, 0.9, 0.15);
    gr__ruling r = gr__claim_rule(&d);
    assert_true(is(r.estimate, 0.2, 0) && r.of == -1 && r.minus == -1);
    put_all(second, 0, 0.9, 0.2);
    assert_true(gr__claim_rule(&d).minus_edge && !gr__claim_rule(&d).of_edge);

    d.minus = (gr__claim_arm){"plain", NULL, 1, first};
    put_all(first, 0, 0.5, 0.18);
    r = gr__claim_rule(&d);
    assert_true(is(r.estimate, 0.4, 0) && !r.of_edge && !r.minus_edge);
    put_all(first, 0, 0.5, 0.17);
    assert_int_equal(gr__claim_rule(&d).why, GR__WHY_APART);
}

/* ---- points and texts ---- */

static void over_points(void **state) {
    (void)state;
    gr__ruling r[3] = {{.state = GR__HOLDS}, {.state = GR__HOLDS}, {.state = GR__HOLDS}};
    assert_int_equal(gr__claim_over(r, 3), GR__HOLDS);
    assert_int_equal(gr__claim_over(r, 0), GR__UNDECIDED); /* at no point */
    r[0].state = GR__UNDECIDED;
    assert_int_equal(gr__claim_over(r, 3), GR__UNDECIDED);
    r[2].state = GR__FAILS;
    assert_int_equal(gr__claim_over(r, 3), GR__FAILS);
}

static void texts_of_outcomes(void **state) {
    (void)state;
    gr__claim_def d = claim();
    put(first, 0, one_to_five, 0);
    d.at_least = 1;
    says(&d, "holds: it is so: 3.000 [1.037, 4.963] over 5 seeds, claimed at least 1");
    d.at_least = 5;
    says(&d, "fails: it is so: 3.000 [1.037, 4.963] over 5 seeds, claimed at least 5");
    d.at_least = 3;
    says(&d, "undecided: it is so: 3.000 [1.037, 4.963] over 5 seeds, claimed at least 3; the interval reaches over "
             "that");
    d.at_least = NAN, d.about = 3, d.within = 2.5;
    says(&d, "holds: it is so: 3.000 [1.037, 4.963] over 5 seeds, claimed within 2.5 of 3");
    d.within = d.about = NAN, d.at_least = 1, d.at_most = 4.5;
    says(&d, "undecided: it is so: 3.000 [1.037, 4.963] over 5 seeds, claimed at least 1 and at most 4.5; the interval "
             "reaches over that");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparators_and_states),
        cmocka_unit_test(ties_hold),
        cmocka_unit_test(seeds_are_paired),
        cmocka_unit_test(variation_is_claimed),
        cmocka_unit_test(few_seeds_decide_nothing),
        cmocka_unit_test(cells_in_the_way),
        cmocka_unit_test(knobs_stand_by_their_best),
        cmocka_unit_test(neighbours_are_interpolated),
        cmocka_unit_test(inside_each_seed),
        cmocka_unit_test(beyond_the_range_is_no_overlap),
        cmocka_unit_test(edges_of_the_grid),
        cmocka_unit_test(equal_taxes_are_one),
        cmocka_unit_test(a_rival_takes_its_best_value),
        cmocka_unit_test(whoever_has_the_knob),
        cmocka_unit_test(over_points),
        cmocka_unit_test(texts_of_outcomes),
    };
    return cmocka_run_group_tests_name("claims", tests, NULL, NULL);
}
