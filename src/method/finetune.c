/* Training that goes on from a parent on the text of training as it comes, labelled and not, with everything on: does
 * that pull into the core what was routed to regions? Ablation afterwards says so. */
#include <float.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/surgery.h"
#include "io/yaml.h"
#include "method/training.h"
#include "recipe/graft.h"

static const char *const routes[] = {"none", "recipe", NULL};

static const gr_setting options[] = {{.key = "steps",
                                      .help = "of the recipe's batch, with its schedule",
                                      .kind = GR_SETTING_COUNT,
                                      .initial = {.number = 200},
                                      .min = 1,
                                      .max = 1 << 30},
                                     {.key = "lr",
                                      .help = "rate of the recipe's optimiser, whose moments begin anew",
                                      .kind = GR_SETTING_REAL,
                                      .initial = {.number = 0.0003},
                                      .min = DBL_MIN,
                                      .max = 100},
                                     {.key = "routes",
                                      .help = "by none, all of the network open and on; or by those of the recipe",
                                      .kind = GR_SETTING_WORD,
                                      .word = routes},
                                     {0}};

/* ---- as a training ---- */

/* Options of method `train` that say the same. */
static gr_status training_settings(gr_settings **settings, const gr_making *m, gr_error *err) {
    const bool routed = gr_settings_get(m->settings, "routes")->number != 0;
    return gr__train_settings(settings, routed ? "{routes: recipe}" : "{routes: none}", err);
}

/* The recipe with these steps, this rate, and a warmup that fits into them. */
static gr_status own_recipe(gr_recipe **recipe, const gr_recipe *base, const gr_settings *settings, gr_error *err) {
    const int steps = (int)gr_settings_get(settings, "steps")->number;
    const int warmup = base->train.optim.warmup < steps ? base->train.optim.warmup : steps / 10;
    char *text = gr_format("{train.steps: %d, train.warmup: %d, train.lr: %.17g}", steps, warmup,
                           gr_settings_get(settings, "lr")->number);
    gr_yaml *sets;
    gr_status status = gr_yaml_parse(&sets, text, strlen(text), "finetune", err);
    gr_free(text);
    GR_TRY(status);
    status = gr__recipe_with(recipe, base, sets, err);
    gr_yaml_free(sets);
    return status;
}

/* Refuses what training would refuse, and a parent that has regions off: they would be on again. */
static gr_status check(const gr_making *m, gr_error *err) {
    gr_making training = *m;
    gr_settings *settings;
    if (m->parent && m->parent->off_count > 0)
        return gr_error_set(err, GR_ERR_USAGE, m->name, "fine-tune the whole model, and ablate what came of it",
                            "its parent has regions that are switched off");
    GR_TRY(training_settings(&settings, m, err));
    training.settings = settings;
    gr_status status = gr__method_train.check(&training, err);
    gr_settings_free(settings);
    return status;
}

static gr_status digest(const gr_making *m, gr_digest *d, gr_error *err) {
    gr_making training = *m;
    gr_settings *settings;
    GR_TRY(training_settings(&settings, m, err));
    training.settings = settings;
    gr_status status = gr__method_train.digest(&training, d, err);
    gr_settings_free(settings);
    return status;
}

/* ---- the model ---- */

/* A network of its own with the parent's parameters. */
static gr_status copy_parent(gr_surgery_result *out, const gr_making *m, gr_error *err) {
    return gr_surgery_remove(out, m->parent->bundle->def, m->parent->bundle->model, NULL, 0, err);
}

/* Trained as `train` would go on with these parameters. */
static gr_status train(gr_made *made, const gr_making *m, const gr_surgery_result *net, gr_error *err) {
    gr__training own;
    gr_model_set_precision(net->model, m->project->recipe->precision);
    GR_TRY(gr__training_open(&own, net->model, m->project, m->settings, m->name, gr__making_stop(m), err));
    gr_status status = gr__train_model(made, m, net->def, net->model, &own, err);
    gr__training_close(&own);
    return status;
}

static gr_status make(gr_made *made, const gr_making *m, gr_error *err) {
    gr_making training = *m;
    gr_settings *settings;
    gr_surgery_result net;
    *made = (gr_made){0};
    GR_TRY(check(m, err));
    GR_TRY(training_settings(&settings, m, err));
    training.settings = settings;

    /* The parent may serve other arms: a copy is trained. */
    gr_status status = copy_parent(&net, m, err);
    if (status == GR_OK) {
        status = train(made, &training, &net, err);
        gr_surgery_free(&net);
    }
    gr_settings_free(settings);
    return status;
}

/* ---- before it is made ---- */

static gr_status draft(gr_made *made, const gr_making *m, gr_error *err) {
    gr_surgery_result net;
    *made = (gr_made){0};
    GR_TRY(copy_parent(&net, m, err));
    gr_made_take(made, net.def, net.model, m->project->recipe->precision);
    return GR_OK;
}

static gr_status cost(gr_cost *cost, const gr_making *m, gr_made *drafted, gr_timings *timings, gr_error *err) {
    gr_making training = *m;
    gr_settings *settings;
    GR_TRY(training_settings(&settings, m, err));
    training.settings = settings;
    gr_status status = gr__train_cost(cost, &training, drafted, timings, err);
    gr_settings_free(settings);
    return status;
}

static bool routed(const gr_settings *settings) { return gr_settings_get(settings, "routes")->number != 0; }

const gr_method gr__method_finetune = {
    .name = "finetune",
    .help = "a parent trained further on the text of training as it comes, with everything on",
    .doing = "fine-tuning",
    .revision = 1,
    .from = true,
    .sees = GR_SEES_REVEALED,
    .option = options,
    .recipe = own_recipe,
    .routed = routed,
    .check = check,
    .digest = digest,
    .make = make,
    .draft = draft,
    .cost = cost,
};
