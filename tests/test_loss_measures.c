/* Measures whose rows are losses: over the shared vocabulary, and with a calibrated output bias. The network knows
 * nothing but its output bias, so that every number follows from counts of tokens. */
#include <math.h>

#include "io/yaml.h"
#include "lab_helpers.h"
#include "method/training.h"

enum { FORGET, ADJACENT, RETAIN, GROUPS };
static const char *const names[GROUPS] = {"forget", "adjacent", "retain"};

static gr_project *project;
static gr_registry *registry;
static gr_arch_def *def;
static gr_model *model;
static gr_groups groups;
static gr_real *bias; /* [vocab] the model's own */

static int group_of(uint32_t doc) {
    const gr_labels *l = project->labels;
    return l->truth[doc] > 0 ? FORGET : l->group[doc] == l->group_count - 1 ? RETAIN : ADJACENT;
}

static size_t pick(uint32_t **out, const uint32_t *docs, size_t count, int group) {
    size_t n = 0;
    *out = gr_alloc((count + 1) * sizeof **out);
    for (size_t i = 0; i < count; i++)
        if (group_of(docs[i]) == group)
            (*out)[n++] = docs[i];
    return n;
}

/* All parameters 0 but the bias of the logits: what is predicted is the same at every position. */
static int setup(void **state) {
    static const char *const sets[] = {"labels.animals.known=0.5", "model.logit_bias=true", "data.test=0.2",
                                       "data.validation=0.2"};
    gr_error err = {0};
    gr_settings *settings;
    gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    project = lab_open(sets, 4);
    registry = gr_registry_new();
    gr_test_ok(gr__train_settings(&settings, "{routes: none, regions: out}", &err), &err);
    gr_test_ok(gr__train_network(&def, &model, project, settings, &err), &err);
    gr_settings_free(settings);
    for (int p = 0; p < gr_model_params(model); p++) {
        const gr_param_def *d = gr_model_param(model, p);
        memset(gr_model_data(model, p), 0, (size_t)d->rows * (size_t)d->cols * sizeof(gr_real));
    }
    bias = gr_model_data(model, gr_model_find(model, "unembed.bias"));
    for (int v = 0; v < project->data->vocab; v++)
        bias[v] = (gr_real)0.25 * (gr_real)(v % 5);

    const gr_dataset *data = project->data;
    groups.count = GROUPS;
    for (int g = 0; g < GROUPS; g++) {
        uint32_t *test, *validation;
        size_t tests = pick(&test, data->test, data->test_count, g);
        size_t validations = pick(&validation, data->validation, data->validation_count, g);
        groups.group[g] = (gr_group){names[g], test, validation, tests, validations};
    }
    return 0;
}

static int teardown(void **state) {
    for (int g = 0; g < GROUPS; g++) {
        gr_free((void *)groups.group[g].test);
        gr_free((void *)groups.group[g].validation);
    }
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
                        .groups = &groups,
                        .units = GR_UNITS_DOCUMENTS,
                        .seed = project->recipe->split_seed};
}

static gr_status take(gr_ledger *rows, const char *name, const gr_subject *s, const char *options, gr_error *err) {
    const gr_measure *measure = gr_registry_measure(registry, name);
    gr_settings *settings;
    gr_yaml *root;
    gr_test_ok(gr_yaml_parse(&root, options, strlen(options), "text", err), err);
    if (measure->option)
        gr_test_ok(gr_settings_read(&settings, measure->option, NULL, root, err), err);
    else
        settings = NULL;
    gr_status status = measure->run(rows, s, settings, err);
    gr_settings_free(settings);
    gr_yaml_free(root);
    return status;
}

static gr_ledger *taken(const char *name, const char *options) {
    gr_error err = {0};
    gr_ledger *rows = gr_ledger_new();
    gr_subject s = subject();
    gr_test_ok(take(rows, name, &s, options, &err), &err);
    return rows;
}

static double of(const gr_ledger *rows, const char *row, const char *group, const char *key) {
    const char *const where[][2] = {{"group", group}, {NULL, NULL}};
    return gr_entry_number(gr_ledger_find(rows, row, where), key);
}

