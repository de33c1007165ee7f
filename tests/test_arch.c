/* Architectures: names and sizes, regions' rectangles, errors, groups that are off. The forward pass against a
 * plain one: test_arch_plain.c. */
#include "arch_helpers.h"
#include "gradroute/surgery.h"
#include "group_helpers.h"

/* ---- description ---- */

static void test_sizes(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    def.bias = true;
    def.tied = false;
    gr_arch_region regions[] = {{.name = "x", .mlp.add = 8, .heads.add = 1},
                                {.name = "g", .residual.add = 6, .mlp.add = 5}};
    def.regions = regions;
    def.region_count = 2;
    gr_model *m = build(&def, 1);
    const struct {
        const char *name;
        int rows, cols;
    } want[] = {{"embed", VOCAB, 16},
                {"layers.1.attn.qkv", 5 * 3 * 4, 16},
                {"layers.1.attn.out", 5 * 4, 16},
                {"layers.0.mlp.up", 32, 16},
                {"layers.0.mlp.gate", 32, 16},
                {"layers.0.mlp.down", 32, 16},
                {"layers.0.mlp.up.bias", 1, 32},
                {"layers.0.mlp.down.bias", 1, 16},
                {"norm", 1, 16},
                {"unembed", VOCAB, 16},
                {"g.embed", VOCAB, 6},
                {"g.unembed", VOCAB, 6},
                {"g.layers.0.mlp.up", 5, 22},
                {"g.layers.0.mlp.down", 5, 22},
                {"g.layers.0.attn.norm", 1, 6}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        gr_param p = gr_model_find(m, want[i].name);
        if (p == GR_NONE)
            fail_msg("no %s", want[i].name);
        assert_int_equal(gr_model_param(m, p)->rows, want[i].rows);
        assert_int_equal(gr_model_param(m, p)->cols, want[i].cols);
    }
    assert_int_equal(gr_model_find(m, "g.layers.0.attn.qkv"), GR_NONE);
    assert_int_equal(gr_model_find(m, "g.layers.0.mlp.down.bias"), GR_NONE);
    assert_true(gr_model_param(m, gr_model_find(m, "norm"))->no_decay);
    size_t core, own[2];
    gr_error err = {0};
    gr_test_ok(gr_arch_parameters(&def, &core, own, &err), &err);
    assert_int_equal(core + own[0] + own[1], gr_model_size(m));
    for (int r = 0; r < 2; r++)
        assert_int_equal(own[r], gr_region_size(gr_model_region(m, r)));
    gr_model_free(m);
}

/* Without its numbers a network has the sizes, regions and plan that it has with them. */
static void test_outline(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    gr_arch_region region = {.name = "x", .residual.add = 6, .mlp.add = 5};
    def.regions = &region;
    def.region_count = 1;
    gr_error err = {0};
    gr_model *whole, *outline;
    gr_test_ok(gr_arch_build(&whole, &def, 3, &err), &err);
    gr_test_ok(gr_arch_outline(&outline, &def, &err), &err);
    assert_true(gr_model_is_outline(outline) && !gr_model_is_outline(whole));
    assert_int_equal(gr_model_size(outline), gr_model_size(whole));

    gr_run_def run = {.positions = 64, .train = true};
    gr_memory a = gr_run_plan(whole, NULL, &run), b = gr_run_plan(outline, NULL, &run);
    assert_memory_equal(&a, &b, sizeof a);

    /* What surgery makes of an outline is one too. */
    const char *names[] = {"x"};
    gr_surgery_result less;
    gr_test_ok(gr_surgery_remove(&less, &def, outline, names, 1, &err), &err);
    assert_true(gr_model_is_outline(less.model) && gr_model_size(less.model) < gr_model_size(outline));
    gr_arch_free(less.def);
    gr_model_free(less.model);
    gr_model_free(outline);
    gr_model_free(whole);
}

static int covered(const gr_region *region, gr_param p, int i, int j) {
    int n = 0;
    for (int k = 0; k < region->rects; k++) {
        const gr_rect *q = &region->rect[k];
        n += q->param == p && i >= q->lo0 && i < q->hi0 && j >= q->lo1 && j < q->hi1;
    }
    return n;
}

