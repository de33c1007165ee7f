/* training.h - what method `train` is made of, for those who plan it, time it and keep it in a folder.
 *
 *     gr_settings *settings;
 *     GR_TRY(gr__train_settings(&settings, "{routes: none}", err));
 *     GR_TRY(gr__train_network(&def, &model, project, settings, err));
 *     GR_TRY(gr__training_open(&own, model, project, settings, "plain", NULL, err));
 *     ... gr_trainer_new(&trainer, &own.def, err) ...
 *     gr__training_close(&own);
 */
#ifndef GR_METHOD_TRAINING_H
#define GR_METHOD_TRAINING_H

#include "gradroute/method.h"
#include "method/view.h"

extern const gr_method gr__method_train;

/* Options as text of YAML; what it does not say is as the method's defaults. Errors: those of gr_settings_read. */
gr_status gr__train_settings(gr_settings **settings, const char *text, gr_error *err);

/* The options that gr__train_recipe, _check and _digest read: set; labels and without. */
gr_status gr__train_recipe(gr_recipe **recipe, const gr_recipe *base, const gr_settings *settings, gr_error *err);
gr_status gr__train_check(const gr_making *making, bool routed, gr_error *err);
gr_status gr__train_digest(const gr_making *making, bool routed, struct gr_digest *digest, gr_error *err);

bool gr__train_routed(const gr_settings *settings);  /* by the recipe's routes */
bool gr__train_watched(const gr_settings *settings); /* with the recipe's diagnostics */

bool gr__train_matched(const gr_settings *settings); /* to the operations of the recipe's routes */

/* The network before training: gr_arch_free, gr_model_free. Errors: those of task->network and
 * gr_surgery_remove. */
gr_status gr__train_network(gr_arch_def **def, gr_model **model, const gr_project *project, const gr_settings *settings,
                            gr_error *err);

/* The same to plan with: an outline (gr_model_outline) where parameters, gradients and moments find no memory. */
gr_status gr__train_draft(gr_arch_def **def, gr_model **model, const gr_project *project, const gr_settings *settings,
                          gr_error *err);

/* The flag that ends what a method makes; NULL: there is none. */
static inline const volatile sig_atomic_t *gr__making_stop(const gr_making *making) {
    return making->control ? making->control->stop : NULL;
}

/* What training takes beside its network. */
typedef struct gr__training {
    gr__shown shown;
    gr_stream *stream;
    gr_router *router; /* NULL: no route */
    gr_optim_group *group;
    bool watched;     /* with the recipe's diagnostics */
    gr_train_def def; /* without a folder */
} gr__training;

/* Regions that train while all else is closed: names of the network's. */
typedef struct gr__alone {
    const char *const *name;
    int count;
} gr__alone;

/* The name is borrowed. Errors: those of the views, which *stop ends (NULL: nothing does), of gr__project_stream and
 * gr_router_new. */
gr_status gr__training_open(gr__training *out, gr_model *model, const gr_project *project, const gr_settings *settings,
                            const char *name, const volatile sig_atomic_t *stop, gr_error *err);
void gr__training_close(gr__training *training);

/* Where the settings say so (gr__train_matched), as many steps, and so long a schedule, as take the operations that the
 * recipe's steps would take by its routes, on the labels that this training is shown. Counts rows of both, and computes
 * nothing (gr_train_tally). Errors: those of making the routed training. */
gr_status gr__training_match(gr__training *training, const gr_settings *settings, gr_error *err);

/* By the recipe's routes, with all but these regions closed: gr_router_new_alone. Of the settings it reads labels and
 * without. */
gr_status gr__training_open_alone(gr__training *out, gr_model *model, const gr_project *project,
                                  const gr_settings *settings, const gr__alone *alone, const char *name,
                                  const volatile sig_atomic_t *stop, gr_error *err);

/* What training this draft takes: gr_method.cost. Timed once for networks of one shape with routes, and once without.
 */
gr_status gr__train_cost(gr_cost *cost, const gr_making *making, gr_made *draft, gr_timings *timings, gr_error *err);

gr_status gr__train_cost_alone(gr_cost *cost, const gr_making *making, gr_made *draft, const gr__alone *alone,
                               gr_timings *timings, gr_error *err);

/* gr_train_time, or where alone is given the same of such a training. */
gr_status gr__time_training(gr_timing *timing, gr_model *model, const gr_project *project, const gr_settings *settings,
                            const gr__alone *alone, gr_error *err);

/* Trains the network, saves it in making->folder and loads it from there. Errors: those of gr_method.make. */
gr_status gr__train_model(gr_made *made, const gr_making *making, const gr_arch_def *def, gr_model *model,
                          gr__training *own, gr_error *err);

/* A whole run: claims the folder when everything that may refuse has spoken, trains, and keeps done.json, by which the
 * next call with control->resume knows it as finished. Errors: those of gr_project_train. */
gr_status gr__train_run(gr_made *made, gr_project *project, const gr_settings *settings, const char *name,
                        const char *folder, const gr_control *control, gr_error *err);

#endif
