/* transformer_blueprint.c - the transformer but for its graph, which is in transformer.c: checks, counts of units,
 * parameters.
 *
 * Parameters of a layer are listed for the core, then for each residual group, which has the same ones in its own
 * sizes, then those of adapters. */
#include <math.h>
#include <stdio.h>

#include "arch/kind.h"

#define USAGE(err, hint, ...) gr_error_set((err), GR_ERR_USAGE, "model", (hint), __VA_ARGS__)

/* ---- checks and counts ---- */

/* Neurons where the description leaves them out: 4 * width, or for SwiGLU, which has a third matrix, 8/3 * width, so
 * that the number of parameters is the same (Shazeer 2020); up to a multiple of 32. */
static int default_mlp(const gr_arch_def *def) {
    if (def->mlp)
        return def->mlp;
    int n = def->activation == GR_ACTIVATION_SWIGLU ? (8 * def->width + 2) / 3 : 4 * def->width;
    return (n + 31) / 32 * 32;
}

/* What heads can do with positions, scores and windows. */
static gr_status check_attention(const gr__blueprint *blueprint, const gr_arch_def *def, gr_error *err) {
    const int size = blueprint->head_size, turns = def->rotary_size ? def->rotary_size : size;

    /* Rotary positions turn pairs of columns. */
    if (def->position == GR_POSITION_ROTARY) {
        if (!(def->rotary_base > 1))
            return USAGE(err, NULL, "rotary positions need a base above 1, it is %g", def->rotary_base);
        if (size % 2 && !def->rotary_halves)
            return USAGE(err, NULL, "rotary positions need an even head size, it is %d", size);
        if (turns < 2 || turns % 2 || turns > size)
            return USAGE(err, "pairs of columns are turned", "rotary_size is %d, expected an even number from 2 to %d",
                         turns, size);
    }

    /* Scale of the scores, and windows. */
    if (!(def->attention_scale >= 0 && def->attention_scale < 1e6))
        return USAGE(err, "0 stands for 1/sqrt(head size)", "attention_scale is %g", def->attention_scale);
    GR_TRY(gr__within("the number of windows", def->window_count, 0, GR__MOST_LAYERS, err));
    for (int i = 0; i < def->window_count; i++)
        GR_TRY(gr__within("a window (0: all positions)", def->windows[i], 0, GR__MOST_TOKENS, err));
    return GR_OK;
}

/* Checks what the core is made of, and sets its sizes. */
static gr_status settle(gr__blueprint *blueprint, gr_error *err) {
    const gr_arch_def *def = blueprint->def;

    /* Tokens and positions. */
    GR_TRY(gr__within("vocab", def->vocab, 1, GR__MOST_TOKENS, err));
    GR_TRY(gr__within("context", def->context, 1, GR__MOST_TOKENS, err));
    GR_TRY(gr__within("positions", def->positions, 0, GR__MOST_TOKENS, err));
    if (def->positions && (def->positions < def->context || def->position != GR_POSITION_LEARNED))
        return USAGE(err, "set position: learned, and positions to the context or more",
                     "%d positions for rows of %d, %s", def->positions, def->context,
                     gr_arch_word("position", (int)def->position));
    if (def->init == GR_ARCH_INIT_UNIFORM)
        return USAGE(err, "choose scaled or flat", "initial values 'uniform' are for mlp networks");

    /* Layers and widths. */
    GR_TRY(gr__within("layers", def->layers, 1, GR__MOST_LAYERS, err));
    GR_TRY(gr__within("width", def->width, 1, GR__MOST_WIDTH, err));
    GR_TRY(gr__within("heads", def->heads, 0, GR__MOST_WIDTH, err));
    GR_TRY(gr__within("mlp", def->mlp, 0, GR__MOST_UNITS, err));
    GR_TRY(gr__within("head_size", def->head_size, 0, 4096, err));
    if (!(def->eps > 0 && def->eps < 1))
        return USAGE(err, NULL, "eps is %g, expected a small number above 0", def->eps);

    /* Heads: all of one size, and as many query heads for each head of keys. */
    GR_TRY(gr__within("kv_heads", def->kv_heads, 0, def->heads, err));
    if (def->kv_heads && def->heads % def->kv_heads)
        return USAGE(err, "each head of keys and values serves the same number of query heads",
                     "kv_heads %d does not divide heads %d", def->kv_heads, def->heads);
    blueprint->group_size = def->kv_heads ? def->heads / def->kv_heads : 1;
    if (!def->head_size && (!def->heads || def->width % def->heads))
        return USAGE(err, "give head_size, or a width that is a multiple of heads",
                     "width %d does not divide into %d heads", def->width, def->heads);
    blueprint->head_size = def->head_size ? def->head_size : def->width / def->heads;

    /* Experts: how many there are, and how many of them a row uses. */
    GR_TRY(gr__within("experts", def->experts, 0, GR__MOST_EXPERTS, err));
    GR_TRY(gr__fraction("balance", def->balance, 1e6, err));
    if (gr__has_experts(def))
        GR_TRY(gr__within("top (of the experts)", def->top, 1, GR__MOST_EXPERTS, err));

    /* The stream grows when regions add residual dimensions. */
    blueprint->layers = def->layers;
    blueprint->width = blueprint->stream = blueprint->normed = def->width;
    return check_attention(blueprint, def, err);
}

