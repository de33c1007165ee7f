/* stream.c - batches of packed rows by step number; and a scan, which hands out documents once each.
 *
 * Rows are numbered over all epochs: step s takes rows [s * B, (s + 1) * B). So the step number is all the state a
 * stream has, and resuming needs nothing but that number. In memory one epoch is packed at a time, and an epoch is
 * packed anew when a step lies in another one; from shards the rows are packed on disk, and only their order is
 * drawn. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "corpus/dataset.h"
#include "stream/pack.h"
#include "stream/shard.h"

struct gr_stream {
    gr__pack pack;         /* the rows of the current epoch */
    gr_rows batch;         /* what gr_stream_next hands out, overwritten by each call */
    int batch_rows;        /* B */
    uint32_t *permutation; /* [docs of the dataset] */
    bool *member;          /* [docs of the dataset] */
    bool *dropped;         /* [labels + 2] by label + 1 */
    bool by_truth;         /* dropped goes by the true label, not by the one that is shown */
    bool *spared;          /* [docs of the dataset] stay whatever their label; NULL: none */
    uint64_t seed;
    uint32_t epoch;    /* the one that is packed */
    int64_t first_row; /* number of the epoch's first row over all epochs */
    gr_stream_facts facts;
    const gr_shards *shards; /* instead of a pack; NULL: none */
};

gr_stream_def gr_stream_default(void) { return (gr_stream_def){.rows = 32, .width = 128, .seed = 1}; }

/* Positions of a batch are counted in 32 bits. */
static gr_status check_batch(int rows, int width, gr_error *err) {
    if (rows < 1 || width < 1 || (int64_t)rows * width > INT32_MAX / 2)
        return gr_error_set(err, GR_ERR_USAGE, "stream", "batch and context are positive",
                            "a batch of %d rows of %d positions", rows, width);
    return GR_OK;
}

/* Whether rows can be made of these documents. */
static gr_status check_sizes(int rows, int width, const gr_dataset *data, const gr_labels *labels, const uint32_t *docs,
                             size_t count, gr_error *err) {
    /* Sizes, and that labels, documents and rows are made for each other. */
    GR_TRY(check_batch(rows, width, err));
    if (labels->docs != data->topics.docs)
        return gr_error_set(err, GR_ERR_USAGE, "stream", "make the labels from this dataset's topics",
                            "labels of %zu documents for a dataset of %zu", labels->docs, data->topics.docs);
    if (data->values && width != 1)
        return gr_error_set(err, GR_ERR_USAGE, "stream", "a sample takes one position", "rows of %d samples", width);

    /* The list of documents. */
    if (!count)
        return gr_error_set(err, GR_ERR_USAGE, "stream", NULL, "there are no documents to read");
    for (size_t i = 0; i < count; i++)
        if (docs[i] >= data->topics.docs)
            return gr_error_set(err, GR_ERR_USAGE, "stream", NULL, "document %u of %zu", docs[i], data->topics.docs);
    return GR_OK;
}

/* An epoch's order is one permutation of the whole dataset, of which the members are taken: so the order of two
 * documents does not depend on which others are streamed. */
static void load_epoch(gr_stream *stream, uint32_t epoch) {
    gr__pack *pack = &stream->pack;
    uint32_t docs = (uint32_t)pack->data->topics.docs;
    gr_random_permutation((gr_key){stream->seed, GR_STREAM_DATA, epoch % GR__DRAW_SPLIT}, stream->permutation, docs);

    /* Of the permutation keep the documents that are streamed, and pack those. */
    pack->count = 0;
    for (uint32_t i = 0; i < docs; i++)
        if (stream->member[stream->permutation[i]])
            pack->order[pack->count++] = stream->permutation[i];
    gr__pack_run(pack);
    stream->epoch = epoch;
}

/* Goes on to the epoch behind the packed one. Epochs may have different numbers of rows, so the first row is added
 * up. */
static void next_epoch(gr_stream *stream) {
    stream->first_row += (int64_t)stream->pack.row_count;
    load_epoch(stream, stream->epoch + 1);
}

/* Turns the list of dropped labels into a table by label + 1. */
static gr_status set_drop(gr_stream *stream, const gr_stream_def *def, int labels, gr_error *err) {
    stream->dropped = gr_alloc((size_t)labels + 2);
    stream->by_truth = def->drop_by_truth;
    for (int i = 0; i < def->drop_count; i++) {
        if (def->drop[i] < GR_LABEL_UNLABELLED || def->drop[i] > labels)
            return gr_error_set(err, GR_ERR_USAGE, "stream", NULL, "cannot drop label %d of %d", def->drop[i], labels);
        stream->dropped[def->drop[i] + 1] = true;
    }
    return GR_OK;
}

/* The error of a stream whose labels drop every document. */
static gr_status nothing_left(gr_error *err) {
    return gr_error_set(
        err, GR_ERR_USAGE, "stream",
        "drop fewer labels, as a filtered twin does, or label fewer documents; per: piece labels pieces "
        "of long ones",
        "every document is dropped by its label");
}

