/* arch_json.c - a description of a network as JSON and back. Plain fields go by the table below; lists, regions and
 * what they have are members only where there are any. Words stand for enumerations, so that a file says what it holds.
 */
#include "format/arch_json.h"

#include <limits.h>
#include <string.h>

#include "arch/field.h"
#include "base/mem.h"

enum { MOST = 1 << 16 }; /* entries of a list */

/* ---- writing ---- */

/* A list of whole numbers. */
static json_t *list_json(const int *list, int count) {
    json_t *value = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(value, json_integer(list[i]));
    return value;
}

/* NULL: a list that is not there, so that a manifest holds what was said. */
static json_t *field_json(const gr__arch_field *f, const gr_arch_def *def) {
    const double number = f->type < GR__FIELD_LIST ? gr__field_number(f, def) : 0;
    int count;
    const int *list;
    switch (f->type) {
    case GR__FIELD_WHOLE:
        return json_integer((json_int_t)number);
    case GR__FIELD_REAL:
        return json_real(number);
    case GR__FIELD_FLAG:
        return json_boolean(number != 0);
    case GR__FIELD_WORD:
        return json_string(gr_arch_word(f->name, (int)number));
    default:
        list = gr__field_list(f, def, &count);
        return list ? list_json(list, count) : NULL;
    }
}

/* Units of one kind, by whatever they were said; none: no member. */
static void set_units(json_t *region, const char *name, const gr_arch_units *u, int layers) {
    json_t *value = json_object();
    if (u->add)
        json_object_set_new(value, "add", json_integer(u->add));
    if (u->lo || u->hi)
        json_object_set_new(value, "range", list_json((int[]){u->lo, u->hi}, 2));
    if (u->last)
        json_object_set_new(value, "last", json_integer(u->last));
    if (u->spans)
        json_object_set_new(value, "spans", list_json(u->spans, 2 * layers));
    if (json_object_size(value))
        json_object_set(region, name, value);
    json_decref(value);
}

/* A low-rank adapter, its maps by their words. */
static json_t *adapter_json(const gr_arch_adapter *a) {
    json_t *maps = json_array(), *value = json_object();
    for (int map = 0; map < GR_MAPS; map++)
        if (a->maps >> map & 1)
            json_array_append_new(maps, json_string(gr_arch_word("map", map)));
    json_object_set_new(value, "rank", json_integer(a->rank));
    json_object_set_new(value, "scale", json_real(a->scale));
    json_object_set_new(value, "dropout", json_real(a->dropout));
    json_object_set_new(value, "maps", maps);
    return value;
}

/* A region, with members for what it has. */
static json_t *region_json(const gr_arch_region *region, int layers) {
    json_t *value = json_object();

    /* Its units. */
    json_object_set_new(value, "name", json_string(region->name));
    for (int k = 0; k < GR__UNIT_KINDS; k++)
        set_units(value, gr__unit_kinds[k].name, gr__units_of(region, &gr__unit_kinds[k]), layers);

    /* Where it stands, and what makes it stronger. */
    if (region->layer_count)
        json_object_set_new(value, "layers", list_json(region->layers, region->layer_count));
    if (region->strength)
        json_object_set_new(value, "strength", json_string(gr_arch_word("strength", (int)region->strength)));
    if (region->adapter.rank)
        json_object_set_new(value, "adapter", adapter_json(&region->adapter));

    /* What it has whole: layers, and parameters by patterns. */
    if (region->whole_count)
        json_object_set_new(value, "whole", list_json(region->whole, region->whole_count));
    if (region->pattern_count) {
        json_t *patterns = json_array();
        for (int i = 0; i < region->pattern_count; i++)
            json_array_append_new(patterns, json_string(region->patterns[i]));
        json_object_set_new(value, "params", patterns);
    }

    if (region->stop)
        json_object_set_new(value, "stop", json_true());
    return value;
}

json_t *gr__arch_to_json(const gr_arch_def *def) {
    json_t *value = json_object(), *regions = json_array();
    for (const gr__arch_field *f = gr__fields; f->name; f++) {
        json_t *member = field_json(f, def);
        if (member)
            json_object_set_new(value, f->name, member);
    }
    for (int r = 0; r < def->region_count; r++)
        json_array_append_new(regions, region_json(&def->regions[r], gr__arch_layers(def)));
    json_object_set_new(value, "regions", regions);
    return value;
}

/* ---- reading ---- */

typedef struct reader {
    gr_arena *arena;
    const char *place;
    gr_error *err;
} reader;

#define FORMAT(r, ...) gr_error_set((r)->err, GR_ERR_FORMAT, (r)->place, NULL, __VA_ARGS__)

/* A whole number that fits into an int; name is for the message. */
static gr_status read_int(const reader *r, int *to, const json_t *value, const char *name) {
    if (!json_is_integer(value) || json_integer_value(value) < INT_MIN || json_integer_value(value) > INT_MAX)
        return FORMAT(r, "'%s' is not a whole number in range", name);
    *to = (int)json_integer_value(value);
    return GR_OK;
}

