/* Building trees: from text, by hand, and by --set.
 *
 * libyaml gives events (a scalar, the start and end of lists and maps); a builder makes nodes of them and refuses what
 * is beyond the plain part of YAML. All nodes and texts of a tree lie in one arena. */
#include "io/yaml.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/foreign.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "io/file.h"

/* ---- nodes ---- */

/* A node without a place in its tree yet. */
static gr_yaml *node_new(struct gr__yaml_tree *tree, gr_yaml_kind kind, gr_yaml_mark at) {
    gr_yaml *node = gr_arena_alloc(tree->arena, sizeof *node);
    *node = (gr_yaml){.kind = kind, .at = at, .key_at = at, .tree = tree};
    tree->nodes++;
    return node;
}

/* Of reads that saw what is no longer there. */
static void marks_forget(gr_yaml *node) {
    node->plain = node->read = node->path = false;
    node->sense = GR_YAML_TEXT;
}

/* The child becomes the last of its parent. */
static void append(gr_yaml *parent, gr_yaml *child) {
    child->parent = parent;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

gr_yaml *gr__yaml_child(const gr_yaml *map, const char *key) {
    for (gr_yaml *child = map->first; child; child = child->next)
        if (child->key && !strcmp(child->key, key))
            return child;
    return NULL;
}

gr_yaml *gr__yaml_add(gr_yaml *parent, const char *key, gr_yaml_kind kind) {
    assert(parent->kind == (key ? GR_YAML_MAP : GR_YAML_LIST) && !(key && gr__yaml_child(parent, key)));
    gr_yaml *node = node_new(parent->tree, kind, parent->at);
    node->key = gr_arena_strdup(parent->tree->arena, key);
    node->used = node->added = true;
    append(parent, node);
    return node;
}

void gr_yaml_remove(gr_yaml *node) {
    gr_yaml *parent = node->parent, *before = NULL;
    for (gr_yaml *child = parent->first; child != node; child = child->next)
        before = child;
    if (before)
        before->next = node->next;
    else
        parent->first = node->next;
    if (parent->last == node)
        parent->last = before;
    parent->count--;
    node->parent = node->next = NULL;
}

static int by_key(const void *a, const void *b) {
    return strcmp((*(gr_yaml *const *)a)->key, (*(gr_yaml *const *)b)->key);
}

/* Puts the members of a map in the order of their keys. */
static void sort_children(gr_yaml *map) {
    gr_yaml **list = gr_alloc(((size_t)map->count + 1) * sizeof *list);
    int n = 0;
    for (gr_yaml *child = map->first; child; child = child->next)
        list[n++] = child;
    qsort(list, (size_t)n, sizeof *list, by_key);

    /* Linked anew, in their order. */
    map->first = map->last = NULL;
    map->count = 0;
    for (int i = 0; i < n; i++) {
        list[i]->next = NULL;
        append(map, list[i]);
    }
    gr_free(list);
}

void gr_yaml_sort(gr_yaml *node, bool (*ordered)(const gr_yaml *map)) {
    if (node->kind == GR_YAML_MAP && !(ordered && ordered(node)))
        sort_children(node);
    for (gr_yaml *child = node->first; child; child = child->next)
        gr_yaml_sort(child, ordered);
}

/* A tree without nodes: all of them will live in its arena. */
static struct gr__yaml_tree *tree_new(void) {
    struct gr__yaml_tree *tree = gr_alloc(sizeof *tree);
    tree->arena = gr_arena_new();
    return tree;
}

static void tree_free(struct gr__yaml_tree *tree) {
    gr_arena_free(tree->arena);
    gr_free(tree);
}

gr_yaml *gr_yaml_new(const char *source) {
    struct gr__yaml_tree *tree = tree_new();
    return node_new(tree, GR_YAML_MAP, (gr_yaml_mark){gr_arena_strdup(tree->arena, source), 0, 0});
}

void gr_yaml_free(gr_yaml *root) {
    if (root)
        tree_free(root->tree);
}

const char *gr__yaml_place(gr_yaml_mark mark, char *text, size_t size) {
    if (mark.line)
        snprintf(text, size, "%s:%d:%d", mark.source, mark.line, mark.column);
    else
        snprintf(text, size, "%s", mark.source);
    return text;
}

/* ---- parsing ---- */

/* A tree while it is read. */
typedef struct builder {
    struct gr__yaml_tree *tree;
    const char *source;
    bool lines;         /* marks have lines: a file, not a --set */
    gr_yaml *root, *in; /* in: the list or map whose children come next */
    int depth;          /* lists and maps around it */
    int documents;      /* begun so far */
    const char *key;    /* of the value that comes next in a map */
    gr_yaml_mark key_at;
    gr_error *err;
} builder;

/* libyaml's mark, which counts from 0, as ours. */
static gr_yaml_mark mark_of(const builder *b, yaml_mark_t mark) {
    if (!b->lines)
        return (gr_yaml_mark){b->source, 0, 0};
    return (gr_yaml_mark){b->source, (int)mark.line + 1, (int)mark.column + 1};
}

/* The error for something that is YAML, but not of the plain part. */
static gr_status refuse(const builder *b, gr_yaml_mark at, const char *hint, const char *what) {
    char place[256];
    return gr_error_set(b->err, GR_ERR_FORMAT, gr__yaml_place(at, place, sizeof place), hint, "%s", what);
}

/* A scalar in the place of a key. */
static gr_status key_take(builder *b, const yaml_event_t *event, gr_yaml_mark at) {
    char place[256], before[256];
    const char *text = (const char *)event->data.scalar.value;
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && gr__yaml_truth(text) >= 0)
        return gr_error_set(b->err, GR_ERR_FORMAT, gr__yaml_place(at, place, sizeof place),
                            "put it in quotes if it is meant as a text", "the key '%s' is a boolean in YAML 1.1", text);

    const gr_yaml *same = gr__yaml_child(b->in, text);
    if (same)
        return gr_error_set(b->err, GR_ERR_FORMAT, gr__yaml_place(at, place, sizeof place), "remove one of the two",
                            "the key '%.80s' is given twice, first at %s", text,
                            gr__yaml_place(same->key_at, before, sizeof before));

    if (b->in->count >= GR_YAML_KEYS)
        return refuse(b, at, NULL, "too many keys in one map");

    /* It waits for its value. */
    b->key = gr_arena_strdup(b->tree->arena, text);
    b->key_at = at;
    return GR_OK;
}

