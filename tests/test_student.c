/* Student's t against tabled quantiles, intervals over seeds, and the jackknife over buckets of documents. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "measure/measure.h"
#include "support.h"

/* ---- Student's t ---- */

/* By the regularised incomplete beta function at 40 digits (mpmath 1.3, betainc) and 160 halvings: t where
 * I(n / (n + t^2); n / 2, 1 / 2) / 2 = 1 - p. The first column is 1 or tabled: 12.706, 4.303, 3.182, 2.776, .. */
static const struct {
    double p;
    int freedom;
    double t;
} tabled[] = {
    {0.75, 1, 1.0},
    {0.975, 1, 12.7062047361747},
    {0.9995, 1, 636.6192487687196},
    {0.999999, 1, 318309.8861827435},
    {0.975, 2, 4.302652729749464},
    {0.975, 3, 3.18244630528371},
    {0.975, 4, 2.776445105197794},
    {0.995, 4, 4.604094871349993},
    {0.9, 5, 1.475884048824481},
    {0.975, 9, 2.262157162798206},
    {0.99, 11, 2.718079183813862},
    {0.999999, 7, 14.24146965198145},
    {0.95, 29, 1.699127026533498},
    {0.975, 63, 1.998340542520742},
    {0.6, 64, 0.2544028327234073},
    {0.975, 120, 1.979930405082441},
    {0.975, 1000, 1.962339080826408},
    {0.999999, 1000, 4.781608620458351},
};

static void quantiles_are_those_of_the_table(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof tabled / sizeof *tabled; i++) {
        double t = gr_student(tabled[i].p, tabled[i].freedom), below = gr_student(1 - tabled[i].p, tabled[i].freedom);
        if (!(fabs(t / tabled[i].t - 1) < 1e-9) || !(fabs(below / -tabled[i].t - 1) < 1e-9))
            fail_msg("p %g, %d: %.16g and %.16g, not %.16g", tabled[i].p, tabled[i].freedom, t, below, tabled[i].t);
    }
    assert_true(fabs(gr_student(0.5, 3)) < 1e-12);
}

/* What n seeds can tell, in standard deviations. */
static void half_widths(void **state) {
    (void)state;
    assert_true(fabs(gr_half_width(2) - 8.98) < 0.005);
    assert_true(fabs(gr_half_width(3) - 2.48) < 0.005);
    assert_true(fabs(gr_half_width(5) - 1.24) < 0.005);
    assert_true(isnan(gr_half_width(1)) && isnan(gr_half_width(0)));
}

/* ---- over seeds ---- */

static void a_mean_and_its_interval(void **state) {
    (void)state;

    /* Mean 3, deviation sqrt(2.5), 2.776445105197794 / sqrt(5) of that to both sides. */
    gr_estimate e = gr_over_seeds((double[]){1, 2, 3, 4, 5}, 5);
    assert_true(fabs(e.value - 3) < 1e-12);
    assert_true(fabs(e.low - (3 - 1.963243161478043)) < 1e-9 && fabs(e.high - (3 + 1.963243161478043)) < 1e-9);

    gr_estimate same = gr_over_seeds((double[]){0.25, 0.25, 0.25}, 3);
    assert_true(same.value == 0.25 && same.low == 0.25 && same.high == 0.25);
}

static void one_seed_has_no_interval(void **state) {
    (void)state;
    gr_estimate e = gr_over_seeds((double[]){0.7}, 1);
    assert_true(e.value == 0.7 && isnan(e.low) && isnan(e.high));
    e = gr_over_seeds(NULL, 0);
    assert_true(isnan(e.value) && isnan(e.low) && isnan(e.high));
}

static void one_refused_seed_refuses_all(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        double value[] = {1, 2, 3, 4, 5};
        value[i] = i % 2 ? NAN : INFINITY;
        gr_estimate e = gr_over_seeds(value, 5);
        assert_true(isnan(e.value) && isnan(e.low) && isnan(e.high));
    }
}

/* ---- how much seeds vary ---- */

