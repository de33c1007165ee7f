/* Stopped gradients against central differences (in double): at one point the gradient is that of the loss in which
 * whatever is stopped reads values frozen there. First columns of a product, then a residual group beside a core,
 * against a network written out by hand. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "group_helpers.h"
#include "support.h"

enum { N = 24, V = GR_TEST_VOCAB, D = 6, G = 3, LAYERS = 2, FROZEN = (2 * LAYERS + 1) * D };

static gr_model *compile(gr_graph *g) {
    gr_model *model;
    gr_error err = {0};
    gr_test_ok(gr_model_new(&model, g, 21, &err), &err);
    return model;
}

static gr_run *run_of(gr_model *model, bool train) {
    gr_run *run;
    gr_error err = {0};
    gr_test_ok(gr_run_new(&run, model, NULL, &(gr_run_def){.positions = N, .train = train}, &err), &err);
    return run;
}

/* Gradients of `model` against differences of the loss of `twin`, for every parameter of the model. */
static void compare(gr_model *model, gr_run *run, gr_model *twin, gr_run *other, const gr_batch *batch) {
    gr_run_zero(run);
    gr_run_forward(run, batch);
    gr_run_backward(run);
    gr_run_reduce(run);
    for (int p = 0; p < gr_model_params(model); p++) {
        const gr_param_def *def = gr_model_param(model, p);
        gr_real *w = gr_model_data(twin, gr_model_find(twin, def->name));
        double wrong = 0, norm = 0, h = 1e-5;
        for (int k = 0; k < def->rows * def->cols; k++) {
            gr_real old = w[k];
            w[k] = (gr_real)((double)old + h);
            double up = gr_run_forward(other, batch);
            w[k] = (gr_real)((double)old - h);
            double numeric = (up - gr_run_forward(other, batch)) / (2 * h);
            w[k] = old;
            double got = (double)gr_run_gradient(run, p)[k];
            wrong += (numeric - got) * (numeric - got);
            norm += numeric * numeric;
        }
        if (!(norm > 0 && sqrt(wrong) < 1e-6 * sqrt(norm)))
            fail_msg("%s: relative error %.3g of %.3g", def->name, sqrt(wrong / norm), sqrt(norm));
    }
}

static void copy_values(gr_real *to, int width, int at, const gr_run *run, gr_value v) {
    int stride;
    const gr_real *from = gr_run_value(run, v, &stride);
    for (int n = 0; n < N; n++)
        memcpy(to + n * width + at, from + n * stride, D * sizeof *to);
}

/* ---- columns of a product ---- */

static gr_param matrix(gr_graph *g, const char *name, int rows, int cols) {
    return gr_graph_param(g, &(gr_param_def){name, rows, cols, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.5, false});
}

enum { A = 7, B = 5 }; /* columns of the two products */
static const gr_columns first[] = {{0, 2}, {5, 7}}, second[] = {{1, 3}};

/* embedding -> [up | down] with stopped columns -> gelu -> logits. The twin reads inputs: 0 = x0, 1 and 2 = what is
 * kept of each product and what is not, 1 or 0. */
static gr_model *product(bool frozen) {
    gr_graph *g = gr_graph_new();
    gr_value x = gr_embedding(g, matrix(g, "embed", V, D)), sum;
    gr_param out = matrix(g, "out", V, A + B);
    gr_term term[] = {
        {.x = x, .w = matrix(g, "up", A, D), .stops = 2, .stop = first},
        {.x = x, .w = matrix(g, "down", D, B + 1), .transposed = true, .lo = 1, .stops = 1, .stop = second}};
    if (frozen) {
        gr_value part[2];
        for (int i = 0; i < 2; i++) {
            int width = i ? B : A;
            gr_value given = gr_input(g, 1 + i, 2 * width);
            term[i].stops = 0;
            gr_value moving = gr_linear(g, 1, &term[i], GR_NONE, GR_NONE);
            term[i].x = gr_input(g, 0, D);
            gr_value still = gr_linear(g, 1, &term[i], GR_NONE, GR_NONE);
            part[i] = gr_add(g, gr_mul(g, moving, gr_slice(g, given, 0, width)),
                             gr_mul(g, still, gr_slice(g, given, width, 2 * width)));
        }
        sum = gr_concat(g, 2, part);
    } else {
        term[1].at = A;
        sum = gr_linear(g, 2, term, GR_NONE, GR_NONE);
    }
    gr_value y = gr_linear(g, 1, &(gr_term){.x = gr_gelu(g, sum), .w = out}, GR_NONE, GR_NONE);
    gr_graph_loss(g, gr_mean(g, gr_cross_entropy(g, y)), 1);
    gr_graph_output(g, "x", x);
    return compile(g);
}

