/* bag.h - documents as bags of words: which words and pairs of words they have, and how often, by hashes.
 *
 *     gr__bag *bag;
 *     GR_TRY(gr__bag_new(&bag, data, tokenizer, stop, err));
 *     for (size_t i = bag->start[d]; i < bag->start[d + 1]; i++)
 *         ... bag->feature[i], bag->value[i] ...
 *     gr__bag_free(bag);
 */
#ifndef GR_LABEL_BAG_H
#define GR_LABEL_BAG_H

#include "gradroute/corpus.h"

/* A row is a document. Its values are log(1 + how often), and its length is 1 (Euclidean); a document without any
 * feature has none. Words are those of text/words.h, in any case; they and pairs of neighbours go to one of 2^18 places
 * by their hash (Weinberger et al., "Feature hashing for large scale multitask learning", 2009). Places that a single
 * document has say nothing about another one and are left out; the others are numbered 0 .. features - 1. */
typedef struct gr__bag {
    size_t rows, features;
    size_t *start; /* [rows + 1] */
    uint32_t *feature;
    float *value; /* [start[rows]] both; in a row, features ascend */
} gr__bag;

/* GR_ERR_MEMORY; GR_ERR_INTERRUPTED once *stop is set. */
gr_status gr__bag_new(gr__bag **bag, const gr_dataset *data, const gr_tokenizer *tokenizer,
                      const volatile sig_atomic_t *stop, gr_error *err);
void gr__bag_free(gr__bag *bag);

#endif
