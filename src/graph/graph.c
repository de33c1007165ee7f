/* graph.c - building a graph: lists of nodes, parameters, taps, regions, losses and outputs.
 *
 * A mistake does not stop the caller: the first one is noted, what made it returns GR_NONE, and whatever is given
 * GR_NONE returns it too. So the description of a network needs no checks; gr_model_new reports the mistake.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "graph/graph.h"

gr_graph *gr_graph_new(void) {
    gr_graph *graph = gr_alloc(sizeof *graph);
    graph->arena = gr_arena_new();
    return graph;
}

void gr_graph_free(gr_graph *graph) {
    if (!graph)
        return;
    for (size_t i = 0; i < graph->regions; i++) {
        gr_free(graph->region[i].rect);
        gr_free(graph->region[i].gate);
    }

    /* Names and constants of operations go with the arena. */
    gr_free(graph->node);
    gr_free(graph->param);
    gr_free(graph->tap);
    gr_free(graph->region);
    gr_free(graph->loss);
    gr_free(graph->output);
    gr_arena_free(graph->arena);
    gr_free(graph);
}

int gr_graph_fail(gr_graph *graph, const char *format, ...) {
    if (!graph->failed) {
        va_list list;
        va_start(list, format);
        gr__vprint(graph->mistake, sizeof graph->mistake, format, list);
        va_end(list);
        graph->failed = true;
    }
    return GR_NONE;
}

gr_param gr_graph_param(gr_graph *graph, const gr_param_def *def) {
    if (def->rows < 1 || def->cols < 1)
        return gr_graph_fail(graph, "parameter '%s' has size %d x %d", def->name, def->rows, def->cols);
    for (size_t i = 0; i < graph->params; i++)
        if (strcmp(graph->param[i].name, def->name) == 0)
            return gr_graph_fail(graph, "two parameters are named '%s'", def->name);
    gr_param_def copy = *def;
    copy.name = gr_arena_strdup(graph->arena, def->name);
    GR_PUSH(graph->param, graph->params, graph->param_room) = copy;
    return (gr_param)graph->params - 1;
}

const gr_param_def *gr__graph_param_def(const gr_graph *graph, gr_param p) {
    return p >= 0 && (size_t)p < graph->params ? &graph->param[p] : NULL;
}

gr_value gr__graph_add(gr_graph *graph, const gr_node *node, const void *attr, size_t size) {
    /* What the node names must be there already: so the order of nodes is one in which they can be computed. */
    for (int i = 0; i < node->inputs; i++)
        if (node->in[i] < 0 || (size_t)node->in[i] >= graph->nodes)
            return gr_graph_fail(graph, "%s reads a value that does not exist", node->op->name);
    for (int i = 0; i < node->params; i++)
        if (node->param[i] < 0 || (size_t)node->param[i] >= graph->params)
            return gr_graph_fail(graph, "%s reads a parameter that does not exist", node->op->name);
    for (int i = 0; i < node->taps; i++)
        if (node->tap[i] != GR_NONE && (node->tap[i] < 0 || (size_t)node->tap[i] >= graph->taps))
            return gr_graph_fail(graph, "%s reads a tap that does not exist", node->op->name);

    /* The graph keeps copies, of the operation's own constants too. */
    gr_node copy = *node;
    if (size) {
        void *own = gr_arena_alloc(graph->arena, size);
        memcpy(own, attr, size);
        copy.attr = own;
    }
    copy.segment = graph->inside ? graph->segments : 0;
    GR_PUSH(graph->node, graph->nodes, graph->node_room) = copy;
    return (gr_value)graph->nodes - 1;
}

gr_value gr__graph_add_tap(gr_graph *graph, const gr_node *node, const char *name) {
    for (size_t i = 0; i < graph->taps; i++)
        if (strcmp(graph->tap[i].name, name) == 0)
            return gr_graph_fail(graph, "two taps are named '%s'", name);

    /* The node and the tap name each other: the tap's number is known before it is added. */
    gr_node copy = *node;
    copy.point = (gr_tap)graph->taps;
    gr_value v = gr__graph_add(graph, &copy, NULL, 0);
    GR_PUSH(graph->tap, graph->taps, graph->tap_room) =
        (gr__named_tap){gr_arena_strdup(graph->arena, name), v, node->width};
    return v;
}

