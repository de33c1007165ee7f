/* Vocabularies that others made: pieces with byte fallback, GPT-2's pair of files, llama2.c's scores. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "text/tokenizer.h"

static uint64_t draw(uint64_t i, uint32_t j) { return gr_random_bits((gr_key){12, GR_STREAM_TEST, 0}, i, j); }

typedef struct ids {
    int32_t *at;
    size_t count, capacity;
} ids;

static ids encode(const gr_tokenizer *tok, const char *text, size_t length, bool special) {
    ids list = {0};
    gr_error err = {0};
    gr_test_ok((special ? gr_tokenizer_encode_special : gr_tokenizer_encode)(tok, &list.at, &list.count, &list.capacity,
                                                                             text, length, &err),
               &err);
    return list;
}

static void check_ids(const gr_tokenizer *tok, const char *text, const int32_t *want, size_t count, bool special) {
    ids have = encode(tok, text, strlen(text), special);
    assert_int_equal(have.count, count);
    if (count)
        assert_memory_equal(have.at, want, count * sizeof *want);
    gr_free(have.at);
}
#define LIST(...) ((const int32_t[]){__VA_ARGS__}), sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)

static void check_decoded(const gr_tokenizer *tok, const int32_t *list, size_t n, const char *whole, const char *on) {
    char *text = NULL;
    size_t count = 0, capacity = 0;
    gr_tokenizer_decode(tok, &text, &count, &capacity, list, n);
    assert_int_equal(count, strlen(whole));
    gr_tokenizer_decode_on(tok, &text, &count, &capacity, list, n);
    assert_int_equal(count, strlen(whole) + strlen(on));
    assert_memory_equal(text, whole, strlen(whole));
    assert_memory_equal(text + strlen(whole), on, strlen(on));
    gr_free(text);
}

/* Pieces: decoding gives the bytes again, but U+2581 comes back as a space. */
static void check_round_trip(const gr_tokenizer *tok, const char *text, size_t length) {
    ids list = encode(tok, text, length, false);
    char *back = NULL, *want = gr_alloc(length + 1);
    size_t count = 0, capacity = 0, n = 0;
    for (size_t i = 0; i < length; i++, n++) {
        bool mark = length - i >= 3 && !memcmp(text + i, GR__SPACE_MARK, 3);
        want[n] = text[i];
        if (mark)
            want[n] = ' ', i += 2;
    }
    gr_tokenizer_decode(tok, &back, &count, &capacity, list.at, list.count);
    assert_int_equal(count, n);
    if (n)
        assert_memory_equal(back, want, n);
    gr_free(want);
    gr_free(back);
    gr_free(list.at);
}

/* What is saved opens as an equal tokenizer. */
static void check_saved(const gr_tokenizer *tok) {
    const char *path = gr_test_path("saved.json");
    gr_error err = {0};
    gr_tokenizer *again = NULL;
    gr_test_ok(gr_tokenizer_save(tok, path, &err), &err);
    gr_test_ok(gr_tokenizer_open(&again, path, &err), &err);
    assert_true(gr_tokenizer_equal(tok, again));
    assert_int_equal(gr_tokenizer_start(again), gr_tokenizer_start(tok));
    assert_int_equal(gr_tokenizer_end(again), gr_tokenizer_end(tok));
    assert_int_equal(gr_tokenizer_unknown(again), gr_tokenizer_unknown(tok));
    assert_true(!again->scores == !tok->scores);
    gr_tokenizer_free(again);
}

/* ---- tokenizer.json of pieces ---- */

#define MARK "\xe2\x96\x81"
#define PREPEND "{\"type\":\"Prepend\",\"prepend\":\"" MARK "\"}"
#define REPLACE(from, to) "{\"type\":\"Replace\",\"pattern\":{\"String\":\"" from "\"},\"content\":\"" to "\"}"
#define LLAMA "{\"type\":\"Sequence\",\"normalizers\":[" PREPEND "," REPLACE(" ", MARK) "]}"
#define METASPACE(scheme, split) \
    "{\"type\":\"Metaspace\",\"replacement\":\"" MARK "\",\"prepend_scheme\":\"" scheme "\",\"split\":" split "}"
#define STRIP "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}"
#define DECODER(more)                                                                                                  \
    "{\"type\":\"Sequence\",\"decoders\":[" REPLACE(MARK, " ") ",{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}" more \
                                                               "]}"
#define ENDS                                                                                             \
    "{\"id\":0,\"content\":\"<unk>\",\"special\":true},{\"id\":1,\"content\":\"<s>\",\"special\":true}," \
    "{\"id\":2,\"content\":\"</s>\",\"special\":true}"
