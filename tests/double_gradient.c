/* Every operation against central differences in double: the derivative of a random probe of its result, by every
 * parameter and by the value it reads. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "op_helpers.h"

/* The error of a parameter's gradient, relative to its norm; *slope: the norm of the differences. */
static double check_param(gr_run *run, gr_model *model, gr_param p, const gr_batch *batch, double *slope) {
    const gr_param_def *def = gr_model_param(model, p);
    gr_real *w = gr_model_data(model, p);
    const gr_real *gradient = gr_run_gradient(run, p);
    size_t n = (size_t)def->rows * (size_t)def->cols;
    double wrong = 0, norm = 0, squares = 0;
    for (size_t i = 0; i<n; i += n> 400 ? n / 400 + 1 : 1) {
        double old = (double)w[i], h = 1e-5;
        w[i] = (gr_real)(old + h);
        double up = gr_run_forward(run, batch);
        w[i] = (gr_real)(old - h);
        double down = gr_run_forward(run, batch);
        w[i] = (gr_real)old;
        double numeric = (up - down) / (2 * h), got = (double)gradient[i];
        wrong += (numeric - got) * (numeric - got);
        norm += numeric * numeric + got * got;
        squares += numeric * numeric;
    }
    *slope = sqrt(squares);
    return norm > 0 ? sqrt(wrong / norm) : 0;
}

static void check_case(const gr_op *op, const gr_op_case *test) {
    gr_model *model = case_network(test);
    gr_run *run;
    gr_error err = {0};
    gr_test_ok(gr_run_new(&run, model, NULL, &(gr_run_def){.positions = test->rows, .train = true, .seed = 11}, &err),
               &err);
    gr_real *coefficient;
    gr_test_batch b = case_batch(test, &coefficient);
    gr_run_zero(run);
    gr_run_forward(run, &b.batch);
    gr_run_backward(run);
    gr_run_reduce(run);
    for (int p = 0; p < gr_model_params(model); p++) {
        const char *by = gr_model_param(model, p)->name;
        double slope, error = check_param(run, model, p, &b.batch, &slope);
        if (!(error < 1e-6))
            fail_msg("%s, case %s, by %s: relative error %.3g", op->name, test->name, by, error);
        if (!(slope > 1e-9))
            fail_msg("%s, case %s, by %s: the slope is %.3g, so the case checks nothing", op->name, test->name, by,
                     slope);
    }
    gr_free(coefficient);
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_model_free(model);
}

static void check_op(void **state) {
    const gr_op *op = *state;
    for (const gr_op_case *test = op->cases; test && test->name; test++)
        check_case(op, test);
}

/* The tap and the input are covered by other tests. */
static void every_op_has_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < OPS; i++)
        if ((!ops[i]->cases || !ops[i]->cases->name) && strcmp(ops[i]->name, "tap") && strcmp(ops[i]->name, "input"))
            fail_msg("%s has no gradient check", ops[i]->name);
}

int main(void) {
    struct CMUnitTest tests[OPS + 1] = {cmocka_unit_test(every_op_has_cases)};
    for (size_t i = 0; i < OPS; i++)
        tests[i + 1] = (struct CMUnitTest){ops[i]->name, check_op, NULL, NULL, (void *)ops[i]};
    return _cmocka_run_group_tests("gradient", tests, sizeof tests / sizeof *tests, NULL, NULL);
}
