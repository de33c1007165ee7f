/* Byte-level text is cut into pieces by a pattern. */
#include <string.h>

#include "base/mem.h"
#include "data/tokenizer.h"

/* White space is spelled out as Unicode's White_Space: PCRE2's own \s would add U+180E. */
#define SPACE "\\p{Z}\\t-\\r\\x{85}"
const char gr__tokenizer_pattern[] = "'(?:s|t|re|ve|m|ll|d)| ?\\p{L}+| ?\\p{N}+| ?[^" SPACE "\\p{L}\\p{N}]+"
                                     "|[" SPACE "]+(?![^" SPACE "])|[" SPACE "]+";

enum {
    STEPS_MAX = 10000000, /* of one match; a run of a million spaces takes about a million */
    HEAP_MAX = 65536,     /* KiB of one match, where there is no compiled code for it */
    PATTERN_MAX = 4096,   /* bytes */
    PIECE_MAX = 1 << 30   /* bytes; longer pieces are cut, so that positions fit 32 bits */
};

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

gr_status gr__tokenizer_new(gr_tokenizer **out, const char *pattern, const char *place, gr_error *err) {
    *out = NULL;
    const char *text = pattern ? pattern : gr__tokenizer_pattern;
    if (strlen(text) > PATTERN_MAX)
        return gr_error_set(err, GR_ERR_FORMAT, place, "the expression that splits text is at most 4096 bytes long",
                            "the pattern has %zu bytes", strlen(text));
    gr_tokenizer *tok = gr_alloc(sizeof *tok);
    tok->start = tok->end = tok->unknown = -1;
    tok->pattern = gr_strdup(pattern);
    tok->memory = gr__pattern_memory();
    pcre2_compile_context *context = pcre2_compile_context_create(tok->memory);
    int code = 0;
    size_t offset = 0;
    tok->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C,
                              &code, &offset, context);
    pcre2_compile_context_free(context);
    if (!tok->code) {
        char why[160] = "";
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
        gr_tokenizer_free(tok);
        return gr_error_set(err, GR_ERR_FORMAT, place, "patterns are in the syntax of PCRE2",
                            "the pattern does not compile at its byte %zu: %s", offset, why);
    }
    pcre2_jit_compile(tok->code, PCRE2_JIT_COMPLETE); /* where it fails, matching is interpreted */
    *out = tok;
    return GR_OK;
}

void gr__split_open(gr__split *s, const gr_tokenizer *tok, const char *text, size_t length) {
    *s = (gr__split){.tok = tok, .text = text, .length = length};
    s->match = pcre2_match_data_create(1, tok->memory);
    s->limits = pcre2_match_context_create(tok->memory);
    pcre2_set_match_limit(s->limits, STEPS_MAX);
    pcre2_set_heap_limit(s->limits, HEAP_MAX);
}

void gr__split_close(gr__split *s) {
    pcre2_match_data_free(s->match);
    pcre2_match_context_free(s->limits);
}

static int match_once(gr__split *s, size_t length, uint32_t options) {
    PCRE2_SPTR subject = (PCRE2_SPTR)s->text + s->base;
    return pcre2_match(s->tok->code, subject, length, s->at - s->base, options, s->match, s->limits);
}

/* How far the text from s->at on is valid UTF-8: PCRE2 checks its whole subject in the first match of a stretch, and
 * the later ones skip that. (With PCRE2_MATCH_INVALID_UTF the interpreter would check the rest of the text in every
 * match, which is quadratic.) */
static size_t valid_until(gr__split *s) {
    if (((uint8_t)s->text[s->at] & 0xc0) == 0x80) /* reported without a position */
        return s->at;
    int got = match_once(s, s->length - s->base, PCRE2_NOTEMPTY);
    if (got > PCRE2_ERROR_UTF8_ERR1 || got < PCRE2_ERROR_UTF8_ERR21)
        return s->length;
    return s->base + pcre2_get_startchar(s->match);
}

/* Sets begin and finish to the next match, or to the end of the stretch. */
static gr_status split_find(gr__split *s, gr_error *err) {
    if (s->at == s->valid) {
        s->base = s->at;
        s->valid = valid_until(s);
        if (s->valid == s->at) { /* a byte of no character */
            s->begin = s->at;
            s->valid = s->finish = s->at + 1;
            return GR_OK;
        }
    }
    size_t length = s->valid - s->base;
    int got = match_once(s, length, PCRE2_NOTEMPTY | PCRE2_NO_UTF_CHECK);
    if (got == PCRE2_ERROR_JIT_STACKLIMIT)
        got = match_once(s, length, PCRE2_NOTEMPTY | PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT);
    if (got < 0 && got != PCRE2_ERROR_NOMATCH) {
        char why[160] = "";
        pcre2_get_error_message(got, (PCRE2_UCHAR *)why, sizeof why);
        return gr_error_set(err, GR_ERR_FORMAT, "tokenizer",
                            "the pattern in tokenizer.json may need endless backtracking",
                            "the pattern gave up at byte %zu of %zu: %s", s->at, s->length, why);
    }
    const size_t *found = pcre2_get_ovector_pointer(s->match);
    bool usable = got >= 0 && found[0] < found[1] && s->base + found[0] >= s->at;
    s->begin = usable ? s->base + found[0] : s->valid;
    s->finish = usable ? s->base + found[1] : s->valid;
    return GR_OK;
}

gr_status gr__split_next(gr__split *s, const char **piece, size_t *length, gr_error *err) {
    *length = 0;
    if (s->at == s->length)
        return GR_OK;
    if (s->at >= s->finish)
        GR_TRY(split_find(s, err));
    size_t stop = s->at < s->begin ? s->begin : s->finish; /* what no match covers is a piece too */
    *piece = s->text + s->at;
    *length = stop - s->at < PIECE_MAX ? stop - s->at : PIECE_MAX;
    s->at += *length;
    return GR_OK;
}
