/* Vocabularies of pieces with byte fallback, as others write them into tokenizer.json; and damage to any of them. */
#include "vocabulary_helpers.h"

static gr_status parse(gr_tokenizer **tok, char *json, gr_error *err) {
    *err = (gr_error){0};
    gr_status status = gr_tokenizer_parse(tok, json, strlen(json), "hand.json", err);
    gr_free(json);
    return status;
}

static gr_tokenizer *opened(char *json) {
    gr_error err;
    gr_tokenizer *tok = NULL;
    gr_test_ok(parse(&tok, json, &err), &err);
    return tok;
}

static gr_tokenizer *llama(void) { return opened(by_hand(LLAMA, "null", DECODER("," STRIP), MODEL, true, MERGES)); }

static void test_pieces(void **state) {
    (void)state;
    gr_tokenizer *tok = llama();
    assert_int_equal(gr_tokenizer_size(tok), 270);
    assert_int_equal(gr_tokenizer_start(tok), 1);
    assert_int_equal(gr_tokenizer_end(tok), 2);
    assert_int_equal(gr_tokenizer_unknown(tok), 0);
    check_ids(tok, "", NULL, 0, false);
    check_ids(tok, "ab", LIST(SPACE_AB), false);
    check_ids(tok, " ab", LIST(SPACE, SPACE_AB), false);        /* a b first, so the space in front goes with ab */
    check_ids(tok, "abcbc", LIST(SPACE, ABC, BC), false);       /* ab c before the space and ab */
    check_ids(tok, "a\xc3\xa9", LIST(SPACE_A, E_ACUTE), false); /* a character of two bytes that has a token */
    check_ids(tok, "\n\xe4\xbd\xa0", LIST(SPACE, 3 + 10, 3 + 0xe4, 3 + 0xbd, 3 + 0xa0), false);
    check_ids(tok, "\xff\xc3", LIST(SPACE, 3 + 0xff, 3 + 0xc3), false); /* bytes of no character */
    check_ids(tok, "<s>", LIST(SPACE, 3 + '<', 3 + 's', 3 + '>'), false);
    check_decoded(tok, LIST(1, SPACE_AB, 3 + 0xc3, 3 + 0xa9, 2), "ab\xc3\xa9", " ab\xc3\xa9");
    check_decoded(tok, LIST(A, SPACES, B), "a  b", "a  b");
    size_t length;
    assert_memory_equal(gr_tokenizer_token(tok, 1, &length), "<s>", 3);
    assert_memory_equal(gr_tokenizer_token(tok, 3 + 0x80, &length), "\x80", 1);
    assert_int_equal(length, 1);
    check_saved(tok);
    gr_tokenizer_free(tok);
}

static void test_special(void **state) {
    (void)state;
    gr_tokenizer *tok = llama();
    check_ids(tok, "<s>ab</s><s> ", LIST(1, SPACE_AB, 2, 1, SPACES), true);
    check_ids(tok, "<s", LIST(SPACE, 3 + '<', 3 + 's'), true);
    gr_tokenizer_free(tok);
    tok = opened(by_hand("null", METASPACE("first", "false"), DECODER("," STRIP), MODEL, true, MERGES));
    check_ids(tok, "ab<s>ab", LIST(SPACE_AB, 1, AB), true);
    check_ids(tok, " ab", LIST(SPACE_AB), false); /* Metaspace adds no second space */
    check_saved(tok);
    gr_tokenizer_free(tok);
    gr_error err = {0};
    gr_test_ok(gr_tokenizer_train(&tok, NULL, 0, 257, NULL, &err), &err);
    check_ids(tok, "a<|endoftext|>", LIST(1 + 'a' - '!', 0), true);
    assert_int_equal(gr_tokenizer_start(tok), 0);
    check_saved(tok);
    gr_tokenizer_free(tok);
}

/* by_hand with another added token behind the three. */
static char *with_added(const char *normalizer, const char *pre, const char *token) {
    char *plain = by_hand(normalizer, pre, DECODER(""), MODEL, true, MERGES), *at = strstr(plain, "],\"normalizer\"");
    char *text = gr_format("%.*s,%s%s", (int)(at - plain), plain, token, at);
    gr_free(plain);
    return text;
}

