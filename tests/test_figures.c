/* Figures by table: each row gives what its formula gives by hand, bit by bit; ratios over nothing are refused; the
 * order of operands is part of a figure. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "lab/figures.h"
#include "support.h"

enum { DOCS = 150, SEED = 5 };
enum { FORGET, ADJACENT, RETAIN, GROUPS };
enum { OF, ZERO, ONE, ABSENT, MODELS };

static gr_registry *registry;
static double nll[2][MODELS][GROUPS][DOCS]; /* before and after the attack */
static int32_t tokens[GROUPS][DOCS];
static gr_sample sample[2][MODELS][GROUPS];
static gr_groups groups;

/* The model for 1 is `gap` nats a token above that for 0 on forget text, the other half way; all vary by document. */
static void fill(double gap) {
    static const char *const names[] = {"forget", "adjacent", "retain"};
    groups = (gr_groups){.count = GROUPS};
    for (int g = 0; g < GROUPS; g++) {
        groups.group[g] = (gr_group){.name = names[g], .tests = DOCS};
        for (int d = 0; d < DOCS; d++)
            tokens[g][d] = 3 + (d + g) % 11;
        for (int after = 0; after < 2; after++)
            for (int m = 0; m < ABSENT; m++) {
                double rise = g == FORGET ? gap * (m == ONE ? 1 : m == OF ? 0.5 : 0) * (after ? 0.5 : 1) : 0.02 * m;
                for (int d = 0; d < DOCS; d++) {
                    gr_key key = {SEED, GR_STREAM_TEST, (uint32_t)(g + GROUPS * (m + MODELS * after))};
                    nll[after][m][g][d] = tokens[g][d] * (3 + rise + 0.1 * gr_random_normal(key, (uint64_t)d, 0));
                }
                sample[after][m][g] = (gr_sample){nll[after][m][g], tokens[g], DOCS, NULL, names[g], false};
            }
    }
}

static gr__figuring figuring(const gr__model_losses *source, double least) {
    return (gr__figuring){registry, &groups, source, ZERO, ONE, ONE, least, SEED, {{0}}, 0};
}

static const gr__model_losses sources[MODELS] = {[OF] = {sample[0][OF], sample[1][OF], NULL, 0},
                                                 [ZERO] = {sample[0][ZERO], sample[1][ZERO], NULL, 0},
                                                 [ONE] = {sample[0][ONE], sample[1][ONE], NULL, 0}};

static bool take(gr_estimate *e, const char *figure, int of, const char *group, bool after) {
    gr__figuring f = figuring(sources, 0.15);
    return gr__figure_take(e, &f, &(gr__result_figure){"key", figure, of, group, after});
}

/* ---- formulas, written once more ---- */

static double removal_specific(const double *m) {
    return ((m[0] - m[1]) - (m[3] - m[4])) / ((m[2] - m[1]) - (m[5] - m[4]));
}
static double removal(const double *m) { return (m[0] - m[1]) / (m[2] - m[1]); }
static double gap_specific(const double *m) { return (m[0] - m[1]) - (m[2] - m[3]); }
static double own(const double *m) { return m[0]; }
static double difference(const double *m) { return m[0] - m[1]; }
static double retention(const double *m) { return (m[2] - m[0]) / (m[2] - m[1]); }

static bool same(gr_estimate a, gr_estimate b) { return !memcmp(&a, &b, sizeof a); }

