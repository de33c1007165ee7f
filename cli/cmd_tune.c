/* gradroute tune: settings of routing that suit a corpus, tried on topics to develop on: the experiment of that name.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "commands.h"
#include "lab_run.h"
#include "report/lines.h"
#include "task/propose.h"
#include "tune_preset.h"

static const char doc[] =
    "Tries settings of routing on the data of RECIPE: the size of its regions, how often core rows run with them "
    "(p_cr), their learning rate. The topics are those of the recipe's key `development`, never those of its labels, "
    "and the losses those of validation: so nothing is chosen on what is reported later. Prints the settings that no "
    "other beats in removal, taxes and retention, the one that it would take, as options --set and as lines of a "
    "recipe, and whether that lies at the edge of what was tried. A few steps are timed first, and as many settings "
    "tried as fit into the budget. DIR is the folder of an experiment: called again the command goes on where it "
    "stopped."
    "\v"
    "Examples:\n"
    "  gradroute tune recipes/u0.yaml --budget 60\n"
    "  gradroute tune recipes/u0.yaml --budget 120 --jobs 2 --seeds 2 -o runs/tuned\n"
    "  gradroute tune recipes/u0.yaml --preset small --json\n"
    "Where the recipe names no topics to develop on, it proposes some, to be written into the recipe or handed over by "
    "--set. What --set says is part of the recipe on which settings are tried.\n" GR__EXIT_STATUS;

enum { KEY_PRESET = GR__KEY_OWN, KEY_EXPERIMENT };

static const struct argp_option options[] = {
    GR__OPTION_OUT("The folder DIR (default: runs/NAME-tune for recipe NAME.yaml)"),
    {"budget", GR__KEY_BUDGET, "MINUTES", 0, "Time a few steps first, and try as many settings as fit", 0},
    {"preset", KEY_PRESET, "NAME", 0, "Instead: this preset of the experiment, as small, quick, large, full", 0},
    {"experiment", KEY_EXPERIMENT, "FILE", 0, "A grid of your own (default: the experiment tune)", 0},
    {"seeds", GR__KEY_SEEDS, "N", 0, "Seeds: that of the recipe, and those above it (default: 1)", 0},
    GR__OPTION_JOBS,
    GR__OPTION_WORKER,
    GR__OPTION_SET,
    GR__OPTION_THREADS,
    GR__OPTION_JSON,
    {0}};

typedef struct tune_options {
    gr__lab_run run; /* first: parsing hands it on */
    gr__strings set; /* what the command line sets, behind what is added */
    gr_arena *arena;
} tune_options;

/* Options into their fields. */
static error_t parse(int key, char *arg, struct argp_state *state) {
    tune_options *own = state->input;
    switch (key) {
    case KEY_PRESET:
        own->run.def.preset = arg;
        return 0;
    case KEY_EXPERIMENT:
        own->run.def.experiment = arg;
        return 0;
    case ARGP_KEY_END:
        if (own->run.common.input && !own->run.def.preset && own->run.budget.minutes == 0)
            argp_error(state, "how long may it take? --budget MINUTES, or --preset NAME");

        /* A worker has the user's budget, and the preset that was taken for it. */
        if (own->run.def.preset && own->run.budget.minutes > 0 && !own->run.worker)
            argp_error(state, "--budget %g and --preset %s exclude each other: a budget takes the preset that fits",
                       own->run.budget.minutes, own->run.def.preset);
        return gr__lab_run_parse(key, arg, state, &own->run);
    default:
        return gr__lab_run_parse(key, arg, state, &own->run);
    }
}

/* ---- the recipe ---- */

/* The topics in both forms in which they may be taken over, or in one where a hint has no room for more. NULL: it has
 * no room for that either, and a part of them would be no recipe. */
static char *say_topics(const char *topics) {
    enum { ROOM = sizeof((gr_error *)0)->hint };
    char *first = gr_format("free topics with about as many documents: development: %s, in the recipe", topics);
    char *set = gr_format("development=%s", topics), *word = gr__shell_word(set);
    char *both = gr_format("%s, or by --set %s", first, word);
    gr_free(set);
    gr_free(word);

    /* Both, the first, or none. */
    char *hint = strlen(both) < ROOM ? both : strlen(first) < ROOM ? first : NULL;
    if (hint != both)
        gr_free(both);
    if (hint != first)
        gr_free(first);
    return hint;
}

/* The recipe names no topics to develop on: says which could be. */
static gr_status propose(gr_recipe *recipe, const char *file, const gr_control *control, gr_error *err) {
    static const char form[] = "development: {labels: {NAME: {is: [TOPIC, ..]}}}, of labels that are made by topics; "
                               "gradroute data show RECIPE lists topics";
    gr_project *project;
    GR_TRY(gr_project_open(&project, recipe, NULL, control, err));
    char *topics = gr__project_propose(project), *hint = topics ? say_topics(topics) : NULL;
    gr_error_set(err, GR_ERR_USAGE, file, hint ? hint : form, "the recipe names no topics to develop on");

    /* What is too long for a hint has a line of its own. */
    if (topics && !hint) {
        char *line = gr_format("free topics with about as many documents: development: %s", topics);
        control->note(control->user, line);
        gr_free(line);
    }
    gr_free(hint);
    gr_free(topics);
    gr_project_free(project);
    return GR_ERR_USAGE;
}

