/* Routes: which class a row gets, by what is drawn for it and by the step. */
#include "route_helpers.h"

/* ---- draws ---- */

enum { ROWS = 64, WIDTH = 16, N = ROWS * WIDTH };

typedef struct rows {
    int16_t label[N];
    int32_t sequence[ROWS], document[N], cls[N];
} rows;

static void rows_fill(rows *r, int label) {
    for (int i = 0; i < ROWS; i++) {
        r->sequence[i] = i;
        for (int t = 0; t < WIDTH; t++) {
            r->label[i * WIDTH + t] = (int16_t)label;
            r->document[i * WIDTH + t] = 100 + 4 * i + t / 4;
        }
    }
}

static gr_router_rows view(const rows *r, int from, int count) {
    return (gr_router_rows){count, WIDTH, r->label + from * WIDTH, r->sequence + from, r->document + from * WIDTH,
                            NULL};
}

static gr_router *drawn_router(const gr_model *model, gr_draw draw, double chance) {
    gr_routes *routes = gr_routes_new(2, both);
    gr_routes_add(routes, GR_LABELS_CORE, draw);
    gr_routes_option(routes, chance);
    gr_routes_without(routes, 1, bio);
    gr_routes_option(routes, chance / 2);
    gr_routes_without(routes, 1, chem);
    gr_router *router = router_of(model, routes);
    gr_routes_free(routes);
    return router;
}

/* Units share their draw and only they; frequencies follow the chances. */
static void test_draws(void **state) {
    (void)state;
    gr_model *model = small_model();
    static const int size[] = {
        [GR_DRAW_TOKEN] = 1, [GR_DRAW_DOCUMENT] = 4, [GR_DRAW_SEQUENCE] = WIDTH, [GR_DRAW_STEP] = N};
    rows r;
    rows_fill(&r, 0);
    for (gr_draw draw = GR_DRAW_TOKEN; draw <= GR_DRAW_STEP; draw++) {
        gr_router *router = drawn_router(model, draw, 0.4);
        assert_int_equal(gr_router_classes(router), 3);
        int steps = 30 * size[draw], changes = 0, units = 0;
        steps = steps > 2000 ? 2000 : steps;
        double count[3] = {0};

        /* All rows of a unit have one class, and units next to each other mostly not the same. */
        for (int step = 0; step < steps; step++) {
            gr_router_rows all = view(&r, 0, ROWS);
            gr_router_classify(router, r.cls, &all, step);
            for (int n = 0; n < N; n += size[draw], units++) {
                count[r.cls[n]]++;
                for (int i = n; i < n + size[draw]; i++)
                    assert_int_equal(r.cls[i], r.cls[n]);
                changes += n && r.cls[n] != r.cls[n - size[draw]];
            }
        }
        assert_true(draw == GR_DRAW_STEP || changes > units / 3);

        /* As often as chance says, within 4 standard deviations. */
        for (int c = 0; c < 3; c++) {
            double p = gr_router_chance(router, 0, c);
            assert_true(fabs(count[c] / units - p) < 4 * sqrt(p * (1 - p) / units));
        }
        gr_router_free(router);
    }
    gr_model_free(model);
}

/* The same class for a unit, however the batch is cut and in whatever order its rows come. */
static void test_draws_are_keyed(void **state) {
    (void)state;
    gr_model *model = small_model();
    for (gr_draw draw = GR_DRAW_TOKEN; draw <= GR_DRAW_STEP; draw++) {
        gr_router *router = drawn_router(model, draw, 0.4), *other = drawn_router(model, draw, 0.4);
        rows r, back;

        /* The rows of `back` are those of r from the last to the first. */
        rows_fill(&r, 0);
        rows_fill(&back, 0);
        for (int i = 0; i < ROWS; i++) {
            back.sequence[i] = ROWS - 1 - i;
            for (int t = 0; t < WIDTH; t++)
                back.document[i * WIDTH + t] = r.document[(ROWS - 1 - i) * WIDTH + t];
        }
        gr_router_rows all = view(&r, 0, ROWS), turned = view(&back, 0, ROWS);
        uint64_t before = gr_alloc_count();
        gr_router_classify(router, r.cls, &all, 9);
        assert_int_equal(gr_alloc_count(), before);
        gr_router_classify(other, back.cls, &turned, 9);
        for (int i = 0; i < ROWS; i++)
            assert_memory_equal(r.cls + i * WIDTH, back.cls + (ROWS - 1 - i) * WIDTH, WIDTH * sizeof(int32_t));

        /* A part of the batch. */
        for (int i = 0; i < ROWS; i += 8) {
            gr_router_rows part = view(&r, i, 8);
            gr_router_classify(router, back.cls, &part, 9);
            assert_memory_equal(back.cls, r.cls + i * WIDTH, 8 * WIDTH * sizeof(int32_t));
        }

        /* Other steps draw anew. */
        int changed = 0;
        for (int step = 10; step < 20; step++) {
            gr_router_classify(router, back.cls, &all, step);
            changed += memcmp(back.cls, r.cls, sizeof r.cls) != 0;
        }
        assert_true(changed > 0);
        gr_router_free(router);
        gr_router_free(other);
    }
    gr_model_free(model);
}

