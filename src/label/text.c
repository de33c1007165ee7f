/* text.c - the text of a document from its tokens, and spans of it as scores of tokens.
 *
 * A dataset keeps tokens, not text. Sources that look at text get it by decoding, with a table of which bytes each
 * token spelled; so a stretch of text can be turned into the tokens that it touches. */
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "corpus/dataset.h"
#include "label/text.h"

/* Room for the tokens of a document; doubled, so that growing is rare. */
static void reserve(gr__doc_text *t, size_t tokens) {
    if (tokens <= t->most)
        return;
    t->most = 2 * tokens;
    t->begin = gr_realloc(t->begin, t->most * sizeof *t->begin);
    t->end = gr_realloc(t->end, t->most * sizeof *t->end);
    t->sentence = gr_realloc(t->sentence, t->most * sizeof *t->sentence);
}

/* Whether the text begins with a string of the list, and that string's length. */
static bool is_one_of(const char *text, size_t left, const char *const *list, size_t *length) {
    for (; *list; list++) {
        *length = strlen(*list);
        if (*length <= left && !memcmp(text, *list, *length))
            return true;
    }
    return false;
}

/* Where the sentence that holds byte `at` ends: behind . ! ? and what closes with them, when white space or the end of
 * the text follows, and at the end of a line. */
static size_t sentence_end(const char *text, size_t at, size_t length) {
    static const char *const stops[] = {".", "!", "?", "\xe2\x80\xa6", "\xe3\x80\x82", NULL};
    static const char *const closers[] = {"\"",           "'",        ")", "]", ".", "!", "?", "\xe2\x80\x9d",
                                          "\xe2\x80\x99", "\xc2\xbb", NULL};
    size_t n;

    /* A line's end ends a sentence; otherwise look for the next stop. */
    while (at < length) {
        if (text[at] == '\n')
            return at + 1;
        if (!is_one_of(text + at, length - at, stops, &n)) {
            at++;
            continue;
        }

        /* A stop, and what closes with it: quotes, brackets, further stops. "3.14" goes on, since no white space
         * follows. */
        at += n;
        while (is_one_of(text + at, length - at, closers, &n))
            at += n;
        if (at >= length || gr_is_space(text[at]))
            return at;
    }
    return length;
}

/* Numbers the sentences, and gives each token the number of the one where it begins. */
static void find_sentences(gr__doc_text *t) {
    size_t end = sentence_end(t->text, 0, t->length);
    uint32_t number = 0;
    for (size_t i = 0; i < t->tokens; i++) {
        while (t->begin[i] >= end && end < t->length) {
            end = sentence_end(t->text, end, t->length);
            number++;
        }
        t->sentence[i] = number;
    }
}

void gr__doc_text_load(gr__doc_text *t, const gr_dataset *data, const gr_tokenizer *tokenizer, size_t doc) {
    size_t first = data->offsets[doc], tokens = data->offsets[doc + 1] - first, at = 0;
    reserve(t, tokens);
    t->tokens = tokens;

    /* Decode token by token, to know the bytes of each. White space at a token's front is not the token's: a word's
     * token mostly begins with the space before it, and a match that ends there does not touch it. */
    for (size_t i = 0; i < tokens; i++) {
        size_t begin = at;
        const int32_t *id = data->ids + first + i;
        if (i || gr__continues(data, doc))
            gr_tokenizer_decode_on(tokenizer, &t->text, &at, &t->capacity, id, 1);
        else
            gr_tokenizer_decode(tokenizer, &t->text, &at, &t->capacity, id, 1);
        t->end[i] = (uint32_t)at;
        while (begin < at && gr_is_space(t->text[begin]))
            begin++;
        t->begin[i] = begin < at ? (uint32_t)begin : i ? t->end[i - 1] : 0;
    }

    /* Tokens that stand for unknown characters spell nothing: then the text is shorter than it was. */
    t->length = at;
    t->exact = data->bytes && at == data->bytes[doc];
    find_sentences(t);
}

void gr__doc_text_clear(gr__doc_text *t) {
    gr_free(t->text);
    gr_free(t->begin);
    gr_free(t->end);
    gr_free(t->sentence);
    *t = (gr__doc_text){0};
}

/* The first token that ends behind byte `from`, by bisection. */
static size_t token_at(const gr__doc_text *t, uint32_t from) {
    size_t lo = 0, hi = t->tokens;
    while (lo < hi) {
        size_t middle = (lo + hi) / 2;
        if (t->end[middle] > from)
            hi = middle;
        else
            lo = middle + 1;
    }
    return lo;
}

void gr__doc_text_mark(const gr__doc_text *t, gr_real *score, const gr__spans *spans) {
    for (size_t s = 0; s < spans->count; s++) {
        const gr__text_span *span = &spans->at[s];
        for (size_t i = token_at(t, span->from); i < t->tokens && t->begin[i] < span->to; i++)
            score[i] = span->score > score[i] ? span->score : score[i];
    }
}

void gr__doc_text_spread(const gr__doc_text *t, gr_real *score) {
    for (size_t first = 0, next; first < t->tokens; first = next) {
        gr_real most = 0;
        for (next = first; next < t->tokens && t->sentence[next] == t->sentence[first]; next++)
            most = score[next] > most ? score[next] : most;
        for (size_t i = first; i < next; i++)
            score[i] = most;
    }

    /* The end token belongs to the last sentence. */
    if (t->tokens)
        score[t->tokens] = score[t->tokens - 1];
}

/* Bytes of the character at `at`: a byte that begins none counts as one. */
static size_t character(const gr__doc_text *t, size_t at) {
    utf8proc_int32_t code;
    utf8proc_ssize_t n =
        utf8proc_iterate((const utf8proc_uint8_t *)t->text + at, (utf8proc_ssize_t)(t->length - at), &code);
    return n > 0 ? (size_t)n : 1;
}

size_t gr__doc_text_characters(const gr__doc_text *t) {
    size_t n = 0;
    for (size_t at = 0; at < t->length; n++)
        at += character(t, at);
    return n;
}

/* One walk over the text serves spans in order; one that goes back starts anew. */
void gr__doc_text_bytes(const gr__doc_text *t, gr__spans *spans, uint32_t lead) {
    size_t kept = 0, at = 0, place = lead;

    /* `at` is the byte, and `place` the number, of one and the same character of the record. */
    for (size_t s = 0; s < spans->count; s++) {
        gr__text_span span = spans->at[s];
        if (span.from < place)
            at = 0, place = lead;
        for (; place < span.from && at < t->length; place++)
            at += character(t, at);

        /* From there to the span's end. What lies in white space that was cut is not in the text. */
        size_t from = at, end = at;
        for (size_t p = place > span.from ? place : span.from; p < span.to && end < t->length; p++)
            end += character(t, end);
        if (end > from)
            spans->at[kept++] = (gr__text_span){(uint32_t)from, (uint32_t)end, span.score};
    }
    spans->count = kept;
}
