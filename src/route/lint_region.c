/* The linter's look at classes and regions: what is open for whom, and whether sizes fit.
 *
 * The first half reads the compiled tables (which slices have a weight other than 0 for which class), so it sees what
 * all routes do together. The second compares a region's share of its layers with the share of the text that it is for.
 */
#include <math.h>
#include <string.h>

#include "arch/tap.h"
#include "route/lint.h"

/* Whether the data has rows of this label; assumed where the documents were not counted. */
static bool occurs(const gr__lint *l, int label) { return !l->documents || l->documents[label + 1] > 0; }

/* ---- classes ---- */

/* Chance of a class for rows of a label, where it is largest: by the label's own routes in some phase, or as a second
 * showing, whose options are each drawn for themselves. */
static double chance(const gr__lint *l, int label, int cls) {
    double most = 0;
    for (int i = 0; i < gr_router_phases(l->router); i++) {
        /* Where chances move: at the beginning, in the middle and at the end of a phase. */
        int64_t from = gr_router_phase(l->router, i);
        int64_t end = i + 1 < gr_router_phases(l->router) ? gr_router_phase(l->router, i + 1) : l->router->steps;
        int64_t last = end > from ? end - 1 : from;
        most = fmax(most, gr_router_chance_at(l->router, label, cls, from));
        most = fmax(most, gr_router_chance_at(l->router, label, cls, from + (last - from) / 2));
        most = fmax(most, gr_router_chance_at(l->router, label, cls, last));
    }

    for (int c = 0; c < l->router->copies; c++) {
        const gr__drawn_rule *rule = &l->router->rule[l->router->copy[c]];
        if (!(rule->labels & gr_label_bit(label)))
            continue;
        for (int o = 0; o < rule->outcomes; o++)
            if (l->router->copy_class[c][o] == cls)
                most = fmax(most, fmax(gr__rule_chance(rule, o, rule->from), gr__rule_chance(rule, o, rule->last)));
    }
    return most;
}

bool gr__lint_reaches(const gr__lint *l, int label, int cls) { return occurs(l, label) && chance(l, label, cls) > 0; }

/* Whether rows of this class move any parameter. */
static bool trains(const gr_tables *tables, int cls) {
    for (int s = 0; s < gr_tables_slices(tables); s++)
        if (gr_tables_weight(tables, s, cls) != 0)
            return true;
    return false;
}

static bool overlaps(gr_rect a, gr_rect b) {
    return a.param == b.param && a.lo0 < b.hi0 && b.lo0 < a.hi0 && a.lo1 < b.hi1 && b.lo1 < a.hi1;
}

long long gr__lint_overlapping(gr_rect a, gr_rect b) {
    if (!overlaps(a, b))
        return 0;
    int rows = (a.hi0 < b.hi0 ? a.hi0 : b.hi0) - (a.lo0 > b.lo0 ? a.lo0 : b.lo0);
    int cols = (a.hi1 < b.hi1 ? a.hi1 : b.hi1) - (a.lo1 > b.lo1 ? a.lo1 : b.lo1);
    return (long long)rows * cols;
}

/* Whether rows of this class move some parameter of the region. */
static bool opens_region(const gr_tables *tables, const gr_region *region, int cls) {
    for (int s = 0; s < gr_tables_slices(tables); s++)
        for (int p = 0; p < region->rects; p++)
            if (overlaps(gr_tables_slice(tables, s), region->rect[p]) && gr_tables_weight(tables, s, cls) != 0)
                return true;
    return false;
}

void gr__lint_classes(const gr__lint *l) {
    const gr_tables *tables = gr_router_tables(l->router);
    for (int label = -1; label <= l->routes->labels; label++)
        for (int c = 0; c < gr_router_classes(l->router); c++)
            if (gr__lint_reaches(l, label, c) && !trains(tables, c))
                gr_finding_add(l->findings, GR_LEVEL_ERROR, "open something for these rows, or drop them from the data",
                               "nothing is open for %s rows (%.3g of them): they are computed and teach nothing",
                               gr__lint_label(l->routes, label), chance(l, label, c));
}

/* The share of a layer that a gate takes: of its tap, or, where the tap is the region's own, of that and the core's of
 * the same kind together. */
static double gate_share(const gr__lint *l, const gr_region *region, const gr_gate *gate, const char **where) {
    int width = 0, core = 0;
    const char *name = gr_model_tap(l->model, gate->tap, &width), *of_core = gr__tap_in_core(name, region->name);
    *where = name;
    if (gr__tap_is_write(name)) /* a layer that is owned whole: the others stay */
        return 0;

    double units = gate->hi - gate->lo;

    /* A tap of the core: the gate's columns out of all. */
    if (!of_core)
        return units / width;

    /* A tap of the region's own: its columns beside those of the core's tap of the same name. */
    gr_tap twin = gr_model_find_tap(l->model, of_core);
    if (twin == GR_NONE)
        return 0;
    gr_model_tap(l->model, twin, &core);
    return units / (units + core);
}

/* The gate with the largest share of its layer. own: all of the region's taps are its own, as a residual group's are.
 */
static double largest_share(const gr__lint *l, const gr_region *region, const char **where, bool *own) {
    double most = 0;
    *own = true;
    for (int g = 0; g < region->gates; g++) {
        const char *tap;
        double share = gate_share(l, region, &region->gate[g], &tap);
        *own = *own && gr__tap_in_core(tap, region->name);
        if (share > most)
            most = share, *where = tap;
    }
    return most;
}

