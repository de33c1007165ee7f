/* shard_rows.c - rows of a shard on disk: writing them, and what must hold before they are used.
 *
 * A file of rows holds what gr__pack_run found, laid out as gr__pack has it (shard.h), so that a mapped file is a pack.
 * It names the dataset that it belongs to and the settings that it was made for by their digests. */
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "corpus/dataset.h"
#include "stream/shard.h"

enum { VERSION = 1, ENDIAN = 0x01020304, LABELS_MOST = 1000, WIDTH_MOST = 1 << 20 };
static const char magic[8] = "GRROWS\r\n";
static const char remedy[] = "delete the file and run `gradroute data pack` again: it is made anew";

typedef struct header {
    char magic[8];
    uint32_t version, endian;
    uint64_t total, docs, rows; /* bytes of the file; numbers of elements */
    int64_t present, cut;
    uint32_t width, labels, mixed, pieces; /* pieces: docs counts pieces, and two arrays more come first */
    unsigned char settings[GR_DIGEST_BYTES], dataset[GR_DIGEST_BYTES]; /* what the rows were made for */
    unsigned char digest[GR_DIGEST_BYTES];                             /* of every other byte; the last member */
} header;
_Static_assert(sizeof(header) == GR__ROWS_HEADER, "the header has no padding");

/* Bytes of a block with these counts. docs and rows are below 2^31, so nothing overflows. Of pieces, offsets (8 bytes)
 * and documents (4) come first; then truth and revealed (2 each), order and next (4 each), and the rows. */
static uint64_t block_bytes(const header *h) {
    return sizeof *h + (h->pieces ? 8 + 12 * h->docs : 0) + 12 * h->docs + sizeof(gr__packed_row) * h->rows;
}

void gr__rows_seal(void *block, size_t size) {
    gr_digest_around(((header *)block)->digest, block, size, offsetof(header, digest));
}

const unsigned char *gr__rows_digest(const gr__shard *shard) { return ((const header *)shard->block)->digest; }

char *gr__shard_path(const char *folder, const char *kind, int number) {
    return gr_format("%s/%s-%05d.bin", folder, kind, number);
}

/* Copies a piece to where the one before ended; returns where it ends itself. */
static char *append(char *at, const void *from, size_t size) {
    if (size)
        memcpy(at, from, size);
    return at + size;
}

gr_status gr__rows_save(const gr__pack *pack, const unsigned char settings[GR_DIGEST_BYTES], const char *path,
                        gr_error *err) {
    size_t docs = pack->count;
    header h = {.version = VERSION,
                .endian = ENDIAN,
                .docs = docs,
                .rows = pack->row_count,
                .present = pack->present,
                .cut = pack->cut,
                .width = (uint32_t)pack->width,
                .labels = (uint32_t)pack->labels->label_count,
                .mixed = pack->mixed,
                .pieces = pack->data->document != NULL};

    /* What the rows were made from. */
    memcpy(h.magic, magic, sizeof magic);
    memcpy(h.settings, settings, sizeof h.settings);
    memcpy(h.dataset, gr__dataset_digest(pack->data), sizeof h.dataset);
    h.total = block_bytes(&h);

    /* The block, in the order of its layout. */
    char *block = gr_alloc_try(h.total), *at = block;
    if (!block)
        return gr_error_set(err, GR_ERR_MEMORY, path, "use smaller shards", "no memory for its %llu bytes",
                            (unsigned long long)h.total);
    at = append(at, &h, sizeof h);
    if (h.pieces) {
        at = append(at, pack->data->offsets, (docs + 1) * sizeof *pack->data->offsets);
        at = append(at, pack->data->document, docs * sizeof *pack->data->document);
    }
    at = append(at, pack->labels->truth, docs * sizeof(int16_t));
    at = append(at, pack->labels->revealed, docs * sizeof(int16_t));
    at = append(at, pack->order, docs * sizeof(uint32_t));
    at = append(at, pack->next, docs * sizeof(uint32_t));
    append(at, pack->rows, pack->row_count * sizeof(gr__packed_row));
    gr__rows_seal(block, h.total);
    gr_status status = gr_file_write(path, block, h.total, err);
    gr_free(block);
    return status;
}

/* ---- opening ---- */

/* An error of the file's content. */
static gr_status refuse(const char *path, gr_error *err, const char *what) {
    return gr_error_set(err, GR_ERR_FORMAT, path, remedy, "%s", what);
}

/* Nothing of the block is used before the header fits its size and its shard. */
static gr_status check_header(const gr__shard *s, const char *path, gr_error *err) {
    const header *h = s->block;
    if (s->block_size < sizeof *h)
        return refuse(path, err, "the file is too short for rows of a shard");
    if (memcmp(h->magic, magic, sizeof magic))
        return refuse(path, err, "not rows of a shard of gradroute");
    if (h->endian != ENDIAN)
        return refuse(path, err, "made on a machine with another order of bytes");
    if (h->version != VERSION)
        return gr_error_set(err, GR_ERR_FORMAT, path, remedy, "format version %u, this program reads %d", h->version,
                            VERSION);

    /* A length that does not fit tells a file that was cut from one that was overwritten. */
    if (h->total != s->block_size)
        return gr_error_set(err, GR_ERR_FORMAT, path, remedy, "the file was cut or extended: %zu bytes instead of %llu",
                            s->block_size, (unsigned long long)h->total);

    /* Counts must be small enough to be added up, fit the shard, and add up to the size. */
    if (h->docs < s->data->topics.docs || (!h->pieces && h->docs > s->data->topics.docs) || h->docs > INT32_MAX ||
        h->pieces > 1 || h->rows > h->docs || h->rows < 1 || h->width < 1 || h->width > WIDTH_MOST ||
        h->labels > LABELS_MOST || h->mixed > 1 || block_bytes(h) != h->total)
        return refuse(path, err, "the header contradicts itself or its shard");
    if (memcmp(h->dataset, gr__dataset_digest(s->data), GR_DIGEST_BYTES))
        return refuse(path, err, "the rows belong to another shard");
    return GR_OK;
}

