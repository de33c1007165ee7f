/* Keys of cells: what changes a row changes the key, what changes none does not, and neither for any recipe key, option
 * or part of a cell is forgotten. */
#include "lab/cell_key.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/field.h"
#include "base/mem.h"
#include "gradroute/bundle.h"
#include "gradroute/lab.h"
#include "io/file.h"
#include "io/json.h"
#include "io/yaml.h"
#include "lab/registry.h"
#include "label/source.h"
#include "support.h"
#include "task/task.h"

/* ---- cells of a test ---- */

static const char digest_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                  digest_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static gr_recipe *parse(const char *text, const char *const *sets, int count) {
    gr_recipe *recipe;
    gr_error err = {0};
    gr_status status = gr_recipe_parse(&recipe, text, strlen(text), "r.yaml", sets, count, &err);
    if (status != GR_OK && count)
        print_message("with %s\n", sets[0]);
    gr_test_ok(status, &err);
    return recipe;
}

static gr__cell_id model_cell(const gr_recipe *recipe) {
    return (gr__cell_id){.kind = GR_CELL_MODEL,
                         .what = "train",
                         .revision = 1,
                         .task = "text",
                         .task_revision = 1,
                         .recipe = recipe,
                         .data = digest_a,
                         .shown = digest_b,
                         .precision = "float32",
                         .seed = 1,
                         .split_seed = 1,
                         .order_seed = 1};
}

static const char *key_of(const gr__cell_id *id) {
    static char key[4][GR_DIGEST_HEX];
    static int turn;
    gr_error err = {0};
    turn = (turn + 1) % 4;
    gr_test_ok(gr__cell_key(key[turn], NULL, id, &err), &err);
    return key[turn];
}

/* Of a training by this recipe. */
static const char *recipe_key(const char *text, const char *const *sets, int count) {
    gr_recipe *recipe = parse(text, sets, count);
    gr__cell_id id = model_cell(recipe);
    const char *key = key_of(&id);
    gr_recipe_free(recipe);
    return key;
}

static void assert_keys(bool same, const char *a, const char *b, const char *what) {
    if (same != !strcmp(a, b))
        fail_msg("%s: the key %s", what, same ? "changes" : "stays");
}

/* ---- every recipe key ---- */

/* Recipes that have between them every key. FROM names a model folder. */
typedef enum base {
    TEXT,
    LABELS,
    ROUTES,
    UNITS,
    WHOLE,
    EXPERTS,
    NEO,
    SAMPLES,
    WORDNET,
    FILES,
    FOLDERS,
    SHARDS,
    ERA,
    GRAM,
    SGTM,
    FROM,
    BASES
} base;

