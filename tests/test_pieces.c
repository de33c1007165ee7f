/* test_pieces.c - documents longer than a row: pieces, their split, their labels, and what is drawn and measured. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "corpus/dataset.h"
#include "label_helpers.h"

enum { DOCS = 60, W = 8, EOT = 0 };

/* Document d has d tokens: some fit, some fill pieces to the last target, some leave the end token alone. */
static gr_dataset *documents(uint32_t docs, uint32_t each, double validation) {
    static int32_t ids[DOCS * DOCS + 4000], of[DOCS];
    static uint64_t offsets[DOCS + 1];
    static uint32_t bytes[DOCS];
    static char *names[] = {"a", "b"};
    for (uint32_t d = 0; d < docs; d++) {
        uint64_t n = each ? each : d;
        offsets[d + 1] = offsets[d] + n;
        for (uint64_t i = 0; i < n; i++)
            ids[offsets[d] + i] = 1 + (int32_t)((d * 7 + i * 5) % 23);
        of[d] = (int32_t)(d % 2);
        bytes[d] = (uint32_t)n;
    }
    gr_topics topics = {names, 2, of, docs};
    gr__tokens tokens = {&topics, offsets, ids, bytes, GR_TEST_VOCAB, EOT, NULL, GR_TEST_VOCAB, NULL};
    gr_dataset *data;
    gr_error err = {0};
    gr_test_ok(gr__dataset_assemble(&data, &tokens, &(gr_dataset_def){.validation = validation, .seed = 1}, &err),
               &err);
    return data;
}

static gr_dataset *in_pieces(gr_dataset *data, double validation, uint64_t seed) {
    gr_error err = {0};
    gr_test_ok(gr_dataset_pieces(&data, &(gr_pieces_def){W, true, validation, seed}, &err), &err);
    return data;
}

static gr_labels *no_labels(const gr_dataset *data) {
    gr_labels *labels;
    gr_error err = {0};
    gr_test_ok(gr_labels_new(&labels, &data->topics, NULL, 0, NULL, 0, 1, &err), &err);
    return labels;
}

/* How often each target of the documents was met, and that what stands before it is what precedes it. */
static void count_targets(const gr_dataset *data, const gr_rows *rows, int *met) {
    for (int i = 0; i < rows->sequences * rows->width; i++) {
        if (rows->doc[i] < 0)
            continue;
        uint32_t p = (uint32_t)rows->doc[i], d = data->document[p];
        uint64_t first = data->whole->offsets[d], n = data->whole->offsets[d + 1] - first;
        uint64_t at = data->offsets[p] - first + (uint64_t)(i % rows->width - rows->start[i]);
        assert_true(at <= n);
        assert_int_equal(rows->targets[i], at < n ? data->ids[first + at] : EOT);
        assert_int_equal(rows->ids[i], at ? data->ids[first + at - 1] : data->start);
        met[first + d + at]++;
    }
}

static void every_token_once(void **state) {
    (void)state;
    gr_dataset *data = in_pieces(documents(DOCS, 0, 0.1), 0.1, 1);
    gr_labels *labels = no_labels(data);
    size_t entries = data->whole->offsets[DOCS] + DOCS;
    int *scanned = gr_alloc(entries * sizeof *scanned), *streamed = gr_alloc(entries * sizeof *streamed);
    gr_error err = {0};
    gr_rows rows;

    /* a scan over both parts meets every target of every document */
    for (int part = 0; part < 2; part++) {
        gr_scan *scan;
        gr_test_ok(gr_scan_new(&scan, data, labels, part ? data->validation : data->train,
                               part ? data->validation_count : data->train_count, 3, W, &err),
                   &err);
        while (gr_scan_next(scan, &rows))
            count_targets(data, &rows, scanned);
        gr_scan_free(scan);
    }
    for (size_t i = 0; i < entries; i++)
        assert_int_equal(scanned[i], 1);

    /* an epoch of the stream those of the training documents, once */
    gr_stream_def def = gr_stream_default();
    gr_stream *stream;
    def.rows = 1, def.width = W, def.docs = data->train, def.doc_count = data->train_count;
    gr_test_ok(gr_stream_new(&stream, data, labels, &def, &err), &err);
    assert_int_equal(gr_stream_describe(stream).cut, 0);
    for (int64_t step = 0; step < gr_stream_describe(stream).rows; step++) {
        gr_stream_next(stream, step, &rows);
        count_targets(data, &rows, streamed);
    }
    bool held[DOCS] = {0};
    for (size_t i = 0; i < data->whole->validation_count; i++)
        held[data->whole->validation[i]] = true;
    for (uint32_t d = 0; d < DOCS; d++)
        for (size_t at = data->whole->offsets[d] + d; at <= data->whole->offsets[d + 1] + d; at++)
            assert_int_equal(streamed[at], !held[d]);

    gr_stream_free(stream);
    gr_free(scanned);
    gr_free(streamed);
    gr_labels_free(labels);
    gr_dataset_free(data);
}

