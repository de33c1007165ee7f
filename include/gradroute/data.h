/* data.h - from files of text to batches of rows: corpus, labels, dataset, stream.
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
 *     const char *is[] = {"noun.animal", "noun.plant"};
 *     gr_label_def label = {.name = "biology", .from = {{"is", .texts = is, .count = 2}}, .known = 1};
 *     gr_labels *labels;
 *     GR_TRY(gr_labels_new(&labels, &data->topics, &label, 1, NULL, 0, seed, err));
 *
 *     gr_stream_def def = gr_stream_default();         // 32 rows of 128 positions
 *     def.docs = data->train, def.doc_count = data->train_count;
 *     gr_stream *stream;
 *     GR_TRY(gr_stream_new(&stream, data, labels, &def, err));
 *     gr_rows rows;
 *     gr_stream_next(stream, step, &rows);             // the logical batch of any step
 *
 * Errors of every function here: GR_ERR_USAGE for options that make no sense, GR_ERR_FORMAT for content that is not
 * what its reader accepts (place is file:line:column), GR_ERR_INPUT for files that are missing or cannot be
 * opened, GR_ERR_IO for those that cannot be read on or written, GR_ERR_MEMORY. On failure the output pointer is set to
 * NULL. Every _free accepts NULL.
 */
#ifndef GRADROUTE_DATA_H
#define GRADROUTE_DATA_H

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
                              * whose topics are the folders they lie in */
    const char *path;        /* the folder or file; but for wordnet also a pattern of glob(7) where no file has that
                              * name: what matches is read by name. Files may be gzip, whatever their names */
    const char *fallback;    /* read instead when path is missing; NULL: a missing path is an error */
    const char *text_field;  /* records: the member that holds the text */
    const char *label_field; /* records: the member (string, integer or boolean) that holds the topic; NULL: topic */
    const char *separator;   /* text: documents lie between occurrences of this string */
    const char *topic;       /* text, and records without label_field: the topic; NULL: such a record is an error, and a
                              * text file's topic is "text". folder: of files beside the folders; NULL: its name */
} gr_source;

/* wordnet, /usr/share/wordnet, no fallback; fields "text" and "label", separator "<|endoftext|>", no topic. */
gr_source gr_source_default(void);

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

/* ---- Labels: what a run is told about each document, and what is true ---------------------------------------------
 */

enum {
    GR_LABEL_UNLABELLED = -1,    /* nothing is known about the document */
    GR_LABEL_CORE = 0,           /* known to be of no label; 1..K are the labels, in the order of their definitions */
    GR_LABEL_ABSENT = INT16_MIN, /* positions that hold no document (streams only) */
    GR_LABEL_ANY = INT16_MAX,    /* any of 1..K (gr_dataset_draw) */
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
    double known;                /* share of the documents that carry the label whose label is revealed, in [0, 1] */
    gr_hidden hidden_as;         /* what the others are shown as */
    const gr_label_noise *noise; /* NULL: none */
} gr_label_def;

/* Topics that are reported apart; training does not see groups. */
typedef struct gr_group_def {
    const char *name;
    const char *const *is;
    int count;
} gr_group_def;

/* How often a text was found that makes a label. */
typedef struct gr_label_hit {
    const char *text;
    size_t count;
} gr_label_hit;

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
    gr_label_hit **hits;    /* [K] */
    size_t *hit_count;      /* [K] 0 where the source finds none */
    void *tables;           /* private: memory of scores and of tables of tokens */
    gr_real **target_score; /* [K] of a label: [vocab] factors of the scores of its positions, by target; NULL: all 1 */
    struct gr_arena *arena;
} gr_labels;

/* Exactly round(known * n) of a label's n documents are revealed: the first of a permutation keyed by (seed, label), so
 * a larger share reveals a superset. GR_ERR_USAGE when a topic has no documents (the hint names the nearest one), when
 * an earlier label took them all, or when two names are equal. */
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
    int label; /* true label, or GR_LABEL_ANY */
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

/* ---- Rows: what a step reads ------------------------------------------------------------------------------------- */

/* rows x width positions. A document of n tokens takes n + 1 positions of one row, inputs <start> t1 .. tn, targets
 * t1 .. tn <eot>, cut to the width. Positions that hold no document are absent: input <eot>, target -1, doc -1, both
 * labels GR_LABEL_ABSENT, and a segment of their own (start = the position itself). Attention of position t reads
 * start[t] .. t. A position's labels and score are those of the token it predicts; they may differ inside of a
 * document. The arrays belong to the stream or scan and hold until its next call. */
