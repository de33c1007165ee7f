/* Diagnostics: they change no bit of a training, repeat, resume, and are the figures they say. */
#include <jansson.h>

#include "base/log.h"
#include "train/diagnose.h"
#include "train_helpers.h"

enum { SAMPLE_ROWS = 4, PROBE_ROWS = 8, MOST = 512, PROBE_KEY = 1 << 16, SEED = 77 };

/* The label is called as its region: "group" of the test network. Held out is what is trained on, too. */
static setting *diagnosed(world *w, int64_t every, int64_t probe) {
    setting *s = setting_new(w);
    s->def.diagnostics = (gr_diagnostics_def){every, probe, &w->data, SEED};
    return s;
}

static outcome run_with(world *w, int64_t every, int64_t probe) {
    setting *s = diagnosed(w, every, probe);
    char *folder = gr_test_folder();
    outcome o = run_in(s, folder, GR_OK);
    gr_test_folder_remove(folder);
    setting_free(s);
    return o;
}

/* A line without what diagnostics add: nothing else differs. */
static void strip(char *text) {
    char *to = text;
    for (char *from = text; *from;) {
        if (!strncmp(from, ", \"gradient\"", 12) || !strncmp(from, ", \"probe\"", 9))
            from += strcspn(from, "\n");
        *to++ = *from++;
    }
    *to = 0;
}

static void test_changes_nothing(void **state) {
    outcome off = run_with(*state, 0, 0), on = run_with(*state, 1, 1), rare = run_with(*state, 3, 5);
    assert_true(bits_equal(&off.state, &on.state));
    assert_true(bits_equal(&off.state, &rare.state));
    assert_non_null(strstr(on.metrics, "\"group hidden\""));
    assert_null(strstr(off.metrics, "\"probe\""));
    strip(on.metrics);
    strip(rare.metrics);
    assert_string_equal(on.metrics, off.metrics);
    assert_string_equal(rare.metrics, off.metrics);
    outcome_free(&off);
    outcome_free(&on);
    outcome_free(&rare);
}

static void test_repeats(void **state) {
    outcome a = run_with(*state, 2, 3), b = run_with(*state, 2, 3);
    assert_string_equal(a.metrics, b.metrics);
    int gradients = 0, probes = 0;
    for (const char *c = a.metrics; *c; c++) {
        gradients += !strncmp(c, "\"gradient\"", 10);
        probes += !strncmp(c, "\"probe\"", 7);
    }
    assert_int_equal(gradients, STEPS / 2);
    assert_int_equal(probes, STEPS / 3);
    outcome_free(&a);
    outcome_free(&b);
}

/* The last step is measured whatever the interval. */
static void test_last_step(void **state) {
    outcome a = run_with(*state, 1000, 1000);
    const char *last = strstr(a.metrics, "{\"step\": 12,");
    assert_non_null(last);
    assert_ptr_equal(strstr(a.metrics, "\"gradient\""), strstr(last, "\"gradient\""));
    assert_non_null(strstr(last, "\"probe\""));
    outcome_free(&a);
}

typedef struct stopper {
    volatile sig_atomic_t stop;
    int64_t at;
} stopper;

static void stop_at(void *user, const gr_progress *p) {
    stopper *s = user;
    s->stop = p->step == s->at;
}

static void test_resumes(void **state) {
    outcome whole = run_with(*state, 2, 3);
    for (int64_t at = 2; at < STEPS; at += 3) {
        stopper k = {.at = at};
        char *folder = gr_test_folder();
        for (int session = 0; session < 2; session++) {
            setting *s = diagnosed(*state, 2, 3);
            s->def.progress = stop_at, s->def.user = &k, s->def.stop = &k.stop;
            s->def.resume = session > 0;
            k.at = session ? -1 : at;
            outcome part = run_in(s, folder, session ? GR_OK : GR_ERR_INTERRUPTED);
            if (session) {
                assert_string_equal(whole.metrics, part.metrics);
                assert_true(bits_equal(&whole.state, &part.state));
            }
            outcome_free(&part);
            setting_free(s);
        }
        gr_test_folder_remove(folder);
    }
    outcome_free(&whole);
}

static void test_no_allocation(void **state) {
    char *folder = gr_test_folder();
    setting *s = diagnosed(*state, 1, 1);
    gr_error err = {0};
    gr_trainer *t;
    s->def.folder = folder, s->def.micro = 8;
    gr_test_ok(gr_trainer_new(&t, &s->def, &err), &err);
    gr_test_ok(gr_trainer_step(t, &err), &err);
    uint64_t before = gr_alloc_count();
    for (int step = 1; step < STEPS; step++)
        gr_test_ok(gr_trainer_step(t, &err), &err);
    assert_int_equal(gr_alloc_count() - before, 0);
    gr_trainer_free(t);
    setting_free(s);
    gr_test_folder_remove(folder);
}

