/* Typed reads of a tree, and the check that nothing in it stays unread. */
#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/number.h"
#include "io/yaml.h"

/* ---- places and errors ---- */

const char *gr_yaml_path(const gr_yaml *node, char *text, size_t size) {
    text[0] = 0;
    if (!node->parent)
        return text;

    /* The parent's path, then a key behind a dot or the number of an element in brackets. */
    gr_yaml_path(node->parent, text, size);
    size_t n = strlen(text);
    if (node->key) {
        snprintf(text + n, size - n, "%s%s", n ? "." : "", node->key);
    } else {
        int index = 0;
        for (const gr_yaml *child = node->parent->first; child != node; child = child->next)
            index++;
        snprintf(text + n, size - n, "[%d]", index);
    }
    return text;
}

/* The path of a node for messages; the root is the file. */
static const char *path_or_file(const gr_yaml *node, char *text, size_t size) {
    if (!gr_yaml_path(node, text, size)[0])
        snprintf(text, size, "the file");
    return text;
}

gr_status gr_yaml_fail(const gr_yaml *node, gr_error *err, const char *hint, const char *format, ...) {
    char place[256], message[512];
    va_list list;
    va_start(list, format);
    gr__vprint(message, sizeof message, format, list);
    va_end(list);
    return gr_error_set(err, GR_ERR_USAGE, gr__yaml_place(node->at, place, sizeof place), hint, "%s", message);
}

/* What a node is, for messages. */
static const char *kind_name(const gr_yaml *node) {
    return node->kind == GR_YAML_MAP ? "a map" : node->kind == GR_YAML_LIST ? "a list" : "a single value";
}

/* "train.lr is 'abc', expected ..." for any kind of node. */
static gr_status unexpected(const gr_yaml *node, gr_error *err, const char *hint, const char *expected) {
    char path[200];
    path_or_file(node, path, sizeof path);
    if (node->kind != GR_YAML_SCALAR)
        return gr_yaml_fail(node, err, hint, "%s is %s, expected %s", path, kind_name(node), expected);
    if (gr__yaml_is_null(node))
        return gr_yaml_fail(node, err, "give a value, or remove the key to get its default",
                            "%s has no value, expected %s", path, expected);
    return gr_yaml_fail(node, err, hint, "%s is '%.100s', expected %s", path, node->text, expected);
}

/* ---- hints ---- */

/* "did you mean 'x'?", or all that is known; into text. */
static const char *hint_words(const char *word, const char *const *known, int count, char *text, size_t size) {
    const char *near = gr_nearest(word, known, (size_t)count, NULL);
    text[0] = 0;
    if (near) {
        snprintf(text, size, "did you mean '%s'?", near);
        return text;
    }
    for (int i = 0; i < count; i++) {
        size_t n = strlen(text);
        snprintf(text + n, size - n, "%s%s", i ? ", " : "known here: ", known[i]);
    }
    return text;
}

/* ---- structure ---- */

void gr_yaml_is_plain(gr_yaml *node, bool plain) {
    node->plain = plain && (node->plain || !node->read);
    node->read = true;
}

void gr_yaml_is_path(gr_yaml *node) { node->path = true; }

const char *gr_yaml_asked(const gr_yaml *map, int which) {
    const struct gr__asked_key *asked = map->asked;
    for (; asked && which > 0; which--)
        asked = asked->next;
    return asked ? asked->key : NULL;
}

/* Notes that a read knows this key of the map. */
static void ask(gr_yaml *map, const char *key) {
    assert(map->kind == GR_YAML_MAP);
    for (const struct gr__asked_key *a = map->asked; a; a = a->next)
        if (!strcmp(a->key, key))
            return;

    /* New ones go to the end: a hint lists keys in the order in which they were asked for. */
    struct gr__asked_key *asked = gr_arena_alloc(map->tree->arena, sizeof *asked), **end = &map->asked;
    asked->key = gr_arena_strdup(map->tree->arena, key);
    while (*end)
        end = &(*end)->next;
    *end = asked;
}