static void every_row_is_its_formula(void **state) {
    (void)state;
    fill(1);
    for (int after = 0; after < 2; after++) {
        gr_sample(*s)[GROUPS] = sample[after], (*was)[GROUPS] = sample[0];
        const struct {
            const char *name, *group;
            int count;
            gr_sample operand[6];
            gr_formula formula;
        } rows[] = {
            {"removal_specific",
             NULL,
             6,
             {s[OF][FORGET], s[ZERO][FORGET], s[ONE][FORGET], was[OF][RETAIN], was[ZERO][RETAIN], was[ONE][RETAIN]},
             removal_specific},
            {"removal", NULL, 3, {s[OF][FORGET], s[ZERO][FORGET], s[ONE][FORGET]}, removal},
            {"gap_specific",
             NULL,
             4,
             {s[ONE][FORGET], s[ZERO][FORGET], was[ONE][RETAIN], was[ZERO][RETAIN]},
             gap_specific},
            {"gap", NULL, 2, {s[ONE][FORGET], s[ZERO][FORGET]}, difference},
            {"gap_general", NULL, 2, {was[ONE][RETAIN], was[ZERO][RETAIN]}, difference},
            {"retention", NULL, 3, {was[OF][FORGET], was[ZERO][FORGET], was[ONE][FORGET]}, retention},
            {"tax_off", NULL, 2, {was[OF][RETAIN], was[ONE][RETAIN]}, difference},
            {"tax_on", NULL, 2, {was[OF][RETAIN], was[ZERO][RETAIN]}, difference},
            {"loss", NULL, 1, {s[OF][RETAIN]}, own},
            {"loss", "adjacent", 1, {s[OF][ADJACENT]}, own},
            {"tax_off", "adjacent", 2, {was[OF][ADJACENT], was[ONE][ADJACENT]}, difference},
            {"tax_on", "adjacent", 2, {was[OF][ADJACENT], was[ZERO][ADJACENT]}, difference},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            gr_estimate e, hand = gr_bootstrap(rows[i].formula, rows[i].operand, rows[i].count, SEED);
            assert_true(take(&e, rows[i].name, OF, rows[i].group, after));
            if (!same(e, hand) || !(e.low < e.value && e.value < e.high))
                fail_msg("%s: %g [%g, %g], by hand %g [%g, %g]", rows[i].name, e.value, e.low, e.high, hand.value,
                         hand.low, hand.high);
        }
    }
}

/* ---- refusals ---- */

static void ratios_over_little_are_refused(void **state) {
    (void)state;
    gr_estimate e;
    fill(0.1); /* sure to be above 0, and below the least */
    assert_true(take(&e, "removal", OF, NULL, false) && isfinite(e.value));
    assert_true(take(&e, "retention", OF, NULL, false) && isfinite(e.value));
    assert_true(take(&e, "gap_specific", OF, NULL, false) && e.low > 0 && e.value < 0.15);
    assert_true(take(&e, "removal_specific", OF, NULL, false) && isnan(e.value) && isnan(e.low) && isnan(e.high));
    gr__figuring any = figuring(sources, -INFINITY); /* of samples */
    assert_true(gr__figure_take(&e, &any, &(gr__result_figure){"key", "removal_specific", OF, NULL, false}));
    assert_true(isfinite(e.value));

    fill(-0.2); /* the model for 1 knows more */
    static const char *const ratios[] = {"removal", "retention", "removal_specific"};
    for (int i = 0; i < 3; i++)
        assert_true(take(&e, ratios[i], OF, NULL, false) && isnan(e.value));
    assert_true(take(&e, "gap", OF, NULL, false) && e.high < 0); /* what there is can be said */
}

/* A gap before the attack is no gap after it. */
static void gaps_are_those_of_the_moment(void **state) {
    (void)state;
    fill(0.24);
    gr_estimate e;
    gr__figuring f = figuring(sources, 0.15);
    assert_true(gr__figure_take(&e, &f, &(gr__result_figure){"key", "removal_specific", OF, NULL, false}));
    assert_true(isfinite(e.value));
    assert_true(gr__figure_take(&e, &f, &(gr__result_figure){"key", "removal_specific", OF, NULL, true}));
    assert_true(isnan(e.value));
    assert_true(gr__figure_take(&e, &f, &(gr__result_figure){"key", "retention", OF, NULL, true}));
    assert_true(isfinite(e.value)); /* none of it is attacked */
}

static void what_was_not_measured_is_left_out(void **state) {
    (void)state;
    gr_estimate e;
    fill(1);
    assert_false(take(&e, "removal", ABSENT, NULL, false));
    assert_false(take(&e, "tax_on", ABSENT, NULL, false));
    assert_true(take(&e, "gap", ABSENT, NULL, false)); /* it asks nothing of it */
    assert_false(take(&e, "tax_on", OF, "nowhere", false));

    /* A model beside itself. */
    assert_false(take(&e, "removal", ONE, NULL, false));
    assert_false(take(&e, "removal", ZERO, NULL, false));
    assert_false(take(&e, "tax_off", ONE, NULL, false));
    assert_true(take(&e, "tax_on", ONE, NULL, false));

    /* Models that were not attacked, and groups without documents. */
    gr__model_losses once[MODELS];
    memcpy(once, sources, sizeof once);
    once[OF].after = NULL;
    gr__figuring f = figuring(once, 0.15);
    assert_false(gr__figure_take(&e, &f, &(gr__result_figure){"key", "removal", OF, NULL, true}));
    assert_true(gr__figure_take(&e, &f, &(gr__result_figure){"key", "removal", OF, NULL, false}));
    sample[0][OF][ADJACENT].count = 0;
    assert_false(take(&e, "tax_on", OF, "adjacent", false));
}

