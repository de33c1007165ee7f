/* pack.c - best-fit packing over a few open rows per label.
 *
 * Documents come in the order of the epoch. Each goes into the open row of its label where it leaves the least room
 * (best fit of bin packing, with a bounded number of open bins); a row is emitted when it is full, when a new one needs
 * its place, or at the end of the epoch. Nothing is allocated after gr__pack_init. */
#include "stream/pack.h"

#include <string.h>

#include "base/mem.h"

/* A document of n tokens takes n + 1 positions, a piece that goes on n; at most a row. */
static int32_t positions(const gr__pack *pack, uint32_t doc) {
    uint64_t n = gr_dataset_targets(pack->data, doc);
    return n < (uint64_t)pack->width ? (int32_t)n : pack->width;
}

gr_status gr__pack_init(gr__pack *pack, const gr_dataset *data, const gr_labels *labels, size_t most, int width,
                        bool mixed, gr_error *err) {
    *pack = (gr__pack){.data = data, .labels = labels, .width = width, .mixed = mixed, .most = most};

    /* Labels run from -1 (unlabelled) over 0 (core) to label_count: that is label_count + 2 buckets, and one more for
     * uneven documents. */
    pack->buckets = mixed ? 1 : labels->label_count + 3;

    /* An entry per document: a corpus may be large, so these allocations are allowed to fail. */
    pack->order = gr_alloc_try(most * sizeof *pack->order);
    pack->next = gr_alloc_try(most * sizeof *pack->next);
    pack->rows = gr_alloc_try(most * sizeof *pack->rows);
    pack->open = gr_alloc((size_t)pack->buckets * GR__OPEN_ROWS * sizeof *pack->open);
    pack->open_count = gr_alloc((size_t)pack->buckets * sizeof *pack->open_count);

    /* The caller clears the pack, whatever was allocated. */
    if (!pack->order || !pack->next || !pack->rows)
        return gr_error_set(err, GR_ERR_MEMORY, "stream", "use a smaller corpus", "no memory to pack %zu documents",
                            most);
    return GR_OK;
}

size_t gr__pack_bytes(size_t most) {
    const gr__pack *pack = NULL;
    size_t open = GR__OPEN_ROWS * sizeof *pack->open + sizeof *pack->open_count; /* of one bucket */
    return open + most * (sizeof *pack->order + sizeof *pack->next + sizeof *pack->rows);
}

void gr__pack_clear(gr__pack *pack) {
    gr_free(pack->order);
    gr_free(pack->next);
    gr_free(pack->rows);
    gr_free(pack->open);
    gr_free(pack->open_count);
    *pack = (gr__pack){0};
}

/* Closes the bucket's i-th open row. */
static void emit(gr__pack *pack, int bucket, int i) {
    gr__packed_row *open = pack->open + bucket * GR__OPEN_ROWS;
    int left = --pack->open_count[bucket];
    pack->rows[pack->row_count++] = open[i];
    memmove(open + i, open + i + 1, (size_t)(left - i) * sizeof *open);
}

/* The open row with the most positions taken, but at most `most`; the oldest of equals; -1 when there is none. */
static int fullest(const gr__packed_row *open, int count, int32_t most) {
    int best = -1;
    for (int i = 0; i < count; i++)
        if (open[i].used <= most && (best < 0 || open[i].used > open[best].used))
            best = i;
    return best;
}

/* Into the open row that it fills best; when none has, the fullest makes way for a new one. */
static void place(gr__pack *pack, uint32_t at, int bucket, int32_t need) {
    gr__packed_row *open = pack->open + bucket * GR__OPEN_ROWS;

    /* Best fit: of the rows that still have room for the document, the one that is fullest. */
    int *count = &pack->open_count[bucket], i = fullest(open, *count, pack->width - need);

    /* Append to that row's chain; without such a row begin one, and if all places are taken the fullest row makes way:
     * it is the one least likely to take another document. */
    if (i >= 0) {
        pack->next[open[i].last] = at;
        open[i].last = at;
        open[i].used += need;
    } else {
        if (*count == GR__OPEN_ROWS)
            emit(pack, bucket, fullest(open, *count, pack->width));
        i = (*count)++;
        open[i] = (gr__packed_row){at, at, need};
    }

    /* The document ends its row's chain for now. A full row takes nothing more, so it leaves at once. */
    pack->next[at] = UINT32_MAX;
    if (open[i].used == pack->width)
        emit(pack, bucket, i);
}

