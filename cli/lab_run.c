/* Making and measuring the models of an experiment, for the commands that do. */
#include "lab_run.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "audit_models.h"
#include "base/mem.h"
#include "built_from.h" /* made by the build */
#include "gradroute/report.h"
#include "process.h"
#include "progress.h"
#include "report/lines.h"
#include "workers.h"

error_t gr__lab_run_parse(int key, char *arg, struct argp_state *state, gr__lab_run *run) {
    /* What all commands that work on an experiment have; the rest is everybody's. */
    if (key == GR__KEY_SEEDS)
        run->def.seeds = (int)gr__option_int(state, "seeds", arg, 1, 1000);
    else if (key == GR__KEY_ARMS)
        gr__option_list(&run->common, &run->arms, arg);
    else if (key == GR__KEY_JOBS)
        run->jobs = (int)gr__option_int(state, "jobs", arg, 1, 1000);
    else if (key == GR__KEY_BUDGET)
        run->budget.minutes = gr__option_real(state, "budget", arg, 0.001, 1e6);
    else if (key == GR__KEY_WORKER)
        run->worker = true;
    else
        return gr__common_parse(key, arg, state, &run->common);
    return 0;
}

/* How far it is, on standard error: before hours are spent, and as the last line of a run. */
static void say_count(const gr_lab *lab, const gr_control *control) {
    int all, done;
    gr_lab_count(lab, &all, &done);
    char *text = gr_format("%d of %d models and measurements are done", done, all);
    control->note(control->user, text);
    gr_free(text);
}

/* The same command as so many processes, which share the cores unless the user says how many threads each has. */
static gr_status work_by_workers(gr_lab *lab, const gr__lab_run *run, gr_error *err) {
    char threads[16], seeds[16], **words = gr_alloc((size_t)(run->count + 9) * sizeof *words);
    char *preset = run->chose_preset ? gr_format("--preset=%s", run->def.preset) : NULL;
    int n = 0, share = gr_cores() / run->jobs;
    snprintf(threads, sizeof threads, "%d", share > 0 ? share : 1);

    /* The worker's own options first; behind them those of the user, who thus has the last word on threads. */
    words[n++] = "gradroute";
    words[n++] = (char *)run->command;
    words[n++] = "--worker";
    words[n++] = "--threads";
    words[n++] = threads;
    if (preset)
        words[n++] = preset;
    for (int i = 0; i < run->count; i++)
        words[n++] = run->words[i];

    /* Seeds that were cut have the last word, but behind "--" there are no options. */
    snprintf(seeds, sizeof seeds, "--seeds=%d", run->budget.seeds);
    if (run->budget.seeds != run->budget.asked)
        words[n++] = seeds;

    gr_status status = gr__workers_run(words, run->jobs, run->def.experiment, gr__stop_flag(), err);
    gr_free(words);
    gr_free(preset);
    return status == GR_OK ? gr_lab_look(lab, err) : status;
}

/* The page beside the result. */
static gr_status write_page(const char *folder, gr_error *err) {
    char *path = gr_format("%s/report.html", folder);
    gr_status status = gr_report_write(&folder, 1, path, err);
    gr_free(path);
    return status;
}

/* Its result, from rows alone, and what is to be kept of it. */
static gr_status finish(gr_result **result, gr_lab *lab, const gr__lab_run *run, gr_error *err) {
    GR_TRY(gr_lab_result(result, lab, err));
    GR_TRY(gr_lab_write(lab, *result, err));
    GR_TRY(write_page(run->def.folder, err));
    if (run->export)
        GR_TRY(gr_lab_export(lab, *result, run->export, err));
    return run->commit ? gr_lab_commit(lab, run->commit, err) : GR_OK;
}

