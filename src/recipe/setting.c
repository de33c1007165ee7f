/* Options by table: read, defaulted, and in the form that keys hold. */
#include "gradroute/setting.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "io/digest.h"
#include "io/json.h"
#include "io/yaml.h"

struct gr_settings {
    const gr_setting *table;
    gr_setting_value *value; /* one for each entry of the table */
    int count;
    gr_arena *arena; /* texts and lists */
};

static const gr_setting no_options[] = {{0}};

/* Options of a table, which ends with one of no kind. */
static int count_of(const gr_setting *table) {
    int n = 0;
    while (table[n].kind != GR_SETTING_NONE)
        n++;
    return n;
}

static const gr_setting *options_of(const gr_choice *choice) { return choice->option ? choice->option : no_options; }

/* The number of an option; asking for one that the table lacks is a bug of the caller. */
static int index_of(const gr_settings *s, const char *key) {
    int i = 0;
    while (i < s->count && strcmp(s->table[i].key, key) != 0)
        i++;
    assert(i < s->count);
    return i;
}

/* ---- values of one's own ---- */

static void free_inner(gr_settings *s, int i) {
    gr_settings_free((gr_settings *)s->value[i].inner);
    s->value[i].inner = NULL;
}

/* Values are copied into the settings, so that they outlive the recipe that they were read from. */
static const char *const *copy_texts(gr_settings *s, const char *const *texts, int count) {
    const char **copy = gr_arena_alloc(s->arena, ((size_t)count + 1) * sizeof *copy);
    for (int i = 0; i < count; i++)
        copy[i] = gr_arena_strdup(s->arena, texts[i]);
    return copy;
}

/* Numbers in the settings' own memory. */
static const double *copy_numbers(gr_settings *s, const double *numbers, int count) {
    double *copy = gr_arena_alloc(s->arena, ((size_t)count + 1) * sizeof *copy);
    if (count)
        memcpy(copy, numbers, (size_t)count * sizeof *copy);
    return copy;
}

/* Whether a value is a list of texts. */
static bool has_texts(const gr_setting *option, const gr_setting_value *value) {
    return option->kind == GR_SETTING_TEXTS || (option->kind == GR_SETTING_WORD && value->count > 0);
}

/* A value whose memory is the settings'. inner, of a choice, is given away. */
static void keep(gr_settings *s, int i, gr_setting_value value, const gr_settings *inner) {
    const gr_setting *option = &s->table[i];
    free_inner(s, i);
    if (has_texts(option, &value))
        value.texts = copy_texts(s, value.texts, value.count);
    if (option->kind == GR_SETTING_COUNTS || option->kind == GR_SETTING_REALS)
        value.numbers = copy_numbers(s, value.numbers, value.count);
    if (option->kind == GR_SETTING_WORD && !value.count)
        value.text = option->word[(int)value.number];
    else if (option->kind == GR_SETTING_CHOICE)
        value.text = option->choice[(int)value.number]->name;
    else
        value.text = value.text ? gr_arena_strdup(s->arena, value.text) : NULL;
    value.inner = inner;
    s->value[i] = value;
}

/* All defaults of a table. */
static gr_settings *defaults(const gr_setting *table) {
    gr_settings *s = gr_alloc(sizeof *s);
    s->table = table;
    s->count = count_of(table);
    s->value = gr_alloc(((size_t)s->count + 1) * sizeof *s->value);
    s->arena = gr_arena_new();
    for (int i = 0; i < s->count; i++)
        gr_settings_put(s, table[i].key, &table[i].initial);
    return s;
}

/* A deep copy: choices have settings of their own. */
static gr_settings *copy_of(const gr_settings *from) {
    gr_settings *s = defaults(from->table);
    for (int i = 0; i < s->count; i++)
        keep(s, i, from->value[i], from->value[i].inner ? copy_of(from->value[i].inner) : NULL);
    return s;
}

void gr_settings_free(gr_settings *settings) {
    if (!settings)
        return;
    for (int i = 0; i < settings->count; i++)
        free_inner(settings, i);
    gr_arena_free(settings->arena);
    gr_free(settings->value);
    gr_free(settings);
}

