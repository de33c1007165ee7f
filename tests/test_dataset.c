/* test_dataset.c - labels and their hidden part, the split, draws, and the dataset file against damage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "corpus/dataset.h"
#include "gradroute/label.h"
#include "support.h"

/* ---- Labels ------------------------------------------------------------------------------------------------------ */

enum { DOCS = 1000 };

static char *topic_names[] = {"animal", "plant", "food", "act", "ghost"};

/* Document d has topic d % 4: 250 documents each, none of "ghost". */
static gr_topics make_topics(void) {
    static int32_t of[DOCS];
    for (int d = 0; d < DOCS; d++)
        of[d] = d % 4;
    return (gr_topics){topic_names, 5, of, DOCS};
}

static const char *const living[] = {"animal", "plant"};
static const char *const eaten[] = {"plant", "food"};

static gr_labels *label_good(const gr_label_def *defs, int count, uint64_t seed) {
    gr_topics topics = make_topics();
    gr_labels *labels = NULL;
    gr_error err = {0};
    gr_group_def group = {"adjacent", eaten, 2};
    if (gr_labels_new(&labels, &topics, defs, count, &group, 1, seed, &err))
        fail_msg("%s: %s", err.place, err.message);
    return labels;
}

static void labels_and_groups(void **state) {
    (void)state;
    gr_label_def defs[] = {{.name = "biology",
                            .from = {{"is", .texts = living, .count = 2}},
                            .known = 1,
                            .hidden_as = GR_HIDDEN_UNLABELLED}};
    gr_labels *labels = label_good(defs, 1, 1);
    assert_int_equal(labels->group_count, 3);
    assert_string_equal(labels->group_names[0], "biology");
    assert_string_equal(labels->group_names[1], "adjacent");
    assert_string_equal(labels->group_names[2], "retain");
    static const int truth[] = {1, 1, 0, 0}, group[] = {0, 0, 1, 2};
    for (int d = 0; d < DOCS; d++) {
        assert_int_equal(labels->truth[d], truth[d % 4]);
        assert_int_equal(labels->revealed[d], truth[d % 4]);
        assert_int_equal(labels->group[d], group[d % 4]);
    }
    assert_int_equal(labels->group_docs[0], 500);
    assert_int_equal(labels->known[0], 500);
    uint32_t docs[] = {7, 6, 5, 4, 3, 2}, picked[6];
    assert_int_equal(gr_labels_pick(labels, picked, docs, 6, 1), 2);
    assert_int_equal(picked[0], 6);
    assert_int_equal(picked[1], 2);
    gr_labels_free(labels);
}

static size_t count_revealed(const gr_labels *labels, int truth, int revealed) {
    size_t n = 0;
    for (size_t d = 0; d < labels->docs; d++)
        n += labels->truth[d] == truth && labels->revealed[d] == revealed;
    return n;
}

static void labels_hidden(void **state) {
    (void)state;
    static const double shares[] = {0, 0.001, 0.333, 0.5, 0.999, 1};
    static const size_t exact[] = {0, 1, 167, 250, 500, 500};
    gr_labels *before = NULL;
    for (int i = 0; i < 6; i++) {
        gr_label_def def = {.name = "biology",
                            .from = {{"is", .texts = living, .count = 2}},
                            .known = shares[i],
                            .hidden_as = i % 2 ? GR_HIDDEN_CORE : GR_HIDDEN_UNLABELLED};
        gr_labels *labels = label_good(&def, 1, 3), *again = label_good(&def, 1, 3), *other = label_good(&def, 1, 4);
        assert_int_equal(labels->known[0], exact[i]);
        assert_int_equal(count_revealed(labels, 1, 1), exact[i]);
        assert_int_equal(count_revealed(labels, 1, i % 2 ? 0 : -1), 500 - exact[i]);
        assert_int_equal(count_revealed(labels, 0, 0), 500);
        assert_memory_equal(labels->revealed, again->revealed, DOCS * sizeof(int16_t));
        if (exact[i] > 1 && exact[i] < 499)
            assert_memory_not_equal(labels->revealed, other->revealed, DOCS * sizeof(int16_t));
        for (int d = 0; before && d < DOCS; d++) /* a larger share reveals a superset */
            if (before->revealed[d] == 1)
                assert_int_equal(labels->revealed[d], 1);
        gr_labels_free(before);
        gr_labels_free(again);
        gr_labels_free(other);
        before = labels;
    }
    gr_labels_free(before);
}

