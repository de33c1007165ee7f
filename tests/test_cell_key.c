/* Keys of cells: what changes a row changes the key, what changes none does not, and neither for any recipe key or part
 * of a cell is forgotten. */
#include "arch/field.h"
#include "cell_key_helpers.h"
#include "gradroute/bundle.h"
#include "io/json.h"
#include "io/yaml.h"
#include "label/source.h"

/* ---- every recipe key ---- */

/* The text of a recipe; of FROM with the folder of the first model that set_up has saved. */
static const char *base_text(base which) {
    static char from[400];
    if (which != FROM)
        return bases[which];
    snprintf(from, sizeof from,
             "data: {jsonl: /c.jsonl}\nlabels: {a: {is: [x]}}\nmodel: {from: %s}\nregions: {a: {mlp: {add: 4}}}\n",
             gr_test_path("one"));
    return from;
}

static void every_key_changes_what_it_should(void **state) {
    (void)state;
    for (int i = 0; i < CHANGED; i++) {
        const change *c = &changes[i];
        const char *sets[] = {c->with ? c->with : c->set, c->set};
        const char *before = recipe_key(base_text(c->base), sets, c->with ? 1 : 0);
        const char *after = recipe_key(base_text(c->base), sets, c->with ? 2 : 1);
        assert_keys(c->effect == STAYS, before, after, c->set);
    }
}

static bool is_in_table(const char *key) {
    if (!strcmp(key, "model.from"))
        return true;
    for (int i = 0; i < CHANGED; i++)
        if (!strcmp(changes[i].key, key))
            return true;
    return false;
}

/* Maps whose keys are names that the recipe's author chose. */
static bool has_names(const char *path) {
    static const char *const named[] = {"labels", "regions", "preset.regions"};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (!strcmp(path, named[i]))
            return true;
    return false;
}

/* Every key that reads have asked for, below a node: "labels.*.known", "routes[].chance". */
static void walk(const gr_yaml *node, const char *path, int *missing) {
    const char *key;
    for (int i = 0; !has_names(path) && (key = gr_yaml_asked(node, i)); i++) {
        char *full = gr_format("%s%s%s", path, path[0] ? "." : "", key);
        if (!is_in_table(full)) {
            print_error("a recipe key is not in tests/recipe_keys.inc: %s\n", full);
            ++*missing;
        }
        gr_free(full);
    }
    for (const gr_yaml *child = node->first; child; child = child->next) {
        const char *name = has_names(path) ? "*" : child->key;
        char *below = name ? gr_format("%s%s%s", path, path[0] ? "." : "", name) : gr_format("%s[]", path);
        if (!strcmp(below, "routes[].options[]"))
            strcpy(below, "routes[]");
        walk(child, below, missing);
        gr_free(below);
    }
}

static void no_key_is_forgotten(void **state) {
    (void)state;
    int missing = 0;
    for (base b = 0; b < BASES; b++) {
        gr_recipe *recipe = parse(base_text(b), NULL, 0);
        walk(recipe->root, "", &missing);
        gr_recipe_free(recipe);
    }

    /* What no recipe above may have had: other architectures, sources of labels, options of presets. */
    for (const gr__arch_field *f = gr__fields; f->name; f++) {
        char *full = gr_format("model.%s", f->key ? f->key : "arch");
        missing += !is_in_table(full);
        gr_free(full);
    }
    for (const gr__label_source *const *s = gr__label_sources(); *s; s++)
        for (int i = 0; i < GR_LABEL_ARGS && (*s)->arg[i].kind; i++) {
            const char *own = (*s)->arg[0].key;
            char *full = (*s)->arg[i].within ? gr_format("labels.*.%s.%s", own, (*s)->arg[i].key)
                                             : gr_format("labels.*.%s", (*s)->arg[i].key);
            missing += !is_in_table(full);
            gr_free(full);
        }
    for (int i = 0; i < gr_presets(); i++)
        for (int k = 0; k < GR_PRESET_OPTIONS && gr_preset_at(i)->option[k].name; k++) {
            char *full = gr_format("preset.%s", gr_preset_at(i)->option[k].name);
            missing += !is_in_table(full);
            gr_free(full);
        }
    assert_int_equal(missing, 0);
}