/* A new value where the builder stands. */
static gr_status value_new(builder *b, gr_yaml **node, gr_yaml_kind kind, gr_yaml_mark at) {
    if (b->tree->nodes >= GR_YAML_NODES)
        return refuse(b, at, "long lists belong into a file of their own", "too many values");

    /* In a map it belongs to the key that waits; the first value of all is the root. */
    *node = node_new(b->tree, kind, at);
    if (b->key) {
        (*node)->key = b->key;
        (*node)->key_at = b->key_at;
        b->key = NULL;
    }
    if (b->in)
        append(b->in, *node);
    else
        b->root = *node;
    return GR_OK;
}

/* A scalar is a key, a value of a map or an element of a list. */
static gr_status scalar_take(builder *b, const yaml_event_t *event, gr_yaml_mark at) {
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (strlen(text) != length)
        return refuse(b, at, "leave out the \\0", "a text holds the character U+0000");
    if (b->in && b->in->kind == GR_YAML_MAP && !b->key)
        return key_take(b, event, at);

    gr_yaml *node;
    GR_TRY(value_new(b, &node, GR_YAML_SCALAR, at));
    node->text = gr_arena_strdup(b->tree->arena, text);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return GR_OK;
}

/* The start of a list or map: what comes next goes into it. */
static gr_status container_enter(builder *b, gr_yaml_kind kind, gr_yaml_mark at) {
    if (b->in && b->in->kind == GR_YAML_MAP && !b->key)
        return refuse(b, at, "braces and brackets as a text need quotes", "a key is a list or a map, not a text");
    if (b->depth >= GR_YAML_DEPTH)
        return refuse(b, at, NULL, "lists and maps are nested too deeply");
    gr_yaml *node;
    GR_TRY(value_new(b, &node, kind, at));
    b->in = node;
    b->depth++;
    return GR_OK;
}

