/* Methods: what `train` does by its options, what `ablate` leaves of a parent, and what a method may see of labels. */
#include <string.h>

#include "gradroute/method.h"
#include "gradroute/surgery.h"
#include "gradroute/verify.h"
#include "io/digest.h"
#include "io/file.h"
#include "io/yaml.h"
#include "lab_helpers.h"
#include "method/training.h"

static gr_registry *registry;
static gr_project *project; /* half of the labels are hidden */
static const gr_method *train, *ablate;

static const char *const half[] = {"labels.animals={is: [animal], known: 0.5, hidden_as: core}", "train.steps=4",
                                   "train.groups=[{parameters: \"animals.*\", lr: 3}]"};

static gr_settings *options(const gr_method *method, const char *text) {
    gr_error err = {0};
    gr_settings *settings;
    gr_yaml *root;
    gr_test_ok(gr_yaml_parse(&root, text, strlen(text), "options", &err), &err);
    gr_test_ok(gr_settings_read(&settings, method->option, NULL, root, &err), &err);
    gr_yaml_free(root);
    return settings;
}

/* ---- train: what it reads, and by which routes ---- */

/* What a training by these options is made of. */
typedef struct opened {
    gr_settings *settings;
    gr_arch_def *def;
    gr_model *model;
    gr__training own;
} opened;

