/* The multi-layer perceptron as a graph. */
#include <stdio.h>

#include "arch/arch_plan.h"
#include "gradroute/ops.h"

static gr_value linear(gr_graph *g, const gr__plan *plan, const gr_param *handle, gr_value x, const char *name) {
    gr_columns stop[GR_TERM_STOPS];
    gr_term term = {.x = x, .w = gr__plan_param_handle(plan, handle, GR_NONE, "%s", name), .stop = stop};
    term.stops = gr__plan_stops(plan, stop, GR_TERM_STOPS, gr__plan_find(plan, name));
    return gr_linear(g, 1, &term, gr__plan_param_handle(plan, handle, GR_NONE, "%s.bias", name), GR_NONE);
}

static gr_value row_loss(gr_graph *g, const gr_arch_def *def, gr_value out) {
    if (def->loss == GR_LOSS_CROSS_ENTROPY)
        return gr_cross_entropy(g, out);
    gr_value target = gr_input(g, 1, def->sizes[def->size_count - 1]);
    return def->loss == GR_LOSS_SQUARED ? gr_squared_error(g, out, target) : gr_absolute_error(g, out, target);
}

void gr__mlp_graph(gr_graph *graph, const gr__plan *plan, bool watch) {
    const gr_arch_def *def = plan->def;
    gr_param *handle;
    int *region;
    gr__plan_register(graph, plan, &handle, &region);
    gr_value x = gr_input(graph, 0, def->sizes[0]);
    for (int i = 0; i < plan->layers; i++) {
        char name[32];
        snprintf(name, sizeof name, "hidden.%d", i);
        x = gr__activation(graph, def->activation, linear(graph, plan, handle, x, name));
        if (gr__plan_penalised(plan, i))
            gr_graph_loss(graph, gr_mean(graph, gr_l1(graph, x)), def->l1);
        if (def->dropout > 0)
            x = gr_dropout(graph, x, def->dropout);
        x = gr__plan_strengths(graph, plan, handle, plan->mlp_span, i, x, 1);
        x = gr_tap_point(graph, x, name);
        gr__plan_gates(graph, plan, region, plan->mlp_span, i, gr_graph_tap(graph, x), 1);
        if (watch)
            gr_graph_output(graph, name, x);
    }
    gr_value out = linear(graph, plan, handle, x, "out"), loss = row_loss(graph, def, out);
    gr_graph_output(graph, "logits", out);
    gr_graph_output(graph, "row_loss", loss);
    gr_graph_loss(graph, gr_mean(graph, loss), 1);
    gr_free(handle);
    gr_free(region);
}
