/* Reading text token by token gives what a pass over the whole window gives, for every form of network and profile; the
 * window slides as promised; what was read before a restart leaves no trace. */
#include "gradroute/infer.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "group_helpers.h"
#include "op/op.h"
#include "support.h"

enum { V = 61 };

/* ---- networks ---------------------------------------------------------------------------------------------------- */

static gr_arch_def llama_like(void) {
    gr_arch_def def = gr_arch_default();
    def.vocab = V;
    def.layers = 3;
    def.width = 40;
    def.heads = 4;
    def.mlp = 52;
    def.init_std = 0.2;
    return def;
}

static gr_arch_def gpt2_like(void) {
    gr_arch_def def = llama_like();
    def.norm = GR_NORM_LAYER;
    def.position = GR_POSITION_LEARNED;
    def.context = 24;
    def.activation = GR_ACTIVATION_GELU_TANH;
    def.bias = def.out_bias = def.logit_bias = true;
    def.head_size = 7;
    def.dropout = 0.1;
    return def;
}

/* Two heads of keys with 2 queries each; the region has one more. */
static gr_arch_def shared_keys(void) {
    static const gr_arch_region regions[] = {{.name = "one", .heads.add = 1, .mlp.add = 5}};
    gr_arch_def def = llama_like();
    def.kv_heads = 2;
    def.init_std = 0.15; /* milder scores, which is what the bound for bfloat16 is about */
    def.regions = regions;
    def.region_count = 1;
    return def;
}

/* GPT-Neo's: every second layer sees 5 positions, scores are not scaled. */
static gr_arch_def local(void) {
    static const int windows[] = {0, 5};
    gr_arch_def def = gpt2_like();
    def.windows = windows;
    def.window_count = 2;
    def.attention_scale = 1;
    return def;
}

/* A part of each head turns, as halves; keys are shared and out of sight after 7 positions. */
static gr_arch_def halves(void) {
    static const int windows[] = {7};
    gr_arch_def def = shared_keys();
    def.rotary_size = 6;
    def.rotary_halves = true;
    def.windows = windows;
    def.window_count = 1;
    return def;
}

static gr_arch_def part(void) {
    gr_arch_def def = llama_like();
    def.rotary_size = 4;
    return def;
}

static gr_arch_def styled(const char *style) {
    gr_arch_def def = llama_like();
    def.context = 24;
    gr_arch_style(&def, style);
    def.no_gain = true;
    return def;
}

static gr_arch_def neo(void) { return styled("gptneo"); }
static gr_arch_def nano(void) { return styled("nanogpt"); }
static gr_arch_def qwen(void) { return styled("qwen2"); }

/* Residual groups with units of their own, one of them in some layers only; an L1 penalty, untied. */
static gr_arch_def with_groups(void) {
    static const int layers[] = {0, 2};
    static const gr_arch_region regions[] = {
        {.name = "one", .residual.add = 8, .mlp.add = 12, .heads.add = 1},
        {.name = "two", .residual.add = 6, .mlp.add = 5, .layers = layers, .layer_count = 2},
    };
    gr_arch_def def = llama_like();
    def.tied = false;
    def.l1 = 0.01;
    def.regions = regions;
    def.region_count = 2;
    return def;
}

/* Norms apart, and groups that write their own dimensions alone. */
static gr_arch_def with_groups_apart(void) {
    static gr_arch_region regions[3];
    gr_arch_def def = with_groups();
    regions[0] = def.regions[0], regions[1] = def.regions[1];
    regions[2] = (gr_arch_region){.name = "three", .residual.add = 4, .heads.add = 1, .group = group_of(OWN)};
    regions[0].group = group_of(APART + OWN), regions[1].group = group_of(APART);
    def.regions = regions;
    def.region_count = 3;
    return def;
}

static gr_arch_def with_layer_norm(void) {
    static const gr_arch_region regions[] = {
        {.name = "one", .residual.add = 8, .mlp.add = 12, .group = {GR_GROUP_NORM_APART, GR_GROUP_WRITES_OWN}},
        {.name = "two", .residual.add = 6, .heads.add = 1, .group = {GR_GROUP_NORM_APART, GR_GROUP_WRITES_BOTH}}};
    gr_arch_def def = gpt2_like();
    def.regions = regions;
    def.region_count = 2;
    return def;
}

