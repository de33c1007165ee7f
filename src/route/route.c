/* Lists of routes: how they are built, the words that recipes use for their parts, and how they are written as YAML
 * that a recipe reads back. */
#include "gradroute/route.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/number.h"

/* Labels' names and those in effects live in the arena; lists of routes, options and effects grow by themselves. */
gr_routes *gr_routes_new(int labels, const char *const *names) {
    assert(labels >= 0 && labels <= GR_ROUTE_LABELS_MAX);
    gr_routes *routes = gr_alloc(sizeof *routes);
    routes->arena = gr_arena_new();
    routes->labels = labels;
    routes->label = gr_arena_alloc(routes->arena, sizeof *routes->label * (size_t)(labels + 1));
    for (int k = 0; k < labels; k++)
        routes->label[k] = gr_arena_strdup(routes->arena, names[k]);
    return routes;
}

void gr_routes_free(gr_routes *routes) {
    if (!routes)
        return;
    for (int r = 0; r < routes->count; r++) {
        for (int o = 0; o < routes->route[r].options; o++) {
            gr_free(routes->route[r].option[o].effect);
            gr_free(routes->route[r].option[o].joint_name);
        }
        gr_free(routes->route[r].option);
    }
    gr_free(routes->route);
    gr_arena_free(routes->arena);
    gr_free(routes);
}

/* ---- building ---- */

void gr_routes_add(gr_routes *routes, uint64_t labels, gr_draw draw) {
    GR_PUSH(routes->route, routes->count, routes->capacity) = (gr_route){.labels = labels, .draw = draw};
}

void gr_routes_option(gr_routes *routes, double chance) {
    gr_route *route = &routes->route[routes->count - 1];
    GR_PUSH(route->option, route->options, route->capacity) = (gr_option){.chance = chance};
}

void gr_routes_move(gr_routes *routes, double to) {
    gr_route *route = &routes->route[routes->count - 1];
    gr_option *option = &route->option[route->options - 1];
    option->moves = true;
    option->to = to;
}

/* An effect of the last option, all but its name still to be filled. */
static gr_effect *effect_add(gr_routes *routes, const char *name) {
    gr_route *route = &routes->route[routes->count - 1];
    gr_option *option = &route->option[route->options - 1];
    gr_effect *effect = &GR_PUSH(option->effect, option->effects, option->capacity);
    *effect = (gr_effect){.name = name ? gr_arena_strdup(routes->arena, name) : NULL};
    return effect;
}

void gr_routes_effect(gr_routes *routes, gr_mode mode, gr_scope scope, const char *name, double weight) {
    gr_effect *effect = effect_add(routes, name);
    effect->mode = mode, effect->scope = scope, effect->weight = weight;
}

void gr_routes_tap(gr_routes *routes, gr_mode mode, const char *pattern, int lo, int hi, double weight) {
    gr_effect *effect = effect_add(routes, pattern);
    effect->mode = mode, effect->scope = GR_SCOPE_TAP, effect->weight = weight;
    effect->lo = lo, effect->hi = hi;
}

void gr_routes_joint(gr_routes *routes, const char *pattern) {
    gr_route *route = &routes->route[routes->count - 1];
    gr_option *option = &route->option[route->options - 1];
    GR_PUSH(option->joint_name, option->joint_names, option->joint_room) = gr_arena_strdup(routes->arena, pattern);
}

void gr_routes_open(gr_routes *routes, int count, const char *const *regions) {
    for (int i = 0; i < count; i++)
        gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REGION, regions[i], 1);
}

void gr_routes_without(gr_routes *routes, int count, const char *const *regions) {
    for (int i = 0; i < count; i++)
        gr_routes_effect(routes, GR_MODE_FORWARD, GR_SCOPE_REGION, regions[i], 0);
}

void gr_routes_only(gr_routes *routes, int count, const char *const *regions) {
    for (int i = 0; i < count; i++)
        gr_routes_effect(routes, GR_MODE_FORWARD, GR_SCOPE_REGION, regions[i], 1);
    gr_routes_effect(routes, GR_MODE_FORWARD, GR_SCOPE_OTHERS, NULL, 0);
}

void gr_routes_subset(gr_routes *routes, uint64_t labels, gr_draw draw, double chance, int count,
                      const char *const *regions) {
    for (int i = 0; i < count && chance < 1; i++) {
        gr_routes_add(routes, labels, draw);
        gr_routes_option(routes, 1 - chance);
        gr_routes_without(routes, 1, &regions[i]);
    }
}

void gr_routes_one_of(gr_routes *routes, double chance, int count, const char *const *regions) {
    for (int on = 0; on < count; on++) {
        gr_routes_option(routes, chance / count);
        for (int i = 0; i < count; i++)
            gr_routes_effect(routes, GR_MODE_FORWARD, GR_SCOPE_REGION, regions[i], i == on);
    }
}