static gr_status work(gr_result **result, gr__lab_run *run, const gr_control *control, gr_error *err) {
    gr_lab *lab;
    GR_TRY(gr__output_alone(run->def.folder, err));
    if (run->export)
        GR_TRY(gr__output_alone(run->export, err));
    if (run->commit)
        GR_TRY(gr_lab_commit_check(run->commit, run->def.folder, err));
    if (run->prepare)
        GR_TRY(run->prepare(run, control, err));
    GR_TRY(gr_lab_open(&lab, &run->def, control, err));
    bool all = gr_lab_done(lab), leads = !run->worker && !all;

    /* How long it takes, before anything is begun. A worker's folder is claimed. */
    gr_status status = run->export ? gr_lab_export_check(lab, run->export, err) : GR_OK;
    run->budget.jobs = run->jobs;
    run->budget.threads = run->common.threads;
    if (status == GR_OK && leads && run->budget.minutes > 0) {
        status = gr__budget_fit(&lab, &run->def, &run->budget, control, err);
        all = status == GR_OK && gr_lab_done(lab);
        leads = !all;
    }
    if (status == GR_OK && leads) {
        say_count(lab, control);
        gr__ask ask = {run->jobs, run->common.threads, run->yes};
        status = gr__ask_before(lab, &ask, control, err);
        if (status == GR_OK)
            status = gr_lab_claim(lab, err);
    }

    /* From here on the folder changes, and a signal finds something to save. */
    if (status == GR_OK && !all) {
        gr__stop_saves();
        status = run->jobs > 1 && !run->worker ? work_by_workers(lab, run, err) : gr_lab_work(lab, control, err);
    }
    if (status == GR_OK && !run->worker)
        status = finish(result, lab, run, err);
    if (status == GR_OK && !run->worker && run->def.givens > 0)
        gr__audit_models_left_out(lab, *result, control);
    if (status == GR_OK && leads) {
        say_count(lab, control);
        gr__budget_say(&run->budget, control);
    }
    gr_lab_free(lab);
    return status;
}

/* The tables for people, or the result as it is in its file; of settings that were tried the choice alone. */
static void print(const gr_result *result, const gr__lab_run *run) {
    if (!run->common.json) {
        (run->choice ? gr_result_print_choice : gr_result_print)(result, stdout);
        return;
    }
    char *text = run->choice ? gr_result_choice_text(result) : gr_result_text(result);
    puts(text);
    gr_free(text);
}

static gr_status work_and_print(gr__lab_run *run, gr_error *err) {
    gr_result *result = NULL;
    gr__progress_bar progress;
    gr__progress_begin(&progress, stderr);
    if (run->worker) {
        gr__worker_begin();
        progress.terminal = false; /* several cannot share one bar */
    }

    gr_control control = {.resume = true,
                          .threads = run->common.threads,
                          .stop = gr__stop_flag(),
                          .progress = gr__progress_step,
                          .note = gr__progress_note,
                          .user = &progress};
    gr_status status = work(&result, run, &control, err);
    gr__progress_end(&progress); /* before the tables are printed */
    if (status == GR_OK && !run->worker)
        print(result, run);
    gr_result_free(result);
    return status;
}

/* ---- the end ---- */

static void say_word(const char *word) {
    fputc(' ', stderr);
    gr__print_word(stderr, word);
}

static void say_option(const char *option, const char *value) {
    say_word(option);
    say_word(value);
}

/* The command that goes on: as it was typed, and before that the folder that it chose itself, for behind "--" are no
 * options. A preset that it chose is that of the folder, with which a budget goes on. Whole, on a line of its own: an
 * error's hint has not the room, and a line can be pasted. */
static void say_again(const gr__lab_run *run) {
    fprintf(stderr, "    gradroute %s", run->command);
    if (!run->common.placed)
        say_option("-o", run->def.folder);
    for (int i = 0; i < run->count; i++)
        say_word(run->words[i]);
    fputc('\n', stderr);
}

/* What the command line says as the definition of a lab, and its work. */
int gr__lab_run_all(gr__lab_run *run, int argc, char **argv) {
    gr_error err = {0};

    /* The folder is by default named by the argument. */
    char *folder = gr__run_folder(&run->common);
    run->words = argv + 1;
    run->count = argc - 1;
    run->def.folder = folder;
    run->def.set = run->common.set.at;
    run->def.sets = run->common.set.count;
    run->def.arm = run->arms.at;
    run->def.arms = run->arms.count;
    run->def.commit = *GR__BUILT_FROM ? GR__BUILT_FROM : NULL;

    gr_status status = work_and_print(run, &err);
    if (err.status == GR_ERR_INTERRUPTED)
        snprintf(err.hint, sizeof err.hint, "%s", run->worker ? "" : "all is saved; the same command goes on:");
    const int code = gr__end_command(&run->common, status, &err);

    /* Whoever started workers says it once for all of them. */
    if (err.status == GR_ERR_INTERRUPTED && !run->worker)
        say_again(run);
    gr_free(folder);
    gr_free(run->arms.at);
    return code;
}
