/* From rows of labelled documents to micro-batches: classes, second showings, order.
 *
 * gr__assembly_fill asks the router about all rows at once and makes a list of showings: each sequence once, then once
 * more for each route with `repeat` that draws it. The list is sorted by class and copied out in that order, so that
 * most blocks of rows hold one class and are computed by plain products. gr__assembly_batch then lends a micro-batch of
 * the result. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "train/internal.h"

gr__assembly *gr__assembly_new(int rows, int width, int micro, const gr_router *router) {
    gr__assembly *a = gr_alloc(sizeof *a);
    a->rows = rows;
    a->width = width;
    a->micro = micro;
    a->router = router;
    a->copies = router ? gr_router_copies(router) : 0;

    /* Sizes: `most` showings, n positions. */
    size_t most = (size_t)rows * (size_t)(1 + a->copies), n = most * (size_t)width;
    size_t classes = router ? (size_t)gr_router_classes(router) : 1;

    /* What a pass reads, and what metrics want to know of it. */
    a->ids = gr_alloc(n * sizeof *a->ids);
    a->targets = gr_alloc(n * sizeof *a->targets);
    a->start = gr_alloc(n * sizeof *a->start);
    a->cls = gr_alloc(n * sizeof *a->cls);
    const bool mixes = router && gr_router_mixes(router);
    a->mix = mixes ? gr_alloc(n * sizeof *a->mix) : NULL;
    a->truth = gr_alloc(n * sizeof *a->truth);
    a->revealed = gr_alloc(n * sizeof *a->revealed);
    a->copy = gr_alloc(most);

    /* What the router decides of the rows as they come, and scratch of the sort. */
    a->drawn = gr_alloc(n * sizeof *a->drawn);
    a->score = mixes ? gr_alloc((size_t)rows * (size_t)width * sizeof *a->score) : NULL;
    a->from = gr_alloc(most * sizeof *a->from);
    a->key = gr_alloc(most * sizeof *a->key);
    a->order = gr_alloc(most * sizeof *a->order);
    a->count = gr_alloc((classes + 1) * sizeof *a->count);

    return a;
}

void gr__assembly_free(gr__assembly *a) {
    if (!a)
        return;
    void *owned[] = {a->x,    a->ids,   a->targets, a->start, a->cls,   a->mix, a->truth, a->revealed,
                     a->copy, a->drawn, a->score,   a->from,  a->order, a->key, a->count};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        gr_free(owned[i]);
    gr_free(a);
}

/* What the router decides of all rows: classes of every showing, and mixed scores. */
static void decide(gr__assembly *a, const gr_rows *rows, int64_t step) {
    if (a->router) {
        gr_router_rows view = {rows->sequences, rows->width, rows->label, rows->unit, rows->doc, rows->score};
        gr_router_show(a->router, a->drawn, a->score, &view, step);
        return;
    }
    for (int i = 0; i < rows->sequences * rows->width; i++)
        a->drawn[i] = rows->label[i] == GR_LABEL_ABSENT ? -1 : 0;
}

/* The class a sequence is sorted by: that of its first position that is present; -1 when there is none. */
static int32_t first_class(const int32_t *cls, int width) {
    for (int i = 0; i < width; i++)
        if (cls[i] >= 0)
            return cls[i];
    return -1;
}

/* Lists the showings: from[k] is the place of its classes in `drawn`, key[k] the class to sort by. First showings of
 * all rows, then second ones; what has no class at all is no showing. Returns how many are first ones. */
static int list_showings(gr__assembly *a, const gr_rows *rows, int64_t step) {
    int n = 0, first = 0;
    decide(a, rows, step);
    for (int k = 0; k <= a->copies; k++) {
        for (int r = 0; r < rows->sequences; r++) {
            const int at = k * rows->sequences + r;
            a->key[n] = first_class(a->drawn + (size_t)at * (size_t)rows->width, rows->width);
            if (a->key[n] >= 0)
                a->from[n++] = at;
        }
        if (k == 0)
            first = n;
    }

    a->sequences = n;
    return first;
}

