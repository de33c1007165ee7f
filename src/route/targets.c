/* Targets: where effects act, cut so finely that each effect covers a target whole or not at all.
 *
 * A target is a rectangle of a parameter, a range of columns of a tap, or all gates of a region. gr__targets_new cuts
 * each parameter and each tap at every border of a region or effect that lies on it. gr__targets_weigh then gives the
 * weights of an option as one number per target, by asking of each effect how often it weighs the target.
 * gr__option_check refuses options before that. */
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/sort.h"
#include "route/internal.h"

/* Borders along one axis, in rows or columns. */
typedef struct cuts {
    int *at;
    int count;
    size_t capacity;
} cuts;

static void cuts_settle(cuts *c) { c->count = gr__sort_borders(c->at, c->count); }

/* ---- parameters ---- */

/* Whether the region owns the whole cell. */
static bool holds(const gr_region *region, gr_rect cell) {
    for (int i = 0; i < region->rects; i++) {
        const gr_rect *p = &region->rect[i];
        if (p->param == cell.param && p->lo0 <= cell.lo0 && cell.hi0 <= p->hi0 && p->lo1 <= cell.lo1 &&
            cell.hi1 <= p->hi1)
            return true;
    }
    return false;
}

/* Cuts a parameter into a grid at the borders of all regions' rectangles on it, and adds each cell as a target. rows
 * and cols are scratch. */
static void param_targets(gr__targets *targets, const gr_model *model, gr_param param, cuts *rows, cuts *cols) {
    const gr_param_def *def = gr_model_param(model, param);

    /* The borders: the parameter's own, then those of every region. */
    rows->count = cols->count = 0;
    GR_PUSH(rows->at, rows->count, rows->capacity) = 0;
    GR_PUSH(rows->at, rows->count, rows->capacity) = def->rows;
    GR_PUSH(cols->at, cols->count, cols->capacity) = 0;
    GR_PUSH(cols->at, cols->count, cols->capacity) = def->cols;
    int regions = gr_model_regions(model);
    for (int r = 0; r < regions; r++) {
        const gr_region *region = gr_model_region(model, r);
        for (int i = 0; i < region->rects; i++) {
            if (region->rect[i].param != param)
                continue;
            GR_PUSH(rows->at, rows->count, rows->capacity) = region->rect[i].lo0;
            GR_PUSH(rows->at, rows->count, rows->capacity) = region->rect[i].hi0;
            GR_PUSH(cols->at, cols->count, cols->capacity) = region->rect[i].lo1;
            GR_PUSH(cols->at, cols->count, cols->capacity) = region->rect[i].hi1;
        }
    }

    cuts_settle(rows);
    cuts_settle(cols);

    /* Each cell of the grid, with the regions that own it. */
    for (int i = 0; i + 1 < rows->count; i++)
        for (int j = 0; j + 1 < cols->count; j++) {
            gr_rect cell = {param, rows->at[i], rows->at[i + 1], cols->at[j], cols->at[j + 1]};
            gr__target target = {GR_MODE_PARAMETER, GR_NONE, GR_NONE, cell, def->kind, 0};
            for (int r = 0; r < regions; r++)
                if (holds(gr_model_region(model, r), cell))
                    target.owners |= (uint64_t)1 << r;
            GR_PUSH(targets->target, targets->count, targets->capacity) = target;
        }
}

/* ---- taps ---- */

/* fnmatch, where {LO..HI} stands for a number from LO to HI: one of a few, tried in turn. */
static bool name_matches(const char *name, const char *pattern) {
    enum { LAYERS = 1024 };
    const char *brace = strchr(pattern, '{');
    int lo, hi, used = 0;
    if (!brace || sscanf(brace, "{%5d..%5d}%n", &lo, &hi, &used) != 2 || !used)
        return fnmatch(pattern, name, 0) == 0;
    bool found = false;
    for (int i = lo < 0 ? 0 : lo; i <= hi && i < LAYERS && !found; i++) {
        char *plain = gr_format("%.*s%d%s", (int)(brace - pattern), pattern, i, brace + used);
        found = name_matches(name, plain);
        gr_free(plain);
    }
    return found;
}

static bool tap_matches(const gr_model *model, gr_tap tap, const char *pattern) {
    return name_matches(gr_model_tap(model, tap, NULL), pattern);
}