static gr_real *kept_and_not(const gr_columns *stop, int stops, int width) {
    gr_real *m = gr_alloc((size_t)(N * 2 * width) * sizeof *m);
    for (int n = 0; n < N; n++)
        for (int j = 0; j < width; j++) {
            bool kept = true;
            for (int i = 0; i < stops; i++)
                kept = kept && !(stop[i].lo <= j && j < stop[i].hi);
            m[n * 2 * width + j] = kept;
            m[n * 2 * width + width + j] = !kept;
        }
    return m;
}

static void stopped_columns(void **state) {
    (void)state;
    gr_model *model = product(false), *twin = product(true);
    gr_run *run = run_of(model, true), *other = run_of(twin, false);
    gr_test_batch b = gr_test_batch_new(N, V, 4);
    double loss = gr_run_forward(run, &b.batch);
    gr_real *x0 = gr_alloc(N * D * sizeof *x0), *up = kept_and_not(first, 2, A), *down = kept_and_not(second, 1, B);
    copy_values(x0, D, 0, run, gr_model_output(model, "x"));
    b.batch.x[0] = x0, b.batch.x[1] = up, b.batch.x[2] = down;
    assert_true(fabs(gr_run_forward(other, &b.batch) - loss) < 1e-12);
    compare(model, run, twin, other, &b.batch);
    gr_free(x0);
    gr_free(up);
    gr_free(down);
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_run_free(other);
    gr_model_free(model);
    gr_model_free(twin);
}

/* A product all of whose columns are stopped: x gets nothing, w its whole gradient. */
static void all_columns(void **state) {
    (void)state;
    gr_real kept[2][V * D];
    for (int all = 0; all < 2; all++) {
        gr_graph *g = gr_graph_new();
        gr_param embed = matrix(g, "embed", V, D), out = matrix(g, "out", V, D);
        gr_term term = {.x = gr_embedding(g, embed), .w = out, .stops = all, .stop = (gr_columns[]){{0, V}}};
        gr_graph_loss(g, gr_mean(g, gr_cross_entropy(g, gr_linear(g, 1, &term, GR_NONE, GR_NONE))), 1);
        gr_model *model = compile(g);
        gr_run *run = run_of(model, true);
        gr_test_batch b = gr_test_batch_new(N, V, 4);
        gr_run_zero(run);
        gr_run_forward(run, &b.batch);
        gr_run_backward(run);
        gr_run_reduce(run);
        double sum = 0;
        for (int i = 0; i < V * D; i++)
            sum += fabs((double)gr_run_gradient(run, embed)[i]);
        assert_true((sum == 0) == all);
        memcpy(kept[all], gr_run_gradient(run, out), sizeof kept[all]);
        gr_test_batch_free(&b);
        gr_run_free(run);
        gr_model_free(model);
    }
    assert_memory_equal(kept[0], kept[1], sizeof kept[0]);
}

/* ---- a residual group ---- */

static gr_arch_def group_def(gr_norm norm, int kind) {
    static gr_arch_region region[] = {{.name = "bio", .residual.add = G, .mlp.add = 4, .stop = true}};
    gr_arch_def def = gr_arch_default();
    def.vocab = V, def.context = N, def.layers = LAYERS, def.width = D, def.mlp = 5;
    def.heads = 0, def.head_size = 4, def.position = GR_POSITION_NONE, def.init_std = 0.4;
    region[0].group = group_of(kind);
    def.norm = norm;
    def.regions = region, def.region_count = 1;
    return def;
}

