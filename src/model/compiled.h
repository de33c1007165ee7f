/* compiled.h - inside of graphs, models, tables and runs, for the files of this folder. */
#ifndef GR_MODEL_COMPILED_H
#define GR_MODEL_COMPILED_H

#include "base/mem.h"
#include "gradroute/model.h"
#include "op/op.h"

typedef struct gr__tap {
    const char *name;
    gr_value point;
    int width;
} gr__tap;

typedef struct gr__region {
    gr_region view; /* what the public sees; its lists are the two below */
    gr_part *part;
    gr_gate *gate;
    size_t parts, part_room, gates, gate_room;
} gr__region;

typedef struct gr__loss {
    gr_value value;
    double weight;
} gr__loss;

typedef struct gr__output {
    const char *name;
    gr_value value;
} gr__output;

struct gr_graph {
    gr_arena *arena; /* names and attributes */
    gr_node *node;
    gr_param_def *param;
    gr__tap *tap;
    gr__region *region;
    gr__loss *loss;
    gr__output *output;
    size_t nodes, node_room, params, param_room, taps, tap_room, regions, region_room, losses, loss_room, outputs,
        output_room;
    int segments; /* begun so far */
    bool inside;  /* of the last one */
    bool failed;
    char mistake[512];
};

struct gr_model {
    gr_graph *graph;
    uint64_t seed;
    gr_precision precision;
    gr_real *data;
    size_t *offset; /* [params] of each parameter in data; starts on a cache line */
    size_t room;    /* numbers in data, padding included */
};

/* Weights per class: w multiplies, and is 0 in effect where gate is 0. */
typedef struct gr__set {
    double *w, *gate; /* [classes] */
} gr__set;

typedef struct gr__range { /* of a tap */
    int lo, hi;
    int forward, activation; /* sets, GR_NONE: all 1 */
} gr__range;

typedef struct gr__slice {
    gr_part part;
    int set; /* GR_NONE: all 1 */
} gr__slice;

typedef enum gr__rule_kind { GR__RULE_FORWARD, GR__RULE_ACTIVATION, GR__RULE_PARAM, GR__RULE_GATE } gr__rule_kind;

typedef struct gr__rule { /* as said by the caller, before refinement */
    gr__rule_kind kind;
    int which; /* tap or parameter */
    int lo0, hi0, lo1, hi1;
    double *w; /* [classes] */
} gr__rule;

struct gr_tables {
    const gr_model *model;
    gr_arena *arena;
    int classes;
    gr__rule *rule;
    gr__set *set;
    gr__slice *slice;
    gr__range *range;
    size_t rules, rule_room, sets, set_room, slices, slice_room, ranges, range_room;
    int *slice_at; /* [params + 1] first slice of a parameter */
    int *range_at; /* [taps + 1] first range of a tap */
    int *tap_on;   /* [taps] set that is 0 where all columns of the tap are off, 1 elsewhere */
    bool finished;
};

/* Where a run keeps everything, in numbers (gr_real) from the start of its parts; made before anything is allocated. */
typedef struct gr__layout {
    int capacity, block, blocks;
    bool train;
    bool half;        /* products in bfloat16 */
    int positions;    /* > 0: one row a pass, and what is kept of so many */
    bool half_copies; /* what is kept, and copies of weights, are bfloat16; values are not */
    bool *kept_half;  /* [nodes] the value with this root, and its gradient, are bfloat16 */
    bool *in_place;   /* [nodes] the gradient of this root lies where the value does */
    bool *forgotten;  /* [nodes] the value lies where those of other segments do */
    bool *again;      /* [nodes] of these, what backward passes need and so is computed again, with its state */
    int *value_root, *grad_root;  /* [nodes] node whose buffer is shared, or GR_NONE where there is none */
    int *value_at, *grad_at;      /* [nodes] first column in the root's buffer */
    size_t *value, *grad, *state; /* [nodes] offsets */
    bool *wants;                  /* [nodes] a gradient is wanted */
    int *first;                   /* [nodes] the node that writes the gradient of a root first, GR_NONE */
    int *use_node, *use_slot;     /* parameters with several uses: the extra accumulators */
    size_t *use;                  /* offsets of those in uses */
    int uses;
    size_t values, grads, states, scratch, gradients, extra; /* sizes */
    int lanes;                                               /* threads that scratch is cut for */
    size_t shadow;                                           /* parameters in bfloat16 */
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
