/* The learning rate of a step: a linear warm-up, then constant, linear or cosine (formulas in optim.h). */
#include <math.h>

#include "gradroute/optim.h"

/* Part of the rate that is left after the warm-up; x in [0, 1] is how far the run has come since. */
static double after_warmup(gr_schedule kind, double x, double final) {
    switch (kind) {
    case GR_SCHEDULE_LINEAR:
        return 1 - (1 - final) * x;
    case GR_SCHEDULE_COSINE:
        return final + (1 - final) * 0.5 * (1 + cos(3.14159265358979323846 * x));
    default:
        return 1;
    }
}

double gr_schedule_lr(const gr_optim_def *def, int64_t step) {
    if (step < def->warmup)
        return def->lr * (double)(step + 1) / (double)def->warmup;

    double span = (double)(def->total - def->warmup), x = span > 0 ? (double)(step - def->warmup) / span : 1;
    return def->lr * after_warmup(def->schedule, x < 1 ? x : 1, def->final);
}
