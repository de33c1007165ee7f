/* label_source.h - where labels come from: words, scores, and the text between tokens and them. */
#ifndef GR_DATA_LABEL_SOURCE_H
#define GR_DATA_LABEL_SOURCE_H

#include "gradroute/data.h"

/* A stretch of a text in bytes, and how much it is of a label. */
typedef struct gr__span {
    uint32_t from, to;
    gr_real score;
} gr__span;

typedef struct gr__spans {
    gr__span *at;
    size_t count, capacity;
} gr__spans;

/* ---- Text of a document, from its tokens (label_text.c) ---------------------------------------------------------- */

typedef struct gr__doc_text {
    char *text;
    size_t length, capacity;
    uint32_t *begin, *end; /* [tokens] bytes of a token, white space at its front left out unless it is all there is */
    uint32_t *sentence;    /* [tokens] number of the sentence where the token begins */
    size_t tokens, most;
    bool exact; /* as long as the document: tokens that stand for unknown characters spell nothing */
} gr__doc_text;

/* Memory is kept for the next document. */
void gr__doc_text_load(gr__doc_text *text, const gr_dataset *data, const gr_tokenizer *tokenizer, size_t doc);
void gr__doc_text_clear(gr__doc_text *text);

/* Raises score[t] of each token to the highest score of the spans that touch it. */
void gr__doc_text_mark(const gr__doc_text *text, gr_real *score, const gr__spans *spans);

/* Gives each token of a sentence the highest score of them all; the end token, [tokens], is of the last sentence. */
void gr__doc_text_spread(const gr__doc_text *text, gr_real *score);

/* Characters of the text: code points, and bytes that begin none. */
size_t gr__doc_text_characters(const gr__doc_text *text);

/* Places in characters become places in bytes; lead: characters in front of the text that were cut. Spans that hold
 * nothing of the text go. */
void gr__doc_text_bytes(const gr__doc_text *text, gr__spans *spans, uint32_t lead);

/* ---- Words (label_words.c) --------------------------------------------------------------------------------------- */

typedef struct gr__words gr__words;

/* owner: the label's name, for messages. GR_ERR_USAGE for an entry that no text can match, GR_ERR_FORMAT (file:line)
 * for one of a file. */
gr_status gr__words_new(gr__words **words, const gr_label_words *def, const char *owner, gr_error *err);
void gr__words_free(gr__words *words);

/* Appends a span of score 1 for each place where an entry stands, and counts it; entries may overlap. Bytes that are no
 * UTF-8 belong to no word. */
void gr__words_find(gr__words *words, gr__spans *spans, const char *text, size_t length);

/* Entries, those that are spelt alike once, in the order of the list. */
size_t gr__words_count(const gr__words *words);
gr_label_hit gr__words_hit(const gr__words *words, size_t entry);

/* ---- Scores (label_scores.c) ------------------------------------------------------------------------------------- */

/* By record of the corpus. */
typedef struct gr__scores {
    size_t records;
    bool *given;     /* [records] */
    gr_real *score;  /* [records] -1: null, -2: the record has spans alone */
    uint64_t *first; /* [records] its spans are spans.at[first] .. [first + count - 1], in characters */
    uint32_t *count;
    gr__spans spans;
    size_t *line; /* [records] for messages */
} gr__scores;

enum { GR__SCORE_UNKNOWN = -1, GR__SCORE_NONE = -2 };

gr_status gr__scores_read(gr__scores *scores, const gr_label_scores *def, const gr_dataset *data, gr_error *err);
void gr__scores_clear(gr__scores *scores);

/* ---- Noise (label_noise.c) --------------------------------------------------------------------------------------- */

/* Changes what label k shows: recall, known, precision, in this order. tokens: the label is one of tokens.
 * by: the noise's field, or NULL; from[docs]: documents that false positives may be drawn from; NULL: all. */
typedef struct gr__noise {
    gr_labels *labels;
    const gr_dataset *data; /* NULL: labels of whole documents alone */
    const gr_label_def *def;
    int16_t k;
    bool tokens;
    const gr_topics *by;
    const bool *from;
    uint64_t seed;
} gr__noise;

gr_status gr__noise_apply(const gr__noise *noise, gr_error *err);

#endif
