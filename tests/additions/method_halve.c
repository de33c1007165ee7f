/* A method as somebody else would write it, with public headers alone: the parent's parameters times a factor. */
#include "gradroute/method.h"

static const gr_setting halve_options[] = {{.key = "by",
                                            .help = "factor of every parameter",
                                            .kind = GR_SETTING_REAL,
                                            .initial = {.number = 0.5},
                                            .min = 0,
                                            .max = 1},
                                           {0}};

static void halve_all(gr_model *model, double by) {
    for (int p = 0; p < gr_model_params(model); p++) {
        size_t n = (size_t)gr_model_param(model, p)->rows * (size_t)gr_model_param(model, p)->cols;
        for (size_t i = 0; i < n; i++)
            gr_model_data(model, p)[i] *= (gr_real)by;
    }
}

static gr_status halve_make(gr_made *made, const gr_making *m, gr_error *err) {
    gr_bundle *bundle;
    *made = (gr_made){0};

    /* The parent on disk, so that the one in memory stays as it is. */
    GR_TRY(gr_bundle_load(&bundle, m->parent->path, NULL, 0, err));
    halve_all(bundle->model, gr_settings_get(m->settings, "by")->number);
    gr_status status = gr_made_save(made, m, bundle->def, bundle->model, err);
    gr_bundle_free(bundle);
    return status;
}

static const gr_method method_halve = {
    .name = "halve",
    .help = "the parent's parameters times a factor",
    .doing = "halving",
    .revision = 1,
    .from = true,
    .sees = GR_SEES_REVEALED,
    .option = halve_options,
    .make = halve_make,
};
