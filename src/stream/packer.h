/* packer.h - a folder of shards while it is packed: what the two passes share.
 *
 * The first pass (shards_pack.c) turns text into token shards, the second one (pack_rows.c) turns these into rows and
 * writes the manifest. Both leave alone what is there and whole, so that packing goes on where it was stopped.
 */
#ifndef GR_STREAM_PACKER_H
#define GR_STREAM_PACKER_H

#include "corpus/dedupe.h"
#include "io/lock.h"
#include "stream/shard.h"

typedef struct gr__packer {
    const char *folder;
    const gr_pack_def *def; /* what the caller wants */
    gr_tokenizer *tokenizer;
    bool trained;      /* the first pass over the text, for the tokenizer alone, is done */
    gr__dedupe *seen;  /* texts so far */
    char *claim;       /* what stamp.txt says */
    char *stamp;       /* of every token shard */
    char *tokens_text; /* the tokenizer as a file */
    bool begun;        /* something was written */
    bool looked;       /* the folder is locked, if it can be */
    gr__lock *lock;    /* of the folder, released at the end */
    int shards;        /* so far */
    int64_t number;    /* of the next document, held ones included */
    int64_t duplicates, skipped, documents, tokens,
        rows;         /* of the corpus, dropped or without text; in shards, as are tokens and rows */
    gr_arena *names;  /* of topics, which outlive the reader */
    gr_arena *kept;   /* texts that outlive their chunk */
    gr_corpus held;   /* arrays of our own; validation documents, then, at the end, the sample */
    int32_t *held_of; /* topics of the documents in held */
    size_t held_room, of_room, held_count,
        held_bytes;        /* room in both arrays; documents in held_of; bytes of text that is held out */
    struct sample *sample; /* [samples] by topic: documents for gr_shards, see shards_pack.c */
    size_t samples, sample_room;
} gr__packer;

/* A file in the folder; a new string. */
char *gr__packer_path(const gr__packer *packer, const char *name);

/* Before the first file is written: makes, locks and claims the folder. Whatever refuses earlier leaves the folder, and
 * a manifest, as they were. */
gr_status gr__packer_begin(gr__packer *packer, gr_error *err);

/* Tells the caller about a shard that is done; kept: it was there already. */
void gr__packer_report(const gr__packer *packer, int shard, bool kept);

/* GR_ERR_INTERRUPTED once the caller wants to stop. */
gr_status gr__packer_stopped(const gr__packer *packer, gr_error *err);

/* The second pass (pack_rows.c): rows of every shard, and the manifest that vouches for all files. */
gr_status gr__packer_rows(gr__packer *packer, gr_error *err);

#endif