/* The same for the columns of a tap. Each range becomes two targets: one for the value (forward), one for the gradient
 * that passes (activation). */
static void tap_targets(gr__targets *targets, const gr_model *model, const gr_routes *routes, gr_tap tap, cuts *cols) {
    int width = 0, regions = gr_model_regions(model);
    gr_model_tap(model, tap, &width);

    /* The borders: the tap's own, those of every region's gates, and those of every effect that names the tap. */
    cols->count = 0;
    GR_PUSH(cols->at, cols->count, cols->capacity) = 0;
    GR_PUSH(cols->at, cols->count, cols->capacity) = width;
    for (int r = 0; r < regions; r++) {
        const gr_region *region = gr_model_region(model, r);
        for (int i = 0; i < region->gates; i++)
            if (region->gate[i].tap == tap) {
                GR_PUSH(cols->at, cols->count, cols->capacity) = region->gate[i].lo;
                GR_PUSH(cols->at, cols->count, cols->capacity) = region->gate[i].hi;
            }
    }

    for (int r = 0; r < routes->count; r++)
        for (int o = 0; o < routes->route[r].options; o++)
            for (int e = 0; e < routes->route[r].option[o].effects; e++) {
                const gr_effect *effect = &routes->route[r].option[o].effect[e];
                if (effect->scope != GR_SCOPE_TAP || !tap_matches(model, tap, effect->name))
                    continue;
                GR_PUSH(cols->at, cols->count, cols->capacity) = effect->lo < width ? effect->lo : width;
                GR_PUSH(cols->at, cols->count, cols->capacity) = effect->hi < width ? effect->hi : width;
            }

    cuts_settle(cols);

    /* Each range between two borders, with the regions whose gates cover it. */
    for (int i = 0; i + 1 < cols->count; i++) {
        gr__target target = {GR_MODE_FORWARD, GR_NONE, tap, {.param = GR_NONE}, GR_KIND_WEIGHT, 0};
        target.rect.lo1 = cols->at[i], target.rect.hi1 = cols->at[i + 1];
        for (int r = 0; r < regions; r++) {
            const gr_region *region = gr_model_region(model, r);
            for (int g = 0; g < region->gates; g++)
                if (region->gate[g].tap == tap && region->gate[g].lo <= cols->at[i] &&
                    cols->at[i + 1] <= region->gate[g].hi)
                    target.owners |= (uint64_t)1 << r;
        }

        GR_PUSH(targets->target, targets->count, targets->capacity) = target;
        target.mode = GR_MODE_ACTIVATION;
        GR_PUSH(targets->target, targets->count, targets->capacity) = target;
    }
}

void gr__targets_new(gr__targets *targets, const gr_model *model, const gr_routes *routes) {
    cuts rows = {0}, cols = {0};
    *targets = (gr__targets){0};

    /* Regions' gates come first, as one target each: gr_tables_gate needs to know that a whole region is meant. */
    for (int r = 0; r < gr_model_regions(model); r++) {
        gr__target gates = {GR_MODE_FORWARD, r, GR_NONE, {.param = GR_NONE}, GR_KIND_WEIGHT, (uint64_t)1 << r};
        GR_PUSH(targets->target, targets->count, targets->capacity) = gates;
    }

    for (int p = 0; p < gr_model_params(model); p++)
        param_targets(targets, model, p, &rows, &cols);
    for (int t = 0; t < gr_model_taps(model); t++)
        tap_targets(targets, model, routes, t, &cols);
    gr_free(rows.at);
    gr_free(cols.at);
}

/* ---- what an effect covers ---- */

uint64_t gr__option_named(const gr_model *model, const gr_option *option, gr_mode mode) {
    uint64_t named = 0;
    for (int e = 0; e < option->effects; e++) {
        const gr_effect *effect = &option->effect[e];
        if (effect->mode != mode || effect->scope != GR_SCOPE_REGION)
            continue;
        int region = gr_model_find_region(model, effect->name);
        if (region != GR_NONE)
            named |= (uint64_t)1 << region;
    }
    return named;
}

/* Whether one of the named regions (bits) has a gate at this tap. */
static bool tap_of(const gr_model *model, gr_tap tap, uint64_t named) {
    for (int r = 0; r < gr_model_regions(model); r++) {
        if (!(named >> r & 1))
            continue;
        const gr_region *region = gr_model_region(model, r);
        for (int g = 0; g < region->gates; g++)
            if (region->gate[g].tap == tap)
                return true;
    }
    return false;
}

