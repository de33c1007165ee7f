/* corpus.h - documents: read from files, then in tokens, split and kept in one file.
 *
 *     gr_source source = gr_source_default();          // WordNet as Debian installs it
 *     source.fallback = "recipes/wordnet-subset";
 *     gr_corpus *corpus;
 *     GR_TRY(gr_corpus_open(&corpus, &(gr_corpus_def){.sources = &source, .source_count = 1}, err));
 *
 *     gr_dataset *data;                                // tokenised and split, kept in one file
 *     GR_TRY(gr_dataset_new(&data, corpus, tokenizer, &(gr_dataset_def){.validation = 0.05, .seed = 1}, err));
 *     GR_TRY(gr_dataset_save(data, "runs/demo/dataset.bin", err));
 *
 * Errors of every function here: GR_ERR_USAGE for options that make no sense, GR_ERR_FORMAT for content that is not
 * what its reader accepts (place is file:line:column), GR_ERR_INPUT for files that are missing or cannot be
 * opened, GR_ERR_IO for those that cannot be read on or written, GR_ERR_MEMORY. On failure the output pointer is set to
 * NULL. Every _free accepts NULL.
 */
#ifndef GRADROUTE_CORPUS_H
#define GRADROUTE_CORPUS_H

#include <signal.h>

#include "gradroute/base.h"
#include "gradroute/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Corpus: documents with a topic each ------------------------------------------------------------------------ */

/* Which topic each document has. Documents are numbered 0..docs-1 in the order of reading. */
typedef struct gr_topics {
    char **names; /* [count] */
    int32_t count;
    const int32_t *of; /* [docs] topic of each document, 0..count-1 */
    size_t docs;
} gr_topics;

/* Another member of the records, read like the topic: a string, integer or boolean each. */
typedef struct gr_field {
    const char *name;
    gr_topics values; /* of[d] is -1 where the record has no such member */
} gr_field;

/* One place to read documents from. */
typedef struct gr_source {
    const char *reader;      /* "wordnet" a folder of data.{noun,verb,adj,adv}; of records "jsonl" a file with one JSON
                              * object per line, "json" one with a list of them, "csv" and "tsv" tables whose first line
                              * names the columns; "text" a file of documents between separators; "folder" text files,
                              * whose topics are the folders they lie in; "planted" no file: invented facts */
    const char *path;        /* the folder or file; but for wordnet also a pattern of glob(7) where no file has that
                              * name: what matches is read by name. Files may be gzip, whatever their names */
    const char *fallback;    /* read instead when path is missing; NULL: a missing path is an error */
    const char *text_field;  /* records: the member that holds the text */
    const char *label_field; /* records: the member (string, integer or boolean) that holds the topic; NULL: topic */
    const char *separator;   /* text: documents lie between occurrences of this string */
    const char *topic;       /* text, and records without label_field: the topic; NULL: such a record is an error, and a
                              * text file's topic is "text". folder: of files beside the folders; NULL: its name */
    int facts;               /* planted: how many, each a document of four glosses; drawn by seed */
    uint64_t seed;
} gr_source;

/* wordnet, /usr/share/wordnet, no fallback; fields "text" and "label", separator "<|endoftext|>", no topic. */
gr_source gr_source_default(void);

/* How to read text by its path: a folder as text files, .jsonl, .json, .csv and .tsv (also before .gz) as such, a .json
 * that opens a list as that, anything else as text. Records without a topic are of topic "text". */
gr_source gr_source_of(const char *path);

typedef struct gr_corpus_def {
    const gr_source *sources; /* read in this order; topics of the same name are one topic */
    int source_count;
    bool dedupe;               /* drop a document whose text equals an earlier one, byte for byte, whatever its topic */
    const char *const *fields; /* [field_count] members of JSON Lines records to keep beside the topic */
    int field_count;
    const char *id;                    /* member that names a record, another one in each; NULL: none is kept */
    const volatile sig_atomic_t *stop; /* set by a signal handler: GR_ERR_INTERRUPTED at the next record; NULL: never */
} gr_corpus_def;

/* A file that was read: its records are those from `first` up to the next file's. */
typedef struct gr_corpus_file {
    const char *path;
    size_t first;
} gr_corpus_file;

