/* Vocabularies whose beginnings are valid, so that what comes after them is met: by the first byte a vocabulary of
 * llama2.c with all bytes, GPT-2's two files with all bytes, a tokenizer.json of pieces, or a pattern; the rest goes
 * on from there. */
#include <stdio.h>

#include "tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *put(char *to, const void *bytes, size_t n) { return (char *)memcpy(to, bytes, n) + n; }

static char *put_piece(char *to, const char *name) {
    int32_t n = (int32_t)strlen(name);
    to = put(put(to, &(float){0}, 4), &n, 4);
    return put(to, name, (size_t)n);
}

static void fuzz_scored(const uint8_t *data, size_t size) {
    static const char *const first[] = {"<unk>", "\n<s>\n", "\n</s>\n", " ", "a", "aa", "caf"};
    char *bytes = gr_alloc(8192 + size), *to = put(bytes, &(int32_t){64}, 4), name[8];
    gr_error err = {0};
    gr_tokenizer *tok = NULL;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        to = put_piece(to, first[i]);
    for (int b = 0; b < 256; b++) {
        snprintf(name, sizeof name, "<0x%02X>", b);
        to = put_piece(to, name);
    }
    to = size ? put(to, data, size) : to;
    gr_status status = gr_tokenizer_parse(&tok, bytes, (size_t)(to - bytes), "fuzz", &err);
    gr_fuzz_tokenizer(status, tok, &err, (const char *)data, size);
    gr_free(bytes);
}

/* Up to the first zero byte the input goes on with the vocabulary, from there it is the merges. */
static void fuzz_pair(const uint8_t *data, size_t size) {
    uint8_t order[256];
    char *vocab = gr_alloc(8192 + size), *to = vocab + sprintf(vocab, "{");
    const uint8_t *stop = size ? memchr(data, 0, size) : NULL;
    size_t more = stop ? (size_t)(stop - data) : size, rest = stop ? size - more - 1 : 0;
    gr_error err = {0};
    gr_tokenizer *tok = NULL;
    gr__byte_order(order);
    for (int i = 0; i < 256; i++)
        to += sprintf(to, "\"\\u%04x\":%d,", i < GR__BYTES_PRINTABLE ? order[i] : 256 + i - GR__BYTES_PRINTABLE, i);
    to += sprintf(to, "\"aa\":256");
    to = more ? put(to, data, more) : to;
    *to++ = '}';
    gr_status status = gr__tokenizer_parse_pair(&tok, vocab, (size_t)(to - vocab), stop ? (const char *)stop + 1 : "",
                                                rest, "fuzz.json", "fuzz.bpe", &err);
    gr_fuzz_tokenizer(status, tok, &err, (const char *)data, size);
    gr_free(vocab);
}

/* The input goes on in the object `model`. */
static void fuzz_pieces(const uint8_t *data, size_t size) {
    static const char head[] =
        "{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" GR__SPACE_MARK
        "\"},\"decoder\":{\"type\":\"ByteFallback\"},\"model\":{\"type\":\"BPE\",\"fuse_unk\":true,\"vocab\":{"
        "\"<unk>\":0,\"a\":1,\"b\":2,\"ab\":3,\"" GR__SPACE_MARK "\":4},\"unk_token\":\"<unk>\",\"merges\":[\"a b\"]";
    char *json = gr_alloc(sizeof head + size + 2), *to = put(json, head, sizeof head - 1);
    gr_error err = {0};
    gr_tokenizer *tok = NULL;
    to = size ? put(to, data, size) : to;
    to = put(to, "}}", 2);
    gr_status status = gr_tokenizer_parse(&tok, json, (size_t)(to - json), "fuzz", &err);
    gr_fuzz_tokenizer(status, tok, &err, (const char *)data, size);
    gr_free(json);
}

/* Up to the first zero byte the input is the pattern that cuts texts, from there it is a text. */
static void fuzz_pattern(const uint8_t *data, size_t size) {
    const uint8_t *stop = size ? memchr(data, 0, size) : NULL;
    size_t length = stop ? (size_t)(stop - data) : size, rest = stop ? size - length - 1 : 0;
    char *pattern = gr_alloc(length + 1);
    gr_error err = {0};
    gr_tokenizer *tok = NULL;
    put(pattern, data, length);
    gr_status status = gr__tokenizer_new(&tok, pattern, "fuzz", &err);
    for (int b = 0; b < 256 && status == GR_OK; b++)
        gr__tokenizer_add(tok, &(char){(char)b}, 1, GR__TOKEN_PLAIN);
    if (status == GR_OK)
        status = gr__tokenizer_seal(tok, "fuzz", &err);
    gr_fuzz_tokenizer(status, tok, &err, stop ? (const char *)stop + 1 : "", rest);
    gr_free(pattern);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const kinds[])(const uint8_t *, size_t) = {fuzz_scored, fuzz_pair, fuzz_pieces, fuzz_pattern};
    if (size)
        kinds[data[0] % 4](data + 1, size - 1);
    return 0;
}