static void split_by_document(void **state) {
    (void)state;
    gr_dataset *data = in_pieces(documents(DOCS, 0, 0.1), 0.1, 1);
    int8_t part[DOCS];
    memset(part, -1, sizeof part);
    assert_true(!data->apart && !data->gaps);
    assert_int_equal(data->train_count + data->validation_count, data->topics.docs);
    for (int v = 0; v < 2; v++)
        for (size_t i = 0; i < (v ? data->validation_count : data->train_count); i++) {
            uint32_t p = (v ? data->validation : data->train)[i], d = data->document[p];
            assert_true(part[d] == -1 || part[d] == v);
            part[d] = (int8_t)v;
            assert_int_equal(data->topics.of[p], d % 2);
            assert_int_equal(data->record[p], d);
        }
    assert_int_equal(gr_dataset_documents(data, data->validation, data->validation_count), 6);
    assert_int_equal(gr_dataset_cut(data, data->train, data->train_count, W).documents, 0);
    assert_true(gr_dataset_cut(data->whole, data->whole->train, data->whole->train_count, W).documents > 40);
    gr_dataset_free(data);
}

/* Where everything fits nothing changes, not even the object. */
static void short_documents_stay(void **state) {
    (void)state;
    gr_dataset *data = documents(30, W - 1, 0.1), *same = in_pieces(data, 0.1, 1);
    assert_ptr_equal(data, same);
    assert_null(data->document);
    gr_dataset_free(data);
}

/* Which part each piece of a book is in: 0 training, 1 held out, 2 neither. */
static gr_dataset *book(uint8_t *part, uint32_t docs, uint32_t each, double validation, uint64_t seed) {
    gr_dataset *data = in_pieces(documents(docs, each, 0), validation, seed);
    assert_true(data->apart);
    memset(part, 2, data->topics.docs);
    for (size_t i = 0; i < data->train_count; i++)
        part[data->train[i]] = 0;
    for (size_t i = 0; i < data->validation_count; i++)
        part[data->validation[i]] = 1;
    return data;
}

static void few_documents_hold_runs_out(void **state) {
    (void)state;
    uint8_t part[600], again[600], other[600];
    for (uint32_t docs = 1; docs < 4; docs++) {
        gr_dataset *data = book(part, docs, 1200, 0.1, 5);
        size_t count = data->topics.docs, held = data->validation_count, runs = 0, gaps = 0;
        assert_true(held == (count + 5) / 10 && data->train_count + held + data->gaps == count);
        for (size_t p = 0; p < count; p++) {
            bool goes_on = p && data->document[p] == data->document[p - 1];
            runs += part[p] == 1 && !(p && part[p - 1] == 1);
            gaps += part[p] == 2;
            assert_false(goes_on && part[p] + part[p - 1] == 1); /* never side by side */
            bool beside = (goes_on && part[p - 1] == 1) ||
                          (p + 1 < count && data->document[p + 1] == data->document[p] && part[p + 1] == 1);
            assert_true(part[p] != 2 || beside); /* one piece of gap, no more */
        }
        assert_true(runs > 1 && runs <= 10 && gaps == data->gaps && gaps <= held);
        gr_dataset *twin = book(again, docs, 1200, 0.1, 5), *moved = book(other, docs, 1200, 0.1, 6);
        assert_memory_equal(part, again, count);
        assert_memory_not_equal(part, other, count);
        gr_dataset_free(data);
        gr_dataset_free(twin);
        gr_dataset_free(moved);
    }
}

