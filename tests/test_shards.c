/* test_shards.c - packing into shards, killed and resumed; the stream over them; damage. */
#include "shard_helpers.h"

/* ---- What a pack holds ------------------------------------------------------------------------------------------- */

/* One epoch: every document of the text but the duplicates once, in the shards or held out; labels by its topic. Long
 * ones go on in further rows, with the token before, so that every token is there. */
static void holds_everything(void **state) {
    (void)state;
    char folder[256], text[4096];
    snprintf(folder, sizeof folder, "%s", gr_test_path("whole"));
    pack_good(folder, NULL);
    gr_shards *shards = open_good(folder, NULL);
    gr_tokenizer *tokenizer;
    gr_test_ok(gr_tokenizer_open(&tokenizer, shards->tokenizer, NULL), NULL);
    assert_true(shards->count > 5);
    assert_int_equal(shards->read, DOCS);
    assert_int_equal(shards->duplicates, DOCS / 8);
    assert_int_equal(shards->documents + (int64_t)shards->held->validation_count, DOCS - DOCS / 8);
    assert_in_range(shards->held->validation_count, 80, 190); /* 131 expected, 11 a standard deviation */
    gr_stream *stream = stream_of(shards, 1, gr_stream_default());
    int *met = calloc(DOCS, sizeof *met), *number = calloc((size_t)shards->pieces, sizeof *number);
    int64_t revealed[4] = {0}, truth[4] = {0}, present = 0, further = 0;
    for (int64_t step = 0; step < shards->rows; step++) {
        gr_rows rows;
        gr_stream_next(stream, step, &rows);
        assert_int_equal(rows.sequences, 1);
        present += rows.present;
        int row_label = GR_LABEL_ABSENT;
        for (int t = 0, n; t < CONTEXT; t += n) {
            n = 1;
            if (rows.doc[t] < 0)
                continue;
            n = spell(text, tokenizer, &rows, t);
            assert_true(rows.doc[t] < shards->pieces && number[rows.doc[t]]++ == 0);
            assert_true(row_label == GR_LABEL_ABSENT || rows.label[t] == row_label);
            row_label = rows.label[t];
            if (rows.ids[t]) { /* not the token that starts a document */
                further++;
                continue;
            }
            int d = atoi(text);
            met[d]++;
            int want = *topic_of(d) == 'a' ? 1 : *topic_of(d) == 'b' ? 2 : 0;
            assert_int_equal(rows.truth[t], want);
            assert_true(rows.label[t] == want || (want == 1 && rows.label[t] == GR_LABEL_UNLABELLED));
            revealed[rows.label[t] + 1]++;
            truth[rows.truth[t] + 1]++;
        }
    }
    const gr_dataset *held = shards->held;
    for (size_t i = 0; i < held->validation_count; i++) {
        size_t length;
        const int32_t *ids = held->ids + held->offsets[held->validation[i]];
        uint64_t n = held->offsets[held->validation[i] + 1] - held->offsets[held->validation[i]];
        text[0] = 0;
        for (uint64_t k = 0, used = 0; k < n; k++, used += length) {
            memcpy(text + used, gr_tokenizer_token(tokenizer, ids[k], &length), 16);
            text[used + length] = 0;
        }
        met[atoi(text)]++;
    }
    for (int d = 0; d < DOCS; d++)
        assert_int_equal(met[d], d % 8 != 7);
    for (int k = 0; k < 4; k++) {
        assert_int_equal(revealed[k], shards->revealed[k]);
        assert_int_equal(truth[k], shards->truth[k]);
    }
    assert_int_equal(revealed[2], (truth[2] + 1) / 2); /* round(n / 2), exactly */
    assert_int_equal(present, shards->positions);
    assert_int_equal(present, shards->tokens + shards->documents);
    assert_true(shards->longer > 10 && shards->cut == 0 && further == shards->pieces - shards->documents);
    assert_int_equal(gr_stream_describe(stream).rows, shards->rows);
    gr_stream_free(stream);
    gr_tokenizer_free(tokenizer);
    gr_shards_free(shards);
    free(met);
    free(number);
}

/* Cut, as rows were before: the same tokens, fewer positions; and rows that were cut do not pass for pieces. */
static void set_cut(gr_pack_def *def) { def->cut = true; }

