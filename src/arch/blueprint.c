/* blueprint.c - settles a description: checks it, places the units of every region, and lists all parameters.
 *
 * The order matters. The architecture sets sizes and counts units by layer; then each region claims units among those
 * (claims never reach what other regions add) or adds units behind them; then adapters, which need to know what is in a
 * layer; then the list of parameters, and last what only the list can tell. */
#include "arch/field.h"

#include <ctype.h>
#include <fnmatch.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_REGIONS = GR__REGIONS_MOST, MAX_PATTERNS = 64, MAX_RANK = 4096 };

#define USAGE(err, hint, ...) gr_error_set((err), GR_ERR_USAGE, "model", (hint), __VA_ARGS__)

/* ---- counts ---- */

gr_status gr__within(const char *what, int value, int lo, int hi, gr_error *err) {
    if (value >= lo && value <= hi)
        return GR_OK;
    return USAGE(err, NULL, "%s is %d, expected %d to %d", what, value, lo, hi);
}

gr_status gr__fraction(const char *what, double value, double below, gr_error *err) {
    if (value >= 0 && value < below)
        return GR_OK;
    return USAGE(err, NULL, "%s is %g, expected at least 0 and below %g", what, value, below);
}

/* Options that are words: each value has one. */
static gr_status check_words(const gr_arch_def *def, gr_error *err) {
    for (const gr__arch_field *f = gr__fields; f->name; f++)
        if (f->type == GR__FIELD_WORD && !gr_arch_word(f->name, (int)gr__field_number(f, def)))
            return USAGE(err, NULL, "%s has the unknown value %d", f->name, (int)gr__field_number(f, def));
    return GR_OK;
}

/* What all architectures have. */
static gr_status check_common(const gr_arch_def *def, gr_error *err) {
    GR_TRY(check_words(def, err));
    GR_TRY(gr__fraction("dropout", def->dropout, 1, err));
    GR_TRY(gr__fraction("l1", def->l1, 1e6, err));
    GR_TRY(gr__fraction("init_std", def->init_std, 1e3, err));
    GR_TRY(gr__within("the number of regions", def->region_count, 0, MAX_REGIONS, err));
    return GR_OK;
}

bool gr__has_experts(const gr_arch_def *def) { return def->experts > 0 || def->layer_experts; }

/* Counts the units of every layer, as the core has them before regions add any. */
static gr_status settle_layers(gr__blueprint *blueprint, const gr_arch_def *def, gr_error *err) {
    size_t n = (size_t)blueprint->layers * sizeof(int);
    for (int sort = 0; sort < GR__SORTS; sort++) {
        blueprint->claimable[sort] = gr_arena_alloc(blueprint->arena, n);
        blueprint->all[sort] = gr_arena_alloc(blueprint->arena, n);
    }
    blueprint->each = gr_arena_alloc(blueprint->arena, n);

    /* The architecture counts; with sizes the count is the size. */
    for (int i = 0; i < blueprint->layers; i++) {
        if (blueprint->arch->sized)
            blueprint->claimable[GR__NEURONS][i] = def->sizes[i + 1];
        else
            GR_TRY(blueprint->arch->count(blueprint, i, err));
        GR_TRY(gr__within("the neurons of a layer", blueprint->claimable[GR__NEURONS][i], 0, GR__MOST_UNITS, err));
        for (int sort = 0; sort < GR__SORTS; sort++)
            blueprint->all[sort][i] = blueprint->claimable[sort][i];
    }

    /* Layers that the L1 penalty names. */
    for (int i = 0; i < def->l1_count; i++)
        GR_TRY(gr__within("a layer of l1", def->l1_layers[i], 0, blueprint->layers - 1, err));
    return GR_OK;
}

/* ---- regions ---- */

/* Names of regions stand in names of parameters and files, so they are short, plain, unique and none of our own. */
static gr_status check_name(const gr_arch_def *def, int r, gr_error *err) {
    static const char *const taken[] = {"layers", "embed", "position", "norm",     "unembed",  "hidden",
                                        "out",    "model", "core",     "manifest", "tokenizer"};
    const char *name = def->regions[r].name ? def->regions[r].name : "";
    size_t n = strlen(name);
    bool fine = n > 0 && n <= 64 && name[0] != '-';

    /* Characters; a dash in front would be read as an option of the command. */
    for (size_t i = 0; i < n; i++)
        fine = fine && (isalnum((unsigned char)name[i]) || name[i] == '_' || name[i] == '-');
    if (!fine)
        return USAGE(err, "use 1 to 64 letters, digits, _ and -", "'%s' cannot name a region", name);

    /* Words that begin names of parameters, or name files. */
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (!strcmp(name, taken[i]))
            return USAGE(err, "choose another name", "'%s' cannot name a region: the network uses it", name);
    for (int i = 0; i < r; i++)
        if (!strcmp(name, def->regions[i].name))
            return USAGE(err, NULL, "two regions are named '%s'", name);
    return GR_OK;
}