/* Rows and columns of one region never count an entry twice. */
static void test_parts(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    gr_arch_region region = {.name = "x",
                             .residual = {.lo = 4, .hi = 7},
                             .mlp.last = 6,
                             .heads = {.lo = 1, .hi = 2},
                             .layers = (int[]){1},
                             .layer_count = 1,
                             .patterns = (const char *[]){"layers.0.mlp.u*"},
                             .pattern_count = 1};
    def.regions = &region;
    def.region_count = 1;
    gr_model *m = build(&def, 1);
    const gr_region *x = gr_model_region(m, 0);
    for (int p = 0; p < gr_model_params(m); p++) {
        const gr_param_def *d = gr_model_param(m, p);
        for (int i = 0; i < d->rows; i++)
            for (int j = 0; j < d->cols; j++) {
                bool in = j >= 4 && j < 7; /* every matrix has the stream as its columns */
                if (!strcmp(d->name, "layers.0.mlp.up"))
                    in = true;
                if (!strncmp(d->name, "layers.1.mlp.", 13) && d->rows == 24)
                    in = in || i >= 18;
                if (!strcmp(d->name, "layers.1.attn.qkv"))
                    in = in || (i >= 12 && i < 24);
                if (!strcmp(d->name, "layers.1.attn.out"))
                    in = in || (i >= 4 && i < 8);
                assert_int_equal(covered(x, p, i, j), in);
            }
    }
    assert_int_equal(x->gates, 1 + 4 + 2); /* embed, two writes a layer; heads and hidden of layer 1 */
    gr_model_free(m);
}

static void test_errors(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    def.mlp = 96;
    gr_arch_region region = {.name = "x", .mlp = {.lo = 64, .hi = 128}};
    def.regions = &region;
    def.region_count = 1;
    expect_error(&def, "region 'x' claims neurons 64..128 of a layer with 96");
    region = (gr_arch_region){.name = "x", .heads.last = 5};
    expect_error(&def, "takes the last 5 heads of a layer with 4");
    region = (gr_arch_region){.name = "x", .residual = {.lo = 3, .hi = 2}};
    expect_error(&def, "claims residual dimensions 3..2");
    region = (gr_arch_region){.name = "x", .mlp = {.add = 3, .last = 2}};
    expect_error(&def, "neurons in 2 ways");
    region = (gr_arch_region){.name = "x"};
    expect_error(&def, "owns nothing");
    region = (gr_arch_region){.name = "layers", .mlp.add = 1};
    expect_error(&def, "cannot name a region");
    region = (gr_arch_region){.name = "a/b", .mlp.add = 1};
    expect_error(&def, "cannot name a region");
    region = (gr_arch_region){.name = "x", .residual.add = 4, .mlp.last = 3};
    expect_error(&def, "can only add neurons");
    region = (gr_arch_region){.name = "x", .patterns = (const char *[]){"nope*"}, .pattern_count = 1};
    expect_error(&def, "no parameter is named like 'nope*'");
    region = (gr_arch_region){.name = "x", .mlp.add = 1, .layers = (int[]){2}, .layer_count = 1};
    expect_error(&def, "names layer 2 of a network with 2");
    region = (gr_arch_region){.name = "x", .residual.add = 4};
    def.norm = GR_NORM_LAYER;
    expect_error(&def, "need RMS norm");
    def.norm = GR_NORM_RMS;
    def.head_size = 3;
    expect_error(&def, "even head size");
    def.head_size = 0;
    def.heads = 3;
    expect_error(&def, "does not divide");
    def = small_def();
    def.vocab = 0;
    expect_error(&def, "vocab is 0");
    gr_arch_region five[] = {{.name = "a", .residual.add = 1},
                             {.name = "b", .residual.add = 1},
                             {.name = "c", .residual.add = 1},
                             {.name = "d", .residual.add = 1},
                             {.name = "e", .residual.add = 1}};
    def = small_def();
    def.regions = five;
    def.region_count = 5;
    expect_error(&def, "region 'e' is the residual group after the 4");
}

static void test_variants(void **state) {
    (void)state;
    for (int i = 0; i < 6; i++) {
        gr_arch_def def = small_def();
        def.norm = i % 2 ? GR_NORM_LAYER : GR_NORM_RMS;
        def.position = (gr_positions)(i % 3);
        def.activation = (gr_activation)(i % 5);
        def.bias = i == 1 || i == 4;
        def.out_bias = i == 2;
        def.logit_bias = i == 3;
        def.tied = i < 3;
        def.dropout = i == 4 ? 0.1 : 0;
        def.l1 = i == 5 ? 0.01 : 0;
        def.layer_mlp = i == 3 ? (int[]){0, 7} : NULL;
        gr_model *m = build(&def, 3);
        disturb(m);
        gr_free(logits_of(m));
        gr_model_free(m);
    }
}

