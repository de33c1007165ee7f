/* The router. It works in two stages.
 *
 * gr_router_new, once: lists every combination of options that rows of a label can draw, and multiplies the options'
 * weights on every target (targets.c cuts the network into targets). Combinations with equal weights everywhere are one
 * class. The weights of all classes become the tables that the engine reads (gr_tables).
 *
 * gr_router_show, in each step (show.c): draws an option for each route, and looks up the class of what was drawn
 * together.
 *
 * Words used here: a rule is a route as it is drawn; an outcome of a rule is one of its options, or "no effect". The
 * combinations of a label are numbered in mixed radix: each rule that matches the label is a digit, its outcome the
 * digit's value, so a combination's number is the sum of stride[r] * outcome[r], and outcome[r] is number / stride[r] %
 * outcomes. A phase is a stretch of steps in which the same rules act (a route may have `from` and `until`).
 *
 * For example route 0 matches core rows and draws "region off" with chance 0.1, route 1 matches core and labelled rows
 * and has one option, which is always drawn. Core rows then have 2 * 1 combinations: number 0 is (off, option), with
 * probability 0.1, number 1 is (no effect, option). Labelled rows have one. */
#include "gradroute/route.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/sort.h"
#include "route/internal.h"

/* While building: the weights of every option and class on every target. */
typedef struct builder {
    gr_router *router;
    const gr_routes *routes;
    gr__targets targets;
    double **option_w; /* [options of all routes, one route after the other][targets] */
    int *option_at;    /* [routes + 1] where a route's options begin in option_w */
    double **class_w;  /* [classes][targets] the classes found so far, all different */
    int classes;
    size_t class_capacity;
    double *w;    /* [targets] product of the options of the combination at hand */
    bool limited; /* nothing but the regions `alone` (bits) trains, and a class that trains none of them is none */
    uint64_t alone;
} builder;

/* ---- rules ---- */

/* What can be said against a route by itself. Errors name its place in the recipe. */
static gr_status route_check(const gr_model *model, const gr_routes *routes, int r, gr_error *err) {
    const gr_route *route = &routes->route[r];
    uint64_t known = gr_label_bit(routes->labels) | (gr_label_bit(routes->labels) - 1);
    double sum = 0, sum_to = 0;

    /* Whom it is for, and when. */
    if (!(route->labels & known))
        return gr_error_set(err, GR_ERR_USAGE, route->place, NULL, "route %d matches no label", r + 1);
    if (route->repeat && route->draw != GR_DRAW_SEQUENCE)
        return gr_error_set(err, GR_ERR_USAGE, route->place, "leave out draw, or write draw: sequence",
                            "route %d shows rows again, drawn by %s", r + 1, gr_draw_name(route->draw));
    if (route->from < 0 || (route->until != 0 && route->until <= route->from))
        return gr_error_set(err, GR_ERR_USAGE, route->place, "steps count from 0, and until is the first without it",
                            "route %d acts from step %lld until %lld: never", r + 1, (long long)route->from,
                            (long long)route->until);

    /* What it does: each option on its own, then all together, for one draw takes at most one of them. */
    if (!route->options)
        return gr_error_set(err, GR_ERR_USAGE, route->place, NULL, "route %d says nothing to do", r + 1);
    for (int o = 0; o < route->options; o++) {
        const gr_option *option = &route->option[o];
        double chance = option->chance, to = option->moves ? option->to : chance;
        if (!(chance >= 0 && chance <= 1 && to >= 0 && to <= 1))
            return gr_error_set(err, GR_ERR_USAGE, route->place, "a chance is a probability, 0 to 1",
                                "route %d has an option of chance %g", r + 1, chance >= 0 && chance <= 1 ? to : chance);
        if (option->moves && routes->steps < 1)
            return gr_error_set(err, GR_ERR_USAGE, route->place, "say how many steps there are (gr_routes.steps)",
                                "route %d has a chance that moves over a run of unknown length", r + 1);
        sum += chance;
        sum_to += to;
        GR_TRY(gr__option_check(model, route, &route->option[o], err));
    }
    sum = sum > sum_to ? sum : sum_to;
    if (sum > 1 + 1e-9)
        return gr_error_set(err, GR_ERR_USAGE, route->place,
                            "the options of a route exclude each other: lower a chance",
                            "the chances of route %d sum to %g, above 1", r + 1, sum);
    return GR_OK;
}

