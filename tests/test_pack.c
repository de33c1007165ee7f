/* test_pack.c - packing, the stream and the scan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "corpus/dataset.h"
#include "stream/pack.h"

enum { DOCS = 700, T = 48, B = 6, EOT = 0, START = 5000 };

/* ---- A dataset whose tokens say where they come from ------------------------------------------------------------- */

typedef struct world {
    gr_dataset *data;
    gr_labels *labels; /* "a" half known, hidden as core; "b" half known, hidden as unlabelled; topic "c" is core */
    uint32_t all[DOCS];
} world;

static char *topic_names[] = {"a", "b", "c"};

/* Token i of document d. */
static int32_t token(size_t d, size_t i) { return (int32_t)(1 + (d * 131 + i * 7) % 5000); }

/* Lengths 0 to 70 of which some do not fit the row. */
static size_t length(size_t d) { return gr_random_bits((gr_key){1, GR_STREAM_TEST, 0}, d, 0) % (d % 10 ? 25 : 71); }

static int make_world(void **state) {
    static world w;
    static int32_t ids[DOCS * 71], of[DOCS];
    static uint64_t offsets[DOCS + 1];
    static uint32_t bytes[DOCS];
    for (size_t d = 0; d < DOCS; d++) {
        offsets[d + 1] = offsets[d] + length(d);
        for (size_t i = 0; i < length(d); i++)
            ids[offsets[d] + i] = token(d, i);
        of[d] = d % 7 == 0 ? 0 : d % 7 == 1 ? 1 : 2;
        w.all[d] = (uint32_t)d;
    }
    gr_topics topics = {topic_names, 3, of, DOCS};
    gr__tokens tokens = {&topics, offsets, ids, bytes, 5001, EOT, NULL, START + 1, NULL};
    static const char *const a[] = {"a"}, *const b[] = {"b"};
    gr_label_def defs[] = {
        {.name = "a", .from = {{"is", .texts = a, .count = 1}}, .known = 0.5, .hidden_as = GR_HIDDEN_CORE},
        {.name = "b", .from = {{"is", .texts = b, .count = 1}}, .known = 0.5, .hidden_as = GR_HIDDEN_UNLABELLED}};
    if (gr__dataset_assemble(&w.data, &tokens, &(gr_dataset_def){.seed = 1}, NULL) ||
        gr_labels_new(&w.labels, &w.data->topics, defs, 2, NULL, 0, 1, NULL))
        return -1;
    *state = &w;
    return 0;
}

static int free_world(void **state) {
    world *w = *state;
    gr_labels_free(w->labels);
    gr_dataset_free(w->data);
    return 0;
}

static gr_stream *open_stream(const world *w, gr_stream_def def) {
    gr_stream *stream = NULL;
    gr_error err = {0};
    def.rows = def.rows ? def.rows : B;
    def.width = T;
    if (!def.docs) {
        def.docs = w->all;
        def.doc_count = DOCS;
    }
    if (gr_stream_new(&stream, w->data, w->labels, &def, &err))
        fail_msg("%s: %s", err.place, err.message);
    return stream;
}

static int32_t positions_of(size_t d) { return length(d) + 1 < T ? (int32_t)length(d) + 1 : T; }

/* ---- What every row promises ------------------------------------------------------------------------------------- */

static void check_absent(const gr_rows *rows, size_t at, int32_t t) {
    assert_int_equal(rows->ids[at], EOT);
    assert_int_equal(rows->targets[at], -1);
    assert_int_equal(rows->start[at], t);
    assert_int_equal(rows->label[at], GR_LABEL_ABSENT);
    assert_int_equal(rows->truth[at], GR_LABEL_ABSENT);
}

/* Checks the document that starts at position t of row r; returns its positions. */
static int32_t check_document(const world *w, const gr_rows *rows, int r, int32_t t) {
    size_t at = (size_t)r * T + (size_t)t;
    int32_t doc = rows->doc[at], n = positions_of((size_t)doc);
    assert_true(t + n <= T);
    for (int32_t i = 0; i < n; i++, at++) {
        assert_int_equal(rows->doc[at], doc);
        assert_int_equal(rows->start[at], t);
        assert_int_equal(rows->ids[at], i ? token((size_t)doc, (size_t)i - 1) : START);
        assert_int_equal(rows->targets[at], (size_t)i < length((size_t)doc) ? token((size_t)doc, (size_t)i) : EOT);
        assert_int_equal(rows->label[at], w->labels->revealed[doc]);
        assert_int_equal(rows->truth[at], w->labels->truth[doc]);
    }
    return n;
}

