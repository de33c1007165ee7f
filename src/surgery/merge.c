/* merge.c - merges adapters into the maps they are on: W += scale * strength * B^T A, after which the region is gone
 * and the network computes what it did with it on (Hu et al. 2021, 4.1). */
#include "gradroute/surgery.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "arch/blueprint.h"
#include "arch/field.h"
#include "base/names.h"

#define USAGE(err, hint, ...) gr_error_set((err), GR_ERR_USAGE, "surgery", (hint), __VA_ARGS__)

/* The number of a region by its name, -1 if there is none. */
static int find(const gr_arch_def *def, const char *name) {
    for (int r = 0; r < def->region_count; r++)
        if (!strcmp(def->regions[r].name, name))
            return r;
    return -1;
}

/* The region has an adapter, and nothing that would be lost with it. */
static gr_status check(const gr_arch_def *def, const char *name, gr_error *err) {
    int r = find(def, name);
    if (r < 0)
        return USAGE(err, NULL, "there is no region '%s'", name);
    const gr_arch_region *region = &def->regions[r];
    if (!region->adapter.rank)
        return USAGE(err, "remove or silence it", "region '%s' has no adapter to merge", name);
    if (gr__region_owns(region, "adapter"))
        return USAGE(err, "give the adapter a region of its own", "region '%s' owns more than its adapter", name);
    return GR_OK;
}

/* A parameter's numbers, NULL where the model has none of that name. */
static const gr_real *numbers(gr_model *model, const char *name) {
    gr_param p = gr_model_find(model, name);
    return p == GR_NONE ? NULL : gr_model_data(model, p);
}

/* ---- untying ---- */

/* Fills a model that is untied from one that is tied: an output matrix from the embedding of the same owner. */
static void copy_untied(gr_model *to, const gr__blueprint *blueprint, gr_model *tied) {
    for (int q = 0; q < blueprint->params; q++) {
        const gr_param_def *p = &blueprint->param[q].def;
        const gr_real *from = numbers(tied, p->name);
        if (!from) {
            int embed = gr__blueprint_find_local(blueprint, gr__blueprint_owner(blueprint, q), GR_NONE, "embed");
            from = numbers(tied, blueprint->param[embed].def.name);
        }
        memcpy(gr_model_data(to, gr_model_find(to, p->name)), from, (size_t)p->rows * (size_t)p->cols * sizeof *from);
    }
}

/* The same network with an output matrix of its own, equal to the embedding. */
static gr_status untie(gr_surgery_result *it, gr_error *err) {
    gr_model *apart;
    gr__blueprint *blueprint;
    gr_arch_def def = *it->def;
    def.tied = false;

    /* A model of the untied description, filled from the tied one. */
    GR_TRY(gr__blueprint_new(&blueprint, &def, err));
    gr_status status = gr__arch_model(&apart, blueprint, gr_model_seed(it->model), false, err);
    if (status == GR_OK)
        copy_untied(apart, blueprint, it->model);
    gr__blueprint_free(blueprint);
    GR_TRY(status);

    /* The new one takes the place of the old one, whose description `def` still points into. */
    gr_arch_def *copy = gr_arch_copy(&def);
    gr_surgery_free(it);
    *it = (gr_surgery_result){copy, apart};
    return GR_OK;
}

/* ---- products ---- */

/* What the region's strength multiplies by, as it was learned. */
static double strength(gr_model *model, const gr_arch_region *region) {
    if (region->strength == GR_STRENGTH_NONE)
        return 1;

    /* One number, learned. */
    char name[192];
    snprintf(name, sizeof name, "%s.strength", region->name);
    double g = (double)numbers(model, name)[0];
    return region->strength == GR_STRENGTH_SIGMOID ? 1 / (1 + exp(-g)) : g;
}