/* Fails when the filter leaves no document: a stream of empty batches would train nothing. */
static gr_status check_left(const gr_stream *stream, const gr_stream_def *def, const gr_labels *labels, gr_error *err) {
    const int16_t *label = def->drop_by_truth ? labels->truth : labels->revealed;
    for (size_t i = 0; i < def->doc_count; i++)
        if (!stream->dropped[label[def->docs[i]] + 1] || (def->spared && def->spared[def->docs[i]]))
            return GR_OK;
    return nothing_left(err);
}

/* A stream over a dataset in memory: everything that gr_stream_next needs, with the first epoch packed. */
static gr_status open_stream(gr_stream *stream, const gr_dataset *data, const gr_labels *labels,
                             const gr_stream_def *def, gr_error *err) {
    /* Refuse before anything large is allocated. */
    GR_TRY(check_sizes(def->rows, def->width, data, labels, def->docs, def->doc_count, err));
    GR_TRY(set_drop(stream, def, labels->label_count, err));
    GR_TRY(check_left(stream, def, labels, err));

    /* Memory for one batch, and for the packing of any epoch. */
    stream->batch_rows = def->rows;
    stream->seed = def->seed;
    GR_TRY(gr__rows_init(&stream->batch, def->rows, def->width, data->value_width, err));
    GR_TRY(gr__pack_init(&stream->pack, data, labels, def->doc_count, def->width, def->mixed, err));

    /* Which documents are streamed at all. */
    stream->permutation = gr_alloc(data->topics.docs * sizeof *stream->permutation);
    stream->member = gr_alloc(data->topics.docs);
    for (size_t i = 0; i < def->doc_count; i++)
        stream->member[def->docs[i]] = true;

    /* A copy: the caller's table need not outlive the call. */
    if (def->spared) {
        stream->spared = gr_alloc(data->topics.docs + 1);
        memcpy(stream->spared, def->spared, data->topics.docs);
    }

    /* Epoch 0 is packed at once: its figures describe the stream. */
    load_epoch(stream, 0);
    const gr__pack *pack = &stream->pack;
    stream->facts = (gr_stream_facts){(int64_t)pack->row_count, pack->present,
                                      (double)pack->present / ((double)pack->row_count * pack->width), pack->cut};
    return GR_OK;
}

gr_status gr_stream_new(gr_stream **out, const gr_dataset *data, const gr_labels *labels, const gr_stream_def *def,
                        gr_error *err) {
    *out = NULL;
    gr_stream *stream = gr_alloc(sizeof *stream);
    gr_status status = open_stream(stream, data, labels, def, err);
    if (status == GR_OK)
        *out = stream;
    else
        gr_stream_free(stream);
    return status;
}

/* A stream over shards, whose rows are packed already. */
static gr_status open_shards(gr_stream *stream, const gr_shards *shards, const gr_stream_def *def, gr_error *err) {
    /* Rows were packed for one width; another would need other rows. */
    GR_TRY(check_batch(def->rows, def->width, err));
    if (def->width != shards->context)
        return gr_error_set(err, GR_ERR_USAGE, "stream", "take the context of the shards, or pack their rows anew",
                            "rows of %d positions from shards with rows of %d", def->width, shards->context);
    if (def->spared)
        return gr_error_set(err, GR_ERR_USAGE, "stream", "leave out all documents of a label, or read the sources",
                            "single documents are spared, and rows of shards are packed already");
    GR_TRY(set_drop(stream, def, shards->labels, err));

    /* The manifest counts documents by label, so that no shard need be read to see whether the filter leaves any. */
    const int64_t *documents = def->drop_by_truth ? shards->truth : shards->revealed;
    bool left = false;
    for (int i = 0; i < shards->labels + 2; i++)
        left = left || (documents[i] && !stream->dropped[i]);
    if (!left)
        return nothing_left(err);

    /* No pack of our own: gr_stream_next reads the shards'. */
    stream->shards = shards;
    stream->batch_rows = def->rows;
    stream->seed = def->seed;
    stream->facts =
        (gr_stream_facts){shards->rows, shards->positions,
                          (double)shards->positions / ((double)shards->rows * shards->context), shards->cut};
    return gr__rows_init(&stream->batch, def->rows, def->width, 0, err);
}

gr_status gr_stream_new_shards(gr_stream **out, const gr_shards *shards, const gr_stream_def *def, gr_error *err) {
    *out = NULL;
    gr_stream *stream = gr_alloc(sizeof *stream);
    gr_status status = open_shards(stream, shards, def, err);
    if (status == GR_OK)
        *out = stream;
    else
        gr_stream_free(stream);
    return status;
}

void gr_stream_free(gr_stream *stream) {
    if (!stream)
        return;
    gr__pack_clear(&stream->pack);
    gr__rows_clear(&stream->batch);
    gr_free(stream->permutation);
    gr_free(stream->member);
    gr_free(stream->dropped);
    gr_free(stream->spared);
    gr_free(stream);
}