#define LLAMA "model: {arch: llama, layers: 2, width: 48, heads: 4, mlp: 96}\n"
static const char *const bases[BASES] = {
    [TEXT] = "data: {jsonl: /c.jsonl}\n"
             "labels: {animals: {is: [animal]}, food: {is: [bread]}}\n" LLAMA
             "regions: {animals: {mlp: {add: 8}}, food: {heads: {add: 1}, residual: {add: 8}}}\n"
             "preset: {name: residual}\n",
    [LABELS] = "data: {csv: /c.csv}\n"
               "labels:\n"
               "  a: {words: /words.txt}\n"
               "  b: {pattern: 'ab+'}\n"
               "  c: {scores: {file: /scores.jsonl}}\n"
               "  d: {tokens: [x]}\n"
               "  e: {is: [y], precision: 0.9}\n"
               "  f: {all_of: [a, b]}\n" LLAMA,
    [ROUTES] = "data: {tsv: /c.tsv}\n"
               "labels: {a: {is: [x]}}\n" LLAMA "regions: {a: {mlp: {add: 8}}, b: {mlp: {add: 4}}}\n"
               "routes:\n"
               "  - {label: a, open: [a], rest: closed, mix: {}}\n"
               "  - {label: core, mode: parameter, weights: {a: 0.5, b: 0.25}}\n"
               "  - {label: a, options: [{chance: 0.5, open: [a]}, {chance: 0.5, forward: {a: 0}}]}\n"
               "train: {groups: [{parameters: '*.norm', lr: 0.5}]}\n",
    [UNITS] = "data: {json: /c.json}\n" LLAMA "regions:\n"
              "  a: {residual: {last: 8}, mlp: {last: 8}, heads: {last: 1}}\n"
              "  b: {mlp: {claim: [0, 8]}, heads: {claim: [0, 1]}, parameters: ['layers.0.*']}\n"
              "  c: {adapter: {rank: 2}}\n"
              "  d: {residual: {claim: [8, 16]}}\n",
    [WHOLE] = "data: {jsonl: /c.jsonl}\n" LLAMA "regions: {a: {whole: [1]}}\n",
    [EXPERTS] = "data: {jsonl: /c.jsonl}\n"
                "model: {arch: llama, layers: 2, width: 48, heads: 4, mlp: 96, experts: 4}\n"
                "regions: {a: {experts: {last: 1}}, b: {experts: {claim: [0, 1]}}}\n",
    [NEO] = "data: {jsonl: /c.jsonl}\nmodel: {arch: gptneo, layers: 2, width: 48, heads: 4, mlp: 96}\n",
    [SAMPLES] = "data: {images: /i.gz, classes: /c.gz}\nmodel: {arch: mlp, sizes: [4, 8, 2]}\n",
    [WORDNET] = "data: {wordnet: /w}\n" LLAMA,
    [FILES] = "data: {text: [{file: /a.txt}]}\n" LLAMA,
    [FOLDERS] = "data: {folder: /f}\n" LLAMA,
    [SHARDS] = "data: {shards: /s}\n" LLAMA,
    [ERA] = "data: {jsonl: /c.jsonl}\nlabels: {a: {is: [x]}}\n" LLAMA "regions: {a: {mlp: {add: 8}}}\n"
            "preset: {name: era}\n",
    [GRAM] = "data: {jsonl: /c.jsonl}\nlabels: {a: {is: [x]}}\n" LLAMA "regions: {a: {mlp: {add: 8}}}\n"
             "preset: {name: gram}\n",
    [SGTM] = "data: {jsonl: /c.jsonl}\nlabels: {a: {is: [x]}}\n" LLAMA "regions: {a: {mlp: {add: 8}}}\n"
             "preset: {name: sgtm}\n",
};

typedef enum effect { CHANGES, STAYS } effect;
typedef struct change {
    const char *key; /* as walk() spells it */
    base base;
    const char *set;
    effect effect;
    const char *with; /* another assignment, on both sides; NULL: none */
} change;

#define KEY(key, base, set, effect) {key, base, set, effect, NULL},
#define KEY_WITH(key, base, set, effect, with) {key, base, set, effect, with},
static const change changes[] = {
#include "recipe_keys.inc"
};
enum { CHANGED = sizeof changes / sizeof *changes };

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
#define ORDERED(labels, regions, weights, train)                                                    \
    "data: {jsonl: /c.jsonl, context: 64}\n" LLAMA "labels: {" labels "}\nregions: {" regions "}\n" \
    "routes: [{label: a, parameter: {" weights "}}]\ntrain: {" train "}\n"
#define LABELS_AB "a: {is: [x]}, b: {is: [y]}"
#define REGIONS_AB "r: {mlp: {add: 8}}, s: {mlp: {add: 4}}"
    const char *here = recipe_key(ORDERED(LABELS_AB, REGIONS_AB, "r: 0.3, all: 0.7", "lr: 0.01, batch: 8"), NULL, 0);
    assert_keys(false, here,
                recipe_key(ORDERED("b: {is: [y]}, a: {is: [x]}", REGIONS_AB, "r: 0.3, all: 0.7", "lr: 0.01, batch: 8"),
                           NULL, 0),
                "labels in another order");
    assert_keys(false, here,
                recipe_key(ORDERED(LABELS_AB, "s: {mlp: {add: 4}}, r: {mlp: {add: 8}}", "r: 0.3, all: 0.7",
                                   "lr: 0.01, batch: 8"),
                           NULL, 0),
                "regions in another order");
    assert_keys(false, here,
                recipe_key(ORDERED(LABELS_AB, REGIONS_AB, "all: 0.7, r: 0.3", "lr: 0.01, batch: 8"), NULL, 0),
                "weights in another order");
    assert_keys(true, here,
                recipe_key(ORDERED(LABELS_AB, REGIONS_AB, "r: 0.3, all: 0.7", "batch: 8, lr: 0.01"), NULL, 0),
                "settings in another order");
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