/* The bucket whose rows may take a document: its label + 1 (labels begin at -1), or the last one for documents whose
 * tokens have different labels. They would make any row uneven, so they have rows of their own. */
static int bucket_of(const gr__pack *pack, uint32_t doc) {
    const gr_labels *labels = pack->labels;
    if (pack->mixed)
        return 0;
    if (labels->uneven && labels->uneven[doc])
        return labels->label_count + 2;

    /* Tokens that have labels of their own agree here, since uneven documents were met above: the first one tells. What
     * sums a piece up may be a label of its whole document, which none of its own tokens has. */
    if (labels->token_revealed)
        return labels->token_revealed[pack->data->offsets[doc] + doc] + 1;
    return labels->revealed[doc] + 1;
}

void gr__pack_run(gr__pack *pack) {
    /* Each document goes into an open row; full rows are emitted on the way. */
    pack->row_count = 0;
    pack->present = pack->cut = 0;
    for (uint32_t i = 0; i < pack->count; i++) {
        uint32_t doc = pack->order[i];
        int32_t need = positions(pack, doc);
        place(pack, i, bucket_of(pack, doc), need);
        pack->present += need;
        pack->cut += gr_dataset_targets(pack->data, doc) > (uint64_t)pack->width;
    }

    /* The epoch is over: emit what is still open, the oldest rows first. */
    for (int b = 0; b < pack->buckets; b++)
        while (pack->open_count[b])
            emit(pack, b, 0);
}

size_t gr__rows_bytes(int rows, int width, int x_width) {
    size_t n = (size_t)rows * (size_t)width;
    return n * (1 + (size_t)x_width) * sizeof(gr_real) + (n * 4 + (size_t)rows) * sizeof(int32_t) +
           n * 2 * sizeof(int16_t);
}

gr_status gr__rows_init(gr_rows *out, int rows, int width, int x_width, gr_error *err) {
    /* One block holds all arrays but x: [rows][width] of score; of ids, targets, start and doc; of label and truth; and
     * unit [rows]. The widest numbers come first, so that each array is aligned. */
    size_t n = (size_t)rows * (size_t)width;

    /* x holds the values of samples, [rows * width][x_width], and exists for samples alone. */
    gr_real *block = gr_alloc_try(gr__rows_bytes(rows, width, 0));
    gr_real *x = x_width && block ? gr_alloc_try(n * (size_t)x_width * sizeof *x) : NULL;
    if (!block || (x_width && !x)) {
        gr_free(block);
        return gr_error_set(err, GR_ERR_MEMORY, "stream", "use smaller batches", "no memory for %d rows of %d", rows,
                            width);
    }

    /* Hand the block out piece by piece, in the order of its layout. */
    *out = (gr_rows){.width = width, .score = block, .ids = (int32_t *)(block + n), .x = x, .x_width = x_width};
    out->targets = out->ids + n;
    out->start = out->targets + n;
    out->doc = out->start + n;
    out->unit = out->doc + n;
    out->label = (int16_t *)(out->unit + rows);
    out->truth = out->label + n;
    return GR_OK;
}

void gr__rows_clear(gr_rows *rows) {
    gr_free(rows->score);
    gr_free(rows->x);
    *rows = (gr_rows){0};
}

/* Marks positions [from, to) of a row as empty. `row` is the row's first position in the batch. A target of -1 and a
 * label of GR_LABEL_ABSENT keep them out of every loss; each begins a document of its own, so attention sees nothing
 * across them. */
static void put_absent(gr_rows *out, size_t row, int32_t from, int32_t to, int32_t eot) {
    for (int32_t t = from; t < to; t++) {
        out->ids[row + (size_t)t] = eot;
        out->targets[row + (size_t)t] = -1;
        out->start[row + (size_t)t] = t;
        out->doc[row + (size_t)t] = -1;
        out->label[row + (size_t)t] = out->truth[row + (size_t)t] = GR_LABEL_ABSENT;
        out->score[row + (size_t)t] = 0;
    }
}

/* Multiplies the scores of `count` positions from t on by the factor that their label gives the token predicted. */
static void scale_by_target(gr_rows *out, const gr_labels *labels, size_t t, size_t count) {
    for (size_t end = t + count; t < end; t++) {
        const gr_real *factor = out->label[t] > 0 ? labels->target_score[out->label[t] - 1] : NULL;
        out->score[t] *= factor ? factor[out->targets[t]] : 1;
    }
}