static gr_arch_def with_claims(void) {
    static const gr_arch_region regions[] = {{.name = "one", .heads.last = 2, .mlp.last = 20},
                                             {.name = "two", .residual = {.lo = 32, .hi = 40}}};
    gr_arch_def def = llama_like();
    def.regions = regions;
    def.region_count = 2;
    return def;
}

/* A layer owned whole, with biases, and a learned strength. */
static gr_arch_def with_layers(void) {
    static const int middle[] = {1}, others[] = {0, 2};
    static const gr_arch_region regions[] = {
        {.name = "one", .whole = middle, .whole_count = 1, .strength = GR_STRENGTH_SIGMOID},
        {.name = "two", .mlp.add = 7, .layers = others, .layer_count = 2, .strength = GR_STRENGTH_LEARNED}};
    gr_arch_def def = llama_like();
    def.out_bias = true;
    def.regions = regions;
    def.region_count = 2;
    return def;
}

static gr_arch_def with_adapters(void) {
    static const gr_arch_region regions[] = {
        {.name = "one", .adapter = {.rank = 3, .scale = 0.5, .dropout = 0.2, .maps = (1u << GR_MAPS) - 1}},
        {.name = "two", .adapter = {.rank = 5}}};
    gr_arch_def def = llama_like();
    def.regions = regions;
    def.region_count = 2;
    return def;
}

static gr_arch_def with_experts(void) {
    static const gr_arch_region regions[] = {{.name = "one", .experts = {.lo = 1, .hi = 2}},
                                             {.name = "two", .experts.add = 1}};
    gr_arch_def def = llama_like();
    def.experts = 3;
    def.top = 2;
    def.balance = 0.1;
    def.mlp = 12;
    def.regions = regions;
    def.region_count = 2;
    return def;
}

/* Products that threads share. */
static gr_arch_def wide(void) {
    gr_arch_def def = with_groups();
    def.width = 304;
    def.mlp = 200;
    def.init_std = 0.08;
    return def;
}

static gr_arch_def (*const networks[])(void) = {llama_like,
                                                gpt2_like,
                                                shared_keys,
                                                neo,
                                                nano,
                                                qwen,
                                                local,
                                                halves,
                                                part,
                                                with_groups,
                                                with_claims,
                                                with_layers,
                                                with_groups_apart,
                                                with_layer_norm,
                                                with_adapters,
                                                with_experts,
                                                wide};

/* Every number of the parameters is drawn anew, so that biases and gains count too. */
static gr_model *model_of(gr_arch_def def, uint64_t seed) {
    gr_model *m;
    gr_error err = {0};
    gr_test_ok(gr_arch_build(&m, &def, seed, &err), &err);
    for (int p = 0; p < gr_model_params(m); p++) {
        const gr_param_def *d = gr_model_param(m, p);
        gr_real *w = gr_model_data(m, p);
        for (int i = 0; d->init != GR_INIT_NORMAL && i < d->rows * d->cols; i++)
            w[i] += (gr_real)(0.3 * gr_random_normal((gr_key){seed, GR_STREAM_TEST, (uint32_t)p}, (uint64_t)i, 0));
    }
    return m;
}

/* Bits of `off`: regions that are switched off. NULL: the model as it is. */
static gr_tables *profile(gr_model *m, int off) {
    if (!off)
        return NULL;
    gr_tables *t = gr_tables_new(m, 1);
    for (int r = 0; r < gr_model_regions(m); r++)
        if (off >> r & 1)
            gr_tables_gate(t, r, (double[]){0});
    gr_tables_finish(t);
    return t;
}

static void tokens(int32_t *ids, int n, uint64_t seed) {
    for (int i = 0; i < n; i++)
        ids[i] = (int32_t)(gr_random_bits((gr_key){seed, GR_STREAM_TEST, 99}, (uint64_t)i, 0) % V);
}

/* ---- the slow way ------------------------------------------------------------------------------------------------ */

typedef struct slow {
    gr_model *m;
    gr_run *run;
} slow;

static slow slow_new(gr_model *m, const gr_tables *t, int rows) {
    slow s = {.m = m};
    gr_error err = {0};
    gr_test_ok(gr_run_new(&s.run, m, t, &(gr_run_def){.positions = rows, .precision = GR_PRECISION_FLOAT32}, &err),
               &err);
    return s;
}

/* Logits of the last row of a pass over ids[n]. */
static const gr_real *slow_logits(const slow *s, const int32_t *ids, int n) {
    int stride;
    gr_run_forward(s->run, &(gr_batch){.positions = n, .ids = ids, .denominator = 1});
    return gr_run_value(s->run, gr_model_output(s->m, "logits"), &stride) + (size_t)(n - 1) * (size_t)stride;
}

