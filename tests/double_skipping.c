/* What is skipped is never read: runs whose memory is full of NaN from an earlier batch against runs that skip nothing,
 * on odd and random graphs. */
#include "graph_helpers.h"

/* Fills the run's memory with NaN: a pass over all rows, every tap open, with parameters that are not numbers. */
static void poison(gr_run *run, const net *n, int rows, bool train) {
    gr_test_batch b = batch_of(rows, 60, BY_DOCUMENT, 99);
    gr_real *old[VALUES] = {0};
    for (int i = 0; i < rows; i++)
        b.cls[i] = 0;
    for (int p = 0; p < gr_model_params(n->model); p++) {
        size_t size = size_of(n->model, p);
        gr_real *w = gr_model_data(n->model, p);
        old[p] = gr_alloc(size * sizeof *w);
        memcpy(old[p], w, size * sizeof *w);
        for (size_t i = 0; i < size; i++)
            w[i] = (gr_real)NAN;
    }
    assert_true(isnan(gr_run_forward(run, &b.batch)));
    if (train)
        gr_run_backward(run);
    for (int p = 0; p < gr_model_params(n->model); p++) {
        memcpy(gr_model_data(n->model, p), old[p], size_of(n->model, p) * sizeof(gr_real));
        gr_free(old[p]);
    }
    gr_test_batch_free(&b);
}

static void check_skipping(describe make, uint64_t seed, int rows, int longest, int by) {
    enum { MOST = 5 * BLOCK };
    net n = build(make, (draw){.seed = seed, .stops = true});
    modes mode = {true, seed % 2, seed % 3 == 0, false}, almost = {true, seed % 2, seed % 3 == 0, true};
    gr_tables *t = tables_of(&n, mode), *almost_off = tables_of(&n, almost);
    gr_test_batch b = batch_of(rows, longest, by, seed);
    gr_run *run = run_new(n.model, t, MOST, true), *eval = run_new(n.model, t, MOST, false);
    gr_run *all = run_new(n.model, almost_off, MOST, true);
    poison(run, &n, MOST, true);
    poison(eval, &n, MOST, false);
    double got = step(run, &b.batch), seen = gr_run_forward(eval, &b.batch);
    double want = step(all, &b.batch);
    if (!(fabs(got - want) <= 1e-9 * fabs(want)))
        fail_msg("skipping, graph %d: loss %.12g instead of %.12g", (int)seed, got, want);
    if (!n.d.drops && seen != got)
        fail_msg("skipping, graph %d: %.12g in evaluation, %.12g in training", (int)seed, seen, got);
    for (int p = 0; p < gr_model_params(n.model); p++)
        close_to("skipping", &n, p, gr_run_gradient(all, p), gr_run_gradient(run, p), 1e-9);
    assert_memory_equal(gr_run_open(all), gr_run_open(run), (size_t)gr_tables_slices(t));
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_run_free(eval);
    gr_run_free(all);
    gr_tables_free(t);
    gr_tables_free(almost_off);
    gr_model_free(n.model);
}

static void skipped_is_never_read(void **state) {
    (void)state;
    int rows[] = {3 * BLOCK, 2 * BLOCK + 9, 5 * BLOCK, 100}, longest[] = {60, 300, 1200};
    for (uint64_t seed = 0; seed < 8 * ODD; seed++)
        check_skipping(odd[seed % ODD], seed, rows[seed / ODD % 4], longest[seed % 3], (int)(seed / ODD % 3));
    for (uint64_t seed = 0; seed < 60; seed++)
        check_skipping(random_graph, seed, rows[seed % 4], longest[seed / 4 % 3], (int)(seed % 3));
}

/* Taps 0 and 1 switched per class over their whole width, in memory full of NaN and against weights that are almost 0.
 */
static void check_unseen(describe make, const double *one, const double *two, gr_test_batch *b) {
    net n = build(make, (draw){.seed = 1});
    gr_tables *t[2];
    gr_run *run[2];
    double total[2];
    for (int k = 0; k < 2; k++) {
        t[k] = gr_tables_new(n.model, CLASSES);
        for (int i = 0; i < 2; i++) {
            double w[CLASSES];
            int columns;
            gr_model_tap(n.model, i, &columns);
            for (int c = 0; c < CLASSES; c++)
                w[c] = k && (i ? two : one)[c] == 0 ? 1e-200 : (i ? two : one)[c];
            gr_tables_forward(t[k], i, 0, columns, w);
        }
        gr_tables_finish(t[k]);
        run[k] = run_new(n.model, t[k], b->batch.positions, true);
        poison(run[k], &n, k ? 1 : b->batch.positions, true);
        total[k] = step(run[k], &b->batch);
    }
    assert_true(fabs(total[0] - total[1]) < 1e-9);
    for (int p = 0; p < gr_model_params(n.model); p++)
        close_to("unseen", &n, p, gr_run_gradient(run[1], p), gr_run_gradient(run[0], p), 1e-9);
    for (int k = 0; k < 2; k++) {
        gr_run_free(run[k]);
        gr_tables_free(t[k]);
    }
    gr_model_free(n.model);
}

/* A block that is needed only because a later document begins in it brings along the one that ends in it. */
static void documents_in_a_chain(void **state) {
    (void)state;
    enum { N = 4 * BLOCK };
    gr_test_batch b = batch_of(N, 60, BY_DOCUMENT, 3);
    for (int backward = 0; backward < 2; backward++) {
        for (int i = 0; i < N; i++) {
            b.start[i] = i < 300 ? 0 : i < 700 ? 300 : i < 1300 ? 700 : i < 1800 ? 1300 : 1800;
            b.cls[i] = backward ? i >= 300 : i < 1300; /* heads are off for class 1 */
        }
        check_unseen(heads, (double[]){1, 1, 1, 1}, (double[]){1, 0, 1, 1}, &b);
    }
    gr_test_batch_free(&b);
}

/* A block of two classes: one needs the product, the other what the product reads, none both. */
static void taps_that_take_turns(void **state) {
    (void)state;
    enum { N = 5 * BLOCK };
    gr_test_batch b = batch_of(N, 60, BY_DOCUMENT, 3);
    for (int i = 0; i < N; i++)
        b.cls[i] = 1 + b.start[i] % 2;
    check_unseen(tap_after_product, (double[]){1, 0, 1, 1}, (double[]){1, 1, 0, 1}, &b);
    for (int i = 0; i < N; i++) { /* needed, not needed, needed: each stretch once */
        b.start[i] = i / 64 * 64;
        b.cls[i] = i / BLOCK % 2;
    }
    check_unseen(tap_after_product, (double[]){1, 0, 1, 1}, (double[]){1, 0, 1, 1}, &b);
    /* One document: what the heads of the first block need, the others have. */
    for (int i = 0; i < N; i++) {
        b.start[i] = 0;
        b.cls[i] = i < BLOCK ? 1 : 2;
    }
    check_unseen(heads_of_zeros, (double[]){1, 0, 1, 1}, (double[]){1, 1, 0, 1}, &b);
    gr_test_batch_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skipped_is_never_read),
        cmocka_unit_test(documents_in_a_chain),
        cmocka_unit_test(taps_that_take_turns),
    };
    return cmocka_run_group_tests_name("skipping", tests, NULL, NULL);
}