/* How often rows of a label get each class is what their chances say. Tokens of one sequence share what it draws, so
 * the mean of a sequence varies: 5 of its standard deviations, at most 1/2 each. */
static void assert_drawn(const gr_router *router, int label) {
    enum { STEPS = 40, CLASSES = 4 };
    rows r;
    double count[CLASSES] = {0};
    rows_fill(&r, label);
    for (int step = 0; step < STEPS; step++) {
        gr_router_rows all = view(&r, 0, ROWS);
        gr_router_classify(router, r.cls, &all, step);
        for (int n = 0; n < N; n++)
            count[r.cls[n]]++;
    }
    for (int c = 0; c < CLASSES; c++)
        assert_true(fabs(count[c] / (STEPS * N) - gr_router_chance(router, label, c)) < 2.5 / sqrt(STEPS * ROWS));
}

/* Two routes draw independently, also by the same units: their combinations are classes of their own. */
static void check_combinations(const gr_model *model, gr_draw second) {
    gr_routes *routes = gr_routes_new(1, bio);
    gr_routes_add(routes, GR_LABELS_CORE, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 0.5);
    gr_routes_without(routes, 1, bio);
    gr_routes_add(routes, GR_LABELS_ALL, second);
    gr_routes_option(routes, 0.25);
    gr_routes_without(routes, 1, chem);
    gr_router *router = router_of(model, routes);
    assert_int_equal(gr_router_classes(router), 4);

    /* The chances, which are products, and what is drawn by them. */
    double sum = 0;
    for (int c = 0; c < 4; c++) {
        bool no_bio = gr_router_forward(router, 0, c) == 0, no_chem = gr_router_forward(router, 1, c) == 0;
        double p = 0.5 * (no_chem ? 0.25 : 0.75), q = no_bio ? 0 : no_chem ? 0.25 : 0.75;
        assert_true(fabs(gr_router_chance(router, 0, c) - p) < 1e-12);
        assert_true(fabs(gr_router_chance(router, 1, c) - q) < 1e-12);
        sum += gr_router_chance(router, -1, c);
    }
    assert_true(fabs(sum - 1) < 1e-12);
    assert_drawn(router, 0);
    assert_drawn(router, 1);
    gr_router_free(router);
    gr_routes_free(routes);
}

static void test_combinations(void **state) {
    (void)state;
    gr_model *model = small_model();
    check_combinations(model, GR_DRAW_TOKEN);
    check_combinations(model, GR_DRAW_SEQUENCE);
    gr_model_free(model);
}