static void long_documents_can_be_cut(void **state) {
    (void)state;
    char folder[256];
    snprintf(folder, sizeof folder, "%s", gr_test_path("cut"));
    pack_good(folder, set_cut);
    gr_shards *cut = open_good(folder, NULL), *whole = open_good(gr_test_path("whole"), NULL);
    assert_true(cut->tokens == whole->tokens && cut->documents == whole->documents);
    assert_true(cut->cut == whole->longer && !cut->pieces && !cut->longer && cut->positions < whole->positions);
    assert_string_not_equal(cut->settings, whole->settings);
    gr_shards_free(cut);
    pack_good(folder, NULL);
    cut = open_good(folder, NULL);
    assert_string_equal(cut->digest, whole->digest);
    gr_shards_free(cut);
    gr_shards_free(whole);
}

/* The sample: documents of the shards, at most so many of each topic. */
static void sample_is_of_the_shards(void **state) {
    (void)state;
    gr_shards *shards = open_good(gr_test_path("whole"), NULL);
    const gr_dataset *held = shards->held;
    int of[3] = {0};
    for (size_t i = 0; i < held->train_count; i++)
        of[held->topics.of[held->train[i]]]++;
    for (int k = 0; k < 3; k++) {
        int64_t there = shards->truth[*held->topics.names[k] == 'a' ? 2 : *held->topics.names[k] == 'b' ? 3 : 1];
        assert_int_equal(of[k], there < GR_SHARDS_SAMPLE ? there : GR_SHARDS_SAMPLE);
    }
    gr_labels *held_labels;
    gr_drawn drawn;
    gr_test_ok(gr_labels_new(&held_labels, &held->topics, labels, 2, NULL, 0, 1, NULL), NULL);
    gr_test_ok(gr_dataset_draw(&drawn, held, held_labels, &(gr_draw_def){20, 0, 1, CONTEXT, 5}, NULL), NULL);
    gr_drawn_free(&drawn);
    gr_scan *scan;
    gr_rows rows;
    gr_test_ok(gr_scan_new(&scan, held, held_labels, held->validation, held->validation_count, 4, CONTEXT, NULL), NULL);
    size_t documents = 0;
    while (gr_scan_next(scan, &rows))
        for (int i = 0; i < rows.sequences * rows.width; i++)
            documents += rows.doc[i] >= 0 && rows.start[i] == i % rows.width;
    assert_int_equal(documents, held->validation_count);
    gr_scan_free(scan);
    gr_labels_free(held_labels);
    gr_shards_free(shards);
}

static void copy_rows(int32_t *to, const gr_rows *rows) {
    memcpy(to, rows->doc, sizeof *to * (size_t)rows->sequences * (size_t)rows->width);
}

/* Any step at once, across epochs; epochs and seeds differ in their order. */
static void steps_in_any_order(void **state) {
    (void)state;
    enum { B = 5, STEPS = 200 };
    gr_shards *shards = open_good(gr_test_path("whole"), NULL);
    gr_stream *one = stream_of(shards, B, gr_stream_default()), *other = stream_of(shards, B, gr_stream_default());
    assert_true(shards->rows < B * STEPS);
    int32_t *seen = calloc((size_t)STEPS * B * CONTEXT, sizeof *seen), now[B * CONTEXT];
    gr_rows rows;
    for (int s = 0; s < STEPS; s++) {
        gr_stream_next(one, s, &rows);
        assert_int_equal(rows.sequences, B);
        copy_rows(seen + (size_t)s * B * CONTEXT, &rows);
    }
    uint64_t allocated = gr_alloc_count();
    for (int i = 0; i < STEPS; i++) {
        int s = (i * 77 + 5) % STEPS;
        gr_stream_next(other, s, &rows);
        copy_rows(now, &rows);
        assert_memory_equal(now, seen + (size_t)s * B * CONTEXT, sizeof now);
    }
    assert_int_equal(gr_alloc_count(), allocated);
    gr_stream_next(other, (int64_t)1 << 40, &rows); /* far away is as near */
    gr_stream *single = stream_of(shards, 1, gr_stream_default());
    int same = 0;
    for (int64_t row = 0; row < 50; row++) {
        gr_stream_next(single, row, &rows);
        int32_t first = rows.doc[0];
        gr_stream_next(single, row + shards->rows, &rows);
        same += rows.doc[0] == first;
    }
    assert_true(same < 10); /* the next epoch is another order */
    gr_stream_free(single);
    gr_stream_free(other);
    gr_stream_def def = gr_stream_default();
    def.seed = 2;
    other = stream_of(shards, B, def);
    gr_stream_next(other, 0, &rows);
    copy_rows(now, &rows);
    assert_memory_not_equal(now, seen, sizeof now);
    gr_stream_free(one);
    gr_stream_free(other);
    gr_shards_free(shards);
    free(seen);
}

