/* Segments that are computed again in the backward pass, in double: the same bits as with everything kept. */
#include "recompute_helpers.h"

static void test_llama(void **state) { check(llama(), GR_PRECISION_FLOAT32); }
static void test_gpt2(void **state) { check(gpt2(), GR_PRECISION_FLOAT32); }
static void test_experts(void **state) { check(experts(), GR_PRECISION_FLOAT32); }
static void test_claimed(void **state) { check(claimed(), GR_PRECISION_FLOAT32); }
static void test_pieces(void **state) { check(pieces(), GR_PRECISION_FLOAT32); }

/* ---- every operation --------------------------------------------------------------------------------------------- */

#define GR_OP(name) extern const gr_op gr__op_##name;
#include "op/list.h"
#undef GR_OP

static const gr_op *const ops[] = {
#define GR_OP(name) &gr__op_##name,
#include "op/list.h"
#undef GR_OP
};

/* A leaf, the case and a probe; the segment ends before the probe, so that the result stays and what the case reads is
 * forgotten, or behind it. */
static gr_model *network(const gr_op_case *test, bool probed) {
    gr_graph *g = gr_graph_new();
    gr_param leaf =
        gr_graph_param(g, &(gr_param_def){"leaf", test->rows, test->width, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.8, false});
    gr_graph_segment_begin(g);
    gr_value y = test->build(g, gr_embedding(g, leaf));
    if (!probed)
        gr_graph_segment_end(g);
    if (!gr_value_scalar(g, y)) {
        int w = gr_value_width(g, y);
        gr_param ones = gr_graph_param(g, &(gr_param_def){"ones", 1, w, GR_KIND_WEIGHT, GR_INIT_ONE, 0, false});
        gr_term term = {.x = gr_mul(g, y, gr_input(g, 3, w)), .w = ones};
        y = gr_mean(g, gr_linear(g, 1, &term, GR_NONE, GR_NONE));
    }
    if (probed)
        gr_graph_segment_end(g);
    gr_graph_loss(g, y, 1.3);
    gr_model *model;
    gr_error err = {0};
    gr_test_ok(gr_model_new(&model, g, 5, &err), &err);
    return model;
}

static void check_case(const gr_op_case *test, bool probed) {
    gr_model *model = network(test, probed);
    gr_run *run[2];
    gr_test_batch b = gr_test_batch_new(test->rows, test->width, 3);
    gr_real *coefficient = gr_alloc((size_t)test->rows * 4096 * sizeof *coefficient);
    for (size_t i = 0; i < (size_t)test->rows * 4096; i++)
        coefficient[i] = (gr_real)(1 + sin(1.3 * (double)i));
    for (int n = 0; n < test->rows; n++)
        b.ids[n] = n;
    for (int i = 0; i < GR_BATCH_INPUTS; i++)
        b.batch.x[i] = coefficient;
    for (int k = 0; k < 2; k++) {
        run[k] = run_of(model, NULL, test->rows, GR_PRECISION_FLOAT32, k);
        gr_run_zero(run[k]);
        gr_run_forward(run[k], &b.batch);
        if (k)
            forget(run[k]);
        gr_run_backward(run[k]);
        gr_run_reduce(run[k]);
    }
    same_gradients(model, run[0], run[1]);
    gr_free(coefficient);
    gr_test_batch_free(&b);
    gr_run_free(run[0]);
    gr_run_free(run[1]);
    gr_model_free(model);
}

/* What `needs_no_input`, `needs_output` and states promise: nothing that is forgotten and not computed again is read.
 */
static void test_operations(void **state) {
    int cases = 0;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        for (const gr_op_case *test = ops[i]->cases; test && test->name; test++, cases++) {
            check_case(test, false);
            check_case(test, true);
        }
    assert_true(cases > 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llama),   cmocka_unit_test(test_gpt2),   cmocka_unit_test(test_experts),
        cmocka_unit_test(test_claimed), cmocka_unit_test(test_pieces), cmocka_unit_test(test_operations),
    };
    return cmocka_run_group_tests_name("computed again, in double", tests, NULL, NULL);
}