/* Whether a scope that names a kind of parameters means this one. */
static bool kind_in_scope(gr_kind kind, gr_scope scope) {
    return (scope == GR_SCOPE_EMBEDDINGS && kind == GR_KIND_EMBEDDING) ||
           (scope == GR_SCOPE_NORMS && kind == GR_KIND_NORM) || (scope == GR_SCOPE_BIASES && kind == GR_KIND_BIAS) ||
           (scope == GR_SCOPE_OUT_BIASES && kind == GR_KIND_OUT_BIAS);
}

bool gr__option_joint(const gr_model *model, const gr_option *option, gr_param param) {
    const gr_param_def *def = gr_model_param(model, param);
    if (option->joint >> def->kind & 1)
        return true;
    for (size_t i = 0; i < option->joint_names; i++)
        if (name_matches(def->name, option->joint_name[i]))
            return true;
    return false;
}

/* How often an effect on `others` weighs a target: once for each region that holds it and is not named. */
static int others_of(const gr__target *t, uint64_t named) { return __builtin_popcountll(t->owners & ~named); }

/* How often an effect of mode parameter weighs a target: once or not at all, but for `others`. */
static int times_param(const gr_model *model, const gr_option *option, const gr_effect *effect, uint64_t named,
                       const gr__target *t) {
    switch (effect->scope) {
    case GR_SCOPE_REGION:
        return t->owners >> gr_model_find_region(model, effect->name) & 1;
    case GR_SCOPE_OTHERS:
        return others_of(t, named);
    /* What no named region has. Joint parameters are left out where no region has them at all. */
    case GR_SCOPE_REST:
        return !(t->owners & named) && !(t->owners == 0 && gr__option_joint(model, option, t->rect.param));
    case GR_SCOPE_ALL:
        return 1;
    /* Parameters of a kind, outside of the named regions. */
    default:
        return !(t->owners & named) && kind_in_scope(t->kind, effect->scope);
    }
}

/* The same for the modes that act on taps. Forward effects on regions act on the target that is the region's gates, so
 * that the engine knows which parameters are out of use; all else acts on columns. */
static int times_tap(const gr_model *model, const gr_effect *effect, uint64_t named, const gr__target *t) {
    bool whole = effect->mode == GR_MODE_FORWARD && effect->scope <= GR_SCOPE_OTHERS; /* region or others */
    if (whole != (t->gate != GR_NONE))
        return 0;
    switch (effect->scope) {
    case GR_SCOPE_REGION:
        return t->owners >> gr_model_find_region(model, effect->name) & 1;
    case GR_SCOPE_OTHERS:
        return others_of(t, named);
    case GR_SCOPE_REST:
        return !(t->owners & named) && tap_of(model, t->tap, named);
    case GR_SCOPE_TAP:
        return tap_matches(model, t->tap, effect->name) && effect->lo <= t->rect.lo1 &&
               (effect->hi == 0 || t->rect.hi1 <= effect->hi);
    default:
        return 0;
    }
}

void gr__targets_weigh(double *w, const gr__targets *targets, const gr_model *model, const gr_option *option) {
    /* Everything weighs 1 to begin with, and each effect multiplies what it covers. */
    for (int i = 0; i < targets->count; i++)
        w[i] = 1;

    for (int e = 0; e < option->effects; e++) {
        const gr_effect *effect = &option->effect[e];
        uint64_t named = gr__option_named(model, option, effect->mode);
        for (int i = 0; i < targets->count; i++) {
            const gr__target *t = &targets->target[i];
            if (t->mode != effect->mode)
                continue;

            int times = t->mode == GR_MODE_PARAMETER ? times_param(model, option, effect, named, t)
                                                     : times_tap(model, effect, named, t);
            for (; times > 0; times--)
                w[i] *= effect->weight;
        }
    }
}

/* ---- what an effect may say ---- */

/* The error for an unknown region, with the model's regions as its hint. */
static gr_status no_region(const gr_model *model, const gr_route *route, const char *name, gr_error *err) {
    char known[300] = "";
    size_t used = 0;
    for (int r = 0; r < gr_model_regions(model) && used < sizeof known; r++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                                 r ? ", " : "the model's regions: ", gr_model_region(model, r)->name);
    return gr_error_set(err, GR_ERR_USAGE, route->place, known[0] ? known : "the model has no regions",
                        "a route names region '%s', which the model does not have", name);
}

