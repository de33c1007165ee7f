/* Corners of the engine's rules: regions of parts that no gate covers, absent rows, openness over micro-batches, what
 * is off is not read, and what the planner says. */
#include <malloc.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/compiled.h"
#include "support.h"

enum { V = GR_TEST_VOCAB, W = 6, UNITS = 4 };

static gr_param param(gr_graph *g, const char *name, int rows, int cols) {
    return gr_graph_param(g, &(gr_param_def){name, rows, cols, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.5, false});
}

static gr_model *compile(gr_graph *g) {
    gr_model *model;
    gr_error err = {0};
    gr_test_ok(gr_model_new(&model, g, 7, &err), &err);
    return model;
}

static gr_run *run_new(gr_model *m, const gr_tables *t, int rows) {
    gr_run *run;
    gr_error err = {0};
    gr_test_ok(gr_run_new(&run, m, t, &(gr_run_def){.positions = rows, .train = true, .seed = 1}, &err), &err);
    return run;
}

static double step(gr_run *run, const gr_batch *batch) {
    gr_run_zero(run);
    double loss = gr_run_forward(run, batch);
    gr_run_backward(run);
    gr_run_reduce(run);
    return loss;
}

/* embed -> up -> tap -> down + bias; the region owns the bias too, which lies behind no gate. */
static gr_model *gated(void) {
    gr_graph *g = gr_graph_new();
    gr_value x = gr_embedding(g, param(g, "embed", V, W));
    gr_param up = param(g, "up", UNITS, W), down = param(g, "down", UNITS, V), bias = param(g, "bias", 1, V);
    gr_value h = gr_tap_point(g, gr_silu(g, gr_linear(g, 1, &(gr_term){.x = x, .w = up}, GR_NONE, GR_NONE)), "h");
    gr_value y = gr_linear(g, 1, &(gr_term){.x = h, .w = down, .transposed = true}, bias, GR_NONE);
    gr_value row = gr_cross_entropy(g, y);
    gr_graph_loss(g, gr_mean(g, row), 1);
    gr_graph_output(g, "row_loss", row);
    int region = gr_graph_region(g, "r");
    gr_graph_region_gate(g, region, gr_graph_tap(g, h), 2, UNITS);
    gr_graph_region_rect(g, region, (gr_rect){up, 2, UNITS, 0, W});
    gr_graph_region_rect(g, region, (gr_rect){down, 2, UNITS, 0, V});
    gr_graph_region_rect(g, region, (gr_rect){bias, 0, 1, 0, V});
    int other = gr_graph_region(g, "other"), bare = gr_graph_region(g, "bare"); /* the latter has no gate */
    gr_graph_region_gate(g, other, gr_graph_tap(g, h), 0, 2);
    gr_graph_region_rect(g, other, (gr_rect){up, 0, 2, 0, W});
    gr_graph_region_rect(g, bare, (gr_rect){down, 0, 2, 0, V});
    return compile(g);
}

/* A row that is gated off gives none of the region's parts a gradient; with `mix` below 1 it is not off. */
static void gates_close_every_part(void **state) {
    (void)state;
    enum { N = 30 };
    gr_model *m = gated();
    gr_tables *t = gr_tables_new(m, 2);
    gr_tables_gate(t, gr_model_find_region(m, "r"), (double[]){1, 0});
    gr_tables_finish(t);
    gr_run *run = run_new(m, t, N), *some = run_new(m, t, N);
    gr_test_batch b = gr_test_batch_new(N, V, 2);
    b.batch.cls = b.cls;
    gr_real bias[3][V];
    gr_param p = gr_model_find(m, "bias");
    for (int mixed = 0; mixed < 2; mixed++) {
        for (int n = 0; n < N; n++) {
            b.cls[n] = n % 3 == 0;
            b.mix[n] = 1;
        }
        b.batch.mix = mixed ? b.mix : NULL;
        step(run, &b.batch);
        memcpy(bias[mixed], gr_run_gradient(run, p), sizeof bias[mixed]);
        for (int n = 0; n < N; n++)
            b.cls[n] = 1;
        step(some, &b.batch);
        for (int s = 0; s < gr_tables_slices(t); s++) {
            gr_rect q = gr_tables_slice(t, s);
            bool closed = gr_tables_weight(t, s, 1) == 0;
            assert_int_equal(gr_run_open(some)[s], !closed);
            for (int i = q.lo0; i < q.hi0 && closed; i++)
                for (int j = q.lo1; j < q.hi1; j++)
                    assert_true(gr_run_gradient(some, q.param)[i * gr_model_param(m, q.param)->cols + j] == 0);
        }
        assert_true(gr_tables_weight(t, gr_tables_slices(t) - 1, 1) == 0); /* the bias is closed */
    }
    /* Only the rows of class 0 make the bias's gradient. */
    for (int n = 0; n < N; n++) {
        b.cls[n] = n % 3 == 0;
        b.weight[n] = n % 3 != 0;
    }
    b.batch.weight = b.weight;
    b.batch.mix = NULL;
    step(run, &b.batch);
    memcpy(bias[2], gr_run_gradient(run, p), sizeof bias[2]);
    assert_true(gr_test_distance(bias[0], bias[2], V) < 1e-5);
    assert_true(gr_test_distance(bias[1], bias[2], V) < 1e-5);
    /* Half off is on, and open. */
    for (int n = 0; n < N; n++) {
        b.cls[n] = 1;
        b.mix[n] = (gr_real)0.5;
    }
    b.batch.mix = b.mix;
    step(some, &b.batch);
    for (int s = 0; s < gr_tables_slices(t); s++)
        assert_true(gr_run_open(some)[s]);
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_run_free(some);
    gr_tables_free(t);
    gr_model_free(m);
}