/* Targets by token of those of docs[count] that are of a group, each counting `weight`: every token of a document, and
 * its end. Returns how many there are. */
static double count(double *times, const uint32_t *docs, size_t n, int group, double weight) {
    const gr_dataset *data = project->data;
    double all = 0;
    for (size_t i = 0; i < n; i++) {
        if (group_of(docs[i]) != group)
            continue;
        for (uint64_t t = data->offsets[docs[i]]; t < data->offsets[docs[i] + 1]; t++, all++)
            times[data->ids[t]] += weight;
        times[data->eot] += weight;
        all++;
    }
    return all;
}

/* -log of the share that a token has under a bias. */
static double nll_of(const double *b, int32_t token) {
    double sum = 0;
    for (int v = 0; v < project->data->vocab; v++)
        sum += exp(b[v]);
    return log(sum) - b[token];
}

static double *doubles(void) { return gr_alloc((size_t)project->data->vocab * sizeof(double)); }

/* ---- what is chosen on ---- */

/* Of validation: its documents and no other are in the rows, and the pass over the test is left to other measures. */
static void losses_are_of_either_split(void **state) {
    (void)state;
    const gr_dataset *data = project->data;
    gr_error err = {0};
    gr_subject s = subject();
    s.pass = gr_pass_new();
    gr_ledger *rows = gr_ledger_new(), *test = gr_ledger_new();
    gr_test_ok(take(rows, "loss", &s, "{split: validation}", &err), &err);
    gr_test_ok(take(test, "loss", &s, "{}", &err), &err);

    /* Each by its tokens alone. */
    for (int g = 0; g < GROUPS; g++) {
        double *times = doubles(), *own = doubles(), nll = 0;
        double tokens = count(times, data->validation, data->validation_count, g, 1);
        for (int v = 0; v < data->vocab; v++)
            own[v] = (double)bias[v];
        for (int v = 0; v < data->vocab; v++)
            nll += times[v] * nll_of(own, v);
        assert_true(tokens > 0 && of(rows, "loss", names[g], "tokens") == tokens);
        assert_true(fabs(of(rows, "loss", names[g], "nll") - nll) < 1e-4 * nll);
        assert_true(of(test, "loss", names[g], "nll") != of(rows, "loss", names[g], "nll"));
        gr_free(times);
        gr_free(own);
    }
    gr_ledger_free(rows);
    gr_ledger_free(test);
    gr_pass_free(s.pass);
}

/* ---- the shared vocabulary ---- */

/* Tokens of at least a hundredth of retain text: those alone count, in every group. */
static void rare_tokens_do_not_count(void **state) {
    (void)state;
    const gr_dataset *data = project->data;
    double *retain = doubles(), *own = doubles();
    gr_ledger *rows = taken("shared", "{least: 0.01}");
    double all = count(retain, data->train, data->train_count, RETAIN, 1), vocabulary = 0;
    for (int v = 0; v < data->vocab; v++) {
        own[v] = (double)bias[v];
        vocabulary += retain[v] / all >= 0.01;
    }
    assert_true(vocabulary > 3 && vocabulary < data->vocab / 2);

    for (int g = 0; g < GROUPS; g++) {
        double *times = doubles(), nll = 0, tokens = 0;
        double whole = count(times, data->test, data->test_count, g, 1);
        for (int v = 0; v < data->vocab; v++) {
            bool counts = retain[v] / all >= 0.01;
            nll += counts ? times[v] * nll_of(own, v) : 0;
            tokens += counts ? times[v] : 0;
        }
        assert_true(tokens > 0 && tokens < whole);
        assert_true(of(rows, "shared", names[g], "tokens") == tokens);
        assert_true(fabs(of(rows, "shared", names[g], "nll") / nll - 1) < 1e-5);
        assert_true(of(rows, "shared", names[g], "vocabulary") == vocabulary);
        gr_free(times);
    }
    gr_free(retain);
    gr_free(own);
    gr_ledger_free(rows);
}

