/* Variants of attention in whole networks: each is a plain network whose parameters were moved or repeated. */
#include "arch_helpers.h"

static void expect_error(const gr_arch_def *def, const char *part) {
    gr_error err = {0};
    assert_int_equal(gr_arch_check(def, &err), GR_ERR_USAGE);
    if (!strstr(err.message, part))
        fail_msg("'%s' does not say '%s'", err.message, part);
}

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
    expect_error(&def, "claims heads -1..2 of a layer with 2");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_keys_are_repeated_keys),
        cmocka_unit_test(shared_keys_have_sizes),
        cmocka_unit_test(shared_keys_refuse),
    };
    return cmocka_run_group_tests_name("variants", tests, NULL, NULL);
}
