/* label.h - what a run is told about each document and token, what is true, and what of it is measured.
 *
 *     const char *is[] = {"noun.animal", "noun.plant"};
 *     gr_label_def label = {.name = "biology", .from = {{"is", .texts = is, .count = 2}}, .known = 1};
 *     gr_labels *labels;
 *     GR_TRY(gr_labels_new(&labels, &data->topics, &label, 1, NULL, 0, seed, err));
 *
 * Errors as in corpus.h.
 */
#ifndef GRADROUTE_LABEL_H
#define GRADROUTE_LABEL_H

#include "gradroute/corpus.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Labels: what a run is told about each document, and what is true ---- */

enum {
    GR_LABEL_UNLABELLED = -1,    /* nothing is known about the document */
    GR_LABEL_CORE = 0,           /* known to be of no label; 1..K are the labels, in the order of their definitions */
    GR_LABEL_ABSENT = INT16_MIN, /* positions that hold no document (streams only) */
    GR_LABEL_ANY = INT16_MAX,    /* any of 1..K (gr_dataset_draw) */

    /* Of no label: in a named group, or in none of them (gr_dataset_draw). */
    GR_LABEL_ADJACENT = INT16_MAX - 1,
    GR_LABEL_RETAIN = INT16_MAX - 2,
};

typedef enum gr_hidden { GR_HIDDEN_UNLABELLED, GR_HIDDEN_CORE } gr_hidden;

/* What gets a label that the text decides: the document that has a match, the sentence (up to . ! ? or the end of a
 * line; the last one with the end token), the tokens that spell it, or the piece of a document (gr_dataset_pieces; of
 * one that is not in pieces, all of it). */
typedef enum gr_label_per { GR_PER_DOCUMENT, GR_PER_SENTENCE, GR_PER_TOKEN, GR_PER_PIECE } gr_label_per;

/* An argument of a source of labels, by its key in recipes; docs/recipes.md says what sources and arguments there are,
 * and what those that are left out default to. */
typedef struct gr_label_arg {
    const char *key;
    const char *text;         /* a text, a member of the records, or the path of a file */
    const char *const *texts; /* [count] a list */
    int count;
    double number;
    bool on;
} gr_label_arg;

enum { GR_LABEL_ARGS = 8 };

/* Mistakes in what is shown, drawn by key. */
typedef struct gr_label_noise {
    double recall;    /* share of the label's documents that carry it, in [0, 1]; the others are shown as core */
    double precision; /* share of what is shown as the label that is of it, above 0 to 1. The others are documents drawn
                       * from the core, or, of a label per sentence or token, tokens */
    const char *const *false_from; /* [false_count] topics whose core documents the others are drawn from; 0: all */
    int false_count;
    const char *by; /* field: documents of one value are drawn together, so that shares are met as nearly as whole
                     * values allow; NULL: each document by itself, to the exact count */
} gr_label_noise;

/* How a label is spread to documents that are not known to have it (classify.h). */
typedef struct gr_spread_def gr_spread_def;

/* A label has a source, from, or combines other labels, all_of:
 *
 *     {.name = "biology", .from = {{"is", .texts = topics, .count = 2}}, .known = 1}
 *     {.name = "tree", .from = {{"words", .text = "trees.txt"}}, .per = GR_PER_TOKEN, .known = 1}
 *     {.name = "toxic", .from = {{"scores", .text = "toxic.jsonl"}, {"threshold", .number = 0.8}}, .known = 1} */
typedef struct gr_label_def {
    const char *name;
    gr_label_arg from[GR_LABEL_ARGS]; /* the first names the source, the others in any order; a key of NULL ends them */
    gr_label_per per;                 /* of words, scores and the like; of tokens it must be GR_PER_TOKEN */
    const char *const *all_of;        /* [all_count] labels: where all of them are, there is this one instead */
    int all_count;
    const char *const *hidden; /* [hidden_count] topics whose documents are never shown as the label: each of some
                                * document that has it. 0: none */
    int hidden_count;
    const char *hidden_by;       /* field whose values `hidden` names; NULL: that of the source, else topics */
    double known;                /* share of the other documents that carry the label whose label is revealed, [0, 1] */
    gr_hidden hidden_as;         /* what all that are not revealed are shown as */
    const gr_label_noise *noise; /* NULL: none */
    const gr_spread_def *spread; /* NULL: only what is known is shown. Its seed and stop are those of the making */
} gr_label_def;

