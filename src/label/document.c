/* document.c - the labels of a document and its tokens: which labels fit, and which of them it is.
 *
 * Each source scores the positions of the document at hand. A score of at least the label's threshold makes the
 * position true of it; of a soft label any score above 0 is shown. The labels that fit a position are a set of bits,
 * which combined labels (all_of) are added to, and one label is chosen from the set. Positions are the tokens and the
 * end token; without labels of tokens there is a single position, the document. */
#include <string.h>

#include "base/mem.h"
#include "label/labelling.h"

/* Room for the positions of a document; doubled, so that growing is rare. */
static void reserve(gr__labelling *m, size_t positions) {
    if (positions <= m->most)
        return;
    m->most = 2 * positions;
    m->fit = gr_realloc(m->fit, m->most * sizeof *m->fit);
    m->true_fit = gr_realloc(m->true_fit, m->most * sizeof *m->true_fit);
    m->unknown = gr_realloc(m->unknown, m->most * sizeof *m->unknown);
    for (int k = 0; k < m->labels->label_count; k++)
        m->sources[k].score = gr_realloc(m->sources[k].score, m->most * sizeof(gr_real));
}

/* Sources that find stretches of text leave them in m->spans: here they become scores of tokens, or of the whole
 * document. */
void gr__label_mark(gr__label_draft *label, const gr__labelling *m, size_t positions) {
    if (label->per != GR_PER_DOCUMENT) {
        gr__doc_text_mark(&m->text, label->score, &m->spans);
        return;
    }
    for (size_t i = 0; i < positions; i++)
        label->score[i] = m->spans.count > 0;
}

/* Scores of label k, and from them which positions it fits. */
static gr_status fit_label(gr__labelling *m, int k, size_t d, size_t positions, gr_error *err) {
    gr__label_draft *s = &m->sources[k];

    /* The source's scores, from 0. */
    for (size_t i = 0; i < positions; i++)
        s->score[i] = 0;
    GR_TRY(s->source->score(s, m, d, positions, err));

    /* A label per sentence or piece: one match makes all of it the label. */
    if (s->per == GR_PER_SENTENCE && s->source->unit == GR__UNIT_ANY)
        gr__doc_text_spread(&m->text, s->score);
    if (s->per == GR_PER_PIECE && s->source->unit == GR__UNIT_ANY)
        gr__label_spread_pieces(m->pieces, s->score, positions);

    /* Scores become bits: what is true, and what is shown (of a soft label, everything above 0). */
    bool fits = false;
    for (size_t i = 0; i < positions; i++) {
        bool is_true = s->score[i] >= s->least && s->score[i] > 0;
        bool shown = s->soft ? s->score[i] > 0 : is_true;
        fits |= is_true;
        m->true_fit[i] |= (uint64_t)is_true << k;
        m->fit[i] |= (uint64_t)shown << k;
    }
    s->fits += fits;
    return GR_OK;
}

/* Adds the combined labels all of whose parts are in the set. */
static void combine(gr__labelling *m, uint64_t *fit) {
    for (int k = 0; k < m->labels->label_count; k++)
        if (m->combined >> k & 1 && (*fit & m->sources[k].parts) == m->sources[k].parts)
            *fit |= (uint64_t)1 << k;
}

/* The label of a set: the lowest-numbered combined one, else the lowest-numbered; 0 (core) for none. */
int16_t gr__label_choose(const gr__labelling *m, uint64_t fit) {
    uint64_t best = fit & m->combined ? fit & m->combined : fit;
    return (int16_t)(best ? __builtin_ctzll(best) + 1 : 0);
}

/* What a soft label's score is; of a combined one the least of its parts. */
static gr_real score_of(const gr__labelling *m, int16_t label, size_t i) {
    if (label < 1)
        return 1;
    const gr__label_draft *s = &m->sources[label - 1];
    uint64_t parts = s->parts ? s->parts : (uint64_t)1 << (label - 1);
    gr_real least = 1;
    for (int k = 0; k < m->labels->label_count; k++)
        if (parts >> k & 1 && m->sources[k].soft)
            least = m->sources[k].score[i] < least ? m->sources[k].score[i] : least;
    return least;
}

/* The label that sums up a document of which these are some: as gr__label_choose has it among those that occur; without
 * any, unlabelled before core. */
int16_t gr__label_sum(const gr__labelling *m, const int16_t *label, size_t n) {
    uint64_t fit = 0;
    bool unlabelled = false;
    for (size_t i = 0; i < n; i++) {
        fit |= label[i] > 0 ? (uint64_t)1 << (label[i] - 1) : 0;
        unlabelled |= label[i] < 0;
    }
    return fit ? gr__label_choose(m, fit) : unlabelled ? GR_LABEL_UNLABELLED : GR_LABEL_CORE;
}

/* Labels document d: truth, what is shown before any noise, and scores, in the tables of tokens or, without labels of
 * tokens, in those of documents. */
gr_status gr__label_document(gr__labelling *m, size_t d, gr_error *err) {
    gr_labels *l = m->labels;
    size_t tokens = m->tokens ? m->data->offsets[d + 1] - m->data->offsets[d] : 0;
    size_t positions = tokens + 1, at = gr__label_place(m, d);
    int16_t *truth = m->tokens ? l->token_truth : l->truth, *shown = m->tokens ? l->token_revealed : l->revealed;
    gr_real *score = m->tokens ? l->token_score : l->score;

    /* The text is decoded once for all sources. */
    if (m->texts)
        gr__doc_text_load(&m->text, m->data, m->tokenizer, d);
    reserve(m, positions);
    memset(m->fit, 0, positions * sizeof *m->fit);
    memset(m->true_fit, 0, positions * sizeof *m->true_fit);
    memset(m->unknown, 0, positions * sizeof *m->unknown);

    /* What fits, by label. */
    for (int k = 0; k < l->label_count; k++)
        if (!(m->combined >> k & 1))
            GR_TRY(fit_label(m, k, d, positions, err));

    /* The label of each position. Where nothing fits but a score says that nothing is known, it is unlabelled, not
     * core. */
    for (size_t i = 0; i < positions; i++) {
        combine(m, &m->fit[i]);
        combine(m, &m->true_fit[i]);
        truth[at + i] = gr__label_choose(m, m->true_fit[i]);
        shown[at + i] = gr__label_choose(m, m->fit[i]);
        if (!shown[at + i] && m->unknown[i])
            shown[at + i] = GR_LABEL_UNLABELLED;
        if (score)
            score[at + i] = score_of(m, shown[at + i], i);
    }

    /* And of the document, from those of its tokens. */
    if (m->tokens) {
        l->truth[d] = gr__label_sum(m, truth + at, positions);
        l->revealed[d] = gr__label_sum(m, shown + at, positions);
    }
    return GR_OK;
}
