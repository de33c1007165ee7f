/* The linter: what routes say that is probably not meant.
 *
 * Each check looks for one kind of mistake and adds a finding that says what is wrong and what to do. Checks of this
 * file read the routes as they were written; those of lint_region.c read what they were compiled into. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "route/lint.h"

/* ---- findings ---- */

void gr_finding_add(gr_findings *findings, gr_level level, const char *hint, const char *format, ...) {
    char text[640];
    va_list list;
    va_start(list, format);
    gr__vprint(text, sizeof text, format, list);
    va_end(list);
    for (int i = 0; i < findings->count; i++)
        if (strcmp(findings->finding[i].text, text) == 0)
            return;
    GR_PUSH(findings->finding, findings->count, findings->capacity) =
        (gr_finding){level, gr_strdup(text), gr_strdup(hint)};
}

int gr_findings_count(const gr_findings *findings, gr_level level) {
    int count = 0;
    for (int i = 0; i < findings->count; i++)
        count += findings->finding[i].level >= level;
    return count;
}

const char *gr_level_name(gr_level level) {
    static const char *const names[] = {"note", "warning", "error"};
    return names[level];
}

void gr_findings_free(gr_findings *findings) {
    for (int i = 0; i < findings->count; i++) {
        gr_free(findings->finding[i].text);
        gr_free(findings->finding[i].hint);
    }
    gr_free(findings->finding);
    *findings = (gr_findings){0};
}

/* ---- labels and data ---- */

/* Whether any document has a label that the route matches; core and unlabelled rows there always may be. */
static bool is_reached(const gr_routes *routes, int route, const size_t *documents) {
    uint64_t labels = routes->route[route].labels;
    bool reached = labels & (GR_LABELS_UNLABELLED | GR_LABELS_CORE);
    for (int k = 1; k <= routes->labels; k++)
        reached = reached || (labels & gr_label_bit(k) && documents[1 + k]);
    return reached;
}

int gr_routes_unreached(const gr_routes *routes, const size_t *documents) {
    for (int r = 0; r < routes->count; r++)
        if (!is_reached(routes, r, documents))
            return r;
    return -1;
}

/* Labels that no route uses, that never occur, or seldom. */
static void check_labels(const gr__lint *l) {
    enum { FEW = 64 }; /* documents */

    for (int k = 1; k <= l->routes->labels; k++) {
        const char *name = l->routes->label[k - 1];

        /* A label without a route does nothing. */
        bool routed = false, idle = false; /* idle: some route of it has nothing to act on */
        for (int r = 0; r < l->routes->count; r++)
            if (l->routes->route[r].labels & gr_label_bit(k)) {
                routed = true;
                idle = idle || (l->documents && !is_reached(l->routes, r, l->documents));
            }
        if (!routed)
            gr_finding_add(l->findings, GR_LEVEL_WARNING, "add a route for it, or drop the label",
                           "no route matches label '%s': its rows train everything, as if unlabelled", name);

        /* A label without examples teaches nothing. */
        if (!l->documents)
            continue;
        size_t count = l->documents[1 + k];
        if (count == 0)
            gr_finding_add(l->findings, idle ? GR_LEVEL_ERROR : GR_LEVEL_NOTE,
                           "check the label's topics and its share of known labels",
                           "label '%s' never occurs in the data that are trained on%s", name,
                           idle ? "" : ": its losses are measured, and no route has need of it");
        else if (count < FEW)
            gr_finding_add(l->findings, GR_LEVEL_WARNING,
                           "a region needs examples to take the topic up, and validation needs some too",
                           "only %zu %s labelled '%s'", count,
                           gr__plural((int64_t)count, "document is", "documents are"), name);
    }
}

/* ---- single options ---- */

/* Whether some embedding of the core, its output matrix included, stays joint. */
static bool leaves_embeddings(const gr_model *model, const gr_option *option) {
    for (int p = 0; p < gr_model_params(model); p++)
        if (gr_model_param(model, p)->kind == GR_KIND_EMBEDDING && gr__option_joint(model, option, p))
            return true;
    return false;
}

