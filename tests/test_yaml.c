/* The YAML tree: reading, refusing, overriding, writing. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/rng.h"
#include "io/file.h"
#include "io/json.h"
#include "io/yaml.h"
#include "support.h"

static const char recipe[] = "seed: 1\n"
                             "data: {text: corpus.jsonl, tokenizer: {train: 4096}, context: 256}\n"
                             "labels:\n"
                             "  biology: {is: [noun.animal, noun.plant], known: 1.0}\n"
                             "routes:\n"
                             "  - {label: biology, open: [biology], rest: closed}\n"
                             "  - {label: core, chance: 0.8, without: biology}\n"
                             "train: {tokens: 4M, batch: 1.5k, lr: 1e-3, fast: yes}\n"
                             "prompts: [\"a small bird\", 'the act of']\n";

static gr_yaml *parsed(const char *text) {
    gr_error err = {0};
    gr_yaml *root = NULL;
    gr_test_ok(gr_yaml_parse(&root, text, strlen(text), "r.yaml", &err), &err);
    return root;
}

static void refused(const char *text, const char *place, const char *words) {
    gr_error err = {0};
    gr_yaml *root = (gr_yaml *)&err;
    assert_int_not_equal(gr_yaml_parse(&root, text, strlen(text), "r.yaml", &err), GR_OK);
    assert_null(root);
    gr_test_error(&err, place, words);
}

static void reads_values(void **state) {
    (void)state;
    gr_error err = {0};
    gr_yaml *root = parsed(recipe), *data, *tokenizer, *train, *routes, *labels, *biology;
    int64_t seed = 0, merges = 0, tokens = 0, batch = 0;
    double lr = 0, known = 0;
    bool fast = false;
    const char *text = NULL;
    assert_int_equal(gr_yaml_int(root, &seed, "seed", 0, INT64_MAX, &err), GR_OK);
    assert_int_equal(gr_yaml_section(root, &data, "data", &err), GR_OK);
    assert_int_equal(gr_yaml_text(data, &text, "text", &err), GR_OK);
    assert_string_equal(text, "corpus.jsonl");
    assert_int_equal(gr_yaml_map(data, &tokenizer, "tokenizer", &err), GR_OK);
    assert_int_equal(gr_yaml_int(tokenizer, &merges, "train", 1, 65536, &err), GR_OK);
    assert_int_equal(merges, 4096);
    assert_int_equal(gr_yaml_map(root, &train, "train", &err), GR_OK);
    assert_int_equal(gr_yaml_count(train, &tokens, "tokens", 1, INT64_MAX, &err), GR_OK);
    assert_int_equal(gr_yaml_count(train, &batch, "batch", 1, INT64_MAX, &err), GR_OK);
    assert_int_equal(gr_yaml_real(train, &lr, "lr", DBL_MIN, 1, &err), GR_OK);
    assert_int_equal(gr_yaml_bool(train, &fast, "fast", &err), GR_OK);
    assert_int_equal(tokens, 4000000);
    assert_int_equal(batch, 1500);
    assert_true(lr == 1e-3 && fast && seed == 1);

    const char *const *names;
    int count;
    gr_yaml_map(root, &labels, "labels", &err);
    biology = gr_yaml_first(labels);
    assert_string_equal(biology->key, "biology");
    assert_null(gr_yaml_next(biology));
    assert_int_equal(gr_yaml_texts(biology, &names, &count, "is", &err), GR_OK);
    assert_int_equal(count, 2);
    assert_string_equal(names[1], "noun.plant");
    gr_yaml_list(root, &routes, "routes", &err);
    assert_int_equal(routes->count, 2);
    assert_int_equal(gr_yaml_texts(routes->last, &names, &count, "without", &err), GR_OK);
    assert_int_equal(count, 1);
    assert_string_equal(names[0], "biology");
    char path[64];
    assert_string_equal(gr_yaml_path(gr__yaml_child(routes->last, "chance"), path, sizeof path), "routes[1].chance");
    assert_int_equal(routes->last->at.line, 7);
    assert_int_equal(routes->last->at.column, 5);
    assert_int_equal(gr_yaml_real(biology, &known, "known", 0, 1, &err), GR_OK);
    assert_int_equal(err.status, GR_OK);

    assert_int_equal(gr_yaml_finish(root, &err), GR_ERR_USAGE); /* context was never asked for */
    gr_test_error(&err, "r.yaml:2:54", "unknown key 'context' in data");
    gr_yaml_free(root);
}

