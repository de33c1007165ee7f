/* share.c - which documents of a label stay where a share of them is left out. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "corpus/dataset.h"
#include "method/view.h"

/* A document, or all pieces of one, and its place in the keyed order. */
typedef struct placed {
    uint64_t bits;
    uint32_t unit;
} placed;

/* Two documents at one place, which is next to impossible, stand by their numbers: so the order is one. */
static int by_place(const void *a, const void *b) {
    const placed *x = a, *y = b;
    if (x->bits != y->bits)
        return x->bits < y->bits ? -1 : 1;
    return x->unit < y->unit ? -1 : x->unit > y->unit;
}

/* What pieces of one document have in common. */
static uint32_t unit_of(const gr_dataset *data, uint32_t doc) {
    const uint32_t *document = gr_dataset_drawn_by(data);
    return document ? document[doc] : doc;
}

/* Numbers of what is left out or stays as a whole. */
static size_t units_of(const gr_dataset *data) {
    return gr_dataset_drawn_by(data) ? data->whole->topics.docs : data->topics.docs;
}

/* The training documents of one label in the order in which they are left out: a new list of *count. No document's
 * place depends on which others there are. */
static placed *order_of(size_t *count, const gr_project *p, const int16_t *label, int16_t k) {
    const gr_dataset *data = p->data;
    bool *seen = gr_alloc(units_of(data) + 1);
    placed *order = gr_alloc((data->train_count + 1) * sizeof *order);
    const gr_key key = {p->recipe->split_seed, GR_STREAM_SHARE, (uint32_t)k};
    *count = 0;

    /* Each once, however many pieces it has. */
    for (size_t i = 0; i < data->train_count; i++) {
        const uint32_t unit = unit_of(data, data->train[i]);
        if (label[data->train[i]] != k || seen[unit])
            continue;
        seen[unit] = true;
        order[(*count)++] = (placed){gr_random_bits(key, unit, 0), unit};
    }

    qsort(order, *count, sizeof *order, by_place);
    gr_free(seen);
    return order;
}

/* Marks the documents of one label that lie behind the share. */
static void spare(bool *spared, const gr_project *p, const int16_t *label, int16_t k, double share) {
    const gr_dataset *data = p->data;
    size_t count;
    placed *order = order_of(&count, p, label, k);

    /* From the front of the order on they are left out. */
    bool *out = gr_alloc(units_of(data) + 1);
    for (size_t i = 0; i < count && i < (size_t)llround(share * (double)count); i++)
        out[order[i].unit] = true;

    /* All pieces of the others stay. */
    for (size_t i = 0; i < data->train_count; i++) {
        const uint32_t doc = data->train[i];
        spared[doc] = spared[doc] || (label[doc] == k && !out[unit_of(data, doc)]);
    }
    gr_free(out);
    gr_free(order);
}

/* Labels are what is true or what is shown, as the filter goes by them. */
bool *gr__shown_spared(const gr__shown *shown, double share) {
    if (share >= 1)
        return NULL;
    const gr_project *p = &shown->project;
    const int16_t *label = shown->by_truth ? p->labels->truth : p->labels->revealed;
    bool *spared = gr_alloc(p->data->topics.docs + 1);
    for (int i = 0; i < shown->drops; i++)
        spare(spared, p, label, shown->drop[i], share);
    return spared;
}

/* Shards tell how many documents have a label, and not which. */
gr_status gr__view_share_check(const gr_project *p, const gr_settings *settings, gr_error *err) {
    if (gr_settings_get(settings, "share")->number < 1 && p->shards)
        return gr_error_set(err, GR_ERR_USAGE, "share", "leave share out, or read the sources of the shards",
                            "a share of a label's documents is drawn, and rows of shards are packed already");
    return gr__view_labels_check(p, settings, err);
}
