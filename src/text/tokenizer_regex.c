/* tokenizer_regex.c - patterns that come with a vocabulary: Oniguruma, the engine that they are written for. Limits
 * bound the time and memory of a search, so that a pattern which tries endlessly is an error. */
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

enum {
    PATTERN_MAX = 4096,      /* bytes */
    TRIES_MAX = 10000000,    /* of a match from one place on: the engine's own default, which other programs keep */
    SEARCH_MAX = 1000000000, /* of a search over all places */
    STACK_MAX = 1 << 24      /* places of one match to come back to, some 40 bytes each */
};

static pthread_once_t started = PTHREAD_ONCE_INIT;

static void start(void) { onig_initialize((OnigEncoding[]){ONIG_ENCODING_UTF8}, 1); }

gr_status gr__regex_compile(regex_t **regex, const char *pattern, const char *place, gr_error *err) {
    const OnigUChar *text = (const OnigUChar *)pattern;
    size_t length = strlen(pattern);
    OnigErrorInfo info;
    *regex = NULL;
    if (length > PATTERN_MAX)
        return gr_error_set(err, GR_ERR_FORMAT, place, "the expression that splits text is at most 4096 bytes long",
                            "the pattern has %zu bytes", length);

    /* The engine is started once for all threads. */
    pthread_once(&started, start);
    int code = onig_new(regex, text, text + length, ONIG_OPTION_NONE, ONIG_ENCODING_UTF8, ONIG_SYNTAX_ONIGURUMA, &info);
    if (code == ONIG_NORMAL)
        return GR_OK;

    /* Its message says what is wrong with the pattern. */
    OnigUChar why[ONIG_MAX_ERROR_MESSAGE_LEN] = "";
    onig_error_code_to_str(why, code, &info);
    *regex = NULL;
    return gr_error_set(err, GR_ERR_FORMAT, place, "patterns are in the syntax of Oniguruma",
                        "the pattern does not compile: %s", (const char *)why);
}

/* Results and limits of one split. Where memory is short they stay NULL, and the first search says so. */
void gr__regex_open(gr__split *s) {
    s->region = onig_region_new();
    s->param = onig_new_match_param();
    if (!s->region || !s->param)
        return;
    onig_initialize_match_param(s->param);
    onig_set_retry_limit_in_match_of_match_param(s->param, TRIES_MAX);
    onig_set_retry_limit_in_search_of_match_param(s->param, SEARCH_MAX);
    onig_set_match_stack_limit_size_of_match_param(s->param, STACK_MAX);
}

void gr__regex_close(gr__split *s) {
    if (s->region)
        onig_region_free(s->region, 1);
    if (s->param)
        onig_free_match_param(s->param);
}

/* The engine's own answer for a search from s->from on: a place, ONIG_MISMATCH or an error. */
static int search(gr__split *s) {
    const OnigUChar *base = (const OnigUChar *)s->text + s->base, *end = (const OnigUChar *)s->text + s->valid;
    if (!s->region || !s->param)
        return ONIGERR_MEMORY;
    return onig_search_with_param(s->tok->regex, base, end, (const OnigUChar *)s->text + s->from, end, s->region,
                                  ONIG_OPTION_NONE, s->param);
}

/* The error of a search that ran into a limit. */
static gr_status gave_up(const gr__split *s, int code, gr_error *err) {
    OnigUChar why[ONIG_MAX_ERROR_MESSAGE_LEN] = "";
    onig_error_code_to_str(why, code);
    return gr_error_set(err, code == ONIGERR_MEMORY ? GR_ERR_MEMORY : GR_ERR_FORMAT, "tokenizer",
                        "break up a run of so many alike characters: the pattern of the vocabulary tries every part",
                        "the pattern gave up at byte %zu of %zu: %s", s->from, s->length, (const char *)why);
}

/* An empty match cuts the text, but not where a match has just ended: from there the search goes on a character
 * further. */
gr_status gr__regex_find(gr__split *s, gr_error *err) {
    while (s->from <= s->valid) {
        int got = search(s);
        if (got == ONIG_MISMATCH)
            break;
        if (got < 0)
            return gave_up(s, got, err);

        /* Places count from the start of the valid stretch. */
        size_t begin = s->base + (size_t)s->region->beg[0], finish = s->base + (size_t)s->region->end[0];
        bool repeated = begin == finish && s->matched && finish == s->from;
        if (!repeated) {
            s->begin = begin;
            s->finish = s->from = finish;
            s->matched = true;
            return GR_OK;
        }

        /* An empty match right behind another: try again one character further on. */
        s->from += s->from < s->valid ? gr_utf8_length(s->text + s->from, s->valid - s->from) : 1;
        s->matched = false;
    }
    s->begin = s->finish = s->valid;
    return GR_OK;
}