static void openness_adds_up(void **state) {
    (void)state;
    enum { N = 16 };
    gr_model *m = gated();
    gr_tables *t = gr_tables_new(m, 3);
    gr_tables_param(t, (gr_rect){gr_model_find(m, "up"), 0, 2, 0, W}, (double[]){0, 1, 0});
    gr_tables_param(t, (gr_rect){gr_model_find(m, "up"), 2, UNITS, 0, W}, (double[]){0, 0, 1});
    gr_tables_finish(t);
    gr_run *run = run_new(m, t, N);
    gr_test_batch b = gr_test_batch_new(N, V, 2);
    b.batch.cls = b.cls;
    int slices = gr_tables_slices(t), open[4] = {0};
    for (int k = 0; k < 4; k++) { /* class 1; then class 2 too; after zeroing class 0; nobody */
        if (k != 1)
            gr_run_zero(run);
        for (int n = 0; n < N; n++)
            b.cls[n] = k < 2 ? k + 1 : k == 2 ? 0 : -1;
        gr_run_forward(run, &b.batch);
        gr_run_backward(run);
        for (int s = 0; s < slices; s++)
            open[k] += gr_run_open(run)[s];
    }
    assert_int_equal(open[0], slices - 1);
    assert_int_equal(open[1], slices);
    assert_int_equal(open[2], slices - 2);
    assert_int_equal(open[3], 0);
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_tables_free(t);
    gr_model_free(m);
}

/* Two regions that take turns, and one without gates: it has nothing to switch, and closes all the same. */
static void regions_take_turns(void **state) {
    (void)state;
    gr_model *m = gated();
    gr_tables *t = gr_tables_new(m, 2);
    gr_tables_gate(t, gr_model_find_region(m, "r"), (double[]){1, 0});
    gr_tables_gate(t, gr_model_find_region(m, "other"), (double[]){0, 1});
    gr_tables_gate(t, gr_model_find_region(m, "bare"), (double[]){0, 1});
    gr_tables_finish(t);
    for (int s = 0; s < gr_tables_slices(t); s++) {
        gr_rect q = gr_tables_slice(t, s);
        const char *name = gr_model_param(m, q.param)->name;
        bool r = strcmp(name, "bias") == 0 || (strcmp(name, "embed") != 0 && q.lo0 >= 2);
        bool other = strcmp(name, "up") == 0 && q.lo0 < 2, bare = strcmp(name, "down") == 0 && q.lo0 < 2;
        assert_true(gr_tables_weight(t, s, 0) == (other || bare ? 0 : 1));
        assert_true(gr_tables_weight(t, s, 1) == (r ? 0 : 1));
    }
    gr_tables_free(t);
    gr_model_free(m);
}

