/* Trainings without a share of the documents of a label: which those are, what is read then, and what is counted. */
#include <math.h>
#include <string.h>

#include "corpus/dataset.h"
#include "lab_helpers.h"
#include "method/training.h"

static const char *const half[] = {"labels={animals: {is: [animal], known: 0.5, hidden_as: core}, tools: {is: [tool]}}",
                                   "regions={animals: {mlp: {add: 8}}, tools: {mlp: {add: 16}}}", "preset={name: gram}",
                                   "train.steps=60"};

static gr_project *project; /* half of the animals and all tools are known */

/* A training of the test's project by options; close_training. */
typedef struct opened {
    gr_settings *settings;
    gr_arch_def *def;
    gr_model *model;
    gr__training own;
} opened;

static opened open_training(const char *text) {
    opened o;
    gr_error err = {0};
    gr_test_ok(gr__train_settings(&o.settings, text, &err), &err);
    gr_test_ok(gr__train_network(&o.def, &o.model, project, o.settings, &err), &err);
    gr_test_ok(gr__training_open(&o.own, o.model, project, o.settings, "it", NULL, &err), &err);
    return o;
}

static void close_training(opened *o) {
    gr__training_close(&o->own);
    gr_model_free(o->model);
    gr_arch_free(o->def);
    gr_settings_free(o->settings);
}

/* Whether a document is read within the steps of two epochs, by number; and how many documents of each of three sorts
 * are: animals that are shown, hidden ones, tools. */
typedef struct reading {
    bool read[LAB_DOCS];
    int sort[3], others;
} reading;

static reading read_by(const char *text) {
    opened o = open_training(text);
    const gr_labels *l = project->labels;
    gr_rows rows;
    reading r = {0};
    for (int step = 0; step < 200; step++) {
        gr_stream_next(o.own.stream, step, &rows);
        for (int i = 0; i < rows.sequences * rows.width; i++)
            if (rows.doc[i] >= 0)
                r.read[rows.doc[i]] = true;
    }
    for (int d = 0; d < LAB_DOCS; d++) {
        if (!r.read[d])
            continue;
        if (l->truth[d] == 0)
            r.others++;
        else
            r.sort[l->truth[d] == 2 ? 2 : l->revealed[d] == 1 ? 0 : 1]++;
    }
    close_training(&o);
    return r;
}

static int rest(int count, double share) { return count - (int)llround(share * count); }

/* The share is exact for each label by itself, and what has no such label is read as ever. */
static void a_share_of_each_label_is_left_out(void **state) {
    (void)state;
    const reading all = read_by("{}");
    const int animals = all.sort[0] + all.sort[1];
    assert_true(all.sort[0] > 20 && all.sort[1] > 20 && all.sort[2] > 40 && all.others > 100);
    static const double shares[] = {0, 0.1, 0.25, 0.5, 0.9, 1};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        char text[96];
        if (shares[i] < 1) { /* else nothing of either label stays */
            snprintf(text, sizeof text, "{without: {true_labels: {share: %g}}}", shares[i]);
            const reading r = read_by(text);
            assert_int_equal(r.sort[0] + r.sort[1], rest(animals, shares[i]));
            assert_int_equal(r.sort[2], rest(all.sort[2], shares[i]));
            assert_int_equal(r.others, all.others);
        }

        /* What is not shown as a label is no part of a share of what is. */
        snprintf(text, sizeof text, "{without: {revealed: {share: %g, labels: [animals]}}}", shares[i]);
        const reading r = read_by(text);
        assert_int_equal(r.sort[0], rest(all.sort[0], shares[i]));
        assert_int_equal(r.sort[1], all.sort[1]);
        assert_int_equal(r.sort[2], all.sort[2]);
        assert_int_equal(r.others, all.others);
    }
}

/* Hidden documents are as likely to be left out as those that are shown. */
static void truth_decides_and_not_what_is_shown(void **state) {
    (void)state;
    const reading all = read_by("{}"), some = read_by("{without: {true_labels: {share: 0.5}}}");
    assert_true(some.sort[0] > all.sort[0] / 5 && some.sort[0] < 4 * all.sort[0] / 5);
    assert_true(some.sort[1] > all.sort[1] / 5 && some.sort[1] < 4 * all.sort[1] / 5);
}

