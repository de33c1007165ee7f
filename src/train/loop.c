/* A run from its first or last saved step to its end: the step, metrics, checkpoints, progress.
 *
 * gr_trainer_new takes all memory, registers everything that a checkpoint must hold (register_state), and loads the
 * newest checkpoint of the folder if there is one. gr_trainer_step then needs nothing but the step's number: batch,
 * draws and dropout are functions of it, so a resumed run goes on as if it had not been stopped. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "gradroute/train.h"
#include "io/file.h"
#include "train/diagnose.h"
#include "train/heldout.h"
#include "train/internal.h"
#include "train/metrics.h"
#include "train/unopened.h"

gr_progress gr_progress_of(const char *name, const char *doing, int64_t step, int64_t steps) {
    return (gr_progress){.name = name,
                         .doing = doing,
                         .step = step,
                         .steps = steps,
                         .loss = NAN,
                         .lr = NAN,
                         .grad_norm = NAN,
                         .tokens_per_s = NAN,
                         .cores = NAN,
                         .absorption = NAN,
                         .off_forget = NAN,
                         .off_retain = NAN,
                         .heldout = NAN};
}

enum { KEEP = 2 }; /* checkpoints */

struct gr_trainer {
    gr_train_def def; /* strings and lists replaced by our own */
    gr_run *run;
    gr_optim *optim;
    gr__assembly *assembly;
    gr__diagnosis *diagnosis; /* NULL: nothing to measure */
    gr__heldout *heldout;     /* the same */
    gr__unopened *unopened;   /* the same */
    gr__watch watch;
    gr_value row_loss;  /* GR_NONE where the model has no such output: then no losses per label */
    gr__losses losses;  /* of the last step */
    double *label_loss; /* [labels] means */
    const char **label; /* [labels] */

    /* State of a checkpoint beside parameters and optimiser. */
    int64_t step, tokens, threads, metrics_bytes;
    double seconds; /* worked until the last checkpoint loaded or saved */
    char *digest;

    gr_checkpoint *checkpoint;
    gr__metrics *metrics;
    char *name, *folder;     /* folder: of checkpoints; NULL: nothing is written */
    int64_t saved;           /* step of the newest checkpoint, -1 none */
    double saved_at, saving; /* when it was written in this session, and how long that took; 0: not yet */

    /* This session: since when, and what the run had done before. */
    double began, seconds_before;
    int64_t step_before, tokens_before;

    /* Processor time `used` when it was `looked` at last, and the cores that the process had in the stretch before. */
    double looked, used, cores;
};

static double processor_time(void) { return gr__clock(CLOCK_PROCESS_CPUTIME_ID); }

gr_train_def gr_train_default(void) {
    return (gr_train_def){.optim = gr_optim_default(), .checkpoint_every = 200, .name = "model"};
}

/* ---- making one ---- */

/* Refuses options out of range, and sizes whose product would overflow. */
static gr_status check(const gr_train_def *d, gr_error *err) {
    if (d->rows < 1 || d->width < 1 || d->rows > INT32_MAX / d->width)
        return gr_error_set(err, GR_ERR_USAGE, "batch", "give at least one row and one position",
                            "a batch of %d rows of %d positions", d->rows, d->width);
    if (d->micro < 0)
        return gr_error_set(err, GR_ERR_USAGE, "micro", "give rows of a micro-batch, or 0 for all at once",
                            "%d rows are too few", d->micro);
    if (!(d->checkpoint_share >= 0 && d->checkpoint_share <= 1))
        return gr_error_set(err, GR_ERR_USAGE, "checkpoint_share", "give a share of the time, from 0 to 1",
                            "%g is out of range", d->checkpoint_share);
    if (d->steps < 0 || d->checkpoint_every < 0)
        return gr_error_set(err, GR_ERR_USAGE, d->steps < 0 ? "steps" : "checkpoint_every", "give a number of steps",
                            "%lld is negative", (long long)(d->steps < 0 ? d->steps : d->checkpoint_every));
    return GR_OK;
}