static void labels_two(void **state) {
    (void)state;
    gr_label_def defs[] = {{.name = "biology", .from = {{"is", .texts = living, .count = 2}}, .known = 1},
                           {.name = "food", .from = {{"is", .texts = eaten, .count = 2}}, .known = 1}};
    gr_labels *labels = label_good(defs, 2, 1); /* plant belongs to the first that names it */
    assert_int_equal(count_revealed(labels, 1, 1), 500);
    assert_int_equal(count_revealed(labels, 2, 2), 250);
    gr_labels_free(labels);
}

static void expect_label_error(const gr_label_def *defs, int count, const char *message, const char *hint) {
    gr_topics topics = make_topics();
    gr_labels *labels = (gr_labels *)1;
    gr_error err = {0};
    assert_int_equal(gr_labels_new(&labels, &topics, defs, count, NULL, 0, 1, &err), GR_ERR_USAGE);
    assert_null(labels);
    if (!strstr(err.message, message) || !strstr(err.hint, hint))
        fail_msg("expected \"%s\" (%s), got \"%s\" (%s)", message, hint, err.message, err.hint);
}

static void labels_that_fail(void **state) {
    (void)state;
    static const char *const typo[] = {"plnat"}, *const ghost[] = {"ghost"}, *const plant[] = {"plant"};
    expect_label_error(&(gr_label_def){.name = "x", .from = {{"is", .texts = typo, .count = 1}}, .known = 1}, 1,
                       "plnat", "\"plant\"");
    expect_label_error(&(gr_label_def){.name = "x", .from = {{"is", .texts = ghost, .count = 1}}, .known = 1}, 1,
                       "ghost", "there are: animal");
    expect_label_error(&(gr_label_def){.name = "x", .from = {{"is", .texts = living, .count = 0}}, .known = 1}, 1,
                       "no topics", "");
    expect_label_error(&(gr_label_def){.name = "x", .from = {{"is", .texts = living, .count = 2}}, .known = 1.5}, 1,
                       "1.5", "");
    expect_label_error(&(gr_label_def){.name = "x", .from = {{"is", .texts = living, .count = 2}}, .known = -0.1}, 1,
                       "-0.1", "");
    expect_label_error(&(gr_label_def){.name = "retain", .from = {{"is", .texts = living, .count = 2}}, .known = 1}, 1,
                       "retain", "");
    expect_label_error((gr_label_def[]){{.name = "x", .from = {{"is", .texts = living, .count = 2}}, .known = 1},
                                        {.name = "y", .from = {{"is", .texts = plant, .count = 1}}, .known = 1}},
                       2, "no documents", "first");
    expect_label_error((gr_label_def[]){{.name = "x", .from = {{"is", .texts = living, .count = 2}}, .known = 1},
                                        {.name = "x", .from = {{"is", .texts = plant, .count = 1}}, .known = 1}},
                       2, "twice", "");
}

/* ---- Dataset ----------------------------------------------------------------------------------------------------- */

/* Document d says its number and has topic d % 4. */
static gr_corpus *small_corpus(void) {
    static char lines[600][40];
    static gr_text texts[600];
    static int32_t of[600];
    static gr_corpus corpus = {texts, {topic_names, 5, of, 600}, .read = 603, .duplicates = 2, .skipped = 1};
    for (int d = 0; d < 600; d++) {
        texts[d] = (gr_text){lines[d], (size_t)snprintf(lines[d], sizeof lines[d], "document number %d of many", d)};
        of[d] = d % 4;
    }
    return &corpus;
}

static gr_dataset *make_dataset(const gr_corpus *corpus, gr_tokenizer **tokenizer, uint64_t seed) {
    gr_dataset *data = NULL;
    gr_error err = {0};
    if (!*tokenizer)
        assert_int_equal(gr_tokenizer_train(tokenizer, corpus->texts, corpus->topics.docs, 300, NULL, &err), GR_OK);
    gr_dataset_def def = {.validation = 0.05, .seed = seed, .stamp = "made by a test"};
    if (gr_dataset_new(&data, corpus, *tokenizer, &def, &err))
        fail_msg("%s: %s", err.place, err.message);
    return data;
}