/* Cuts between equal weights are no cuts. */
static void equal_neighbours_are_one_slice(void **state) {
    (void)state;
    gr_model *m = gated();
    gr_param e = gr_model_find(m, "embed");
    gr_tables *t = gr_tables_new(m, 2);
    for (int p = 0; p < gr_model_params(m); p++)
        gr_tables_param(t, (gr_rect){p, 0, 1, 1, 3}, (double[]){1, 1});
    gr_tables_finish(t);
    assert_int_equal(gr_tables_slices(t), gr_model_params(m));
    gr_tables_free(t);
    t = gr_tables_new(m, 2);
    gr_tables_param(t, (gr_rect){e, 2, 5, 0, W}, (double[]){1, 0});
    gr_tables_param(t, (gr_rect){e, 5, 9, 0, 3}, (double[]){1, 0});
    gr_tables_param(t, (gr_rect){e, 5, 9, 3, W}, (double[]){1, 0});
    gr_tables_finish(t);
    assert_int_equal(gr_tables_slices(t), gr_model_params(m) + 2); /* rows 0 to 2, 2 to 9 and the rest */
    gr_tables_free(t);
    t = gr_tables_new(m, 2); /* the first columns go on as above, the others do not */
    gr_tables_param(t, (gr_rect){e, 2, 7, 0, W}, (double[]){1, 0});
    gr_tables_param(t, (gr_rect){e, 5, 7, 3, W}, (double[]){0.5, 1});
    gr_tables_param(t, (gr_rect){e, 7, 8, 3, W}, (double[]){1, 0.5});
    gr_tables_param(t, (gr_rect){e, 0, 2, 2, 3}, (double[]){0.3, 0.5});
    gr_tables_param(t, (gr_rect){e, 7, 8, 0, 3}, (double[]){1, 0});
    gr_tables_finish(t);
    int covered[V][W] = {0};
    for (int s = 0; s < gr_tables_slices(t); s++) {
        gr_rect q = gr_tables_slice(t, s);
        for (int i = q.lo0; q.param == e && i < q.hi0; i++)
            for (int j = q.lo1; j < q.hi1; j++)
                covered[i][j]++;
    }
    for (int i = 0; i < V; i++)
        for (int j = 0; j < W; j++)
            assert_int_equal(covered[i][j], 1);
    gr_tables_free(t);
    gr_model_free(m);
}

/* Blocks of different classes in one stretch, a block at a time or all at once, and a block whose loss is no number. */
static void blocks_have_classes_of_their_own(void **state) {
    (void)state;
    enum { N = 4 * GR_BLOCK };
    gr_model *m = gated();
    gr_tables *t = gr_tables_new(m, 3);
    for (int p = 0; p < gr_model_params(m); p++) {
        const gr_param_def *def = gr_model_param(m, p);
        gr_tables_param(t, (gr_rect){p, 0, def->rows, 0, def->cols}, (double[]){1, 0, 0.3});
    }
    gr_tables_finish(t);
    gr_run *whole = run_new(m, t, N), *one = run_new(m, t, GR_BLOCK);
    gr_test_batch b = gr_test_batch_new(N, V, 2);
    b.batch.start = NULL;
    b.batch.cls = b.cls;
    b.batch.weight = b.weight;
    for (int bad = 0; bad < 2; bad++) {
        for (int n = 0; n < N; n++) {
            int block = n / GR_BLOCK;
            b.cls[n] = block == 3 ? n % 2 * 2 : (block + 1) % 3; /* 1, 2, 0, then 0 and 2 in turn */
            b.weight[n] = bad && b.cls[n] == 1 ? (gr_real)NAN : b.weight[n];
        }
        step(whole, &b.batch);
        gr_run_zero(one);
        for (int k = 0; k < 4; k++) {
            gr_batch part = b.batch;
            part.positions = GR_BLOCK;
            part.ids += k * GR_BLOCK;
            part.targets += k * GR_BLOCK;
            part.cls += k * GR_BLOCK;
            part.weight += k * GR_BLOCK;
            gr_run_forward(one, &part);
            gr_run_backward(one);
        }
        gr_run_reduce(one);
        for (int p = 0; p < gr_model_params(m); p++) {
            const gr_param_def *def = gr_model_param(m, p);
            size_t size = (size_t)def->rows * (size_t)def->cols;
            assert_memory_equal(gr_run_gradient(whole, p), gr_run_gradient(one, p), size * sizeof(gr_real));
            for (size_t i = 0; i < size; i++)
                assert_true(isfinite((double)gr_run_gradient(whole, p)[i]));
        }
    }
    gr_test_batch_free(&b);
    gr_run_free(whole);
    gr_run_free(one);
    gr_tables_free(t);
    gr_model_free(m);
}

