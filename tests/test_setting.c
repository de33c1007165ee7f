/* Options by table: every kind is read, checked with its place, defaulted, and left out of keys where it is the
 * default. */
#include "gradroute/setting.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/digest.h"
#include "io/yaml.h"
#include "support.h"

static const char *const words[] = {"removed", "off", "whole", NULL};
static const char *const two_texts[] = {"a", "b"};
static const double two_rates[] = {0.0003, 0.001};
static const gr_setting spread_options[] = {
    {.key = "weight", .kind = GR_SETTING_REAL, .initial = {.number = 0.5}, .min = 0, .max = 1}, {0}};
static const gr_choice given = {.name = "as_given"}, permuted = {.name = "permuted"},
                       spread = {.name = "spread", .option = spread_options};
static const gr_choice *const views[] = {&given, &permuted, &spread, NULL};
static const gr_setting table[] = {
    {.key = "watch", .kind = GR_SETTING_BOOL, .initial = {.number = 1}},
    {.key = "steps", .kind = GR_SETTING_INT, .initial = {.number = 30}, .min = 1, .max = 1000},
    {.key = "tokens", .kind = GR_SETTING_COUNT, .initial = {.number = 24}, .min = 1, .max = 1e9},
    {.key = "scale", .kind = GR_SETTING_REAL, .initial = {.number = 6.5}, .min = DBL_MIN, .max = 100},
    {.key = "start", .kind = GR_SETTING_WORD, .word = words},
    {.key = "parts", .kind = GR_SETTING_WORD, .word = words, .list = true},
    {.key = "title", .kind = GR_SETTING_TEXT},
    {.key = "prompts", .kind = GR_SETTING_TEXTS, .initial = {.texts = two_texts, .count = 2}},
    {.key = "documents", .kind = GR_SETTING_COUNTS, .max = 1e6, .each = true},
    {.key = "lr", .kind = GR_SETTING_REALS, .initial = {.numbers = two_rates, .count = 2}, .min = DBL_MIN, .max = 100},
    {.key = "words", .kind = GR_SETTING_FILE},
    {.key = "labels", .kind = GR_SETTING_CHOICE, .choice = views},
    {.key = "set", .kind = GR_SETTING_SETS},
    {.key = "threads", .kind = GR_SETTING_INT, .max = 64, .free = true},
    {0}};

/* Reads a map written as YAML; the tree is freed, so nothing of the values may be left in it. */
static gr_settings *read_with(const gr_settings *preset, const char *yaml) {
    gr_error err = {0};
    gr_yaml *root;
    gr_settings *settings;
    gr_test_ok(gr_yaml_parse(&root, yaml, strlen(yaml), "options.yaml", &err), &err);
    gr_test_ok(gr_settings_read(&settings, table, preset, root, &err), &err);
    gr_yaml_free(root);
    return settings;
}

static const gr_setting_value *get(const gr_settings *s, const char *key) { return gr_settings_get(s, key); }

static char *key_of(const gr_settings *s) {
    char *text;
    gr_error err = {0};
    gr_test_ok(gr_settings_key(&text, s, &err), &err);
    return text;
}

static void assert_key(const char *yaml, const char *expected) {
    gr_settings *s = read_with(NULL, yaml);
    char *text = key_of(s);
    assert_string_equal(text, expected);
    gr_free(text);
    gr_settings_free(s);
}

/* ---- reading ---- */

static void what_is_not_said_is_the_default(void **state) {
    (void)state;
    gr_settings *s;
    gr_error err = {0};
    gr_test_ok(gr_settings_read(&s, table, NULL, NULL, &err), &err);
    assert_true(get(s, "watch")->number == 1 && get(s, "steps")->number == 30 && get(s, "scale")->number == 6.5);
    assert_string_equal(get(s, "start")->text, "removed");
    assert_null(get(s, "title")->text);
    assert_int_equal(get(s, "prompts")->count, 2);
    assert_string_equal(get(s, "prompts")->texts[1], "b");
    assert_int_equal(get(s, "documents")->count, 0);
    assert_true(get(s, "lr")->count == 2 && get(s, "lr")->numbers[1] == 0.001);
    assert_string_equal(get(s, "labels")->text, "as_given");
    assert_null(get(s, "set")->node);
    gr_settings_free(s);
}

