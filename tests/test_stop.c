/* Regions that stop gradients, in whole networks: values keep their bits, and gradients are those of the same network
 * with the paths through the region's units blocked at its gates. */
#include "arch_helpers.h"

/* In either precision; sums in another order differ in the last bits of what is rounded. */
static gr_precision precision;
static double near;

static bool perceptron; /* reads real numbers, and targets below 3 */

static gr_run *train_run(gr_model *model, const gr_tables *tables) {
    gr_run *run;
    gr_error err = {0};
    gr_test_ok(
        gr_run_new(&run, model, tables, &(gr_run_def){.positions = ROWS, .train = true, .precision = precision}, &err),
        &err);
    gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 5);
    gr_real x[ROWS * 5];
    for (int i = 0; i < ROWS * 5 && perceptron; i++)
        x[i] = (gr_real)sin(1 + 2.3 * i), b.targets[i / 5] = i / 5 % 3, b.batch.x[0] = x;
    gr_run_zero(run);
    gr_run_forward(run, &b.batch);
    gr_run_backward(run);
    gr_run_reduce(run);
    gr_test_batch_free(&b);
    return run;
}

/* No gradient passes the gates of the region at taps from `from` on (in the order of the graph). */
static gr_tables *blocked(const gr_model *model, int region, gr_tap from) {
    const gr_region *r = gr_model_region(model, region);
    gr_tables *tables = gr_tables_new(model, 1);
    for (int i = 0; i < r->gates; i++)
        if (r->gate[i].tap >= from)
            gr_tables_activation(tables, r->gate[i].tap, r->gate[i].lo, r->gate[i].hi, (double[]){0});
    gr_tables_finish(tables);
    return tables;
}

static bool owned(const gr_region *region, gr_param p, int row, int col) {
    for (int i = 0; i < region->rects; i++) {
        gr_rect rect = region->rect[i];
        if (rect.param == p && rect.lo0 <= row && row < rect.hi0 && rect.lo1 <= col && col < rect.hi1)
            return true;
    }
    return false;
}

/* Distance of two runs' gradients over what the region owns, or does not, of parameters named like prefix. */
static double apart(const gr_model *model, gr_run *a, gr_run *b, int region, bool own, const char *prefix) {
    const gr_region *r = gr_model_region(model, region);
    double wrong = 0, norm = 0;
    for (int p = 0; p < gr_model_params(model); p++) {
        const gr_param_def *def = gr_model_param(model, p);
        const gr_real *x = gr_run_gradient(a, p), *y = gr_run_gradient(b, p);
        for (int i = 0; i < def->rows * def->cols; i++) {
            if (owned(r, p, i / def->cols, i % def->cols) != own || strncmp(def->name, prefix, strlen(prefix)) != 0)
                continue;
            wrong += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
            norm += (double)y[i] * (double)y[i];
        }
    }
    assert_true(norm > 0);
    return sqrt(wrong / norm);
}

/* def with and without stop of region r: bits of the logits, and gradients of all that is not the region's. */
static void check(gr_arch_def def, int r) {
    gr_arch_region regions[4];
    memcpy(regions, def.regions, (size_t)def.region_count * sizeof *regions);
    regions[r].stop = true;
    gr_model *plain = build(&def, 3);
    def.regions = regions;
    gr_model *stop = build(&def, 3);
    disturb(plain);
    disturb(stop);
    gr_real *a = logits_of(plain), *b = logits_of(stop);
    assert_same_bits(a, b);
    gr_tables *tables = blocked(plain, r, 0);
    gr_run *free_run = train_run(plain, NULL), *block = train_run(plain, tables), *run = train_run(stop, NULL);
    assert_true(apart(plain, run, block, r, false, "") < near);
    assert_true(apart(plain, run, free_run, r, false, "") > 3 * near);
    if (!regions[r].residual.add) { /* the last layer's own weights learn as ever; those below miss what comes back */
        assert_true(apart(plain, run, free_run, r, true, "layers.1.mlp") < near);
        gr_tables *above = blocked(plain, r, gr_model_find_tap(plain, "layers.1.attn.heads"));
        gr_run *later = train_run(plain, above);
        assert_true(apart(plain, run, later, r, true, "layers.0.mlp") < near);
        assert_true(apart(plain, run, free_run, r, true, "layers.0.mlp") > 3 * near);
        gr_run_free(later);
        gr_tables_free(above);
    }
    gr_run_free(free_run);
    gr_run_free(block);
    gr_run_free(run);
    gr_tables_free(tables);
    gr_free(a);
    gr_free(b);
    gr_model_free(plain);
    gr_model_free(stop);
}

