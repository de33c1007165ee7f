/* Odd and random graphs under class tables: gradients against central differences of the frozen-tap form, and parameter
 * mode against one pass per class. */
#include "graph_helpers.h"

/* ---- differences of the frozen form ---- */

/* Columns of the twin's inputs: tap k reads f a x + f (1 - a) x0 for weights f, a of row and column. */
static void freeze(const gr_tables *t, gr_run *routed, const net *n, const gr_test_batch *b, bool mixed,
                   gr_batch *twin) {
    for (int k = 0; k < gr_model_taps(n->model); k++) {
        int w, stride;
        gr_model_tap(n->model, k, &w);
        const gr_real *x0 = gr_run_value(routed, n->d.tapped[k], &stride);
        size_t size = (size_t)b->batch.positions * (size_t)w;
        gr_real *scale = gr_alloc(size * sizeof *scale), *rest = gr_alloc(size * sizeof *rest);
        for (int i = 0; i < b->batch.positions * w; i++) {
            int row = i / w, col = i % w, c = b->cls[row] < 0 ? 0 : b->cls[row], r = t->range_at[k];
            while (t->range[r].hi <= col)
                r++;
            double f = t->range[r].forward < 0 ? 1 : t->set[t->range[r].forward].w[c];
            double a = t->range[r].activation < 0 ? 1 : t->set[t->range[r].activation].w[c];
            double m = mixed ? (double)b->mix[row] : 1;
            f = 1 + m * (f - 1);
            a = 1 + m * (a - 1);
            scale[i] = (gr_real)(f * a);
            rest[i] = (gr_real)(f * (1 - a) * (double)x0[row * stride + col]);
        }
        twin->x[2 * k] = scale;
        twin->x[2 * k + 1] = rest;
    }
}

static double difference(gr_run *run, const gr_batch *batch, gr_real *w) {
    double old = (double)*w, h = 1e-5;
    *w = (gr_real)(old + h);
    double up = gr_run_forward(run, batch);
    *w = (gr_real)(old - h);
    double down = gr_run_forward(run, batch);
    *w = (gr_real)old;
    return (up - down) / (2 * h);
}

static void check_frozen(describe make, uint64_t seed, modes mode, bool mixed) {
    enum { N = 41 };
    net n = build(make, (draw){.seed = seed}), f = build(make, (draw){.seed = seed, .frozen = true});
    gr_tables *t = tables_of(&n, mode);
    gr_test_batch b = batch_of(N, 20, seed % 2 ? BY_DOCUMENT : BY_TOKEN, seed);
    for (int i = 0; mixed && i < N; i++)
        b.mix[i] = (gr_real)gr_random_uniform((gr_key){seed, GR_STREAM_TEST, 6}, (uint64_t)i, 0);
    b.batch.mix = mixed ? b.mix : NULL;
    gr_run *routed = run_new(n.model, t, N, true), *twin = run_new(f.model, NULL, N, true);
    step(routed, &b.batch);
    gr_test_batch plain = b; /* absent rows stay so, else one class and no tables */
    int32_t cls[N];
    for (int i = 0; i < N; i++)
        cls[i] = b.cls[i] < 0 ? -1 : 0;
    plain.batch.cls = cls;
    plain.batch.mix = NULL;
    freeze(t, routed, &n, &b, mixed, &plain.batch);
    double wrong = 0, norm2 = 0, worst = 0;
    int worst_param = 0;
    for (int p = 0; p < gr_model_params(n.model); p++) {
        gr_real *w = gr_model_data(f.model, p);
        size_t size = size_of(n.model, p), skip = size > 12 ? size / 12 : 1;
        memcpy(w, gr_model_data(n.model, p), size * sizeof *w);
        for (size_t i = 0; i < size; i += skip) {
            double numeric = difference(twin, &plain.batch, w + i), got = (double)gr_run_gradient(routed, p)[i];
            double e = (numeric - got) * (numeric - got);
            wrong += e;
            norm2 += numeric * numeric;
            if (!(e <= worst))
                worst = e, worst_param = p;
        }
    }
    if (!(sqrt(wrong) <= 1e-6 * sqrt(norm2)) || !(norm2 > 0))
        fail_msg("graph %d: relative error %.3g, worst in %s", (int)seed, sqrt(wrong / norm2),
                 gr_model_param(n.model, worst_param)->name);
    for (int i = 0; i < GR_BATCH_INPUTS; i++)
        gr_free((void *)plain.batch.x[i]);
    gr_test_batch_free(&b);
    gr_run_free(routed);
    gr_run_free(twin);
    gr_tables_free(t);
    gr_model_free(n.model);
    gr_model_free(f.model);
}

static void odd_graphs_frozen(void **state) {
    (void)state;
    for (int i = 0; i < ODD; i++)
        for (uint64_t seed = 0; seed < 4; seed++) {
            check_frozen(odd[i], 10 * (uint64_t)i + seed, (modes){.forward = true}, seed == 1);
            check_frozen(odd[i], 10 * (uint64_t)i + seed, (modes){.activation = true}, seed == 2);
            check_frozen(odd[i], 10 * (uint64_t)i + seed, (modes){.forward = true, .activation = true}, seed == 3);
        }
}