/* ---- the figures ---- */

typedef struct trained {
    setting *s;
    gr_trainer *trainer;
    char *folder;
    json_t *line; /* the last of the metrics */
} trained;

static trained train_for(world *w, int steps, gr_optim_kind kind) {
    trained t = {.s = diagnosed(w, 1, 1), .folder = gr_test_folder()};
    gr_error err = {0};
    t.s->def.optim.kind = kind;
    t.s->def.folder = t.folder;
    gr_test_ok(gr_trainer_new(&t.trainer, &t.s->def, &err), &err);
    for (int i = 0; i < steps; i++)
        gr_test_ok(gr_trainer_step(t.trainer, &err), &err);
    char *path = gr_format("%s/metrics.jsonl", t.folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (int i = 0; i < steps; i++) {
        json_decref(t.line);
        t.line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL);
        assert_non_null(t.line);
    }
    fclose(file);
    gr_free(path);
    return t;
}

static void trained_free(trained *t) {
    json_decref(t->line);
    gr_trainer_free(t->trainer);
    setting_free(t->s);
    gr_test_folder_remove(t->folder);
}

static double number(const json_t *line, const char *a, const char *b, const char *c) {
    json_t *value = json_object_get(line, a);
    value = b ? json_object_get(value, b) : value;
    value = c ? json_object_get(value, c) : value;
    if (!json_is_number(value))
        fail_msg("no number %s %s %s", a, b ? b : "", c ? c : "");
    return json_number_value(value);
}

static bool inside(gr_rect p, int param, int row, int col) {
    return p.param == param && row >= p.lo0 && row < p.hi0 && col >= p.lo1 && col < p.hi1;
}

static int owner_of(const gr_model *model, int param, int row, int col) {
    for (int r = 0; r < gr_model_regions(model); r++)
        for (int i = 0; i < gr_model_region(model, r)->rects; i++)
            if (inside(gr_model_region(model, r)->rect[i], param, row, col))
                return 1 + r;
    return 0;
}

static int64_t steps_open(gr_optim *optim, const gr_tables *tables, int param, int row, int col) {
    for (int s = 0; s < gr_tables_slices(tables); s++)
        if (inside(gr_tables_slice(tables, s), param, row, col))
            return gr_optim_slice_steps(optim, s);
    return 0;
}

/* [3] sums of squares number by number, of the gradient and of what it moves by AdamW's scales. */
static void norms_slowly(double *gradient, double *update, gr_run *run, const trained *t) {
    gr_model *model = t->s->model;
    gr_optim *optim = gr_trainer_optim(t->trainer);
    double lr = gr_optim_lr(optim);
    for (int o = 0; o < 3; o++)
        gradient[o] = update[o] = 0;
    for (int p = 0; p < gr_model_params(model); p++) {
        const gr_param_def *def = gr_model_param(model, p);
        for (int i = 0; i < def->rows; i++)
            for (int j = 0; j < def->cols; j++) {
                int o = owner_of(model, p, i, j), at = i * def->cols + j;
                double g = (double)gr_run_gradient(run, p)[at], v = (double)gr_optim_moment(optim, 1, p)[at];
                int64_t open = steps_open(optim, gr_router_tables(t->s->router), p, i, j);
                gradient[o] += g * g;
                double u = open ? lr * g / (sqrt(v / (1 - pow(0.95, (double)open))) + 1e-8) : 0;
                update[o] += u * u;
            }
    }
}

static bool of_kind(const gr_labels *labels, uint32_t doc, int which) {
    return labels->truth[doc] == which / 2 && (labels->revealed[doc] != which / 2) == (which % 2 == 1);
}

static bool near(double a, double b) { return fabs(a - b) <= 1e-4 * fmax(fabs(a), fabs(b)) + 1e-9; }

