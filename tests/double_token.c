/* Labels and scores per token, all the way: a corpus whose tokens are labelled by which they are, its stream, the
 * classes and mixes of a batch by routes with `mix`, and the gradient under them against central differences of the
 * frozen-tap loss (in double), in each mode. */
#include "corpus/dataset.h"
#include "frozen.h"
#include "gradroute/train.h"
#include "train/internal.h"

enum { DOCS = 14, LONGEST = 9, T = 12, B = 3, N = B * T };

/* By label, 0: the core. */
static const double low[] = {1, 0.3, -0.75}, high[] = {1, -0.75, 0};

typedef struct world {
    gr_dataset *data;
    gr_labels *labels;
    gr_stream *stream;
    uint32_t all[DOCS];
} world;

/* Tokens 3 and 4 are of label 1, token 7 of label 2; the end token 0 is of none. */
static int16_t label_of(int32_t token) { return token == 3 || token == 4 ? 1 : token == 7 ? 2 : 0; }
static double score_of(int doc, int i) { return ((doc * 7 + i * 3) % 11) / 10.0; }

static world *world_new(void) {
    static int32_t ids[DOCS * LONGEST], topic[DOCS];
    static uint64_t offsets[DOCS + 1];
    static uint32_t bytes[DOCS];
    static char *names[] = {"text", "none"};
    world *w = gr_alloc(sizeof *w);
    for (int d = 0; d < DOCS; d++) {
        int length = 2 + d * 5 % (LONGEST - 1);
        offsets[d + 1] = offsets[d] + (uint64_t)length;
        for (int i = 0; i < length; i++)
            ids[offsets[d] + (uint64_t)i] = 1 + (d * 31 + i * i * 3 + i) % (V - 1);
        w->all[d] = (uint32_t)d;
    }
    gr_topics topics = {names, 2, topic, DOCS};
    gr__tokens tokens = {.topics = &topics, .offsets = offsets, .ids = ids, .bytes = bytes, .vocab = V};
    gr_error err = {0};
    gr_test_ok(gr__dataset_assemble(&w->data, &tokens, &(gr_dataset_def){.seed = 1}, &err), &err);
    gr_test_ok(gr_labels_new(&w->labels, &w->data->topics, NULL, 0, NULL, 0, 1, &err), &err);
    gr_labels *l = w->labels;
    size_t n = offsets[DOCS] + DOCS;
    l->token_truth = gr_arena_alloc(l->arena, n * sizeof *l->token_truth);
    l->token_revealed = gr_arena_alloc(l->arena, n * sizeof *l->token_revealed);
    l->token_score = gr_arena_alloc(l->arena, n * sizeof *l->token_score);
    l->uneven = gr_arena_alloc(l->arena, DOCS);
    for (int d = 0; d < DOCS; d++) {
        l->uneven[d] = 1;
        for (uint64_t i = 0; i <= offsets[d + 1] - offsets[d]; i++) {
            size_t at = offsets[d] + (uint64_t)d + i;
            int32_t token = offsets[d] + i < offsets[d + 1] ? ids[offsets[d] + i] : 0;
            l->token_truth[at] = l->token_revealed[at] = label_of(token);
            l->token_score[at] = (gr_real)score_of(d, (int)i);
        }
    }
    gr_stream_def def = gr_stream_default();
    def.rows = B, def.width = T, def.docs = w->all, def.doc_count = DOCS;
    gr_test_ok(gr_stream_new(&w->stream, w->data, w->labels, &def, &err), &err);
    return w;
}

static void world_free(world *w) {
    gr_stream_free(w->stream);
    gr_labels_free(w->labels);
    gr_dataset_free(w->data);
    gr_free(w);
}

/* Label 1 and 2 weigh the regions in one mode, by score if mix. */
static gr_router *router_new(const gr_model *model, gr_mode mode, bool mix) {
    gr_routes *routes = gr_routes_new(2, (const char *[]){"first", "second"});
    gr_router *router;
    gr_error err = {0};
    for (int k = 1; k <= 2; k++) {
        gr_routes_add(routes, gr_label_bit(k), GR_DRAW_SEQUENCE);
        routes->route[k - 1].mix = mix;
        gr_routes_option(routes, 1);
        gr_routes_effect(routes, mode, GR_SCOPE_REGION, "low", low[k]);
        gr_routes_effect(routes, mode, GR_SCOPE_REGION, "high", high[k]);
    }
    gr_test_ok(gr_router_new(&router, model, routes, 1, &err), &err);
    gr_routes_free(routes);
    return router;
}

