/* The rule by which `precision: auto` decides, and the times that it decides by. */
#include <dirent.h>

#include "lab_helpers.h"

#include <math.h>
#include <stdlib.h>

#include "io/file.h"
#include "kernel/kernel.h"
#include "task/precision.h"

static void bfloat16_must_pay(void **state) {
    (void)state;
    assert_int_equal(gr__precision_faster(1.00, 0.50), GR_PRECISION_BF16);
    assert_int_equal(gr__precision_faster(115.0, 100.0), GR_PRECISION_BF16);
    assert_int_equal(gr__precision_faster(114.9, 100.0), GR_PRECISION_FLOAT32);
    assert_int_equal(gr__precision_faster(1.00, 1.00), GR_PRECISION_FLOAT32);
    assert_int_equal(gr__precision_faster(0.337, 0.605), GR_PRECISION_FLOAT32); /* AVX-512 BF16, and slower with it */
}

static void what_was_not_timed_is_not_taken(void **state) {
    (void)state;
    assert_int_equal(gr__precision_faster(0, 0), GR_PRECISION_FLOAT32);
    assert_int_equal(gr__precision_faster(1, 0), GR_PRECISION_FLOAT32);
    assert_int_equal(gr__precision_faster(NAN, 1), GR_PRECISION_FLOAT32);
    assert_int_equal(gr__precision_faster(1, NAN), GR_PRECISION_FLOAT32);
}

/* ---- a folder ---- */

typedef struct world {
    gr_project *project;
    char said[400];
} world;

static void hear(void *user, const char *text) {
    world *w = user;
    if (strncmp(text, "precision", 9) == 0)
        snprintf(w->said, sizeof w->said, "%s", text);
}

/* A project with the recipe's precision, NULL: auto, in a folder. */
static gr_status open_in(world *w, const char *folder, const char *precision, gr_error *err) {
    gr_recipe *recipe;
    char set[64];
    const char *sets[] = {set};
    lab_write_corpus("corpus.jsonl");
    snprintf(set, sizeof set, "precision=%s", precision ? precision : "auto");
    *w = (world){0};
    gr_test_ok(gr_recipe_open(&recipe, gr_test_write("recipe.yaml", lab_recipe, strlen(lab_recipe)), sets, 1, err),
               err);
    gr_control control = {.note = hear, .user = w};
    gr_status status = gr_project_open(&w->project, recipe, gr_test_path(folder), &control, err);
    if (status != GR_OK)
        gr_recipe_free(recipe);
    return status;
}

static void folder_with(const char *folder, const char *text) {
    gr_error err = {0};
    char name[480];
    gr_test_ok(gr_directory_make(gr_test_path(folder), &err), &err);
    snprintf(name, sizeof name, "%s/precision.json", folder);
    gr_test_write(name, text, strlen(text));
}

static char *read_text(const char *name) {
    size_t length;
    return gr_test_read(gr_test_path(name), &length);
}

static void expect_in(const char *name, const char *wanted) {
    char *text = read_text(name);
    if (!strstr(text, wanted))
        fail_msg("%s lacks '%s':\n%s", name, wanted, text);
    free(text);
}

static void the_first_call_decides_and_says_why(void **state) {
    (void)state;
    world w;
    gr_error err = {0};
    gr_test_ok(open_in(&w, "first", NULL, &err), &err);
    gr_test_ok(gr_project_keep(w.project, &err), &err);
    const gr_precision_choice *c = &w.project->precision;
    const char *word = gr__precision_word(c->taken);
    if (gr_gemm_has_half()) {
        assert_true(c->float32 > 0 && c->bf16 > 0);
        assert_non_null(strstr(w.said, "in bfloat16"));
        expect_in("first/precision.json", "\"decided_by\": \"clock\"");
    } else {
        assert_int_equal(c->taken, GR_PRECISION_FLOAT32);
        assert_non_null(strstr(w.said, "no products in bfloat16"));
        expect_in("first/precision.json", "\"decided_by\": \"processor\"");
    }
    assert_int_equal(c->taken, gr__precision_faster(c->float32, c->bf16));
    assert_int_equal(w.project->recipe->precision, c->taken);
    char line[64], *text;
    snprintf(line, sizeof line, "precision: %s\n", word);
    gr_test_ok(gr_recipe_text(w.project->recipe, &text, &err), &err);
    assert_non_null(strstr(text, line));
    gr_free(text);
    lab_close(w.project);
}

/* A clock decides, and no clock gives the same number twice: what it decided is kept, not what it showed. */
static void folders_of_one_recipe_are_alike(void **state) {
    (void)state;
    char *text[2];
    world w;
    gr_error err = {0};
    gr_test_ok(open_in(&w, "alike-0", NULL, &err), &err);
    for (int i = 0; i < 2; i++) {
        char folder[32], name[64];
        snprintf(folder, sizeof folder, "alike-%d", i);
        snprintf(name, sizeof name, "%s/precision.json", folder);
        gr_test_ok(gr_directory_make(gr_test_path(folder), &err), &err);
        gr_test_ok(gr__precision_keep(w.project, gr_test_path(name), &err), &err);
        text[i] = read_text(name);

        /* As another reading of the clock with the same verdict would have it. */
        w.project->precision.float32 *= 2;
        w.project->precision.bf16 *= 2;
    }
    lab_close(w.project);
    assert_string_equal(text[0], text[1]);
    assert_null(strstr(text[0], "ms"));
    free(text[0]);
    free(text[1]);
}

