/* transformer.c - the transformer as a graph.
 *
 * The core alone is the usual network. Each residual group has a stream of its own beside the core's; they meet in the
 * norms, and groups add terms to what is written into the core's stream. So the core's products have the same shapes,
 * strides and order with and without groups: that is what makes a network whose groups are off repeat the bits of the
 * network without them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "arch/kind.h"
#include "arch/tap.h"
#include "gradroute/ops.h"

enum { TERMS_MOST = 1 + GR__GROUPS_MOST + GR__REGIONS_MOST }; /* of a map */

/* What a group reads of a norm: the core's columns, its own, and both side by side. Of a group that stops gradients
 * only its own pass any, and to its own stream alone. */
typedef struct reads {
    gr_value core, own, both;
} reads;

typedef struct builder {
    gr_graph *g;
    const gr__blueprint *blueprint;
    const gr_arch_def *def;
    gr_param *handle;                  /* of each parameter of the blueprint */
    int *region;                       /* of each region of the description */
    gr_tap group_tap[GR__GROUPS_MOST]; /* embedding of each group: says whether it is on */
    reads read[GR__GROUPS_MOST];       /* of the last norm */
    gr_value chosen;                   /* experts of the layer that is being built */
    bool watch;
} builder;

#define PARAM(b, owner, ...) gr__blueprint_param_handle((b)->blueprint, (b)->handle, (owner), __VA_ARGS__)

/* ---- names and taps ---- */

/* Places the tap "REGION.layers.i.NAME" or "layers.i.NAME". */
static gr_value tap_layer(builder *b, gr_value x, int owner, int layer, const char *name) {
    char text[192];
    gr__tap_name(text, sizeof text, owner == GR_NONE ? NULL : b->def->regions[owner].name, layer, name);
    gr_value point = gr_tap_point(b->g, x, text);
    if (b->watch && owner == GR_NONE)
        gr_graph_output(b->g, text, point);
    return point;
}

/* The core's stream tap, where claimed residual dimensions are gated. */
static gr_value tap_stream(builder *b, gr_value x, const char *name) {
    gr_value point = gr_tap_point(b->g, x, name);
    if (b->watch)
        gr_graph_output(b->g, name, point);
    for (int r = 0; r < b->def->region_count; r++) {
        gr__unit_span s = b->blueprint->stream_span[r];
        if (s.lo < s.hi)
            gr_graph_region_gate(b->g, b->region[r], gr_graph_tap(b->g, point), s.lo, s.hi);
    }
    return point;
}

/* A point that belongs to a region as a whole, gated by it. */
static gr_value gate_region(builder *b, gr_value point, int owner) {
    gr_graph_region_gate(b->g, b->region[owner], gr_graph_tap(b->g, point), 0, gr_value_width(b->g, point));
    return point;
}

/* ---- adapters ---- */

/* base + the terms + bias: any number of terms, in products of 4; in networks of 4 groups of 5, so that core and groups
 * are one product. */
static gr_value sum(builder *b, int count, const gr_term *term, gr_param bias, gr_value base) {
    const int most = b->blueprint->groups < 4 ? 4 : 5;
    for (int i = 0; i < count; i += most) {
        base = gr_linear(b->g, count - i < most ? count - i : most, term + i, bias, base);
        bias = GR_NONE;
    }
    return base;
}

/* A dropout(x) of a region's adapter, scaled and gated: what its B reads. x of the embedding's is GR_NONE. */
static gr_value low_rank(builder *b, gr_value x, int region, const char *name) {
    const gr_arch_adapter *a = &b->def->regions[region].adapter;
    char text[192];
    gr_param w = PARAM(b, region, "%s.a", name);

    /* A region that stops gradients sends none into what it reads. */
    if (b->def->regions[region].stop && x != GR_NONE)
        x = gr_stop(b->g, x);

    /* The embedding reads tokens, so its A is a table; all others are products. */
    gr_value low;
    if (x == GR_NONE)
        low = gr_embedding(b->g, w);
    else
        low = gr_linear(b->g, 1, &(gr_term){.x = gr_dropout(b->g, x, a->dropout), .w = w}, GR_NONE, GR_NONE);

    /* The scale, the strength, and the gate that takes the adapter out. */
    if (a->scale != 0 && a->scale != 1)
        low = gr_scale(b->g, low, a->scale);
    low = gr__blueprint_strength(b->g, b->blueprint, b->handle, region, low, 0, a->rank);
    snprintf(text, sizeof text, "%s.%s.low", b->def->regions[region].name, name);
    return gate_region(b, gr_tap_point(b->g, low, text), region);
}