/* Values of s / mean, and ends by tables of chi-square in the formula of Vangel 1996. */
static void variation_and_its_interval(void **state) {
    (void)state;
    gr_estimate e = gr_variation((double[]){9, 10, 11, 10, 10.5}, 5);
    assert_true(fabs(e.value - 0.07342770779302636) < 1e-9);
    assert_true(fabs(e.low - 0.04392380200607492) < 1e-9 && fabs(e.high - 0.21340212991769583) < 1e-9);
    e = gr_variation((double[]){-1, -1.2, -0.8, -1.1, -0.9, -1}, 6); /* its size alone */
    assert_true(fabs(e.value - 0.1414213562373095) < 1e-9);
    assert_true(fabs(e.low - 0.08777432519357219) < 1e-9 && fabs(e.high - 0.35842559276737396) < 1e-9);
}

static void variation_that_has_no_end(void **state) {
    (void)state;
    gr_estimate wide = gr_variation((double[]){1, 3, 1, 3, 2}, 5);
    assert_true(isfinite(wide.low) && isinf(wide.high));
    assert_true(isnan(gr_variation((double[]){1}, 1).value) && isnan(gr_variation((double[]){-1, 1}, 2).value));
    assert_true(isnan(gr_variation((double[]){1, NAN, 1}, 3).value));
    gr_estimate none = gr_variation((double[]){2, 2, 2}, 3);
    assert_true(none.value == 0 && none.low == 0 && none.high == 0);
}

/* ---- the jackknife ---- */

enum { DOCS = 900, FORGET = 400, MODELS = 3, DRAWS = 400 };

static double nll[DOCS], five_nll[5] = {3, 1, 4, 1, 5}, other_nll[5] = {2, 2, 2, 2, 2};
static int32_t five[5] = {1, 1, 1, 1, 1}, tokens[DOCS];

static gr_sample small(const double *values, size_t count) {
    return (gr_sample){.nll = values, .tokens = five, .count = count, .list = "five", .buckets = true};
}

/* Of entries of one size the jackknife's error is the deviation by the root of n: mean 2.8, variance 3.2. */
static void a_mean_by_hand(void **state) {
    (void)state;
    gr_sample s = small(five_nll, 5);
    gr_estimate e = gr_jackknife(gr__formula_loss, &s, 1);
    double half = 2.776445105197794 * sqrt(3.2 / 5);
    assert_true(fabs(e.value - 2.8) < 1e-12);
    assert_true(fabs(e.low - (2.8 - half)) < 1e-9 && fabs(e.high - (2.8 + half)) < 1e-9);
}

/* A quotient of means by hand, over two entries: 1.5 of all, 3 and 0.75 of each; the error is half of what is between
 * those two times the root of 2, over it. */
static double quotient(const double *m) { return m[0] / m[1]; }

static void a_ratio_by_hand(void **state) {
    (void)state;
    const double above[] = {1.5, 3}, below[] = {2, 1};
    gr_sample two[] = {small(above, 2), small(below, 2)};
    gr_estimate e = gr_jackknife(quotient, two, 2);
    double error = sqrt(0.5 * (1.125 * 1.125 + 1.125 * 1.125));
    assert_true(fabs(e.value - 1.5) < 1e-12);
    assert_true(fabs(e.high - (1.5 + 12.7062047361747 * error)) < 1e-9 && fabs(e.high + e.low - 3) < 1e-9);
}

/* The same bucket is left out of all models at once: what they share has no spread. */
static void models_are_paired(void **state) {
    (void)state;
    double more[5];
    for (int i = 0; i < 5; i++)
        more[i] = five_nll[i] + 0.5;
    gr_sample two[] = {small(more, 5), small(five_nll, 5)};
    gr_estimate e = gr_jackknife(gr__formula_difference, two, 2);
    assert_true(fabs(e.value - 0.5) < 1e-12 && fabs(e.low - 0.5) < 1e-9 && fabs(e.high - 0.5) < 1e-9);
}

