/* Expand, route, ablate (Cloud et al. 2024, arXiv 2410.04332): labelled rows train the region through its activations,
 * while the gradient that reaches the other neurons of the same layers is weighed down, even turned round, by how much
 * the predicted token speaks of the topic. All else is plain, so the region learns from everything. The weight of a row
 * is 1 - w of its target (gr_route.frequency). */
#include "route/internal.h"

enum { ORIGINAL, BIAS, FORGET, RETAIN }; /* options of the preset */

/* The preset as routes: what labelled rows do, once for each label. */
static void expand(gr_routes *routes, const gr_preset_def *def) {
    const char *own[GR__PRESET_REGIONS];
    for (int k = 1; k <= routes->labels; k++) {
        int count = gr__preset_regions(own, routes, def, k);

        /* Rows of label k, weighed by how much their target speaks of the topic. */
        gr_routes_add(routes, gr_label_bit(k), def->draw);
        gr_route *route = &routes->route[routes->count - 1];
        route->mix = true;
        route->frequency = (gr_frequency){true, def->value[BIAS], def->value[FORGET], def->value[RETAIN]};

        /* The gradient passes the region's units whole, and the other units of their layers with weight `original`. */
        gr_routes_option(routes, 1);
        for (int i = 0; i < count; i++)
            gr_routes_effect(routes, GR_MODE_ACTIVATION, GR_SCOPE_REGION, own[i], 1);
        gr_routes_effect(routes, GR_MODE_ACTIVATION, GR_SCOPE_REST, NULL, def->value[ORIGINAL]);
    }
}

const gr_preset gr__preset_era = {
    .name = "era",
    .help = "labelled rows train their region through its activations, and turn the others of its layers away by token",
    .option = {[ORIGINAL] = {"original", -0.75, -10, 1, "weight of the other units' gradient at a token of the topic"},
               [BIAS] = {"bias", 4, -100, 100, "how much more frequent a token must be to be of the topic"},
               [FORGET] = {"smooth_forget", 1, 1e-9, 1e9, "count added to each token of the labelled text"},
               [RETAIN] = {"smooth_retain", 20, 1e-9, 1e9, "count added to each token of other text"}},
    .expand = expand,
};