/* Query heads of a layer as units. */
static gr_status count_heads(gr__blueprint *blueprint, int layer, gr_error *err) {
    const gr_arch_def *def = blueprint->def;
    int heads = def->layer_heads ? def->layer_heads[layer] : def->heads;
    GR_TRY(gr__within("the heads of a layer", heads, 0, GR__MOST_WIDTH, err));
    if (heads % blueprint->group_size)
        return USAGE(err, NULL, "the %d heads of layer %d cannot share heads of keys by %d", heads, layer,
                     blueprint->group_size);
    blueprint->claimable[GR__HEADS][layer] = heads / blueprint->group_size;
    return GR_OK;
}

/* Neurons of all experts of a layer. */
static gr_status count_experts(gr__blueprint *blueprint, int layer, gr_error *err) {
    const gr_arch_def *def = blueprint->def;
    if (!gr__has_experts(def))
        return GR_OK;
    int experts = def->layer_experts ? def->layer_experts[layer] : def->experts;
    GR_TRY(gr__within("the experts of a layer", experts, 0, GR__MOST_EXPERTS, err));
    GR_TRY(gr__within("the neurons of an expert", blueprint->claimable[GR__NEURONS][layer], 1,
                      GR__MOST_UNITS / GR__MOST_EXPERTS, err));
    blueprint->each[layer] = blueprint->claimable[GR__NEURONS][layer];
    blueprint->claimable[GR__NEURONS][layer] *= experts;
    return GR_OK;
}

/* Units of a layer: heads of keys, and neurons, those of all experts together. */
static gr_status count(gr__blueprint *blueprint, int layer, gr_error *err) {
    const gr_arch_def *def = blueprint->def;
    GR_TRY(count_heads(blueprint, layer, err));
    blueprint->claimable[GR__NEURONS][layer] = def->layer_mlp ? def->layer_mlp[layer] : default_mlp(def);
    return count_experts(blueprint, layer, err);
}

/* A bias into the stream needs a block of the core to stand in. */
static gr_status check(const gr__blueprint *blueprint, int layer, gr_error *err) {
    int heads = blueprint->all[GR__HEADS][layer], mlp = blueprint->all[GR__NEURONS][layer];
    if ((blueprint->def->bias || blueprint->def->out_bias) && (!heads || !mlp))
        return USAGE(err, "leave one, or do without biases",
                     "layer %d has %d heads and %d neurons; a block with a bias needs at least one", layer, heads, mlp);
    return GR_OK;
}

/* ---- parameters ---- */

static const gr__param_axis plain = {GR__PLAIN, false};
static const gr__param_axis reads = {GR__STREAM, false}, writes = {GR__STREAM, true};

/* Of what reads the stream, and of tables. */
static double usual_std(const gr_arch_def *def) {
    const double usual = def->init == GR_ARCH_INIT_FLAT ? 0.8 / sqrt((double)def->width) : 0.02;
    return def->init_std > 0 ? def->init_std : usual;
}

/* Biases of q, k and v may differ from the others. */
static bool has_bias(const gr_arch_def *def, gr__unit unit) {
    return unit == GR__QKV && def->qkv_bias != GR_QKV_AS_BIAS ? def->qkv_bias == GR_QKV_WITH_BIAS : def->bias;
}

/* A gain for each dimension of the owner, and a shift for layer norm. */
static void list_norm(const gr__lister *l, const char *prefix) {
    if (l->blueprint->def->no_gain)
        return;
    gr_param_def gain = gr__list_vector(gr__blueprint_own(l->blueprint, l->owner), GR_KIND_NORM);
    gain.init = GR_INIT_ONE;
    gr__list_add(l, gain, plain, reads, "%snorm", prefix);
    if (l->blueprint->def->norm == GR_NORM_LAYER)
        gr__list_add(l, gr__list_vector(gr__blueprint_own(l->blueprint, l->owner), GR_KIND_NORM), plain, reads,
                     "%snorm.shift", prefix);
}

