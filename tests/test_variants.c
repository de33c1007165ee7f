/* Variants of attention in whole networks: each is a plain network whose parameters were moved or repeated. */
#include "arch_helpers.h"

/* ---- shared keys ---- */

/* rows[] of one parameter take rows of the other's. */
static void copy_rows(gr_model *to, gr_model *from, const char *name, const int *rows) {
    gr_param p = gr_model_find(to, name), q = gr_model_find(from, name);
    const gr_param_def *def = gr_model_param(to, p);
    const size_t cols = (size_t)def->cols;
    assert_int_equal(cols, gr_model_param(from, q)->cols);
    for (int i = 0; i < def->rows; i++)
        memcpy(gr_model_data(to, p) + (size_t)i * cols, gr_model_data(from, q) + (size_t)rows[i] * cols,
               cols * sizeof(gr_real));
}

/* Two heads of keys with two queries each are four heads, of which two and two have the same k and v. */
static void shared_keys_are_repeated_keys(void **state) {
    (void)state;
    enum { HEADS = 4, SHARE = 2, SIZE = 4 };
    gr_arch_def def = small_def(), grouped = def;
    grouped.kv_heads = HEADS / SHARE;
    gr_model *few = build(&grouped, 3), *all = build(&def, 3);
    int rows[HEADS * 3 * SIZE];
    for (int h = 0; h < HEADS; h++)
        for (int part = 0; part < 3; part++)
            for (int i = 0; i < SIZE; i++)
                rows[(3 * h + part) * SIZE + i] =
                    (h / SHARE * (SHARE + 2) + (part ? SHARE + part - 1 : h % SHARE)) * SIZE + i;
    copy_rows(all, few, "layers.0.attn.qkv", rows);
    copy_rows(all, few, "layers.1.attn.qkv", rows);
    gr_real *a = logits_of(few), *b = logits_of(all);
    assert_close(a, b, 1e-6);
    gr_free(a);
    gr_free(b);
    gr_model_free(few);
    gr_model_free(all);
}

static void shared_keys_have_sizes(void **state) {
    (void)state;
    gr_arch_region regions[] = {{.name = "x", .heads.add = 1, .mlp.add = 8},
                                {.name = "y", .heads = {.lo = 1, .hi = 2}}};
    gr_arch_def def = small_def();
    def.kv_heads = 2;
    def.regions = regions;
    def.region_count = 2;
    gr_model *m = build(&def, 1);
    const gr_param_def *qkv = gr_model_param(m, gr_model_find(m, "layers.1.attn.qkv"));
    const gr_param_def *out = gr_model_param(m, gr_model_find(m, "layers.1.attn.out"));
    assert_int_equal(qkv->rows, 3 * 4 * 4); /* 2 groups and the added one, each 2 queries, k and v of 4 */
    assert_int_equal(out->rows, 3 * 2 * 4);
    const size_t group = (4 * 4 + 2 * 4) * 16; /* numbers of a group in a layer */
    assert_int_equal(gr_region_size(gr_model_region(m, 0)), 2 * (group + 3 * 8 * 16));
    assert_int_equal(gr_region_size(gr_model_region(m, 1)), 2 * group);
    size_t core, own[2];
    gr_error err = {0};
    gr_test_ok(gr_arch_parameters(&def, &core, own, &err), &err);
    assert_int_equal(core + own[0] + own[1], gr_model_size(m));
    gr_model_free(m);
}

static void shared_keys_refuse(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    def.kv_heads = 3;
    expect_error(&def, "kv_heads 3 does not divide heads 4");
    def.kv_heads = 5;
    expect_error(&def, "kv_heads is 5, expected 0 to 4");
    def.kv_heads = -1;
    expect_error(&def, "kv_heads is -1");
    def.kv_heads = 2;
    def.layer_heads = (int[]){4, 3};
    expect_error(&def, "the 3 heads of layer 1");
    gr_arch_region region = {.name = "x", .heads.last = 3};
    def = small_def();
    def.kv_heads = 2;
    def.regions = &region;
    def.region_count = 1;
    expect_error(&def, "takes the last 3 heads of a layer with 2");
}