/* A route made ready for drawing: its options on the line from 0 to 1, each with the upper edge of its interval.
 * Options that are never drawn get no outcome, so they make no class. */
static void rule_new(gr__drawn_rule *rule, gr_arena *arena, const gr_route *route, int64_t steps) {
    size_t room = (size_t)route->options + 1;
    bool moves = false;
    for (int o = 0; o < route->options; o++)
        moves = moves || route->option[o].moves;
    *rule = (gr__drawn_rule){.labels = route->labels,
                             .draw = route->draw,
                             .repeat = route->repeat,
                             .mix = route->mix,
                             .from = route->from,
                             .until = route->until > 0 ? route->until : INT64_MAX};
    rule->option = gr_arena_alloc(arena, room * sizeof *rule->option);
    rule->edge = gr_arena_alloc(arena, room * sizeof *rule->edge);
    double *ends = gr_arena_alloc(arena, room * sizeof *ends);
    rule->to = moves ? ends : NULL;
    rule->last = (rule->until < steps ? rule->until : steps) - 1;

    /* Each option takes an interval as long as its chance, from where the one before ended. */
    double edge = 0, end = 0;
    for (int o = 0; o < route->options; o++) {
        const gr_option *option = &route->option[o];
        double to = option->moves ? option->to : option->chance;
        if (option->chance <= 0 && to <= 0)
            continue;
        edge += option->chance;
        end += to;
        ends[rule->outcomes] = end;
        rule->option[rule->outcomes] = o;
        rule->edge[rule->outcomes++] = edge;
    }

    /* What the chances leave over is the outcome "no effect". The last edge is set to 1, because a sum of chances may
     * end a rounding error below it. */
    if (edge < 1 - 1e-9 || end < 1 - 1e-9) {
        rule->option[rule->outcomes] = GR_NONE;
        rule->edge[rule->outcomes++] = 1;
    }
    rule->edge[rule->outcomes - 1] = ends[rule->outcomes - 1] = 1;
}

/* ---- classes ---- */

/* Whether the weights leave anything of the regions `alone` to train: open, and of no region that is off. */
static bool trains(const builder *b) {
    uint64_t off = 0;
    for (int i = 0; i < b->targets.count; i++)
        if (b->targets.target[i].gate != GR_NONE && b->w[i] == 0)
            off |= b->targets.target[i].owners;
    for (int i = 0; i < b->targets.count; i++) {
        const gr__target *t = &b->targets.target[i];
        if (t->mode == GR_MODE_PARAMETER && t->owners & b->alone && !(t->owners & off) && b->w[i] != 0)
            return true;
    }
    return false;
}

/* The class with these weights, made if it is new; GR_NONE: rows like these are left out. */
static int class_for(builder *b) {
    if (b->limited && !trains(b))
        return GR_NONE;
    size_t bytes = sizeof *b->w * (size_t)b->targets.count;
    for (int c = 0; c < b->classes; c++) {
        bool same = true;
        for (int i = 0; i < b->targets.count && same; i++)
            same = b->class_w[c][i] == b->w[i];
        if (same)
            return c;
    }
    double *w = gr_alloc(bytes + 1);
    memcpy(w, b->w, bytes);
    GR_PUSH(b->class_w, b->classes, b->class_capacity) = w;
    return b->classes - 1;
}

/* A combination's weights are a product: it begins with 1 on every target that may train .. */
static void begin_product(builder *b) {
    for (int i = 0; i < b->targets.count; i++) {
        const gr__target *t = &b->targets.target[i];
        b->w[i] = b->limited && t->mode == GR_MODE_PARAMETER && !(t->owners & b->alone) ? 0 : 1;
    }
}