const gr_setting_value *gr_settings_get(const gr_settings *settings, const char *key) {
    return &settings->value[index_of(settings, key)];
}

void gr_settings_put(gr_settings *settings, const char *key, const gr_setting_value *value) {
    int i = index_of(settings, key);
    const gr_setting *option = &settings->table[i];
    bool chosen = option->kind == GR_SETTING_CHOICE;
    keep(settings, i, *value, chosen ? defaults(options_of(option->choice[(int)value->number])) : NULL);
}

/* ---- reading ---- */

/* A number within the limits of its option, whole unless it is a real one. */
static gr_status read_number(double *number, const gr_setting *option, const gr_yaml *node, bool real, gr_error *err) {
    if (real)
        return gr_yaml_as_real(node, number, option->min, option->max, err);
    int64_t whole = 0;
    GR_TRY((option->kind == GR_SETTING_INT ? gr_yaml_as_int : gr_yaml_as_count)(node, &whole, (int64_t)option->min,
                                                                                (int64_t)option->max, err));
    *number = (double)whole;
    return GR_OK;
}

/* The items of a list, or the one that stands for a list of one; none of them is an error. */
static gr_status read_list(gr_settings *s, int i, gr_yaml *node, gr_error *err) {
    const gr_setting *option = &s->table[i];
    bool list = node->kind == GR_YAML_LIST;
    if (list && node->count == 0)
        return gr_yaml_fail(node, err, NULL, "%s is an empty list, expected at least one value", option->key);

    /* Each by the rules of a single one. */
    int count = list ? node->count : 1, n = 0;
    const char **texts = gr_arena_alloc(s->arena, (size_t)count * sizeof *texts);
    double *numbers = gr_arena_alloc(s->arena, (size_t)count * sizeof *numbers);
    for (gr_yaml *item = list ? gr_yaml_first(node) : node; item; item = list ? gr_yaml_next(item) : NULL, n++) {
        if (option->kind == GR_SETTING_TEXTS || option->kind == GR_SETTING_WORD)
            GR_TRY(gr_yaml_as_text(item, &texts[n], err));
        else
            GR_TRY(read_number(&numbers[n], option, item, option->kind == GR_SETTING_REALS, err));
    }
    keep(s, i, (gr_setting_value){.texts = texts, .numbers = numbers, .count = count}, NULL);
    return GR_OK;
}

/* A path beside the file that names it. */
static gr_status read_file(gr_settings *s, int i, const gr_yaml *node, gr_error *err) {
    const char *text;
    GR_TRY(gr_yaml_as_text(node, &text, err));
    if (!text[0])
        return gr_yaml_fail(node, err, NULL, "%s is empty, expected a path", s->table[i].key);
    const char *from = node->at.line > 0 ? node->at.source : "", *slash = strrchr(from, '/');
    int folder = slash && text[0] != '/' ? (int)(slash + 1 - from) : 0;
    char *path = gr_format("%.*s%s", folder, from, text);
    keep(s, i, (gr_setting_value){.text = path}, NULL);
    gr_free(path);
    return GR_OK;
}

/* "did you mean 'x'?", or all that is known. */
static gr_status unknown_choice(const gr_setting *option, const gr_yaml *node, const char *word, gr_error *err) {
    int count = 0;
    while (option->choice[count])
        count++;
    const char **names = gr_alloc(((size_t)count + 1) * sizeof *names);
    for (int i = 0; i < count; i++)
        names[i] = option->choice[i]->name;

    /* The nearest one, or all of them. */
    const char *near = gr_nearest(word, names, (size_t)count, NULL);
    char *hint = near ? gr_format("did you mean '%s'?", near) : gr_strdup("known here: ");
    for (int i = 0; i < count && !near; i++) {
        char *longer = gr_format("%s%s%s", hint, i ? ", " : "", names[i]);
        gr_free(hint);
        hint = longer;
    }
    gr_yaml_fail(node, err, hint, "%s is '%.100s', expected one of the known words", option->key, word);
    gr_free(hint);
    gr_free(names);
    return GR_ERR_USAGE;
}