/* Does what an event says, or refuses it. */
static gr_status event_take(builder *b, const yaml_event_t *event) {
    static const char *const no_tags = "remove the tag; put texts that look like numbers in quotes";
    static const char *const no_anchors =
        "repeat the value in both places, and put a text that begins with & or * in quotes";
    gr_yaml_mark at = mark_of(b, event->start_mark);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return b->documents++ ? refuse(b, at, "remove everything from the second '---' on", "more than one document")
                              : GR_OK;

    /* Values, without what would make them more than they look. */
    case YAML_ALIAS_EVENT:
        return refuse(b, at, no_anchors, "aliases (*name) are not accepted");
    case YAML_SCALAR_EVENT:
        if (event->data.scalar.anchor)
            return refuse(b, at, no_anchors, "anchors (&name) are not accepted");
        return event->data.scalar.tag ? refuse(b, at, no_tags, "tags (!name) are not accepted")
                                      : scalar_take(b, event, at);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT: {
        bool list = event->type == YAML_SEQUENCE_START_EVENT;
        if (list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor)
            return refuse(b, at, no_anchors, "anchors (&name) are not accepted");
        if (list ? event->data.sequence_start.tag : event->data.mapping_start.tag)
            return refuse(b, at, no_tags, "tags (!name) are not accepted");
        return container_enter(b, list ? GR_YAML_LIST : GR_YAML_MAP, at);
    }

    /* The list or map is complete: its parent goes on. */
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->in = b->in->parent;
        b->depth--;
        return GR_OK;
    default:
        return GR_OK;
    }
}

/* The error for a text that libyaml cannot read. */
static gr_status syntax_error(const builder *b, const yaml_parser_t *parser) {
    gr_yaml_mark at = mark_of(b, parser->problem_mark);
    char text[256];
    if (parser->error == YAML_MEMORY_ERROR)
        return gr_error_set(b->err, GR_ERR_MEMORY, b->source, NULL, "no memory for the YAML parser");
    if (parser->error == YAML_READER_ERROR) { /* has an offset instead of a mark */
        snprintf(text, sizeof text, "byte %zu: %s", parser->problem_offset, parser->problem);
        return refuse(b, (gr_yaml_mark){b->source, 0, 0}, "save the file as UTF-8 text", text);
    }
    snprintf(text, sizeof text, "not valid YAML: %s%s%s", parser->context ? parser->context : "",
             parser->context ? ", " : "", parser->problem ? parser->problem : "unknown problem");
    return refuse(b, at, "check indentation (spaces, no tabs), colons and brackets", text);
}

/* Parses into b->tree; b->root stays NULL for a text without a value. */
static gr_status build(builder *b, const char *text, size_t length) {
    yaml_parser_t parser;
    gr_status status = GR_OK;
    if (length > GR_YAML_BYTES)
        return refuse(b, (gr_yaml_mark){b->source, 0, 0}, NULL, "the text is longer than 4 MiB");
    if (!yaml_parser_initialize(&parser))
        return gr_error_set(b->err, GR_ERR_MEMORY, b->source, NULL, "no memory for the YAML parser");

    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    /* Event by event, until the stream ends or something is refused. */
    bool end = false;
    while (!end && status == GR_OK) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            status = syntax_error(b, &parser);
            break;
        }
        status = event_take(b, &event);
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return status;
}

gr_status gr_yaml_parse(gr_yaml **root, const char *text, size_t length, const char *source, gr_error *err) {
    struct gr__yaml_tree *tree = tree_new();
    builder b = {.tree = tree, .source = gr_arena_strdup(tree->arena, source), .lines = true, .err = err};
    gr_status status = build(&b, text, length);
    if (status == GR_OK && (!b.root || b.root->kind != GR_YAML_MAP))
        status = gr_error_set(err, GR_ERR_FORMAT, source, "the file needs lines of the form 'key: value'",
                              b.root ? "the file is not a map" : "the file is empty");
    *root = status == GR_OK ? b.root : NULL;
    if (status != GR_OK)
        tree_free(tree);
    return status;
}

gr_status gr_yaml_open(gr_yaml **root, const char *path, gr_error *err) {
    unsigned char *text;
    size_t length;
    *root = NULL;
    size_t skip;
    GR_TRY(gr_file_read(path, &text, &length, err));
    gr_status status = gr__text_begin(&skip, text, length, path, err);
    if (status == GR_OK)
        status = gr_yaml_parse(root, (const char *)text + skip, length - skip, path, err);
    gr_free(text);
    return status;
}

