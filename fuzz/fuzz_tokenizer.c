/* A tokenizer.json from anywhere: it is refused with a reason, or encodes and decodes any bytes exactly. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

static void round_trip(const gr_tokenizer *tok, const char *text, size_t length) {
    int32_t *ids = NULL;
    char *back = NULL;
    size_t n = 0, room = 0, count = 0, capacity = 0;
    gr_error err = {0};
    if (gr_tokenizer_encode(tok, &ids, &n, &room, text, length, &err) == GR_OK) {
        gr_tokenizer_decode(tok, &back, &count, &capacity, ids, n);
        check(count == length && (!length || !memcmp(back, text, length)));
    } else {
        check(n == 0 && err.message[0]);
    }
    gr_free(back);
    gr_free(ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char sample[] = "The bird's 3 songs\n\n  caf\xc3\xa9 \xff\xfe aaaa";
    gr_error err = {0};
    gr_tokenizer *tok = NULL;
    if (gr_tokenizer_parse(&tok, (const char *)data, size, "fuzz", &err) != GR_OK) {
        check(!tok && err.status == GR_ERR_FORMAT && err.place[0] && err.message[0]);
        return 0;
    }
    round_trip(tok, sample, sizeof sample);
    round_trip(tok, (const char *)data, size < 256 ? size : 256);
    check(gr_tokenizer_equal(tok, tok) && gr_tokenizer_end(tok) < gr_tokenizer_size(tok));
    gr_tokenizer_free(tok);
    return 0;
}
