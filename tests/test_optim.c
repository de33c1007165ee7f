/* Optimisers against plain loops in double, closed slices bit for bit, clipping, schedules, groups, errors. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "gradroute/optim.h"
#include "support.h"

enum { ROWS = 6, STEPS = 50 };

/* A network of two products, and a large matrix that is only there to be updated. Class 0 leaves `region` rows and
 * columns alone, class 1 everything else. */
typedef struct net {
    gr_model *model;
    gr_tables *tables;
    gr_run *run;
    gr_param up, bias, down, wide;
} net;

static bool in_region(const net *n, gr_param p, int row, int col) {
    return p == n->up ? row >= 3 : p == n->bias ? false : p == n->down ? col >= 3 : row >= 20 && col >= 40 && col < 590;
}

static net net_new(void) {
    net n;
    gr_error err = {0};
    gr_graph *g = gr_graph_new();
    n.up = gr_graph_param(g, &(gr_param_def){"block.0.up", 5, 3, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.5, false});
    n.bias = gr_graph_param(g, &(gr_param_def){"block.0.bias", 1, 5, GR_KIND_BIAS, GR_INIT_NORMAL, 0.5, true});
    n.down = gr_graph_param(g, &(gr_param_def){"block.1.down", 1, 5, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.5, false});
    n.wide = gr_graph_param(g, &(gr_param_def){"wide", 200, 600, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.5, false});
    gr_value h = gr_linear(g, 1, &(gr_term){.x = gr_input(g, 0, 3), .w = n.up}, n.bias, GR_NONE);
    gr_graph_loss(g, gr_mean(g, gr_linear(g, 1, &(gr_term){.x = h, .w = n.down}, GR_NONE, GR_NONE)), 1);
    gr_test_ok(gr_model_new(&n.model, g, 7, &err), &err);

    const double region[] = {0, 1}, core[] = {1, 0};
    n.tables = gr_tables_new(n.model, 2);
    gr_tables_param(n.tables, (gr_rect){n.up, 3, 5, 0, 3}, region);
    gr_tables_param(n.tables, (gr_rect){n.up, 0, 3, 0, 3}, core);
    gr_tables_param(n.tables, (gr_rect){n.bias, 0, 1, 0, 5}, core);
    gr_tables_param(n.tables, (gr_rect){n.down, 0, 1, 3, 5}, region);
    gr_tables_param(n.tables, (gr_rect){n.down, 0, 1, 0, 3}, core);
    gr_tables_param(n.tables, (gr_rect){n.wide, 20, 200, 40, 590}, region);
    gr_tables_param(n.tables, (gr_rect){n.wide, 0, 20, 0, 600}, core);
    gr_tables_param(n.tables, (gr_rect){n.wide, 20, 200, 0, 40}, core);
    gr_tables_param(n.tables, (gr_rect){n.wide, 20, 200, 590, 600}, core);
    gr_tables_finish(n.tables);
    gr_test_ok(gr_run_new(&n.run, n.model, n.tables, &(gr_run_def){.positions = ROWS, .train = true}, &err), &err);
    return n;
}

static void net_free(net *n) {
    gr_run_free(n->run);
    gr_tables_free(n->tables);
    gr_model_free(n->model);
}

static size_t size_of(const net *n, gr_param p) {
    const gr_param_def *def = gr_model_param(n->model, p);
    return (size_t)def->rows * (size_t)def->cols;
}

enum { CORE = 1, REGION = 2, BOTH = 3 };

/* A pass that opens what it should, and then gradients by draw: in what is closed they are NaN, so that whoever reads
 * them is found out. */
