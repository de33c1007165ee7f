/* given.h - models that were made elsewhere in the places of arms.
 *
 *     GR_TRY(gr__experiment_give(&experiment, given, 2, registry, err));     its arms of these names take the models */
#ifndef GR_LAB_GIVEN_H
#define GR_LAB_GIVEN_H

#include "gradroute/lab.h"

/* Reads the experiment once more, with method `given` in place of the arms' own methods and parents; *experiment is
 * freed and becomes the new one. GR_ERR_USAGE: a name that no arm has, or one that is there twice. Errors: those of
 * gr_experiment_parse. On failure it stays. */
gr_status gr__experiment_give(gr_experiment **experiment, const gr_given *given, int count, const gr_registry *registry,
                              gr_error *err);

/* GR_ERR_USAGE, which names them, where arms that run would be trained: runs[arms]. */
gr_status gr__experiment_all_given(const gr_experiment *experiment, const bool *runs, gr_error *err);

#endif