static gr_decoder *decoder_new(gr_model *m, const gr_tables *t, int context, gr_precision precision) {
    gr_decoder *d;
    gr_error err = {0};
    gr_test_ok(gr_decoder_new(&d, m, t, &(gr_decoder_def){.context = context, .precision = precision}, &err), &err);
    return d;
}

static const gr_real *next(gr_decoder *d, const int32_t *ids, int count) {
    const gr_real *logits;
    gr_error err = {0};
    gr_test_ok(gr_decoder_read(d, &logits, ids, count, &err), &err);
    return logits;
}

static void same(const gr_real *a, const gr_real *b, double most, const char *what, int at) {
    double d = gr_test_distance(a, b, V);
    if (!(d <= most))
        fail_msg("%s: logits after %d tokens differ by %g", what, at, d);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void check_whole_passes(uint64_t first, uint64_t last) {
    enum { N = 24 };
    const int prompts[] = {1, 2, 9, N};
    for (uint64_t seed = first; seed <= last; seed++)
        for (size_t k = 0; k < sizeof networks / sizeof *networks; k++)
            for (int off = 0; off < 4; off++) {
                gr_model *m = model_of(networks[k](), seed);
                if (off >> gr_model_regions(m)) {
                    gr_model_free(m);
                    continue;
                }
                gr_tables *t = profile(m, off);
                slow s = slow_new(m, t, N);
                gr_decoder *d = decoder_new(m, t, N, GR_PRECISION_FLOAT32);
                gr_decoder *half = decoder_new(m, t, N, GR_PRECISION_BF16);
                int32_t ids[N];
                tokens(ids, N, seed);
                int prompt = prompts[(seed + k + (size_t)off) % 4];
                for (int n = prompt; n <= N; n++) {
                    int from = n == prompt ? 0 : n - 1;
                    const gr_real *want = slow_logits(&s, ids, n);
                    same(next(d, ids + from, n - from), want, 1e-5, "float32", n);
                    /* a row near a tie may choose another expert */
                    same(next(half, ids + from, n - from), want, networks[k] == with_experts ? 0.5 : 0.06, "bf16", n);
                    assert_int_equal(gr_decoder_count(d), n);
                }
                gr_decoder_restart(d);
                same(next(d, ids, 3), slow_logits(&s, ids, 3), 1e-5, "again", 3);
                same(next(d, ids + 3, 4), slow_logits(&s, ids, 7), 1e-5, "several", 7);
                gr_decoder_free(d);
                gr_decoder_free(half);
                gr_run_free(s.run);
                gr_tables_free(t);
                gr_model_free(m);
            }
}

static void equals_whole_passes(void **state) {
    (void)state;
    check_whole_passes(1, 1);
}

static void equals_whole_passes_large(void **state) {
    (void)state;
    check_whole_passes(2, 3);
}

/* A product whose terms begin at different columns of the result and of one parameter, in parts and whole. */
static void sums_of_products(void **state) {
    (void)state;
    enum { W = 200 };
    gr_graph *g = gr_graph_new();
    gr_param_def normal = {"embed", V, W, GR_KIND_EMBEDDING, GR_INIT_NORMAL, 1, false};
    gr_value x = gr_embedding(g, gr_graph_param(g, &normal));
    normal.name = "u";
    normal.rows = W;
    gr_param u = gr_graph_param(g, &normal);
    normal.name = "v";
    normal.rows = V - 9;
    normal.cols = W + 3;
    gr_param v = gr_graph_param(g, &normal);
    const gr_term terms[] = {{.x = x, .w = u, .transposed = true, .hi = 30},
                             {.x = x, .w = v, .lo = 2, .hi = W + 2, .at = 9},
                             {.x = x, .w = u, .transposed = true, .lo = W - 25, .at = 17}};
    gr_graph_output(g, "logits", gr_linear(g, 3, terms, GR_NONE, GR_NONE));
    gr_model *m;
    gr_error err = {0};
    gr_test_ok(gr_model_new(&m, g, 1, &err), &err);
    slow s = slow_new(m, NULL, 1);
    for (int half = 0; half < 2; half++) {
        gr_decoder *d = decoder_new(m, NULL, 3, half ? GR_PRECISION_BF16 : GR_PRECISION_FLOAT32);
        for (int32_t id = 0; id < 3; id++)
            same(next(d, &id, 1), slow_logits(&s, &id, 1), half ? 0.01 : 1e-5, "terms", id);
        gr_decoder_free(d);
    }
    gr_run_free(s.run);
    gr_model_free(m);
}

/* A prompt of several blocks: only the last block's logits are computed, everything before them in full. */
static void long_prompts(void **state) {
    (void)state;
    enum { N = GR_BLOCK + 90 };
    gr_model *m = model_of(with_groups(), 5);
    slow s = slow_new(m, NULL, N + 2);
    gr_decoder *d = decoder_new(m, NULL, N + 2, GR_PRECISION_FLOAT32);
    int32_t ids[N + 2];
    tokens(ids, N + 2, 5);
    same(next(d, ids, N), slow_logits(&s, ids, N), 1e-5, "prompt", N);
    same(next(d, ids + N, 1), slow_logits(&s, ids, N + 1), 1e-5, "step", N + 1);
    same(next(d, ids + N + 1, 1), slow_logits(&s, ids, N + 2), 1e-5, "step", N + 2);
    gr_decoder_free(d);
    gr_run_free(s.run);
    gr_model_free(m);
}

/* Context 8: the ninth token leaves the last 6, then the window grows again. */
static void window_slides(void **state) {
    (void)state;
    enum { N = 40 };
    gr_model *m = model_of(llama_like(), 7);
    slow s = slow_new(m, NULL, 8);
    int32_t ids[N];
    tokens(ids, N, 7);
    gr_decoder *d = decoder_new(m, NULL, 8, GR_PRECISION_FLOAT32);
    for (int n = 1, rows = 1; n <= N; n++, rows = rows < 8 ? rows + 1 : 6) {
        same(next(d, ids + n - 1, 1), slow_logits(&s, ids + n - rows, rows), 1e-5, "slid", n);
        assert_int_equal(gr_decoder_count(d), rows);
    }
    gr_decoder_restart(d);
    next(d, ids, 7);
    same(next(d, ids + 7, 3), slow_logits(&s, ids + 4, 6), 1e-5, "three at once", 10);
    same(next(d, ids + 10, 7), slow_logits(&s, ids + 10, 7), 1e-5, "most of it at once", 17);
    same(next(d, ids + 17, 20), slow_logits(&s, ids + 29, 8), 1e-5, "more than fits", 37);
    same(next(d, ids + 37, 1), slow_logits(&s, ids + 32, 6), 1e-5, "behind it", 38);
    gr_decoder_free(d);
    for (int context = 1; context < 5; context++) { /* the smallest windows: 1; 1, 2; 2, 3; 3, 4 */
        d = decoder_new(m, NULL, context, GR_PRECISION_FLOAT32);
        for (int n = 1, rows = 1; n <= 12; n++) {
            same(next(d, ids + n - 1, 1), slow_logits(&s, ids + n - rows, rows), 1e-5, "small", n);
            rows = rows < context ? rows + 1 : context > 1 ? context - 1 : 1;
        }
        gr_decoder_free(d);
    }
    gr_run_free(s.run);
    gr_model_free(m);
}

/* The bits of a text's logits do not depend on the texts before it, whatever their lengths. */
static void restarts_leave_no_trace(void **state) {
    (void)state;
    enum { N = 200 };
    static const int lengths[] = {3, N, 70, 1, 3, 65, 2, N - 1, 9};
    gr_model *m = model_of(wide(), 13);
    int32_t ids[N];
    tokens(ids, N, 13);
    gr_decoder *used = decoder_new(m, NULL, N, GR_PRECISION_FLOAT32);
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        gr_decoder *fresh = decoder_new(m, NULL, N, GR_PRECISION_FLOAT32);
        gr_decoder_restart(used);
        assert_memory_equal(next(used, ids, lengths[k]), next(fresh, ids, lengths[k]), V * sizeof(gr_real));
        for (int i = lengths[k]; i < lengths[k] + 3 && i < N; i++)
            assert_memory_equal(next(used, ids + i, 1), next(fresh, ids + i, 1), V * sizeof(gr_real));
        gr_decoder_free(fresh);
    }
    gr_decoder_free(used);
    gr_model_free(m);
}

