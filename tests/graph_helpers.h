/* graph_helpers.h - odd and random graphs, drawn by a seed, with class tables and batches for them. A network is
 * described once and built twice: with taps that read a table, or in the frozen form that differences can be taken of.
 */
#ifndef GR_TESTS_GRAPH_HELPERS_H
#define GR_TESTS_GRAPH_HELPERS_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/compiled.h"
#include "support.h"

enum { V = 13, CLASSES = 4, TAPS = 2, VALUES = 64, WIDTHS = 9, BLOCK = GR_BLOCK };

/* ---- describing a network ---- */

/* A graph being drawn. frozen: tap k reads input 2k times the value plus input 2k + 1, instead of a table. */
typedef struct draw {
    gr_graph *g;
    bool frozen;    /* build the form that differences are taken of */
    bool separable; /* rows of different documents do not meet */
    bool stops;     /* gr_stop and dropout may occur: no differences */
    bool drops;     /* dropout does occur */
    uint64_t seed;
    int drawn, params, taps;
    gr_value tapped[TAPS];  /* what the taps read */
    gr_value value[VALUES]; /* [N x width] each */
    gr_param tied[VALUES];  /* parameters that may be used again */
    int tied_rows[VALUES], tied_cols[VALUES];
    int values, ties;
} draw;

typedef void (*describe)(draw *d);

static inline int pick(draw *d, int n) {
    return (int)(gr_random_bits((gr_key){d->seed, GR_STREAM_TEST, 77}, (uint64_t)d->drawn++, 0) % (uint64_t)n);
}

static inline gr_param param(draw *d, int rows, int cols) {
    char name[32];
    snprintf(name, sizeof name, "p%d", d->params++);
    return gr_graph_param(d->g, &(gr_param_def){name, rows, cols, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.6, false});
}

/* A new parameter, or at times an old one of that size. */
static inline gr_param shared(draw *d, int rows, int cols) {
    bool again = pick(d, 2);
    for (int i = 0; again && i < d->ties; i++)
        if (d->tied_rows[i] == rows && d->tied_cols[i] == cols)
            return d->tied[i];
    d->tied_rows[d->ties] = rows;
    d->tied_cols[d->ties] = cols;
    return d->tied[d->ties++] = param(d, rows, cols);
}

static inline int width(const draw *d, gr_value v) { return gr_value_width(d->g, v); }

static inline gr_value tap(draw *d, gr_value x) {
    int k = d->taps++;
    char name[32];
    snprintf(name, sizeof name, "t%d", k);
    d->tapped[k] = x;
    if (!d->frozen)
        return gr_tap_point(d->g, x, name);
    gr_value scaled = gr_mul(d->g, x, gr_input(d->g, 2 * k, width(d, x)));
    return gr_add(d->g, scaled, gr_input(d->g, 2 * k + 1, width(d, x)));
}

static inline gr_value linear(draw *d, gr_value x, int out) {
    return gr_linear(d->g, 1, &(gr_term){.x = x, .w = param(d, out, width(d, x))}, GR_NONE, GR_NONE);
}

/* The first n columns. */
static inline gr_value first(draw *d, gr_value x, int n) { return n == width(d, x) ? x : gr_slice(d->g, x, 0, n); }

static inline gr_value norm(draw *d, gr_value x) {
    int w = width(d, x), cut = w > 3 && pick(d, 2) ? w / 2 : 0;
    gr_norm_group group[] = {{param(d, 1, w - cut), w - cut, GR_NONE}, {GR_NONE, cut, GR_NONE}};
    return gr_rms_norm(d->g, x, cut ? 2 : 1, group, 0.1);
}

static inline void loss(draw *d, gr_value v) {
    gr_value row = gr_linear(d->g, 1, &(gr_term){.x = v, .w = param(d, 1, width(d, v))}, GR_NONE, GR_NONE);
    gr_graph_loss(d->g, gr_mean(d->g, gr_add(d->g, row, gr_squared_error(d->g, v, gr_silu(d->g, v)))), 0.7);
}

static inline void language_loss(draw *d, gr_value v) {
    gr_graph_loss(d->g, gr_mean(d->g, gr_cross_entropy(d->g, linear(d, v, V))), 1.3);
}

/* ---- odd graphs ---- */

static inline gr_value leaf(draw *d, int w) { return gr_embedding(d->g, param(d, V, w)); }

