/* A region of random neurons and heads of the core. */
#include "method/slice.h"

#include "arch/blueprint.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/rng.h"

/* The sorts of units that a slice has, and the word for them. */
enum { KINDS = 2 };
static const gr__sort sorts[KINDS] = {GR__NEURONS, GR__HEADS};
static const char *const words[KINDS] = {"neurons", "heads"};

gr_status gr__slice_check(const gr_arch_def *def, const char *const *names, int count, gr_error *err) {
    for (int r = 0; r < def->region_count; r++) {
        const gr_arch_region *region = &def->regions[r];
        const bool stream = region->residual.add || region->residual.hi || region->residual.last;
        const bool other = region->adapter.rank || region->pattern_count || region->whole_count || region->strength ||
                           region->experts.add || region->experts.hi || region->experts.last || region->experts.spans;
        if (gr__has_text(names, count, region->name) && (stream || other))
            return gr_error_set(err, GR_ERR_USAGE, region->name, "a slice is of neurons and heads of the core's layers",
                                "the core has no random slice like region %s, which has %s", region->name,
                                stream ? "residual dimensions" : "more than neurons and heads");
    }
    return GR_OK;
}

/* Whether units [lo, hi) of a layer belong to no region. */
static bool is_free(const gr__blueprint *b, gr__sort sort, int layer, int lo, int hi) {
    for (int r = 0; r < b->def->region_count; r++) {
        const gr__unit_span s = b->span[sort][r * b->layers + layer];
        if (!b->def->regions[r].residual.add && s.lo < hi && lo < s.hi)
            return false;
    }
    return true;
}

/* As many neighbours as the regions have units in the layer, from one of the places where so many are free. */
static gr_status place(int span[2], const gr__blueprint *b, int kind, int layer, const char *const *names, int count,
                       gr_key key, int draw, gr_error *err) {
    const gr__sort sort = sorts[kind];
    int n = 0, places = 0;
    for (int r = 0; r < b->def->region_count; r++)
        if (gr__has_text(names, count, b->def->regions[r].name))
            n += b->span[sort][r * b->layers + layer].hi - b->span[sort][r * b->layers + layer].lo;
    span[0] = span[1] = 0;
    if (n == 0)
        return GR_OK;

    const int most = b->claimable[sort][layer];
    for (int lo = 0; lo + n <= most; lo++)
        places += is_free(b, sort, layer, lo, lo + n);
    if (places == 0)
        return gr_error_set(err, GR_ERR_USAGE, GR__SLICE, "a random slice takes a core of more than the region's size",
                            "layer %d has no %d neighbouring %s of the core", layer, n, words[kind]);

    /* The place with the drawn number. */
    key.which = (uint32_t)kind;
    int at = (int)(gr_random_bits(key, (uint64_t)draw << 32 | (uint32_t)layer, 0) % (uint64_t)places);
    int lo = 0;
    while (!is_free(b, sort, layer, lo, lo + n) || at-- > 0)
        lo++;
    span[0] = lo;
    span[1] = lo + n;
    return GR_OK;
}

/* Spans of both sorts in every layer: spans[kind][2 * layer]. */
static gr_status place_all(int *const spans[KINDS], const gr__blueprint *b, const char *const *names, int count,
                           gr_key key, int draw, gr_error *err) {
    for (int kind = 0; kind < KINDS; kind++)
        for (int layer = 0; layer < b->layers; layer++)
            GR_TRY(place(spans[kind] + 2 * layer, b, kind, layer, names, count, key, draw, err));
    return GR_OK;
}

static bool any(const int *spans, int layers) {
    for (int i = 0; i < layers; i++)
        if (spans[2 * i] < spans[2 * i + 1])
            return true;
    return false;
}

gr_status gr__slice_claim(gr_surgery_result *out, const gr_arch_def *def, gr_model *model, const char *const *names,
                          int count, uint64_t seed, int draw, gr_error *err) {
    gr__blueprint *b;
    GR_TRY(gr__slice_check(def, names, count, err));
    GR_TRY(gr__blueprint_new(&b, def, err));

    /* Which units. */
    int *spans[KINDS];
    for (int kind = 0; kind < KINDS; kind++)
        spans[kind] = gr_alloc((2 * (size_t)b->layers + 1) * sizeof **spans);
    gr_status status = place_all(spans, b, names, count, (gr_key){seed, GR_STREAM_SLICE, 0}, draw, err);

    /* The same description with a region that claims them. */
    gr_arch_def wider = *def;
    gr_arch_region *regions = gr_alloc(((size_t)def->region_count + 1) * sizeof *regions);
    for (int r = 0; r < def->region_count; r++)
        regions[r] = def->regions[r];
    regions[wider.region_count++] = (gr_arch_region){.name = GR__SLICE,
                                                     .mlp.spans = any(spans[0], b->layers) ? spans[0] : NULL,
                                                     .heads.spans = any(spans[1], b->layers) ? spans[1] : NULL};
    wider.regions = regions;
    if (status == GR_OK)
        status = gr_surgery_expand(out, def, model, &wider, &(gr_surgery_expand_def){0}, err);

    for (int kind = 0; kind < KINDS; kind++)
        gr_free(spans[kind]);
    gr_free(regions);
    gr__blueprint_free(b);
    return status;
}
