/* arch_json.c - a description of a network as JSON and back. Plain fields go by the table below; lists, regions and
 * what they have are members only where there are any. Words stand for enumerations, so that a file says what it holds.
 */
#include "format/arch_json.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "arch/kind.h"
#include "base/mem.h"

enum { MOST = 1 << 16 }; /* entries of a list */

/* The plain fields of a description, by name. */
typedef enum field_type { INTEGER, NUMBER, FLAG, WORD } field_type;
typedef struct field {
    const char *name;
    field_type type;
    size_t offset;
} field;
#define FIELD(name, type) \
    { #name, type, offsetof(gr_arch_def, name) }
static const field fields[] = {
    FIELD(kind, WORD),
    FIELD(vocab, INTEGER),
    FIELD(context, INTEGER),
    FIELD(layers, INTEGER),
    FIELD(width, INTEGER),
    FIELD(heads, INTEGER),
    FIELD(head_size, INTEGER),
    FIELD(mlp, INTEGER),
    FIELD(norm, WORD),
    FIELD(eps, NUMBER),
    FIELD(position, WORD),
    FIELD(rotary_base, NUMBER),
    FIELD(activation, WORD),
    FIELD(bias, FLAG),
    FIELD(out_bias, FLAG),
    FIELD(logit_bias, FLAG),
    FIELD(tied, FLAG),
    FIELD(dropout, NUMBER),
    FIELD(init_std, NUMBER),
    FIELD(l1, NUMBER),
    FIELD(loss, WORD),
    FIELD(kv_heads, INTEGER),
    FIELD(rotary_size, INTEGER),
    FIELD(rotary_halves, FLAG),
    FIELD(attention_scale, NUMBER),
    FIELD(positions, INTEGER),
    FIELD(no_gain, FLAG),
    FIELD(qkv_bias, WORD),
    FIELD(init, WORD),
    FIELD(experts, INTEGER),
    FIELD(top, INTEGER),
    FIELD(balance, NUMBER),
};
enum { FIELDS = sizeof fields / sizeof *fields };
_Static_assert(sizeof(gr_norm) == sizeof(int) && sizeof(gr_arch_loss) == sizeof(int), "words are read as int");

/* ---- writing ---- */

/* A list of whole numbers. */
static json_t *list_json(const int *list, int count) {
    json_t *value = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(value, json_integer(list[i]));
    return value;
}

/* The value of a plain field. */
static json_t *field_json(const field *f, const gr_arch_def *def) {
    const void *at = (const char *)def + f->offset;
    switch (f->type) {
    case INTEGER:
        return json_integer(*(const int *)at);
    case NUMBER:
        return json_real(*(const double *)at);
    case FLAG:
        return json_boolean(*(const bool *)at);
    default:
        return json_string(gr_arch_word(f->name, *(const int *)at));
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
    set_units(value, "residual", &region->residual, layers);
    set_units(value, "mlp", &region->mlp, layers);
    set_units(value, "heads", &region->heads, layers);
    set_units(value, "experts", &region->experts, layers);

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

/* Plain fields by the table; lists only where there are any, so that a manifest holds what was said. */
json_t *gr__arch_to_json(const gr_arch_def *def) {
    json_t *value = json_object(), *regions = json_array();
    int layers = gr__arch_layers(def);

    for (int i = 0; i < FIELDS; i++)
        json_object_set_new(value, fields[i].name, field_json(&fields[i], def));

    /* What differs from layer to layer, and sizes. */
    if (def->layer_heads)
        json_object_set_new(value, "layer_heads", list_json(def->layer_heads, layers));
    if (def->layer_mlp)
        json_object_set_new(value, "layer_mlp", list_json(def->layer_mlp, layers));
    if (def->layer_experts)
        json_object_set_new(value, "layer_experts", list_json(def->layer_experts, layers));
    if (def->l1_count)
        json_object_set_new(value, "l1_layers", list_json(def->l1_layers, def->l1_count));
    if (def->window_count)
        json_object_set_new(value, "windows", list_json(def->windows, def->window_count));
    if (def->size_count)
        json_object_set_new(value, "sizes", list_json(def->sizes, def->size_count));

    for (int r = 0; r < def->region_count; r++)
        json_array_append_new(regions, region_json(&def->regions[r], layers));
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

/* A plain field, which must be of the type that the table says. */
static gr_status read_field(const reader *r, gr_arch_def *def, const field *f, const json_t *value) {
    void *at = (char *)def + f->offset;
    switch (f->type) {
    case INTEGER:
        return read_int(r, at, value, f->name);
    case NUMBER:
        if (!json_is_number(value))
            return FORMAT(r, "'%s' is not a number", f->name);
        *(double *)at = json_number_value(value);
        return GR_OK;
    case FLAG:
        if (!json_is_boolean(value))
            return FORMAT(r, "'%s' is neither true nor false", f->name);
        *(bool *)at = json_is_true(value);
        return GR_OK;
    default:
        *(int *)at = json_is_string(value) ? gr_arch_value(f->name, json_string_value(value)) : -1;
        return *(int *)at < 0 ? FORMAT(r, "'%s' is not one of its words", f->name) : GR_OK;
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
        bool scale = !strcmp(key, "scale");
        if (!strcmp(key, "rank")) {
            GR_TRY(read_int(r, &a->rank, member, key));
        } else if (!strcmp(key, "maps")) {
            GR_TRY(read_maps(r, &a->maps, member));
        } else if ((scale || !strcmp(key, "dropout")) && json_is_number(member)) {
            *(scale ? &a->scale : &a->dropout) = json_number_value(member);
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
        if (!strcmp(key, "name"))
            region->name = gr_arena_strdup(r->arena, json_string_value(member));
        else if (!strcmp(key, "residual"))
            GR_TRY(read_units(r, &region->residual, member, key, layers));
        else if (!strcmp(key, "mlp"))
            GR_TRY(read_units(r, &region->mlp, member, key, layers));
        else if (!strcmp(key, "heads"))
            GR_TRY(read_units(r, &region->heads, member, key, layers));
        else if (!strcmp(key, "experts"))
            GR_TRY(read_units(r, &region->experts, member, key, layers));
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

/* A list with one entry a layer. */
static gr_status read_by_layer(const reader *r, const int **to, const json_t *value, const char *name, int layers) {
    int count;
    GR_TRY(read_list(r, to, &count, value, name));
    return count == layers ? GR_OK : FORMAT(r, "'%s' has %d entries for %d layers", name, count, layers);
}

/* A member that is no plain field: a list, or the regions. */
static gr_status read_member(const reader *r, gr_arch_def *def, const char *key, const json_t *value) {
    if (!strcmp(key, "layer_heads"))
        return read_by_layer(r, &def->layer_heads, value, key, gr__arch_layers(def));
    if (!strcmp(key, "layer_mlp"))
        return read_by_layer(r, &def->layer_mlp, value, key, gr__arch_layers(def));
    if (!strcmp(key, "layer_experts"))
        return read_by_layer(r, &def->layer_experts, value, key, gr__arch_layers(def));
    if (!strcmp(key, "l1_layers"))
        return read_list(r, &def->l1_layers, &def->l1_count, value, key);
    if (!strcmp(key, "windows"))
        return read_list(r, &def->windows, &def->window_count, value, key);
    if (!strcmp(key, "regions"))
        return read_regions(r, def, value);

    /* Plain fields and sizes were read first: what is neither was never written by this version. */
    for (int i = 0; i < FIELDS; i++)
        if (!strcmp(key, fields[i].name))
            return GR_OK;
    return strcmp(key, "sizes") ? FORMAT(r, "unknown member '%s'", key) : GR_OK;
}

/* What the lengths of lists depend on comes first, whatever the order of members. */
static gr_status read_all(const reader *r, gr_arch_def *def, const json_t *value) {
    const char *key;
    json_t *member;
    if (!json_is_object(value))
        return FORMAT(r, "'arch' is not an object");

    /* Plain fields, then the only list that others depend on. */
    for (int i = 0; i < FIELDS; i++)
        if ((member = json_object_get(value, fields[i].name)))
            GR_TRY(read_field(r, def, &fields[i], member));
    if ((member = json_object_get(value, "sizes")))
        GR_TRY(read_list(r, &def->sizes, &def->size_count, member, "sizes"));

    /* Everything else, whatever its order, and whether all of it fits together. */
    if (gr__arch_layers(def) < 0 || gr__arch_layers(def) > MOST)
        return FORMAT(r, "the network has %d layers", gr__arch_layers(def));
    json_object_foreach((json_t *)value, key, member) GR_TRY(read_member(r, def, key, member));
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
