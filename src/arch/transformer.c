/* The transformer as a graph. The core alone is the usual network; residual groups widen the stream behind the core's
 * columns and add terms to the sums that are written into it. */
#include <math.h>
#include <stdio.h>

#include "arch/arch_plan.h"
#include "gradroute/ops.h"

enum { TERMS = 4, ALL_TERMS = 1 + 2 * GR__GROUPS }; /* of one gr_linear; of the core and all groups */

typedef struct builder {
    gr_graph *g;
    const gr__plan *plan;
    const gr_arch_def *def;
    gr_param *handle;            /* of each parameter of the plan */
    int *region;                 /* of each region of the description */
    gr_tap group_tap[GR__GROUPS]; /* embedding of each group: says whether it is on */
    bool watch;
} builder;

#define PARAM(b, owner, ...) gr__plan_param_handle((b)->plan, (b)->handle, (owner), __VA_ARGS__)

/* ---- names and taps ---- */

/* Places the tap "REGION.layers.i.NAME" or "layers.i.NAME". */
static gr_value tap_layer(builder *b, gr_value x, int owner, int layer, const char *name) {
    char text[192];
    int n = owner == GR_NONE ? 0 : snprintf(text, sizeof text, "%s.", b->def->regions[owner].name);
    snprintf(text + n, sizeof text - (size_t)n, "layers.%d.%s", layer, name);
    gr_value point = gr_tap_point(b->g, x, text);
    if (b->watch && owner == GR_NONE)
        gr_graph_output(b->g, text, point);
    return point;
}

/* The core's stream tap, where claimed residual dimensions are gated. */
static gr_value tap_stream(builder *b, gr_value x, const char *name) {
    gr_value point = gr_tap_point(b->g, x, name);
    for (int r = 0; r < b->def->region_count; r++) {
        gr__span s = b->plan->stream_span[r];
        if (s.lo < s.hi)
            gr_graph_region_gate(b->g, b->region[r], gr_graph_tap(b->g, point), s.lo, s.hi);
    }
    return point;
}

/* A point that belongs to a group as a whole, gated by its region. */
static gr_value gate_group(builder *b, gr_value point, int owner) {
    gr_graph_region_gate(b->g, b->region[owner], gr_graph_tap(b->g, point), 0, gr_value_width(b->g, point));
    return point;
}

/* ---- sums ---- */

/* base + terms + bias, in as many operations as their limit of terms needs. A base that some term may reach beyond is
 * added afterwards. */
static gr_value sum(builder *b, int count, const gr_term *term, gr_param bias, gr_value base) {
    for (int i = 0; i < count; i += TERMS) {
        int n = count - i < TERMS ? count - i : TERMS;
        if (base == GR_NONE || gr_value_width(b->g, base) == b->plan->stream)
            base = gr_linear(b->g, n, term + i, bias, base);
        else
            base = gr_add(b->g, gr_linear(b->g, n, term + i, bias, GR_NONE), base);
        bias = GR_NONE;
    }
    return base;
}

/* Appends w x over what the owner sees of the normed stream n: core and own group, side by side for the first group. */
static int read_terms(builder *b, gr_term *term, gr_value n, gr_param w, int owner) {
    const gr__plan *plan = b->plan;
    int d = plan->width, k = 0;
    while (k < plan->groups && plan->group[k] != owner)
        k++;
    if (owner == GR_NONE || k == 0) {
        int seen = gr__plan_seen(plan, owner);
        term[0] = (gr_term){.x = seen < plan->stream ? gr_slice(b->g, n, 0, seen) : n, .w = w};
        return 1;
    }
    int own = gr__plan_own(plan, owner), at = plan->offset[k];
    term[0] = (gr_term){.x = gr_slice(b->g, n, 0, d), .w = w, .hi = d};
    term[1] = (gr_term){.x = gr_slice(b->g, n, at, at + own), .w = w, .lo = d, .hi = d + own};
    return 2;
}

static gr_value read_stream(builder *b, gr_value n, int owner, int layer, const char *name) {
    gr_term term[2];
    int count = read_terms(b, term, n, PARAM(b, owner, "layers.%d.%s", layer, name), owner);
    return sum(b, count, term, PARAM(b, owner, "layers.%d.%s.bias", layer, name), GR_NONE);
}