/* A resolved recipe says every default, and is the same cell; so is one whose paths are elsewhere. */
static void what_a_resolved_recipe_says_changes_nothing(void **state) {
    (void)state;
    for (base b = 0; b < BASES; b++) {
        gr_recipe *recipe = parse(base_text(b), NULL, 0);
        gr_error err = {0};
        char *text;
        gr_test_ok(gr_recipe_text(recipe, &text, &err), &err);
        gr_recipe_free(recipe);
        assert_keys(true, recipe_key(base_text(b), NULL, 0), recipe_key(text, NULL, 0), bases[b] ? bases[b] : "from");
        gr_free(text);
    }
}

/* ---- order ---- */

static void order_counts_where_it_says_something(void **state) {
    (void)state;
    static const char first[] = "a: {is: [x]}, b: {is: [y]}", second[] = "r: {mlp: {add: 8}}, s: {mlp: {add: 4}}",
                      third[] = "r: 0.3, all: 0.7", fourth[] = "lr: 0.01, batch: 8";
    static const struct {
        const char *what, *labels, *regions, *weights, *train;
        bool same;
    } other[] = {
        {"labels", "b: {is: [y]}, a: {is: [x]}", second, third, fourth, false},
        {"regions", first, "s: {mlp: {add: 4}}, r: {mlp: {add: 8}}", third, fourth, false},
        {"weights", first, second, "all: 0.7, r: 0.3", fourth, false},
        {"settings", first, second, third, "batch: 8, lr: 0.01", true},
    };
    char text[2][600];
    static const char format[] = "data: {jsonl: /c.jsonl, context: 64}\n" LLAMA "labels: {%s}\nregions: {%s}\n"
                                 "routes: [{label: a, parameter: {%s}}]\ntrain: {%s}\n";
    snprintf(text[0], sizeof text[0], format, first, second, third, fourth);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        snprintf(text[1], sizeof text[1], format, other[i].labels, other[i].regions, other[i].weights, other[i].train);
        assert_keys(other[i].same, recipe_key(text[0], NULL, 0), recipe_key(text[1], NULL, 0), other[i].what);
    }
}

/* ---- files ---- */

static void contents_count_and_places_do_not(void **state) {
    (void)state;
    assert_keys(true, recipe_key("data: {jsonl: /here/c.jsonl}\n" LLAMA, NULL, 0),
                recipe_key("data: {jsonl: there/d.jsonl}\n" LLAMA, NULL, 0), "a corpus that moved");
    gr_recipe *recipe = parse(bases[TEXT], NULL, 0);
    gr__cell_id id = model_cell(recipe), other = id;
    other.data = digest_b;
    assert_keys(false, key_of(&id), key_of(&other), "other data");
    gr_recipe_free(recipe);
}

/* A model to go on from is known by what it holds: the same elsewhere, another in its place. */
static void a_model_to_go_on_from_is_its_content(void **state) {
    (void)state;
    char set[2][300];
    snprintf(set[0], sizeof set[0], "model.from=%s", gr_test_path("same"));
    snprintf(set[1], sizeof set[1], "model.from=%s", gr_test_path("other"));
    const char *here = recipe_key(base_text(FROM), NULL, 0);
    assert_keys(true, here, recipe_key(base_text(FROM), (const char *const[]){set[0]}, 1), "a copy of the model");
    assert_keys(false, here, recipe_key(base_text(FROM), (const char *const[]){set[1]}, 1), "another model");
}

/* ---- the other parts of a cell ---- */

