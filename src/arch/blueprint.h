/* blueprint.h - an architecture with its defaults settled: counts per layer, every parameter with what its rows and
 * columns are, and from that the rectangles that regions own.
 *
 * Builders, surgery and model folders all work from this list, so a parameter is described once.
 */
#ifndef GR_ARCH_BLUEPRINT_H
#define GR_ARCH_BLUEPRINT_H

#include "arch/unit.h"
#include "base/mem.h"
#include "gradroute/ops.h"

enum { GR__GROUPS_MOST = 4, GR__RECTS_MOST = 3, GR__REGIONS_MOST = 64 };

typedef enum gr__unit {
    GR__PLAIN,  /* tokens, positions, inputs, outputs */
    GR__STREAM, /* residual dimensions */
    GR__NEURON, /* one line a neuron */
    GR__HEAD,   /* a head of keys: head_size lines for each of its query heads */
    GR__QKV,    /* and 2 * head_size more */
    GR__EXPERT  /* one line an expert, whose neurons are as many units */
} gr__unit;

/* What the rows or the columns of a parameter are. out: the entries decide what these units put out (rather than what
 * they take in), so zeroing them silences the units. */
typedef struct gr__param_axis {
    gr__unit unit;
    bool out;
} gr__param_axis;

typedef enum gr__param_role {
    GR__BASE,
    GR__LOW,
    GR__HIGH,
    GR__NUMBER
} gr__param_role; /* A or B of an adapter; a strength */

typedef struct gr__blueprint_param {
    gr_param_def def;  /* name, sizes, initial values */
    const char *local; /* its name behind those of its owner and its layer: "attn.qkv" */
    gr__param_axis axis[2];
    int layer[2]; /* of the units on each axis */
    int region;   /* whose it is alone: of a residual group, adapter or strength; GR_NONE: the core's */
    int block;    /* the layer that it is a part of, GR_NONE: of none */
    gr__param_role role;
} gr__blueprint_param;

typedef struct gr__unit_span {
    int lo, hi;
} gr__unit_span;

typedef struct gr__blueprint {
    const gr_arch_def *def;      /* borrowed */
    const struct gr__arch *arch; /* kind.h */
    gr_arena *arena;
    int layers, width, head_size;
    int group_size;                 /* query heads of a head of keys: heads are counted in heads of keys below */
    int *claimable[GR__SORTS];      /* [layers] units of the core that regions may claim, by sort */
    int *all[GR__SORTS];            /* [layers] with the added ones */
    int *each;                      /* [layers] neurons of an expert; 0: the network has no experts */
    gr__unit_span *span[GR__SORTS]; /* [regions * layers] units of each region; of a group: [0, own) */
    gr__unit_span *stream_span;     /* [regions] claimed residual dimensions */
    int *whole;                     /* [layers] the region that owns the layer whole, GR_NONE: nobody */
    int groups, stream;             /* residual groups; D and all groups */
    int normed;                     /* D and the groups that share the core's norm */
    int group[GR__GROUPS_MOST];     /* region of each */
    int offset[GR__GROUPS_MOST];    /* its first column in the norm that it reads, which begins with the core */
    gr__blueprint_param *param;
    int params;
    size_t param_capacity;
} gr__blueprint;

gr_status gr__blueprint_new(gr__blueprint **blueprint, const gr_arch_def *def, gr_error *err);
void gr__blueprint_free(gr__blueprint *blueprint);
int gr__blueprint_find(const gr__blueprint *blueprint, const char *name); /* GR_NONE if there is none */
/* The parameter with this local name of an owner (NULL: the core; or a region by its name, as regions of two blueprints
 * have different numbers) in a block (GR_NONE: of none); GR_NONE if there is none. */
int gr__blueprint_find_local(const gr__blueprint *blueprint, const char *owner, int block, const char *local);
const char *gr__blueprint_owner(const gr__blueprint *blueprint,
                                int param);                /* the name of its region, NULL: the core's */
size_t gr__blueprint_size(const gr__blueprint *blueprint); /* numbers in all parameters */

/* Heads of keys or neurons that the core (GR_NONE) or a group has in a layer. */
int gr__blueprint_heads(const gr__blueprint *blueprint, int owner, int layer);
int gr__blueprint_mlp(const gr__blueprint *blueprint, int owner, int layer);
int gr__blueprint_lines_of(const gr__blueprint *blueprint,
                           gr__unit unit); /* lines of one unit, 0: not a unit that comes in counts */
