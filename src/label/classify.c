/* classify.c - scores of documents by a classifier that is fitted on the documents whose label is known. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/stop.h"
#include "corpus/dataset.h"
#include "gradroute/classify.h"
#include "label/fits.h"
#include "label/logistic.h"
#include "label/spread.h"

enum { PARTS = 5, LEAST_KNOWN = 10 };
static const double PENALTY = 1;

/* Keys of draws, beside those of noise.c: which documents stay known, and the part that each document is in. */
enum { DRAW_FROM = 3 << 16, DRAW_PART = 4 << 16, DRAW_PART_KNOWN = 5 << 16 };

/* Whole documents, as the classifier sees them. Nothing here is true of a document that nobody is told: truth stays
 * with the report. */
typedef struct rows {
    const gr_dataset *data;   /* whose documents they are */
    const uint32_t *document; /* the row of each document or piece of the labels; NULL: its own number */
    size_t count;
    bool *train, *known; /* [count] */
    uint8_t *part;       /* [count] 0 .. PARTS - 1 */
    double *margin;      /* [count] as the fit without the document's part has it */
    float *score;        /* [count] */
} rows;

static size_t row_of(const rows *r, size_t doc) { return r->document ? r->document[doc] : doc; }

/* Words of text, and labels of whole documents. */
static gr_status check(const gr_dataset *data, const gr_tokenizer *tokenizer, const gr_labels *labels,
                       const gr_spread_def *def, gr_error *err) {
    if (!data || !tokenizer || data->values)
        return gr_error_set(err, GR_ERR_USAGE, "labels", "leave it out",
                            "a classifier goes by words, and the data are no text");
    if (labels->token_revealed)
        return gr_error_set(err, GR_ERR_USAGE, "labels", "label documents (per: document)",
                            "a classifier finds whole documents, and these labels are of tokens, sentences or pieces");
    if (!(def->recall > 0 && def->recall <= 1 && def->lost >= 0 && def->lost <= 1))
        return gr_error_set(err, GR_ERR_USAGE, "labels", NULL,
                            "a recall of %g and a share lost of %g: expected shares between 0 and 1", def->recall,
                            def->lost);
    return GR_OK;
}

/* Documents beyond the first `from` of the known ones, in a keyed order, are known no more. */
static void limit_known(rows *r, size_t from, gr_key key) {
    uint32_t *list = gr_alloc((r->count + 1) * sizeof *list), *order = gr_alloc((r->count + 1) * sizeof *order), n = 0;
    for (size_t d = 0; d < r->count; d++)
        if (r->known[d])
            list[n++] = (uint32_t)d;

    gr_random_permutation(key, order, n);
    for (size_t i = from ? from : n; i < n; i++)
        r->known[list[order[i]]] = false;
    gr_free(list);
    gr_free(order);
}

/* Known training documents are dealt out in a keyed order, so that each part has as many; the others are drawn. Returns
 * how many known ones there are. */
static size_t draw_parts(rows *r, int16_t label, uint64_t seed) {
    uint32_t *list = gr_alloc((r->count + 1) * sizeof *list), *order = gr_alloc((r->count + 1) * sizeof *order), n = 0;
    for (size_t d = 0; d < r->count; d++) {
        r->part[d] =
            (uint8_t)(gr_random_bits((gr_key){seed, GR_STREAM_LABEL, (uint32_t)(DRAW_PART + label)}, d, 0) % PARTS);
        if (r->known[d] && r->train[d])
            list[n++] = (uint32_t)d;
    }

    gr_random_permutation((gr_key){seed, GR_STREAM_LABEL, (uint32_t)(DRAW_PART_KNOWN + label)}, order, n);
    for (size_t i = 0; i < n; i++)
        r->part[list[order[i]]] = (uint8_t)(i % PARTS);
    gr_free(list);
    gr_free(order);
    return n;
}

