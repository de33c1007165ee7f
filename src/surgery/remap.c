/* remap.c - which layers and units of a smaller or wider network come from which of the old one.
 *
 * A map holds two blueprints and, for each layer and unit of the new one, the layer and unit of the old one, or -1.
 * From that follows for every parameter where its rows and columns come from. */
#include <string.h>

#include "arch/kind.h"
#include "surgery/remap.h"

#define USAGE(err, hint, ...) gr_error_set((err), GR_ERR_USAGE, "surgery", (hint), __VA_ARGS__)

/* Frees a map with both blueprints and the new description. */
void gr__remap_free(gr__remap *map) {
    if (!map)
        return;
    for (int i = 0; i < map->to->layers; i++) {
        for (int sort = 0; sort < GR__SORTS; sort++)
            gr_free(map->units[sort][i]);
    }
    gr_free(map->layer);
    for (int sort = 0; sort < GR__SORTS; sort++)
        gr_free(map->units[sort]);
    gr__blueprint_free(map->from);
    gr__blueprint_free(map->to);
    gr_arch_free(map->def);
    gr_free(map);
}

/* The same parameter of the same owner, in the layer that this one was. */
int gr__remap_origin(const gr__remap *map, int param) {
    const gr__blueprint_param *p = &map->to->param[param];
    int block = p->block == GR_NONE ? GR_NONE : map->layer[p->block];
    if (p->block != GR_NONE && block < 0)
        return GR_NONE;
    return gr__blueprint_find_local(map->from, gr__blueprint_owner(map->to, param), block, p->local);
}

int *gr__remap_lines(const gr__remap *map, int param, int axis) {
    const gr__blueprint_param *p = &map->to->param[param];

    /* Lines of units come from the lines of the unit; others stay where they are. */
    int lines = axis ? p->def.cols : p->def.rows, layer = p->layer[axis];
    const gr__unit unit = gr__blueprint_core(map->to, param) ? p->axis[axis].unit : GR__PLAIN;
    const int scale = gr__blueprint_lines_of(map->to, unit);
    const int *units = scale ? map->units[gr__unit_sort(unit)][layer] : NULL;

    /* The stream grows at its end. */
    int known = unit == GR__STREAM ? map->from->width : lines;
    int *from = gr_alloc((size_t)lines * sizeof *from);
    for (int i = 0; i < lines; i++) {
        if (units)
            from[i] = units[i / scale] < 0 ? -1 : units[i / scale] * scale + i % scale;
        else
            from[i] = i < known ? i : -1;
    }

    /* An expert is where its first neuron is. */
    if (p->axis[axis].unit == GR__EXPERT)
        for (int i = 0, each = map->to->each[layer]; i < lines; i++)
            from[i] =
                map->units[GR__NEURONS][layer][i * each] < 0 ? -1 : map->units[GR__NEURONS][layer][i * each] / each;
    return from;
}

/* ---- expand: units are the same by their place among the claimable ones or within the region that added them ---- */

/* The number of a region by its name. */
static int find_region(const gr_arch_def *def, const char *name) {
    for (int r = 0; r < def->region_count; r++)
        if (!strcmp(def->regions[r].name, name))
            return r;
    return GR_NONE;
}

/* Whether the region adds units of this sort to the core's. */
static bool adds(const gr_arch_region *region, gr__sort sort) {
    if (region->residual.add)
        return false;
    for (int k = 0; k < GR__UNIT_KINDS; k++)
        if (gr__unit_kinds[k].sort == (int)sort && gr__units_of(region, &gr__unit_kinds[k])->add > 0)
            return true;
    return false;
}

/* The units of a layer after widening: old claimable ones keep their place, and those that a region adds are found
 * again by the region's name. was: the layer of `from`, -1: none, so all are new. */
static int *widen(const gr__blueprint *from, const gr__blueprint *to, int layer, int was, gr__sort sort) {
    /* Claimable units of the core, by the number that each had before; -1: it is new. */
    int base = to->claimable[sort][layer], all = to->all[sort][layer];
    int old = was < 0 ? 0 : from->claimable[sort][was];
    int *units = gr_alloc((size_t)all * sizeof *units);
    for (int i = 0; i < all; i++)
        units[i] = i < base && i < old ? i : -1;
    if (was < 0)
        return units;

    /* Units that a region adds, if it did so before. */
    for (int r = 0; r < to->def->region_count; r++) {
        int q = find_region(from->def, to->def->regions[r].name);
        if (q == GR_NONE || !adds(&to->def->regions[r], sort) || !adds(&from->def->regions[q], sort))
            continue;
        gr__unit_span s = to->span[sort][r * to->layers + layer];
        gr__unit_span t = from->span[sort][q * from->layers + was];
        for (int i = 0; i < s.hi - s.lo && i < t.hi - t.lo; i++)
            units[s.lo + i] = t.lo + i;
    }
    return units;
}

