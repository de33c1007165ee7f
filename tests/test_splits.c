/* How vocabularies of others cut a text, against stored ids of Hugging Face's tokenizers. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "base/mem.h"
#include "gradroute/data.h"
#include "gradroute/tokenizer.h"

/* A vocabulary as a line of the stored figures describes it; models is of the first line. */
static gr_status open_split(gr_tokenizer **tok, const json_t *line, const json_t *models, gr_error *err) {
    json_t *root = json_copy((json_t *)line);
    json_object_set(root, "model", json_object_get(models, json_string_value(json_object_get(line, "model"))));
    char *text = json_dumps(root, 0);
    gr_status status = gr_tokenizer_parse(tok, text, strlen(text), "split.json", err);
    free(text);
    json_decref(root);
    return status;
}

/* The ids of all texts, by a tokenizer as it is and as it is saved. */
static void check_split(const gr_tokenizer *tok, const json_t *texts, const json_t *want, size_t line) {
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const json_t *text = json_array_get(texts, i), *ids = json_array_get(want, i);
        int32_t *have = NULL;
        size_t count = 0, capacity = 0;
        gr_error err = {0};
        if (gr_tokenizer_encode_special(tok, &have, &count, &capacity, json_string_value(text),
                                        json_string_length(text), &err) != GR_OK)
            fail_msg("line %zu of splits.jsonl, text %zu: %s", line, i, err.message);

        bool same = count == json_array_size(ids);
        for (size_t k = 0; same && k < count; k++)
            same = have[k] == json_integer_value(json_array_get(ids, k));
        if (!same)
            fail_msg("line %zu of splits.jsonl, text %zu", line, i);
        gr_free(have);
    }
}

/* tests/reference/splits.jsonl: set operations, sets in sets, counted repeats with a sign behind, line anchors, short
 * class names, empty matches; tokens that take white space with them; pieces with such tokens. Ids by Hugging Face's
 * tokenizers. */
static void test_splits(void **state) {
    (void)state;
    json_t *first = NULL, *line;
    FILE *file = fopen("tests/reference/splits.jsonl", "r");
    size_t number = 0, compared = 0;
    assert_non_null(file);
    while ((line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL))) {
        gr_tokenizer *tok = NULL, *again;
        gr_error err = {0};
        if (!number++) {
            first = line;
            continue;
        }
        gr_status status = open_split(&tok, line, json_object_get(first, "models"), &err);
        if (json_is_true(json_object_get(line, "refused"))) {
            assert_int_equal(status, GR_ERR_FORMAT);
        } else {
            if (status != GR_OK)
                fail_msg("line %zu of splits.jsonl: %s", number, err.message);
            check_split(tok, json_object_get(first, "texts"), json_object_get(line, "ids"), number);
            assert_int_equal(gr_tokenizer_save(tok, gr_test_path("split.json"), &err), GR_OK);
            if (gr_tokenizer_open(&again, gr_test_path("split.json"), &err) != GR_OK)
                fail_msg("line %zu of splits.jsonl, saved: %s: %s", number, err.place, err.message);
            assert_true(gr_tokenizer_equal(tok, again));
            check_split(again, json_object_get(first, "texts"), json_object_get(line, "ids"), number);
            gr_tokenizer_free(again);
            compared++;
        }
        gr_tokenizer_free(tok);
        json_decref(line);
    }
    json_decref(first);
    fclose(file);
    assert_true(compared > 90);
}

/* A pattern that would not end says in which record of which file. */
static void test_gives_up(void **state) {
    (void)state;
    const char *first = gr_test_write("first.txt", "one<|endoftext|>two", 19);
    gr_source source[2] = {gr_source_default(), gr_source_default()};
    gr_corpus *corpus;
    gr_dataset *data = NULL;
    gr_tokenizer *tok = NULL;
    gr_error err = {0};
    source[0].reader = source[1].reader = "text";
    source[0].path = first;
    source[1].path = gr_test_write("second.txt", "b<|endoftext|>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 63);

    json_t *head = json_load_file("tests/reference/splits.jsonl", JSON_DISABLE_EOF_CHECK, NULL);
    json_t *line =
        json_pack("{s:s, s:[{s:i, s:s, s:b}], s:{s:s}, s:{s:s, s:[{s:s, s:{s:s}, s:s}, {s:s, s:b}]}}", "model", "bytes",
                  "added_tokens", "id", 356, "content", "<|endoftext|>", "special", 1, "decoder", "type", "ByteLevel",
                  "pre_tokenizer", "type", "Sequence", "pretokenizers", "type", "Split", "pattern", "Regex",
                  "(a|aa)+$|[^a]", "behavior", "Isolated", "type", "ByteLevel", "use_regex", 0);
    assert_int_equal(open_split(&tok, line, json_object_get(head, "models"), &err), GR_OK);
    json_decref(line);
    json_decref(head);

    assert_int_equal(gr_corpus_open(&corpus, &(gr_corpus_def){.sources = source, .source_count = 2}, &err), GR_OK);
    assert_int_equal(gr_dataset_new(&data, corpus, tok, &(gr_dataset_def){.seed = 1}, &err), GR_ERR_FORMAT);
    assert_non_null(strstr(err.place, "second.txt: record 2"));
    assert_non_null(strstr(err.message, "gave up at byte 0 of 49"));
    assert_true(err.hint[0]);
    gr_corpus_free(corpus);
    gr_tokenizer_free(tok);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_splits), cmocka_unit_test(test_gives_up)};
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}