/* One option by itself: effects that undo each other, leak, or have no bound. */
static void check_option(const gr__lint *l, int r, const gr_option *option) {
    const gr_routes *routes = l->routes;
    uint64_t off = 0, open = 0;
    const bool joint_embeddings = leaves_embeddings(l->model, option);
    bool closes_embeddings = false, activation_zero = false, closes_parameters = false;

    /* What the effects do together: regions that are off and open, what is closed. */
    for (int e = 0; e < option->effects; e++) {
        const gr_effect *effect = &option->effect[e];
        uint64_t bit =
            effect->scope == GR_SCOPE_REGION ? (uint64_t)1 << gr_model_find_region(l->model, effect->name) : 0;
        if (effect->mode == GR_MODE_FORWARD && effect->weight == 0)
            off |= bit;
        if (effect->mode == GR_MODE_PARAMETER && effect->weight != 0)
            open |= bit;
        if (effect->mode == GR_MODE_PARAMETER && effect->weight < 0)
            gr_finding_add(l->findings, GR_LEVEL_WARNING, "keep it small, clip, and watch the loss",
                           "route %d gives parameters the weight %g: ascent on the loss, which has no bound", r + 1,
                           effect->weight);

        /* "rest: closed" and "all: closed" close the embeddings too, unless these are left joint: that is allowed, and
         * leaks. */
        bool rest = effect->mode == GR_MODE_PARAMETER && effect->weight == 0 &&
                    (effect->scope == GR_SCOPE_REST || effect->scope == GR_SCOPE_ALL);
        closes_parameters = closes_parameters || (effect->mode == GR_MODE_PARAMETER && effect->weight == 0);
        closes_embeddings =
            closes_embeddings || (rest && !joint_embeddings) ||
            (effect->mode == GR_MODE_PARAMETER && effect->scope == GR_SCOPE_EMBEDDINGS && effect->weight == 0);
        activation_zero = activation_zero || (effect->mode == GR_MODE_ACTIVATION && effect->weight == 0);
        if (rest && joint_embeddings)
            gr_finding_add(l->findings, GR_LEVEL_NOTE,
                           "close them and give the region a residual group of its own, or accept it",
                           "route %d leaves the embeddings joint: forget text moves the core's embedding (and a tied "
                           "output matrix), which leaks and costs retain loss",
                           r + 1);
    }

    /* Effects that contradict each other, or do less than they seem to. */
    for (int i = 0; i < gr_model_regions(l->model); i++)
        if (off & open & (uint64_t)1 << i)
            gr_finding_add(l->findings, GR_LEVEL_ERROR, "a region that is off for a row cannot learn from it",
                           "route %d opens region '%s' and runs without it in the same option", r + 1,
                           gr_model_region(l->model, i)->name);
    if (activation_zero && !closes_parameters)
        gr_finding_add(l->findings, GR_LEVEL_NOTE, "mode parameter closes weights themselves",
                       "route %d blocks gradients at a value: the weights that read this value (an MLP's output "
                       "matrix) still train on these rows",
                       r + 1);

    /* The words of a topic need a place: embeddings of the core or of an open region. */
    bool group = false;
    for (int i = 0; i < gr_model_regions(l->model); i++) {
        const gr_region *region = gr_model_region(l->model, i);
        for (int p = 0; p < region->rects; p++)
            group =
                group || (open >> i & 1 && gr_model_param(l->model, region->rect[p].param)->kind == GR_KIND_EMBEDDING);
    }
    if (closes_embeddings && !group && open && routes->route[r].labels & GR_LABELS_TOPICS)
        gr_finding_add(l->findings, GR_LEVEL_NOTE,
                       "give the region residual dimensions (residual: {add: 64}), or joint: [embeddings]",
                       "route %d closes the embeddings (tied ones are the output matrix too), and the region it opens "
                       "has none of its own: it has nowhere to put the topic's words",
                       r + 1);
}

