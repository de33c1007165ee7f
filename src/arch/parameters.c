/* parameters.c - what every architecture lists its parameters with, and the parameters that all have.
 *
 * An architecture describes each parameter once, by gr__list_add: sizes, initial values, and what its rows and columns
 * are. Regions, surgery and model folders work from that list. */
#include <stdarg.h>
#include <stdio.h>

#include "arch/kind.h"
#include "base/number.h"

gr__blueprint_param *gr__list_add(const gr__lister *l, gr_param_def def, gr__param_axis rows, gr__param_axis cols,
                                  const char *format, ...) {
    gr__blueprint *blueprint = l->blueprint;
    char name[192];
    va_list list;

    /* The name, behind that of its owner. It is kept, since draws and files go by it. */
    va_start(list, format);
    int n = l->owner == GR_NONE ? 0 : snprintf(name, sizeof name, "%s.", blueprint->def->regions[l->owner].name);
    gr__vprint(name + n, sizeof name - (size_t)n, format, list);
    va_end(list);

    /* Behind the owner's name, and within layers behind the layer's, it says which of the parameters it is. */
    def.name = gr_arena_strdup(blueprint->arena, name);
    const char *local = def.name + n;
    if (!l->outside)
        local += snprintf(name, sizeof name, "layers.%d.", l->layer);

    /* Units on both axes are of the layer at hand, unless the caller changes that. */
    GR_PUSH(blueprint->param, blueprint->params, blueprint->param_capacity) = (gr__blueprint_param){
        def, local, {rows, cols}, {l->layer, l->layer}, l->owner, l->outside ? GR_NONE : l->layer, GR__BASE};
    return &blueprint->param[blueprint->params - 1];
}

gr_param_def gr__list_weight(int rows, int cols, double std) {
    return (gr_param_def){.rows = rows, .cols = cols, .kind = GR_KIND_WEIGHT, .init = GR_INIT_NORMAL, .std = std};
}

gr_param_def gr__list_table(int rows, int cols, double std) {
    gr_param_def def = gr__list_weight(rows, cols, std);
    def.kind = GR_KIND_EMBEDDING;
    return def;
}

gr_param_def gr__list_vector(int cols, gr_kind kind) {
    return (gr_param_def){.rows = 1, .cols = cols, .kind = kind, .init = GR_INIT_ZERO, .no_decay = true};
}

/* The number that a region's strength is learned as. Learned from 1; through a sigmoid from 0, which is 1/2. */
static void list_strength(gr__blueprint *blueprint, int region) {
    const gr__param_axis plain = {GR__PLAIN, false};
    gr__lister l = {blueprint, region, 0, true};
    gr_param_def number = gr__list_vector(1, GR_KIND_WEIGHT);
    number.init = blueprint->def->regions[region].strength == GR_STRENGTH_LEARNED ? GR_INIT_ONE : GR_INIT_ZERO;
    gr__list_add(&l, number, plain, plain, "strength")->role = GR__NUMBER;
}

void gr__blueprint_list(gr__blueprint *blueprint) {
    blueprint->arch->list(blueprint);
    for (int r = 0; r < blueprint->def->region_count; r++)
        if (blueprint->def->regions[r].strength != GR_STRENGTH_NONE)
            list_strength(blueprint, r);
}