/* A twin without some labels sees the same rows with gaps, or not at all. */
static void dropped_labels_leave_gaps(void **state) {
    (void)state;
    enum { B = 4 };
    gr_shards *shards = open_good(gr_test_path("whole"), NULL);
    for (int by_truth = 0; by_truth < 2; by_truth++) {
        const int16_t drop[] = {1};
        gr_stream_def def = gr_stream_default();
        gr_stream *whole = stream_of(shards, B, def);
        def.drop = drop;
        def.drop_count = 1;
        def.drop_by_truth = by_truth;
        gr_stream *twin = stream_of(shards, B, def);
        int gaps = 0;
        for (int64_t step = 0; step < shards->rows / B; step++) {
            gr_rows all, some;
            gr_stream_next(whole, step, &all);
            gr_stream_next(twin, step, &some);
            int next = 0;
            for (int r = 0; r < B; r++) {
                bool left = false;
                const int16_t *label = (by_truth ? all.truth : all.label) + (size_t)r * CONTEXT;
                for (int t = 0; t < CONTEXT; t++)
                    left |= all.doc[r * CONTEXT + t] >= 0 && label[t] != 1;
                if (!left)
                    continue;
                assert_int_equal(some.unit[next], all.unit[r]);
                for (int t = 0; t < CONTEXT; t++) {
                    int32_t doc = label[t] == 1 ? -1 : all.doc[r * CONTEXT + t];
                    assert_int_equal(some.doc[next * CONTEXT + t], doc);
                    gaps += doc < 0;
                }
                next++;
            }
            assert_int_equal(some.sequences, next);
        }
        assert_true(gaps > 0);
        gr_stream_free(whole);
        gr_stream_free(twin);
    }
    const int16_t every[] = {-1, 0, 1, 2};
    gr_stream_def def = {.rows = 1, .width = CONTEXT, .drop = every, .drop_count = 4};
    gr_stream *none;
    gr_error err = {0};
    assert_int_equal(gr_stream_new_shards(&none, shards, &def, &err), GR_ERR_USAGE);
    def = (gr_stream_def){.rows = 1, .width = CONTEXT + 1};
    assert_int_equal(gr_stream_new_shards(&none, shards, &def, &err), GR_ERR_USAGE);

    /* Rows are packed, so single documents cannot be spared. */
    const bool spared[1] = {true};
    err = (gr_error){0};
    def = (gr_stream_def){.rows = 1, .width = CONTEXT, .drop = every, .drop_count = 1, .spared = spared};
    assert_int_equal(gr_stream_new_shards(&none, shards, &def, &err), GR_ERR_USAGE);
    gr_test_error(&err, "stream", "single documents are spared");
    assert_null(none);
    gr_shards_free(shards);
}

/* ---- Again and again --------------------------------------------------------------------------------------------- */

static void fewer_known(gr_pack_def *def) {
    static const gr_label_def fewer[] = {
        {.name = "alpha",
         .from = {{"is", .texts = is_a, .count = 1}},
         .known = 0.25,
         .hidden_as = GR_HIDDEN_UNLABELLED},
        {.name = "beta", .from = {{"is", .texts = is_b, .count = 1}}, .known = 1, .hidden_as = GR_HIDDEN_CORE}};
    def->label = fewer;
}
static void other_seed(gr_pack_def *def) { def->seed = 4; }
static void no_such_topic(gr_pack_def *def) {
    static const char *const is[] = {"cc"};
    static const gr_label_def wrong[] = {
        {.name = "alpha", .from = {{"is", .texts = is, .count = 1}}, .known = 1, .hidden_as = GR_HIDDEN_CORE}};
    def->label = wrong;
    def->labels = 1;
}
static void nothing_held(gr_pack_def *def) { def->validation = 1e-9; }