/* An effect on the rest of taps that the named regions have to themselves: no other column is there to be weighed. */
static bool acts_nowhere(const gr__lint *l, const gr_option *option, const gr_effect *effect) {
    if (effect->mode == GR_MODE_PARAMETER || effect->scope != GR_SCOPE_REST || effect->weight == 1)
        return false;

    /* Weigh all targets with the option as it is, and with this effect's weight set to 1, which does nothing. */
    gr__targets targets;
    gr__targets_new(&targets, l->model, l->routes);
    double *w = gr_alloc((size_t)(targets.count + 1) * sizeof *w);
    double *without = gr_alloc((size_t)(targets.count + 1) * sizeof *without);
    gr__targets_weigh(w, &targets, l->model, option);
    gr_option one = *option;
    one.effect = gr_alloc((size_t)option->effects * sizeof *one.effect);
    memcpy(one.effect, option->effect, (size_t)option->effects * sizeof *one.effect);
    one.effect[effect - option->effect].weight = 1;
    gr__targets_weigh(without, &targets, l->model, &one);

    /* Nothing differs: the effect acts nowhere. */
    bool nowhere = true;
    for (int i = 0; i < targets.count; i++)
        nowhere = nowhere && w[i] == without[i];

    gr_free(one.effect);
    gr_free(w);
    gr_free(without);
    gr_free(targets.target);
    return nowhere;
}

/* Regions that an option switches off, as bits. */
static uint64_t switched_off(const gr__lint *l, const gr_option *option) {
    uint64_t off = 0, named = gr__option_named(l->model, option, GR_MODE_FORWARD);
    int regions = gr_model_regions(l->model);
    for (int e = 0; e < option->effects; e++) {
        const gr_effect *effect = &option->effect[e];
        if (effect->mode != GR_MODE_FORWARD || effect->weight != 0)
            continue;
        for (int i = 0; i < regions; i++)
            if ((effect->scope == GR_SCOPE_REGION && gr_model_find_region(l->model, effect->name) == i) ||
                (effect->scope == GR_SCOPE_OTHERS && !(named >> i & 1)))
                off |= (uint64_t)1 << i;
    }
    return off;
}

/* Regions of whole parameters have no units: switched off, they are closed and no more. */
static void check_off(const gr__lint *l, int r, const gr_option *option) {
    uint64_t off = switched_off(l, option);
    for (int i = 0; i < gr_model_regions(l->model); i++) {
        const gr_region *region = gr_model_region(l->model, i);
        if (off >> i & 1 && region->gates == 0)
            gr_finding_add(l->findings, GR_LEVEL_NOTE, "closed: [REGION] says the same; a region with units can be off",
                           "route %d runs without region '%s', which has no units to switch off: its parameters are "
                           "closed, and their values stay in use",
                           r + 1, region->name);
    }
}

/* Effects on taps that let weights move which nobody reads, or that weigh nothing. */
static void check_taps(const gr__lint *l, int r, const gr_option *option) {
    for (int e = 0; e < option->effects; e++) {
        const gr_effect *effect = &option->effect[e];

        /* The engine closes the parameters of a region that is off, not those behind bare columns. */
        if (effect->mode == GR_MODE_FORWARD && effect->scope == GR_SCOPE_TAP && effect->weight == 0)
            gr_finding_add(
                l->findings, GR_LEVEL_WARNING,
                "name a region that has these units: switching it off closes its weights",
                "route %d switches columns of '%s' off, and the weights behind them stay open: with gradient "
                "0, weight decay and momentum still move them",
                r + 1, effect->name);

        if (acts_nowhere(l, option, effect))
            gr_finding_add(l->findings, GR_LEVEL_WARNING,
                           "a residual group's taps are its own: add neurons without residual dimensions, or name taps",
                           "route %d weighs the rest in mode %s, and the named regions share no tap with anything",
                           r + 1, gr_mode_name(effect->mode));
    }
}

/* The highest chance that an option has in the run. */
static double most(const gr_option *option) {
    return option->moves && option->to > option->chance ? option->to : option->chance;
}

/* Second showings are for what the first one left out. */
static void check_repeat(const gr__lint *l, int r, const gr_option *option) {
    bool closed = false;
    for (int e = 0; e < option->effects; e++) {
        const gr_effect *effect = &option->effect[e];
        closed = closed || (effect->mode == GR_MODE_PARAMETER && effect->weight == 0 &&
                            (effect->scope == GR_SCOPE_REST || effect->scope == GR_SCOPE_ALL));
    }

    if (most(option) > 0 && !closed)
        gr_finding_add(l->findings, GR_LEVEL_WARNING, "add rest: closed, so that only the region sees them again",
                       "route %d shows rows again and trains the core with them: what it draws counts twice", r + 1);
}

