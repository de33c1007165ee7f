/* What the gradient check cannot see: values of operations whose rows depend on classes, documents, targets or draws.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "support.h"

enum { ROWS = 48, WIDTH = 12 };

/* A model that reads input 0 [N x WIDTH], applies an operation and sums up to a loss. */
static gr_model *model_of(gr_value (*build)(gr_graph *, gr_value), gr_value *y) {
    gr_graph *g = gr_graph_new();
    *y = build(g, gr_input(g, 0, WIDTH));
    gr_graph_output(g, "y", *y);
    gr_value column = gr_value_width(g, *y) == 1 ? *y : gr_l1(g, *y);
    gr_graph_loss(g, gr_value_scalar(g, *y) ? *y : gr_mean(g, column), 1);
    gr_model *model;
    gr_error err = {0};
    gr_test_ok(gr_model_new(&model, g, 3, &err), &err);
    return model;
}

static gr_run *run_of(gr_model *model, const gr_tables *tables, bool train) {
    gr_run *run;
    gr_error err = {0};
    gr_test_ok(gr_run_new(&run, model, tables, &(gr_run_def){.positions = ROWS, .train = train, .seed = 7}, &err),
               &err);
    return run;
}

static void fill(gr_real *x) {
    for (int i = 0; i < ROWS * WIDTH; i++)
        x[i] = (gr_real)(sin(i * 1.7) + 0.3 * cos(i * i * 0.01));
}

/* ---- rms_norm: a group that is off is as if it had never been there ---- */

static gr_tap group_tap;

static gr_value build_groups(gr_graph *g, gr_value x) {
    gr_value point = gr_tap_point(g, gr_slice(g, x, 8, WIDTH), "group");
    group_tap = gr_graph_tap(g, point);
    const gr_norm_group group[] = {{GR_NONE, 8, GR_NONE}, {GR_NONE, WIDTH - 8, group_tap}};
    return gr_rms_norm(g, gr_concat(g, 2, (gr_value[]){gr_slice(g, x, 0, 8), point}), 2, group, 1e-5);
}

static void norm_leaves_out_groups(void **state) {
    (void)state;
    gr_value y;
    gr_model *model = model_of(build_groups, &y);
    gr_tables *tables = gr_tables_new(model, 3);
    gr_tables_forward(tables, group_tap, 0, WIDTH - 8, (double[]){1, 0, 0.5});
    gr_tables_finish(tables);
    gr_run *run = run_of(model, tables, false);
    gr_real x[ROWS * WIDTH];
    int32_t cls[ROWS];
    fill(x);
    for (int n = 0; n < ROWS; n++)
        cls[n] = n % 3;
    gr_run_forward(run, &(gr_batch){.positions = ROWS, .x = {x}, .cls = cls, .denominator = ROWS});
    int stride;
    const gr_real *out = gr_run_value(run, y, &stride);
    const double weight[] = {1, 0, 0.5};
    for (int n = 0; n < ROWS; n++) {
        int on = cls[n] == 1 ? 8 : WIDTH;
        double v[WIDTH], square = 0;
        for (int j = 0; j < WIDTH; j++) {
            v[j] = (double)x[n * WIDTH + j] * (j < 8 ? 1 : weight[cls[n]]);
            square += v[j] * v[j] / on;
        }
        for (int j = 0; j < WIDTH; j++)
            assert_true(fabs((double)out[n * stride + j] - v[j] / sqrt(square + 1e-5)) < 1e-12);
    }
    gr_run_free(run);
    gr_tables_free(tables);
    gr_model_free(model);
}

/* ---- dropout ---- */

static gr_value build_dropout(gr_graph *g, gr_value x) { return gr_dropout(g, x, 0.25); }

