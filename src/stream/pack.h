/* pack.h - packs documents into rows of equal width, and writes a row's positions into a batch.
 *
 * A row holds several documents one behind the other; what is left over at its end is "absent". Packing fills rows of
 * one label with documents of that label (unless `mixed`), so that a row mostly belongs to one class. First
 * gr__pack_run settles which documents stand in which row, as chains of numbers; gr__rows_append then spells a row out
 * position by position when a batch needs it. */
#ifndef GR_STREAM_PACK_H
#define GR_STREAM_PACK_H

#include "gradroute/stream.h"

/* Open rows per label: more fill rows better and leave more of them open at the end of an epoch. On WordNet in rows of
 * 64, 128, 256 positions 16 fill 0.956, 0.978, 0.990 of the positions, 8 fill 0.945, 0.975, 0.989. */
enum { GR__OPEN_ROWS = 16 };

/* A row is a chain of documents: first is a place in order[], next[place] goes on, UINT32_MAX ends. */
typedef struct gr__packed_row {
    uint32_t first, last;
    int32_t used; /* positions that are taken */
} gr__packed_row;

/* One epoch's rows, in memory for any epoch of at most `most` documents. */
typedef struct gr__pack {
    const gr_dataset *data;
    const gr_labels *labels;
    int width;                     /* positions of a row */
    bool mixed;                    /* documents of all labels share rows */
    size_t most, count, row_count; /* room for documents; documents of this epoch; rows they make */
    uint32_t *order;               /* [most] documents of the epoch, the first `count` set by the caller */
    uint32_t *next;                /* [most] */
    gr__packed_row *rows;          /* [most], in the order of emission */
    gr__packed_row *open;          /* [buckets][GR__OPEN_ROWS] */
    int *open_count;               /* [buckets] */
    int buckets;                   /* one per revealed label, from -1, and one for uneven documents; or a single one */
    int64_t present, cut;          /* positions that hold a document; documents longer than a row */
    int32_t first_doc;             /* number of document 0 in the rows that are written */
} gr__pack;

size_t gr__pack_bytes(size_t most); /* with one bucket, as `mixed` packs */
gr_status gr__pack_init(gr__pack *pack, const gr_dataset *data, const gr_labels *labels, size_t most, int width,
                        bool mixed, gr_error *err);
void gr__pack_clear(gr__pack *pack);

/* Packs order[0..count) anew. Does not allocate. */
void gr__pack_run(gr__pack *pack);

/* The arrays of up to `rows` rows, in one block but for x; x_width 0: of text. */
size_t gr__rows_bytes(int rows, int width, int x_width);
gr_status gr__rows_init(gr_rows *out, int rows, int width, int x_width, gr_error *err);
void gr__rows_clear(gr_rows *rows);

/* Which documents are left out: dropped[label + 1], by the true label or the revealed one. */
typedef struct gr__filter {
    const bool *dropped; /* NULL: none */
    bool by_truth;
    const bool *spared; /* [documents] that stay whatever their label; NULL: none */
} gr__filter;

/* Appends row r of the pack to out, with the given unit, unless the filter leaves nothing of it. */
void gr__rows_append(gr_rows *out, const gr__pack *pack, size_t r, int32_t unit, gr__filter filter);

#endif