static void dataset_tokens(void **state) {
    (void)state;
    gr_corpus *corpus = small_corpus();
    gr_tokenizer *tokenizer = NULL;
    gr_dataset *data = make_dataset(corpus, &tokenizer, 1), *again = make_dataset(corpus, &tokenizer, 1);
    assert_int_equal(data->topics.docs, 600);
    assert_int_equal(data->read, 603);
    assert_int_equal(data->duplicates, 2);
    assert_int_equal(data->skipped, 1);
    assert_int_equal(data->validation_count, 30);
    assert_int_equal(data->train_count, 570);
    assert_int_equal(data->eot, gr_tokenizer_end(tokenizer));
    assert_string_equal(data->topics.names[data->topics.of[2]], "food");
    for (size_t d = 0; d < 600; d++) {
        char *text = NULL;
        size_t count = 0, capacity = 0;
        gr_tokenizer_decode(tokenizer, &text, &count, &capacity, data->ids + data->offsets[d],
                            data->offsets[d + 1] - data->offsets[d]);
        assert_int_equal(count, corpus->texts[d].length);
        assert_int_equal(data->bytes[d], count);
        assert_memory_equal(text, corpus->texts[d].data, count);
        gr_free(text);
    }
    assert_int_equal(data->block_size, again->block_size);
    assert_memory_equal(data->block, again->block, data->block_size);
    gr_dataset_free(again);
    again = make_dataset(corpus, &tokenizer, 2);
    assert_memory_not_equal(data->validation, again->validation, 30 * sizeof(uint32_t));
    gr_dataset_free(again);
    gr_dataset_free(data);
    gr_tokenizer_free(tokenizer);
}

static bool holds(const uint32_t *list, size_t count, uint32_t d) {
    for (size_t i = 0; i < count; i++)
        if (list[i] == d)
            return true;
    return false;
}

/* Held-out documents are of the validation or of the test, and a larger test holds a smaller one. */
static void dataset_divided(void **state) {
    (void)state;
    gr_tokenizer *tokenizer = NULL;
    gr_dataset *data = make_dataset(small_corpus(), &tokenizer, 1),
               *other = make_dataset(small_corpus(), &tokenizer, 1);
    assert_int_equal(data->test_count, 0);
    gr_dataset_divide(data, 0.4);
    assert_int_equal(data->validation_count, 18);
    assert_int_equal(data->test_count, 12);
    for (size_t i = 0; i < 30; i++) {
        uint32_t d = other->validation[i];
        assert_true(holds(data->test, 12, d) != holds(data->validation, 18, d));
    }
    for (size_t i = 1; i < 18; i++)
        assert_true(data->validation[i - 1] < data->validation[i]);
    for (size_t i = 1; i < 12; i++)
        assert_true(data->test[i - 1] < data->test[i]);

    /* Divided anew, not once more; the same draw. */
    gr_dataset_divide(other, 0.9);
    gr_dataset_divide(other, 0.6);
    assert_int_equal(other->test_count, 18);
    for (size_t i = 0; i < 12; i++)
        assert_true(holds(other->test, 18, data->test[i]));
    gr_dataset_divide(other, 0.4);
    assert_memory_equal(other->test, data->test, 12 * sizeof *data->test);
    gr_dataset_divide(other, 0);
    assert_int_equal(other->validation_count, 30);
    gr_dataset_divide(other, 1);
    assert_int_equal(other->test_count, 30);

    /* It is not the first documents of the list that are taken, and another seed takes others. */
    assert_memory_not_equal(data->test, other->test, 12 * sizeof *data->test);
    gr_dataset_free(data);
    gr_dataset_free(other);
    gr_tokenizer_free(tokenizer);
}

