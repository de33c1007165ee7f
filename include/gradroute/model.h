/* model.h - a compiled graph with its parameters, class tables over it, and runs that compute with both.
 *
 *     gr_model *model;   gr_model_new(&model, graph, seed, &err);
 *     gr_tables *tables = gr_tables_new(model, 2);                     two classes of rows
 *     gr_tables_param(tables, part, (double[]){1, 0});                 class 1 does not write this rectangle
 *     gr_tables_gate(tables, region, (double[]){0, 1});                class 0 runs with the region off
 *     gr_tables_finish(tables);
 *     gr_run *run;       gr_run_new(&run, model, tables, &(gr_run_def){.positions = 4096, .train = true}, &err);
 *     gr_run_zero(run);
 *     gr_run_forward(run, &batch);
 *     gr_run_backward(run);
 *     gr_run_reduce(run);                                              gradients and openness are ready
 *
 * The model is constant during a pass; a run holds everything a pass writes; several runs may share a model.
 */
#ifndef GRADROUTE_MODEL_H
#define GRADROUTE_MODEL_H

#include "gradroute/batch.h"
#include "gradroute/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gr_model gr_model;
typedef struct gr_tables gr_tables;
typedef struct gr_run gr_run;

/* ---- model ---- */

/* Compiles and takes over graph (freed on failure too). Parameters are drawn keyed by (seed, name, row, column), so a
 * parameter starts alike in every model that has it, whatever else the model has. GR_ERR_USAGE: the graph's first
 * mistake; GR_ERR_MEMORY. On failure *model is NULL. */
gr_status gr_model_new(gr_model **model, gr_graph *graph, uint64_t seed, gr_error *err);
void gr_model_free(gr_model *model);

/* The same without the numbers of its parameters, however many these would be: to be asked for its sizes, for tables
 * and for plans (gr_run_plan), before memory is spent. It has no gr_model_data, and cannot be run or drawn. */
gr_status gr_model_outline(gr_model **model, gr_graph *graph, uint64_t seed, gr_error *err);
bool gr_model_is_outline(const gr_model *model);

int gr_model_params(const gr_model *model);
const gr_param_def *gr_model_param(const gr_model *model, gr_param p); /* name, sizes, kind */
gr_real *gr_model_data(gr_model *model, gr_param p);                   /* [rows x cols] */
gr_param gr_model_find(const gr_model *model, const char *name);       /* GR_NONE if there is none */
size_t gr_model_size(const gr_model *model);                           /* numbers in all parameters */
uint64_t gr_model_seed(const gr_model *model);

/* All numbers of the model, parameter after parameter, into store, [gr_model_size], and back out of it. */
void gr_model_store(const gr_model *model, gr_real *store);
void gr_model_restore(gr_model *model, const gr_real *store);

/* Operations that a row costs in its products with parameters, forward and with everything on; training takes about
 * three times as many. */
double gr_model_flops(const gr_model *model);

/* Products of matrices and the values between them. BF16: both in bfloat16, sums in float32; parameters, gradients of
 * parameters, moments, norms, softmax, losses and the residual stream stay float32. AUTO: BF16 where the processor
 * multiplies it (AVX-512 BF16), else FLOAT32. */
typedef enum gr_precision {
    GR_PRECISION_MODEL,
    GR_PRECISION_FLOAT32,
    GR_PRECISION_BF16,
    GR_PRECISION_AUTO
} gr_precision;
/* What runs of this model compute in unless they say otherwise; a new model: FLOAT32. */
void gr_model_set_precision(gr_model *model, gr_precision precision);
/* Draws again the initial values of a rectangle, with another seed. */
void gr_model_draw(gr_model *model, gr_rect rect, uint64_t seed);

int gr_model_regions(const gr_model *model);
const gr_region *gr_model_region(const gr_model *model, int region);
int gr_model_find_region(const gr_model *model, const char *name); /* GR_NONE if there is none */
size_t gr_region_size(const gr_region *region);                    /* numbers in its rectangles */

int gr_model_taps(const gr_model *model);
const char *gr_model_tap(const gr_model *model, gr_tap tap, int *width); /* its name */
gr_tap gr_model_find_tap(const gr_model *model, const char *name);
gr_value gr_model_output(const gr_model *model, const char *name); /* GR_NONE if there is none */
int gr_model_width(const gr_model *model, gr_value v);             /* columns of a value; 0 for GR_NONE */

/* ---- class tables ---- */

/* Tables over `classes` classes (at least 1), all weights 1. The calls multiply: an entry in several of them gets the
 * product. w[classes] has one finite weight per class and is copied. Taps, columns, rectangles and regions must be
 * those of the model; nothing is added after gr_tables_finish, and nothing else reads tables before it. */
