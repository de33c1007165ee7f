/* Method sidecar: the recipe's regions added to a model without them, and trained alone. */
#include <string.h>

#include "gradroute/surgery.h"
#include "gradroute/verify.h"
#include "method/training.h"
#include "method_helpers.h"

static gr_made parent, routed; /* without the topic and the region; by routes */
static gr_ledger *routed_rows;

static const char *const region[] = {"animals"};

/* How far the logits of the sidecar with its region off are from those of its parent. */
static double distance(const gr_made *made, const gr_made *from) {
    gr_error err = {0};
    gr_tables *off;
    gr_probe *probe;
    double largest;
    gr_test_ok(gr_profile_new(&off, made->bundle->model, region, 1, &err), &err);
    gr_test_ok(gr_probe_open(&probe, NULL, from->bundle, &err), &err);
    gr_surgery_side side[2] = {{made->bundle->model, off}, {from->bundle->model, NULL}};
    gr_test_ok(gr_surgery_compare(&largest, side, gr_probe_positions(probe), gr_probe_next, probe, &err), &err);
    gr_probe_free(probe);
    gr_tables_free(off);
    return largest;
}

/* Mean loss of the test documents with a label (or without) in a model, everything on. */
static double loss(const gr_made *made, bool labelled) {
    gr_error err = {0};
    gr_evaluator *eval;
    gr_scan *scan;
    const gr_dataset *data = project->data;
    double *nll = gr_alloc(data->topics.docs * sizeof *nll);
    int32_t *tokens = gr_alloc(data->topics.docs * sizeof *tokens);
    uint32_t *docs = gr_alloc(data->test_count * sizeof *docs);
    size_t count = 0;
    for (size_t i = 0; i < data->test_count; i++)
        if ((project->labels->truth[data->test[i]] > 0) == labelled)
            docs[count++] = data->test[i];
    gr_test_ok(gr_evaluator_new(&eval, made->bundle->model, NULL, 8, 32, &err), &err);
    gr_test_ok(gr_scan_new(&scan, data, project->labels, docs, count, 8, 32, &err), &err);
    gr_evaluate(eval, scan, nll, tokens, data->topics.docs);
    double mean = gr_loss_mean(nll, tokens, docs, count);
    gr_scan_free(scan);
    gr_evaluator_free(eval);
    gr_free(nll);
    gr_free(tokens);
    gr_free(docs);
    return mean;
}

/* Taken out, the parent is what is left, to the last bit; and so it computes with the region off. */
static void off_is_the_parent(void **state) {
    (void)state;
    static const char *const fresh[] = {"{}", "{fresh: true}"};
    for (int i = 0; i < 2; i++) {
        gr_error err = {0};
        gr_surgery_result bare;
        gr_made made = make("sidecar", fresh[i], &parent, NULL);
        gr_test_ok(gr_surgery_remove(&bare, made.bundle->def, made.bundle->model, region, 1, &err), &err);
        assert_true(same_parameters(bare.model, parent.bundle->model));
        assert_true(distance(&made, &parent) == 0);
        gr_surgery_free(&bare);
        gr_made_free(&made);
    }
}

/* It learns the topic that its parent never saw: the better part of what training on it would have taught. */
static void it_learns_the_topic(void **state) {
    (void)state;
    gr_made made = make("sidecar", "{}", &parent, NULL);
    double before = loss(&parent, true), after = loss(&made, true), beside = loss(&routed, true);
    assert_true(beside < before - 0.1);
    assert_true(after < before - 0.5 * (before - beside));
    gr_made_free(&made);
}