static void test_gradients(void **state) {
    world *w = *state;
    enum { AT = 5 };
    static const char *const kinds[] = {"core", "group", "group hidden"}, *const owners[] = {"core", "group",
                                                                                             "claimed"};
    static const int which[] = {0, 2, 3};
    trained t = train_for(w, AT, GR_OPTIM_ADAMW);
    gr_run *run;
    gr_error err = {0};
    gr_run_def def = {.positions = 2 * SAMPLE_ROWS * WIDTH, .train = true};
    gr_test_ok(gr_run_new(&run, t.s->model, gr_router_tables(t.s->router), &def, &err), &err);
    gr__assembly *a = gr__assembly_new(SAMPLE_ROWS, WIDTH, 2 * SAMPLE_ROWS, t.s->router);
    for (int k = 0; k < 3; k++) {
        gr_scan *scan;
        gr_rows rows;
        int batches;
        gr_test_ok(gr__sample_new(&scan, &batches, &w->data, w->labels, w->train, DOCS, of_kind, which[k], MOST, SEED,
                                  (uint32_t)which[k], SAMPLE_ROWS, WIDTH, &err),
                   &err);
        gr__sample_at(scan, AT % batches, &rows);
        for (int i = 0; i < rows.sequences * WIDTH; i++)
            assert_true(rows.doc[i] < 0 || of_kind(w->labels, (uint32_t)rows.doc[i], which[k]));
        gr__assembly_fill(a, &rows, AT);
        gr_run_zero(run);
        for (int i = 0; i < gr__assembly_batches(a); i++) {
            gr_batch batch = gr__assembly_batch(a, i);
            gr_run_forward(run, &batch);
            gr_run_backward(run);
        }
        gr_run_reduce(run);
        double gradient[3], update[3];
        norms_slowly(gradient, update, run, &t);
        for (int o = 0; o < 3; o++) {
            assert_true(near(number(t.line, "gradient", kinds[k], owners[o]), sqrt(gradient[o])));
            assert_true(near(number(t.line, "update", kinds[k], owners[o]), sqrt(update[o])));
        }
        if (k) {
            double in = number(t.line, "absorption", kinds[k], NULL);
            assert_true(near(in, gradient[1] / (gradient[0] + gradient[1] + gradient[2])));
            assert_true(k == 1 ? in == 1 : in < 1); /* labelled rows train their region alone */
        }
        assert_true(gradient[k == 1 ? 1 : 0] > 0);
        gr_scan_free(scan);
    }
    gr__assembly_free(a);
    gr_run_free(run);
    trained_free(&t);
}

/* Without moments a gradient moves by the rate alone. */
static void test_sgd(void **state) {
    static const char *const kinds[] = {"core", "group", "group hidden"}, *const owners[] = {"core", "group",
                                                                                             "claimed"};
    trained t = train_for(*state, 3, GR_OPTIM_SGD);
    double lr = gr_optim_lr(gr_trainer_optim(t.trainer));
    for (int k = 0; k < 3; k++)
        for (int o = 0; o < 3; o++)
            assert_true(near(number(t.line, "update", kinds[k], owners[o]),
                             lr * number(t.line, "gradient", kinds[k], owners[o])));
    assert_true(number(t.line, "update", "core", "core") > 0);
    trained_free(&t);
}

static bool of_group(const gr_labels *labels, uint32_t doc, int which) { return labels->group[doc] == which; }

/* Loss of the documents that the first batch holds, each read by itself. */
static double loss_slowly(world *w, gr_model *model, gr_scan *scan, const char *off) {
    double nll[DOCS], sum = 0, targets = 0;
    int32_t tokens[DOCS];
    gr_tables *tables = gr_tables_new(model, 1);
    gr_evaluator *e;
    gr_error err = {0};
    gr_rows rows;
    if (off)
        gr_tables_gate(tables, gr_model_find_region(model, off), (double[]){0});
    gr_tables_finish(tables);
    gr_test_ok(gr_evaluator_new(&e, model, tables, PROBE_ROWS, WIDTH, &err), &err);
    gr_evaluate(e, scan, nll, tokens, DOCS);
    gr__sample_at(scan, 0, &rows);
    bool seen[DOCS] = {false};
    for (int i = 0; i < rows.sequences * WIDTH; i++) {
        int d = rows.doc[i];
        if (d < 0 || seen[d])
            continue;
        seen[d] = true;
        sum += nll[d];
        targets += tokens[d];
    }
    gr_evaluator_free(e);
    gr_tables_free(tables);
    return sum / targets;
}

static void test_probe(void **state) {
    world *w = *state;
    static const char *const groups[] = {"group", "retain"}, *const regions[] = {"group", "claimed"};
    trained t = train_for(w, 4, GR_OPTIM_ADAMW);
    json_t *probe = json_object_get(t.line, "probe");
    for (int g = 0; g < 2; g++) {
        gr_scan *scan;
        int batches;
        gr_error err = {0};
        gr_test_ok(gr__sample_new(&scan, &batches, &w->data, w->labels, w->train, DOCS, of_group, g, MOST, SEED,
                                  (uint32_t)(PROBE_KEY + g), PROBE_ROWS, WIDTH, &err),
                   &err);
        double on = loss_slowly(w, t.s->model, scan, NULL);
        assert_true(near(number(probe, "on", groups[g], NULL), on));
        for (int r = 0; r < 2; r++) {
            double off = loss_slowly(w, t.s->model, scan, regions[r]);
            assert_true(near(number(probe, "off", regions[r], groups[g]), off));
            assert_true(!near(on, off));
        }
        gr_scan_free(scan);
    }
    trained_free(&t);
}

