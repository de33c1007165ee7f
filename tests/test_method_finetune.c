/* Fine-tuning that goes on from a routed model: on mixed text with everything open the core takes the topic in, by the
 * routes it does not. */
#include <math.h>

#include "lab_helpers.h"

static const char experiment[] =
    "experiment: tuned\n"
    "set: {train.steps: 60}\n"
    "arms:\n"
    "  routed: {train: {}}\n"
    "  routed_off: {from: routed, ablate: {how: switch}}\n"
    "  still: {from: routed, finetune: {steps: 3, lr: 1e-12}}\n"
    "  tuned: {from: routed, finetune: {steps: 40, lr: 0.01}}\n"
    "  tuned_off: {from: tuned, ablate: {how: switch}}\n"
    "  kept: {from: routed, finetune: {steps: 40, lr: 0.01, routes: recipe}}\n"
    "  kept_off: {from: kept, ablate: {how: switch}}\n"
    "groups: {forget: any_label, retain: retain}\n"
    "measures: {loss: {of: [routed, routed_off, still, tuned, tuned_off, kept, kept_off]}}\n"
    "keep: {units: documents}\n";

static double loss_of(const json_t *result, const char *arm, const char *group) {
    return lab_number(json_object_get(json_object_get(result, "models"), arm), group);
}

static void open_tuning_moves_the_topic_into_the_core(void **state) {
    (void)state;
    json_t *result = lab_result_of("runs", gr_test_write("tuned.yaml", experiment, sizeof experiment - 1));

    /* It begins where its parent ended, and reads what it says. */
    static const char *const groups[] = {"forget", "retain"};
    for (int g = 0; g < 2; g++)
        assert_float_equal(loss_of(result, "still", groups[g]), loss_of(result, "routed", groups[g]), 1e-5);
    const json_t *models = json_object_get(result, "models");
    assert_true(lab_number(json_object_get(models, "still"), "tokens") <= 3 * 4 * 32);
    assert_true(lab_number(json_object_get(models, "tuned"), "tokens") > 3 * 4 * 32);

    /* Off: what labelled rows taught the core. */
    double before = loss_of(result, "routed_off", "forget"), open = loss_of(result, "tuned_off", "forget");
    double routed = loss_of(result, "kept_off", "forget");
    if (!(open < before - 0.2 && open < routed - 0.2))
        fail_msg("forget text with the region off: %g, tuned %g, tuned by routes %g", before, open, routed);
    assert_true(loss_of(result, "tuned", "forget") < loss_of(result, "routed", "forget"));
    json_decref(result);
}

/* Regions that are off would be on again: it is said, and nothing trained. */
static void what_is_off_is_not_tuned(void **state) {
    (void)state;
    static const char text[] = "experiment: again\n"
                               "set: {train.steps: 2}\n"
                               "arms:\n"
                               "  routed: {train: {}}\n"
                               "  routed_off: {from: routed, ablate: {how: switch}}\n"
                               "  tuned: {from: routed_off, finetune: {steps: 2}}\n";
    gr_error err = {0};
    gr_lab *lab;
    char base[512], folder[512];
    snprintf(base, sizeof base, "%s", gr_test_path("recipe.yaml"));
    snprintf(folder, sizeof folder, "%s", gr_test_path("off"));
    gr_lab_def def = {.experiment = gr_test_write("off.yaml", text, sizeof text - 1), .base = base, .folder = folder};
    gr_test_ok(gr_lab_open(&lab, &def, NULL, &err), &err);
    gr_test_ok(gr_lab_claim(lab, &err), &err);
    assert_int_equal(gr_lab_work(lab, NULL, &err), GR_ERR_USAGE);
    gr_test_error(&err, "tuned", "its parent has regions that are switched off");
    gr_lab_free(lab);
}

static int open_all(void **state) {
    int status = gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    gr_test_write("recipe.yaml", lab_recipe, strlen(lab_recipe));
    return status;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_tuning_moves_the_topic_into_the_core),
        cmocka_unit_test(what_is_off_is_not_tuned),
    };
    return cmocka_run_group_tests_name("fine-tuning as a method", tests, open_all, gr_test_files_teardown);
}