static void test_repeat(void **state) {
    (void)state;
    gr_model *model = small_model();
    gr_routes *routes = gr_routes_new(1, bio);
    gr_routes_add(routes, GR_LABELS_CORE, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_without(routes, 1, bio);
    gr_routes_add(routes, GR_LABELS_CORE, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 0.3);
    gr_routes_open(routes, 1, bio);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0);
    routes->route[1].repeat = true;
    gr_router *router = router_of(model, routes);
    assert_int_equal(gr_router_copies(router), 1);
    assert_int_equal(gr_router_classes(router), 3);
    assert_true(fabs(gr_router_repeat_chance(router, 0) - 0.3) < 1e-12);

    /* A second showing is a draw of its own, for rows of its label alone. */
    int first = class_of(router, 0, 0, 0), shown = 0, total = 4000;
    for (int i = 0; i < total; i++) {
        int copy = repeat_of(router, 0, 0, i % 32, i / 32);
        assert_int_equal(class_of(router, 0, i % 32, i / 32), first); /* the first showing knows nothing of it */
        assert_int_equal(copy, repeat_of(router, 0, 0, i % 32, i / 32));
        assert_int_equal(repeat_of(router, 0, 1, i, 0), GR_NONE);
        assert_int_equal(repeat_of(router, 0, INT16_MIN, i, 0), GR_NONE);
        if (copy == GR_NONE)
            continue;
        shown++;
        assert_true(copy != first && gr_router_forward(router, 0, copy) == 1);
        assert_true(weight_at(router, model, "up", 4, 0, copy) == 1 && weight_at(router, model, "up", 0, 0, copy) == 0);
    }
    assert_true(fabs(shown / (double)total - 0.3) < 0.03);
    gr_router_free(router);
    gr_routes_free(routes);
    gr_model_free(model);
}

/* How far the scores of n rows count. */
static void mix_of(const gr_router *router, gr_real *mix, const gr_real *score, const int16_t *label, int n,
                   int64_t step) {
    int32_t cls[4 * (1 + GR_ROUTE_ROUTES_MAX)], unit[4] = {0, 1, 2, 3};
    assert_true(n <= 4);
    const gr_router_rows four = {.sequences = n, .width = 1, .label = label, .sequence = unit, .score = score};
    gr_router_show(router, cls, mix, &four, step);
}

static void test_mix(void **state) {
    (void)state;
    gr_model *model = small_model();
    gr_routes *routes = gr_routes_new(1, bio);
    gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);
    routes->route[0].mix = true;
    gr_routes_option(routes, 1);
    gr_routes_effect(routes, GR_MODE_ACTIVATION, GR_SCOPE_REGION, "bio", -0.75);
    gr_router *router = router_of(model, routes);

    /* Scores of the label's rows count, those of others do not. */
    gr_real score[] = {0.5, 0.25, 0.125, 0}, mix[4];
    int16_t label[] = {1, 0, INT16_MIN, 1};
    assert_true(gr_router_mixes(router));
    mix_of(router, mix, score, label, 4, 0);
    assert_true(mix[0] == 0.5 && mix[1] == 1 && mix[2] == 1 && mix[3] == 0);
    gr_router_free(router);

    /* Beside a route that says something else of the same rows there is no mixing. */
    gr_routes_add(routes, GR_LABELS_ALL, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_without(routes, 1, chem);
    gr_error err = {0};
    assert_int_equal(gr_router_new(&router, model, routes, 1, &err), GR_ERR_USAGE);
    gr_routes_free(routes);
    gr_model_free(model);
}

/* A chance that moves is where it says in every step: at its two ends, in a line between, and it stays at its end.
 * Where both ends are the same, every draw is that of a chance that stays. */