/* Its region is trained on the tokens of the routed run's, at most with its operations; nothing else is trained. */
static void its_rows_are_those_of_the_routed_region(void **state) {
    (void)state;
    gr_ledger *rows = gr_ledger_new();
    gr_made made = make("sidecar", "{}", &parent, rows);
    const gr_entry *model = gr_ledger_find(rows, "model", NULL), *own = gr_ledger_find(rows, "region", NULL);
    const gr_entry *beside = gr_ledger_find(routed_rows, "region", NULL);
    assert_true(gr_entry_number(own, "tokens") == gr_entry_number(beside, "tokens"));
    assert_true(gr_entry_number(own, "tokens") > 0);
    assert_true(gr_entry_number(own, "flops") <= gr_entry_number(beside, "flops"));
    assert_true(gr_entry_number(own, "flops") > 0.8 * gr_entry_number(beside, "flops"));

    /* What it shows is that and no more. */
    assert_true(gr_entry_number(model, "tokens") == gr_entry_number(own, "tokens"));
    assert_true(gr_entry_number(model, "flops") == gr_entry_number(own, "flops"));
    assert_true(made.tokens == (int64_t)gr_entry_number(own, "tokens"));
    gr_ledger_free(rows);
    gr_made_free(&made);
}

/* What is planned is what the rows of the model say then: the showings that train the region, and the gradients that it
 * needs. */
static void its_plan_is_what_it_takes(void **state) {
    (void)state;
    gr_error err = {0};
    const gr_method *method = gr_registry_method(registry, "sidecar");
    gr_settings *settings;
    gr_test_ok(gr_settings_read(&settings, method->option, NULL, NULL, &err), &err);
    gr_making making = {.project = project, .settings = settings, .parent = &parent, .name = "it"};
    gr_made draft;
    gr_cost cost;
    gr_test_ok(gr_method_draft(&draft, method, &making, &err), &err);
    gr_test_ok(gr_method_cost(&cost, method, &making, &draft, NULL, &err), &err);

    /* Made, by the same options. */
    gr_ledger *rows = gr_ledger_new();
    gr_made made = make("sidecar", "{}", &parent, rows);
    const gr_entry *model = gr_ledger_find(rows, "model", NULL);
    assert_true(cost.flops == gr_entry_number(model, "flops") && cost.flops > 0);
    assert_true((double)cost.tokens == gr_entry_number(model, "tokens"));
    assert_true(cost.steps == made.steps && cost.seconds > 0);

    gr_ledger_free(rows);
    gr_made_free(&made);
    gr_made_free(&draft);
    gr_settings_free(settings);
}

/* Parameters, moments and step counts outside of the region are as they were, whatever the routes would open. */
static void the_core_stays_closed(void **state) {
    (void)state;
    static const char *const presets[] = {"preset={name: residual, p_cr: 0.5, p_repeat: 0.5}",
                                          "preset={name: gram, p_as: 0.5, p_cr: 0.5}"};
    for (int i = 0; i < 2; i++) {
        gr_error err = {0};
        gr_project *in = lab_open(&presets[i], 1);
        gr_settings *settings;
        gr_test_ok(gr__train_settings(&settings, "{}", &err), &err);
        gr_arch_def *def;
        gr_model *model, *before;
        gr__training own;
        gr_trainer *trainer;
        gr_test_ok(gr__train_network(&def, &model, in, settings, &err), &err);
        gr_test_ok(gr_arch_build(&before, def, in->recipe->seed, &err), &err);
        gr_test_ok(gr__training_open_alone(&own, model, in, settings, &(gr__alone){region, 1}, "it", NULL, &err), &err);
        gr_test_ok(gr_trainer_new(&trainer, &own.def, &err), &err);
        gr_test_ok(gr_trainer_run(trainer, &err), &err);

        /* Number by number. */
        const gr_region *r = gr_model_region(model, 0);
        size_t closed = 0, moved = 0;
        for (int p = 0; p < gr_model_params(model); p++)
            for (int k = 0; k < gr_model_param(model, p)->rows * gr_model_param(model, p)->cols; k++) {
                const int row = k / gr_model_param(model, p)->cols, col = k % gr_model_param(model, p)->cols;
                bool in_region = false;
                for (int n = 0; n < r->rects; n++)
                    in_region |= r->rect[n].param == p && row >= r->rect[n].lo0 && row < r->rect[n].hi0 &&
                                 col >= r->rect[n].lo1 && col < r->rect[n].hi1;
                gr_real *first = gr_optim_moment(gr_trainer_optim(trainer), 0, p);
                gr_real *second = gr_optim_moment(gr_trainer_optim(trainer), 1, p);
                bool same =
                    gr_model_data(model, p)[k] == gr_model_data(before, p)[k] && first[k] == 0 && second[k] == 0;
                closed += !in_region;
                moved += !same;
                assert_true(in_region || same);
            }
        assert_true(closed > 1000 && moved > 100);

        gr_trainer_free(trainer);
        gr__training_close(&own);
        gr_model_free(model);
        gr_model_free(before);
        gr_arch_free(def);
        gr_settings_free(settings);
        lab_close(in);
    }
}

