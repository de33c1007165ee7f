/* The list of presets, and what they share. A preset is a published method written as routes. A new one: a file beside
 * this, its extern in internal.h, and a line here. */
#include <string.h>

#include "base/names.h"
#include "route/internal.h"

static const gr_preset *const presets[] = {
    &gr__preset_sgtm,
    &gr__preset_gram,
    &gr__preset_residual,
    &gr__preset_era,
};

int gr_presets(void) { return (int)(sizeof presets / sizeof *presets); }
const gr_preset *gr_preset_at(int index) { return presets[index]; }

const gr_preset *gr_preset_find(const char *name) {
    for (int i = 0; i < gr_presets(); i++)
        if (strcmp(presets[i]->name, name) == 0)
            return presets[i];
    return NULL;
}

gr_preset_def gr_preset_default(const gr_preset *preset) {
    gr_preset_def def = {.draw = GR_DRAW_SEQUENCE};
    for (int i = 0; i < GR_PRESET_OPTIONS; i++)
        def.value[i] = preset->option[i].value;
    return def;
}

gr_status gr_preset_expand(gr_routes *routes, const gr_preset *preset, const gr_preset_def *def, gr_error *err) {
    for (int i = 0; i < GR_PRESET_OPTIONS && preset->option[i].name; i++) {
        const gr_preset_option *option = &preset->option[i];
        if (!(def->value[i] >= option->lo && def->value[i] <= option->hi) && def->value[i] != option->value)
            return gr_error_set(err, GR_ERR_USAGE, preset->name, option->help, "%s is %g, not in %g to %g",
                                option->name, def->value[i], option->lo, option->hi);
    }
    preset->expand(routes, def);
    return GR_OK;
}

/* Adds a name to the list unless it is there, and returns the new length. */
static int add_once(const char **names, int count, const char *name) {
    if (count < GR__PRESET_REGIONS && !gr__has_text(names, count, name))
        names[count++] = name;
    return count;
}

/* Adds the regions of label k: those that the caller listed, or the one that is named as the label. */
static int add_regions(const char **names, int count, const gr_routes *routes, const gr_preset_def *def, int label) {
    const char *const *list = def->region ? def->region[label - 1] : NULL;
    if (!list)
        return add_once(names, count, routes->label[label - 1]);
    for (; *list; list++)
        count = add_once(names, count, *list);
    return count;
}

int gr__preset_regions(const char **names, const gr_routes *routes, const gr_preset_def *def, int label) {
    return add_regions(names, 0, routes, def, label);
}

void gr__preset_joint(gr_routes *routes, const gr_preset_def *def) {
    gr_route *route = &routes->route[routes->count - 1];
    route->option[route->options - 1].joint = def->joint;
    for (int i = 0; i < def->joint_names; i++)
        gr_routes_joint(routes, def->joint_name[i]);
}

int gr__preset_all(const char **names, const gr_routes *routes, const gr_preset_def *def) {
    int count = 0;
    for (int k = 1; k <= routes->labels; k++)
        count = add_regions(names, count, routes, def, k);
    return count;
}

/* Labels that have the region among theirs, as bits. */
static uint64_t labels_with(const gr_routes *routes, const gr_preset_def *def, const char *region) {
    const char *own[GR__PRESET_REGIONS];
    uint64_t labels = 0;
    for (int k = 1; k <= routes->labels; k++) {
        int count = gr__preset_regions(own, routes, def, k);
        labels |= gr__has_text(own, count, region) ? gr_label_bit(k) : 0;
    }
    return labels;
}

void gr__preset_beside(gr_routes *routes, const gr_preset_def *def, double chance) {
    const char *all[GR__PRESET_REGIONS];
    int count = gr__preset_all(all, routes, def);
    for (int i = 0; i < count; i++) {
        uint64_t others = 0;
        for (int k = 1; k <= routes->labels; k++)
            others |= gr_label_bit(k);
        others &= ~labels_with(routes, def, all[i]);
        if (others)
            gr_routes_subset(routes, others, def->draw, chance, 1, &all[i]);
    }
}
