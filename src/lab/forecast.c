/* The time that an audit takes: expected from timed steps, then followed. */
#include "lab/forecast.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/checkpoint.h"
#include "io/file.h"
#include "lab/estimate.h"
#include "method/training.h"

enum { STEPS_LEAST = 64 };

/* ---- following ---- */

/* Seconds of one part of what comes after training. */
static double each_part(const gr__forecast *f) { return (f->attacking ? f->relearning : f->measuring) / f->parts; }

/* Seconds of everything after the arm, or the part, at work. */
static double later(const gr__forecast *f) {
    if (f->parts)
        return (f->parts - f->part - 1) * each_part(f) + (f->attacking ? 0 : f->relearning);
    double seconds = f->measuring + f->relearning;
    for (int k = f->current == GR__ARMS ? 0 : f->current + 1; k < GR__ARMS; k++)
        seconds += f->training[k];
    return seconds;
}

/* Progress of one model, with what all of the audit has left. */
static void follow(void *user, const gr_progress *progress) {
    gr__forecast *f = user;
    gr_progress with = *progress;
    for (int k = 0; k < GR__ARMS; k++)
        if (!progress->doing && strcmp(progress->name, gr__arms[k].name) == 0)
            f->current = k;
    f->since = gr__now();
    with.all_left = progress->seconds_left + later(f);
    f->caller->progress(f->caller->user, &with);
}

/* What begins after training: the time that is left of the whole. */
static void tell(void *user, const char *text) {
    gr__forecast *f = user;
    double left = later(f) + (f->parts ? each_part(f) : 0) - (gr__now() - f->since);
    char clock[32];
    if (left < 1) {
        f->caller->note(f->caller->user, text);
        return;
    }
    char *longer = gr_format("%s (about %s left)", text, gr__text_time(clock, left));
    f->caller->note(f->caller->user, longer);
    gr_free(longer);
}

void gr__forecast_part(gr__forecast *f, bool measuring, int part, int parts) {
    f->attacking = !measuring;
    f->part = part;
    f->parts = parts;
    f->since = gr__now();
}

/* ---- expecting ---- */

/* Steps of an arm that are still to be done: those of its newest checkpoint are not, and none where it is finished. */
static gr_status steps_left(double *steps, const gr_project *p, const char *folder, int arm, gr_error *err) {
    char *done = gr_format("%s/%s/done.json", folder, gr__arms[arm].name);
    char *checkpoints = gr_format("%s/%s/checkpoints", folder, gr__arms[arm].name), *newest = NULL;
    int64_t step = -1;
    bool finished = gr_file_exists(done);
    gr_status status = finished ? GR_OK : gr_checkpoint_latest(checkpoints, &newest, &step, NULL, err);
    *steps = finished ? 0 : (double)(p->recipe->train.steps - (step > 0 ? step : 0));
    gr_free(newest);
    gr_free(done);
    gr_free(checkpoints);
    return status;
}

/* Seconds of the steps of an arm, and with the first of them what is measured of each. */
static gr_status time_arm(gr__forecast *f, gr__audit_costs *costs, const gr_project *p, int arm,
                          const gr_settings *settings, double steps, gr_error *err) {
    gr_arch_def *def;
    gr_model *model;
    gr_timing timing = {.rows = p->recipe->train.batch};
    GR_TRY(gr__train_network(&def, &model, p, settings, err));
    gr_model_set_precision(model, p->recipe->precision);
    gr_status status = gr_train_time(&timing, model, p, settings, err);
    if (status == GR_OK && arm == GR__ARM_ROUTED)
        status = gr__audit_costs_time(costs, model, p, timing.rows, err);
    f->training[arm] = isfinite(timing.seconds) ? steps * timing.seconds : 0;
    gr_model_free(model);
    gr_arch_free(def);
    return status;
}

/* Adds one arm. */
static gr_status expect_arm(gr__forecast *f, gr__audit_costs *costs, const gr_project *p, const char *folder, int arm,
                            gr_error *err) {
    double steps;
    GR_TRY(steps_left(&steps, p, folder, arm, err));
    if (steps <= 0 && arm != GR__ARM_ROUTED)
        return GR_OK;

    gr_settings *settings;
    GR_TRY(gr__arm_settings(&settings, arm, err));
    gr_status status = time_arm(f, costs, p, arm, settings, steps, err);
    gr_settings_free(settings);
    return status;
}

/* "about 14:30 in all: routed 5:00, plain 4:10, filtered 3:50, measuring 0:20, relearning 1:10 (at the speed of ..)" */
static void announce(const gr__forecast *f) {
    char text[512], clock[32];
    double all = f->measuring + f->relearning;
    for (int k = 0; k < GR__ARMS; k++)
        all += f->training[k];
    int used = snprintf(text, sizeof text, "about %s in all:", gr__text_time(clock, all));
    for (int k = 0; k < GR__ARMS; k++)
        if (f->training[k] > 0)
            used += snprintf(text + used, sizeof text - (size_t)used, " %s %s,", gr__arms[k].name,
                             gr__text_time(clock, f->training[k]));
    used += snprintf(text + used, sizeof text - (size_t)used, " measuring %s,", gr__text_time(clock, f->measuring));
    snprintf(text + used, sizeof text - (size_t)used, " relearning %s (at the speed of steps timed now)",
             gr__text_time(clock, f->relearning));
    f->caller->note(f->caller->user, text);
}

gr_status gr__forecast_begin(gr__forecast *f, const gr_project *p, const char *folder, const gr_control *caller,
                             gr_error *err) {
    *f = (gr__forecast){.control = *caller, .caller = caller, .current = GR__ARMS, .since = gr__now()};
    if (p->recipe->train.steps < STEPS_LEAST || (!caller->note && !caller->progress))
        return GR_OK;

    gr__audit_costs costs = {0};
    int models = 0;
    for (int k = 0; k < GR__ARMS; k++) {
        if (!gr__arm_wanted(p->recipe, k))
            continue;
        if (caller->stop && *caller->stop) /* training says what is saved */
            return GR_OK;
        GR_TRY(expect_arm(f, &costs, p, folder, k, err));
        models++;
    }
    f->measuring = isfinite(costs.evaluation) ? (models + 1) * costs.evaluation : 0; /* routed: on and off */
    int attacked = models - gr__arm_wanted(p->recipe, GR__ARM_PLACEBO);
    f->relearning = isfinite(costs.relearning) ? attacked * costs.relearning : 0;

    f->since = gr__now();
    f->control.user = f;
    if (caller->progress)
        f->control.progress = follow;
    if (caller->note) {
        f->control.note = tell;
        announce(f);
    }
    return GR_OK;
}