/* What a tap that is off reads is not computed: it stays as the batch before left it. */
static void off_is_not_computed(void **state) {
    (void)state;
    enum { N = 40 };
    gr_graph *g = gr_graph_new();
    gr_value x = gr_embedding(g, param(g, "embed", V, W)), h[2], t[2];
    for (int i = 0; i < 2; i++) {
        gr_term term = {.x = x, .w = param(g, i ? "w" : "v", W, W)};
        h[i] = gr_silu(g, gr_linear(g, 1, &term, GR_NONE, GR_NONE));
        t[i] = gr_tap_point(g, h[i], i ? "w.tap" : "v.tap");
    }
    /* A sum reads the zeros of its tap, a product leaves them out. */
    gr_value y = gr_linear(g, 1, &(gr_term){.x = t[1], .w = param(g, "out", W, W)}, GR_NONE, gr_add(g, t[0], x));
    gr_graph_loss(g, gr_mean(g, gr_l1(g, y)), 1);
    gr_model *m = compile(g);
    gr_tables *tables = gr_tables_new(m, 2);
    for (int i = 0; i < 2; i++)
        gr_tables_forward(tables, i, 0, W, (double[]){1, 0});
    gr_tables_finish(tables);
    gr_run *run = run_new(m, tables, N);
    gr_test_batch b = gr_test_batch_new(N, V, 2);
    b.batch.cls = b.cls;
    gr_real before[2][N * W];
    for (int k = 0; k < 2; k++) {
        for (int n = 0; n < N; n++)
            b.cls[n] = k;
        step(run, &b.batch);
        for (int i = 0; i < 2; i++) {
            int stride;
            const gr_real *v = gr_run_value(run, h[i], &stride);
            assert_int_equal(stride, W);
            if (k)
                assert_memory_equal(v, before[i], sizeof before[i]);
            memcpy(before[i], v, sizeof before[i]);
            gr_model_data(m, gr_model_find(m, i ? "w" : "v"))[0] += 1;
        }
    }
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_tables_free(tables);
    gr_model_free(m);
}

static void absent_rows_lose_nothing(void **state) {
    (void)state;
    enum { N = 24 };
    gr_model *m = gated();
    gr_run *run = run_new(m, NULL, N);
    gr_test_batch b = gr_test_batch_new(N, V, 2);
    b.batch.cls = b.cls;
    for (int n = 0; n < N; n++) {
        b.cls[n] = n % 2 ? -1 : 0;
        b.targets[n] = n % V;
    }
    step(run, &b.batch);
    int stride;
    const gr_real *row = gr_run_value(run, gr_model_output(m, "row_loss"), &stride);
    for (int n = 0; n < N; n++)
        assert_true((row[n * stride] == 0) == (n % 2 == 1));
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_model_free(m);
}

/* A region that is off for every row is not read at all: its parameters need not be numbers. */
static void off_is_not_read(void **state) {
    (void)state;
    enum { N = 1100 };
    gr_model *m = gr_test_transformer(3);
    int group = gr_model_find_region(m, "group");
    gr_tables *t = gr_tables_new(m, 2);
    gr_tables_gate(t, group, (double[]){1, 0});
    gr_tables_finish(t);
    gr_run *run = run_new(m, t, N), *clean = run_new(m, t, N);
    gr_test_batch b = gr_test_batch_new(N, V, 2);
    b.batch.cls = b.cls;
    for (int n = 0; n < N; n++)
        b.cls[n] = 1;
    double want = step(clean, &b.batch);
    const gr_region *r = gr_model_region(m, group);
    for (int i = 0; i < r->rects; i++)
        for (int k = 0; k < r->rect[i].hi0 * r->rect[i].hi1; k++)
            gr_model_data(m, r->rect[i].param)[k] = (gr_real)NAN;
    assert_true(step(run, &b.batch) == want);
    for (int p = 0; p < gr_model_params(m); p++) {
        const gr_param_def *def = gr_model_param(m, p);
        assert_memory_equal(gr_run_gradient(run, p), gr_run_gradient(clean, p),
                            (size_t)def->rows * (size_t)def->cols * sizeof(gr_real));
    }
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_run_free(clean);
    gr_tables_free(t);
    gr_model_free(m);
}

static void taps_weight_rows(void **state) {
    (void)state;
    gr_graph *g = gr_graph_new();
    assert_int_equal(gr_tap_point(g, gr_mean(g, gr_input(g, 0, 1)), "number"), GR_NONE);
    gr_model *model;
    gr_error err = {0};
    assert_int_equal(gr_model_new(&model, g, 1, &err), GR_ERR_USAGE);
}

/* ---- planning ---- */