gr_tap gr_graph_tap(const gr_graph *graph, gr_value point) {
    for (size_t i = 0; i < graph->taps; i++)
        if (graph->tap[i].point == point)
            return (gr_tap)i;
    return GR_NONE;
}

int gr_graph_region(gr_graph *graph, const char *name) {
    for (size_t i = 0; i < graph->regions; i++)
        if (strcmp(graph->region[i].view.name, name) == 0)
            return (int)i;
    GR_PUSH(graph->region, graph->regions, graph->region_room) =
        (gr__region_lists){.view.name = gr_arena_strdup(graph->arena, name)};
    return (int)graph->regions - 1;
}

void gr_graph_region_rect(gr_graph *graph, int region, gr_rect rect) {
    gr__region_lists *r = &graph->region[region];
    const gr_param_def *def = gr__graph_param_def(graph, rect.param);
    if (!def) {
        gr_graph_fail(graph, "region '%s' names a parameter that does not exist", r->view.name);
        return;
    }

    /* A rectangle of the parameter with at least one row and column. */
    if (rect.lo0 < 0 || rect.lo0 >= rect.hi0 || rect.hi0 > def->rows || rect.lo1 < 0 || rect.lo1 >= rect.hi1 ||
        rect.hi1 > def->cols) {
        gr_graph_fail(graph, "region '%s': rows %d..%d, columns %d..%d do not fit %s [%d x %d]", r->view.name, rect.lo0,
                      rect.hi0, rect.lo1, rect.hi1, def->name, def->rows, def->cols);
        return;
    }
    GR_PUSH(r->rect, r->rects, r->rect_room) = rect;
}

void gr_graph_region_gate(gr_graph *graph, int region, gr_tap tap, int lo, int hi) {
    gr__region_lists *r = &graph->region[region];
    if (tap < 0 || (size_t)tap >= graph->taps || lo < 0 || lo >= hi || hi > graph->tap[tap].width) {
        gr_graph_fail(graph, "region '%s': columns %d..%d do not fit tap %d", r->view.name, lo, hi, tap);
        return;
    }
    GR_PUSH(r->gate, r->gates, r->gate_room) = (gr_gate){tap, lo, hi};
}

void gr_graph_segment_begin(gr_graph *graph) {
    if (graph->inside)
        gr_graph_fail(graph, "segment %d begins inside of another", graph->segments + 1);
    graph->segments++;
    graph->inside = true;
}

void gr_graph_segment_end(gr_graph *graph) {
    if (!graph->inside)
        gr_graph_fail(graph, "a segment ends that did not begin");
    graph->inside = false;
}

void gr_graph_loss(gr_graph *graph, gr_value v, double weight) {
    if (v < 0 || !graph->node[v].scalar)
        gr_graph_fail(graph, "a loss must be one number: use gr_mean");
    else
        GR_PUSH(graph->loss, graph->losses, graph->loss_room) = (gr__loss){v, weight};
}

void gr_graph_output(gr_graph *graph, const char *name, gr_value v) {
    if (v >= 0)
        GR_PUSH(graph->output, graph->outputs, graph->output_room) =
            (gr__named_value){gr_arena_strdup(graph->arena, name), v};
}

int gr_value_width(const gr_graph *graph, gr_value v) {
    return v >= 0 && (size_t)v < graph->nodes ? graph->node[v].width : 0;
}

int gr__value_most(const gr_graph *graph, gr_value v) {
    const int width = gr_value_width(graph, v);
    return width && graph->node[v].most ? graph->node[v].most : width;
}

bool gr_value_scalar(const gr_graph *graph, gr_value v) {
    return v >= 0 && (size_t)v < graph->nodes && graph->node[v].scalar;
}