/* WORD, or {WORD: {OPTION: VALUE}}. */
static gr_status read_choice(gr_settings *s, int i, gr_yaml *node, gr_error *err) {
    const gr_setting *option = &s->table[i];
    const char *word;
    gr_yaml *map = NULL;

    /* Which one. */
    if (node->kind == GR_YAML_MAP && node->count != 1)
        return gr_yaml_fail(node, err, "one word, or {WORD: {OPTION: VALUE}}", "%s has %d words, expected one",
                            option->key, node->count);
    if (node->kind == GR_YAML_MAP) {
        word = node->first->key;
        GR_TRY(gr_yaml_map(node, &map, word, err));
    } else {
        GR_TRY(gr_yaml_as_text(node, &word, err));
    }
    int which = 0;
    while (option->choice[which] && strcmp(option->choice[which]->name, word) != 0)
        which++;
    if (!option->choice[which])
        return unknown_choice(option, node, word, err);

    /* And its own options. */
    gr_settings *inner;
    GR_TRY(gr_settings_read(&inner, options_of(option->choice[which]), NULL, map, err));
    keep(s, i, (gr_setting_value){.number = which}, inner);
    return GR_OK;
}

/* A map that is kept as it is: what it changes is read by others. */
static gr_status read_sets(gr_settings *s, int i, gr_yaml *node, gr_error *err) {
    GR_TRY(gr_yaml_expect(node, GR_YAML_MAP, err));
    gr_yaml_leave(node);
    keep(s, i, (gr_setting_value){.node = node}, NULL);
    return GR_OK;
}

/* One value, by the kind of its option. */
static gr_status read_value(gr_settings *s, int i, gr_yaml *node, gr_error *err) {
    const gr_setting *option = &s->table[i];
    gr_setting_value value = {0};
    bool truth = false;
    int word = 0;
    switch (option->kind) {
    case GR_SETTING_BOOL:
        GR_TRY(gr_yaml_as_bool(node, &truth, err));
        value.number = truth;
        break;
    case GR_SETTING_INT:
    case GR_SETTING_COUNT:
    case GR_SETTING_REAL:
        GR_TRY(read_number(&value.number, option, node, option->kind == GR_SETTING_REAL, err));
        break;
    case GR_SETTING_WORD:
        if (option->list && node->kind == GR_YAML_LIST)
            return read_list(s, i, node, err);
        GR_TRY(gr_yaml_as_choice(node, &word, option->word, err));
        value.number = word;
        break;
    case GR_SETTING_TEXT:
        GR_TRY(gr_yaml_as_text(node, &value.text, err));
        break;
    case GR_SETTING_TEXTS:
    case GR_SETTING_COUNTS:
    case GR_SETTING_REALS:
        return read_list(s, i, node, err);
    case GR_SETTING_FILE:
        return read_file(s, i, node, err);
    case GR_SETTING_CHOICE:
        return read_choice(s, i, node, err);
    case GR_SETTING_SETS:
        return read_sets(s, i, node, err);
    case GR_SETTING_NONE:
        break;
    }
    keep(s, i, value, NULL);
    return GR_OK;
}

/* Every option of the table that the map has; other keys are errors. */
static gr_status read_map(gr_settings *s, gr_yaml *map, gr_error *err) {
    GR_TRY(gr_yaml_expect(map, GR_YAML_MAP, err));
    for (int i = 0; i < s->count; i++) {
        gr_yaml *node = gr_yaml_find(map, s->table[i].key);
        if (node)
            GR_TRY(read_value(s, i, node, err));
    }
    return gr_yaml_finish(map, err);
}

gr_status gr_settings_read(gr_settings **settings, const gr_setting *table, const gr_settings *preset, gr_yaml *map,
                           gr_error *err) {
    assert(!preset || preset->table == table);
    *settings = preset ? copy_of(preset) : defaults(table);
    gr_status status = map ? read_map(*settings, map, err) : GR_OK;
    if (status != GR_OK) {
        gr_settings_free(*settings);
        *settings = NULL;
    }
    return status;
}

