/* Relearning at several numbers of documents, from models that are trained here to the figure that compares them. */
#include <math.h>

#include "lab_helpers.h"

static const char experiment[] =
    "experiment: savings\n"
    "question: Does the topic come back sooner than it is learned?\n"
    "set: {train.steps: 60}\n"
    "arms:\n"
    "  routed: {train: {}}\n"
    "  routed_off: {from: routed, ablate: {how: switch}}\n"
    "  plain: {train: {routes: none}}\n"
    "  filtered: {train: {routes: none, without: revealed, regions: out}}\n"
    "  narrow: {train: {routes: none, without: revealed, regions: out, set: {train.lr: 0.008}}}\n"
    "roles: {subject: routed, zero: plain, one: filtered, never_trained: narrow}\n"
    "groups: {forget: any_label, retain: retain}\n"
    "measures: {loss: {of: [routed_off, plain, filtered, narrow]}}\n"
    "attacks: {relearn: {of: [routed_off, plain, filtered, narrow], documents: [0, 8, 16, 32, 64], steps: 8}}\n"
    "figures:\n"
    "  - {key: savings, figure: savings, of: routed_off, after: relearn}\n"
    "  - {key: savings_plain, figure: savings, of: plain, after: relearn}\n"
    "  - {key: savings_itself, figure: savings, of: narrow, after: relearn}\n"
    "  - {key: recovery, figure: recovery, of: routed_off, after: relearn}\n"
    "keep: {units: documents}\n";

enum { RUNGS = 5 };
static const double documents[RUNGS] = {0, 8, 16, 32, 64};

/* The ladder of a model, of one group. */
static void read_ladder(double *loss, const json_t *result, const char *arm, const char *group) {
    const json_t *model = json_object_get(json_object_get(result, "models"), arm);
    const json_t *ladder = json_object_get(model, "relearned_ladder");
    assert_int_equal(json_array_size(ladder), RUNGS);
    for (size_t i = 0; i < RUNGS; i++) {
        assert_true(lab_number(json_array_get(ladder, i), "documents") == documents[i]);
        loss[i] = lab_number(json_array_get(ladder, i), group);
    }

    /* The first rung is no attack, the last what counts where one number is asked for. */
    char key[64];
    snprintf(key, sizeof key, "%s_relearned", group);
    assert_float_equal(loss[0], lab_number(model, group), 1e-12);
    assert_float_equal(loss[RUNGS - 1], lab_number(model, key), 1e-12);
}

/* By recoveries, as it is defined: each a share of the gap, from the filter's loss on. */
static double area(const double *loss, double filter, double plain) {
    double sum = 0;
    for (int i = 1; i < RUNGS; i++) {
        double a = (filter - loss[i - 1]) / (filter - plain), b = (filter - loss[i]) / (filter - plain);
        sum += (a + b) / 2 * (log2(1 + documents[i] / 8) - log2(1 + documents[i - 1] / 8));
    }
    return sum / log2(9);
}

static void from_models_to_savings(void **state) {
    (void)state;
    json_t *result = lab_result_of("runs", gr_test_write("savings.yaml", experiment, sizeof experiment - 1));
    double off[RUNGS], plain[RUNGS], filtered[RUNGS], never[RUNGS], retain[RUNGS];
    read_ladder(off, result, "routed_off", "forget");
    read_ladder(plain, result, "plain", "forget");
    read_ladder(filtered, result, "filtered", "forget");
    read_ladder(never, result, "narrow", "forget");
    read_ladder(retain, result, "routed_off", "retain");

    /* The topic comes back, document by document, and other text pays for it. */
    for (int i = 1; i < RUNGS; i++)
        assert_true(off[i] < off[0] && filtered[i] < filtered[0]);
    assert_true(retain[RUNGS - 1] != retain[0] && filtered[0] - plain[0] > 0.15);

    double least = area(never, filtered[0], plain[0]);
    assert_float_equal(lab_number(result, "savings"), area(off, filtered[0], plain[0]) - least, 1e-9);
    assert_float_equal(lab_number(result, "savings_plain"), area(plain, filtered[0], plain[0]) - least, 1e-9);
    assert_true(lab_number(result, "savings_plain") > 0.1);
    assert_null(json_object_get(result, "savings_itself"));
    assert_float_equal(lab_number(result, "recovery"), (filtered[0] - off[4]) / (filtered[0] - plain[0]), 1e-9);
    assert_int_equal(json_array_size(json_object_get(json_object_get(result, "intervals"), "savings")), 2);

    /* At each rung how far it came back, and at which step. */
    for (size_t i = 0; i < RUNGS; i++) {
        const json_t *model = json_object_get(json_object_get(result, "models"), "routed_off");
        const json_t *rung = json_array_get(json_object_get(model, "relearned_ladder"), i);
        assert_float_equal(lab_number(rung, "recovery"), (filtered[0] - off[i]) / (filtered[0] - plain[0]), 1e-9);
        assert_true(lab_number(rung, "step") <= 8 && (i > 0 || lab_number(rung, "step") == 0));
    }
    json_decref(result);
}

static int open_all(void **state) {
    int status = gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    gr_test_write("recipe.yaml", lab_recipe, strlen(lab_recipe));
    return status;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_models_to_savings),
    };
    return cmocka_run_group_tests_name("savings", tests, open_all, gr_test_files_teardown);
}
