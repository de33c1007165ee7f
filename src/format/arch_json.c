/* arch_json.c - a description of a network as JSON and back, by the rows of arch/field.h. Lists, regions and what they
 * have are members only where there are any. Words stand for enumerations, so that a file says what it holds. */
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

/* Words for the bits that are set. */
static json_t *bits_json(const gr__arch_field *f, unsigned bits) {
    json_t *value = json_array();
    for (int i = 0; gr_arch_word(f->one, i); i++)
        if (bits >> i & 1)
            json_array_append_new(value, json_string(gr_arch_word(f->one, i)));
    return value;
}

static json_t *texts_json(const char *const *texts, int count) {
    json_t *value = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(value, json_string(texts[i]));
    return value;
}

/* A field of a network or of a region. NULL: a list that is not there, so that a manifest holds what was said. */
static json_t *field_json(const gr__arch_field *f, const void *in) {
    const double number = f->type < GR__FIELD_LIST ? gr__field_number(f, in) : 0;
    int count;
    const int *list;
    const char *const *texts;
    switch (f->type) {
    case GR__FIELD_WHOLE:
        return json_integer((json_int_t)number);
    case GR__FIELD_REAL:
        return json_real(number);
    case GR__FIELD_FLAG:
        return json_boolean(number != 0);
    case GR__FIELD_WORD:
        return json_string(gr__field_word(f, (int)number));
    case GR__FIELD_BITS:
        return bits_json(f, (unsigned)number);
    case GR__FIELD_TEXTS:
        texts = gr__field_texts(f, in, &count);
        return texts_json(texts, count);
    default:
        list = gr__field_list(f, in, &count);
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

/* The map of a region that holds a field; made when the first of its fields comes. */
static json_t *map_of(json_t *region, const gr__arch_field *f) {
    json_t *map = f->within ? json_object_get(region, f->within) : region;
    if (!map)
        json_object_set_new(region, f->within, map = json_object());
    return map;
}

/* A region, with members for what it has. */
static json_t *region_json(const gr_arch_region *region, int layers) {
    json_t *value = json_object();

    /* Its units. */
    json_object_set_new(value, "name", json_string(region->name));
    for (int k = 0; k < GR__UNIT_KINDS; k++)
        set_units(value, gr__unit_kinds[k].name, gr__units_of(region, &gr__unit_kinds[k]), layers);

    /* Whatever else it says; the digest of a folder is by the order of members. */
    for (const gr__arch_field *f = gr__region_fields; f->name; f++)
        if (gr__region_says(f, region))
            json_object_set_new(map_of(value, f), f->name, field_json(f, region));
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

static gr_status read_field_list(const reader *r, void *in, const gr__arch_field *f, const json_t *value) {
    const int *list;
    int count;
    GR_TRY(read_list(r, &list, &count, value, f->name));
    if (f->type == GR__FIELD_LAYERS && count != gr__arch_layers(in))
        return FORMAT(r, "'%s' has %d entries for %d layers", f->name, count, gr__arch_layers(in));
    gr__field_set_list(f, in, list, count);
    return GR_OK;
}

/* Words that set a bit each. */
static gr_status read_bits(const reader *r, unsigned *bits, const gr__arch_field *f, const json_t *value) {
    if (!json_is_array(value))
        return FORMAT(r, "'%s' is not a list", f->name);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *word = json_string_value(json_array_get(value, i));
        int bit = word ? gr_arch_value(f->one, word) : -1;
        if (bit < 0)
            return FORMAT(r, "'%s' names '%s', which is no %s", f->name, word ? word : "?", f->one);
        *bits |= 1u << bit;
    }
    return GR_OK;
}

static gr_status read_texts(const reader *r, void *in, const gr__arch_field *f, const json_t *value) {
    size_t n = json_array_size(value);
    if (!json_is_array(value) || n > MOST)
        return FORMAT(r, "'%s' is not a list of texts", f->name);
    const char **texts = gr_arena_alloc(r->arena, n * sizeof *texts);
    for (size_t i = 0; i < n; i++) {
        if (!json_is_string(json_array_get(value, i)))
            return FORMAT(r, "an entry of '%s' is not a text", f->name);
        texts[i] = gr_arena_strdup(r->arena, json_string_value(json_array_get(value, i)));
    }
    gr__field_set_texts(f, in, texts, (int)n);
    return GR_OK;
}

/* A field of a network or of a region. */
static gr_status read_field(const reader *r, void *in, const gr__arch_field *f, const json_t *value) {
    void *at = (char *)in + f->at;
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
        *(int *)at = json_is_string(value) ? gr__field_value(f, json_string_value(value)) : -1;
        return *(int *)at < 0 ? FORMAT(r, "'%s' is not one of its words", f->name) : GR_OK;
    case GR__FIELD_BITS:
        return read_bits(r, at, f, value);
    case GR__FIELD_TEXTS:
        return read_texts(r, in, f, value);
    default:
        return read_field_list(r, in, f, value);
    }
}

/* Units as set_units wrote them, and fields that stand in their map. Spans are two numbers a layer, so the layers must
 * be known. */
static gr_status read_units(const reader *r, gr_arch_region *region, const gr__unit_kind *kind, const json_t *value,
                            int layers) {
    gr_arch_units *u = gr__units_in(region, kind);
    const char *key, *name = kind->name;
    json_t *member;
    if (!json_is_object(value))
        return FORMAT(r, "'%s' is not an object", name);

    /* Members in any order; one that is not known comes from a later version, and what it says would be lost. */
    json_object_foreach((json_t *)value, key, member) {
        const int *list;
        int count;
        const gr__arch_field *field = gr__region_field_find(name, key);
        if (field) {
            GR_TRY(read_field(r, region, field, member));
        } else if (!strcmp(key, "add")) {
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

/* Whether some field of regions is within a map of this name. */
static bool is_map(const char *name) {
    for (const gr__arch_field *f = gr__region_fields; f->name; f++)
        if (f->within && !strcmp(f->within, name))
            return true;
    return false;
}

/* Fields that stand in a map of their own; members that are left out are 0. */
static gr_status read_map(const reader *r, gr_arch_region *region, const char *within, const json_t *value) {
    const char *key;
    json_t *member;
    if (!json_is_object(value))
        return FORMAT(r, "'%s' is not an object", within);
    json_object_foreach((json_t *)value, key, member) {
        const gr__arch_field *f = gr__region_field_find(within, key);
        if (!f)
            return FORMAT(r, "unknown member '%s' of '%s'", key, within);
        GR_TRY(read_field(r, region, f, member));
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
        const gr__arch_field *field = gr__region_field_find(NULL, key);
        if (kind)
            GR_TRY(read_units(r, region, kind, member, layers));
        else if (!strcmp(key, "name"))
            region->name = gr_arena_strdup(r->arena, json_string_value(member));
        else if (field)
            GR_TRY(read_field(r, region, field, member));
        else if (is_map(key))
            GR_TRY(read_map(r, region, key, member));
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
