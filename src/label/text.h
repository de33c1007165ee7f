/* text.h - the text of a document from its tokens, and spans of it as scores of tokens. */
#ifndef GR_LABEL_TEXT_H
#define GR_LABEL_TEXT_H

#include "gradroute/label.h"

/* A stretch of a text in bytes, and how much it is of a label. */
typedef struct gr__text_span {
    uint32_t from, to; /* [from, to) */
    gr_real score;     /* in [0, 1] */
} gr__text_span;

typedef struct gr__spans {
    gr__text_span *at;
    size_t count, capacity;
} gr__spans;

typedef struct gr__doc_text {
    char *text;
    size_t length, capacity; /* of text, in bytes */
    uint32_t *begin, *end; /* [tokens] bytes of a token, white space at its front left out unless it is all there is */
    uint32_t *sentence;    /* [tokens] number of the sentence where the token begins */
    size_t tokens, most;   /* of the document; that there is room for */
    bool exact;            /* as long as the document: tokens that stand for unknown characters spell nothing */
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

#endif