/* .. and is multiplied by those of each option that was drawn. */
static void multiply_by_option(builder *b, int r, int option) {
    if (option == GR_NONE)
        return;
    const double *option_w = b->option_w[b->option_at[r] + option];
    for (int i = 0; i < b->targets.count; i++)
        b->w[i] *= option_w[i];
}

static const char *rows_of(const gr_routes *routes, int label) {
    return label < 0 ? "unlabelled rows" : label ? routes->label[label - 1] : "core rows";
}

/* The label that rows of this label are treated as in this step: their own, or -1 (unlabelled). A route tells the
 * label's rows from unlabelled ones if it matches the one and not the other. While such a route acts, the label is
 * known. When the label has such routes and none of them acts, it is not known yet, or no longer, and its rows pass for
 * unlabelled. A label without such routes stays what it is. */
static int label_shown(const gr_router *router, int label, int64_t step) {
    bool waits = false;
    for (int r = 0; r < router->rules; r++) {
        const gr__drawn_rule *rule = &router->rule[r];
        if (!gr__rule_matches(rule, label) || gr__rule_matches(rule, -1))
            continue;
        if (gr__rule_acts(rule, step))
            return label;
        waits = true;
    }
    return waits ? -1 : label;
}

/* Numbers the combinations of each label in one phase: gives each rule that matches its stride, and counts them. Labels
 * that are treated as unlabelled have the combinations of those. Rules with `repeat` are no part of it: they make
 * copies (see below). */
static gr_status count_combined(gr_router *router, gr__phase *phase, const gr_routes *routes, gr_error *err) {
    int64_t total = 0;
    for (int label = -1; label <= router->labels; label++) {
        int *stride = phase->stride + (size_t)(label + 1) * (size_t)router->rules;
        int64_t combined = 1;
        phase->shown[label + 1] = label_shown(router, label, phase->from);

        /* Each rule that acts and matches becomes the next digit. The strides of the others stay 0. */
        for (int r = 0; r < router->rules; r++) {
            if (router->rule[r].repeat || !gr__rule_acts(&router->rule[r], phase->from) ||
                !gr__rule_matches(&router->rule[r], phase->shown[label + 1]))
                continue;
            stride[r] = (int)combined;
            combined *= router->rule[r].outcomes;
            if (combined + total > GR_ROUTE_COMBINED_MAX)
                return gr_error_set(err, GR_ERR_USAGE, routes->route[r].place,
                                    "make options of one route out of routes that exclude each other, or draw less",
                                    "the routes that match %s can be drawn in more than %d combinations",
                                    rows_of(routes, label), GR_ROUTE_COMBINED_MAX);
        }

        phase->combined[label + 1] = (int)combined;
        total += combined;
    }
    return GR_OK;
}

/* Finds the class of each combination of a label in a phase. */
static void find_combined_classes(builder *b, gr__phase *phase, int label) {
    gr_router *router = b->router;
    const int *stride = phase->stride + (size_t)(label + 1) * (size_t)router->rules;
    int count = phase->combined[label + 1];
    int *class_of = gr_arena_alloc(router->arena, sizeof *class_of * (size_t)count);

    /* The outcome of rule r is digit r of the combination's number. */
    for (int i = 0; i < count; i++) {
        begin_product(b);
        for (int r = 0; r < router->rules; r++)
            if (stride[r])
                multiply_by_option(b, r, router->rule[r].option[i / stride[r] % router->rule[r].outcomes]);
        class_of[i] = class_for(b);
    }

    phase->class_of[label + 1] = class_of;
}

