/* optim.h - optimisers that leave closed slices untouched.
 *
 *     gr_optim_def def = gr_optim_default();           // AdamW, lr 0.001, betas 0.9 and 0.95, decay 0.1, clip 1
 *     def.schedule = GR_SCHEDULE_COSINE;
 *     def.warmup = 100, def.total = 1200, def.final = 0.1;
 *     gr_optim *optim;
 *     GR_TRY(gr_optim_new(&optim, model, tables, &def, err));
 *     ... gr_run_zero, forward, backward, gr_run_reduce (model.h) ...
 *     double norm;
 *     GR_TRY(gr_optim_step(optim, run, &norm, err));   // the only writer of parameters during training
 *     gr_optim_free(optim);
 *
 * Parameters are handled by the slices of the class tables. A slice that no row opened since gr_run_zero keeps its
 * value, both moments and its step count bit for bit: no momentum, no decay, no part in the clip norm. An open slice is
 * updated as a whole, rows of an embedding that did not occur included.
 *
 * With g the gradient after clipping, t the steps the slice was open in, lr and decay those of the parameter:
 *
 *     adamw   p -= lr decay p;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
 *             p -= lr / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps)              (Loshchilov & Hutter 2019)
 *     adam    the same without the first line, with g + decay p for g            (Kingma & Ba 2015)
 *     sgd     m = momentum m + g + decay p;  p -= lr m
 *
 * All three as PyTorch computes them. Results do not depend on the number of threads.
 */
#ifndef GRADROUTE_OPTIM_H
#define GRADROUTE_OPTIM_H

#include "gradroute/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum gr_optim_kind { GR_OPTIM_ADAMW, GR_OPTIM_ADAM, GR_OPTIM_SGD } gr_optim_kind;
typedef enum gr_schedule { GR_SCHEDULE_CONSTANT, GR_SCHEDULE_LINEAR, GR_SCHEDULE_COSINE } gr_schedule;

/* Parameters that are treated apart: the first group whose pattern (as of a shell: * ? [...]) matches the name wins. */
typedef struct gr_optim_group {
    const char *pattern;
    double lr;    /* times the learning rate of the step; 0 holds the parameters still */
    double decay; /* instead of def.decay, also where the parameter says no_decay; negative: as without the group */
    bool moves;   /* lr is that of the first step and `to` that of the last of def.total, in a line between */
    double to;
} gr_optim_group;

typedef struct gr_optim_def {
    gr_optim_kind kind;
    double lr;                /* the highest of the schedule, >= 0 */
    double beta1, beta2, eps; /* adam, adamw: betas in [0, 1), eps > 0 */
    double momentum;          /* sgd: in [0, 1) */
    double decay;             /* >= 0; parameters with no_decay get none */
    double clip;              /* highest global norm of the open gradient; 0: no clipping */
    gr_schedule schedule;
    int64_t warmup, total;       /* steps; total counts the warm-up and is needed unless the schedule is constant */
    double final;                /* share of lr that is left at the end, in [0, 1] */
    const gr_optim_group *group; /* read by gr_optim_new only */
    int groups;
} gr_optim_def;

/* AdamW, lr 0.001, betas 0.9 and 0.95, eps 1e-8, decay 0.1, clip 1, constant without warm-up, final 0.1, no groups. */
gr_optim_def gr_optim_default(void);

/* Learning rate of a step (0, 1, ...): lr (step + 1) / warmup during the warm-up, then with x the share of the rest
 * that has passed, in [0, 1]: lr (constant), lr (1 - (1 - final) x) (linear), lr (final + (1 - final) (1 + cos pi x) /
 * 2). */
double gr_schedule_lr(const gr_optim_def *def, int64_t step);

typedef struct gr_optim gr_optim;

/* An optimiser of the model's parameters in the slices of tables (finished; NULL: no route, as gr_run_new has it).
 * Model and tables must outlive it. All memory is taken here. GR_ERR_USAGE: an option out of range, or a group that
 * matches no parameter; GR_ERR_MEMORY. */
gr_status gr_optim_new(gr_optim **optim, gr_model *model, const gr_tables *tables, const gr_optim_def *def,
                       gr_error *err);
void gr_optim_free(gr_optim *optim);

/* Bytes that gr_optim_new would take, the small bookkeeping left out. */
size_t gr_optim_plan(const gr_model *model, const gr_optim_def *def);

/* Updates the parameters from the run's reduced gradients and openness; the run must use the same tables. *norm (may be
 * NULL) is the global norm of the open gradient before clipping. A gradient that is not finite is GR_ERR_NUMERIC with
 * the first such parameter as place, and changes nothing. Does not allocate. */
gr_status gr_optim_step(gr_optim *optim, gr_run *run, double *norm, gr_error *err);

int64_t gr_optim_steps(const gr_optim *optim);                  /* steps taken: the schedule's position */
double gr_optim_lr(const gr_optim *optim);                      /* learning rate of the next step */
int64_t gr_optim_slice_steps(const gr_optim *optim, int slice); /* steps in which the slice was open */

/* The first (0) or second (1) moment of a parameter, [rows x cols]; NULL where the kind keeps none. */
gr_real *gr_optim_moment(gr_optim *optim, int which, gr_param p);

#ifdef __cplusplus
}
#endif

#endif