/* ---- keys ---- */

static gr_status key_object(json_t **object, const gr_settings *s, gr_error *err);

static bool same_text(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

/* Whether a value is the default of its table; of choices the word alone. */
static bool is_default(const gr_setting *option, const gr_setting_value *v) {
    const gr_setting_value *d = &option->initial;
    bool same = v->number == d->number && v->count == d->count;
    if (option->kind == GR_SETTING_TEXT || option->kind == GR_SETTING_FILE)
        same = same_text(v->text, d->text);
    for (int i = 0; same && i < v->count; i++)
        same = has_texts(option, v) ? same_text(v->texts[i], d->texts[i]) : v->numbers[i] == d->numbers[i];
    return same;
}

static json_t *key_number(double number) {
    return number == floor(number) && fabs(number) <= 0x1p53 ? json_integer((json_int_t)number) : json_real(number);
}

/* A list in the form of keys. */
static json_t *key_list(const gr_setting *option, const gr_setting_value *v) {
    json_t *list = json_array();
    for (int i = 0; i < v->count; i++)
        json_array_append_new(list, has_texts(option, v) ? gr_json_text(v->texts[i]) : key_number(v->numbers[i]));
    return list;
}

/* A choice by its word and its own options; what is as by default does not show. */
static gr_status key_choice(json_t **value, const gr_setting_value *v, bool unchanged, gr_error *err) {
    json_t *inner;
    GR_TRY(key_object(&inner, v->inner, err));
    if (!unchanged || json_object_size(inner) > 0)
        *value = json_pack("[s, O]", v->text, inner);
    json_decref(inner);
    return GR_OK;
}

/* The form of one value; NULL: it is no part of the key. */
static gr_status key_value(json_t **value, const gr_setting *option, const gr_setting_value *v, gr_error *err) {
    char digest[GR_DIGEST_HEX];
    bool unchanged = is_default(option, v);

    /* What the defaults say is left out. A choice may have options of its own that are not. */
    *value = NULL;
    if (option->kind == GR_SETTING_CHOICE)
        return key_choice(value, v, unchanged, err);
    if (unchanged)
        return GR_OK;

    switch (option->kind) {
    case GR_SETTING_BOOL:
        *value = json_boolean(v->number != 0);
        break;
    case GR_SETTING_INT:
    case GR_SETTING_COUNT:
    case GR_SETTING_REAL:
        *value = key_number(v->number);
        break;
    case GR_SETTING_WORD:
    case GR_SETTING_TEXT:
        *value = has_texts(option, v) ? key_list(option, v) : gr_json_text(v->text);
        break;
    case GR_SETTING_TEXTS:
    case GR_SETTING_COUNTS:
    case GR_SETTING_REALS:
        *value = key_list(option, v);
        break;
    case GR_SETTING_FILE:
        GR_TRY(gr_digest_file(digest, v->text, err));
        *value = json_string(digest);
        break;
    case GR_SETTING_CHOICE:
    case GR_SETTING_SETS: /* what they change is the recipe, which is in the key itself */
    case GR_SETTING_NONE:
        break;
    }
    return GR_OK;
}

/* All options that are not as by default, by their names; free ones never show. */
static gr_status key_object(json_t **object, const gr_settings *s, gr_error *err) {
    gr_status status = GR_OK;
    *object = json_object();
    for (int i = 0; i < s->count && status == GR_OK; i++) {
        json_t *value = NULL;
        if (!s->table[i].free)
            status = key_value(&value, &s->table[i], &s->value[i], err);
        if (value)
            json_object_set_new(*object, s->table[i].key, value);
    }
    if (status != GR_OK)
        json_decref(*object);
    return status;
}

gr_status gr_settings_key(char **text, const gr_settings *settings, gr_error *err) {
    json_t *object;
    *text = NULL;
    GR_TRY(key_object(&object, settings, err));
    char *dump = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
    *text = gr_strdup(dump);
    gr_free(dump);
    json_decref(object);
    return GR_OK;
}