static void added_units(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    gr_arch_region regions[] = {{.name = "bio", .mlp.add = 8, .heads.add = 1}, {.name = "chem", .mlp.add = 5}};
    def.regions = regions, def.region_count = 2;
    check(def, 0);
    def.kv_heads = 2;
    check(def, 0);
    def.norm = GR_NORM_LAYER, def.position = GR_POSITION_LEARNED, def.activation = GR_ACTIVATION_GELU, def.bias = true;
    check(def, 0);
}

static void claimed_units(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    gr_arch_region regions[] = {{.name = "bio", .mlp = {.lo = 3, .hi = 9}, .heads = {.lo = 1, .hi = 2}}};
    def.regions = regions, def.region_count = 1;
    check(def, 0);
}

/* A low-rank adapter of some maps; what it is made of learns as the paths behind it let it. */
static void adapters(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    gr_arch_region regions[] = {
        {.name = "bio", .adapter = {.rank = 3, .maps = 1 << GR_MAP_QKV | 1 << GR_MAP_UP | 1 << GR_MAP_DOWN}}};
    def.regions = regions, def.region_count = 1;
    gr_model *plain = build(&def, 3);
    regions[0].stop = true;
    gr_model *stop = build(&def, 3);
    for (int p = 0; p < gr_model_params(plain); p++) { /* B is zero at first, and would pass nothing */
        const gr_param_def *d = gr_model_param(plain, p);
        for (int i = 0; i < d->rows * d->cols && !strncmp(d->name, "bio.", 4); i++)
            gr_model_data(plain, p)[i] = gr_model_data(stop, p)[i] = (gr_real)(0.3 * sin(p + 1.3 * i));
    }
    gr_tables *tables = blocked(plain, 0, 0);
    gr_run *free_run = train_run(plain, NULL), *block = train_run(plain, tables), *run = train_run(stop, NULL);
    assert_true(apart(plain, run, block, 0, false, "") < near);
    assert_true(apart(plain, run, free_run, 0, false, "") > 3 * near);
    assert_true(apart(plain, run, free_run, 0, true, "bio.layers.1.mlp.down") < near);
    assert_true(apart(plain, run, free_run, 0, true, "bio.layers.0") > 3 * near);
    gr_run_free(free_run);
    gr_run_free(block);
    gr_run_free(run);
    gr_tables_free(tables);
    gr_model_free(plain);
    gr_model_free(stop);
}

static void groups(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    gr_arch_region regions[] = {{.name = "bio", .residual.add = 5, .mlp.add = 8, .heads.add = 1},
                                {.name = "chem", .residual.add = 3, .mlp.add = 4, .heads.add = 1}};
    def.regions = regions, def.region_count = 2;
    check(def, 0);
    check(def, 1);
    def.tied = false;
    check(def, 1);
}

static void pass(gr_run *run, const gr_batch *batch) {
    gr_run_forward(run, batch);
    gr_run_backward(run);
}

/* With classes that close the core or switch the region off: a mixed batch is the sum of its classes, and what no row
 * opens stays closed. */
