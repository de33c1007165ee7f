/* graph.h - inside of a graph, for those who build it and those who compile it: lists of what was described. */
#ifndef GR_GRAPH_GRAPH_H
#define GR_GRAPH_GRAPH_H

#include "base/mem.h"
#include "graph/node.h"

typedef struct gr__named_tap {
    const char *name;
    gr_value point; /* its node */
    int width;      /* columns */
} gr__named_tap;

typedef struct gr__region_lists {
    gr_region view; /* what the public sees; its lists are the two below */
    gr_rect *rect;
    gr_gate *gate;
    size_t rects, rect_room, gates, gate_room;
} gr__region_lists;

typedef struct gr__loss {
    gr_value value;
    double weight; /* its factor in the total loss */
} gr__loss;

typedef struct gr__named_value {
    const char *name;
    gr_value value;
} gr__named_value;

struct gr_graph {
    gr_arena *arena; /* names and attributes */
    gr_node *node;
    gr_param_def *param;
    gr__named_tap *tap;
    gr__region_lists *region;
    gr__loss *loss;
    gr__named_value *output;
    size_t nodes, node_room, params, param_room, taps, tap_room, regions, region_room, losses, loss_room, outputs,
        output_room;
    int segments; /* begun so far */
    bool inside;  /* of the last one */
    bool failed;
    char mistake[512]; /* the first one, if failed */
};

#endif