static opened open_training(const char *text) {
    opened o = {.settings = options(train, text)};
    gr_error err = {0};
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

/* Without routes there is no router, and settings of the regions' own parameters do not hold. */
static void without_routes_regions_are_as_the_rest(void **state) {
    (void)state;
    opened routed = open_training("{}"), plain = open_training("{routes: none}");
    assert_non_null(routed.own.router);
    assert_int_equal(routed.own.def.optim.groups, 1);
    assert_null(plain.own.router);
    assert_int_equal(plain.own.def.optim.groups, 0);
    assert_int_equal(gr_model_size(routed.model), gr_model_size(plain.model));
    close_training(&routed);
    close_training(&plain);
}

static void regions_are_taken_out(void **state) {
    (void)state;
    opened whole = open_training("{routes: none}"), out = open_training("{routes: none, regions: out}");
    assert_int_equal(whole.def->region_count, 1);
    assert_int_equal(out.def->region_count, 0);
    assert_true(gr_model_size(out.model) < gr_model_size(whole.model));
    close_training(&whole);
    close_training(&out);
}

/* Documents of a stream's first steps: of a revealed label, of a hidden one, of none. */
static void count_read(int read[3], const char *text) {
    opened o = open_training(text);
    const gr_labels *l = project->labels;
    gr_rows rows;
    memset(read, 0, 3 * sizeof *read);
    for (int step = 0; step < 16; step++) {
        gr_stream_next(o.own.stream, step, &rows);
        for (int i = 0; i < rows.sequences * rows.width; i++) {
            int32_t d = rows.doc[i];
            if (d >= 0)
                read[l->revealed[d] > 0 ? 0 : l->truth[d] > 0 ? 1 : 2]++;
        }
    }
    close_training(&o);
}

/* A filter by revealed labels reads what is hidden; one by true labels does not. */
static void filters(void **state) {
    (void)state;
    int all[3], revealed[3], truth[3];
    count_read(all, "{}");
    count_read(revealed, "{without: revealed}");
    count_read(truth, "{without: true_labels}");
    assert_true(all[0] > 0 && all[1] > 0 && all[2] > 0);
    assert_true(revealed[0] == 0 && revealed[1] == all[1] && revealed[2] == all[2]);
    assert_true(truth[0] == 0 && truth[1] == 0 && truth[2] == all[2]);

    /* One by a classifier reads little of what is hidden, and misses little else. */
    int found[3], more[3];
    count_read(found, "{without: classified}");
    count_read(more, "{without: {classified: {lost: 0.5}}}");
    assert_true(found[0] == 0 && found[1] < all[1] / 4 && found[2] > 0.9 * all[2]);
    assert_true(more[0] == 0 && more[1] <= found[1] && more[2] < 0.8 * all[2]);
}

/* What a classifier finds is shown as the label: hidden documents, and those alone, for words say here what they are.
 * The project keeps its own labels, and keys are made without it. */
static void spread_labels(void **state) {
    (void)state;
    opened o = open_training("{labels: spread}"), soft = open_training("{labels: {spread: {lost: 1, soft: true}}}");
    const gr_labels *own = project->labels, *shown = o.own.shown.project.labels, *all = soft.own.shown.project.labels;
    size_t hidden = 0, found = 0, wrong = 0;
    for (size_t d = 0; d < own->docs; d++) {
        hidden += own->truth[d] > 0 && own->revealed[d] <= 0;
        found += own->truth[d] > 0 && own->revealed[d] <= 0 && shown->revealed[d] == 1;
        wrong += own->truth[d] == 0 && shown->revealed[d] == 1;
        assert_true(own->revealed[d] <= 0 || shown->revealed[d] == own->revealed[d]);
        assert_true(all->revealed[d] == 1 && all->score[d] > 0 && all->score[d] <= 1);
    }
    assert_true(hidden > 30 && found > 0.7 * (double)hidden && wrong < 0.1 * (double)hidden);
    assert_null(own->score);
    close_training(&o);
    close_training(&soft);

    gr__shown given;
    gr_error err = {0};
    gr_settings *settings = options(train, "{labels: spread, without: classified}");
    gr_test_ok(gr__shown_open_given(&given, project, settings, &err), &err);
    assert_true(given.project.labels == own && !given.owns && !given.report && !given.filtered);
    gr__shown_close(&given);
    gr_settings_free(settings);
}

/* A classifier of labels that say nothing finds nothing; both views own the labels that they made. */
static void views_follow_each_other(void **state) {
    (void)state;
    opened o = open_training("{routes: none, labels: permuted, without: classified}");
    assert_int_equal(o.own.shown.owns, 2);
    assert_true(o.own.shown.report[0].auc > 0.3 && o.own.shown.report[0].auc < 0.7);
    close_training(&o);
}

/* A placebo has as many labels, on other documents, and the project keeps its own. */
static void permuted_labels(void **state) {
    (void)state;
    opened o = open_training("{labels: permuted}");
    const gr_labels *own = project->labels, *shown = o.own.shown.project.labels;
    size_t before = 0, after = 0, same = 0;
    assert_ptr_not_equal(own, shown);
    for (size_t d = 0; d < own->docs; d++) {
        before += own->revealed[d] > 0;
        after += shown->revealed[d] > 0;
        same += own->revealed[d] > 0 && shown->revealed[d] > 0;
    }
    assert_int_equal(before, after);
    assert_true(same < before);
    assert_ptr_equal(o.own.def.labels, shown);
    close_training(&o);

    o = open_training("{}");
    assert_ptr_equal(o.own.shown.project.labels, own);
    close_training(&o);
}

static void diagnostics_are_of_what_is_watched(void **state) {
    (void)state;
    opened silent = open_training("{}"), watched = open_training("{watch: true}");
    assert_null(silent.own.def.diagnostics.data);
    assert_ptr_equal(watched.own.def.diagnostics.data, project->data);
    close_training(&silent);
    close_training(&watched);
}

static void unknown_words_are_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"{routes: nine}", "{labels: permuted_}", "{without: reveled}",
                                        "{regions: off_}"};
    for (int i = 0; i < 4; i++) {
        gr_error err = {0};
        gr_settings *settings;
        assert_int_equal(gr__train_settings(&settings, wrong[i], &err), GR_ERR_USAGE);
        assert_non_null(strstr(err.place, "options:1:"));
    }
}