/* What is kept counts and not what is faster here: both choices stay. */
static void later_calls_take_what_is_kept(void **state) {
    (void)state;
    static const char *const words[] = {"float32", "bf16"};
    static const char *const times[] = {", \"decided_by\": \"clock\"", ", \"bf16_ms\": 1.5"}; /* earlier: times */
    char digest[2][65];
    gr_error err = {0};
    for (int i = 0; i < 2; i++) {
        char kept[160];
        world w;
        snprintf(kept, sizeof kept, "{\"precision\": \"%s\", \"isa\": \"another\", \"in_recipe\": true%s}", words[i],
                 times[i]);
        folder_with(words[i], kept);
        gr_test_ok(open_in(&w, words[i], NULL, &err), &err);
        assert_string_equal(gr__precision_word(w.project->recipe->precision), words[i]);
        assert_true(w.project->precision.bf16 == 0); /* not timed */
        assert_non_null(strstr(w.said, "as this folder was begun"));
        assert_non_null(strstr(w.said, "kernels for another"));
        snprintf(digest[i], sizeof digest[i], "%s", w.project->digest);
        lab_close(w.project);

        /* The same as if the recipe had said so. */
        gr_test_ok(open_in(&w, words[i], words[i], &err), &err);
        assert_string_equal(w.project->digest, digest[i]);
        lab_close(w.project);
    }
    assert_string_not_equal(digest[0], digest[1]);
}

static void a_precision_that_is_named_is_not_timed(void **state) {
    (void)state;
    world w;
    gr_error err = {0};
    gr_test_ok(open_in(&w, "named", "float32", &err), &err);
    assert_int_equal(w.project->recipe->precision, GR_PRECISION_FLOAT32);
    assert_true(w.project->precision.float32 == 0 && w.project->precision.bf16 == 0);
    assert_string_equal(w.said, "");
    gr_test_ok(gr_project_choose_precision(w.project, &err), &err);
    assert_true(w.project->precision.float32 == 0);
    gr_test_ok(gr_project_keep(w.project, &err), &err);
    lab_close(w.project);
    expect_in("named/precision.json", "\"float32\"");
    expect_in("named/precision.json", "\"decided_by\": \"recipe\"");

    /* Another one in the same folder is refused. */
    assert_int_equal(open_in(&w, "named", "bf16", &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "begun in float32, the recipe asks for bf16"));
}

static void a_damaged_choice_is_an_error(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "{}",
                                        "[]",
                                        "{\"precision\": \"fast\", \"isa\": \"x\", \"in_recipe\": true}",
                                        "{\"precision\": \"auto\", \"isa\": \"x\", \"in_recipe\": true}",
                                        "{\"precision\": 1, \"isa\": \"x\", \"in_recipe\": true}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        world w;
        gr_error err = {0};
        folder_with("damaged", texts[i]);
        if (open_in(&w, "damaged", NULL, &err) != GR_ERR_FORMAT)
            fail_msg("'%s' passed", texts[i]);
    }
}

/* Folders of earlier versions: the recipe beside the folder says auto, and its digest is of that word. */
static void what_was_begun_before_stays(void **state) {
    (void)state;
    world w, again;
    char name[160], *text;
    gr_error err = {0};
    gr_test_ok(gr_directory_make(gr_test_path("older/data"), &err), &err);
    snprintf(name, sizeof name, "older/recipe.yaml");
    gr_test_write(name, "seed: 1\nprecision: auto\n", 24);
    gr_test_ok(open_in(&w, "older/data", NULL, &err), &err);
    assert_int_equal(w.project->recipe->precision, gr_gemm_has_half() ? GR_PRECISION_BF16 : GR_PRECISION_FLOAT32);
    assert_non_null(strstr(w.said, "earlier version"));
    gr_test_ok(gr_recipe_text(w.project->recipe, &text, &err), &err);
    assert_non_null(strstr(text, "precision: auto\n"));
    gr_free(text);

    /* The second call as the first. */
    gr_test_ok(open_in(&again, "older/data", NULL, &err), &err);
    assert_string_equal(again.project->digest, w.project->digest);
    assert_int_equal(again.project->recipe->precision, w.project->recipe->precision);
    lab_close(again.project);
    lab_close(w.project);
}

/* ---- an audit ---- */

