/* tokens.h - what must hold of every tokenizer that opens, for the fuzz targets. */
#ifndef GR_FUZZ_TOKENS_H
#define GR_FUZZ_TOKENS_H

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/tokenizer.h"

static void gr_fuzz_must(bool good) {
    if (!good)
        abort();
}

/* Whether decoding gives back every text without U+2581. */
static bool gr_fuzz_lossless(const gr_tokenizer *tok) {
    bool takes = tok->matches_only;
    for (size_t i = 0; i < tok->count; i++)
        takes |= tok->tokens[i].kind == GR__TOKEN_ADDED && (tok->tokens[i].find & (GR__FIND_LEFT | GR__FIND_RIGHT));
    if (takes || (tok->pieces && tok->added_plain))
        return false;
    if (!tok->pieces)
        return true;
    for (int b = 0; b < 256; b++)
        if (tok->byte_id[b] < 0)
            return false;
    bool prefixed = tok->rules.prefix != GR__PREFIX_NONE;
    return prefixed == tok->rules.strip && !tok->rules.prefix_missing;
}

static void gr_fuzz_round_trip(const gr_tokenizer *tok, const char *text, size_t length) {
    int32_t *ids = NULL;
    char *back = NULL;
    size_t n = 0, room = 0, count = 0, capacity = 0;
    gr_error err = {0};
    if (gr_tokenizer_encode(tok, &ids, &n, &room, text, length, &err) == GR_OK) {
        for (size_t i = 0; i < n; i++)
            gr_fuzz_must(ids[i] >= 0 && ids[i] < gr_tokenizer_size(tok));
        gr_tokenizer_decode(tok, &back, &count, &capacity, ids, n);
        if (gr_fuzz_lossless(tok) && !(tok->pieces && memmem(text, length, GR__SPACE_MARK, 3)))
            gr_fuzz_must(count == length && (!length || !memcmp(back, text, length)));
    } else {
        gr_fuzz_must(n == 0 && err.message[0]);
    }
    gr_free(back);
    gr_free(ids);
}

/* Opened or refused: encodes and decodes, or says where and why not. Frees tok. */
static void gr_fuzz_tokenizer(gr_status status, gr_tokenizer *tok, const gr_error *err, const char *text,
                              size_t length) {
    static const char sample[] = "The bird's 3 songs\n\n  caf\xc3\xa9 \xff\xfe aaaa";
    if (status != GR_OK) {
        gr_fuzz_must(!tok && status == GR_ERR_FORMAT && err->place[0] && err->message[0]);
        return;
    }
    gr_fuzz_round_trip(tok, sample, sizeof sample);
    gr_fuzz_round_trip(tok, text, length < 256 ? length : 256);
    gr_fuzz_must(gr_tokenizer_equal(tok, tok) && gr_tokenizer_end(tok) < gr_tokenizer_size(tok) &&
                 gr_tokenizer_start(tok) < gr_tokenizer_size(tok));
    gr_tokenizer_free(tok);
}

#endif
