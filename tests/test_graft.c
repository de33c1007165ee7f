/* Copies of trees, values of one tree in another, and recipes with values that stand in other files. */
#include "recipe/graft.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "support.h"

static gr_yaml *parsed(const char *text, const char *source) {
    gr_error err = {0};
    gr_yaml *root = NULL;
    gr_test_ok(gr_yaml_parse(&root, text, strlen(text), source, &err), &err);
    return root;
}

static char *written(const gr_yaml *root) {
    gr_error err = {0};
    char *text;
    gr_test_ok(gr_yaml_write(root, &text, &err), &err);
    return text;
}

static void assert_written(const gr_yaml *root, const char *expected) {
    char *text = written(root);
    assert_string_equal(text, expected);
    gr_free(text);
}

/* ---- trees ---- */

/* A copy keeps places, order, quotes and empty values, and shares no memory. */
static void copies_keep_what_was_written(void **state) {
    (void)state;
    gr_yaml *root = parsed("b: {x: '1', y: [1, on, {}]}\na:\n", "one.yaml"), *copy = gr_yaml_copy(root, false);
    char *text = written(root);
    gr_yaml_free(root);
    assert_written(copy, text);
    gr_free(text);
    gr_yaml *x = gr__yaml_child(gr__yaml_child(copy, "b"), "x");
    assert_true(x->quoted && !x->used && x->at.line == 1 && x->at.column == 8 && x->key_at.column == 5);
    assert_string_equal(x->at.source, "one.yaml");
    assert_true(x->parent == copy->first && x->tree == copy->tree);
    gr_yaml_free(copy);
}

/* Defaults that reads fill in are no part of what was said; what is set among them is. */
static void what_was_said_leaves_defaults_out(void **state) {
    (void)state;
    gr_error err = {0};
    gr_yaml *root = parsed("a: 1\n", "one.yaml"), *section;
    int64_t every = 5, probe = 6;
    gr_test_ok(gr_yaml_section(root, &section, "diagnostics", &err), &err);
    gr_test_ok(gr_yaml_int(section, &every, "every", 0, 9, &err), &err);
    gr_test_ok(gr_yaml_int(section, &probe, "probe", 0, 9, &err), &err);

    gr_yaml *said = gr_yaml_copy(root, true), *all = gr_yaml_copy(root, false);
    assert_written(said, "a: 1\n");
    assert_written(all, "a: 1\ndiagnostics:\n  every: 5\n  probe: 6\n");
    gr_yaml_free(said);
    gr_yaml_free(all);

    gr_test_ok(gr_yaml_set(root, "diagnostics.probe=7", &err), &err);
    said = gr_yaml_copy(root, true);
    assert_written(said, "a: 1\ndiagnostics:\n  probe: 7\n");
    gr_yaml_free(said);
    gr_yaml_free(root);
}

static gr_yaml *grafted(const char *text, const char *path, const char *value) {
    gr_error err = {0};
    gr_yaml *root = parsed(text, "one.yaml"), *other = parsed(value, "two.yaml");
    gr_test_ok(gr_yaml_graft(root, path, other->first, &err), &err);
    gr_yaml_free(other);
    return root;
}

