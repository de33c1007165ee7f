/* Optimisers by slices: what no row opened in a step is left alone, to the last bit (optim.h has the formulas).
 *
 * Each slice of the class tables is cut into chunks once. A step sums the squares of the open chunks for the clip norm,
 * settles the constants of each open slice (its own step count goes into Adam's bias correction), and applies the
 * update chunk by chunk. Chunks have a fixed size and their sums are added in order, so the bits do not depend on
 * threads. */
#include "gradroute/optim.h"

#include <assert.h>
#include <fnmatch.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/kernel.h"
#include "train/internal.h"

enum { CHUNK = 16384 }; /* numbers a thread takes at a time; fixed, because the clip norm is summed by chunk */

/* A rectangle of one slice: rows runs of cols numbers each, `stride` apart, from `at` on in the parameter. */
typedef struct chunk {
    int slice;
    gr_param param;
    size_t at, stride;
    int rows, cols;
} chunk;

typedef union update { /* constants of one slice in this step */
    gr_adam adam;
    gr_sgd sgd;
} update;

typedef struct per_param {
    double lr, to, decay; /* share of the step's learning rate, at the beginning and the end; weight decay */
    size_t at;            /* where its moments begin */
} per_param;

struct gr_optim {
    gr_model *model;
    gr_tables *own; /* made here when the caller has none */
    const gr_tables *tables;
    gr_optim_def def; /* its groups are settled into param and gone */
    per_param *param; /* [params] */
    int slices, chunks;
    chunk *chunk;
    double *partial;     /* [chunks] sums of squares */
    update *update;      /* [slices] */
    int64_t *open_steps; /* [slices] steps in which the slice was open */
    gr_real *moment[2];  /* first and second, all parameters one after the other; NULL where not kept */
    int64_t steps;       /* all that were taken */
};

gr_optim_def gr_optim_default(void) {
    return (gr_optim_def){.lr = 0.001, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .decay = 0.1, .clip = 1, .final = 0.1};
}

/* ---- making one ---- */

/* An error unless the value is good. */
static gr_status range(const char *name, double value, bool good, const char *want, gr_error *err) {
    if (good)
        return GR_OK;
    return gr_error_set(err, GR_ERR_USAGE, name, want, "%g is out of range", value);
}

/* Refuses options out of range. */
static gr_status check(const gr_optim_def *d, gr_error *err) {
    GR_TRY(range("lr", d->lr, d->lr >= 0 && isfinite(d->lr), "give a number of 0 or more", err));
    GR_TRY(range("beta1", d->beta1, d->beta1 >= 0 && d->beta1 < 1, "give a number in [0, 1)", err));
    GR_TRY(range("beta2", d->beta2, d->beta2 >= 0 && d->beta2 < 1, "give a number in [0, 1)", err));
    GR_TRY(range("eps", d->eps, d->eps > 0 && isfinite(d->eps), "give a number above 0", err));
    GR_TRY(range("momentum", d->momentum, d->momentum >= 0 && d->momentum < 1, "give a number in [0, 1)", err));
    GR_TRY(range("decay", d->decay, d->decay >= 0 && isfinite(d->decay), "give a number of 0 or more", err));
    GR_TRY(range("clip", d->clip, d->clip >= 0, "give a norm above 0, or 0 for no clipping", err));
    GR_TRY(range("warmup", (double)d->warmup, d->warmup >= 0, "give a number of steps", err));
    GR_TRY(range("final", d->final, d->final >= 0 && d->final <= 1, "give a share in [0, 1]", err));

    /* Numbers that must fit together. */
    if (d->schedule != GR_SCHEDULE_CONSTANT && d->total < d->warmup)
        return gr_error_set(err, GR_ERR_USAGE, "warmup", "warm up for at most as many steps as the run has",
                            "a warm-up of %lld steps does not fit into %lld steps", (long long)d->warmup,
                            (long long)d->total);
    return GR_OK;
}

/* Whether the pattern matches some parameter. */
static bool used(const gr_model *model, const char *pattern) {
    for (gr_param p = 0; p < gr_model_params(model); p++)
        if (!fnmatch(pattern, gr_model_param(model, p)->name, 0))
            return true;
    return false;
}

