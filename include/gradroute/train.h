/* train.h - training to the end, losses per document, and fine-tuning.
 *
 *     gr_train_def def = gr_train_default();
 *     def.model = model, def.stream = stream, def.router = router, def.labels = labels;
 *     def.rows = 32, def.width = 128, def.micro = 32;  // rows and width as the stream was made
 *     def.steps = 1200, def.optim = optim_def;
 *     def.folder = "runs/demo/routed", def.resume = true;
 *     GR_TRY(gr_train(&def, err));                     // trained, or already was
 *
 *     gr_evaluator *eval;
 *     GR_TRY(gr_evaluator_new(&eval, model, profile, 32, 128, err));
 *     gr_evaluate(eval, scan, nll, tokens, data->topics.docs);
 *     double loss = gr_loss_mean(nll, tokens, docs, count);
 *     gr_evaluator_free(eval);
 *
 * Same seed, same bits: repeats give equal parameters and equal metrics but for the wall times, and so does a run that
 * was killed and resumed any number of times. The thread count belongs to the run; going on with another is noted in
 * the log and may change the last bits.
 *
 * Threads are OpenMP's, and how they wait is settled when its library is loaded: start your program with
 * OMP_WAIT_POLICY=passive in the environment (setenv in main is too late). Without it gcc's library keeps threads that
 * wait on their cores for milliseconds, and beside any other work a step takes up to 20 times as long. OpenMP begins
 * with a thread for each core that the scheduler allows; a container may grant less: omp_set_num_threads(gr_cores()).
 */
#ifndef GRADROUTE_TRAIN_H
#define GRADROUTE_TRAIN_H

#include <signal.h>

#include "gradroute/optim.h"
#include "gradroute/route.h"
#include "gradroute/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Training ---------------------------------------------------------------------------------------------------- */

typedef struct gr_progress {
    const char *name;             /* of the model, as in the def */
    const char *doing;            /* NULL: training. Else what an audit does with the model after it, "measuring" (steps
                                   * are rows of text) or "relearning" (steps of all rates); then figures of training
                                   * are NaN, counts of it 0 */
    int64_t step, steps;          /* steps done, steps to do */
    double loss;                  /* the objective of the last step */
    int labels;                   /* true labels: core, then 1..K; 0 when the def has no labels */
    const char *const *label;     /* [labels] their names */
    const double *label_loss;     /* [labels] mean loss per target; NaN where the step had none */
    double lr, grad_norm;         /* of the last step; the norm is that of the open gradient before clipping */
    double tokens_per_s;          /* targets per second since the run was started or resumed */
    double seconds, seconds_left; /* worked on this run, earlier sessions included; likely left */
    double all_left;              /* of a larger whole, as an audit; 0: not known, or no more than this */
    double cores;                 /* processor time by wall time of the last two seconds or more; NaN: too early */
    int threads;                  /* that it works on: cores far below say that the machine is busy or limited */
    double absorption; /* the latest diagnostics, NaN before the first (docs/measures.md): share of a topic's */
    double off_forget, off_retain; /* gradient in its region; what switching it off adds to losses */
    double heldout;                /* the latest loss of held-out text, NaN before the first */
    const char *warning;           /* new with this step, or NULL */
} gr_progress;

/* How far some work is that is no training: its name, what is done, and the rest as nothing is known of it. */
gr_progress gr_progress_of(const char *name, const char *doing, int64_t step, int64_t steps);

/* How a caller follows and stops long work; all zero is fine. */
typedef struct gr_control {
    bool resume; /* go on with what the folder holds; false: a folder that holds a run is GR_ERR_USAGE */
    int threads; /* 0: as the recipe says, else as OpenMP is set */
    const volatile sig_atomic_t *stop;
    void (*progress)(void *user, const gr_progress *progress); /* after every step, and batch measured */
    void (*note)(void *user, const char *text);                /* one line about what begins now */
    void *user;
    bool kept; /* gr_project_open: what the folder keeps serves, whatever became of the corpus; it stays as it is */
} gr_control;

/* Measured beside training, without changing a bit of it, and written to the metrics: every so many steps and at the
 * end. Needs labels, a router and regions, else nothing is measured. docs/measures.md has the definitions. */
typedef struct gr_diagnostics_def {
    int64_t every;          /* gradients by label and region, and absorption; 0: never */
    int64_t probe;          /* losses with each region on and off; 0: never */
    const gr_dataset *data; /* samples: training documents for gradients, held-out ones for losses; NULL: never */
    uint64_t seed;          /* of the samples */
} gr_diagnostics_def;

/* Bytes that `probe` would take beside the training run, for rows of `width` positions. labels may be NULL. */
size_t gr_diagnostics_plan(const gr_model *model, const gr_diagnostics_def *def, const gr_labels *labels, int width);

/* The loss of a fixed sample of held-out documents, everything on, written to the metrics as `heldout` every so many
 * steps and at the end, without changing a bit of training. Needs labels (they may be none). */