/* ---- windows and rotation ---- */

/* A window as long as the documents is none; a shorter one is another network. */
static void windows_cut(void **state) {
    (void)state;
    gr_arch_def def = small_def(), wide = def, narrow = def, second = def;
    wide.windows = (int[]){ROWS};
    narrow.windows = (int[]){2};
    second.windows = (int[]){0, 2};
    wide.window_count = narrow.window_count = 1;
    second.window_count = 2;
    gr_model *m[] = {build(&def, 3), build(&wide, 3), build(&narrow, 3), build(&second, 3)};
    gr_real *v[4];
    for (int i = 0; i < 4; i++)
        v[i] = logits_of(m[i]);
    assert_same_bits(v[0], v[1]);
    assert_apart(v[0], v[2]);
    assert_apart(v[0], v[3]);
    assert_apart(v[2], v[3]);
    for (int i = 0; i < 4; i++) {
        gr_free(v[i]);
        gr_model_free(m[i]);
    }
}

/* Halves are neighbours in another order of the rows of q and k. */
static void halves_are_neighbours_apart(void **state) {
    (void)state;
    enum { HEADS = 4, SIZE = 4 };
    for (int turns = 2; turns <= SIZE; turns += 2) {
        gr_arch_def def = small_def(), other = def;
        def.rotary_size = other.rotary_size = turns;
        other.rotary_halves = true;
        gr_model *near = build(&def, 3), *apart = build(&other, 3);
        int rows[HEADS * 3 * SIZE];
        for (int i = 0; i < HEADS * 3 * SIZE; i++) {
            int part = i / SIZE % 3, at = i % SIZE;
            bool turned = part < 2 && at < turns;
            rows[i] = turned ? i - at + at % (turns / 2) * 2 + at / (turns / 2) : i;
        }
        copy_rows(apart, near, "layers.0.attn.qkv", rows);
        copy_rows(apart, near, "layers.1.attn.qkv", rows);
        gr_real *a = logits_of(near), *b = logits_of(apart);
        assert_close(a, b, 1e-6);
        gr_free(a);
        gr_free(b);
        gr_model_free(near);
        gr_model_free(apart);
    }
}

/* A scale is a factor of the rows of q. */
static void scale_is_a_factor(void **state) {
    (void)state;
    enum { SIZE = 4 };
    gr_arch_def def = small_def(), other = def;
    other.attention_scale = 1;
    gr_model *usual = build(&def, 3), *bare = build(&other, 3);
    gr_real *a = logits_of(usual), *b = logits_of(bare);
    assert_apart(a, b);
    gr_free(b);
    for (int layer = 0; layer < 2; layer++) {
        gr_real *w = gr_model_data(bare, gr_model_find(bare, layer ? "layers.1.attn.qkv" : "layers.0.attn.qkv"));
        for (int i = 0; i < 3 * 16 * 16; i++)
            w[i] *= i / 16 / SIZE % 3 ? 1 : (gr_real)0.5; /* 1/sqrt(4) */
    }
    b = logits_of(bare);
    assert_close(a, b, 1e-6);
    gr_free(a);
    gr_free(b);
    gr_model_free(usual);
    gr_model_free(bare);
}

static void attention_refuses(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    def.rotary_size = 3;
    expect_error(&def, "rotary_size is 3, expected an even number from 2 to 4");
    def.rotary_size = 6;
    expect_error(&def, "rotary_size is 6");
    def.rotary_size = -2;
    expect_error(&def, "rotary_size is -2");
    def = small_def();
    def.head_size = 5;
    expect_error(&def, "even head size");
    def.rotary_size = 4;
    expect_error(&def, "even head size");
    def.rotary_halves = true;
    gr_error err = {0};
    gr_test_ok(gr_arch_check(&def, &err), &err);
    def = small_def();
    def.windows = (int[]){4, -1};
    def.window_count = 2;
    expect_error(&def, "a window (0: all positions) is -1");
    def.window_count = 0;
    def.attention_scale = -1;
    expect_error(&def, "attention_scale is -1");
    def.attention_scale = NAN;
    expect_error(&def, "attention_scale is");
}

