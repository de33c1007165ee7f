/* plan_experiment.c - how many models, measurements and attacks an experiment comes to, by its arms, points and seeds;
 * and how long those that are not done take. */
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

/* What one arm comes to, over all points. */
typedef struct arm_sum {
    int points;
    int64_t models;
} arm_sum;

/* All of it; counts are of every point and seed. */
typedef struct sums {
    bool *runs;   /* [arms] */
    arm_sum *arm; /* [arms] */
    gr_experiment_counts count;
    int64_t data;
} sums;

/* Which arms run, by the facts of a recipe, and by names if there are any. */
static gr_status select_arms(sums *s, const gr_experiment *e, const gr_recipe *recipe,
                             const gr__experiment_choice *choice, gr_error *err) {
    const char *fact[GR_FACTS];
    gr_selection how = {.fact = fact,
                        .facts = gr_experiment_facts(recipe, fact),
                        .named = choice->named,
                        .arm = choice->arm.at,
                        .arms = choice->arm.count,
                        .place = choice->named ? "--arms" : NULL};
    return gr_experiment_select(s->runs, e, &how, err);
}

/* Adds what is made at one point. */
static gr_status add_point(sums *s, const gr_experiment *e, int point, const gr_recipe *recipe, const char *task,
                           gr_error *err) {
    gr_experiment_counts count;
    GR_TRY(gr_experiment_count(&count, e, s->runs, point, task, recipe, err));
    for (int i = 0; i < e->arms; i++) {
        bool there = s->runs[i] && gr_experiment_at(e, e->arm[i].at, e->arm[i].ats, point);
        s->arm[i].points += there;
        s->arm[i].models += there ? (int64_t)gr_experiment_knobs(e, i) * e->seeds : 0;
    }

    s->data += e->seeds;
    s->count.models += count.models * e->seeds;
    s->count.measures += count.measures * e->seeds;
    s->count.attacks += count.attacks * e->seeds;
    return GR_OK;
}

/* The recipe of a point, the kind of its data, and what is made there. The first one says what runs at all of them. */
static gr_status plan_point(sums *s, const gr_experiment *e, int point, const gr__common *common,
                            const gr__experiment_choice *choice, const gr_registry *registry, gr_error *err) {
    gr_recipe *recipe;
    const gr_task *task;
    gr_experiment_base base = {.file = choice->base, .set = common->set.at, .sets = common->set.count, .point = point};
    GR_TRY(gr_experiment_recipe(&recipe, e, &base, err));
    gr_status status = gr_registry_task_of(&task, registry, recipe, err);
    if (status == GR_OK && point == 0)
        status = select_arms(s, e, recipe, choice, err);
    if (status == GR_OK)
        status = add_point(s, e, point, recipe, task->name, err);
    gr_recipe_free(recipe);
    return status;
}

/* ---- what is left of it ---- */

double gr__planned_seconds(const gr_plan *p) { return p->training + p->measuring + p->attacking; }

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
        print_cost(a->name, a->cells, a->done, a->committed, a->flops, a->training + a->measuring + a->attacking);
    }
    print_cost("(all, data too)", p->cells, p->done, p->committed, p->flops, gr__planned_seconds(p));

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
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "name", a->name, "cells", a->cells, "done",
                     a->done, "committed", a->committed, "trained", a->trained, "flops", gr__json_real(a->flops),
                     "minutes", gr__json_real((a->training + a->measuring + a->attacking) / 60), "training_minutes",
                     gr__json_real(a->training / 60), "measuring_minutes", gr__json_real(a->measuring / 60),
                     "attack_minutes", gr__json_real(a->attacking / 60));
}

/* minutes: of one process after the other; jobs_minutes: of so many at once. */
static void add_costs(json_t *plan, const gr_plan *p, int jobs) {
    json_t *list = json_array();
    for (int i = 0; i < p->arms; i++)
        json_array_append_new(list, cost_json(&p->arm[i]));
    json_t *costs = json_pack("{s:o, s:i, s:i, s:i, s:o, s:o, s:o, s:i, s:i}", "costs", list, "wanted", p->cells,
                              "done", p->done, "committed", p->committed, "flops", gr__json_real(p->flops), "minutes",
                              gr__json_real(gr__planned_seconds(p) / 60), "jobs_minutes",
                              gr__json_real(gr__planned_seconds(p) / 60 / jobs), "jobs", jobs, "timed", p->timed);
    json_object_update(plan, costs);
    json_decref(costs);
}

/* ---- printing ---- */

static int64_t cells(const sums *s) { return s->data + s->count.models + s->count.measures + s->count.attacks; }

static void print_json(const sums *s, const gr_experiment *e, const gr_plan *p, int jobs) {
    /* Arms, also those that do not run. */
    json_t *arms = json_array(), *points = json_array();
    for (int i = 0; i < e->arms; i++) {
        const gr_arm *arm = &e->arm[i];
        json_array_append_new(arms, json_pack("{s:s, s:s, s:s?, s:i, s:i, s:I}", "name", arm->name, "method",
                                              arm->method->name, "from", arm->from ? arm->from->name : NULL, "points",
                                              s->arm[i].points, "values", gr_experiment_knobs(e, i), "models",
                                              (json_int_t)s->arm[i].models));
    }

    /* Points, by the values of their axes. */
    for (int point = 0; point < gr_experiment_points(e); point++) {
        json_t *values = json_object();
        for (int i = 0; i < e->axes; i++)
            json_object_set_new(values, e->axis[i].name,
                                json_string(e->axis[i].value[gr_experiment_value(e, point, i)]));
        json_array_append_new(points, values);
    }
    json_t *plan = json_pack("{s:s, s:s?, s:i, s:o, s:o, s:{s:I, s:I, s:I, s:I, s:I}, s:s}", "experiment", e->name,
                             "preset", e->preset, "seeds", e->seeds, "points", points, "arms", arms, "cells", "data",
                             (json_int_t)s->data, "models", (json_int_t)s->count.models, "measures",
                             (json_int_t)s->count.measures, "attacks", (json_int_t)s->count.attacks, "all",
                             (json_int_t)cells(s), "assumption", "what arms share is counted for each of them");

    /* What its seeds can tell of claims, in standard deviations. */
    double half = gr_half_width(e->seeds);
    json_object_set_new(plan, "claims", json_integer(e->claims));
    json_object_set_new(plan, "half_width", isnan(half) ? json_null() : json_real(half));
    add_costs(plan, p, jobs);
    gr__print_json(plan);
}