/* Whether the option gives the region's parameters or activations a gradient, by its name. */
static bool trains_by_name(const gr_option *option, const char *region) {
    for (int e = 0; e < option->effects; e++) {
        const gr_effect *effect = &option->effect[e];
        if (effect->mode != GR_MODE_FORWARD && effect->scope == GR_SCOPE_REGION && effect->weight != 0 &&
            strcmp(effect->name, region) == 0)
            return true;
    }
    return false;
}

/* Share of the documents whose labels are routed to the region. */
static double data_share(const gr__lint *l, const gr_region *region) {
    double routed = 0, all = 0;
    for (int label = -1; label <= l->routes->labels; label++) {
        /* A label counts when one of its routes names the region. */
        bool named = false;
        for (int r = 0; r < l->routes->count; r++) {
            const gr_route *route = &l->routes->route[r];
            if (!(route->labels & gr_label_bit(label)))
                continue;
            for (int o = 0; o < route->options; o++)
                named = named || trains_by_name(&route->option[o], region->name);
        }

        /* Core and unlabelled rows may train it as well, but only labelled documents are its text. */
        all += (double)l->documents[label + 1];
        routed += named && label > 0 ? (double)l->documents[label + 1] : 0;
    }
    return all > 0 ? routed / all : 0;
}

/* Published regions have some 3 % of the units for a few per cent of the text; with 10 to 15 % removal took the rest
 * along (field reports). What a residual group adds, the core never had. */
static void check_size(const gr__lint *l, const gr_region *region) {
    static const double much = 0.15, some = 0.05, fraction = 0.1;
    const char *where = NULL;
    bool own;

    double units = largest_share(l, region, &where, &own), data = l->documents ? data_share(l, region) : 0;

    /* Too large: it outweighs what stays, or it is out of proportion to its text. */
    if (units > 0.5)
        gr_finding_add(l->findings, units >= 1 ? GR_LEVEL_ERROR : GR_LEVEL_WARNING, "give the region fewer units",
                       "region '%s' takes %.0f %% of its layer at '%s': more than what stays when it is removed",
                       region->name, 100 * units, where);
    else if (l->documents && data > 0 && !own && units > much && units > data)
        gr_finding_add(l->findings, GR_LEVEL_WARNING,
                       "some 3 % is usual; or give the region a residual group of its own",
                       "region '%s' takes %.0f %% of its layer at '%s' for %.2g %% of the documents: the core comes to "
                       "lean on a region this large, and removing it takes more than the topic",
                       region->name, 100 * units, where, 100 * data);

    /* Too small to hold its topic. */
    if (l->documents && data > some && units > 0 && units < fraction * data) /* adapters and layers have no share */
        gr_finding_add(l->findings, GR_LEVEL_WARNING, "give it more neurons or heads, or residual dimensions",
                       "region '%s' has %.2g %% of the units of its layers for %.2g %% of the documents: too few to "
                       "take the topic up, which then has nowhere to go",
                       region->name, 100 * units, 100 * data);
}

void gr__lint_region(const gr__lint *l, int r) {
    const gr_region *region = gr_model_region(l->model, r);
    const gr_tables *tables = gr_router_tables(l->router);

    /* opened: some rows train it. apart: rows of a label do. off: some core or unlabelled rows run without it. */
    bool opened = false, apart = false, off = false;

    for (int c = 0; c < gr_router_classes(l->router); c++)
        for (int label = -1; label <= l->routes->labels; label++) {
            if (!gr__lint_reaches(l, label, c))
                continue;
            opened = opened || opens_region(tables, region, c);
            apart = apart || (label > 0 && opens_region(tables, region, c));
            off = off || (label <= 0 && gr_router_forward(l->router, r, c) == 0);
        }

    /* It has to learn, from the rows it is meant for. */
    if (!opened)
        gr_finding_add(l->findings, GR_LEVEL_ERROR, "open it for some label",
                       "region '%s' is never opened: it cannot learn", region->name);
    else if (!apart && l->routes->labels > 0)
        gr_finding_add(l->findings, GR_LEVEL_WARNING, "open it for the label it is meant for",
                       "region '%s' is open for no label: it learns no topic", region->name);

    /* And the rest has to learn to do without it. */
    if (!off && region->gates > 0)
        gr_finding_add(
            l->findings, GR_LEVEL_WARNING,
            "{label: core, chance: 0.1, without: [REGION]}: some rows, so that the core learns to do without",
            "region '%s' is on for every core and unlabelled row: switching it off will surprise the core",
            region->name);

    check_size(l, region);
}

/* ---- overlapping claims ---- */

/* Numbers of parameters that both regions own, where the parts of each do not overlap; *first: where some are. */
static long long shared(const gr_region *a, const gr_region *b, gr_param *first) {
    long long sum = 0;
    for (int i = 0; i < a->rects; i++)
        for (int j = 0; j < b->rects; j++) {
            long long both = gr__lint_overlapping(a->rect[i], b->rect[j]);
            if (both && !sum)
                *first = a->rect[i].param;
            sum += both;
        }
    return sum;
}

void gr__lint_overlap(const gr__lint *l, int r) {
    const gr_region *region = gr_model_region(l->model, r);
    for (int s = r + 1; s < gr_model_regions(l->model); s++) {
        const gr_region *other = gr_model_region(l->model, s);
        gr_param first = GR_NONE;
        long long count = shared(region, other, &first);
        if (count)
            gr_finding_add(l->findings, GR_LEVEL_WARNING, "give each region units of its own",
                           "regions '%s' and '%s' share %lld numbers, the first in '%s': weights that routes give "
                           "either multiply there, and taking one out takes units of the other",
                           region->name, other->name, count, gr_model_param(l->model, first)->name);
    }
}