/* What is known, and what is trained on. What is shown as core and what is shown as unlabelled is the same here: as
 * hidden labels may be shown as either, the difference would tell where they are. */
static gr_status open_rows(rows *r, const gr_dataset *data, const gr_labels *labels, int16_t label,
                           const gr_spread_def *def, gr_error *err) {
    r->document = gr_dataset_drawn_by(data);
    r->data = r->document ? data->whole : data;
    r->count = r->data->topics.docs;
    r->train = gr_alloc(r->count + 1);
    r->known = gr_alloc(r->count + 1);
    r->part = gr_alloc(r->count + 1);
    r->margin = gr_alloc((r->count + 1) * sizeof *r->margin);
    r->score = gr_alloc((r->count + 1) * sizeof *r->score);

    /* A document is known where one of its pieces is. */
    for (size_t i = 0; i < data->train_count; i++)
        r->train[row_of(r, data->train[i])] = true;
    for (size_t d = 0; d < labels->docs; d++)
        r->known[row_of(r, d)] |= labels->revealed[d] == label;
    limit_known(r, def->from, (gr_key){def->seed, GR_STREAM_LABEL, (uint32_t)(DRAW_FROM + label)});
    size_t known = draw_parts(r, label, def->seed), all = 0;

    /* Each fit needs both kinds. */
    for (size_t d = 0; d < r->count; d++)
        all += r->train[d];
    if (known < LEAST_KNOWN || all - known < LEAST_KNOWN)
        return gr_error_set(err, GR_ERR_USAGE, labels->label_names[label - 1],
                            "reveal more of the label (known, from), or use more documents",
                            "%zu training documents are known to have the label and %zu are not: a classifier takes "
                            "%d of each",
                            known, all - known, LEAST_KNOWN);
    return GR_OK;
}

static void close_rows(rows *r) {
    gr_free(r->train);
    gr_free(r->known);
    gr_free(r->part);
    gr_free(r->margin);
    gr_free(r->score);
}

/* One fit without the documents of a part, which it then scores. */
static void score_part(rows *r, const gr__bag *bag, uint8_t part, const volatile sig_atomic_t *stop) {
    uint8_t *kind = gr_alloc(r->count + 1);
    double *w = gr_alloc((bag->features + 1) * sizeof *w);
    for (size_t d = 0; d < r->count; d++)
        if (r->train[d] && r->part[d] != part)
            kind[d] = r->known[d] ? GR__ROW_POSITIVE : GR__ROW_OTHER;

    gr__logistic_fit(w, bag, kind, PENALTY, stop);
    for (size_t d = 0; d < r->count; d++)
        if (r->part[d] == part)
            r->margin[d] = gr__logistic_margin(w, bag, d);
    gr_free(kind);
    gr_free(w);
}

/* To 16 bits, behind which the last bits of sums end. */
static float rounded(double score) {
    int exponent;
    double part = frexp(score, &exponent);
    return (float)ldexp(rint(ldexp(part, 16)), exponent - 16);
}

/* Margins become chances: the penalty shrinks them, by how much is seen on documents that the fits had not seen. A
 * logistic regression on the margin alone (Platt, "Probabilistic outputs for support vector machines", 1999). */
static void calibrate(rows *r, const volatile sig_atomic_t *stop) {
    uint8_t *kind = gr_alloc(r->count + 1);
    gr__bag one = {.rows = r->count, .features = 1};
    one.start = gr_alloc((r->count + 1) * sizeof *one.start);
    one.feature = gr_alloc((r->count + 1) * sizeof *one.feature);
    one.value = gr_alloc((r->count + 1) * sizeof *one.value);
    for (size_t d = 0; d < r->count; d++) {
        one.start[d + 1] = d + 1;
        one.value[d] = (float)r->margin[d];
        kind[d] = !r->train[d] ? GR__ROW_OUT : r->known[d] ? GR__ROW_POSITIVE : GR__ROW_OTHER;
    }

    /* Where margins say nothing their order stays as it is. */
    double w[2];
    gr__logistic_fit(w, &one, kind, 1e-6, stop);
    for (size_t d = 0; d < r->count; d++) {
        double margin = w[0] > 0 ? w[0] * r->margin[d] + w[1] : r->margin[d];
        r->score[d] = rounded(1 / (1 + exp(-margin)));
    }
    gr_free(one.start);
    gr_free(one.feature);
    gr_free(one.value);
    gr_free(kind);
}

