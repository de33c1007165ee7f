/* cell_key_helpers.h - recipes that have between them every key, options of every kind, and keys of cells by them. */
#ifndef GR_TESTS_CELL_KEY_HELPERS_H
#define GR_TESTS_CELL_KEY_HELPERS_H

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/lab.h"
#include "lab/cell_key.h"
#include "lab/registry.h"
#include "support.h"

/* ---- cells of a test ---- */

static const char digest_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                  digest_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static inline gr_recipe *parse(const char *text, const char *const *sets, int count) {
    gr_recipe *recipe;
    gr_error err = {0};
    gr_status status = gr_recipe_parse(&recipe, text, strlen(text), "r.yaml", sets, count, &err);
    if (status != GR_OK && count)
        print_message("with %s\n", sets[0]);
    gr_test_ok(status, &err);
    return recipe;
}

static inline gr__cell_id model_cell(const gr_recipe *recipe) {
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

static inline const char *key_of(const gr__cell_id *id) {
    static char key[4][GR_DIGEST_HEX];
    static int turn;
    gr_error err = {0};
    turn = (turn + 1) % 4;
    gr_test_ok(gr__cell_key(key[turn], NULL, id, &err), &err);
    return key[turn];
}

/* Of a training by this recipe. */
static inline const char *recipe_key(const char *text, const char *const *sets, int count) {
    gr_recipe *recipe = parse(text, sets, count);
    gr__cell_id id = model_cell(recipe);
    const char *key = key_of(&id);
    gr_recipe_free(recipe);
    return key;
}

static inline void assert_keys(bool same, const char *a, const char *b, const char *what) {
    if (same != !strcmp(a, b))
        fail_msg("%s: the key %s", what, same ? "changes" : "stays");
}

/* ---- recipes ---- */

/* Recipes that have between them every key. FROM has no text here: it names a model folder. */
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

/* ---- options ---- */

/* Options of everything that the library's registry has: methods, attacks, measures. */
typedef struct entry {
    const char *part, *name;
    const gr_setting *option;
} entry;

static inline entry *entries_of(const gr_registry *registry, int *count) {
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

static inline const char *settings_key(const gr_settings *settings) {
    gr__cell_id id = model_cell(NULL);
    id.kind = GR_CELL_MEASURE, id.what = "loss", id.parent = digest_a, id.settings = settings;
    return key_of(&id);
}

/* One option of each kind. */
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

#endif