static void every_part_of_a_cell_counts(void **state) {
    (void)state;
    gr_recipe *recipe = parse(bases[TEXT], NULL, 0);
    gr__cell_id id = model_cell(recipe);
    char before[GR_DIGEST_HEX];
    strcpy(before, key_of(&id));
#define PART(field, value)                                  \
    do {                                                    \
        gr__cell_id other = id;                             \
        other.field = (value);                              \
        assert_keys(false, before, key_of(&other), #field); \
    } while (0)
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
    char *text = json_dumps(of, JSON_INDENT(2));
    gr_test_ok(gr_json_parse(&back, text, strlen(text), "of", &err), &err);
    gr__cell_key_of(again, back);
    assert_string_equal(key, again);

    /* With what was said, and without what was not. */
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

/* ---- options ---- */

/* Options of everything that the library's registry has: methods, attacks, measures. */
typedef struct entry {
    const char *part, *name;
    const gr_setting *option;
} entry;

static entry *entries_of(const gr_registry *registry, int *count) {
    static const char *const parts[] = {"method", "attack", "measure"};
    static const gr__registry_part part[] = {GR__REGISTRY_METHODS, GR__REGISTRY_ATTACKS, GR__REGISTRY_MEASURES};
    entry *list = NULL;
    size_t room = 0;
    *count = 0;
    for (int p = 0; p < 3; p++) {
        int names;
        const char **name = gr__registry_names(registry, part[p], &names);
        for (int i = 0; i < names; i++) {
            const gr_setting *option = p == 0   ? gr_registry_method(registry, name[i])->option
                                       : p == 1 ? gr_registry_attack(registry, name[i])->option
                                                : gr_registry_measure(registry, name[i])->option;
            GR_PUSH(list, *count, room) = (entry){parts[p], name[i], option};
        }
        gr_free(name);
    }
    return list;
}

static const char *settings_key(const gr_settings *settings) {
    gr__cell_id id = model_cell(NULL);
    id.kind = GR_CELL_MEASURE, id.what = "loss", id.parent = digest_a, id.settings = settings;
    return key_of(&id);
}

/* Another value than the default, whatever its kind. */
static gr_setting_value other_value(const gr_setting *option) {
    static const char *const text[] = {"another"};
    static const double numbers[] = {7};
    double initial = option->initial.number;
    gr_setting_value value = {.text = "another", .texts = text, .numbers = numbers, .count = 1};
    switch (option->kind) {
    case GR_SETTING_BOOL:
        return (gr_setting_value){.number = !initial};
    case GR_SETTING_WORD:
    case GR_SETTING_CHOICE:
        return (gr_setting_value){.number = initial > 0 ? 0 : 1};
    case GR_SETTING_INT:
    case GR_SETTING_COUNT:
    case GR_SETTING_REAL:
        return (gr_setting_value){.number = initial + 1 <= option->max ? initial + 1 : initial - 1};
    case GR_SETTING_FILE:
        return (gr_setting_value){.text = gr_test_write("list.txt", "a", 1)};
    default:
        return value;
    }
}

static void check_options(const gr_setting *table) {
    gr_error err = {0};
    gr_settings *plain, *changed;
    gr_test_ok(gr_settings_read(&plain, table, NULL, NULL, &err), &err);
    for (const gr_setting *option = table; option->kind; option++) {
        gr_setting_value value = other_value(option);
        gr_test_ok(gr_settings_read(&changed, table, NULL, NULL, &err), &err);
        if (option->kind != GR_SETTING_SETS)
            gr_settings_put(changed, option->key, &value);
        assert_keys(option->free || option->kind == GR_SETTING_SETS, settings_key(plain), settings_key(changed),
                    option->key);
        gr_settings_free(changed);
    }
    gr_settings_free(plain);
}

static const char *const words[] = {"removed", "whole", NULL};
static const gr_choice given = {.name = "given"}, permuted = {.name = "permuted"};
static const gr_choice *const views[] = {&given, &permuted, NULL};
static const gr_setting every_kind[] = {{.key = "truth", .kind = GR_SETTING_BOOL},
                                        {.key = "int", .kind = GR_SETTING_INT, .max = 5},
                                        {.key = "count", .kind = GR_SETTING_COUNT, .max = 5},
                                        {.key = "real", .kind = GR_SETTING_REAL, .max = 5},
                                        {.key = "word", .kind = GR_SETTING_WORD, .word = words},
                                        {.key = "text", .kind = GR_SETTING_TEXT},
                                        {.key = "texts", .kind = GR_SETTING_TEXTS},
                                        {.key = "counts", .kind = GR_SETTING_COUNTS, .max = 5},
                                        {.key = "reals", .kind = GR_SETTING_REALS, .max = 5},
                                        {.key = "file", .kind = GR_SETTING_FILE},
                                        {.key = "choice", .kind = GR_SETTING_CHOICE, .choice = views},
                                        {.key = "set", .kind = GR_SETTING_SETS},
                                        {.key = "free", .kind = GR_SETTING_INT, .max = 5, .free = true},
                                        {0}};

/* Those of the library, and one of each kind. */
static void every_option_counts_unless_it_is_free(void **state) {
    (void)state;
    gr_registry *registry = gr_registry_new();
    int count;
    entry *list = entries_of(registry, &count);
    assert_true(count >= 3);
    for (int i = 0; i < count; i++)
        if (list[i].option)
            check_options(list[i].option);
    check_options(every_kind);
    gr_free(list);
    gr_registry_free(registry);
}

/* Keys of all measures and attacks under a recipe, one after the other. */
static char *reading_keys(const gr_registry *registry, const char *set) {
    gr_recipe *recipe = parse(bases[TEXT], &set, set ? 1 : 0);
    char *keys = gr_strdup("");
    int count;
    entry *list = entries_of(registry, &count);
    for (int i = 0; i < count; i++) {
        const gr_attack *attack = gr_registry_attack(registry, list[i].name);
        const gr_measure *measure = gr_registry_measure(registry, list[i].name);
        void (*preset)(gr_settings *, const gr_recipe *) = attack ? attack->preset : measure ? measure->preset : NULL;
        gr_settings *settings;
        if (!preset)
            continue;
        assert_int_equal(gr_settings_read(&settings, list[i].option, NULL, NULL, NULL), GR_OK);
        preset(settings, recipe);
        char *longer = gr_format("%s %s", keys, settings_key(settings));
        gr_free(keys);
        keys = longer;
        gr_settings_free(settings);
    }
    gr_free(list);
    gr_recipe_free(recipe);
    return keys;
}

/* What a recipe says that is no part of a model, some measurement has to hold, or rows of another recipe would be taken
 * for its own; the rest decides nothing at all. */
static void what_models_leave_out_measurements_hold(void **state) {
    (void)state;
    static const char *const decide[] = {"prompts", "relearn"};
    gr_registry *registry = gr_registry_new();
    char *before = reading_keys(registry, NULL);
    int held = 0;
    for (int i = 0; i < CHANGED; i++) {
        const change *c = &changes[i];
        size_t section = strcspn(c->key, ".");
        bool decides = false;
        for (int k = 0; k < 2; k++)
            decides = decides || (strlen(decide[k]) == section && !strncmp(c->key, decide[k], section));
        if (c->base != TEXT || c->effect != STAYS || c->with)
            continue;
        char *after = reading_keys(registry, c->set);
        assert_keys(!decides, before, after, c->set);
        gr_free(after);
        held += decides;
    }
    assert_true(held >= 8);
    gr_free(before);
    gr_registry_free(registry);
}

/* ---- what must not move ---- */

/* What is shown of labels, as SHA-256 of the lists one behind the other, without those that are not there: worked out
 * apart from this program. */
static void what_is_shown_is_added_as_ever(void **state) {
    (void)state;
    int16_t revealed[] = {1, -1}, token_revealed[] = {0, 1, 1, 0, -1, 0, 1};
    gr_real score[] = {0.5F, 1}, token_score[] = {1, 0.25F, 0.5F, 1, 1, 0.75F, 1};
    uint64_t offsets[] = {0, 3, 5};
    gr_labels labels = {.docs = 2, .revealed = revealed};
    gr_dataset data = {.offsets = offsets};
    gr_project project = {.labels = &labels, .data = &data};
    static const char *const expected[] = {"16b8cb1fe734fbc60c6763c94c9e4cc55840ae966e7e508ba82f539d82702511",
                                           "b9758016d61784949be2867184457747e775478cc6dfe3fe0aa7c9f191f05baa"};
    for (int all = 0; all < 2; all++) {
        char hex[GR_DIGEST_HEX];
        if (all)
            labels.score = score, labels.token_revealed = token_revealed, labels.token_score = token_score;
        gr_digest *digest = gr_digest_new();
        gr__shown_digest(digest, &project);
        gr_digest_end(digest, hex);
        assert_string_equal(hex, expected[all]);
    }
}

/* A text that grows. */
typedef struct note {
    char *text;
} note;

static void add(note *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(note *to, const char *format, ...) {
    char line[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    char *longer = gr_format("%s%s", to->text, line);
    gr_free(to->text);
    to->text = longer;
}

static const gr_setting train_options[] = {
    {.key = "routes", .kind = GR_SETTING_WORD, .word = (const char *const[]){"recipe", "none", NULL}},
    {.key = "labels", .kind = GR_SETTING_CHOICE, .choice = views},
    {.key = "watch", .kind = GR_SETTING_BOOL, .free = true},
    {0}};

static const gr_settings *settings_of(const gr_setting *table, const char *key, double number) {
    gr_error err = {0};
    gr_settings *settings;
    gr_test_ok(gr_settings_read(&settings, table, NULL, NULL, &err), &err);
    if (key)
        gr_settings_put(settings, key, &(gr_setting_value){.number = number});
    return settings;
}

static void add_key(note *to, const char *name, const gr__cell_id *id) {
    add(to, "%s %s\n", name, key_of(id));
    gr_settings_free((gr_settings *)id->settings);
}

/* Twelve cells of one experiment. */
static void add_cells(note *to) {
    static const char *const sets[] = {"preset.p_cr=0.5"};
    static const uint32_t documents[] = {1, 5, 9};
    static const char *const want[] = {"any_label", "retain"}, *const of_routes[] = {"preset", "routes", NULL};
    gr_groups groups = {.group = {{"forget", documents, documents, 3, 2}, {"retain", documents, NULL, 2, 0}},
                        .count = 2};
    gr_recipe *recipe = parse(bases[TEXT], NULL, 0), *knob = parse(bases[TEXT], sets, 1);
    gr_recipe *samples = parse(bases[SAMPLES], NULL, 0);
    gr__cell_id id = model_cell(recipe), other;

    add_key(to, "data",
            &(gr__cell_id){.kind = GR_CELL_DATA,
                           .task = "text",
                           .task_revision = 1,
                           .data = digest_a,
                           .groups = &groups,
                           .group_want = want});
    id.settings = settings_of(train_options, "watch", 1);
    add_key(to, "routed", &id);
    other = id, other.recipe = knob, other.settings = settings_of(train_options, NULL, 0);
    add_key(to, "routed p_cr 0.5", &other);
    other = id, other.settings = settings_of(train_options, "routes", 1), other.unread = of_routes;
    add_key(to, "plain", &other);
    other = id, other.settings = settings_of(train_options, "labels", 1), other.shown = digest_a;
    add_key(to, "placebo", &other);
    other = id, other.seed = other.split_seed = other.order_seed = 2, other.settings = NULL;
    add_key(to, "second seed", &other);
    other = id, other.precision = "bf16", other.settings = NULL;
    add_key(to, "bf16", &other);
    other = id, other.recipe = samples, other.task = "samples", other.settings = NULL;
    add_key(to, "samples", &other);

    /* Of the routed model. */
    id.settings = NULL;
    const char *parent = key_of(&id);
    id = (gr__cell_id){.kind = GR_CELL_MODEL,
                       .what = "ablate",
                       .revision = 1,
                       .task = "text",
                       .task_revision = 1,
                       .data = digest_a,
                       .parent = parent,
                       .precision = "float32",
                       .seed = 1,
                       .split_seed = 1,
                       .order_seed = 1};
    add_key(to, "routed_off", &id);
    id.kind = GR_CELL_MEASURE, id.what = "loss", id.groups = &groups, id.group_want = want;
    add_key(to, "loss", &id);
    id.what = "complete", id.settings = settings_of(every_kind, "count", 2);
    add_key(to, "complete", &id);
    id.kind = GR_CELL_ATTACK, id.what = "relearn", id.settings = NULL;
    add_key(to, "relearn", &id);
    gr_recipe_free(recipe), gr_recipe_free(knob), gr_recipe_free(samples);
}

static void add_value(note *to, const gr_setting *option) {
    const gr_setting_value *v = &option->initial;
    add(to, "%s kind %d number %.17g text %s count %d%s", option->key, option->kind, v->number, v->text ? v->text : "-",
        v->count, option->free ? " free" : "");
    for (int i = 0; i < v->count; i++)
        if (option->kind == GR_SETTING_TEXTS)
            add(to, " %s", v->texts[i]);
        else
            add(to, " %.17g", v->numbers[i]);
    add(to, "\n");
}

/* A recipe with every default, as far as `end` (NULL: all of it), with or without its network. */
static void add_resolved(note *to, const char *name, const char *from, const char *end, bool model) {
    gr_recipe *recipe = parse(from, NULL, 0);
    char *text;
    assert_int_equal(gr_recipe_text(recipe, &text, NULL), GR_OK);
    char *cut = end ? strstr(text, end) : NULL;
    if (cut)
        cut[1] = 0;
    add(to, "\n%s:\n", name);

    /* Only the first ones say the network, which is as long as all else. */
    bool skip = false;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        skip = line[0] == ' ' || line[0] == '-' ? skip : !model && !strcmp(line, "model:");
        if (!skip)
            add(to, "%s\n", line);
    }
    gr_free(text);
    gr_recipe_free(recipe);
}

/* Defaults are left out of keys, so a default that moves must not go unseen. */
static void add_defaults(note *to) {
    static const char *const smallest[] = {
        "data: {jsonl: /c.jsonl}\nmodel: {arch: llama}\n",
        "data: {images: /i.gz, classes: /c.gz}\nmodel: {arch: mlp, sizes: [4, 2]}\n"};
    for (int i = 0; i < 2; i++)
        add_resolved(to, i ? "smallest recipe of samples" : "smallest recipe of text", smallest[i], NULL, true);

    /* What only other recipes have: each network's own, labels, regions, presets, routes. */
    for (int i = 0; gr__styles[i].name; i++) {
        char *text = gr_format("data: {jsonl: /c.jsonl}\nmodel: {arch: %s, layers: 2, width: 48, heads: 4, mlp: 96}\n",
                               gr__styles[i].name);
        add_resolved(to, gr__styles[i].name, text, "\nseed:", true);
        gr_free(text);
    }
    for (base b = 0; b < FROM; b++)
        add_resolved(to, "a recipe", bases[b], "\nseed:", b == EXPERTS);

    /* Options of everything that has a name. */
    gr_registry *registry = gr_registry_new();
    int count;
    entry *list = entries_of(registry, &count);
    for (int i = 0; i < count; i++) {
        add(to, "\n%s %s:\n", list[i].part, list[i].name);
        for (const gr_setting *option = list[i].option; option && option->kind; option++)
            add_value(to, option);
    }
    gr_free(list);
    gr_registry_free(registry);
}

static void pinned_keys_and_defaults_stay(void **state) {
    (void)state;
    note now = {gr_strdup("")};
    size_t length;
    add_cells(&now);
    add_defaults(&now);
    char *pinned = gr_test_read("tests/reference/keys.txt", &length);
    if (strcmp(pinned, now.text) != 0) {
        FILE *out = fopen("keys.txt.new", "w");
        fputs(now.text, out);
        fclose(out);
        fail_msg("keys or defaults differ from tests/reference/keys.txt (what they are now is in keys.txt.new).\nA key "
                 "that changes voids rows that were made; a default that changes needs a new revision of what reads "
                 "it.\nA commit of its own says why");
    }
    free(pinned);
    gr_free(now.text);
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
        cmocka_unit_test(every_option_counts_unless_it_is_free),
        cmocka_unit_test(what_models_leave_out_measurements_hold),
        cmocka_unit_test(what_is_shown_is_added_as_ever),
        cmocka_unit_test(pinned_keys_and_defaults_stay),
    };
    return cmocka_run_group_tests(tests, set_up, gr_test_files_teardown);
}
