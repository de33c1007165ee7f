/* pattern.c - labels by a regular expression in the syntax of PCRE2: what has text that matches it.
 *
 * Text is searched in stretches of valid UTF-8: bytes of no character are of no match. Matches do not overlap, and a
 * match of nothing is none.
 */
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/names.h"
#include "label/labelling.h"
#include "text/pattern_words.h"
#include "text/tokenizer.h" /* PCRE2 */

enum { PATTERN, CASELESS };

enum {
    PATTERN_MOST = 4096,  /* bytes */
    STEPS_MOST = 1000000, /* of a match from one place on: a pattern that needs more may need endless ones */
    HEAP_MOST = 65536,    /* KiB of one match, where there is no compiled code for it */
    MATCHES_MOST = 10000, /* different texts that are counted */
    MATCH_MOST = 80       /* bytes of a text by which it is counted */
};

typedef struct pattern {
    pcre2_general_context *memory;
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    gr_arena *arena;
    gr__names texts; /* that matched */
    size_t *found;   /* [texts] how often */
    size_t found_count, found_capacity;
} pattern;

/* Compiles a pattern for UTF-8 text; \C, which matches a single byte, is forbidden since it would cut characters. */
static pcre2_code *compile_text(const pattern *p, const char *text, bool caseless, int *code, size_t *offset) {
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | (caseless ? PCRE2_CASELESS : 0);
    pcre2_compile_context *context = pcre2_compile_context_create(p->memory);
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, code, offset, context);
    pcre2_compile_context_free(context);
    return compiled;
}

/* The text as it was given is compiled first, for the place of an error in it. */
static gr_status compile(pattern *p, const gr__label_draft *label, gr_error *err) {
    const char *text = label->arg[PATTERN].text, *name = label->def->name,
               *hint = "patterns are in the syntax of PCRE2";
    bool caseless = label->arg[CASELESS].on;
    size_t offset = 0;
    int code = 0;
    if (strlen(text) > PATTERN_MOST)
        return gr_error_set(err, GR_ERR_USAGE, name, "make several labels of it", "a pattern of %zu bytes, at most %d",
                            strlen(text), PATTERN_MOST);

    /* Twice: as given, and then with classes of words spelled out (pattern_words.c). */
    p->code = compile_text(p, text, caseless, &code, &offset);

    /* Machine code, where PCRE2 can make it. */
    if (p->code) {
        char *with_words = gr__pattern_words(text);
        pcre2_code_free(p->code);
        p->code = compile_text(p, with_words, caseless, &code, &offset);
        gr_free(with_words);
    }
    if (p->code) {
        pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE); /* where it fails, matching is interpreted */
        return GR_OK;
    }

    /* Its message, and the byte where it stopped. */
    char why[160] = "";
    pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
    return gr_error_set(err, GR_ERR_USAGE, name, hint, "the pattern \"%.60s\" does not compile at its byte %zu: %s",
                        text, offset, why);
}

/* Compiles the pattern; texts that match will be counted in p->texts. */
static gr_status open_pattern(gr__label_draft *label, gr__labelling *m, gr_error *err) {
    GR_TRY(gr__label_need_text(m, label, err));
    m->texts = true;

    /* Everything that PCRE2 allocates goes through our allocator. */
    pattern *p = label->state = gr_alloc(sizeof *p);
    p->arena = p->texts.arena = gr_arena_new();
    p->memory = gr__pattern_memory();
    p->match = pcre2_match_data_create(1, p->memory);
    p->limits = pcre2_match_context_create(p->memory);

    /* Limits on steps and memory of a single match, so that a bad pattern is an error and not an endless run. */
    pcre2_set_match_limit(p->limits, STEPS_MOST);
    pcre2_set_heap_limit(p->limits, HEAP_MOST);
    return compile(p, label, err);
}

/* Frees everything that open_pattern made, as far as it got. */
static void close_pattern(void *state) {
    pattern *p = state;
    if (!p)
        return;
    pcre2_code_free(p->code);
    pcre2_match_data_free(p->match);
    pcre2_match_context_free(p->limits);
    pcre2_general_context_free(p->memory);
    gr__names_clear(&p->texts);
    gr_arena_free(p->arena);
    gr_free(p->found);
    gr_free(p);
}

/* Counts a text that matched, by at most MATCH_MOST bytes of it, cut at a character's border. Once MATCHES_MOST
 * different texts are known, new ones are not counted. */
