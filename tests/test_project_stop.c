/* Opening a project ends soon after its caller asks for that, whatever it is at: reading, learning a vocabulary,
 * encoding, labels, near duplicates. Time is the processor's, so that a busy machine does not count. */
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "lab_helpers.h"

enum { DOCUMENTS = 40, WORDS = 12000 /* of a document */, POINTS = 5 };
static const double SOON = 0.5; /* seconds */

static volatile sig_atomic_t stop;
static volatile double asked; /* when the flag was set */

static double processor_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void on_time(int number) {
    (void)number;
    if (!stop)
        asked = processor_time();
    stop = 1;
}

/* After so many seconds of processor time; 0: never. */
static void ask_after(double seconds) {
    struct itimerval timer = {.it_value = {(time_t)seconds, (suseconds_t)(1e6 * (seconds - (double)(time_t)seconds))}};
    stop = 0;
    assert_int_equal(setitimer(ITIMER_PROF, &timer, NULL), 0);
}

/* Few documents, each longer than what may pass before the flag is looked at, of words without end. */
static void write_long_corpus(void) {
    char *text = gr_alloc(DOCUMENTS * (WORDS * 10 + 100));
    size_t used = 0;
    for (uint64_t d = 0; d < DOCUMENTS; d++) {
        used += (size_t)sprintf(text + used, "{\"label\": \"%s\", \"text\": \"", d % 2 ? "animal" : "tool");
        for (uint64_t w = 0; w < WORDS; w++) {
            uint64_t bits = gr_random_bits((gr_key){9, GR_STREAM_TEST, 0}, d << 32 | w, 0);
            for (uint64_t i = 0; i < 3 + bits % 6; i++)
                text[used++] = (char)('a' + (bits >> (5 * i + 8)) % 26);
            text[used++] = ' ';
        }
        used += (size_t)sprintf(text + used, "\"}\n");
    }
    gr_test_write("corpus.jsonl", text, used);
    gr_free(text);
}

static gr_status open_project(const gr_control *control, gr_error *err) {
    const char *sets[] = {"data.tokenizer.train=2000", "data.dedupe=near", "data.test=0.1", "adjacent=[]",
                          "labels.animals={words: [abc, dog, sun]}"};
    gr_recipe *recipe;
    gr_project *project;
    gr_test_ok(gr_recipe_open(&recipe, gr_test_write("recipe.yaml", lab_recipe, strlen(lab_recipe)), sets, 5, err),
               err);
    gr_status status = gr_project_open(&project, recipe, NULL, control, err);
    if (status == GR_OK)
        gr_project_free(project);
    else
        assert_null(project);
    gr_recipe_free(recipe);
    return status;
}

/* Processor time of one opening that nobody stops. */
static double time_of_opening(void) {
    gr_error err = {0};
    const double began = processor_time();
    gr_test_ok(open_project(NULL, &err), &err);
    return processor_time() - began;
}

static void test_soon(void **state) {
    (void)state;

    /* The first opening also pays for cold memory, so that later ones may be over before they are asked. */
    const double first = time_of_opening(), second = time_of_opening();
    const double whole = first < second ? first : second;

    /* On a fast machine the whole takes hardly longer than that: then a third of it is soon. */
    const double soon = SOON < whole / 3 ? SOON : whole / 3;

    int heard = 0;
    for (int k = 0; k < POINTS; k++) {
        ask_after(whole * (k + 0.1) / POINTS);
        gr_error stopped = {0};
        const gr_status status = open_project(&(gr_control){.stop = &stop}, &stopped);
        const double late = processor_time() - asked;
        const bool was_asked = stop;
        ask_after(0);

        /* An opening that was over before the question says nothing. */
        if (!was_asked && status == GR_OK)
            continue;
        if (status != GR_ERR_INTERRUPTED || late > soon)
            fail_msg("asked at %d/%d: status %d after %.2f of %.2f s", k, POINTS, (int)status, late, whole);
        assert_non_null(strstr(stopped.message, "stopped while "));
        heard++;
    }
    assert_true(heard >= POINTS - 2);
}

static void test_each(void **state) {
    (void)state;
    gr_error err = {0};
    const gr_text text = {"a bird", 6};
    gr_source source = gr_source_default();
    source.reader = "jsonl";
    source.path = gr_test_path("corpus.jsonl");
    gr_corpus_def def = {.sources = &source, .source_count = 1, .stop = &stop};
    gr_corpus *corpus;
    gr_tokenizer *tokenizer;
    gr_dataset *data;

    /* Where nobody asks nothing stops. */
    stop = 0;
    gr_test_ok(gr_corpus_open(&corpus, &def, &err), &err);
    gr_test_ok(gr_tokenizer_train(&tokenizer, &text, 1, 257, &stop, &err), &err);

    stop = 1;
    gr_corpus *none;
    gr_tokenizer *nothing;
    assert_int_equal(gr_corpus_open(&none, &def, &err), GR_ERR_INTERRUPTED);
    assert_string_equal(err.message, "stopped while reading the corpus");
    err = (gr_error){0};
    assert_int_equal(gr_tokenizer_train(&nothing, &text, 1, 258, &stop, &err), GR_ERR_INTERRUPTED);
    assert_string_equal(err.message, "stopped while training the tokenizer");
    err = (gr_error){0};
    assert_int_equal(gr_dataset_new(&data, corpus, tokenizer, &(gr_dataset_def){.stop = &stop}, &err),
                     GR_ERR_INTERRUPTED);
    assert_string_equal(err.message, "stopped while encoding the corpus");
    assert_null(none);
    assert_null(nothing);
    assert_null(data);
    gr_corpus_free(corpus);
    gr_tokenizer_free(tokenizer);
}

static int setup(void **state) {
    int status = gr_test_files_setup(state);
    signal(SIGPROF, on_time);
    write_long_corpus();
    return status;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_soon), cmocka_unit_test(test_each)};
    return cmocka_run_group_tests_name("project_stop", tests, setup, gr_test_files_teardown);
}