/* ---- groups ---- */

static const gr_arch_region groups[] = {
    {.name = "a", .residual.add = 6, .mlp.add = 5, .heads.add = 2},
    {.name = "b", .residual.add = 3, .mlp.add = 4, .heads.add = 1, .layers = (const int[]){1}, .layer_count = 1},
    {.name = "c", .residual.add = 8, .mlp.add = 9, .heads.add = 1},
    {.name = "d", .residual.add = 5, .mlp.add = 3},
};

/* Whatever groups a network has, without them it is, bit for bit, the network that never had them. */
static void test_group_off(void **state) {
    (void)state;
    const char *names[] = {"a", "b", "c", "d"};
    for (int variant = 0; variant < 6; variant++) {
        gr_arch_def def = small_def();
        def.no_gain = variant == 4;
        def.kv_heads = variant == 5 ? 2 : 0;
        def.bias = variant == 1;
        def.position = variant == 2 ? GR_POSITION_LEARNED : GR_POSITION_ROTARY;
        def.tied = variant != 3;
        gr_model *plain = build(&def, 7);
        disturb(plain);
        gr_real *want = logits_of(plain);
        def.regions = groups;
        for (int k = 1; k <= 4; k++) {
            def.region_count = k;
            gr_model *m = build(&def, 7);
            disturb(m);
            gr_real *off = logits_without(m, names, k), *on = logits_of(m);
            assert_same_bits(off, want);
            assert_apart(on, want);
            gr_free(off);
            gr_free(on);
            for (int off_bits = 1; off_bits + 1 < 1 << k; off_bits++) { /* some off: the network with the others */
                gr_arch_region rest[4];
                const char *off_names[4];
                gr_arch_def fewer = def;
                fewer.regions = rest;
                fewer.region_count = 0;
                int count = 0;
                for (int i = 0; i < k; i++)
                    if (off_bits >> i & 1)
                        off_names[count++] = names[i];
                    else
                        rest[fewer.region_count++] = groups[i];
                gr_model *less = build(&fewer, 7);
                disturb(less);
                gr_real *a = logits_without(m, off_names, count), *b = logits_of(less);
                assert_same_bits(a, b);
                gr_free(a);
                gr_free(b);
                gr_model_free(less);
            }
            gr_model_free(m);
        }
        gr_free(want);
        gr_model_free(plain);
    }
}

/* A pass of m with the groups of off_bits, of so many, switched off; with a backward pass if train. */
static gr_run *large_pass(gr_model *m, gr_tables **tables, const gr_test_batch *b, const gr_run_def *def, int count,
                          int off_bits) {
    gr_run *run;
    gr_error err = {0};
    *tables = gr_tables_new(m, 1);
    for (int i = 0; i < count; i++)
        gr_tables_gate(*tables, i, (double[]){!(off_bits >> i & 1)});
    gr_tables_finish(*tables);
    gr_test_ok(gr_run_new(&run, m, *tables, def, &err), &err);
    if (def->train)
        gr_run_zero(run);
    gr_run_forward(run, &b->batch);
    if (def->train) {
        gr_run_backward(run);
        gr_run_reduce(run);
    }
    return run;
}

/* Logits have the same bits; gradients are within the limit, for their sums begin elsewhere. */
static void compare_large(gr_model *whole, gr_run *off, gr_model *less, gr_run *never, bool train, double limit) {
    enum { N = 600, V = 300 };
    int stride[2];
    if (!train) {
        const gr_real *x = gr_run_value(off, gr_model_output(whole, "logits"), &stride[0]);
        const gr_real *y = gr_run_value(never, gr_model_output(less, "logits"), &stride[1]);
        for (int i = 0; i < N; i++)
            assert_memory_equal(x + i * stride[0], y + i * stride[1], V * sizeof(gr_real));
        return;
    }
    for (int p = 0; p < gr_model_params(less); p++) {
        const gr_param_def *d = gr_model_param(less, p);
        double far = gr_test_distance(gr_run_gradient(off, gr_model_find(whole, d->name)), gr_run_gradient(never, p),
                                      (size_t)d->rows * (size_t)d->cols);
        if (!(far < limit))
            fail_msg("the gradient of %s is %g away", d->name, far);
    }
}

/* The same where products are large enough for the library behind them to choose among methods: whichever of the groups
 * are off, those that stay do not notice where in the stream they stand. */