/* One way to say which units, and numbers that could be meant. */
static gr_status check_units(const gr_arch_region *region, const gr_arch_units *u, const char *noun, gr_error *err) {
    int ways = (u->add != 0) + (u->lo || u->hi) + (u->last != 0) + (u->spans != NULL);
    if (ways > 1)
        return USAGE(err, "say add, or a range, or last", "region '%s' takes %s in %d ways", region->name, noun, ways);
    if (u->add < 0 || u->last < 0 || u->add > GR__MOST_WIDTH || u->last > GR__MOST_UNITS)
        return USAGE(err, NULL, "region '%s' takes %d %s", region->name, u->add ? u->add : u->last, noun);
    return GR_OK;
}

/* Whether a list of layers has this one. */
static bool listed(const int *list, int count, int layer) {
    for (int i = 0; i < count; i++)
        if (list[i] == layer)
            return true;
    return false;
}

/* Whether a region has units of its own in a layer: it is named, and not owned whole. */
bool gr__region_in_layer(const gr_arch_region *region, int layer) {
    return (!region->layer_count || listed(region->layers, region->layer_count, layer)) &&
           !listed(region->whole, region->whole_count, layer);
}

/* The range that a claim means among `count` units. */
static gr__unit_span claim(const gr_arch_units *u, int layer, int count) {
    if (u->spans)
        return (gr__unit_span){u->spans[2 * layer], u->spans[2 * layer + 1]};
    if (u->last)
        return (gr__unit_span){count - u->last, count};
    return (gr__unit_span){u->lo, u->hi};
}

/* A claim lies among the units of the core. */
static gr_status check_span(const gr_arch_region *region, const gr_arch_units *u, gr__unit_span s, const char *noun,
                            const char *of, int count, gr_error *err) {
    char hint[160];
    if (s.lo >= 0 && s.lo <= s.hi && s.hi <= count)
        return GR_OK;

    /* The hint speaks the way the claim does. */
    if (u->last) {
        snprintf(hint, sizeof hint, "last is 1 to %d here: units that regions add cannot be claimed", count);
        return USAGE(err, hint, "region '%s' takes the last %d %s of a %s with %d", region->name, u->last, noun, of,
                     count);
    }
    snprintf(hint, sizeof hint, "[LO, HI] with 0 <= LO < HI <= %d: units that regions add cannot be claimed", count);
    return USAGE(err, hint, "region '%s' claims %s %d..%d of a %s with %d", region->name, noun, s.lo, s.hi, of, count);
}

/* Settles the units of one kind of region r in every layer: claims lie among the claimable ones, additions follow. */
static gr_status settle_units(gr__blueprint *blueprint, int r, const gr__unit_kind *kind, gr_error *err) {
    const gr_arch_region *region = &blueprint->def->regions[r];
    const gr_arch_units *u = gr__units_of(region, kind);
    const int *count = blueprint->claimable[kind->sort];
    int *all = blueprint->all[kind->sort];
    GR_TRY(check_units(region, u, kind->noun, err));
    if (region->residual.add && gr__units_any(u) && !u->add)
        return USAGE(err, "give the claimed units to a region of their own",
                     "region '%s' adds residual dimensions, so it can only add %s, not claim them", region->name,
                     kind->noun);

    /* Nothing is asked for. */
    if (!gr__units_any(u))
        return GR_OK;

    /* A residual group has its own units, counted from 0; other additions follow what is in the layer already; a claim
     * lies among the core's. */
    for (int i = 0; i < blueprint->layers; i++) {
        gr__unit_span *s = &blueprint->span[kind->sort][r * blueprint->layers + i];
        if (!gr__region_in_layer(region, i))
            continue;
        if (region->residual.add) {
            *s = (gr__unit_span){0, u->add};
        } else if (u->add) {
            *s = (gr__unit_span){all[i], all[i] + u->add};
            all[i] += u->add;
        } else {
            *s = claim(u, i, count[i]);
            GR_TRY(check_span(region, u, *s, kind->noun, "layer", count[i], err));
        }
    }
    return GR_OK;
}