/* A tap on a slice, read beside the slice's neighbours and the whole. */
static inline void tap_on_slice(draw *d) {
    gr_value x = gr_silu(d->g, leaf(d, 7)), s = gr_slice(d->g, x, 2, 6), t = tap(d, s);
    loss(d, gr_concat(d->g, 4, (gr_value[]){t, gr_slice(d->g, t, 1, 3), x, s}));
    language_loss(d, gr_linear(d->g, 2, (gr_term[]){{.x = t, .w = param(d, 5, 4)}, {.x = s, .w = param(d, 5, 4)}},
                               GR_NONE, GR_NONE));
}

/* A tap on a slice of a tap on a slice. */
static inline void tap_on_tap(draw *d) {
    gr_value x = linear(d, leaf(d, 4), 8), t = tap(d, gr_slice(d->g, x, 1, 8));
    gr_value u = tap(d, gr_slice(d->g, t, 2, 6));
    loss(d, gr_add(d->g, gr_mul(d->g, u, gr_slice(d->g, t, 3, 7)), gr_slice(d->g, x, 0, 4)));
    loss(d, gr_gelu(d->g, u));
}

/* Everything twice: the value, its tap, the parameter. */
static inline void twice(draw *d) {
    gr_value x = leaf(d, 6), t = tap(d, x);
    gr_param w = param(d, 6, 6);
    gr_value y = gr_linear(
        d->g, 3, (gr_term[]){{.x = t, .w = w}, {.x = t, .w = w, .transposed = true}, {.x = x, .w = w}}, GR_NONE, t);
    gr_value z = gr_linear(d->g, 1, &(gr_term){.x = gr_mul(d->g, y, y), .w = w, .lo = 0, .hi = 6}, GR_NONE, y);
    loss(d, gr_add(d->g, gr_swiglu(d->g, z, z), gr_add(d->g, t, t)));
    language_loss(d, gr_concat(d->g, 2, (gr_value[]){t, t}));
}

/* One tap and nothing else between the leaf and a loss over the whole batch. */
static inline void whole_batch(draw *d) {
    gr_value x = leaf(d, 5), t = tap(d, x), u = tap(d, gr_silu(d->g, linear(d, t, 4)));
    gr_graph_loss(d->g, gr_correlation(d->g, t, u), 0.9);
    gr_graph_loss(d->g, gr_add(d->g, gr_correlation(d->g, x, x), gr_mean(d->g, gr_slice(d->g, u, 1, 2))), 0.4);
    language_loss(d, u);
}

/* Zeros handed on by what keeps them, into a second tap, a base, a norm and products. */
static inline void zeros_in_a_row(draw *d) {
    gr_value x = leaf(d, 6), t = tap(d, x), h = gr_gelu(d->g, gr_slice(d->g, t, 1, 5));
    gr_value u = tap(d, gr_mul(d->g, h, h)), n = norm(d, u);
    gr_value y =
        gr_linear(d->g, 2, (gr_term[]){{.x = h, .w = param(d, 4, 4)}, {.x = n, .w = param(d, 4, 4)}}, GR_NONE, u);
    loss(d, gr_concat(d->g, 3, (gr_value[]){y, u, x}));
}

/* The second tap reads what a product made of the first. */
static inline void tap_after_product(draw *d) {
    gr_value x = leaf(d, 6), a = tap(d, gr_silu(d->g, x));
    gr_value b = tap(d, linear(d, a, 5)), y = linear(d, b, 6);
    language_loss(d, gr_add(d->g, x, y));
}

/* Heads behind a tap, whose keys come from another tap's columns. */
static inline void heads(draw *d) {
    gr_value x = leaf(d, 6), a = tap(d, gr_silu(d->g, linear(d, x, 4)));
    gr_value q = gr_linear(d->g, 2, (gr_term[]){{.x = a, .w = param(d, 12, 4)}, {.x = x, .w = param(d, 12, 6)}},
                           param(d, 1, 12), GR_NONE);
    gr_value h =
        tap(d, gr_attention(d->g, q, &(gr_attention_def){.heads = 2, .size = 2, .scale = 0.5, .rotary_base = 10}));
    loss(d, gr_linear(d->g, 1, &(gr_term){.x = h, .w = param(d, 4, 6), .transposed = true}, GR_NONE, x));
}

/* Heads that read nothing but what is off for some classes. */
static inline void heads_of_zeros(draw *d) {
    gr_value x = leaf(d, 6), a = tap(d, x);
    gr_value h = tap(d, gr_attention(d->g, linear(d, a, 6), &(gr_attention_def){.heads = 1, .size = 2, .scale = 0.5}));
    loss(d, gr_add(d->g, x, h));
}

