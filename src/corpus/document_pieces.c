/* document_pieces.c - documents longer than a row in pieces that fill rows, so that every token is predicted once.
 *
 * A document of n tokens has n + 1 targets, its end token included. Piece i has the targets i * width up to
 * (i + 1) * width; its first input is the token before them. Tokens stay where they are: a piece is a stretch of them.
 */
#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "corpus/dataset.h"

enum { RUNS_MOST = 10 };
typedef enum part { TRAIN, HELD, GAP } part;

gr_pieces_def gr_pieces_default(void) { return (gr_pieces_def){.width = 128, .seed = 1}; }

/* How many pieces a document makes: its targets by `width`, rounded up. */
static uint64_t pieces_of(const gr_dataset *data, size_t doc, int width) {
    uint64_t targets = data->offsets[doc + 1] - data->offsets[doc] + 1;
    return (targets + (uint64_t)width - 1) / (uint64_t)width;
}

/* ---- which piece is of what ---- */

/* Arrays of a dataset of `count` pieces, all in one block. */
static gr_status make_arrays(gr_dataset *pieces, size_t count, gr_error *err) {
    size_t size = (count + 1) * sizeof(uint64_t) + 4 * count * sizeof(uint32_t);
    uint64_t *block = gr_alloc_try(size);
    if (!block)
        return gr_error_set(err, GR_ERR_MEMORY, "dataset", "use a smaller corpus or a larger context",
                            "no memory for %zu pieces of documents", count);

    /* Offsets of 8 bytes first, for their alignment; then document, topic, record and the split, 4 bytes each. */
    pieces->block = block;
    pieces->offsets = block;
    pieces->document = (uint32_t *)(block + count + 1);
    pieces->topics.of = (int32_t *)pieces->document + count;
    pieces->record = pieces->document + 2 * count;
    pieces->train = pieces->document + 3 * count;
    pieces->topics.docs = count;
    return GR_OK;
}

/* Where each piece begins, and what it has from its document. */
static void cut_up(gr_dataset *pieces, int width) {
    const gr_dataset *whole = pieces->whole;
    uint64_t *offsets = (uint64_t *)pieces->offsets;
    uint32_t *document = (uint32_t *)pieces->document, *record = (uint32_t *)pieces->record;
    int32_t *topic = (int32_t *)pieces->topics.of;
    size_t p = 0;

    /* The tokens of all pieces are those of the documents, so a piece ends where the next one begins. */
    for (size_t d = 0; d < whole->topics.docs; d++)
        for (uint64_t i = 0, n = pieces_of(whole, d, width); i < n; i++, p++) {
            offsets[p] = whole->offsets[d] + i * (uint64_t)width;
            document[p] = (uint32_t)d;
            record[p] = whole->record ? whole->record[d] : (uint32_t)d;
            topic[p] = whole->topics.of[d];
        }
    offsets[p] = whole->offsets[whole->topics.docs];
}

bool gr__pieces_hold(const gr_dataset *pieces) {
    const gr_dataset *whole = pieces->whole;
    size_t p = 0, count = pieces->topics.docs;

    /* The same walk as cut_up, comparing instead of writing. */
    for (size_t d = 0; d < whole->topics.docs; d++)
        for (uint64_t i = 0, n = pieces_of(whole, d, pieces->piece); i < n; i++, p++)
            if (p >= count || pieces->document[p] != d ||
                pieces->offsets[p] != whole->offsets[d] + i * (uint64_t)pieces->piece)
                return false;
    return p == count && pieces->offsets[p] == whole->offsets[whole->topics.docs];
}

/* ---- the split ---- */

/* A piece is in the part that its document is in. */
static void split_documents(const gr_dataset *pieces, uint8_t *of) {
    const gr_dataset *whole = pieces->whole;
    uint8_t *held = gr_alloc(whole->topics.docs);
    for (size_t i = 0; i < whole->validation_count; i++)
        held[whole->validation[i]] = HELD;
    for (size_t p = 0; p < pieces->topics.docs; p++)
        of[p] = held[pieces->document[p]];
    gr_free(held);
}

/* A piece beside one that is held out, of the same document, is in no part. */
static void leave_gaps(const gr_dataset *pieces, uint8_t *of) {
    const uint32_t *document = pieces->document;
    for (size_t p = 1; p < pieces->topics.docs; p++) {
        if (document[p] != document[p - 1])
            continue;
        if (of[p] == HELD && of[p - 1] == TRAIN)
            of[p - 1] = GAP;
        else if (of[p - 1] == HELD && of[p] == TRAIN)
            of[p] = GAP;
    }
}

/* Runs of pieces are held out, one somewhere in each equal stretch of the corpus: so many that gaps cost no more than
 * what is held out. */
