/* Sections model and regions. */
#include <stdio.h>
#include <string.h>

#include "arch/field.h"
#include "base/number.h"
#include "gradroute/surgery.h"
#include "recipe/read.h"

enum { UNITS_MOST = 1 << 16, POSITIONS_MOST = 1 << 24 };

/* ---- model ---- */

enum { WORDS_MOST = 64 };

/* One of the words of a field. */
static gr_status read_word(gr_yaml *map, int *value, const gr__arch_field *field, gr_error *err) {
    const char *names[WORDS_MOST + 1] = {NULL};
    for (int i = 0; i < WORDS_MOST && gr__field_word(field, i); i++)
        names[i] = gr__field_word(field, i);
    return gr_yaml_choice(map, value, field->key, names, err);
}

/* What recipes call networks. */
static gr_status read_arch(gr_yaml *map, int *value, gr_error *err) {
    const char *names[WORDS_MOST + 1] = {NULL};
    for (int i = 0; i < WORDS_MOST && gr_arch_word("arch", i); i++)
        names[i] = gr_arch_word("arch", i);
    return gr_yaml_choice(map, value, "arch", names, err);
}

/* One number for every layer, or a list that repeats over the layers. */
static gr_status read_windows(gr_recipe *recipe, gr_yaml *map, gr_arch_def *def, gr_error *err) {
    gr_yaml *node = gr_yaml_find(map, "window");

    /* A number alone is a list of one. */
    if (node && node->kind == GR_YAML_SCALAR) {
        int *one = gr_arena_alloc(recipe->arena, sizeof *one);
        *one = -1; /* no default: without the key the windows are those of the style */
        GR_TRY(gr__recipe_int(map, one, "window", 0, POSITIONS_MOST, err));
        def->windows = one;
        def->window_count = 1;
        return GR_OK;
    }

    /* Absent: the style may have a pattern, which goes into the resolved recipe. */
    if (!node && def->window_count) { /* of the style */
        gr_yaml *list = gr_yaml_add_list(map, "window");
        for (int i = 0; i < def->window_count; i++)
            gr_yaml_add_int(list, NULL, def->windows[i]);
        gr_yaml_is_plain(list, true);
        return GR_OK;
    }

    return gr__recipe_ints(recipe, map, &def->windows, &def->window_count, "window", 0, POSITIONS_MOST, err);
}

/* At most as many as there are experts. */
static gr_status read_top(gr_recipe *recipe, gr_yaml *map, gr_arch_def *def, gr_error *err) {
    (void)recipe;
    return gr__recipe_int(map, &def->top, "top", 1, def->experts, err);
}

/* Whether queries, keys and values have a bias: kept as "as the others" where it is so, which is what files of networks
 * say. */
static gr_status read_qkv_bias(gr_recipe *recipe, gr_yaml *map, gr_arch_def *def, gr_error *err) {
    (void)recipe;
    bool qkv = def->qkv_bias == GR_QKV_AS_BIAS ? def->bias : def->qkv_bias == GR_QKV_WITH_BIAS;
    GR_TRY(gr_yaml_bool(map, &qkv, "qkv_bias", err));
    def->qkv_bias = qkv == def->bias ? GR_QKV_AS_BIAS : qkv ? GR_QKV_WITH_BIAS : GR_QKV_WITHOUT_BIAS;
    return GR_OK;
}

/* The widths of a multilayer perceptron, which has no default. */
static gr_status read_sizes(gr_recipe *recipe, gr_yaml *map, gr_arch_def *def, gr_error *err) {
    GR_TRY(gr__recipe_ints(recipe, map, &def->sizes, &def->size_count, "sizes", 1, UNITS_MOST, err));
    return def->size_count < 2 ? gr_yaml_fail(map, err, "sizes: [INPUTS, HIDDEN, ..., OUTPUTS]", "%s needs sizes",
                                              gr__arch_of(def)->title)
                               : GR_OK;
}

/* ---- keys, by the rows of arch/field.h ---- */

/* Keys that are more than one value of their type. */
static const struct {
    const char *key;
    gr_status (*read)(gr_recipe *recipe, gr_yaml *map, gr_arch_def *def, gr_error *err);
} special[] = {{"top", read_top}, {"window", read_windows}, {"qkv_bias", read_qkv_bias}, {"sizes", read_sizes}};

