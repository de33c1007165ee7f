/* resize.c - more or fewer layers, neurons, heads and residual dimensions.
 *
 * The new description is worked out first: which layers are old ones, how many units each has, where the claims of
 * regions lie then. From both descriptions follows a map (remap.c), by which the new model is filled. New units put out
 * nothing and new layers add nothing, so more of anything leaves the function alone; fewer cuts it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arch/kind.h"
#include "surgery/remap.h"

#define USAGE(err, hint, ...) gr_error_set((err), GR_ERR_USAGE, "resize", (hint), __VA_ARGS__)

/* Nothing changes unless it is asked for. */
gr_surgery_resize_def gr_surgery_resize_default(void) {
    return (gr_surgery_resize_def){.layers = GR_SURGERY_KEEP,
                                   .at = GR_SURGERY_END,
                                   .mlp = GR_SURGERY_KEEP,
                                   .heads = GR_SURGERY_KEEP,
                                   .width = GR_SURGERY_KEEP};
}

typedef struct job {
    gr__blueprint *from; /* of the old network */
    const gr_surgery_resize_def *how;
    gr_arena *arena;
    int layers;                   /* from here on of the new network */
    int *layer;                   /* [layers] the old one, -1: new */
    int *units[GR__SORTS], *each; /* of each layer; each: neurons of an expert, 0: no experts */
    gr_arch_def def;
} job;

/* ---- what can be asked for ---- */

/* A size of the new network: at least one, or as it was. */
static gr_status check_count(const char *what, int value, gr_error *err) {
    if (value >= 1 || value == GR_SURGERY_KEEP)
        return GR_OK;
    return USAGE(err, NULL, "%d %s: a network needs at least one", value, what);
}

/* Its square root is a power of 2. */
static bool power_of_four(int n) {
    while (n > 1 && n % 4 == 0)
        n /= 4;
    return n == 1;
}

/* Whether the residual stream may have another width: the norms must be able to make up for it. */
static gr_status check_width(const gr__blueprint *from, const gr_surgery_resize_def *how, gr_error *err) {
    int d = from->width, w = how->width == GR_SURGERY_KEEP ? d : how->width;
    int more = w > d ? w : d, less = w > d ? d : w;
    if (w == d)
        return GR_OK;

    /* RMS norm alone divides by a number that a factor of the gains can correct. */
    if (from->def->norm != GR_NORM_RMS)
        return USAGE(err, "change neurons, heads or layers instead",
                     "%d residual dimensions instead of %d: layer norm takes a mean over all of them, so more or fewer "
                     "give another function",
                     w, d);
    if (from->def->no_gain)
        return USAGE(
            err, "change neurons, heads or layers instead",
            "%d residual dimensions instead of %d need norm gains to make up for another divisor, and there are "
            "none",
            w, d);

    /* Nor may the divisor depend on what is switched on, or on who reads. */
    if (from->groups)
        return USAGE(err, "remove the region, or change neurons, heads or layers instead",
                     "%d residual dimensions instead of %d: the norms count those of region '%s' only %s, and no gain "
                     "fits both",
                     w, d, from->def->regions[from->group[0]].name,
                     gr__blueprint_apart(from, from->group[0]) ? "where it reads" : "while it is on");

    /* Gains are multiplied by sqrt(old / new width): a power of 2 keeps every bit. */
    if (how->rounding || (more % less == 0 && power_of_four(more / less)))
        return GR_OK;
    return USAGE(err, "take 4 or 16 times the width, or allow rounding",
                 "%d residual dimensions instead of %d multiply every norm gain by %.9g, which rounds: the old bits "
                 "could not be had back",
                 w, d, sqrt((double)d / w));
}

/* What can be asked for, by the kind of network. */
static gr_status check(const gr__blueprint *from, const gr_surgery_resize_def *how, gr_error *err) {
    GR_TRY(check_count("layers", how->layers, err));
    GR_TRY(check_count("neurons", how->mlp, err));
    GR_TRY(check_count("heads", how->heads, err));
    if (how->mlp != GR_SURGERY_KEEP && (from->def->experts || from->def->layer_experts))
        return USAGE(err, "change heads or layers instead, or add experts in a region",
                     "%d neurons for a network whose neurons are those of experts", how->mlp);
    GR_TRY(check_count("residual dimensions", how->width, err));

    /* Heads come in groups that share a head of keys. */
    if (how->heads != GR_SURGERY_KEEP && how->heads % from->group_size)
        return USAGE(err, NULL, "%d heads cannot share heads of keys by %d", how->heads, from->group_size);

    /* A perceptron has nothing but neurons to change. */
    if (from->arch->sized &&
        (how->layers != GR_SURGERY_KEEP || how->heads != GR_SURGERY_KEEP || how->width != GR_SURGERY_KEEP))
        return USAGE(err, "change its neurons",
                     "%s has no residual stream: a new layer could not leave the function alone", from->arch->title);

    /* New layers go in behind the first `at`, and layers that go are taken from there on. */
    int n = how->layers == GR_SURGERY_KEEP ? from->layers : how->layers;
    int last = n > from->layers ? from->layers : n;
    if (how->at != GR_SURGERY_END && (how->at < 0 || how->at > last))
        return USAGE(err, NULL, "layers from %d on: expected 0 to %d", how->at, last);
    return check_width(from, how, err);
}

