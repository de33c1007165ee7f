/* Evaluation by document, and fine-tuning on a few of them, on a small transformer. */
#include "train/internal.h"
#include "train_helpers.h"

/* Class 0 has the group off. */
static gr_tables *profile_off(const gr_model *model) {
    gr_tables *tables = gr_tables_new(model, 1);
    gr_tables_gate(tables, gr_model_find_region(model, "group"), (double[]){0});
    gr_tables_finish(tables);
    return tables;
}

/* One document alone in a batch. */
static double alone(gr_model *model, const gr_tables *tables, const world *w, uint32_t d) {
    int n = (int)(w->offsets[d + 1] - w->offsets[d]);
    int32_t ids[128], targets[128];
    gr_error err = {0};
    gr_run *run;
    ids[0] = EOT;
    for (int i = 0; i < n; i++)
        ids[i + 1] = targets[i] = w->ids[w->offsets[d] + (uint64_t)i];
    targets[n] = EOT;
    int rows = n + 1 < WIDTH ? n + 1 : WIDTH;
    gr_test_ok(gr_run_new(&run, model, tables, &(gr_run_def){.positions = rows}, &err), &err);
    gr_run_forward(run, &(gr_batch){.positions = rows, .ids = ids, .targets = targets, .denominator = rows});
    int stride;
    const gr_real *loss = gr_run_value(run, gr_model_output(model, "row_loss"), &stride);
    double sum = 0;
    for (int i = 0; i < rows; i++)
        sum += (double)loss[i * stride];
    gr_run_free(run);
    return sum;
}

static void test_evaluate(void **state) {
    world *w = *state;
    enum { COUNT = 60 };
    uint32_t docs[COUNT];
    for (uint32_t i = 0; i < COUNT; i++)
        docs[i] = i * 6 + 5;
    gr_model *model = gr_test_transformer(5);
    gr_tables *off = profile_off(model);
    double nll[2][DOCS], again[DOCS];
    int32_t tokens[DOCS];
    gr_error err = {0};
    gr_scan *scan;
    gr_test_ok(gr_scan_new(&scan, &w->data, w->labels, docs, COUNT, 4, WIDTH, &err), &err);
    for (int k = 0; k < 2; k++) {
        gr_evaluator *e;
        gr_test_ok(gr_evaluator_new(&e, model, k ? off : NULL, 4, WIDTH, &err), &err);
        gr_evaluate(e, scan, nll[k], tokens, DOCS);
        uint64_t before = gr_alloc_count();
        gr_evaluate(e, scan, again, tokens, DOCS);
        assert_int_equal(gr_alloc_count(), before);
        assert_memory_equal(nll[k], again, sizeof again);
        gr_evaluator_free(e);
        for (uint32_t d = 0; d < DOCS; d++) {
            bool listed = d % 6 == 5 && d / 6 < COUNT;
            int64_t n = (int64_t)(w->offsets[d + 1] - w->offsets[d]) + 1;
            assert_int_equal(tokens[d], listed ? (n < WIDTH ? n : WIDTH) : 0);
            double want = listed ? alone(model, k ? off : NULL, w, d) : 0;
            assert_true(fabs(nll[k][d] - want) <= 1e-5 * fabs(want));
        }
    }
    assert_true(fabs(nll[0][11] - nll[1][11]) > 1e-4);
    double sum = nll[0][5] + nll[0][11], n = tokens[5] + tokens[11];
    assert_true(fabs(gr_loss_mean(nll[0], tokens, docs, 2) - sum / n) < 1e-12);
    assert_true(isnan(gr_loss_mean(nll[0], tokens, docs, 0)));
    gr_scan_free(scan);
    gr_tables_free(off);
    gr_model_free(model);
}

typedef struct watch {
    gr_evaluator *eval;
    gr_scan *scan;
    int steps[16], calls, fail_at;
    double loss[16];
    const uint32_t *docs;
    size_t count;
} watch;

static gr_status after(void *user, int step, gr_error *err) {
    watch *w = user;
    double nll[DOCS];
    int32_t tokens[DOCS];
    if (step == w->fail_at)
        return gr_error_set(err, GR_ERR_IO, "watch", NULL, "enough");
    gr_evaluate(w->eval, w->scan, nll, tokens, DOCS);
    w->steps[w->calls] = step;
    w->loss[w->calls++] = gr_loss_mean(nll, tokens, w->docs, w->count);
    return GR_OK;
}

static void test_finetune(void **state) {
    world *w = *state;
    enum { COUNT = 40 };
    uint32_t docs[COUNT];
    for (uint32_t i = 0, d = 0; i < COUNT; d++)
        if (w->topic[d] == 0)
            docs[i++] = d;
    bits result[2];
    for (int k = 0; k < 2; k++) {
        gr_error err = {0};
        gr_model *model = gr_test_transformer(5);
        gr_tables *off = profile_off(model);
        watch see = {.docs = docs, .count = COUNT, .fail_at = -1};
        gr_test_ok(gr_evaluator_new(&see.eval, model, off, 8, WIDTH, &err), &err);
        gr_test_ok(gr_scan_new(&see.scan, &w->data, w->labels, docs, COUNT, 8, WIDTH, &err), &err);
        gr_finetune_def def = gr_finetune_default();
        def.width = WIDTH, def.rows = 4, def.steps = 22, def.optim.lr = 0.02, def.optim.decay = 0.1;
        def.after = after, def.user = &see;
        bits start = bits_of(model, NULL, NULL);
        gr_test_ok(gr_finetune(model, off, &w->data, w->labels, docs, COUNT, &def, &err), &err);
        const int steps[] = {0, 5, 10, 15, 20, 22};
        assert_int_equal(see.calls, 6);
        assert_memory_equal(see.steps, steps, sizeof steps);
        assert_true(see.loss[5] < see.loss[0] - 0.3);

        /* The group is off: it is not touched. Everything else is. */
        result[k] = bits_of(model, NULL, NULL);
        size_t at = 0;
        for (gr_param p = 0; p < gr_model_params(model); p++) {
            const gr_param_def *param = gr_model_param(model, p);
            size_t size = (size_t)param->rows * (size_t)param->cols * sizeof(gr_real);
            bool same = memcmp(start.data + at, result[k].data + at, size) == 0;
            assert_int_equal(same, !strncmp(param->name, "group.", 6));
            at += size;
        }
        see.fail_at = 5;
        see.calls = 0;
        assert_int_equal(gr_finetune(model, off, &w->data, w->labels, docs, COUNT, &def, &err), GR_ERR_IO);
        assert_string_equal(err.message, "enough");
        assert_int_equal(gr_finetune(model, off, &w->data, w->labels, docs, 0, &def, &err), GR_ERR_USAGE);
        gr_free(start.data);
        gr_evaluator_free(see.eval);
        gr_scan_free(see.scan);
        gr_tables_free(off);
        gr_model_free(model);
    }
    assert_true(bits_equal(&result[0], &result[1]));
    gr_free(result[0].data);
    gr_free(result[1].data);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_evaluate), cmocka_unit_test(test_finetune)};
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