/* Numbers that are added up before they are a loss, values nobody needs, parameters nobody reaches. */
static inline void numbers(draw *d) {
    gr_value x = leaf(d, 4), t = tap(d, x), unused = linear(d, gr_silu(d->g, t), 3);
    gr_value a = gr_mean(d->g, gr_slice(d->g, gr_mul(d->g, t, x), 0, 1)), b = gr_mean(d->g, gr_slice(d->g, x, 3, 4));
    gr_graph_output(d->g, "unused", unused);
    linear(d, x, 5);
    gr_graph_loss(d->g, gr_add(d->g, gr_add(d->g, a, b), gr_add(d->g, a, a)), 1.1);
    gr_graph_loss(d->g, a, -0.3);
    gr_graph_loss(d->g, a, 0.2);
    loss(d, t);
}

/* The tap's gradient is the last buffer of all, and begins with columns that are not the tap's. */
static inline void tap_at_the_end(draw *d) {
    gr_value x = leaf(d, 8), t = tap(d, gr_slice(d->g, x, 4, 8));
    for (int i = 0; i < 3; i++)
        gr_graph_loss(d->g, gr_mean(d->g, gr_slice(d->g, t, i, i + 1)), 0.5);
    gr_graph_loss(d->g, gr_mean(d->g, gr_slice(d->g, x, 0, 1)), 0.5);
}

/* Two adapters of one map, each with its own low-rank value behind a tap. */
static inline void adapters(draw *d) {
    gr_value x = gr_silu(d->g, leaf(d, 6)), one = tap(d, gr_scale(d->g, linear(d, x, 2), 1.7));
    gr_value two = tap(d, linear(d, x, 3));
    gr_value y = gr_linear(d->g, 3,
                           (gr_term[]){{.x = x, .w = param(d, 7, 6)},
                                       {.x = one, .w = param(d, 2, 7), .transposed = true},
                                       {.x = two, .w = param(d, 3, 7), .transposed = true}},
                           param(d, 1, 7), GR_NONE);
    language_loss(d, gr_gelu(d->g, y));
    loss(d, y);
}

/* What a layer adds to the stream, its bias included, behind one tap for its heads and one for its neurons. */
static inline void whole_layer(draw *d) {
    gr_value x = leaf(d, 6),
             h = gr_attention(d->g, linear(d, norm(d, x), 12),
                              &(gr_attention_def){.heads = 2, .size = 2, .scale = 0.5, .rotary_base = 10});
    gr_value out =
        gr_linear(d->g, 1, &(gr_term){.x = h, .w = param(d, 4, 6), .transposed = true}, param(d, 1, 6), GR_NONE);
    x = gr_add(d->g, x, tap(d, out));
    gr_value up = gr_gelu(d->g, linear(d, norm(d, x), 5));
    gr_value down =
        gr_linear(d->g, 1, &(gr_term){.x = up, .w = param(d, 5, 6), .transposed = true}, param(d, 1, 6), GR_NONE);
    language_loss(d, norm(d, gr_add(d->g, x, tap(d, down))));
}

/* The scores of four experts. Their maximum serves safety alone and has no derivative: differences are taken beside a
 * constant logit above all others, which holds it fixed. Shares do not depend on it, and it changes nothing else. */
static inline gr_value scores_of(draw *d, gr_value x) {
    gr_value logits = linear(d, x, 4), one = gr_normalise(d->g, gr_scores(d->g, gr_slice(d->g, logits, 0, 1)));
    return gr_slice(d->g, gr_scores(d->g, gr_concat(d->g, 2, (gr_value[]){logits, gr_scale(d->g, one, 9)})), 0, 4);
}

/* Two of four experts; the scores of two of them, and all hidden units, are behind taps. */
static inline void experts(draw *d) {
    gr_value x = leaf(d, 6), n = norm(d, x);
    gr_value scores = scores_of(d, n), some = tap(d, gr_slice(d->g, scores, 0, 2));
    gr_value p = gr_normalise(d->g, gr_concat(d->g, 2, (gr_value[]){some, gr_slice(d->g, scores, 2, 4)}));
    gr_value chosen = gr_top(d->g, p, 2);
    gr_value up = gr_expert_linear(d->g, n, chosen, param(d, 8, 6), param(d, 1, 8), false);
    gr_value hidden = tap(d, gr_weigh(d->g, gr_gelu(d->g, up), chosen));
    language_loss(d, gr_add(d->g, x, gr_expert_linear(d->g, hidden, chosen, param(d, 8, 6), param(d, 1, 6), true)));
}

/* Learned numbers before and behind taps, one of them twice. */
static inline void gates(draw *d) {
    gr_value x = gr_silu(d->g, leaf(d, 6));
    gr_param g = param(d, 1, 1);
    gr_value a = tap(d, gr_learned_gate(d->g, x, 1, 5, g, false)), b = tap(d, gr_learned_gate(d->g, a, 0, 6, g, true));
    loss(d, gr_learned_gate(d->g, gr_add(d->g, a, b), 2, 3, param(d, 1, 1), true));
    language_loss(d, b);
}

