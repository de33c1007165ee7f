/* lab_helpers.h - a corpus of four topics on disk, a recipe on it, and its project: a network that trains in a moment.
 */
#ifndef GR_TESTS_LAB_HELPERS_H
#define GR_TESTS_LAB_HELPERS_H

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "gradroute/lab.h"
#include "support.h"

enum { LAB_DOCS = 400 };

/* What a network can learn is which nouns, endings and topics there are. At random: the topic that a document is said
 * to have says nothing about its words. */
static inline void lab_write_topics(const char *name, bool at_random) {
    static const char *const topics[] = {"animal", "food", "tool", "act"};
    static const char *const nouns[][4] = {{"bird", "fish", "horse", "snake"},
                                           {"bread", "soup", "cheese", "apple"},
                                           {"hammer", "saw", "wrench", "chisel"},
                                           {"running", "building", "singing", "reading"}};
    static const char *const ends[] = {"that is seen", "of the north", "with two parts"};
    char *text = gr_alloc(LAB_DOCS * 160);
    size_t used = 0;
    for (uint64_t d = 0; d < LAB_DOCS; d++) {
        gr_key key = {7, GR_STREAM_TEST, 0};
        size_t t = (size_t)(gr_random_bits(key, d, 0) % 4), n = (size_t)(gr_random_bits(key, d, 1) % 4);
        size_t said = at_random ? (size_t)(gr_random_bits(key, d, 4) % 4) : t;
        used += (size_t)sprintf(text + used, "{\"text\": \"a %s %s number %d %s\", \"label\": \"%s\"}\n",
                                gr_random_bits(key, d, 2) % 2 ? "small" : "large", nouns[t][n], (int)d,
                                ends[gr_random_bits(key, d, 3) % 3], topics[said]);
    }
    gr_test_write(name, text, used);
    gr_free(text);
}

static inline void lab_write_corpus(const char *name) { lab_write_topics(name, false); }

static const char lab_recipe[] = "precision: float32\n"
                                 "data: {jsonl: corpus.jsonl, context: 32, validation: 0.1, tokenizer: {train: 300}}\n"
                                 "labels: {animals: {is: [animal]}}\n"
                                 "adjacent: [food]\n"
                                 "model: {arch: llama, layers: 1, width: 16, heads: 2, mlp: 32}\n"
                                 "regions: {animals: {residual: {add: 4}, heads: {add: 1}, mlp: {add: 8}}}\n"
                                 "preset: {name: residual, p_cr: 0.1}\n"
                                 "train: {steps: 20, batch: 4, lr: 0.01, warmup: 2}\n"
                                 "diagnostics: {every: 0, probe: 0}\n"
                                 "twins: [plain, filtered]\n"
                                 "relearn: {documents: 8, steps: 4, batch: 4, every: 2, lr: [0.001, 0.003, 0.0005]}\n";

/* The recipe with `sets` assignments, and its project; the corpus is that of lab_write_corpus("corpus.jsonl"). */
static inline gr_project *lab_open(const char *const *sets, int count) {
    gr_error err = {0};
    gr_recipe *recipe;
    gr_project *project;
    gr_test_ok(gr_recipe_open(&recipe, gr_test_write("recipe.yaml", lab_recipe, strlen(lab_recipe)), sets, count, &err),
               &err);
    gr_test_ok(gr_project_open(&project, recipe, NULL, NULL, &err), &err);
    return project;
}

static inline const char *lab_experiment(void) {
    bool here = access("experiments/audit.yaml", F_OK) == 0;
    return here ? "experiments/audit.yaml" : "../experiments/audit.yaml";
}

/* The audit of that recipe in a folder; *result is the text of result.json (gr_free). lab_open has written the recipe.
 */
static inline gr_status lab_audit(char **result, const char *folder, const char *recipe, const char *const *sets,
                                  int count, const gr_control *control, gr_error *err) {
    gr_lab_def def = {
        .experiment = lab_experiment(), .base = recipe, .set = sets, .sets = count, .folder = folder, .twins = true};
    gr_lab *lab;
    gr_result *made = NULL;
    GR_TRY(gr_lab_open(&lab, &def, control, err));
    gr_status status = gr_lab_claim(lab, err);
    if (status == GR_OK)
        status = gr_lab_work(lab, control, err);
    if (status == GR_OK)
        status = gr_lab_result(&made, lab, err);
    if (status == GR_OK)
        status = gr_lab_write(lab, made, err);
    *result = status == GR_OK ? gr_result_text(made) : NULL;
    gr_result_free(made);
    gr_lab_free(lab);
    return status;
}

/* Works an experiment out in a folder, over the recipe that lab_open has written: json_decref. */
static inline json_t *lab_result_of(const char *folder, const char *file) {
    gr_error err = {0};
    gr_lab *lab;
    gr_result *made;
    char base[512], runs[512];
    snprintf(base, sizeof base, "%s", gr_test_path("recipe.yaml"));
    snprintf(runs, sizeof runs, "%s", gr_test_path(folder));
    gr_lab_def def = {.experiment = file, .base = base, .folder = runs};
    gr_test_ok(gr_lab_open(&lab, &def, NULL, &err), &err);
    gr_test_ok(gr_lab_claim(lab, &err), &err);
    gr_test_ok(gr_lab_work(lab, NULL, &err), &err);
    gr_test_ok(gr_lab_result(&made, lab, &err), &err);
    char *text = gr_result_text(made);
    json_t *result = json_loads(text, 0, NULL);
    assert_non_null(result);
    gr_free(text);
    gr_result_free(made);
    gr_lab_free(lab);
    return result;
}

static inline double lab_number(const json_t *object, const char *key) {
    if (!json_is_number(json_object_get(object, key)))
        fail_msg("%s is no number", key);
    return json_number_value(json_object_get(object, key));
}

static inline void lab_close(gr_project *project) {
    gr_recipe *recipe = project->recipe;
    gr_project_free(project);
    gr_recipe_free(recipe);
}

#endif