/* The smallest books: something is held out and something trained on, or nothing is held out when nothing is to be. */
static void small_books(void **state) {
    (void)state;
    uint8_t part[600];
    for (uint32_t n = W; n < 20 * W; n++) {
        gr_dataset *data = book(part, 1, n, 0.05, 3);
        assert_true(data->validation_count >= 1);
        assert_true(data->topics.docs < 4 || data->train_count >= 1);
        gr_dataset_free(data);
        data = book(part, 1, n, 0, 3);
        assert_int_equal(data->train_count, data->topics.docs);
        gr_dataset_free(data);
    }
    for (int share = 1; share < 10; share++) {
        gr_dataset *data = book(part, 1, 1201, share / 10.0, 3);
        assert_int_equal(data->validation_count, (data->topics.docs * (size_t)share + 5) / 10);
        gr_dataset_free(data);
    }
}

/* All pieces of a document are on one side of the division; of runs the end is the test. */
static void divided_by_document_and_run(void **state) {
    (void)state;
    gr_dataset *data = in_pieces(documents(DOCS, 0, 0.2), 0.2, 1);
    int8_t part[DOCS];
    memset(part, -1, sizeof part);
    size_t held = data->validation_count;
    gr_dataset_divide(data, 0.5);
    assert_int_equal(data->validation_count + data->test_count, held);
    for (int v = 0; v < 2; v++)
        for (size_t i = 0; i < (v ? data->test_count : data->validation_count); i++) {
            uint32_t d = data->document[(v ? data->test : data->validation)[i]];
            assert_true(part[d] == -1 || part[d] == v);
            part[d] = (int8_t)v;
        }
    assert_int_equal(gr_dataset_documents(data, data->validation, data->validation_count), 6);
    assert_int_equal(gr_dataset_documents(data, data->test, data->test_count), 6);
    gr_dataset_free(data);

    uint8_t of[600];
    data = book(of, 1, 1200, 0.2, 5);
    gr_dataset_divide(data, 0.5);
    assert_int_equal(data->validation_count, data->test_count);
    for (size_t i = 0; i < data->test_count; i++)
        of[data->test[i]] = 3;
    size_t borders = 0, runs = 0;
    for (size_t p = 1; p < data->topics.docs; p++) {
        borders += of[p] == 3 && of[p - 1] == 1;
        runs += of[p - 1] == 3 && of[p] != 3;
        assert_false(of[p] == 1 && of[p - 1] == 3);
    }
    assert_true(borders > 2 && borders <= 10 && runs >= borders);
    gr_dataset_free(data);
}

/* ---- draws ---- */

static void draws_are_of_documents(void **state) {
    (void)state;
    gr_dataset *data = in_pieces(documents(DOCS, 0, 0.1), 0.1, 1);
    const char *const b[] = {"b"};
    gr_label_def def = {.name = "b", .from = {{"is", .texts = b, .count = 1}}, .known = 1};
    gr_labels *labels;
    gr_error err = {0};
    gr_drawn drawn, fewer;
    gr_test_ok(gr_labels_make(&labels, data, NULL, &def, 1, NULL, 0, 1, NULL, &err), &err);
    gr_draw_def of = {.documents = 9, .label = 1, .width = W, .seed = 2};
    gr_test_ok(gr_dataset_draw(&drawn, data, labels, &of, &err), &err);

    /* whole documents of the label */
    int64_t tokens = 0;
    int pieces[DOCS] = {0}, documents_met = 0;
    for (size_t i = 0; i < drawn.count; i++) {
        uint32_t d = data->document[drawn.docs[i]];
        assert_int_equal(d % 2, 1);
        tokens += (int64_t)gr_dataset_targets(data, drawn.docs[i]);
        documents_met += !pieces[d]++;
    }
    for (int d = 0; d < DOCS; d++)
        assert_true(!pieces[d] || pieces[d] == (d + 1 + W - 1) / W);
    assert_int_equal(documents_met, 9);
    assert_true(drawn.documents == 9 && drawn.tokens == tokens);

    /* by tokens: the same ones, as far as they are wanted */
    of.tokens = tokens / 2;
    gr_test_ok(gr_dataset_draw(&fewer, data, labels, &of, &err), &err);
    assert_memory_equal(drawn.docs, fewer.docs, fewer.count * sizeof *fewer.docs);
    assert_true(fewer.tokens >= tokens / 2 && fewer.tokens < tokens / 2 + W);
    gr_drawn_free(&drawn);
    gr_drawn_free(&fewer);
    gr_labels_free(labels);
    gr_dataset_free(data);
}

