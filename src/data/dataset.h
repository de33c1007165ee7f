/* dataset.h - what a dataset is made of, shared by the encoder and by tests that bring tokens of their own. */
#ifndef GR_DATA_DATASET_H
#define GR_DATA_DATASET_H

#include "gradroute/data.h"

/* Keys of draws over documents; epochs take the numbers below. */
enum { GR__DRAW_SPLIT = 0x40000000, GR__DRAW_ATTACK = 0x40000001 };

typedef struct gr__tokens {
    const gr_topics *topics;
    const uint64_t *offsets; /* [docs + 1] */
    const int32_t *ids;      /* [offsets[docs]] */
    const uint32_t *bytes;   /* [docs] */
    int32_t vocab, eot;
    const gr_corpus *origin; /* what is said of the sources, and their fields; may be NULL */
    int32_t start;           /* the token before a document, plus 1; 0: eot */
} gr__tokens;

/* Copies everything into one block and splits it. */
gr_status gr__dataset_assemble(gr_dataset **data, const gr__tokens *tokens, const gr_dataset_def *def, gr_error *err);

/* Writes the digest of a block of at least a header's size into it: for the assembler, and for tests and fuzzers whose
 * damage is to be met by the checks behind the digest. false when libcrypto has no SHA-256. */
bool gr__dataset_seal(void *block, size_t size);
enum { GR__DATASET_HEADER = 152 };

#endif
