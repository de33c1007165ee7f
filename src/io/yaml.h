/* yaml.h - a YAML file as a tree that knows where everything stands, and typed reads that know what they want.
 *
 *     gr_yaml *root, *train;
 *     int64_t steps = 1000;                                       the default stays when the key is absent
 *     double lr = 0.001;
 *     GR_TRY(gr_yaml_open(&root, "recipe.yaml", err));
 *     GR_TRY(gr_yaml_set(root, "train.lr=3e-4", err));            --set
 *     GR_TRY(gr_yaml_section(root, &train, "train", err));
 *     GR_TRY(gr_yaml_count(train, &steps, "steps", 1, 1000000000, err));     also 64k, 4M
 *     GR_TRY(gr_yaml_real(train, &lr, "lr", 0, 1, err));
 *     GR_TRY(gr_yaml_finish(root, err));                          a key that nobody asked for is an error
 *     GR_TRY(gr_yaml_write(root, &text, err));                    with every default filled in
 *     gr_yaml_free(root);
 *
 * Errors name file:line:column (or "--set KEY=VALUE"), the path of the key, the value and what was expected.
 * A file's syntax is GR_ERR_FORMAT, a value that does not fit GR_ERR_USAGE.
 *
 * Accepted is the plain part of YAML: one document, maps with text keys, lists, scalars. Refused: anchors and aliases,
 * tags, duplicate keys, NUL characters, more than GR_YAML_DEPTH levels, GR_YAML_NODES nodes, GR_YAML_KEYS keys in one
 * map or GR_YAML_BYTES bytes. YAML 1.1 reads the bare words yes, no, on, off, true and false as booleans; as a key, or
 * where a text is expected, they are refused with the advice to quote them.
 */
#ifndef GR_IO_YAML_H
#define GR_IO_YAML_H

#include "gradroute/base.h"

enum { GR_YAML_DEPTH = 32, GR_YAML_NODES = 50000, GR_YAML_KEYS = 4096, GR_YAML_BYTES = 4 << 20 };

typedef enum gr_yaml_kind { GR_YAML_SCALAR, GR_YAML_LIST, GR_YAML_MAP } gr_yaml_kind;

/* What the reads of a scalar took it for. */
typedef enum gr_yaml_sense { GR_YAML_TEXT, GR_YAML_WHOLE, GR_YAML_REAL, GR_YAML_TRUTH } gr_yaml_sense;

/* Where something stands; line and column from 1, line 0 when source says it all. */
typedef struct gr_yaml_mark {
    const char *source;
    int line, column;
} gr_yaml_mark;

/* A node; to be read, and changed by the functions below alone. The root, a map, owns all memory of its tree. */
typedef struct gr_yaml gr_yaml;
struct gr_yaml {
    gr_yaml_kind kind;
    bool quoted; /* scalar: was in quotes or a block, so it is text whatever it looks like */
    bool used;   /* somebody asked for this key */
    bool added;  /* by a read, as a default, or by hand: the text does not have it */
    bool plain;  /* without it all would be the same: reads of its key found the default that they had. Of a map:
                  * when empty */
    bool read;   /* a typed read has looked at it, so plain says something */
    bool path;   /* names a file or folder: said by whoever reads it as one (gr_yaml_is_path) */
    gr_yaml_sense sense;
    int64_t whole;    /* of this sense; of a truth 0 or 1 */
    double real;      /* of this sense */
    const char *text; /* scalar */
    const char *key;  /* in a map */
    gr_yaml_mark at, key_at;
    int count; /* of children */
    gr_yaml *parent, *first, *last, *next;
    struct gr__asked_key *asked; /* keys that reads of this map know */
    struct gr__yaml_tree *tree;
};

/* ---- trees ---- */

gr_status gr_yaml_open(gr_yaml **root, const char *path, gr_error *err);
gr_status gr_yaml_parse(gr_yaml **root, const char *text, size_t length, const char *source, gr_error *err);
gr_yaml *gr_yaml_new(const char *source); /* an empty map to build in */
void gr_yaml_free(gr_yaml *root);

/* "a.b.0=VALUE": the value is parsed as YAML; missing maps are made, a list takes a number up to its length (which
 * appends); a dot that belongs to a key is written "\.". */
gr_status gr_yaml_set(gr_yaml *root, const char *assignment, gr_error *err);

/* A tree of its own with what is below a node, a map or a list, and where it stands. given: without what was added,
 * so that the defaults of a read tree are not taken for what somebody said. */
gr_yaml *gr_yaml_copy(const gr_yaml *node, bool given);

/* The same change as gr_yaml_set with a node of another tree as its value, which is copied with its places: what is
 * wrong with it is said where it was written. path: "a.b.0". */
gr_status gr_yaml_graft(gr_yaml *root, const char *path, const gr_yaml *value, gr_error *err);

/* Adds at the end of a map, or of a list with key NULL. Texts are quoted where a reader would take them for something
 * else. The key must be new (asserted). What is added counts as used. */
gr_yaml *gr_yaml_add_map(gr_yaml *parent, const char *key);
gr_yaml *gr_yaml_add_list(gr_yaml *parent, const char *key);
gr_yaml *gr_yaml_add_text(gr_yaml *parent, const char *key, const char *text);
gr_yaml *gr_yaml_add_int(gr_yaml *parent, const char *key, int64_t value);
gr_yaml *gr_yaml_add_real(gr_yaml *parent, const char *key,
                          double value); /* finite; shortest text with the same bits */
gr_yaml *gr_yaml_add_bool(gr_yaml *parent, const char *key, bool value);
void gr_yaml_remove(gr_yaml *node); /* takes a node out of its parent; not the root */

