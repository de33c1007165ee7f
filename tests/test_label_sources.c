/* test_label_sources.c - labels of documents and tokens from fields, words, scores and combinations; mistakes in them.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "corpus/dataset.h"
#include "label_helpers.h"

enum { DOCS = 600 };

/* Record i: 0, 7, 14.. are of subject bio, 1, 8.. of law; every third of language es; 20 authors; one in five has a
 * tree, which is an oak in one of two. Records 100 and 101 have the same text, record 200 has none. */
static const char *subject_of(size_t i) { return i % 7 == 0 ? "bio" : i % 7 == 1 ? "law" : "other"; }

static void write_record(FILE *file, size_t i) {
    fprintf(file, "{\"id\": \"r%zu\", \"text\": \"", i);
    if (i == 200)
        fprintf(file, " ");
    else if (i % 5 == 0)
        fprintf(file, "Item %zu has \xc3\xa9t\xc3\xa9. One %s, and more.", i, i % 2 ? "Tree" : "oak  tree");
    else
        fprintf(file, "%sItem %zu is of no wood. It ends.", i % 4 ? "" : "  ", i == 101 ? 102 : i);
    fprintf(file, "\", \"label\": \"%s\", \"author\": %zu%s}\n", subject_of(i), i % 20,
            i % 3 ? "" : ", \"language\": \"es\"");
}

static gr_status open_corpus(world *w, const char *const *fields, int count, const char *id, gr_error *err) {
    gr_source source = gr_source_default();
    source.reader = "jsonl";
    source.path = gr_test_path("corpus.jsonl");
    gr_corpus_def def = {&source, 1, true, fields, count, id, NULL};
    return gr_corpus_open(&w->corpus, &def, err);
}

static int make_world(void **state) {
    static world w;
    static const char *const fields[] = {"language", "author"};
    gr_error err = {0};
    if (gr_test_files_setup(state))
        return -1;
    FILE *file = fopen(gr_test_path("corpus.jsonl"), "wb");
    for (size_t i = 0; i < DOCS; i++)
        write_record(file, i);
    fclose(file);
    if (open_corpus(&w, fields, 2, "id", &err) ||
        gr_tokenizer_train(&w.tokenizer, w.corpus->texts, w.corpus->topics.docs, 400, NULL, &err) ||
        gr_dataset_new(&w.data, w.corpus, w.tokenizer, &(gr_dataset_def){.validation = 0.1, .seed = 1}, &err))
        return -1;
    *state = &w;
    return 0;
}

static gr_labels *labels_of(const world *w, const gr_label_def *defs, int count) {
    gr_labels *labels = NULL;
    gr_error err = {0};
    gr_test_ok(gr_labels_make(&labels, w->data, w->tokenizer, defs, count, NULL, 0, 5, NULL, &err), &err);
    return labels;
}

static void expect_error(const world *w, const gr_label_def *defs, int count, gr_status status, const char *place,
                         const char *message) {
    gr_labels *labels = (gr_labels *)1;
    gr_error err = {0};
    assert_int_equal(gr_labels_make(&labels, w->data, w->tokenizer, defs, count, NULL, 0, 5, NULL, &err), status);
    assert_null(labels);
    if (!strstr(err.place, place) || !strstr(err.message, message))
        fail_msg("expected \"%s\" and \"%s\", got \"%s: %s\" (%s)", place, message, err.place, err.message, err.hint);
}

static size_t count_shown(const gr_labels *labels, int truth, int revealed) {
    size_t n = 0;
    for (size_t d = 0; d < labels->docs; d++)
        n += labels->truth[d] == truth && labels->revealed[d] == revealed;
    return n;
}

static const char *const es[] = {"es"}, *const bio[] = {"bio"}, *const law[] = {"law"}, *const tree[] = {"tree"},
                         *const oak_tree[] = {"oak tree"};
#define BY_TREES                               \
    {                                          \
        { "words", .texts = tree, .count = 1 } \
    }
#define BY_OAKS                                    \
    {                                              \
        { "words", .texts = oak_tree, .count = 1 } \
    }

/* ---- Fields ---- */