/* A map of the same layers, without units yet. */
static gr__remap *remap_new(gr__blueprint *from, gr__blueprint *to, gr_arch_def *def) {
    gr__remap *map = gr_alloc(sizeof *map);
    *map = (gr__remap){.def = def, .from = from, .to = to, .layer = gr_alloc((size_t)to->layers * sizeof(int))};
    for (int sort = 0; sort < GR__SORTS; sort++)
        map->units[sort] = gr_alloc((size_t)to->layers * sizeof(int *));

    /* Each layer is itself, until the caller says otherwise. */
    for (int i = 0; i < to->layers; i++)
        map->layer[i] = i;
    return map;
}

gr__remap *gr__remap_new(gr__blueprint *from, gr__blueprint *to, gr_arch_def *def, const int *layer) {
    gr__remap *map = remap_new(from, to, def);

    /* Each layer and its units. */
    for (int i = 0; i < to->layers; i++) {
        int was = map->layer[i] = layer ? layer[i] : i;
        for (int sort = 0; sort < GR__SORTS; sort++)
            map->units[sort][i] = widen(from, to, i, was, (gr__sort)sort);
    }
    return map;
}

/* A copy of the wider description, and its blueprint, which has as many layers as the old one. */
static gr_status blueprint_wider(gr__blueprint **to, gr_arch_def **copy, const gr_arch_def *wider, int layers,
                                 gr_error *err) {
    GR_TRY(gr_arch_check(wider, err)); /* first: copying reads lists as long as it says */
    *copy = gr_arch_copy(wider);
    gr_status status = gr__blueprint_new(to, *copy, err);
    if (status == GR_OK && (*to)->layers != layers) {
        status = USAGE(err, NULL, "the wider network has %d layers, the old one %d", (*to)->layers, layers);
        gr__blueprint_free(*to);
    }
    if (status != GR_OK)
        gr_arch_free(*copy);
    return status;
}

/* A map to a network with more units in regions; it takes both blueprints and the copied description over. */
gr_status gr__remap_expand(gr__remap **out, const gr_arch_def *def, const gr_arch_def *wider, gr_error *err) {
    gr__blueprint *from, *to;
    gr_arch_def *copy;
    *out = NULL;
    GR_TRY(gr__blueprint_new(&from, def, err));
    gr_status status = blueprint_wider(&to, &copy, wider, from->layers, err);
    if (status == GR_OK)
        *out = gr__remap_new(from, to, copy, NULL);
    else
        gr__blueprint_free(from);
    return status;
}

/* ---- remove ---- */

/* What stays of one sort of units: kept[i] for all units of a layer. */
typedef struct kept {
    bool *unit;
    int count; /* of unit */
} kept;

/* What stays of one sort of units, by layer; kept_free. */
static kept *keep(const gr__blueprint *blueprint, const bool *gone, gr__sort sort) {
    const int *all = blueprint->all[sort];
    const gr__unit_span *span = blueprint->span[sort];
    kept *k = gr_alloc((size_t)blueprint->layers * sizeof *k);

    /* All units of a layer, less those of regions that are gone. */
    for (int i = 0; i < blueprint->layers; i++) {
        k[i] = (kept){gr_alloc((size_t)all[i]), all[i]};
        memset(k[i].unit, true, (size_t)all[i]);
        for (int r = 0; r < blueprint->def->region_count; r++)
            if (gone[r] && !blueprint->def->regions[r].residual.add) {
                gr__unit_span s = span[r * blueprint->layers + i];
                memset(k[i].unit + s.lo, false, (size_t)(s.hi - s.lo));
            }
    }
    return k;
}

/* Frees what keep made. */
static void kept_free(kept *k, int layers) {
    for (int i = 0; i < layers; i++)
        gr_free(k[i].unit);
    gr_free(k);
}

