/* Documents by group: each word, against topics that the test knows, and against what audits picked before. */
#include <stdlib.h>

#include "base/names.h"
#include "io/yaml.h"
#include "recipe/graft.h"
#include "task/propose.h"
#include "task_helpers.h"

/* Whether a list holds exactly the documents of `from` for which `holds` is true. */
static void expect_list(const uint32_t *list, size_t count, const uint32_t *from, size_t all,
                        bool (*holds)(const gr_project *, uint32_t), const gr_project *p) {
    size_t n = 0;
    for (size_t i = 0; i < all; i++)
        if (holds(p, from[i])) {
            assert_true(n < count);
            assert_int_equal(list[n++], from[i]);
        }
    assert_int_equal(n, count);
}

static void expect_group(const gr_project *p, gr_group_want want, bool (*holds)(const gr_project *, uint32_t)) {
    gr_groups groups;
    gr_error err = {0};
    want.name = "asked";
    gr_test_ok(p->task->groups(&groups, p, &want, 1, &err), &err);
    assert_int_equal(groups.count, 1);
    const gr_group *g = &groups.group[0];
    assert_string_equal(g->name, "asked");
    expect_list(g->test, g->tests, p->data->test, p->data->test_count, holds, p);
    expect_list(g->validation, g->validations, p->data->validation, p->data->validation_count, holds, p);
    assert_true(g->tests > 0);
    gr_groups_free(&groups);
    assert_int_equal(groups.count, 0);
}

static bool is_animal(const gr_project *p, uint32_t d) { return (void)p, !strcmp(topic_of(d), "animal"); }
static bool is_tool(const gr_project *p, uint32_t d) { return (void)p, !strcmp(topic_of(d), "tool"); }
static bool is_food(const gr_project *p, uint32_t d) { return (void)p, !strcmp(topic_of(d), "food"); }
static bool is_act(const gr_project *p, uint32_t d) { return (void)p, !strcmp(topic_of(d), "act"); }
static bool is_animal_or_tool(const gr_project *p, uint32_t d) { return is_animal(p, d) || is_tool(p, d); }
static bool is_hidden_animal(const gr_project *p, uint32_t d) {
    return is_animal(p, d) && p->labels->revealed[d] == GR_LABEL_UNLABELLED;
}

static void documents_are_grouped_by_each_word(void **state) {
    (void)state;
    gr_project *p =
        open_text((const char *[]){"labels.tools={is: [tool]}", "labels.animals.known=0.5", "data.validation=0.2"}, 3);
    expect_group(p, (gr_group_want){.kind = GR_GROUP_ANY_LABEL}, is_animal_or_tool);
    expect_group(p, (gr_group_want){.kind = GR_GROUP_LABEL, .of = "animals"}, is_animal);
    expect_group(p, (gr_group_want){.kind = GR_GROUP_LABEL, .of = "tools"}, is_tool);
    expect_group(p, (gr_group_want){.kind = GR_GROUP_HIDDEN, .of = "animals"}, is_hidden_animal);
    expect_group(p, (gr_group_want){.kind = GR_GROUP_CONCEALED}, is_hidden_animal);
    expect_group(p, (gr_group_want){.kind = GR_GROUP_TOPIC, .of = "tool"}, is_tool);
    expect_group(p, (gr_group_want){.kind = GR_GROUP_TOPIC, .of = "act"}, is_act);
    expect_group(p, (gr_group_want){.kind = GR_GROUP_ADJACENT}, is_food);
    expect_group(p, (gr_group_want){.kind = GR_GROUP_RETAIN}, is_act);
    lab_close(p);
}

/* A topic that is hidden is the group, however little is drawn beside it. */
static void hidden_topics_are_a_group(void **state) {
    (void)state;
    gr_project *p = open_text(
        (const char *[]){"labels={things: {is: [animal, tool], hidden: [tool]}}", "data.validation=0.2", "adjacent=[]"},
        3);
    expect_group(p, (gr_group_want){.kind = GR_GROUP_LABEL, .of = "things"}, is_animal_or_tool);
    expect_group(p, (gr_group_want){.kind = GR_GROUP_HIDDEN, .of = "things"}, is_tool);
    assert_true(p->task->fact(p, "hidden_labels"));
    lab_close(p);
}

