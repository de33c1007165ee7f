/* Settings that were tried: what is on the frontier, what is chosen, and where the grid should go on. */
#include "lab/frontier.h"

#include <math.h>
#include <string.h>

#include "support.h"

enum { GOALS = 3, AXES = 2, MOST = 8 };

/* Removal as large as can be, a tax of at most .05, retention of at least .8. */
static const gr__goal goals[GOALS] = {{false, NAN}, {true, 0.05}, {false, 0.8}};
static const gr__axis_ends ends[AXES] = {{0, 1}, {-INFINITY, INFINITY}};

/* A setting by its figures, where it stands on both axes, and what it changes. */
typedef struct tried {
    double value[GOALS], place[AXES];
    int changes;
} tried;

static gr__frontier found(const tried *list, int count, double within) {
    gr__trial trial[MOST];
    gr__frontier f;
    assert_true(count <= MOST);
    for (int i = 0; i < count; i++)
        trial[i] = (gr__trial){list[i].value, list[i].place, list[i].changes};
    gr__frontier_find(&f, &(gr__frontier_def){goals, GOALS, trial, count, ends, AXES, within});
    return f;
}

/* The frontier as digits in its order. */
static void assert_order(const gr__frontier *f, const char *order) {
    assert_int_equal(f->count, (int)strlen(order));
    for (int i = 0; i < f->count; i++)
        assert_int_equal(f->order[i], order[i] - '0');
}

/* ---- the frontier ---- */

static void what_another_beats_is_not_on_it(void **state) {
    (void)state;
    static const tried list[] = {
        {{0.5, 0.01, 0.9}, {0, 0}, 0},  /* least tax */
        {{0.9, 0.04, 0.85}, {0, 1}, 1}, /* most removal within the bounds */
        {{0.4, 0.02, 0.9}, {1, 0}, 1},  /* the first has more removal and less tax, and as much retention */
        {{1.1, 0.30, 0.95}, {1, 1}, 2}, /* most removal of all */
        {{0.9, 0.04, 0.84}, {1, 2}, 2}, /* as the second, but for retention */
    };
    gr__frontier f = found(list, 5, 0);
    assert_order(&f, "310");
    assert_true(f.on[0] && f.on[1] && !f.on[2] && f.on[3] && !f.on[4]);
    assert_true(f.fits[0] && f.fits[1] && f.fits[2] && !f.fits[3] && f.fits[4]);
    assert_int_equal(f.chosen, 1);
    assert_int_equal(f.nearest, -1);
    gr__frontier_free(&f);
}

/* Equal in every goal, neither beats the other: both are told of, in their order. */
static void equals_are_both_on_it(void **state) {
    (void)state;
    static const tried list[] = {{{0.5, 0.01, 0.9}, {0, 0}, 1}, {{0.5, 0.01, 0.9}, {1, 0}, 1}};
    gr__frontier f = found(list, 2, 0);
    assert_order(&f, "01");
    assert_int_equal(f.chosen, 0);
    gr__frontier_free(&f);
}

/* A figure that was refused says nothing good of a setting, and beats nobody. */
static void refused_figures_are_left_out(void **state) {
    (void)state;
    static const tried list[] = {{{2, NAN, 0.9}, {0, 0}, 0},
                                 {{NAN, 0, 1}, {0, 1}, 0},
                                 {{0.5, 0.01, INFINITY}, {1, 0}, 0},
                                 {{0.1, 0.01, 0.9}, {1, 1}, 2}};
    gr__frontier f = found(list, 4, 0);
    assert_order(&f, "3");
    assert_true(f.refused[0] && f.refused[1] && f.refused[2] && !f.refused[3] && !f.fits[0]);
    assert_int_equal(f.chosen, 3);
    gr__frontier_free(&f);

    /* Of nothing, and of refused ones alone, nothing is chosen. */
    f = found(list, 3, 0);
    assert_true(f.count == 0 && f.chosen == -1 && f.nearest == -1 && f.edge[0] == GR__EDGE_NONE);
    gr__frontier_free(&f);
    f = found(list, 0, 0);
    assert_true(f.count == 0 && f.chosen == -1 && f.nearest == -1);
    gr__frontier_free(&f);
}

/* ---- the choice ---- */

/* A bound is kept at its very value; where none is kept by all, the nearest says how far it is. */
static void bounds_decide_what_may_be_chosen(void **state) {
    (void)state;
    static const tried list[] = {
        {{0.9, 0.05, 0.8}, {0, 0}, 2}, {{1.5, 0.0501, 0.8}, {0, 1}, 1}, {{1.5, 0.05, 0.7999}, {1, 1}, 1}};
    gr__frontier f = found(list, 3, 0);
    assert_int_equal(f.chosen, 0);
    gr__frontier_free(&f);

    static const tried beyond[] = {
        {{0.9, 0.10, 0.78}, {0, 0}, 0}, {{0.2, 0.06, 0.75}, {0, 1}, 1}, {{1.5, 0.5, 0.9}, {1, 1}, 2}};
    f = found(beyond, 3, 0);
    assert_true(f.chosen == -1 && f.nearest == 1 && !f.fits[0] && !f.fits[1] && !f.fits[2]);
    assert_order(&f, "201");
    gr__frontier_free(&f);
}