static void every_kind_is_read(void **state) {
    (void)state;
    gr_settings *s = read_with(NULL, "{watch: false, steps: 7, tokens: 4M, scale: 2.5, start: whole, title: 'on',\n"
                                     "prompts: [x, y, z], documents: [0, 8, 1k], lr: 0.5, words: /a/list.txt,\n"
                                     "labels: {spread: {weight: 0.25}}, threads: 3}");
    assert_true(get(s, "watch")->number == 0 && get(s, "steps")->number == 7 && get(s, "tokens")->number == 4e6);
    assert_true(get(s, "scale")->number == 2.5 && get(s, "start")->number == 2 && get(s, "threads")->number == 3);
    assert_string_equal(get(s, "start")->text, "whole");
    assert_string_equal(get(s, "title")->text, "on");
    assert_int_equal(get(s, "prompts")->count, 3);
    assert_string_equal(get(s, "prompts")->texts[2], "z");
    assert_int_equal(get(s, "documents")->count, 3);
    assert_true(get(s, "documents")->numbers[0] == 0 && get(s, "documents")->numbers[2] == 1000);
    assert_true(get(s, "lr")->count == 1 && get(s, "lr")->numbers[0] == 0.5); /* one for a list of one */
    assert_string_equal(get(s, "words")->text, "/a/list.txt");
    assert_string_equal(get(s, "labels")->text, "spread");
    assert_true(get(get(s, "labels")->inner, "weight")->number == 0.25);
    gr_settings_free(s);
}

/* Of an option that says so: texts in place of the word. */
static void words_may_be_lists(void **state) {
    (void)state;
    gr_settings *s = read_with(NULL, "parts: [removed, x]"), *after = read_with(s, "parts: whole");
    assert_int_equal(get(s, "parts")->count, 2);
    assert_string_equal(get(s, "parts")->texts[1], "x");
    assert_null(get(s, "parts")->text);
    assert_int_equal(get(after, "parts")->count, 0);
    assert_string_equal(get(after, "parts")->text, "whole");
    gr_settings_free(after);
    after = read_with(s, "{}");
    assert_string_equal(get(after, "parts")->texts[0], "removed");
    gr_settings_free(after), gr_settings_free(s);
    assert_key("{parts: [removed]}", "{\"parts\":[\"removed\"]}");
    assert_key("{parts: whole}", "{\"parts\":\"whole\"}");
}

static void choices_take_a_word_or_a_map(void **state) {
    (void)state;
    static const char *const same[] = {"labels: spread", "labels: {spread: {}}", "labels: {spread: }"};
    for (int i = 0; i < 3; i++) {
        gr_settings *s = read_with(NULL, same[i]);
        assert_true(get(s, "labels")->number == 2 && get(get(s, "labels")->inner, "weight")->number == 0.5);
        gr_settings_free(s);
    }
}

/* Sets are their caller's: any keys, and no error for those that the reader did not ask for. */
static void sets_are_left_to_the_caller(void **state) {
    (void)state;
    static const char yaml[] = "set: {preset.p_cr: 0.5, regions: {a: {mlp: {add: 8}}}}";
    gr_error err = {0};
    gr_yaml *root;
    gr_settings *s;
    gr_test_ok(gr_yaml_parse(&root, yaml, strlen(yaml), "options.yaml", &err), &err);
    gr_test_ok(gr_settings_read(&s, table, NULL, root, &err), &err);
    assert_int_equal(get(s, "set")->node->count, 2);
    assert_string_equal(get(s, "set")->node->first->key, "preset.p_cr");
    gr_settings_free(s);
    gr_yaml_free(root);
}