static void dataset_draws(void **state) {
    (void)state;
    gr_corpus *corpus = small_corpus();
    gr_tokenizer *tokenizer = NULL;
    gr_dataset *data = make_dataset(corpus, &tokenizer, 1);
    gr_label_def def = {.name = "biology", .from = {{"is", .texts = living, .count = 2}}, .known = 0.5};
    gr_labels *labels = NULL;
    gr_error err = {0};
    assert_int_equal(gr_labels_new(&labels, &data->topics, &def, 1, NULL, 0, 1, &err), GR_OK);
    gr_drawn many, fewer, some;
    gr_draw_def of = {.documents = 64, .label = 1, .width = 128, .seed = 5};
    gr_test_ok(gr_dataset_draw(&many, data, labels, &of, &err), &err);
    of.documents = 16, of.label = GR_LABEL_ANY;
    gr_test_ok(gr_dataset_draw(&fewer, data, labels, &of, &err), &err);
    assert_true(many.count == 64 && fewer.count == 16 && fewer.documents == 16);
    uint32_t *docs = many.docs;
    assert_memory_equal(docs, fewer.docs, 16 * sizeof *docs);
    of.tokens = fewer.tokens - 1; /* met within the last of them */
    gr_test_ok(gr_dataset_draw(&some, data, labels, &of, &err), &err);
    assert_true(some.documents == 16 && some.tokens == fewer.tokens);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(labels->truth[docs[i]], 1);
        for (size_t v = 0; v < data->validation_count; v++)
            assert_int_not_equal(docs[i], data->validation[v]);
        for (int j = 0; j < i; j++)
            assert_int_not_equal(docs[i], docs[j]);
    }
    gr_drawn_free(&many);
    gr_drawn_free(&fewer);
    gr_drawn_free(&some);
    of.tokens = 1 << 20;
    assert_int_equal(gr_dataset_draw(&many, data, labels, &of, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "1048576 tokens"));
    of.tokens = 0, of.documents = 400;
    err = (gr_error){0};
    assert_int_equal(gr_dataset_draw(&many, data, labels, &of, &err), GR_ERR_USAGE);
    gr_labels_free(labels);
    gr_dataset_free(data);
    gr_tokenizer_free(tokenizer);
}

static gr_status open_dataset(const char *path, gr_error *err) {
    gr_dataset *data = NULL;
    gr_status status = gr_dataset_open(&data, path, err);
    assert_true((status == GR_OK) == (data != NULL));
    gr_dataset_free(data);
    return status;
}

static void dataset_file(void **state) {
    (void)state;
    gr_corpus *corpus = small_corpus();
    gr_tokenizer *tokenizer = NULL;
    gr_dataset *data = make_dataset(corpus, &tokenizer, 1), *again = NULL;
    gr_error err = {0};
    assert_int_equal(gr_dataset_save(data, gr_test_path("data.bin"), &err), GR_OK);
    assert_int_equal(gr_dataset_save(data, gr_test_path("data.bin"), &err), GR_OK);
    assert_int_not_equal(access(gr_test_path("data.bin.tmp"), F_OK), 0);
    assert_int_equal(gr_dataset_open(&again, gr_test_path("data.bin"), &err), GR_OK);
    assert_int_equal(again->block_size, data->block_size);
    assert_memory_equal(again->block, data->block, data->block_size);
    assert_string_equal(again->stamp, "made by a test");
    assert_string_equal(again->topics.names[3], "act");
    assert_int_equal(again->train[569], data->train[569]);
    gr_dataset_free(again);
    assert_int_equal(gr_dataset_save(data, gr_test_path("no/such/folder.bin"), &err), GR_ERR_IO);
    err = (gr_error){0};
    assert_int_equal(open_dataset(gr_test_path("no.bin"), &err), GR_ERR_INPUT);
    err = (gr_error){0};
    assert_int_equal(open_dataset(gr_test_path(""), &err), GR_ERR_INPUT);

    /* cut anywhere, extended, or with any byte changed: refused */
    size_t length;
    char *bytes = gr_test_read(gr_test_path("data.bin"), &length);
    for (uint32_t i = 0; i < 400; i++) {
        gr_key key = {9, GR_STREAM_TEST, 0};
        size_t cut = i < 200 ? i : gr_random_bits(key, i, 0) % length, at = gr_random_bits(key, i, 1) % length;
        err = (gr_error){0};
        assert_int_equal(open_dataset(gr_test_write("cut.bin", bytes, cut), &err), GR_ERR_FORMAT);
        assert_true(err.hint[0]);
        if (i < 136)
            at = i;
        char flip = (char)(1 + gr_random_bits(key, i, 2) % 255);
        bytes[at] ^= flip;
        err = (gr_error){0};
        assert_int_equal(open_dataset(gr_test_write("flip.bin", bytes, length), &err), GR_ERR_FORMAT);
        bytes[at] ^= flip;
    }
    err = (gr_error){0};
    assert_int_equal(open_dataset(gr_test_write("long.bin", bytes, length + 1), &err), GR_ERR_FORMAT);
    assert_int_equal(open_dataset(gr_test_write("whole.bin", bytes, length), &err), GR_OK);
    free(bytes);
    gr_dataset_free(data);
    gr_tokenizer_free(tokenizer);
}