/* seen[d] counts how often document d occurs. */
static void check_rows(const world *w, const gr_rows *rows, int *seen, bool one_label) {
    int64_t present = 0;
    assert_int_equal(rows->width, T);
    for (int r = 0; r < rows->sequences; r++) {
        int label = GR_LABEL_ABSENT;
        for (int32_t t = 0, n; t < T; t += n) {
            size_t at = (size_t)r * T + (size_t)t;
            if (rows->doc[at] < 0) {
                check_absent(rows, at, t);
                n = 1;
                continue;
            }
            n = check_document(w, rows, r, t);
            seen[rows->doc[at]]++;
            present += n;
            if (one_label && label != GR_LABEL_ABSENT)
                assert_int_equal(rows->label[at], label);
            label = rows->label[at];
        }
        assert_int_not_equal(label, GR_LABEL_ABSENT); /* no row without a document */
    }
    assert_int_equal(rows->present, present);
}

/* ---- Packing ----------------------------------------------------------------------------------------------------- */

/* With batches of one row an epoch is exactly its rows: each document once in each epoch, in another order. Rows of the
 * second epoch are read until every document was met twice, which allows for another number of rows. */
static void epochs_are_complete(void **state) {
    world *w = *state;
    for (int mixed = 0; mixed < 2; mixed++) {
        gr_stream *stream = open_stream(w, (gr_stream_def){.rows = 1, .mixed = mixed, .seed = 3});
        int64_t rows = gr_stream_describe(stream).rows;
        int seen[DOCS] = {0}, first = -1, second = -1;
        gr_rows batch;
        for (int64_t step = 0; step < rows; step++) {
            gr_stream_next(stream, step, &batch);
            assert_int_equal(batch.sequences, 1);
            check_rows(w, &batch, seen, !mixed);
            first = step ? first : batch.doc[0];
        }
        for (int d = 0; d < DOCS; d++)
            assert_int_equal(seen[d], 1);
        for (int64_t step = rows, met = 0; met < 2 * DOCS; step++) {
            gr_stream_next(stream, step, &batch);
            check_rows(w, &batch, seen, !mixed);
            second = step > rows ? second : batch.doc[0];
            met = 0;
            for (int d = 0; d < DOCS; d++) {
                assert_in_range(seen[d], 1, 2);
                met += seen[d];
            }
        }
        assert_int_not_equal(first, second);
        gr_stream_free(stream);
    }
}

static void facts(void **state) {
    world *w = *state;
    gr_stream *stream = open_stream(w, (gr_stream_def){.seed = 3});
    gr_stream_facts f = gr_stream_describe(stream);
    int64_t present = 0, cut = 0;
    for (size_t d = 0; d < DOCS; d++) {
        present += positions_of(d);
        cut += length(d) + 1 > T;
    }
    assert_true(cut > 0);
    assert_int_equal(f.positions, present);
    assert_int_equal(f.cut, cut);
    assert_true(f.fill == (double)present / (double)(f.rows * T));
    assert_true(f.fill > 0.9); /* 195 rows, of which up to 16 of each of 4 labels are left open at the end */
    gr_stream_free(stream);
}

/* Copies the rows that hold only documents of one revealed label, in order, over `steps` steps. */
static size_t gather(gr_stream *stream, int32_t (*out)[T], int64_t steps, int label) {
    size_t n = 0;
    for (int64_t s = 0; s < steps; s++) {
        gr_rows batch;
        gr_stream_next(stream, s, &batch);
        for (int r = 0; r < batch.sequences; r++)
            if (batch.label[r * T] == label)
                memcpy(out[n++], batch.doc + r * T, sizeof *out);
    }
    return n;
}

/* A stream that never had the labelled documents packs the core's rows alike and in the same order. */
static void core_rows_stand_alone(void **state) {
    world *w = *state;
    uint32_t core[DOCS];
    size_t count = 0;
    for (uint32_t d = 0; d < DOCS; d++)
        if (w->labels->revealed[d] == 0)
            core[count++] = d;
    gr_stream *all = open_stream(w, (gr_stream_def){.seed = 5});
    gr_stream *alone = open_stream(w, (gr_stream_def){.seed = 5, .docs = core, .doc_count = count});
    static int32_t a[4000][T], b[4000][T];
    size_t na = gather(all, a, 100, 0), nb = gather(alone, b, 60, 0);
    assert_true(na > 300 && nb == 60 * B); /* about three epochs */
    assert_memory_equal(a, b, (na < nb ? na : nb) * sizeof *a);
    gr_stream_free(all);
    gr_stream_free(alone);
}