static void pass(net *n, int open, int step) {
    gr_real x[ROWS * 3];
    int32_t cls[ROWS];
    for (int i = 0; i < ROWS; i++)
        cls[i] = open == BOTH ? i % 2 : open == REGION;
    for (int i = 0; i < ROWS * 3; i++)
        x[i] = (gr_real)(i % 5) - 2;
    gr_batch batch = {.positions = ROWS, .x = {x}, .cls = cls, .denominator = ROWS};
    gr_run_zero(n->run);
    gr_run_forward(n->run, &batch);
    gr_run_backward(n->run);
    gr_run_reduce(n->run);
    for (gr_param p = 0; p < gr_model_params(n->model); p++) {
        gr_real *g = gr_run_gradient(n->run, p);
        int cols = gr_model_param(n->model, p)->cols;
        for (size_t i = 0; i < size_of(n, p); i++) {
            bool region = in_region(n, p, (int)i / cols, (int)i % cols);
            g[i] = open & (region ? REGION : CORE)
                       ? (gr_real)gr_random_normal((gr_key){5, GR_STREAM_TEST, (uint32_t)p}, i, (uint32_t)step)
                       : (gr_real)NAN;
        }
    }
}

static int open_in(int step) { return step % 3 == 0 ? CORE : step % 3 == 1 ? REGION : BOTH; }

/* ---- the same in plain loops ---- */

typedef struct twin {
    double *p, *m, *v;
    int *t;
} twin;

static void twin_step(const gr_optim_def *d, twin *w, double g, double lr, double decay) {
    *w->t += 1;
    if (d->kind == GR_OPTIM_SGD) {
        g += decay * *w->p;
        *w->m = d->momentum * *w->m + g;
        *w->p -= lr * *w->m;
        return;
    }
    if (d->kind == GR_OPTIM_ADAM)
        g += decay * *w->p;
    else
        *w->p -= lr * decay * *w->p;
    *w->m = d->beta1 * *w->m + (1 - d->beta1) * g;
    *w->v = d->beta2 * *w->v + (1 - d->beta2) * g * g;
    double m = *w->m / (1 - pow(d->beta1, *w->t)), v = *w->v / (1 - pow(d->beta2, *w->t));
    *w->p -= lr * m / (sqrt(v) + d->eps);
}

/* lr and decay of a parameter, when the group of the tests is in force. */
static double twin_decay(const net *n, const gr_optim_def *d, gr_param p) {
    return d->groups && p == n->down ? 0.3 : p == n->bias ? 0 : d->decay;
}

static void compare(const gr_optim_def *def) {
    net n = net_new();
    gr_error err = {0};
    gr_optim *optim;
    gr_test_ok(gr_optim_new(&optim, n.model, n.tables, def, &err), &err);
    twin twins[4];
    for (gr_param p = 0; p < 4; p++) {
        size_t size = size_of(&n, p);
        twins[p] = (twin){gr_alloc(size * sizeof(double)), gr_alloc(size * sizeof(double)),
                          gr_alloc(size * sizeof(double)), gr_alloc(size * sizeof(int))};
        for (size_t i = 0; i < size; i++)
            twins[p].p[i] = (double)gr_model_data(n.model, p)[i];
    }
    for (int step = 0; step < STEPS; step++) {
        pass(&n, open_in(step), step);
        double want = 0, norm, scale = 1, lr = gr_schedule_lr(def, step);
        for (gr_param p = 0; p < 4; p++)
            for (size_t i = 0; i < size_of(&n, p); i++) {
                double g = (double)gr_run_gradient(n.run, p)[i];
                want += isnan(g) ? 0 : g * g;
            }
        want = sqrt(want);
        if (def->clip > 0 && want > def->clip)
            scale = def->clip / (want + 1e-6);
        for (gr_param p = 0; p < 4; p++)
            for (size_t i = 0; i < size_of(&n, p); i++) {
                double g = (double)gr_run_gradient(n.run, p)[i];
                twin w = {twins[p].p + i, twins[p].m + i, twins[p].v + i, twins[p].t + i};
                if (!isnan(g))
                    twin_step(def, &w, g * scale, def->groups && p == n.down ? lr / 2 : lr, twin_decay(&n, def, p));
            }
        assert_true(fabs(gr_optim_lr(optim) - lr) == 0);
        gr_test_ok(gr_optim_step(optim, n.run, &norm, &err), &err);
        assert_true(fabs(norm - want) <= 1e-9 * want);
    }
    assert_int_equal(gr_optim_steps(optim), STEPS);
    for (gr_param p = 0; p < 4; p++) {
        for (size_t i = 0; i < size_of(&n, p); i++) {
            double got = (double)gr_model_data(n.model, p)[i], good = twins[p].p[i];
            if (fabs(got - good) > 2e-5 * fmax(1, fabs(good)))
                fail_msg("%s[%zu]: %.9g, should be %.9g", gr_model_param(n.model, p)->name, i, got, good);
        }
        void *owned[] = {twins[p].p, twins[p].m, twins[p].v, twins[p].t};
        for (int i = 0; i < 4; i++)
            gr_free(owned[i]);
    }
    gr_optim_free(optim);
    net_free(&n);
}

