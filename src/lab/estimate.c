/* How long the work of a recipe takes here: a few steps and passes are timed, small ones first, and where the whole
 * would take long it is extrapolated. */
#include "lab/estimate.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sort.h"
#include "lab/arm.h"
#include "op/op.h"

/* Steps timed after one that wakes threads and caches, and seconds that they may take together. */
enum { STEPS = 4 };
static const double BUDGET = 3;

/* ---- training steps ---- */

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

/* Steps of so many sequences in place of the recipe's. */
static gr_status time_steps(gr_timing *timing, gr_model *model, const gr_project *p, gr_arm_kind kind, int rows,
                            double budget, gr_error *err) {
    gr_recipe recipe = *p->recipe;
    gr_project smaller = *p;
    smaller.recipe = &recipe;
    recipe.train.batch = rows;
    recipe.train.micro = recipe.train.micro < rows ? recipe.train.micro : rows;

    gr__arm_parts own;
    gr_trainer *trainer;
    GR_TRY(gr__arm_parts_open(&own, model, &smaller, kind, err));
    gr_status status = gr_trainer_new(&trainer, &own.def, err);
    if (status == GR_OK) {
        double from = gr__now(), used = gr__clock(CLOCK_PROCESS_CPUTIME_ID);
        status = run_steps(&timing->seconds, trainer, budget, err);
        double wall = gr__now() - from;
        timing->rows = rows;
        timing->cores = wall > 0.1 ? (gr__clock(CLOCK_PROCESS_CPUTIME_ID) - used) / wall : NAN;
        gr_trainer_free(trainer);
    }
    gr__arm_parts_close(&own);
    return status;
}

/* Bytes that may still be taken on this machine; INFINITY where it does not say. */
static double available_memory(void) {
    FILE *in = fopen("/proc/meminfo", "r");
    char line[128];
    double kilobytes = INFINITY;
    while (in && fgets(line, sizeof line, in))
        if (sscanf(line, "MemAvailable: %lf", &kilobytes) == 1)
            break;
    if (in)
        fclose(in);
    return 1024 * kilobytes;
}