/* ---- words ---- */

/* In the order of their enums. */
static const char *const modes[] = {"forward", "activation", "parameter", NULL};
static const char *const draws[] = {"token", "document", "sequence", "step", NULL};
static const char *const kinds[] = {"weights", "embeddings", "norms", "biases", "out_biases", NULL};
static const char *const scopes[] = {
    [GR_SCOPE_REGION] = "",       [GR_SCOPE_OTHERS] = "others",         [GR_SCOPE_REST] = "rest",
    [GR_SCOPE_ALL] = "all",       [GR_SCOPE_EMBEDDINGS] = "embeddings", [GR_SCOPE_NORMS] = "norms",
    [GR_SCOPE_BIASES] = "biases", [GR_SCOPE_OUT_BIASES] = "out_biases", NULL};

/* The word's place in its list. REGION has no word of its own ("", which no word matches): it is written as its
 * name. */
static int find(const char *const *words, const char *word) {
    for (int i = 0; words[i]; i++)
        if (word[0] && strcmp(words[i], word) == 0)
            return i;
    return -1;
}

const char *gr_mode_name(gr_mode mode) { return modes[mode]; }
int gr_mode_find(const char *word) { return find(modes, word); }
const char *gr_draw_name(gr_draw draw) { return draws[draw]; }
int gr_draw_find(const char *word) { return find(draws, word); }
const char *gr_kind_name(gr_kind kind) { return kinds[kind]; }
int gr_kind_find(const char *word) { return find(kinds, word); }
int gr_scope_find(const char *word) { return find(scopes, word); }
const char *gr_scope_name(gr_scope scope) {
    return scope == GR_SCOPE_REGION || scope == GR_SCOPE_TAP ? NULL : scopes[scope];
}

/* ---- writing ---- */

/* The shortest decimal that reads back as the same number. */
static const char *number(char *text, size_t size, double value) {
    for (int digits = 6; digits <= 17; digits++) {
        gr__print(text, size, "%.*g", digits, value);
        if (gr__parse_real(text, NULL) == value)
            break;
    }
    return text;
}

