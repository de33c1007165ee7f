/* Batch assembly, and training that repeats and resumes bit for bit, on a small transformer. */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "train/internal.h"
#include "train_helpers.h"

/* ---- batch assembly ---- */

static void check_assembly(const gr__assembly *a, const gr_rows *rows, int64_t step, const gr_router *router) {
    const int all = rows->sequences * WIDTH;
    int32_t *cls = gr_alloc((size_t)(all * (1 + gr_router_copies(router))) * sizeof *cls), *copy = cls + all;
    const gr_router_rows view = {rows->sequences, WIDTH, rows->label, rows->unit, rows->doc, NULL};
    gr_router_show(router, cls, NULL, &view, step);
    int last = -1, copies = 0, again = 0;
    int64_t targeted = 0, denominator = 0;
    bool *seen = gr_alloc((size_t)rows->sequences);
    for (int r = 0; r < rows->sequences; r++)
        again += copy[r * WIDTH] >= 0;
    for (int s = 0; s < a->sequences; s++) {
        const int32_t *ids = a->ids + s * WIDTH;
        int r = 0; /* the row it shows: rows of this corpus differ */
        while (r < rows->sequences && memcmp(ids, rows->ids + r * WIDTH, WIDTH * sizeof *ids) != 0)
            r++;
        assert_true(r < rows->sequences);
        assert_true(a->cls[s * WIDTH] >= last); /* by class ... */
        last = a->cls[s * WIDTH];
        int want = a->copy[s] ? copy[r * WIDTH] : 0;
        copies += a->copy[s];
        assert_true(a->copy[s] || !seen[r]);
        seen[r] = seen[r] || !a->copy[s];
        for (int i = 0; i < WIDTH; i++) {
            int from = r * WIDTH + i, to = s * WIDTH + i;
            bool present = rows->label[from] != GR_LABEL_ABSENT;
            assert_int_equal(a->cls[to], !present ? -1 : a->copy[s] ? want : cls[from]);
            assert_int_equal(a->targets[to], present ? rows->targets[from] : -1);
            assert_int_equal(a->start[to], s % a->micro * WIDTH + rows->start[from]);
            assert_int_equal(a->truth[to], rows->truth[from]);
            assert_int_equal(a->revealed[to], rows->label[from]);
            targeted += a->targets[to] >= 0;
            denominator += a->targets[to] >= 0 && !a->copy[s];
        }
    }
    assert_int_equal(copies, again);
    assert_int_equal(a->sequences, rows->sequences + again);
    assert_int_equal(a->targeted, targeted);
    assert_int_equal(a->denominator, denominator);
    gr_free(cls);
    gr_free(seen);
}

static void test_assembly(void **state) {
    world *w = *state;
    setting *s = setting_new(w);
    gr__assembly *whole = gr__assembly_new(ROWS, WIDTH, ROWS, s->router);
    gr__assembly *cut = gr__assembly_new(ROWS, WIDTH, 5, s->router);
    int copies = 0;
    for (int64_t step = 0; step < 10; step++) {
        gr_rows rows;
        gr_stream_next(s->stream, step, &rows);
        gr__assembly_fill(whole, &rows, step);
        gr__assembly_fill(cut, &rows, step);
        check_assembly(whole, &rows, step, s->router);
        check_assembly(cut, &rows, step, s->router);
        copies += whole->sequences - ROWS;

        /* Cuts change neither classes nor denominators, and together are the whole. */
        assert_int_equal(whole->sequences, cut->sequences);
        assert_memory_equal(whole->cls, cut->cls, (size_t)(cut->sequences * WIDTH) * sizeof *cut->cls);
        int64_t at = 0;
        for (int i = 0; i < gr__assembly_batches(cut); i++) {
            gr_batch b = gr__assembly_batch(cut, i);
            assert_int_equal(b.first, at);
            assert_true(b.positions <= 5 * WIDTH && b.denominator == (double)whole->denominator && b.step == step);
            assert_ptr_equal(b.ids, cut->ids + at);
            at += b.positions;
            for (int n = 0; n < b.positions; n++)
                assert_true(b.start[n] >= 0 && b.start[n] <= n && b.start[n] >= n / WIDTH * WIDTH);
        }
        assert_int_equal(at, cut->sequences * WIDTH);
    }
    assert_true(copies > 10);
    gr__assembly_free(whole);
    gr__assembly_free(cut);
    setting_free(s);
}

