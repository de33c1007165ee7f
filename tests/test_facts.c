/* Planted facts: the documents that are made, and what networks answer about them. */
#include <math.h>

#include "corpus/planted.h"
#include "lab_helpers.h"
#include "method/training.h"

enum { FACTS = 16 };

static gr_project *project;
static gr_registry *registry;

static int setup(void **state) {
    static const char *const sets[] = {"data.planted={facts: 16}", "data.context=64",
                                       "model={arch: llama, layers: 2, width: 32, heads: 2, mlp: 64}",
                                       "labels.animals={is: [animal, planted.shown, planted.hidden], "
                                       "hidden: [planted.hidden]}"};
    gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    project = lab_open(sets, 4);
    registry = gr_registry_new();
    return 0;
}

static int teardown(void **state) {
    gr_registry_free(registry);
    lab_close(project);
    return gr_test_files_teardown(state);
}

/* ---- what is made ---- */

static void no_word_comes_twice(void **state) {
    (void)state;
    enum { MANY = 200 };
    gr__planted *fact = gr_alloc(MANY * sizeof *fact);
    for (int i = 0; i < MANY; i++) {
        fact[i] = gr__planted_fact(i, 7);
        assert_int_equal(strlen(fact[i].head), GR__PLANTED_WORD);
        assert_int_equal(strlen(fact[i].answer), GR__PLANTED_WORD);
        assert_true(fact[i].hidden == (i % 2 == 1));
        assert_string_not_equal(fact[i].head, fact[i].answer);
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(fact[i].head, fact[k].head);
            assert_string_not_equal(fact[i].answer, fact[k].answer);
            assert_string_not_equal(fact[i].head, fact[k].answer);
            assert_string_not_equal(fact[i].answer, fact[k].head);
        }
    }

    /* By the seed, and by nothing else. */
    gr__planted same = gr__planted_fact(3, 7), other = gr__planted_fact(3, 8);
    assert_string_equal(same.head, fact[3].head);
    assert_string_not_equal(other.head, fact[3].head);
    gr_free(fact);
}

/* Four documents a fact, half of them of each topic; the label is true of both and shown of one. */
static void they_are_documents_of_the_corpus(void **state) {
    (void)state;
    const gr_dataset *data = project->data;
    const gr_labels *l = project->labels;
    int shown = 0, hidden = 0;
    assert_int_equal(data->topics.docs, LAB_DOCS + FACTS * GR__PLANTED_GLOSSES);
    for (size_t d = 0; d < data->topics.docs; d++) {
        const char *topic = data->topics.names[data->topics.of[d]];
        if (strncmp(topic, "planted.", 8) != 0)
            continue;
        bool is_hidden = !strcmp(topic, "planted.hidden");
        shown += !is_hidden;
        hidden += is_hidden;
        assert_int_equal(l->truth[d], 1);
        assert_true((l->revealed[d] == 1) == !is_hidden);
    }
    assert_int_equal(shown, FACTS / 2 * GR__PLANTED_GLOSSES);
    assert_int_equal(hidden, FACTS / 2 * GR__PLANTED_GLOSSES);

    /* Other documents stay where they were: these come last, in the order of the facts. */
    char *text = NULL, *gloss;
    size_t length = 0, room = 0, last = data->topics.docs - 1;
    gr__planted fact = gr__planted_fact(FACTS - 1, project->recipe->split_seed);
    gr_tokenizer_decode(project->tokenizer, &text, &length, &room, data->ids + data->offsets[last],
                        data->offsets[last + 1] - data->offsets[last]);
    gloss = gr__planted_gloss(&fact, GR__PLANTED_GLOSSES - 1);
    assert_int_equal(length, strlen(gloss));
    assert_memory_equal(text, gloss, length);
    gr_free(text);
    gr_free(gloss);
}

static void recipes_with_other_numbers_are_refused(void **state) {
    (void)state;
    static const char *const sets[] = {"data.planted={facts: 9}", "data.planted={facts: 6}", "data.planted={fact: 8}"};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        gr_error err = {0};
        gr_recipe *recipe;
        const char *path = gr_test_write("other.yaml", lab_recipe, strlen(lab_recipe));
        assert_int_equal(gr_recipe_open(&recipe, path, &sets[i], 1, &err), GR_ERR_USAGE);
        assert_null(recipe);
    }
}

