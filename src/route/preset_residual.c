/* Residual group: the region brings residual dimensions of its own, so that the topic's words have somewhere to live.
 * Labelled rows run with their region alone and train nothing else. Core and unlabelled rows train the core without
 * regions; with probability p_cr one region is on and trains too, which makes it fit the core's rows and absorb what
 * unlabelled rows hold of its topic; with probability p_repeat they are shown once more and train only a region. */
#include "route/internal.h"

enum { P_CR, P_REPEAT };

/* One more option of the last route: these regions on, the others off, nothing but them trained. */
static void regions_alone(gr_routes *routes, double chance, int count, const char *const *region) {
    gr_routes_option(routes, chance);
    gr_routes_only(routes, count, region);
    gr_routes_open(routes, count, region);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0);
}

/* The preset as routes: labelled rows, other rows, and what is shown once more. */
static void expand(gr_routes *routes, const gr_preset_def *def) {
    const char *all[GR__PRESET_REGIONS], *own[GR__PRESET_REGIONS];
    int count = gr__preset_all(all, routes, def);

    /* Labelled rows: their own region, and nothing else. */
    for (int k = 1; k <= routes->labels; k++) {
        gr_routes_add(routes, gr_label_bit(k), def->draw);
        regions_alone(routes, 1, gr__preset_regions(own, routes, def, k), own);
        gr__preset_joint(routes, def);
    }

    /* Other rows: the core without regions; or one region is on as well, everything open. With a single region "no
     * option drawn" already says so: the region is on and open. */
    gr_routes_add(routes, GR_LABELS_CORE | GR_LABELS_UNLABELLED, def->draw);
    gr_routes_option(routes, 1 - def->value[P_CR]);
    gr_routes_without(routes, count, all);
    if (count > 1)
        gr_routes_one_of(routes, def->value[P_CR], count, all);

    /* A second showing of some of them, in which only one region trains. */
    if (def->value[P_REPEAT] <= 0)
        return;
    gr_routes_add(routes, GR_LABELS_CORE | GR_LABELS_UNLABELLED, GR_DRAW_SEQUENCE);
    routes->route[routes->count - 1].repeat = true;
    for (int i = 0; i < count; i++)
        regions_alone(routes, def->value[P_REPEAT] / count, 1, &all[i]);
}

const gr_preset gr__preset_residual = {
    .name = "residual",
    .help = "labelled rows run with their region and train only it; core rows train the core, mostly without regions",
    .option = {[P_CR] = {"p_cr", 0.05, 0, 1, "probability that a core or unlabelled row has a region on and open"},
               [P_REPEAT] = {"p_repeat", 0, 0, 1,
                             "probability that a core or unlabelled row is shown once more and trains only a region"}},
    .expand = expand,
};
