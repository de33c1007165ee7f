/* Cells and results: each row is of the arm, point, seed, value and attack that its use is of; and the names that
 * results take. */
#include "io/digest.h"
#include "io/json.h"
#include "lab/result_cells.h"
#include "result_helpers.h"

/* The attack is one at the first point and two at the second. */
static int more_each(void *user, int reading, int point, int seed) {
    (void)user, (void)seed;
    return reading == 1 ? 1 + point : 1;
}

/* A cell for each key: its row says which use it was made for, its seconds too. */
static gr__kept_cell **make_cells(const gr__cells *cells) {
    gr__kept_cell **cell = gr_alloc((size_t)cells->cells * sizeof *cell);
    for (int c = 0; c < cells->cells; c++) {
        gr_ledger *rows = gr_ledger_new();
        gr_ledger_begin(rows, "mark");
        gr_ledger_count(rows, "use", cells->cell[c].use);
        json_t *of = json_pack("{s:i}", "cell", c);
        cell[c] = gr__cell_new(of, rows, &(gr__cell_facts){.seconds = c + 0.5});
        json_decref(of);
    }
    return cell;
}

static void free_cells(gr__kept_cell **cell, int count) {
    for (int c = 0; c < count; c++)
        gr__cell_free(cell[c]);
    gr_free(cell);
}

/* Keys that tell all uses apart, but for the model of plain, which does not know the point. */
static gr__cells *cells_of(const gr_experiment *e, const bool *runs) {
    gr__cells *cells = gr__cells_new(&(gr__cells_def){.experiment = e, .runs = runs, .seeds = 2, .each = more_each});
    int plain = arm_of(e, "plain");
    for (int u = 0; u < cells->uses; u++) {
        const gr__use *use = &cells->use[u];
        bool shared = use->arm == plain && use->reading < 0;
        char hex[GR_DIGEST_HEX], *text = gr_format("%d %d %d %d %d %d", use->arm, shared ? 0 : use->point, use->seed,
                                                   use->knob, use->reading, use->each);
        gr_digest_data(hex, text, strlen(text));
        gr__cells_key(cells, u, hex, false);
        gr_free(text);
    }
    gr__cells_join(cells);
    return cells;
}

static void rows_are_of_their_uses(void **state) {
    (void)state;
    gr_experiment *e = parsed(small);
    const bool runs[8] = {true, true, true, true, true, true, true, true};
    gr__cells *cells = cells_of(e, runs);
    gr__kept_cell **cell = make_cells(cells);
    size_t count, expected = 0;
    gr__result_rows *rows = gr__result_rows_of(&count, e, cells, (const gr__kept_cell *const *)cell);
    for (int u = 0; u < cells->uses; u++) {
        const gr__use *use = &cells->use[u];
        /* In the order of the uses; a weaker attack says how many are stronger. */
        const gr__result_rows *r = &rows[expected++];
        assert_true(r->arm == use->arm && r->point == use->point && r->seed == use->seed && r->knob == use->knob);
        assert_true(r->rows == cell[use->cell]->rows);
        assert_int_equal(r->rung, use->kind == GR_CELL_ATTACK ? use->point - use->each : 0);
        assert_true(r->seconds == use->cell + 0.5);
        assert_true(r->after == (use->kind == GR_CELL_ATTACK ? gr_registry_attack(registry, "relearn") : NULL));
    }
    assert_int_equal(count, expected);
    assert_true(cells->cells < cells->uses); /* plain is shared */
    gr_free(rows);

    /* What is not done has none; a weaker attack does not stand for the last. */
    for (int u = 0; u < cells->uses; u++)
        if (cells->use[u].kind == GR_CELL_ATTACK && cells->use[u].each == cells->use[u].point) {
            gr__cell_free(cell[cells->use[u].cell]);
            cell[cells->use[u].cell] = NULL;
        }
    rows = gr__result_rows_of(&count, e, cells, (const gr__kept_cell *const *)cell);
    for (size_t i = 0; i < count; i++)
        assert_true(!rows[i].after || rows[i].rung == 1);
    gr_free(rows);
    free_cells(cell, cells->cells);
    gr__cells_free(cells);
    gr_experiment_free(e);
}