/* The terms of all adapters of a map that reads x, behind the `count` that there are; returns how many then. */
static int adapt(builder *b, gr_term *term, int count, gr_value x, gr_map map, int layer) {
    /* The map's name is part of its adapters' names. */
    bool inside;
    char name[64] = "";
    const char *of = gr__map_name(map, &inside);
    if (inside)
        snprintf(name, sizeof name, "layers.%d.", layer);
    strncat(name, of, sizeof name - strlen(name) - 1);
    for (int r = 0; r < b->def->region_count; r++)
        if (gr__blueprint_adapts(b->blueprint, r, map, layer))
            term[count++] = (gr_term){.x = low_rank(b, x, r, name), .w = PARAM(b, r, "%s.b", name), .transposed = true};
    return count;
}

/* ---- reading and writing the streams ---- */

/* The number of the residual group that a region has. */
static int group_of(const gr__blueprint *blueprint, int owner) {
    int k = 0;
    while (blueprint->group[k] != owner)
        k++;
    return k;
}

/* The core's columns of a norm. */
static gr_value core_of(builder *b, gr_value n) {
    const int width = b->blueprint->width;
    return width < gr_value_width(b->g, n) ? gr_slice(b->g, n, 0, width) : n;
}

/* w x over what the owner sees of the normed streams n: core and own group side by side, in one product wherever the
 * group stands in the stream, so that its sums do not depend on which groups there are. */
static gr_value read_streams(builder *b, gr_value n, int owner, int layer, gr_map map) {
    const gr__blueprint *blueprint = b->blueprint;
    const char *name = gr__map_name(map, NULL);
    gr_param w = PARAM(b, owner, "layers.%d.%s", layer, name);
    gr_param bias = PARAM(b, owner, "layers.%d.%s.bias", layer, name);

    /* A group: what it reads stands ready (open_reads). */
    if (owner != GR_NONE)
        return gr_linear(b->g, 1, &(gr_term){.x = b->read[group_of(blueprint, owner)].both, .w = w}, bias, GR_NONE);

    /* The core: without the columns of the units of regions that stop, and with adapters. */
    gr_value x = core_of(b, n);
    gr_columns ranges[GR_TERM_STOPS];
    gr_term term[TERMS_MOST] = {{.x = x, .w = w, .stop = ranges}};
    char text[64];
    snprintf(text, sizeof text, "layers.%d.%s", layer, name);
    term[0].stops = gr__blueprint_stops(blueprint, ranges, GR_TERM_STOPS, gr__blueprint_find(blueprint, text));
    return sum(b, adapt(b, term, 1, x, map, layer), term, bias, GR_NONE);
}

/* stream + the terms + bias + what experts put out (GR_NONE: nothing), with dropout of what is added. owner: the region
 * that owns the layer whole and gates what is added at a tap of this name; GR_NONE: nobody. */
static gr_value write_stream(builder *b, gr_value stream, int count, const gr_term *term, gr_param bias,
                             gr_value experts, int owner, const char *tap) {
    if (!count && experts == GR_NONE)
        return stream;

    /* Without dropout and gate the terms are added to the stream itself: no value is kept for the sum. */
    if (b->def->dropout == 0 && owner == GR_NONE) {
        stream = count ? sum(b, count, term, bias, stream) : stream;
        return experts == GR_NONE ? stream : gr_add(b->g, stream, experts);
    }

    /* Else the sum is a value of its own, for dropout, and for the tap at which a whole layer is gated. */
    gr_value added = count ? sum(b, count, term, bias, GR_NONE) : experts;
    if (count && experts != GR_NONE)
        added = gr_add(b->g, added, experts);
    added = gr_dropout(b->g, added, b->def->dropout);
    if (owner == GR_NONE)
        return gr_add(b->g, stream, added);
    added = gr__blueprint_strength(b->g, b->blueprint, b->handle, owner, added, 0, b->blueprint->width);
    return gr_add(b->g, stream, gate_region(b, gr_tap_point(b->g, added, tap), owner));
}

/* ---- norms ---- */