/* Sets every pointer: where each array begins follows from the counts before it. */
static void attach(gr__shard *s) {
    const header *h = s->block;
    uint64_t *offsets = (uint64_t *)(h + 1);
    uint32_t *document = (uint32_t *)(offsets + h->docs + 1);
    int16_t *truth = h->pieces ? (int16_t *)(document + h->docs) : (int16_t *)(h + 1), *revealed = truth + h->docs;
    uint32_t *order = (uint32_t *)(revealed + h->docs), *next = order + h->docs;

    /* Labels alone; who made them is long gone. */
    s->labels = (gr_labels){.docs = h->docs, .label_count = (int)h->labels, .truth = truth, .revealed = revealed};

    /* Pieces are a dataset of their own, over the tokens of the shard. */
    if (h->pieces) {
        s->pieces = *s->data;
        s->pieces.whole = s->data;
        s->pieces.offsets = offsets;
        s->pieces.document = document;
        s->pieces.piece = (int32_t)h->width;
        s->pieces.topics.docs = h->docs;
    }
    s->pack = (gr__pack){.data = h->pieces ? &s->pieces : s->data,
                         .labels = &s->labels,
                         .width = (int)h->width,
                         .mixed = h->mixed,
                         .most = h->docs,
                         .count = h->docs,
                         .row_count = h->rows,
                         .order = order,
                         .next = next,
                         .rows = (gr__packed_row *)(next + h->docs),
                         .present = h->present,
                         .cut = h->cut};
}

/* The documents of a row: each known, met for the first time, and together no longer than a row. */
static const char *check_row(const gr__shard *s, size_t r, bool *met, bool *packed, size_t *docs, int64_t *present) {
    const gr__pack *p = &s->pack;
    int64_t used = 0;

    /* Along the chain. `met` marks places of the chain, `packed` documents: a chain that bites its tail would never
     * end. */
    for (uint32_t i = p->rows[r].first; i != UINT32_MAX; i = p->next[i]) {
        if (i >= p->count || met[i])
            return "a chain of documents leaves its shard or bites its tail";
        uint32_t doc = p->order[i];
        if (doc >= p->count || packed[doc])
            return "a document is packed twice or unknown";
        met[i] = packed[doc] = true;
        uint64_t n = gr_dataset_targets(p->data, doc);
        used += n < (uint64_t)p->width ? (int64_t)n : p->width;
        ++*docs;
    }
    *present += used;
    return used < 1 || used > p->width ? "a row is empty or too long" : NULL;
}

/* What a digest cannot promise, should someone have made the file on purpose. */
static gr_status check_content(const gr__shard *s, const char *path, gr_error *err) {
    size_t n = s->pack.count, docs = 0;
    int64_t present = 0;

    /* Pieces are where gr_dataset_pieces would cut. */
    if (s->pack.data == &s->pieces && !gr__pieces_hold(&s->pieces))
        return refuse(path, err, "the pieces are not those of the documents");

    /* Labels are among those that there are. */
    for (size_t d = 0; d < n; d++)
        if (s->labels.truth[d] < GR_LABEL_CORE || s->labels.truth[d] > s->labels.label_count ||
            s->labels.revealed[d] < GR_LABEL_UNLABELLED || s->labels.revealed[d] > s->labels.label_count)
            return refuse(path, err, "a document has a label that there is not");

    /* All rows together hold each document once. */
    bool *met = gr_alloc(2 * n);
    const char *wrong = NULL;
    for (size_t r = 0; r < s->pack.row_count && !wrong; r++)
        wrong = check_row(s, r, met, met + n, &docs, &present);
    gr_free(met);
    if (!wrong && (docs != n || present != s->pack.present))
        wrong = "the rows do not hold every document";
    return wrong ? refuse(path, err, wrong) : GR_OK;
}

/* Header, then settings, then digest and content. `known`: the last two were checked before. */
static gr_status check(gr__shard *s, const char *path, const unsigned char *settings, bool known, gr_error *err) {
    GR_TRY(check_header(s, path, err));
    const header *h = s->block;
    if (settings && memcmp(h->settings, settings, GR_DIGEST_BYTES))
        return gr_error_set(err, GR_ERR_USAGE, path, NULL, "the rows were packed for other settings");

    /* The counts fit, so pointers may be set; what they point to is checked next. */
    attach(s);
    if (known)
        return GR_OK;
    unsigned char found[GR_DIGEST_BYTES];
    gr_digest_around(found, s->block, s->block_size, offsetof(header, digest));
    if (memcmp(found, h->digest, sizeof found))
        return refuse(path, err, "the SHA-256 does not match: the file is damaged");
    return check_content(s, path, err);
}

gr_status gr__rows_open(gr__shard *s, const char *path, const unsigned char *settings, bool known, gr_error *err) {
    GR_TRY(gr_file_map(&s->block, &s->block_size, path, remedy, err));
    gr_status status = check(s, path, settings, known, err);
    if (status != GR_OK) {
        munmap(s->block, s->block_size);
        s->block = NULL;
    }
    return status;
}

void gr__shard_close(gr__shard *s) {
    if (s->block)
        munmap(s->block, s->block_size);
    gr_dataset_free(s->data);
    *s = (gr__shard){0};
}