/* ---- layers and their units ---- */

/* Which old layer each new one is, -1 for one that is new. */
static void place_layers(job *j) {
    int old = j->from->layers, n = j->how->layers == GR_SURGERY_KEEP ? old : j->how->layers;
    int at = j->how->at == GR_SURGERY_END ? (n > old ? old : n) : j->how->at, more = n - old;
    j->layers = n;
    j->layer = gr_arena_alloc(j->arena, (size_t)n * sizeof *j->layer);
    for (int i = 0; i < n; i++) {
        if (i < at)
            j->layer[i] = i;
        else if (more > 0 && i < at + more)
            j->layer[i] = -1;
        else
            j->layer[i] = i - more;
    }
}

/* Units of each layer of the new network: as asked for, else those of the old layer; a new one has as many as the one
 * before it. */
static int *units_of_layers(const job *j, const int *old, int asked) {
    int *list = gr_arena_alloc(j->arena, (size_t)j->layers * sizeof *list);
    for (int i = 0; i < j->layers; i++) {
        if (asked != GR_SURGERY_KEEP)
            list[i] = asked;
        else if (j->layer[i] >= 0)
            list[i] = old[j->layer[i]];
        else
            list[i] = i ? list[i - 1] : old[0];
    }
    return list;
}

/* One number where all layers agree, else the list; `scale` for each. */
static const int *by_layer(const job *j, const int *units, int scale, int *same) {
    int *list = gr_arena_alloc(j->arena, (size_t)j->layers * sizeof *list);
    bool alike = true;
    for (int i = 0; i < j->layers; i++) {
        list[i] = scale * units[i];
        alike = alike && list[i] == list[0] && list[i];
    }

    /* A list, or the number by *same. */
    if (!alike)
        return list;
    *same = list[0];
    return NULL;
}

/* Windows stay with their layers; a new one sees what the one before it does. */
static void move_windows(job *j) {
    gr_arch_def *def = &j->def;
    int *old = gr_arena_alloc(j->arena, (size_t)j->from->layers * sizeof *old);
    for (int i = 0; i < j->from->layers; i++)
        old[i] = gr__blueprint_window(j->from, i);

    /* Only where there are windows: an empty list means that every row sees all rows before it. */
    if (!def->window_count)
        return;
    def->windows = units_of_layers(j, old, GR_SURGERY_KEEP);
    def->window_count = j->layers;
}

/* ---- regions ---- */

/* The list of layers in new numbers. */
static gr_status move_layers(const job *j, const int **list, int *count, const char *region, gr_error *err) {
    int *moved = gr_arena_alloc(j->arena, ((size_t)*count + 1) * sizeof *moved), n = 0;

    /* An old layer that is gone drops out of the list. */
    for (int k = 0; k < *count; k++)
        for (int i = 0; i < j->layers; i++)
            if (j->layer[i] == (*list)[k])
                moved[n++] = i;

    /* A region that names layers would mean all of them with an empty list. */
    if (*count && !n && region)
        return USAGE(err, "remove the region first", "region '%s' would be left without a layer", region);
    *list = moved;
    *count = n;
    return GR_OK;
}