/* Units that stay among the first n of a layer. */
static int count_kept(const kept *k, int n) {
    int count = 0;
    for (int i = 0; i < n; i++)
        count += k->unit[i];
    return count;
}

/* The old numbers of the units that stay. */
static int *lines_kept(const kept *k) {
    int *units = gr_alloc((size_t)k->count * sizeof *units), n = 0;
    for (int i = 0; i < k->count; i++)
        if (k->unit[i])
            units[n++] = i;
    return units;
}

/* The layers that stay, by their old numbers. */
typedef struct staying {
    int *layer; /* [count] */
    int count;
    int *now; /* [layers] the new number of an old layer, or -1 */
} staying;

/* Layers stay unless a region that is gone owns them whole. */
static staying stay(gr_arena *arena, const gr__blueprint *blueprint, const bool *gone) {
    size_t size = (size_t)blueprint->layers * sizeof(int);
    staying s = {gr_arena_alloc(arena, size), 0, gr_arena_alloc(arena, size)};

    /* Those that stay close up. */
    for (int i = 0; i < blueprint->layers; i++) {
        bool stays = blueprint->whole[i] == GR_NONE || !gone[blueprint->whole[i]];
        s.now[i] = stays ? s.count : -1;
        if (stays)
            s.layer[s.count++] = i;
    }
    return s;
}

/* A list of layers by their new numbers, without those that left. */
static const int *renumber(gr_arena *arena, const staying *s, const int *list, int *count) {
    int *now = gr_arena_alloc(arena, (size_t)*count * sizeof *now), n = 0;
    for (int i = 0; i < *count; i++)
        if (s->now[list[i]] >= 0)
            now[n++] = s->now[list[i]];
    *count = n;
    return now;
}

/* Units that count as one: the neurons of an expert. */
static int by(const int *each, int layer) { return each ? each[layer] : 1; }

/* Counts of claimable units that stay, of `each` lines, times `scale`: one number where all layers agree, else a list.
 */
static int *counts(gr_arena *arena, const staying *s, const kept *k, const int *claimable, const int *each, int scale,
                   int *same) {
    int *list = gr_arena_alloc(arena, (size_t)s->count * sizeof *list);
    bool alike = true;
    for (int i = 0; i < s->count; i++) {
        list[i] = scale * count_kept(&k[s->layer[i]], claimable[s->layer[i]]) / by(each, s->layer[i]);
        alike = alike && list[i] == list[0];
    }

    /* 0 would mean the default. */
    if (!alike || !s->count || !list[0])
        return list;
    *same = list[0];
    return NULL;
}

/* Moves a claim to where its units, of `each` lines, are now. */
static void move_claim(gr_arena *arena, const staying *s, gr_arch_units *u, const gr__unit_span *span, const kept *k,
                       const int *each) {
    if (u->add || !(u->lo || u->hi || u->last || u->spans))
        return;
    int *spans = gr_arena_alloc(arena, 2 * (size_t)s->count * sizeof *spans);
    const int *one = NULL; /* the range, where every layer that has one agrees */
    bool alike = true;

    /* A unit's new number is how many stay before it. */
    for (int i = 0; i < s->count; i++) {
        gr__unit_span old = span[s->layer[i]];
        spans[2 * i] = count_kept(&k[s->layer[i]], old.lo) / by(each, s->layer[i]);
        spans[2 * i + 1] = count_kept(&k[s->layer[i]], old.hi) / by(each, s->layer[i]);
        if (old.lo == old.hi)
            continue;
        alike = alike && (!one || (one[0] == spans[2 * i] && one[1] == spans[2 * i + 1]));
        one = one ? one : spans + 2 * i;
    }

    /* One range where all layers agree, else one for each layer. */
    bool simple = !u->spans && alike && one && one[0] < one[1];
    *u = simple ? (gr_arch_units){.lo = one[0], .hi = one[1]} : (gr_arch_units){.spans = spans};
}

/* What cannot be taken out of a network and leave one of the same kind. */
static gr_status check_gone(const gr__blueprint *blueprint, int r, gr_error *err) {
    const gr_arch_region *region = &blueprint->def->regions[r];
    if (blueprint->stream_span[r].lo < blueprint->stream_span[r].hi)
        return USAGE(
            err, "switch the region off by its gate, or zero it",
            "region '%s' claims residual dimensions %d..%d, which share a norm with the others: without them it "
            "would divide by another count",
            region->name, blueprint->stream_span[r].lo, blueprint->stream_span[r].hi);

    /* A whole parameter may be one that the network cannot do without. */
    if (region->pattern_count)
        return USAGE(err, "zero or redraw it instead",
                     "region '%s' owns whole parameters ('%s'), which cannot be removed", region->name,
                     region->patterns[0]);
    return GR_OK;
}