static void random_graphs_frozen(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++)
        check_frozen(random_graph, seed, (modes){.forward = seed % 3 != 0, .activation = seed % 3 != 1}, seed % 5 == 4);
}

/* ---- parameter mode: one pass per class ---- */

/* sum over classes of T[c][slice] times the gradient of that class's rows alone, with the same taps. */
static void check_classes(describe make, uint64_t seed) {
    enum { N = 700 };
    net n = build(make, (draw){.seed = seed, .separable = true, .stops = seed % 2});
    gr_tables *t = tables_of(&n, (modes){true, true, true, false}),
              *taps = tables_of(&n, (modes){true, true, false, false});
    gr_test_batch b = batch_of(N, 90, BY_DOCUMENT, seed);
    gr_real *weight = gr_alloc(N * sizeof *weight), *sum[VALUES] = {0};
    memcpy(weight, b.weight, N * sizeof *weight);
    gr_run *fast = run_new(n.model, t, N, true), *slow = run_new(n.model, taps, N, true);
    step(fast, &b.batch);
    for (int p = 0; p < gr_model_params(n.model); p++)
        sum[p] = gr_alloc(size_of(n.model, p) * sizeof(gr_real));
    for (int c = 0; c < CLASSES; c++) {
        for (int i = 0; i < N; i++)
            b.weight[i] = b.cls[i] == c ? weight[i] : 0;
        step(slow, &b.batch);
        for (int s = 0; s < gr_tables_slices(t); s++) {
            gr_rect q = gr_tables_slice(t, s);
            int cols = gr_model_param(n.model, q.param)->cols;
            for (int i = q.lo0; i < q.hi0; i++)
                for (int j = q.lo1; j < q.hi1; j++)
                    sum[q.param][i * cols + j] +=
                        (gr_real)gr_tables_weight(t, s, c) * gr_run_gradient(slow, q.param)[i * cols + j];
        }
    }
    for (int p = 0; p < gr_model_params(n.model); p++) {
        close_to("classes", &n, p, sum[p], gr_run_gradient(fast, p), 1e-9);
        gr_free(sum[p]);
    }
    gr_free(weight);
    gr_test_batch_free(&b);
    gr_run_free(fast);
    gr_run_free(slow);
    gr_tables_free(t);
    gr_tables_free(taps);
    gr_model_free(n.model);
}

static void parameter_mode_is_sum_of_classes(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++)
        check_classes(random_graph, seed);
}

/* ---- norms over ranges of a tap ---- */

/* A group of a norm whose tap is cut into ranges is off where all of them are. */
static void norm_of_a_cut_group(void **state) {
    (void)state;
    enum { N = 24, CORE = 3, GROUP = 5 };
    draw d = {.g = gr_graph_new()};
    gr_value t = tap(&d, leaf(&d, GROUP)), x = gr_concat(d.g, 2, (gr_value[]){leaf(&d, CORE), t});
    gr_norm_group group[] = {{GR_NONE, CORE, GR_NONE}, {GR_NONE, GROUP, gr_graph_tap(d.g, t)}};
    gr_value y = gr_rms_norm(d.g, x, 2, group, 0.01);
    loss(&d, y);
    net n = {.d = d};
    gr_error err = {0};
    gr_test_ok(gr_model_new(&n.model, d.g, 5, &err), &err);
    gr_tables *tables = gr_tables_new(n.model, CLASSES);
    gr_tables_forward(tables, 0, 0, 2, (double[]){1, 0, 0, 0.5});
    gr_tables_forward(tables, 0, 2, GROUP, (double[]){1, 0, 1, 0});
    gr_tables_finish(tables);
    gr_run *run = run_new(n.model, tables, N, true);
    gr_test_batch b = batch_of(N, 9, BY_TOKEN, 12);
    step(run, &b.batch);
    int stride;
    const gr_real *in = gr_run_value(run, x, &stride), *out = gr_run_value(run, y, &stride);
    for (int i = 0; i < N; i++) {
        double square = 0;
        int columns = b.cls[i] == 1 ? CORE : CORE + GROUP;
        for (int j = 0; b.cls[i] >= 0 && j < columns; j++)
            square += (double)in[i * stride + j] * (double)in[i * stride + j];
        for (int j = 0; b.cls[i] >= 0 && j < CORE + GROUP; j++)
            assert_true(fabs((double)out[i * stride + j] - (double)in[i * stride + j] / sqrt(square / columns + 0.01)) <
                        1e-12);
    }
    for (int p = 0; p < gr_model_params(n.model); p++) {
        gr_real *w = gr_model_data(n.model, p), numeric[V * GROUP];
        for (size_t i = 0; i < size_of(n.model, p); i++)
            numeric[i] = (gr_real)difference(run, &b.batch, w + i);
        close_to("norm", &n, p, numeric, gr_run_gradient(run, p), 1e-6);
    }
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_tables_free(tables);
    gr_model_free(n.model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_graphs_frozen),
        cmocka_unit_test(random_graphs_frozen),
        cmocka_unit_test(parameter_mode_is_sum_of_classes),
        cmocka_unit_test(norm_of_a_cut_group),
    };
    return cmocka_run_group_tests_name("graphs", tests, NULL, NULL);
}
