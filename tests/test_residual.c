/* Residual groups of every kind: what is off is as good as removed, and groups with a norm apart that write their own
 * dimensions alone disturb neither the core nor each other. */
#include "arch/blueprint.h"
#include "arch_helpers.h"
#include "gradroute/bundle.h"
#include "gradroute/recipe.h"
#include "gradroute/surgery.h"
#include "group_helpers.h"

enum { GROUPS = 4 };

static const char *const names[GROUPS] = {"a", "b", "c", "d"};

/* The second has units in one layer alone, the last no heads. */
static const gr_arch_region groups[GROUPS] = {
    {.name = "a", .residual.add = 6, .mlp.add = 5, .heads.add = 2},
    {.name = "b", .residual.add = 3, .mlp.add = 4, .heads.add = 1, .layers = (const int[]){1}, .layer_count = 1},
    {.name = "c", .residual.add = 8, .mlp.add = 9, .heads.add = 1},
    {.name = "d", .residual.add = 5, .mlp.add = 3},
};

/* The small network with the groups of these bits, the k-th of kind[k]. */
static gr_arch_def def_of(gr_arch_region region[GROUPS], gr_norm norm, const int kind[GROUPS], int bits) {
    gr_arch_def def = small_def();
    def.norm = norm;
    def.regions = region;
    for (int k = 0; k < GROUPS; k++)
        if (bits >> k & 1) {
            region[def.region_count] = groups[k];
            region[def.region_count++].group = group_of(kind[k]);
        }
    return def;
}

static gr_model *disturbed(const gr_arch_def *def) {
    gr_model *m = build(def, 7);
    disturb(m);
    return m;
}

/* Logits with the groups of these bits off. */
static gr_real *logits_off(gr_model *m, int bits) {
    const char *off[GROUPS];
    int count = 0;
    for (int k = 0; k < GROUPS; k++)
        if (bits >> k & 1)
            off[count++] = names[k];
    return logits_without(m, off, count);
}

/* Whatever is off: bit for bit the network with the others alone. */
static void check_off(gr_norm norm, const int kind[GROUPS], bool bias, bool tied) {
    enum { ALL = (1 << GROUPS) - 1 };
    gr_arch_region region[2][GROUPS];
    gr_arch_def def = def_of(region[0], norm, kind, ALL);
    def.bias = bias;
    def.tied = tied;
    gr_model *m = disturbed(&def);
    gr_real *on = logits_of(m);
    for (int off = 1; off <= ALL; off++) {
        gr_arch_def fewer = def_of(region[1], norm, kind, ALL & ~off);
        fewer.bias = bias;
        fewer.tied = tied;
        gr_model *less = disturbed(&fewer);
        gr_real *have = logits_off(m, off), *want = logits_of(less);
        assert_same_bits(have, want);
        assert_apart(have, on);
        gr_free(have);
        gr_free(want);
        gr_model_free(less);
    }
    gr_free(on);
    gr_model_free(m);
}

static void off_is_removed(void **state) {
    (void)state;
    for (int kind = 1; kind < KINDS; kind++)
        check_off(GR_NORM_RMS, (int[GROUPS]){kind, kind, kind, kind}, kind == OWN, kind != APART);
    check_off(GR_NORM_RMS, (int[GROUPS]){APART, 0, APART + OWN, OWN}, false, true);
    check_off(GR_NORM_RMS, (int[GROUPS]){OWN, APART + OWN, 0, APART}, true, false);
    check_off(GR_NORM_LAYER, (int[GROUPS]){APART + OWN, APART, APART, APART + OWN}, true, true);
    check_off(GR_NORM_LAYER, (int[GROUPS]){APART, APART + OWN, APART + OWN, APART}, false, false);
}

/* ---- isolation ---- */

/* All that the core computes on its way to the logits, as outputs of a network that is watched. */
static const char *const watched[] = {
    "embed",           "layers.0.attn.heads", "layers.0.attn.stream", "layers.0.mlp.hidden",
    "layers.0.stream", "layers.1.attn.heads", "layers.1.attn.stream", "layers.1.mlp.hidden",
    "layers.1.stream"};