/* Another value of this field of `id` makes another key than `before`. */
#define PART(field, value)                                  \
    do {                                                    \
        gr__cell_id other = id;                             \
        other.field = (value);                              \
        assert_keys(false, before, key_of(&other), #field); \
    } while (0)

static void every_part_of_a_cell_counts(void **state) {
    (void)state;
    gr_recipe *recipe = parse(bases[TEXT], NULL, 0);
    gr__cell_id id = model_cell(recipe);
    char before[GR_DIGEST_HEX];
    strcpy(before, key_of(&id));

    /* Models. */
    PART(what, "ablate");
    PART(revision, 2);
    PART(task, "samples");
    PART(task_revision, 2);
    PART(recipe, NULL);
    PART(data, digest_b);
    PART(shown, digest_a);
    PART(shown, NULL);
    PART(parent, digest_a);
    PART(precision, "bf16");
    PART(seed, 2);
    PART(split_seed, 2);
    PART(order_seed, 2);

    /* Measurements: of which model, on which documents, with which draws. */
    static const uint32_t documents[] = {1, 5, 9}, others[] = {1, 5, 8};
    gr_groups groups = {.group = {{"forget", documents, documents, 3, 2}}, .count = 1}, wanted = groups;
    static const char *const want[] = {"any_label"}, *const want_other[] = {"animals"};
    id.kind = GR_CELL_ATTACK, id.what = "relearn", id.parent = digest_a, id.groups = &groups, id.group_want = want;
    strcpy(before, key_of(&id));
    PART(kind, GR_CELL_MEASURE);
    PART(what, "other");
    PART(revision, 2);
    PART(parent, digest_b);
    PART(data, digest_b);
    PART(precision, "bf16");
    PART(split_seed, 2);
    PART(group_want, want_other);

    /* Each part of a group. */
    wanted.group[0].test = others;
    PART(groups, &wanted);
    wanted = groups, wanted.group[0].validation = others + 1;
    PART(groups, &wanted);
    wanted = groups, wanted.group[0].tests = 2;
    PART(groups, &wanted);
    wanted = groups, wanted.group[0].name = "retain";
    PART(groups, &wanted);
    wanted = groups, wanted.count = 0;
    PART(groups, &wanted);

    /* What its parent has is not said twice: neither of these is the attack's own. */
    gr__cell_id same = id;
    same.recipe = NULL, same.seed = 7, same.order_seed = 8, same.shown = NULL;
    assert_keys(true, before, key_of(&same), "what the parent has");
    gr_recipe_free(recipe);
}

static void data_cells_are_their_data(void **state) {
    (void)state;
    static const uint32_t documents[] = {1, 5, 9};
    gr_groups groups = {.group = {{"forget", documents, documents, 3, 2}}, .count = 1};
    gr__cell_id id = {.kind = GR_CELL_DATA, .task = "text", .task_revision = 1, .data = digest_a, .groups = &groups};
    char before[GR_DIGEST_HEX];
    strcpy(before, key_of(&id));
    PART(data, digest_b);
    PART(task, "samples");
    PART(groups, NULL);
}

/* What a method does not read is no part of the key, whatever is said there; everything else stays. */
static void what_is_not_read_does_not_count(void **state) {
    (void)state;
    static const char *const unread[] = {"preset", "routes", NULL};
    static const char *const sets[] = {"preset.p_cr=0.5", "preset={name: sgtm}",
                                       "routes=[{label: animals, open: [animals]}]", "train.lr=0.5"};
    gr_recipe *recipe = parse(bases[TEXT], NULL, 0);
    gr__cell_id id = model_cell(recipe), all = id;
    id.unread = unread;

    /* Each but the last is of what is not read; where all is read, each counts. */
    for (int i = 0; i < 4; i++) {
        gr_recipe *changed = parse(bases[TEXT], &sets[i], 1);
        gr__cell_id other = id, routed = all;
        other.recipe = routed.recipe = changed;
        assert_keys(i < 3, key_of(&id), key_of(&other), sets[i]);
        assert_keys(false, key_of(&all), key_of(&routed), sets[i]);
        gr_recipe_free(changed);
    }
    gr_recipe_free(recipe);

    /* A recipe without any has the key that it always had. */
    recipe = parse(bases[SAMPLES], NULL, 0);
    id = all = model_cell(recipe);
    id.unread = unread;
    assert_keys(true, key_of(&all), key_of(&id), "no routes");
    gr_recipe_free(recipe);
}

/* The key is the digest of what is kept with it, also when that was written and read again. */
static void a_key_can_be_explained(void **state) {
    (void)state;
    static const char *const sets[] = {"train.lr=0.1", "train.tokens=3.2M", "labels.animals.known=0.3"};
    gr_recipe *recipe = parse(bases[TEXT], sets, 3);
    gr__cell_id id = model_cell(recipe);
    gr_error err = {0};
    json_t *of, *back;
    char key[GR_DIGEST_HEX], again[GR_DIGEST_HEX];
    gr_test_ok(gr__cell_key(key, &of, &id, &err), &err);

    /* Written and read again. */
    char *text = json_dumps(of, JSON_INDENT(2));
    gr_test_ok(gr_json_parse(&back, text, strlen(text), "of", &err), &err);
    gr__cell_key_of(again, back);
    assert_string_equal(key, again);

    /* It holds what was said, and nothing that was not. */
    json_t *train = json_object_get(json_object_get(of, "recipe"), "train");
    char *line = gr_json_line(train, true);
    assert_string_equal(line, "{\"lr\":0.10000000000000001,\"tokens\":3200000}");
    gr_free(line);
    gr_free(text);
    json_decref(of), json_decref(back);
    gr_recipe_free(recipe);
}

static void numbers_count_by_their_value(void **state) {
    (void)state;
    static const char *const spelt[] = {"train.tokens=3200k", "train.tokens=3.2M", "train.tokens=3200000",
                                        "train.tokens=32e5"};
    static const char *const real[] = {"train.lr=0.01", "train.lr=1e-2", "train.lr=.01", "train.lr=0.010"};
    static const char *const truth[] = {"data.mixed=true", "data.mixed=yes", "data.mixed=on", "data.mixed=True"};
    static const char *const *const lists[] = {spelt, real, truth};
    for (int k = 0; k < 3; k++)
        for (int i = 1; i < 4; i++)
            assert_keys(true, recipe_key(bases[TEXT], lists[k], 1), recipe_key(bases[TEXT], lists[k] + i, 1),
                        lists[k][i]);

    /* But a topic is a text, however much it looks like a number. */
    static const char *const topic[] = {"labels.animals.is=[1e3]", "labels.animals.is=[1000]"};
    assert_keys(false, recipe_key(bases[TEXT], topic, 1), recipe_key(bases[TEXT], topic + 1, 1), topic[0]);
}
/* ---- a model to go on from ---- */

static void save_model(const char *name, uint64_t seed) {
    gr_error err = {0};
    gr_arch_def def = gr_arch_default();
    gr_model *model;
    def.layers = 1, def.width = 16, def.heads = 2, def.mlp = 32, def.context = 32, def.vocab = 300;
    gr_test_ok(gr_arch_build(&model, &def, seed, &err), &err);
    gr_test_ok(gr_bundle_save(gr_test_path(name), &def, model, &(gr_bundle_info){.seed = 1}, &err), &err);
    gr_model_free(model);
}

static int set_up(void **state) {
    gr_test_files_setup(state);
    save_model("one", 1);
    save_model("same", 1);
    save_model("other", 2);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_changes_what_it_should),
        cmocka_unit_test(no_key_is_forgotten),
        cmocka_unit_test(what_a_resolved_recipe_says_changes_nothing),
        cmocka_unit_test(order_counts_where_it_says_something),
        cmocka_unit_test(contents_count_and_places_do_not),
        cmocka_unit_test(a_model_to_go_on_from_is_its_content),
        cmocka_unit_test(every_part_of_a_cell_counts),
        cmocka_unit_test(data_cells_are_their_data),
        cmocka_unit_test(what_is_not_read_does_not_count),
        cmocka_unit_test(a_key_can_be_explained),
        cmocka_unit_test(numbers_count_by_their_value),
    };
    return cmocka_run_group_tests(tests, set_up, gr_test_files_teardown);
}
