/* What must not move: keys of cells of one experiment, and the defaults that keys leave out, as
 * tests/reference/keys.txt pins them; the digest of labels as shown. */
#include <stdarg.h>
#include <stdlib.h>

#include "arch/field.h"
#include "cell_key_helpers.h"
#include "task/task.h"

/* What is shown of labels, as SHA-256 of the lists one behind the other, without those that are not there: worked out
 * apart from this program. */
static void what_is_shown_is_added_as_ever(void **state) {
    (void)state;
    int16_t revealed[] = {1, -1}, token_revealed[] = {0, 1, 1, 0, -1, 0, 1};
    gr_real score[] = {0.5F, 1}, token_score[] = {1, 0.25F, 0.5F, 1, 1, 0.75F, 1};
    uint64_t offsets[] = {0, 3, 5};
    gr_labels labels = {.docs = 2, .revealed = revealed};
    gr_dataset data = {.offsets = offsets};
    gr_project project = {.labels = &labels, .data = &data};
    static const char *const expected[] = {"16b8cb1fe734fbc60c6763c94c9e4cc55840ae966e7e508ba82f539d82702511",
                                           "b9758016d61784949be2867184457747e775478cc6dfe3fe0aa7c9f191f05baa"};
    for (int all = 0; all < 2; all++) {
        char hex[GR_DIGEST_HEX];
        if (all)
            labels.score = score, labels.token_revealed = token_revealed, labels.token_score = token_score;
        gr_digest *digest = gr_digest_new();
        gr__shown_digest(digest, &project);
        gr_digest_end(digest, hex);
        assert_string_equal(hex, expected[all]);
    }
}

/* A text that grows. */
typedef struct note {
    char *text;
} note;

