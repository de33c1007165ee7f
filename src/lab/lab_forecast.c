/* The time that is left of an experiment: said before its first cell, and while cells are made. */
#include "lab/lab_forecast.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "io/checkpoint.h"
#include "lab/costs.h"
#include "lab/lab_words.h"

/* Points whose trainings have fewer steps are not timed: they would be over before that. */
enum { STEPS_LEAST = 64 };

static gr_cell_kind kind_of(const gr_lab *lab, int cell) { return lab->cells->use[lab->cells->cell[cell].use].kind; }

/* ---- following ---- */

/* The factor by which cells of a kind took longer so far than they were expected to; 1 while none is done. now: the
 * seconds that the cell at work will have taken in the end; NaN: too early to say. */
static double correction(const gr__time_left *f, gr_cell_kind kind, double now) {
    double foreseen = f->foreseen[kind], seen = f->seen[kind];
    if (f->current >= 0 && kind_of(f->lab, f->current) == kind && isfinite(now)) {
        foreseen += f->expected[f->current];
        seen += now;
    }
    return foreseen > 0 ? seen / foreseen : 1;
}

/* Whether it is done, by this process or another. */
static bool is_done(const gr__time_left *f, int cell) {
    gr_cell_state state = f->lab->cells->cell[cell].known.state;
    return !f->again[cell] && (state == GR_CELL_DONE || state == GR_CELL_DIVERGED);
}

/* Seconds that all cells still take but the one at work. */
static double others(const gr__time_left *f, double now) {
    double seconds = 0;
    for (int c = 0; c < f->lab->cells->cells; c++)
        if (c != f->current && f->expected[c] > 0 && !is_done(f, c))
            seconds += f->expected[c] * correction(f, kind_of(f->lab, c), now);
    return seconds;
}

/* Progress of one cell, with what all others still take. */
static void follow(void *user, const gr_progress *progress) {
    const gr__time_left *f = user;
    gr_progress with = *progress;

    /* Once a tenth of the cell is done, its own speed counts for what is expected of others of its kind. */
    double now = 10 * progress->step >= progress->steps ? gr__now() - f->since + progress->seconds_left : NAN;
    with.all_left = progress->seconds_left + others(f, now);
    f->caller->progress(f->caller->user, &with);
}

/* A note of what begins, with the time that is left of the whole. */
static void tell(void *user, const char *text) {
    const gr__time_left *f = user;
    double left = others(f, NAN);
    char clock[32];

    /* The cell at work has taken some of its time already. */
    if (f->current >= 0)
        left += f->expected[f->current] * correction(f, kind_of(f->lab, f->current), NAN) - (gr__now() - f->since);
    if (!(left >= 1)) {
        f->caller->note(f->caller->user, text);
        return;
    }
    char *longer = gr_format("%s (about %s left)", text, gr__text_time(clock, left));
    f->caller->note(f->caller->user, longer);
    gr_free(longer);
}

const gr_control *gr__time_left_follow(gr__time_left *f, const gr_control *caller) {
    f->caller = caller;
    f->control = *caller;
    f->control.user = f;
    f->control.progress = caller->progress ? follow : NULL;
    f->control.note = caller->note ? tell : NULL;
    return &f->control;
}

void gr__time_left_begin(gr__time_left *f, int cell) {
    if (!f)
        return;
    f->current = cell;
    f->since = gr__now();
}

void gr__time_left_end(gr__time_left *f) {
    if (!f || f->current < 0)
        return;
    gr_cell_kind kind = kind_of(f->lab, f->current);
    f->foreseen[kind] += f->expected[f->current];
    f->seen[kind] += f->expected[f->current] > 0 ? gr__now() - f->since : 0;
    f->expected[f->current] = 0;
    f->current = -1;
}

/* ---- expecting ---- */

/* The share of a training that is still to be done, which goes on from its newest checkpoint. */
static gr_status share_left(double *share, const gr_lab *lab, int cell, int64_t steps, gr_error *err) {
    char *folder = gr_format("%s/work/%s/checkpoints", lab->folder, lab->cells->cell[cell].key), *newest = NULL;
    int64_t step = -1;
    gr_status status = gr_checkpoint_latest(folder, &newest, &step, NULL, err);
    *share = step > 0 && steps > 0 ? (double)(steps - step) / (double)steps : 1;
    gr_free(newest);
    gr_free(folder);
    return status;
}