/* Makes the phases, empty: one begins at step 0 and wherever a route begins or ends to act. */
static void phases_new(gr_router *router) {
    size_t labels = (size_t)router->labels + 2, rules = (size_t)router->rules + 1;

    /* The steps at which anything changes; step[0] is 0. */
    int64_t *step = gr_alloc((2 * rules + 1) * sizeof *step);
    int count = 1;
    for (int r = 0; r < router->rules; r++) {
        step[count++] = router->rule[r].from;
        if (router->rule[r].until < INT64_MAX)
            step[count++] = router->rule[r].until;
    }

    /* Sorted, each step once. */
    qsort(step, (size_t)count, sizeof *step, gr__ascending_int64);
    router->phase = gr_arena_alloc(router->arena, sizeof *router->phase * (size_t)count);
    for (int i = 0; i < count; i++) {
        if (i && step[i] == step[i - 1])
            continue;
        gr__phase *phase = &router->phase[router->phases++];
        phase->from = step[i];
        phase->shown = gr_arena_alloc(router->arena, sizeof *phase->shown * labels);
        phase->stride = gr_arena_alloc(router->arena, sizeof *phase->stride * labels * rules);
        phase->combined = gr_arena_alloc(router->arena, sizeof *phase->combined * labels);
        phase->class_of = gr_arena_alloc(router->arena, sizeof *phase->class_of * labels);
    }
    gr_free(step);
}

/* Classes of second showings. A copy follows one option of one `repeat` route alone, so its weights are those of that
 * option and combine with nothing. "No effect" means no copy. */
static void find_copy_classes(builder *b) {
    gr_router *router = b->router;
    size_t room = (size_t)router->rules + 1;
    router->copy = gr_arena_alloc(router->arena, sizeof *router->copy * room);
    router->copy_class = gr_arena_alloc(router->arena, sizeof *router->copy_class * room);
    for (int r = 0; r < router->rules; r++) {
        const gr__drawn_rule *rule = &router->rule[r];
        if (!rule->repeat)
            continue;

        /* The class of each outcome. */
        int *cls = gr_arena_alloc(router->arena, sizeof *cls * (size_t)rule->outcomes);
        for (int o = 0; o < rule->outcomes; o++) {
            begin_product(b);
            multiply_by_option(b, r, rule->option[o]);
            cls[o] = rule->option[o] == GR_NONE ? GR_NONE : class_for(b);
        }

        router->copy[router->copies] = r;
        router->copy_class[router->copies++] = cls;
    }
}

/* Hands the classes' weights to the engine: for each target one weight per class. A target whose weight is 1 in every
 * class is left out, so that it cuts no parameter into slices. */
static void make_tables(builder *b, const gr_model *model) {
    gr_router *router = b->router;
    double *w = gr_alloc(sizeof *w * (size_t)b->classes);
    router->classes = b->classes;
    router->regions = gr_model_regions(model);
    router->forward =
        gr_arena_alloc(router->arena, sizeof *router->forward * (size_t)(b->classes * router->regions + 1));

    router->tables = gr_tables_new(model, b->classes);
    for (int i = 0; i < b->targets.count; i++) {
        const gr__target *t = &b->targets.target[i];

        /* w[c]: the weight of this target in class c. */
        bool plain = true;
        for (int c = 0; c < b->classes; c++) {
            w[c] = b->class_w[c][i];
            plain = plain && w[c] == 1;
            if (t->gate != GR_NONE)
                router->forward[c * router->regions + t->gate] = w[c];
        }

        if (plain)
            continue;

        /* Each kind of target has its own table. A region's gates go through gr_tables_gate, which closes the region's
         * parameters as well. */
        if (t->mode == GR_MODE_PARAMETER)
            gr_tables_param(router->tables, t->rect, w);
        else if (t->gate != GR_NONE)
            gr_tables_gate(router->tables, t->gate, w);
        else if (t->mode == GR_MODE_FORWARD)
            gr_tables_forward(router->tables, t->tap, t->rect.lo1, t->rect.hi1, w);
        else
            gr_tables_activation(router->tables, t->tap, t->rect.lo1, t->rect.hi1, w);
    }
    gr_tables_finish(router->tables);
    gr_free(w);
}

