/* tokenizer_json.h - what the two halves of the reader of tokenizer.json share: tokenizer_json.c reads the file and
 * byte-level vocabularies, tokenizer_json_pieces.c knows the rules and spelling of vocabularies of pieces. */
#ifndef GR_TEXT_TOKENIZER_JSON_H
#define GR_TEXT_TOKENIZER_JSON_H

#include <jansson.h>

#include "text/tokenizer.h"

enum { GR__SPELL_MAX = 256 + 256 - GR__BYTES_PRINTABLE };

typedef struct gr__vocab_reader {
    const char *place;
    gr_error *err;
    const char *merges_place; /* file of merges, one a line, or NULL */
    size_t merges_line;       /* line of the first */
    json_t *root, *vocab;     /* borrowed */
    const char **keys;        /* id -> how the file writes the token, borrowed from root */
    uint8_t *kinds;           /* id -> GR__TOKEN_... */
    uint8_t *finds;           /* id -> GR__FIND_... */
    size_t count;
    bool pieces, byte_tokens;         /* a vocabulary of pieces; "<0x41>" is a byte */
    bool matches_only, special_apart; /* as in gr_tokenizer */
    gr__piece_rules rules;
    int16_t byte_of[GR__SPELL_MAX]; /* character -> byte or -1 */
} gr__vocab_reader;

/* GR_ERR_FORMAT at "place: where". */
gr_status gr__vocab_fail(gr__vocab_reader *r, const char *where, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

bool gr__vocab_has_type(const json_t *object, const char *type);

/* Reads a parsed tokenizer.json; merges_place as above, or NULL. */
gr_status gr__vocab_read(gr_tokenizer **out, json_t *root, const char *place, const char *merges_place,
                         size_t merges_line, gr_error *err);

/* Whether the file is of a vocabulary of pieces, and what its normalizer, pre_tokenizer and decoder say. */
bool gr__vocab_is_pieces(const gr__vocab_reader *r);
gr_status gr__vocab_rules(gr__vocab_reader *r);

/* The kind of a token of the vocabulary, by how it is written. */
int gr__vocab_piece_kind(const gr__vocab_reader *r, const char *key);

/* The token's bytes, in place of the text; returns their number. */
size_t gr__vocab_unspell_piece(char *bytes, const char *key, int kind);

/* Scores, unknown token and ends of documents, once all tokens are there. */
gr_status gr__vocab_extras(gr__vocab_reader *r, gr_tokenizer *tok);

#endif
