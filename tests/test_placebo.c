/* Labels of a placebo: the same rate among documents of the same length, and nothing of what the labels say. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "corpus/dataset.h"
#include "gradroute/label.h"
#include "support.h"

enum { DOCS = 1000, WIDTH = 16 };

/* Documents of 1 to 2 `most` tokens; those of topic b are longer. A tenth is held out. */
static gr_dataset *make_data_of(uint64_t most, bool in_pieces) {
    static int32_t ids[DOCS * 41], of[DOCS];
    static uint64_t offsets[DOCS + 1];
    static uint32_t bytes[DOCS];
    static char *names[] = {"a", "b"};
    gr_key key = {3, GR_STREAM_TEST, 1};
    for (uint32_t d = 0; d < DOCS; d++) {
        of[d] = (int32_t)(gr_random_bits(key, d, 0) % 4 == 0);
        uint64_t n = 1 + gr_random_bits(key, d, 1) % most + (of[d] ? most : 0);
        offsets[d + 1] = offsets[d] + n;
        bytes[d] = (uint32_t)n;
        for (uint64_t i = 0; i < n; i++)
            ids[offsets[d] + i] = 1 + (int32_t)(i % 20);
    }
    gr_topics topics = {names, 2, of, DOCS};
    gr__tokens tokens = {&topics, offsets, ids, bytes, GR_TEST_VOCAB, 0, NULL, 0, NULL};
    gr_dataset *data;
    gr_error err = {0};
    gr_test_ok(gr__dataset_assemble(&data, &tokens, &(gr_dataset_def){.validation = 0.1, .seed = 1}, &err), &err);
    if (in_pieces)
        gr_test_ok(gr_dataset_pieces(&data, &(gr_pieces_def){WIDTH, true, 0.1, 1}, &err), &err);
    return data;
}

static gr_dataset *make_data(bool in_pieces) { return make_data_of(20, in_pieces); }

static gr_labels *make_labels(const gr_dataset *data, double known) {
    static const char *const is[] = {"a"};
    gr_labels *labels;
    gr_error err = {0};
    gr_label_def def = {.name = "a", .from = {{"is", .texts = is, .count = 1}}, .known = known};
    gr_test_ok(gr_labels_make(&labels, data, NULL, &def, 1, NULL, 0, 1, NULL, &err), &err);
    return labels;
}

static gr_labels *placebo_of(const gr_dataset *data, const gr_labels *labels, uint64_t seed) {
    gr_labels *placebo;
    gr_error err = {0};
    gr_test_ok(gr_labels_placebo(&placebo, data, labels, seed, &err), &err);
    return placebo;
}

static uint64_t length(const gr_dataset *data, uint32_t d) { return data->offsets[d + 1] - data->offsets[d]; }

/* Of the training documents: how many are shown as the label, and the tokens they have. */
static void count(size_t *shown, uint64_t *tokens, const gr_dataset *data, const gr_labels *labels) {
    *shown = 0, *tokens = 0;
    for (size_t i = 0; i < data->train_count; i++)
        if (labels->revealed[data->train[i]] == 1) {
            *shown += 1;
            *tokens += length(data, data->train[i]);
        }
}

static void rate_and_lengths_stay(void **state) {
    (void)state;
    gr_dataset *data = make_data(false);
    gr_labels *labels = make_labels(data, 0.6), *placebo = placebo_of(data, labels, 1);
    size_t shown, moved, hidden = 0;
    uint64_t tokens, with;
    count(&shown, &tokens, data, labels);
    count(&moved, &with, data, placebo);
    assert_int_equal(shown, moved);
    assert_true(with > 0.97 * (double)tokens && with < 1.03 * (double)tokens);

    /* A hidden label stays hidden: truth and what is shown move together. */
    for (size_t i = 0; i < data->train_count; i++) {
        uint32_t d = data->train[i];
        hidden += placebo->truth[d] == 1 && placebo->revealed[d] == -1;
        assert_true(placebo->revealed[d] == placebo->truth[d] || placebo->revealed[d] == -1);
    }
    size_t truly = 0;
    for (size_t i = 0; i < data->train_count; i++)
        truly += labels->truth[data->train[i]] == 1 && labels->revealed[data->train[i]] == -1;
    assert_int_equal(hidden, truly);

    /* What is held out keeps its labels. */
    for (size_t i = 0; i < data->validation_count; i++)
        assert_int_equal(placebo->truth[data->validation[i]], labels->truth[data->validation[i]]);
    gr_labels_free(placebo);
    gr_labels_free(labels);
    gr_dataset_free(data);
}