/* ---- several strengths of an attack ---- */

enum { RUNGS = 4 };
static const int rung_documents[RUNGS] = {64, 8, 16, 32}; /* in any order */

/* One loss a token for all documents of a group. */
typedef struct flat {
    double nll[RUNGS + 1][GROUPS][DOCS];
    gr_sample sample[RUNGS + 1][GROUPS];
    gr__rung rung[RUNGS];
} flat;

/* Forget text at 0, 8, 16, 32 and 64 documents; retain text is nobody's business here. */
static gr__model_losses flat_losses(flat *f, const double *forget) {
    static const int at[RUNGS + 1] = {0, 4, 1, 2, 3};
    for (int k = 0; k <= RUNGS; k++)
        for (int g = 0; g < GROUPS; g++) {
            for (int d = 0; d < DOCS; d++)
                f->nll[k][g][d] = tokens[g][d] * (g == FORGET ? forget[at[k]] : 7 + k);
            f->sample[k][g] = (gr_sample){f->nll[k][g], tokens[g], DOCS, NULL, groups.group[g].name, false};
        }
    for (int k = 0; k < RUNGS; k++)
        f->rung[k] = (gr__rung){rung_documents[k], f->sample[k + 1]};
    return (gr__model_losses){f->sample[0], f->sample[1], f->rung, RUNGS};
}

static flat flat_of, flat_zero, flat_one, flat_never;
static gr__model_losses ladder[5];
enum { LADDER_OF, LADDER_ZERO, LADDER_ONE, LADDER_NEVER };

static void make_ladder(const double *of, const double *never) {
    fill(1);
    ladder[LADDER_OF] = flat_losses(&flat_of, of);
    ladder[LADDER_ZERO] = flat_losses(&flat_zero, (const double[]){4, 3.9, 3.8, 3.7, 3.6});
    ladder[LADDER_ONE] = flat_losses(&flat_one, (const double[]){6, 5, 4.5, 4.2, 4.1});
    ladder[LADDER_NEVER] = flat_losses(&flat_never, never);
}

static bool take_ladder(gr_estimate *e, const char *figure, int of, bool after) {
    gr__figuring f = {.registry = registry,
                      .groups = &groups,
                      .source = ladder,
                      .zero = LADDER_ZERO,
                      .one = LADDER_ONE,
                      .never = LADDER_NEVER,
                      .least = 0.15,
                      .seed = SEED};
    return gr__figure_take(e, &f, &(gr__result_figure){"key", figure, of, NULL, after});
}

/* It was never trained on the topic and is .0, .1, .2, .2, .2 above the other after 0 to 64 documents; the gap is 2. By
 * trapezoids of widths 1, .584963, .736966, .847997 that is .454737 / 3.169925 / 2. */
static void savings_are_an_area_between_curves(void **state) {
    (void)state;
    gr_estimate e;
    make_ladder((const double[]){5, 4.8, 4.6, 4.5, 4.4}, (const double[]){5, 4.9, 4.8, 4.7, 4.6});
    assert_true(take_ladder(&e, "savings", LADDER_OF, true));
    assert_float_equal(e.value, 0.14345351232142714 / 2, 1e-12);
    assert_true(e.low <= e.value && e.value <= e.high);

    /* Of plain: its whole area, from .5 on. By itself the never trained one saves nothing, and is left out. */
    assert_true(take_ladder(&e, "savings", LADDER_ZERO, true));
    assert_true(e.value > 0.45 && e.value < 0.55);
    assert_false(take_ladder(&e, "savings", LADDER_NEVER, true));

    /* With most documents: half of the gap is what 5 is; the filter's own is the line to read it by. */
    assert_true(take_ladder(&e, "recovery", LADDER_OF, true));
    assert_float_equal(e.value, (6 - 4.4) / 2, 1e-12);
    assert_true(take_ladder(&e, "recovery", LADDER_ONE, true));
    assert_float_equal(e.value, (6 - 4.1) / 2, 1e-12);
}

