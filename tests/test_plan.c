/* The memory that a plan names holds what training takes: each of its parts by what it adds. */
#include "lab_helpers.h"

#include <malloc.h>

#include "method/training.h"

#if defined(__SANITIZE_ADDRESS__)
/* Of the sanitizers' allocator_interface.h, which gcc 12 does not bring. */
size_t __sanitizer_get_current_allocated_bytes(void);
static size_t allocated(void) { return __sanitizer_get_current_allocated_bytes(); }
#else
static size_t allocated(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
#endif

/* Bytes that a trainer takes, its model excepted. */
static size_t measure(gr_project *project, const char *options) {
    gr_error err = {0};
    gr_arch_def *def;
    gr_model *model;
    gr__training own;
    gr_settings *settings;
    gr_trainer *trainer;
    gr_test_ok(gr__train_settings(&settings, options, &err), &err);
    gr_test_ok(gr__train_network(&def, &model, project, settings, &err), &err);
    gr_test_ok(gr__training_open(&own, model, project, settings, "it", NULL, &err), &err);
    size_t before = allocated();
    gr_test_ok(gr_trainer_new(&trainer, &own.def, &err), &err);
    size_t taken = allocated() - before;
    gr_trainer_free(trainer);
    gr__training_close(&own);
    gr_settings_free(settings);
    gr_model_free(model);
    gr_arch_free(def);
    return taken;
}

static size_t planned(gr_project *project, const char *options) {
    gr_error err = {0};
    gr_settings *settings;
    gr_made draft;
    gr_cost cost;
    gr_test_ok(gr__train_settings(&settings, options, &err), &err);
    gr_making making = {.project = project, .settings = settings, .name = "it"};
    gr_test_ok(gr__method_train.draft(&draft, &making, &err), &err);
    gr_test_ok(gr__method_train.cost(&cost, &making, &draft, NULL, &err), &err);
    assert_true(cost.memory.total >= cost.memory.activations + cost.memory.parameters);
    gr_made_free(&draft);
    gr_settings_free(settings);
    return cost.memory.total - cost.memory.parameters + cost.optimiser;
}

/* Bytes of what a plan leaves out of a run: the objects of products, their working memory, which is known once they are
 * made, and the bookkeeping of nodes. */
enum { OBJECTS = 1 << 20 };

/* What a setting adds to the plan is at least what it adds to the trainer, and not beyond all measure. */
static void check_setting(const char *without, const char *with, const char *options) {
    const char *const sets[] = {without, with};
    size_t taken[2], said[2];
    lab_write_corpus("corpus.jsonl");
    for (int i = 0; i < 2; i++) {
        gr_project *project =
            lab_open((const char *[]){sets[i], "model.width=128", "model.mlp=512", "train.batch=4"}, 4);
        measure(project, options); /* products that were made once are kept by the library that makes them */
        taken[i] = measure(project, options);
        said[i] = planned(project, options);
        lab_close(project);
    }
    const size_t more_taken = taken[1] - taken[0], more_said = said[1] - said[0];
    assert_true(taken[1] > taken[0] + 4 * OBJECTS);
    if (more_said + OBJECTS < more_taken || more_said > 2 * more_taken)
        fail_msg("%s: %zu bytes more are planned, %zu taken", with, more_said, more_taken);
}

static void losses_of_held_out_text(void **state) {
    (void)state;
    check_setting("diagnostics.heldout=0", "diagnostics.heldout=200", "{watch: true}");
    check_setting("diagnostics.heldout=0", "diagnostics.heldout=200", "{routes: none}");
}

static void losses_by_region(void **state) {
    (void)state;
    check_setting("diagnostics.probe=0", "diagnostics.probe=100", "{watch: true}");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(losses_of_held_out_text), cmocka_unit_test(losses_by_region)};
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}
