/* What cells would take: of each model a draft is made, and it is timed with that. */
#include "lab/costs.h"

#include <math.h>

#include "base/mem.h"
#include "lab/follow.h"

/* Drafts from the seed to one model: each begins with the one before it. */
typedef struct drafts {
    gr_made made[GR__VIEWS_MOST];
    int count;
} drafts;

static void free_drafts(drafts *d) {
    while (d->count > 0)
        gr_made_free(&d->made[--d->count]);
}

/* ---- uses that cost the same ---- */

static bool same_but_seed(const gr__use *a, const gr__use *b) {
    return a->kind == b->kind && a->arm == b->arm && a->point == b->point && a->knob == b->knob &&
           a->reading == b->reading && a->each == b->each;
}

/* Whether one of them is wanted, and not known yet. */
static bool is_wanted(const gr__costing *w, const gr__use *use) {
    const gr__cells *cells = w->lab->cells;
    for (int u = 0; u < cells->uses; u++)
        if (same_but_seed(&cells->use[u], use) && w->wanted[cells->use[u].cell] && !w->known[cells->use[u].cell])
            return true;
    return false;
}

/* The cost of one use is that of all that differ from it by the seed alone. */
static void put(gr__costing *w, const gr__use *use, const gr_cost *cost) {
    const gr__cells *cells = w->lab->cells;
    for (int u = 0; u < cells->uses; u++) {
        int cell = cells->use[u].cell;
        if (!same_but_seed(&cells->use[u], use) || w->known[cell])
            continue;
        w->known[cell] = true;
        if (w->wanted[cell])
            w->cost[cell] = *cost;
    }
}

/* ---- models ---- */

/* One more draft, of the model of a use; *there: its method has drafts. cost NULL: it is not asked for. */
static gr_status add_draft(gr__costing *w, drafts *d, const gr__use *use, gr_cost *cost, bool *there, gr_error *err) {
    const gr_lab *lab = w->lab;
    const gr_arm *arm = &lab->experiment->arm[use->arm];
    const gr_method *method = arm->method;
    gr__lab_arm own;
    gr_settings *settings = NULL;

    /* Of an outline there are views alone: it has no numbers that could be changed. */
    const bool outline = d->count && gr_model_is_outline(d->made[d->count - 1].bundle->model);
    *there = method->draft && d->count < GR__VIEWS_MOST && (use->view || !outline);
    if (!*there)
        return GR_OK;

    GR_TRY(gr__lab_arm_open(&own, lab, use, err));
    gr_status status = gr__lab_settings(&settings, lab, use, own.project.recipe, err);
    if (status == GR_OK) {
        gr_making making = {.project = &own.project,
                            .settings = settings,
                            .parent = d->count ? &d->made[d->count - 1] : NULL,
                            .name = arm->name};
        gr_made *draft = &d->made[d->count];
        status = gr_method_draft(draft, method, &making, err);
        if (status == GR_OK) {
            d->count++;
            if (cost && !use->view)
                status = gr_method_cost(cost, method, &making, draft, w->timings, err);
        }
        if (status == GR_OK && cost && w->drafted && !use->view)
            w->drafted(w->user, use, draft, cost);
    }
    gr_settings_free(settings);
    gr__lab_arm_close(&own);
    return status;
}

/* Of the parents of a use, the first of them first. */
static gr_status draft_parents(gr__costing *w, drafts *d, const gr__use *use, bool *there, gr_error *err) {
    *there = true;
    if (use->parent < 0)
        return GR_OK;
    const gr__use *parent = &w->lab->cells->use[use->parent];
    GR_TRY(draft_parents(w, d, parent, there, err));
    return *there ? add_draft(w, d, parent, NULL, there, err) : GR_OK;
}

/* ---- what is measured of them ---- */

/* What one reading of a drafted model would take. The pass is shared by the measures of the model, as it is when they
 * are made. */
static gr_status cost_reading(gr__costing *w, const gr_made *draft, const gr_tables *profile, gr_pass *pass,
                              const gr__use *use, gr_error *err) {
    const gr_lab *lab = w->lab;
    const gr_reading *reading = &lab->experiment->use[use->reading];
    gr__lab_arm own;
    gr_settings *settings = NULL;
    gr_cost cost = {0};
    GR_TRY(gr__lab_arm_open(&own, lab, use, err));

    /* The same subject as for the making (make_reading), with the draft in place of the model. */
    gr_status status = gr__lab_settings(&settings, lab, use, own.project.recipe, err);
    if (status == GR_OK) {
        const gr_project *p = &own.project;
        gr_subject subject = {.name = lab->experiment->arm[use->arm].name,
                              .recipe = p->recipe,
                              .model = draft->bundle->model,
                              .off = draft->off,
                              .off_count = draft->off_count,
                              .profile = profile,
                              .data = p->data,
                              .labels = p->labels,
                              .tokenizer = p->tokenizer,
                              .groups = &lab->groups,
                              .units = lab->experiment->units,
                              .pass = reading->attack ? NULL : pass,
                              .seed = p->recipe->split_seed};
        if (reading->attack && reading->attack->cost)
            status = reading->attack->cost(&cost, &subject, settings, w->timings, err);
        else if (reading->measure && reading->measure->cost)
            status = reading->measure->cost(&cost, &subject, settings, w->timings, err);
    }
    gr_settings_free(settings);
    gr__lab_arm_close(&own);
    if (status == GR_OK)
        put(w, use, &cost);
    return status;
}