static gr_status read_flag(gr_yaml *map, bool *value, const gr__arch_field *field, gr_error *err) {
    bool said = *value != field->inverse;
    GR_TRY(gr_yaml_bool(map, &said, field->key, err));
    *value = said != field->inverse;
    return GR_OK;
}

static gr_status read_numbers(gr_recipe *recipe, gr_yaml *map, void *in, const gr__arch_field *field, gr_error *err) {
    int count;
    const int *list = gr__field_list(field, in, &count);
    GR_TRY(gr__recipe_ints(recipe, map, &list, &count, field->key, (int)field->min, (int)field->max, err));
    gr__field_set_list(field, in, list, count);
    return GR_OK;
}

/* A list of words that set a bit each. */
static gr_status read_bits(gr_yaml *map, unsigned *bits, const gr__arch_field *field, gr_error *err) {
    const char *const *names = NULL;
    int count = 0, known = 0;
    GR_TRY(gr_yaml_texts(map, &names, &count, field->key, err));
    while (known < GR__FIELD_WORDS && field->word[known])
        known++;
    for (int i = 0; i < count; i++) {
        int value = gr_arch_value(field->one, names[i]);
        if (value < 0)
            return gr__recipe_unknown(gr_yaml_find(map, field->key), field->one, names[i], field->word, known, err);
        *bits |= 1u << value;
    }
    return GR_OK;
}

static gr_status read_texts(gr_yaml *map, void *in, const gr__arch_field *field, gr_error *err) {
    int count;
    const char *const *texts = gr__field_texts(field, in, &count);
    GR_TRY(gr_yaml_texts(map, &texts, &count, field->key, err));
    gr__field_set_texts(field, in, texts, count);
    return GR_OK;
}

/* One value of its type, of a network or of a region. */
static gr_status read_value(gr_recipe *recipe, gr_yaml *map, const gr__arch_field *field, void *in, gr_error *err) {
    void *at = (char *)in + field->at;
    switch (field->type) {
    case GR__FIELD_WHOLE:
        return gr__recipe_int(map, at, field->key, (int)field->min, (int)field->max, err);
    case GR__FIELD_REAL:
        return gr_yaml_real(map, at, field->key, field->min, field->max, err);
    case GR__FIELD_FLAG:
        return read_flag(map, at, field, err);
    case GR__FIELD_WORD:
        return read_word(map, at, field, err);
    case GR__FIELD_BITS:
        return read_bits(map, at, field, err);
    case GR__FIELD_TEXTS:
        return read_texts(map, in, field, err);
    default:
        return read_numbers(recipe, map, in, field, err);
    }
}

static gr_status read_field(gr_recipe *recipe, gr_yaml *map, const gr__arch_field *field, gr_arch_def *def,
                            gr_error *err) {
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (!strcmp(special[i].key, field->key))
            return special[i].read(recipe, map, def, err);
    return read_value(recipe, map, field, def, err);
}

/* Whether a field has a meaning in this network: it depends on another one that is not there in some. */
static bool has_meaning(const gr__arch_field *field, const gr_arch_def *def) {
    return !field->with || gr__field_number(gr__field_find(field->with), def) != 0;
}

/* The keys that the kind of network has: those that a style may depend on (first), or the others. */
static gr_status read_fields(gr_recipe *recipe, gr_yaml *map, bool first, gr_arch_def *def, gr_error *err) {
    const gr_arch_def *from = recipe->from.def;
    for (const gr__arch_field *f = gr__fields; f->name; f++) {
        if (!f->key || f->first != first || !gr__field_of(f, gr__arch_of(def)) || !has_meaning(f, def))
            continue;

        /* A model to go on from has its own. */
        if (f->with && !(from && has_meaning(f, from)))
            gr__field_default(f, def);
        GR_TRY(read_field(recipe, map, f, def, err));
    }
    return GR_OK;
}

/* A model to go on from has its style: a recipe may name it, and nothing else. */
static gr_status check_style(const gr_recipe *recipe, gr_yaml *map, gr_error *err) {
    /* Nothing is said: nothing to check. */
    gr_yaml *node = gr_yaml_find(map, "arch");
    int arch = 0;
    if (!node)
        return GR_OK;
    GR_TRY(read_arch(map, &arch, err));

    /* The style's fields that decide what is computed must be those of the model. */
    const gr_arch_def *from = recipe->from.def;
    gr_arch_def want = *from;
    const char *word = gr_arch_word("arch", arch);
    bool same = gr_arch_style(&want, word) && want.kind == from->kind && want.norm == from->norm &&
                want.position == from->position && want.activation == from->activation && want.tied == from->tied &&
                want.bias == from->bias && (want.qkv_bias != GR_QKV_WITH_BIAS || from->qkv_bias == GR_QKV_WITH_BIAS);

    return same
               ? GR_OK
               : gr_yaml_fail(node, err, "leave arch out", "%s holds another network than %s", recipe->from.path, word);
}