static void split_runs(const gr_dataset *pieces, uint8_t *of, const gr_pieces_def *def) {
    size_t count = pieces->topics.docs, held = (size_t)lround(def->validation * (double)count);
    if (def->validation > 0 && !held)
        held = 1;
    if (!held)
        return;

    /* A run of at least two pieces, so that the gaps at its ends are no more than it is; and at most RUNS_MOST. */
    size_t runs = held / 2 < 1 ? 1 : held / 2 > RUNS_MOST ? RUNS_MOST : held / 2;

    /* Each stretch of the corpus has a run, its length a fair part of what is held out, its place drawn. */
    for (size_t r = 0; r < runs; r++) {
        size_t from = count * r / runs, to = count * (r + 1) / runs;
        size_t length = held * (r + 1) / runs - held * r / runs, room = to - from - length;
        double u = gr_random_uniform((gr_key){def->seed, GR_STREAM_DATA, GR__DRAW_RUNS}, r, 0);
        size_t first = from + (size_t)((double)(room + 1) * u);
        for (size_t i = 0; i < length; i++)
            of[first + i] = HELD;
    }
    leave_gaps(pieces, of);
}

/* Training, held out, and behind both what is in neither. */
static void list_parts(gr_dataset *pieces, const uint8_t *of) {
    size_t count = pieces->topics.docs, of_part[GAP + 1] = {0}, at[GAP + 1] = {0};
    uint32_t *list = (uint32_t *)pieces->train;

    /* How many pieces each part has, then where its list begins, then the lists. */
    for (size_t p = 0; p < count; p++)
        of_part[of[p]]++;
    for (int k = HELD; k <= GAP; k++)
        at[k] = at[k - 1] + of_part[k - 1];
    for (size_t p = 0; p < count; p++)
        list[at[of[p]]++] = (uint32_t)p;
    pieces->train_count = of_part[TRAIN];
    pieces->validation = list + of_part[TRAIN];
    pieces->validation_count = of_part[HELD];
    pieces->gaps = of_part[GAP];
}

/* Puts each piece into a part: with its document, or by runs where there are few documents. */
static void split(gr_dataset *pieces, const gr_pieces_def *def) {
    uint8_t *of = gr_alloc(pieces->topics.docs);
    if (pieces->apart)
        split_runs(pieces, of, def);
    else
        split_documents(pieces, of);
    list_parts(pieces, of);
    gr_free(of);
}

/* ---- all of it ---- */

gr_status gr_dataset_pieces(gr_dataset **data, const gr_pieces_def *def, gr_error *err) {
    gr_dataset *whole = *data;
    uint64_t count = 0;
    if (def->width < 1)
        return gr_error_set(err, GR_ERR_USAGE, "data", NULL, "pieces of %d tokens", def->width);

    /* Nothing changes where every document fits into a row. */
    for (size_t d = 0; d < whole->topics.docs; d++)
        count += pieces_of(whole, d, def->width);
    if (whole->values || count == whole->topics.docs)
        return GR_OK;
    if (count > INT32_MAX)
        return gr_error_set(err, GR_ERR_USAGE, "data", "use a larger context, or pack the corpus into shards",
                            "%llu pieces of documents: more than 2^31 - 1", (unsigned long long)count);

    /* What is said of the corpus stays; what is said of documents is said of pieces, and the rest is asked of
     * `whole`. */
    gr_dataset *pieces = gr_alloc(sizeof *pieces);
    *pieces = *whole;
    pieces->whole = whole;
    pieces->piece = def->width;
    pieces->apart = def->few && whole->topics.docs < GR_FEW_DOCUMENTS;
    pieces->bytes = pieces->lead = pieces->tail = NULL;
    pieces->keys = NULL;
    pieces->fields = NULL;
    pieces->field_count = 0;
    gr_status status = make_arrays(pieces, (size_t)count, err);
    if (status != GR_OK) {
        gr_free(pieces);
        return status;
    }

    cut_up(pieces, def->width);
    split(pieces, def);
    *data = pieces;
    return GR_OK;
}

void gr__dataset_free_pieces(gr_dataset *pieces) {
    gr_dataset_free(pieces->whole);
    gr_free(pieces->divided);
    gr_free(pieces->block);
    gr_free(pieces);
}

/* A piece that goes on has no end token to predict. */
uint64_t gr_dataset_targets(const gr_dataset *data, size_t doc) {
    bool goes_on = data->document && doc + 1 < data->topics.docs && data->document[doc + 1] == data->document[doc];
    return data->offsets[doc + 1] - data->offsets[doc] + !goes_on;
}

int32_t gr_dataset_before(const gr_dataset *data, size_t doc) {
    return gr__continues(data, doc) ? data->ids[data->offsets[doc] - 1] : data->start;
}

const uint32_t *gr_dataset_drawn_by(const gr_dataset *data) { return data->apart ? NULL : data->document; }

const char *gr_dataset_unit(const gr_dataset *data) {
    return data->values ? "samples" : data->apart ? "pieces" : "documents";
}

size_t gr_dataset_documents(const gr_dataset *data, const uint32_t *docs, size_t count) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += !data->document || !i || data->document[docs[i]] != data->document[docs[i - 1]];
    return n;
}
