/* Selective gradient masking (Shilov et al. 2025, arXiv 2512.05648): labelled rows train their region alone and run
 * through the whole network; a share of core rows runs with every region off, so that the core learns to do without.
 * All else is plain.
 *
 * Closed for labelled rows is what the region does not own, but for what is joint. The published code closes less: it
 * leaves the bias of the logits joint, the final norm where it masks embeddings and norms, and layers that it does not
 * mask. joint: [embeddings, norms, "unembed.bias"] is its default, joint: ["norm*", "unembed.bias"] what it calls
 * masked embeddings. */
#include "route/internal.h"

enum { P_OFF };

/* The preset as routes: labelled rows, then core rows of which a part runs without regions. */
static void expand(gr_routes *routes, const gr_preset_def *def) {
    const char *all[GR__PRESET_REGIONS], *own[GR__PRESET_REGIONS];
    int count = gr__preset_all(all, routes, def);

    /* Labelled rows run through everything and train their region. */
    for (int k = 1; k <= routes->labels; k++) {
        gr_routes_add(routes, gr_label_bit(k), def->draw);
        gr_routes_option(routes, 1);
        gr_routes_open(routes, gr__preset_regions(own, routes, def, k), own);
        gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0);
        gr__preset_joint(routes, def);
    }

    /* A share of core rows runs without regions. */
    gr_routes_add(routes, GR_LABELS_CORE, def->draw);
    gr_routes_option(routes, def->value[P_OFF]);
    gr_routes_without(routes, count, all);
}

const gr_preset gr__preset_sgtm = {
    .name = "sgtm",
    .help = "labelled rows train their region alone; a share of core rows runs without regions",
    .option = {[P_OFF] = {"p_off", 0.1, 0, 1,
                          "share of core rows that run with the regions off; published: 0.1 to 0.25"}},
    .expand = expand,
};