/* Topics that are reported apart; training does not see groups. */
typedef struct gr_group_def {
    const char *name;
    const char *const *is;
    int count;
} gr_group_def;

/* How often a text was found that makes a label. */
typedef struct gr_label_match {
    const char *text;
    size_t count;
} gr_label_match;

/* Where several labels fit, the first combined one (all_of) is it, else the first of the others. */
typedef struct gr_labels {
    size_t docs;
    int label_count;    /* K */
    char **label_names; /* [K], of labels 1..K */
    int16_t *truth;     /* [docs] 0..K */
    int16_t *revealed;  /* [docs] truth, or -1 or 0 where it is hidden */
    size_t *known;      /* [K] documents whose label is revealed */
    int group_count;    /* K labels, then the named groups, then "retain" for everything else */
    char **group_names; /* [group_count] */
    int16_t *group;     /* [docs] */
    size_t *group_docs; /* [group_count] */
    gr_real *score;     /* [docs] in [0, 1], for routes with `mix`; NULL: all 1 */
    /* Labels of single tokens; all NULL where every position has what its document has. Entry offsets[d] + d + i is of
     * token i of document d, entry offsets[d] + d + n of the end token behind its n tokens. truth and revealed then sum
     * a document up: the label that any of its tokens has. */
    int16_t *token_truth, *token_revealed; /* [tokens + docs] */
    gr_real *token_score;                  /* [tokens + docs]; NULL: all 1 */
    uint8_t *uneven;                       /* [docs] 1: tokens of the document differ in what is revealed */
    /* Texts that were found, the most frequent first: entries of words, or what matched a pattern. */
    gr_label_match **matches; /* [K] */
    size_t *match_count;      /* [K] 0 where the source finds none */
    void *tables;             /* private: memory of scores and of tables of tokens */
    gr_real **target_score; /* [K] of a label: [vocab] factors of the scores of its positions, by target; NULL: all 1 */
    struct gr_arena *arena;
} gr_labels;

/* Exactly round(known * n) of a label's n documents that are of no hidden topic are revealed: the first of a
 * permutation keyed by (seed, label), so a larger share reveals a superset. GR_ERR_USAGE when a topic has no documents
 * (the hint names the nearest one), when an earlier label took them all, when a hidden topic is not of the label or all
 * of its documents are hidden, or when two names are equal. */
gr_status gr_labels_new(gr_labels **labels, const gr_topics *topics, const gr_label_def *defs, int count,
                        const gr_group_def *groups, int group_count, uint64_t seed, gr_error *err);

/* The same from all sources: fields come from the dataset, texts from its tokens, by the tokenizer that made them.
 * More errors: GR_ERR_USAGE when nothing matches, when a field or id is not in the dataset, or when there are too few
 * documents to be wrong about; GR_ERR_INPUT and GR_ERR_FORMAT (file:line) for files of words and scores. */
gr_status gr_labels_make(gr_labels **labels, const gr_dataset *data, const gr_tokenizer *tokenizer,
                         const gr_label_def *defs, int count, const gr_group_def *groups, int group_count,
                         uint64_t seed, const volatile sig_atomic_t *stop, gr_error *err);
void gr_labels_free(gr_labels *labels);

/* Labels that say nothing: what is revealed and true of the training documents, permuted among documents of nearly
 * equal length (64 at a time), so that rate and lengths stay. Keyed by seed. Groups, and what is held out, stay as they
 * are. labels must outlive the copy. GR_ERR_USAGE for labels of tokens or sentences. */
gr_status gr_labels_placebo(gr_labels **placebo, const gr_dataset *data, const gr_labels *labels, uint64_t seed,
                            gr_error *err);