/* ---- Stream ------------------------------------------------------------------------------------------------------ */

static uint64_t fold(const gr_rows *rows) { /* FNV-1a over everything */
    uint64_t h = 14695981039346656037u;
    size_t n = (size_t)rows->sequences * T;
    const struct {
        const void *data;
        size_t size;
    } parts[] = {{rows->ids, 4 * n},
                 {rows->targets, 4 * n},
                 {rows->start, 4 * n},
                 {rows->doc, 4 * n},
                 {rows->label, 2 * n},
                 {rows->truth, 2 * n},
                 {rows->unit, 4 * (size_t)rows->sequences}};
    for (int p = 0; p < 7; p++)
        for (size_t i = 0; i < parts[p].size; i++)
            h = (h ^ ((const unsigned char *)parts[p].data)[i]) * 1099511628211u;
    return h;
}

static void seek_equals_sequence(void **state) {
    world *w = *state;
    enum { STEPS = 150 }; /* over several epochs of about 34 steps */
    uint64_t sequence[STEPS];
    gr_rows batch;
    gr_stream *stream = open_stream(w, (gr_stream_def){.seed = 7});
    for (int s = 0; s < STEPS; s++) {
        gr_stream_next(stream, s, &batch);
        assert_int_equal(batch.sequences, B);
        sequence[s] = fold(&batch);
    }
    for (uint32_t i = 0; i < 200; i++) {
        int s = (int)(gr_random_bits((gr_key){2, GR_STREAM_TEST, 0}, i, 0) % STEPS);
        if (i % 50 == 49) {
            gr_stream_free(stream);
            stream = open_stream(w, (gr_stream_def){.seed = 7});
        }
        gr_stream_next(stream, s, &batch);
        assert_true(fold(&batch) == sequence[s]);
    }
    gr_stream_free(stream);
    stream = open_stream(w, (gr_stream_def){.seed = 8});
    gr_stream_next(stream, 0, &batch);
    assert_true(fold(&batch) != sequence[0]);
    gr_stream_free(stream);
}

static void batch_larger_than_an_epoch(void **state) {
    world *w = *state;
    uint32_t few[] = {2, 3, 4};
    int seen[DOCS] = {0};
    gr_rows batch;
    gr_stream *stream = open_stream(w, (gr_stream_def){.rows = 40, .docs = few, .doc_count = 3});
    gr_stream_next(stream, 5, &batch);
    assert_int_equal(batch.sequences, 40);
    check_rows(w, &batch, seen, true);
    assert_true(seen[2] >= 12 && seen[3] >= 12 && seen[4] >= 12);
    gr_stream_free(stream);
}

static bool keeps(const world *w, int32_t doc, int16_t drop, bool by_truth) {
    return (by_truth ? w->labels->truth[doc] : w->labels->revealed[doc]) != drop;
}

/* The filtered row of a full row: the same but for absent positions in place of what was dropped. */
static bool check_filtered(const world *w, const gr_rows *full, int r, const gr_rows *left, int l, int16_t drop,
                           bool by_truth) {
    bool any = false;
    for (int32_t t = 0; t < T; t++)
        any |= full->doc[r * T + t] >= 0 && keeps(w, full->doc[r * T + t], drop, by_truth);
    if (!any)
        return false;
    assert_true(l < left->sequences);
    assert_int_equal(left->unit[l], full->unit[r]);
    for (int32_t t = 0; t < T; t++) {
        size_t f = (size_t)r * T + (size_t)t, at = (size_t)l * T + (size_t)t;
        if (full->doc[f] >= 0 && keeps(w, full->doc[f], drop, by_truth)) {
            assert_int_equal(left->ids[at], full->ids[f]);
            assert_int_equal(left->targets[at], full->targets[f]);
            assert_int_equal(left->start[at], full->start[f]);
            assert_int_equal(left->doc[at], full->doc[f]);
        } else {
            assert_int_equal(left->doc[at], -1);
            check_absent(left, at, t);
        }
    }
    return true;
}