/* A matrix that reads the stream into units, with the bias of the units. */
static void list_in(const gr__lister *l, int rows, gr__unit unit, const char *name) {
    gr__param_axis units = {unit, false};
    gr__list_add(l, gr__list_weight(rows, gr__blueprint_seen(l->blueprint, l->owner), usual_std(l->blueprint->def)),
                 units, reads, "layers.%d.%s", l->layer, name);
    if (has_bias(l->blueprint->def, unit))
        gr__list_add(l, gr__list_vector(rows, GR_KIND_BIAS), plain, units, "layers.%d.%s.bias", l->layer, name);
}

/* A matrix that writes units into the stream; its bias belongs to no unit, so groups have none. */
static void list_out(const gr__lister *l, int rows, gr__unit unit, const char *name) {
    const gr_arch_def *def = l->blueprint->def;
    gr__param_axis units = {unit, true};

    /* GPT-2's scale (Radford et al. 2019): 2 * layers blocks add to the stream, so each is drawn by sqrt(2 * layers)
     * smaller, and the stream does not grow with depth. */
    double std = usual_std(def) / (def->init == GR_ARCH_INIT_FLAT ? 1 : sqrt(2.0 * l->blueprint->layers));
    int cols = gr__blueprint_written(l->blueprint, l->owner);
    gr__list_add(l, gr__list_weight(rows, cols, std), units, writes, "layers.%d.%s", l->layer, name);
    if (l->owner == GR_NONE && (def->bias || def->out_bias))
        gr__list_add(l, gr__list_vector(cols, GR_KIND_OUT_BIAS), plain, writes, "layers.%d.%s.bias", l->layer, name);
}

/* Whether an owner has a part in the norm before a block: it is there as soon as somebody has units behind it, for it
 * reads all streams; but where a group has one apart, only its own units read that. */
static bool normed(const gr__lister *l, bool anybody, int units) {
    return anybody && (units || !gr__blueprint_apart(l->blueprint, l->owner));
}

/* Parameters of one layer for an owner, the core or a group. */
static void list_layer(const gr__lister *l) {
    const gr__blueprint *blueprint = l->blueprint;
    int heads = gr__blueprint_heads(blueprint, l->owner, l->layer),
        mlp = gr__blueprint_mlp(blueprint, l->owner, l->layer);
    char prefix[32];
    if (normed(l, gr__blueprint_attends(blueprint, l->layer), heads)) {
        snprintf(prefix, sizeof prefix, "layers.%d.attn.", l->layer);
        list_norm(l, prefix);
    }

    /* Attention. */
    if (heads) {
        list_in(l, heads * gr__blueprint_lines_of(blueprint, GR__QKV), GR__QKV, "attn.qkv");
        list_out(l, heads * gr__blueprint_lines_of(blueprint, GR__HEAD), GR__HEAD, "attn.out");
    }

    /* The other block, with a router where its neurons belong to experts. */
    if (normed(l, gr__blueprint_thinks(blueprint, l->layer), mlp)) {
        snprintf(prefix, sizeof prefix, "layers.%d.mlp.", l->layer);
        list_norm(l, prefix);
    }
    if (mlp && l->owner == GR_NONE && blueprint->each[l->layer])
        gr__list_add(l, gr__list_weight(mlp / blueprint->each[l->layer], blueprint->width, usual_std(blueprint->def)),
                     (gr__param_axis){GR__EXPERT, false}, reads, "layers.%d.mlp.router", l->layer);
    if (mlp) {
        list_in(l, mlp, GR__NEURON, "mlp.up");
        if (blueprint->def->activation == GR_ACTIVATION_SWIGLU)
            list_in(l, mlp, GR__NEURON, "mlp.gate");
        list_out(l, mlp, GR__NEURON, "mlp.down");
    }
}

/* What the output matrix does with the columns of a group: after RMS norm they are 0 where nothing was written, after
 * layer norm they are not, so that the matrix decides whether the group puts anything out. */
static gr__param_axis reads_last(const gr_arch_def *def, int owner) {
    return owner != GR_NONE && def->norm == GR_NORM_LAYER ? writes : reads;
}