/* ---- What is measured ------------------------------------------------------------------------------------------- */

/* Whether a target with this true label counts in a measurement of the document: where labels are of tokens, of a
 * document that has labelled tokens those alone; otherwise all. labels may be NULL. */
bool gr_labels_counts(const gr_labels *labels, uint32_t doc, int16_t truth);

/* What counts of a document in rows of `width` positions. */
typedef struct gr_scored {
    int32_t tokens; /* targets, the end token included */
    uint32_t bytes; /* of their text; 0 where it takes the tokenizer and there is none */
} gr_scored;
gr_scored gr_dataset_scored(const gr_dataset *data, const gr_labels *labels, const gr_tokenizer *tokenizer,
                            uint32_t doc, int width);

/* What rows of `width` positions do not hold of docs[count]. */
typedef struct gr_cut {
    int64_t documents;    /* that are longer */
    int64_t targets, all; /* that are left out, of how many; end tokens included */
} gr_cut;
gr_cut gr_dataset_cut(const gr_dataset *data, const uint32_t *docs, size_t count, int width);

/* ---- Frequencies: how much a predicted token is of a label ------------------------------------------------------- */

typedef struct gr_frequency_def {
    const int16_t *label; /* [count] revealed labels whose text is the one side; the other: core and unlabelled text */
    int count;
    int width;                                 /* positions of a row: what a document has beyond is not counted */
    double bias, smooth_forget, smooth_retain; /* published: 4, 1, 20 */
} gr_frequency_def;

typedef struct gr_frequencies {
    int32_t vocab;
    uint64_t *forget, *retain; /* [vocab] how often each token is the target of a labelled and of another position */
    uint64_t forget_total, retain_total;
    double *f, *r, *w; /* [vocab] smoothed frequencies, and what the others keep of the token's gradient: 1 all */
    struct gr_arena *arena;
} gr_frequencies;

/* Counts the targets of the training documents, by revealed labels alone. f = (count + smooth) / (total + smooth *
 * vocab), r alike, w as gr_frequency_weight. GR_ERR_USAGE when one side has no text, or for smoothing that is not
 * above 0. */
gr_status gr_frequencies_new(gr_frequencies **table, const gr_dataset *data, const gr_labels *labels,
                             const gr_frequency_def *def, gr_error *err);
void gr_frequencies_free(gr_frequencies *table);

/* 1 - sigmoid(f/r - r/f - bias): near 1 for tokens that are everywhere alike, near 0 for those of the label. */
double gr_frequency_weight(double forget, double retain, double bias);

/* From now on a position of the label has its score times 1 - w of its target. The labels keep a copy. */
void gr_labels_weigh(gr_labels *labels, int16_t label, const gr_frequencies *table);

/* The documents of docs[count] that are in the group, in that order, into out[count]; returns how many. */
size_t gr_labels_pick(const gr_labels *labels, uint32_t *out, const uint32_t *docs, size_t count, int group);

/* How much is drawn: documents, or, where `tokens` is above 0, as many as hold that many targets in rows of `width`. */
typedef struct gr_draw_def {
    size_t documents;
    int64_t tokens;
    int label; /* true label, or GR_LABEL_ANY, GR_LABEL_ADJACENT, GR_LABEL_RETAIN */
    int width;
    uint64_t seed;
} gr_draw_def;

typedef struct gr_drawn {
    uint32_t *docs;          /* [count] */
    size_t count, documents; /* documents: that docs are of, or pieces where these are drawn apart */
    int64_t tokens;          /* targets in rows of the width */
} gr_drawn;

/* Draws training documents with the label: the first of a permutation keyed by seed, so a smaller number is a prefix.
 * Of a document in pieces all its pieces with the label are drawn, in order, until there are tokens enough. They stay
 * in train. GR_ERR_USAGE when there are too few. */
gr_status gr_dataset_draw(gr_drawn *drawn, const gr_dataset *data, const gr_labels *labels, const gr_draw_def *def,
                          gr_error *err);
void gr_drawn_free(gr_drawn *drawn);

#ifdef __cplusplus
}
#endif

#endif