/* A sample is the same whenever it is asked for, and never more than is wanted. */
static void test_samples(void **state) {
    world *w = *state;
    gr_scan *scan;
    gr_rows rows;
    int batches;
    gr_error err = {0};
    gr_test_ok(
        gr__sample_new(&scan, &batches, &w->data, w->labels, w->train, DOCS, of_kind, 0, 50, SEED, 0, 2, WIDTH, &err),
        &err);
    int32_t first[2 * WIDTH];
    int docs = 0;
    assert_true(batches > 1);
    for (int b = 0; b < batches; b++) {
        gr__sample_at(scan, b, &rows);
        for (int i = 0; i < rows.sequences * WIDTH; i++)
            docs += rows.doc[i] >= 0 && (i % WIDTH == 0 || rows.doc[i] != rows.doc[i - 1]);
        if (!b)
            memcpy(first, rows.ids, sizeof first);
    }
    assert_int_equal(docs, 50);
    gr__sample_at(scan, 0, &rows);
    assert_memory_equal(first, rows.ids, sizeof first);
    gr_scan_free(scan);
    gr_test_ok(
        gr__sample_new(&scan, &batches, &w->data, w->labels, w->train, DOCS, of_kind, 9, 50, SEED, 0, 2, WIDTH, &err),
        &err);
    assert_null(scan);
    assert_int_equal(batches, 0);
}

static void test_warnings(void **state) {
    (void)state;
    char text[160] = "";
    assert_false(gr__diagnosis_judge(text, sizeof text, "bio", 1.5, 0.1, 0.5));
    assert_false(gr__diagnosis_judge(text, sizeof text, "bio", 0, 0.1, 0.1)); /* too early to tell */
    assert_false(gr__diagnosis_judge(text, sizeof text, "bio", NAN, NAN, 1));
    assert_true(gr__diagnosis_judge(text, sizeof text, "bio", 1.5, 7, 0.01));
    assert_string_equal(text, "without region bio retain text costs 7.00 nats a token more");
    assert_true(gr__diagnosis_judge(text, sizeof text, "bio", 0.01, 0, 0.3));
    assert_string_equal(text, "without region bio its topic costs only 0.010 nats a token more than other text");
    assert_true(gr__diagnosis_judge(text, sizeof text, "bio", 0.4, 0.39, 0.3));
    assert_string_equal(text, "without region bio its topic costs only 0.010 nats a token more than other text");
    assert_false(gr__diagnosis_judge(text, sizeof text, "bio", 0.1, -0.3, 0.3));
}

typedef struct listener {
    int warnings, figures;
} listener;

static void listen(void *user, const gr_progress *p) {
    listener *l = user;
    l->warnings += p->warning != NULL;
    l->figures += isfinite(p->absorption) && isfinite(p->off_forget) && isfinite(p->off_retain);
}

/* Nothing is learned at a rate of 0, so the region makes no difference, and the caller is told once. */
static void test_progress(void **state) {
    setting *s = diagnosed(*state, 4, 4);
    listener l = {0};
    gr_error err = {0};
    s->def.optim.lr = 0;
    s->def.progress = listen, s->def.user = &l;
    for (gr_param p = 0; p < gr_model_params(s->model); p++) { /* without a word: on and off are the same */
        const gr_param_def *def = gr_model_param(s->model, p);
        if (!strncmp(def->name, "group.", 6))
            memset(gr_model_data(s->model, p), 0, (size_t)(def->rows * def->cols) * sizeof(gr_real));
    }
    gr_test_ok(gr_train(&s->def, &err), &err);
    assert_int_equal(l.figures, STEPS - 3);
    assert_int_equal(l.warnings, 1);
    setting_free(s);
}

static int set_up(void **state) {
    gr_log_level(0); /* of warnings, which these short runs deserve */
    world *w = world_new();
    gr_error err = {0};
    const gr_label_def label = {
        .name = "group", .from = {{"is", .texts = (const char *[]){"animal"}, .count = 1}}, .known = 0.8};
    gr_labels_free(w->labels);
    gr_test_ok(gr_labels_new(&w->labels, &w->data.topics, &label, 1, NULL, 0, 1, &err), &err);
    w->data.validation = w->train;
    w->data.validation_count = DOCS;
    *state = w;
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_nothing), cmocka_unit_test(test_repeats),       cmocka_unit_test(test_last_step),
        cmocka_unit_test(test_resumes),         cmocka_unit_test(test_no_allocation), cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_probe),           cmocka_unit_test(test_samples),       cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_progress),        cmocka_unit_test(test_sgd),
    };
    return cmocka_run_group_tests(tests, set_up, world_tear_down);
}