/* A recipe of its own: with what is set, and else the base's. */
static void keys_of_the_recipe_are_set(void **state) {
    (void)state;
    gr_error err = {0};
    gr_yaml *root;
    gr_settings *settings;
    gr_recipe *own;
    static const char text[] = "{set: {train.steps: 7, preset.p_cr: 0.5}}";
    gr_test_ok(gr_yaml_parse(&root, text, strlen(text), "options", &err), &err);
    gr_test_ok(gr_settings_read(&settings, train->option, NULL, root, &err), &err);
    gr_test_ok(train->recipe(&own, project->recipe, settings, &err), &err);
    assert_int_equal(own->train.steps, 7);
    double share = 0;
    for (int i = 0; i < own->routes->count; i++)
        for (int k = 0; k < own->routes->route[i].options; k++)
            share = own->routes->route[i].option[k].chance == 0.5 ? 0.5 : share;
    assert_true(share == 0.5);
    assert_int_equal(own->train.batch, project->recipe->train.batch);
    assert_int_equal(project->recipe->train.steps, 4);
    gr_recipe_free(own);
    gr_settings_free(settings);
    gr_yaml_free(root);
}

/* ---- train: keys ---- */

static void digest_of(char hex[GR_DIGEST_HEX], const char *text) {
    gr_error err = {0};
    gr_settings *settings = options(train, text);
    gr_digest *digest = gr_digest_new();
    gr_test_ok(gr_method_digest(train, &(gr_making){.project = project, .settings = settings}, digest, &err), &err);
    gr_digest_end(digest, hex);
    gr_settings_free(settings);
}

/* What is shown decides a key: other labels, other documents; who watches does not. Rows hold documents of one label,
 * so labels count where no route reads them. */
static void what_is_shown_is_in_the_key(void **state) {
    (void)state;
    static const char *const shown[] = {"{}", "{labels: permuted}", "{without: revealed}", "{without: true_labels}",
                                        "{labels: spread}"};
    char hex[5][GR_DIGEST_HEX], again[GR_DIGEST_HEX];
    for (int i = 0; i < 5; i++) {
        digest_of(hex[i], shown[i]);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(hex[i], hex[k]);
    }
    digest_of(again, "{watch: true, routes: none}");
    assert_string_equal(again, hex[0]);

    /* The truth is in it where it is read, and nowhere else. */
    int16_t *truth = project->labels->truth;
    size_t d = 0;
    while (truth[d] == 0)
        d++;
    truth[d] = 0;
    for (int i = 0; i < 5; i++) {
        digest_of(again, shown[i]);
        assert_int_equal(strcmp(again, hex[i]) != 0, i == 3);
    }
    truth[d] = 1;
}

/* ---- making ---- */

static bool same_parameters(const gr_model *a, const gr_model *b) {
    bool same = gr_model_params(a) == gr_model_params(b);
    for (int p = 0; same && p < gr_model_params(a); p++) {
        size_t n = (size_t)gr_model_param(a, p)->rows * (size_t)gr_model_param(a, p)->cols;
        same = memcmp(gr_model_data((gr_model *)a, p), gr_model_data((gr_model *)b, p), n * sizeof(gr_real)) == 0;
    }
    return same;
}

static gr_made make(const char *text, const char *folder, gr_ledger *rows) {
    gr_error err = {0};
    gr_made made;
    gr_settings *settings = options(train, text);
    gr_making making = {.project = project,
                        .settings = settings,
                        .name = "it",
                        .folder = gr_test_path(folder),
                        .key = "0123",
                        .rows = rows};
    gr_test_ok(gr_directory_make(making.folder, &err), &err);
    gr_test_ok(gr_method_check(train, &making, &err), &err);
    gr_test_ok(gr_method_make(&made, train, &making, &err), &err);
    gr_settings_free(settings);
    return made;
}