/* Where every token of the test is common the losses are those of the measure of all tokens, to the last bit. */
static void where_all_are_common_it_is_the_loss(void **state) {
    (void)state;
    gr_error err = {0};
    gr_subject s = subject();
    gr_ledger *shared = taken("shared", "{least: 1.0e-300}"), *loss = gr_ledger_new();
    s.pass = gr_pass_new();
    gr_test_ok(take(loss, "loss", &s, "{}", &err), &err);
    gr_pass_free(s.pass);
    for (int g = 0; g < GROUPS; g++) {
        double tokens = of(loss, "loss", names[g], "tokens"), common = of(shared, "shared", names[g], "tokens");
        assert_true(common <= tokens && common > 0.8 * tokens);
        if (common == tokens)
            assert_true(of(loss, "loss", names[g], "nll") == of(shared, "shared", names[g], "nll"));
    }
    assert_true(of(loss, "loss", "retain", "tokens") == of(shared, "shared", "retain", "tokens"));
    gr_ledger_free(shared);
    gr_ledger_free(loss);
}

static void without_retain_text_nothing_is_shared(void **state) {
    (void)state;
    gr_error err = {0};
    gr_dataset none = *project->data;
    gr_subject s = subject();
    gr_ledger *rows = gr_ledger_new();
    none.train_count = 0;
    s.data = &none;
    assert_int_equal(take(rows, "shared", &s, "{}", &err), GR_ERR_USAGE);
    assert_int_equal(gr_ledger_size(rows), 0);
    gr_ledger_free(rows);
}

/* ---- the calibrated bias ---- */

/* The network says q of every token, everywhere; fitted it says (seen / N + prior q) / (1 + prior), the weights of what
 * was seen being such that forget, adjacent and retain text have 1, 1 and 2 quarters of it. */
static void what_is_said_at_every_position_becomes_what_was_seen(void **state) {
    (void)state;
    const gr_dataset *data = project->data;
    static const double share[GROUPS] = {0.25, 0.25, 0.5};
    double *seen = doubles(), *unused = doubles(), *own = doubles(), there[GROUPS], all = 0;
    for (int v = 0; v < data->vocab; v++)
        own[v] = (double)bias[v];
    for (int g = 0; g < GROUPS; g++)
        all += there[g] = count(unused, data->validation, data->validation_count, g, 1);
    for (int g = 0; g < GROUPS; g++)
        count(seen, data->validation, data->validation_count, g, share[g] * all / there[g]);

    gr_ledger *rows = taken("calibrated", "{tokens: 1M, prior: 0.5}");
    for (int g = 0; g < GROUPS; g++) {
        double *times = doubles(), nll = 0, tokens = count(times, data->test, data->test_count, g, 1);
        for (int v = 0; v < data->vocab; v++)
            nll += times[v] * -log((seen[v] / all + 0.5 * exp(-nll_of(own, v))) / 1.5);
        assert_true(of(rows, "calibrated", names[g], "tokens") == tokens);
        assert_true(fabs(of(rows, "calibrated", names[g], "nll") / nll - 1) < 1e-4);
        assert_true(of(rows, "calibrated", names[g], "gained") > 0.5);
        gr_free(times);
    }
    gr_free(seen);
    gr_free(own);
    gr_free(unused);
    gr_ledger_free(rows);
}

/* What a model lost by a shifted bias alone is given back, all but what the prior holds. And the model stays as it is.
 */