/* Whether the norm that group k reads (below 0: the core) counts group j. */
static bool counts(const gr__blueprint *blueprint, int k, int j) {
    const bool apart = k >= 0 && gr__blueprint_apart(blueprint, blueprint->group[k]);
    return j == k || (!apart && !gr__blueprint_apart(blueprint, blueprint->group[j]));
}

/* Layer norm of the core, and of a group of this owner beside it; stop: the core's shift passes no gradient either. */
static gr_value layer_norm(builder *b, gr_value x, int count, const gr_norm_group *group, const char *name, int owner,
                           bool stop) {
    const gr_layer_norm_group side[] = {
        {group[0].gain, stop ? GR_NONE : PARAM(b, GR_NONE, "%s.shift", name), group[0].width},
        {count > 1 ? group[1].gain : GR_NONE, count > 1 ? PARAM(b, owner, "%s.shift", name) : GR_NONE,
         count > 1 ? group[1].width : 0}};
    return gr_layer_norm_groups(b->g, x, count, side, b->def->eps);
}

/* The norm that group k reads (below 0: the core), of the core's stream and those that it counts, side by side. All
 * that share a norm read the same one, of k below 0. RMS norm counts the columns of a group only while its tap says
 * that it is on; layer norm has no such groups. stop: only the stream and the gain of group k pass a gradient, since
 * the divisor would else carry it into the others. */
static gr_value norm(builder *b, const gr_value *stream, const char *name, int k, bool stop) {
    const gr__blueprint *blueprint = b->blueprint;
    gr_value part[1 + GR__GROUPS_MOST];
    gr_norm_group group[1 + GR__GROUPS_MOST];
    int count = 0;

    /* The core, which is always on, then groups in their order. */
    for (int j = -1; j < blueprint->groups; j++) {
        if (j >= 0 && !counts(blueprint, k, j))
            continue;
        const int owner = j < 0 ? GR_NONE : blueprint->group[j];
        const bool passes = !stop || j == k;
        part[count] = passes ? stream[1 + j] : gr_stop(b->g, stream[1 + j]);
        group[count++] = (gr_norm_group){passes ? PARAM(b, owner, "%s", name) : GR_NONE,
                                         gr__blueprint_own(blueprint, owner), j < 0 ? GR_NONE : b->group_tap[j]};
    }

    /* By itself, the core needs no copy. Of layer norm there are the core alone and the core with one group. */
    gr_value x = count > 1 ? gr_concat(b->g, count, part) : part[0];
    if (b->def->norm == GR_NORM_LAYER)
        return layer_norm(b, x, count, group, name, count > 1 ? blueprint->group[k] : GR_NONE, stop);
    return gr_rms_norm(b->g, x, count, group, b->def->eps);
}

/* What group k reads of the streams, whose norm n is the core's. both: side by side too, which are columns of the norm
 * for the first group that it counts, for the others a copy. */
static void open_reads(builder *b, const gr_value *stream, gr_value n, const char *name, int k, bool both) {
    const gr__blueprint *blueprint = b->blueprint;
    int owner = blueprint->group[k], at = blueprint->offset[k], own = gr__blueprint_own(blueprint, owner);
    const bool stop = b->def->regions[owner].stop;
    reads *r = &b->read[k];

    /* The norm that counts the group: the core's, or one apart, of the core and this group. */
    if (gr__blueprint_apart(blueprint, owner))
        n = norm(b, stream, name, k, false);
    gr_value core = gr_slice(b->g, n, 0, blueprint->width);

    /* Of a group that stops gradients the core's columns pass none, and its own come from a norm of the same values
     * that passes theirs. */
    gr_value passing = stop ? norm(b, stream, name, k, true) : n;
    *r = (reads){
        .core = stop ? gr_stop(b->g, core) : core, .own = gr_slice(b->g, passing, at, at + own), .both = GR_NONE};

    /* For the first group, core and own columns are neighbours; for others they are copied together. */
    if (both && !stop && at == blueprint->width)
        r->both = gr_slice(b->g, n, 0, blueprint->width + own);
    else if (both)
        r->both = gr_concat(b->g, 2, (gr_value[]){r->core, r->own});
}

/* ---- blocks ---- */

/* Units of one sort by the strengths of their regions: of a group all, of the core those that regions have. */
static gr_value strengthen(builder *b, gr_value x, int owner, int layer, const gr__unit_span *span, int scale) {
    if (owner != GR_NONE)
        return gr__blueprint_strength(b->g, b->blueprint, b->handle, owner, x, 0, gr_value_width(b->g, x));
    return gr__blueprint_strengths(b->g, b->blueprint, b->handle, span, layer, x, scale);
}