/* What would be found otherwise than its owner finds it is refused. */
static void test_added(void **state) {
    (void)state;
    static const struct {
        const char *token, *message;
    } cases[] = {
        {"{\"id\":270,\"content\":\"<g>\",\"single_word\":true}", "single_word"},
        {"{\"id\":270,\"content\":\"<g>\",\"normalized\":true}", "normalized text"},
        {"{\"id\":270,\"content\":\"" MARK "g\"}", "mark that stands for a space"},
    };
    gr_error err;
    gr_tokenizer *tok = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(parse(&tok, with_added(LLAMA, "null", cases[i].token), &err), GR_ERR_FORMAT);
        assert_string_equal(err.place, "hand.json: added_tokens[3]");
        assert_non_null(strstr(err.message, cases[i].message));
        assert_true(err.hint[0]);
    }

    /* A special one does no harm where special tokens are not asked for. */
    tok = opened(with_added(LLAMA, "null", "{\"id\":270,\"content\":\"<g>\",\"normalized\":true,\"special\":true}"));
    int32_t *list = NULL;
    size_t count = 0, capacity = 0;
    check_ids(tok, "ab", LIST(SPACE_AB), false);
    err = (gr_error){0};
    assert_int_equal(gr_tokenizer_encode_special(tok, &list, &count, &capacity, "ab", 2, &err), GR_ERR_FORMAT);
    assert_non_null(strstr(err.message, "normalized"));
    check_saved(tok);
    gr_tokenizer_free(tok);
}

static void test_metaspace(void **state) {
    (void)state;
    gr_tokenizer *tok = opened(by_hand("null", METASPACE("always", "true"), DECODER(""), MODEL, true, MERGES));
    check_ids(tok, "ab  c", LIST(SPACE_AB, SPACE, SPACE, C), false); /* no token runs into the next word */
    check_saved(tok);
    gr_tokenizer_free(tok);
    tok = opened(by_hand("null", METASPACE("never", "false"), DECODER(""), MODEL, true, MERGES));
    check_ids(tok, "ab  ab  c", LIST(AB, SPACE, SPACE_AB, SPACES, C), false);
    check_saved(tok);
    gr_tokenizer_free(tok);
}

/* Without bytes, characters that are not known become one unknown token, or one each. */
static void test_unknown(void **state) {
    (void)state;
    gr_tokenizer *tok =
        opened(by_hand(LLAMA, "null", DECODER(""), "\"unk_token\":\"<unk>\",\"fuse_unk\":true,", false, MERGES));
    check_ids(tok, "xyaz", LIST(3, 0, 4, 0), false);
    check_saved(tok);
    gr_tokenizer_free(tok);
    tok = opened(by_hand(LLAMA, "null", DECODER(""), "\"unk_token\":\"<unk>\",", false, MERGES));
    check_ids(tok,
              "x\xff"
              "a",
              LIST(3, 0, 0, 4), false);
    gr_tokenizer_free(tok);
}

/* Apply the merge of lowest rank, the leftmost, until there is none. */
static size_t slow_ranks(const gr_tokenizer *tok, int32_t *list, size_t n) {
    for (;;) {
        size_t best = SIZE_MAX, at = 0;
        for (size_t i = 0; i + 1 < n; i++)
            for (size_t m = 0; m < tok->merges_count && m < best; m++)
                if (tok->merges[m].left == list[i] && tok->merges[m].right == list[i + 1])
                    best = m, at = i;
        if (best == SIZE_MAX)
            return n;
        list[at] = tok->merges[best].id;
        memmove(list + at + 1, list + at + 2, (n - at - 2) * sizeof *list);
        n--;
    }
}

static void test_slow_ranks(void **state) {
    (void)state;
    gr_tokenizer *tok = llama();
    for (uint64_t i = 0; i < 3000; i++) {
        char text[64];
        int32_t list[80];
        size_t length = random_text(text, sizeof text, "aabbc  ", i);
        size_t n = slow_ranks(tok, list, gr__pieces_symbols(tok, list, text, length, true));
        ids have = encode(tok, text, length, false);
        assert_int_equal(have.count, n);
        if (n)
            assert_memory_equal(have.at, list, n * sizeof *list);
        gr_free(have.at);
        check_round_trip(tok, text, length);
    }
    gr_tokenizer_free(tok);
}

/* ---- refusals of tokenizer.json ---- */

