/* An audit of a tiny network computed once more by plain calls: losses by topic, specific removal, the attack on the
 * removed model at several rates; and the audit of topics that were drawn at random. */
#include <math.h>
#include <sys/stat.h>

#include "io/json.h"
#include "lab_helpers.h"

enum { FORGET, ADJACENT, RETAIN, GROUPS, WIDTH = 32, BATCH = 4, STEPS = 4, EVERY = 2 };
static const double rates[] = {0.001, 0.003, 0.0005};

static gr_project *project;
static json_t *result;
static char *folder;

/* ---- plain calls ---- */

/* The group of a document by the topic that the corpus gives it. */
static int group_of(const gr_dataset *data, uint32_t d) {
    const char *topic = data->topics.names[data->topics.of[d]];
    return strcmp(topic, "animal") == 0 ? FORGET : strcmp(topic, "food") == 0 ? ADJACENT : RETAIN;
}

/* Mean losses by group, document by document. */
static void measure(double out[GROUPS], gr_model *model, const gr_tables *profile, const uint32_t *docs, size_t count) {
    const gr_dataset *data = project->data;
    double *nll = gr_alloc(data->topics.docs * sizeof *nll), tokens_of[GROUPS] = {0};
    int32_t *tokens = gr_alloc(data->topics.docs * sizeof *tokens);
    gr_error err = {0};
    gr_evaluator *evaluator;
    gr_test_ok(gr_evaluator_new(&evaluator, model, profile, 1, WIDTH, &err), &err);
    memset(out, 0, GROUPS * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        gr_scan *scan;
        gr_test_ok(gr_scan_new(&scan, data, project->labels, &docs[i], 1, 1, WIDTH, &err), &err);
        gr_evaluate(evaluator, scan, nll, tokens, data->topics.docs);
        out[group_of(data, docs[i])] += nll[docs[i]];
        tokens_of[group_of(data, docs[i])] += tokens[docs[i]];
        gr_scan_free(scan);
    }
    for (int g = 0; g < GROUPS; g++)
        out[g] /= tokens_of[g];
    gr_evaluator_free(evaluator);
    gr_free(nll);
    gr_free(tokens);
}

/* A model of the audit, without its region if asked. */
static gr_bundle *load(const char *arm, bool removed) {
    static const char *const regions[] = {"animals"};
    gr_error err = {0};
    gr_bundle *model;
    char *path = gr_format("%s/%s/model", folder, arm);
    gr_test_ok(gr_bundle_load(&model, path, regions, removed, &err), &err);
    gr_free(path);
    return model;
}

typedef struct attack {
    gr_model *model;
    double lr, best, best_lr;
    int best_step;
} attack;

/* Forget loss of the validation documents; adjacent and retain documents of the list are measured and not used. */
static gr_status watch(void *user, int step, gr_error *err) {
    attack *a = user;
    double loss[GROUPS];
    (void)err;
    measure(loss, a->model, NULL, project->data->validation, project->data->validation_count);
    if (loss[FORGET] < a->best)
        a->best = loss[FORGET], a->best_lr = a->lr, a->best_step = step;
    return GR_OK;
}

static void tune(attack *a, int steps, double lr, bool watched) {
    gr_error err = {0};
    gr_drawn drawn;
    gr_draw_def draw = {.documents = 8, .label = 1, .width = WIDTH, .seed = 1};
    gr_finetune_def def = gr_finetune_default();
    def.steps = steps, def.rows = BATCH, def.width = WIDTH, def.every = EVERY;
    def.optim.lr = a->lr = lr;
    def.after = watched ? watch : NULL;
    def.user = a;
    gr_test_ok(gr_dataset_draw(&drawn, project->data, project->labels, &draw, &err), &err);
    gr_test_ok(gr_finetune(a->model, NULL, project->data, project->labels, drawn.docs, drawn.count, &def, &err), &err);
    gr_drawn_free(&drawn);
}

/* The losses of the test at the best point of all rates, each from the model as it was saved. */
static attack recompute(double after[GROUPS], const char *arm, bool removed) {
    attack a = {.best = INFINITY};
    for (int i = 0; i < 3; i++) {
        gr_bundle *f = load(arm, removed);
        a.model = f->model;
        tune(&a, STEPS, rates[i], true);
        gr_bundle_free(f);
    }
    gr_bundle *f = load(arm, removed);
    a.model = f->model;
    tune(&a, a.best_step, a.best_lr, false);
    measure(after, f->model, NULL, project->data->test, project->data->test_count);
    gr_bundle_free(f);
    return a;
}

/* ---- comparisons ---- */

