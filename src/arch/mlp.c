/* mlp.c - the multilayer perceptron: rows of numbers, layers of neurons, and a loss by rows. The smallest example of an
 * architecture: checks, parameters, graph and the struct that holds them. */
#include <math.h>
#include <stdio.h>

#include "arch/kind.h"
#include "gradroute/ops.h"

#define USAGE(err, hint, ...) gr_error_set((err), GR_ERR_USAGE, "model", (hint), __VA_ARGS__)

/* ---- checks ---- */

/* Sizes, and options that this architecture has. */
static gr_status settle(gr__blueprint *blueprint, gr_error *err) {
    const gr_arch_def *def = blueprint->def;
    GR_TRY(gr__within("the number of sizes", def->sizes ? def->size_count : 0, 2, GR__MOST_LAYERS, err));
    for (int i = 0; i < def->size_count; i++)
        GR_TRY(gr__within("a size", def->sizes[i], 1, GR__MOST_UNITS, err));

    /* What only transformers can have. */
    if (def->init == GR_ARCH_INIT_FLAT || (def->init == GR_ARCH_INIT_UNIFORM && def->init_std > 0))
        return USAGE(err, "flat is for transformers, and init_std for normal draws",
                     "an mlp network cannot have initial values '%s' with init_std %g",
                     gr_arch_word("init", (int)def->init), def->init_std);
    if (gr__has_experts(def))
        return USAGE(err, "build a transformer", "an mlp network has no experts");
    if (def->activation == GR_ACTIVATION_SWIGLU)
        return USAGE(err, "choose relu, gelu, gelu_tanh or silu", "an mlp network has no gate for swiglu");

    /* Layers of neurons stand between the first size and the last. */
    blueprint->layers = def->size_count - 2;
    return GR_OK;
}

static gr_status check(const gr__blueprint *blueprint, int layer, gr_error *err) {
    return blueprint->all[GR__NEURONS][layer] ? GR_OK : USAGE(err, NULL, "hidden layer %d has no neurons", layer);
}

/* ---- parameters ---- */

/* Inputs of layer i before regions added to them: the scale of the draws, so that additions do not change it. */
static double fan_in(const gr__blueprint *blueprint, int layer) {
    return layer ? blueprint->claimable[GR__NEURONS][layer - 1] : blueprint->def->sizes[0];
}

/* A matrix for each layer and one for the outputs, each with a bias if there are biases. */
static void list(gr__blueprint *blueprint) {
    const gr__param_axis plain = {GR__PLAIN, false};
    const gr_arch_def *def = blueprint->def;
    int inputs = def->sizes[0];
    for (int i = 0; i <= blueprint->layers; i++) {
        /* Rows are the layer's neurons, columns what the layer before puts out. The first layer reads inputs, the last
         * one writes outputs: those are nobody's units. */
        bool last = i == blueprint->layers;
        gr__lister l = {blueprint, GR_NONE, last ? 0 : i, true};
        char name[32];
        snprintf(name, sizeof name, last ? "out" : "hidden.%d", i);
        gr__param_axis rows = last ? plain : (gr__param_axis){GR__NEURON, false},
                       cols = i ? (gr__param_axis){GR__NEURON, true} : plain;
        int outputs = last ? def->sizes[def->size_count - 1] : blueprint->all[GR__NEURONS][i];

        /* Initial values: normal with std sqrt(2 / inputs) (He et al. 2015), or uniform within 1 / sqrt(inputs). */
        double std = def->init_std > 0 ? def->init_std : sqrt(2 / fan_in(blueprint, i));
        gr_param_def matrix = gr__list_weight(outputs, inputs, std),
                     bias = gr__list_vector(outputs, last ? GR_KIND_OUT_BIAS : GR_KIND_BIAS);
        if (def->init == GR_ARCH_INIT_UNIFORM) {
            matrix.init = bias.init = GR_INIT_UNIFORM;
            matrix.std = bias.std = 1 / sqrt(fan_in(blueprint, i));
        }

        /* Columns are units of the layer before. */
        gr__blueprint_param *p = gr__list_add(&l, matrix, rows, cols, "%s", name);
        p->layer[1] = i ? i - 1 : 0;
        if (def->bias)
            gr__list_add(&l, bias, plain, rows, "%s.bias", name);
        inputs = outputs;
    }
}