/* Weighs every option of every route on all targets, once: combinations multiply these. */
static void weigh_options(builder *b, const gr_model *model) {
    /* Room: a vector of weights for each option. */
    int options = 0;
    for (int r = 0; r < b->routes->count; r++)
        options += b->routes->route[r].options;

    size_t bytes = sizeof(double) * (size_t)(b->targets.count + 1);
    b->w = gr_alloc(bytes);
    b->option_w = gr_alloc(sizeof *b->option_w * (size_t)(options + 1));
    b->option_at = gr_alloc(sizeof *b->option_at * (size_t)(b->routes->count + 1));

    /* Option o of route r is number option_at[r] + o. */
    for (int r = 0, at = 0; r < b->routes->count; r++) {
        b->option_at[r] = at;
        for (int o = 0; o < b->routes->route[r].options; o++, at++) {
            b->option_w[at] = gr_alloc(bytes);
            gr__targets_weigh(b->option_w[at], &b->targets, model, &b->routes->route[r].option[o]);
        }
        b->option_at[r + 1] = at;
    }
}

/* Weights of options and classes; the tables have their own copies by now. */
static void builder_free(builder *b) {
    for (int i = 0; i < b->option_at[b->routes->count]; i++)
        gr_free(b->option_w[i]);
    for (int c = 0; c < b->classes; c++)
        gr_free(b->class_w[c]);
    gr_free(b->option_w);
    gr_free(b->option_at);
    gr_free(b->class_w);
    gr_free(b->w);
    gr_free(b->targets.target);
}

/* ---- new ---- */

/* A row has one score, and its class one set of weights: so of the routes that match a label either all mix by the
 * score, or none. */
static gr_status check_mix(const gr_routes *routes, gr_error *err) {
    for (int label = -1; label <= routes->labels; label++) {
        int mixing = -1; /* whether the label's routes so far mix; -1: there were none */
        for (int r = 0; r < routes->count; r++) {
            const gr_route *route = &routes->route[r];
            if (!(route->labels & gr_label_bit(label)))
                continue;
            if (mixing >= 0 && mixing != route->mix)
                return gr_error_set(err, GR_ERR_USAGE, route->place, "give mix to all routes of the label or to none",
                                    "route %d and an earlier one match %s, and only one of them mixes by score", r + 1,
                                    rows_of(routes, label));
            mixing = route->mix;
        }
    }
    return GR_OK;
}

/* Checks the routes and compiles them; after an error the router is only good to be freed. alone NULL: no limit. */
static gr_status router_fill(gr_router *router, const gr_model *model, const gr_routes *routes, const uint64_t *alone,
                             gr_error *err) {
    /* Refuse what cannot be meant. (Sets of regions are 64 bits.) */
    if (routes->count > GR_ROUTE_ROUTES_MAX || gr_model_regions(model) > 64)
        return gr_error_set(err, GR_ERR_USAGE, "routes", NULL, "%d routes and %d regions; there can be %d and 64",
                            routes->count, gr_model_regions(model), GR_ROUTE_ROUTES_MAX);
    for (int r = 0; r < routes->count; r++)
        GR_TRY(route_check(model, routes, r, err));
    GR_TRY(check_mix(routes, err));

    /* What is drawn, and how many combinations that gives in each phase of the run. */
    router->labels = routes->labels;
    router->steps = routes->steps;
    router->rules = routes->count;
    router->rule = gr_arena_alloc(router->arena, sizeof *router->rule * ((size_t)routes->count + 1));
    for (int r = 0; r < routes->count; r++)
        rule_new(&router->rule[r], router->arena, &routes->route[r], routes->steps);
    phases_new(router);
    for (int i = 0; i < router->phases; i++)
        GR_TRY(count_combined(router, &router->phase[i], routes, err));

    /* The class of each combination and of each copy. */
    builder b = {.router = router, .routes = routes, .limited = alone != NULL, .alone = alone ? *alone : 0};
    gr__targets_new(&b.targets, model, routes);
    weigh_options(&b, model);
    for (int i = 0; i < router->phases; i++)
        for (int label = -1; label <= router->labels; label++)
            find_combined_classes(&b, &router->phase[i], label);
    find_copy_classes(&b);

    /* Their weights as tables of the engine. */
    gr_status status = GR_OK;
    if (b.classes <= GR_ROUTE_CLASSES_MAX)
        make_tables(&b, model);
    else
        status = gr_error_set(err, GR_ERR_USAGE, "routes", "draw less, or share draws between labels",
                              "the routes make %d classes of rows; there can be %d", b.classes, GR_ROUTE_CLASSES_MAX);
    builder_free(&b);
    return status;
}

