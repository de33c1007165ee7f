/* Arms: the models of one comparison, from the same start and over the same documents in the same order, each with one
 * thing changed. */
#include "lab/arms.h"

#include <string.h>

#include "method/training.h"

const gr__arm gr__arms[GR__ARMS] = {
    [GR__ARM_ROUTED] = {"routed", "{watch: true}", 0},
    [GR__ARM_PLAIN] = {"plain", "{routes: none}", GR_TWIN_PLAIN},
    [GR__ARM_FILTERED] = {"filtered", "{routes: none, without: revealed, regions: out}", GR_TWIN_FILTERED},
    [GR__ARM_PERFECT] = {"perfect", "{routes: none, without: true_labels, regions: out}", GR_TWIN_PERFECT},
    [GR__ARM_PLACEBO] = {"placebo", "{labels: permuted}", GR_TWIN_PLACEBO},
};

int gr__arm_named(const char *name) {
    for (int k = 0; k < GR__ARMS; k++)
        if (!strcmp(gr__arms[k].name, name))
            return k;
    return -1;
}

bool gr__arm_wanted(const gr_recipe *recipe, int arm) {
    return gr__arms[arm].twin == 0 || (recipe->twins & gr__arms[arm].twin);
}

gr_status gr__arm_settings(gr_settings **settings, int arm, gr_error *err) {
    return gr__train_settings(settings, gr__arms[arm].options, err);
}
