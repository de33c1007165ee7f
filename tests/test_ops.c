/* Every operation in float, in the instruction set of this process, beside plain x86-64: the loss and the gradients of
 * every case that double_gradient.c checks against differences. So each loop of each set is run for each operation. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/kernel.h"
#include "op_helpers.h"

enum { ROOM = 1 << 20 };

/* What another process computed with the plain set: for each case its loss, then its gradients. */
static gr_real *plain;

/* The loss and the gradients of a case go to `out`; how many numbers that is. */
static size_t compute(const gr_op_case *test, gr_real *out) {
    gr_model *model = case_network(test);
    gr_run *run;
    gr_error err = {0};
    gr_test_ok(gr_run_new(&run, model, NULL, &(gr_run_def){.positions = test->rows, .train = true, .seed = 11}, &err),
               &err);
    gr_real *coefficient;
    gr_test_batch b = case_batch(test, &coefficient);
    size_t n = 0;

    gr_run_zero(run);
    out[n++] = (gr_real)gr_run_forward(run, &b.batch);
    gr_run_backward(run);
    gr_run_reduce(run);
    for (int p = 0; p < gr_model_params(model); p++) {
        const gr_param_def *def = gr_model_param(model, p);
        const size_t size = (size_t)def->rows * (size_t)def->cols;
        memcpy(out + n, gr_run_gradient(run, p), size * sizeof *out);
        n += size;
    }

    gr_free(coefficient);
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_model_free(model);
    return n;
}

/* The instruction set is chosen once in a process, so the plain one needs another, before this one has chosen. */
static int compute_plain(void **state) {
    (void)state;
    plain = mmap(NULL, ROOM * sizeof *plain, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (plain == MAP_FAILED)
        return 1;
    pid_t child = fork();
    if (!child) {
        size_t at = 0;
        setenv("GRADROUTE_ISA", "base", 1);
        for (int i = 0; i < OPS; i++)
            for (const gr_op_case *test = ops[i]->cases; test && test->name; test++)
                at += compute(test, plain + at);
        _exit(strcmp(gr_kernel_isa(), "base") || at > ROOM / 2);
    }
    int status;
    return child < 0 || waitpid(child, &status, 0) != child || status;
}

static int forget_plain(void **state) {
    (void)state;
    return munmap(plain, ROOM * sizeof *plain);
}

static void test_all(void **state) {
    (void)state;
    gr_real *here = gr_alloc(ROOM * sizeof *here);
    size_t at = 0;
    int cases = 0;
    for (int i = 0; i < OPS; i++)
        for (const gr_op_case *test = ops[i]->cases; test && test->name; test++, cases++) {
            const size_t n = compute(test, here);
            const double loss = fabs((double)here[0] - (double)plain[at]); /* near 0 where terms cancel */
            const double gradient = gr_test_distance(here + 1, plain + at + 1, n - 1);
            if (!(loss < 1e-5 * (1 + fabs((double)here[0]))) || !(gradient < 1e-5))
                fail_msg("%s, case %s, with %s: loss %.3g, gradients %.3g from those of the plain loops", ops[i]->name,
                         test->name, gr_kernel_isa(), loss, gradient);
            at += n;
        }
    assert_true(cases > 50);
    gr_free(here);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
    return cmocka_run_group_tests_name("operations", tests, compute_plain, forget_plain);
}