static gr_status router_new(gr_router **router, const gr_model *model, const gr_routes *routes, const uint64_t *alone,
                            uint64_t seed, gr_error *err) {
    gr_router *fresh = gr_alloc(sizeof *fresh);
    fresh->arena = gr_arena_new();
    fresh->seed = seed;
    gr_status status = router_fill(fresh, model, routes, alone, err);
    if (status != GR_OK) {
        gr_router_free(fresh);
        fresh = NULL;
    }
    *router = fresh;
    return status;
}

gr_status gr_router_new(gr_router **router, const gr_model *model, const gr_routes *routes, uint64_t seed,
                        gr_error *err) {
    return router_new(router, model, routes, NULL, seed, err);
}

gr_status gr_router_new_alone(gr_router **router, const gr_model *model, const gr_routes *routes,
                              const char *const *regions, int count, uint64_t seed, gr_error *err) {
    uint64_t alone = 0;
    *router = NULL;
    for (int i = 0; i < count; i++) {
        const int r = gr_model_find_region(model, regions[i]);
        if (r < 0 || r >= 64)
            return gr_error_set(err, GR_ERR_USAGE, "routes", NULL, "there is no region '%s'", regions[i]);
        alone |= (uint64_t)1 << r;
    }

    /* A row whose score is below 1 would open a part of what its class closes. */
    for (int r = 0; r < routes->count; r++)
        if (routes->route[r].mix)
            return gr_error_set(err, GR_ERR_USAGE, routes->route[r].place, "take routes without mix",
                                "route %d mixes by a score, which cannot keep the rest of the network closed", r + 1);
    return router_new(router, model, routes, &alone, seed, err);
}

void gr_router_free(gr_router *router) {
    if (!router)
        return;
    gr_tables_free(router->tables);
    gr_arena_free(router->arena);
    gr_free(router);
}

const gr_tables *gr_router_tables(const gr_router *router) { return router->tables; }
int gr_router_classes(const gr_router *router) { return router->classes; }
int gr_router_copies(const gr_router *router) { return router->copies; }

double gr_router_forward(const gr_router *router, int region, int cls) {
    return router->forward[cls * router->regions + region];
}

int gr_router_phases(const gr_router *router) { return router->phases; }
int64_t gr_router_phase(const gr_router *router, int i) { return router->phase[i].from; }
double gr_router_chance(const gr_router *router, int label, int cls) {
    return gr_router_chance_at(router, label, cls, 0);
}

double gr_router_chance_at(const gr_router *router, int label, int cls, int64_t step) {
    const gr__phase *phase = gr__phase_at(router, step);
    const int *stride = phase->stride + (size_t)(label + 1) * (size_t)router->rules;

    /* Sums the probabilities of the label's combinations that are of this class. Rules draw independently, so that of a
     * combination is the product of its outcomes' probabilities. */
    double sum = 0;
    for (int i = 0; i < phase->combined[label + 1]; i++) {
        double chance = 1;
        for (int r = 0; r < router->rules; r++)
            if (stride[r])
                chance *= gr__rule_chance(&router->rule[r], i / stride[r] % router->rule[r].outcomes, step);
        sum += phase->class_of[label + 1][i] == cls ? chance : 0;
    }
    return sum;
}

int64_t gr_router_moves(const gr_router *router) {
    int64_t last = 0;
    for (int r = 0; r < router->rules; r++)
        if (router->rule[r].to && router->rule[r].last > last)
            last = router->rule[r].last;
    return last;
}

double gr_router_repeat_chance(const gr_router *router, int which) {
    const gr__drawn_rule *rule = &router->rule[router->copy[which]];

    /* All but the probability of "no effect", which is the last outcome if there is one. */
    int last = rule->outcomes - 1;
    double none = (gr__rule_chance(rule, last, rule->from) + gr__rule_chance(rule, last, rule->last)) / 2;
    return 1 - (rule->option[last] == GR_NONE ? none : 0);
}
