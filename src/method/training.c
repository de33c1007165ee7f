/* What a training takes: its network, its batches, its routes, its optimiser. */
#include "method/training.h"

#include <fnmatch.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/names.h"
#include "gradroute/surgery.h"
#include "task/project_stream.h"

/* ---- the network ---- */

/* Makes the network smaller by the regions under study that do not stay. Where they cannot be taken out it stays as it
 * is, and a note says so. */
static gr_status take_out_regions(gr_arch_def **def, gr_model **model, const gr_recipe *r,
                                  const gr_setting_value *regions, gr_error *err) {
    const char **names = gr_alloc(((size_t)(*def)->region_count + 1) * sizeof *names);
    int count = 0;
    for (int i = gr_recipe_first_region(r); i < (*def)->region_count; i++)
        if (!gr__has_text(regions->texts, regions->count, (*def)->regions[i].name))
            names[count++] = (*def)->regions[i].name;
    gr_surgery_result out;
    gr_error refused = {0};
    gr_status status = gr_surgery_remove(&out, *def, *model, names, count, &refused);
    gr_free(names);

    /* GR_ERR_USAGE says that a region cannot be taken out; anything else is a failure. */
    if (status != GR_OK && status != GR_ERR_USAGE)
        return gr_error_set(err, status, refused.place, refused.hint, "%s", refused.message);

    if (status == GR_OK) {
        gr_model_free(*model);
        gr_arch_free(*def);
        *def = out.def;
        *model = out.model;
    } else {
        gr_log_line(1, "the network keeps its full width: %s", refused.message);
    }
    return GR_OK;
}

/* Whether the parameters, with their gradients and moments, find no memory, so that no step can be taken. Of what
 * begins with a model on disk, or is of another task's making, that is not asked. */
static bool is_too_large(const gr_project *p) {
    const gr_recipe *r = p->recipe;
    gr_model *outline;
    if (p->task->network != gr_task_network || r->from.path || gr_arch_outline(&outline, &r->model, NULL) != GR_OK)
        return false;
    double need =
        2 * (double)gr_model_size(outline) * sizeof(gr_real) + (double)gr_optim_plan(outline, &r->train.optim);
    gr_model_free(outline);
    return need > gr_memory_free();
}

/* The network as it is trained: with all of its regions, or without those under study. */
static gr_status settle_network(gr_arch_def **def, gr_model **model, const gr_project *p, const gr_settings *settings,
                                gr_error *err) {
    const gr_setting_value *regions = gr_settings_get(settings, "regions");
    bool out = (regions->number != 0 || regions->count) && (*def)->region_count > 0;
    gr_status status = out ? take_out_regions(def, model, p->recipe, regions, err) : GR_OK;
    if (status != GR_OK) {
        gr_model_free(*model);
        gr_arch_free(*def);
    }
    return status;
}

gr_status gr__train_network(gr_arch_def **def, gr_model **model, const gr_project *p, const gr_settings *settings,
                            gr_error *err) {
    GR_TRY(p->task->network(def, model, p, err));
    return settle_network(def, model, p, settings, err);
}

gr_status gr__train_draft(gr_arch_def **def, gr_model **model, const gr_project *p, const gr_settings *settings,
                          gr_error *err) {
    if (!is_too_large(p))
        return gr__train_network(def, model, p, settings, err);
    GR_TRY(gr_arch_outline(model, &p->recipe->model, err));
    *def = gr_arch_copy(&p->recipe->model);
    return settle_network(def, model, p, settings, err);
}

/* ---- the optimiser ---- */

/* Whether a whole parameter belongs to a region. */
static bool owned_by_region(const gr_model *model, int p) {
    const gr_param_def *def = gr_model_param(model, p);
    for (int r = 0; r < gr_model_regions(model); r++)
        for (int i = 0; i < gr_model_region(model, r)->rects; i++) {
            gr_rect rect = gr_model_region(model, r)->rect[i];
            if (rect.param == p && rect.lo0 == 0 && rect.lo1 == 0 && rect.hi0 == def->rows && rect.hi1 == def->cols)
                return true;
        }
    return false;
}

/* Optimiser groups that hold for this training. A group of nothing but regions' own parameters is a setting of the
 * routing: without routes it does not hold, or the model would be handicapped by a rate chosen for routing. */