/* order: the showings by class, as they came within a class: a counting sort. */
static void sort_showings(gr__assembly *a) {
    int classes = a->router ? gr_router_classes(a->router) : 1;

    /* count[c + 1] becomes the number of class c; summed up, count[c] is where class c begins. */
    memset(a->count, 0, ((size_t)classes + 1) * sizeof *a->count);
    for (int k = 0; k < a->sequences; k++)
        a->count[a->key[k] + 1]++;
    for (int c = 0; c < classes; c++)
        a->count[c + 1] += a->count[c];
    for (int k = 0; k < a->sequences; k++)
        a->order[a->count[a->key[k]]++] = k;
}

/* Writes sequence s: showing k of its row. Positions that a second showing leaves out predict nothing. */
static void place(gr__assembly *a, const gr_rows *rows, int s, int k) {
    size_t width = (size_t)rows->width, to = (size_t)s * width;
    size_t row = (size_t)(a->from[k] % rows->sequences) * width;
    int32_t base = (int32_t)(s % a->micro) * rows->width; /* where the sequence begins in its micro-batch */

    /* What a position holds is copied as it is, its class is that of this showing. */
    memcpy(a->ids + to, rows->ids + row, width * sizeof *a->ids);
    memcpy(a->cls + to, a->drawn + (size_t)a->from[k] * width, width * sizeof *a->cls);
    if (a->mix)
        memcpy(a->mix + to, a->score + row, width * sizeof *a->mix);
    memcpy(a->truth + to, rows->truth + row, width * sizeof *a->truth);
    memcpy(a->revealed + to, rows->label + row, width * sizeof *a->revealed);

    size_t values = (size_t)a->x_width;
    if (values)
        memcpy(a->x + to * values, rows->x + row * values, width * values * sizeof *a->x);

    /* Targets and beginnings of documents, and how many targets there are with second showings. */
    for (size_t i = 0; i < width; i++) {
        a->targets[to + i] = a->cls[to + i] < 0 ? -1 : rows->targets[row + i];
        a->start[to + i] = base + rows->start[row + i];
        a->targeted += a->targets[to + i] >= 0;
    }
}

void gr__assembly_fill(gr__assembly *a, const gr_rows *rows, int64_t step) {
    assert(rows->sequences <= a->rows && (rows->width == a->width || rows->sequences == 0));

    /* The width of samples is known with the first of them. */
    if (rows->x && !a->x) {
        a->x_width = rows->x_width;
        a->x =
            gr_alloc((size_t)a->rows * (size_t)(1 + a->copies) * (size_t)a->width * (size_t)a->x_width * sizeof *a->x);
    }
    assert(rows->x_width == a->x_width);

    /* A step counts each target once, whether its row is shown twice or left out by the router: what the others train
     * is trained as if they stood beside it. */
    a->step = step;
    a->targeted = a->denominator = 0;
    for (int i = 0; i < rows->sequences * rows->width; i++)
        a->denominator += rows->targets[i] >= 0 && rows->label[i] != GR_LABEL_ABSENT;

    /* List the showings, sort them, copy them out in order. */
    int first = list_showings(a, rows, step);
    sort_showings(a);
    for (int s = 0; s < a->sequences; s++) {
        a->copy[s] = a->order[s] >= first;
        place(a, rows, s, a->order[s]);
    }
}

int gr__assembly_batches(const gr__assembly *a) { return (a->sequences + a->micro - 1) / a->micro; }

gr_batch gr__assembly_batch(const gr__assembly *a, int index) {
    int first = index * a->micro, n = a->sequences - first < a->micro ? a->sequences - first : a->micro;
    size_t at = (size_t)first * (size_t)a->width;
    return (gr_batch){.positions = n * a->width,
                      .ids = a->ids + at,
                      .targets = a->targets + at,
                      .start = a->start + at,
                      .cls = a->cls + at,
                      .x = {a->x ? a->x + at * (size_t)a->x_width : NULL},
                      .mix = a->mix ? a->mix + at : NULL,
                      .denominator = (double)(a->denominator > 0 ? a->denominator : 1),
                      .first = (int64_t)at,
                      .step = a->step};
}