/* ---- copies ---- */

/* A mark with a source of the tree's own; what stands beside each other shares it. */
static gr_yaml_mark mark_copy(struct gr__yaml_tree *tree, gr_yaml_mark mark, const gr_yaml *beside) {
    bool same = beside && strcmp(beside->at.source, mark.source) == 0;
    mark.source = same ? beside->at.source : gr_arena_strdup(tree->arena, mark.source);
    return mark;
}

/* Puts what `from` holds into a node of another tree, which keeps its key and neighbours. */
static void content_copy(gr_yaml *node, const gr_yaml *from, bool given) {
    node->kind = from->kind;
    node->quoted = from->quoted;
    node->text = gr_arena_strdup(node->tree->arena, from->text);
    marks_forget(node);
    node->at = mark_copy(node->tree, from->at, node);
    node->first = node->last = NULL;
    node->count = 0;

    for (const gr_yaml *child = from->first; child; child = child->next) {
        if (given && child->added)
            continue;
        gr_yaml *copy = node_new(node->tree, child->kind, mark_copy(node->tree, child->at, node));
        copy->key = gr_arena_strdup(node->tree->arena, child->key);
        copy->key_at = mark_copy(node->tree, child->key_at, node);
        append(node, copy);
        content_copy(copy, child, given);
    }
}

gr_yaml *gr_yaml_copy(const gr_yaml *node, bool given) {
    gr_yaml *root = gr_yaml_new(node->at.source);
    content_copy(root, node, given);
    return root;
}

/* ---- changes by a path ---- */

/* The next part of a dotted path, unescaped, as a new text of the arena; *path moves behind it, to NULL at the end. */
static char *part_next(gr_arena *arena, const char **path, const char *end) {
    char *part = gr_arena_alloc(arena, (size_t)(end - *path) + 1), *to = part;
    const char *at = *path;
    for (; at < end && *at != '.'; at++) {
        if (*at == '\\' && at + 1 < end && at[1] == '.')
            at++;
        *to++ = *at;
    }
    *path = at < end ? at + 1 : NULL;
    return part;
}

/* The child that a part of the path names, made (as a valueless scalar) when it may be. */
static gr_status step_into(gr_yaml *node, gr_yaml **child, char *part, gr_yaml_mark at, gr_error *err) {
    if (node->kind == GR_YAML_SCALAR && gr__yaml_is_null(node)) /* "regions:" with nothing yet */
        node->kind = GR_YAML_MAP;
    char place[256];
    gr__yaml_place(at, place, sizeof place);
    if (node->kind == GR_YAML_SCALAR)
        return gr_error_set(err, GR_ERR_USAGE, place, NULL, "'%.80s' has the value '%.80s', so it has no '%.80s'",
                            node->key ? node->key : "", node->text, part);

    if (node->kind == GR_YAML_MAP && (!part[0] || gr__yaml_truth(part) >= 0))
        return gr_error_set(err, GR_ERR_USAGE, place, at.line ? "write a.b: value" : "write --set a.b=value",
                            "'%.80s' is no key", part);

    /* The child is found by its key, or counted off; one behind the end of a list is a new element. */
    if (node->kind == GR_YAML_MAP) {
        *child = gr__yaml_child(node, part);
    } else {
        char *end;
        long index = strtol(part, &end, 10);
        if (part[0] < '0' || part[0] > '9' || *end || index > node->count)
            return gr_error_set(err, GR_ERR_USAGE, place, "the first element is 0",
                                "'%.80s' is no element of a list of %d", part, node->count);
        *child = node->first;
        while (*child && index--)
            *child = (*child)->next;
    }

    if (!*child) {
        *child = node_new(node->tree, GR_YAML_SCALAR, at);
        (*child)->key = node->kind == GR_YAML_MAP ? part : NULL;
        (*child)->text = "";
        append(node, *child);
    }

    /* What is said now counts as said, also within what was a default. */
    (*child)->added = false;
    return GR_OK;
}