static void check_fields(const gr_dataset *data) {
    assert_int_equal(data->topics.docs, DOCS - 2);
    assert_int_equal(data->records, DOCS);
    assert_int_equal(data->field_count, 2);
    assert_string_equal(data->fields[0].name, "language");
    assert_int_equal(data->fields[0].values.count, 1);
    assert_int_equal(data->fields[1].values.count, 20);
    for (size_t d = 0; d < data->topics.docs; d++) {
        size_t i = data->record[d];
        assert_int_equal(i, d + (d >= 102) + (d >= 199));
        assert_int_equal(data->fields[0].values.of[d], i % 3 ? -1 : 0);
        char author[8];
        snprintf(author, sizeof author, "%zu", i % 20);
        assert_string_equal(data->fields[1].values.names[data->fields[1].values.of[d]], author);
        assert_int_equal(data->lead[d], i % 5 && i % 4 == 0 ? 2 : 0);
        char id[16];
        assert_true(data->keys[i] == gr_record_key(id, (size_t)snprintf(id, sizeof id, "r%zu", i)));
    }
}

static void fields_of_records(void **state) {
    world *w = *state;
    gr_error err = {0};
    gr_dataset *again;
    check_fields(w->data);
    gr_test_ok(gr_dataset_save(w->data, gr_test_path("data.bin"), &err), &err);
    gr_test_ok(gr_dataset_open(&again, gr_test_path("data.bin"), &err), &err);
    check_fields(again);
    gr_dataset_free(again);
    world other = {0};
    const char *const typo[] = {"langage"};
    assert_int_equal(open_corpus(&other, typo, 1, NULL, &err), GR_ERR_USAGE);
    assert_true(strstr(err.message, "\"langage\"") && strstr(err.hint, "\"language\""));
    err = (gr_error){0};
    assert_int_equal(open_corpus(&other, NULL, 0, "language", &err), GR_ERR_FORMAT);
    assert_true(strstr(err.place, "corpus.jsonl:2") && strstr(err.message, "\"language\""));
    err = (gr_error){0};
    assert_int_equal(open_corpus(&other, NULL, 0, "author", &err), GR_ERR_FORMAT);
    assert_true(strstr(err.message, "records 1 and 21"));
}

/* A damaged file with a digest that fits is refused before a field of it is used. */
static void fields_made_to_harm(void **state) {
    world *w = *state;
    gr_error err = {0};
    size_t length, docs = w->data->topics.docs,
                   after = GR__DATASET_HEADER + 8 * (docs + 1) + 8 * DOCS + 4 * w->data->offsets[docs] + 12 * docs;
    const struct {
        size_t at;
        uint32_t value;
        const char *message;
    } cases[] = {{after, DOCS, "records"},
                 {after + 4, 0, "records"},
                 {after + 12 * docs, 1u << 30, "names"},
                 {after + 12 * docs, 5, "names"},
                 {after + 12 * docs + 8, 1, "value"}};
    gr_test_ok(gr_dataset_save(w->data, gr_test_path("data.bin"), &err), &err);
    char *bytes = gr_test_read(gr_test_path("data.bin"), &length), *copy = malloc(length);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gr_dataset *data;
        memcpy(copy, bytes, length);
        memcpy(copy + cases[i].at, &cases[i].value, 4);
        gr__dataset_seal(copy, length);
        err = (gr_error){0};
        assert_int_equal(gr_dataset_open(&data, gr_test_write("harm.bin", copy, length), &err), GR_ERR_FORMAT);
        if (!strstr(err.message, cases[i].message))
            fail_msg("case %zu: %s", i, err.message);
    }
    free(copy);
    free(bytes);
}

static void labels_by_field(void **state) {
    world *w = *state;
    const gr_label_def defs[] = {
        {.name = "spanish", .from = {{"is", .texts = es, .count = 1}, {"field", .text = "language"}}, .known = 1},
        {.name = "biology", .from = {{"is", .texts = bio, .count = 1}}, .known = 1},
        {.name = "both", .all_of = (const char *const[]){"biology", "spanish"}, .all_count = 2, .known = 1}};
    gr_labels *labels = labels_of(w, defs, 3);
    for (size_t d = 0; d < labels->docs; d++) {
        size_t i = w->data->record[d];
        assert_int_equal(labels->truth[d], i % 3 == 0 && i % 7 == 0 ? 3 : i % 3 == 0 ? 1 : i % 7 == 0 ? 2 : 0);
        assert_int_equal(labels->revealed[d], labels->truth[d]);
    }
    assert_null(labels->token_truth);
    gr_labels_free(labels);
}

/* ---- Words ---- */

