/* network.h - the network of a recipe before it is trained. */
#ifndef GR_TASK_NETWORK_H
#define GR_TASK_NETWORK_H

#include "gradroute/recipe.h"

/* Drawn anew, or the model to go on from with the regions that the recipe adds; model.vocab is filled in. Errors: those
 * of gr_arch_build, gr_bundle_load and gr_surgery_expand. */
gr_status gr__network_new(gr_model **model, const gr_recipe *recipe, gr_error *err);

#endif
