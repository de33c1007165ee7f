/* A vocabulary trained on one part of the input: what was saved and opened again is the same vocabulary, it encodes the
 * other part to the same ids, none of them special, and decodes it to the same bytes. */
#include <stdio.h>
#include <unistd.h>

#include "tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Documents of uneven length: none, one, two, .. bytes. */
static size_t cut_documents(gr_text *docs, size_t most, const char *text, size_t length) {
    size_t count = 0;
    for (size_t at = 0, n = 0; at < length && count < most; at += n, n = n * 2 + 1)
        docs[count++] = (gr_text){text + at, at + n < length ? n : length - at};
    return count;
}

/* Encodes by both; the ids of the first stay. */
static size_t encode_alike(const gr_tokenizer *a, const gr_tokenizer *b, int32_t **ids, const char *text,
                           size_t length) {
    int32_t *other = NULL;
    size_t count = 0, room = 0, count_other = 0, room_other = 0;
    gr_error err = {0};
    gr_fuzz_must(gr_tokenizer_encode(a, ids, &count, &room, text, length, &err) == GR_OK);
    gr_fuzz_must(gr_tokenizer_encode(b, &other, &count_other, &room_other, text, length, &err) == GR_OK);
    gr_fuzz_must(count == count_other && (!count || !memcmp(*ids, other, count * sizeof *other)));
    gr_free(other);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { HEAD = 3, DOCUMENTS = 12 };
    gr_text docs[DOCUMENTS];
    gr_tokenizer *tok, *again;
    gr_error err = {0};
    if (size < HEAD)
        return 0;

    /* Train on the first part: 257 tokens are bytes and the end alone. */
    const char *text = (const char *)data + HEAD;
    size_t all = size - HEAD, cut = all * data[0] / 255;
    size_t count = cut_documents(docs, DOCUMENTS, text, cut);
    gr_status status = gr_tokenizer_train(&tok, docs, count, 257 + (data[1] | data[2] << 8) % 900, NULL, &err);
    if (status != GR_OK) {
        gr_fuzz_must(!tok && err.message[0]);
        return 0;
    }

    /* Through a file. */
    char path[64];
    snprintf(path, sizeof path, "/tmp/gradroute-fuzz-%d.json", (int)getpid());
    gr_fuzz_must(gr_tokenizer_save(tok, path, &err) == GR_OK && gr_tokenizer_open(&again, path, &err) == GR_OK);
    gr_fuzz_must(gr_tokenizer_equal(tok, again));
    unlink(path);

    /* The other part: there and back. */
    int32_t *ids = NULL;
    char *back = NULL;
    size_t got = 0, room = 0, n = encode_alike(tok, again, &ids, text + cut, all - cut);
    for (size_t i = 0; i < n; i++)
        gr_fuzz_must(ids[i] >= 0 && ids[i] < gr_tokenizer_size(tok) && ids[i] != gr_tokenizer_end(tok));
    gr_tokenizer_decode(again, &back, &got, &room, ids, n);
    gr_fuzz_must(got == all - cut && (!got || !memcmp(back, text + cut, got)));
    gr_free(back);
    gr_free(ids);
    gr_tokenizer_free(again);
    gr_tokenizer_free(tok);
    return 0;
}