/* The loss of a label is that of its first showings; second ones are a part of the objective alone. */
static void test_losses_of_labels(void **state) {
    setting *s = setting_new(*state);
    gr__assembly *a = gr__assembly_new(ROWS, WIDTH, 5, s->router);
    gr_run *run;
    gr_optim *optim;
    gr_rows rows;
    gr_error err = {0};
    double sum[2], norm, want[2] = {0};
    int64_t tokens[2], counted[2] = {0};
    gr__losses losses = {.labels = 2, .sum = sum, .tokens = tokens};
    gr_stream_next(s->stream, 4, &rows);
    gr__assembly_fill(a, &rows, 4);
    assert_true(a->sequences > ROWS);
    gr_test_ok(gr_run_new(&run, s->model, gr_router_tables(s->router),
                          &(gr_run_def){.positions = 5 * WIDTH, .train = true, .seed = 1}, &err),
               &err);
    gr_test_ok(gr_optim_new(&optim, s->model, gr_router_tables(s->router), &s->def.optim, &err), &err);
    gr_value row_loss = gr_model_output(s->model, "row_loss");

    for (int i = 0; i < gr__assembly_batches(a); i++) { /* before the step moves anything */
        gr_batch b = gr__assembly_batch(a, i);
        int stride;
        gr_run_forward(run, &b);
        const gr_real *loss = gr_run_value(run, row_loss, &stride);
        for (int n = 0; n < b.positions; n++) {
            size_t at = (size_t)b.first + (size_t)n;
            if (b.targets[n] >= 0 && !a->copy[at / WIDTH] && a->truth[at] >= 0) {
                want[a->truth[at]] += (double)loss[(size_t)n * (size_t)stride];
                counted[a->truth[at]]++;
            }
        }
    }
    gr_test_ok(gr__step(run, optim, a, row_loss, &losses, &norm, &err), &err);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(tokens[k], counted[k]);
        assert_true(fabs(sum[k] - want[k]) < 1e-9 * want[k]);
    }
    assert_int_equal(counted[0] + counted[1], a->denominator);

    gr_optim_free(optim);
    gr_run_free(run);
    gr__assembly_free(a);
    setting_free(s);
}

/* Equal classes keep their order; rows without text are left out; a step without rows is no step. */
static void test_assembly_order(void **state) {
    (void)state;
    enum { T = 3, N = 5 };
    int32_t ids[N * T], targets[N * T], start[N * T], doc[N * T], unit[N] = {0, 1, 3, 4, 7};
    int16_t label[N * T];
    const int16_t of[N] = {1, GR_LABEL_ABSENT, 0, 1, 0};
    for (int i = 0; i < N * T; i++) {
        ids[i] = i;
        start[i] = 0;
        label[i] = i % T == 2 ? GR_LABEL_ABSENT : of[i / T];
        doc[i] = label[i] == GR_LABEL_ABSENT ? -1 : i / T;
        targets[i] = label[i] == GR_LABEL_ABSENT ? -1 : i + 1;
    }
    gr_rows rows = {N, T, ids, targets, start, doc, label, label, unit, 8, NULL, 0, NULL};
    gr_model *model = gr_test_transformer(1);
    gr_router *router = router_new(model, 0, 0, 0, 0);
    gr__assembly *a = gr__assembly_new(N, T, 2, router), *plain = gr__assembly_new(N, T, 2, NULL);
    gr__assembly_fill(a, &rows, 0);
    gr__assembly_fill(plain, &rows, 0);
    assert_int_equal(gr_router_classes(router), 2);
    assert_int_equal(a->sequences, 4);
    int biology = a->cls[0] == a->cls[3] && ids[6] == a->ids[0] ? 1 : 0; /* which of the two classes comes first */
    const int order[2][4] = {{0, 3, 2, 4}, {2, 4, 0, 3}}, as_given[4] = {0, 2, 3, 4};
    for (int s = 0; s < 4; s++) {
        assert_int_equal(a->ids[s * T], order[biology][s] * T);
        assert_int_equal(plain->ids[s * T], as_given[s] * T);
        assert_int_equal(plain->cls[s * T], 0);
        assert_int_equal(plain->cls[s * T + 2], -1);
    }
    assert_int_equal(a->targeted, 8);
    rows.sequences = 0;
    gr__assembly_fill(a, &rows, 1);
    assert_int_equal(gr__assembly_batches(a), 0);
    assert_int_equal(a->targeted, 0);
    gr__assembly_free(a);
    gr__assembly_free(plain);
    gr_router_free(router);
    gr_model_free(model);
}

