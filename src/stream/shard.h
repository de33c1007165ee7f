/* shard.h - one shard: a dataset file of documents, and beside it their labels and the rows they are packed into.
 *
 * rows-NNNNN.bin is one block, mapped as it is:
 *
 *     header | truth i16 [docs] | revealed i16 [docs] | order u32 [docs] | next u32 [docs] | gr__packed_row [rows]
 *
 * Where documents go on in further rows, all of this is of pieces, and stands behind their offsets u64 [docs + 1] and
 * the document u32 [docs] of each.
 *
 * order, next and the rows are those of a gr__pack (pack.h).
 */
#ifndef GR_STREAM_SHARD_H
#define GR_STREAM_SHARD_H

#include <jansson.h>

#include "gradroute/shards.h"
#include "io/digest.h"
#include "io/file.h"
#include "io/json.h"
#include "stream/pack.h"

enum { GR__SHARDS_MOST = 99999, GR__ROWS_HEADER = 168 };

typedef struct gr__shard {
    gr_dataset *data;
    gr_dataset pieces; /* of data, where documents go on in further rows: points into block */
    gr_labels labels;  /* truth and revealed alone, of pieces or documents */
    gr__pack pack;     /* points into block */
    int64_t first_row; /* of an epoch's rows, those of all shards one after the other */
    void *block;       /* the mapped file of rows */
    size_t block_size;
} gr__shard;

/* Writes the rows of a pack that was run, for the settings and the dataset with these digests. */
gr_status gr__rows_save(const gr__pack *pack, const unsigned char settings[GR_DIGEST_BYTES], const char *path,
                        gr_error *err);

/* Maps the rows of shard->data. known: this very file was checked before. settings: NULL, or what they must be made
 * for: otherwise GR_ERR_USAGE. */
gr_status gr__rows_open(gr__shard *shard, const char *path, const unsigned char *settings, bool known, gr_error *err);
void gr__shard_close(gr__shard *shard);

/* The digest in the header; and writing it, for tests and fuzzers. */
const unsigned char *gr__rows_digest(const gr__shard *shard);
void gr__rows_seal(void *block, size_t size);

/* "FOLDER/shard-00012.bin" or "rows-"; a new string. */
char *gr__shard_path(const char *folder, const char *kind, int number);

#endif