/* Puts what value holds into the place of node, which keeps its key and neighbours. */
static void replace(gr_yaml *node, const gr_yaml *value) {
    node->kind = value->kind;
    node->quoted = value->quoted;
    node->text = value->text;
    marks_forget(node);
    node->at = value->at;
    node->count = value->count;
    node->first = value->first;
    node->last = value->last;
    for (gr_yaml *child = node->first; child; child = child->next)
        child->parent = node;
}

/* Lists and maps inside each other, at most GR_YAML_DEPTH of them. */
static int height(const gr_yaml *node) {
    int most = 0;
    for (const gr_yaml *child = node ? node->first : NULL; child; child = child->next) {
        int own = height(child);
        most = own > most ? own : most;
    }
    return node && node->kind != GR_YAML_SCALAR ? most + 1 : 0;
}

/* A node and all below it. */
static int size_of(const gr_yaml *node) {
    int size = 1;
    for (const gr_yaml *child = node->first; child; child = child->next)
        size += size_of(child);
    return size;
}

/* How many parts a dotted path has; a dot behind a backslash divides nothing. */
static int parts_of(const char *path, const char *end) {
    int parts = 1;
    for (; path < end; path++) {
        parts += *path == '.';
        path += *path == '\\' && path + 1 < end && path[1] == '.';
    }
    return parts;
}

/* As a rule a path: shown with the bytes that are at fault. */
static gr_status check_set(const char *assignment, gr_error *err) {
    if (gr_utf8_valid(assignment))
        return GR_OK;
    char *spelled = gr_utf8_spelled(assignment);
    gr_status status = gr_error_set(err, GR_ERR_USAGE, "--set", "rename the file or folder: a recipe is text",
                                    "%.400s is not UTF-8", spelled);
    gr_free(spelled);
    return status;
}

/* The node that a dotted path leads to, made where it may be. levels: of lists and maps that it is to hold. */
static gr_status path_walk(gr_yaml *root, gr_yaml **node, const char *path, const char *end, int levels,
                           gr_yaml_mark at, gr_error *err) {
    char place[256];
    gr__yaml_place(at, place, sizeof place);
    if (parts_of(path, end) + levels > GR_YAML_DEPTH) /* or what is written could not be read again */
        return gr_error_set(err, GR_ERR_USAGE, place, NULL, "the key has too many parts for what it holds");

    *node = root;
    do {
        if (root->tree->nodes >= GR_YAML_NODES)
            return gr_error_set(err, GR_ERR_USAGE, place, NULL, "the tree has too many parts");
        GR_TRY(step_into(*node, node, part_next(root->tree->arena, &path, end), at, err));
    } while (path);
    return GR_OK;
}

gr_status gr_yaml_set(gr_yaml *root, const char *assignment, gr_error *err) {
    gr_arena *arena = root->tree->arena;
    gr_yaml_mark at = {gr_arena_alloc(arena, strlen(assignment) + 7), 0, 0};
    sprintf((char *)at.source, "--set %s", assignment);
    const char *equal = strchr(assignment, '=');
    if (!equal || equal == assignment)
        return gr_error_set(err, GR_ERR_USAGE, at.source, "write --set train.lr=0.001", "expected KEY=VALUE");

    /* The value, parsed as YAML into the same tree. */
    GR_TRY(check_set(assignment, err));
    builder b = {.tree = root->tree, .source = at.source, .err = err};
    GR_TRY(build(&b, equal + 1, strlen(equal + 1)));
    gr_yaml empty = {.kind = GR_YAML_SCALAR, .text = "", .at = at};

    gr_yaml *node;
    GR_TRY(path_walk(root, &node, assignment, equal, height(b.root), at, err));
    replace(node, b.root ? b.root : &empty);
    return GR_OK;
}

gr_status gr_yaml_graft(gr_yaml *root, const char *path, const gr_yaml *value, gr_error *err) {
    gr_yaml *node;
    gr_yaml_mark at = mark_copy(root->tree, value->key ? value->key_at : value->at, root);
    GR_TRY(path_walk(root, &node, path, path + strlen(path), height(value), at, err));
    if (root->tree->nodes + size_of(value) > GR_YAML_NODES)
        return gr_yaml_fail(value, err, NULL, "the tree has too many parts");
    content_copy(node, value, false);
    return GR_OK;
}