gr_yaml *gr_yaml_find(gr_yaml *map, const char *key) {
    ask(map, key);
    gr_yaml *child = gr__yaml_child(map, key);
    if (child)
        child->used = true;
    return child;
}

gr_status gr_yaml_expect(const gr_yaml *node, gr_yaml_kind kind, gr_error *err) {
    static const char *const names[] = {"a single value", "a list", "a map"};
    return node->kind == kind ? GR_OK : unexpected(node, err, NULL, names[kind]);
}

/* The child of a key, if there is one, which must be of this kind. One without a value is an empty one. */
static gr_status find_kind(gr_yaml *map, gr_yaml **child, const char *key, gr_yaml_kind kind, gr_error *err) {
    *child = NULL;
    gr_yaml *found = gr_yaml_find(map, key);
    if (!found)
        return GR_OK;
    if (gr__yaml_is_null(found))
        found->kind = kind;
    GR_TRY(gr_yaml_expect(found, kind, err));
    *child = found;
    return GR_OK;
}

gr_status gr_yaml_map(gr_yaml *map, gr_yaml **child, const char *key, gr_error *err) {
    return find_kind(map, child, key, GR_YAML_MAP, err);
}

gr_status gr_yaml_list(gr_yaml *map, gr_yaml **child, const char *key, gr_error *err) {
    return find_kind(map, child, key, GR_YAML_LIST, err);
}

gr_status gr_yaml_section(gr_yaml *map, gr_yaml **child, const char *key, gr_error *err) {
    GR_TRY(gr_yaml_map(map, child, key, err));
    if (!*child)
        *child = gr_yaml_add_map(map, key);
    gr_yaml_is_plain(*child, true);
    return GR_OK;
}

/* Notes that somebody asked for the node; NULL stays NULL. */
static gr_yaml *mark_used(gr_yaml *node) {
    if (node)
        node->used = true;
    return node;
}

gr_yaml *gr_yaml_first(gr_yaml *node) { return mark_used(node->first); }

gr_yaml *gr_yaml_next(gr_yaml *child) { return mark_used(child->next); }

void gr_yaml_leave(gr_yaml *node) {
    for (gr_yaml *child = gr_yaml_first(node); child; child = gr_yaml_next(child))
        gr_yaml_leave(child);
}

/* The error for a key that nobody has asked for, with the one that was perhaps meant. */
static gr_status unknown_key(const gr_yaml *child, gr_error *err) {
    char place[256], path[200], hint[300];
    const char **known = NULL;
    int count = 0;
    size_t room = 0;
    for (const struct gr__asked_key *a = child->parent->asked; a; a = a->next)
        GR_PUSH(known, count, room) = a->key;
    hint_words(child->key, known, count, hint, sizeof hint);
    gr_free(known);
    gr_yaml_path(child->parent, path, sizeof path);
    return gr_error_set(err, GR_ERR_USAGE, gr__yaml_place(child->key_at, place, sizeof place), hint,
                        "unknown key '%.100s'%s%s", child->key, path[0] ? " in " : "", path);
}

gr_status gr_yaml_finish(const gr_yaml *root, gr_error *err) {
    for (const gr_yaml *child = root->first; child; child = child->next) {
        if (child->key && !child->used)
            return unknown_key(child, err);
        GR_TRY(gr_yaml_finish(child, err));
    }
    return GR_OK;
}

/* ---- scalars ---- */

bool gr__yaml_is_null(const gr_yaml *node) {
    return node->kind == GR_YAML_SCALAR && !node->quoted &&
           (!node->text[0] || !strcmp(node->text, "~") || !strcasecmp(node->text, "null"));
}

int gr__yaml_truth(const char *text) {
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (int i = 0; i < 6; i++)
        if (!strcasecmp(text, words[i]))
            return i % 2;
    return -1;
}

static bool digit(char c) { return c >= '0' && c <= '9'; }