/* ---- training ---- */

static outcome whole_run(world *w) {
    setting *s = setting_new(w);
    char *folder = gr_test_folder();
    outcome o = run_in(s, folder, GR_OK);
    gr_test_folder_remove(folder);
    setting_free(s);
    return o;
}

static void check_same(const outcome *a, const outcome *b) {
    assert_string_equal(a->metrics, b->metrics);
    assert_true(bits_equal(&a->state, &b->state));
}

static void test_repeats(void **state) {
    outcome a = whole_run(*state), b = whole_run(*state);
    check_same(&a, &b);
    int lines = 0;
    for (const char *c = a.metrics; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, STEPS);
    assert_non_null(strstr(a.metrics, "\"loss_core\": "));
    assert_non_null(strstr(a.metrics, "\"loss_biology\": "));
    outcome_free(&a);
    outcome_free(&b);
}

/* Micro-batches of 8 rows are 512 positions: the cuts lie on borders of blocks. */
static void test_micro_batches(void **state) {
    bits result[3];
    const int micro[] = {0, 8, 5};
    for (int k = 0; k < 3; k++) {
        setting *s = setting_new(*state);
        gr_error err = {0};
        s->def.micro = micro[k];
        gr_test_ok(gr_train(&s->def, &err), &err);
        result[k] = bits_of(s->model, NULL, NULL);
        setting_free(s);
    }
    assert_true(bits_equal(&result[0], &result[1]));
    double distance =
        gr_test_distance((gr_real *)result[0].data, (gr_real *)result[2].data, result[0].size / sizeof(gr_real));
    assert_true(distance < 1e-3); /* after 12 steps of AdamW at a high rate */
    for (int k = 0; k < 3; k++)
        gr_free(result[k].data);
}

typedef struct killer {
    volatile sig_atomic_t stop;
    int64_t at;
    const char *folder; /* copied at step `at`, as a kill would leave it */
    char *copy;
    double seconds;
} killer;

static void on_progress(void *user, const gr_progress *p) {
    killer *k = user;
    assert_true(p->step >= 1 && p->step <= p->steps && p->labels == 2 && isfinite(p->loss));
    assert_string_equal(p->label[1], "biology");
    assert_true(p->seconds >= k->seconds && p->seconds_left >= 0 && p->tokens_per_s > 0 && p->lr > 0);
    k->seconds = p->seconds;
    if (p->step != k->at)
        return;
    k->stop = 1;
    if (k->copy) {
        char *command = gr_format("cp -r %s/. %s", k->folder, k->copy);
        assert_int_equal(system(command), 0);
        gr_free(command);
    }
}

