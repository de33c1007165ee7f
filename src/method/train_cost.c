/* How long training takes here: a few steps are timed, small ones first, and where the whole would take long it is
 * extrapolated. */
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/sort.h"
#include "method/training.h"
#include "op/op.h"

/* Steps timed after one that wakes threads and caches, and seconds that they may take together. */
enum { STEPS = 4 };
static const double BUDGET = 3;

/* The median of as many steps as the budget allows; the first alone where that takes all of it. */
static gr_status run_steps(double *seconds, gr_trainer *trainer, double budget, gr_error *err) {
    double sample[STEPS], began = gr__now();
    int count = 0;
    GR_TRY(gr_trainer_step(trainer, err));
    *seconds = gr__now() - began;
    for (double from = gr__now(); count < STEPS && from - began < budget; count++) {
        GR_TRY(gr_trainer_step(trainer, err));
        sample[count] = gr__now() - from;
        from += sample[count];
    }
    if (count > 0)
        *seconds = gr__median(sample, count);
    return GR_OK;
}

/* Times steps of so many sequences, in place of the recipe's batch, for so many seconds. */
static gr_status time_steps(gr_timing *timing, gr_model *model, const gr_project *p, const gr_settings *settings,
                            const gr__alone *alone, int rows, double budget, gr_error *err) {
    /* The same project with a smaller batch. */
    gr_recipe recipe = *p->recipe;
    gr_project smaller = *p;
    smaller.recipe = &recipe;
    recipe.train.batch = rows;
    recipe.train.micro = recipe.train.micro < rows ? recipe.train.micro : rows;

    /* Wall time of a step, and how many processors it had. */
    gr__training own;
    gr_trainer *trainer;
    GR_TRY(alone ? gr__training_open_alone(&own, model, &smaller, settings, alone, "timed", NULL, err)
                 : gr__training_open(&own, model, &smaller, settings, "timed", NULL, err));
    gr_status status = gr_trainer_new(&trainer, &own.def, err);
    if (status == GR_OK) {
        double from = gr__now(), used = gr__clock(CLOCK_PROCESS_CPUTIME_ID);
        status = run_steps(&timing->seconds, trainer, budget, err);
        double wall = gr__now() - from;
        timing->rows = rows;
        timing->cores = wall > 0.1 ? (gr__clock(CLOCK_PROCESS_CPUTIME_ID) - used) / wall : NAN;
        gr_trainer_free(trainer);
    }
    gr__training_close(&own);
    return status;
}

/* Whether a step of so many sequences finds the memory that it needs beside the model. */
static bool fits(const gr_model *model, const gr_project *p, int rows) {
    const gr_recipe *r = p->recipe;
    if (gr_model_is_outline(model))
        return false;
    int part = r->train.micro && r->train.micro < rows ? r->train.micro : rows;
    gr_run_def run = {.positions = part * r->data.context, .train = true, .precision = r->precision};
    run.recompute = r->train.recompute;
    gr_memory m = gr_run_plan(model, NULL, &run);
    return (double)(m.total - m.parameters) + (double)gr_optim_plan(model, &r->train.optim) < gr_memory_free();
}

/* So many sequences, or a few less: whole micro-batches where there are several. */
static int whole_parts(const gr_project *p, int rows) {
    const int batch = p->recipe->train.batch, micro = p->recipe->train.micro ? p->recipe->train.micro : batch;
    rows = rows < batch ? rows : batch;
    return rows > micro ? rows - rows % micro : rows;
}

/* Seconds of a batch from two smaller steps: what grows with the rows, and what does not (the optimiser). A row takes
 * no more than the mean of the larger step, and not next to nothing: other work on the machine would be extrapolated
 * too. */
static double extrapolate(const gr_timing *small, const gr_timing *large, int batch) {
    double mean = large->seconds / large->rows;
    double slope = (large->seconds - small->seconds) / (large->rows - small->rows);
    slope = fmax(0.1 * mean, fmin(slope, mean));
    return large->seconds + slope * (batch - large->rows);
}

gr_status gr_train_time(gr_timing *timing, gr_model *model, const gr_project *p, const gr_settings *settings,
                        gr_error *err) {
    return gr__time_training(timing, model, p, settings, NULL, err);
}

gr_status gr__time_training(gr_timing *timing, gr_model *model, const gr_project *p, const gr_settings *settings,
                            const gr__alone *alone, gr_error *err) {
    const int batch = p->recipe->train.batch, width = p->recipe->data.context;
    const int rows = whole_parts(p, (GR_BLOCK + width - 1) / width);
    *timing = (gr_timing){.seconds = NAN, .cores = NAN};
    if (!fits(model, p, rows))
        return GR_OK;

    /* A block of rows says how long a batch takes, more or less. */
    gr_timing small, second;
    GR_TRY(time_steps(&small, model, p, settings, alone, rows, BUDGET / 3, err));
    *timing = small;
    double guess = small.seconds * batch / rows;
    if (rows == batch)
        return GR_OK;
    if (2 * guess <= BUDGET && fits(model, p, batch))
        return time_steps(timing, model, p, settings, alone, batch, BUDGET, err);

    /* Too long: as many rows as take a third of the time that there is; fewer where one block takes all of it. */
    double most = rows * (BUDGET / 3) / small.seconds;
    int other = whole_parts(p, most < batch ? (int)most : batch);
    other = other <= rows || !fits(model, p, other) ? whole_parts(p, rows / 2) : other;
    timing->seconds = guess;
    if (other < 1)
        return GR_OK;
    GR_TRY(time_steps(&second, model, p, settings, alone, other, BUDGET / 3, err));
    const bool grew = other > rows;
    *timing = grew ? second : small;
    timing->seconds = grew ? extrapolate(&small, &second, batch) : extrapolate(&second, &small, batch);
    return GR_OK;
}