/* How far from their mean the seeds leave a claim open. */
static void print_claims(const gr_experiment *e) {
    char half[32];
    printf("\n%d %s", e->claims, gr__plural(e->claims, "claim", "claims"));
    gr__print(half, sizeof half, "%.2f", gr_half_width(e->seeds));
    if (e->seeds > 1)
        printf(": over %d seeds the interval is the mean -+ %s standard deviations", e->seeds, half);
    if (e->seeds < GR__CLAIM_SEEDS)
        printf("%s %d %s too few, it takes %d", e->seeds > 1 ? ";\n" : ":", e->seeds,
               gr__plural(e->seeds, "seed is", "seeds are"), GR__CLAIM_SEEDS);
    printf("\n");
}

/* A line for each axis, and for each arm that runs. */
static void print_text(const sums *s, const gr_experiment *e, const gr_plan *p, int jobs) {
    char a[32], b[32], c[32], d[32], all[32];

    /* What it is made at. */
    printf("experiment %s%s%s\n", e->name, e->preset ? ", preset " : "", e->preset ? e->preset : "");
    for (int i = 0; i < e->axes; i++) {
        printf("  axis %s:", e->axis[i].name);
        for (int v = 0; v < e->axis[i].runs; v++)
            printf(" %s", e->axis[i].value[e->axis[i].run[v]]);
        printf("\n");
    }
    printf("  %d %s, %d %s\n", gr_experiment_points(e), gr__plural(gr_experiment_points(e), "point", "points"),
           e->seeds, gr__plural(e->seeds, "seed", "seeds"));

    /* Of what, and all of it. */
    printf("\n  %-24s %-12s %7s %7s %8s\n", "arm", "by", "points", "values", "models");
    for (int i = 0; i < e->arms; i++)
        if (s->arm[i].points > 0)
            printf("  %-24s %-12s %7d %7d %8s\n", e->arm[i].name, e->arm[i].method->name, s->arm[i].points,
                   gr_experiment_knobs(e, i), gr__text_count(a, s->arm[i].models));
    printf("\n%s cells: %s of data, %s %s, %s measurements, %s attacks\n"
           "(what arms share is counted for each of them)\n",
           gr__text_count(all, cells(s)), gr__text_count(a, s->data), gr__text_count(b, s->count.models),
           gr__plural(s->count.models, "model", "models"), gr__text_count(c, s->count.measures),
           gr__text_count(d, s->count.attacks));
    print_costs(p, jobs);
    if (e->claims > 0)
        print_claims(e);
}

/* ---- all of it ---- */

/* Every point; what is wrong with one is said before its data are read. */
static gr_status count(sums *s, const gr_experiment *e, const gr__common *common, const gr__experiment_choice *choice,
                       const gr_registry *registry, gr_error *err) {
    s->runs = gr_alloc((size_t)e->arms * sizeof *s->runs);
    s->arm = gr_alloc((size_t)e->arms * sizeof *s->arm);
    for (int point = 0; point < gr_experiment_points(e); point++)
        GR_TRY(plan_point(s, e, point, common, choice, registry, err));
    return GR_OK;
}

/* What is done in the folder, and what the rest takes. */
static gr_status time_cells(gr_plan *p, const gr__common *common, const gr__experiment_choice *choice, gr_error *err) {
    char *folder = gr__run_folder(common);
    gr_control control = {.threads = common->threads};
    gr_lab *lab;
    gr_lab_def def = {.experiment = common->input,
                      .preset = choice->preset,
                      .base = choice->base,
                      .set = common->set.at,
                      .sets = common->set.count,
                      .arm = choice->arm.at,
                      .arms = choice->arm.count,
                      .seeds = choice->seeds,
                      .folder = folder};
    gr_status status = gr_lab_open(&lab, &def, &control, err);
    if (status == GR_OK)
        status = gr_plan_new(p, lab, &control, err);
    gr_lab_free(lab);
    gr_free(folder);
    return status;
}

gr_status gr__time_experiment(const gr__common *common, const gr__experiment_choice *choice, gr_error *err) {
    gr_registry *registry = gr_registry_new();
    gr_experiment *e;
    sums s = {0};
    gr_plan p = {0};
    int jobs = choice->jobs ? choice->jobs : 1;
    gr_status status = gr_experiment_open(&e, common->input, choice->preset, registry, err);
    if (status == GR_OK) {
        e->seeds = choice->seeds ? choice->seeds : e->seeds;
        status = count(&s, e, common, choice, registry, err);
    }
    if (status == GR_OK)
        status = time_cells(&p, common, choice, err);
    if (status == GR_OK && common->json)
        print_json(&s, e, &p, jobs);
    else if (status == GR_OK)
        print_text(&s, e, &p, jobs);
    gr_plan_free(&p);
    gr_free(s.runs);
    gr_free(s.arm);
    gr_experiment_free(e);
    gr_registry_free(registry);
    return status;
}
