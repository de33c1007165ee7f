/* blueprint_questions.c - what others ask a settled blueprint: parameters by name, counts of units, widths, which maps
 * an adapter is on. */
#include <string.h>

#include "arch/kind.h"

int gr__blueprint_find(const gr__blueprint *blueprint, const char *name) {
    for (int p = 0; p < blueprint->params; p++)
        if (!strcmp(blueprint->param[p].def.name, name))
            return p;
    return GR_NONE;
}

const char *gr__blueprint_owner(const gr__blueprint *blueprint, int param) {
    const int region = blueprint->param[param].region;
    return region == GR_NONE ? NULL : blueprint->def->regions[region].name;
}

int gr__blueprint_find_local(const gr__blueprint *blueprint, const char *owner, int block, const char *local) {
    for (int p = 0; p < blueprint->params; p++) {
        const char *name = gr__blueprint_owner(blueprint, p);
        const bool same = owner && name ? !strcmp(owner, name) : owner == name;
        if (same && blueprint->param[p].block == block && !strcmp(blueprint->param[p].local, local))
            return p;
    }
    return GR_NONE;
}

size_t gr__blueprint_size(const gr__blueprint *blueprint) {
    size_t size = 0;
    for (int p = 0; p < blueprint->params; p++)
        size += (size_t)blueprint->param[p].def.rows * (size_t)blueprint->param[p].def.cols;
    return size;
}

/* A group's units begin at 0, so the end of its span is their number. */
int gr__blueprint_heads(const gr__blueprint *blueprint, int owner, int layer) {
    return owner == GR_NONE ? blueprint->all[GR__HEADS][layer]
                            : blueprint->span[GR__HEADS][owner * blueprint->layers + layer].hi;
}

int gr__blueprint_mlp(const gr__blueprint *blueprint, int owner, int layer) {
    return owner == GR_NONE ? blueprint->all[GR__NEURONS][layer]
                            : blueprint->span[GR__NEURONS][owner * blueprint->layers + layer].hi;
}

/* Lines of a matrix that one unit takes. A head of keys has `group_size` query heads, whose outputs are one line for
 * each dimension; in QKV the keys and the values follow. */
int gr__blueprint_lines_of(const gr__blueprint *blueprint, gr__unit unit) {
    switch (unit) {
    case GR__NEURON:
        return 1;
    case GR__HEAD:
        return blueprint->group_size * blueprint->head_size;
    case GR__QKV:
        return (blueprint->group_size + 2) * blueprint->head_size;
    default:
        return 0;
    }
}

int gr__unit_sort(gr__unit unit) {
    if (unit == GR__NEURON || unit == GR__EXPERT)
        return GR__NEURONS;
    return unit == GR__HEAD || unit == GR__QKV ? (int)GR__HEADS : GR_NONE;
}

int gr__blueprint_window(const gr__blueprint *blueprint, int layer) {
    return blueprint->def->window_count ? blueprint->def->windows[layer % blueprint->def->window_count] : 0;
}

int gr__blueprint_own(const gr__blueprint *blueprint, int owner) {
    return owner == GR_NONE ? blueprint->width : blueprint->def->regions[owner].residual.add;
}

int gr__blueprint_seen(const gr__blueprint *blueprint, int owner) {
    return blueprint->width + (owner == GR_NONE ? 0 : blueprint->def->regions[owner].residual.add);
}

int gr__blueprint_written(const gr__blueprint *blueprint, int owner) {
    const bool own = owner != GR_NONE && blueprint->def->regions[owner].group.writes == GR_GROUP_WRITES_OWN;
    return own ? gr__blueprint_own(blueprint, owner) : gr__blueprint_seen(blueprint, owner);
}

bool gr__blueprint_apart(const gr__blueprint *blueprint, int owner) {
    return owner != GR_NONE && blueprint->def->regions[owner].group.norm == GR_GROUP_NORM_APART;
}

/* The core or some group. */
bool gr__blueprint_attends(const gr__blueprint *blueprint, int layer) {
    bool any = blueprint->all[GR__HEADS][layer] > 0;
    for (int k = 0; k < blueprint->groups; k++)
        any = any || gr__blueprint_heads(blueprint, blueprint->group[k], layer) > 0;
    return any;
}

bool gr__blueprint_thinks(const gr__blueprint *blueprint, int layer) {
    bool any = blueprint->all[GR__NEURONS][layer] > 0;
    for (int k = 0; k < blueprint->groups; k++)
        any = any || gr__blueprint_mlp(blueprint, blueprint->group[k], layer) > 0;
    return any;
}

const char *gr__map_name(gr_map map, bool *in_layer) {
    static const char *const names[] = {"attn.qkv", "attn.out", "mlp.up", "mlp.gate", "mlp.down", "embed", "unembed"};
    if (in_layer)
        *in_layer = map < GR_MAP_EMBED;
    return names[map];
}

bool gr__blueprint_adapts(const gr__blueprint *blueprint, int region, gr_map map, int layer) {
    const gr_arch_region *r = &blueprint->def->regions[region];
    if (!r->adapter.rank || (r->adapter.maps && !(r->adapter.maps >> map & 1)))
        return false;

    /* By default every map of the region's layers that is there; embedding and output only where they are named. */
    switch (map) {
    case GR_MAP_QKV:
    case GR_MAP_OUT:
        return gr__region_in_layer(r, layer) && blueprint->all[GR__HEADS][layer] > 0;
    case GR_MAP_UP:
    case GR_MAP_DOWN:
        return gr__region_in_layer(r, layer) && blueprint->all[GR__NEURONS][layer] > 0 && !blueprint->each[layer];
    case GR_MAP_GATE:
        return gr__region_in_layer(r, layer) && blueprint->all[GR__NEURONS][layer] > 0 && !blueprint->each[layer] &&
               blueprint->def->activation == GR_ACTIVATION_SWIGLU;
    default:
        return r->adapter.maps != 0;
    }
}