/* ---- norms, biases, initial values ---- */

static void gains_can_be_left_out(void **state) {
    (void)state;
    for (int layer = 0; layer < 2; layer++) {
        gr_arch_def def = small_def(), bare = def;
        def.norm = bare.norm = layer ? GR_NORM_LAYER : GR_NORM_RMS;
        bare.no_gain = true;
        gr_model *m[] = {build(&def, 3), build(&bare, 3)};
        assert_int_equal(gr_model_size(m[0]) - gr_model_size(m[1]), (layer + 1) * 5 * 16);
        assert_int_equal(gr_model_find(m[1], "norm"), GR_NONE);
        gr_real *a = logits_of(m[0]), *b = logits_of(m[1]); /* gains are 1, shifts 0 */
        assert_close(a, b, 1e-6);
        gr_free(a);
        gr_free(b);
        gr_model_free(m[0]);
        gr_model_free(m[1]);
    }
}

static bool has(const gr_arch_def *def, const char *name) {
    gr_model *m = build(def, 1);
    bool found = gr_model_find(m, name) != GR_NONE;
    gr_model_free(m);
    return found;
}

static void biases_of_qkv_are_apart(void **state) {
    (void)state;
    for (int bias = 0; bias < 2; bias++)
        for (int qkv = 0; qkv < 3; qkv++) {
            gr_arch_def def = small_def();
            def.bias = bias;
            def.qkv_bias = (gr_qkv_bias)qkv;
            assert_int_equal(has(&def, "layers.0.attn.qkv.bias"),
                             qkv == GR_QKV_AS_BIAS ? bias : qkv == GR_QKV_WITH_BIAS);
            assert_int_equal(has(&def, "layers.0.attn.out.bias"), bias);
            assert_int_equal(has(&def, "layers.1.mlp.up.bias"), bias);
        }
}

/* Standard deviation of a parameter, and its largest number. */
static double spread(gr_model *m, const char *name, double *largest) {
    gr_param p = gr_model_find(m, name);
    assert_int_not_equal(p, GR_NONE);
    const int n = gr_model_param(m, p)->rows * gr_model_param(m, p)->cols;
    double sum = 0, squares = 0;
    *largest = 0;
    for (int i = 0; i < n; i++) {
        double w = (double)gr_model_data(m, p)[i];
        sum += w;
        squares += w * w;
        *largest = fmax(*largest, fabs(w));
    }
    return sqrt(squares / n - sum / n * sum / n);
}

static void expect_spread(gr_model *m, const char *name, double want) {
    double largest, have = spread(m, name, &largest);
    if (!(fabs(have / want - 1) < 0.05))
        fail_msg("%s has a spread of %g, expected %g", name, have, want);
}

static void initial_values_have_styles(void **state) {
    (void)state;
    gr_arch_def def = gr_arch_default();
    def.vocab = 300;
    def.tied = false;
    def.position = GR_POSITION_LEARNED;
    static const char *const flat[] = {"embed", "position", "unembed", "layers.0.attn.qkv", "layers.3.mlp.up"};
    static const char *const writes[] = {"layers.0.attn.out", "layers.3.mlp.down"};
    for (int style = 0; style < 3; style++) {
        def.init = style ? GR_ARCH_INIT_FLAT : GR_ARCH_INIT_SCALED;
        def.init_std = style == 2 ? 0.1 : 0;
        const double std = style == 2 ? 0.1 : style ? 0.8 / sqrt(192) : 0.02;
        gr_model *m = build(&def, 5);
        for (int i = 0; i < 5; i++)
            expect_spread(m, flat[i], std);
        for (int i = 0; i < 2; i++)
            expect_spread(m, writes[i], style ? std : std / sqrt(8));
        gr_model_free(m);
    }
    def.init = GR_ARCH_INIT_UNIFORM;
    expect_error(&def, "'uniform' are for mlp");
}