static void dropout_is_keyed_by_row(void **state) {
    (void)state;
    gr_value y;
    gr_model *model = model_of(build_dropout, &y);
    gr_run *train = run_of(model, NULL, true), *eval = run_of(model, NULL, false);
    gr_real x[ROWS * WIDTH], whole[ROWS * WIDTH];
    int stride, kept = 0, moved = 0;
    fill(x);
    gr_batch batch = {.positions = ROWS, .x = {x}, .denominator = ROWS, .step = 5};
    gr_run_forward(train, &batch);
    memcpy(whole, gr_run_value(train, y, &stride), sizeof whole);
    for (int i = 0; i < ROWS * WIDTH; i++) {
        kept += whole[i] != 0;
        if (whole[i] != 0)
            assert_true(fabs((double)whole[i] - (double)x[i] / 0.75) < 1e-14);
    }
    /* 576 draws: 5 standard deviations are 52 */
    assert_true(abs(kept - ROWS * WIDTH * 3 / 4) < 52);
    /* The second half alone, as a micro-batch, drops what it dropped in the whole. */
    gr_run_forward(
        train,
        &(gr_batch){
            .positions = ROWS / 2, .x = {x + ROWS / 2 * WIDTH}, .denominator = ROWS, .first = ROWS / 2, .step = 5});
    assert_memory_equal(gr_run_value(train, y, &stride), whole + ROWS / 2 * WIDTH, sizeof whole / 2);
    batch.step = 6;
    gr_run_forward(train, &batch);
    const gr_real *next = gr_run_value(train, y, &stride);
    for (int i = 0; i < ROWS * WIDTH; i++)
        moved += (next[i] == 0) != (whole[i] == 0);
    assert_true(moved > 100);
    gr_run_forward(eval, &batch);
    assert_memory_equal(gr_run_value(eval, y, &stride), x, sizeof x);
    gr_run_free(train);
    gr_run_free(eval);
    gr_model_free(model);
}

/* ---- attention: rows see their own document up to themselves ---- */

static gr_value build_attention(gr_graph *g, gr_value x) {
    return gr_attention(g, x, &(gr_attention_def){.heads = 2, .size = 2, .scale = 0.7, .rotary_base = 10});
}

static void attention_sees_the_past_of_its_document(void **state) {
    (void)state;
    gr_value y;
    gr_model *model = model_of(build_attention, &y);
    gr_run *run = run_of(model, NULL, false);
    gr_real x[ROWS * WIDTH], before[ROWS * 4];
    int32_t start[ROWS];
    for (int n = 0; n < ROWS; n++)
        start[n] = n < 5 ? 0 : n < 40 ? 5 : 40;
    fill(x);
    gr_batch batch = {.positions = ROWS, .x = {x}, .start = start, .denominator = ROWS};
    gr_run_forward(run, &batch);
    int stride, changed = 20;
    memcpy(before, gr_run_value(run, y, &stride), sizeof before);
    for (int j = 0; j < WIDTH; j++)
        x[changed * WIDTH + j] += 1;
    gr_run_forward(run, &batch);
    const gr_real *after = gr_run_value(run, y, &stride);
    for (int n = 0; n < ROWS; n++) {
        bool same = memcmp(before + n * 4, after + n * stride, 4 * sizeof *after) == 0;
        assert_int_equal(same, n < changed || n >= 40);
    }
    /* Positions restart: the same rows in another place give the same result. */
    memcpy(x, x + 40 * WIDTH, 5 * WIDTH * sizeof *x);
    gr_run_forward(run, &batch);
    after = gr_run_value(run, y, &stride);
    assert_memory_equal(after, after + 40 * stride, 5 * 4 * sizeof *after);
    gr_run_free(run);
    gr_model_free(model);
}

/* ---- cross_entropy ---- */

static void cross_entropy_minds_targets(void **state) {
    (void)state;
    gr_value y;
    gr_model *model = model_of(gr_cross_entropy, &y);
    gr_run *run = run_of(model, NULL, false);
    gr_real x[ROWS * WIDTH];
    int32_t targets[ROWS];
    fill(x);
    for (int n = 0; n < ROWS; n++)
        targets[n] = n % 4 ? n % WIDTH : -1;
    gr_batch batch = {.positions = ROWS, .x = {x}, .targets = targets, .denominator = ROWS};
    gr_run_forward(run, &batch);
    int stride;
    const gr_real *out = gr_run_value(run, y, &stride);
    for (int n = 0; n < ROWS; n++) {
        double sum = 0;
        for (int j = 0; j < WIDTH; j++)
            sum += exp((double)x[n * WIDTH + j]);
        double want = targets[n] < 0 ? 0 : log(sum) - (double)x[n * WIDTH + targets[n]];
        assert_true(fabs((double)out[n * stride] - want) < 1e-12);
    }
    targets[9] = WIDTH; /* beyond the logits: seen as a loss that is not a number, nothing else is read */
    assert_true(isnan(gr_run_forward(run, &batch)));
    gr_run_free(run);
    gr_model_free(model);
}