static void test_stop_and_resume(void **state) {
    outcome whole = whole_run(*state);
    for (int64_t at = 1; at < STEPS; at += 5) {
        killer k = {.at = at};
        char *folder = gr_test_folder();
        for (int session = 0; session < 2; session++) {
            setting *s = setting_new(*state);
            s->def.progress = on_progress, s->def.user = &k, s->def.stop = &k.stop;
            s->def.resume = session > 0;
            k.stop = 0;
            outcome part = run_in(s, folder, session ? GR_OK : GR_ERR_INTERRUPTED);
            if (session)
                check_same(&whole, &part);
            outcome_free(&part);
            setting_free(s);
        }
        gr_test_folder_remove(folder);
    }
    outcome_free(&whole);
}

static void append(const char *folder, const char *name, const char *text) {
    char *path = gr_format("%s/%s", folder, name);
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    gr_free(path);
}

/* What lies in the folder at a step when the process dies there: metrics ahead of the last checkpoint, half a line,
 * half a checkpoint. */
static void test_kill_and_resume(void **state) {
    outcome whole = whole_run(*state);
    const int64_t kills[] = {2, 4, 7, 11, 12};
    for (size_t i = 0; i < sizeof kills / sizeof *kills; i++) {
        char *folder = gr_test_folder(), *copy = gr_test_folder();
        killer k = {.at = kills[i], .folder = folder, .copy = copy};
        setting *s = setting_new(*state);
        s->def.progress = on_progress, s->def.user = &k;
        outcome first = run_in(s, folder, GR_OK);
        outcome_free(&first);
        setting_free(s);
        append(copy, "metrics.jsonl", "{\"step\": 99, \"lo");
        append(copy, "checkpoints/step-000000008.safetensors.tmp", "half");
        s = setting_new(*state);
        s->def.resume = true;
        outcome second = run_in(s, copy, GR_OK);
        check_same(&whole, &second);
        outcome_free(&second);
        setting_free(s);
        gr_test_folder_remove(folder);
        gr_test_folder_remove(copy);
    }
    outcome_free(&whole);
}

static void test_finished(void **state) {
    char *folder = gr_test_folder();
    setting *s = setting_new(*state);
    s->def.checkpoint_every = 0; /* the end is saved all the same */
    outcome a = run_in(s, folder, GR_OK);
    setting_free(s);

    /* A finished run is not trained again. */
    killer k = {.at = -1};
    s = setting_new(*state);
    s->def.resume = true, s->def.progress = on_progress, s->def.user = &k;
    outcome b = run_in(s, folder, GR_OK);
    check_same(&a, &b);
    assert_true(k.seconds == 0);
    setting_free(s);

    /* Nor is it overwritten, nor continued under another recipe; but it is without its metrics, of which whole lines
     * stay. */
    gr_error err = {0};
    gr_trainer *t;
    s = setting_new(*state);
    s->def.folder = folder;
    assert_int_equal(gr_trainer_new(&t, &s->def, &err), GR_ERR_USAGE);
    assert_null(t);
    assert_non_null(strstr(err.hint, "--resume"));
    s->def.resume = true, s->def.digest = "recipe 2";
    memset(&err, 0, sizeof err);
    assert_int_equal(gr_trainer_new(&t, &s->def, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "another recipe"));
    s->def.digest = "recipe 1";
    char *path = gr_format("%s/metrics.jsonl", folder);
    size_t left;
    assert_int_equal(truncate(path, 10), 0);
    memset(&err, 0, sizeof err);
    gr_test_ok(gr_trainer_new(&t, &s->def, &err), &err);
    gr_trainer_free(t);
    free(gr_test_read(path, &left));
    assert_int_equal(left, 0);
    gr_free(path);
    setting_free(s);
    outcome_free(&a);
    outcome_free(&b);
    gr_test_folder_remove(folder);
}

