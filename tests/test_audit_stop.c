/* What an audit tells of its work after training, and that it stops in the middle of it: between two batches of rows
 * that are measured, between two steps of an attack. What was finished stays, nothing is half-written, and going on
 * gives the figures of an audit that nobody disturbed. */
#include <dirent.h>
#include <math.h>
#include <signal.h>

#include "io/json.h"
#include "lab_helpers.h"

enum { BATCH = 4, STEPS = 4, RATES = 3, MOST = 4096 };

/* ---- somebody who follows ---- */

typedef struct heard {
    char text[80]; /* "measuring plain" */
    int64_t step, steps;
    double loss, left;
} heard;

static struct {
    heard at[MOST];
    int count;
    const char *stop_in; /* what is being done when the flag is set; NULL: never */
    int64_t stop_at;
    sig_atomic_t stop;
} listener;

static void listen_to(void *user, const gr_progress *p) {
    (void)user;
    assert_true(listener.count < MOST);
    heard *h = &listener.at[listener.count++];
    snprintf(h->text, sizeof h->text, "%s %s", p->doing ? p->doing : "training", p->name);
    h->step = p->step, h->steps = p->steps, h->loss = p->loss, h->left = p->seconds_left;
    if (listener.stop_in && strcmp(listener.stop_in, h->text) == 0 && p->step >= listener.stop_at)
        listener.stop = 1;
}

static gr_status run(json_t **result, const char *folder, const char *stop_in, int64_t stop_at) {
    gr_error err = {0};
    char *text = NULL;
    gr_control control = {.resume = true, .stop = &listener.stop, .progress = listen_to};
    listener.count = 0, listener.stop = 0, listener.stop_in = stop_in, listener.stop_at = stop_at;
    gr_status status = lab_audit(&text, folder, gr_test_path("recipe.yaml"), NULL, 0, &control, &err);
    if (status != GR_OK) {
        assert_non_null(strstr(err.message, folder));
        return status;
    }
    *result = json_loads(text, 0, NULL);
    assert_non_null(*result);
    gr_free(text);
    return GR_OK;
}

/* How often something was heard, that it went from its first share to the whole, and in steps of at most `most`. */
static int check_shares(const char *text, int64_t all, int64_t most) {
    int64_t before = 0;
    int times = 0;
    for (int i = 0; i < listener.count; i++) {
        const heard *h = &listener.at[i];
        if (strcmp(h->text, text) != 0)
            continue;
        assert_int_equal(h->steps, all);
        assert_in_range(h->step - before, 1, most);
        assert_true(isnan(h->loss) && isfinite(h->left) && h->left >= 0);
        before = h->step;
        times++;
    }
    if (before != all)
        fail_msg("%s: %d of %d", text, (int)before, (int)all);
    return times;
}

/* ---- the folder ---- */

static int entries(const char *folder, const char *part) {
    int found = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));)
        found += strstr(e->d_name, part) != NULL;
    closedir(dir);
    return found;
}

/* Figures are equal to the last bit; times are not. */
static void same_figures(const json_t *a, const json_t *b) {
    const char *const keys[] = {"specific_gap", "specific_removal", "tax_off", "tax_on", "intervals", "verdict"};
    const char *name, *key;
    json_t *model, *value;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_true(json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i])) ||
                    json_object_get(a, keys[i]) == json_object_get(b, keys[i]));
    json_object_foreach(json_object_get(a, "models"), name, model)
        json_object_foreach(model, key, value) {
            const json_t *other = json_object_get(json_object_get(json_object_get(b, "models"), name), key);
            if (strcmp(key, "tokens_per_s") != 0 && strcmp(key, "seconds") != 0 && !json_equal(value, other))
                fail_msg("%s of %s differs", key, name);
        }
}

/* ---- the tests ---- */

static gr_project *project;
static json_t *undisturbed;

static void test_shares(void **state) {
    static const char *const measured[] = {"measuring routed", "measuring routed_off", "measuring plain",
                                           "measuring filtered"};
    static const char *const attacked[] = {"relearning routed_off", "relearning plain", "relearning filtered"};
    (void)state;
    assert_int_equal(run(&undisturbed, gr_test_path("whole"), NULL, 0), GR_OK);

    /* Every document of the test fits into one row, alone or with others. */
    int64_t rows = 0;
    for (int i = 0; i < listener.count && !rows; i++)
        rows = strcmp(listener.at[i].text, measured[0]) == 0 ? listener.at[i].steps : 0;
    assert_in_range(rows, 3 * BATCH, (int64_t)project->data->test_count);
    for (int i = 0; i < 4; i++)
        assert_int_equal(check_shares(measured[i], rows, BATCH), (rows + BATCH - 1) / BATCH);
    for (int i = 0; i < 3; i++)
        assert_int_equal(check_shares(attacked[i], RATES * STEPS, 1), RATES * STEPS);
}

/* Stops in the middle, says so no more than once, and goes on. */
static void check_stop(const char *folder, const char *in, int64_t at, int cells) {
    json_t *result;
    char *done = gr_format("%s/cells", folder);
    assert_int_equal(run(&result, folder, in, at), GR_ERR_INTERRUPTED);
    const heard *last = &listener.at[listener.count - 1];
    assert_string_equal(last->text, in);
    assert_true(last->step < last->steps);
    assert_in_range(last->step, at, at + (strncmp(in, "measuring", 9) == 0 ? BATCH - 1 : 0));
    assert_int_equal(entries(done, "") - 2, cells); /* without . and .. */
    assert_int_equal(entries(folder, "result.json"), 0);
    assert_int_equal(entries(folder, ".tmp"), 0);

    assert_int_equal(run(&result, folder, NULL, 0), GR_OK);
    same_figures(undisturbed, result);
    json_decref(result);
    gr_free(done);
}

static void test_stops(void **state) {
    (void)state;
    check_stop(gr_test_path("measuring"), "measuring plain", 1, 9); /* data, 4 models, 4 measures */
    check_stop(gr_test_path("attack"), "relearning routed_off", 1, 11);
    check_stop(gr_test_path("later"), "relearning plain", RATES * STEPS - 2, 12);
}

static int open_all(void **state) {
    int status = gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    project = lab_open(NULL, 0);
    return status;
}

static int close_all(void **state) {
    json_decref(undisturbed);
    lab_close(project);
    return gr_test_files_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shares), cmocka_unit_test(test_stops)};
    return cmocka_run_group_tests_name("test_audit_stop", tests, open_all, close_all);
}