static gr_optim_def usual(gr_optim_kind kind) {
    gr_optim_def def = gr_optim_default();
    def.kind = kind;
    def.lr = 0.01;
    def.schedule = GR_SCHEDULE_COSINE;
    def.warmup = 5, def.total = STEPS;
    def.clip = 20;
    if (kind == GR_OPTIM_SGD)
        def.momentum = 0.9;
    return def;
}

static void test_kinds(void **state) {
    (void)state;
    for (int kind = GR_OPTIM_ADAMW; kind <= GR_OPTIM_SGD; kind++) {
        gr_optim_def def = usual((gr_optim_kind)kind);
        compare(&def);
    }
    gr_optim_def bare = usual(GR_OPTIM_SGD);
    bare.momentum = 0;
    bare.clip = 0;
    compare(&bare);
}

static void test_groups(void **state) {
    (void)state;
    const gr_optim_group groups[] = {{.pattern = "block.?.down", .lr = 0.5, .decay = 0.3},
                                     {.pattern = "block.*", .lr = 1, .decay = -1}};
    for (int kind = GR_OPTIM_ADAMW; kind <= GR_OPTIM_SGD; kind++) {
        gr_optim_def def = usual((gr_optim_kind)kind);
        def.group = groups, def.groups = 2;
        compare(&def);
    }
}

/* ---- closed means untouched ---- */

typedef struct copy {
    gr_real *at[4][3];
    int64_t steps[64];
} copy;

static const gr_real *array(net *n, gr_optim *optim, gr_param p, int which) {
    return which == 2 ? gr_model_data(n->model, p) : gr_optim_moment(optim, which, p);
}

static copy copy_of(net *n, gr_optim *optim) {
    copy c = {0};
    for (gr_param p = 0; p < 4; p++)
        for (int which = 0; which < 3; which++)
            if (array(n, optim, p, which)) {
                c.at[p][which] = gr_alloc(size_of(n, p) * sizeof(gr_real));
                memcpy(c.at[p][which], array(n, optim, p, which), size_of(n, p) * sizeof(gr_real));
            }
    for (int s = 0; s < gr_tables_slices(n->tables); s++)
        c.steps[s] = gr_optim_slice_steps(optim, s);
    return c;
}

/* Numbers of the region (true) or core (false) that have changed; -1 when a step count of theirs has. */
static long changed(net *n, gr_optim *optim, const copy *c, bool region) {
    long count = 0;
    for (gr_param p = 0; p < 4; p++)
        for (int which = 0; which < 3; which++) {
            const gr_real *a = array(n, optim, p, which);
            int cols = gr_model_param(n->model, p)->cols;
            for (size_t i = 0; a && i < size_of(n, p); i++)
                if (in_region(n, p, (int)i / cols, (int)i % cols) == region)
                    count += memcmp(a + i, c->at[p][which] + i, sizeof *a) != 0;
        }
    for (int s = 0; s < gr_tables_slices(n->tables); s++) {
        gr_rect rect = gr_tables_slice(n->tables, s);
        if (in_region(n, rect.param, rect.lo0, rect.lo1) == region && gr_optim_slice_steps(optim, s) != c->steps[s])
            return -1;
    }
    return count;
}