static void count(pattern *p, const char *text, size_t length) {
    if (length > MATCH_MOST) {
        length = MATCH_MOST;
        while (((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
    }
    if (p->texts.count == MATCHES_MOST && gr__names_find(&p->texts, text, length) < 0)
        return;
    uint32_t number = gr__names_add(&p->texts, text, length);
    if (number == p->found_count)
        GR_PUSH(p->found, p->found_count, p->found_capacity) = 0;
    p->found[number]++;
}

/* How far the text from `from` on is valid. */
static size_t valid_until(const char *text, size_t from, size_t length) {
    utf8proc_int32_t code;
    utf8proc_ssize_t n;
    while (from < length &&
           (n = utf8proc_iterate((const utf8proc_uint8_t *)text + from, (utf8proc_ssize_t)(length - from), &code)) > 0)
        from += (size_t)n;
    return from;
}

/* One search from `at` on. Compiled code has a small stack: where that is used up, the match is tried again by the
 * interpreter. */
static int match_once(const pattern *p, const char *text, size_t at, size_t length, uint32_t options) {
    PCRE2_SPTR subject = (PCRE2_SPTR)text;
    int got = pcre2_match(p->code, subject, length, at, options, p->match, p->limits);
    return got == PCRE2_ERROR_JIT_STACKLIMIT
               ? pcre2_match(p->code, subject, length, at, options | PCRE2_NO_JIT, p->match, p->limits)
               : got;
}

/* Matches in text[from, to), which is valid, as spans. 0, or PCRE2's error, and *at is where. */
static int search(pattern *p, gr__spans *spans, size_t *at, const gr__doc_text *t, size_t from, size_t to) {
    const char *text = t->text + from;
    uint32_t options = PCRE2_NOTEMPTY | (from ? PCRE2_NOTBOL : 0) | (to < t->length ? PCRE2_NOTEOL : 0);

    /* Options depend on what surrounds the stretch: ^ and $ must not match where it was cut out of the text. Its UTF-8
     * was checked by the caller, so PCRE2 need check it in the first call only. */
    for (*at = from; *at < to; options |= PCRE2_NO_UTF_CHECK) {
        int got = match_once(p, text, *at - from, to - from, options);
        if (got < 0)
            return got == PCRE2_ERROR_NOMATCH ? 0 : got;
        const size_t *found = pcre2_get_ovector_pointer(p->match);
        if (found[0] < found[1]) {
            count(p, text + found[0], found[1] - found[0]);
            GR_PUSH(spans->at, spans->count, spans->capacity) =
                (gr__text_span){(uint32_t)(from + found[0]), (uint32_t)(from + found[1]), 1};
        }

        /* Go on behind the match, at the next character's first byte. */
        do /* \K may have set the match back */
            ++*at;
        while (*at < to && (*at < from + found[1] || (t->text[*at] & 0xc0) == 0x80));
    }
    return 0;
}

/* Marks what matches in the document's text. */
static gr_status score(gr__label_draft *label, gr__labelling *m, size_t doc, size_t positions, gr_error *err) {
    const gr__doc_text *t = &m->text;
    m->spans.count = 0;

    /* Each stretch of valid UTF-8 by itself; a byte that breaks it is skipped. */
    for (size_t from = 0, to, at; from < t->length; from = to + 1) {
        to = valid_until(t->text, from, t->length);
        int wrong = search(label->state, &m->spans, &at, t, from, to);
        char why[160] = "";
        if (!wrong)
            continue;
        pcre2_get_error_message(wrong, (PCRE2_UCHAR *)why, sizeof why);
        return gr_error_set(err, GR_ERR_USAGE, label->def->name,
                            "what repeats may need endless tries: say a++ for a+, or name what stands between",
                            "the pattern gave up at byte %zu of document %zu: %s", at, doc + 1, why);
    }
    gr__label_mark(label, m, positions);
    return GR_OK;
}

/* The error of a pattern that matches nowhere. */
static gr_status error_if_empty(const gr__label_draft *label, gr_error *err) {
    return gr_error_set(err, GR_ERR_USAGE, label->def->name,
                        label->arg[CASELESS].on ? "a match of nothing is none" : "try caseless: true",
                        "no document has text that matches \"%.100s\"", label->arg[PATTERN].text);
}

/* The texts that matched, with their counts, copied to memory that outlives the source. */
static gr_label_match *matches(const gr__label_draft *label, gr_arena *arena, size_t *size) {
    const pattern *p = label->state;
    gr_label_match *list = gr_arena_alloc(arena, (p->texts.count + 1) * sizeof *list);
    *size = p->texts.count;
    for (size_t i = 0; i < *size; i++)
        list[i] = (gr_label_match){gr_arena_strdup(arena, p->texts.at[i]), p->found[i]};
    return list;
}

const gr__label_source gr__label_by_pattern = {
    .arg = {[PATTERN] = {.key = "pattern", .kind = GR__ARG_TEXT},
            [CASELESS] = {.key = "caseless", .kind = GR__ARG_SWITCH}},
    .form = "pattern: REGEX",
    .example = "pattern: '\\b(19|20)\\d\\d\\b'",
    .unit = GR__UNIT_ANY,
    .rule = true,
    .open = open_pattern,
    .close = close_pattern,
    .score = score,
    .error_if_empty = error_if_empty,
    .matches = matches,
};