/* A claim, with its units where they are now; region->layers are old ones still. */
static gr_status move_claim(const job *j, gr_arch_region *region, int r, const gr__unit_kind *kind, gr_error *err) {
    gr_arch_units *u = gr__units_in(region, kind);
    const gr__unit_span *span = j->from->span[kind->sort] + r * j->from->layers;
    const int *counts = j->units[kind->sort], *each = kind->by_expert ? j->each : NULL;
    if (u->add || !(u->lo || u->hi || u->last || u->spans))
        return GR_OK;
    int *spans = gr_arena_alloc(j->arena, 2 * (size_t)j->layers * sizeof *spans);
    const int *one = NULL;
    bool alike = true;

    /* Layer by layer, what it claimed there; all of it must still be there. */
    for (int i = 0; i < j->layers; i++) {
        const gr__unit_span *s = j->layer[i] < 0 ? NULL : &span[j->layer[i]];
        if (!s || s->lo >= s->hi)
            continue;
        if (s->hi > counts[i])
            return USAGE(err, "remove the region first",
                         "region '%s' claims %s %d..%d of layer %d, of which %d are left", region->name, kind->noun,
                         s->lo, s->hi, j->layer[i], counts[i]);
        spans[2 * i] = s->lo / (each ? each[i] : 1);
        spans[2 * i + 1] = s->hi / (each ? each[i] : 1);
        alike = alike && (!one || (one[0] == spans[2 * i] && one[1] == spans[2 * i + 1]));
        one = spans + 2 * i;
    }

    /* One range where all layers agree, else one for each layer. */
    bool simple = !u->spans && alike && one;
    *u = simple ? (gr_arch_units){.lo = one[0], .hi = one[1]} : (gr_arch_units){.spans = spans};
    return GR_OK;
}

/* The region's claims and lists of layers in the new network. */
static gr_status move_region(const job *j, gr_arch_region *region, int r, gr_error *err) {
    const gr__blueprint *from = j->from;
    gr__unit_span s = from->stream_span[r];

    /* Claimed residual dimensions must still be there. */
    if (s.lo < s.hi) {
        if (s.hi > j->def.width)
            return USAGE(err, "remove the region first",
                         "region '%s' claims residual dimensions %d..%d, of which %d are left", region->name, s.lo,
                         s.hi, j->def.width);
        region->residual = (gr_arch_units){.lo = s.lo, .hi = s.hi};
    }

    /* Units, then lists of layers; claims are moved first, since they go by the old numbers of layers. */
    for (int k = 0; k < GR__UNIT_KINDS; k++)
        if (gr__unit_kinds[k].sort != GR_NONE)
            GR_TRY(move_claim(j, region, r, &gr__unit_kinds[k], err));
    GR_TRY(move_layers(j, &region->whole, &region->whole_count, region->name, err));
    return move_layers(j, &region->layers, &region->layer_count, region->name, err);
}

/* ---- the new description ---- */

/* Sizes of the new description. */
static void sizes(job *j) {
    gr_arch_def *def = &j->def;
    const gr__blueprint *from = j->from;
    j->units[GR__NEURONS] = units_of_layers(j, from->claimable[GR__NEURONS], j->how->mlp);

    /* A perceptron: the sizes between the first and the last. */
    if (from->arch->sized) {
        int *list = gr_arena_alloc(j->arena, (size_t)def->size_count * sizeof *list);
        memcpy(list, def->sizes, (size_t)def->size_count * sizeof *list);
        memcpy(list + 1, j->units[GR__NEURONS], (size_t)j->layers * sizeof *list);
        def->sizes = list;
        j->units[GR__HEADS] = gr_arena_alloc(j->arena, (size_t)j->layers * sizeof *list);
        return;
    }

    /* A transformer: heads and windows by layer. */
    int heads = j->how->heads == GR_SURGERY_KEEP ? GR_SURGERY_KEEP : j->how->heads / from->group_size;
    j->units[GR__HEADS] = units_of_layers(j, from->claimable[GR__HEADS], heads);
    move_windows(j);
    def->layers = j->layers;
    def->head_size = from->head_size;
    def->layer_heads = by_layer(j, j->units[GR__HEADS], from->group_size, &def->heads);
    if (def->kv_heads && !def->layer_heads)
        def->kv_heads = def->heads / from->group_size;

    /* Neurons; with experts their number stays. */
    if (def->experts || def->layer_experts) {
        int *experts = gr_arena_alloc(j->arena, (size_t)j->layers * sizeof *experts);
        j->each = units_of_layers(j, from->each, GR_SURGERY_KEEP);
        for (int i = 0; i < j->layers; i++)
            experts[i] = j->units[GR__NEURONS][i] / j->each[i];
        def->layer_mlp = by_layer(j, j->each, 1, &def->mlp);
        def->layer_experts = by_layer(j, experts, 1, &def->experts);
    } else {
        def->layer_mlp = by_layer(j, j->units[GR__NEURONS], 1, &def->mlp);
    }

    /* The mean square over a wider stream, whose new dimensions are 0, is smaller by old / new: eps with it, so that
     * the sum under the root is, too. */
    if (j->how->width != GR_SURGERY_KEEP) {
        def->eps *= (double)def->width / j->how->width;
        def->width = j->how->width;
    }
}

