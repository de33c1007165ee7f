/* Profiles: a model as it is used, with some regions off. */
#include <stdio.h>

#include "gradroute/model.h"

gr_status gr_profile_new(gr_tables **tables, const gr_model *model, const char *const *off, int count, gr_error *err) {
    /* Every name is looked for first, so that nothing is made in vain. */
    *tables = NULL;
    for (int i = 0; i < count; i++)
        if (gr_model_find_region(model, off[i]) == GR_NONE) {
            char known[256] = "it has no regions";
            for (int r = 0, at = 0; r < gr_model_regions(model) && at < (int)sizeof known; r++)
                at += snprintf(known + at, sizeof known - (size_t)at, "%s%s",
                               r ? ", " : "its regions: ", gr_model_region(model, r)->name);
            return gr_error_set(err, GR_ERR_USAGE, "model", known, "there is no region '%s'", off[i]);
        }

    /* One class, which all rows have. */
    *tables = gr_tables_new(model, 1);
    for (int i = 0; i < count; i++)
        gr_tables_gate(*tables, gr_model_find_region(model, off[i]), (double[]){0});
    gr_tables_finish(*tables);
    return GR_OK;
}