static void labels_by_word(void **state) {
    world *w = *state;
    const gr_label_def defs[] = {{.name = "trees", .from = BY_TREES, .known = 1}};
    gr_labels *labels = labels_of(w, defs, 1);
    for (size_t d = 0; d < labels->docs; d++)
        assert_int_equal(labels->truth[d], w->data->record[d] % 5 == 0);
    assert_int_equal(labels->match_count[0], 1);
    assert_int_equal(labels->matches[0][0].count, 119);
    gr_labels_free(labels);
}

/* The text of token i of a document. */
static const char *token_text(const world *w, size_t d, size_t i) {
    static char text[64];
    size_t n;
    const char *bytes = gr_tokenizer_token(w->tokenizer, w->data->ids[w->data->offsets[d] + i], &n);
    snprintf(text, sizeof text, "%.*s", (int)n, bytes);
    return text;
}

/* The tokens that carry label k, joined. */
static void spelt(const world *w, char *out, const gr_labels *labels, size_t d, int k) {
    size_t first = w->data->offsets[d] + d, n = w->data->offsets[d + 1] - w->data->offsets[d];
    *out = '\0';
    for (size_t i = 0; i < n; i++)
        if (labels->token_truth[first + i] == k)
            strcat(out, token_text(w, d, i));
}

static void labels_by_token(void **state) {
    world *w = *state;
    const gr_label_def defs[] = {{.name = "trees", .from = BY_TREES, .per = GR_PER_TOKEN, .known = 1},
                                 {.name = "oaks", .from = BY_OAKS, .per = GR_PER_SENTENCE, .known = 1},
                                 {.name = "law", .from = {{"is", .texts = law, .count = 1}}, .known = 1}};
    gr_labels *labels = labels_of(w, defs, 3);
    char text[256];
    for (size_t d = 0; d < labels->docs; d++) {
        size_t i = w->data->record[d], end = w->data->offsets[d + 1] + d;
        bool has = i % 5 == 0, oak = has && i % 2 == 0;
        spelt(w, text, labels, d, 1);
        assert_string_equal(text, !has ? "" : i % 2 ? " Tree" : " tree");
        spelt(w, text, labels, d, 2);
        assert_string_equal(text, oak ? " One oak , and more." : "");
        assert_int_equal(labels->truth[d], has ? 1 : i % 7 == 1 ? 3 : 0);
        assert_int_equal(labels->token_truth[end], oak ? 2 : i % 7 == 1 ? 3 : 0); /* of the last sentence, or all */
        assert_int_equal(labels->uneven[d], has);
    }
    assert_null(labels->token_score);
    gr_labels_free(labels);
}

/* Hidden documents show none of their tokens; false tokens are drawn to the exact count. */
static void noise_of_tokens(void **state) {
    world *w = *state;
    const gr_label_noise noise = {.recall = 0.8, .precision = 0.75};
    const gr_label_def def = {.name = "trees", .from = BY_TREES, .per = GR_PER_TOKEN, .known = 0.5, .noise = &noise};
    gr_labels *labels = labels_of(w, &def, 1);
    size_t hit = 0, unlabelled = 0, missed = 0, wrong = 0, docs[3] = {0};
    for (size_t d = 0; d < labels->docs; d++) {
        size_t seen[3] = {0};
        for (size_t at = w->data->offsets[d] + d; at <= w->data->offsets[d + 1] + d; at++) {
            bool true_one = labels->token_truth[at] == 1;
            int16_t shown = labels->token_revealed[at];
            hit += true_one && shown == 1, missed += true_one && shown == 0, unlabelled += true_one && shown == -1;
            wrong += !true_one && shown == 1;
            assert_false(!true_one && shown == -1);
            if (true_one)
                seen[shown + 1] = 1;
        }
        assert_true(seen[0] + seen[1] + seen[2] == (labels->truth[d] == 1)); /* a document as a whole */
        for (int i = 0; i < 3; i++)
            docs[i] += seen[i];
    }
    assert_int_equal(docs[1], 119 - 95);
    assert_int_equal(docs[2], 48);
    assert_int_equal(docs[0], 47);
    assert_int_equal(labels->known[0], 48);
    assert_true(hit && missed && unlabelled);
    assert_int_equal(wrong, lround((double)hit / 3));
    gr_labels_free(labels);
}

/* ---- Noise of documents ---- */