/* ---- correlation ---- */

static gr_value build_correlation(gr_graph *g, gr_value x) {
    return gr_correlation(g, gr_slice(g, x, 0, 3), gr_slice(g, x, 3, 5));
}

static double pearson(const gr_real *a, const gr_real *b, const int32_t *cls) {
    double n = 0, sa = 0, sb = 0, aa = 0, bb = 0, ab = 0;
    for (int i = 0; i < ROWS; i++)
        if (cls[i] >= 0) {
            double u = (double)a[i * WIDTH], v = (double)b[i * WIDTH];
            n++, sa += u, sb += v, aa += u * u, bb += v * v, ab += u * v;
        }
    double va = aa - sa * sa / n, vb = bb - sb * sb / n;
    return va < 1e-12 || vb < 1e-12 ? 0 : (ab - sa * sb / n) / sqrt(va * vb);
}

static void correlation_counts_rows_with_a_class(void **state) {
    (void)state;
    gr_value y;
    gr_model *model = model_of(build_correlation, &y);
    gr_run *run = run_of(model, NULL, false);
    gr_real x[ROWS * WIDTH];
    int32_t cls[ROWS], start[ROWS];
    fill(x);
    for (int n = 0; n < ROWS; n++) {
        start[n] = n; /* samples: each a document */
        cls[n] = n % 5 == 2 ? -1 : 0;
        x[n * WIDTH + 1] = cls[n] < 0 ? n : (gr_real)0.1; /* constant where it counts */
    }
    gr_batch batch = {.positions = ROWS, .x = {x}, .start = start, .cls = cls, .denominator = ROWS};
    double want = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 3; j < 5; j++)
            want += fabs(pearson(x + i, x + j, cls)) / 6;
    assert_true(want > 0.01);
    assert_true(fabs(gr_run_forward(run, &batch) - want) < 1e-12);
    for (int n = 1; n < ROWS; n++)
        cls[n] = -1;
    assert_true(gr_run_forward(run, &batch) == 0); /* one row has no correlation */
    gr_run_free(run);
    gr_model_free(model);
}

/* ---- builders ---- */

static gr_value wrong_norm(gr_graph *g, gr_value x) {
    return gr_rms_norm(g, x, 1, &(gr_norm_group){GR_NONE, WIDTH - 1, GR_NONE}, 1e-5);
}
static gr_value wrong_groups(gr_graph *g, gr_value x) { return gr_rms_norm(g, x, 9, NULL, 1e-5); }
static gr_value wrong_gain(gr_graph *g, gr_value x) {
    gr_param p = gr_graph_param(g, &(gr_param_def){"p", 2, WIDTH, GR_KIND_NORM, GR_INIT_ONE, 0, false});
    return gr_layer_norm(g, x, p, GR_NONE, 1e-5);
}
static gr_value wrong_mul(gr_graph *g, gr_value x) { return gr_mul(g, x, gr_slice(g, x, 0, 3)); }
static gr_value wrong_swiglu(gr_graph *g, gr_value x) { return gr_swiglu(g, x, gr_slice(g, x, 0, 3)); }
static gr_value wrong_error(gr_graph *g, gr_value x) { return gr_squared_error(g, x, gr_slice(g, x, 0, 3)); }
static gr_value wrong_add(gr_graph *g, gr_value x) { return gr_add(g, x, gr_mean(g, gr_l1(g, x))); }
static gr_value wrong_heads(gr_graph *g, gr_value x) {
    return gr_attention(g, x, &(gr_attention_def){.heads = 3, .size = 2, .scale = 1});
}
static gr_value wrong_share(gr_graph *g, gr_value x) {
    return gr_attention(g, x, &(gr_attention_def){.heads = 3, .kv_heads = 2, .size = 1, .scale = 1});
}
static gr_value wrong_window(gr_graph *g, gr_value x) {
    return gr_attention(g, x, &(gr_attention_def){.heads = 2, .size = 2, .scale = 1, .window = -1});
}
static gr_value wrong_part(gr_graph *g, gr_value x) {
    return gr_attention(g, x,
                        &(gr_attention_def){.heads = 1, .size = 4, .scale = 1, .rotary_base = 10, .rotary_size = 3});
}
static gr_value wrong_more(gr_graph *g, gr_value x) {
    return gr_attention(g, x,
                        &(gr_attention_def){.heads = 1, .size = 4, .scale = 1, .rotary_base = 10, .rotary_size = 6});
}
static gr_value wrong_rotation(gr_graph *g, gr_value x) {
    return gr_attention(g, x, &(gr_attention_def){.heads = 4, .size = 1, .scale = 1, .rotary_base = 10});
}
static gr_value wrong_rate(gr_graph *g, gr_value x) { return gr_dropout(g, x, 1); }
static gr_value wrong_relu(gr_graph *g, gr_value x) { return gr_relu(g, gr_mean(g, gr_l1(g, x))); }
static gr_value wrong_before(gr_graph *g, gr_value x) { return gr_silu(g, gr_add(g, x, gr_gelu(g, GR_NONE))); }