/* A parameter with the name, size and so the initial values of the other model's. */
static gr_param same(gr_graph *g, const gr_model *like, const char *owner, const char *name, int layer) {
    char text[64];
    if (layer < 0)
        snprintf(text, sizeof text, "%s%s", owner, name);
    else
        snprintf(text, sizeof text, "%slayers.%d.mlp.%s", owner, layer, name);
    gr_param p = gr_model_find(like, text);
    assert_int_not_equal(p, GR_NONE);
    return gr_graph_param(g, gr_model_param(like, p));
}

/* Gain and shift of a norm; layer norm alone has a shift. */
typedef struct vectors {
    gr_param gain, shift;
} vectors;

static const vectors no_vectors = {GR_NONE, GR_NONE};

static vectors vectors_of(gr_graph *g, const gr_model *like, const char *owner, int layer, gr_norm norm) {
    return (vectors){same(g, like, owner, "norm", layer),
                     norm == GR_NORM_LAYER ? same(g, like, owner, "norm.shift", layer) : GR_NONE};
}

/* own GR_NONE: the core alone. */
static gr_value normed(gr_graph *g, gr_norm norm, gr_value core, gr_value own, vectors v, vectors of_own) {
    const gr_norm_group group[] = {{v.gain, D, GR_NONE}, {of_own.gain, G, GR_NONE}};
    const gr_layer_norm_group side[] = {{v.gain, v.shift, D}, {of_own.gain, of_own.shift, G}};
    const int count = own == GR_NONE ? 1 : 2;
    if (norm == GR_NORM_LAYER)
        return gr_layer_norm_groups(g, count > 1 ? gr_concat(g, 2, (gr_value[]){core, own}) : core, count, side, 1e-5);
    if (own == GR_NONE)
        return gr_rms_norm(g, core, 1, group, 1e-5);
    return gr_rms_norm(g, gr_concat(g, 2, (gr_value[]){core, own}), 2, group, 1e-5);
}

static gr_value hidden(gr_graph *g, const gr_model *like, const char *owner, int layer, gr_value x) {
    gr_term up = {.x = x, .w = same(g, like, owner, "up", layer)}, gate = {.x = x};
    gate.w = same(g, like, owner, "gate", layer);
    return gr_swiglu(g, gr_linear(g, 1, &gate, GR_NONE, GR_NONE), gr_linear(g, 1, &up, GR_NONE, GR_NONE));
}

/* The network of group_def by hand. Frozen: what the group reads of the core comes from input 0, which holds for each
 * layer the core's normed stream and its stream, then the last stream. Else those are outputs "0", "1", ... */
