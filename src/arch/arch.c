/* arch.c - descriptions of networks: words for their options, copies, and what builders of graphs share.
 *
 * gr_arch_build goes from a description over a blueprint (blueprint.c: everything settled) and a graph (the
 * architecture's own file) to a model. */
#include "gradroute/arch.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arch/field.h"
#include "base/mem.h"
#include "base/number.h"
#include "gradroute/ops.h"

/* ---- words ---- */

/* The list of words for a field of networks or of regions, NULL if it has none. Bits go by what one of them is called;
 * words within a map of a region have names that others have too, and are asked of their rows. */
static const char *const *words_of(const char *name) {
    for (const gr__arch_field *f = gr__region_fields; f->name; f++)
        if (((f->type == GR__FIELD_WORD && !f->within) || f->one) && !strcmp(f->one ? f->one : f->name, name))
            return f->word;
    const gr__arch_field *field = gr__field_find(name);
    return field ? field->word : NULL;
}

const char *gr_arch_word(const char *field, int value) {
    if (!strcmp(field, "kind"))
        return gr__kind_word(value);
    if (!strcmp(field, "arch"))
        return gr__arch_name(value);
    const char *const *list = words_of(field);
    return list && value >= 0 && value < GR__FIELD_WORDS ? list[value] : NULL;
}

int gr_arch_value(const char *field, const char *word) {
    const char *known;
    for (int value = 0; (known = gr_arch_word(field, value)); value++)
        if (!strcmp(known, word))
            return value;
    return -1;
}

/* ---- copies ---- */

typedef struct owned {
    gr_arch_def def; /* first: the address that the caller sees */
    gr_arena *arena;
} owned;

/* A copy in the arena; NULL stays NULL. */
static void *keep(gr_arena *arena, const void *data, size_t count, size_t size) {
    return data && count ? memcpy(gr_arena_alloc(arena, count * size), data, count * size) : NULL;
}

/* Replaces what a region points to by copies. Spans are lists of two numbers for each layer. */
static void keep_region(gr_arena *arena, gr_arch_region *region, size_t layers) {
    region->name = gr_arena_strdup(arena, region->name);
    for (int k = 0; k < GR__UNIT_KINDS; k++) {
        gr_arch_units *u = gr__units_in(region, &gr__unit_kinds[k]);
        u->spans = keep(arena, u->spans, 2 * layers, sizeof(int));
    }
    for (const gr__arch_field *f = gr__region_fields; f->name; f++)
        gr__field_keep(f, region, arena);
}

gr_arch_def *gr_arch_copy(const gr_arch_def *def) {
    gr_arena *arena = gr_arena_new();
    owned *copy = gr_arena_alloc(arena, sizeof *copy);
    *copy = (owned){*def, arena};

    /* Lists of the network itself. */
    for (const gr__arch_field *f = gr__fields; f->name; f++)
        gr__field_keep(f, &copy->def, arena);

    /* Regions point to lists of their own, some with entries for each layer. */
    const size_t layers = gr__arch_layers(def) > 0 ? (size_t)gr__arch_layers(def) : 0;
    gr_arch_region *regions = keep(arena, def->regions, (size_t)def->region_count, sizeof *regions);
    for (int r = 0; r < def->region_count; r++)
        keep_region(arena, &regions[r], layers);
    copy->def.regions = regions;
    return &copy->def;
}

void gr_arch_free(gr_arch_def *def) {
    if (def)
        gr_arena_free(((owned *)def)->arena);
}

/* ---- building ---- */

gr_status gr_arch_check(const gr_arch_def *def, gr_error *err) {
    gr__blueprint *blueprint;
    GR_TRY(gr__blueprint_new(&blueprint, def, err));
    gr__blueprint_free(blueprint);
    return GR_OK;
}

/* A parameter by its owner and name, as gr__list_add made the name. */
gr_param gr__blueprint_param_handle(const gr__blueprint *blueprint, const gr_param *handles, int owner,
                                    const char *format, ...) {
    char name[256];
    int n = owner == GR_NONE ? 0 : snprintf(name, sizeof name, "%s.", blueprint->def->regions[owner].name);
    va_list list;
    va_start(list, format);
    gr__vprint(name + n, sizeof name - (size_t)n, format, list);
    va_end(list);
    int p = gr__blueprint_find(blueprint, name);
    return p == GR_NONE ? GR_NONE : handles[p];
}

void gr__blueprint_register(gr_graph *graph, const gr__blueprint *blueprint, gr_param **handles, int **regions) {
    *handles = gr_alloc((size_t)blueprint->params * sizeof **handles);
    *regions = gr_alloc((size_t)blueprint->def->region_count * sizeof **regions);

    /* Parameters in the order of the blueprint: handles go by its numbers. */
    for (int p = 0; p < blueprint->params; p++)
        (*handles)[p] = gr_graph_param(graph, &blueprint->param[p].def);

    /* Regions with the rectangles that they own of every parameter. */
    for (int r = 0; r < blueprint->def->region_count; r++) {
        (*regions)[r] = gr_graph_region(graph, blueprint->def->regions[r].name);
        for (int p = 0; p < blueprint->params; p++) {
            gr_rect rect[GR__RECTS_MOST];
            int n = gr__blueprint_rects(blueprint, rect, p, r);
            for (int i = 0; i < n; i++) {
                rect[i].param = (*handles)[p];
                gr_graph_region_rect(graph, (*regions)[r], rect[i]);
            }
        }
    }
}

bool gr__blueprint_penalised(const gr__blueprint *blueprint, int layer) {
    const gr_arch_def *def = blueprint->def;
    bool chosen = !def->l1_count;
    for (int i = 0; i < def->l1_count; i++)
        chosen = chosen || def->l1_layers[i] == layer;
    return chosen && def->l1 > 0;
}

