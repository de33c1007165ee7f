/* Operations and tokens by class: counted by hand for a small network, and over a whole training. */
#include "gradroute/train.h"
#include "lab_helpers.h"
#include "method/training.h"

enum { D = 16, M = 32, OWN = 4, MORE = 8, HEAD = 8, LAYERS = 1 };

/* Numbers of the matrices of the core, and of the group's. */
static const double embed = D, inner = LAYERS * (3 * D * D + D * D + 3 * M * D);
static const double group_inner = LAYERS * (4 * HEAD * (D + OWN) + 3 * MORE * (D + OWN)), group_embed = OWN;

/* A project of lab_recipe with a router over its network. */
typedef struct opened {
    gr_project *project;
    gr_settings *settings;
    gr_arch_def *def;
    gr_model *model;
    gr__training own;
} opened;

static opened open_training(const char *options, const char *set) {
    opened o = {.project = lab_open(&set, 1)};
    gr_error err = {0};
    gr_test_ok(gr__train_settings(&o.settings, options, &err), &err);
    gr_test_ok(gr__train_network(&o.def, &o.model, o.project, o.settings, &err), &err);
    gr_test_ok(gr__training_open(&o.own, o.model, o.project, o.settings, "it", NULL, &err), &err);
    return o;
}

static void close_training(opened *o) {
    gr__training_close(&o->own);
    gr_model_free(o->model);
    gr_arch_free(o->def);
    gr_settings_free(o->settings);
    lab_close(o->project);
}

/* Operations of a row of this class. */
static double flops(const opened *o, int cls, bool train) {
    gr_error err = {0};
    gr_run *run;
    const gr_tables *tables = o->own.router ? gr_router_tables(o->own.router) : NULL;
    gr_test_ok(gr_run_new(&run, o->model, tables, &(gr_run_def){.positions = 1, .train = train}, &err), &err);
    double sum = gr_run_flops(run, cls);
    gr_run_free(run);
    return sum;
}

/* The class of rows of this label, where it has one alone. */
static int class_of(const opened *o, int label) {
    for (int c = 0; c < gr_router_classes(o->own.router); c++)
        if (gr_router_chance(o->own.router, label, c) > 0.5)
            return c;
    fail_msg("label %d has no class", label);
    return 0;
}

/* Forward, gradients of what is multiplied, gradients of parameters: all of it, or without what is off or closed. */
static void each_class_costs_what_it_computes(void **state) {
    (void)state;
    opened o = open_training("{}", "preset.p_cr=0.1");
    const double v = o.def->vocab, core = inner + v * embed, group = group_inner + v * group_embed;
    const int topic = class_of(&o, 1), other = class_of(&o, 0);
    assert_true(gr_model_flops(o.model) == 2 * (core + group));

    /* A labelled row closes the core; a core row has the group off. */
    assert_true(flops(&o, topic, false) == 2 * (core + group));
    assert_true(flops(&o, topic, true) == 2 * (2 * (core + group) + group));
    assert_true(flops(&o, other, false) == 2 * core);
    assert_true(flops(&o, other, true) == 2 * 3 * core);
    close_training(&o);

    /* Without routes nothing is left out. */
    o = open_training("{routes: none}", "preset.p_cr=0.1");
    assert_true(flops(&o, 0, true) == 2 * 3 * (core + group));
    close_training(&o);
}

/* Neurons of the core are a part of its products: off they are computed all the same, closed they are not written. */
static void neurons_of_the_core(void **state) {
    (void)state;
    static const char *const sets[] = {"regions={animals: {mlp: {add: 8}}}", "preset=sgtm"};
    opened o = {.project = lab_open(sets, 2)};
    gr_error err = {0};
    gr_test_ok(gr__train_settings(&o.settings, "{}", &err), &err);
    gr_test_ok(gr__train_network(&o.def, &o.model, o.project, o.settings, &err), &err);
    gr_test_ok(gr__training_open(&o.own, o.model, o.project, o.settings, "it", NULL, &err), &err);
    const double own = LAYERS * 3 * MORE * D, all = inner + own + o.def->vocab * embed;
    assert_true(flops(&o, class_of(&o, 1), true) == 2 * (2 * all + own));
    close_training(&o);
}

/* What the tally counts is what the trainer trains on, and its operations are between those of no row and of all. */
static void a_whole_training(void **state) {
    (void)state;
    static const char *const sets[] = {"preset.p_repeat=0", "preset.p_repeat=0.6"};
    double flops_of[2];
    for (int i = 0; i < 2; i++) {
        opened o = open_training("{}", sets[i]);
        gr_error err = {0};
        gr_trainer *trainer;
        gr_tally tally;
        gr_test_ok(gr_trainer_new(&trainer, &o.own.def, &err), &err);
        gr_test_ok(gr_trainer_run(trainer, &err), &err);
        gr_test_ok(gr_train_tally(&tally, &o.own.def, &err), &err);
        assert_int_equal(tally.all.tokens, gr_trainer_tokens(trainer));
        assert_int_equal(tally.regions, 1);
        assert_true(tally.region[0].tokens > 0 && tally.region[0].tokens < tally.all.tokens);
        assert_true(tally.region[0].flops < tally.all.flops);
        assert_true(tally.all.flops < 3 * gr_model_flops(o.model) * (double)tally.all.tokens);
        flops_of[i] = tally.all.flops;
        gr_tally_free(&tally);
        gr_trainer_free(trainer);
        close_training(&o);
    }
    assert_true(flops_of[1] > 1.2 * flops_of[0]);
}

static int write_corpus(void **state) {
    int status = gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    return status;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_costs_what_it_computes),
        cmocka_unit_test(neurons_of_the_core),
        cmocka_unit_test(a_whole_training),
    };
    return cmocka_run_group_tests_name("tally", tests, write_corpus, gr_test_files_teardown);
}
