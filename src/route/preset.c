/* The list of presets, and what they share. A new one: a file beside this, its extern in
 * route_internal.h, and a line here. */
#include <string.h>

#include "route/route_internal.h"

static const gr_preset *const presets[] = {
    &gr__preset_sgtm,
    &gr__preset_gram,
    &gr__preset_residual,
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
        if (!(def->value[i] >= option->lo && def->value[i] <= option->hi))
            return gr_error_set(err, GR_ERR_USAGE, preset->name, option->help, "%s is %g, not in %g to %g",
                                option->name, def->value[i], option->lo, option->hi);
    }
    preset->expand(routes, def);
    return GR_OK;
}

const char *gr__preset_region(const gr_routes *routes, const gr_preset_def *def, int label) {
    return def->region && def->region[label - 1] ? def->region[label - 1] : routes->label[label - 1];
}

int gr__preset_others(const char **names, const gr_routes *routes, const gr_preset_def *def, int label) {
    int count = 0;
    for (int k = 1; k <= routes->labels; k++) {
        const char *name = gr__preset_region(routes, def, k);
        bool skip = label && strcmp(name, gr__preset_region(routes, def, label)) == 0;
        for (int i = 0; i < count; i++)
            skip = skip || strcmp(names[i], name) == 0;
        if (!skip)
            names[count++] = name;
    }
    return count;
}