/* A larger share leaves out all that a smaller one does: exposures differ by what is added alone. */
static void shares_are_nested(void **state) {
    (void)state;
    const reading few = read_by("{without: {true_labels: {share: 0.8}}}"),
                  more = read_by("{without: {true_labels: {share: 0.3}}}");
    int added = 0;
    for (int d = 0; d < LAB_DOCS; d++) {
        assert_true(more.read[d] || !few.read[d]);
        added += more.read[d] && !few.read[d];
    }
    assert_true(added > 40);

    /* And a share of 1 is what stands without one. */
    const reading one = read_by("{without: {true_labels: {share: 1, labels: [animals]}}}"),
                  none = read_by("{without: {true_labels: {labels: [animals]}}}");
    assert_memory_equal(&one, &none, sizeof one);
}

/* Another split_seed draws others, and order_seed draws none. */
static void draws_are_keyed(void **state) {
    (void)state;
    static const char text[] = "{without: {true_labels: {share: 0.5}}}";
    gr_recipe *r = (gr_recipe *)project->recipe;
    const reading first = read_by(text);
    r->order_seed++;
    const reading again = read_by(text);
    r->order_seed--;
    r->split_seed++;
    const reading other = read_by(text);
    r->split_seed--;
    assert_memory_equal(first.read, again.read, sizeof first.read);
    assert_memory_not_equal(first.read, other.read, sizeof first.read);
    assert_memory_equal(first.sort, again.sort, sizeof first.sort);
}

/* What stays stands where it stands without a filter: gaps are those of what is left out. */
static void others_keep_their_places(void **state) {
    (void)state;
    opened all = open_training("{}"), some = open_training("{without: {true_labels: {share: 0.5}}}");
    gr_rows whole, part;
    int kept = 0, gaps = 0;
    for (int step = 0; step < 20; step++) {
        gr_stream_next(all.own.stream, step, &whole);
        gr_stream_next(some.own.stream, step, &part);
        for (int s = 0, w = 0; s < part.sequences; s++, w++) {
            while (whole.unit[w] != part.unit[s])
                w++;
            for (int t = 0; t < part.width; t++) {
                const int32_t doc = part.doc[s * part.width + t], was = whole.doc[w * whole.width + t];
                assert_true(doc == was || (doc < 0 && project->labels->truth[was] > 0));
                kept += doc >= 0 && project->labels->truth[doc] > 0;
                gaps += doc != was;
            }
        }
    }
    assert_true(kept > 100 && gaps > 100);
    close_training(&all);
    close_training(&some);

    /* Filled up, no row has a gap, and the same documents are read. */
    const reading plain = read_by("{without: {true_labels: {share: 0.5}}}"),
                  fill = read_by("{without: {true_labels: {share: 0.5}}, fill: true}");
    assert_memory_equal(plain.read, fill.read, sizeof plain.read);
}

/* Targets of each label by the rows themselves. */
static void text_of_labels_is_counted(void **state) {
    (void)state;
    static const char *const texts[] = {"{}", "{routes: none, without: {true_labels: {share: 0.75}}}",
                                        "{routes: none, without: revealed}"};
    for (int i = 0; i < 3; i++) {
        opened o = open_training(texts[i]);
        gr_error err = {0};
        gr_tally tally;
        gr_rows rows;
        int64_t of[2] = {0}, hidden[2] = {0};
        gr_test_ok(gr_train_tally(&tally, &o.own.def, &err), &err);
        for (int step = 0; step < o.own.def.steps; step++) {
            gr_stream_next(o.own.stream, step, &rows);
            for (int t = 0; t < rows.sequences * rows.width; t++) {
                if (rows.doc[t] < 0 || rows.targets[t] < 0 || project->labels->truth[rows.doc[t]] == 0)
                    continue;
                const int k = project->labels->truth[rows.doc[t]] - 1;
                of[k]++;
                hidden[k] += project->labels->revealed[rows.doc[t]] != k + 1;
            }
        }
        assert_int_equal(tally.labels, 2);
        assert_memory_equal(tally.of_label, of, sizeof of);
        assert_memory_equal(tally.hidden, hidden, sizeof hidden);
        assert_true(hidden[0] > 0 && hidden[1] == 0);
        assert_true(i == 2 ? of[0] == hidden[0] && of[1] == 0 : of[0] > hidden[0] && of[1] > 0);
        gr_tally_free(&tally);
        close_training(&o);
    }
}

