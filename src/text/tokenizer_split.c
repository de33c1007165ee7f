/* tokenizer_split.c - cuts byte-level text into pieces, within which merging then happens.
 *
 * A pattern says what a piece is: the built-in one is GPT-2's, compiled by PCRE2; a vocabulary may bring its own, which
 * Oniguruma runs (tokenizer_regex.c). Both need valid UTF-8, so a text is searched stretch by stretch, and each byte
 * that belongs to no character is a piece by itself. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

/* White space is spelled out as Unicode's White_Space: PCRE2's own \s would add U+180E. */
#define SPACE "\\p{Z}\\t-\\r\\x{85}"
const char gr__tokenizer_pattern[] = "'(?:s|t|re|ve|m|ll|d)| ?\\p{L}+| ?\\p{N}+| ?[^" SPACE "\\p{L}\\p{N}]+"
                                     "|[" SPACE "]+(?![^" SPACE "])|[" SPACE "]+";

enum {
    STEPS_MAX = 10000000,  /* of one match; a run of a million spaces takes about a million */
    HEAP_MAX = 65536,      /* KiB of one match, where there is no compiled code for it */
    STRETCH_MAX = 1 << 30, /* bytes that are searched as one */
    PIECE_MAX = 1 << 30    /* bytes; longer pieces are cut, so that positions fit 32 bits */
};

/* PCRE2's memory comes from ours, so that it is counted, and limited in tests. */
static void *pattern_alloc(size_t size, void *unused) {
    (void)unused;
    return gr_alloc(size);
}

static void pattern_free(void *block, void *unused) {
    (void)unused;
    gr_free(block);
}

pcre2_general_context *gr__pattern_memory(void) {
    return pcre2_general_context_create(pattern_alloc, pattern_free, NULL);
}

/* The vocabulary's pattern, or the built-in one. */
static gr_status compile(gr_tokenizer *tok, const char *place, gr_error *err) {
    tok->memory = gr__pattern_memory();
    if (tok->pattern)
        return gr__regex_compile(&tok->regex, tok->pattern, place, err);

    int code;
    size_t offset;
    tok->code = pcre2_compile((PCRE2_SPTR)gr__tokenizer_pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP, &code,
                              &offset, NULL);
    assert(tok->code);
    pcre2_jit_compile(tok->code, PCRE2_JIT_COMPLETE); /* where it fails, matching is interpreted */
    return GR_OK;
}

gr_status gr__tokenizer_new(gr_tokenizer **out, const char *pattern, const char *place, gr_error *err) {
    *out = NULL;
    gr_tokenizer *tok = gr_alloc(sizeof *tok);
    tok->start = tok->end = tok->unknown = -1;
    tok->pattern = gr_strdup(pattern);
    gr_status status = compile(tok, place, err);
    if (status == GR_OK)
        *out = tok;
    else
        gr_tokenizer_free(tok);
    return status;
}

void gr__split_open(gr__split *s, const gr_tokenizer *tok, const char *text, size_t length) {
    *s = (gr__split){.tok = tok, .text = text, .length = length};
    if (tok->regex) {
        gr__regex_open(s);
        return;
    }

    /* Limits on a match keep a very long run of alike characters from taking all memory or time. */
    s->match = pcre2_match_data_create(1, tok->memory);
    s->limits = pcre2_match_context_create(tok->memory);
    pcre2_set_match_limit(s->limits, STEPS_MAX);
    pcre2_set_heap_limit(s->limits, HEAP_MAX);
}

void gr__split_close(gr__split *s) {
    gr__regex_close(s);
    pcre2_match_data_free(s->match);
    pcre2_match_context_free(s->limits);
}

/* How far the text from s->at on is valid UTF-8. */
static size_t valid_until(const gr__split *s) {
    size_t at = s->at, most = s->length - at < STRETCH_MAX ? s->length : at + STRETCH_MAX, n;

    /* ASCII needs no look-up. */
    while (at < most) {
        n = (uint8_t)s->text[at] < 0x80 ? 1 : gr_utf8_length(s->text + at, s->length - at);
        if (!n)
            break;
        at += n;
    }
    return at;
}

/* One search from s->at on. The stretch is known to be valid UTF-8. */
static int match_once(gr__split *s, uint32_t options) {
    PCRE2_SPTR subject = (PCRE2_SPTR)s->text + s->base;
    return pcre2_match(s->tok->code, subject, s->valid - s->base, s->at - s->base, options | PCRE2_NO_UTF_CHECK,
                       s->match, s->limits);
}

/* The built-in pattern: every character is of some match. */
static gr_status find_piece(gr__split *s, gr_error *err) {
    int got = match_once(s, 0);
    if (got == PCRE2_ERROR_JIT_STACKLIMIT)
        got = match_once(s, PCRE2_NO_JIT);

    /* Only a limit can make it fail. */
    if (got < 0) {
        char why[160] = "";
        pcre2_get_error_message(got, (PCRE2_UCHAR *)why, sizeof why);
        return gr_error_set(err, GR_ERR_FORMAT, "tokenizer", "break up a run of so many alike characters",
                            "the text cannot be cut into words at its byte %zu: %s", s->at, why);
    }
    s->begin = s->at;
    s->finish = s->base + pcre2_get_ovector_pointer(s->match)[1];
    return GR_OK;
}

/* Sets begin and finish to the next match, or to the end of the stretch. */
static gr_status split_find(gr__split *s, gr_error *err) {
    /* The stretch is used up: find the next one. */
    if (s->at == s->valid) {
        s->base = s->from = s->at;
        s->matched = false;
        s->valid = valid_until(s);
        if (s->valid == s->at) { /* a byte of no character */
            s->begin = s->at;
            s->valid = s->finish = s->at + 1;
            return GR_OK;
        }
    }
    return s->tok->regex ? gr__regex_find(s, err) : find_piece(s, err);
}

gr_status gr__split_next(gr__split *s, const char **piece, size_t *length, gr_error *err) {
    *length = 0;
    while (s->at < s->length) {
        if (s->at >= s->finish)
            GR_TRY(split_find(s, err));

        /* What no match covers is a piece too, or is left out; an empty match only cuts. */
        bool gap = s->at < s->begin;
        size_t stop = gap ? s->begin : s->finish;
        if (stop <= s->at || (gap && s->tok->matches_only)) {
            s->at = stop > s->at ? stop : s->at;
            continue;
        }

        /* A piece that is too long for 32 bits is handed out in parts. */
        *piece = s->text + s->at;
        *length = stop - s->at < PIECE_MAX ? stop - s->at : PIECE_MAX;
        s->at += *length;
        return GR_OK;
    }
    return GR_OK;
}