gr_stream_facts gr_stream_describe(const gr_stream *stream) { return stream->facts; }

/* The shard that holds row `row` of an epoch: the last one that begins at or before it, by bisection. */
static const gr__shard *shard_of(const gr_shards *shards, int64_t row) {
    int low = 0, high = shards->count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (shards->shard[middle].first_row <= row)
            low = middle;
        else
            high = middle - 1;
    }
    return &shards->shard[low];
}

/* The pack that holds a row, numbered over all epochs, and the row's number there. */
static const gr__pack *find_row(gr_stream *stream, int64_t row, size_t *at) {
    /* Shards: every epoch has the same rows, in an order drawn for it. gr_random_place says which row comes at a
     * place of that order, without the order being in memory. */
    if (stream->shards) {
        int64_t rows = stream->shards->rows;
        gr_key key = {stream->seed, GR_STREAM_DATA, (uint32_t)(row / rows % GR__DRAW_SPLIT)};
        int64_t place = (int64_t)gr_random_place(key, (uint64_t)(row % rows), (uint64_t)rows);
        const gr__shard *shard = shard_of(stream->shards, place);
        *at = (size_t)(place - shard->first_row);
        return &shard->pack;
    }

    /* In memory: pack epochs until the one with the row is there. */
    while (row >= stream->first_row + (int64_t)stream->pack.row_count)
        next_epoch(stream);
    *at = (size_t)(row - stream->first_row);
    return &stream->pack;
}

void gr_stream_next(gr_stream *stream, int64_t step, gr_rows *out) {
    assert(step >= 0 && step <= INT64_MAX / stream->batch_rows - 1);
    int64_t row = step * stream->batch_rows;

    /* An earlier epoch than the packed one: begin again from epoch 0, since the number of rows of those between is not
     * kept. */
    if (row < stream->first_row) {
        stream->first_row = 0;
        load_epoch(stream, 0);
    }

    /* Fill the batch. A row whose documents are all dropped is left out, so a batch may have fewer rows; `unit` keeps
     * the number of each within the step, by which draws are keyed. */
    gr_rows *batch = &stream->batch;
    batch->sequences = 0;
    batch->present = 0;
    for (int32_t unit = 0; unit < stream->batch_rows; unit++, row++) {
        size_t at;
        const gr__pack *pack = find_row(stream, row, &at);
        gr__rows_append(batch, pack, at, unit, (gr__filter){stream->dropped, stream->by_truth, stream->spared});
    }
    *out = *batch;
}

/* ---- Scan -------------------------------------------------------------------------------------------------------- */

struct gr_scan {
    gr__pack pack;
    gr_rows batch; /* what gr_scan_next hands out */
    int batch_rows;
    size_t row; /* the next to hand out */
};

/* A scan packs the given documents once, in their order and without regard to labels: it serves evaluation, where
 * nothing is drawn. */
static gr_status open_scan(gr_scan *scan, const gr_dataset *data, const gr_labels *labels, const uint32_t *docs,
                           size_t count, int rows, int width, gr_error *err) {
    GR_TRY(check_sizes(rows, width, data, labels, docs, count, err));
    scan->batch_rows = rows;
    GR_TRY(gr__rows_init(&scan->batch, rows, width, data->value_width, err));
    GR_TRY(gr__pack_init(&scan->pack, data, labels, count, width, true, err));
    memcpy(scan->pack.order, docs, count * sizeof *docs);
    scan->pack.count = count;
    gr__pack_run(&scan->pack);
    return GR_OK;
}

gr_status gr_scan_new(gr_scan **out, const gr_dataset *data, const gr_labels *labels, const uint32_t *docs,
                      size_t count, int rows, int width, gr_error *err) {
    *out = NULL;
    gr_scan *scan = gr_alloc(sizeof *scan);
    gr_status status = open_scan(scan, data, labels, docs, count, rows, width, err);
    if (status == GR_OK)
        *out = scan;
    else
        gr_scan_free(scan);
    return status;
}

size_t gr_scan_plan(const gr_dataset *data, size_t count, int rows, int width) {
    return sizeof(gr_scan) + gr__pack_bytes(count) + gr__rows_bytes(rows, width, data->value_width);
}

bool gr_scan_next(gr_scan *scan, gr_rows *out) {
    gr_rows *batch = &scan->batch;
    batch->sequences = 0;
    batch->present = 0;
    while (batch->sequences < scan->batch_rows && scan->row < scan->pack.row_count) {
        gr__rows_append(batch, &scan->pack, scan->row, (int32_t)scan->row, (gr__filter){NULL, false, NULL});
        scan->row++;
    }
    *out = *batch;
    return batch->sequences > 0;
}

int64_t gr_scan_rows(const gr_scan *scan) { return (int64_t)scan->pack.row_count; }

void gr_scan_rewind(gr_scan *scan) { scan->row = 0; }

void gr_scan_free(gr_scan *scan) {
    if (!scan)
        return;
    gr__pack_clear(&scan->pack);
    gr__rows_clear(&scan->batch);
    gr_free(scan);
}