static double number(const json_t *of, const char *key) {
    const json_t *value = json_object_get(of, key);
    if (!json_is_number(value))
        fail_msg("%s is no number", key);
    return json_number_value(value);
}

static void near(const json_t *of, const char *key, double want) {
    double got = number(of, key);
    if (!(fabs(got - want) <= 2e-5 * fmax(1, fabs(want))))
        fail_msg("%s is %.9g, computed plainly %.9g", key, got, want);
}

static void near_group(const json_t *of, const double loss[GROUPS], const char *suffix) {
    static const char *const names[] = {"forget", "adjacent", "retain"};
    char key[40];
    for (int g = 0; g < GROUPS; g++) {
        snprintf(key, sizeof key, "%s%s", names[g], suffix);
        near(of, key, loss[g]);
    }
}

static const json_t *model_of(const char *name) { return json_object_get(json_object_get(result, "models"), name); }

static double specific(const double off[GROUPS], const double plain[GROUPS], const double filter[GROUPS]) {
    return ((off[FORGET] - plain[FORGET]) - (off[RETAIN] - plain[RETAIN])) /
           ((filter[FORGET] - plain[FORGET]) - (filter[RETAIN] - plain[RETAIN]));
}

/* ---- the tests ---- */

static double on[GROUPS], off[GROUPS], plain[GROUPS], filtered[GROUPS]; /* computed by losses, used by the others */

static void losses(void **state) {
    (void)state;
    const gr_dataset *data = project->data;
    gr_error err = {0};
    gr_tables *profile;
    gr_bundle *f = load("routed", false);
    gr_test_ok(gr_profile_new(&profile, f->model, (const char *[]){"animals"}, 1, &err), &err);
    measure(on, f->model, NULL, data->test, data->test_count);
    measure(off, f->model, profile, data->test, data->test_count);
    gr_tables_free(profile);
    gr_bundle_free(f);
    near_group(model_of("routed"), on, "");
    near_group(model_of("routed_off"), off, "");

    f = load("plain", false);
    measure(plain, f->model, NULL, data->test, data->test_count);
    gr_bundle_free(f);
    near_group(model_of("plain"), plain, "");
    f = load("filtered", false);
    measure(filtered, f->model, NULL, data->test, data->test_count);
    gr_bundle_free(f);
    near_group(model_of("filtered"), filtered, "");

    /* Groups that differ, or an exchange could not be seen. */
    assert_true(fabs(on[ADJACENT] - on[RETAIN]) > 1e-3 && fabs(on[FORGET] - off[FORGET]) > 0.01);
}

static void figures(void **state) {
    (void)state;
    near(result, "specific_removal", specific(off, plain, filtered));
    near(result, "specific_gap", (filtered[FORGET] - plain[FORGET]) - (filtered[RETAIN] - plain[RETAIN]));
    near(result, "general_gap", filtered[RETAIN] - plain[RETAIN]);
    near(result, "removal", (off[FORGET] - plain[FORGET]) / (filtered[FORGET] - plain[FORGET]));
    near(result, "retention", (filtered[FORGET] - on[FORGET]) / (filtered[FORGET] - plain[FORGET]));
    near(result, "tax_off", off[RETAIN] - filtered[RETAIN]);
    near(result, "tax_on", on[RETAIN] - plain[RETAIN]);
    near(result, "tax_off_adjacent", off[ADJACENT] - filtered[ADJACENT]);
    near(result, "tax_on_adjacent", on[ADJACENT] - plain[ADJACENT]);
    assert_true(json_is_false(json_object_get(result, "known_labels_only")));
    const char *verdict = json_string_value(json_object_get(result, "verdict"));
    assert_non_null(strstr(verdict, "specific removal"));
    assert_null(strstr(verdict, "nothing"));
}

/* The removed model is what is attacked, at each rate from where it was, and what is told is the loss of the test where
 * that of the validation is lowest. */
static void relearning(void **state) {
    (void)state;
    double after_off[GROUPS], after_plain[GROUPS], after_filtered[GROUPS];
    attack best = recompute(after_off, "routed", true);
    recompute(after_plain, "plain", false);
    recompute(after_filtered, "filtered", false);
    const json_t *at = json_object_get(model_of("routed_off"), "relearned_at");
    near(at, "validation", best.best);
    near(at, "lr", best.best_lr);
    near(at, "step", best.best_step);
    near(model_of("routed_off"), "forget_relearned", after_off[FORGET]);
    near(model_of("routed_off"), "retain_relearned", after_off[RETAIN]);
    near(model_of("plain"), "forget_relearned", after_plain[FORGET]);
    near(model_of("filtered"), "forget_relearned", after_filtered[FORGET]);
    near(result, "removal_relearned",
         (after_off[FORGET] - after_plain[FORGET]) / (after_filtered[FORGET] - after_plain[FORGET]));
    after_off[RETAIN] = off[RETAIN], after_plain[RETAIN] = plain[RETAIN], after_filtered[RETAIN] = filtered[RETAIN];
    near(result, "specific_removal_relearned", specific(after_off, after_plain, after_filtered));

    /* The second rate serves best: that it starts anew, and that the last one is not taken, can be told. */
    assert_true(best.best_lr == rates[1] && best.best_step == STEPS);
    assert_true(fabs(after_off[FORGET] - off[FORGET]) > 0.01);
}

