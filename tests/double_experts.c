/* Experts that compute their own rows alone against the dense form in which every expert computes every row and is
 * multiplied by its weight: values and gradients, over several blocks, with classes whose weights cut experts. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "support.h"

enum { N = 1100, D = 6, E = 5, M = 7, V = 13, CLASSES = 3 };

typedef struct net {
    gr_model *model;
    gr_value hidden, out;
} net;

static gr_param param(gr_graph *g, const char *name, int rows, int cols) {
    return gr_graph_param(g, &(gr_param_def){name, rows, cols, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.6, false});
}

static gr_value into(gr_graph *g, gr_value x, gr_value chosen, gr_param w, gr_param bias, bool dense) {
    if (!dense)
        return gr_expert_linear(g, x, chosen, w, bias, false);
    return gr_linear(g, 1, &(gr_term){.x = x, .w = w}, bias, GR_NONE);
}

static net build(bool dense, int top) {
    gr_graph *g = gr_graph_new();
    gr_value x = gr_embedding(g, param(g, "embed", V, D));
    x = gr_position(g, x, param(g, "position", N, D));
    gr_value logits = gr_linear(g, 1, &(gr_term){.x = x, .w = param(g, "router", E, D)}, GR_NONE, GR_NONE);
    gr_value p = gr_normalise(g, gr_tap_point(g, gr_scores(g, logits), "experts")), chosen = gr_top(g, p, top);
    gr_param up = param(g, "up", E * M, D), gate = param(g, "gate", E * M, D), down = param(g, "down", E * M, D);
    gr_param up_bias = param(g, "up.bias", 1, E * M), down_bias = param(g, "down.bias", 1, D);
    gr_value h = gr_swiglu(g, into(g, x, chosen, gate, GR_NONE, dense), into(g, x, chosen, up, up_bias, dense));
    h = gr_tap_point(g, gr_weigh(g, h, chosen), "hidden");
    gr_value y = dense ? gr_linear(g, 1, &(gr_term){.x = h, .w = down, .transposed = true}, down_bias, GR_NONE)
                       : gr_expert_linear(g, h, chosen, down, down_bias, true);
    y = gr_add(g, x, y);
    gr_value out = gr_linear(g, 1, &(gr_term){.x = y, .w = param(g, "out", V, D)}, GR_NONE, GR_NONE);
    gr_graph_loss(g, gr_mean(g, gr_cross_entropy(g, out)), 1);
    gr_graph_loss(g, gr_mean(g, gr_balance(g, p, chosen)), 0.3);
    gr_graph_loss(g, gr_mean(g, gr_l1(g, h)), 0.01);
    gr_graph_output(g, "hidden", h);
    gr_graph_output(g, "out", out);
    net n = {.hidden = h, .out = out};
    gr_error err = {0};
    gr_test_ok(gr_model_new(&n.model, g, 21, &err), &err);
    return n;
}

/* Expert 1 is off for class 1; rectangles that cut experts have weights of their own. */
static gr_tables *tables_of(const gr_model *m) {
    gr_tables *t = gr_tables_new(m, CLASSES);
    gr_tables_forward(t, gr_model_find_tap(m, "experts"), 1, 2, (double[]){1, 0, 1});
    gr_tables_forward(t, gr_model_find_tap(m, "hidden"), 3, 5, (double[]){1, 1, 0.5});
    gr_tables_activation(t, gr_model_find_tap(m, "hidden"), 9, 12, (double[]){0.3, 1, 0});
    gr_tables_param(t, (gr_rect){gr_model_find(m, "up"), M, 2 * M, 0, D}, (double[]){1, 0, 1});
    gr_tables_param(t, (gr_rect){gr_model_find(m, "up"), 3, 2 * M + 2, 1, 4}, (double[]){0, 1, 0.4});
    gr_tables_param(t, (gr_rect){gr_model_find(m, "down"), 4, 3 * M, 2, D}, (double[]){1, 0, -0.7});
    gr_tables_param(t, (gr_rect){gr_model_find(m, "up.bias"), 0, 1, 5, 16}, (double[]){0, 1, 0.5});
    gr_tables_param(t, (gr_rect){gr_model_find(m, "down.bias"), 0, 1, 0, 3}, (double[]){1, 0, 0.5});
    gr_tables_finish(t);
    return t;
}