/* Values of a recipe stand between the table and what the map says. */
static void presets_come_before_defaults(void **state) {
    (void)state;
    const double rates[] = {1, 2, 3};
    gr_settings *preset = read_with(NULL, "{}");
    gr_settings_put(preset, "steps", &(gr_setting_value){.number = 12});
    gr_settings_put(preset, "tokens", &(gr_setting_value){.number = 13});
    gr_settings_put(preset, "lr", &(gr_setting_value){.numbers = rates, .count = 3});
    gr_settings_put(preset, "labels", &(gr_setting_value){.number = 2});
    gr_settings *s = read_with(preset, "{tokens: 99}");
    gr_settings_free(preset);
    assert_true(get(s, "steps")->number == 12 && get(s, "tokens")->number == 99 && get(s, "scale")->number == 6.5);
    assert_true(get(s, "lr")->count == 3 && get(s, "lr")->numbers[2] == 3);
    assert_true(get(get(s, "labels")->inner, "weight")->number == 0.5);
    gr_settings_free(s);
}

/* ---- refusals ---- */

static void what_does_not_fit_is_refused_with_its_place(void **state) {
    (void)state;
    static const struct {
        const char *yaml, *place, *message, *hint;
    } wrong[] = {
        {"a: 1\nsteps: 3", "options.yaml:1:1", "unknown key 'a'", ""},
        {"watch: true\nstep: 3", "options.yaml:2:1", "unknown key 'step'", "did you mean 'steps'?"},
        {"watch: 1", "options.yaml:1:8", "watch is '1', expected true or false", ""},
        {"\nsteps: 0", "options.yaml:2:8", "steps is '0', expected an integer from 1 to 1000", ""},
        {"steps: 1k", "options.yaml:1:8", "expected an integer", ""},
        {"tokens: 2G", "options.yaml:1:9", "expected an integer from 1 to 1000000000", ""},
        {"scale: 0", "options.yaml:1:8", "expected a finite number above 0", ""},
        {"scale: {knob: [1, 2]}", "options.yaml:1:8", "scale is a map", ""},
        {"start: remove", "options.yaml:1:8", "start is 'remove'", "did you mean 'removed'?"},
        {"start: [off]", "options.yaml:1:8", "start is a list", ""},
        {"parts: []", "options.yaml:1:8", "parts is an empty list", ""},
        {"title: on", "options.yaml:1:8", "expected a text", "quotes"},
        {"prompts: []", "options.yaml:1:10", "prompts is an empty list", ""},
        {"prompts: [[a]]", "options.yaml:1:11", "expected a text", ""},
        {"documents: [1, -1]", "options.yaml:1:16", "documents[1] is '-1'", ""},
        {"lr: [0.1, 0]", "options.yaml:1:11", "lr[1] is '0', expected a finite number above 0", ""},
        {"words: ''", "options.yaml:1:8", "words is empty", ""},
        {"labels: permute", "options.yaml:1:9", "labels is 'permute'", "did you mean 'permuted'?"},
        {"labels: zzz", "options.yaml:1:9", "labels is 'zzz'", "known here: as_given, permuted, spread"},
        {"labels: {spread: {weight: 2}}", "options.yaml:1:27", "weight is '2'", ""},
        {"labels: {spread: {wait: 1}}", "options.yaml:1:19", "unknown key 'wait'", "weight"},
        {"labels: {permuted: {weight: 1}}", "options.yaml:1:21", "unknown key 'weight'", ""},
        {"labels: {spread: {}, permuted: {}}", "options.yaml:1:9", "labels has 2 words", "{WORD: {OPTION: VALUE}}"},
        {"labels: [spread]", "options.yaml:1:9", "expected a text", ""},
        {"set: 3", "options.yaml:1:6", "expected a map", ""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        gr_error err = {0};
        gr_yaml *root;
        gr_settings *s;
        gr_test_ok(gr_yaml_parse(&root, wrong[i].yaml, strlen(wrong[i].yaml), "options.yaml", &err), &err);
        assert_int_equal(gr_settings_read(&s, table, NULL, root, &err), GR_ERR_USAGE);
        assert_null(s);
        if (strcmp(err.place, wrong[i].place) || !strstr(err.message, wrong[i].message) ||
            !strstr(err.hint, wrong[i].hint))
            fail_msg("%s -> %s: %s (%s)", wrong[i].yaml, err.place, err.message, err.hint);
        gr_yaml_free(root);
    }
}

/* ---- keys ---- */

static void defaults_are_no_part_of_a_key(void **state) {
    (void)state;
    assert_key("{}", "{}");
    assert_key("{watch: true, steps: 30, tokens: 24, scale: 6.50, start: removed, prompts: [a, b], lr: [3e-4, 0.001],\n"
               "labels: {as_given: {}}}",
               "{}");
    assert_key("{threads: 3, set: {train.steps: 2}}", "{}"); /* what decides nothing, and what the recipe holds */
}

static void a_key_holds_what_differs(void **state) {
    (void)state;
    assert_key("{title: x, steps: 31, tokens: 1k, scale: 0.1, start: whole, watch: false}",
               "{\"scale\":0.10000000000000001,\"start\":\"whole\",\"steps\":31,\"title\":\"x\",\"tokens\":1000,"
               "\"watch\":false}");
    assert_key("{tokens: 1000}", "{\"tokens\":1000}"); /* however it is written */
    assert_key("{scale: 7}", "{\"scale\":7}");
    assert_key("{scale: 7.0}", "{\"scale\":7}");
    assert_key("{prompts: [b, a]}", "{\"prompts\":[\"b\",\"a\"]}"); /* in their order */
    assert_key("{prompts: a}", "{\"prompts\":[\"a\"]}");
    assert_key("{documents: [0, 8]}", "{\"documents\":[0,8]}");
    assert_key("{labels: permuted}", "{\"labels\":[\"permuted\",{}]}");
    assert_key("{labels: spread}", "{\"labels\":[\"spread\",{}]}");
    assert_key("{labels: {spread: {weight: 0.25}}}", "{\"labels\":[\"spread\",{\"weight\":0.25}]}");
}

/* Presets are no defaults: two recipes with other presets are two keys. */
static void a_preset_is_part_of_a_key(void **state) {
    (void)state;
    gr_settings *preset = read_with(NULL, "{}");
    gr_settings_put(preset, "steps", &(gr_setting_value){.number = 12});
    gr_settings *s = read_with(preset, "{}"), *back = read_with(preset, "{steps: 30}");
    char *one = key_of(s), *other = key_of(back);
    assert_string_equal(one, "{\"steps\":12}");
    assert_string_equal(other, "{}");
    gr_free(one), gr_free(other);
    gr_settings_free(s), gr_settings_free(back), gr_settings_free(preset);
}

/* A file counts by what is in it; beside the file that names it. */
static void files_count_by_their_content(void **state) {
    (void)state;
    gr_error err = {0};
    gr_yaml *root;
    gr_settings *s;
    char hex[GR_DIGEST_HEX], expected[100], *text;
    const char *path = gr_test_write("options.yaml", "words: list.txt\n", 16);
    gr_test_write("list.txt", "paw\n", 4);
    gr_test_ok(gr_yaml_open(&root, path, &err), &err);
    gr_test_ok(gr_settings_read(&s, table, NULL, root, &err), &err);
    assert_string_equal(get(s, "words")->text, gr_test_path("list.txt"));
    gr_digest_data(hex, "paw\n", 4);
    snprintf(expected, sizeof expected, "{\"words\":\"%s\"}", hex);
    text = key_of(s);
    assert_string_equal(text, expected);
    gr_free(text);
    gr_settings_free(s);
    gr_yaml_free(root);

    /* One that is missing is said when its digest is asked for. */
    s = read_with(NULL, "words: /nowhere/list.txt");
    assert_int_equal(gr_settings_key(&text, s, &err), GR_ERR_INPUT);
    assert_null(text);
    gr_settings_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_is_the_default),
        cmocka_unit_test(every_kind_is_read),
        cmocka_unit_test(words_may_be_lists),
        cmocka_unit_test(choices_take_a_word_or_a_map),
        cmocka_unit_test(sets_are_left_to_the_caller),
        cmocka_unit_test(presets_come_before_defaults),
        cmocka_unit_test(what_does_not_fit_is_refused_with_its_place),
        cmocka_unit_test(defaults_are_no_part_of_a_key),
        cmocka_unit_test(a_key_holds_what_differs),
        cmocka_unit_test(a_preset_is_part_of_a_key),
        cmocka_unit_test(files_count_by_their_content),
    };
    return cmocka_run_group_tests_name("settings", tests, gr_test_files_setup, gr_test_files_teardown);
}