/* From rows of cells to the figures, with nothing between. */
static void a_result_of_cells(void **state) {
    (void)state;
    gr_experiment *e = parsed(small);
    const bool runs[8] = {true, true, true, true, true, true, true, true};
    gr__cells *cells = cells_of(e, runs);
    gr__kept_cell **cell = gr_alloc((size_t)cells->cells * sizeof *cell);
    for (int c = 0; c < cells->cells; c++) {
        const gr__use *use = &cells->use[cells->cell[c].use];
        if (use->kind != GR_CELL_MEASURE)
            continue;

        /* Forget text: plain 3, filtered 4, the routed ones 3.5 and their knob's quarter. */
        double forget = use->arm == 2 ? 3 : use->arm == 3 ? 4 : 3.5 + 0.25 * use->knob;
        gr_ledger *rows = gr_ledger_new();
        static const char *const groups[] = {"forget", "retain"};
        for (int g = 0; g < 2; g++) {
            double nll = g ? 3 : forget;
            gr_ledger_begin(rows, "loss");
            gr_ledger_text(rows, "group", groups[g]);
            gr_ledger_numbers(rows, "units", (double[]){nll, nll}, 2);
            gr_ledger_counts(rows, "sizes", (int64_t[]){1, 1}, 2);
            gr_ledger_text(rows, "list", groups[g]);
        }
        json_t *of = json_pack("{s:i}", "cell", c);
        cell[c] = gr__cell_new(of, rows, &(gr__cell_facts){.seconds = 1});
        json_decref(of);
    }

    size_t count;
    gr__result_rows *rows = gr__result_rows_of(&count, e, cells, (const gr__kept_cell *const *)cell);
    const gr__result_def def = {.experiment = e,
                                .registry = registry,
                                .runs = runs,
                                .seeds = 2,
                                .first_seed = 1,
                                .split_seed = split_seeds,
                                .least = 0.15,
                                .rows = rows,
                                .count = count};
    json_t *r = make(&def), *points = json_object_get(r, "points");
    assert_int_equal(json_array_size(points), 2);
    for (size_t p = 0; p < 2; p++) {
        const json_t *gone = json_object_get(json_object_get(json_array_get(points, p), "knobs"), "gone");
        assert_int_equal(json_array_size(gone), 2);
        near(json_array_get(gone, 0), "value", 0.5);
        near(json_array_get(gone, 1), "value", 0.75);
    }
    json_decref(r);
    gr_free(rows);
    free_cells(cell, cells->cells);
    gr__cells_free(cells);
    gr_experiment_free(e);
}

/* ---- names ---- */

/* A row that the method of an arm has written of a model in one seed. */
static void add_row(stored *s, int arm, int seed, int knob, const char *kind, int step) {
    for (size_t i = 0; i < s->count; i++) {
        const gr__result_rows *of = &s->rows[i];
        if (of->arm != arm || of->seed != seed || of->knob != knob || of->after)
            continue;
        gr_ledger *rows = (gr_ledger *)of->rows;
        gr_ledger_begin(rows, kind);
        gr_ledger_count(rows, "step", step);
        gr_ledger_numbers(rows, "losses", (double[]){1, 2}, 2);
        gr_ledger_text(rows, "by", "what is known");
        return;
    }
    fail_msg("arm %d has no cell", arm);
}

static bool is_member(const char *const *names, const char *name) {
    for (; *names; names++)
        if (!strcmp(*names, name))
            return true;
    return false;
}

/* Whether a key is that of a figure, or the name of an attack. */
static bool is_named(const gr_experiment *e, const char *key) {
    for (int f = 0; f < e->figures; f++)
        if (!strcmp(e->figure[f].key, key))
            return true;
    for (int u = 0; u < e->uses; u++)
        if (e->use[u].attack && !strcmp(e->use[u].attack->name, key))
            return true;
    return false;
}

/* Whatever stands beside figures may be no figure's key; what stands beside losses no group's. */
static void members_take_their_names(void **state) {
    (void)state;
    static void (*const open[])(stored * s) = {stored_one, stored_refused, stored_seeds};
    for (int i = 0; i < 3; i++) {
        stored s;
        open[i](&s);
        add_row(&s, 2, 0, 0, "train", 1);
        add_row(&s, 2, 0, 0, "found", 1);
        json_t *r = make(&s.def), *value, *model;
        const char *key, *name;
        json_object_foreach(r, key, value)
            if (!is_named(s.experiment, key) && !is_member(gr__result_members, key))
                fail_msg("%s may be the key of a figure", key);
        json_object_foreach(json_object_get(r, "models"), name, model)
            json_object_foreach(model, key, value)
                if (!strstr(key, "relearned") && strcmp(key, "forget") != 0 && strcmp(key, "adjacent") != 0 &&
                    strcmp(key, "retain") != 0 && !is_member(gr__result_model_members, key))
                    fail_msg("%s may be the name of a group", key);
        json_decref(r);
        stored_free(&s);
    }
}

