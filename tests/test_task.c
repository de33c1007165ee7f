/* Tasks: which one a recipe is of, what data are known by, another recipe on the same data, and a
 * task of a caller's own, which is opened, trained on and measured as any other. */
#include "gradroute/samples.h"
#include "gradroute/setting.h"
#include "io/digest.h"
#include "method/training.h"
#include "task_helpers.h"
#include "text/tokenizer.h"

/* ---- which task ---- */

static void a_recipe_is_of_the_task_that_fits_it(void **state) {
    (void)state;
    gr_registry *registry = gr_registry_new();
    gr_project *text = open_text(NULL, 0), *samples = open_samples(NULL, 0);
    assert_ptr_equal(text->task, gr_registry_task(registry, "text"));
    assert_ptr_equal(samples->task, gr_registry_task(registry, "samples"));
    assert_true(text->task->least_gap == 0.15 && samples->task->least_gap == 0);
    assert_string_equal(text->task->unit, "nats per token");
    assert_string_equal(samples->task->unit, "nats per sample");
    assert_null(gr_registry_task(registry, "tex"));
    lab_close(samples);
    lab_close(text);
    gr_registry_free(registry);
}

static void expect_refused(const char *text, const char *set, const char *place, const char *words) {
    gr_error err = {0};
    gr_project *project = NULL;
    gr_recipe *recipe = parse(text, &set, set != NULL);
    assert_int_equal(gr_project_open(&project, recipe, NULL, NULL, &err), GR_ERR_USAGE);
    assert_null(project);
    gr_test_error(&err, place ? place : err.place, words);
    gr_recipe_free(recipe);
}

static void a_task_is_named_or_refused(void **state) {
    (void)state;
    gr_project *named = open_text((const char *[]){"task=text"}, 1), *found = open_text(NULL, 0);
    assert_ptr_equal(named->task, found->task);
    assert_string_equal(named->data_digest, found->data_digest);
    lab_close(named);
    lab_close(found);

    /* A slip; a task that the data are not of; a network that reads something else. */
    expect_refused(text_recipe, "task=txt", "--set task=txt", "did you mean 'text'?");
    expect_refused(text_recipe, "task=samples", "data", "names no images");
    expect_refused(samples_recipe, "task=text", "data", "names no source");
    expect_refused(samples_recipe, "model.loss=squared", "model.arch", "a class each");
    expect_refused(samples_recipe, "model.sizes=[5, 8, 3]", "model.sizes", "5 inputs for samples of 4 values");
    expect_refused(samples_recipe, "model.sizes=[4, 8, 2]", "model.sizes", "2 outputs for 3 classes");

    /* Further sections are of a task that has them. */
    static const char with_grid[] = "task: text\ngrid: {size: 5}\ndata: {jsonl: corpus.jsonl}\n"
                                    "model: {arch: llama, layers: 1, width: 16, heads: 2}\ntrain: {steps: 1}\n";
    expect_refused(with_grid, NULL, NULL, "unknown key 'grid'");
}

/* ---- what the data are known by ---- */

static void expect_same(gr_project *p, const char *digest, bool same) {
    if (same)
        assert_string_equal(p->data_digest, digest);
    else
        assert_string_not_equal(p->data_digest, digest);
    lab_close(p);
}