/* What keys of models without routes leave out changes no bit of them, scores that routes count included. */
static void without_routes_no_routing_is_read(void **state) {
    (void)state;
    static const char *const sets[][6] = {
        {"preset.p_cr=0.5"},
        {"preset={name: sgtm}"},
        {"preset={name: era}"},
        {"preset={name: era, bias: 1}", "routes=[{label: core, parameter: {animals: 0.5}}]"}};
    gr_project *own = project;
    gr_made first = {0};
    for (int i = 0; i < 4; i++) {
        const char *all[8] = {"regions={animals: {mlp: {add: 8}}}", "model.l1=0.001", half[0], half[1]};
        int count = 4;
        for (int k = 0; sets[i][k]; k++)
            all[count++] = sets[i][k];
        char folder[16];
        snprintf(folder, sizeof folder, "unread %d", i);
        project = lab_open(all, count);
        gr_made made = make("{routes: none}", folder, NULL);
        lab_close(project);
        if (!i) {
            first = made;
            continue;
        }
        assert_true(same_parameters(first.bundle->model, made.bundle->model));
        gr_made_free(&made);
    }
    gr_made_free(&first);
    project = own;
}

/* A model made in a folder of somebody else is the one of a run of its own, to the last bit, and says what it is. */
static void a_model_is_made(void **state) {
    (void)state;
    gr_error err = {0};
    gr_made run;
    gr_ledger *rows = gr_ledger_new();
    gr_made made = make("{}", "made", rows);
    gr_test_ok(gr_project_train(&run, project, gr_test_path("run"), NULL, &err), &err);
    assert_true(same_parameters(made.bundle->model, run.bundle->model));
    assert_true(made.owns && made.off_count == 0 && made.steps == 4 && made.tokens == run.tokens);
    assert_string_equal(made.bundle->info.data[1].name, "cell");
    assert_string_equal(made.bundle->info.data[1].sha256, "0123");

    const gr_entry *model = gr_ledger_find(rows, "model", NULL), *region = gr_ledger_find(rows, "region", NULL);
    assert_true(gr_entry_number(model, "parameters") == (double)gr_model_size(made.bundle->model));
    assert_true(gr_entry_number(model, "core") + gr_entry_number(region, "parameters") ==
                gr_entry_number(model, "parameters"));
    assert_true(gr_entry_number(model, "steps") == 4 && gr_entry_number(model, "tokens") == (double)made.tokens);
    assert_in_range(gr_entry_number(region, "tokens"), 1, made.tokens);
    assert_true(gr_entry_number(region, "flops") > 0);
    assert_true(gr_entry_number(model, "flops") > gr_entry_number(region, "flops"));
    assert_true(gr_entry_number(model, "by_truth") == 0 && gr_entry_number(model, "regions_out") == 0);

    /* Half of the label is not shown. */
    const gr_entry *read = gr_ledger_find(rows, "read", NULL);
    assert_string_equal(gr_entry_text(read, "name"), "animals");
    assert_in_range(gr_entry_number(read, "hidden"), 1, gr_entry_number(read, "tokens") - 1);
    assert_in_range(gr_entry_number(read, "tokens"), 1, made.tokens - 1);
    gr_ledger_free(rows);
    gr_made_free(&made);

    rows = gr_ledger_new();
    made = make("{routes: none, without: true_labels, regions: out}", "filter", rows);
    model = gr_ledger_find(rows, "model", NULL);
    assert_true(gr_entry_number(model, "by_truth") == 1 && gr_entry_number(model, "regions_out") == 1);
    assert_null(gr_ledger_find(rows, "region", NULL));
    assert_false(same_parameters(made.bundle->model, run.bundle->model));
    gr_ledger_free(rows);
    gr_made_free(&made);

    /* By a classifier: how well it told them apart, by what is known and by what is true. */
    rows = gr_ledger_new();
    made = make("{routes: none, without: {classified: {recall: 0.8}}, regions: out}", "classified", rows);
    const gr_entry *found = gr_ledger_find(rows, "found", NULL);
    assert_non_null(found);
    assert_true(gr_entry_number(found, "recall") >= 0.8 && gr_entry_number(found, "lost") > 0.05);
    assert_true(gr_entry_number(found, "hidden_auc") > 0.95 && gr_entry_number(found, "core_lost") < 0.1);
    assert_true(gr_entry_number(found, "hidden_recall") > 0.6);
    gr_ledger_free(rows);
    gr_made_free(&made);
    gr_made_free(&run);
}

