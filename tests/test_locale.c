/* test_locale.c - a program with a decimal comma: what the library reads and writes has a decimal point. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/recipe.h"
#include "io/yaml.h"
#include "support.h"
#include "train/metrics.h"

/* A locale of our own making: few systems have one with a comma. */
static bool comma(void) {
    char *line =
        gr_format("localedef -i de_DE -f UTF-8 %s/comma.UTF-8 >%s 2>&1", gr_test_path("."), gr_test_path("log"));
    bool made = system(line) == 0;
    gr_free(line);
    setenv("LOCPATH", gr_test_path("."), 1);
    made = made && setlocale(LC_ALL, "comma.UTF-8") != NULL;
    char text[8];
    snprintf(text, sizeof text, "%.1f", 0.5);
    return made && strcmp(text, "0,5") == 0;
}

static int setup(void **state) {
    gr_test_files_setup(state);
    if (!comma())
        setlocale(LC_ALL, "C");
    return 0;
}

static int teardown(void **state) {
    setlocale(LC_ALL, "C");
    return gr_test_files_teardown(state);
}

static void needs_comma(void) {
    if (strcmp(localeconv()->decimal_point, ","))
        skip();
}

static const char recipe_text[] = "seed: 1\n"
                                  "data: {text: [{file: corpus.txt, topic: a}], context: 32, validation: 0.25}\n"
                                  "labels: {a: {is: [a], known: 0.5}}\n"
                                  "model: {arch: llama, layers: 1, width: 32, heads: 2, mlp: 64, eps: 1.5e-6}\n"
                                  "regions: {a: {mlp: {add: 8}}}\n"
                                  "routes: [{label: a, options: [{chance: 0.125, open: [a], rest: closed}]}]\n"
                                  "train: {steps: 4, batch: 4, lr: 0.003, betas: [0.9, 0.95]}\n";

static void recipes_are_read_and_written(void **state) {
    (void)state;
    needs_comma();
    gr_error err = {0};
    gr_recipe *recipe, *again;
    gr_test_write("corpus.txt", "a b c\n", 6);
    gr_test_ok(gr_recipe_open(&recipe, gr_test_write("r.yaml", recipe_text, strlen(recipe_text)), NULL, 0, &err), &err);
    assert_true(recipe->train.optim.lr == 0.003);
    assert_true(recipe->data.validation == 0.25);

    /* What was resolved is read again, by us and by others. */
    char *text;
    gr_test_ok(gr_recipe_text(recipe, &text, &err), &err);
    assert_non_null(strstr(text, "lr: 0.003"));
    assert_non_null(strstr(text, "0.125"));
    gr_test_ok(gr_recipe_open(&again, gr_test_write("again.yaml", text, strlen(text)), NULL, 0, &err), &err);
    assert_true(again->train.optim.lr == 0.003 && again->model.eps == recipe->model.eps);
    gr_free(text);
    gr_recipe_free(again);
    gr_recipe_free(recipe);
}

static void overrides_are_read(void **state) {
    (void)state;
    needs_comma();
    gr_error err = {0};
    gr_recipe *recipe;
    const char *path = gr_test_write("o.yaml", recipe_text, strlen(recipe_text));
    gr_test_ok(gr_recipe_open(&recipe, path, (const char *[]){"train.lr=0.0625"}, 1, &err), &err);
    assert_true(recipe->train.optim.lr == 0.0625);
    gr_recipe_free(recipe);
    assert_int_equal(gr_recipe_open(&recipe, path, (const char *[]){"train.lr=0,5"}, 1, &err), GR_ERR_USAGE);
}

static void metrics_have_points(void **state) {
    (void)state;
    needs_comma();
    gr_error err = {0};
    gr__metrics *metrics;
    size_t size;
    gr_test_ok(gr__metrics_open(&metrics, gr_test_path("m.jsonl"), 0, 1, (const char *[]){"core"}, 0, &err), &err);
    gr__metrics_line line = {.step = 1, .loss = 1.5, .lr = 0.25, .seconds = 0.5, .label_loss = &line.loss, .more = ""};
    gr_test_ok(gr__metrics_add(metrics, &line, &err), &err);
    gr__metrics_close(metrics);
    char *text = gr_test_read(gr_test_path("m.jsonl"), &size);
    assert_non_null(strstr(text, "\"loss\": 1.5, \"loss_core\": 1.5, \"lr\": 0.25,"));
    assert_non_null(strstr(text, "\"seconds\": 0.500"));
    free(text);
}

static void texts_and_errors_have_points(void **state) {
    (void)state;
    needs_comma();
    gr_error err = {0};
    char *text = gr_format("%g %.17g", 0.5, 0.1);
    assert_string_equal(text, "0.5 0.10000000000000001");
    gr_free(text);
    gr_error_set(&err, GR_ERR_USAGE, NULL, NULL, "share %g", 0.75);
    assert_string_equal(err.message, "share 0.75");

    /* The program's own locale is as it was. */
    char own[8];
    snprintf(own, sizeof own, "%.1f", 0.5);
    assert_string_equal(own, "0,5");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipes_are_read_and_written),
        cmocka_unit_test(overrides_are_read),
        cmocka_unit_test(metrics_have_points),
        cmocka_unit_test(texts_and_errors_have_points),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