enum { WATCHED = sizeof watched / sizeof *watched, WIDEST = 24 };

/* Class 0 has all groups on, class 1 the first off, class 2 all. */
static gr_tables *three_classes(const gr_model *m) {
    gr_tables *t = gr_tables_new(m, 3);
    for (int r = 0; r < gr_model_regions(m); r++)
        gr_tables_gate(t, r, (double[]){1, r != 0, 0});
    gr_tables_finish(t);
    return t;
}

/* The watched values of the core and then the logits, over rows of all three classes. The core's numbers are those of
 * the network without groups, since draws go by names. */
static void watch(const gr_arch_def *def, gr_real core[WATCHED][ROWS * WIDEST]) {
    gr_error err = {0};
    gr__blueprint *blueprint;
    gr_model *m;
    gr_run *run;
    gr_test_ok(gr__blueprint_new(&blueprint, def, &err), &err);
    gr_test_ok(gr__arch_model(&m, blueprint, 7, true, &err), &err);
    disturb(m);
    gr_tables *tables = three_classes(m);
    gr_test_ok(gr_run_new(&run, m, tables, &(gr_run_def){.positions = ROWS}, &err), &err);
    gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 5);
    for (int i = 0; i < ROWS; i++)
        b.cls[i] = i % 3;
    b.batch.cls = b.cls;
    gr_run_forward(run, &b.batch);
    for (int v = 0; v < WATCHED; v++) {
        int stride, width;
        gr_model_tap(m, gr_model_find_tap(m, watched[v]), &width);
        const gr_real *x = gr_run_value(run, gr_model_output(m, watched[v]), &stride);
        for (int i = 0; i < ROWS; i++)
            memcpy(core[v] + i * width, x + i * stride, (size_t)width * sizeof *x);
    }
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_tables_free(tables);
    gr_model_free(m);
    gr__blueprint_free(blueprint);
}

/* The core's values keep their bits in every row, whether groups are there, on or off. Of all other kinds they do not:
 * a group writes into the core, or is counted by its norm. */
static void check_core(gr_norm norm) {
    static gr_real bare[WATCHED][ROWS * WIDEST], have[WATCHED][ROWS * WIDEST];
    gr_arch_region region[GROUPS];
    gr_arch_def none = small_def();
    none.norm = norm;
    watch(&none, bare);
    for (int count = 1; count <= GROUPS; count++)
        for (int kind = 0; kind < KINDS; kind++) {
            if (!group_fits(norm, kind))
                continue;
            gr_arch_def def = def_of(region, norm, (int[GROUPS]){kind, kind, kind, kind}, (1 << count) - 1);
            memset(have, 0, sizeof have);
            watch(&def, have);
            assert_memory_equal(have[0], bare[0], sizeof bare[0]); /* the embedding */
            assert_true((memcmp(have, bare, sizeof have) == 0) == (kind == APART + OWN));
        }
}

static void the_core_does_not_notice_groups(void **state) {
    (void)state;
    check_core(GR_NORM_RMS);
    check_core(GR_NORM_LAYER);
}

/* Logits are the core's and what each group adds, which does not depend on the others. */
static void logits_add_up(void **state) {
    (void)state;
    gr_arch_region region[GROUPS];
    for (int each = 0; each < 2 * KINDS; each++) {
        const gr_norm norm = each < KINDS ? GR_NORM_RMS : GR_NORM_LAYER;
        const int kind = each % KINDS;
        if (!group_fits(norm, kind))
            continue;
        gr_arch_def def = def_of(region, norm, (int[GROUPS]){kind, kind, kind, kind}, (1 << GROUPS) - 1);
        gr_model *m = disturbed(&def);
        gr_real *on = logits_of(m), *core = logits_off(m, 15), sum[ROWS * VOCAB];
        memcpy(sum, core, sizeof sum);
        for (int k = 0; k < GROUPS; k++) {
            gr_real *one = logits_off(m, 15 & ~(1 << k));
            for (int i = 0; i < ROWS * VOCAB; i++)
                sum[i] += one[i] - core[i];
            gr_free(one);
        }
        if (kind == APART + OWN)
            assert_close(on, sum, 1e-5);
        else
            assert_apart(on, sum);
        gr_free(on);
        gr_free(core);
        gr_model_free(m);
    }
}