static void noise_of_documents(void **state) {
    world *w = *state;
    const char *const from[] = {"law"};
    gr_label_noise noise = {.recall = 0.9, .precision = 0.6, .false_from = from, .false_count = 1};
    gr_label_def def = {.name = "biology", .from = {{"is", .texts = bio, .count = 1}}, .known = 0.5, .noise = &noise};
    gr_labels *labels = labels_of(w, &def, 1), *again = labels_of(w, &def, 1);
    size_t all = count_shown(labels, 1, 1) + count_shown(labels, 1, 0) + count_shown(labels, 1, -1);
    size_t carry = (size_t)lround(0.9 * (double)all), known = (size_t)lround(0.5 * (double)carry);
    assert_int_equal(all, 86);
    assert_int_equal(count_shown(labels, 1, 0), all - carry);
    assert_int_equal(count_shown(labels, 1, 1), known);
    assert_int_equal(labels->known[0], known);
    assert_int_equal(count_shown(labels, 0, 1), lround((double)known * 0.4 / 0.6));
    assert_int_equal(count_shown(labels, 0, -1), 0);
    for (size_t d = 0; d < labels->docs; d++)
        if (labels->truth[d] == 0 && labels->revealed[d] == 1)
            assert_int_equal(w->data->record[d] % 7, 1);
    assert_memory_equal(labels->revealed, again->revealed, labels->docs * sizeof *labels->revealed);
    gr_labels_free(again);
    gr_labels_free(labels);
    noise.precision = 0.1;
    expect_error(w, &def, 1, GR_ERR_USAGE, "biology", "there are 86");

    /* A topic that there is not, to draw mistakes from: nothing is written behind the table of topics. */
    const char *const nowhere[] = {"lawn"};
    noise = (gr_label_noise){.recall = 1, .precision = 0.6, .false_from = nowhere, .false_count = 1};
    expect_error(w, &def, 1, GR_ERR_USAGE, "biology", "no document has the topic \"lawn\"");
}

/* All documents of an author are wrong, or none is. */
static void noise_by_author(void **state) {
    world *w = *state;
    const gr_label_noise noise = {.recall = 0.7, .precision = 0.8, .by = "author"};
    const gr_label_def def = {
        .name = "biology", .from = {{"is", .texts = bio, .count = 1}}, .known = 1, .noise = &noise};
    gr_labels *labels = labels_of(w, &def, 1);
    int missed[20] = {0}, carried[20] = {0}, wrong[20] = {0}, right[20] = {0};
    for (size_t d = 0; d < labels->docs; d++) {
        size_t a = w->data->record[d] % 20;
        *(labels->truth[d]      ? labels->revealed[d] ? &carried[a] : &missed[a]
               : labels->revealed[d] ? &wrong[a]
                                : &right[a]) += 1;
    }
    int all_missed = 0, all_wrong = 0;
    for (int a = 0; a < 20; a++) {
        assert_true(!missed[a] || !carried[a]);
        assert_true(!wrong[a] || !right[a]);
        all_missed += missed[a], all_wrong += wrong[a];
    }
    assert_in_range(all_missed, 26 - 3, 26 + 3); /* 0.3 of 86, to half an author's share */
    assert_in_range(all_wrong, 2, 15 + 13);      /* a quarter of 60; an author has 25 */
    gr_labels_free(labels);
}

/* ---- Scores ---- */

/* Score records for all or the first `count` records of the corpus, in order. */
static const char *write_scores(size_t count, bool ids) {
    static char path[512];
    FILE *file;
    snprintf(path, sizeof path, "%s", gr_test_path("scores.jsonl"));
    file = fopen(path, "wb");
    for (size_t k = 0; k < count; k++) {
        size_t i = ids ? count - 1 - k : k;
        fprintf(file, "{\"id\": \"r%zu\", ", i);
        if (i % 10 == 9)
            fprintf(file, "\"score\": null}\n");
        else
            fprintf(file, "\"score\": %g, \"other\": 0.5}\n", (double)(i % 10) / 10);
    }
    fclose(file);
    return path;
}

