#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "arch/arch_plan.h"

/* What the parameters being added have in common. */
typedef struct lister {
    gr__plan *plan;
    int owner; /* GR_NONE or a region with a residual group or an adapter */
    int layer;
    bool outside; /* of every layer */
} lister;

static const gr__axis plain = {GR__PLAIN, false};
static const gr__axis reads = {GR__STREAM, false}, writes = {GR__STREAM, true};

static gr__plan_param *add(const lister *l, gr_param_def def, gr__axis rows, gr__axis cols, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
static gr__plan_param *add(const lister *l, gr_param_def def, gr__axis rows, gr__axis cols, const char *format, ...) {
    gr__plan *plan = l->plan;
    char name[192];
    va_list list;
    va_start(list, format);
    int n = l->owner == GR_NONE ? 0 : snprintf(name, sizeof name, "%s.", plan->def->regions[l->owner].name);
    vsnprintf(name + n, sizeof name - (size_t)n, format, list);
    va_end(list);
    def.name = gr_arena_strdup(plan->arena, name);
    GR_PUSH(plan->param, plan->params, plan->param_capacity) =
        (gr__plan_param){def, {rows, cols}, {l->layer, l->layer}, l->owner, l->outside ? GR_NONE : l->layer, GR__BASE};
    return &plan->param[plan->params - 1];
}

static gr_param_def weight(int rows, int cols, double std) {
    return (gr_param_def){.rows = rows, .cols = cols, .kind = GR_KIND_WEIGHT, .init = GR_INIT_NORMAL, .std = std};
}

static gr_param_def table(int rows, int cols, double std) {
    gr_param_def def = weight(rows, cols, std);
    def.kind = GR_KIND_EMBEDDING;
    return def;
}

static gr_param_def vector(int cols, gr_kind kind) {
    return (gr_param_def){.rows = 1, .cols = cols, .kind = kind, .init = GR_INIT_ZERO, .no_decay = true};
}

/* Of what reads the stream, and of tables. */
static double usual_std(const gr_arch_def *def) {
    const double usual = def->init == GR_ARCH_INIT_FLAT ? 0.8 / sqrt((double)def->width) : 0.02;
    return def->init_std > 0 ? def->init_std : usual;
}

static bool has_bias(const gr_arch_def *def, gr__unit unit) {
    return unit == GR__QKV && def->qkv_bias != GR_QKV_AS_BIAS ? def->qkv_bias == GR_QKV_WITH_BIAS : def->bias;
}

/* ---- transformer ---- */

static void list_norm(const lister *l, const char *prefix) {
    if (l->plan->def->no_gain)
        return;
    gr_param_def gain = vector(gr__plan_own(l->plan, l->owner), GR_KIND_NORM);
    gain.init = GR_INIT_ONE;
    add(l, gain, plain, reads, "%snorm", prefix);
    if (l->plan->def->norm == GR_NORM_LAYER)
        add(l, vector(gr__plan_own(l->plan, l->owner), GR_KIND_NORM), plain, reads, "%snorm.shift", prefix);
}

/* A matrix that reads the stream into units, with the bias of the units. */
static void list_in(const lister *l, int rows, gr__unit unit, const char *name) {
    gr__axis units = {unit, false};
    add(l, weight(rows, gr__plan_seen(l->plan, l->owner), usual_std(l->plan->def)), units, reads, "layers.%d.%s",
        l->layer, name);
    if (has_bias(l->plan->def, unit))
        add(l, vector(rows, GR_KIND_BIAS), plain, units, "layers.%d.%s.bias", l->layer, name);
}

/* A matrix that writes units into the stream; its bias belongs to no unit, so groups have none. */
static void list_out(const lister *l, int rows, gr__unit unit, const char *name) {
    const gr_arch_def *def = l->plan->def;
    gr__axis units = {unit, true};
    double std = usual_std(def) / (def->init == GR_ARCH_INIT_FLAT ? 1 : sqrt(2.0 * l->plan->layers));
    int cols = gr__plan_seen(l->plan, l->owner);
    add(l, weight(rows, cols, std), units, writes, "layers.%d.%s", l->layer, name);
    if (l->owner == GR_NONE && (def->bias || def->out_bias))
        add(l, vector(cols, GR_KIND_OUT_BIAS), plain, writes, "layers.%d.%s.bias", l->layer, name);
}

static void list_layer(const lister *l) {
    const gr__plan *plan = l->plan;
    int heads = gr__plan_heads(plan, l->owner, l->layer), mlp = gr__plan_mlp(plan, l->owner, l->layer);
    char prefix[32];
    if (gr__plan_attends(plan, l->layer)) {
        snprintf(prefix, sizeof prefix, "layers.%d.attn.", l->layer);
        list_norm(l, prefix);
    }
    if (heads) {
        list_in(l, heads * gr__plan_lines_of(plan, GR__QKV), GR__QKV, "attn.qkv");
        list_out(l, heads * gr__plan_lines_of(plan, GR__HEAD), GR__HEAD, "attn.out");
    }
    if (gr__plan_thinks(plan, l->layer)) {
        snprintf(prefix, sizeof prefix, "layers.%d.mlp.", l->layer);
        list_norm(l, prefix);
    }
    if (mlp && l->owner == GR_NONE && plan->each[l->layer])
        add(l, weight(mlp / plan->each[l->layer], plan->width, usual_std(plan->def)), (gr__axis){GR__EXPERT, false},
            reads, "layers.%d.mlp.router", l->layer);
    if (mlp) {
        list_in(l, mlp, GR__NEURON, "mlp.up");
        if (plan->def->activation == GR_ACTIVATION_SWIGLU)
            list_in(l, mlp, GR__NEURON, "mlp.gate");
        list_out(l, mlp, GR__NEURON, "mlp.down");
    }
}

static void list_owner(gr__plan *plan, int owner) {
    const gr_arch_def *def = plan->def;
    lister l = {plan, owner, 0, true};
    int own = gr__plan_own(plan, owner);
    double std = usual_std(def);
    add(&l, table(def->vocab, own, std), plain, writes, "embed");
    if (def->position == GR_POSITION_LEARNED)
        add(&l, table(def->positions ? def->positions : def->context, own, std), plain, writes, "position");
    l.outside = false;
    for (l.layer = 0; l.layer < plan->layers; l.layer++)
        list_layer(&l);
    l = (lister){plan, owner, 0, true};
    list_norm(&l, "");
    if (!def->tied)
        add(&l, table(def->vocab, own, std), plain, reads, "unembed");
    if (owner == GR_NONE && def->logit_bias)
        add(&l, vector(def->vocab, GR_KIND_OUT_BIAS), plain, plain, "unembed.bias");
}

/* ---- adapters ---- */

/* A and B of one map: what the columns of A and of B are is what the map reads and puts out. */
static void list_map(gr__plan *plan, int region, gr_map map, int layer) {
    bool inside;
    const char *name = gr__map_name(map, &inside);
    lister l = {plan, region, layer, !inside};
    char text[64];
    const int rank = plan->def->regions[region].adapter.rank, heads = plan->heads_all[layer];
    const int mlp = plan->mlp_all[layer];
    const struct {
        int inputs, outputs;
        gr__axis in, out;
    } maps[GR_MAPS] = {
        [GR_MAP_QKV] = {plan->width, heads * gr__plan_lines_of(plan, GR__QKV), reads, {GR__QKV, false}},
        [GR_MAP_OUT] = {heads * gr__plan_lines_of(plan, GR__HEAD), plan->width, {GR__HEAD, true}, writes},
        [GR_MAP_UP] = {plan->width, mlp, reads, {GR__NEURON, false}},
        [GR_MAP_GATE] = {plan->width, mlp, reads, {GR__NEURON, false}},
        [GR_MAP_DOWN] = {mlp, plan->width, {GR__NEURON, true}, writes},
        [GR_MAP_EMBED] = {plan->def->vocab, plan->width, plain, writes},
        [GR_MAP_UNEMBED] = {plan->width, plan->def->vocab, reads, plain},
    };
    if (inside)
        snprintf(text, sizeof text, "layers.%d.%s", layer, name);
    else
        snprintf(text, sizeof text, "%s", name);
    gr_param_def high = weight(rank, maps[map].outputs, 0);
    high.init = GR_INIT_ZERO;
    if (map == GR_MAP_EMBED) /* looked up by token, so a row for each */
        add(&l, table(maps[map].inputs, rank, 1 / sqrt((double)rank)), plain, plain, "%s.a", text)->role = GR__LOW;
    else
        add(&l, weight(rank, maps[map].inputs, 1 / sqrt((double)maps[map].inputs)), plain, maps[map].in, "%s.a", text)
            ->role = GR__LOW;
    add(&l, high, plain, maps[map].out, "%s.b", text)->role = GR__HIGH;
}

static void list_adapter(gr__plan *plan, int region) {
    for (int map = 0; map < GR_MAPS; map++)
        for (int i = 0; i < (map < GR_MAP_EMBED ? plan->layers : 1); i++)
            if (gr__plan_adapts(plan, region, (gr_map)map, i))
                list_map(plan, region, (gr_map)map, i);
}

/* ---- MLP ---- */

/* Inputs of layer i before regions added to them: the scale of the draws, so that additions do not change it. */
static double fan_in(const gr__plan *plan, int layer) { return layer ? plan->mlp[layer - 1] : plan->def->sizes[0]; }

static void list_mlp(gr__plan *plan) {
    const gr_arch_def *def = plan->def;
    int inputs = def->sizes[0];
    for (int i = 0; i <= plan->layers; i++) {
        bool last = i == plan->layers;
        lister l = {plan, GR_NONE, last ? 0 : i, true};
        char name[32];
        snprintf(name, sizeof name, last ? "out" : "hidden.%d", i);
        gr__axis rows = last ? plain : (gr__axis){GR__NEURON, false}, cols = i ? (gr__axis){GR__NEURON, true} : plain;
        int outputs = last ? def->sizes[def->size_count - 1] : plan->mlp_all[i];
        double std = def->init_std > 0 ? def->init_std : sqrt(2 / fan_in(plan, i));
        gr_param_def matrix = weight(outputs, inputs, std),
                     bias = vector(outputs, last ? GR_KIND_OUT_BIAS : GR_KIND_BIAS);
        if (def->init == GR_ARCH_INIT_UNIFORM) {
            matrix.init = bias.init = GR_INIT_UNIFORM;
            matrix.std = bias.std = 1 / sqrt(fan_in(plan, i));
        }
        gr__plan_param *p = add(&l, matrix, rows, cols, "%s", name);
        p->layer[1] = i ? i - 1 : 0;
        if (def->bias)
            add(&l, bias, plain, rows, "%s.bias", name);
        inputs = outputs;
    }
}

static void list_strength(gr__plan *plan, int region) {
    lister l = {plan, region, 0, true};
    gr_param_def number = vector(1, GR_KIND_WEIGHT);
    number.init = plan->def->regions[region].strength == GR_STRENGTH_LEARNED ? GR_INIT_ONE : GR_INIT_ZERO;
    add(&l, number, plain, plain, "strength")->role = GR__NUMBER;
}

static void list_transformer(gr__plan *plan) {
    list_owner(plan, GR_NONE);
    for (int k = 0; k < plan->groups; k++)
        list_owner(plan, plan->group[k]);
    for (int r = 0; r < plan->def->region_count; r++)
        list_adapter(plan, r);
}

void gr__plan_list(gr__plan *plan) {
    if (plan->def->kind == GR_ARCH_MLP)
        list_mlp(plan);
    else
        list_transformer(plan);
    for (int r = 0; r < plan->def->region_count; r++)
        if (plan->def->regions[r].strength != GR_STRENGTH_NONE)
            list_strength(plan, r);
}
