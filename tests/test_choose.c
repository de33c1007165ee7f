/* Choosing settings: what an experiment says of it, the settings of its points, and what becomes of figures that were
 * worked out by hand. */
#include <math.h>
#include <stdlib.h>

#include "io/json.h"
#include "lab/experiment_read.h"
#include "report/lines.h"
#include "report/report_page.h"
#include "report/result_text.h"
#include "result_helpers.h"

static const char text[] =
    /*  1 */
    "experiment: e\n"
    /*  2 */ "base: {data: {text: c.txt, context: 32, tokenizer: {train: 300}}, labels: {a: {words: [oak]}},\n"
    /*  3 */ "  model: {arch: llama, layers: 1, width: 16, heads: 2, mlp: 32}, regions: {a: {mlp: {add: 8}}},\n"
    /*  4 */ "  preset: {name: residual, p_cr: 0.9}, train: {steps: 20, batch: 4}}\n"
    /*  5 */ "axes:\n"
    /*  6 */ "  size: {as_is: {}, half: {\"regions.*.*.add\": {times: 0.5, whole: true}}}\n"
    /*  7 */ "  p: {as_is: {}, p0: {preset.p_cr: 0}, p9: {preset.p_cr: 0.9}}\n"
    /*  8 */ "  rate: {as_is: {}, twice: {\"train.groups.*.lr\": {times: 2, optional: true}}}\n"
    /*  9 */ "arms:\n"
    /* 10 */ "  routed: {train: {}}\n"
    /* 11 */ "  routed_off: {from: routed, ablate: {regions: all}}\n"
    /* 12 */ "  plain: {train: {routes: none}}\n"
    /* 13 */ "  filtered: {train: {without: revealed}}\n"
    /* 14 */ "roles: {subject: routed, zero: plain, one: filtered}\n"
    /* 15 */ "groups: {forget: any_label, rare: {group: hidden, optional: true}, retain: retain}\n"
    /* 16 */ "measures: {loss: {of: [routed, routed_off, plain, filtered]}}\n"
    /* 17 */ "figures:\n"
    /* 18 */ "  - {key: gone, figure: removal_specific, of: routed_off}\n"
    /* 19 */ "  - {key: gone_rare, figure: removal_specific, of: routed_off, group: rare}\n"
    /* 20 */ "  - {key: tax, figure: tax_off, of: routed_off}\n"
    /* 21 */ "  - {key: tax_rare, figure: tax_off, of: routed_off, group: rare}\n"
    /* 22 */ "presets: {few: {}, many: {}}\n"
    /* 23 */ "choose: {most: [gone_rare, gone], at_most: {tax: 0.05, tax_rare: 1}, within: 0.01, ends: {p: [0, 1]},\n"
    /* 24 */ "  presets: [few, many]}\n";