static void scores_of_documents(void **state) {
    world *w = *state;
    for (int round = 0; round < 4; round++) {
        bool ids = round & 1, soft = round & 2;
        gr_label_def def = {.name = "x",
                            .from = {{"scores", .text = write_scores(DOCS, ids)},
                                     {"id", .text = ids ? "id" : NULL},
                                     {"threshold", .number = 0.6},
                                     {"soft", .on = soft}},
                            .known = 1};
        gr_labels *labels = labels_of(w, &def, 1);
        for (size_t d = 0; d < labels->docs; d++) {
            size_t i = w->data->record[d] % 10;
            assert_int_equal(labels->truth[d], i >= 6 && i < 9);
            assert_int_equal(labels->revealed[d], i == 9 ? -1 : soft ? i > 0 : i >= 6);
            if (soft)
                assert_true(fabs((double)labels->score[d] - (i == 9 || i == 0 ? 1 : (double)i / 10)) < 1e-6);
            else
                assert_null(labels->score);
        }
        gr_labels_free(labels);
    }
}

/* Spans in characters of the record, which may begin with white space that the corpus drops; a score between them. */
static void scores_of_spans(void **state) {
    world *w = *state;
    char text[256];
    FILE *file = fopen(gr_test_path("spans.jsonl"), "wb");
    for (size_t i = 0; i < DOCS; i++) {
        if (i % 5 == 0 && i != 200) { /* "Item %zu has été. One ..": the word été, and Item */
            int digits = snprintf(NULL, 0, "%zu", i);
            fprintf(file, "{\"spans\": [[%d, %d, 0.75], [0, 4, 0.25]], \"score\": 0.125}\n", 10 + digits, 13 + digits);
        } else if (i % 4 == 0 && i != 200) {
            fprintf(file, "{\"spans\": [[2, 6, 1], [0, 2, 1]]}\n"); /* "  Item" */
        } else {
            fprintf(file, "{\"spans\": []}\n");
        }
    }
    fclose(file);
    gr_label_def def = {.name = "x",
                        .from = {{"scores", .text = gr_test_path("spans.jsonl")}, {"soft", .on = true}},
                        .per = GR_PER_TOKEN,
                        .known = 1};
    gr_labels *labels = labels_of(w, &def, 1);
    for (size_t d = 0; d < labels->docs; d++) {
        size_t i = w->data->record[d], first = w->data->offsets[d] + d;
        spelt(w, text, labels, d, 1);
        assert_string_equal(text, i % 5 == 0 ? " \xc3\xa9t\xc3\xa9" : i % 4 == 0 ? "Item" : "");
        if (i % 5 == 0) {
            assert_int_equal(labels->token_revealed[first], 1);
            assert_true(labels->token_score[first] == (gr_real)0.25);
            assert_true(labels->token_score[w->data->offsets[d + 1] + d] == (gr_real)0.125); /* the end token */
        } else if (i % 4) {
            assert_int_equal(labels->token_revealed[first], 0);
        }
    }
    gr_labels_free(labels);
    def.per = GR_PER_DOCUMENT;
    expect_error(w, &def, 1, GR_ERR_USAGE, "x", "spans alone");
}

static void expect_score_error(const world *w, const char *line, const char *place, const char *message) {
    FILE *file = fopen(gr_test_path("wrong.jsonl"), "wb");
    for (size_t i = 0; i < DOCS; i++)
        fprintf(file, "%s\n", i == 2 ? line : "{\"score\": 1}");
    fclose(file);
    gr_label_def def = {
        .name = "x", .from = {{"scores", .text = gr_test_path("wrong.jsonl")}}, .per = GR_PER_TOKEN, .known = 1};
    expect_error(w, &def, 1, GR_ERR_FORMAT, place, message);
}

