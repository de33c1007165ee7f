/* tokenizer.h - text to token ids and back: byte-level BPE, and vocabularies of pieces as Llama has them.
 *
 *     gr_tokenizer *tok = NULL;
 *     gr_text docs[] = {{"a small bird", 12}, {"the act of", 10}};
 *     GR_TRY(gr_tokenizer_train(&tok, docs, 2, 4096, NULL, err));
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
 * A vocabulary of pieces (Kudo & Richardson, "SentencePiece", 2018) has no pattern: a text is a row of characters, a
 * space in front as the vocabulary says, and merges go by rank or score anywhere in it. A character without a token
 * becomes a token for each of its bytes, or the unknown token.
 *
 * Any bytes may be encoded, not only valid UTF-8: a byte that is part of no valid character stands for itself, so
 * decoding what was encoded gives the same bytes. That holds for every byte-level tokenizer that opens, because a file
 * in which a byte has no token, or a merge does not spell its two halves, is refused; but what a file says to leave out
 * is left out (white space beside added tokens with lstrip or rstrip, text that a pattern does not keep). It holds for
 * pieces that have a token for each byte, put a space in front and take it away again; but the character U+2581, with
 * which these vocabularies write a space, comes back as one, and there is a space behind an added token. Characters
 * that become the unknown token are lost.
 *
 * Added tokens of a file that are not special are found in every text. Special tokens such as <|endoftext|> are not
 * recognised in text unless gr_tokenizer_encode_special is asked: else they are encoded as the characters they are
 * written with. Whoever needs them around a document puts
 * gr_tokenizer_start() before it and gr_tokenizer_end() behind. Nothing is added at either end.
 *
 * A finished tokenizer never changes; any number of threads may use one at the same time.
 */
#ifndef GRADROUTE_TOKENIZER_H
#define GRADROUTE_TOKENIZER_H

#include <signal.h>

#include "gradroute/base.h"

#ifdef __cplusplus
extern "C" {
#endif

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
 * stop: set by a signal handler it ends the work soon, with GR_ERR_INTERRUPTED; NULL: never.
 *
 * Errors: GR_ERR_USAGE if vocab is below 257. */
gr_status gr_tokenizer_train(gr_tokenizer **out, const gr_text *docs, size_t count, int vocab,
                             const volatile sig_atomic_t *stop, gr_error *err);

/* Opens the vocabulary in a file, whose kind is seen by its content:
 *
 * 1. A Hugging Face tokenizer.json. For both kinds: model BPE; merges as "a b" or ["a", "b"]; ids 0..n-1 without a gap;
 *    no dropout, prefix, suffix or ignore_merges; added_tokens with lstrip, rstrip and, but for pieces with a
 *    normalizer, normalized; no single_word. Byte-level BPE:
 *      model          all 256 bytes among the tokens
 *      pre_tokenizer  ByteLevel, or a Sequence of one Split by a regular expression (behavior Isolated, or Removed with
 *                     invert, which leaves out what the expression does not match) and ByteLevel with use_regex false;
 *                     no prefix space
 *      decoder        ByteLevel
 *      normalizer     none
 *    Pieces:
 *      model          byte_fallback with <0x00> to <0xFF>, or an unk_token, or both; fuse_unk
 *      normalizer     Prepend U+2581, Replace " " by it, or both; or none and
 *      pre_tokenizer  Metaspace: prepend_scheme never, always, first (or add_prefix_space), split or not
 *      decoder        of Replace, ByteFallback, Fuse, Strip of a space at the start, Metaspace
 *    post_processor is not used, nor padding and truncation, which a note names. The expression is run by Oniguruma,
 *    for which it is written. Of our own, members of model that other programs pass over: scores, a number for each
 *    token, in whose order merges are made, those of equal score from the left (SentencePiece); document, the tokens
 *    before and behind a document where names do not tell.
 * 2. One of GPT-2's two files, encoder.json (or vocab.json) and vocab.bpe (or merges.txt), with the other beside it.
 * 3. A vocabulary of llama2.c, pieces with scores. There <s> both begins and ends a document.
 *
 * Errors: GR_ERR_INPUT, GR_ERR_IO, or GR_ERR_FORMAT with the place in the file and a hint. */
gr_status gr_tokenizer_open(gr_tokenizer **out, const char *path, gr_error *err);

/* The same for 1 and 3 in memory; place names the origin in errors (NULL: "tokenizer.json"). */
gr_status gr_tokenizer_parse(gr_tokenizer **out, const char *json, size_t length, const char *place, gr_error *err);

/* Writes a tokenizer.json that gr_tokenizer_open reads back to an equal tokenizer and other programs load: first
 * path.tmp, flushed to the disk, then renamed, so that path always holds a whole file. Errors: GR_ERR_IO. */
gr_status gr_tokenizer_save(const gr_tokenizer *tok, const char *path, gr_error *err);

/* NULL is allowed. */
void gr_tokenizer_free(gr_tokenizer *tok);

/* Number of tokens, special ones included: ids are 0..size-1. */
int gr_tokenizer_size(const gr_tokenizer *tok);

/* The tokens before and behind a document: special ones by the usual names, <s> or <bos> and <|endoftext|>, </s> or
 * <eos>; where one is missing the other does for both. -1 if there is none. */
int gr_tokenizer_start(const gr_tokenizer *tok);
int gr_tokenizer_end(const gr_tokenizer *tok);

/* The token for characters that the vocabulary does not know, or -1. */
int gr_tokenizer_unknown(const gr_tokenizer *tok);

/* Appends the ids of text to a growing array: *ids may start as NULL with *count = *capacity = 0 and is released by
 * gr_free. After an error *count is what it was.
 *
 * Errors: GR_ERR_FORMAT when the expression of an opened file needs too many steps on this text (10 million per piece);
 * it cannot happen with a tokenizer trained here. */
gr_status gr_tokenizer_encode(const gr_tokenizer *tok, int32_t **ids, size_t *count, size_t *capacity, const char *text,
                              size_t length, gr_error *err);

/* The same, but where the text holds the name of a special token, that is its id, as it is for added ones: the
 * leftmost, of those at one place the longest. What lies between is encoded as texts of their own. For prompts that
 * are trusted. GR_ERR_FORMAT where special tokens of pieces are normalized. */
gr_status gr_tokenizer_encode_special(const gr_tokenizer *tok, int32_t **ids, size_t *count, size_t *capacity,
                                      const char *text, size_t length, gr_error *err);

/* Appends the bytes of n ids to a growing array, which gets no terminating zero. Special tokens and ids out of range
 * are skipped. A character may be spread over several tokens: cut ids anywhere, but show only whole characters. Of
 * pieces, the space that encoding put in front is taken away: ids are a text from its start. */
void gr_tokenizer_decode(const gr_tokenizer *tok, char **text, size_t *count, size_t *capacity, const int32_t *ids,
                         size_t n);

/* The same for ids that go on with a text: every space stays. */
void gr_tokenizer_decode_on(const gr_tokenizer *tok, char **text, size_t *count, size_t *capacity, const int32_t *ids,
                            size_t n);

/* The bytes of one token (of a special token, its name), valid as long as tok and without a terminating zero; NULL and
 * *length = 0 for an id out of range. */
const char *gr_tokenizer_token(const gr_tokenizer *tok, int id, size_t *length);

/* Same tokens, merges and pattern, and so the same ids for every text. */
bool gr_tokenizer_equal(const gr_tokenizer *a, const gr_tokenizer *b);

#ifdef __cplusplus
}
#endif

#endif
