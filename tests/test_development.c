/* Topics to develop on: what recipes say of them, and an experiment in which they stand for those that are reported. */
#include <math.h>
#include <stdlib.h>

#include "experiment_helpers.h"
#include "gradroute/task.h"
#include "io/yaml.h"
#include "recipe/graft.h"

static const char recipe_text[] =
    "data: {jsonl: corpus.jsonl, context: 32, tokenizer: {train: 300}}\n"
    "labels:\n"
    "  biology: {is: [animal, plant], hidden: [plant], known: 0.5}\n"
    "  kitchen: {is: food}\n"
    "  both: {all_of: [biology, kitchen]}\n"
    "adjacent: [body]\n"
    "model: {arch: llama, layers: 1, width: 16, heads: 2, mlp: 32}\n"
    "regions: {biology: {mlp: {add: 8}}, kitchen: {mlp: {add: 4}}, both: {mlp: {add: 2}}}\n"
    "preset: {name: residual, p_cr: 0.5}\n"
    "train: {steps: 4, batch: 4}\n"
    "development:\n"
    "  labels: {biology: {is: [tool, act], hidden: [act]}, kitchen: {is: [time]}}\n";

/* The text with the first `was` replaced. */
static char *altered(const char *was, const char *now) {
    const char *at = strstr(recipe_text, was);
    assert_non_null(at);
    return gr_format("%.*s%s%s", (int)(at - recipe_text), recipe_text, now, at + strlen(was));
}

static gr_recipe *read_text(const char *text) {
    gr_error err = {0};
    gr_recipe *recipe;
    gr_test_ok(gr_recipe_parse(&recipe, text, strlen(text), "r.yaml", NULL, 0, &err), &err);
    return recipe;
}

/* ---- the section ---- */

static void topics_are_read_for_each_label(void **state) {
    (void)state;
    gr_recipe *r = read_text(recipe_text);
    assert_int_equal(r->developments, 2);
    const gr_development *d = r->development;
    assert_true(d[0].topics == 2 && d[0].hiddens == 1 && d[1].topics == 1 && d[1].hiddens == 0);
    assert_string_equal(d[0].label, "biology");
    assert_string_equal(d[1].label, "kitchen");
    assert_string_equal(d[0].is[1], "act");
    assert_string_equal(d[0].hidden[0], "act");
    assert_string_equal(d[1].is[0], "time");

    /* Nothing else is another because of it. */
    assert_true(r->labels == 3 && r->label[0].from[0].count == 2 && r->adjacents == 1);
    gr_recipe_free(r);
    char *without =
        altered("development:\n  labels: {biology: {is: [tool, act], hidden: [act]}, kitchen: {is: [time]}}\n", "");
    r = read_text(without);
    assert_int_equal(r->developments, 0);
    gr_recipe_free(r);
    gr_free(without);
}

/* A slip: what takes the place of a piece of the text, where the error is, what it says. */
typedef struct slip {
    const char *from, *to, *place, *words, *hint;
} slip;

static void assert_refused(const slip *s, gr_status status, const gr_error *err) {
    char line[1400];
    if (status == GR_OK)
        fail_msg("'%s' was accepted", s->to);
    gr_error_text(err, line, sizeof line);
    if (status != GR_ERR_USAGE || !strstr(err->place, s->place) || !strstr(err->message, s->words) ||
        !strstr(err->hint, s->hint))
        fail_msg("%s: %s", s->to, line);
}