/* ---- labels ---- */

/* 40 documents of 30 words each; word i of document d is "tree" where the two agree with these. */
static bool is_tree(int d, int i) { return d % 4 == 1 && i == (d * 3) % 30; }

static int make_world(void **state) {
    static world w;
    static char text[40 * 30 * 12];
    size_t used = 0;
    if (gr_test_files_setup(state))
        return -1;
    for (int d = 0; d < 40; d++) {
        for (int i = 0; i < 30; i++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "",
                                     is_tree(d, i) ? "tree"
                                     : i == d % 30 ? "lone"
                                     : (d + i) % 3 ? "word"
                                                   : "thing");
        used += (size_t)snprintf(text + used, sizeof text - used, " %d.<|endoftext|>", d);
    }
    if (world_open_text(&w, text, used) != GR_OK)
        return -1;
    gr_error err = {0};
    gr_test_ok(gr_dataset_pieces(&w.data, &(gr_pieces_def){.width = W}, &err), &err);
    *state = &w;
    return 0;
}

static gr_labels *make(const world *w, const gr_dataset *data, gr_label_per per, double known) {
    const char *const list[] = {"tree"};
    gr_label_def def = {.name = "trees", .from = {{"words", .texts = list, .count = 1}}, .per = per, .known = known};
    gr_labels *labels;
    gr_error err = {0};
    gr_test_ok(gr_labels_make(&labels, data, w->tokenizer, &def, 1, NULL, 0, 5, NULL, &err), &err);
    return labels;
}

/* Entries of the documents' tables are those of the pieces, target by target; a document's label is its pieces'. */
static void labels_of_documents(void **state) {
    world *w = *state;
    for (gr_label_per per = GR_PER_DOCUMENT; per <= GR_PER_TOKEN; per++) {
        gr_labels *whole = make(w, w->data->whole, per, 0.5), *cut = make(w, w->data, per, 0.5);
        assert_int_equal(cut->docs, w->data->topics.docs);
        assert_int_equal(cut->known[0], whole->known[0]);
        assert_int_equal(cut->group_docs[0], whole->group_docs[0]);
        assert_true(!cut->token_truth == (per == GR_PER_DOCUMENT));
        int trees = 0;
        for (uint32_t p = 0; p < cut->docs; p++) {
            uint32_t d = w->data->document[p];
            assert_int_equal(cut->truth[p], whole->truth[d]);
            assert_int_equal(cut->revealed[p], whole->revealed[d]);
            assert_int_equal(cut->group[p], whole->group[d]);
            trees += cut->truth[p];
            for (size_t i = 0, from = w->data->offsets[p]; cut->token_truth && i < gr_dataset_targets(w->data, p);
                 i++) {
                assert_int_equal(cut->token_truth[from + p + i], whole->token_truth[from + d + i]);
                assert_int_equal(cut->token_revealed[from + p + i], whole->token_revealed[from + d + i]);
            }
        }
        assert_true(trees >= 10 * 4 && trees < (int)cut->docs);
        gr_labels_free(whole);
        gr_labels_free(cut);
    }
}

