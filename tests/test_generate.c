/* Continuing text: greedy is the largest logit of the graph itself, draws repeat with their seed, bad input is refused.
 */
#include "gradroute/infer.h"

#include <math.h>
#include <string.h>

#include "support.h"

static void greedy_follows_the_logits(void **state) {
    (void)state;
    gr_model *m = gr_test_transformer(4);
    gr_generate_def def = gr_generate_default();
    def.tokens = 6;
    def.context = 16;
    int32_t ids[16] = {3, 1, 4}, out[6];
    int count;
    gr_error err = {0};
    gr_test_ok(gr_generate(m, NULL, out, &count, ids, 3, &def, &err), &err);
    assert_int_equal(count, 6);
    gr_run *run;
    gr_test_ok(gr_run_new(&run, m, NULL, &(gr_run_def){.positions = 16}, &err), &err);
    for (int i = 0; i < 6; i++) {
        int stride, best = 0;
        gr_run_forward(run, &(gr_batch){.positions = 3 + i, .ids = ids, .denominator = 1});
        const gr_real *logits = gr_run_value(run, gr_model_output(m, "logits"), &stride) + (2 + i) * stride;
        for (int v = 1; v < GR_TEST_VOCAB; v++)
            best = logits[v] > logits[best] ? v : best;
        assert_int_equal(out[i], best);
        ids[3 + i] = best;
    }
    gr_run_free(run);
    gr_model_free(m);
}

static void draws(void **state) {
    (void)state;
    gr_model *m = gr_test_transformer(4);
    gr_generate_def def = gr_generate_default();
    def.tokens = 30;
    def.context = 8; /* older tokens fall out */
    def.temperature = 1.5;
    int32_t a[30], b[30], prompt[] = {0};
    int n, k;
    gr_error err = {0};
    gr_test_ok(gr_generate(m, NULL, a, &n, prompt, 1, &def, &err), &err);
    gr_test_ok(gr_generate(m, NULL, b, &k, prompt, 1, &def, &err), &err);
    assert_int_equal(n, k);
    assert_memory_equal(a, b, 30 * sizeof *a);
    def.seed = 2;
    gr_test_ok(gr_generate(m, NULL, b, &k, prompt, 1, &def, &err), &err);
    assert_memory_not_equal(a, b, 30 * sizeof *a);
    def.top_k = 1; /* leaves one choice: greedy */
    gr_test_ok(gr_generate(m, NULL, a, &n, prompt, 1, &def, &err), &err);
    def.temperature = 0;
    gr_test_ok(gr_generate(m, NULL, b, &k, prompt, 1, &def, &err), &err);
    assert_memory_equal(a, b, 30 * sizeof *a);
    def.stop = b[0];
    gr_test_ok(gr_generate(m, NULL, b, &k, prompt, 1, &def, &err), &err);
    assert_int_equal(k, 0);
    gr_model_free(m);
}

static void profiles_differ(void **state) {
    (void)state;
    gr_model *m = gr_test_transformer(4);
    gr_real *w = gr_model_data(m, gr_model_find(m, "group.embed"));
    for (int i = 0; i < GR_TEST_VOCAB * 4; i++)
        w[i] *= 10;
    gr_tables *off = gr_tables_new(m, 1);
    gr_tables_gate(off, gr_model_find_region(m, "group"), (double[]){0});
    gr_tables_finish(off);
    gr_generate_def def = gr_generate_default();
    int32_t a[40], b[40], prompt[] = {2, 7};
    int n;
    gr_error err = {0};
    gr_test_ok(gr_generate(m, NULL, a, &n, prompt, 2, &def, &err), &err);
    gr_test_ok(gr_generate(m, off, b, &n, prompt, 2, &def, &err), &err);
    assert_memory_not_equal(a, b, sizeof a);
    gr_tables_free(off);
    gr_model_free(m);
}

static void refuses(void **state) {
    (void)state;
    gr_model *m = gr_test_transformer(4);
    gr_generate_def def = gr_generate_default();
    int32_t out[40], prompt[] = {GR_TEST_VOCAB};
    int n;
    gr_error err = {0};
    assert_int_equal(gr_generate(m, NULL, out, &n, prompt, 0, &def, &err), GR_ERR_USAGE);
    err = (gr_error){0};
    assert_int_equal(gr_generate(m, NULL, out, &n, prompt, 1, &def, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "outside the vocabulary"));
    prompt[0] = 1;
    def.temperature = NAN;
    err = (gr_error){0};
    assert_int_equal(gr_generate(m, NULL, out, &n, prompt, 1, &def, &err), GR_ERR_USAGE);
    def.temperature = 0;
    gr_model_data(m, gr_model_find(m, "embed"))[9] = (gr_real)NAN;
    err = (gr_error){0};
    assert_int_equal(gr_generate(m, NULL, out, &n, prompt, 1, &def, &err), GR_ERR_NUMERIC);
    gr_model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_follows_the_logits),
        cmocka_unit_test(draws),
        cmocka_unit_test(profiles_differ),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests_name("generate", tests, NULL, NULL);
}
