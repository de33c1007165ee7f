/* What a training would take: memory and operations from the compiled network, time from a few of its steps. */
#include "base/mem.h"
#include "measure/timings.h"
#include "method/training.h"

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

/* Steps of a training that is matched to another one. */
static gr_status matched_steps(int64_t *steps, const gr_making *m, gr_model *model, gr_error *err) {
    gr__training own;
    GR_TRY(gr__training_open(&own, model, m->project, m->settings, m->name, gr__making_stop(m), err));
    gr_status status = gr__training_match(&own, m->settings, err);
    *steps = own.def.steps;
    gr__training_close(&own);
    return status;
}

/* Where regions train alone a part of the rows is shown, and what their gradients do not need is not computed: what is
 * left is counted from all rows, as it is for the rows of the model. */
static gr_status count_alone(gr_cost *cost, const gr_making *m, gr_model *model, const gr__alone *alone,
                             gr_error *err) {
    gr__training own;
    gr_tally tally;
    GR_TRY(gr__training_open_alone(&own, model, m->project, m->settings, alone, m->name, gr__making_stop(m), err));
    gr_status status = gr_train_tally(&tally, &own.def, err);
    if (status == GR_OK) {
        cost->tokens = tally.all.tokens;
        cost->flops = tally.all.flops;
        gr_tally_free(&tally);
    }
    gr__training_close(&own);
    return status;
}

/* What training holds in memory, and what it multiplies. */
static gr_status add_sizes(gr_cost *cost, const gr_making *m, const gr_made *draft, const gr__alone *alone,
                           gr_error *err) {
    const gr_project *p = m->project;
    const gr_recipe *r = p->recipe;
    gr_model *model = draft->bundle->model;
    gr_router *router = NULL;
    cost->steps = r->train.steps;
    if (!alone && gr__train_matched(m->settings))
        GR_TRY(matched_steps(&cost->steps, m, model, err));
    if (alone)
        GR_TRY(gr_router_new_alone(&router, model, r->routes, alone->name, alone->count, r->seed, err));
    else if (gr__train_routed(m->settings) && r->routes->count > 0)
        GR_TRY(gr_router_new(&router, model, r->routes, r->seed, err));

    int rows = r->train.micro ? r->train.micro : r->train.batch;
    gr_run_def run = {.positions = rows * r->data.context, .train = true, .precision = r->precision};
    run.recompute = r->train.recompute;
    cost->memory = gr_run_plan(model, router ? gr_router_tables(router) : NULL, &run);
    add_measuring(&cost->memory, model, p, !alone && router && gr__train_watched(m->settings));
    cost->optimiser = gr_optim_plan(model, &r->train.optim);
    cost->tokens = cost->steps * (int64_t)r->train.batch * r->data.context;
    cost->flops = 3 * gr_model_flops(model) * (double)cost->tokens; /* backward: twice forward */
    gr_router_free(router);
    return alone ? count_alone(cost, m, model, alone, err) : GR_OK;
}

/* Routes close work, so steps with them have a time of their own. */
static gr_status add_time(gr_cost *cost, const gr_making *m, gr_made *draft, const gr__alone *alone,
                          gr_timings *timings, gr_error *err) {
    const bool routed = !alone && gr__train_routed(m->settings) && m->project->recipe->routes->count > 0;
    gr_model *model = draft->bundle->model;
    char *of = gr__timing_name(alone    ? "step of regions alone"
                               : routed ? "routed step"
                                        : "step",
                               model, m->project->recipe);
    gr_status status = GR_OK;
    if (!gr_timings_find(&cost->timing, timings, of)) {
        status = gr__time_training(&cost->timing, model, m->project, m->settings, alone, err);
        if (status == GR_OK)
            gr_timings_put(timings, of, cost->timing);
    }
    gr_free(of);
    cost->seconds = (double)cost->steps * cost->timing.seconds;
    return status;
}

gr_status gr__train_cost_alone(gr_cost *cost, const gr_making *m, gr_made *draft, const gr__alone *alone,
                               gr_timings *timings, gr_error *err) {
    *cost = (gr_cost){0};
    GR_TRY(add_sizes(cost, m, draft, alone, err));
    return add_time(cost, m, draft, alone, timings, err);
}

gr_status gr__train_cost(gr_cost *cost, const gr_making *m, gr_made *draft, gr_timings *timings, gr_error *err) {
    return gr__train_cost_alone(cost, m, draft, NULL, timings, err);
}