/* What is off is not read: its parameters may hold anything. */
static void off_is_skipped(void **state) {
    (void)state;
    enum { N = 12 };
    gr_model *m = model_of(with_groups(), 9);
    gr_tables *t = profile(m, 3);
    int32_t ids[N];
    tokens(ids, N, 9);
    gr_real before[2][V];
    for (int pass = 0; pass < 2; pass++) {
        for (int k = 0; k < 2; k++) {
            gr_decoder *d = decoder_new(m, t, N, k ? GR_PRECISION_BF16 : GR_PRECISION_FLOAT32);
            next(d, ids, 5);
            const gr_real *logits = NULL;
            for (int i = 5; i < N; i++)
                logits = next(d, ids + i, 1);
            if (pass)
                assert_memory_equal(logits, before[k], sizeof before[k]);
            memcpy(before[k], logits, sizeof before[k]);
            gr_decoder_free(d);
        }
        for (int r = 0; r < gr_model_regions(m); r++) {
            const gr_region *region = gr_model_region(m, r);
            for (int i = 0; i < region->rects; i++) {
                const gr_rect *p = &region->rect[i];
                gr_real *w = gr_model_data(m, p->param);
                for (int a = p->lo0; a < p->hi0; a++)
                    for (int b = p->lo1; b < p->hi1; b++)
                        w[(size_t)a * (size_t)gr_model_param(m, p->param)->cols + (size_t)b] = (gr_real)NAN;
            }
        }
    }
    gr_tables_free(t);
    gr_model_free(m);
}

