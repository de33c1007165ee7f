/* What an experiment wants, in which order it is made, and what is not wanted: without a file or a network. */
#include "lab/cells.h"

#include "experiment_helpers.h"
#include "io/digest.h"
#include "io/yaml.h"

/* ---- keys of a test ---- */

/* As a lab would: an arm whose name is `shared` does not know the point. */
static const char *shared;

static void key_use(gr__cells *cells, int u) {
    const gr__use *use = &cells->use[u];
    char hex[GR_DIGEST_HEX];
    const char *parent = use->parent >= 0 ? cells->use[use->parent].key : "";
    bool known = shared && use->arm == (shared[0] == 'p' ? 2 : 3);
    char *text = use->kind == GR_CELL_MODEL
                     ? gr_format("%d %d %d %d %s", use->arm, known ? 0 : use->point, use->seed, use->knob, parent)
                     : gr_format("%d %d %d %d %s", use->kind, use->reading, use->each,
                                 use->parent < 0 ? 100 * use->point + use->seed : 0, parent);
    gr_digest_data(hex, text, strlen(text));
    gr__cells_key(cells, u, hex, use->arm == 1); /* routed_off is a view */
    gr_free(text);
}

static gr__cells *cells_of(const gr__cells_def *def) {
    gr__cells *cells = gr__cells_new(def);
    for (int u = 0; u < cells->uses; u++)
        key_use(cells, u);
    gr__cells_join(cells);
    return cells;
}

static int two_each(void *user, int reading, int point, int seed) {
    (void)user, (void)point, (void)seed;
    return reading == 1 ? 2 : 1;
}

static const bool all_run[32] = {[0 ... 31] = true};

/* "model routed.1 @0 s1", "attack plain @1 s0 #1", .. */
static char *name_of(const gr_experiment *e, const gr__use *u) {
    const char *arm = u->arm < 0 ? "-" : e->arm[u->arm].name;
    return gr_format("%s %s.%d @%d s%d #%d", gr__cell_kinds[u->kind], arm, u->knob, u->point, u->seed, u->each);
}

static void assert_use(const gr_experiment *e, const gr__cells *cells, int u, const char *expected) {
    char *name = name_of(e, &cells->use[u]);
    assert_string_equal(name, expected);
    gr_free(name);
}

/* The cell that a use of this name is. */
static int cell_named(const gr_experiment *e, const gr__cells *cells, const char *wanted) {
    for (int u = 0; u < cells->uses; u++) {
        char *name = name_of(e, &cells->use[u]);
        bool same = !strcmp(name, wanted);
        gr_free(name);
        if (same)
            return cells->use[u].cell;
    }
    fail_msg("no use %s", wanted);
    return -1;
}

static const gr__known done = {.state = GR_CELL_DONE, .model = true}, rows_alone = {.state = GR_CELL_COMMITTED},
                       at_work = {.state = GR_CELL_BUSY};

/* All that is free is made, one after the other; how many. */
static int make_all(gr__cells *cells) {
    bool again, wait;
    int made = 0;
    for (int c; (c = gr__cells_next(cells, &again, &wait)) >= 0; made++) {
        const gr__lab_cell *cell = &cells->cell[c];
        assert_true(again || cell->known.state == GR_CELL_MISSING);
        if (cell->parent >= 0) /* nothing begins before what it begins with */
            assert_true(cells->cell[cell->parent].known.state != GR_CELL_MISSING);
        gr__cells_know(cells, c, done);
    }
    return made;
}

/* Nothing is left that could be made, now or when others have ended. */
static bool is_all_done(const gr__cells *cells) {
    bool again, wait;
    return gr__cells_next(cells, &again, &wait) < 0 && !wait;
}

/* ---- what is wanted ---- */

