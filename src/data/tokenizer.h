/* tokenizer.h - what training, encoding and the JSON reader share about a tokenizer.
 *
 * A tokenizer is built once: gr__tokenizer_new, then tokens in the order of their ids, then merges in the order of
 * their ranks, then gr__tokenizer_seal. From then on it is constant.
 */
#ifndef GR_DATA_TOKENIZER_H
#define GR_DATA_TOKENIZER_H

#include <stdint.h>

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif
#include <pcre2.h>

#include "gradroute/tokenizer.h"

#define GR__TOKEN_END "<|endoftext|>"

enum {
    GR__TOKEN_PLAIN,  /* a byte or a merge: can come out of encoding */
    GR__TOKEN_ADDED,  /* listed apart, decoded as text */
    GR__TOKEN_SPECIAL /* listed apart, skipped when decoding */
};

typedef struct gr__token {
    size_t start, length; /* in gr_tokenizer.bytes */
    int kind;
} gr__token;

typedef struct gr__merge {
    int32_t left, right, id;
} gr__merge;

/* A slot of the table from pair to merge; rank -1 is empty. */
typedef struct gr__slot {
    int32_t left, right, rank;
} gr__slot;

struct gr_tokenizer {
    gr__token *tokens;
    size_t count, capacity;
    char *bytes; /* of all tokens, one after the other */
    size_t bytes_count, bytes_capacity;
    gr__merge *merges; /* index = rank */
    size_t merges_count, merges_capacity;
    gr__slot *slots; /* power of two, linear probing */
    size_t mask;
    int32_t byte_id[256];
    int end;
    char *pattern; /* NULL: the built-in one */
    pcre2_general_context *memory;
    pcre2_code *code;
};

/* Compiles the pattern (NULL: the built-in one). */
gr_status gr__tokenizer_new(gr_tokenizer **out, const char *pattern, const char *place, gr_error *err);
void gr__tokenizer_add(gr_tokenizer *tok, const char *bytes, size_t length, int kind);
void gr__tokenizer_merge(gr_tokenizer *tok, int32_t left, int32_t right, int32_t id);

/* Builds the tables; refuses what would break the promise that decoding inverts encoding. */
gr_status gr__tokenizer_seal(gr_tokenizer *tok, const char *place, gr_error *err);

/* The bytes in the order of their spelling in tokenizer.json, where byte order[i] is written as the character
 * order[i] for i < GR__BYTES_PRINTABLE and as the character 256 + i - GR__BYTES_PRINTABLE from there on. */
enum { GR__BYTES_PRINTABLE = 188 };
void gr__byte_order(uint8_t order[256]);

/* Cuts a text into pieces. */
typedef struct gr__split {
    const gr_tokenizer *tok;
    const char *text;
    size_t length, at;
    size_t base, valid;   /* text[base, valid) is valid UTF-8 and holds at */
    size_t begin, finish; /* the next match, when begin >= at */
    pcre2_match_data *match;
    pcre2_match_context *limits;
} gr__split;

void gr__split_open(gr__split *s, const gr_tokenizer *tok, const char *text, size_t length);
gr_status gr__split_next(gr__split *s, const char **piece, size_t *length, gr_error *err); /* *length 0: the end */
void gr__split_close(gr__split *s);

#endif