/* unknown: no step of the model finds memory, and nothing of it is timed. */
static gr_status cost_readings(gr__costing *w, int model, const gr_made *draft, bool unknown, gr_error *err) {
    const gr__cells *cells = w->lab->cells;
    gr_tables *profile = NULL;
    if (draft->off_count && !unknown)
        GR_TRY(gr_profile_new(&profile, draft->bundle->model, draft->off, draft->off_count, err));

    /* Measures first, by which attacks have not changed the draft. */
    gr_pass *pass = gr_pass_new();
    gr_status status = GR_OK;
    for (int u = 0; u < cells->uses && status == GR_OK; u++) {
        const gr__use *use = &cells->use[u];
        if (use->reading < 0 || use->parent != model || !is_wanted(w, use))
            continue;
        if (unknown)
            put(w, use, &(gr_cost){.seconds = NAN});
        else
            status = cost_reading(w, draft, profile, pass, use, err);
    }
    gr_pass_free(pass);
    gr_tables_free(profile);
    return status;
}

/* Whether anything that is wanted reads this model. */
static bool reads_wanted(const gr__costing *w, int model) {
    const gr__cells *cells = w->lab->cells;
    for (int u = 0; u < cells->uses; u++)
        if (cells->use[u].reading >= 0 && cells->use[u].parent == model && is_wanted(w, &cells->use[u]))
            return true;
    return false;
}

/* Whether a model above it finds no memory for its steps. */
static bool has_no_memory(const gr__costing *w, const gr__use *use) {
    const gr__cells *cells = w->lab->cells;
    for (; use->parent >= 0; use = &cells->use[use->parent])
        if (isnan(w->cost[cells->use[use->parent].cell].seconds))
            return true;
    return false;
}

/* A model and all that is measured of it. */
static gr_status cost_model(gr__costing *w, int model, gr_error *err) {
    const gr__use *use = &w->lab->cells->use[model];
    bool own = is_wanted(w, use), there;
    if (!own && !reads_wanted(w, model))
        return GR_OK;

    drafts d = {0};
    gr_cost cost = {0};
    gr_status status = draft_parents(w, &d, use, &there, err);
    if (status == GR_OK && there)
        status = add_draft(w, &d, use, own ? &cost : NULL, &there, err);
    if (status == GR_OK) {
        put(w, use, &cost);
        bool unknown = isnan(cost.seconds) || has_no_memory(w, use);
        if (there)
            status = cost_readings(w, model, &d.made[d.count - 1], unknown, err);
    }
    free_drafts(&d);
    return status;
}

/* ---- all of them ---- */

/* Whether something at this point is wanted, at any seed. */
static bool point_wanted(const gr__costing *w, int point) {
    const gr__cells *cells = w->lab->cells;
    for (int u = 0; u < cells->uses; u++)
        if (cells->use[u].point == point && cells->use[u].kind != GR_CELL_DATA && w->wanted[cells->use[u].cell] &&
            !w->known[cells->use[u].cell])
            return true;
    return false;
}

static gr_status cost_point(gr__costing *w, int point, const gr_control *control, gr_error *err) {
    gr_lab *lab = w->lab;
    const gr__cells *cells = lab->cells;
    const bool open = lab->open >= 0 && lab->open / lab->seeds == point;
    const int place = open ? lab->open : point * lab->seeds;

    /* The data, and nothing of runs that are too short to be timed. */
    const gr__follow asked = {.control = control, .folder = lab->def.folder, .name = lab->experiment->name};
    GR_TRY(gr__lab_open_place(lab, place, control, err));
    if (lab->recipe->train.steps < w->steps_least)
        return GR_OK;

    /* Its models, unless it is asked to stop. */
    for (int u = 0; u < cells->uses; u++)
        if (cells->use[u].kind == GR_CELL_MODEL && gr__lab_place_of(lab, &cells->use[u]) == place) {
            GR_TRY(gr__follow_stopped(&asked, err));
            GR_TRY(cost_model(w, u, err));
        }
    return GR_OK;
}

gr_status gr__lab_costs(gr__costing *w, const gr_control *control, gr_error *err) {
    gr_lab *lab = w->lab;
    const int first = lab->open >= 0 ? lab->open / lab->seeds : 0, points = gr_experiment_points(lab->experiment);
    w->known = gr_alloc((size_t)(lab->cells->cells + 1) * sizeof *w->known);

    /* What is open needs not be read again. */
    gr_status status = GR_OK;
    for (int i = 0; i < points && status == GR_OK; i++)
        if (point_wanted(w, (first + i) % points))
            status = cost_point(w, (first + i) % points, control, err);
    gr_free(w->known);
    w->known = NULL;
    return status;
}
