/* What of an experiment runs: arms are selected by facts and names; points, knobs and presets give the recipes and
 * options that are meant. */
#include <stdlib.h>

#include "experiment_helpers.h"
#include "io/yaml.h"
#include "lab/cells.h"
#include "lab/result.h"

/* ---- order, knobs, points ---- */

/* Parents come before children, whatever their order in the file; else that order stays. */
static void parents_stand_before_children(void **state) {
    (void)state;
    gr_experiment *e = parsed("experiment: e\narms:\n  c: {from: b, undo: {}}\n  e: {from: d, undo: {}}\n"
                              "  d: {train: {}}\n  a: {train: {}}\n  b: {from: a, undo: {}}\n");
    static const char *const order[] = {"a", "b", "c", "d", "e"};
    for (int i = 0; i < 5; i++) {
        assert_string_equal(e->arm[i].name, order[i]);
        assert_true(!e->arm[i].from || e->arm[i].from < &e->arm[i]);
    }
    assert_ptr_equal(e->arm[2].from, &e->arm[1]);
    assert_ptr_equal(e->arm[4].from, &e->arm[3]);
    gr_experiment_free(e);
}

static double number_of(const gr_experiment *e, const char *arm, int knob, const char *option) {
    gr_error err = {0};
    gr_settings *settings;
    gr_test_ok(gr_experiment_settings(&settings, e, arm_of(e, arm), knob, NULL, &err), &err);
    double number = gr_settings_get(settings, option)->number;
    gr_settings_free(settings);
    return number;
}

/* A knob stands anywhere in options; children are as many models, with options of their own. */
static void knobs_give_options_for_each_value(void **state) {
    (void)state;
    gr_experiment *e = parsed("experiment: e\narms:\n  a: {train: {regions: {knob: [keep, out, keep]}, watch: true}}\n"
                              "  b: {from: a, undo: {noise: 2}}\n  c: {from: b, undo: {}}\n  d: {train: {}}\n"
                              "  e: {reinforce: {reward: {imputed: {hidden: {knob: [8, 16]}}}}}\n"
                              "  f: {train: {set: {train.lr: 2, regions: {x: {mlp: {add: {knob: [1, 2, 4]}}}}}}}\n"
                              "  g: {train: {without: {knob: [none, revealed]}}}\n"
                              "  h: {train: {set: {train.betas: [0.9, {knob: [0.95, 0.99]}]}}}\n");
    static const int knobs[] = {3, 3, 3, 1, 2, 3, 2, 2};
    for (int i = 0; i < 8; i++)
        assert_int_equal(gr_experiment_knobs(e, i), knobs[i]);
    assert_string_equal(e->arm[4].knob.path, "reward.imputed.hidden");
    assert_string_equal(e->arm[5].knob.path, "set.regions.x.mlp.add");
    assert_string_equal(e->arm[7].knob.path, "set.train\\.betas.1");
    assert_true(number_of(e, "a", 0, "regions") == 0 && number_of(e, "a", 1, "regions") == 1 &&
                number_of(e, "a", 2, "regions") == 0 && number_of(e, "a", 1, "watch") == 1);
    assert_true(number_of(e, "b", 2, "noise") == 2 && number_of(e, "g", 0, "without") == 0 &&
                number_of(e, "g", 1, "without") == 1);

    /* Within a choice, and within what is set. */
    gr_error err = {0};
    gr_settings *settings;
    gr_test_ok(gr_experiment_settings(&settings, e, 4, 1, NULL, &err), &err);
    assert_true(gr_settings_get(gr_settings_get(settings, "reward")->inner, "hidden")->number == 16);
    gr_settings_free(settings);
    gr_test_ok(gr_experiment_settings(&settings, e, 7, 1, NULL, &err), &err);
    const gr_yaml *betas = gr_settings_get(settings, "set")->node->first;
    assert_string_equal(betas->first->text, "0.9");
    assert_string_equal(betas->last->text, "0.99");
    assert_true(betas->last->at.line == 10);
    gr_settings_free(settings);
    gr_experiment_free(e);
}

