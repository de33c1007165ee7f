/* What a run would cost: memory and operations from the compiled network, time from a few of its steps. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/lab.h"
#include "lab/estimate.h"

/* The share of a matrix that a row is multiplied by: of experts those that it uses. */
static double used(const gr_model *model, const gr_arch_def *def, const gr_param_def *d) {
    int layer = 0, end = 0;
    if ((!def->experts && !def->layer_experts) || sscanf(d->name, "layers.%d.mlp.%n", &layer, &end) != 1 || !end)
        return 1;
    char *name = gr_format("layers.%d.mlp.router", layer);
    gr_param router = gr_model_find(model, name);
    gr_free(name);
    if (router == GR_NONE || !strcmp(d->name + end, "router"))
        return 1;
    double experts = gr_model_param(model, router)->rows;
    return def->top < experts ? def->top / experts : 1;
}

/* Numbers of the matrices that every row is multiplied by: everything but vectors and tables that are only looked up.
 */
static double multiplied(const gr_model *model, const gr_arch_def *def) {
    double n = 0;
    for (int p = 0; p < gr_model_params(model); p++) {
        const gr_param_def *d = gr_model_param(model, p);
        size_t length = strlen(d->name);
        bool output = length >= 7 && strcmp(d->name + length - 7, "unembed") == 0;
        bool embed = length >= 5 && strcmp(d->name + length - 5, "embed") == 0 && !output;
        if (d->kind == GR_KIND_WEIGHT || output || (embed && def->tied))
            n += used(model, def, d) * (double)d->rows * d->cols;
    }
    return n;
}

/* Regions that can be switched off are measured twice. */
static gr_status add_times(gr_plan *plan, gr_model *model, const gr_project *project, gr_arm_kind kind, gr_error *err) {
    gr__audit_costs costs;
    GR_TRY(gr_arm_time(&plan->timing, model, project, kind, err));
    GR_TRY(gr__audit_costs_time(&costs, model, project, plan->timing.rows, err));
    plan->measuring = costs.evaluation * (kind == GR_ARM_ROUTED ? 2 : 1);
    plan->relearning = costs.relearning;
    return GR_OK;
}

/* Losses of held-out text while training, and those with each region off, have runs of their own. */
static void add_measuring(gr_memory *memory, const gr_model *model, const gr_project *project, bool routed) {
    const gr_recipe *r = project->recipe;
    gr_heldout_def heldout = {.every = r->diagnostics.heldout, .data = project->data};
    gr_diagnostics_def regions = {.every = r->diagnostics.every, .probe = r->diagnostics.probe, .data = project->data};

    size_t bytes = gr_heldout_plan(model, &heldout, r->train.batch, r->data.context);
    if (routed && r->labels)
        bytes += gr_diagnostics_plan(model, &regions, project->labels, r->data.context);
    memory->activations += bytes;
    memory->total += bytes;
}

gr_status gr_plan_new(gr_plan *plan, const gr_project *project, gr_arm_kind kind, gr_error *err) {
    const gr_recipe *r = project->recipe;
    gr_arch_def *def;
    gr_model *model;
    gr_router *router = NULL;
    *plan = (gr_plan){.steps = r->train.steps, .tokens_per_step = (int64_t)r->train.batch * r->data.context};
    GR_TRY(gr_arm_build(&def, &model, project, kind, err));
    gr_status status = GR_OK;
    if (kind == GR_ARM_ROUTED && r->routes->count > 0)
        status = gr_router_new(&router, model, r->routes, r->seed, err);
    if (status == GR_OK) {
        size_t *regions = gr_alloc(((size_t)def->region_count + 1) * sizeof *regions);
        status = gr_arch_parameters(def, &plan->core, regions, err);
        for (int i = 0; i < def->region_count; i++)
            plan->region += regions[i];
        gr_free(regions);
        int rows = r->train.micro ? r->train.micro : r->train.batch;
        gr_run_def run = {.rows = rows * r->data.context, .train = true, .precision = r->precision};
        run.recompute = r->train.recompute;
        plan->memory = gr_run_plan(model, router ? gr_router_tables(router) : NULL, &run);
        add_measuring(&plan->memory, model, project, router != NULL);
        plan->optimiser = gr_optim_plan(model, &r->train.optim);
        plan->flops_per_step = 6 * multiplied(model, def) * (double)plan->tokens_per_step;
        gr_model_set_precision(model, r->precision);
        if (status == GR_OK)
            status = add_times(plan, model, project, kind, err);
    }
    gr_router_free(router);
    gr_model_free(model);
    gr_arch_free(def);
    return status;
}
