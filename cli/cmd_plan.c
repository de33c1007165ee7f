/* gradroute plan: what a recipe would cost in numbers, memory and time. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "commands.h"
#include "common.h"
#include "lab/arms.h"
#include "method/training.h"
#include "plan_experiment.h"

#include <math.h>
#include <omp.h>

static const char doc[] =
    "Says what FILE, a recipe, would cost, for the routed model and each of its twins: parameters of core and regions, "
    "memory by kind, steps, tokens, operations and expected minutes. Reads the data (their vocabulary decides sizes), "
    "times a few steps of each model, and writes nothing."
    "\v"
    "The minutes are those of an audit with these threads: training, losses of the held-out documents (\"measuring\") "
    "and "
    "the attack on each model (\"relearning\"), at the speed of steps and passes of the same kind that were just "
    "timed. "
    "That takes seconds, whatever the size: where a step would take long, smaller ones are timed and the rest is "
    "extrapolated. `gradroute train` makes the routed model alone.\n"
    "\n"
    "Where FILE is an experiment (docs/experiments.md), or the name of one, its arms, points and seeds are counted, "
    "and nothing "
    "is timed.\n"
    "\n"
    "Examples:\n"
    "  gradroute plan recipes/demo.yaml\n"
    "  gradroute plan audit --base recipes/demo.yaml\n"
    "  gradroute plan recipes/demo.yaml --set model.width=384 --json\n" GR__EXIT_STATUS;

enum { KEY_PRESET = GR__KEY_OWN, KEY_BASE, KEY_ARMS };

static const struct argp_option options[] = {
    GR__OPTION_SET,
    GR__OPTION_THREADS,
    GR__OPTION_JSON,
    {"preset", KEY_PRESET, "NAME", 0, "Of an experiment: the preset (default: none)", 0},
    {"base", KEY_BASE, "RECIPE", 0, "Of an experiment: the recipe, instead of its own", 0},
    {"arms", KEY_ARMS, "NAME,...", 0, "Of an experiment: the arms that run, with those that go on from them", 0},
    {0}};

/* What the command was given. */
typedef struct request {
    gr__common common; /* first: gr__common_parse is handed it */
    gr__experiment_choice choice;
} request;

static error_t parse(int key, char *arg, struct argp_state *state) {
    request *r = state->input;
    switch (key) {
    case KEY_PRESET:
        r->choice.preset = arg;
        return 0;
    case KEY_BASE:
        r->choice.base = arg;
        return 0;
    case KEY_ARMS:
        r->choice.named = true;
        gr__option_list(&r->common, &r->choice.arm, arg);
        return 0;
    default:
        return gr__common_parse(key, arg, state, &r->common);
    }
}

/* One model of the plan. */
typedef struct entry {
    const char *name;
    gr_plan plan;
    gr_arch_def *def;
    size_t *regions; /* [def->region_count] parameters */
} entry;

/* How many numbers each of its regions has. */
static gr_status count_regions(entry *e, const gr_project *project, int arm, gr_error *err) {
    gr_settings *settings;
    gr_model *model;
    size_t core;
    GR_TRY(gr__arm_settings(&settings, arm, err));
    gr_status status = gr__train_network(&e->def, &model, project, settings, err);
    gr_settings_free(settings);
    GR_TRY(status);
    gr_model_free(model);
    e->regions = gr_alloc(sizeof *e->regions * (size_t)(e->def->region_count + 1));
    return gr_arch_parameters(e->def, &core, e->regions, err);
}

/* What a model costs. */
static gr_status fill(entry *e, const gr_project *project, int arm, gr_error *err) {
    e->name = gr__arms[arm].name;
    GR_TRY(gr_plan_new(&e->plan, project, e->name, err));
    return count_regions(e, project, arm, err);
}

/* Seconds of all steps. */
static double training(const gr_plan *p) { return p->timing.seconds * (double)p->steps; }

/* ---- JSON ---- */

/* Bytes by kind; the optimiser's are not the run's. */
static json_t *memory_json(const entry *e) {
    const gr_memory *m = &e->plan.memory;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "parameters", (json_int_t)m->parameters, "gradients",
                     (json_int_t)m->gradients, "activations", (json_int_t)m->activations, "activation_gradients",
                     (json_int_t)m->activation_gradients, "state", (json_int_t)m->state, "scratch",
                     (json_int_t)m->scratch, "optimiser", (json_int_t)e->plan.optimiser, "total",
                     (json_int_t)(m->total + e->plan.optimiser));
}

