/* tokenizer.h - what training, encoding and the readers of vocabularies share about a tokenizer.
 *
 * A tokenizer is built once: gr__tokenizer_new or gr__tokenizer_new_pieces, then tokens in the order of their ids, then
 * merges in the order of their ranks (or scores), then gr__tokenizer_seal. From then on it is constant.
 *
 * There are two alphabets. A byte-level tokenizer starts from bytes and merges within the pieces that a pattern cuts. A
 * piece vocabulary (SentencePiece) starts from characters, falls back to tokens for single bytes, and merges anywhere.
 */
#ifndef GR_TEXT_TOKENIZER_H
#define GR_TEXT_TOKENIZER_H

#include <oniguruma.h>
#include <stdint.h>

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif
#include <pcre2.h>

#include "gradroute/tokenizer.h"

#define GR__TOKEN_END "<|endoftext|>"
#define GR__SPACE_MARK "\xe2\x96\x81" /* U+2581: how vocabularies of pieces write a space */

enum {
    GR__TOKEN_PLAIN,   /* a byte, a character or a merge: can come out of encoding */
    GR__TOKEN_ADDED,   /* listed apart, decoded as text */
    GR__TOKEN_SPECIAL, /* listed apart, skipped when decoding */
    GR__TOKEN_BYTE     /* in a vocabulary of pieces: a byte of a character that has no token */
};

/* How a token that is listed apart is found in a text. */
enum {
    GR__FIND_LEFT = 1,  /* white space in front belongs to it */
    GR__FIND_RIGHT = 2, /* white space behind belongs to it */
    GR__FIND_LATER = 4  /* only in what the others leave (`normalized`) */
};

typedef struct gr__token {
    size_t start, length; /* in gr_tokenizer.bytes */
    uint8_t kind, find;
} gr__token;

/* Of all pairs in a text the one with the lowest rank is merged first, of equal ranks the leftmost. */
typedef struct gr__merge {
    int32_t left, right, id, rank;
} gr__merge;

/* A slot of the table from pair to merge; at -1 is empty. */
typedef struct gr__merge_slot {
    int32_t left, right, at;
} gr__merge_slot;

/* Whether a space is put before a text of pieces. */
typedef enum gr__prefix { GR__PREFIX_NONE, GR__PREFIX_ALWAYS, GR__PREFIX_FIRST } gr__prefix;

/* What a vocabulary of pieces does besides merging. */
typedef struct gr__piece_rules {
    gr__prefix prefix;
    bool prefix_missing; /* only before a text that does not begin with one */
    bool words;          /* no token has a space but at its start */
    bool strip;          /* decoding takes a space from the start of a text */
    bool fuse_unknown;   /* neighbouring characters without a token are one unknown token */
} gr__piece_rules;

struct gr_tokenizer {
    gr__token *tokens;
    size_t count, capacity;
    char *bytes; /* of all tokens, one after the other */
    size_t bytes_count, bytes_capacity;
    gr__merge *merges; /* ascending rank */
    size_t merges_count, merges_capacity;
    gr__merge_slot *slots; /* power of two, linear probing */
    size_t mask;           /* number of slots, less 1 */
    int32_t byte_id[256];  /* -1: no such token */
    int32_t *added;        /* [added_count] ids of tokens listed apart, by first byte, then longest first */
    size_t added_count;
    size_t added_from[257];  /* where those of each first byte begin */
    bool added_plain;        /* some are not special, and so found in every text */
    bool special_apart;      /* special tokens would be found in normalized text, which is not how it is done here */
    int start, end, unknown; /* -1: there is none */

    char *pattern;     /* byte-level: NULL for the built-in one */
    bool matches_only; /* what the pattern does not match is left out */
    regex_t *regex;    /* of pattern */
    pcre2_general_context *memory;
    pcre2_code *code; /* of the built-in one */

    bool pieces;
    gr__piece_rules rules;
    float *scores;        /* [count] where merges come from scores, else NULL */
    int32_t *names;       /* table of plain tokens by their bytes: id or -1; power of two */
    size_t names_mask;    /* number of entries in names, less 1 */
    bool has_byte_tokens; /* some token is GR__TOKEN_BYTE */
};

/* A byte-level tokenizer; compiles the pattern (NULL: the built-in one). */
gr_status gr__tokenizer_new(gr_tokenizer **out, const char *pattern, const char *place, gr_error *err);
gr_tokenizer *gr__tokenizer_new_pieces(const gr__piece_rules *rules);

void gr__tokenizer_add(gr_tokenizer *tok, const char *bytes, size_t length, int kind);
void gr__tokenizer_merge(gr_tokenizer *tok, int32_t left, int32_t right, int32_t id);

/* Instead of merges: every pair of pieces that spells a third may be merged, the third with the highest of
 * scores[count] first (copied; finite). */
void gr__tokenizer_score(gr_tokenizer *tok, const float *scores);

/* Builds the tables; refuses what would break the promise that decoding inverts encoding. Start, end and unknown token
 * that are still -1 are found by their usual names. */
gr_status gr__tokenizer_seal(gr_tokenizer *tok, const char *place, gr_error *err);