/* Room for the losses of each true label: the core, then the labels by their names. */
static void name_labels(gr_trainer *t, const gr_labels *labels) {
    int n = labels ? 1 + labels->label_count : 0;
    t->losses.labels = n;
    t->losses.sum = gr_alloc((size_t)n * sizeof *t->losses.sum);
    t->losses.tokens = gr_alloc((size_t)n * sizeof *t->losses.tokens);
    t->label_loss = gr_alloc((size_t)n * sizeof *t->label_loss);
    t->label = gr_alloc((size_t)n * sizeof *t->label);
    for (int i = 0; i < n; i++)
        t->label[i] = i ? labels->label_names[i - 1] : "core";
}

/* The model's parameters as arrays "model/NAME" of a checkpoint. */
void gr__model_register(gr_model *model, gr_checkpoint *checkpoint) {
    for (gr_param p = 0; p < gr_model_params(model); p++) {
        const gr_param_def *def = gr_model_param(model, p);
        char *name = gr_format("model/%s", def->name);
        gr_checkpoint_add(checkpoint, name, GR_DTYPE_REAL, 2, (int64_t[]){def->rows, def->cols},
                          gr_model_data(model, p));
        gr_free(name);
    }
}

/* Everything that decides how the run goes on. */
static void register_state(gr_trainer *t) {
    t->checkpoint = gr_checkpoint_new();
    gr__model_register(t->def.model, t->checkpoint);
    gr__optim_register(t->optim, t->checkpoint);
    gr_checkpoint_option_int(t->checkpoint, "train/step", &t->step);
    gr_checkpoint_option_int(t->checkpoint, "train/tokens", &t->tokens);
    gr_checkpoint_option_int(t->checkpoint, "train/threads", &t->threads);
    gr_checkpoint_option_int(t->checkpoint, "train/metrics_bytes", &t->metrics_bytes);
    gr_checkpoint_option_real(t->checkpoint, "train/seconds", &t->seconds);
    gr_checkpoint_option_text(t->checkpoint, "train/digest", &t->digest);
}

/* Loads a checkpoint; one of another recipe is refused, another number of threads is noted. */
static gr_status restore_from(gr_trainer *t, const char *path, gr_error *err) {
    if (!t->def.resume)
        return gr_error_set(err, GR_ERR_USAGE, path, "go on with --resume, or choose another folder",
                            "the folder holds a run at step %lld", (long long)t->saved);

    /* Loading overwrites what is registered: the digest and the number of threads become those of the run so far. */
    int64_t threads = t->threads;
    GR_TRY(gr_checkpoint_load(t->checkpoint, path, err));
    if (strcmp(t->digest ? t->digest : "", t->def.digest) != 0)
        return gr_error_set(err, GR_ERR_USAGE, path, "resume with the recipe of the run, or choose another folder",
                            "the checkpoint belongs to another recipe or other data");
    if (t->threads != threads)
        gr_log_line(1, "%s: started on %lld %s, goes on with %lld: the last bits may differ", t->name,
                    (long long)t->threads, gr__plural(t->threads, "thread", "threads"), (long long)threads);
    t->threads = threads;
    return GR_OK;
}

/* Restores the newest checkpoint, if any; damaged ones are passed over. */
static gr_status restore(gr_trainer *t, gr_error *err) {
    char *path;
    GR_TRY(gr_checkpoint_latest(t->folder, &path, &t->saved, NULL, err));
    if (!path)
        return GR_OK;
    gr_status status = restore_from(t, path, err);
    gr_free(path);
    return status;
}

