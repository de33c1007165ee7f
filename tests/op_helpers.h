/* op_helpers.h - every operation with its cases, and a small network and a batch for one case. Both builds use it. */
#ifndef GR_TESTS_OP_HELPERS_H
#define GR_TESTS_OP_HELPERS_H

#include "base/mem.h"
#include "base/rng.h"
#include "op/op.h"
#include "support.h"

#define GR_OP(name) extern const gr_op gr__op_##name;
#include "op/list.h"
#undef GR_OP

static const gr_op *const ops[] = {
#define GR_OP(name) &gr__op_##name,
#include "op/list.h"
#undef GR_OP
};
enum { OPS = sizeof ops / sizeof *ops };

/* The network of a case: a leaf (rows of a table, one per row of the batch), the case, a probe of fixed coefficients.
 */
static inline gr_model *case_network(const gr_op_case *test) {
    gr_graph *g = gr_graph_new();
    gr_param leaf =
        gr_graph_param(g, &(gr_param_def){"leaf", test->rows, test->width, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.8, false});
    gr_value y = test->build(g, gr_embedding(g, leaf));
    if (y >= 0) {
        int w = gr_value_width(g, y);
        if (!gr_value_scalar(g, y)) {
            gr_param ones = gr_graph_param(g, &(gr_param_def){"ones", 1, w, GR_KIND_WEIGHT, GR_INIT_ONE, 0, false});
            gr_value probe = gr_mul(g, y, gr_input(g, 3, w));
            y = gr_mean(g, gr_linear(g, 1, &(gr_term){.x = probe, .w = ones}, GR_NONE, GR_NONE));
        }
        gr_graph_loss(g, y, 1.3);
    }
    gr_model *model;
    gr_error err = {0};
    gr_test_ok(gr_model_new(&model, g, 5, &err), &err);
    return model;
}

/* Row n of the batch is row n of the leaf; all inputs are the same coefficients. Free both. */
static inline gr_test_batch case_batch(const gr_op_case *test, gr_real **coefficient) {
    gr_test_batch b = gr_test_batch_new(test->rows, test->width, 3);
    const size_t n = (size_t)test->rows * 4096;
    *coefficient = gr_alloc(n * sizeof **coefficient);
    for (size_t i = 0; i < n; i++)
        (*coefficient)[i] = (gr_real)gr_random_normal((gr_key){9, GR_STREAM_TEST, 1}, i, 0);
    for (int row = 0; row < test->rows; row++)
        b.ids[row] = row;
    for (int i = 0; i < GR_BATCH_INPUTS; i++)
        b.batch.x[i] = *coefficient;
    b.batch.weight = b.weight;
    return b;
}

#endif
