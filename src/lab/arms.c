/* Arms: the models of one comparison, from the same start and over the same documents in the same order, each with one
 * thing changed. */
#include "lab/arms.h"

#include <string.h>

#include "method/training.h"

const gr__arm gr__arms[GR__ARMS] = {
    [GR__ARM_ROUTED] = {"routed", "{watch: true}", GR__ALWAYS},
    [GR__ARM_PLAIN] = {"plain", "{routes: none}", GR__LABELS},
    [GR__ARM_FILTERED] = {"filtered", "{routes: none, without: revealed, regions: out}", GR__LABELS},
    [GR__ARM_PERFECT] = {"perfect", "{routes: none, without: true_labels, regions: out}", GR__HIDDEN},
    [GR__ARM_PLACEBO] = {"placebo", "{labels: permuted}", GR__ASKED},
};

int gr__arm_named(const char *name) {
    for (int k = 0; k < GR__ARMS; k++)
        if (!strcmp(gr__arms[k].name, name))
            return k;
    return -1;
}

static bool hides_labels(const gr_recipe *recipe) {
    for (int k = 0; k < recipe->labels; k++)
        if (recipe->label[k].known < 1)
            return true;
    return false;
}

bool gr__arm_wanted(const gr_recipe *recipe, int arm) {
    int when = gr__arms[arm].when;
    for (int i = 0; i < recipe->twins; i++)
        if (!strcmp(recipe->twin[i], gr__arms[arm].name))
            return true;
    if (recipe->twins_said || when == GR__ALWAYS)
        return when == GR__ALWAYS;
    return when == GR__LABELS ? recipe->labels > 0 : when == GR__HIDDEN && hides_labels(recipe);
}

gr_status gr__arm_settings(gr_settings **settings, int arm, gr_error *err) {
    return gr__train_settings(settings, gr__arms[arm].options, err);
}
