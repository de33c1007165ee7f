/* Which units of a smaller or wider network come from which of the old one. */
#include <stdlib.h>
#include <string.h>

#include "arch/arch_plan.h"

#define USAGE(err, hint, ...) gr_error_set((err), GR_ERR_USAGE, "surgery", (hint), __VA_ARGS__)

void gr__remap_free(gr__remap *map) {
    if (!map)
        return;
    for (int i = 0; map->to && i < map->to->layers; i++) {
        gr_free(map->heads[i]);
        gr_free(map->mlp[i]);
    }
    gr_free(map->heads);
    gr_free(map->mlp);
    gr__plan_free(map->from);
    gr__plan_free(map->to);
    gr_arch_free(map->def);
    gr_free(map);
}

int *gr__remap_lines(const gr__remap *map, int param, int axis) {
    const gr__plan_param *p = &map->to->param[param];
    int lines = axis ? p->def.cols : p->def.rows, layer = p->layer[axis];
    const gr__unit unit = p->region == GR_NONE ? p->axis[axis].unit : GR__PLAIN;
    const int scale = gr__plan_lines_of(map->to, unit);
    const int *units = !scale ? NULL : unit == GR__NEURON ? map->mlp[layer] : map->heads[layer];
    int *from = gr_alloc((size_t)lines * sizeof *from);
    for (int i = 0; i < lines; i++)
        from[i] = !units ? i : units[i / scale] < 0 ? -1 : units[i / scale] * scale + i % scale;
    return from;
}

/* ---- expand: units are the same by their place among the claimable ones or within the region that added them ---- */

static int find_region(const gr_arch_def *def, const char *name) {
    for (int r = 0; r < def->region_count; r++)
        if (!strcmp(def->regions[r].name, name))
            return r;
    return GR_NONE;
}

static bool adds(const gr_arch_region *region, bool heads) {
    return !region->residual.add && (heads ? region->heads.add : region->mlp.add) > 0;
}

static int *widen(const gr__plan *from, const gr__plan *to, int layer, bool heads) {
    int base = heads ? to->heads[layer] : to->mlp[layer], old = heads ? from->heads[layer] : from->mlp[layer];
    int all = heads ? to->heads_all[layer] : to->mlp_all[layer];
    int *units = gr_alloc((size_t)all * sizeof *units);
    for (int i = 0; i < all; i++)
        units[i] = i < base && i < old ? i : -1;
    for (int r = 0; r < to->def->region_count; r++) {
        int q = find_region(from->def, to->def->regions[r].name);
        if (q == GR_NONE || !adds(&to->def->regions[r], heads) || !adds(&from->def->regions[q], heads))
            continue;
        gr__span s = (heads ? to->head_span : to->mlp_span)[r * to->layers + layer];
        gr__span t = (heads ? from->head_span : from->mlp_span)[q * from->layers + layer];
        for (int i = 0; i < s.hi - s.lo && i < t.hi - t.lo; i++)
            units[s.lo + i] = t.lo + i;
    }
    return units;
}

static gr__remap *remap_new(gr__plan *from, gr__plan *to, gr_arch_def *def) {
    gr__remap *map = gr_alloc(sizeof *map);
    *map = (gr__remap){def, from, to, gr_alloc((size_t)to->layers * sizeof(int *)),
                       gr_alloc((size_t)to->layers * sizeof(int *))};
    return map;
}

gr_status gr__remap_expand(gr__remap **out, const gr_arch_def *def, const gr_arch_def *wider, gr_error *err) {
    gr__plan *from, *to;
    *out = NULL;
    GR_TRY(gr__plan_new(&from, def, err));
    gr_arch_def *copy = NULL;
    gr_status status = gr_arch_check(wider, err);
    if (!status) {
        copy = gr_arch_copy(wider);
        status = gr__plan_new(&to, copy, err);
    }
    if (!status && from->layers != to->layers) {
        status = USAGE(err, NULL, "the wider network has %d layers, the old one %d", to->layers, from->layers);
        gr__plan_free(to);
    }
    if (status) {
        gr_arch_free(copy);
        gr__plan_free(from);
        return status;
    }
    gr__remap *map = *out = remap_new(from, to, copy);
    for (int i = 0; i < to->layers; i++) {
        map->heads[i] = widen(from, to, i, true);
        map->mlp[i] = widen(from, to, i, false);
    }
    return GR_OK;
}

/* ---- remove ---- */

/* What stays of one sort of units: kept[i] for all units of a layer. */
typedef struct kept {
    bool *unit;
    int count; /* of unit */
} kept;

static kept *keep(const gr__plan *plan, const bool *gone, bool heads) {
    const int *all = heads ? plan->heads_all : plan->mlp_all;
    const gr__span *span = heads ? plan->head_span : plan->mlp_span;
    kept *k = gr_alloc((size_t)plan->layers * sizeof *k);
    for (int i = 0; i < plan->layers; i++) {
        k[i] = (kept){gr_alloc((size_t)all[i]), all[i]};
        memset(k[i].unit, true, (size_t)all[i]);
        for (int r = 0; r < plan->def->region_count; r++)
            if (gone[r] && !plan->def->regions[r].residual.add) {
                gr__span s = span[r * plan->layers + i];
                memset(k[i].unit + s.lo, false, (size_t)(s.hi - s.lo));
            }
    }
    return k;
}

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

static int *lines_kept(const kept *k) {
    int *units = gr_alloc((size_t)k->count * sizeof *units), n = 0;
    for (int i = 0; i < k->count; i++)
        if (k->unit[i])
            units[n++] = i;
    return units;
}

