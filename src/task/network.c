/* The network of a recipe before training: drawn from the seed, or a trained one with regions added. */
#include "task/network.h"

#include "gradroute/bundle.h"
#include "gradroute/surgery.h"

gr_status gr__network_new(gr_model **model, const gr_recipe *r, gr_error *err) {
    if (!r->from.path)
        return gr_arch_build(model, &r->model, r->seed, err);

    /* The whole model, with the regions that it was trained with; new units are drawn or put out 0 at first. */
    gr_bundle *bundle;
    gr_surgery_result out;
    GR_TRY(gr_bundle_load(&bundle, r->from.path, NULL, 0, err));
    gr_surgery_expand_def how = {.fresh = r->from.fresh, .seed = r->seed};

    /* The description that comes out is the recipe's own: the model alone is kept. */
    gr_status status = gr_surgery_expand(&out, bundle->def, bundle->model, &r->model, &how, err);
    if (status == GR_OK) {
        *model = out.model;
        gr_arch_free(out.def);
    }
    gr_bundle_free(bundle);
    return status;
}