/* [+-] digits [. digits] [e [+-] digits], with a digit before or after the point. */
bool gr__yaml_is_number(const char *text) {
    const char *at = text + (*text == '-' || *text == '+');

    /* The mantissa. */
    int digits = 0;
    for (; digit(*at); at++)
        digits++;
    if (*at == '.')
        for (at++; digit(*at); at++)
            digits++;
    if (!digits)
        return false;

    /* The exponent, if there is one. */
    if (*at == 'e' || *at == 'E') {
        at += 1 + (at[1] == '-' || at[1] == '+');
        if (!digit(*at))
            return false;
        while (digit(*at))
            at++;
    }
    return !*at;
}

typedef enum reading { WHOLE, NO_NUMBER, NOT_WHOLE, TOO_LARGE, LEADING_ZERO } reading;

/* Exponent and suffix of a count, added to *power; returns where the text goes on. */
static const char *scale_of(const char *at, int *power) {
    /* An e without digits is no exponent, and is refused later. Beyond 1000 it only has to stay beyond. */
    if ((*at == 'e' || *at == 'E') && (digit(at[1]) || ((at[1] == '+' || at[1] == '-') && digit(at[2])))) {
        bool minus = at[1] == '-';
        int e = 0;
        for (at += 1 + !digit(at[1]); digit(*at); at++)
            e = e < 1000 ? 10 * e + (*at - '0') : e;
        *power += minus ? -e : e;
    }

    /* Powers of ten, not of two. */
    const char *suffix = *at ? strchr("kKMG", *at) : NULL;
    if (suffix) {
        *power += *suffix == 'G' ? 9 : *suffix == 'M' ? 6 : 3;
        at++;
    }
    return at;
}

/* An integer without rounding: digits are collected apart from the power of ten, so that 1.5M is 15 times 10^5. */
static reading whole_of(int64_t *value, const char *text, bool count) {
    bool minus = *text == '-', point = false;
    const char *at = text + (*text == '-' || *text == '+');
    uint64_t whole = 0;
    int power = 0;
    if (!digit(*at))
        return NO_NUMBER;
    if (*at == '0' && digit(at[1]))
        return LEADING_ZERO;

    /* The digits; each behind the point lowers the power. */
    for (; digit(*at) || (count && *at == '.' && !point); at++) {
        if (*at == '.')
            point = true;
        else if (__builtin_mul_overflow(whole, 10, &whole) ||
                 __builtin_add_overflow(whole, (uint64_t)(*at - '0'), &whole))
            return TOO_LARGE;
        else
            power -= point;
    }

    /* A count may have an exponent and a suffix. */
    if (count)
        at = scale_of(at, &power);
    if (*at)
        return gr__yaml_is_number(text) ? NOT_WHOLE : NO_NUMBER;

    /* The power of ten, up or down; down it must divide. */
    for (; power > 0 && whole; power--)
        if (__builtin_mul_overflow(whole, 10, &whole))
            return TOO_LARGE;
    for (; power < 0 && whole; power++, whole /= 10)
        if (whole % 10)
            return NOT_WHOLE;

    if (whole > INT64_MAX)
        return TOO_LARGE;
    *value = minus ? -(int64_t)whole : (int64_t)whole;
    return WHOLE;
}

/* What a read took a scalar for. Reads change no value, so they are given constant nodes; the mark is the tree's. */
static void mark_sense(const gr_yaml *node, gr_yaml_sense sense, int64_t whole, double real) {
    gr_yaml *own = (gr_yaml *)node;
    own->sense = sense;
    own->whole = whole;
    own->real = real;
}