static void copy_free(copy *c) {
    for (int i = 0; i < 12; i++)
        gr_free(c->at[i / 3][i % 3]);
}

static void check_closed(gr_optim_kind kind) {
    net n = net_new();
    gr_error err = {0};
    gr_optim *optim;
    gr_optim_def def = usual(kind);
    def.decay = 0.3;
    gr_test_ok(gr_optim_new(&optim, n.model, n.tables, &def, &err), &err);
    for (int step = 0; step < 5; step++) {
        pass(&n, BOTH, step);
        gr_test_ok(gr_optim_step(optim, n.run, NULL, &err), &err);
    }
    copy before = copy_of(&n, optim);
    for (int step = 0; step < STEPS; step++) {
        pass(&n, CORE, 100 + step);
        gr_test_ok(gr_optim_step(optim, n.run, NULL, &err), &err);
    }
    assert_int_equal(changed(&n, optim, &before, true), 0);
    assert_int_equal(changed(&n, optim, &before, false), -1);
    copy_free(&before);

    before = copy_of(&n, optim);
    pass(&n, REGION, 200);
    gr_test_ok(gr_optim_step(optim, n.run, NULL, &err), &err);
    assert_int_equal(changed(&n, optim, &before, false), 0);
    copy_free(&before);
    gr_optim_free(optim);
    net_free(&n);
}

static void test_closed(void **state) {
    (void)state;
    for (int kind = GR_OPTIM_ADAMW; kind <= GR_OPTIM_SGD; kind++)
        check_closed((gr_optim_kind)kind);
}

/* Without tables every parameter is one open slice; tables that are all 1 give the same bits. */
static void test_plain(void **state) {
    (void)state;
    gr_error err = {0};
    gr_real *result[2];
    for (int k = 0; k < 2; k++) {
        net n = net_new();
        gr_tables *one = gr_tables_new(n.model, 2);
        gr_tables_param(one, (gr_rect){n.wide, 20, 200, 40, 590}, (double[]){1, 1});
        gr_tables_finish(one);
        gr_run_free(n.run);
        gr_test_ok(gr_run_new(&n.run, n.model, k ? one : NULL, &(gr_run_def){.positions = ROWS, .train = true}, &err),
                   &err);
        gr_optim *optim;
        gr_optim_def def = usual(GR_OPTIM_ADAMW);
        gr_test_ok(gr_optim_new(&optim, n.model, k ? one : NULL, &def, &err), &err);
        for (int step = 0; step < 5; step++) {
            pass(&n, k ? BOTH : CORE, step);
            for (gr_param p = 0; p < 4; p++)
                for (size_t i = 0; i < size_of(&n, p); i++)
                    gr_run_gradient(n.run, p)[i] = (gr_real)((double)((i * 7 + (size_t)step) % 11) - 5);
            gr_test_ok(gr_optim_step(optim, n.run, NULL, &err), &err);
        }
        result[k] = gr_alloc(size_of(&n, n.wide) * sizeof(gr_real));
        memcpy(result[k], gr_model_data(n.model, n.wide), size_of(&n, n.wide) * sizeof(gr_real));
        gr_optim_free(optim);
        gr_tables_free(one);
        net_free(&n);
    }
    assert_memory_equal(result[0], result[1], 200 * 600 * sizeof(gr_real));
    gr_free(result[0]);
    gr_free(result[1]);
}

static void test_threads(void **state) {
    (void)state;
    gr_error err = {0};
    gr_real *first = gr_alloc(200 * 600 * sizeof *first);
    double first_norm[20] = {0};
    int before = omp_get_max_threads();
    for (int threads = 1; threads <= 3; threads++) {
        omp_set_num_threads(threads);
        net n = net_new();
        gr_optim *optim;
        gr_optim_def def = usual(GR_OPTIM_ADAMW);
        double norm[20];
        gr_test_ok(gr_optim_new(&optim, n.model, n.tables, &def, &err), &err);
        for (int step = 0; step < 20; step++) {
            pass(&n, open_in(step), step);
            gr_test_ok(gr_optim_step(optim, n.run, norm + step, &err), &err);
        }
        if (threads == 1) {
            memcpy(first, gr_model_data(n.model, n.wide), 200 * 600 * sizeof *first);
            memcpy(first_norm, norm, sizeof norm);
        }
        assert_memory_equal(first, gr_model_data(n.model, n.wide), 200 * 600 * sizeof *first);
        assert_memory_equal(first_norm, norm, sizeof norm);
        gr_optim_free(optim);
        net_free(&n);
    }
    omp_set_num_threads(before);
    gr_free(first);
}