/* Attention heads of the owner in a layer: [rows x heads * size], tapped and gated. */
static gr_value heads_of(builder *b, gr_value n, int owner, int layer) {
    const gr__blueprint *blueprint = b->blueprint;
    const gr_arch_def *def = b->def;
    const int units = gr__blueprint_heads(blueprint, owner, layer);
    const gr_attention_def attention = {.heads = units * blueprint->group_size,
                                        .kv_heads = units,
                                        .size = blueprint->head_size,
                                        .scale = def->attention_scale > 0 ? def->attention_scale
                                                                          : 1 / sqrt((double)blueprint->head_size),
                                        .window = gr__blueprint_window(blueprint, layer),
                                        .rotary_base = def->position == GR_POSITION_ROTARY ? def->rotary_base : 0,
                                        .rotary_size = def->rotary_size,
                                        .rotary_halves = def->rotary_halves};

    /* q, k and v of all heads in one product, then attention. */
    gr_value qkv = read_streams(b, n, owner, layer, GR_MAP_QKV);
    gr_value a = gr_attention(b->g, qkv, &attention);
    a = strengthen(b, a, owner, layer, blueprint->span[GR__HEADS], gr__blueprint_lines_of(blueprint, GR__HEAD));
    a = tap_layer(b, a, owner, layer, "attn.heads");

    /* A group is gated as a whole, of the core the heads of each region. */
    if (owner != GR_NONE)
        return gate_region(b, a, owner);
    gr__blueprint_gates(b->g, blueprint, b->region, blueprint->span[GR__HEADS], layer, gr_graph_tap(b->g, a),
                        gr__blueprint_lines_of(blueprint, GR__HEAD));
    return a;
}

/* [N x E]: the weight of each expert that a row uses, 0 for the others; regions gate their experts' scores. */
static gr_value choose_experts(builder *b, gr_value n, int layer) {
    const gr__blueprint *blueprint = b->blueprint;
    char name[48];
    int each = blueprint->each[layer], experts = blueprint->all[GR__NEURONS][layer] / each;

    /* The router reads the core's stream alone. */
    gr_term router = {.x = core_of(b, n), .w = PARAM(b, GR_NONE, "layers.%d.mlp.router", layer)};
    snprintf(name, sizeof name, "layers.%d.mlp.experts", layer);
    gr_value scores = gr_scores(b->g, gr_linear(b->g, 1, &router, GR_NONE, GR_NONE));
    scores = gr_tap_point(b->g, scores, name);

    /* A region's gate closes the scores of its experts, so that none of them is chosen. */
    for (int r = 0; r < b->def->region_count; r++) {
        gr__unit_span s = blueprint->span[GR__NEURONS][r * blueprint->layers + layer];
        if (s.lo < s.hi && !b->def->regions[r].residual.add)
            gr_graph_region_gate(b->g, b->region[r], gr_graph_tap(b->g, scores), s.lo / each, s.hi / each);
    }

    /* Probabilities, of which each row keeps the `top` largest; the balance loss spreads rows over experts. */
    gr_value p = gr_normalise(b->g, scores), chosen = gr_top(b->g, p, b->def->top < experts ? b->def->top : experts);
    if (b->def->balance > 0)
        gr_graph_loss(b->g, gr_mean(b->g, gr_balance(b->g, p, chosen)), b->def->balance);
    return chosen;
}

/* As read_streams, for the experts that were chosen. */
static gr_value read_experts(builder *b, gr_value n, int owner, int layer, gr_map map) {
    const char *name = gr__map_name(map, NULL);
    gr_value x = core_of(b, n);
    return gr_expert_linear(b->g, x, b->chosen, PARAM(b, owner, "layers.%d.%s", layer, name),
                            PARAM(b, owner, "layers.%d.%s.bias", layer, name), false);
}

/* Neurons of the owner in a layer, [rows x neurons], tapped and gated; experts' neurons are those of all experts,
 * weighted. */