static void refuses_syntax(void **state) {
    (void)state;
    refused("", "r.yaml", "empty");
    refused("# only a comment\n", "r.yaml", "empty");
    refused("- 1\n", "r.yaml", "not a map");
    refused("a: 1\nb: 2\na: 3\n", "r.yaml:3:1", "given twice, first at r.yaml:1:1");
    refused("a: {b: 1, c: 2, b: 3}\n", "r.yaml:1:17", "'b' is given twice, first at r.yaml:1:5");
    refused("a: &x 1\nb: *x\n", "r.yaml:1:4", "anchors");
    refused("a: &x {c: 1}\n", "r.yaml:1:4", "anchors");
    refused("b: *x\n", "r.yaml:1:4", "aliases");
    refused("a: !!int 3\n", "r.yaml:1:4", "tags");
    refused("a: !x [3]\n", "r.yaml:1:4", "tags");
    refused("off: 1\n", "r.yaml:1:1", "'off' is a boolean");
    refused("a: {No: 1}\n", "r.yaml:1:5", "'No' is a boolean");
    refused("a: 1\n---\nb: 2\n", "r.yaml:2:1", "more than one document");
    refused("[a]: 1\n", "r.yaml:1:1", "a key is a list");
    refused("a: [1, 2\nb: 3\n", "r.yaml:2:2", "not valid YAML");
    refused("a: 1\n\tb: 2\n", "r.yaml:2:1", "not valid YAML");
    refused("a: \"x\\0y\"\n", "r.yaml:1:4", "U+0000");
    refused("a: \xff\n", "r.yaml", "byte 3");

    enum { DEEP = 100000 };
    char *deep = gr_alloc(2 * DEEP + 8);
    strcpy(deep, "a: ");
    memset(deep + 3, '[', DEEP);
    refused(deep, "r.yaml:1:35", "nested too deeply");
    for (int i = 0; i < DEEP; i++)
        memcpy(deep + 3 + 2 * i, "- ", 2);
    refused(deep, "r.yaml:1:4", "not valid YAML");
    memcpy(deep, "a: [", 4);
    for (int i = 0; i < DEEP; i++)
        memcpy(deep + 4 + 2 * i, "1,", 2);
    refused(deep, "r.yaml:1:100001", "too many values");
    gr_free(deep);
    gr_error err = {0};
    gr_yaml *root;
    assert_int_equal(gr_yaml_parse(&root, recipe, (5u << 20), "r.yaml", &err),
                     GR_ERR_FORMAT); /* length is looked at first */
    gr_test_error(&err, "r.yaml", "longer than");
}