gr_tables *gr_tables_new(const gr_model *model, int classes);
void gr_tables_forward(gr_tables *tables, gr_tap tap, int lo, int hi, const double *w); /* x * w forward and backward */
void gr_tables_activation(gr_tables *tables, gr_tap tap, int lo, int hi,
                          const double *w);                             /* forward unchanged, dy * w */
void gr_tables_param(gr_tables *tables, gr_rect rect, const double *w); /* gradient given to the weights * w */
/* Forward, on every gate of the region; where w is 0 its rectangles are closed, also those of a region without gates.
 */
void gr_tables_gate(gr_tables *tables, int region, const double *w);
/* Cuts every parameter into slices (the common refinement of what was said), merges equal columns of weights. */
void gr_tables_finish(gr_tables *tables);
void gr_tables_free(gr_tables *tables); /* after the runs and optimisers that use it */

/* Tables of one class with regions switched off forward (a profile); NULL list or none named: all on. GR_ERR_USAGE for
 * an unknown region, with the known ones as hint. */
gr_status gr_profile_new(gr_tables **tables, const gr_model *model, const char *const *off, int count, gr_error *err);

int gr_tables_classes(const gr_tables *tables);
int gr_tables_slices(const gr_tables *tables);
gr_rect gr_tables_slice(const gr_tables *tables,
                        int slice); /* ordered by parameter; together they cover each exactly */
/* Effective parameter weight of a slice for rows of a class, 0 too where the slice's units are gated off. */
double gr_tables_weight(const gr_tables *tables, int slice, int cls);

/* ---- runs ---- */

typedef struct gr_run_def {
    int positions;          /* capacity N of a (micro-)batch */
    bool train;             /* keeps what backward needs; dropout is on */
    uint64_t seed;          /* of dropout */
    gr_precision precision; /* GR_PRECISION_MODEL (0): that of the model */
    /* > 0: positions is 1, nothing is trained, and a pass computes the row at position batch.first of a document, with
     * what operations keep of at most this many rows (infer.h: gr_decoder). In bfloat16 then: what is kept, and copies
     * of the weights as they are now; values stay float32. Losses are not computed. */
    int decode;
    /* Training: of the segments of the graph (gr_graph_segment_begin; a transformer has one for each layer) keep only
     * what is read outside of them, and compute the rest a second time, a segment at a time, in the backward pass.
     * Costs most of the forward pass of all segments but the last; changes no bit. Without train it does nothing. */
    bool recompute;
    bool time; /* measure what each kind of operation takes: gr_run_times */
} gr_run_def;

typedef struct gr_memory { /* bytes */
    size_t parameters, gradients, activations, activation_gradients, state, scratch, total;
} gr_memory;

/* What gr_run_new would allocate, the model's own parameters included. tables may be NULL: one class, no route. */
gr_memory gr_run_plan(const gr_model *model, const gr_tables *tables, const gr_run_def *def);

/* tables may be NULL: one class, no route. Errors: GR_ERR_MEMORY. */
gr_status gr_run_new(gr_run **run, gr_model *model, const gr_tables *tables, const gr_run_def *def, gr_error *err);
void gr_run_free(gr_run *run);

void gr_run_zero(gr_run *run);                             /* before the first micro-batch of a logical batch */
double gr_run_forward(gr_run *run, const gr_batch *batch); /* the total loss of this batch (cross-entropy: nats) */
void gr_run_backward(gr_run *run);                         /* of the last forward; adds to the gradients */
void gr_run_reduce(gr_run *run);                           /* after the last micro-batch, before gradients are read */

gr_real *gr_run_gradient(gr_run *run, gr_param p); /* [rows x cols]; what is closed holds 0 */
const uint8_t *gr_run_open(const gr_run *run);     /* [slices] 1 where some row since gr_run_zero opened the slice */
const gr_tables *gr_run_tables(const gr_run *run);
/* [N x width] of the last forward; NULL where a training run keeps it in bfloat16 (logits: read a run that only
 * evaluates) or computes it again (def.recompute). After gr_run_backward logits are gone: their gradient lies there. */
const gr_real *gr_run_value(const gr_run *run, gr_value v, int *stride);

/* Operations that a row of this class costs in products with parameters: forward, and in a training run backward. Not
 * counted is what a block of rows of the class alone need not compute: regions that are off, gradients of parameters
 * that it closes. What def.recompute computes again counts once. */
double gr_run_flops(const gr_run *run, int cls);

/* With def.time: seconds spent in each kind of operation since the run was made, forward with what def.recompute
 * computes again. Writes at most `capacity` entries, in the order of first use in the graph, and returns how many there
 * are. */
typedef struct gr_op_time {
    const char *op;
    bool products; /* it multiplies rows by parameters (gr_model_flops counts it) */
    double forward, backward;
} gr_op_time;
int gr_run_times(const gr_run *run, gr_op_time *times, int capacity);

#ifdef __cplusplus
}
#endif

#endif