/* What the audit picked before tasks did: 0 forget, 1 adjacent, 2 retain. */
static size_t picked_before(const gr_project *p, uint32_t *out, const uint32_t *docs, size_t count, int group) {
    const gr_labels *l = p->labels;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t d = docs[i];
        int g = l->truth[d] > 0 ? 0 : l->group[d] == l->group_count - 1 ? 2 : 1;
        if (g == group && gr_dataset_scored(p->data, l, NULL, d, p->recipe->data.context).tokens)
            out[n++] = d;
    }
    return n;
}

static void expect_as_before(gr_project *p, const gr_group_want want[3]) {
    gr_groups groups;
    gr_error err = {0};
    uint32_t *docs = gr_alloc((p->data->topics.docs + 1) * sizeof *docs);
    gr_test_ok(p->task->groups(&groups, p, want, 3, &err), &err);
    assert_int_equal(groups.count, 3);
    assert_ptr_equal(groups.unit, gr_dataset_drawn_by(p->data));
    for (int g = 0; g < 3; g++) {
        const gr_group *got = &groups.group[g];
        assert_int_equal(picked_before(p, docs, p->data->test, p->data->test_count, g), got->tests);
        assert_memory_equal(docs, got->test, got->tests * sizeof *docs);
        assert_int_equal(picked_before(p, docs, p->data->validation, p->data->validation_count, g), got->validations);
        assert_memory_equal(docs, got->validation, got->validations * sizeof *docs);
    }
    gr_groups_free(&groups);
    gr_free(docs);
    lab_close(p);
}

