/* label_making.h - labels while they are made: definitions are checked (label_define.c), documents labelled one by one
 * (label_document.c), and label.c puts it together. */
#ifndef GR_DATA_LABEL_MAKING_H
#define GR_DATA_LABEL_MAKING_H

#include "data/label_source.h"

/* One label while labels are made. Topics and fields decide by value; words and scores by the text. */
typedef struct gr__label_from {
    const gr_label_def *def;
    const gr_topics *values; /* of `is` */
    bool *owned;             /* [values] the value is the label's */
    gr__words *words;
    bool *token; /* [vocab] the token is one of tokens */
    gr__scores scores;
    uint64_t parts; /* of all_of: bit k - 1 of label k */
    size_t fits;    /* documents that it fits, whatever other labels say */
    gr_real *score; /* [positions] of the document at hand */
} gr__label_from;

typedef struct gr__making {
    gr_labels *labels;
    const gr_topics *topics;
    const gr_dataset *data;        /* NULL: topics are all there is */
    const gr_tokenizer *tokenizer; /* NULL: no text */
    gr__label_from *sources;       /* [label_count] */
    size_t *size;                  /* [topics] documents of each topic */
    int16_t *group;                /* [topics] named group of each topic, -1 for none */
    uint64_t combined;             /* labels with all_of */
    bool texts, tokens, soft;      /* some label needs the text; some is of tokens; some has scores */
    gr__doc_text text;
    gr__spans spans;
    uint64_t *fit, *true_fit; /* [positions] labels that fit as shown, and in truth */
    bool *unknown;            /* [positions] some score says that nothing is known */
    size_t most;              /* positions there is room for */
} gr__making;

/* Definition `index` of defs[count] becomes label index + 1; a group, once all labels are there. */
gr_status gr__label_define(gr__making *making, const gr_label_def *defs, int count, int index, gr_error *err);
gr_status gr__group_define(gr__making *making, const gr_group_def *def, gr_error *err);

gr_status gr__label_field(const gr__making *making, const gr_topics **values, const char *field, const char *owner,
                          gr_error *err);
/* A topic that some document has; owner names the label or group in messages. */
gr_status gr__label_topic(const gr__making *making, int32_t *topic, const char *name, const char *owner, gr_error *err);
size_t *gr__label_sizes(const gr_topics *values); /* documents of each value; gr_free */

/* Truth and what is shown before any noise. */
gr_status gr__label_document(gr__making *making, size_t doc, gr_error *err);

/* The label that sums up a document of which these are some: the first combined one that occurs, else the first;
 * without any, unlabelled before core. */
int16_t gr__label_sum(const gr__making *making, const int16_t *label, size_t n);

#endif