/* Refuses groups out of range, and patterns that no parameter fits. */
static gr_status check_groups(const gr_model *model, const gr_optim_def *d, gr_error *err) {
    for (int i = 0; i < d->groups; i++) {
        const gr_optim_group *g = d->group + i;
        GR_TRY(range(g->pattern, g->lr, g->lr >= 0 && isfinite(g->lr), "give a share of the learning rate", err));
        GR_TRY(range(g->pattern, g->to, g->to >= 0 && isfinite(g->to), "give a share of the learning rate", err));
        if (g->moves && d->total < 1)
            return gr_error_set(err, GR_ERR_USAGE, g->pattern, "say how many steps there are (total)",
                                "a share that moves over a run of unknown length");
        GR_TRY(range(g->pattern, g->decay, isfinite(g->decay), "give a weight decay, or -1 for the usual one", err));
        if (!used(model, g->pattern))
            return gr_error_set(err, GR_ERR_USAGE, g->pattern, "list the names by gradroute inspect",
                                "no parameter has a name like this (the first is %s)",
                                gr_model_params(model) ? gr_model_param(model, 0)->name : "missing");
    }
    return GR_OK;
}

/* What holds for a parameter: the def's settings, or those of the first group that matches its name. */
static per_param settings(const gr_param_def *param, const gr_optim_def *d) {
    per_param s = {.lr = 1, .to = 1, .decay = param->no_decay ? 0 : d->decay};
    for (int i = 0; i < d->groups; i++)
        if (!fnmatch(d->group[i].pattern, param->name, 0)) {
            s.lr = d->group[i].lr;
            s.to = d->group[i].moves ? d->group[i].to : s.lr;
            s.decay = d->group[i].decay < 0 ? s.decay : d->group[i].decay;
            break;
        }
    return s;
}

/* Cuts a slice into chunks: whole rows are one long run, a block of columns is taken a few rows at a time. Counts only
 * when chunk is NULL. */
static int cut(chunk *out, int slice, gr_rect rect, int cols) {
    int n = 0, high = rect.hi0 - rect.lo0, wide = rect.hi1 - rect.lo1;
    size_t at = (size_t)rect.lo0 * (size_t)cols + (size_t)rect.lo1;

    /* Whole rows lie one behind the other: runs of CHUNK numbers. */
    if (wide == cols) {
        size_t size = (size_t)high * (size_t)wide;
        for (size_t i = 0; i < size; i += CHUNK, n++)
            if (out)
                out[n] = (chunk){slice, rect.param, at + i, 0, 1, (int)(size - i < CHUNK ? size - i : CHUNK)};
        return n;
    }

    /* A block of columns: `step` rows at a time, which have at most CHUNK numbers together (or one row that has more).
     */
    int step = wide < CHUNK ? CHUNK / wide : 1;
    for (int i = 0; i < high; i += step, n++)
        if (out)
            out[n] = (chunk){
                slice, rect.param, at + (size_t)i * (size_t)cols, (size_t)cols, high - i < step ? high - i : step,
                wide};
    return n;
}

/* Cuts all slices; out has room for the chunks, or is NULL to count them. */
static int cut_all(const gr_optim *o, chunk *out) {
    int n = 0;
    for (int s = 0; s < o->slices; s++) {
        gr_rect rect = gr_tables_slice(o->tables, s);
        if (rect.hi0 > rect.lo0 && rect.hi1 > rect.lo1)
            n += cut(out ? out + n : NULL, s, rect, gr_model_param(o->model, rect.param)->cols);
    }
    return n;
}

/* How many moments an optimiser keeps of each parameter. */
static int moments(const gr_optim_def *def) { return def->kind == GR_OPTIM_SGD ? def->momentum > 0 : 2; }

size_t gr_optim_plan(const gr_model *model, const gr_optim_def *def) {
    return (size_t)moments(def) * gr_model_size(model) * sizeof(gr_real);
}

/* Settings of each parameter, and where its moments begin. */
static void place_params(gr_optim *o) {
    size_t at = 0;
    o->param = gr_alloc(sizeof *o->param * (size_t)gr_model_params(o->model));
    for (gr_param p = 0; p < gr_model_params(o->model); p++) {
        const gr_param_def *def = gr_model_param(o->model, p);
        o->param[p] = settings(def, &o->def);
        o->param[p].at = at;
        at += (size_t)def->rows * (size_t)def->cols;
    }
}