/* What cells that are left will take, by costs timed now. */
static gr_status expect(gr__time_left *f, gr_lab *lab, const gr_control *control, gr_error *err) {
    const int cells = lab->cells->cells;
    bool *left = gr_alloc((size_t)cells + 1);
    gr_cost *cost = gr_alloc((size_t)(cells + 1) * sizeof *cost);
    gr_timings *timings = gr_timings_new();
    gr__costing costing = {.lab = lab, .wanted = left, .cost = cost, .timings = timings, .steps_least = STEPS_LEAST};
    gr__cells_left(lab->cells, left);
    gr_status status = gr__lab_costs(&costing, control, err);

    /* A training that is half done takes half; one whose steps find no memory is left out. */
    for (int c = 0; c < cells && status == GR_OK; c++) {
        double share = 1;
        gr_cell_state state = lab->cells->cell[c].known.state;
        f->again[c] = left[c] && (state == GR_CELL_DONE || state == GR_CELL_DIVERGED);
        if (cost[c].steps > 0)
            status = share_left(&share, lab, c, cost[c].steps, err);
        f->expected[c] = isfinite(cost[c].seconds) ? share * cost[c].seconds : 0;
    }
    gr_timings_free(timings);
    gr_free(cost);
    gr_free(left);
    return status;
}

/* ---- saying it ---- */

/* Seconds that are expected of the models of an arm, or of a reading of all arms (arm -1). */
static double sum(const gr__time_left *f, int arm, int reading) {
    const gr__cells *cells = f->lab->cells;
    double seconds = 0;
    for (int c = 0; c < cells->cells; c++) {
        const gr__use *use = &cells->use[cells->cell[c].use];
        if (use->reading == reading && (arm < 0 || use->arm == arm))
            seconds += f->expected[c];
    }
    return seconds;
}

/* "TEXT WORD 4:10,", where it takes time. */
static char *add(char *text, const char *word, double seconds) {
    char clock[32];
    if (seconds <= 0)
        return text;
    char *longer = gr_format("%s %s %s,", text, word, gr__text_time(clock, seconds));
    gr_free(text);
    return longer;
}

/* "about 14:30 for 3 models: routed 5:00, plain 4:10, filtered 3:50, measuring 0:20, relearning 1:10, at the speed of
 * steps timed now" */
static void announce(const gr__time_left *f, double all, const gr_control *caller) {
    const gr_experiment *e = f->lab->experiment;
    char clock[32];
    int models = 0;
    for (int c = 0; c < f->lab->cells->cells; c++)
        models += kind_of(f->lab, c) == GR_CELL_MODEL && f->expected[c] > 0;

    /* What it is spent on. */
    char *text =
        gr_format("about %s for %d %s:", gr__text_time(clock, all), models, gr__plural(models, "model", "models"));
    for (int arm = 0; arm < e->arms; arm++)
        text = add(text, e->arm[arm].name, sum(f, arm, -1));
    double seconds = 0;
    for (int i = 0; i < e->uses; i++) {
        const char *word = gr__reading_briefly(&e->use[i]);
        seconds += sum(f, -1, i);
        if (i + 1 < e->uses && strcmp(word, gr__reading_briefly(&e->use[i + 1])) == 0) /* measures are one */
            continue;
        text = add(text, word, seconds);
        seconds = 0;
    }

    char *whole = gr_format("%s at the speed of steps timed now", text);
    caller->note(caller->user, whole);
    gr_free(text);
    gr_free(whole);
}

void gr__time_left_free(gr__time_left *f) {
    if (!f)
        return;
    gr_free(f->expected);
    gr_free(f->again);
    gr_free(f);
}

gr_status gr_lab_forecast(double *seconds, gr_lab *lab, int jobs, const gr_control *control, gr_error *err) {
    static const gr_control nobody;
    const gr_control *caller = control ? control : &nobody;
    const size_t cells = (size_t)lab->cells->cells + 1;
    gr__time_left *f = gr_alloc(sizeof *f);
    *f = (gr__time_left){.lab = lab, .current = -1, .since = gr__now()};
    f->expected = gr_alloc(cells * sizeof *f->expected);
    f->again = gr_alloc(cells * sizeof *f->again);
    gr__time_left_free(lab->forecast);
    lab->forecast = NULL;

    /* Where nothing takes time, nothing is said. */
    gr_status status = expect(f, lab, caller, err);
    double all = 0;
    for (int c = 0; c < lab->cells->cells; c++)
        all += f->expected[c];
    *seconds = jobs > 1 ? all / jobs : all;
    if (status != GR_OK || all <= 0) {
        gr__time_left_free(f);
        return status;
    }
    lab->forecast = f;
    if (caller->note)
        announce(f, *seconds, caller);
    return GR_OK;
}
