/* plan_experiment.c - how many models, measurements and attacks an experiment comes to, as the lab that would make them
 * counts them; and how long those that are not done take. */
#include "plan_experiment.h"

#include <math.h>
#include <omp.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "gradroute/experiment.h"
#include "io/yaml.h"
#include "lab/claims.h"
#include "screen.h"

gr_status gr__is_experiment(bool *is, const char *name_or_file, gr_error *err) {
    gr_yaml *root;
    *is = true;
    if (!strpbrk(name_or_file, "/.") && access(name_or_file, F_OK) != 0)
        return GR_OK;
    GR_TRY(gr_yaml_open(&root, name_or_file, err));
    *is = gr__yaml_child(root, "experiment") != NULL;
    gr_yaml_free(root);
    return GR_OK;
}

/* ---- what is left of it ---- */

double gr__planned_seconds(const gr_plan *p) { return p->training + p->measuring + p->attacking; }

/* What takes less, by what there is too much of. */
static char *smaller(const gr_plan_arm *a, double free) {
    const gr_memory *m = &a->model.memory;
    const double fixed = (double)(m->parameters + m->gradients + a->model.optimiser);
    char bytes[32];
    if (fixed < free)
        return gr_strdup("activations grow with the rows of a step: set train.recompute=true, or a smaller train.micro "
                         "(or train.batch)");
    return gr_format("parameters, gradients and moments alone take %s: use a smaller model.width or fewer model.layers",
                     gr__text_bytes(bytes, fixed));
}

gr_status gr__plan_fits(const gr_plan *p, const char *place, gr_error *err) {
    const double free = gr_memory_free();
    const gr_plan_arm *most = NULL;
    char need[32], have[32];
    for (int i = 0; i < p->arms; i++) {
        const gr_plan_arm *a = &p->arm[i];
        const bool fits = !a->model.steps || isfinite(a->model.timing.seconds);
        if (!fits && (!most || a->model.memory.total > most->model.memory.total))
            most = a;
    }
    if (!most)
        return GR_OK;

    /* The largest alone: the others come with it. */
    char *hint = smaller(most, free);
    gr_error_set(err, GR_ERR_MEMORY, place, hint, "%s takes %s of memory to train, and %s are free", most->name,
                 gr__text_bytes(need, (double)(most->model.memory.total + most->model.optimiser)),
                 gr__text_bytes(have, free));
    gr_free(hint);
    return GR_ERR_MEMORY;
}

/* Times are too long where others worked on the machine: the least that a model got. */
void gr__print_plan_cores(const gr_plan *p, int threads) {
    double least = INFINITY;
    for (int i = 0; i < p->arms; i++)
        if (p->arm[i].model.steps)
            least = fmin(least, p->arm[i].model.timing.cores); /* leaves NaN out */
    const char *cores = gr__text_cores((char[48]){0}, least, threads);
    if (*cores)
        printf("note: %s while timing: %s\n", cores, GR__CORES_HINT);
}

static void print_cost(const char *name, int count, int done, int committed, double flops, double seconds) {
    char clock[32] = "not known", operations[32];
    if (isfinite(seconds))
        gr__text_time(clock, seconds);
    gr__print(operations, sizeof operations, "%.3g", flops);
    printf("  %-24s %6d %6d %9d %10s %10s\n", name, count, done, committed, operations, clock);
}

/* Cells by arm, what arms share under the first of them; operations and time of what is not done. */
static void print_costs(const gr_plan *p, int jobs) {
    const int threads = omp_get_max_threads();
    char clock[32];
    printf("\n  %-24s %6s %6s %9s %10s %10s\n", "cells of", "all", "done", "committed", "operations", "time");
    for (int i = 0; i < p->arms; i++) {
        const gr_plan_arm *a = &p->arm[i];
        print_cost(a->name, a->all.cells, a->done, a->committed, a->flops, a->training + a->measuring + a->attacking);
    }
    print_cost("(all, data too)", p->all.cells, p->done, p->committed, p->flops, gr__planned_seconds(p));

    /* In hours of a person. */
    if (isfinite(gr__planned_seconds(p))) {
        printf("%s on %d %s, at the speed of steps timed now", gr__text_time(clock, gr__planned_seconds(p)), threads,
               gr__plural(threads, "thread", "threads"));
        if (jobs > 1)
            printf("; by %d processes about %s", jobs, gr__text_time(clock, gr__planned_seconds(p) / jobs));
        printf("\n");
    }
    gr__print_plan_cores(p, threads);
}

