/* compiled.h - inside of models, tables and layouts, for the files of this folder.
 *
 * A model adds the numbers of its parameters to a graph; tables say how each class of rows weights rectangles of
 * parameters and columns of taps; a layout says where a run keeps what it computes.
 */
#ifndef GR_MODEL_COMPILED_H
#define GR_MODEL_COMPILED_H

#include "base/mem.h"
#include "gradroute/model.h"
#include "graph/graph.h"
#include "op/op.h"

struct gr_model {
    gr_graph *graph;
    uint64_t seed;
    gr_precision precision;
    gr_real *data;  /* all parameters, one after the other */
    size_t *offset; /* [params] of each parameter in data; starts on a cache line */
    size_t room;    /* numbers in data, padding included */
};

/* Weights per class, kept once however many slices and ranges have them: w multiplies, and is 0 in effect where gate is
 * 0 (the class runs with the region off). */
typedef struct gr__weight_set {
    double *w, *gate; /* [classes] */
} gr__weight_set;

/* Columns [lo, hi) of a tap that have the same weights. */
typedef struct gr__range {
    int lo, hi;
    int forward;    /* set that multiplies the value and its gradient; GR_NONE: all 1 */
    int activation; /* set that multiplies the gradient alone; GR_NONE: all 1 */
} gr__range;

/* A rectangle of a parameter whose gradient has the same weights. */
typedef struct gr__param_slice {
    gr_rect rect;
    int set; /* GR_NONE: all 1 */
} gr__param_slice;

/* What a rule weights: a tap's value and gradient, or its gradient alone; a parameter's gradient, or whether it has one
 * at all (its region may be off). */
typedef enum gr__rule_kind { GR__RULE_FORWARD, GR__RULE_ACTIVATION, GR__RULE_PARAM, GR__RULE_GATE } gr__rule_kind;

/* A rule as said by the caller, before refinement. */
typedef struct gr__rule {
    gr__rule_kind kind;
    int which;              /* tap or parameter */
    int lo0, hi0, lo1, hi1; /* rows and columns of a parameter; of a tap columns [lo1, hi1) alone */
    double *w;              /* [classes] */
} gr__rule;

struct gr_tables {
    const gr_model *model;
    gr_arena *arena; /* weights of rules and sets */
    int classes;
    gr__rule *rule;
    gr__weight_set *set;    /* all different */
    gr__param_slice *slice; /* in the order of parameters; together they cover each exactly once */
    gr__range *range;       /* in the order of taps, likewise */
    size_t rules, rule_room, sets, set_room, slices, slice_room, ranges, range_room;
    int *slice_at; /* [params + 1] first slice of a parameter */
    int *range_at; /* [taps + 1] first range of a tap */
    int *tap_on;   /* [taps] set that is 0 where all columns of the tap are off, 1 elsewhere */
    bool finished;
};

/* Where a run keeps everything: offsets in numbers (gr_real) from the start of each part of its memory. Made before
 * anything is allocated (layout.c). Several nodes may share a buffer: its root is the node that owns it. */
typedef struct gr__layout {
    /* ---- the run */
    int capacity, block, blocks; /* rows in all, rows of a block, blocks */
    bool train;
    bool half;        /* products in bfloat16 */
    int positions;    /* > 0: one row a pass, and what is kept of so many */
    bool half_copies; /* what is kept, and copies of weights, are bfloat16; values are not */
    int threads;      /* threads that scratch is cut for */

    /* ---- values and gradients */
    int *value_root, *grad_root;  /* [nodes] node whose buffer is used; no gradient is wanted: GR_NONE */
    int *value_at, *grad_at;      /* [nodes] first column in the root's buffer */
    size_t *value, *grad, *state; /* [nodes] offsets, of roots alone */
    bool *wants;                  /* [nodes] a gradient is wanted */
    int *first;                   /* [nodes] the node that writes the gradient of a root first, GR_NONE */
    bool *kept_half;              /* [nodes] the value with this root, and its gradient, are bfloat16 */
    bool *in_place;               /* [nodes] the gradient of this root lies where the value does */
    bool *forgotten;              /* [nodes] the value lies where those of other segments do */
    bool *again; /* [nodes] of these, what backward passes need and so is computed again, with its state */

    /* ---- accumulators of parameters with several uses, one for each use but the first */
    int uses;
    int *use_node, *use_slot; /* [uses] the node, and the number of the parameter among the node's */
    size_t *use;              /* [uses] offsets */

    /* ---- sizes of the parts */
    size_t values, grads, states, scratch;
    size_t gradients; /* of the parameters */
    size_t extra;     /* accumulators */
    size_t shadow;    /* the parameters in bfloat16, two in a number */
} gr__layout;

gr__layout *gr__layout_new(const gr_model *model, const gr_tables *tables, const gr_run_def *def);
void gr__layout_free(gr__layout *layout);

/* What a tap node does under tables: nothing (a view), only backward (shares the value), or both. */
bool gr__tap_forward(const gr_tables *tables, gr_tap tap);
bool gr__tap_active(const gr_tables *tables, gr_tap tap);

/* Offsets for buffers of size[i] that are needed during [from[i], to[i]], so that no two live ones overlap: first fit
 * in order of from. Size 0 is skipped. Returns the total. */
size_t gr__pack_intervals(size_t *offset, const size_t *size, const int *from, const int *to, int count);

#endif