static void test_refusals(void **state) {
    (void)state;
    const struct {
        char *json;
        const char *place, *message;
    } cases[] = {
        {by_hand(PREPEND, "null", DECODER(""), MODEL, true, MERGES), "hand.json: normalizer", "nothing writes spaces"},
        {by_hand("{\"type\":\"NFC\"}", "null", DECODER(""), MODEL, true, MERGES), "hand.json: normalizer", "step 0"},
        {by_hand("null", "null", DECODER(""), MODEL, true, MERGES), "hand.json: normalizer", "nothing writes"},
        {by_hand(LLAMA, METASPACE("first", "true"), DECODER(""), MODEL, true, MERGES), "hand.json: normalizer", "both"},
        {by_hand("null", METASPACE("last", "true"), DECODER(""), MODEL, true, MERGES), "hand.json: pre_tokenizer",
         "prepend_scheme"},
        {by_hand(LLAMA, "{\"type\":\"Digits\"}", DECODER(""), MODEL, true, MERGES), "hand.json: pre_tokenizer",
         "not supported"},
        {by_hand(LLAMA, "null", "null", MODEL, true, MERGES), "hand.json: decoder", "not a step"},
        {by_hand(LLAMA, "null", DECODER(",{\"type\":\"CTC\"}"), MODEL, true, MERGES), "hand.json: decoder", "step 3"},
        {by_hand(LLAMA, "null", DECODER(""), "\"unk_token\":\"<x>\",", true, MERGES), "hand.json: model.unk_token",
         "not a token"},
        {by_hand(LLAMA, "null", DECODER(""), "\"byte_fallback\":true,", false, MERGES), "hand.json", "0x00"},
        {by_hand(LLAMA, "null", DECODER(""), MODEL "\"scores\":[1,2],", true, MERGES), "hand.json: model.scores",
         "2 scores for 270"},
        {by_hand(LLAMA, "null", DECODER(""), MODEL "\"document\":[\"<s>\"],", true, MERGES),
         "hand.json: model.document", "two tokens"},
        {by_hand(LLAMA, "null", DECODER(""), MODEL "\"dropout\":0.1,", true, MERGES), "hand.json: model.dropout",
         "not supported"},
        {by_hand(LLAMA, "null", DECODER(""), MODEL, true, "\"a <0x41>\""), "hand.json: model.merges[0]",
         "does not exist"},
        {by_hand(LLAMA, "null", DECODER(""), MODEL, true, "\"a b\",\"c b\""), "hand.json: model.merges[1]",
         "\"c\" and \"b\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gr_error err;
        gr_tokenizer *tok = (gr_tokenizer *)&err;
        assert_int_equal(parse(&tok, cases[i].json, &err), GR_ERR_FORMAT);
        assert_null(tok);
        assert_string_equal(err.place, cases[i].place);
        assert_non_null(strstr(err.message, cases[i].message));
    }
}

/* ---- damage ---- */

/* Refused with a place, or a tokenizer that loses nothing where it has all bytes. */
static void check_hostile(const char *bytes, size_t length) {
    char *copy = gr_alloc_try(length ? length : 1); /* its own block, so that reading past the end is seen */
    gr_error err = {0};
    gr_tokenizer *tok = NULL;
    if (length)
        memcpy(copy, bytes, length);
    if (gr_tokenizer_parse(&tok, copy, length, "m", &err) == GR_OK) {
        ids list = encode(tok, "ab abc\xff " MARK "x", 12, false);
        for (size_t i = 0; i < list.count; i++)
            assert_true(list.at[i] >= 0 && list.at[i] < gr_tokenizer_size(tok));
        gr_free(list.at);
        gr_tokenizer_free(tok);
    } else {
        assert_int_equal(err.status, GR_ERR_FORMAT);
        assert_true(err.place[0] == 'm' && err.message[0]);
    }
    gr_free(copy);
}

static void test_mutated(void **state) {
    (void)state;
    static const char likely[] = "{}[]\",:\\0123456789abc <>sx";
    char *json = by_hand(LLAMA, "null", DECODER("," STRIP), MODEL, true, MERGES);
    blob b = random_scored(3);
    for (uint64_t i = 0; i < 6000; i++) {
        bool text = i % 2;
        size_t length = text ? strlen(json) : b.count;
        char *bad = memcpy(gr_alloc(length), text ? json : b.bytes, length);
        for (uint64_t k = 0; k <= i % 5; k++) {
            uint64_t bits = draw(i, 700 + (uint32_t)k);
            size_t span = bits & 1 ? length : 600, at = (bits >> 8) % span;
            bad[bits & 2 ? at : length - 1 - at] = bits & 4 ? (char)(bits >> 40) : likely[(bits >> 40) % 26];
        }
        check_hostile(bad, i % 7 ? length : draw(i, 699) % length);
        gr_free(bad);
    }
    gr_free(json);
    gr_free(b.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),    cmocka_unit_test(test_special), cmocka_unit_test(test_added),
        cmocka_unit_test(test_metaspace), cmocka_unit_test(test_unknown), cmocka_unit_test(test_slow_ranks),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_mutated),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}