static json_t *cost_json(const gr_plan_arm *a) {
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "name", a->name, "cells", a->all.cells,
                     "uses", a->all.uses, "done", a->done, "committed", a->committed, "trained", a->trained, "flops",
                     gr__json_real(a->flops), "minutes",
                     gr__json_real((a->training + a->measuring + a->attacking) / 60), "training_minutes",
                     gr__json_real(a->training / 60), "measuring_minutes", gr__json_real(a->measuring / 60),
                     "attack_minutes", gr__json_real(a->attacking / 60));
}

/* minutes: of one process after the other; jobs_minutes: of so many at once. */
static void add_costs(json_t *plan, const gr_plan *p, int jobs) {
    json_t *list = json_array();
    for (int i = 0; i < p->arms; i++)
        json_array_append_new(list, cost_json(&p->arm[i]));
    json_t *costs =
        json_pack("{s:o, s:i, s:i, s:o, s:o, s:o, s:i, s:i}", "costs", list, "done", p->done, "committed", p->committed,
                  "flops", gr__json_real(p->flops), "minutes", gr__json_real(gr__planned_seconds(p) / 60),
                  "jobs_minutes", gr__json_real(gr__planned_seconds(p) / 60 / jobs), "jobs", jobs, "timed", p->timed);
    json_object_update(plan, costs);
    json_decref(costs);
}

/* ---- what there is ---- */

/* A number of cells or of uses, by kind. */
static json_t *counts_json(const gr_plan *p, bool uses) {
#define OF(count) (uses ? (count).uses : (count).cells)
    return json_pack("{s:i, s:i, s:i, s:i, s:i}", "data", OF(p->data), "models", OF(p->models), "measures",
                     OF(p->measures), "attacks", OF(p->attacks), "all", OF(p->all));
#undef OF
}

/* Arms, also those that do not run. */
static json_t *arms_json(const gr_experiment *e, const gr_plan *p) {
    json_t *arms = json_array();
    for (int i = 0, row = 0; i < e->arms; i++) {
        static const gr_plan_arm nothing;
        const gr_arm *arm = &e->arm[i];
        bool runs = row < p->arms && !strcmp(p->arm[row].name, arm->name);
        const gr_plan_arm *a = runs ? &p->arm[row++] : &nothing;
        json_array_append_new(arms, json_pack("{s:s, s:s, s:s?, s:i, s:i, s:i, s:i}", "name", arm->name, "method",
                                              arm->method->name, "from", arm->from ? arm->from->name : NULL, "points",
                                              a->points, "values", gr_experiment_knobs(e, i), "models", a->models.cells,
                                              "uses", a->models.uses));
    }
    return arms;
}

/* Points, by the values of their axes. */
static json_t *points_json(const gr_experiment *e) {
    json_t *points = json_array();
    for (int point = 0; point < gr_experiment_points(e); point++) {
        json_t *values = json_object();
        for (int i = 0; i < e->axes; i++)
            json_object_set_new(values, e->axis[i].name,
                                json_string(e->axis[i].value[gr_experiment_value(e, point, i)]));
        json_array_append_new(points, values);
    }
    return points;
}

static void print_json(const gr_experiment *e, const gr_plan *p, int jobs) {
    json_t *plan = json_pack("{s:s, s:s?, s:i, s:o, s:o, s:o, s:o}", "experiment", e->name, "preset", e->preset,
                             "seeds", p->seeds, "points", points_json(e), "arms", arms_json(e, p), "cells",
                             counts_json(p, false), "uses", counts_json(p, true));

    /* What its seeds can tell of claims, in standard deviations. */
    double half = gr_half_width(p->seeds);
    json_object_set_new(plan, "claims", json_integer(e->claims));
    json_object_set_new(plan, "half_width", isnan(half) ? json_null() : json_real(half));
    add_costs(plan, p, jobs);
    gr__print_json(plan);
}

/* How far from their mean the seeds leave a claim open. */
static void print_claims(const gr_experiment *e, int seeds) {
    char half[32];
    printf("\n%d %s", e->claims, gr__plural(e->claims, "claim", "claims"));
    gr__print(half, sizeof half, "%.2f", gr_half_width(seeds));
    if (seeds > 1)
        printf(": over %d seeds the interval is the mean -+ %s standard deviations", seeds, half);
    if (seeds < GR__CLAIM_SEEDS)
        printf("%s %d %s too few, it takes %d", seeds > 1 ? ";\n" : ":", seeds,
               gr__plural(seeds, "seed is", "seeds are"), GR__CLAIM_SEEDS);
    printf("\n");
}

