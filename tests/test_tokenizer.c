#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "text/tokenizer.h"

static uint64_t draw(uint64_t i, uint32_t j) { return gr_random_bits((gr_key){11, GR_STREAM_TEST, 0}, i, j); }

static gr_tokenizer *train(const char *const *texts, size_t n, int vocab) {
    gr_text docs[16];
    assert_true(n <= 16);
    for (size_t i = 0; i < n; i++)
        docs[i] = (gr_text){texts[i], strlen(texts[i])};
    gr_error err = {0};
    gr_tokenizer *tok = NULL;
    assert_int_equal(gr_tokenizer_train(&tok, docs, n, vocab, NULL, &err), GR_OK);
    assert_non_null(tok);
    return tok;
}

static gr_tokenizer *train_english(int vocab) {
    const char *text[] = {
        "the small bird sang to the other birds in the tall tree; it's the 3rd song we've heard.",
        "The act of singing: birds don't sing, they're calling.\n\n  A small act, though 1234 \xc3\xa9t\xc3\xa9"};
    return train(text, 2, vocab);
}

static size_t encode(const gr_tokenizer *tok, int32_t **ids, const char *text, size_t length) {
    size_t count = 0, capacity = 0;
    gr_error err = {0};
    *ids = NULL;
    assert_int_equal(gr_tokenizer_encode(tok, ids, &count, &capacity, text, length, &err), GR_OK);
    return count;
}

static void check_round_trip(const gr_tokenizer *tok, const char *text, size_t length) {
    int32_t *ids;
    size_t n = encode(tok, &ids, text, length), count = 0, capacity = 0;
    char *back = NULL;
    gr_tokenizer_decode(tok, &back, &count, &capacity, ids, n);
    assert_int_equal(count, length);
    if (length)
        assert_memory_equal(back, text, length);
    gr_free(back);
    gr_free(ids);
}

static void check_token(const gr_tokenizer *tok, int id, const char *want) {
    size_t length;
    const char *bytes = gr_tokenizer_token(tok, id, &length);
    assert_non_null(bytes);
    assert_int_equal(length, strlen(want));
    assert_memory_equal(bytes, want, length);
}

static void check_ids(const gr_tokenizer *tok, const char *text, const int32_t *want, size_t count) {
    int32_t *ids;
    assert_int_equal(encode(tok, &ids, text, strlen(text)), count);
    assert_memory_equal(ids, want, count * sizeof *ids);
    gr_free(ids);
}

/* ---- training ---- */

/* Pieces "ab" x1, " ab" x2, " abc" x1: the pair a b occurs 4 times, then " " ab 3 times, then " ab" c once. */
static void test_hand_checked(void **state) {
    (void)state;
    const char *text[] = {"ab ab ab abc"};
    gr_tokenizer *tok = train(text, 1, 1000);
    assert_int_equal(gr_tokenizer_size(tok), 257 + 3); /* ran out of pairs */
    assert_int_equal(gr_tokenizer_end(tok), 0);
    check_token(tok, 0, "<|endoftext|>");
    check_token(tok, 1, "!");
    check_token(tok, 257, "ab");
    check_token(tok, 258, " ab");
    check_token(tok, 259, " abc");
    check_ids(tok, "ab abcab", (const int32_t[]){257, 259, 257}, 3);
    size_t length = 1;
    assert_null(gr_tokenizer_token(tok, 260, &length));
    assert_int_equal(length, 0);
    assert_null(gr_tokenizer_token(tok, -1, &length));
    gr_tokenizer_free(tok);
}

/* Four pairs occur once each: the smaller left id wins, then the smaller right one; '-' is 13 and 'z' 90. */
static void test_ties(void **state) {
    (void)state;
    const char *text[] = {"zy", "zx", "cd", "--"};
    gr_tokenizer *tok = train(text, 4, 261);
    check_token(tok, 257, "--");
    check_token(tok, 258, "cd");
    check_token(tok, 259, "zx");
    check_token(tok, 260, "zy");
    gr_tokenizer_free(tok);
}

/* Pieces of letters, found without a pattern; every merge recounts everything. */
typedef struct twin {
    int32_t pieces[400][24];
    size_t lengths[400], count;
} twin;