/* Appends the products that add the owner's units x into the stream. */
static int write_terms(builder *b, gr_term *term, gr_value x, gr_param w, int owner) {
    const gr__plan *plan = b->plan;
    int d = plan->width, k = 0;
    while (k < plan->groups && plan->group[k] != owner)
        k++;
    if (owner == GR_NONE || k == 0) {
        term[0] = (gr_term){.x = x, .w = w, .transposed = true};
        return 1;
    }
    term[0] = (gr_term){.x = x, .w = w, .transposed = true, .hi = d};
    term[1] = (gr_term){
        .x = x, .w = w, .transposed = true, .lo = d, .hi = d + gr__plan_own(plan, owner), .at = plan->offset[k]};
    return 2;
}

/* stream + what the block writes. The core's part is the same operation on the same columns with and without groups,
 * so that a network whose groups are off repeats the bits of the network without them. */
static gr_value write_stream(builder *b, gr_value stream, int count, const gr_term *term, int core, gr_param bias) {
    if (bias == GR_NONE && b->def->dropout == 0)
        return sum(b, count, term, GR_NONE, stream);
    gr_value y = core ? sum(b, core, term, bias, GR_NONE) : GR_NONE;
    y = sum(b, count - core, term + core, GR_NONE, y);
    if (b->def->dropout > 0)
        y = gr_dropout(b->g, y, b->def->dropout);
    return gr_add(b->g, stream, y);
}

/* ---- norms ---- */

static gr_value norm(builder *b, gr_value x, const char *name) {
    if (b->def->norm == GR_NORM_LAYER)
        return gr_layer_norm(b->g, x, PARAM(b, GR_NONE, "%s", name), PARAM(b, GR_NONE, "%s.shift", name), b->def->eps);
    gr_norm_group group[1 + GR__GROUPS] = {{PARAM(b, GR_NONE, "%s", name), b->plan->width, GR_NONE}};
    for (int k = 0; k < b->plan->groups; k++) {
        int owner = b->plan->group[k];
        group[1 + k] =
            (gr_norm_group){PARAM(b, owner, "%s", name), gr__plan_own(b->plan, owner), b->group_tap[k]};
    }
    return gr_rms_norm(b->g, x, 1 + b->plan->groups, group, b->def->eps);
}

/* ---- blocks ---- */

static gr_value heads_of(builder *b, gr_value n, int owner, int layer) {
    const gr__plan *plan = b->plan;
    double base = b->def->position == GR_POSITION_ROTARY ? b->def->rotary_base : 0;
    gr_value qkv = read_stream(b, n, owner, layer, "attn.qkv");
    gr_value a = gr_attention(b->g, qkv, gr__plan_heads(plan, owner, layer), plan->head_size,
                              1 / sqrt((double)plan->head_size), base);
    a = tap_layer(b, a, owner, layer, "attn.heads");
    if (owner != GR_NONE)
        return gate_group(b, a, owner);
    gr__plan_gates(b->g, plan, b->region, plan->head_span, layer, gr_graph_tap(b->g, a), plan->head_size);
    return a;
}

static gr_value neurons_of(builder *b, gr_value n, int owner, int layer) {
    gr_value up = read_stream(b, n, owner, layer, "mlp.up"), hidden;
    if (b->def->activation == GR_ACTIVATION_SWIGLU)
        hidden = gr_swiglu(b->g, read_stream(b, n, owner, layer, "mlp.gate"), up);
    else
        hidden = gr__activation(b->g, b->def->activation, up);
    if (owner == GR_NONE && gr__plan_penalised(b->plan, layer)) /* before the tap: no route reaches it */
        gr_graph_loss(b->g, gr_mean(b->g, gr_l1(b->g, hidden)), b->def->l1);
    hidden = tap_layer(b, hidden, owner, layer, "mlp.hidden");
    if (owner != GR_NONE)
        return gate_group(b, hidden, owner);
    gr__plan_gates(b->g, b->plan, b->region, b->plan->mlp_span, layer, gr_graph_tap(b->g, hidden), 1);
    return hidden;
}