/* The new description, of which everything lies in the job's arena. */
static gr_status describe(job *j, gr_error *err) {
    gr_arch_def *def = &j->def;
    *def = *j->from->def;

    /* Layers first, since everything else is by layer. */
    place_layers(j);
    sizes(j);

    /* Regions in new numbers. */
    gr_arch_region *regions = gr_arena_alloc(j->arena, ((size_t)def->region_count + 1) * sizeof *regions);
    for (int r = 0; r < def->region_count; r++) {
        regions[r] = def->regions[r];
        GR_TRY(move_region(j, &regions[r], r, err));
    }
    def->regions = regions;

    /* Layers with a penalty. An empty list would mean all layers. */
    bool some = def->l1_count > 0;
    GR_TRY(move_layers(j, &def->l1_layers, &def->l1_count, NULL, err));
    if (some && !def->l1_count)
        def->l1 = 0;
    return GR_OK;
}

/* Patterns name parameters, whose names hold numbers of layers. */
static gr_status check_patterns(const gr__remap *map, gr_error *err) {
    /* A parameter that is the region's must stay so under its new name, and no other become so. */
    for (int q = 0; q < map->to->params; q++) {
        int p = gr__remap_origin(map, q);
        if (p == GR_NONE)
            continue;
        for (int r = 0; r < map->to->def->region_count; r++)
            if (gr__blueprint_whole(map->to, q, r) != gr__blueprint_whole(map->from, p, r))
                return USAGE(err, "remove the region first",
                             "region '%s' owns parameters by name, and '%s' would be called '%s'",
                             map->to->def->regions[r].name, map->from->param[p].def.name, map->to->param[q].def.name);
    }
    return GR_OK;
}

/* From the new description to the map, which takes both blueprints over. */
static gr_status map_described(gr__remap **map, job *j, gr_error *err) {
    GR_TRY(check(j->from, j->how, err));
    GR_TRY(describe(j, err));
    GR_TRY(gr_arch_check(&j->def, err));

    /* What was described lies in the job's arena: the map needs a copy. */
    gr__blueprint *to;
    gr_arch_def *copy = gr_arch_copy(&j->def);
    gr_status status = gr__blueprint_new(&to, copy, err);
    if (status == GR_OK)
        *map = gr__remap_new(j->from, to, copy, j->layer);
    else
        gr_arch_free(copy);
    return status;
}

/* The map from the old network to the one that is asked for. */
static gr_status map_new(gr__remap **map, const gr_arch_def *def, const gr_surgery_resize_def *how, gr_error *err) {
    gr__blueprint *from;
    *map = NULL;
    GR_TRY(gr__blueprint_new(&from, def, err));
    job j = {.from = from, .how = how, .arena = gr_arena_new()};
    gr_status status = map_described(map, &j, err);
    if (status != GR_OK)
        gr__blueprint_free(from);
    gr_arena_free(j.arena);
    return status;
}

/* RMS norm divides by the root of a mean over more or fewer dimensions: gains take the factor sqrt(old / new width), so
 * that the result is the same. */
static void scale_gains(const gr__remap *map, gr_model *model) {
    /* Gains of the norms alone. */
    double scale = sqrt((double)map->from->width / map->to->width);
    if (map->from->width == map->to->width)
        return;
    for (int q = 0; q < map->to->params; q++) {
        const gr_param_def *def = &map->to->param[q].def;
        if (def->kind != GR_KIND_NORM)
            continue;
        gr_real *gain = gr_model_data(model, gr_model_find(model, def->name));
        for (int i = 0; i < def->cols; i++)
            gain[i] = (gr_real)((double)gain[i] * scale);
    }
}

/* The new model, by the map. */
static gr_status make(gr_surgery_result *out, gr__remap *map, gr_model *model, const gr_surgery_resize_def *how,
                      gr_error *err) {
    uint64_t seed = how->seed ? how->seed : gr_model_seed(model);
    GR_TRY(check_patterns(map, err));
    GR_TRY(gr__surgery_finish(out, map, model, seed, false, err));
    scale_gains(map, out->model);
    return GR_OK;
}

gr_status gr_surgery_resize(gr_surgery_result *out, const gr_arch_def *def, gr_model *model,
                            const gr_surgery_resize_def *how, gr_error *err) {
    gr__remap *map;
    *out = (gr_surgery_result){0};
    GR_TRY(map_new(&map, def, how, err));
    gr_status status = make(out, map, model, how, err);
    gr__remap_free(map);
    return status;
}
