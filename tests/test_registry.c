/* The registry: what the library has is found by name, and what a caller adds is found in its own registry alone and is
 * run as any other. */
#include <string.h>

#include "gradroute/lab.h"
#include "support.h"

/* A measure as a caller would write it: twice its option. */
static gr_status run_twice(gr_ledger *rows, const gr_subject *subject, const gr_settings *settings, gr_error *err) {
    (void)subject, (void)err;
    gr_ledger_begin(rows, "twice");
    gr_ledger_number(rows, "value", 2 * gr_settings_get(settings, "of")->number);
    return GR_OK;
}

static const gr_setting options[] = {
    {.key = "of", .kind = GR_SETTING_REAL, .initial = {.number = 21}, .min = 0, .max = 100}, {0}};
static const gr_measure twice = {
    .name = "twice", .help = "twice its option", .doing = "doubling", .option = options, .run = run_twice};

static void what_is_added_is_in_this_registry_alone(void **state) {
    (void)state;
    gr_error err = {0};
    gr_registry *mine = gr_registry_new(), *other = gr_registry_new();
    assert_null(gr_registry_measure(mine, "twice"));
    gr_test_ok(gr_registry_add_measure(mine, &twice, &err), &err);
    assert_ptr_equal(gr_registry_measure(mine, "twice"), &twice);
    assert_null(gr_registry_measure(other, "twice"));
    gr_registry_free(other);

    /* It is run by its name. */
    gr_settings *settings;
    const gr_measure *found = gr_registry_measure(mine, "twice");
    gr_ledger *rows = gr_ledger_new();
    gr_test_ok(gr_settings_read(&settings, found->option, NULL, NULL, &err), &err);
    gr_test_ok(found->run(rows, &(gr_subject){.name = "nobody"}, settings, &err), &err);
    assert_true(gr_entry_number(gr_ledger_find(rows, "twice", NULL), "value") == 42);
    gr_settings_free(settings);
    gr_ledger_free(rows);
    gr_registry_free(mine);
}

/* Methods and attacks as a caller would write them. */
static gr_status make_nothing(gr_made *made, const gr_making *making, gr_error *err) {
    (void)err;
    *made = (gr_made){.steps = gr_settings_get(making->settings, "of")->number};
    return GR_OK;
}
static const gr_method nothing = {.name = "nothing",
                                  .help = "no model",
                                  .doing = "making nothing",
                                  .revision = 1,
                                  .option = options,
                                  .make = make_nothing};
static const gr_attack again = {
    .name = "nothing", .help = "the measure", .doing = "doubling", .revision = 1, .option = options, .run = run_twice};

/* Names are of a kind: a method and an attack of one name are two things. */
static void methods_and_attacks_are_added_too(void **state) {
    (void)state;
    gr_error err = {0};
    gr_registry *mine = gr_registry_new(), *other = gr_registry_new();
    gr_test_ok(gr_registry_add_method(mine, &nothing, &err), &err);
    assert_null(gr_registry_attack(mine, "nothing"));
    gr_test_ok(gr_registry_add_attack(mine, &again, &err), &err);
    assert_ptr_equal(gr_registry_method(mine, "nothing"), &nothing);
    assert_ptr_equal(gr_registry_attack(mine, "nothing"), &again);
    assert_null(gr_registry_method(other, "nothing"));
    assert_null(gr_registry_attack(other, "nothing"));
    gr_registry_free(other);

    /* What a method has made is freed by whoever asked for it. */
    gr_settings *settings;
    gr_made made;
    gr_test_ok(gr_settings_read(&settings, options, NULL, NULL, &err), &err);
    gr_test_ok(gr_registry_method(mine, "nothing")->make(&made, &(gr_making){.settings = settings}, &err), &err);
    assert_int_equal(made.steps, 21);
    gr_made_free(&made);
    gr_settings_free(settings);
    gr_registry_free(mine);
}

static void says_it_is_taken(gr_status status, const gr_error *err, const char *name, const char *kind) {
    assert_int_equal(status, GR_ERR_USAGE);
    assert_int_equal(err->status, GR_ERR_USAGE);
    assert_non_null(strstr(err->message, name));
    assert_non_null(strstr(err->message, kind));
    assert_true(err->hint[0]);
}

/* Whoever was first keeps the name, the library's own included; the program goes on. */
static void a_name_that_is_taken_is_refused(void **state) {
    (void)state;
    gr_registry *mine = gr_registry_new();
    static const gr_measure measure = {.name = "loss"};
    static const gr_figure figure = {.name = "removal"};
    static const gr_method method = {.name = "train"};
    static const gr_attack attack = {.name = "relearn"};
    static const gr_task task = {.name = "text"};
    gr_error err[6] = {0};

    /* One of each kind under a name of the library. */
    says_it_is_taken(gr_registry_add_measure(mine, &measure, &err[0]), &err[0], "'loss'", "a measure");
    says_it_is_taken(gr_registry_add_figure(mine, &figure, &err[1]), &err[1], "'removal'", "a figure");
    says_it_is_taken(gr_registry_add_method(mine, &method, &err[2]), &err[2], "'train'", "a method");
    says_it_is_taken(gr_registry_add_attack(mine, &attack, &err[3]), &err[3], "'relearn'", "an attack");
    says_it_is_taken(gr_registry_add_task(mine, &task, &err[4]), &err[4], "'text'", "a task");
    assert_ptr_not_equal(gr_registry_measure(mine, "loss"), &measure);
    assert_ptr_not_equal(gr_registry_figure(mine, "removal"), &figure);
    assert_ptr_not_equal(gr_registry_method(mine, "train"), &method);
    assert_ptr_not_equal(gr_registry_attack(mine, "relearn"), &attack);
    assert_ptr_not_equal(gr_registry_task(mine, "text"), &task);

    /* The same thing twice, too. */
    assert_int_equal(gr_registry_add_measure(mine, &twice, NULL), GR_OK);
    says_it_is_taken(gr_registry_add_measure(mine, &twice, &err[5]), &err[5], "'twice'", "a measure");
    assert_ptr_equal(gr_registry_measure(mine, "twice"), &twice);
    gr_registry_free(mine);
}

static void the_library_brings_its_own(void **state) {
    (void)state;
    static const char *const names[] = {"loss", "shared", "calibrated", "accuracy", "complete", "choice", "facts"};
    gr_registry *registry = gr_registry_new();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const gr_measure *measure = gr_registry_measure(registry, names[i]);
        assert_non_null(measure);
        assert_string_equal(measure->name, names[i]);
        assert_true(measure->help[0] && measure->doing[0] && measure->revision > 0 && measure->run);
    }
    static const char *const methods[] = {"train", "ablate", "given"};
    for (int i = 0; i < 3; i++) {
        const gr_method *method = gr_registry_method(registry, methods[i]);
        assert_true(method && method->help[0] && method->doing[0] && method->revision > 0 && method->make);
    }
    const gr_attack *attack = gr_registry_attack(registry, "relearn");
    assert_true(attack && attack->help[0] && attack->doing[0] && attack->revision > 0 && attack->run);
    assert_null(gr_registry_measure(registry, "los"));
    gr_registry_free(registry);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_in_this_registry_alone),
        cmocka_unit_test(methods_and_attacks_are_added_too),
        cmocka_unit_test(a_name_that_is_taken_is_refused),
        cmocka_unit_test(the_library_brings_its_own),
    };
    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
