/* test_label_pattern.c - labels by regular expressions: documents, tokens, bytes of no character, patterns that are
 * wrong or would not end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "label_helpers.h"

enum { DOCS = 60 };

/* Document i: a year and a word that is not ASCII; a year among bytes of no character; no year. */
static int make_world(void **state) {
    static world w;
    char text[8192];
    size_t used = 0;
    if (gr_test_files_setup(state))
        return -1;
    for (int i = 0; i < DOCS; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 i % 3 == 0   ? "In the year 19%02d a caf\xc3\xa9. It was 0%d.<|endoftext|>"
                                 : i % 3 == 1 ? "bad \xff\xc3 byte 19%02d\xe2\x82 and %d<|endoftext|>"
                                              : "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa %d %d!<|endoftext|>",
                                 i, i % 7);
    if (world_open_text(&w, text, used) != GR_OK)
        return -1;
    *state = &w;
    return w.data->topics.docs != DOCS;
}

static gr_status make(gr_labels **labels, const world *w, const char *pattern, bool caseless, gr_label_per per,
                      gr_error *err) {
    gr_label_def def = {
        .name = "x", .from = {{"pattern", .text = pattern}, {"caseless", .on = caseless}}, .per = per, .known = 1};
    return gr_labels_make(labels, w->data, w->tokenizer, &def, 1, NULL, 0, 5, NULL, err);
}

static gr_labels *labels_of(const world *w, const char *pattern, bool caseless, gr_label_per per) {
    gr_labels *labels = NULL;
    gr_error err = {0};
    gr_test_ok(make(&labels, w, pattern, caseless, per, &err), &err);
    return labels;
}

static void expect_error(const world *w, const char *pattern, const char *message) {
    gr_labels *labels = (gr_labels *)1;
    gr_error err = {0};
    assert_int_equal(make(&labels, w, pattern, false, GR_PER_TOKEN, &err), GR_ERR_USAGE);
    assert_null(labels);
    assert_string_equal(err.place, "x");
    if (!strstr(err.message, message) || !err.hint[0])
        fail_msg("expected \"%s\", got \"%s\" (%s)", message, err.message, err.hint);
}

static void expect_nothing(const world *w, const char *pattern) { expect_error(w, pattern, "no document has text"); }

/* The tokens of the label, joined. */
static void spelt(const world *w, char *out, const gr_labels *labels, size_t d) {
    size_t first = w->data->offsets[d], n = w->data->offsets[d + 1] - first, length;
    *out = '\0';
    for (size_t i = 0; i < n; i++) {
        const char *bytes = gr_tokenizer_token(w->tokenizer, w->data->ids[first + i], &length);
        if (labels->token_truth[first + d + i])
            strncat(out, bytes, length);
    }
}

static void documents(void **state) {
    world *w = *state;
    gr_labels *labels = labels_of(w, "\\b19\\d\\d\\b", false, GR_PER_DOCUMENT);
    assert_null(labels->token_truth);
    for (size_t d = 0; d < DOCS; d++)
        assert_int_equal(labels->truth[d], d % 3 != 2);
    assert_int_equal(labels->match_count[0], 40); /* each year once */
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(labels->matches[0][i].count, 1);
        assert_int_equal(strlen(labels->matches[0][i].text), 4);
    }
    gr_labels_free(labels);
    labels = labels_of(w, "in|IT", true, GR_PER_DOCUMENT);
    assert_int_equal(labels->match_count[0], 2); /* In and It, of 20 documents each */
    assert_int_equal(labels->matches[0][0].count, 20);
    gr_labels_free(labels);
}

static void tokens(void **state) {
    world *w = *state;
    char text[128], want[16];
    gr_labels *labels = labels_of(w, "19\\d\\d", false, GR_PER_TOKEN);
    for (size_t d = 0; d < DOCS; d++) {
        spelt(w, text, labels, d);
        snprintf(want, sizeof want, d % 3 == 2 ? "" : " 19%02zu", d);
        assert_string_equal(text, want);
        assert_int_equal(labels->truth[d], d % 3 != 2);
        assert_int_equal(labels->token_truth[w->data->offsets[d + 1] + d], 0); /* the end token */
    }
    gr_labels_free(labels);
    labels = labels_of(w, "year", false, GR_PER_SENTENCE);
    spelt(w, text, labels, 3);
    assert_string_equal(text, "In the year 1903 a caf\xc3\xa9.");
    gr_labels_free(labels);
}

static void unicode(void **state) {
    world *w = *state;
    char text[128];
    expect_nothing(w, "CAF\xc3\x89");
    gr_labels *labels = labels_of(w, "CAF\xc3\x89", true, GR_PER_TOKEN);
    spelt(w, text, labels, 0);
    assert_string_equal(text, " caf\xc3\xa9");
    gr_labels_free(labels);
    labels = labels_of(w, "\\w{4}(?=\\.)", false, GR_PER_DOCUMENT); /* caf and e with its accent: four letters */
    assert_string_equal(labels->matches[0][0].text, "caf\xc3\xa9");
    gr_labels_free(labels);
}

