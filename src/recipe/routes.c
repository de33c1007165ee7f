/* Sections preset and routes: the vocabulary of route.h as YAML. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/names.h"
#include "base/number.h"
#include "recipe/read.h"

enum { WEIGHT_MOST = 1000000 };

typedef struct reader {
    gr_recipe *recipe;
    gr_routes *routes;
    const char **region; /* [regions] names */
    int regions;
} reader;

/* ---- names ---- */

/* Fails where the network has no such region, with the nearest name as the hint. */
static gr_status known_region(const reader *r, const gr_yaml *node, const char *name, gr_error *err) {
    return gr__has_text(r->region, r->regions, name)
               ? GR_OK
               : gr__recipe_unknown(node, "region", name, r->region, r->regions, err);
}

/* The list's texts at key, which must be regions. *count stays 0 when absent. */
static gr_status region_list(const reader *r, gr_yaml *map, const char *const **names, int *count, const char *key,
                             gr_error *err) {
    *count = 0;
    *names = NULL;
    gr_yaml *node = gr_yaml_find(map, key);
    if (!node)
        return GR_OK;
    GR_TRY(gr_yaml_texts(map, names, count, key, err));
    for (int i = 0; i < *count; i++)
        GR_TRY(known_region(r, node, (*names)[i], err));
    return GR_OK;
}

/* Kinds of parameters as bits; what has a dot or a wildcard is the name of parameters. */
static gr_status read_joint(const reader *r, gr_yaml *map, unsigned *kinds, const char ***names, int *count,
                            gr_error *err) {
    static const char *const known[] = {"embeddings", "norms", "biases", "out_biases"};
    const char *const *words = NULL;
    int listed = 0;
    GR_TRY(gr_yaml_texts(map, &words, &listed, "joint", err));

    /* What names of parameters may look like is told from misspelt kinds by a dot or a wildcard. */
    *count = 0;
    *names = gr_arena_alloc(r->recipe->arena, sizeof **names * ((size_t)listed + 1));
    for (int i = 0; i < listed; i++) {
        int kind = gr_kind_find(words[i]);
        if (kind > GR_KIND_WEIGHT) {
            *kinds |= 1u << kind;
        } else if (strpbrk(words[i], ".*?[{")) {
            (*names)[(*count)++] = words[i];
        } else {
            return gr__recipe_unknown(gr_yaml_find(map, "joint"), "kind of parameter", words[i], known, 4, err);
        }
    }
    return GR_OK;
}

/* Adds the label, or the kinds of rows that a word stands for, to the bits. */
static gr_status label_bits(const reader *r, const gr_yaml *node, const char *name, uint64_t *bits, gr_error *err) {
    const char *known[GR_ROUTE_LABELS_MAX + 4] = {"any", "unlabelled", "core", "topics"};
    uint64_t fixed[] = {GR_LABELS_ALL, GR_LABELS_UNLABELLED, GR_LABELS_CORE, GR_LABELS_TOPICS};
    int count = 4 + r->routes->labels;
    for (int i = 0; i < count; i++) {
        if (i >= 4)
            known[i] = r->routes->label[i - 4];
        if (strcmp(known[i], name) == 0) {
            *bits |= i < 4 ? fixed[i] : gr_label_bit(i - 3);
            return GR_OK;
        }
    }
    return gr__recipe_unknown(node, "label", name, known, count, err);
}

/* ---- effects ---- */

/* "tap:layers.1.mlp.hidden[0:64]" */
static gr_status tap_effect(const reader *r, const gr_yaml *node, const char *word, gr_mode mode, double weight,
                            gr_error *err) {
    const char *name = word + strlen("tap:"), *range = strrchr(name, '[');

    /* The columns in brackets: both ends, or the first alone. Anything else in brackets is a part of the pattern. */
    int lo = 0, hi = 0, used = 0;
    size_t length = strlen(name);
    bool both = range && sscanf(range, "[%6d:%6d]%n", &lo, &hi, &used) == 2 && used && !range[used];
    bool open = range && !both && sscanf(range, "[%6d:]%n", &lo, &used) == 1 && used && !range[used];
    if (both || open) {
        if (lo < 0 || (both && hi <= lo))
            return gr_yaml_fail(node, err, "[LO:HI] is columns LO to HI - 1", "'%.100s' has no columns", word);
        length = (size_t)(range - name);
        hi = both ? hi : 0; /* to the last */
    } else {
        lo = hi = 0;
    }

    if (!length)
        return gr_yaml_fail(node, err, "tap:layers.*.mlp.hidden", "'%.100s' names no tap", word);
    if (mode == GR_MODE_PARAMETER)
        return gr_yaml_fail(node, err, "use activation or forward", "'%.100s': a tap has no parameters", word);
    gr_routes_tap(r->routes, mode, gr_arena_strndup(r->recipe->arena, name, length), lo, hi, weight);
    return GR_OK;
}