/* ---- graph ---- */

/* w x + bias, without the gradient of x through rows whose regions stop it. */
static gr_value linear(gr_graph *g, const gr__blueprint *blueprint, const gr_param *handle, gr_value x,
                       const char *name) {
    gr_columns stop[GR_TERM_STOPS];
    gr_term term = {.x = x, .w = gr__blueprint_param_handle(blueprint, handle, GR_NONE, "%s", name), .stop = stop};
    term.stops = gr__blueprint_stops(blueprint, stop, GR_TERM_STOPS, gr__blueprint_find(blueprint, name));
    return gr_linear(g, 1, &term, gr__blueprint_param_handle(blueprint, handle, GR_NONE, "%s.bias", name), GR_NONE);
}

/* The loss of each row: by class, or by the difference from a row of targets. */
static gr_value row_loss(gr_graph *g, const gr_arch_def *def, gr_value out) {
    if (def->loss == GR_LOSS_CROSS_ENTROPY)
        return gr_cross_entropy(g, out);
    gr_value target = gr_input(g, 1, def->sizes[def->size_count - 1]);
    return def->loss == GR_LOSS_SQUARED ? gr_squared_error(g, out, target) : gr_absolute_error(g, out, target);
}

static void tap(char *text, size_t size, int layer, gr__sort sort) {
    (void)sort;
    snprintf(text, size, "hidden.%d", layer);
}

/* The graph: layer by layer activation, penalty, dropout, strengths, and the tap at which regions are gated. */
static void build(gr_graph *graph, const gr__blueprint *blueprint, bool watch) {
    const gr_arch_def *def = blueprint->def;
    gr_param *handle;
    int *region;
    gr__blueprint_register(graph, blueprint, &handle, &region);
    gr_value x = gr_input(graph, 0, def->sizes[0]);

    /* The penalty comes before the tap, so that no route reaches it; strengths come before it, so that gates close what
     * they multiply. */
    for (int i = 0; i < blueprint->layers; i++) {
        char name[32];
        tap(name, sizeof name, i, GR__NEURONS);
        x = gr__activate(graph, def->activation, linear(graph, blueprint, handle, x, name));
        if (gr__blueprint_penalised(blueprint, i))
            gr_graph_loss(graph, gr_mean(graph, gr_l1(graph, x)), def->l1);
        if (def->dropout > 0)
            x = gr_dropout(graph, x, def->dropout);
        x = gr__blueprint_strengths(graph, blueprint, handle, blueprint->span[GR__NEURONS], i, x, 1);
        x = gr_tap_point(graph, x, name);
        gr__blueprint_gates(graph, blueprint, region, blueprint->span[GR__NEURONS], i, gr_graph_tap(graph, x), 1);
        if (watch)
            gr_graph_output(graph, name, x);
    }

    /* Outputs, and the mean of the rows' losses. */
    gr_value out = linear(graph, blueprint, handle, x, "out"), loss = row_loss(graph, def, out);
    gr_graph_output(graph, "logits", out);
    gr_graph_output(graph, "row_loss", loss);
    gr_graph_loss(graph, gr_mean(graph, loss), 1);
    gr_free(handle);
    gr_free(region);
}

/* ---- the architecture ---- */

static void defaults(gr_arch_def *def) {
    def->bias = true;
    def->activation = GR_ACTIVATION_RELU;
}

const gr__arch gr__arch_mlp = {.name = "mlp",
                               .sized = true,
                               .noun = "an mlp",
                               .title = "a multilayer perceptron",
                               .defaults = defaults,
                               .settle = settle,
                               .check = check,
                               .list = list,
                               .graph = build,
                               .tap = tap};