/* Every document by the fit that has not seen it. A fit is one thread's work, so their number changes nothing. */
static gr_status score_rows(rows *r, const gr_tokenizer *tokenizer, const volatile sig_atomic_t *stop, gr_error *err) {
    gr__bag *bag;
    GR_TRY(gr__bag_new(&bag, r->data, tokenizer, stop, err));
#pragma omp parallel for schedule(dynamic)
    for (int part = 0; part < PARTS; part++)
        score_part(r, bag, (uint8_t)part, stop);
    calibrate(r, stop);
    gr__bag_free(bag);
    return gr__go_on(stop, "fitting a classifier", err);
}

/* All that decides scores, for data and words that are given: which documents are known, trained on, and in which
 * parts. */
static void key_of(char key[GR_DIGEST_HEX], const rows *r) {
    gr_digest *d = gr_digest_new();
    gr_digest_add(d, r->train, r->count * sizeof *r->train);
    gr_digest_add(d, r->known, r->count * sizeof *r->known);
    gr_digest_add(d, r->part, r->count * sizeof *r->part);
    gr_digest_end(d, key);
}

/* Scores as they were kept, or by fits, which are kept then. */
static gr_status find_scores(rows *r, const gr_tokenizer *tokenizer, const gr_spread_def *def, gr_error *err) {
    char key[GR_DIGEST_HEX];
    key_of(key, r);
    const float *kept = gr__fits_find(def->fits, key, r->count);
    if (kept) {
        memcpy(r->score, kept, r->count * sizeof *kept);
        return GR_OK;
    }
    GR_TRY(score_rows(r, tokenizer, def->stop, err));
    gr__fits_keep(def->fits, key, r->score, r->count);
    return GR_OK;
}

/* ---- thresholds and reports ---- */

/* A training document: its score, whether it is of those to be found, and its text. */
typedef struct item {
    double score, tokens;
    bool wanted;
} item;

static int by_score(const void *a, const void *b) {
    const item *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score); /* the highest first */
}

/* The share of pairs of a wanted and another item in which the wanted one has the higher score, ties a half. Sorted
 * items. */
static double auc_of(const item *items, size_t n) {
    double wanted = 0, pairs = 0, above = 0; /* wanted so far: all have a score above those that come */
    for (size_t i = 0, next; i < n; i = next) {
        double here = 0;
        for (next = i; next < n && items[next].score == items[i].score; next++)
            here += items[next].wanted;
        double others = (double)(next - i) - here;
        above += others * (wanted + here / 2);
        pairs += others;
        wanted += here;
    }
    return above / (pairs * wanted); /* NaN where one kind is missing */
}

/* The share of wanted documents, or of the text of the others, with a score from the threshold on. */
static double share_found(const item *items, size_t n, double threshold, bool wanted) {
    double found = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        double much = items[i].wanted != wanted ? 0 : wanted ? 1 : items[i].tokens;
        all += much;
        found += items[i].score >= threshold ? much : 0;
    }
    return found / all;
}

