/* forecast.h - how long an audit takes, said before its first model and while it goes on.
 *
 *     gr__forecast f;
 *     GR_TRY(gr__forecast_begin(&f, project, folder, control, err));
 *     gr__train_run(.., &f.control, err);                   progress has all_left from now on
 *     f.control.note(f.control.user, "measuring");          "measuring (about 1:20 left)"
 */
#ifndef GR_LAB_FORECAST_H
#define GR_LAB_FORECAST_H

#include "lab/arms.h"

typedef struct gr__forecast {
    gr_control control;       /* takes the place of the caller's, which hears everything */
    const gr_control *caller; /* borrowed */

    /* Seconds expected: of each arm what is left of its training, then of what comes after all of them; 0: nothing. */
    double training[GR__ARMS], measuring, relearning;
    int current;     /* the arm at work; GR__ARMS: none yet */
    bool attacking;  /* after training: relearning and not measuring, */
    int part, parts; /* which part of it, from 0; parts is 0 while arms are trained */
    double since;    /* when it was heard of last */
} gr__forecast;

/* Times steps of the arms that are not finished, and passes as measuring and relearning make them, and tells the caller
 * what all of it comes to. Audits of fewer than 64 steps are over before that: they are passed on as they are. The
 * forecast must outlive its control. Errors: those of gr__train_network and gr_train_time. */
gr_status gr__forecast_begin(gr__forecast *forecast, const gr_project *project, const char *folder,
                             const gr_control *caller, gr_error *err);

/* After training: a part begins, `part` from 0, of measuring or of relearning. */
void gr__forecast_part(gr__forecast *forecast, bool measuring, int part, int parts);

#endif