/* A damaged newest checkpoint costs the steps since the one before. */
static void test_damaged_checkpoint(void **state) {
    outcome whole = whole_run(*state);
    char *folder = gr_test_folder();
    killer k = {.at = 9};
    setting *s = setting_new(*state);
    s->def.progress = on_progress, s->def.user = &k, s->def.stop = &k.stop;
    outcome part = run_in(s, folder, GR_ERR_INTERRUPTED);
    outcome_free(&part);
    setting_free(s);
    char *path = gr_format("%s/checkpoints/step-000000009.safetensors", folder);
    assert_int_equal(truncate(path, 500), 0);
    s = setting_new(*state);
    s->def.resume = true;
    gr_log_level(0);
    outcome rest = run_in(s, folder, GR_OK);
    gr_log_level(1);
    check_same(&whole, &rest);
    outcome_free(&rest);
    outcome_free(&whole);
    setting_free(s);
    gr_free(path);
    gr_test_folder_remove(folder);
}

static bool saved_at(const char *folder, int step) {
    char *path = gr_format("%s/checkpoints/step-%09d.safetensors", folder, step);
    const bool there = gr_file_exists(path);
    gr_free(path);
    return there;
}

/* No saving is as fast as the share asks: after the first, which nothing is known before, only the end is saved. */
static void test_rare_checkpoints(void **state) {
    for (int rare = 0; rare < 2; rare++) {
        char *folder = gr_test_folder();
        setting *s = setting_new(*state);
        gr_error err = {0};
        s->def.folder = folder, s->def.checkpoint_every = 1, s->def.checkpoint_share = rare ? 1e-12 : 0;
        gr_test_ok(gr_train(&s->def, &err), &err);
        assert_true(saved_at(folder, STEPS));
        assert_int_equal(saved_at(folder, 1), rare); /* two are kept */
        assert_int_equal(saved_at(folder, STEPS - 1), !rare);
        gr_test_folder_remove(folder);
        setting_free(s);
    }
    setting *s = setting_new(*state);
    gr_error err = {0};
    s->def.checkpoint_share = 1.5;
    assert_int_equal(gr_train(&s->def, &err), GR_ERR_USAGE);
    assert_string_equal(err.place, "checkpoint_share");
    setting_free(s);
}

static void test_not_finite(void **state) {
    char *folder = gr_test_folder();
    setting *s = setting_new(*state);
    gr_error err = {0};
    gr_trainer *t;
    s->def.folder = folder, s->def.checkpoint_every = 2;
    killer k = {.at = 2};
    s->def.progress = on_progress, s->def.user = &k, s->def.stop = &k.stop;
    gr_test_ok(gr_trainer_new(&t, &s->def, &err), &err);
    assert_int_equal(gr_trainer_run(t, &err), GR_ERR_INTERRUPTED);
    assert_non_null(strstr(err.hint, "--resume"));
    gr_model_data(s->model, gr_model_find(s->model, "up"))[3] = (gr_real)NAN;
    bits before = bits_of(s->model, gr_trainer_optim(t), gr_router_tables(s->router));
    memset(&err, 0, sizeof err);
    assert_int_equal(gr_trainer_run(t, &err), GR_ERR_NUMERIC);
    assert_string_equal(err.place, "loss");
    assert_string_equal(err.message, "the loss of step 3 is nan"); /* two are in the metrics */
    assert_non_null(strstr(err.hint, "checkpoint of step 2"));
    bits after = bits_of(s->model, gr_trainer_optim(t), gr_router_tables(s->router));
    assert_true(bits_equal(&before, &after));
    assert_int_equal(gr_trainer_steps(t), 2);
    char *latest;
    memset(&err, 0, sizeof err);
    char *checkpoints = gr_format("%s/checkpoints", folder);
    int64_t step;
    gr_test_ok(gr_checkpoint_latest(checkpoints, &latest, &step, NULL, &err), &err);
    assert_int_equal(step, 2);
    gr_free(latest);
    gr_free(checkpoints);
    gr_free(before.data);
    gr_free(after.data);
    gr_trainer_free(t);
    setting_free(s);
    gr_test_folder_remove(folder);
}

