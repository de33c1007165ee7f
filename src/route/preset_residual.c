/* Residual group: the region brings residual dimensions of its own, so that the topic's words have somewhere to live.
 * Labelled rows run with their region alone and train nothing else. Core and unlabelled rows train the core without
 * regions; with probability p_cr one region is on and trains too, which makes it fit the core's rows and absorb what
 * unlabelled rows hold of its topic; with probability p_again they are shown once more and train only a region. */
#include "route/route_internal.h"

enum { P_CR, P_AGAIN };

/* One more option of the last route: `region` on, the others off, nothing but it trained. */
static void region_alone(gr_routes *routes, double share, const char *region, unsigned joint) {
    gr_routes_option(routes, share);
    gr_routes_only(routes, 1, &region);
    gr_routes_open(routes, 1, &region);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0);
    gr_route *route = &routes->route[routes->count - 1];
    route->option[route->options - 1].joint = joint;
}

static void expand(gr_routes *routes, const gr_preset_def *def) {
    const char *all[GR_ROUTE_LABELS_MAX];
    int count = gr__preset_others(all, routes, def, 0);
    for (int k = 1; k <= routes->labels; k++) {
        gr_routes_add(routes, gr_label_bit(k), def->draw);
        region_alone(routes, 1, gr__preset_region(routes, def, k), def->joint);
    }
    gr_routes_add(routes, GR_LABELS_CORE | GR_LABELS_UNLABELLED, def->draw);
    gr_routes_option(routes, 1 - def->value[P_CR]);
    gr_routes_without(routes, count, all);
    if (count > 1)
        gr_routes_one_of(routes, def->value[P_CR], count, all);
    if (def->value[P_AGAIN] <= 0)
        return;
    gr_routes_add(routes, GR_LABELS_CORE | GR_LABELS_UNLABELLED, GR_DRAW_SEQUENCE);
    routes->route[routes->count - 1].again = true;
    for (int i = 0; i < count; i++)
        region_alone(routes, def->value[P_AGAIN] / count, all[i], 0);
}

const gr_preset gr__preset_residual = {
    .name = "residual",
    .help = "labelled rows run with their region and train only it; core rows train the core, mostly without regions",
    .option = {[P_CR] = {"p_cr", 0.05, 0, 1, "probability that a core or unlabelled row has a region on and open"},
               [P_AGAIN] = {"p_again", 0, 0, 1,
                            "probability that a core or unlabelled row is shown once more and trains only a region"}},
    .expand = expand,
};