/* Groups that have nothing to say in the logits: they are the core's, bit for bit. */
static void silent_groups_leave_the_logits(void **state) {
    (void)state;
    gr_arch_region region[GROUPS];
    const int kind = APART + OWN;
    gr_arch_def def = def_of(region, GR_NORM_RMS, (int[GROUPS]){kind, kind, kind, kind}, (1 << GROUPS) - 1);
    def.tied = false;
    gr_model *m = disturbed(&def);
    for (int k = 0; k < GROUPS; k++) {
        char name[32];
        snprintf(name, sizeof name, "%s.unembed", names[k]);
        set_all(m, name, 0);
    }
    gr_real *on = logits_of(m), *core = logits_off(m, 15);
    assert_same_bits(on, core);
    gr_free(on);
    gr_free(core);
    gr_model_free(m);
}

/* ---- parameters, products, surgery ---- */

/* A group that writes its own columns has no others in its matrices; a norm apart has a gain where it is read. */
static void sizes_follow(void **state) {
    (void)state;
    enum { D = 16, M = 24, LAYERS = 2, ADD = 5, MORE = 3 };
    const double core = 2.0 * (LAYERS * (4 * D * D + 3 * M * D) + VOCAB * D);
    for (int kind = 0; kind < KINDS; kind++) {
        gr_arch_region region[GROUPS];
        gr_arch_def def = def_of(region, GR_NORM_RMS, (int[GROUPS]){kind, kind, kind, kind}, 8);
        gr_model *m = build(&def, 7);
        const int written = kind & OWN ? ADD : D + ADD;
        assert_int_equal(gr_model_param(m, gr_model_find(m, "d.layers.1.mlp.up"))->cols, D + ADD);
        assert_int_equal(gr_model_param(m, gr_model_find(m, "d.layers.1.mlp.down"))->cols, written);
        assert_int_equal(gr_model_find(m, "d.layers.1.attn.norm") == GR_NONE, kind & APART ? 1 : 0);
        assert_int_not_equal(gr_model_find(m, "d.layers.1.mlp.norm"), GR_NONE);
        assert_true(gr_model_flops(m) == core + 2.0 * (LAYERS * MORE * (2 * (D + ADD) + written) + VOCAB * ADD));

        /* Rows without the group cost what the core does. */
        gr_error err = {0};
        gr_run *run;
        gr_tables *tables = three_classes(m);
        gr_test_ok(gr_run_new(&run, m, tables, &(gr_run_def){.positions = ROWS}, &err), &err);
        assert_true(gr_run_flops(run, 0) == gr_model_flops(m) && gr_run_flops(run, 2) == core);
        gr_run_free(run);
        gr_tables_free(tables);
        gr_model_free(m);
    }
}

/* New and silent, a group of any kind leaves the network when it is off; with a norm apart also when it is on. Silenced
 * again it is as good as off. */
static void check_silent(gr_norm norm, bool tied) {
    gr_arch_def none = small_def();
    none.norm = norm;
    none.tied = tied;
    gr_model *old = disturbed(&none);
    gr_real *want = logits_of(old);
    gr_error err = {0};
    for (int kind = 0; kind < KINDS; kind++) {
        if (!group_fits(norm, kind))
            continue;
        gr_arch_region region[GROUPS];
        gr_arch_def def = def_of(region, norm, (int[GROUPS]){kind, kind, kind, kind}, 3);
        def.tied = tied;
        gr_surgery_result wider, zeroed;
        gr_test_ok(gr_surgery_expand(&wider, &none, old, &def, &(gr_surgery_expand_def){.seed = 9}, &err), &err);
        gr_real *off = logits_off(wider.model, 3), *on = logits_of(wider.model);
        assert_same_bits(off, want);
        assert_int_equal(gr_test_distance(on, want, ROWS * VOCAB) == 0, kind & APART ? 1 : 0);

        gr_model *loud = disturbed(&def);
        gr_test_ok(gr_surgery_off(&zeroed, &def, loud, "a", &(gr_surgery_off_def){.how = GR_OFF_ZERO}, &err), &err);
        gr_real *silent = logits_of(zeroed.model), *without = logits_off(loud, 1);
        assert_int_equal(gr_test_distance(silent, without, ROWS * VOCAB) == 0, kind & APART ? 1 : 0);
        gr_free(off);
        gr_free(on);
        gr_free(silent);
        gr_free(without);
        gr_model_free(loud);
        gr_surgery_free(&wider);
        gr_surgery_free(&zeroed);
    }
    gr_free(want);
    gr_model_free(old);
}

