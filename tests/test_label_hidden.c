/* test_label_hidden.c - topics, or values of a member of the records, whose documents have a label and never show it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/dataset.h"
#include "label_helpers.h"

enum { DOCS = 420 };

static const char *const es[] = {"es"}, *const bio[] = {"bio"}, *const law[] = {"law"}, *const tree[] = {"tree"};

/* Record i: 0, 7, 14.. are of subject bio, 1, 8.. of law; every third of language es; 20 authors; one in five has a
 * tree. */
static int make_world(void **state) {
    static world w;
    static const char *const fields[] = {"language", "author"}, *const subjects[] = {"bio", "law", "other"};
    gr_error err = {0};
    if (gr_test_files_setup(state))
        return -1;
    FILE *file = fopen(gr_test_path("corpus.jsonl"), "wb");
    for (size_t i = 0; i < DOCS; i++)
        fprintf(file, "{\"text\": \"Item %zu has %s. It ends.\", \"label\": \"%s\", \"author\": %zu%s}\n", i,
                i % 5 ? "none" : "a tree", subjects[i % 7 < 2 ? i % 7 : 2], i % 20,
                i % 3 ? "" : ", \"language\": \"es\"");
    fclose(file);

    gr_source source = gr_source_default();
    source.reader = "jsonl";
    source.path = gr_test_path("corpus.jsonl");
    gr_corpus_def def = {&source, 1, true, fields, 2, NULL, NULL};
    if (gr_corpus_open(&w.corpus, &def, &err) ||
        gr_tokenizer_train(&w.tokenizer, w.corpus->texts, w.corpus->topics.docs, 300, NULL, &err) ||
        gr_dataset_new(&w.data, w.corpus, w.tokenizer, &(gr_dataset_def){.validation = 0.1, .seed = 1}, &err))
        return -1;
    *state = &w;
    return 0;
}

static gr_labels *labels_of(const world *w, const gr_label_def *def) {
    gr_labels *labels = NULL;
    gr_error err = {0};
    gr_test_ok(gr_labels_make(&labels, w->data, w->tokenizer, def, 1, NULL, 0, 5, NULL, &err), &err);
    return labels;
}

static void expect_error(const world *w, const gr_label_def *def, const char *message) {
    gr_labels *labels = (gr_labels *)1;
    gr_error err = {0};
    assert_int_equal(gr_labels_make(&labels, w->data, w->tokenizer, def, 1, NULL, 0, 5, NULL, &err), GR_ERR_USAGE);
    assert_null(labels);
    gr_test_error(&err, "x", message);
}

static size_t count_shown(const gr_labels *labels, int truth, int revealed) {
    size_t n = 0;
    for (size_t d = 0; d < labels->docs; d++)
        n += labels->truth[d] == truth && labels->revealed[d] == revealed;
    return n;
}

/* Documents of a hidden topic have the label and never show it; shares are of the others. */
static void topics_that_are_hidden(void **state) {
    world *w = *state;
    const char *const both[] = {"bio", "law"};
    gr_label_noise noise = {.recall = 1, .precision = 0.5};
    gr_label_def def = {.name = "x",
                        .from = {{"is", .texts = both, .count = 2}},
                        .hidden = law,
                        .hidden_count = 1,
                        .known = 0.5,
                        .noise = &noise};
    gr_labels *labels = labels_of(w, &def);
    size_t shown = 0, hidden = 0, wrong = 0;
    for (size_t d = 0; d < labels->docs; d++) {
        bool of_law = w->data->record[d] % 7 == 1;
        assert_int_equal(labels->truth[d], w->data->record[d] % 7 < 2);
        assert_false(of_law && labels->revealed[d] != GR_LABEL_UNLABELLED);
        shown += labels->truth[d] && labels->revealed[d] == 1, hidden += of_law;
        wrong += !labels->truth[d] && labels->revealed[d] == 1;
    }
    assert_int_equal(shown, 30); /* half of the 60 of biology */
    assert_int_equal(hidden, 60);
    assert_int_equal(labels->known[0], shown);
    assert_int_equal(wrong, shown); /* mistakes are counted against what is shown */
    gr_labels_free(labels);

    /* As core, and after recall, which looks the same. */
    noise = (gr_label_noise){.recall = 0.9, .precision = 1};
    def.hidden_as = GR_HIDDEN_CORE, def.known = 1;
    labels = labels_of(w, &def);
    assert_int_equal(count_shown(labels, 1, GR_LABEL_UNLABELLED), 0);
    shown = count_shown(labels, 1, 1);
    assert_in_range(shown, 48, 60);
    assert_int_equal(count_shown(labels, 1, 0), 120 - shown);
    gr_labels_free(labels);
}

/* Hidden values are of the label's own field, or of the one that is named. */
static void values_that_are_hidden(void **state) {
    world *w = *state;
    const char *const authors[] = {"1", "2", "3"}, *const two[] = {"2"}, *const odd[] = {"1"};
    gr_label_def def = {.name = "x",
                        .from = {{"is", .texts = authors, .count = 3}, {"field", .text = "author"}},
                        .hidden = two,
                        .hidden_count = 1,
                        .known = 1};
    gr_labels *labels = labels_of(w, &def);
    for (size_t d = 0; d < labels->docs; d++)
        assert_int_equal(labels->revealed[d], w->data->record[d] % 20 == 2 ? -labels->truth[d] : labels->truth[d]);
    gr_labels_free(labels);

    /* Of another field, which not all records have. */
    def.hidden = es, def.hidden_by = "language";
    labels = labels_of(w, &def);
    for (size_t d = 0; d < labels->docs; d++)
        assert_int_equal(labels->revealed[d], w->data->record[d] % 3 ? labels->truth[d] : -labels->truth[d]);
    gr_labels_free(labels);

    /* Tokens of a hidden document are hidden with it. */
    def = (gr_label_def){.name = "x", .from = {{"words", .texts = tree, .count = 1}}, .per = GR_PER_TOKEN, .known = 1};
    def.hidden = odd, def.hidden_count = 1, def.hidden_by = "author";
    expect_error(w, &def, "no document of the label has the value of author \"1\"");
    def.hidden = (const char *const[]){"5"};
    labels = labels_of(w, &def);
    for (size_t d = 0; d < labels->docs; d++)
        for (size_t at = w->data->offsets[d] + d; at <= w->data->offsets[d + 1] + d; at++)
            if (labels->token_truth[at] == 1)
                assert_int_equal(labels->token_revealed[at], w->data->record[d] % 20 == 5 ? -1 : 1);
    gr_labels_free(labels);
}

static void hidden_topics_that_fail(void **state) {
    world *w = *state;
    const char *const both[] = {"law", "bio"}, *const wrong[] = {"othe"};
    gr_label_def def = {
        .name = "x", .from = {{"is", .texts = bio, .count = 1}}, .hidden = both, .hidden_count = 2, .known = 1};
    expect_error(w, &def, "no document of the label has the topic \"law\", which is to be hidden");
    def.hidden = wrong, def.hidden_count = 1;
    expect_error(w, &def, "no document of the label has the topic \"othe\"");
    def.hidden = bio;
    expect_error(w, &def, "none of its 60 documents is left to be shown");
    def.hidden_by = "langage";
    expect_error(w, &def, "the data keep no field \"langage\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_that_are_hidden),
        cmocka_unit_test(values_that_are_hidden),
        cmocka_unit_test(hidden_topics_that_fail),
    };
    return cmocka_run_group_tests(tests, make_world, world_free);
}