static void scores_that_fail(void **state) {
    world *w = *state;
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"{\"score\": 1.5}", "1.5"},
        {"{\"score\": -0.1}", "-0.1"},
        {"{\"score\": \"high\"}", "no number"},
        {"{\"scores\": 1}", "neither"},
        {"{\"score\": 1", ""},
        {"[1]", "not a JSON object"},
        {"{\"spans\": 3}", "no list"},
        {"{\"spans\": [[0, 1]]}", "no span"},
        {"{\"spans\": [[0, 1.5, 1]]}", "no span"},
        {"{\"spans\": [[3, 3, 1]]}", "from 3 to 3"},
        {"{\"spans\": [[-1, 3, 1]]}", "from -1"},
        {"{\"spans\": [[0, 99999999999, 1]]}", "from 0"},
        {"{\"spans\": [[0, 3, 2]]}", "score 2"},
        {"{\"spans\": [[0, 300, 1]]}", "300"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_score_error(w, cases[i].line, "wrong.jsonl:3", cases[i].message);
    gr_label_def def = {.name = "x", .from = {{"scores", .text = write_scores(DOCS - 1, false)}}, .known = 1};
    const char **file = &def.from[0].text;
    expect_error(w, &def, 1, GR_ERR_FORMAT, "scores.jsonl:599", "599 score records for the 600 records");
    *file = write_scores(DOCS + 1, false);
    expect_error(w, &def, 1, GR_ERR_FORMAT, "scores.jsonl:601", "more score records than the 600");
    def.from[1] = (gr_label_arg){"id", .text = "id"};
    expect_error(w, &def, 1, GR_ERR_FORMAT, "scores.jsonl:601", "the id \"r600\"");
    *file = write_scores(DOCS - 1, true);
    expect_error(w, &def, 1, GR_ERR_FORMAT, "scores.jsonl", "1 document has no scores; the first is record 600");
    *file = gr_test_path("missing.jsonl");
    expect_error(w, &def, 1, GR_ERR_INPUT, "missing.jsonl", "cannot open");
    *file = write_scores(DOCS, false);
    def.from[1] = (gr_label_arg){"threshold", .number = 0.95};
    expect_error(w, &def, 1, GR_ERR_USAGE, "x", "threshold of 0.95");
}

/* A vocabulary of pieces puts a space in front of a text, which is not of it; of characters that it does not know the
 * places are lost: words are found all the same, spans are refused. */
static gr_tokenizer *pieces(bool all) {
    char json[4096], *to = json;
    to += sprintf(
        to, "{\"added_tokens\":[{\"id\":0,\"content\":\"<unk>\",\"special\":true},{\"id\":1,\"content\":\"<s>\","
            "\"special\":true}],\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\","
            "\"prepend\":\"\xe2\x96\x81\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":"
            "\"\xe2\x96\x81\"}]},\"pre_tokenizer\":null,\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":"
            "\"Replace\",\"pattern\":{\"String\":\"\xe2\x96\x81\"},\"content\":\" \"},{\"type\":\"Fuse\"},{\"type\":"
            "\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]},\"model\":{\"type\":\"BPE\",\"unk_token\":"
            "\"<unk>\",\"fuse_unk\":true,\"vocab\":{\"<unk>\":0,\"<s>\":1,\"\xe2\x96\x81\":2");
    const char *letters = all ? "ItreoakmhsO., wdn0123456789Tif" : "ItreoakmhsO., wdn013456789Tif";
    int id = 3;
    for (const char *c = letters; *c; c++)
        if (*c != ' ' && strchr(letters, *c) == c)
            to += sprintf(to, ",\"%c\":%d", *c, id++);
    sprintf(to, ",\"\xc3\xa9\":%d},\"merges\":[]}}", id);
    gr_tokenizer *tok = NULL;
    gr_error err = {0};
    gr_test_ok(gr_tokenizer_parse(&tok, json, strlen(json), "pieces.json", &err), &err);
    return tok;
}

static void texts_of_pieces(void **state) {
    world *w = *state;
    FILE *file = fopen(gr_test_path("items.jsonl"), "wb");
    for (size_t i = 0; i < DOCS; i++)
        fprintf(file, "{\"spans\": [[0, 4, 1]], \"score\": 0}\n");
    fclose(file);
    const char *items = gr_test_path("items.jsonl");
    const gr_label_def by_words = {.name = "trees", .from = BY_TREES, .per = GR_PER_TOKEN, .known = 1},
                       by_spans = {.name = "x", .from = {{"scores", .text = items}}, .per = GR_PER_TOKEN, .known = 1};
    for (int all = 1; all >= 0; all--) {
        world other = {.corpus = w->corpus, .tokenizer = pieces(all)};
        gr_error err = {0};
        gr_test_ok(gr_dataset_new(&other.data, w->corpus, other.tokenizer, &(gr_dataset_def){.seed = 1}, &err), &err);
        gr_labels *labels = labels_of(&other, &by_words, 1);
        size_t tokens = 0;
        for (size_t i = 0; i < other.data->offsets[labels->docs] + labels->docs; i++)
            tokens += labels->token_truth[i] == 1;
        assert_int_equal(tokens, 4 * 119); /* a token for each letter */
        gr_labels_free(labels);
        if (all)
            gr_labels_free(labels_of(&other, &by_spans, 1));
        else
            expect_error(&other, &by_spans, 1, GR_ERR_USAGE, "x", "record 3 do not spell all of its text");
        gr_dataset_free(other.data);
        gr_tokenizer_free(other.tokenizer);
    }
    world wrong = {.data = w->data, .tokenizer = pieces(true)};
    expect_error(&wrong, &by_words, 1, GR_ERR_USAGE, "labels", "a tokenizer of");
    gr_tokenizer_free(wrong.tokenizer);
}

