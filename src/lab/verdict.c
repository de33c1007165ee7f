#include "lab/verdict.h"

#include <string.h>

#include "base/mem.h"
#include "base/number.h"

/* A text that grows, and what was filled in last. */
typedef struct text {
    char *text;
    size_t length, room;
    bool one; /* the word "1" */
} text;

/* Appends to a text that grows. */
static void add(text *t, const char *more, size_t length) {
    t->text = gr__grow(t->text, &t->room, t->length + length + 1, 1);
    memcpy(t->text + t->length, more, length);
    t->length += length;
    t->text[t->length] = 0;
}

/* A number with two digits behind the point, and what stands around it. */
static void add_number(text *t, const char *before, double value, const char *after) {
    char more[400];
    gr__print(more, sizeof more, "%s%.2f%s", before, value, after);
    add(t, more, strlen(more));
}

/* ---- what stands in braces ---- */

/* "0.98 [0.96, 1.00]", or the number alone. */
static void add_figure(text *t, const json_t *result, const char *key, bool whole) {
    const json_t *value = json_object_get(result, key);
    const json_t *interval = json_object_get(json_object_get(result, "intervals"), key);
    t->one = false;
    if (!json_is_number(value)) {
        add(t, "unknown", strlen("unknown"));
        return;
    }
    add_number(t, "", json_number_value(value), "");
    if (!whole || !interval)
        return;
    add_number(t, " [", json_number_value(json_array_get(interval, 0)), ", ");
    add_number(t, "", json_number_value(json_array_get(interval, 1)), "]");
}

/* A word of the list; a unit behind the number 1 is in the singular. */
static void add_word(text *t, const gr__word *word) {
    const char *shown = word->text;
    char one[16];
    if (t->one && !strcmp(word->name, "unit"))
        shown = gr__singular(one, shown, 1);
    add(t, shown, strlen(shown));
    t->one = !strcmp(word->text, "1");
}

/* Length of the key in "KEY.value"; 0: it does not end so. */
static size_t before_value(const char *name) {
    static const char end[] = ".value";
    size_t length = strlen(name), rest = sizeof end - 1;
    return length > rest && !strcmp(name + length - rest, end) ? length - rest : 0;
}

/* What a name in braces stands for: a word, or a figure of the result. */
static void add_name(text *t, const json_t *result, const gr__word *words, const char *name) {
    for (const gr__word *w = words; w->name; w++)
        if (!strcmp(w->name, name)) {
            add_word(t, w);
            return;
        }

    size_t alone = before_value(name);
    char *key = alone ? gr_format("%.*s", (int)alone, name) : gr_strdup(name);
    add_figure(t, result, key, !alone);
    gr_free(key);
}

/* ---- texts and parts ---- */

/* A text with its names in braces replaced. */
static void fill(text *t, const char *template, const json_t *result, const gr__word *words) {
    while (*template) {
        /* Up to the next brace. */
        size_t plain = strcspn(template, "{");
        add(t, template, plain);
        template += plain;
        if (!*template)
            return;

        /* What stands in it. */
        size_t length = strcspn(template + 1, "}");
        char *name = gr_format("%.*s", (int)length, template + 1);
        add_name(t, result, words, name);
        gr_free(name);
        template += 1 + length + (template[1 + length] == '}');
    }
}

/* Whether all of a figure's interval, or the number alone, lies within the bounds of a part. */
static bool is_within(const gr_verdict_part *part, const json_t *result, const json_t *value) {
    const json_t *interval = json_object_get(json_object_get(result, "intervals"), part->figure->key);
    /* A figure of one model alone may have no interval. */
    const double low = json_number_value(interval ? json_array_get(interval, 0) : value);
    const double high = json_number_value(interval ? json_array_get(interval, 1) : value);
    return !part->bounded || (low >= part->at_least && high <= part->at_most);
}

/* What a part says of its figure: where it has a value, within bounds or beyond; where it was refused; where the result
 * has none. NULL: nothing. */
static const char *text_of(const gr_verdict_part *part, const json_t *result) {
    const json_t *value = json_object_get(result, part->figure->key);
    if (json_is_number(value))
        return is_within(part, result, value) ? part->say : part->otherwise;
    return value ? part->refused : part->absent;
}

/* A part of the verdict, by its figure or its flag. */
static void add_part(text *t, const gr_verdict_part *part, const json_t *result, const gr__word *words) {
    const bool up = part->flag && json_is_true(json_object_get(result, part->flag));
    const char *say = part->figure ? text_of(part, result) : up ? part->say : NULL;
    if (say)
        fill(t, say, result, words);
}

char *gr__verdict_fill(const gr_verdict_text *verdict, const json_t *result, const gr__word *words) {
    const json_t *lead = json_object_get(result, verdict->lead.figure->key);
    text t = {0};
    add(&t, "", 0);

    /* Without what it is about there is nothing to add. */
    if (!lead)
        fill(&t, verdict->missing, result, words);
    else
        add_part(&t, &verdict->lead, result, words);
    for (int i = 0; i < verdict->thens && json_is_number(lead); i++)
        add_part(&t, &verdict->then[i], result, words);
    return t.text;
}