/* The tree as text in block style, a new string; reading it gives the same tree. */
gr_status gr_yaml_write(const gr_yaml *root, char **text, gr_error *err);

/* A node and all below it in one line, in flow style, as gr_yaml_set takes it behind the `=`: "[a, {x: 1}]". */
gr_status gr_yaml_write_line(const gr_yaml *node, char **text, gr_error *err);

/* ---- structure ---- */

/* The value of a key, marked as used; NULL when absent. */
gr_yaml *gr_yaml_find(gr_yaml *map, const char *key);

/* The same of one kind; an absent key leaves *child NULL. A key without a value counts as an empty map or list. */
gr_status gr_yaml_map(gr_yaml *map, gr_yaml **child, const char *key, gr_error *err);
gr_status gr_yaml_list(gr_yaml *map, gr_yaml **child, const char *key, gr_error *err);

/* A map that is made when absent, so that its defaults are filled in. */
gr_status gr_yaml_section(gr_yaml *map, gr_yaml **child, const char *key, gr_error *err);

/* Children in order, each marked as used: for (c = gr_yaml_first(m); c; c = gr_yaml_next(c)). */
gr_yaml *gr_yaml_first(gr_yaml *node);
gr_yaml *gr_yaml_next(gr_yaml *child);

/* Marks all below a node as used: somebody else reads it. */
void gr_yaml_leave(gr_yaml *node);

/* The node must be of this kind. */
gr_status gr_yaml_expect(const gr_yaml *node, gr_yaml_kind kind, gr_error *err);

/* The first key in the file that no read has asked for: an error with its place and the nearest key known there. */
gr_status gr_yaml_finish(const gr_yaml *root, gr_error *err);

/* For errors of the caller about a node: its status is GR_ERR_USAGE, the place is the node's. */
gr_status gr_yaml_fail(const gr_yaml *node, gr_error *err, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* "routes[1].open" into text; returns text. */
const char *gr_yaml_path(const gr_yaml *node, char *text, size_t size);

/* ---- typed reads of a map's key ----
 *
 * Present: the value is checked and stored. Absent: *value keeps the default it holds, and the default is added to the
 * map, so that gr_yaml_write gives the resolved file; a default outside of [min, max] or a NULL text means "not set"
 * and is not added. Numbers must be finite and in [min, max]; a min of DBL_MIN (float.h) reads as "above 0".
 *
 * What equals the default that it was read with is marked as plain. Where the presence of a key means something by
 * itself, the default handed over must be out of range. Lists are never plain unless their reader marks them. */
gr_status gr_yaml_int(gr_yaml *map, int64_t *value, const char *key, int64_t min, int64_t max, gr_error *err);
gr_status gr_yaml_count(gr_yaml *map, int64_t *value, const char *key, int64_t min, int64_t max, gr_error *err);
gr_status gr_yaml_real(gr_yaml *map, double *value, const char *key, double min, double max, gr_error *err);
gr_status gr_yaml_bool(gr_yaml *map, bool *value, const char *key, gr_error *err);
gr_status gr_yaml_text(gr_yaml *map, const char **value, const char *key, gr_error *err); /* lives with the tree */

/* One of names (ended by NULL), as its number; -1 is "not set". */
gr_status gr_yaml_choice(gr_yaml *map, int *value, const char *key, const char *const *names, gr_error *err);

/* A list of texts, or one text for a list of one; *values (lives with the tree) and *count. Absent: both keep what they
 * hold and nothing is added. */
gr_status gr_yaml_texts(gr_yaml *map, const char *const **values, int *count, const char *key, gr_error *err);

/* ---- typed reads of a node, for lists ---- */

gr_status gr_yaml_as_int(const gr_yaml *node, int64_t *value, int64_t min, int64_t max, gr_error *err);
gr_status gr_yaml_as_count(const gr_yaml *node, int64_t *value, int64_t min, int64_t max, gr_error *err);
gr_status gr_yaml_as_real(const gr_yaml *node, double *value, double min, double max, gr_error *err);
gr_status gr_yaml_as_bool(const gr_yaml *node, bool *value, gr_error *err);
gr_status gr_yaml_as_text(const gr_yaml *node, const char **value, gr_error *err);
gr_status gr_yaml_as_choice(const gr_yaml *node, int *value, const char *const *names, gr_error *err);

/* Marks a node as plain, or as not, for readers that compare with a default themselves. Of several reads of a node each
 * must find its own default. */
void gr_yaml_is_plain(gr_yaml *node, bool plain);
void gr_yaml_is_path(gr_yaml *node);

/* Keys that reads of a map have asked for, in the order in which they did: NULL behind the last. For tests that must
 * miss no key. */
const char *gr_yaml_asked(const gr_yaml *map, int which);

/* Sorts the maps of a tree by their keys, but for those that `ordered` keeps (NULL: none): in YAML the order of a map
 * says nothing, and most readers go by that. */
void gr_yaml_sort(gr_yaml *node, bool (*ordered)(const gr_yaml *map));

/* ---- shared between yaml.c, yaml_read.c and yaml_write.c ---- */

struct gr__asked_key {
    const char *key;
    struct gr__asked_key *next;
};

struct gr__yaml_tree {
    struct gr_arena *arena;
    int nodes;
};

gr_yaml *gr__yaml_add(gr_yaml *parent, const char *key, gr_yaml_kind kind); /* copies key */
gr_yaml *gr__yaml_child(const gr_yaml *map, const char *key);               /* NULL when absent; marks nothing */
bool gr__yaml_is_null(const gr_yaml *node);
int gr__yaml_truth(const char *text); /* 1, 0, or -1 when the word is no boolean */
bool gr__yaml_is_number(const char *text);
const char *gr__yaml_place(gr_yaml_mark mark, char *text, size_t size);

#endif