static void test_no_allocation(void **state) {
    char *folder = gr_test_folder();
    setting *s = setting_new(*state);
    gr_error err = {0};
    gr_trainer *t;
    s->def.folder = folder, s->def.micro = 8;
    gr_test_ok(gr_trainer_new(&t, &s->def, &err), &err);
    gr_test_ok(gr_trainer_step(t, &err), &err);
    uint64_t before = gr_alloc_count();
    for (int step = 1; step < STEPS; step++)
        gr_test_ok(gr_trainer_step(t, &err), &err);
    assert_int_equal(gr_alloc_count() - before, 0);
    gr_trainer_free(t);
    setting_free(s);
    gr_test_folder_remove(folder);
}

/* A filtered twin may meet steps without a row: they count for the schedule and change nothing. */
static void test_empty_steps(void **state) {
    world *w = *state;
    setting *s = setting_new(w);
    gr_error err = {0};
    gr_stream_def stream = gr_stream_default();
    const int16_t drop[] = {GR_LABEL_UNLABELLED, GR_LABEL_CORE};
    stream.rows = 1, stream.width = WIDTH, stream.docs = w->train, stream.doc_count = DOCS;
    stream.drop = drop, stream.drop_count = 2;
    gr_stream_free(s->stream);
    gr_test_ok(gr_stream_new(&s->stream, &w->data, w->labels, &stream, &err), &err);
    s->def.stream = s->stream, s->def.rows = 1;
    gr_trainer *t;
    gr_test_ok(gr_trainer_new(&t, &s->def, &err), &err);
    int empty = 0;
    for (int64_t step = 0; step < 2 * STEPS; step++) {
        gr_rows rows;
        gr_stream_next(s->stream, step, &rows);
        bits before = bits_of(s->model, gr_trainer_optim(t), gr_router_tables(s->router));
        gr_test_ok(gr_trainer_step(t, &err), &err);
        bits after = bits_of(s->model, gr_trainer_optim(t), gr_router_tables(s->router));
        assert_true(bits_equal(&before, &after) == (rows.sequences == 0));
        empty += rows.sequences == 0;
        gr_free(before.data);
        gr_free(after.data);
    }
    assert_true(empty > 0 && empty < 2 * STEPS);
    assert_int_equal(gr_optim_steps(gr_trainer_optim(t)), 2 * STEPS);
    gr_trainer_free(t);
    setting_free(s);
}

static void test_bad_options(void **state) {
    setting *s = setting_new(*state);
    gr_trainer *t;
    gr_error err = {0};
    s->def.rows = 0;
    assert_int_equal(gr_trainer_new(&t, &s->def, &err), GR_ERR_USAGE);
    s->def.rows = ROWS, s->def.steps = -1;
    assert_int_equal(gr_trainer_new(&t, &s->def, &err), GR_ERR_USAGE);
    s->def.steps = 1, s->def.micro = -1;
    assert_int_equal(gr_trainer_new(&t, &s->def, &err), GR_ERR_USAGE);
    s->def.micro = 0, s->def.optim.lr = -1;
    assert_int_equal(gr_trainer_new(&t, &s->def, &err), GR_ERR_USAGE);
    s->def.optim.lr = 1, s->def.folder = "/dev/null/folder";
    assert_int_equal(gr_trainer_new(&t, &s->def, &err), GR_ERR_IO);
    assert_null(t);
    setting_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_assembly),           cmocka_unit_test(test_losses_of_labels),
        cmocka_unit_test(test_assembly_order),     cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_micro_batches),      cmocka_unit_test(test_stop_and_resume),
        cmocka_unit_test(test_kill_and_resume),    cmocka_unit_test(test_finished),
        cmocka_unit_test(test_damaged_checkpoint), cmocka_unit_test(test_rare_checkpoints),
        cmocka_unit_test(test_not_finite),         cmocka_unit_test(test_no_allocation),
        cmocka_unit_test(test_empty_steps),        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