/* An integer in its range, or the error with the hint that fits what is wrong. */
static gr_status as_whole(const gr_yaml *node, int64_t *value, int64_t min, int64_t max, bool count, gr_error *err) {
    char expected[160];
    int64_t got = 0;

    /* Quotes make a text of a number. */
    reading how = node->kind != GR_YAML_SCALAR || node->quoted ? NO_NUMBER : whole_of(&got, node->text, count);
    if (how == WHOLE && got >= min && got <= max) {
        mark_sense(node, GR_YAML_WHOLE, got, 0);
        *value = got;
        return GR_OK;
    }

    if (max == INT64_MAX)
        snprintf(expected, sizeof expected, "an integer from %lld", (long long)min);
    else
        snprintf(expected, sizeof expected, "an integer from %lld to %lld", (long long)min, (long long)max);

    /* What is wrong with it. */
    const char *hint = how == LEADING_ZERO     ? "numbers do not begin with 0 (YAML 1.1 reads them as octal)"
                       : how == NOT_WHOLE      ? "it must be a whole number"
                       : how == TOO_LARGE      ? "a number has at most 63 bits"
                       : node->quoted          ? "numbers are written without quotes"
                       : count && how != WHOLE ? "64k is 64 000, 4M is 4 000 000"
                                               : NULL;
    return unexpected(node, err, hint, expected);
}

gr_status gr_yaml_as_int(const gr_yaml *node, int64_t *value, int64_t min, int64_t max, gr_error *err) {
    return as_whole(node, value, min, max, false, err);
}

gr_status gr_yaml_as_count(const gr_yaml *node, int64_t *value, int64_t min, int64_t max, gr_error *err) {
    return as_whole(node, value, min, max, true, err);
}

gr_status gr_yaml_as_real(const gr_yaml *node, double *value, double min, double max, gr_error *err) {
    bool number = node->kind == GR_YAML_SCALAR && !node->quoted && gr__yaml_is_number(node->text);
    double got = number ? gr__parse_real(node->text, NULL) : 0;
    if (number && isfinite(got) && got >= min && got <= max) {
        mark_sense(node, GR_YAML_REAL, 0, got);
        *value = got;
        return GR_OK;
    }

    /* What was expected, in words: the range as far as it has ends. */
    char expected[160];
    int n = snprintf(expected, sizeof expected, "a finite number");
    if (min == DBL_MIN)
        n += snprintf(expected + n, sizeof expected - (size_t)n, " above 0");
    else if (min > -DBL_MAX)
        n += gr__print(expected + n, sizeof expected - (size_t)n, " from %.10g", min);
    if (max < DBL_MAX)
        gr__print(expected + n, sizeof expected - (size_t)n, " to %.10g", max);
    return unexpected(node, err, node->quoted ? "numbers are written without quotes" : NULL, expected);
}

gr_status gr_yaml_as_bool(const gr_yaml *node, bool *value, gr_error *err) {
    int truth = node->kind == GR_YAML_SCALAR && !node->quoted ? gr__yaml_truth(node->text) : -1;
    if (truth < 0)
        return unexpected(node, err, node->quoted ? "true and false are written without quotes" : NULL,
                          "true or false");
    mark_sense(node, GR_YAML_TRUTH, truth, 0);
    *value = truth;
    return GR_OK;
}

gr_status gr_yaml_as_text(const gr_yaml *node, const char **value, gr_error *err) {
    if (node->kind != GR_YAML_SCALAR || gr__yaml_is_null(node))
        return unexpected(node, err, NULL, "a text");
    if (!node->quoted && gr__yaml_truth(node->text) >= 0)
        return unexpected(node, err, "YAML 1.1 reads this word as a boolean; put it in quotes if the text is meant",
                          "a text");
    *value = node->text;
    return GR_OK;
}

gr_status gr_yaml_as_choice(const gr_yaml *node, int *value, const char *const *names, gr_error *err) {
    const char *text;
    char hint[300];
    int count = 0;
    GR_TRY(gr_yaml_as_text(node, &text, err));

    for (; names[count]; count++)
        if (!strcmp(names[count], text)) {
            *value = count;
            return GR_OK;
        }
    return unexpected(node, err, hint_words(text, names, count, hint, sizeof hint), "one of the known words");
}

/* ---- keys: the value when present, else the default goes into the tree ---- */

/* A default that was added: it reads back as itself. */
static void add_whole(gr_yaml *map, const char *key, int64_t value) {
    gr_yaml *node = gr_yaml_add_int(map, key, value);
    mark_sense(node, GR_YAML_WHOLE, value, 0);
    gr_yaml_is_plain(node, true);
}

