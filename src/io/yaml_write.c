/* Adding to a tree by hand, and writing it as text. */
#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"
#include "base/number.h"
#include "io/yaml.h"

/* ---- adding ---- */

/* A scalar under a key, or at the end of a list. */
static gr_yaml *add_scalar(gr_yaml *parent, const char *key, const char *text) {
    gr_yaml *node = gr__yaml_add(parent, key, GR_YAML_SCALAR);
    node->text = gr_arena_strdup(parent->tree->arena, text);
    return node;
}

gr_yaml *gr_yaml_add_map(gr_yaml *parent, const char *key) { return gr__yaml_add(parent, key, GR_YAML_MAP); }

gr_yaml *gr_yaml_add_list(gr_yaml *parent, const char *key) { return gr__yaml_add(parent, key, GR_YAML_LIST); }

gr_yaml *gr_yaml_add_text(gr_yaml *parent, const char *key, const char *text) {
    gr_yaml *node = add_scalar(parent, key, text);
    node->quoted = gr__yaml_is_null(node) || gr__yaml_truth(text) >= 0 || gr__yaml_is_number(text);
    return node;
}

gr_yaml *gr_yaml_add_int(gr_yaml *parent, const char *key, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    return add_scalar(parent, key, text);
}

gr_yaml *gr_yaml_add_real(gr_yaml *parent, const char *key, double value) {
    char text[40];
    assert(isfinite(value));

    /* The shortest text that reads back as the same number. */
    for (int digits = 1; digits <= 17; digits++) {
        gr__print(text, sizeof text, "%.*g", digits, value);
        if (gr__parse_real(text, NULL) == value)
            break;
    }

    /* Other readers of YAML 1.1 take 1e-05 for text, 1.0e-05 for a number. */
    char *exponent = strchr(text, 'e');
    if (exponent && !strchr(text, '.')) {
        memmove(exponent + 2, exponent, strlen(exponent) + 1);
        memcpy(exponent, ".0", 2);
    }
    return add_scalar(parent, key, text);
}

gr_yaml *gr_yaml_add_bool(gr_yaml *parent, const char *key, bool value) {
    return add_scalar(parent, key, value ? "true" : "false");
}

/* ---- writing ---- */

/* What libyaml has written so far. */
typedef struct buffer {
    char *text;
    size_t length, room;
    bool line;    /* all of it in one */
    bool unclean; /* a value was no UTF-8 */
} buffer;

/* The emitter's write handler; 1: went well. */
static int take(void *to, unsigned char *bytes, size_t size) {
    buffer *b = to;
    b->text = gr__grow(b->text, &b->room, b->length + size + 1, 1);
    memcpy(b->text + b->length, bytes, size);
    b->length += size;
    b->text[b->length] = 0;
    return 1;
}

static bool in_line(const yaml_emitter_t *emitter) { return ((const buffer *)emitter->write_handler_data)->line; }

/* Whether a text breaks its line: by a line feed, a return, or a separator of Unicode (U+2028, U+2029). */
static bool has_break(const char *text) {
    return strpbrk(text, "\n\r") || strstr(text, "\xe2\x80\xa8") || strstr(text, "\xe2\x80\xa9");
}

/* The emitter moves on from plain to single to double quotes as far as a text needs it: the first that fits, so that
 * writing what was written changes nothing. Double quotes alone keep a line break in its line. */
static int emit_scalar(yaml_emitter_t *emitter, const char *text, bool quoted) {
    yaml_event_t event;
    json_t *checked = json_string(text); /* libyaml writes code points beyond Unicode, which no reader takes */
    json_decref(checked);
    if (!checked)
        ((buffer *)emitter->write_handler_data)->unclean = true;
    yaml_scalar_style_t style = quoted ? YAML_SINGLE_QUOTED_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE;
    if (in_line(emitter) && has_break(text))
        style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    return checked &&
           yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), !quoted, 1,
                                        style) &&
           yaml_emitter_emit(emitter, &event);
}