/* In double quotes, with a backslash before quotes and backslashes. */
static void print_name(FILE *out, const char *name) {
    fputc('"', out);
    for (const char *c = name; *c; c++)
        fprintf(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
    fputc('"', out);
}

/* A bare word where YAML and this vocabulary would read nothing else into it. */
static void print_word(FILE *out, const char *name) {
    static const char *const reserved[] = {"yes", "no", "on", "off", "true", "false", "null", "y", "n", NULL};
    bool plain = (name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z');
    for (const char *c = name; *c; c++)
        plain = plain && ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                          *c == '_' || (*c == '-') || (*c == '.'));
    for (int i = 0; reserved[i]; i++)
        plain = plain && strcasecmp(name, reserved[i]) != 0;

    if (plain)
        fputs(name, out);
    else
        print_name(out, name);
}

/* "any", one label, or a list: [unlabelled, core, topics], where "topics" stands for all labels when there are
 * several. */
static void print_labels(FILE *out, const gr_routes *routes, uint64_t labels) {
    uint64_t topics = 0;
    for (int k = 1; k <= routes->labels; k++)
        topics |= gr_label_bit(k);

    uint64_t known = topics | GR_LABELS_CORE | GR_LABELS_UNLABELLED;
    if ((labels & known) == known) {
        fputs("any", out);
        return;
    }

    /* The words that together say the set. */
    const char *word[GR_ROUTE_LABELS_MAX + 2];
    int count = 0;
    if (labels & GR_LABELS_UNLABELLED)
        word[count++] = "unlabelled";
    if (labels & GR_LABELS_CORE)
        word[count++] = "core";
    if (routes->labels > 1 && (labels & topics) == topics)
        word[count++] = "topics";
    else
        for (int k = 1; k <= routes->labels; k++)
            if (labels & gr_label_bit(k))
                word[count++] = routes->label[k - 1];

    /* A single word needs no brackets. */
    if (count != 1)
        fputc('[', out);

    for (int i = 0; i < count; i++) {
        fputs(i ? ", " : "", out);
        print_word(out, word[i]);
    }
    if (count != 1)
        fputc(']', out);
}

/* "forward: {bio: 0, others: 1}"; a scope that occurs twice was said twice, and a map cannot: its weights multiply. */
static void print_effects(FILE *out, const gr_option *option, gr_mode mode, const char **comma) {
    char text[40];
    bool any = false;
    for (int e = 0; e < option->effects; e++) {
        const gr_effect *effect = &option->effect[e];

        /* The effects of this mode that say the same place: their product is written where the first stands. */
        double weight = 1;
        bool before = false;
        for (int f = 0; f < option->effects; f++) {
            const gr_effect *other = &option->effect[f];
            bool same =
                other->mode == mode && other->scope == effect->scope && other->lo == effect->lo &&
                other->hi == effect->hi &&
                (!other->name || !effect->name ? other->name == effect->name : strcmp(other->name, effect->name) == 0);
            before = before || (same && f < e);
            weight *= same ? other->weight : 1;
        }

        if (effect->mode != mode || before)
            continue;

        if (!any)
            fprintf(out, "%s%s: {", *comma, gr_mode_name(mode));
        fputs(any ? ", " : "", out);

        /* The place: a region by its name, a tap by its pattern and columns, anything else by its word. */
        if (effect->scope == GR_SCOPE_REGION) {
            print_word(out, effect->name);
        } else if (effect->scope == GR_SCOPE_TAP) {
            char *range = effect->hi   ? gr_format("tap:%s[%d:%d]", effect->name, effect->lo, effect->hi)
                          : effect->lo ? gr_format("tap:%s[%d:]", effect->name, effect->lo)
                                       : gr_format("tap:%s", effect->name);
            print_name(out, range);
            gr_free(range);
        } else {
            fputs(gr_scope_name(effect->scope), out);
        }

        fprintf(out, ": %s", number(text, sizeof text, weight));
        any = true;
    }
    if (any) {
        fputc('}', out);
        *comma = ", ";
    }
}

/* Kinds by their words, parameters by names in quotes. */
static void print_joint(FILE *out, const gr_option *option, const char *comma) {
    int some = 0;
    fprintf(out, "%sjoint: [", comma);
    for (int kind = 0; kind <= GR_KIND_OUT_BIAS; kind++)
        if (option->joint & 1u << kind)
            fprintf(out, "%s%s", some++ ? ", " : "", gr_kind_name((gr_kind)kind));
    for (size_t i = 0; i < option->joint_names; i++) {
        fputs(some++ ? ", " : "", out);
        print_name(out, option->joint_name[i]);
    }
    fputc(']', out);
}

/* "chance: 0.5, forward: {..}, parameter: {..}, joint: [..]"; what is as by default is left out. */
static void print_option(FILE *out, const gr_option *option, const char *comma) {
    char text[40], to[40];
    if (option->moves)
        fprintf(out, "%schance: {from: %s, to: %s}", comma, number(text, sizeof text, option->chance),
                number(to, sizeof to, option->to));
    else if (option->chance != 1)
        fprintf(out, "%schance: %s", comma, number(text, sizeof text, option->chance));
    comma = option->moves || option->chance != 1 ? ", " : comma;

    for (gr_mode mode = GR_MODE_FORWARD; mode <= GR_MODE_PARAMETER; mode++)
        print_effects(out, option, mode, &comma);
    if (option->joint || option->joint_names)
        print_joint(out, option, comma);
}

/* The weights by score: "mix: true", or how the scores are made. */
static void print_mix(FILE *out, const gr_route *route) {
    const gr_frequency *f = &route->frequency;
    char a[40], b[40], c[40];
    if (route->mix && f->on)
        fprintf(out, ", mix: {bias: %s, smooth_forget: %s, smooth_retain: %s}", number(a, sizeof a, f->bias),
                number(b, sizeof b, f->forget), number(c, sizeof c, f->retain));
    else
        fputs(route->mix ? ", mix: true" : "", out);
}

void gr_route_print(const gr_routes *routes, FILE *out, int indent) {
    for (int r = 0; r < routes->count; r++) {
        const gr_route *route = &routes->route[r];

        /* Whom the route is for, and how and when it is drawn. */
        fprintf(out, "%*s- {label: ", indent, "");
        print_labels(out, routes, route->labels);
        if (route->draw != GR_DRAW_SEQUENCE)
            fprintf(out, ", draw: %s", gr_draw_name(route->draw));
        fputs(route->repeat ? ", repeat: true" : "", out);
        print_mix(out, route);
        if (route->from > 0)
            fprintf(out, ", from: %lld", (long long)route->from);
        if (route->until > 0)
            fprintf(out, ", until: %lld", (long long)route->until);

        /* What it does: a single option inside the same braces, several as a list. */
        if (route->options == 1) {
            print_option(out, &route->option[0], ", ");
            fputs("}\n", out);
            continue;
        }

        fprintf(out, ",\n%*s   options: [", indent, "");
        for (int o = 0; o < route->options; o++) {
            fputs(o ? "," : "", out);
            if (o)
                fprintf(out, "\n%*s             ", indent, "");
            fputc('{', out);
            print_option(out, &route->option[o], "");
            fputc('}', out);
        }
        fputs("]}\n", out);
    }
}
