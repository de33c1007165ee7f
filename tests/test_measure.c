/* Figures of an audit by hand, and what the bootstrap promises. */
#include "measure/measure.h"

#include <math.h>

#include "base/rng.h"
#include "support.h"

enum { DOCS = 200 };

static double nll[3][DOCS];
static int32_t tokens[DOCS];

/* Three arms over the same documents: the second is the first plus 1 nat per token, the third plus 2. */
static int fill(void **state) {
    (void)state;
    for (int d = 0; d < DOCS; d++) {
        tokens[d] = 5 + d % 17;
        double loss = 3 + gr_random_normal((gr_key){1, GR_STREAM_TEST, 0}, (uint64_t)d, 0);
        for (int k = 0; k < 3; k++)
            nll[k][d] = (loss + k) * tokens[d];
    }
    return 0;
}

static gr_sample arm(int k) { return (gr_sample){nll[k], tokens, DOCS, NULL, "all", false}; }

static void figures(void **state) {
    (void)state;
    assert_true(fabs(gr__formula_removal((double[]){5, 3, 5}) - 1) < 1e-12);   /* off as filtered */
    assert_true(fabs(gr__formula_removal((double[]){3, 3, 5})) < 1e-12);       /* off as plain */
    assert_true(fabs(gr__formula_retention((double[]){3, 3, 5}) - 1) < 1e-12); /* on as plain */
    assert_true(fabs(gr__formula_retention((double[]){5, 3, 5})) < 1e-12);     /* on as filtered */
    /* A gap of 2 on forget text; both lose 0.5 on retain text: 1.5 is specific, of which off has 1. */
    assert_true(fabs(gr__formula_specific((double[]){4.5, 3, 5, 2.5, 2, 2.5}) - 1 / 1.5) < 1e-12);
    assert_true(fabs(gr__formula_specific((double[]){3.5, 3, 5, 2.5, 2, 2.5})) < 1e-12); /* damage alone */
    assert_true(fabs(gr__formula_specific_gap((double[]){5, 3, 2.5, 2}) - 1.5) < 1e-12);
    assert_true(fabs(gr__formula_difference((double[]){3.5, 3.25}) - 0.25) < 1e-12);
}

static void loss_is_per_token(void **state) {
    (void)state;
    double sum = 0, n = 0;
    for (int d = 0; d < DOCS; d++) {
        sum += nll[0][d];
        n += tokens[d];
    }
    gr_sample s = arm(0);
    gr_estimate e = gr_bootstrap(gr__formula_loss, &s, 1, 7), again = gr_bootstrap(gr__formula_loss, &s, 1, 7);
    assert_true(fabs(e.value - sum / n) < 1e-12);
    assert_true(e.low < e.value && e.value < e.high);
    assert_true(e.low == again.low && e.high == again.high);
    /* About 2 x 1.96 standard errors of a mean of DOCS documents with deviation 1. */
    assert_true(e.high - e.low > 0.2 && e.high - e.low < 0.4);
    assert_true(gr_bootstrap(gr__formula_loss, &s, 1, 8).low != e.low);
}

/* Arms are drawn together: a constant difference has no spread, however much the documents vary. */
static void arms_are_paired(void **state) {
    (void)state;
    gr_sample two[] = {arm(1), arm(0)}, three[] = {arm(1), arm(0), arm(2)};
    gr_estimate tax = gr_bootstrap(gr__formula_difference, two, 2, 3);
    assert_true(fabs(tax.value - 1) < 1e-9 && fabs(tax.low - 1) < 1e-9 && fabs(tax.high - 1) < 1e-9);
    gr_estimate removal = gr_bootstrap(gr__formula_removal, three, 3, 3);
    assert_true(fabs(removal.value - 0.5) < 1e-9 && removal.high - removal.low < 1e-9);
}

/* Pieces of a document are drawn together: the interval is that of their sums. */
static void pieces_are_drawn_together(void **state) {
    (void)state;
    static double sums[DOCS];
    static int32_t counts[DOCS];
    static uint32_t document[DOCS];
    uint32_t whole = 0;
    for (uint32_t p = 0; p < DOCS; p++) {
        whole += p && p % 4 != 1 && p % 7; /* runs of one to three */
        document[p] = whole;
        sums[whole] += nll[0][p];
        counts[whole] += tokens[p];
    }
    gr_sample pieces = {nll[0], tokens, DOCS, document, "pieces", false},
              wholes = {sums, counts, whole + 1, NULL, "documents", false}, alone = arm(0);
    gr_estimate a = gr_bootstrap(gr__formula_loss, &pieces, 1, 7), b = gr_bootstrap(gr__formula_loss, &wholes, 1, 7);
    assert_true(fabs(a.value - b.value) < 1e-12 && fabs(a.low - b.low) < 1e-12 && fabs(a.high - b.high) < 1e-12);
    assert_true(fabs(gr_bootstrap(gr__formula_loss, &alone, 1, 7).low - a.low) > 1e-6);
}

/* Forget and retain text are two lists, each drawn once for all models: off is 1.5 nats above plain on forget text and
 * 1 on retain text, the filter 2 and 1, in every draw. */
static void groups_are_paired(void **state) {
    (void)state;
    enum { HALF = DOCS / 2 };
    double more[DOCS];
    for (int d = 0; d < DOCS; d++)
        more[d] = nll[0][d] + 1.5 * tokens[d];
    gr_sample forget[] = {{more, tokens, HALF, NULL, "a", false},
                          {nll[0], tokens, HALF, NULL, "a", false},
                          {nll[2], tokens, HALF, NULL, "a", false}};
    const int32_t *others = tokens + HALF;
    gr_sample one = {nll[1] + HALF, others, HALF, NULL, "b", false},
              none = {nll[0] + HALF, others, HALF, NULL, "b", false};
    gr_sample six[] = {forget[0], forget[1], forget[2], one, none, one};
    gr_estimate e = gr_bootstrap(gr__formula_specific, six, 6, 3);
    assert_true(fabs(e.value - 0.5) < 1e-9 && fabs(e.low - 0.5) < 1e-9 && fabs(e.high - 0.5) < 1e-9);
}

static void nothing_to_measure(void **state) {
    (void)state;
    gr_sample none = {nll[0], tokens, 0, NULL, "none", false};
    assert_true(isnan(gr_bootstrap(gr__formula_loss, &none, 1, 1).value));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures),           cmocka_unit_test(loss_is_per_token),
        cmocka_unit_test(arms_are_paired),   cmocka_unit_test(pieces_are_drawn_together),
        cmocka_unit_test(groups_are_paired), cmocka_unit_test(nothing_to_measure),
    };
    return cmocka_run_group_tests_name("measures", tests, fill, NULL);
}
