/* Questions of several choices: the files, and what a network answers that knows nothing but how often each byte
 * follows any other text. */
#include <math.h>

#include "io/yaml.h"
#include "lab_helpers.h"
#include "measure/questions.h"
#include "method/training.h"

static gr_project *project;
static gr_registry *registry;
static gr_arch_def *def;
static gr_model *model;

/* All parameters 0 but the bias of the logits: of the letter x most, of all others the less the larger their token. */
static int setup(void **state) {
    static const char *const sets[] = {"model.logit_bias=true"};
    gr_error err = {0};
    gr_settings *settings;
    gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    project = lab_open(sets, 1);
    registry = gr_registry_new();
    gr_test_ok(gr__train_settings(&settings, "{routes: none, regions: out}", &err), &err);
    gr_test_ok(gr__train_network(&def, &model, project, settings, &err), &err);
    gr_settings_free(settings);
    for (int p = 0; p < gr_model_params(model); p++) {
        const gr_param_def *d = gr_model_param(model, p);
        memset(gr_model_data(model, p), 0, (size_t)d->rows * (size_t)d->cols * sizeof(gr_real));
    }
    gr_real *bias = gr_model_data(model, gr_model_find(model, "unembed.bias"));
    size_t length;
    for (int v = 0; v < project->data->vocab; v++) {
        const char *token = gr_tokenizer_token(project->tokenizer, v, &length);
        bias[v] = length == 1 && token[0] == 'x' ? 4 : (gr_real)-0.01 * (gr_real)v;
    }
    return 0;
}

static int teardown(void **state) {
    gr_model_free(model);
    gr_arch_free(def);
    gr_registry_free(registry);
    lab_close(project);
    return gr_test_files_teardown(state);
}

static gr_subject subject(void) {
    return (gr_subject){.name = "it",
                        .recipe = project->recipe,
                        .model = model,
                        .data = project->data,
                        .labels = project->labels,
                        .tokenizer = project->tokenizer,
                        .seed = 3};
}

/* The measure on a file of this text. */
static gr_status take(gr_ledger *rows, const char *lines, const char *form, gr_error *err) {
    const gr_measure *measure = gr_registry_measure(registry, "choice");
    gr_settings *settings;
    gr_yaml *root;
    gr_subject s = subject();
    char *options = gr_format("{file: '%s', form: %s}", gr_test_write("q.jsonl", lines, strlen(lines)), form);
    gr_test_ok(gr_yaml_parse(&root, options, strlen(options), "text", err), err);
    gr_test_ok(gr_settings_read(&settings, measure->option, NULL, root, err), err);
    gr_status status = measure->run(rows, &s, settings, err);
    gr_settings_free(settings);
    gr_yaml_free(root);
    gr_free(options);
    return status;
}

static double number_of(const gr_ledger *rows, const char *key) {
    return gr_entry_number(gr_ledger_find(rows, "choice", NULL), key);
}

/* -log p of what stands behind a context, by the bias alone. */
static double nll_behind(const char *context, const char *choice) {
    gr_error err = {0};
    const gr_real *bias = gr_model_data(model, gr_model_find(model, "unembed.bias"));
    int32_t *ids = NULL;
    size_t before, all, room = 0;
    double sum = 0, of = 0;
    char *text = gr_format("%s%s", context, choice);
    gr_test_ok(
        gr_tokenizer_encode(project->tokenizer, &ids, (before = 0, &before), &room, context, strlen(context), &err),
        &err);
    gr_test_ok(gr_tokenizer_encode(project->tokenizer, &ids, (all = 0, &all), &room, text, strlen(text), &err), &err);
    for (int v = 0; v < project->data->vocab; v++)
        of += exp((double)bias[v]);
    for (size_t i = before; i < all; i++)
        sum += log(of) - (double)bias[ids[i]];
    gr_free(text);
    gr_free(ids);
    return sum;
}

/* ---- answers ---- */

/* A choice of few tokens is likeliest by the sum, a long one of likely letters by the sum over its characters. The
 * first and third question are so answered by the sum, the second by the share; the fourth by neither. */
static void short_and_long_answers(void **state) {
    (void)state;
    gr_error err = {0};
    gr_ledger *rows = gr_ledger_new();
    static const char lines[] =
        "{\"question\": \" a bird \", \"choices\": [\"xxxx\", \"x\"], \"answer\": 1}\n"
        "{\"question\": \"a fish\", \"choices\": [\"xxxx\", \"x\"], \"answer\": \"A\"}\n\n"
        "{\"question\": \"a saw\", \"choices\": {\"label\": [\"1\", \"2\", \"3\"],"
        " \"text\": [\"x\", \"qqqq\", \"xxxx\"]}, \"answerKey\": \"1\"}\n"
        "{\"question\": \"a soup\", \"choices\": [\"q\", \"x\", \"xx\", \"xxx\"], \"answer\": 0}\n";
    gr_test_ok(take(rows, lines, "text", &err), &err);
    assert_int_equal(gr_ledger_size(rows), 1);
    assert_true(number_of(rows, "questions") == 4 && number_of(rows, "cut") == 0);
    assert_true(number_of(rows, "accuracy") == 0.5 && number_of(rows, "normalised") == 0.25);
    assert_true(fabs(number_of(rows, "chance") - (0.5 + 0.5 + 1 / 3.0 + 0.25) / 4) < 1e-12);
    assert_true(number_of(rows, "accuracy_low") < 0.5 && number_of(rows, "accuracy_high") > 0.5);

    double right[4], normalised[4];
    const gr_entry *row = gr_ledger_find(rows, "choice", NULL);
    assert_int_equal(gr_entry_numbers(row, "right", right, 4), 4);
    assert_int_equal(gr_entry_numbers(row, "right_normalised", normalised, 4), 4);
    assert_true(right[0] == 1 && right[1] == 0 && right[2] == 1 && right[3] == 0);
    assert_true(normalised[0] == 0 && normalised[1] == 1 && normalised[2] == 0 && normalised[3] == 0);

    /* All tokens of an answer and no other: not the end of the text, nor the last token before it. */
    double nll = nll_behind("a bird", " x") + nll_behind("a fish", " xxxx") + nll_behind("a saw", " x") +
                 nll_behind("a soup", " q");
    assert_true(fabs(number_of(rows, "answer_nll") - nll / 4) < 1e-4);
    gr_ledger_free(rows);
}

