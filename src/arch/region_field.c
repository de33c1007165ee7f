/* region_field.c - the rows of field.h that are of a region, and what is read off them. */
#include <float.h>
#include <stddef.h>
#include <string.h>

#include "arch/field.h"

#define AT(field) .name = #field, .key = #field, .at = offsetof(gr_arch_region, field)
#define OF_ADAPTER(field) \
    .name = #field, .key = #field, .within = "adapter", .at = offsetof(gr_arch_region, adapter.field)
#define OF_GROUP(field) .name = #field, .key = #field, .within = "residual", .at = offsetof(gr_arch_region, group.field)
#define COUNTED(field) .count_at = offsetof(gr_arch_region, field)
#define RANGE(lo, hi) .min = (lo), .max = (hi)
#define LAYER_LIST .type = GR__FIELD_LIST, RANGE(0, 255), .range = "list of layers from 0"

_Static_assert(sizeof(gr_strength) == sizeof(int), "words are kept as int");
_Static_assert(sizeof(gr_group_norm) == sizeof(int) && sizeof(gr_group_writes) == sizeof(int), "words are kept as int");

const gr__arch_field gr__region_fields[] = {
    {OF_GROUP(norm), .type = GR__FIELD_WORD, .kept = true, .word = {"shared", "apart"},
     .help = "with `add`. `shared`: the norms of the core count these dimensions while the region is on. `apart`: the "
             "core is normed by its own dimensions alone, the group by the core's and its own"},
    {OF_GROUP(writes), .type = GR__FIELD_WORD, .kept = true, .word = {"both", "own"},
     .help = "with `add`: what its heads and neurons write, the core's dimensions and its own, or its own alone. They "
             "read both"},
    {AT(layers), COUNTED(layer_count), LAYER_LIST, .shown = "all",
     .help = "in which it has heads, neurons, experts and adapters"},
    {AT(strength), .type = GR__FIELD_WORD, .word = {"none", "learned", "sigmoid"},
     .help =
         "a learned number g, or sigmoid(g), that multiplies all that its heads, neurons, adapters and whole layers "
         "put out"},
    {OF_ADAPTER(rank), .type = GR__FIELD_WHOLE, .owns = true, RANGE(1, 4096), .shown = "no adapter",
     .help = "low-rank adapters `{rank: R, ..}` of linear maps. Not beside `residual: {add}`"},
    {OF_ADAPTER(scale), .type = GR__FIELD_REAL, .with = "rank", .kept = true, RANGE(DBL_MIN, 1e6), .value = 1,
     .help = "multiplies what they add"},
    {OF_ADAPTER(dropout), .type = GR__FIELD_REAL, .with = "rank", RANGE(0, 0.99), .help = "of what they read"},
    {OF_ADAPTER(maps), .type = GR__FIELD_BITS, .with = "rank", .one = "map",
     .word = {"qkv", "out", "up", "gate", "down", "embed", "unembed"}, .shown = "all in its layers",
     .help = "list of the maps that have one; `embed` and `unembed` only where they are named"},
    {AT(whole), COUNTED(whole_count), LAYER_LIST, .owns = true, .shown = "none", .help = "that it owns whole"},
    {.name = "params",
     .key = "parameters",
     .at = offsetof(gr_arch_region, patterns),
     COUNTED(pattern_count),
     .type = GR__FIELD_TEXTS,
     .owns = true,
     .shown = "none",
     .range = "patterns (`*`, `?`)",
     .help = "names of parameters that it owns whole"},
    {AT(stop), .type = GR__FIELD_FLAG,
     .help = "no gradient flows back through its heads, neurons, adapter or group into what they read (not for experts "
             "and whole layers). They learn; what lies before them learns nothing from them. A residual group still "
             "learns within its own dimensions"},
    {.name = NULL},
};

const gr__arch_field *gr__region_field_find(const char *within, const char *name) {
    for (const gr__arch_field *f = gr__region_fields; f->name; f++)
        if (!strcmp(f->name, name) && (within ? f->within && !strcmp(f->within, within) : !f->within))
            return f;
    return NULL;
}

bool gr__field_of_units(const gr__arch_field *f) { return f->within && gr__unit_kind_find(f->within); }

bool gr__region_says(const gr__arch_field *f, const gr_arch_region *region) {
    int count;

    /* A map is there as a whole, by the member that the others go with. */
    if (f->with)
        return gr__region_says(gr__region_field_find(f->within, f->with), region);

    if (f->type < GR__FIELD_LIST)
        return gr__field_number(f, region) != 0;
    if (f->type == GR__FIELD_TEXTS)
        gr__field_texts(f, region, &count);
    else
        gr__field_list(f, region, &count);
    return count > 0;
}

bool gr__region_owns(const gr_arch_region *region, const char *but) {
    bool owns = gr__region_has(region, true) || gr__region_has(region, false);
    for (const gr__arch_field *f = gr__region_fields; f->name; f++)
        if (f->owns && !(but && f->within && !strcmp(f->within, but)))
            owns = owns || gr__region_says(f, region);
    return owns;
}
