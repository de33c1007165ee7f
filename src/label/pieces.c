/* pieces.c - labels of documents become those of their pieces; labels per piece.
 *
 * A document longer than a row is cut into pieces, which are then the documents of the dataset. Labels are made on
 * whole documents first. A piece then has its document's label, unless the label is per piece: of such a label it has
 * what its own tokens say. Tables of tokens are cut where the documents are. */
#include <string.h>

#include "base/mem.h"
#include "corpus/dataset.h"
#include "label/labelling.h"

void gr__label_spread_pieces(const gr_dataset *pieces, gr_real *score, size_t positions) {
    size_t width = pieces ? (size_t)pieces->piece : positions;

    /* Piece by piece: find the highest score, then write it everywhere. */
    for (size_t first = 0; first < positions; first += width) {
        size_t end = positions - first < width ? positions : first + width;
        gr_real most = 0;
        for (size_t i = first; i < end; i++)
            most = score[i] > most ? score[i] : most;
        for (size_t i = first; i < end; i++)
            score[i] = most;
    }
}

bool gr__label_is_of_pieces(const gr__labelling *m, int k) {
    const gr__label_draft *s = &m->sources[k - 1];
    return s->source && s->source->unit != GR__UNIT_DOCUMENT && s->per == GR_PER_PIECE;
}

/* ---- tables ---- */

/* The entries of piece p: those of its targets, and behind a piece that goes on the last one again, which no row reads.
 */
static void copy_entries(void *to, const void *from, size_t size, const gr_dataset *pieces, size_t p) {
    size_t n = pieces->offsets[p + 1] - pieces->offsets[p], targets = gr_dataset_targets(pieces, p);
    char *at = (char *)to + (pieces->offsets[p] + p) * size;
    memcpy(at, (const char *)from + (pieces->offsets[p] + pieces->document[p]) * size, targets * size);
    if (targets <= n)
        memcpy(at + n * size, at + (n - 1) * size, size);
}

/* Tables of tokens with an entry more for each further piece. */
static gr_status cut_tables(gr_labels *l, const gr_dataset *pieces, gr_error *err) {
    /* The new tables: an entry per token, and one per piece for what follows its last token. */
    size_t docs = pieces->topics.docs, n = pieces->offsets[docs] + docs;
    size_t scores = l->token_score ? n * sizeof(gr_real) : 0;
    char *tables = gr_alloc_try(scores + 2 * n * sizeof(int16_t));
    if (!tables)
        return gr_error_set(err, GR_ERR_MEMORY, "labels", "use a smaller corpus", "no memory for %zu labels", n);
    int16_t *truth = (int16_t *)(tables + scores), *revealed = truth + n;

    /* Copy each piece's part of the old tables. */
    for (size_t p = 0; p < docs; p++) {
        copy_entries(truth, l->token_truth, sizeof *truth, pieces, p);
        copy_entries(revealed, l->token_revealed, sizeof *revealed, pieces, p);
        if (scores)
            copy_entries(tables, l->token_score, sizeof(gr_real), pieces, p);
    }

    /* They take the place of the tables of whole documents. */
    gr_free(l->tables);
    l->tables = tables;
    l->token_score = scores ? (gr_real *)tables : NULL;
    l->token_truth = truth;
    l->token_revealed = revealed;
    return GR_OK;
}

/* ---- what sums a piece up ---- */

/* Labels that occur in entries [from, to) of a table, as bits; those of pieces alone or the others. */
static uint64_t occurring(const gr__labelling *m, const int16_t *table, size_t from, size_t to, bool of_pieces) {
    uint64_t fit = 0;
    for (size_t i = from; i < to; i++)
        if (table[i] > 0 && gr__label_is_of_pieces(m, table[i]) == of_pieces)
            fit |= (uint64_t)1 << (table[i] - 1);
    return fit;
}

/* Pieces [first, last) of one document: a label per piece is of its piece, others are of the whole document. */
static void sum_up(const gr__labelling *m, int16_t *sum, const int16_t *table, size_t first, size_t last) {
    const uint64_t *offsets = m->pieces->offsets;
    uint64_t shared = 0;
    bool unlabelled = false;

    /* What the document has: labels that are not per piece, over all its pieces, and whether some token is unlabelled,
     * unless by a label per piece that was hidden. */
    for (size_t p = first; p < last; p++) {
        shared |= occurring(m, table, offsets[p] + p, offsets[p + 1] + p + 1, false);
        for (size_t i = offsets[p] + p; i <= offsets[p + 1] + p; i++)
            unlabelled |= table[i] < 0 &&
                          !(m->labels->token_truth[i] > 0 && gr__label_is_of_pieces(m, m->labels->token_truth[i]));
    }

    /* Each piece: that, and the labels per piece that occur in it. Where nothing fits, unlabelled comes before core. */
    for (size_t p = first; p < last; p++) {
        size_t from = offsets[p] + p, to = offsets[p + 1] + p + 1;
        uint64_t fit = shared | occurring(m, table, from, to, true);
        sum[p] = fit ? gr__label_choose(m, fit) : gr__label_sum(m, table + from, to - from);
        if (!fit && unlabelled)
            sum[p] = GR_LABEL_UNLABELLED;
    }
}

/* Sums up the pieces of each document, in what is true and in what is shown. */
void gr__labels_sum_pieces(const gr__labelling *m) {
    gr_labels *l = m->labels;
    const uint32_t *document = m->pieces->document;
    for (size_t first = 0, last; first < l->docs; first = last) {
        last = first + 1;
        while (last < l->docs && document[last] == document[first])
            last++;
        sum_up(m, l->truth, l->token_truth, first, last);
        sum_up(m, l->revealed, l->token_revealed, first, last);
    }
}

gr_status gr__labels_cut(gr__labelling *m, gr_error *err) {
    gr_labels *l = m->labels;
    const gr_dataset *pieces = m->pieces;
    size_t docs = pieces->topics.docs;
    int16_t *truth = gr_arena_alloc(l->arena, docs * sizeof *truth),
            *revealed = gr_arena_alloc(l->arena, docs * sizeof *revealed);
    gr_real *score = l->score ? gr_alloc_try(docs * sizeof *score) : NULL;
    if (l->score && !score)
        return gr_error_set(err, GR_ERR_MEMORY, "labels", "use a smaller corpus", "no memory for %zu labels", docs);

    /* First a piece has what its document has. */
    for (size_t p = 0; p < docs; p++) {
        truth[p] = l->truth[pieces->document[p]];
        revealed[p] = l->revealed[pieces->document[p]];
        if (score)
            score[p] = l->score[pieces->document[p]];
    }

    /* The new arrays replace those of documents. */
    if (score) {
        gr_free(l->tables);
        l->tables = l->score = score;
    }
    l->truth = truth;
    l->revealed = revealed;
    l->group = gr_arena_alloc(l->arena, docs * sizeof *l->group);
    l->docs = docs;
    if (!l->token_truth)
        return GR_OK;

    /* Tables of tokens are cut, and then a piece has what its own tokens say of labels per piece. */
    l->uneven = gr_arena_alloc(l->arena, docs);
    GR_TRY(cut_tables(l, pieces, err));
    gr__labels_sum_pieces(m);
    return GR_OK;
}