/* Values that are lists are told apart in tables, as numbers are; a factor is called by its number. */
static void values_of_knobs_have_words(void **state) {
    (void)state;
    gr_experiment *e =
        parsed("experiment: e\narms:\n  a: {train: {set: {train.betas: {knob: [[0.9, 0.95], [0.9, 0.99]]}}}}\n"
               "  b: {train: {set: {train.lr: {knob: [{times: 0.5}, 0.25]}}}}\n  c: {from: a, undo: {}}\n");
    static const char *const words[][2] = {{"[0.9, 0.95]", "[0.9, 0.99]"}, {"0.5", "0.25"}};
    for (int arm = 0; arm < 2; arm++)
        for (int value = 0; value < 2; value++) {
            assert_string_equal(e->arm[arm].knob.word[value], words[arm][value]);
            assert_string_equal(gr__knob_word(e, arm == 0 ? 2 : arm, value), words[arm][value]);
        }
    assert_string_equal(gr__knob_word(e, 2, 2), "");
    gr_experiment_free(e);
}

static void points_are_the_product_of_axes(void **state) {
    (void)state;
    gr_experiment *e = parsed("experiment: e\narms: {a: {train: {}, at: {x: [p, r], y: s}}, b: {train: {}}}\n"
                              "axes: {x: {p: {}, q: {}, r: {}}, y: {s: {}, t: {}}}\n");
    assert_int_equal(gr_experiment_points(e), 6);
    static const int values[][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 0}, {2, 1}};
    static const bool there[] = {true, false, false, false, true, false};
    for (int i = 0; i < 6; i++) {
        assert_int_equal(gr_experiment_value(e, i, 0), values[i][0]);
        assert_int_equal(gr_experiment_value(e, i, 1), values[i][1]);
        assert_int_equal(gr_experiment_at(e, e->arm[0].at, e->arm[0].ats, i), there[i]);
        assert_true(gr_experiment_at(e, e->arm[1].at, e->arm[1].ats, i));
    }
    gr_experiment_free(e);

    /* No axis is one point. */
    e = parsed("experiment: e\narms: {a: {train: {}}}\n");
    assert_int_equal(gr_experiment_points(e), 1);
    gr_experiment_free(e);
}

/* A preset says seeds, values, arms and what is set; values that it leaves out keep their names. */
static void presets_take_the_place_of_what_they_name(void **state) {
    (void)state;
    gr_experiment *e = parsed_with(small, "quick");
    assert_int_equal(e->seeds, 5);
    assert_int_equal(gr_experiment_points(e), 1);
    assert_int_equal(gr_experiment_value(e, 0, 0), 1);
    assert_int_equal(e->axis[0].values, 2);
    assert_null(e->only);
    assert_string_equal(e->preset, "quick");
    gr_experiment_free(e);

    e = parsed_with(small, "tiny");
    assert_true(e->seeds == 1 && gr_experiment_points(e) == 2 && e->onlys == 1 && e->only[0] == 0);
    assert_true(e->sets == 1);
    assert_string_equal(e->set[0].key, "seed");
    gr_experiment_free(e);
}

/* ---- selection ---- */