static gr_run *pass(const net *n, const gr_tables *t, const gr_test_batch *b) {
    gr_run *run;
    gr_error err = {0};
    gr_test_ok(gr_run_new(&run, n->model, t, &(gr_run_def){.positions = N, .train = true}, &err), &err);
    for (int i = 0; i < 2; i++) { /* twice: nothing of the first is left in the second */
        gr_run_zero(run);
        gr_run_forward(run, &b->batch);
        gr_run_backward(run);
        gr_run_reduce(run);
    }
    return run;
}

static void same_value(gr_run *a, gr_value va, gr_run *b, gr_value vb, int width) {
    int sa, sb;
    const gr_real *x = gr_run_value(a, va, &sa), *y = gr_run_value(b, vb, &sb);
    for (int i = 0; i < N; i++)
        assert_true(gr_test_distance(x + (size_t)i * (size_t)sa, y + (size_t)i * (size_t)sb, (size_t)width) < 1e-10);
}

static void check(int top, bool routed, bool mixed) {
    net dense = build(true, top), sparse = build(false, top);
    gr_tables *t[2] = {routed ? tables_of(dense.model) : NULL, routed ? tables_of(sparse.model) : NULL};
    gr_test_batch b = gr_test_batch_new(N, V, 4);
    for (int i = 0; i < N; i++) /* a whole block without class 0 */
        b.cls[i] = routed ? (i < 512 ? 1 + b.start[i] % 2 : b.start[i] % CLASSES) : 0;
    b.cls[77] = b.cls[600] = -1;
    b.batch.cls = b.cls;
    b.batch.mix = mixed ? b.mix : NULL;
    b.batch.weight = b.weight;
    gr_run *one = pass(&dense, t[0], &b), *two = pass(&sparse, t[1], &b);
    same_value(one, dense.hidden, two, sparse.hidden, E * M);
    for (int p = 0; p < gr_model_params(dense.model); p++) {
        const gr_param_def *d = gr_model_param(dense.model, p);
        size_t size = (size_t)d->rows * (size_t)d->cols;
        gr_param q = gr_model_find(sparse.model, d->name);
        double far = gr_test_distance(gr_run_gradient(one, p), gr_run_gradient(two, q), size), sum = 0;
        for (size_t i = 0; i < size; i++)
            sum += fabs((double)gr_run_gradient(two, q)[i]);
        if (!(far < 1e-9) || sum == 0)
            fail_msg("top %d: gradient of %s differs by %g", top, d->name, far);
    }
    gr_test_batch_free(&b);
    gr_run_free(one);
    gr_run_free(two);
    for (int i = 0; i < 2; i++)
        gr_tables_free(t[i]);
    gr_model_free(dense.model);
    gr_model_free(sparse.model);
}

static void plain(void **state) { check(1, false, false), check(2, false, false), check(E, false, false), (void)state; }
static void by_class(void **state) { check(1, true, false), check(2, true, false), check(E, true, false), (void)state; }
static void by_score(void **state) { check(2, true, true), (void)state; }

/* Weight 0 on one expert's score closes its row of the router, also where it is the likeliest; weight 0 on all others
 * gives it nothing of what they would have got. */
static void closed_gates_teach_the_router_nothing(void **state) {
    (void)state;
    net n = build(false, 2);
    gr_param router = gr_model_find(n.model, "router");
    gr_test_batch b = gr_test_batch_new(N, V, 4);

    for (int e = 0; e < E; e++) {
        gr_tables *t = gr_tables_new(n.model, 1);
        gr_tables_activation(t, gr_model_find_tap(n.model, "experts"), e, e + 1, (double[]){0});
        gr_tables_finish(t);
        gr_run *run = pass(&n, t, &b);
        double sum = 0;
        for (int i = 0; i < E * D; i++) {
            double g = fabs((double)gr_run_gradient(run, router)[i]);
            if (i / D == e && g != 0)
                fail_msg("expert %d is closed, and its row of the router gets %g", e, g);
            sum += g;
        }
        assert_true(sum > 0);
        gr_run_free(run);
        gr_tables_free(t);
    }

    gr_test_batch_free(&b);
    gr_model_free(n.model);
}

