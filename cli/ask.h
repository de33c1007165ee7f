/* ask.h - how long an experiment takes, said before it begins; what takes hours is not begun unasked. */
#ifndef GR_CLI_ASK_H
#define GR_CLI_ASK_H

#include "gradroute/lab.h"

/* Who works on it, and whether it may take as long as it likes. */
typedef struct gr__ask {
    int jobs;    /* processes */
    int threads; /* of each; 0: a share of the cores */
    bool yes;    /* --yes was given */
} gr__ask;

/* Forecasts all cells that are not done, and tells control. Above two hours a terminal is asked whether to go on; where
 * there is none, and where the answer is not yes: GR_ERR_USAGE. Errors beside: those of gr_lab_forecast. */
gr_status gr__ask_before(gr_lab *lab, const gr__ask *ask, const gr_control *control, gr_error *err);

#endif