static gr_value neurons_of(builder *b, gr_value n, int owner, int layer) {
    const bool experts = owner == GR_NONE && b->blueprint->each[layer];
    if (experts)
        b->chosen = choose_experts(b, n, layer);

    /* The same layer with or without experts, but for what reads the stream. */
    gr_value (*read)(builder *, gr_value, int, int, gr_map) = experts ? read_experts : read_streams;
    gr_value up = read(b, n, owner, layer, GR_MAP_UP), hidden;
    if (b->def->activation == GR_ACTIVATION_SWIGLU)
        hidden = gr_swiglu(b->g, read(b, n, owner, layer, GR_MAP_GATE), up);
    else
        hidden = gr__activate(b->g, b->def->activation, up);

    /* Weight of the expert; penalty; strength; then the tap. */
    if (experts)
        hidden = gr_weigh(b->g, hidden, b->chosen);
    if (owner == GR_NONE && gr__blueprint_penalised(b->blueprint, layer)) /* before the tap: no route reaches it */
        gr_graph_loss(b->g, gr_mean(b->g, gr_l1(b->g, hidden)), b->def->l1);
    hidden = strengthen(b, hidden, owner, layer, b->blueprint->span[GR__NEURONS], 1);
    hidden = tap_layer(b, hidden, owner, layer, "mlp.hidden");

    /* A group is gated as a whole, of the core the neurons of each region; experts were gated by their scores. */
    if (owner != GR_NONE)
        return gate_region(b, hidden, owner);
    if (!experts)
        gr__blueprint_gates(b->g, b->blueprint, b->region, b->blueprint->span[GR__NEURONS], layer,
                            gr_graph_tap(b->g, hidden), 1);
    return hidden;
}

/* One block over the core and every group: units(owner) read the normed streams; the core's stream takes what all of
 * them write to it, a group's what its own units do. */
static void block(builder *b, gr_value *stream, int layer, const char *block_name, gr_map map,
                  gr_value (*units)(builder *, gr_value, int, int), int (*count_of)(const gr__blueprint *, int, int)) {
    char name[64];
    gr_term to_core[TERMS_MOST], to_own[GR__GROUPS_MOST];
    const char *out = gr__map_name(map, NULL);
    gr_value units_of_core = GR_NONE, experts = GR_NONE;
    gr_param bias = PARAM(b, GR_NONE, "layers.%d.%s.bias", layer, out);
    int d = b->blueprint->width, count = 0;

    /* One norm for the core and all groups but those that have one apart. */
    snprintf(name, sizeof name, "layers.%d.%s.norm", layer, block_name);
    gr_value n = norm(b, stream, name, GR_NONE, false);

    /* Units of each owner, and what they write: experts by themselves, all others as terms of two sums. A group's
     * matrix has the core's columns first, if it writes them, then its own. */
    for (int k = -1; k < b->blueprint->groups; k++) {
        int owner = k < 0 ? GR_NONE : b->blueprint->group[k];
        if (!count_of(b->blueprint, owner, layer))
            continue;
        if (k >= 0)
            open_reads(b, stream, n, name, k, true);
        gr_term term = {.x = units(b, n, owner, layer), .w = PARAM(b, owner, "layers.%d.%s", layer, out)};
        if (k < 0 && map == GR_MAP_DOWN && b->blueprint->each[layer]) {
            experts = gr_expert_linear(b->g, term.x, b->chosen, term.w, bias, true);
            bias = GR_NONE;
            continue;
        }
        term.transposed = true;

        /* Into the core; a group that writes its own columns alone has no others in its matrix. */
        const int cols = gr__blueprint_written(b->blueprint, owner), own = gr__blueprint_own(b->blueprint, owner);
        if (k < 0)
            units_of_core = term.x;
        if (k < 0 || cols > own) {
            term.hi = d;
            to_core[count++] = term;
        }
        if (k >= 0) {
            term.lo = cols - own;
            term.hi = cols;
            to_own[k] = term;
        }
    }

    /* Adapters of the map that writes. */
    if (units_of_core != GR_NONE)
        count = adapt(b, to_core, count, units_of_core, map, layer);

    /* Write to the core's stream, then to those of the groups. */
    gr__tap_write_name(name, sizeof name, layer, block_name);
    stream[0] = write_stream(b, stream[0], count, to_core, bias, experts, b->blueprint->whole[layer], name);
    for (int k = 0; k < b->blueprint->groups; k++)
        stream[1 + k] = write_stream(b, stream[1 + k], count_of(b->blueprint, b->blueprint->group[k], layer) > 0,
                                     &to_own[k], GR_NONE, GR_NONE, GR_NONE, NULL);
}

