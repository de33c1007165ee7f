/* Modular pretraining (Roland et al. 2026, arXiv 2607.08077): a narrow module for each label beside the core. Labelled
 * rows run with their own module alone and train it, and with probability p_as the core too; core rows run without
 * modules, or with probability p_cr with one drawn at random, which then trains too. Unlabelled rows are plain.
 *
 * `subset` and `beside` are this project's: modules that are only ever on alone are strangers to each other when
 * several are on. */
#include "route/internal.h"

enum { P_AS, P_CR, SUBSET, BESIDE };

/* The preset as routes: labelled rows, then all others. */
static void expand(gr_routes *routes, const gr_preset_def *def) {
    const char *all[GR__PRESET_REGIONS], *own[GR__PRESET_REGIONS];
    int count = gr__preset_all(all, routes, def);

    /* Labelled rows: run with their own modules alone, always; and with probability 1 - p_as train nothing but them.
     * Two routes, because the second is drawn and the first is not. */
    for (int k = 1; k <= routes->labels; k++) {
        int modules = gr__preset_regions(own, routes, def, k);

        /* Modules of others that are on beside them learn nothing of these rows. */
        gr_routes_add(routes, gr_label_bit(k), def->draw);
        gr_routes_option(routes, 1);
        if (def->value[BESIDE] > 0) {
            gr_routes_open(routes, modules, own);
            gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_OTHERS, NULL, 0);
        } else {
            gr_routes_only(routes, modules, own);
        }

        gr_routes_add(routes, gr_label_bit(k), def->draw);
        gr_routes_option(routes, 1 - def->value[P_AS]);
        gr_routes_open(routes, modules, own);
        gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0);
        gr__preset_joint(routes, def);
    }

    if (def->value[BESIDE] > 0)
        gr__preset_beside(routes, def, def->value[BESIDE]);

    /* Core rows: without modules, or with one of them, or with each by a chance. */
    gr_routes_add(routes, GR_LABELS_CORE, def->draw);
    gr_routes_option(routes, 1 - def->value[P_CR]);
    gr_routes_without(routes, count, all);
    if (def->value[SUBSET] < 0)
        gr_routes_one_of(routes, def->value[P_CR], count, all);
    else
        gr_routes_subset(routes, GR_LABELS_CORE, def->draw, def->value[SUBSET], count, all);
}

const gr_preset gr__preset_gram = {
    .name = "gram",
    .help = "labelled rows run with their module alone and train it, now and then the core; core rows mostly without",
    .option = {[P_AS] = {"p_as", 0.5, 0, 1, "probability that a labelled row trains the core too"},
               [P_CR] = {"p_cr", 0.25, 0, 1, "probability that a core row runs with a module, drawn at random"},
               [SUBSET] = {"subset", -1, 0, 1, "chance of each module, in place of one, in what p_cr draws"},
               [BESIDE] = {"beside", -1, 0, 1, "chance that a labelled row runs with a module of another label"}},
    .expand = expand,
};
