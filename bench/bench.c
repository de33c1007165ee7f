/* The benchmarks, a function and a line of the table for each, and the rounds in which two sides take turns. */
#include "bench/bench.h"

#include <omp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/sort.h"
#include "bench/side.h"
#include "kernel/kernel.h"

enum { ROUNDS = 5, SLOW_ROUNDS = 3 }; /* slow: PyTorch and the bound, whose samples take long */

typedef struct bench {
    const gr_bench_def *def;
    gr__conditions conditions;
    gr_bench_profile *profile;
    size_t profiles, room;
} bench;

/* ---- rounds and rows --------------------------------------------------------------------------------------------- */

static void note(const bench *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(const bench *b, const char *format, ...) {
    char text[128];
    va_list args;
    if (!b->def->note)
        return;
    va_start(args, format);
    gr__vprint(text, sizeof text, format, args);
    va_end(args);
    b->def->note(b->def->user, text);
}

static const char *word_of(bool half) { return half ? "bf16" : "float32"; }

/* A row with nothing in it yet but what it compares. */
static gr_bench_row row_of(const char *name, const char *against, const char *unit) {
    gr_bench_row row = {.unit = unit, .precision = word_of(false)};
    snprintf(row.name, sizeof row.name, "%s", name);
    snprintf(row.against, sizeof row.against, "%s", against);
    return row;
}

/* The precision of our side: it may have been chosen when the network was made. */
static gr_bench_row in_precision_of(gr_bench_row row, const gr__net *net) {
    row.precision = word_of(gr__net_half(net));
    return row;
}

/* Reports the row as one that could not be measured, with the reason. */
static gr_status skip(const bench *b, gr_bench_row row, const char *why) {
    snprintf(row.skipped, sizeof row.skipped, "%s", why);
    b->def->row(b->def->user, &row);
    return GR_OK;
}

/* Milliseconds: median, least and most of some times in seconds, which this sorts. */
static gr_spread spread(double *seconds, int count) {
    double median = gr__median(seconds, count); /* sorts */
    return (gr_spread){1e3 * median, 1e3 * seconds[0], 1e3 * seconds[count - 1]};
}

/* Both sides in turns; a side that cannot be measured leaves row->ratio 0. */
static gr_status take_turns(const bench *b, gr_bench_row *row, gr__side ours, gr__side theirs, int rounds,
                            gr_error *err) {
    /* Theirs first: a side that cannot be measured is known before ours takes its time. */
    double o[ROUNDS], t[ROUNDS];
    rounds = b->conditions.quick ? 1 : rounds;
    for (int i = 0; i < rounds; i++) {
        note(b, "%s against %s, round %d of %d", row->name, row->against, i + 1, rounds);
        GR_TRY(theirs.sample(theirs.self, &t[i], err));
        if (!(t[i] > 0))
            return GR_OK;
        GR_TRY(ours.sample(ours.self, &o[i], err));
    }

    row->ours = spread(o, rounds);
    row->theirs = spread(t, rounds);
    row->ratio = row->theirs.median / row->ours.median;
    return GR_OK;
}

/* The row, or why there is none. */
static void report(const bench *b, gr_bench_row row, const char *why) {
    if (row.ratio > 0)
        b->def->row(b->def->user, &row);
    else
        skip(b, row, why);
}

/* ---- profiles ---------------------------------------------------------------------------------------------------- */

/* Keeps where a network's time went, once for a name and precision. bound: milliseconds of the bound, 0: it has none,
 * negative: to be measured now. */
static gr_status keep(bench *b, gr__net *net, double bound, gr_error *err) {
    gr_bench_profile p;

    /* Kept once: a network stands in several rows, and the first of them has timed it. */
    if (!b->def->profile)
        return GR_OK;
    gr__net_profile(&p, net);
    if (p.step == 0) /* its row was skipped */
        return GR_OK;
    for (size_t i = 0; i < b->profiles; i++)
        if (strcmp(b->profile[i].name, p.name) == 0 && b->profile[i].half == p.half)
            return GR_OK;

    p.bound = bound;
    if (bound < 0) {
        note(b, "%s: the bound of its products", p.name);
        GR_TRY(gr__net_bound_sample(net, &p.bound, err));
        p.bound *= 1e3;
    }
    GR_PUSH(b->profile, b->profiles, b->room) = p;
    return GR_OK;
}

/* ---- PyTorch ----------------------------------------------------------------------------------------------------- */

static const char no_peers[] = "GRADROUTE_PEERS is not set";

/* A row against a script, whose precision is known only once it ran. */
static gr_status compare_peer(const bench *b, gr_bench_row row, gr__net *net, gr__peer *peer, gr_error *err) {
    peer->conditions = b->conditions;
    row = in_precision_of(row, net);
    GR_TRY(take_turns(b, &row, (gr__side){gr__net_sample, net}, (gr__side){gr__peer_sample, peer}, SLOW_ROUNDS, err));
    if (row.ratio > 0)
        snprintf(row.against, sizeof row.against, "PyTorch %s", word_of(peer->half));
    report(b, row, peer->failed);
    return GR_OK;
}

/* ---- networks ---------------------------------------------------------------------------------------------------- */

/* A transformer as GPT-2 has it, of these sizes. */
static gr_arch_def gpt(int vocab, int width, int layers, int heads, int context) {
    gr_arch_def a = gr_arch_default();
    a.vocab = vocab, a.width = width, a.layers = layers, a.heads = heads, a.context = context;
    a.mlp = 4 * width;
    a.norm = GR_NORM_LAYER;
    a.position = GR_POSITION_LEARNED;
    a.activation = GR_ACTIVATION_GELU;
    a.bias = true;
    a.tied = false;
    return a;
}

enum { SMALL_BATCH = 16, LARGE_BATCH = 8, QUICK_BATCH = 2 };
static gr_arch_def arch_small(void) { return gpt(4096, 256, 4, 8, 256); }
static gr_arch_def arch_28m(void) { return gpt(50257, 512, 8, 16, 256); }

static gr__net_def plain(const bench *b, const char *name, gr_arch_def arch, int batch) {
    return (gr__net_def){
        .name = name, .arch = arch, .batch = batch, .precision = GR_PRECISION_AUTO, .conditions = b->conditions};
}

/* ---- against PyTorch */

/* A transformer of ours against the same in PyTorch. */
static gr_status against_torch(bench *b, const char *name, gr_arch_def arch, int batch, int repeat, gr_error *err) {
    char args[160];
    gr__net *net;
    gr_bench_row row = row_of(name, "PyTorch", "ms/step");

    if (!b->def->peers)
        return skip(b, row, no_peers);

    /* The same sizes on both sides. */
    snprintf(args, sizeof args, "--vocab %d --width %d --layers %d --heads %d --context %d --batch %d --repeat %d",
             arch.vocab, arch.width, arch.layers, arch.heads, arch.context, batch, b->conditions.quick ? 1 : repeat);
    gr__peer peer = {.peers = b->def->peers, .script = "torch_lm.py", .args = args};
    gr__net_def def = plain(b, name, arch, batch);

    GR_TRY(gr__net_transformer(&net, &def, err));
    gr_status status = compare_peer(b, row, net, &peer, err);
    if (status == GR_OK)
        status = keep(b, net, -1, err);
    gr__net_free(net);
    return status;
}

static gr_status gpt_small(bench *b, gr_error *err) {
    return against_torch(b, "gpt-small", arch_small(), SMALL_BATCH, 5, err);
}

static gr_status gpt_28m(bench *b, gr_error *err) {
    return against_torch(b, "gpt-28m", arch_28m(), LARGE_BATCH, 3, err);
}

static gr_status small(bench *b, gr_error *err) {
    return against_torch(b, "small", gpt(4096, 64, 2, 4, 64), 4, 20, err);
}

/* The autoencoder of the MNIST experiment, whose script knows its sizes. */
static gr_status mnist_ae(bench *b, gr_error *err) {
    gr__net *net;
    gr_bench_row row = row_of("mnist-ae", "PyTorch", "ms/step");
    if (!b->def->peers)
        return skip(b, row, no_peers);

    gr__peer peer = {.peers = b->def->peers, .script = "torch_mnist_ae.py", .args = "", .routed = -1};
    gr__net_def def = {.name = "mnist-ae", .batch = 2048, .precision = GR_PRECISION_AUTO, .conditions = b->conditions};

    GR_TRY(gr__net_autoencoder(&net, &def, err));
    gr_status status = compare_peer(b, row, net, &peer, err);
    if (status == GR_OK)
        status = keep(b, net, -1, err);
    gr__net_free(net);
    return status;
}

/* ---- against the bound */

/* The step of a network against its products alone, in one precision. */
static gr_status against_bound(bench *b, const char *name, const char *of, gr_arch_def arch, int batch,
                               gr_precision precision, gr_error *err) {
    gr__net *net;
    gr__net_def def = plain(b, of, arch, batch);
    def.precision = precision;
    GR_TRY(gr__net_transformer(&net, &def, err));

    /* A precision that this processor lacks is a row without figures, not one in another precision. */
    gr_bench_row row = row_of(name, gr__net_half(net) ? "bound bf16" : "bound float32", "ms/step");
    gr_status status = GR_OK;
    if (precision == GR_PRECISION_BF16 && !gr__net_half(net)) {
        snprintf(row.against, sizeof row.against, "bound bf16");
        status = skip(b, row, "this processor has no bfloat16 products");
    } else {
        gr__side ours = {gr__net_sample, net}, theirs = {gr__net_bound_sample, net};
        row = in_precision_of(row, net);
        status = take_turns(b, &row, ours, theirs, SLOW_ROUNDS, err);
        if (status == GR_OK) {
            report(b, row, "oneDNN has no such product on this processor");
            status = keep(b, net, row.theirs.median, err);
        }
    }
    gr__net_free(net);
    return status;
}

static gr_status gpt_small_bound(bench *b, gr_error *err) {
    const char *name = "gpt-small-bound", *of = "gpt-small";
    GR_TRY(against_bound(b, name, of, arch_small(), SMALL_BATCH, GR_PRECISION_BF16, err));
    return against_bound(b, name, of, arch_small(), SMALL_BATCH, GR_PRECISION_FLOAT32, err);
}

static gr_status gpt_28m_bound(bench *b, gr_error *err) {
    return against_bound(b, "gpt-28m-bound", "gpt-28m", arch_28m(), LARGE_BATCH, GR_PRECISION_AUTO, err);
}

/* Keys shared by four query heads, windows on every other layer, half of each head turned, gated MLPs. */
static gr_status llama_bound(bench *b, gr_error *err) {
    static const int windows[] = {0, 128};
    gr_arch_def a = gr_arch_default();
    a.vocab = 4096, a.width = 256, a.layers = 4, a.heads = 8, a.kv_heads = 2, a.context = 256, a.mlp = 704;
    a.rotary_size = 16;
    a.windows = windows, a.window_count = 2;
    a.tied = false;
    return against_bound(b, "llama-bound", "llama", a, SMALL_BATCH, GR_PRECISION_AUTO, err);
}

/* Eight experts of half of gpt-small's neurons each, of which a row uses two: as many products. */
static gr_status experts_bound(bench *b, gr_error *err) {
    gr_arch_def a = arch_small();
    a.experts = 8, a.top = 2, a.mlp = 512, a.balance = 0.01;
    return against_bound(b, "experts-bound", "experts", a, SMALL_BATCH, GR_PRECISION_AUTO, err);
}

/* ---- routed steps */

/* Labelled rows of 16: 2, 2, 1, 2, ... */
#define LABELLED 0.11
static const char *const topic = "topic";

static gr_status routes_of_preset(gr_routes **routes, const char *name, gr_error *err) {
    const gr_preset *preset = gr_preset_find(name);
    gr_preset_def def = gr_preset_default(preset);
    *routes = gr_routes_new(1, &topic);
    return gr_preset_expand(*routes, preset, &def, err);
}

/* The region of gpt-small: the last 64 neurons and the last head of each layer. */
static const gr_arch_region claimed = {.name = "topic", .mlp = {.last = 64}, .heads = {.last = 1}};

static gr__net_def routed_small(const bench *b, const char *name, const gr_routes *routes) {
    gr__net_def def = plain(b, name, arch_small(), SMALL_BATCH);
    def.arch.regions = &claimed;
    def.arch.region_count = 1;
    def.labelled = LABELLED;
    def.routes = routes;
    return def;
}

/* Our own sides on both hands. */
static gr_status compare(const bench *b, gr_bench_row row, gr__side ours, gr__side theirs, gr_error *err) {
    GR_TRY(take_turns(b, &row, ours, theirs, ROUNDS, err));
    report(b, row, "nothing was measured");
    return GR_OK;
}

/* A routed step against the plain step of the same network. */
static gr_status against_plain(bench *b, gr__net_def def, gr_error *err) {
    gr__net *routed, *same = NULL;

    if (b->conditions.quick)
        def.batch = QUICK_BATCH;

    /* The second network is the first without routes, in the precision that the first was found faster in. */
    GR_TRY(gr__net_transformer(&routed, &def, err));
    def.routes = NULL;
    def.precision = gr__net_half(routed) ? GR_PRECISION_BF16 : GR_PRECISION_FLOAT32;

    gr_status status = gr__net_transformer(&same, &def, err);
    if (status == GR_OK)
        status = compare(b, in_precision_of(row_of(def.name, "plain step", "ms/step"), routed),
                         (gr__side){gr__net_sample, routed}, (gr__side){gr__net_sample, same}, err);

    if (status == GR_OK)
        status = keep(b, routed, 0, err);
    gr__net_free(same);
    gr__net_free(routed);
    return status;
}

static gr_status preset_against_plain(bench *b, const char *name, const char *preset, gr_error *err) {
    gr_routes *routes;
    gr_status status = routes_of_preset(&routes, preset, err);
    if (status == GR_OK)
        status = against_plain(b, routed_small(b, name, routes), err);
    gr_routes_free(routes);
    return status;
}

static gr_status routed_sgtm(bench *b, gr_error *err) { return preset_against_plain(b, "routed-sgtm", "sgtm", err); }
static gr_status routed_gram(bench *b, gr_error *err) { return preset_against_plain(b, "routed-gram", "gram", err); }

/* Expand and route (ERA): the MLPs of the first 5 of 6 layers have 64 neurons more, which are the region. A token of a
 * labelled row gives the old neurons a weight of -0.75, 0.3 or 1, as a token's share in the topic would have it. */
static gr_status routed_era(bench *b, gr_error *err) {
    static const int layers[] = {0, 1, 2, 3, 4};
    static const double weight[] = {-0.75, 0.3}; /* what is left over is 1 */
    gr_arch_region added = {.name = "topic", .mlp = {.add = 64}, .layers = layers, .layer_count = 5};

    /* Two of three options; the third does nothing. */
    gr_routes *routes = gr_routes_new(1, &topic);
    gr_routes_add(routes, gr_label_bit(1), GR_DRAW_TOKEN);
    gr__net_def def = plain(b, "routed-era", arch_small(), SMALL_BATCH);

    for (int i = 0; i < 2; i++) {
        gr_routes_option(routes, 1.0 / 3);
        for (int l = 0; l < 5; l++) {
            char tap[40];
            snprintf(tap, sizeof tap, "layers.%d.mlp.hidden", l);
            gr_routes_tap(routes, GR_MODE_ACTIVATION, tap, 0, def.arch.mlp, weight[i]);
        }
    }

    /* The region is added to a network of six layers. */
    def.arch.layers = 6;
    def.arch.regions = &added;
    def.arch.region_count = 1;
    def.labelled = LABELLED;
    def.routes = routes;

    gr_status status = against_plain(b, def, err);
    gr_routes_free(routes);
    return status;
}

/* A routed step against PyTorch, which takes a pass for each kind of rows. */
static gr_status routed_peer(bench *b, gr_error *err) {
    gr_routes *routes;
    gr__net *net = NULL;
    gr_bench_row row = row_of("routed-peer", "PyTorch", "ms/step");

    char *script = gr_format("%s/torch_routed.py", b->def->scripts ? b->def->scripts : "bench");
    gr__peer peer = {.script = script, .args = b->conditions.quick ? "--repeat 1" : "", .routed = 1};
    gr_status status = routes_of_preset(&routes, "sgtm", err);

    /* The same network and routes as in the row routed-sgtm. */
    gr__net_def def = routed_small(b, "routed-sgtm", routes);
    if (status == GR_OK)
        status = gr__net_transformer(&net, &def, err);
    if (status == GR_OK)
        status = compare_peer(b, row, net, &peer, err);
    if (status == GR_OK)
        status = keep(b, net, 0, err);

    gr__net_free(net);
    gr_routes_free(routes);
    gr_free(script);
    return status;
}

/* ---- generated text, threads */

static gr_status generate(bench *b, gr_error *err) {
    gr_arch_def arch = arch_28m();
    gr__generation *text;
    gr_bench_row row = row_of("generate", "reading the weights", "ms/token");
    row.precision = word_of(gr_gemm_has_half()); /* reading is what takes the time: half the bytes are faster */
    GR_TRY(gr__generation_new(&text, &arch, &b->conditions, err));
    gr_status status =
        compare(b, row, (gr__side){gr__generation_sample, text}, (gr__side){gr__generation_read_sample, text}, err);
    gr__generation_free(text);
    return status;
}

/* A step on two threads against one thread. */
static gr_status threads(bench *b, gr_error *err) {
    gr__net *two, *one = NULL;
    gr_bench_row row = row_of("threads", "1 thread", "ms/step");
    if (gr_cores() < 2 || b->conditions.threads < 2)
        return skip(b, row, "it needs 2 threads and 2 cores");

    gr__net_def def = plain(b, "gpt-small", arch_small(), SMALL_BATCH);
    def.conditions.threads = 2;
    GR_TRY(gr__net_transformer(&two, &def, err));

    /* The same work: the precision that was chosen for two threads. */
    def.conditions.threads = 1;
    def.precision = gr__net_half(two) ? GR_PRECISION_BF16 : GR_PRECISION_FLOAT32;

    gr_status status = gr__net_transformer(&one, &def, err);
    if (status == GR_OK)
        status = compare(b, in_precision_of(row, two), (gr__side){gr__net_sample, two}, (gr__side){gr__net_sample, one},
                         err);

    gr__net_free(one);
    gr__net_free(two);
    return status;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *help;
    gr_status (*run)(bench *b, gr_error *err);
} table[] = {
    {"gpt-small-bound", "4 layers of 256, 16 x 256 tokens: its products alone", gpt_small_bound},
    {"gpt-small", "the same against PyTorch", gpt_small},
    {"gpt-28m-bound", "8 layers of 512, 8 x 256 tokens: its products alone", gpt_28m_bound},
    {"gpt-28m", "the same against PyTorch", gpt_28m},
    {"llama-bound", "shared keys, windows, gated MLPs: its products alone", llama_bound},
    {"experts-bound", "8 experts of 512 neurons, 2 a row: its products alone", experts_bound},
    {"small", "2 layers of 64, 4 x 64 tokens against PyTorch", small},
    {"mnist-ae", "autoencoder with a split code against PyTorch", mnist_ae},
    {"routed-sgtm", "gpt-small, 11 % labelled: its plain step", routed_sgtm},
    {"routed-gram", "the same with preset gram", routed_gram},
    {"routed-era", "6 layers, activation masks on 5: its plain step", routed_era},
    {"routed-peer", "routed-sgtm against PyTorch in two passes", routed_peer},
    {"generate", "a token from gpt-28m: reading its weights once", generate},
    {"threads", "gpt-small on 2 threads: on 1 thread", threads},
};
enum { BENCHES = sizeof table / sizeof *table };

int gr_benches(void) { return BENCHES; }
const char *gr_bench_name(int index) { return table[index].name; }
const char *gr_bench_help(int index) { return table[index].help; }

int gr_bench_threads(const gr_bench_def *def) {
    int cores = gr_cores();
    return def->threads ? def->threads : cores < 2 ? cores : 2;
}

gr_status gr_bench_run(const int *which, int count, const gr_bench_def *def, gr_error *err) {
    bench b = {.def = def, .conditions = {gr_bench_threads(def), def->quick, def->profile != NULL, def->stop}};
    gr_status status = GR_OK;
    for (int i = 0; i < count && status == GR_OK; i++)
        status = table[which[i]].run(&b, err);
    for (size_t i = 0; i < b.profiles && status == GR_OK; i++)
        def->profile(def->user, &b.profile[i]);
    gr_free(b.profile);
    return status;
}