typedef struct gr_heldout_def {
    int64_t every;          /* steps; 0: never */
    const gr_dataset *data; /* its validation documents; NULL: never */
    uint64_t seed;          /* of the sample */
} gr_heldout_def;

/* Bytes that this would take beside the training run, for steps of `rows` rows of `width` positions. */
size_t gr_heldout_plan(const gr_model *model, const gr_heldout_def *def, int rows, int width);

/* What is pointed to must outlive the trainer, strings and optimiser groups excepted. */
typedef struct gr_train_def {
    gr_model *model;
    gr_stream *stream;
    const gr_router *router; /* NULL: no route, every row of class 0 */
    const gr_labels *labels; /* names of the losses per label; NULL: none are reported */
    gr_optim_def optim;
    int rows, width; /* of the stream's logical batch */
    int micro;       /* rows of a micro-batch; 0: rows. Cuts at multiples of 512 positions do not change a bit */
    bool recompute;  /* keep less of each layer, and compute it again: gr_run_def.recompute. Changes no bit */
    int64_t steps;
    uint64_t seed; /* of dropout */
    int threads;   /* 0: as OpenMP is set */

    const char *name;         /* for progress and messages */
    const char *folder;       /* gets metrics.jsonl and checkpoints/; NULL: nothing is written */
    int64_t checkpoint_every; /* steps; 0: at the end and when stopped only */
    double checkpoint_share;  /* of the time: one that is due waits while saving would take more; 0: none waits */
    const char *digest;       /* of everything that decides the result (recipe, data); resuming refuses another */
    bool resume;              /* go on from the newest checkpoint of the folder if there is one */
    gr_diagnostics_def diagnostics;
    gr_heldout_def heldout;

    void (*progress)(void *user, const gr_progress *progress); /* after every step; NULL: none */
    void *user;
    gr_status (*may_save)(void *user, gr_error *err); /* asked before a checkpoint is written; NULL: always */
    const volatile sig_atomic_t *stop; /* set by a signal handler: save and return GR_ERR_INTERRUPTED; NULL: never */
} gr_train_def;

/* Optimiser by default, a checkpoint every 200 steps, name "model"; model, stream, sizes and steps are the caller's. */
gr_train_def gr_train_default(void);

/* A trainer holds the optimiser, a run and the batch: all memory is taken by gr_trainer_new.
 *
 * metrics.jsonl has one object a step: step (from 1), loss, loss_core and loss_LABEL (null where the step had none),
 * lr, grad_norm, tokens (targets so far, second showings included), what diagnostics measured, then the wall times
 * seconds and tokens_per_s. On resume it is cut to what the checkpoint knew. Checkpoints hold parameters, optimiser,
 * step and the length of the metrics; the newest 2 are kept.
 *
 * gr_trainer_new: GR_ERR_USAGE for options out of range, a folder with a run in it when resume is false, a checkpoint
 * of another recipe; GR_ERR_FORMAT when every checkpoint is damaged; GR_ERR_MEMORY. Metrics that are shorter than the
 * checkpoint says have lost lines: the run goes on, and the log says so.
 */
typedef struct gr_trainer gr_trainer;
gr_status gr_trainer_new(gr_trainer **trainer, const gr_train_def *def, gr_error *err);
void gr_trainer_free(gr_trainer *trainer);

/* The next step, written to the metrics. GR_ERR_NUMERIC: loss or gradient is not finite; parameters, optimiser and
 * checkpoints stay as they were. */
gr_status gr_trainer_step(gr_trainer *trainer, gr_error *err);

/* Steps and checkpoints until the end. GR_ERR_INTERRUPTED: stopped and saved. Returns at once when all is done. */
gr_status gr_trainer_run(gr_trainer *trainer, gr_error *err);

/* Targets trained on and seconds worked, over all calls that this run has taken. */
int64_t gr_trainer_tokens(const gr_trainer *trainer);
double gr_trainer_seconds(const gr_trainer *trainer);
int64_t gr_trainer_steps(const gr_trainer *trainer); /* steps done; def.steps or more: the run is finished */
gr_optim *gr_trainer_optim(gr_trainer *trainer);     /* borrowed: its steps, moments and learning rate */

/* new, run and free in one; errors are theirs. */
gr_status gr_train(const gr_train_def *def, gr_error *err);

/* What a training takes. Tokens are targets, those of second showings included; operations are those of gr_run_flops,
 * by the class of each target: of rows with `mix` as if their score were 1. */
typedef struct gr_effort {
    int64_t tokens;
    double flops;
} gr_effort;
typedef struct gr_tally {
    gr_effort all;
    int regions;       /* of the model */
    gr_effort *region; /* [regions] of the rows that may change a number of the region, whatever else they change */
    int labels;        /* of the def */
    int64_t
        *of_label;   /* [labels] targets that truly have the label, each counted once a step; second showings are not */
    int64_t *hidden; /* [labels] those of them that are not shown as this label */
} gr_tally;
void gr_tally_free(gr_tally *tally); /* all zero is fine */