/* One value for the key `a`, read by one kind of read. */
static void value_refused(char kind, const char *value, const char *words) {
    gr_error err = {0};
    char *text = gr_format("a: %s\n", value);
    gr_yaml *root = parsed(text);
    int64_t whole = 77;
    double real = 77;
    bool truth = true;
    int choice = 77;
    const char *string = "77";
    static const char *const names[] = {"cosine", "linear", "constant", NULL};
    gr_status status = kind == 'i'   ? gr_yaml_int(root, &whole, "a", 1, 100, &err)
                       : kind == 'c' ? gr_yaml_count(root, &whole, "a", 1, INT64_MAX, &err)
                       : kind == 'r' ? gr_yaml_real(root, &real, "a", DBL_MIN, 1, &err)
                       : kind == 'R' ? gr_yaml_real(root, &real, "a", -INFINITY, INFINITY, &err)
                       : kind == 'b' ? gr_yaml_bool(root, &truth, "a", &err)
                       : kind == 't' ? gr_yaml_text(root, &string, "a", &err)
                                     : gr_yaml_choice(root, &choice, "a", names, &err);
    assert_int_equal(status, GR_ERR_USAGE);
    gr_test_error(&err, strchr("0123456789", *value) || *value ? "r.yaml:1:4" : "r.yaml:1:3", words);
    assert_true(whole == 77 && real == 77 && truth && choice == 77 && !strcmp(string, "77"));
    gr_yaml_free(root);
    gr_free(text);
}

static void refuses_values(void **state) {
    (void)state;
    value_refused('i', "0", "a is '0', expected an integer from 1 to 100");
    value_refused('i', "101", "from 1 to 100");
    value_refused('i', "1.5", "whole number");
    value_refused('i', "1.0", "whole number");
    value_refused('i', "4k", "'4k'");
    value_refused('i', "010", "octal");
    value_refused('i', "\"10\"", "without quotes");
    value_refused('i', "[1]", "a is a list");
    value_refused('i', "yes", "'yes'");
    value_refused('i', "99999999999999999999999", "from 1 to 100");
    value_refused('i', "~", "has no value");
    value_refused('c', "1.0005k", "whole number");
    value_refused('c', "4m", "64k is 64 000");
    value_refused('c', "10000000000G", "an integer from 1");
    value_refused('c', "1e99999999999", "an integer from 1");
    value_refused('c', "1e-99999999999", "whole number");
    value_refused('c', "M", "an integer from 1");
    value_refused('r', "nan", "finite number above 0 to 1");
    value_refused('r', ".inf", "finite number");
    value_refused('r', "1e999", "finite number");
    value_refused('R', "-1e999", "finite number");
    value_refused('r', "0", "above 0");
    value_refused('r', "1.1", "'1.1'");
    value_refused('r', "0x1", "'0x1'");
    value_refused('r', "1e", "'1e'");
    value_refused('r', "{x: 1}", "a is a map");
    value_refused('b', "1", "true or false");
    value_refused('b', "'true'", "without quotes");
    value_refused('t', "off", "put it in quotes");
    value_refused('t', "No", "put it in quotes");
    value_refused('t', "null", "has no value");
    value_refused('o', "cosin", "did you mean 'cosine'?");
    value_refused('o', "triangular", "known here: cosine, linear, constant");
}

static void counts_are_exact(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } cases[] = {{"64k", 64000},     {"4M", 4000000},  {"1.1M", 1100000},
                 {"2G", 2000000000}, {"1e6", 1000000}, {"1.5e3", 1500},
                 {"12e-1k", 1200},   {"7", 7},         {"9223372036854775807", INT64_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gr_error err = {0};
        char *text = gr_format("a: %s", cases[i].text);
        gr_yaml *root = parsed(text);
        int64_t value = 0;
        assert_int_equal(gr_yaml_count(root, &value, "a", 1, INT64_MAX, &err), GR_OK);
        assert_true(value == cases[i].value);
        gr_yaml_free(root);
        gr_free(text);
    }
}

