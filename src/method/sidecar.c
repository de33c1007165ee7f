/* Regions added to a parent that is done, and trained alone: what routing trains beside the core, afterwards. */
#include <string.h>

#include "base/mem.h"
#include "gradroute/surgery.h"
#include "method/training.h"

static const gr_setting options[] = {
    {.key = "set", .help = "keys of the recipe that are others for this model", .kind = GR_SETTING_SETS},
    {.key = "labels", .help = "that routes go by", .kind = GR_SETTING_CHOICE, .choice = gr__views_labels},
    {.key = "without", .help = "documents that are not read", .kind = GR_SETTING_CHOICE, .choice = gr__views_without},
    {.key = "fresh",
     .help = "false: the regions put out nothing at first; true: they begin as they are drawn, as beside the core",
     .kind = GR_SETTING_BOOL},
    {0}};

/* ---- which regions ---- */

static bool has_region(const gr_arch_def *def, const char *name) {
    for (int i = 0; i < def->region_count; i++)
        if (!strcmp(def->regions[i].name, name))
            return true;
    return false;
}

/* Those of the recipe that the parent does not have: a new list of *count, whose names are the recipe's. Before there
 * is a parent, those that the recipe has beside a model that it goes on from. */
static gr_status new_regions(const char ***out, int *count, const gr_making *m, gr_error *err) {
    const gr_recipe *r = m->project->recipe;
    const char **names = gr_alloc(((size_t)r->model.region_count + 1) * sizeof *names);
    *count = 0;
    for (int i = m->parent ? 0 : gr_recipe_first_region(r); i < r->model.region_count; i++)
        if (!m->parent || !has_region(m->parent->bundle->def, r->model.regions[i].name))
            names[(*count)++] = r->model.regions[i].name;
    *out = names;
    if (*count > 0)
        return GR_OK;
    gr_free(names);
    return gr_error_set(err, GR_ERR_USAGE, m->name, "go on from a model without the regions: train {regions: out}",
                        m->parent ? "the parent has every region of the recipe" : "the recipe has no regions");
}

/* ---- what refuses it ---- */

/* Without routes nothing says which rows train a region, and labels within a document would cut it into pieces. */
static gr_status check_project(const gr_making *m, gr_error *err) {
    const gr_project *p = m->project;
    if (p->recipe->routes->count == 0)
        return gr_error_set(err, GR_ERR_USAGE, m->name, "give the recipe a preset or routes",
                            "no route says which rows train the regions");
    if (p->labels && p->labels->token_revealed)
        return gr_error_set(err, GR_ERR_USAGE, m->name, "label whole documents",
                            "rows that train no region are left out, and labels of tokens would cut documents");
    return gr__train_check(m, true, err);
}

static gr_status check(const gr_making *m, gr_error *err) {
    const char **names;
    int count;
    GR_TRY(check_project(m, err));
    if (m->parent && m->parent->off_count > 0)
        return gr_error_set(err, GR_ERR_USAGE, m->name, "take them out: ablate {how: remove}",
                            "the parent has regions that are off, and would be trained with them on");

    /* Regions to add, and a parent that they fit. */
    GR_TRY(new_regions(&names, &count, m, err));
    gr_free(names);
    return m->parent ? gr_surgery_fits(m->parent->bundle->def, &m->project->recipe->model, err) : GR_OK;
}

static gr_status digest(const gr_making *m, struct gr_digest *d, gr_error *err) {
    return gr__train_digest(m, true, d, err);
}

/* ---- making ---- */

/* The parent with the regions of the recipe, in weights of its own. */
static gr_status widen(gr_surgery_result *out, const gr_making *m, gr_error *err) {
    const gr_recipe *r = m->project->recipe;
    gr_surgery_expand_def how = {.fresh = gr_settings_get(m->settings, "fresh")->number != 0, .seed = r->seed};
    GR_TRY(gr_surgery_expand(out, m->parent->bundle->def, m->parent->bundle->model, &r->model, &how, err));
    gr_model_set_precision(out->model, r->precision);
    return GR_OK;
}

static gr_status make(gr_made *made, const gr_making *m, gr_error *err) {
    const char **names;
    int count;
    gr_surgery_result wide;
    gr__training own;
    *made = (gr_made){0};
    GR_TRY(check(m, err));
    GR_TRY(widen(&wide, m, err));

    /* Routes, batches, draws and schedule are those of training beside the core, in which all but the new regions is
     * closed. */
    gr_status status = new_regions(&names, &count, m, err);
    if (status == GR_OK) {
        status = gr__training_open_alone(&own, wide.model, m->project, m->settings, &(gr__alone){names, count}, m->name,
                                         gr__making_stop(m), err);
        gr_free(names);
    }
    if (status == GR_OK) {
        status = gr__train_model(made, m, wide.def, wide.model, &own, err);
        gr__training_close(&own);
    }
    gr_surgery_free(&wide);
    return status;
}

/* ---- before it is made ---- */

static gr_status draft(gr_made *made, const gr_making *m, gr_error *err) {
    gr_surgery_result wide;
    *made = (gr_made){0};
    GR_TRY(widen(&wide, m, err));
    gr_made_take(made, wide.def, wide.model, m->project->recipe->precision);
    return GR_OK;
}

static gr_status cost(gr_cost *cost, const gr_making *m, gr_made *draft, gr_timings *timings, gr_error *err) {
    const char **names;
    int count;
    GR_TRY(new_regions(&names, &count, m, err));
    gr_status status = gr__train_cost_alone(cost, m, draft, &(gr__alone){names, count}, timings, err);
    gr_free(names);
    return status;
}

/* Without routes it is refused. */
static bool routed(const gr_settings *settings) {
    (void)settings;
    return true;
}

const gr_method gr__method_sidecar = {
    .name = "sidecar",
    .help = "the recipe's regions added to a parent, and trained alone on the rows that routing would give them",
    .doing = "training regions alone",
    .revision = 1,
    .from = true,
    .sees = GR_SEES_ALL,
    .option = options,
    .recipe = gr__train_recipe,
    .routed = routed,
    .check = check,
    .digest = digest,
    .make = make,
    .draft = draft,
    .cost = cost,
};
