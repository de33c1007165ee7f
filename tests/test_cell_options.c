/* Options in the keys of cells: each counts unless it is free, and what a recipe says that no model holds, some
 * measurement does. */
#include "cell_key_helpers.h"

/* ---- options of tables ---- */

/* Another value than the default, whatever its kind. */
static gr_setting_value other_value(const gr_setting *option) {
    static const char *const text[] = {"another"};
    static const double numbers[] = {7};
    double initial = option->initial.number;
    gr_setting_value value = {.text = "another", .texts = text, .numbers = numbers, .count = 1};
    switch (option->kind) {
    case GR_SETTING_BOOL:
        return (gr_setting_value){.number = !initial};
    case GR_SETTING_WORD:
    case GR_SETTING_CHOICE:
        return (gr_setting_value){.number = initial > 0 ? 0 : 1};
    case GR_SETTING_INT:
    case GR_SETTING_COUNT:
    case GR_SETTING_REAL:
        return (gr_setting_value){.number = initial + 1 <= option->max ? initial + 1 : initial - 1};
    case GR_SETTING_FILE:
        return (gr_setting_value){.text = gr_test_write("list.txt", "a", 1)};
    default:
        return value;
    }
}

static void check_options(const gr_setting *table) {
    gr_error err = {0};
    gr_settings *plain, *changed;
    gr_test_ok(gr_settings_read(&plain, table, NULL, NULL, &err), &err);
    for (const gr_setting *option = table; option->kind; option++) {
        gr_setting_value value = other_value(option);
        gr_test_ok(gr_settings_read(&changed, table, NULL, NULL, &err), &err);
        if (option->kind != GR_SETTING_SETS)
            gr_settings_put(changed, option->key, &value);
        assert_keys(option->free || option->kind == GR_SETTING_SETS, settings_key(plain), settings_key(changed),
                    option->key);
        gr_settings_free(changed);
    }
    gr_settings_free(plain);
}

/* Those of the library, and one of each kind. */
static void every_option_counts_unless_it_is_free(void **state) {
    (void)state;
    gr_registry *registry = gr_registry_new();
    int count;
    entry *list = entries_of(registry, &count);
    assert_true(count >= 3);
    for (int i = 0; i < count; i++)
        if (list[i].option)
            check_options(list[i].option);
    check_options(every_kind);
    gr_free(list);
    gr_registry_free(registry);
}

/* ---- options that a recipe presets ---- */

/* Keys of all measures and attacks under a recipe, one after the other. */
static char *reading_keys(const gr_registry *registry, const char *set) {
    gr_recipe *recipe = parse(bases[TEXT], &set, set ? 1 : 0);
    char *keys = gr_strdup("");
    int count;
    entry *list = entries_of(registry, &count);

    /* Only those that take something from a recipe. */
    for (int i = 0; i < count; i++) {
        const gr_attack *attack = gr_registry_attack(registry, list[i].name);
        const gr_measure *measure = gr_registry_measure(registry, list[i].name);
        void (*preset)(gr_settings *, const gr_recipe *) = attack ? attack->preset : measure ? measure->preset : NULL;
        gr_settings *settings;
        if (!preset)
            continue;
        assert_int_equal(gr_settings_read(&settings, list[i].option, NULL, NULL, NULL), GR_OK);
        preset(settings, recipe);

        char *longer = gr_format("%s %s", keys, settings_key(settings));
        gr_free(keys);
        keys = longer;
        gr_settings_free(settings);
    }
    gr_free(list);
    gr_recipe_free(recipe);
    return keys;
}

/* What a recipe says that is no part of a model, some measurement has to hold, or rows of another recipe would be taken
 * for its own; the rest decides nothing at all. */
static void what_models_leave_out_measurements_hold(void **state) {
    (void)state;
    static const char *const decide[] = {"prompts", "relearn"};
    gr_registry *registry = gr_registry_new();
    char *before = reading_keys(registry, NULL);
    int held = 0;
    for (int i = 0; i < CHANGED; i++) {
        const change *c = &changes[i];
        size_t section = strcspn(c->key, ".");
        bool decides = false;
        for (int k = 0; k < 2; k++)
            decides = decides || (strlen(decide[k]) == section && !strncmp(c->key, decide[k], section));
        if (c->base != TEXT || c->effect != STAYS || c->with)
            continue;

        /* What decides nothing changes no measurement's key. */
        char *after = reading_keys(registry, c->set);
        assert_keys(!decides, before, after, c->set);
        gr_free(after);
        held += decides;
    }
    assert_true(held >= 8);
    gr_free(before);
    gr_registry_free(registry);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_counts_unless_it_is_free),
        cmocka_unit_test(what_models_leave_out_measurements_hold),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}