static void read_models(double *sums, const char *folder) {
    gr_error err = {0};
    static const char *const arms[] = {"routed", "plain", "filtered"};
    for (int k = 0; k < 3; k++) {
        char name[160], line[64];
        snprintf(name, sizeof name, "%s/%s/recipe.yaml", folder, arms[k]);
        snprintf(line, sizeof line, "precision: %s\n", strchr(folder, '-') + 1);
        expect_in(name, line);

        /* The numbers of the model in one. */
        gr_bundle *loaded;
        snprintf(name, sizeof name, "%s/%s/model", folder, arms[k]);
        gr_test_ok(gr_bundle_load(&loaded, gr_test_path(name), NULL, 0, &err), &err);
        sums[k] = 0;
        for (int p = 0; p < gr_model_params(loaded->model); p++) {
            const gr_param_def *d = gr_model_param(loaded->model, p);
            for (int i = 0; i < d->rows * d->cols; i++)
                sums[k] += (double)gr_model_data(loaded->model, p)[i] * (1 + i % 7);
        }
        gr_bundle_free(loaded);
    }
}

static const char *recipe_path(void) {
    lab_write_corpus("corpus.jsonl");
    return gr_test_write("recipe.yaml", lab_recipe, strlen(lab_recipe));
}

static void run_audit(double *sums, char **result, const char *folder, const char *precision) {
    gr_error err = {0};
    char set[64];
    snprintf(set, sizeof set, "precision=%s", precision ? precision : "auto");
    gr_test_ok(lab_audit(result, gr_test_path(folder), recipe_path(), (const char *[]){set}, 1, NULL, &err), &err);
    read_models(sums, folder);
}

/* A folder that was begun in this precision, wherever that is kept for this recipe. */
static void begin_with(const char *folder, const char *kept) {
    static const char mark[] = "{\"format\": \"gradroute-folder-1\", \"kind\": \"experiment\", \"digest\": \"\"}";
    gr_error err = {0};
    gr_lab *lab;
    char name[400];
    gr_lab_def def = {.experiment = lab_experiment(), .base = recipe_path(), .folder = gr_test_path(folder)};
    gr_test_ok(gr_lab_open(&lab, &def, NULL, &err), &err);
    gr_test_ok(gr_lab_claim(lab, &err), &err);
    gr_lab_free(lab);

    /* What it chose is put aside. */
    snprintf(name, sizeof name, "%s/data", folder);
    DIR *dir = opendir(gr_test_path(name));
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.') {
            snprintf(name, sizeof name, "%s/data/%s", folder, e->d_name);
            folder_with(name, kept);
        }
    closedir(dir);
    snprintf(name, sizeof name, "%s/folder.json", folder);
    gr_test_write(name, mark, strlen(mark));
    snprintf(name, sizeof name, "%s/recipe.yaml", folder);
    assert_int_equal(unlink(gr_test_path(name)), 0);
}

/* The part of a result that says what relearning reached. */
static double relearned(const char *result, const char *model) {
    const char *at = strstr(result, "\"models\"");
    at = at ? strstr(at, model) : NULL;
    at = at ? strstr(at, "_relearned\": ") : NULL;
    assert_non_null(at);
    return atof(strchr(at, ':') + 1);
}

/* Every arm and every relearning of a folder computes in the precision that it was begun with: the same bits as if the
 * recipe had said so, whatever is faster here; and other bits in the other precision. */
static void every_arm_keeps_it(void **state) {
    (void)state;
    static const char *const words[] = {"float32", "bf16"};
    static const char *const models[] = {"\"routed\"", "\"plain\"", "\"filtered\""};
    double sums[2][3], attacked[2][3];
    for (int i = 0; i < 2; i++) {
        char folder[64], kept[128], *chosen, *named;
        double same[3];
        snprintf(folder, sizeof folder, "auto-%s", words[i]);
        snprintf(kept, sizeof kept, "{\"precision\": \"%s\", \"isa\": \"x\", \"in_recipe\": true}", words[i]);
        begin_with(folder, kept);
        run_audit(sums[i], &chosen, folder, NULL);

        /* A folder of a recipe that names it. */
        snprintf(folder, sizeof folder, "named-%s", words[i]);
        run_audit(same, &named, folder, words[i]);
        for (int k = 0; k < 3; k++) {
            assert_true(same[k] == sums[i][k]);
            assert_true(relearned(named, models[k]) == relearned(chosen, models[k]));
        }
        gr_free(named);
        for (int k = 0; k < 3; k++)
            attacked[i][k] = relearned(chosen, models[k]);
        gr_free(chosen);
    }
    for (int k = 0; k < 3; k++) {
        assert_true(sums[0][k] != sums[1][k]);
        assert_true(attacked[0][k] != attacked[1][k]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(bfloat16_must_pay),
                                       cmocka_unit_test(what_was_not_timed_is_not_taken),
                                       cmocka_unit_test(the_first_call_decides_and_says_why),
                                       cmocka_unit_test(folders_of_one_recipe_are_alike),
                                       cmocka_unit_test(later_calls_take_what_is_kept),
                                       cmocka_unit_test(a_precision_that_is_named_is_not_timed),
                                       cmocka_unit_test(a_damaged_choice_is_an_error),
                                       cmocka_unit_test(what_was_begun_before_stays),
                                       cmocka_unit_test(every_arm_keeps_it)};
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}