/* What is hardly worse counts as equal: then the fewest changes win, then the better figure, then the first. */
static void equals_are_told_apart_by_changes(void **state) {
    (void)state;
    static const tried list[] = {{{0.980, 0.01, 0.9}, {0, 0}, 1},
                                 {{0.995, 0.01, 0.9}, {0, 1}, 1},
                                 {{1.000, 0.01, 0.9}, {1, 0}, 2},
                                 {{0.995, 0.01, 0.9}, {1, 1}, 1},
                                 {{0.900, 0.01, 0.9}, {1, 2}, 0}};
    static const struct {
        double within;
        int chosen;
    } rows[] = {{0, 2}, {0.004, 2}, {0.006, 1}, {0.03, 1}, {0.2, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gr__frontier f = found(list, 5, rows[i].within);
        assert_int_equal(f.chosen, rows[i].chosen);
        gr__frontier_free(&f);
    }
}

/* A better figure beyond the bounds does not make those within count as worse. */
static void equals_are_measured_by_the_best_within_bounds(void **state) {
    (void)state;
    static const tried list[] = {
        {{5, 0.9, 0.9}, {0, 0}, 0}, {{0.95, 0.01, 0.9}, {0, 1}, 1}, {{1, 0.01, 0.9}, {1, 0}, 2}};
    gr__frontier f = found(list, 3, 0.06);
    assert_int_equal(f.chosen, 1);
    gr__frontier_free(&f);
}

/* ---- edges ---- */

static void edges_are_where_a_grid_may_go_on(void **state) {
    (void)state;
    static const struct {
        double place[3][AXES]; /* the first is chosen */
        gr__edge edge[AXES];
    } rows[] = {
        {{{0.5, 2}, {0.25, 1}, {0.75, 4}}, {GR__EDGE_NONE, GR__EDGE_NONE}},
        {{{0.75, 4}, {0.25, 1}, {0.5, 2}}, {GR__EDGE_HIGH, GR__EDGE_HIGH}},
        {{{0.25, 1}, {0.5, 2}, {0.75, 4}}, {GR__EDGE_LOW, GR__EDGE_LOW}},
        {{{1, 0}, {0.5, 1}, {0.25, 2}}, {GR__EDGE_NONE, GR__EDGE_LOW}},   /* a chance of 1 cannot be more */
        {{{0, 2}, {0.5, 1}, {0.25, 0}}, {GR__EDGE_NONE, GR__EDGE_HIGH}},  /* nor of 0 less */
        {{{0.5, 3}, {0.5, 3}, {0.5, 3}}, {GR__EDGE_NONE, GR__EDGE_NONE}}, /* one value */
        {{{0.5, NAN}, {0.25, 1}, {0.75, 4}}, {GR__EDGE_NONE, GR__EDGE_NONE}},
        {{{0.5, 4}, {0.25, NAN}, {0.75, 1}}, {GR__EDGE_NONE, GR__EDGE_HIGH}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tried list[3] = {{.value = {1, 0.01, 0.9}}, {.value = {0.5, 0.01, 0.9}}, {.value = {0.5, NAN, 0.9}}};
        for (int k = 0; k < 3; k++)
            memcpy(list[k].place, rows[i].place[k], sizeof list[k].place);
        gr__frontier f = found(list, 3, 0);
        assert_int_equal(f.chosen, 0);
        for (int a = 0; a < AXES; a++)
            if (f.edge[a] != rows[i].edge[a])
                fail_msg("row %zu, axis %d: %d", i, a, f.edge[a]);
        gr__frontier_free(&f);
    }

    /* Where none is chosen those of the nearest say where to go. */
    static const tried beyond[] = {{{0.9, 0.10, 0.9}, {0.5, 1}, 0}, {{0.2, 0.20, 0.9}, {0.75, 2}, 1}};
    gr__frontier f = found(beyond, 2, 0);
    assert_true(f.chosen == -1 && f.nearest == 0 && f.edge[0] == GR__EDGE_LOW && f.edge[1] == GR__EDGE_LOW);
    gr__frontier_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_another_beats_is_not_on_it),
        cmocka_unit_test(equals_are_both_on_it),
        cmocka_unit_test(refused_figures_are_left_out),
        cmocka_unit_test(bounds_decide_what_may_be_chosen),
        cmocka_unit_test(equals_are_told_apart_by_changes),
        cmocka_unit_test(equals_are_measured_by_the_best_within_bounds),
        cmocka_unit_test(edges_are_where_a_grid_may_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