/* Writes document `doc` to positions [from, from + length) of the row that begins at position `row` of the batch.
 * Inputs are <start> t1 .. tn, targets t1 .. tn <eot>: a position has the label of the token it predicts. A piece that
 * goes on begins with the token before it, and has no <eot> unless it is the last. */
static void put_document(gr_rows *out, size_t row, int32_t from, int32_t length, const gr__pack *pack, uint32_t doc) {
    const gr_dataset *data = pack->data;
    const gr_labels *labels = pack->labels;
    const int32_t *ids = data->ids + data->offsets[doc];
    uint64_t n = data->offsets[doc + 1] - data->offsets[doc];

    /* What holds for the whole document, position by position. */
    for (int32_t i = 0; i < length; i++) {
        size_t t = row + (size_t)(from + i);
        out->ids[t] = i ? ids[i - 1] : gr_dataset_before(data, doc);
        out->targets[t] = (uint64_t)i < n ? ids[i] : data->eot;
        out->start[t] = from;
        out->doc[t] = pack->first_doc + (int32_t)doc;
        out->label[t] = labels->revealed[doc];
        out->truth[t] = labels->truth[doc];
        out->score[t] = labels->score ? labels->score[doc] : 1;
    }

    /* Labels and scores by token replace those of the document. Their tables have an entry more per document than there
     * are tokens (for <eot>), so document doc begins at offsets[doc] + doc. */
    size_t from_t = row + (size_t)from, from_d = data->offsets[doc] + doc, count = (size_t)length;
    if (labels->token_revealed) {
        memcpy(out->label + from_t, labels->token_revealed + from_d, count * sizeof *out->label);
        memcpy(out->truth + from_t, labels->token_truth + from_d, count * sizeof *out->truth);
    }
    if (labels->token_score)
        memcpy(out->score + from_t, labels->token_score + from_d, count * sizeof *out->score);
    if (labels->target_score)
        scale_by_target(out, labels, from_t, count);
    out->present += length;
}

/* Writes a sample of bytes, v[value_width], to position t: values (v / 255 - mean) / std, and its class as the target.
 * The formula is turned into v * scale - shift, a product and a difference per value. */
static void put_sample(gr_rows *out, size_t t, const gr_dataset *data, uint32_t doc) {
    const uint8_t *v = data->values + (size_t)doc * (size_t)data->value_width;
    gr_real *x = out->x + t * (size_t)data->value_width;
    const gr_real scale = (gr_real)(1 / (255 * data->std)), shift = (gr_real)(data->mean / data->std);
    for (int32_t i = 0; i < data->value_width; i++)
        x[i] = (gr_real)v[i] * scale - shift;
    out->targets[t] = data->topics.of[doc];
}

/* Whether the filter leaves the document out, going by the true label (a filtered twin) or by the label that is
 * shown. */
static bool is_dropped(const gr__pack *pack, uint32_t doc, gr__filter filter) {
    const int16_t *label = filter.by_truth ? pack->labels->truth : pack->labels->revealed;
    return filter.dropped && filter.dropped[label[doc] + 1] && !(filter.spared && filter.spared[doc]);
}

void gr__rows_append(gr_rows *out, const gr__pack *pack, size_t r, int32_t unit, gr__filter filter) {
    size_t row = (size_t)out->sequences * (size_t)out->width;
    int32_t at = 0;
    bool any = false;

    /* Walk the row's chain of documents. A dropped one leaves a gap of its own length: what remains stands where it
     * stands without the filter, so runs with and without it are comparable. */
    for (uint32_t i = pack->rows[r].first; i != UINT32_MAX; i = pack->next[i]) {
        uint32_t doc = pack->order[i];
        int32_t length = positions(pack, doc);
        bool dropped = is_dropped(pack, doc, filter);
        if (dropped)
            put_absent(out, row, at, at + length, pack->data->eot);
        else
            put_document(out, row, at, length, pack, doc);
        if (!dropped && pack->data->values)
            put_sample(out, row + (size_t)at, pack->data, doc);
        any |= !dropped;
        at += length;
    }

    /* A row without a document is not handed out: row_count stays, and the next row overwrites it. */
    if (!any)
        return;
    put_absent(out, row, at, out->width, pack->data->eot);
    out->unit[out->sequences++] = unit;
}
