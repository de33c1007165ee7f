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

/* The emitter moves on from plain to single to double quotes as far as a text needs it: the first that fits, so that
 * writing what was written changes nothing. */
static int emit_scalar(yaml_emitter_t *emitter, const char *text, bool quoted) {
    yaml_event_t event;
    json_t *checked = json_string(text); /* libyaml writes code points beyond Unicode, which no reader takes */
    json_decref(checked);
    if (!checked)
        ((buffer *)emitter->write_handler_data)->unclean = true;
    return checked &&
           yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), !quoted, 1,
                                        quoted ? YAML_SINGLE_QUOTED_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE) &&
           yaml_emitter_emit(emitter, &event);
}

/* A node and all below it; 0 where the emitter fails. */
static int emit_node(yaml_emitter_t *emitter, const gr_yaml *node) {
    yaml_event_t event;
    bool list = node->kind == GR_YAML_LIST;
    if (node->kind == GR_YAML_SCALAR)
        return emit_scalar(emitter, node->text, node->quoted);

    /* A list or a map: its start, its children with their keys, its end. */
    if (!(list ? yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE)
               : yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE)) ||
        !yaml_emitter_emit(emitter, &event))
        return 0;

    for (const gr_yaml *child = node->first; child; child = child->next) {
        /* A key that looks like a boolean was quoted, or it would not be in the tree. */
        if (!list && !emit_scalar(emitter, child->key, gr__yaml_truth(child->key) >= 0))
            return 0;
        if (!emit_node(emitter, child))
            return 0;
    }

    return (list ? yaml_sequence_end_event_initialize(&event) : yaml_mapping_end_event_initialize(&event)) &&
           yaml_emitter_emit(emitter, &event);
}

/* The tree as the only document of a stream. */
static int emit_all(yaml_emitter_t *emitter, const gr_yaml *root) {
    yaml_event_t event;
    return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) && yaml_emitter_emit(emitter, &event) &&
           yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) && yaml_emitter_emit(emitter, &event) &&
           emit_node(emitter, root) && yaml_document_end_event_initialize(&event, 1) &&
           yaml_emitter_emit(emitter, &event) && yaml_stream_end_event_initialize(&event) &&
           yaml_emitter_emit(emitter, &event);
}

gr_status gr_yaml_write(const gr_yaml *root, char **text, gr_error *err) {
    yaml_emitter_t emitter;
    buffer b = {0};
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
