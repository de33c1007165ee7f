/* Losses while training: of held-out text, which changes no bit, and the warnings about the training loss. */
#include "train/heldout.h"

#include <stdlib.h>

#include "train_helpers.h"

/* How often a text has the key. */
static int count_key(const char *text, const char *key) {
    int n = 0;
    for (const char *at = strstr(text, key); at; at = strstr(at + 1, key))
        n++;
    return n;
}

/* Trains with or without the measurement; the parameters in the end, and the metrics. */
static char *train(world *w, int64_t every, gr_real **end, size_t *size) {
    gr_error err = {0};
    char *folder = gr_test_folder(), *path = gr_format("%s/metrics.jsonl", folder);
    setting *s = setting_new(w);
    s->def.folder = folder;
    s->def.heldout = (gr_heldout_def){every, &w->data, 1};
    gr_test_ok(gr_train(&s->def, &err), &err);
    *size = gr_model_size(s->model);
    *end = gr_alloc(*size * sizeof **end);
    size_t at = 0;
    for (int p = 0; p < gr_model_params(s->model); p++) {
        size_t n = (size_t)gr_model_param(s->model, p)->rows * (size_t)gr_model_param(s->model, p)->cols;
        memcpy(*end + at, gr_model_data(s->model, p), n * sizeof **end);
        at += n;
    }

    /* The last value is the loss of the model as it is now. */
    char *text = gr_test_read(path, &(size_t){0});
    if (every) {
        double *nll = gr_alloc(DOCS * sizeof *nll), want;
        int32_t *tokens = gr_alloc(DOCS * sizeof *tokens);
        gr_evaluator *e;
        gr_scan *scan;
        gr_test_ok(gr_evaluator_new(&e, s->model, NULL, 1, WIDTH, &err), &err);
        gr_test_ok(
            gr_scan_new(&scan, &w->data, w->labels, w->data.validation, w->data.validation_count, 1, WIDTH, &err),
            &err);
        gr_evaluate(e, scan, nll, tokens, DOCS);
        want = gr_loss_mean(nll, tokens, w->data.validation, w->data.validation_count);
        const char *last = NULL;
        for (const char *next = strstr(text, "\"heldout\": "); next; next = strstr(next + 1, "\"heldout\": "))
            last = next;
        assert_true(fabs(strtod(last + 11, NULL) - want) < 1e-5 * want);
        gr_scan_free(scan);
        gr_evaluator_free(e);
        gr_free(nll);
        gr_free(tokens);
    }
    setting_free(s);
    gr_free(path);
    gr_test_folder_remove(folder);
    return text;
}

static void measured_and_no_bit_changed(void **state) {
    (void)state;
    enum { HELD = 20 };
    static uint32_t held[HELD];
    world *w = world_new();
    for (uint32_t i = 0; i < HELD; i++)
        held[i] = DOCS - HELD + i;
    w->data.validation = held, w->data.validation_count = HELD;
    gr_real *a, *b;
    size_t size;
    char *without = train(w, 0, &a, &size), *with = train(w, 5, &b, &size);
    assert_memory_equal(a, b, size * sizeof *a);
    assert_int_equal(count_key(without, "\"heldout\": "), 0);
    assert_int_equal(count_key(with, "\"heldout\": "), 3); /* steps 5, 10 and the last, 12 */
    free(without);
    free(with);
    gr_free(a);
    gr_free(b);
    world_free(w);
}

static int warnings(gr__watch *watch, int64_t steps, double (*loss)(int64_t step)) {
    int n = 0;
    for (int64_t step = 1; step <= steps; step++)
        n += gr__watch_step(watch, step, loss(step)) != NULL;
    return n;
}

static double falling(int64_t step) { return 3 + 5 / (double)step + 0.2 * sin(3 * (double)step); }
static double above(int64_t step) { return 8.5 + 0.001 * sin((double)step); }
static double rising(int64_t step) { return step < 300 ? 6 - 0.01 * (double)step : 3 + 0.002 * (double)(step - 300); }

static void a_loss_that_goes_wrong_is_told_once(void **state) {
    (void)state;
    gr__watch w;
    gr__watch_begin(&w, log(4096), 1000);
    assert_int_equal(warnings(&w, 1000, falling), 0);
    gr__watch_begin(&w, log(4096), 1000);
    assert_int_equal(warnings(&w, 1000, above), 1);
    assert_non_null(strstr(w.text, "above the 8.32 of a guess"));
    gr__watch_begin(&w, log(4096), 1000);
    assert_int_equal(warnings(&w, 1000, rising), 1);
    assert_non_null(strstr(w.text, "has risen for"));
    gr__watch_begin(&w, NAN, 1000); /* no cross-entropy: nothing is a guess */
    assert_int_equal(warnings(&w, 1000, above), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measured_and_no_bit_changed),
        cmocka_unit_test(a_loss_that_goes_wrong_is_told_once),
    };
    return cmocka_run_group_tests_name("held-out loss", tests, NULL, NULL);
}
