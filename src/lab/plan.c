/* plan.c - what a run would cost: memory and operations from the compiled network, time from a few of its steps. */
#include "base/mem.h"
#include "gradroute/lab.h"
#include "lab/arms.h"
#include "lab/estimate.h"
#include "method/training.h"

/* Regions that can be switched off are measured twice. */
static gr_status add_times(gr_plan *plan, gr_model *model, const gr_project *project, int arm,
                           const gr_settings *settings, gr_error *err) {
    gr__audit_costs costs;
    GR_TRY(gr_train_time(&plan->timing, model, project, settings, err));
    GR_TRY(gr__audit_costs_time(&costs, model, project, plan->timing.rows, err));
    plan->measuring = costs.evaluation * (arm == GR__ARM_ROUTED ? 2 : 1);
    plan->relearning = costs.relearning;
    return GR_OK;
}

/* Losses of held-out text while training, and those with each region off, have runs of their own. */
static void add_measuring(gr_memory *memory, const gr_model *model, const gr_project *project, bool watched) {
    const gr_recipe *r = project->recipe;
    gr_heldout_def heldout = {.every = r->diagnostics.heldout, .data = project->data};
    gr_diagnostics_def regions = {.every = r->diagnostics.every, .probe = r->diagnostics.probe, .data = project->data};

    size_t bytes = gr_heldout_plan(model, &heldout, r->train.batch, r->data.context);
    if (watched && r->labels)
        bytes += gr_diagnostics_plan(model, &regions, project->labels, r->data.context);
    memory->activations += bytes;
    memory->total += bytes;
}

/* Numbers of the core and of all regions. */
static gr_status add_parameters(gr_plan *plan, const gr_arch_def *def, gr_error *err) {
    size_t *regions = gr_alloc(((size_t)def->region_count + 1) * sizeof *regions);
    gr_status status = gr_arch_parameters(def, &plan->core, regions, err);
    for (int i = 0; i < def->region_count; i++)
        plan->region += regions[i];
    gr_free(regions);
    return status;
}

/* Of a network that is there. */
static gr_status fill(gr_plan *plan, gr_model *model, const gr_arch_def *def, const gr_project *project, int arm,
                      const gr_settings *settings, gr_error *err) {
    const gr_recipe *r = project->recipe;
    gr_router *router = NULL;
    GR_TRY(add_parameters(plan, def, err));
    if (gr__train_routed(settings) && r->routes->count > 0)
        GR_TRY(gr_router_new(&router, model, r->routes, r->seed, err));

    /* What training holds in memory, and what a step multiplies. */
    int rows = r->train.micro ? r->train.micro : r->train.batch;
    gr_run_def run = {.rows = rows * r->data.context, .train = true, .precision = r->precision};
    run.recompute = r->train.recompute;
    plan->memory = gr_run_plan(model, router ? gr_router_tables(router) : NULL, &run);
    add_measuring(&plan->memory, model, project, router && gr__train_watched(settings));
    plan->optimiser = gr_optim_plan(model, &r->train.optim);
    plan->flops_per_step = 3 * gr_model_flops(model) * (double)plan->tokens_per_step; /* backward: twice forward */
    gr_router_free(router);

    gr_model_set_precision(model, r->precision);
    return add_times(plan, model, project, arm, settings, err);
}

/* What training of one model takes. */
static gr_status plan_arm(gr_plan *plan, const gr_project *project, int arm, const gr_settings *settings,
                          gr_error *err) {
    gr_arch_def *def;
    gr_model *model;
    GR_TRY(gr__train_network(&def, &model, project, settings, err));
    gr_status status = fill(plan, model, def, project, arm, settings, err);
    gr_model_free(model);
    gr_arch_free(def);
    return status;
}

gr_status gr_plan_new(gr_plan *plan, const gr_project *project, const char *name, gr_error *err) {
    const gr_recipe *r = project->recipe;
    int arm = gr__arm_named(name);
    *plan = (gr_plan){.steps = r->train.steps, .tokens_per_step = (int64_t)r->train.batch * r->data.context};
    if (arm < 0)
        return gr_error_set(err, GR_ERR_USAGE, "plan", NULL, "an audit has no model '%.100s'", name);

    gr_settings *settings;
    GR_TRY(gr__arm_settings(&settings, arm, err));
    gr_status status = plan_arm(plan, project, arm, settings, err);
    gr_settings_free(settings);
    return status;
}