/* The description: that of a model to go on from, or of a style, and what the recipe says beside it. */
static gr_status read_model(gr_recipe *recipe, gr_yaml *map, gr_error *err) {
    gr_arch_def *def = &recipe->model;
    const gr_arch_def *from = recipe->from.def;
    gr__defaults *style = NULL;

    /* A description begins as the model to go on from, else as the style that the recipe names. */
    *def = from ? *from : gr_arch_default();
    def->vocab = 0;
    def->context = recipe->data.context;
    if (from) {
        GR_TRY(check_style(recipe, map, err));
    } else {
        int arch = 0;
        GR_TRY(read_arch(map, &arch, err));
        style = gr__arch_named(def, gr_arch_word("arch", arch));
    }
    GR_TRY(read_fields(recipe, map, true, def, err));
    if (style)
        style(def);
    return read_fields(recipe, map, false, def, err);
}

/* ---- regions ---- */

/* Units of one kind for a region: added, the last of each layer, or claimed by number. Just one of the three. */
static gr_status read_units(gr_yaml *region, gr_arch_units *units, const char *key, gr_error *err) {
    gr_yaml *map, *claim;
    GR_TRY(gr_yaml_map(region, &map, key, err));
    if (!map)
        return GR_OK;

    GR_TRY(gr__recipe_int(map, &units->add, "add", 1, UNITS_MOST, err));
    GR_TRY(gr__recipe_int(map, &units->last, "last", 1, UNITS_MOST, err));

    /* A claim is a pair: from LO to HI - 1. */
    GR_TRY(gr_yaml_list(map, &claim, "claim", err));
    if (claim) {
        int64_t lo, hi;
        if (claim->count != 2)
            return gr_yaml_fail(claim, err, "claim: [LO, HI] takes units LO to HI - 1", "claim has %d %s, expected 2",
                                claim->count, gr__plural(claim->count, "number", "numbers"));
        gr_yaml *first = gr_yaml_first(claim), *second = gr_yaml_next(first);
        GR_TRY(gr_yaml_as_count(first, &lo, 0, UNITS_MOST, err));
        GR_TRY(gr_yaml_as_count(second, &hi, lo + 1, UNITS_MOST, err));
        units->lo = (int)lo, units->hi = (int)hi;
    }

    if ((units->add > 0) + (units->last > 0) + (units->hi > 0) != 1)
        return gr_yaml_fail(map, err, "{add: N}, {last: N} or {claim: [LO, HI]}",
                            "%s of region '%s' needs one of these", key, region->key);
    return GR_OK;
}

/* A field of a region, where it stands: beside the units, in the map of a kind of them, or in one of its own. */
static gr_status read_region_field(gr_recipe *recipe, gr_yaml *node, const gr__arch_field *f, gr_arch_region *region,
                                   gr_error *err) {
    gr_yaml *map = f->within ? NULL : node;
    if (f->within)
        GR_TRY(gr_yaml_map(node, &map, f->within, err));
    if (!map)
        return GR_OK;

    /* Not written where it was not: recipes without it resolve as they did before there was one. */
    const bool own = f->within && !gr__field_of_units(f);
    if (!own && (f->type == GR__FIELD_WORD || f->type == GR__FIELD_FLAG) && !gr_yaml_find(map, f->key))
        return GR_OK;
    if (f->with)
        gr__field_default(f, region);
    GR_TRY(read_value(recipe, map, f, region, err));

    /* What the rest of a map goes with must be said. */
    if (own && !f->with && !gr__region_says(f, region)) {
        char hint[64];
        snprintf(hint, sizeof hint, "{%s: 8}", f->key);
        return gr_yaml_fail(map, err, hint, "the %s of region '%s' needs a %s", f->within, region->name, f->key);
    }
    return GR_OK;
}