/* Goes on where the folder's newest checkpoint left off, and cuts the metrics back to what it knew. */
static gr_status open_files(gr_trainer *t, const char *folder, gr_error *err) {
    t->folder = gr_format("%s/checkpoints", folder);
    GR_TRY(gr_directory_make(t->folder, err));
    GR_TRY(restore(t, err));
    char *path = gr_format("%s/metrics.jsonl", folder);
    gr_status status = gr__metrics_open(&t->metrics, path, t->metrics_bytes, t->losses.labels, t->label,
                                        gr__diagnosis_json_most(t->diagnosis), err);
    gr_free(path);
    return status;
}

/* Everything that may be refused. What was made until then is freed by the caller. */
static gr_status open_all(gr_trainer *t, gr_error *err) {
    const gr_train_def *d = &t->def;
    const gr_tables *tables = d->router ? gr_router_tables(d->router) : NULL;
    gr_run_def run = {.positions = d->micro * d->width, .train = true, .seed = d->seed, .recompute = d->recompute};

    /* The network's run, the optimiser and the batch. */
    GR_TRY(gr_run_new(&t->run, d->model, tables, &run, err));
    GR_TRY(gr_optim_new(&t->optim, d->model, tables, &d->optim, err));
    t->def.optim.group = NULL, t->def.optim.groups = 0;

    t->row_loss = gr_model_output(d->model, "row_loss");
    t->assembly = gr__assembly_new(d->rows, d->width, d->micro, d->router);

    /* What is measured beside training. */
    GR_TRY(gr__diagnosis_new(&t->diagnosis, d, t->run, t->optim, err));
    GR_TRY(gr__heldout_new(&t->heldout, d, err));
    t->unopened = gr__unopened_new(d->model, d->router, d->steps);

    /* A guess among V tokens loses log V on average; known where the loss is that of a choice. */
    gr_value logits = gr_model_output(d->model, "logits");
    bool answers = t->row_loss != GR_NONE && logits != GR_NONE && t->losses.labels > 0;
    gr__watch_begin(&t->watch, answers ? log(gr_model_width(d->model, logits)) : NAN, d->steps);

    register_state(t);
    return t->def.folder ? open_files(t, t->def.folder, err) : GR_OK;
}

gr_status gr_trainer_new(gr_trainer **trainer, const gr_train_def *def, gr_error *err) {
    *trainer = NULL;
    GR_TRY(check(def, err));

    /* The def, with strings of our own: the caller's need not live as long. */
    gr_trainer *t = gr_alloc(sizeof *t);
    t->def = *def;
    t->def.micro = def->micro > 0 && def->micro < def->rows ? def->micro : def->rows;
    t->def.name = t->name = gr_strdup(def->name ? def->name : "model");
    t->digest = gr_strdup(def->digest ? def->digest : "");
    t->def.digest = gr_strdup(t->digest);
    t->def.folder = gr_strdup(def->folder);
    t->saved = -1;

    /* Threads belong to the process; the checkpoint notes how many there were. */
    if (def->threads > 0)
        omp_set_num_threads(def->threads);
    t->threads = omp_get_max_threads();

    name_labels(t, def->labels);
    gr_status status = open_all(t, err);
    if (status != GR_OK) {
        gr_trainer_free(t);
        return status;
    }

    /* From here the clock of this session runs. */
    t->seconds_before = t->seconds;
    t->step_before = t->step;
    t->tokens_before = t->tokens;
    t->began = t->looked = gr__now();
    t->used = processor_time();
    t->cores = NAN;

    *trainer = t;
    return GR_OK;
}

void gr_trainer_free(gr_trainer *t) {
    if (!t)
        return;

    /* What measures beside training reads the run and the optimiser: it goes first. */
    gr__diagnosis_free(t->diagnosis);
    gr__heldout_free(t->heldout);
    gr__unopened_free(t->unopened);
    gr_run_free(t->run);
    gr_optim_free(t->optim);
    gr__assembly_free(t->assembly);
    gr_checkpoint_free(t->checkpoint);
    gr__metrics_close(t->metrics);

    /* Strings and lists of our own. */
    void *owned[] = {t->losses.sum, t->losses.tokens,      t->label_loss,         t->label, t->digest,
                     t->name,       (char *)t->def.digest, (char *)t->def.folder, t->folder};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        gr_free(owned[i]);
    gr_free(t);
}