int gr__unit_sort(gr__unit unit);          /* what such lines are of: a gr__sort, GR_NONE for what no layer has */
int gr__blueprint_window(const gr__blueprint *blueprint, int layer);  /* positions that a row sees in a layer, 0: all */
int gr__blueprint_own(const gr__blueprint *blueprint, int owner);     /* residual dimensions of the owner itself */
int gr__blueprint_seen(const gr__blueprint *blueprint, int owner);    /* those that its blocks read */
int gr__blueprint_written(const gr__blueprint *blueprint, int owner); /* those that they write */
bool gr__blueprint_apart(const gr__blueprint *blueprint, int owner);  /* the core's norm does not count the group */
bool gr__blueprint_attends(const gr__blueprint *blueprint, int layer); /* somebody has heads there */
bool gr__blueprint_thinks(const gr__blueprint *blueprint, int layer);  /* somebody has neurons there */

/* Whether a region has an adapter on a map of a layer (embed and unembed: any layer). */
bool gr__blueprint_adapts(const gr__blueprint *blueprint, int region, gr_map map, int layer);
bool gr__region_in_layer(const gr_arch_region *region, int layer); /* it may have units there */
/* "attn.qkv" and so on, behind "layers.i." where in_layer. */
const char *gr__map_name(gr_map map, bool *in_layer);

/* Whether an axis is of the core's units: of the core's parameters, and of adapters on them. */
bool gr__blueprint_core(const gr__blueprint *blueprint, int param);
/* Lines of one axis of such a parameter that are units of the region; empty if none. */
gr__unit_span gr__blueprint_lines(const gr__blueprint *blueprint, int param, int axis, int region);
/* Rows of a core parameter whose units belong to regions that stop gradients: ranges for a gr_term, ascending and
 * apart, the first `most` of them; returns how many there are. */
int gr__blueprint_stops(const gr__blueprint *blueprint, gr_columns *stop, int most, int param);
/* All of the parameter is the region's: by a pattern, as its residual group, or as a part of a layer that it owns. */
bool gr__blueprint_whole(const gr__blueprint *blueprint, int param, int region);
bool gr__blueprint_listed(const gr__blueprint *blueprint, int param, int region); /* by a pattern */
/* Disjoint rectangles of a parameter that the region owns; returns how many. */
int gr__blueprint_rects(const gr__blueprint *blueprint, gr_rect rect[GR__RECTS_MOST], int param, int region);

/* A parameter cut at the borders of all regions' rectangles; region is the first that owns the rectangle, or GR_NONE.
 */
typedef struct gr__owned {
    gr_rect rect;
    int region;
} gr__owned;
gr__owned *gr__blueprint_cut(const gr__blueprint *blueprint, int *count, int param); /* gr_free it */

/* parameters.c: fills blueprint->param. */
void gr__blueprint_list(gr__blueprint *blueprint);

/* GR_ERR_USAGE unless the model has exactly the parameters of the blueprint. */
gr_status gr__blueprint_match(const gr__blueprint *blueprint, const gr_model *model, gr_error *err);
/* The graph as a model. watch: heads, neurons and streams of the core are outputs too, named as their taps. */
gr_status gr__arch_model(gr_model **model, const gr__blueprint *blueprint, uint64_t seed, bool watch, gr_error *err);

/* For builders: adds all parameters, and all regions with their parts; new arrays of handles, by the blueprint's
 * numbers. */
void gr__blueprint_register(gr_graph *graph, const gr__blueprint *blueprint, gr_param **handles, int **regions);
/* The handle of a parameter, GR_NONE if the blueprint has none of that name. */
gr_param gr__blueprint_param_handle(const gr__blueprint *blueprint, const gr_param *handles, int owner,
                                    const char *format, ...) __attribute__((format(printf, 4, 5)));
bool gr__blueprint_penalised(const gr__blueprint *blueprint, int layer); /* L1 on the hidden units of this layer */
gr_value gr__activate(gr_graph *graph, gr_activation activation, gr_value x);

/* x with columns [lo, hi) multiplied by the region's strength, or by those of all regions with units in a layer,
 * `scale` columns a unit. */
gr_value gr__blueprint_strength(gr_graph *graph, const gr__blueprint *blueprint, const gr_param *handle, int region,
                                gr_value x, int lo, int hi);
gr_value gr__blueprint_strengths(gr_graph *graph, const gr__blueprint *blueprint, const gr_param *handle,
                                 const gr__unit_span *span, int layer, gr_value x, int scale);

/* A gate of the region on its units of a layer, if it has any: columns of `tap`, `scale` columns a unit. */
void gr__blueprint_gates(gr_graph *graph, const gr__blueprint *blueprint, const int *regions, const gr__unit_span *span,
                         int layer, gr_tap tap, int scale);

#endif
