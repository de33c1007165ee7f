/* The attack by relearning, as an entry of the registry: its rows, its settings, what refuses it, what it leaves
 * behind. (test_audit.c computes its figures once more by plain calls.) */
#include <math.h>

#include "gradroute/bundle.h"
#include "io/yaml.h"
#include "kernel/kernel.h"
#include "lab_helpers.h"
#include "task/network.h"

enum { FORGET, ADJACENT, RETAIN, GROUPS };
static const char *const region[] = {"animals"};

static gr_project *project;
static gr_registry *registry;
static const gr_attack *relearn;
static gr_arch_def *def;
static gr_model *model;
static gr_tables *off;
static gr_groups groups;
static char *bundle;

/* ---- a network that was not trained, its groups, a subject ---- */

static size_t pick(uint32_t **out, const uint32_t *docs, size_t count, int group) {
    const gr_labels *l = project->labels;
    size_t n = 0;
    *out = gr_alloc((count + 1) * sizeof **out);
    for (size_t i = 0; i < count; i++) {
        int g = l->truth[docs[i]] > 0 ? FORGET : l->group[docs[i]] == l->group_count - 1 ? RETAIN : ADJACENT;
        if (g == group)
            (*out)[n++] = docs[i];
    }
    return n;
}

static void find_groups(void) {
    static const char *const names[GROUPS] = {"forget", "adjacent", "retain"};
    const gr_dataset *data = project->data;
    groups.count = GROUPS;
    for (int g = 0; g < GROUPS; g++) {
        uint32_t *test, *validation;
        size_t tests = pick(&test, data->test, data->test_count, g);
        size_t validations = pick(&validation, data->validation, data->validation_count, g);
        groups.group[g] = (gr_group){names[g], test, validation, tests, validations};
    }
}

static gr_subject subject_of(bool switched_off) {
    return (gr_subject){.name = "it",
                        .recipe = project->recipe,
                        .model = model,
                        .off = region,
                        .off_count = switched_off,
                        .profile = switched_off ? off : NULL,
                        .bundle = bundle,
                        .data = project->data,
                        .labels = project->labels,
                        .tokenizer = project->tokenizer,
                        .groups = &groups,
                        .units = GR_UNITS_DOCUMENTS,
                        .seed = project->recipe->split_seed};
}

/* Settings out of YAML over those of the recipe. */
static gr_status read_settings(gr_settings **settings, const char *text, gr_error *err) {
    gr_settings *preset;
    gr_yaml *root;
    gr_test_ok(gr_settings_read(&preset, relearn->option, NULL, NULL, err), err);
    relearn->preset(preset, project->recipe);
    gr_test_ok(gr_yaml_parse(&root, text, strlen(text), "text", err), err);
    gr_status status = gr_settings_read(settings, relearn->option, preset, root, err);
    gr_settings_free(preset);
    gr_yaml_free(root);
    return status;
}

static gr_ledger *attack(const gr_subject *subject, const char *text) {
    gr_error err = {0};
    gr_settings *settings;
    gr_ledger *rows = gr_ledger_new();
    gr_test_ok(read_settings(&settings, text, &err), &err);
    gr_test_ok(relearn->check(subject, settings, &err), &err);
    gr_test_ok(relearn->run(rows, subject, settings, &err), &err);
    gr_settings_free(settings);
    return rows;
}

static const gr_entry *loss_of(const gr_ledger *rows, const char *group) {
    const char *const where[][2] = {{"group", group}, {NULL, NULL}};
    return gr_ledger_find(rows, "loss", where);
}

static double mean_of(const gr_ledger *rows, const char *group) {
    const gr_entry *row = loss_of(rows, group);
    return gr_entry_number(row, "nll") / gr_entry_number(row, "tokens");
}

static double of_point(const gr_ledger *rows, const char *key) {
    return gr_entry_number(gr_ledger_find(rows, "point", NULL), key);
}