static void uniform_values_have_bounds(void **state) {
    (void)state;
    gr_arch_def def = gr_arch_default();
    def.kind = GR_ARCH_MLP;
    def.activation = GR_ACTIVATION_RELU;
    def.bias = true;
    def.init = GR_ARCH_INIT_UNIFORM;
    def.sizes = (int[]){50, 400, 200};
    def.size_count = 3;
    const struct {
        const char *name;
        double inputs;
    } list[] = {{"hidden.0", 50}, {"hidden.0.bias", 50}, {"out", 400}, {"out.bias", 400}};
    gr_model *m = build(&def, 5);
    for (int i = 0; i < 4; i++) {
        double largest, bound = 1 / sqrt(list[i].inputs), have = spread(m, list[i].name, &largest);
        assert_true(largest <= bound * (1 + 1e-6) && largest > 0.97 * bound);
        assert_true(fabs(have * sqrt(3) / bound - 1) < 0.1);
    }
    gr_model_free(m);
    def.init_std = 0.1;
    expect_error(&def, "'uniform' with init_std 0.1");
    def.init_std = 0;
    def.init = GR_ARCH_INIT_FLAT;
    expect_error(&def, "'flat'");
}

static void positions_have_room(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    def.position = GR_POSITION_LEARNED;
    def.positions = 40;
    gr_model *m = build(&def, 1);
    assert_int_equal(gr_model_param(m, gr_model_find(m, "position"))->rows, 40);
    gr_model_free(m);
    def.positions = 31;
    expect_error(&def, "31 positions for rows of 32");
    def.positions = 40;
    def.position = GR_POSITION_ROTARY;
    expect_error(&def, "rotary");
}

/* ---- published networks: parameter counts of docs/architectures.md, without building them ---- */

static void expect_count(const gr_arch_def *def, size_t want) {
    size_t core;
    gr_error err = {0};
    gr_test_ok(gr_arch_parameters(def, &core, NULL, &err), &err);
    assert_int_equal(core, want);
}

static gr_arch_def sized(int vocab, int context, int layers, int width, int heads, int mlp, const char *style) {
    gr_arch_def def = gr_arch_default();
    def.vocab = vocab;
    def.context = context;
    def.layers = layers;
    def.width = width;
    def.heads = heads;
    def.mlp = mlp;
    assert_true(gr_arch_style(&def, style));
    return def;
}

static void published_networks_have_their_size(void **state) {
    (void)state;
    gr_arch_def stories = sized(50257, 256, 8, 512, 16, 2048, "gptneo");
    stories.positions = 2048;
    expect_count(&stories, 77769809);
    stories.qkv_bias = GR_QKV_AS_BIAS;
    expect_count(&stories, 77782097);
    stories.qkv_bias = GR_QKV_WITHOUT_BIAS;
    stories.tied = true;
    stories.logit_bias = false;
    expect_count(&stories, 51987968);
    gr_arch_def steering = sized(50304, 1024, 20, 1024, 16, 4096, "nanogpt");
    expect_count(&steering, 303395840);
    assert_int_equal(steering.rotary_size, 32);
    gr_arch_def virology = sized(151936, 1024, 20, 1536, 12, 6144, "nanogpt");
    virology.kv_heads = 2;
    expect_count(&virology, 721249792);
    gr_arch_def gpt2 = sized(50257, 1024, 12, 768, 12, 3072, "gpt2");
    expect_count(&gpt2, 124439808);
    gr_arch_def tiny = sized(512, 512, 5, 64, 8, 172, "llama");
    tiny.kv_heads = 4;
    expect_count(&tiny, 260032);
    gr_arch_def qwen2 = sized(151936, 32768, 24, 896, 14, 4864, "qwen2");
    qwen2.kv_heads = 2;
    expect_count(&qwen2, 494032768);
    qwen2 = sized(151936, 32768, 28, 1536, 12, 8960, "qwen2");
    qwen2.kv_heads = 2;
    expect_count(&qwen2, 1543714304);
    assert_false(gr_arch_style(&tiny, "mlp"));
}

