/* The order of a recipe's keys: it counts for what is numbered or multiplied by it, for nothing else, and folders that
 * were begun when every order counted are still gone on with. */
#include "io/file.h"
#include "io/json.h"
#include "io/yaml.h"
#include "lab_helpers.h"
#include "recipe/deciding.h"

#define RECIPE(labels, train)                                                              \
    "precision: float32\n"                                                                 \
    "data: {jsonl: corpus.jsonl, context: 32, validation: 0.1, tokenizer: {train: 300}}\n" \
    "labels: {" labels "}\n"                                                               \
    "model: {arch: llama, layers: 1, width: 16, heads: 2, mlp: 32}\n"                      \
    "regions: {animals: {mlp: {add: 8}}, foods: {mlp: {add: 8}}}\n"                        \
    "preset: {name: residual, p_cr: 0.1}\n"                                                \
    "train: {" train "}\n"
#define LABELS "animals: {is: [animal]}, foods: {is: [food]}"
#define LABELS_TURNED "foods: {is: [food]}, animals: {is: [animal]}"
#define TRAIN "steps: 20, batch: 4, lr: 0.01"
#define TRAIN_TURNED "lr: 0.01, batch: 4, steps: 20"

/* folder: of the run; NULL: none. */
static gr_project *open_project(const char *text, const char *folder) {
    gr_error err = {0};
    gr_recipe *recipe;
    gr_project *project;
    char *data = folder ? gr_format("%s/data", folder) : NULL;
    gr_test_ok(gr_recipe_open(&recipe, gr_test_write("recipe.yaml", text, strlen(text)), NULL, 0, &err), &err);
    gr_test_ok(gr_project_open(&project, recipe, data, NULL, &err), &err);
    gr_free(data);
    return project;
}

static const char *digest_of(const char *text, const char *folder) {
    static char digest[4][65];
    static int turn;
    gr_project *project = open_project(text, folder);
    turn = (turn + 1) % 4;
    strcpy(digest[turn], project->digest);
    lab_close(project);
    return digest[turn];
}

static void only_order_that_says_something_is_in_the_digest(void **state) {
    (void)state;
    const char *here = digest_of(RECIPE(LABELS, TRAIN), NULL);
    assert_string_equal(here, digest_of(RECIPE(LABELS, TRAIN_TURNED), NULL));
    assert_string_not_equal(here, digest_of(RECIPE(LABELS_TURNED, TRAIN), NULL));
    assert_string_not_equal(here, digest_of(RECIPE(LABELS, "steps: 20, batch: 4, lr: 0.02"), NULL));
}

/* As it was made when the text counted as it stood (for text, labels of documents and a network of its own). */
static void older_digest(char hex[65], const gr_project *p) {
    gr_error err = {0};
    char *text, *deciding;
    gr_yaml *root;
    gr_test_ok(gr_recipe_text(p->recipe, &text, &err), &err);
    gr_test_ok(gr__recipe_deciding(&root, text, &err), &err);
    gr_test_ok(gr_yaml_write(root, &deciding, &err), &err);
    gr_digest *d = gr_digest_new();
    gr_digest_add(d, deciding, strlen(deciding));
    gr_digest_add(d, p->data->ids, p->data->offsets[p->data->topics.docs] * sizeof *p->data->ids);
    gr_digest_add(d, p->labels->revealed, p->labels->docs * sizeof *p->labels->revealed);
    gr_digest_end(d, hex);
    gr_yaml_free(root);
    gr_free(text), gr_free(deciding);
}

static void write_mark(const char *folder, const char *digest) {
    gr_error err = {0};
    char *path = gr_format("%s/folder.json", folder);
    json_t *mark = json_pack("{s:s, s:s, s:s}", "format", "gradroute-folder-1", "kind", "run", "digest", digest);
    gr_test_ok(gr_directory_make(folder, &err), &err);
    gr_test_ok(gr_json_write(mark, path, &err), &err);
    json_decref(mark);
    gr_free(path);
}

static void folders_begun_before_keep_their_digest(void **state) {
    (void)state;
    char before[65], now[65];
    const char *folder = gr_test_path("run");
    gr_project *project = open_project(RECIPE(LABELS, TRAIN), NULL);
    older_digest(before, project);
    strcpy(now, project->digest);
    assert_string_not_equal(before, now);
    assert_true(gr_project_made(project, before) && gr_project_made(project, now));
    assert_false(gr_project_made(project, "0123"));
    lab_close(project);

    /* The folder's own stays, the recipe as it was; another recipe is another one all the same. */
    write_mark(folder, before);
    assert_string_equal(digest_of(RECIPE(LABELS, TRAIN), folder), before);
    assert_string_not_equal(digest_of(RECIPE(LABELS, "steps: 20, batch: 4, lr: 0.02"), folder), before);
    write_mark(folder, now);
    assert_string_equal(digest_of(RECIPE(LABELS, TRAIN_TURNED), folder), now);
}

/* ---- what is said of it ---- */

static int differences(char *list, size_t size, const char *here, const char *there) {
    gr_error err = {0};
    gr_yaml *a, *b;
    gr_test_ok(gr__recipe_deciding(&a, here, &err), &err);
    gr_test_ok(gr__recipe_deciding(&b, there, &err), &err);
    int count = gr__recipe_differences(list, size, a, b);
    gr_yaml_free(a), gr_yaml_free(b);
    return count;
}

static void another_order_is_named_where_it_counts(void **state) {
    (void)state;
    static const struct {
        const char *here, *there, *said; /* NULL: nothing */
    } cases[] = {
        {RECIPE(LABELS, TRAIN), RECIPE(LABELS, TRAIN_TURNED), NULL},
        {RECIPE(LABELS_TURNED, TRAIN), RECIPE(LABELS, TRAIN),
         "the order of labels is foods, animals here, animals, foods there"},
        {"regions: {a: 1, b: 2}", "regions: {b: 2, a: 1}", "the order of regions is a, b here, b, a there"},
        {"routes: [{parameter: {a: 1, b: 2}}]", "routes: [{parameter: {b: 2, a: 1}}]",
         "the order of routes[0].parameter is a, b here, b, a there"},
        {"train: {parameter: {a: 1, b: 2}}", "train: {parameter: {b: 2, a: 1}}", NULL},
        {"labels: {a: 1, b: 2}", "labels: {a: 1}", "labels.b is 2 here, not set there"}, /* no matter of order */
        {"labels: {a: 1}", "labels: {b: 1, a: 1}", "labels.b is not set here, 1 there"},
        {"threads: 1\nlabels: {a: 1}", "labels: {a: 1}\nthreads: 2", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char list[400];
        int count = differences(list, sizeof list, cases[i].here, cases[i].there);
        if (count != (cases[i].said != NULL) || strcmp(list, cases[i].said ? cases[i].said : ""))
            fail_msg("case %d: %d, '%s'", (int)i, count, list);
    }
}

static int set_up(void **state) {
    gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_order_that_says_something_is_in_the_digest),
        cmocka_unit_test(folders_begun_before_keep_their_digest),
        cmocka_unit_test(another_order_is_named_where_it_counts),
    };
    return cmocka_run_group_tests(tests, set_up, gr_test_files_teardown);
}