static void uses_are_in_the_order_of_their_making(void **state) {
    (void)state;
    gr_experiment *e = parsed(small);
    gr__cells *cells = cells_of(&(gr__cells_def){.experiment = e, .runs = all_run, .seeds = 2, .each = two_each});

    /* Two points and seeds: data 4, routed and routed_off at two knobs, two twins; a loss each; attacks of three. */
    assert_int_equal(cells->uses, 4 + 8 + 8 + 4 + 4 + 24 + 2 * 16);
    assert_use(e, cells, 0, "data -.0 @0 s0 #0");
    assert_use(e, cells, 3, "data -.0 @1 s1 #0");
    assert_use(e, cells, 4, "model routed.0 @0 s0 #0");
    assert_use(e, cells, 5, "model routed.1 @0 s0 #0");
    assert_use(e, cells, 6, "model routed.0 @0 s1 #0");
    assert_use(e, cells, 12, "model routed_off.0 @0 s0 #0");
    assert_use(e, cells, 20, "model plain.0 @0 s0 #0");
    assert_use(e, cells, 28, "measure routed.0 @0 s0 #0");
    assert_use(e, cells, 52, "attack routed_off.0 @0 s0 #0");
    assert_use(e, cells, 53, "attack routed_off.0 @0 s0 #1");

    /* Of the same point, seed and knob. */
    for (int u = 0; u < cells->uses; u++) {
        const gr__use *use = &cells->use[u], *parent = use->parent >= 0 ? &cells->use[use->parent] : NULL;
        if (parent)
            assert_true(use->parent < u && parent->point == use->point && parent->seed == use->seed &&
                        parent->knob == use->knob && parent->kind == GR_CELL_MODEL);
        assert_true((use->kind == GR_CELL_MODEL && use->arm != 1) || use->kind == GR_CELL_DATA || parent);
    }
    gr__cells_free(cells);
    gr_experiment_free(e);
}

static void only_what_runs_is_wanted(void **state) {
    (void)state;
    gr_experiment *e = parsed(small);
    bool runs[8] = {true, false, true, false, true, false, true, false}; /* at both points */
    gr__cells *cells = cells_of(&(gr__cells_def){.experiment = e, .runs = runs, .seeds = 1});
    for (int u = 0; u < cells->uses; u++)
        assert_true(cells->use[u].arm < 0 || runs[cells->use[u].arm]);
    assert_int_equal(cells->uses, 2 + 4 + 2 + 6 + 2);
    gr__cells_free(cells);
    gr_experiment_free(e);
}

/* At one point alone, and what goes on from it nowhere else either. */
static void arms_stay_at_their_points(void **state) {
    (void)state;
    char *text = changed("fixed: true}", "fixed: true, at: {known: [half]}}");
    gr_experiment *e = parsed(text);
    gr__cells *cells = cells_of(&(gr__cells_def){.experiment = e, .runs = all_run, .seeds = 1});
    int routed = 0;
    for (int u = 0; u < cells->uses; u++) {
        const gr__use *use = &cells->use[u];
        if (use->arm == 0 || use->arm == 1)
            assert_int_equal(use->point, 1);
        routed += use->kind == GR_CELL_MODEL && use->arm <= 1;
    }
    assert_int_equal(routed, 4);
    gr__cells_free(cells);
    gr_experiment_free(e);
    gr_free(text);
}

static void a_knob_of_the_child_has_one_parent(void **state) {
    (void)state;
    static const char text[] = "experiment: child\n"
                               "arms:\n"
                               "  base: {train: {}}\n"
                               "  rmu: {from: base, rmu: {lr: {knob: [0.1, 0.2, 0.3]}}}\n"
                               "  undo: {from: rmu, undo: {}}\n"
                               "measures: {loss: {of: [undo]}}\n";
    gr_experiment *e = parsed(text);
    gr__cells *cells = cells_of(&(gr__cells_def){.experiment = e, .runs = all_run, .seeds = 1});
    assert_int_equal(cells->uses, 1 + 1 + 3 + 3 + 3);
    for (int k = 0; k < 3; k++) {
        assert_int_equal(cells->use[2 + k].parent, 1);     /* rmu of the one base */
        assert_int_equal(cells->use[5 + k].parent, 2 + k); /* undo of its rmu */
    }
    gr__cells_free(cells);
    gr_experiment_free(e);
}

static void readings_know_their_tasks(void **state) {
    (void)state;
    static const char text[] = "experiment: tasks\n"
                               "arms: {plain: {train: {}}}\n"
                               "measures: {loss: {of: [plain]}, accuracy: {of: [plain]}}\n";
    static const struct {
        const char *task;
        int uses;
    } cases[] = {{"samples", 2 + 2}, {"text", 2 + 1}, {NULL, 2 + 2}};
    gr_experiment *e = parsed(text);
    for (int i = 0; i < 3; i++) {
        gr__cells *cells =
            cells_of(&(gr__cells_def){.experiment = e, .runs = all_run, .seeds = 1, .task = cases[i].task});
        assert_int_equal(cells->uses, cases[i].uses);
        gr__cells_free(cells);
    }
    gr_experiment_free(e);
}

