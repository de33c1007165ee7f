/* Networks whose training steps are timed, and the products that a step cannot do without. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/sort.h"
#include "bench/bound.h"
#include "bench/side.h"
#include "gradroute/ops.h"
#include "gradroute/stream.h"
#include "kernel/kernel.h"
#include "train/internal.h"

enum { SHAPES = 8, SAMPLE_STEPS = 256, CODE = 32, PIXELS = 784 };

/* Linear maps of one shape: `count` of them, of which `dx` pass a gradient on, over `rows` rows each (0: all). */
typedef struct shape {
    int out, in, count, dx, rows;
} shape;

struct gr__net {
    const char *name;
    gr__conditions conditions;
    bool half;
    gr_model *model;
    gr_router *router;
    gr_tables *tables; /* of a network without a router; NULL: none */
    gr_run *run;
    gr_optim *optim;
    gr__assembly *assembly; /* NULL: the batch below is used as it is */
    gr_rows rows;
    double labelled;
    gr_batch batch;
    gr_arena *arena; /* the arrays of rows and batch */
    int n;           /* rows of the products */
    shape shape[SHAPES];
    int shapes;
    int64_t steps, counted;       /* all; those that were timed */
    double spent;                 /* in those */
    gr_op_time all[GR_BENCH_OPS]; /* of those */
};

gr_status gr__bench_stopped(const gr__conditions *conditions, gr_error *err) {
    if (conditions->stop && *conditions->stop)
        return gr_error_set(err, GR_ERR_INTERRUPTED, "bench", NULL, "stopped: what was not reported yet is lost");
    return GR_OK;
}

/* ---- making them ------------------------------------------------------------------------------------------------- */

static void add_shape(gr__net *net, int out, int in, int count, int dx) {
    net->shape[net->shapes++] = (shape){out, in, count, dx, 0};
}

/* The maps of a transformer without regions. */
static void add_shapes(gr__net *net, const gr_arch_def *a) {
    const int size = a->head_size ? a->head_size : a->width / a->heads;
    const int keys = a->kv_heads ? a->kv_heads : a->heads;
    const int experts = a->experts ? a->experts : 1, ups = a->activation == GR_ACTIVATION_SWIGLU ? 2 : 1;

    /* Queries, keys and values; out of the heads; into the neurons and out of them; the logits. */
    add_shape(net, (a->heads + 2 * keys) * size, a->width, a->layers, a->layers);
    add_shape(net, a->width, a->heads * size, a->layers, a->layers);
    add_shape(net, a->mlp, a->width, ups * experts * a->layers, ups * experts * a->layers);
    add_shape(net, a->width, a->mlp, experts * a->layers, experts * a->layers);
    for (int i = 2; i < 4 && a->experts; i++) /* each has its share of the rows */
        net->shape[i].rows = net->n * a->top / a->experts;
    add_shape(net, a->vocab, a->width, 1, 1);
}

static gr__net *net_new(const gr__net_def *def) {
    gr__net *net = gr_alloc(sizeof *net);
    net->name = def->name;
    net->conditions = def->conditions;
    net->half = def->precision != GR_PRECISION_FLOAT32 && gr_gemm_has_half();
    net->labelled = def->labelled;
    net->arena = gr_arena_new();
    omp_set_num_threads(def->conditions.threads); /* products are made for a number of threads */
    return net;
}

void gr__net_free(gr__net *net) {
    if (!net)
        return;
    gr__assembly_free(net->assembly);
    gr_optim_free(net->optim);
    gr_run_free(net->run);
    gr_router_free(net->router);
    gr_tables_free(net->tables);
    gr_model_free(net->model);
    gr_arena_free(net->arena);
    gr_free(net);
}

/* Run and optimiser, which must have the same tables. */
static gr_status open_run(gr__net *net, const gr__net_def *def, const gr_optim_def *optim, gr_error *err) {
    const gr_tables *tables = net->router ? gr_router_tables(net->router) : net->tables;
    gr_run_def run = {.positions = net->n, .train = true, .seed = 1, .precision = def->precision};
    run.time = def->conditions.time;
    GR_TRY(gr_run_new(&net->run, net->model, tables, &run, err));
    return gr_optim_new(&net->optim, net->model, tables, optim, err);
}