static void check_group_off_large(gr_precision precision, bool stop, bool kinds) {
    enum { K = 4 };
    gr_arch_region all[K] = {{.name = "g", .residual.add = 64, .mlp.add = 96, .heads.add = 2, .stop = stop},
                             {.name = "h", .residual.add = 24, .mlp.add = 40, .heads.add = 1, .stop = stop},
                             {.name = "i", .residual.add = 40, .mlp.add = 64, .heads.add = 1},
                             {.name = "j", .residual.add = 16, .mlp.add = 24, .heads.add = 1}};
    gr_arch_def def = gr_arch_default();
    def.vocab = 300, def.layers = 1;
    def.regions = all, def.region_count = K;
    for (int k = 0; kinds && k < K; k++)
        all[k].group = group_of(k);
    gr_model *whole = build(&def, 1);
    gr_test_batch b = gr_test_batch_new(600, 300, 5);

    for (int off_bits = 1; off_bits < 1 << K; off_bits++) {
        gr_arch_region rest[K];
        def.regions = rest, def.region_count = 0;
        for (int i = 0; i < K; i++)
            if (!(off_bits >> i & 1))
                rest[def.region_count++] = all[i];
        gr_model *less = build(&def, 1);
        for (int train = 0; train < (off_bits == 1 ? 2 : 1); train++) {
            const gr_run_def how = {.positions = 600, .train = train, .precision = precision};
            gr_tables *t[2];
            gr_run *off = large_pass(whole, &t[0], &b, &how, K, off_bits),
                   *never = large_pass(less, &t[1], &b, &how, 0, 0);
            compare_large(whole, off, less, never, train, precision == GR_PRECISION_BF16 ? 0.02 : 1e-5);
            gr_run_free(off);
            gr_run_free(never);
            gr_tables_free(t[0]);
            gr_tables_free(t[1]);
        }
        gr_model_free(less);
    }
    gr_test_batch_free(&b);
    gr_model_free(whole);
}

static void test_group_off_large(void **state) {
    (void)state;
    check_group_off_large(GR_PRECISION_FLOAT32, false, false);
    check_group_off_large(GR_PRECISION_FLOAT32, true, false);
    check_group_off_large(GR_PRECISION_FLOAT32, true, true);
    if (gr_gemm_has_half()) /* else plain loops multiply, which have no methods to choose among and take long */
        check_group_off_large(GR_PRECISION_BF16, false, true);
}

/* A gate on claimed units does what zeroing their outputs does. */
static void test_claims_off(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    gr_arch_region region = {.name = "x", .mlp = {.lo = 3, .hi = 9}, .heads.last = 1};
    def.regions = &region;
    def.region_count = 1;
    gr_model *m = build(&def, 3);
    gr_real *off = logits_without(m, (const char *[]){"x"}, 1), *on = logits_of(m);
    for (int i = 0; i < 2; i++) {
        char name[40];
        snprintf(name, sizeof name, "layers.%d.mlp.down", i);
        memset(gr_model_data(m, gr_model_find(m, name)) + 3 * 16, 0, 6 * 16 * sizeof(gr_real));
        snprintf(name, sizeof name, "layers.%d.attn.out", i);
        memset(gr_model_data(m, gr_model_find(m, name)) + 12 * 16, 0, 4 * 16 * sizeof(gr_real));
    }
    gr_real *zeroed = logits_of(m);
    assert_apart(on, off);
    assert_close(off, zeroed, 1e-6);
    gr_free(on);
    gr_free(off);
    gr_free(zeroed);
    gr_model_free(m);
}

/* ---- MLP ---- */

static double mlp_loss(gr_arch_loss loss, const double *out, const gr_real *want, int target) {
    double sum = 0;
    for (int j = 0; j < 3; j++) {
        double d = out[j] - (double)want[j];
        sum += loss == GR_LOSS_CROSS_ENTROPY ? exp(out[j]) : (loss == GR_LOSS_SQUARED ? d * d : fabs(d)) / 3;
    }
    return loss == GR_LOSS_CROSS_ENTROPY ? log(sum) - out[target] : sum;
}