/* One weight at what the word names: a tap, a scope, or a region. */
static gr_status scope_effect(const reader *r, const gr_yaml *node, const char *word, gr_mode mode, double weight,
                              gr_error *err) {
    if (strncmp(word, "tap:", 4) == 0)
        return tap_effect(r, node, word, mode, weight, err);

    /* No scope: then it must be a region. The list is for the message, which offers both. */
    int scope = gr_scope_find(word);
    if (scope < 0) {
        const char *known[64 + 7] = {"others", "rest", "all", "embeddings", "norms", "biases", "out_biases"};
        int count = 7;
        for (int i = 0; i < r->regions; i++) {
            known[count++] = r->region[i];
            if (strcmp(r->region[i], word) == 0) {
                gr_routes_effect(r->routes, mode, GR_SCOPE_REGION, word, weight);
                return GR_OK;
            }
        }
        return gr__recipe_unknown(node, "region or scope", word, known, count, err);
    }

    /* Kinds of parameters have no activations that could be weighed. */
    if (mode != GR_MODE_PARAMETER && scope >= GR_SCOPE_ALL)
        return gr_yaml_fail(node, err, "use parameter, or name a region or tap", "'%s' has no %s weight", word,
                            gr_mode_name(mode));
    gr_routes_effect(r->routes, mode, (gr_scope)scope, NULL, weight);
    return GR_OK;
}

/* A map from scopes to weights, all in one mode. */
static gr_status read_weights(const reader *r, gr_yaml *map, const char *key, gr_mode mode, gr_error *err) {
    gr_yaml *weights;
    GR_TRY(gr_yaml_map(map, &weights, key, err));
    for (gr_yaml *c = weights ? gr_yaml_first(weights) : NULL; c; c = gr_yaml_next(c)) {
        double weight;
        GR_TRY(gr_yaml_as_real(c, &weight, -WEIGHT_MOST, WEIGHT_MOST, err));
        GR_TRY(scope_effect(r, c, c->key, mode, weight, err));
    }
    return GR_OK;
}

/* Lists of scopes with one parameter weight. */
static gr_status read_scopes(const reader *r, gr_yaml *map, const char *key, double weight, gr_error *err) {
    const char *const *names = NULL;
    int count = 0;
    GR_TRY(gr_yaml_texts(map, &names, &count, key, err));
    for (int i = 0; i < count; i++)
        GR_TRY(scope_effect(r, gr_yaml_find(map, key), names[i], GR_MODE_PARAMETER, weight, err));
    return GR_OK;
}

/* Short forms of effects: lists of scopes that are open or closed, what becomes of the rest, regions that are off. */
static gr_status read_shorthands(const reader *r, gr_yaml *map, gr_error *err) {
    static const char *const rests[] = {"closed", "open", NULL}, *const modes[] = {"forward", "activation", "parameter",
                                                                                   NULL};
    const char *const *names;
    int count, rest = -1, mode = -1;

    /* Weights 1 and 0 of parameters. `rest` is 0 or 1, which its two words are numbers of. */
    GR_TRY(read_scopes(r, map, "open", 1, err));
    GR_TRY(read_scopes(r, map, "closed", 0, err));
    GR_TRY(gr_yaml_choice(map, &rest, "rest", rests, err));
    if (rest >= 0)
        gr_routes_effect(r->routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, rest);

    /* Regions off by name, or all but these; an empty `only` switches all of them off. */
    GR_TRY(region_list(r, map, &names, &count, "without", err));
    gr_routes_without(r->routes, count, names);
    GR_TRY(region_list(r, map, &names, &count, "only", err));
    if (gr_yaml_find(map, "only"))
        gr_routes_only(r->routes, count, names);

    /* Any weights, in a mode that they say. */
    GR_TRY(gr_yaml_choice(map, &mode, "mode", modes, err));
    gr_yaml *weights = gr_yaml_find(map, "weights");
    if (!weights != (mode < 0))
        return gr_yaml_fail(map, err, "mode: parameter, weights: {biology: 0.3, rest: -0.75}",
                            "mode and weights go together");
    return weights ? read_weights(r, map, "weights", (gr_mode)mode, err) : GR_OK;
}