#define MERGES "\"a b\",\"" MARK " a\",\"ab c\",\"" MARK " ab\",\"" MARK " " MARK "\",\"b c\",\"a bc\""
#define MODEL "\"unk_token\":\"<unk>\",\"fuse_unk\":true,\"byte_fallback\":true,"

enum { SPACE = 259, A, B, C, AB, SPACE_A, ABC, SPACE_AB, SPACES, BC, E_ACUTE };

static char *by_hand(const char *normalizer, const char *pre, const char *decoder, const char *model, bool bytes,
                     const char *merges) {
    static const char *const pieces[] = {MARK,  "a",       "b",       "c",  "ab",      MARK "a",
                                         "abc", MARK "ab", MARK MARK, "bc", "\xc3\xa9"};
    char *text = gr_alloc(32768), *to = text;
    int id = 3;
    to += sprintf(to, "{\"added_tokens\":[" ENDS "],\"normalizer\":%s,\"pre_tokenizer\":%s,\"decoder\":%s,", normalizer,
                  pre, decoder);
    to += sprintf(to, "\"model\":{\"type\":\"BPE\",%s\"vocab\":{\"<unk>\":0,\"<s>\":1,\"</s>\":2", model);
    for (int b = 0; b < 256 && bytes; b++)
        to += sprintf(to, ",\"<0x%02X>\":%d", b, id++);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        to += sprintf(to, ",\"%s\":%d", pieces[i], id++);
    sprintf(to, "},\"merges\":[%s]}}", merges);
    return text;
}

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

static size_t random_text(char *text, size_t most, const char *letters, uint64_t i) {
    size_t n = 0, kinds = strlen(letters);
    while (n + 4 < most && draw(i, (uint32_t)n) % 24) {
        uint64_t bits = draw(i, 500 + (uint32_t)n);
        if (bits % 16 == 0)
            text[n++] = (char)(bits >> 8);
        else if (bits % 16 == 1)
            n += (size_t)sprintf(text + n, "%s", bits & 64 ? "\xc3\xa9" : MARK);
        else
            text[n++] = letters[(bits >> 8) % kinds];
    }
    return n;
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

/* ---- llama2.c ---- */

typedef struct blob {
    char *bytes;
    size_t count, capacity;
} blob;

static void put(blob *b, const void *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        GR_PUSH(b->bytes, b->count, b->capacity) = ((const char *)bytes)[i];
}

static void put_piece(blob *b, const char *bytes, size_t length, float score) {
    int32_t n = (int32_t)length;
    put(b, &score, 4);
    put(b, &n, 4);
    put(b, bytes, length);
}

static void put_start(blob *b) {
    put(b, &(int32_t){8}, 4);
    put_piece(b, "<unk>", 5, 0);
    put_piece(b, "\n<s>\n", 5, 0);
    put_piece(b, "\n</s>\n", 6, 0);
    for (int i = 0; i < 256; i++) {
        char name[8];
        sprintf(name, "<0x%02X>", i);
        put_piece(b, name, 6, 0);
    }
}

static gr_tokenizer *scored(const blob *b) {
    gr_error err = {0};
    gr_tokenizer *tok = NULL;
    gr_test_ok(gr_tokenizer_parse(&tok, b->bytes, b->count, "tok.bin", &err), &err);
    return tok;
}

/* Letters, and some of the longer pieces, with few scores so that many are equal. */
static blob random_scored(uint64_t seed) {
    blob b = {0};
    put_start(&b);
    static const char letters[] = "ab ";
    for (size_t length = 1; length <= 4; length++) {
        size_t count = 1;
        for (size_t i = 0; i < length; i++)
            count *= 3;
        for (size_t k = 0; k < count; k++) {
            char piece[4];
            for (size_t i = 0, rest = k; i < length; i++, rest /= 3)
                piece[i] = letters[rest % 3];
            uint64_t bits = draw(seed, (uint32_t)(length * 100 + k));
            if (length == 1 || bits % 3 == 0)
                put_piece(&b, piece, length, -(float)(bits >> 8 & 7));
        }
    }
    return b;
}

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
        cmocka_unit_test(test_pieces),          cmocka_unit_test(test_special),
        cmocka_unit_test(test_added),           cmocka_unit_test(test_metaspace),
        cmocka_unit_test(test_unknown),         cmocka_unit_test(test_slow_ranks),
        cmocka_unit_test(test_scores),          cmocka_unit_test(test_scores_disagree),
        cmocka_unit_test(test_scored_refusals), cmocka_unit_test(test_pair),
        cmocka_unit_test(test_pair_refusals),   cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_mutated),         cmocka_unit_test(test_tok512),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}