/* ---- a step ---- */

/* What a user does after a loss went wrong depends on what is saved. */
static void say_what_is_saved(const gr_trainer *t, gr_error *err) {
    if (!err || err->status != GR_ERR_NUMERIC)
        return;
    char saved[160] = "";
    if (t->saved >= 0)
        snprintf(saved, sizeof saved, "; the checkpoint of step %lld stays in %.80s", (long long)t->saved, t->folder);
    snprintf(err->hint, sizeof err->hint, "train again with a lower learning rate or a longer warm-up%s", saved);
}

/* Cores that the process had, over stretches that are long beside a slice of the scheduler. */
static void look_at_cores(gr_trainer *t, double wall) {
    static const double STRETCH = 2;
    if (wall - t->looked < STRETCH)
        return;
    double used = processor_time();
    t->cores = (used - t->used) / (wall - t->looked);
    t->looked = wall;
    t->used = used;
}

/* Per target, where targets are counted: without penalties. NaN: there was none. */
static double mean_loss(const gr__losses *l) {
    double sum = 0, tokens = 0;
    for (int i = 0; i < l->labels; i++) {
        sum += l->sum[i];
        tokens += (double)l->tokens[i];
    }
    if (l->labels > 0)
        return tokens > 0 ? sum / tokens : NAN;
    return l->loss;
}

/* Tells the metrics and the caller about the step just done. lr and norm are those of the step, `from` is when it
 * began. */
static gr_status report(gr_trainer *t, double lr, double norm, double from, gr_error *err) {
    const gr__losses *l = &t->losses;
    double to = gr__now(), session = to - t->began;
    for (int i = 0; i < l->labels; i++)
        t->label_loss[i] = l->tokens[i] ? l->sum[i] / (double)l->tokens[i] : NAN;

    /* Whether the loss goes wrong is asked at every step, reported or not. */
    const char *wrong = gr__watch_step(&t->watch, t->step, mean_loss(l));
    wrong = wrong ? wrong : gr__unopened_warning(t->unopened);
    t->seconds = t->seconds_before + session;

    /* The line of metrics. */
    if (t->metrics) {
        double rate = (double)t->assembly->targeted / fmax(to - from, 1e-9);
        gr__metrics_line line = {t->step,
                                 t->tokens,
                                 l->loss,
                                 lr,
                                 norm,
                                 t->seconds,
                                 rate,
                                 t->label_loss,
                                 gr__diagnosis_json(t->diagnosis),
                                 gr__heldout_json(t->heldout),
                                 gr__unopened_json(t->unopened)};
        GR_TRY(gr__metrics_add(t->metrics, &line, err));
    }

    /* The caller, or where nobody follows the log, with warnings alone. */
    if (t->def.progress) {
        look_at_cores(t, to);
        int64_t steps = t->step - t->step_before, tokens = t->tokens - t->tokens_before;
        gr_progress p = {.name = t->name,
                         .step = t->step,
                         .steps = t->def.steps,
                         .loss = l->loss,
                         .labels = t->row_loss == GR_NONE ? 0 : l->labels,
                         .label = t->label,
                         .label_loss = t->label_loss,
                         .lr = lr,
                         .grad_norm = norm,
                         .tokens_per_s = (double)tokens / fmax(session, 1e-9),
                         .seconds = t->seconds,
                         .cores = t->cores,
                         .threads = (int)t->threads,
                         .seconds_left = session / (double)steps * (double)(t->def.steps - t->step)};
        gr__diagnosis_progress(t->diagnosis, &p);
        p.heldout = gr__heldout_loss(t->heldout);
        p.warning = wrong ? wrong : p.warning;
        t->def.progress(t->def.user, &p);
    } else {
        gr_progress p;
        gr__diagnosis_progress(t->diagnosis, &p);
        p.warning = wrong ? wrong : p.warning;
        if (p.warning)
            gr_log_line(1, "%s: step %lld: %s", t->name, (long long)t->step, p.warning);
    }
    return GR_OK;
}

