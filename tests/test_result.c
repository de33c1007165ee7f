/* Results from stored rows: each figure by hand from the losses, members, seeds, claims, points. */
#include <math.h>
#include <stdio.h>

#include "result_helpers.h"

/* ---- by hand ---- */

static const gr_entry *row_of(const gr__result_def *d, int arm, int seed, int value, const char *after,
                              const char *group) {
    const char *const where[][2] = {{"group", group}, {NULL, NULL}};
    const gr_attack *attack = after ? gr_registry_attack(registry, after) : NULL;
    return gr__rows_find(d, &(gr__whose){arm, 0, seed, value, attack, 0}, "loss", where);
}

/* The mean loss of a row, by its sums. */
static double loss(const gr__result_def *d, int arm, int seed, int value, const char *after, const char *group) {
    const gr_entry *row = row_of(d, arm, seed, value, after, group);
    return gr_entry_number(row, "nll") / gr_entry_number(row, "tokens");
}

/* (of - zero) on forget text beyond the same on retain text, where the latter is always before the attack. */
static double beyond(const gr__result_def *d, int of, int of_value, int zero, int seed, const char *after) {
    return loss(d, of, seed, of_value, after, "forget") - loss(d, zero, seed, 0, after, "forget") -
           (loss(d, of, seed, of_value, NULL, "retain") - loss(d, zero, seed, 0, NULL, "retain"));
}

static void figures_of_an_audit_by_hand(void **state) {
    (void)state;
    stored s;
    stored_one(&s);
    const gr__result_def d = s.def;
    json_t *r = make(&d), *intervals = json_object_get(r, "intervals");
    double plain = loss(&d, PLAIN, 0, 0, NULL, "forget"), perfect = loss(&d, PERFECT, 0, 0, NULL, "forget");
    double off = loss(&d, ROUTED_OFF, 0, 0, NULL, "forget"), on = loss(&d, ROUTED, 0, 0, NULL, "forget");
    double retain = loss(&d, PLAIN, 0, 0, NULL, "retain");

    /* What there is to remove, and what of it was. */
    double gap = beyond(&d, PERFECT, 0, PLAIN, 0, NULL), again = beyond(&d, PERFECT, 0, PLAIN, 0, "relearn");
    near(r, "specific_gap", gap);
    near(r, "specific_gap_relearned", again);
    near(r, "specific_removal", beyond(&d, ROUTED_OFF, 0, PLAIN, 0, NULL) / gap);
    near(r, "specific_removal_relearned", beyond(&d, ROUTED_OFF, 0, PLAIN, 0, "relearn") / again);
    near(r, "specific_removal_filtered", beyond(&d, FILTERED, 0, PLAIN, 0, NULL) / gap);
    near(r, "specific_removal_relearned_filtered", beyond(&d, FILTERED, 0, PLAIN, 0, "relearn") / again);
    near(r, "specific_removal_placebo", beyond(&d, PLACEBO_OFF, 0, PLAIN, 0, NULL) / gap);

    /* Without the general gap, and what it costs. */
    near(r, "removal", (off - plain) / (perfect - plain));
    near(r, "retention", (perfect - on) / (perfect - plain));
    near(r, "general_gap", loss(&d, PERFECT, 0, 0, NULL, "retain") - retain);
    near(r, "tax_off", loss(&d, ROUTED_OFF, 0, 0, NULL, "retain") - loss(&d, PERFECT, 0, 0, NULL, "retain"));
    near(r, "tax_on", loss(&d, ROUTED, 0, 0, NULL, "retain") - retain);
    near(r, "tax_on_adjacent", loss(&d, ROUTED, 0, 0, NULL, "adjacent") - loss(&d, PLAIN, 0, 0, NULL, "adjacent"));
    assert_int_equal(json_object_size(intervals), 18);

    /* The interval is the bootstrap's of these rows, bit by bit. */
    gr_sample sample[2];
    gr_error err = {0};
    gr_test_ok(gr_sample_read(&sample[0], row_of(&d, ROUTED, 0, 0, NULL, "retain"), "rows", &err), &err);
    gr_test_ok(gr_sample_read(&sample[1], row_of(&d, PLAIN, 0, 0, NULL, "retain"), "rows", &err), &err);
    gr_estimate e = gr_bootstrap(gr_registry_figure(registry, "tax_on")->formula, sample, 2, split_seeds[0]);
    const json_t *interval = json_object_get(intervals, "tax_on");
    assert_true(json_number_value(json_array_get(interval, 0)) == e.low);
    assert_true(json_number_value(json_array_get(interval, 1)) == e.high);
    gr_sample_free(&sample[0]), gr_sample_free(&sample[1]);
    json_decref(r);
    stored_free(&s);
}