/* Counts it from the first step to def->steps, whatever was trained so far: reads the stream and draws classes, and
 * computes nothing. Of the def it reads model, stream, router, labels, rows, width and steps. GR_ERR_MEMORY. */
gr_status gr_train_tally(gr_tally *tally, const gr_train_def *def, gr_error *err);

/* ---- Evaluation -------------------------------------------------------------------------------------------------- */

/* Losses of a model under a profile: tables whose class 0 every row uses (NULL: as it is). The model needs an output
 * "row_loss" [N x 1]. rows and width as the scans were made; tables must outlive the evaluator. GR_ERR_USAGE: no such
 * output, sizes below 1; GR_ERR_MEMORY. */
typedef struct gr_evaluator gr_evaluator;
gr_status gr_evaluator_new(gr_evaluator **evaluator, gr_model *model, const gr_tables *tables, int rows, int width,
                           gr_error *err);
void gr_evaluator_free(gr_evaluator *evaluator);

/* From now on targets count as gr_labels_counts says, so that a label of tokens is measured on these tokens and not on
 * the text around them, nor on a document whose labelled tokens lie beyond its row. The scans are of these labels,
 * which must outlive the evaluator. NULL, the default: every target counts. */
void gr_evaluator_labelled(gr_evaluator *evaluator, const gr_labels *labels);

/* Somebody follows the evaluations from now on: after each batch of rows `after` is told how many are done of those of
 * the scan. Where it returns false the evaluation ends. NULL, the default: nobody does. */
void gr_evaluator_follow(gr_evaluator *evaluator, bool (*after)(void *user, int64_t done, int64_t rows), void *user);

/* A target that counts: what the model says of it. */
typedef struct gr_prediction {
    uint32_t doc;
    int32_t target;
    double nll;            /* -log p of it, nats */
    const gr_real *logits; /* [vocab] of its row, until the call returns; NULL: the model names none */
    int vocab;
} gr_prediction;

/* From now on `each` is told of every target that counts, in the order of the scan. NULL, the default: nobody is. */
void gr_evaluator_each(gr_evaluator *evaluator, void (*each)(void *user, const gr_prediction *at), void *user);

/* From the start of the scan to its end: for each document d < docs that it holds, nll[d] is the sum over the
 * document's targets of -log p, in nats, and tokens[d] their number; 0 and 0 for all others. Sees the parameters as
 * they are now. Does not allocate. False: whoever follows has ended it, and the sums are those of a part. */
bool gr_evaluate(gr_evaluator *evaluator, gr_scan *scan, double *nll, int32_t *tokens, size_t docs);

/* The same, and right[d]: targets whose logit is the largest, the first of equals. Needs the output "logits"
 * (asserted). */
bool gr_evaluate_right(gr_evaluator *evaluator, gr_scan *scan, double *nll, int32_t *tokens, int32_t *right,
                       size_t docs);

/* GR_ERR_NUMERIC at `place` where the sum of a document d < docs is not finite: weights are NaN or overflow. */
gr_status gr_losses_check(const double *nll, size_t docs, const char *place, gr_error *err);

/* Sum of nll over sum of tokens for the documents docs[count]: nats per token; NaN without tokens. */
double gr_loss_mean(const double *nll, const int32_t *tokens, const uint32_t *docs, size_t count);

/* ---- Fine-tuning ------------------------------------------------------------------------------------------------- */

typedef struct gr_finetune_def {
    int steps;
    int rows, width;    /* of a step; all rows when there are fewer */
    bool recompute;     /* as in gr_train_def */
    gr_optim_def optim; /* lr, schedule, ... */
    int every;          /* steps between calls of after; 0: only before the first step and after the last */
    gr_status (*after)(void *user, int step, gr_error *err); /* steps done, 0 first; a failure ends it. NULL: none */
    gr_status (*each)(void *user, int step, gr_error *err);  /* the same after every step, whatever `every` is */
    void *user;
} gr_finetune_def;

/* 30 steps of 32 rows of 128 positions; AdamW with a constant lr of 0.0003, no decay, no clipping; after every 5. */
gr_finetune_def gr_finetune_default(void);

/* Trains the model in place on documents, packed in their order, row after row and round again, under a profile (as for
 * gr_evaluator_new): what the profile switches off or closes stays untouched. The caller keeps the old parameters if it
 * wants them back. Errors: those of gr_optim_step, gr_scan_new and after; GR_ERR_USAGE without documents. */
gr_status gr_finetune(gr_model *model, const gr_tables *tables, const gr_dataset *data, const gr_labels *labels,
                      const uint32_t *docs, size_t count, const gr_finetune_def *def, gr_error *err);

#ifdef __cplusplus
}
#endif

#endif
