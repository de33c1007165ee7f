/* gradroute plan: what a recipe, or an experiment, would cost in numbers, memory and time. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "commands.h"
#include "common.h"
#include "plan_experiment.h"
#include "screen.h"

#include <math.h>
#include <omp.h>

static const char doc[] =
    "Says what FILE, a recipe, would cost, for the routed model and each of its twins: parameters of core and "
    "regions, memory by kind, steps, tokens, operations and expected minutes. Reads the data (their vocabulary "
    "decides sizes), times a few steps of each network, and writes nothing."
    "\v"
    "The minutes are those of an audit with these threads: training, losses of the held-out documents (\"measuring\") "
    "and the attack on each model (\"relearning\"), at the speed of steps and passes of the same kind that were just "
    "timed. That takes seconds, whatever the size: where a step would take long, smaller ones are timed and the rest "
    "is extrapolated; networks of one shape are timed once. `gradroute train` makes the routed model alone. What "
    "needs more memory than is free is not timed, nor is its network made: the rest is said, and the exit status is "
    "1.\n"
    "\n"
    "Where FILE is an experiment (docs/experiments.md), or the name of one, its models and measurements are counted, "
    "those that arms, points or seeds share once, and how often they are used; what is not done of them in DIR is "
    "timed in the same way.\n"
    "\n"
    "Examples:\n"
    "  gradroute plan recipes/demo.yaml\n"
    "  gradroute plan audit --base recipes/demo.yaml --seeds 5 --jobs 2\n"
    "  gradroute plan recipes/demo.yaml --set model.width=384 --json\n" GR__EXIT_STATUS;

enum { KEY_PRESET = GR__KEY_OWN, KEY_BASE, KEY_ARMS, KEY_SEEDS, KEY_JOBS };

static const struct argp_option options[] = {
    GR__OPTION_SET,
    GR__OPTION_THREADS,
    GR__OPTION_JSON,
    GR__OPTION_OUT("Of an experiment: the folder DIR in which cells may be done (default: runs/NAME)"),
    {"preset", KEY_PRESET, "NAME", 0, "Of an experiment: the preset (default: none)", 0},
    {"base", KEY_BASE, "RECIPE", 0, "Of an experiment: the recipe, instead of its own", 0},
    {"arms", KEY_ARMS, "NAME,...", 0, "Of an experiment: the arms that run, with those that go on from them", 0},
    {"seeds", KEY_SEEDS, "N", 0, "Of an experiment: seeds (default: as it says)", 0},
    {"jobs", KEY_JOBS, "N", 0, "Of an experiment: processes at once (default: 1)", 0},
    {0}};

/* What the command was given. */
typedef struct request {
    gr__common common; /* first: gr__common_parse is handed it */
    gr__experiment_choice choice;
} request;

static error_t parse(int key, char *arg, struct argp_state *state) {
    request *r = state->input;

    /* What a plan of an experiment has; the rest is everybody's. */
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
    case KEY_SEEDS:
        r->choice.seeds = (int)gr__option_int(state, "seeds", arg, 1, 1000);
        return 0;
    case KEY_JOBS:
        r->choice.jobs = (int)gr__option_int(state, "jobs", arg, 1, 1000);
        return 0;
    default:
        return gr__common_parse(key, arg, state, &r->common);
    }
}

/* ---- JSON ---- */

/* Bytes by kind; the optimiser's are not the run's. */
static json_t *memory_json(const gr_plan_arm *a) {
    const gr_memory *m = &a->model.memory;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "parameters", (json_int_t)m->parameters, "gradients",
                     (json_int_t)m->gradients, "activations", (json_int_t)m->activations, "activation_gradients",
                     (json_int_t)m->activation_gradients, "state", (json_int_t)m->state, "scratch",
                     (json_int_t)m->scratch, "optimiser", (json_int_t)a->model.optimiser, "total",
                     (json_int_t)(m->total + a->model.optimiser));
}