/* ---- Definitions that are wrong ---- */

static void definitions_that_fail(void **state) {
    world *w = *state;
    const char *const none[] = {"zebra", "gnu"};
    gr_label_def def = {.name = "x", .from = {{"words", .texts = none, .count = 2}}, .known = 1};
    expect_error(w, &def, 1, GR_ERR_USAGE, "x", "any of the label's 2 words");
    def = (gr_label_def){
        .name = "x", .from = {{"is", .texts = bio, .count = 1}, {"field", .text = "langauge"}}, .known = 1};
    expect_error(w, &def, 1, GR_ERR_USAGE, "x", "no field \"langauge\"");
    def.from[1].text = "language";
    expect_error(w, &def, 1, GR_ERR_USAGE, "x", "value of language \"bio\"");
    def = (gr_label_def){
        .name = "x", .from = {{"is", .texts = bio, .count = 1}, {"words", .texts = tree, .count = 1}}, .known = 1};
    expect_error(w, &def, 1, GR_ERR_USAGE, "x", "several sources");
    def.from[1] = (gr_label_arg){"feild", .text = "language"};
    expect_error(w, &def, 1, GR_ERR_USAGE, "x", "labels by is have no argument \"feild\"");
    def.from[1].key = NULL;
    def.all_of = bio, def.all_count = 1;
    expect_error(w, &def, 1, GR_ERR_USAGE, "x", "several sources");
    def = (gr_label_def){.name = "x", .from = {{"wrods", .texts = tree, .count = 1}}, .known = 1};
    expect_error(w, &def, 1, GR_ERR_USAGE, "x", "no source of labels \"wrods\"");
    def.from[0] = (gr_label_arg){"scores", .on = true};
    expect_error(w, &def, 1, GR_ERR_USAGE, "x", "scores names no file");
    def.from[0].text = "scores.jsonl";
    def.from[1] = (gr_label_arg){"threshold", .number = NAN};
    expect_error(w, &def, 1, GR_ERR_USAGE, "x", "the threshold nan is not in [0, 1]");
    gr_label_noise noise = {.recall = 1, .precision = 0};
    def = (gr_label_def){.name = "x", .from = {{"is", .texts = bio, .count = 1}}, .known = 1, .noise = &noise};
    expect_error(w, &def, 1, GR_ERR_USAGE, "x", "precision is 0");
    noise = (gr_label_noise){.recall = 1, .precision = 1, .by = "publisher"};
    expect_error(w, &def, 1, GR_ERR_USAGE, "x", "no field \"publisher\"");
    const char *const both[] = {"trees", "oaks"};
    const gr_label_def parts[] = {{.name = "trees", .from = BY_TREES, .known = 1},
                                  {.name = "xx", .all_of = both, .all_count = 2, .known = 1}};
    expect_error(w, parts, 2, GR_ERR_USAGE, "xx", "no label \"oaks\"");
    const gr_label_def taken[] = {{.name = "trees", .from = BY_TREES, .known = 1},
                                  {.name = "oaks", .from = BY_OAKS, .known = 1}};
    expect_error(w, taken, 2, GR_ERR_USAGE, "oaks", "labels before it took them all");
    gr_labels *labels;
    gr_error err = {0};
    assert_int_equal(gr_labels_new(&labels, &w->data->topics, taken, 1, NULL, 0, 1, &err), GR_ERR_USAGE);
    assert_true(strstr(err.message, "topics are all"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_records),     cmocka_unit_test(fields_made_to_harm),
        cmocka_unit_test(labels_by_field),       cmocka_unit_test(labels_by_word),
        cmocka_unit_test(labels_by_token),       cmocka_unit_test(noise_of_tokens),
        cmocka_unit_test(noise_of_documents),    cmocka_unit_test(noise_by_author),
        cmocka_unit_test(scores_of_documents),   cmocka_unit_test(scores_of_spans),
        cmocka_unit_test(texts_of_pieces),       cmocka_unit_test(scores_that_fail),
        cmocka_unit_test(definitions_that_fail),
    };
    return cmocka_run_group_tests(tests, make_world, world_free);
}