static void unknown_keys_get_hints(void **state) {
    (void)state;
    gr_error err = {0};
    int64_t value = 0;
    gr_yaml *root = parsed("width: 8\nmodel:\n  widht: 3\n"), *model;
    gr_yaml_int(root, &value, "width", 1, 9, &err);
    gr_yaml_section(root, &model, "model", &err);
    gr_yaml_int(model, &value, "layers", 1, 9, &err);
    gr_yaml_int(model, &value, "width", 1, 9, &err);
    assert_int_equal(gr_yaml_finish(root, &err), GR_ERR_USAGE);
    gr_test_error(&err, "r.yaml:3:3", "unknown key 'widht' in model\n  hint: did you mean 'width'?");
    err = (gr_error){0};
    gr_yaml_remove(gr__yaml_child(model, "widht"));
    gr_yaml_set(root, "model.something=1", &err);
    assert_int_equal(gr_yaml_finish(root, &err), GR_ERR_USAGE);
    gr_test_error(&err, "--set model.something=1", "known here: layers, width");
    gr_yaml_free(root);
    const char *words[] = {"lr", "batch", "warmup"};
    assert_string_equal(gr_nearest("warmpu", words, 3, NULL), "warmup");
    assert_string_equal(gr_nearest("Batch", words, 3, NULL), "batch");
    assert_null(gr_nearest("zzzzzz", words, 3, NULL));
}

static char *written(const gr_yaml *root) {
    gr_error err = {0};
    char *text;
    assert_int_equal(gr_yaml_write(root, &text, &err), GR_OK);
    return text;
}

