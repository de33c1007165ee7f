/* timings.h - what is timed of a model, and by which name it is found again.
 *
 *     char *of = gr__timing_name("pass", model, recipe);
 *     if (!gr_timings_find(&timing, timings, of))
 *         ...
 */
#ifndef GR_MEASURE_TIMINGS_H
#define GR_MEASURE_TIMINGS_H

#include "gradroute/measure.h"

/* Seconds that timing one thing may take. */
#define GR__TIMING_BUDGET 3.0

/* A new string: the words, and what decides the time of a step besides: the parameters, the recipe's section of the
 * model, sizes of batches, precision. */
char *gr__timing_name(const char *what, const gr_model *model, const gr_recipe *recipe);

/* Seconds of one position in a pass over documents, without a gradient. Errors: those of gr_evaluator_new and
 * gr_scan_new. */
gr_status gr__position_time(double *seconds, const gr_subject *subject, gr_timings *timings, gr_error *err);

/* What a pass over docs[count] takes. Errors: those of gr__position_time. */
gr_status gr__docs_cost(gr_cost *cost, const gr_subject *subject, const uint32_t *docs, size_t count,
                        gr_timings *timings, gr_error *err);

/* What a pass over the whole test takes; nothing where subject->pass is another measure's already. */
gr_status gr__pass_cost(gr_cost *cost, const gr_subject *subject, gr_timings *timings, gr_error *err);

#endif