/* The same with a digest that matches: nothing outside the block is read, whatever the numbers say. */
static void dataset_made_to_harm(void **state) {
    (void)state;
    gr_corpus *corpus = small_corpus();
    gr_tokenizer *tokenizer = NULL;
    gr_dataset *data = make_dataset(corpus, &tokenizer, 1);
    gr_error err = {0};
    assert_int_equal(gr_dataset_save(data, gr_test_path("data.bin"), &err), GR_OK);
    size_t length, at_ids = GR__DATASET_HEADER + 8 * 601, at_bytes = at_ids + 4 * data->offsets[600];
    const struct {
        size_t at;
        uint64_t value;
        const char *message;
    } cases[] = {
        {16, 1, "cut or extended"},          {24, UINT64_MAX, "contradicts"},
        {32, UINT64_MAX / 4, "contradicts"}, {40, 601, "contradicts"},
        {48, 1u << 30, "contradicts"},       {GR__DATASET_HEADER, 1, "offsets"},
        {at_ids - 8, UINT64_MAX, "offsets"}, {at_ids - 16, 1u << 30, "backward"},
        {at_ids, 300, "vocabulary"},         {at_bytes + 4 * 600, 5, "no topic"},
        {at_bytes + 8 * 600, 700, "split"},
    };
    char *bytes = gr_test_read(gr_test_path("data.bin"), &length);
    char *copy = malloc(length);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(copy, bytes, length);
        memcpy(copy + cases[i].at, &cases[i].value, sizeof cases[i].value);
        gr__dataset_seal(copy, length);
        err = (gr_error){0};
        assert_int_equal(open_dataset(gr_test_write("harm.bin", copy, length), &err), GR_ERR_FORMAT);
        if (!strstr(err.message, cases[i].message))
            fail_msg("case %zu: expected \"%s\", got \"%s\"", i, cases[i].message, err.message);
    }
    for (uint32_t i = 0; i < 2000; i++) { /* any byte: refused, or no harm done */
        size_t at = gr_random_bits((gr_key){4, GR_STREAM_TEST, 0}, i, 0) % (i % 2 ? length : GR__DATASET_HEADER);
        memcpy(copy, bytes, length);
        copy[at] = (char)gr_random_bits((gr_key){4, GR_STREAM_TEST, 0}, i, 1);
        gr__dataset_seal(copy, length);
        err = (gr_error){0};
        open_dataset(gr_test_write("harm.bin", copy, length), &err);
    }
    free(copy);
    free(bytes);
    gr_dataset_free(data);
    gr_tokenizer_free(tokenizer);
}

static void dataset_that_fails(void **state) {
    (void)state;
    gr_corpus *corpus = small_corpus();
    gr_tokenizer *tokenizer = NULL;
    gr_dataset *data = make_dataset(corpus, &tokenizer, 1);
    gr_dataset_free(data);
    static const double shares[] = {-0.1, 1, 0.9999};
    for (int i = 0; i < 3; i++) {
        gr_error err = {0};
        assert_int_equal(gr_dataset_new(&data, corpus, tokenizer, &(gr_dataset_def){.validation = shares[i]}, &err),
                         GR_ERR_USAGE);
        assert_null(data);
    }
    gr_tokenizer_free(tokenizer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_and_groups),  cmocka_unit_test(labels_hidden),  cmocka_unit_test(labels_two),
        cmocka_unit_test(labels_that_fail),   cmocka_unit_test(dataset_tokens), cmocka_unit_test(dataset_draws),
        cmocka_unit_test(dataset_divided),    cmocka_unit_test(dataset_file),   cmocka_unit_test(dataset_made_to_harm),
        cmocka_unit_test(dataset_that_fails),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}