/* Experts of region r: as many of the layer's neurons as they have. */
static gr_status settle_region_experts(gr__blueprint *blueprint, int r, gr_error *err) {
    const gr_arch_region *region = &blueprint->def->regions[r];
    const gr_arch_units *u = &region->experts;
    GR_TRY(check_units(region, u, "experts", err));
    if (gr__has_experts(blueprint->def) && gr__units_any(&region->mlp) && !region->residual.add)
        return USAGE(err, "give it experts", "region '%s' takes single neurons of a network with experts",
                     region->name);
    if (gr__units_any(u) && (!gr__has_experts(blueprint->def) || region->residual.add))
        return USAGE(err, "set experts in the model, and give residual dimensions a region of their own",
                     "region '%s' takes experts of a network without, or beside residual dimensions", region->name);

    /* Nothing is asked for. */
    if (!gr__units_any(u))
        return GR_OK;

    /* Counted in experts here, kept in neurons, which are the units. */
    for (int i = 0; i < blueprint->layers; i++) {
        gr__unit_span *s = &blueprint->span[GR__NEURONS][r * blueprint->layers + i];
        int each = blueprint->each[i], count = blueprint->claimable[GR__NEURONS][i] / each;
        if (!gr__region_in_layer(region, i))
            continue;

        /* New ones stand behind all that the layer has so far; else some of the core's are claimed. */
        if (u->add) {
            GR_TRY(gr__within("the experts of a layer", blueprint->all[GR__NEURONS][i] / each + u->add, 0,
                              GR__MOST_EXPERTS, err));
            *s = (gr__unit_span){blueprint->all[GR__NEURONS][i], blueprint->all[GR__NEURONS][i] + u->add * each};
            blueprint->all[GR__NEURONS][i] = s->hi;
        } else {
            *s = claim(u, i, count);
            GR_TRY(check_span(region, u, *s, "experts", "layer", count, err));
            *s = (gr__unit_span){s->lo * each, s->hi * each};
        }
    }
    return GR_OK;
}

/* What a region says of its residual group: there must be one, and it can be so. RMS norm alone can leave a group that
 * shares it out of its mean; and layers that a region owns whole write into the core. */
static gr_status check_group(const gr__blueprint *blueprint, const gr_arch_region *region, gr_error *err) {
    const bool apart = region->group.norm == GR_GROUP_NORM_APART, own = region->group.writes == GR_GROUP_WRITES_OWN;
    if ((apart || own) && !region->residual.add)
        return USAGE(err, "residual: {add: N, ..}, or leave it out",
                     "region '%s' says `%s` of a residual group, and adds no residual dimensions", region->name,
                     apart ? "norm: apart" : "writes: own");
    if (region->residual.add && !apart && blueprint->def->norm != GR_NORM_RMS)
        return USAGE(err, "residual: {add: N, norm: apart}, or norm: rms in the model",
                     "region '%s' adds residual dimensions that share the core's norm, which need RMS norm",
                     region->name);
    if (own && region->whole_count)
        return USAGE(err, "give the layers to a region of their own",
                     "region '%s' has `writes: own`, and owns whole layers, which write into the core", region->name);
    return GR_OK;
}

/* Residual dimensions of a region: new ones, which make it a residual group, or some of the core's. */
static gr_status settle_residual(gr__blueprint *blueprint, int r, gr_error *err) {
    const gr_arch_region *region = &blueprint->def->regions[r];
    const gr_arch_units *u = &region->residual;
    GR_TRY(check_units(region, u, "residual dimensions", err));
    if (u->spans)
        return USAGE(err, NULL, "region '%s' claims residual dimensions by layer; they run through all", region->name);

    /* A group: the stream grows by its columns, and the norm that the core reads unless the group has one apart. */
    GR_TRY(check_group(blueprint, region, err));
    if (u->add) {
        if (blueprint->groups == GR__GROUPS_MOST)
            return USAGE(err, NULL, "region '%s' is the residual group after the %d that a network can have",
                         region->name, GR__GROUPS_MOST);
        blueprint->group[blueprint->groups] = r;
        blueprint->stream += u->add;
        if (gr__blueprint_apart(blueprint, r)) {
            blueprint->offset[blueprint->groups++] = blueprint->width;
        } else {
            blueprint->offset[blueprint->groups++] = blueprint->normed;
            blueprint->normed += u->add;
        }
    } else if (gr__units_any(u)) {
        blueprint->stream_span[r] = claim(u, 0, blueprint->width);
        GR_TRY(
            check_span(region, u, blueprint->stream_span[r], "residual dimensions", "network", blueprint->width, err));
    }
    return GR_OK;
}