static void filtered_equals_routed_less_labelled(void **state) {
    world *w = *state;
    static const struct {
        int16_t drop;
        bool by_truth, mixed;
    } cases[] = {{1, false, false}, {2, false, false}, {-1, false, false}, {0, false, false},
                 {1, true, false},  {2, true, false},  {1, false, true},   {1, true, true}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        gr_stream *routed = open_stream(w, (gr_stream_def){.seed = 9, .mixed = cases[c].mixed});
        gr_stream *filtered = open_stream(w, (gr_stream_def){.seed = 9,
                                                             .mixed = cases[c].mixed,
                                                             .drop = &cases[c].drop,
                                                             .drop_count = 1,
                                                             .drop_by_truth = cases[c].by_truth});
        int64_t fewer = 0, absent = 0;
        for (int64_t s = 0; s < 80; s++) {
            gr_rows full, left;
            int seen[DOCS] = {0}, l = 0;
            gr_stream_next(routed, s, &full);
            gr_stream_next(filtered, s, &left);
            check_rows(w, &left, seen, !cases[c].mixed);
            for (int r = 0; r < full.sequences; r++)
                l += check_filtered(w, &full, r, &left, l, cases[c].drop, cases[c].by_truth);
            assert_int_equal(l, left.sequences);
            fewer += full.sequences - left.sequences;
            absent += full.present - left.present;
        }
        assert_true(absent > 0);
        assert_true(cases[c].mixed || fewer > 0 || (cases[c].drop == 2 && cases[c].by_truth));
        gr_stream_free(routed);
        gr_stream_free(filtered);
    }
}

static void no_allocation_after_opening(void **state) {
    world *w = *state;
    gr_stream *stream = open_stream(w, (gr_stream_def){.seed = 1});
    uint64_t before = gr_alloc_count();
    for (int64_t s = 0; s < 200; s++) {
        gr_rows batch;
        gr_stream_next(stream, s, &batch);
    }
    assert_int_equal(gr_alloc_count(), before);
    gr_stream_free(stream);
}

static void expect_refusal(const world *w, gr_stream_def def, const char *message) {
    gr_stream *stream = (gr_stream *)1;
    gr_error err = {0};
    assert_int_equal(gr_stream_new(&stream, w->data, w->labels, &def, &err), GR_ERR_USAGE);
    assert_null(stream);
    if (!strstr(err.message, message))
        fail_msg("expected \"%s\", got \"%s\"", message, err.message);
}

static void refusals(void **state) {
    world *w = *state;
    static const int16_t everything[] = {-1, 0, 1, 2}, wrong[] = {3};
    gr_stream_def def = gr_stream_default();
    expect_refusal(w, def, "no documents");
    def.docs = w->all, def.doc_count = DOCS;
    def.rows = 0;
    expect_refusal(w, def, "0 rows");
    def.rows = 1 << 20, def.width = 1 << 20;
    expect_refusal(w, def, "1048576");
    def.rows = def.width = 8;
    def.drop = everything, def.drop_count = 4;
    expect_refusal(w, def, "every document is dropped");
    def.drop = wrong, def.drop_count = 1;
    expect_refusal(w, def, "label 3");
    def.drop_count = 0;
    uint32_t outside[] = {1, DOCS};
    def.docs = outside, def.doc_count = 2;
    expect_refusal(w, def, "document 700");
}

/* ---- Scan -------------------------------------------------------------------------------------------------------- */

static void scan_meets_each_once(void **state) {
    world *w = *state;
    uint32_t docs[300];
    for (uint32_t i = 0; i < 300; i++)
        docs[i] = 2 * i + 1;
    gr_scan *scan = NULL;
    assert_int_equal(gr_scan_new(&scan, w->data, w->labels, docs, 300, B, T, NULL), GR_OK);
    for (int turn = 0; turn < 2; turn++) {
        int seen[DOCS] = {0}, batches = 0, last = -1;
        gr_rows batch;
        while (gr_scan_next(scan, &batch)) {
            check_rows(w, &batch, seen, false);
            assert_int_equal(batch.unit[0], last + 1);
            last = batch.unit[batch.sequences - 1];
            batches++;
        }
        assert_true(batches > 5);
        for (int d = 0; d < DOCS; d++)
            assert_int_equal(seen[d], d % 2 == 1 && d < 600);
        assert_false(gr_scan_next(scan, &batch));
        gr_scan_rewind(scan);
    }
    gr_scan_free(scan);
    assert_int_equal(gr_scan_new(&scan, w->data, w->labels, docs, 0, B, T, NULL), GR_ERR_USAGE);
    assert_null(scan);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(epochs_are_complete),         cmocka_unit_test(facts),
        cmocka_unit_test(core_rows_stand_alone),       cmocka_unit_test(seek_equals_sequence),
        cmocka_unit_test(batch_larger_than_an_epoch),  cmocka_unit_test(filtered_equals_routed_less_labelled),
        cmocka_unit_test(no_allocation_after_opening), cmocka_unit_test(refusals),
        cmocka_unit_test(scan_meets_each_once),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