gr_status gr_trainer_step(gr_trainer *t, gr_error *err) {
    double from = gr__now(), lr = gr_optim_lr(t->optim), norm;

    /* The rows of this step, sorted and classified; one step on them. */
    gr_rows rows;
    gr_stream_next(t->def.stream, t->step, &rows);
    gr__assembly_fill(t->assembly, &rows, t->step);
    gr_status status = gr__step(t->run, t->optim, t->assembly, t->row_loss, &t->losses, &norm, err);
    if (status != GR_OK) {
        say_what_is_saved(t, err);
        return status;
    }

    /* It counts from here on. Measurements see the parameters after the step. */
    t->step++;
    t->tokens += t->assembly->targeted;
    gr__diagnosis_step(t->diagnosis, t->step);
    gr__heldout_step(t->heldout, t->step);
    gr__unopened_step(t->unopened, t->optim, t->step);

    return report(t, lr, norm, from, err);
}

/* ---- the loop ---- */

/* A checkpoint of this step, and then the old ones go. */
static gr_status save(gr_trainer *t, gr_error *err) {
    double from = gr__now();
    if (t->def.may_save)
        GR_TRY(t->def.may_save(t->def.user, err));

    /* Metrics first, so that the checkpoint never knows lines that the disk does not have. */
    GR_TRY(gr__metrics_flush(t->metrics, err));
    t->metrics_bytes = gr__metrics_bytes(t->metrics);

    char *path = gr_checkpoint_path(t->folder, t->step);
    gr_status status = gr_checkpoint_save(t->checkpoint, path, err);
    gr_free(path);
    GR_TRY(status);

    /* How long it took decides when the next one is worth it (due). */
    t->saved = t->step;
    t->saved_at = gr__now();
    t->saving = t->saved_at - from;
    return gr_checkpoint_prune(t->folder, KEEP, err);
}

/* The error of a training that was asked to stop. */
static gr_status interrupted(const gr_trainer *t, gr_error *err) {
    return gr_error_set(err, GR_ERR_INTERRUPTED, t->name,
                        t->folder ? "the state is saved: go on with --resume" : "nothing was saved: there is no folder",
                        "stopped after step %lld of %lld", (long long)t->step, (long long)t->def.steps);
}

/* Whether a checkpoint is due, and saving it takes no more than its share of the time since the last one. */
static bool due(const gr_trainer *t) {
    const int64_t every = t->def.checkpoint_every;
    const double share = t->def.checkpoint_share;
    return every > 0 && t->step % every == 0 && (share == 0 || t->saving <= share * (gr__now() - t->saved_at));
}

gr_status gr_trainer_run(gr_trainer *t, gr_error *err) {
    while (t->step < t->def.steps) {
        GR_TRY(gr_trainer_step(t, err));

        /* The end and a stop are always saved. */
        bool done = t->step >= t->def.steps, stop = !done && t->def.stop && *t->def.stop;
        if (t->folder && (done || stop || due(t)))
            GR_TRY(save(t, err));
        if (stop)
            return interrupted(t, err);
    }
    return GR_OK;
}

int64_t gr_trainer_tokens(const gr_trainer *t) { return t->tokens; }

double gr_trainer_seconds(const gr_trainer *t) { return t->seconds; }

int64_t gr_trainer_steps(const gr_trainer *t) { return t->step; }

gr_optim *gr_trainer_optim(gr_trainer *t) { return t->optim; }

gr_status gr_train(const gr_train_def *def, gr_error *err) {
    gr_trainer *t;
    GR_TRY(gr_trainer_new(&t, def, err));
    gr_status status = gr_trainer_run(t, err);
    gr_trainer_free(t);
    return status;
}