static void test_not_finite(void **state) {
    (void)state;
    net n = net_new();
    gr_error err = {0};
    gr_optim *optim;
    gr_optim_def def = usual(GR_OPTIM_ADAMW);
    gr_test_ok(gr_optim_new(&optim, n.model, n.tables, &def, &err), &err);
    pass(&n, BOTH, 0);
    gr_test_ok(gr_optim_step(optim, n.run, NULL, &err), &err);
    copy before = copy_of(&n, optim);
    const double bad[] = {NAN, INFINITY};
    for (int i = 0; i < 2; i++) {
        pass(&n, BOTH, 1);
        gr_run_gradient(n.run, n.down)[4] = (gr_real)bad[i];
        gr_run_gradient(n.run, n.wide)[9] = (gr_real)bad[i];
        memset(&err, 0, sizeof err);
        assert_int_equal(gr_optim_step(optim, n.run, NULL, &err), GR_ERR_NUMERIC);
        assert_string_equal(err.place, "block.1.down");
        assert_non_null(strstr(err.message, "in step 2")); /* one is done */
        assert_int_equal(changed(&n, optim, &before, true), 0);
        assert_int_equal(changed(&n, optim, &before, false), 0);
        assert_int_equal(gr_optim_steps(optim), 1);
    }
    copy_free(&before);
    gr_optim_free(optim);
    net_free(&n);
}

static void test_step_does_not_allocate(void **state) {
    (void)state;
    net n = net_new();
    gr_error err = {0};
    gr_optim *optim;
    gr_optim_def def = usual(GR_OPTIM_ADAMW);
    gr_test_ok(gr_optim_new(&optim, n.model, n.tables, &def, &err), &err);
    pass(&n, BOTH, 0);
    uint64_t before = gr_alloc_count();
    gr_test_ok(gr_optim_step(optim, n.run, NULL, &err), &err);
    assert_int_equal(gr_alloc_count(), before);
    gr_optim_free(optim);
    net_free(&n);
}

static void near(double a, double b) { assert_true(fabs(a - b) < 1e-12); }

static void test_schedules(void **state) {
    (void)state;
    gr_optim_def def = gr_optim_default();
    def.lr = 2;
    near(gr_schedule_lr(&def, 0), 2);
    near(gr_schedule_lr(&def, 1000000), 2);
    def.warmup = 4, def.total = 14, def.final = 0.1;
    near(gr_schedule_lr(&def, 0), 0.5);
    near(gr_schedule_lr(&def, 3), 2);
    near(gr_schedule_lr(&def, 9), 2);
    def.schedule = GR_SCHEDULE_LINEAR;
    near(gr_schedule_lr(&def, 1), 1);
    near(gr_schedule_lr(&def, 4), 2);
    near(gr_schedule_lr(&def, 9), 1.1);
    near(gr_schedule_lr(&def, 14), 0.2);
    near(gr_schedule_lr(&def, 99), 0.2);
    def.schedule = GR_SCHEDULE_COSINE;
    near(gr_schedule_lr(&def, 4), 2);
    near(gr_schedule_lr(&def, 9), 1.1);
    near(gr_schedule_lr(&def, 14), 0.2);
    near(gr_schedule_lr(&def, 99), 0.2);
    near(gr_schedule_lr(&def, 6), 2 * (0.1 + 0.9 * 0.5 * (1 + cos(acos(-1) * 0.2))));
}