static void equal_keys_are_one_cell(void **state) {
    (void)state;
    gr_experiment *e = parsed(small);
    gr__cells_def def = {.experiment = e, .runs = all_run, .seeds = 2};
    gr__cells *apart = cells_of(&def);
    assert_int_equal(apart->cells, apart->uses);
    shared = "plain";
    gr__cells *joined = cells_of(&def);
    shared = NULL;

    /* Of plain: a model, a loss and an attack at two seeds, once instead of at each of two points. */
    assert_int_equal(joined->cells, apart->cells - 3 * 2);
    int here = cell_named(e, joined, "model plain.0 @0 s1 #0");
    assert_int_equal(here, cell_named(e, joined, "model plain.0 @1 s1 #0"));
    assert_int_not_equal(here, cell_named(e, joined, "model plain.0 @1 s0 #0"));
    assert_int_equal(joined->use[joined->cell[here].use].point, 0);
    assert_int_equal(make_all(joined), joined->cells);
    assert_true(is_all_done(joined));
    gr__cells_free(apart);
    gr__cells_free(joined);
    gr_experiment_free(e);
}

/* ---- what is next ---- */

static void cells_are_made_in_order(void **state) {
    (void)state;
    gr_experiment *e = parsed(small);
    gr__cells *cells = cells_of(&(gr__cells_def){.experiment = e, .runs = all_run, .seeds = 1});
    bool again, wait;
    assert_false(is_all_done(cells));
    for (int i = 0; i < cells->cells; i++) {
        assert_int_equal(gr__cells_next(cells, &again, &wait), i);
        assert_false(again || wait);
        gr__cells_know(cells, i, done);
    }
    assert_int_equal(gr__cells_next(cells, &again, &wait), -1);
    assert_false(wait);
    assert_true(is_all_done(cells));
    gr__cells_free(cells);
    gr_experiment_free(e);
}

/* Of one that is asked for, what it begins with is made before it, and nothing else. */
static void one_cell_may_be_asked_for(void **state) {
    (void)state;
    gr_experiment *e = parsed(small);
    gr__cells *cells = cells_of(&(gr__cells_def){.experiment = e, .runs = all_run, .seeds = 2});
    const int chain[] = {cell_named(e, cells, "model routed.1 @1 s1 #0"),
                         cell_named(e, cells, "model routed_off.1 @1 s1 #0"),
                         cell_named(e, cells, "attack routed_off.1 @1 s1 #0")};
    bool again, wait, *left = gr_alloc((size_t)cells->cells);

    /* More than one, or none, is no choice. */
    assert_int_equal(gr__cells_only(cells, ""), cells->cells);
    assert_int_equal(gr__cells_only(cells, "none"), 0);
    gr__cells_left(cells, left);
    for (int c = 0; c < cells->cells; c++)
        assert_true(left[c]);

    /* Its parents from the top. */
    assert_int_equal(gr__cells_only(cells, cells->cell[chain[2]].key), 1);
    gr__cells_left(cells, left);
    for (int c = 0; c < cells->cells; c++)
        assert_int_equal(left[c], c == chain[0] || c == chain[1] || c == chain[2]);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(gr__cells_next(cells, &again, &wait), chain[i]);
        gr__cells_know(cells, chain[i], done);
    }
    assert_int_equal(gr__cells_next(cells, &again, &wait), -1);
    assert_false(wait);
    gr_free(left);
    gr__cells_free(cells);
    gr_experiment_free(e);
}

static void what_others_make_is_passed_over(void **state) {
    (void)state;
    gr_experiment *e = parsed(small);
    gr__cells *cells = cells_of(&(gr__cells_def){.experiment = e, .runs = all_run, .seeds = 1});
    bool again, wait;
    int routed = cell_named(e, cells, "model routed.0 @0 s0 #0"),
        off = cell_named(e, cells, "model routed_off.0 @0 s0 #0");
    gr__cells_know(cells, routed, at_work);
    for (int c; (c = gr__cells_next(cells, &again, &wait)) >= 0;) {
        assert_int_not_equal(c, routed);
        assert_int_not_equal(c, off); /* which begins with it */
        assert_false(wait);
        gr__cells_know(cells, c, done);
    }
    assert_true(wait);
    assert_false(is_all_done(cells));
    gr__cells_know(cells, routed, done);
    assert_int_equal(gr__cells_next(cells, &again, &wait), off);
    gr__cells_free(cells);
    gr_experiment_free(e);
}