typedef struct gr_rows {
    int rows, width;
    int32_t *ids;     /* [rows * width] */
    int32_t *targets; /* [rows * width] token to predict, or -1 */
    int32_t *start;   /* [rows * width] position in the row where this position's document starts */
    int32_t *doc;     /* [rows * width] document number, or -1 */
    int16_t *label;   /* [rows * width] revealed label */
    int16_t *truth;   /* [rows * width] true label: for evaluation and the perfect filter alone */
    int32_t *unit;    /* [rows] number of the row in the logical batch, 0..B-1, for keyed draws */
    int64_t present;  /* positions that hold a document: the denominator of a mean loss */
    gr_real *x;       /* [rows * width * x_width] values of samples, whose width is 1; NULL: text */
    int32_t x_width;  /* 0: text */
    gr_real *score;   /* [rows * width] in [0, 1]: how much the target is of its label, 1 where nothing says otherwise,
                       * 0 where absent; for routes with `mix`. NULL, of rows made by hand: all 1 */
} gr_rows;

typedef struct gr_stream_def {
    int rows;             /* B: rows of a logical batch */
    int width;            /* T: positions of a row */
    uint64_t seed;        /* of the order of documents */
    bool mixed;           /* false: a row holds documents of one revealed label, or only ones whose tokens differ;
                           * true: any documents */
    const uint32_t *docs; /* [doc_count] documents to stream; read by gr_stream_new only */
    size_t doc_count;
    const int16_t *drop; /* [drop_count] labels to leave out (a filtered twin) */
    int drop_count;
    bool drop_by_truth; /* by the true label (the perfect filter) rather than the revealed one */
} gr_stream_def;

/* 32 rows of 128 positions, seed 1, rows of one label, nothing dropped; docs is the caller's to set. */
gr_stream_def gr_stream_default(void);

/* What the first epoch looks like before anything is dropped; later epochs differ by a few rows. */
typedef struct gr_stream_facts {
    int64_t rows, positions; /* positions that hold a document */
    double fill;             /* positions / (rows * width) */
    int64_t cut;             /* documents longer than a row, per epoch */
} gr_stream_facts;

/* Epochs without end: epoch e takes the documents in an order keyed by (seed, e) and packs them best-fit into a few
 * open rows per label. Rows are numbered through; step s is the B rows from s * B on, across borders of epochs.
 *
 * How the documents of one label are packed, and in which order their rows come, does not depend on the documents of
 * other labels. What is dropped leaves absent positions, and a row that is left without documents is left out: all
 * other rows stay as they are, with the same unit.
 *
 * All memory is taken here. data and labels must outlive the stream. */
typedef struct gr_stream gr_stream;
gr_status gr_stream_new(gr_stream **stream, const gr_dataset *data, const gr_labels *labels, const gr_stream_def *def,
                        gr_error *err);
gr_stream_facts gr_stream_describe(const gr_stream *stream);

/* The logical batch of a step (0, 1, ...), in any order: the step is the whole state. Cannot fail and does not
 * allocate. Going on costs one packing per epoch; going back to an earlier epoch packs again from the first. rows may
 * be 0 when labels are dropped. */
void gr_stream_next(gr_stream *stream, int64_t step, gr_rows *out);
void gr_stream_free(gr_stream *stream);

/* Each document once, packed in the order given without regard to labels, for losses per document; at most `rows` rows
 * a batch. unit numbers the rows of the whole scan. docs is read by gr_scan_new only. */
typedef struct gr_scan gr_scan;
gr_status gr_scan_new(gr_scan **scan, const gr_dataset *data, const gr_labels *labels, const uint32_t *docs,
                      size_t count, int rows, int width, gr_error *err);
size_t gr_scan_plan(const gr_dataset *data, size_t count, int rows, int width); /* bytes that it takes, nearly */
bool gr_scan_next(gr_scan *scan, gr_rows *out);                                 /* false at the end */
int64_t gr_scan_rows(const gr_scan *scan);                                      /* of all batches */
void gr_scan_rewind(gr_scan *scan);
void gr_scan_free(gr_scan *scan);

#ifdef __cplusplus
}
#endif

#endif