/* The value of a node; between brackets the emitter would make '' of none, which is a text. */
static int emit_value(yaml_emitter_t *emitter, const gr_yaml *node) {
    const bool none = in_line(emitter) && !node->quoted && !node->text[0];
    return emit_scalar(emitter, none ? "null" : node->text, node->quoted);
}

static int emit_start(yaml_emitter_t *emitter, bool list) {
    yaml_event_t event;
    const bool line = in_line(emitter);
    return (list ? yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                                        line ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE)
                 : yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                                       line ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE)) &&
           yaml_emitter_emit(emitter, &event);
}

static int emit_end(yaml_emitter_t *emitter, bool list) {
    yaml_event_t event;
    return (list ? yaml_sequence_end_event_initialize(&event) : yaml_mapping_end_event_initialize(&event)) &&
           yaml_emitter_emit(emitter, &event);
}

/* A node and all below it; 0 where the emitter fails. */
static int emit_node(yaml_emitter_t *emitter, const gr_yaml *node) {
    bool list = node->kind == GR_YAML_LIST;
    if (node->kind == GR_YAML_SCALAR)
        return emit_value(emitter, node);

    /* A list or a map: its start, its children with their keys, its end. */
    if (!emit_start(emitter, list))
        return 0;
    for (const gr_yaml *child = node->first; child; child = child->next) {
        /* A key that looks like a boolean was quoted, or it would not be in the tree. */
        if (!list && !emit_scalar(emitter, child->key, gr__yaml_truth(child->key) >= 0))
            return 0;
        if (!emit_node(emitter, child))
            return 0;
    }
    return emit_end(emitter, list);
}

/* The tree as the only document of a stream; in one line it is the only element of a list, since some versions of
 * libyaml end a document that is a plain scalar with a line of dots. */
static int emit_all(yaml_emitter_t *emitter, const gr_yaml *root) {
    yaml_event_t event;
    const bool line = in_line(emitter);
    return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) && yaml_emitter_emit(emitter, &event) &&
           yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) && yaml_emitter_emit(emitter, &event) &&
           (!line || emit_start(emitter, true)) && emit_node(emitter, root) && (!line || emit_end(emitter, true)) &&
           yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(emitter, &event) &&
           yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static gr_status write_all(const gr_yaml *root, char **text, bool line, gr_error *err) {
    yaml_emitter_t emitter;
    buffer b = {.line = line};
    *text = NULL;
    if (!yaml_emitter_initialize(&emitter))
        return gr_error_set(err, GR_ERR_MEMORY, root->at.source, NULL, "no memory for the YAML writer");

    /* Characters stay as they are, and lines as long as they are. */
    yaml_emitter_set_output(&emitter, take, &b);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);

    /* libyaml says nothing where memory is short. */
    gr_status status = GR_OK;
    if (!emit_all(&emitter, root)) {
        const char *why = b.unclean ? "a value is not UTF-8" : emitter.problem;
        status = why ? gr_error_set(err, GR_ERR_USAGE, root->at.source, "texts must be UTF-8",
                                    "cannot be written as YAML: %s", why)
                     : gr_error_set(err, GR_ERR_MEMORY, root->at.source, NULL, "no memory for the YAML writer");
    }

    yaml_emitter_delete(&emitter);
    if (status == GR_OK)
        *text = b.text;
    else
        gr_free(b.text);
    return status;
}

gr_status gr_yaml_write(const gr_yaml *root, char **text, gr_error *err) { return write_all(root, text, false, err); }

/* Without the list around it, and its line feed. */
gr_status gr_yaml_write_line(const gr_yaml *node, char **text, gr_error *err) {
    char *list;
    *text = NULL;
    GR_TRY(write_all(node, &list, true, err));
    *text = gr_format("%.*s", (int)(strrchr(list, ']') - list - 1), list + 1);
    gr_free(list);
    return GR_OK;
}