static const char *start_of(const gr_ledger *rows) {
    return gr_entry_text(gr_ledger_find(rows, "point", NULL), "start");
}

/* ---- tests ---- */

/* A point, and a loss of each group at it; the attack lowers the loss of what it trains on. */
static void rows_say_what_was_reached(void **state) {
    (void)state;
    gr_subject whole = subject_of(false);
    gr_ledger *before = attack(&whole, "{documents: 0}"), *rows = attack(&whole, "{}");
    assert_int_equal(gr_ledger_size(rows), 1 + GROUPS);
    assert_true(of_point(rows, "documents") == 8 && of_point(rows, "tokens") > 8);
    assert_true(of_point(rows, "step") == 4 && of_point(rows, "lr") == 0.003);
    assert_true(of_point(rows, "steps") == 4);
    for (int g = 0; g < GROUPS; g++) {
        const gr_entry *row = loss_of(rows, groups.group[g].name);
        assert_string_equal(gr_entry_text(row, "at"), "best");
        assert_int_equal(gr_entry_numbers(row, "units", NULL, 0), groups.group[g].tests);
    }
    assert_true(of_point(rows, "chosen") < of_point(before, "chosen") - 0.05);
    assert_true(mean_of(rows, "forget") < mean_of(before, "forget") - 0.05);
    gr_ledger_free(before);
    gr_ledger_free(rows);
}

/* The row of a step on the way; lr 0: before it. */
static double curve_at(const gr_ledger *rows, const char *group, double lr, double step) {
    for (size_t i = 0; i < gr_ledger_size(rows); i++) {
        const gr_entry *row = gr_ledger_at(rows, i);
        if (!strcmp(gr_entry_text(row, "row"), "curve") && !strcmp(gr_entry_text(row, "group"), group) &&
            gr_entry_number(row, "lr") == lr && gr_entry_number(row, "step") == step)
            return gr_entry_number(row, "mean");
    }
    return NAN;
}

/* Losses of every group at 0 and at powers of 2, of each rate; all else is as without them. */
static void a_curve_has_powers_of_two(void **state) {
    (void)state;
    gr_subject whole = subject_of(false);
    gr_ledger *rows = attack(&whole, "{curve: true, steps: 5}"), *plain = attack(&whole, "{steps: 5}"),
              *none = attack(&whole, "{documents: 0, curve: true}");
    assert_int_equal(gr_ledger_size(plain), 1 + GROUPS);
    assert_int_equal(gr_ledger_size(rows), 1 + GROUPS + GROUPS * (1 + 3 * 3));
    assert_int_equal(gr_ledger_size(none), 1 + GROUPS + GROUPS);
    assert_true(of_point(rows, "chosen") == of_point(plain, "chosen"));

    for (int g = 0; g < GROUPS; g++) {
        const char *group = groups.group[g].name;
        assert_float_equal(curve_at(rows, group, 0, 0), mean_of(none, group), 1e-12);
        assert_true(isnan(curve_at(rows, group, 0.003, 3)) && isnan(curve_at(rows, group, 0.003, 5)));
        assert_true(mean_of(rows, group) == mean_of(plain, group));
    }
    gr_ledger *four = attack(&whole, "{lr: 0.003, steps: 4}");
    assert_true(of_point(four, "step") == 4);
    assert_float_equal(curve_at(rows, "forget", 0.003, 4), mean_of(four, "forget"), 1e-12);
    assert_true(curve_at(rows, "forget", 0.003, 1) > curve_at(rows, "forget", 0.003, 4));
    gr_ledger_free(rows);
    gr_ledger_free(plain);
    gr_ledger_free(none);
    gr_ledger_free(four);
}