/* Regions with parameters of their own, at the rate of the rest: said, so that the experiment has something to
 * multiply. NULL: there are none, or the recipe says rates itself. */
static char *rates_of(const gr_recipe *recipe, gr_arena *arena) {
    char *list = NULL;

    /* Groups with residual dimensions have parameters of their own; neurons stand in matrices of the core. */
    for (int r = gr_recipe_first_region(recipe); r < recipe->model.region_count; r++) {
        const gr_arch_region *region = &recipe->model.regions[r];
        if (region->residual.add == 0)
            continue;
        char *longer = gr_format("%s%s{parameters: \"%s.*\", lr: 1}", list ? list : "", list ? ", " : "", region->name);
        gr_free(list);
        list = longer;
    }
    char *set = list && recipe->train.optim.groups == 0 ? gr_format("train.groups=[%s]", list) : NULL;
    char *kept = set ? gr_arena_strdup(arena, set) : NULL;
    gr_free(list);
    gr_free(set);
    return kept;
}

/* What the recipe must say, and what is said beside it. */
static gr_status look_at_recipe(tune_options *own, const gr_control *control, gr_error *err) {
    gr__lab_run *run = &own->run;
    gr_recipe *recipe;
    GR_TRY(gr_recipe_open(&recipe, run->def.base, run->def.set, run->def.sets, err));
    gr_status status = recipe->developments ? GR_OK : propose(recipe, run->def.base, control, err);
    char *rates = status == GR_OK ? rates_of(recipe, own->arena) : NULL;
    gr_recipe_free(recipe);

    /* What is added comes first: whatever the command line says has the last word. */
    if (rates)
        GR_PUSH(own->set.at, own->set.count, own->set.capacity) = rates;
    for (int i = 0; i < run->def.sets; i++)
        GR_PUSH(own->set.at, own->set.count, own->set.capacity) = run->def.set[i];
    run->def.set = own->set.at;
    run->def.sets = own->set.count;
    return status;
}

/* ---- the grid ---- */

/* An experiment that does not say what is wanted has no choice to print, however long it worked. */
static gr_status look_at_grid(const gr__lab_run *run, gr_error *err) {
    gr_registry *registry = gr_registry_new();
    gr_experiment *e = NULL;
    gr_status status = gr_experiment_open(&e, run->def.experiment, run->def.preset, registry, err);
    if (status == GR_OK && e->choose.mosts == 0)
        status = gr_error_set(err, GR_ERR_USAGE, e->file ? e->file : e->name, "choose: {most: FIGURE}",
                              "the experiment does not say what is wanted");
    gr_experiment_free(e);
    gr_registry_free(registry);
    return status;
}

/* Once what is to be tried is settled the budget is kept: there are no seeds to be cut for it. */
static gr_status prepare(gr__lab_run *run, const gr_control *control, gr_error *err) {
    tune_options *own = (tune_options *)run;
    GR_TRY(look_at_grid(run, err));
    GR_TRY(look_at_recipe(own, control, err));
    gr__budget budget = run->budget;
    run->budget.minutes = 0;
    if (run->def.preset)
        return GR_OK;
    budget.jobs = run->jobs;
    budget.threads = run->common.threads;
    run->chose_preset = true;
    return gr__tune_preset(&run->def, &budget, own->arena, control, err);
}

/* Beside the folder of an audit of the same recipe. */
static void name_folder(tune_options *own) {
    gr__common *common = &own->run.common;
    if (common->out)
        return;
    char *folder = gr__run_folder(common), *out = gr_format("%s-tune", folder);
    common->out = gr_arena_strdup(own->arena, out);
    gr_free(folder);
    gr_free(out);
}

/* Options, the folder, and the experiment as any other. */
int gr__cmd_tune(int argc, char **argv) {
    tune_options own = {.run = {.common = {.what = "RECIPE"},
                                .command = "tune",
                                .def.experiment = "tune",
                                .jobs = 1,
                                .yes = true,
                                .choice = true,
                                .prepare = prepare},
                        .arena = gr_arena_new()};
    gr__parse(&(struct argp){options, parse, "RECIPE", doc, NULL, NULL, NULL}, argc, argv, &own);

    /* The recipe is looked at before anything is opened (prepare). */
    own.run.def.base = own.run.common.input;
    name_folder(&own);
    int code = gr__lab_run_all(&own.run, argc, argv);
    gr_free(own.set.at);
    gr_arena_free(own.arena);
    return code;
}