/* Whether a step of so many sequences finds the memory that it needs beside the model. */
static bool fits(const gr_model *model, const gr_project *p, int rows) {
    const gr_recipe *r = p->recipe;
    int part = r->train.micro && r->train.micro < rows ? r->train.micro : rows;
    gr_run_def run = {.rows = part * r->data.context, .train = true, .precision = r->precision};
    run.recompute = r->train.recompute;
    gr_memory m = gr_run_plan(model, NULL, &run);
    return (double)(m.total - m.parameters) + (double)gr_optim_plan(model, &r->train.optim) < available_memory();
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

gr_status gr_arm_time(gr_timing *timing, gr_model *model, const gr_project *p, gr_arm_kind kind, gr_error *err) {
    const int batch = p->recipe->train.batch, width = p->recipe->data.context;
    const int rows = whole_parts(p, (GR_BLOCK + width - 1) / width);
    *timing = (gr_timing){.seconds = NAN, .cores = NAN};
    if (!fits(model, p, rows))
        return GR_OK;

    /* A block of rows says how long a batch takes, more or less. */
    gr_timing small, second;
    GR_TRY(time_steps(&small, model, p, kind, rows, BUDGET / 3, err));
    *timing = small;
    double guess = small.seconds * batch / rows;
    if (rows == batch)
        return GR_OK;
    if (2 * guess <= BUDGET && fits(model, p, batch))
        return time_steps(timing, model, p, kind, batch, BUDGET, err);

    /* Too long: as many rows as take a third of the time that there is; fewer where one block takes all of it. */
    double most = rows * (BUDGET / 3) / small.seconds;
    int other = whole_parts(p, most < batch ? (int)most : batch);
    other = other <= rows || !fits(model, p, other) ? whole_parts(p, rows / 2) : other;
    timing->seconds = guess;
    if (other < 1)
        return GR_OK;
    GR_TRY(time_steps(&second, model, p, kind, other, BUDGET / 3, err));
    const bool grew = other > rows;
    *timing = grew ? second : small;
    timing->seconds = grew ? extrapolate(&small, &second, batch) : extrapolate(&second, &small, batch);
    return GR_OK;
}

/* ---- measuring and relearning ---- */

/* Seconds of a position in a pass without a gradient, over a few batches of held-out documents. */
static gr_status time_evaluation(double *seconds, gr_model *model, const gr_project *p, int rows, gr_error *err) {
    const gr_dataset *data = p->data;
    const int width = p->recipe->data.context;
    gr_evaluator *e;
    gr_scan *scan;
    double enough = 2.0 * rows * width, taken = 0;
    size_t count = 0;
    while (count < data->validation_count && taken < enough)
        taken += (double)gr_dataset_targets(data, data->validation[count++]);

    GR_TRY(gr_evaluator_new(&e, model, NULL, rows, width, err));
    gr_status status = gr_scan_new(&scan, data, p->labels, data->validation, count, rows, width, err);
    if (status == GR_OK) {
        double *nll = gr_alloc(data->topics.docs * sizeof *nll);
        int32_t *tokens = gr_alloc(data->topics.docs * sizeof *tokens);
        double spent = 0;
        for (int i = 0; i < 2 && spent < BUDGET / 3; i++) { /* the second finds all awake */
            double from = gr__now();
            gr_evaluate(e, scan, nll, tokens, data->topics.docs);
            spent = gr__now() - from;
            gr_scan_rewind(scan);
        }
        *seconds = spent / taken;
        gr_free(nll);
        gr_free(tokens);
        gr_scan_free(scan);
    }
    gr_evaluator_free(e);
    return status;
}

/* When each step of fine-tuning was done. */
typedef struct stamps {
    double at[STEPS + 1];
    int count;
} stamps;

static gr_status stamp(void *user, int step, gr_error *err) {
    stamps *s = user;
    (void)step, (void)err;
    if (s->count <= STEPS)
        s->at[s->count++] = gr__now();
    return GR_OK;
}

/* Seconds of a step of the attack, of as many rows as were said; more are extrapolated. */
static gr_status time_attack(double *seconds, gr_model *model, const gr_project *p, const uint32_t *docs, size_t count,
                             int rows, gr_error *err) {
    const gr_recipe_relearn *r = &p->recipe->relearn;
    stamps s = {0};
    gr_finetune_def def = gr_finetune_default();
    def.steps = 2;
    def.every = 1;
    def.rows = r->batch < rows ? r->batch : rows;
    def.width = p->recipe->data.context;
    def.recompute = p->recipe->train.recompute;
    def.optim.lr = r->lr[0];
    def.after = stamp;
    def.user = &s;
    GR_TRY(gr_finetune(model, NULL, p->data, p->labels, docs, count, &def, err));
    *seconds = s.count < 2 ? 0 : (s.at[s.count - 1] - s.at[s.count - 2]) * r->batch / def.rows;
    return GR_OK;
}

/* All rates, and the losses of forget documents that are measured on the way. */
static gr_status add_relearning(gr__audit_costs *costs, gr_model *model, const gr_project *p, double per_position,
                                int rows, gr_error *err) {
    const gr_recipe_relearn *r = &p->recipe->relearn;
    double forget = 0, step = 0;
    for (size_t i = 0; i < p->data->validation_count; i++)
        if (p->labels->truth[p->data->validation[i]] > 0)
            forget += (double)gr_dataset_targets(p->data, p->data->validation[i]);

    /* An audit would refuse too few documents: nothing to estimate then. */
    gr_draw_def def = {(size_t)r->documents, r->tokens, GR_LABEL_ANY, p->recipe->data.context, p->recipe->split_seed};
    gr_drawn attack = {0};
    gr_error refused = {0};
    if (gr_dataset_draw(&attack, p->data, p->labels, &def, &refused) != GR_OK)
        return GR_OK;
    gr_status status = time_attack(&step, model, p, attack.docs, attack.count, rows, &refused);
    gr_drawn_free(&attack);
    if (status == GR_ERR_NUMERIC) { /* steps of a network that was hardly trained: no word about the real attack */
        costs->relearning = NAN;
        return GR_OK;
    }
    if (status != GR_OK)
        return gr_error_set(err, status, refused.place, refused.hint, "%s", refused.message);

    int measured = 1 + (r->every > 0 ? (r->steps + r->every - 1) / r->every : 1);
    costs->relearning = r->rates * (r->steps * step + measured * forget * per_position);
    return GR_OK;
}

gr_status gr__audit_costs_time(gr__audit_costs *costs, gr_model *model, const gr_project *p, int rows, gr_error *err) {
    double per_position = 0, all = 0;
    *costs = (gr__audit_costs){0};
    if (p->labels->label_count == 0 || p->data->validation_count == 0)
        return GR_OK;
    if (rows < 1) { /* no step fits in memory */
        *costs = (gr__audit_costs){NAN, NAN};
        return GR_OK;
    }
    GR_TRY(time_evaluation(&per_position, model, p, rows, err));
    for (size_t i = 0; i < p->data->test_count; i++)
        all += (double)gr_dataset_targets(p->data, p->data->test[i]);
    costs->evaluation = all * per_position;
    return add_relearning(costs, model, p, per_position, rows, err);
}
