/* Frequencies of predicted tokens, by hand on a small corpus, and the scores that rows get from them. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "corpus/dataset.h"
#include "gradroute/data.h"
#include "support.h"

enum { DOCS = 6, VOCAB = 5, EOT = 0, T = 4 };

/* Documents of tokens 1..4; topics a (0) and b (1). Document 4 is validation, document 5 is longer than a row. */
static const int32_t ids[] = {1, 2, 1, 1, 3, 2, 3, 1, 2, 1, 1, 1, 4, 3, 3, 2};
static const uint64_t offsets[DOCS + 1] = {0, 2, 4, 6, 8, 11, 16};
static const int32_t topic[DOCS] = {0, 0, 1, 1, 0, 1};

static gr_dataset *dataset(void) {
    static char *names[] = {"a", "b"};
    static uint32_t bytes[DOCS], train[] = {0, 1, 2, 3, 5}, validation[] = {4};
    gr_topics topics = {names, 2, topic, DOCS};
    gr__tokens tokens = {.topics = &topics, .offsets = offsets, .ids = ids, .bytes = bytes, .vocab = VOCAB, .eot = EOT};
    gr_dataset *data;
    gr_error err = {0};
    gr_test_ok(gr__dataset_assemble(&data, &tokens, &(gr_dataset_def){.seed = 1}, &err), &err);
    data->train = train, data->train_count = 5;
    data->validation = validation, data->validation_count = 1;
    return data;
}

static gr_labels *labels(const gr_dataset *data, double known) {
    static const char *const a[] = {"a"};
    gr_label_def def = {
        .name = "topic", .from = {{"is", .texts = a, .count = 1}}, .known = known, .hidden_as = GR_HIDDEN_UNLABELLED};
    gr_labels *l;
    gr_error err = {0};
    gr_test_ok(gr_labels_new(&l, &data->topics, &def, 1, NULL, 0, 3, &err), &err);
    return l;
}

static const int16_t one[] = {1};
static const gr_frequency_def def = {one, 1, T, 4, 1, 20};

/* The published example: 73.1 and 18.7 in ten thousand give 0.586; and the shape around it. */
static void published(void **state) {
    (void)state;
    assert_true(fabs(gr_frequency_weight(73.1e-4, 18.7e-4, 4) - 0.586) < 0.0005);
    assert_true(fabs(gr_frequency_weight(1, 1, 4) - 1 / (1 + exp(-4))) < 1e-15);
    assert_true(gr_frequency_weight(1e-3, 1e-6, 4) == 0);
    assert_true(gr_frequency_weight(1e-6, 1e-3, 4) == 1);
    assert_true(gr_frequency_weight(2, 1, 0) < 0.5 && gr_frequency_weight(1, 2, 0) > 0.5);
}

static gr_frequencies *table_of(const gr_dataset *data, const gr_labels *l) {
    gr_frequencies *t;
    gr_error err = {0};
    gr_test_ok(gr_frequencies_new(&t, data, l, &def, &err), &err);
    return t;
}

static void check_counts(const gr_frequencies *t, const uint64_t *forget, const uint64_t *retain) {
    uint64_t forgets = 0, retains = 0;
    for (int v = 0; v < VOCAB; v++)
        forgets += forget[v], retains += retain[v];
    assert_int_equal(t->forget_total, forgets);
    assert_int_equal(t->retain_total, retains);
    for (int v = 0; v < VOCAB; v++) {
        assert_int_equal(t->forget[v], forget[v]);
        assert_int_equal(t->retain[v], retain[v]);
        double f = (double)(forget[v] + 1) / (double)(forgets + VOCAB);
        double r = (double)(retain[v] + 20) / (double)(retains + 20 * VOCAB);
        assert_true(fabs(t->f[v] - f) < 1e-15 && fabs(t->r[v] - r) < 1e-15);
        assert_true(t->w[v] == gr_frequency_weight(t->f[v], t->r[v], 4));
    }
}