static const describe odd[] = {tap_on_slice,      tap_on_tap,  twice,          whole_batch, zeros_in_a_row,
                               tap_after_product, heads,       heads_of_zeros, numbers,     tap_at_the_end,
                               adapters,          whole_layer, gates,          experts};
enum { ODD = sizeof odd / sizeof *odd };

/* ---- random graphs ---- */

static inline gr_value any(draw *d) {
    int back = pick(d, 4) ? pick(d, d->values < 4 ? d->values : 4) : pick(d, d->values);
    return d->value[d->values - 1 - back];
}

static inline gr_value random_linear(draw *d) {
    gr_value a = any(d), b = any(d), base = any(d);
    int out = width(d, base), wa = width(d, a), wb = width(d, b), terms = 1 + pick(d, 2);
    bool flip = pick(d, 2);
    int narrow = out > 2 ? out - pick(d, 3) : out;
    gr_term term[] = {{.x = a, .w = flip ? shared(d, wa, out) : shared(d, out, wa), .transposed = flip},
                      {.x = b, .w = shared(d, narrow, wb), .at = out - narrow}};
    if (pick(d, 4) == 0) { /* part of the columns of a wider parameter */
        term[1].w = param(d, narrow, wb + 2);
        term[1].lo = 1;
        term[1].hi = wb + 1;
    }
    return gr_linear(d->g, terms, term, pick(d, 2) ? param(d, 1, out) : GR_NONE, pick(d, 2) ? base : GR_NONE);
}

static inline gr_value random_value(draw *d) {
    gr_value a = any(d), b = any(d);
    int wa = width(d, a), wb = width(d, b), least = wa < wb ? wa : wb, lo = pick(d, wa);
    switch (pick(d, 13)) {
    case 0:
        return gr_silu(d->g, a);
    case 1:
        return gr_gelu(d->g, a);
    case 2:
        return gr_slice(d->g, a, lo, lo + 1 + pick(d, wa - lo));
    case 3:
        return wa + wb <= WIDTHS ? gr_concat(d->g, 2, (gr_value[]){a, b}) : gr_add(d->g, a, b);
    case 4:
        return gr_add(d->g, a, b);
    case 5:
        return gr_mul(d->g, first(d, a, least), first(d, b, least));
    case 6:
        return gr_swiglu(d->g, first(d, a, least), first(d, b, least));
    case 7:
        return norm(d, a);
    case 8:
        return d->stops ? gr_stop(d->g, a) : gr_position(d->g, a, param(d, 7, wa));
    case 9:
        return gr_attention(d->g, linear(d, a, 6),
                            &(gr_attention_def){.heads = 1, .size = 2, .scale = 0.6, .rotary_base = 10});
    case 10:
        if (d->taps < TAPS)
            return tap(d, a);
        d->drops |= d->stops;
        return d->stops ? gr_dropout(d->g, a, 0.3) : gr_gelu_tanh(d->g, a);
    default:
        return random_linear(d);
    }
}

static inline void random_graph(draw *d) {
    d->value[d->values++] = leaf(d, 5);
    for (int i = 0; i < 14; i++) {
        /* Taps early, so that much lies behind them. */
        gr_value v = i == 1 || (i == 6 && d->taps < TAPS) ? tap(d, any(d)) : random_value(d);
        d->value[d->values++] = v;
    }
    loss(d, any(d));
    language_loss(d, d->value[d->values - 1]);
    if (!d->separable)
        gr_graph_loss(d->g, gr_correlation(d->g, any(d), any(d)), 0.8);
}

/* ---- models, tables and batches ---- */

typedef struct net {
    gr_model *model;
    draw d;
} net;

static inline net build(describe make, draw d) {
    net n = {.d = d};
    n.d.g = gr_graph_new();
    make(&n.d);
    gr_error err = {0};
    gr_test_ok(gr_model_new(&n.model, n.d.g, 17, &err), &err);
    return n;
}

static inline size_t size_of(const gr_model *m, gr_param p) {
    const gr_param_def *def = gr_model_param(m, p);
    return (size_t)def->rows * (size_t)def->cols;
}

/* Weights of classes 1 to 3; class 0 is always plain. */
static const double *weights(draw *d) {
    static const double list[][CLASSES] = {{1, 0, 1, 1}, {1, 1, 0, 1},     {1, 0, 0, 1},       {1, 0, 0.3, 0},
                                           {1, 0, 0, 0}, {1, -0.75, 1, 0}, {1, 0.3, -0.75, 2}, {1, 1, 1, 0}};
    return list[pick(d, 8)];
}