/* Columns [lo, hi) have to exist at every tap that the pattern matches, and it has to match one. */
static gr_status check_tap(const gr_model *model, const gr_route *route, const gr_effect *effect, gr_error *err) {
    if (effect->lo < 0 || (effect->hi != 0 && effect->hi <= effect->lo))
        return gr_error_set(err, GR_ERR_USAGE, route->place, "columns are [lo, hi) with 0 <= lo < hi",
                            "a route weights columns [%d, %d) of tap '%s'", effect->lo, effect->hi, effect->name);

    /* Of each tap that the pattern matches. */
    int matched = 0;
    for (int t = 0; t < gr_model_taps(model); t++) {
        int width = 0;
        const char *name = gr_model_tap(model, t, &width);
        if (!tap_matches(model, t, effect->name))
            continue;

        matched++;
        if (effect->hi > width || effect->lo >= width)
            return gr_error_set(err, GR_ERR_USAGE, route->place, NULL,
                                "a route weights columns [%d, %d) of tap '%s', which has %d columns", effect->lo,
                                effect->hi, name, width);
    }

    return matched ? GR_OK
                   : gr_error_set(err, GR_ERR_USAGE, route->place,
                                  gr_model_taps(model) ? gr_model_tap(model, 0, NULL) : "the model has no taps",
                                  "no tap of the model matches '%s' (the hint names one that there is)", effect->name);
}

/* A pattern that leaves parameters joint must name one, or it is a slip. */
static gr_status check_joint(const gr_model *model, const gr_route *route, const char *pattern, gr_error *err) {
    for (int p = 0; p < gr_model_params(model); p++)
        if (name_matches(gr_model_param(model, p)->name, pattern))
            return GR_OK;
    return gr_error_set(err, GR_ERR_USAGE, route->place, "gradroute inspect lists the parameters of a model",
                        "a route leaves '%s' joint, and no parameter of the model is named so", pattern);
}

gr_status gr__option_check(const gr_model *model, const gr_route *route, const gr_option *option, gr_error *err) {
    /* Parameters that are left joint must exist. */
    for (size_t i = 0; i < option->joint_names; i++)
        GR_TRY(check_joint(model, route, option->joint_name[i], err));

    for (int e = 0; e < option->effects; e++) {
        const gr_effect *effect = &option->effect[e];
        bool parameter = effect->mode == GR_MODE_PARAMETER;

        if (!isfinite(effect->weight))
            return gr_error_set(err, GR_ERR_USAGE, route->place, NULL, "a route's weight is not a finite number");
        if (effect->scope == GR_SCOPE_REGION && gr_model_find_region(model, effect->name) == GR_NONE)
            return no_region(model, route, effect->name, err);

        /* Each scope belongs to some modes: taps carry values, kinds of parameters (all, embeddings, ..) are
         * parameters. */
        if (parameter && effect->scope == GR_SCOPE_TAP)
            return gr_error_set(err, GR_ERR_USAGE, route->place, "use mode forward or activation",
                                "a route weights tap '%s' in mode parameter: taps carry values, not parameters",
                                effect->name);
        if (!parameter && effect->scope >= GR_SCOPE_ALL && effect->scope < GR_SCOPE_TAP)
            return gr_error_set(err, GR_ERR_USAGE, route->place, "use mode parameter, or name a region or tap",
                                "a route weights '%s' in mode %s, which acts on taps", gr_scope_name(effect->scope),
                                gr_mode_name(effect->mode));

        /* The rest of taps is counted from those of the named regions, so one must be named. */
        if (!parameter && effect->scope == GR_SCOPE_REST && !gr__option_named(model, option, effect->mode))
            return gr_error_set(err, GR_ERR_USAGE, route->place,
                                "name a region in the same mode, with weight 1 if need be",
                                "a route weights the rest in mode %s but names no region: rest of which taps?",
                                gr_mode_name(effect->mode));

        if (effect->scope == GR_SCOPE_TAP)
            GR_TRY(check_tap(model, route, effect, err));
    }
    return GR_OK;
}