/* The threshold that the def asks for, of sorted items. */
static double threshold_of(const item *items, size_t n, const gr_spread_def *def) {
    double wanted = 0, text = 0, threshold = 2;
    for (size_t i = 0; i < n; i++) {
        wanted += items[i].wanted;
        text += items[i].wanted ? 0 : items[i].tokens;
    }

    /* From the highest score on, ties together, until enough is found or more would be too much. */
    double found = 0, lost = 0;
    for (size_t i = 0, next; i < n && (def->lost > 0 || found < ceil(def->recall * wanted)); i = next) {
        for (next = i; next < n && items[next].score == items[i].score; next++) {
            found += items[next].wanted;
            lost += items[next].wanted ? 0 : items[next].tokens;
        }
        if (def->lost > 0 && lost > def->lost * text)
            break;
        threshold = items[i].score;
    }
    return threshold;
}

/* What a report looks at: training documents, all by what is known, or those that are not known by what is true. */
static size_t list_items(item *items, const rows *r, const bool *truth) {
    size_t n = 0;
    for (size_t d = 0; d < r->count; d++)
        if (r->train[d] && !(truth && r->known[d]))
            items[n++] = (item){.score = (double)r->score[d],
                                .tokens = (double)(r->data->offsets[d + 1] - r->data->offsets[d] + 1),
                                .wanted = truth ? truth[d] : r->known[d]};
    qsort(items, n, sizeof *items, by_score);
    return n;
}

/* The documents that truly have the label: for the report, behind all that was decided. */
static bool *true_rows(const rows *r, const gr_labels *labels, int16_t label) {
    bool *truth = gr_alloc(r->count + 1);
    for (size_t d = 0; d < labels->docs; d++)
        truth[row_of(r, d)] |= labels->truth[d] == label;
    return truth;
}

/* Threshold and quality out of the parts that each fit has not seen, then the same by what is true. */
static void make_report(gr_spread_report *report, const rows *r, const gr_labels *labels, int16_t label,
                        const gr_spread_def *def) {
    item *items = gr_alloc((r->count + 1) * sizeof *items);
    size_t n = list_items(items, r, NULL);
    *report = (gr_spread_report){.threshold = threshold_of(items, n, def), .auc = auc_of(items, n)};
    double threshold = report->threshold;
    report->recall = share_found(items, n, threshold, true);
    report->lost = share_found(items, n, threshold, false);
    for (size_t i = 0; i < n; i++) {
        report->known += items[i].wanted;
        report->found += !items[i].wanted && items[i].score >= threshold;
    }

    bool *truth = true_rows(r, labels, label);
    n = list_items(items, r, truth);
    report->hidden_auc = auc_of(items, n);
    report->hidden_recall = share_found(items, n, threshold, true);
    report->core_lost = share_found(items, n, threshold, false);
    gr_free(truth);
    gr_free(items);
}

gr_spread_def gr_spread_default(void) { return (gr_spread_def){.recall = 0.9, .seed = 1}; }

gr_status gr__classify_check(const gr_dataset *data, const gr_tokenizer *tokenizer, const gr_labels *labels,
                             int16_t label, const gr_spread_def *def, gr_error *err) {
    rows r = {0};
    GR_TRY(check(data, tokenizer, labels, def, err));
    gr_status status = open_rows(&r, data, labels, label, def, err);
    close_rows(&r);
    return status;
}

gr_status gr_classify(float *score, bool *known, gr_spread_report *report, const gr_dataset *data,
                      const gr_tokenizer *tokenizer, const gr_labels *labels, int16_t label, const gr_spread_def *def,
                      gr_error *err) {
    rows r = {0};
    GR_TRY(check(data, tokenizer, labels, def, err));
    gr_status status = open_rows(&r, data, labels, label, def, err);
    if (status == GR_OK)
        status = find_scores(&r, tokenizer, def, err);

    /* A piece has what its document has. */
    for (size_t d = 0; d < labels->docs && status == GR_OK; d++) {
        score[d] = r.score[row_of(&r, d)];
        if (known)
            known[d] = r.known[row_of(&r, d)];
    }
    if (status == GR_OK && report)
        make_report(report, &r, labels, label, def);
    close_rows(&r);
    return status;
}