static void savings_need_every_rung_and_a_gap(void **state) {
    (void)state;
    gr_estimate e;
    const double of[] = {5, 4.8, 4.6, 4.5, 4.4};
    make_ladder(of, of);
    assert_true(take_ladder(&e, "savings", LADDER_OF, true) && e.value == 0);
    assert_false(take_ladder(&e, "savings", LADDER_OF, false)); /* after nothing */
    flat_never.rung[2].documents = 17;
    assert_false(take_ladder(&e, "savings", LADDER_OF, true));

    /* What there is to know before the attack is what counts, not after it. */
    make_ladder(of, of);
    ladder[LADDER_ONE] = flat_losses(&flat_one, (const double[]){4.14, 3, 3, 3, 3});
    assert_true(take_ladder(&e, "savings", LADDER_OF, true) && isnan(e.value));
    assert_true(take_ladder(&e, "recovery", LADDER_OF, true) && isnan(e.value));
    ladder[LADDER_ONE] = flat_losses(&flat_one, (const double[]){4.16, 3, 3, 3, 3});
    assert_true(take_ladder(&e, "savings", LADDER_OF, true) && e.value == 0);
}

/* ---- the table ---- */

/* Swapped operands are other draws: the value is the same figure's, the interval is not. */
static double backwards(const double *m) { return m[1] - m[0]; }

static void the_order_of_operands_counts(void **state) {
    (void)state;
    fill(1);
    static const gr_figure swapped = {.name = "swapped",
                                      .group = "forget",
                                      .operands = 4,
                                      .operand = {{GR_ROLE_ZERO, true, false, 0},
                                                  {GR_ROLE_ONE, true, false, 0},
                                                  {GR_ROLE_ZERO, false, true, 0},
                                                  {GR_ROLE_ONE, false, true, 0}},
                                      .formula = backwards};
    static const gr_figure straight = {.name = "straight",
                                       .group = "forget",
                                       .operands = 2,
                                       .operand = {{GR_ROLE_ZERO, true, false, 0}, {GR_ROLE_ONE, true, false, 0}},
                                       .formula = backwards};
    gr_error err = {0};
    gr_test_ok(gr_registry_add_figure(registry, &swapped, &err), &err);
    gr_test_ok(gr_registry_add_figure(registry, &straight, &err), &err);
    gr_estimate general, two, four;
    assert_true(take(&general, "gap_general", OF, NULL, false));
    assert_true(take(&two, "straight", OF, NULL, false) && take(&four, "swapped", OF, NULL, false));
    assert_true(two.value == general.value && same(two, four)); /* one list: it draws first in all of them */

    /* Forget text draws from the third place now. */
    gr_estimate gap, third;
    static const gr_figure late = {.name = "late",
                                   .group = "forget",
                                   .operands = 4,
                                   .operand = {{GR_ROLE_ONE, true, false, 0},
                                               {GR_ROLE_ZERO, true, false, 0},
                                               {GR_ROLE_ONE, false, true, 0},
                                               {GR_ROLE_ZERO, false, true, 0}},
                                   .formula = gap_specific};
    gr_test_ok(gr_registry_add_figure(registry, &late, &err), &err);
    assert_true(take(&gap, "gap_specific", OF, NULL, false) && take(&third, "late", OF, NULL, false));
    assert_true(third.value == -gap.value && third.low != -gap.high && third.high != -gap.low);
}

static void what_ratios_are_over_is_in_the_table(void **state) {
    (void)state;
    static const char *const names[] = {"removal_specific", "removal",   "gap_specific", "gap",
                                        "gap_general",      "retention", "tax_off",      "tax_on"};
    for (int i = 0; i < 8; i++) {
        const gr_figure *figure = gr_registry_figure(registry, names[i]);
        assert_true(figure && figure->help[0] && figure->group[0]);
        assert_true(figure->operands > 0 && figure->operands <= GR_OPERANDS && figure->formula);
        assert_true(!figure->over || gr_registry_figure(registry, figure->over));
    }
    assert_null(gr_registry_figure(registry, "remove"));
}

static int begin(void **state) {
    (void)state;
    registry = gr_registry_new();
    return 0;
}

static int end(void **state) {
    (void)state;
    gr_registry_free(registry);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_its_formula),           cmocka_unit_test(ratios_over_little_are_refused),
        cmocka_unit_test(gaps_are_those_of_the_moment),       cmocka_unit_test(what_was_not_measured_is_left_out),
        cmocka_unit_test(savings_are_an_area_between_curves), cmocka_unit_test(savings_need_every_rung_and_a_gap),
        cmocka_unit_test(the_order_of_operands_counts),       cmocka_unit_test(what_ratios_are_over_is_in_the_table),
    };
    return cmocka_run_group_tests_name("figures", tests, begin, end);
}