/* Targets with the end token, of training documents, as far as a row reaches. */
static void counts(void **state) {
    (void)state;
    gr_dataset *data = dataset();
    gr_labels *l = labels(data, 1);
    gr_frequencies *t = table_of(data, l);
    check_counts(t, (uint64_t[]){2, 3, 1, 0, 0}, (uint64_t[]){2, 2, 1, 4, 1});
    gr_frequencies_free(t);
    gr_labels_free(l);
    gr_dataset_free(data);
}

/* What is hidden counts as other text, whatever it is in truth. */
static void revealed_alone(void **state) {
    (void)state;
    gr_dataset *data = dataset();
    gr_labels *l = labels(data, 1);
    l->revealed[1] = GR_LABEL_UNLABELLED;
    gr_frequencies *t = table_of(data, l);
    check_counts(t, (uint64_t[]){1, 1, 1, 0, 0}, (uint64_t[]){3, 4, 1, 4, 1});
    gr_frequencies_free(t);
    l->revealed[0] = GR_LABEL_CORE;
    gr_error err = {0};
    assert_int_equal(gr_frequencies_new(&t, data, l, &def, &err), GR_ERR_USAGE);
    assert_null(t);
    gr_frequency_def bad = def;
    bad.smooth_retain = 0;
    assert_int_equal(gr_frequencies_new(&t, data, l, &bad, &err), GR_ERR_USAGE);
    gr_labels_free(l);
    gr_dataset_free(data);
}

/* Labels per token: each target counts by its own. */
static void by_token(void **state) {
    (void)state;
    gr_dataset *data = dataset();
    gr_labels *l = labels(data, 1);
    l->token_revealed = l->token_truth = gr_arena_alloc(l->arena, (16 + DOCS) * sizeof *l->token_revealed);
    l->token_revealed[offsets[2] + 2 + 0] = 1; /* a 3 of document 2 and the end of document 3 */
    l->token_revealed[offsets[3] + 3 + 2] = 1;
    l->token_revealed[offsets[0] + 0 + 1] = GR_LABEL_UNLABELLED;
    gr_frequencies *t = table_of(data, l);
    check_counts(t, (uint64_t[]){1, 0, 0, 1, 0}, (uint64_t[]){3, 5, 2, 3, 1});
    gr_frequencies_free(t);
    gr_labels_free(l);
    gr_dataset_free(data);
}

/* Rows of the label have 1 - w of what they predict, times the score they had; all others what they had. */
static void scores(void **state) {
    (void)state;
    gr_dataset *data = dataset();
    gr_labels *l = labels(data, 1);
    gr_frequencies *t = table_of(data, l);
    gr_labels_weigh(l, 1, t);
    l->score = gr_arena_alloc(l->arena, DOCS * sizeof *l->score);
    for (int d = 0; d < DOCS; d++)
        l->score[d] = d == 1 ? (gr_real)0.5 : 1;
    gr_scan *scan;
    gr_rows rows;
    gr_error err = {0};
    int labelled = 0;
    gr_test_ok(gr_scan_new(&scan, data, l, (uint32_t[]){0, 1, 2, 3, 4, 5}, DOCS, 3, T, &err), &err);
    while (gr_scan_next(scan, &rows))
        for (int i = 0; i < rows.sequences * T; i++) {
            if (rows.doc[i] < 0)
                continue;
            double own = rows.doc[i] == 1 ? 0.5 : 1, want = own;
            if (rows.label[i] == 1)
                want = own * (1 - t->w[rows.targets[i]]), labelled++;
            assert_true(fabs((double)rows.score[i] - want) < 1e-6);
        }
    assert_int_equal(labelled, 3 + 3 + 4);
    gr_scan_free(scan);
    gr_frequencies_free(t);
    gr_labels_free(l);
    gr_dataset_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published), cmocka_unit_test(counts), cmocka_unit_test(revealed_alone),
        cmocka_unit_test(by_token),  cmocka_unit_test(scores),
    };
    return cmocka_run_group_tests_name("frequency", tests, NULL, NULL);
}