static void the_groups_of_audits_are_what_they_were(void **state) {
    (void)state;
    static const gr_group_want want[] = {{.name = "forget", .kind = GR_GROUP_ANY_LABEL},
                                         {.name = "adjacent", .kind = GR_GROUP_ADJACENT, .optional = true},
                                         {.name = "retain", .kind = GR_GROUP_RETAIN}};
    static const char *const sets[][3] = {
        {"seed=1", "seed=1", "seed=1"},
        {"labels.animals.known=0.5", "labels.animals.hidden_as=core", "adjacent=[]"},
        {"labels={birds: {words: [bird, saw], per: token}}", "seed=2", "data.validation=0.2"},
        {"data.context=8", "data.validation=0.2", "seed=3"}, /* pieces */
        {"data.context=8", "data.long=cut",
         "labels={late: {words: [north, bird, saw], per: token}}"}, /* beyond the row */
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        expect_as_before(open_text(sets[i], 3), want);
    expect_as_before(open_samples(NULL, 0), want);
}

/* ---- topics to develop on ---- */

static void expect_proposed(const char *const *sets, int count, const char *text) {
    gr_project *p = open_text(sets, count);
    char *have = gr__project_propose(p);
    if (text ? !have || strcmp(have, text) != 0 : have != NULL)
        fail_msg("proposed %s, expected %s", have ? have : "nothing", text ? text : "nothing");
    gr_free(have);
    lab_close(p);
}

/* Training documents of a topic. */
static int size_of(const gr_project *p, const char *topic) {
    int size = 0;
    for (size_t i = 0; i < p->data->train_count; i++)
        size += strcmp(topic_of(p->data->train[i]), topic) == 0;
    return size;
}

/* Free topics alone, the one nearest in size first. */
static void topics_to_develop_on_are_free_and_alike(void **state) {
    (void)state;
    gr_project *p = open_text((const char *[]){"adjacent=[]"}, 1);
    static const char *const free_topics[] = {"tool", "food", "act"};
    const char *nearest = NULL;
    const int animals = size_of(p, "animal");
    for (int i = 0; i < 3; i++)
        if (!nearest || abs(size_of(p, free_topics[i]) - animals) < abs(size_of(p, nearest) - animals))
            nearest = free_topics[i];
    char *text = gr_format("{labels: {animals: {is: [%s]}}}", nearest), *adjacent = gr_format("adjacent=[%s]", nearest);
    lab_close(p);
    expect_proposed((const char *[]){"adjacent=[]"}, 1, text);
    gr_free(text);

    /* Not that one where it is adjacent: of two labels each has one of its own. */
    p = open_text((const char *[]){adjacent}, 1);
    char *first = gr__project_propose(p);
    assert_non_null(first);
    assert_null(strstr(first, nearest));
    gr_free(first);
    lab_close(p);
    gr_free(adjacent);
    expect_proposed((const char *[]){"labels={a: {is: [animal]}, b: {is: [tool]}}", "adjacent=[act]"}, 2, NULL);
    expect_proposed((const char *[]){"labels={a: {is: [animal]}}", "adjacent=[act, food]"}, 2,
                    "{labels: {a: {is: [tool]}}}");
    expect_proposed((const char *[]){"labels={a: {is: [animal, food]}}", "adjacent=[act]"}, 2,
                    "{labels: {a: {is: [tool]}}}");

    /* None is left; labels that are made by something else. */
    expect_proposed((const char *[]){"labels={a: {is: [animal, tool, food]}}", "adjacent=[act]"}, 2, NULL);
    expect_proposed((const char *[]){"labels={a: {words: [bird]}}"}, 1, NULL);
}

/* What is proposed, as the recipe's section, from which an experiment takes it. */
static gr_yaml *take_proposed(const char *const *sets, int count) {
    gr_project *p = open_text(sets, count);
    gr_error err = {0};
    gr_yaml *tree;
    char *proposed = gr__project_propose(p), *set = gr_format("development=%s", proposed ? proposed : "");
    assert_non_null(proposed);
    gr_test_ok(gr_yaml_parse(&tree, text_recipe, strlen(text_recipe), "task.yaml", &err), &err);
    for (int i = 0; i < count; i++)
        gr_test_ok(gr_yaml_set(tree, sets[i], &err), &err);
    gr_test_ok(gr_yaml_set(tree, set, &err), &err);
    gr_test_ok(gr__recipe_develop(tree, "task.yaml", &err), &err);
    gr_free(set);
    gr_free(proposed);
    lab_close(p);
    return tree;
}

/* The texts of a list of the label that stands first. */
static int texts_of(const char *const **texts, gr_yaml *tree, const char *key) {
    int count = 0;
    gr_error err = {0};
    gr_yaml *label = gr_yaml_find(tree, "labels")->first;
    gr_test_ok(gr_yaml_texts(label, texts, &count, key, &err), &err);
    return count;
}

/* Where training is not told of a topic, it is not told of the one that stands for it, which is as large. */
static void topics_that_stand_for_hidden_ones_are_hidden(void **state) {
    (void)state;
    static const char *const sets[] = {"adjacent=[]", "labels={things: {is: [animal, tool], hidden: [tool]}}"};
    gr_project *p = open_text(sets, 2);
    const int animals = size_of(p, "animal"), foods = size_of(p, "food"), acts = size_of(p, "act");
    const bool food_first = abs(foods - animals) < abs(acts - animals);
    assert_int_not_equal(abs(foods - animals), abs(acts - animals));
    lab_close(p);
    expect_proposed(sets, 2,
                    food_first ? "{labels: {things: {is: [food, act], hidden: [act]}}}"
                               : "{labels: {things: {is: [act, food], hidden: [food]}}}");

    /* An experiment takes it as it stands. */
    const char *const *is, *const *hidden;
    gr_yaml *tree = take_proposed(sets, 2);
    assert_int_equal(texts_of(&is, tree, "is"), 2);
    assert_int_equal(texts_of(&hidden, tree, "hidden"), 1);
    assert_string_equal(hidden[0], is[1]);
    gr_yaml_free(tree);

    /* Where one alone is left, nothing is hidden in the place of what is. */
    expect_proposed((const char *[]){"adjacent=[act]", sets[1]}, 2, NULL);
}

/* Names that YAML, or the options of a command, would read as something else. */
static void any_name_of_a_topic_reads_back(void **state) {
    (void)state;
    enum { NAMES = 8, EACH = 20 };
    static const char *const names[NAMES] = {"a: b", "it's \"so\"", "-x, [y]",       "yes",
                                             "1e3",  "null",        "# \\ \xc3\xa4", "two\nlines"};
    FILE *file = fopen(gr_test_path("names.jsonl"), "w");
    assert_non_null(file);
    for (int d = 0; d < 4 * NAMES * EACH; d++) {
        char text[64], own[16];
        snprintf(text, sizeof text, "a small bird number %d of the north", d);
        snprintf(own, sizeof own, "own%d", d / 4 % NAMES);
        json_t *record = json_pack("{s:s, s:s}", "text", text, "label", d % 4 ? own : names[d / 4 % NAMES]);
        json_dumpf(record, file, 0);
        fputc('\n', file);
        json_decref(record);
    }
    assert_int_equal(fclose(file), 0);

    /* As many as the label has, which are all there are: its own have more documents, so that none is left out. */
    const char *const *is;
    char *data = gr_format("data.jsonl=%s", gr_test_path("names.jsonl"));
    gr_yaml *tree =
        take_proposed((const char *[]){data, "data.validation=0.3", "adjacent=[]",
                                       "labels={things: {is: [own0, own1, own2, own3, own4, own5, own6, own7]}}"},
                      4);
    gr_free(data);
    const int count = texts_of(&is, tree, "is");
    assert_int_equal(count, NAMES);
    for (int i = 0; i < NAMES; i++)
        if (!gr__has_text(is, count, names[i]))
            fail_msg("'%s' does not read back", names[i]);
    gr_yaml_free(tree);
}

/* Of labels of tokens a document is of each label that one of its tokens has. */
static bool has_bird(const gr_project *p, uint32_t d) {
    for (size_t at = p->data->offsets[d] + d; at <= p->data->offsets[d + 1] + d; at++)
        if (p->labels->token_truth[at] == 2)
            return true;
    return false;
}

static void labels_of_tokens_group_documents(void **state) {
    (void)state;
    static const char *const sets[] = {
        "labels={ends: {words: [north, parts], per: token}, birds: {words: [bird, soup, saw], per: token, known: 0.5}}",
        "data.validation=0.2"};
    gr_project *p = open_text(sets, 2);
    assert_non_null(p->labels->token_truth);
    expect_group(p, (gr_group_want){.kind = GR_GROUP_LABEL, .of = "birds"}, has_bird);

    /* Hidden: some of them, and none that training is told of alone. */
    gr_groups groups;
    gr_error err = {0};
    const gr_group_want want = {.name = "hidden", .kind = GR_GROUP_HIDDEN, .of = "birds"};
    gr_test_ok(p->task->groups(&groups, p, &want, 1, &err), &err);
    size_t all = 0;
    for (size_t i = 0; i < p->data->test_count; i++)
        all += has_bird(p, p->data->test[i]);
    assert_true(groups.group[0].tests > 0 && groups.group[0].tests < all);
    gr_groups_free(&groups);
    lab_close(p);
}

static void expect_no_group(const gr_project *p, gr_group_want want, const char *place, const char *words) {
    gr_groups groups;
    gr_error err = {0};
    gr_group_want both[] = {{.name = "first", .kind = GR_GROUP_RETAIN}, want};
    both[1].name = "asked";
    assert_int_equal(p->task->groups(&groups, p, both, 2, &err), GR_ERR_USAGE);
    gr_test_error(&err, place, words);
    assert_int_equal(groups.count, 0);
}

static void groups_that_cannot_be_are_refused(void **state) {
    (void)state;
    gr_project *p = open_text((const char *[]){"adjacent=[]"}, 1);
    expect_no_group(p, (gr_group_want){.kind = GR_GROUP_LABEL, .of = "animal"}, "group asked",
                    "did you mean 'animals'?");
    expect_no_group(p, (gr_group_want){.kind = GR_GROUP_HIDDEN, .of = "xxxxxxx"}, "group asked", "there are: animals");
    expect_no_group(p, (gr_group_want){.kind = GR_GROUP_TOPIC, .of = "animals"}, "group asked",
                    "did you mean 'animal'?");
    expect_no_group(p, (gr_group_want){.kind = GR_GROUP_ADJACENT}, "audit", "the test split has no asked document");
    expect_no_group(p, (gr_group_want){.kind = GR_GROUP_ADJACENT, .optional = true, .chosen_on = true}, "audit",
                    "the validation split has no asked document");
    lab_close(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_to_develop_on_are_free_and_alike),
        cmocka_unit_test(topics_that_stand_for_hidden_ones_are_hidden),
        cmocka_unit_test(any_name_of_a_topic_reads_back),
        cmocka_unit_test(documents_are_grouped_by_each_word),
        cmocka_unit_test(hidden_topics_are_a_group),
        cmocka_unit_test(the_groups_of_audits_are_what_they_were),
        cmocka_unit_test(labels_of_tokens_group_documents),
        cmocka_unit_test(groups_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests_name("groups", tests, task_setup, gr_test_files_teardown);
}