static void builders_refuse(void **state) {
    (void)state;
    gr_value (*const list[])(gr_graph *, gr_value) = {
        wrong_norm,     wrong_groups, wrong_gain,   wrong_mul,  wrong_swiglu, wrong_error, wrong_add,  wrong_heads,
        wrong_rotation, wrong_share,  wrong_window, wrong_part, wrong_more,   wrong_rate,  wrong_relu, wrong_before};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        gr_graph *g = gr_graph_new();
        assert_int_equal(list[i](g, gr_input(g, 0, WIDTH)), GR_NONE);
        gr_graph_free(g);
    }
}

/* ---- absent rows count nowhere ---- */

static gr_value build_penalty(gr_graph *g, gr_value x) { return gr_mean(g, gr_l1(g, x)); }

static gr_value build_balance(gr_graph *g, gr_value x) {
    gr_value p = gr_normalise(g, gr_scores(g, x));
    return gr_mean(g, gr_balance(g, p, gr_top(g, p, 1)));
}

/* The same by hand: E sum over e of f_e p_e, f_e the share of present rows that choose e. */
static double balance_by_hand(const gr_real *x, const int32_t *cls) {
    double share[WIDTH] = {0}, mean[WIDTH] = {0}, sum = 0;
    int present = 0;
    for (int n = 0; n < ROWS; n++) {
        const gr_real *row = x + n * WIDTH;
        double all = 0;
        int best = 0;
        for (int j = 0; j < WIDTH; j++) {
            all += exp((double)row[j]);
            best = row[j] > row[best] ? j : best;
        }
        for (int j = 0; j < WIDTH && cls[n] >= 0; j++)
            mean[j] += exp((double)row[j]) / all;
        share[best] += cls[n] >= 0;
        present += cls[n] >= 0;
    }
    for (int j = 0; j < WIDTH; j++)
        sum += WIDTH * share[j] / present * mean[j];
    return sum;
}

static void absent_rows_count_nowhere(void **state) {
    (void)state;
    gr_real x[ROWS * WIDTH];
    int32_t cls[ROWS];
    double want = 0;
    fill(x);
    for (int n = 0; n < ROWS; n++) {
        cls[n] = n % 3 ? 0 : -1;
        for (int j = 0; j < WIDTH; j++)
            want += n % 3 ? fabs((double)x[n * WIDTH + j]) : 0;
    }
    for (int k = 0; k < 2; k++) {
        gr_value y;
        gr_model *model = model_of(k ? build_balance : build_penalty, &y);
        gr_run *run = run_of(model, NULL, true);
        gr_batch batch = {.positions = ROWS, .cls = cls, .x = {x}, .denominator = 1};
        double got = gr_run_forward(run, &batch);
        assert_true(fabs(got - (k ? balance_by_hand(x, cls) : want)) < 1e-9);
        gr_run_free(run);
        gr_model_free(model);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(norm_leaves_out_groups),
                                       cmocka_unit_test(dropout_is_keyed_by_row),
                                       cmocka_unit_test(cross_entropy_minds_targets),
                                       cmocka_unit_test(attention_sees_the_past_of_its_document),
                                       cmocka_unit_test(builders_refuse),
                                       cmocka_unit_test(correlation_counts_rows_with_a_class),
                                       cmocka_unit_test(absent_rows_count_nowhere)};
    return cmocka_run_group_tests_name("ops", tests, NULL, NULL);
}