static void members_of_an_audit(void **state) {
    (void)state;
    stored s;
    stored_one(&s);
    const gr__result_def d = s.def;
    json_t *r = make(&d), *models = json_object_get(r, "models");

    /* Models: losses, what they cost, where the attack served best. */
    assert_int_equal(json_object_size(models), 6); /* the placebo itself was not measured */
    const json_t *off = json_object_get(models, "routed_off"), *plain = json_object_get(models, "plain");
    near(off, "forget", loss(&d, ROUTED_OFF, 0, 0, NULL, "forget"));
    near(off, "adjacent", loss(&d, ROUTED_OFF, 0, 0, NULL, "adjacent"));
    near(off, "forget_relearned", loss(&d, ROUTED_OFF, 0, 0, "relearn", "forget"));
    near(off, "retain_relearned", loss(&d, ROUTED_OFF, 0, 0, "relearn", "retain"));
    assert_null(json_object_get(off, "adjacent_relearned"));
    assert_null(json_object_get(off, "seconds")); /* a view */
    assert_null(json_object_get(off, "accuracy"));
    assert_null(json_object_get(off, "classes"));
    assert_int_equal(json_object_size(json_object_get(off, "intervals")), 3);
    near(plain, "tokens", 200000);
    near(plain, "tokens_per_s", 200000 / 44.25);
    near(plain, "parameters", 30000);
    near(json_object_get(plain, "relearned_at"), "step", 15);
    near(json_object_get(plain, "relearned_at"), "lr", 0.001);
    near(json_object_get(plain, "relearned_at"), "validation", 4.05);
    assert_null(json_object_get(json_object_get(models, "routed"), "forget_relearned"));

    /* Times are those of all cells; speeds of what was trained. */
    near(r, "seconds", 61.5 + 44.25 + 40 + 38.75 + 4 * 5.5);
    near(r, "tokens_per_s", (200000 + 200000 + 180000 + 180000) / (61.5 + 44.25 + 40 + 38.75));

    /* Data, attack, sizes, prompts. */
    const json_t *data = json_object_get(r, "data");
    near(data, "documents", 1200), near(data, "duplicates", 24), near(data, "vocab", 512);
    near(json_object_get(data, "groups"), "food", 120);
    near(json_object_get(data, "known"), "animals", 150);
    assert_true(json_is_false(json_object_get(data, "used_fallback")));
    near(json_object_get(r, "relearn"), "documents", 16), near(json_object_get(r, "relearn"), "steps", 30);
    near(json_object_get(r, "parameters"), "core", 26000);
    near(json_object_get(json_object_get(r, "parameters"), "regions"), "animals", 4000);
    const json_t *second = json_array_get(json_object_get(r, "completions"), 0);
    assert_string_equal(json_string_value(json_object_get(second, "prompt")), "a small bird");
    assert_string_equal(json_string_value(json_object_get(second, "routed_off")), " a a of");
    assert_null(json_object_get(r, "seeds"));
    assert_null(json_object_get(r, "points"));
    assert_null(json_object_get(r, "claims"));
    assert_string_equal(json_string_value(json_object_get(r, "format")), "gradroute-result-2");
    json_decref(r);
    stored_free(&s);
}

