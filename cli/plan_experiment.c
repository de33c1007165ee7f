/* plan_experiment.c - how many models, measurements and attacks an experiment comes to: its arms, points and seeds. */
#include "plan_experiment.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

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

/* ---- printing ---- */

static int64_t cells(const sums *s) { return s->data + s->count.models + s->count.measures + s->count.attacks; }

static void print_json(const sums *s, const gr_experiment *e) {
    /* Arms, also those that do not run. */
    json_t *arms = json_array(), *points = json_array();
    for (int i = 0; i < e->arms; i++) {
        const gr_experiment_arm *arm = &e->arm[i];
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
static void print_text(const sums *s, const gr_experiment *e) {
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
    if (e->claims > 0)
        print_claims(e);
}

/* ---- all of it ---- */

static gr_status plan(const gr_experiment *e, const gr__common *common, const gr__experiment_choice *choice,
                      const gr_registry *registry, gr_error *err) {
    sums s = {.runs = gr_alloc((size_t)e->arms * sizeof *s.runs), .arm = gr_alloc((size_t)e->arms * sizeof *s.arm)};
    gr_status status = GR_OK;
    for (int point = 0; point < gr_experiment_points(e) && status == GR_OK; point++)
        status = plan_point(&s, e, point, common, choice, registry, err);

    if (status == GR_OK && common->json)
        print_json(&s, e);
    else if (status == GR_OK)
        print_text(&s, e);
    gr_free(s.runs);
    gr_free(s.arm);
    return status;
}

gr_status gr__count_experiment(const gr__common *common, const gr__experiment_choice *choice, gr_error *err) {
    gr_registry *registry = gr_registry_new();
    gr_experiment *e;
    gr_status status = gr_experiment_open(&e, common->input, choice->preset, registry, err);
    if (status == GR_OK)
        status = plan(e, common, choice, registry, err);
    gr_experiment_free(e);
    gr_registry_free(registry);
    return status;
}