/* Refused before a model is made: a route whose labels nobody sees. Without routes there is none. */
static void a_route_that_never_acts(void **state) {
    (void)state;
    gr_error err = {0};
    gr_project *hidden = lab_open((const char *[]){"labels.animals={is: [animal], known: 0}"}, 1);
    gr_settings *routed = options(train, "{}"), *plain = options(train, "{routes: none}");
    assert_int_equal(gr_method_check(train, &(gr_making){.project = hidden, .settings = routed}, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "never acts"));
    gr_test_ok(gr_method_check(train, &(gr_making){.project = hidden, .settings = plain}, &err), &err);
    gr_settings_free(routed);
    gr_settings_free(plain);
    lab_close(hidden);
}

/* ---- ablate ---- */

static gr_status take_away(gr_made *out, const gr_made *parent, const char *text, const char *folder, gr_error *err) {
    gr_settings *settings = options(ablate, text);
    gr_making making = {
        .project = project, .settings = settings, .parent = parent, .name = "cut", .folder = folder, .key = "4567"};
    gr_status status = gr_method_make(out, ablate, &making, err);
    gr_settings_free(settings);
    return status;
}

/* Switched: the parent's weights and a name. Removed: a network of its own. */
static void regions_are_taken_away(void **state) {
    (void)state;
    gr_error err = {0};
    gr_made parent = make("{}", "parent", NULL), off, again, removed, none;
    gr_test_ok(take_away(&off, &parent, "{}", NULL, &err), &err);
    assert_true(off.bundle == parent.bundle && !off.owns);
    assert_string_equal(off.path, parent.path);
    assert_int_equal(off.off_count, 1);
    assert_string_equal(off.off[0], "animals");

    /* What is off already is off once. */
    gr_test_ok(take_away(&again, &off, "{regions: animals, how: switch}", NULL, &err), &err);
    assert_int_equal(again.off_count, 1);

    const char *folder = gr_test_path("removed");
    gr_test_ok(gr_directory_make(folder, &err), &err);
    gr_test_ok(take_away(&removed, &parent, "{how: remove}", folder, &err), &err);

    /* It says what its parent says of its data, and in which cell it was made. */
    const gr_bundle_info *of = &parent.bundle->info, *info = &removed.bundle->info;
    assert_int_equal(info->data_count, of->data_count + 1);
    assert_string_equal(info->data[of->data_count - 1].sha256, of->data[of->data_count - 1].sha256);
    assert_string_equal(info->data[of->data_count].name, "cell");
    assert_string_equal(info->data[of->data_count].sha256, "4567");
    assert_true(removed.owns && removed.bundle != parent.bundle && removed.off_count == 0);
    assert_int_equal(removed.bundle->def->region_count, 0);
    assert_int_equal(parent.bundle->def->region_count, 1);

    /* What is gone cannot go again, and what is unknown not at all. */
    assert_int_equal(take_away(&none, &removed, "{}", NULL, &err), GR_ERR_USAGE);
    gr_test_error(&err, "cut", "no region 'animals'");
    err = (gr_error){0};
    assert_int_equal(take_away(&none, &parent, "{regions: [animals, plants]}", NULL, &err), GR_ERR_USAGE);
    gr_test_error(&err, "cut", "no region 'plants'");
    gr_made_free(&removed);
    gr_made_free(&again);
    gr_made_free(&off);
    assert_int_equal(parent.bundle->def->region_count, 1);
    gr_made_free(&parent);
}