/* Adds what decides the ids of a text: equal for tokenizers that gr_tokenizer_equal calls equal. */
struct gr_digest;
void gr__tokenizer_digest(const gr_tokenizer *tok, struct gr_digest *digest);

/* How many tokens no merge makes, so that no text is ever encoded as them; *first is the first of them. */
size_t gr__tokenizer_unmade(const gr_tokenizer *tok, size_t *first);

/* The ends of documents that the names of special tokens suggest, -1 without any. */
void gr__tokenizer_usual_ends(const gr_tokenizer *tok, int *start, int *end);

/* "<0x41>", as vocabularies of pieces write the token for a byte: its value, or -1. */
int gr__byte_name(const char *text, size_t length);

/* The slot of a pair, or the empty one where it belongs. */
gr__merge_slot *gr__tokenizer_slot(const gr_tokenizer *tok, int32_t left, int32_t right);

/* The pattern that is built in. */
extern const char gr__tokenizer_pattern[];
pcre2_general_context *gr__pattern_memory(void); /* PCRE2 through base/mem.h; pcre2_general_context_free */

/* ---- pieces of byte-level text (tokenizer_split.c) ---- */

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
    size_t begin, finish; /* the next match, when begin >= at; it may be empty */
    size_t from;          /* patterns of files: where the search goes on */
    bool matched;         /* and whether a match ended there */
    pcre2_match_data *match;
    pcre2_match_context *limits;
    OnigRegion *region;
    OnigMatchParam *param;
} gr__split;

void gr__split_open(gr__split *s, const gr_tokenizer *tok, const char *text, size_t length);
gr_status gr__split_next(gr__split *s, const char **piece, size_t *length, gr_error *err); /* *length 0: the end */
void gr__split_close(gr__split *s);

/* ---- patterns of files (tokenizer_regex.c) ---- */

/* Such patterns are written for Oniguruma, which Hugging Face's tokenizers use, and mean what they mean there. */
gr_status gr__regex_compile(regex_t **regex, const char *pattern, const char *place, gr_error *err);
void gr__regex_open(gr__split *s);
void gr__regex_close(gr__split *s);

/* Sets begin and finish to the next match in text[base, valid), or to its end. */
gr_status gr__regex_find(gr__split *s, gr_error *err);

/* ---- tokens listed apart (tokenizer_added.c) ---- */

/* The list of them, once all tokens are there. */
void gr__added_seal(gr_tokenizer *tok);

/* What a text is made of: stretches between such tokens, and the tokens. */
typedef struct gr__added_user {
    gr_status (*stretch)(void *user, size_t from, size_t to, gr_error *err); /* from < to */
    void (*token)(void *user, int32_t id);
    void *user;
} gr__added_user;

/* special: those that are special count too, else only the others. */
gr_status gr__added_walk(const gr_tokenizer *tok, const gr__added_user *to, const char *text, size_t length,
                         bool special, gr_error *err);

/* ---- characters of a vocabulary of pieces (tokenizer_pieces.c) ---- */

/* Builds the table of names; refuses two plain tokens with the same bytes. */
gr_status gr__pieces_index(gr_tokenizer *tok, const char *place, gr_error *err);

/* Id of the plain token with these bytes, or -1. */
int32_t gr__pieces_find(const gr_tokenizer *tok, const char *bytes, size_t length);

/* Makes the merges that the scores stand for. */
void gr__pieces_merges(gr_tokenizer *tok);

/* The tokens of text[length] before merges into ids, which has room for length + 1; returns their number. begins: the
 * space that belongs before a text goes here. */
size_t gr__pieces_symbols(const gr_tokenizer *tok, int32_t *ids, const char *text, size_t length, bool begins);

/* ---- files that are not tokenizer.json (tokenizer_pair.c, tokenizer_scored.c) ---- */

/* GPT-2's two files: the vocabulary, an object from token to id, and the merges, "a b" a line. Tokens that are neither
 * a byte nor made by a merge are special where they are named as such: <...>, [...]. */
gr_status gr__tokenizer_parse_pair(gr_tokenizer **out, const char *vocab, size_t vocab_length, const char *merges,
                                   size_t merges_length, const char *vocab_place, const char *merges_place,
                                   gr_error *err);

/* llama2.c's vocabulary: i32 length of the longest piece, then for each piece f32 score, i32 length, bytes. Documents
 * both begin and end with <s>, as in that program's training. */
gr_status gr__tokenizer_parse_scored(gr_tokenizer **out, const char *bytes, size_t length, const char *place,
                                     gr_error *err);

/* The second file of a pair that path is one of, a new string; NULL where path is no such file or there is none. */
char *gr__tokenizer_partner(const char *path);

/* What gr_tokenizer_save writes; a new string. */
gr_status gr__tokenizer_text(const gr_tokenizer *tok, char **text, const char *place, gr_error *err);

/* gr_tokenizer_encode, which ends soon after the flag is set: GR_ERR_INTERRUPTED. stop NULL: never. */
gr_status gr__tokenizer_encode_until(const gr_tokenizer *tok, int32_t **ids, size_t *count, size_t *capacity,
                                     const gr_text *text, const volatile sig_atomic_t *stop, gr_error *err);

#endif