static void labels_of_pieces(void **state) {
    world *w = *state;
    gr_labels *tokens = make(w, w->data, GR_PER_TOKEN, 1), *pieces = make(w, w->data, GR_PER_PIECE, 1),
              *half = make(w, w->data, GR_PER_PIECE, 0.5), *uncut = make(w, w->data->whole, GR_PER_PIECE, 1),
              *documents = make(w, w->data->whole, GR_PER_DOCUMENT, 1);
    size_t labelled = 0, known = 0, hidden = 0;
    for (uint32_t p = 0; p < pieces->docs; p++) {
        size_t from = w->data->offsets[p] + p, n = gr_dataset_targets(w->data, p);
        bool any = false;
        for (size_t i = 0; i < n; i++)
            any |= tokens->token_truth[from + i] > 0;
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(pieces->token_truth[from + i], any);
            assert_int_equal(half->token_revealed[from + i], half->revealed[p]);
        }
        assert_int_equal(pieces->truth[p], any);
        assert_int_equal(pieces->revealed[p], any);
        assert_int_equal(pieces->group[p], any ? 0 : 1);
        assert_int_equal(pieces->uneven[p], 0);
        labelled += any;
        known += half->revealed[p] == 1;
        hidden += half->revealed[p] == GR_LABEL_UNLABELLED;
        assert_true(any || half->revealed[p] == GR_LABEL_CORE);
    }
    assert_true(labelled >= 10 && labelled <= 20); /* a word that lies across a border labels both pieces */
    assert_true(known == (labelled + 1) / 2 && hidden == labelled - known && half->known[0] == known);
    assert_int_equal(pieces->group_docs[0], 10);
    assert_memory_equal(uncut->truth, documents->truth, uncut->docs * sizeof *uncut->truth);
    assert_null(uncut->token_truth);
    gr_labels *all[] = {tokens, pieces, half, uncut, documents};
    for (int i = 0; i < 5; i++)
        gr_labels_free(all[i]);
}

/* A filtered stream leaves out every piece of a labelled document, or the labelled pieces. */
static void filters(void **state) {
    world *w = *state;
    for (int of_pieces = 0; of_pieces < 2; of_pieces++) {
        gr_labels *labels = make(w, w->data, of_pieces ? GR_PER_PIECE : GR_PER_TOKEN, 1);
        gr_stream_def def = gr_stream_default();
        gr_stream *stream;
        gr_rows rows;
        gr_error err = {0};
        bool met[40] = {0};
        def.rows = 1, def.width = W, def.docs = w->data->train, def.doc_count = w->data->train_count;
        def.drop = (int16_t[]){1}, def.drop_count = 1;
        gr_test_ok(gr_stream_new(&stream, w->data, labels, &def, &err), &err);
        for (int64_t step = 0; step < gr_stream_describe(stream).rows; step++) {
            gr_stream_next(stream, step, &rows);
            for (int i = 0; i < rows.sequences * W; i++)
                if (rows.doc[i] >= 0) {
                    assert_true(rows.truth[i] == 0);
                    met[w->data->document[rows.doc[i]]] = true;
                }
        }
        for (int d = 0; d < 40; d++)
            assert_int_equal(met[d], of_pieces || d % 4 != 1);
        gr_stream_free(stream);
        gr_labels_free(labels);
    }
}

/* Bytes of pieces make up those of the document. */
static void bytes_of_pieces(void **state) {
    world *w = *state;
    static uint32_t bytes[40];
    static int32_t targets[40];
    for (uint32_t p = 0; p < w->data->topics.docs; p++) {
        gr_scored s = gr_dataset_scored(w->data, NULL, w->tokenizer, p, W);
        bytes[w->data->document[p]] += s.bytes;
        targets[w->data->document[p]] += s.tokens;
    }
    for (uint32_t d = 0; d < 40; d++) {
        assert_int_equal(bytes[d], w->data->whole->bytes[d]);
        assert_int_equal(targets[d], gr_dataset_targets(w->data->whole, d));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_token_once),
        cmocka_unit_test(split_by_document),
        cmocka_unit_test(short_documents_stay),
        cmocka_unit_test(few_documents_hold_runs_out),
        cmocka_unit_test(small_books),
        cmocka_unit_test(divided_by_document_and_run),
        cmocka_unit_test(draws_are_of_documents),
    };
    const struct CMUnitTest of_text[] = {
        cmocka_unit_test(labels_of_documents),
        cmocka_unit_test(labels_of_pieces),
        cmocka_unit_test(filters),
        cmocka_unit_test(bytes_of_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) + cmocka_run_group_tests(of_text, make_world, world_free);
}
