/* read_jsonl.c - JSON Lines: one object per line, its text in one member and its topic in another. */
#include <stdio.h>
#include <string.h>

#include "base/foreign.h"
#include "data/feed.h"
#include "data/reader.h"

typedef struct record {
    gr__sink *sink;
    const gr_source *source;
    const char *path;
    const gr__part *line;
} record;

static gr_status wrong(const record *r, const char *hint, const char *what, const char *which, gr_error *err) {
    char place[GR__PLACE_SIZE];
    return gr_error_set(err, GR_ERR_FORMAT, gr__place(place, r->path, r->line->number, 1), hint, "%s%s%s%s", what,
                        which ? " \"" : "", which ? which : "", which ? "\"" : "");
}

/* A member as a text: *text keeps what it holds where the record has none. */
static gr_status member(const record *r, const char **text, size_t *length, char number[32], const json_t *object,
                        const char *name, gr_error *err) {
    const json_t *value = gr__json_member_named(object, name);
    const char *digits = gr__json_long(value);
    if (digits && !strpbrk(digits, ".eE")) { /* an integer beyond 64 bits is its digits */
        *text = digits;
        *length = strlen(digits);
    } else if (json_is_string(value)) {
        *text = json_string_value(value);
        *length = json_string_length(value);
    } else if (json_is_integer(value)) {
        *length = (size_t)snprintf(number, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        *text = number;
    } else if (json_is_boolean(value)) {
        *text = json_is_true(value) ? "true" : "false";
        *length = strlen(*text);
    } else if (value && !json_is_null(value)) {
        return wrong(r, "a label is a string, an integer or a boolean", "cannot use the member", name, err);
    }
    return GR_OK;
}

/* The kept members beside the topic. */
static gr_status keep_members(const record *r, const json_t *object, gr_error *err) {
    char place[GR__PLACE_SIZE], number[32];
    const char *text, *id = gr__sink_id_name(r->sink);
    size_t length;
    gr__place(place, r->path, r->line->number, 1);
    for (int f = 0; f < gr__sink_fields(r->sink); f++) {
        text = NULL;
        GR_TRY(member(r, &text, &length, number, object, gr__sink_field_name(r->sink, f), err));
        if (text)
            GR_TRY(gr__sink_field(r->sink, f, text, length, place, err));
    }
    if (!id)
        return GR_OK;
    text = NULL;
    GR_TRY(member(r, &text, &length, number, object, id, err));
    if (!text)
        return wrong(r, "every record needs its id", "the record has no member", id, err);
    gr__sink_id(r->sink, text, length);
    return GR_OK;
}

static gr_status find_topic(const record *r, int32_t *topic, const json_t *object, gr_error *err) {
    const gr_source *source = r->source;
    const char *name = source->topic;
    size_t length = name ? strlen(name) : 0;
    char number[32];
    if (source->label_field)
        GR_TRY(member(r, &name, &length, number, object, source->label_field, err));
    if (!name)
        return wrong(r, "name the label field, or a topic for records without one", "the record has no member",
                     source->label_field ? source->label_field : "label", err);
    char place[GR__PLACE_SIZE];
    return gr__sink_topic(r->sink, topic, name, length, gr__place(place, r->path, r->line->number, 1), err);
}

static gr_status add_record(const record *r, const json_t *object, gr_error *err) {
    const char *field = r->source->text_field ? r->source->text_field : "text";
    if (!json_is_object(object))
        return wrong(r, "each line holds one {...}", "the line is not a JSON object", NULL, err);
    const json_t *text = gr__json_member_named(object, field);
    if (!json_is_string(text))
        return wrong(r, "name the member that holds the text", "the record has no string member", field, err);
    int32_t topic;
    GR_TRY(find_topic(r, &topic, object, err));
    GR_TRY(keep_members(r, object, err));
    const char *name;
    json_t *value;
    if (r->line->number == 1)
        json_object_foreach((json_t *)object, name, value) gr__sink_member(r->sink, name);
    gr__sink_keep_cuts(r->sink);
    return gr__sink_add(r->sink, json_string_value(text), json_string_length(text), topic, r->path, err);
}

static gr_status read_line(const record *r, gr_error *err) {
    json_t *object;
    GR_TRY(gr__json_foreign(
        &object, r->line->text, r->line->length,
        &(gr__json_from){r->path, r->line->number, "each line holds one complete JSON object", false}, err));
    gr_status status = add_record(r, object, err);
    json_decref(object);
    return status;
}

/* Nothing but white space, as at the end of many files. */
static bool is_blank(const gr__part *line) {
    for (size_t i = 0; i < line->length; i++)
        if (!memchr(" \t\r", line->text[i], 3))
            return false;
    return true;
}

static gr_status read_file(gr__sink *sink, const gr_source *source, const char *path, gr_error *err) {
    gr__feed *feed;
    gr__part line = {0};
    GR_TRY(gr__feed_open_text(&feed, path, "check the path in the recipe's data", err));
    record r = {sink, source, path, &line};
    gr_status status = GR_OK;
    while (status == GR_OK && (status = gr__feed_next(feed, &line, "\n", 1, err)) == GR_OK && line.text)
        if (!is_blank(&line))
            status = read_line(&r, err);
    gr__feed_close(feed);
    return status;
}

const gr__reader gr__reader_jsonl = {"jsonl", NULL, read_file};