/* One region into `region`: what units it has in which layers, and whatever else is its own. */
static gr_status read_region(gr_recipe *recipe, gr_yaml *node, gr_arch_region *region, gr_error *err) {
    GR_TRY(gr__recipe_name(node, "region", err));
    GR_TRY(gr_yaml_expect(node, GR_YAML_MAP, err));
    *region = (gr_arch_region){.name = node->key};

    for (int k = 0; k < GR__UNIT_KINDS; k++)
        GR_TRY(read_units(node, gr__units_in(region, &gr__unit_kinds[k]), gr__unit_kinds[k].name, err));
    for (const gr__arch_field *f = gr__region_fields; f->name; f++)
        GR_TRY(read_region_field(recipe, node, f, region, err));
    return GR_OK;
}

/* Whether two regions claim alike. Spans come from surgery alone: units that have some are never those of a recipe. */
static bool same_units(const gr_arch_units *a, const gr_arch_units *b) {
    return a->add == b->add && a->lo == b->lo && a->hi == b->hi && a->last == b->last && !a->spans && !b->spans;
}

/* Whether two regions are the same in all that a recipe can say of them, but for their names. */
static bool same_region(const gr_arch_region *a, const gr_arch_region *b) {
    for (int k = 0; k < GR__UNIT_KINDS; k++)
        if (!same_units(gr__units_of(a, &gr__unit_kinds[k]), gr__units_of(b, &gr__unit_kinds[k])))
            return false;
    for (const gr__arch_field *f = gr__region_fields; f->name; f++)
        if (!gr__field_same(f, a, b))
            return false;
    return true;
}

/* A region that the model of `from` has already may be repeated, as a recipe grows. */
static gr_status known_region(const gr_arch_region *kept, int count, const gr_arch_region *region, bool *known,
                              const gr_yaml *node, gr_error *err) {
    *known = false;
    for (int i = 0; i < count; i++) {
        if (strcmp(kept[i].name, region->name) != 0)
            continue;
        if (!same_region(&kept[i], region))
            return gr_yaml_fail(node, err, "leave it out, or choose another name",
                                "the model has a region '%s' already, with other units or another `stop`",
                                region->name);
        *known = true;
    }
    return GR_OK;
}

/* The regions of the recipe behind those of the model to go on from. */
static gr_status read_regions(gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    gr_yaml *regions;
    int kept = recipe->model.region_count, count = kept; /* of the model to go on from */
    GR_TRY(gr_yaml_map(root, &regions, "regions", err));
    if (!regions)
        return GR_OK;
    if (regions->count > 64)
        return gr_yaml_fail(regions, err, NULL, "there are %d regions, expected at most 64", regions->count);

    /* Room for all of them, the model's first: their numbers stay. */
    gr_arch_region *list = gr_arena_alloc(recipe->arena, sizeof *list * ((size_t)kept + (size_t)regions->count + 1));
    for (int i = 0; i < kept; i++)
        list[i] = recipe->model.regions[i];

    /* A region that the model has already is read for the check alone, and the next one takes its place in the list. */
    for (gr_yaml *c = gr_yaml_first(regions); c; c = gr_yaml_next(c)) {
        bool known;
        GR_TRY(read_region(recipe, c, &list[count], err));
        GR_TRY(known_region(list, kept, &list[count], &known, c, err));
        count += !known;
    }
    recipe->model.regions = list;
    recipe->model.region_count = count;
    return GR_OK;
}

/* Fills recipe->model, and has the architecture check it. */
gr_status gr__recipe_read_model(gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    gr_yaml *map;
    GR_TRY(gr_yaml_section(root, &map, "model", err));
    GR_TRY(read_model(recipe, map, err));
    GR_TRY(read_regions(recipe, root, err));

    /* The architecture knows what fits together; it does not know where the recipe said so. */
    gr_error why = {0};
    gr_arch_def trial = recipe->model;
    trial.vocab = recipe->data.tokenizer_train ? recipe->data.tokenizer_train : 257;
    if (recipe->from.def)
        trial.vocab = recipe->from.def->vocab;

    gr_status status = gr_arch_check(&trial, &why);
    if (status == GR_OK && recipe->from.def)
        status = gr_surgery_fits(recipe->from.def, &trial, &why);
    return status == GR_OK ? GR_OK
                           : gr_yaml_fail(map, err, why.hint[0] ? why.hint : NULL, "%s%s%s", why.place,
                                          why.place[0] ? ": " : "", why.message);
}