/* An expert that is off says nothing, however likely it would be: its row of the router is set to two extremes. */
static void what_is_off_does_not_count(void **state) {
    (void)state;
    gr_run *run[3];
    net n[3];
    gr_tables *t[3];
    gr_test_batch b = gr_test_batch_new(N, V, 4);
    for (int i = 0; i < N; i++)
        b.cls[i] = i % CLASSES;
    b.batch.cls = b.cls;

    for (int k = 0; k < 3; k++) {
        n[k] = build(false, 2);
        t[k] = gr_tables_new(n[k].model, CLASSES);
        gr_tables_forward(t[k], gr_model_find_tap(n[k].model, "experts"), 1, 2, (double[]){0, 0, 0});
        gr_tables_forward(t[k], gr_model_find_tap(n[k].model, "experts"), 3, 4, (double[]){1, 0, 0.5});
        gr_tables_finish(t[k]);
        gr_real *row = gr_model_data(n[k].model, gr_model_find(n[k].model, "router")) + D;
        for (int i = 0; i < D && k; i++)
            row[i] *= k == 1 ? 500 : 1e5;
        run[k] = pass(&n[k], t[k], &b);
    }

    for (int k = 1; k < 3; k++) {
        for (int p = 0; p < gr_model_params(n[0].model); p++) {
            const gr_param_def *d = gr_model_param(n[0].model, p);
            assert_memory_equal(gr_run_gradient(run[0], p), gr_run_gradient(run[k], p),
                                (size_t)d->rows * (size_t)d->cols * sizeof(gr_real));
        }
        same_value(run[0], n[0].out, run[k], n[k].out, V);
    }

    for (int k = 0; k < 3; k++) {
        gr_run_free(run[k]);
        gr_tables_free(t[k]);
        gr_model_free(n[k].model);
    }
    gr_test_batch_free(&b);
}

/* Units that were not chosen get no gradient, whatever an earlier batch left in their place; nothing is allocated after
 * the first step. */
static void earlier_batch(void **state) {
    (void)state;
    gr_graph *g = gr_graph_new();
    gr_value x = gr_silu(g, gr_embedding(g, param(g, "embed", V, E * M)));
    gr_value chosen = gr_top(g, gr_normalise(g, gr_scores(g, gr_embedding(g, param(g, "choice", V, E)))), 2);
    gr_value y = gr_expert_linear(g, x, chosen, param(g, "w", E * M, D), GR_NONE, true);
    gr_graph_loss(g, gr_mean(g, gr_l1(g, y)), 1);
    gr_model *m;
    gr_run *run[2];
    gr_error err = {0};
    gr_test_ok(gr_model_new(&m, g, 5, &err), &err);
    gr_test_batch b = gr_test_batch_new(N, V, 4), other = gr_test_batch_new(N, V, 9);
    for (int k = 0; k < 2; k++) {
        gr_test_ok(gr_run_new(&run[k], m, NULL, &(gr_run_def){.positions = N, .train = true}, &err), &err);
        uint64_t calls = 0;
        for (int i = k; i < 2; i++) {
            gr_run_zero(run[k]);
            gr_run_forward(run[k], i ? &b.batch : &other.batch);
            gr_run_backward(run[k]);
            gr_run_reduce(run[k]);
            assert_true(i == k || gr_alloc_count() == calls);
            calls = gr_alloc_count();
        }
    }
    for (int p = 0; p < gr_model_params(m); p++) {
        const gr_param_def *d = gr_model_param(m, p);
        assert_memory_equal(gr_run_gradient(run[0], p), gr_run_gradient(run[1], p),
                            (size_t)d->rows * (size_t)d->cols * sizeof(gr_real));
    }
    gr_test_batch_free(&b);
    gr_test_batch_free(&other);
    gr_run_free(run[0]);
    gr_run_free(run[1]);
    gr_model_free(m);
}

static void refuses(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        gr_graph *g = gr_graph_new();
        gr_value x = gr_embedding(g, param(g, "x", V, 6)), c = gr_embedding(g, param(g, "c", V, 3));
        gr_param w = param(g, "w", i == 0 ? 7 : 6, i == 1 ? 5 : 6), b = param(g, "b", 1, 5);
        gr_value y = gr_expert_linear(g, x, c, w, i == 2 ? b : GR_NONE, false);
        if (i == 3)
            y = gr_weigh(g, x, gr_slice(g, gr_concat(g, 2, (gr_value[]){c, c}), 0, 4));
        assert_int_equal(y, GR_NONE);
        gr_model *m;
        gr_error err = {0};
        assert_int_equal(gr_model_new(&m, g, 1, &err), GR_ERR_USAGE);
        assert_true(err.message[0] != 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(plain),
                                       cmocka_unit_test(by_class),
                                       cmocka_unit_test(by_score),
                                       cmocka_unit_test(closed_gates_teach_the_router_nothing),
                                       cmocka_unit_test(what_is_off_does_not_count),
                                       cmocka_unit_test(earlier_batch),
                                       cmocka_unit_test(refuses)};
    return cmocka_run_group_tests_name("experts", tests, NULL, NULL);
}
