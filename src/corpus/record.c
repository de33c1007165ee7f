/* record.c - from a JSON object to a document: a record's text, topic, kept members and id.
 *
 * JSON Lines, JSON lists and tables all arrive here as objects, so that one set of rules holds for their members. */
#include "corpus/record.h"

#include <stdio.h>
#include <string.h>

#include "base/foreign.h"

/* An error of the record, at its line; `which` is the member that is wrong, or NULL. */
static gr_status wrong(const gr__record *r, const char *hint, const char *what, const char *which, gr_error *err) {
    char place[GR__PLACE_SIZE];
    return gr_error_set(err, GR_ERR_FORMAT, gr__place_text(place, r->path, r->line, 1), hint, "%s%s%s%s", what,
                        which ? " \"" : "", which ? which : "", which ? "\"" : "");
}

/* A member as a text: *text keeps what it holds where the record has none. */
static gr_status member(const gr__record *r, const char **text, size_t *length, char number[32], const json_t *object,
                        const char *name, gr_error *err) {
    const json_t *value = gr__json_member_named(object, name);
    const char *digits = gr__json_long(value);

    /* What a label can be is a text: a string as it is, a number by its digits, a truth value by its word. */
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
static gr_status keep_members(const gr__record *r, const json_t *object, gr_error *err) {
    char place[GR__PLACE_SIZE], number[32];
    const char *text, *id = gr__sink_id_name(r->sink);
    size_t length;
    gr__place_text(place, r->path, r->line, 1);

    /* Members to be kept; a record need not have them. */
    for (int f = 0; f < gr__sink_fields(r->sink); f++) {
        text = NULL;
        GR_TRY(member(r, &text, &length, number, object, gr__sink_field_name(r->sink, f), err));
        if (text)
            GR_TRY(gr__sink_field(r->sink, f, text, length, place, err));
    }

    /* The id, which every record must have where ids are asked for. */
    if (!id)
        return GR_OK;
    text = NULL;
    GR_TRY(member(r, &text, &length, number, object, id, err));
    if (!text)
        return wrong(r, "every record needs its id", "the record has no member", id, err);
    gr__sink_id(r->sink, text, length);
    return GR_OK;
}

/* Which members there are to name by this key of a recipe. */
static const char *members_hint(char hint[256], const json_t *object, const char *key) {
    enum { MOST = 200 };
    const char *name;
    json_t *value;
    int used = snprintf(hint, 256, "name the right one by %s: FIELD%s; it has", key,
                        strcmp(key, "label") == 0 ? ", or a topic: NAME for all" : "");
    bool any = false;

    /* As many names as fit into a line. */
    json_object_foreach((json_t *)object, name, value) {
        if (used < MOST && gr__text_is_name(name, strlen(name)))
            used += snprintf(hint + used, 256 - (size_t)used, "%s \"%.40s\"", any ? "," : "", name);
        any = true;
    }
    if (!any)
        snprintf(hint + used, 256 - (size_t)used, " no members");
    return hint;
}

/* The topic: the record's own, or that of the source for records without one. */
static gr_status find_topic(const gr__record *r, int32_t *topic, const json_t *object, gr_error *err) {
    const gr_source *source = r->source;
    const char *name = source->topic;
    size_t length = name ? strlen(name) : 0;
    char number[32], hint[256];

    /* The member replaces the source's topic where the record has it. */
    if (source->label_field)
        GR_TRY(member(r, &name, &length, number, object, source->label_field, err));
    if (!name)
        return wrong(r, members_hint(hint, object, "label"), "the record has no member",
                     source->label_field ? source->label_field : "label", err);

    /* As a number, added when it is new. */
    char place[GR__PLACE_SIZE];
    return gr__sink_topic(r->sink, topic, name, length, gr__place_text(place, r->path, r->line, 1), err);
}

/* The first member that is a list of turns, objects with a text; NULL where there is none. */
static const char *find_chat(const json_t *object) {
    const char *name;
    json_t *list;
    json_object_foreach((json_t *)object, name, list) {
        const json_t *turn = json_array_get(list, 0);
        if (json_is_string(json_object_get(turn, "content")) || json_is_string(json_object_get(turn, "value")))
            return name;
    }
    return NULL;
}

/* The error of a record without its text. Chats are common, so they get a hint of their own. */
static gr_status no_text(const gr__record *r, const json_t *object, const char *field, gr_error *err) {
    const char *chat = find_chat(object);
    if (chat)
        return wrong(
            r, "write its turns as one text: jq -c '. + {text: ([.messages[].content] | join(\"\\n\"))}' FILE >NEW",
            "the record is a chat, which is not read: it has no text but the turns in the member", chat, err);
    char hint[256];
    return wrong(r, members_hint(hint, object, "text"), "the record has no string member", field, err);
}

gr_status gr__record_add(const gr__record *r, const json_t *object, gr_error *err) {
    const char *field = r->source->text_field ? r->source->text_field : "text", *name;
    if (!json_is_object(object))
        return wrong(r, json_is_array(object) ? "a list of objects is read by json: FILE" : "each line holds one {...}",
                     "the record is not a JSON object", NULL, err);
    const json_t *text = gr__json_member_named(object, field);
    if (!json_is_string(text))
        return no_text(r, object, field, err);

    /* Topic and members first: they may refuse the record. */
    int32_t topic;
    GR_TRY(find_topic(r, &topic, object, err));
    GR_TRY(keep_members(r, object, err));

    /* The names of the first record stand for all, in hints. */
    json_t *value;
    if (r->first)
        json_object_foreach((json_t *)object, name, value)
            gr__sink_member(r->sink, name);
    gr__sink_keep_cuts(r->sink);
    return gr__sink_add(r->sink, json_string_value(text), json_string_length(text), topic, r->path, err);
}

bool gr__record_is_blank(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (!memchr(" \t\r", text[i], 3))
            return false;
    return true;
}
