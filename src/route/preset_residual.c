/* Residual group: the region brings residual dimensions of its own, so that the topic's words have somewhere to live.
 * Labelled rows run with their region alone and train nothing else. Core and unlabelled rows train the core without
 * regions; with probability p_cr one region is on and trains too, which makes it fit the core's rows and absorb what
 * unlabelled rows hold of its topic; with probability p_repeat they are shown once more and train only a region.
 *
 * With `subset` several regions are on together, each by this chance, and with `beside` those of other labels beside a
 * label's own: regions that are only ever on alone are strangers to each other when several are on. */
#include "route/internal.h"

enum { P_CR, P_REPEAT, SUBSET, BESIDE };

/* One more option of the last route: these regions on, the others off (off: else as they are), nothing but them
 * trained. */
static void regions_alone(gr_routes *routes, double chance, bool off, int count, const char *const *region) {
    gr_routes_option(routes, chance);
    if (off)
        gr_routes_only(routes, count, region);
    gr_routes_open(routes, count, region);
    gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0);
}

/* The preset as routes: labelled rows, other rows, and what is shown once more. */
static void expand(gr_routes *routes, const gr_preset_def *def) {
    const char *all[GR__PRESET_REGIONS], *own[GR__PRESET_REGIONS];
    int count = gr__preset_all(all, routes, def);

    /* Labelled rows: their own region, and nothing else. */
    bool beside = def->value[BESIDE] > 0;
    for (int k = 1; k <= routes->labels; k++) {
        int regions = gr__preset_regions(own, routes, def, k);
        gr_routes_add(routes, gr_label_bit(k), def->draw);
        regions_alone(routes, 1, !beside, regions, own);
        gr__preset_joint(routes, def);
    }
    if (beside)
        gr__preset_beside(routes, def, def->value[BESIDE]);

    /* Other rows: the core without regions; or one region is on as well, everything open. With a single region "no
     * option drawn" already says so: the region is on and open. */
    gr_routes_add(routes, GR_LABELS_CORE | GR_LABELS_UNLABELLED, def->draw);
    gr_routes_option(routes, 1 - def->value[P_CR]);
    gr_routes_without(routes, count, all);
    if (def->value[SUBSET] >= 0)
        gr_routes_subset(routes, GR_LABELS_CORE | GR_LABELS_UNLABELLED, def->draw, def->value[SUBSET], count, all);
    else if (count > 1)
        gr_routes_one_of(routes, def->value[P_CR], count, all);

    /* A second showing of some of them, in which only one region trains. */
    if (def->value[P_REPEAT] <= 0)
        return;
    gr_routes_add(routes, GR_LABELS_CORE | GR_LABELS_UNLABELLED, GR_DRAW_SEQUENCE);
    routes->route[routes->count - 1].repeat = true;
    for (int i = 0; i < count; i++)
        regions_alone(routes, def->value[P_REPEAT] / count, true, 1, &all[i]);
}

const gr_preset gr__preset_residual = {
    .name = "residual",
    .help = "labelled rows run with their region and train only it; core rows train the core, mostly without regions",
    .option = {[P_CR] = {"p_cr", 0.05, 0, 1, "probability that a core or unlabelled row has a region on and open"},
               [P_REPEAT] = {"p_repeat", 0, 0, 1,
                             "probability that a core or unlabelled row is shown once more and trains only a region"},
               [SUBSET] = {"subset", -1, 0, 1, "chance of each region, in place of one, in what p_cr draws"},
               [BESIDE] = {"beside", -1, 0, 1, "chance that a labelled row runs with a region of another label"}},
    .expand = expand,
};
