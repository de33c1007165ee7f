/* source.h - a source of labels: the arguments that a recipe or gr_label_def.from gives it, and how it scores the
 * positions of a document.
 *
 * A new source is one file NAME.c with gr__label_by_NAME and a line in list.h. Recipes are read by its
 * description, so its key and arguments stand nowhere else.
 */
#ifndef GR_LABEL_SOURCE_H
#define GR_LABEL_SOURCE_H

#include "gradroute/label.h"

/* What an argument holds, and in which member of gr_label_arg. */
typedef enum gr__arg_kind {
    GR__ARG_NONE,          /* behind the last argument */
    GR__ARG_TEXT,          /* text */
    GR__ARG_FIELD,         /* text: a member of the records, which the corpus then keeps */
    GR__ARG_ID,            /* text: the member that names a record */
    GR__ARG_FILE,          /* text: a path */
    GR__ARG_TEXTS,         /* texts: one or a list, not empty */
    GR__ARG_TEXTS_OR_FILE, /* texts: a list; or else text: a path. The first argument alone */
    GR__ARG_NUMBER,        /* number: in [min, max] */
    GR__ARG_SWITCH,        /* on */
} gr__arg_kind;

typedef struct gr__arg_def {
    const char *key;
    gr__arg_kind kind;
    bool within;      /* in recipes it stands beside `file` in a map, which is then the value of the source's key */
    const char *text; /* defaults; text NULL: none */
    double number, min, max;
} gr__arg_def;

/* What gets the labels of a source. */
typedef enum gr__label_unit {
    GR__UNIT_DOCUMENT,
    GR__UNIT_TOKEN,
    GR__UNIT_ANY, /* as gr_label_def.per has it */
} gr__label_unit;

typedef struct gr__labelling gr__labelling;     /* labelling.h */
typedef struct gr__label_draft gr__label_draft; /* a label with its arguments and what its source keeps */

typedef struct gr__label_source {
    gr__arg_def arg[GR_LABEL_ARGS]; /* the first has the source's key and is required */
    const char *form, *example;     /* of messages: "words: [WORD, ...]", "words: [tree, \"oak tree\"], or a file" */
    gr__label_unit unit;
    bool rule; /* what it finds is a guess at what the label means: what it misses, nobody knows */
    const char
        *hint_if_taken; /* the hint where labels before it took all of its documents; NULL: to change their order */

    /* Checks the arguments, and makes label->state of them; close frees it (NULL: there is none), also after errors. */
    gr_status (*open)(gr__label_draft *label, gr__labelling *making, gr_error *err);
    void (*close)(void *state);

    /* Scores in [0, 1] of the positions of a document into label->score, which is 0 so far. */
    gr_status (*score)(gr__label_draft *label, gr__labelling *making, size_t doc, size_t positions, gr_error *err);

    /* Sets the error of a label that fits no document. */
    gr_status (*error_if_empty)(const gr__label_draft *label, gr_error *err);

    /* The texts that were found, a new list of the arena; NULL: the source finds none. */
    gr_label_match *(*matches)(const gr__label_draft *label, struct gr_arena *arena, size_t *count);
} gr__label_source;

#define GR_LABEL(name) extern const gr__label_source gr__label_by_##name;
#include "label/list.h"
#undef GR_LABEL

/* ---- What all sources share (args.c) ----------------------------------------------------------------------------- */

const gr__label_source *const *gr__label_sources(void); /* in the order of the list; NULL ends it */

/* Their keys into text: "is, words, scores" and `last` and "tokens". Returns text. */
const char *gr__label_keys(char *text, size_t size, const char *last);

/* The source that from[0] names; NULL where there is none. */
const gr__label_source *gr__label_source_of(const gr_label_def *def);

/* An argument as it was given; NULL where it was left out. */
const gr_label_arg *gr__label_arg_find(const gr_label_def *def, const char *key);

/* Every score above 0 is shown as the label. */
bool gr__label_is_soft(const gr_label_def *def);

/* The topics of a label by topics alone; NULL, and 0, for others. */
const char *const *gr__label_topics(const gr_label_def *def, int *count);

/* Whether training is told of some topics of a label alone: by their names, not by a member of the records. And whether
 * a topic is one of those that it is not told of. */
bool gr__label_hides_topics(const gr_label_def *def);
bool gr__label_hides(const gr_label_def *def, const char *topic);

/* The source, and arg[] in its order: what def gives, else the defaults. *source is NULL for a label of all_of. */
gr_status gr__label_args(const gr__label_source **source, gr_label_arg *arg, const gr_label_def *def, gr_error *err);

#endif