gr_status gr_optim_new(gr_optim **optim, gr_model *model, const gr_tables *tables, const gr_optim_def *def,
                       gr_error *err) {
    *optim = NULL;
    GR_TRY(check(def, err));
    GR_TRY(check_groups(model, def, err));

    /* The parts by which it works: the caller's slices, or one slice a parameter. */
    gr_optim *o = gr_alloc(sizeof *o);
    o->model = model;
    o->def = *def;
    o->tables = tables;
    if (!tables) {
        o->own = gr_tables_new(model, 1);
        gr_tables_finish(o->own);
        o->tables = o->own;
    }

    place_params(o);
    o->def.group = NULL, o->def.groups = 0; /* settled */
    o->slices = gr_tables_slices(o->tables);

    /* Chunks are counted, then written. */
    o->chunks = cut_all(o, NULL);
    o->chunk = gr_alloc(sizeof *o->chunk * (size_t)o->chunks);
    cut_all(o, o->chunk);
    o->partial = gr_alloc(sizeof *o->partial * (size_t)o->chunks);
    o->update = gr_alloc(sizeof *o->update * (size_t)o->slices);
    o->open_steps = gr_alloc(sizeof *o->open_steps * (size_t)o->slices);

    /* Moments begin at 0. They are the large block: without room for them it is an error, not the end. */
    size_t bytes = gr_model_size(model) * sizeof(gr_real);
    for (int i = 0; i < moments(def); i++)
        if (!(o->moment[i] = gr_alloc_try(bytes))) {
            gr_optim_free(o);
            return gr_error_set(err, GR_ERR_MEMORY, "optimiser", "train a smaller network, or by sgd",
                                "%zu bytes for moments were refused", bytes);
        }

    *optim = o;
    return GR_OK;
}

void gr_optim_free(gr_optim *o) {
    if (!o)
        return;
    gr_tables_free(o->own);
    gr_free(o->param);
    gr_free(o->chunk);
    gr_free(o->partial);
    gr_free(o->update);
    gr_free(o->open_steps);
    gr_free(o->moment[0]);
    gr_free(o->moment[1]);
    gr_free(o);
}

/* ---- a step ---- */

/* Sum of squares of the open gradient: parts by chunk on all threads, added in the order of chunks. */
static double norm_squared(gr_optim *o, gr_run *run, const uint8_t *open) {
#pragma omp parallel for schedule(static)
    for (int i = 0; i < o->chunks; i++) {
        const chunk *c = o->chunk + i;
        const gr_real *g = gr_run_gradient(run, c->param) + c->at;
        double sum = 0;
        int rows = open[c->slice] ? c->rows : 0;
        for (int r = 0; r < rows; r++)
            sum += gr_kernel()->squares(g + (size_t)r * c->stride, c->cols);
        o->partial[i] = sum;
    }

    double sum = 0; /* in order, so that the bits do not depend on the number of threads */
    for (int i = 0; i < o->chunks; i++)
        sum += o->partial[i];
    return sum;
}

/* The error for a gradient that is not finite: names the first parameter where it is so. */
static gr_status not_finite(const gr_optim *o, gr_error *err) {
    for (int i = 0; i < o->chunks; i++)
        if (!isfinite(o->partial[i]))
            return gr_error_set(err, GR_ERR_NUMERIC, gr_model_param(o->model, o->chunk[i].param)->name,
                                "go on from the last checkpoint with a lower learning rate or a longer warm-up",
                                "the gradient is not finite in step %lld", (long long)o->steps + 1);
    return gr_error_set(err, GR_ERR_NUMERIC, "gradient", NULL, "its norm overflows in step %lld",
                        (long long)o->steps + 1);
}

/* The share of the learning rate that a parameter has in the next step. Where it stays it is as it was given, to the
 * last bit. */
static double share_now(const gr_optim *o, const per_param *s) {
    double whole = (double)(o->def.total - 1), done = whole > 0 ? (double)o->steps / whole : 1;
    return s->to == s->lr ? s->lr : s->lr + (done < 1 ? done : 1) * (s->to - s->lr);
}

/* What the kernels multiply by for one slice in this step (formulas in optim.h and kernel.h). scale clips the gradient.
 * Adam's moments begin at 0 and are too small at first: rate and root carry the corrections 1 / (1 - b1^t) and 1 /
 * sqrt(1 - b2^t) (Kingma & Ba 2015), with t counted in steps that opened the slice. */