/* How far a network is from the parent with its region off, in logits; its own region off too, where that is said. */
static double distance(const gr_made *made, bool off_too, const gr_made *parent) {
    static const char *const region[] = {"animals"};
    gr_error err = {0};
    gr_tables *off, *own = NULL;
    gr_probe *probe;
    double largest;
    gr_test_ok(gr_profile_new(&off, parent->bundle->model, region, 1, &err), &err);
    if (off_too)
        gr_test_ok(gr_profile_new(&own, made->bundle->model, region, 1, &err), &err);
    gr_test_ok(gr_probe_open(&probe, NULL, parent->bundle, &err), &err);
    gr_surgery_side side[2] = {{made->bundle->model, own}, {parent->bundle->model, off}};
    gr_test_ok(gr_surgery_compare(&largest, side, gr_probe_positions(probe), gr_probe_next, probe, &err), &err);
    gr_probe_free(probe);
    gr_tables_free(own);
    gr_tables_free(off);
    return largest;
}

/* Regions of neurons and heads alone can be silenced in the weights: at zero as if they were off, by their mean, which
 * is another network, or drawn anew, which is the parent where they are off. */
static void regions_are_silenced(void **state) {
    (void)state;
    static const char *const hows[] = {"{how: zero}", "{how: mean}", "{how: reinit}", "{how: remove}"};
    gr_error err = {0};
    gr_project *before = project;
    gr_made parent, made[4];
    project = lab_open((const char *[]){"regions={animals: {heads: {add: 1}, mlp: {add: 8}}}", "preset=sgtm"}, 2);
    parent = make("{}", "whole", NULL);
    for (int i = 0; i < 4; i++) {
        char folder[32];
        snprintf(folder, sizeof folder, "silenced-%d", i);
        gr_test_ok(gr_directory_make(gr_test_path(folder), &err), &err);
        gr_test_ok(take_away(&made[i], &parent, hows[i], gr_test_path(folder), &err), &err);
        assert_true(made[i].owns && made[i].off_count == 0);
    }
    assert_true(distance(&parent, false, &parent) > 1e-2);
    assert_true(distance(&made[0], false, &parent) < 1e-4);
    assert_true(distance(&made[1], false, &parent) > 1e-3);
    assert_true(distance(&made[2], false, &parent) > 1e-2 && distance(&made[2], true, &parent) < 1e-4);
    assert_true(distance(&made[3], false, &parent) < 1e-4);
    for (int i = 0; i < 4; i++)
        gr_made_free(&made[i]);
    gr_made_free(&parent);
    lab_close(project);
    project = before;

    /* A mean has no place behind a residual group. */
    gr_made none;
    parent = make("{}", "grouped", NULL);
    assert_int_equal(take_away(&none, &parent, "{how: mean}", gr_test_path("none"), &err), GR_ERR_USAGE);
    gr_made_free(&parent);
}

static void only_a_switch_is_a_view(void **state) {
    (void)state;
    gr_settings *switched = options(ablate, "{}"), *removed = options(ablate, "{how: remove}");
    assert_true(ablate->from && ablate->view(switched) && !ablate->view(removed));
    assert_true(!train->from && !train->view);
    gr_settings_free(switched);
    gr_settings_free(removed);
}

/* Names are known before there is a parent. */
static void ablate_is_checked(void **state) {
    (void)state;
    gr_error err = {0};
    gr_settings *good = options(ablate, "{}"), *bad = options(ablate, "{regions: plants}");
    gr_test_ok(gr_method_check(ablate, &(gr_making){.project = project, .settings = good, .name = "cut"}, &err), &err);
    assert_int_equal(gr_method_check(ablate, &(gr_making){.project = project, .settings = bad, .name = "cut"}, &err),
                     GR_ERR_USAGE);
    gr_settings_free(good);
    gr_settings_free(bad);
}