static void intervals_do_not_overlap(void **state) {
    (void)state;
    enum { COUNT = 40 };
    for (uint32_t seed = 0; seed < 50; seed++) {
        gr_key key = {seed, GR_STREAM_TEST, 3};
        size_t at[COUNT] = {0}, size[COUNT], total = 0, most = 0;
        int from[COUNT], to[COUNT];
        for (int i = 0; i < COUNT; i++) {
            uint64_t bits = gr_random_bits(key, (uint64_t)i, 0);
            size[i] = bits % 5 ? 16 * (bits / 8 % 30) : 0;
            from[i] = (int)(bits / 512 % 30);
            to[i] = from[i] + (int)(bits / 65536 % 12);
            total += size[i];
        }
        size_t used = gr__pack_intervals(at, size, from, to, COUNT);
        for (int i = 0; i < COUNT; i++) {
            most = size[i] && at[i] + size[i] > most ? at[i] + size[i] : most;
            for (int j = 0; j < i; j++)
                if (size[i] && size[j] && from[i] <= to[j] && from[j] <= to[i])
                    assert_true(at[i] + size[i] <= at[j] || at[j] + size[j] <= at[i]);
        }
        assert_true(used == most && used < total * 3 / 4);
    }
}

static void plan_is_what_is_allocated(void **state) {
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* mallinfo sees nothing there */
#endif
    gr_model *m = gr_test_transformer(3);
    for (int train = 0; train < 2; train++) {
        gr_run_def def = {.positions = 20 * GR_BLOCK, .train = train};
        struct mallinfo2 before = mallinfo2();
        gr_run *run;
        gr_error err = {0};
        gr_test_ok(gr_run_new(&run, m, NULL, &def, &err), &err);
        struct mallinfo2 after = mallinfo2();
        double grown = (double)(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd);
        gr_memory p = gr_run_plan(m, NULL, &def);
        double planned = (double)(p.total - p.parameters);
        assert_true(p.total ==
                    p.parameters + p.gradients + p.activations + p.activation_gradients + p.state + p.scratch);
        if (!(grown >= planned && grown < 1.2 * planned))
            fail_msg("%.0f bytes planned, %.0f allocated", planned, grown);
        gr_run_free(run);
    }
    gr_model_free(m);
}

/* A second reader of a parameter has an accumulator of its own; what leads to no parameter has no gradient. */
static void plan_knows_what_is_needed(void **state) {
    (void)state;
    enum { N = 512, X = 16 };
    gr_memory plan[3];
    for (int k = 0; k < 3; k++) {
        gr_graph *g = gr_graph_new();
        gr_param w = param(g, "w", X, X);
        gr_value x = gr_silu(g, gr_gelu(g, gr_input(g, 0, X)));
        gr_term term[] = {{.x = x, .w = w}, {.x = x, .w = k == 2 ? w : param(g, "v", X, X)}};
        gr_value y = gr_linear(g, 1, term, GR_NONE, GR_NONE);
        if (k)
            y = gr_linear(g, 1, term + 1, GR_NONE, y);
        gr_graph_loss(g, gr_mean(g, gr_l1(g, y)), 1);
        gr_model *m = compile(g);
        plan[k] = gr_run_plan(m, NULL, &(gr_run_def){.positions = N, .train = true, .seed = 0});
        gr_model_free(m);
    }
    size_t one = X * X * sizeof(gr_real);
    assert_true(plan[0].gradients == 2 * one && plan[1].gradients == 2 * one && plan[2].gradients == 2 * one);
    assert_true(plan[2].parameters == one);
    /* y and its row norms, and nothing upstream of w */
    assert_true(plan[0].activation_gradients < (2 * X + 4) * N * sizeof(gr_real) * 3 / 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gates_close_every_part),
        cmocka_unit_test(openness_adds_up),
        cmocka_unit_test(regions_take_turns),
        cmocka_unit_test(equal_neighbours_are_one_slice),
        cmocka_unit_test(blocks_have_classes_of_their_own),
        cmocka_unit_test(off_is_not_computed),
        cmocka_unit_test(absent_rows_lose_nothing),
        cmocka_unit_test(off_is_not_read),
        cmocka_unit_test(taps_weight_rows),
        cmocka_unit_test(intervals_do_not_overlap),
        cmocka_unit_test(plan_is_what_is_allocated),
        cmocka_unit_test(plan_knows_what_is_needed),
    };
    return cmocka_run_group_tests_name("engine, corners", tests, NULL, NULL);
}