static void set_overrides(void **state) {
    (void)state;
    gr_error err = {0};
    gr_yaml *root = parsed("a: {b: 1, c: x}\nl: [{n: 1}, 2]\nempty:\n");
    assert_int_equal(gr_yaml_set(root, "a.b=2", &err), GR_OK);
    assert_int_equal(gr_yaml_set(root, "a.new.deep=[1, {x: y}]", &err), GR_OK);
    assert_int_equal(gr_yaml_set(root, "l.0.n=5", &err), GR_OK);
    assert_int_equal(gr_yaml_set(root, "l.2=end", &err), GR_OK);
    assert_int_equal(gr_yaml_set(root, "empty.k='off'", &err), GR_OK);
    assert_int_equal(gr_yaml_set(root, "a.dot\\.ted=1=2", &err), GR_OK);
    assert_int_equal(gr_yaml_set(root, "a.c=", &err), GR_OK);
    char *text = written(root);
    assert_string_equal(text, "a:\n  b: 2\n  c:\n  new:\n    deep:\n    - 1\n    - x: y\n  dot.ted: 1=2\n"
                              "l:\n- n: 5\n- 2\n- end\nempty:\n  k: 'off'\n");
    gr_free(text);
    static const struct {
        const char *set, *words;
    } wrong[] = {{"a", "expected KEY=VALUE"},
                 {"=1", "expected KEY=VALUE"},
                 {"a.b.c=1", "'b' has the value '2'"},
                 {"l.9=1", "no element of a list"},
                 {"l.x=1", "no element"},
                 {"a..b=1", "is no key"},
                 {"a.=1", "is no key"},
                 {"a.off=1", "is no key"},
                 {"a.b=[1", "not valid YAML"},
                 {"a.b=*x", "aliases"},
                 {"a.b={c: 1, c: 2}", "twice"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *place = gr_format("--set %s", wrong[i].set);
        err = (gr_error){0};
        assert_int_not_equal(gr_yaml_set(root, wrong[i].set, &err), GR_OK);
        gr_test_error(&err, place, wrong[i].words);
        gr_free(place);
    }
    err = (gr_error){0};
    int64_t value = 0;
    gr_yaml_set(root, "a.b=-1", &err);
    gr_yaml_int(gr__yaml_child(root, "a"), &value, "b", 0, 9, &err);
    gr_test_error(&err, "--set a.b=-1", "a.b is '-1', expected an integer from 0 to 9");
    gr_yaml_free(root);
}

/* What --set builds may be as deep as what can be read, and no deeper. */
static void set_stays_readable(void **state) {
    (void)state;
    gr_error err = {0};
    for (int parts = GR_YAML_DEPTH - 3; parts < GR_YAML_DEPTH; parts++) {
        char assignment[3 * GR_YAML_DEPTH] = "";
        for (int i = 0; i < parts; i++)
            strcat(assignment, i ? ".k" : "k");
        strcat(assignment, "=[{a: 1}]"); /* two levels more */
        gr_yaml *root = gr_yaml_new("deep"), *again;
        bool fits = parts + 2 <= GR_YAML_DEPTH;
        assert_int_equal(gr_yaml_set(root, assignment, &err), fits ? GR_OK : GR_ERR_USAGE);
        char *text;
        assert_int_equal(gr_yaml_write(root, &text, &err), GR_OK);
        assert_int_equal(gr_yaml_parse(&again, text, strlen(text), "again", &err), GR_OK);
        gr_free(text);
        gr_yaml_free(again);
        gr_yaml_free(root);
    }
}

static void defaults_fill_the_tree(void **state) {
    (void)state;
    gr_error err = {0};
    gr_yaml *root = parsed("b: 2\n"), *section, *again;
    int64_t a = 7, b = 7, unset = -1, again_a = 0;
    double lr = 0.1;
    bool on = true;
    const char *name = "yes", *none = NULL, *again_name = NULL;
    gr_yaml_section(root, &section, "s", &err);
    gr_yaml_int(section, &a, "a", 0, 9, &err);
    gr_yaml_int(root, &b, "b", 0, 9, &err);
    gr_yaml_int(root, &unset, "unset", 0, 9, &err);
    gr_yaml_real(section, &lr, "lr", 0, 1, &err);
    gr_yaml_bool(section, &on, "on it", &err);
    gr_yaml_text(section, &name, "name", &err);
    gr_yaml_text(section, &none, "none", &err);
    assert_int_equal(gr_yaml_finish(root, &err), GR_OK);
    assert_true(a == 7 && b == 2 && unset == -1 && !none);
    char *text = written(root);
    assert_string_equal(text, "b: 2\ns:\n  a: 7\n  lr: 0.1\n  on it: true\n  name: 'yes'\n");
    again = parsed(text);
    gr_yaml_section(again, &section, "s", &err);
    assert_int_equal(gr_yaml_int(section, &again_a, "a", 0, 9, &err), GR_OK);
    assert_int_equal(gr_yaml_text(section, &again_name, "name", &err), GR_OK);
    assert_true(again_a == 7 && !strcmp(again_name, "yes"));
    gr_yaml_free(again);
    gr_yaml_free(root);
    gr_free(text);
}

static bool same(const gr_yaml *a, const gr_yaml *b) {
    if (a->kind != b->kind || a->count != b->count || !a->key != !b->key || (a->key && strcmp(a->key, b->key)) ||
        (a->kind == GR_YAML_SCALAR && (strcmp(a->text, b->text) || a->quoted != b->quoted)))
        return false;
    for (a = a->first, b = b->first; a; a = a->next, b = b->next)
        if (!same(a, b))
            return false;
    return true;
}

/* The key of a map that was read as a number with this default. */
static const gr_yaml *read_with(const char *text, int64_t initial, gr_yaml **root) {
    int64_t value = initial;
    assert_int_equal(gr_yaml_parse(root, text, strlen(text), "marks", NULL), GR_OK);
    assert_int_equal(gr_yaml_count(*root, &value, "n", 0, INT64_MAX, NULL), GR_OK);
    return gr__yaml_child(*root, "n");
}

/* What equals the default that it was read with could be left out. */
static void values_that_are_defaults_are_marked(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t initial;
        bool plain;
    } cases[] = {{"n: 4000", 4000, true},
                 {"n: 4k", 4000, true},
                 {"n: 4001", 4000, false},
                 {"other: 1", 4000, true},
                 {"n: 0", -1, false},
                 {"n: 9007199254740993", 9007199254740992, false},
                 {"n: 9007199254740993", 9007199254740993, true}};
    gr_yaml *root;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const gr_yaml *node = read_with(cases[i].text, cases[i].initial, &root);
        if (node->plain != cases[i].plain || node->sense != GR_YAML_WHOLE)
            fail_msg("%s with default %lld: plain %d", cases[i].text, (long long)cases[i].initial, node->plain);
        gr_yaml_free(root);
    }

    /* A default out of range is none: the key stays away, and a value of its own is never plain. */
    int64_t none = -1;
    assert_int_equal(gr_yaml_parse(&root, "a: 1", 4, "marks", NULL), GR_OK);
    assert_int_equal(gr_yaml_count(root, &none, "n", 0, 9, NULL), GR_OK);
    assert_null(gr__yaml_child(root, "n"));
    gr_yaml_free(root);
}