typedef struct gr_corpus {
    gr_text *texts; /* [topics.docs], in the order of reading */
    gr_topics topics;
    size_t read;        /* documents in the sources, duplicates included */
    size_t duplicates;  /* dropped because an earlier one has the same text */
    size_t skipped;     /* records without text: nothing but white space */
    bool used_fallback; /* some source's path was missing and its fallback was read */
    gr_field *fields;   /* [field_count] */
    int field_count;
    size_t records;        /* in the sources: documents, duplicates and records without text */
    uint32_t *record;      /* [topics.docs] number of each document's record, from 0, ascending */
    uint32_t *lead, *tail; /* [topics.docs] characters of white space cut from its ends (records; elsewhere 0) */
    uint64_t *keys;        /* [records] gr_record_key of each id; NULL without ids */
    gr_corpus_file *files; /* [file_count], in the order of reading */
    size_t file_count;
    struct gr_arena *arena;
} gr_corpus;

/* Reads every source. A WordNet synset becomes "headword, headword: gloss" (underscores become spaces, adjective
 * markers such as "(p)" go), its topic is the name of its lexicographer file; all 45 names are present in WordNet's
 * order. In a text file each part between separators is a record, up to the last one that holds text. GR_ERR_FORMAT
 * when a line is corrupt, when an id is missing or occurs twice, or when no document is left; GR_ERR_USAGE when no
 * record has one of the fields (the hint names the nearest member). */
gr_status gr_corpus_open(gr_corpus **corpus, const gr_corpus_def *def, gr_error *err);
void gr_corpus_free(gr_corpus *corpus);

/* 64 bits that stand for a record's id. */
uint64_t gr_record_key(const char *id, size_t length);

/* ---- Dataset: the corpus in tokens, split, in one block of memory that is also the file -------------------------- */

typedef struct gr_dataset_def {
    double validation; /* share of the documents that is held out, in [0, 1); at least one document when above 0. All
                        * are for validation until gr_dataset_divide makes some of them the test */
    uint64_t seed;     /* of the split */
    const char *stamp; /* free text kept with the data, for example a digest of the settings behind it; NULL: "" */
    const volatile sig_atomic_t *stop; /* as in gr_corpus_def; also within a document */
} gr_dataset_def;

/* Constant after it was made. The arrays point into one block, mapped from the file when it was opened. */
typedef struct gr_dataset {
    gr_topics topics;           /* topics.docs documents */
    const uint64_t *offsets;    /* [docs + 1]: tokens of document d are ids[offsets[d]] .. ids[offsets[d + 1] - 1] */
    const int32_t *ids;         /* [offsets[docs]], each in 0..vocab-1, without the end token */
    const uint32_t *bytes;      /* [docs] bytes of text, for losses per byte */
    const uint32_t *train;      /* [train_count] document numbers, ascending */
    const uint32_t *validation; /* [validation_count] held out, to choose settings on; ascending */
    const uint32_t *test;       /* [test_count] held out, to report; ascending. Empty until gr_dataset_divide */
    size_t train_count, validation_count, test_count;
    int32_t vocab, eot; /* tokens known to the tokenizer; the token that ends a document */
    int32_t start;      /* the token that starts one; mostly the same */
    uint64_t seed;      /* of the split */
    uint64_t read, duplicates, skipped;
    bool used_fallback; /* these four as the corpus reported them */
    gr_field *fields;   /* [field_count] */
    int field_count;
    uint64_t records;
    const uint32_t *record, *lead, *tail; /* [docs] */
    const uint64_t *keys;                 /* [records] or NULL; these as in gr_corpus */
    const char *stamp;
    const uint8_t *values; /* [docs * value_width] of a dataset of samples (samples.h); NULL: text */
    int32_t value_width;
    double mean, std; /* a value v is read as (v / 255 - mean) / std */
    /* Of a dataset of pieces (gr_dataset_pieces); 0 and NULL of one of documents. */
    struct gr_dataset *whole; /* the documents, which the pieces own: fields, bytes, lead, tail and keys are there */
    const uint32_t *document; /* [docs] the document of `whole` that each is a piece of, ascending */
    int32_t piece;            /* targets of a piece, but for a document's last one */
    bool apart;               /* there are few documents: pieces are split, not documents */
    size_t gaps;              /* pieces that are in no part of the split */
    void *block;              /* private: the block, its size, and whether it is a mapping */
    size_t block_size;
    bool mapped;
    uint32_t *divided; /* private: validation and test */
} gr_dataset;

/* Encodes every document, on all threads; the result does not depend on their number. The corpus may be freed after. */
gr_status gr_dataset_new(gr_dataset **data, const gr_corpus *corpus, const gr_tokenizer *tokenizer,
                         const gr_dataset_def *def, gr_error *err);