/* Layers that a region owns with everything in them. */
static gr_status settle_whole(gr__blueprint *blueprint, int r, gr_error *err) {
    const gr_arch_region *region = &blueprint->def->regions[r];
    if (region->whole_count && blueprint->arch->sized)
        return USAGE(err, "claim its neurons", "region '%s' owns whole layers, which only a transformer has",
                     region->name);

    /* Each layer has at most one owner. */
    for (int i = 0; i < region->whole_count; i++) {
        int layer = region->whole[i];
        if (layer < 0 || layer >= blueprint->layers)
            return USAGE(err, NULL, "region '%s' owns layer %d whole, of a network with %d", region->name, layer,
                         blueprint->layers);
        if (blueprint->whole[layer] != GR_NONE)
            return USAGE(err, "a layer has one owner", "layer %d is owned whole by region '%s' and by region '%s'",
                         layer, blueprint->def->regions[blueprint->whole[layer]].name, region->name);
        blueprint->whole[layer] = r;
    }
    return GR_OK;
}

/* Whether a region's adapter can be: on a transformer, without residual dimensions beside it, on maps that are
 * there. */
static gr_status check_adapter(const gr__blueprint *blueprint, int r, gr_error *err) {
    const gr_arch_region *region = &blueprint->def->regions[r];
    const gr_arch_adapter *a = &region->adapter;

    /* Numbers that make sense; without a rank there is no adapter, and nothing else may be said of one. */
    GR_TRY(gr__within("the rank of an adapter", a->rank, 0, MAX_RANK, err));
    GR_TRY(gr__fraction("the dropout of an adapter", a->dropout, 1, err));
    if (!a->rank && (a->maps || a->scale != 0 || a->dropout > 0))
        return USAGE(err, "give it a rank", "the adapter of region '%s' has rank 0", region->name);
    if (!a->rank)
        return GR_OK;
    if (!(a->scale >= 0 && isfinite(a->scale)) || a->maps >> GR_MAPS)
        return USAGE(err, NULL, "the adapter of region '%s' has scale %g and maps %x", region->name, a->scale, a->maps);
    if (blueprint->arch->sized || region->residual.add)
        return USAGE(err, "give the adapter a region of its own, in a transformer",
                     "region '%s' has an adapter beside residual dimensions, or in an mlp network", region->name);

    /* Every map that is named is there in some layer, and at least one map is adapted. */
    bool any = false;
    for (int map = 0; map < GR_MAPS; map++) {
        bool there = false;
        for (int i = 0; i < blueprint->layers; i++)
            there = there || gr__blueprint_adapts(blueprint, r, (gr_map)map, i);
        if (!there && a->maps >> map & 1)
            return USAGE(err, "leave it out of `maps`", "region '%s' adapts '%s', which its layers do not have",
                         region->name, gr_arch_word("map", map));
        any = any || there;
    }
    return any ? GR_OK : USAGE(err, NULL, "region '%s' adapts no map", region->name);
}

/* What is in a layer that a region owns whole would leave with it. */
static gr_status check_whole(const gr__blueprint *blueprint, gr_error *err) {
    for (int r = 0; r < blueprint->def->region_count; r++)
        for (int i = 0; i < blueprint->layers; i++) {
            bool has = false;
            for (int sort = 0; sort < GR__SORTS; sort++) {
                gr__unit_span s = blueprint->span[sort][r * blueprint->layers + i];
                has = has || s.lo < s.hi;
            }
            bool adapts = false;
            for (int map = 0; map < GR_MAP_EMBED; map++)
                adapts = adapts || gr__blueprint_adapts(blueprint, r, (gr_map)map, i);
            if (blueprint->whole[i] != GR_NONE && (has || adapts))
                return USAGE(err, "name the region's layers, without this one",
                             "region '%s' has units in layer %d, which region '%s' owns whole",
                             blueprint->def->regions[r].name, i, blueprint->def->regions[blueprint->whole[i]].name);
        }
    return GR_OK;
}