/* The windows of the layers that stay: those of a description go around, and layers that leave would shift them. */
static const int *windows(gr_arena *arena, const gr__blueprint *blueprint, const staying *s, int *count) {
    int *list = gr_arena_alloc(arena, (size_t)s->count * sizeof *list);

    /* All layers stay: so does the list. */
    if (s->count == blueprint->layers)
        return blueprint->def->windows;

    /* Else write out the window of each. */
    for (int i = 0; i < s->count; i++)
        list[i] = gr__blueprint_window(blueprint, s->layer[i]);
    *count = s->count;
    return list;
}

/* A list by layer, for the layers that stay. */
static const int *of_staying(gr_arena *arena, const staying *s, const int *list) {
    int *now = gr_arena_alloc(arena, (size_t)s->count * sizeof *now);
    for (int i = 0; i < s->count; i++)
        now[i] = list[s->layer[i]];
    return now;
}

/* The regions that stay, in new numbers of layers and units; *count becomes how many. */
static gr_arch_region *staying_regions(gr_arena *arena, const gr__blueprint *blueprint, const bool *gone,
                                       const staying *s, kept *const *k, int *count) {
    const gr_arch_def *old = blueprint->def;
    gr_arch_region *regions = gr_arena_alloc(arena, (size_t)old->region_count * sizeof *regions);
    *count = 0;
    for (int r = 0; r < old->region_count; r++) {
        if (gone[r])
            continue;
        gr_arch_region *region = &regions[(*count)++];
        *region = old->regions[r];
        for (int u = 0; u < GR__UNIT_KINDS; u++) {
            const gr__unit_kind *kind = &gr__unit_kinds[u];
            if (kind->sort != GR_NONE)
                move_claim(arena, s, gr__units_in(region, kind), blueprint->span[kind->sort] + r * blueprint->layers,
                           k[kind->sort], kind->by_expert ? blueprint->each : NULL);
        }
        region->layers = renumber(arena, s, region->layers, &region->layer_count);
        region->whole = renumber(arena, s, region->whole, &region->whole_count);
    }
    return regions;
}

/* Of a perceptron: the claimable neurons that stay in each layer, between inputs and outputs. */
static const int *sizes_kept(gr_arena *arena, const gr__blueprint *blueprint, const kept *mlp) {
    const gr_arch_def *old = blueprint->def;
    int *sizes = gr_arena_alloc(arena, (size_t)old->size_count * sizeof *sizes);
    memcpy(sizes, old->sizes, (size_t)old->size_count * sizeof *sizes);
    for (int i = 0; i < blueprint->layers; i++)
        sizes[i + 1] = count_kept(&mlp[i], blueprint->claimable[GR__NEURONS][i]);
    return sizes;
}

/* Of a transformer: layers that stay, with their windows, heads, and neurons or experts. */
static void count_transformer(gr_arch_def *def, gr_arena *arena, const gr__blueprint *blueprint, const staying *s,
                              kept *const *k) {
    const kept *heads = k[GR__HEADS], *mlp = k[GR__NEURONS];
    const gr_arch_def *old = blueprint->def;
    def->head_size = blueprint->head_size;
    def->layers = s->count;
    def->windows = old->window_count ? windows(arena, blueprint, s, &def->window_count) : NULL;

    /* Query heads; where their number changes, that of heads of keys goes with it. */
    def->layer_heads =
        counts(arena, s, heads, blueprint->claimable[GR__HEADS], NULL, blueprint->group_size, &def->heads);
    if (def->kv_heads && !def->layer_heads)
        def->kv_heads = def->heads / blueprint->group_size;

    /* With experts the neurons of each stay as they are. */
    if (def->experts > 0 || def->layer_experts) {
        def->layer_mlp = old->layer_mlp ? of_staying(arena, s, old->layer_mlp) : NULL;
        def->layer_experts =
            counts(arena, s, mlp, blueprint->claimable[GR__NEURONS], blueprint->each, 1, &def->experts);
    } else {
        def->layer_mlp = counts(arena, s, mlp, blueprint->claimable[GR__NEURONS], NULL, 1, &def->mlp);
    }
}

