/* args.c - the list of sources, and the arguments that a label gives its own.
 *
 * A label's definition holds pairs of key and value (gr_label_def.from), the first of which names the source. Here they
 * are matched with the description of that source, checked, and put in its order with defaults filled in. */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "gradroute/classify.h"
#include "label/source.h"

static const gr__label_source *const sources[] = {
#define GR_LABEL(name) &gr__label_by_##name,
#include "label/list.h"
#undef GR_LABEL
    NULL};

const gr__label_source *const *gr__label_sources(void) { return sources; }

const char *gr__label_keys(char *text, size_t size, const char *last) {
    size_t used = 0;

    /* A comma between keys, and `last` before the last one. */
    for (int i = 0; sources[i] && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s",
                                 !i               ? ""
                                 : sources[i + 1] ? ", "
                                                  : last,
                                 sources[i]->arg[0].key);
    return text;
}

/* The source whose first argument has this key; NULL without a key, or where there is none. */
static const gr__label_source *source_of(const char *key) {
    if (!key)
        return NULL;
    for (int i = 0; sources[i]; i++)
        if (!strcmp(sources[i]->arg[0].key, key))
            return sources[i];
    return NULL;
}

const gr__label_source *gr__label_source_of(const gr_label_def *def) { return source_of(def->from[0].key); }

const gr_label_arg *gr__label_arg_find(const gr_label_def *def, const char *key) {
    for (int i = 0; i < GR_LABEL_ARGS && def->from[i].key; i++)
        if (!strcmp(def->from[i].key, key))
            return &def->from[i];
    return NULL;
}

bool gr__label_is_soft(const gr_label_def *def) {
    const gr_label_arg *soft = gr__label_arg_find(def, "soft");
    return (soft && soft->on) || (def->spread && def->spread->soft);
}

const char *const *gr__label_topics(const gr_label_def *def, int *count) {
    const gr_label_arg *is = gr__label_arg_find(def, "is"), *field = gr__label_arg_find(def, "field");

    /* With `field` the texts are values of another member of the records, not topics. */
    *count = is && !(field && field->text) ? is->count : 0;
    return *count ? is->texts : NULL;
}

/* The error of a label without a usable source: the hint lists the sources. */
static gr_status no_source(const gr_label_def *def, gr_error *err, const char *message) {
    char keys[160], hint[256];
    snprintf(hint, sizeof hint, "name one of %s, or labels in all_of", gr__label_keys(keys, sizeof keys, ", "));
    return gr_error_set(err, GR_ERR_USAGE, def->name, hint, "%s", message);
}

/* The argument's place in the source. */
static gr_status place_of(int *place, const gr__label_source *source, const char *key, const gr_label_def *def,
                          gr_error *err) {
    const char *known[GR_LABEL_ARGS];
    char hint[256];
    size_t count = 0;

    /* What the source knows is kept for the hint. */
    for (int i = 0; i < GR_LABEL_ARGS && source->arg[i].kind; i++) {
        known[count++] = source->arg[i].key;
        if (!strcmp(source->arg[i].key, key)) {
            *place = i;
            return GR_OK;
        }
    }

    /* The key of another source is a different mistake from a misspelt argument. */
    if (source_of(key))
        return no_source(def, err, "the label has several sources");
    const char *near = gr_nearest(key, known, count, NULL);
    snprintf(hint, sizeof hint, near ? "did you mean \"%.100s\"?" : "leave it out", near);
    return gr_error_set(err, GR_ERR_USAGE, def->name, hint, "labels by %s have no argument \"%.60s\"",
                        source->arg[0].key, key);
}

/* The value is of the kind, and in the range, that the source wants. */
static gr_status check_arg(const gr_label_arg *arg, const gr__arg_def *wanted, const gr__label_source *source,
                           const gr_label_def *def, gr_error *err) {
    bool needs_text = wanted == source->arg && (wanted->kind == GR__ARG_TEXT || wanted->kind == GR__ARG_FILE);
    if (wanted->kind == GR__ARG_TEXTS && !arg->count)
        return no_source(def, err, "the label has no topics");
    if (needs_text && !arg->text)
        return gr_error_set(err, GR_ERR_USAGE, def->name, source->example, "%s names no %s", wanted->key,
                            wanted->kind == GR__ARG_FILE ? "file" : "text");
    if (wanted->kind == GR__ARG_NUMBER && !(arg->number >= wanted->min && arg->number <= wanted->max))
        return gr_error_set(err, GR_ERR_USAGE, def->name, NULL, "the %s %g is not in [%g, %g]", wanted->key,
                            arg->number, wanted->min, wanted->max);
    return GR_OK;
}

/* Arguments in the order of the source: first all defaults, then what the definition gives. */
static gr_status fill(gr_label_arg *arg, const gr__label_source *source, const gr_label_def *def, gr_error *err) {
    for (int i = 0; i < GR_LABEL_ARGS && source->arg[i].kind; i++)
        arg[i] =
            (gr_label_arg){.key = source->arg[i].key, .text = source->arg[i].text, .number = source->arg[i].number};
    for (int i = 0, place = 0; i < GR_LABEL_ARGS && def->from[i].key; i++) {
        GR_TRY(place_of(&place, source, def->from[i].key, def, err));
        GR_TRY(check_arg(&def->from[i], &source->arg[place], source, def, err));
        arg[place] = def->from[i];
    }
    return GR_OK;
}

gr_status gr__label_args(const gr__label_source **source, gr_label_arg *arg, const gr_label_def *def, gr_error *err) {
    const char *key = def->from[0].key;
    char message[128];
    *source = source_of(key);

    /* A label has a source or combines others, one of the two. */
    if (key && def->all_count)
        return no_source(def, err, "the label has several sources");
    if (!key)
        return def->all_count ? GR_OK : no_source(def, err, "the label has no topics");
    snprintf(message, sizeof message, "there is no source of labels \"%.60s\"", key);
    return *source ? fill(arg, *source, def, err) : no_source(def, err, message);
}