/* A model of the plan for programs. */
static json_t *entry_json(const entry *e) {
    const gr_plan *p = &e->plan;
    json_t *regions = json_object();
    for (int i = 0; i < e->def->region_count; i++)
        json_object_set_new(regions, e->def->regions[i].name, json_integer((json_int_t)e->regions[i]));
    return json_pack(
        "{s:s, s:{s:I, s:I, s:o}, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:i, s:o}", "name", e->name,
        "parameters", "core", (json_int_t)p->core, "region", (json_int_t)p->region, "regions", regions, "memory",
        memory_json(e), "steps", (json_int_t)p->steps, "tokens_per_step", (json_int_t)p->tokens_per_step, "tokens",
        (json_int_t)(p->steps * p->tokens_per_step), "flops_per_step", gr__json_real(p->flops_per_step), "flops",
        gr__json_real(p->flops_per_step * (double)p->steps), "minutes", gr__json_real(training(p) / 60),
        "measuring_minutes", gr__json_real(p->measuring / 60), "relearning_minutes", gr__json_real(p->relearning / 60),
        "timed_rows", p->timing.rows, "cores", gr__json_real(p->timing.cores));
}

/* ---- text ---- */

/* The memory of a training run, by what it is for. */
static void print_memory(const entry *e) {
    const gr_memory *m = &e->plan.memory;
    const struct {
        const char *what;
        size_t bytes;
    } kind[] = {{"parameters", m->parameters},
                {"gradients", m->gradients},
                {"activations", m->activations},
                {"activation gradients", m->activation_gradients},
                {"state", m->state},
                {"scratch", m->scratch},
                {"optimiser", e->plan.optimiser}};

    /* The sum, then the kinds. */
    printf("  memory      %s\n", gr__text_bytes((char[32]){0}, (double)(m->total + e->plan.optimiser)));
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++)
        printf("    %-22s %10s\n", kind[i].what, gr__text_bytes((char[32]){0}, (double)kind[i].bytes));
}

/* How long training takes, by the steps that were just timed, and what an audit adds to that. */
static void print_time(const entry *e, int batch) {
    const gr_plan *p = &e->plan;
    const gr_timing *t = &p->timing;
    if (!isfinite(t->seconds)) {
        printf("  time        not known: a step needs more memory than is free\n");
        return;
    }
    printf("  time        %s: %.3g s a step, %.3g operations a second\n", gr__text_time((char[32]){0}, training(p)),
           t->seconds, t->seconds > 0 ? p->flops_per_step / t->seconds : 0);
    if (t->rows < batch)
        printf("              extrapolated from steps of %d %s in place of %d\n", t->rows,
               gr__plural(t->rows, "sequence", "sequences"), batch);
    if (p->relearning > 0)
        printf("              measuring %s, relearning %s\n", gr__text_time((char[32]){0}, p->measuring),
               gr__text_time((char[32]){0}, p->relearning));
}

/* The same for people. */
static void print_entry(const entry *e, int batch) {
    const gr_plan *p = &e->plan;
    printf("%s\n  parameters  %s in the core", e->name, gr__text_count((char[32]){0}, (int64_t)p->core));
    for (int i = 0; i < e->def->region_count; i++)
        printf(", %s in %s", gr__text_count((char[32]){0}, (int64_t)e->regions[i]), e->def->regions[i].name);
    printf("\n  steps       %s of %s tokens, %s together\n", gr__text_count((char[32]){0}, p->steps),
           gr__text_count((char[32]){0}, p->tokens_per_step),
           gr__text_count((char[32]){0}, p->steps * p->tokens_per_step));
    printf("  operations  %.3g a step, %.3g together\n", p->flops_per_step, p->flops_per_step * (double)p->steps);
    print_time(e, batch);
    print_memory(e);
}

/* What the whole comes to. */
typedef struct sums {
    double training, measuring, relearning, cores; /* cores: the least that a model got */
} sums;

static sums add_up(const entry *list, int count) {
    sums s = {.cores = INFINITY};
    for (int i = 0; i < count; i++) {
        const gr_plan *p = &list[i].plan;
        s.training += training(p);
        s.measuring += p->measuring;
        s.relearning += p->relearning;
        s.cores = fmin(s.cores, p->timing.cores); /* leaves NaN out */
    }
    return s;
}