/* almost: a forward weight of 0 becomes so small that nothing shows but that nothing is skipped either. */
typedef struct modes {
    bool forward, activation, parameter, almost;
} modes;

/* Tables keyed by the graph's seed: over the whole width of each tap, or cut into ranges. */
static inline gr_tables *tables_of(const net *n, modes mode) {
    draw d = {.seed = n->d.seed + 1000};
    gr_tables *t = gr_tables_new(n->model, CLASSES);
    for (int k = 0; k < gr_model_taps(n->model); k++) {
        int w, cut;
        gr_model_tap(n->model, k, &w);
        for (int kind = 0; kind < 2; kind++) {
            const double *one = weights(&d), *two = weights(&d);
            void (*say)(gr_tables *, gr_tap, int, int, const double *) =
                kind ? gr_tables_activation : gr_tables_forward;
            cut = pick(&d, 3) ? w : pick(&d, w + 1);
            if (!(kind ? mode.activation : mode.forward) || (mode.forward && mode.activation && pick(&d, 4) == 0))
                continue;
            double u[2][CLASSES];
            for (int c = 0; c < CLASSES; c++) {
                u[0][c] = mode.almost && !kind && one[c] == 0 ? 1e-200 : one[c];
                u[1][c] = mode.almost && !kind && two[c] == 0 ? 1e-200 : two[c];
            }
            if (cut > 0)
                say(t, k, 0, cut, u[0]);
            if (cut < w)
                say(t, k, cut, w, u[1]);
        }
    }
    for (int p = 0; mode.parameter && p < gr_model_params(n->model); p++) {
        const gr_param_def *def = gr_model_param(n->model, p);
        for (int i = pick(&d, 4); i > 0; i--) {
            int lo0 = pick(&d, 2) ? 0 : pick(&d, def->rows), lo1 = pick(&d, 2) ? 0 : pick(&d, def->cols);
            gr_rect rect = {p, lo0, lo0 + 1 + pick(&d, def->rows - lo0), lo1, lo1 + 1 + pick(&d, def->cols - lo1)};
            gr_tables_param(t, rect, weights(&d));
        }
    }
    gr_tables_finish(t);
    return t;
}

enum { BY_DOCUMENT, BY_TOKEN, BY_BLOCK };

/* Documents of uneven lengths, the longest of `longest` rows; here and there a row is absent. */
static inline gr_test_batch batch_of(int rows, int longest, int by, uint64_t seed) {
    gr_test_batch b = gr_test_batch_new(rows, V, seed);
    gr_key key = {seed, GR_STREAM_TEST, 5};
    int start = 0, length = 0;
    for (int n = 0; n < rows; n++) {
        if (n == start + length) {
            start = n;
            uint64_t bits = gr_random_bits(key, (uint64_t)n, 0);
            length = 1 + (int)(bits % (uint64_t)(bits & 4096 ? longest : longest / 8 + 1));
        }
        int at = by == BY_DOCUMENT ? start : by == BY_TOKEN ? n : n / BLOCK * BLOCK;
        b.start[n] = start;
        b.cls[n] = (int32_t)(gr_random_bits(key, (uint64_t)at, 1) % CLASSES);
        if (gr_random_uniform(key, (uint64_t)n, 2) < 0.02)
            b.cls[n] = -1;
    }
    b.batch.cls = b.cls;
    b.batch.weight = b.weight;
    return b;
}

static inline gr_run *run_new(gr_model *m, const gr_tables *t, int rows, bool train) {
    gr_run *run;
    gr_error err = {0};
    gr_test_ok(gr_run_new(&run, m, t, &(gr_run_def){.positions = rows, .train = train, .seed = 1}, &err), &err);
    return run;
}

static inline double step(gr_run *run, const gr_batch *batch) {
    gr_run_zero(run);
    double total = gr_run_forward(run, batch);
    gr_run_backward(run);
    gr_run_reduce(run);
    return total;
}

static inline void close_to(const char *what, const net *n, gr_param p, const gr_real *want, const gr_real *got,
                            double limit) {
    double d = gr_test_distance(want, got, size_of(n->model, p));
    for (size_t i = 0; i < size_of(n->model, p); i++)
        if (!isfinite((double)got[i]))
            d = INFINITY;
    if (!(d < limit))
        fail_msg("%s, graph %d: %s is %.3g off", what, (int)n->d.seed, gr_model_param(n->model, p)->name, d);
}

#endif