/* ---- what a method sees ---- */

static size_t hidden_seen, labelled_seen, forget_group;
static const gr_shards *shards_seen;

static gr_status look(gr_made *made, const gr_making *making, gr_error *err) {
    (void)err;
    const gr_labels *shown = making->project->labels, *own = project->labels;
    hidden_seen = labelled_seen = 0;
    forget_group = shown->group_docs[0];
    shards_seen = making->project->shards;
    for (size_t d = 0; d < own->docs; d++) {
        bool hidden = own->truth[d] > 0 && own->revealed[d] <= 0;
        hidden_seen += hidden && (shown->truth[d] > 0 || shown->group[d] == 0);
        labelled_seen += own->revealed[d] > 0 && shown->truth[d] == own->revealed[d];
    }
    *made = (gr_made){0};
    return GR_OK;
}

/* A method that does not see all has labels without a truth of their own; the project keeps its truth. */
static void hidden_labels_stay_hidden(void **state) {
    (void)state;
    gr_error err = {0};
    gr_made made;
    const gr_labels *l = project->labels;
    size_t hidden = 0, revealed = 0;
    for (size_t d = 0; d < l->docs; d++) {
        hidden += l->truth[d] > 0 && l->revealed[d] <= 0;
        revealed += l->revealed[d] > 0;
    }
    assert_true(hidden > 20 && revealed > 20);

    gr_project packed = *project; /* rows of shards are of all documents: nobody reads them who may not read those */
    packed.shards = (gr_shards *)&packed;
    gr_making making = {.project = &packed};
    gr_method method = {.name = "look", .sees = GR_SEES_ALL, .make = look};
    gr_test_ok(gr_method_make(&made, &method, &making, &err), &err);
    assert_int_equal(hidden_seen, hidden);
    assert_true(labelled_seen == revealed && shards_seen == packed.shards);
    for (method.sees = GR_SEES_REVEALED; method.sees <= GR_SEES_RETAIN; method.sees++) {
        gr_test_ok(gr_method_make(&made, &method, &making, &err), &err);
        assert_int_equal(hidden_seen, 0);
        assert_int_equal(labelled_seen, revealed);
        assert_int_equal(forget_group, revealed);
        assert_ptr_equal(shards_seen, method.sees == GR_SEES_REVEALED ? packed.shards : NULL);
    }
    assert_int_equal(project->labels, l);
}

static int open_all(void **state) {
    int status = gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    project = lab_open(half, 3);
    registry = gr_registry_new();
    train = gr_registry_method(registry, "train");
    ablate = gr_registry_method(registry, "ablate");
    return status;
}

static int close_all(void **state) {
    gr_registry_free(registry);
    lab_close(project);
    return gr_test_files_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_routes_regions_are_as_the_rest),
        cmocka_unit_test(regions_are_taken_out),
        cmocka_unit_test(filters),
        cmocka_unit_test(permuted_labels),
        cmocka_unit_test(spread_labels),
        cmocka_unit_test(views_follow_each_other),
        cmocka_unit_test(diagnostics_are_of_what_is_watched),
        cmocka_unit_test(unknown_words_are_refused),
        cmocka_unit_test(keys_of_the_recipe_are_set),
        cmocka_unit_test(what_is_shown_is_in_the_key),
        cmocka_unit_test(without_routes_no_routing_is_read),
        cmocka_unit_test(a_model_is_made),
        cmocka_unit_test(a_route_that_never_acts),
        cmocka_unit_test(regions_are_taken_away),
        cmocka_unit_test(regions_are_silenced),
        cmocka_unit_test(only_a_switch_is_a_view),
        cmocka_unit_test(ablate_is_checked),
        cmocka_unit_test(hidden_labels_stay_hidden),
    };
    return cmocka_run_group_tests_name("method", tests, open_all, close_all);
}