/* Topics of one length: the label falls on either as often. */
static void labels_say_nothing(void **state) {
    (void)state;
    gr_dataset *data = make_data(false);
    gr_labels *labels = make_labels(data, 1);
    for (uint32_t d = 0; d < DOCS; d++) { /* a label that has nothing to do with length */
        labels->truth[d] = (int16_t)(gr_random_bits((gr_key){5, GR_STREAM_TEST, 2}, d, 0) % 3 == 0);
        labels->revealed[d] = labels->truth[d];
    }
    gr_labels *placebo = placebo_of(data, labels, 1), *again = placebo_of(data, labels, 1),
              *other = placebo_of(data, labels, 2);
    double all = (double)data->train_count, real = 0, both = 0, moved = 0;
    for (size_t i = 0; i < data->train_count; i++) {
        uint32_t d = data->train[i];
        real += labels->revealed[d] == 1;
        both += labels->revealed[d] == 1 && placebo->revealed[d] == 1;
        moved += other->revealed[d] != placebo->revealed[d];
    }
    assert_true(both > 0.7 * real * real / all && both < 1.3 * real * real / all); /* as often as by chance */
    assert_true(moved > 0.2 * all);
    assert_memory_equal(placebo->revealed, again->revealed, DOCS * sizeof *again->revealed);
    gr_labels_free(placebo);
    gr_labels_free(again);
    gr_labels_free(other);
    gr_labels_free(labels);
    gr_dataset_free(data);
}

/* Corpora are sorted by topic more often than not: neighbours among documents of one length are no sample of them. */
static void order_of_the_corpus_says_nothing(void **state) {
    (void)state;
    gr_dataset *data = make_data_of(1, false);
    gr_labels *labels = make_labels(data, 1);
    for (uint32_t d = 0; d < DOCS; d++)
        labels->truth[d] = labels->revealed[d] = (int16_t)(d < DOCS / 4);
    gr_labels *placebo = placebo_of(data, labels, 1);
    double all = (double)data->train_count, real = 0, both = 0;
    for (size_t i = 0; i < data->train_count; i++) {
        uint32_t d = data->train[i];
        real += labels->revealed[d] == 1;
        both += labels->revealed[d] == 1 && placebo->revealed[d] == 1;
    }
    assert_true(both < 1.5 * real * real / all);
    gr_labels_free(placebo);
    gr_labels_free(labels);
    gr_dataset_free(data);
}

/* All pieces of a document have one label still. */
static void pieces_go_together(void **state) {
    (void)state;
    gr_dataset *data = make_data(true);
    gr_labels *labels = make_labels(data, 1), *placebo = placebo_of(data, labels, 1);
    size_t changed = 0;
    assert_non_null(data->document);
    for (size_t i = 0; i < data->train_count; i++) {
        uint32_t p = data->train[i];
        changed += placebo->revealed[p] != labels->revealed[p];
        if (i && data->document[p] == data->document[data->train[i - 1]])
            assert_int_equal(placebo->revealed[p], placebo->revealed[data->train[i - 1]]);
    }
    assert_true(changed > 10);
    gr_labels_free(placebo);
    gr_labels_free(labels);
    gr_dataset_free(data);
}

static void tokens_are_refused(void **state) {
    (void)state;
    gr_dataset *data = make_data(false);
    gr_labels *labels = make_labels(data, 1), *placebo;
    int16_t table[1] = {0};
    gr_error err = {0};
    labels->token_truth = table;
    assert_int_equal(gr_labels_placebo(&placebo, data, labels, 1, &err), GR_ERR_USAGE);
    assert_null(placebo);
    assert_non_null(strstr(err.message, "tokens or sentences"));
    labels->token_truth = NULL;
    gr_labels_free(labels);
    gr_dataset_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rate_and_lengths_stay),
        cmocka_unit_test(labels_say_nothing),
        cmocka_unit_test(order_of_the_corpus_says_nothing),
        cmocka_unit_test(pieces_go_together),
        cmocka_unit_test(tokens_are_refused),
    };
    return cmocka_run_group_tests_name("placebo", tests, NULL, NULL);
}