/* What is wrong whatever the labels are. */
static void slips_are_refused_with_their_place(void **state) {
    (void)state;
    static const slip cases[] = {
        {"is: [tool, act]", "is: [tool, tool]", "12:21", "topic 'tool' is named twice in development", "once"},
        {"is: [time]", "is: [act]", "12:64", "topic 'act' is named twice in development", "once"},
        {"kitchen: {is: [time]}", "kitchen: {}", "12:64", "development names no topic for label 'kitchen'",
         "is: [TOPIC"},
        {", hidden: [act]}", ", hidden: [time]}", "12:21", "topic 'time' is hidden, and not of label 'biology'", ""},
        {"kitchen: {is: [time]}", "kitchen: {iz: [time]}", "", "", "is"},
        {"  labels: {biology", "  label: {biology", "", "", "labels"},
        {"labels: {biology: {is: [tool, act], hidden: [act]}, kitchen: {is: [time]}}", "labels: {}", "12:3",
         "development names no labels", "{is: [TOPIC, ..]}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = altered(cases[i].from, cases[i].to);
        gr_error err = {0};
        gr_recipe *recipe;
        assert_refused(&cases[i], gr_recipe_parse(&recipe, text, strlen(text), "r.yaml", NULL, 0, &err), &err);
        assert_null(recipe);
        gr_free(text);
    }
}

/* ---- in an experiment ---- */

static const char experiment_text[] =
    "experiment: e\nbase: base.yaml\ndevelopment: true\nset: {train.batch: 2}\n"
    "arms: {a: {train: {}}}\naxes: {x: {y: {}, z: {labels.biology.known: 0.25}}}\n"
    "groups: {forget: any_label, h: {group: hidden, optional: true}, retain: retain}\n";

static gr_recipe *recipe_at(const gr_experiment *e, int point, const char *base) {
    gr_error err = {0};
    gr_recipe *recipe;
    gr_test_ok(gr_experiment_recipe(&recipe, e, &(gr_experiment_base){.file = base, .point = point}, &err), &err);
    return recipe;
}

static void they_stand_for_what_is_reported(void **state) {
    (void)state;
    const char *base = gr_test_write("base.yaml", recipe_text, strlen(recipe_text));
    gr_experiment *e = parsed(experiment_text);
    assert_true(e->development && e->group[0].chosen_on && !e->group[1].chosen_on && e->group[2].chosen_on);
    gr_recipe *r = recipe_at(e, 1, base);

    /* The labels have other topics, and all else that was said of them. */
    assert_int_equal(r->labels, 3);
    assert_true(r->label[0].from[0].count == 2 && r->label[0].known == 0.25 && r->label[0].hidden_count == 1);
    assert_string_equal(r->label[0].from[0].texts[0], "tool");
    assert_string_equal(r->label[0].hidden[0], "act");
    assert_string_equal(r->label[1].from[0].texts[0], "time");

    /* What is reported is adjacent: of no label, and not of the rest. */
    static const char *const adjacent[] = {"body", "animal", "plant", "food"};
    assert_int_equal(r->adjacents, 4);
    for (int i = 0; i < 4; i++)
        assert_string_equal(r->adjacent[i], adjacent[i]);
    assert_int_equal(r->developments, 0);

    /* Said anew it is the same. */
    gr_yaml *said = gr__recipe_said(r);
    gr_recipe *again;
    gr_error err = {0};
    gr_test_ok(gr__recipe_of(&again, said, base, &err), &err);
    assert_true(again->adjacents == 4 && again->label[1].from[0].count == 1);
    gr_recipe_free(again);
    gr_recipe_free(r);
    gr_experiment_free(e);
}

/* A preset of an experiment may develop where the others report. */
static void a_preset_may_say_so(void **state) {
    (void)state;
    static const char text[] =
        "experiment: e\narms: {a: {train: {}}}\npresets: {quick: {development: true}, full: {}}\n";
    gr_error err = {0};
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"quick", "full", NULL};
        gr_experiment *e;
        gr_test_ok(gr_experiment_parse(&e, text, strlen(text), "e.yaml", names[i], registry, &err), &err);
        assert_int_equal(e->development, i == 0);
        gr_experiment_free(e);
    }
    gr_experiment *e;
    static const char wrong[] = "experiment: e\narms: {a: {train: {}}}\npresets: {quick: {development: maybe}}\n";
    assert_int_equal(gr_experiment_parse(&e, wrong, strlen(wrong), "e.yaml", NULL, registry, &err), GR_ERR_USAGE);
    gr_test_error(&err, "e.yaml:3:32", "development is 'maybe'");
}

static void a_recipe_without_them_is_refused(void **state) {
    (void)state;
    char *text =
        altered("development:\n  labels: {biology: {is: [tool, act], hidden: [act]}, kitchen: {is: [time]}}\n", "");
    const char *base = gr_test_write("none.yaml", text, strlen(text));
    gr_experiment *e = parsed(experiment_text);
    gr_recipe *recipe = (gr_recipe *)e;
    gr_error err = {0};
    assert_int_equal(gr_experiment_recipe(&recipe, e, &(gr_experiment_base){.file = base}, &err), GR_ERR_USAGE);
    assert_null(recipe);
    gr_test_error(&err, base, "the recipe names no topics to develop on");
    gr_experiment_free(e);
    gr_free(text);
}

/* Whether topics fit the labels is a matter of the point, for experiments change these: it is asked where topics are
 * put in their place, and nowhere else. */
static void what_does_not_fit_the_labels_is_refused_where_it_is_taken(void **state) {
    (void)state;
    static const slip cases[] = {
        {"is: [tool, act]", "is: [tool, act, plant]", "12:21",
         "topic 'plant' is to develop on, and reported: it is of label 'biology'", "other topics"},
        {"is: [time]", "is: [animal]", "12:64",
         "topic 'animal' is to develop on, and reported: it is of label 'biology'", ""},
        {"is: [time]", "is: [body]", "12:64", "topic 'body' is to develop on, and adjacent", "once"},
        {", kitchen: {is: [time]}", "", "12:11", "development leaves out label 'kitchen'", "NAME: {is: [TOPIC, ..]}"},
        {"kitchen: {is: [time]}}", "kitchn: {is: [time]}}", "12:63", "no label is called 'kitchn'", "'kitchen'"},
        {"kitchen: {is: [time]}}", "both: {is: [time]}}", "12:61", "label 'both' is not made by topics", "`is`"},
        {"kitchen: {is: [time]}", "kitchen: {is: [time], hidden: [time]}", "12:64", "label 'kitchen' hides no topics",
         "out"},
        {", hidden: [act]}", "}", "12:21", "label 'biology' hides topics, and development says none", "hidden: [TOPIC"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = altered(cases[i].from, cases[i].to);
        gr_recipe_free(read_text(text));
        const char *base = gr_test_write("slip.yaml", text, strlen(text));
        gr_experiment *e = parsed(experiment_text);
        gr_recipe *recipe;
        gr_error err = {0};
        assert_refused(&cases[i], gr_experiment_recipe(&recipe, e, &(gr_experiment_base){.file = base}, &err), &err);
        assert_non_null(strstr(err.place, base));
        assert_null(recipe);
        gr_experiment_free(e);
        gr_free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_are_read_for_each_label),
        cmocka_unit_test(slips_are_refused_with_their_place),
        cmocka_unit_test(they_stand_for_what_is_reported),
        cmocka_unit_test(a_preset_may_say_so),
        cmocka_unit_test(a_recipe_without_them_is_refused),
        cmocka_unit_test(what_does_not_fit_the_labels_is_refused_where_it_is_taken),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