/* Neurons and heads of the core's own layers too: without them the parent is left. */
static void regions_of_the_core_s_layers(void **state) {
    (void)state;
    gr_error err = {0};
    gr_project *before = project;
    gr_surgery_result bare;
    project = lab_open((const char *[]){"regions={animals: {heads: {add: 1}, mlp: {add: 8}}}", "preset=sgtm"}, 2);
    gr_made from = make("train", "{routes: none, without: revealed, regions: out}", NULL, NULL);
    gr_made made = make("sidecar", "{}", &from, NULL);
    gr_test_ok(gr_surgery_remove(&bare, made.bundle->def, made.bundle->model, region, 1, &err), &err);
    assert_true(same_parameters(bare.model, from.bundle->model));
    assert_true(distance(&made, &from) < 1e-4);
    assert_true(loss(&made, true) < loss(&from, true));
    gr_surgery_free(&bare);
    gr_made_free(&made);
    gr_made_free(&from);
    lab_close(project);
    project = before;
}

/* A parent that has the region, or has it off; no routes; routes that mix. */
static void what_is_refused(void **state) {
    (void)state;
    gr_error err = {0};
    gr_made none, off = make("ablate", "{}", &routed, NULL);
    assert_int_equal(make_in(&none, project, "sidecar", "{}", &routed, NULL, &err), GR_ERR_USAGE);
    gr_test_error(&err, "it", "has every region");
    err = (gr_error){0};
    assert_int_equal(make_in(&none, project, "sidecar", "{}", &off, NULL, &err), GR_ERR_USAGE);
    gr_test_error(&err, "it", "regions that are off");
    gr_made_free(&off);

    /* A score opens a part of what its class closes; without routes nobody says which rows. */
    gr_project *in = lab_open((const char *[]){"preset={name: era}", "regions={animals: {mlp: {add: 8}}}"}, 2);
    err = (gr_error){0};
    assert_int_equal(make_in(&none, in, "sidecar", "{}", &parent, NULL, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "mixes by a score"));
    const int routes = in->recipe->routes->count;
    in->recipe->routes->count = 0;
    err = (gr_error){0};
    assert_int_equal(make_in(&none, in, "sidecar", "{}", &parent, NULL, &err), GR_ERR_USAGE);
    in->recipe->routes->count = routes; /* they are freed by their number */
    gr_test_error(&err, "it", "no route says");
    lab_close(in);
}

static int open_all(void **state) {
    int status = gr_test_files_setup(state);
    static const char *const sets[] = {"train.steps=60", "preset={name: residual, p_cr: 0.1, p_repeat: 0.3}"};
    lab_write_corpus("corpus.jsonl");
    project = lab_open(sets, 2);
    registry = gr_registry_new();
    routed_rows = gr_ledger_new();
    parent = make("train", "{routes: none, without: true_labels, regions: out}", NULL, NULL);
    routed = make("train", "{}", NULL, routed_rows);
    return status;
}

static int close_all(void **state) {
    gr_made_free(&parent);
    gr_made_free(&routed);
    gr_ledger_free(routed_rows);
    gr_registry_free(registry);
    lab_close(project);
    return gr_test_files_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_is_the_parent),
        cmocka_unit_test(it_learns_the_topic),
        cmocka_unit_test(its_rows_are_those_of_the_routed_region),
        cmocka_unit_test(its_plan_is_what_it_takes),
        cmocka_unit_test(the_core_stays_closed),
        cmocka_unit_test(regions_of_the_core_s_layers),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests_name("sidecar", tests, open_all, close_all);
}