/* All that one option does, in the order of the keys here. */
static gr_status read_effects(const reader *r, gr_yaml *map, gr_error *err) {
    for (gr_mode mode = GR_MODE_FORWARD; mode <= GR_MODE_PARAMETER; mode++)
        GR_TRY(read_weights(r, map, gr_mode_name(mode), mode, err));
    GR_TRY(read_shorthands(r, map, err));

    /* What the option leaves to everybody, although it closes the rest. */
    gr_route *route = &r->routes->route[r->routes->count - 1];
    const char **names;
    int count;
    GR_TRY(read_joint(r, map, &route->option[route->options - 1].joint, &names, &count, err));
    for (int i = 0; i < count; i++)
        gr_routes_joint(r->routes, names[i]);
    return GR_OK;
}

/* ---- options and routes ---- */

/* A probability, or one that moves over the run: {from: 0.9, to: 0.3}; *to is below 0 where it stays. */
static gr_status read_chance(gr_yaml *map, double *chance, double *to, gr_error *err) {
    gr_yaml *node = gr_yaml_find(map, "chance");
    *to = -1;
    if (!node || node->kind != GR_YAML_MAP)
        return gr_yaml_real(map, chance, "chance", 0, 1, err);

    *chance = -1;
    GR_TRY(gr_yaml_real(node, chance, "from", 0, 1, err));
    GR_TRY(gr_yaml_real(node, to, "to", 0, 1, err));
    return *chance < 0 || *to < 0 ? gr_yaml_fail(node, err, "chance: {from: 0.9, to: 0.3}",
                                                 "a chance that moves has a beginning and an end")
                                  : GR_OK;
}

/* One option, or with one_of an option for each region: the effects are read once for each. */
static gr_status read_option(const reader *r, gr_yaml *map, gr_error *err) {
    double chance = 1, to;
    const char *const *names;
    int count;
    GR_TRY(read_chance(map, &chance, &to, err));
    GR_TRY(region_list(r, map, &names, &count, "one_of", err));

    /* Each of one_of switches on one region of the list and the others off; the option without one_of does no such
     * thing. */
    gr_route *route = &r->routes->route[r->routes->count - 1];
    int before = route->options;
    for (int on = 0; on < (count ? count : 1); on++) {
        gr_routes_option(r->routes, count ? chance / count : chance);
        if (to >= 0)
            gr_routes_move(r->routes, count ? to / count : to);
        for (int i = 0; i < count; i++)
            gr_routes_effect(r->routes, GR_MODE_FORWARD, GR_SCOPE_REGION, names[i], i == on);
        GR_TRY(read_effects(r, map, err));
    }

    if (!route->option[before].effects)
        return gr_yaml_fail(map, err, "for example open: [REGION], rest: closed", "the route says nothing to do");
    return GR_OK;
}

/* The options of a route: its list, or the route itself as the only one. */
static gr_status read_options(const reader *r, gr_yaml *node, gr_error *err) {
    gr_yaml *options;
    GR_TRY(gr_yaml_list(node, &options, "options", err));
    if (!options)
        return read_option(r, node, err);
    if (!options->count)
        return gr_yaml_fail(options, err, NULL, "the route has an empty list of options");

    for (gr_yaml *c = gr_yaml_first(options); c; c = gr_yaml_next(c)) {
        GR_TRY(gr_yaml_expect(c, GR_YAML_MAP, err));
        GR_TRY(read_option(r, c, err));
    }

    /* One draw takes at most one of them, so their chances are parts of 1; but for what rounding adds. */
    const gr_route *route = &r->routes->route[r->routes->count - 1];
    double sum = 0, to = 0;
    for (int i = 0; i < route->options; i++) {
        sum += route->option[i].chance;
        to += route->option[i].moves ? route->option[i].to : route->option[i].chance;
    }
    sum = fmax(sum, to);
    if (sum > 1 + 1e-9)
        return gr_yaml_fail(options, err, "at most one option is drawn: lower a chance",
                            "the chances of the options sum to %g, above 1", sum);
    return GR_OK;
}