/* Stopping gradients is for what reads the stream through rows of its own. */
static gr_status check_stop(const gr__blueprint *blueprint, const gr_arch_region *region, gr_error *err) {
    if (!region->stop)
        return GR_OK;
    if (gr__units_any(&region->experts) || region->whole_count ||
        (gr__units_any(&region->mlp) && blueprint->def->experts))
        return USAGE(err, "it is for heads, neurons, residual groups and adapters",
                     "region '%s' stops gradients, which experts and whole layers cannot", region->name);
    if (!gr__units_any(&region->mlp) && !gr__units_any(&region->heads) && !region->residual.add &&
        !region->adapter.rank)
        return USAGE(err, "give it heads, neurons, an adapter or a residual group, or leave stop out",
                     "region '%s' stops gradients, and has no units that read anything", region->name);
    return GR_OK;
}

/* Words of a region: each value has one. */
static gr_status check_region_words(const gr_arch_region *region, gr_error *err) {
    for (const gr__arch_field *f = gr__region_fields; f->name; f++)
        if (f->type == GR__FIELD_WORD && !gr__field_word(f, (int)gr__field_number(f, region)))
            return USAGE(err, NULL, "%s of region '%s' has the unknown value %d", f->name, region->name,
                         (int)gr__field_number(f, region));
    return GR_OK;
}

/* A strength multiplies what units, layers or adapters put out. */
static gr_status check_strength(const gr_arch_region *region, gr_error *err) {
    GR_TRY(check_region_words(region, err));
    if (region->strength && !gr__region_has(region, true) && !region->whole_count && !region->adapter.rank)
        return USAGE(err, "leave strength out", "region '%s' has nothing that a strength could multiply", region->name);
    return GR_OK;
}

/* A region owns something; what that may be are kinds of units, and the rows that say so. */
static gr_status check_owns(const gr_arch_region *region, gr_error *err) {
    char hint[160];
    int n = snprintf(hint, sizeof hint, "give it one of");
    if (gr__region_owns(region, NULL))
        return GR_OK;

    /* Words as recipes have them, a comma between. */
    for (int k = 0; k < GR__UNIT_KINDS; k++)
        n += snprintf(hint + n, sizeof hint - (size_t)n, "%s %s", k ? "," : "", gr__unit_kinds[k].name);
    for (const gr__arch_field *f = gr__region_fields; f->name; f++)
        if (f->owns)
            n += snprintf(hint + n, sizeof hint - (size_t)n, ", %s", f->within ? f->within : f->key);
    return USAGE(err, hint, "region '%s' owns nothing", region->name);
}

/* What can be said of a region by itself, before its units are placed. */
static gr_status check_region(const gr__blueprint *blueprint, int r, gr_error *err) {
    const gr_arch_region *region = &blueprint->def->regions[r];
    GR_TRY(check_name(blueprint->def, r, err));
    for (int i = 0; i < region->layer_count; i++)
        if (region->layers[i] < 0 || region->layers[i] >= blueprint->layers)
            return USAGE(err, NULL, "region '%s' names layer %d of a network with %d", region->name, region->layers[i],
                         blueprint->layers);

    /* It owns something that this kind of network has. */
    GR_TRY(check_owns(region, err));
    GR_TRY(check_stop(blueprint, region, err));
    if (blueprint->arch->sized && (gr__units_any(&region->residual) || gr__units_any(&region->heads)))
        return USAGE(err, NULL, "region '%s' wants heads or residual dimensions of %s network", region->name,
                     blueprint->arch->noun);
    return check_strength(region, err);
}

/* Places the units of region r. Of a network with experts neurons belong to experts, and are placed with them. */
static gr_status settle_region(gr__blueprint *blueprint, int r, gr_error *err) {
    const gr_arch_region *region = &blueprint->def->regions[r];
    GR_TRY(check_region(blueprint, r, err));
    GR_TRY(settle_whole(blueprint, r, err));
    GR_TRY(settle_residual(blueprint, r, err));
    GR_TRY(settle_region_experts(blueprint, r, err));

    /* Kinds that take units of a layer one by one. Neurons of experts have been placed. */
    for (int k = 0; k < GR__UNIT_KINDS; k++) {
        const gr__unit_kind *kind = &gr__unit_kinds[k];
        if (kind->sort == GR_NONE || kind->by_expert || (kind->sort == GR__NEURONS && gr__units_any(&region->experts)))
            continue;
        GR_TRY(settle_units(blueprint, r, kind, err));
    }
    return GR_OK;
}