/* The description without the regions that are gone. */
static gr_arch_def *smaller(gr_arena *arena, const gr__blueprint *blueprint, const bool *gone, const staying *s,
                            kept *const *k) {
    gr_arch_def def = *blueprint->def;
    def.regions = staying_regions(arena, blueprint, gone, s, k, &def.region_count);

    /* Layers with a penalty: an empty list would mean all of them. */
    def.l1_layers = renumber(arena, s, blueprint->def->l1_layers, &def.l1_count);
    if (blueprint->def->l1_count && !def.l1_count)
        def.l1 = 0;

    if (blueprint->arch->sized)
        def.sizes = sizes_kept(arena, blueprint, k[GR__NEURONS]);
    else
        count_transformer(&def, arena, blueprint, s, k);
    return gr_arch_copy(&def);
}

/* Patterns name parameters by the numbers of their layers, and those change. */
static gr_status check_patterns(const gr__blueprint *blueprint, const bool *gone, const staying *s, gr_error *err) {
    if (!s->count && blueprint->layers)
        return USAGE(err, "leave one of the regions in", "without these regions the network has no layer");

    /* As long as all layers stay, so do their numbers. */
    if (s->count == blueprint->layers)
        return GR_OK;
    for (int r = 0; r < blueprint->def->region_count; r++)
        for (int p = 0; p < blueprint->params; p++)
            if (!gone[r] && blueprint->param[p].block != GR_NONE && gr__blueprint_listed(blueprint, p, r))
                return USAGE(err, "remove that region's patterns, or silence the layers with zero",
                             "region '%s' owns '%s' by a pattern, and layers that leave change the numbers of others",
                             blueprint->def->regions[r].name, blueprint->param[p].def.name);
    return GR_OK;
}

/* Marks the regions that are named; each must be one that can be removed. */
static gr_status mark_gone(const gr__blueprint *blueprint, bool *gone, const char *const *regions, int count,
                           gr_error *err) {
    for (int i = 0; i < count; i++) {
        int r = find_region(blueprint->def, regions[i]);
        if (r == GR_NONE)
            return USAGE(err, NULL, "there is no region '%s'", regions[i]);
        gone[r] = true;
        GR_TRY(check_gone(blueprint, r, err));
    }
    return GR_OK;
}

/* The map to a network without the regions that are marked; it takes `from` over. */
static gr_status remove_marked(gr__remap **out, gr__blueprint *from, const bool *gone, gr_arena *arena, gr_error *err) {
    staying s = stay(arena, from, gone);
    GR_TRY(check_patterns(from, gone, &s, err));

    /* What stays of each layer says what the new network is. */
    gr__blueprint *to;
    kept *k[GR__SORTS];
    for (int sort = 0; sort < GR__SORTS; sort++)
        k[sort] = keep(from, gone, (gr__sort)sort);
    gr_arch_def *less = smaller(arena, from, gone, &s, k);
    gr_status status = gr__blueprint_new(&to, less, err);

    /* And where its units were. */
    if (status == GR_OK) {
        gr__remap *map = *out = remap_new(from, to, less);
        for (int i = 0; i < to->layers; i++) {
            map->layer[i] = s.layer[i];
            for (int sort = 0; sort < GR__SORTS; sort++)
                map->units[sort][i] = lines_kept(&k[sort][s.layer[i]]);
        }
    } else {
        gr_arch_free(less);
    }
    for (int sort = 0; sort < GR__SORTS; sort++)
        kept_free(k[sort], from->layers);
    return status;
}

gr_status gr__remap_remove(gr__remap **out, const gr_arch_def *def, const char *const *regions, int count,
                           gr_error *err) {
    gr__blueprint *from;
    *out = NULL;
    GR_TRY(gr__blueprint_new(&from, def, err));

    /* Which regions go; then all that follows from it. `arena` holds the new description until it is copied. */
    bool *gone = gr_alloc((size_t)def->region_count);
    gr_arena *arena = gr_arena_new();
    gr_status status = mark_gone(from, gone, regions, count, err);
    if (status == GR_OK)
        status = remove_marked(out, from, gone, arena, err);
    if (status != GR_OK)
        gr__blueprint_free(from);
    gr_arena_free(arena);
    gr_free(gone);
    return status;
}