/* What is longer than a row loses its beginning; a choice must be whole. */
static void long_questions_are_cut(void **state) {
    (void)state;
    gr_error err = {0};
    gr_ledger *rows = gr_ledger_new();
    char words[512] = "", line[1024];
    for (int i = 0; i < 60; i++)
        strcat(words, "zq ");
    snprintf(line, sizeof line, "{\"question\": \"%s\", \"choices\": [\"q\", \"x\"], \"answer\": 1}\n", words);
    gr_test_ok(take(rows, line, "question", &err), &err);
    assert_true(number_of(rows, "cut") == 1 && number_of(rows, "accuracy") == 1);
    assert_true(fabs(number_of(rows, "answer_nll") - nll_behind("a", " x")) < 1e-4);

    snprintf(line, sizeof line, "{\"question\": \"a\", \"choices\": [\"q\", \"%s\"], \"answer\": 0}\n", words);
    assert_int_equal(take(rows, line, "text", &err), GR_ERR_USAGE);
    assert_int_equal(gr_ledger_size(rows), 1);
    gr_ledger_free(rows);
}

/* ---- files ---- */

static const char one[] = "{\"question\": \" Which? \\n\", \"choices\": [\"this\", \"that one\"], \"answer\": 1}\n";

static void asked(gr__question_form form, const char *context, const char *first, const char *second) {
    gr_error err = {0};
    gr__questions *q;
    gr_test_ok(gr__questions_open(&q, gr_test_write("one.jsonl", one, strlen(one)), form, &err), &err);
    assert_true(q->count == 1 && q->list[0].choices == 2 && q->list[0].answer == 1);
    assert_string_equal(q->list[0].context, context);
    assert_string_equal(q->list[0].choice[0], first);
    assert_string_equal(q->list[0].choice[1], second);
    gr__questions_free(q);
}

static void questions_are_put_in_three_ways(void **state) {
    (void)state;
    asked(GR__FORM_TEXT, "Which?", " this", " that one");
    asked(GR__FORM_QUESTION, "Question: Which?\nAnswer:", " this", " that one");
    asked(GR__FORM_LETTERS, "Which?\nA. this\nB. that one\nAnswer:", " A", " B");
}

static void what_is_no_question_is_refused(void **state) {
    (void)state;
    static const char *const lines[] = {
        "[1]",
        "{\"choices\": [\"a\", \"b\"], \"answer\": 0}",
        "{\"question\": \"q\", \"choices\": [\"a\"], \"answer\": 0}",
        "{\"question\": \"q\", \"choices\": [\"a\", 2], \"answer\": 0}",
        "{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": 2}",
        "{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": -1}",
        "{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": \"C\"}",
        "{\"question\": \"q\", \"choices\": [\"a\", \"b\"]}",
        "{\"question\": \"q\", \"choices\": {\"text\": [\"a\", \"b\"], \"label\": [\"A\"]}, \"answerKey\": \"A\"}",
        "{\"question\": \"q\", \"choices\": {\"text\": [\"a\", \"b\"], \"label\": [\"1\", \"2\"]}, \"answerKey\": "
        "\"A\"}"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        gr_error err = {0};
        gr__questions *q;
        char *text = gr_format("%s%s\n", one, lines[i]);
        const char *path = gr_test_write("bad.jsonl", text, strlen(text));
        assert_int_equal(gr__questions_open(&q, path, GR__FORM_TEXT, &err), GR_ERR_FORMAT);
        assert_null(q);
        assert_non_null(strstr(err.place, "bad.jsonl:2"));
        gr_free(text);
    }

    /* A file without any, and none. */
    gr_error err = {0};
    gr__questions *q;
    assert_int_equal(gr__questions_open(&q, gr_test_write("no.jsonl", "\n", 1), GR__FORM_TEXT, &err), GR_ERR_FORMAT);
    gr_ledger *rows = gr_ledger_new();
    gr_settings *settings;
    gr_subject s = subject();
    const gr_measure *measure = gr_registry_measure(registry, "choice");
    gr_test_ok(gr_settings_read(&settings, measure->option, NULL, NULL, &err), &err);
    assert_int_equal(measure->run(rows, &s, settings, &err), GR_ERR_USAGE);
    gr_settings_free(settings);
    gr_ledger_free(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_and_long_answers),
        cmocka_unit_test(long_questions_are_cut),
        cmocka_unit_test(questions_are_put_in_three_ways),
        cmocka_unit_test(what_is_no_question_is_refused),
    };
    return cmocka_run_group_tests_name("choice", tests, setup, teardown);
}