/* One file, written beside path, flushed, then renamed. */
gr_status gr_dataset_save(const gr_dataset *data, const char *path, gr_error *err);

/* Maps the file. Magic, version, sizes, the SHA-256 over all other bytes, and every offset, token and document number
 * are checked before use: a damaged file is GR_ERR_FORMAT. The file must not be cut while it is mapped. */
gr_status gr_dataset_open(gr_dataset **data, const char *path, gr_error *err);
void gr_dataset_free(gr_dataset *data);

/* Documents longer than a row. Streams and scans of a dataset of documents cut them to the row. Those of a dataset of
 * pieces lose nothing: each piece has `width` targets of its document, the last one what is left of them, and begins
 * with the token before its first target, so that every token is predicted once. All that is said of documents (topics,
 * labels, losses) is then said of pieces, and `document` says what they are pieces of. A piece is in the part of the
 * split that its document is in. Where it is asked for, with fewer than GR_FEW_DOCUMENTS documents, up to 10 runs of
 * pieces are held out instead, and the pieces beside them are in no part. */
enum { GR_FEW_DOCUMENTS = 20 };

typedef struct gr_pieces_def {
    int width;
    bool few;          /* with fewer than GR_FEW_DOCUMENTS documents pieces are split, not documents */
    double validation; /* then the share of the pieces that is held out, as in gr_dataset_def */
    uint64_t seed;     /* of that split */
} gr_pieces_def;

/* 128, no split of pieces, seed 1. */
gr_pieces_def gr_pieces_default(void);

/* *data becomes a dataset of pieces, which owns what it was; it stays where every document fits into a row. Saving it
 * saves the documents. GR_ERR_USAGE: a width below 1, or too many pieces. */
gr_status gr_dataset_pieces(gr_dataset **data, const gr_pieces_def *def, gr_error *err);

/* Positions that a document or piece takes: its tokens, and the end token unless a piece goes on. */
uint64_t gr_dataset_targets(const gr_dataset *data, size_t doc);

/* The first input: the token before a piece that goes on, else the one that starts a document. */
int32_t gr_dataset_before(const gr_dataset *data, size_t doc);

/* What is drawn together, by number: the document of each piece; NULL where each is drawn alone. */
const uint32_t *gr_dataset_drawn_by(const gr_dataset *data);

/* What is counted where documents are: "documents", "pieces" where these are split in their place (few documents), or
 * "samples". */
const char *gr_dataset_unit(const gr_dataset *data);

/* Documents that docs[count], ascending, are of. */
size_t gr_dataset_documents(const gr_dataset *data, const uint32_t *docs, size_t count);

/* Divides what is held out: round(share * n) of its n documents are the test from now on, the others are for
 * validation. Which ones is drawn by the seed of the split, so that a larger share holds a superset. All pieces of a
 * document are on one side; where pieces are split, the end of each run is the test. share is in [0, 1]. */
void gr_dataset_divide(gr_dataset *data, double share);

/* ---- Near duplicates --------------------------------------------------------------------------------------------- */

/* Two documents are near when the sets of their runs of `words` words (folded; letters, marks, numbers and connectors)
 * have a Jaccard index of at least `least`. A document of fewer words has one run, all of them; one without words is
 * near none. */
typedef struct gr_near_def {
    int words;           /* 5 */
    double least;        /* 0.5 */
    const uint8_t *kind; /* [docs] 0..7 */
    uint8_t compare[8]; /* bit y of compare[x], and bit x of compare[y]: those of kind x are compared with those of y */
    uint64_t seed;      /* of the hashes that find candidates: another one may find another of the few pairs that
                         * are missed */
    const volatile sig_atomic_t *stop; /* as in gr_corpus_def */
} gr_near_def;

typedef struct gr_near {
    uint8_t *kinds;  /* [docs] bit k: it is near a document of kind k */
    uint32_t *other; /* [docs] one that it is near, where it is near any */
} gr_near;

gr_near_def gr_near_default(void);

/* Finds them, on all threads, in the same way each time: at an index of `least` 1 of 10,000 pairs is missed, and of
 * hundreds of documents with the same runs each is compared with some alone. Takes about 300 bytes a document.
 * GR_ERR_USAGE, GR_ERR_MEMORY. */
gr_status gr_near_find(gr_near *near, const gr_dataset *data, const gr_tokenizer *tokenizer, const gr_near_def *def,
                       gr_error *err);
void gr_near_free(gr_near *near);

#ifdef __cplusplus
}
#endif

#endif
