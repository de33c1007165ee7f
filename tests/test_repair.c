/* Method repair: a few steps on text without labels, to the step that serves such text best. */
#include <string.h>

#include "method_helpers.h"

static gr_made parent; /* trained, whole */

/* Every parameter times a factor: a network that is broken in a way that training mends. */
static void scale(gr_made *made, gr_real by) {
    gr_model *model = made->bundle->model;
    for (int p = 0; p < gr_model_params(model); p++)
        for (int i = 0; i < gr_model_param(model, p)->rows * gr_model_param(model, p)->cols; i++)
            gr_model_data(model, p)[i] *= by;
}

/* A broken parent is mended: the loss on validation text without labels falls, and the parent stays as it was. */
static void it_mends(void **state) {
    (void)state;
    gr_ledger *rows = gr_ledger_new();
    gr_made broken = make("repair", "{steps: 0}", &parent, NULL), made;
    scale(&broken, (gr_real)0.5);
    gr_made copy = make("repair", "{steps: 0}", &broken, NULL);
    made = make("repair", "{steps: 40, lr: 0.01}", &broken, rows);
    const gr_entry *row = gr_ledger_find(rows, "repair", NULL), *model = gr_ledger_find(rows, "model", NULL);
    assert_true(gr_entry_number(row, "chosen") < gr_entry_number(row, "before") - 0.3);
    assert_in_range(gr_entry_number(row, "step"), 1, 40);
    assert_true(gr_entry_number(row, "documents") == 64);
    size_t judges = 0;
    for (size_t i = 0; i < project->data->validation_count; i++)
        judges += project->labels->revealed[project->data->validation[i]] <= 0;
    assert_true(judges > 7 && gr_entry_number(row, "judged_on") == (double)judges);
    assert_true(same_parameters(copy.bundle->model, broken.bundle->model));
    assert_false(same_parameters(made.bundle->model, broken.bundle->model));

    /* What it took: every row is read in each step, whatever step is chosen. */
    assert_true(gr_entry_number(model, "tokens") == (double)made.tokens && made.tokens > 0 && made.steps == 40);
    assert_true(gr_entry_number(model, "flops") ==
                3 * gr_model_flops(made.bundle->model) * gr_entry_number(model, "tokens"));
    gr_ledger_free(rows);
    gr_made_free(&made);
    gr_made_free(&copy);
    gr_made_free(&broken);
}

/* At a rate that only harms, step 0 is chosen: the parent to the last bit. */
static void step_0_is_one_of_them(void **state) {
    (void)state;
    gr_ledger *rows = gr_ledger_new();
    gr_made made = make("repair", "{steps: 3, lr: 0.5, judged_on: 7}", &parent, rows);
    const gr_entry *row = gr_ledger_find(rows, "repair", NULL);
    assert_true(gr_entry_number(row, "judged_on") == 7);
    assert_true(gr_entry_number(row, "step") == 0);
    assert_true(gr_entry_number(row, "chosen") == gr_entry_number(row, "before"));
    assert_true(same_parameters(made.bundle->model, parent.bundle->model));
    gr_ledger_free(rows);
    gr_made_free(&made);
}

/* A region that is off is taken out, so that it is neither trained nor there afterwards. */
static void regions_that_are_off_go(void **state) {
    (void)state;
    gr_made off = make("ablate", "{}", &parent, NULL), gone = make("ablate", "{how: remove}", &parent, NULL);
    gr_made made = make("repair", "{steps: 0}", &off, NULL);
    assert_int_equal(made.bundle->def->region_count, 0);
    assert_int_equal(made.off_count, 0);
    assert_true(same_parameters(made.bundle->model, gone.bundle->model));
    gr_made_free(&made);
    gr_made_free(&gone);
    gr_made_free(&off);
}

/* No document that is shown as a label is trained on, or chosen by: with other labelled text it is the same model. */
static void labelled_text_is_not_read(void **state) {
    (void)state;
    gr_made first = make("repair", "{steps: 5, lr: 0.003}", &parent, NULL);
    const gr_dataset *data = project->data;
    int changed = 0;
    for (size_t d = 0; d < data->topics.docs; d++)
        for (uint64_t i = data->offsets[d]; project->labels->revealed[d] > 0 && i < data->offsets[d + 1];
             i++, changed++)
            ((int32_t *)data->ids)[i] = 7;
    gr_made second = make("repair", "{steps: 5, lr: 0.003}", &parent, NULL);
    assert_true(changed > 100);
    assert_true(same_parameters(first.bundle->model, second.bundle->model));
    assert_false(same_parameters(first.bundle->model, parent.bundle->model));
    gr_made_free(&first);
    gr_made_free(&second);
}

static int open_all(void **state) {
    int status = gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    project = lab_open((const char *[]){"train.steps=40"}, 1);
    registry = gr_registry_new();
    parent = make("train", "{}", NULL, NULL);
    return status;
}

static int close_all(void **state) {
    gr_made_free(&parent);
    gr_registry_free(registry);
    lab_close(project);
    return gr_test_files_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_mends),
        cmocka_unit_test(step_0_is_one_of_them),
        cmocka_unit_test(regions_that_are_off_go),
        cmocka_unit_test(labelled_text_is_not_read),
    };
    return cmocka_run_group_tests_name("repair", tests, open_all, close_all);
}
