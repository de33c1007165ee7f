/* gradroute train: the routed model of a recipe. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "commands.h"
#include "common.h"
#include "diagnosis.h"
#include "process.h"
#include "progress.h"

static const char doc[] =
    "Trains the routed model of RECIPE and writes RUN/model, RUN/metrics.jsonl, RUN/checkpoints and RUN/recipe.yaml; "
    "the encoded data are kept in RUN/data. Ctrl-C, SIGTERM and a hang-up save before it stops; a run that was "
    "stopped or killed goes on with --resume and ends with the same bits. With --from a trained model goes on: the "
    "regions of RECIPE are added to it."
    "\v"
    "Examples:\n"
    "  gradroute train recipes/demo.yaml\n"
    "  gradroute train recipes/demo.yaml -o runs/short --set train.steps=100\n"
    "  gradroute train recipes/demo.yaml --resume\n"
    "  gradroute train new-region.yaml --from runs/demo -o runs/more\n" GR__EXIT_STATUS;

enum { KEY_FROM = GR__KEY_OWN };

static const struct argp_option options[] = {
    {"from", KEY_FROM, "MODEL", 0, "Go on from this model, with the recipe's regions added (model.from)", 0},
    GR__OPTION_OUT("The run folder RUN (default: runs/NAME for recipe NAME.yaml)"),
    GR__OPTION_SET,
    GR__OPTION_RESUME,
    GR__OPTION_THREADS,
    GR__OPTION_JSON,
    {0}};

/* --from MODEL is --set model.from='MODEL'. */
static void set_from(gr__common *common, const char *model) {
    if (!common->arena)
        common->arena = gr_arena_new();

    /* Single quotes of YAML: a quote within is doubled. */
    char *text = gr_arena_alloc(common->arena, 2 * strlen(model) + sizeof "model.from=''");
    char *to = stpcpy(text, "model.from='");
    for (; *model; model++) {
        *to++ = *model;
        if (*model == '\'')
            *to++ = '\'';
    }
    *to = '\'';
    GR_PUSH(common->set.at, common->set.count, common->set.capacity) = text;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    if (key != KEY_FROM)
        return gr__common_parse(key, arg, state, state->input);
    set_from(state->input, arg);
    return 0;
}

/* What the user types to go on. */
static void say_how_to_go_on(const gr__common *common, const char *run, gr_error *err) {
    if (err->status == GR_ERR_INTERRUPTED)
        snprintf(err->hint, sizeof err->hint, "all is saved; go on with: gradroute train %s -o %s --resume%s",
                 common->input, run, common->set.count ? " and the same --set and --from" : "");
}

/* The run for programs, with what its last diagnostics said. */
static void print_json(const gr_made *made, const char *run) {
    size_t size = gr_model_size(made->bundle->model);
    double rate = made->seconds > 0 ? (double)made->tokens / made->seconds : 0;
    char *model = gr_format("%s/model", run);
    gr__print_json(json_pack("{s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:o}", "run", gr_json_text(run), "model",
                             gr_json_text(model), "parameters", (json_int_t)size, "steps", (json_int_t)made->steps,
                             "tokens", (json_int_t)made->tokens, "seconds", gr__json_real(made->seconds),
                             "tokens_per_s", gr__json_real(rate), "diagnosis", gr__diagnosis_read(run)));
    gr_free(model);
}

/* What was trained, what diagnostics say of it, where it is, and what to do with it. */
static void print_text(const gr_made *made, const char *run) {
    const gr_model *model = made->bundle->model;
    /* How much, and how fast. */
    printf("trained %s %s on %s %s in %s (%s tokens/s)\n", gr__text_count((char[32]){0}, made->steps),
           gr__plural(made->steps, "step", "steps"), gr__text_count((char[32]){0}, made->tokens),
           gr__plural(made->tokens, "token", "tokens"), gr__text_time((char[32]){0}, made->seconds),
           gr__text_count((char[32]){0}, made->seconds > 0 ? (int64_t)((double)made->tokens / made->seconds) : 0));

    /* Whether routing works, by the last measurements. */
    json_t *diagnosis = gr__diagnosis_read(run);
    gr__diagnosis_print(diagnosis);
    json_decref(diagnosis);

    /* The next commands, ready to be copied. */
    printf("model    %s/model\nmetrics  %s/metrics.jsonl\n", run, run);
    const char *region = gr_model_regions(model) ? gr_model_region(model, 0)->name : NULL;
    printf("next     gradroute eval %s%s%s\n", run, region ? " --off " : "", region ? region : "");
    if (made->bundle->info.tokenizer)
        printf("         gradroute generate %s --prompt TEXT%s%s\n", run, region ? " --off " : "",
               region ? region : "");
}

/* From here on there is something that a signal has us save. */
static gr_status train(const gr__common *common, gr_project *project, const char *run, const gr_control *control,
                       gr_error *err) {
    gr_made made;
    gr__stop_saves();
    GR_TRY(gr_project_train(&made, project, run, control, err));
    if (common->json)
        print_json(&made, run);
    else
        print_text(&made, run);
    gr_made_free(&made);
    return GR_OK;
}

/* Reads the data of a recipe, or takes them as the run has kept them, and trains. */
static gr_status train_recipe(const gr__common *common, gr_recipe *recipe, const char *run, const gr_control *control,
                              gr_error *err) {
    gr_project *project;
    /* Before anything is read: may this folder be written to? */
    GR_TRY(gr__output_alone(run, err));
    GR_TRY(gr_output_check(run, recipe, common->resume, err));
    char *data = gr_format("%s/data", run);
    gr_status status = gr_project_open(&project, recipe, data, control, err);
    gr_free(data);
    GR_TRY(status);

    status = train(common, project, run, control, err);
    gr_project_free(project);
    return status;
}

static gr_status open_and_train(const gr__common *common, const char *run, gr_error *err) {
    gr_recipe *recipe;
    gr__progress_bar progress;
    GR_TRY(gr__open_recipe(&recipe, common, err));

    /* What the library calls while it works. */
    gr__progress_begin(&progress, stderr);
    gr_control control = {.resume = common->resume,
                          .threads = common->threads,
                          .stop = gr__stop_flag(),
                          .progress = gr__progress_step,
                          .note = gr__progress_note,
                          .user = &progress};
    gr_status status = train_recipe(common, recipe, run, &control, err);
    gr__progress_end(&progress);
    gr_recipe_free(recipe);
    return status;
}

int gr__cmd_train(int argc, char **argv) {
    gr__common common = {.what = "RECIPE"};
    gr_error err = {0};
    gr__parse(&(struct argp){options, parse, "RECIPE", doc, NULL, NULL, NULL}, argc, argv, &common);
    char *run = gr__run_folder(&common);
    gr_status status = open_and_train(&common, run, &err);
    say_how_to_go_on(&common, run, &err);
    gr_free(run);
    return gr__end_command(&common, status, &err);
}
