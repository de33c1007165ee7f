/* reader.h - what a reader of corpora is, and the tools readers share.
 *
 * A new reader is one file that defines a gr__reader, its extern below, and one line in the list of corpus.c. Its key
 * in recipes is read by src/recipe/data.c.
 */
#ifndef GR_CORPUS_READER_H
#define GR_CORPUS_READER_H

#include "base/foreign.h"
#include "gradroute/corpus.h"

/* A corpus while it is being read. */
typedef struct gr__sink gr__sink;

typedef struct gr__reader {
    const char *name;
    const char *probe; /* file in the folder whose absence means that the source is missing; NULL: the path itself */
    gr_status (*read)(gr__sink *sink, const gr_source *source, const char *path, gr_error *err);
} gr__reader;

extern const gr__reader gr__reader_wordnet, gr__reader_jsonl, gr__reader_json, gr__reader_csv, gr__reader_tsv,
    gr__reader_text, gr__reader_folder, gr__reader_planted;

/* Reads the sources and hands out the documents in chunks of at least `bytes` bytes of text, the last one, which may be
 * empty, smaller. A chunk's documents hold until take returns and may be moved within their arrays; of is topics.of.
 * Topics stay over all chunks, and skipped counts on. Duplicates are the taker's to drop. */
typedef gr_status gr__take(void *user, gr_corpus *chunk, int32_t *of, gr_error *err);
gr_status gr__corpus_chunks(const gr_corpus_def *def, size_t bytes, gr__take *take, void *user, gr_error *err);

/* The error of a corpus without documents. */
gr_status gr__corpus_empty(const gr_corpus_def *def, size_t skipped, gr_error *err);

/* "FILE: record N" of a document; NULL where the corpus does not know. */
const char *gr__corpus_place(char place[GR__PLACE_SIZE], const gr_corpus *corpus, size_t doc);

/* Number of the topic, added when it is new. */
gr_status gr__sink_topic(gr__sink *sink, int32_t *topic, const char *name, size_t length, const char *place,
                         gr_error *err);

/* Adds a record's document; the text is copied, white space at both ends is cut, and what is then empty is counted as
 * skipped. */
gr_status gr__sink_add(gr__sink *sink, const char *text, size_t length, int32_t topic, const char *place,
                       gr_error *err);

/* Before the document of a record is added: one of its kept members (which 0..gr__sink_fields - 1), and its id. */
int gr__sink_fields(const gr__sink *sink);
const char *gr__sink_field_name(const gr__sink *sink, int which);
gr_status gr__sink_field(gr__sink *sink, int which, const char *value, size_t length, const char *place, gr_error *err);
const char *gr__sink_id_name(const gr__sink *sink); /* NULL: no ids are kept */
void gr__sink_id(gr__sink *sink, const char *id, size_t length);

/* Names a member that a record has: what a field that no record has may have meant. */
void gr__sink_member(gr__sink *sink, const char *name);

/* The records from here on are of this file: for errors. Readers of folders say it of each. */
void gr__sink_file(gr__sink *sink, const char *path);

/* The separator of documents does not occur in the file: a note says so when the source has been read. */
void gr__sink_whole(gr__sink *sink, const char *path);

/* White space cut from both ends of the record's text counts in the places of scores. */
void gr__sink_keep_cuts(gr__sink *sink);

#endif