static json_t *audit(const char *in, const char *const *sets, int count) {
    gr_error err = {0};
    json_t *parsed;
    char *text = NULL;
    gr_test_ok(lab_audit(&text, in, gr_test_path("recipe.yaml"), sets, count, NULL, &err), &err);
    gr_test_ok(gr_json_parse(&parsed, (unsigned char *)text, strlen(text), "result", &err), &err);
    gr_free(text);
    return parsed;
}

static struct timespec changed(const char *file) {
    struct stat info;
    char *path = gr_format("%s/%s", folder, file);
    assert_int_equal(stat(path, &info), 0);
    gr_free(path);
    return info.st_mtim;
}

/* A placebo added to an audit that is done: the others are as they were, and its region, which learned documents drawn
 * at random, took nothing of the topic along. */
static void placebo(void **state) {
    (void)state;
    struct timespec routed = changed("routed/cell.json"), filter = changed("filtered/model/manifest.json");
    json_t *made = audit(folder, (const char *[]){"train.steps=100", "twins=[plain, filtered, placebo]"}, 2);
    struct timespec then = changed("routed/cell.json"), after = changed("filtered/model/manifest.json");
    assert_memory_equal(&routed, &then, sizeof then);
    assert_memory_equal(&filter, &after, sizeof after);
    const json_t *models = json_object_get(made, "models");
    assert_true(json_equal(json_object_get(models, "routed"), model_of("routed")));

    /* Its losses by the real groups, and the figure of them. */
    gr_error err = {0};
    gr_tables *profile;
    gr_bundle *f = load("placebo", false);
    double loss[GROUPS];
    gr_test_ok(gr_profile_new(&profile, f->model, (const char *[]){"animals"}, 1, &err), &err);
    measure(loss, f->model, profile, project->data->test, project->data->test_count);
    near_group(json_object_get(models, "placebo_off"), loss, "");
    near(made, "specific_removal_placebo", specific(loss, plain, filtered));
    near(made, "specific_removal", specific(off, plain, filtered));
    assert_true(fabs(number(made, "specific_removal_placebo")) < 0.2 && number(made, "specific_removal") > 0.6);
    assert_non_null(strstr(json_string_value(json_object_get(made, "verdict")), "of a placebo"));
    assert_int_equal(json_array_size(json_object_get(made, "suggested")), 0);
    assert_int_equal(json_array_size(json_object_get(result, "suggested")), 2);
    gr_tables_free(profile);
    gr_bundle_free(f);
    json_decref(made);
}

/* Topics drawn at random: the filter is a smaller network that read less, and that is all. */
static void topics_at_random(void **state) {
    (void)state;
    lab_write_topics("random.jsonl", true);
    char *corpus = gr_format("data.jsonl=%s", gr_test_path("random.jsonl"));
    json_t *made = audit(gr_test_path("random"), (const char *[]){corpus, "train.steps=100"}, 2);
    assert_true(json_is_null(json_object_get(made, "specific_removal")));
    assert_true(json_is_null(json_object_get(made, "specific_removal_relearned")));
    assert_null(json_object_get(json_object_get(made, "intervals"), "specific_removal"));
    assert_non_null(strstr(json_string_value(json_object_get(made, "verdict")), "nothing specific to remove"));
    assert_true(fabs(number(made, "specific_gap")) < 0.15);
    json_decref(made);
    gr_free(corpus);
}

static int setup(void **state) {
    int status = gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    folder = gr_strdup(gr_test_path("audit"));
    project = lab_open((const char *[]){"train.steps=100"}, 1);
    result = audit(folder, (const char *[]){"train.steps=100"}, 1);
    return status;
}

static int teardown(void **state) {
    json_decref(result);
    lab_close(project);
    gr_free(folder);
    return gr_test_files_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses),  cmocka_unit_test(figures),          cmocka_unit_test(relearning),
        cmocka_unit_test(placebo), cmocka_unit_test(topics_at_random),
    };
    return cmocka_run_group_tests_name("audit", tests, setup, teardown);
}
