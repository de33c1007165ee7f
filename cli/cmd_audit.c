/* gradroute audit: the routed model beside its twins, measured and attacked: the experiment of that name on a recipe.
 */
#include "commands.h"
#include "lab_run.h"

static const char doc[] =
    "Trains the routed model of RECIPE and its twins, all from the same start, switches the regions off, fine-tunes "
    "each "
    "model on a few forget documents, and prints one table: losses, removal before and after relearning, retention, "
    "tax. "
    "Which twins: plain and filtered, a perfect filter where labels are hidden; --arms and the recipe's twins say "
    "otherwise. With --seeds N all of it N times, with intervals over seeds. Writes DIR/result.json and a folder for "
    "each "
    "model. Called again it goes on where it stopped; when all is done it only prints."
    "\v"
    "Examples:\n"
    "  gradroute audit recipes/demo.yaml -o runs/demo\n"
    "  gradroute audit recipes/demo.yaml -o runs/small --set train.tokens=400k\n"
    "  gradroute audit recipes/demo.yaml -o runs/small --seeds 5 --jobs 2\n"
    "To start anew choose another folder, or remove DIR yourself.\n" GR__EXIT_STATUS;

static const struct argp_option options[] = {GR__OPTION_OUT("The folder DIR (default: runs/NAME for recipe NAME.yaml)"),
                                             GR__OPTION_SEEDS,
                                             GR__OPTION_ARMS,
                                             GR__OPTION_JOBS,
                                             GR__OPTION_WORKER,
                                             GR__OPTION_SET,
                                             GR__OPTION_THREADS,
                                             GR__OPTION_JSON,
                                             {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    return gr__lab_run_parse(key, arg, state, state->input);
}

int gr__cmd_audit(int argc, char **argv) {
    gr__lab_run run = {.common = {.what = "RECIPE"}, .command = "audit", .jobs = 1, .yes = true};
    gr__parse(&(struct argp){options, parse, "RECIPE", doc, NULL, NULL, NULL}, argc, argv, &run);
    run.def.experiment = "audit";
    run.def.base = run.common.input;
    run.def.twins = true;
    return gr__lab_run_all(&run, argc, argv);
}