static void grafts_replace_and_make(void **state) {
    (void)state;
    static const char *const cases[][4] = {
        {"a: {b: 1, c: 2}\n", "a.b", "v: [x, {y: '1'}]", "a:\n  b:\n  - x\n  - y: '1'\n  c: 2\n"},
        {"a: {b: {c: 2}}\n", "a.b", "v: 3", "a:\n  b: 3\n"},
        {"a:\n", "a.b.c", "v: {}", "a:\n  b:\n    c: {}\n"},
        {"a: [1, 2]\n", "a.1", "v: 3", "a:\n- 1\n- 3\n"},
        {"a: [1, 2]\n", "a.2", "v: 3", "a:\n- 1\n- 2\n- 3\n"},
        {"a: {b.c: 1}\n", "a.b\\.c", "v: 2", "a:\n  b.c: 2\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gr_yaml *root = grafted(cases[i][0], cases[i][1], cases[i][2]);
        assert_written(root, cases[i][3]);
        gr_yaml_free(root);
    }
}

/* An error about a value, or about a key that came with it, is one of the file that says it. */
static void grafts_keep_their_places(void **state) {
    (void)state;
    gr_error err = {0};
    gr_yaml *root = grafted("a: {b: 1}\n", "a.c", "x: 1"), *a = gr__yaml_child(root, "a");
    gr__yaml_child(a, "b")->used = a->used = true;
    assert_int_equal(gr_yaml_finish(root, &err), GR_ERR_USAGE);
    gr_test_error(&err, "two.yaml:1:1", "unknown key 'c' in a");
    gr_yaml_free(root);

    err = (gr_error){0};
    root = grafted("a: {b: 1}\n", "a.b", "x: many");
    int64_t b;
    assert_int_equal(gr_yaml_int(gr__yaml_child(root, "a"), &b, "b", 0, 9, &err), GR_ERR_USAGE);
    gr_test_error(&err, "two.yaml:1:4", "a.b is 'many', expected an integer");
    gr_yaml_free(root);
}

static void grafts_that_do_not_fit_are_refused(void **state) {
    (void)state;
    char deep[160] = "a";
    for (int i = 0; i < GR_YAML_DEPTH; i++)
        strcat(deep, ".a");
    const char *const cases[][2] = {{"a.b", "'a' has the value '1', so it has no 'b'"},
                                    {"l.7", "'7' is no element of a list of 1"},
                                    {"m..b", "'' is no key"},
                                    {"on", "'on' is no key"},
                                    {deep, "too many parts"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gr_error err = {0};
        gr_yaml *root = parsed("a: 1\nl: [1]\nm: {}\n", "one.yaml"), *other = parsed("\nv: 1\n", "two.yaml");
        assert_int_equal(gr_yaml_graft(root, cases[i][0], other->first, &err), GR_ERR_USAGE);
        gr_test_error(&err, "two.yaml:2:1", cases[i][1]);
        assert_null(strstr(err.hint, "--set"));
        gr_yaml_free(root);
        gr_yaml_free(other);
    }
}

/* ---- recipes ---- */

static const char recipe_text[] = "data: {text: corpus.txt, context: 32, tokenizer: {train: 300}}\n"
                                  "labels: {oak: {words: [oak]}}\n"
                                  "model: {arch: llama, layers: 1, width: 16, heads: 2, mlp: 32}\n"
                                  "regions: {oak: {mlp: {add: 8}}}\n"
                                  "train: {tokens: 64k, batch: 4}\n";

static gr_recipe *opened(void) {
    gr_error err = {0};
    gr_recipe *recipe;
    const char *path = gr_test_write("recipe.yaml", recipe_text, strlen(recipe_text));
    gr_test_ok(gr_recipe_open(&recipe, path, NULL, 0, &err), &err);
    return recipe;
}

/* A folder of its own for the file that sets values. */
static gr_yaml *other_file(const char *sets) {
    gr_error err = {0};
    gr_yaml *root;
    if (access(gr_test_path("other"), F_OK) != 0)
        assert_int_equal(mkdir(gr_test_path("other"), 0700), 0);
    gr_test_ok(gr_yaml_open(&root, gr_test_write("other/sets.yaml", sets, strlen(sets)), &err), &err);
    return root;
}

static gr_recipe *recipe_with(const gr_recipe *base, const char *sets) {
    gr_error err = {0};
    gr_recipe *recipe;
    gr_yaml *root = other_file(sets);
    gr_test_ok(gr__recipe_with(&recipe, base, root, &err), &err);
    gr_yaml_free(root);
    return recipe;
}

static void nothing_set_is_the_same_recipe(void **state) {
    (void)state;
    gr_error err = {0};
    gr_recipe *base = opened(), *same;
    char *one, *two;
    gr_test_ok(gr__recipe_with(&same, base, NULL, &err), &err);
    gr_test_ok(gr_recipe_text(base, &one, &err), &err);
    gr_test_ok(gr_recipe_text(same, &two, &err), &err);
    assert_string_equal(one, two);
    gr_free(one);
    gr_free(two);
    gr_recipe_free(same);
    gr_recipe_free(base);
}

/* split_seed was filled in as 1, and diagnostics by the size of a step: neither stays when what it comes from is set.
 */
static void defaults_follow_what_is_set(void **state) {
    (void)state;
    gr_recipe *base = opened(), *with = recipe_with(base, "{seed: 3, train.batch: 64, train.tokens: 128k}");
    assert_true(base->split_seed == 1 && with->seed == 3 && with->split_seed == 3 && with->order_seed == 3);
    assert_true(with->train.batch == 64 && with->train.micro == 64);
    assert_int_equal(with->train.steps, 63);
    assert_int_not_equal(with->diagnostics.every, base->diagnostics.every);
    gr_recipe_free(with);
    gr_recipe_free(base);
}

/* Paths of the recipe start at its folder, those of the other file at that one's. */
static void paths_start_where_they_are_written(void **state) {
    (void)state;
    gr_recipe *base = opened(), *with = recipe_with(base, "{labels.oak.words: list.txt}"),
              *both = recipe_with(with, "{data.text: [a.txt, b.txt]}");
    char *here = realpath(gr_test_path("."), NULL), *corpus = gr_format("%s/corpus.txt", here),
         *list = gr_format("%s/other/list.txt", here), *second = gr_format("%s/other/b.txt", here);
    assert_string_equal(with->data.source[0].path, corpus);
    assert_string_equal(with->label[0].from[0].text, list);
    assert_string_equal(both->label[0].from[0].text, list);
    assert_string_equal(both->data.source[1].path, second);
    gr_free(second);
    gr_free(list);
    gr_free(corpus);
    free(here);
    gr_recipe_free(both);
    gr_recipe_free(with);
    gr_recipe_free(base);
}

static void errors_name_the_file_that_sets(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"\n{train.batch: 0}", ":2:15", "batch is '0', expected an integer from 1"},
        {"{train.bach: 8}", ":1:2", "unknown key 'bach' in train"},
        {"{trian.batch: 8}", ":1:2", "unknown key 'trian'"},
        {"{model.heads: 3}", "", "heads"},
    };
    gr_recipe *base = opened();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gr_error err = {0};
        gr_recipe *with = base;
        gr_yaml *root = other_file(cases[i][0]);
        assert_int_equal(gr__recipe_with(&with, base, root, &err), GR_ERR_USAGE);
        assert_null(with);
        assert_non_null(strstr(err.place, *cases[i][1] ? "other/sets.yaml" : ""));
        assert_non_null(strstr(err.place, cases[i][1]));
        assert_non_null(strstr(err.message, cases[i][2]));
        gr_yaml_free(root);
    }
    gr_recipe_free(base);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_keep_what_was_written),
        cmocka_unit_test(what_was_said_leaves_defaults_out),
        cmocka_unit_test(grafts_replace_and_make),
        cmocka_unit_test(grafts_keep_their_places),
        cmocka_unit_test(grafts_that_do_not_fit_are_refused),
        cmocka_unit_test(nothing_set_is_the_same_recipe),
        cmocka_unit_test(defaults_follow_what_is_set),
        cmocka_unit_test(paths_start_where_they_are_written),
        cmocka_unit_test(errors_name_the_file_that_sets),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}