static void silent_is_off(void **state) {
    (void)state;
    for (int tied = 0; tied < 2; tied++) {
        check_silent(GR_NORM_RMS, tied);
        check_silent(GR_NORM_LAYER, tied);
    }
}

/* A group that stays keeps its kind. */
static void a_group_keeps_its_kind(void **state) {
    (void)state;
    gr_arch_region region[2][GROUPS];
    for (int from = 0; from < KINDS; from++)
        for (int to = 0; to < KINDS; to++) {
            gr_error err = {0};
            gr_arch_def def = def_of(region[0], GR_NORM_RMS, (int[GROUPS]){from}, 1),
                        wider = def_of(region[1], GR_NORM_RMS, (int[GROUPS]){to}, 1);
            const gr_status status = gr_surgery_fits(&def, &wider, &err);
            assert_int_equal(status, from == to ? GR_OK : GR_ERR_USAGE);
            if ((from ^ to) == APART)
                gr_test_error(&err, "surgery",
                              to & APART ? "residual norm: apart in the wider network, shared in"
                                         : "residual norm: shared in the wider network, apart in");
            if ((from ^ to) == OWN)
                gr_test_error(&err, "surgery",
                              to & OWN ? "residual writes: own in the wider network, both in"
                                       : "residual writes: both in the wider network, own in");
        }
}

/* From a model folder as it went in, and without the file of a group as with it off. */
static void folders_keep_the_kind(void **state) {
    (void)state;
    char *root = gr_test_folder(), *path = gr_format("%s/model", root);
    for (int kind = 0; kind < KINDS; kind++) {
        gr_arch_region region[GROUPS];
        gr_arch_def def = def_of(region, GR_NORM_RMS, (int[GROUPS]){kind, KINDS - 1 - kind}, 3);
        gr_model *m = disturbed(&def);
        gr_error err = {0};
        gr_bundle *back, *less;
        gr_test_ok(gr_bundle_save(path, &def, m, &(gr_bundle_info){.build = "0.1.0"}, &err), &err);
        gr_test_ok(gr_bundle_load(&back, path, NULL, 0, &err), &err);
        gr_test_ok(gr_bundle_load(&less, path, names, 1, &err), &err);
        gr_real *want = logits_of(m), *have = logits_of(back->model);
        gr_real *off = logits_off(m, 1), *without = logits_of(less->model);
        assert_same_bits(have, want);
        assert_same_bits(without, off);
        for (int r = 0; r < 2; r++)
            assert_memory_equal(&back->def->regions[r].group, &region[r].group, sizeof region[r].group);
        gr_free(want);
        gr_free(have);
        gr_free(off);
        gr_free(without);
        gr_bundle_free(back);
        gr_bundle_free(less);
        gr_model_free(m);
    }
    gr_free(path);
    gr_test_folder_remove(root);
}