static void test_mlp(void **state) {
    (void)state;
    for (int loss = 0; loss < 3; loss++) {
        gr_arch_def def = gr_arch_default();
        gr_arch_region region = {.name = "x", .mlp.add = 2, .layers = (int[]){0}, .layer_count = 1};
        def.kind = GR_ARCH_MLP;
        def.sizes = (int[]){4, 5, 6, 3};
        def.size_count = 4;
        def.activation = GR_ACTIVATION_RELU;
        def.bias = true;
        def.loss = (gr_arch_loss)loss;
        def.regions = &region;
        def.region_count = 1;
        gr_model *m = build(&def, 2);
        disturb(m);
        assert_int_equal(gr_model_param(m, gr_model_find(m, "hidden.1"))->cols, 7);
        gr_real x[4] = {0.3, -0.2, 0.9, 0.5}, want[3] = {0.1, 0.7, -0.4};
        double value[4][8] = {{0}};
        const char *names[] = {"hidden.0", "hidden.1", "out"};
        for (int j = 0; j < 4; j++)
            value[0][j] = (double)x[j];
        for (int k = 0; k < 3; k++) {
            gr_param p = gr_model_find(m, names[k]);
            const gr_param_def *d = gr_model_param(m, p);
            char *bias = gr_format("%s.bias", names[k]);
            for (int i = 0; i < d->rows; i++) {
                double sum = (double)gr_model_data(m, gr_model_find(m, bias))[i];
                for (int j = 0; j < d->cols; j++)
                    sum += (double)gr_model_data(m, p)[i * d->cols + j] * value[k][j];
                value[k + 1][i] = k < 2 && sum < 0 ? 0 : sum;
            }
            gr_free(bias);
        }
        gr_run *run;
        gr_error err = {0};
        gr_test_ok(gr_run_new(&run, m, NULL, &(gr_run_def){.positions = 1}, &err), &err);
        double have = gr_run_forward(
            run, &(gr_batch){.positions = 1, .targets = (int32_t[]){2}, .x = {x, want}, .denominator = 1});
        assert_float_equal(have, mlp_loss(def.loss, value[3], want, 2), 1e-5);
        gr_run_free(run);
        gr_model_free(m);
    }
}

/* Twice the numbers of every matrix that a row is multiplied by, counted here by hand. */
static void test_flops(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    enum { D = 16, M = 24, LAYERS = 2, ADD = 4, MORE = 5 };
    double core = 2.0 * (LAYERS * (3 * D * D + D * D + 3 * M * D) + VOCAB * D);
    for (int tied = 0; tied < 2; tied++) {
        def.tied = tied;
        gr_model *m = build(&def, 2);
        assert_true(gr_model_flops(m) == core);
        gr_model_free(m);
    }

    /* A group reads and writes both streams, and has logits of its own. */
    gr_arch_region group = {.name = "g", .residual.add = ADD, .mlp.add = MORE};
    def.regions = &group;
    def.region_count = 1;
    gr_model *m = build(&def, 2);
    assert_true(gr_model_flops(m) == core + 2.0 * (LAYERS * 3 * MORE * (D + ADD) + VOCAB * ADD));
    gr_model_free(m);

    /* An adapter of one map in one layer: what it reads by its rank, and its rank by what it puts out. */
    gr_arch_region adapter = {
        .name = "a", .adapter = {.rank = 3, .maps = 1u << GR_MAP_UP}, .layers = (int[]){1}, .layer_count = 1};
    def.regions = &adapter;
    m = build(&def, 2);
    assert_true(gr_model_flops(m) == core + 2.0 * 3 * (D + M));
    gr_model_free(m);
}

/* Times of operations say which of them multiply by parameters: of a network with experts two do. */
static void test_times(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    def.experts = 2;
    def.top = 1;
    gr_model *model = build(&def, 1);
    gr_error err = {0};
    gr_run *run;
    gr_op_time times[32];
    gr_test_ok(gr_run_new(&run, model, NULL, &(gr_run_def){.positions = ROWS, .time = true}, &err), &err);
    int count = gr_run_times(run, times, 32), products = 0;
    assert_in_range(count, 3, 32);
    for (int i = 0; i < count; i++) {
        const bool linear = !strcmp(times[i].op, "linear") || !strcmp(times[i].op, "expert_linear");
        if (times[i].products != linear)
            fail_msg("%s %s", times[i].op, linear ? "multiplies by parameters" : "has no parameters to multiply by");
        products += times[i].products;
    }
    assert_int_equal(products, 2);
    gr_run_free(run);
    gr_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),      cmocka_unit_test(test_parts),     cmocka_unit_test(test_errors),
        cmocka_unit_test(test_variants),   cmocka_unit_test(test_group_off), cmocka_unit_test(test_group_off_large),
        cmocka_unit_test(test_claims_off), cmocka_unit_test(test_mlp),       cmocka_unit_test(test_flops),
        cmocka_unit_test(test_times),      cmocka_unit_test(test_outline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