/* A figure of the perfect filter against itself, or of a twin that did not run, is left out. */
static void what_did_not_run_is_left_out(void **state) {
    (void)state;
    stored s;
    stored_refused(&s);
    gr__result_def d = s.def;
    json_t *r = make(&d);
    static const char *const absent[] = {"specific_removal_filtered", "removal_filtered", "removal_placebo",
                                         "tax_off_adjacent", "specific_removal_placebo"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        assert_null(json_object_get(r, absent[i]));
    assert_true(json_is_null(json_object_get(r, "specific_removal")));
    assert_true(json_is_number(json_object_get(r, "specific_gap")));
    assert_string_equal(json_string_value(json_object_get(json_object_get(r, "table"), "intervals")), "buckets");
    assert_int_equal(json_array_size(json_object_get(r, "suggested")), 2);
    assert_int_equal(json_array_size(json_object_get(json_object_get(r, "table"), "arms")), 4);
    json_decref(r);

    /* Nothing to compare with. */
    s.runs[FILTERED] = false;
    r = make(&d);
    assert_null(json_object_get(r, "specific_gap"));
    assert_true(json_is_null(json_object_get(r, "scale")));
    assert_string_equal(json_string_value(json_object_get(r, "verdict")),
                        "no verdict: it takes the twins plain and filtered (or perfect)");
    json_decref(r);
    stored_free(&s);
}

/* ---- seeds, knobs, claims ---- */

static double removal_in(const gr__result_def *d, int arm, int value, int seed, const char *after) {
    return beyond(d, arm, value, BASE, seed, after) / beyond(d, RIVAL_PERFECT, 0, BASE, seed, after);
}

static gr_estimate over(const double value[5]) {
    double mean = 0, squares = 0;
    for (int s = 0; s < 5; s++)
        mean += value[s] / 5;
    for (int s = 0; s < 5; s++)
        squares += (value[s] - mean) * (value[s] - mean);
    double half = 2.776445105197794 * sqrt(squares / 4 / 5);
    return (gr_estimate){mean, mean - half, mean + half};
}

static void holds_interval(const json_t *interval, gr_estimate e) {
    assert_true(fabs(json_number_value(json_array_get(interval, 0)) - e.low) < 1e-9);
    assert_true(fabs(json_number_value(json_array_get(interval, 1)) - e.high) < 1e-9);
}

static void seeds_by_hand(void **state) {
    (void)state;
    stored s;
    stored_seeds(&s);
    gr__result_def d = s.def;
    json_t *r = make(&d), *intervals = json_object_get(r, "intervals"), *seeds = json_object_get(r, "seeds");
    double gap[5], cost[5], forget[5];
    assert_int_equal(json_array_size(seeds), 5);
    for (int k = 0; k < 5; k++) {
        gap[k] = beyond(&d, RIVAL_PERFECT, 0, BASE, k, NULL);
        cost[k] = loss(&d, RIVAL_PERFECT, k, 0, NULL, "retain") - loss(&d, BASE, k, 0, NULL, "retain");
        forget[k] = loss(&d, RIVAL_PERFECT, k, 0, NULL, "forget");
        near(json_array_get(seeds, (size_t)k), "seed", k + 1);
        near(json_array_get(seeds, (size_t)k), "gap", gap[k]);
        near(json_array_get(seeds, (size_t)k), "cost", cost[k]);
    }

    /* Means of seeds, differences inside a seed. */
    near(r, "gap", over(gap).value);
    holds_interval(json_object_get(intervals, "gap"), over(gap));
    near(r, "cost", over(cost).value);
    holds_interval(json_object_get(intervals, "cost"), over(cost));
    const json_t *perfect = json_object_get(json_object_get(r, "models"), "perfect");
    near(perfect, "forget", over(forget).value);
    holds_interval(json_object_get(json_object_get(perfect, "intervals"), "forget"), over(forget));
    near(perfect, "seconds", 50);
    near(perfect, "tokens_per_s", 5000);

    /* Each value of a knob by itself. */
    const json_t *rmu = json_object_get(json_object_get(r, "knobs"), "removal_rmu");
    assert_int_equal(json_array_size(rmu), 4);
    assert_null(json_object_get(r, "removal_rmu"));
    for (int v = 0; v < 4; v++) {
        double value[5];
        for (int k = 0; k < 5; k++)
            value[k] = removal_in(&d, RMU, v, k, NULL);
        near(json_array_get(rmu, (size_t)v), "value", over(value).value);
        holds_interval(json_object_get(json_array_get(rmu, (size_t)v), "interval"), over(value));
        const json_t *each = json_object_get(json_array_get(rmu, (size_t)v), "seeds");
        for (size_t k = 0; k < 5; k++)
            assert_true(fabs(json_number_value(json_array_get(each, k)) - value[k]) < 1e-9);
    }
    const json_t *tried = json_object_get(json_object_get(json_object_get(r, "models"), "rmu"), "values");
    assert_int_equal(json_array_size(tried), 4);
    near(json_array_get(tried, 3), "forget",
         (loss(&d, RMU, 0, 3, NULL, "forget") + loss(&d, RMU, 1, 3, NULL, "forget") +
          loss(&d, RMU, 2, 3, NULL, "forget") + loss(&d, RMU, 3, 3, NULL, "forget") +
          loss(&d, RMU, 4, 3, NULL, "forget")) /
             5);
    json_decref(r);
    stored_free(&s);
}

/* Removal after relearning of routing, in one seed at the tax of RMU: between the neighbours. */
static double matched(const gr__result_def *d, int seed, double place) {
    double tax[3], value[3];
    for (int v = 0; v < 3; v++) {
        tax[v] = loss(d, RIVAL_OFF, seed, v, NULL, "retain") - loss(d, RIVAL_PERFECT, seed, 0, NULL, "retain");
        value[v] = removal_in(d, RIVAL_OFF, v, seed, "relearn");
    }
    for (int v = 0; v < 2; v++)
        if (tax[v] <= place && place <= tax[v + 1])
            return value[v] + (place - tax[v]) / (tax[v + 1] - tax[v]) * (value[v + 1] - value[v]);
    double end = place < tax[0] ? tax[0] : tax[2];
    return fabs(end - place) <= 0.02 ? (place < tax[0] ? value[0] : value[2]) : NAN;
}

static void claims_by_hand(void **state) {
    (void)state;
    stored s;
    stored_seeds(&s);
    gr__result_def d = s.def;
    json_t *r = make(&d), *claims = json_object_get(r, "claims");
    assert_int_equal(json_array_size(claims), 3);

    /* At the values of RMU that routing reaches in all seeds: the one that speaks most against. */
    gr_estimate least = {NAN, NAN, NAN};
    for (int v = 0; v < 4; v++) {
        double value[5];
        for (int k = 0; k < 5; k++) {
            double tax = loss(&d, RMU, k, v, NULL, "retain") - loss(&d, RIVAL_PERFECT, k, 0, NULL, "retain");
            value[k] = matched(&d, k, tax) - removal_in(&d, RMU, v, k, "relearn");
        }
        gr_estimate e = over(value);
        if (!isnan(e.value) && !(e.value > least.value))
            least = e;
    }
    const json_t *primary = json_array_get(claims, 0), *at = json_array_get(json_object_get(primary, "points"), 0);
    assert_true(json_is_true(json_object_get(primary, "primary")) && !isnan(least.value));
    near(at, "value", least.value);
    holds_interval(json_object_get(at, "interval"), least);
    assert_string_equal(json_string_value(json_object_get(primary, "state")), least.low >= 0.1 ? "holds" : "undecided");

    /* The filter's cost was found above; RMU's best tax is that of its last value. */
    const json_t *cost = json_array_get(claims, 1), *damage = json_array_get(claims, 2);
    assert_string_equal(json_string_value(json_object_get(cost, "state")), "holds");
    assert_true(json_is_true(json_object_get(json_array_get(json_object_get(damage, "points"), 0), "edge")));
    json_decref(r);
    stored_free(&s);
}

/* A figure that is refused in one seed is refused; one that diverged is a matter of claims. */
static void seeds_in_the_way(void **state) {
    (void)state;
    stored s;
    stored_seeds(&s);
    gr__result_def d = s.def;
    gr_ledger *diverged = gr_ledger_new();
    gr_ledger_begin(diverged, "diverged");
    for (size_t i = 0; i < s.count; i++)
        if (s.rows[i].arm == RMU && s.rows[i].seed == 2 && s.rows[i].knob == 3 && !s.rows[i].after) {
            gr_ledger_free((gr_ledger *)s.rows[i].rows);
            s.rows[i].rows = diverged;
        }
    json_t *r = make(&d);
    const json_t *point = json_array_get(json_object_get(json_array_get(json_object_get(r, "claims"), 0), "points"), 0);
    assert_string_equal(json_string_value(json_object_get(point, "state")), "undecided");
    assert_non_null(strstr(json_string_value(json_object_get(point, "text")), "rmu diverged in seed 3"));
    const json_t *rmu = json_object_get(json_object_get(r, "knobs"), "removal_rmu");
    assert_true(json_is_null(json_object_get(json_array_get(rmu, 3), "value")));
    assert_true(json_is_number(json_object_get(json_array_get(rmu, 2), "value")));
    json_decref(r);

    /* What goes on from a model that diverged has diverged too. */
    for (size_t i = 0; i < s.count; i++)
        if (s.rows[i].arm == RIVAL_ROUTED && s.rows[i].seed == 0 && s.rows[i].knob == 1) {
            gr_ledger_free((gr_ledger *)s.rows[i].rows);
            s.rows[i].rows = rows_of("{\"row\":\"diverged\"}\n", 19);
        }
    r = make(&d);
    point = json_array_get(json_object_get(json_array_get(json_object_get(r, "claims"), 0), "points"), 0);
    assert_non_null(strstr(json_string_value(json_object_get(point, "text")), "routed_off diverged in seed 1"));
    json_decref(r);

    /* A gap that is too small in one seed alone: what is over it is refused in all. */
    double least = INFINITY;
    for (int k = 0; k < 5; k++)
        least = fmin(least, beyond(&d, RIVAL_PERFECT, 0, BASE, k, NULL));
    d.least = least + 1e-6;
    r = make(&d);
    rmu = json_object_get(json_object_get(r, "knobs"), "removal_rmu");
    assert_true(json_is_null(json_object_get(json_array_get(rmu, 2), "value")));
    assert_true(json_is_number(json_object_get(r, "gap")));
    json_decref(r);
    stored_free(&s);
}

/* ---- rows of other kinds ---- */

/* Rows of one cell, one a line. */
static gr__result_rows cell(int arm, int seed, int knob, const char *after, const char *lines) {
    return (gr__result_rows){.arm = arm,
                             .seed = seed,
                             .knob = knob,
                             .after = after ? gr_registry_attack(registry, after) : NULL,
                             .rows = rows_of(lines, strlen(lines)),
                             .seconds = 1};
}

static void cells_free(gr__result_rows *cells, size_t count) {
    for (size_t i = 0; i < count; i++)
        gr_ledger_free((gr_ledger *)cells[i].rows);
}

/* Shares of all samples, and of each class; over seeds their means. */
static void right_answers_are_shares(void **state) {
    (void)state;
    stored s;
    stored_seeds(&s);
    gr__result_rows cells[] = {
        cell(BASE, 0, 0, NULL,
             "{\"row\":\"right\",\"class\":\"bag\",\"right\":1,\"all\":4}\n"
             "{\"row\":\"right\",\"class\":\"boot\",\"right\":6,\"all\":6}\n"),
        cell(BASE, 1, 0, NULL,
             "{\"row\":\"right\",\"class\":\"bag\",\"right\":2,\"all\":4}\n"
             "{\"row\":\"right\",\"class\":\"boot\",\"right\":3,\"all\":6}\n"),
    };
    gr__result_def d = s.def;
    d.rows = cells, d.seeds = 2;
    for (d.count = 1; d.count <= 2; d.count++) {
        json_t *r = make(&d);
        const json_t *base = json_object_get(json_object_get(r, "models"), "base");
        near(base, "accuracy", d.count == 1 ? 0.7 : 0.6);
        near(json_object_get(base, "classes"), "bag", d.count == 1 ? 0.25 : 0.375);
        near(json_object_get(base, "classes"), "boot", d.count == 1 ? 1 : 0.75);
        json_decref(r);
    }
    cells_free(cells, 2);
    stored_free(&s);
}

/* Of the losses of an attack those at its best point count, wherever they stand. */
static void attacks_count_at_their_best(void **state) {
    (void)state;
    stored s;
    stored_one(&s);
    gr__result_rows cells[] = {
        cell(PLAIN, 0, 0, NULL, "{\"row\":\"model\",\"tokens\":1}\n"),
        cell(PLAIN, 0, 0, "relearn",
             "{\"row\":\"loss\",\"group\":\"forget\",\"at\":\"step\",\"units\":[9],\"sizes\":[1],\"list\":\"f\"}\n"
             "{\"row\":\"loss\",\"group\":\"forget\",\"at\":\"best\",\"units\":[4],\"sizes\":[2],\"list\":\"f\"}\n"
             "{\"row\":\"loss\",\"group\":\"adjacent\",\"at\":\"best\",\"units\":[4],\"sizes\":[2],\"list\":\"a\"}\n"),
    };
    gr__result_def d = s.def;
    d.rows = cells, d.count = 2;
    json_t *r = make(&d);
    const json_t *plain = json_object_get(json_object_get(r, "models"), "plain");
    near(plain, "forget_relearned", 2);
    assert_null(json_object_get(plain, "adjacent_relearned"));
    assert_int_equal(json_object_size(json_object_get(plain, "intervals")), 0);
    json_decref(r);
    cells_free(cells, 2);
    stored_free(&s);
}

/* Losses of one model: of one document of two tokens in each group, over all tokens and over common ones. */
static gr__result_rows losses_cell(int arm, double forget, double retain, double shared_forget, double shared_retain) {
    char text[1024] = "";
    const double mean[] = {forget, retain, shared_forget, shared_retain};
    for (int i = 0; i < 4; i++)
        sprintf(
            text + strlen(text),
            "{\"row\":\"%s\",\"group\":\"%s\",\"unit\":\"document\",\"units\":[%g],\"sizes\":[2],\"list\":\"%d\"}\n",
            i < 2 ? "loss" : "shared", i % 2 ? "retain" : "forget", 2 * mean[i], i);
    return cell(arm, 0, 0, NULL, text);
}

/* A figure takes the losses of the measure that it names, of all its models. */
static void figures_may_be_of_another_measure(void **state) {
    (void)state;
    static const char yaml[] =
        "experiment: two\n"
        "arms: {a: {train: {}}, b: {train: {routes: none}}, c: {train: {without: true_labels}}}\n"
        "roles: {zero: b, one: c}\n"
        "groups: {forget: any_label, retain: retain}\n"
        "measures: {loss: {of: [a, b, c]}, shared: {of: [a, b, c]}}\n"
        "figures: [{key: all, figure: removal, of: a}, {key: common, figure: removal, of: a, measure: shared},\n"
        "          {key: same, figure: removal, of: a, measure: loss},\n"
        "          {key: specific, figure: removal_specific, of: a, measure: shared},\n"
        "          {key: cost, figure: tax_off, of: a, measure: shared},\n"
        "          {key: mean, figure: value, measure: shared, field: mean, group: forget, of: a}]\n";
    stored s = {.experiment = parsed(yaml), .runs = {true, true, true}};
    gr__result_rows cells[] = {losses_cell(0, 4, 3, 2.5, 2.25), losses_cell(1, 2, 3, 2, 2), losses_cell(2, 6, 3, 4, 2)};
    s.def =
        (gr__result_def){.experiment = s.experiment, .registry = registry, .runs = s.runs, .seeds = 1, .rows = cells};
    s.def.split_seed = split_seeds, s.def.count = 3;
    json_t *r = make(&s.def);
    near(r, "all", 0.5), near(r, "same", 0.5), near(r, "common", 0.25), near(r, "cost", 0.25), near(r, "mean", 2.5);
    near(r, "specific", 0.125); /* of 2 nats that c lost a lost .5, of which .25 it lost on other text too */
    json_decref(r);
    cells_free(cells, 3);
    gr_experiment_free(s.experiment);
}

/* A value is the mean over the rows of its measure; of one seed it has no interval, of several Student's. */
static void values_are_means_over_rows(void **state) {
    (void)state;
    static const char yaml[] =
        "experiment: values\n"
        "arms: {a: {train: {}}, b: {train: {routes: none}}}\n"
        "measures: {reward: {of: [a, b]}}\n"
        "figures: [{key: one, figure: value, measure: reward, field: return, of: a},\n"
        "          {key: left, figure: value, measure: reward, field: return, group: left, of: a},\n"
        "          {key: more, figure: value, measure: reward, field: return, of: a, minus: b}]\n";
    stored s = {.experiment = parsed(yaml), .runs = {true, true}};
    gr__result_rows cells[] = {
        cell(0, 0, 0, NULL,
             "{\"row\":\"reward\",\"group\":\"left\",\"return\":3}\n{\"row\":\"reward\",\"group\":\"right\",\"return\":"
             "2}\n"
             "{\"row\":\"reward\",\"group\":\"left\",\"return\":1}\n{\"row\":\"other\",\"return\":9}\n"),
        cell(1, 0, 0, NULL, "{\"row\":\"reward\",\"return\":0.5}\n"),
        cell(0, 1, 0, NULL, "{\"row\":\"reward\",\"group\":\"left\",\"return\":4}\n"),
        cell(1, 1, 0, NULL, "{\"row\":\"reward\",\"return\":1.5}\n"),
    };
    gr__result_def d = {.experiment = s.experiment,
                        .registry = registry,
                        .runs = s.runs,
                        .seeds = 1,
                        .split_seed = split_seeds,
                        .rows = cells,
                        .count = 4};
    json_t *r = make(&d);
    near(r, "one", 2), near(r, "left", 2), near(r, "more", 1.5);
    assert_int_equal(json_object_size(json_object_get(r, "intervals")), 0);
    assert_null(json_object_get(r, "verdict"));
    json_decref(r);

    /* 2 and 4; 1.5 and 2.5: 2 -+ 12.706 sqrt(.5 / 2). */
    d.seeds = 2;
    r = make(&d);
    near(r, "one", 3), near(r, "more", 2);
    holds_interval(json_object_get(json_object_get(r, "intervals"), "more"),
                   (gr_estimate){2, 2 - 12.7062047361747 / 2, 2 + 12.7062047361747 / 2});
    json_decref(r);

    /* A figure that one seed has not is refused; one that no seed has is left out. */
    d.count = 3;
    r = make(&d);
    near(r, "one", 3);
    assert_true(json_is_null(json_object_get(r, "more")));
    json_decref(r);
    d.count = 0;
    r = make(&d);
    assert_null(json_object_get(r, "one"));
    assert_null(json_object_get(r, "more"));
    json_decref(r);
    cells_free(cells, 4);
    stored_free(&s);
}

/* ---- points ---- */

static void points_stand_by_themselves(void **state) {
    (void)state;
    static const char axes[] =
        "axes: {known: {all: {labels.a.known: 1.0}, half: {labels.a.known: 0.5}}}\n"
        "claims: [{say: everywhere, figure: tax_off, of: routed_off, at_most: 1},\n"
        "         {say: gap, figure: gap_specific, at_most: 1},\n"
        "         {primary: true, say: there, figure: tax_off, of: routed_off, at: {known: half}, at_most: 1}]\n";
    size_t length;
    char *text = gr_test_read(project_path("experiments/audit.yaml"), &length), *with = gr_format("%s%s", text, axes);
    stored s;
    stored_refused_of(&s, parsed(with));
    free(text);
    gr_free(with);

    /* The same rows at both points; at the second with other times, plain and filtered exchanged. */
    gr__result_rows *twice = gr_alloc(2 * s.count * sizeof *twice);
    for (size_t i = 0; i < s.count; i++) {
        twice[i] = twice[s.count + i] = s.rows[i];
        twice[s.count + i].point = 1;
        twice[s.count + i].seconds = 3;
        int arm = s.rows[i].arm;
        twice[s.count + i].arm = arm == PLAIN ? FILTERED : arm == FILTERED ? PLAIN : arm;
    }
    gr__result_def d = s.def;
    d.rows = twice, d.count = 2 * s.count;
    json_t *r = make(&d), *points = json_object_get(r, "points");
    assert_int_equal(json_array_size(points), 2);
    assert_null(json_object_get(r, "specific_gap"));
    for (size_t p = 0; p < 2; p++) {
        const json_t *one = json_array_get(points, p);
        assert_string_equal(json_string_value(json_object_get(json_object_get(one, "axes"), "known")),
                            p ? "half" : "all");
        near(one, "specific_gap", (p ? -1 : 1) * beyond(&d, FILTERED, 0, PLAIN, 0, NULL));
        near(one, "seconds", p ? 3 * (double)s.count : 20 + 18 + 15 + 3);
    }
    /* Claims are of all points, or of some. */
    const json_t *there = json_array_get(json_object_get(r, "claims"), 0);
    const json_t *everywhere = json_array_get(json_object_get(r, "claims"), 1);
    assert_string_equal(json_string_value(json_object_get(there, "say")), "there");
    assert_int_equal(json_array_size(json_object_get(everywhere, "points")), 2);
    assert_int_equal(json_array_size(json_object_get(there, "points")), 1);
    const json_t *gap = json_array_get(json_object_get(json_array_get(json_object_get(r, "claims"), 2), "points"), 0);
    near(gap, "value", beyond(&d, FILTERED, 0, PLAIN, 0, NULL));
    const json_t *at = json_object_get(json_array_get(json_object_get(there, "points"), 0), "axes");
    assert_string_equal(json_string_value(json_object_get(at, "known")), "half");
    json_decref(r);

    /* Roles are those of a point: where no filter runs at the second, there is no gap there. */
    s.runs[s.experiment->arms + FILTERED] = false;
    r = make(&d), points = json_object_get(r, "points");
    assert_non_null(json_object_get(json_array_get(points, 0), "specific_gap"));
    assert_null(json_object_get(json_array_get(points, 1), "specific_gap"));
    assert_string_equal(json_string_value(json_object_get(json_array_get(points, 0), "scale")), "filtered");
    assert_true(json_is_null(json_object_get(json_array_get(points, 1), "scale")));
    json_decref(r);
    gr_free(twice);
    stored_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_of_an_audit_by_hand),
        cmocka_unit_test(members_of_an_audit),
        cmocka_unit_test(what_did_not_run_is_left_out),
        cmocka_unit_test(seeds_by_hand),
        cmocka_unit_test(claims_by_hand),
        cmocka_unit_test(seeds_in_the_way),
        cmocka_unit_test(right_answers_are_shares),
        cmocka_unit_test(attacks_count_at_their_best),
        cmocka_unit_test(figures_may_be_of_another_measure),
        cmocka_unit_test(values_are_means_over_rows),
        cmocka_unit_test(points_stand_by_themselves),
    };
    return cmocka_run_group_tests_name("results", tests, setup, teardown);
}