/* What row n of the batch should weigh at unit j, from what it predicts alone. */
static double wanted(const gr__assembly *a, const gr_rows *rows, int n, int j, bool mix) {
    int from = a->from[a->order[n / T]] * T + n % T;
    if (rows->doc[from] < 0)
        return 1;
    int label = label_of(rows->targets[from]);
    double t = (j < CUT ? low : high)[label], score = score_of(rows->doc[from], n % T - (rows->start[from] % T));
    return mix && label ? 1 + score * (t - 1) : t;
}

static void backward(gr_run *run, const gr_batch *batch) {
    gr_run_zero(run);
    gr_run_forward(run, batch);
    gr_run_backward(run);
    gr_run_reduce(run);
}

static void check(gr_mode mode, bool mix) {
    world *w = world_new();
    net a = build(false), f = build(true);
    copy_params(f, a);
    gr_router *router = router_new(a.model, mode, mix);
    gr__assembly *assembly = gr__assembly_new(B, T, B, router);
    gr_rows rows;
    gr_run *routed, *frozen;
    gr_error err = {0};
    gr_test_ok(
        gr_run_new(&routed, a.model, gr_router_tables(router), &(gr_run_def){.positions = N, .train = true}, &err),
        &err);
    gr_test_ok(gr_run_new(&frozen, f.model, NULL, &(gr_run_def){.positions = N}, &err), &err);
    gr_stream_next(w->stream, 1, &rows);
    gr__assembly_fill(assembly, &rows, 1);
    gr_batch batch = gr__assembly_batch(assembly, 0);
    assert_true((batch.mix != NULL) == mix && batch.positions > N / 2);
    backward(routed, &batch);

    int stride, labelled = 0;
    const gr_real *v0 = gr_run_value(routed, a.hidden, &stride);
    gr_real *in[4];
    int32_t *cls = gr_alloc(N * sizeof *cls);
    for (int i = 0; i < 4; i++)
        in[i] = gr_alloc(N * H * sizeof(gr_real));
    for (int n = 0; n < batch.positions; n++) {
        cls[n] = batch.cls[n] < 0 ? -1 : 0; /* the twin has one class */
        labelled += batch.cls[n] > 0;
        for (int j = 0; j < H; j++) {
            double t = wanted(assembly, &rows, n, j, mix), s = mode == GR_MODE_PARAMETER ? t : 1,
                   m = mode == GR_MODE_ACTIVATION ? t : 1, value = cls[n] < 0 ? 0 : (double)v0[n * stride + j];
            in[0][n * H + j] = (gr_real)s;
            in[1][n * H + j] = (gr_real)(1 - s);
            /* forward: an ordinary product, nothing is frozen */
            in[2][n * H + j] = (gr_real)(mode == GR_MODE_FORWARD ? t : m);
            in[3][n * H + j] = (gr_real)(mode == GR_MODE_FORWARD ? 0 : (1 - m) * value);
        }
    }
    assert_true(labelled > 5);
    for (int i = 0; i < 4; i++)
        batch.x[i] = in[i];
    batch.cls = cls;
    batch.mix = NULL;
    compare(routed, a, frozen, f, &batch);
    for (int i = 0; i < 4; i++)
        gr_free(in[i]);
    gr_free(cls);
    gr__assembly_free(assembly);
    gr_router_free(router);
    gr_run_free(routed);
    gr_run_free(frozen);
    gr_model_free(a.model);
    gr_model_free(f.model);
    world_free(w);
}

static void forward_mode(void **state) { check(GR_MODE_FORWARD, false), (void)state; }
static void activation_mode(void **state) { check(GR_MODE_ACTIVATION, false), (void)state; }
static void parameter_mode(void **state) { check(GR_MODE_PARAMETER, false), (void)state; }
static void forward_mode_mix(void **state) { check(GR_MODE_FORWARD, true), (void)state; }
static void activation_mode_mix(void **state) { check(GR_MODE_ACTIVATION, true), (void)state; }
static void parameter_mode_mix(void **state) { check(GR_MODE_PARAMETER, true), (void)state; }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_mode),     cmocka_unit_test(activation_mode),     cmocka_unit_test(parameter_mode),
        cmocka_unit_test(forward_mode_mix), cmocka_unit_test(activation_mode_mix), cmocka_unit_test(parameter_mode_mix),
    };
    return cmocka_run_group_tests_name("labels per token", tests, NULL, NULL);
}
