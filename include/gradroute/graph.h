/* graph.h - describing a network: nodes, parameters, taps and regions, no data.
 *
 *     gr_graph *g = gr_graph_new();
 *     gr_param  e = gr_graph_param(g, &(gr_param_def){"embed", 4096, 192, GR_KIND_EMBEDDING, GR_INIT_NORMAL, 0.02});
 *     gr_value  x = gr_embedding(g, e);                       (the operations are in ops.h)
 *     gr_value  h = gr_tap_point(g, gr_silu(g, x), "hidden");
 *     int       r = gr_graph_region(g, "biology");
 *     gr_graph_region_rect(g, r, (gr_rect){.param = e, .hi0 = 4096, .lo1 = 160, .hi1 = 192});
 *     gr_model_new(&model, g, seed, &err);                    (model.h: compiles and takes over the graph)
 *
 * Every value is a matrix [N rows x width], a row for each token, sample or timestep of the batch, or one number
 * (a loss). A graph remembers its first mistake; gr_model_new reports it.
 */
#ifndef GRADROUTE_GRAPH_H
#define GRADROUTE_GRAPH_H

#include "gradroute/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gr_graph gr_graph;
typedef int gr_value; /* a node of the graph; negative after a mistake */
typedef int gr_param; /* a parameter */
typedef int gr_tap;   /* a named point where a class table may weight a value, forward or backward */

enum { GR_NONE = -1 }; /* no parameter, value, tap or region */

/* What a parameter is for: routes can leave whole kinds joint or closed. */
typedef enum gr_kind {
    GR_KIND_WEIGHT,
    GR_KIND_EMBEDDING, /* token or position embedding, output matrix */
    GR_KIND_NORM,      /* gain or shift of a norm */
    GR_KIND_BIAS,      /* bias of units: belongs to the unit's row */
    GR_KIND_OUT_BIAS,  /* bias of a projection into the residual stream or of the logits: belongs to no unit */
} gr_kind;

typedef enum gr_init { GR_INIT_ZERO, GR_INIT_ONE, GR_INIT_NORMAL, GR_INIT_UNIFORM } gr_init;

/* A parameter is a matrix [rows x cols], row-major; a vector has rows = 1. Unit-major: what a unit owns is a row. */
typedef struct gr_param_def {
    const char *name; /* unique; also the tensor's name in files and the key of its initial draws */
    int rows, cols;
    gr_kind kind;
    gr_init init;
    double std;    /* of GR_INIT_NORMAL; GR_INIT_UNIFORM draws from [-std, std) */
    bool no_decay; /* weight decay leaves it alone */
} gr_param_def;

/* A rectangle of a parameter: rows [lo0, hi0), columns [lo1, hi1). */
typedef struct gr_rect {
    gr_param param;
    int lo0, hi0, lo1, hi1;
} gr_rect;

gr_graph *gr_graph_new(void);
void gr_graph_free(gr_graph *graph); /* only for a graph that no gr_model_new took over */

/* Adds a parameter; the name is copied. GR_NONE after a mistake: a size below 1, a name that is taken. */
gr_param gr_graph_param(gr_graph *graph, const gr_param_def *def);

/* The tap of a point that gr_tap_point (ops.h) made; GR_NONE for other values. */
gr_tap gr_graph_tap(const gr_graph *graph, gr_value point);

/* Regions: named sets of units. rects are the parameters they own; gates are columns [lo, hi) of taps that are
 * weighted when the region is switched. What does not fit the parameter or tap is a mistake of the graph. */
typedef struct gr_gate {
    gr_tap tap;
    int lo, hi;
} gr_gate;
typedef struct gr_region {
    const char *name;
    int rects, gates;
    const gr_rect *rect;
    const gr_gate *gate;
} gr_region;
int gr_graph_region(gr_graph *graph, const char *name); /* its number from 0: found, or added */
void gr_graph_region_rect(gr_graph *graph, int region, gr_rect rect);
void gr_graph_region_gate(gr_graph *graph, int region, gr_tap tap, int lo, int hi);

/* Nodes added between the two are a segment: what a training run with gr_run_def.recompute may forget and compute
 * again, as one piece. Only values that others outside of the segment read, losses and outputs stay, so a segment pays
 * where few values leave it (a layer of a transformer). Mistakes: a segment inside of another, an end without a
 * beginning. */
void gr_graph_segment_begin(gr_graph *graph);
void gr_graph_segment_end(gr_graph *graph);

/* weight * v joins the total loss; v must be one number. */
void gr_graph_loss(gr_graph *graph, gr_value v, double weight);

/* Names a value so that a run can be asked for it ("logits", "row_loss"). */
void gr_graph_output(gr_graph *graph, const char *name, gr_value v);

/* Records a mistake of the description (the first one stays) and returns GR_NONE. */
int gr_graph_fail(gr_graph *graph, const char *format, ...) __attribute__((format(printf, 2, 3)));

int gr_value_width(const gr_graph *graph, gr_value v);   /* columns; 0 for what is no value */
bool gr_value_scalar(const gr_graph *graph, gr_value v); /* one number, not one per row */

#ifdef __cplusplus
}
#endif

#endif
