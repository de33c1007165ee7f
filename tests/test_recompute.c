/* Segments that are computed again in the backward pass: the same bits as with everything kept, in less memory. */
#include "recompute_helpers.h"

#include <malloc.h>

static const gr_precision precisions[] = {GR_PRECISION_FLOAT32, GR_PRECISION_BF16};

static void both(gr_arch_def def) {
    check(def, precisions[0]);
    check(def, precisions[1]);
}

static void test_llama(void **state) { both(llama()); }
static void test_gpt2(void **state) { both(gpt2()); }
static void test_experts(void **state) { both(experts()); }
static void test_claimed(void **state) { both(claimed()); }
static void test_pieces(void **state) { both(pieces()); }

/* ---- graphs of one's own ----------------------------------------------------------------------------------------- */

static gr_param matrix(gr_graph *g, const char *name, int rows, int cols) {
    return gr_graph_param(g, &(gr_param_def){name, rows, cols, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.4, false});
}

static gr_value map(gr_graph *g, gr_value x, const char *name, int out) {
    gr_term term = {.x = x, .w = matrix(g, name, out, gr_value_width(g, x))};
    return gr_linear(g, 1, &term, GR_NONE, GR_NONE);
}

typedef struct odd {
    gr_value first, middle, column, logits, inner, second, rows;
} odd;

/* Two segments and what may be read of them: columns of a value by a node behind the segment, an output, losses inside,
 * logits whose gradient lies in their place inside of a segment. */
static gr_graph *odd_graph(odd *v) {
    gr_graph *g = gr_graph_new();
    gr_value x = gr_embedding(g, matrix(g, "embed", VOCAB, 8));
    gr_graph_segment_begin(g);
    v->first = gr_gelu(g, map(g, x, "a", 12));
    v->middle = map(g, gr_dropout(g, v->first, 0.3), "b", 10);
    v->column = gr_slice(g, v->middle, 2, 7);
    gr_graph_loss(g, gr_mean(g, gr_l1(g, v->first)), 0.1);
    gr_graph_segment_end(g);
    gr_value between = gr_silu(g, v->column);
    gr_graph_segment_begin(g);
    v->inner = map(g, between, "c", 6);
    v->second = gr_relu(g, v->inner);
    gr_graph_output(g, "second", v->second);
    v->logits = map(g, v->second, "d", VOCAB);
    v->rows = gr_cross_entropy(g, v->logits);
    gr_graph_loss(g, gr_mean(g, v->rows), 1);
    gr_graph_segment_end(g);
    return g;
}

static void test_what_stays(void **state) {
    gr_error err = {0};
    gr_test_batch b = batch_new();
    for (int k = 0; k < 2; k++) {
        odd v;
        gr_model *model;
        gr_test_ok(gr_model_new(&model, odd_graph(&v), 1, &err), &err);
        gr_run *keeps = run_of(model, NULL, N, precisions[k], false),
               *run = run_of(model, NULL, N, precisions[k], true);
        for (int n = 0; n < N; n++)
            b.cls[n] = 0;
        assert_true(step(keeps, &b, 0, N, false) == step(run, &b, 0, N, false));
        same_gradients(model, keeps, run);
        assert_true(step(keeps, &b, 1, N, false) == step(run, &b, 1, N, true));
        same_gradients(model, keeps, run);

        /* Inside of segments, and read there alone. */
        const gr_value forgotten[] = {v.first, v.inner, v.logits, v.rows};
        int stride;
        for (int i = 0; i < 4; i++) {
            assert_true(run->layout->forgotten[forgotten[i]] && !keeps->layout->forgotten[forgotten[i]]);
            assert_null(gr_run_value(run, forgotten[i], &stride));
        }
        /* Read behind the segment through a view; an output. */
        assert_false(run->layout->forgotten[v.middle] || run->layout->forgotten[v.second]);
        const gr_real *x = gr_run_value(keeps, v.second, &stride), *y = gr_run_value(run, v.second, &stride);
        if (k == 0)
            assert_memory_equal(x, y, (size_t)N * (size_t)stride * sizeof *x);
        gr_run_free(keeps);
        gr_run_free(run);
        gr_model_free(model);
    }
    gr_test_batch_free(&b);
}

