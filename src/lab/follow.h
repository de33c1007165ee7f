/* follow.h - work on a model after its training, told to the caller as training is and stopped by the same flag.
 *
 *     gr__follow follow;
 *     gr__follow_begin(&follow, control, folder, "measuring", "plain");
 *     gr_evaluator_follow(evaluator, gr__follow_told, &follow);
 *     if (!gr_evaluate(evaluator, ..))
 *         return gr__follow_stopped(&follow, err);       control->stop was set
 */
#ifndef GR_LAB_FOLLOW_H
#define GR_LAB_FOLLOW_H

#include "gradroute/lab.h"

typedef struct gr__follow {
    const gr_control *control;
    const char *folder;       /* that keeps what is finished */
    const char *doing, *name; /* as in gr_progress */
    double began;
} gr__follow;

/* The strings are borrowed. control NULL: nobody listens, nothing stops. */
void gr__follow_begin(gr__follow *follow, const gr_control *control, const char *folder, const char *doing,
                      const char *name);

/* Tells the caller how much is done, where `all` is above 0. False: the caller has asked to stop. */
bool gr__follow_told(void *follow, int64_t done, int64_t all);

/* The same for work whose share is told elsewhere: it is only asked whether to go on. */
bool gr__follow_asked(void *follow, int64_t done, int64_t all);

/* GR_ERR_INTERRUPTED, at the place `name`, with what becomes of the folder (NULL: there is none), where the caller has
 * asked to stop; else GR_OK. */
gr_status gr__follow_stopped(const gr__follow *follow, gr_error *err);

#endif