/* Random tokens, one document a row. */
static void fill_rows(gr__net *net, const gr__net_def *def) {
    gr_rows *r = &net->rows;
    size_t n = (size_t)net->n;
    gr_key key = {1, GR_STREAM_TEST, 0};
    *r = (gr_rows){.sequences = def->batch, .width = def->arch.context, .present = net->n};

    /* A position each, but for `unit`, which has one of each sequence. */
    r->ids = gr_arena_alloc(net->arena, n * sizeof *r->ids);
    r->targets = gr_arena_alloc(net->arena, n * sizeof *r->targets);
    r->start = gr_arena_alloc(net->arena, n * sizeof *r->start);
    r->doc = gr_arena_alloc(net->arena, n * sizeof *r->doc);
    r->label = gr_arena_alloc(net->arena, n * sizeof *r->label);
    r->truth = gr_arena_alloc(net->arena, n * sizeof *r->truth);
    r->unit = gr_arena_alloc(net->arena, (size_t)def->batch * sizeof *r->unit);

    for (size_t i = 0; i < n; i++) {
        r->ids[i] = (int32_t)(gr_random_uniform(key, i, 0) * def->arch.vocab);
        r->targets[i] = (int32_t)(gr_random_uniform(key, i + 1, 0) * def->arch.vocab);
        r->doc[i] = (int32_t)i / r->width;
    }

    for (int i = 0; i < def->batch; i++)
        r->unit[i] = i;
}

/* A transformer with its run; *out is NULL after an error. */
static gr_status make_transformer(gr__net **out, const gr__net_def *def, gr_error *err) {
    gr__net *net = *out = net_new(def);
    const gr_arch_def *a = &def->arch;
    gr_optim_def optim = gr_optim_default();
    optim.lr = 5e-4;
    optim.clip = 0;

    /* The rows, which stay the same, and the products that a step has. */
    net->n = def->batch * a->context;
    fill_rows(net, def);
    add_shapes(net, a);

    /* Each of these needs the one before. */
    gr_status status = gr_arch_build(&net->model, a, 1, err);
    if (status == GR_OK && def->routes)
        status = gr_router_new(&net->router, net->model, def->routes, 1, err);
    if (status == GR_OK)
        status = open_run(net, def, &optim, err);
    if (status == GR_OK)
        net->assembly = gr__assembly_new(def->batch, a->context, def->batch, net->router);

    if (status == GR_OK)
        return GR_OK;
    gr__net_free(net);
    *out = NULL;
    return status;
}

/* ---- the autoencoder */

/* sizes[0] -> sizes[1] -> sizes[2] -> sizes[3] with biases, and ReLU between. */
static gr_value layers(gr__net *net, gr_graph *g, gr_value x, const char *name, const int *sizes, bool dx) {
    for (int i = 0; i < 3; i++) {
        /* One map with its bias. */
        int in = sizes[i], out = sizes[i + 1];
        char *w = gr_format("%s.%d", name, i), *b = gr_format("%s.%d.bias", name, i);
        gr_param weight =
            gr_graph_param(g, &(gr_param_def){w, out, in, GR_KIND_WEIGHT, GR_INIT_NORMAL, 1 / sqrt(3.0 * in), false});
        gr_param bias = gr_graph_param(g, &(gr_param_def){b, 1, out, GR_KIND_BIAS, GR_INIT_ZERO, 0, false});
        gr_value y = gr_linear(g, 1, &(gr_term){.x = x, .w = weight}, bias, GR_NONE);
        x = i < 2 ? gr_relu(g, y) : y;

        /* Its products are counted with those of the same shape. The first map of all has no input that could learn. */
        bool merged = false;
        for (int s = 0; s < net->shapes && !merged; s++) {
            shape *same = &net->shape[s];
            merged = same->out == out && same->in == in;
            same->count += merged;
            same->dx += merged && (i > 0 || dx);
        }
        if (!merged)
            add_shape(net, out, in, 1, i > 0 || dx);

        gr_free(w);
        gr_free(b);
    }
    return x;
}

static void add_loss(gr_graph *g, gr_value per_row, double weight) { gr_graph_loss(g, gr_mean(g, per_row), weight); }

/* Encoder, decoder and the two certificates, with the losses of the paper. */
static gr_graph *autoencoder(gr__net *net) {
    gr_graph *g = gr_graph_new();
    gr_value x = gr_input(g, 0, PIXELS);

    /* The code, and what is built from it. */
    gr_value z = layers(net, g, x, "encoder", (int[]){PIXELS, 2048, 512, CODE}, false);
    gr_value code = gr_tap_point(g, z, "code"), half[2];
    add_loss(g, gr_absolute_error(g, layers(net, g, code, "decoder", (int[]){CODE, 512, 2048, PIXELS}, true), x), 1);

    /* Each certificate sees one half of the code, and teaches it nothing. */
    for (int i = 0; i < 2; i++) {
        half[i] = gr_slice(g, z, i * CODE / 2, (i + 1) * CODE / 2);
        gr_value seen = layers(net, g, gr_stop(g, half[i]), i ? "certificate.1" : "certificate.0",
                               (int[]){CODE / 2, 512, 2048, PIXELS}, false);
        add_loss(g, gr_absolute_error(g, seen, x), 1);
    }

    /* A code of few and independent numbers. */
    add_loss(g, gr_l1(g, z), 3e-3);
    gr_graph_loss(g, gr_correlation(g, half[0], half[1]), 0.1);
    return g;
}