static void below_a_model_that_diverged_nothing_is_wanted(void **state) {
    (void)state;
    gr_experiment *e = parsed(small);
    gr__cells *cells = cells_of(&(gr__cells_def){.experiment = e, .runs = all_run, .seeds = 1});
    int routed = cell_named(e, cells, "model routed.1 @0 s0 #0");
    gr__cells_know(cells, routed, (gr__known){.state = GR_CELL_DIVERGED});

    /* It, its view, a loss of each, and the attack on the view. */
    assert_int_equal(make_all(cells), cells->cells - 5);
    assert_true(is_all_done(cells));
    assert_int_equal(cells->cell[cell_named(e, cells, "attack routed_off.1 @0 s0 #0")].known.state, GR_CELL_MISSING);
    assert_int_equal(cells->cell[cell_named(e, cells, "attack routed_off.0 @0 s0 #0")].known.state, GR_CELL_DONE);
    gr__cells_free(cells);
    gr_experiment_free(e);
}

/* Rows that are committed count as done; their models are made again where something new begins with them. */
static void committed_models_are_made_again_for_a_new_child(void **state) {
    (void)state;
    gr_experiment *e = parsed(small);
    gr__cells *cells = cells_of(&(gr__cells_def){.experiment = e, .runs = all_run, .seeds = 1});
    bool again, wait;
    for (int c = 0; c < cells->cells; c++)
        gr__cells_know(cells, c, rows_alone);
    assert_int_equal(gr__cells_next(cells, &again, &wait), -1);
    assert_true(is_all_done(cells));

    /* An attack on a view: the weights are those of the model above it. */
    int routed = cell_named(e, cells, "model routed.1 @1 s0 #0"),
        attack = cell_named(e, cells, "attack routed_off.1 @1 s0 #0");
    gr__cells_know(cells, attack, (gr__known){0});
    assert_true(gr__cells_needs(cells, routed));
    assert_false(gr__cells_needs(cells, cell_named(e, cells, "model routed.0 @1 s0 #0")));
    assert_int_equal(gr__cells_next(cells, &again, &wait), routed);
    assert_true(again);

    /* Others may be at it. */
    gr__cells_know(cells, routed, (gr__known){.state = GR_CELL_COMMITTED, .busy = true});
    assert_int_equal(gr__cells_next(cells, &again, &wait), -1);
    assert_true(wait);
    gr__cells_know(cells, routed, done);
    assert_int_equal(gr__cells_next(cells, &again, &wait), attack);
    assert_false(again);
    gr__cells_know(cells, attack, done);
    assert_false(gr__cells_needs(cells, routed));
    assert_int_equal(gr__cells_next(cells, &again, &wait), -1);
    gr__cells_free(cells);
    gr_experiment_free(e);
}

/* A loss whose rows keep buckets, where documents are asked for. */
static void poor_rows_are_made_once_more(void **state) {
    (void)state;
    gr_experiment *e = parsed(small);
    gr__cells *cells = cells_of(&(gr__cells_def){.experiment = e, .runs = all_run, .seeds = 1});
    bool again, wait;
    int loss = cell_named(e, cells, "measure plain.0 @1 s0 #0"), plain = cell_named(e, cells, "model plain.0 @1 s0 #0");
    for (int c = 0; c < cells->cells; c++)
        gr__cells_know(cells, c, rows_alone);
    gr__cells_know(cells, loss, (gr__known){.state = GR_CELL_COMMITTED, .poor = true});
    assert_false(is_all_done(cells));
    assert_int_equal(gr__cells_next(cells, &again, &wait), plain);
    gr__cells_know(cells, plain, done);
    assert_int_equal(gr__cells_next(cells, &again, &wait), loss);
    assert_false(again);
    gr__cells_know(cells, loss, done);
    assert_true(is_all_done(cells));
    gr__cells_free(cells);
    gr_experiment_free(e);
}

