/* What an experiment would take: cells by arm, and the time and operations of those that are not done. */
#include <string.h>

#include "base/mem.h"
#include "lab/costs.h"

/* ---- networks ---- */

typedef struct planner {
    gr_plan *plan;
    gr_lab *lab;
    int *row; /* [arms of the experiment] of the plan; -1: it does not run */
} planner;

/* The first network of an arm: its regions, and how many numbers they have. */
static void keep_network(void *user, const gr__use *use, const gr_made *draft, const gr_cost *cost) {
    planner *p = user;
    gr_plan_arm *arm = &p->plan->arm[p->row[use->arm]];
    const gr_arch_def *def = draft->bundle->def;
    if (arm->parameters || cost->steps == 0)
        return;

    arm->model = *cost;
    arm->parameters = gr_alloc(((size_t)def->region_count + 1) * sizeof *arm->parameters);
    if (gr_arch_parameters(def, &arm->core, arm->parameters, NULL) != GR_OK)
        return;
    arm->region = gr_alloc(((size_t)def->region_count + 1) * sizeof *arm->region);
    for (; arm->regions < def->region_count; arm->regions++)
        arm->region[arm->regions] = gr_strdup(def->regions[arm->regions].name);
}

/* ---- sums ---- */

/* One use more, and perhaps the first of its cell. */
static void add(gr_plan_count *count, bool first) {
    count->uses++;
    count->cells += first;
}

/* Counts a use in all, by its kind and for its arm. */
static void add_use(gr_plan *plan, gr_plan_arm *arm, const gr__use *use, bool first) {
    gr_plan_count *const kind[] = {[GR_CELL_DATA] = &plan->data,
                                   [GR_CELL_MODEL] = &plan->models,
                                   [GR_CELL_MEASURE] = &plan->measures,
                                   [GR_CELL_ATTACK] = &plan->attacks};
    add(&plan->all, first);
    add(kind[use->kind], first);
    if (!arm)
        return;

    /* A point has one model of the first seed and the first value of a knob. */
    add(&arm->all, first);
    if (use->kind == GR_CELL_MODEL) {
        add(&arm->models, first);
        arm->points += use->seed == 0 && use->knob == 0;
    }
}

/* Counts a cell by how far it is, in all and for its arm. */
static void add_state(gr_plan *plan, gr_plan_arm *arm, gr_cell_state state) {
    const bool done = state == GR_CELL_DONE || state == GR_CELL_DIVERGED, committed = state == GR_CELL_COMMITTED;
    plan->done += done;
    plan->committed += committed;
    if (arm) {
        arm->done += done;
        arm->committed += committed;
    }
}

/* Adds time and work of a cell, in all and for its arm. */
static void add_cost(gr_plan *plan, gr_plan_arm *arm, gr_cell_kind kind, const gr_cost *cost) {
    double *const of[][2] = {[GR_CELL_MODEL] = {&arm->training, &plan->training},
                             [GR_CELL_MEASURE] = {&arm->measuring, &plan->measuring},
                             [GR_CELL_ATTACK] = {&arm->attacking, &plan->attacking}};
    *of[kind][0] += cost->seconds;
    *of[kind][1] += cost->seconds;
    arm->flops += cost->flops;
    plan->flops += cost->flops;
    arm->trained += cost->steps > 0;
}

/* Adds up all uses, and with the first use of a cell that cell; data are of no arm. */
static void add_up(planner *p, const gr_cost *cost) {
    const gr__cells *cells = p->lab->cells;
    for (int u = 0; u < cells->uses; u++) {
        const gr__use *use = &cells->use[u];
        const gr__lab_cell *cell = &cells->cell[use->cell];
        gr_plan_arm *arm = use->arm >= 0 ? &p->plan->arm[p->row[use->arm]] : NULL;
        add_use(p->plan, arm, use, cell->use == u);

        /* What it takes is counted once. */
        if (cell->use == u)
            add_state(p->plan, arm, cell->known.state);
        if (cell->use == u && arm)
            add_cost(p->plan, arm, use->kind, &cost[use->cell]);
    }
}

/* ---- the whole ---- */

/* A row of the plan for each arm that runs. */
static void list_arms(planner *p) {
    const gr_experiment *e = p->lab->experiment;
    gr_plan *plan = p->plan;
    plan->arm = gr_alloc((size_t)(e->arms + 1) * sizeof *plan->arm);
    for (int i = 0; i < e->arms; i++) {
        p->row[i] = gr__lab_runs(p->lab, i) ? plan->arms++ : -1;
        if (p->row[i] >= 0)
            plan->arm[p->row[i]] = (gr_plan_arm){.name = gr_strdup(e->arm[i].name),
                                                 .from = e->arm[i].from ? p->row[e->arm[i].from - e->arm] : -1};
    }
}

gr_status gr_plan_new(gr_plan *plan, gr_lab *lab, const gr_control *control, gr_error *err) {
    const size_t cells = (size_t)lab->cells->cells + 1;
    planner p = {plan, lab, gr_alloc((size_t)(lab->experiment->arms + 1) * sizeof(int))};
    *plan = (gr_plan){.seeds = lab->seeds};
    list_arms(&p);

    /* What is still to be made, and what that takes. */
    bool *left = gr_alloc(cells);
    gr_cost *cost = gr_alloc(cells * sizeof *cost);
    gr_timings *timings = gr_timings_new();
    gr__costing costing = {
        .lab = lab, .wanted = left, .cost = cost, .timings = timings, .drafted = keep_network, .user = &p};
    gr__cells_left(lab->cells, left);
    gr_status status = gr__lab_costs(&costing, control, err);
    if (status == GR_OK)
        add_up(&p, cost);
    plan->timed = gr_timings_count(timings);
    gr_timings_free(timings);
    gr_free(cost);
    gr_free(left);
    gr_free(p.row);
    if (status != GR_OK)
        gr_plan_free(plan);
    return status;
}

void gr_plan_free(gr_plan *plan) {
    for (int i = 0; i < plan->arms; i++) {
        gr_plan_arm *arm = &plan->arm[i];
        for (int k = 0; k < arm->regions; k++)
            gr_free(arm->region[k]);
        gr_free(arm->name);
        gr_free(arm->region);
        gr_free(arm->parameters);
    }
    gr_free(plan->arm);
    *plan = (gr_plan){0};
}

const gr_project *gr_lab_project(const gr_lab *lab) { return lab->project; }
const gr_experiment *gr_lab_experiment(const gr_lab *lab) { return lab->experiment; }