/* Other labels keep the tokens; a smaller share reveals a subset; other text or settings are refused. */
static void labels_may_change(void **state) {
    (void)state;
    char folder[256];
    snprintf(folder, sizeof folder, "%s", gr_test_path("change"));
    pack_good(folder, NULL);
    gr_shards *before = open_good(folder, NULL);
    char *file = gr__shard_path(folder, "shard", 0);
    struct stat old, new;
    stat(file, &old);
    pack_good(folder, fewer_known);
    stat(file, &new);
    assert_true(old.st_ino == new.st_ino);
    gr_shards *after = open_good(folder, NULL);
    assert_int_equal(after->documents, before->documents);
    assert_int_equal(after->truth[2], before->truth[2]);
    assert_int_equal(after->revealed[2], (before->truth[2] + 2) / 4);
    assert_string_not_equal(after->settings, before->settings);
    for (int i = 0; i < before->count; i++) /* the old rows are mapped still */
        for (size_t d = 0; d < before->shard[i].pack.count; d++)
            assert_true(after->shard[i].labels.revealed[d] != 1 || before->shard[i].labels.revealed[d] == 1);
    gr_shards_free(before);
    gr_shards_free(after);
    gr_free(file);
    gr_error err = {0};
    assert_int_equal(pack_with(folder, other_seed, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "other"));
    err = (gr_error){0};
    assert_int_equal(pack_with(folder, no_such_topic, &err), GR_ERR_USAGE);
    if (!strstr(err.message, "cc"))
        fail_msg("%s: %s", err.place, err.message);
    assert_int_equal(pack_with(gr_test_path("none"), nothing_held, &err), GR_ERR_USAGE);
}

/* Where the child of a round dies: after so many shards and rows, or in between, after so many microseconds. */
static int deaths;
static void die(void *user, const gr_pack_progress *progress) {
    (void)user;
    (void)progress;
    if (--deaths == 0)
        raise(SIGKILL);
}
static void dying(gr_pack_def *def) { def->progress = die; }

/* Killed after every file and at moments in between, a pack ends with the same bytes as one that was not. A child that
 * came through before its signal, on a busy machine, says nothing: another begins anew. */
static void killed_packs_go_on(void **state) {
    (void)state;
    char whole[256], killed[256];
    snprintf(whole, sizeof whole, "%s", gr_test_path("whole"));
    snprintf(killed, sizeof killed, "%s", gr_test_path("killed"));
    int rounds = 0;
    for (bool done = false; !done; rounds++) {
        assert_true(rounds < 400);
        bool by_signal = rounds % 2 && rounds < 40;
        pid_t child = fork();
        if (!child) {
            deaths = rounds % 2 ? 1000000 : rounds / 2 + 1;
            _exit(pack_with(killed, dying, NULL) == GR_OK ? 0 : 1);
        }
        if (by_signal) {
            usleep((useconds_t)(300 * rounds));
            kill(child, SIGKILL);
        }
        int status;
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);

        /* Whole or not there: a signal may also meet a child that has written its last file. */
        gr_shards *shards;
        const gr_status opened = gr_shards_open(&shards, killed, NULL, NULL);
        done = WIFEXITED(status);
        assert_true(opened == GR_OK || (opened == GR_ERR_INPUT && !done));
        gr_shards_free(shards);
        if (done && by_signal) {
            gr_test_folder_remove(gr_strdup(killed));
            done = false;
        }
    }
    assert_true(rounds > 3);
    assert_same_folders(whole, killed);
}

static volatile sig_atomic_t stop_now = 1;
static void stopping(gr_pack_def *def) { def->stop = &stop_now; }

static void stops_when_asked(void **state) {
    (void)state;
    gr_error err = {0};
    assert_int_equal(pack_with(gr_test_path("stopped"), stopping, &err), GR_ERR_INTERRUPTED);
    assert_non_null(strstr(err.hint, "again"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_everything),          cmocka_unit_test(long_documents_can_be_cut),
        cmocka_unit_test(sample_is_of_the_shards),   cmocka_unit_test(steps_in_any_order),
        cmocka_unit_test(dropped_labels_leave_gaps), cmocka_unit_test(labels_may_change),
        cmocka_unit_test(killed_packs_go_on),        cmocka_unit_test(stops_when_asked),
    };
    return cmocka_run_group_tests(tests, setup, gr_test_files_teardown);
}