/* The arms that run, as "a b c". */
static char *selected(const gr_experiment *e, const char *facts, const char *arms) {
    gr_error err = {0};
    const char *fact[4], *arm[8];
    char *both = gr_format("%s|%s", facts, arms ? arms : ""), *split = strchr(both, '|'), *rest;
    gr_selection how = {.fact = fact, .arm = arm, .named = arms != NULL, .place = "--arms"};
    *split++ = 0;
    for (char *word = strtok_r(both, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        fact[how.facts++] = word;
    for (char *word = strtok_r(split, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        arm[how.arms++] = word;

    bool runs[16];
    gr_test_ok(gr_experiment_select(runs, e, &how, &err), &err);
    char *text = gr_strdup("");
    for (int i = 0; i < e->arms; i++) {
        char *longer = runs[i] ? gr_format("%s%s%s", text, text[0] ? " " : "", e->arm[i].name) : gr_strdup(text);
        gr_free(text);
        text = longer;
    }
    gr_free(both);
    return text;
}

static void assert_selected(const gr_experiment *e, const char *facts, const char *arms, const char *expected) {
    char *text = selected(e, facts, arms);
    assert_string_equal(text, expected);
    gr_free(text);
}

static void facts_and_names_select_arms(void **state) {
    (void)state;
    gr_experiment *e = opened("experiments/audit.yaml", NULL);
    assert_selected(e, "labels", NULL, "routed routed_off plain filtered");
    assert_selected(e, "labels hidden_labels", NULL, "routed routed_off plain filtered perfect");
    assert_selected(e, "labels", "", "routed routed_off");
    assert_selected(e, "labels hidden_labels", "plain", "routed routed_off plain");
    assert_selected(e, "labels", "perfect", "routed routed_off perfect");
    assert_selected(e, "labels", "plain placebo", "routed routed_off plain placebo placebo_off");
    assert_selected(e, "labels", "placebo_off", "routed routed_off placebo placebo_off");

    gr_error err = {0};
    bool runs[16];
    const char *const labels[] = {"labels"}, *const wrong[] = {"plian"};
    assert_int_equal(gr_experiment_select(runs, e, &(gr_selection){0}, &err), GR_ERR_USAGE);
    gr_test_error(&err, e->file, "experiment audit needs data that have labels");
    err = (gr_error){0};
    gr_selection how = {.fact = labels, .facts = 1, .named = true, .arm = wrong, .arms = 1, .place = "--arms"};
    assert_int_equal(gr_experiment_select(runs, e, &how, &err), GR_ERR_USAGE);
    gr_test_error(&err, "--arms", "no arm is called 'plian'");
    assert_string_equal(err.hint, "did you mean 'plain'?");
    gr_experiment_free(e);
}

/* A child without a word runs when its parent does; the arms of a preset are those and their parents alone. */
static void children_follow_their_parents(void **state) {
    (void)state;
    static const char text[] =
        "experiment: e\narms:\n  a: {train: {}}\n  b: {train: {}, when: hidden_labels}\n"
        "  c: {from: b, undo: {}}\n  d: {from: c, undo: {}}\n  e: {from: b, undo: {}, when: labels}\n"
        "presets: {p: {arms: [c]}}\n";
    gr_experiment *e = parsed(text);
    assert_selected(e, "", NULL, "a");
    assert_selected(e, "hidden_labels", NULL, "a b c d");
    assert_selected(e, "labels", NULL, "a b e");
    assert_selected(e, "", "b", "b c d e");
    assert_selected(e, "", "d", "b c d");
    gr_experiment_free(e);

    e = parsed_with(text, "p");
    assert_selected(e, "labels hidden_labels", NULL, "b c");
    assert_selected(e, "", "a", "a");
    gr_experiment_free(e);
}

/* What `gradroute audit` trains of the shipped recipes: their twins, beside the routed model. */
static void the_audit_runs_the_arms_of_today(void **state) {
    (void)state;
    static const char *const recipes[] = {"demo",     "fashion",         "half-labels",
                                          "openstax", "tinystories-era", "wordnet-modules"};
    gr_experiment *e = opened("experiments/audit.yaml", NULL);
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
        gr_error err = {0};
        gr_recipe *recipe;
        char *name = gr_format("recipes/%s.yaml", recipes[i]);
        gr_test_ok(gr_recipe_open(&recipe, project_path(name), NULL, 0, &err), &err);

        /* Facts of labels, as the recipe has them. */
        bool hidden = false;
        for (int k = 0; k < recipe->labels; k++)
            hidden = hidden || recipe->label[k].known < 1 || recipe->label[k].noise;
        char *arms = selected(e, hidden ? "labels hidden_labels" : "labels", NULL);
        const char *expected = strcmp(recipes[i], "half-labels") == 0 ? "routed routed_off plain filtered perfect"
                                                                      : "routed routed_off plain filtered";
        assert_true(recipe->labels > 0 && !recipe->twins_said);
        assert_string_equal(arms, expected);
        gr_free(arms);
        gr_free(name);
        gr_recipe_free(recipe);
    }
    gr_experiment_free(e);
}

/* ---- four others ---- */

/* Experiments of other kinds: with knobs and a control, post-hoc methods at equal tax, without data, without roles. */
static void four_others_are_read(void **state) {
    (void)state;
    gr_experiment *e = opened("tests/data/experiments/stories-era.yaml", "smoke");
    assert_true(e->arms == 9 && e->seeds == 1 && gr_experiment_points(e) == 1 && e->sets == 2 && e->claims == 2);
    assert_true(gr_experiment_knobs(e, arm_of(e, "era_done")) == 4 &&
                gr_experiment_knobs(e, arm_of(e, "control_done")) == 1);
    assert_selected(e, "labels", NULL, "base era era_cut control control_cut");
    assert_true(e->claim[1].what.minus == arm_of(e, "control") && !e->claim[1].what.figure &&
                e->claim[1].within == 0.02);
    assert_string_equal(e->claim[1].what.field, "mean");
    gr_experiment_free(e);
    e = opened("tests/data/experiments/stories-era.yaml", "paper");
    assert_true(e->seeds == 5 && gr_experiment_points(e) == 2 && e->sets == 7);
    assert_selected(e, "", NULL, "base pure perfect era era_cut era_done control control_cut control_done");
    gr_experiment_free(e);

    e = opened("tests/data/experiments/rivals.yaml", NULL);
    assert_string_equal(e->claim[0].matched, "tax_off");
    assert_true(e->claim[0].tolerance == 0.02 && e->claim[0].what.after && e->diverged_is_a_row);
    assert_true(gr_experiment_knobs(e, arm_of(e, "rmu_undo")) == 4 &&
                gr_experiment_knobs(e, arm_of(e, "routed_off")) == 3);
    gr_experiment_free(e);

    e = opened("tests/data/experiments/oversight.yaml", "paper");
    assert_true(e->arms == 7 && e->zero == -1 && e->ones == 0 && e->base && !e->base_file && e->seeds == 10);
    const gr_arm *no_gate = &e->arm[arm_of(e, "no_gate")];
    assert_false(gr_experiment_at(e, no_gate->at, no_gate->ats, 0));
    assert_true(gr_experiment_at(e, no_gate->at, no_gate->ats, 1));
    gr_experiment_free(e);

    e = opened("tests/data/experiments/mnist-split.yaml", "quick");
    assert_true(e->arms == 6 && e->claims == 2 && e->claim[0].about == 0.32 && !e->claim[1].primary);
    gr_experiment_free(e);
}

/* ---- counts ---- */

/* How often a reading is taken of one model, where nobody has a recipe. */
static int each_of(void *user, int reading, int point, int seed) {
    const gr_experiment *e = user;
    const gr_reading *r = &e->use[reading];
    gr_error err = {0};
    gr_settings *settings;
    (void)point, (void)seed;
    gr_test_ok(gr_reading_settings(&settings, r, NULL, &err), &err);
    int count = gr__settings_each(settings, r->attack ? r->attack->option : r->measure->option);
    gr_settings_free(settings);
    return count;
}

static void assert_count_of(const char *task, const char *file, const char *preset, const char *facts, int point,
                            int models, int measures, int attacks) {
    gr_experiment *e = opened(file, preset);
    char *arms = selected(e, facts, NULL);
    bool runs[64] = {false};
    for (char *rest, *arm = strtok_r(arms, " ", &rest); arm; arm = strtok_r(NULL, " ", &rest))
        for (int p = 0; p < gr_experiment_points(e); p++)
            runs[p * e->arms + arm_of(e, arm)] = true;
    gr__cells *cells = gr__cells_new(
        &(gr__cells_def){.experiment = e, .runs = runs, .seeds = 1, .task = task, .each = each_of, .user = e});

    int count[GR_CELL_KINDS] = {0};
    for (int u = 0; u < cells->uses; u++)
        count[cells->use[u].kind] += cells->use[u].point == point;
    assert_int_equal(count[GR_CELL_DATA], 1);
    assert_int_equal(count[GR_CELL_MODEL], models);
    assert_int_equal(count[GR_CELL_MEASURE], measures);
    assert_int_equal(count[GR_CELL_ATTACK], attacks);
    gr__cells_free(cells);
    gr_free(arms);
    gr_experiment_free(e);
}

static void assert_count(const char *file, const char *preset, const char *facts, int point, int models, int measures,
                         int attacks) {
    assert_count_of(NULL, file, preset, facts, point, models, measures, attacks);
}

/* Counted by hand: values of knobs, arms at some points alone, an attack for each of three numbers of documents. */
static void models_measures_and_attacks_are_counted(void **state) {
    (void)state;
    assert_count("experiments/audit.yaml", NULL, "labels", 0, 4, 4 + 4 + 2, 3);
    assert_count_of("text", "experiments/audit.yaml", NULL, "labels", 0, 4, 4 + 2, 3);
    assert_count_of("samples", "experiments/audit.yaml", NULL, "labels", 0, 4, 4 + 4, 3);
    assert_count("tests/data/experiments/stories-era.yaml", NULL, "labels", 1, 18, 18, (1 + 1 + 4 + 1) * 3);
    assert_count("tests/data/experiments/stories-era.yaml", "smoke", "labels", 0, 1 + 4 + 4 + 1 + 1, 11, 3);
    assert_count("tests/data/experiments/rivals.yaml", NULL, "labels", 0, 17, 17, (1 + 1 + 3 + 4 + 4) * 4);
    assert_count("tests/data/experiments/oversight.yaml", NULL, "", 0, 6, 6, 0);
    assert_count("tests/data/experiments/oversight.yaml", NULL, "", 1, 7, 7, 0);
}

/* ---- recipes ---- */

static const char base_text[] = "seed: 7\ndata: {text: corpus.txt, context: 32, tokenizer: {train: 300}}\n"
                                "labels: {a: {words: [oak]}}\n"
                                "model: {arch: llama, layers: 1, width: 16, heads: 2, mlp: 32}\n"
                                "train: {steps: 20, batch: 4}\n";

static gr_recipe *recipe_of(const gr_experiment *e, gr_experiment_base base) {
    gr_error err = {0};
    gr_recipe *recipe;
    gr_test_ok(gr_experiment_recipe(&recipe, e, &base, &err), &err);
    return recipe;
}

/* Base, `set`, the command line, the point, the seed: later ones win. */
static void recipes_are_made_in_this_order(void **state) {
    (void)state;
    static const char text[] =
        "experiment: e\nbase: base.yaml\nset: {train.batch: 8, train.lr: 0.5, train.steps: 9}\n"
        "arms: {a: {train: {}}}\n"
        "axes: {known: {all: {}, half: {labels.a.known: 0.5, train.steps: 11}}, x: {y: {seed: 20}}}\n";
    gr_error err = {0};
    gr_experiment *e;
    gr_test_write("base.yaml", base_text, strlen(base_text));
    gr_test_ok(gr_experiment_open(&e, gr_test_write("e.yaml", text, strlen(text)), NULL, registry, &err), &err);
    const char *const sets[] = {"train.lr=0.25", "train.steps=10"};

    gr_recipe *recipe = recipe_of(e, (gr_experiment_base){.set = sets, .sets = 2});
    assert_true(recipe->train.batch == 8 && recipe->train.steps == 10 && recipe->label[0].known == 1);
    assert_true(recipe->train.optim.lr == 0.25);
    assert_true(recipe->seed == 20 && recipe->split_seed == 20);
    gr_recipe_free(recipe);

    recipe = recipe_of(e, (gr_experiment_base){.set = sets, .sets = 2, .point = 1, .seed = 2});
    assert_true(recipe->train.steps == 11 && recipe->label[0].known == 0.5 && recipe->seed == 22 &&
                recipe->split_seed == 22);
    gr_recipe_free(recipe);
    gr_experiment_free(e);
}

/* A recipe whose layers and regions are to be changed by keys that do not name them. */
static const char regions_text[] =
    "data: {text: corpus.txt, context: 32, tokenizer: {train: 300}}\n"
    "labels: {a: {words: [oak], known: 1}, b: {words: [ash], known: 1}}\n"
    "model: {arch: llama, layers: 1, width: 16, heads: 2, mlp: 32}\n"
    "regions: {a: {residual: {add: 8}, mlp: {add: 5}, layers: [0]}, b: {mlp: {add: 1}}}\n"
    "train: {tokens: 2k, lr: 0.5, groups: [{parameters: 'a.*', lr: 2}, {parameters: x}]}\n";

static gr_status changed_recipe(gr_recipe **recipe, const char *set, gr_error *err) {
    char *text = gr_format("experiment: e\narms: {a: {train: {}}}\nset: {%s}\n", set);
    gr_experiment *e = parsed(text);
    const char *base = gr_test_write("regions.yaml", regions_text, strlen(regions_text));
    *err = (gr_error){0};
    gr_status status = gr_experiment_recipe(recipe, e, &(gr_experiment_base){.file = base}, err);
    gr_experiment_free(e);
    gr_free(text);
    return status;
}

/* A star stands for every key or element that there is; a factor multiplies what stands there. */
static void stars_and_factors_change_what_there_is(void **state) {
    (void)state;
    gr_error err;
    gr_recipe *r;
    gr_test_ok(
        changed_recipe(
            &r,
            "regions.*.*.add: {times: 0.5, whole: true}, train.tokens: {times: 3}, train.lr: {times: 0.5}, "
            "train.groups.*.lr: {times: 0.25}, labels.*.known: 0.75, "
            "regions.*.heads.add: {times: 2, whole: true, optional: true}, train.warmup: {times: 2, optional: true}",
            &err),
        &err);
    const gr_arch_region *a = &r->model.regions[0], *b = &r->model.regions[1];
    assert_true(a->residual.add == 4 && a->mlp.add == 3 && b->mlp.add == 1 && b->residual.add == 0);
    assert_true(r->train.tokens >= 6000 && r->train.tokens < 7000 && r->train.optim.lr == 0.25);
    assert_true(r->train.optim.group[0].lr == 0.5 && r->train.optim.group[1].lr == 1);
    assert_true(r->label[0].known == 0.75 && r->label[1].known == 0.75);
    gr_recipe_free(r);

    /* What is not there, no number, and what the product does not allow. */
    static const struct {
        const char *set, *text;
    } slips[] = {{"model.mlp: {times: 2}, regions.*.heads.add: 1", "the recipe has nothing at regions.*.heads.add"},
                 {"train.warmup: {times: 2, optional: false}", "the recipe has nothing at train.warmup"},
                 {"train.warmup: {times: 2, optional: maybe}", "optional is 'maybe', expected true"},
                 {"train.warmup: {times: 2}", "the recipe has nothing at train.warmup"},
                 {"model.arch: {times: 2}", "model.arch is 'llama', expected a"},
                 {"train.lr: {times: 0}", "times is '0', expected a"},
                 {"train.lr: {times: 1000}", "train.lr is '500', expected a"}};
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        assert_int_equal(changed_recipe(&r, slips[i].set, &err), GR_ERR_USAGE);
        assert_null(r);
        if (!err.place[0] || !strstr(err.message, slips[i].text))
            fail_msg("expected '%s', got '%s'", slips[i].text, err.message);
    }
}

/* The caller's recipe comes before the file's; without either there is none. Seeds count on from the recipe's. */
static void the_caller_may_give_the_base(void **state) {
    (void)state;
    gr_experiment *e = parsed(small);
    const char *base = gr_test_write("base.yaml", base_text, strlen(base_text));
    gr_recipe *recipe = recipe_of(e, (gr_experiment_base){.file = base, .seed = 3});
    assert_true(recipe->seed == 10 && recipe->split_seed == 10);
    gr_recipe_free(recipe);

    gr_error err = {0};
    assert_int_equal(gr_experiment_recipe(&recipe, e, &(gr_experiment_base){0}, &err), GR_ERR_USAGE);
    assert_null(recipe);
    gr_test_error(&err, "small", "experiment small has no recipe of its own");
    gr_experiment_free(e);

    /* A slip in what is set is one of the experiment's file. */
    char *text = changed("{labels.a.known: 1.0}", "{labels.a.knwon: 1.0}");
    e = parsed(text);
    err = (gr_error){0};
    assert_int_equal(gr_experiment_recipe(&recipe, e, &(gr_experiment_base){.file = base}, &err), GR_ERR_USAGE);
    gr_test_error(&err, "e.yaml:2:22", "unknown key 'knwon'");
    gr_experiment_free(e);
    gr_free(text);

    /* split_seed stays where the recipe says it. */
    e = parsed("experiment: e\nset: {split_seed: 5}\narms: {a: {train: {}}}\n");
    recipe = recipe_of(e, (gr_experiment_base){.file = base, .seed = 1});
    assert_true(recipe->seed == 8 && recipe->split_seed == 5 && recipe->order_seed == 8);
    gr_recipe_free(recipe);
    gr_experiment_free(e);
}

/* A recipe as a map in the experiment: paths start at the experiment's folder. */
static void a_map_may_be_the_base(void **state) {
    (void)state;
    static const char text[] = "experiment: e\narms: {a: {train: {}}}\nbase:\n"
                               "  data: {text: corpus.txt, context: 32, tokenizer: {train: 300}}\n"
                               "  model: {arch: llama, layers: 1, width: 16, heads: 2, mlp: 32}\n";
    gr_error err = {0};
    gr_experiment *e;
    gr_test_ok(gr_experiment_open(&e, gr_test_write("map.yaml", text, strlen(text)), NULL, registry, &err), &err);
    gr_recipe *recipe = recipe_of(e, (gr_experiment_base){.seed = 1});
    char *folder = realpath(gr_test_path("."), NULL), *corpus = gr_format("%s/corpus.txt", folder);
    assert_string_equal(recipe->data.source[0].path, corpus);
    assert_true(recipe->seed == 2);
    gr_free(corpus);
    free(folder);
    gr_recipe_free(recipe);
    gr_experiment_free(e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parents_stand_before_children),
        cmocka_unit_test(knobs_give_options_for_each_value),
        cmocka_unit_test(values_of_knobs_have_words),
        cmocka_unit_test(points_are_the_product_of_axes),
        cmocka_unit_test(presets_take_the_place_of_what_they_name),
        cmocka_unit_test(facts_and_names_select_arms),
        cmocka_unit_test(children_follow_their_parents),
        cmocka_unit_test(the_audit_runs_the_arms_of_today),
        cmocka_unit_test(four_others_are_read),
        cmocka_unit_test(models_measures_and_attacks_are_counted),
        cmocka_unit_test(recipes_are_made_in_this_order),
        cmocka_unit_test(stars_and_factors_change_what_there_is),
        cmocka_unit_test(the_caller_may_give_the_base),
        cmocka_unit_test(a_map_may_be_the_base),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
