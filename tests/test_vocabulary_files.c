/* Vocabularies in files of their own: llama2.c's scores and GPT-2's pair. */
#include "vocabulary_helpers.h"

/* Of all neighbours the pair whose text is the piece of highest score, the leftmost: no list of merges. */
static size_t slow_scores(const gr_tokenizer *tok, int32_t *list, size_t n) {
    for (;;) {
        int32_t best = -1;
        size_t at = 0;
        for (size_t i = 0; i + 1 < n; i++)
            for (int32_t id = 3 + 256; id < (int32_t)tok->count; id++) {
                const gr__token *l = &tok->tokens[list[i]], *r = &tok->tokens[list[i + 1]], *w = &tok->tokens[id];
                if (l->kind == GR__TOKEN_PLAIN && r->kind == GR__TOKEN_PLAIN && w->length == l->length + r->length &&
                    !memcmp(tok->bytes + w->start, tok->bytes + l->start, l->length) &&
                    !memcmp(tok->bytes + w->start + l->length, tok->bytes + r->start, r->length) &&
                    (best < 0 || tok->scores[id] > tok->scores[best]))
                    best = id, at = i;
            }
        if (best < 0)
            return n;
        list[at] = best;
        memmove(list + at + 1, list + at + 2, (n - at - 2) * sizeof *list);
        n--;
    }
}

static void test_scores(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        blob b = random_scored(seed);
        gr_tokenizer *tok = scored(&b);
        assert_int_equal(gr_tokenizer_start(tok), 1);
        assert_int_equal(gr_tokenizer_end(tok), 1);
        for (uint64_t i = 0; i < 500; i++) {
            char text[64];
            int32_t list[80];
            size_t length = random_text(text, sizeof text, "aab ", i + 1000 * seed);
            size_t n = slow_scores(tok, list, gr__pieces_symbols(tok, list, text, length, true));
            ids have = encode(tok, text, length, false);
            assert_int_equal(have.count, n);
            if (n)
                assert_memory_equal(have.at, list, n * sizeof *list);
            gr_free(have.at);
            check_round_trip(tok, text, length);
        }
        check_saved(tok);
        gr_tokenizer_free(tok);
        gr_free(b.bytes);
    }
}

/* A score that is not that of the merges beside it. */
static void test_scores_disagree(void **state) {
    (void)state;
    blob b = random_scored(1);
    gr_tokenizer *tok = scored(&b), *again = NULL;
    gr_error err = {0};
    const char *path = gr_test_path("scores.json");
    gr_test_ok(gr_tokenizer_save(tok, path, &err), &err);
    size_t length;
    char *text = gr_test_read(path, &length), *at = strstr(text, "scores"), *last = NULL;
    while (at && (at = strstr(at + 1, "-7.0")))
        last = at; /* of a long piece, which merges make */
    assert_non_null(last);
    last[1] = '0';
    assert_int_equal(gr_tokenizer_parse(&again, text, length, "scores.json", &err), GR_ERR_FORMAT);
    assert_string_equal(err.place, "scores.json: model.merges");
    free(text);
    gr_tokenizer_free(tok);
    gr_free(b.bytes);
}

static void check_scored_refused(const char *bytes, size_t length, const char *place, const char *message) {
    char *copy = gr_alloc_try(length ? length : 1);
    gr_tokenizer *tok = NULL;
    gr_error err = {0};
    if (length)
        memcpy(copy, bytes, length);
    assert_int_equal(gr__tokenizer_parse_scored(&tok, copy, length, "tok.bin", &err), GR_ERR_FORMAT);
    assert_null(tok);
    if (place)
        assert_string_equal(err.place, place);
    assert_non_null(strstr(err.message, message));
    gr_free(copy);
}

static void test_scored_refusals(void **state) {
    (void)state;
    blob b = random_scored(2);
    float nan = 0;
    memset(&nan, 0xff, 4);
    for (size_t n = 0; n < 300; n++) /* cut within a piece: the place is where that begins */
        check_scored_refused(b.bytes, n, NULL, "");
    check_scored_refused(b.bytes, 3, "tok.bin: byte 0", "longest");
    check_scored_refused(b.bytes, 10, "tok.bin: byte 4", "no room");
    check_scored_refused(b.bytes, 16, "tok.bin: byte 4", "bytes of a piece (5)");
    size_t at = b.count;
    put_piece(&b, "ab", 2, nan);
    char place[64];
    sprintf(place, "tok.bin: byte %zu", at);
    check_scored_refused(b.bytes, b.count, place, "without a score");
    b.count = at;
    put_piece(&b, "aaaaaaaaa", 9, 1);
    check_scored_refused(b.bytes, b.count, place, "length of a piece (9)");
    b.count = at;
    put_piece(&b, "\xc3", 1, 1);
    check_scored_refused(b.bytes, b.count, place, "not a text");
    b.count = at;
    put_piece(&b, "</s>", 4, 1);
    check_scored_refused(b.bytes, b.count, place, "repeats");
    b.count = at;
    put_piece(&b, "a", 1, 1);
    check_scored_refused(b.bytes, b.count, "tok.bin", "same piece");
    b.count = at;
    put_piece(&b, "<0x41>", 6, 1);
    check_scored_refused(b.bytes, b.count, "tok.bin", "same byte");
    b.count = 4 + 13 + 13; /* <unk> and <s>: texts would begin with a space that has no token */
    check_scored_refused(b.bytes, b.count, "tok.bin", "space");
    gr_free(b.bytes);
}

/* ---- GPT-2's two files ---- */