static void add(note *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(note *to, const char *format, ...) {
    char line[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    char *longer = gr_format("%s%s", to->text, line);
    gr_free(to->text);
    to->text = longer;
}

static const gr_setting train_options[] = {
    {.key = "routes", .kind = GR_SETTING_WORD, .word = (const char *const[]){"recipe", "none", NULL}},
    {.key = "labels", .kind = GR_SETTING_CHOICE, .choice = views},
    {.key = "watch", .kind = GR_SETTING_BOOL, .free = true},
    {0}};

static const gr_settings *settings_of(const gr_setting *table, const char *key, double number) {
    gr_error err = {0};
    gr_settings *settings;
    gr_test_ok(gr_settings_read(&settings, table, NULL, NULL, &err), &err);
    if (key)
        gr_settings_put(settings, key, &(gr_setting_value){.number = number});
    return settings;
}

static void add_key(note *to, const char *name, const gr__cell_id *id) {
    add(to, "%s %s\n", name, key_of(id));
    gr_settings_free((gr_settings *)id->settings);
}

/* Twelve cells of one experiment. */
static void add_cells(note *to) {
    static const char *const sets[] = {"preset.p_cr=0.5"};
    static const uint32_t documents[] = {1, 5, 9};
    static const char *const want[] = {"any_label", "retain"}, *const of_routes[] = {"preset", "routes", NULL};
    gr_groups groups = {.group = {{"forget", documents, documents, 3, 2}, {"retain", documents, NULL, 2, 0}},
                        .count = 2};
    gr_recipe *recipe = parse(bases[TEXT], NULL, 0), *knob = parse(bases[TEXT], sets, 1);
    gr_recipe *samples = parse(bases[SAMPLES], NULL, 0);
    gr__cell_id id = model_cell(recipe), other;

    /* The data, and models by this recipe, each with one thing of its own. */
    add_key(to, "data",
            &(gr__cell_id){.kind = GR_CELL_DATA,
                           .task = "text",
                           .task_revision = 1,
                           .data = digest_a,
                           .groups = &groups,
                           .group_want = want});
    id.settings = settings_of(train_options, "watch", 1);
    add_key(to, "routed", &id);
    other = id, other.recipe = knob, other.settings = settings_of(train_options, NULL, 0);
    add_key(to, "routed p_cr 0.5", &other);
    other = id, other.settings = settings_of(train_options, "routes", 1), other.unread = of_routes;
    add_key(to, "plain", &other);
    other = id, other.settings = settings_of(train_options, "labels", 1), other.shown = digest_a;
    add_key(to, "placebo", &other);
    other = id, other.seed = other.split_seed = other.order_seed = 2, other.settings = NULL;
    add_key(to, "second seed", &other);
    other = id, other.precision = "bf16", other.settings = NULL;
    add_key(to, "bf16", &other);
    other = id, other.recipe = samples, other.task = "samples", other.settings = NULL;
    add_key(to, "samples", &other);

    /* What is made of the routed model and measured on it. */
    id.settings = NULL;
    const char *parent = key_of(&id);
    id = (gr__cell_id){.kind = GR_CELL_MODEL,
                       .what = "ablate",
                       .revision = 1,
                       .task = "text",
                       .task_revision = 1,
                       .data = digest_a,
                       .parent = parent,
                       .precision = "float32",
                       .seed = 1,
                       .split_seed = 1,
                       .order_seed = 1};
    add_key(to, "routed_off", &id);
    id.kind = GR_CELL_MEASURE, id.what = "loss", id.groups = &groups, id.group_want = want;
    add_key(to, "loss", &id);
    id.what = "complete", id.settings = settings_of(every_kind, "count", 2);
    add_key(to, "complete", &id);
    id.kind = GR_CELL_ATTACK, id.what = "relearn", id.settings = NULL;
    add_key(to, "relearn", &id);
    gr_recipe_free(recipe), gr_recipe_free(knob), gr_recipe_free(samples);
}

static void add_value(note *to, const gr_setting *option) {
    const gr_setting_value *v = &option->initial;
    add(to, "%s kind %d number %.17g text %s count %d%s", option->key, option->kind, v->number, v->text ? v->text : "-",
        v->count, option->free ? " free" : "");
    for (int i = 0; i < v->count; i++)
        if (option->kind == GR_SETTING_TEXTS)
            add(to, " %s", v->texts[i]);
        else
            add(to, " %.17g", v->numbers[i]);
    add(to, "\n");
}

/* A recipe with every default, as far as `end` (NULL: all of it), with or without its network. */
static void add_resolved(note *to, const char *name, const char *from, const char *end, bool model) {
    gr_recipe *recipe = parse(from, NULL, 0);
    char *text;
    assert_int_equal(gr_recipe_text(recipe, &text, NULL), GR_OK);

    /* Defaults behind `end` are the same in each. */
    char *cut = end ? strstr(text, end) : NULL;
    if (cut)
        cut[1] = 0;
    add(to, "\n%s:\n", name);

    /* Only the first ones say the network, which is as long as all else. */
    bool skip = false;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        skip = line[0] == ' ' || line[0] == '-' ? skip : !model && !strcmp(line, "model:");
        if (!skip)
            add(to, "%s\n", line);
    }
    gr_free(text);
    gr_recipe_free(recipe);
}

/* Defaults are left out of keys, so a default that moves must not go unseen. */
static void add_defaults(note *to) {
    static const char *const smallest[] = {
        "data: {jsonl: /c.jsonl}\nmodel: {arch: llama}\n",
        "data: {images: /i.gz, classes: /c.gz}\nmodel: {arch: mlp, sizes: [4, 2]}\n"};
    for (int i = 0; i < 2; i++)
        add_resolved(to, i ? "smallest recipe of samples" : "smallest recipe of text", smallest[i], NULL, true);

    /* What only other recipes have: each network's own, labels, regions, presets, routes. */
    for (int i = 0; gr__styles[i].name; i++) {
        char *text = gr_format("data: {jsonl: /c.jsonl}\nmodel: {arch: %s, layers: 2, width: 48, heads: 4, mlp: 96}\n",
                               gr__styles[i].name);
        add_resolved(to, gr__styles[i].name, text, "\nseed:", true);
        gr_free(text);
    }
    for (base b = 0; b < FROM; b++)
        add_resolved(to, "a recipe", bases[b], "\nseed:", b == EXPERTS);

    /* Options of everything that has a name. */
    gr_registry *registry = gr_registry_new();
    int count;
    entry *list = entries_of(registry, &count);
    for (int i = 0; i < count; i++) {
        add(to, "\n%s %s:\n", list[i].part, list[i].name);
        for (const gr_setting *option = list[i].option; option && option->kind; option++)
            add_value(to, option);
    }
    gr_free(list);
    gr_registry_free(registry);
}

static void pinned_keys_and_defaults_stay(void **state) {
    (void)state;
    note now = {gr_strdup("")};
    size_t length;
    add_cells(&now);
    add_defaults(&now);

    /* What differs is left for whoever decides whether it may. */
    char *pinned = gr_test_read("tests/reference/keys.txt", &length);
    if (strcmp(pinned, now.text) != 0) {
        FILE *out = fopen("keys.txt.new", "w");
        fputs(now.text, out);
        fclose(out);
        fail_msg("keys or defaults differ from tests/reference/keys.txt (what they are now is in keys.txt.new).\nA key "
                 "that changes voids rows that were made; a default that changes needs a new revision of what reads "
                 "it.\nA commit of its own says why");
    }
    free(pinned);
    gr_free(now.text);
}
int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_shown_is_added_as_ever),
        cmocka_unit_test(pinned_keys_and_defaults_stay),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}
