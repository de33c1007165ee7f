/* stream.h - batches of rows of labelled documents, by step number.
 *
 *     gr_stream_def def = gr_stream_default();         // 32 rows of 128 positions
 *     def.docs = data->train, def.doc_count = data->train_count;
 *     gr_stream *stream;
 *     GR_TRY(gr_stream_new(&stream, data, labels, &def, err));
 *     gr_rows rows;
 *     gr_stream_next(stream, step, &rows);             // the logical batch of any step
 *
 * Errors as in corpus.h.
 */
#ifndef GRADROUTE_STREAM_H
#define GRADROUTE_STREAM_H

#include "gradroute/label.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Rows: what a step reads ------------------------------------------------------------------------------------- */

/* sequences x width positions. A document of n tokens takes n + 1 positions of one sequence, inputs <start> t1 .. tn,
 * targets t1 .. tn <eot>, cut to the width. Positions that hold no document are absent: input <eot>, target -1, doc -1,
 * both labels GR_LABEL_ABSENT, and a segment of their own (start = the position itself). Attention of position t reads
 * start[t] .. t. A position's labels and score are those of the token it predicts; they may differ inside of a
 * document. The arrays belong to the stream or scan and hold until its next call. */
typedef struct gr_rows {
    int sequences, width;
    int32_t *ids;     /* [sequences * width] */
    int32_t *targets; /* [sequences * width] token to predict, or -1 */
    int32_t *start;   /* [sequences * width] position in the sequence where this position's document starts */
    int32_t *doc;     /* [sequences * width] document number, or -1 */
    int16_t *label;   /* [sequences * width] revealed label */
    int16_t *truth;   /* [sequences * width] true label: for evaluation and the perfect filter alone */
    int32_t *unit;    /* [sequences] number of the sequence in the logical batch, 0..B-1, for keyed draws */
    int64_t present;  /* positions that hold a document: the denominator of a mean loss */
    gr_real *x;       /* [sequences * width * x_width] values of samples, whose width is 1; NULL: text */
    int32_t x_width;  /* 0: text */
    gr_real *score;   /* [sequences * width] in [0, 1]: how much the target is of its label, 1 where nothing says
                       * otherwise, 0 where absent; for routes with `mix`. NULL, of rows made by hand: all 1 */
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
    const bool *spared; /* [documents of the dataset] these stay, whatever their label; NULL: none is spared. Read by
                         * gr_stream_new only; shards have none */
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