static update constants(const gr_optim *o, int slice, double lr, double scale) {
    const gr_optim_def *d = &o->def;
    const per_param *s = o->param + gr_tables_slice(o->tables, slice).param;
    double t = (double)o->open_steps[slice];
    bool decoupled = d->kind == GR_OPTIM_ADAMW;

    lr *= share_now(o, s);
    if (d->kind == GR_OPTIM_SGD)
        return (update){.sgd = {(gr_real)scale, (gr_real)s->decay, (gr_real)d->momentum, (gr_real)lr}};

    /* AdamW shrinks the parameter by lr * decay apart from the gradient (Loshchilov & Hutter 2019); Adam adds decay *
     * parameter to the gradient. */
    return (update){.adam = {.scale = (gr_real)scale,
                             .keep = (gr_real)(decoupled ? 1 - lr * s->decay : 1),
                             .l2 = (gr_real)(decoupled ? 0 : s->decay),
                             .b1 = (gr_real)d->beta1,
                             .c1 = (gr_real)(1 - d->beta1),
                             .b2 = (gr_real)d->beta2,
                             .c2 = (gr_real)(1 - d->beta2),
                             .rate = (gr_real)(lr / (1 - pow(d->beta1, t))),
                             .root = (gr_real)(1 / sqrt(1 - pow(d->beta2, t))),
                             .eps = (gr_real)d->eps}};
}

/* Updates the numbers of one chunk, row by row, with the constants of its slice. */
static void apply(gr_optim *o, gr_run *run, const chunk *c) {
    const gr_real *gradient = gr_run_gradient(run, c->param);
    gr_real *data = gr_model_data(o->model, c->param);
    for (int r = 0; r < c->rows; r++) {
        size_t at = c->at + (size_t)r * c->stride, in = o->param[c->param].at + at;
        gr_real *m = o->moment[0] ? o->moment[0] + in : NULL;
        if (o->def.kind == GR_OPTIM_SGD)
            gr_kernel()->sgd(data + at, m, gradient + at, &o->update[c->slice].sgd, c->cols);
        else
            gr_kernel()->adam(data + at, m, o->moment[1] + in, gradient + at, &o->update[c->slice].adam, c->cols);
    }
}

gr_status gr_optim_step(gr_optim *o, gr_run *run, double *norm, gr_error *err) {
    const uint8_t *open = gr_run_open(run);
    assert(!o->own ? gr_run_tables(run) == o->tables : gr_tables_slices(gr_run_tables(run)) == o->slices);

    /* The gradient as a whole: refuse what is not finite before anything changes, clip what is too long. The 1e-6 is
     * PyTorch's (clip_grad_norm_). */
    double size = sqrt(norm_squared(o, run, open)), lr = gr_optim_lr(o), scale = 1;
    if (norm)
        *norm = size;
    if (!isfinite(size))
        return not_finite(o, err);
    if (o->def.clip > 0 && size > o->def.clip)
        scale = o->def.clip / (size + 1e-6);

    /* Each open slice counts the step and gets its constants. */
    for (int s = 0; s < o->slices; s++) {
        if (!open[s])
            continue;
        o->open_steps[s]++;
        o->update[s] = constants(o, s, lr, scale);
    }

    /* Then its parameters and moments are updated; closed ones are not touched. */
#pragma omp parallel for schedule(static)
    for (int i = 0; i < o->chunks; i++)
        if (open[o->chunk[i].slice])
            apply(o, run, o->chunk + i);
    o->steps++;
    return GR_OK;
}

/* ---- looking in, and state ---- */

int64_t gr_optim_steps(const gr_optim *o) { return o->steps; }

double gr_optim_lr(const gr_optim *o) { return gr_schedule_lr(&o->def, o->steps); }

int64_t gr_optim_slice_steps(const gr_optim *o, int slice) { return o->open_steps[slice]; }

gr_real *gr_optim_moment(gr_optim *o, int which, gr_param p) {
    return o->moment[which] ? o->moment[which] + o->param[p].at : NULL;
}

gr__update_scale gr__optim_scale(const gr_optim *o, int slice) {
    const per_param *s = o->param + gr_tables_slice(o->tables, slice).param;
    double t = (double)o->open_steps[slice];
    gr__update_scale scale = {.rate = t > 0 ? gr_optim_lr(o) * share_now(o, s) : 0, .root = 1, .eps = o->def.eps};
    if (o->def.kind == GR_OPTIM_SGD || t == 0)
        return scale;
    scale.root = 1 / sqrt(1 - pow(o->def.beta2, t));
    scale.second = o->moment[1] + s->at;
    return scale;
}

void gr__optim_register(gr_optim *o, gr_checkpoint *checkpoint) {
    int64_t size = (int64_t)gr_model_size(o->model), slices = o->slices;
    gr_checkpoint_option_int(checkpoint, "optim/steps", &o->steps);
    gr_checkpoint_add(checkpoint, "optim/open_steps", GR_DTYPE_I64, 1, &slices, o->open_steps);
    for (int i = 0; i < 2; i++)
        if (o->moment[i])
            gr_checkpoint_add(checkpoint, i ? "optim/second" : "optim/first", GR_DTYPE_REAL, 1, &size, o->moment[i]);
}