static void the_digest_is_of_the_data_wherever_they_lie(void **state) {
    (void)state;
    char digest[65], run[65];
    gr_project *p = open_text(NULL, 0);
    strcpy(digest, p->data_digest);
    strcpy(run, p->digest);
    lab_close(p);

    /* The same corpus elsewhere; what data do not depend on. */
    lab_write_corpus("moved.jsonl");
    char *moved = gr_format("data.jsonl=%s", gr_test_path("moved.jsonl"));
    p = open_text((const char *[]){moved}, 1);
    assert_string_not_equal(p->digest, run);
    expect_same(p, digest, true);
    gr_free(moved);
    expect_same(open_text((const char *[]){"train.steps=3", "model.width=32", "routes=[]"}, 3), digest, true);

    /* Each of what they do depend on. */
    static const char *const sets[] = {"split_seed=2",
                                       "data.validation=0.11",
                                       "data.test=0.12",
                                       "data.tokenizer={train: 290}",
                                       "data.context=8",
                                       "labels.animals.known=0.5",
                                       "labels.animals.is=[act]",
                                       "labels={beasts: {is: [animal]}}",
                                       "labels.tools={is: [tool]}",
                                       "adjacent=[tool]",
                                       "labels={animals: {words: [bird, fish, horse, snake]}}"};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        expect_same(open_text(&sets[i], 1), digest, false);

    /* And of the corpus itself: topics at random leave every token as it is. */
    lab_write_topics("corpus.jsonl", true);
    expect_same(open_text(NULL, 0), digest, false);
    lab_write_corpus("corpus.jsonl");
    expect_same(open_text(NULL, 0), digest, true);
}

static void of_samples_too(void **state) {
    (void)state;
    char digest[65];
    gr_project *p = open_samples(NULL, 0);
    strcpy(digest, p->data_digest);
    lab_close(p);
    expect_same(open_samples((const char *[]){"data.mean=0.1"}, 1), digest, false);
    expect_same(open_samples((const char *[]){"data.std=0.5"}, 1), digest, false);
    expect_same(open_samples((const char *[]){"data.validation=0.1"}, 1), digest, false);
    write_samples(1, 0);
    expect_same(open_samples(NULL, 0), digest, false);
    write_samples(0, 1);
    expect_same(open_samples(NULL, 0), digest, false);
    write_samples(0, 0);
    expect_same(open_samples(NULL, 0), digest, true);
}

/* Every list and number by itself: one bit of it is another digest, and back it is the first. */
static void each_part_of_the_data_is_in_it(void **state) {
    (void)state;
    gr_project *p = open_text((const char *[]){"labels={birds: {words: [bird, saw], per: token, known: 0.5}}"}, 1);
    gr_project *s = open_samples(NULL, 0);
    gr_tokenizer *t = p->tokenizer;
    gr_labels *l = p->labels;
    gr_dataset *d = p->data;
    struct {
        gr_project *of;
        void *at;
    } parts[] = {
        {p, (void *)&d->ids[5]},
        {p, (void *)&d->offsets[3]},
        {p, (void *)&d->train[2]},
        {p, (void *)&d->validation[0]},
        {p, (void *)&d->test[1]},
        {p, (void *)&d->topics.of[7]},
        {p, &d->vocab},
        {p, &d->eot},
        {p, &d->start},
        {p, &d->read},
        {p, &d->duplicates},
        {p, &l->truth[1]},
        {p, &l->revealed[2]},
        {p, &l->group[3]},
        {p, &l->known[0]},
        {p, &l->token_truth[9]},
        {p, &l->token_revealed[9]},
        {p, l->label_names[0]},
        {p, l->group_names[1]},
        {p, d->topics.names[2]},
        {s, (void *)&s->data->values[11]},
        {p, &t->bytes[260]},
        {p, &t->tokens[9].kind},
        {p, &t->merges[1].rank},
        {s, &s->data->value_width},
        {s, &s->data->mean},
        {s, (void *)&s->data->topics.of[4]},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char hex[GR_DIGEST_HEX];
        for (int changed = 1; changed >= 0; changed--) {
            if (parts[i].at == (void *)&s->data->value_width && changed)
                s->data->value_width--; /* one more would read beyond the values */
            else if (parts[i].at == (void *)&s->data->value_width)
                s->data->value_width++;
            else
                *(unsigned char *)parts[i].at ^= 1;
            gr_digest *digest = gr_digest_new();
            parts[i].of->task->digest(parts[i].of, digest);
            gr_digest_end(digest, hex);
            if ((strcmp(hex, parts[i].of->data_digest) != 0) != changed)
                fail_msg("part %zu: the digest %s", i, changed ? "is the same" : "does not come back");
        }
    }
    lab_close(s);
    lab_close(p);
}

/* ---- facts and rows ---- */