/* Rows of a class send their gradient into their half of the code alone. */
static void split_code(gr__net *net) {
    gr_tap tap = gr_model_find_tap(net->model, "code");
    net->tables = gr_tables_new(net->model, 2);
    gr_tables_activation(net->tables, tap, 0, CODE / 2, (double[]){1, 0});
    gr_tables_activation(net->tables, tap, CODE / 2, CODE, (double[]){0, 1});
    gr_tables_finish(net->tables);
}

/* The autoencoder with its run; *out is NULL after an error. */
static gr_status make_autoencoder(gr__net **out, const gr__net_def *def, gr_error *err) {
    gr__net *net = *out = net_new(def);
    net->n = def->batch;
    size_t n = (size_t)net->n;

    /* Pixels from -1 to 1, and one of two classes for each row. */
    gr_real *x = gr_arena_alloc(net->arena, n * PIXELS * sizeof *x);
    int32_t *cls = gr_arena_alloc(net->arena, n * sizeof *cls);
    for (size_t i = 0; i < n * PIXELS; i++)
        x[i] = (gr_real)(2 * gr_random_uniform((gr_key){1, GR_STREAM_TEST, 1}, i, 0) - 1);
    for (size_t i = 0; i < n; i++)
        cls[i] = gr_random_uniform((gr_key){1, GR_STREAM_TEST, 2}, i, 0) < 0.5;
    net->batch = (gr_batch){.positions = net->n, .x = {x}, .cls = cls, .denominator = net->n};

    gr_optim_def optim = gr_optim_default();
    optim.kind = GR_OPTIM_ADAM;
    optim.beta2 = 0.999;
    optim.decay = 5e-5;
    optim.clip = 0;

    gr_status status = gr_model_new(&net->model, autoencoder(net), 1, err);
    if (status == GR_OK) {
        split_code(net);
        status = open_run(net, def, &optim, err);
    }

    if (status == GR_OK)
        return GR_OK;
    gr__net_free(net);
    *out = NULL;
    return status;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

/* The share of labelled rows, exact over many steps: which rows they are moves from step to step. */
static void label_rows(gr__net *net) {
    gr_rows *r = &net->rows;

    /* So many rows are labelled in this step: the whole part of what is due by now, less what was. */
    double each = net->labelled * r->sequences;
    int count = (int)(floor(each * (double)(net->steps + 1)) - floor(each * (double)net->steps));
    memset(r->label, 0, (size_t)net->n * sizeof *r->label);

    /* They are spread evenly over the batch, and move on by a row each step. */
    for (int i = 0; i < count; i++) {
        int row = (int)((net->steps + (int64_t)i * r->sequences / count) % r->sequences);
        for (int j = 0; j < r->width; j++)
            r->label[row * r->width + j] = 1;
    }

    memcpy(r->truth, r->label, (size_t)net->n * sizeof *r->truth);
}

/* One step, and how long it took. What is timed is what training does: the rows are ready, the batch is not. */
static gr_status step(gr__net *net, double *seconds, gr_error *err) {
    GR_TRY(gr__bench_stopped(&net->conditions, err));
    omp_set_num_threads(net->conditions.threads);
    if (net->assembly)
        label_rows(net);

    double from = gr__now();
    gr_status status;
    if (net->assembly) {
        gr__losses losses = {0};
        double norm;
        gr__assembly_fill(net->assembly, &net->rows, net->steps);
        status = gr__step(net->run, net->optim, net->assembly, GR_NONE, &losses, &norm, err);
    } else {
        net->batch.step = net->steps;
        gr_run_zero(net->run);
        gr_run_forward(net->run, &net->batch);
        gr_run_backward(net->run);
        gr_run_reduce(net->run);
        status = gr_optim_step(net->optim, net->run, NULL, err);
    }

    *seconds = gr__now() - from;
    net->steps++;
    return status;
}

/* Adds what the ops took since the last call, with the sign given. */
static void add_times(gr__net *net, double sign) {
    gr_op_time now[GR_BENCH_OPS];
    int count = gr_run_times(net->run, now, GR_BENCH_OPS);
    for (int i = 0; i < count && i < GR_BENCH_OPS; i++) {
        net->all[i].op = now[i].op;
        net->all[i].products = now[i].products;
        net->all[i].forward += sign * now[i].forward;
        net->all[i].backward += sign * now[i].backward;
    }
}

gr_status gr__net_sample(void *self, double *seconds, gr_error *err) {
    gr__net *net = self;
    double each[SAMPLE_STEPS], sum = 0, warm;
    int fewest = net->conditions.quick ? 2 : 5, count = 0;

    /* A step that does not count, then as many as take a second together. */
    GR_TRY(step(net, &warm, err));
    add_times(net, -1);
    while (count < fewest || (!net->conditions.quick && sum < 1 && count < SAMPLE_STEPS)) {
        GR_TRY(step(net, &each[count], err));
        sum += each[count++];
    }

    add_times(net, 1);
    net->spent += sum;
    net->counted += count;
    *seconds = gr__median(each, count);
    return GR_OK;
}

/* ---- the faster precision ---------------------------------------------------------------------------------------- */

typedef gr_status maker(gr__net **net, const gr__net_def *def, gr_error *err);

/* Where the definition leaves it open, the precision whose steps take less time, as it is done with the other side. */
static gr_status make_faster(gr__net **out, const gr__net_def *def, maker *make, gr_error *err) {
    static const gr_precision precision[2] = {GR_PRECISION_FLOAT32, GR_PRECISION_BF16};
    gr__net *net[2] = {0};
    double seconds[2] = {0};
    if (def->precision != GR_PRECISION_AUTO || !gr_gemm_has_half() || def->conditions.quick)
        return make(out, def, err);

    gr_status status = GR_OK;
    for (int half = 0; half < 2 && status == GR_OK; half++) {
        gr__net_def own = *def;
        own.precision = precision[half];
        status = make(&net[half], &own, err);
        if (status == GR_OK)
            status = gr__net_sample(net[half], &seconds[half], err);
    }

    int faster = seconds[1] < seconds[0];
    *out = status == GR_OK ? net[faster] : NULL;
    gr__net_free(net[!faster]);
    if (status != GR_OK)
        gr__net_free(net[faster]);
    return status;
}

gr_status gr__net_transformer(gr__net **net, const gr__net_def *def, gr_error *err) {
    return make_faster(net, def, make_transformer, err);
}

gr_status gr__net_autoencoder(gr__net **net, const gr__net_def *def, gr_error *err) {
    return make_faster(net, def, make_autoencoder, err);
}

/* ---- bound and profile ------------------------------------------------------------------------------------------- */

/* The products of a step one after the other, each as fast as it goes alone: seconds, 0 where one cannot be had. */
gr_status gr__net_bound_sample(void *self, double *seconds, gr_error *err) {
    gr__net *net = self;
    double sum = 0, least = net->conditions.quick ? 0 : 0.02;
    *seconds = 0;
    omp_set_num_threads(net->conditions.threads);

    /* Each map has three: forward, and the gradients of its input and of its weights. */
    for (int i = 0; i < net->shapes; i++) {
        const shape *s = &net->shape[i];
        const int rows = s->rows ? s->rows : net->n;
        const struct {
            int m, n, k, count;
        } product[] = {{rows, s->out, s->in, s->count}, {rows, s->in, s->out, s->dx}, {s->out, s->in, rows, s->count}};

        for (int p = 0; p < 3; p++) {
            GR_TRY(gr__bench_stopped(&net->conditions, err));
            if (!product[p].count)
                continue;
            double one = gr_gemm_bound(product[p].m, product[p].n, product[p].k, net->half, p == 2, least);
            if (one == 0)
                return GR_OK;
            sum += one * product[p].count;
        }
    }
    *seconds = sum;
    return GR_OK;
}

bool gr__net_half(const gr__net *net) { return net->half; }

static int longest_first(const void *a, const void *b) {
    const gr_op_time *x = a, *y = b;
    double p = x->forward + x->backward, q = y->forward + y->backward;
    return (p < q) - (p > q);
}

/* Where a step's time went: each operation, and what is left over. */
void gr__net_profile(gr_bench_profile *profile, const gr__net *net) {
    double scale = net->counted ? 1e3 / (double)net->counted : 0;
    *profile = (gr_bench_profile){.half = net->half, .step = net->spent * scale, .other = net->spent * scale};
    snprintf(profile->name, sizeof profile->name, "%s", net->name);

    for (int i = 0; i < GR_BENCH_OPS && net->all[i].op; i++) {
        gr_op_time t = net->all[i];
        t.forward *= scale;
        t.backward *= scale;
        profile->other -= t.forward + t.backward;
        profile->op[profile->ops++] = t;
    }
    qsort(profile->op, (size_t)profile->ops, sizeof *profile->op, longest_first);
}