/* "  24 models in 30 uses", or "  30 models" where none is used twice. */
static void print_count(gr_plan_count count, const char *one, const char *many) {
    char number[32];
    if (count.uses == 0)
        return;
    printf("  %s %s", gr__text_count(number, count.cells), gr__plural(count.cells, one, many));
    if (count.uses > count.cells)
        printf(" in %s uses", gr__text_count(number, count.uses));
    printf("\n");
}

/* All cells, then those of each kind. */
static void print_counts(const gr_plan *p) {
    char cells[32], uses[32];
    printf("\n%s %s in %s uses", gr__text_count(cells, p->all.cells), gr__plural(p->all.cells, "cell", "cells"),
           gr__text_count(uses, p->all.uses));
    printf(p->all.uses > p->all.cells ? "; what several arms, points or seeds share is made once:\n" : ":\n");
    print_count(p->data, "of data", "of data");
    print_count(p->models, "model", "models");
    print_count(p->measures, "measurement", "measurements");
    print_count(p->attacks, "attack", "attacks");
}

/* What it is made at: a line for each axis. */
static void print_points(const gr_experiment *e, int seeds) {
    printf("experiment %s%s%s\n", e->name, e->preset ? ", preset " : "", e->preset ? e->preset : "");
    for (int i = 0; i < e->axes; i++) {
        printf("  axis %s:", e->axis[i].name);
        for (int v = 0; v < e->axis[i].runs; v++)
            printf(" %s", e->axis[i].value[e->axis[i].run[v]]);
        printf("\n");
    }
    printf("  %d %s, %d %s\n", gr_experiment_points(e), gr__plural(gr_experiment_points(e), "point", "points"), seeds,
           gr__plural(seeds, "seed", "seeds"));
}

/* A line for each axis, and for each arm that is made somewhere. */
static void print_text(const gr_experiment *e, const gr_plan *p, int jobs) {
    char models[32], uses[32];
    print_points(e, p->seeds);

    printf("\n  %-24s %-12s %7s %7s %8s %8s\n", "arm", "by", "points", "values", "models", "uses");
    for (int i = 0, row = 0; i < e->arms; i++) {
        if (row >= p->arms || strcmp(p->arm[row].name, e->arm[i].name) != 0)
            continue;
        const gr_plan_arm *a = &p->arm[row++];
        if (a->points > 0)
            printf("  %-24s %-12s %7d %7d %8s %8s\n", a->name, e->arm[i].method->name, a->points,
                   gr_experiment_knobs(e, i), gr__text_count(models, a->models.cells),
                   gr__text_count(uses, a->models.uses));
    }

    /* All of it, and what it takes. */
    print_counts(p);
    print_costs(p, jobs);
    if (e->claims > 0)
        print_claims(e, p->seeds);
}

/* ---- all of it ---- */

gr_status gr__time_experiment(const gr__common *common, const gr__experiment_choice *choice, gr_error *err) {
    char *folder = gr__run_folder(common);
    gr_control control = {.threads = common->threads};
    gr_lab *lab;
    gr_plan p = {0};
    int jobs = choice->jobs ? choice->jobs : 1;
    gr_lab_def def = {.experiment = common->input,
                      .preset = choice->preset,
                      .base = choice->base,
                      .set = common->set.at,
                      .sets = common->set.count,
                      .arm = choice->arm.at,
                      .arms = choice->arm.count,
                      .seeds = choice->seeds,
                      .folder = folder};

    /* Opening it writes nothing: cells have their keys then, and what is done of them is known. */
    gr_status status = gr_lab_open(&lab, &def, &control, err);
    if (status == GR_OK)
        status = gr_plan_new(&p, lab, &control, err);
    if (status == GR_OK && common->json)
        print_json(gr_lab_experiment(lab), &p, jobs);
    else if (status == GR_OK)
        print_text(gr_lab_experiment(lab), &p, jobs);
    if (status == GR_OK)
        status = gr__plan_fits(&p, common->input, err);
    gr_plan_free(&p);
    gr_lab_free(lab);
    gr_free(folder);
    return status;
}