static gr_status read_draw(gr_yaml *map, int *draw, gr_error *err) {
    static const char *const draws[] = {"token", "document", "sequence", "step", NULL};
    return gr_yaml_choice(map, draw, "draw", draws, err);
}

/* true, or how frequencies of tokens make the scores. */
static gr_status read_mix(gr_yaml *map, gr_route *route, gr_error *err) {
    gr_yaml *node = gr_yaml_find(map, "mix");
    gr_frequency *f = &route->frequency;
    if (!node || node->kind != GR_YAML_MAP)
        return gr_yaml_bool(map, &route->mix, "mix", err);

    /* By default as published (route.h). */
    route->mix = true;
    *f = (gr_frequency){true, 4, 1, 20};
    GR_TRY(gr_yaml_real(node, &f->bias, "bias", -100, 100, err));
    GR_TRY(gr_yaml_real(node, &f->forget, "smooth_forget", 1e-9, 1e9, err));
    return gr_yaml_real(node, &f->retain, "smooth_retain", 1e-9, 1e9, err);
}

/* A step, or a share of the run: "50%" is that from which on half of the steps are done. */
static gr_status read_step(const reader *r, gr_yaml *map, int64_t *step, const char *key, int64_t min, gr_error *err) {
    gr_yaml *node = gr_yaml_find(map, key);
    size_t length = node && node->kind == GR_YAML_SCALAR ? strlen(node->text) : 0;
    if (length < 2 || node->text[length - 1] != '%')
        return gr_yaml_count(map, step, key, min, INT64_MAX, err);

    /* What stands before the sign is a plain number. */
    char *number = gr_arena_strndup(r->recipe->arena, node->text, length - 1);
    double share = gr__yaml_is_number(number) ? gr__parse_real(number, NULL) : -1;
    if (!(share >= 0 && share <= 100))
        return gr_yaml_fail(node, err, "50% is half of the run", "%s is '%.40s', expected a step, or 0%% to 100%%", key,
                            node->text);
    *step = llround(share / 100 * (double)r->recipe->train.steps);
    return GR_OK;
}

/* Steps [from, until) of a route; what is not said is not written into the resolved recipe. */
static gr_status read_steps(const reader *r, gr_yaml *map, int64_t *from, int64_t *until, gr_error *err) {
    int64_t first = -1, end = 0;
    GR_TRY(read_step(r, map, &first, "from", 0, err));
    GR_TRY(read_step(r, map, &end, "until", 1, err));
    *from = first < 0 ? 0 : first;
    *until = end;
    if ((end > 0 || gr_yaml_find(map, "until")) && end <= *from)
        return gr_yaml_fail(gr_yaml_find(map, "until"), err, "until is the first step without the route",
                            "a route acts from step %lld until %lld: never", (long long)*from, (long long)end);
    return GR_OK;
}