/* The text with a piece of it replaced, which is there once. */
static char *altered(const char *from, const char *to) {
    const char *at = strstr(text, from);
    assert_non_null(at);
    assert_null(strstr(at + 1, from));
    return gr_format("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

/* ---- reading ---- */

static void wishes_are_read(void **state) {
    (void)state;
    gr_experiment *e = parsed(text);
    const gr_choosing *c = &e->choose;
    assert_true(c->mosts == 2 && c->most[0] == 1 && c->most[1] == 0 && c->bounds == 2 && c->within == 0.01);
    assert_true(c->bound[0].figure == 2 && c->bound[0].least && c->bound[0].limit == 0.05 && c->bound[1].figure == 3);
    assert_true(isinf(c->ends[0][0]) && isinf(c->ends[0][1]) && c->ends[1][0] == 0 && c->ends[1][1] == 1);
    assert_true(c->presets == 2 && !strcmp(c->preset[0], "few") && !strcmp(c->preset[1], "many"));
    gr_experiment_free(e);

    /* With a preset the others are gone, and their names stay. */
    e = parsed_with(text, "few");
    assert_int_equal(e->choose.presets, 2);
    gr_experiment_free(e);

    char *least = altered("at_most: {tax: 0.05, tax_rare: 1}", "at_least: {tax: -1}");
    e = parsed(least);
    assert_true(e->choose.bounds == 1 && !e->choose.bound[0].least && e->choose.bound[0].limit == -1);
    gr_experiment_free(e);
    gr_free(least);
}

static void slips_are_refused(void **state) {
    (void)state;
    static const char *const cases[][5] = {
        {"[gone_rare, gone]", "[gone_rare, gnoe]", "23:16", "no figure is called 'gnoe'", "'gone'"},
        {"[gone_rare, gone]", "[gone, gone]", "23:16", "figure gone is named twice", "once"},
        {"most: [gone_rare, gone], ", "", "23:9", "choose says of no figure that it should be as large",
         "most: FIGURE"},
        {"{tax: 0.05,", "{tacks: 0.05,", "23:45", "no figure is called 'tacks'", ""},
        {"{tax: 0.05,", "{gone: 0.05,", "23:45", "figure gone is named twice", "once"},
        {"{tax: 0.05,", "{tax: low,", "23:50", "tax is 'low'", ""},
        {"within: 0.01", "within: -1", "", "within is '-1'", ""},
        {"{p: [0, 1]}", "{q: [0, 1]}", "", "no axis is called 'q'", ""},
        {"{p: [0, 1]}", "{p: [0]}", "", "the ends of p are 1 numbers, expected two", "[LOW, HIGH]"},
        {"{p: [0, 1]}", "{p: [1, 0]}", "", "'0'", ""},
        {"[few, many]", "[few, mayn]", "24:12", "no preset is called 'mayn'", "'many'"},
        {"within: 0.01", "wihtin: 0.01", "", "unknown key 'wihtin' in choose", "'within'"},
        {"routed: {train: {}}", "routed: {train: {set: {train.lr: {knob: [1, 2]}}}}", "23:16",
         "figure gone_rare is of arm routed_off, which has a knob", "values of axes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *slip = altered(cases[i][0], cases[i][1]), line[1400];
        gr_error err = {0};
        gr_experiment *e;
        if (gr_experiment_parse(&e, slip, strlen(slip), "e.yaml", NULL, registry, &err) == GR_OK)
            fail_msg("'%s' was accepted", cases[i][1]);
        gr_error_text(&err, line, sizeof line);
        if (err.status != GR_ERR_USAGE || !strstr(err.place, cases[i][2]) || !strstr(err.message, cases[i][3]) ||
            !strstr(err.hint, cases[i][4]))
            fail_msg("case %zu: %s", i, line);
        gr_free(slip);
    }

    /* Without an axis there is one setting. */
    static const char lone[] = "experiment: e\narms: {a: {train: {}}}\nchoose: {most: x}\n";
    gr_error err = {0};
    gr_experiment *e;
    assert_int_equal(gr_experiment_parse(&e, lone, strlen(lone), "e.yaml", NULL, registry, &err), GR_ERR_USAGE);
    gr_test_error(&err, "e.yaml:3:9", "there is nothing to choose");
}

/* ---- settings ---- */

static json_t *said_at(const gr_experiment *e, int point) {
    gr_error err = {0};
    gr_recipe *recipe;
    json_t *said;
    gr_test_ok(gr_experiment_recipe(&recipe, e, &(gr_experiment_base){.point = point}, &err), &err);
    gr_test_ok(gr__experiment_said(&said, e, recipe, &err), &err);
    gr_recipe_free(recipe);
    return said;
}

/* Keys and values of the recipe, as they come out of what axes do to it; sections of these keys alone. */
static void settings_are_in_words_of_the_recipe(void **state) {
    (void)state;
    gr_experiment *e = parsed(text);
    json_t *said = said_at(e, 8); /* half, p0, as_is */
    char *values = gr_json_line(json_object_get(said, "values"), false),
         *places = gr_json_line(json_object_get(said, "places"), false);
    assert_string_equal(values, "{\"size\":{\"regions.a.mlp.add\":\"4\"},\"p\":{\"preset.p_cr\":\"0\"},\"rate\":{}}");
    assert_non_null(strstr(places, "\"rate\":null"));
    assert_true(number(json_object_get(said, "places"), "size") == 4 &&
                number(json_object_get(said, "places"), "p") == 0);
    assert_string_equal(json_string_value(json_object_get(said, "recipe")),
                        "regions:\n  a:\n    mlp:\n      add: 4\npreset:\n  name: residual\n  p_cr: 0\n");
    gr_free(values);
    gr_free(places);
    json_decref(said);
    gr_experiment_free(e);
}

/* An axis has an order by the sum of what it sets: of one key alone two values may be rounded to one number. */
static void values_stand_in_the_order_of_all_keys(void **state) {
    (void)state;
    char *two = altered("{a: {mlp: {add: 8}}}", "{a: {residual: {add: 4}, mlp: {add: 8}}}");
    gr_experiment *e = parsed(two);
    json_t *said = said_at(e, 6), *places = json_object_get(said, "places");
    assert_true(number(places, "size") == 2 + 4 && fabs(number(places, "p") - 0.9) < 1e-12);
    json_decref(said);
    gr_experiment_free(e);
    gr_free(two);
}

/* A list or a map as --set takes it: what was said of it, and where nothing was the default. */
static void lists_and_maps_are_one_line(void **state) {
    (void)state;
    static const char *const want[] = {
        "{\"labels.a.words\":\"[oak]\",\"train.betas\":\"[0.9, 0.95]\",\"preset\":\"{name: residual, p_cr: 0.9}\"}",
        "{\"labels.a.words\":\"[elm, oak's]\",\"train.betas\":\"[0.9, 0.95]\",\"preset\":\"{name: residual, p_cr: "
        "0.9}\"}",
        "{\"labels.a.words\":\"[oak]\",\"train.betas\":\"[0.8, 0.9]\",\"preset\":\"{name: residual, p_cr: 0}\"}",
    };
    char *lists =
        altered("{as_is: {}, p0: {preset.p_cr: 0}, p9: {preset.p_cr: 0.9}}",
                "{as_is: {}, p0: {labels.a.words: [elm, oak's]}, p9: {train.betas: [0.8, 0.9], preset: {name: "
                "residual, p_cr: 0}}}");
    gr_experiment *e = parsed(lists);
    for (int p = 0; p < 3; p++) {
        json_t *said = said_at(e, 2 * p); /* as_is, and of the second axis the value of this number */
        char *values = gr_json_line(json_object_get(json_object_get(said, "values"), "p"), false);
        assert_string_equal(values, want[p]);
        assert_true(json_is_null(json_object_get(json_object_get(said, "places"), "p")));
        gr_free(values);
        json_decref(said);
    }
    gr_experiment_free(e);
    gr_free(lists);
}

/* ---- the choice ---- */

/* Four documents of ten tokens with this mean loss. */
static void add_loss(gr_ledger *rows, const char *group, double mean) {
    gr_ledger_begin(rows, "loss");
    gr_ledger_text(rows, "group", group);
    gr_ledger_number(rows, "nll", 40 * mean);
    gr_ledger_count(rows, "tokens", 40);
    gr_ledger_text(rows, "unit", "document");
    gr_ledger_numbers(rows, "units", (const double[]){10 * mean, 10 * mean, 10 * mean, 10 * mean}, 4);
    gr_ledger_counts(rows, "sizes", (const int64_t[]){10, 10, 10, 10}, 4);
    gr_ledger_text(rows, "list", group);
}

/* What the region off has at each of the settings that differ, on forget and retain text: plain has 3 and 3, filtered 5
 * and 3, so that removal is ((forget - 3) - (retain - 3)) / 2, and the tax retain - 3. */
typedef struct off {
    double forget, retain;
} off;

enum { POINTS = 12, ROWS = 4 * POINTS };

/* The result of losses at (as_is, p = .9), (as_is, 0), (half, .9), (half, 0). */
static json_t *chosen(gr_experiment *e, const off *losses) {
    static const int which[POINTS] = {0, 0, 1, 1, 0, 0, 2, 2, 3, 3, 2, 2}; /* p9 is what the recipe says */
    gr__result_rows rows[ROWS];
    json_t *said[POINTS], *result;
    bool runs[ROWS];
    gr_error err = {0};
    for (int p = 0; p < POINTS; p++) {
        const off o = losses[which[p]];
        const double mean[4][2] = {{3, 3}, {o.forget, o.retain}, {3, 3}, {5, 3}};
        said[p] = said_at(e, p);
        for (int a = 0; a < 4; a++) {
            gr_ledger *own = gr_ledger_new();
            add_loss(own, "forget", mean[a][0]);
            add_loss(own, "retain", mean[a][1]);
            rows[4 * p + a] = (gr__result_rows){.arm = a, .point = p, .rows = own};
            runs[4 * p + a] = true;
        }
    }

    gr__result_def def = {.experiment = e,
                          .registry = registry,
                          .runs = runs,
                          .folder = "runs/it",
                          .said = said,
                          .seeds = 1,
                          .first_seed = 1,
                          .split_seed = split_seeds,
                          .least = -INFINITY,
                          .rows = rows,
                          .count = ROWS};
    gr_test_ok(gr__result_make(&result, &def, &err), &err);
    for (int i = 0; i < ROWS; i++)
        gr_ledger_free((gr_ledger *)rows[i].rows);
    for (int p = 0; p < POINTS; p++)
        json_decref(said[p]);
    return result;
}

/* A path of a choice as compact JSON, and what that should be. */
static void is_json(const json_t *object, const char *key, const char *expected) {
    char *have = gr_json_line(json_object_get(object, key), false);
    assert_string_equal(have, expected);
    gr_free(have);
}

/* Twelve points are four settings: the rate has nothing to change, and p9 is what the recipe says. Nothing is hidden,
 * so it is removal that counts, and taxes of what is hidden are no bound. */
static void points_of_one_setting_are_one_trial(void **state) {
    (void)state;
    static const off losses[] = {{4, 3}, {4.64, 3.04}, {4.2, 3}, {5.4, 3.4}};
    gr_experiment *e = parsed(text);
    json_t *result = chosen(e, losses), *choice = json_object_get(result, "choice");
    assert_true(number(choice, "points") == 12 && number(choice, "trials") == 4 && number(choice, "refused") == 0);
    is_json(choice, "idle", "[\"rate\"]");
    const json_t *goals = json_object_get(choice, "goals");
    assert_int_equal(json_array_size(goals), 2);
    is_json(json_array_get(goals, 0), "key", "\"gone\"");
    is_json(json_array_get(goals, 0), "most", "true");
    near(json_array_get(goals, 1), "at_most", 0.05);

    /* Removal .5, .8, .6, 1; taxes 0, .04, 0, .4: the first is beaten by the third, the last is out of bounds. */
    const json_t *frontier = json_object_get(choice, "frontier");
    assert_int_equal(json_array_size(frontier), 3);
    static const double removal[] = {1, 0.8, 0.6};
    static const char *const axes[] = {"{\"size\":\"half\",\"p\":\"p0\",\"rate\":\"as_is\"}",
                                       "{\"size\":\"as_is\",\"p\":\"p0\",\"rate\":\"as_is\"}",
                                       "{\"size\":\"half\",\"p\":\"as_is\",\"rate\":\"as_is\"}"};
    for (int i = 0; i < 3; i++) {
        const json_t *one = json_array_get(frontier, (size_t)i);
        near(json_object_get(one, "figures"), "gone", removal[i]);
        is_json(one, "axes", axes[i]);
        is_json(one, "chosen", i == 1 ? "true" : "false");
        is_json(one, "fits", i == 0 ? "false" : "true");
    }

    /* The second, in words of the recipe: one change, at the large end of sizes; a chance of 0 is no edge. */
    const json_t *it = json_object_get(choice, "chosen");
    assert_true(number(it, "changes") == 1);
    is_json(it, "set", "[\"regions.a.mlp.add=8\",\"preset.p_cr=0\"]");
    is_json(it, "recipe", "\"regions:\\n  a:\\n    mlp:\\n      add: 8\\npreset:\\n  name: residual\\n  p_cr: 0\\n\"");
    is_json(choice, "edges", "[{\"axis\":\"size\",\"end\":\"high\",\"settings\":{\"regions.a.mlp.add\":\"8\"}}]");
    assert_null(json_object_get(choice, "nearest"));
    json_decref(result);
    gr_experiment_free(e);
}

/* Whichever of its points comes first, a setting is called by the one that changes least of the recipe. */
static void settings_are_called_by_what_changes_least(void **state) {
    (void)state;
    char *turned = altered("p: {as_is: {}, p0: {preset.p_cr: 0}, p9: {preset.p_cr: 0.9}}",
                           "p: {p9: {preset.p_cr: 0.9}, p0: {preset.p_cr: 0}, as_is: {}}");
    gr_experiment *e = parsed(turned);
    json_t *result = chosen(e, (const off[]){{4.6, 3}, {4, 3}, {4.3, 3}, {4.4, 3}}),
           *it = json_object_get(json_object_get(result, "choice"), "chosen");
    is_json(it, "axes", "{\"size\":\"as_is\",\"p\":\"as_is\",\"rate\":\"as_is\"}");
    is_json(it, "changes", "0");
    json_decref(result);
    gr_experiment_free(e);
    gr_free(turned);
}

/* ---- as text ---- */

/* All of a text in one line, with single blanks. */
static char *printed(const json_t *result) {
    char *whole = NULL;
    size_t length = 0, n = 0;
    FILE *out = open_memstream(&whole, &length);
    gr__print_choice(out, result);
    fclose(out);
    for (size_t i = 0; i < length; i++)
        if (!strchr(" \n", whole[i]) || (n > 0 && whole[n - 1] != ' '))
            whole[n++] = whole[i] == '\n' ? ' ' : whole[i];
    whole[n] = 0;
    return whole;
}

/* The same where one axis sets a map: its values are told apart by what is in it. */
static void maps_that_differ_are_several_settings(void **state) {
    (void)state;
    static const off losses[] = {{4, 3}, {4.64, 3.04}, {4.2, 3}, {5.4, 3.4}};
    char *map =
        altered("{as_is: {}, p0: {preset.p_cr: 0}, p9: {preset.p_cr: 0.9}}",
                "{as_is: {}, p0: {preset: {name: residual, p_cr: 0}}, p9: {preset: {name: residual, p_cr: 0.9}}}");
    gr_experiment *e = parsed(map);
    json_t *result = chosen(e, losses), *choice = json_object_get(result, "choice");
    const json_t *it = json_object_get(choice, "chosen");
    assert_true(number(choice, "trials") == 4);
    is_json(choice, "idle", "[\"rate\"]");
    is_json(it, "set", "[\"regions.a.mlp.add=8\",\"preset={name: residual, p_cr: 0}\"]");
    is_json(it, "recipe", "\"regions:\\n  a:\\n    mlp:\\n      add: 8\\npreset:\\n  name: residual\\n  p_cr: 0\\n\"");
    char *whole = printed(result);
    assert_non_null(strstr(whole, "--set regions.a.mlp.add=8 \\ --set 'preset={name: residual, p_cr: 0}' "));
    free(whole);
    json_decref(result);
    gr_experiment_free(e);
    gr_free(map);
}

static void says(const off *losses, const char *experiment, const char *const *sentences) {
    gr_experiment *e = parsed(experiment);
    json_t *result = chosen(e, losses);
    char *whole = printed(result);
    for (; *sentences; sentences++)
        if (!strstr(whole, *sentences))
            fail_msg("'%s' is not in: %s", *sentences, whole);
    free(whole);
    json_decref(result);
    gr_experiment_free(e);
}

static void a_choice_is_told(void **state) {
    (void)state;
    says((const off[]){{4, 3}, {4.64, 3.04}, {4.2, 3}, {5.4, 3.4}}, text,
         (const char *const[]){
             "4 settings were tried. 3 are on the frontier", "Wanted: the most gone, tax at most 0.05.",
             "size p rate gone tax half p0 as_is 1.000 0.400 out of bounds as_is p0 as_is 0.800 0.040 chosen half "
             "as_is as_is 0.600 0.000 ",
             "Chosen: size as_is, p p0, rate as_is.", "--set regions.a.mlp.add=8 \\ --set preset.p_cr=0 ",
             "in the place of these sections: regions: a: mlp: add: 8 preset: name: residual p_cr: 0",
             "size is at the edge of what was tried (regions.a.mlp.add=8): there may be better above it.",
             "rate changes nothing of this recipe", NULL});

    /* Hardly better is no reason for a change. */
    says((const off[]){{4.6, 3}, {4.61, 3}, {4.3, 3}, {4.4, 3}}, text,
         (const char *const[]){"1 is on the frontier",
                               "Chosen: the recipe as it is. No setting within the bounds is more than 0.01 better.",
                               NULL});
}

/* What a shell would read otherwise stands in quotes, which it takes for one word. */
static void words_are_for_a_shell(void **state) {
    (void)state;
    static const char *const words[][2] = {{"a.b=0.5", "a.b=0.5"},
                                           {"", "''"},
                                           {"a=[b, c]", "'a=[b, c]'"},
                                           {"a=it's $HOME", "'a=it'\\''s $HOME'"},
                                           {"a=\\n", "'a=\\n'"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char *word = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&word, &length);
        gr__print_word(out, words[i][0]);
        fclose(out);
        assert_string_equal(word, words[i][1]);
        free(word);
    }
}

/* A frontier of two settings, the second out of bounds: values of axes and keys of goals as they are handed over. */
static json_t *frontier_of(const char *first, const char *second, const char *const *goals) {
    json_t *choice = json_pack("{s:[], s:[{s:o, s:{}, s:b, s:b}, {s:o, s:{}, s:b, s:b}]}", "goals", "frontier", "axes",
                               json_loads(first, 0, NULL), "figures", "chosen", 1, "fits", 1, "axes",
                               json_loads(second, 0, NULL), "figures", "chosen", 0, "fits", 0);
    for (; *goals; goals++) {
        json_t *one;
        size_t i;
        json_array_append_new(json_object_get(choice, "goals"), json_pack("{s:s}", "key", *goals));
        json_array_foreach(json_object_get(choice, "frontier"), i, one)
            json_object_set_new(json_object_get(one, "figures"), *goals, json_real(i ? 0.5 : -1.25));
    }
    return choice;
}

static void frontier_is(const char *first, const char *second, const char *const *goals, const char *expected) {
    json_t *choice = frontier_of(first, second, goals);
    char *lines = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&lines, &length);
    gr__print_frontier(out, choice);
    fclose(out);
    assert_string_equal(lines, expected);
    for (const char *line = lines; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") < 80);
    free(lines);
    json_decref(choice);
}

/* Axes and figures in columns of what they take. Nothing is wider than a terminal, and nothing is left out for it. */
static void a_frontier_fits_a_terminal(void **state) {
    (void)state;
    static const char *const four[] = {"removal_hidden", "tax_off", "tax_on", "retention", NULL};
    frontier_is("{\"size\": \"as_is\", \"p\": \"p0\"}", "{\"size\": \"quarter\", \"p\": \"p75\"}", four,
                "\n  Settings that no other beats\n"
                "  size     p     removal_hidden  tax_off   tax_on retention\n"
                "  as_is    p0            -1.250   -1.250   -1.250    -1.250  chosen\n"
                "  quarter  p75            0.500    0.500    0.500     0.500  out of bounds\n");

    /* A note that does not fit stands below; columns that do not fit stand below each other. */
    frontier_is("{\"size\": \"as_is\", \"p_cr\": \"p0\", \"rate\": \"as_is\"}",
                "{\"size\": \"quarter\", \"p_cr\": \"p75\", \"rate\": \"fourfold\"}", four,
                "\n  Settings that no other beats\n"
                "  size     p_cr  rate       removal_hidden  tax_off   tax_on retention\n"
                "  as_is    p0    as_is              -1.250   -1.250   -1.250    -1.250  chosen\n"
                "  quarter  p75   fourfold            0.500    0.500    0.500     0.500\n"
                "                                                         out of bounds\n");
    frontier_is("{\"size_of_all_regions\": \"as_it_is\", \"another_axis\": \"q\"}",
                "{\"size_of_all_regions\": \"half\", \"another_axis\": \"r\"}", four,
                "\n  Settings that no other beats\n"
                "  size_of_all_regions  another_axis   removal_hidden  tax_off   tax_on\n"
                "  as_it_is             q                      -1.250   -1.250   -1.250  chosen\n"
                "  half                 r                       0.500    0.500    0.500\n"
                "                                                         out of bounds\n"
                "  size_of_all_regions  another_axis   retention\n"
                "  as_it_is             q                 -1.250  chosen\n"
                "  half                 r                  0.500  out of bounds\n");

    /* Titles that leave no room for a figure stand above them. */
    frontier_is(
        "{\"first\": \"a_value_with_a_name_of_its_own_of_forty_letters\", \"second\": \"and_another_of_as_many\"}",
        "{\"first\": \"b\", \"second\": \"c\"}", (const char *const[]){"gone", NULL},
        "\n  Settings that no other beats\n"
        "  setting     gone\n"
        "  first a_value_with_a_name_of_its_own_of_forty_letters, second\n"
        "    and_another_of_as_many\n"
        "            -1.250  chosen\n"
        "  first b, second c\n"
        "             0.500  out of bounds\n");
}

static void why_there_is_none_is_told(void **state) {
    (void)state;
    says((const off[]){{4, 3.5}, {4.64, 3.2}, {4.2, 3.07}, {5.4, 3.4}}, text,
         (const char *const[]){
             "None is chosen: no setting keeps within all bounds. The nearest is size half, p as_is, rate as_is: gone "
             "0.565, tax 0.070.",
             "p is at the edge of what was tried (preset.p_cr=0.9): there may be better above it.",
             "size is at the edge of what was tried (regions.a.mlp.add=4): there may be better below it.", NULL});
    says((const off[]){{NAN, NAN}, {NAN, NAN}, {NAN, NAN}, {NAN, NAN}}, text,
         (const char *const[]){"4 settings were tried. 4 have a figure that was refused. Wanted:",
                               "None is chosen: a figure of every setting was refused.", NULL});

    /* On topics to develop on the reader is told what the figures are not. */
    char *developed = altered("experiment: e\n", "experiment: e\ndevelopment: true\n"),
         *other = strstr(developed, "labels: {a: {words: [oak]}}");
    char *with = gr_format("%.*slabels: {a: {is: [oak]}}, development: {labels: {a: {is: [elm]}}}%s",
                           (int)(other - developed), developed, other + strlen("labels: {a: {words: [oak]}}"));
    says((const off[]){{4.6, 3}, {4.61, 3}, {4.3, 3}, {4.4, 3}}, with,
         (const char *const[]){"4 settings were tried on topics to develop on.", "and flatter it", "gradroute audit",
                               NULL});
    gr_free(with);
    gr_free(developed);
}

/* On a page the same stands as elements: a table, sections to be pasted, and text that stays text. */
static void a_report_has_it(void **state) {
    (void)state;
    gr_experiment *e = parsed(text);
    json_t *result = chosen(e, (const off[]){{4, 3}, {4.64, 3.04}, {4.2, 3}, {5.4, 3.4}});
    json_object_set_new(json_object_get(json_object_get(result, "choice"), "chosen"), "recipe", json_string("a: <b>"));
    gr__page page = {.charts = json_array()};
    gr__put_choice(&page, result);
    static const char *const parts[] = {"<h3>Settings</h3>",
                                        "4 settings were tried",
                                        "size half, p p0, rate as_is",
                                        "<small>chosen</small>",
                                        "0.800",
                                        "Chosen: size as_is, p p0",
                                        "<pre>a: &lt;b&gt;</pre>",
                                        "size is at the edge",
                                        "rate changes nothing"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(page.text, parts[i]))
            fail_msg("'%s' is not in: %s", parts[i], page.text);
    gr__page_free(&page);

    /* What tables go by must be there. */
    json_t *edge = json_array_get(json_object_get(json_object_get(result, "choice"), "edges"), 0);
    assert_true(gr__report_fits(result));
    json_object_del(edge, "end");
    assert_false(gr__report_fits(result));
    json_decref(result);
    gr_experiment_free(e);

    page = (gr__page){0};
    result = json_object();
    gr__put_choice(&page, result);
    assert_null(page.text);
    json_decref(result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wishes_are_read),
        cmocka_unit_test(slips_are_refused),
        cmocka_unit_test(settings_are_in_words_of_the_recipe),
        cmocka_unit_test(values_stand_in_the_order_of_all_keys),
        cmocka_unit_test(lists_and_maps_are_one_line),
        cmocka_unit_test(points_of_one_setting_are_one_trial),
        cmocka_unit_test(settings_are_called_by_what_changes_least),
        cmocka_unit_test(maps_that_differ_are_several_settings),
        cmocka_unit_test(a_choice_is_told),
        cmocka_unit_test(words_are_for_a_shell),
        cmocka_unit_test(a_frontier_fits_a_terminal),
        cmocka_unit_test(why_there_is_none_is_told),
        cmocka_unit_test(a_report_has_it),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