static void what_has_no_interval(void **state) {
    (void)state;
    gr_sample uneven[] = {small(five_nll, 5), small(other_nll, 4)}, one = small(five_nll, 1);
    gr_estimate e = gr_jackknife(gr__formula_difference, uneven, 2);
    assert_true(isfinite(e.value) && isnan(e.low) && isnan(e.high));
    e = gr_jackknife(gr__formula_loss, &one, 1);
    assert_true(e.value == 3 && isnan(e.low) && isnan(e.high));

    /* All tokens in one entry: without it there is no loss. */
    int32_t alone[5] = {0, 7, 0, 0, 0};
    gr_sample lone = {.nll = five_nll, .tokens = alone, .count = 5, .list = "lone", .buckets = true};
    e = gr_jackknife(gr__formula_loss, &lone, 1);
    assert_true(isfinite(e.value) && isnan(e.low) && isnan(e.high));
}

/* Buckets that nothing fell into are no entries: one degree of freedom less for each. */
static void empty_buckets_do_not_count(void **state) {
    (void)state;
    double wide[8] = {3, 0, 1, 4, 0, 0, 1, 5};
    int32_t sizes[8] = {1, 0, 1, 1, 0, 0, 1, 1};
    gr_sample filled = small(five_nll, 5), gaps = {.nll = wide, .tokens = sizes, .count = 8, .list = "gaps"};
    gr_estimate a = gr_jackknife(gr__formula_loss, &filled, 1), b = gr_jackknife(gr__formula_loss, &gaps, 1);
    assert_true(fabs(a.low - b.low) < 1e-12 && fabs(a.high - b.high) < 1e-12);
}

static void units_choose_the_interval(void **state) {
    (void)state;
    gr_sample two[] = {small(five_nll, 5), small(other_nll, 5)};
    gr_estimate e = gr_interval(gr__formula_difference, two, 2, 9), by = gr_jackknife(gr__formula_difference, two, 2);
    assert_memory_equal(&e, &by, sizeof e);

    two[0].buckets = two[1].buckets = false;
    e = gr_interval(gr__formula_difference, two, 2, 9);
    by = gr_bootstrap(gr__formula_difference, two, 2, 9);
    assert_memory_equal(&e, &by, sizeof e);

    two[1].buckets = true; /* mixed */
    e = gr_interval(gr__formula_difference, two, 2, 9);
    assert_true(e.value == by.value && isnan(e.low) && isnan(e.high));
}

/* ---- out of rows ---- */

static uint32_t number[DOCS];

/* A row of losses of some documents as buckets, written and read again. */
static gr_sample through_rows(const uint32_t *docs, size_t count, const char *name) {
    gr_groups groups = {.group = {{.name = name, .test = docs, .tests = count}}, .count = 1};
    gr_ledger *rows = gr_ledger_new(), *read;
    gr_error err = {0};
    gr_sample sample;
    gr_ledger_losses(rows, &groups, GR_UNITS_BUCKETS, nll, tokens, NULL, NULL);
    char *lines = gr_ledger_lines(rows);
    gr_test_ok(gr_ledger_parse(&read, lines, strlen(lines), "rows", &err), &err);
    gr_test_ok(gr_sample_read(&sample, gr_ledger_at(read, 0), "rows", &err), &err);
    gr_free(lines);
    gr_ledger_free(rows);
    gr_ledger_free(read);
    return sample;
}

static double normal(uint32_t which, uint64_t i, uint32_t j) {
    return gr_random_normal((gr_key){2026, GR_STREAM_TEST, which}, i, j);
}

/* Losses of one model in one draw of the documents: what a document is like, the same for all models; what the model
 * makes of it; and how far the model is above plain, on forget and on other text. */
static void draw(uint64_t r, uint32_t model, double forget, double retain) {
    for (uint32_t d = 0; d < DOCS; d++) {
        double loss = 4 + 0.6 * normal(0, r << 32 | d, 0) + 0.3 * normal(1 + model, r << 32 | d, 0);
        tokens[d] = 4 + (int32_t)(gr_random_bits((gr_key){2026, GR_STREAM_TEST, 9}, r << 32 | d, 0) % 90);
        nll[d] = tokens[d] * (loss + (d < FORGET ? forget : retain));
    }
}

/* Of 400 draws of documents, 95 in 100 intervals hold the figure of the text they were drawn from: 92 to 98, which is
 * 2.7 standard errors of such a count. */