/* Two steps up: what the lost model itself began with is gone too. */
static void a_chain_of_lost_models_is_made_from_its_top(void **state) {
    (void)state;
    static const char text[] = "experiment: chain\n"
                               "arms:\n"
                               "  base: {train: {}}\n"
                               "  rmu: {from: base, rmu: {}}\n"
                               "  undo: {from: rmu, undo: {}}\n"
                               "measures: {loss: {of: [undo]}}\n";
    gr_experiment *e = parsed(text);
    gr__cells *cells = gr__cells_new(&(gr__cells_def){.experiment = e, .runs = all_run, .seeds = 1});
    bool again, wait;
    for (int u = 0; u < cells->uses; u++) {
        key_use(cells, u);
        cells->use[u].view = false;
    }
    gr__cells_join(cells);
    for (int c = 0; c < 4; c++)
        gr__cells_know(cells, c, rows_alone);
    for (int c = 1; c < 4; c++) {
        assert_int_equal(gr__cells_next(cells, &again, &wait), c);
        assert_true(again);
        gr__cells_know(cells, c, done);
    }
    assert_int_equal(gr__cells_next(cells, &again, &wait), 4);
    assert_false(again);

    /* A model that is there needs nothing above it. */
    gr__cells_know(cells, 1, rows_alone);
    gr__cells_know(cells, 2, rows_alone);
    assert_int_equal(gr__cells_next(cells, &again, &wait), 4);
    gr__cells_free(cells);
    gr_experiment_free(e);
}

/* ---- options ---- */

static void a_ladder_is_a_cell_a_value(void **state) {
    (void)state;
    gr_experiment *e = parsed(small);
    gr_error err = {0};
    gr_settings *settings;
    const gr_setting *table = made_attack.option;
    gr_test_ok(gr_reading_settings(&settings, &e->use[1], NULL, &err), &err);
    assert_int_equal(gr__settings_each(settings, table), 2);
    gr__settings_narrow(settings, table, 1);
    assert_int_equal(gr__settings_each(settings, table), 1);
    assert_true(gr_settings_get(settings, "documents")->numbers[0] == 16);
    gr_settings_free(settings);
    gr_test_ok(gr_reading_settings(&settings, &e->use[0], NULL, &err), &err);
    assert_int_equal(gr__settings_each(settings, e->use[0].measure->option), 1);
    gr_settings_free(settings);
    gr_experiment_free(e);
}

/* Two lists: each value of one with each of the other. */
static void ladders_multiply(void **state) {
    (void)state;
    static const gr_setting table[] = {{.key = "a", .kind = GR_SETTING_COUNTS, .max = 9, .each = true},
                                       {.key = "b", .kind = GR_SETTING_TEXTS, .each = true},
                                       {.key = "c", .kind = GR_SETTING_COUNTS, .max = 9},
                                       {.key = "d", .kind = GR_SETTING_COUNTS, .max = 9, .each = true},
                                       {0}};
    static const char yaml[] = "{a: [1, 2, 3, 4], b: [x, y], c: [4, 5]}";
    bool seen[4][2] = {0};
    gr_error err = {0};
    gr_yaml *root;
    gr_test_ok(gr_yaml_parse(&root, yaml, strlen(yaml), "options", &err), &err);
    for (int i = 0; i < 8; i++) {
        gr_settings *settings;
        gr_test_ok(gr_settings_read(&settings, table, NULL, root, &err), &err);
        assert_int_equal(gr__settings_each(settings, table), 8);
        gr__settings_narrow(settings, table, i);
        assert_int_equal(gr__settings_each(settings, table), 1);
        assert_int_equal(gr_settings_get(settings, "c")->count, 2); /* a list as such */
        seen[(int)gr_settings_get(settings, "a")->numbers[0] - 1][gr_settings_get(settings, "b")->texts[0][0] - 'x'] =
            true;
        gr_settings_free(settings);
    }
    for (int i = 0; i < 8; i++)
        assert_true(seen[i / 2][i % 2]);
    gr_yaml_free(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uses_are_in_the_order_of_their_making),
        cmocka_unit_test(only_what_runs_is_wanted),
        cmocka_unit_test(arms_stay_at_their_points),
        cmocka_unit_test(a_knob_of_the_child_has_one_parent),
        cmocka_unit_test(readings_know_their_tasks),
        cmocka_unit_test(equal_keys_are_one_cell),
        cmocka_unit_test(cells_are_made_in_order),
        cmocka_unit_test(one_cell_may_be_asked_for),
        cmocka_unit_test(what_others_make_is_passed_over),
        cmocka_unit_test(below_a_model_that_diverged_nothing_is_wanted),
        cmocka_unit_test(committed_models_are_made_again_for_a_new_child),
        cmocka_unit_test(poor_rows_are_made_once_more),
        cmocka_unit_test(a_chain_of_lost_models_is_made_from_its_top),
        cmocka_unit_test(a_ladder_is_a_cell_a_value),
        cmocka_unit_test(ladders_multiply),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
