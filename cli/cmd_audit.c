/* gradroute audit: the routed model beside its twins, measured and attacked. */
#include <string.h>

#include "base/mem.h"
#include "commands.h"
#include "common.h"
#include "gradroute/report.h"
#include "process.h"
#include "progress.h"

static const char doc[] =
    "Trains the routed model of RECIPE and the twins it asks for, all from the same start, switches the regions off, "
    "fine-tunes each model on a few forget documents, and prints one table: losses, removal before and after "
    "relearning, "
    "retention, tax. Writes DIR/result.json and a folder for each model. Called again it goes on where it stopped; "
    "when "
    "all is done it only prints."
    "\v"
    "Examples:\n"
    "  gradroute audit recipes/demo.yaml -o runs/demo\n"
    "  gradroute audit recipes/demo.yaml -o runs/small --set train.tokens=400k\n"
    "To start anew choose another folder, or remove DIR yourself.\n" GR__EXIT_STATUS;

static const struct argp_option options[] = {GR__OPTION_OUT("The folder DIR (default: runs/NAME for recipe NAME.yaml)"),
                                             GR__OPTION_SET,
                                             GR__OPTION_THREADS,
                                             GR__OPTION_JSON,
                                             {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    return gr__common_parse(key, arg, state, state->input);
}

/* The table, or result.json as it is on the disk. */
static void print(const gr_audit *audit, bool json) {
    if (!json) {
        gr_audit_print(audit, stdout);
        return;
    }
    char *text = gr_audit_json(audit);
    size_t length = strlen(text);
    printf("%s%s", text, length && text[length - 1] == '\n' ? "" : "\n");
    gr_free(text);
}

/* The audit of a recipe, in this folder. Until the project is open there is nothing that a signal could have us save.
 */
static gr_status run_recipe(gr_audit **audit, gr_recipe *recipe, const char *folder, const gr_control *control,
                            gr_error *err) {
    gr_project *project;
    /* Before anything is read: may this folder be written to? */
    GR_TRY(gr_output_check(folder, GR_OUTPUT_AUDIT, recipe, true, err));
    char *data = gr_format("%s/data", folder);
    gr_status status = gr_project_open(&project, recipe, data, control, err);
    gr_free(data);
    GR_TRY(status);

    gr__stop_saves();
    status = gr_audit_run(audit, project, folder, control, err);
    gr_project_free(project);
    return status;
}

/* Runs the audit with progress on standard error, then prints its table. */
static gr_status run_audit(const gr__common *common, const char *folder, gr_error *err) {
    gr_recipe *recipe;
    gr_audit *audit;
    gr__progress_bar progress;
    GR_TRY(gr__open_recipe(&recipe, common, err));

    /* Progress ends before the table is printed. */
    gr__progress_begin(&progress, stderr);
    gr_control control = {.resume = true,
                          .threads = common->threads,
                          .stop = gr__stop_flag(),
                          .progress = gr__progress_step,
                          .note = gr__progress_note,
                          .user = &progress};
    gr_status status = run_recipe(&audit, recipe, folder, &control, err);
    gr__progress_end(&progress);

    if (status == GR_OK) {
        print(audit, common->json);
        gr_audit_free(audit);
    }
    gr_recipe_free(recipe);
    return status;
}

int gr__cmd_audit(int argc, char **argv) {
    gr__common common = {.what = "RECIPE"};
    gr_error err = {0};
    gr__parse(&(struct argp){options, parse, "RECIPE", doc, NULL, NULL, NULL}, argc, argv, &common);
    char *folder = gr__run_folder(&common);
    gr_status status = run_audit(&common, folder, &err);
    if (err.status == GR_ERR_INTERRUPTED)
        snprintf(err.hint, sizeof err.hint, "all is saved; the same command goes on: gradroute audit %s -o %s%s",
                 common.input, folder, common.set.count ? " and the same --set" : "");
    gr_free(folder);
    return gr__end_command(&common, status, &err);
}