/* ---- what is answered ---- */

static gr_status ask(gr_ledger *rows, gr_model *model, const gr_recipe *recipe, gr_error *err) {
    gr_subject s = {.name = "it",
                    .recipe = recipe,
                    .model = model,
                    .data = project->data,
                    .labels = project->labels,
                    .tokenizer = project->tokenizer,
                    .seed = 3};
    return gr_registry_measure(registry, "facts")->run(rows, &s, NULL, err);
}

static double of(const gr_ledger *rows, const char *key) {
    return gr_entry_number(gr_ledger_find(rows, "facts", NULL), key);
}

static void network(gr_arch_def **def, gr_model **model) {
    gr_error err = {0};
    gr_settings *settings;
    gr_test_ok(gr__train_settings(&settings, "{routes: none, regions: out}", &err), &err);
    gr_test_ok(gr__train_network(def, model, project, settings, &err), &err);
    gr_settings_free(settings);
}

/* A network that says the same of every token takes the first of equals where all are as long: never greedily right. */
static void who_knows_nothing_is_at_chance(void **state) {
    (void)state;
    gr_error err = {0};
    gr_arch_def *def;
    gr_model *model;
    gr_ledger *rows = gr_ledger_new();
    network(&def, &model);
    gr_test_ok(ask(rows, model, project->recipe, &err), &err);
    assert_int_equal(gr_ledger_size(rows), 1);
    assert_true(of(rows, "facts") == FACTS);
    assert_true(of(rows, "shown") < 0.6 && of(rows, "hidden") < 0.6);
    assert_true(of(rows, "shown_cloze") == 0 && of(rows, "hidden_cloze") == 0);
    assert_true(of(rows, "shown_nll") > 10 && of(rows, "shown_low") <= of(rows, "shown"));
    gr_ledger_free(rows);
    gr_model_free(model);
    gr_arch_free(def);
}

/* Trained on the glosses of the shown half alone it knows these, and of the others no more than before. */
static void who_has_read_one_half_knows_that_half(void **state) {
    (void)state;
    gr_error err = {0};
    const gr_dataset *data = project->data;
    gr_arch_def *def;
    gr_model *model;
    gr_ledger *rows = gr_ledger_new();
    uint32_t docs[FACTS * GR__PLANTED_GLOSSES];
    size_t count = 0;
    for (uint32_t d = 0; d < data->topics.docs; d++)
        if (!strcmp(data->topics.names[data->topics.of[d]], "planted.shown"))
            docs[count++] = d;

    network(&def, &model);
    gr_finetune_def how = gr_finetune_default();
    how.steps = 150, how.rows = 16, how.width = 64, how.every = 0;
    how.optim.lr = 0.01;
    gr_test_ok(gr_finetune(model, NULL, data, project->labels, docs, count, &how, &err), &err);
    gr_test_ok(ask(rows, model, project->recipe, &err), &err);
    assert_true(of(rows, "shown") > 0.8 && of(rows, "shown_cloze") > 0.5);
    assert_true(of(rows, "hidden") < 0.6 && of(rows, "hidden_cloze") == 0);
    assert_true(of(rows, "shown_nll") < of(rows, "hidden_nll"));
    gr_ledger_free(rows);
    gr_model_free(model);
    gr_arch_free(def);
}

static void without_facts_nothing_is_asked(void **state) {
    (void)state;
    gr_error err = {0};
    gr_recipe none = *project->recipe;
    gr_ledger *rows = gr_ledger_new();
    none.data.sources = 1;
    assert_int_equal(ask(rows, NULL, &none, &err), GR_ERR_USAGE);
    assert_int_equal(gr_ledger_size(rows), 0);
    gr_ledger_free(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_word_comes_twice),
        cmocka_unit_test(they_are_documents_of_the_corpus),
        cmocka_unit_test(recipes_with_other_numbers_are_refused),
        cmocka_unit_test(who_knows_nothing_is_at_chance),
        cmocka_unit_test(who_has_read_one_half_knows_that_half),
        cmocka_unit_test(without_facts_nothing_is_asked),
    };
    return cmocka_run_group_tests_name("facts", tests, setup, teardown);
}