static char *pair_vocab(const char *more) {
    uint8_t order[256];
    gr__byte_order(order);
    char *text = gr_alloc(16384), *to = text + sprintf(text, "{");
    for (int i = 0; i < 256; i++)
        to += sprintf(to, "\"\\u%04x\":%d,", i < GR__BYTES_PRINTABLE ? order[i] : 256 + i - GR__BYTES_PRINTABLE, i);
    sprintf(to, "\"ab\":256,\"abc\":257,\"model\":258%s}", more);
    return text;
}

static const char *write_text(const char *name, const char *text) { return gr_test_write(name, text, strlen(text)); }

static void test_pair(void **state) {
    (void)state;
    char *vocab = pair_vocab(",\"<|endoftext|>\":259");
    const char *first = write_text("encoder.json", vocab);
    const char *second = write_text("vocab.bpe", "#version: 0.2\na b\nab c\n");
    gr_error err = {0};
    gr_tokenizer *a, *b;
    gr_test_ok(gr_tokenizer_open(&a, first, &err), &err);
    gr_test_ok(gr_tokenizer_open(&b, second, &err), &err);
    assert_true(gr_tokenizer_equal(a, b));
    assert_int_equal(gr_tokenizer_end(a), 259);
    assert_int_equal(gr_tokenizer_start(a), 259);
    check_ids(a, "abab abc<|endoftext|>", LIST(256, 256, 220, 257, 259), true);
    check_saved(a);
    char *partner = gr__tokenizer_partner(first);
    assert_string_equal(partner, second);
    gr_free(partner);
    assert_null(gr__tokenizer_partner(gr_test_path("other.json")));
    gr_tokenizer_free(a);
    gr_tokenizer_free(b);
    assert_int_equal(gr_tokenizer_parse(&a, vocab, strlen(vocab), "mem", &err), GR_ERR_FORMAT);
    assert_non_null(strstr(err.message, "without its merges"));
    gr_free(vocab);
}

static void check_pair_refused(const char *vocab, const char *merges, const char *place, const char *message) {
    gr_error err = {0};
    gr_tokenizer *tok = NULL;
    assert_int_equal(
        gr__tokenizer_parse_pair(&tok, vocab, strlen(vocab), merges, strlen(merges), "encoder.json", "vocab.bpe", &err),
        GR_ERR_FORMAT);
    assert_null(tok);
    assert_string_equal(err.place, place);
    if (!strstr(err.message, message))
        fail_msg("'%s' does not say '%s'", err.message, message);
    assert_true(err.hint[0]);
}

static void test_pair_refusals(void **state) {
    (void)state;
    char *vocab = pair_vocab(""), *gap = pair_vocab(",\"x y\":300");
    check_pair_refused("[1]", "", "encoder.json:1:1", "object");
    check_pair_refused("{\n\"a\":1", "", "encoder.json:2:5", "near end of file");
    check_pair_refused("{\"a\":0}", "", "encoder.json", "0x00");
    check_pair_refused(vocab, "#version: 0.2\na b\nab\n", "vocab.bpe:3", "two tokens");
    check_pair_refused(vocab, "a b\nb a\n", "vocab.bpe:2", "\"b\" and \"a\"");
    check_pair_refused(vocab, "a b\n\xff c\n", "vocab.bpe:2", "not UTF-8");
    check_pair_refused(vocab, "a b\na b\n", "encoder.json", "merge 1 repeats merge 0");
    check_pair_refused(gap, "a b\n", "encoder.json: model.vocab", "no id below");
    gr_error err = {0};
    gr_tokenizer *tok;
    remove(gr_test_path("vocab.bpe"));
    assert_int_equal(gr_tokenizer_open(&tok, write_text("encoder.json", vocab), &err), GR_ERR_INPUT);
    assert_non_null(strstr(err.message, "other half"));
    gr_free(vocab);
    gr_free(gap);
}

/* ---- a vocabulary in use ---- */

static void test_tok512(void **state) {
    (void)state;
    const char *data = getenv("GRADROUTE_DATA");
    if (!data)
        skip();
    char *path = gr_format("%s/llama2c/tok512.bin", data),
         *stories = gr_format("%s/tinystories/tinystories_en_valid.txt", data);
    gr_error err = {0};
    gr_tokenizer *tok = NULL;
    gr_test_ok(gr_tokenizer_open(&tok, path, &err), &err);
    assert_int_equal(gr_tokenizer_size(tok), 512);
    assert_int_equal(gr_tokenizer_start(tok), 1);
    assert_int_equal(gr_tokenizer_end(tok), 1);
    size_t length, n = 3000;
    char *text = gr_test_read(stories, &length);
    assert_true(length > 5 * n);
    check_round_trip(tok, text, length);
    for (size_t from = 0; from < 5 * n; from += n) {
        int32_t *list = gr_alloc((n + 1) * sizeof *list);
        size_t same = slow_scores(tok, list, gr__pieces_symbols(tok, list, text + from, 200, true));
        ids have = encode(tok, text + from, 200, false);
        assert_int_equal(have.count, same);
        assert_memory_equal(have.at, list, same * sizeof *list);
        gr_free(have.at);
        gr_free(list);
    }
    check_saved(tok);
    free(text);
    gr_tokenizer_free(tok);
    gr_free(path);
    gr_free(stories);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores), cmocka_unit_test(test_scores_disagree), cmocka_unit_test(test_scored_refusals),
        cmocka_unit_test(test_pair),   cmocka_unit_test(test_pair_refusals),   cmocka_unit_test(test_tok512),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}