static void refuse(const net *n, const gr_optim_def *def, const char *place) {
    gr_error err = {0};
    gr_optim *optim;
    assert_int_equal(gr_optim_new(&optim, n->model, n->tables, def, &err), GR_ERR_USAGE);
    assert_null(optim);
    assert_string_equal(err.place, place);
}

static void test_errors(void **state) {
    (void)state;
    net n = net_new();
    gr_optim_def d = gr_optim_default();
#define REFUSE(field, value)      \
    do {                          \
        gr_optim_def bad = d;     \
        bad.field = value;        \
        refuse(&n, &bad, #field); \
    } while (0)
    REFUSE(lr, -1);
    REFUSE(lr, NAN);
    REFUSE(beta1, 1);
    REFUSE(beta2, -0.1);
    REFUSE(eps, 0);
    REFUSE(momentum, 1);
    REFUSE(decay, -1);
    REFUSE(clip, -1);
    REFUSE(warmup, -1);
    REFUSE(final, 2);
    gr_optim_def bad = d;
    bad.schedule = GR_SCHEDULE_LINEAR, bad.warmup = 11, bad.total = 10;
    refuse(&n, &bad, "warmup");
    bad = d;
    bad.group = &(gr_optim_group){.pattern = "blok.*", .lr = 1, .decay = -1}, bad.groups = 1;
    refuse(&n, &bad, "blok.*");
    bad.group = &(gr_optim_group){.pattern = "block.*", .lr = -1, .decay = -1};
    refuse(&n, &bad, "block.*");
    net_free(&n);
}

/* A share that moves is in each step what its line says; one whose ends are the same is one that stays, to the last
 * bit. By sgd without momentum a step moves a parameter by lr g. */
static void test_shares_that_move(void **state) {
    (void)state;
    enum { RUN = 11 };
    static const double ends[][2] = {{1, 0.25}, {0.3, 0.3}};
    for (int i = 0; i < 2; i++) {
        net n = net_new(), other = net_new();
        gr_optim_def def = gr_optim_default(), stays = def;
        gr_error err = {0};
        gr_optim *a, *b;
        def.kind = GR_OPTIM_SGD, def.momentum = 0, def.decay = 0, def.clip = 0, def.lr = 0.1, def.total = RUN;
        stays = def;
        def.group =
            &(gr_optim_group){.pattern = "block.1.*", .lr = ends[i][0], .decay = -1, .moves = true, .to = ends[i][1]},
        def.groups = 1;
        stays.group = &(gr_optim_group){.pattern = "block.1.*", .lr = ends[i][0], .decay = -1}, stays.groups = 1;
        gr_test_ok(gr_optim_new(&a, n.model, n.tables, &def, &err), &err);
        gr_test_ok(gr_optim_new(&b, other.model, other.tables, &stays, &err), &err);
        for (int step = 0; step < RUN + 3; step++) {
            gr_real before[5], want = 0;
            double share = step < RUN ? ends[i][0] + step / (double)(RUN - 1) * (ends[i][1] - ends[i][0]) : ends[i][1];
            pass(&n, BOTH, step), pass(&other, BOTH, step);
            memcpy(before, gr_model_data(n.model, n.down), sizeof before);
            gr_test_ok(gr_optim_step(a, n.run, NULL, &err), &err);
            gr_test_ok(gr_optim_step(b, other.run, NULL, &err), &err);
            for (int c = 0; c < 3; c++) {
                want = before[c] - (gr_real)(0.1 * share) * gr_run_gradient(n.run, n.down)[c];
                assert_true(fabs((double)(gr_model_data(n.model, n.down)[c] - want)) <= 1e-6 * fabs((double)want));
            }
            if (i == 1)
                assert_memory_equal(gr_model_data(n.model, n.down), gr_model_data(other.model, other.down),
                                    sizeof before);
        }
        gr_optim_free(a), gr_optim_free(b);
        net_free(&n), net_free(&other);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_shares_that_move),
        cmocka_unit_test(test_closed),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_schedules),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_step_does_not_allocate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
