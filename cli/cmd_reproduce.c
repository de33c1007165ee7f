/* gradroute reproduce: all models and measurements of an experiment, and what came of its claims. */
#include "commands.h"
#include "lab_run.h"

static const char doc[] =
    "Makes every model of EXPERIMENT and measures it, at all of its points and seeds, and prints what came of it: "
    "claims first, then tables. EXPERIMENT is a name (as audit) or a YAML file. What is done is kept in DIR cell by "
    "cell; called again it goes on where it stopped, and makes only what is new."
    "\v"
    "Examples:\n"
    "  gradroute reproduce audit --base recipes/demo.yaml -o runs/demo-audit\n"
    "  gradroute reproduce audit --base recipes/demo.yaml --seeds 5 -o runs/five\n"
    "  gradroute reproduce audit --base recipes/demo.yaml --budget 30 -o runs/half\n"
    "To start anew choose another folder, or remove DIR yourself.\n" GR__EXIT_STATUS;

enum { KEY_BASE = GR__KEY_OWN, KEY_PRESET, KEY_ROWS, KEY_FRESH, KEY_COMMIT, KEY_CELL, KEY_YES };

static const struct argp_option options[] = {
    GR__OPTION_OUT("The folder DIR (default: runs/NAME)"),
    {"base", KEY_BASE, "RECIPE", 0, "The recipe that all models begin with (default: that of the experiment)", 0},
    {"preset", KEY_PRESET, "NAME", 0, "A preset of the experiment, as smoke, quick, paper", 0},
    GR__OPTION_SEEDS,
    GR__OPTION_ARMS,
    {"rows", KEY_ROWS, "FILE", 0, "Committed rows that count as done (default: rows/NAME.jsonl beside the file)", 0},
    {"fresh", KEY_FRESH, NULL, 0, "Committed rows do not count: everything is made here", 0},
    {"commit", KEY_COMMIT, "FILE", 0, "Write the rows of all that is done to FILE, for --rows", 0},
    {"cell", KEY_CELL, "KEY", 0, "One cell alone, and what it begins with: how its key begins", 0},
    GR__OPTION_JOBS,
    GR__OPTION_BUDGET,
    {"yes", KEY_YES, NULL, 0, "Begin what takes more than two hours without asking", 0},
    GR__OPTION_WORKER,
    GR__OPTION_SET,
    GR__OPTION_THREADS,
    GR__OPTION_JSON,
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    gr__lab_run *run = state->input;

    /* What is its own; seeds, arms and processes are those of every experiment. */
    if (key == KEY_BASE)
        run->def.base = arg;
    else if (key == KEY_PRESET)
        run->def.preset = arg;
    else if (key == KEY_ROWS)
        run->def.rows = arg;
    else if (key == KEY_FRESH)
        run->def.fresh = true;
    else if (key == KEY_COMMIT)
        run->commit = arg;
    else if (key == KEY_CELL) {
        if (!*arg)
            argp_error(state, "--cell is '', expected how a key begins: keys are the names of folders in DIR/cells");
        run->def.cell = arg;
    } else if (key == KEY_YES)
        run->yes = true;
    else
        return gr__lab_run_parse(key, arg, state, run);
    return 0;
}

int gr__cmd_reproduce(int argc, char **argv) {
    gr__lab_run run = {.common = {.what = "EXPERIMENT"}, .command = "reproduce", .jobs = 1};
    gr__parse(&(struct argp){options, parse, "EXPERIMENT", doc, NULL, NULL, NULL}, argc, argv, &run);
    run.def.experiment = run.common.input;
    return gr__lab_run_all(&run, argc, argv);
}