/* A model of the plan for programs. */
static json_t *model_json(const gr_plan_arm *a) {
    const gr_cost *c = &a->model;
    size_t region = 0;
    json_t *regions = json_object();
    for (int i = 0; i < a->regions; i++) {
        json_object_set_new(regions, a->region[i], json_integer((json_int_t)a->parameters[i]));
        region += a->parameters[i];
    }
    return json_pack("{s:s, s:{s:I, s:I, s:o}, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:i, s:o}", "name", a->name,
                     "parameters", "core", (json_int_t)a->core, "region", (json_int_t)region, "regions", regions,
                     "memory", memory_json(a), "steps", (json_int_t)c->steps, "tokens_per_step",
                     (json_int_t)(c->tokens / c->steps), "tokens", (json_int_t)c->tokens, "flops_per_step",
                     gr__json_real(c->flops / (double)c->steps), "flops", gr__json_real(c->flops), "minutes",
                     gr__json_real(a->training / 60), "measuring_minutes", gr__json_real(a->measuring / 60),
                     "relearning_minutes", gr__json_real(a->attacking / 60), "timed_rows", c->timing.rows, "cores",
                     gr__json_real(c->timing.cores));
}

/* ---- text ---- */

/* The memory of a training run, by what it is for. */
static void print_memory(const gr_plan_arm *a) {
    const gr_memory *m = &a->model.memory;
    const struct {
        const char *what;
        size_t bytes;
    } kind[] = {{"parameters", m->parameters},
                {"gradients", m->gradients},
                {"activations", m->activations},
                {"activation gradients", m->activation_gradients},
                {"state", m->state},
                {"scratch", m->scratch},
                {"optimiser", a->model.optimiser}};

    /* The sum, beside what there is where that is less; then the kinds. */
    const double need = (double)(m->total + a->model.optimiser), free = gr_memory_free();
    printf("  memory      %s", gr__text_bytes((char[32]){0}, need));
    if (need > free)
        printf(", and %s are free", gr__text_bytes((char[32]){0}, free));
    printf("\n");
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++)
        printf("    %-22s %10s\n", kind[i].what, gr__text_bytes((char[32]){0}, (double)kind[i].bytes));
}

/* How long training takes, by the steps that were just timed, and what an audit adds to that. */
static void print_time(const gr_plan_arm *a, int batch) {
    const gr_cost *c = &a->model;
    const gr_timing *t = &c->timing;
    if (!isfinite(t->seconds)) {
        printf("  time        not known: a step needs more memory than is free\n");
        return;
    }
    printf("  time        %s: %.3g s a step, %.3g operations a second\n", gr__text_time((char[32]){0}, a->training),
           t->seconds, t->seconds > 0 ? c->flops / (double)c->steps / t->seconds : 0);
    if (t->rows < batch)
        printf("              extrapolated from steps of %d %s in place of %d\n", t->rows,
               gr__plural(t->rows, "sequence", "sequences"), batch);
    if (a->attacking > 0)
        printf("              measuring %s, relearning %s\n", gr__text_time((char[32]){0}, a->measuring),
               gr__text_time((char[32]){0}, a->attacking));
}

/* The same for people. */
static void print_model(const gr_plan_arm *a, int batch) {
    const gr_cost *c = &a->model;
    printf("%s\n  parameters  %s in the core", a->name, gr__text_count((char[32]){0}, (int64_t)a->core));
    for (int i = 0; i < a->regions; i++)
        printf(", %s in %s", gr__text_count((char[32]){0}, (int64_t)a->parameters[i]), a->region[i]);
    printf("\n  steps       %s of %s tokens, %s together\n", gr__text_count((char[32]){0}, c->steps),
           gr__text_count((char[32]){0}, c->tokens / c->steps), gr__text_count((char[32]){0}, c->tokens));
    printf("  operations  %.3g a step, %.3g together\n", c->flops / (double)c->steps, c->flops);
    print_time(a, batch);
    print_memory(a);
}

/* The time of all models together, divided by what it is spent on. */
static void print_sums(const gr_plan *p) {
    int threads = omp_get_max_threads();
    if (isfinite(p->training))
        printf("all models: %s on %d %s, at the speed of steps timed now\n"
               "  training %s, measuring %s, relearning %s\n",
               gr__text_time((char[32]){0}, gr__planned_seconds(p)), threads, gr__plural(threads, "thread", "threads"),
               gr__text_time((char[32]){0}, p->training), gr__text_time((char[32]){0}, p->measuring),
               gr__text_time((char[32]){0}, p->attacking));
    gr__print_plan_cores(p, threads);
}

/* What is measured of a view is said of the model whose weights it has. */
static void fold_views(gr_plan *plan) {
    for (int i = plan->arms - 1; i >= 0; i--) {
        gr_plan_arm *view = &plan->arm[i];
        if (view->model.steps || view->from < 0)
            continue;
        plan->arm[view->from].measuring += view->measuring;
        plan->arm[view->from].attacking += view->attacking;
        view->measuring = view->attacking = 0;
    }
}

