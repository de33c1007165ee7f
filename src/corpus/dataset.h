/* dataset.h - what a dataset is made of, shared by the encoder, by samples, by pieces of documents and by tests that
 * bring tokens of their own. */
#ifndef GR_CORPUS_DATASET_H
#define GR_CORPUS_DATASET_H

#include "gradroute/corpus.h"

/* Keys of draws over documents; epochs take the numbers below. */
enum {
    GR__DRAW_SPLIT = 0x40000000,
    GR__DRAW_ATTACK,
    GR__DRAW_HELD,              /* of a document that is packed into shards: whether it is held out */
    GR__DRAW_SAMPLE,            /* and whether it is kept apart too, among those of its topic */
    GR__DRAW_NEAR,              /* hashes that find near duplicates */
    GR__DRAW_RUNS,              /* where runs of pieces are held out */
    GR__DRAW_TEST,              /* which of those held out are the test */
    GR__DRAW_PLACEBO,           /* whose labels each training document gets in a placebo */
    GR__DRAW_PLACEBO_TIE,       /* the order of documents of one length in a placebo */
    GR__DRAW_SHARD = 0x50000000 /* + number of a shard: the order of its documents */
};

typedef struct gr__tokens {
    const gr_topics *topics;
    const uint64_t *offsets; /* [docs + 1] */
    const int32_t *ids;      /* [offsets[docs]] */
    const uint32_t *bytes;   /* [docs] */
    int32_t vocab, eot;
    const gr_corpus *origin; /* what is said of the sources, and their fields; may be NULL */
    int32_t start;           /* the token before a document, plus 1; 0: eot */
    const bool *held;        /* [docs] the documents for validation, whatever the def says; NULL: drawn */
} gr__tokens;

/* Copies everything into one block and splits it. */
gr_status gr__dataset_assemble(gr_dataset **data, const gr__tokens *tokens, const gr_dataset_def *def, gr_error *err);

/* Writes the digest of a block of at least a header's size into it: for the assembler, and for tests and fuzzers whose
 * damage is to be met by the checks behind the digest. */
void gr__dataset_seal(void *block, size_t size);
enum { GR__DATASET_HEADER = 152 };

/* gr_dataset_new with the held documents marked, or NULL. */
gr_status gr__dataset_encode(gr_dataset **data, const gr_corpus *corpus, const gr_tokenizer *tokenizer,
                             const gr_dataset_def *def, const bool *held, gr_error *err);

/* gr_dataset_open; known: this very file was checked before, so that only its header is looked at. */
gr_status gr__dataset_map(gr_dataset **data, const char *path, bool known, gr_error *err);

/* Of a dataset of pieces: frees it and the documents; and whether a piece goes on with the document of the one before.
 */
void gr__dataset_free_pieces(gr_dataset *pieces);
bool gr__pieces_hold(const gr_dataset *pieces); /* offsets and documents are those that gr_dataset_pieces makes */
static inline bool gr__continues(const gr_dataset *data, size_t doc) {
    return data->document && doc && data->document[doc - 1] == data->document[doc];
}

/* The SHA-256 in the header. */
const unsigned char *gr__dataset_digest(const gr_dataset *data);

#endif
