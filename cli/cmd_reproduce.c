/* gradroute reproduce: all models and measurements of an experiment, and what came of its claims. */
#include <string.h>

#include "ask.h"
#include "base/mem.h"
#include "commands.h"
#include "common.h"
#include "gradroute/report.h"
#include "process.h"
#include "progress.h"
#include "workers.h"

static const char doc[] =
    "Makes every model of EXPERIMENT and measures it, at all of its points and seeds, and prints what came of it: "
    "claims "
    "first, then tables. EXPERIMENT is a name (as audit) or a YAML file. What is done is kept in DIR cell by cell; "
    "called "
    "again it goes on where it stopped, and makes only what is new."
    "\v"
    "Examples:\n"
    "  gradroute reproduce audit --base recipes/demo.yaml -o runs/demo-audit\n"
    "  gradroute reproduce audit --base recipes/demo.yaml --seeds 5 --set train.tokens=400k -o runs/small\n"
    "To start anew choose another folder, or remove DIR yourself.\n" GR__EXIT_STATUS;

enum {
    KEY_BASE = GR__KEY_OWN,
    KEY_PRESET,
    KEY_SEEDS,
    KEY_ARMS,
    KEY_ROWS,
    KEY_FRESH,
    KEY_COMMIT,
    KEY_JOBS,
    KEY_YES,
    KEY_WORKER
};

static const struct argp_option options[] = {
    GR__OPTION_OUT("The folder DIR (default: runs/NAME)"),
    {"base", KEY_BASE, "RECIPE", 0, "The recipe that all models begin with (default: that of the experiment)", 0},
    {"preset", KEY_PRESET, "NAME", 0, "A preset of the experiment, as smoke, quick, paper", 0},
    {"seeds", KEY_SEEDS, "N", 0, "Seeds: that of the recipe, and those above it (default: as the experiment says)", 0},
    {"arms", KEY_ARMS, "NAME,...", 0, "These models alone, and what they go on from (default: as the data allow)", 0},
    {"rows", KEY_ROWS, "FILE", 0, "Committed rows that count as done (default: rows/NAME.jsonl beside the file)", 0},
    {"fresh", KEY_FRESH, NULL, 0, "Committed rows do not count: everything is made here", 0},
    {"commit", KEY_COMMIT, "FILE", 0, "Write the rows of all that is done to FILE, for --rows", 0},
    {"jobs", KEY_JOBS, "N", 0, "Processes at once, each with a share of the cores (default: 1)", 0},
    {"yes", KEY_YES, NULL, 0, "Begin what takes more than two hours without asking", 0},
    {"worker", KEY_WORKER, NULL, OPTION_HIDDEN, NULL, 0},
    GR__OPTION_SET,
    GR__OPTION_THREADS,
    GR__OPTION_JSON,
    {0}};

typedef struct arguments {
    gr__common common;
    gr_lab_def def;
    gr__strings arms;
    const char *commit;
    char **words; /* [count] of the command line, behind the command's name */
    int count, jobs;
    bool yes;
    bool worker; /* one of several that work for a command with --jobs */
} arguments;

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    if (key == KEY_BASE)
        a->def.base = arg;
    else if (key == KEY_PRESET)
        a->def.preset = arg;
    else if (key == KEY_SEEDS)
        a->def.seeds = (int)gr__option_int(state, "--seeds", arg, 1, 1000);
    else if (key == KEY_ARMS)
        gr__option_list(&a->common, &a->arms, arg);
    else if (key == KEY_ROWS)
        a->def.rows = arg;
    else if (key == KEY_FRESH)
        a->def.fresh = true;
    else if (key == KEY_COMMIT)
        a->commit = arg;
    else if (key == KEY_JOBS)
        a->jobs = (int)gr__option_int(state, "--jobs", arg, 1, 1000);
    else if (key == KEY_YES)
        a->yes = true;
    else if (key == KEY_WORKER)
        a->worker = true;
    else
        return gr__common_parse(key, arg, state, &a->common);
    return 0;
}

/* What is said on standard error before hours are spent. */
static void say_count(const gr_lab *lab, const gr_control *control) {
    int cells, done;
    gr_lab_count(lab, &cells, &done);
    if (done == cells)
        return;
    char *text = gr_format("%d of %d cells are done", done, cells);
    control->note(control->user, text);
    gr_free(text);
}