/* The last route as it is stands for one of each region: it is on by the chance, and else off. */
static gr_status read_subset(const reader *r, gr_yaml *node, gr_error *err) {
    gr_route *last = &r->routes->route[r->routes->count - 1];
    gr_route whole = *last;
    const char *const *names;
    double chance = -1;
    int count;
    GR_TRY(gr_yaml_real(node, &chance, "subset", 0, 1, err));
    GR_TRY(region_list(r, node, &names, &count, "of", err));
    if (!gr_yaml_find(node, "of"))
        names = r->region, count = r->regions;
    if (!count)
        return gr_yaml_fail(node, err, "of: [REGION, ..]", "subset has no regions to choose from");
    if (whole.repeat || whole.mix)
        return gr_yaml_fail(node, err, "another route can say it", "subset with %s: it only switches regions off",
                            whole.repeat ? "repeat" : "mix");

    /* The one that was begun makes room for them; each has its labels, steps and place. */
    if (r->routes->count - 1 + count > GR_ROUTE_ROUTES_MAX)
        return gr_yaml_fail(node, err, "fewer regions in of",
                            "a route for each of %d regions, beside %d others: there "
                            "are at most %d",
                            count, r->routes->count - 1, GR_ROUTE_ROUTES_MAX);
    r->routes->count--;
    for (int i = 0; i < count; i++) {
        gr_routes_add(r->routes, whole.labels, whole.draw);
        gr_route *route = &r->routes->route[r->routes->count - 1];
        route->from = whole.from, route->until = whole.until, route->place = whole.place;
        gr_routes_option(r->routes, 1 - chance);
        gr_routes_without(r->routes, 1, &names[i]);
    }
    return GR_OK;
}

/* One route: which rows, when, and what happens to them. */
static gr_status read_route(const reader *r, gr_yaml *node, gr_error *err) {
    const char *const *names = NULL;
    uint64_t labels = 0;
    int count = 0, draw = GR_DRAW_SEQUENCE;
    char place[300];

    /* The labels that it matches, as bits. */
    GR_TRY(gr_yaml_expect(node, GR_YAML_MAP, err));
    GR_TRY(gr_yaml_texts(node, &names, &count, "label", err));
    for (int i = 0; i < count; i++)
        GR_TRY(label_bits(r, gr_yaml_find(node, "label"), names[i], &labels, err));
    if (!count)
        return gr_yaml_fail(node, err, "label: any for all rows", "the route names no label");
    if (labels == GR_LABELS_TOPICS && !r->routes->labels)
        return gr_yaml_fail(node, err, "add labels", "the route matches topics, and there are no labels");

    GR_TRY(read_draw(node, &draw, err));
    gr_routes_add(r->routes, labels, (gr_draw)draw);
    gr_route *route = &r->routes->route[r->routes->count - 1];

    /* Where it stands, for what router and linter say of it: a line, or the --set that it came from. */
    if (node->at.line)
        snprintf(place, sizeof place, "%s:%d:%d", node->at.source, node->at.line, node->at.column);
    else
        snprintf(place, sizeof place, "%s", node->at.source);
    route->place = gr_arena_strdup(r->routes->arena, place);

    /* How and when it acts, then its options. */
    GR_TRY(gr_yaml_bool(node, &route->repeat, "repeat", err));
    GR_TRY(read_mix(node, route, err));
    GR_TRY(read_steps(r, node, &route->from, &route->until, err));
    if (route->repeat && draw != GR_DRAW_SEQUENCE)
        return gr_yaml_fail(node, err, "leave out draw", "repeat shows whole sequences, drawn by sequence, not by %s",
                            gr_draw_name((gr_draw)draw));
    return gr_yaml_find(node, "subset") ? read_subset(r, node, err) : read_options(r, node, err);
}

/* ---- preset ---- */

/* A region for a label, or a list of them, which are on and open together. */
static gr_status preset_regions(const reader *r, gr_yaml *map, const char *const **region, gr_error *err) {
    gr_yaml *regions;
    GR_TRY(gr_yaml_map(map, &regions, "regions", err));
    for (gr_yaml *c = regions ? gr_yaml_first(regions) : NULL; c; c = gr_yaml_next(c)) {
        int label = 0;
        while (label < r->routes->labels && strcmp(r->routes->label[label], c->key) != 0)
            label++;
        if (label == r->routes->labels)
            return gr__recipe_unknown(c, "label", c->key, r->routes->label, r->routes->labels, err);

        const char *const *names;
        int count;
        GR_TRY(region_list(r, regions, &names, &count, c->key, err));
        if (!count)
            return gr_yaml_fail(c, err, "leave it out for the region named as the label", "label '%s' has no region",
                                c->key);

        /* The list outlives the tree's. */
        const char **list = gr_arena_alloc(r->recipe->arena, sizeof *list * ((size_t)count + 1));
        memcpy(list, names, sizeof *list * (size_t)count);
        region[label] = list;
    }
    return GR_OK;
}