/* A long document is read with all of its pieces, or with none. */
static void pieces_go_together(void **state) {
    (void)state;
    const char *set[] = {half[0], half[1], half[2], half[3], "data.context=8", "data.long=split"};
    gr_project *own = project, *cut = project = lab_open(set, 6);
    opened o = open_training("{without: {true_labels: {share: 0.5, labels: [animals]}}}");
    const gr_dataset *data = project->data;
    const uint32_t *document = gr_dataset_drawn_by(data);
    const bool *spared = o.own.shown.spared;
    int stay = 0, go = 0;
    assert_true(document && data->topics.docs > 3 * (size_t)LAB_DOCS / 2);
    for (size_t i = 1; i < data->topics.docs; i++)
        if (document[i] == document[i - 1] && project->labels->truth[i] == 1) {
            assert_int_equal(spared[i], spared[i - 1]);
            stay += spared[i];
            go += !spared[i];
        }
    assert_true(stay > 20 && go > 20);
    close_training(&o);
    lab_close(cut);
    project = own;
}

static void digest_of(char *hex, const char *text) {
    gr_error err = {0};
    gr_settings *settings;
    gr_test_ok(gr__train_settings(&settings, text, &err), &err);
    gr_digest *digest = gr_digest_new();
    gr_making making = {.project = project, .settings = settings, .name = "it"};
    gr_test_ok(gr_method_digest(&gr__method_train, &making, digest, &err), &err);
    gr_digest_end(digest, hex);
    gr_settings_free(settings);
}

/* Which documents stay is in keys; without a share they are what they were. */
static void shares_are_in_the_key(void **state) {
    (void)state;
    static const char *const texts[] = {"{without: true_labels}", "{without: {true_labels: {share: 0.5}}}",
                                        "{without: {true_labels: {share: 0.25}}}"};
    char hex[3][GR_DIGEST_HEX], again[GR_DIGEST_HEX];
    for (int i = 0; i < 3; i++) {
        digest_of(hex[i], texts[i]);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(hex[i], hex[k]);
    }
    digest_of(again, "{without: {true_labels: {share: 1}}}");
    assert_string_equal(again, hex[0]);
}

static void nonsense_is_refused(void **state) {
    (void)state;
    gr_error err = {0};
    gr_settings *settings;
    assert_int_equal(gr__train_settings(&settings, "{without: {true_labels: {share: 1.5}}}", &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "share"));
    assert_int_equal(gr__train_settings(&settings, "{without: {classified: {share: 0.5}}}", &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "share"));

    /* Rows that are packed hold several documents. */
    err = (gr_error){0};
    gr_project packed = *project;
    packed.shards = (gr_shards *)project; /* it is only asked whether there are any */
    gr_test_ok(gr__train_settings(&settings, "{without: {true_labels: {share: 0.5}}}", &err), &err);
    assert_int_equal(gr__shown_check(&packed, settings, &err), GR_ERR_USAGE);
    assert_string_equal(err.place, "share");
    gr_settings_free(settings);
    gr_test_ok(gr__train_settings(&settings, "{without: true_labels}", &err), &err);
    gr_test_ok(gr__shown_check(&packed, settings, &err), &err);
    gr_settings_free(settings);
}

static int open_all(void **state) {
    int status = gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    project = lab_open(half, 4);
    return status;
}

static int close_all(void **state) {
    lab_close(project);
    return gr_test_files_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_of_each_label_is_left_out),
        cmocka_unit_test(truth_decides_and_not_what_is_shown),
        cmocka_unit_test(shares_are_nested),
        cmocka_unit_test(draws_are_keyed),
        cmocka_unit_test(others_keep_their_places),
        cmocka_unit_test(text_of_labels_is_counted),
        cmocka_unit_test(pieces_go_together),
        cmocka_unit_test(shares_are_in_the_key),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