static void classes(void **state) {
    (void)state;
    enum { OPEN, ALONE, OFF, CLASSES };
    gr_arch_def def = small_def();
    gr_arch_region regions[] = {{.name = "bio", .mlp.add = 8, .heads.add = 1, .residual.add = 4, .stop = true}};
    def.regions = regions, def.region_count = 1;
    gr_error err = {0};
    for (int group = 1; group >= 0; group--) {
        regions[0].residual.add = 4 * group;
        gr_model *model = build(&def, 3);
        const gr_region *region = gr_model_region(model, 0);
        gr_tables *tables = gr_tables_new(model, CLASSES);
        for (int i = 0; i < region->rects; i++)
            gr_tables_param(tables, region->rect[i], (double[]){1, 2, 1}); /* 2: told from the rest */
        gr_tables_gate(tables, 0, (double[]){1, 1, 0});
        for (int p = 0; p < gr_model_params(model); p++) {
            const gr_param_def *d = gr_model_param(model, p);
            for (int row = 0; row < d->rows; row++) /* by rows: what is the region's was weighed above */
                if (!owned(region, p, row, 0))
                    gr_tables_param(tables, (gr_rect){p, row, row + 1, 0, d->cols}, (double[]){1, 0, 1});
        }
        gr_tables_finish(tables);
        gr_run *mixed, *single;
        gr_run_def run = {.positions = ROWS, .train = true, .precision = precision};
        gr_test_ok(gr_run_new(&mixed, model, tables, &run, &err), &err);
        gr_test_ok(gr_run_new(&single, model, tables, &run, &err), &err);
        gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 5);
        for (int n = 0, document = -1; n < ROWS; n++) {
            document += b.start[n] == n;
            b.cls[n] = document % CLASSES;
        }
        b.batch.cls = b.cls, b.batch.weight = b.weight;
        for (int n = 0; n < ROWS; n++)
            b.weight[n] = 1;
        gr_run_zero(mixed);
        pass(mixed, &b.batch);
        gr_run_reduce(mixed);
        gr_run_zero(single);
        for (int c = 0; c < CLASSES; c++) {
            for (int n = 0; n < ROWS; n++)
                b.weight[n] = b.cls[n] == c;
            pass(single, &b.batch);
        }
        gr_run_reduce(single);
        assert_true(apart(model, mixed, single, 0, false, "") < near &&
                    apart(model, mixed, single, 0, true, "") < near);
        for (int n = 0; n < ROWS; n++)
            b.cls[n] = ALONE, b.weight[n] = 1;
        gr_run_zero(mixed);
        pass(mixed, &b.batch);
        gr_run_reduce(mixed);
        for (int s = 0; s < gr_tables_slices(tables); s++) {
            gr_rect rect = gr_tables_slice(tables, s);
            const gr_param_def *d = gr_model_param(model, rect.param);
            bool own = owned(region, rect.param, rect.lo0, rect.lo1);
            assert_int_equal(gr_run_open(mixed)[s], own);
            for (int row = rect.lo0; row < rect.hi0 && !own; row++)
                for (int col = rect.lo1; col < rect.hi1; col++)
                    assert_true(gr_run_gradient(mixed, rect.param)[row * d->cols + col] == 0);
        }
        gr_test_batch_free(&b);
        gr_run_free(mixed);
        gr_run_free(single);
        gr_tables_free(tables);
        gr_model_free(model);
    }
}