static void every_kind_of_value_is_marked(void **state) {
    (void)state;
    static const char same[] = "{r: 0.50, b: yes, t: x, c: two}", other[] = "{r: 0.25, b: no, t: y, c: one}";
    static const char *const names[] = {"one", "two", NULL}, *const keys[] = {"r", "b", "t", "c"};
    static const char *const texts[] = {same, "{}", other};
    for (int i = 0; i < 3; i++) {
        gr_yaml *root;
        double r = 0.5;
        bool b = true;
        const char *t = "x";
        int c = 1;
        assert_int_equal(gr_yaml_parse(&root, texts[i], strlen(texts[i]), "marks", NULL), GR_OK);
        assert_int_equal(gr_yaml_real(root, &r, "r", 0, 1, NULL), GR_OK);
        assert_int_equal(gr_yaml_bool(root, &b, "b", NULL), GR_OK);
        assert_int_equal(gr_yaml_text(root, &t, "t", NULL), GR_OK);
        assert_int_equal(gr_yaml_choice(root, &c, "c", names, NULL), GR_OK);
        for (int k = 0; k < 4; k++)
            assert_int_equal(gr__yaml_child(root, keys[k])->plain, i < 2);
        assert_true(gr__yaml_child(root, "r")->sense == GR_YAML_REAL && gr__yaml_child(root, "r")->real == r);
        assert_true(gr__yaml_child(root, "b")->sense == GR_YAML_TRUTH && gr__yaml_child(root, "b")->whole == b);
        assert_int_equal(gr__yaml_child(root, "t")->sense, GR_YAML_TEXT);
        gr_yaml_free(root);
    }
}

/* A key that several reads ask for, each with a default of its own. */
static void marks_hold_for_all_reads(void **state) {
    (void)state;
    gr_yaml *root;
    const char *id = NULL;
    assert_int_equal(gr_yaml_parse(&root, "{id: x, s: {}, l: [1]}", 22, "marks", NULL), GR_OK);
    for (int i = 0; i < 2; i++) /* the second finds what the first has read */
        assert_int_equal(gr_yaml_text(root, &id, "id", NULL), GR_OK);
    assert_false(gr__yaml_child(root, "id")->plain);

    /* Sections may be left out, other maps and lists say something by being there. */
    gr_yaml *section, *list;
    const char *const *texts = NULL;
    int count = 0;
    assert_int_equal(gr_yaml_section(root, &section, "s", NULL), GR_OK);
    assert_true(section->plain);
    assert_int_equal(gr_yaml_list(root, &list, "l", NULL), GR_OK);
    assert_false(list->plain);
    assert_int_equal(gr_yaml_texts(root, &texts, &count, "l", NULL), GR_OK);
    assert_false(list->plain);

    /* What --set puts in its place has not been read. */
    gr_yaml_is_path(gr__yaml_child(root, "id"));
    gr_yaml_is_plain(section, true);
    assert_int_equal(gr_yaml_set(root, "s=3", NULL), GR_OK);
    assert_int_equal(gr_yaml_set(root, "id=y", NULL), GR_OK);
    assert_false(gr__yaml_child(root, "s")->plain || gr__yaml_child(root, "id")->path);
    assert_string_equal(gr_yaml_asked(root, 0), "id");
    assert_string_equal(gr_yaml_asked(root, 2), "l");
    assert_null(gr_yaml_asked(root, 3));
    gr_yaml_free(root);
}