static void print_recipe(const gr__common *common, const gr_project *project, const gr_plan *plan,
                         const gr_lengths *lengths) {
    /* For people: each model, the sum, what becomes of the data. */
    if (!common->json) {
        gr__print_precision(project);
        for (int i = 0; i < plan->arms; i++)
            if (plan->arm[i].model.steps)
                print_model(&plan->arm[i], project->recipe->train.batch);
        print_sums(plan);
        gr__print_lengths(lengths, project->recipe->data.context, "data: ");
        return;
    }
    /* For programs the same numbers in one object. */
    json_t *models = json_array();
    for (int i = 0; i < plan->arms; i++)
        if (plan->arm[i].model.steps)
            json_array_append_new(models, model_json(&plan->arm[i]));
    gr__print_json(
        json_pack("{s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:s}", "recipe", gr_json_text(common->input),
                  "threads", omp_get_max_threads(), "precision", gr__json_precision(project), "models", models,
                  "minutes", gr__json_real(gr__planned_seconds(plan) / 60), "training_minutes",
                  gr__json_real(plan->training / 60), "measuring_minutes", gr__json_real(plan->measuring / 60),
                  "relearning_minutes", gr__json_real(plan->attacking / 60), "passes", gr__json_real(lengths->passes),
                  "tokens_lost", (json_int_t)lengths->lost, "memory_free", gr__json_real(gr_memory_free()),
                  "assumption", "at the speed of a few steps and passes timed now"));
}

/* ---- the command ---- */

/* Nothing is printed where something cannot be planned. */
static gr_status plan(const gr__common *common, const gr_lab_def *def, gr_error *err) {
    gr_lab *lab;
    gr_plan planned = {0};
    gr_lengths lengths;
    gr_control control = {.threads = common->threads};
    GR_TRY(gr_lab_open(&lab, def, &control, err));
    gr_status status = gr_plan_new(&planned, lab, &control, err);
    if (status == GR_OK)
        status = gr_project_lengths(&lengths, gr_lab_project(lab), err);
    if (status == GR_OK) {
        fold_views(&planned);
        print_recipe(common, gr_lab_project(lab), &planned, &lengths);
        status = gr__plan_fits(&planned, common->input, err);
    }
    gr_plan_free(&planned);
    gr_lab_free(lab);
    return status;
}

/* A recipe, under the experiment that an audit is: nothing of it is done, and its own twins run. */
static gr_status plan_recipe(const gr__common *common, gr_error *err) {
    gr_recipe *recipe;
    gr_lab_def def = {.experiment = "audit",
                      .base = common->input,
                      .set = common->set.at,
                      .sets = common->set.count,
                      .planned = true,
                      .twins = true,
                      .fresh = true};
    GR_TRY(gr__open_recipe(&recipe, common, err)); /* settles how many threads there are */
    gr_recipe_free(recipe);
    return plan(common, &def, err);
}

/* A recipe, or an experiment. */
static gr_status plan_file(request *r, gr_error *err) {
    const gr__experiment_choice *choice = &r->choice;
    bool experiment = false;
    char threads[32];
    GR_TRY(gr__is_experiment(&experiment, r->common.input, err));
    if (!experiment &&
        (choice->preset || choice->base || choice->named || choice->seeds || choice->jobs || r->common.out))
        return gr_error_set(err, GR_ERR_USAGE, r->common.input, "leave them out, or name an experiment",
                            "-o, --preset, --base, --arms, --seeds and --jobs are of experiments, and this is none");

    /* Each of several processes has a share of the cores; the command has the last word, over the recipe's threads. */
    if (choice->jobs > 1 && !r->common.threads)
        r->common.threads = gr_cores() > choice->jobs ? gr_cores() / choice->jobs : 1;
    if (r->common.threads) {
        snprintf(threads, sizeof threads, "threads=%d", r->common.threads);
        GR_PUSH(r->common.set.at, r->common.set.count, r->common.set.capacity) = threads;
        omp_set_num_threads(r->common.threads);
    }
    return experiment ? gr__time_experiment(&r->common, choice, err) : plan_recipe(&r->common, err);
}

int gr__cmd_plan(int argc, char **argv) {
    request r = {.common = {.what = "FILE"}};
    gr_error err = {0};
    gr__parse(&(struct argp){options, parse, "FILE", doc, NULL, NULL, NULL}, argc, argv, &r);
    gr_status status = plan_file(&r, &err);
    gr_free(r.choice.arm.at);
    return gr__end_command(&r.common, status, &err);
}