static void test_chances_that_move(void **state) {
    (void)state;
    enum { BEGIN = 10, RUN = 110 };
    gr_model *model = small_model();
    gr_routes *routes = gr_routes_new(1, bio);
    routes->steps = RUN;
    gr_routes_add(routes, GR_LABELS_CORE, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 0.8);
    gr_routes_move(routes, 0.2);
    gr_routes_without(routes, 1, bio);
    gr_routes_option(routes, 0);
    gr_routes_move(routes, 0.4);
    gr_routes_without(routes, 1, chem);
    routes->route[0].from = BEGIN;
    gr_router *router = router_of(model, routes);
    assert_int_equal(gr_router_classes(router), 3);

    /* As the formula has it, and as draws come out. */
    double want = 0, drawn = 0;
    int off[2] = {GR_NONE, GR_NONE};
    for (int c = 0; c < 3; c++)
        for (int r = 0; r < 2; r++)
            off[r] = gr_router_forward(router, r, c) == 0 ? c : off[r];
    for (int64_t step = BEGIN; step < RUN + 50; step++) {
        double done = step < RUN ? (double)(step - BEGIN) / (RUN - 1 - BEGIN) : 1;
        assert_true(fabs(gr_router_chance_at(router, 0, off[0], step) - (0.8 - 0.6 * done)) < 1e-12);
        assert_true(fabs(gr_router_chance_at(router, 0, off[1], step) - 0.4 * done) < 1e-12);
        for (int row = 0; row < ROWS; row++)
            drawn += class_of(router, 0, row, step) == off[0];
        want += ROWS * (0.8 - 0.6 * done);
    }
    assert_true(fabs(drawn - want) < 4 * sqrt(want));
    assert_true(gr_router_chance_at(router, 0, off[0], BEGIN - 1) == 0);
    assert_int_equal(gr_router_moves(router), RUN - 1);
    gr_router_free(router);

    /* Ends that are the same: the very draws of one that stays. */
    gr_router *stays, *moves;
    for (int o = 0; o < 2; o++)
        routes->route[0].option[o].chance = routes->route[0].option[o].to = 0.3;
    moves = router_of(model, routes);
    for (int o = 0; o < 2; o++)
        routes->route[0].option[o].moves = false;
    stays = router_of(model, routes);
    for (int64_t step = 0; step < RUN; step++)
        for (int row = 0; row < ROWS; row++)
            assert_int_equal(class_of(moves, 0, row, step), class_of(stays, 0, row, step));
    gr_router_free(moves);
    gr_router_free(stays);

    /* Sums above 1 at the end, a chance that is none, a run of unknown length. */
    gr_error err = {0};
    routes->route[0].option[0].moves = true, routes->route[0].option[0].to = 0.8;
    assert_int_equal(gr_router_new(&router, model, routes, 1, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "sum to 1.1"));
    err = (gr_error){0};
    routes->route[0].option[0].to = 1.5;
    assert_int_equal(gr_router_new(&router, model, routes, 1, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "chance 1.5"));
    err = (gr_error){0};
    routes->route[0].option[0].to = 0.1, routes->steps = 0;
    assert_int_equal(gr_router_new(&router, model, routes, 1, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "unknown length"));
    gr_routes_free(routes);
    gr_model_free(model);
}

/* ---- steps ---- */

/* Rows of a label whose routes have not begun, or are over, draw what unlabelled rows draw. */
static void test_late_labels(void **state) {
    (void)state;
    gr_model *model = small_model();
    gr_routes *routes = gr_routes_new(2, both);
    gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_open(routes, 1, bio);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0);
    routes->route[0].from = 10, routes->route[0].until = 20;

    /* What rows of no label draw all the time, and the label from step 30 on, another way. */
    gr_routes_add(routes, GR_LABELS_UNLABELLED | GR_LABELS_CORE, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 0.5);
    gr_routes_without(routes, 2, both);
    gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_open(routes, 1, chem);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0);
    routes->route[2].from = 30;
    gr_routes_add(routes, GR_LABELS_UNLABELLED, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 0.25);
    gr_routes_open(routes, 1, bio);
    routes->route[3].repeat = true, routes->route[3].from = 5;
    gr_router *router = router_of(model, routes);

    /* A phase begins wherever a route begins or ends. */
    static const int64_t begins[] = {0, 5, 10, 20, 30};
    assert_int_equal(gr_router_phases(router), 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(gr_router_phase(router, i), begins[i]);

    /* Outside of the label's routes its rows are those of no label; within, they open its region alone. */
    int drawn[2] = {0}, shown = 0;
    for (int64_t step = 0; step < 60; step++)
        for (int row = 0; row < 8; row++) {
            int b = class_of(router, 1, row, step), none = class_of(router, -1, row, step);
            int again = repeat_of(router, 0, 1, row, step);
            if ((step < 10 || step >= 20) && step < 30) {
                assert_int_equal(b, none);
                assert_int_equal(again, repeat_of(router, 0, -1, row, step));
                drawn[gr_router_forward(router, 0, b) == 0]++;
                shown += again != GR_NONE;
                assert_true(step >= 5 || again == GR_NONE);
            } else {
                assert_int_equal(again, GR_NONE);
                assert_true(weight_at(router, model, "up", 4, 0, b) == (step < 20));
                assert_true(weight_at(router, model, "up", 6, 0, b) == (step >= 30));
                assert_true(weight_at(router, model, "up", 0, 0, b) == 0);
            }
            assert_int_equal(class_of(router, 2, row, step), class_of(router, 2, 0, 0)); /* no route, no steps */
        }
    assert_true(drawn[0] > 40 && drawn[1] > 40 && shown > 10);
    assert_true(gr_router_chance_at(router, 1, class_of(router, 1, 0, 15), 15) == 1);
    assert_true(gr_router_chance_at(router, 1, class_of(router, 1, 0, 15), 9) == 0);
    gr_router_free(router);

    /* A route that is over before it begins. */
    routes->route[0].until = 10;
    gr_error err = {0};
    assert_int_equal(gr_router_new(&router, model, routes, 1, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "never"));
    gr_routes_free(routes);
    gr_model_free(model);
}