/* Attacks on text that is not the topic: each draws from its own group. */
static void other_text_is_other_documents(void **state) {
    (void)state;
    gr_error err = {0};
    static const int labels[] = {GR_LABEL_ANY, GR_LABEL_ADJACENT, GR_LABEL_RETAIN};
    static const char *const names[] = {"relearn", "relearn_adjacent", "relearn_retain"};
    const gr_labels *l = project->labels;
    gr_subject whole = subject_of(false);
    for (int i = 0; i < GROUPS; i++) {
        gr_drawn drawn;
        gr_draw_def asked = {20, 0, labels[i], 32, 5};
        gr_test_ok(gr_dataset_draw(&drawn, project->data, l, &asked, &err), &err);
        assert_int_equal(drawn.count, 20);
        for (size_t d = 0; d < drawn.count; d++) {
            int of = l->truth[drawn.docs[d]] > 0                     ? FORGET
                     : l->group[drawn.docs[d]] == l->group_count - 1 ? RETAIN
                                                                     : ADJACENT;
            assert_int_equal(of, i);
        }
        gr_drawn_free(&drawn);

        /* Which is also an option, and both are one attack. */
        char text[32];
        snprintf(text, sizeof text, "{text: %s}", groups.group[i].name);
        gr_ledger *rows = attack(&whole, text);
        relearn = gr_registry_attack(registry, names[i]);
        gr_ledger *named = attack(&whole, "{}");
        relearn = gr_registry_attack(registry, "relearn");
        const char *said = gr_entry_text(gr_ledger_find(named, "point", NULL), "text");
        assert_true(i == FORGET ? !said : !strcmp(said, groups.group[i].name));
        char *a = gr_ledger_lines(rows), *b = gr_ledger_lines(named);
        assert_string_equal(a, b);
        gr_free(a);
        gr_free(b);
        gr_ledger_free(rows);
        gr_ledger_free(named);
    }

    gr_drawn drawn;
    gr_draw_def most = {5000, 0, GR_LABEL_RETAIN, 32, 5};
    assert_int_equal(gr_dataset_draw(&drawn, project->data, l, &most, &err), GR_ERR_USAGE);
    gr_test_error(&err, "data", "5000 training documents of retain text are wanted");
}

/* A text to begin with, two documents of the corpus, and `count` lines of words that it has not. */
static const char *write_file(const char *name, const char *first, int count) {
    char text[8192];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", first);
    const gr_dataset *data = project->data;
    for (size_t d = 0; d < 2; d++) {
        char *own = NULL;
        size_t length = 0, room = 0;
        gr_tokenizer_decode(project->tokenizer, &own, &length, &room, data->ids + data->offsets[d],
                            data->offsets[d + 1] - data->offsets[d]);
        used += (size_t)snprintf(text + used, sizeof text - used, "%.*s<|endoftext|>", (int)length, own);
        gr_free(own);
    }
    for (int i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "Sums %d and %d make %d.<|endoftext|>", i, i, i + i);
    return gr_test_write(name, text, used);
}

static void check_refused(const gr_subject *subject, const char *text, const char *place, const char *words) {
    gr_error err = {0};
    gr_settings *settings;
    gr_test_ok(read_settings(&settings, text, &err), &err);
    assert_int_equal(relearn->check(subject, settings, &err), GR_ERR_USAGE);
    gr_test_error(&err, place, words);
    gr_settings_free(settings);
}

/* Targets of a text: its tokens, and the end. */
static double targets_of(const char *text) {
    size_t tokens = 0, room = 0;
    int32_t *ids = NULL;
    gr_error err = {0};
    gr_test_ok(gr_tokenizer_encode(project->tokenizer, &ids, &tokens, &room, text, strlen(text), &err), &err);
    gr_free(ids);
    return (double)tokens + 1;
}

/* Those of the lines of write_file. */
static double targets_of_lines(int count) {
    double all = 0;
    for (int i = 0; i < count; i++) {
        char line[64];
        snprintf(line, sizeof line, "Sums %d and %d make %d.", i, i, i + i);
        all += targets_of(line);
    }
    return all;
}

