/* How long measuring a model and attacking it take here: a few passes and steps are timed. */
#include "lab/estimate.h"

#include <math.h>

#include "base/clock.h"
#include "base/mem.h"

/* Steps that are timed, and seconds that passes may take together. */
enum { STEPS = 4 };
static const double BUDGET = 3;

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

/* Notes when a step ended. */
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
