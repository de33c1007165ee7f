/* shards.h - corpora larger than memory: encoded and packed into rows once, then read by row numbers.
 *
 *     gr_pack_def def = gr_pack_default();
 *     def.corpus = (gr_corpus_def){.sources = sources, .source_count = 2, .dedupe = true};
 *     def.label = labels, def.labels = 1;
 *     GR_TRY(gr_shards_pack("shards/books", &def, err));       // a second call goes on where a killed one stopped
 *
 *     gr_shards *shards;
 *     GR_TRY(gr_shards_open(&shards, "shards/books", "runs/a/data/shards.checked", err));
 *     gr_stream_def order = gr_stream_default();               // rows, seed, drop; the documents are the shards'
 *     order.width = shards->context;
 *     GR_TRY(gr_stream_new_shards(&stream, shards, &order, err));
 *     gr_shards_free(shards);                                  // after its streams
 *
 * What is where. Training documents are in the shards, in the order of reading, with their labels and the rows they
 * were packed into. `held` is an ordinary dataset: its validation documents are those held out, its training documents
 * a sample (at most GR_SHARDS_SAMPLE of each topic) of those in the shards, for what needs some documents of a label.
 * Losses, scans and draws use it as they use any dataset.
 *
 * Order. Epoch e shows all rows in the order gr_random_place({seed, data, e}, row, rows): step s is found by
 * arithmetic, however long the corpus. Rows are the same in every epoch and under every seed; documents of a shard were
 * shuffled before they were packed. Memory: the tables of the shards' names and, of the mapped files, what the system
 * keeps of pages read.
 *
 * Checks. The manifest vouches for every file by its SHA-256. gr_shards_open always checks the manifest, `held`, and
 * headers and sizes of the shards. It reads all shards through and checks digests, tokens, offsets and rows the first
 * time; gr_shards_note then notes name, size, time and inode of each file in the file `checked`, and while these stay
 * the same, later calls read headers alone.
 *
 * Errors: GR_ERR_USAGE for options that make no sense and a folder with other contents, GR_ERR_INPUT for what is
 * missing, GR_ERR_FORMAT for damage, GR_ERR_IO, GR_ERR_INTERRUPTED, GR_ERR_MEMORY.
 */
#ifndef GRADROUTE_SHARDS_H
#define GRADROUTE_SHARDS_H

#include <signal.h>

#include "gradroute/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { GR_SHARDS_SAMPLE = 256 };

typedef struct gr_pack_progress {
    int shard;                       /* that was finished last */
    int64_t documents, tokens, rows; /* in all shards so far; rows are 0 until tokens are done */
    bool kept;                       /* the shard was there already */
} gr_pack_progress;

typedef struct gr_pack_def {
    gr_corpus_def corpus;
    double validation;          /* probability that a document is held out, in [0, 1) */
    uint64_t seed;              /* of what is held out, of the sample, of hidden labels, of the order before packing */
    int tokenizer_train;        /* tokens, trained on the text of one shard, the first; 0: from tokenizer_file */
    const char *tokenizer_file; /* NULL: trained */
    int context;                /* positions of a row */
    bool cut;                   /* documents longer than a row are cut to it; else they go on in pieces */
    bool mixed;                 /* rows may hold documents of several revealed labels */
    const gr_label_def *label;  /* [labels] */
    int labels;
    size_t shard_bytes; /* text of a shard, at least; all of it is in memory while the shard is made */
    const char *stamp;  /* what the tokens depend on beside all this, such as times of files; NULL: nothing */
    void (*progress)(void *user, const gr_pack_progress *progress); /* after each shard; NULL: none */
    void *user;
    const volatile sig_atomic_t *stop; /* finish the shard and return GR_ERR_INTERRUPTED; NULL: never */
} gr_pack_def;

/* 5 % held out, seed 1, a tokenizer of 4096 tokens, rows of 128 positions, no labels, shards of 64 MiB of text. */
gr_pack_def gr_pack_default(void);

/* Two passes. The first reads the sources and writes tokenizer and token shards; it is found done for a shard whose
 * file is there, so a killed pack reads its text again but encodes nothing twice. The second, for which no text is
 * read, packs the rows of each shard. Then follows the manifest. Every file is written beside its name, flushed and
 * renamed.
 *
 * A folder of the same text under other labels, context or `mixed` keeps its tokens and gets new rows. One that was
 * made from other text, tokenizer, seed, validation or shard size is GR_ERR_USAGE, and so is a label without documents.
 * Duplicates are dropped over all shards: the table of digests takes 24 to 48 bytes a document. Held documents are kept
 * in memory: at most 1 GiB of text. Exactly round(known * n) of a label's n training documents keep it, by a keyed
 * permutation, so that a larger share reveals a superset. */
gr_status gr_shards_pack(const char *folder, const gr_pack_def *def, gr_error *err);

/* Constant after it was opened. */
typedef struct gr_shards {
    int count;
    int64_t documents, tokens, rows, positions, cut; /* of all shards; positions that hold a document; documents cut */
    int64_t pieces, longer; /* pieces that all are in, 0: none is; documents longer than a row that are in several */
    int context;
    bool mixed;
    int labels;         /* K */
    char **label_names; /* [K] */
    int64_t *revealed;  /* [K + 2] documents by revealed label: unlabelled, core, 1..K */
    int64_t *truth;     /* [K + 2] by true label */
    int64_t read, duplicates, skipped;
    gr_dataset *held;
    char *tokenizer;         /* path of tokenizer.json in the folder; gr_shards_open checked its digest */
    char *files;             /* what gr_shards_note writes */
    char digest[65];         /* of the manifest, and so of everything */
    char *settings;          /* what the rows depend on, see gr_shards_settings */
    struct gr__shard *shard; /* private: [count] */
    struct gr_arena *arena;
} gr_shards;

/* checked: see above, it is only read; NULL checks everything. */
gr_status gr_shards_open(gr_shards **shards, const char *folder, const char *checked, gr_error *err);

/* Writes what was checked; where it cannot be written the next call checks again. */
void gr_shards_note(const gr_shards *shards, const char *checked);
void gr_shards_free(gr_shards *shards); /* NULL is fine */

/* Shards know the topics of their documents alone: GR_ERR_USAGE for labels by anything else, and for mistakes on
 * purpose. */
gr_status gr_shards_check_labels(const gr_label_def *label, int labels, gr_error *err);

/* Context, mixed, cut and labels as a text (gr_free): equal texts fit the same rows. */
char *gr_shards_settings(int context, bool mixed, bool cut, const gr_label_def *label, int labels);

/* A stream as of gr_stream_new, with its promises on dropped labels; docs, doc_count and mixed of the def are not
 * used, and width is the shards' context. Its facts are those of an epoch. */
gr_status gr_stream_new_shards(gr_stream **stream, const gr_shards *shards, const gr_stream_def *def, gr_error *err);

#ifdef __cplusplus
}
#endif

#endif