static void what_cannot_be(void **state) {
    (void)state;
    gr_arch_region region = {.name = "x", .mlp.add = 4, .group = group_of(APART)};
    gr_arch_def def = small_def();
    def.regions = &region;
    def.region_count = 1;
    expect_error(&def, "region 'x' says `norm: apart` of a residual group, and adds no residual dimensions");
    region = (gr_arch_region){.name = "x", .residual = {.lo = 2, .hi = 4}, .group = group_of(OWN)};
    expect_error(&def, "region 'x' says `writes: own` of a residual group, and adds no residual dimensions");
    region = (gr_arch_region){.name = "x", .residual.add = 4, .group.norm = (gr_group_norm)2};
    expect_error(&def, "norm of region 'x' has the unknown value 2");
    region = (gr_arch_region){.name = "x", .residual.add = 4, .group.writes = (gr_group_writes)-1};
    expect_error(&def, "writes of region 'x' has the unknown value -1");

    /* Layer norm has no groups of its own. */
    region = (gr_arch_region){.name = "x", .residual.add = 4, .group = group_of(OWN)};
    def.norm = GR_NORM_LAYER;
    expect_error(&def, "region 'x' adds residual dimensions that share the core's norm, which need RMS norm");
    def.norm = GR_NORM_RMS;

    /* Layers of the core write into it. */
    region = (gr_arch_region){.name = "x",
                              .residual.add = 4,
                              .mlp.add = 2,
                              .whole = (const int[]){1},
                              .whole_count = 1,
                              .group = group_of(OWN)};
    expect_error(&def, "region 'x' has `writes: own`, and owns whole layers");
    region.group = group_of(APART);
    gr_error err = {0};
    gr_test_ok(gr_arch_check(&def, &err), &err);
}

/* ---- recipes ---- */

/* A recipe whose region has these units. */
static gr_status parse(gr_recipe **recipe, const char *units, gr_error *err) {
    char *text = gr_format("data: {jsonl: /c.jsonl}\n"
                           "labels: {food: {is: [bread]}}\n"
                           "model: {layers: 2, width: 48, heads: 4, mlp: 96}\n"
                           "regions:\n"
                           "  food: {%s}\n"
                           "preset: residual\n",
                           units);
    const gr_status status = gr_recipe_parse(recipe, text, strlen(text), "r.yaml", NULL, 0, err);
    gr_free(text);
    return status;
}

/* A recipe is read as of this kind, and what is written of it says so where it did itself. */
static void assert_read(const char *units, int kind, bool norm, bool writes) {
    gr_error err = {0};
    gr_recipe *recipe;
    char *written;
    gr_test_ok(parse(&recipe, units, &err), &err);
    const gr_arch_group have = recipe->model.regions[0].group, want = group_of(kind);
    assert_true(have.norm == want.norm && have.writes == want.writes);
    gr_test_ok(gr_recipe_text(recipe, &written, &err), &err);
    assert_true((strstr(written, "norm: apart") || strstr(written, "norm: shared")) == norm);
    assert_true((strstr(written, "writes: ") != NULL) == writes);
    gr_recipe_free(recipe);
    gr_free(written);
}

static void assert_refused(const char *units, const char *place, const char *words) {
    gr_error err = {0};
    gr_recipe *recipe;
    assert_int_not_equal(parse(&recipe, units, &err), GR_OK);
    gr_test_error(&err, place, words);
}

/* Words beside the units are kept where they are said, and go with a group alone. */
static void recipes_say_the_kind(void **state) {
    (void)state;
    assert_read("residual: {add: 16}", 0, false, false);
    assert_read("residual: {add: 16, norm: shared, writes: both}", 0, true, true);
    assert_read("residual: {add: 16, norm: apart}", APART, true, false);
    assert_read("residual: {add: 16, norm: apart, writes: own}, mlp: {add: 4}", APART + OWN, true, true);
    assert_refused("residual: {add: 16, norm: alone}", "r.yaml:5:36", "shared, apart");
    assert_refused("residual: {add: 16, writes: core}", "r.yaml:5:38", "both, own");
    assert_refused("residual: {claim: [0, 4], norm: apart}", "r.yaml:3:8", "adds no residual dimensions");
    assert_refused("mlp: {add: 16, writes: own}", "r.yaml:5:25", "writes");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_is_removed),        cmocka_unit_test(the_core_does_not_notice_groups),
        cmocka_unit_test(logits_add_up),         cmocka_unit_test(silent_groups_leave_the_logits),
        cmocka_unit_test(sizes_follow),          cmocka_unit_test(silent_is_off),
        cmocka_unit_test(what_cannot_be),        cmocka_unit_test(a_group_keeps_its_kind),
        cmocka_unit_test(folders_keep_the_kind), cmocka_unit_test(recipes_say_the_kind),
    };
    return cmocka_run_group_tests_name("residual groups", tests, NULL, NULL);
}