static int groups_of(gr_optim_group *out, const gr_optim_def *def, const gr_model *model, bool routed) {
    int count = 0;
    for (int i = 0; i < def->groups; i++) {
        bool holds = routed;
        for (int p = 0; p < gr_model_params(model) && !holds; p++)
            holds =
                !owned_by_region(model, p) && fnmatch(def->group[i].pattern, gr_model_param(model, p)->name, 0) == 0;
        if (holds)
            out[count++] = def->group[i];
    }
    return count;
}

/* ---- all of it ---- */

void gr__training_close(gr__training *t) {
    gr_free(t->group);
    gr_router_free(t->router);
    gr_stream_free(t->stream);
    gr__shown_close(&t->shown);
}

/* As the recipe says, for every model alike; diagnostics are of those that are watched. */
static void fill_def(gr__training *t, gr_model *model, bool routed, const char *name) {
    const gr_project *p = &t->shown.project;
    const gr_recipe *r = p->recipe;
    gr_train_def *def = &t->def;
    *def = gr_train_default();

    /* Of what it is made. */
    def->model = model;
    def->stream = t->stream;
    def->router = t->router;
    def->labels = p->labels;
    def->optim = r->train.optim;
    def->optim.group = t->group;
    def->optim.groups = groups_of(t->group, &r->train.optim, model, routed);

    /* How much, and from which draws. */
    def->rows = r->train.batch;
    def->width = r->data.context;
    def->micro = r->train.micro;
    def->recompute = r->train.recompute;
    def->steps = r->train.steps;
    def->seed = r->seed;
    def->threads = r->threads;

    /* What is said of it and kept. */
    def->name = name;
    def->checkpoint_every = r->train.checkpoint;
    def->checkpoint_share = r->train.checkpoint_share;
    def->digest = p->digest;
    def->heldout = (gr_heldout_def){r->diagnostics.heldout, p->data, r->split_seed};
    if (t->watched)
        def->diagnostics = (gr_diagnostics_def){r->diagnostics.every, r->diagnostics.probe, p->data, r->split_seed};
}

/* What is read, as it is shown, and by which routes. */
static gr_status open_parts(gr__training *t, const gr_model *model, bool routed, bool fill, const gr__alone *alone,
                            gr_error *err) {
    const gr__shown *shown = &t->shown;
    const gr_recipe *r = shown->project.recipe;
    const gr__read_def read = {shown->drop, shown->drops, shown->by_truth, shown->spared, fill};
    GR_TRY(gr__project_stream(&t->stream, &shown->project, &read, err));
    if (alone)
        return gr_router_new_alone(&t->router, model, r->routes, alone->name, alone->count, r->seed, err);
    return routed && r->routes->count > 0 ? gr_router_new(&t->router, model, r->routes, r->seed, err) : GR_OK;
}

static gr_status open_training(gr__training *out, gr_model *model, const gr_project *p, const gr_settings *settings,
                               bool routed, bool fill, const gr__alone *alone, const char *name,
                               const volatile sig_atomic_t *stop, gr_error *err) {
    GR_TRY(gr__shown_open(&out->shown, p, settings, stop, err));
    gr_status status = open_parts(out, model, routed, fill, alone, err);
    if (status != GR_OK) {
        gr__training_close(out);
        return status;
    }

    out->group = gr_alloc(((size_t)p->recipe->train.optim.groups + 1) * sizeof *out->group);
    fill_def(out, model, routed, name);
    return GR_OK;
}

gr_status gr__training_open(gr__training *out, gr_model *model, const gr_project *p, const gr_settings *settings,
                            const char *name, const volatile sig_atomic_t *stop, gr_error *err) {
    *out = (gr__training){.watched = gr__train_watched(settings)};
    const bool fill = gr_settings_get(settings, "fill")->number != 0;
    return open_training(out, model, p, settings, gr__train_routed(settings), fill, NULL, name, stop, err);
}

gr_status gr__training_open_alone(gr__training *out, gr_model *model, const gr_project *p, const gr_settings *settings,
                                  const gr__alone *alone, const char *name, const volatile sig_atomic_t *stop,
                                  gr_error *err) {
    *out = (gr__training){0};
    return open_training(out, model, p, settings, true, false, alone, name, stop, err);
}