/* W += scale B^T A: entry (i, o) of the map from inputs to outputs. */
static void add_product(gr_real *w, const gr_param_def *def, const gr_real *a, const gr_real *b, int rank, gr_map map,
                        double scale) {
    /* Matrices into the stream are stored as inputs by outputs, others the other way round. */
    bool by_input = map == GR_MAP_OUT || map == GR_MAP_DOWN || map == GR_MAP_EMBED;
    int inputs = by_input ? def->rows : def->cols, outputs = by_input ? def->cols : def->rows;

    /* Entry by entry, summed in double: it is done once. A of the embedding has a row for each token, others a column
     * for each input. */
    for (int i = 0; i < inputs; i++)
        for (int o = 0; o < outputs; o++) {
            double sum = 0;
            for (int k = 0; k < rank; k++) {
                size_t at =
                    map == GR_MAP_EMBED ? (size_t)i * (size_t)rank + (size_t)k : (size_t)k * (size_t)inputs + (size_t)i;
                sum += (double)a[at] * (double)b[(size_t)k * (size_t)outputs + (size_t)o];
            }
            size_t to = by_input ? (size_t)i * (size_t)outputs + (size_t)o : (size_t)o * (size_t)inputs + (size_t)i;
            w[to] = (gr_real)((double)w[to] + scale * sum);
        }
}

/* Adds what a region's adapter does on one map of a layer to the map's matrix. */
static void merge_map(gr_model *to, gr_model *from, const gr_arch_region *region, gr_map map, int layer) {
    /* The names of W, A and B. */
    bool inside;
    char name[64], low[192], high[192];
    const char *of = gr__map_name(map, &inside);
    if (inside)
        snprintf(name, sizeof name, "layers.%d.%s", layer, of);
    else
        snprintf(name, sizeof name, "%s", of);
    snprintf(low, sizeof low, "%s.%s.a", region->name, name);
    snprintf(high, sizeof high, "%s.%s.b", region->name, name);

    /* A scale of 0 stands for 1. */
    gr_param w = gr_model_find(to, name);
    double scale = (region->adapter.scale == 0 ? 1 : region->adapter.scale) * strength(from, region);
    add_product(gr_model_data(to, w), gr_model_param(to, w), numbers(from, low), numbers(from, high),
                region->adapter.rank, map, scale);
}

/* All maps of a region's adapter. Maps outside of layers are there once. */
static void merge_region(gr_model *to, gr_model *from, const gr__blueprint *blueprint, int region) {
    for (int map = 0; map < GR_MAPS; map++)
        for (int i = 0; i < (map < GR_MAP_EMBED ? blueprint->layers : 1); i++)
            if (gr__blueprint_adapts(blueprint, region, (gr_map)map, i))
                merge_map(to, from, &blueprint->def->regions[region], (gr_map)map, i);
}

/* out: the network without the regions, which takes what their adapters add. A region counts once, however often it is
 * named. */
static gr_status merge_all(gr_surgery_result *out, const gr__blueprint *blueprint, gr_model *model,
                           const char *const *names, int count, gr_error *err) {
    const gr_arch_def *def = blueprint->def;
    bool ends = false;
    for (int r = 0; r < def->region_count; r++)
        for (int map = GR_MAP_EMBED; map < GR_MAPS; map++)
            ends = ends || (gr__has_text(names, count, def->regions[r].name) &&
                            gr__blueprint_adapts(blueprint, r, (gr_map)map, 0));

    /* A matrix that is both embedding and output cannot take what is added to one of them. */
    if (def->tied && ends)
        GR_TRY(untie(out, err));
    for (int r = 0; r < def->region_count; r++)
        if (gr__has_text(names, count, def->regions[r].name))
            merge_region(out->model, model, blueprint, r);
    return GR_OK;
}

gr_status gr_surgery_merge(gr_surgery_result *out, const gr_arch_def *def, gr_model *model, const char *const *regions,
                           int count, gr_error *err) {
    gr__blueprint *blueprint;
    *out = (gr_surgery_result){0};
    for (int i = 0; i < count; i++)
        GR_TRY(check(def, regions[i], err));
    GR_TRY(gr__blueprint_new(&blueprint, def, err));

    /* Remove the regions, then add what their adapters did. */
    gr_status status = gr_surgery_remove(out, def, model, regions, count, err);
    if (status == GR_OK)
        status = merge_all(out, blueprint, model, regions, count, err);
    if (status != GR_OK)
        gr_surgery_free(out);
    gr__blueprint_free(blueprint);
    return status;
}