/* One block over the core and every group: units(owner) read the normed stream, their sum is written. */
static gr_value block(builder *b, gr_value stream, int layer, const char *block_name, const char *out,
                      gr_value (*units)(builder *, gr_value, int, int),
                      int (*count_of)(const gr__plan *, int, int)) {
    char name[64];
    gr_term term[ALL_TERMS];
    snprintf(name, sizeof name, "layers.%d.%s.norm", layer, block_name);
    gr_value n = norm(b, stream, name);
    int count = 0, core = 0;
    for (int k = -1; k < b->plan->groups; k++) {
        int owner = k < 0 ? GR_NONE : b->plan->group[k];
        if (count_of(b->plan, owner, layer))
            count += write_terms(b, term + count, units(b, n, owner, layer), PARAM(b, owner, "layers.%d.%s", layer, out),
                                 owner);
        if (k < 0)
            core = count;
    }
    return write_stream(b, stream, count, term, core, PARAM(b, GR_NONE, "layers.%d.%s.bias", layer, out));
}

/* ---- ends ---- */

static gr_value embed_owner(builder *b, int owner) {
    gr_value x = gr_embedding(b->g, PARAM(b, owner, "embed"));
    if (b->def->position == GR_POSITION_LEARNED)
        x = gr_position(b->g, x, PARAM(b, owner, "position"));
    return b->def->dropout > 0 ? gr_dropout(b->g, x, b->def->dropout) : x;
}

static gr_value embed(builder *b) {
    gr_value part[1 + GR__GROUPS] = {tap_stream(b, embed_owner(b, GR_NONE), "embed")};
    for (int k = 0; k < b->plan->groups; k++) {
        char name[80];
        int owner = b->plan->group[k];
        snprintf(name, sizeof name, "%s.embed", b->def->regions[owner].name);
        part[1 + k] = gate_group(b, gr_tap_point(b->g, embed_owner(b, owner), name), owner);
        b->group_tap[k] = gr_graph_tap(b->g, part[1 + k]);
    }
    return b->plan->groups ? gr_concat(b->g, 1 + b->plan->groups, part) : part[0];
}

static gr_value logits(builder *b, gr_value stream) {
    const gr__plan *plan = b->plan;
    const char *matrix = b->def->tied ? "embed" : "unembed";
    gr_value n = norm(b, stream, "norm");
    gr_term term[1 + GR__GROUPS] = {
        {.x = plan->groups ? gr_slice(b->g, n, 0, plan->width) : n, .w = PARAM(b, GR_NONE, "%s", matrix)}};
    for (int k = 0; k < plan->groups; k++) {
        char name[80];
        int owner = plan->group[k], at = plan->offset[k];
        snprintf(name, sizeof name, "%s.final", b->def->regions[owner].name);
        gr_value own = gr_slice(b->g, n, at, at + gr__plan_own(plan, owner));
        term[1 + k] =
            (gr_term){.x = gate_group(b, gr_tap_point(b->g, own, name), owner), .w = PARAM(b, owner, "%s", matrix)};
    }
    return sum(b, 1 + plan->groups, term, PARAM(b, GR_NONE, "unembed.bias"), GR_NONE);
}

void gr__transformer_graph(gr_graph *graph, const gr__plan *plan, bool watch) {
    builder b = {.g = graph, .plan = plan, .def = plan->def, .watch = watch};
    gr__plan_register(graph, plan, &b.handle, &b.region);
    gr_value stream = embed(&b);
    for (int i = 0; i < plan->layers; i++) {
        char name[48];
        if (gr__plan_attends(plan, i)) {
            stream = block(&b, stream, i, "attn", "attn.out", heads_of, gr__plan_heads);
            snprintf(name, sizeof name, "layers.%d.attn.stream", i);
            stream = tap_stream(&b, stream, name);
        }
        if (gr__plan_thinks(plan, i)) {
            stream = block(&b, stream, i, "mlp", "mlp.down", neurons_of, gr__plan_mlp);
            snprintf(name, sizeof name, "layers.%d.stream", i);
            stream = tap_stream(&b, stream, name);
        }
    }
    gr_value out = logits(&b, stream), loss = gr_cross_entropy(graph, out);
    gr_graph_output(graph, "logits", out);
    gr_graph_output(graph, "row_loss", loss);
    gr_graph_loss(graph, gr_mean(graph, loss), 1);
    gr_free(b.handle);
    gr_free(b.region);
}