/* How often rows of a label are shown beside their first time, on average over all routes with `repeat`. */
static void check_showings(const gr__lint *l) {
    for (int label = -1; label <= l->routes->labels; label++) {
        double sum = 0;
        for (int c = 0; c < gr_router_copies(l->router); c++)
            if (l->router->rule[l->router->copy[c]].labels & gr_label_bit(label))
                sum += gr_router_repeat_chance(l->router, c);
        if (sum > 1)
            gr_finding_add(l->findings, GR_LEVEL_NOTE,
                           "each showing costs a pass; one `repeat` route with options shares them",
                           "%s rows are shown again %.3g times on average", gr__lint_label(l->routes, label), sum);
    }
}

/* ---- pairs of routes ---- */

/* What an option says of each region in mode parameter: bits it opens by name, bits it closes in any way. */
static void opens_and_closes(const gr__lint *l, const gr_option *option, uint64_t *opens, uint64_t *closes) {
    uint64_t named = gr__option_named(l->model, option, GR_MODE_PARAMETER);
    int regions = gr_model_regions(l->model);
    uint64_t all = regions >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << regions) - 1;
    *opens = *closes = 0;
    for (int e = 0; e < option->effects; e++) {
        const gr_effect *effect = &option->effect[e];
        if (effect->mode != GR_MODE_PARAMETER)
            continue;

        /* The regions that the effect covers. Scopes that name a kind of parameter cover no region as such. */
        uint64_t bits = 0;
        if (effect->scope == GR_SCOPE_REGION)
            bits = (uint64_t)1 << gr_model_find_region(l->model, effect->name);
        else if (effect->scope == GR_SCOPE_ALL)
            bits = all;
        else if (effect->scope == GR_SCOPE_REST || effect->scope == GR_SCOPE_OTHERS)
            bits = all & ~named;

        if (effect->weight == 0)
            *closes |= bits;
        else if (effect->scope == GR_SCOPE_REGION)
            *opens |= bits;
    }
}

/* Draws of different routes are independent, so two options of two routes that share a label do meet. */
static void check_pair(const gr__lint *l, int r, int s, const gr_option *a, const gr_option *b) {
    uint64_t opens_a, closes_a, opens_b, closes_b, known = gr_label_bit(l->routes->labels + 1) - 1;
    uint64_t labels = l->routes->route[r].labels & l->routes->route[s].labels & known;
    opens_and_closes(l, a, &opens_a, &closes_a);
    opens_and_closes(l, b, &opens_b, &closes_b);
    uint64_t off_a = switched_off(l, a), off_b = switched_off(l, b);
    bool always = a->chance >= 1 && b->chance >= 1;

    /* Messages name the first label that both routes match. */
    const char *rows = "some";
    for (int label = l->routes->labels; label >= -1; label--)
        if (labels & gr_label_bit(label))
            rows = gr__lint_label(l->routes, label);
    for (int i = 0; i < gr_model_regions(l->model); i++) {
        uint64_t bit = (uint64_t)1 << i;
        const char *name = gr_model_region(l->model, i)->name;

        /* One opens the region, the other closes it: weights multiply, so it stays closed. */
        if (((opens_a & closes_b) | (closes_a & opens_b)) & bit)
            gr_finding_add(l->findings, GR_LEVEL_ERROR,
                           "weights multiply, so closed wins; make them options of one route, which exclude each other",
                           "routes %d and %d contradict: for %s rows one opens region '%s', the other closes it", r + 1,
                           s + 1, rows, name);

        /* One opens the region, the other runs without it: then nothing of it is used, and it learns nothing. */
        if ((opens_a & off_b & bit) || (off_a & opens_b & bit))
            gr_finding_add(l->findings, always ? GR_LEVEL_ERROR : GR_LEVEL_WARNING,
                           "a region that is off for a row cannot learn from it; make them options of one route",
                           "routes %d and %d contradict: for %s rows one opens region '%s', the other runs without it",
                           r + 1, s + 1, rows, name);

        /* Both are drawn, and were perhaps meant to exclude each other: with chances above 1 together they cannot. */
        if (a->chance < 1 && b->chance < 1 && a->chance + b->chance > 1 && off_a != off_b && (opens_a | opens_b) & bit)
            gr_finding_add(l->findings, GR_LEVEL_WARNING,
                           "if they are to exclude each other, make them options of one route",
                           "routes %d and %d match %s rows with chances %g and %g: above 1 together, they often meet",
                           r + 1, s + 1, rows, a->chance, b->chance);
    }
}

