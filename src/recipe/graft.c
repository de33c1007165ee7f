/* Recipes out of other recipes. */
#include "recipe/graft.h"

#include "recipe/read.h"

gr_yaml *gr__recipe_said(const gr_recipe *recipe) { return gr_yaml_copy(recipe->root, true); }

gr_status gr__recipe_graft(gr_yaml *tree, const gr_yaml *sets, gr_error *err) {
    for (const gr_yaml *set = sets ? sets->first : NULL; set; set = set->next)
        GR_TRY(gr_yaml_graft(tree, set->key, set, err));
    return GR_OK;
}

gr_status gr__recipe_of(gr_recipe **recipe, gr_yaml *tree, const char *file, gr_error *err) {
    return gr__recipe_new(recipe, tree, file, NULL, 0, err);
}

gr_status gr__recipe_with(gr_recipe **recipe, const gr_recipe *base, const gr_yaml *sets, gr_error *err) {
    gr_yaml *tree = gr__recipe_said(base);
    gr_status status = gr__recipe_graft(tree, sets, err);
    *recipe = NULL;
    if (status != GR_OK)
        gr_yaml_free(tree);
    else
        status = gr__recipe_of(recipe, tree, base->file, err);
    return status;
}