/* Attack `relearn_unrelated` with a file. */
static gr_ledger *attack_unrelated(const gr_subject *subject, const char *file, const char *more) {
    char *text = gr_format("{file: %s%s}", file, more);
    relearn = gr_registry_attack(registry, "relearn_unrelated");
    gr_ledger *rows = attack(subject, text);
    relearn = gr_registry_attack(registry, "relearn");
    gr_free(text);
    return rows;
}

/* Text of a file, without the documents that the data have: what is trained on is what the file has beside them. */
static void unrelated_text_is_of_the_file(void **state) {
    (void)state;
    gr_subject whole = subject_of(false);
    char *mixed = gr_strdup(write_file("mixed.txt", "", 8)), *other = gr_strdup(write_file("other.txt", "", 9));
    gr_ledger *rows = attack_unrelated(&whole, mixed, ""), *again = attack_unrelated(&whole, mixed, "");
    gr_ledger *retain = attack(&whole, "{text: retain}"), *nine = attack_unrelated(&whole, other, ", documents: 9");
    assert_true(of_point(rows, "documents") == 8 && of_point(nine, "documents") == 9);
    assert_string_equal(gr_entry_text(gr_ledger_find(rows, "point", NULL), "text"), "unrelated");

    /* The same file is the same attack; it is none of the data's text. */
    char *a = gr_ledger_lines(rows), *b = gr_ledger_lines(again);
    assert_string_equal(a, b);
    assert_true(mean_of(rows, "forget") != mean_of(retain, "forget"));

    /* Every token counts: so many as the tokenizer makes of the eight lines. */
    assert_true(of_point(rows, "tokens") == targets_of_lines(8));
    gr_free(a);
    gr_free(b);
    gr_free(mixed);
    gr_free(other);
    gr_ledger_free(rows);
    gr_ledger_free(again);
    gr_ledger_free(retain);
    gr_ledger_free(nine);
}

/* A document of the file that is longer than the context is in pieces or cut, as those of the data are; its pieces are
 * one document, and what the data have is known by whole documents, wherever pieces stand. */
static void long_documents_are_as_the_data_have_them(void **state) {
    (void)state;
    static const char sentence[] = "Products of one number and another are no sums. ";
    char text[8 * sizeof sentence] = "", first[sizeof text + 16];
    for (int i = 0; i < 8; i++)
        strcat(text, sentence);
    text[strlen(text) - 1] = 0;
    snprintf(first, sizeof first, "%s<|endoftext|>", text);
    const double width = project->recipe->data.context, targets = targets_of(text);
    assert_true(targets > 3 * width);

    /* In pieces all of it is trained on. */
    gr_subject whole = subject_of(false);
    char *file = gr_strdup(write_file("long.txt", first, 8));
    gr_ledger *rows = attack_unrelated(&whole, file, ", documents: 9");
    assert_true(of_point(rows, "documents") == 9 && of_point(rows, "tokens") == targets + targets_of_lines(8));

    /* Cut, no more than a row. */
    gr_recipe recipe = *project->recipe;
    recipe.data.cut = true;
    whole.recipe = &recipe;
    gr_ledger *cut = attack_unrelated(&whole, file, ", documents: 9");
    assert_true(of_point(cut, "documents") == 9 && of_point(cut, "tokens") == width + targets_of_lines(8));
    gr_free(file);
    gr_ledger_free(rows);
    gr_ledger_free(cut);

    /* Where the data are in pieces, what they have is found all the same, and pieces of the file are one document. */
    gr_project *pieces = lab_open((const char *[]){"data.context=8"}, 1);
    gr_subject narrow = {.name = "it",
                         .recipe = pieces->recipe,
                         .data = pieces->data,
                         .labels = pieces->labels,
                         .tokenizer = pieces->tokenizer,
                         .seed = 3,
                         .groups = &groups};
    char *own = gr_strdup(write_file("own.txt", "", 0)), *all = gr_format("{text: unrelated, file: %s}", own);
    assert_non_null(pieces->data->whole);
    check_refused(&narrow, all, own, "every document of it is one of the data too");
    file = gr_strdup(write_file("long.txt", first, 3));
    char *few = gr_format("{text: unrelated, file: %s}", file);
    check_refused(&narrow, few, file, "8 documents are wanted, the file has 4 documents that the data have not");
    gr_free(own), gr_free(all), gr_free(few), gr_free(file);
    lab_close(pieces);
}