/* Sizes must be countable. */
static gr_status check_result(const gr__blueprint *blueprint, gr_error *err) {
    for (int i = 0; i < blueprint->layers; i++) {
        int heads = blueprint->all[GR__HEADS][i], mlp = blueprint->all[GR__NEURONS][i];
        if (blueprint->arch->check)
            GR_TRY(blueprint->arch->check(blueprint, i, err));
        if ((int64_t)heads * (blueprint->group_size + 2) * blueprint->head_size > INT_MAX / 4 || mlp > INT_MAX / 4 ||
            blueprint->stream > GR__MOST_WIDTH)
            return USAGE(err, NULL, "layer %d is too large: %d heads of %d, %d neurons, %d residual dimensions", i,
                         heads, blueprint->head_size, mlp, blueprint->stream);
    }
    return GR_OK;
}

/* A product takes at most GR_TERM_STOPS ranges of rows whose gradient stops. It concerns parameters that read, whose
 * rows are units. */
static gr_status check_stops(const gr__blueprint *blueprint, gr_error *err) {
    for (int p = 0; p < blueprint->params; p++) {
        const gr__param_axis rows = blueprint->param[p].axis[0];
        int count = rows.unit >= GR__NEURON && !rows.out ? gr__blueprint_stops(blueprint, NULL, 0, p) : 0;
        if (count > GR_TERM_STOPS)
            return USAGE(err, "claim units side by side",
                         "regions that stop gradients claim %d separate ranges of '%s'; there can be %d", count,
                         blueprint->param[p].def.name, GR_TERM_STOPS);
    }
    return GR_OK;
}

/* Each pattern must name some parameter: one that names none is a misspelling. */
static gr_status check_patterns(const gr__blueprint *blueprint, gr_error *err) {
    for (int r = 0; r < blueprint->def->region_count; r++) {
        const gr_arch_region *region = &blueprint->def->regions[r];
        GR_TRY(gr__within("the number of parameter patterns", region->pattern_count, 0, MAX_PATTERNS, err));
        for (int i = 0; i < region->pattern_count; i++) {
            bool found = false;
            for (int p = 0; p < blueprint->params && !found; p++)
                found = !fnmatch(region->patterns[i], blueprint->param[p].def.name, 0);
            if (!found)
                return USAGE(err, NULL, "region '%s': no parameter is named like '%s'", region->name,
                             region->patterns[i]);
        }
    }
    return GR_OK;
}

/* Everything about a network, in the order in which one thing needs another (see the head of the file). */
static gr_status settle(gr__blueprint *blueprint, gr_error *err) {
    const gr_arch_def *def = blueprint->def;

    /* Sizes, and units of the core. */
    GR_TRY(check_common(def, err));
    blueprint->arch = gr__arch_of(def);
    GR_TRY(blueprint->arch->settle(blueprint, err));
    GR_TRY(settle_layers(blueprint, def, err));

    /* Where each region's units are, by region and layer; nobody owns a layer yet. */
    size_t n = (size_t)def->region_count * (size_t)blueprint->layers;
    for (int sort = 0; sort < GR__SORTS; sort++)
        blueprint->span[sort] = gr_arena_alloc(blueprint->arena, n * sizeof(gr__unit_span));
    blueprint->stream_span = gr_arena_alloc(blueprint->arena, (size_t)def->region_count * sizeof(gr__unit_span));
    blueprint->whole = gr_arena_alloc(blueprint->arena, (size_t)blueprint->layers * sizeof *blueprint->whole);
    for (int i = 0; i < blueprint->layers; i++)
        blueprint->whole[i] = GR_NONE;

    /* Regions in their order: what they add stands in that order too. */
    for (int r = 0; r < def->region_count; r++)
        GR_TRY(settle_region(blueprint, r, err));

    /* What depends on all regions. */
    GR_TRY(check_whole(blueprint, err));
    for (int r = 0; r < def->region_count; r++)
        GR_TRY(check_adapter(blueprint, r, err));
    GR_TRY(check_result(blueprint, err));

    /* The parameters, and what only they can tell. */
    gr__blueprint_list(blueprint);
    GR_TRY(check_stops(blueprint, err));
    return check_patterns(blueprint, err);
}

gr_status gr__blueprint_new(gr__blueprint **out, const gr_arch_def *def, gr_error *err) {
    gr__blueprint *blueprint = gr_alloc(sizeof *blueprint);
    blueprint->arena = gr_arena_new();
    blueprint->def = def;
    gr_status status = settle(blueprint, err);
    if (status) {
        gr__blueprint_free(blueprint);
        blueprint = NULL;
    }
    *out = blueprint;
    return status;
}

void gr__blueprint_free(gr__blueprint *blueprint) {
    if (!blueprint)
        return;
    gr_arena_free(blueprint->arena);
    gr_free(blueprint->param);
    gr_free(blueprint);
}