/* ---- ends ---- */

/* Embedding of the owner with what adds to it: adapters, positions, dropout. */
static gr_value embed_owner(builder *b, int owner) {
    gr_value x = gr_embedding(b->g, PARAM(b, owner, "embed"));
    gr_term term[TERMS_MOST];
    if (owner == GR_NONE)
        x = sum(b, adapt(b, term, 0, GR_NONE, GR_MAP_EMBED, 0), term, GR_NONE, x);
    if (b->def->position == GR_POSITION_LEARNED)
        x = gr_position(b->g, x, PARAM(b, owner, "position"));
    return b->def->dropout > 0 ? gr_dropout(b->g, x, b->def->dropout) : x;
}

/* Streams before the first layer. The tap of a group's embedding tells the norms whether the group is on. */
static void embed(builder *b, gr_value *stream) {
    stream[0] = tap_stream(b, embed_owner(b, GR_NONE), "embed");
    for (int k = 0; k < b->blueprint->groups; k++) {
        char name[80];
        int owner = b->blueprint->group[k];
        snprintf(name, sizeof name, "%s.embed", b->def->regions[owner].name);
        stream[1 + k] = gate_region(b, gr_tap_point(b->g, embed_owner(b, owner), name), owner);
        b->group_tap[k] = gr_graph_tap(b->g, stream[1 + k]);
    }
}

/* Logits: core and groups read what they have in the normed streams, each by its own matrix, and the sums add up. */
static gr_value logits(builder *b, const gr_value *stream) {
    const gr__blueprint *blueprint = b->blueprint;
    const char *matrix = b->def->tied ? "embed" : "unembed";
    gr_value n = norm(b, stream, "norm", GR_NONE, false);

    /* The core reads its own columns. */
    gr_term term[TERMS_MOST] = {{.x = core_of(b, n), .w = PARAM(b, GR_NONE, "%s", matrix)}};

    /* Each group reads its own behind a gate: off, it adds nothing. */
    for (int k = 0; k < blueprint->groups; k++) {
        char name[80];
        int owner = blueprint->group[k];
        snprintf(name, sizeof name, "%s.final", b->def->regions[owner].name);
        open_reads(b, stream, n, "norm", k, false);
        term[1 + k] = (gr_term){.x = gate_region(b, gr_tap_point(b->g, b->read[k].own, name), owner),
                                .w = PARAM(b, owner, "%s", matrix)};
    }

    /* Adapters of the output matrix are further terms of the same sum. */
    int count = adapt(b, term, 1 + blueprint->groups, term[0].x, GR_MAP_UNEMBED, 0);
    return sum(b, count, term, PARAM(b, GR_NONE, "unembed.bias"), GR_NONE);
}

void gr__transformer_graph(gr_graph *graph, const gr__blueprint *blueprint, bool watch) {
    builder b = {.g = graph, .blueprint = blueprint, .def = blueprint->def, .watch = watch};
    gr__blueprint_register(graph, blueprint, &b.handle, &b.region);
    gr_value stream[1 + GR__GROUPS_MOST];
    embed(&b, stream);

    /* Layers: attention, then neurons. Each is a segment, which may be computed again instead of kept. */
    for (int i = 0; i < blueprint->layers; i++) {
        char name[48];
        gr_graph_segment_begin(graph);
        if (gr__blueprint_attends(blueprint, i)) {
            block(&b, stream, i, "attn", GR_MAP_OUT, heads_of, gr__blueprint_heads);
            snprintf(name, sizeof name, "layers.%d.attn.stream", i);
            stream[0] = tap_stream(&b, stream[0], name);
        }
        if (gr__blueprint_thinks(blueprint, i)) {
            block(&b, stream, i, "mlp", GR_MAP_DOWN, neurons_of, gr__blueprint_mlp);
            snprintf(name, sizeof name, "layers.%d.stream", i);
            stream[0] = tap_stream(&b, stream[0], name);
        }
        gr_graph_segment_end(graph);
    }

    /* Outputs, and the mean of the rows' losses. */
    gr_value out = logits(&b, stream), loss = gr_cross_entropy(graph, out);
    gr_graph_output(graph, "logits", out);
    gr_graph_output(graph, "row_loss", loss);
    gr_graph_loss(graph, gr_mean(graph, loss), 1);
    gr_free(b.handle);
    gr_free(b.region);
}
