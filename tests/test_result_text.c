/* Results as text: as they are stored, in 80 columns, point by point. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/result_text.h"
#include "result_helpers.h"

static char *print(const json_t *result) {
    char *text = NULL, *copy;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    gr__result_text_print(result, out);
    fclose(out);
    copy = strdup(text);
    free(text);
    return copy;
}

/* Characters of the longest line in front of the completions, whose texts are the models'. */
static size_t widest(const char *text) {
    size_t most = 0;
    const char *stop = strstr(text, "\nCompletions");
    while (*text && (!stop || text < stop)) {
        size_t length = strcspn(text, "\n");
        most = length > most ? length : most;
        text += length + (text[length] == '\n');
    }
    return most;
}

/* An empty file in the folder, in folders of its own. */
static void put_file(const char *folder, const char *name) {
    char *path = gr_format("%s/%s", folder, name);
    for (char *slash = path + strlen(folder); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    fclose(fopen(path, "w"));
    gr_free(path);
}

/* Printed where its folder has models. */
static char *print_beside_models(const json_t *result) {
    char *folder = gr_test_folder(), *here = getcwd(NULL, 0);
    put_file(folder, "runs/it/routed/model/manifest.json");
    put_file(folder, "runs/it/arms/base,seed=1/model/manifest.json");
    assert_int_equal(chdir(folder), 0);
    char *text = print(result);
    assert_int_equal(chdir(here), 0);
    gr_test_folder_remove(folder);
    free(here);
    return text;
}

static void is_stored(const gr__result_def *def, const char *name) {
    json_t *r = make(def);
    char *have = print_beside_models(r), *path = gr_format("tests/data/results/%s.txt", name);
    size_t length;
    char *expected = gr_test_read(project_path(path), &length);
    assert_true(widest(have) <= 80);
    if (strcmp(have, expected) != 0) {
        fprintf(stderr, "%s\n", have);
        fail_msg("%s is another text", path);
    }
    free(expected);
    free(have);
    gr_free(path);
    json_decref(r);
}

static void texts_are_as_stored(void **state) {
    (void)state;
    static void (*const open[])(stored * s) = {stored_one, stored_refused, stored_seeds};
    static const char *const names[] = {"one", "refused", "seeds"};
    for (int i = 0; i < 3; i++) {
        stored s;
        open[i](&s);
        is_stored(&s.def, names[i]);
        stored_free(&s);
    }
}

static int times(const char *text, const char *word) {
    int count = 0;
    for (const char *at = text; (at = strstr(at, word)); at++)
        count++;
    return count;
}

/* Models that are not in the folder are not pointed at. */
static void models_that_are_gone_are_not_pointed_at(void **state) {
    (void)state;
    static void (*const open[])(stored * s) = {stored_one, stored_seeds};
    static const char *const said[] = {"\nModel    none is there: ", "\nModels   none is there: "};
    for (int i = 0; i < 2; i++) {
        stored s;
        open[i](&s);
        json_t *r = make(&s.def);
        char *text = print(r);
        assert_non_null(strstr(text, said[i]));
        assert_null(strstr(text, "\nNext"));
        assert_null(strstr(text, "/arms\n"));
        assert_non_null(strstr(text, "\nResult   runs/it/result.json\n"));
        free(text);
        json_decref(r);
        stored_free(&s);
    }
}

/* More groups, attacks and arms than a line holds, with names of any length. */
static void wide_tables_are_cut_up(void **state) {
    (void)state;
    json_t *table = json_pack("{s:[], s:[], s:[], s:[]}", "arms", "groups", "attacks", "figures");
    json_t *model = json_object(), *classes = json_object(), *models = json_object(), *seeds = json_array();
    json_t *result = json_pack("{s:o, s:o, s:o, s:s, s:{}}", "table", table, "models", models, "seeds", seeds,
                               "verdict", "so it is", "intervals");
    for (int i = 0; i < 14; i++) {
        char *name = gr_format("a name of some length %d", i);
        json_array_append_new(json_object_get(table, "groups"), json_string(name));
        json_array_append_new(json_object_get(table, "attacks"),
                              json_pack("{s:s, s:s+}", "name", name, "done", "done", i % 2 ? "1" : "2"));
        json_array_append_new(json_object_get(table, "arms"), json_pack("{s:s, s:s, s:s, s:s}", "name", name, "shown",
                                                                        name, "title", name, "note", name));
        json_array_append_new(json_object_get(table, "figures"),
                              json_pack("{s:s, s:s, s:s}", "key", name, "title", name, "note", name));
        json_object_set_new(model, name, json_real(-1234.5));
        json_object_set_new(classes, name, json_real(1));
        json_object_set_new(result, name, json_real(-12.5));
        json_object_set_new(json_object_get(result, "intervals"), name, json_pack("[f, f]", -13.5, -11.25));
        json_array_append_new(seeds, json_pack("{s:i, s:f}", "seed", i, name, 1.5));
        json_object_set(models, name, model);
        gr_free(name);
    }
    json_object_set_new(model, "classes", classes);
    char *text = print(result);
    if (widest(text) > 80)
        fail_msg("%zu columns:\n%s", widest(text), text);

    /* Nothing is lost on the way. */
    assert_int_equal(times(text, "-1234.500"), 14 * 14);
    assert_int_equal(times(text, " 100.0"), 14 * 14);
    assert_int_equal(times(text, " 1.500"), 14);
    assert_int_equal(times(text, " -12.500 [-13.500, -11.250]"), 14);
    free(text);
    json_decref(model);
    json_decref(result);
}

/* Texts of models and topics steer no terminal and begin no line of their own. */
static void foreign_texts_stay_in_their_line(void **state) {
    (void)state;
    json_t *result = json_pack("{s:{s:[{s:s, s:s}]}, s:[{s:s, s:s}]}", "table", "arms", "name", "m", "shown", "on",
                               "completions", "prompt", "a\nb", "m", "x\r\n\033[2Jy");
    char *text = print(result);
    assert_non_null(strstr(text, "  a b ...\n    on:  x   [2Jy\n"));
    free(text);
    json_decref(result);
}

/* A line a model, one of each value of a knob, for those that went by a classifier. */
static void what_classifiers_found_is_a_line_a_model(void **state) {
    (void)state;
    json_t *some = json_pack("{s:{s:f, s:f, s:f, s:f, s:f}}", "animals", "known", 200.0, "found", 90.0, "auc", 0.9612,
                             "hidden_recall", 0.8, "core_lost", 0.0104);
    json_t *known = json_pack("{s:{s:f, s:f, s:f}}", "animals", "known", 20.0, "found", 9.0, "auc", 0.5);
    json_t *result =
        json_pack("{s:{s:[{s:s}, {s:s, s:s}, {s:s}]}, s:{s:{}, s:{s:[{s:s, s:o}, {s:s, s:o}]}, s:{s:O}}}", "table",
                  "arms", "name", "plain", "name", "by", "title", "a filter", "name", "guessed", "models", "plain",
                  "by", "values", "at", "0.02", "found", some, "at", "0.3", "found", known, "guessed", "found", some);
    char *text = print(result);
    assert_non_null(strstr(text, "\nFound by classifiers (first seed; shares of what is hidden and of other text)\n"
                                 "  a filter 0.02: animals 90 found by 200, AUC 0.961, hidden 0.800, other 0.010\n"
                                 "  a filter 0.3: animals 9 found by 20, AUC 0.500\n"
                                 "  guessed: animals 90 found by 200, AUC 0.961, hidden 0.800, other 0.010\n"));
    assert_null(strstr(text, "plain:"));
    free(text);
    json_decref(result);
}

/* A rung of a ladder; recovery NaN: refused. */
static json_t *rung(int documents, double forget, double recovery) {
    json_t *r = json_pack("{s:i, s:i, s:i, s:f, s:f, s:f}", "documents", documents, "tokens", 10 * documents, "step",
                          documents ? 5 : 0, "forget", forget, "retain", 3.25, "hidden", 1.0);
    json_object_set_new(r, "recovery", isnan(recovery) ? json_null() : json_real(recovery));
    return r;
}

/* What an attack brought back at each strength, beside the twin that had nothing to be brought back; a twin that was
 * not attacked so leaves its place empty. */
static void ladders_stand_beside_their_twin(void **state) {
    (void)state;
    json_t *result =
        json_pack("{s:{s:[{s:s, s:s}, {s:s}, {s:s, s:s}], s:[s, s, s], s:[{s:s, s:s}], s:s, s:[{s:s, s:s, s:s, s:s}]}, "
                  "s:{s:{s:[o, o, o]}, s:{s:[{s:s, s:[o]}]}, s:{s:[o, o]}}, s:f, s:{s:[f, f]}}",
                  "table", "arms", "name", "off", "title", "region off", "name", "tried", "name", "never", "title",
                  "narrow", "groups", "forget", "hidden", "retain", "attacks", "name", "relearn", "done", "relearned",
                  "never", "never", "figures", "key", "s", "figure", "savings", "of", "off", "after", "relearn",
                  "models", "off", "relearned_ladder", rung(0, 5, 0), rung(8, 4.5, 0.25), rung(64, 4, NAN), "tried",
                  "values", "at", "0.5", "relearned_ladder", rung(8, 4.75, 0.125), "never", "relearned_ladder",
                  rung(0, 6, -0.5), rung(8, 5.5, -0.25), "s", 0.12, "intervals", "s", 0.05, 0.19);
    char *text = print(result);
    static const char ladder[] = "\nAfter relearn: region off, beside narrow, which never read of it\n"
                                 "  documents  tokens    step  forget  retain recovery  forget  retain recovery\n"
                                 "                                                        twin    twin     twin\n"
                                 "          0       0       0   5.000   3.250    0.000   6.000   3.250   -0.500\n"
                                 "          8      80       5   4.500   3.250    0.250   5.500   3.250   -0.250\n"
                                 "         64     640       5   4.000   3.250        -\n"
                                 "  savings 0.120 [0.050, 0.190]\n";
    if (!strstr(text, ladder))
        fail_msg("not there: %s\n%s", ladder, text);
    assert_non_null(strstr(text, "\nAfter relearn: tried 0.5, beside narrow"));
    assert_null(strstr(text, "After relearn: narrow"));
    assert_true(widest(text) <= 80);
    free(text);

    /* Without anybody in that role each stands alone. */
    json_object_del(json_object_get(result, "table"), "never");
    text = print(result);
    assert_non_null(strstr(text, "\nAfter relearn: region off\n"
                                 "  documents  tokens    step  forget  retain recovery\n"
                                 "          0       0       0   5.000   3.250    0.000\n"));
    assert_non_null(strstr(text, "\nAfter relearn: narrow\n"));
    free(text);
    json_decref(result);
}

/* A line a model of what its method says: numbers alone, from the least to the most of the seeds. */
static void what_methods_say_is_a_line_a_model(void **state) {
    (void)state;
    json_t *result =
        json_pack("{s:{s:[{s:s, s:s}, {s:s}, {s:s}]}, s:{s:{s:[{s:i, s:i, s:i, s:f, s:s}, {s:i, s:i, s:i, s:f, s:s}]}, "
                  "s:{s:[{s:i, s:s}]}, s:{s:[{s:s, s:[{s:i, s:i}]}]}}}",
                  "table", "arms", "name", "mended", "title", "routed, mended", "name", "given", "name", "by", "models",
                  "mended", "made", "seed", 1, "step", 12, "steps", 30, "before", 3.25, "by", "what is known", "seed",
                  2, "step", 4, "steps", 30, "before", 3.5, "by", "what is known", "given", "made", "seed", 1, "sha256",
                  "00ff", "by", "values", "at", "0.3", "made", "seed", 1, "step", 0);
    char *text = print(result);
    assert_non_null(strstr(text, "\nWhat making them came to (over seeds, from the least to the most)\n"
                                 "  routed, mended: step 4 to 12, steps 30, before 3.25 to 3.5\n"
                                 "  by 0.3: step 0\n"));
    assert_null(strstr(text, "given:"));
    free(text);
    json_decref(result);
}

/* A result of one model after two attacks, beside its twin; takes the rungs of the twin. */
static json_t *attacked_twice(json_t *twin) {
    return json_pack("{s:{s:[{s:s}, {s:s}], s:[s], s:[{s:s, s:s}, {s:s, s:s}], s:s,"
                     " s:[{s:s, s:s, s:s, s:s}, {s:s, s:s, s:s, s:s}, {s:s, s:s, s:s, s:s}, {s:s, s:s, s:s, s:s, s:s},"
                     " {s:s, s:s, s:s, s:s}]},"
                     " s:{s:{s:[o], s:[o]}, s:{s:o}}, s:f, s:f, s:f, s:f, s:f}",
                     "table", "arms", "name", "off", "name", "never", "groups", "forget", "attacks", "name", "relearn",
                     "done", "relearned", "name", "adjacent", "done", "adjacent", "never", "never", "figures", "key",
                     "a", "figure", "recovery", "of", "off", "after", "relearn", "key", "b", "figure", "savings", "of",
                     "never", "after", "relearn", "key", "c", "figure", "savings", "of", "off", "after", "adjacent",
                     "key", "d", "figure", "savings", "of", "off", "after", "relearn", "minus", "never", "key", "e",
                     "figure", "savings", "of", "off", "after", "relearn", "models", "off", "relearned_ladder",
                     rung(8, 4.5, 0.25), "adjacent_ladder", rung(8, 4.75, 0.125), "never", "relearned_ladder", twin,
                     "a", 0.1, "b", 0.2, "c", 0.3, "d", 0.4, "e", 0.5);
}

/* Savings are those of this model after this very attack, and not of a difference: whatever stands before them. */
static void savings_stand_below_their_attack(void **state) {
    (void)state;
    json_t *result = attacked_twice(json_pack("[o]", rung(8, 5.5, -0.25)));
    char *text = print(result);
    assert_non_null(strstr(text, "\n          8      80       5   4.500   3.250    0.250   5.500   3.250   -0.250\n"
                                 "  savings 0.500\n"));
    assert_non_null(strstr(text, "\n          8      80       5   4.750   3.250    0.125\n  savings 0.300\n"));
    free(text);

    /* Where nobody asked for it there is none. */
    json_array_remove(json_object_get(json_object_get(result, "table"), "figures"), 4);
    text = print(result);
    assert_non_null(strstr(text, "   5.500   3.250   -0.250\n\n"));
    assert_null(strstr(text, "savings 0.500"));
    free(text);
    json_decref(result);
}

/* A rung of the twin stands beside the one of as many documents and as many tokens, and beside no other. */
static void rungs_of_another_strength_are_not_compared(void **state) {
    (void)state;
    json_t *longer = rung(8, 5.5, -0.25), *more = rung(9, 5.25, -0.125);
    json_object_set_new(longer, "tokens", json_integer(90));
    json_object_set_new(more, "tokens", json_integer(80));
    json_t *result = attacked_twice(json_pack("[o, o]", longer, more));
    char *text = print(result);
    assert_non_null(strstr(text, "\n          8      80       5   4.500   3.250    0.250\n"));
    free(text);
    json_decref(result);
}

/* A line a curve, with all that is looked up on it; a loss beyond its ends is told, and on which side it lies. */
static void curves_are_a_line_each(void **state) {
    (void)state;
    json_t *points = json_pack("[{s:f}, {s:f}]", "x", 100.0, "x", 400.0);
    json_t *result = json_pack(
        "{s:{s:[{s:s, s:s}, {s:s, s:s}]}, s:{s:{s:s, s:s, s:s, s:s, s:O, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f},"
        " s:{s:s, s:s, s:s, s:s, s:s, s:s, s:O, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f},"
        " s:{s:s, s:s, s:s, s:s, s:s, s:s, s:[{s:f}]}}}",
        "table", "figures", "key", "one", "title", "the first", "key", "two", "title", "  the second", "curves", "one",
        "x", "operations", "of", "on", "along", "trained", "group", "retain", "points", points, "a", 2.0, "b", 8.0, "c",
        0.5, "shift", 0.0, "off", 0.001, "from", 2.8, "to", 2.4, "loss", 2.5, "two", "x", "operations", "of", "off",
        "after", "relearn", "along", "trained", "group", "retain", "why", "above all of the curve", "points", points,
        "a", 2.0, "b", 8.0, "c", 0.5, "shift", 0.0, "off", 0.001, "from", 2.8, "to", 2.4, "loss", 2.9, "three", "x",
        "text of the label", "of", "off", "along", "exposed", "group", "forget", "measure", "calibrated", "why",
        "rows do not say", "points", "x", 7.0);
    char *text = print(result);
    assert_non_null(strstr(text, "\nCurves that losses are looked up on (first seed; x as a share of the largest)\n"
                                 "  operations of 2 models of trained, on retain: L = 2.000 + 0.400 x^-0.500, off\n"
                                 "    by 0.001 at most, from 2.800 to 2.400; the first (on) 2.500; the second\n"
                                 "    (off after relearn) 2.900, above all of the curve\n"
                                 "  text of the label of 1 models of exposed, on forget, calibrated: rows do not\n"
                                 "    say\n"));
    free(text);

    /* A curve that begins with no text at all. */
    json_t *one = json_object_get(json_object_get(result, "curves"), "one");
    json_object_set_new(one, "shift", json_real(20));

    /* An arm with a knob has no one loss. */
    json_t *knob = json_copy(one);
    json_object_del(knob, "loss");
    json_object_set_new(json_object_get(result, "curves"), "knob", knob);
    text = print(result);
    assert_non_null(strstr(text, "(x +\n    0.05)^-0.500, off"));
    assert_non_null(strstr(
        text, "the first (on)\n    2.500; the second (off after relearn) 2.900, above all of the curve\n  text"));
    free(text);
    json_decref(points);
    json_decref(result);
}

/* What an attack was trained on stands below the figures, where it says that of itself. */
static void attacks_that_train_say_on_what(void **state) {
    (void)state;
    json_t *result = json_pack("{s:{s:[{s:s}], s:[{s:s}, {s:s}], s:[{s:s, s:s}]}, s:f, s:{s:i, s:i}, s:{}}", "table",
                               "arms", "name", "m", "attacks", "name", "relearn", "name", "prune", "figures", "key",
                               "tax", "title", "tax", "tax", 0.5, "relearn", "documents", 8, "tokens", 90, "prune");
    char *text = print(result);
    assert_non_null(strstr(text, "  Attack relearn: 8 documents, 90 tokens.\n"));
    assert_null(strstr(text, "Attack prune"));
    free(text);
    json_decref(result);
}

/* What trainings took: of an arm with a knob one of its trials stands for all. */
static void trials_have_operations(void **state) {
    (void)state;
    json_t *result =
        json_pack("{s:{s:[{s:s}], s:[], s:[]}, s:{s:{s:f, s:i}, s:{s:[{s:f, s:i}, {s:f, s:i}]}, s:{s:f}}}", "table",
                  "arms", "name", "m", "attacks", "figures", "models", "m", "flops", 2e12, "tokens", 90, "k", "values",
                  "flops", 3e12, "tokens", 80, "flops", 3e12, "tokens", 80, "view", "forget", 1.0);
    char *text = print(result);
    assert_non_null(strstr(text, "\nOperations: m 2e+12 on 90 tokens; k 3e+12 on 80 tokens, the first of 2 trials\n"));
    free(text);
    json_decref(result);
}

/* A region is named where some tokens trained it and others did not. */
static void regions_of_all_tokens_are_not_told_apart(void **state) {
    (void)state;
    json_t *result =
        json_pack("{s:{s:[{s:s}], s:[], s:[]}, s:{s:{s:f, s:i, s:{s:{s:f, s:i}, s:{s:f, s:i}}}}, s:{}}", "table",
                  "arms", "name", "m", "attacks", "figures", "models", "m", "flops", 2e12, "tokens", 90, "regions",
                  "some", "flops", 1e12, "tokens", 30, "every", "flops", 2e12, "tokens", 90, "forget");
    char *text = print(result);
    assert_non_null(strstr(text, "\nOperations: m 2e+12 on 90 tokens, of them region some 1e+12 on 30 tokens\n"));
    free(text);
    json_decref(result);
}

/* Data say what their losses are in, and from what gap on a ratio is taken. */
static void losses_are_in_the_unit_of_the_data(void **state) {
    (void)state;
    static const char data[] = "{\"row\":\"data\",\"counted\":\"samples\",\"unit\":\"nats per sample\"}\n";
    stored s;
    stored_refused(&s);
    json_t *r = make(&s.def);
    char *text = print(r);
    assert_non_null(strstr(text, "\nLoss of the test, nats per token (lower"));
    assert_non_null(strstr(text, "above 0 and at least 0.15 nats per token.\n"));
    free(text);
    json_decref(r);

    assert_int_equal(s.rows[0].arm, -1);
    gr_ledger_free((gr_ledger *)s.rows[0].rows);
    s.rows[0].rows = rows_of(data, strlen(data));
    for (int least = 0; least < 2; least++) {
        s.def.least = least;
        r = make(&s.def);
        text = print(r);
        assert_non_null(strstr(text, "\nLoss of the test, nats per sample (lower"));
        assert_int_equal(strstr(text, "at least 1.00 nats per") != NULL, least);
        assert_int_equal(strstr(text, "nothing specific to remove") != NULL, least);
        free(text);
        json_decref(r);
    }

    /* Plain and filtered exchanged: there is less than nothing, and no least gap to speak of. */
    for (size_t i = 0; i < s.count; i++)
        if (s.rows[i].arm == PLAIN || s.rows[i].arm == FILTERED)
            s.rows[i].arm = PLAIN + FILTERED - s.rows[i].arm;
    s.def.least = 0;
    r = make(&s.def);
    text = print(r);
    assert_non_null(strstr(text, "above 0.\n"));
    free(text);
    json_decref(r);
    stored_free(&s);
}

/* Half of a seed's number is the number of another one. */
static void numbers_of_seeds_are_whole(void **state) {
    (void)state;
    json_t *result = json_pack("{s:{s:[{s:s, s:s}]}, s:[{s:I, s:f}], s:{}}", "table", "figures", "key", "tax", "title",
                               "tax", "seeds", "seed", (json_int_t)12345678901, "tax", 0.5, "intervals");
    char *text = print(result);
    assert_non_null(strstr(text, " 12345678901\n"));
    free(text);
    json_decref(result);
}

/* Each point has its verdict and its tables; claims stand above them. */
static void points_follow_each_other(void **state) {
    (void)state;
    json_t *result =
        json_pack("{s:{}, s:[{s:{s:s}, s:s}, {s:{s:s, s:s}, s:s}], s:[{s:b, s:s, s:[{s:s}]}, {s:b, s:s, s:[{s:s, "
                  "s:{s:s}}, {s:s, s:{s:s}}]}]}",
                  "table", "points", "axes", "known", "all", "verdict", "much", "axes", "known", "half", "size",
                  "small", "verdict", "little", "claims", "primary", 1, "state", "holds", "points", "text", "holds: it",
                  "primary", 0, "state", "fails", "points", "text", "fails: one", "axes", "known", "all", "text",
                  "holds: other", "axes", "known", "half");
    char *text = print(result);
    static const char *const parts[] = {
        "\nClaim\n  holds: it.\n",
        "\nExploratory\n  known all: fails: one.\n  known half: holds: other.\n  All together: fails.\n",
        "\n==== known all\n\nVerdict: much.\n", "\n==== known half, size small\n\nVerdict: little.\n"};
    const char *at = text;
    for (int i = 0; i < 4; i++) {
        at = strstr(at, parts[i]);
        if (!at)
            fail_msg("not there: %s\n%s", parts[i], text);
    }
    free(text);
    json_decref(result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_as_stored),
        cmocka_unit_test(models_that_are_gone_are_not_pointed_at),
        cmocka_unit_test(wide_tables_are_cut_up),
        cmocka_unit_test(what_classifiers_found_is_a_line_a_model),
        cmocka_unit_test(what_methods_say_is_a_line_a_model),
        cmocka_unit_test(savings_stand_below_their_attack),
        cmocka_unit_test(rungs_of_another_strength_are_not_compared),
        cmocka_unit_test(curves_are_a_line_each),
        cmocka_unit_test(foreign_texts_stay_in_their_line),
        cmocka_unit_test(ladders_stand_beside_their_twin),
        cmocka_unit_test(attacks_that_train_say_on_what),
        cmocka_unit_test(trials_have_operations),
        cmocka_unit_test(regions_of_all_tokens_are_not_told_apart),
        cmocka_unit_test(losses_are_in_the_unit_of_the_data),
        cmocka_unit_test(numbers_of_seeds_are_whole),
        cmocka_unit_test(points_follow_each_other),
    };
    return cmocka_run_group_tests_name("results as text", tests, setup, teardown);
}