static void a_shifted_bias_is_no_loss(void **state) {
    (void)state;
    size_t size = (size_t)project->data->vocab * sizeof *bias;
    gr_ledger *before = taken("calibrated", "{tokens: 1M}"), *plain = gr_ledger_new(), *lost = gr_ledger_new();
    gr_error err = {0};
    gr_subject s = subject();
    s.pass = gr_pass_new();
    gr_test_ok(take(plain, "loss", &s, "{}", &err), &err);
    gr_pass_free(s.pass);
    gr_real *own = gr_alloc(size);
    memcpy(own, bias, size);
    for (int v = 0; v < project->data->vocab; v++)
        bias[v] += v % 3 ? 0 : -4;
    gr_real *shifted = gr_alloc(size);
    memcpy(shifted, bias, size);
    gr_ledger *after = taken("calibrated", "{tokens: 1M}");
    s.pass = gr_pass_new();
    gr_test_ok(take(lost, "loss", &s, "{}", &err), &err);
    gr_pass_free(s.pass);
    assert_memory_equal(bias, shifted, size);
    for (int g = 0; g < GROUPS; g++) {
        double tokens = of(plain, "loss", names[g], "tokens");
        double shift = (of(lost, "loss", names[g], "nll") - of(plain, "loss", names[g], "nll")) / tokens;
        double left = (of(after, "calibrated", names[g], "nll") - of(before, "calibrated", names[g], "nll")) / tokens;
        assert_true(shift > 0.5 && fabs(left) < 0.1 * shift);
    }
    memcpy(bias, own, size);
    gr_free(own);
    gr_free(shifted);
    gr_ledger_free(plain);
    gr_ledger_free(lost);
    gr_ledger_free(before);
    gr_ledger_free(after);
}

/* Few tokens: the mix is that of the weights, and the text is a part that the seed draws. */
static void the_text_is_drawn_by_the_seed(void **state) {
    (void)state;
    gr_error err = {0};
    gr_subject s = subject();
    gr_ledger *one = gr_ledger_new(), *same = gr_ledger_new(), *other = gr_ledger_new();
    gr_test_ok(take(one, "calibrated", &s, "{tokens: 200}", &err), &err);
    gr_test_ok(take(same, "calibrated", &s, "{tokens: 200}", &err), &err);
    s.seed++;
    gr_test_ok(take(other, "calibrated", &s, "{tokens: 200}", &err), &err);
    assert_true(of(one, "calibrated", "retain", "nll") == of(same, "calibrated", "retain", "nll"));
    assert_true(of(one, "calibrated", "retain", "nll") != of(other, "calibrated", "retain", "nll"));
    gr_ledger_free(one);
    gr_ledger_free(same);
    gr_ledger_free(other);
}

static bool stop_at_once(void *user, int64_t done, int64_t all) {
    int64_t *last = user;
    assert_true(done >= *last && done <= all);
    *last = done;
    return done < all / 2;
}

static void both_can_be_stopped(void **state) {
    (void)state;
    static const char *const measures[] = {"shared", "calibrated"};
    for (int i = 0; i < 2; i++) {
        gr_error err = {0};
        int64_t last = 0;
        gr_subject s = subject();
        gr_ledger *rows = gr_ledger_new();
        s.after = stop_at_once;
        s.user = &last;
        assert_int_equal(take(rows, measures[i], &s, "{}", &err), GR_ERR_INTERRUPTED);
        assert_int_equal(gr_ledger_size(rows), 0);
        gr_ledger_free(rows);
    }
}

static void text_of_no_group_is_refused(void **state) {
    (void)state;
    gr_error err = {0};
    gr_subject s = subject();
    gr_groups none = {.count = 0};
    gr_ledger *rows = gr_ledger_new();
    s.groups = &none;
    assert_int_equal(take(rows, "calibrated", &s, "{}", &err), GR_ERR_USAGE);
    gr_ledger_free(rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_of_either_split),
        cmocka_unit_test(rare_tokens_do_not_count),
        cmocka_unit_test(where_all_are_common_it_is_the_loss),
        cmocka_unit_test(without_retain_text_nothing_is_shared),
        cmocka_unit_test(what_is_said_at_every_position_becomes_what_was_seen),
        cmocka_unit_test(a_shifted_bias_is_no_loss),
        cmocka_unit_test(the_text_is_drawn_by_the_seed),
        cmocka_unit_test(both_can_be_stopped),
        cmocka_unit_test(text_of_no_group_is_refused),
    };
    return cmocka_run_group_tests_name("measures of losses", tests, setup, teardown);
}