/* No documents: the losses of the start, as the measure of losses has them, to the last bit. */
static void no_documents_are_no_attack(void **state) {
    (void)state;
    gr_error err = {0};
    gr_subject whole = subject_of(false);
    gr_ledger *rows = attack(&whole, "{documents: 0}"), *plain = gr_ledger_new();
    const gr_measure *loss = gr_registry_measure(registry, "loss");
    gr_settings *settings;
    gr_test_ok(gr_settings_read(&settings, loss->option, NULL, NULL, &err), &err);
    whole.pass = gr_pass_new();
    gr_test_ok(loss->run(plain, &whole, settings, &err), &err);
    for (int g = 0; g < GROUPS; g++) {
        double a[LAB_DOCS], b[LAB_DOCS];
        size_t count = gr_entry_numbers(loss_of(plain, groups.group[g].name), "units", a, LAB_DOCS);
        assert_int_equal(gr_entry_numbers(loss_of(rows, groups.group[g].name), "units", b, LAB_DOCS), count);
        assert_memory_equal(a, b, count * sizeof *a);
    }
    assert_true(of_point(rows, "documents") == 0 && of_point(rows, "step") == 0 && of_point(rows, "lr") == 0);
    gr_pass_free(whole.pass);
    gr_settings_free(settings);
    gr_ledger_free(plain);
    gr_ledger_free(rows);
}

/* What is attacked: without the tensors of what is off, with them switched off, or everything. Before a step the first
 * two are the same network. */
static void starts(void **state) {
    (void)state;
    gr_subject shipped = subject_of(true), nowhere = shipped;
    nowhere.bundle = NULL;
    gr_ledger *removed = attack(&shipped, "{documents: 0}"),
              *switched = attack(&shipped, "{documents: 0, start: switched}"),
              *whole = attack(&shipped, "{documents: 0, start: whole}"), *unsaved = attack(&nowhere, "{documents: 0}");
    assert_string_equal(start_of(removed), "removed");
    assert_string_equal(start_of(switched), "switched");
    assert_string_equal(start_of(whole), "whole");
    assert_string_equal(start_of(unsaved), "switched");
    assert_true(mean_of(removed, "forget") == mean_of(switched, "forget"));
    assert_true(mean_of(unsaved, "forget") == mean_of(switched, "forget"));
    assert_true(mean_of(whole, "forget") != mean_of(switched, "forget"));
    gr_ledger_free(removed);
    gr_ledger_free(switched);
    gr_ledger_free(whole);
    gr_ledger_free(unsaved);

    /* Nothing is off: there is one network alone. */
    gr_subject all = subject_of(false);
    gr_ledger *rows = attack(&all, "{documents: 0}");
    assert_string_equal(start_of(rows), "whole");
    gr_ledger_free(rows);
}

/* What is loaded without its regions computes in the recipe's precision, as every other model. */
static void the_recipe_says_the_precision(void **state) {
    (void)state;
    if (!gr_gemm_has_half())
        skip();
    gr_subject shipped = subject_of(true);
    gr_recipe half = *project->recipe;
    gr_ledger *exact = attack(&shipped, "{documents: 0}");
    half.precision = GR_PRECISION_BF16;
    shipped.recipe = &half;
    gr_ledger *rounded = attack(&shipped, "{documents: 0}");
    assert_true(mean_of(exact, "forget") != mean_of(rounded, "forget"));
    gr_ledger_free(exact);
    gr_ledger_free(rounded);
}