/* A route for every row tells no label from another: when it begins says nothing of labels. Mixing follows the label
 * that rows are treated as. */
static void test_late_for_all(void **state) {
    (void)state;
    gr_model *model = small_model();
    gr_routes *routes = gr_routes_new(1, bio);
    gr_routes_add(routes, GR_LABELS_ALL, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_without(routes, 1, chem);
    routes->route[0].from = 4;
    gr_router *router = router_of(model, routes);
    assert_true(gr_router_forward(router, 1, class_of(router, 1, 0, 3)) == 1);
    assert_true(gr_router_forward(router, 1, class_of(router, 1, 0, 4)) == 0);
    gr_router_free(router);
    gr_routes_free(routes);

    /* Mixing begins with its route. */
    routes = gr_routes_new(1, bio);
    gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_effect(routes, GR_MODE_ACTIVATION, GR_SCOPE_REGION, "bio", 0);
    routes->route[0].mix = true, routes->route[0].from = 7;
    router = router_of(model, routes);
    gr_real mix[2];
    for (int64_t step = 6; step < 8; step++) {
        mix_of(router, mix, (gr_real[]){0.5, 0.5}, (int16_t[]){1, -1}, 2, step);
        assert_true(mix[0] == (step < 7 ? 1 : (gr_real)0.5) && mix[1] == 1);
    }
    gr_router_free(router);
    gr_routes_free(routes);
    gr_model_free(model);
}

/* One label that opens two regions, by a route and by each preset: both train, nothing else does. */
static void test_several_regions(void **state) {
    (void)state;
    gr_model *model = small_model();
    const char *const labels[] = {"bio", "chem", "biochem"}, *const joined[] = {"bio", "chem", NULL};
    const char *const *const region[] = {NULL, NULL, joined};
    for (int i = -1; i < gr_presets(); i++) {
        if (i >= 0 && !strcmp(gr_preset_at(i)->name, "era")) /* closes nothing */
            continue;
        gr_routes *routes = gr_routes_new(3, labels);
        gr_error err = {0};
        if (i < 0) {
            gr_routes_add(routes, gr_label_bit(3), GR_DRAW_SEQUENCE);
            gr_routes_option(routes, 1);
            gr_routes_open(routes, 2, both);
            gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0);
        } else {
            gr_preset_def def = gr_preset_default(gr_preset_at(i));
            def.region = region;
            def.value[0] = 0;
            gr_test_ok(gr_preset_expand(routes, gr_preset_at(i), &def, &err), &err);
        }

        /* Units of both regions, and nothing but those. */
        gr_router *router = router_of(model, routes);
        int c = class_of(router, 3, 0, 0);
        for (int unit = 0; unit < 8; unit++)
            assert_true(weight_at(router, model, "up", unit, 0, c) == (unit >= 4));
        assert_true(weight_at(router, model, "embed", 0, 0, c) == 0);
        assert_true(gr_router_forward(router, 0, c) == 1 && gr_router_forward(router, 1, c) == 1);
        if (i >= 0) { /* the labels of one region stay as they are */
            c = class_of(router, 1, 0, 0);
            assert_true(weight_at(router, model, "up", 4, 0, c) == 1 && weight_at(router, model, "up", 6, 0, c) == 0);
        }
        gr_router_free(router);
        gr_routes_free(routes);
    }
    gr_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draws),
        cmocka_unit_test(test_draws_are_keyed),
        cmocka_unit_test(test_combinations),
        cmocka_unit_test(test_repeat),
        cmocka_unit_test(test_mix),
        cmocka_unit_test(test_chances_that_move),
        cmocka_unit_test(test_late_labels),
        cmocka_unit_test(test_late_for_all),
        cmocka_unit_test(test_several_regions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