/* The time of all models together, divided by what it is spent on. */
static void print_sums(const sums *s) {
    int threads = omp_get_max_threads();
    if (isfinite(s->training))
        printf("all models: %s on %d %s, at the speed of steps timed now\n"
               "  training %s, measuring %s, relearning %s\n",
               gr__text_time((char[32]){0}, s->training + s->measuring + s->relearning), threads,
               gr__plural(threads, "thread", "threads"), gr__text_time((char[32]){0}, s->training),
               gr__text_time((char[32]){0}, s->measuring), gr__text_time((char[32]){0}, s->relearning));

    /* Times are too long where others worked on the machine. */
    const char *cores = gr__text_cores((char[48]){0}, s->cores, threads);
    if (*cores)
        printf("note: %s while timing: %s\n", cores, GR__CORES_HINT);
}

static void print_plan(const gr__common *common, const gr_project *project, const entry *list, int count,
                       const gr_lengths *lengths) {
    const sums s = add_up(list, count);

    /* For people: each model, the sum, what becomes of the data. */
    if (!common->json) {
        gr__print_precision(project);
        for (int i = 0; i < count; i++)
            print_entry(&list[i], project->recipe->train.batch);
        print_sums(&s);
        gr__print_lengths(lengths, project->recipe->data.context, "data: ");
        return;
    }
    /* For programs the same numbers in one object. */
    json_t *models = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(models, entry_json(&list[i]));
    gr__print_json(json_pack(
        "{s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:s}", "recipe", gr_json_text(common->input), "threads",
        omp_get_max_threads(), "precision", gr__json_precision(project), "models", models, "minutes",
        gr__json_real((s.training + s.measuring + s.relearning) / 60), "training_minutes",
        gr__json_real(s.training / 60), "measuring_minutes", gr__json_real(s.measuring / 60), "relearning_minutes",
        gr__json_real(s.relearning / 60), "passes", gr__json_real(lengths->passes), "tokens_lost",
        (json_int_t)lengths->lost, "assumption", "at the speed of a few steps and passes timed now"));
}

/* Plans every model that the recipe asks for, then prints; nothing is printed where one cannot be planned. */
static gr_status plan(const gr__common *common, const gr_recipe *recipe, const gr_project *project, gr_error *err) {
    entry list[GR__ARMS] = {0};
    int count = 0;

    /* Each model that the recipe asks for. */
    gr_status status = GR_OK;
    for (int arm = 0; arm < GR__ARMS && status == GR_OK; arm++)
        if (gr__arm_wanted(recipe, arm))
            status = fill(&list[count++], project, arm, err);

    /* What becomes of documents that are longer than a row. */
    gr_lengths lengths;
    if (status == GR_OK)
        status = gr_project_lengths(&lengths, project, err);
    if (status == GR_OK)
        print_plan(common, project, list, count, &lengths);

    for (int i = 0; i < count; i++) {
        gr_arch_free(list[i].def);
        gr_free(list[i].regions);
    }
    return status;
}

static gr_status open_and_plan(const gr__common *common, gr_error *err) {
    gr_recipe *recipe;
    gr_project *project = NULL;
    GR_TRY(gr__open_recipe(&recipe, common, err));
    gr_status status = gr_project_open(&project, recipe, NULL, &(gr_control){.threads = common->threads}, err);
    if (status == GR_OK)
        status = gr_project_choose_precision(project, err);
    if (status == GR_OK)
        status = plan(common, recipe, project, err);
    gr_project_free(project);
    gr_recipe_free(recipe);
    return status;
}

/* A recipe, or an experiment. */
static gr_status plan_file(const request *r, gr_error *err) {
    const gr__experiment_choice *choice = &r->choice;
    bool experiment = false;
    GR_TRY(gr__is_experiment(&experiment, r->common.input, err));
    if (experiment)
        return gr__count_experiment(&r->common, choice, err);
    if (choice->preset || choice->base || choice->named)
        return gr_error_set(err, GR_ERR_USAGE, r->common.input, "leave them out, or name an experiment",
                            "--preset, --base and --arms are of experiments, and this is none");
    return open_and_plan(&r->common, err);
}

int gr__cmd_plan(int argc, char **argv) {
    request r = {.common = {.what = "FILE"}};
    gr_error err = {0};
    gr__parse(&(struct argp){options, parse, "FILE", doc, NULL, NULL, NULL}, argc, argv, &r);
    gr_status status = plan_file(&r, &err);
    gr_free(r.choice.arm.at);
    return gr__end_command(&r.common, status, &err);
}
