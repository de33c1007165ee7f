/* labelling.h - labels while they are made: definitions are checked (define.c), documents labelled one by one
 * (document.c) by what their sources say (is.c, words.c, ...), and label.c puts it together. */
#ifndef GR_LABEL_LABELLING_H
#define GR_LABEL_LABELLING_H

#include "label/source.h"
#include "label/text.h"

/* One label while labels are made. */
struct gr__label_draft {
    const gr_label_def *def;
    const gr__label_source *source;  /* NULL: of all_of */
    gr_label_per per;                /* of def; where there are no pieces, documents for pieces */
    gr_label_arg arg[GR_LABEL_ARGS]; /* in the order of the source, defaults filled in */
    void *state;                     /* the source's */
    gr_real least;                   /* a score from here on, and above 0, is the label; 1 unless the source sets it */
    bool soft;                       /* any score above 0 is shown as the label, with the score */
    uint64_t parts;                  /* of all_of: bit k - 1 of label k */
    size_t fits;                     /* documents that it fits, whatever other labels say */
    gr_real *score;                  /* [positions] of the document at hand */
};

struct gr__labelling {
    gr_labels *labels;
    const gr_topics *topics;
    const gr_dataset *data;            /* of documents; NULL: topics are all there is */
    const gr_dataset *pieces;          /* that the labels are made for in the end; NULL: the documents */
    const gr_tokenizer *tokenizer;     /* NULL: no text */
    const volatile sig_atomic_t *stop; /* of the caller; NULL: never */
    gr__label_draft *sources;          /* [label_count] */
    size_t *size;                      /* [topics] documents of each topic */
    int16_t *group;                    /* [topics] named group of each topic, -1 for none */
    uint64_t combined;                 /* labels with all_of */
    bool tokens, soft;                 /* some label is of tokens; some is soft */
    bool texts;                        /* some source reads `text`: set by its open */
    gr__doc_text text;                 /* of the document at hand */
    gr__spans spans;                   /* room for spans of a source */
    uint64_t *fit, *true_fit;          /* [positions] labels that fit as shown, and in truth */
    bool *unknown;                     /* [positions] some score says that nothing is known */
    size_t most;                       /* positions there is room for */
};

/* ---- For sources ------------------------------------------------------------------------------------------------- */

/* Fails unless there is a dataset, and the tokenizer that made it. */
gr_status gr__label_need_text(const gr__labelling *making, const gr__label_draft *label, gr_error *err);

/* Scores by making->spans: a document that has one is the label's, or the tokens that they touch. */
void gr__label_mark(gr__label_draft *label, const gr__labelling *making, size_t positions);

gr_status gr__label_field(const gr__labelling *making, const gr_topics **values, const char *field, const char *owner,
                          gr_error *err);
/* The number of a value that some document has; owner names the label or group in messages. */
gr_status gr__label_value(int32_t *found, const gr_topics *values, const size_t *size, const char *value,
                          const char *field, const char *owner, gr_error *err);
size_t *gr__label_sizes(const gr_topics *values); /* documents of each value; gr_free */

/* Where document d begins in the tables of truth and of what is shown. An if, since gcc 14 makes a sum of a conditional
 * expression with a common term, `yes ? a[d] + d : d`, and then reads a[d] although it is not there. */
static inline size_t gr__label_place(const gr__labelling *making, size_t d) {
    if (making->tokens)
        return making->data->offsets[d] + d;
    return d;
}

/* ---- For the making ---------------------------------------------------------------------------------------------- */

/* Definition `index` of defs[count] becomes label index + 1; a group, once all labels are there. */
gr_status gr__label_define(gr__labelling *making, const gr_label_def *defs, int count, int index, gr_error *err);
gr_status gr__group_define(gr__labelling *making, const gr_group_def *def, gr_error *err);

/* Truth and what is shown before any noise. */
gr_status gr__label_document(gr__labelling *making, size_t doc, gr_error *err);

/* The label that sums up a document of which these are some: the first combined one that occurs, else the first;
 * without any, unlabelled before core. */
int16_t gr__label_sum(const gr__labelling *making, const int16_t *label, size_t n);

/* The label of a set of labels, as bits: the first combined one, else the first; 0 for none. */
int16_t gr__label_choose(const gr__labelling *making, uint64_t fit);

/* ---- Pieces (pieces.c) ------------------------------------------------------------------------------------------- */

/* Gives each position of a piece (without pieces: of the document) the highest score of them all. */
void gr__label_spread_pieces(const gr_dataset *pieces, gr_real *score, size_t positions);

/* Whether label k is one of pieces, where there are any. */
bool gr__label_is_of_pieces(const gr__labelling *making, int k);

/* The labels of documents become those of making->pieces; and, after a change of labels of tokens, what sums each up.
 */
gr_status gr__labels_cut(gr__labelling *making, gr_error *err);
void gr__labels_sum_pieces(const gr__labelling *making);

/* ---- Noise (noise.c) --------------------------------------------------------------------------------------------- */

/* Changes what label k shows: recall, hidden, known, precision, in this order. tokens: the label is one of tokens.
 * by: the noise's field, or NULL; hidden: what def->hidden names values of; from[docs]: documents that false positives
 * may be drawn from; NULL: all. */
typedef struct gr__noise {
    gr_labels *labels;
    const gr_dataset *data; /* NULL: labels of whole documents alone */
    const gr_label_def *def;
    int16_t k;
    bool tokens;
    const gr_topics *by, *hidden;
    const bool *from;
    uint64_t seed;
} gr__noise;

const char *gr__label_hidden_by(const gr_label_def *def); /* the field that `hidden` goes by; NULL: topics */
gr_status gr__noise_apply(const gr__noise *noise, gr_error *err);

#endif