static bool keep_labels(const gr_yaml *map) { return map->key && !strcmp(map->key, "labels"); }

static void trees_are_sorted(void **state) {
    (void)state;
    static const char text[] = "z: 1\nlabels: {b: {y: 1, x: 2}, a: 3}\na: [{q: 1, p: 2}, 0]\n";
    gr_yaml *root;
    char *sorted;
    assert_int_equal(gr_yaml_parse(&root, text, strlen(text), "sort", NULL), GR_OK);
    gr_yaml_sort(root, keep_labels);
    assert_int_equal(gr_yaml_write(root, &sorted, NULL), GR_OK);
    assert_string_equal(sorted, "a:\n- p: 2\n  q: 1\n- 0\nlabels:\n  b:\n    x: 2\n    y: 1\n  a: 3\nz: 1\n");
    assert_int_equal(root->count, 3);
    assert_string_equal(root->last->key, "z");
    gr_free(sorted);
    gr_yaml_sort(root, NULL);
    assert_string_equal(gr__yaml_child(root, "labels")->first->key, "a");
    gr_yaml_free(root);
}

static void builds_and_writes(void **state) {
    (void)state;
    gr_yaml *root = gr_yaml_new("built"), *list = gr_yaml_add_list(root, "list");
    static const char *const texts[] = {"plain",     "true",          "12",         "",      "null", "a: b",
                                        "- x",       "#no",           "two\nlines", " pad ", "\"q'", "{x}, [y]",
                                        "h\xc3\xa9", "&a *b !c %d @e"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        gr_yaml_add_text(list, NULL, texts[i]);
    gr_yaml_add_map(root, "empty map");
    gr_yaml_add_list(root, "off");
    gr_yaml *odd = gr_yaml_add_map(gr_yaml_add_list(root, "nest"), NULL);
    gr_yaml_add_real(odd, "r", 1.0 / 3);
    gr_yaml_add_real(odd, "tiny", 5e-324);
    gr_yaml_add_int(odd, "i", INT64_MIN);
    gr_yaml_add_bool(odd, "a: key", false);
    char *text = written(root), *second;
    gr_yaml *back = parsed(text);
    assert_int_equal(gr__yaml_child(back, "list")->count, list->count);
    int i = 0;
    for (const gr_yaml *child = gr__yaml_child(back, "list")->first; child; child = child->next, i++) {
        const char *value = NULL;
        assert_int_equal(gr_yaml_as_text(child, &value, NULL), GR_OK);
        assert_string_equal(value, texts[i]);
    }
    double third = 0;
    gr_yaml_real(gr__yaml_child(back, "nest")->first, &third, "r", 0, 1, NULL);
    assert_true(third == 1.0 / 3);
    second = written(back);
    gr_yaml *last = parsed(second);
    assert_true(same(back, last));
    gr_free(text);
    gr_free(second);
    gr_yaml_free(root);
    gr_yaml_free(back);
    gr_yaml_free(last);
    static const char *const unwritable[] = {"\xff", "\xf6\x87\x9a\x9c", "\xed\xa0\x80"};
    for (i = 0; i < 3; i++) {
        gr_error err = {0};
        root = gr_yaml_new("built");
        gr_yaml_add_text(root, "x", unwritable[i]);
        assert_int_equal(gr_yaml_write(root, &text, &err), GR_ERR_USAGE);
        assert_null(text);
        gr_yaml_free(root);
    }
}

/* The line of a node, taken by --set, is that of the same node. */
static void set_again(const gr_yaml *node) {
    char *line, *second;
    assert_int_equal(gr_yaml_write_line(node, &line, NULL), GR_OK);
    gr_yaml *again = gr_yaml_new("again");
    char *set = gr_format("k=%s", line);
    assert_int_equal(gr_yaml_set(again, set, NULL), GR_OK);
    assert_int_equal(gr_yaml_write_line(again->first, &second, NULL), GR_OK);
    assert_string_equal(line, second);
    gr_free(line), gr_free(set), gr_free(second);
    gr_yaml_free(again);
}

static void lines_are_what_set_takes(void **state) {
    (void)state;
    char *line;
    gr_yaml *root =
        parsed("k:\n- 4\n- \"4\"\n- 'no'\n- ~\n-\n- ''\n- {x: 1}\n- - a\n  - {x: 1, y: [2]}\n- {on e: , \"off\": no}\n"
               "- []\n- {}\n- \"two\\nlines\"\n- \"\\u2028\"\n- \"\\u2029\"\n- \"\\x85\"\n- a, b]\n- {it's: "
               "h\xc3\xa9}\n- |\n  #\n");
    assert_int_equal(gr_yaml_write_line(root->first, &line, NULL), GR_OK);
    assert_string_equal(line,
                        "[4, '4', 'no', ~, null, '', {x: 1}, [a, {x: 1, y: [2]}], {on e: null, 'off': no}, [], {}, "
                        "\"two\\nlines\", \"\\L\", \"\\P\", \"\\N\", 'a, b]', {it's: h\xc3\xa9}, \"#\\n\"]");
    gr_free(line);
    for (const gr_yaml *child = root->first->first; child; child = child->next)
        set_again(child);
    gr_yaml_free(root);
}

/* Damaged text is refused or read; what is read can be written and read again. */
static void try_text(const char *bytes, size_t length) {
    gr_error err = {0};
    gr_yaml *root, *again;
    if (gr_yaml_parse(&root, bytes, length, "r.yaml", &err)) {
        assert_int_equal(err.status, GR_ERR_FORMAT);
        return;
    }
    char *text = written(root), *second;
    assert_int_equal(gr_yaml_parse(&again, text, strlen(text), "again", &err), GR_OK);
    second = written(again);
    assert_string_equal(text, second);
    gr_yaml_free(again);
    gr_free(second);
    gr_free(text);
    set_again(root);
    gr_yaml_free(root);
}

static void survives_damage(void **state) {
    (void)state;
    size_t length = strlen(recipe);
    for (size_t n = 0; n <= length; n++) {
        char *copy = malloc(n + 1); /* exactly n bytes matter: a read behind them is seen */
        memcpy(copy, recipe, n);
        copy = realloc(copy, n ? n : 1);
        try_text(copy, n);
        free(copy);
    }
    gr_key key = {5, GR_STREAM_TEST, 1};
    for (uint32_t i = 0; i < 4000; i++) {
        char copy[sizeof recipe];
        memcpy(copy, recipe, sizeof recipe);
        for (uint32_t j = 0; j <= i % 3; j++) {
            uint64_t bits = gr_random_bits(key, i, j);
            copy[bits % length] = "\n:{}[]-&*!\"'# \t\xff,?|>x0"[(bits >> 32) % 22];
        }
        try_text(copy, length);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_values),
        cmocka_unit_test(refuses_syntax),
        cmocka_unit_test(refuses_values),
        cmocka_unit_test(counts_are_exact),
        cmocka_unit_test(unknown_keys_get_hints),
        cmocka_unit_test(set_overrides),
        cmocka_unit_test(set_stays_readable),
        cmocka_unit_test(defaults_fill_the_tree),
        cmocka_unit_test(values_that_are_defaults_are_marked),
        cmocka_unit_test(every_kind_of_value_is_marked),
        cmocka_unit_test(marks_hold_for_all_reads),
        cmocka_unit_test(trees_are_sorted),
        cmocka_unit_test(builds_and_writes),
        cmocka_unit_test(lines_are_what_set_takes),
        cmocka_unit_test(survives_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