/* Looks at every two options of different routes that can be drawn for the same row in the same step. Routes with
 * `repeat` do not meet others: a copy follows them alone. */
static void check_pairs(const gr__lint *l) {
    const gr_routes *routes = l->routes;
    uint64_t known = gr_label_bit(routes->labels + 1) - 1;
    for (int r = 0; r < routes->count; r++)
        for (int s = r + 1; s < routes->count; s++) {
            const gr_route *a = &routes->route[r], *b = &routes->route[s];

            /* meet: there are steps in which both act. */
            bool meet = (!a->until || b->from < a->until) && (!b->until || a->from < b->until);
            if (a->repeat || b->repeat || !meet || !(a->labels & b->labels & known))
                continue;

            for (int i = 0; i < a->options; i++)
                for (int j = 0; j < b->options; j++)
                    if (most(&a->option[i]) > 0 && most(&b->option[j]) > 0)
                        check_pair(l, r, s, &a->option[i], &b->option[j]);
        }
}

/* ---- steps ---- */

/* Steps in which a label counts as known, and yet no route but second showings does anything with its rows. */
static void check_phases(const gr__lint *l) {
    /* A single phase has no beginnings and ends. */
    int phases = gr_router_phases(l->router);
    if (phases == 1)
        return;

    for (int i = 0; i < phases; i++)
        for (int k = 1; k <= l->routes->labels; k++) {
            const gr__phase *phase = &l->router->phase[i];

            /* known: the phase does not treat its rows as unlabelled. timed: some of its routes begin or end. routed:
             * one that is not a second showing acts now. */
            bool known = phase->shown[k + 1] == k, timed = false, routed = false;
            for (int r = 0; r < l->routes->count; r++) {
                const gr__drawn_rule *rule = &l->router->rule[r];
                if (!(rule->labels & gr_label_bit(k)))
                    continue;
                timed = timed || rule->from > 0 || rule->until < INT64_MAX;
                routed = routed || (!rule->repeat && rule->from <= phase->from && phase->from < rule->until);
            }

            if (known && timed && !routed)
                gr_finding_add(l->findings, GR_LEVEL_WARNING,
                               "give all routes of the label the same from and until, so that its rows are treated as "
                               "unlabelled outside of them",
                               "from step %lld on only second showings match label '%s': its rows train everything",
                               (long long)phase->from, l->routes->label[k - 1]);
        }
}

/* ---- all ---- */

/* Everything that is said of one option. */
static void check_one(const gr__lint *l, int r, const gr_option *option) {
    check_option(l, r, option);
    check_taps(l, r, option);
    check_off(l, r, option);
    if (l->routes->route[r].repeat)
        check_repeat(l, r, option);
}

void gr_route_check(gr_findings *findings, const gr_model *model, const gr_routes *routes, const size_t *documents) {
    gr_error err = {0};
    gr_router *router;
    gr__lint l = {findings, model, routes, NULL, documents};

    /* What can be said without a router. */
    check_labels(&l);
    if (routes->count == 0)
        gr_finding_add(findings, GR_LEVEL_NOTE, NULL, "there are no routes: every row trains everything");

    /* The rest assumes that all names exist: routes that do not compile have one finding, the router's error. */
    if (gr_router_new(&router, model, routes, 0, &err) != GR_OK) {
        gr_finding_add(findings, GR_LEVEL_ERROR, err.hint[0] ? err.hint : NULL, "%s%s%s", err.place,
                       err.place[0] ? ": " : "", err.message);
        return;
    }

    l.router = router;

    /* Options by themselves, then routes together, then classes and regions. */
    for (int r = 0; r < routes->count; r++)
        for (int o = 0; o < routes->route[r].options; o++)
            check_one(&l, r, &routes->route[r].option[o]);
    check_showings(&l);
    check_pairs(&l);
    check_phases(&l);
    gr__lint_classes(&l);
    gr__lint_open(&l);
    int regions = routes->count ? gr_model_regions(model) : 0;
    for (int r = 0; r < regions; r++)
        gr__lint_region(&l, r);
    for (int r = 0; r < regions; r++)
        gr__lint_overlap(&l, r);
    gr_router_free(router);
}