gr_value gr__activate(gr_graph *graph, gr_activation activation, gr_value x) {
    switch (activation) {
    case GR_ACTIVATION_RELU:
        return gr_relu(graph, x);
    case GR_ACTIVATION_GELU:
        return gr_gelu(graph, x);
    case GR_ACTIVATION_GELU_TANH:
        return gr_gelu_tanh(graph, x);
    default:
        return gr_silu(graph, x);
    }
}

gr_value gr__blueprint_strengths(gr_graph *graph, const gr__blueprint *blueprint, const gr_param *handle,
                                 const gr__unit_span *span, int layer, gr_value x, int scale) {
    for (int r = 0; r < blueprint->def->region_count; r++) {
        gr__unit_span s = span[r * blueprint->layers + layer];
        if (s.lo < s.hi && !blueprint->def->regions[r].residual.add)
            x = gr__blueprint_strength(graph, blueprint, handle, r, x, s.lo * scale, s.hi * scale);
    }
    return x;
}

gr_value gr__blueprint_strength(gr_graph *graph, const gr__blueprint *blueprint, const gr_param *handle, int region,
                                gr_value x, int lo, int hi) {
    gr_strength strength = blueprint->def->regions[region].strength;
    if (strength == GR_STRENGTH_NONE)
        return x;
    gr_param g = gr__blueprint_param_handle(blueprint, handle, region, "strength");
    return gr_learned_gate(graph, x, lo, hi, g, strength == GR_STRENGTH_SIGMOID);
}

void gr__blueprint_gates(gr_graph *graph, const gr__blueprint *blueprint, const int *regions, const gr__unit_span *span,
                         int layer, gr_tap tap, int scale) {
    for (int r = 0; r < blueprint->def->region_count; r++) {
        gr__unit_span s = span[r * blueprint->layers + layer];
        if (s.lo < s.hi && !blueprint->def->regions[r].residual.add)
            gr_graph_region_gate(graph, regions[r], tap, s.lo * scale, s.hi * scale);
    }
}

/* The network of a blueprint as a graph; watch: with outputs that diagnostics read. */
static gr_graph *graph_new(const gr__blueprint *blueprint, bool watch) {
    gr_graph *graph = gr_graph_new();
    blueprint->arch->graph(graph, blueprint, watch);
    return graph;
}

gr_status gr_arch_graph(gr_graph **graph, const gr_arch_def *def, gr_error *err) {
    gr__blueprint *blueprint;
    *graph = NULL;
    GR_TRY(gr__blueprint_new(&blueprint, def, err));
    *graph = graph_new(blueprint, false);
    gr__blueprint_free(blueprint);
    return GR_OK;
}

gr_status gr__arch_model(gr_model **model, const gr__blueprint *blueprint, uint64_t seed, bool watch, gr_error *err) {
    return gr_model_new(model, graph_new(blueprint, watch), seed, err);
}

gr_status gr__blueprint_match(const gr__blueprint *blueprint, const gr_model *model, gr_error *err) {
    if (gr_model_params(model) != blueprint->params)
        return gr_error_set(err, GR_ERR_USAGE, "model", NULL, "the model has %d parameters, its description %d",
                            gr_model_params(model), blueprint->params);

    /* By name, since another builder may have another order. */
    for (int q = 0; q < blueprint->params; q++) {
        const gr_param_def *want = &blueprint->param[q].def;
        gr_param p = gr_model_find(model, want->name);
        const gr_param_def *have = p == GR_NONE ? NULL : gr_model_param(model, p);
        if (!have || have->rows != want->rows || have->cols != want->cols)
            return gr_error_set(err, GR_ERR_USAGE, "model", NULL,
                                "the model's '%s' is %d x %d, its description says %d x %d", want->name,
                                have ? have->rows : 0, have ? have->cols : 0, want->rows, want->cols);
    }
    return GR_OK;
}

gr_status gr_arch_build(gr_model **model, const gr_arch_def *def, uint64_t seed, gr_error *err) {
    gr__blueprint *blueprint;
    *model = NULL;
    GR_TRY(gr__blueprint_new(&blueprint, def, err));
    gr_status status = gr__arch_model(model, blueprint, seed, false, err);
    gr__blueprint_free(blueprint);
    return status;
}

gr_status gr_arch_outline(gr_model **model, const gr_arch_def *def, gr_error *err) {
    gr_graph *graph;
    *model = NULL;
    GR_TRY(gr_arch_graph(&graph, def, err));
    return gr_model_outline(model, graph, 0, err);
}

gr_status gr_arch_parameters(const gr_arch_def *def, size_t *core, size_t *regions, gr_error *err) {
    gr__blueprint *blueprint;
    GR_TRY(gr__blueprint_new(&blueprint, def, err));

    /* Every parameter is cut at the borders of regions; each rectangle counts for its first owner. */
    *core = 0;
    for (int r = 0; r < def->region_count; r++)
        regions[r] = 0;
    for (int p = 0; p < blueprint->params; p++) {
        int count;
        gr__owned *cut = gr__blueprint_cut(blueprint, &count, p);
        for (int i = 0; i < count; i++) {
            size_t numbers = (size_t)(cut[i].rect.hi0 - cut[i].rect.lo0) * (size_t)(cut[i].rect.hi1 - cut[i].rect.lo1);
            if (cut[i].region == GR_NONE)
                *core += numbers;
            else
                regions[cut[i].region] += numbers;
        }
        gr_free(cut);
    }
    gr__blueprint_free(blueprint);
    return GR_OK;
}
