/* Places of an experiment, which share what they read: those that read the same, and no others. */
#include <stdio.h>
#include <string.h>

#include "gradroute/bundle.h"
#include "io/file.h"
#include "io/json.h"
#include "lab/lab_state.h"
#include "lab_helpers.h"
#include "task/network.h"

/* An experiment over a recipe in a folder, opened; nothing is made. */
static gr_status open_lab(gr_lab **lab, const char *name, const char *text, const char *recipe, gr_error *err) {
    static char base[512], file[512], folder[512]; /* which are the caller's while the lab is open */
    snprintf(base, sizeof base, "%s", gr_test_write("recipe.yaml", recipe, strlen(recipe)));
    snprintf(file, sizeof file, "%s", gr_test_write("places.yaml", text, strlen(text)));
    snprintf(folder, sizeof folder, "%s", gr_test_path(name));
    return gr_lab_open(lab, &(gr_lab_def){.experiment = file, .base = base, .folder = folder}, NULL, err);
}

/* ---- precision ---- */

/* What the data must have is asked of the last point first. */
static const char precisions[] =
    "experiment: precisions\n"
    "needs: [labels]\n"
    "arms: {plain: {train: {routes: none}}}\n"
    "axes: {in: {as_is: {}, longer: {train.steps: 3}, any: {precision: auto, train.steps: 4}}}\n"
    "set: {train.steps: 2}\n";

/* Who settled the precision that is kept beside the data of a place. */
static char *decided_by(const gr_lab *lab, int place) {
    gr_error err = {0};
    json_t *kept;
    char *path = gr_format("%s/%s/precision.json", lab->folder, lab->place[place].data);
    gr_test_ok(gr_json_read(&kept, path, &err), &err);
    char *word = gr_strdup(json_string_value(json_object_get(kept, "decided_by")));
    json_decref(kept);
    gr_free(path);
    return word;
}

/* Data are kept with the precision that was settled for them: a place that asks for another one has its own. */
static void places_of_another_precision_share_nothing(void **state) {
    (void)state;
    gr_error err = {0};
    gr_lab *lab;
    gr_test_ok(open_lab(&lab, "precisions", precisions, lab_recipe, &err), &err);
    assert_string_equal(lab->place[0].data, lab->place[1].data);
    assert_string_not_equal(lab->place[0].data, lab->place[2].data);

    /* All of them are worked out, whichever was kept first. */
    gr_test_ok(gr_lab_claim(lab, &err), &err);
    gr_test_ok(gr_lab_work(lab, NULL, &err), &err);
    char *first = decided_by(lab, 0), *other = decided_by(lab, 2);
    assert_string_equal(first, "recipe");
    assert_true(!strcmp(other, "clock") || !strcmp(other, "processor"));
    gr_free(first);
    gr_free(other);
    gr_lab_free(lab);

    /* What goes on finds all of it done, under the keys that it had: each place in its own precision. */
    gr_test_ok(open_lab(&lab, "precisions", precisions, lab_recipe, &err), &err);
    for (int c = 0; c < lab->cells->cells; c++)
        assert_int_equal(lab->cells->cell[c].known.state, GR_CELL_DONE);
    char *name = gr_strdup(lab->place[0].data);
    gr_lab_free(lab);

    /* Where nobody asks for another precision the name is the same: folders that there are find their data. */
    static const char lone[] = "experiment: precisions\narms: {plain: {train: {routes: none}}}\n";
    gr_test_ok(open_lab(&lab, "lone", lone, lab_recipe, &err), &err);
    assert_string_equal(lab->place[0].data, name);
    gr_lab_free(lab);
    gr_free(name);
}

/* Data are read again and again before anything of them is kept, and a clock never says the same twice: what it said
 * first is the precision of every later reading, for it is in the keys. */
static void a_clock_is_asked_once(void **state) {
    (void)state;
    static const char text[] = "experiment: seeds\n"
                               "arms: {plain: {train: {routes: none}}}\n"
                               "seeds: 2\n"
                               "set: {precision: auto, train.steps: 2}\n";
    gr_error err = {0};
    gr_lab *lab;
    gr_test_ok(open_lab(&lab, "clock", text, lab_recipe, &err), &err);
    assert_string_not_equal(lab->place[0].data, lab->place[1].data);

    /* Either is what it may have said of the second seed; by chance it says the same once more, but not every time. */
    gr_precision_choice *timed = &lab->place[1].timed;
    const bool clock = strcmp(lab->project->precision.decided_by, "processor") != 0;
    assert_int_equal(timed->taken != 0, clock);
    for (int i = 0; i < 8; i++) {
        *timed = (gr_precision_choice){
            .taken = i % 2 ? GR_PRECISION_BF16 : GR_PRECISION_FLOAT32, .decided_by = "clock", .in_recipe = true};
        gr_test_ok(gr__lab_open_place(lab, 0, NULL, &err), &err);
        gr_test_ok(gr__lab_open_place(lab, 1, NULL, &err), &err);
        assert_int_equal(lab->recipe->precision, timed->taken);
        assert_int_equal(lab->project->precision.taken, timed->taken);
        assert_string_equal(lab->project->precision.decided_by, "clock");
    }
    gr_lab_free(lab);
}

