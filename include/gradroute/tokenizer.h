/* tokenizer.h - byte-level BPE: text to token ids and back.
 *
 *     gr_tokenizer *tok = NULL;
 *     gr_text docs[] = {{"a small bird", 12}, {"the act of", 10}};
 *     GR_TRY(gr_tokenizer_train(&tok, docs, 2, 4096, err));
 *     GR_TRY(gr_tokenizer_save(tok, "tokenizer.json", err));
 *
 *     int32_t *ids = NULL;
 *     size_t count = 0, capacity = 0;
 *     GR_TRY(gr_tokenizer_encode(tok, &ids, &count, &capacity, "a bird", 6, err));
 *     ...
 *     gr_free(ids);
 *     gr_tokenizer_free(tok);
 *
 * Text is cut into pieces (words with their leading space, numbers, punctuation, white space) by a pattern, and each
 * piece starts as one token per byte. Merges are applied by rank: of all neighbouring pairs in a piece the one learned
 * first is joined first, the leftmost of equals before the others (Sennrich et al., "Neural machine translation of
 * rare words with subword units", 2016; on bytes, with the pattern used here: Radford et al., "Language models are
 * unsupervised multitask learners", 2019). Merges never cross pieces.
 *
 * Any bytes may be encoded, not only valid UTF-8: a byte that is part of no valid character is a piece of its own, so
 * decoding what was encoded always gives the same bytes. That holds for every tokenizer that opens, because a file in
 * which a byte has no token, or a merge does not spell its two halves, is refused.
 *
 * Special tokens such as <|endoftext|> are not recognised in text: there they are encoded as the characters they are
 * written with. Whoever needs one between documents appends gr_tokenizer_end(). Nothing is added at either end.
 *
 * A finished tokenizer never changes; any number of threads may use one at the same time.
 */
#ifndef GRADROUTE_TOKENIZER_H
#define GRADROUTE_TOKENIZER_H

#include "gradroute/base.h"

typedef struct gr_tokenizer gr_tokenizer;

/* Borrowed bytes; no terminating zero is needed. */
typedef struct gr_text {
    const char *data;
    size_t length;
} gr_text;

/* Learns a tokenizer of at most vocab tokens from count documents.
 *
 * Ids: 0 is <|endoftext|>, 1 to 256 are the bytes (printable ones first: 0x21-0x7e, 0xa1-0xac, 0xae-0xff, then the
 * other 68 in order), further ids are merges in the order learned. vocab counts all of them.
 *
 * Each merge joins the pair with the highest count of neighbouring occurrences within pieces (overlapping ones count,
 * so "aaa" holds the pair a, a twice). Of pairs with equal counts the one with the smaller left id wins, then the one
 * with the smaller right id; so the result depends on the documents and vocab alone, not on the documents' order.
 * When no pair is left before vocab is reached, the tokenizer has fewer tokens: see gr_tokenizer_size().
 *
 * Errors: GR_ERR_USAGE if vocab is below 257. */
gr_status gr_tokenizer_train(gr_tokenizer **out, const gr_text *docs, size_t count, int vocab, gr_error *err);

/* Opens a Hugging Face tokenizer.json of a byte-level BPE model. Accepted:
 *   model          BPE; merges as "a b" or ["a", "b"]; ids 0..n-1 without a gap, all 256 bytes among them;
 *                  no dropout, prefix, suffix or ignore_merges
 *   pre_tokenizer  ByteLevel, or a Sequence of one Split by a regular expression (behavior Isolated, or Removed with
 *                  invert, which keeps the same pieces) and ByteLevel with use_regex false; no prefix space
 *   decoder        ByteLevel
 *   normalizer     none
 *   added_tokens   any; those that are not special are not recognised in text either, but are decoded
 * post_processor, padding and truncation are not used. The expression is compiled by PCRE2, whose \s also matches
 * U+180E, unlike that of some other programs; empty matches of it cut nothing.
 *
 * Errors: GR_ERR_INPUT, GR_ERR_IO, or GR_ERR_FORMAT with the place in the file and a hint. */
gr_status gr_tokenizer_open(gr_tokenizer **out, const char *path, gr_error *err);

/* The same for JSON in memory; place names its origin in errors (NULL: "tokenizer.json"). */
gr_status gr_tokenizer_parse(gr_tokenizer **out, const char *json, size_t length, const char *place, gr_error *err);

/* Writes a tokenizer.json that gr_tokenizer_open and other programs load: first path.tmp, flushed to the disk, then
 * renamed, so that path always holds a whole file. Errors: GR_ERR_IO. */
gr_status gr_tokenizer_save(const gr_tokenizer *tok, const char *path, gr_error *err);

/* NULL is allowed. */
void gr_tokenizer_free(gr_tokenizer *tok);

/* Number of tokens, special ones included: ids are 0..size-1. */
int gr_tokenizer_size(const gr_tokenizer *tok);

/* Id of <|endoftext|>, or -1 if there is none. */
int gr_tokenizer_end(const gr_tokenizer *tok);

/* Appends the ids of text to a growing array: *ids may start as NULL with *count = *capacity = 0 and is released by
 * gr_free. After an error *count is what it was.
 *
 * Errors: GR_ERR_FORMAT when the expression of an opened file needs too many steps on this text (10 million per piece);
 * it cannot happen with a tokenizer trained here. */
gr_status gr_tokenizer_encode(const gr_tokenizer *tok, int32_t **ids, size_t *count, size_t *capacity, const char *text,
                              size_t length, gr_error *err);

/* Appends the bytes of n ids to a growing array, which gets no terminating zero. Special tokens and ids out of range
 * are skipped. A character may be spread over several tokens: cut ids anywhere, but show only whole characters. */
void gr_tokenizer_decode(const gr_tokenizer *tok, char **text, size_t *count, size_t *capacity, const int32_t *ids,
                         size_t n);

/* The bytes of one token (of a special token, its name), valid as long as tok and without a terminating zero; NULL and
 * *length = 0 for an id out of range. */
const char *gr_tokenizer_token(const gr_tokenizer *tok, int id, size_t *length);

/* Same tokens, merges and pattern, and so the same ids for every text. */
bool gr_tokenizer_equal(const gr_tokenizer *a, const gr_tokenizer *b);

#endif