/* The same command as so many processes, which share the cores unless the user says how many threads each has. */
static gr_status work_by_workers(gr_lab *lab, const arguments *a, gr_error *err) {
    char threads[16], **words = gr_alloc((size_t)(a->count + 6) * sizeof *words);
    int n = 0, share = gr_cores() / a->jobs;
    snprintf(threads, sizeof threads, "%d", share > 0 ? share : 1);

    /* The worker's own options first; behind them those of the user, who thus has the last word on threads. */
    words[n++] = "gradroute";
    words[n++] = "reproduce";
    words[n++] = "--worker";
    words[n++] = "--threads";
    words[n++] = threads;
    for (int i = 0; i < a->count; i++)
        words[n++] = a->words[i];

    gr_status status = gr__workers_run(words, a->jobs, gr__stop_flag(), err);
    gr_free(words);
    return status == GR_OK ? gr_lab_look(lab, err) : status;
}

/* Its result, from rows alone, and what is to be kept of it. */
static gr_status finish(gr_result **result, const gr_lab *lab, const arguments *a, gr_error *err) {
    GR_TRY(gr_lab_result(result, lab, err));
    GR_TRY(gr_lab_write(lab, *result, err));
    return a->commit ? gr_lab_commit(lab, a->commit, err) : GR_OK;
}

static gr_status work(gr_result **result, const arguments *a, const gr_control *control, gr_error *err) {
    gr_lab *lab;
    GR_TRY(gr_lab_open(&lab, &a->def, control, err));
    gr_status status = GR_OK;
    if (!a->worker) {
        say_count(lab, control);
        gr__ask ask = {a->jobs, a->common.threads, a->yes};
        status = gr__ask_before(lab, &ask, control, err);
    }

    /* From here on the folder changes, and a signal finds something to save. A worker's folder is claimed. */
    if (status == GR_OK && !a->worker)
        status = gr_lab_claim(lab, err);
    if (status == GR_OK) {
        gr__stop_saves();
        status = a->jobs > 1 && !a->worker ? work_by_workers(lab, a, err) : gr_lab_work(lab, control, err);
    }
    if (status == GR_OK && !a->worker)
        status = finish(result, lab, a, err);
    gr_lab_free(lab);
    return status;
}

/* The tables for people, or the result as it is in its file. */
static void print(const gr_result *result, bool json) {
    if (!json) {
        gr_result_print(result, stdout);
        return;
    }
    char *text = gr_result_text(result);
    puts(text);
    gr_free(text);
}

static gr_status reproduce(const arguments *a, gr_error *err) {
    gr_result *result = NULL;
    gr__progress_bar progress;
    gr__progress_begin(&progress, stderr);
    if (a->worker) {
        gr__worker_begin();
        progress.terminal = false; /* several cannot share one bar */
    }

    gr_control control = {.resume = true,
                          .threads = a->common.threads,
                          .stop = gr__stop_flag(),
                          .progress = gr__progress_step,
                          .note = gr__progress_note,
                          .user = &progress};

    gr_status status = work(&result, a, &control, err);
    gr__progress_end(&progress); /* before the tables are printed */
    if (status == GR_OK && !a->worker)
        print(result, a->common.json);
    gr_result_free(result);
    return status;
}

/* What the command line says as the definition of a lab, and its work. */
int gr__cmd_reproduce(int argc, char **argv) {
    arguments a = {.common = {.what = "EXPERIMENT"}, .words = argv + 1, .count = argc - 1, .jobs = 1};
    gr_error err = {0};
    gr__parse(&(struct argp){options, parse, "EXPERIMENT", doc, NULL, NULL, NULL}, argc, argv, &a);

    /* The folder is by default named by the experiment. */
    char *folder = gr__run_folder(&a.common);
    a.def.experiment = a.common.input;
    a.def.folder = folder;
    a.def.set = a.common.set.at;
    a.def.sets = a.common.set.count;
    a.def.arm = a.arms.at;
    a.def.arms = a.arms.count;

    gr_status status = reproduce(&a, &err);
    if (err.status == GR_ERR_INTERRUPTED)
        snprintf(err.hint, sizeof err.hint, "all is saved; the same command goes on where it stopped");
    gr_free(folder);
    gr_free(a.arms.at);
    return gr__end_command(&a.common, status, &err);
}