/* Another call may settle the precision of data that this one has looked at: the keys that are made by then are of
 * what the clock said here. Of any other refusal the hint is its own. */
static void a_folder_that_another_call_began_is_refused(void **state) {
    (void)state;
    static const char text[] = "experiment: seeds\n"
                               "arms: {plain: {train: {routes: none}}}\n"
                               "seeds: 2\n"
                               "set: {precision: auto, train.steps: 2}\n";
    gr_error err = {0};
    gr_lab *lab;
    gr_test_ok(open_lab(&lab, "begun", text, lab_recipe, &err), &err);
    lab->place[1].timed =
        (gr_precision_choice){.taken = GR_PRECISION_FLOAT32, .decided_by = "clock", .in_recipe = true};

    /* The other one took bf16. */
    char *path = gr_format("%s/%s/precision.json", lab->folder, lab->place[1].data);
    static const char kept[] =
        "{\"precision\": \"bf16\", \"decided_by\": \"recipe\", \"isa\": \"base\", \"in_recipe\": true}";
    gr_test_ok(gr__parent_make(path, &err), &err);
    gr_test_ok(gr_file_write(path, kept, strlen(kept), &err), &err);
    gr_test_ok(gr__lab_open_place(lab, 0, NULL, &err), &err);
    assert_int_equal(gr__lab_open_place(lab, 1, NULL, &err), GR_ERR_USAGE);
    gr_test_error(&err, path, "bf16");
    assert_non_null(strstr(err.hint, "another call may have begun it meanwhile"));

    /* Data that are gone are gone for another reason. */
    assert_int_equal(remove(path), 0);
    char *corpus = gr_strdup(gr_test_path("corpus.jsonl")), *aside = gr_strdup(gr_test_path("aside.jsonl"));
    assert_int_equal(rename(corpus, aside), 0);
    err = (gr_error){0};
    assert_int_not_equal(gr__lab_open_place(lab, 1, NULL, &err), GR_OK);
    assert_null(strstr(err.hint, "another call"));
    assert_int_equal(rename(aside, corpus), 0);
    gr_free(aside);
    gr_free(corpus);
    gr_free(path);
    gr_lab_free(lab);
}

/* ---- models to go on from ---- */

/* A model of a vocabulary of so many tokens, in a folder. */
static char *write_model(const char *name, const char *vocabulary) {
    gr_error err = {0};
    gr_model *model;
    gr_project *p = lab_open(&vocabulary, 1);
    char *folder = gr_strdup(gr_test_path(name)), *file = gr_strdup(gr_test_path("tokenizer.json"));
    gr_test_ok(gr__network_new(&model, p->recipe, &err), &err);
    gr_test_ok(gr_tokenizer_save(p->tokenizer, file, &err), &err);
    gr_test_ok(gr_bundle_save(folder, &p->recipe->model, model, &(gr_bundle_info){.seed = 1, .tokenizer = file}, &err),
               &err);
    gr_model_free(model);
    lab_close(p);
    gr_free(file);
    return folder;
}

/* The data of one model are not handed to another, which may know other tokens: that is seen where they are read. */
static void a_model_of_other_tokens_is_refused(void **state) {
    (void)state;
    gr_error err = {0};
    gr_lab *lab;
    char *small = write_model("small", "data.tokenizer={train: 280}"),
         *large = write_model("large", "data.tokenizer={train: 300}");
    char *recipe =
        gr_format("precision: float32\n"
                  "data: {jsonl: corpus.jsonl, context: 32, validation: 0.1, tokenizer: {file: %s/tokenizer.json}}\n"
                  "labels: {animals: {is: [animal]}}\n"
                  "model: {from: %s}\n"
                  "preset: {name: residual}\n"
                  "train: {steps: 2, batch: 4}\n",
                  small, small);
    char *text = gr_format("experiment: models\n"
                           "arms: {plain: {train: {routes: none}}}\n"
                           "axes: {of: {small: {}, again: {train.steps: 3}, large: {model.from: %s}}}\n",
                           large);
    assert_int_equal(open_lab(&lab, "models", text, recipe, &err), GR_ERR_USAGE);
    gr_test_error(&err, "data.tokenizer", "the tokenizer of the recipe (280 tokens) differs from that of");

    /* Of one model there is nothing to refuse. */
    char *end = strstr(text, ", large: ");
    assert_non_null(end);
    strcpy(end, "}}\n");
    gr_test_ok(open_lab(&lab, "models", text, recipe, &err), &err);
    assert_int_equal(lab->project->data->vocab, 280);
    gr_lab_free(lab);
    gr_free(text);
    gr_free(recipe);
    gr_free(small);
    gr_free(large);
}

static int open_all(void **state) {
    int status = gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    return status;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_of_another_precision_share_nothing),
        cmocka_unit_test(a_clock_is_asked_once),
        cmocka_unit_test(a_folder_that_another_call_began_is_refused),
        cmocka_unit_test(a_model_of_other_tokens_is_refused),
    };
    return cmocka_run_group_tests_name("places", tests, open_all, gr_test_files_teardown);
}