static void greedy_text_is_the_old_one(void **state) {
    (void)state;
    enum { N = 40 };
    for (uint64_t seed = 1; seed <= 6; seed++) {
        gr_model *m = model_of(networks[seed % 2 * 2](), seed);
        slow s = slow_new(m, NULL, N + 3);
        gr_generate_def def = gr_generate_default();
        def.precision = GR_PRECISION_FLOAT32;
        int32_t ids[N + 3], out[N];
        int count;
        tokens(ids, 3, seed);
        gr_error err = {0};
        gr_test_ok(gr_generate(m, NULL, out, &count, ids, 3, &def, &err), &err);
        assert_int_equal(count, N);
        for (int i = 0; i < N; i++) {
            const gr_real *logits = slow_logits(&s, ids, 3 + i);
            int best = 0;
            for (int v = 1; v < V; v++)
                best = logits[v] > logits[best] ? v : best;
            assert_int_equal(out[i], best);
            ids[3 + i] = best;
        }
        gr_run_free(s.run);
        gr_model_free(m);
    }
}

/* ---- mistakes ---------------------------------------------------------------------------------------------------- */

static void refuses(void **state) {
    (void)state;
    gr_model *m = model_of(llama_like(), 1);
    gr_decoder *d;
    gr_error err = {0};
    assert_int_equal(gr_decoder_new(&d, m, NULL, &(gr_decoder_def){.context = 0}, &err), GR_ERR_USAGE);
    assert_null(d);
    d = decoder_new(m, NULL, 4, GR_PRECISION_MODEL);
    const gr_real *logits;
    int32_t ids[] = {1, 2, V, -1};
    next(d, ids, 2);
    err = (gr_error){0};
    assert_int_equal(gr_decoder_read(d, &logits, ids, 0, &err), GR_ERR_USAGE);
    err = (gr_error){0};
    assert_int_equal(gr_decoder_read(d, &logits, ids, 3, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "outside the vocabulary"));
    err = (gr_error){0};
    assert_int_equal(gr_decoder_read(d, &logits, ids + 3, 1, &err), GR_ERR_USAGE);
    assert_int_equal(gr_decoder_count(d), 2);
    gr_decoder_free(d);
    gr_decoder_free(NULL);
    gr_model_free(m);

    gr_arch_def mlp = gr_arch_default();
    mlp.kind = GR_ARCH_MLP;
    mlp.activation = GR_ACTIVATION_RELU;
    mlp.sizes = (const int[]){3, 5, 4};
    mlp.size_count = 3;
    err = (gr_error){0};
    gr_test_ok(gr_arch_build(&m, &mlp, 1, &err), &err);
    assert_int_equal(gr_decoder_new(&d, m, NULL, &(gr_decoder_def){.context = 4}, &err), GR_ERR_USAGE);
    gr_model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_whole_passes),
        cmocka_unit_test(equals_whole_passes_large),
        cmocka_unit_test(sums_of_products),
        cmocka_unit_test(long_prompts),
        cmocka_unit_test(window_slides),
        cmocka_unit_test(restarts_leave_no_trace),
        cmocka_unit_test(off_is_skipped),
        cmocka_unit_test(greedy_text_is_the_old_one),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