/* A list of whole numbers, at least one. */
static gr_status read_list(const reader *r, const int **to, int *count, const json_t *value, const char *name) {
    size_t n = json_array_size(value);
    if (!json_is_array(value) || n < 1 || n > MOST)
        return FORMAT(r, "'%s' is not a list of 1 to %d numbers", name, MOST);
    int *list = gr_arena_alloc(r->arena, n * sizeof *list);
    for (size_t i = 0; i < n; i++)
        GR_TRY(read_int(r, &list[i], json_array_get(value, i), name));
    *to = list;
    *count = (int)n;
    return GR_OK;
}

static gr_status read_field_list(const reader *r, gr_arch_def *def, const gr__arch_field *f, const json_t *value) {
    const int *list, layers = gr__arch_layers(def);
    int count;
    GR_TRY(read_list(r, &list, &count, value, f->name));
    if (f->type == GR__FIELD_LAYERS && count != layers)
        return FORMAT(r, "'%s' has %d entries for %d layers", f->name, count, layers);
    gr__field_set_list(f, def, list, count);
    return GR_OK;
}

static gr_status read_field(const reader *r, gr_arch_def *def, const gr__arch_field *f, const json_t *value) {
    void *at = (char *)def + f->at;
    switch (f->type) {
    case GR__FIELD_WHOLE:
        return read_int(r, at, value, f->name);
    case GR__FIELD_REAL:
        if (!json_is_number(value))
            return FORMAT(r, "'%s' is not a number", f->name);
        *(double *)at = json_number_value(value);
        return GR_OK;
    case GR__FIELD_FLAG:
        if (!json_is_boolean(value))
            return FORMAT(r, "'%s' is neither true nor false", f->name);
        *(bool *)at = json_is_true(value);
        return GR_OK;
    case GR__FIELD_WORD:
        *(int *)at = json_is_string(value) ? gr_arch_value(f->name, json_string_value(value)) : -1;
        return *(int *)at < 0 ? FORMAT(r, "'%s' is not one of its words", f->name) : GR_OK;
    default:
        return read_field_list(r, def, f, value);
    }
}

/* Units as set_units wrote them. Spans are two numbers a layer, so the layers must be known. */
static gr_status read_units(const reader *r, gr_arch_units *u, const json_t *value, const char *name, int layers) {
    const char *key;
    json_t *member;
    if (!json_is_object(value))
        return FORMAT(r, "'%s' is not an object", name);

    /* Members in any order; one that is not known comes from a later version, and what it says would be lost. */
    json_object_foreach((json_t *)value, key, member) {
        const int *list;
        int count;
        if (!strcmp(key, "add")) {
            GR_TRY(read_int(r, &u->add, member, key));
        } else if (!strcmp(key, "last")) {
            GR_TRY(read_int(r, &u->last, member, key));

            /* Places of units, alike in all layers or by layer. */
        } else if (!strcmp(key, "range") || !strcmp(key, "spans")) {
            bool spans = key[0] == 's';
            GR_TRY(read_list(r, &list, &count, member, key));
            if (count != (spans ? 2 * layers : 2))
                return FORMAT(r, "'%s' of '%s' has %d numbers, expected %d", key, name, count, spans ? 2 * layers : 2);
            if (spans)
                u->spans = list;
            else
                u->lo = list[0], u->hi = list[1];
        } else {
            return FORMAT(r, "unknown member '%s' of '%s'", key, name);
        }
    }
    return GR_OK;
}

/* Patterns of the parameters that are all a region's. */
static gr_status read_patterns(const reader *r, gr_arch_region *region, const json_t *value) {
    size_t n = json_array_size(value);
    if (!json_is_array(value) || n > MOST)
        return FORMAT(r, "'params' is not a list of patterns");
    const char **patterns = gr_arena_alloc(r->arena, n * sizeof *patterns);
    for (size_t i = 0; i < n; i++) {
        if (!json_is_string(json_array_get(value, i)))
            return FORMAT(r, "a pattern of 'params' is not a text");
        patterns[i] = gr_arena_strdup(r->arena, json_string_value(json_array_get(value, i)));
    }
    region->patterns = patterns;
    region->pattern_count = (int)n;
    return GR_OK;
}

/* Whether a region has a strength, and in which form, by its word. */
static gr_status read_strength(const reader *r, gr_strength *to, const json_t *value) {
    int word = json_is_string(value) ? gr_arch_value("strength", json_string_value(value)) : -1;
    if (word < 0)
        return FORMAT(r, "'strength' is not one of its words");
    *to = (gr_strength)word;
    return GR_OK;
}

/* Maps of an adapter by their words, as bits. */
static gr_status read_maps(const reader *r, unsigned *maps, const json_t *value) {
    if (!json_is_array(value))
        return FORMAT(r, "'maps' is not a list");
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *word = json_string_value(json_array_get(value, i));
        int map = word ? gr_arch_value("map", word) : -1;
        if (map < 0)
            return FORMAT(r, "'maps' of an adapter names '%s', which is no map", word ? word : "?");
        *maps |= 1u << map;
    }
    return GR_OK;
}