/* Bytes of no character are of no match, and are no beginning or end of the text. */
static void invalid_bytes(void **state) {
    world *w = *state;
    gr_labels *labels = labels_of(w, "(?s)(?<=\\d{4}).+|^bad| byte", false, GR_PER_DOCUMENT);
    for (size_t i = 0; i < labels->match_count[0]; i++) /* in the first kind of document the rest follows on the year */
        assert_true(!strcmp(labels->matches[0][i].text, "bad") || !strcmp(labels->matches[0][i].text, " byte") ||
                    !strncmp(labels->matches[0][i].text, " a caf", 6));
    gr_labels_free(labels);
    expect_nothing(w, "^ byte");
    expect_nothing(w, "bad $");
    expect_nothing(w, "(?s)bad.*byte");
}

static void empty_matches(void **state) {
    world *w = *state;
    expect_nothing(w, "");
    expect_nothing(w, "(?=year)");
    expect_nothing(w, "z*");
    gr_labels *labels = labels_of(w, "y?", false, GR_PER_DOCUMENT); /* y, where there is one */
    assert_int_equal(labels->match_count[0], 1);
    assert_int_equal(labels->matches[0][0].count, 40);
    gr_labels_free(labels);
    labels = labels_of(w, "|year", false, GR_PER_DOCUMENT); /* nothing is no match, what comes second is */
    assert_int_equal(labels->matches[0][0].count, 20);
    gr_labels_free(labels);
    labels = labels_of(w, "the \\Kyear", false, GR_PER_DOCUMENT); /* a match that begins later */
    assert_string_equal(labels->matches[0][0].text, "year");
    assert_int_equal(labels->matches[0][0].count, 20);
    gr_labels_free(labels);
}

static void patterns_that_fail(void **state) {
    world *w = *state;
    char many[5000];
    expect_error(w, "(a", "\"(a\" does not compile at its byte 2: missing closing parenthesis");
    expect_error(w, "a\xff", "does not compile at its byte 1");
    expect_error(w, "a\\Cb", "does not compile");
    memset(many, 'a', sizeof many);
    many[sizeof many - 1] = '\0';
    expect_error(w, many, "4999 bytes, at most 4096");
    expect_error(w, "(?:a+)+[b-y]{9}", "gave up at byte 0 of document 3: match limit exceeded");
    expect_error(w, "(*LIMIT_MATCH=4000000000)(?:a+)+[b-y]{9}", "gave up"); /* a pattern cannot allow itself more */
    expect_error(w, "(a(?1)*)+b{9}", ""); /* one that calls itself: refused or without a match, and soon */
    expect_error(w, NULL, "pattern names no text");
    gr_label_def def = {.name = "x", .from = {{"pattern", .text = "a"}}, .known = 1};
    gr_labels *labels;
    gr_error err = {0};
    assert_int_equal(gr_labels_new(&labels, &w->data->topics, &def, 1, NULL, 0, 1, &err), GR_ERR_USAGE);
    assert_true(strstr(err.message, "topics are all"));
}

/* Marks and connectors are of words, as in lists of words, whatever the version of the library. */
static void words_of_any_script(void **state) {
    (void)state;
    static const char text[] = "\xe0\xa4\x95\xe0\xa4\xb0<|endoftext|>"             /* two letters */
                               "\xe0\xa4\x95\xe0\xa4\xb0\xe0\xa4\xbe<|endoftext|>" /* with a vowel sign behind */
                               "cafe\xcc\x81s<|endoftext|>"                        /* a letter and its accent */
                               "a\xe2\x80\xbf"
                               "b<|endoftext|>" /* a connector */
                               "a_b a-b<|endoftext|>";
    static const struct {
        const char *pattern;
        unsigned docs; /* bit d: document d has the label */
    } cases[] = {
        {"\\b\xe0\xa4\x95\xe0\xa4\xb0\\b", 1},
        {"\\bcafe\\b|\xe0\xa4\x95\xe0\xa4\xb0$", 1},
        {"^\\w+$", 15},
        {"^[\\w]+$", 15},
        {"^[[:word:]]+$", 15},
        {"^[^\\W]+$", 15},
        {"[[:^word:]]", 16},
        {"[\\W_]", 16},
        {"[]\\W]", 16},
        {"a\\B", 4 | 8 | 16},
        {"\\Q\\b\\E|\xe0\xa4\x95\xe0\xa4\xb0", 3},
        {"\\\\b|-", 16},
        {"(?<!\\W)b$", 8},
    };
    world w = {0};
    assert_int_equal(world_open_text(&w, text, strlen(text)), GR_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gr_labels *labels = labels_of(&w, cases[i].pattern, false, GR_PER_DOCUMENT);
        unsigned docs = 0;
        for (size_t d = 0; d < w.data->topics.docs; d++)
            docs |= labels->truth[d] > 0 ? 1u << d : 0;
        if (docs != cases[i].docs)
            fail_msg("%s: documents %#x, wanted %#x", cases[i].pattern, docs, cases[i].docs);
        gr_labels_free(labels);
    }
    gr_corpus_free(w.corpus);
    gr_tokenizer_free(w.tokenizer);
    gr_dataset_free(w.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents),           cmocka_unit_test(tokens),        cmocka_unit_test(unicode),
        cmocka_unit_test(invalid_bytes),       cmocka_unit_test(empty_matches), cmocka_unit_test(patterns_that_fail),
        cmocka_unit_test(words_of_any_script),
    };
    return cmocka_run_group_tests(tests, make_world, world_free);
}