/* What each style sets, as docs/architectures.md has it. */
static void styles_are_what_they_say(void **state) {
    (void)state;
    gr_arch_def llama = small_def(), gpt2 = llama, gptneo = llama, nanogpt = llama, qwen2 = llama;
    assert_true(gr_arch_style(&llama, "llama") && gr_arch_style(&gpt2, "gpt2") && gr_arch_style(&gptneo, "gptneo"));
    assert_true(gr_arch_style(&nanogpt, "nanogpt") && gr_arch_style(&qwen2, "qwen2"));
    assert_true(llama.norm == GR_NORM_RMS && llama.activation == GR_ACTIVATION_SWIGLU && !llama.bias && llama.tied);
    assert_true(gpt2.norm == GR_NORM_LAYER && gpt2.position == GR_POSITION_LEARNED && gpt2.bias && gpt2.tied);
    assert_true(gpt2.activation == GR_ACTIVATION_GELU_TANH && gpt2.attention_scale == 0 && !gpt2.window_count);
    assert_true(gptneo.norm == GR_NORM_LAYER && gptneo.attention_scale == 1 && gptneo.logit_bias && !gptneo.tied);
    assert_true(gptneo.window_count == 2 && gptneo.windows[0] == 0 && gptneo.windows[1] == 256);
    assert_true(gptneo.qkv_bias == GR_QKV_WITHOUT_BIAS && gptneo.init == GR_ARCH_INIT_FLAT);
    assert_true(nanogpt.rotary_size == 2 && nanogpt.activation == GR_ACTIVATION_GELU && nanogpt.eps == 1e-6);
    assert_true(qwen2.rotary_base == 1e6 && qwen2.rotary_halves && qwen2.qkv_bias == GR_QKV_WITH_BIAS && !qwen2.bias);
}

/* Recipes name a network by its style, or by its kind where there are no styles of it. */
static void words_name_networks(void **state) {
    (void)state;
    static const char *const first[] = {"llama", "gpt2", "gptneo", "nanogpt", "qwen2"};
    for (int i = 0; i < 5; i++)
        assert_string_equal(gr_arch_word("arch", i), first[i]);
    int count = 0, kinds = 0;
    while (gr_arch_word("kind", kinds))
        kinds++;
    for (const char *word; (word = gr_arch_word("arch", count)); count++) {
        gr_arch_def def = small_def();
        gr_error err = {0};
        assert_int_equal(gr_arch_value("arch", word), count);
        assert_int_equal(!gr_arch_style(&def, word), gr_arch_value("kind", word) >= 0);
        gr_test_ok(gr_arch_check(&def, &err), &err);
    }
    assert_in_range(gr_arch_value("arch", "mlp"), 5, count - 1);
    assert_null(gr_arch_word("arch", -1));
    assert_int_equal(gr_arch_value("arch", "transformer"), -1);
    assert_int_equal(gr_arch_value("kind", "transformer"), GR_ARCH_TRANSFORMER);
    assert_int_equal(gr_arch_value("kind", "mlp"), GR_ARCH_MLP);
    gr_arch_def def = small_def();
    def.kind = kinds;
    expect_error(&def, "kind has the unknown value");
    def.kind = -1;
    expect_error(&def, "kind has the unknown value -1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_keys_are_repeated_keys),
        cmocka_unit_test(styles_are_what_they_say),
        cmocka_unit_test(shared_keys_have_sizes),
        cmocka_unit_test(shared_keys_refuse),
        cmocka_unit_test(windows_cut),
        cmocka_unit_test(halves_are_neighbours_apart),
        cmocka_unit_test(scale_is_a_factor),
        cmocka_unit_test(attention_refuses),
        cmocka_unit_test(gains_can_be_left_out),
        cmocka_unit_test(biases_of_qkv_are_apart),
        cmocka_unit_test(initial_values_have_styles),
        cmocka_unit_test(uniform_values_have_bounds),
        cmocka_unit_test(positions_have_room),
        cmocka_unit_test(published_networks_have_their_size),
        cmocka_unit_test(words_name_networks),
    };
    return cmocka_run_group_tests_name("variants", tests, NULL, NULL);
}