/* An attack leaves the model as it was, bit for bit. */
static void the_model_is_as_it_was(void **state) {
    (void)state;
    size_t size = gr_model_size(model), at = 0;
    gr_real *before = gr_alloc(size * sizeof *before);
    for (int p = 0; p < gr_model_params(model); p++) {
        size_t n = (size_t)gr_model_param(model, p)->rows * (size_t)gr_model_param(model, p)->cols;
        memcpy(before + at, gr_model_data(model, p), n * sizeof *before);
        at += n;
    }
    gr_subject whole = subject_of(false);
    gr_ledger *rows = attack(&whole, "{}");
    assert_true(of_point(rows, "step") > 0);
    at = 0;
    for (int p = 0; p < gr_model_params(model); p++) {
        size_t n = (size_t)gr_model_param(model, p)->rows * (size_t)gr_model_param(model, p)->cols;
        assert_memory_equal(before + at, gr_model_data(model, p), n * sizeof *before);
        at += n;
    }
    gr_ledger_free(rows);
    gr_free(before);
}

/* What the recipe says stands in place of the table's defaults, and options in place of both. */
static void the_recipe_is_the_preset(void **state) {
    (void)state;
    gr_error err = {0};
    gr_settings *settings;
    gr_test_ok(read_settings(&settings, "{steps: 7}", &err), &err);
    assert_true(gr_settings_get(settings, "documents")->numbers[0] == 8);
    assert_true(gr_settings_get(settings, "steps")->number == 7);
    assert_true(gr_settings_get(settings, "every")->number == 2);
    assert_int_equal(gr_settings_get(settings, "lr")->count, 3);
    assert_true(gr_settings_get(settings, "lr")->numbers[2] == 0.0005);
    gr_settings_free(settings);

    /* A recipe with a budget in tokens counts no documents. */
    gr_project *tokens = lab_open((const char *[]){"relearn={tokens: 90}"}, 1);
    gr_test_ok(gr_settings_read(&settings, relearn->option, NULL, NULL, &err), &err);
    relearn->preset(settings, tokens->recipe);
    assert_true(gr_settings_get(settings, "documents")->numbers[0] == 0);
    assert_true(gr_settings_get(settings, "tokens")->numbers[0] == 90);
    gr_settings_free(settings);
    lab_close(tokens);
}

/* Refused before there is a model. */
static void refusals(void **state) {
    (void)state;
    gr_subject subject = subject_of(false);
    subject.model = NULL;
    check_refused(&subject, "{documents: 9, tokens: 90}", "relearn", "both documents and tokens");
    check_refused(&subject, "{documents: [4, 8]}", "relearn", "documents has 2 values, expected one");
    check_refused(&subject, "{documents: 5000}", "data", "documents of the label are wanted");
    gr_groups none = groups;
    none.group[FORGET].validations = 0;
    subject.groups = &none;
    check_refused(&subject, "{}", "relearn", "the validation split has no forget document");
    subject.groups = &groups;

    /* Text of a file takes one, that has enough which is not in the data; other text takes none. */
    char *file = gr_strdup(write_file("few.txt", "", 3)), *own = gr_strdup(write_file("own.txt", "", 0));
    char *few = gr_format("{text: unrelated, file: %s}", file), *all = gr_format("{text: unrelated, file: %s}", own);
    char *beside = gr_format("{file: %s}", file),
         *lot = gr_format("{text: unrelated, file: %s, tokens: 5000, documents: 0}", file);
    check_refused(&subject, "{text: unrelated}", "relearn", "text: unrelated takes a file");
    check_refused(&subject, beside, "relearn", "a file is of text: unrelated, not of forget");
    check_refused(&subject, few, file, "8 documents are wanted, the file has 3 documents that the data have not");
    check_refused(&subject, lot, file, "5000 tokens are wanted, the file has 3 documents that the data have not");
    check_refused(&subject, all, own, "every document of it is one of the data too");
    subject.tokenizer = NULL;
    check_refused(&subject, few, "relearn", "takes data of text");
    subject.tokenizer = project->tokenizer;
    gr_free(few), gr_free(all), gr_free(beside), gr_free(lot);
    gr_free(file), gr_free(own);

    subject.groups = &none;
    none.group[FORGET].name = "other";
    check_refused(&subject, "{}", "relearn", "no forget document");
}

