/* vocabulary_helpers.h - what is checked of a tokenizer, and vocabularies written by hand: a tokenizer.json of pieces,
 * and the file of llama2.c. */
#ifndef GR_TESTS_VOCABULARY_HELPERS_H
#define GR_TESTS_VOCABULARY_HELPERS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "text/tokenizer.h"

static inline uint64_t draw(uint64_t i, uint32_t j) { return gr_random_bits((gr_key){12, GR_STREAM_TEST, 0}, i, j); }

typedef struct ids {
    int32_t *at;
    size_t count, capacity;
} ids;

static inline ids encode(const gr_tokenizer *tok, const char *text, size_t length, bool special) {
    ids list = {0};
    gr_error err = {0};
    gr_test_ok((special ? gr_tokenizer_encode_special : gr_tokenizer_encode)(tok, &list.at, &list.count, &list.capacity,
                                                                             text, length, &err),
               &err);
    return list;
}

static inline void check_ids(const gr_tokenizer *tok, const char *text, const int32_t *want, size_t count,
                             bool special) {
    ids have = encode(tok, text, strlen(text), special);
    assert_int_equal(have.count, count);
    if (count)
        assert_memory_equal(have.at, want, count * sizeof *want);
    gr_free(have.at);
}
#define LIST(...) ((const int32_t[]){__VA_ARGS__}), sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)

static inline void check_decoded(const gr_tokenizer *tok, const int32_t *list, size_t n, const char *whole,
                                 const char *on) {
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
static inline void check_round_trip(const gr_tokenizer *tok, const char *text, size_t length) {
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
static inline void check_saved(const gr_tokenizer *tok) {
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

static inline char *by_hand(const char *normalizer, const char *pre, const char *decoder, const char *model, bool bytes,
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

/* Letters, with a byte of any value or a character of several bytes now and then; returns the length. */
static inline size_t random_text(char *text, size_t most, const char *letters, uint64_t i) {
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

/* ---- llama2.c ---- */

typedef struct blob {
    char *bytes;
    size_t count, capacity;
} blob;

static inline void put(blob *b, const void *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        GR_PUSH(b->bytes, b->count, b->capacity) = ((const char *)bytes)[i];
}

static inline void put_piece(blob *b, const char *bytes, size_t length, float score) {
    int32_t n = (int32_t)length;
    put(b, &score, 4);
    put(b, &n, 4);
    put(b, bytes, length);
}

static inline void put_start(blob *b) {
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

static inline gr_tokenizer *scored(const blob *b) {
    gr_error err = {0};
    gr_tokenizer *tok = NULL;
    gr_test_ok(gr_tokenizer_parse(&tok, b->bytes, b->count, "tok.bin", &err), &err);
    return tok;
}

/* Letters, and some of the longer pieces, with few scores so that many are equal. */
static inline blob random_scored(uint64_t seed) {
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

#endif