static void twin_merge(twin *t, gr__merge m) {
    for (size_t w = 0; w < t->count; w++) {
        size_t to = 0;
        for (size_t i = 0; i < t->lengths[w]; to++) {
            bool here = i + 1 < t->lengths[w] && t->pieces[w][i] == m.left && t->pieces[w][i + 1] == m.right;
            t->pieces[w][to] = here ? m.id : t->pieces[w][i];
            i += here ? 2 : 1;
        }
        t->lengths[w] = to;
    }
}

static bool twin_best(const twin *t, int32_t *left, int32_t *right) {
    enum { SIZE = 400 };
    int *counts = gr_alloc(SIZE * SIZE * sizeof *counts), best = 0;
    for (size_t w = 0; w < t->count; w++)
        for (size_t i = 1; i < t->lengths[w]; i++)
            counts[t->pieces[w][i - 1] * SIZE + t->pieces[w][i]]++;
    for (int at = 0; at < SIZE * SIZE; at++)
        if (counts[at] > best) {
            best = counts[at];
            *left = at / SIZE;
            *right = at % SIZE;
        }
    gr_free(counts);
    return best > 0;
}

static void test_slow_twin(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 4; round++) {
        twin *t = gr_alloc(sizeof *t);
        char text[400 * 24];
        size_t n = 0;
        t->count = 400;
        gr_tokenizer *bytes = train(NULL, 0, 257);
        for (size_t w = 0; w < t->count; w++) {
            size_t length = 2 + draw(w, 2 * round) % 16;
            t->lengths[w] = length;
            for (size_t i = 0; i < length; i++) {
                text[n] = i ? "aab"[draw(w * 32 + i, 2 * round + 1) % 3] : ' ';
                t->pieces[w][i] = bytes->byte_id[(uint8_t)text[n++]];
            }
        }
        gr_error err = {0};
        gr_tokenizer *tok = NULL;
        assert_int_equal(gr_tokenizer_train(&tok, &(gr_text){text, n}, 1, 380, NULL, &err), GR_OK);
        assert_int_equal(gr_tokenizer_size(tok), 380);
        for (size_t i = 0; i < tok->merges_count; i++) {
            int32_t left = 0, right = 0;
            assert_true(twin_best(t, &left, &right));
            assert_int_equal(tok->merges[i].left, left);
            assert_int_equal(tok->merges[i].right, right);
            twin_merge(t, tok->merges[i]);
        }
        int32_t *ids; /* applying all merges in order is what encoding must give */
        size_t count = encode(tok, &ids, text, n), at = 0;
        for (size_t w = 0; w < t->count; w++)
            for (size_t i = 0; i < t->lengths[w]; i++)
                assert_int_equal(ids[at++], t->pieces[w][i]);
        assert_int_equal(at, count);
        gr_free(ids);
        gr_tokenizer_free(tok);
        gr_tokenizer_free(bytes);
        gr_free(t);
    }
}

static void test_deterministic(void **state) {
    (void)state;
    const char *one[] = {"a small bird", "the act of it", "1 2 3"}, *two[] = {"1 2 3", "the act of it", "a small bird"};
    gr_tokenizer *a = train(one, 3, 290), *b = train(one, 3, 290), *c = train(two, 3, 290), *d = train(one, 3, 270);
    assert_true(gr_tokenizer_equal(a, b));
    assert_true(gr_tokenizer_equal(a, c));
    assert_false(gr_tokenizer_equal(a, d));
    gr_tokenizer_free(a);
    gr_tokenizer_free(b);
    gr_tokenizer_free(c);
    gr_tokenizer_free(d);
}

static void test_vocab_too_small(void **state) {
    (void)state;
    gr_error err = {0};
    gr_tokenizer *tok = (gr_tokenizer *)&err;
    assert_int_equal(gr_tokenizer_train(&tok, NULL, 0, 256, NULL, &err), GR_ERR_USAGE);
    assert_null(tok);
    assert_non_null(strstr(err.message, "256"));
}

/* ---- encoding ---- */