/* ---- ladders ---- */

/* A weaker attack on a model in one seed: its step and rate are those of the seed. */
static void add_rung(stored *s, int arm, int seed) {
    char *text = gr_format("{\"row\":\"point\",\"documents\":4,\"tokens\":100,\"step\":%d,\"lr\":0.25}\n", 5 + seed);
    GR_PUSH(s->rows, s->count, s->room) = (gr__result_rows){.arm = arm,
                                                            .seed = seed,
                                                            .after = gr_registry_attack(registry, "relearn"),
                                                            .rung = 1,
                                                            .rows = rows_of(text, strlen(text)),
                                                            .seconds = 1};
    s->def.rows = s->rows;
    s->def.count = s->count;
    gr_free(text);
}

/* The weakest attack of a model first. */
static const json_t *weakest(const json_t *model) {
    const json_t *ladder = json_object_get(model, "relearned_ladder");
    assert_int_equal(json_array_size(ladder), 2);
    near(json_array_get(ladder, 0), "documents", 4);
    near(json_array_get(ladder, 1), "documents", 16);
    return json_array_get(ladder, 0);
}

/* Where an attack served best is told of one seed: steps and rates of several are no numbers to average. */
static void a_rung_has_the_step_of_one_seed(void **state) {
    (void)state;
    stored s;
    stored_one(&s);
    add_rung(&s, ROUTED_OFF, 0);
    json_t *r = make(&s.def);
    const json_t *rung = weakest(json_object_get(json_object_get(r, "models"), "routed_off"));
    near(rung, "tokens", 100), near(rung, "step", 5), near(rung, "lr", 0.25);
    json_decref(r);
    stored_free(&s);

    stored_seeds(&s);
    for (int seed = 0; seed < 5; seed++)
        add_rung(&s, BASE, seed);
    r = make(&s.def);
    rung = weakest(json_object_get(json_object_get(r, "models"), "base"));
    near(rung, "tokens", 100);
    assert_true(!json_object_get(rung, "step") && !json_object_get(rung, "lr"));
    json_decref(r);
    stored_free(&s);
}

/* ---- what methods say ---- */

/* Rows of a method's own name are there of every seed, whatever it is called, without lists; others are not. */
static void rows_of_a_method_are_of_its_models(void **state) {
    (void)state;
    stored s;
    stored_seeds(&s);
    for (int seed = 0; seed < 5; seed++)
        add_row(&s, RMU, seed, 1, "rmu", 10 * seed);
    add_row(&s, BASE, 3, 0, "train", 7);
    add_row(&s, RIVAL_PERFECT, 0, 0, "rmu", 8);
    json_t *r = make(&s.def), *models = json_object_get(r, "models");

    /* Of one value of a knob. */
    const json_t *values = json_object_get(json_object_get(models, "rmu"), "values");
    const json_t *made = json_object_get(json_array_get(values, 1), "made");
    assert_int_equal(json_array_size(made), 5);
    for (size_t seed = 0; seed < 5; seed++) {
        const json_t *one = json_array_get(made, seed);
        near(one, "seed", 1 + (double)seed);
        near(one, "step", 10 * (double)seed);
        assert_string_equal(json_string_value(json_object_get(one, "by")), "what is known");
        assert_int_equal(json_object_size(one), 3);
    }
    assert_null(json_object_get(json_array_get(values, 0), "made"));

    /* Of one seed; and of another method than the model's. */
    made = json_object_get(json_object_get(models, "base"), "made");
    assert_int_equal(json_array_size(made), 1);
    near(json_array_get(made, 0), "seed", 4);
    assert_null(json_object_get(json_object_get(models, "perfect"), "made"));
    json_decref(r);
    stored_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_of_their_uses),
        cmocka_unit_test(a_result_of_cells),
        cmocka_unit_test(members_take_their_names),
        cmocka_unit_test(a_rung_has_the_step_of_one_seed),
        cmocka_unit_test(rows_of_a_method_are_of_its_models),
    };
    return cmocka_run_group_tests_name("results of cells", tests, setup, teardown);
}