/* A whole number at a key; absent, the default goes into the tree if it is one that could be said. */
static gr_status key_whole(gr_yaml *map, int64_t *value, const char *key, int64_t min, int64_t max, bool count,
                           gr_error *err) {
    gr_yaml *node = gr_yaml_find(map, key);
    int64_t before = *value;
    if (node) {
        GR_TRY(as_whole(node, value, min, max, count, err));
        gr_yaml_is_plain(node, *value == before);
    } else if (*value >= min && *value <= max) {
        add_whole(map, key, *value);
    }
    return GR_OK;
}

gr_status gr_yaml_int(gr_yaml *map, int64_t *value, const char *key, int64_t min, int64_t max, gr_error *err) {
    return key_whole(map, value, key, min, max, false, err);
}

gr_status gr_yaml_count(gr_yaml *map, int64_t *value, const char *key, int64_t min, int64_t max, gr_error *err) {
    return key_whole(map, value, key, min, max, true, err);
}

gr_status gr_yaml_real(gr_yaml *map, double *value, const char *key, double min, double max, gr_error *err) {
    gr_yaml *node = gr_yaml_find(map, key);
    double before = *value;
    if (node) {
        GR_TRY(gr_yaml_as_real(node, value, min, max, err));
        gr_yaml_is_plain(node, *value == before);
    } else if (isfinite(*value) && *value >= min && *value <= max) {
        node = gr_yaml_add_real(map, key, *value);
        mark_sense(node, GR_YAML_REAL, 0, *value);
        gr_yaml_is_plain(node, true);
    }
    return GR_OK;
}

gr_status gr_yaml_bool(gr_yaml *map, bool *value, const char *key, gr_error *err) {
    gr_yaml *node = gr_yaml_find(map, key);
    bool before = *value;
    if (node) {
        GR_TRY(gr_yaml_as_bool(node, value, err));
        gr_yaml_is_plain(node, *value == before);
    } else {
        node = gr_yaml_add_bool(map, key, *value);
        mark_sense(node, GR_YAML_TRUTH, *value, 0);
        gr_yaml_is_plain(node, true);
    }
    return GR_OK;
}

gr_status gr_yaml_text(gr_yaml *map, const char **value, const char *key, gr_error *err) {
    gr_yaml *node = gr_yaml_find(map, key);
    const char *before = *value;
    if (node) {
        GR_TRY(gr_yaml_as_text(node, value, err));
        gr_yaml_is_plain(node, before && !strcmp(*value, before));
    } else if (*value) {
        gr_yaml_is_plain(gr_yaml_add_text(map, key, *value), true);
    }
    return GR_OK;
}

gr_status gr_yaml_choice(gr_yaml *map, int *value, const char *key, const char *const *names, gr_error *err) {
    gr_yaml *node = gr_yaml_find(map, key);
    int before = *value;
    if (node) {
        GR_TRY(gr_yaml_as_choice(node, value, names, err));
        gr_yaml_is_plain(node, *value == before);
    } else if (*value >= 0) {
        gr_yaml_is_plain(gr_yaml_add_text(map, key, names[*value]), true);
    }
    return GR_OK;
}

gr_status gr_yaml_texts(gr_yaml *map, const char *const **values, int *count, const char *key, gr_error *err) {
    gr_yaml *node = gr_yaml_find(map, key);
    if (!node)
        return GR_OK;
    bool list = node->kind == GR_YAML_LIST;

    /* A single text is a list of one. */
    int n = 0;
    const char **texts = gr_arena_alloc(map->tree->arena, sizeof *texts * (size_t)(list ? node->count : 1));
    if (list) {
        for (const gr_yaml *child = node->first; child; child = child->next)
            GR_TRY(gr_yaml_as_text(child, texts + n++, err));
    } else {
        GR_TRY(gr_yaml_as_text(node, texts + n++, err));
    }
    *values = texts;
    *count = n;
    return GR_OK;
}