/* In a perceptron too, layer by layer. */
static void perceptrons(void **state) {
    (void)state;
    gr_arch_region regions[] = {{.name = "bio", .mlp.add = 4}, {.name = "chem", .mlp = {.lo = 1, .hi = 3}}};
    gr_arch_def def = gr_arch_default();
    def.kind = GR_ARCH_MLP, def.activation = GR_ACTIVATION_GELU, def.bias = true;
    def.sizes = (int[]){5, 9, 8, 3}, def.size_count = 4;
    def.regions = regions, def.region_count = 2;
    perceptron = true;
    for (int r = 0; r < 2; r++) {
        gr_model *plain = build(&def, 3);
        regions[r].stop = true;
        gr_model *stop = build(&def, 3);
        regions[r].stop = false;
        gr_tables *tables = blocked(plain, r, 0), *above = blocked(plain, r, gr_model_find_tap(plain, "hidden.1"));
        gr_run *free_run = train_run(plain, NULL), *block = train_run(plain, tables), *run = train_run(stop, NULL),
               *later = train_run(plain, above);
        assert_true(apart(plain, run, block, r, false, "") < near);
        assert_true(apart(plain, run, free_run, r, true, "hidden.1") < near);
        assert_true(apart(plain, run, later, r, true, "hidden.0") < near);
        assert_true(apart(plain, run, free_run, r, false, "hidden.0") > 3 * near);
        gr_run_free(free_run);
        gr_run_free(block);
        gr_run_free(run);
        gr_run_free(later);
        gr_tables_free(tables);
        gr_tables_free(above);
        gr_model_free(plain);
        gr_model_free(stop);
    }
    perceptron = false;
}

/* Ranges of several regions, some of which touch or overlap; more separate ones than a product can leave out. */
static void ranges(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    gr_arch_region regions[9] = {{.name = "a", .mlp = {.lo = 10, .hi = 14}, .stop = true},
                                 {.name = "b", .mlp = {.lo = 2, .hi = 4}, .stop = true},
                                 {.name = "c", .mlp = {.lo = 4, .hi = 7}, .stop = true},
                                 {.name = "d", .mlp = {.lo = 0, .hi = 24}}};
    def.regions = regions, def.region_count = 4;
    gr_model *stop = build(&def, 3);
    for (int i = 0; i < 3; i++)
        regions[i].stop = false;
    gr_model *plain = build(&def, 3);
    gr_tables *tables = gr_tables_new(plain, 1);
    for (int i = 0; i < 3; i++)
        for (int layer = 0; layer < 2; layer++) {
            const gr_gate *gate = &gr_model_region(plain, i)->gate[layer];
            gr_tables_activation(tables, gate->tap, gate->lo, gate->hi, (double[]){0});
        }
    gr_tables_finish(tables);
    gr_run *a = train_run(stop, NULL), *b = train_run(plain, tables);
    gr_param embed = gr_model_find(plain, "embed");
    assert_true(gr_test_distance(gr_run_gradient(a, embed), gr_run_gradient(b, embed), VOCAB * 16) < near);
    gr_run_free(a);
    gr_run_free(b);
    gr_tables_free(tables);
    gr_model_free(stop);
    gr_model_free(plain);

    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    for (int i = 0; i < 9; i++)
        regions[i] = (gr_arch_region){.name = names[i], .mlp = {.lo = 2 * i, .hi = 2 * i + 1}, .stop = true};
    def.region_count = 8;
    gr_error err = {0};
    gr_test_ok(gr_arch_check(&def, &err), &err);
    def.region_count = 9;
    assert_int_equal(gr_arch_check(&def, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "9 separate ranges"));
    err = (gr_error){0};
    regions[8] = (gr_arch_region){.name = "i", .residual = {.lo = 0, .hi = 2}, .stop = true};
    assert_int_equal(gr_arch_check(&def, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "no units that read"));
    err = (gr_error){0};
    regions[8] = (gr_arch_region){.name = "i", .whole = (int[]){1}, .whole_count = 1, .stop = true};
    regions[7] = regions[8], def.region_count = 8;
    assert_int_equal(gr_arch_check(&def, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "whole layers cannot"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(added_units), cmocka_unit_test(claimed_units), cmocka_unit_test(groups),
        cmocka_unit_test(adapters),    cmocka_unit_test(perceptrons),   cmocka_unit_test(classes),
        cmocka_unit_test(ranges),
    };
    precision = GR_PRECISION_FLOAT32, near = 1e-5;
    int failed = cmocka_run_group_tests_name("stop", tests, NULL, NULL);
    precision = GR_PRECISION_BF16, near = 0.02;
    return failed + cmocka_run_group_tests_name("stop, bf16", tests, NULL, NULL);
}
