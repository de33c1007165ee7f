/* Routed gradients against central differences of the frozen-tap loss (in double): at one point a routed gradient is
 * the gradient of the loss in which a masked value v reads m*v + (1-m)*v0, and a masked weight W reads m*W + (1-m)*W0,
 * with v0 and W0 frozen there. Weights 0, 1, 0.3 and -0.75, classes mixed over the rows, with and without `mix`. */
#include "base/rng.h"
#include "frozen.h"

enum { N = 40, CLASSES = 4 };

/* Units below CUT and from CUT on have weights of their own. */
static const double low[CLASSES] = {0, 1, 0.3, -0.75}, high[CLASSES] = {1, -0.75, 0, 0.3};

/* Effective weight of row n, unit j. */
static double effective(const gr_test_batch *b, const double *lo, const double *hi, int n, int j, bool mixed) {
    double t = (j < CUT ? lo : hi)[b->cls[n]];
    return mixed ? 1 + (double)b->mix[n] * (t - 1) : t;
}

/* Adds a mode's weights to tables: the two unit ranges in up and down, or of the tap. */
static void route(gr_tables *t, const gr_model *m, bool activation, bool parameter, bool forward) {
    gr_tap tap = gr_model_find_tap(m, "hidden");
    gr_param up = gr_model_find(m, "up"), down = gr_model_find(m, "down");
    for (int half = 0; half < 2; half++) {
        int lo = half ? CUT : 0, hi = half ? H : CUT;
        const double *w = half ? high : low;
        if (activation)
            gr_tables_activation(t, tap, lo, hi, w);
        if (forward)
            gr_tables_forward(t, tap, lo, hi, w);
        if (parameter) {
            gr_tables_param(t, (gr_rect){up, lo, hi, 0, D}, w);
            gr_tables_param(t, (gr_rect){down, lo, hi, 0, 3 * D}, w);
        }
    }
    gr_tables_finish(t);
}

static gr_test_batch batch_of_classes(bool mixed) {
    gr_test_batch b = gr_test_batch_new(N, V, 4);
    for (int n = 0; n < N; n++)
        b.cls[n] = (int32_t)(gr_random_bits((gr_key){4, GR_STREAM_TEST, 5}, (uint64_t)n, 0) % CLASSES);
    b.batch.cls = b.cls;
    b.batch.mix = mixed ? b.mix : NULL;
    return b;
}

static void check(bool activation, bool parameter, bool mixed) {
    net a = build(false), f = build(true);
    copy_params(f, a);
    gr_tables *t = gr_tables_new(a.model, CLASSES);
    route(t, a.model, activation, parameter, false);
    gr_run *routed, *frozen;
    gr_error err = {0};
    gr_test_ok(gr_run_new(&routed, a.model, t, &(gr_run_def){.positions = N, .train = true, .seed = 0}, &err), &err);
    gr_test_ok(gr_run_new(&frozen, f.model, NULL, &(gr_run_def){.positions = N, .train = false, .seed = 0}, &err),
               &err);
    gr_test_batch b = batch_of_classes(mixed);
    gr_run_zero(routed);
    gr_run_forward(routed, &b.batch);
    gr_run_backward(routed);
    gr_run_reduce(routed);

    int stride;
    const gr_real *v0 = gr_run_value(routed, a.hidden, &stride);
    gr_real *in[4];
    for (int i = 0; i < 4; i++)
        b.batch.x[i] = in[i] = gr_alloc(N * H * sizeof(gr_real));
    for (int n = 0; n < N; n++)
        for (int j = 0; j < H; j++) {
            double s = parameter ? effective(&b, low, high, n, j, mixed) : 1;
            double m = activation ? effective(&b, low, high, n, j, mixed) : 1;
            in[0][n * H + j] = (gr_real)s;
            in[1][n * H + j] = (gr_real)(1 - s);
            in[2][n * H + j] = (gr_real)m;
            in[3][n * H + j] = (gr_real)((1 - m) * (double)v0[n * stride + j]);
        }
    b.batch.cls = NULL; /* the twin's run has one class and no tables */
    b.batch.mix = NULL;
    compare(routed, a, frozen, f, &b.batch);
    for (int i = 0; i < 4; i++)
        gr_free(in[i]);
    gr_test_batch_free(&b);
    gr_run_free(routed);
    gr_run_free(frozen);
    gr_tables_free(t);
    gr_model_free(a.model);
    gr_model_free(f.model);
}

static void activation_mode(void **state) { check(true, false, false), (void)state; }
static void parameter_mode(void **state) { check(false, true, false), (void)state; }
static void both_modes(void **state) { check(true, true, false), (void)state; }
static void activation_mode_mix(void **state) { check(true, false, true), (void)state; }
static void parameter_mode_mix(void **state) { check(false, true, true), (void)state; }

/* Forward mode is an ordinary derivative: differences of the routed loss itself. */
static void check_forward(bool mixed) {
    net a = build(false);
    gr_tables *t = gr_tables_new(a.model, CLASSES);
    route(t, a.model, false, false, true);
    gr_run *run;
    gr_error err = {0};
    gr_test_ok(gr_run_new(&run, a.model, t, &(gr_run_def){.positions = N, .train = true, .seed = 0}, &err), &err);
    gr_test_batch b = batch_of_classes(mixed);
    gr_run_zero(run);
    gr_run_forward(run, &b.batch);
    gr_run_backward(run);
    gr_run_reduce(run);
    compare(run, a, run, a, &b.batch);
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_tables_free(t);
    gr_model_free(a.model);
}

static void forward_mode(void **state) { check_forward(false), (void)state; }
static void forward_mode_mix(void **state) { check_forward(true), (void)state; }

/* The masks must matter: the plain gradient fails the frozen-tap comparison. */
static void masks_matter(void **state) {
    (void)state;
    net a = build(false);
    gr_tables *t = gr_tables_new(a.model, CLASSES);
    route(t, a.model, true, true, false);
    gr_run *routed, *plain;
    gr_error err = {0};
    gr_test_ok(gr_run_new(&routed, a.model, t, &(gr_run_def){.positions = N, .train = true, .seed = 0}, &err), &err);
    gr_test_ok(gr_run_new(&plain, a.model, NULL, &(gr_run_def){.positions = N, .train = true, .seed = 0}, &err), &err);
    gr_test_batch b = batch_of_classes(false);
    gr_run *runs[] = {routed, plain};
    for (int i = 0; i < 2; i++) {
        b.batch.cls = i ? NULL : b.cls;
        gr_run_zero(runs[i]);
        gr_run_forward(runs[i], &b.batch);
        gr_run_backward(runs[i]);
        gr_run_reduce(runs[i]);
    }
    gr_param up = gr_model_find(a.model, "up"), down = gr_model_find(a.model, "down");
    assert_true(gr_test_distance(gr_run_gradient(routed, up), gr_run_gradient(plain, up), H * D) > 0.05);
    assert_true(gr_test_distance(gr_run_gradient(routed, down), gr_run_gradient(plain, down), H * 3 * D) > 0.05);
    gr_test_batch_free(&b);
    gr_run_free(routed);
    gr_run_free(plain);
    gr_tables_free(t);
    gr_model_free(a.model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activation_mode),     cmocka_unit_test(parameter_mode),     cmocka_unit_test(both_modes),
        cmocka_unit_test(activation_mode_mix), cmocka_unit_test(parameter_mode_mix), cmocka_unit_test(forward_mode),
        cmocka_unit_test(forward_mode_mix),    cmocka_unit_test(masks_matter),
    };
    return cmocka_run_group_tests_name("frozen taps", tests, NULL, NULL);
}