static void test_pieces(void **state) {
    (void)state;
    static const char *const want[] = {
        "We",   "'ve",  " 12",  " caf\xc3\xa9", "5", "...",          " ", " x", "\n", "\t",        "_",
        "\xff", "\xc3", "\xe2", "\x82",         "a", "\xe1\xa0\x8e", "b", "'",  "S",  " \xc2\x85 "};
    char text[128] = "";
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        strcat(text, want[i]);
    gr_tokenizer *tok = train(NULL, 0, 257);
    gr__split split;
    gr_error err = {0};
    const char *piece;
    size_t length;
    gr__split_open(&split, tok, text, strlen(text));
    /* "..." and the two spaces before x: one space stays with x; U+180E is no white space, so it is one piece */
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        assert_int_equal(gr__split_next(&split, &piece, &length, &err), GR_OK);
        assert_int_equal(length, strlen(want[i]));
        assert_memory_equal(piece, want[i], length);
    }
    assert_int_equal(gr__split_next(&split, &piece, &length, &err), GR_OK);
    assert_int_equal(length, 0);
    gr__split_close(&split);
    gr_tokenizer_free(tok);
}

static void test_round_trip(void **state) {
    (void)state;
    gr_tokenizer *tok = train_english(320);
    assert_int_equal(gr_tokenizer_size(tok), 320);
    check_round_trip(tok, "", 0);
    for (uint64_t i = 0; i < 2000; i++) {
        char text[200];
        size_t n = 0;
        while (n < 190 && draw(i, (uint32_t)n) % 40) {
            uint64_t bits = draw(i, 1000 + (uint32_t)n), c = bits >> 8;
            if (i % 3 == 0)
                text[n++] = (char)c;
            else if (bits % 4)
                text[n++] = "the smalbird's\n\t 12"[c % 20];
            else { /* a character of two or three bytes, some of them surrogates or over-long */
                text[n++] = (char)(0xc0 | (c & 0x2f));
                text[n++] = (char)(0x80 | (c >> 8 & 0x3f));
                if (c & 0x20)
                    text[n++] = (char)(0x80 | (c >> 16 & 0x3f));
            }
        }
        check_round_trip(tok, text, n);
    }
    gr_tokenizer_free(tok);
}

static void test_long_piece(void **state) {
    (void)state;
    enum { N = 300000 };
    gr_tokenizer *tok = train_english(320);
    char *text = gr_alloc(N);
    static const char fill[] = {'a', ' ', '\x80', '\n'};
    for (size_t i = 0; i < sizeof fill; i++) {
        memset(text, fill[i], N);
        check_round_trip(tok, text, N);
    }
    gr_free(text);
    gr_tokenizer_free(tok);
}

static void test_special_tokens(void **state) {
    (void)state;
    gr_tokenizer *tok = train_english(300);
    int32_t *ids;
    size_t n = encode(tok, &ids, "<|endoftext|>", 13), count = 0, capacity = 0;
    assert_true(n > 1);
    for (size_t i = 0; i < n; i++)
        assert_int_not_equal(ids[i], gr_tokenizer_end(tok));
    gr_free(ids);
    char *text = NULL;
    const int32_t some[] = {-1, 0, tok->byte_id['x'], 300, INT32_MAX, INT32_MIN, tok->byte_id['y']};
    gr_tokenizer_decode(tok, &text, &count, &capacity, some, 7);
    assert_int_equal(count, 2);
    assert_memory_equal(text, "xy", 2);
    gr_free(text);
    gr_tokenizer_free(tok);
}

/* ---- files ---- */

static char *read_all(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = gr_alloc(1 << 20);
    *length = fread(text, 1, 1 << 20, file);
    fclose(file);
    return text;
}

