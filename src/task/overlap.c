/* overlap.c - near duplicates across the borders that measures rest on: held-out text against training text, and
 * training text without a label against labelled text. */
#include <string.h>

#include "base/mem.h"
#include "gradroute/task.h"
#include "task/overlap.h"

/* Documents by what they are for; 0: nothing. */
typedef enum kind { NONE, TRAIN, TRAIN_FORGET, HELD, HELD_FORGET, KINDS } kind;

/* What is compared: documents, or pieces where these are split. */
static const gr_dataset *units_of(const gr_dataset *data) { return data->whole && !data->apart ? data->whole : data; }

/* The number of a document or piece among these. */
static uint32_t unit_of(const gr_dataset *data, uint32_t d) {
    return data->document && !data->apart ? data->document[d] : d;
}

/* Says of docs[count] what they are for; a document is of a label if one of its pieces is. */
static void mark(uint8_t *of, const gr_project *p, const uint32_t *docs, size_t count, kind plain) {
    for (size_t i = 0; i < count; i++) {
        uint8_t *at = &of[unit_of(p->data, docs[i])];
        bool forget = p->labels && p->labels->truth[docs[i]] > 0;
        *at = *at == (uint8_t)plain + 1 || forget ? (uint8_t)plain + 1 : (uint8_t)plain;
    }
}

/* Finds what is near; kinds are those of above. */
static gr_status find(gr_near *near, uint8_t **kinds, const gr_project *p, const volatile sig_atomic_t *stop,
                      gr_error *err) {
    const gr_dataset *data = p->data, *units = units_of(data);
    gr_near_def def = gr_near_default();

    /* Every document once, by what it is for. */
    uint8_t *of = *kinds = gr_alloc(units->topics.docs);
    mark(of, p, data->train, data->train_count, TRAIN);
    mark(of, p, data->validation, data->validation_count, HELD);
    mark(of, p, data->test, data->test_count, HELD);

    /* Across the borders alone: what is alike within a part is nobody's harm. */
    def.kind = of;
    def.stop = stop;
    for (int held = HELD; held <= HELD_FORGET; held++)
        def.compare[held] = 1 << TRAIN | 1 << TRAIN_FORGET;
    def.compare[TRAIN] = 1 << TRAIN_FORGET | 1 << HELD | 1 << HELD_FORGET;
    def.compare[TRAIN_FORGET] = 1 << TRAIN | 1 << HELD | 1 << HELD_FORGET;
    gr_status status = gr_near_find(near, units, p->tokenizer, &def, err);
    if (status != GR_OK) {
        gr_free(of);
        *kinds = NULL;
    }
    return status;
}

gr_status gr_project_overlap(gr_overlap *o, const gr_project *p, gr_error *err) {
    gr_near near;
    uint8_t *kinds;
    *o = (gr_overlap){.dropped = p->near_dropped};
    if (!p->data || p->shards || p->data->values)
        return GR_OK;
    GR_TRY(find(&near, &kinds, p, NULL, err));

    /* Held-out text counts if it is near any training text, training text without a label if it is near labelled text.
     */
    const unsigned trained = 1u << TRAIN | 1u << TRAIN_FORGET;
    o->compared = true;
    for (size_t d = 0; d < units_of(p->data)->topics.docs; d++) {
        bool held = kinds[d] >= HELD,
             overlaps = held ? near.kinds[d] & trained : kinds[d] == TRAIN && near.kinds[d] >> TRAIN_FORGET & 1;
        int64_t *count = kinds[d] == HELD_FORGET ? &o->held_forget : held ? &o->held_other : &o->unlabelled;
        o->held += held;
        o->labelled += kinds[d] == TRAIN_FORGET;
        if (!overlaps)
            continue;

        /* The first of each is shown. */
        uint32_t *example = held ? o->held_example : o->unlabelled_example;
        if (!*count && !(held && o->held_forget + o->held_other)) {
            example[0] = (uint32_t)d;
            example[1] = near.other[d];
        }
        ++*count;
    }
    gr_near_free(&near);
    gr_free(kinds);
    return GR_OK;
}

/* ---- dropping ---- */

/* Those of docs[count] that are near nothing stay, in place; returns how many. */
static size_t keep(uint32_t *docs, size_t count, const gr_dataset *data, const gr_near *near) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!near->kinds[unit_of(data, docs[i])])
            docs[kept++] = docs[i];
    return kept;
}

gr_status gr__project_drop_near(gr_project *p, const volatile sig_atomic_t *stop, gr_error *err) {
    gr_dataset *data = p->data;
    gr_near near;
    uint8_t *kinds;
    GR_TRY(find(&near, &kinds, p, stop, err));

    /* There are no labels yet: what is held out is of kind HELD. */
    for (size_t d = 0; d < units_of(data)->topics.docs; d++)
        p->near_dropped += kinds[d] == HELD && near.kinds[d];

    /* The lists are the dataset's own once it was divided. */
    data->validation_count = keep((uint32_t *)data->validation, data->validation_count, data, &near);
    data->test_count = keep((uint32_t *)data->test, data->test_count, data, &near);
    gr_near_free(&near);
    gr_free(kinds);

    /* With nothing left to measure on there is no result. */
    if (p->near_dropped && !data->validation_count && !data->test_count)
        return gr_error_set(err, GR_ERR_USAGE, "data.dedupe", "hold out more, or dedupe: exact",
                            "all held-out documents, %lld, are near a training document", (long long)p->near_dropped);
    return GR_OK;
}
