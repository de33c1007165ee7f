/* audit_models.h - an audit of models that were made elsewhere: which folders stand for which arms, and what they are
 * measured on.
 *
 *     gr__audit_models models = {0};                       said: ARM=FOLDER; the rest from options
 *     GR_TRY(gr__audit_models_open(&models, &def, err));   def.given, def.base and def.base_text
 *     ... gr_lab_open(&lab, &def, ..) ...
 *     gr__audit_models_close(&models);
 */
#ifndef GR_CLI_AUDIT_MODELS_H
#define GR_CLI_AUDIT_MODELS_H

#include "common.h"

typedef struct gr__audit_models {
    gr__strings said;                                     /* ARM=FOLDER */
    gr__strings told;                                     /* ARM=WORD */
    const char *recipe, *data, *text_field, *label_field; /* NULL: not said */

    /* Private: what was made of that. */
    gr_given *given;
    char *base, *text;
} gr__audit_models;

/* Which models are given, and the recipe of the data: the one that was named, or that of the model that the experiment
 * is about, with its data in other files where they were named. What is put into the definition belongs to *models.
 * GR_ERR_USAGE: a word without '=', an arm of `told` that no model is given for, no model of the subject, a model
 * without a recipe, data that are no text; errors of gr_experiment_open, gr_bundle_find and of reading. */
gr_status gr__audit_models_open(gr__audit_models *models, gr_lab_def *def, gr_error *err);
void gr__audit_models_close(gr__audit_models *models);

/* What an experiment of given models has no figures of, and why: a note, where there is any. */
void gr__audit_models_left_out(const gr_lab *lab, const gr_result *result, const gr_control *control);

#endif