/* All parameters of the core or of a group. */
static void list_owner(gr__blueprint *blueprint, int owner) {
    const gr_arch_def *def = blueprint->def;
    gr__lister l = {blueprint, owner, 0, true};

    /* What goes into the stream at first. */
    int own = gr__blueprint_own(blueprint, owner);
    double std = usual_std(def);
    gr__list_add(&l, gr__list_table(def->vocab, own, std), plain, writes, "embed");
    if (def->position == GR_POSITION_LEARNED)
        gr__list_add(&l, gr__list_table(def->positions ? def->positions : def->context, own, std), plain, writes,
                     "position");

    /* Layers, in their order. */
    l.outside = false;
    for (l.layer = 0; l.layer < blueprint->layers; l.layer++)
        list_layer(&l);

    /* What reads it in the end; tied, the embedding does. */
    l = (gr__lister){blueprint, owner, 0, true};
    list_norm(&l, "");
    if (!def->tied)
        gr__list_add(&l, gr__list_table(def->vocab, own, std), plain, reads_last(def, owner), "unembed");
    if (owner == GR_NONE && def->logit_bias)
        gr__list_add(&l, gr__list_vector(def->vocab, GR_KIND_OUT_BIAS), plain, plain, "unembed.bias");
}

/* ---- adapters ---- */

/* A and B of one map: what the columns of A and of B are is what the map reads and puts out. */
static void list_map(gr__blueprint *blueprint, int region, gr_map map, int layer) {
    bool inside;
    const char *name = gr__map_name(map, &inside);
    gr__lister l = {blueprint, region, layer, !inside};
    char text[64];

    /* What each map reads and puts out. */
    const int rank = blueprint->def->regions[region].adapter.rank, heads = blueprint->all[GR__HEADS][layer];
    const int mlp = blueprint->all[GR__NEURONS][layer];
    const struct {
        int inputs, outputs;
        gr__param_axis in, out;
    } maps[GR_MAPS] = {
        [GR_MAP_QKV] = {blueprint->width, heads * gr__blueprint_lines_of(blueprint, GR__QKV), reads, {GR__QKV, false}},
        [GR_MAP_OUT] = {heads * gr__blueprint_lines_of(blueprint, GR__HEAD),
                        blueprint->width,
                        {GR__HEAD, true},
                        writes},
        [GR_MAP_UP] = {blueprint->width, mlp, reads, {GR__NEURON, false}},
        [GR_MAP_GATE] = {blueprint->width, mlp, reads, {GR__NEURON, false}},
        [GR_MAP_DOWN] = {mlp, blueprint->width, {GR__NEURON, true}, writes},
        [GR_MAP_EMBED] = {blueprint->def->vocab, blueprint->width, plain, writes},
        [GR_MAP_UNEMBED] = {blueprint->width, blueprint->def->vocab, reads, plain},
    };

    /* A stands behind the map's name, and so does B. */
    if (inside)
        snprintf(text, sizeof text, "layers.%d.%s", layer, name);
    else
        snprintf(text, sizeof text, "%s", name);

    /* A is drawn with std 1 / sqrt(inputs) and B is 0, so that an adapter begins by adding nothing (Hu et al. 2021). */
    gr_param_def high = gr__list_weight(rank, maps[map].outputs, 0);
    high.init = GR_INIT_ZERO;
    gr__blueprint_param *low;
    if (map == GR_MAP_EMBED) /* looked up by token, so a row for each */
        low = gr__list_add(&l, gr__list_table(maps[map].inputs, rank, 1 / sqrt((double)rank)), plain, plain, "%s.a",
                           text);
    else
        low = gr__list_add(&l, gr__list_weight(rank, maps[map].inputs, 1 / sqrt((double)maps[map].inputs)), plain,
                           maps[map].in, "%s.a", text);
    low->role = GR__LOW;
    gr__list_add(&l, high, plain, maps[map].out, "%s.b", text)->role = GR__HIGH;
}

/* Maps outside of layers are there once. */
static void list_adapter(gr__blueprint *blueprint, int region) {
    for (int map = 0; map < GR_MAPS; map++)
        for (int i = 0; i < (map < GR_MAP_EMBED ? blueprint->layers : 1); i++)
            if (gr__blueprint_adapts(blueprint, region, (gr_map)map, i))
                list_map(blueprint, region, (gr_map)map, i);
}

/* Lists the parameters: the core's, then those of residual groups, then adapters. */
static void list(gr__blueprint *blueprint) {
    list_owner(blueprint, GR_NONE);
    for (int k = 0; k < blueprint->groups; k++)
        list_owner(blueprint, blueprint->group[k]);
    for (int r = 0; r < blueprint->def->region_count; r++)
        list_adapter(blueprint, r);
}

/* ---- the architecture ---- */

static void tap(char *text, size_t size, int layer, gr__sort sort) {
    snprintf(text, size, "layers.%d.%s", layer, sort == GR__HEADS ? "attn.heads" : "mlp.hidden");
}

const gr__arch gr__arch_transformer = {.name = "transformer",
                                       .settle = settle,
                                       .count = count,
                                       .check = check,
                                       .list = list,
                                       .graph = gr__transformer_graph,
                                       .tap = tap};