static gr_model *group_by_hand(const gr_model *like, gr_norm norm, int kind, bool frozen) {
    static const char *const names[] = {"0", "1", "2", "3", "4"};
    gr_graph *g = gr_graph_new();
    gr_value given = frozen ? gr_input(g, 0, FROZEN) : GR_NONE, x[2], n = GR_NONE, own = GR_NONE;
    gr_param embed[] = {same(g, like, "", "embed", -1), same(g, like, "bio.", "embed", -1)};
    for (int k = 0; k < 2; k++)
        x[k] = gr_embedding(g, embed[k]);
    for (int i = 0, slot = 0; i <= LAYERS; i++) {
        bool last = i == LAYERS;
        const vectors v = vectors_of(g, like, "", last ? -1 : i, norm),
                      of_own = vectors_of(g, like, "bio.", last ? -1 : i, norm);
        gr_value both = normed(g, norm, x[0], x[1], v, of_own);
        n = kind & APART ? normed(g, norm, x[0], GR_NONE, v, no_vectors) : both;
        gr_value seen[] = {gr_slice(g, both, 0, D), x[0]}; /* the normed core, and the core of the group's own norm */
        for (int k = last; k < 2; k++, slot++) {
            if (frozen)
                seen[k] = gr_slice(g, given, slot * D, (slot + 1) * D);
            else
                gr_graph_output(g, names[slot], seen[k]);
        }
        own = gr_slice(g, normed(g, norm, seen[1], x[1], no_vectors, of_own), D, D + G);
        if (last)
            break;
        gr_term to_core[] = {{.x = hidden(g, like, "", i, gr_slice(g, n, 0, D)), .w = same(g, like, "", "down", i)},
                             {.x = hidden(g, like, "bio.", i, gr_concat(g, 2, (gr_value[]){seen[0], own})),
                              .w = same(g, like, "bio.", "down", i)}};
        to_core[0].transposed = to_core[1].transposed = true;
        to_core[1].hi = D;
        gr_term to_own = to_core[1];
        to_own.lo = kind & OWN ? 0 : D, to_own.hi = to_own.lo + G;
        x[0] = gr_linear(g, kind & OWN ? 1 : 2, to_core, GR_NONE, x[0]);
        x[1] = gr_linear(g, 1, &to_own, GR_NONE, x[1]);
    }
    gr_term out[] = {{.x = gr_slice(g, n, 0, D), .w = embed[0]}, {.x = own, .w = embed[1]}};
    gr_graph_loss(g, gr_mean(g, gr_cross_entropy(g, gr_linear(g, 2, out, GR_NONE, GR_NONE))), 1);
    return compile(g);
}

static void disturb_norms(gr_model *model) {
    for (int p = 0; p < gr_model_params(model); p++)
        for (int i = 0; i < gr_model_param(model, p)->cols && gr_model_param(model, p)->rows == 1; i++)
            gr_model_data(model, p)[i] += (gr_real)(0.3 * sin(p + 1.7 * i));
}

static void copy_params(gr_model *to, const gr_model *like, gr_model *from) {
    for (int p = 0; p < gr_model_params(like); p++) {
        const gr_param_def *def = gr_model_param(like, p);
        memcpy(gr_model_data(to, gr_model_find(to, def->name)), gr_model_data(from, p),
               (size_t)def->rows * (size_t)def->cols * sizeof(gr_real));
    }
}

static void check_group(gr_norm norm, int kind) {
    gr_model *model;
    gr_error err = {0};
    gr_arch_def def = group_def(norm, kind);
    gr_test_ok(gr_arch_build(&model, &def, 7, &err), &err);
    disturb_norms(model);
    gr_model *open = group_by_hand(model, norm, kind, false), *twin = group_by_hand(model, norm, kind, true);
    copy_params(open, model, model);
    copy_params(twin, model, model);
    gr_run *run = run_of(model, true), *first_pass = run_of(open, false), *other = run_of(twin, false);
    gr_test_batch b = gr_test_batch_new(N, V, 4);
    double loss = gr_run_forward(run, &b.batch);
    assert_true(fabs(gr_run_forward(first_pass, &b.batch) - loss) < 1e-12);
    gr_real *given = gr_alloc(N * FROZEN * sizeof *given);
    for (int i = 0; i * D < FROZEN; i++) {
        char name[12];
        snprintf(name, sizeof name, "%d", i);
        copy_values(given, FROZEN, i * D, first_pass, gr_model_output(open, name));
    }
    b.batch.x[0] = given;
    assert_true(fabs(gr_run_forward(other, &b.batch) - loss) < 1e-12);
    compare(model, run, twin, other, &b.batch);
    gr_free(given);
    gr_test_batch_free(&b);
    gr_run_free(run);
    gr_run_free(first_pass);
    gr_run_free(other);
    gr_model_free(model);
    gr_model_free(open);
    gr_model_free(twin);
}

static void stopped_group(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        check_group(GR_NORM_RMS, kind);
        if (group_fits(GR_NORM_LAYER, kind))
            check_group(GR_NORM_LAYER, kind);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopped_columns),
        cmocka_unit_test(all_columns),
        cmocka_unit_test(stopped_group),
    };
    return cmocka_run_group_tests_name("stopped gradients", tests, NULL, NULL);
}