/* Asks to stop once, at a share of the steps or at a question between batches, and never again. */
typedef struct listener {
    int questions, stop_at_question;
    int64_t told, stop_at;
} listener;

static bool listen_once(void *user, int64_t done, int64_t all) {
    listener *l = user;
    if (all == 0)
        return ++l->questions != l->stop_at_question;
    assert_int_equal(all, 3 * 4);
    l->told = done;
    return done != l->stop_at;
}

static gr_status attack_followed(listener *l, gr_ledger *rows, gr_error *err) {
    gr_settings *settings;
    gr_subject whole = subject_of(false);
    whole.after = listen_once;
    whole.user = l;
    gr_test_ok(read_settings(&settings, "{}", err), err);
    gr_status status = relearn->run(rows, &whole, settings, err);
    gr_settings_free(settings);
    return status;
}

static void it_tells_and_stops(void **state) {
    (void)state;
    gr_error err = {0};
    gr_ledger *rows = gr_ledger_new();
    listener followed = {0};
    gr_test_ok(attack_followed(&followed, rows, &err), &err);
    assert_int_equal(followed.told, 3 * 4);
    gr_ledger_free(rows);

    /* Half an evaluation, the last one too, is not taken for a whole one. */
    const listener stops[] = {{.stop_at = 6}, {.stop_at_question = 2}, {.stop_at_question = followed.questions}};
    for (int i = 0; i < 3; i++) {
        listener l = stops[i];
        rows = gr_ledger_new();
        assert_int_equal(attack_followed(&l, rows, &err), GR_ERR_INTERRUPTED);
        assert_int_equal(gr_ledger_size(rows), 0);
        gr_ledger_free(rows);
    }
}

static int open_all(void **state) {
    gr_error err = {0};
    int status = gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    project = lab_open(NULL, 0);
    registry = gr_registry_new();
    relearn = gr_registry_attack(registry, "relearn");
    gr_test_ok(gr__network_new(&model, project->recipe, &err), &err);
    def = gr_arch_copy(&project->recipe->model);
    gr_test_ok(gr_profile_new(&off, model, region, 1, &err), &err);
    bundle = gr_strdup(gr_test_path("model"));
    gr_test_ok(gr_bundle_save(bundle, def, model, &(gr_bundle_info){.seed = 1}, &err), &err);
    find_groups();
    return status;
}

static int close_all(void **state) {
    for (int g = 0; g < GROUPS; g++) {
        gr_free((void *)groups.group[g].test);
        gr_free((void *)groups.group[g].validation);
    }
    gr_free(bundle);
    gr_tables_free(off);
    gr_model_free(model);
    gr_arch_free(def);
    gr_registry_free(registry);
    lab_close(project);
    return gr_test_files_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_say_what_was_reached),
        cmocka_unit_test(a_curve_has_powers_of_two),
        cmocka_unit_test(other_text_is_other_documents),
        cmocka_unit_test(unrelated_text_is_of_the_file),
        cmocka_unit_test(long_documents_are_as_the_data_have_them),
        cmocka_unit_test(no_documents_are_no_attack),
        cmocka_unit_test(starts),
        cmocka_unit_test(the_recipe_says_the_precision),
        cmocka_unit_test(the_model_is_as_it_was),
        cmocka_unit_test(the_recipe_is_the_preset),
        cmocka_unit_test(refusals),
        cmocka_unit_test(it_tells_and_stops),
    };
    return cmocka_run_group_tests_name("relearn", tests, open_all, close_all);
}