static void intervals_cover(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int samples, sample[6]; /* model, + 3 on retain text */
        gr_formula formula;
        double truth;
    } figures[] = {
        {"loss", 1, {1}, gr__formula_loss, 4},
        {"gap", 2, {2, 1}, gr__formula_difference, 1},
        {"tax", 2, {3, 5}, gr__formula_difference, 0.1 - 0.2},
        {"removal", 3, {0, 1, 2}, gr__formula_removal, 0.8},
        {"specific", 6, {0, 1, 2, 3, 4, 5}, gr__formula_specific, 0.7 / 0.8},
    };
    enum { FIGURES = sizeof figures / sizeof *figures };
    int covered[FIGURES] = {0};
    for (uint32_t d = 0; d < DOCS; d++)
        number[d] = d;
    for (uint64_t r = 0; r < DRAWS; r++) {
        static const double forget[MODELS] = {0.8, 0, 1}, retain[MODELS] = {0.1, 0, 0.2};
        gr_sample all[2 * MODELS];
        for (uint32_t m = 0; m < MODELS; m++) {
            draw(r, m, forget[m], retain[m]);
            all[m] = through_rows(number, FORGET, "forget");
            all[MODELS + m] = through_rows(number + FORGET, DOCS - FORGET, "retain");
        }
        for (int f = 0; f < FIGURES; f++) {
            gr_sample in[6];
            for (int k = 0; k < figures[f].samples; k++)
                in[k] = all[figures[f].sample[k]];
            gr_estimate e = gr_interval(figures[f].formula, in, figures[f].samples, 1);
            covered[f] += e.low <= figures[f].truth && figures[f].truth <= e.high;
        }
        for (int k = 0; k < 2 * MODELS; k++)
            gr_sample_free(&all[k]);
    }
    for (int f = 0; f < FIGURES; f++)
        if (covered[f] < DRAWS * 92 / 100 || covered[f] > DRAWS * 98 / 100)
            fail_msg("%s: %d of %d intervals cover", figures[f].name, covered[f], DRAWS);
}

static void buckets_are_told_from_documents(void **state) {
    (void)state;
    for (uint32_t d = 0; d < DOCS; d++)
        number[d] = d;
    draw(0, 0, 0, 0);
    gr_sample s = through_rows(number, DOCS, "forget");
    assert_true(s.buckets && s.count == GR_BUCKETS && !s.unit);
    gr_sample_free(&s);

    /* 64 they are, and each is another. */
    static const char *const wrong[] = {
        "{\"row\":\"loss\",\"unit\":\"bucket\",\"units\":[1,2],\"sizes\":[1,1],\"list\":\"a\"}\n",
        "{\"row\":\"loss\",\"unit\":\"pail\",\"units\":[1,2],\"sizes\":[1,1],\"list\":\"a\"}\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        gr_ledger *rows;
        gr_error err = {0};
        gr_test_ok(gr_ledger_parse(&rows, wrong[i], strlen(wrong[i]), "rows", &err), &err);
        assert_int_equal(gr_sample_read(&s, gr_ledger_at(rows, 0), "rows", &err), GR_ERR_FORMAT);
        gr_ledger_free(rows);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_those_of_the_table),
        cmocka_unit_test(half_widths),
        cmocka_unit_test(a_mean_and_its_interval),
        cmocka_unit_test(one_seed_has_no_interval),
        cmocka_unit_test(one_refused_seed_refuses_all),
        cmocka_unit_test(variation_and_its_interval),
        cmocka_unit_test(variation_that_has_no_end),
        cmocka_unit_test(a_mean_by_hand),
        cmocka_unit_test(a_ratio_by_hand),
        cmocka_unit_test(models_are_paired),
        cmocka_unit_test(what_has_no_interval),
        cmocka_unit_test(empty_buckets_do_not_count),
        cmocka_unit_test(units_choose_the_interval),
        cmocka_unit_test(intervals_cover),
        cmocka_unit_test(buckets_are_told_from_documents),
    };
    return cmocka_run_group_tests_name("seeds and buckets", tests, NULL, NULL);
}
