/* What no row has opened is told while a run goes on, and nothing that is meant to stay closed. */
#include "train_helpers.h"

enum { RUN = 40, EARLY = 20 };

/* Routes of the small world's label, and what a run by them says: of which steps, and of what. */
typedef struct told {
    int64_t step[4]; /* of the lines that have the member */
    int lines, warnings;
    char *metrics;
} told;

static void count_warning(void *user, const gr_progress *p) {
    told *t = user;
    t->warnings += p->warning && strstr(p->warning, "no row has opened");
}

static told run_by(world *w, gr_routes *routes, bool biology) {
    told t = {0};
    setting *s = setting_new(w);
    gr_error err = {0};
    gr_router_free(s->router);
    gr_test_ok(gr_router_new(&s->router, s->model, routes, 11, &err), &err);
    gr_routes_free(routes);

    /* All documents, or those alone that are not shown as the label. */
    static uint32_t docs[DOCS];
    gr_stream_def def = gr_stream_default();
    def.rows = ROWS, def.width = WIDTH, def.docs = docs;
    for (uint32_t d = 0; d < DOCS; d++)
        if (biology || w->labels->revealed[d] != 1)
            docs[def.doc_count++] = d;
    gr_stream_free(s->stream);
    gr_test_ok(gr_stream_new(&s->stream, &w->data, w->labels, &def, &err), &err);

    s->def.router = s->router, s->def.stream = s->stream, s->def.steps = s->def.optim.total = RUN;
    s->def.progress = count_warning, s->def.user = &t;
    char *folder = gr_test_folder();
    outcome o = run_in(s, folder, GR_OK);
    int64_t step = 0;
    for (char *line = strtok(o.metrics, "\n"); line; line = strtok(NULL, "\n")) {
        step++;
        if (!strstr(line, "\"unopened\""))
            continue;
        t.step[t.lines++] = step;
        gr_free(t.metrics);
        t.metrics = gr_strdup(line);
    }
    outcome_free(&o);
    gr_test_folder_remove(folder);
    setting_free(s);
    return t;
}

/* The label trains its group alone, all else the core; `more` is another effect on rows without the label. */
static gr_routes *routes_of(gr_scope closed) {
    static const char *const group[] = {"group"}, *const biology[] = {"biology"};
    gr_routes *routes = gr_routes_new(1, biology);
    gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_open(routes, 1, group);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0);
    gr_routes_add(routes, GR_LABELS_CORE | GR_LABELS_UNLABELLED, GR_DRAW_SEQUENCE);
    gr_routes_option(routes, 1);
    gr_routes_without(routes, 1, group);
    if (closed != GR_SCOPE_REGION)
        gr_routes_effect(routes, GR_MODE_PARAMETER, closed, NULL, 0);
    return routes;
}

static void nothing_is_told_of_what_is_open(void **state) {
    told t = run_by(*state, routes_of(GR_SCOPE_REGION), true);
    assert_int_equal(t.lines, 0);
    assert_int_equal(t.warnings, 0);
}

/* A region whose rows never came, though its route is there. */
static void a_region_without_rows_is_told_twice(void **state) {
    told t = run_by(*state, routes_of(GR_SCOPE_REGION), false);
    assert_int_equal(t.lines, 2);
    assert_int_equal(t.step[0], EARLY);
    assert_int_equal(t.step[1], RUN);
    assert_int_equal(t.warnings, 2);
    assert_non_null(strstr(t.metrics, "\"first\": \"group.embed\"}"));
    gr_free(t.metrics);
}

/* Parameters that the routes close for every row, by a slip. */
static void what_routes_close_is_told(void **state) {
    told t = run_by(*state, routes_of(GR_SCOPE_NORMS), true);
    assert_int_equal(t.lines, 2);
    assert_non_null(strstr(t.metrics, "norm"));
    gr_free(t.metrics);
}

/* A core that is closed as a whole is meant. */
static void a_closed_core_is_meant(void **state) {
    told t = run_by(*state, routes_of(GR_SCOPE_ALL), true);
    assert_int_equal(t.lines, 0);
    assert_int_equal(t.warnings, 0);
}

/* Nothing is early where a route begins later. */
static void late_routes_have_time(void **state) {
    gr_routes *routes = routes_of(GR_SCOPE_REGION);
    routes->route[0].from = 30;
    told t = run_by(*state, routes, false);
    assert_int_equal(t.lines, 1);
    assert_int_equal(t.step[0], RUN);
    gr_free(t.metrics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_told_of_what_is_open), cmocka_unit_test(a_region_without_rows_is_told_twice),
        cmocka_unit_test(what_routes_close_is_told),       cmocka_unit_test(a_closed_core_is_meant),
        cmocka_unit_test(late_routes_have_time),
    };
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