static void test_mistakes(void **state) {
    for (int k = 0; k < 2; k++) {
        gr_graph *g = gr_graph_new();
        gr_model *model;
        gr_error err = {0};
        if (k == 0)
            gr_graph_segment_begin(g), gr_graph_segment_begin(g);
        else
            gr_graph_segment_end(g);
        assert_int_equal(gr_model_new(&model, g, 1, &err), GR_ERR_USAGE);
        assert_non_null(strstr(err.message, k == 0 ? "inside of another" : "did not begin"));
    }
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* Six layers: what is kept falls to less than half, and with twice the layers grows by the borders alone. With dropout
 * a layer keeps its last draws too, a byte each. */
static void check_plan(gr_arch_def def, size_t draws) {
    gr_memory plan[2][2]; /* layers, recompute */
    for (int k = 0; k < 2; k++) {
        def.layers = k ? 12 : 6;
        gr_model *model = build(&def);
        for (int again = 0; again < 2; again++)
            plan[k][again] = gr_run_plan(model, NULL, &(gr_run_def){.positions = N, .train = true, .recompute = again});
        gr_memory whole = plan[k][0], less = plan[k][1];
        assert_true(less.activations < whole.activations / 2 && less.state < whole.state / 2);
        assert_true(less.gradients == whole.gradients && less.activation_gradients == whole.activation_gradients);
        assert_true(less.scratch == whole.scratch && less.total < whole.total);
        assert_true(less.total == less.parameters + less.gradients + less.activations + less.activation_gradients +
                                      less.state + less.scratch);
        /* A run that only evaluates forgets anyway. */
        gr_memory eval[2];
        for (int again = 0; again < 2; again++)
            eval[again] = gr_run_plan(model, NULL, &(gr_run_def){.positions = N, .recompute = again});
        assert_memory_equal(&eval[0], &eval[1], sizeof eval[0]);
        gr_model_free(model);
    }
    assert_true(plan[1][1].activations - plan[0][1].activations == 6 * N * 16 * sizeof(gr_real));
    assert_true(plan[1][1].state - plan[0][1].state == 6 * N * draws);
}

static void test_plan(void **state) {
    check_plan(small(), 0);
    check_plan(gpt2(), 16);
}

static void test_plan_is_what_is_allocated(void **state) {
#ifdef __SANITIZE_ADDRESS__
    skip(); /* mallinfo sees nothing there */
#endif
    gr_arch_def def = small();
    def.layers = 6;
    gr_model *model = build(&def);
    gr_run_def how = {.positions = 20 * GR_BLOCK, .train = true, .recompute = true};
    gr_memory plan = gr_run_plan(model, NULL, &how);
    gr_run *run;
    gr_error err = {0};
    struct mallinfo2 before = mallinfo2();
    gr_test_ok(gr_run_new(&run, model, NULL, &how, &err), &err);
    struct mallinfo2 after = mallinfo2();
    double grown = (double)(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd);
    double planned = (double)(plan.total - plan.parameters);
    if (!(grown >= planned && grown < 1.1 * planned))
        fail_msg("%.0f bytes planned, %.0f allocated", planned, grown);
    gr_run_free(run);
    gr_model_free(model);
}

static void test_no_allocation(void **state) {
    gr_arch_def def = gpt2();
    gr_model *model = build(&def);
    gr_run *run = run_of(model, NULL, GR_BLOCK, GR_PRECISION_FLOAT32, true);
    gr_test_batch b = batch_new();
    for (int n = 0; n < N; n++)
        b.cls[n] = 0;
    double loss = step(run, &b, 0, GR_BLOCK, false);
    uint64_t calls = gr_alloc_count();
    for (int i = 0; i < 3; i++)
        assert_true(step(run, &b, 0, GR_BLOCK, false) == loss);
    assert_true(gr_alloc_count() == calls);
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_model_free(model);
}

/* ---- work -------------------------------------------------------------------------------------------------------- */

static int passes; /* of the node below */
static void counted(gr_ctx *ctx, int r0, int r1) {
    passes += r0 == 0;
    for (int n = r0; n < r1; n++)
        for (int j = 0; j < ctx->out.width; j++)
            ctx->out.v[(size_t)n * (size_t)ctx->out.stride + (size_t)j] =
                ctx->in[0].v[(size_t)n * (size_t)ctx->in[0].stride + (size_t)j];
}
static void passed(gr_ctx *ctx, int r0, int r1) {
    for (int n = r0; n < r1; n++)
        for (int j = 0; j < ctx->out.width; j++) {
            gr_real *to = ctx->in[0].d + (size_t)n * (size_t)ctx->in[0].stride + (size_t)j;
            *to = (ctx->in[0].accumulate ? *to : 0) + ctx->out.d[(size_t)n * (size_t)ctx->out.stride + (size_t)j];
        }
}

/* Each segment but the last runs twice, what is outside once; a segment that learns nothing is not computed again. */
static void test_passes(void **state) {
    static const gr_op op = {.name = "counted", .forward = counted, .backward = passed};
    for (int k = 0; k < 3; k++) { /* which segment the counted node is in; 2: in one without parameters before it */
        gr_graph *g = gr_graph_new();
        gr_error err = {0};
        gr_model *model;
        gr_value x = k == 2 ? gr_input(g, 0, 5) : gr_embedding(g, matrix(g, "embed", VOCAB, 5));
        for (int s = 0; s < 2; s++) {
            gr_graph_segment_begin(g);
            gr_node node = {.op = &op, .inputs = 1, .in = {x}, .width = gr_value_width(g, x), .point = GR_NONE};
            x = s == k % 2 ? gr__graph_add(g, &node, NULL, 0) : x;
            x = k == 2 && s == 0 ? gr_silu(g, gr_gelu(g, x)) : map(g, gr_silu(g, x), s ? "b" : "a", 5);
            gr_graph_segment_end(g);
        }
        gr_graph_loss(g, gr_mean(g, gr_l1(g, x)), 1);
        gr_test_ok(gr_model_new(&model, g, 1, &err), &err);
        gr_run *run = run_of(model, NULL, GR_BLOCK, GR_PRECISION_FLOAT32, true);
        gr_test_batch b = gr_test_batch_new(GR_BLOCK, VOCAB, 2);
        gr_real input[GR_BLOCK * 5] = {0};
        b.batch.x[0] = input;
        passes = 0;
        gr_run_zero(run);
        gr_run_forward(run, &b.batch);
        gr_run_backward(run);
        assert_int_equal(passes, k == 0 ? 2 : 1);
        gr_test_batch_free(&b);
        gr_run_free(run);
        gr_model_free(model);
    }
}

/* What a layer writes is not computed again: neither the last product, nor with dropout what it reads. */
static void test_spared(void **state) {
    for (int k = 0; k < 3; k++) {
        gr_arch_def def = k == 0 ? small() : k == 1 ? gpt2() : experts();
        gr_model *model = build(&def);
        gr_run *run = run_of(model, NULL, GR_BLOCK, GR_PRECISION_FLOAT32, true);
        const gr_graph *g = model->graph;
        gr_param down = gr_model_find(model, "layers.0.mlp.down"), up = gr_model_find(model, "layers.0.mlp.up");
        int seen = 0;
        for (size_t n = 0; n < g->nodes; n++)
            for (int i = 0; i < g->node[n].params; i++) {
                assert_false(g->node[n].param[i] == down && run->layout->again[n]);
                assert_true(g->node[n].param[i] != up || run->layout->again[n]);
                seen += g->node[n].param[i] == down;
            }
        assert_int_equal(seen, 1);
        gr_run_free(run);
        gr_model_free(model);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llama),
        cmocka_unit_test(test_gpt2),
        cmocka_unit_test(test_experts),
        cmocka_unit_test(test_claimed),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_what_stays),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_plan_is_what_is_allocated),
        cmocka_unit_test(test_no_allocation),
        cmocka_unit_test(test_passes),
        cmocka_unit_test(test_spared),
    };
    return cmocka_run_group_tests_name("computed again", tests, NULL, NULL);
}