static void facts_are_what_experiments_ask_for(void **state) {
    (void)state;
    static const char *const words[] = {"labels", "hidden_labels", "rule_labels", "document_labels", "nonsense"};
    static const struct {
        const char *set;
        bool holds[5];
    } cases[] = {
        {"seed=1", {true, false, false, true, false}},
        {"labels.animals.known=0.5", {true, true, false, true, false}},
        {"labels.animals.known=0.999", {true, true, false, true, false}}, /* which hides none of so few */
        {"labels.animals.precision=0.9", {true, true, false, true, false}},
        {"labels={birds: {words: [bird]}}", {true, false, true, true, false}},
        {"labels={birds: {words: [bird], per: token}}", {true, false, true, false, false}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gr_project *p = open_text(&cases[i].set, 1);
        for (int k = 0; k < 5; k++)
            if (p->task->fact(p, words[k]) != cases[i].holds[k])
                fail_msg("%s: %s is %s", cases[i].set, words[k], cases[i].holds[k] ? "false" : "true");
        lab_close(p);
    }
    gr_project *none = open_samples((const char *[]){"labels={}"}, 1);
    assert_false(none->task->fact(none, "labels") || none->task->fact(none, "document_labels"));
    lab_close(none);
}

static double number(const gr_ledger *rows, const char *row, const char *name, const char *key) {
    const char *const where[][2] = {{"name", name}, {NULL, NULL}};
    const gr_entry *entry = gr_ledger_find(rows, row, name ? where : NULL);
    assert_non_null(entry);
    return gr_entry_number(entry, key);
}

static void rows_say_what_the_data_are(void **state) {
    (void)state;
    static const gr_group_want want[] = {{.name = "forget", .kind = GR_GROUP_ANY_LABEL}};
    gr_project *p = open_text((const char *[]){"labels.animals.known=0.25"}, 1);
    gr_groups groups;
    gr_error err = {0};
    int animals = 0, shown = 0;
    gr_test_ok(p->task->groups(&groups, p, want, 1, &err), &err);
    for (uint32_t d = 0; d < LAB_DOCS; d++) {
        animals += !strcmp(topic_of(d), "animal");
        shown += p->labels->revealed[d] == 1;
    }

    gr_ledger *rows = gr_ledger_new();
    p->task->rows(rows, p, &groups);
    assert_true(number(rows, "data", NULL, "documents") == LAB_DOCS && number(rows, "data", NULL, "read") == LAB_DOCS);
    assert_true(number(rows, "data", NULL, "test") == 40 && number(rows, "data", NULL, "validation") == 40);
    assert_true(number(rows, "data", NULL, "train") == LAB_DOCS - 80);
    assert_true(number(rows, "data", NULL, "vocab") == p->data->vocab && number(rows, "data", NULL, "duplicates") == 0);
    assert_true(number(rows, "data", NULL, "hidden") == 1 && number(rows, "data", NULL, "rule") == 0);
    assert_string_equal(gr_entry_text(gr_ledger_find(rows, "data", NULL), "counted"), "documents");
    assert_string_equal(gr_entry_text(gr_ledger_find(rows, "data", NULL), "unit"), "nats per token");
    assert_true(number(rows, "group", "animals", "documents") == animals);
    assert_true(number(rows, "label", "animals", "known") == shown && shown == (animals + 2) / 4);
    assert_true(number(rows, "measured", "forget", "test") == (double)groups.group[0].tests);
    gr_ledger_free(rows);
    gr_groups_free(&groups);
    lab_close(p);
}

/* ---- another recipe on the same data ---- */

static void another_recipe_borrows_the_data(void **state) {
    (void)state;
    gr_error err = {0};
    gr_project *p = open_text(NULL, 0), with;
    gr_recipe *other = parse(text_recipe, (const char *[]){"routes=[]", "train.lr=0.5", "precision=auto"}, 3);
    assert_int_equal(other->model.vocab, 0);
    gr_test_ok(gr_project_with(&with, p, other, &err), &err);
    assert_ptr_equal(with.recipe, other);
    assert_ptr_equal(with.data, p->data);
    assert_ptr_equal(with.labels, p->labels);
    assert_int_equal(other->model.vocab, p->recipe->model.vocab);
    assert_int_equal(other->precision, GR_PRECISION_FLOAT32);
    assert_string_equal(with.data_digest, p->data_digest);
    assert_string_not_equal(with.digest, p->digest);
    gr_project_with_close(&with);
    gr_recipe_free(other);

    /* The same recipe is the same run. */
    other = parse(text_recipe, NULL, 0);
    gr_test_ok(gr_project_with(&with, p, other, &err), &err);
    assert_string_equal(with.digest, p->digest);
    gr_project_with_close(&with);
    gr_recipe_free(other);
    lab_close(p);
}

/* Another split, or other labels, are other data; and what opening a project refuses is refused of another recipe. */
static void another_recipe_is_checked_as_the_first(void **state) {
    (void)state;
    static const struct {
        const char *text, *set, *place, *words;
    } of[] = {{samples_recipe, "model.sizes=[30000, 8, 3]", "model.sizes", "30000 inputs for samples of 4 values"},
              {samples_recipe, "model.sizes=[4, 8, 2]", "model.sizes", "2 outputs for 3 classes"},
              {samples_recipe, "model.loss=squared", "model.arch", "a class each"},
              {text_recipe, "split_seed=2", "recipe", "split_seed is 2 here, 1 there"},
              {text_recipe, "labels.animals.known=0.5", "recipe", "labels.animals.known is 0.5 here"},
              {text_recipe, "data.validation=0.2", "recipe", "data.validation is 0.2 here"}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        gr_error err = {0};
        gr_project *p, with;
        gr_test_ok(gr_project_open(&p, parse(of[i].text, NULL, 0), NULL, NULL, &err), &err);
        gr_recipe *other = parse(of[i].text, &of[i].set, 1);
        assert_int_equal(gr_project_with(&with, p, other, &err), GR_ERR_USAGE);
        gr_test_error(&err, of[i].place, of[i].words);
        gr_recipe_free(other);
        lab_close(p);
    }
}

/* Scores by frequency are of one recipe's routes: another has its own, or none. */
static void scores_of_routes_do_not_leak(void **state) {
    (void)state;
    static const char mixed[] = "routes=[{label: animals, mix: {bias: 2}, open: [animals], rest: closed}]";
    gr_error err = {0};
    const char *counting = mixed;
    gr_project *p = open_text(&counting, 1), with;
    assert_non_null(p->frequency[0]);
    const gr_real *factor = p->labels->target_score[0];
    gr_recipe *plain = parse(text_recipe, (const char *[]){"routes=[]"}, 1);
    gr_test_ok(gr_project_with(&with, p, plain, &err), &err);
    assert_null(with.frequency[0]);
    assert_null(with.labels->target_score);
    assert_ptr_equal(with.labels->truth, p->labels->truth);
    gr_project_with_close(&with);
    gr_recipe_free(plain);

    gr_recipe *steeper = parse(
        text_recipe, (const char *[]){"routes=[{label: animals, mix: {bias: 3}, open: [animals], rest: closed}]"}, 1);
    gr_test_ok(gr_project_with(&with, p, steeper, &err), &err);
    int differ = 0;
    for (int v = 0; v < p->data->vocab; v++)
        differ += with.labels->target_score[0][v] != factor[v];
    assert_true(differ > 0);
    assert_ptr_equal(p->labels->target_score[0], factor);
    gr_project_with_close(&with);
    gr_recipe_free(steeper);
    lab_close(p);
}

/* ---- a task of one's own: the parity of a few bits, without a file ---- */

enum { CASES = 96, BITS_MOST = 8 };

/* What the task reads beside its numbers: here, which sense of odd; a task may read a file or an environment. */
static char parity_source = 1;

static gr_status open_parity(gr_project *p, const char *folder, const gr_control *control, gr_error *err) {
    int width = (int)gr_settings_get(p->settings[0], "bits")->number;
    uint8_t values[CASES * BITS_MOST];
    int32_t cls[CASES];
    char even[] = "even", odd[] = "odd", *names[] = {even, odd};
    (void)folder;
    for (uint32_t i = 0; i < CASES; i++) {
        uint64_t drawn = gr_random_bits((gr_key){3, GR_STREAM_TEST, 0}, i, 0);
        cls[i] = 0;
        for (int v = 0; v < width; v++) {
            values[i * (uint32_t)width + (uint32_t)v] = drawn >> v & 1 ? 255 : 0;
            cls[i] ^= (int32_t)(drawn >> v & 1);
        }
    }

    /* Held out as the recipe says; labels, digest and groups are those of any dataset. */
    gr_samples samples = {CASES, width, values, cls, 2, names, .mean = 0.5, .std = 0.5};
    gr_dataset_def def = {.validation = p->recipe->data.validation + p->recipe->data.test,
                          .seed = p->recipe->split_seed};
    p->own = gr_alloc(1);
    *(char *)p->own = parity_source;
    GR_TRY(gr_dataset_samples(&p->data, &samples, &def, err));
    return gr_task_dataset_ready(p, control, err);
}

static void close_parity(gr_project *p) {
    gr_free(p->own);
    gr_task_dataset_close(p);
}

static void digest_parity(const gr_project *p, gr_digest *digest) {
    gr_task_dataset_digest(p, digest);
    gr_digest_add(digest, p->own, 1);
}

static const gr_setting bits_option[] = {
    {.key = "bits", .kind = GR_SETTING_COUNT, .initial = {.number = 2}, .min = 1, .max = BITS_MOST}, {0}};
static const gr_task_section parity_section[] = {{"parity", bits_option}, {0}};
static const gr_task parity = {.name = "parity",
                               .help = "whether a number of bits is odd",
                               .unit = "nats per number",
                               .revision = 1,
                               .section = parity_section,
                               .open = open_parity,
                               .close = close_parity,
                               .digest = digest_parity,
                               .groups = gr_task_dataset_groups,
                               .fact = gr_task_dataset_fact,
                               .rows = gr_task_dataset_rows,
                               .network = gr_task_network};

static const char parity_recipe[] = "task: parity\n"
                                    "precision: float32\n"
                                    "parity: {bits: 3}\n"
                                    "data: {context: 1, validation: 0.2}\n"
                                    "labels: {odd: {is: [odd]}}\n"
                                    "model: {arch: mlp, sizes: [3, 16, 2]}\n"
                                    "train: {steps: 200, batch: 16, lr: 0.02, warmup: 1}\n"
                                    "diagnostics: {every: 0, probe: 0}\n";

/* Mean loss of a group, out of the row of the measure. */
static double loss_of(const gr_ledger *rows, const char *group) {
    const char *const where[][2] = {{"group", group}, {NULL, NULL}};
    const gr_entry *row = gr_ledger_find(rows, "loss", where);
    assert_non_null(row);
    return gr_entry_number(row, "nll") / gr_entry_number(row, "tokens");
}

static void a_task_of_ones_own_is_opened_trained_and_measured(void **state) {
    (void)state;
    static const gr_group_want want[] = {{.name = "forget", .kind = GR_GROUP_ANY_LABEL},
                                         {.name = "retain", .kind = GR_GROUP_RETAIN}};
    gr_error err = {0};
    gr_registry *registry = gr_registry_new();
    const gr_task *task;
    gr_project *p;
    gr_test_ok(gr_registry_add_task(registry, &parity, &err), &err);

    /* Found by its name, in this registry alone. */
    gr_recipe *recipe = parse(parity_recipe, NULL, 0);
    gr_test_ok(gr_registry_task_of(&task, registry, recipe, &err), &err);
    assert_ptr_equal(task, &parity);
    gr_test_ok(gr_project_open_as(&p, task, recipe, gr_test_path("parity-data"), NULL, &err), &err);
    assert_int_equal(p->data->value_width, 3);
    gr_groups groups;
    gr_test_ok(task->groups(&groups, p, want, 2, &err), &err);

    /* Trained, and measured on what it has not seen. */
    gr_made made;
    gr_settings *plain;
    gr_test_ok(gr__train_settings(&plain, "{routes: none}", &err), &err);
    gr_test_ok(gr__train_run(&made, p, plain, "plain", gr_test_path("parity"), NULL, &err), &err);
    gr_settings_free(plain);
    gr_subject subject = {.name = "plain",
                          .recipe = recipe,
                          .model = made.bundle->model,
                          .data = p->data,
                          .labels = p->labels,
                          .groups = &groups,
                          .pass = gr_pass_new()};
    gr_ledger *rows = gr_ledger_new();
    const gr_measure *loss = gr_registry_measure(registry, "loss");
    gr_settings *settings;
    gr_test_ok(gr_settings_read(&settings, loss->option, NULL, NULL, &err), &err);
    gr_test_ok(loss->run(rows, &subject, settings, &err), &err);
    gr_settings_free(settings);
    assert_true(loss_of(rows, "forget") < 0.2 && loss_of(rows, "retain") < 0.2); /* log 2 without learning */

    gr_ledger_free(rows);
    gr_pass_free(subject.pass);
    gr_made_free(&made);
    gr_groups_free(&groups);
    lab_close(p);
    gr_registry_free(registry);
}

static void expect_refused_as_parity(const char *set, const char *words) {
    gr_error err = {0};
    gr_project *p;
    gr_recipe *recipe = parse(parity_recipe, &set, 1);
    assert_int_equal(gr_project_open_as(&p, &parity, recipe, NULL, NULL, &err), GR_ERR_USAGE);
    assert_null(p);
    gr_test_error(&err, err.place, words);
    gr_recipe_free(recipe);
}

static void its_sections_are_read_and_checked(void **state) {
    (void)state;
    gr_error err = {0};
    gr_project *two, *three, *usual;
    gr_recipe *recipe = parse(parity_recipe, (const char *[]){"parity.bits=2", "model.sizes=[2, 16, 2]"}, 2);
    gr_test_ok(gr_project_open_as(&two, &parity, recipe, NULL, NULL, &err), &err);
    gr_test_ok(gr_project_open_as(&three, &parity, parse(parity_recipe, NULL, 0), NULL, NULL, &err), &err);
    assert_int_equal(two->data->value_width, 2);
    assert_string_not_equal(two->data_digest, three->data_digest);
    assert_string_not_equal(two->digest, three->digest);

    /* Arms differ in their networks, not in the section that the data are made by. */
    gr_project with;
    assert_int_equal(gr_project_with(&with, three, recipe, &err), GR_ERR_USAGE);
    gr_test_error(&err, "recipe", "parity.bits is 2 here, 3 there");
    lab_close(two);
    lab_close(three);

    /* Left out: its defaults. */
    recipe =
        parse("task: parity\ndata: {context: 1}\nmodel: {arch: mlp, sizes: [2, 4, 2]}\ntrain: {steps: 1}\n", NULL, 0);
    err = (gr_error){0};
    gr_test_ok(gr_project_open_as(&usual, &parity, recipe, NULL, NULL, &err), &err);
    assert_int_equal(usual->data->value_width, 2);
    lab_close(usual);

    /* What it reads beside is part of what a run is known by. */
    char before[65];
    gr_test_ok(gr_project_open_as(&two, &parity, parse(parity_recipe, NULL, 0), NULL, NULL, &err), &err);
    strcpy(before, two->digest);
    lab_close(two);
    parity_source = 2;
    gr_test_ok(gr_project_open_as(&two, &parity, parse(parity_recipe, NULL, 0), NULL, NULL, &err), &err);
    assert_string_not_equal(two->digest, before);
    lab_close(two);
    parity_source = 1;

    /* Slips, there and beside it. */
    expect_refused_as_parity("parity.bit=3", "did you mean 'bits'?");
    expect_refused_as_parity("parity.bits=9", "bits");
    expect_refused_as_parity("parities={bits: 3}", "unknown key 'parities'");
    expect_refused_as_parity("data.contxt=1", "did you mean 'context'?");
    expect_refused(parity_recipe, NULL, NULL, "no task is called 'parity'");
}

/* ---- a task that has no dataset ---- */

static gr_status open_world(gr_project *p, const char *folder, const gr_control *control, gr_error *err) {
    int *size = p->own = gr_alloc(sizeof *size);
    (void)folder, (void)control, (void)err;
    *size = (int)gr_settings_get(p->settings[0], "bits")->number;
    return GR_OK;
}

static void close_world(gr_project *p) { gr_free(p->own); }

static void digest_world(const gr_project *p, gr_digest *digest) { gr_digest_add(digest, p->own, sizeof(int)); }

static const gr_task_section world_section[] = {{"world", bits_option}, {0}};
static const gr_task world = {.name = "world",
                              .help = "a world of so many places",
                              .unit = "nats per step",
                              .revision = 1,
                              .section = world_section,
                              .open = open_world,
                              .close = close_world,
                              .digest = digest_world,
                              .network = gr_task_network};

static gr_project *open_world_of(int size, int steps) {
    char *text = gr_format("task: world\nworld: {bits: %d}\ndata: {context: 1}\nprecision: float32\n"
                           "model: {arch: mlp, sizes: [2, 4, 2]}\ntrain: {steps: %d}\n",
                           size, steps);
    gr_project *p;
    gr_error err = {0};
    gr_test_ok(gr_project_open_as(&p, &world, parse(text, NULL, 0), gr_test_path("world"), NULL, &err), &err);
    gr_free(text);
    return p;
}

static void a_task_may_do_without_a_dataset(void **state) {
    (void)state;
    gr_error err = {0};
    gr_project *two = open_world_of(2, 5), *same = open_world_of(2, 6), *three = open_world_of(3, 5);
    assert_string_equal(two->data_digest, same->data_digest);
    assert_string_not_equal(two->data_digest, three->data_digest);
    assert_string_not_equal(two->digest, same->digest);
    assert_string_not_equal(two->digest, three->digest);
    gr_test_ok(gr_project_keep(two, &err), &err);

    /* What is said of documents and labels is not said. */
    gr_findings findings = {0};
    gr_overlap overlap;
    gr_lengths lengths;
    gr_labels_check(&findings, two);
    gr_recipe_check(&findings, two);
    assert_int_equal(findings.count, 0);
    gr_test_ok(gr_project_overlap(&overlap, two, &err), &err);
    gr_test_ok(gr_project_lengths(&lengths, two, &err), &err);
    assert_false(overlap.compared || lengths.documents || lengths.passes > 0);

    /* And another recipe of the same world is another run. */
    gr_project with;
    gr_test_ok(gr_project_with(&with, two, same->recipe, &err), &err);
    assert_string_equal(with.digest, same->digest);
    gr_project_with_close(&with);
    lab_close(two);
    lab_close(same);
    lab_close(three);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recipe_is_of_the_task_that_fits_it),
        cmocka_unit_test(a_task_is_named_or_refused),
        cmocka_unit_test(the_digest_is_of_the_data_wherever_they_lie),
        cmocka_unit_test(of_samples_too),
        cmocka_unit_test(each_part_of_the_data_is_in_it),
        cmocka_unit_test(facts_are_what_experiments_ask_for),
        cmocka_unit_test(rows_say_what_the_data_are),
        cmocka_unit_test(another_recipe_borrows_the_data),
        cmocka_unit_test(another_recipe_is_checked_as_the_first),
        cmocka_unit_test(scores_of_routes_do_not_leak),
        cmocka_unit_test(a_task_of_ones_own_is_opened_trained_and_measured),
        cmocka_unit_test(its_sections_are_read_and_checked),
        cmocka_unit_test(a_task_may_do_without_a_dataset),
    };
    return cmocka_run_group_tests_name("task", tests, task_setup, gr_test_files_teardown);
}