/* Counts of claimable units that stay, `scale` each: one number where all layers agree, else a list. */
static int *counts(gr_arena *arena, const kept *k, const int *claimable, int layers, int scale, int *same) {
    int *list = gr_arena_alloc(arena, (size_t)layers * sizeof *list);
    bool alike = true;
    for (int i = 0; i < layers; i++) {
        list[i] = scale * count_kept(&k[i], claimable[i]);
        alike = alike && list[i] == list[0];
    }
    if (!alike || !layers || !list[0])
        return list;
    *same = list[0];
    return NULL;
}

/* Moves a claim to where its units are now. */
static void move_claim(gr_arena *arena, gr_arch_units *u, const gr__span *span, const kept *k, int layers) {
    if (u->add || !(u->lo || u->hi || u->last || u->spans))
        return;
    int *spans = gr_arena_alloc(arena, 2 * (size_t)layers * sizeof *spans);
    const int *one = NULL; /* the range, where every layer that has one agrees */
    bool alike = true;
    for (int i = 0; i < layers; i++) {
        spans[2 * i] = count_kept(&k[i], span[i].lo);
        spans[2 * i + 1] = count_kept(&k[i], span[i].hi);
        if (span[i].lo == span[i].hi)
            continue;
        alike = alike && (!one || (one[0] == spans[2 * i] && one[1] == spans[2 * i + 1]));
        one = one ? one : spans + 2 * i;
    }
    bool simple = !u->spans && alike && one && one[0] < one[1];
    *u = simple ? (gr_arch_units){.lo = one[0], .hi = one[1]} : (gr_arch_units){.spans = spans};
}

static gr_status check_gone(const gr__plan *plan, int r, gr_error *err) {
    const gr_arch_region *region = &plan->def->regions[r];
    if (plan->stream_span[r].lo < plan->stream_span[r].hi)
        return USAGE(
            err, "switch the region off by its gate, or zero it",
            "region '%s' claims residual dimensions %d..%d, which share a norm with the others: without them it "
            "would divide by another count",
            region->name, plan->stream_span[r].lo, plan->stream_span[r].hi);
    if (region->pattern_count)
        return USAGE(err, "zero or redraw it instead",
                     "region '%s' owns whole parameters ('%s'), which cannot be removed", region->name,
                     region->patterns[0]);
    return GR_OK;
}

/* The description without the regions that are gone. */
static gr_arch_def *smaller(const gr__plan *plan, const bool *gone, const kept *heads, const kept *mlp) {
    const gr_arch_def *old = plan->def;
    gr_arena *arena = gr_arena_new();
    gr_arch_def def = *old;
    gr_arch_region *regions = gr_arena_alloc(arena, (size_t)old->region_count * sizeof *regions);
    def.region_count = 0;
    for (int r = 0; r < old->region_count; r++) {
        if (gone[r])
            continue;
        gr_arch_region *region = &regions[def.region_count++];
        *region = old->regions[r];
        move_claim(arena, &region->heads, plan->head_span + r * plan->layers, heads, plan->layers);
        move_claim(arena, &region->mlp, plan->mlp_span + r * plan->layers, mlp, plan->layers);
    }
    def.regions = regions;
    if (def.kind == GR_ARCH_MLP) {
        int *sizes = gr_arena_alloc(arena, (size_t)def.size_count * sizeof *sizes);
        memcpy(sizes, old->sizes, (size_t)def.size_count * sizeof *sizes);
        for (int i = 0; i < plan->layers; i++)
            sizes[i + 1] = count_kept(&mlp[i], plan->mlp[i]);
        def.sizes = sizes;
    } else {
        def.head_size = plan->head_size;
        def.layer_heads = counts(arena, heads, plan->heads, plan->layers, plan->share, &def.heads);
        if (def.kv_heads && !def.layer_heads)
            def.kv_heads = def.heads / plan->share;
        def.layer_mlp = counts(arena, mlp, plan->mlp, plan->layers, 1, &def.mlp);
    }
    gr_arch_def *copy = gr_arch_copy(&def);
    gr_arena_free(arena);
    return copy;
}

static gr_status mark_gone(const gr__plan *plan, bool *gone, const char *const *regions, int count, gr_error *err) {
    for (int i = 0; i < count; i++) {
        int r = find_region(plan->def, regions[i]);
        if (r == GR_NONE)
            return USAGE(err, NULL, "there is no region '%s'", regions[i]);
        gone[r] = true;
        GR_TRY(check_gone(plan, r, err));
    }
    return GR_OK;
}

gr_status gr__remap_remove(gr__remap **out, const gr_arch_def *def, const char *const *regions, int count,
                           gr_error *err) {
    gr__plan *from, *to = NULL;
    *out = NULL;
    GR_TRY(gr__plan_new(&from, def, err));
    bool *gone = gr_alloc((size_t)def->region_count);
    gr_status status = mark_gone(from, gone, regions, count, err);
    if (!status) {
        kept *heads = keep(from, gone, true), *mlp = keep(from, gone, false);
        gr_arch_def *less = smaller(from, gone, heads, mlp);
        status = gr__plan_new(&to, less, err);
        if (!status) {
            gr__remap *map = *out = remap_new(from, to, less);
            for (int i = 0; i < to->layers; i++) {
                map->heads[i] = lines_kept(&heads[i]);
                map->mlp[i] = lines_kept(&mlp[i]);
            }
        } else {
            gr_arch_free(less);
        }
        kept_free(heads, from->layers);
        kept_free(mlp, from->layers);
    }
    if (status)
        gr__plan_free(from);
    gr_free(gone);
    return status;
}
