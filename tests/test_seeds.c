/* The three seeds of a recipe: each changes its own things, and nothing else. */
#include "lab_helpers.h"
#include "task/network.h"
#include "task/project_stream.h"

enum { POSITIONS = 4 * 32, PARAMS = 4000, STEPS = 3 };

/* What a run begins with. */
typedef struct begin {
    uint32_t held[LAB_DOCS];
    size_t held_count;
    int16_t revealed[LAB_DOCS];
    int32_t order[STEPS][POSITIONS]; /* documents of the first batches */
    gr_real start[PARAMS];
    size_t params;
    char digest[65];
} begin;

static void look(begin *b, const char *const *sets, int count) {
    gr_error err = {0};
    gr_project *p = lab_open(sets, count);
    gr_stream *stream;
    gr_model *model;
    gr_rows rows;
    memset(b, 0, sizeof *b);

    /* What is held out and shown. */
    b->held_count = p->data->validation_count;
    memcpy(b->held, p->data->validation, b->held_count * sizeof *b->held);
    memcpy(b->revealed, p->labels->revealed, p->labels->docs * sizeof *b->revealed);
    memcpy(b->digest, p->digest, sizeof b->digest);

    /* The first batches. */
    gr_test_ok(gr__project_stream(&stream, p, &(gr__read_def){0}, &err), &err);
    for (int s = 0; s < STEPS; s++) {
        gr_stream_next(stream, s, &rows);
        memcpy(b->order[s], rows.doc, (size_t)(rows.sequences * rows.width) * sizeof **b->order);
    }
    gr_stream_free(stream);

    /* The parameters. */
    gr_test_ok(gr__network_new(&model, p->recipe, &err), &err);
    for (int k = 0; k < gr_model_params(model); k++) {
        size_t n = (size_t)gr_model_param(model, k)->rows * (size_t)gr_model_param(model, k)->cols;
        for (size_t i = 0; i < n && b->params < PARAMS; i++)
            b->start[b->params++] = gr_model_data(model, k)[i];
    }
    gr_model_free(model);
    lab_close(p);
}

static bool same_split(const begin *a, const begin *b) {
    return a->held_count == b->held_count && memcmp(a->held, b->held, sizeof a->held) == 0 &&
           memcmp(a->revealed, b->revealed, sizeof a->revealed) == 0;
}
static bool same_order(const begin *a, const begin *b) { return memcmp(a->order, b->order, sizeof a->order) == 0; }
static bool same_start(const begin *a, const begin *b) {
    return a->params == b->params && memcmp(a->start, b->start, sizeof a->start) == 0;
}

static begin usual, other;

static void each_seed_has_its_own(void **state) {
    (void)state;
    const char *known = "labels.animals.known=0.5";
    look(&usual, (const char *[]){known}, 1);

    look(&other, (const char *[]){known, "seed=2", "split_seed=1", "order_seed=1"}, 4);
    assert_true(same_split(&usual, &other) && same_order(&usual, &other) && !same_start(&usual, &other));
    assert_string_not_equal(usual.digest, other.digest);

    look(&other, (const char *[]){known, "order_seed=2"}, 2);
    assert_true(same_split(&usual, &other) && !same_order(&usual, &other) && same_start(&usual, &other));
    assert_string_not_equal(usual.digest, other.digest);

    look(&other, (const char *[]){known, "split_seed=2"}, 2);
    assert_true(!same_split(&usual, &other) && same_start(&usual, &other));
    assert_memory_not_equal(usual.held, other.held, usual.held_count * sizeof *usual.held);
    assert_memory_not_equal(usual.revealed, other.revealed, sizeof usual.revealed);
}

/* One seed stands for all three, and is written into the resolved recipe as such. */
static void one_seed_is_all(void **state) {
    (void)state;
    look(&usual, (const char *[]){"seed=2"}, 1);
    look(&other, (const char *[]){"seed=2", "split_seed=2", "order_seed=2"}, 3);
    assert_true(same_split(&usual, &other) && same_order(&usual, &other) && same_start(&usual, &other));
    gr_project *p = lab_open((const char *[]){"seed=2"}, 1);
    gr_error err = {0};
    char *text;
    gr_test_ok(gr_recipe_text(p->recipe, &text, &err), &err);
    assert_non_null(strstr(text, "split_seed: 2\n"));
    assert_non_null(strstr(text, "order_seed: 2\n"));
    gr_free(text);
    lab_close(p);
}

static int setup(void **state) {
    int status = gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    return status;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_seed_has_its_own),
        cmocka_unit_test(one_seed_is_all),
    };
    return cmocka_run_group_tests_name("seeds", tests, setup, gr_test_files_teardown);
}