/* A published method by its name, or a map of its name and settings, as routes in front of the others. */
static gr_status read_preset(const reader *r, gr_yaml *root, gr_error *err) {
    gr_yaml *node = gr_yaml_find(root, "preset");
    if (!node)
        return GR_OK;

    const char *name = NULL, *known[16], *const * region[GR_ROUTE_LABELS_MAX] = {NULL};
    if (node->kind == GR_YAML_SCALAR)
        GR_TRY(gr_yaml_as_text(node, &name, err));
    else
        GR_TRY(gr_yaml_expect(node, GR_YAML_MAP, err));
    if (!name)
        GR_TRY(gr_yaml_text(node, &name, "name", err));

    for (int i = 0; i < gr_presets() && i < 16; i++)
        known[i] = gr_preset_at(i)->name;
    const gr_preset *preset = gr_preset_find(name ? name : "");
    if (!preset)
        return gr__recipe_unknown(node, "preset", name ? name : "", known, gr_presets(), err);
    if (!r->routes->labels)
        return gr_yaml_fail(node, err, "add labels", "preset %s routes labelled rows, and there are no labels", name);

    /* What the preset leaves open: its own numbers, what stays joint, what shares a draw, which regions, and when. */
    gr_preset_def def = gr_preset_default(preset);
    def.region = region;
    int64_t from = 0, until = 0;
    if (node->kind == GR_YAML_MAP) {
        int draw = GR_DRAW_SEQUENCE;
        for (int i = 0; i < GR_PRESET_OPTIONS && preset->option[i].name; i++)
            GR_TRY(gr_yaml_real(node, &def.value[i], preset->option[i].name, preset->option[i].lo, preset->option[i].hi,
                                err));
        const char **names;
        GR_TRY(read_joint(r, node, &def.joint, &names, &def.joint_names, err));
        def.joint_name = names;
        GR_TRY(read_draw(node, &draw, err));
        def.draw = (gr_draw)draw;
        GR_TRY(preset_regions(r, node, region, err));
        GR_TRY(read_steps(r, node, &from, &until, err));
    }

    /* Labels that were not given a region have the one of their name. */
    for (int k = 0; k < r->routes->labels; k++)
        if (!region[k])
            GR_TRY(known_region(r, node, r->routes->label[k], err));
    r->recipe->preset = preset;
    GR_TRY(gr_preset_expand(r->routes, preset, &def, err));

    /* Steps are of the routes of labels: what the preset does with other rows holds all the time. */
    for (int i = 0; i < r->routes->count; i++)
        if (!(r->routes->route[i].labels & (GR_LABELS_CORE | GR_LABELS_UNLABELLED)))
            r->routes->route[i].from = from, r->routes->route[i].until = until;
    return GR_OK;
}

/* Labels and regions are known by now; the preset's routes come first, for a route's number is part of its draws. */
gr_status gr__recipe_read_routes(gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    const char **labels = gr_arena_alloc(recipe->arena, sizeof *labels * ((size_t)recipe->labels + 1));
    reader r = {.recipe = recipe, .regions = recipe->model.region_count};
    r.region = gr_arena_alloc(recipe->arena, sizeof *r.region * ((size_t)r.regions + 1));
    for (int k = 0; k < recipe->labels; k++)
        labels[k] = recipe->label[k].name;
    for (int i = 0; i < r.regions; i++)
        r.region[i] = recipe->model.regions[i].name;
    r.routes = recipe->routes = gr_routes_new(recipe->labels, labels);
    r.routes->steps = recipe->train.steps;

    GR_TRY(read_preset(&r, root, err));
    gr_yaml *list;
    GR_TRY(gr_yaml_list(root, &list, "routes", err));
    if (list && list->count + recipe->routes->count > GR_ROUTE_ROUTES_MAX)
        return gr_yaml_fail(list, err, NULL, "there are %d routes, expected at most %d",
                            list->count + recipe->routes->count, GR_ROUTE_ROUTES_MAX);
    for (gr_yaml *c = list ? gr_yaml_first(list) : NULL; c; c = gr_yaml_next(c))
        GR_TRY(read_route(&r, c, err));
    return GR_OK;
}