/* tok as JSON text, through a file. */
static char *saved(const gr_tokenizer *tok, size_t *length) {
    const char *tmp = getenv("TMPDIR");
    char *folder = gr_format("%s/tokenizer-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(folder));
    char *path = gr_format("%s/tokenizer.json", folder);
    gr_error err = {0};
    assert_int_equal(gr_tokenizer_save(tok, path, &err), GR_OK);
    char *text = read_all(path, length);
    gr_tokenizer *again = NULL;
    assert_int_equal(gr_tokenizer_open(&again, path, &err), GR_OK);
    assert_true(gr_tokenizer_equal(tok, again));
    assert_int_equal(gr_tokenizer_end(again), gr_tokenizer_end(tok));
    gr_tokenizer_free(again);
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* nothing was left beside it */
    gr_free(path);
    gr_free(folder);
    return text;
}

static void test_save_and_open(void **state) {
    (void)state;
    gr_tokenizer *tok = train_english(330);
    size_t length;
    gr_free(saved(tok, &length));
    gr_error err = {0};
    assert_int_equal(gr_tokenizer_save(tok, "/nonexistent/folder/t.json", &err), GR_ERR_IO);
    assert_string_equal(err.place, "/nonexistent/folder/t.json");
    gr_tokenizer_free(tok);
    err = (gr_error){0};
    assert_int_equal(gr_tokenizer_open(&tok, "/nonexistent/t.json", &err), GR_ERR_INPUT);
    assert_null(tok);
    err = (gr_error){0};
    assert_int_equal(gr_tokenizer_open(&tok, "/", &err), GR_ERR_INPUT);
}

/* A file written by hand: bytes have ids 0..255, then "ab", "abc" and the added tokens. */
static char *by_hand(const char *pre_tokenizer, const char *merges, const char *added, const char *more) {
    uint8_t order[256];
    gr__byte_order(order);
    char *text = gr_alloc(16384), *to = text;
    to += sprintf(to, "{\"added_tokens\":[%s],\"normalizer\":null,\"decoder\":{\"type\":\"ByteLevel\"},", added);
    to += sprintf(to, "\"pre_tokenizer\":%s,\"model\":{\"type\":\"BPE\",%s\"vocab\":{", pre_tokenizer, more);
    for (int i = 0; i < 256; i++)
        to += sprintf(to, "\"\\u%04x\":%d,", i < GR__BYTES_PRINTABLE ? order[i] : 256 + i - GR__BYTES_PRINTABLE, i);
    sprintf(to, "\"ab\":256,\"abc\":257},\"merges\":[%s]}}", merges);
    return text;
}

#define BYTE_LEVEL "{\"type\":\"ByteLevel\",\"add_prefix_space\":false}"
#define SPLIT(pattern, behavior)                                                                             \
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" pattern "\"}," \
    "\"behavior\":\"" behavior "\",\"invert\":false},{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"    \
    "\"use_regex\":false}]}"
#define END "{\"id\":258,\"content\":\"<|endoftext|>\",\"special\":true}"
#define STRINGS "\"a b\",\"ab c\""

static gr_status parse(gr_tokenizer **tok, char *json, gr_error *err) {
    *err = (gr_error){0};
    gr_status status = gr_tokenizer_parse(tok, json, strlen(json), "hand.json", err);
    gr_free(json);
    return status;
}

static void test_by_hand(void **state) {
    (void)state;
    gr_error err;
    gr_tokenizer *a, *b, *c;
    assert_int_equal(parse(&a, by_hand(BYTE_LEVEL, STRINGS, END, ""), &err), GR_OK);
    assert_int_equal(parse(&b, by_hand(BYTE_LEVEL, "[\"a\",\"b\"],[\"ab\",\"c\"]", END, ""), &err), GR_OK);
    assert_true(gr_tokenizer_equal(a, b));
    assert_int_equal(gr_tokenizer_size(a), 259);
    assert_int_equal(gr_tokenizer_end(a), 258);
    check_ids(a, "abab abc", (const int32_t[]){256, 256, 220, 257}, 4);
    gr_tokenizer_free(a);
    gr_tokenizer_free(b);

    const char *added = END ",{\"id\":259,\"content\":\"<note>\",\"special\":false}";
    assert_int_equal(parse(&c, by_hand(SPLIT("b|\\\\d+", "Isolated"), STRINGS, added, ""), &err), GR_OK);
    check_ids(c, "abc", (const int32_t[]){64, 65, 66}, 3); /* b is a match, a and c are gaps: nothing may merge */
    char *text = NULL;
    size_t count = 0, capacity = 0;
    gr_tokenizer_decode(c, &text, &count, &capacity, (const int32_t[]){258, 259, 257}, 3);
    assert_int_equal(count, 9);
    assert_memory_equal(text, "<note>abc", 9);
    gr_free(text);
    check_round_trip(c, "x12 ab\xff\xfe zz9", 12);
    gr_free(saved(c, &count));
    gr_tokenizer_free(c);
}

typedef struct refusal {
    char *json;
    const char *place, *message;
} refusal;

static void test_refusals(void **state) {
    (void)state;
    const refusal cases[] = {
        {gr_strdup(""), "hand.json:1:1", ""},
        {gr_strdup("[]"), "hand.json: 1:1", "object"},
        {gr_strdup("{}\n]"), "hand.json:2:1", "end of file"},
        {gr_strdup("{\"model\":{},\n \"model\":{}}"), "hand.json:2:8", "duplicate"},
        {gr_strdup("{\"model\":{\"type\":\"Unigram\"}}"), "hand.json: model.type", "BPE"},
        {by_hand(BYTE_LEVEL, STRINGS, "", "\"dropout\":0.1,"), "hand.json: model.dropout", "dropout"},
        {by_hand(BYTE_LEVEL, STRINGS, "", "\"ignore_merges\":true,"), "hand.json: model.ignore_merges",
         "not supported"},
        {by_hand("null", STRINGS, "", ""), "hand.json: pre_tokenizer", "ByteLevel"},
        {by_hand("{\"type\":\"ByteLevel\",\"add_prefix_space\":true}", STRINGS, "", ""),
         "hand.json: pre_tokenizer.add_prefix_space", "not supported"},
        {by_hand("{\"type\":\"ByteLevel\",\"use_regex\":false}", STRINGS, "", ""), "hand.json: pre_tokenizer",
         "use_regex"},
        {by_hand(SPLIT("a", "MergedWithNext"), STRINGS, "", ""), "hand.json: pre_tokenizer.pretokenizers[0].behavior",
         "MergedWithNext"},
        {by_hand(SPLIT("(", "Isolated"), STRINGS, "", ""), "hand.json", "unmatched parenthesis"},
        {by_hand(BYTE_LEVEL, "\"a b\",\"a\"", "", ""), "hand.json: model.merges[1]", "two tokens"},
        {by_hand(BYTE_LEVEL, "\"a b c\"", "", ""), "hand.json: model.merges[0]", "two tokens"},
        {by_hand(BYTE_LEVEL, "[\"a\"]", "", ""), "hand.json: model.merges[0]", "two tokens"},
        {by_hand(BYTE_LEVEL, "\"b a\"", "", ""), "hand.json: model.merges[0]", "\"b\" and \"a\""},
        {by_hand(BYTE_LEVEL, "\"a b\",\"a b\"", "", ""), "hand.json", "merge 1 repeats merge 0"},
        {by_hand(BYTE_LEVEL, STRINGS, "{\"id\":300,\"content\":\"x y\"}", ""), "hand.json: added_tokens[0]",
         "below 259"},
        {by_hand(BYTE_LEVEL, STRINGS, "{\"id\":-1,\"content\":\"x y\"}", ""), "hand.json: added_tokens[0]", "no id"},
        {by_hand(BYTE_LEVEL, STRINGS, "{\"id\":5,\"content\":\"x y\"}", ""), "hand.json: added_tokens[0]", "same id 5"},
        {by_hand(BYTE_LEVEL, STRINGS, "{\"id\":258,\"content\":\"\"}", ""), "hand.json: added_tokens[0]", "empty"},
        {by_hand(BYTE_LEVEL, STRINGS, "{\"id\":258,\"content\":\"ab\"}", ""), "hand.json: added_tokens[0]",
         "another id"},
        {by_hand(BYTE_LEVEL, STRINGS, "{\"id\":256,\"content\":\"ab\",\"special\":true}", ""), "hand.json",
         "cannot give"},
        {by_hand(BYTE_LEVEL, STRINGS, "{\"id\":64,\"content\":\"a\",\"special\":true}", ""), "hand.json", "0x61"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gr_error err;
        gr_tokenizer *tok = (gr_tokenizer *)&err;
        assert_int_equal(parse(&tok, cases[i].json, &err), GR_ERR_FORMAT);
        assert_null(tok);
        assert_string_equal(err.place, cases[i].place);
        assert_non_null(strstr(err.message, cases[i].message));
        assert_true(err.hint[0]);
    }
}

/* A pattern that backtracks without end is given up, and the array is left as it was. */
static void test_endless_pattern(void **state) {
    (void)state;
    gr_error err;
    gr_tokenizer *tok;
    assert_int_equal(parse(&tok, by_hand(SPLIT("x|(?:a?a?a?)*b|(?:a|aa)+$", "Isolated"), STRINGS, "", ""), &err),
                     GR_OK);
    char text[60];
    memset(text, 'a', sizeof text);
    text[0] = 'x'; /* one piece is encoded before it fails */
    text[59] = 'c';
    int32_t *ids = NULL;
    size_t count = 0, capacity = 0;
    GR_PUSH(ids, count, capacity) = 7;
    assert_int_equal(gr_tokenizer_encode(tok, &ids, &count, &capacity, text, sizeof text, &err), GR_ERR_FORMAT);
    assert_int_equal(count, 1);
    assert_non_null(strstr(err.message, "gave up"));
    gr_free(ids);
    gr_tokenizer_free(tok);
}

/* Whatever the bytes are: no crash; a refusal says where and why, and what is accepted is exact. */
static void check_hostile(const char *json, size_t length) {
    char *copy = gr_alloc_try(length ? length : 1); /* its own block, so that reading past the end is seen */
    assert_non_null(copy);
    memcpy(copy, json, length);
    gr_error err = {0};
    gr_tokenizer *tok = NULL;
    if (gr_tokenizer_parse(&tok, copy, length, "m.json", &err) == GR_OK) {
        check_round_trip(tok, "ab abc 'the\xff bird", 17);
        gr_tokenizer_free(tok);
    } else {
        assert_int_equal(err.status, GR_ERR_FORMAT);
        assert_true(strncmp(err.place, "m.json", 6) == 0 && err.message[0] && err.hint[0]);
    }
    gr_free(copy);
}

static void test_truncated(void **state) {
    (void)state;
    char *json = by_hand(SPLIT("[ab]+", "Isolated"), STRINGS, END, "");
    size_t length = strlen(json);
    for (size_t n = 0; n < length; n++) {
        check_hostile(json, n);
        gr_error err = {0};
        gr_tokenizer *tok;
        assert_int_equal(gr_tokenizer_parse(&tok, json, n, NULL, &err), GR_ERR_FORMAT);
    }
    check_hostile(json, length);
    gr_free(json);
}

static void test_mutated(void **state) {
    (void)state;
    char *json = by_hand(SPLIT("[ab]+|c*", "Isolated"), STRINGS, END, "");
    size_t length = strlen(json);
    static const char likely[] = "{}[]\",:\\0123456789abc -u*+(";
    for (uint64_t i = 0; i < 4000; i++) {
        char *bad = memcpy(gr_alloc(length), json, length);
        for (uint64_t k = 0; k <= i % 3; k++) {
            uint64_t bits = draw(i, 100 + (uint32_t)k);
            /* half of the changes hit the interesting start or end, not the long list of bytes */
            size_t span = bits & 1 ? length : 480, at = (bits >> 8) % span;
            bad[bits & 2 ? at : length - 1 - at] = bits & 4 ? (char)(bits >> 40) : likely[(bits >> 40) % 27];
        }
        check_hostile(bad, length);
        gr_free(bad);
    }
    gr_free(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hand_checked),    cmocka_unit_test(test_ties),
        cmocka_unit_test(test_slow_twin),       cmocka_unit_test(test_deterministic),
        cmocka_unit_test(test_vocab_too_small), cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_long_piece),
        cmocka_unit_test(test_special_tokens),  cmocka_unit_test(test_save_and_open),
        cmocka_unit_test(test_by_hand),         cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_endless_pattern), cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_mutated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