/* A low-rank adapter as adapter_json wrote it; members that are left out are 0. */
static gr_status read_adapter(const reader *r, gr_arch_adapter *a, const json_t *value) {
    const char *key;
    json_t *member;
    if (!json_is_object(value))
        return FORMAT(r, "'adapter' is not an object");

    json_object_foreach((json_t *)value, key, member) {
        double *real = !strcmp(key, "scale") ? &a->scale : !strcmp(key, "dropout") ? &a->dropout : NULL;
        if (real && json_is_number(member)) {
            *real = json_number_value(member);
        } else if (!strcmp(key, "rank")) {
            GR_TRY(read_int(r, &a->rank, member, key));
        } else if (!strcmp(key, "maps")) {
            GR_TRY(read_maps(r, &a->maps, member));
        } else {
            return FORMAT(r, "member '%s' of 'adapter' is unknown or no number", key);
        }
    }
    return GR_OK;
}

/* A region as region_json wrote it. */
static gr_status read_region(const reader *r, gr_arch_region *region, const json_t *value, int layers) {
    const char *key;
    json_t *member;
    if (!json_is_object(value) || !json_is_string(json_object_get(value, "name")))
        return FORMAT(r, "a region is not an object with a name");

    /* Members in any order; one that is not known comes from a later version, and what it says would be lost. */
    json_object_foreach((json_t *)value, key, member) {
        const gr__unit_kind *kind = gr__unit_kind_find(key);
        if (kind)
            GR_TRY(read_units(r, gr__units_in(region, kind), member, key, layers));
        else if (!strcmp(key, "name"))
            region->name = gr_arena_strdup(r->arena, json_string_value(member));
        else if (!strcmp(key, "layers"))
            GR_TRY(read_list(r, &region->layers, &region->layer_count, member, key));
        else if (!strcmp(key, "strength"))
            GR_TRY(read_strength(r, &region->strength, member));
        else if (!strcmp(key, "adapter"))
            GR_TRY(read_adapter(r, &region->adapter, member));
        else if (!strcmp(key, "whole"))
            GR_TRY(read_list(r, &region->whole, &region->whole_count, member, key));
        else if (!strcmp(key, "params"))
            GR_TRY(read_patterns(r, region, member));
        else if (!strcmp(key, "stop") && json_is_boolean(member))
            region->stop = json_is_true(member);
        else
            return FORMAT(r, "unknown member '%s' of a region", key);
    }
    return GR_OK;
}

/* The regions in their order; their spans need the number of layers, which is known by now. */
static gr_status read_regions(const reader *r, gr_arch_def *def, const json_t *value) {
    size_t n = json_array_size(value);
    if (!json_is_array(value) || n > MOST)
        return FORMAT(r, "'regions' is not a list");
    gr_arch_region *regions = gr_arena_alloc(r->arena, n * sizeof *regions);
    for (size_t i = 0; i < n; i++)
        GR_TRY(read_region(r, &regions[i], json_array_get(value, i), gr__arch_layers(def)));
    def->regions = regions;
    def->region_count = (int)n;
    return GR_OK;
}

/* The members that there are of one sort: lists with an entry for each layer, or all others. */
static gr_status read_fields(const reader *r, gr_arch_def *def, const json_t *value, bool by_layer) {
    for (const gr__arch_field *f = gr__fields; f->name; f++) {
        const json_t *member = json_object_get(value, f->name);
        if (member && (f->type == GR__FIELD_LAYERS) == by_layer)
            GR_TRY(read_field(r, def, f, member));
    }
    return GR_OK;
}

/* What the lengths of lists depend on comes first, whatever the order of members. */
static gr_status read_all(const reader *r, gr_arch_def *def, const json_t *value) {
    const char *key;
    json_t *member;
    if (!json_is_object(value))
        return FORMAT(r, "'arch' is not an object");
    GR_TRY(read_fields(r, def, value, false));
    if (gr__arch_layers(def) < 0 || gr__arch_layers(def) > MOST)
        return FORMAT(r, "the network has %d layers", gr__arch_layers(def));
    GR_TRY(read_fields(r, def, value, true));

    /* Regions, and what nobody knows. */
    json_object_foreach((json_t *)value, key, member) {
        if (!strcmp(key, "regions"))
            GR_TRY(read_regions(r, def, member));
        else if (!gr__field_find(key))
            return FORMAT(r, "unknown member '%s'", key);
    }
    return gr_arch_check(def, r->err);
}

gr_status gr__arch_from_json(gr_arch_def **out, const json_t *value, const char *place, gr_error *err) {
    reader r = {gr_arena_new(), place, err};
    gr_arch_def def = {0};
    gr_status status = read_all(&r, &def, value);
    *out = status ? NULL : gr_arch_copy(&def);
    gr_arena_free(r.arena);
    return status;
}
