/* classify.h - documents that a classifier finds by those whose label is known: what a filter leaves out that has to do
 * with some labels alone, and labels spread to documents that nobody labelled.
 *
 *     gr_spread_def def = gr_spread_default();                     // finds 90 % of the known documents
 *     gr_spread_report report[K];
 *     gr_labels *spread;
 *     GR_TRY(gr_labels_spread(&spread, report, data, tokenizer, labels, &def, err));
 *     printf("%.3f\n", report[0].auc);
 *     gr_labels_free(spread);                                      // before labels
 *
 * The classifier is a logistic regression on the words of a document and pairs of neighbouring words, in any case:
 * values log(1 + how often) of 2^18 hashed places, rows of length 1, a penalty of 1/2 |w|^2. Positive are the training
 * documents that are known to have the label; all other training documents are negative, those whose label is hidden
 * among them, for nobody knows which they are (learning from positive and unlabelled data: Elkan and Noto, "Learning
 * classifiers from only positive and unlabeled data", KDD 2008). Training documents are drawn into 5 parts, and each
 * document is scored by the classifier that was fitted without its part: no document is judged by a classifier that has
 * seen it. Documents that are held out are scored, and never fitted on. A score is the chance that a document with such
 * a margin is known (Platt scaling on the scored training documents). Documents in pieces are whole ones here.
 *
 * Scores are rounded to 16 bits and depend neither on the number of threads nor, but for ties of rounding, on the
 * processor. True labels are read for reports alone.
 */
#ifndef GRADROUTE_CLASSIFY_H
#define GRADROUTE_CLASSIFY_H

#include "gradroute/label.h"

#ifdef __cplusplus
extern "C" {
#endif

/* From which score on a document counts as found: the highest from which `recall` of the known training documents are
 * found, or, where lost is above 0, the lowest by which at most the share `lost` of the text that is not known to have
 * the label is found. That text holds what is hidden: where much is, a share must have room for it. */
struct gr_spread_def {
    double recall; /* above 0 to 1 */
    double lost;   /* 0: recall says it; else to 1 */
    size_t from;   /* as if at most so many documents were known: the first of a keyed order; 0: all */
    bool soft;     /* found documents have a score too, for routes with `mix` */
    uint64_t seed; /* of both draws */
    const volatile sig_atomic_t *stop; /* as in gr_corpus_def */
    struct gr_fits *fits;              /* where scores are looked for and kept; NULL: nowhere */
};

/* Scores that were found before, so that the same classifier is not fitted twice: of one dataset and tokenizer, and for
 * one thread at a time. gr_fits_free; NULL is fine. */
typedef struct gr_fits gr_fits;
gr_fits *gr_fits_new(void);
void gr_fits_free(gr_fits *fits);
size_t gr_fits_count(const gr_fits *fits); /* how many are kept */

/* recall 0.9, all known documents, seed 1. */
gr_spread_def gr_spread_default(void);

/* How well the documents of one label are told from the others, in training documents that the classifier did not see:
 * AUC is the chance that of two documents the one with the label has the higher score. */
typedef struct gr_spread_report {
    size_t known, found;      /* training documents that were known, and that are found of the others */
    double threshold;         /* above 1: no document is found */
    double auc, recall, lost; /* of the known against all others; shares found of the known documents, and of the
                               * text of the others */
    /* By true labels, of the documents that were not known: NaN where there are none. */
    double hidden_auc;    /* documents of the label against documents without it */
    double hidden_recall; /* share of the documents of the label that is found */
    double core_lost;     /* share of the text without the label that is found */
} gr_spread_report;

/* Scores in [0, 1] of every document of the dataset for one label, by what labels reveal. score: [docs] of the caller,
 * as thresholds are. known: [docs] of the caller, those that it went by; may be NULL. report: may be NULL. Errors:
 * GR_ERR_USAGE for labels of tokens, data without text, fewer than 10 known training documents or none that is not
 * known; GR_ERR_MEMORY; GR_ERR_INTERRUPTED. */
gr_status gr_classify(float *score, bool *known, gr_spread_report *report, const gr_dataset *data,
                      const gr_tokenizer *tokenizer, const gr_labels *labels, int16_t label, const gr_spread_def *def,
                      gr_error *err);

/* A copy in which documents that are found have the label, one of several the label of which they have the highest
 * score; known documents keep theirs, and documents that are known no more (from) are unlabelled unless they are found.
 * Soft scores are min(1, score / mean score of known documents), above 0: what a known document has on average is the
 * most (after Elkan and Noto). report: [label_count], may be NULL. labels must outlive the copy. Errors: those of
 * gr_classify. */
gr_status gr_labels_spread(gr_labels **spread, gr_spread_report *report, const gr_dataset *data,
                           const gr_tokenizer *tokenizer, const gr_labels *labels, const gr_spread_def *def,
                           gr_error *err);

#ifdef __cplusplus
}
#endif

#endif
